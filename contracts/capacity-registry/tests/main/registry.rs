//! CapacityRegistry on motsu, with the real StakeManager behind it: every function, error and access rule.

use crate::{contract, stake_manager};
use std::borrow::BorrowMut;

use crate::contract::*;
use crate::stake_manager::StakeManager;
use alloy_primitives::{keccak256, uint, Address, B256, U256};
use alloy_sol_types::{SolError, SolValue};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_blocks, advance_time, block_number, timestamp, FIRST_BLOCK},
    ownable::{Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    powers::{PowerAnnounced, MIN_NOTICE},
    returns::Returns,
};
use bpe_testing::{Notice, Pool, Token};
use motsu::prelude::*;
use stylus_sdk::prelude::*;

pub const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const CHAT: B256 = B256::repeat_byte(0xca);
pub const NONCE: B256 = B256::repeat_byte(0x17);
pub const SLASHER: Address = Address::repeat_byte(0x51);
pub const AGGREGATOR: Address = Address::repeat_byte(0xa9);
pub const ADAPTER: Address = Address::repeat_byte(0xad);

pub fn tokens(amount: u64) -> U256 {
    ONE * U256::from(amount)
}

pub fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

pub fn hash(capacity: U256) -> B256 {
    keccak256((capacity, NONCE).abi_encode())
}

/// Both contracts, wired: 1 token per capacity unit, minimum stake 100; task types CODE (minimum 100) and CHAT (minimum
/// 200); an aggregator, an adapter, a slasher.
pub struct World<'a> {
    pub registry: &'a Contract<CapacityRegistry>,
    pub stakes: &'a Contract<StakeManager>,
    pub token: &'a Contract<Token>,
    pub owner: Address,
}

impl<'a> World<'a> {
    pub fn new(
        registry: &'a Contract<CapacityRegistry>,
        stakes: &'a Contract<StakeManager>,
        token: &'a Contract<Token>,
        owner: Address,
    ) -> Self {
        let it = stakes
            .sender(owner)
            .constructor(token.address(), ONE, tokens(100), 0, owner);
        it.motsu_unwrap();
        registry
            .sender(owner)
            .constructor(stakes.address(), owner)
            .motsu_unwrap();
        stakes
            .sender(owner)
            .set_registry(registry.address(), true)
            .motsu_unwrap();
        stakes
            .sender(owner)
            .set_slasher(SLASHER, true)
            .motsu_unwrap();
        registry
            .sender(owner)
            .set_aggregator(AGGREGATOR)
            .motsu_unwrap();
        registry
            .sender(owner)
            .set_adapter(ADAPTER, true)
            .motsu_unwrap();
        registry
            .sender(owner)
            .register_task_type(CODE, tokens(100))
            .motsu_unwrap();
        registry
            .sender(owner)
            .register_task_type(CHAT, tokens(200))
            .motsu_unwrap();
        stakes.sender(owner).open().motsu_unwrap();
        Self {
            registry,
            stakes,
            token,
            owner,
        }
    }

    pub fn stake(&self, sink: Address, amount: u64) {
        self.token.sender(sink).mint(sink, tokens(amount));
        self.stakes
            .sender(sink)
            .stake(tokens(amount))
            .motsu_unwrap();
    }

    pub fn slash(&self, sink: Address, amount: u64) {
        self.stakes
            .sender(SLASHER)
            .slash(sink, tokens(amount), B256::ZERO)
            .motsu_unwrap();
    }

    pub fn register(&self, id: B256, sink: Address, capacity: U256) -> Result<(), Error> {
        self.registry
            .sender(sink)
            .register_sink(id, capacity)
            .motsu_res()
    }

    pub fn leave(&self, id: B256, sink: Address) -> Result<(), Error> {
        self.registry.sender(sink).deregister_sink(id).motsu_res()
    }

    pub fn attest(&self, id: B256, sink: Address, capacity: U256) {
        let it = self
            .registry
            .sender(AGGREGATOR)
            .update_capacity_from_aggregator(id, sink, capacity);
        it.motsu_unwrap();
    }

    pub fn commit(&self, sink: Address, capacity: U256) -> Result<(), Error> {
        self.registry
            .sender(sink)
            .commit_capacity(CODE, hash(capacity))
            .motsu_res()
    }

    pub fn reveal(&self, sink: Address, capacity: U256) -> Result<(), Error> {
        self.registry
            .sender(sink)
            .reveal_capacity(CODE, capacity, NONCE)
            .motsu_res()
    }

    pub fn smoothed(&self, id: B256, sink: Address) -> U256 {
        self.registry.sender(sink).get_smoothed_capacity(id, sink)
    }

    pub fn raw(&self, id: B256, sink: Address) -> U256 {
        self.registry.sender(sink).get_raw_capacity(id, sink)
    }

    pub fn total(&self, id: B256) -> U256 {
        self.registry.sender(self.owner).get_task_type(id).2
    }

    pub fn list(&self, id: B256) -> Vec<Address> {
        self.registry.sender(self.owner).get_sinks(id).0 .0
    }

    pub fn backing(&self, sink: Address) -> (U256, U256) {
        self.registry.sender(sink).get_backing(sink)
    }
}

fn reverted(error: impl SolError) -> Error {
    Error::Revert(Revert(error.abi_encode()))
}

// --- Construction and ownership

