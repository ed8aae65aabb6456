//! Lightning nodes: liquidity that is attested, paid, and routed over.

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use bpe_abi::{
    ILightningCapacityOracle::{
        ILightningCapacityOracleErrors, LightningAttestationRejected, LightningCapacityUpdated,
    },
    ILightningRoutingPool::{
        ILightningRoutingPoolErrors, NodeLeftPool, RoutingFeeUpdated, RoutingPoolRebalanced,
    },
};
use bpe_tests::{
    domains::lightning::{node_of, Lightning, LIGHTNING},
    proof::events,
    settlement::RATE,
    stage::{mined, revert},
    suite::units,
};

use crate::HOUR;

const MILLION: u64 = 1_000_000;

/// The escrow's unit in every pool.
const ESCROW: u128 = 1;

/// `floor(10 bps of the total units)`, of which the sinks' are 9 990 bps.
fn fee_units(sinks: u128) -> u128 {
    (sinks * 10_000 / 9_990) * 10 / 10_000
}

fn total_units(sinks: u128) -> u128 {
    sinks + fee_units(sinks) + ESCROW
}

/// Three nodes in the pool: 60 million sats free, 60 with one payment under way, 80 with seven; that is 60, 30 and 10 units
/// of routing capacity.
async fn three_nodes(it: &Lightning) -> [PrivateKeySigner; 3] {
    let operators = [3, 4, 5].map(|index| it.signer(index));
    let liquidity = [(60, 0), (60, 1), (80, 7)];
    let mut batch = Vec::new();
    for (operator, (sats, pending)) in operators.iter().zip(liquidity) {
        let receipt = it.register(operator).await;
        println!("registerNode: {} gas", receipt.gas_used);
        // Smoothed from zero, so that the first step brings it to where it stays.
        let first = (sats * MILLION * 10).div_ceil(3);
        batch.push(it.attestation(operator, first, pending, 1));
    }
    it.core.base.devnet.mine(1).unwrap();
    let receipt = it.submit(batch).await;
    assert_eq!(events::<LightningCapacityUpdated>(&receipt).len(), 3);
    for nonce in 2..=10 {
        it.core.base.devnet.mine(1).unwrap();
        let batch = operators.iter().zip(liquidity);
        let batch = batch.map(|(operator, (sats, pending))| {
            it.attestation(operator, sats * MILLION, pending, nonce)
        });
        it.submit(batch.collect()).await;
    }
    for operator in &operators {
        let receipt = it.join(operator).await;
        println!("joinPool: {} gas", receipt.gas_used);
    }
    for (operator, capacity) in operators.iter().zip([60, 30, 10]) {
        assert_eq!(it.smoothed(operator.address()).await, units(capacity));
    }
    // An anchor of 100 units, instead of that of the first node.
    mined(it.core.pools.rebalance(LIGHTNING).send().await).await;
    it.core.base.devnet.mine(1).unwrap();
    operators
}

