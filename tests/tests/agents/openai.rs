//! OpenAI's official clients, of npm and of PyPI, through `bpe source` and `bpe sink`.

use std::{process::Command, sync::atomic::Ordering};

use alloy::primitives::U256;
use bpe_tests::{
    npm,
    tools::{python, run, workspace_root},
};
use serde_json::{json, Value};

use crate::{
    stage::{Stage, MODELS},
    upstream::Upstream,
};

/// Runs a client's script against a gateway, and compares what it says, and what was counted for it.
async fn works_through_the_gateway(mut script: Command) {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let limits = "[capacity]\ninitial = \"10000000000\"\nfirst_limit = 64\nmost_limit = 64\n\
        [queue]\nmost_waiting = 256\nmost_per_source = 256\nfirst_service_ms = 50\n";
    let sink = stage.sink(0, &upstream.url, limits).await;
    let source = stage.source(&[&sink], "").await;
    script.arg(format!("{}/v1", source.url));
    let said = run(script).await;
    assert!(said.success, "{}\n{}", said.stderr, stage.log("source"));
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    let mut models = MODELS;
    models.sort_unstable();
    let expected = json!({
        "models": models,
        "streamed": {"text": "Grüezi wohl 🙂", "call": ["f", "{\"a\":1}"], "usage": 125},
        "embedding": [0.1, 0.2],
        "cancelled": 3,
        "atOnce": 50,
        "refused": [true, 404, "model_not_found"],
    });
    assert_eq!(said, expected, "{}", stage.log("source"));
    // What was cancelled is done nowhere any more, and is not paid: the stream, the embedding, and fifty at once are.
    stage
        .until("nothing in flight", || async {
            stage.metric(&source, "bpe_source_in_flight").await == 0.0
                && stage.metric(&sink, "bpe_sink_in_flight").await == 0.0
                && upstream.seen.running.load(Ordering::SeqCst) == 0
        })
        .await;
    let (work, _, tasks) = stage.until_counted(&sink, 52).await;
    assert_eq!(tasks, U256::from(52));
    // 100 tokens in and 25 out, 8 in, and 10 in and 5 out.
    assert_eq!(
        work,
        U256::from(200_000_000 + 8_000_000 + 50 * 30_000_000_u64)
    );
    source.process.stop();
    sink.process.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_npm_streams_tools_cancels_and_asks_fifty_times_at_once() {
    let mut script = npm::node_with_packages();
    script.arg(workspace_root().join("tests/tools/openai_client.cjs"));
    works_through_the_gateway(script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_pypi_streams_tools_cancels_and_asks_fifty_times_at_once() {
    let mut script = python();
    script.arg(workspace_root().join("tests/tools/openai_client.py"));
    works_through_the_gateway(script).await;
}
