//! SPEC §5, invariant 1, and what the buffer promises besides, over random sequences of deposit, sync, sweep, drain, reclaim,
//! claim, changes of sinks, capacities, prices and limits, tokens that misbehave, and waiting, in two task types:
//!
//! - tokens held ≥ what waits + what is credited; exactly so much more as has arrived without being booked, as long as the
//!   token is honest;
//! - a level is the sum of its deposits, and of its sources' parts;
//! - drains take from the oldest deposits only, pay or credit exactly what they take, and with a price no more than became
//!   free; no round pays a sink twice, or more than its amount.
//!
//! 256 sequences of 40 calls by default; `PROPTEST_CASES=10000` for the full depth.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod neighbours;

use std::{cell::RefCell, collections::HashSet};

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{clock::testing::advance_time, returns::Returns};
use bpe_testing::{Behaviour, Token};
use contract::EscrowBuffer;
use motsu::prelude::*;
use neighbours::{Gda, Pools, Registry, Streams};
use proptest::prelude::*;

const UNIT: U256 = uint!(1_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SOURCES: [Address; 3] = [
    Address::repeat_byte(0x0a),
    Address::repeat_byte(0x0b),
    Address::ZERO,
];
const TASK_TYPES: [B256; 2] = [B256::repeat_byte(0xc0), B256::repeat_byte(0xca)];
const SINKS: u64 = 70;

/// One thing that happens. Amounts are wei: small enough for rounding to matter.
#[derive(Clone, Debug)]
enum Action {
    Deposit(u64),
    /// Overflow of the source; so much of it arrives in the pool.
    Overflow(u64, u64),
    Sync,
    /// So much dust is swept.
    Sweep(u64),
    Drain,
    Reclaim(u64),
    Claim(u64),
    /// So many sinks, those from the given one on, with capacities that depend on the last number.
    Sinks(u64, u64, u64),
    Refuse(u64, bool),
    Price(bool, u64),
    Max(u64),
    Wait(u64),
    Behave(Behaviour),
    Donate(u64),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => prop_oneof![1u64..5, 1u64..2_000_000].prop_map(Action::Deposit),
        2 => (1u64..5_000, 0u64..5_000).prop_map(|(of, arrives)| Action::Overflow(of, arrives)),
        2 => (1u64..5_000).prop_map(|amount| Action::Overflow(amount, amount)),
        4 => Just(Action::Sync),
        1 => (0u64..100).prop_map(Action::Sweep),
        10 => Just(Action::Drain),
        4 => (0u64..8).prop_map(Action::Reclaim),
        2 => (0u64..4).prop_map(Action::Claim),
        4 => (prop::sample::select(vec![0, 1, 3, 32, 33, 70, 70]), 0..SINKS, 0u64..9)
            .prop_map(|(count, from, seed)| Action::Sinks(count, from, seed)),
        2 => (0u64..4, any::<bool>()).prop_map(|(sink, refuses)| Action::Refuse(sink, refuses)),
        4 => (any::<bool>(), 0u64..1_000_000).prop_map(|(priced, more)| Action::Price(priced, more)),
        1 => (0u64..3_000_000).prop_map(Action::Max),
        3 => (1u64..100_000).prop_map(Action::Wait),
        // All but Doubles: a token that takes more from its holders than it was told to is beyond anybody's help.
        1 => prop::sample::select(&Behaviour::ALL[..8]).prop_map(Action::Behave),
        2 => Just(Action::Behave(Behaviour::Standard)),
        1 => (1u64..100).prop_map(Action::Donate),
    ]
}

fn sink(place: u64) -> Address {
    Address::left_padding_from(&(0x1_0000 + place % SINKS).to_be_bytes())
}

/// What the test knows of one task type.
#[derive(Clone, Default)]
struct Known {
    /// The pool's counter, whether it counts, and where it stood when counting began.
    priced: bool,
    value: u64,
    baseline: Option<u64>,
    last_round: u64,
    /// What has drained since the baseline, and up to where the counter lets the open round drain.
    drained: u64,
    limit: Option<u64>,
    /// Who got something in the open round.
    paid: HashSet<Address>,
}

struct World {
    escrow: Contract<EscrowBuffer>,
    token: Contract<Token>,
    registry: Contract<Registry>,
    pools: Contract<Pools>,
    gda: Contract<Gda>,
    streams: Contract<Streams>,
    known: RefCell<[Known; 2]>,
    /// Tokens that are in the GDA pool, and tokens that are in the buffer without being booked.
    waiting: RefCell<U256>,
    surplus: RefCell<U256>,
    was_honest: RefCell<bool>,
}