#[tokio::test]
async fn nodes_are_paid_by_what_they_can_route() {
    let it = Lightning::start().await;
    let operators = three_nodes(&it).await;
    let accounts = operators.each_ref().map(|it| it.address());
    let shares = [600_000_000, 300_000_000, 100_000_000];
    let total = total_units(1_000_000_000);
    assert_eq!(it.total_units().await, total);
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, LIGHTNING, RATE).await;
    it.core.advance(HOUR);
    // The most liquid node, which is the most congested, gets the least.
    for (account, share) in accounts.into_iter().zip(shares) {
        assert_eq!(it.units(account).await, share);
        let expected = share * (RATE / total) * u128::from(HOUR);
        assert_eq!(it.worth(account).await, expected);
    }

    // The first is congested and drained, the third is free. The core smooths: 0.3 · 2 + 0.7 · 60, 0.3 · 80 + 0.7 · 10.
    let batch = vec![
        it.attestation(&operators[0], 10 * MILLION, 4, 12),
        it.attestation(&operators[2], 80 * MILLION, 0, 12),
    ];
    let receipt = it.submit(batch).await;
    println!("submitBatch of 2 sinks: {} gas", receipt.gas_used);
    let updated = events::<LightningCapacityUpdated>(&receipt);
    // 0.3 · 10 + 0.7 · 60
    let smoothed = [45, 80].map(|sats| U256::from(sats * MILLION));
    assert_eq!(
        updated
            .iter()
            .map(|it| it.smoothedCapacity)
            .collect::<Vec<_>>(),
        smoothed
    );
    assert_eq!(
        it.smoothed(accounts[0]).await,
        U256::from(42_600_000_000_u64)
    );
    assert_eq!(it.smoothed(accounts[2]).await, units(31));
    let rebalance = it.pool.rebalance().from(it.relayer());
    let receipt = mined(rebalance.send().await).await;
    println!(
        "rebalance of 3, of which 2 changed: {} gas",
        receipt.gas_used
    );
    let rebalanced = events::<RoutingPoolRebalanced>(&receipt);
    assert_eq!(rebalanced[0].nodeCount, U256::from(3));
    // What the second attested an hour ago is worth half.
    assert_eq!(rebalanced[0].totalCapacitySats, U256::from(155 * MILLION));

    let shares = [426_000_000, 300_000_000, 310_000_000];
    let total = total_units(shares.iter().sum());
    assert_eq!(it.total_units().await, total);
    let mut before = Vec::new();
    for account in accounts {
        before.push(it.worth(account).await);
    }
    it.core.advance(HOUR);
    let per_unit = it.flow_to(accounts[0]).await / shares[0];
    // Each change of units leaves over less than a wei per unit.
    assert!((RATE / total).abs_diff(per_unit) <= 6, "{per_unit}");
    for ((account, share), before) in accounts.into_iter().zip(shares).zip(before) {
        assert_eq!(it.units(account).await, share);
        let earned = it.worth(account).await - before;
        assert_eq!(earned, share * per_unit * u128::from(HOUR));
    }
}

#[tokio::test]
async fn of_a_batch_what_is_bad_is_refused_and_counts_for_nobody() {
    let it = Lightning::start().await;
    let operators = three_nodes(&it).await;
    let accounts = operators.each_ref().map(|it| it.address());
    let replayed = it.attestation(&operators[0], MILLION, 0, 1);
    let mut message = it.message(&operators[1], MILLION, 0, 12);
    message.timestamp = U256::from(it.now() - 601);
    let stale = it.signed(&operators[1], message);
    let mut message = it.message(&operators[1], MILLION, 0, 12);
    message.timestamp = U256::from(it.now() + 60);
    let ahead = it.signed(&operators[1], message);
    let forged = it.signed(&operators[0], it.message(&operators[1], MILLION, 0, 12));
    let mut message = it.message(&operators[0], MILLION, 0, 12);
    message.nodePubkey = node_of(&operators[1]);
    let others = it.signed(&operators[0], message);
    let unknown = it.attestation(&it.signer(7), MILLION, 0, 1);
    let good = it.attestation(&operators[2], 20 * MILLION, 0, 12);
    let batch = vec![
        replayed,
        stale,
        ahead,
        forged.clone(),
        others,
        unknown,
        good.clone(),
        good.clone(),
    ];
    let receipt = it.submit(batch).await;
    let refused: Vec<(B256, String)> = events::<LightningAttestationRejected>(&receipt)
        .into_iter()
        .map(|it| (it.nodePubkey, it.reason))
        .collect();
    let [first, second, third] = operators.each_ref().map(node_of);
    let expected = [
        (first, "nonce"),
        (second, "stale"),
        (second, "stale"),
        (second, "signature"),
        (second, "operator"),
        (node_of(&it.signer(7)), "node"),
        (third, "nonce"),
    ];
    assert_eq!(
        refused,
        expected.map(|(node, reason)| (node, reason.to_owned()))
    );
    // 0.3 · 20 + 0.7 · 10, and nobody else's has moved.
    for (account, capacity) in accounts.into_iter().zip([60, 30, 13]) {
        assert_eq!(it.smoothed(account).await, units(capacity));
    }
    // 0.3 · 20 + 0.7 · 80
    let nodes = it.oracle.getAllNodes().call().await.unwrap();
    assert_eq!(nodes.pubkeys, [first, second, third]);
    let sats = [60, 60, 62].map(|sats| U256::from(sats * MILLION));
    assert_eq!(nodes.capacities, sats);
    let node = it.oracle.getNode(third).call().await.unwrap();
    assert_eq!(node.operator, accounts[2]);
    assert_eq!(node.smoothedSats, sats[2]);
    assert_eq!(node.outboundSats, U256::from(20 * MILLION));
    assert_eq!(node.pendingHTLCs, U256::ZERO);
    assert_eq!(node.channelCount, U256::from(12));
    assert_eq!(node.capacity, units(62));
    assert_eq!(node.timestamp, good.timestamp);

    // Replayed by itself, and what was refused was not used up.
    let error = revert::<ILightningCapacityOracleErrors, _>(it.oracle.submit(good).call().await);
    assert!(matches!(
        error,
        ILightningCapacityOracleErrors::NonceAlreadyUsed(_)
    ));
    let error = revert::<ILightningCapacityOracleErrors, _>(it.oracle.submit(forged).call().await);
    assert!(matches!(
        error,
        ILightningCapacityOracleErrors::InvalidSignature(_)
    ));
    let again = it.attestation(&operators[1], MILLION, 0, 12);
    it.oracle.submit(again).call().await.unwrap();
}

