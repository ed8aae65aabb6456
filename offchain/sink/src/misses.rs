//! Misses that sources report of tasks that were done: answered with their receipts, within the hour that there is.

use std::{collections::HashSet, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::IWorkMisses::{
    self, answerMissesCall, AnswerRejected, IWorkMissesInstance, MissAnswered, MissReported,
    SignedReceipt,
};
use bpe_agent::{
    formats::ReceiptBody,
    vouchers::{LedgerError, Pair},
};
use bpe_chain::{read_logs, Batch, Call, ChainError, Effect, Refusal};
use metrics::counter;
use tokio::sync::watch;

use crate::shared::Shared;

/// Seconds of the chain between two looks: an answer has 3600.
const EVERY: u64 = 60;
const EPOCH: u64 = 300;
/// Seconds after the end of the epoch of a deadline in which a miss can still be answered: 600 to report, 3600 to answer.
const OPEN: u64 = 4_200;

/// Receipts in `answerMisses`.
struct Answers {
    misses: Address,
}

impl Batch for Answers {
    type Item = ReceiptBody;
    const WORKER: &'static str = "misses";
    const MOST: usize = 64;

    fn id(&self, receipt: &ReceiptBody) -> String {
        format!("{}:{}", receipt.source, receipt.task_id)
    }

    fn call(&self, receipts: &[ReceiptBody]) -> Call {
        let receipts = receipts.iter().map(on_chain).collect();
        Call {
            to: self.misses,
            data: answerMissesCall { receipts }.abi_encode().into(),
        }
    }

    async fn open(&self, receipts: Vec<ReceiptBody>) -> Result<Vec<ReceiptBody>, ChainError> {
        Ok(receipts)
    }

    fn judge(&self, receipts: &[ReceiptBody], logs: &[Log]) -> Vec<Effect> {
        let ours = logs.iter().filter(|log| log.address() == self.misses);
        let ours: Vec<&Log> = ours.collect();
        receipts.iter().map(|it| effect(it, &ours)).collect()
    }

    fn refusal(&self, error: &str) -> Refusal {
        if error.starts_with("NoSuchMiss") {
            Refusal::Done
        } else if error.starts_with("AnswerTooLate") || error.starts_with("NotSigned") {
            Refusal::Never
        } else {
            Refusal::Later
        }
    }
}

fn on_chain(receipt: &ReceiptBody) -> SignedReceipt {
    let signed = receipt.receipt();
    SignedReceipt {
        taskTypeId: signed.taskTypeId,
        sink: signed.sink,
        source: signed.source,
        taskId: signed.taskId,
        timestamp: signed.timestamp,
        sourceSig: receipt.source_signature.clone(),
    }
}

fn effect(receipt: &ReceiptBody, logs: &[&Log]) -> Effect {
    for log in logs {
        if let Ok(event) = MissAnswered::decode_log(&log.inner) {
            if (event.source, event.taskId) == (receipt.source, receipt.task_id) {
                return Effect::Done;
            }
        } else if let Ok(event) = AnswerRejected::decode_log(&log.inner) {
            if (event.source, event.taskId) == (receipt.source, receipt.task_id) {
                let data = alloy::primitives::Bytes::copy_from_slice(event.reason.as_slice());
                return Effect::Refused(bpe_chain::describe(&data));
            }
        }
    }
    Effect::None
}

/// Answers until `stop`, where the suite has WorkMisses.
pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let Some(misses) = shared.base.deployment.find("workMisses") else {
        return;
    };
    let misses = IWorkMisses::new(misses, shared.base.provider.clone());
    let mut every = tokio::time::interval(Duration::from_millis(shared.config.chain.poll_ms));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut next, mut lost) = (0, HashSet::new());
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let now = shared.base.now();
        if now < next {
            continue;
        }
        next = now + EVERY;
        if let Err(error) = round(&shared, &misses, now, &mut lost).await {
            tracing::warn!(%error, "misses are not answered");
        }
    }
}

/// Answers what is open and can be. What cannot be is said once.
async fn round(
    shared: &Shared,
    misses: &IWorkMissesInstance<alloy::providers::DynProvider>,
    now: u64,
    lost: &mut HashSet<(Address, B256)>,
) -> Result<(), LedgerError> {
    let (id, sink) = (shared.task_type(), shared.sink());
    let dues = misses.getDues(id, sink).call().await;
    let dues = dues.map_err(ChainError::from)?;
    let last: u64 = dues.last.saturating_to();
    if last == 0 || now > (last + 1).saturating_mul(EPOCH) + OPEN {
        return Ok(());
    }
    let mut receipts = Vec::new();
    for reported in reported(shared, *misses.address()).await? {
        let (source, task_id) = (reported.source, reported.taskId);
        let deadline: u64 = reported.deadline.saturating_to();
        let pair = Pair {
            task_type: id,
            sink,
            source,
        };
        match shared.ledger.receipt(&pair, task_id).await? {
            Some(receipt) => receipts.push(receipt),
            None if now <= deadline + OPEN && lost.insert((source, task_id)) => {
                counter!("bpe_sink_misses_total", "end" => "lost").increment(1);
                tracing::warn!(%source, %task_id, "a source reports a task as missed of which there is no receipt");
            }
            None => {}
        }
    }
    let answers = Answers {
        misses: *misses.address(),
    };
    let (report, error) = shared.base.sender.run(&answers, receipts).await;
    counter!("bpe_sink_misses_total", "end" => "answered").increment(report.done.len() as u64);
    for (receipt, reason) in &report.refused {
        tracing::warn!(source = %receipt.source, task_id = %receipt.task_id, reason, "an answer to a miss did not count");
    }
    match error {
        Some(error) => {
            tracing::warn!(%error, "misses are not answered");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Reports of this sink that nobody has answered. Only looked for while one can be open, which is rare.
async fn reported(shared: &Shared, misses: Address) -> Result<Vec<MissReported>, ChainError> {
    let base = &shared.base;
    let topics = [MissReported::SIGNATURE_HASH, MissAnswered::SIGNATURE_HASH];
    let (from, to) = (base.deployment.first_block(), base.head.get().number);
    let logs = read_logs(&base.provider, &[misses], &topics, from, to).await?;
    let (mut reported, mut answered) = (Vec::new(), HashSet::new());
    for log in &logs {
        if let Ok(event) = MissReported::decode_log(&log.inner) {
            reported.push(event.data);
        } else if let Ok(event) = MissAnswered::decode_log(&log.inner) {
            answered.insert((event.taskTypeId, event.sink, event.source, event.taskId));
        }
    }
    let (id, sink) = (shared.task_type(), shared.sink());
    reported.retain(|it| {
        let of = (it.taskTypeId, it.sink, it.source, it.taskId);
        (it.taskTypeId, it.sink) == (id, sink) && !answered.contains(&of)
    });
    Ok(reported)
}
