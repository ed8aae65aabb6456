//! What the owner can do to sinks once staking is open, and from when on. An owner who wants to slash sinks that do nothing
//! wrong tells them a week before, whatever he calls.

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    powers::{PowerAnnounced, MIN_NOTICE},
};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{
    contract::*,
    tracker::{tokens, World, CODE, OWNER, UNIT},
};

extern crate alloc;

const NOTICE_EPOCHS: u64 = MIN_NOTICE / 300;
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);

fn epoch() -> u64 {
    timestamp() / 300
}

impl World {
    /// What sinks owe in an epoch.
    fn kind(&self, epoch: u64) -> u8 {
        let it = self.tracker.sender(OWNER);
        it.get_yardstick(CODE, U256::from(epoch)).1
    }

    fn weight(&self, epoch: u64) -> U256 {
        let it = self.tracker.sender(OWNER);
        it.get_yardstick(CODE, U256::from(epoch)).0
    }

    fn set_verifier(&self, verifier: Address) {
        let set = self.tracker.sender(OWNER).set_verifier(CODE, verifier);
        set.motsu_unwrap();
    }

    fn verifier(&self) -> Address {
        self.tracker.sender(OWNER).verifiers(CODE)
    }

    /// Who checks evidence at that time, as announced now.
    fn verifier_at(&self, time: u64) -> Address {
        let it = self.tracker.sender(OWNER);
        it.get_verifier(CODE, U256::from(time))
    }

    /// A world whose task type has a verifier, and a yardstick that is in force.
    fn with_verifier(verifier: Address) -> Self {
        let world = Self::bare();
        world.set_verifier(verifier);
        world.yardstick(UNIT, DECLARED);
        advance_time(MIN_NOTICE);
        world.to_next_epoch();
        assert_eq!(
            (world.verifier(), world.kind(epoch())),
            (verifier, DECLARED)
        );
        world
    }

    fn announcement(&self, power: B256, to: Address) -> PowerAnnounced {
        PowerAnnounced {
            at: self.tracker.address(),
            power,
            to,
            from: U256::from(timestamp() + MIN_NOTICE),
        }
    }
}

#[test]
fn a_yardstick_waits_for_its_notice() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    world.to_next_epoch();
    let from = epoch() + NOTICE_EPOCHS + 1;
    world.yardstick(UNIT, DECLARED);
    let announced = world.announcement(YARDSTICK, Address::ZERO);
    world.tracker.assert_emitted(&announced);
    world.tracker.assert_emitted(&YardstickSet {
        taskTypeId: CODE,
        fromEpoch: U256::from(from),
        weight: UNIT,
        yardstick: DECLARED,
    });
    assert_eq!((world.kind(from - 1), world.kind(from)), (NONE, DECLARED));
    advance_time(MIN_NOTICE);
    world.to_next_epoch();
    assert_eq!(epoch(), from);
    // It did nothing all the time, and owed nothing.
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    for _ in 0..3 {
        assert_eq!(world.stake(), tokens(10_000));
        world.to_next_epoch();
        world.advance().expect("an epoch has ended");
    }
    assert_eq!(world.stake(), tokens(9_000));
}

/// Owners cannot make what is served worth less from one epoch to the next.
#[test]
fn until_then_the_old_one_judges() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.yardstick(U256::from(1), DECLARED);
    for id in 0..4 {
        world.complete(id * 50, id * 50 + 50);
        world.to_next_epoch();
        world.advance().expect("an epoch has ended");
        assert_eq!(world.below(), 0);
    }
}

/// The attack: a mild yardstick is announced, and exchanged a second before it begins. Who counted on it is not judged by
/// the old one.
#[test]
fn an_announced_yardstick_that_is_replaced_ends_the_old_one() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.yardstick(UNIT, ASSIGNED);
    let first = epoch() + NOTICE_EPOCHS + 1;
    advance_time(MIN_NOTICE - 1);
    let from = epoch() + NOTICE_EPOCHS + 1;
    world.yardstick(U256::from(2), DECLARED);
    assert_eq!(world.kind(first - 1), DECLARED);
    assert_eq!((world.kind(first), world.kind(from - 1)), (NONE, NONE));
    assert_eq!(
        (world.weight(from), world.kind(from)),
        (U256::from(2), DECLARED)
    );
    // One that begins with the next epoch cannot be held up.
    advance_time(MIN_NOTICE);
    assert_eq!(epoch() + 1, from);
    world.yardstick(UNIT, DECLARED);
    assert_eq!(world.weight(from), U256::from(2));
    assert_eq!(world.weight(from + NOTICE_EPOCHS), UNIT);
}

#[test]
fn a_yardstick_is_taken_away_from_the_next_epoch_on() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    // One that is announced goes too.
    world.yardstick(U256::from(1), ASSIGNED);
    world.yardstick(UNIT, NONE);
    let now = epoch();
    assert_eq!((world.kind(now), world.kind(now + 1)), (DECLARED, NONE));
    assert_eq!(world.kind(u64::from(u32::MAX)), NONE);
    for _ in 0..5 {
        world.to_next_epoch();
    }
    world.advance().expect("five epochs have ended");
    assert_eq!((world.stake(), world.below()), (tokens(10_000), 1));
}

