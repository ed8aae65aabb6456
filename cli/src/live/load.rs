//! Requests of the traces, as clients of the gateways send them, and what became of them.

use std::{
    str::FromStr as _,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use axum::http::{header, Request};
use bpe_evaluation::trace::Trace;
use bpe_service::{
    config::Timeouts,
    http::{text, Client},
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::{json, Value};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    cast::{ASSISTANT, BUYERS, EDITOR, FREERIDER},
    settings::TOKENS_IN_A_UNIT,
};

/// Every so many of the assistant's requests are the freerider's.
const FREE_EVERY: usize = 5;
/// Requests of the demo at once, over all sources.
const AT_ONCE: usize = 2_000;

/// A request to come.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// Since the beginning, by this machine's clock.
    pub at: Duration,
    /// Its place in [`BUYERS`].
    pub buyer: usize,
    pub tokens: u32,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A whole answer.
    Served,
    /// Nothing but a status.
    Refused(u16),
    /// It began and broke off, or nothing came at all.
    Failed,
}

#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub buyer: usize,
    pub end: End,
    pub sink: Option<Address>,
    /// Wei per work unit.
    pub price: u128,
    /// Tokens that came, whatever was said of them.
    pub tokens: u64,
    /// Until the first token.
    pub waited: Duration,
}

impl Outcome {
    /// What it is worth at the agreed price, in wei, if all of it came.
    pub fn value(&self) -> u128 {
        match self.end {
            End::Served => u128::from(self.tokens) * self.price / u128::from(TOKENS_IN_A_UNIT),
            _ => 0,
        }
    }
}

/// The first minutes of the traces at so many times their speed: code is the editor's, conversation the assistant's,
/// and part of it the freerider's.
pub fn plan(traces: &[Trace; 2], minutes: u32, speed: u32) -> Vec<Planned> {
    let first = traces[0].first().min(traces[1].first());
    let mut all = Vec::new();
    for (trace, buyer) in traces.iter().zip([EDITOR, ASSISTANT]) {
        for (number, request) in trace.requests.iter().enumerate() {
            let at = request.at - first;
            if at > f64::from(minutes) * 60.0 {
                break;
            }
            let free = buyer == ASSISTANT && number % FREE_EVERY == 0;
            all.push(Planned {
                at: Duration::from_secs_f64(at / f64::from(speed)),
                buyer: if free { FREERIDER } else { buyer },
                tokens: request.tokens.max(1),
            });
        }
    }
    all.sort_by_key(|it| it.at);
    all
}

/// Sends all of it to the gateways, each request at its time, and waits for the answers.
///
/// # Errors
/// If no requests can be sent at all.
pub async fn replay(
    plan: &[Planned],
    gateways: [String; BUYERS.len()],
) -> anyhow::Result<Vec<Outcome>> {
    let client = Client::new(Timeouts::default())?;
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for planned in plan {
        tokio::time::sleep_until((begun + planned.at).into()).await;
        let permit = Arc::clone(&gate).acquire_owned().await?;
        let (client, planned) = (client.clone(), *planned);
        let request = asked(&gateways[planned.buyer], planned.tokens)?;
        running.spawn(async move {
            let outcome = ask(&client, request, planned.buyer).await;
            drop(permit);
            outcome
        });
    }
    Ok(running.join_all().await)
}

fn asked(gateway: &str, tokens: u32) -> anyhow::Result<Request<Full<Bytes>>> {
    let body = json!({
        "model": "chat",
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": "…"}],
    });
    let request = Request::post(format!("{gateway}/chat/completions"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body.to_string()))?;
    Ok(request)
}

async fn ask(client: &Client, request: Request<Full<Bytes>>, buyer: usize) -> Outcome {
    let begun = Instant::now();
    let mut outcome = Outcome {
        buyer,
        end: End::Failed,
        sink: None,
        price: 0,
        tokens: 0,
        waited: Duration::ZERO,
    };
    let Ok(response) = client.send(request).await else {
        return outcome;
    };
    let status = response.status().as_u16();
    if status != 200 {
        outcome.end = End::Refused(status);
        return outcome;
    }
    let headers = response.headers();
    outcome.sink = text(headers, "bpe-sink").and_then(|it| Address::from_str(it).ok());
    outcome.price = text(headers, "bpe-price")
        .and_then(|it| it.parse().ok())
        .unwrap_or_default();
    read(response.into_body(), &mut outcome, begun).await;
    outcome
}

/// Counts tokens as they come.
async fn read(mut body: Incoming, outcome: &mut Outcome, begun: Instant) {
    let mut line = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return;
        };
        for byte in frame.into_data().unwrap_or_default() {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let said = std::mem::take(&mut line);
            let Some(data) = said.strip_prefix(b"data: ") else {
                continue;
            };
            if data == b"[DONE]" {
                outcome.end = End::Served;
                continue;
            }
            let event: Value = serde_json::from_slice(data).unwrap_or_default();
            let new = event["choices"][0]["delta"]["content"].as_str();
            let new = new.map_or(0, str::len) as u64;
            if outcome.tokens == 0 && new > 0 {
                outcome.waited = begun.elapsed();
            }
            outcome.tokens += new;
        }
    }
}
