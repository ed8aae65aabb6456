//! Measured by what they accepted in writing: who is sent no work owes nothing, who drops it does.

use alloy::{
    primitives::{Address, Bytes, FixedBytes, B256, U256},
    signers::{local::PrivateKeySigner, SignerSync},
    sol_types::{eip712_domain, SolError},
};
use bpe_abi::typed_data::TaskAssignment;
use bpe_abi::ICompletionTracker::{
    AssignmentRecorded, AssignmentRejected, CompletionRecorded, CompletionRejected,
    ECDSAInvalidSignatureLength, ECDSAInvalidSignatureS, InvalidDeadline, InvalidSinkSignature,
    InvalidSourceSignature, SignedTask, SinkIsSource, TaskAlreadyAssigned, TaskAlreadyRecorded,
};
use bpe_tests::{
    proof::{events, judged, sign, slashed, Proof},
    settlement::RATE,
    stage::mined,
    suite::{tokens, units, CODE},
};

use crate::cap;

/// The sink accepts so many tasks that are due in this epoch, and does the first `done` of them.
async fn work(
    it: &Proof,
    sink: &PrivateKeySigner,
    source: &PrivateKeySigner,
    accepted: usize,
    done: usize,
) {
    let deadline = it.last_second();
    let ids: Vec<B256> = (0..accepted).map(|_| it.new_task()).collect();
    let assignments = ids
        .iter()
        .map(|id| it.assignment(sink, source, *id, deadline));
    let assign = it.tracker.recordAssignments(assignments.collect());
    let receipt = mined(assign.send().await).await;
    assert_eq!(events::<AssignmentRecorded>(&receipt).len(), accepted);
    let receipts = ids.iter().map(|id| it.receipt(sink, source, *id));
    it.record(receipts.take(done).collect()).await;
}

/// Accepted, completions, assigned, met.
async fn counters(it: &Proof, sink: Address) -> [U256; 4] {
    let epoch = it.tracker.getEpoch(CODE, sink, U256::from(it.epoch()));
    let it = epoch.call().await.unwrap();
    [it.accepted, it.completions, it.assigned, it.met]
}

fn numbers(accepted: U256, counts: [u64; 3]) -> [U256; 4] {
    let [completions, assigned, met] = counts.map(U256::from);
    [accepted, completions, assigned, met]
}

#[tokio::test]
async fn an_idle_sink_keeps_its_stake_and_one_that_drops_tasks_does_not() {
    let it = Proof::start().await;
    let (idle, drops) = (it.signer(3), it.signer(4));
    it.sink(&idle, 100).await;
    it.sink(&drops, 100).await;
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let source = it.signer(6);
    it.core.source(6, 1_000).await;
    it.core.stream(source.address(), CODE, RATE).await;
    it.measure(true).await;
    let drops_address = drops.address();
    let idle_address = idle.address();
    let (flow, half) = (
        it.flow_to(drops_address).await,
        it.units(idle_address).await,
    );
    assert_eq!(it.units(drops_address).await, half);

    for index in 0..10 {
        let epoch = it.epoch();
        if index < 3 {
            work(&it, &drops, &source, 100, 40).await;
            let all = units(100);
            let expected = numbers(all, [40, 100, 40]);
            assert_eq!(counters(&it, drops_address).await, expected);
        }
        it.to_next_epoch();
        let receipt = it.advance(idle_address).await;
        assert_eq!(judged(&receipt), [(idle_address, epoch, 10_000)]);
        assert_eq!(it.stake(idle_address).await, tokens(10_000));
        let receipt = it.advance(drops_address).await;
        let rate = if index < 3 { 4_000 } else { 10_000 };
        assert_eq!(judged(&receipt), [(drops_address, epoch, rate)]);
        match index {
            2 => assert_eq!(slashed(&receipt), [(drops_address, tokens(1_000), 4_000)]),
            _ => assert_eq!(slashed(&receipt), []),
        }
        let misses = [1, 2, 0, 0, 0, 0, 0, 0, 0, 0][index];
        assert_eq!(it.bad_epochs(drops_address).await, misses);
    }
    assert_eq!(it.stake(drops_address).await, tokens(9_000));
    assert_eq!(it.capacity(drops_address).await, cap(9_000));
    assert_eq!(it.capacity(idle_address).await, units(100));
    assert_eq!(it.units(idle_address).await, half);
    // sqrt(0.9) of half of a billion units.
    assert_eq!(it.units(drops_address).await, 474_341_649);
    let flows = [
        it.flow_to(drops_address).await,
        it.flow_to(idle_address).await,
    ];
    let per_unit = flows[1] / half;
    assert_eq!(flows, [474_341_649 * per_unit, half * per_unit]);
    assert!(flows[0] < flow && flows[1] > flow);

    // What was accepted is owed, up to the most capacity that the sink ever had: who accepts and leaves owes it all.
    work(&it, &drops, &source, 100, 48).await;
    it.to_next_epoch();
    it.advance(drops_address).await;
    let rate = it
        .tracker
        .getCompletionRate(CODE, drops_address)
        .call()
        .await;
    // 48 of 100 units, not of the 94.868 that are left.
    assert_eq!(rate.unwrap(), U256::from(4_800));
}

