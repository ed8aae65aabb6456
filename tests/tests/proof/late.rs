//! Who calls, and when, changes nothing.

use alloy::{
    primitives::{Address, U256},
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
};
use bpe_abi::ICompletionTracker::{self, ICompletionTrackerErrors};
use bpe_tests::{
    proof::{judged, slashed, Proof},
    settlement::RATE,
    stage::{mined, revert},
    suite::{tokens, CODE},
};

use crate::cap;

/// What the worker completes, of 100.
const WORK: [usize; 10] = [40, 40, 40, 90, 40, 40, 90, 40, 40, 40];

/// In this epoch, counted from 0, one leaves.
const LEAVES: usize = 4;

/// All that judging can change, by sink.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    stakes: Vec<U256>,
    misses: Vec<u64>,
    capacities: Vec<U256>,
    units: Vec<u128>,
    flows: Vec<u128>,
    /// Completions by epoch.
    counted: Vec<U256>,
    /// The sink's number, the epoch and the rate.
    judged: Vec<(usize, u64, u64)>,
    /// The sink's number, the amount and the rate.
    slashed: Vec<(usize, U256, u64)>,
}

struct Scenario {
    it: Proof,
    /// Works as [`WORK`] says, completes 90, never anything, nothing either and leaves.
    sinks: [PrivateKeySigner; 4],
    source: PrivateKeySigner,
    first: u64,
}

impl Scenario {
    async fn start() -> Self {
        let it = Proof::start().await;
        let sinks = [3, 4, 5, 7].map(|index| it.signer(index));
        for key in &sinks {
            it.sink(key, 100).await;
        }
        mined(it.core.pools.rebalance(CODE).send().await).await;
        let source = it.signer(6);
        it.core.source(6, 1_000).await;
        it.core.stream(source.address(), CODE, RATE).await;
        it.measure(false).await;
        Self {
            first: it.epoch(),
            it,
            sinks,
            source,
        }
    }

    fn addresses(&self) -> [Address; 4] {
        self.sinks.each_ref().map(|key| key.address())
    }

    /// Ten epochs. With a keeper, each is judged when it has ended; without, all are at the end.
    async fn play(&self, has_keeper: bool) -> Outcome {
        let it = &self.it;
        let mut receipts = Vec::new();
        for (index, work) in WORK.into_iter().enumerate() {
            it.complete(&self.sinks[0], &self.source, work).await;
            it.complete(&self.sinks[1], &self.source, 90).await;
            if index == LEAVES {
                let leave = it.core.base.registry.deregisterSink(CODE);
                let leave = leave.from(self.sinks[3].address());
                mined(leave.send().await).await;
            }
            it.to_next_epoch();
            if has_keeper {
                receipts.push(self.keep().await);
            }
        }
        if !has_keeper {
            receipts.push(self.keep().await);
        }
        // In no page since it left.
        receipts.push(it.advance(self.sinks[3].address()).await);
        self.outcome(&receipts).await
    }

    async fn keep(&self) -> TransactionReceipt {
        let page = self.it.tracker.advanceEpochs(CODE, U256::ZERO, U256::MAX);
        mined(page.send().await).await
    }

    async fn outcome(&self, receipts: &[TransactionReceipt]) -> Outcome {
        let addresses = self.addresses();
        let number = |sink: Address| addresses.iter().position(|it| *it == sink).unwrap();
        let mut outcome = Outcome {
            stakes: vec![],
            misses: vec![],
            capacities: vec![],
            units: vec![],
            flows: vec![],
            counted: vec![],
            judged: vec![],
            slashed: vec![],
        };
        for receipt in receipts {
            let judged = judged(receipt).into_iter();
            outcome
                .judged
                .extend(judged.map(|it| (number(it.0), it.1 - self.first, it.2)));
            let slashed = slashed(receipt).into_iter();
            outcome
                .slashed
                .extend(slashed.map(|it| (number(it.0), it.1, it.2)));
        }
        outcome.judged.sort();
        // Each sink's stay in their order.
        outcome.slashed.sort_by_key(|it| it.0);
        let it = &self.it;
        for sink in addresses {
            outcome.stakes.push(it.stake(sink).await);
            outcome.misses.push(it.bad_epochs(sink).await);
            outcome.capacities.push(it.capacity(sink).await);
            outcome.units.push(it.units(sink).await);
            for epoch in self.first..it.epoch() {
                let epoch = it.tracker.getEpoch(CODE, sink, U256::from(epoch));
                outcome
                    .counted
                    .push(epoch.call().await.unwrap().completions);
            }
        }
        // Fee units follow the sinks' after 5 % in between, and exactly at a full rebalance.
        mined(it.core.pools.rebalance(CODE).send().await).await;
        for sink in addresses {
            outcome.flows.push(it.flow_to(sink).await);
        }
        outcome
    }
}

#[tokio::test]
async fn nobody_calls_for_ten_epochs_and_then_somebody_does() {
    let scenario = Scenario::start().await;
    let devnet = &scenario.it.core.base.devnet;
    let snapshot = devnet.snapshot();
    let mut in_time = scenario.play(true).await;
    // Nothing of the one that left is still to be judged.
    let left = scenario.addresses()[3];
    let rest = scenario.it.tracker.advanceEpoch(CODE, left).call().await;
    let nothing = ICompletionTracker::EpochNotElapsed {};
    assert_eq!(
        revert::<ICompletionTrackerErrors, _>(rest),
        ICompletionTrackerErrors::EpochNotElapsed(nothing)
    );
    assert!(devnet.revert(snapshot));
    let mut late = scenario.play(false).await;
    // Less than a wei per second and unit is left over whenever units change, which they do less often if nobody calls.
    let [lost, exact] = [&mut late, &mut in_time].map(|it| std::mem::take(&mut it.flows));
    for (flow, exact) in lost.iter().zip(&exact) {
        assert!(flow.abs_diff(*exact) <= exact / 50_000, "{flow} {exact}");
    }
    assert_eq!(late, in_time);

    assert_eq!(late.stakes, [8_100, 10_000, 7_290, 9_000].map(tokens));
    assert_eq!(late.misses, [0, 0, 1, 1]);
    let left = U256::ZERO;
    let capacities = [cap(8_100), cap(10_000), cap(7_290), left];
    assert_eq!(late.capacities, capacities);
    let expected =
        capacities.map(|it| u128::try_from(it).unwrap() * 1_000_000_000 / 400_000_000_000);
    assert_eq!(late.units, expected);
    let (low, high) = (4_216, 9_486);
    let worker = [4_000, 4_000, 4_000, high, low, low, high, low, low, low];
    let rates = |number: usize| {
        let its = late.judged.iter().filter(|it| it.0 == number);
        its.map(|it| it.2).collect::<Vec<_>>()
    };
    assert_eq!(rates(0), worker);
    assert_eq!(rates(1), [9_000; 10]);
    assert_eq!(rates(2), [0; 10]);
    // It left in the first second of the next one.
    assert_eq!(rates(3), [0; LEAVES]);
    assert_eq!(
        late.slashed,
        [
            (0, tokens(1_000), 4_000),
            (0, tokens(900), low),
            (2, tokens(1_000), 0),
            (2, tokens(900), 0),
            (2, tokens(810), 0),
            (3, tokens(1_000), 0),
        ]
    );
    println!(
        "stakes after ten epochs, called in time and late: {:?}",
        late.stakes
    );
}
