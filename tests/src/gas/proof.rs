//! Verification, prices and composition.

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::TransactionReceipt,
    sol_types::SolValue,
};
use bpe_abi::{ICompletionTracker, INestedPool, IPipeline};

use super::Table;
use crate::{
    economy::{Factory, MARKETPLACE, PIPELINE},
    proof::{Proof, BATCH},
    settlement::RATE,
    stage::mined,
    suite::{deploy, tokens, units, CODE},
};

const CHAT: B256 = B256::repeat_byte(0xca);

pub async fn tables() -> String {
    [
        tracker().await,
        aggregator().await,
        pricing().await,
        pipeline().await,
        nested().await,
        factory().await,
    ]
    .concat()
}

async fn tracker() -> String {
    let it = Proof::start().await;
    let mut table = Table::new(&it.core.base.devnet);
    let (worker, client) = (it.signer(3), it.signer(6));
    let sink = it.sink(&worker, 100).await;
    it.sink(&it.signer(4), 100).await;
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    let set = it.tracker.setYardstick(CODE, U256::from(1), 1);
    table.add("setYardstick", None, mined(set.send().await).await);
    it.measure(false).await;
    for (label, solidity) in [
        ("recordCompletion, first in epoch", 103_914),
        ("recordCompletion, next", 66_815),
    ] {
        let signed = it.receipt(&worker, &client, it.new_task());
        let record = it.tracker.recordCompletion(
            CODE,
            sink,
            signed.taskId,
            signed.sinkSig,
            signed.sourceSig,
        );
        let receipt = mined(record.from(source).send().await).await;
        table.add(label, solidity, receipt);
    }
    let signed = it.receipt(&worker, &client, it.new_task());
    let record = it.tracker.recordReceipt(signed);
    table.add(
        "recordReceipt, next",
        None,
        mined(record.send().await).await,
    );
    for count in [10, BATCH] {
        let batch = (0..count).map(|_| it.receipt(&worker, &client, it.new_task()));
        let record = it.tracker.recordReceipts(batch.collect());
        let receipt = mined(record.send().await).await;
        table.add(format!("recordReceipts of {count}"), None, receipt);
    }
    it.to_next_epoch();
    table.add("advanceEpoch", 80_418, it.advance(sink).await);
    for _ in 0..2 {
        it.to_next_epoch();
        it.advance(sink).await;
    }
    it.to_next_epoch();
    let slash = it.advance(sink).await;
    table.add("advanceEpoch, with slash, down to the units", 74_629, slash);
    it.to_next_epoch();
    let advance = it.tracker.advanceEpochs(CODE, U256::ZERO, U256::from(2));
    let receipt = mined(advance.send().await).await;
    table.add("advanceEpochs of 2, one 5 epochs late", None, receipt);
    it.measure(true).await;
    let task = it.new_task();
    let assigned = it.assignment(&worker, &client, task, it.now() + 100);
    let assign = it.tracker.recordAssignment(assigned);
    table.add("recordAssignment", None, mined(assign.send().await).await);
    let record = it.tracker.recordReceipt(it.receipt(&worker, &client, task));
    let receipt = mined(record.send().await).await;
    table.add("recordReceipt of an assignment", None, receipt);
    let set = it.tracker.setVerifier(CODE, *it.core.pools.address());
    table.add("setVerifier", None, mined(set.send().await).await);
    let set = set_judge(&it).await;
    table.add("setJudge", None, set);
    table.markdown("CompletionTracker")
}

/// Names a Judge to a tracker that has none.
async fn set_judge(it: &Proof) -> TransactionReceipt {
    let base = &it.core.base;
    let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
    let arguments = (registry, stakes, base.owner).abi_encode_params();
    let tracker = deploy(&base.devnet, "completion-tracker", arguments).await;
    let ledger = *it.core.ledger.address();
    let arguments = (tracker, registry, stakes, U256::ZERO, ledger).abi_encode_params();
    let judge = deploy(&base.devnet, "judge", arguments).await;
    let tracker = ICompletionTracker::new(tracker, &base.provider);
    mined(tracker.setJudge(judge).send().await).await
}

