//! What a worker wants done: items, how they become a call, and how the chain says what became of them.

use std::future::Future;

use alloy::{
    primitives::{Address, Bytes, B256},
    rpc::types::Log,
};

use crate::ChainError;

/// A call of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub to: Address,
    pub data: Bytes,
}

/// What became of an item, by the events of the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Done,
    /// The contract said no, with a reason: it will say no again.
    Refused(String),
    /// The transaction went through, and nothing tells of this item.
    None,
}

/// What a refused simulation of a single item means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else did it already, or there is nothing to do.
    Done,
    /// It may work later; nothing is remembered.
    Later,
    /// It will never work.
    Never,
}

/// Items of a kind that go into one call.
pub trait Batch: Send + Sync {
    type Item: Clone + Send + Sync;

    /// Whose items they are, in the store and in metrics.
    const WORKER: &'static str;

    /// The most items that the contract takes in a call.
    const MOST: usize;

    /// Tells items apart, also after a restart.
    fn id(&self, item: &Self::Item) -> String;

    /// The call that does these items.
    fn call(&self, items: &[Self::Item]) -> Call;

    /// Those that are still to be done, as the chain is now.
    fn open(
        &self,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Self::Item>, ChainError>> + Send;

    /// What became of each item, in their order, by the events of the transaction.
    fn judge(&self, items: &[Self::Item], logs: &[Log]) -> Vec<Effect>;

    /// What it means that the simulation of one item is refused with this error.
    fn refusal(&self, error: &str) -> Refusal {
        let _ = error;
        Refusal::Never
    }
}

/// A transaction that was mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub hash: B256,
    pub block: u64,
    pub gas: u64,
    pub cost_gwei: u64,
    pub items: usize,
}

/// What became of all items that were given.
#[derive(Clone, Debug)]
pub struct Report<Item> {
    pub done: Vec<Item>,
    /// Refused by the contract, with its reason.
    pub refused: Vec<(Item, String)>,
    /// They cannot be done, and do not come back.
    pub set_aside: Vec<(Item, String)>,
    /// Done already, by somebody else.
    pub dropped: Vec<Item>,
    /// Sent without effect, or not possible now: try again later.
    pub later: Vec<Item>,
    /// They would have been sent, but for `observe`.
    pub observed: Vec<Item>,
    pub transactions: Vec<Sent>,
}

impl<Item> Default for Report<Item> {
    fn default() -> Self {
        Self {
            done: Vec::new(),
            refused: Vec::new(),
            set_aside: Vec::new(),
            dropped: Vec::new(),
            later: Vec::new(),
            observed: Vec::new(),
            transactions: Vec::new(),
        }
    }
}
