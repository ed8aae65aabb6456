//! What is owed, signed for and acknowledged, by both sides, each with a store of its own.

use alloy::{
    primitives::{Address, Bytes, B256},
    signers::Error,
};
use bpe_agent::{
    formats::{ReceiptBody, TaskOffer, VoucherBody, VoucherSubmission},
    vouchers::{Debt, Finished, Ledger, Pair, Received, Signed, Taken},
};
use bpe_chain::{Database, Identity};
use tempfile::TempDir;

const TASK_TYPE: B256 = B256::repeat_byte(0x3b);
const SINK: Address = Address::repeat_byte(1);
const SOURCE: Address = Address::repeat_byte(2);
const PAIR: Pair = Pair {
    task_type: TASK_TYPE,
    sink: SINK,
    source: SOURCE,
};
/// When deadlines are, and when things happen.
const DEADLINE: u64 = 1_000;
const NOW: u64 = 500;

async fn open(folder: &TempDir, role: &str) -> Ledger {
    let identity = Identity {
        chain_id: 31_337,
        instance: B256::repeat_byte(7),
        registry: Address::repeat_byte(8),
    };
    let database = Database::open_file(folder.path(), role, &identity, &Ledger::MIGRATIONS).await;
    Ledger::new(database.unwrap())
}

fn offer(number: u64) -> TaskOffer {
    TaskOffer {
        primary_type: "WorkAssignment".to_owned(),
        chain_id: 31_337,
        verifying_contract: Address::repeat_byte(9),
        task_type_id: TASK_TYPE,
        sink: SINK,
        source: SOURCE,
        task_id: B256::from(alloy::primitives::U256::from(number)),
        work: 1_000,
        value: 2_000,
        timestamp: 400,
        deadline: DEADLINE,
    }
}

const fn done(work: u128, value: u128) -> Finished {
    Finished::Done {
        work,
        value,
        at: NOW,
    }
}

/// Takes and finishes a task on one side.
async fn perform(ledger: &Ledger, number: u64, finished: Finished) {
    let offer = offer(number);
    let taken = ledger.take(&offer, "0x01", "0x02", 2).await.unwrap();
    assert_eq!(taken, Taken::New);
    ledger.finish(&PAIR, offer.task_id, finished).await.unwrap();
}

async fn sign(ledger: &Ledger) -> Option<VoucherSubmission> {
    let signature = |_: &VoucherBody| Ok::<_, Error>(Bytes::from_static(b"source"));
    let receipt = |_: &ReceiptBody| Ok::<_, Error>(Bytes::from_static(b"receipt"));
    ledger
        .sign_for(&PAIR, NOW, signature, receipt)
        .await
        .unwrap()
}

async fn receive(ledger: &Ledger, submission: &VoucherSubmission) -> Received {
    let signature = Bytes::from_static(b"sink");
    ledger.receive(submission, &signature, NOW).await.unwrap()
}

async fn state(ledger: &Ledger, name: &str) -> u64 {
    let counts = ledger.counts().await.unwrap();
    counts
        .iter()
        .find(|(state, _)| state == name)
        .map_or(0, |it| it.1)
}

async fn outstanding(ledger: &Ledger) -> (u128, u128) {
    let debts = ledger.debts().await.unwrap();
    debts
        .first()
        .map_or((0, 0), |it: &Debt| (it.outstanding, it.signed))
}

