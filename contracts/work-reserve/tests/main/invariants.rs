//! Ledger, reserve and meter against a plain model of the specification, over random actions: invariants 9 and 10.
//!
//! `BPE_CASES` and `BPE_STEPS` set how many sequences and how long: 128 of 40 unless they say otherwise.

use std::collections::BTreeMap;

use crate::market::*;
use proptest::prelude::*;

const HOUR: u64 = 3_600;
/// Accounts, each of which is a source and a sink.
const ACCOUNTS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Another rate, with or without a note before it.
    Stream(usize, u128, bool),
    Note(usize),
    Deposit(usize, u64),
    Wait(u64),
    /// Another fee, in basis points.
    Cut(u64),
    Capacity(usize, u64),
    Earmark(usize, usize, u64, u64),
    Ask(usize, u64),
    TakeBack(usize),
    /// What a voucher has above what has counted; `pay`.
    Redeem(usize, usize, u64, u64, u64, bool),
    /// A voucher for all that is allowed and there, less or more a little.
    RedeemAll(usize, usize, i8, i8),
    /// A voucher again that counted before.
    Replay(usize, usize),
    PayOut(usize),
    /// Whether the account takes tokens.
    Takes(usize, bool),
    Claim(usize),
    /// A source has a sink charged for a task of such work and value, whose deadline was some seconds ago.
    Miss(usize, usize, u64, u64, u64),
    /// One of the misses is given to its sink, or to the treasury.
    Answer(usize),
    Settle(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..ACCOUNTS;
    let amount = prop_oneof![0u64..50, 0u64..500_000, 0u64..1_000_000_000];
    let work = prop_oneof![0u64..50, 0u64..100_000, 0u64..1_000_000_000];
    let rate = prop_oneof![
        Just(0),
        9_000u128..12_000,
        10_000u128..60_000,
        10_000u128..1_000_000_000_000
    ];
    let pair = (who.clone(), who.clone());
    prop_oneof![
        6 => (who.clone(), rate, prop::bool::weighted(0.8)).prop_map(|(a, b, c)| Step::Stream(a, b, c)),
        3 => who.clone().prop_map(Step::Note),
        2 => (who.clone(), amount.clone()).prop_map(|(a, b)| Step::Deposit(a, b)),
        6 => prop_oneof![0u64..10, 0u64..HOUR, 0u64..30 * HOUR].prop_map(Step::Wait),
        1 => prop_oneof![Just(0), 0u64..9_999].prop_map(Step::Cut),
        3 => (who.clone(), 0u64..1_000_000).prop_map(|(a, b)| Step::Capacity(a, b)),
        3 => (pair.clone(), amount.clone(), 0u64..25 * HOUR)
            .prop_map(|((a, b), c, d)| Step::Earmark(a, b, c, d)),
        2 => (who.clone(), amount.clone()).prop_map(|(a, b)| Step::Ask(a, b)),
        3 => who.clone().prop_map(Step::TakeBack),
        6 => (pair.clone(), work.clone(), amount.clone(), 0u64..9, any::<bool>())
            .prop_map(|((a, b), c, d, e, f)| Step::Redeem(a, b, c, d, e, f)),
        4 => (pair.clone(), work.clone(), amount.clone(), 0u64..900)
            .prop_map(|((a, b), c, d, e)| Step::Miss(a, b, c, d, e)),
        2 => (0usize..99).prop_map(Step::Answer),
        2 => (0usize..99).prop_map(Step::Settle),
        5 => (pair.clone(), -1i8..=1, -1i8..=1).prop_map(|((a, b), c, d)| Step::RedeemAll(a, b, c, d)),
        1 => pair.prop_map(|(a, b)| Step::Replay(a, b)),
        3 => who.clone().prop_map(Step::PayOut),
        1 => (who.clone(), any::<bool>()).prop_map(|(a, b)| Step::Takes(a, b)),
        1 => who.prop_map(Step::Claim),
    ]
}

#[derive(Clone, Default)]
struct Source {
    /// Deposits included.
    paid: u128,
    deposited: u128,
    unspent: u128,
    /// By sink: amount and hour.
    earmarks: BTreeMap<usize, (u128, u64)>,
    asked: u128,
    asked_at: u64,
    taken_back: u128,
    rate: u128,
    /// The reserve's unit-seconds at the later of the last note and the last change of the rate.
    counted_from: u128,
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

    fn available(&self, sink: usize) -> u128 {
        self.unspent - self.earmarked() + self.earmark(sink)
    }

