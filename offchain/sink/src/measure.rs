//! Windows for CapacityComputer, and attestations of what it says.

use std::{
    sync::{atomic::Ordering, Arc},
    time::Duration,
};

use alloy::primitives::U256;
use axum::http::{header, Request};
use bpe_abi::{
    typed_data::{offchain_aggregator, sign_attestation, CapacityAttestation},
    IOffchainAggregator,
};
use bpe_agent::capacity::{CapacityComputer, Engine, Publisher};
use bpe_service::http::{get, Client};
use http_body_util::Full;
use metrics::gauge;
use serde_json::json;
use tokio::sync::watch;

use crate::shared::Shared;

/// Bytes that an engine may print.
const MOST_METRICS: usize = 4 << 20;
/// So long an engine, or a keeper, may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Measures until `stop`.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let settings = &shared.config.capacity;
    let mut computer = CapacityComputer::new(shared.config.computer());
    let mut publisher = Publisher::new(settings.delta_bps, settings.renew_after);
    let mut every = tokio::time::interval(Duration::from_secs(settings.window));
    every.tick().await;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if !shared.is_up() {
            let up = answers(&shared).await;
            shared.up.store(up, Ordering::Relaxed);
        }
        engine_waits(&shared).await;
        let up = shared.is_up();
        let window = shared.with_meter(|meter, now| meter.take(now, up));
        let reading = computer.observe(&window);
        shared.say(reading);
        gauge!("bpe_sink_capacity").set(reading.capacity as f64);
        gauge!("bpe_sink_confidence_bps").set(reading.confidence_bps);
        gauge!("bpe_sink_limit").set(reading.limit);
        let now = shared.base.now();
        if publisher.due(reading.capacity, now) && attest(&shared, reading.capacity).await {
            publisher.told(reading.capacity, now);
        }
    }
}

/// Whether the service behind answers at all, whatever it says.
async fn answers(shared: &Shared) -> bool {
    let upstream = shared.config.service.upstream.trim_end_matches('/');
    let Some(request) = get(&format!("{upstream}/")) else {
        return false;
    };
    let answer = tokio::time::timeout(PATIENCE, shared.client.send(request)).await;
    matches!(answer, Ok(Ok(_)))
}

/// An engine with a queue of its own is saturated when something waits in it, whatever the limit here is.
async fn engine_waits(shared: &Shared) {
    let Some(url) = &shared.config.service.engine_metrics else {
        return;
    };
    let Some(request) = get(url) else {
        return;
    };
    let answer = shared.client.ask(request, MOST_METRICS, PATIENCE).await;
    let text = match answer {
        Ok(answer) => String::from_utf8_lossy(answer.body()).into_owned(),
        Err(error) => {
            tracing::warn!(%error, "the engine's metrics cannot be read");
            return;
        }
    };
    match Engine::read(&text) {
        Some((_, reading)) if reading.waiting > 0.0 => {
            let running = shared.queue.running();
            shared.with_meter(|meter, now| meter.see(now, running, true));
        }
        Some(_) => shared.look(),
        None => tracing::warn!("these are no metrics of a known engine"),
    }
}

/// Tells keepers the capacity, signed. True if one of them took it.
async fn attest(shared: &Shared, capacity: u64) -> bool {
    if shared.config.pay.keepers.is_empty() {
        return false;
    }
    let body = match attestation(shared, capacity).await {
        Ok(body) => body,
        Err(error) => {
            tracing::warn!(%error, "cannot attest");
            return false;
        }
    };
    let mut taken = false;
    for keeper in &shared.config.pay.keepers {
        let answer = post(&shared.client, keeper, "/v1/attestations", &body).await;
        match answer {
            Ok(text) if text.contains("\"accepted\"") => taken = true,
            Ok(text) => {
                let text: String = text.chars().take(300).collect();
                tracing::warn!(keeper, text, "a keeper did not take the attestation");
            }
            Err(error) => tracing::warn!(keeper, %error, "a keeper does not answer"),
        }
    }
    taken
}

async fn attestation(shared: &Shared, capacity: u64) -> Result<String, bpe_chain::ChainError> {
    let at = shared.base.deployment.address("offchainAggregator")?;
    let aggregator = IOffchainAggregator::new(at, &shared.base.provider);
    let (task_type, sink) = (shared.task_type(), shared.sink());
    let last = aggregator.lastNonce_1(task_type, sink).call().await?;
    let attestation = CapacityAttestation {
        taskTypeId: task_type,
        sink,
        capacity: U256::from(capacity),
        timestamp: U256::from(shared.base.now()),
        nonce: last + U256::ONE,
    };
    let domain = offchain_aggregator(shared.base.chain_id, at);
    let signed = sign_attestation(&shared.base.signer, &attestation, &domain);
    let signature = signed.map(|it| it.signature).unwrap_or_default();
    Ok(json!([{
        "taskTypeId": task_type,
        "sink": sink,
        "capacity": capacity.to_string(),
        "timestamp": attestation.timestamp.to_string(),
        "nonce": attestation.nonce.to_string(),
        "signature": signature,
    }])
    .to_string())
}

/// Posts JSON to a keeper, and returns what it says.
pub async fn post(client: &Client, keeper: &str, path: &str, body: &str) -> Result<String, String> {
    const MOST_ANSWER: usize = 1 << 20;
    let uri = format!("{}{path}", keeper.trim_end_matches('/'));
    let request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body.to_owned()))
        .map_err(|error| error.to_string())?;
    let answer = client.ask(request, MOST_ANSWER, PATIENCE).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    if answer.status().is_success() {
        Ok(text)
    } else {
        Err(format!("it answered {}", answer.status()))
    }
}
