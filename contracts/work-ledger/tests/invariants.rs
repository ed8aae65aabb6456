//! The reserve against a plain model of it, step by step, over random sequences: invariants 9 and 10 of the specification.
//!
//! `BPE_CASES` and `BPE_STEPS` set how many sequences and how long: 256 of 32 unless they say otherwise.

#[allow(dead_code, unused_imports)]
#[path = "../src/lib.rs"]
mod contract;
#[allow(dead_code)]
mod stage;

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use bpe_common::clock::testing::{advance_time, timestamp};
use motsu::prelude::*;
use proptest::prelude::*;
use stage::*;

extern crate alloc;

const HOUR: u64 = 3_600;
/// Accounts, each of which is a source and a sink.
const ACCOUNTS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Deposit(usize, u64),
    Stream(usize, u64),
    Note(usize),
    Wait(u64),
    Capacity(usize, u64),
    Earmark(usize, usize, u64, u64),
    Ask(usize, u64),
    TakeBack(usize),
    /// What a voucher has above what has counted; `pay`.
    Redeem(usize, usize, u64, u64, u64, bool),
    /// A voucher for all that is allowed and there, less or more a little.
    RedeemAll(usize, usize, i8, i8),
    TakeOwed(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..ACCOUNTS;
    let amount = prop_oneof![0u64..50, 0u64..5_000, 0u64..1_000_000_000];
    let work = prop_oneof![0u64..50, 0u64..100_000, 0u64..1_000_000_000];
    prop_oneof![
        4 => (who.clone(), amount.clone()).prop_map(|(a, b)| Step::Deposit(a, b)),
        2 => (who.clone(), 10_000u64..60_000).prop_map(|(a, b)| Step::Stream(a, b)),
        2 => who.clone().prop_map(Step::Note),
        4 => prop_oneof![0u64..10, 0u64..HOUR, 0u64..30 * HOUR].prop_map(Step::Wait),
        2 => (who.clone(), 0u64..100).prop_map(|(a, b)| Step::Capacity(a, b)),
        3 => (who.clone(), who.clone(), amount.clone(), 0u64..25 * HOUR)
            .prop_map(|(a, b, c, d)| Step::Earmark(a, b, c, d)),
        2 => (who.clone(), amount.clone()).prop_map(|(a, b)| Step::Ask(a, b)),
        3 => who.clone().prop_map(Step::TakeBack),
        6 => (who.clone(), who.clone(), work.clone(), amount.clone(), 0u64..9, any::<bool>())
            .prop_map(|(a, b, c, d, e, f)| Step::Redeem(a, b, c, d, e, f)),
        4 => (who.clone(), who.clone(), -1i8..=1, -1i8..=1)
            .prop_map(|(a, b, c, d)| Step::RedeemAll(a, b, c, d)),
        2 => who.prop_map(Step::TakeOwed),
    ]
}

#[derive(Clone, Default)]
struct Source {
    paid: u128,
    unspent: u128,
    /// By sink: amount and hour.
    earmarks: BTreeMap<usize, (u128, u64)>,
    asked: u128,
    asked_at: u64,
    taken_back: u128,
    rate: u128,
    noted_at: u64,
}

impl Source {
    fn earmark(&self, sink: usize) -> u128 {
        match self.earmarks.get(&sink) {
            Some((amount, hour)) if *hour > timestamp() / HOUR => *amount,
            _ => 0,
        }
    }

    fn earmarked(&self) -> u128 {
        (0..ACCOUNTS).map(|sink| self.earmark(sink)).sum()
    }

    fn asked(&self) -> u128 {
        match timestamp() < self.asked_at + 25 * HOUR {
            true => self.asked,
            false => 0,
        }
    }

    fn free(&self) -> u128 {
        self.unspent - self.earmarked() - self.asked()
    }

    /// What its stream has brought since the last note.
    fn pending(&self) -> u128 {
        self.rate.saturating_sub(10_000) * u128::from(timestamp() - self.noted_at)
    }

