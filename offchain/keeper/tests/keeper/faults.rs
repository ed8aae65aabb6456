//! What the keeper says and does while something that it stands on is away.

use std::time::{Duration, Instant};

use alloy::{primitives::U256, signers::local::PrivateKeySigner};
use bpe_abi::{
    typed_data::{completion_tracker, sign_receipt, CompletionReceipt},
    ICapacityRegistry::SinkRegistered,
};
use devnet::{Failure, Faults};
use serde_json::{json, Value};
use sqlx::{any::install_default_drivers, AnyPool, Connection as _, Executor as _, Row as _};

use crate::stage::{units, Running, Stage, AGGREGATOR, CODE, REGISTRY, TRACKER};

/// Contracts that emit have no answers: this one answers zeros.
fn silence(stage: &Stage, contract: alloy::primitives::Address) {
    let zeros = vec![0x60, 0xff, 0x5f, 0xf3];
    stage.devnet.set_code(contract, zeros.into());
}

/// Sinks that are registered, and an attestation of each.
async fn attestations(stage: &Stage, count: u64) -> Vec<Value> {
    let mut all = Vec::new();
    for number in 0..count {
        let sink = PrivateKeySigner::from_bytes(&U256::from(1_000 + number).into()).unwrap();
        let registered = SinkRegistered {
            taskTypeId: CODE,
            sink: sink.address(),
            initialCapacity: units(10),
        };
        stage.emit(REGISTRY, &registered).await;
        let it = stage.attestation(&sink, 12, stage.devnet.timestamp());
        all.push(json!({
            "taskTypeId": it.taskTypeId, "sink": it.sink, "capacity": it.capacity.to_string(),
            "timestamp": it.timestamp.to_string(), "nonce": it.nonce.to_string(), "signature": it.signature,
        }));
    }
    silence(stage, AGGREGATOR);
    all
}

async fn waiting(keeper: &Running) -> u64 {
    let it = keeper.get("/v1/keeper").await.json();
    it["waiting"]["attestations"].as_u64().unwrap()
}

/// FAILURES 13: while the database refuses, nothing is acknowledged; and one bad row keeps no other out.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stored_is_not_acknowledged() {
    let stage = Stage::start().await;
    let mut all = attestations(&stage, 100).await;
    let text = format!("{}\n[oracle]\nenabled = false", stage.config());
    let keeper = stage.run(&text).await;
    keeper
        .until("/v1/task-types", |it| it["items"][0]["sinks"] == 102)
        .await;
    all[37]["signature"] = all[38]["signature"].clone();
    let body = Value::Array(all).to_string();

    install_default_drivers();
    let file = format!("sqlite://{}", stage.path("state/keeper.sqlite").display());
    let mut other = sqlx::AnyConnection::connect(&file).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let refused = keeper.post("/v1/attestations", body.clone()).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.kind, "application/problem+json");
    assert_eq!(waiting(&keeper).await, 0);
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();

    let answers = keeper.post("/v1/attestations", body).await.json();
    let said = |status: &str| {
        let all = answers.as_array().unwrap();
        all.iter().filter(|it| it["status"] == status).count()
    };
    assert_eq!((said("accepted"), said("refused")), (99, 1), "{answers}");
    assert_eq!(answers[37]["status"], "refused");
    assert_eq!(waiting(&keeper).await, 99);
    keeper.stop().await;
}

/// FAILURES 12: a thousand receipts in one window, in any order: each counts for itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_receipts_in_one_window_are_all_taken() {
    let stage = Stage::start().await;
    silence(&stage, TRACKER);
    let text = stage
        .config()
        .replace("body_bytes = 65536", "body_bytes = 2000000");
    let keeper = stage.run(&text).await;
    let domain = completion_tracker(stage.devnet.chain_id(), TRACKER);
    let now = stage.devnet.timestamp();
    let receipt = |number: u64| {
        // 7 and 1 000 have no common divisor: each number once, in another order.
        let task = U256::from(number * 7 % 1_000).into();
        let sink = &stage.sinks[usize::try_from(number % 2).unwrap()];
        let message = CompletionReceipt {
            taskTypeId: CODE,
            sink: sink.address(),
            source: stage.source.address(),
            taskId: task,
            timestamp: U256::from(now - number % 60),
        };
        let it = sign_receipt(sink, &stage.source, &message, &domain).unwrap();
        json!({
            "taskTypeId": it.taskTypeId, "sink": it.sink, "source": it.source, "taskId": it.taskId,
            "timestamp": it.time.to_string(), "sinkSignature": it.sinkSig, "sourceSignature": it.sourceSig,
        })
    };
    let all: Vec<Value> = (0..1_000).map(receipt).collect();
    let body = Value::Array(all).to_string();
    let answers = keeper.post("/v1/receipts", body.clone()).await.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 1_000);
    assert!(
        answers.iter().all(|it| it["status"] == "accepted"),
        "{answers:?}"
    );
    let it = keeper.get("/v1/keeper").await.json();
    assert_eq!(it["waiting"]["receipts"], 1_000);
    // FAILURES 15: the same tasks again are the same tasks.
    let again = keeper.post("/v1/receipts", body).await.json();
    let again = again.as_array().unwrap();
    assert!(again.iter().all(|it| it["status"] == "known"), "{again:?}");
    keeper.stop().await;
}