async fn aggregator() -> String {
    let it = Proof::start().await;
    let mut table = Table::new(&it.core.base.devnet);
    let keys: Vec<_> = (3..8).map(|index| it.signer(index)).collect();
    for key in &keys {
        it.sink(key, 100).await;
    }
    let devnet = &it.core.base.devnet;
    for (nonce, label, solidity) in [
        (1, "submitBatch of 1, first", 113_509),
        (2, "submitBatch of 1, next", 73_721),
    ] {
        devnet.mine(1).unwrap();
        let batch = vec![it.attestation(&keys[0], units(90), nonce)];
        let submit = it.aggregator.submitBatch(batch);
        table.add(label, solidity, mined(submit.send().await).await);
    }
    let mut nonce = 10;
    for (count, solidity) in [(10_usize, Some(401_416)), (100, None)] {
        devnet.mine(1).unwrap();
        let batch = (0..count).map(|item| {
            nonce += 1;
            it.attestation(&keys[item % keys.len()], units(90), nonce)
        });
        let submit = it.aggregator.submitBatch(batch.collect());
        let receipt = mined(submit.send().await).await;
        table.add(
            format!("submitBatch of {count}, of 5 sinks"),
            solidity,
            receipt,
        );
    }
    devnet.mine(1).unwrap();
    let submit = it
        .aggregator
        .submit(it.attestation(&keys[1], units(80), 1_000));
    table.add("submit", None, mined(submit.send().await).await);
    table.markdown("OffchainAggregator")
}

async fn pricing() -> String {
    let it = Proof::start().await;
    let mut table = Table::new(&it.core.base.devnet);
    let worker = it.signer(3);
    let sink = it.sink(&worker, 100).await;
    let report = |load| it.pricing.reportQueueLoad(CODE, units(load)).from(sink);
    it.to_next_epoch();
    let receipt = mined(report(50).send().await).await;
    table.add("reportQueueLoad, first", 112_767, receipt);
    let receipt = mined(report(150).send().await).await;
    table.add("reportQueueLoad, next", 36_450, receipt);
    it.to_next_epoch();
    let receipt = mined(report(120).send().await).await;
    table.add("reportQueueLoad, first of an epoch", None, receipt);
    it.to_next_epoch();
    let advance = it.pricing.advanceEpoch(CODE);
    table.add("advanceEpoch", 44_158, mined(advance.send().await).await);
    it.core.base.devnet.advance_time(3_600).unwrap();
    let advance = it.pricing.advanceEpoch(CODE);
    let receipt = mined(advance.send().await).await;
    table.add("advanceEpoch, 60 epochs late", None, receipt);
    let set = it.pricing.setCurve(CODE, 1);
    table.add("setCurve", None, mined(set.send().await).await);
    table.markdown("PricingCurve")
}

/// A sink of so many units for `task_type`, in its pool.
async fn serve(it: &Proof, number: u8, task_type: B256, capacity: u64) -> Address {
    let base = &it.core.base;
    let sink = base.staked(number, (capacity * capacity).max(100)).await;
    let register = base.registry.registerSink(task_type, units(capacity));
    mined(register.from(sink).send().await).await;
    mined(it.core.pools.rebalance(task_type).send().await).await;
    sink
}

async fn open(it: &Proof, task_type: B256) {
    let register = it
        .core
        .base
        .registry
        .registerTaskType(task_type, tokens(100));
    mined(register.send().await).await;
    mined(it.core.pools.createPool(task_type).send().await).await;
}

