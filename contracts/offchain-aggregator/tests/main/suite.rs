//! OffchainAggregator and PricingCurve over the real CapacityRegistry and StakeManager: they speak the same language.

use crate::capacity_registry::CapacityRegistry;
use crate::contract::{
    AttestationApplied, AttestationRejected, OffchainAggregator, SignedAttestation,
};
use crate::pricing_curve;
use crate::pricing_curve::PricingCurve;
use crate::stake_manager::StakeManager;
use alloy_primitives::{keccak256, uint, Address, B256, U256};
use alloy_sol_types::{eip712_domain, sol, SolStruct};
use bpe_common::{
    clock::testing::{advance_blocks, advance_time, timestamp},
    powers,
};
use bpe_testing::Token;
use k256::ecdsa::SigningKey;
use motsu::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
const CODE: B256 = B256::repeat_byte(0xc0);

sol! {
    struct CapacityAttestation {
        bytes32 taskTypeId;
        address sink;
        uint256 capacity;
        uint256 timestamp;
        uint256 nonce;
    }
}

fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn attestation(
    aggregator: Address,
    key: &SigningKey,
    capacity: U256,
    nonce: u64,
) -> SignedAttestation {
    let unsigned = CapacityAttestation {
        taskTypeId: CODE,
        sink: address(key),
        capacity,
        timestamp: U256::from(timestamp()),
        nonce: U256::from(nonce),
    };
    let domain = eip712_domain! {
        name: "BPE-OffchainAggregator",
        version: "1",
        chain_id: 42_161,
        verifying_contract: aggregator,
    };
    let (signature, recovery) = key
        .sign_prehash_recoverable(unsigned.eip712_signing_hash(&domain).as_slice())
        .expect("a signature");
    SignedAttestation {
        taskTypeId: CODE,
        sink: unsigned.sink,
        capacity,
        timestamp: unsigned.timestamp,
        nonce: unsigned.nonce,
        signature: [&signature.to_bytes()[..], &[27 + recovery.to_byte()]]
            .concat()
            .into(),
    }
}

/// Signed before the sink revealed less, left and came back, and brought afterwards: it is stale, and its nonce is not used up.
/// One that was signed since counts.
#[motsu::test]
fn an_attestation_that_was_held_back_beats_nothing_newer(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    VM::context().set_chain_id(42_161);
    let key = SigningKey::from_slice(&[1; 32]).expect("a key");
    let sink = address(&key);
    let open = stakes
        .sender(owner)
        .constructor(token.address(), ONE, ONE, 0, owner);
    open.motsu_unwrap();
    let open = registry.sender(owner).constructor(stakes.address(), owner);
    open.motsu_unwrap();
    let open = aggregator
        .sender(owner)
        .constructor(registry.address(), owner);
    open.motsu_unwrap();
    let set = stakes.sender(owner).set_registry(registry.address(), true);
    set.motsu_unwrap();
    let set = registry.sender(owner).set_aggregator(aggregator.address());
    set.motsu_unwrap();
    let create = registry.sender(owner).register_task_type(CODE, ONE);
    create.motsu_unwrap();
    stakes.sender(owner).open().motsu_unwrap();
    token.sender(owner).mint(sink, ONE * U256::from(20_000));
    let stake = |amount: u64| {
        let stake = stakes.sender(sink).stake(ONE * U256::from(amount));
        stake.motsu_unwrap();
    };
    let join = || {
        let join = registry.sender(sink).register_sink(CODE, units(100));
        join.motsu_unwrap();
    };
    let smoothed = || registry.sender(owner).get_smoothed_capacity(CODE, sink);
    let bring = |held_back: SignedAttestation| {
        advance_blocks(1);
        let before = smoothed();
        let submit = aggregator.sender(owner).submit_batch(vec![held_back]);
        submit.motsu_unwrap();
        aggregator.assert_emitted(&AttestationRejected {
            taskTypeId: CODE,
            sink,
            reason: "stale".into(),
        });
        assert_eq!(smoothed(), before);
        assert_eq!(aggregator.sender(owner).last_nonce(sink), U256::ZERO);
    };
    stake(10_000);
    join();
    let sign = |capacity: u64| attestation(aggregator.address(), &key, units(capacity), 1);

    // It reveals 40.
    let held_back = sign(100);
    let (capacity, nonce) = (units(40), B256::repeat_byte(7));
    let hash = bpe_common::eip712::hash_words(&[CODE, sink.into_word(), capacity.into(), nonce]);
    let commit = registry.sender(sink).commit_capacity(CODE, hash);
    commit.motsu_unwrap();
    advance_blocks(1);
    advance_time(60);
    let reveal = registry.sender(sink).reveal_capacity(CODE, capacity, nonce);
    reveal.motsu_unwrap();
    assert_eq!(smoothed(), units(82));
    assert_eq!(
        registry.sender(owner).get_declared_at(CODE, sink),
        U256::from(timestamp())
    );
    bring(held_back);

    // It leaves, and comes back.
    let held_back = sign(100);
    advance_time(60);
    let leave = registry.sender(sink).deregister_sink(CODE);
    leave.motsu_unwrap();
    stake(10_000);
    join();
    bring(held_back);

    // Of the same second, or later.
    advance_blocks(1);
    let submit = aggregator.sender(owner).submit_batch(vec![sign(50)]);
    submit.motsu_unwrap();
    assert_eq!(aggregator.sender(owner).last_nonce(sink), U256::from(1));
}