#[motsu::test]
fn constructor_sets_what_it_is_given(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    World::new(&registry, &stakes, &token, owner);
    let it = registry.sender(owner);
    assert_eq!(it.stake_manager(), stakes.address());
    assert_eq!(it.authorized_aggregator(), AGGREGATOR);
    assert!(it.authorized_adapters(ADAPTER));
    assert_eq!(it.pool(), Address::ZERO);
    assert_eq!(it.bps(), U256::from(10_000));
    assert_eq!(it.commit_timeout(), U256::from(20));
    assert_eq!(it.ewma_alpha_bps(), U256::from(3_000));
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    owner: Address,
) {
    let error = registry
        .sender(owner)
        .constructor(owner, owner)
        .motsu_unwrap_err();
    assert_eq!(error, NotAContract { account: owner }.into());
    let error = registry
        .sender(owner)
        .constructor(stakes.address(), Address::ZERO)
        .motsu_unwrap_err();
    assert_eq!(
        error,
        Error::Ownable(
            OwnableInvalidOwner {
                owner: Address::ZERO
            }
            .into()
        )
    );
}

#[motsu::test]
fn only_the_owner_sets(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    World::new(&registry, &stakes, &token, owner);
    for account in [sink, AGGREGATOR, ADAPTER] {
        let refused = || Error::Ownable(OwnableUnauthorizedAccount { account }.into());
        assert_eq!(
            registry
                .sender(account)
                .set_aggregator(account)
                .motsu_unwrap_err(),
            refused()
        );
        assert_eq!(
            registry
                .sender(account)
                .set_adapter(account, true)
                .motsu_unwrap_err(),
            refused()
        );
        assert_eq!(
            registry
                .sender(account)
                .set_pool(account)
                .motsu_unwrap_err(),
            refused()
        );
    }
    registry.sender(owner).set_pool(sink).motsu_unwrap();
    registry.assert_emitted(&PoolSet { pool: sink });
    registry.assert_emitted(&AggregatorSet {
        aggregator: AGGREGATOR,
    });
    registry.assert_emitted(&AdapterSet {
        adapter: ADAPTER,
        authorized: true,
    });
    assert_eq!(registry.sender(owner).pool(), sink);
}

#[motsu::test]
fn an_aggregator_waits_for_its_notice(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    next: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let sink = Address::repeat_byte(0x05);
    world.stake(sink, 10_000);
    world.register(CODE, sink, units(10)).unwrap();
    let set = |aggregator| registry.sender(owner).set_aggregator(aggregator);
    let read = || {
        let it = registry.sender(owner);
        (it.authorized_aggregator(), it.announced_aggregator())
    };
    let attest = |aggregator| {
        let mut it = registry.sender(aggregator);
        let it = it.update_capacity_from_aggregator(CODE, sink, units(90));
        it.motsu_res()
    };
    let nobody = (Address::ZERO, U256::ZERO);
    assert_eq!(
        read(),
        (AGGREGATOR, nobody),
        "before staking opened: at once"
    );
    set(next).motsu_unwrap();
    let from = U256::from(timestamp() + MIN_NOTICE);
    let announced = (next, from);
    registry.assert_emitted(&PowerAnnounced {
        at: registry.address(),
        power: contract::AGGREGATOR,
        to: next,
        from,
    });
    let is_set = AggregatorSet { aggregator: next };
    assert_eq!(read(), (AGGREGATOR, announced));
    advance_time(MIN_NOTICE - 1);
    // Once more does not put it off, and sets nothing yet.
    set(next).motsu_unwrap();
    assert!(!registry.emitted(&is_set));
    assert_eq!(read(), (AGGREGATOR, announced));
    let early = Err(NotAuthorizedAggregator {}.into());
    assert_eq!(attest(next), early);
    advance_time(1);
    advance_blocks(1);
    assert_eq!(read(), (next, nobody));
    attest(next).unwrap();
    assert_eq!(attest(AGGREGATOR), Err(NotAuthorizedAggregator {}.into()));
    // The old one keeps it until the new one has it; naming the old one again takes the new one back.
    set(sink).motsu_unwrap();
    set(next).motsu_unwrap();
    assert_eq!(read(), (next, nobody));
    registry.assert_emitted(&is_set);
    set(sink).motsu_unwrap();
    set(Address::ZERO).motsu_unwrap();
    assert_eq!(read(), nobody_at_all());
    advance_time(2 * MIN_NOTICE);
    assert_eq!(read(), nobody_at_all());
}

fn nobody_at_all() -> (Address, (Address, U256)) {
    (Address::ZERO, (Address::ZERO, U256::ZERO))
}

/// The attack: an adapter registers who has staked for another task type, or raises what it owes, and it is slashed.
#[motsu::test]
fn an_adapter_waits_for_its_notice(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    next: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let sink = Address::repeat_byte(0x05);
    world.stake(sink, 10_000);
    let set = |authorized| {
        let it = registry.sender(owner).set_adapter(next, authorized);
        it.motsu_unwrap();
    };
    let read = || {
        let it = registry.sender(owner);
        (it.authorized_adapters(next), it.adapter_from(next))
    };
    let grab = |id| {
        let it = registry.sender(next).register_sink_for(id, sink, units(1));
        it.motsu_res()
    };
    let is_set = |authorized| AdapterSet {
        adapter: next,
        authorized,
    };
    let refused = Err(NotAuthorizedAdapter { caller: next }.into());
    set(true);
    let from = U256::from(timestamp() + MIN_NOTICE);
    registry.assert_emitted(&PowerAnnounced {
        at: registry.address(),
        power: contract::ADAPTER,
        to: next,
        from,
    });
    advance_time(MIN_NOTICE - 1);
    set(true);
    assert_eq!(read(), (false, from));
    assert_eq!(grab(CODE), refused);
    assert!(!registry.emitted(&is_set(true)));
    // Taken back while it is only announced: the notice begins anew.
    set(false);
    assert_eq!(read(), (false, U256::ZERO));
    registry.assert_emitted(&is_set(false));
    set(true);
    advance_time(MIN_NOTICE - 1);
    assert_eq!(grab(CODE), refused);
    advance_time(1);
    assert!(read().0);
    grab(CODE).unwrap();
    set(false);
    assert_eq!(grab(CHAT), refused);
}

