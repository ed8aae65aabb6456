//! EscrowBuffer on motsu: every function, error, event and access rule. What InsufficientGas is about, and re-entry, only the
//! devnet can show.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod neighbours;

use std::borrow::BorrowMut;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    erc20::SafeERC20FailedOperation,
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    returns::Returns,
};
use bpe_testing::{Behaviour, Token};
use contract::*;
use motsu::prelude::*;
use neighbours::{Gda, Pools, Registry, Streams};
use stylus_sdk::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
const CODE: B256 = B256::repeat_byte(0xc0);
const CHAT: B256 = B256::repeat_byte(0xca);
const NOWHERE: B256 = B256::repeat_byte(0x99);
const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);
const BOB: Address = Address::repeat_byte(0x0b);
const X: Address = Address::repeat_byte(0xa1);
const Y: Address = Address::repeat_byte(0xa2);
const Z: Address = Address::repeat_byte(0xa3);
const DAY: u64 = 86_400;

fn n(number: u64) -> U256 {
    U256::from(number)
}

fn tokens(amount: u64) -> U256 {
    ONE * n(amount)
}

fn ownable_of(escrow: &mut EscrowBuffer) -> &mut Ownable {
    escrow.borrow_mut()
}

/// A connected buffer; two task types, with the sinks X (1 unit) and Y (3 units) each; a million tokens for Alice and Bob.
struct World {
    escrow: Contract<EscrowBuffer>,
    token: Contract<Token>,
    registry: Contract<Registry>,
    pools: Contract<Pools>,
    gda: Contract<Gda>,
    streams: Contract<Streams>,
}

impl World {
    fn unconnected() -> Self {
        let world = Self {
            escrow: Contract::new(),
            token: Contract::new(),
            registry: Contract::new(),
            pools: Contract::new(),
            gda: Contract::new(),
            streams: Contract::new(),
        };
        world
            .escrow
            .sender(OWNER)
            .constructor(world.token.address(), world.registry.address(), OWNER)
            .motsu_unwrap();
        for id in [CODE, CHAT] {
            world.set_sinks(id, &[(X, 1), (Y, 3)]);
        }
        for source in [ALICE, BOB] {
            world.token.sender(OWNER).mint(source, tokens(1_000_000));
        }
        world.pools.sender(OWNER).set_pool(world.gda.address());
        world
    }

    fn new() -> Self {
        let world = Self::unconnected();
        world
            .escrow
            .sender(OWNER)
            .connect(world.pools.address(), world.streams.address())
            .motsu_unwrap();
        world
    }

    fn set_sinks(&self, id: B256, sinks: &[(Address, u64)]) {
        let (sinks, capacities) = sinks
            .iter()
            .map(|(sink, units)| (*sink, UNIT * n(*units)))
            .unzip();
        self.registry.sender(OWNER).set_sinks(id, sinks, capacities);
    }

    fn behave(&self, behaviour: Behaviour) {
        self.token.sender(OWNER).behave(behaviour as u8);
    }

    fn try_deposit(&self, source: Address, amount: U256) -> Result<(), Error> {
        self.escrow.sender(source).deposit(CODE, amount).motsu_res()
    }

    fn deposit(&self, source: Address, amount: U256) {
        self.try_deposit(source, amount).unwrap();
    }

    fn drain(&self) -> Result<(), Error> {
        self.escrow.sender(BOB).drain(CODE).motsu_res()
    }

    fn reclaim(&self, source: Address, index: u64) -> Result<(), Error> {
        self.escrow
            .sender(source)
            .reclaim(CODE, n(index))
            .motsu_res()
    }

    fn set_max(&self, max: U256) {
        self.escrow
            .sender(OWNER)
            .set_buffer_max(CODE, max)
            .motsu_unwrap();
    }

    fn price(&self, value: U256) {
        self.pools.sender(OWNER).set_free_value(true, value);
    }

    /// Overflow of these sources, in all of `amount` tokens' wei, that has arrived in the pool.
    fn overflow(&self, of: &[(Address, U256)], arrived: U256) {
        for (source, amount) in of {
            self.streams
                .sender(OWNER)
                .set_overflow(self.gda.address(), *source, *amount);
        }
        self.gda.sender(OWNER).accrue(self.token.address(), arrived);
    }

    fn sync(&self, sources: &[Address]) -> Result<U256, Error> {
        self.escrow
            .sender(BOB)
            .sync(CODE, sources.to_vec())
            .motsu_res()
    }

    fn balance(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance(account)
    }

    fn held(&self) -> U256 {
        self.balance(self.escrow.address())
    }

    fn level(&self) -> U256 {
        self.escrow.sender(OWNER).buffer_level(CODE)
    }

    fn bounds(&self) -> (U256, U256) {
        self.escrow.sender(OWNER).queue_bounds(CODE)
    }

    fn amounts(&self) -> Vec<U256> {
        let all = n(1_000);
        let Returns((_, amounts, _)) = self.escrow.sender(OWNER).get_deposits(CODE, n(0), all);
        amounts
    }

    fn source_level(&self, source: Address) -> U256 {
        self.escrow.sender(OWNER).source_level(CODE, source)
    }

    fn liabilities(&self) -> (U256, U256) {
        self.escrow.sender(OWNER).get_liabilities()
    }

    fn round(&self) -> (U256, U256, U256, U256) {
        self.escrow.sender(OWNER).get_round(CODE)
    }
}

const NO_ROUND: (U256, U256, U256, U256) = (U256::ZERO, U256::ZERO, U256::ZERO, U256::ZERO);

fn nothing_to_drain() -> Result<(), Error> {
    Err(NothingToDrain {}.into())
}

// --- Construction and wiring

