//! Honest sinks are paid in full: to the wei what was signed to them for work they did against a promise, while a market starts,
//! falls, loses a server, and a sink is slashed. The table of docs/self-dealing.md is what is measured here.

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use bpe_tests::{
    settlement::{usdcx, RATE},
    stage::mined,
    suite::tokens,
    work::{signer, Totals, Work, WORK},
};

/// A phase is an hour of steps of five minutes; what is signed is redeemed at its end.
const STEPS: u64 = 12;
const STEP: u64 = 300;
/// What the source streams at first, in wei per second, and for how much a sink works, in wei per capacity-second.
const FLOW: u128 = 100 * RATE;
const PRICE: u128 = FLOW / 60;
/// Seconds of its whole capacity that a sink works in a step.
const BUSY: u128 = 240;
const DOCS: &str = include_str!("../../../docs/self-dealing.md");

/// A sink that works against earmarks alone.
struct Honest {
    key: PrivateKeySigner,
    /// In units.
    capacity: u128,
    alive: bool,
    /// Since ever, in capacity-seconds, and in wei.
    work: u128,
    value: u128,
    tasks: u64,
    redeemed: u128,
}

impl Honest {
    fn address(&self) -> Address {
        self.key.address()
    }

    fn totals(&self) -> Totals {
        Totals(self.work, self.value, self.tasks)
    }
}

struct Street {
    it: Work,
    client: PrivateKeySigner,
    sinks: Vec<Honest>,
    /// A ring of two, who sign themselves what they pay.
    ring: [PrivateKeySigner; 2],
    ring_work: u128,
}

/// What happened in a phase, in wei.
#[derive(Clone, Copy, Debug, Default)]
struct Phase {
    /// What sinks would have worked for, had it been promised.
    offered: u128,
    done: u128,
    received: u128,
}

impl Street {
    /// Three sinks of 10, 10 and 20 units, a source that has not paid anything yet, and a ring beside them.
    async fn start() -> Self {
        let it = Work::start().await;
        let mut sinks = Vec::new();
        for (number, capacity) in [(1, 10), (2, 10), (3, 20)] {
            let key = signer(number);
            it.sink(&key, capacity).await;
            sinks.push(Honest {
                key,
                capacity: capacity.into(),
                alive: true,
                work: 0,
                value: 0,
                tasks: 0,
                redeemed: 0,
            });
        }
        let (client, ring) = (signer(4), [signer(5), signer(6)]);
        it.sink(&ring[0], 40).await;
        it.source(&ring[1], 5_000, FLOW).await;
        it.source(&client, 5_000, FLOW).await;
        Self {
            it,
            client,
            sinks,
            ring,
            ring_work: 0,
        }
    }

    /// The source promises what it can of a step's work, and each sink does what is promised.
    async fn step(&mut self, phase: &mut Phase) {
        let (core, source) = (&self.it.core, self.client.address());
        core.advance(STEP);
        self.it.note(source).await;
        for sink in self.sinks.iter_mut().filter(|it| it.alive) {
            let work = sink.capacity * BUSY;
            let value = work * PRICE;
            phase.offered += value;
            let budget = core.reserve.getBudget(WORK, source, sink.address());
            let budget = budget.call().await.unwrap();
            let due = sink.value - sink.redeemed + value;
            if budget.free + budget.earmarked < U256::from(due) {
                continue;
            }
            let until = U256::from(core.base.devnet.timestamp() + 2 * 3_600);
            let promise = core
                .reserve
                .earmark(WORK, sink.address(), U256::from(due), until);
            mined(promise.from(source).send().await).await;
            sink.work += work;
            sink.value += value;
            sink.tasks += 1;
            phase.done += value;
        }
    }

    /// Everything that was signed is redeemed, by anybody; the ring comes first.
    async fn settle(&mut self, phase: &mut Phase) {
        let it = &self.it;
        let paid = it.note(self.ring[1].address()).await;
        self.ring_work += 10_000;
        let greedy = Totals(self.ring_work, paid, 1);
        it.redeem(it.voucher(&self.ring[1], &self.ring[0], greedy), true)
            .await;
        let vouchers = self.sinks.iter().filter(|it| it.value > it.redeemed);
        let vouchers = vouchers.map(|sink| it.voucher(&self.client, &sink.key, sink.totals()));
        let vouchers = vouchers.collect();
        let mut before = Vec::new();
        for sink in &self.sinks {
            before.push(it.core.whole(sink.address()).await);
        }
        it.redeem_batch(vouchers, true).await;
        for (sink, before) in self.sinks.iter_mut().zip(before) {
            let received = it.core.whole(sink.address()).await - before;
            assert_eq!(received, sink.value - sink.redeemed, "to the wei");
            sink.redeemed = sink.value;
            phase.received += received;
        }
    }

    /// The market falls to a third, and the source asks back all that is not promised.
    async fn fall(&self) {
        let (core, source) = (&self.it.core, self.client.address());
        core.update(source, WORK, FLOW / 3).await;
        self.it.note(source).await;
        let budget = core.reserve.getBudget(WORK, source, Address::ZERO);
        let free = budget.call().await.unwrap().free;
        if free > U256::ZERO {
            let ask = core.reserve.requestTakeBack(WORK, free);
            mined(ask.from(source).send().await).await;
        }
    }

    /// The third sink loses 30 % of its stake, and with it capacity.
    async fn slash(&mut self) {
        let (base, sink) = (&self.it.core.base, self.sinks[2].address());
        base.slash(sink, 120).await;
        let left = base.stakes.getStake(sink).call().await.unwrap();
        assert_eq!(left, tokens(280));
        mined(base.registry.syncCapacity(WORK, sink).send().await).await;
        let capacity = base.registry.getSmoothedCapacity(WORK, sink);
        let capacity: u128 = capacity.call().await.unwrap().to();
        self.sinks[2].capacity = capacity / 1_000_000_000;
        assert_eq!(self.sinks[2].capacity, 16);
    }

    /// An hour, in the middle of which something happens.
    async fn phase(&mut self, number: usize) -> Phase {
        let mut phase = Phase::default();
        for step in 0..STEPS {
            if step == STEPS / 2 {
                match number {
                    1 => self.fall().await,
                    2 => self.sinks[1].alive = false,
                    3 => self.slash().await,
                    _ => {}
                }
            }
            self.step(&mut phase).await;
        }
        self.settle(&mut phase).await;
        phase
    }
}

fn shown(wei: u128) -> String {
    let cents = wei / (usdcx(1) / 100);
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[tokio::test]
async fn honest_sinks_are_paid_in_full() {
    let mut street = Street::start().await;
    let mut rows = String::new();
    let names = [
        "cold start",
        "market falls to a third",
        "server dies",
        "sink is slashed",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let it = street.phase(number).await;
        assert_eq!(it.received, it.done, "{name}");
        assert!(it.done > 0, "{name}");
        let share = it.received * 10_000 / it.done;
        rows += &format!(
            "| {name} | {} | {} | {} | {}.{:02} % |\n",
            shown(it.offered),
            shown(it.done),
            shown(it.received),
            share / 100,
            share % 100
        );
    }
    // The ring has what it paid, less the fee, and nothing of anybody's else.
    let [sink, source] = street.ring.each_ref().map(PrivateKeySigner::address);
    street.it.core.end(source, WORK).await;
    let core = &street.it.core;
    let together = core.whole(sink).await + core.whole(source).await;
    assert!(together < usdcx(5_000));
    let is_there = rows.lines().all(|row| DOCS.contains(row));
    assert!(is_there, "docs/self-dealing.md should have\n{rows}");
}
