//! The suite on a devnet with Superfluid, deployed as `bpe deploy` deploys it, by account 0.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    providers::DynProvider,
};
use anyhow::Context as _;
use bpe::deploy::{self, Book, Chain, Config, Request};
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
    /// Superfluid's: runs the gateway's macro for sources.
    pub macros: IBlindMacroForwarderInstance<DynProvider>,
    pub tracker: ICompletionTrackerInstance<DynProvider>,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub aggregator: IOffchainAggregatorInstance<DynProvider>,
    pub ledger: IWorkLedgerInstance<DynProvider>,
    pub vouchers: IWorkVouchersInstance<DynProvider>,
    pub reserve: IWorkReserveInstance<DynProvider>,
    pub task_types: Vec<TaskType>,
    /// All contracts of the suite, by name.
    pub contracts: BTreeMap<&'static str, Address>,
    /// Gets the protocol fee.
    pub fee_recipient: Address,
    /// Gets what is slashed.
    pub treasury: Address,
}

impl Suite {
    /// Deploys, connects and verifies all there is. What the world's sinks owe holds from the start: once staking is open, it
    /// takes notice.
    pub async fn deploy(
        devnet: Devnet,
        superfluid: SuperfluidAddresses,
        world: &World,
        fee_recipient: Address,
        treasury: Address,
    ) -> anyhow::Result<Self> {
        let config = Config {
            protocol_fee_bps: Some(FEE_BPS),
            fee_recipient: Some(fee_recipient),
            treasury: Some(treasury),
            stake: deploy::Stake {
                // One token for all, so that the books balance in one currency.
                token: Some(superfluid.usdcx),
                // The books have no account of who advances.
                slash_reward: Some("0".to_owned()),
                ..deploy::Stake::default()
            },
            task_types: world.markets.iter().map(configured).collect(),
            ..Config::default()
        };
        let contracts = deploy_all(&devnet, superfluid, config).await?;
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
            reserve: IWorkReserve::new(at("WorkReserve")?, provider),
            task_types: Vec::new(),
            contracts,
            superfluid,
            devnet,
            fee_recipient,
            treasury,
        })
    }

    /// Sets prices and buffers of the world's task types.
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
        if !market.is_by_work() {
            let price = U256::from(PRICE);
            send(devnet, self.pools.setCapacityPrice(id, price), what).await?;
            let buffer = wei_per_second(market.mean) * U256::from(BUFFER_SECONDS);
            send(devnet, self.escrow.setBufferMax(id, buffer), what).await?;
        }
        let pool = read(self.pools.getPool(id).call(), "a pool's address").await?;
        let pool = ISuperfluidPool::new(pool, devnet.provider());
        Ok(TaskType { id, pool })
    }
}

/// A market as a task type to deploy. By capacity, a sink owes what it accepted, at most what it declares. By work, it is not
/// paid for what it does not do.
fn configured(market: &Market) -> deploy::TaskType {
    // So much capacity is a task of the usual size.
    let weight = units(market.work() / EPOCH as f64).max(U256::ONE);
    let is_judged = !market.is_by_work();
    deploy::TaskType {
        name: market.name.to_owned(),
        min_stake: Some(tokens(MIN_STAKE).to_string()),
        weighting: Some(market.settlement.name().to_owned()),
        yardstick: is_judged.then(|| "assigned".to_owned()),
        completion_weight: is_judged.then(|| weight.to_string()),
        ..deploy::TaskType::default()
    }
}

/// Runs `bpe deploy`'s library on the devnet, over HTTP as it wants it. The deployments file is of no use afterwards: the
/// chain goes with the demo.
async fn deploy_all(
    devnet: &Devnet,
    superfluid: SuperfluidAddresses,
    config: Config,
) -> anyhow::Result<BTreeMap<&'static str, Address>> {
    let folder = tempfile::tempdir().context("cannot make a folder for the deployments file")?;
    Book::open(folder.path(), devnet.chain_id(), Some(devnet.instance()))?
        .set_superfluid(superfluid)?;
    let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = devnet.serve(free_port).await?;
    let owner = devnet.signers()[0].clone();
    let chain = Chain::connect(&server.http_url(), Some(owner)).await?;
    let request = Request {
        config,
        quiet: true,
        ..Request::new(folder.path())
    };
    let deployed = deploy::deploy(&chain, &request).await?;
    println!(
        "{} contracts, {} links and parameters read back.",
        deployed.addresses.len(),
        deployed.checks
    );
    drop(chain);
    server.stop().await;
    Ok(deployed.addresses)
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