#[motsu::test]
fn constructor_sets_what_it_is_given() {
    let world = World::unconnected();
    let it = world.escrow.sender(ALICE);
    assert_eq!(it.token(), world.token.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.reclaim_timeout(), n(DAY));
    assert_eq!(it.backpressure_pool(), Address::ZERO);
    assert_eq!(it.source_streams(), Address::ZERO);
    assert_eq!(it.get_liabilities(), (n(0), n(0)));
    drop(it);
    let mut it = world.escrow.sender(ALICE);
    assert_eq!(ownable_of(&mut it).owner(), OWNER);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let escrow = Contract::<EscrowBuffer>::new();
    let (token, registry) = (Contract::<Token>::new(), Contract::<Registry>::new());
    let error = escrow
        .sender(ALICE)
        .constructor(ALICE, registry.address(), OWNER)
        .motsu_unwrap_err();
    assert_eq!(error, NotAContract { account: ALICE }.into());
    let error = escrow
        .sender(ALICE)
        .constructor(token.address(), BOB, OWNER)
        .motsu_unwrap_err();
    assert_eq!(error, NotAContract { account: BOB }.into());
    let error = escrow
        .sender(ALICE)
        .constructor(token.address(), registry.address(), Address::ZERO)
        .motsu_unwrap_err();
    let no_owner = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(error, Error::Ownable(no_owner.into()));
}

#[motsu::test]
fn neighbours_are_connected_once() {
    let world = World::unconnected();
    let (pools, streams) = (world.pools.address(), world.streams.address());
    let connect = |pool: &Address, streams: &Address| {
        world
            .escrow
            .sender(OWNER)
            .connect(*pool, *streams)
            .motsu_res()
    };
    let no_contract = Err(NotAContract { account: ALICE }.into());
    assert_eq!(connect(&ALICE, &streams), no_contract);
    assert_eq!(connect(&pools, &ALICE), no_contract);
    assert_eq!(connect(&pools, &streams), Ok(()));
    world.escrow.assert_emitted(&Connected {
        backpressurePool: pools,
        sourceStreams: streams,
    });
    assert_eq!(world.escrow.sender(ALICE).backpressure_pool(), pools);
    assert_eq!(world.escrow.sender(ALICE).source_streams(), streams);
    assert_eq!(connect(&streams, &pools), Err(AlreadyConnected {}.into()));
    assert_eq!(world.escrow.sender(ALICE).backpressure_pool(), pools);
}

#[motsu::test]
fn only_the_owner_sets_things() {
    let world = World::unconnected();
    let (pools, streams) = (world.pools.address(), world.streams.address());
    let refused = || {
        let account = ALICE;
        Err(Error::Ownable(ownable::Error::Unauthorized(
            OwnableUnauthorizedAccount { account },
        )))
    };
    let it = world.escrow.sender(ALICE).connect(pools, streams);
    assert_eq!(it.motsu_res(), refused());
    let it = world.escrow.sender(ALICE).set_buffer_max(CODE, ONE);
    assert_eq!(it.motsu_res(), refused());
    let it = world.escrow.sender(ALICE).set_reclaim_timeout(n(DAY));
    assert_eq!(it.motsu_res(), refused());
}

/// Every field of the storage has a place of its own.
#[motsu::test]
fn storage_does_not_overlap() {
    let world = World::new();
    world.set_max(tokens(20));
    let timeout = world.escrow.sender(OWNER).set_reclaim_timeout(n(7_200));
    timeout.motsu_unwrap();
    world.price(n(77));
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    world.escrow.assert_emitted(&BaselineSet {
        taskTypeId: CODE,
        value: n(77),
    });
    many_sinks(&world, CODE, 40);
    world.price(tokens(4) + n(77));
    world.drain().unwrap();
    let it = world.escrow.sender(ALICE);
    let paid = tokens(4) * n(32) / n(40);
    assert_eq!(it.get_round(CODE), (tokens(4), paid, n(32), n(40)));
    assert_eq!(it.buffer_level(CODE), tokens(4) - paid);
    assert_eq!(it.buffer_max(CODE), tokens(20));
    assert_eq!(it.queue_bounds(CODE), (n(0), n(1)));
    assert_eq!(it.get_liabilities(), (tokens(4) - paid, n(0)));
    assert_eq!(it.reclaim_timeout(), n(7_200));
    assert_eq!(it.token(), world.token.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.source_streams(), world.streams.address());
    assert_eq!(it.reclaimable_at(CODE, n(0)), n(timestamp() + 7_200));
    let expected = (vec![ALICE], vec![tokens(4) - paid], vec![n(timestamp())]);
    assert_eq!(it.get_deposits(CODE, n(0), n(9)), Returns(expected));
}

// --- Deposits

#[motsu::test]
fn deposits_queue_with_source_and_time() {
    let world = World::new();
    world.deposit(ALICE, tokens(10));
    world.escrow.assert_emitted(&Deposited {
        taskTypeId: CODE,
        source: ALICE,
        amount: tokens(10),
    });
    world.escrow.assert_emitted(&PressureChanged {
        taskTypeId: CODE,
        newPressure: n(0),
        timestamp: n(timestamp()),
    });
    let first = timestamp();
    advance_time(7);
    world.deposit(BOB, tokens(5));
    world.deposit(ALICE, tokens(1));
    assert_eq!(world.level(), tokens(16));
    assert_eq!(world.held(), tokens(16));
    assert_eq!(world.balance(ALICE), tokens(1_000_000 - 11));
    assert_eq!(world.liabilities(), (tokens(16), n(0)));
    assert_eq!(world.source_level(ALICE), tokens(11));
    assert_eq!(world.source_level(BOB), tokens(5));
    assert_eq!(world.source_level(X), n(0));
    assert_eq!(world.bounds(), (n(0), n(3)));
    let it = world.escrow.sender(X);
    let all = (
        vec![ALICE, BOB, ALICE],
        vec![tokens(10), tokens(5), tokens(1)],
        vec![n(first), n(first + 7), n(first + 7)],
    );
    assert_eq!(it.get_deposits(CODE, n(0), U256::MAX), Returns(all));
    let one = (vec![BOB], vec![tokens(5)], vec![n(first + 7)]);
    assert_eq!(it.get_deposits(CODE, n(1), n(1)), Returns(one));
    let none = Returns((vec![], vec![], vec![]));
    assert_eq!(it.get_deposits(CODE, n(3), n(5)), none);
    assert_eq!(it.get_deposits(CODE, U256::MAX, U256::MAX), none);
    assert_eq!(it.buffer_level(CHAT), n(0));
    assert_eq!(it.queue_bounds(CHAT), (n(0), n(0)));
}

