//! StakeManager on motsu: every function, error and access rule.

use std::borrow::BorrowMut;

use crate::contract::*;
use alloy_primitives::{b256, uint, Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    erc20::SafeERC20FailedOperation,
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    powers::PowerAnnounced,
};
use bpe_testing::{Behaviour, Ledger, Network, Token};
use motsu::prelude::*;
use stylus_sdk::prelude::*;

/// One token.
const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
/// One capacity unit.
const UNIT: U256 = uint!(1_000_000_000_U256);
const REASON: B256 = b256!("00000000000000000000000000000000000000000000000000000000000000aa");
const DAY: u64 = 86_400;
const OWNER: Address = Address::repeat_byte(0x01);
const BOB: Address = Address::repeat_byte(0xb0);
/// Until a power that is given now is in effect.
const NOTICE: u64 = 7 * DAY;

fn tokens(amount: u64) -> U256 {
    ONE * U256::from(amount)
}

fn ownable_of(stakes: &mut StakeManager) -> &mut Ownable {
    stakes.borrow_mut()
}

fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

/// A contract with 1 token per capacity unit and a minimum stake of 100, a registry, a slasher, and 1 000 000 tokens for
/// the sink.
struct World<'a> {
    stakes: &'a Contract<StakeManager>,
    token: &'a Contract<Token>,
    owner: Address,
    sink: Address,
    registry: Address,
    slasher: Address,
}

impl<'a> World<'a> {
    fn new(
        stakes: &'a Contract<StakeManager>,
        token: &'a Contract<Token>,
        owner: Address,
        sink: Address,
    ) -> Self {
        Self::with_curve(stakes, token, owner, sink, CURVE_SQRT)
    }

    fn with_curve(
        stakes: &'a Contract<StakeManager>,
        token: &'a Contract<Token>,
        owner: Address,
        sink: Address,
        curve: u8,
    ) -> Self {
        let (registry, slasher) = (Address::repeat_byte(0xe1), Address::repeat_byte(0x51));
        stakes
            .sender(owner)
            .constructor(token.address(), ONE, tokens(100), curve, owner)
            .motsu_unwrap();
        stakes
            .sender(owner)
            .set_registry(registry, true)
            .motsu_unwrap();
        stakes
            .sender(owner)
            .set_slasher(slasher, true)
            .motsu_unwrap();
        stakes.sender(owner).open().motsu_unwrap();
        token.sender(owner).mint(sink, tokens(1_000_000));
        Self {
            stakes,
            token,
            owner,
            sink,
            registry,
            slasher,
        }
    }

    fn behave(&self, behaviour: Behaviour) {
        self.token.sender(self.owner).behave(behaviour as u8);
    }

    fn stake(&self, amount: U256) {
        self.stakes.sender(self.sink).stake(amount).motsu_unwrap();
    }

    fn register(&self, min_stake: U256, capacity: U256) -> Result<U256, Error> {
        self.stakes
            .sender(self.registry)
            .back_registration(self.sink, min_stake, capacity)
            .motsu_res()
    }

    fn back(&self, capacity: U256) -> U256 {
        self.stakes
            .sender(self.registry)
            .back_capacity(self.sink, capacity)
            .motsu_unwrap()
    }

    fn leave(&self) {
        self.stakes
            .sender(self.registry)
            .start_unbonding(self.sink)
            .motsu_unwrap();
    }

    fn slash(&self, amount: U256) {
        self.stakes
            .sender(self.slasher)
            .slash(self.sink, amount, REASON)
            .motsu_unwrap();
    }

    fn unstake(&self, amount: U256) -> Result<(), Error> {
        self.stakes.sender(self.sink).unstake(amount).motsu_res()
    }

    fn total(&self) -> U256 {
        self.stakes.sender(self.sink).get_stake(self.sink)
    }

    fn locked(&self) -> U256 {
        self.stakes.sender(self.sink).get_locked_stake(self.sink)
    }

    fn free(&self) -> U256 {
        self.stakes.sender(self.sink).get_free_stake(self.sink)
    }

    fn unbonding(&self) -> (U256, U256) {
        self.stakes.sender(self.sink).get_unbonding(self.sink)
    }

    fn held(&self) -> U256 {
        self.token.sender(self.owner).balance(self.stakes.address())
    }

    fn balance(&self, account: Address) -> U256 {
        self.token.sender(self.owner).balance(account)
    }
}

// --- Construction

#[motsu::test]
fn constructor_sets_what_it_is_given(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::with_curve(&stakes, &token, owner, sink, CURVE_AFFINE);
    let it = world.stakes.sender(sink);
    assert_eq!(it.stake_token(), token.address());
    assert_eq!(it.stake_token_constant(), token.address());
    assert_eq!(it.stake_unit(), ONE);
    assert_eq!(it.min_sink_stake(), tokens(100));
    assert_eq!(it.min_sink_stake_constant(), tokens(100));
    assert_eq!(it.cap_curve(), CURVE_AFFINE);
    assert_eq!(it.unbonding_period(), U256::from(DAY));
    assert_eq!(it.treasury(), BURNT);
    assert_eq!(it.unpaid_slashed(), U256::ZERO);
    assert_eq!(it.reputation_ledger(), Address::ZERO);
    assert_eq!(it.reputation_domain(), B256::ZERO);
}

#[motsu::test]
fn nobody_connects_the_contract_to_junk_pools() {
    let network = Network::new();
    let fresh = Contract::<StakeManager>::new();
    let it = fresh.sender(OWNER).constructor(
        network.token.address(),
        ONE,
        tokens(100),
        CURVE_SQRT,
        OWNER,
    );
    it.motsu_unwrap();
    network.assert_forbidden(fresh.address());
    // Anybody undoes what was done before.
    fresh.sender(BOB).disconnect(BOB).motsu_unwrap();
    network.assert_disconnected(fresh.address(), BOB);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    nobody: Address,
) {
    let too_large = U256::from(1) << 112;
    let build = |token, unit, min, curve, owner| {
        stakes
            .sender(nobody)
            .constructor(token, unit, min, curve, owner)
            .motsu_unwrap_err()
    };
    let at = token.address();
    assert_eq!(
        build(nobody, ONE, ONE, 0, owner),
        InvalidStakeToken { token: nobody }.into()
    );
    assert_eq!(
        build(at, U256::ZERO, ONE, 0, owner),
        InvalidStakeUnit {
            stakeUnit: U256::ZERO
        }
        .into()
    );
    assert_eq!(
        build(at, too_large, ONE, 0, owner),
        InvalidStakeUnit {
            stakeUnit: too_large
        }
        .into()
    );
    assert_eq!(
        build(at, ONE, too_large, 0, owner),
        StakeTooLarge { amount: too_large }.into()
    );
    assert_eq!(
        build(at, ONE, ONE, 2, owner),
        InvalidCapCurve { curve: 2 }.into()
    );
    let no_owner = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        build(at, ONE, ONE, 0, Address::ZERO),
        Error::Ownable(no_owner.into())
    );
}

