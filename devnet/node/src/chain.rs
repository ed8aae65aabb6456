//! The chain of blocks. A clone is O(1): that is what snapshots are.

use std::sync::Arc;

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::B256,
};

use crate::{
    block::{Block, BlockSeal, MinedTransaction},
    clock::Clock,
    state::{PersistentMap, State, StateDiff},
};

/// What is fixed for the life of a chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainSettings {
    pub chain_id: u64,
    pub base_fee: u64,
    pub gas_limit: u64,
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
        let mut state = State::default();
        state.apply(&accounts);
        let seal = BlockSeal {
            parent_hash: B256::ZERO,
            number: 0,
            l1_number: clock.l1_number(clock.genesis()),
            timestamp: clock.genesis(),
            base_fee: settings.base_fee,
            gas_limit: settings.gas_limit,
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
        self.append(Block::seal(seal, transactions, diff, state))
    }
}
