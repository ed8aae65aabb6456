//! Whatever happens in whatever order: limits are what the formula says, and breakers what was reported says.

use crate::contract::*;
use crate::world::*;
use alloy_primitives::U256;
use bpe_common::clock::testing::{advance_time, timestamp};
use proptest::prelude::*;

const STAGES: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    SetCapacity(u64, u64),
    Press(u64, u64),
    /// Of a stage, with throughput in percent of its capacity.
    Check(u64, u64),
    Rebalance,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let stage = || 0..STAGES;
    let rate = prop_oneof![0u64..5, 5u64..20, 20u64..120];
    prop_oneof![
        2 => (stage(), 0u64..200).prop_map(|(stage, capacity)| Step::SetCapacity(stage, capacity)),
        1 => (stage(), prop_oneof![3 => 0u64..=90, 1 => 91u64..=100])
            .prop_map(|(stage, pressure)| Step::Press(stage, pressure)),
        // Mostly of one stage, or rows would be rare.
        6 => (prop_oneof![3 => Just(1), 1 => stage()], rate)
            .prop_map(|(stage, rate)| Step::Check(stage, rate)),
        1 => Just(Step::Rebalance),
        4 => prop_oneof![Just(300u64), 0u64..400, 800u64..1_000].prop_map(Step::Wait),
    ]
}

/// All checks of a stage since its phase began: the epoch, and whether there was trouble.
#[derive(Clone, Default)]
struct Stage {
    capacity: u64,
    pressure: u64,
    phase: u8,
    since: u64,
    checks: Vec<(u64, bool)>,
}

impl Stage {
    /// In how many epochs, without a gap between them, all of the last checks told of trouble.
    fn row(&self) -> u64 {
        let mut epochs: Vec<u64> = vec![];
        for (epoch, trouble) in self.checks.iter().rev() {
            let follows = epochs
                .last()
                .is_none_or(|later| *later == *epoch || *later == epoch + 1);
            if !trouble || !follows {
                break;
            }
            if epochs.last() != Some(epoch) {
                epochs.push(*epoch);
            }
        }
        epochs.len() as u64
    }

    fn enter(&mut self, phase: u8, now: u64) {
        (self.phase, self.since) = (phase, now);
        if phase != SHOCK {
            self.checks.clear();
        }
    }

    fn check(&mut self, rate: u64, now: u64) {
        let lasted = now - self.since;
        let spared = match self.phase {
            RECOVERY => lasted < 300,
            COLLAPSE => lasted >= 900,
            _ => false,
        };
        let rate = match spared || self.capacity == 0 {
            true => 100,
            false => rate,
        };
        let dead = rate < 5 || self.pressure > 95;
        let trouble = rate < 20 || self.pressure > 90;
        if self.phase == COLLAPSE {
            if !trouble {
                self.enter(RECOVERY, now);
            }
            return;
        }
        if dead {
            return self.enter(COLLAPSE, now);
        }
        self.checks.push((now / 300, trouble));
        match self.phase {
            STEADY | RECOVERY if self.row() >= 3 => self.enter(SHOCK, now),
            SHOCK if !trouble => self.enter(RECOVERY, now),
            RECOVERY if !trouble && lasted >= 300 => self.enter(STEADY, now),
            _ => {}
        }
    }
}

/// What stage `index` is to be paid for, straight from the definition.
fn effective(stages: &[Stage], index: usize) -> U256 {
    let downstream = match stages.get(index + 1) {
        None => U256::MAX,
        Some(next) if next.phase == COLLAPSE => U256::ZERO,
        Some(_) => effective(stages, index + 1),
    };
    units(stages[index].capacity).min(downstream)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn limits_and_breakers_follow(steps in prop::collection::vec(step(), 1..64)) {
        let world = World::new(&[0; STAGES as usize]);
        let mut model = vec![Stage::default(); STAGES as usize];
        for step in steps {
            match step {
                Step::SetCapacity(stage, capacity) => {
                    world.set_capacity(stage, capacity);
                    model[stage as usize].capacity = capacity;
                }
                Step::Press(stage, pressure) => {
                    world.press(stage, percent(pressure));
                    model[stage as usize].pressure = pressure;
                }
                Step::Check(stage, rate) => {
                    let of = &mut model[stage as usize];
                    let was_decoupled = of.phase == COLLAPSE;
                    world.check(stage, units(of.capacity) * n(rate) / n(100));
                    of.check(rate, timestamp());
                    let decoupled = of.phase == COLLAPSE;
                    let expected = (of.phase, of.since, of.row(), decoupled);
                    prop_assert_eq!(world.breaker(stage), expected);
                    if decoupled != was_decoupled {
                        is_applied(&world, &model)?;
                    }
                }
                Step::Rebalance => {
                    world.rebalance().unwrap();
                    is_applied(&world, &model)?;
                }
                Step::Wait(seconds) => advance_time(seconds),
            }
            let expected: Vec<U256> = (0..model.len()).map(|at| effective(&model, at)).collect();
            prop_assert_eq!(world.effective(), expected);
        }
        world.close(ID);
        prop_assert!(world.limits(STAGES).iter().all(|limit| *limit == U256::MAX));
    }
}

/// Every pool pays for the effective capacity.
fn is_applied(world: &World, model: &[Stage]) -> Result<(), TestCaseError> {
    for (index, limit) in world.limits(STAGES).into_iter().enumerate() {
        let paid_for = units(model[index].capacity).min(limit);
        prop_assert_eq!(paid_for, effective(model, index));
    }
    Ok(())
}