    fn note(&mut self, unit_seconds: u128) {
        let elapsed = unit_seconds - self.counted_from;
        let pending = self.rate.saturating_sub(UNITS) * elapsed / UNITS;
        self.unspent += pending;
        self.paid += pending;
        self.counted_from = unit_seconds;
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
    /// Credits included.
    received: u128,
    credit: u128,
    counted: u128,
    capacity: u128,
    since: u64,
    /// The most capacity-seconds that it ever had.
    most: u128,
    refuses: bool,
}

impl Sink {
    fn seconds(&self) -> u128 {
        self.capacity * u128::from(timestamp() - self.since)
    }
}

/// A task that was reported.
#[derive(Clone, Copy)]
struct Miss {
    source: usize,
    sink: usize,
    value: u128,
    is_open: bool,
}

#[derive(Clone)]
struct Model {
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    /// Counted work, value and tasks, by source and sink.
    pairs: BTreeMap<(usize, usize), (u128, u128, u64)>,
    /// Of the 10 000 units of the pool.
    units: u128,
    cut_at: u64,
    unit_seconds: u128,
    /// What reached the reserve at least, as Superfluid rounds.
    arrived: u128,
    /// The place of each is the task's id.
    misses: Vec<Miss>,
    /// What answers gave, by source and sink.
    awards: BTreeMap<(usize, usize), u128>,
    treasury: u128,
}

impl Model {
    fn new() -> Self {
        let sink = Sink {
            since: timestamp(),
            ..Sink::default()
        };
        Self {
            sources: vec![Source::default(); ACCOUNTS],
            sinks: vec![sink; ACCOUNTS],
            pairs: BTreeMap::new(),
            units: UNITS,
            cut_at: timestamp(),
            unit_seconds: 0,
            arrived: 0,
            misses: vec![],
            awards: BTreeMap::new(),
            treasury: 0,
        }
    }

    /// What was taken for misses and is nobody's yet.
    fn pending(&self) -> u128 {
        (0..ACCOUNTS).map(|sink| self.pending_of(sink)).sum()
    }

    fn pending_of(&self, sink: usize) -> u128 {
        let open = self.misses.iter().filter(|miss| miss.is_open);
        let open = open.filter(|miss| miss.sink == sink);
        open.map(|miss| miss.value).sum()
    }

    fn note(&mut self, source: usize) {
        self.sources[source].note(self.unit_seconds);
    }

    /// What a voucher with so much above what has counted brings: the specification's formula, by the letter. `None`, if nothing.
    fn redeem(
        &mut self,
        source: usize,
        sink: usize,
        work: u128,
        value: u128,
        tasks: u64,
    ) -> Option<()> {
        let it = &self.sinks[sink];
        let allowance = it.seconds().saturating_sub(it.counted);
        let part = |available: u128| {
            if work == 0 || value == 0 {
                return None;
            }
            let covered = match value <= available {
                true => work,
                false => work * available / value,
            };
            let w = work.min(allowance).min(covered);
            let x = match w == work {
                true => value,
                false => value * w / work,
            };
            (x > 0).then_some((w, x))
        };
        let available = self.sources[source].available(sink);
        let (w, x) = match part(available).filter(|_| value <= available) {
            Some(part) => part,
            None => {
                self.note(source);
                part(self.sources[source].available(sink))?
            }
        };
        self.sources[source].spend(sink, x);
        self.sinks[sink].owed += x;
        self.sinks[sink].counted += w;
        let pair = self.pairs.entry((source, sink)).or_default();
        pair.0 += w;
        pair.1 += x;
        if w == work {
            pair.2 += tasks;
        }
        Some(())
    }