// --- Staking

#[motsu::test]
fn stake_adds_up_and_is_held(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    stakes.assert_emitted(&Staked {
        sink,
        amount: tokens(100),
        totalStake: tokens(100),
    });
    world.stake(tokens(44));
    stakes.assert_emitted(&Staked {
        sink,
        amount: tokens(44),
        totalStake: tokens(144),
    });
    assert_eq!(world.total(), tokens(144));
    assert_eq!(world.held(), tokens(144));
    assert_eq!(world.balance(sink), tokens(1_000_000 - 144));
    assert_eq!(
        stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap(),
        units(12)
    );
}

#[motsu::test]
fn stake_and_unstake_refuse_zero(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    assert_eq!(
        stakes.sender(sink).stake(U256::ZERO).motsu_unwrap_err(),
        ZeroAmount {}.into()
    );
    assert_eq!(world.unstake(U256::ZERO), Err(ZeroAmount {}.into()));
}

#[motsu::test]
fn stake_refuses_more_than_it_can_keep(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let most = (U256::from(1) << 112) - U256::from(1);
    token.sender(owner).mint(sink, most);
    world.stake(most);
    let error = stakes.sender(sink).stake(U256::from(1)).motsu_unwrap_err();
    assert_eq!(
        error,
        StakeTooLarge {
            amount: most + U256::from(1)
        }
        .into()
    );
    assert_eq!(world.total(), most);
    assert_eq!(world.held(), most, "the refused token went back");
}

#[motsu::test]
fn a_token_creates_no_stake_out_of_nothing(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let failed = Error::Erc20(SafeERC20FailedOperation {
        token: token.address(),
    });
    let outcomes = [
        (Behaviour::Standard, Ok(tokens(10))),
        (Behaviour::NoReturn, Ok(tokens(10))),
        (Behaviour::Fee, Ok(tokens(9))),
        (Behaviour::Doubles, Ok(tokens(10))),
        (Behaviour::ReturnsFalse, Err(&failed)),
        (Behaviour::Lies, Err(&failed)),
        (Behaviour::ReturnsTwo, Err(&failed)),
        (Behaviour::ReturnsShort, Err(&failed)),
        (Behaviour::Reverts, Err(&failed)),
    ];
    assert_eq!(outcomes.len(), Behaviour::ALL.len());
    for (behaviour, outcome) in outcomes {
        world.behave(behaviour);
        let (stake_before, held_before) = (world.total(), world.held());
        let result = stakes.sender(sink).stake(tokens(10)).motsu_res();
        assert_eq!(result.as_ref().err(), outcome.err(), "{behaviour:?}");
        assert_eq!(
            world.total() - stake_before,
            outcome.unwrap_or_default(),
            "{behaviour:?}"
        );
        assert!(
            world.held() - held_before >= world.total() - stake_before,
            "{behaviour:?}"
        );
    }
}

#[motsu::test]
fn unstake_gives_free_stake_back(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    let too_much = InsufficientStake {
        required: tokens(101),
        available: tokens(100),
    };
    assert_eq!(world.unstake(tokens(101)), Err(too_much.into()));
    world.unstake(tokens(60)).unwrap();
    stakes.assert_emitted(&Unstaked {
        sink,
        amount: tokens(60),
        totalStake: tokens(40),
    });
    assert_eq!(world.total(), tokens(40));
    assert_eq!(world.balance(sink), tokens(1_000_000 - 40));
}

#[motsu::test]
fn unstake_keeps_the_stake_when_the_token_refuses(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    for behaviour in [
        Behaviour::Reverts,
        Behaviour::ReturnsFalse,
        Behaviour::ReturnsTwo,
        Behaviour::ReturnsShort,
    ] {
        world.behave(behaviour);
        let failed = Error::Erc20(SafeERC20FailedOperation {
            token: token.address(),
        });
        assert_eq!(world.unstake(tokens(1)), Err(failed), "{behaviour:?}");
        assert_eq!(world.total(), tokens(100), "{behaviour:?}");
    }
}

#[motsu::test]
fn stakes_are_apart(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    token.sender(owner).mint(other, tokens(7));
    world.stake(tokens(100));
    stakes.sender(other).stake(tokens(7)).motsu_unwrap();
    let too_much = InsufficientStake {
        required: tokens(8),
        available: tokens(7),
    };
    assert_eq!(
        stakes.sender(other).unstake(tokens(8)).motsu_unwrap_err(),
        too_much.into()
    );
    assert_eq!(stakes.sender(other).get_stake(other), tokens(7));
    assert_eq!(world.total(), tokens(100));
}

// --- Cap curves

#[motsu::test]
fn the_caps_follow_their_curves(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let below = tokens(100) - U256::from(1);
    for (stake, cap) in [
        (below, U256::ZERO),
        (tokens(100), units(10)),
        (tokens(10_000), units(100)),
    ] {
        world.stake(stake - world.total());
        assert_eq!(
            stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap(),
            cap
        );
    }
    world.stake(tokens(10_000));
    // √20 000 = 141.421 356 237 309…
    assert_eq!(
        stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap(),
        U256::from(141_421_356_237_u64)
    );
}

#[motsu::test]
fn the_affine_cap_starts_at_the_minimum_stake(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::with_curve(&stakes, &token, owner, sink, CURVE_AFFINE);
    for (stake, cap) in [
        (tokens(99), 0),
        (tokens(100), 0),
        (tokens(101), 1),
        (tokens(300), 200),
    ] {
        world.stake(stake - world.total());
        assert_eq!(
            stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap(),
            units(cap)
        );
    }
}

/// What SPEC §2 asks to be measured: 10 000 tokens, minimum 100, as one sink and as a hundred.
#[motsu::test]
fn splitting_pays_tenfold_on_the_square_root_and_costs_on_the_affine_curve(
    sqrt: Contract<StakeManager>,
    affine: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    let capacity = |stakes: &Contract<StakeManager>, sinks: u64| {
        (0..sinks).fold(U256::ZERO, |sum, index| {
            let sink = Address::left_padding_from(&[0xaa, sinks as u8, index as u8]);
            token.sender(owner).mint(sink, tokens(10_000 / sinks));
            stakes
                .sender(sink)
                .stake(tokens(10_000 / sinks))
                .motsu_unwrap();
            sum + stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap()
        })
    };
    for (stakes, curve) in [(&sqrt, CURVE_SQRT), (&affine, CURVE_AFFINE)] {
        let build =
            stakes
                .sender(owner)
                .constructor(token.address(), ONE, tokens(100), curve, owner);
        build.motsu_unwrap();
        stakes.sender(owner).open().motsu_unwrap();
    }
    assert_eq!(
        (capacity(&sqrt, 1), capacity(&sqrt, 100)),
        (units(100), units(1_000))
    );
    assert_eq!(
        (capacity(&affine, 1), capacity(&affine, 100)),
        (units(9_900), U256::ZERO)
    );
}

