//! Fields that several functions write share a slot: none writes over another's, and each is where the contract says.

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    providers::Provider,
    sol_types::{SolStruct, SolValue},
};
use bpe_abi::typed_data::{
    BoltzmannShares, CapacityAttestation, CompletionReceipt, TaskAssignment,
};
use bpe_tests::{
    proof::{Proof, EPOCH, REWARD},
    stage::mined,
    suite::{tokens, units, CODE, NOTICE, UNIT},
};

use crate::cap;

/// Fields of a slot, from the low bits on, by their widths.
fn unpack<const N: usize>(slot: U256, widths: [usize; N]) -> [U256; N] {
    let mut rest = slot;
    let fields = widths.map(|width| {
        let mask = (U256::from(1) << width) - U256::from(1);
        let field = rest & mask;
        rest >>= width;
        field
    });
    assert_eq!(rest, U256::ZERO, "nothing beyond the fields");
    fields
}

async fn slot(it: &Proof, contract: Address, position: B256) -> U256 {
    let provider = &it.core.base.provider;
    let slot = provider.get_storage_at(contract, position.into());
    slot.await.unwrap()
}

/// Where a mapping has what `key` stands for.
fn at(key: B256, mapping: B256) -> B256 {
    keccak256((key, mapping).abi_encode())
}

fn root(number: u8) -> B256 {
    B256::with_last_byte(number)
}

#[tokio::test]
async fn tracker_and_judge_slots_hold_what_each_function_wrote() {
    let it = Proof::start().await;
    let (key, source) = (it.signer(3), it.signer(6));
    let sink = it.sink(&key, 100).await;
    mined(it.core.pools.rebalance(CODE).send().await).await;
    it.measure(false).await;
    let tracker = *it.tracker.address();
    let (first, deadline) = (it.epoch(), it.last_second());

    // One slot by assignment and receipt.
    let ids = [it.new_task(), it.new_task()];
    for id in ids {
        let assign = it
            .tracker
            .recordAssignment(it.assignment(&key, &source, id, deadline));
        mined(assign.send().await).await;
    }
    it.complete(&key, &source, 3).await;
    it.record(vec![it.receipt(&key, &source, ids[0])]).await;
    let epoch = it.tracker.getEpoch(CODE, sink, U256::from(first));
    let epoch = epoch.call().await.unwrap();
    let counts = [epoch.completions, epoch.assigned, epoch.met];
    assert_eq!(epoch.accepted, units(100));
    assert_eq!(counts, [4, 2, 1].map(U256::from));
    let pair = keccak256((CODE, sink).abi_encode());
    let number = B256::from(U256::from(first));
    let word = slot(&it, tracker, at(number, at(pair, root(7)))).await;
    let fields = unpack(word, [72, 24, 24, 24]);
    let [completions, assigned, met] = counts;
    assert_eq!(fields, [units(100), completions, assigned, met]);

    // One slot by assignment and receipt.
    for (id, recorded) in [(ids[0], true), (ids[1], false)] {
        let task = it.tracker.getTask(CODE, sink, source.address(), id);
        let task = task.call().await.unwrap();
        assert_eq!(
            (task.deadline, task.recorded),
            (U256::from(deadline), recorded)
        );
        assert_eq!(it.tracker.taskRecorded(id).call().await.unwrap(), recorded);
        let whole = keccak256((CODE, sink, source.address(), id).abi_encode());
        let tag = U256::from_be_bytes(whole.0) & ((U256::from(1) << 112) - U256::from(1));
        let word = slot(&it, tracker, at(id, root(8))).await;
        let fields = unpack(word, [112, 72, 8]);
        assert_eq!(fields, [tag, U256::from(deadline), U256::from(recorded)]);
    }

    // One slot by judging, after five epochs: 4 % of the first, nothing since. Slashed after three, two more missed.
    for _ in 0..5 {
        it.to_next_epoch();
    }
    it.advance(sink).await;
    assert_eq!(it.stake(sink).await, tokens(9_000));
    assert_eq!(it.bad_epochs(sink).await, 2);
    let judge = *it.judge.address();
    let word = slot(&it, judge, at(pair, root(3))).await;
    let fields = unpack(word, [24, 24, 24, 24, 112, 24]);
    let (now, since) = (U256::from(it.epoch()), U256::from(first + 3));
    let none = U256::ZERO;
    let expected = [now, U256::from(2), none, none, tokens(9_000), since];
    assert_eq!(fields, expected);
    // What the slash left, until now.
    let next = U256::from_be_bytes(at(pair, root(3)).0) + U256::from(1);
    let word = slot(&it, judge, next.into()).await;
    assert_eq!(unpack(word, [72, 24]), [cap(9_000), now]);
    let standing = it.judge.getStanding(CODE, sink).call().await.unwrap();
    assert_eq!((standing.next, standing.since), (now, since));
    assert_eq!((standing.bound, standing.boundUntil), (cap(9_000), now));
    // The epoch into which the deadlines fell, which is judged: the next one is the first again. And the source's last.
    let due = U256::from(first);
    let word = slot(&it, tracker, at(pair, root(6))).await;
    let largest = U256::from((1_u64 << 24) - 1);
    assert_eq!(unpack(word, [24, 24]), [largest, due]);
    let of_source = at(source.address().into_word(), at(pair, root(10)));
    assert_eq!(slot(&it, tracker, of_source).await, due);
    // StakeManager's address and the reward share a slot.
    let word = slot(&it, judge, root(2)).await;
    let stakes = it.core.base.stakes.address().into_word().into();
    assert_eq!(unpack(word, [160, 96]), [stakes, REWARD]);

    // A yardstick each, packed; and the one of this epoch stands.
    let yardstick = it.tracker.setYardstick(CODE, U256::from(5), 2);
    mined(yardstick.send().await).await;
    let from = it.epoch() + NOTICE / EPOCH + 1;
    for (epoch, weight, yardstick) in [
        (first - 1, 1, 0),
        (first, UNIT, 1),
        (from - 1, UNIT, 1),
        (from, 5, 2),
    ] {
        let it = it.tracker.getYardstick(CODE, U256::from(epoch));
        let it = it.call().await.unwrap();
        assert_eq!((it.weight, it.yardstick), (U256::from(weight), yardstick));
    }
}

