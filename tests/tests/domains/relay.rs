//! Nostr relays: who operates one is paid by what it can do.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::{SolStruct, SolValue},
};
use bpe_abi::{
    typed_data::{relay_budget, sign_relay_voucher, RelayVoucher},
    ICapacityRegistry::{CapacityRevealed, ICapacityRegistryErrors},
    IRelayAttestations::RelayAttestationRejected,
    IRelayBudget,
    IRelayCapacityRegistry::{IRelayCapacityRegistryErrors, RelayCapacityUpdated},
    IRelayPaymentPool::{IRelayPaymentPoolErrors, RelayJoinedPool, RelayPoolCreated},
};
use bpe_tests::{
    domains::relay::{capacity, Relays, KEYS, URL},
    proof::events,
    settlement::RATE,
    stage::{mined, revert},
    suite::{deploy, tokens, units, NOTICE},
};

use crate::HOUR;

/// The escrow's unit in every pool.
const ESCROW: u128 = 1;

const WRITE: usize = 0;

/// `floor(10 bps of the total units)`, of which the sinks' are 9 990 bps.
fn fee_units(sinks: u128) -> u128 {
    (sinks * 10_000 / 9_990) * 10 / 10_000
}

/// Relays of 10, 20 and 30 points, operated by accounts 3 to 5, in all three pools, which are rebalanced. First capacities are
/// smoothed from zero: 3, 6 and 9 units.
async fn three_relays() -> (Relays, [Address; 3]) {
    let it = Relays::start().await;
    let mut operators = [Address::ZERO; 3];
    for (index, key) in KEYS.into_iter().enumerate() {
        let (signer, points) = (it.signer(3 + index), 10 * (index as u64 + 1));
        it.relay(&signer, key, points, 3 * points).await;
        operators[index] = signer.address();
        for pool in 0..3 {
            it.join(signer.address(), pool, key).await;
        }
    }
    for (_, id) in it.types {
        mined(it.core.pools.rebalance(id).send().await).await;
    }
    (it, operators)
}

/// Units by the formula: floor(C · 1e9 / total).
const SHARES: [u128; 3] = [166_666_666, 333_333_333, 500_000_000];

#[tokio::test]
async fn three_operators_are_paid_by_three_pools_to_the_wei() {
    let (it, operators) = three_relays().await;
    let created = events::<RelayPoolCreated>(&it.setup);
    for ((pool_type, id), created) in it.types.into_iter().zip(&created) {
        let pool = it.core.pools.getPool(id).call().await.unwrap();
        assert_eq!((created.poolType, created.taskTypeId), (pool_type, id));
        assert_eq!(created.pool, pool);
        let address = it.payment.getPoolAddress(pool_type).call().await.unwrap();
        assert_eq!(address, pool);
    }
    let sink_units: u128 = SHARES.iter().sum();
    let total_units = sink_units + fee_units(sink_units) + ESCROW;
    let source = it.core.source(6, 3_000).await;
    let mut streams = Vec::new();
    for (pool, (_, id)) in (0..).zip(it.types) {
        let rate = RATE * (pool + 1) + pool;
        it.core.stream(source, id, rate).await;
        streams.push((rate, it.core.base.devnet.timestamp()));
        for (operator, share) in operators.iter().zip(SHARES) {
            assert_eq!(it.units(pool as usize, *operator).await, share);
        }
        let gda_pool = it.core.pool(id).await;
        assert_eq!(gda_pool.getTotalUnits().call().await.unwrap(), total_units);
    }
    it.core.advance(HOUR);
    let now = it.core.base.devnet.timestamp();

    // A pool pays whole wei per unit and second.
    let per_unit: u128 = streams
        .iter()
        .map(|(rate, since)| rate / total_units * u128::from(now - since))
        .sum();
    for (operator, share) in operators.iter().zip(SHARES) {
        assert_eq!(it.worth(*operator).await, share * per_unit);
    }
    let treasury = it.core.base.devnet.account(1);
    assert_eq!(it.worth(treasury).await, fee_units(sink_units) * per_unit);
    // No money passes through the contracts.
    for contract in [*it.payment.address(), *it.registry.address()] {
        assert_eq!(it.worth(contract).await, 0);
        assert_eq!(it.units(WRITE, contract).await, 0);
    }
}