#[motsu::test]
fn deposit_refuses_nothing_and_nowhere() {
    let world = World::new();
    assert_eq!(world.try_deposit(ALICE, n(0)), Err(ZeroAmount {}.into()));
    let error = world.escrow.sender(ALICE).deposit(NOWHERE, ONE);
    assert_eq!(error.motsu_res(), Err(TaskTypeDoesNotExist {}.into()));
}

#[motsu::test]
fn deposit_works_before_anything_is_connected_and_drain_too() {
    let world = World::unconnected();
    world.deposit(ALICE, tokens(4));
    assert_eq!(world.sync(&[ALICE]), Err(PoolDoesNotExist {}.into()));
    world.drain().unwrap();
    assert_eq!(world.balance(Y), tokens(3));
}

#[motsu::test]
fn deposit_refuses_more_than_it_can_keep() {
    let world = World::new();
    let most = (n(1) << 112) - n(1);
    world.token.sender(OWNER).mint(ALICE, most);
    world.deposit(ALICE, most);
    let error = AmountTooLarge {
        amount: most + n(1),
    };
    assert_eq!(world.try_deposit(BOB, n(1)), Err(error.into()));
    assert_eq!((world.level(), world.held()), (most, most));
}

/// What counts is what arrives.
#[motsu::test]
fn a_token_creates_no_deposit_out_of_nothing() {
    let world = World::new();
    let failed = || {
        Err(SafeERC20FailedOperation {
            token: world.token.address(),
        })
    };
    for (behaviour, outcome) in [
        (Behaviour::Standard, Ok(tokens(10))),
        (Behaviour::NoReturn, Ok(tokens(10))),
        (Behaviour::Fee, Ok(tokens(9))),
        (Behaviour::Doubles, Ok(tokens(10))),
        (Behaviour::ReturnsFalse, failed()),
        (Behaviour::Lies, failed()),
        (Behaviour::ReturnsTwo, failed()),
        (Behaviour::ReturnsShort, failed()),
        (Behaviour::Reverts, failed()),
    ] {
        world.behave(behaviour);
        let before = world.level();
        let result = world.try_deposit(ALICE, tokens(10));
        assert_eq!(
            result,
            outcome.clone().map(drop).map_err(Error::Erc20),
            "{behaviour:?}"
        );
        let booked = world.level() - before;
        assert_eq!(booked, outcome.unwrap_or_default(), "{behaviour:?}");
        assert!(world.held() >= world.level(), "{behaviour:?}");
    }
}

// --- Limits and signals

#[motsu::test]
fn the_limit_is_what_fits() {
    let world = World::new();
    world.set_max(tokens(10));
    world.escrow.assert_emitted(&BufferMaxSet {
        taskTypeId: CODE,
        maxBuffer: tokens(10),
    });
    assert_eq!(world.escrow.sender(X).buffer_max(CODE), tokens(10));
    world.deposit(ALICE, tokens(6));
    let error = BufferExceedsMax {
        attempted: tokens(10) + n(1),
        max: tokens(10),
    };
    let result = world.try_deposit(BOB, tokens(4) + n(1));
    assert_eq!(result, Err(error.into()));
    assert_eq!(world.balance(BOB), tokens(1_000_000), "went back");
    let full = BufferFull {
        taskTypeId: CODE,
        bufferLevel: tokens(10),
    };
    assert!(!world.escrow.sender(X).is_full(CODE));
    assert!(!world.escrow.emitted(&full));
    world.deposit(BOB, tokens(4));
    assert!(world.escrow.sender(X).is_full(CODE));
    world.escrow.assert_emitted(&full);
    world.set_max(n(0));
    assert!(!world.escrow.sender(X).is_full(CODE));
    world.deposit(BOB, tokens(1_000));
}

#[motsu::test]
fn dust_of_the_pools_is_swept_for_nobody() {
    let world = World::new();
    world.set_max(tokens(1));
    let pool = world.pools.address();
    assert_eq!(world.escrow.sender(X).sweep(CODE), Ok(n(0)));
    assert_eq!(world.level(), n(0));
    world.token.sender(OWNER).mint(pool, tokens(3));
    // It is here already, whatever the limit.
    assert_eq!(world.escrow.sender(X).sweep(CODE), Ok(tokens(3)));
    assert_eq!(world.balance(pool), n(0));
    assert_eq!(world.source_level(Address::ZERO), tokens(3));
    assert_eq!(world.level(), tokens(3));
    world.escrow.assert_emitted(&Deposited {
        taskTypeId: CODE,
        source: Address::ZERO,
        amount: tokens(3),
    });
    world.pools.sender(OWNER).set_pool(Address::ZERO);
    let error = world.escrow.sender(X).sweep(CODE).motsu_unwrap_err();
    assert_eq!(error, PoolDoesNotExist {}.into());
}

#[motsu::test]
fn buffer_max_has_bounds() {
    let world = World::new();
    let error = world
        .escrow
        .sender(OWNER)
        .set_buffer_max(CODE, U256::MAX)
        .motsu_unwrap_err();
    assert_eq!(error, AmountTooLarge { amount: U256::MAX }.into());
}

