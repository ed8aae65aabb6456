//! Receipts and assignments, which sink and source have signed, on their way to CompletionTracker.

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, B256, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::Log,
    sol_types::{Eip712Domain, SolCall as _, SolEvent as _, SolStruct as _},
};
use bpe_abi::{
    typed_data::{completion_tracker, CompletionReceipt, TaskAssignment},
    ICompletionTracker::{
        recordAssignmentsCall, recordReceiptsCall, AssignmentRecorded, AssignmentRejected,
        CompletionRecorded, CompletionRejected, SignedTask,
    },
};
use bpe_chain::{describe, views::Suite, Batch, Call, ChainError, Effect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ASSIGNMENTS, RECEIPTS};
use crate::oracle;

/// Seconds that a receipt is good for, that it may be ahead of the chain, and that a deadline may be away.
const MAX_AGE: u64 = 600;
const MAX_SKEW: u64 = 30;
const MAX_DEADLINE: u64 = 86_400;

/// What both sign, and their signatures. `time` is a receipt's timestamp, or an assignment's deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskBody {
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub task_type_id: B256,
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub sink: Address,
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub source: Address,
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub task_id: B256,
    #[serde(alias = "timestamp", alias = "deadline", with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub time: U256,
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub sink_signature: Bytes,
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub source_signature: Bytes,
}

impl TaskBody {
    fn signed(&self) -> SignedTask {
        SignedTask {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            source: self.source,
            taskId: self.task_id,
            time: self.time,
            sinkSig: self.sink_signature.clone(),
            sourceSig: self.source_signature.clone(),
        }
    }

    /// Tells tasks apart as the contract does.
    pub fn id(&self) -> String {
        format!(
            "{}:{}:{}:{}",
            self.task_type_id, self.sink, self.source, self.task_id
        )
    }
}

/// Why a receipt or an assignment is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("stale: its timestamp {timestamp} is not within {max_age} s before and {max_skew} s after the chain's time, {now}", max_age = MAX_AGE, max_skew = MAX_SKEW)]
    Stale { timestamp: U256, now: u64 },
    #[error("deadline: {deadline} has passed, or is more than {max_deadline} s after the chain's time, {now}", max_deadline = MAX_DEADLINE)]
    Deadline { deadline: U256, now: u64 },
    #[error("source: a sink cannot be its own source")]
    SinkIsSource,
    #[error("signature: it is not the sink's, {0}")]
    SinkSignature(Address),
    #[error("signature: it is not the source's, {0}")]
    SourceSignature(Address),
    #[error("contract: {0}")]
    Contract(String),
}

/// Checks them as the contract would.
pub struct TaskChecker {
    suite: Suite,
    provider: DynProvider,
    domain: Eip712Domain,
}

impl TaskChecker {
    pub fn new(suite: Suite, provider: DynProvider, chain_id: u64) -> Self {
        Self {
            domain: completion_tracker(chain_id, *suite.tracker.address()),
            suite,
            provider,
        }
    }

    /// Checks a receipt.
    ///
    /// # Errors
    /// If the node does not answer; inside, what is wrong with it.
    pub async fn receipt(
        &self,
        task: &TaskBody,
        now: u64,
    ) -> Result<Result<(), Refused>, ChainError> {
        let timestamp = task.time;
        let oldest = U256::from(now.saturating_sub(MAX_AGE));
        if timestamp < oldest || timestamp > U256::from(now.saturating_add(MAX_SKEW)) {
            return Ok(Err(Refused::Stale { timestamp, now }));
        }
        let message = CompletionReceipt {
            taskTypeId: task.task_type_id,
            sink: task.sink,
            source: task.source,
            taskId: task.task_id,
            timestamp,
        };
        let call = self.suite.tracker.recordReceipt(task.signed());
        match self
            .signatures(task, message.eip712_signing_hash(&self.domain))
            .await?
        {
            Signed::Well => Ok(Ok(())),
            Signed::Badly(refused) => Ok(Err(refused)),
            Signed::AskContract => said(call.block(BlockId::latest()).call().await),
        }
    }

    /// Checks an assignment.
    ///
    /// # Errors
    /// If the node does not answer; inside, what is wrong with it.
    pub async fn assignment(
        &self,
        task: &TaskBody,
        now: u64,
    ) -> Result<Result<(), Refused>, ChainError> {
        let deadline = task.time;
        let latest = U256::from(now.saturating_add(MAX_DEADLINE));
        if deadline <= U256::from(now) || deadline > latest {
            return Ok(Err(Refused::Deadline { deadline, now }));
        }
        let message = TaskAssignment {
            taskTypeId: task.task_type_id,
            sink: task.sink,
            source: task.source,
            taskId: task.task_id,
            deadline,
        };
        let call = self.suite.tracker.recordAssignment(task.signed());
        match self
            .signatures(task, message.eip712_signing_hash(&self.domain))
            .await?
        {
            Signed::Well => Ok(Ok(())),
            Signed::Badly(refused) => Ok(Err(refused)),
            Signed::AskContract => said(call.block(BlockId::latest()).call().await),
        }
    }