    fn note(&mut self) {
        let pending = self.pending();
        self.unspent += pending;
        self.paid += pending;
        self.noted_at = timestamp();
    }

    fn spend(&mut self, sink: usize, amount: u128) {
        let of_earmark = amount.min(self.earmark(sink));
        let of_free = (amount - of_earmark).min(self.free());
        self.asked = self.asked() - (amount - of_earmark - of_free);
        if let Some(earmark) = self.earmarks.get_mut(&sink) {
            earmark.0 -= of_earmark;
        }
        self.unspent -= amount;
    }
}

#[derive(Clone, Copy, Default)]
struct Sink {
    owed: u128,
    received: u128,
    counted: u128,
    capacity: u128,
    since: u64,
    seconds: u128,
}

impl Sink {
    fn seconds(&self) -> u128 {
        self.seconds + self.capacity * u128::from(timestamp() - self.since)
    }
}

struct Model {
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    /// Counted work, value and tasks, by source and sink.
    pairs: BTreeMap<(usize, usize), (u128, u128, u64)>,
}

impl Model {
    fn new() -> Self {
        let source = Source {
            noted_at: timestamp(),
            ..Source::default()
        };
        let sink = Sink {
            since: timestamp(),
            ..Sink::default()
        };
        Self {
            sources: vec![source; ACCOUNTS],
            sinks: vec![sink; ACCOUNTS],
            pairs: BTreeMap::new(),
        }
    }

    /// What a voucher with so much above what has counted brings: the specification's formula, by the letter.
    fn redeem(&mut self, source: usize, sink: usize, work: u128, value: u128, tasks: u64) -> bool {
        if work == 0 || value == 0 {
            return false;
        }
        let set_aside = self.sources[source].earmark(sink);
        let available = |of: &Source| of.unspent - of.earmarked() + set_aside;
        if available(&self.sources[source]) < value {
            self.sources[source].note();
        }
        let available = available(&self.sources[source]);
        let allowance = self.sinks[sink]
            .seconds()
            .saturating_sub(self.sinks[sink].counted);
        let w = work.min(allowance).min(work * available / value);
        let x = match w == work {
            true => value,
            false => value * w / work,
        };
        if w == 0 || x == 0 {
            return false;
        }
        self.sources[source].spend(sink, x);
        self.sinks[sink].owed += x;
        self.sinks[sink].counted += w;
        let pair = self.pairs.entry((source, sink)).or_default();
        pair.0 += w;
        pair.1 += x;
        if w == work {
            pair.2 += tasks;
        }
        true
    }
}

fn account(index: usize) -> k256::ecdsa::SigningKey {
    key(0x10 + index as u8)
}

thread_local! {
    // Deriving an address is a multiplication of points, which costs more than all that is checked.
    static ADDRESSES: [Address; ACCOUNTS] =
        core::array::from_fn(|index| stage::address(&account(index)));
}

fn address_of(index: usize) -> Address {
    ADDRESSES.with(|addresses| addresses[index])
}

struct Run {
    world: World,
    model: Model,
}

impl Run {
    fn new() -> Self {
        let world = World::new();
        let run = Self {
            world,
            model: Model::new(),
        };
        for index in 0..ACCOUNTS {
            // The pool is known from the first note on.
            let source = address_of(index);
            run.world.ledger.sender(OWNER).note(CODE, source);
        }
        run
    }

