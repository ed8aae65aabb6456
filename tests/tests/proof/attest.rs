//! What is signed off chain, by sinks and by the share signer, and what it moves.

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use bpe_abi::typed_data::BoltzmannShares;
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolErrors},
    ICapacityRegistry::CapacityRevealed,
    IOffchainAggregator::{
        AttestationApplied, AttestationRejected, BatchSubmitted, BoltzmannSharesSubmitted,
        IOffchainAggregatorErrors, SignedAttestation,
    },
};
use bpe_tests::{
    proof::{events, Proof, SHARE_SIGNER},
    settlement::RATE,
    stage::{mined, revert},
    suite::{units, CODE},
};

use crate::{fee_units, ESCROW};

/// Who submits: nobody in particular.
const RELAYER: usize = 8;

#[tokio::test]
async fn of_a_batch_only_the_good_one_counts_and_moves_the_stream() {
    let it = Proof::start().await;
    let keys = [3, 4, 5].map(|index| it.signer(index));
    let mut sinks = Vec::new();
    for key in &keys {
        sinks.push(it.sink(key, 100).await);
    }
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    let relayer = it.core.base.devnet.account(RELAYER);
    let devnet = &it.core.base.devnet;
    devnet.mine(1).unwrap();

    // The first goes through, and is what is replayed then: 0.3 · 50 + 0.7 · 100.
    let replayed = it.attestation(&keys[0], units(50), 1);
    let submit = it.aggregator.submit(replayed.clone()).from(relayer);
    let receipt = mined(submit.send().await).await;
    let revealed = events::<CapacityRevealed>(&receipt);
    assert_eq!(revealed[0].smoothedCapacity, units(85));
    assert_eq!(it.capacity(sinks[0]).await, units(85));
    devnet.mine(1).unwrap();

    let stale = it.attestation_of(&keys[1], units(10), it.now() - 601, 1);
    let mut wrong = it.attestation(&keys[2], units(10), 1);
    wrong.signature = it.attestation(&keys[1], units(10), 1).signature;
    let mut ahead = it.attestation_of(&keys[2], units(10), it.now() + 31, 1);
    let stranger = it.attestation(&it.signer(7), units(10), 1);
    let good = it.attestation(&keys[1], units(40), 7);
    let batch = vec![
        stale,
        replayed,
        wrong,
        ahead.clone(),
        stranger,
        good.clone(),
        good.clone(),
    ];
    let submit = it.aggregator.submitBatch(batch).from(relayer);
    let receipt = mined(submit.send().await).await;
    let rejected: Vec<(Address, String)> = events::<AttestationRejected>(&receipt)
        .into_iter()
        .map(|it| (it.sink, it.reason))
        .collect();
    let expected = [
        (sinks[1], "stale"),
        (sinks[0], "nonce"),
        (sinks[2], "signature"),
        (sinks[2], "stale"),
        (it.signer(7).address(), "sink"),
        (sinks[1], "nonce"),
    ];
    assert_eq!(
        rejected,
        expected.map(|(sink, reason)| (sink, reason.to_owned()))
    );
    let applied = events::<AttestationApplied>(&receipt);
    assert_eq!(applied.len(), 1);
    assert_eq!(
        (applied[0].sink, applied[0].capacity),
        (sinks[1], units(40))
    );
    assert_eq!(applied[0].timestamp, good.timestamp);
    let batches = events::<BatchSubmitted>(&receipt);
    assert_eq!(batches[0].attestationCount, U256::from(7));
    assert_eq!(batches[0].relayer, relayer);
    // 0.3 · 40 + 0.7 · 100.
    let capacities = [85, 82, 100].map(units);
    for (sink, capacity) in sinks.iter().zip(capacities) {
        assert_eq!(it.capacity(*sink).await, capacity);
    }
    for (sink, nonce) in sinks.iter().zip([1, 7, 0]) {
        let last = it.aggregator.lastNonce_1(CODE, *sink).call().await;
        assert_eq!(last.unwrap(), U256::from(nonce));
    }
    // What was refused is not used up.
    ahead.timestamp = U256::from(it.now());
    let again = it.attestation(&keys[2], units(10), 1);
    assert!(it.aggregator.submit(ahead).call().await.is_err());
    assert!(it.aggregator.submit(again).call().await.is_ok());

    // A decrease of 5 % or more reaches the pool in the same transaction, exactly.
    let third = 333_333_333;
    let [first, moved] = [85, 82].map(|capacity| capacity * 1_000_000_000 / 300);
    for (sink, units) in sinks.iter().zip([first, moved, third]) {
        assert_eq!(it.units(*sink).await, units);
    }
    let sinks_now = first + moved + third;
    let total = sinks_now + fee_units(sinks_now) + ESCROW;
    let old_total = 3 * third + fee_units(3 * third) + ESCROW;
    let distributed = RATE / old_total * old_total;
    let flow = it.flow_to(sinks[1]).await;
    assert_eq!(flow % moved, 0);
    // Each change of units leaves over less than a wei per unit.
    assert!((distributed / total).abs_diff(flow / moved) <= 2);
    assert_eq!(it.flow_to(sinks[2]).await / third, flow / moved);
    // Nothing is left for anybody's call to do.
    let rebalance = it.core.pools.rebalanceSink(CODE, sinks[1]).from(relayer);
    mined(rebalance.send().await).await;
    assert_eq!(it.units(sinks[1]).await, moved);
    assert_eq!(it.flow_to(sinks[1]).await, flow);
}

