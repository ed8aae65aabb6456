//! The node: one chain, a pool of waiting transactions, and the operations that RPC and tests share.
//!
//! What changes the chain runs under one lock. What only reads takes an O(1) copy of the chain and runs beside it, so
//! a long call holds nobody up.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::Duration,
};

use alloy::{
    consensus::{transaction::Recovered, SignableTransaction, Transaction as _, TxEnvelope},
    network::TxSignerSync,
    primitives::{Address, Signature, B256, U256},
    rpc::types::TransactionRequest,
    signers::{local::PrivateKeySigner, SignerSync as _},
};
use devnet_vm::{BlockContext, Execution, ExecutionOptions, Executor};
use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle, time::MissedTickBehavior};

use crate::{
    accounts::addresses,
    block::{Block, BlockSeal, MinedTransaction},
    chain::{Chain, ChainSettings},
    error::{NodeError, TransactionError},
    pool::Pool,
    state::{AccountDiff, State, StateDiff},
    transaction,
};

/// The most blocks that one request may mine.
pub const MAX_BLOCKS_PER_REQUEST: u64 = 50_000;

/// When blocks are mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// One block for each transaction, at once.
    Automatic,
    /// Whenever [`Node::mine_pending`] is called.
    Manual,
}

/// A running chain.
pub struct Node {
    pub executor: Executor,
    signers: HashMap<Address, PrivateKeySigner>,
    accounts: Vec<Address>,
    pub(crate) inner: Mutex<Inner>,
    head: watch::Sender<u64>,
    changes: AtomicU64,
    /// One for each share of the senders: between a nonce and its transaction no other one of the sender may come.
    sending: [Mutex<()>; SENDING_LOCKS],
    /// Mines by itself.
    ticking: Mutex<Option<(Duration, JoinHandle<()>)>>,
}

const SENDING_LOCKS: usize = 16;

/// Transactions executed for a block.
struct Built {
    mined: Vec<MinedTransaction>,
    diff: StateDiff,
    state: State,
    /// Had no room.
    left: Vec<Recovered<TxEnvelope>>,
    /// Why the last one that could not run could not.
    refusal: Option<NodeError>,
}

pub(crate) struct Inner {
    pub(crate) chain: Chain,
    pub(crate) pool: Pool,
    mining: Mining,
    snapshots: Vec<(u64, Chain)>,
    next_snapshot: u64,
    impersonated: HashSet<Address>,
    impersonate_all: bool,
}

