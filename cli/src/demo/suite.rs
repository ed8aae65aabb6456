//! The suite's core on a devnet with Superfluid, deployed and wired by account 0.

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    providers::DynProvider,
    sol_types::SolValue,
};
use bpe::programs;
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolInstance},
    ICapacityRegistry::{self, ICapacityRegistryInstance},
    ICompletionTracker::{self, ICompletionTrackerInstance},
    IEscrowBuffer::{self, IEscrowBufferInstance},
    IOffchainAggregator::{self, IOffchainAggregatorInstance},
    IPricingCurve::{self, IPricingCurveInstance},
    ISourceStreams::{self, ISourceStreamsInstance},
    IStakeManager::{self, IStakeManagerInstance},
    IStreamGateway::{self, IStreamGatewayInstance},
};
use devnet::Devnet;
use devnet_superfluid::{
    bindings::{
        ISuperToken::{self, ISuperTokenInstance},
        ISuperfluidPool::{self, ISuperfluidPoolInstance},
    },
    SuperfluidAddresses,
};

use super::{
    chain::{read, send},
    world::{Market, World, EPOCH},
};

/// One whole token, which is also what the stake of a capacity unit costs.
pub const TOKEN: u64 = 1_000_000_000_000_000_000;

/// One capacity unit: a generated token per second.
pub const UNIT: f64 = 1e9;

/// The least that a sink stakes, in whole tokens.
const MIN_STAKE: u64 = 100;

/// What a source pays for a generated token at the base fee that every task type starts with, in wei: 10 USDCx for a
/// million. Capacity is worth as much.
pub const PRICE: u64 = 10_000_000_000_000;

/// So many generated tokens are the unit of work that PricingCurve's base fee is for.
pub const TOKENS_PER_FEE: u64 = 100;

/// The protocol fee, in basis points.
const FEE_BPS: u64 = 10;

/// The escrow of a task type is full when this many seconds of its mean demand wait there.
const BUFFER_SECONDS: u64 = 600;

/// A task type on chain.
pub struct TaskType {
    pub id: B256,
    /// Superfluid's pool.
    pub pool: ISuperfluidPoolInstance<DynProvider>,
}

pub struct Suite {
    pub devnet: Devnet,
    pub superfluid: SuperfluidAddresses,
    pub usdcx: ISuperTokenInstance<DynProvider>,
    pub stakes: IStakeManagerInstance<DynProvider>,
    pub registry: ICapacityRegistryInstance<DynProvider>,
    pub pools: IBackpressurePoolInstance<DynProvider>,
    pub escrow: IEscrowBufferInstance<DynProvider>,
    pub gateway: IStreamGatewayInstance<DynProvider>,
    pub streams: ISourceStreamsInstance<DynProvider>,
    pub tracker: ICompletionTrackerInstance<DynProvider>,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub aggregator: IOffchainAggregatorInstance<DynProvider>,
    pub task_types: Vec<TaskType>,
    /// Gets the protocol fee.
    pub fee_recipient: Address,
    /// Gets what is slashed.
    pub treasury: Address,
}

impl Suite {
    pub async fn deploy(
        devnet: Devnet,
        superfluid: SuperfluidAddresses,
        fee_recipient: Address,
        treasury: Address,
    ) -> anyhow::Result<Self> {
        let (owner, provider) = (devnet.account(0), devnet.provider());
        let (gda, token) = (superfluid.gda_v1, superfluid.usdcx);
        let deploy = |contract, arguments| programs::deploy(&devnet, contract, arguments);
        let (unit, minimum) = (tokens(1), tokens(MIN_STAKE));
        let square_root = U256::ZERO;
        let arguments = (token, unit, minimum, square_root, owner).abi_encode_params();
        let stakes = deploy("stake-manager", arguments).await?;
        let arguments = (stakes, owner).abi_encode_params();
        let registry = deploy("capacity-registry", arguments).await?;
        let arguments = (gda, token, registry, owner).abi_encode_params();
        let pools = deploy("backpressure-pool", arguments).await?;
        let arguments = (token, registry, owner).abi_encode_params();
        let escrow = deploy("escrow-buffer", arguments).await?;
        let arguments = (token, pools, owner).abi_encode_params();
        let gateway = deploy("stream-gateway", arguments).await?;
        // The devnet's Superfluid lets any app register.
        let key = String::new();
        let arguments = (gda, token, pools, escrow, gateway, key).abi_encode_params();
        let streams = deploy("source-streams", arguments).await?;
        let arguments = (registry, stakes, owner).abi_encode_params();
        let tracker = deploy("completion-tracker", arguments).await?;
        let arguments = (registry, owner).abi_encode_params();
        let pricing = deploy("pricing-curve", arguments.clone()).await?;
        let aggregator = deploy("offchain-aggregator", arguments).await?;
        let suite = Self {
            usdcx: ISuperToken::new(token, provider.clone()),
            stakes: IStakeManager::new(stakes, provider.clone()),
            registry: ICapacityRegistry::new(registry, provider.clone()),
            pools: IBackpressurePool::new(pools, provider.clone()),
            escrow: IEscrowBuffer::new(escrow, provider.clone()),
            gateway: IStreamGateway::new(gateway, provider.clone()),
            streams: ISourceStreams::new(streams, provider.clone()),
            tracker: ICompletionTracker::new(tracker, provider.clone()),
            pricing: IPricingCurve::new(pricing, provider.clone()),
            aggregator: IOffchainAggregator::new(aggregator, provider),
            task_types: Vec::new(),
            superfluid,
            devnet,
            fee_recipient,
            treasury,
        };
        suite.wire().await?;
        Ok(suite)
    }