#[tokio::test]
async fn gas_of_an_attestation() {
    let it = Proof::start().await;
    let mut keys = Vec::new();
    for number in 1..=111_u64 {
        let secret = B256::left_padding_from(&(0x5e_c2e7_0000 + number).to_be_bytes());
        let key = PrivateKeySigner::from_bytes(&secret).unwrap();
        it.sink(&key, 10).await;
        keys.push(key);
    }
    it.core.base.devnet.mine(1).unwrap();
    let relayer = it.core.base.devnet.account(RELAYER);
    let mut keys = keys.iter();
    let mut each = Vec::new();
    for size in [1, 10, 100] {
        let batch: Vec<SignedAttestation> = keys
            .by_ref()
            .take(size)
            .map(|key| it.attestation(key, units(5), 1))
            .collect();
        let sinks: Vec<Address> = batch.iter().map(|it| it.sink).collect();
        let submit = it.aggregator.submitBatch(batch).from(relayer);
        let receipt = mined(submit.send().await).await;
        assert_eq!(events::<AttestationApplied>(&receipt).len(), size);
        for sink in sinks {
            // 0.3 · 5 + 0.7 · 10.
            assert_eq!(it.capacity(sink).await, U256::from(8_500_000_000_u64));
        }
        let gas = receipt.gas_used / size as u64;
        println!("batch of {size}: {} gas, {gas} each", receipt.gas_used);
        each.push(gas);
    }
    assert!(each.is_sorted_by(|more, less| less < more));
    let nothing = it.aggregator.submitBatch(vec![]).from(relayer);
    let receipt = mined(nothing.send().await).await;
    println!("an empty batch: {} gas", receipt.gas_used);
}

