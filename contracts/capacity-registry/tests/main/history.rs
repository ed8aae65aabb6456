//! Capacity over time: the running sum of capacity-seconds against a model that remembers every second, over random
//! sequences of registering, leaving, declaring, clipping and waiting.

use crate::contract::*;
use crate::stake_manager::StakeManager;
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::{advance_blocks, advance_time, timestamp};
use bpe_testing::Token;
use motsu::prelude::*;
use proptest::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: u64 = 1_000_000_000;
const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const CODE: B256 = B256::repeat_byte(0xc0);
const EPOCH: u64 = 300;

#[derive(Clone, Debug)]
enum Action {
    Register(u64),
    Leave,
    Attest(u64),
    Slash(u64),
    Stake(u64),
    Wait(u64),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0u64..60).prop_map(Action::Register),
        2 => Just(Action::Leave),
        6 => (0u64..60).prop_map(Action::Attest),
        1 => (1u64..100).prop_map(Action::Slash),
        1 => (1u64..1_000).prop_map(Action::Stake),
        // Mostly within an epoch, so that several changes fall into one.
        6 => (1u64..200).prop_map(Action::Wait),
        3 => (200u64..2_000).prop_map(Action::Wait),
        // To the second in which an epoch ends.
        2 => Just(Action::Wait(0)),
    ]
}

struct World {
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    _token: Contract<Token>,
    /// Every change: since when, how much.
    changes: Vec<(u64, u128)>,
}

impl World {
    fn new() -> Self {
        let world = Self {
            registry: Contract::new(),
            stakes: Contract::new(),
            _token: Contract::new(),
            changes: Vec::new(),
        };
        let (registry, stakes, token) = (&world.registry, &world.stakes, &world._token);
        let build =
            stakes
                .sender(OWNER)
                .constructor(token.address(), ONE, ONE * U256::from(100), 0, OWNER);
        build.motsu_unwrap();
        let build = registry.sender(OWNER).constructor(stakes.address(), OWNER);
        build.motsu_unwrap();
        let set = stakes.sender(OWNER).set_registry(registry.address(), true);
        set.motsu_unwrap();
        stakes.sender(OWNER).set_slasher(OWNER, true).motsu_unwrap();
        registry.sender(OWNER).set_aggregator(OWNER).motsu_unwrap();
        let create = registry.sender(OWNER).register_task_type(CODE, ONE);
        create.motsu_unwrap();
        stakes.sender(OWNER).open().motsu_unwrap();
        token.sender(OWNER).mint(SINK, U256::MAX >> 1);
        let stake = stakes.sender(SINK).stake(ONE * U256::from(2_500));
        stake.motsu_unwrap();
        world
    }

    /// Does it, whether it is refused or not, and writes down what the sink has afterwards.
    fn act(&mut self, action: &Action) {
        let units = |n: u64| U256::from(n) * U256::from(UNIT);
        let (registry, stakes) = (&self.registry, &self.stakes);
        match *action {
            Action::Register(capacity) => drop(
                registry
                    .sender(SINK)
                    .register_sink(CODE, units(capacity))
                    .motsu_res(),
            ),
            Action::Leave => drop(registry.sender(SINK).deregister_sink(CODE).motsu_res()),
            Action::Attest(capacity) => drop(
                registry
                    .sender(OWNER)
                    .update_capacity_from_aggregator(CODE, SINK, units(capacity))
                    .motsu_res(),
            ),
            Action::Slash(amount) => {
                let amount = ONE * U256::from(amount);
                let slash = stakes.sender(OWNER).slash(SINK, amount, B256::ZERO);
                let _ = slash.motsu_res();
                let _ = registry.sender(OWNER).sync_capacity(CODE, SINK).motsu_res();
            }
            Action::Stake(amount) => drop(
                stakes
                    .sender(SINK)
                    .stake(ONE * U256::from(amount))
                    .motsu_res(),
            ),
            Action::Wait(0) => advance_time(EPOCH - timestamp() % EPOCH),
            Action::Wait(seconds) => advance_time(seconds),
        }
        advance_blocks(1);
        let capacity = registry.sender(OWNER).get_smoothed_capacity(CODE, SINK);
        let capacity: u128 = capacity.to();
        if self.changes.last().map_or(0, |last| last.1) != capacity {
            self.changes.push((timestamp(), capacity));
        }
    }

    fn ask(&self, time: u64) -> Result<U256, Error> {
        self.registry
            .sender(OWNER)
            .get_capacity_seconds(CODE, SINK, U256::from(time))
            .motsu_res()
    }

    /// The sum until `time`, second by second.
    fn model(&self, time: u64) -> U256 {
        let ends = self.changes.iter().skip(1).map(|change| change.0);
        let ends = ends.chain([u64::MAX]);
        let sum = self.changes.iter().zip(ends).map(|((from, capacity), to)| {
            capacity * u128::from(to.min(time).saturating_sub(*from))
        });
        U256::from(sum.sum::<u128>())
    }