#[motsu::test]
fn pressure_is_level_by_limit() {
    let world = World::new();
    let pressure = || world.escrow.sender(X).get_escrow_pressure(CODE);
    world.deposit(ALICE, tokens(2));
    assert_eq!(pressure(), n(0), "no limit");
    world.set_max(tokens(3));
    let two_thirds = n(666_666_666_666_666_666);
    assert_eq!(pressure(), two_thirds);
    let event = |pressure: &U256| PressureChanged {
        taskTypeId: CODE,
        newPressure: *pressure,
        timestamp: n(timestamp()),
    };
    world.escrow.assert_emitted(&event(&two_thirds));
    world.deposit(ALICE, tokens(1));
    assert_eq!(pressure(), ONE);
    world.escrow.assert_emitted(&event(&ONE));
    world.set_max(tokens(2));
    assert_eq!(pressure(), n(1_500_000_000_000_000_000), "above the limit");
    world.set_max(tokens(12));
    advance_time(1);
    world.drain().unwrap();
    assert_eq!(pressure(), n(0));
    world.escrow.assert_emitted(&event(&n(0)));
}

#[motsu::test]
fn sources_of_a_nearly_full_buffer_should_slow_down() {
    let world = World::new();
    world.set_max(n(101));
    let slow = |source: &Address| world.escrow.sender(X).should_slow_down(CODE, *source);
    let event = |source: &Address| SlowDown {
        taskTypeId: CODE,
        source: *source,
    };
    world.deposit(ALICE, n(90));
    assert!(!slow(&ALICE), "90 of 101 is less than 90 %");
    assert!(!world.escrow.emitted(&event(&ALICE)));
    world.deposit(BOB, n(1));
    assert!(slow(&BOB) && slow(&ALICE));
    assert!(!slow(&X), "has nothing there");
    world.escrow.assert_emitted(&event(&BOB));
    assert!(!world.escrow.emitted(&event(&ALICE)));
    world.set_max(n(0));
    assert!(!slow(&BOB), "no limit");
}

// --- Overflow

#[motsu::test]
fn sync_books_overflow_by_source() {
    let world = World::new();
    world.set_max(tokens(4));
    let unknown = Address::ZERO;
    world.overflow(
        &[(ALICE, tokens(3)), (BOB, tokens(2)), (unknown, n(7))],
        tokens(5) + n(7),
    );
    // X has no overflow, Bob is named twice.
    let booked = world.sync(&[ALICE, X, BOB, BOB, unknown]);
    assert_eq!(booked, Ok(tokens(5) + n(7)));
    assert_eq!(world.held(), tokens(5) + n(7));
    assert_eq!(world.level(), tokens(5) + n(7));
    assert_eq!(world.amounts(), [tokens(3), tokens(2), n(7)]);
    assert_eq!(world.source_level(ALICE), tokens(3));
    assert_eq!(world.source_level(BOB), tokens(2));
    assert_eq!(world.source_level(unknown), n(7));
    assert_eq!(world.source_level(X), n(0), "not that of the unknown");
    for (source, amount) in [(ALICE, tokens(3)), (BOB, tokens(2)), (unknown, n(7))] {
        world.escrow.assert_emitted(&Deposited {
            taskTypeId: CODE,
            source,
            amount,
        });
    }
    // The limit does not refuse it, it only says so.
    world.escrow.assert_emitted(&BufferFull {
        taskTypeId: CODE,
        bufferLevel: tokens(5) + n(7),
    });
    world.escrow.assert_emitted(&SlowDown {
        taskTypeId: CODE,
        source: BOB,
    });
    assert_eq!(world.sync(&[ALICE, BOB]), Ok(n(0)), "nothing is left");
    assert_eq!(world.bounds(), (n(0), n(3)));
}

/// Nobody can reclaim overflow that no source is known for, and it drains like any other.
#[motsu::test]
fn overflow_of_nobody_drains() {
    let world = World::new();
    world.overflow(&[(Address::ZERO, tokens(4))], tokens(4));
    world.sync(&[Address::ZERO]).unwrap();
    advance_time(DAY);
    let nobodys = NotDepositor {
        source: Address::ZERO,
    };
    assert_eq!(world.reclaim(ALICE, 0), Err(nobodys.into()));
    world.drain().unwrap();
    assert_eq!((world.balance(X), world.balance(Y)), (ONE, tokens(3)));
    assert_eq!(world.source_level(Address::ZERO), n(0));
}

#[motsu::test]
fn sync_books_no_more_than_is_there() {
    let world = World::new();
    world.deposit(ALICE, tokens(10));
    world.overflow(&[(BOB, tokens(3))], tokens(3) - n(1));
    let error = Insolvent {
        balance: tokens(13) - n(1),
        owed: tokens(13),
    };
    assert_eq!(world.sync(&[BOB]), Err(error.into()));
    assert_eq!(world.level(), tokens(10));
    // Credits count as well.
    world.token.sender(OWNER).refuse(Y, true);
    world.drain().unwrap();
    assert_eq!(world.liabilities(), (n(0), tokens(10) * n(3) / n(4)));
    let error = Insolvent {
        balance: n(7_500_000_000_000_000_000) + tokens(3) - n(1),
        owed: n(7_500_000_000_000_000_000) + tokens(3),
    };
    assert_eq!(world.sync(&[BOB]), Err(error.into()));
    world.token.sender(OWNER).mint(world.escrow.address(), n(1));
    assert_eq!(world.sync(&[BOB]), Ok(tokens(3)));
}

#[motsu::test]
fn sync_refuses_too_much() {
    let world = World::new();
    let many = [ALICE; MAX_SOURCES_PER_SYNC + 1];
    let error = TooManySources {
        count: n(65),
        max: n(64),
    };
    assert_eq!(world.sync(&many), Err(error.into()));
    assert_eq!(world.sync(&many[1..]), Ok(n(0)));
    let too_large = n(1) << 112;
    world.overflow(&[(ALICE, too_large)], too_large);
    let error = AmountTooLarge { amount: too_large };
    assert_eq!(world.sync(&[ALICE]), Err(error.into()));
}