// --- Locking

#[motsu::test]
fn registration_locks_what_backs_the_capacity(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    assert_eq!(world.register(tokens(150), units(15)), Ok(units(15)));
    stakes.assert_emitted(&StakeLocked {
        sink,
        amount: tokens(225),
    });
    assert_eq!((world.locked(), world.free()), (tokens(225), tokens(175)));
    let error = InsufficientStake {
        required: tokens(176),
        available: tokens(175),
    };
    assert_eq!(world.unstake(tokens(176)), Err(error.into()));
    world.unstake(tokens(175)).unwrap();
}

#[motsu::test]
fn registration_locks_the_minimum_for_a_small_capacity(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    assert_eq!(world.register(tokens(150), units(1)), Ok(units(1)));
    assert_eq!(world.locked(), tokens(150));
    assert_eq!(world.register(tokens(1), units(1)), Ok(units(1)));
    assert_eq!(
        world.locked(),
        tokens(150),
        "a lower minimum elsewhere unlocks nothing"
    );
}

#[motsu::test]
fn registration_needs_the_minimum_stake(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(99));
    let contract_minimum = InsufficientStake {
        required: tokens(100),
        available: tokens(99),
    };
    assert_eq!(
        world.register(U256::ZERO, units(1)),
        Err(contract_minimum.into())
    );
    world.stake(tokens(1));
    let type_minimum = InsufficientStake {
        required: tokens(101),
        available: tokens(100),
    };
    assert_eq!(
        world.register(tokens(101), units(1)),
        Err(type_minimum.into())
    );
    assert_eq!(world.register(tokens(100), units(1)), Ok(units(1)));
}

#[motsu::test]
fn capacity_is_granted_up_to_the_cap(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    assert_eq!(world.register(U256::ZERO, U256::MAX), Ok(units(20)));
    assert_eq!(world.locked(), tokens(400));
    assert_eq!(world.back(units(21)), units(20));
    assert_eq!(world.free(), U256::ZERO);
}

#[motsu::test]
fn affine_capacity_locks_the_minimum_besides(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::with_curve(&stakes, &token, owner, sink, CURVE_AFFINE);
    world.stake(tokens(400));
    assert_eq!(world.register(U256::ZERO, units(50)), Ok(units(50)));
    assert_eq!(world.locked(), tokens(150));
    assert_eq!(world.back(units(1_000)), units(300));
    assert_eq!(world.locked(), tokens(400));
}

#[motsu::test]
fn declaring_less_unlocks_nothing(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(20)).unwrap();
    assert_eq!(world.back(units(1)), units(1));
    assert_eq!(world.locked(), tokens(400));
    world.stake(tokens(41));
    assert_eq!(world.back(units(21)), units(21));
    assert_eq!(world.locked(), tokens(441));
}

#[motsu::test]
fn only_an_authorised_registry_locks_and_unlocks(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    for caller in [owner, sink, world.slasher] {
        let refused = || -> Error { NotAuthorizedRegistry { caller }.into() };
        let it = || stakes.sender(caller);
        assert_eq!(
            it().back_registration(sink, ONE, ONE).motsu_unwrap_err(),
            refused()
        );
        assert_eq!(it().back_capacity(sink, ONE).motsu_unwrap_err(), refused());
        assert_eq!(it().start_unbonding(sink).motsu_unwrap_err(), refused());
    }
}

#[motsu::test]
fn one_registry_holds_a_lock(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    second: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    stakes
        .sender(owner)
        .set_registry(second, true)
        .motsu_unwrap();
    advance_time(NOTICE);
    world.register(U256::ZERO, units(10)).unwrap();
    let refused = || -> Error { LockedByOtherRegistry { sink }.into() };
    assert_eq!(
        stakes
            .sender(second)
            .back_registration(sink, ONE, ONE)
            .motsu_unwrap_err(),
        refused()
    );
    assert_eq!(
        stakes
            .sender(second)
            .back_capacity(sink, ONE)
            .motsu_unwrap_err(),
        refused()
    );
    assert_eq!(
        stakes
            .sender(second)
            .start_unbonding(sink)
            .motsu_unwrap_err(),
        refused()
    );
    world.leave();
    advance_time(DAY);
    stakes
        .sender(second)
        .back_registration(sink, ONE, units(10))
        .motsu_unwrap();
    assert_eq!(world.locked(), tokens(100));
}

// --- Unbonding

#[motsu::test]
fn locked_stake_unbonds_for_a_day(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(15)).unwrap();
    let until = U256::from(timestamp() + DAY);
    world.leave();
    stakes.assert_emitted(&UnbondingStarted {
        sink,
        amount: tokens(225),
        until,
    });
    assert_eq!(world.unbonding(), (tokens(225), until));
    assert_eq!((world.locked(), world.free()), (U256::ZERO, tokens(175)));
    assert_eq!(
        world.total(),
        tokens(400),
        "what is unbonding is still stake"
    );
    advance_time(DAY - 1);
    let error = InsufficientStake {
        required: tokens(176),
        available: tokens(175),
    };
    assert_eq!(world.unstake(tokens(176)), Err(error.into()));
    advance_time(1);
    assert_eq!(world.unbonding(), (U256::ZERO, U256::ZERO));
    world.unstake(tokens(400)).unwrap();
    assert_eq!(world.balance(sink), tokens(1_000_000));
}

#[motsu::test]
fn what_is_unbonding_backs_nothing(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(15)).unwrap();
    world.leave();
    assert_eq!(
        world.register(U256::ZERO, units(20)),
        Ok(units(1) * U256::from(13) + U256::from(228_756_555))
    );
    let error = InsufficientStake {
        required: tokens(176),
        available: tokens(175),
    };
    assert_eq!(world.register(tokens(176), units(1)), Err(error.into()));
    advance_time(DAY);
    assert_eq!(world.back(units(20)), units(20));
}

#[motsu::test]
fn leaving_again_shortens_nothing(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    let first = timestamp() + DAY;
    advance_time(DAY / 2);
    stakes
        .sender(owner)
        .set_unbonding_period(U256::from(MIN_UNBONDING_PERIOD))
        .motsu_unwrap();
    assert_eq!(
        world.unbonding(),
        (tokens(100), U256::from(first)),
        "a shorter period is for later requests"
    );
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    assert_eq!(
        world.unbonding(),
        (tokens(200), U256::from(first)),
        "not even through a second request"
    );
    advance_time(MIN_UNBONDING_PERIOD);
    assert_eq!(world.free(), tokens(200));
    advance_time(DAY / 2 - MIN_UNBONDING_PERIOD);
    assert_eq!(world.free(), tokens(400));
}

