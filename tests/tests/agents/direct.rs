//! What a sink says to sources that are no `bpe source`.

use std::sync::atomic::Ordering;

use alloy::{
    primitives::{Address, Bytes as Hex, B256, U256},
    signers::local::PrivateKeySigner,
};
use axum::http::Request;
use bpe_abi::{typed_data::sign, IWorkMisses::SignedWork};
use bpe_agent::formats::{PaymentRequired, ReceiptBody, TaskOffer, VoucherBody, VoucherSubmission};
use bpe_tests::{proof::EPOCH, stage::mined, work::WORK};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::json;

use crate::{
    stage::{Answer, Served, Stage, PRICE, SOURCE},
    upstream::Upstream,
};

/// What a source would offer: one work unit at the sink's price.
fn offer(stage: &Stage, sink: &Served, number: u8) -> TaskOffer {
    let core = &stage.proof.core;
    let now = core.base.devnet.timestamp();
    TaskOffer {
        primary_type: "WorkAssignment".to_owned(),
        chain_id: core.base.devnet.chain_id(),
        verifying_contract: *core.vouchers.address(),
        task_type_id: WORK,
        sink: sink.account,
        source: stage.proof.signer(SOURCE).address(),
        task_id: B256::repeat_byte(number),
        work: 1_000_000_000,
        value: PRICE,
        timestamp: now,
        deadline: now + 600,
    }
}

fn asked(sink: &Served) -> axum::http::request::Builder {
    Request::post(format!("{}/v1/chat/completions", sink.url))
        .header("content-type", "application/json")
}

fn body() -> Full<Bytes> {
    Full::from(json!({"model": "whole"}).to_string())
}

async fn ask(stage: &Stage, sink: &Served, offer: &TaskOffer, signer: &PrivateKeySigner) -> Answer {
    let signature = sign(signer, &offer.assignment(), &offer.domain()).unwrap();
    let request = asked(sink)
        .header("bpe-task", offer.encode())
        .header("bpe-task-signature", signature.to_string());
    stage.answer(request.body(body()).unwrap()).await
}

/// The source pays this many wei for its tasks, by hand. Returns its account.
async fn deposit(stage: &Stage, amount: u128) -> Address {
    let core = &stage.proof.core;
    let account = core.source(SOURCE, 1_000).await;
    let token = core.superfluid.usdcx();
    let approve = token.approve(*core.reserve.address(), U256::MAX);
    mined(approve.from(account).send().await).await;
    let deposit = core.reserve.deposit(WORK, U256::from(amount));
    mined(deposit.from(account).send().await).await;
    account
}