/// Buffers are kept to 112 bits each, and all of them together to 128: 65 536 full ones, and one wei more.
#[motsu::test]
fn all_buffers_together_are_bounded() {
    let world = World::new();
    // `booked` is the lower half of slot 6.
    let slot = n(6);
    world.deposit(ALICE, n(1));
    let context = world.escrow.sender(OWNER);
    let mut word = context.vm().storage_load_bytes32(slot);
    assert_eq!(word[16..], n(1).to_be_bytes::<32>()[16..]);
    word[16..].fill(0xff);
    // SAFETY: nothing has read the slot into anything that lives on.
    unsafe { context.vm().storage_cache_bytes32(slot, word) };
    drop(context);
    let error = AmountTooLarge {
        amount: n(1) << 128,
    };
    assert_eq!(world.try_deposit(ALICE, n(1)), Err(error.into()));
}

#[motsu::test]
fn sync_needs_a_pool_and_passes_reverts_on() {
    let world = World::new();
    world.gda.sender(OWNER).set_refuses(true);
    assert!(matches!(world.sync(&[]), Err(Error::Revert(Revert(_)))));
    world.pools.sender(OWNER).set_pool(Address::ZERO);
    assert_eq!(world.sync(&[ALICE]), Err(PoolDoesNotExist {}.into()));
}

// --- Draining

#[motsu::test]
fn drain_pays_in_proportion_and_oldest_first() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.deposit(BOB, tokens(8));
    world.price(n(0));
    world.drain().unwrap();
    world.price(tokens(5));
    world.drain().unwrap();
    assert_eq!(world.balance(X), tokens(5) / n(4));
    assert_eq!(world.balance(Y), tokens(5) * n(3) / n(4));
    for (sink, amount) in [(X, tokens(5) / n(4)), (Y, tokens(15) / n(4))] {
        world.escrow.assert_emitted(&Drained {
            taskTypeId: CODE,
            sink,
            amount,
        });
    }
    assert_eq!(world.amounts(), [n(0), tokens(7)]);
    assert_eq!(world.bounds(), (n(1), n(2)));
    assert_eq!(world.level(), tokens(7));
    assert_eq!(world.liabilities(), (tokens(7), n(0)));
    assert_eq!(world.source_level(ALICE), n(0));
    assert_eq!(world.source_level(BOB), tokens(7));
    assert_eq!(world.escrow.sender(X).reclaimable_at(CODE, n(0)), n(0));
    assert_eq!(world.round(), NO_ROUND);
}

#[motsu::test]
fn drain_without_a_price_pays_everything() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.deposit(BOB, tokens(4));
    world.drain().unwrap();
    assert_eq!((world.balance(X), world.balance(Y)), (tokens(2), tokens(6)));
    assert_eq!(world.level(), n(0));
    assert_eq!(world.bounds(), (n(2), n(2)));
    assert_eq!(world.drain(), nothing_to_drain());
}

#[motsu::test]
fn nothing_drains_without_sinks_or_capacity() {
    let world = World::new();
    assert_eq!(world.drain(), nothing_to_drain(), "nothing there");
    world.deposit(ALICE, tokens(4));
    world.set_sinks(CODE, &[]);
    assert_eq!(world.drain(), nothing_to_drain(), "no sinks");
    world.set_sinks(CODE, &[(X, 0), (Y, 0)]);
    assert_eq!(world.drain(), nothing_to_drain(), "no capacity");
    world.set_sinks(CODE, &[(X, 0), (Y, 1)]);
    world.drain().unwrap();
    assert_eq!((world.balance(X), world.balance(Y)), (n(0), tokens(4)));
}

/// Shares are rounded down; what is left over stays in the queue, its source's as before.
#[motsu::test]
fn rounding_dust_stays() {
    let world = World::new();
    world.set_sinks(CODE, &[(X, 1), (Y, 1), (Z, 1)]);
    world.deposit(ALICE, n(98));
    world.deposit(BOB, n(2));
    world.drain().unwrap();
    assert_eq!([X, Y, Z].map(|sink| world.balance(sink)), [n(33); 3]);
    assert_eq!(world.amounts(), [n(0), n(1)]);
    assert_eq!(world.level(), n(1));
    assert_eq!(world.source_level(BOB), n(1));
    // Less than a wei each: those get it for whom it is enough.
    world.drain().unwrap();
    assert_eq!(
        [X, Y, Z].map(|sink| world.balance(sink)),
        [n(34), n(33), n(33)]
    );
    assert_eq!(world.level(), n(0));
}

/// Deposits of next to nothing, and such as were taken back, do not hold up what is behind them.
#[motsu::test]
fn dust_cannot_block_the_queue() {
    let world = World::new();
    world.deposit(ALICE, n(1));
    for _ in 0..100 {
        world.deposit(ALICE, n(1));
    }
    world.deposit(BOB, tokens(4));
    advance_time(DAY);
    for index in 1..=100 {
        world.reclaim(ALICE, index).unwrap();
    }
    // The wei, and the first 31 of the empty ones; 32 of them; 32; the last 6, and Bob's.
    world.drain().unwrap();
    assert_eq!(world.balance(X), n(1));
    assert_eq!(world.bounds(), (n(1), n(102)));
    world.drain().unwrap();
    assert_eq!(world.bounds(), (n(33), n(102)));
    world.drain().unwrap();
    assert_eq!(world.bounds(), (n(65), n(102)));
    world.drain().unwrap();
    assert_eq!(world.bounds(), (n(97), n(102)));
    assert_eq!(world.balance(Y), n(0));
    world.drain().unwrap();
    assert_eq!(
        (world.balance(X), world.balance(Y)),
        (ONE + n(1), tokens(3))
    );
    assert_eq!(world.bounds(), (n(102), n(102)));
}

#[motsu::test]
fn a_drain_takes_from_32_deposits() {
    let world = World::new();
    for _ in 0..33 {
        world.deposit(ALICE, n(4));
    }
    world.drain().unwrap();
    assert_eq!((world.balance(X), world.balance(Y)), (n(32), n(96)));
    assert_eq!(world.bounds(), (n(32), n(33)));
    world.drain().unwrap();
    assert_eq!(world.level(), n(0));
}

