//! What broke in systems of this kind, each as a test on the built binaries.

use std::{sync::atomic::Ordering, time::Duration};

use alloy::primitives::U256;
use http_body_util::BodyExt as _;
use serde_json::Value;
use sqlx::{Connection as _, Executor as _};

use crate::{
    stage::{chat, Served, Stage},
    upstream::{events, Upstream},
};

/// How often a process has logged something.
fn logged(stage: &Stage, name: &str, what: &str) -> usize {
    stage.log(name).matches(what).count()
}

/// The stream ends with an event that says that it broke off, and without `[DONE]`.
fn broke_off(body: &str) -> bool {
    let last = body.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let event: Value = last
        .strip_prefix("data: ")
        .and_then(|data| serde_json::from_str(data).ok())
        .unwrap_or_default();
    event["error"]["code"] == "stream_interrupted" && !body.contains("[DONE]")
}

async fn nothing_in_flight(stage: &Stage, source: &Served, sink: &Served) {
    stage
        .until("nothing in flight", || async {
            stage.metric(source, "bpe_source_in_flight").await == 0.0
                && stage.metric(sink, "bpe_sink_in_flight").await == 0.0
                && stage.metric(sink, "bpe_sink_waiting").await == 0.0
        })
        .await;
}

/// 1, 2, 3, 4, 5: bytes as they came, however they came; what breaks off says so; what is refused is passed on.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_forwarded_as_they_are() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    // The first token may take longer than a pause between two.
    let timeouts = "[timeouts]\nfirst_byte = 20\nidle = 1\n";
    let sink = stage.sink(0, &upstream.url, timeouts).await;
    let source = stage.source(&[&sink], timeouts).await;

    let bytewise = stage.chat(&source, "bytewise").await;
    assert_eq!((bytewise.status, bytewise.body), (200, events()));
    let slow = stage.chat(&source, "slow").await;
    assert_eq!(
        (slow.status, slow.body),
        (200, events()),
        "{}",
        stage.log("sink0")
    );
    stage.until_counted(&sink, 2).await;

    let asked = upstream.seen.requests.load(Ordering::SeqCst);
    let cut = stage.chat(&source, "cut").await;
    assert_eq!(cut.status, 200);
    assert!(broke_off(&cut.body), "{}", cut.body);
    assert_eq!(
        upstream.seen.requests.load(Ordering::SeqCst),
        asked + 1,
        "asked once"
    );

    // What broke off was the sink's fault, as far as the source can tell: it is left alone for two seconds.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for (model, status) in [("refuses-401", 401), ("refuses-500", 500)] {
        let refused = stage.chat(&source, model).await;
        assert_eq!(refused.status, status);
        assert_eq!(refused.json()["error"]["message"], "the service says no");
    }
    let unknown = stage.chat(&source, "unknown").await;
    assert_eq!(
        (unknown.status, unknown.json()["error"]["code"].clone()),
        (404, "model_not_found".into())
    );

    // Nothing of that was signed for.
    stage.chat(&source, "whole").await;
    let (.., tasks) = stage.until_counted(&sink, 3).await;
    assert_eq!(tasks, U256::from(3));

    upstream.kill();
    stage
        .until("the service is away", || async {
            stage.chat(&source, "whole").await.status == 503
        })
        .await;
    let away = stage.chat(&source, "whole").await;
    assert_eq!(away.status, 503);
    assert!(
        away.headers.contains_key("retry-after") && away.json()["error"].is_object(),
        "{away:?}"
    );
    nothing_in_flight(&stage, &source, &sink).await;
}

/// 6: a sink that dies in the middle of an answer ends it with an error event, and the prompt goes to nobody else.
/// 11: sinks that have gone cost a bounded number of tries.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_dies_ends_the_answer_and_nobody_else_continues_it() {
    let stage = Stage::start().await;
    let upstreams = [Upstream::start().await, Upstream::start().await];
    let mut sinks = Vec::new();
    for (number, upstream) in upstreams.iter().enumerate() {
        sinks.push(stage.sink(number, &upstream.url, "").await);
    }
    let known: Vec<&Served> = sinks.iter().collect();
    let source = stage.source(&known, "").await;
    let response = stage.client.send(chat(&source.url, "long")).await.unwrap();
    assert_eq!(response.status(), 200);
    let by = response.headers()["bpe-sink"].to_str().unwrap().to_owned();
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"data: "));
    let serving = sinks
        .iter()
        .position(|sink| sink.account.to_checksum(None) == by)
        .unwrap();
    sinks[serving].process.kill();
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(broke_off(&String::from_utf8_lossy(&rest)), "{rest:?}");
    let other = &upstreams[1 - serving];
    assert_eq!(other.seen.requests.load(Ordering::SeqCst), 0);

    // The other one serves on; then nobody is left.
    assert_eq!(stage.chat(&source, "small").await.status, 200);
    sinks[1 - serving].process.kill();
    let begun = std::time::Instant::now();
    let nobody = stage.chat(&source, "small").await;
    assert!(matches!(nobody.status, 502 | 503), "{nobody:?}");
    assert!(begun.elapsed().as_secs() < 10);
    assert!(stage.metric(&source, "bpe_source_in_flight").await == 0.0);
}

