//! Vouchers, which sink and source have signed, on their way to WorkVouchers: the last one of each pair, before its epoch
//! ends.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    rpc::types::Log,
    sol_types::{Eip712Domain, SolCall as _, SolEvent as _, SolStruct as _},
};
use bpe_abi::{
    typed_data::{work_ledger, WorkVoucher},
    IWorkVouchers::{redeemBatchCall, Redeemed, SignedVoucher, VoucherRejected},
};
use bpe_chain::{describe, views::Suite, Batch, Call, ChainError, Effect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::VOUCHERS;
use crate::oracle;

/// Seconds that a voucher may be ahead of the chain.
const MAX_SKEW: u64 = 30;

/// Totals since ever between a sink and a source: work in capacity-seconds of 1e-9 units, value in wei, tasks. Both sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VoucherBody {
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub task_type_id: B256,
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub sink: Address,
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub source: Address,
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub work: U256,
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub value: U256,
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub tasks: U256,
    #[serde(with = "bpe_chain::decimal")]
    #[schema(value_type = String, pattern = "^[0-9]{1,78}$")]
    pub timestamp: U256,
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub sink_signature: Bytes,
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub source_signature: Bytes,
}

impl VoucherBody {
    fn signed(&self) -> SignedVoucher {
        SignedVoucher {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            source: self.source,
            work: self.work,
            value: self.value,
            tasks: self.tasks,
            timestamp: self.timestamp,
            sinkSig: self.sink_signature.clone(),
            sourceSig: self.source_signature.clone(),
        }
    }

    fn message(&self) -> WorkVoucher {
        WorkVoucher {
            taskTypeId: self.task_type_id,
            sink: self.sink,
            source: self.source,
            work: self.work,
            value: self.value,
            tasks: self.tasks,
            timestamp: self.timestamp,
        }
    }

    /// The two and their task type: of these only the last voucher counts.
    pub fn pair(&self) -> String {
        format!("{}:{}:{}", self.task_type_id, self.sink, self.source)
    }

    pub fn id(&self) -> String {
        format!("{}:{}", self.pair(), self.tasks)
    }
}

/// Why a voucher is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoucherRefused {
    #[error("future: its timestamp {timestamp} is more than {max_skew} s after the chain's time, {now}", max_skew = MAX_SKEW)]
    Future { timestamp: U256, now: u64 },
    #[error("totals: {work} work, {value} wei and {tasks} tasks have counted already")]
    Counted {
        work: U256,
        value: U256,
        tasks: U256,
    },
    #[error("signature: it is not the sink's, {0}")]
    SinkSignature(Address),
    #[error("signature: it is not the source's, {0}")]
    SourceSignature(Address),
}

/// Checks vouchers as the contract would, but for money and capacity, which change until they are redeemed.
pub struct VoucherChecker {
    suite: Suite,
    domain: Eip712Domain,
}

impl VoucherChecker {
    pub fn new(suite: Suite, chain_id: u64) -> Self {
        Self {
            domain: work_ledger(chain_id, *suite.vouchers.address()),
            suite,
        }
    }

    /// Checks a voucher.
    ///
    /// # Errors
    /// If the node does not answer; inside, what is wrong with it.
    pub async fn voucher(
        &self,
        it: &VoucherBody,
        now: u64,
    ) -> Result<Result<(), VoucherRefused>, ChainError> {
        let timestamp = it.timestamp;
        if timestamp > U256::from(now.saturating_add(MAX_SKEW)) {
            return Ok(Err(VoucherRefused::Future { timestamp, now }));
        }
        let hash = it.message().eip712_signing_hash(&self.domain);
        if !self.signs(it.sink, &it.sink_signature, hash, now).await? {
            return Ok(Err(VoucherRefused::SinkSignature(it.sink)));
        }
        if !self
            .signs(it.source, &it.source_signature, hash, now)
            .await?
        {
            return Ok(Err(VoucherRefused::SourceSignature(it.source)));
        }
        match self.is_new(it).await? {
            Ok(true) => Ok(Ok(())),
            Ok(false) => Ok(Err(VoucherRefused::Counted {
                work: it.work,
                value: it.value,
                tasks: it.tasks,
            })),
            Err(counted) => Ok(Err(counted)),
        }
    }