#[motsu::test]
fn leaving_twice_restarts_the_clock(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    advance_time(DAY / 2);
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    assert_eq!(
        world.unbonding(),
        (tokens(200), U256::from(timestamp() + DAY))
    );
}

#[motsu::test]
fn a_finished_unbonding_does_not_count_again(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(20)).unwrap();
    world.leave();
    advance_time(DAY);
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    assert_eq!(world.unbonding().0, tokens(100));
}

#[motsu::test]
fn sinks_of_a_revoked_registry_leave_it_for_the_full_time(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    second: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(10)).unwrap();
    let registry = world.registry;
    let leave = |from| stakes.sender(sink).leave_revoked_registry(from).motsu_res();
    assert_eq!(
        leave(registry),
        Err(RegistryStillAuthorized { registry }.into())
    );
    assert_eq!(
        leave(second),
        Err(NotLockedBy {
            sink,
            registry: second
        }
        .into())
    );
    stakes
        .sender(owner)
        .set_registry(second, true)
        .motsu_unwrap();
    stakes
        .sender(owner)
        .set_registry(second, false)
        .motsu_unwrap();
    assert_eq!(
        leave(second),
        Err(NotLockedBy {
            sink,
            registry: second
        }
        .into())
    );
    stakes
        .sender(owner)
        .set_registry(registry, false)
        .motsu_unwrap();
    assert_eq!(world.free(), tokens(300), "revoking frees nothing");
    leave(registry).unwrap();
    assert_eq!(
        world.unbonding(),
        (tokens(100), U256::from(timestamp() + DAY))
    );
    assert_eq!(leave(registry), Err(NotLockedBy { sink, registry }.into()));
}

#[motsu::test]
fn leaving_with_nothing_locked_starts_nothing(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    world.register(U256::ZERO, units(1)).unwrap();
    world.leave();
    assert_eq!(world.unbonding().0, tokens(100));
    // What was slashed away is not unbonding; and there is nothing more to unbond.
    world.slash(tokens(30));
    assert_eq!(world.unbonding().0, tokens(70));
    world.stake(tokens(5));
    assert_eq!(world.free(), tokens(5));
}

// --- Slashing

#[motsu::test]
fn slash_pays_the_treasury(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    treasury: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    world.slash(tokens(10));
    stakes.assert_emitted(&Slashed {
        sink,
        amount: tokens(10),
        reason: REASON,
    });
    stakes.assert_emitted(&SlashedPaid {
        treasury: BURNT,
        amount: tokens(10),
    });
    assert_eq!(
        (world.total(), world.balance(BURNT)),
        (tokens(90), tokens(10)),
        "without a treasury it is burnt"
    );
    let own = stakes.sender(owner).set_treasury(owner).motsu_unwrap_err();
    assert_eq!(own, TreasuryIsOwner { owner }.into());
    stakes.sender(owner).set_treasury(treasury).motsu_unwrap();
    assert!(!stakes.emitted(&TreasurySet { treasury }));
    assert_eq!(stakes.sender(sink).treasury(), BURNT, "not yet");
    let from = U256::from(timestamp() + NOTICE);
    let announced = || stakes.sender(sink).announced_treasury();
    assert_eq!(announced(), (treasury, from));
    advance_time(NOTICE);
    assert_eq!(announced(), (Address::ZERO, U256::ZERO));
    assert_eq!(stakes.sender(sink).treasury(), treasury);
    world.slash(tokens(10));
    assert_eq!(
        (world.total(), world.balance(treasury)),
        (tokens(80), tokens(10))
    );
    // An owner that has become the treasury gets nothing.
    let offer = ownable_of(&mut stakes.sender(owner)).transfer_ownership(treasury);
    offer.motsu_unwrap();
    ownable_of(&mut stakes.sender(treasury))
        .accept_ownership()
        .motsu_unwrap();
    assert_eq!(stakes.sender(sink).treasury(), BURNT);
}

#[motsu::test]
fn a_day_takes_thirty_percent_at_most(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
    anyone: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(10)).unwrap();
    world.slash(tokens(50));
    advance_time(DAY - 1);
    world.slash(tokens(1_000));
    stakes.assert_emitted(&Slashed {
        sink,
        amount: tokens(70),
        reason: REASON,
    });
    let (total, owed) = (tokens(280), tokens(280));
    stakes.assert_emitted(&SlashOwed {
        sink,
        amount: owed,
        reason: REASON,
    });
    let from = U256::from(timestamp() + DAY);
    assert_eq!(world.total(), total);
    assert_eq!(stakes.sender(anyone).get_owed(sink), (owed, from));
    // Until it is taken the stake backs nothing, and none of it leaves.
    assert_eq!(stakes.sender(anyone).get_capacity_cap(sink), Ok(U256::ZERO));
    assert_eq!(world.back(units(10)), U256::ZERO);
    assert_eq!(world.free(), U256::ZERO);
    let held = StakeOwed { sink, amount: owed };
    assert_eq!(world.unstake(ONE), Err(held.clone().into()));
    assert_eq!(world.register(U256::ZERO, ONE), Err(held.into()));
    world.leave();
    let take = || stakes.sender(anyone).take_owed(sink).motsu_res();
    assert_eq!(take(), Err(DailySlashReached { sink, from }.into()));
    advance_time(DAY);
    // The unbonding has ended, and still nothing leaves.
    assert_eq!(world.free(), U256::ZERO);
    take().unwrap();
    stakes.assert_emitted(&Slashed {
        sink,
        amount: tokens(84),
        reason: OWED_REASON,
    });
    assert_eq!(
        (world.total(), world.balance(BURNT)),
        (tokens(196), tokens(204))
    );
    // No end of it within a day, however often somebody asks.
    advance_time(DAY - 1);
    assert!(take().is_err());
    assert_eq!(world.total(), tokens(196));
    assert_eq!(stakes.sender(anyone).get_owed(sink).0, tokens(196));
}

#[motsu::test]
fn what_is_owed_ends_when_it_is_taken(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.slash(tokens(140));
    assert_eq!(stakes.sender(sink).get_owed(sink).0, tokens(20));
    let nothing = stakes.sender(owner).take_owed(owner).motsu_unwrap_err();
    assert_eq!(nothing, ZeroAmount {}.into());
    advance_time(DAY);
    stakes.sender(sink).take_owed(sink).motsu_unwrap();
    assert_eq!((world.total(), world.free()), (tokens(260), tokens(260)));
    let cap = stakes.sender(sink).get_capacity_cap(sink);
    assert_eq!(cap, Ok(U256::from(16_124_515_496_u64)));
    // The last wei can go too, and nothing is owed of what is not there.
    for _ in 0..200 {
        world.slash(tokens(1_000));
        advance_time(DAY);
    }
    assert_eq!(world.total(), U256::ZERO);
    assert_eq!(stakes.sender(sink).get_owed(sink).0, U256::ZERO);
    assert_eq!(
        (world.held(), world.balance(BURNT)),
        (U256::ZERO, tokens(400))
    );
    world.slash(tokens(1));
    assert_eq!(stakes.sender(sink).get_owed(sink).0, U256::ZERO);
}