#[motsu::test]
fn powers_are_given_at_once_until_staking_opens(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    next: Address,
) {
    let build = stakes
        .sender(owner)
        .constructor(token.address(), ONE, tokens(100), 0, owner);
    build.motsu_unwrap();
    let build = registry.sender(owner).constructor(stakes.address(), owner);
    build.motsu_unwrap();
    for aggregator in [AGGREGATOR, next] {
        let set = registry.sender(owner).set_aggregator(aggregator);
        set.motsu_unwrap();
        assert_eq!(registry.sender(owner).authorized_aggregator(), aggregator);
    }
    let set = registry.sender(owner).set_adapter(next, true);
    set.motsu_unwrap();
    assert!(registry.sender(owner).authorized_adapters(next));
    stakes.sender(owner).open().motsu_unwrap();
    // And stay when it does.
    let it = registry.sender(owner);
    assert_eq!(it.authorized_aggregator(), next);
    assert!(it.authorized_adapters(next));
}

#[motsu::test]
fn ownership_is_handed_over_in_two_steps(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    next: Address,
) {
    World::new(&registry, &stakes, &token, owner);
    let ownable = |account| -> ContractCall<'_, CapacityRegistry> { registry.sender(account) };
    fn of(registry: &mut CapacityRegistry) -> &mut Ownable {
        registry.borrow_mut()
    }
    of(&mut ownable(owner))
        .transfer_ownership(next)
        .motsu_unwrap();
    assert_eq!(of(&mut ownable(owner)).owner(), owner);
    registry.sender(owner).set_pool(next).motsu_unwrap();
    of(&mut ownable(next)).accept_ownership().motsu_unwrap();
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account: owner }.into());
    assert_eq!(
        registry.sender(owner).set_pool(owner).motsu_unwrap_err(),
        refused
    );
    registry.sender(next).set_pool(next).motsu_unwrap();
}

// --- Task types

#[motsu::test]
fn task_types_are_registered_once(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    anyone: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let id = B256::repeat_byte(1);
    assert!(!registry.sender(anyone).task_type_exists(id));
    assert_eq!(
        registry.sender(anyone).get_task_type(id),
        (U256::ZERO, U256::ZERO, U256::ZERO)
    );
    world.stake(anyone, 100);
    registry
        .sender(anyone)
        .register_task_type(id, tokens(7))
        .motsu_unwrap();
    registry.assert_emitted(&TaskTypeRegistered {
        taskTypeId: id,
        creator: anyone,
        minStake: tokens(7),
    });
    assert!(registry.sender(anyone).task_type_exists(id));
    assert_eq!(registry.sender(anyone).get_creator(id), anyone);
    assert_eq!(
        registry.sender(anyone).get_task_type(id),
        (tokens(7), U256::ZERO, U256::ZERO)
    );
    let twice = registry
        .sender(anyone)
        .register_task_type(id, tokens(8))
        .motsu_unwrap_err();
    assert_eq!(twice, TaskTypeAlreadyExists {}.into());
    let too_large = U256::from(1) << 112;
    let error = registry
        .sender(anyone)
        .register_task_type(B256::ZERO, too_large)
        .motsu_unwrap_err();
    assert_eq!(
        error,
        MinStakeTooLarge {
            minStake: too_large
        }
        .into()
    );
}

// --- Registering

#[motsu::test]
fn a_sink_registers(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    assert!(!registry.sender(sink).is_registered(CODE, sink));
    world.register(CODE, sink, units(15)).unwrap();
    registry.assert_emitted(&SinkRegistered {
        taskTypeId: CODE,
        sink,
        initialCapacity: units(15),
    });
    assert!(registry.sender(sink).is_registered(CODE, sink));
    assert!(!registry.sender(sink).is_registered(CHAT, sink));
    assert_eq!(
        (world.raw(CODE, sink), world.smoothed(CODE, sink)),
        (units(15), units(15))
    );
    assert_eq!(
        registry.sender(sink).get_task_type(CODE),
        (tokens(100), U256::from(1), units(15))
    );
    assert_eq!(world.backing(sink), (units(15), U256::from(1)));
    assert_eq!(stakes.sender(sink).get_locked_stake(sink), tokens(225));
    assert_eq!(
        registry.sender(sink).get_sinks(CODE),
        Returns((vec![sink], vec![units(15)]))
    );
    assert_eq!(
        world.register(CODE, sink, units(1)),
        Err(SinkAlreadyRegistered {}.into())
    );
}

#[motsu::test]
fn registering_takes_the_task_types_stake(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 199);
    let error = stake_manager::InsufficientStake {
        required: tokens(200),
        available: tokens(199),
    };
    assert_eq!(world.register(CHAT, sink, units(1)), Err(reverted(error)));
    assert_eq!(world.list(CHAT), Vec::<Address>::new());
    world.register(CODE, sink, units(1)).unwrap();
    let unknown = world.register(B256::ZERO, sink, units(1));
    assert_eq!(unknown, Err(TaskTypeDoesNotExist {}.into()));
}

#[motsu::test]
fn capacity_is_clipped_to_the_cap(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, U256::MAX).unwrap();
    registry.assert_emitted(&SinkRegistered {
        taskTypeId: CODE,
        sink,
        initialCapacity: units(20),
    });
    assert_eq!(
        (world.raw(CODE, sink), world.smoothed(CODE, sink)),
        (units(20), units(20))
    );
}

