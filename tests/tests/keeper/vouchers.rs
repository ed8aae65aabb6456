//! The keeper redeems vouchers, the last of each pair, and has sinks paid.

use std::time::Duration;

use alloy::primitives::U256;
use bpe_abi::IWorkVouchers::SignedVoucher;
use bpe_tests::{
    proof::EPOCH,
    settlement::RATE,
    work::{self, Totals, WORK},
};
use serde_json::{json, Value};

use crate::stage::Stage;

const HOUR: u64 = 3_600;

/// What is not noted when the source changes its rate is lost: the keeper notes it once an hour, and not more often.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_has_paid_is_noted_hourly() {
    let stage = Stage::start().await;
    let core = &stage.proof.core;
    work::open(core).await;
    let source = stage.source.address();
    core.stream(source, WORK, RATE).await;
    let started = core.base.devnet.timestamp();
    core.advance(HOUR);
    let keeper = stage.keeper("").await;
    let noted = || async {
        let noted = core.ledger.getNoted(WORK, source).call().await.unwrap();
        noted.time.to::<u64>()
    };
    let mut first = 0;
    for _ in 0..100 {
        first = noted().await;
        if first >= started + HOUR {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(first >= started + HOUR, "nothing is noted: {first}");
    assert!(core.ledger.getPaid(WORK, source).call().await.unwrap() > U256::ZERO);
    // Half an hour later there is something to note, and it can wait.
    core.advance(HOUR / 2);
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(noted().await, first);
    keeper.stop().await;
}

fn json_of(signed: &SignedVoucher) -> Value {
    json!({
        "taskTypeId": signed.taskTypeId, "sink": signed.sink, "source": signed.source,
        "work": signed.work.to_string(), "value": signed.value.to_string(), "tasks": signed.tasks.to_string(),
        "timestamp": signed.timestamp.to_string(),
        "sinkSignature": signed.sinkSig, "sourceSignature": signed.sourceSig,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_voucher_of_a_pair_is_redeemed_and_paid() {
    let stage = Stage::start().await;
    let core = &stage.proof.core;
    work::open(core).await;
    let worker = stage.proof.signer(7);
    let sink = work::register(core, worker.address(), 10).await;
    core.stream(stage.source.address(), WORK, RATE).await;
    core.advance(HOUR);
    let before = core.whole(sink).await;
    let keeper = stage.keeper("").await;
    keeper.until("/readyz", |it| it["ready"] == true).await;

    // Two of one pair, of which the second makes the first superfluous, a forged one, and one that is no voucher.
    let signed = |totals| work::voucher(core, &stage.source, &worker, totals);
    let (first, last) = (signed(Totals(10, 1_000, 1)), signed(Totals(30, 3_000, 3)));
    let mut forged = json_of(&signed(Totals(40, 4_000, 4)));
    forged["sourceSignature"] = forged["sinkSignature"].clone();
    let all = json!([json_of(&first), forged, json_of(&last), {"work": 5}]);
    let answer = keeper.post("/v1/vouchers", all.to_string()).await.json();
    let statuses: Vec<&str> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["accepted", "refused", "accepted", "malformed"],
        "{answer}"
    );
    let reason = answer[1]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("signature: it is not the source's"),
        "{reason}"
    );

    // The next epoch has begun: they are late.
    core.advance(EPOCH);
    keeper
        .until("/v1/keeper", |it| it["waiting"]["vouchers"] == 0)
        .await;
    let totals = core.vouchers.getTotals(WORK, stage.source.address(), sink);
    let totals = totals.call().await.unwrap();
    assert_eq!(totals.value, U256::from(3_000));
    assert_eq!(totals.tasks, U256::from(3));
    assert_eq!(core.whole(sink).await, before + 3_000);

    // What has counted does not come again.
    let again = json!([json_of(&last)]);
    let answer = keeper.post("/v1/vouchers", again.to_string()).await.json();
    assert_eq!(answer[0]["status"], "refused", "{answer}");
    keeper.stop().await;
}
