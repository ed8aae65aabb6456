//! A batch never fails for what is in it, and an attestation counts once: through real ABI bytes, against a model.

use std::collections::BTreeMap;

use crate::contract::OffchainAggregator;
use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::{eip712_domain, sol, SolCall, SolStruct};
use bpe_common::clock::testing::{advance_time, timestamp};
use bpe_testing::{enter, Registry};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use proptest::prelude::*;

sol! {
    struct CapacityAttestation {
        bytes32 taskTypeId;
        address sink;
        uint256 capacity;
        uint256 timestamp;
        uint256 nonce;
    }

    struct SignedAttestation {
        bytes32 taskTypeId;
        address sink;
        uint256 capacity;
        uint256 timestamp;
        uint256 nonce;
        bytes signature;
    }

    function submitBatch(SignedAttestation[] attestations);
}

const RELAYER: Address = Address::repeat_byte(0x4e);
const IDS: [B256; 2] = [B256::repeat_byte(0xc0), B256::repeat_byte(0xca)];

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

/// An attestation of sink `sink`, signed by `signer`. Sink 3 is not registered.
#[derive(Clone, Debug)]
struct Item {
    task_type: usize,
    sink: u8,
    signer: u8,
    capacity: u64,
    age: i64,
    nonce: u64,
}

fn item() -> impl Strategy<Value = Item> {
    let signer = prop_oneof![9 => Just(0u8), 1 => 1u8..4];
    let age = prop_oneof![6 => Just(0i64), 1 => -40i64..0, 1 => 0i64..700];
    let (sink, nonce) = (1u8..4, 0u64..12);
    (0usize..2, sink, signer, 1u64..1_000, age, nonce).prop_map(
        |(task_type, sink, signer, capacity, age, nonce)| Item {
            task_type,
            sink,
            signer: if signer == 0 { sink } else { signer },
            capacity,
            age,
            nonce,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_counts_counts_once(
        batches in prop::collection::vec((prop::collection::vec(item(), 0..8), 0u64..300), 1..6)
    ) {
        let _precompiles = deploy_precompiles();
        VM::context().set_chain_id(7);
        let (aggregator, registry) = (Contract::<OffchainAggregator>::new(), Contract::<Registry>::new());
        aggregator
            .sender(RELAYER)
            .constructor(registry.address(), RELAYER)
            .motsu_unwrap();
        for id in IDS {
            for sink in 1..3 {
                registry.sender(RELAYER).enter(id, address(&key(sink)), U256::ZERO);
            }
        }
        let domain = eip712_domain! {
            name: "BPE-OffchainAggregator",
            version: "1",
            chain_id: 7,
            verifying_contract: aggregator.address(),
        };
        // Nonce, time and capacity of what was accepted last.
        let mut model = BTreeMap::<(usize, u8), (u64, u64, u64)>::new();
        for (batch, wait) in batches {
            advance_time(wait);
            let mut attestations = Vec::new();
            for item in &batch {
                let attested_at = timestamp().saturating_add_signed(-item.age);
                let unsigned = CapacityAttestation {
                    taskTypeId: IDS[item.task_type],
                    sink: address(&key(item.sink)),
                    capacity: U256::from(item.capacity),
                    timestamp: U256::from(attested_at),
                    nonce: U256::from(item.nonce),
                };
                let (signature, recovery) = key(item.signer)
                    .sign_prehash_recoverable(unsigned.eip712_signing_hash(&domain).as_slice())
                    .expect("a signature");
                let signature = [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat();
                attestations.push(SignedAttestation {
                    taskTypeId: unsigned.taskTypeId,
                    sink: unsigned.sink,
                    capacity: unsigned.capacity,
                    timestamp: unsigned.timestamp,
                    nonce: unsigned.nonce,
                    signature: signature.into(),
                });
                let last = model.get(&(item.task_type, item.sink)).map_or(0, |last| last.0);
                let is_fresh = (-30..=600).contains(&item.age);
                if is_fresh && item.nonce > last && item.signer == item.sink && item.sink != 3 {
                    model.insert((item.task_type, item.sink), (item.nonce, attested_at, item.capacity));
                }
            }
            let batch = submitBatchCall { attestations }.abi_encode();
            let result = enter(&aggregator, RELAYER, batch);
            prop_assert_eq!(result, Ok(vec![]));
            for (task_type, id) in IDS.into_iter().enumerate() {
                for seed in 1..4 {
                    let sink = address(&key(seed));
                    let (nonce, time, capacity) =
                        model.get(&(task_type, seed)).copied().unwrap_or_default();
                    let view = aggregator.sender(RELAYER);
                    prop_assert_eq!(view.last_nonce_in(id, sink), U256::from(nonce));
                    prop_assert_eq!(view.last_timestamp(id, sink), U256::from(time));
                    drop(view);
                    let applied = registry.sender(RELAYER).get_smoothed_capacity(id, sink);
                    prop_assert_eq!(applied, U256::from(capacity));
                }
            }
            for seed in 1..4 {
                let highest = model.iter().filter(|((_, sink), _)| *sink == seed).map(|(_, last)| last.0).max();
                let view = aggregator.sender(RELAYER);
                prop_assert_eq!(view.last_nonce(address(&key(seed))), U256::from(highest.unwrap_or(0)));
            }
        }
    }
}
