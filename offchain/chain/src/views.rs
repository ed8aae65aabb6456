//! What the contracts answer. Lists come in pages; the calls that depend on a contract's present form are here and nowhere
//! else.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    providers::DynProvider,
};
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolInstance},
    ICapacityRegistry::{self, ICapacityRegistryInstance},
    ICompletionTracker::{self, ICompletionTrackerInstance},
    IEscrowBuffer::{self, IEscrowBufferInstance},
    IOffchainAggregator::{self, IOffchainAggregatorInstance},
    IPricingCurve::{self, IPricingCurveInstance},
    IWorkLedger::{self, IWorkLedgerInstance},
    IWorkMisses::{self, IWorkMissesInstance},
    IWorkReserve::{self, IWorkReserveInstance},
    IWorkVouchers::{self, IWorkVouchersInstance},
};

use crate::{ChainError, Deployment, DeploymentError};

/// Sinks in a page.
const PAGE: u64 = 200;

/// The contracts that the protocol's crank turns.
#[derive(Clone, Debug)]
pub struct Suite {
    pub registry: ICapacityRegistryInstance<DynProvider>,
    pub pools: IBackpressurePoolInstance<DynProvider>,
    pub escrow: IEscrowBufferInstance<DynProvider>,
    pub tracker: ICompletionTrackerInstance<DynProvider>,
    pub aggregator: IOffchainAggregatorInstance<DynProvider>,
    pub pricing: IPricingCurveInstance<DynProvider>,
    /// Task types by work: who paid what, what counts, and the money.
    pub ledger: IWorkLedgerInstance<DynProvider>,
    pub vouchers: IWorkVouchersInstance<DynProvider>,
    pub reserve: IWorkReserveInstance<DynProvider>,
    /// Where misses are reported; none in records of before there was one.
    pub misses: Option<IWorkMissesInstance<DynProvider>>,
    pub stakes: Address,
}

/// A task type, as CapacityRegistry and BackpressurePool have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskType {
    pub sinks: u64,
    pub total_capacity: U256,
    /// Zero if it has none.
    pub pool: Address,
    /// The capacity that 1e9 units stand for.
    pub anchor: U256,
    /// 0 capacity, 1 spare, 2 shares, 3 work.
    pub weighting: u64,
}

impl Suite {
    /// The contracts of a deployment.
    ///
    /// # Errors
    /// If the record lacks one of them.
    pub fn new(deployment: &Deployment, provider: &DynProvider) -> Result<Self, DeploymentError> {
        let at = |name| deployment.address(name);
        Ok(Self {
            registry: ICapacityRegistry::new(at("capacityRegistry")?, provider.clone()),
            pools: IBackpressurePool::new(at("backpressurePool")?, provider.clone()),
            escrow: IEscrowBuffer::new(at("escrowBuffer")?, provider.clone()),
            tracker: ICompletionTracker::new(at("completionTracker")?, provider.clone()),
            aggregator: IOffchainAggregator::new(at("offchainAggregator")?, provider.clone()),
            pricing: IPricingCurve::new(at("pricingCurve")?, provider.clone()),
            ledger: IWorkLedger::new(at("workLedger")?, provider.clone()),
            vouchers: IWorkVouchers::new(at("workVouchers")?, provider.clone()),
            reserve: IWorkReserve::new(at("workReserve")?, provider.clone()),
            misses: deployment
                .find("workMisses")
                .map(|misses| IWorkMisses::new(misses, provider.clone())),
            stakes: at("stakeManager")?,
        })
    }

    /// A task type as it is at the newest block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn task_type(&self, id: B256) -> Result<TaskType, ChainError> {
        let registry = self.registry.getTaskType(id).call().await?;
        let pool = self.pools.getPool(id).call().await?;
        let (anchor, weighting) = if pool.is_zero() {
            (U256::ZERO, U256::ZERO)
        } else {
            (
                self.pools.getAnchor(id).call().await?,
                self.pools.getWeighting(id).call().await?,
            )
        };
        Ok(TaskType {
            sinks: registry.sinkCount.saturating_to(),
            total_capacity: registry.totalCapacity,
            pool,
            anchor,
            weighting: weighting.saturating_to(),
        })
    }

    /// All sinks of a task type with their smoothed capacities, page by page, as of one block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn sinks(
        &self,
        id: B256,
        block: BlockId,
    ) -> Result<Vec<(Address, U256)>, ChainError> {
        let mut all = Vec::new();
        loop {
            let (from, count) = (U256::from(all.len()), U256::from(PAGE));
            let page = self
                .registry
                .getSinksPage(id, from, count)
                .block(block)
                .call()
                .await?;
            let found = page.sinks.len();
            all.extend(page.sinks.into_iter().zip(page.capacities));
            if found < PAGE as usize {
                return Ok(all);
            }
        }
    }

    /// The nonce that was accepted last from a sink, and when what it attested was.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn last_attestation(
        &self,
        id: B256,
        sink: Address,
    ) -> Result<(U256, U256), ChainError> {
        let nonce = self.aggregator.lastNonce_1(id, sink).call().await?;
        let time = self.aggregator.lastTimestamp(id, sink).call().await?;
        Ok((nonce, time))
    }
}
