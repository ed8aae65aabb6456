//! What operators signed, brought by anyone.

use alloy_primitives::{keccak256, Address, FixedBytes, B256, U256};
use alloy_sol_types::{Revert as Refusal, SolError, SolEvent, SolStruct};
use bpe_common::{
    call::Revert,
    clock::testing::{advance_blocks, advance_time, timestamp},
    returns::Returns,
};
use bpe_testing::Wallet;
use motsu::prelude::*;

use crate::{
    contract::{RelayCapacityRegistry, RelayCapacityUpdated, RelayInfo},
    copy, message,
    subject::*,
    world::*,
    Stage,
};

/// Everything that an attestation could change.
fn state(stage: &Stage, operator: Address) -> (RelayInfo, U256, U256) {
    let sequence = stage.world.sequence(KEY);
    let info = stage.world.relays.sender(ANYONE).get_relay(KEY).info();
    (info, stage.nonce(operator), sequence)
}

/// Submits the attestation, and expects it to be refused.
#[track_caller]
fn refuses(stage: &Stage, it: &SignedRelayAttestation, reason: &str) {
    let before = state(stage, it.operator);
    let events = stage.attestations.all_events().len();
    stage.submit(vec![copy(it)]);
    let events = stage.attestations.all_events().split_off(events);
    let rejected = RelayAttestationRejected {
        nostrPubkey: it.nostrPubkey,
        reason: reason.into(),
    };
    assert_eq!(events, [rejected.encode_log_data()]);
    assert_eq!(state(stage, it.operator), before, "nothing was used up");
}

#[motsu::test]
fn anyone_submits_what_an_operator_signed(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let operator = key(1);
    world.relay(address(&operator), KEY, points(10));
    advance_blocks(1);
    let it = stage.signed(&operator, capacity([40, 20, 20]), 7);
    stage.submit(vec![copy(&it)]);
    // 0.3 · 30 + 0.7 · 10
    relays.assert_emitted(&RelayCapacityUpdated {
        nostrPubkey: KEY,
        eventsPerSecond: U256::from(40),
        storageGB: U256::from(20),
        bandwidthMbps: U256::from(20),
        compositeCapacity: units(16),
    });
    let (info, nonce, sequence) = state(&stage, it.operator);
    assert_eq!(info.capacity, capacity([40, 20, 20]));
    assert_eq!(info.compositeCapacity, units(16));
    assert_eq!((nonce, sequence), (U256::from(7), U256::from(2)));
}

#[motsu::test]
fn one_bad_item_does_not_fail_the_others(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let (operator, stranger) = (key(1), key(2));
    world.relay(address(&operator), KEY, points(10));
    let mut old = stage.signed(&operator, points(1), 1);
    old.timestamp -= U256::from(601);
    let forged = stage.resigned(
        &stranger,
        stage.attestation(address(&operator), points(1), 1),
    );
    let foreign = stage.signed(&stranger, points(1), 1);
    let mut unknown = stage.attestation(address(&operator), points(1), 1);
    unknown.nostrPubkey = OTHER_KEY;
    let unknown = stage.resigned(&operator, unknown);
    let good = stage.signed(&operator, points(2), 1);
    let next = stage.signed(&operator, points(3), 2);
    let batch = [&old, &forged, &foreign, &unknown, &good, &good, &next];
    let before = [attestations.all_events().len(), relays.all_events().len()];
    stage.submit(batch.into_iter().map(copy).collect());
    let refused = |key: B256, reason: &str| {
        RelayAttestationRejected {
            nostrPubkey: key,
            reason: reason.into(),
        }
        .encode_log_data()
    };
    let applied = |points: u64| {
        RelayCapacityUpdated {
            nostrPubkey: KEY,
            eventsPerSecond: U256::from(points),
            storageGB: U256::from(points),
            bandwidthMbps: U256::from(points),
            compositeCapacity: units(10),
        }
        .encode_log_data()
    };
    let expected = [
        refused(KEY, "stale"),
        refused(KEY, "signature"),
        refused(KEY, "relay"),
        refused(OTHER_KEY, "relay"),
        refused(KEY, "nonce"),
    ];
    let found = attestations.all_events().split_off(before[0]);
    assert_eq!(found, expected);
    let found = relays.all_events().split_off(before[1]);
    assert_eq!(found, [applied(2), applied(3)]);
}

#[motsu::test]
fn an_attestation_is_fresh_and_counts_once(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let operator = key(1);
    world.relay(address(&operator), KEY, points(10));
    let at = |time: u64, nonce| {
        let mut it = stage.signed(&operator, points(20), nonce);
        it.timestamp = U256::from(time);
        stage.resigned(&operator, it)
    };
    let now = timestamp();
    for time in [now - 601, now + 31, 0, u64::MAX] {
        refuses(&stage, &at(time, 1), "stale");
    }
    for (nonce, time) in [(1, now - 600), (2, now + 30)] {
        stage.submit(vec![at(time, nonce)]);
        assert_eq!(stage.nonce(address(&operator)), U256::from(nonce));
    }
    for nonce in [0, 1, 2] {
        refuses(&stage, &at(now, nonce), "nonce");
    }
    let next = at(now, 3);
    advance_time(601);
    refuses(&stage, &next, "stale");
}