impl Node {
    pub fn new(chain: Chain, signers: &[PrivateKeySigner], mining: Mining) -> Self {
        Self {
            executor: Executor::default(),
            signers: signers
                .iter()
                .map(|signer| (signer.address(), signer.clone()))
                .collect(),
            accounts: addresses(signers),
            head: watch::Sender::new(chain.head().number()),
            inner: Mutex::new(Inner {
                chain,
                pool: Pool::default(),
                mining,
                snapshots: Vec::new(),
                next_snapshot: 1,
                impersonated: HashSet::new(),
                impersonate_all: false,
            }),
            changes: AtomicU64::new(0),
            ticking: Mutex::default(),
            sending: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    /// The accounts the node signs for.
    pub fn accounts(&self) -> &[Address] {
        &self.accounts
    }

    /// A copy of the chain as it is now.
    pub fn chain(&self) -> Chain {
        self.inner.lock().chain.clone()
    }

    /// Announces the number of the latest block whenever it changes.
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Grows with every change; tells whether there is something new to save.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(crate) fn changed(&self, chain: &Chain) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.head.send_replace(chain.head().number());
    }

    // --- Transactions.

    /// Accepts a signed transaction.
    pub fn send_raw(&self, raw: &[u8]) -> Result<B256, NodeError> {
        self.submit(transaction::decode(raw)?, false)
    }

    /// Signs for one of [`Self::accounts`], or stands in for an impersonated account, and accepts the transaction.
    /// What the request leaves out is filled in.
    pub fn send(&self, request: TransactionRequest) -> Result<B256, NodeError> {
        let sender = request
            .from
            .or(self.accounts.first().copied())
            .unwrap_or_default();
        let _alone = self.sending[usize::from(sender[19]) % SENDING_LOCKS].lock();
        let (envelope, sender) = self.sign(request)?;
        let impersonated = self.is_impersonated(sender);
        self.submit(Recovered::new_unchecked(envelope, sender), impersonated)
    }

    /// Completes a request and signs it for its sender, which is one of [`Self::accounts`] or impersonated.
    pub fn sign(
        &self,
        mut request: TransactionRequest,
    ) -> Result<(TxEnvelope, Address), NodeError> {
        let sender = request
            .from
            .or(self.accounts.first().copied())
            .unwrap_or_default();
        request.from = Some(sender);
        let impersonated = self.is_impersonated(sender);
        if !impersonated && !self.signers.contains_key(&sender) {
            return Err(NodeError::UnknownAccount(sender));
        }
        request.trim_conflicting_keys();
        let chain = self.chain();
        if request.gas.is_none() {
            request.gas = Some(self.estimate_gas(&chain, request.clone(), None, None)?);
        }
        let base_fee = u128::from(chain.settings.base_fee);
        if request.gas_price.is_none() && request.max_fee_per_gas.is_none() {
            request.max_fee_per_gas =
                Some(2 * base_fee + request.max_priority_fee_per_gas.unwrap_or_default());
        }
        if request.gas_price.is_none() {
            request.max_priority_fee_per_gas.get_or_insert(0);
        }
        request.nonce.get_or_insert_with(|| self.next_nonce(sender));
        request.chain_id.get_or_insert(chain.settings.chain_id);
        request.to.get_or_insert(alloy::primitives::TxKind::Create);
        let mut unsigned = request
            .build_consensus_tx()
            .map_err(|error| NodeError::InvalidArgument(error.error))?;
        let signature = match self.signers.get(&sender) {
            Some(signer) if !impersonated => signer
                .sign_transaction_sync(&mut unsigned)
                .map_err(|error| NodeError::Internal(error.to_string()))?,
            // No key: the address in place of a signature keeps hashes distinct.
            _ => Signature::new(U256::from_be_slice(sender.as_slice()), U256::ONE, false),
        };
        Ok((unsigned.into_signed(signature).into(), sender))
    }

    /// Signs a hash with the key of one of [`Self::accounts`].
    pub fn sign_hash(&self, address: Address, hash: B256) -> Result<Signature, NodeError> {
        let signer = self.signers.get(&address);
        let signer = signer.ok_or(NodeError::UnknownAccount(address))?;
        signer
            .sign_hash_sync(&hash)
            .map_err(|error| NodeError::Internal(error.to_string()))
    }

    fn submit(&self, tx: Recovered<TxEnvelope>, impersonated: bool) -> Result<B256, NodeError> {
        let mut inner = self.inner.lock();
        let hash = *tx.inner().tx_hash();
        if inner.chain.transaction(hash).is_some() {
            return Err(TransactionError::AlreadyKnown(hash).into());
        }
        let head = inner.chain.head();
        transaction::validate(&tx, &head.state, &inner.chain.settings, impersonated)?;
        let ready = tx.inner().nonce() == head.state.nonce(tx.signer());
        if inner.mining == Mining::Manual || !ready {
            inner.pool.insert(tx)?;
            return Ok(hash);
        }
        self.mine_block(&mut inner, vec![tx])?;
        loop {
            let state = inner.chain.head().state.clone();
            let unblocked = inner.pool.take_ready(&state);
            if unblocked.is_empty() {
                return Ok(hash);
            }
            for tx in unblocked {
                // Its turn has come, but it may have become unaffordable: then it is dropped, as from any pool.
                let _ = self.mine_block(&mut inner, vec![tx]);
            }
        }
    }

    /// Executes `transactions` into a block. One that cannot run at all is an error if it is alone, and else left out.
    /// Those that the block has no room for wait for the next one.
    pub(crate) fn mine_block(
        &self,
        inner: &mut Inner,
        transactions: Vec<Recovered<TxEnvelope>>,
    ) -> Result<Arc<Block>, NodeError> {
        let alone = transactions.len() == 1;
        let seal = inner.chain.next_seal();
        let built = self.build(&inner.chain, &seal, transactions);
        if let (true, Some(error)) = (alone, built.refusal) {
            return Err(error);
        }
        inner.pool.put_back(built.left);
        let block = inner.chain.mine(seal, built.mined, built.diff, built.state);
        self.changed(&inner.chain);
        Ok(block)
    }

    /// Executes transactions on the head of `chain`.
    fn build(
        &self,
        chain: &Chain,
        seal: &BlockSeal,
        transactions: Vec<Recovered<TxEnvelope>>,
    ) -> Built {
        let mut context = block_context(chain, seal);
        let mut built = Built {
            mined: Vec::with_capacity(transactions.len()),
            diff: StateDiff::default(),
            state: chain.head().state.clone(),
            left: Vec::new(),
            refusal: None,
        };
        for tx in transactions {
            let before = built
                .mined
                .last()
                .map_or(0, |tx: &MinedTransaction| tx.cumulative_gas_used);
            let env = transaction::environment(&tx, seal.base_fee);
            if env.gas_limit > seal.gas_limit.saturating_sub(before) && before > 0 {
                built.left.push(tx);
                continue;
            }
            let options = ExecutionOptions {
                allow_contract_sender: true,
                ..ExecutionOptions::default()
            };
            let executed = self
                .executor
                .execute(built.state.clone(), &context, env, options);
            let execution = match executed {
                Ok(execution) => execution,
                Err(error) => {
                    built.refusal = Some(error.into());
                    continue;
                }
            };
            context.recent_programs = execution.recent_programs.clone();
            let change = StateDiff::from_execution(&execution.state);
            built.state.apply(&change);
            built.diff.merge(change);
            built
                .mined
                .push(mined_transaction(tx, execution, before, seal.base_fee));
        }
        built
    }

    /// The chain with one block more: what would be mined now of what waits.
    pub fn pending_chain(&self) -> Chain {
        let (mut chain, mut pool) = {
            let inner = self.inner.lock();
            (inner.chain.clone(), inner.pool.clone())
        };
        let ready = pool.take_ready(&chain.head().state);
        let seal = chain.next_seal();
        let built = self.build(&chain, &seal, ready);
        chain.mine(seal, built.mined, built.diff, built.state);
        chain
    }

    /// Everything that waits, in order of arrival.
    pub fn waiting(&self) -> Vec<Recovered<TxEnvelope>> {
        self.inner.lock().pool.all().to_vec()
    }

    /// Those that the next block may have, and those that wait for others.
    pub fn waiting_parts(&self) -> (Vec<Recovered<TxEnvelope>>, Vec<Recovered<TxEnvelope>>) {
        let (mut pool, state) = {
            let inner = self.inner.lock();
            (inner.pool.clone(), inner.chain.head().state.clone())
        };
        let ready = pool.take_ready(&state);
        (ready, pool.all().to_vec())
    }

    /// Takes waiting transactions out of the pool; gives how many there were.
    pub fn drop_waiting(&self, unwanted: impl Fn(&Recovered<TxEnvelope>) -> bool) -> usize {
        self.inner.lock().pool.drop_if(unwanted)
    }

    /// A waiting transaction.
    pub fn pending(&self, hash: B256) -> Option<Recovered<TxEnvelope>> {
        self.inner.lock().pool.get(hash).cloned()
    }

    /// The next nonce of `sender`, waiting transactions included.
    pub fn next_nonce(&self, sender: Address) -> u64 {
        let inner = self.inner.lock();
        inner.pool.next_nonce(sender, &inner.chain.head().state)
    }

    // --- Mining, time and snapshots.

    /// Mines a block of all waiting transactions that can run; an empty one if there are none.
    pub fn mine_pending(&self) -> Result<Arc<Block>, NodeError> {
        self.mine_ready(&mut self.inner.lock())
    }

    fn mine_ready(&self, inner: &mut Inner) -> Result<Arc<Block>, NodeError> {
        let state = inner.chain.head().state.clone();
        let ready = inner.pool.take_ready(&state);
        match ready.len() {
            // Alone it would fail the block instead of being left out.
            1 => match self.mine_block(inner, ready) {
                Err(_) => self.mine_block(inner, Vec::new()),
                mined => mined,
            },
            _ => self.mine_block(inner, ready),
        }
    }

    /// Mines `count` blocks on request, each on a later L1 block, `interval` seconds apart.
    pub fn mine(&self, count: u64, interval: u64) -> Result<(), NodeError> {
        if count > MAX_BLOCKS_PER_REQUEST {
            return Err(NodeError::InvalidArgument(format!(
                "{count} blocks, at most {MAX_BLOCKS_PER_REQUEST} at once"
            )));
        }
        let mut inner = self.inner.lock();
        for index in 0..count {
            if index > 0 {
                inner.chain.clock.advance(interval);
            }
            let (l1_number, latest) = (
                inner.chain.head().l1_number(),
                inner.chain.head().header.timestamp,
            );
            let timestamp = inner.chain.clock.next_timestamp(latest);
            inner.chain.clock.pass_l1_block(l1_number, timestamp);
            self.mine_ready(&mut inner)?;
        }
        Ok(())
    }

    pub fn set_mining(&self, mining: Mining) {
        self.inner.lock().mining = mining;
    }

    /// Mines a block of what waits every `interval` of the chain's time, or no more.
    pub fn mine_every(self: &Arc<Self>, interval: Option<Duration>) -> Result<(), NodeError> {
        let task = match interval {
            Some(interval) => Some(self.mining_task(interval)?),
            None => None,
        };
        let mut ticking = self.ticking.lock();
        if let Some((_, task)) = ticking.take() {
            task.abort();
        }
        *ticking = interval.zip(task);
        Ok(())
    }

    /// How often blocks are mined by themselves.
    pub fn interval(&self) -> Option<Duration> {
        self.ticking.lock().as_ref().map(|(interval, _)| *interval)
    }

    fn mining_task(self: &Arc<Self>, interval: Duration) -> Result<JoinHandle<()>, NodeError> {
        let runtime =
            Handle::try_current().map_err(|error| NodeError::Internal(error.to_string()))?;
        let node = Arc::downgrade(self);
        let pause = interval / self.chain().clock.speed();
        Ok(runtime.spawn(async move {
            let mut ticks = tokio::time::interval(pause.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                let Some(node) = node.upgrade() else {
                    return;
                };
                // Should mining panic, the next block may do better.
                let _ = tokio::task::spawn_blocking(move || node.mine_pending().map(drop)).await;
            }
        }))
    }

    pub fn mining(&self) -> Mining {
        self.inner.lock().mining
    }

    /// Moves the time of later blocks by `seconds`; gives all travel so far.
    pub fn increase_time(&self, seconds: u64) -> i64 {
        let mut inner = self.inner.lock();
        let travelled = inner.chain.clock.advance(seconds);
        self.changed(&inner.chain);
        travelled
    }

    /// Sets the next block's timestamp; time goes on from there.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), NodeError> {
        let mut inner = self.inner.lock();
        let latest = inner.chain.head().header.timestamp;
        inner.chain.clock.set_next(timestamp, latest)?;
        self.changed(&inner.chain);
        Ok(())
    }