    /// Whether the signature is the account's own, or of a key that signs for it.
    async fn signs(
        &self,
        account: Address,
        signature: &Bytes,
        hash: B256,
        now: u64,
    ) -> Result<bool, ChainError> {
        let Some(signer) = oracle::recover(signature, hash) else {
            return Ok(false);
        };
        if signer == account {
            return Ok(true);
        }
        let until = self.suite.vouchers.getKeyUntil(account, signer);
        Ok(until.call().await? > U256::from(now))
    }

    /// Whether anything of it has not counted; refused, if a total is below what has.
    async fn is_new(&self, it: &VoucherBody) -> Result<Result<bool, VoucherRefused>, ChainError> {
        let counted = totals(&self.suite, it).await?;
        let [work, value, tasks] = counted;
        if it.work < work || it.value < value || it.tasks < tasks {
            return Ok(Err(VoucherRefused::Counted { work, value, tasks }));
        }
        Ok(Ok(it.work > work && it.value > value))
    }
}

async fn totals(suite: &Suite, it: &VoucherBody) -> Result<[U256; 3], ChainError> {
    let totals = suite
        .vouchers
        .getTotals(it.task_type_id, it.source, it.sink);
    let totals = totals.call().await?;
    Ok([totals.work, totals.value, totals.tasks])
}

/// Vouchers in `redeemBatch`, which pays the sinks at once. What the source's money or the sink's capacity does not cover stays
/// redeemable by the pair's next voucher, or by anyone.
pub struct Vouchers {
    pub suite: Suite,
}

impl Batch for Vouchers {
    type Item = VoucherBody;
    const WORKER: &'static str = VOUCHERS;
    const MOST: usize = 50;

    fn id(&self, voucher: &VoucherBody) -> String {
        voucher.id()
    }

    fn call(&self, vouchers: &[VoucherBody]) -> Call {
        let call = redeemBatchCall {
            vouchers: vouchers.iter().map(VoucherBody::signed).collect(),
            pay: true,
        };
        Call {
            to: *self.suite.vouchers.address(),
            data: call.abi_encode().into(),
        }
    }

    /// Those of which something has not counted.
    async fn open(&self, vouchers: Vec<VoucherBody>) -> Result<Vec<VoucherBody>, ChainError> {
        let mut open = Vec::with_capacity(vouchers.len());
        for voucher in vouchers {
            let [work, value, _] = totals(&self.suite, &voucher).await?;
            if voucher.work > work && voucher.value > value {
                open.push(voucher);
            }
        }
        Ok(open)
    }

    fn judge(&self, vouchers: &[VoucherBody], logs: &[Log]) -> Vec<Effect> {
        let here = *self.suite.vouchers.address();
        let effect = |it: &VoucherBody| {
            for log in logs.iter().filter(|log| log.address() == here) {
                if let Ok(event) = Redeemed::decode_log(&log.inner) {
                    if is_of(it, event.taskTypeId, event.sink, event.source) {
                        return Effect::Done;
                    }
                } else if let Ok(event) = VoucherRejected::decode_log(&log.inner) {
                    if is_of(it, event.taskTypeId, event.sink, event.source) {
                        return Effect::Refused(describe(&event.reason.to_vec().into()));
                    }
                }
            }
            Effect::None
        };
        vouchers.iter().map(effect).collect()
    }
}

fn is_of(it: &VoucherBody, task_type: B256, sink: Address, source: Address) -> bool {
    (it.task_type_id, it.sink, it.source) == (task_type, sink, source)
}