/// The attack of SPEC §2: the owner names itself slasher and takes all stakes in two transactions.
#[motsu::test]
fn an_owner_takes_no_stakes_by_surprise(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    let from = U256::from(timestamp() + NOTICE);
    stakes.sender(owner).set_slasher(owner, true).motsu_unwrap();
    stakes.assert_emitted(&PowerAnnounced {
        at: stakes.address(),
        power: SLASHER,
        to: owner,
        from,
    });
    stakes
        .sender(owner)
        .set_registry(owner, true)
        .motsu_unwrap();
    assert!(!stakes.emitted(&SlasherSet {
        slasher: owner,
        authorized: true
    }));
    let slash = || {
        let it = stakes.sender(owner).slash(sink, tokens(400), REASON);
        it.motsu_res()
    };
    let lock = || {
        stakes
            .sender(owner)
            .back_capacity(sink, units(20))
            .motsu_res()
    };
    assert_eq!(stakes.sender(sink).slasher_from(owner), from);
    assert_eq!(stakes.sender(sink).registry_from(owner), from);
    advance_time(NOTICE - 1);
    assert!(!stakes.sender(sink).authorized_slashers(owner));
    assert_eq!(slash(), Err(NotAuthorizedSlasher {}.into()));
    assert_eq!(lock(), Err(NotAuthorizedRegistry { caller: owner }.into()));
    // Saying it again changes nothing; taking it back does, at once.
    stakes.sender(owner).set_slasher(owner, true).motsu_unwrap();
    stakes
        .sender(owner)
        .set_registry(owner, false)
        .motsu_unwrap();
    world.unstake(tokens(100)).unwrap();
    advance_time(1);
    assert!(stakes.sender(sink).authorized_slashers(owner));
    assert!(!stakes.sender(sink).authorized_registries(owner));
    slash().unwrap();
    assert_eq!(world.total(), tokens(210), "and then 30 % a day");
    stakes
        .sender(owner)
        .set_slasher(owner, false)
        .motsu_unwrap();
    assert_eq!(slash(), Err(NotAuthorizedSlasher {}.into()));
}

/// Whoever stakes sees all who have powers: none is given at once after the opening, not even before the first stake.
#[motsu::test]
fn no_power_slips_in_between_the_opening_and_the_first_stake(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    stakes.sender(owner).set_slasher(BOB, true).motsu_unwrap();
    stakes.sender(owner).set_registry(BOB, true).motsu_unwrap();
    stakes.sender(owner).set_treasury(BOB).motsu_unwrap();
    world.stake(tokens(400));
    let slash = stakes.sender(BOB).slash(sink, ONE, REASON);
    assert_eq!(slash.motsu_unwrap_err(), NotAuthorizedSlasher {}.into());
    let lock = stakes.sender(BOB).back_capacity(sink, units(1));
    let refused = NotAuthorizedRegistry { caller: BOB };
    assert_eq!(lock.motsu_unwrap_err(), refused.into());
    world.slash(ONE);
    assert_eq!(
        (world.balance(BOB), world.balance(BURNT)),
        (U256::ZERO, ONE)
    );
}

#[motsu::test]
fn nobody_but_the_owner_gives_powers_before_the_opening(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    let build = stakes
        .sender(owner)
        .constructor(token.address(), ONE, tokens(100), 0, owner);
    build.motsu_unwrap();
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account: BOB }.into());
    let mut bob = stakes.sender(BOB);
    assert_eq!(bob.set_slasher(BOB, true).motsu_unwrap_err(), refused);
    assert_eq!(bob.set_registry(BOB, true).motsu_unwrap_err(), refused);
    assert_eq!(bob.set_treasury(BOB).motsu_unwrap_err(), refused);
    assert_eq!(bob.open().motsu_unwrap_err(), refused);
}

/// Two slashers, twenty slashes, over almost a day.
#[motsu::test]
fn splitting_a_slash_takes_no_more_within_a_day(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    stakes.sender(owner).set_slasher(BOB, true).motsu_unwrap();
    advance_time(NOTICE);
    world.stake(tokens(400));
    for _ in 0..10 {
        world.slash(tokens(13));
        let other = stakes.sender(BOB).slash(sink, tokens(13), REASON);
        other.motsu_unwrap();
        advance_time(DAY / 10 - 1);
    }
    assert_eq!(world.total(), tokens(280));
    assert_eq!(stakes.sender(sink).get_owed(sink).0, tokens(140));
}

/// A slash of a wei does not make of 30 % of what was there all of what stays.
#[motsu::test]
fn what_stays_is_slashed_by_its_own_part(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.slash(tokens(100));
    world.unstake(tokens(100)).unwrap();
    world.slash(tokens(200));
    assert_eq!(
        world.total(),
        tokens(200),
        "100 of 300 is more than 30 % already"
    );
    assert_eq!(stakes.sender(sink).get_owed(sink).0, tokens(200));
    advance_time(DAY);
    stakes.sender(sink).take_owed(sink).motsu_unwrap();
    assert_eq!(world.total(), tokens(140), "200 less 30 %");
}

#[motsu::test]
fn a_sink_that_owes_takes_nothing_out(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(20)).unwrap();
    world.leave();
    world.slash(tokens(400));
    advance_time(10 * DAY);
    let owed = tokens(280);
    let refused = StakeOwed { sink, amount: owed };
    assert_eq!(world.unstake(U256::from(1)), Err(refused.into()));
    stakes.sender(owner).take_owed(sink).motsu_unwrap();
    assert_eq!(
        (world.total(), world.free()),
        (tokens(196), U256::ZERO),
        "30 % less"
    );
}

/// New stake would raise what may be taken today by a dust, and with the dust taken the day begins again: so every day, and
/// what is owed would never be taken.
#[motsu::test]
fn a_dust_staked_every_day_does_not_put_off_what_is_owed(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    world.slash(tokens(100));
    advance_time(DAY - 400);
    token.sender(sink).mint(sink, ONE);
    let dust = stakes.sender(sink).stake(U256::from(4));
    let amount = tokens(70);
    assert_eq!(dust.motsu_unwrap_err(), StakeOwed { sink, amount }.into());
    advance_time(400);
    stakes.sender(owner).take_owed(sink).motsu_unwrap();
    assert_eq!(world.total(), tokens(49));
}