/// 7, 9, 10: no more at once than may be; who is too many is refused before anything is stored or signed, and comes
/// back soon. 8: nothing stays in flight, whatever happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_sink_refuses_before_anything_counts_and_serves_again_soon() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let limits = "[capacity]\ninitial = \"10000000000\"\nfirst_limit = 2\nmost_limit = 2\n[queue]\nmost_waiting = 0\n";
    let sink = stage.sink(0, &upstream.url, limits).await;
    let source = stage.source(&[&sink], "[choose]\nrefresh = 1\n").await;
    assert_eq!(stage.chat(&source, "small").await.status, 200);
    stage.until_counted(&sink, 1).await;

    let mut running = Vec::new();
    for _ in 0..2 {
        let response = stage.client.send(chat(&source.url, "long")).await.unwrap();
        assert_eq!(response.status(), 200);
        running.push(response.into_body());
    }
    let mut refused = 0;
    for _ in 0..8 {
        let answer = stage.chat(&source, "small").await;
        refused += u32::from(answer.status == 503 && answer.headers.contains_key("retry-after"));
    }
    assert_eq!(refused, 8);
    assert_eq!(upstream.seen.most.load(Ordering::SeqCst), 2);
    assert!(
        stage
            .metric(&sink, "bpe_sink_requests_total{result=\"full\"}")
            .await
            >= 1.0
    );
    // What runs, runs on.
    for body in &mut running {
        assert!(body.frame().await.unwrap().is_ok());
    }
    drop(running);
    nothing_in_flight(&stage, &source, &sink).await;
    let begun = std::time::Instant::now();
    stage
        .until("it serves again", || async {
            stage.chat(&source, "small").await.status == 200
        })
        .await;
    assert!(begun.elapsed().as_secs() < 10, "a short pause");

    // Ten at once: two run, never three.
    let all: Vec<_> = (0..10)
        .map(|_| {
            let (client, request) = (stage.client.clone(), chat(&source.url, "slow"));
            tokio::spawn(async move { client.send(request).await.unwrap().status().as_u16() })
        })
        .collect();
    for one in all {
        let status = one.await.unwrap();
        assert!(matches!(status, 200 | 503), "{status}");
    }
    assert_eq!(upstream.seen.most.load(Ordering::SeqCst), 2);
    // Clients that go in the middle.
    for _ in 0..5 {
        drop(stage.client.send(chat(&source.url, "long")).await);
    }
    nothing_in_flight(&stage, &source, &sink).await;
    stage.until_counted(&sink, 2).await;
}

/// 12: 200 tasks, fifty at a time, are all counted, to the wei. 16: who meets the first 402 pays, once for all.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_tasks_at_once_open_one_stream_and_are_all_counted() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let limits = "[capacity]\ninitial = \"10000000000\"\nfirst_limit = 64\nmost_limit = 64\n[queue]\nmost_waiting = 256\nmost_per_source = 256\nfirst_service_ms = 50\n";
    let sink = stage.sink(0, &upstream.url, limits).await;
    let source = stage.source(&[&sink], "").await;
    for _ in 0..4 {
        let all: Vec<_> = (0..50)
            .map(|_| {
                let (client, request) = (stage.client.clone(), chat(&source.url, "small"));
                tokio::spawn(async move {
                    let response = client.send(request).await.unwrap();
                    let status = response.status().as_u16();
                    let body = response.into_body().collect().await.unwrap().to_bytes();
                    (status, String::from_utf8_lossy(&body).into_owned())
                })
            })
            .collect();
        for one in all {
            let (status, body) = one.await.unwrap();
            assert_eq!(
                (status, body.as_str()),
                (200, events().as_str()),
                "{}",
                stage.log("source")
            );
        }
    }
    assert_eq!(logged(&stage, "source", "\"open the stream\""), 1);
    let (work, value, tasks) = stage.until_counted(&sink, 200).await;
    assert_eq!(tasks, U256::from(200));
    assert_eq!(work, U256::from(200_u64 * 200_000_000));
    assert_eq!(value, U256::from(200 * crate::stage::PRICE / 5));
    nothing_in_flight(&stage, &source, &sink).await;
}

