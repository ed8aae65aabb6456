//! Who is judged, and for what: nobody by accident, and nobody less by leaving, hopping or lowering itself for a moment.

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    providers::DynProvider,
    sol_types::SolValue,
};
use bpe_abi::ICompletionTracker::{
    self, EpochNotElapsed, ICompletionTrackerErrors, ICompletionTrackerInstance,
};
use bpe_tests::{
    economy::Factory,
    proof::{judged, Proof},
    stage::{mined, revert},
    suite::{deploy, tokens, units, CODE, NOTICE, UNIT},
};

/// By what sinks declare.
const DECLARED: u8 = 1;

/// Another task type.
fn other() -> B256 {
    keccak256("other")
}

/// A sink that has staked 100 000 tokens, ten times what 100 units need, and serves nothing yet: it can leave and come back
/// nine times within the day for which stakes unbond.
async fn rich(it: &Proof, index: usize) -> Address {
    let (sink, base) = (it.signer(index).address(), &it.core.base);
    base.equip(sink, 100_000).await;
    mined(base.stakes.stake(tokens(100_000)).from(sink).send().await).await;
    sink
}

async fn join(it: &Proof, task_type: B256, sink: Address) {
    let registry = &it.core.base.registry;
    let join = registry.registerSink(task_type, units(100)).from(sink);
    mined(join.send().await).await;
}

async fn leave(it: &Proof, task_type: B256, sink: Address) {
    let registry = &it.core.base.registry;
    mined(registry.deregisterSink(task_type).from(sink).send().await).await;
}

async fn assert_nothing_to_judge(
    tracker: &ICompletionTrackerInstance<DynProvider>,
    sink: Address,
    stranger: Address,
) {
    let early = tracker.advanceEpoch(CODE, sink).from(stranger).call().await;
    assert_eq!(
        revert::<ICompletionTrackerErrors, _>(early),
        ICompletionTrackerErrors::EpochNotElapsed(EpochNotElapsed {})
    );
}

#[tokio::test]
async fn a_stranger_slashes_nobody_of_a_plain_deployment() {
    stranger_for_a_day(Proof::start().await).await;
}

#[tokio::test]
async fn a_stranger_slashes_nobody_of_a_fresh_economy() {
    stranger_for_a_day(Factory::start().await.into_proof().await).await;
}

/// Before: by *declared*, weight 1, from the beginning: 96 slashes a day left 0.004 % of each stake.
async fn stranger_for_a_day(it: Proof) {
    let mut sinks = Vec::new();
    for index in [3, 4, 5] {
        sinks.push(it.sink(&it.signer(index), 100).await);
    }
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let stranger = it.signer(8).address();
    for _ in 0..288 {
        it.to_next_epoch();
        let page = it.tracker.advanceEpochs(CODE, U256::ZERO, U256::MAX);
        let receipt = mined(page.from(stranger).send().await).await;
        assert_eq!(judged(&receipt), []);
    }
    for sink in sinks {
        assert_nothing_to_judge(&it.tracker, sink, stranger).await;
        assert_eq!(it.stake(sink).await, tokens(10_000));
        assert_eq!(it.bad_epochs(sink).await, 0);
        assert_eq!(it.capacity(sink).await, units(100));
    }
    println!("a stranger advanced 288 epochs of 3 sinks: they lost 0 of 30 000 tokens");
}