// --- What may drain

#[motsu::test]
fn a_price_limits_what_drains() {
    let world = World::new();
    world.price(tokens(1_000));
    world.deposit(ALICE, tokens(100));
    // The first look pays nothing: what was free before does not count.
    world.drain().unwrap();
    world.escrow.assert_emitted(&BaselineSet {
        taskTypeId: CODE,
        value: tokens(1_000),
    });
    assert_eq!(world.level(), tokens(100));
    assert_eq!(world.drain(), nothing_to_drain(), "nothing became free");
    world.price(tokens(1_040));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(60));
    assert_eq!(world.drain(), nothing_to_drain(), "all of it is used");
    world.price(tokens(1_041));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(59));
    // The counter goes back: it counts from there.
    world.price(tokens(7));
    world.drain().unwrap();
    world.escrow.assert_emitted(&BaselineSet {
        taskTypeId: CODE,
        value: tokens(7),
    });
    assert_eq!(world.level(), tokens(59));
    world.price(tokens(9));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(57));
}

#[motsu::test]
fn what_the_queue_cannot_use_expires() {
    let world = World::new();
    world.price(n(0));
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    world.price(tokens(1_000));
    world.drain().unwrap();
    assert_eq!(world.level(), n(0));
    world.deposit(ALICE, tokens(8));
    assert_eq!(world.drain(), nothing_to_drain(), "the other 996 are gone");
    world.price(tokens(1_004));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(4));
}

/// Where only the bound on deposits stood in the way, the allowance stays.
#[motsu::test]
fn many_small_deposits_do_not_use_the_allowance_up() {
    let world = World::new();
    world.price(n(0));
    for _ in 0..32 {
        world.deposit(ALICE, n(4));
    }
    world.deposit(BOB, tokens(4));
    world.drain().unwrap();
    world.price(tokens(2) + n(128));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(4));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(2));
    assert_eq!(world.drain(), nothing_to_drain());
}

/// The same for deposits that nothing is left of.
#[motsu::test]
fn passing_over_reclaimed_deposits_uses_no_allowance() {
    let world = World::new();
    world.price(n(0));
    for _ in 0..32 {
        world.deposit(ALICE, n(4));
    }
    world.deposit(BOB, tokens(4));
    world.drain().unwrap();
    advance_time(DAY);
    for index in 0..32 {
        world.reclaim(ALICE, index).unwrap();
    }
    world.price(tokens(1));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(4));
    assert_eq!(world.bounds(), (n(32), n(33)));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(3));
}

#[motsu::test]
fn a_price_that_comes_back_counts_from_then_on() {
    let world = World::new();
    world.price(tokens(10));
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    world.pools.sender(OWNER).set_free_value(false, tokens(10));
    world.drain().unwrap();
    assert_eq!(world.level(), n(0));
    world.deposit(ALICE, tokens(4));
    world.price(tokens(20));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(4), "only a new baseline");
    assert_eq!(world.drain(), nothing_to_drain());
}

#[motsu::test]
fn a_pool_that_fails_stops_draining() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.pools.sender(OWNER).set_refuses(true);
    assert!(matches!(world.drain(), Err(Error::Revert(Revert(_)))));
    assert_eq!(world.level(), tokens(4));
}

// --- Payments that fail

#[motsu::test]
fn a_sink_that_cannot_be_paid_is_credited() {
    let world = World::new();
    world.token.sender(OWNER).refuse(X, true);
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    world.escrow.assert_emitted(&Credited {
        taskTypeId: CODE,
        sink: X,
        amount: ONE,
    });
    assert!(!world.escrow.emitted(&Drained {
        taskTypeId: CODE,
        sink: X,
        amount: ONE,
    }));
    assert_eq!(world.balance(Y), tokens(3), "is paid all the same");
    assert_eq!(world.escrow.sender(X).credits(X), ONE);
    assert_eq!(world.liabilities(), (n(0), ONE));
    assert_eq!(world.level(), n(0));
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    assert_eq!(world.escrow.sender(X).credits(X), tokens(2));
    let failed = SafeERC20FailedOperation {
        token: world.token.address(),
    };
    let claim = |sink: &Address| world.escrow.sender(*sink).claim().motsu_res();
    assert_eq!(claim(&X), Err(failed.into()));
    world.token.sender(OWNER).refuse(X, false);
    assert_eq!(claim(&X), Ok(()));
    world.escrow.assert_emitted(&Claimed {
        sink: X,
        amount: tokens(2),
    });
    assert_eq!(world.balance(X), tokens(2));
    assert_eq!(world.liabilities(), (n(0), n(0)));
    assert_eq!(claim(&X), Err(NothingToClaim {}.into()));
    assert_eq!(claim(&Y), Err(NothingToClaim {}.into()));
}

/// A token that answers neither yes nor nothing may have paid or not: then nothing happens at all.
#[motsu::test]
fn drain_by_what_the_token_does() {
    let outcomes = [
        (Behaviour::Standard, true),
        (Behaviour::NoReturn, true),
        (Behaviour::Fee, true),
        (Behaviour::ReturnsFalse, false),
        (Behaviour::Lies, true),
        (Behaviour::ReturnsTwo, false),
        (Behaviour::ReturnsShort, false),
    ];
    for (behaviour, drains) in outcomes {
        let world = World::new();
        world.deposit(ALICE, tokens(4));
        world.behave(behaviour);
        let failed = SafeERC20FailedOperation {
            token: world.token.address(),
        };
        let expected = if drains { Ok(()) } else { Err(failed.into()) };
        assert_eq!(world.drain(), expected, "{behaviour:?}");
        let left = if drains { n(0) } else { tokens(4) };
        assert_eq!(world.liabilities(), (left, n(0)), "{behaviour:?}");
        assert!(world.held() >= left, "{behaviour:?}");
    }
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.behave(Behaviour::Reverts);
    world.drain().unwrap();
    assert_eq!(world.liabilities(), (n(0), tokens(4)));
}