#[tokio::test]
async fn forged_replayed_and_onesided_assignments_change_nothing() {
    let it = Proof::start().await;
    let (sink, source, forger) = (it.signer(3), it.signer(6), it.signer(7));
    let address = it.sink(&sink, 100).await;
    it.measure(true).await;
    let deadline = it.last_second();

    // One that is good, and met.
    let good = it.assignment(&sink, &source, it.new_task(), deadline);
    let assign = it.tracker.recordAssignment(good.clone());
    mined(assign.send().await).await;
    let before = counters(&it, address).await;
    assert_eq!(before, numbers(units(100), [0, 1, 0]));

    let fresh = || it.assignment(&sink, &source, it.new_task(), deadline);
    let by_others = |sink_key: &PrivateKeySigner, source_key: &PrivateKeySigner| {
        let task = TaskAssignment {
            taskTypeId: CODE,
            sink: address,
            source: source.address(),
            taskId: it.new_task(),
            deadline: U256::from(deadline),
        };
        let domain = it.tracker_domain();
        SignedTask {
            sinkSig: sign(sink_key, &task, &domain),
            sourceSig: sign(source_key, &task, &domain),
            taskTypeId: task.taskTypeId,
            sink: task.sink,
            source: task.source,
            taskId: task.taskId,
            time: task.deadline,
        }
    };
    let signed_elsewhere = |contract: Address, chain_id: u64| {
        let mut task = fresh();
        let message = TaskAssignment {
            taskTypeId: task.taskTypeId,
            sink: task.sink,
            source: task.source,
            taskId: task.taskId,
            deadline: task.time,
        };
        let domain = eip712_domain! {
            name: "BPE-CompletionTracker",
            version: "1",
            chain_id: chain_id,
            verifying_contract: contract,
        };
        task.sinkSig = sign(&sink, &message, &domain);
        task.sourceSig = sign(&source, &message, &domain);
        task
    };
    let onesided = |sink_sig: bool| {
        let mut task = fresh();
        match sink_sig {
            true => task.sourceSig = Bytes::new(),
            false => task.sinkSig = Bytes::new(),
        }
        task
    };
    let own = {
        let mut task = it.assignment(&sink, &sink, it.new_task(), deadline);
        task.source = address;
        task
    };
    let changed = SignedTask {
        taskId: it.new_task(),
        ..fresh()
    };
    let sooner = SignedTask {
        time: U256::from(deadline - 1),
        ..fresh()
    };
    let a_receipt = SignedTask {
        time: U256::from(deadline),
        ..it.receipt(&sink, &source, it.new_task())
    };
    let malleable = {
        let mut task = fresh();
        let mut sig = task.sinkSig.to_vec();
        let s = U256::from_be_slice(&sig[32..64]);
        let order = U256::from_be_bytes(SECP256K1_ORDER);
        sig[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        sig[64] = 27 + 28 - sig[64];
        task.sinkSig = sig.into();
        task
    };
    let raw = {
        let mut task = fresh();
        let hash = B256::repeat_byte(1);
        task.sinkSig = sink.sign_hash_sync(&hash).unwrap().as_bytes().into();
        task
    };
    let past = it.assignment(&sink, &source, it.new_task(), it.now());
    let far = it.assignment(&sink, &source, it.new_task(), it.now() + 86_401);
    let chain = it.core.base.devnet.chain_id();
    let bad = [
        (by_others(&forger, &source), InvalidSinkSignature::SELECTOR),
        (by_others(&sink, &forger), InvalidSourceSignature::SELECTOR),
        (by_others(&source, &sink), InvalidSinkSignature::SELECTOR),
        (by_others(&sink, &sink), InvalidSourceSignature::SELECTOR),
        (by_others(&source, &source), InvalidSinkSignature::SELECTOR),
        (onesided(true), ECDSAInvalidSignatureLength::SELECTOR),
        (onesided(false), ECDSAInvalidSignatureLength::SELECTOR),
        (own, SinkIsSource::SELECTOR),
        (changed, InvalidSinkSignature::SELECTOR),
        (sooner, InvalidSinkSignature::SELECTOR),
        (a_receipt, InvalidSinkSignature::SELECTOR),
        (raw, InvalidSinkSignature::SELECTOR),
        (malleable, ECDSAInvalidSignatureS::SELECTOR),
        (
            signed_elsewhere(*it.aggregator.address(), chain),
            InvalidSinkSignature::SELECTOR,
        ),
        (
            signed_elsewhere(*it.tracker.address(), chain + 1),
            InvalidSinkSignature::SELECTOR,
        ),
        (past, InvalidDeadline::SELECTOR),
        (far, InvalidDeadline::SELECTOR),
        (good.clone(), TaskAlreadyAssigned::SELECTOR),
    ];
    let (tasks, reasons): (Vec<_>, Vec<_>) = bad.into_iter().unzip();
    let ids: Vec<B256> = tasks.iter().map(|task| task.taskId).collect();
    let batch = it.tracker.recordAssignments(tasks.clone());
    let receipt = mined(batch.send().await).await;
    let rejected = events::<AssignmentRejected>(&receipt);
    let said: Vec<FixedBytes<4>> = rejected.iter().map(|it| it.reason).collect();
    assert_eq!(
        said,
        reasons.into_iter().map(FixedBytes).collect::<Vec<_>>()
    );
    let said: Vec<B256> = rejected.iter().map(|it| it.taskId).collect();
    assert_eq!(said, ids);
    assert_eq!(receipt.logs().len(), ids.len());
    assert_eq!(counters(&it, address).await, before);
    // Alone they revert.
    for task in tasks {
        let alone = it.tracker.recordAssignment(task).call().await;
        assert!(alone.is_err());
    }

    // Met; neither again, nor as an assignment.
    let done = it.receipt(&sink, &source, good.taskId);
    it.record(vec![done.clone()]).await;
    let expected = numbers(units(100), [1, 1, 1]);
    assert_eq!(counters(&it, address).await, expected);
    let receipt = mined(it.tracker.recordReceipts(vec![done]).send().await).await;
    let rejected = events::<CompletionRejected>(&receipt);
    assert_eq!(rejected[0].reason, TaskAlreadyRecorded::SELECTOR);
    assert!(events::<CompletionRecorded>(&receipt).is_empty());
    let receipt = mined(it.tracker.recordAssignments(vec![good]).send().await).await;
    let rejected = events::<AssignmentRejected>(&receipt);
    assert_eq!(rejected[0].reason, TaskAlreadyRecorded::SELECTOR);
    assert_eq!(counters(&it, address).await, expected);

    // Three epochs on, nothing was missed.
    for _ in 0..3 {
        it.to_next_epoch();
    }
    let receipt = it.advance(address).await;
    let rates: Vec<u64> = judged(&receipt).iter().map(|it| it.2).collect();
    assert_eq!(rates, [10_000; 3]);
    assert_eq!(it.bad_epochs(address).await, 0);
    assert_eq!(it.stake(address).await, tokens(10_000));
}

/// The number of points of the curve: a signature's `s` is in its lower half.
const SECP256K1_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