#[tokio::test]
async fn a_task_goes_from_taken_to_settled_on_both_sides() {
    let folder = TempDir::new().unwrap();
    let (source, sink) = (open(&folder, "source").await, open(&folder, "sink").await);
    for side in [&source, &sink] {
        perform(side, 1, done(300, 600)).await;
        perform(side, 2, Finished::Failed).await;
        // A task id is used for one task only, and what has ended stays as it is.
        assert_eq!(side.take(&offer(1), "", "", 1).await.unwrap(), Taken::Seen);
        side.finish(&PAIR, offer(1).task_id, Finished::Failed)
            .await
            .unwrap();
    }
    assert_eq!(outstanding(&sink).await, (600, 0));
    let submission = sign(&source).await.unwrap();
    let totals = submission.voucher.totals();
    assert_eq!((totals.work, totals.value, totals.tasks), (300, 600, 1));
    assert_eq!(submission.receipts.len(), 1);
    // The answer is lost: the same is sent, and answered, again.
    assert_eq!(
        receive(&sink, &submission).await,
        Received::Stored {
            more: 600,
            settled: 600
        }
    );
    let again = sign(&source).await.unwrap();
    assert_eq!(again, submission);
    assert!(matches!(
        receive(&sink, &again).await,
        Received::Same { settled: 0, .. }
    ));
    let signature = Bytes::from_static(b"sink");
    source.acknowledged(&again, &signature).await.unwrap();
    assert_eq!(sign(&source).await, None);
    assert_eq!(source.pairs_to_settle().await.unwrap(), []);
    assert_eq!(outstanding(&sink).await, (0, 600));
    assert_eq!(source.done_since(NOW).await.unwrap(), 600);
    assert_eq!(source.done_since(NOW + 1).await.unwrap(), 0);
    for side in [&source, &sink] {
        assert_eq!(
            (state(side, "settled").await, state(side, "failed").await),
            (1, 1)
        );
        assert_eq!(side.vouchers().await.unwrap().len(), 1);
        assert_eq!(side.prune(DEADLINE).await.unwrap(), 0);
        assert_eq!(side.prune(DEADLINE + 1).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn what_was_in_hand_when_it_was_killed_has_failed() {
    let folder = TempDir::new().unwrap();
    let sink = open(&folder, "sink").await;
    sink.take(&offer(1), "0x01", "0x02", 2).await.unwrap();
    drop(sink);
    let sink = open(&folder, "sink").await;
    assert!(sink.seen(&PAIR, offer(1).task_id).await.unwrap());
    assert_eq!(sink.fail_all_in_hand().await.unwrap(), 1);
    assert_eq!(outstanding(&sink).await, (0, 0));
}

#[tokio::test]
async fn thousands_of_receipts_go_in_parts_and_in_any_order() {
    const TASKS: u64 = 1_200;
    let folder = TempDir::new().unwrap();
    let (source, sink) = (open(&folder, "source").await, open(&folder, "sink").await);
    for number in 0..TASKS {
        perform(&source, number, done(1, 2)).await;
        perform(&sink, TASKS - 1 - number, done(1, 2)).await;
    }
    let mut parts = 0;
    while let Some(submission) = sign(&source).await {
        assert_eq!(submission.voucher.tasks, TASKS);
        assert!(submission.receipts.len() <= 500);
        receive(&sink, &submission).await;
        let signature = Bytes::from_static(b"sink");
        source.acknowledged(&submission, &signature).await.unwrap();
        parts += 1;
    }
    assert_eq!(parts, 3);
    assert_eq!(state(&source, "settled").await, TASKS);
    assert_eq!(state(&sink, "settled").await, TASKS);
    assert_eq!(outstanding(&sink).await, (0, u128::from(TASKS) * 2));
}

#[tokio::test]
async fn a_voucher_that_covers_less_than_was_done_leaves_the_rest_owed() {
    let folder = TempDir::new().unwrap();
    let (source, sink) = (open(&folder, "source").await, open(&folder, "sink").await);
    perform(&source, 1, done(100, 100)).await;
    perform(&source, 2, done(10, 10)).await;
    perform(&sink, 1, done(100, 100)).await;
    perform(&sink, 2, done(50, 50)).await;
    let submission = sign(&source).await.unwrap();
    assert_eq!(
        receive(&sink, &submission).await,
        Received::Stored {
            more: 110,
            settled: 100
        }
    );
    assert_eq!(outstanding(&sink).await, (50, 110));
}

/// What is signed for without receipts is paid, and stays owed until they come.
#[tokio::test]
async fn a_voucher_without_receipts_settles_nothing() {
    let folder = TempDir::new().unwrap();
    let (source, sink) = (open(&folder, "source").await, open(&folder, "sink").await);
    perform(&source, 1, done(100, 100)).await;
    perform(&sink, 1, done(100, 100)).await;
    let whole = sign(&source).await.unwrap();
    let mut bare = whole.clone();
    bare.receipts.clear();
    let stored = Received::Stored {
        more: 100,
        settled: 0,
    };
    assert_eq!(receive(&sink, &bare).await, stored);
    assert_eq!(outstanding(&sink).await, (100, 100));
    let task_id = offer(1).task_id;
    assert_eq!(sink.receipt(&PAIR, task_id).await.unwrap(), None);
    assert!(matches!(
        receive(&sink, &whole).await,
        Received::Same { settled: 100, .. }
    ));
    assert_eq!(outstanding(&sink).await, (0, 100));
    let receipt = sink.receipt(&PAIR, task_id).await.unwrap();
    assert_eq!(receipt.as_ref(), whole.receipts.first());
    // Kept for as long as somebody could say that it was missed.
    sink.prune(NOW + 10_000).await.unwrap();
    assert_eq!(sink.receipt(&PAIR, task_id).await.unwrap(), receipt);
    sink.prune(NOW + 1_000_000).await.unwrap();
    assert_eq!(sink.receipt(&PAIR, task_id).await.unwrap(), None);
}

#[tokio::test]
async fn vouchers_that_contradict_each_other_are_kept_as_evidence_once() {
    let folder = TempDir::new().unwrap();
    let (source, sink) = (open(&folder, "source").await, open(&folder, "sink").await);
    perform(&source, 1, done(100, 100)).await;
    let honest = sign(&source).await.unwrap();
    receive(&sink, &honest).await;
    let mut other = honest.clone();
    (other.voucher.work, other.voucher.value) = (200, 50);
    for _ in 0..3 {
        assert!(matches!(
            receive(&sink, &other).await,
            Received::Equivocation(_)
        ));
    }
    other.voucher.work = 50;
    assert!(matches!(receive(&sink, &other).await, Received::Behind(_)));
    let there = sink.latest(&PAIR).await.unwrap().unwrap();
    assert_eq!(there.voucher, honest.voucher);
}

#[tokio::test]
async fn a_source_that_lost_its_store_goes_on_from_the_sinks_copy() {
    let folder = TempDir::new().unwrap();
    let sink = open(&folder, "sink").await;
    let lost = open(&folder, "lost").await;
    perform(&lost, 1, done(100, 100)).await;
    let first = sign(&lost).await.unwrap();
    receive(&sink, &first).await;

    let source = open(&folder, "source").await;
    perform(&source, 2, done(7, 9)).await;
    let submission = sign(&source).await.unwrap();
    let Received::Behind(there) = receive(&sink, &submission).await else {
        panic!("the sink has a later one");
    };
    assert_eq!(there.source_signature, first.source_signature);
    source.adopt(&there).await.unwrap();
    let next = sign(&source).await.unwrap();
    assert_eq!(
        (next.voucher.work, next.voucher.value, next.voucher.tasks),
        (107, 109, 2)
    );
    let stored = Received::Stored {
        more: 9,
        settled: 0,
    };
    assert_eq!(receive(&sink, &next).await, stored);
}

#[tokio::test]
async fn totals_of_nothing_are_no_voucher() {
    let folder = TempDir::new().unwrap();
    let (source, sink) = (open(&folder, "source").await, open(&folder, "sink").await);
    assert_eq!(sign(&source).await, None);
    perform(&source, 1, done(1, 1)).await;
    let mut nothing = sign(&source).await.unwrap();
    (
        nothing.voucher.work,
        nothing.voucher.value,
        nothing.voucher.tasks,
    ) = (0, 0, 0);
    assert!(matches!(
        receive(&sink, &nothing).await,
        Received::Behind(Signed { .. })
    ));
    assert_eq!(sink.latest(&PAIR).await.unwrap(), None);
}
