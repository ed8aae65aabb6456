//! Attestations accepted: read, checked, signature recovered, stored.

use std::time::Instant;

use alloy::{
    primitives::{B256, U256},
    signers::local::PrivateKeySigner,
};
use bpe_abi::{
    typed_data::{offchain_aggregator, sign_attestation, CapacityAttestation},
    ICapacityRegistry::SinkRegistered,
};
use serde_json::json;

use crate::{
    measure,
    stage::{units, Stage, AGGREGATOR, CODE, REGISTRY},
};

const SINKS: u64 = 100;
/// Requests of an attestation of each sink. The first asks the node for their nonces, and does not count.
const REQUESTS: u64 = 101;

fn signer(number: u64) -> PrivateKeySigner {
    let key = B256::from(U256::from(1_000 + number));
    PrivateKeySigner::from_bytes(&key).expect("a key")
}

fn request(stage: &Stage, signers: &[PrivateKeySigner], nonce: u64, now: u64) -> String {
    let domain = offchain_aggregator(stage.devnet.chain_id(), AGGREGATOR);
    let signed = signers.iter().map(|sink| {
        let message = CapacityAttestation {
            taskTypeId: CODE,
            sink: sink.address(),
            capacity: units(10 + nonce % 10),
            timestamp: U256::from(now),
            nonce: U256::from(nonce),
        };
        let it = sign_attestation(sink, &message, &domain).expect("it signs");
        json!({"taskTypeId": it.taskTypeId, "sink": it.sink, "capacity": it.capacity.to_string(),
            "timestamp": it.timestamp.to_string(), "nonce": it.nonce.to_string(), "signature": it.signature})
    });
    json!(signed.collect::<Vec<_>>()).to_string()
}

pub async fn run() {
    for (name, store) in measure::stores("attestations").await {
        let stage = Stage::start().await;
        let signers: Vec<_> = (0..SINKS).map(signer).collect();
        for signer in &signers {
            let registered = SinkRegistered {
                taskTypeId: CODE,
                sink: signer.address(),
                initialCapacity: units(10),
            };
            stage.emit(REGISTRY, &registered).await;
        }
        let text = stage
            .config()
            .replace("[store]", &format!("[store]\n{store}"))
            .replace("body_bytes = 65536", "body_bytes = 1048576");
        let keeper = stage
            .run(&format!("{text}\n[oracle]\nenabled = false"))
            .await;
        let all = |it: &serde_json::Value| it["items"][0]["sinks"] == SINKS + 2;
        keeper.until("/v1/task-types", all).await;
        // Contracts that emit have no nonces: this one answers zeros.
        stage
            .devnet
            .set_code(AGGREGATOR, vec![0x60, 0xff, 0x5f, 0xf3].into());
        let now = stage.devnet.timestamp();
        let requests: Vec<String> = (1..=REQUESTS)
            .map(|nonce| request(&stage, &signers, nonce, now))
            .collect();
        let mut begun = (Instant::now(), measure::processor());
        for (number, body) in requests.into_iter().enumerate() {
            if number == 1 {
                begun = (Instant::now(), measure::processor());
            }
            let answer = keeper.post("/v1/attestations", body).await;
            let accepted = answer.body.matches("\"accepted\"").count() as u64;
            assert_eq!(accepted, SINKS, "{answer:?}");
        }
        let count = ((REQUESTS - 1) * SINKS) as f64;
        let (wall, processor) = (begun.0.elapsed(), measure::processor() - begun.1);
        println!(
            "attestations, {name}: {:.0} in a second of one core, {:.0} by the clock",
            count / processor.as_secs_f64(),
            count / wall.as_secs_f64()
        );
        keeper.stop().await;
    }
}
