//! What the engine has sent: unit updates, walks, drains, price epochs.

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::{
    IBackpressurePool::{rebalanceRangeCall, rebalanceSinkCall, Rebalanced},
    IEscrowBuffer::{drain_0Call as drainCall, Credited, Drained},
    IPricingCurve::{advanceEpochsCall, BaseFeeUpdated},
};
use bpe_chain::{views::Suite, Batch, Call, ChainError, Effect, Refusal};

use super::{due_units, ESCROW, PRICES, UNITS};
use crate::index::MemberUnitsUpdated;

/// A change of units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    Sink {
        task_type: B256,
        sink: Address,
        at: u64,
    },
    /// A page of a full walk.
    Range {
        task_type: B256,
        from: u64,
        count: u64,
        at: u64,
    },
}

/// Unit updates, one a call: which of them a call does is the contract's to say.
pub struct Units {
    pub suite: Suite,
}

impl Batch for Units {
    type Item = Update;
    const WORKER: &'static str = UNITS;
    const MOST: usize = 1;

    fn id(&self, update: &Update) -> String {
        match update {
            Update::Sink {
                task_type,
                sink,
                at,
            } => format!("{task_type}:{sink}:{at}"),
            Update::Range {
                task_type,
                from,
                count,
                at,
            } => format!("{task_type}:{from}+{count}:{at}"),
        }
    }

    fn call(&self, updates: &[Update]) -> Call {
        let data = match updates.first() {
            Some(Update::Sink {
                task_type, sink, ..
            }) => rebalanceSinkCall {
                taskTypeId: *task_type,
                sink: *sink,
            }
            .abi_encode(),
            Some(Update::Range {
                task_type,
                from,
                count,
                ..
            }) => rebalanceRangeCall {
                taskTypeId: *task_type,
                from: U256::from(*from),
                count: U256::from(*count),
            }
            .abi_encode(),
            None => Vec::new(),
        };
        Call {
            to: *self.suite.pools.address(),
            data: data.into(),
        }
    }

    /// Those whose units are not what they should be: the contracts say, not the store.
    async fn open(&self, updates: Vec<Update>) -> Result<Vec<Update>, ChainError> {
        let mut open = Vec::with_capacity(updates.len());
        for update in updates {
            if let Update::Sink {
                task_type, sink, ..
            } = &update
            {
                let capacity = self
                    .suite
                    .registry
                    .getSmoothedCapacity(*task_type, *sink)
                    .call()
                    .await?;
                let anchor = self.suite.pools.getAnchor(*task_type).call().await?;
                let units = self
                    .suite
                    .pools
                    .getMemberUnits(*task_type, *sink)
                    .call()
                    .await?;
                if due_units(capacity.saturating_to(), anchor) == units {
                    continue;
                }
            }
            open.push(update);
        }
        Ok(open)
    }

    fn judge(&self, updates: &[Update], logs: &[Log]) -> Vec<Effect> {
        let changed = |sink: Address| {
            logs.iter()
                .filter_map(|log| MemberUnitsUpdated::decode_log(&log.inner).ok())
                .any(|event| event.member == sink)
        };
        let any = logs.iter().any(|log| {
            MemberUnitsUpdated::decode_log(&log.inner).is_ok()
                || Rebalanced::decode_log(&log.inner).is_ok()
        });
        let effect = |update: &Update| match update {
            Update::Sink { sink, .. } if changed(*sink) => Effect::Done,
            // A page of a walk may find its sinks right.
            Update::Range { .. } if any || logs.is_empty() => Effect::Done,
            _ => Effect::None,
        };
        updates.iter().map(effect).collect()
    }

    /// The next look decides anew.
    fn refusal(&self, _: &str) -> Refusal {
        Refusal::Later
    }
}

/// Drains of what waits in the escrow, one task type a call.
pub struct Drains {
    pub suite: Suite,
}

impl Batch for Drains {
    /// A task type, and when.
    type Item = (B256, u64);
    const WORKER: &'static str = ESCROW;
    const MOST: usize = 1;

