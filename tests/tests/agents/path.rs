//! The whole path: a request, an answer, a voucher on the chain.

use alloy::primitives::U256;

use crate::{
    stage::{Stage, PRICE},
    upstream::{events, Upstream},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_is_paid_and_its_voucher_counts_on_the_chain() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, "").await;
    let source = stage.source(&[&sink], "").await;
    let answer = stage.chat(&source, "small").await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", stage.log("source"));
    assert_eq!(answer.body, events());
    assert_eq!(answer.headers["bpe-sink"], sink.account.to_checksum(None));
    let (work, value, tasks) = stage.until_counted(&sink, 1).await;
    // 100 tokens in and 25 out.
    assert_eq!(work, U256::from(200_000_000));
    assert_eq!(value, U256::from(PRICE / 5));
    assert_eq!(tasks, U256::from(1));
    // And the sink has it.
    let paid = stage.proof.core.whole(sink.account).await;
    assert_eq!(paid, PRICE / 5);

    let whole = stage.chat(&source, "whole").await;
    assert_eq!(whole.json()["usage"]["total_tokens"], 15);
    let (work, ..) = stage.until_counted(&sink, 2).await;
    assert_eq!(work, U256::from(230_000_000));

    let models = stage.get(format!("{}/v1/models", source.url)).await;
    let models = models.json();
    assert!(models["data"]
        .as_array()
        .unwrap()
        .iter()
        .any(|it| it["id"] == "small"));
    let status = stage
        .get(format!("{}/bpe/v1/source", source.url))
        .await
        .json();
    assert_eq!(status["models"][0]["sinks"][0]["tasks"], 2, "{status}");
    let ready = stage.get(format!("{}/readyz", source.url)).await;
    assert_eq!(ready.status, 200, "{}", ready.body);
    source.process.stop();
    sink.process.stop();
}