#[tokio::test]
async fn pricing_and_aggregator_slots_hold_what_each_function_wrote() {
    let it = Proof::start().await;
    let key = it.signer(3);
    let sink = it.sink(&key, 100).await;
    let pricing = *it.pricing.address();
    mined(it.pricing.setCurve(CODE, 1).send().await).await;
    let began = it.now();
    let report = |load| it.pricing.reportQueueLoad(CODE, load).from(sink);
    mined(report(units(120)).send().await).await;
    it.core.advance(61);
    mined(it.pricing.advanceEpoch(CODE).send().await).await;
    mined(report(units(7)).send().await).await;
    let fee = U256::from(1_125_000_000_000_000_u64);
    let start = U256::from(began + 60);
    let market = slot(&it, pricing, at(CODE, root(5))).await;
    let fields = unpack(market, [96, 112, 40, 8]);
    assert_eq!(fields, [fee, units(7), start, U256::from(1)]);
    let queue = at(sink.into_word(), at(CODE, root(6)));
    let fields = unpack(slot(&it, pricing, queue).await, [80, 80, 40]);
    assert_eq!(fields, [units(7), units(7), start]);
    let open = it.pricing.getEpoch(CODE).call().await.unwrap();
    assert_eq!((open.start, open.demand), (start, units(7)));
    assert_eq!(it.pricing.getBaseFee(CODE).call().await.unwrap(), fee);
    assert_eq!(it.pricing.getCurve(CODE).call().await.unwrap(), 1);
    let load = it.pricing.getQueueLoad(CODE, sink).call().await.unwrap();
    assert_eq!(load, units(7));

    it.core.base.devnet.mine(1).unwrap();
    let aggregator = *it.aggregator.address();
    let attestation = it.attestation(&key, units(40), u64::MAX);
    let time = attestation.timestamp;
    mined(it.aggregator.submit(attestation).send().await).await;
    let last = at(sink.into_word(), at(CODE, root(7)));
    let fields = unpack(slot(&it, aggregator, last).await, [216, 40]);
    assert_eq!(fields, [U256::from(u64::MAX), time]);
    let read = it.aggregator.lastTimestamp(CODE, sink).call().await;
    assert_eq!(read.unwrap(), time);
    let highest = it.aggregator.lastNonce_0(sink).call().await.unwrap();
    assert_eq!(highest, U256::from(u64::MAX));
}

#[tokio::test]
async fn wallets_and_contracts_agree_on_what_is_signed() {
    let it = Proof::start().await;
    let tracker = it.tracker.eip712Domain().call().await.unwrap();
    let aggregator = it.aggregator.eip712Domain().call().await.unwrap();
    let expected = it.tracker_domain();
    assert_eq!(Some(tracker.name.into()), expected.name);
    assert_eq!(Some(tracker.version.into()), expected.version);
    assert_eq!(Some(tracker.chainId), expected.chain_id);
    assert_eq!(Some(tracker.verifyingContract), expected.verifying_contract);
    let expected = it.aggregator_domain();
    assert_eq!(Some(aggregator.name.into()), expected.name);
    assert_eq!(Some(aggregator.version.into()), expected.version);
    assert_eq!(Some(aggregator.chainId), expected.chain_id);
    assert_eq!(
        Some(aggregator.verifyingContract),
        expected.verifying_contract
    );
    for (said, type_of) in [
        (
            it.tracker.COMPLETION_TYPEHASH().call().await,
            CompletionReceipt::eip712_encode_type(),
        ),
        (
            it.tracker.ASSIGNMENT_TYPEHASH().call().await,
            TaskAssignment::eip712_encode_type(),
        ),
        (
            it.aggregator.ATTESTATION_TYPEHASH().call().await,
            CapacityAttestation::eip712_encode_type(),
        ),
        (
            it.aggregator.BOLTZMANN_SHARES_TYPEHASH().call().await,
            BoltzmannShares::eip712_encode_type(),
        ),
    ] {
        assert_eq!(said.unwrap(), keccak256(type_of.as_bytes()));
    }
}
