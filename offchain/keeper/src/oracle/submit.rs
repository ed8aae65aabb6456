//! Attestations on their way to OffchainAggregator.

use alloy::{
    primitives::U256,
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::IOffchainAggregator::{submitBatchCall, AttestationApplied, AttestationRejected};
use bpe_chain::{views::Suite, Batch, Call, ChainError, Effect};

use super::{AttestationBody, WORKER};

/// Attestations in `submitBatch`.
pub struct Attestations {
    pub suite: Suite,
    pub now: u64,
}

impl Batch for Attestations {
    type Item = AttestationBody;
    const WORKER: &'static str = WORKER;
    const MOST: usize = 256;

    fn id(&self, item: &AttestationBody) -> String {
        format!("{}:{}:{}", item.task_type_id, item.sink, item.nonce)
    }

    fn call(&self, items: &[AttestationBody]) -> Call {
        let attestations = items.iter().map(AttestationBody::signed).collect();
        Call {
            to: *self.suite.aggregator.address(),
            data: submitBatchCall { attestations }.abi_encode().into(),
        }
    }

    /// Those whose nonce has not been passed, and which the contract would not find stale.
    async fn open(&self, items: Vec<AttestationBody>) -> Result<Vec<AttestationBody>, ChainError> {
        let mut open = Vec::with_capacity(items.len());
        for item in items {
            let (nonce, _) = self
                .suite
                .last_attestation(item.task_type_id, item.sink)
                .await?;
            let expired = item.timestamp.saturating_add(U256::from(600)) < U256::from(self.now);
            if item.nonce > nonce && !expired {
                open.push(item);
            }
        }
        Ok(open)
    }

    fn judge(&self, items: &[AttestationBody], logs: &[Log]) -> Vec<Effect> {
        let ours = |log: &&Log| log.address() == *self.suite.aggregator.address();
        let logs: Vec<&Log> = logs.iter().filter(ours).collect();
        let effect = |item: &AttestationBody| {
            for log in &logs {
                if let Ok(event) = AttestationApplied::decode_log(&log.inner) {
                    if event.taskTypeId == item.task_type_id
                        && event.sink == item.sink
                        && event.timestamp == item.timestamp
                    {
                        return Effect::Done;
                    }
                } else if let Ok(event) = AttestationRejected::decode_log(&log.inner) {
                    if event.taskTypeId == item.task_type_id && event.sink == item.sink {
                        return Effect::Refused(event.reason.clone());
                    }
                }
            }
            Effect::None
        };
        items.iter().map(effect).collect()
    }
}