#[motsu::test]
fn one_stake_backs_all_task_types_together(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.stake(owner, 100);
    registry
        .sender(owner)
        .register_task_type(NONCE, U256::ZERO)
        .motsu_unwrap();
    world.register(CODE, sink, units(15)).unwrap();
    world.register(CHAT, sink, units(15)).unwrap();
    assert_eq!(
        world.smoothed(CHAT, sink),
        units(5),
        "what the first has left of 20"
    );
    assert_eq!(world.backing(sink), (units(20), U256::from(2)));
    let full = CapacityExceedsCap {
        declared: units(1),
        cap: U256::ZERO,
    };
    assert_eq!(world.register(NONCE, sink, units(1)), Err(full.into()));
    world.register(NONCE, sink, U256::ZERO).unwrap();
    advance_blocks(1);
    world.attest(CHAT, sink, units(15));
    assert_eq!(
        world.raw(CHAT, sink),
        units(5),
        "an update finds no more room"
    );
    world.attest(CODE, sink, units(2));
    advance_blocks(1);
    world.attest(CHAT, sink, units(15));
    assert_eq!(
        world.raw(CHAT, sink),
        U256::from(8_900_000_000_u64),
        "20 less what CODE still has: 11.1"
    );
    assert_eq!(world.backing(sink).0, units(20));
}

#[motsu::test]
fn a_sink_may_start_idle(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 100);
    world.register(CODE, sink, U256::ZERO).unwrap();
    assert_eq!(
        stakes.sender(sink).get_locked_stake(sink),
        tokens(100),
        "the minimum is locked all the same"
    );
    advance_blocks(1);
    world.attest(CODE, sink, units(10));
    assert_eq!(world.smoothed(CODE, sink), units(3));
}

// --- Leaving

#[motsu::test]
fn a_sink_leaves_and_the_last_one_takes_its_place(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let sinks: Vec<Address> = (1..=4).map(Address::repeat_byte).collect();
    for (sink, capacity) in sinks.iter().zip([1, 2, 3, 4]) {
        world.stake(*sink, 100);
        world.register(CODE, *sink, units(capacity)).unwrap();
    }
    world.leave(CODE, sinks[1]).unwrap();
    registry.assert_emitted(&SinkDeregistered {
        taskTypeId: CODE,
        sink: sinks[1],
    });
    assert_eq!(world.list(CODE), vec![sinks[0], sinks[3], sinks[2]]);
    assert_eq!(world.total(CODE), units(8));
    world.leave(CODE, sinks[2]).unwrap();
    world.leave(CODE, sinks[3]).unwrap();
    assert_eq!(world.list(CODE), vec![sinks[0]]);
    world.leave(CODE, sinks[0]).unwrap();
    assert_eq!(world.list(CODE), Vec::<Address>::new());
    assert_eq!(
        registry.sender(owner).get_task_type(CODE),
        (tokens(100), U256::ZERO, U256::ZERO)
    );
}

#[motsu::test]
fn leaving_forgets_everything(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(10)).unwrap();
    world.commit(sink, units(5)).unwrap();
    world.leave(CODE, sink).unwrap();
    assert_eq!(
        (world.raw(CODE, sink), world.smoothed(CODE, sink)),
        (U256::ZERO, U256::ZERO)
    );
    assert_eq!(world.backing(sink), (U256::ZERO, U256::ZERO));
    assert!(!registry.sender(sink).has_pending_commit(CODE, sink));
    assert_eq!(world.leave(CODE, sink), Err(SinkNotRegistered {}.into()));
    assert_eq!(
        world.leave(B256::ZERO, sink),
        Err(TaskTypeDoesNotExist {}.into())
    );
    advance_blocks(1);
    world.register(CODE, sink, units(1)).unwrap();
    assert_eq!(world.reveal(sink, units(5)), Err(NoCommitPending {}.into()));
}

#[motsu::test]
fn the_stake_unbonds_with_the_last_task_type(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(10)).unwrap();
    world.register(CHAT, sink, units(10)).unwrap();
    world.leave(CODE, sink).unwrap();
    let locked = || stakes.sender(sink).get_locked_stake(sink);
    assert_eq!(locked(), tokens(400));
    world.leave(CHAT, sink).unwrap();
    assert_eq!(locked(), U256::ZERO);
    assert_eq!(stakes.sender(sink).get_unbonding(sink).0, tokens(400));
    assert!(stakes.sender(sink).unstake(ONE).motsu_res().is_err());
    advance_time(86_400);
    stakes.sender(sink).unstake(tokens(400)).motsu_unwrap();
}

#[motsu::test]
fn a_sink_cannot_unstake_before_a_slash(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    let error = stakes
        .sender(sink)
        .unstake(U256::from(1))
        .motsu_unwrap_err();
    let locked = stake_manager::InsufficientStake {
        required: U256::from(1),
        available: U256::ZERO,
    };
    assert_eq!(error, locked.into());
    world.leave(CODE, sink).unwrap();
    advance_time(1_800);
    world.slash(sink, 40);
    assert_eq!(stakes.sender(sink).get_stake(sink), tokens(360));
}

#[motsu::test]
fn a_registry_without_authority_does_not_hold_its_sinks(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    stakes
        .sender(owner)
        .set_registry(registry.address(), false)
        .motsu_unwrap();
    world.leave(CODE, sink).unwrap();
    registry.assert_emitted(&UnbondingFailed { sink });
    assert_eq!(world.list(CODE), Vec::<Address>::new());
    stakes
        .sender(sink)
        .leave_revoked_registry(registry.address())
        .motsu_unwrap();
    assert_eq!(stakes.sender(sink).get_unbonding(sink).0, tokens(400));
}