impl World {
    fn new() -> Self {
        let world = Self {
            escrow: Contract::new(),
            token: Contract::new(),
            registry: Contract::new(),
            pools: Contract::new(),
            gda: Contract::new(),
            streams: Contract::new(),
            known: RefCell::default(),
            waiting: RefCell::default(),
            surplus: RefCell::default(),
            was_honest: RefCell::new(true),
        };
        world
            .escrow
            .sender(OWNER)
            .constructor(world.token.address(), world.registry.address(), OWNER)
            .motsu_unwrap();
        world
            .escrow
            .sender(OWNER)
            .connect(world.pools.address(), world.streams.address())
            .motsu_unwrap();
        world.pools.sender(OWNER).set_pool(world.gda.address());
        for source in SOURCES {
            world.token.sender(OWNER).mint(source, U256::MAX >> 2);
        }
        for (id, count) in TASK_TYPES.into_iter().zip([70, 3]) {
            world.set_sinks(id, count, 0, 1);
        }
        world
    }

    fn set_sinks(&self, id: B256, count: u64, from: u64, seed: u64) {
        let (sinks, capacities) = (0..count)
            .map(|place| {
                let capacity = (place * seed + seed) % 8;
                (sink(from + place), UNIT * U256::from(capacity))
            })
            .unzip();
        self.registry.sender(OWNER).set_sinks(id, sinks, capacities);
    }

    fn entries(&self, id: B256) -> Vec<(Address, U256)> {
        let Returns((sources, amounts, _)) =
            self.escrow
                .sender(OWNER)
                .get_deposits(id, U256::ZERO, U256::MAX);
        sources.into_iter().zip(amounts).collect()
    }

    /// What a sink has, and is credited.
    fn income(&self, sink: Address) -> U256 {
        self.token.sender(OWNER).balance(sink) + self.escrow.sender(OWNER).credits(sink)
    }

    /// Does it; whether it is refused matters only to what the test knows.
    fn act(&self, action: &Action, source: Address, which: usize) -> Result<(), TestCaseError> {
        let id = TASK_TYPES[which];
        let Self {
            escrow,
            token,
            streams,
            gda,
            ..
        } = self;
        let wei = U256::from::<u64>;
        match action {
            Action::Deposit(amount) => {
                drop(escrow.sender(source).deposit(id, wei(*amount)).motsu_res());
            }
            Action::Overflow(amount, arrives) => {
                let pool = gda.address();
                streams
                    .sender(OWNER)
                    .set_overflow(pool, source, wei(*amount));
                gda.sender(OWNER).accrue(token.address(), wei(*arrives));
                *self.waiting.borrow_mut() += wei(*arrives);
            }
            Action::Sync => {
                let result = escrow.sender(OWNER).sync(id, SOURCES.to_vec()).motsu_res();
                if let Ok(booked) = result {
                    let mut surplus = self.surplus.borrow_mut();
                    *surplus = *surplus + self.waiting.take() - booked;
                }
            }
            Action::Sweep(dust) => {
                let pool = &self.pools;
                token.sender(OWNER).mint(pool.address(), wei(*dust));
                drop(escrow.sender(OWNER).sweep(id).motsu_res());
            }
            Action::Drain => self.drain(which)?,
            Action::Reclaim(index) => {
                let index = wei(*index);
                drop(escrow.sender(source).reclaim(id, index).motsu_res());
            }
            Action::Claim(place) => drop(escrow.sender(sink(*place)).claim().motsu_res()),
            Action::Sinks(count, from, seed) => self.set_sinks(id, *count, *from, *seed),
            Action::Refuse(place, refuses) => token.sender(OWNER).refuse(sink(*place), *refuses),
            Action::Price(priced, more) => {
                let known = &mut self.known.borrow_mut()[0];
                known.priced = *priced;
                // Now and then the counter begins anew.
                known.value = if more % 16 == 0 {
                    *more / 2
                } else {
                    known.value + more
                };
                let value = wei(known.value);
                self.pools.sender(OWNER).set_free_value(*priced, value);
            }
            Action::Max(max) => escrow
                .sender(OWNER)
                .set_buffer_max(id, wei(*max))
                .motsu_unwrap(),
            Action::Wait(seconds) => advance_time(*seconds),
            Action::Behave(behaviour) => {
                // All others move what they say they do, or nothing.
                if *behaviour == Behaviour::Lies {
                    *self.was_honest.borrow_mut() = false;
                }
                token.sender(OWNER).behave(*behaviour as u8);
            }
            Action::Donate(amount) => {
                token.sender(OWNER).mint(escrow.address(), wei(*amount));
                *self.surplus.borrow_mut() += wei(*amount);
            }
        }
        Ok(())
    }