#[tokio::test]
async fn routes_go_over_the_best_nodes() {
    let it = Lightning::start().await;
    let operators = three_nodes(&it).await;
    let [first, second, third] = operators.each_ref().map(node_of);
    // Scores of 60, 30 and 10 million.
    let route = it
        .pool
        .getOptimalRoute(U256::from(45 * MILLION), U256::from(2));
    println!(
        "getOptimalRoute over 2 of 3: {} gas",
        route.estimate_gas().await.unwrap()
    );
    let route = route.call().await.unwrap();
    assert_eq!(route.nodePubkeys, [first, second]);
    // In basis points, as the reference has it.
    let parts = [6_666, 3_333].map(U256::from);
    assert_eq!(route.allocations, parts);
    let route = it
        .pool
        .getRouteInSats(U256::from(45 * MILLION), U256::from(2));
    let route = route.call().await.unwrap();
    assert_eq!(route.nodePubkeys, [first, second]);
    let parts = [30, 15].map(|sats| U256::from(sats * MILLION));
    assert_eq!(route.allocations, parts);
    let base = U256::from(1_000_000_000_000_000_u64);
    assert_eq!(route.fees, [base, base]);

    // A queue at half of its 30 units of capacity doubles the second's price.
    let report = it.pricing.reportQueueLoad(LIGHTNING, units(15));
    mined(report.from(operators[1].address()).send().await).await;
    let most = U256::from(100);
    let all = it.pool.getRouteInSats(U256::from(1_000 * MILLION), most);
    let route = all.call().await.unwrap();
    assert_eq!(route.nodePubkeys, [first, second, third]);
    // More than they have: the sum says so.
    let parts = [60, 60, 80].map(|sats| U256::from(sats * MILLION));
    assert_eq!(route.allocations, parts);
    assert_eq!(route.fees, [base, base * U256::from(2), base]);
    let note = it.pool.updateRoutingFee(second);
    let receipt = mined(note.send().await).await;
    println!("updateRoutingFee: {} gas", receipt.gas_used);
    let updated = events::<RoutingFeeUpdated>(&receipt);
    assert_eq!(updated[0].nodePubkey, second);
    assert_eq!(updated[0].newFee, base * U256::from(2));
    let receipt = mined(note.send().await).await;
    assert!(events::<RoutingFeeUpdated>(&receipt).is_empty());
}