    /// Remembers the chain as it is; the number is for [`Self::revert`].
    pub fn snapshot(&self) -> u64 {
        let mut inner = self.inner.lock();
        let (id, chain) = (inner.next_snapshot, inner.chain.clone());
        inner.snapshots.push((id, chain));
        inner.next_snapshot += 1;
        id
    }

    /// Goes back to a snapshot, which is used up together with those taken after it. Waiting transactions are
    /// forgotten. False if there is no such snapshot.
    pub fn revert(&self, id: u64) -> bool {
        let mut inner = self.inner.lock();
        let Some(position) = inner.snapshots.iter().position(|(known, _)| *known == id) else {
            return false;
        };
        let (_, chain) = inner.snapshots.swap_remove(position);
        inner.snapshots.truncate(position);
        inner.chain = chain;
        inner.pool = Pool::default();
        self.changed(&inner.chain);
        true
    }

    // --- Edits.

    /// Changes one account of the latest state, outside of any transaction.
    pub fn edit(&self, address: Address, change: impl FnOnce(&mut AccountDiff)) {
        let mut inner = self.inner.lock();
        let mut diff = inner.chain.head().state.unchanged(address);
        change(&mut diff);
        inner.chain.edit(StateDiff([(address, Some(diff))].into()));
        self.changed(&inner.chain);
    }