// --- Commit and reveal

#[motsu::test]
fn a_committed_capacity_is_revealed_in_a_later_block(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(10)).unwrap();
    world.commit(sink, units(20)).unwrap();
    registry.assert_emitted(&CapacityCommitted {
        taskTypeId: CODE,
        sink,
        commitHash: hash(units(20)),
    });
    assert!(registry.sender(sink).has_pending_commit(CODE, sink));
    let early = RevealTooEarly {
        commitBlock: U256::from(FIRST_BLOCK),
    };
    assert_eq!(world.reveal(sink, units(20)), Err(early.into()));
    advance_blocks(1);
    assert_eq!(
        world.reveal(sink, units(19)),
        Err(CommitHashMismatch {}.into())
    );
    let other_nonce = registry
        .sender(sink)
        .reveal_capacity(CODE, units(20), B256::ZERO)
        .motsu_res();
    assert_eq!(other_nonce, Err(CommitHashMismatch {}.into()));
    world.reveal(sink, units(20)).unwrap();
    let (raw, smoothed) = (units(20), units(13));
    registry.assert_emitted(&CapacityRevealed {
        taskTypeId: CODE,
        sink,
        rawCapacity: raw,
        smoothedCapacity: smoothed,
    });
    assert_eq!(
        (
            world.raw(CODE, sink),
            world.smoothed(CODE, sink),
            world.total(CODE)
        ),
        (raw, smoothed, smoothed)
    );
    assert!(!registry.sender(sink).has_pending_commit(CODE, sink));
    assert_eq!(
        world.reveal(sink, units(20)),
        Err(NoCommitPending {}.into())
    );
}

/// Others can copy the hash that binds nothing; what it binds to sink and task type is of no use to them.
#[motsu::test]
fn a_commitment_may_bind_sink_and_task_type(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    copyist: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let bound = keccak256((CODE, sink, units(20), NONCE).abi_encode());
    for account in [sink, copyist] {
        world.stake(account, 800);
        world.register(CODE, account, units(10)).unwrap();
        world.register(CHAT, account, units(5)).unwrap();
    }
    for (account, id) in [(sink, CODE), (sink, CHAT), (copyist, CODE)] {
        registry
            .sender(account)
            .commit_capacity(id, bound)
            .motsu_unwrap();
    }
    advance_blocks(1);
    let reveal = |account: Address, id| {
        let reveal = registry
            .sender(account)
            .reveal_capacity(id, units(20), NONCE);
        reveal.motsu_res()
    };
    assert_eq!(reveal(copyist, CODE), Err(CommitHashMismatch {}.into()));
    assert_eq!(reveal(sink, CHAT), Err(CommitHashMismatch {}.into()));
    assert_eq!(reveal(sink, CODE), Ok(()));
    assert_eq!(world.smoothed(CODE, sink), units(13));
}

#[motsu::test]
fn a_commitment_expires_after_twenty_blocks(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    punctual: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    for account in [sink, punctual] {
        world.stake(account, 400);
        world.register(CODE, account, units(10)).unwrap();
        world.commit(account, units(20)).unwrap();
    }
    assert_eq!(
        world.commit(sink, units(20)),
        Err(CommitNotExpired {}.into())
    );
    advance_blocks(20);
    assert_eq!(
        world.commit(sink, units(20)),
        Err(CommitNotExpired {}.into())
    );
    world.reveal(punctual, units(20)).unwrap();
    advance_blocks(1);
    assert!(!registry.sender(sink).has_pending_commit(CODE, sink));
    assert_eq!(world.reveal(sink, units(20)), Err(CommitExpired {}.into()));
    world.commit(sink, units(20)).unwrap();
    advance_blocks(1);
    world.reveal(sink, units(20)).unwrap();
}

#[motsu::test]
fn only_sinks_commit_and_reveal(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    stranger: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    assert_eq!(
        world.commit(stranger, UNIT),
        Err(SinkNotRegistered {}.into())
    );
    assert_eq!(world.reveal(stranger, UNIT), Err(NoCommitPending {}.into()));
    let unknown = registry
        .sender(stranger)
        .commit_capacity(B256::ZERO, B256::ZERO)
        .motsu_unwrap_err();
    assert_eq!(unknown, TaskTypeDoesNotExist {}.into());
}

// --- Smoothing

#[motsu::test]
fn capacity_is_smoothed_once_a_block(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 10_000);
    world.register(CODE, sink, U256::ZERO).unwrap();
    world.attest(CODE, sink, units(100));
    assert_eq!(
        world.smoothed(CODE, sink),
        U256::ZERO,
        "registering was this block's step"
    );
    let expected = [30_000_000_000_u64, 51_000_000_000, 65_700_000_000];
    for smoothed in expected {
        advance_blocks(1);
        for _ in 0..3 {
            world.attest(CODE, sink, units(100));
            assert_eq!(world.smoothed(CODE, sink), U256::from(smoothed));
        }
    }
    world.attest(CODE, sink, units(1));
    assert_eq!(
        world.raw(CODE, sink),
        units(1),
        "the declaration itself counts at once"
    );
    assert_eq!(world.total(CODE), U256::from(expected[2]));
}