#[tokio::test]
async fn boltzmann_shares_go_into_the_pool() {
    let it = Proof::start().await;
    let sinks = [
        it.sink(&it.signer(3), 100).await,
        it.sink(&it.signer(4), 100).await,
        it.sink(&it.signer(5), 100).await,
    ];
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    let relayer = it.core.base.devnet.account(RELAYER);
    let signer = it.signer(SHARE_SIGNER);

    // e^(C/T), in any scale.
    let shares = [5_000_u64, 3_000, 2_000].map(U256::from);
    let message = |nonce: u64, shares: [U256; 3]| BoltzmannShares {
        taskTypeId: CODE,
        sinks: sinks.to_vec(),
        shares: shares.to_vec(),
        timestamp: U256::from(it.now()),
        nonce: U256::from(nonce),
    };
    let submit = |message: &BoltzmannShares, signature| {
        it.aggregator
            .submitBoltzmannShares_0(
                message.taskTypeId,
                message.sinks.clone(),
                message.shares.clone(),
                message.timestamp,
                message.nonce,
                signature,
            )
            .from(relayer)
    };
    let first = message(1, shares);
    let signature = it.sign_shares(&signer, &first);
    // Signed by another, or changed on the way.
    let forged = it.sign_shares(&it.signer(3), &first);
    let tampered = message(1, [shares[1], shares[0], shares[2]]);
    for refused in [
        submit(&first, forged).call().await,
        submit(&tampered, signature.clone()).call().await,
        submit(&message(2, shares), signature.clone()).call().await,
    ] {
        let error = revert::<IOffchainAggregatorErrors, _>(refused);
        assert!(matches!(
            error,
            IOffchainAggregatorErrors::InvalidSignature(_)
        ));
    }
    let submission = submit(&first, signature.clone());
    let receipt = mined(submission.send().await).await;
    println!("shares of 3 sinks, signed: {} gas", receipt.gas_used);
    let submitted = events::<BoltzmannSharesSubmitted>(&receipt);
    assert_eq!(submitted[0].sinkCount, U256::from(3));
    assert_eq!(submitted[0].submitter, relayer);
    let found = [
        it.units(sinks[0]).await,
        it.units(sinks[1]).await,
        it.units(sinks[2]).await,
    ];
    // 5 % for exploration: 0.95 · 0.5 + 0.05 / 3, and so on.
    assert_eq!(found, [491_666_666, 301_666_666, 206_666_666]);
    let mut flows = Vec::new();
    for sink in sinks {
        flows.push(it.flow_to(sink).await);
    }
    let sum = found.iter().sum();
    let total = sum + fee_units(sum) + ESCROW;
    let per_unit = flows[0] / found[0];
    assert_eq!(flows, found.map(|units| units * per_unit));
    // Each change of units leaves over less than a wei per unit.
    assert!((RATE / total).abs_diff(per_unit) <= 5, "{per_unit}");
    // What they earn, to the wei.
    let before = [it.core.worth(sinks[0]).await, it.core.worth(sinks[2]).await];
    it.core.advance(600);
    assert_eq!(it.core.worth(sinks[0]).await - before[0], flows[0] * 600);
    assert_eq!(it.core.worth(sinks[2]).await - before[1], flows[2] * 600);

    // Replayed.
    let refused = submit(&first, signature).call().await;
    let error = revert::<IOffchainAggregatorErrors, _>(refused);
    assert!(matches!(
        error,
        IOffchainAggregatorErrors::NonceAlreadyUsed(_)
    ));
    // The signer needs no signature; nobody else does without, and the pool takes shares from the aggregator alone.
    let direct = it.aggregator.submitBoltzmannShares_1(
        CODE,
        vec![sinks[2], sinks[0]],
        vec![U256::from(1), U256::from(3)],
    );
    let error = revert::<IOffchainAggregatorErrors, _>(direct.call().await);
    assert!(matches!(
        error,
        IOffchainAggregatorErrors::NotShareSigner(_)
    ));
    let exploit = it.core.pools.setExplorationRate(U256::ZERO);
    mined(exploit.send().await).await;
    mined(direct.from(signer.address()).send().await).await;
    assert_eq!(it.units(sinks[0]).await, 750_000_000);
    assert_eq!(it.units(sinks[1]).await, found[1]);
    assert_eq!(it.units(sinks[2]).await, 250_000_000);
    let past = it
        .core
        .pools
        .rebalanceWithShares(CODE, sinks.to_vec(), shares.to_vec());
    let error = revert::<IBackpressurePoolErrors, _>(past.from(signer.address()).call().await);
    let expected = IBackpressurePool::NotShareSubmitter {};
    assert_eq!(error, IBackpressurePoolErrors::NotShareSubmitter(expected));
    let last = it.aggregator.lastShares(CODE).call().await.unwrap();
    assert_eq!(last.nonce, U256::from(1));
    assert_eq!(last.timestamp, first.timestamp);
}
