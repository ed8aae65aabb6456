//! A transaction's ways to go wrong.

use std::{sync::atomic::Ordering, time::Duration};

use alloy::{
    eips::BlockId,
    primitives::{B256, U256},
    providers::Provider as _,
    rpc::types::{Log, TransactionRequest},
};
use bpe_chain::{Batch, Call, ChainError, Effect, Limits, SendError};
use devnet::{Devnet, Displaced, Mining};

use crate::stage::{limits, poison, silent, word, Stage, Words};

fn words(stage: &Stage) -> Words {
    Words {
        provider: stage.provider.clone(),
    }
}

async fn transactions(stage: &Stage) -> u64 {
    stage
        .provider
        .get_transaction_count(stage.devnet.account(0))
        .await
        .unwrap()
}

/// FAILURES 18 and 19.
#[tokio::test(flavor = "multi_thread")]
async fn poison_is_set_aside_and_the_others_go_on_also_after_a_restart() {
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    let mut items: Vec<_> = (1..=20).map(word).collect();
    items.insert(7, poison(1));
    stage.emit(&[word(3)]).await;
    let (report, error) = sender.run(&words(&stage), items.clone()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done.len(), 19);
    assert_eq!(report.dropped, [word(3)]);
    assert_eq!(report.set_aside.len(), 1);
    assert_eq!(report.set_aside[0].0, poison(1));
    assert!(
        report.set_aside[0].1.contains("revert"),
        "{:?}",
        report.set_aside
    );

    let before = transactions(&stage).await;
    let again = stage.sender(limits(), false).await;
    let (report, error) = again.run(&words(&stage), items).await;
    assert!(error.is_none());
    assert_eq!(report.dropped.len(), 20);
    assert_eq!(report.set_aside.len(), 1);
    assert_eq!(transactions(&stage).await, before);

    // A batch of one is handled as any other.
    let (report, _) = again.run(&words(&stage), vec![poison(2)]).await;
    assert_eq!(report.set_aside.len(), 1);
}

/// FAILURES 14 and 19.
#[tokio::test(flavor = "multi_thread")]
async fn batches_are_cut_by_gas_and_bytes() {
    let stage = Stage::new().await;
    let small = Limits {
        bytes: 8 * 32,
        ..limits()
    };
    let sender = stage.sender(small, false).await;
    let (report, error) = sender
        .run(&words(&stage), (1..=20).map(word).collect())
        .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done.len(), 20);
    assert!(report.transactions.iter().all(|it| it.items <= 8));

    let gas = report.transactions.iter().map(|it| it.gas).max().unwrap();
    let tight = Limits { gas, ..limits() };
    let sender = stage.sender(tight, false).await;
    let (report, error) = sender
        .run(&words(&stage), (101..=140).map(word).collect())
        .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done.len(), 40);
    assert!(report.transactions.len() > 3 && report.transactions.iter().all(|it| it.gas <= gas));

    let none = Limits {
        gas: 1_000,
        ..limits()
    };
    let sender = stage.sender(none, false).await;
    let (report, _) = sender.run(&words(&stage), vec![word(200)]).await;
    assert!(
        report.set_aside[0].1.contains("1000 is the most"),
        "{:?}",
        report.set_aside
    );
}

/// FAILURES 18.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_effect_is_not_sent_for_ever() {
    let stage = Stage::new().await;
    let few = Limits {
        attempts: 2,
        ..limits()
    };
    let sender = stage.sender(few, false).await;
    for round in 0..5 {
        let (report, error) = sender.run(&words(&stage), vec![silent(1)]).await;
        assert!(error.is_none());
        assert_eq!(report.later, [silent(1)]);
        assert_eq!(transactions(&stage).await, (round + 1).min(2));
    }
    // A day later it may be tried again.
    stage.devnet.advance_time(86_400).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    sender.run(&words(&stage), vec![silent(1)]).await;
    assert_eq!(transactions(&stage).await, 3);
}

/// FAILURES 18: no fault can drain the key.
#[tokio::test(flavor = "multi_thread")]
async fn spending_ends_at_the_limit_and_begins_again_an_hour_later() {
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    sender.run(&words(&stage), vec![word(1)]).await;
    let once = sender.spending().await.unwrap();
    assert!(once.hour > 0 && once.hour == once.day);

    let poor = Limits {
        hour_gwei: once.hour * 4,
        ..limits()
    };
    let sender = stage.sender(poor, false).await;
    let mut stopped = None;
    for number in 2..20 {
        let (report, error) = sender.run(&words(&stage), vec![word(number)]).await;
        if let Some(error) = error {
            assert_eq!(report.later, [word(number)]);
            stopped = Some((number, error));
            break;
        }
    }
    let (number, error) = stopped.expect("the limit holds");
    assert!(
        matches!(error, SendError::Limit { period: "hour", .. }),
        "{error}"
    );
    assert!(sender.spending().await.unwrap().hour <= once.hour * 4);
    stage.devnet.advance_time(3_601).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (report, error) = sender.run(&words(&stage), vec![word(number)]).await;
    assert!(error.is_none() && report.done.len() == 1, "{error:?}");
}

