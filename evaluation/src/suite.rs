//! The suite on a devnet with Superfluid: its contracts, by which the demo and the experiments act.

use std::collections::BTreeMap;

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    providers::DynProvider,
};
use anyhow::Context as _;
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolInstance},
    ICapacityRegistry::{self, ICapacityRegistryInstance},
    ICompletionTracker::{self, ICompletionTrackerInstance},
    IEscrowBuffer::{self, IEscrowBufferInstance},
    IOffchainAggregator::{self, IOffchainAggregatorInstance},
    IPricingCurve::{self, IPricingCurveInstance},
    IStakeManager::{self, IStakeManagerInstance},
    IStreamGateway::{self, IStreamGatewayInstance},
    IWorkLedger::{self, IWorkLedgerInstance},
    IWorkMisses::{self, IWorkMissesInstance},
    IWorkReserve::{self, IWorkReserveInstance},
    IWorkVouchers::{self, IWorkVouchersInstance},
};
use devnet::Devnet;
use devnet_superfluid::{
    bindings::{
        IBlindMacroForwarder::{self, IBlindMacroForwarderInstance},
        ISuperToken::{self, ISuperTokenInstance},
        ISuperfluidPool::{self, ISuperfluidPoolInstance},
    },
    SuperfluidAddresses,
};

use crate::chain::read;

/// One whole token, which is also what the stake of a capacity unit costs.
pub const TOKEN: u64 = 1_000_000_000_000_000_000;

/// One capacity unit.
pub const UNIT: f64 = 1e9;

/// A task type on chain.
#[derive(Clone)]
pub struct TaskType {
    pub id: B256,
    /// Superfluid's pool.
    pub pool: ISuperfluidPoolInstance<DynProvider>,
}

/// Clones act on the same chain.
#[derive(Clone)]
pub struct Suite {
    pub devnet: Devnet,
    pub superfluid: SuperfluidAddresses,
    pub usdcx: ISuperTokenInstance<DynProvider>,
    pub stakes: IStakeManagerInstance<DynProvider>,
    pub registry: ICapacityRegistryInstance<DynProvider>,
    pub pools: IBackpressurePoolInstance<DynProvider>,
    pub escrow: IEscrowBufferInstance<DynProvider>,
    pub gateway: IStreamGatewayInstance<DynProvider>,
    /// Superfluid's: runs the gateway's macro for sources.
    pub macros: IBlindMacroForwarderInstance<DynProvider>,
    pub tracker: ICompletionTrackerInstance<DynProvider>,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub aggregator: IOffchainAggregatorInstance<DynProvider>,
    pub ledger: IWorkLedgerInstance<DynProvider>,
    pub vouchers: IWorkVouchersInstance<DynProvider>,
    pub reserve: IWorkReserveInstance<DynProvider>,
    pub misses: IWorkMissesInstance<DynProvider>,
    pub task_types: Vec<TaskType>,
    /// All contracts of the suite, by name.
    pub contracts: BTreeMap<&'static str, Address>,
    /// Gets the protocol fee.
    pub fee_recipient: Address,
    /// Gets what is slashed.
    pub treasury: Address,
}

impl Suite {
    /// The suite whose contracts are at these addresses.
    ///
    /// # Errors
    /// If a contract is missing.
    pub fn new(
        devnet: Devnet,
        superfluid: SuperfluidAddresses,
        contracts: BTreeMap<&'static str, Address>,
        fee_recipient: Address,
        treasury: Address,
    ) -> anyhow::Result<Self> {
        let at = |name: &str| {
            let address = contracts.get(name).copied();
            address.with_context(|| format!("{name} was not deployed"))
        };
        let provider = devnet.provider();
        Ok(Self {
            usdcx: ISuperToken::new(superfluid.usdcx, provider.clone()),
            stakes: IStakeManager::new(at("StakeManager")?, provider.clone()),
            registry: ICapacityRegistry::new(at("CapacityRegistry")?, provider.clone()),
            pools: IBackpressurePool::new(at("BackpressurePool")?, provider.clone()),
            escrow: IEscrowBuffer::new(at("EscrowBuffer")?, provider.clone()),
            gateway: IStreamGateway::new(at("StreamGateway")?, provider.clone()),
            macros: IBlindMacroForwarder::new(superfluid.blind_macro_forwarder, provider.clone()),
            tracker: ICompletionTracker::new(at("CompletionTracker")?, provider.clone()),
            pricing: IPricingCurve::new(at("PricingCurve")?, provider.clone()),
            aggregator: IOffchainAggregator::new(at("OffchainAggregator")?, provider.clone()),
            ledger: IWorkLedger::new(at("WorkLedger")?, provider.clone()),
            vouchers: IWorkVouchers::new(at("WorkVouchers")?, provider.clone()),
            reserve: IWorkReserve::new(at("WorkReserve")?, provider.clone()),
            misses: IWorkMisses::new(at("WorkMisses")?, provider),
            task_types: Vec::new(),
            contracts,
            superfluid,
            devnet,
            fee_recipient,
            treasury,
        })
    }

    /// The task type of that name, which has its pool.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn task_type(&self, name: &str) -> anyhow::Result<TaskType> {
        let id = keccak256(name);
        let pool = read(self.pools.getPool(id).call(), "a pool's address").await?;
        let pool = ISuperfluidPool::new(pool, self.devnet.provider());
        Ok(TaskType { id, pool })
    }
}

/// Whole tokens in wei.
pub fn tokens(amount: u64) -> U256 {
    U256::from(amount) * U256::from(TOKEN)
}

/// Capacity units as a capacity on chain.
pub fn units(amount: f64) -> U256 {
    U256::from((amount * UNIT) as u128)
}