// --- Reclaiming

#[motsu::test]
fn a_source_takes_back_what_has_not_drained() {
    let world = World::new();
    world.price(n(0));
    world.deposit(ALICE, tokens(4));
    world.deposit(BOB, tokens(4));
    world.drain().unwrap();
    world.price(tokens(1));
    world.drain().unwrap();
    let available = timestamp() + DAY;
    assert_eq!(
        world.escrow.sender(X).reclaimable_at(CODE, n(0)),
        n(available)
    );
    let early = || {
        let available_at = n(available);
        Err(TimeoutNotElapsed {
            availableAt: available_at,
        }
        .into())
    };
    assert_eq!(world.reclaim(ALICE, 0), early());
    advance_time(DAY - 1);
    assert_eq!(world.reclaim(ALICE, 0), early());
    advance_time(1);
    assert_eq!(
        world.reclaim(BOB, 0),
        Err(NotDepositor { source: ALICE }.into())
    );
    assert_eq!(world.reclaim(ALICE, 0), Ok(()));
    world.escrow.assert_emitted(&Reclaimed {
        taskTypeId: CODE,
        source: ALICE,
        index: n(0),
        amount: tokens(3),
    });
    world.escrow.assert_emitted(&PressureChanged {
        taskTypeId: CODE,
        newPressure: n(0),
        timestamp: n(timestamp()),
    });
    assert_eq!(world.balance(ALICE), tokens(1_000_000 - 1));
    assert_eq!(world.level(), tokens(4));
    assert_eq!(world.liabilities(), (tokens(4), n(0)));
    assert_eq!(world.source_level(ALICE), n(0));
    assert_eq!(world.held(), tokens(4));
    let gone = || Err(NothingToReclaim {}.into());
    assert_eq!(world.reclaim(ALICE, 0), gone(), "once");
    assert_eq!(world.reclaim(ALICE, 2), gone(), "no such deposit");
    let far = world.escrow.sender(ALICE).reclaim(CODE, U256::MAX);
    assert_eq!(far.motsu_res(), gone());
    // The drain passes over it.
    world.price(tokens(2));
    world.drain().unwrap();
    assert_eq!(world.amounts(), [n(0), tokens(3)]);
}

#[motsu::test]
fn reclaim_fails_with_the_token() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    advance_time(DAY);
    world.token.sender(OWNER).refuse(ALICE, true);
    let failed = SafeERC20FailedOperation {
        token: world.token.address(),
    };
    assert_eq!(world.reclaim(ALICE, 0), Err(failed.into()));
    assert_eq!(world.level(), tokens(4));
}

#[motsu::test]
fn the_reclaim_timeout_has_bounds_and_looks_forward() {
    let world = World::new();
    let set = |timeout: &u64| {
        world
            .escrow
            .sender(OWNER)
            .set_reclaim_timeout(n(*timeout))
            .motsu_res()
    };
    for timeout in [0, 3_599, 30 * DAY + 1] {
        let error = InvalidReclaimTimeout {
            timeout: n(timeout),
            minimum: n(3_600),
            maximum: n(30 * DAY),
        };
        assert_eq!(set(&timeout), Err(error.into()));
    }
    world.deposit(ALICE, tokens(1));
    set(&(30 * DAY)).unwrap();
    world.escrow.assert_emitted(&ReclaimTimeoutSet {
        timeout: n(30 * DAY),
    });
    assert_eq!(world.escrow.sender(X).reclaim_timeout(), n(30 * DAY));
    world.deposit(ALICE, tokens(1));
    set(&3_600).unwrap();
    world.deposit(ALICE, tokens(1));
    let at = |index: &u64| world.escrow.sender(X).reclaimable_at(CODE, n(*index)) - n(timestamp());
    assert_eq!([at(&0), at(&1), at(&2)], [n(DAY), n(30 * DAY), n(3_600)]);
}

// --- Rounds of several calls

/// `count` sinks of 1 unit each.
fn many_sinks(world: &World, id: B256, count: u64) -> Vec<Address> {
    let sinks: Vec<_> = (0..count)
        .map(|place| Address::left_padding_from(&(0x1_0000 + place).to_be_bytes()))
        .collect();
    let list: Vec<_> = sinks.iter().map(|sink| (*sink, 1)).collect();
    world.set_sinks(id, &list);
    sinks
}

#[motsu::test]
fn thirty_two_sinks_are_paid_at_once() {
    let world = World::new();
    let sinks = many_sinks(&world, CODE, 32);
    world.deposit(ALICE, n(3_200));
    world.drain().unwrap();
    assert!(sinks.iter().all(|sink| world.balance(*sink) == n(100)));
    assert_eq!(world.round(), NO_ROUND);
    assert_eq!(world.level(), n(0));
}

#[motsu::test]
fn more_sinks_are_paid_page_by_page() {
    let world = World::new();
    let sinks = many_sinks(&world, CODE, 70);
    world.deposit(ALICE, n(7_005));
    world.drain().unwrap();
    assert_eq!(world.round(), (n(7_005), n(3_200), n(32), n(70)));
    assert_eq!(world.level(), n(3_805));
    // What comes meanwhile is not of this round, nor is a price that is set meanwhile.
    world.deposit(BOB, n(1_000));
    world.price(n(0));
    world.drain().unwrap();
    assert_eq!(world.round(), (n(7_005), n(6_400), n(64), n(70)));
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND);
    for sink in &sinks {
        assert_eq!(world.balance(*sink), n(100));
    }
    assert_eq!(world.amounts(), [n(5), n(1_000)]);
    world.pools.sender(OWNER).set_free_value(false, n(0));
    world.drain().unwrap();
    assert_eq!(world.round(), (n(1_005), n(32 * 14), n(32), n(70)));
}