    fn drain(&self, which: usize) -> Result<(), TestCaseError> {
        let id = TASK_TYPES[which];
        let (before, was_open) = (self.entries(id), self.is_open(id));
        let level = self.escrow.sender(OWNER).buffer_level(id);
        let credited = self.escrow.sender(OWNER).get_liabilities().1;
        let held = self.token.sender(OWNER).balance(self.escrow.address());
        let incomes: Vec<_> = (0..SINKS).map(|place| self.income(sink(place))).collect();
        if self.escrow.sender(OWNER).drain(id).motsu_res().is_err() {
            return Ok(());
        }
        let after = self.entries(id);
        let taken = level - self.escrow.sender(OWNER).buffer_level(id);

        // Oldest first: what something is left of, nothing behind it was touched.
        let left = after.iter().position(|(_, amount)| !amount.is_zero());
        if let Some(left) = left {
            prop_assert_eq!(&after[left + 1..], &before[left + 1..]);
        }
        // Exactly what was taken has gone, or is credited.
        if *self.was_honest.borrow() {
            let now = self.token.sender(OWNER).balance(self.escrow.address());
            let credited = self.escrow.sender(OWNER).get_liabilities().1 - credited;
            prop_assert_eq!(held - now + credited, taken);
        }

        let mut all = self.known.borrow_mut();
        let (priced, value) = (all[0].priced, all[0].value);
        let known = &mut all[which];
        if !was_open {
            known.paid.clear();
            known.limit = None;
            match (priced, known.baseline) {
                (false, _) => known.baseline = None,
                (true, Some(_)) if value > known.last_round => known.limit = Some(value),
                (true, _) => {
                    prop_assert!(taken.is_zero(), "nothing was free yet");
                    (known.baseline, known.drained) = (Some(value), 0);
                }
            }
            known.last_round = value;
        }
        if let (Some(limit), Some(baseline)) = (known.limit, known.baseline) {
            known.drained += taken.to::<u64>();
            prop_assert!(known.drained <= limit - baseline, "more than became free");
        }
        for (place, before) in (0..SINKS).zip(incomes) {
            let sink = sink(place);
            if self.income(sink) > before {
                prop_assert!(known.paid.insert(sink), "paid twice in a round");
            }
        }
        Ok(())
    }

    fn is_open(&self, id: B256) -> bool {
        !self.escrow.sender(OWNER).get_round(id).3.is_zero()
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let it = || self.escrow.sender(OWNER);
        let mut sum = U256::ZERO;
        for id in TASK_TYPES {
            let level = it().buffer_level(id);
            let entries = self.entries(id);
            prop_assert_eq!(
                entries.iter().map(|(_, amount)| *amount).sum::<U256>(),
                level
            );
            for source in SOURCES {
                let of_source = entries.iter().filter(|(of, _)| *of == source);
                let amount: U256 = of_source.map(|(_, amount)| *amount).sum();
                prop_assert_eq!(it().source_level(id, source), amount);
            }
            let (head, tail) = it().queue_bounds(id);
            prop_assert_eq!(tail, U256::from(entries.len()));
            let drained = &entries[..head.to::<usize>()];
            prop_assert!(drained.iter().all(|(_, amount)| amount.is_zero()));
            let (amount, paid, cursor, end) = it().get_round(id);
            prop_assert!(paid <= amount && cursor <= end);
            prop_assert!(amount - paid <= level, "an open round has what it will pay");
            sum += level;
        }
        let (booked, credited) = it().get_liabilities();
        prop_assert_eq!(booked, sum);
        let credits: U256 = (0..SINKS).map(|place| it().credits(sink(place))).sum();
        prop_assert_eq!(credited, credits);
        let held = self.token.sender(OWNER).balance(self.escrow.address());
        prop_assert!(
            held >= booked + credited,
            "{held} cover {booked} and {credited}"
        );
        if *self.was_honest.borrow() {
            prop_assert_eq!(held, booked + credited + *self.surplus.borrow());
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_stay_right(
        actions in prop::collection::vec((action(), 0usize..3, 0usize..2), 40),
    ) {
        let world = World::new();
        for (action, source, id) in &actions {
            world.act(action, SOURCES[*source], *id)?;
            world.check()?;
        }
    }
}