async fn pipeline() -> String {
    let it = Proof::start().await;
    let (base, pools) = (&it.core.base, &it.core.pools);
    let mut table = Table::new(&base.devnet);
    let review = B256::repeat_byte(0xe0);
    for task_type in [CHAT, review] {
        open(&it, task_type).await;
    }
    let arguments = (*pools.address(), *base.registry.address(), base.owner);
    let pipeline = deploy(&base.devnet, "pipeline", arguments.abi_encode_params()).await;
    mined(pools.setPipeline(pipeline, true).send().await).await;
    let pipeline = IPipeline::new(pipeline, &base.provider);
    serve(&it, 0x31, CHAT, 100).await;
    serve(&it, 0x32, CODE, 100).await;
    serve(&it, 0x33, review, 50).await;
    let leaver = serve(&it, 0x34, review, 50).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CHAT, RATE).await;
    let id = B256::repeat_byte(1);
    let create = pipeline.createPipeline(id, vec![CHAT, CODE, review]);
    let receipt = mined(create.send().await).await;
    table.add("createPipeline of 3", None, receipt);
    let rebalance = || pipeline.rebalancePipeline(id);
    let receipt = mined(rebalance().send().await).await;
    table.add("rebalancePipeline of 3, no limits", None, receipt);
    let leave = base.registry.deregisterSink(review).from(leaver);
    mined(leave.send().await).await;
    let receipt = mined(rebalance().send().await).await;
    table.add("rebalancePipeline of 3, two limits", None, receipt);
    mined(pipeline.setReporter(base.owner, true).send().await).await;
    let check = pipeline.checkCircuitBreaker(id, U256::from(2), units(40));
    let receipt = mined(check.send().await).await;
    table.add("checkCircuitBreaker, healthy", None, receipt);
    let check = pipeline.checkCircuitBreaker(id, U256::from(2), U256::ZERO);
    let receipt = mined(check.send().await).await;
    table.add("checkCircuitBreaker, collapse", None, receipt);
    let receipt = mined(pipeline.closePipeline(id).send().await).await;
    table.add("closePipeline of 3", None, receipt);
    table.markdown("Pipeline")
}

async fn nested() -> String {
    let it = Proof::start().await;
    let (base, pools) = (&it.core.base, &it.core.pools);
    let mut table = Table::new(&base.devnet);
    let children = [CHAT, B256::repeat_byte(0xa1)];
    for child in children {
        open(&it, child).await;
    }
    let arguments = (*pools.address(), *base.registry.address(), base.owner);
    let nested = deploy(&base.devnet, "nested-pool", arguments.abi_encode_params()).await;
    mined(pools.setNestedPool(nested).send().await).await;
    let nested = INestedPool::new(nested, &base.provider);
    serve(&it, 0x31, CODE, 40).await;
    serve(&it, 0x32, CHAT, 30).await;
    serve(&it, 0x33, children[1], 30).await;
    for (child, label) in children.into_iter().zip(["first", "next"]) {
        let register = nested.registerChild(CODE, child);
        let receipt = mined(register.send().await).await;
        table.add(format!("registerChild, {label}"), None, receipt);
    }
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    it.core.advance(3_600);
    let rebalance = nested.rebalanceHierarchy(CODE, U256::from(1));
    let receipt = mined(rebalance.send().await).await;
    table.add("rebalanceHierarchy, two children", None, receipt);
    it.core.advance(3_600);
    let receipt = mined(nested.deregisterChild(CODE, children[0]).send().await).await;
    table.add("deregisterChild", None, receipt);
    table.markdown("NestedPool")
}

async fn factory() -> String {
    let it = Factory::start().await;
    let owner = it.model.core.base.owner;
    let mut table = Table::new(&it.model.core.base.devnet);
    let (_, receipt) = it.make(owner, Factory::config(MARKETPLACE, &[CODE])).await;
    table.add("deployEconomy, one task type", None, receipt);
    let stages = [CODE, CHAT, B256::repeat_byte(1)];
    let (_, receipt) = it.make(owner, Factory::config(PIPELINE, &stages)).await;
    table.add("deployEconomy, a pipeline of three", None, receipt);
    table.markdown("EconomyFactory")
}