    fn apply(&mut self, step: &Step) {
        let (ledger, escrow) = (&self.world.ledger, self.world.escrow());
        match *step {
            Step::Deposit(source, amount) => {
                let to = address_of(source);
                let it = ledger.sender(escrow).credit(CODE, to, U256::from(amount));
                let it = it.motsu_res();
                it.motsu_unwrap();
                self.model.sources[source].unspent += u128::from(amount);
                self.model.sources[source].paid += u128::from(amount);
            }
            Step::Stream(source, rate) => {
                // As the macro does: a note first.
                let from = address_of(source);
                ledger.sender(OWNER).note(CODE, from);
                self.model.sources[source].note();
                self.model.sources[source].rate = u128::from(rate);
                self.world
                    .neighbours
                    .sender(OWNER)
                    .stream(from, U256::from(rate));
            }
            Step::Note(source) => {
                ledger.sender(OWNER).note(CODE, address_of(source));
                self.model.sources[source].note();
            }
            Step::Wait(seconds) => advance_time(seconds),
            Step::Capacity(sink, capacity) => {
                self.world.enter(address_of(sink), u128::from(capacity));
                let sink = &mut self.model.sinks[sink];
                sink.seconds = sink.seconds();
                sink.since = timestamp();
                sink.capacity = u128::from(capacity);
            }
            Step::Earmark(source, sink, amount, ahead) => {
                let until = timestamp() + ahead;
                let it = ledger.sender(address_of(source)).earmark(
                    CODE,
                    address_of(sink),
                    U256::from(amount),
                    U256::from(until),
                );
                let it = it.motsu_res();
                let model = &mut self.model.sources[source];
                let (before, hour) = (model.earmark(sink), until.div_ceil(HOUR));
                let amount = u128::from(amount);
                let grows = amount >= before
                    && (before == 0 || hour >= model.earmarks.get(&sink).map_or(0, |it| it.1));
                let in_time = ahead > 0 && ahead <= 86_400;
                let mut fits = false;
                if amount > 0 && in_time && grows {
                    if amount - before > model.free()
                        && amount - before <= model.free() + model.pending()
                    {
                        model.note();
                    }
                    fits = amount - before <= model.free();
                }
                assert_eq!(it.is_ok(), fits, "{it:?}");
                if fits {
                    model.earmarks.insert(sink, (amount, hour));
                }
            }
            Step::Ask(source, amount) => {
                let it = ledger
                    .sender(address_of(source))
                    .request_take_back(CODE, U256::from(amount));
                let it = it.motsu_res();
                let model = &mut self.model.sources[source];
                let amount = u128::from(amount);
                if amount > model.free() && amount <= model.free() + model.pending() {
                    model.note();
                }
                let fits = amount > 0 && amount <= model.free();
                assert_eq!(it.is_ok(), fits, "{it:?}");
                if fits {
                    model.asked = model.asked() + amount;
                    model.asked_at = timestamp();
                }
            }
            Step::TakeBack(source) => {
                let from = address_of(source);
                let it = ledger.sender(escrow).take_back_due(CODE, from);
                let it = it.motsu_res();
                let model = &mut self.model.sources[source];
                let due = model.asked() > 0 && timestamp() >= model.asked_at + HOUR;
                assert_eq!(it.is_ok(), due, "{it:?}");
                if let Ok((amount, _)) = it {
                    assert_eq!(amount, U256::from(model.asked()));
                    model.unspent -= model.asked;
                    model.taken_back += model.asked;
                    model.asked = 0;
                }
            }
            Step::Redeem(source, sink, work, value, tasks, pay) => {
                self.redeem(source, sink, work.into(), value.into(), tasks, pay);
            }
            Step::RedeemAll(source, sink, more_work, more_value) => {
                let of = &self.model.sources[source];
                let available = of.unspent - of.earmarked() + of.earmark(sink);
                let of = &self.model.sinks[sink];
                let allowance = of.seconds().saturating_sub(of.counted);
                let near = |value: u128, by: i8| value.saturating_add_signed(by.into());
                let (work, value) = (near(allowance, more_work), near(available, more_value));
                self.redeem(source, sink, work, value, 1, false);
            }
            Step::TakeOwed(sink) => {
                let to = address_of(sink);
                let it = ledger.sender(escrow).take_owed(CODE, to);
                let it = it.motsu_res();
                let (amount, _) = it.motsu_unwrap();
                let model = &mut self.model.sinks[sink];
                assert_eq!(amount, U256::from(model.owed));
                model.received += model.owed;
                model.owed = 0;
            }
        }
    }