#[tokio::test]
async fn a_new_tracker_judges_nobodys_past() {
    let it = Proof::start().await;
    let sink = it.sink(&it.signer(3), 100).await;
    let stranger = it.signer(8).address();
    it.measure(false).await;
    // Ten idle epochs, which nobody had judged.
    for _ in 0..10 {
        it.to_next_epoch();
    }
    let base = &it.core.base;
    let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
    let arguments = (registry, stakes, base.owner).abi_encode_params();
    let tracker = deploy(&base.devnet, "completion-tracker", arguments).await;
    let ledger = *it.core.ledger.address();
    let arguments = (tracker, registry, stakes, U256::ZERO, ledger).abi_encode_params();
    let judge = deploy(&base.devnet, "judge", arguments).await;
    mined(base.stakes.setSlasher(judge, true).send().await).await;
    let tracker = ICompletionTracker::new(tracker, base.provider.clone());
    mined(tracker.setJudge(judge).send().await).await;
    let yardstick = tracker.setYardstick(CODE, U256::from(UNIT), DECLARED);
    mined(yardstick.send().await).await;
    base.devnet.advance_time(NOTICE).unwrap();
    assert_nothing_to_judge(&tracker, sink, stranger).await;
    it.to_next_epoch();
    assert_nothing_to_judge(&tracker, sink, stranger).await;
    let first = it.epoch();
    it.to_next_epoch();
    let advance = tracker.advanceEpoch(CODE, sink).from(stranger);
    let receipt = mined(advance.send().await).await;
    assert_eq!(judged(&receipt), [(sink, first, 0)]);
    assert_eq!(it.stake(sink).await, tokens(10_000));
}

/// Each epoch in another task type, and nothing done: before, its first and its last epoch were exempt, and that was all of
/// them.
#[tokio::test]
async fn hopping_between_task_types_saves_nothing() {
    let it = Proof::start().await;
    let base = &it.core.base;
    let create = base.registry.registerTaskType(other(), tokens(100));
    mined(create.send().await).await;
    let (hopper, stays) = (rich(&it, 3).await, rich(&it, 4).await);
    let yardstick = it.tracker.setYardstick(other(), U256::from(UNIT), DECLARED);
    mined(yardstick.send().await).await;
    it.measure(false).await;
    join(&it, CODE, stays).await;
    for task_type in [CODE, other()].repeat(3) {
        join(&it, task_type, hopper).await;
        it.to_next_epoch();
        leave(&it, task_type, hopper).await;
    }
    it.to_next_epoch();
    it.advance(stays).await;
    it.advance(hopper).await;
    let rest = it.tracker.advanceEpoch(other(), hopper);
    mined(rest.send().await).await;
    let (hopped, stayed) = (it.stake(hopper).await, it.stake(stays).await);
    println!(
        "of 100 000 tokens after six epochs: {} of the one that stayed, {} of the one that hopped",
        stayed / tokens(1),
        hopped / tokens(1)
    );
    assert_eq!(stayed, tokens(81_000));
    assert!(hopped <= stayed, "{hopped}");
}

#[tokio::test]
async fn leaving_for_300_seconds_saves_nothing() {
    let it = Proof::start().await;
    let liar = rich(&it, 3).await;
    it.measure(false).await;
    for _ in 0..3 {
        join(&it, CODE, liar).await;
        it.core.base.devnet.set_timestamp(it.last_second()).unwrap();
        leave(&it, CODE, liar).await;
        it.to_next_epoch();
        it.to_next_epoch();
    }
    // It is away, in no page of a keeper, and judged all the same.
    it.advance(liar).await;
    assert_eq!(it.stake(liar).await, tokens(90_000));
    println!("three epochs of which it did nothing, with 300 s away between: 10 000 of 100 000");
}

#[tokio::test]
async fn lowering_capacity_for_a_second_saves_nothing() {
    let it = Proof::start().await;
    let (key, source) = (it.signer(3), it.signer(6));
    let liar = it.sink(&key, 100).await;
    let base = &it.core.base;
    let registry = &base.registry;
    it.measure(false).await;
    let set = |capacity| registry.updateCapacityFromAggregator(CODE, liar, units(capacity));
    for _ in 0..3 {
        it.complete(&key, &source, 30).await;
        base.devnet.set_timestamp(it.last_second()).unwrap();
        mined(set(0).send().await).await;
        it.to_next_epoch();
        it.advance(liar).await;
        // Smoothed, it is back in part only: it serves 100, 79 and 68 units.
        mined(set(100).send().await).await;
    }
    assert_eq!(it.stake(liar).await, tokens(9_000));
    println!("30 tasks an epoch, and 30 % less for the last second of each: 1 000 of 10 000");
}