    /// Lets `address` send transactions without a signature.
    pub fn impersonate(&self, address: Address) {
        self.inner.lock().impersonated.insert(address);
    }

    pub fn stop_impersonating(&self, address: Address) {
        self.inner.lock().impersonated.remove(&address);
    }

    pub fn impersonate_all(&self, enabled: bool) {
        self.inner.lock().impersonate_all = enabled;
    }

    /// Changes what holds for later blocks.
    pub fn configure(&self, change: impl FnOnce(&mut ChainSettings)) {
        let mut inner = self.inner.lock();
        change(&mut inner.chain.settings);
        self.changed(&inner.chain);
    }

    /// Puts another chain in the place of this one. Snapshots and waiting transactions are forgotten.
    pub fn replace(&self, chain: Chain) {
        let mut inner = self.inner.lock();
        inner.chain = chain;
        inner.pool = Pool::default();
        inner.snapshots.clear();
        self.changed(&inner.chain);
    }

    fn is_impersonated(&self, address: Address) -> bool {
        let inner = self.inner.lock();
        inner.impersonated.contains(&address)
            || (inner.impersonate_all && !self.signers.contains_key(&address))
    }
}

/// What the executor must know of the block that `seal` describes.
pub(crate) fn block_context(chain: &Chain, seal: &BlockSeal) -> BlockContext {
    BlockContext {
        chain_id: chain.settings.chain_id,
        number: seal.number,
        l1_number: seal.l1_number,
        timestamp: seal.timestamp,
        base_fee: seal.base_fee,
        gas_limit: seal.gas_limit,
        coinbase: seal.coinbase,
        prevrandao: seal.prevrandao,
        ..BlockContext::default()
    }
}

