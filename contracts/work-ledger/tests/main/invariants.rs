//! Notes, drains and attributions in any order, against a plain model that counts every wei.

use crate::world::*;
use proptest::prelude::*;

/// The last of them notes after every event, and before every drain.
const SOURCES: [Address; 4] = [ALICE, BOB, CAROL, Address::repeat_byte(0x0d)];
const DILIGENT: usize = 3;
/// Fixed point of the model's fractions.
const ONE: u128 = 1 << 64;
/// Scales, and the least of them, of the ledger.
const SCALE: u128 = 1_000_000_000_000_000_000;
const LEAST: u128 = 1_000_000_000;

#[derive(Clone, Debug)]
enum Action {
    /// Another rate, with or without a note before it.
    Stream(usize, u128, bool),
    Note(usize),
    Pass(u64),
    /// Sinks get another part.
    Split(u64),
    /// Of what overflowed, a part is booked, and a part of that drains, in 1 000.
    Drain(u64, u64),
    /// With a minimum, or without.
    Attribute(usize, bool),
}

fn action() -> impl Strategy<Value = Action> {
    let source = 0..SOURCES.len();
    let rate = prop_oneof![
        1 => Just(0),
        2 => 0..10_000_000_000_u128,
        6 => 1_000_000_000_000..1_000_000_000_000_000_000_u128,
    ];
    let drained = prop_oneof![
        4 => 1..1_000_u64,
        1 => Just(1_000),
        1 => Just(999),
    ];
    let booked = prop_oneof![2 => Just(1_000_u64), 1 => 1..1_000_u64];
    prop_oneof![
        3 => (source.clone(), rate, any::<bool>())
            .prop_map(|(source, rate, notes)| Action::Stream(source, rate, notes)),
        4 => source.clone().prop_map(Action::Note),
        6 => (1..100_000_u64).prop_map(Action::Pass),
        2 => (1..=100_u64).prop_map(Action::Split),
        3 => (booked, drained).prop_map(|(booked, part)| Action::Drain(booked, part)),
        4 => (source, any::<bool>()).prop_map(|(source, least)| Action::Attribute(source, least)),
    ]
}

#[derive(Default)]
struct Model {
    rates: [u128; 4],
    /// What each has paid into the escrow, times [`ONE`].
    paid: [U256; 4],
    attributed: [u128; 4],
    /// What arrived at least, as Superfluid rounds.
    received: u128,
    drained: u128,
    /// Of the diligent one: what it is due, times [`ONE`], and how far that may be off.
    due: U256,
    slack: U256,
    scale: u128,
}

impl Model {
    fn available(&self) -> u128 {
        self.received - self.drained - self.attributed.iter().sum::<u128>()
    }

    fn pass(&mut self, (units, total): (u128, u128), seconds: u64) {
        let seconds = u128::from(seconds);
        let sum: u128 = self.rates.iter().sum();
        self.received += sum / total * units * seconds;
        for (place, (paid, rate)) in self.paid.iter_mut().zip(self.rates).enumerate() {
            let grown = U256::from(rate) * U256::from(units * seconds) * U256::from(ONE);
            let grown = grown / U256::from(total);
            *paid += grown;
            if place == DILIGENT {
                let deducted = U256::from(units * seconds) * U256::from(ONE);
                self.due += grown.saturating_sub(deducted);
                self.slack += U256::from(ONE) * U256::from(3);
            }
        }
    }

    fn drain(&mut self, before: u128, rest: u128) {
        self.drained += before - rest;
        let scale = U256::from(self.scale) * U256::from(rest) / U256::from(before);
        let scale = scale.to::<u128>();
        if scale < LEAST {
            (self.scale, self.due, self.slack) = (SCALE, U256::ZERO, U256::ZERO);
            return;
        }
        // A scale is rounded to its last digit.
        self.due = self.due * U256::from(rest) / U256::from(before);
        self.slack +=
            U256::from(ONE) * U256::from(2) + self.due / U256::from(scale) * U256::from(2);
        self.scale = scale;
    }
}

struct Run {
    world: World,
    model: Model,
}

impl Run {
    fn act(&mut self, action: &Action) {
        let world = &self.world;
        match *action {
            Action::Stream(place, rate, notes) => {
                if notes {
                    world.note(SOURCES[place]);
                }
                world.stream(SOURCES[place], rate);
                self.model.rates[place] = rate;
            }
            Action::Note(place) => world.note(SOURCES[place]),
            Action::Pass(seconds) => {
                self.model.pass(world.units(), seconds);
                advance_time(seconds);
            }
            Action::Split(percent) => world.split(percent),
            Action::Drain(booked, part) => {
                let before = self.model.available() / 1_000 * u128::from(booked);
                let rest = before / 1_000 * u128::from(1_000 - part);
                if before > rest {
                    self.model.drain(before, rest);
                    world.shrink(before, rest);
                }
            }
            Action::Attribute(place, least) => {
                let minimum = if least { 1_000_000_000_000 } else { 0 };
                let available = self.model.available();
                let amount = world.attribute(SOURCES[place], available, minimum);
                self.model.attributed[place] += amount;
                if place == DILIGENT {
                    let amount = U256::from(amount) * U256::from(ONE);
                    self.model.due = self.model.due.saturating_sub(amount);
                }
            }
        }
        world.note(SOURCES[DILIGENT]);
    }

    fn check(&self) {
        let (world, model) = (&self.world, &self.model);
        let noted: u128 = SOURCES.iter().map(|source| world.noted(*source)).sum();
        assert!(noted <= model.received, "{noted} > {}", model.received);
        let due: u128 = SOURCES.iter().map(|source| world.due(*source)).sum();
        assert!(due <= model.available(), "{due} > {}", model.available());
        for (source, (paid, attributed)) in
            SOURCES.iter().zip(model.paid.iter().zip(model.attributed))
        {
            let paid: u128 = (*paid / U256::from(ONE)).to::<u128>() + 1;
            assert!(world.noted(*source) <= paid);
            assert!(attributed + world.due(*source) <= paid);
        }
        let due = U256::from(world.due(SOURCES[DILIGENT])) * U256::from(ONE);
        let off = due.abs_diff(model.due);
        assert!(off <= model.slack, "{due} is not {}", model.due);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_gets_what_another_paid(actions in prop::collection::vec(action(), 1..80)) {
        let _turn = bpe_testing::turn();
        let world = World::new();
        for source in SOURCES {
            world.note(source);
        }
        let model = Model { scale: SCALE, ..Model::default() };
        let mut run = Run { world, model };
        for action in &actions {
            run.act(action);
            run.check();
        }
    }
}