    fn id(&self, (task_type, at): &(B256, u64)) -> String {
        format!("{task_type}:{at}")
    }

    fn call(&self, items: &[(B256, u64)]) -> Call {
        let data = items
            .first()
            .map(|(task_type, _)| drain_of(*task_type))
            .unwrap_or_default();
        Call {
            to: *self.suite.escrow.address(),
            data: data.into(),
        }
    }

    async fn open(&self, items: Vec<(B256, u64)>) -> Result<Vec<(B256, u64)>, ChainError> {
        let mut open = Vec::with_capacity(items.len());
        for item in items {
            if !self
                .suite
                .escrow
                .bufferLevel(item.0)
                .call()
                .await?
                .is_zero()
            {
                open.push(item);
            }
        }
        Ok(open)
    }

    fn judge(&self, items: &[(B256, u64)], logs: &[Log]) -> Vec<Effect> {
        let paid = logs.iter().any(|log| {
            Drained::decode_log(&log.inner).is_ok() || Credited::decode_log(&log.inner).is_ok()
        });
        let effect = if paid { Effect::Done } else { Effect::None };
        items.iter().map(|_| effect.clone()).collect()
    }

    fn refusal(&self, error: &str) -> Refusal {
        if error.starts_with("NothingToDrain") {
            Refusal::Done
        } else {
            Refusal::Later
        }
    }
}

fn drain_of(task_type: B256) -> Vec<u8> {
    drainCall {
        taskTypeId: task_type,
    }
    .abi_encode()
}

/// Price epochs that have ended, of several task types in a call.
pub struct PriceEpochs {
    pub suite: Suite,
}

impl Batch for PriceEpochs {
    /// A task type, and when.
    type Item = (B256, u64);
    const WORKER: &'static str = PRICES;
    const MOST: usize = 50;

    fn id(&self, (task_type, at): &(B256, u64)) -> String {
        format!("{task_type}:{at}")
    }

    fn call(&self, items: &[(B256, u64)]) -> Call {
        let ids = items.iter().map(|(task_type, _)| *task_type).collect();
        Call {
            to: *self.suite.pricing.address(),
            data: advanceEpochsCall { taskTypeIds: ids }.abi_encode().into(),
        }
    }

    /// Those whose fee would move: an epoch has ended, and demand was reported or the fee is above its floor.
    async fn open(&self, items: Vec<(B256, u64)>) -> Result<Vec<(B256, u64)>, ChainError> {
        let mut open = Vec::with_capacity(items.len());
        for item in items {
            let epoch = self.suite.pricing.getEpoch(item.0).call().await?;
            let ended = epoch.start.saturating_add(U256::from(PRICE_EPOCH)) <= U256::from(item.1);
            if !epoch.start.is_zero() && ended && self.moves(item.0, epoch.demand).await? {
                open.push(item);
            }
        }
        Ok(open)
    }

    fn judge(&self, items: &[(B256, u64)], logs: &[Log]) -> Vec<Effect> {
        let moved = |id: B256| {
            logs.iter()
                .filter_map(|log| BaseFeeUpdated::decode_log(&log.inner).ok())
                .any(|event| event.taskTypeId == id)
        };
        let effect = |(id, _): &(B256, u64)| {
            if moved(*id) {
                Effect::Done
            } else {
                Effect::None
            }
        };
        items.iter().map(effect).collect()
    }

    fn refusal(&self, error: &str) -> Refusal {
        if error.starts_with("EpochNotElapsed") {
            Refusal::Done
        } else {
            Refusal::Later
        }
    }
}

const PRICE_EPOCH: u64 = 60;

impl PriceEpochs {
    async fn moves(&self, id: B256, demand: U256) -> Result<bool, ChainError> {
        if !demand.is_zero() {
            return Ok(true);
        }
        let fee = self.suite.pricing.getBaseFee(id).call().await?;
        let floor = self.suite.pricing.MIN_BASE_FEE().call().await?;
        Ok(fee > floor)
    }
}