/// The attack: "you owe nothing from the next epoch on", taken back before it begins. Who stopped working would be slashed.
#[test]
fn who_is_told_that_he_will_owe_nothing_owes_nothing() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.yardstick(UNIT, NONE);
    world.yardstick(UNIT, DECLARED);
    let now = epoch();
    let from = now + NOTICE_EPOCHS + 1;
    assert_eq!(world.kind(now + 1), NONE);
    assert_eq!((world.kind(from - 1), world.kind(from)), (NONE, DECLARED));
    for _ in 0..10 {
        world.to_next_epoch();
    }
    world.advance().expect("ten epochs have ended");
    assert_eq!(world.stake(), tokens(10_000));
}

#[test]
fn a_verifier_waits_for_its_notice() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    world.set_verifier(ALICE);
    let from = timestamp() + MIN_NOTICE;
    let announced = world.announcement(VERIFIER, ALICE);
    world.tracker.assert_emitted(&announced);
    world.tracker.assert_emitted(&VerifierSet {
        taskTypeId: CODE,
        verifier: ALICE,
        from: U256::from(from),
    });
    let nobody = Address::ZERO;
    let at = |time| world.verifier_at(time);
    assert_eq!((at(from - 1), at(from)), (nobody, ALICE));
    advance_time(MIN_NOTICE - 1);
    assert_eq!(world.verifier(), nobody);
    advance_time(1);
    assert_eq!(world.verifier(), ALICE);
    // The old one checks nothing any more; the new one waits.
    world.set_verifier(BOB);
    assert_eq!((world.verifier(), at(from + MIN_NOTICE)), (nobody, BOB));
    world.set_verifier(nobody);
    assert_eq!(at(u64::MAX), nobody, "taken away while it is announced");
}

/// The attack: sinks that prove their work by evidence lose the verifier, and so the means to do what they owe.
#[test]
fn a_verifier_takes_the_yardstick_along() {
    let _precompiles = deploy_precompiles();
    let world = World::with_verifier(ALICE);
    let now = epoch();
    for _ in 0..2 {
        world.to_next_epoch();
    }
    world.advance().expect("two epochs have ended");
    assert_eq!(world.below(), 2);
    // Within the epoch that would be the third.
    world.set_verifier(Address::ZERO);
    world.tracker.assert_emitted(&YardstickSet {
        taskTypeId: CODE,
        fromEpoch: U256::from(now + 2),
        weight: U256::from(1),
        yardstick: NONE,
    });
    assert_eq!((world.kind(now + 1), world.kind(now + 2)), (DECLARED, NONE));
    for _ in 0..10 {
        world.to_next_epoch();
    }
    world.advance().expect("ten epochs have ended");
    assert_eq!((world.stake(), world.below()), (tokens(10_000), 2));
}

/// The attack: announced together with the yardstick, and withdrawn, or exchanged, a second before both are in effect.
#[test]
fn who_counts_on_an_announced_verifier_is_not_judged_without_it() {
    let _precompiles = deploy_precompiles();
    for other in [Address::ZERO, BOB] {
        let world = World::bare();
        world.set_verifier(ALICE);
        world.yardstick(UNIT, DECLARED);
        let from = epoch() + NOTICE_EPOCHS + 1;
        advance_time(MIN_NOTICE - 1);
        assert_eq!(world.kind(from), DECLARED);
        world.set_verifier(other);
        assert_eq!(world.kind(from), NONE, "{other}");
    }
}

/// The attack: a tracker whose StakeManager is not open yet announces nothing, and nobody has a stake there. What it sets
/// last holds with the opening.
#[test]
fn before_staking_is_open_everything_holds_at_once() {
    let _precompiles = deploy_precompiles();
    let world = World::closed();
    world.set_verifier(ALICE);
    assert_eq!(world.verifier(), ALICE);
    world.set_verifier(BOB);
    assert_eq!(world.verifier(), BOB);
    world.yardstick(U256::from(1), ASSIGNED);
    world.yardstick(UNIT, DECLARED);
    let next = epoch() + 1;
    assert_eq!((world.weight(next), world.kind(next)), (UNIT, DECLARED));
    world.stakes.sender(OWNER).open().motsu_unwrap();
    world.yardstick(U256::from(1), DECLARED);
    assert_eq!(world.weight(next), UNIT);
    assert_eq!(world.weight(next + NOTICE_EPOCHS), U256::from(1));
}

/// A longer unbonding time lengthens the notice, and does not shorten what was announced before.
#[test]
fn the_notice_is_that_of_the_announcement() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    let from = timestamp() + MIN_NOTICE;
    world.set_verifier(ALICE);
    let longer = U256::from(10 * 86_400);
    let set = world.stakes.sender(OWNER).set_unbonding_period(longer);
    set.motsu_unwrap();
    assert_eq!(world.verifier_at(from), ALICE);
    let from = timestamp() + 20 * 86_400;
    world.set_verifier(BOB);
    let at = |time| world.verifier_at(time);
    assert_eq!((at(from - 1), at(from)), (Address::ZERO, BOB));
    let shorter = U256::from(1_800);
    let set = world.stakes.sender(OWNER).set_unbonding_period(shorter);
    set.motsu_unwrap();
    world.yardstick(UNIT, DECLARED);
    let weeks = epoch() + 20 * 288;
    assert_eq!((world.kind(weeks), world.kind(weeks + 1)), (NONE, DECLARED));
}