/// A second task type keeps the stake backing while the sink leaves the first one: that must not buy it a fresh start.
#[motsu::test]
fn coming_back_resumes_the_smoothing(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 10_000);
    world.register(CHAT, sink, U256::ZERO).unwrap();
    world.register(CODE, sink, units(10)).unwrap();
    world.leave(CODE, sink).unwrap();
    assert_eq!(world.smoothed(CODE, sink), U256::ZERO);
    world.register(CODE, sink, units(100)).unwrap();
    assert_eq!(world.raw(CODE, sink), units(100));
    assert_eq!(
        world.smoothed(CODE, sink),
        units(10),
        "no step in the same block"
    );
    world.leave(CODE, sink).unwrap();
    advance_blocks(1);
    world.register(CODE, sink, units(100)).unwrap();
    assert_eq!(
        world.smoothed(CODE, sink),
        units(10),
        "coming back is no step either: only declarations are"
    );
    assert_eq!(
        (world.total(CODE), world.backing(sink).0),
        (units(10), units(100))
    );
    advance_blocks(1);
    world.attest(CODE, sink, units(100));
    assert_eq!(world.smoothed(CODE, sink), units(37));
    world.leave(CODE, sink).unwrap();
    world.register(CODE, sink, units(3)).unwrap();
    assert_eq!(world.smoothed(CODE, sink), units(3), "as little as it says");
}

// --- Aggregator and adapters

#[motsu::test]
fn only_the_aggregator_and_adapters_update(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(10)).unwrap();
    let update = |caller, id, sink| {
        registry
            .sender(caller)
            .update_capacity_from_aggregator(id, sink, units(20))
            .motsu_res()
    };
    for caller in [owner, sink, SLASHER] {
        assert_eq!(
            update(caller, CODE, sink),
            Err(NotAuthorizedAggregator {}.into())
        );
    }
    advance_blocks(1);
    update(AGGREGATOR, CODE, sink).unwrap();
    assert_eq!(world.smoothed(CODE, sink), units(13));
    advance_blocks(1);
    update(ADAPTER, CODE, sink).unwrap();
    assert_eq!(world.smoothed(CODE, sink), U256::from(15_100_000_000_u64));
    assert_eq!(
        update(AGGREGATOR, CODE, owner),
        Err(SinkNotRegistered {}.into())
    );
    assert_eq!(
        update(AGGREGATOR, B256::ZERO, sink),
        Err(TaskTypeDoesNotExist {}.into())
    );
    registry
        .sender(owner)
        .set_adapter(ADAPTER, false)
        .motsu_unwrap();
    assert_eq!(
        update(ADAPTER, CODE, sink),
        Err(NotAuthorizedAggregator {}.into())
    );
}

/// What a sink attested before it registered or revealed is older than what it declared then.
#[motsu::test]
fn what_is_attested_counts_until_the_sink_declares_something_itself(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    let declared_at = || registry.sender(owner).get_declared_at(CODE, sink);
    let update = |caller, timestamp: U256| {
        advance_blocks(1);
        registry
            .sender(caller)
            .update_capacity_as_of(CODE, sink, units(20), timestamp)
            .motsu_res()
    };
    let since = U256::from(timestamp());
    let unknown = Err(SinkNotRegistered {}.into());
    assert_eq!(
        (update(AGGREGATOR, since), declared_at()),
        (unknown, since - since)
    );
    // Without capacity as well.
    world.register(CODE, sink, U256::ZERO).unwrap();
    assert_eq!(declared_at(), since);
    let older = |timestamp, declared_at| {
        let error = OlderThanDeclared {
            timestamp,
            declaredAt: declared_at,
        };
        Err(Error::from(error))
    };
    let before = since - U256::from(1);
    assert_eq!(update(AGGREGATOR, before), older(before, since));
    assert_eq!(world.smoothed(CODE, sink), U256::ZERO);
    update(AGGREGATOR, since).unwrap();
    assert_eq!(world.smoothed(CODE, sink), units(6));
    for caller in [owner, sink, SLASHER] {
        let refused = NotAuthorizedAggregator {};
        assert_eq!(update(caller, since), Err(refused.into()));
    }
    // An attestation does not make others stale, nor does what the stake takes away.
    advance_time(600);
    update(ADAPTER, since).unwrap();
    assert_eq!(declared_at(), since);

    let (nonce, capacity) = (B256::repeat_byte(1), units(2));
    let hash = bpe_common::eip712::hash_words(&[capacity.into(), nonce]);
    let mut it = registry.sender(sink);
    it.commit_capacity(CODE, hash).motsu_unwrap();
    drop(it);
    update(AGGREGATOR, since).unwrap();
    let now = U256::from(timestamp());
    let reveal = registry.sender(sink).reveal_capacity(CODE, capacity, nonce);
    reveal.motsu_unwrap();
    assert_eq!(update(AGGREGATOR, since), older(since, now));
    update(AGGREGATOR, now).unwrap();
}

#[motsu::test]
fn adapters_act_for_sinks(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    for caller in [owner, sink, AGGREGATOR] {
        let refused = || Err(Error::from(NotAuthorizedAdapter { caller }));
        assert_eq!(
            registry
                .sender(caller)
                .register_sink_for(CODE, sink, UNIT)
                .motsu_res(),
            refused()
        );
        assert_eq!(
            registry
                .sender(caller)
                .deregister_sink_for(CODE, sink)
                .motsu_res(),
            refused()
        );
    }
    registry
        .sender(ADAPTER)
        .register_sink_for(CODE, sink, units(30))
        .motsu_unwrap();
    registry.assert_emitted(&SinkRegistered {
        taskTypeId: CODE,
        sink,
        initialCapacity: units(20),
    });
    assert_eq!(world.list(CODE), vec![sink]);
    registry
        .sender(ADAPTER)
        .deregister_sink_for(CODE, sink)
        .motsu_unwrap();
    assert_eq!(world.list(CODE), Vec::<Address>::new());
    assert_eq!(stakes.sender(sink).get_unbonding(sink).0, tokens(400));
}