/// 17: a payment that is confirmed after nobody waits for it any more counts; the next request does not pay again.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_comes_late_counts() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, "").await;
    let source = stage
        .source(&[&sink], "[spend]\npatience = 0\nevery = 3600\n")
        .await;
    let early = stage.chat(&source, "small").await;
    assert_eq!(early.status, 402, "{early:?}");
    assert_eq!(early.json()["error"]["code"], "cannot_pay");
    stage
        .until("it is paid", || async {
            stage.chat(&source, "small").await.status == 200
        })
        .await;
    assert_eq!(logged(&stage, "source", "\"open the stream\""), 1);
}

/// Vouchers that have not counted yet are worth as much as the money behind them: beyond its first trust a source sets it
/// aside, when it is asked to.
#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_first_trust_a_source_sets_money_aside() {
    const MOST: usize = 40;
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    // Nothing counts before the epoch ends.
    let price = crate::stage::PRICE;
    let later = format!(
        "[queue]\nfirst_trust = \"{}\"\n[pay]\nprice = \"{price}\"\nredeem_at = \"0\"\n",
        2 * price
    );
    let sink = stage.sink(0, &upstream.url, &later).await;
    let source = stage.source(&[&sink], "").await;
    let mut served = 0;
    while logged(&stage, "source", "\"earmark\"") == 0 {
        let answer = stage.chat(&source, "small").await;
        assert_eq!(answer.status, 200, "{answer:?}\n{}", stage.log("source"));
        served += 1;
        assert!(served < MOST, "{}", stage.log("source"));
        // Signed for before the next one.
        let stored = "bpe_sink_vouchers_total{result=\"stored\"}";
        stage
            .until("it is signed for", || async {
                stage.metric(&sink, stored).await >= served as f64
            })
            .await;
    }
    assert!(served > 1);
    assert_eq!(stage.chat(&source, "small").await.status, 200);
}

/// 13: what cannot be stored is not served. kill -9 of either side: nothing is forgotten, and nothing counts twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stored_is_not_served_and_kills_lose_nothing() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let mut sink = stage.sink(0, &upstream.url, "").await;
    let mut source = stage.source(&[&sink], "").await;
    assert_eq!(stage.chat(&source, "small").await.status, 200);
    stage.until_counted(&sink, 1).await;

    // Somebody else writes into the sink's store, and does not end.
    let file = format!(
        "sqlite://{}",
        stage.path("sink0").join("sink.sqlite").display()
    );
    let mut writer = sqlx::SqliteConnection::connect(&file).await.unwrap();
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let asked = upstream.seen.requests.load(Ordering::SeqCst);
    let refused = stage.chat(&source, "small").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(
        upstream.seen.requests.load(Ordering::SeqCst),
        asked,
        "not served"
    );
    writer.execute("ROLLBACK").await.unwrap();
    stage
        .until("it serves again", || async {
            stage.chat(&source, "small").await.status == 200
        })
        .await;

    // Killed right after an answer: the voucher follows after the start.
    let (_, _, before) = stage.totals(&sink).await;
    assert!(before >= U256::from(1));
    assert_eq!(stage.chat(&source, "small").await.status, 200);
    source.process.kill();
    let source = stage.source_again(&[&sink], "").await;
    stage.until_counted(&sink, 3).await;
    sink.process.kill();
    let sink = stage.sink_again(0, &upstream.url, "").await;
    let mut source = source;
    source.process.kill();
    let source = stage.source_again(&[&sink], "").await;
    assert_eq!(stage.chat(&source, "small").await.status, 200);
    let (work, _, tasks) = stage.until_counted(&sink, 4).await;
    assert_eq!(
        (work, tasks),
        (U256::from(4_u64 * 200_000_000), U256::from(4))
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.totals(&sink).await.2, U256::from(4), "nothing twice");
}

/// What was spent counts for the limit of an hour, after a kill, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_begins_no_new_hour_of_spending() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, "").await;
    let limit = format!("[spend]\nmost_hour = \"{}\"\n", crate::stage::PRICE);
    let mut source = stage.source(&[&sink], &limit).await;
    let mut served = 0;
    while stage.chat(&source, "small").await.status == 200 {
        served += 1;
        assert!(served < 50, "{}", stage.log("source"));
    }
    assert!(served > 0, "{}", stage.log("source"));
    source.process.kill();
    let source = stage.source_again(&[&sink], &limit).await;
    let refused = stage.chat(&source, "small").await;
    assert_eq!(refused.status, 402, "{refused:?}");
    assert_eq!(refused.json()["error"]["code"], "cannot_pay");
}
