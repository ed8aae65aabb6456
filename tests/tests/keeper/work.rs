//! What the keeper does, as the chain tells it.

use alloy::primitives::U256;
use bpe_tests::{
    proof::EPOCH,
    suite::{units, CODE},
};
use serde_json::{json, Value};

use crate::stage::{Running, Stage};

fn attestation(stage: &Stage, sink: usize, capacity: u64, nonce: u64) -> Value {
    let signed = stage
        .proof
        .attestation(&stage.sinks[sink], units(capacity), nonce);
    json!({
        "taskTypeId": signed.taskTypeId, "sink": signed.sink, "capacity": signed.capacity.to_string(),
        "timestamp": signed.timestamp.to_string(), "nonce": signed.nonce.to_string(), "signature": signed.signature,
    })
}

fn receipt(stage: &Stage, sink: usize) -> Value {
    let id = stage.proof.new_task();
    let signed = stage.proof.receipt(&stage.sinks[sink], &stage.source, id);
    json!({
        "taskTypeId": signed.taskTypeId, "sink": signed.sink, "source": signed.source, "taskId": signed.taskId,
        "timestamp": signed.time.to_string(), "sinkSignature": signed.sinkSig, "sourceSignature": signed.sourceSig,
    })
}

async fn history(keeper: &Running, name: &str, count: usize) -> Value {
    let path = format!("/v1/history?name={name}");
    keeper
        .until(&path, |it| {
            it["items"].as_array().is_some_and(|it| it.len() >= count)
        })
        .await
}

/// Attestation, unit, receipt, epoch: the crank turns.
#[tokio::test(flavor = "multi_thread")]
async fn the_economy_runs_by_itself() {
    let stage = Stage::start().await;
    stage.proof.measure(false).await;
    let keeper = stage.keeper("").await;
    let types = keeper
        .until("/v1/task-types", |it| {
            it["items"][0]["sinks"] == 2 && it["items"][0]["sources"] == 1
        })
        .await;
    assert_eq!(
        types["items"][0]["capacity"],
        registry_total(&stage).await.to_string()
    );
    assert_eq!(types["next"], Value::Null);

    // An attestation is applied, and the unit follows.
    let sink = stage.sinks[0].address();
    let before = stage.proof.capacity(sink).await;
    let body = json!([attestation(&stage, 0, 20, 1)]);
    let answer = keeper.post("/v1/attestations", body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = (units(20) * U256::from(3) + before * U256::from(7)) / U256::from(10);
    assert_eq!(
        answer.json(),
        json!([{"index": 0, "status": "accepted", "reason": "", "smoothed": expected.to_string()}])
    );
    history(&keeper, "AttestationApplied", 1).await;
    assert_eq!(stage.proof.capacity(sink).await, expected);
    // What it misallocates is worth the gas after some minutes.
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    stage.proof.core.advance(500);
    let anchor = stage.proof.core.pools.getAnchor(CODE).call().await.unwrap();
    let due: u128 = (expected * U256::from(1_000_000_000u64) / anchor).to();
    let path = format!("/v1/task-types/{CODE}/sinks");
    let has = |it: &Value| {
        let sinks = it["items"].as_array().cloned().unwrap_or_default();
        sinks
            .iter()
            .any(|it| it["sink"] == sink.to_string() && it["units"] == due.to_string())
    };
    keeper.until(&path, has).await;
    assert_eq!(stage.proof.units(sink).await, due);

    // The same again is an old nonce; one of an hour ago is stale; each says why.
    let answer = keeper
        .post("/v1/attestations", body.to_string())
        .await
        .json();
    assert_eq!(answer[0]["status"], "refused");
    assert!(
        answer[0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("nonce: 1 was used"),
        "{answer}"
    );

    // Receipts, good ones beside a bad one.
    let mut bad = receipt(&stage, 0);
    bad["sinkSignature"] = receipt(&stage, 1)["sinkSignature"].clone();
    let all = json!([receipt(&stage, 0), bad, receipt(&stage, 1), {"taskTypeId": 5}]);
    let answer = keeper.post("/v1/receipts", all.to_string()).await.json();
    let statuses: Vec<&str> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["accepted", "refused", "accepted", "malformed"]);
    history(&keeper, "CompletionRecorded", 2).await;

    // Two epochs later both are judged.
    stage.proof.core.advance(2 * EPOCH);
    history(&keeper, "EpochAdvanced", 2).await;
    assert_eq!(
        stage.proof.bad_epochs(sink).await,
        stage_misses(&stage, sink).await
    );

    let metrics = keeper.get("/metrics").await.body;
    // The recorder is the process's: other tests in it count as well.
    let none = r#"bpe_keeper_items_total{worker="oracle",outcome="done"} 0"#;
    assert!(!metrics.contains(none), "{metrics}");
    assert_eq!(keeper.get("/healthz").await.status, 200);
    let ready = keeper.get("/readyz").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    keeper.stop().await;
}

async fn registry_total(stage: &Stage) -> U256 {
    stage
        .proof
        .core
        .base
        .registry
        .getTaskType(CODE)
        .call()
        .await
        .unwrap()
        .totalCapacity
}

async fn stage_misses(stage: &Stage, sink: alloy::primitives::Address) -> u64 {
    stage
        .proof
        .tracker
        .getConsecutiveBelowThreshold(CODE, sink)
        .call()
        .await
        .unwrap()
        .to()
}

/// FAILURES 24: everything is rebuilt from the chain; and nothing is done twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_store_costs_nothing_but_time() {
    let stage = Stage::start().await;
    let keeper = stage.keeper("").await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let body = json!([attestation(&stage, 0, 20, 1), attestation(&stage, 1, 30, 1)]);
    keeper.post("/v1/attestations", body.to_string()).await;
    history(&keeper, "AttestationApplied", 2).await;
    let path = format!("/v1/task-types/{CODE}/sinks");
    let settled = |it: &Value| {
        it["items"]
            .as_array()
            .is_some_and(|it| it.iter().all(|it| it["attested"] != 0))
    };
    keeper.until(&path, settled).await;
    // Units follow, then it is quiet.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let before = (
        keeper.get(&path).await.json(),
        keeper.get("/v1/task-types").await.json(),
    );
    let sent = stage.proof.core.base.devnet.block_number();
    keeper.stop().await;

    std::fs::remove_dir_all(stage.state()).unwrap();
    let keeper = stage.keeper("").await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let after = (
        keeper.get(&path).await.json(),
        keeper.get("/v1/task-types").await.json(),
    );
    assert_eq!(after, before);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(stage.proof.core.base.devnet.block_number(), sent);
    keeper.stop().await;
}

