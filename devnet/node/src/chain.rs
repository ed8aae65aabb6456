//! The chain of blocks. A clone is O(1): that is what snapshots are.

use std::sync::Arc;

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256},
};

use crate::{
    block::{Block, BlockSeal, MinedTransaction, PREVRANDAO, SEQUENCER},
    clock::{Clock, L1_GENESIS},
    state::{PersistentMap, State, StateDiff},
};

/// What holds for the next block and those after it.
#[derive(Clone, Copy, Debug)]
pub struct ChainSettings {
    pub chain_id: u64,
    pub base_fee: u64,
    pub gas_limit: u64,
    pub coinbase: Address,
    /// Of the next block alone.
    pub prevrandao: B256,
    /// How many reorganisations there have been.
    pub fork: u64,
    /// Tells this chain from others with the same id and accounts.
    pub instance: B256,
}

impl ChainSettings {
    pub fn new(chain_id: u64, base_fee: u64, gas_limit: u64) -> Self {
        Self {
            chain_id,
            base_fee,
            gas_limit,
            coinbase: SEQUENCER,
            prevrandao: PREVRANDAO,
            fork: 0,
            instance: B256::ZERO,
        }
    }
}

/// What became of a chain between two looks at it.
pub struct Change {
    /// Blocks that are no longer there, the newest first.
    pub removed: Vec<Arc<Block>>,
    /// Blocks that were not there, the oldest first.
    pub added: Vec<Arc<Block>>,
}

/// Blocks from the genesis to the head.
#[derive(Clone, Debug)]
pub struct Chain {
    pub settings: ChainSettings,
    pub clock: Clock,
    blocks: imbl::Vector<Arc<Block>>,
    numbers: PersistentMap<B256, u64>,
    transactions: PersistentMap<B256, (u64, usize)>,
}

impl Chain {
    /// A chain of one block, which has `accounts`.
    pub fn new(settings: ChainSettings, clock: Clock, accounts: StateDiff) -> Self {
        Self::restored(settings, clock, accounts, None)
    }

    /// The same with the state root that the block had when it was mined.
    pub fn restored(
        settings: ChainSettings,
        clock: Clock,
        accounts: StateDiff,
        state_root: Option<B256>,
    ) -> Self {
        let mut state = State::default();
        state.apply(&accounts);
        let seal = BlockSeal {
            parent_hash: B256::ZERO,
            number: 0,
            // Whatever the clock has become by the time the chain is restored.
            l1_number: L1_GENESIS,
            timestamp: clock.genesis(),
            base_fee: settings.base_fee,
            gas_limit: settings.gas_limit,
            coinbase: settings.coinbase,
            prevrandao: settings.prevrandao,
            fork: settings.fork,
            extra_data: settings.instance,
            state_root,
        };
        let mut chain = Self {
            settings,
            clock,
            blocks: imbl::Vector::new(),
            numbers: PersistentMap::default(),
            transactions: PersistentMap::default(),
        };
        chain.append(Block::seal(seal, Vec::new(), accounts, state));
        chain
    }

    /// Adds the next block.
    pub fn append(&mut self, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        self.numbers.insert(block.hash, block.number());
        for (index, tx) in block.transactions.iter().enumerate() {
            self.transactions.insert(tx.hash(), (block.number(), index));
        }
        self.blocks.push_back(Arc::clone(&block));
        block
    }

    /// The header of the block that would be mined now.
    pub fn next_seal(&self) -> BlockSeal {
        let head = self.head();
        let timestamp = self.clock.next_timestamp(head.header.timestamp);
        BlockSeal {
            parent_hash: head.hash,
            number: head.number() + 1,
            l1_number: self.clock.l1_number(timestamp).max(head.l1_number()),
            timestamp,
            base_fee: self.settings.base_fee,
            gas_limit: self.settings.gas_limit,
            coinbase: self.settings.coinbase,
            prevrandao: self.settings.prevrandao,
            fork: self.settings.fork,
            extra_data: B256::ZERO,
            state_root: None,
        }
    }