    fn pay_out(&mut self, to: usize) {
        let sink = &mut self.sinks[to];
        let owed = std::mem::take(&mut sink.owed);
        sink.received += owed;
        if sink.refuses {
            sink.credit += owed;
        }
    }
}

fn account(index: usize) -> SigningKey {
    key(0x10 + index as u8)
}

thread_local! {
    // Deriving an address is a multiplication of points, which costs more than all that is checked.
    static ADDRESSES: [Address; ACCOUNTS] =
        core::array::from_fn(|index| address(&account(index)));
}

fn address_of(index: usize) -> Address {
    ADDRESSES.with(|addresses| addresses[index])
}

const TREASURY: Address = Address::repeat_byte(0x7e);

struct Run {
    it: Market,
    misses: Contract<Seat>,
    model: Model,
}

impl Run {
    fn new() -> Self {
        let it = Market::empty();
        for index in 0..ACCOUNTS {
            // The pool is known from the first note on.
            it.note(address_of(index));
        }
        let misses = Contract::<Seat>::new();
        misses.sender(OWNER).set_treasury(TREASURY);
        it.seat(&misses, misses.address());
        let model = Model::new();
        Self { it, misses, model }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Stream(source, rate, notes) => {
                if notes {
                    self.note(source);
                }
                self.it.stream(address_of(source), rate);
                let now = self.model.unit_seconds;
                let model = &mut self.model.sources[source];
                // What was not noted is lost, to its source alone. A change in the second of the note is none.
                model.rate = rate;
                model.counted_from = now;
            }
            Step::Note(source) => self.note(source),
            Step::Deposit(source, amount) => {
                let amount = u128::from(amount);
                let deposited = self.it.deposit(address_of(source), amount).is_ok();
                assert_eq!(deposited, amount > 0);
                let model = &mut self.model.sources[source];
                model.deposited += amount;
                model.paid += amount;
                model.unspent += amount;
            }
            Step::Wait(seconds) => self.wait(seconds),
            Step::Cut(fee) => self.cut(fee),
            Step::Capacity(sink, capacity) => self.set_capacity(sink, capacity.into()),
            Step::Earmark(source, sink, amount, ahead) => {
                self.earmark(source, sink, amount.into(), ahead)
            }
            Step::Ask(source, amount) => self.ask(source, amount.into()),
            Step::TakeBack(source) => self.take_back(source),
            Step::Redeem(source, sink, work, value, tasks, pay) => {
                self.redeem(source, sink, work.into(), value.into(), tasks, pay);
            }
            Step::RedeemAll(source, sink, more_work, more_value) => {
                let available = self.model.sources[source].available(sink);
                let of = &self.model.sinks[sink];
                let allowance = of.seconds().saturating_sub(of.counted);
                let near = |value: u128, by: i8| value.saturating_add_signed(by.into());
                let (work, value) = (near(allowance, more_work), near(available, more_value));
                self.redeem(source, sink, work, value, 1, false);
            }
            Step::Replay(source, sink) => self.redeem(source, sink, 0, 0, 0, true),
            Step::PayOut(sink) => {
                let to = address_of(sink);
                let pay = self.it.reserve.sender(THIRD).pay_out(CODE, to);
                pay.motsu_unwrap();
                self.model.pay_out(sink);
            }
            Step::Takes(account, takes) => {
                let token = self.it.token.sender(OWNER);
                let mut token = token;
                token.refuse(address_of(account), !takes);
                self.model.sinks[account].refuses = !takes;
            }
            Step::Claim(account) => {
                let claim = self.it.reserve.sender(THIRD).claim_for(address_of(account));
                let claimed = claim.motsu_res().is_ok();
                let sink = &mut self.model.sinks[account];
                assert_eq!(claimed, sink.credit > 0 && !sink.refuses);
                if claimed {
                    sink.credit = 0;
                }
            }
            Step::Miss(source, sink, work, value, ago) => {
                self.miss((source, sink), work, value.into(), ago);
            }
            Step::Answer(place) => self.award(place, true),
            Step::Settle(place) => self.award(place, false),
        }
    }

    fn miss(&mut self, (source, sink): (usize, usize), work: u64, value: u128, ago: u64) {
        let deadline = timestamp() - ago;
        let task = Task {
            id: n(self.model.misses.len() as u64).into(),
            sink: address_of(sink),
            source: address_of(source),
            work: n(work),
            value: w(value),
            timestamp: n(deadline),
            deadline: n(deadline),
        };
        let signature = sign(&account(source), self.it.digest(task.message()));
        let charge = self.it.charge(self.misses.address(), &task, &signature);
        let mut model = self.model.clone();
        model.note(source);
        let in_time = (1..=600).contains(&ago);
        let of = &mut model.sources[source];
        let fits = in_time && value <= of.free();
        assert_eq!(charge.is_ok(), fits, "{charge:?}");
        if fits {
            of.unspent -= value;
            model.misses.push(Miss {
                source,
                sink,
                value,
                is_open: true,
            });
            self.model = model;
            // Once, for ever.
            let again = self.it.charge(self.misses.address(), &task, &signature);
            assert!(again.is_err());
        }
    }

    /// Gives one of the misses to its sink, or to the treasury.
    fn award(&mut self, place: usize, to_sink: bool) {
        let count = self.model.misses.len().max(1);
        let Some(miss) = self.model.misses.get(place % count).copied() else {
            return;
        };
        let award = |run: &Self, amount: u128| {
            let mut reserve = run.it.reserve.sender(run.misses.address());
            let award = reserve.award(CODE, address_of(miss.sink), w(amount), to_sink);
            award.motsu_res()
        };
        // No more than was taken for tasks of this sink.
        let pending = self.model.pending_of(miss.sink);
        assert!(award(self, pending + 1).is_err());
        if !miss.is_open {
            return;
        }
        let to = match to_sink {
            true => address_of(miss.sink),
            false => TREASURY,
        };
        assert_eq!(award(self, miss.value), Ok(to));
        self.model.misses[place % count].is_open = false;
        if to_sink {
            self.model.sinks[miss.sink].owed += miss.value;
            let pair = (miss.source, miss.sink);
            *self.model.awards.entry(pair).or_default() += miss.value;
        } else {
            self.model.treasury += miss.value;
        }
    }