/// A reorganisation takes an attestation back: the store says so, and equals one that never saw it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_leaves_no_effect() {
    let stage = Stage::start().await;
    let keeper = stage.keeper("observe = true").await;
    let path = format!("/v1/task-types/{CODE}/sinks");
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let before = keeper.get(&path).await.json();
    let snapshot = stage.proof.core.base.devnet.snapshot();
    stage
        .proof
        .core
        .commit_and_reveal(stage.sinks[0].address(), 20)
        .await;
    keeper
        .until(&path, |it| *it != before && it["items"].is_array())
        .await;
    assert!(stage.proof.core.base.devnet.revert(snapshot));
    stage.proof.core.base.devnet.mine(5).unwrap();
    keeper.until(&path, |it| *it == before).await;
    let metrics = keeper.get("/metrics").await.body;
    assert!(
        !metrics.contains("bpe_keeper_reorganisations_total 0"),
        "{metrics}"
    );
    keeper.stop().await;
}

/// A new database on the Postgres of the environment; `None`, said aloud, where there is none.
pub async fn postgres(name: &str) -> Option<String> {
    let Ok(url) = std::env::var("BPE_TEST_POSTGRES_URL") else {
        eprintln!("SKIPPED on Postgres: BPE_TEST_POSTGRES_URL is not set");
        return None;
    };
    sqlx::any::install_default_drivers();
    let name = format!("bpe_keeper_{name}_{}", std::process::id());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query(&format!("CREATE DATABASE {name}"))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let (server, rest) = url.rsplit_once('/').unwrap();
    let options = rest
        .split_once('?')
        .map_or(String::new(), |(_, options)| format!("?{options}"));
    Some(format!("{server}/{name}{options}"))
}