    /// The latest block.
    pub fn head(&self) -> &Arc<Block> {
        self.blocks.last().expect("a chain has its genesis block")
    }

    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = &Arc<Block>> {
        self.blocks.iter()
    }

    pub fn block(&self, number: u64) -> Option<&Arc<Block>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    pub fn block_by_hash(&self, hash: B256) -> Option<&Arc<Block>> {
        self.block(*self.numbers.get(&hash)?)
    }

    /// A block by number, tag or hash; the pending one is not there before it is mined, and counts as the latest.
    pub fn find(&self, id: BlockId) -> Option<&Arc<Block>> {
        match id {
            BlockId::Hash(hash) => self.block_by_hash(hash.block_hash),
            BlockId::Number(number) => self.block(self.resolve(number)),
        }
    }

    /// The number a tag stands for. Every block is final here.
    pub fn resolve(&self, number: BlockNumberOrTag) -> u64 {
        match number {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Latest
            | BlockNumberOrTag::Pending
            | BlockNumberOrTag::Safe
            | BlockNumberOrTag::Finalized => self.head().number(),
        }
    }

    /// The block that has a transaction, and its place there.
    pub fn transaction(&self, hash: B256) -> Option<(&Arc<Block>, usize)> {
        let (number, index) = *self.transactions.get(&hash)?;
        Some((self.block(number)?, index))
    }

    /// What has become of the chain since it was as `seen`.
    pub fn since(&self, seen: &Self) -> Change {
        let hash = |chain: &Self, number| chain.block(number).map(|block| block.hash);
        let (head, seen_head) = (self.head().number(), seen.head().number());
        let mut common = head.min(seen_head);
        while common > 0 && hash(self, common) != hash(seen, common) {
            common -= 1;
        }
        let blocks = |chain: &Self, head| {
            (common + 1..=head)
                .filter_map(|number| chain.block(number).cloned())
                .collect::<Vec<_>>()
        };
        let mut removed = blocks(seen, seen_head);
        removed.reverse();
        Change {
            removed,
            added: blocks(self, head),
        }
    }

    /// The chain as it was `blocks` ago, down to its genesis.
    pub fn behind(&self, blocks: u64) -> Self {
        let mut chain = self.clone();
        chain.truncate(self.head().number().saturating_sub(blocks));
        chain
    }

    /// Takes the newest `depth` blocks off, and gives them, the oldest first. Blocks mined from now on have other hashes.
    pub fn roll_back(&mut self, depth: u64) -> Vec<Arc<Block>> {
        let number = self.head().number().saturating_sub(depth);
        let removed = self.truncate(number);
        self.settings.fork += 1;
        removed
    }

    /// Takes off what comes after block `number`.
    fn truncate(&mut self, number: u64) -> Vec<Arc<Block>> {
        let kept = usize::try_from(number)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        if kept >= self.blocks.len() {
            return Vec::new();
        }
        let removed: Vec<_> = self.blocks.split_off(kept).into_iter().collect();
        for block in &removed {
            self.numbers.remove(&block.hash);
            for tx in &block.transactions {
                self.transactions.remove(&tx.hash());
            }
        }
        removed
    }

    /// Changes the latest state outside of any transaction.
    pub fn edit(&mut self, diff: StateDiff) {
        let mut head = Block::clone(self.head());
        head.state.apply(&diff);
        head.diff.merge(diff);
        let last = self.blocks.len() - 1;
        self.blocks.set(last, Arc::new(head));
    }

    /// Seals a block of what was executed on the head's state.
    pub fn mine(
        &mut self,
        seal: BlockSeal,
        transactions: Vec<MinedTransaction>,
        diff: StateDiff,
        state: State,
    ) -> Arc<Block> {
        self.clock.mined(seal.timestamp);
        self.settings.prevrandao = PREVRANDAO;
        self.append(Block::seal(seal, transactions, diff, state))
    }
}