    /// Lets the contracts know each other.
    async fn wire(&self) -> anyhow::Result<()> {
        let (devnet, what) = (&self.devnet, "wire the contracts");
        let (registry, pools) = (*self.registry.address(), *self.pools.address());
        let (escrow, streams) = (*self.escrow.address(), *self.streams.address());
        let (tracker, pricing) = (*self.tracker.address(), *self.pricing.address());
        let aggregator = *self.aggregator.address();
        send(devnet, self.stakes.setRegistry(registry, true), what).await?;
        send(devnet, self.stakes.setSlasher(tracker, true), what).await?;
        send(devnet, self.stakes.setTreasury(self.treasury), what).await?;
        send(devnet, self.registry.setAggregator(aggregator), what).await?;
        send(devnet, self.pools.setEscrowBuffer(escrow), what).await?;
        send(devnet, self.pools.setPricingCurve(pricing), what).await?;
        let fee = U256::from(FEE_BPS);
        let fee = self.pools.setProtocolFee(fee, self.fee_recipient);
        send(devnet, fee, what).await?;
        send(devnet, self.escrow.connect(pools, streams), what).await?;
        send(devnet, self.gateway.setSourceStreams(streams), what).await?;
        send(devnet, self.pricing.setEscrowBuffer(escrow), what).await?;
        send(devnet, self.registry.setPool(pools), what).await?;
        Ok(())
    }

    /// Opens the world's task types.
    pub async fn open(&mut self, world: &World) -> anyhow::Result<()> {
        for market in &world.markets {
            let opened = self.open_market(market).await;
            self.task_types.push(opened?);
        }
        Ok(())
    }

    async fn open_market(&self, market: &Market) -> anyhow::Result<TaskType> {
        let (devnet, what) = (&self.devnet, "open a task type");
        let id = keccak256(market.name);
        let register = self.registry.registerTaskType_0(id, tokens(MIN_STAKE));
        send(devnet, register, what).await?;
        send(devnet, self.pools.createPool(id), what).await?;
        // A sink owes what it accepted, at most what it declares. So much capacity is a task of the usual size.
        let weight = units(market.work() / EPOCH as f64).max(U256::ONE);
        send(devnet, self.tracker.setYardstick(id, weight, true), what).await?;
        let price = U256::from(PRICE);
        send(devnet, self.pools.setCapacityPrice(id, price), what).await?;
        let buffer = wei_per_second(market.mean) * U256::from(BUFFER_SECONDS);
        send(devnet, self.escrow.setBufferMax(id, buffer), what).await?;
        let pool = read(self.pools.getPool(id).call(), "a pool's address").await?;
        let pool = ISuperfluidPool::new(pool, devnet.provider());
        Ok(TaskType { id, pool })
    }
}

/// Whole tokens in wei.
pub fn tokens(amount: u64) -> U256 {
    U256::from(amount) * U256::from(TOKEN)
}

/// Generated tokens per second as a capacity on chain.
pub fn units(tokens_per_second: f64) -> U256 {
    U256::from((tokens_per_second * UNIT) as u128)
}

/// What so many generated tokens per second cost at the posted price.
pub fn wei_per_second(tokens_per_second: f64) -> U256 {
    units(tokens_per_second) * U256::from(PRICE) / U256::from(UNIT as u64)
}