#[motsu::test]
fn the_owner_is_never_paid_what_is_slashed(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let own = stakes.sender(owner).set_treasury(owner).motsu_unwrap_err();
    assert_eq!(own, TreasuryIsOwner { owner }.into());
    stakes.sender(owner).set_treasury(BOB).motsu_unwrap();
    advance_time(NOTICE);
    let offer = ownable_of(&mut stakes.sender(owner)).transfer_ownership(BOB);
    offer.motsu_unwrap();
    let accept = ownable_of(&mut stakes.sender(BOB)).accept_ownership();
    accept.motsu_unwrap();
    world.stake(tokens(100));
    world.slash(tokens(10));
    assert_eq!(world.balance(BURNT), tokens(10));
    assert_eq!(world.balance(BOB) + world.balance(owner), U256::ZERO);
}

#[motsu::test]
fn staking_opens_once(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let build = stakes
        .sender(owner)
        .constructor(token.address(), ONE, tokens(100), 0, owner);
    build.motsu_unwrap();
    token.sender(owner).mint(sink, tokens(400));
    let closed = stakes.sender(sink).stake(ONE).motsu_unwrap_err();
    assert_eq!(closed, StakingClosed {}.into());
    assert_eq!(stakes.sender(sink).power_notice(), U256::ZERO);
    let stranger = stakes.sender(sink).open().motsu_unwrap_err();
    let refused = OwnableUnauthorizedAccount { account: sink };
    assert_eq!(stranger, Error::Ownable(refused.into()));
    stakes.sender(owner).set_slasher(sink, true).motsu_unwrap();
    assert!(stakes.sender(sink).authorized_slashers(sink), "at once");
    let long = U256::from(30 * DAY);
    stakes
        .sender(owner)
        .set_unbonding_period(long)
        .motsu_unwrap();
    assert!(!stakes.sender(sink).opened());
    stakes.sender(owner).open().motsu_unwrap();
    stakes.assert_emitted(&StakingOpened {});
    assert!(stakes.sender(sink).opened());
    assert_eq!(stakes.sender(sink).power_notice(), U256::from(60 * DAY));
    let again = stakes.sender(owner).open().motsu_unwrap_err();
    assert_eq!(again, StakingAlreadyOpen {}.into());
    stakes.sender(sink).stake(ONE).motsu_unwrap();
    // The longest that it ever was is what notices follow.
    let short = U256::from(DAY);
    stakes
        .sender(owner)
        .set_unbonding_period(short)
        .motsu_unwrap();
    assert_eq!(stakes.sender(sink).unbonding_period(), short);
    assert_eq!(stakes.sender(sink).power_notice(), U256::from(60 * DAY));
}

#[motsu::test]
fn a_longer_unbonding_holds_for_locks_after_its_notice(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(10)).unwrap();
    let period = U256::from(10 * DAY);
    stakes
        .sender(owner)
        .set_unbonding_period(period)
        .motsu_unwrap();
    // The notice is already of the longer one.
    let from = timestamp() + 20 * DAY;
    let announced = || stakes.sender(sink).announced_unbonding_period();
    assert_eq!(announced(), (period, U256::from(from)));
    // Saying it again does not put it off.
    advance_time(1);
    stakes
        .sender(owner)
        .set_unbonding_period(period)
        .motsu_unwrap();
    assert_eq!(announced(), (period, U256::from(from)));
    stakes.assert_emitted(&UnbondingPeriodSet {
        period,
        from: U256::from(from),
    });
    advance_time(20 * DAY - 2);
    assert_eq!(stakes.sender(sink).unbonding_period(), U256::from(DAY));
    advance_time(1);
    assert_eq!(stakes.sender(sink).unbonding_period(), period);
    assert_eq!(announced(), (U256::ZERO, U256::ZERO));
    world.back(units(15));
    world.leave();
    let until = |days: u64| U256::from(timestamp() + days * DAY);
    assert_eq!(world.unbonding().1, until(1), "as its lock began");
    advance_time(DAY);
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    assert_eq!(world.unbonding().1, until(10));
}

#[motsu::test]
fn it_remembers_what_stakes_were(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    advance_time(300 - timestamp() % 300);
    let at = |time: u64| stakes.sender(sink).get_stake_at(sink, U256::from(time));
    world.stake(tokens(100));
    assert_eq!(at(0), tokens(100), "nobody counted on it before");
    world.register(U256::ZERO, units(1)).unwrap();
    let began = timestamp();
    advance_time(900);
    // A stake of 100 while the bad epochs run, and of a million afterwards.
    world.stake(tokens(100));
    world.stake(tokens(800));
    for epoch in 1..4 {
        assert_eq!(at(began + 300 * epoch - 1), tokens(100));
    }
    assert_eq!(at(began + 1_200), tokens(1_000));
    advance_time(3_000);
    world.slash(tokens(100));
    assert_eq!(at(timestamp() - 1), tokens(1_000));
    assert_eq!(at(timestamp()), tokens(1_000), "before that second");
    assert_eq!(at(timestamp() + 1), tokens(900));
    for _ in 0..70 {
        advance_time(300);
        world.stake(ONE);
    }
    assert_eq!(at(timestamp() + 1), tokens(970));
    assert_eq!(at(timestamp() - 301), tokens(968));
    assert_eq!(at(timestamp() - 301 - 300 * 60), tokens(908));
    assert_eq!(at(began), tokens(906), "the least that is remembered");
}

#[motsu::test]
fn only_a_slasher_slashes(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    for caller in [owner, sink, world.registry] {
        let error = stakes
            .sender(caller)
            .slash(sink, ONE, REASON)
            .motsu_unwrap_err();
        assert_eq!(error, NotAuthorizedSlasher {}.into());
    }
    let zero = stakes
        .sender(world.slasher)
        .slash(sink, U256::ZERO, REASON)
        .motsu_unwrap_err();
    assert_eq!(zero, ZeroAmount {}.into());
    stakes
        .sender(owner)
        .set_slasher(world.slasher, false)
        .motsu_unwrap();
    stakes.assert_emitted(&SlasherSet {
        slasher: world.slasher,
        authorized: false,
    });
    assert!(!stakes.sender(sink).authorized_slashers(world.slasher));
    let revoked = stakes
        .sender(world.slasher)
        .slash(sink, ONE, REASON)
        .motsu_unwrap_err();
    assert_eq!(revoked, NotAuthorizedSlasher {}.into());
    assert_eq!(world.total(), tokens(100));
}

#[motsu::test]
fn slash_reaches_unbonding_stake(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    world.register(U256::ZERO, units(10)).unwrap();
    world.leave();
    advance_time(DAY - 1);
    world.slash(tokens(30));
    assert_eq!(world.unbonding().0, tokens(70));
    advance_time(1);
    world.unstake(tokens(70)).unwrap();
    assert_eq!(world.total(), U256::ZERO);
}