/// A round whose pages fill exactly ends with the last of them.
#[motsu::test]
fn a_round_of_full_pages_ends() {
    let world = World::new();
    let sinks = many_sinks(&world, CODE, 64);
    world.deposit(ALICE, n(6_400));
    world.drain().unwrap();
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND);
    assert!(sinks.iter().all(|sink| world.balance(*sink) == n(100)));
}

#[motsu::test]
fn who_joins_during_a_round_waits_for_the_next() {
    let world = World::new();
    many_sinks(&world, CODE, 40);
    world.deposit(ALICE, n(4_000));
    world.drain().unwrap();
    let sinks = many_sinks(&world, CODE, 60);
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND);
    assert_eq!(world.balance(sinks[39]), n(100));
    assert_eq!(world.balance(sinks[40]), n(0));
    assert_eq!(world.level(), n(0));
}

#[motsu::test]
fn who_leaves_during_a_round_leaves_its_share() {
    let world = World::new();
    let sinks = many_sinks(&world, CODE, 70);
    world.deposit(ALICE, n(7_000));
    world.drain().unwrap();
    // All but the first 40 are gone.
    many_sinks(&world, CODE, 40);
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND, "the list has ended");
    assert_eq!(world.balance(sinks[39]), n(100));
    assert_eq!(world.level(), n(3_000));
    // So are all.
    many_sinks(&world, CODE, 70);
    world.drain().unwrap();
    let before = world.level();
    world.set_sinks(CODE, &[]);
    world.drain().unwrap();
    assert_eq!((world.round(), world.level()), (NO_ROUND, before));
    assert_eq!(world.drain(), nothing_to_drain());
}

/// A sink that is paid on the first page leaves and comes back: it is at the list's end then, and the last one is where it
/// was.
#[motsu::test]
fn nobody_is_paid_twice_in_a_round() {
    let world = World::new();
    let mut sinks = many_sinks(&world, CODE, 40);
    world.deposit(ALICE, n(4_000));
    world.drain().unwrap();
    sinks.swap(0, 39);
    let list: Vec<_> = sinks.iter().map(|sink| (*sink, 1)).collect();
    world.set_sinks(CODE, &list);
    world.drain().unwrap();
    assert_eq!(world.balance(sinks[39]), n(100));
    assert_eq!(world.balance(sinks[0]), n(0));
    assert_eq!(world.level(), n(100), "its share waits");
    // In the next round it is.
    world.deposit(ALICE, n(3_900));
    world.drain().unwrap();
    world.drain().unwrap();
    assert_eq!(world.balance(sinks[39]), n(200));
    assert_eq!(world.balance(sinks[0]), n(100));
}

/// Capacities that rise during a round do not make it pay more than its amount.
#[motsu::test]
fn a_round_pays_no_more_than_its_amount() {
    let world = World::new();
    let sinks = many_sinks(&world, CODE, 40);
    world.deposit(ALICE, n(4_000));
    world.drain().unwrap();
    world.deposit(BOB, n(9_000));
    let list: Vec<_> = sinks.iter().map(|sink| (*sink, 5)).collect();
    world.set_sinks(CODE, &list);
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND);
    assert_eq!(world.balance(sinks[32]), n(500));
    assert_eq!(world.balance(sinks[33]), n(300));
    assert_eq!(world.balance(sinks[34]), n(0));
    assert_eq!(world.level(), n(9_000));
}

/// While a round is open, what it may take from stays: else a source could have others' deposits paid out by the measure
/// of its own, and then take that back.
#[motsu::test]
fn an_open_round_keeps_its_deposits() {
    let world = World::new();
    many_sinks(&world, CODE, 40);
    for _ in 0..33 {
        world.deposit(ALICE, n(100));
    }
    advance_time(DAY);
    world.drain().unwrap();
    let (amount, paid, ..) = world.round();
    assert_eq!((amount, paid), (n(3_200), n(32 * 80)));
    // Of the first 32 deposits, 25 are drained and the next is in part.
    assert_eq!(world.bounds(), (n(25), n(33)));
    assert_eq!(world.reclaim(ALICE, 25), Err(RoundOpen {}.into()));
    assert_eq!(world.reclaim(ALICE, 31), Err(RoundOpen {}.into()));
    for _ in 0..30 {
        world.deposit(ALICE, n(100));
    }
    advance_time(DAY);
    assert_eq!(world.reclaim(ALICE, 56), Err(RoundOpen {}.into()));
    assert_eq!(world.reclaim(ALICE, 57), Ok(()), "beyond its reach");
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND);
    assert_eq!(world.reclaim(ALICE, 32), Ok(()));
    assert_eq!(world.level(), n(3_000 - 100));
}

/// The same holds where no sink's share comes to a wei.
#[motsu::test]
fn dust_cannot_block_rounds_of_several_calls() {
    let world = World::new();
    let sinks = many_sinks(&world, CODE, 70);
    world.deposit(ALICE, n(33));
    world.drain().unwrap();
    assert_eq!(world.round(), (n(33), n(32), n(32), n(70)));
    world.drain().unwrap();
    assert_eq!(world.balance(sinks[32]), n(1));
    assert_eq!(world.level(), n(0));
    world.drain().unwrap();
    assert_eq!(world.round(), NO_ROUND);
}

#[motsu::test]
fn task_types_are_apart() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world
        .escrow
        .sender(BOB)
        .deposit(CHAT, tokens(8))
        .motsu_unwrap();
    world.drain().unwrap();
    let it = world.escrow.sender(X);
    assert_eq!(it.buffer_level(CODE), n(0));
    assert_eq!(it.buffer_level(CHAT), tokens(8));
    assert_eq!(it.source_level(CHAT, BOB), tokens(8));
    assert_eq!(it.source_level(CODE, BOB), n(0));
    assert_eq!(it.get_liabilities(), (tokens(8), n(0)));
}