    async fn signatures(&self, task: &TaskBody, hash: B256) -> Result<Signed, ChainError> {
        if task.sink == task.source {
            return Ok(Signed::Badly(Refused::SinkIsSource));
        }
        let both = [
            (
                task.sink,
                &task.sink_signature,
                Refused::SinkSignature(task.sink),
            ),
            (
                task.source,
                &task.source_signature,
                Refused::SourceSignature(task.source),
            ),
        ];
        let mut ask = false;
        for (account, signature, refused) in both {
            if oracle::recover(signature, hash) == Some(account) {
                continue;
            }
            // What is not an account's own may be a contract's (ERC-1271).
            if self.provider.get_code_at(account).await?.is_empty() {
                return Ok(Signed::Badly(refused));
            }
            ask = true;
        }
        Ok(if ask {
            Signed::AskContract
        } else {
            Signed::Well
        })
    }
}

enum Signed {
    Well,
    Badly(Refused),
    AskContract,
}

fn said<T>(answer: Result<T, alloy::contract::Error>) -> Result<Result<(), Refused>, ChainError> {
    match answer {
        Ok(_) => Ok(Ok(())),
        Err(error) => match error.as_revert_data() {
            Some(data) => Ok(Err(Refused::Contract(describe(&data)))),
            None => Err(error.into()),
        },
    }
}

/// Receipts in `recordReceipts`.
pub struct Receipts {
    pub suite: Suite,
    pub now: u64,
}

/// Assignments in `recordAssignments`.
pub struct Assignments {
    pub suite: Suite,
    pub now: u64,
}

impl Batch for Receipts {
    type Item = TaskBody;
    const WORKER: &'static str = RECEIPTS;
    const MOST: usize = 100;

    fn id(&self, task: &TaskBody) -> String {
        task.id()
    }

    fn call(&self, tasks: &[TaskBody]) -> Call {
        let receipts = tasks.iter().map(TaskBody::signed).collect();
        Call {
            to: *self.suite.tracker.address(),
            data: recordReceiptsCall { receipts }.abi_encode().into(),
        }
    }

    /// Those not recorded, and not stale.
    async fn open(&self, tasks: Vec<TaskBody>) -> Result<Vec<TaskBody>, ChainError> {
        let mut open = Vec::with_capacity(tasks.len());
        for task in tasks {
            let known =
                self.suite
                    .tracker
                    .getTask(task.task_type_id, task.sink, task.source, task.task_id);
            let expired = task.time.saturating_add(U256::from(MAX_AGE)) < U256::from(self.now);
            if !expired && !known.call().await?.recorded {
                open.push(task);
            }
        }
        Ok(open)
    }

    fn judge(&self, tasks: &[TaskBody], logs: &[Log]) -> Vec<Effect> {
        let effect = |task: &TaskBody| {
            for log in logs
                .iter()
                .filter(|log| log.address() == *self.suite.tracker.address())
            {
                if let Ok(event) = CompletionRecorded::decode_log(&log.inner) {
                    if event.taskTypeId == task.task_type_id
                        && event.sink == task.sink
                        && event.source == task.source
                        && event.taskId == task.task_id
                    {
                        return Effect::Done;
                    }
                } else if let Ok(event) = CompletionRejected::decode_log(&log.inner) {
                    if event.sink == task.sink && event.taskId == task.task_id {
                        return Effect::Refused(describe(&event.reason.to_vec().into()));
                    }
                }
            }
            Effect::None
        };
        tasks.iter().map(effect).collect()
    }
}

impl Batch for Assignments {
    type Item = TaskBody;
    const WORKER: &'static str = ASSIGNMENTS;
    const MOST: usize = 100;

    fn id(&self, task: &TaskBody) -> String {
        task.id()
    }

    fn call(&self, tasks: &[TaskBody]) -> Call {
        let assignments = tasks.iter().map(TaskBody::signed).collect();
        Call {
            to: *self.suite.tracker.address(),
            data: recordAssignmentsCall { assignments }.abi_encode().into(),
        }
    }

    /// Those not recorded, and still to come.
    async fn open(&self, tasks: Vec<TaskBody>) -> Result<Vec<TaskBody>, ChainError> {
        let mut open = Vec::with_capacity(tasks.len());
        for task in tasks {
            let known =
                self.suite
                    .tracker
                    .getTask(task.task_type_id, task.sink, task.source, task.task_id);
            if task.time > U256::from(self.now) && known.call().await?.deadline.is_zero() {
                open.push(task);
            }
        }
        Ok(open)
    }

    fn judge(&self, tasks: &[TaskBody], logs: &[Log]) -> Vec<Effect> {
        let effect = |task: &TaskBody| {
            for log in logs
                .iter()
                .filter(|log| log.address() == *self.suite.tracker.address())
            {
                if let Ok(event) = AssignmentRecorded::decode_log(&log.inner) {
                    if event.taskTypeId == task.task_type_id
                        && event.sink == task.sink
                        && event.source == task.source
                        && event.taskId == task.task_id
                    {
                        return Effect::Done;
                    }
                } else if let Ok(event) = AssignmentRejected::decode_log(&log.inner) {
                    if event.sink == task.sink && event.taskId == task.task_id {
                        return Effect::Refused(describe(&event.reason.to_vec().into()));
                    }
                }
            }
            Effect::None
        };
        tasks.iter().map(effect).collect()
    }
}
