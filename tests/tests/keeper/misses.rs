//! The keeper settles what sinks have missed and nobody has settled.

use std::time::Duration;

use alloy::primitives::{Bytes, U256};
use bpe_tests::{
    proof::EPOCH,
    settlement::{usdcx, RATE},
    stage::mined,
    work::{self, TASK, WORK},
};
use serde_json::Value;

use crate::stage::Stage;

/// From so many seconds after its end on an epoch can be settled.
const WAIT: u64 = 4_200;

/// Two misses of one epoch, and one of the next that is worth less than the gas.
#[tokio::test(flavor = "multi_thread")]
async fn misses_that_nobody_settled_are_settled_where_that_is_worth_the_gas() {
    let stage = Stage::start().await;
    let (core, misses) = (&stage.proof.core, &stage.proof.misses);
    let devnet = &core.base.devnet;
    work::open(core).await;
    let treasury = core.ledger.treasury().call().await.unwrap();
    let worker = stage.proof.signer(7);
    let sink = work::register(core, worker.address(), 10).await;
    let source = stage.source.address();
    core.stream(source, WORK, RATE).await;
    core.advance(20 * 3_600);
    mined(core.ledger.note(WORK, source).send().await).await;
    stage.proof.to_next_epoch();

    let first = stage.proof.epoch();
    let value = usdcx(1);
    for (number, value) in [(1, value), (2, 2 * value), (3, 1)] {
        if number == 3 {
            stage.proof.to_next_epoch();
        }
        let task = work::assignment(core, &stage.source, &worker, number, value);
        core.advance(6);
        let report = misses.reportMiss(task, Bytes::new()).from(source);
        mined(report.send().await).await;
    }
    let missed = |epoch: u64| async move {
        let missed = misses.getMissed(WORK, sink, U256::from(epoch));
        let missed = missed.call().await.unwrap();
        (
            missed.work.to::<u64>(),
            missed.value.to::<u128>(),
            missed.settled,
        )
    };
    assert_eq!(missed(first).await, (2 * TASK, 3 * value, false));
    let keeper = stage.keeper("").await;
    let at_head = |it: &Value| it["cursor"] == it["head"];
    keeper.until("/readyz", |it| it["ready"] == true).await;

    // A second before nothing is settled.
    let due = (first + 1) * EPOCH + WAIT;
    devnet.set_timestamp(due - 5).unwrap();
    devnet.mine(1).unwrap();
    keeper.until("/v1/keeper", at_head).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!missed(first).await.2);

    // Two epochs later both could be: the one of a wei is left to whoever likes.
    devnet.set_timestamp(due + 2 * EPOCH).unwrap();
    devnet.mine(1).unwrap();
    let settled = keeper
        .until("/v1/history?name=MissesSettled", |it| {
            it["items"].as_array().is_some_and(|it| !it.is_empty())
        })
        .await;
    assert_eq!(settled["items"][0]["amount"], (3 * value).to_string());
    let owed = core.reserve.getOwed(WORK, treasury).call().await.unwrap();
    assert_eq!(owed, U256::from(3 * value));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(missed(first).await, (2 * TASK, 3 * value, true));
    assert_eq!(missed(first + 1).await, (TASK, 1, false));
    // Once.
    let history = keeper.get("/v1/history?name=MissesSettled").await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    keeper.stop().await;
}
