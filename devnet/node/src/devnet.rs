//! The handle to a running chain.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, Bytes, B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{client::RpcClient, types::Filter, types::Log},
    signers::local::{LocalSignerError, PrivateKeySigner},
};
use jsonrpsee::Methods;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::{
    accounts::{dev_accounts, DEV_BALANCE},
    chain::{Chain, ChainSettings},
    clock::{Clock, TimeSource},
    error::NodeError,
    genesis::genesis,
    node::{Mining, Node},
    persist::{self, PersistError},
    reorg::Displaced,
    rpc::{self, Faults, Faulty, TransactionGas},
    server::{bind, RpcServer, ServeError},
    transport::InProcess,
};

/// The chain id of local chains, which tools treat as such.
pub const DEFAULT_CHAIN_ID: u64 = 31_337;

/// Nitro's usual base fee: 0.1 gwei.
pub const DEFAULT_BASE_FEE: u64 = 100_000_000;

/// The gas limit that Nitro's headers state.
const BLOCK_GAS_LIMIT: u64 = 1 << 50;

/// Where [`TimeSource::Manual`] stands at the start: 2026-01-01T00:00:00Z.
pub const MANUAL_GENESIS: u64 = 1_767_225_600;

/// How often providers look for what they wait for.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A chain could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    #[error("cannot derive the development accounts: {0}")]
    Accounts(#[from] LocalSignerError),
    #[error(transparent)]
    Persist(#[from] PersistError),
    #[error(transparent)]
    Faults(#[from] NodeError),
}

/// How a chain starts.
#[derive(Clone, Debug)]
pub struct DevnetBuilder {
    chain_id: u64,
    base_fee: u64,
    mining: Mining,
    time: TimeSource,
    genesis_time: Option<u64>,
    state: Option<PathBuf>,
    speed: u32,
    faults: Faults,
    instance: Option<B256>,
}

impl Default for DevnetBuilder {
    fn default() -> Self {
        Self {
            chain_id: DEFAULT_CHAIN_ID,
            base_fee: DEFAULT_BASE_FEE,
            mining: Mining::Automatic,
            time: TimeSource::Manual,
            genesis_time: None,
            state: None,
            speed: 1,
            faults: Faults::default(),
            instance: None,
        }
    }
}

impl DevnetBuilder {
    pub fn chain_id(mut self, chain_id: u64) -> Self {
        self.chain_id = chain_id;
        self
    }

    pub fn base_fee(mut self, wei: u64) -> Self {
        self.base_fee = wei;
        self
    }

    pub fn mining(mut self, mining: Mining) -> Self {
        self.mining = mining;
        self
    }

    /// Lets time pass by the machine's clock. Without this it stands still, and only travel moves it.
    pub fn system_time(mut self) -> Self {
        self.time = TimeSource::System;
        self
    }

    /// Lets `factor` seconds pass here for one of the machine; with [`Self::system_time`].
    pub fn speed(mut self, factor: u32) -> Self {
        self.speed = factor;
        self
    }

    /// Gives the genesis a hash of its own, and with it every block, also of a chain from a file: what was recorded of
    /// one chain is then not taken for another's. Without this equal chains have equal hashes.
    pub fn instance(mut self, instance: B256) -> Self {
        self.instance = Some(instance);
        self
    }

    /// Sets what goes wrong, for tests of clients.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Timestamp of the genesis block.
    pub fn genesis_time(mut self, timestamp: u64) -> Self {
        self.genesis_time = Some(timestamp);
        self
    }

    /// Starts from the chain saved at `path`, if there is one; it must have the same chain id.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// Starts the chain.
    pub fn build(self) -> Result<Devnet, DevnetError> {
        let signers = dev_accounts()?;
        let saved = match &self.state {
            Some(path) => persist::load(path, self.chain_id, self.time, self.instance)?,
            None => None,
        };
        let loaded = saved.is_some();
        let mut chain = saved.unwrap_or_else(|| self.new_chain(&signers));
        let latest = chain.head().header.timestamp;
        if self.time == TimeSource::System && self.speed.max(chain.clock.speed()) > 1 {
            chain.clock.set_speed(self.speed, latest);
        }
        let faults = Arc::new(Faulty::default());
        faults.set(self.faults, &chain)?;
        let node = Arc::new(Node::new(chain, &signers, self.mining));
        Ok(Devnet {
            methods: rpc::methods(Arc::clone(&node), Arc::clone(&faults)),
            node,
            faults,
            signers,
            loaded,
            saving: Arc::default(),
        })
    }

    fn new_chain(&self, signers: &[PrivateKeySigner]) -> Chain {
        let genesis_time = match self.time {
            TimeSource::System => self.genesis_time,
            TimeSource::Manual => Some(self.genesis_time.unwrap_or(MANUAL_GENESIS)),
        };
        let settings = ChainSettings {
            instance: self.instance.unwrap_or_default(),
            ..ChainSettings::new(self.chain_id, self.base_fee, BLOCK_GAS_LIMIT)
        };
        let funded = crate::accounts::addresses(signers);
        Chain::new(
            settings,
            Clock::new(self.time, genesis_time),
            genesis(&funded, DEV_BALANCE),
        )
    }
}

/// A running chain. Clones are handles to the same one.
#[derive(Clone)]
pub struct Devnet {
    node: Arc<Node>,
    faults: Arc<Faulty>,
    methods: Methods,
    signers: Vec<PrivateKeySigner>,
    loaded: bool,
    /// Saves take turns: they share a temporary file, and an older chain must not replace a newer one.
    saving: Arc<Mutex<()>>,
}

impl Devnet {
    pub fn builder() -> DevnetBuilder {
        DevnetBuilder::default()
    }

    /// A chain with the defaults for tests: automatic mining, time that stands still.
    pub fn new() -> Result<Self, DevnetError> {
        Self::builder().build()
    }

    /// Whether it started from a saved chain.
    pub fn loaded(&self) -> bool {
        self.loaded
    }

    pub fn chain_id(&self) -> u64 {
        self.node.chain().settings.chain_id
    }

    /// The hash of block 0, which tells this chain from others of its id.
    pub fn instance(&self) -> B256 {
        let chain = self.node.chain();
        chain.block(0).map_or(B256::ZERO, |genesis| genesis.hash)
    }

    // --- Accounts and providers.

    /// The funded accounts' addresses.
    pub fn accounts(&self) -> &[Address] {
        self.node.accounts()
    }

    /// The funded accounts, with their keys.
    pub fn signers(&self) -> &[PrivateKeySigner] {
        &self.signers
    }

    /// The address of funded account `index`, 0 to 9.
    pub fn account(&self, index: usize) -> Address {
        self.accounts()[index]
    }

    /// A provider without keys: transactions of the funded accounts and of impersonated ones are signed by the node.
    /// Without `from` they come from the first account.
    pub fn provider(&self) -> DynProvider {
        ProviderBuilder::default()
            .connect_client(self.client())
            .erased()
    }

    /// A provider that signs for funded account `index` unless told otherwise, and for the other ones on request.
    pub fn provider_as(&self, index: usize) -> DynProvider {
        let mut wallet = EthereumWallet::new(self.signers[index].clone());
        for signer in self
            .signers
            .iter()
            .filter(|signer| signer.address() != self.account(index))
        {
            wallet.register_signer(signer.clone());
        }
        // Nonces are asked for each time: snapshots take them back.
        ProviderBuilder::default()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(wallet)
            .connect_client(self.client())
            .erased()
    }

    /// A client of the RPC methods, in process.
    pub fn client(&self) -> RpcClient {
        RpcClient::new(InProcess::new(self.methods.clone()), true).with_poll_interval(POLL_INTERVAL)
    }

    /// The RPC methods.
    pub fn methods(&self) -> &Methods {
        &self.methods
    }

    /// Serves the RPC methods over HTTP and WebSocket; port 0 takes any free one.
    pub async fn serve(&self, address: SocketAddr) -> Result<RpcServer, ServeError> {
        self.serve_on(bind(address)?).await
    }

    /// Serves them on a port taken before with [`bind`].
    pub async fn serve_on(&self, listener: TcpListener) -> Result<RpcServer, ServeError> {
        RpcServer::start(listener, self.methods.clone()).await
    }

    // --- Time and blocks.

    /// The latest block's timestamp.
    pub fn timestamp(&self) -> u64 {
        self.node.chain().head().header.timestamp
    }

    /// The latest block's number on this chain.
    pub fn block_number(&self) -> u64 {
        self.node.chain().head().number()
    }

    /// What contracts see as `block.number`: the number of the L1 block.
    pub fn l1_block_number(&self) -> u64 {
        self.node.chain().head().l1_number()
    }

    /// Moves time on by `seconds`, and mines a block, so that calls see the new time.
    pub fn advance_time(&self, seconds: u64) -> Result<(), NodeError> {
        self.node.increase_time(seconds);
        self.node.mine_pending().map(drop)
    }

    /// Mines a block at `timestamp`; time goes on from there.
    pub fn set_timestamp(&self, timestamp: u64) -> Result<(), NodeError> {
        self.node.set_next_timestamp(timestamp)?;
        self.node.mine_pending().map(drop)
    }

    /// The timestamp of the next block, whatever it will hold.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), NodeError> {
        self.node.set_next_timestamp(timestamp)
    }

    /// Mines `count` blocks, each on the next L1 block or a later one.
    pub fn mine(&self, count: u64) -> Result<(), NodeError> {
        self.node.mine(count, 0)
    }

    /// Sets when blocks are mined from now on.
    pub fn set_mining(&self, mining: Mining) {
        self.node.set_mining(mining);
    }

    /// Mines a block of the waiting transactions every `interval` of the chain's time, until it is told otherwise, within
    /// a runtime of tokio.
    pub fn mine_every(&self, interval: Option<Duration>) -> Result<(), NodeError> {
        self.node.mine_every(interval)
    }

    // --- Snapshots and saved state.

    /// Remembers the chain as it is; O(1).
    pub fn snapshot(&self) -> u64 {
        self.node.snapshot()
    }

    /// Goes back to a snapshot, and forgets it and all later ones. False if there is no such snapshot.
    pub fn revert(&self, snapshot: u64) -> bool {
        self.node.revert(snapshot)
    }

    /// Saves the chain; [`DevnetBuilder::state_file`] loads it.
    pub fn save(&self, path: &Path) -> Result<(), PersistError> {
        let _alone = self.saving.lock();
        persist::save(&self.node.chain(), path)
    }

    /// Grows with every change of the chain: whoever saves it knows when to.
    pub fn changes(&self) -> u64 {
        self.node.changes()
    }

    // --- What tests of clients provoke.

    /// Replaces the newest `depth` blocks by as many others; `displaced` says what becomes of their transactions.
    pub fn reorganise(&self, depth: u64, displaced: Displaced) -> Result<(), NodeError> {
        self.node.reorganise(depth, displaced)
    }

    /// Sets what goes wrong from now on; [`Faults::default`] is nothing.
    pub fn set_faults(&self, faults: Faults) -> Result<(), NodeError> {
        self.faults.set(faults, &self.node.chain())
    }

    // --- Edits.

    pub fn set_balance(&self, address: Address, balance: U256) {
        self.node.edit(address, |account| account.balance = balance);
    }

    pub fn set_code(&self, address: Address, code: Bytes) {
        self.node.edit(address, |account| account.code = Some(code));
    }

    pub fn set_storage_at(&self, address: Address, slot: U256, value: U256) {
        self.node
            .edit(address, |account| account.storage = [(slot, value)].into());
    }

    /// Lets `address` send transactions through [`Self::provider`].
    pub fn impersonate(&self, address: Address) {
        self.node.impersonate(address);
    }

    // --- What happened.

    /// Logs that match `filter`; without a range, those of the latest block.
    pub fn logs(&self, filter: &Filter) -> Result<Vec<Log>, NodeError> {
        rpc::logs(&self.node.chain(), filter)
    }

    /// Where the gas of a mined transaction went, and how many storage writes and external calls it made.
    pub fn gas_breakdown(&self, transaction: B256) -> Result<TransactionGas, NodeError> {
        rpc::transaction_gas(&self.node.chain(), transaction)
    }

    /// What a mined transaction reverted with; `None` if it succeeded.
    pub fn revert_data(&self, transaction: B256) -> Result<Option<Bytes>, NodeError> {
        rpc::revert_data(&self.node.chain(), transaction)
    }
}
