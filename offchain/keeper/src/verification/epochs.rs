//! Judging epochs that have ended, a page of sinks at a time.

use alloy::{
    primitives::{B256, U256},
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::ICompletionTracker::{advanceEpochsCall, EpochAdvanced};
use bpe_chain::{views::Suite, Batch, Call, ChainError, Effect, Refusal};

use super::EPOCHS;

/// Sinks `from` to `from + count` of a task type, in the epoch `now`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub task_type: B256,
    pub from: u64,
    pub count: u64,
    pub epoch: u64,
}

/// Pages in `advanceEpochs`, one a call.
pub struct Epochs {
    pub suite: Suite,
}

impl Batch for Epochs {
    type Item = Page;
    const WORKER: &'static str = EPOCHS;
    const MOST: usize = 1;

    fn id(&self, page: &Page) -> String {
        format!(
            "{}:{}+{}:{}",
            page.task_type, page.from, page.count, page.epoch
        )
    }

    fn call(&self, pages: &[Page]) -> Call {
        let data = pages
            .first()
            .map(|page| call_of(page).abi_encode())
            .unwrap_or_default();
        Call {
            to: *self.suite.tracker.address(),
            data: data.into(),
        }
    }

    /// Those with an epoch that is still to be judged.
    async fn open(&self, pages: Vec<Page>) -> Result<Vec<Page>, ChainError> {
        let mut open = Vec::with_capacity(pages.len());
        for page in pages {
            let call = call_of(&page);
            let judged = self
                .suite
                .tracker
                .advanceEpochs(call.taskTypeId, call.from, call.count);
            match judged.call().await {
                Ok(epochs) if epochs.is_zero() => {}
                Ok(_) => open.push(page),
                // The simulation says why.
                Err(error) if error.as_revert_data().is_some() => open.push(page),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(open)
    }

    fn judge(&self, pages: &[Page], logs: &[Log]) -> Vec<Effect> {
        let judged = |page: &Page| {
            logs.iter()
                .filter(|log| log.address() == *self.suite.tracker.address())
                .filter_map(|log| EpochAdvanced::decode_log(&log.inner).ok())
                .any(|event| event.taskTypeId == page.task_type)
        };
        let effect = |page| {
            if judged(page) {
                Effect::Done
            } else {
                Effect::None
            }
        };
        pages.iter().map(effect).collect()
    }

    /// A slash that fails today may go through tomorrow, and the next epoch is another item.
    fn refusal(&self, error: &str) -> Refusal {
        if error.starts_with("EpochNotElapsed") {
            Refusal::Done
        } else {
            Refusal::Later
        }
    }
}

fn call_of(page: &Page) -> advanceEpochsCall {
    advanceEpochsCall {
        taskTypeId: page.task_type,
        from: U256::from(page.from),
        count: U256::from(page.count),
    }
}