// --- Clipping, and what the pool hears

#[motsu::test]
fn after_a_slash_anyone_clips_the_sink(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
    anyone: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    let sync = || {
        registry
            .sender(anyone)
            .sync_capacity(CODE, sink)
            .motsu_res()
    };
    sync().unwrap();
    assert_eq!(pool.sender(owner).notices(), U256::ZERO, "it fitted");
    world.slash(sink, 39);
    sync().unwrap();
    let clipped = CapacityClipped {
        taskTypeId: CODE,
        sink,
        rawCapacity: units(19),
        smoothedCapacity: units(19),
    };
    registry.assert_emitted(&clipped);
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: units(19),
    });
    assert_eq!(
        (world.smoothed(CODE, sink), world.total(CODE)),
        (units(19), units(19))
    );
    assert_eq!(world.backing(sink).0, units(19));
    let stranger = registry
        .sender(anyone)
        .sync_capacity(CODE, anyone)
        .motsu_unwrap_err();
    assert_eq!(stranger, SinkNotRegistered {}.into());
}

#[motsu::test]
fn a_slash_over_two_task_types_is_clipped_where_it_is_synced(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    world.register(CODE, sink, units(12)).unwrap();
    world.register(CHAT, sink, units(8)).unwrap();
    world.slash(sink, 111);
    registry
        .sender(sink)
        .sync_capacity(CHAT, sink)
        .motsu_unwrap();
    assert_eq!(
        (world.smoothed(CODE, sink), world.smoothed(CHAT, sink)),
        (units(12), units(5))
    );
    registry
        .sender(sink)
        .sync_capacity(CODE, sink)
        .motsu_unwrap();
    assert_eq!(
        world.smoothed(CODE, sink),
        units(12),
        "together the cap of what is left"
    );
    assert_eq!(world.backing(sink).0, units(17));
}

#[motsu::test]
fn an_update_clips_as_well(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    world.slash(sink, 111);
    world.attest(CODE, sink, units(20));
    assert_eq!(
        (world.raw(CODE, sink), world.smoothed(CODE, sink)),
        (units(17), units(17))
    );
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: units(17),
    });
}

/// What a slash could not take today is owed: the sink counts nothing until it has been taken.
#[motsu::test]
fn a_sink_that_owes_counts_nothing(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    world.slash(sink, 121);
    registry
        .sender(owner)
        .sync_capacity(CODE, sink)
        .motsu_unwrap();
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: U256::ZERO,
    });
    world.leave(CODE, sink).unwrap();
    let owed = stake_manager::StakeOwed {
        sink,
        amount: tokens(1),
    };
    assert_eq!(world.register(CODE, sink, units(1)), Err(reverted(owed)));
    advance_time(86_400);
    stakes.sender(owner).take_owed(sink).motsu_unwrap();
    advance_blocks(1);
    world.register(CODE, sink, units(20)).unwrap();
    assert_eq!(world.smoothed(CODE, sink), U256::ZERO, "from nothing on");
}

/// The attack of SPEC §2: a sink lowers itself to 0 and keeps its units.
#[motsu::test]
fn the_pool_hears_of_every_decrease_of_five_percent(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(sink, 10_000);
    world.register(CODE, sink, units(100)).unwrap();
    let attest = |milli_units: u64| {
        advance_blocks(1);
        world.attest(CODE, sink, U256::from(milli_units * 1_000_000));
    };
    // 30 % of the way to 83.34 are 4.998 %.
    attest(83_340);
    assert_eq!(world.smoothed(CODE, sink), U256::from(95_002_000_000_u64));
    assert_eq!(pool.sender(owner).notices(), U256::ZERO, "less than 5 %");
    // A sixth less of 95.002 is 5 %: 79.1683 leads to 90.2519.
    attest(79_168);
    assert_eq!(pool.sender(owner).notices(), U256::from(1));
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: world.smoothed(CODE, sink),
    });
    attest(200_000);
    assert_eq!(pool.sender(owner).notices(), U256::from(1), "a rise");
    advance_blocks(1);
    world.commit(sink, U256::ZERO).unwrap();
    advance_blocks(1);
    world.reveal(sink, U256::ZERO).unwrap();
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: world.smoothed(CODE, sink),
    });
    assert_eq!(pool.sender(owner).notices(), U256::from(2));
}

/// The attack of SPEC §2: a registry that lost its authority keeps sinks that cannot be slashed, with stake 0 and half a
/// billion units.
#[motsu::test]
fn a_registry_without_authority_clips_to_nothing(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    for account in [sink, other] {
        world.stake(account, 400);
        world.register(CODE, account, units(20)).unwrap();
    }
    let revoke = stakes.sender(owner).set_registry(registry.address(), false);
    revoke.motsu_unwrap();
    registry
        .sender(other)
        .sync_capacity(CODE, sink)
        .motsu_unwrap();
    assert_eq!(world.smoothed(CODE, sink), U256::ZERO);
    assert_eq!(world.total(CODE), units(20));
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: U256::ZERO,
    });
    // An attestation does the same.
    world.attest(CODE, other, units(20));
    assert_eq!(world.smoothed(CODE, other), U256::ZERO);
    assert_eq!(world.backing(other), (U256::ZERO, U256::from(1)));
    // Authorised anew it finds the stake of one in another registry's hands.
    let leave = stakes
        .sender(sink)
        .leave_revoked_registry(registry.address());
    leave.motsu_unwrap();
    advance_time(86_400);
    stakes
        .sender(owner)
        .set_registry(owner, true)
        .motsu_unwrap();
    advance_time(7 * 86_400);
    let lock = stakes.sender(owner).back_capacity(sink, units(1));
    lock.motsu_unwrap();
    let set = stakes.sender(owner).set_registry(registry.address(), true);
    set.motsu_unwrap();
    advance_time(7 * 86_400);
    advance_blocks(1);
    world.attest(CODE, sink, units(20));
    assert_eq!(world.smoothed(CODE, sink), U256::ZERO, "locked elsewhere");
    world.attest(CODE, other, units(20));
    assert_eq!(world.smoothed(CODE, other), units(6), "from nothing on");
}