/// FAILURES 23: readiness says that the node stands still, and that it shows an older state than before.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_or_lies_behind_is_named() {
    let stage = Stage::start().await;
    let text = stage.config().replace("stale_after = 0", "stale_after = 1");
    let keeper = stage.run(&text).await;
    let says = |words: &'static str| {
        move |it: &Value| {
            let problems = it["problems"].to_string();
            it["ready"] == false && problems.contains("head: ") && problems.contains(words)
        }
    };
    stage.devnet.mine(1).unwrap();
    keeper.until("/readyz", says("no new block for")).await;
    assert_eq!(keeper.get("/readyz").await.status, 503);
    ready_with_blocks(&stage, &keeper).await;

    let snapshot = stage.devnet.snapshot();
    stage.devnet.mine(5).unwrap();
    let newest = stage.devnet.block_number();
    keeper
        .until("/v1/keeper", |it| {
            it["head"] == newest && it["cursor"] == newest
        })
        .await;
    assert!(stage.devnet.revert(snapshot));
    keeper.until("/readyz", says("and was at")).await;
    ready_with_blocks(&stage, &keeper).await;
    keeper.stop().await;
}

/// Blocks come again; workers try again after at most half a minute.
async fn ready_with_blocks(stage: &Stage, keeper: &Running) {
    let begun = Instant::now();
    while keeper.get("/readyz").await.status != 200 {
        assert!(begun.elapsed().as_secs() < 60, "it stays unready");
        stage.devnet.mine(1).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// FAILURES 24: a worker that fails again and again is named, and goes on when it can.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_fails_is_named() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    keeper.until("/readyz", |it| it["ready"] == true).await;
    let refused = Faults {
        failures: [("eth_getLogs".to_owned(), Failure::default())].into(),
        ..Faults::default()
    };
    stage.devnet.set_faults(refused).unwrap();
    stage.devnet.mine(1).unwrap();
    let named =
        |it: &Value| it["ready"] == false && it["problems"].to_string().contains("follow fails");
    keeper.until("/readyz", named).await;
    stage.devnet.set_faults(Faults::default()).unwrap();
    keeper.until("/readyz", |it| it["ready"] == true).await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    keeper.stop().await;
}

/// A new database on the Postgres of the environment; `None`, said aloud, where there is none.
async fn postgres() -> Option<(AnyPool, String, String)> {
    let Ok(url) = std::env::var("BPE_TEST_POSTGRES_URL") else {
        eprintln!("SKIPPED on Postgres: BPE_TEST_POSTGRES_URL is not set");
        return None;
    };
    install_default_drivers();
    let name = format!("bpe_faults_{}", std::process::id());
    let admin = AnyPool::connect(&url).await.unwrap();
    let create = format!("CREATE DATABASE {name}");
    admin.execute(create.as_str()).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    Some((admin, name.clone(), format!("{server}/{name}")))
}

/// FAILURES 24: the database is gone for ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_named_and_comes_back() {
    let Some((admin, name, url)) = postgres().await else {
        return;
    };
    let stage = Stage::start().await;
    let text = stage
        .config()
        .replace("[store]", &format!("[store]\nurl = \"{url}\""));
    let keeper = stage.run(&text).await;
    keeper
        .until("/v1/keeper", |it| {
            it["leads"] == true && it["cursor"] == it["head"]
        })
        .await;
    let close = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
    admin.execute(close.as_str()).await.unwrap();
    let end = format!("SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) FROM pg_stat_activity WHERE datname = '{name}'");
    let ended: i64 = sqlx::query(&end).fetch_one(&admin).await.unwrap().get(0);
    assert!(ended > 0);
    let gone = Instant::now();
    let named = |it: &Value| {
        it["problems"]
            .to_string()
            .contains("database: it does not answer")
    };
    keeper.until("/readyz", named).await;
    let answer = keeper.get("/v1/task-types").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    stage.reveal(0, 25).await;
    tokio::time::sleep(Duration::from_secs(10).saturating_sub(gone.elapsed())).await;

    let open = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
    admin.execute(open.as_str()).await.unwrap();
    keeper.until("/readyz", |it| it["ready"] == true).await;
    let path = format!("/v1/task-types/{CODE}/sinks");
    let has = |it: &Value| it["items"].to_string().contains(&units(25).to_string());
    keeper.until(&path, has).await;
    keeper.stop().await;
}