/// What an owner does, and how long after what came before.
#[derive(Clone, Debug)]
enum Act {
    Yardstick(u64, u8),
    Verifier(Address),
    Unbonding(u64),
}

fn acts() -> impl Strategy<Value = Vec<(Act, u64)>> {
    let who = prop_oneof![Just(Address::ZERO), Just(ALICE), Just(BOB)];
    let act = prop_oneof![
        (1..3_u64, 0..3_u8).prop_map(|(weight, kind)| Act::Yardstick(weight, kind)),
        who.prop_map(Act::Verifier),
        (1_800..10 * 86_400_u64).prop_map(Act::Unbonding),
    ];
    let pause = prop_oneof![Just(0), 1..600_u64, Just(MIN_NOTICE - 1), Just(MIN_NOTICE)];
    prop::collection::vec((act, pause), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever owners call: what sinks will owe in the next 7 days, and with which verifier, is what they could read when
    /// those began, or they owe nothing.
    #[test]
    fn nothing_gets_worse_within_the_notice(acts in acts()) {
        let _precompiles = deploy_precompiles();
        let world = World::new();
        // Of each epoch: when it was read first, and what for.
        let mut promised = alloc::collections::BTreeMap::new();
        for (act, pause) in acts {
            let now = epoch();
            for epoch in (now..=now + NOTICE_EPOCHS).filter(|epoch| epoch % 288 == 0 || epoch - now < 4) {
                let said = (world.weight(epoch), world.kind(epoch));
                promised.entry(epoch).or_insert(said);
                // What was taken away is not given back.
                if said.1 == NONE {
                    promised.insert(epoch, said);
                }
            }
            match act {
                Act::Yardstick(weight, kind) => world.yardstick(U256::from(weight), kind),
                Act::Verifier(verifier) => world.set_verifier(verifier),
                Act::Unbonding(period) => {
                    let set = world.stakes.sender(OWNER).set_unbonding_period(U256::from(period));
                    set.motsu_unwrap();
                }
            }
            for (epoch, (weight, kind)) in promised.range(now..) {
                let said = (world.weight(*epoch), world.kind(*epoch));
                prop_assert!(said.1 == NONE || said == (*weight, *kind), "{epoch}: {said:?}");
            }
            advance_time(pause);
        }
    }
}

/// The yardstick by misses: stakes have to stay until they are known.
#[test]
fn misses_need_time_to_unbond() {
    let _precompiles = deploy_precompiles();
    let world = World::closed();
    let unbond = |period: u64| {
        let period = U256::from(period);
        let set = world.stakes.sender(OWNER).set_unbonding_period(period);
        set.motsu_unwrap();
    };
    let set = || {
        let mut it = world.tracker.sender(OWNER);
        it.set_yardstick(CODE, UNIT, MISSED).motsu_res()
    };
    unbond(MISS_UNBONDING - 1);
    let [period, required] = [MISS_UNBONDING - 1, MISS_UNBONDING].map(U256::from);
    let error = UnbondingTooShort { period, required };
    assert_eq!(set(), Err(error.into()));
    unbond(MISS_UNBONDING);
    assert_eq!(set(), Ok(()));
    assert_eq!(world.kind(epoch() + 1), MISSED);
}

/// By misses an epoch is judged 4200 s after its end, never earlier, also when another yardstick has taken over since; what was
/// before is judged without waiting.
#[test]
fn epochs_by_misses_wait() {
    let _precompiles = deploy_precompiles();
    let world = World::measured(UNIT, ASSIGNED);
    let first = epoch();
    world.yardstick(UNIT, MISSED);
    advance_time(MIN_NOTICE);
    world.to_next_epoch();
    let begin = epoch();
    assert_eq!(
        (world.kind(begin - 1), world.kind(begin)),
        (ASSIGNED, MISSED)
    );
    let next = || {
        let it = world.judge.sender(OWNER).get_standing(CODE, world.sink());
        it.0.to::<u64>()
    };
    // All before, in as many calls as it takes.
    while next() < begin {
        world.advance().expect("there are epochs to judge");
    }
    assert!(begin > first);
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    // Sinks owe nothing from the next epoch on.
    let none = world.tracker.sender(OWNER).set_yardstick(CODE, UNIT, NONE);
    none.motsu_unwrap();
    for _ in 0..14 {
        world.to_next_epoch();
        assert_eq!(
            world.advance(),
            Err(EpochNotElapsed {}.into()),
            "{}",
            epoch()
        );
    }
    world.to_next_epoch();
    assert_eq!(epoch(), begin + 15);
    world.advance().expect("it has waited");
    // And with it all that only waited behind it.
    assert_eq!(next(), begin + 15);
}