#[tokio::test]
async fn a_relay_is_registered_once_and_joins_for_itself() {
    let it = Relays::start().await;
    let (alice, bob) = (it.signer(3), it.signer(4));
    let receipt = it.relay(&alice, KEYS[0], 10, 20).await;
    println!("registerRelay: {} gas", receipt.gas_used);
    println!("initializePools: {} gas", it.setup.gas_used);
    let info = it.registry.getRelay(KEYS[0]).call().await.unwrap();
    assert_eq!(info.nostrPubkey, KEYS[0]);
    assert_eq!(info.operator, alice.address());
    assert_eq!(info.relayUrl, URL);
    assert_eq!(info.capacity, capacity(10));
    assert_eq!(info.compositeCapacity, units(10));
    assert!(info.registered);
    let empty = it.registry.getRelay(KEYS[1]).call().await.unwrap();
    assert!(!empty.registered && empty.relayUrl.is_empty());
    let again = it
        .registry
        .registerRelay(KEYS[0], URL.to_owned(), capacity(1));
    let error = revert::<IRelayCapacityRegistryErrors, _>(again.from(bob.address()).call().await);
    let expected = IRelayCapacityRegistryErrors::RelayAlreadyRegistered(Default::default());
    assert_eq!(error, expected);
    // A key that has named nobody is nobody's to register.
    let other = it
        .registry
        .registerRelay(KEYS[1], URL.to_owned(), capacity(1));
    let refused = other.clone().from(bob.address()).call().await;
    let error = revert::<IRelayCapacityRegistryErrors, _>(refused);
    let IRelayCapacityRegistryErrors::KeyNotProven(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.key, KEYS[1]);
    let receipt = it.prove(bob.address(), KEYS[1]).await;
    println!("proveKey, Nostr: {} gas", receipt.gas_used);
    let error = revert::<IRelayCapacityRegistryErrors, _>(other.from(bob.address()).call().await);
    let IRelayCapacityRegistryErrors::InsufficientStake(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!((error.required, error.available), (tokens(100), U256::ZERO));

    let write = it.types[WRITE].0;
    let join = it.payment.joinPool(write, KEYS[0]);
    let stranger = join.clone().from(bob.address()).call().await;
    let error = revert::<IRelayPaymentPoolErrors, _>(stranger);
    let expected = IRelayPaymentPoolErrors::NotRelayOperator(Default::default());
    assert_eq!(error, expected);
    let receipt = it.join(alice.address(), WRITE, KEYS[0]).await;
    println!("joinPool: {} gas", receipt.gas_used);
    assert_eq!(
        events::<RelayJoinedPool>(&receipt)[0].operator,
        alice.address()
    );
    let error = revert::<IRelayPaymentPoolErrors, _>(join.from(alice.address()).call().await);
    let expected = IRelayPaymentPoolErrors::RelayAlreadyInPool(Default::default());
    assert_eq!(error, expected);
    let setup = revert::<IRelayPaymentPoolErrors, _>(it.payment.initializePools().call().await);
    let expected = IRelayPaymentPoolErrors::PoolsAlreadyInitialized(Default::default());
    assert_eq!(setup, expected);

    // The stake backs 20: 10 and 10 are paid for, and for a third pool nothing is left.
    let receipt = it.join(alice.address(), 1, KEYS[0]).await;
    println!("joinPool, the second: {} gas", receipt.gas_used);
    let third = it.payment.joinPool(it.types[2].0, KEYS[0]);
    let third = third.from(alice.address()).call().await;
    let error = revert::<ICapacityRegistryErrors, _>(third);
    assert!(matches!(
        error,
        ICapacityRegistryErrors::CapacityExceedsCap(_)
    ));

    it.relay(&bob, KEYS[1], 30, 30).await;
    let all = it.registry.getAllRelays().call().await.unwrap();
    assert_eq!(all.pubkeys, KEYS[..2]);
    assert_eq!(all.capacities, [units(10), units(30)]);
    let page = it.registry.getRelaysPage(U256::from(1), U256::from(5));
    assert_eq!(page.call().await.unwrap().pubkeys, [KEYS[1]]);
}

#[tokio::test]
async fn what_operators_sign_changes_their_shares() {
    let (it, operators) = three_relays().await;
    let source = it.core.source(6, 1_000).await;
    let (_, write) = it.types[WRITE];
    it.core.stream(source, write, RATE).await;
    it.core.advance(HOUR);
    let keys = [3, 4, 5].map(|index| it.signer(index));

    let good = it.attestation(&keys[0], KEYS[0], 5, 1);
    // Signed by another; of another's relay; changed on the way.
    let mut forged = it.attestation(&keys[1], KEYS[1], 5, 1);
    forged.signature = it.attestation(&keys[2], KEYS[1], 5, 1).signature;
    let foreign = it.attestation(&keys[1], KEYS[2], 5, 1);
    let mut changed = it.attestation(&keys[2], KEYS[2], 5, 1);
    changed.storageGB += U256::from(1);
    let batch = vec![forged, foreign, good.clone(), changed, good];
    let receipt = it.submit(batch).await;
    let rejected: Vec<(B256, String)> = events::<RelayAttestationRejected>(&receipt)
        .into_iter()
        .map(|it| (it.nostrPubkey, it.reason))
        .collect();
    let expected = [
        (KEYS[1], "signature"),
        (KEYS[2], "relay"),
        (KEYS[2], "signature"),
        (KEYS[0], "nonce"),
    ];
    assert_eq!(
        rejected,
        expected.map(|(key, reason)| (key, reason.to_owned()))
    );
    let updated = events::<RelayCapacityUpdated>(&receipt);
    assert_eq!(updated.len(), 1);
    // 0.3 · 5 + 0.7 · 10
    let smoothed = U256::from(8_500_000_000_u64);
    assert_eq!(updated[0].compositeCapacity, smoothed);

    // Shares change when somebody refreshes, once.
    let registry = &it.core.base.registry;
    let in_core = registry.getSmoothedCapacity(write, operators[0]);
    assert_eq!(in_core.call().await.unwrap(), units(3));
    assert_eq!(it.units(WRITE, operators[0]).await, SHARES[0]);
    let receipt = it.refresh(WRITE, KEYS[0]).await;
    println!("refresh: {} gas", receipt.gas_used);
    let revealed = events::<CapacityRevealed>(&receipt);
    assert_eq!(revealed[0].rawCapacity, units(5));
    // 0.3 · 5 + 0.7 · 3, of 18.
    assert_eq!(revealed[0].smoothedCapacity, U256::from(3_600_000_000_u64));
    let moved = 3_600_000_000 / 18;
    assert_eq!(it.units(WRITE, operators[0]).await, moved);
    it.core.base.devnet.mine(1).unwrap();
    let again = it.payment.refresh(it.types[WRITE].0, KEYS[0]);
    let error = revert::<IRelayPaymentPoolErrors, _>(again.call().await);
    let IRelayPaymentPoolErrors::NothingNew(known) = error else {
        panic!("{error:?}")
    };
    assert_eq!(known.sequence, U256::from(2));
    // The other pools have not heard of it.
    assert_eq!(it.units(1, operators[0]).await, SHARES[0]);

    // And that is what they are paid by, to the wei.
    let gda_pool = it.core.pool(write).await;
    let flow = gda_pool.getTotalFlowRate().call().await.unwrap();
    let total = gda_pool.getTotalUnits().call().await.unwrap();
    let per_unit = u128::try_from(flow.into_raw()).unwrap() / total;
    let shares = [moved, SHARES[1], SHARES[2]];
    assert_eq!(
        total,
        shares.iter().sum::<u128>() + fee_units(SHARES.iter().sum()) + ESCROW
    );
    let mut before = Vec::new();
    for operator in operators {
        before.push(it.worth(operator).await);
    }
    it.core.advance(HOUR);
    for ((operator, share), before) in operators.iter().zip(shares).zip(before) {
        let earned = it.worth(*operator).await - before;
        assert_eq!(earned, share * per_unit * u128::from(HOUR));
    }
}

#[tokio::test]
async fn who_leaves_is_paid_no_longer() {
    let (it, [leaves, goes, slashed]) = three_relays().await;
    let source = it.core.source(6, 1_000).await;
    let (write, id) = it.types[WRITE];
    it.core.stream(source, id, RATE).await;
    it.core.advance(HOUR);
    let anyone = it.anyone();

    // By itself.
    let leave = |key: B256, caller: Address| it.payment.leavePool(write, key).from(caller);
    let error = revert::<IRelayPaymentPoolErrors, _>(leave(KEYS[0], anyone).call().await);
    let expected = IRelayPaymentPoolErrors::NotRelayOperator(Default::default());
    assert_eq!(error, expected);
    let receipt = mined(leave(KEYS[0], leaves).send().await).await;
    println!("leavePool: {} gas", receipt.gas_used);
    assert_eq!(it.units(WRITE, leaves).await, 0);
    assert!(it.units(1, leaves).await > 0, "in the other pools it stays");

    // Because its relay is no longer registered: in the same transaction.
    let deregister = it.registry.deregisterRelay(KEYS[1]);
    let error = revert::<IRelayCapacityRegistryErrors, _>(deregister.call().await);
    let expected = IRelayCapacityRegistryErrors::NotOperator(Default::default());
    assert_eq!(error, expected);
    let receipt = mined(deregister.from(goes).send().await).await;
    println!("deregisterRelay: {} gas", receipt.gas_used);
    for pool in 0..3 {
        assert_eq!(it.units(pool, goes).await, 0);
    }

    // Because it lost its stake.
    let stake = it.core.base.stakes.getStake(slashed).call().await.unwrap();
    let amount = stake - tokens(99);
    let slash = it.core.base.stakes.slash(slashed, amount, B256::ZERO);
    mined(slash.send().await).await;
    it.core.base.take_owed(slashed).await;
    let evict = it.registry.deregisterRelay(KEYS[2]).from(anyone);
    mined(evict.send().await).await;
    for pool in 0..3 {
        assert_eq!(it.units(pool, slashed).await, 0);
    }

    let operators = [leaves, goes, slashed];
    let mut before = Vec::new();
    for operator in operators {
        before.push(it.worth(operator).await);
    }
    assert!(before.iter().all(|worth| *worth > 0));
    it.core.advance(HOUR);
    for (operator, before) in operators.into_iter().zip(before) {
        assert_eq!(it.worth(operator).await, before);
        let member = it.payment.getJoinedRelay(write, operator);
        assert_eq!(member.call().await.unwrap(), B256::ZERO);
    }
}

#[tokio::test]
async fn who_left_the_core_by_itself_can_come_back() {
    let it = Relays::start().await;
    let operator = it.signer(3);
    it.relay(&operator, KEYS[0], 10, 10).await;
    it.join(operator.address(), WRITE, KEYS[0]).await;
    let (write, id) = it.types[WRITE];
    let deregister = it.core.base.registry.deregisterSink(id);
    mined(deregister.from(operator.address()).send().await).await;
    let leave = it.payment.leavePool(write, KEYS[0]);
    mined(leave.from(operator.address()).send().await).await;
    // Its stake stays locked for its relay.
    let free = it.core.base.stakes.getFreeStake(operator.address());
    assert_eq!(free.call().await.unwrap(), U256::ZERO);
    it.join(operator.address(), WRITE, KEYS[0]).await;
    assert!(it.units(WRITE, operator.address()).await > 0);
}

#[tokio::test]
async fn an_attestation_of_ninety_days_ago_earns_nothing_once_anybody_says_so() {
    let (it, [stale, ..]) = three_relays().await;
    let source = it.core.source(6, 1_000).await;
    let (_, write) = it.types[WRITE];
    it.core.advance(90 * 24 * HOUR);
    it.core.stream(source, write, RATE).await;
    let receipt = it.refresh(WRITE, KEYS[0]).await;
    println!("refresh of an old one: {} gas", receipt.gas_used);
    assert_eq!(it.units(WRITE, stale).await, 0);
    let before = it.worth(stale).await;
    it.core.advance(HOUR);
    assert_eq!(it.worth(stale).await, before);
    // Nobody raises what it has in these task types past what it attests.
    let commit = it.core.base.registry.commitCapacity(write, B256::ZERO);
    mined(commit.from(stale).send().await).await;
    it.core.base.devnet.mine(1).unwrap();
    let reveal = it
        .core
        .base
        .registry
        .revealCapacity(write, units(10), B256::ZERO);
    let error = revert::<ICapacityRegistryErrors, _>(reveal.from(stale).call().await);
    assert!(matches!(
        error,
        ICapacityRegistryErrors::NotAuthorizedAdapter(_)
    ));
    // The next attestation counts again.
    let fresh = it.attestation(&it.signer(3), KEYS[0], 10, 1);
    it.submit(vec![fresh]).await;
    it.refresh(WRITE, KEYS[0]).await;
    assert!(it.units(WRITE, stale).await > 0);
}

#[tokio::test]
async fn congestion_makes_events_dear_and_spare_capacity_pays() {
    let (it, operators) = three_relays().await;
    let (write, id) = it.types[WRITE];
    let base = 1_000_000_000_000_u128;
    let set = it.payment.setMinPaymentPerEvent(write, U256::from(base));
    mined(set.send().await).await;
    // The same tariff for work in general.
    mined(it.pricing.setCurve(id, 1).send().await).await;
    let report =
        |operator: Address, load: U256| it.pricing.reportQueueLoad(id, load).from(operator);
    let of_pool = it.payment.getMinPaymentPerEvent_0(write);
    let at = |key: B256| it.payment.getMinPaymentPerEvent_1(write, key);
    assert_eq!(of_pool.call().await.unwrap(), U256::from(base));

    // Percent of load, and what an event costs: the guide's tariff is 50 and 80.
    let tariff = [
        (0, 1_000_000_000_000_u128),
        (25, 1_360_000_000_000),
        (50, 2_000_000_000_000),
        (80, 4_000_000_000_000),
        (90, 5_764_705_882_352),
        (99, 9_327_102_803_738),
        (150, 9_327_102_803_738),
    ];
    for (percent, payment) in tariff {
        // All relays as busy as that, in an epoch of their own.
        it.core.advance(60);
        for (operator, points) in operators.into_iter().zip([3_u64, 6, 9]) {
            let load = units(points) * U256::from(percent) / U256::from(100);
            mined(report(operator, load).send().await).await;
        }
        println!("{percent} % load: {} times", payment as f64 / base as f64);
        assert_eq!(of_pool.call().await.unwrap(), U256::from(payment));
        for (operator, key) in operators.into_iter().zip(KEYS) {
            assert_eq!(at(key).call().await.unwrap(), U256::from(payment));
            let price = it.pricing.getPrice(id, operator).call().await.unwrap();
            let fee = it.pricing.getBaseFee(id).call().await.unwrap();
            let by_curve = price * U256::from(base) / fee;
            assert!(by_curve.abs_diff(U256::from(payment)) <= U256::from(1));
        }
    }

    // A pool is as busy as all of it: 2.4 of 18. A busy relay is dear, and no other.
    it.core.advance(60);
    for (operator, load) in operators.into_iter().zip([2_400_000_000_u64, 0, 0]) {
        mined(report(operator, U256::from(load)).send().await).await;
    }
    // 1 + 9u / (8 − 7u), u = 8/60.
    let utilization = 8_000_000_000_000_000_000 / 60_u128;
    let above = 9 * utilization * base / (8_000_000_000_000_000_000 - 7 * utilization);
    let found = of_pool.call().await.unwrap();
    assert!(found.abs_diff(U256::from(base + above)) <= U256::from(1));
    assert_eq!(at(KEYS[0]).call().await.unwrap(), U256::from(4 * base));
    assert_eq!(at(KEYS[1]).call().await.unwrap(), U256::from(base));
    // Other pools are idle, and cost what they do by default.
    let read = it.payment.getMinPaymentPerEvent_0(it.types[1].0);
    assert_eq!(read.call().await.unwrap(), U256::from(base));

    // Where the pool pays by spare capacity, it pays a fifth for the fifth that is free.
    mined(it.core.pools.setWeighting(id, 1).send().await).await;
    let rebalance = it.core.pools.rebalanceSink(id, operators[0]);
    mined(rebalance.send().await).await;
    assert_eq!(it.units(WRITE, operators[0]).await, 2_000_000_000 / 60);

    // Nobody reports for two epochs: idle, for all that the pool knows.
    it.core.advance(121);
    assert_eq!(of_pool.call().await.unwrap(), U256::from(base));
    let none = it.payment.setPricingCurve(Address::ZERO);
    mined(none.send().await).await;
    assert_eq!(at(KEYS[0]).call().await.unwrap(), U256::from(base));
}

#[tokio::test]
async fn gas_of_attestations() {
    let it = Relays::start().await;
    let signers: Vec<_> = (3..6).map(|index| it.signer(index)).collect();
    for (signer, key) in signers.iter().zip(KEYS) {
        it.relay(signer, key, 10, 10).await;
    }
    for (nonce, kind) in [(1, "first"), (2, "next")] {
        let one = it.attestation(&signers[0], KEYS[0], 20, nonce);
        let receipt = it.submit(vec![one]).await;
        println!("submitBatch of 1, {kind}: {} gas", receipt.gas_used);
        assert_eq!(events::<RelayCapacityUpdated>(&receipt).len(), 1);
    }
    let batch = |first: u64| {
        (0..10_usize)
            .map(|index| {
                let nonce = first + index as u64;
                it.attestation(&signers[index % 3], KEYS[index % 3], 20, nonce)
            })
            .collect::<Vec<_>>()
    };
    it.submit(batch(10)).await;
    let receipt = it.submit(batch(20)).await;
    assert_eq!(events::<RelayCapacityUpdated>(&receipt).len(), 10);
    println!("submitBatch of 10, next: {} gas", receipt.gas_used);
    let aggregator = it.registry.setAggregator(it.core.base.owner);
    mined(aggregator.send().await).await;
    it.core.base.devnet.advance_time(NOTICE).unwrap();
    let update = it.registry.updateRelayCapacity(KEYS[1], capacity(7));
    let receipt = mined(update.send().await).await;
    println!("updateRelayCapacity: {} gas", receipt.gas_used);
    let weights = [10_000, 0, 0].map(U256::from);
    let set = it
        .registry
        .setCapacityWeights(weights[0], weights[1], weights[2]);
    let receipt = mined(set.send().await).await;
    println!("setCapacityWeights: {} gas", receipt.gas_used);
}

/// A writer deposits, the relay sees it by one call and collects by voucher and by tariff, and the writer has its rest back.
#[tokio::test]
async fn a_writers_budget_is_seen_collected_and_given_back() {
    let (it, operators) = three_relays().await;
    let devnet = &it.core.base.devnet;
    let arguments = (*it.payment.address(), *it.keys.address()).abi_encode_params();
    let address = deploy(devnet, "relay-budget", arguments).await;
    let budget = IRelayBudget::new(address, it.core.base.provider.clone());
    let (client, signer) = (it.core.source(8, 100).await, it.signer(8));
    let (relay, operator) = (KEYS[0], operators[0]);
    // 1e12 wei an event by default: a thousand events.
    let amount = U256::from(1_000_000_000_000_000_u64);
    let token = it.core.superfluid.usdcx();
    mined(token.approve(address, amount).from(client).send().await).await;
    let receipt = mined(budget.deposit(relay, amount).from(client).send().await).await;
    println!("RelayBudget.deposit: {} gas", receipt.gas_used);
    let seen = budget.canPublish(relay, client);
    let seen = async || {
        let it = seen.call().await.unwrap();
        (it.ok, it.events)
    };
    assert_eq!(seen().await, (true, U256::from(1_000)));
    let stranger = budget.canPublish(relay, it.anyone());
    assert!(!stranger.call().await.unwrap().ok);

    let token = it.core.superfluid.usdcx();
    let before = token.balanceOf(operator);
    let before = before.call().await.unwrap();
    let voucher = RelayVoucher {
        nostrPubkey: relay,
        client,
        operator,
        total: amount / U256::from(4),
    };
    let domain = relay_budget(devnet.chain_id(), address);
    let signed = sign_relay_voucher(&signer, &voucher, &domain).unwrap();
    let hash = budget.RELAY_VOUCHER_TYPEHASH().call().await.unwrap();
    assert_eq!(hash, voucher.eip712_type_hash());
    let collect = budget.collect(vec![signed]).from(it.anyone());
    let receipt = mined(collect.send().await).await;
    println!("RelayBudget.collect, first: {} gas", receipt.gas_used);
    assert_eq!(seen().await, (true, U256::from(750)));

    let allow = budget.setAllowance(relay, amount, amount).from(client);
    mined(allow.send().await).await;
    let counts = vec![U256::from(250)];
    let by_tariff = budget.collectEvents(relay, vec![client], counts.clone());
    assert!(by_tariff.call().await.is_err(), "its operator only");
    let receipt = mined(by_tariff.from(operator).send().await).await;
    println!("RelayBudget.collectEvents: {} gas", receipt.gas_used);
    assert_eq!(seen().await, (true, U256::from(500)));
    // At 80 % load an event costs four times as much.
    let capacity = units(3) * U256::from(80) / U256::from(100);
    let report = it.pricing.reportQueueLoad(it.types[WRITE].1, capacity);
    mined(report.from(operator).send().await).await;
    assert_eq!(seen().await, (true, U256::from(125)));

    let request = budget.requestWithdrawal(relay, amount / U256::from(2));
    mined(request.from(client).send().await).await;
    assert_eq!(seen().await, (false, U256::ZERO));
    let withdraw = budget.withdraw(relay).from(client);
    assert!(withdraw.call().await.is_err());
    it.core.advance(3_600);
    let receipt = mined(withdraw.send().await).await;
    println!("RelayBudget.withdraw: {} gas", receipt.gas_used);
    let token = it.core.superfluid.usdcx();
    let left = token.balanceOf(address).call().await.unwrap();
    assert_eq!(left, U256::ZERO);
    let after = token.balanceOf(operator).call().await.unwrap();
    assert!(after - before >= amount / U256::from(2));
}