    fn redeem(
        &mut self,
        source: usize,
        sink: usize,
        work: u128,
        value: u128,
        tasks: u64,
        pay: bool,
    ) {
        let totals = self.model.pairs.get(&(source, sink));
        let (w, x, n) = totals.copied().unwrap_or_default();
        let voucher = self.world.voucher(
            &account(source),
            &account(sink),
            w + work,
            x + value,
            n + tasks,
        );
        let it = self.world.ledger.sender(OWNER).redeem(voucher, pay);
        let it = it.motsu_res();
        let mut model = core::mem::replace(&mut self.model, Model::new());
        // What a refused redemption noted on the way is undone with it.
        let before = model.sources[source].clone();
        let counts = model.redeem(source, sink, work, value, tasks);
        if !counts {
            model.sources[source] = before;
        }
        assert_eq!(it.is_ok(), counts, "{it:?}");
        if counts && pay {
            let sink = &mut model.sinks[sink];
            sink.received += sink.owed;
            sink.owed = 0;
        }
        self.model = model;
    }

    fn check(&self, at_the_end: bool) {
        let (mut unspent, mut owed) = (0, 0);
        for index in 0..ACCOUNTS {
            let (source, sink) = (&self.model.sources[index], &self.model.sinks[index]);
            let who = address_of(index);
            let funds = (source.unspent, source.earmarked(), source.asked());
            assert_eq!(self.world.funds(who), funds);
            assert_eq!(self.world.account(who), (sink.owed, sink.counted));
            // Invariant 9: a sink's work since ever is within its capacity-seconds since ever.
            assert!(sink.counted <= sink.seconds());
            unspent += source.unspent;
            owed += sink.owed;
            for other in 0..ACCOUNTS {
                if !at_the_end {
                    break;
                }
                let to = address_of(other);
                let (free, set_aside) = self.world.ledger.sender(OWNER).get_budget(CODE, who, to);
                assert_eq!(free, U256::from(source.free()));
                assert_eq!(set_aside, U256::from(source.earmark(other)));
            }
        }
        assert_eq!(self.world.reserve(), (unspent, owed));
        self.check_conservation(unspent, owed);
        self.check_claim();
    }

    /// Invariant 9: what came in is unspent, owed, pending, or has gone out, to the wei.
    fn check_conservation(&self, unspent: u128, owed: u128) {
        let sources = self.model.sources.iter();
        let (paid, taken) = sources.fold((0, 0), |(paid, taken), source| {
            (paid + source.paid, taken + source.taken_back)
        });
        let received: u128 = self.model.sinks.iter().map(|sink| sink.received).sum();
        assert_eq!(paid, unspent + owed + received + taken);
    }

    /// Invariant 10, for every set of accounts: what its sinks received is at most what its own sources spent, and what others
    /// signed to them.
    fn check_claim(&self) {
        let signed = |source: usize, sink: usize| {
            let pair = self.model.pairs.get(&(source, sink));
            pair.map_or(0, |pair| pair.1)
        };
        for set in 0u32..1 << ACCOUNTS {
            let is_in = |index: usize| set >> index & 1 == 1;
            let (mut received, mut spent, mut by_others) = (0, 0, 0);
            for index in 0..ACCOUNTS {
                if !is_in(index) {
                    let to = (0..ACCOUNTS).filter(|sink| is_in(*sink));
                    by_others += to.map(|sink| signed(index, sink)).sum::<u128>();
                    continue;
                }
                let source = &self.model.sources[index];
                received += self.model.sinks[index].received + self.model.sinks[index].owed;
                spent += source.paid - source.taken_back - source.unspent;
            }
            assert!(received <= spent + by_others, "{set:b}");
        }
    }
}

fn from_environment(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

#[test]
fn every_wei_is_where_the_model_says() {
    let cases = from_environment("BPE_CASES", 256);
    let steps = from_environment("BPE_STEPS", 32);
    let config = ProptestConfig {
        cases: cases as u32,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in prop::collection::vec(step(), steps))| {
        let _precompiles = deploy_precompiles();
        let mut run = Run::new();
        for step in &steps {
            run.apply(step);
            run.check(false);
        }
        run.check(true);
    });
}