#[motsu::test]
fn after_a_slash_the_lock_is_what_is_left(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(400));
    world.register(U256::ZERO, units(20)).unwrap();
    world.slash(tokens(39));
    assert_eq!((world.locked(), world.free()), (tokens(361), U256::ZERO));
    assert_eq!(world.back(units(20)), units(19));
    world.stake(tokens(10));
    assert_eq!(
        world.free(),
        tokens(10),
        "a lock that was slashed away does not grow back"
    );
}

#[motsu::test]
fn a_refusing_token_does_not_stop_a_slash(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(1_000));
    for behaviour in [Behaviour::Reverts, Behaviour::ReturnsFalse, Behaviour::Lies] {
        world.behave(behaviour);
        let before = world.total();
        world.slash(tokens(10));
        assert_eq!(world.total(), before - tokens(10), "{behaviour:?}");
    }
    assert_eq!(stakes.sender(sink).unpaid_slashed(), tokens(30));
    let failed = Error::Erc20(SafeERC20FailedOperation {
        token: token.address(),
    });
    assert_eq!(stakes.sender(sink).pay_slashed().motsu_unwrap_err(), failed);
    world.behave(Behaviour::Standard);
    stakes.sender(sink).pay_slashed().motsu_unwrap();
    assert_eq!(
        (world.balance(BURNT), world.held()),
        (tokens(30), tokens(970))
    );
    assert_eq!(
        stakes.sender(sink).pay_slashed().motsu_unwrap_err(),
        ZeroAmount {}.into()
    );
}

/// Of what is taken at once, not of what is owed; and no more than was asked to be taken.
#[motsu::test]
fn a_slasher_rewards_at_most_a_hundredth_of_what_it_takes(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(1_000));
    let slash = |who: Address, amount: U256, to: Address| {
        stakes
            .sender(who)
            .slash_and_reward(sink, amount, REASON, to, tokens(2))
            .motsu_res()
    };
    let to = Address::repeat_byte(0x77);
    assert_eq!(slash(sink, ONE, to), Err(NotAuthorizedSlasher {}.into()));
    let nothing = slash(world.slasher, U256::ZERO, to);
    assert_eq!(nothing, Err(ZeroAmount {}.into()));
    assert_eq!(slash(world.slasher, tokens(100), to), Ok(()));
    assert_eq!((world.balance(to), world.balance(BURNT)), (ONE, tokens(99)));
    // 200 are left of today's 300.
    assert_eq!(slash(world.slasher, tokens(700), to), Ok(()));
    let paid = world.balance(to);
    assert_eq!((paid, world.balance(BURNT)), (tokens(3), tokens(297)));
    assert_eq!((world.total(), world.held()), (tokens(700), tokens(700)));
    // Nothing is taken today, so nobody is rewarded.
    assert_eq!(slash(world.slasher, ONE, to), Ok(()));
    assert_eq!(world.balance(to), paid);
    // A day later most of what is taken was owed: the reward is of what is slashed now. And nobody's without a name.
    advance_time(SLASH_INTERVAL);
    assert_eq!(slash(world.slasher, ONE, to), Ok(()));
    assert_eq!(world.balance(to) - paid, ONE / U256::from(100));
    assert_eq!(slash(world.slasher, ONE, Address::ZERO), Ok(()));
    assert_eq!(world.balance(Address::ZERO), U256::ZERO);
}

/// What it did is booked, not what it says.
#[motsu::test]
fn a_token_that_does_not_say_what_it_did_is_measured(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    for (slashes, behaviour) in [
        Behaviour::ReturnsTwo,
        Behaviour::ReturnsShort,
        Behaviour::NoReturn,
    ]
    .into_iter()
    .enumerate()
    {
        world.behave(behaviour);
        world.slash(ONE);
        let left = tokens(99 - slashes as u64);
        assert_eq!((world.total(), world.held()), (left, left), "{behaviour:?}");
        assert_eq!(stakes.sender(sink).unpaid_slashed(), U256::ZERO);
    }
}

// --- Reputation

#[motsu::test]
fn reputation_lowers_the_required_stake(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    ledger: Contract<Ledger>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let domain = B256::repeat_byte(7);
    stakes
        .sender(owner)
        .set_reputation_ledger(ledger.address(), domain)
        .motsu_unwrap();
    stakes.assert_emitted(&ReputationLedgerSet {
        ledger: ledger.address(),
        domain,
    });
    ledger.sender(owner).only_for(sink, domain);
    ledger.sender(owner).set_discount(U256::from(2_500));
    let required = |who, min| stakes.sender(owner).required_stake(who, min);
    assert_eq!(required(sink, U256::ZERO), tokens(75));
    // Of this contract's minimum, whatever a task type asks for.
    assert_eq!(required(sink, tokens(1_000)), tokens(975));
    assert_eq!(required(other, tokens(1_000)), tokens(1_000));
    world.stake(tokens(74));
    let error = InsufficientStake {
        required: tokens(75),
        available: tokens(74),
    };
    assert_eq!(world.register(U256::ZERO, units(1)), Err(error.into()));
    world.stake(tokens(1));
    assert_eq!(
        world.register(U256::ZERO, units(100)),
        Ok(stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap())
    );
    assert_eq!(world.locked(), tokens(75), "the cap is of real stake");
}

/// Below the minimum there is no cap; the minimum is less what this contract's domain grants.
#[motsu::test]
fn reputation_lowers_the_stake_below_which_there_is_no_cap(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    ledger: Contract<Ledger>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let domain = B256::repeat_byte(7);
    world.stake(tokens(81));
    let cap = || stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap();
    assert_eq!(cap(), U256::ZERO);
    stakes
        .sender(owner)
        .set_reputation_ledger(ledger.address(), domain)
        .motsu_unwrap();
    ledger.sender(owner).only_for(sink, domain);
    ledger.sender(owner).set_discount(U256::from(1_900));
    assert_eq!(cap(), units(9));
    ledger.sender(owner).set_discount(U256::from(1_899));
    assert_eq!(cap(), U256::ZERO);
}

/// A slash that leaves less than the minimum leaves nothing to back capacity with.
#[motsu::test]
fn a_slash_below_the_minimum_takes_all_capacity(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(100));
    assert_eq!(world.register(U256::ZERO, units(10)), Ok(units(10)));
    world.slash(tokens(10));
    let cap = stakes.sender(sink).get_capacity_cap(sink).motsu_unwrap();
    assert_eq!(cap, U256::ZERO);
    assert_eq!(world.back(units(5)), U256::ZERO);
}