/// Neither by leaving, nor under another key, nor by another operator of the same key.
#[motsu::test]
fn no_attestation_comes_back(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let (operator, other) = (key(1), key(2));
    world.relay(address(&operator), KEY, points(10));
    let it = stage.signed(&operator, points(20), 1);
    stage.submit(vec![copy(&it)]);
    world.deregister(address(&operator), KEY).unwrap();
    refuses(&stage, &it, "relay");
    world.register(address(&operator), KEY, points(10)).unwrap();
    refuses(&stage, &it, "nonce");
    world.deregister(address(&operator), KEY).unwrap();
    world.relay(address(&other), KEY, points(10));
    refuses(&stage, &it, "relay");
    let own = stage.signed(&other, points(30), 1);
    stage.submit(vec![own]);
    assert_eq!(stage.nonce(address(&other)), U256::from(1));
}

#[motsu::test]
fn all_of_an_attestation_is_signed(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let (operator, other) = (key(1), key(2));
    world.relay(address(&operator), KEY, points(10));
    world.relay(address(&other), OTHER_KEY, points(10));
    let good = stage.signed(&operator, points(20), 5);
    let one = U256::from(1);
    let with = |change: &dyn Fn(&mut SignedRelayAttestation)| {
        let mut it = copy(&good);
        change(&mut it);
        it
    };
    for changed in [
        with(&|it| it.eventsPerSecond += one),
        with(&|it| it.storageGB += one),
        with(&|it| it.bandwidthMbps += one),
        with(&|it| it.timestamp -= one),
        with(&|it| it.nonce += one),
        with(&|it| {
            it.nostrPubkey = OTHER_KEY;
            it.operator = address(&other);
        }),
        with(&|it| it.signature = vec![].into()),
        with(&|it| it.signature = vec![0; 65].into()),
    ] {
        refuses(&stage, &changed, "signature");
    }
    // For another chain, or another contract.
    for domain in [
        alloy_sol_types::eip712_domain! {
            name: "BPE-RelayAttestations", version: "1", chain_id: 1, verifying_contract: attestations.address(),
        },
        alloy_sol_types::eip712_domain! {
            name: "BPE-RelayAttestations", version: "1", chain_id: 42_161, verifying_contract: owner,
        },
        alloy_sol_types::eip712_domain! {
            name: "BPE-OffchainAggregator", version: "1", chain_id: 42_161, verifying_contract: attestations.address(),
        },
    ] {
        let signature = sign(&operator, message(&good).eip712_signing_hash(&domain));
        let changed = with(&|it| it.signature = signature.clone().into());
        refuses(&stage, &changed, "signature");
    }
    let nobody = with(&|it| {
        it.operator = Address::ZERO;
        it.nostrPubkey = B256::repeat_byte(0x33);
    });
    refuses(&stage, &nobody, "relay");
    stage.submit(vec![good]);
    assert_eq!(world.sequence(KEY), U256::from(2));
}

#[motsu::test]
fn a_contract_account_signs_by_its_word(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    wallet: Contract<Wallet>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    world.relay(wallet.address(), KEY, points(10));
    let mut it = stage.attestation(wallet.address(), points(20), 1);
    it.signature = vec![1, 2, 3].into();
    refuses(&stage, &it, "signature");
    wallet.sender(owner).approve(stage.digest(&it));
    for misbehaviour in 1..=5 {
        wallet.sender(owner).misbehave(misbehaviour);
        refuses(&stage, &it, "signature");
    }
    wallet.sender(owner).misbehave(0);
    stage.submit(vec![it]);
    assert_eq!(world.sequence(KEY), U256::from(2));
}

#[motsu::test]
fn a_batch_is_bounded(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let operator = key(1);
    world.relay(address(&operator), KEY, points(10));
    let it = stage.signed(&operator, points(20), 1);
    let many = |count: usize| -> Vec<_> { (0..count).map(|_| copy(&it)).collect() };
    let refused = attestations.sender(ANYONE).submit_batch(many(257));
    let error = BatchTooLarge {
        length: U256::from(257),
        maximum: U256::from(256),
    };
    assert_eq!(refused.motsu_unwrap_err(), error.into());
    stage.submit(many(256));
    stage.submit(vec![]);
    assert_eq!(world.sequence(KEY), U256::from(2), "one of them");
}

#[motsu::test]
fn a_neighbour_that_fails_fails_the_batch(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let world = &stage.world;
    let operator = key(1);
    world.relay(address(&operator), KEY, points(10));
    let it = stage.signed(&operator, points(20), 1);
    stakes.sender(owner).set_reverts(true);
    let refused = attestations.sender(ANYONE).submit_batch(vec![copy(&it)]);
    let error = Error::Revert(Revert(Refusal::from("no").abi_encode()));
    assert_eq!(refused.motsu_unwrap_err(), error);
    stakes.sender(owner).set_reverts(false);
    stage.submit(vec![it]);
    assert_eq!(world.sequence(KEY), U256::from(2));
}

#[motsu::test]
fn what_is_signed_is_told(
    attestations: Contract<RelayAttestations>,
    relays: Contract<RelayCapacityRegistry>,
    core: Contract<Core>,
    stakes: Contract<Stakes>,
    owner: Address,
) {
    let _stage = Stage::new(&attestations, &relays, &core, &stakes, owner);
    let it = attestations.sender(owner);
    assert_eq!(it.relay_registry(), relays.address());
    assert_eq!(
        it.relay_attestation_typehash(),
        keccak256("RelayAttestation(bytes32 nostrPubkey,address operator,uint256 eventsPerSecond,uint256 storageGB,uint256 bandwidthMbps,uint256 timestamp,uint256 nonce)")
    );
    assert_eq!(
        it.eip712_domain(),
        Returns((
            FixedBytes([0x0f]),
            "BPE-RelayAttestations".to_owned(),
            "1".to_owned(),
            U256::from(42_161),
            attestations.address(),
            B256::ZERO,
            vec![]
        ))
    );
}
