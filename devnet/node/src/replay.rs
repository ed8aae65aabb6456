//! Running mined transactions again, to see how they did what they did.

use alloy::primitives::B256;
use devnet_vm::{Execution, ExecutionOptions};

use crate::{
    block::Block,
    chain::Chain,
    error::NodeError,
    node::{mined_context, Node},
    state::{State, StateDiff},
    transaction,
};

/// A mined transaction, run again.
pub struct Replayed {
    pub hash: B256,
    /// Before the transaction.
    pub before: State,
    pub execution: Execution,
}

impl Node {
    /// Runs a mined transaction again.
    pub fn replay(&self, chain: &Chain, hash: B256) -> Result<Replayed, NodeError> {
        let (block, index) = chain
            .transaction(hash)
            .ok_or(NodeError::UnknownTransaction(hash))?;
        let last = self.replay_first(chain, block, index + 1)?.pop();
        last.ok_or_else(|| NodeError::Internal(format!("no trace of {hash}")))
    }

    /// Runs all transactions of a block again.
    pub fn replay_block(&self, chain: &Chain, block: &Block) -> Result<Vec<Replayed>, NodeError> {
        self.replay_first(chain, block, block.transactions.len())
    }

    fn replay_first(
        &self,
        chain: &Chain,
        block: &Block,
        count: usize,
    ) -> Result<Vec<Replayed>, NodeError> {
        let parent = block
            .number()
            .checked_sub(1)
            .and_then(|number| chain.block(number));
        let Some(parent) = parent else {
            return Ok(Vec::new());
        };
        let mut context = mined_context(chain, block);
        let mut state = parent.state.clone();
        let mut replayed = Vec::with_capacity(count);
        for tx in &block.transactions[..count] {
            let env = transaction::environment(&tx.envelope, block.base_fee());
            let options = ExecutionOptions {
                allow_contract_sender: true,
                trace: true,
                ..ExecutionOptions::default()
            };
            let before = state.clone();
            let execution = self
                .executor
                .execute(state.clone(), &context, env, options)?;
            context.recent_programs = execution.recent_programs.clone();
            state.apply(&StateDiff::from_execution(&execution.state));
            replayed.push(Replayed {
                hash: tx.hash(),
                before,
                execution,
            });
        }
        Ok(replayed)
    }
}