#[motsu::test]
fn from_attestation_to_price(
    aggregator: Contract<OffchainAggregator>,
    pricing: Contract<PricingCurve>,
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
) {
    VM::context().set_chain_id(42_161);
    let key = SigningKey::from_slice(&[1; 32]).expect("a key");
    let sink = address(&key);
    stakes
        .sender(owner)
        .constructor(token.address(), ONE, ONE, 0, owner)
        .motsu_unwrap();
    registry
        .sender(owner)
        .constructor(stakes.address(), owner)
        .motsu_unwrap();
    stakes
        .sender(owner)
        .set_registry(registry.address(), true)
        .motsu_unwrap();
    aggregator
        .sender(owner)
        .constructor(registry.address(), owner)
        .motsu_unwrap();
    pricing
        .sender(owner)
        .constructor(registry.address(), owner)
        .motsu_unwrap();
    registry
        .sender(owner)
        .register_task_type(CODE, ONE)
        .motsu_unwrap();
    stakes.sender(owner).open().motsu_unwrap();
    // A stake of 10 000 backs 100 units.
    token.sender(owner).mint(sink, ONE * U256::from(10_000));
    stakes
        .sender(sink)
        .stake(ONE * U256::from(10_000))
        .motsu_unwrap();
    registry
        .sender(sink)
        .register_sink(CODE, units(50))
        .motsu_unwrap();

    let submit = |capacity: u64, nonce: u64| {
        let batch = vec![attestation(
            aggregator.address(),
            &key,
            units(capacity),
            nonce,
        )];
        aggregator.sender(owner).submit_batch(batch).motsu_unwrap();
    };
    let rejected = AttestationRejected {
        taskTypeId: CODE,
        sink,
        reason: "sink".into(),
    };
    advance_blocks(1);
    submit(90, 1);
    assert!(
        aggregator.emitted(&rejected),
        "the registry does not know this aggregator"
    );
    registry
        .sender(owner)
        .set_aggregator(aggregator.address())
        .motsu_unwrap();
    advance_time(powers::MIN_NOTICE);
    submit(90, 1);
    aggregator.assert_emitted(&AttestationApplied {
        taskTypeId: CODE,
        sink,
        capacity: units(90),
        timestamp: U256::from(timestamp()),
    });
    // 0.3 · 90 + 0.7 · 50
    let capacity = registry.sender(owner).get_smoothed_capacity(CODE, sink);
    assert_eq!(capacity, units(62));

    pricing
        .sender(sink)
        .report_queue_load(CODE, units(31))
        .motsu_unwrap();
    let price = || {
        let it = pricing.sender(owner).get_price(CODE, sink);
        it.motsu_unwrap()
    };
    assert_eq!(price(), U256::from(2_000_000_000_000_000u64));
    pricing
        .sender(sink)
        .report_queue_load(CODE, units(63))
        .motsu_unwrap();
    advance_time(60);
    pricing.sender(owner).advance_epoch(CODE).motsu_unwrap();
    assert_eq!(price(), U256::from(112_500_000_000_000_000u64));

    registry.sender(sink).deregister_sink(CODE).motsu_unwrap();
    assert_eq!(price(), U256::MAX);
    let it = pricing.sender(sink).report_queue_load(CODE, units(1));
    assert_eq!(
        it.motsu_unwrap_err(),
        pricing_curve::SinkNotRegistered {}.into()
    );
    submit(90, 2);
    let last = aggregator.sender(owner).last_nonce(sink);
    assert_eq!(last, U256::from(1), "a nonce that was not used up");
}