    /// The last second of a change, in each epoch in which there was one.
    fn epochs(&self) -> Vec<u64> {
        let mut times: Vec<u64> = Vec::new();
        for (time, _) in &self.changes {
            match times.last_mut() {
                Some(last) if *last / EPOCH == time / EPOCH => *last = *time,
                _ => times.push(*time),
            }
        }
        times
    }

    /// Everything that is promised.
    fn check(&self) -> Result<(), TestCaseError> {
        let now = timestamp();
        let came = self.changes.first().map_or(now, |first| first.0);
        let from = came - 2 * EPOCH;
        let mut boundary = from.div_ceil(EPOCH) * EPOCH;
        let mut before = U256::ZERO;
        while boundary <= now {
            let sum = self.ask(boundary).expect("past");
            prop_assert_eq!(sum, self.model(boundary), "at {}", boundary);
            // In between the sum never falls, nor rises above the end's.
            let middle = boundary - EPOCH / 2;
            if middle >= from {
                let between = self.ask(middle).expect("past");
                prop_assert!(between >= before && between <= sum);
            }
            before = sum;
            boundary += EPOCH;
        }
        let last = self.changes.last().map_or(now, |last| last.0);
        for time in [last, last.midpoint(now), now] {
            prop_assert_eq!(
                self.ask(time),
                Ok(self.model(time)),
                "since the last change"
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sum_is_what_every_second_adds_up_to(actions in prop::collection::vec(action(), 32)) {
        let mut world = World::new();
        for action in &actions {
            world.act(action);
        }
        world.check()?;
    }
}

/// More epochs with a change than the 64 that once were kept, several changes in each.
#[test]
fn no_epoch_is_forgotten() {
    let mut world = World::new();
    world.act(&Action::Register(10));
    for round in 0..100 {
        world.act(&Action::Attest(5 + round % 7));
        world.act(&Action::Wait(40));
        world.act(&Action::Attest(20 + round % 5));
        world.act(&Action::Wait(if round % 3 == 0 { 900 } else { 270 }));
        if round % 10 == 9 {
            world.check().expect("exact");
        }
    }
    assert!(world.epochs().len() > 64);
    let peak = world.registry.sender(OWNER).get_peak_capacity(CODE, SINK);
    let most = world.changes.iter().map(|change| change.1).max();
    assert_eq!(peak, U256::from(most.expect("many")));
    assert!(peak > U256::from(10 * UNIT));
}

/// The attack: who gives up its capacity within an epoch, ahead of what would be measured by it.
#[test]
fn the_peak_is_not_overwritten() {
    let mut world = World::new();
    world.act(&Action::Wait(0));
    world.act(&Action::Register(30));
    world.act(&Action::Leave);
    world.act(&Action::Register(1));
    assert_eq!(world.epochs().len(), 1);
    let peak = world.registry.sender(OWNER).get_peak_capacity(CODE, SINK);
    assert_eq!(peak, U256::from(30 * UNIT));
}

#[test]
fn changing_often_pushes_nothing_out() {
    let mut world = World::new();
    world.act(&Action::Register(10));
    let began = timestamp();
    world.act(&Action::Wait(0));
    for round in 0..290 {
        world.act(&Action::Attest(1 + round % 40));
        advance_time(1);
    }
    assert_eq!(world.epochs().len(), 2);
    assert_eq!(world.ask(began - 1), Ok(U256::ZERO));
    world.check().expect("exact");
}

/// The attack of SPEC §2: capacity lowered for a second at the end of an epoch. It is owed all the same.
#[test]
fn a_second_of_less_saves_a_second() {
    let mut world = World::new();
    world.act(&Action::Wait(0));
    world.act(&Action::Register(30));
    let began = timestamp();
    advance_time(EPOCH - 1);
    world.act(&Action::Leave);
    advance_time(1);
    world.act(&Action::Register(30));
    let owed = world.ask(began + EPOCH).expect("past");
    assert_eq!(owed, U256::from(30 * UNIT * (EPOCH - 1)));
    advance_time(EPOCH);
    let next = world.ask(began + 2 * EPOCH).expect("past") - owed;
    assert_eq!(next, U256::from(30 * UNIT * EPOCH));
}

#[test]
fn what_has_not_come_yet_is_refused() {
    let world = World::new();
    let time = U256::from(timestamp() + 1);
    assert_eq!(world.ask(timestamp()), Ok(U256::ZERO));
    assert_eq!(
        world.ask(timestamp() + 1),
        Err(TimeNotReached { time }.into())
    );
    let never = world.registry.sender(OWNER);
    let never = never
        .get_capacity_seconds(CODE, SINK, U256::MAX)
        .motsu_res();
    assert_eq!(never, Err(TimeNotReached { time: U256::MAX }.into()));
}