/// The context of a block already mined.
pub(crate) fn mined_context(chain: &Chain, block: &Block) -> BlockContext {
    let seal = BlockSeal {
        parent_hash: block.header.parent_hash,
        number: block.number(),
        l1_number: block.l1_number(),
        timestamp: block.header.timestamp,
        base_fee: block.base_fee(),
        gas_limit: block.header.gas_limit,
        coinbase: block.header.beneficiary,
        prevrandao: block.prevrandao,
        fork: block.fork(),
        extra_data: B256::ZERO,
        state_root: None,
    };
    block_context(chain, &seal)
}

pub(crate) fn mined_transaction(
    envelope: Recovered<TxEnvelope>,
    execution: Execution,
    gas_before: u64,
    base_fee: u64,
) -> MinedTransaction {
    let success = execution.result.is_success();
    let gas_used = execution.result.tx_gas_used();
    let created = success && envelope.inner().is_create();
    let contract_address = created.then(|| envelope.signer().create(envelope.inner().nonce()));
    MinedTransaction {
        success,
        gas_used,
        cumulative_gas_used: gas_before + gas_used,
        effective_gas_price: base_fee.into(),
        contract_address,
        gas: execution.gas,
        activity: execution.activity,
        output: execution.result.output().cloned().unwrap_or_default(),
        logs: if success {
            execution.result.into_logs()
        } else {
            Vec::new()
        },
        envelope,
    }
}