fn required(answer: &Answer) -> PaymentRequired {
    assert_eq!(answer.status, 402, "{answer:?}");
    let header = answer.headers["payment-required"].to_str().unwrap();
    let required = PaymentRequired::decode(header).unwrap();
    assert_eq!(json!(required), answer.json());
    required
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_says_what_is_wrong_and_nothing_is_served() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, "").await;
    let (source, stranger) = (stage.proof.signer(SOURCE), stage.proof.signer(9));

    // Who offers nothing learns what it takes.
    let nothing = stage.answer(asked(&sink).body(body()).unwrap()).await;
    let option = required(&nothing).option().unwrap().clone();
    assert_eq!(
        (option.extra.price, option.extra.task_type_id),
        (PRICE, WORK)
    );
    assert_eq!(
        option.network,
        format!("eip155:{}", stage.proof.core.base.devnet.chain_id())
    );
    // So do pages of any site, which may send what they are told to; what is the operator's is not for them.
    const ORIGIN: &str = "access-control-allow-origin";
    let preflight = Request::options(format!("{}/v1/chat/completions", sink.url))
        .header("origin", "https://page.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "bpe-task");
    let may = stage.answer(preflight.body(Full::default()).unwrap()).await;
    assert_eq!(may.status, 200, "{may:?}");
    assert_eq!(may.headers[ORIGIN], "*");
    assert_eq!(nothing.headers[ORIGIN], "*");
    assert_eq!(nothing.headers["access-control-expose-headers"], "*");
    let metrics = Request::get(format!("{}/metrics", sink.url));
    let metrics = stage.answer(metrics.body(Full::default()).unwrap()).await;
    assert_eq!(metrics.status, 200);
    assert!(!metrics.headers.contains_key(ORIGIN), "{metrics:?}");
    // Who has nothing, too.
    let unpaid = ask(&stage, &sink, &offer(&stage, &sink, 1), &source).await;
    assert!(required(&unpaid).option().unwrap().extra.flow_rate > 0);

    let good = || offer(&stage, &sink, 2);
    let now = good().timestamp;
    let wrong = [
        (
            "chainId",
            TaskOffer {
                chain_id: 1,
                ..good()
            },
        ),
        (
            "verifyingContract",
            TaskOffer {
                verifying_contract: sink.account,
                ..good()
            },
        ),
        (
            "sink",
            TaskOffer {
                sink: source.address(),
                ..good()
            },
        ),
        (
            "task type",
            TaskOffer {
                task_type_id: B256::ZERO,
                ..good()
            },
        ),
        ("work is 0", TaskOffer { work: 0, ..good() }),
        ("value is 0", TaskOffer { value: 0, ..good() }),
        (
            "more than a voucher",
            TaskOffer {
                value: u128::MAX,
                ..good()
            },
        ),
        (
            "is past",
            TaskOffer {
                deadline: now - 1,
                ..good()
            },
        ),
        (
            "after the timestamp",
            TaskOffer {
                deadline: now + 4_000,
                ..good()
            },
        ),
        (
            "from the chain's time",
            TaskOffer {
                timestamp: now - 1_000,
                ..good()
            },
        ),
        (
            "primaryType",
            TaskOffer {
                primary_type: "TaskAssignment".to_owned(),
                ..good()
            },
        ),
    ];
    for (why, offer) in wrong {
        let answer = ask(&stage, &sink, &offer, &source).await;
        assert_eq!(answer.status, 400, "{why}: {answer:?}");
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains(why), "{why}: {message}");
    }
    let foreign = ask(&stage, &sink, &good(), &stranger).await;
    assert_eq!(
        (foreign.status, foreign.json()["error"]["code"].clone()),
        (400, "malformed_task".into())
    );
    let long = "A".repeat(5_000);
    for header in ["", "*", "e30", long.as_str()] {
        let request = asked(&sink)
            .header("bpe-task", header)
            .body(body())
            .unwrap();
        assert_eq!(stage.answer(request).await.status, 400, "{header}");
    }
    let cheap = TaskOffer {
        value: PRICE - 1,
        ..good()
    };
    let cheap = ask(&stage, &sink, &cheap, &source).await;
    assert_eq!(required(&cheap).option().unwrap().extra.price, PRICE);

    for voucher in ["", "[]", "{}", "{\"voucher\":1}"] {
        let request = Request::post(format!("{}/bpe/v1/vouchers", sink.url));
        let request = request.body(Full::from(voucher)).unwrap();
        assert_eq!(stage.answer(request).await.status, 400, "{voucher}");
    }
    assert_eq!(upstream.seen.requests.load(Ordering::SeqCst), 0);
}

/// 15: a task id is used for one task only, and a replay is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_served_once() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, "").await;
    // The gateway pays; then its key is used without it.
    let source = stage.source(&[&sink], "").await;
    assert_eq!(stage.chat(&source, "small").await.status, 200);
    stage.until_counted(&sink, 1).await;
    let key = stage.proof.signer(SOURCE);
    // A tenth of a work unit: what the gateway's stream has left covers that.
    let task = TaskOffer {
        work: 100_000_000,
        value: PRICE / 10,
        ..offer(&stage, &sink, 3)
    };
    let served = ask(&stage, &sink, &task, &key).await;
    assert_eq!(served.status, 200, "{served:?}");
    let signature = served.headers["bpe-task-signature"].to_str().unwrap();
    assert_eq!(task.signer(signature).unwrap(), sink.account);
    assert_eq!(served.headers["bpe-price"], PRICE.to_string().as_str());
    let replayed = ask(&stage, &sink, &task, &key).await;
    assert_eq!(replayed.status, 409, "{replayed:?}");
    assert_eq!(upstream.seen.requests.load(Ordering::SeqCst), 2);
}

