//! Clients of the API that mean no good, and configurations that cannot work.

use std::fs;

use bpe_keeper::{Config, Keeper};
use serde_json::json;

use crate::stage::{Answer, Stage, CODE};

#[track_caller]
fn problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.kind, "application/problem+json", "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], status, "{answer:?}");
    assert!(!body["detail"].as_str().unwrap().is_empty(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_problems_and_never_faults() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/task-types", |it| it["items"][0]["sinks"] == 2)
        .await;

    for body in [
        "", "{", "{}", "null", "[", "\"x\"", "[1] [2]", "\u{fffd}", "[1e999]",
    ] {
        problem(&keeper.post("/v1/attestations", body).await, 400);
    }
    problem(
        &keeper.post("/v1/attestations", vec![0xff, 0xfe]).await,
        400,
    );
    problem(
        &keeper.post("/v1/attestations", "[".repeat(60_000)).await,
        400,
    );
    problem(
        &keeper.post("/v1/attestations", vec![b' '; 70_000]).await,
        413,
    );
    problem(
        &keeper
            .post("/v1/attestations", format!("[{}1]", "1,".repeat(1_001)))
            .await,
        413,
    );
    problem(&keeper.get("/v1/attestations").await, 405);
    problem(&keeper.get("/v1/nothing").await, 404);
    problem(&keeper.get("/page/../../etc/passwd").await, 404);
    problem(&keeper.get("/v1/task-types?limit=0").await, 400);
    problem(&keeper.get("/v1/task-types?limit=1001").await, 400);
    problem(&keeper.get("/v1/task-types?limit=-1").await, 400);
    problem(&keeper.get("/v1/task-types?order=desc").await, 400);
    problem(&keeper.get("/v1/task-types?after=x").await, 400);
    problem(&keeper.get("/v1/task-types/0x12/sinks").await, 400);
    problem(
        &keeper
            .get(&format!("/v1/task-types/0x{}/sinks", "00".repeat(32)))
            .await,
        404,
    );
    problem(&keeper.get("/v1/history?account=0x1").await, 400);
    problem(&keeper.get("/v1/history?after=1").await, 400);
    problem(&keeper.get("/v1/history?limit=1&limit=2").await, 400);
    problem(&keeper.get("/v1/history?name=%00").await, 400);
    problem(
        &keeper
            .get(&format!("/v1/series?taskType={CODE}&of=everything"))
            .await,
        400,
    );
    problem(&keeper.get("/v1/series?of=price").await, 400);
    problem(&keeper.get("/v1/outcomes/oracle/nothing").await, 404);
    let injected = keeper.get("/v1/history?name=x%27%20OR%201%3D1--").await;
    assert_eq!(injected.json()["items"], json!([]));

    // Elements are judged one by one.
    let now = stage.devnet.timestamp();
    let good = stage.attestation(&stage.sinks[0], 20, now);
    let old = stage.attestation(&stage.sinks[0], 20, now - 601);
    let early = stage.attestation(&stage.sinks[0], 20, now + 31);
    let stranger = stage.attestation(&stage.source, 20, now);
    let body = |signed: &bpe_abi::IOffchainAggregator::SignedAttestation| {
        json!({"taskTypeId": signed.taskTypeId, "sink": signed.sink, "capacity": signed.capacity.to_string(),
            "timestamp": signed.timestamp.to_string(), "nonce": signed.nonce.to_string(), "signature": signed.signature})
    };
    let mut forged = body(&good);
    forged["capacity"] = json!("1");
    let mut short = body(&good);
    short["signature"] = json!("0x1234");
    let mut number = body(&good);
    number["nonce"] = json!(1);
    let mut extra = body(&good);
    extra["admin"] = json!(true);
    let all = json!([
        body(&old),
        body(&early),
        body(&stranger),
        forged,
        short,
        number,
        extra,
        null,
        body(&good)
    ]);
    let answers = keeper
        .post("/v1/attestations", all.to_string())
        .await
        .json();
    let said: Vec<(&str, &str)> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let reason = it["reason"].as_str().unwrap();
            (
                it["status"].as_str().unwrap(),
                reason.split(':').next().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        said[..5],
        [
            ("refused", "stale"),
            ("refused", "stale"),
            ("refused", "sink"),
            ("refused", "signature"),
            ("refused", "signature")
        ]
    );
    assert!(
        said[5..8].iter().all(|(status, _)| *status == "malformed"),
        "{answers}"
    );
    assert_eq!(said[8].0, "accepted");
    keeper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_often_is_slowed_down() {
    let stage = Stage::start().await;
    let text = stage
        .config()
        .replace("requests_per_second = 10000", "requests_per_second = 1")
        .replace("burst = 10000", "burst = 3");
    let keeper = stage.run(&text).await;
    for _ in 0..3 {
        assert_eq!(keeper.get("/v1/task-types").await.status, 200);
    }
    problem(&keeper.get("/v1/task-types").await, 429);
    // Probes are not a client's.
    assert_eq!(keeper.get("/healthz").await.status, 200);
    keeper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_said_at_the_start() {
    let stage = Stage::start().await;
    let refused = |config: String| async move {
        match Keeper::start(Config::parse(&config).unwrap()).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    };
    let file = stage.path("deployment.json");
    let record = fs::read_to_string(&file).unwrap();

    fs::write(&file, record.replace("31337", "1")).unwrap();
    let other = refused(stage.config()).await;
    assert!(
        other.contains("chain 1") && other.contains("31337"),
        "{other}"
    );

    let instance = format!(r#"{{"instance": "0x{}","#, "11".repeat(32));
    fs::write(&file, record.replacen('{', &instance, 1)).unwrap();
    let other = refused(stage.config()).await;
    assert!(other.contains("another instance"), "{other}");

    let tracker = crate::stage::TRACKER.to_string();
    fs::write(
        &file,
        record.replace(
            &tracker.to_lowercase(),
            "0x00000000000000000000000000000000000000dd",
        ),
    )
    .unwrap();
    let no_code = refused(stage.config()).await;
    assert!(no_code.contains("completionTracker"), "{no_code}");

    fs::remove_file(&file).unwrap();
    let missing = refused(stage.config()).await;
    assert!(
        missing.contains("deployment.json") && missing.contains("bpe deploy"),
        "{missing}"
    );
    fs::write(&file, &record).unwrap();

    let nobody = stage
        .config()
        .replace("rpc = \"http://127.0.0.1", "rpc = \"http://127.0.0.1:1\" #");
    let nobody = refused(nobody).await;
    assert!(nobody.starts_with("no chain answers"), "{nobody}");

    stage
        .devnet
        .set_balance(stage.devnet.account(3), alloy::primitives::U256::ZERO);
    let poor = refused(stage.config().replace("observe = true", "")).await;
    assert!(poor.contains("send ether"), "{poor}");
}