#[motsu::test]
fn the_pool_hears_of_a_departure(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    world.leave(CODE, sink).unwrap();
    pool.assert_emitted(&Notice {
        taskTypeId: CODE,
        sink,
        capacity: U256::ZERO,
    });
}

#[motsu::test]
fn a_pool_that_reverts_holds_nobody(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(sink, 400);
    world.register(CODE, sink, units(20)).unwrap();
    pool.sender(owner).set_reverts(true);
    world.slash(sink, 39);
    registry
        .sender(sink)
        .sync_capacity(CODE, sink)
        .motsu_unwrap();
    registry.assert_emitted(&ListenerFailed {
        taskTypeId: CODE,
        sink,
        capacity: units(19),
    });
    world.leave(CODE, sink).unwrap();
    registry.assert_emitted(&ListenerFailed {
        taskTypeId: CODE,
        sink,
        capacity: U256::ZERO,
    });
    assert_eq!(world.list(CODE), Vec::<Address>::new());
}

// --- Pages

#[motsu::test]
fn lists_come_in_pages(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let sinks: Vec<Address> = (1..=5).map(Address::repeat_byte).collect();
    for (sink, capacity) in sinks.iter().zip(1..) {
        world.stake(*sink, 100);
        world.register(CODE, *sink, units(capacity)).unwrap();
    }
    let page = |from: u64, count: u64| {
        registry
            .sender(owner)
            .get_sinks_page(CODE, U256::from(from), U256::from(count))
            .0
    };
    assert_eq!(page(0, 2), (sinks[..2].to_vec(), vec![units(1), units(2)]));
    assert_eq!(page(2, 2), (sinks[2..4].to_vec(), vec![units(3), units(4)]));
    assert_eq!(page(4, 2), (sinks[4..].to_vec(), vec![units(5)]));
    assert_eq!(page(5, 2), (vec![], vec![]));
    assert_eq!(page(0, 0), (vec![], vec![]));
    let all = registry
        .sender(owner)
        .get_sinks_page(CODE, U256::ZERO, U256::MAX);
    assert_eq!(all, registry.sender(owner).get_sinks(CODE));
    assert_eq!(
        registry
            .sender(owner)
            .get_sinks_page(CODE, U256::MAX, U256::MAX)
            .0,
        (vec![], vec![])
    );
    assert_eq!(block_number(), FIRST_BLOCK);
}

/// The number of sinks stands in the task type's slot, of mapping 9, in bytes 1 to 4.
#[motsu::test]
fn a_task_type_can_be_full(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    world.stake(sink, 400);
    let slot = U256::from_be_bytes(keccak256((CODE, U256::from(9)).abi_encode()).0);
    let context = registry.sender(owner);
    let mut word = context.vm().storage_load_bytes32(slot);
    assert_eq!(word[..5], [1, 0, 0, 0, 0], "it exists, and has no sinks");
    word[2..5].fill(0xff);
    // SAFETY: nothing has read the slot into anything that lives on.
    unsafe { context.vm().storage_cache_bytes32(slot, word) };
    drop(context);
    assert_eq!(
        world.register(CODE, sink, units(1)),
        Err(TooManySinks {}.into())
    );
}

#[motsu::test]
fn it_knows_since_when_a_sink_serves(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    alice: Address,
) {
    use bpe_common::clock::testing::timestamp;
    let world = World::new(&registry, &stakes, &token, owner);
    let service = || registry.sender(owner).get_service(CODE, alice);
    let times = |(_, since, until): (U256, U256, U256)| (since, until);
    assert_eq!(service(), (U256::ZERO, U256::ZERO, U256::ZERO));
    world.stake(alice, 10_000);
    advance_time(100 + 300 - timestamp() % 300);
    let began = U256::from(timestamp() + 200);
    world
        .register(CODE, alice, units(10))
        .expect("enough stake");
    assert_eq!(service(), (units(10), began, U256::ZERO));
    advance_time(1_000);
    world.leave(CODE, alice).expect("registered");
    assert_eq!(service(), (units(10), began, U256::from(timestamp())));
    assert!(!registry.sender(owner).has_pending_commit(CODE, alice));
    let reveal = registry
        .sender(alice)
        .reveal_capacity(CODE, units(1), NONCE);
    assert_eq!(reveal.motsu_res(), Err(NoCommitPending {}.into()));
    // Away for less than an epoch is not away.
    advance_time(299);
    world
        .register(CODE, alice, units(10))
        .expect("enough stake");
    assert_eq!(times(service()), (began, U256::ZERO));
    world.leave(CODE, alice).expect("registered");
    advance_time(300);
    world
        .register(CODE, alice, units(10))
        .expect("enough stake");
    let again = U256::from(timestamp() - timestamp() % 300 + 300);
    assert_eq!(times(service()), (again, U256::ZERO));
}