    fn note(&mut self, source: usize) {
        let paid = self.it.note(address_of(source));
        self.model.note(source);
        let model = &self.model.sources[source];
        assert_eq!(paid, model.paid - model.deposited);
    }

    fn wait(&mut self, seconds: u64) {
        let model = &mut self.model;
        let sum: u128 = model.sources.iter().map(|source| source.rate).sum();
        let arrived = sum / UNITS * model.units * u128::from(seconds);
        model.arrived += arrived;
        model.unit_seconds += model.units * u128::from(seconds);
        advance_time(seconds);
        self.it.accrue(arrived);
        for sink in &mut self.model.sinks {
            sink.most = sink.most.max(sink.seconds());
        }
    }

    fn cut(&mut self, fee: u64) {
        let (pools, escrow) = (self.it.pools.address(), self.it.escrow.address());
        let meter = self.it.meter.sender(pools);
        let mut meter = meter;
        let settle = meter.settle_by_work(CODE, escrow, n(fee << 16));
        let applied = !settle.motsu_unwrap().is_zero();
        let model = &mut self.model;
        let (units, elapsed) = (UNITS - u128::from(fee), timestamp() - model.cut_at);
        assert_eq!(
            applied,
            units == model.units || !(1..HOUR).contains(&elapsed)
        );
        if applied && units != model.units {
            (model.units, model.cut_at) = (units, timestamp());
        }
    }

    fn set_capacity(&mut self, sink: usize, capacity: u128) {
        let model = &mut self.model.sinks[sink];
        // So long ago that it comes out at what it had, or a little less.
        let ago = model.seconds().checked_div(capacity).unwrap_or(0) as u64;
        model.since = timestamp() - ago.min(timestamp());
        model.capacity = capacity;
        model.most = model.most.max(model.seconds());
        let (capacities, since) = (vec![w(capacity)], vec![n(model.since)]);
        let registry = self.it.registry.sender(OWNER);
        let mut registry = registry;
        registry.set_sinks(CODE, vec![address_of(sink)], capacities, since);
    }

    fn earmark(&mut self, source: usize, sink: usize, amount: u128, ahead: u64) {
        let until = timestamp() + ahead;
        let earmark = self
            .it
            .reserve
            .sender(address_of(source))
            .earmark(CODE, address_of(sink), w(amount), n(until))
            .motsu_res();
        let mut model = self.model.sources[source].clone();
        let (before, hour) = (model.earmark(sink), until.div_ceil(HOUR));
        let grows = amount >= before
            && (before == 0 || hour >= model.earmarks.get(&sink).map_or(0, |it| it.1));
        let in_time = ahead > 0 && ahead <= 86_400;
        model.note(self.model.unit_seconds);
        let fits = amount > 0 && in_time && grows && amount - before <= model.free();
        assert_eq!(earmark.is_ok(), fits, "{earmark:?}");
        if fits {
            model.earmarks.insert(sink, (amount, hour));
            self.model.sources[source] = model;
        }
    }

    fn ask(&mut self, source: usize, amount: u128) {
        let ask = self
            .it
            .reserve
            .sender(address_of(source))
            .request_take_back(CODE, w(amount))
            .motsu_res();
        let mut model = self.model.sources[source].clone();
        model.note(self.model.unit_seconds);
        let fits = amount > 0 && amount <= model.free();
        assert_eq!(ask.is_ok(), fits, "{ask:?}");
        if fits {
            model.asked = model.asked() + amount;
            model.asked_at = timestamp();
            self.model.sources[source] = model;
        }
    }