/// FAILURES 20.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_transaction_is_replaced_up_to_the_cap_and_every_version_is_watched() {
    let devnet = Devnet::builder().mining(Mining::Manual).build().unwrap();
    let stage = Stage::on(devnet).await;
    let cap = 300_000_000;
    let slow = Limits {
        fee_cap: cap,
        ..limits()
    };
    let sender = stage.sender(slow, false).await;
    let items = vec![word(1)];
    let batch = words(&stage);
    let devnet = stage.devnet.clone();
    let mine = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        devnet.mine(1).unwrap();
    };
    let ((report, error), ()) = tokio::join!(sender.run(&batch, items), mine);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done, [word(1)]);
    let fees = fees(&stage).await;
    assert!(fees.len() > 1, "{fees:?}");
    assert_eq!(fees[0], 200_000_000);
    assert!(
        fees.windows(2)
            .all(|it| it[1] * 10 >= it[0] * 11 && it[1] <= cap),
        "{fees:?}"
    );
    assert_eq!(transactions(&stage).await, 1);

    // Which then waits, and is seen through by whoever comes next.
    let short = Limits {
        patience: Duration::from_millis(300),
        ..slow
    };
    let sender = stage.sender(short, false).await;
    let (report, error) = sender.run(&batch, vec![word(2)]).await;
    assert!(
        matches!(error, Some(SendError::Pending { nonce: 1, .. })),
        "{error:?}"
    );
    assert_eq!(report.later, [word(2)]);
    stage.devnet.mine(1).unwrap();
    let next = stage.sender(short, false).await;
    let (report, error) = next.run(&batch, vec![word(2)]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.dropped, [word(2)]);
    assert_eq!(transactions(&stage).await, 2);
}

async fn fees(stage: &Stage) -> Vec<u128> {
    use sqlx::Row as _;
    let rows =
        sqlx::query("SELECT max_fee FROM chain_transactions ORDER BY CAST(max_fee AS BIGINT)")
            .fetch_all(stage.database.pool())
            .await
            .unwrap();
    rows.iter()
        .map(|row| row.get::<String, _>(0).parse().unwrap())
        .collect()
}

/// FAILURES 20: lack of funds is said, and not answered with more fee.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_key_is_said() {
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    stage
        .devnet
        .set_balance(stage.devnet.account(0), U256::from(5));
    let (report, error) = sender.run(&words(&stage), vec![word(1)]).await;
    let error = error.unwrap();
    assert!(
        matches!(error, SendError::Funds { balance, .. } if balance == U256::from(5)),
        "{error}"
    );
    assert_eq!(report.later, [word(1)]);
    stage
        .devnet
        .set_balance(stage.devnet.account(0), U256::from(10u64.pow(18)));
    let (report, error) = sender.run(&words(&stage), vec![word(1)]).await;
    assert!(error.is_none() && report.done.len() == 1, "{error:?}");
}

/// FAILURES 22.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_estimate_is_repeated_once_before_it_counts() {
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    stage.faults.estimates.store(1, Ordering::SeqCst);
    let (report, error) = sender.run(&words(&stage), vec![word(1)]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done, [word(1)]);
    stage.faults.estimates.store(2, Ordering::SeqCst);
    let (report, _) = sender.run(&words(&stage), vec![word(2)]).await;
    assert_eq!(report.set_aside.len(), 1);
}

/// FAILURES 23.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_on_a_stale_head() {
    let stage = Stage::new().await;
    let head = bpe_chain::HeadWatch::new(stage.provider.clone(), Duration::from_millis(50))
        .await
        .unwrap();
    let signer = stage.devnet.signers()[0].clone();
    let sender = bpe_chain::Sender::new(
        stage.provider.clone(),
        stage.database.clone(),
        head.clone(),
        signer,
        limits(),
        false,
    )
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(80)).await;
    let (_, error) = sender.run(&words(&stage), vec![word(1)]).await;
    assert!(
        matches!(
            error,
            Some(SendError::Chain(bpe_chain::ChainError::StaleHead { .. }))
        ),
        "{error:?}"
    );
    assert_eq!(transactions(&stage).await, 0);
    stage.devnet.mine(1).unwrap();
    head.refresh().await.unwrap();
    let (report, error) = sender.run(&words(&stage), vec![word(1)]).await;
    assert!(error.is_none() && report.done.len() == 1, "{error:?}");

    // And not on an older state than before either.
    let snapshot = stage.devnet.snapshot();
    stage.devnet.mine(3).unwrap();
    head.refresh().await.unwrap();
    stage.devnet.revert(snapshot);
    head.refresh().await.unwrap();
    let (_, error) = sender.run(&words(&stage), vec![word(2)]).await;
    assert!(
        matches!(
            error,
            Some(SendError::Chain(bpe_chain::ChainError::Behind { .. }))
        ),
        "{error:?}"
    );
}