/// Guilds admit by reputation, which is twice the discount.
#[motsu::test]
fn who_lacks_the_reputation_is_not_admitted(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    ledger: Contract<Ledger>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    world.stake(tokens(200));
    let set = |who, min: u64| {
        let it = stakes.sender(who).set_min_reputation(U256::from(min));
        it.motsu_res()
    };
    let reputation = U256::from(10_001);
    assert_eq!(
        set(owner, 10_001),
        Err(InvalidReputation { reputation }.into())
    );
    assert!(matches!(set(other, 1), Err(Error::Ownable(_))));
    assert_eq!(set(owner, 4_002), Ok(()));
    stakes.assert_emitted(&MinReputationSet {
        minReputation: U256::from(4_002),
    });
    assert_eq!(stakes.sender(other).min_reputation(), U256::from(4_002));
    let refused = |reputation: u64| {
        Err(Error::from(NotAdmitted {
            sink,
            reputation: U256::from(reputation),
            required: U256::from(4_002),
        }))
    };
    assert_eq!(
        world.register(U256::ZERO, units(1)),
        refused(0),
        "no ledger"
    );
    stakes
        .sender(owner)
        .set_reputation_ledger(ledger.address(), B256::ZERO)
        .motsu_unwrap();
    ledger.sender(owner).set_discount(U256::from(2_000));
    assert_eq!(world.register(U256::ZERO, units(1)), refused(4_000));
    ledger.sender(owner).set_discount(U256::from(2_001));
    assert_eq!(world.register(U256::ZERO, units(1)), Ok(units(1)));
    // Who is in stays in.
    ledger.sender(owner).set_discount(U256::ZERO);
    assert_eq!(world.back(units(2)), units(2));
}

#[motsu::test]
fn reputation_takes_off_half_at_most(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    ledger: Contract<Ledger>,
    owner: Address,
    sink: Address,
) {
    World::new(&stakes, &token, owner, sink);
    stakes
        .sender(owner)
        .set_reputation_ledger(ledger.address(), B256::ZERO)
        .motsu_unwrap();
    for discount in [
        U256::from(5_000),
        U256::from(5_001),
        U256::from(65_536),
        U256::MAX,
    ] {
        ledger.sender(owner).set_discount(discount);
        assert_eq!(
            stakes.sender(owner).required_stake(sink, U256::ZERO),
            tokens(50),
            "{discount}"
        );
    }
}

#[motsu::test]
fn a_failing_ledger_gives_no_discount(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    ledger: Contract<Ledger>,
    owner: Address,
    sink: Address,
) {
    World::new(&stakes, &token, owner, sink);
    stakes
        .sender(owner)
        .set_reputation_ledger(ledger.address(), B256::ZERO)
        .motsu_unwrap();
    ledger.sender(owner).set_discount(U256::from(5_000));
    for (reverts, short) in [(true, false), (false, true)] {
        ledger.sender(owner).fail(reverts, short);
        assert_eq!(
            stakes.sender(owner).required_stake(sink, U256::ZERO),
            tokens(100)
        );
    }
    stakes
        .sender(owner)
        .set_reputation_ledger(Address::ZERO, B256::ZERO)
        .motsu_unwrap();
    assert_eq!(
        stakes.sender(owner).required_stake(sink, U256::ZERO),
        tokens(100)
    );
}

// --- Owner

#[motsu::test]
fn only_the_owner_sets(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    for account in [sink, world.registry, world.slasher] {
        let refused = || Error::Ownable(OwnableUnauthorizedAccount { account }.into());
        let it = || stakes.sender(account);
        assert_eq!(
            it().set_slasher(account, true).motsu_unwrap_err(),
            refused()
        );
        assert_eq!(
            it().set_registry(account, true).motsu_unwrap_err(),
            refused()
        );
        assert_eq!(it().set_treasury(account).motsu_unwrap_err(), refused());
        assert_eq!(
            it().set_unbonding_period(U256::from(DAY))
                .motsu_unwrap_err(),
            refused()
        );
        assert_eq!(
            it().set_reputation_ledger(account, B256::ZERO)
                .motsu_unwrap_err(),
            refused()
        );
        let refused = ownable::Error::from(OwnableUnauthorizedAccount { account });
        assert_eq!(
            ownable_of(&mut it())
                .transfer_ownership(account)
                .motsu_unwrap_err(),
            refused
        );
    }
}

#[motsu::test]
fn the_unbonding_period_has_bounds(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    World::new(&stakes, &token, owner, sink);
    let (minimum, maximum) = (U256::from(1_800), U256::from(30 * DAY));
    for period in [
        U256::ZERO,
        U256::from(1_799),
        U256::from(30 * DAY + 1),
        U256::MAX,
    ] {
        let error = stakes
            .sender(owner)
            .set_unbonding_period(period)
            .motsu_unwrap_err();
        assert_eq!(
            error,
            InvalidUnbondingPeriod {
                period,
                minimum,
                maximum
            }
            .into()
        );
    }
    stakes
        .sender(owner)
        .set_unbonding_period(minimum)
        .motsu_unwrap();
    stakes.assert_emitted(&UnbondingPeriodSet {
        period: minimum,
        from: U256::from(timestamp()),
    });
    assert_eq!(stakes.sender(owner).unbonding_period(), minimum);
}

#[motsu::test]
fn registries_are_authorised_and_revoked(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let registry = world.registry;
    assert!(stakes.sender(sink).authorized_registries(registry));
    assert!(!stakes.sender(sink).authorized_registries(sink));
    stakes
        .sender(owner)
        .set_registry(registry, false)
        .motsu_unwrap();
    stakes.assert_emitted(&RegistrySet {
        registry,
        authorized: false,
    });
    assert!(!stakes.sender(sink).authorized_registries(registry));
    world.stake(tokens(100));
    assert_eq!(
        world.register(U256::ZERO, ONE),
        Err(NotAuthorizedRegistry { caller: registry }.into())
    );
    stakes
        .sender(owner)
        .set_registry(registry, true)
        .motsu_unwrap();
    assert!(!stakes.sender(sink).authorized_registries(registry));
    advance_time(NOTICE);
    world.register(U256::ZERO, ONE).unwrap();
}

/// Ids of registries are never used twice, and there are 255 of them. The counter stands in slot 2, byte 3.
#[motsu::test]
fn registries_run_out(
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&stakes, &token, owner, sink);
    let slot = U256::from(2);
    let context = stakes.sender(owner);
    let mut word = context.vm().storage_load_bytes32(slot);
    assert_eq!(word[3], 1, "one so far");
    word[3] = 0xff;
    // SAFETY: nothing has read the slot into anything that lives on.
    unsafe { context.vm().storage_cache_bytes32(slot, word) };
    drop(context);
    let error = stakes
        .sender(owner)
        .set_registry(sink, true)
        .motsu_unwrap_err();
    assert_eq!(error, TooManyRegistries {}.into());
    let known = world.registry;
    stakes
        .sender(owner)
        .set_registry(known, false)
        .motsu_unwrap();
}