#[tokio::test]
async fn who_leaves_is_paid_no_longer() {
    let it = Lightning::start().await;
    let operators = three_nodes(&it).await;
    let accounts = operators.each_ref().map(|it| it.address());
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, LIGHTNING, RATE).await;
    it.core.advance(HOUR);

    // From the pool; nobody else takes a node out while it is known.
    let leave = |index: usize| it.pool.leavePool(node_of(&operators[index]));
    let refused = leave(0).from(it.relayer()).call().await;
    let error = revert::<ILightningRoutingPoolErrors, _>(refused);
    assert!(matches!(
        error,
        ILightningRoutingPoolErrors::NotNodeOperator(_)
    ));
    let receipt = mined(leave(0).from(accounts[0]).send().await).await;
    println!("leavePool: {} gas", receipt.gas_used);
    let left = events::<NodeLeftPool>(&receipt);
    assert_eq!(left[0].operator, accounts[0]);
    gone(&it, accounts[0]).await;

    // From the oracle: then anyone may clean up.
    let deregister = it.oracle.deregisterNode(node_of(&operators[1]));
    let receipt = mined(deregister.from(accounts[1]).send().await).await;
    println!("deregisterNode of a sink: {} gas", receipt.gas_used);
    gone(&it, accounts[1]).await;
    mined(leave(1).from(it.relayer()).send().await).await;
    let nodes = it.pool.getNodesPage(U256::ZERO, U256::MAX);
    assert_eq!(nodes.call().await.unwrap(), [node_of(&operators[2])]);

    // The one that stays has it all now.
    let total = total_units(100_000_000);
    assert_eq!(it.total_units().await, total);
    assert!(it.flow_to(accounts[2]).await > RATE / 1_000 * 998);
    // Whoever left comes back by joining again, and attests.
    let attestation = it.attestation(&operators[0], 60 * MILLION, 0, 12);
    it.join(&operators[0]).await;
    it.submit(vec![attestation]).await;
    assert!(it.units(accounts[0]).await > 0);
}

/// No units, no flow, no sink; and what it has stays what it is.
async fn gone(it: &Lightning, account: Address) {
    assert_eq!(it.units(account).await, 0);
    let is_sink = it.core.base.registry.isRegistered(LIGHTNING, account);
    assert!(!is_sink.call().await.unwrap());
    let worth = it.worth(account).await;
    assert!(worth > 0);
    it.core.advance(HOUR);
    assert_eq!(it.worth(account).await, worth);
}

#[tokio::test]
async fn gas_of_attestations_and_of_many_nodes() {
    let it = Lightning::start().await;
    let mut operators = Vec::new();
    for number in 1..=12_u64 {
        let secret = B256::left_padding_from(&(0x11_4000_0000 + number).to_be_bytes());
        let operator = PrivateKeySigner::from_bytes(&secret).unwrap();
        it.register(&operator).await;
        operators.push(operator);
    }
    let batch = |sats: u64, pending: u64, nonce: u64| {
        let signed = operators
            .iter()
            .map(|operator| it.attestation(operator, sats, pending, nonce));
        signed.collect::<Vec<_>>()
    };
    let receipt = it.submit(batch(20 * MILLION, 1, 1)).await;
    println!(
        "first attestations of 12: {} gas each",
        receipt.gas_used / 12
    );
    for operator in &operators {
        it.join(operator).await;
    }
    let devnet = &it.core.base.devnet;
    for (nonce, count) in [(2, 1), (3, 12)] {
        devnet.mine(1).unwrap();
        let mut batch = batch(30 * MILLION, 0, nonce);
        batch.truncate(count);
        let receipt = it.submit(batch).await;
        assert_eq!(events::<LightningCapacityUpdated>(&receipt).len(), count);
        println!(
            "submitBatch of {count} sinks: {} gas each",
            receipt.gas_used / count as u64
        );
    }
    for what in ["all changed", "none changed"] {
        let receipt = mined(it.pool.rebalance().send().await).await;
        println!(
            "rebalance of 12 nodes, {what}: {} gas each",
            receipt.gas_used / 12
        );
        let rebalanced = events::<RoutingPoolRebalanced>(&receipt);
        assert_eq!(rebalanced[0].nodeCount, U256::from(12));
    }
    let route = it
        .pool
        .getRouteInSats(U256::from(50 * MILLION), U256::from(10));
    println!(
        "getRouteInSats over 10 of 12: {} gas",
        route.estimate_gas().await.unwrap()
    );
    let route = route.call().await.unwrap();
    assert_eq!(route.nodePubkeys.len(), 10);
    let sum: U256 = route.allocations.iter().sum();
    assert_eq!(sum, U256::from(50 * MILLION));
}