/// A source that signs for nothing is served its first trust and no more, whatever it sets aside for the sink: it would have
/// that back within hours.
#[tokio::test(flavor = "multi_thread")]
async fn an_earmark_buys_nothing_without_signatures() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let trust = format!("[queue]\nfirst_trust = \"{}\"\n", 2 * PRICE);
    let sink = stage.sink(0, &upstream.url, &trust).await;
    let source = stage.proof.signer(SOURCE);
    let core = &stage.proof.core;
    let account = core.source(SOURCE, 1_000).await;
    let (amount, until) = (
        U256::from(100 * PRICE),
        core.base.devnet.timestamp() + 80_000,
    );
    let token = core.superfluid.usdcx();
    let approve = token.approve(*core.reserve.address(), U256::MAX);
    mined(approve.from(account).send().await).await;
    let deposit = core.reserve.deposit(WORK, amount * U256::from(2));
    mined(deposit.from(account).send().await).await;
    let earmark = core
        .reserve
        .earmark(WORK, sink.account, amount, U256::from(until));
    mined(earmark.from(account).send().await).await;

    let mut served = 0_u8;
    let refused = loop {
        let answer = ask(&stage, &sink, &offer(&stage, &sink, served + 1), &source).await;
        if answer.status != 200 {
            break answer;
        }
        served += 1;
        assert!(served < 100, "it is served without an end");
    };
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.json()["error"]["code"], "unsigned");
    assert!(refused.headers.contains_key("retry-after"));
    // Each answer costs three hundredths of a work unit, and a whole one is offered: what is in hand counts in full.
    assert_eq!(served, 34, "{refused:?}");
    assert_eq!(upstream.seen.requests.load(Ordering::SeqCst), 34);
}

/// A source that signed a receipt and reports the task as missed all the same is answered with it, by the sink itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_done_and_is_reported_as_missed_is_answered() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, "").await;
    let (core, key) = (&stage.proof.core, stage.proof.signer(SOURCE));
    deposit(&stage, 10 * PRICE).await;
    let task = offer(&stage, &sink, 1);
    let served = ask(&stage, &sink, &task, &key).await;
    assert_eq!(served.status, 200, "{served:?}");
    let sink_signature = served.headers["bpe-task-signature"].to_str().unwrap();

    let mut receipt = ReceiptBody {
        task_type_id: WORK,
        sink: sink.account,
        source: key.address(),
        task_id: task.task_id,
        timestamp: core.base.devnet.timestamp(),
        source_signature: Hex::new(),
    };
    let domain = stage.proof.tracker_domain();
    receipt.source_signature = sign(&key, &receipt.receipt(), &domain).unwrap();
    let voucher = VoucherBody {
        task_type_id: WORK,
        sink: sink.account,
        source: key.address(),
        work: 200_000_000,
        value: PRICE / 5,
        tasks: 1,
        timestamp: core.base.devnet.timestamp(),
    };
    let submission = VoucherSubmission {
        source_signature: sign(&key, &voucher.voucher(), &task.domain()).unwrap(),
        voucher,
        receipts: vec![receipt],
    };
    let request = Request::post(format!("{}/bpe/v1/vouchers", sink.url))
        .header("content-type", "application/json")
        .body(Full::from(json!(submission).to_string()));
    let stored = stage.answer(request.unwrap()).await;
    assert_eq!(stored.status, 200, "{stored:?}");

    // The deadline passes, and the source says that it was not done.
    core.base.devnet.advance_time(601).unwrap();
    core.base.devnet.mine(1).unwrap();
    let signed = task.assignment();
    let work = SignedWork {
        taskTypeId: signed.taskTypeId,
        sink: signed.sink,
        source: signed.source,
        taskId: signed.taskId,
        work: signed.work,
        value: signed.value,
        timestamp: signed.timestamp,
        deadline: signed.deadline,
        sinkSig: sink_signature.parse().unwrap(),
        sourceSig: sign(&key, &task.assignment(), &task.domain()).unwrap(),
    };
    let report = stage.proof.misses.reportMiss(work, Hex::new());
    mined(report.from(key.address()).send().await).await;
    stage
        .until("the miss is answered", || async {
            stage
                .metric(&sink, "bpe_sink_misses_total{end=\"answered\"}")
                .await
                == 1.0
        })
        .await;
    let epoch = U256::from(task.deadline / EPOCH);
    let missed = stage.proof.misses.getMissed(WORK, sink.account, epoch);
    let missed = missed.call().await.unwrap();
    assert_eq!((missed.work, missed.value), (U256::ZERO, U256::ZERO));
}