    fn take_back(&mut self, source: usize) {
        let it = self.it.reserve.sender(address_of(source));
        let mut it = it;
        let taken = it.take_back(CODE).motsu_res();
        let model = &mut self.model.sources[source];
        let due = model.asked() > 0 && timestamp() >= model.asked_at + HOUR;
        assert_eq!(taken.is_ok(), due, "{taken:?}");
        if due {
            let amount = std::mem::take(&mut model.asked);
            model.unspent -= amount;
            model.taken_back += amount;
            if self.model.sinks[source].refuses {
                self.model.sinks[source].credit += amount;
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
        let (by_source, by_sink) = (account(source), account(sink));
        let voucher = self
            .it
            .voucher(&by_source, &by_sink, w + work, x + value, n + tasks);
        let redeem = self.it.vouchers.sender(THIRD).redeem(voucher, pay);
        let redeemed = redeem.motsu_res();
        // What a refused redemption noted on the way is undone with it.
        let mut model = self.model.clone();
        let counts = model.redeem(source, sink, work, value, tasks).is_some();
        assert_eq!(redeemed.is_ok(), counts, "{redeemed:?}");
        if counts {
            if pay {
                model.pay_out(sink);
            }
            self.model = model;
        }
    }

    fn check(&self) {
        let (mut unspent, mut owed, mut credits) = (0, 0, 0);
        for index in 0..ACCOUNTS {
            let (source, sink) = (&self.model.sources[index], &self.model.sinks[index]);
            let who = address_of(index);
            let funds = (source.unspent, source.earmarked(), source.asked());
            assert_eq!(self.it.funds(who), funds);
            assert_eq!(self.it.account(who), (sink.owed, sink.counted));
            let credit = self.it.reserve.sender(THIRD).credits(who);
            assert_eq!(credit, w(sink.credit));
            // Invariant 9: a sink's work since ever is within its capacity-seconds since ever.
            assert!(sink.counted <= sink.most);
            unspent += source.unspent;
            owed += sink.owed;
            credits += sink.credit;
        }
        let (pending, treasury) = (self.model.pending(), self.model.treasury);
        owed += treasury;
        assert_eq!(self.it.owed(), owed);
        let reserve = self.it.reserve.sender(THIRD);
        assert_eq!(reserve.get_owed(CODE, TREASURY), w(treasury));
        for index in 0..ACCOUNTS {
            let (misses, sink) = (self.misses.address(), address_of(index));
            let of_sink = reserve.get_pending(CODE, misses, sink);
            assert_eq!(of_sink, w(self.model.pending_of(index)));
        }
        assert_eq!(reserve.credited(), w(credits));
        drop(reserve);
        self.check_reserve(unspent + owed + pending + credits);
        self.check_conservation(unspent, owed);
        self.check_claim();
    }

    /// Invariant 9: tokens, claimed or claimable, are at least all that is anybody's; what was noted is at most what arrived.
    fn check_reserve(&self, liabilities: u128) {
        let sources = self.model.sources.iter();
        let noted: u128 = sources.map(|source| source.paid - source.deposited).sum();
        assert!(noted <= self.model.arrived);
        let reserve = self.it.reserve.address();
        let here = self.it.balance(reserve);
        let pool = self.it.pool.sender(OWNER);
        let received: u128 = pool.get_total_amount_received_by_member(reserve).to();
        drop(pool);
        let claimed: u128 = self.it.reserve.sender(THIRD).get_holdings(CODE).1.to();
        assert!(here + received - claimed >= liabilities);
    }

    /// To the wei: what was noted is unspent, owed or pending, or has gone out.
    fn check_conservation(&self, unspent: u128, owed: u128) {
        let sources = self.model.sources.iter();
        let (paid, taken) = sources.fold((0, 0), |(paid, taken), source| {
            (paid + source.paid, taken + source.taken_back)
        });
        let received: u128 = self.model.sinks.iter().map(|sink| sink.received).sum();
        let pending = self.model.pending();
        assert_eq!(paid, unspent + owed + pending + received + taken);
        // What has gone out is with those whom it went to.
        for index in 0..ACCOUNTS {
            let (source, sink) = (&self.model.sources[index], &self.model.sinks[index]);
            let has = self.it.balance(address_of(index));
            assert_eq!(has, sink.received + source.taken_back - sink.credit);
        }
    }

    /// Invariant 10, for every set of accounts: what its sinks received is at most what its own sources spent, and what others
    /// signed to them.
    fn check_claim(&self) {
        let pairs = &self.model.pairs;
        let awards = &self.model.awards;
        let signed = |source, sink| {
            let award = awards.get(&(source, sink)).copied().unwrap_or(0);
            pairs.get(&(source, sink)).map_or(0, |pair| pair.1) + award
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
    let cases = from_environment("BPE_CASES", 128);
    let steps = from_environment("BPE_STEPS", 40);
    let config = ProptestConfig {
        cases: cases as u32,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in prop::collection::vec(step(), steps))| {
        let _turn = bpe_testing::turn();
        let _precompiles = deploy_precompiles();
        let mut run = Run::new();
        for step in &steps {
            run.apply(step);
            run.check();
        }
    });
}