/// Two keepers on one Postgres: one leads, and the other takes over; both answer.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_keepers_one_leads_and_the_other_takes_over() {
    let Some(url) = postgres("leader").await else {
        return;
    };
    let stage = Stage::start().await;
    let on_postgres = stage
        .config()
        .replace("[store]", &format!("[store]\nurl = \"{url}\""));
    let config = || bpe_keeper::Config::parse(&on_postgres).unwrap();
    let first = stage.run(config()).await;
    first
        .until("/v1/keeper", |it| {
            it["leads"] == true && it["cursor"] == it["head"]
        })
        .await;
    let second = stage.run(config()).await;
    second
        .until("/v1/task-types", |it| it["items"][0]["sinks"] == 2)
        .await;
    assert_eq!(second.get("/v1/keeper").await.json()["leads"], false);

    // What one is given, the other one sends.
    let body = json!([attestation(&stage, 0, 20, 1)]).to_string();
    assert_eq!(
        second.post("/v1/attestations", body).await.json()[0]["status"],
        "accepted"
    );
    history(&first, "AttestationApplied", 1).await;
    first.stop().await;
    second.until("/v1/keeper", |it| it["leads"] == true).await;
    let body = json!([attestation(&stage, 1, 30, 1)]).to_string();
    assert_eq!(
        second.post("/v1/attestations", body).await.json()[0]["status"],
        "accepted"
    );
    history(&second, "AttestationApplied", 2).await;
    second.stop().await;
}

/// FAILURES 12 and 15: 200 tasks finish in any order, are signed at one time and mined at another, and each counts once.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_tasks_in_any_order_are_counted_once() {
    const TASKS: usize = 200;
    let stage = Stage::start().await;
    let keeper = stage.keeper("").await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let mut receipts: Vec<Value> = (0..TASKS)
        .map(|number| receipt(&stage, number % 2))
        .collect();
    // In another order, and mined two seconds and more after they were signed.
    receipts.sort_by_key(|it| it["sinkSignature"].to_string());
    stage.proof.core.advance(2);
    let half = receipts.split_off(TASKS / 2);
    for body in [receipts.clone(), half.clone()] {
        let body = Value::Array(body).to_string();
        let answers = keeper.post("/v1/receipts", body).await.json();
        let accepted = |it: &Value| it["status"] == "accepted";
        assert!(
            answers.as_array().unwrap().iter().all(accepted),
            "{answers}"
        );
    }
    let path = "/v1/history?name=CompletionRecorded&limit=1000";
    let all = |it: &Value| it["items"].as_array().is_some_and(|it| it.len() == TASKS);
    keeper.until(path, all).await;

    // The same once more, and the same task of another second: on the chain already.
    let one = receipts[0].clone();
    let body = json!([one]).to_string();
    keeper.post("/v1/receipts", body).await;
    // Addresses as the answers have them, with their checksum.
    let id = |key: &str| {
        let text = one[key].as_str().unwrap();
        let address = text.parse::<alloy::primitives::Address>();
        address.map_or_else(|_| text.to_owned(), |it| it.to_string())
    };
    let item = ["taskTypeId", "sink", "source", "taskId"].map(id).join(":");
    let outcome = format!("/v1/outcomes/receipts/{item}");
    keeper.until(&outcome, |it| it["status"] == "dropped").await;
    let history = keeper.get(path).await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), TASKS);
    keeper.stop().await;
}

/// A reorganisation takes back what was accepted and sent: it is sent again, by itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_reorganisation_takes_back_is_sent_again() {
    let stage = Stage::start().await;
    let keeper = stage.keeper("").await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let body = json!([receipt(&stage, 0)]).to_string();
    keeper.post("/v1/receipts", body).await;
    history(&keeper, "CompletionRecorded", 1).await;
    keeper
        .until("/v1/keeper", |it| {
            it["waiting"]["receipts"] == 0 && it["cursor"] == it["head"]
        })
        .await;
    let devnet = &stage.proof.core.base.devnet;
    let recorded = history(&keeper, "CompletionRecorded", 1).await;
    let block = recorded["items"][0]["block"].as_u64().unwrap();
    let depth = devnet.block_number() - block + 1;
    devnet.reorganise(depth, devnet::Displaced::Drop).unwrap();
    let metrics = || async { keeper.get("/metrics").await.body };
    let begun = std::time::Instant::now();
    while metrics()
        .await
        .contains("bpe_keeper_reorganisations_total 0")
    {
        assert!(begun.elapsed().as_secs() < 30);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    history(&keeper, "CompletionRecorded", 1).await;
    keeper.stop().await;
}