/// FAILURES 25.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_may_send_by_hand() {
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    let by_hand = || async {
        let request = TransactionRequest::default()
            .from(stage.devnet.account(0))
            .to(stage.devnet.account(1))
            .value(U256::from(1));
        let sent = stage
            .devnet
            .provider()
            .send_transaction(request)
            .await
            .unwrap();
        sent.get_receipt().await.unwrap();
    };
    sender.run(&words(&stage), vec![word(1)]).await;
    by_hand().await;
    let (report, error) = sender.run(&words(&stage), vec![word(2)]).await;
    assert!(error.is_none() && report.done.len() == 1, "{error:?}");
    by_hand().await;
    let again = stage.sender(limits(), false).await;
    let (report, error) = again.run(&words(&stage), vec![word(3)]).await;
    assert!(error.is_none() && report.done.len() == 1, "{error:?}");
    assert_eq!(transactions(&stage).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_sends_nothing() {
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), true).await;
    let (report, error) = sender.run(&words(&stage), vec![word(1), poison(1)]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.observed, [word(1)]);
    assert_eq!(transactions(&stage).await, 0);
}

/// Words of which none is on the chain yet.
struct Fresh(Words);

impl Batch for Fresh {
    type Item = B256;
    const WORKER: &'static str = Words::WORKER;
    const MOST: usize = Words::MOST;

    fn id(&self, item: &B256) -> String {
        self.0.id(item)
    }

    fn call(&self, items: &[B256]) -> Call {
        self.0.call(items)
    }

    async fn open(&self, items: Vec<B256>) -> Result<Vec<B256>, ChainError> {
        Ok(items)
    }

    fn judge(&self, items: &[B256], logs: &[Log]) -> Vec<Effect> {
        self.0.judge(items, logs)
    }
}

/// FAILURES 14: what waits after an outage is sent in parts, and progress shows from the first minute on.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_five_thousand_items_are_sent_in_parts() {
    const ITEMS: u32 = 25_000;
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    let items: Vec<B256> = (1..=ITEMS)
        .map(|number| B256::from(U256::from(number)))
        .collect();
    let batch = Fresh(words(&stage));
    let watched = async {
        let begun = std::time::Instant::now();
        while transactions(&stage).await == 0 {
            assert!(begun.elapsed().as_secs() < 60, "nothing is sent");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let ((report, error), ()) = tokio::join!(sender.run(&batch, items), watched);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done.len(), ITEMS as usize);
    assert!(report.transactions.iter().all(|it| it.items <= 100));
}

/// FAILURES 21: a reorganisation takes back what was mined, while the next one is on its way: both arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_nonces_is_filled_again() {
    let devnet = Devnet::builder().mining(Mining::Manual).build().unwrap();
    let stage = Stage::on(devnet).await;
    let sender = stage.sender(limits(), false).await;
    let batch = words(&stage);
    let mine = async {
        until_sent(&stage, 1).await;
        stage.devnet.mine(1).unwrap();
    };
    let ((report, error), ()) = tokio::join!(sender.run(&batch, vec![word(1)]), mine);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done, [word(1)]);
    let reorganise = async {
        until_sent(&stage, 2).await;
        stage.devnet.reorganise(1, Displaced::Drop).unwrap();
        assert_eq!(transactions(&stage).await, 0);
        let begun = std::time::Instant::now();
        while transactions(&stage).await < 2 {
            assert!(begun.elapsed().as_secs() < 30, "the gap stays");
            tokio::time::sleep(Duration::from_millis(100)).await;
            stage.devnet.mine(1).unwrap();
        }
    };
    let ((report, error), ()) = tokio::join!(sender.run(&batch, vec![word(2)]), reorganise);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(report.done, [word(2)]);
}

/// Until so many are on the chain or wait for it.
async fn until_sent(stage: &Stage, count: u64) {
    let begun = std::time::Instant::now();
    let account = stage.devnet.account(0);
    loop {
        let sent = stage.provider.get_transaction_count(account);
        if sent.block_id(BlockId::pending()).await.unwrap() >= count {
            return;
        }
        assert!(begun.elapsed().as_secs() < 30, "it is not sent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What was settled long ago keeps no bytes, and what is older than the limit of a day is gone.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_what_was_sent_does_not_grow_for_ever() {
    use sqlx::Row as _;
    let stage = Stage::new().await;
    let sender = stage.sender(limits(), false).await;
    let mut rows = Vec::new();
    for (number, later) in [(1, 0), (2, 3_700), (3, 2 * 86_400)] {
        stage.devnet.advance_time(later).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (report, error) = sender.run(&words(&stage), vec![word(number)]).await;
        assert!(error.is_none() && report.done.len() == 1, "{error:?}");
        let row = sqlx::query("SELECT COUNT(*), COALESCE(SUM(CASE WHEN raw = '' THEN 1 ELSE 0 END), 0) FROM chain_transactions")
            .fetch_one(stage.database.pool())
            .await
            .unwrap();
        rows.push((row.get::<i64, _>(0), row.get::<i64, _>(1)));
    }
    assert_eq!(rows, [(1, 0), (2, 1), (2, 1)]);
}
