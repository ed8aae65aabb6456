//! Whatever a sink does, and whoever has it judged when: each epoch is judged once, by the same numbers, and a slash takes what
//! the rule says.

use alloy_primitives::{Address, U256};
use bpe_common::{
    clock::testing::{advance_blocks, advance_time},
    judging::{EpochRecord, Verdict, ASSIGNED, DECLARED, NONE},
};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{
    stake_manager::BURNT,
    world::{epoch, World, CALLER, CODE, OWNER, SINK, UNIT},
};

#[derive(Clone, Debug)]
enum Act {
    /// Lets so many seconds pass.
    Wait(u64),
    /// Has the sink's capacity updated to so many units.
    Declare(u64),
    Stake(u64),
    Unstake(u64),
    Leave,
    Come(u64),
    /// Has one of the two worlds judged.
    Advance,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1_u64..900).prop_map(Act::Wait),
        2 => (0_u64..120).prop_map(Act::Declare),
        1 => (1_u64..5_000).prop_map(Act::Stake),
        1 => (1_u64..5_000).prop_map(Act::Unstake),
        1 => Just(Act::Leave),
        1 => (0_u64..100).prop_map(Act::Come),
        2 => Just(Act::Advance),
    ];
    prop::collection::vec(act, 1..32)
}

/// What was recorded of an epoch, the same whenever it is asked for.
fn record(epoch: u64, seed: u64) -> EpochRecord {
    let random = epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed);
    let (done, assigned) = (random >> 8 & 63, random >> 16 & 63);
    EpochRecord {
        yardstick: [NONE, DECLARED, DECLARED, ASSIGNED][(random >> 24 & 3) as usize],
        weight: UNIT.to(),
        accepted: 0,
        done: done as u32,
        assigned: assigned as u32,
    }
}

impl World {
    /// Deadlines fall into every epoch that is measured by assignments: none is passed over.
    fn advance_all(&self, seed: u64, caller: Address) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        loop {
            let (next, from, until) = self.span((self.first, u64::from(u32::MAX)));
            if next >= until {
                return verdicts;
            }
            let records: Vec<_> = (from.to::<u64>()..until.to())
                .map(|epoch| record(epoch, seed))
                .collect();
            let judged = self.tell((next, from), &records, (caller, 0));
            verdicts.extend(judged.expect("the span is Judge's own"));
        }
    }

    /// Does what can be done; what is refused changes nothing.
    fn act(&self, act: &Act) {
        let units = |units: u64| UNIT * U256::from(units);
        let token = |amount: u64| crate::world::tokens(amount);
        match act {
            Act::Declare(capacity) => {
                let mut it = self.registry.sender(OWNER);
                let update = it.update_capacity_from_aggregator(CODE, SINK, units(*capacity));
                let _ = update.motsu_res();
            }
            Act::Stake(amount) => {
                self.token.sender(OWNER).mint(SINK, token(*amount));
                let _ = self.stakes.sender(SINK).stake(token(*amount)).motsu_res();
            }
            Act::Unstake(amount) => {
                let _ = self.stakes.sender(SINK).unstake(token(*amount)).motsu_res();
            }
            Act::Leave => {
                let _ = self.registry.sender(SINK).deregister_sink(CODE).motsu_res();
            }
            Act::Come(capacity) => {
                let mut it = self.registry.sender(SINK);
                let _ = it.register_sink(CODE, units(*capacity)).motsu_res();
            }
            Act::Wait(_) | Act::Advance => {}
        }
    }

    /// Tokens are where the books say, and nobody was paid but of what was slashed.
    fn assert_books(&self, slashed: u128, rewards: u64) {
        let unpaid = self.stakes.sender(OWNER).unpaid_slashed();
        let held = self.balance(self.stakes.address());
        assert_eq!(held, self.stake() + unpaid);
        let (burnt, paid) = (self.balance(BURNT), self.balance(CALLER));
        assert!(paid <= U256::from(slashed) / U256::from(100));
        assert!(paid <= crate::world::REWARD * U256::from(rewards));
        assert!(burnt + paid + unpaid <= U256::from(slashed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_epoch_is_judged_once_and_slashes_take_what_they_say(acts in acts(), seed: u64) {
        let _precompiles = deploy_precompiles();
        let world = World::new();
        let mut verdicts = Vec::new();
        let (mut slashed, mut slashes) = (0_u128, 0_u64);
        for act in &acts {
            match act {
                Act::Wait(seconds) => advance_time(*seconds),
                Act::Advance => {
                    let judged = world.advance_all(seed, CALLER);
                    let sum: u128 = judged.iter().map(|it| it.slashed).sum();
                    slashes += judged.iter().filter(|it| it.slashed > 0).count() as u64;
                    slashed += sum;
                    verdicts.extend(judged);
                }
                act => world.act(act),
            }
            advance_blocks(1);
            world.assert_books(slashed, slashes);
            let [next, below, absent, .., owed, _] = world.standing();
            // More than two were not worth a task: half of what was due in them is less than one.
            let is_small = owed < U256::from(2 * 300) * UNIT;
            prop_assert!(below < U256::from(3) || is_small);
            prop_assert!(absent <= U256::from(288));
            prop_assert!(next <= U256::from(epoch()));
        }
        verdicts.extend(world.advance_all(seed, CALLER));
        // All that have ended, none twice.
        prop_assert_eq!(verdicts.len() as u64, epoch() - world.first);
        // A slash comes after three bad ones at least.
        let mut below = 0;
        for verdict in verdicts {
            below += u64::from(verdict.rate.is_some_and(|rate| rate < 5_000));
            if verdict.slashed > 0 {
                prop_assert!(below >= 3);
                below = 0;
            }
        }
    }

    /// Early or late, in one call or in many: the same is lost.
    #[test]
    fn when_it_is_judged_changes_nothing(
        waits in prop::collection::vec((1_u64..900, any::<bool>()), 1..16),
        seed: u64,
    ) {
        let _precompiles = deploy_precompiles();
        let (mut early, late) = (World::new(), World::new());
        // One was made an epoch before the other.
        early.first = late.first;
        let mut slashed = [0_u128; 2];
        let sum = |verdicts: Vec<Verdict>| verdicts.iter().map(|it| it.slashed).sum::<u128>();
        for (seconds, both) in waits {
            advance_time(seconds);
            slashed[0] += sum(early.advance_all(seed, CALLER));
            if both {
                slashed[1] += sum(late.advance_all(seed, CALLER));
            }
        }
        slashed[1] += sum(late.advance_all(seed, CALLER));
        prop_assert_eq!(slashed[0], slashed[1]);
        prop_assert_eq!(early.stake(), late.stake());
        // Next, and how many are below the threshold.
        prop_assert_eq!(&early.standing()[..2], &late.standing()[..2]);
    }
}
