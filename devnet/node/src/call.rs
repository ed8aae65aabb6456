//! Execution without consequences: calls, gas estimates, and traces of what was mined.

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, TxKind, U256},
    rpc::types::{
        state::{AccountOverride, StateOverride},
        BlockOverrides, TransactionRequest,
    },
};
use devnet_vm::{BlockContext, Execution, ExecutionOptions};
use revm::{context::TxEnv, context_interface::result::ExecutionResult};

use crate::{
    chain::Chain,
    error::NodeError,
    node::{block_context, mined_context, Node},
    state::{State, StateDiff},
    transaction::{self, GAS_CAP, TRANSFER_GAS},
};

/// Gas that comes free with a call that carries value; a callee may need it even though it is not paid for.
const CALL_STIPEND: u64 = 2_300;
/// How near an estimate comes to the least sufficient limit, in thousandths; geth's choice.
const ESTIMATE_TOLERANCE: u64 = 15;

/// Where a simulation runs.
pub struct Simulation {
    pub state: State,
    pub context: BlockContext,
}

impl Simulation {
    /// On top of block `at`, with its number and time. The pending one is the last of [`Node::pending_chain`].
    pub fn at(chain: &Chain, at: BlockId) -> Result<Self, NodeError> {
        let block = chain.find(at).ok_or_else(|| NodeError::unknown_block(at))?;
        Ok(Self {
            state: block.state.clone(),
            context: mined_context(chain, block),
        })
    }

    /// In the block that would be mined next on `chain`.
    pub fn next(chain: &Chain) -> Self {
        Self {
            state: chain.head().state.clone(),
            context: block_context(chain, &chain.next_seal()),
        }
    }

    /// Applies state overrides; gives what they changed.
    pub fn override_state(&mut self, overrides: StateOverride) -> Result<StateDiff, NodeError> {
        let mut changes = StateDiff::default();
        for (address, account) in overrides {
            changes.merge(self.override_account(address, account)?);
        }
        Ok(changes)
    }

    fn override_account(
        &mut self,
        address: Address,
        account: AccountOverride,
    ) -> Result<StateDiff, NodeError> {
        if account.state.is_some() && account.state_diff.is_some() {
            return Err(NodeError::InvalidArgument(format!(
                "account {address} has both 'state' and 'stateDiff'"
            )));
        }
        if account.move_precompile_to.is_some() {
            return Err(NodeError::Unsupported("movePrecompileToAddress".into()));
        }
        let mut diff = self.state.unchanged(address);
        diff.balance = account.balance.unwrap_or(diff.balance);
        diff.nonce = account.nonce.unwrap_or(diff.nonce);
        diff.code = account.code;
        diff.storage_cleared = account.state.is_some();
        let slots = account.state.or(account.state_diff).unwrap_or_default();
        diff.storage = slots
            .into_iter()
            .map(|(slot, value)| (slot.into(), value.into()))
            .collect();
        let change = StateDiff([(address, Some(diff))].into());
        self.state.apply(&change);
        Ok(change)
    }

    /// Applies those block overrides that this chain has.
    pub fn override_block(&mut self, overrides: BlockOverrides) {
        let context = &mut self.context;
        context.l1_number = overrides
            .number
            .map_or(context.l1_number, |number| number.saturating_to());
        context.timestamp = overrides.time.unwrap_or(context.timestamp);
        context.gas_limit = overrides.gas_limit.unwrap_or(context.gas_limit);
        context.coinbase = overrides.coinbase.unwrap_or(context.coinbase);
        context.prevrandao = overrides.random.unwrap_or(context.prevrandao);
        context.base_fee = overrides
            .base_fee
            .map_or(context.base_fee, |fee| fee.saturating_to());
    }
}

impl Node {
    /// Runs a request where `simulation` says.
    pub fn simulate(
        &self,
        simulation: &Simulation,
        request: TransactionRequest,
        trace: bool,
    ) -> Result<Execution, NodeError> {
        let Simulation { state, context } = simulation;
        let env =
            transaction::call_environment(request, state, context.base_fee, context.chain_id)?;
        self.run(simulation, env, trace)
    }

    fn run(
        &self,
        simulation: &Simulation,
        env: TxEnv,
        trace: bool,
    ) -> Result<Execution, NodeError> {
        let Simulation { state, context } = simulation;
        let options = ExecutionOptions {
            skip_balance_check: false,
            trace,
            ..ExecutionOptions::simulation()
        };
        let (sender, value, gas_limit) = (env.caller, env.value, env.gas_limit);
        let want =
            value.saturating_add(U256::from(gas_limit).saturating_mul(U256::from(env.gas_price)));
        let have = state.balance(sender);
        if have < want {
            return Err(
                crate::error::TransactionError::InsufficientFunds { sender, have, want }.into(),
            );
        }
        Ok(self
            .executor
            .execute(state.clone(), context, env, options)?)
    }

    /// `eth_call`: the output, or why there is none.
    pub fn call(
        &self,
        chain: &Chain,
        request: TransactionRequest,
        at: BlockId,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverrides>,
    ) -> Result<Bytes, NodeError> {
        let mut simulation = Simulation::at(chain, at)?;
        simulation.override_state(state_overrides.unwrap_or_default())?;
        simulation.override_block(block_overrides.unwrap_or_default());
        NodeError::of_result(self.simulate(&simulation, request, false)?.result)
    }

    /// The least gas limit, within geth's tolerance, with which the request succeeds; in the next block, if none is named.
    pub fn estimate_gas(
        &self,
        chain: &Chain,
        request: TransactionRequest,
        at: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> Result<u64, NodeError> {
        let mut simulation = match at {
            Some(at) => Simulation::at(chain, at)?,
            None => Simulation::next(chain),
        };
        simulation.override_state(state_overrides.unwrap_or_default())?;
        let Simulation { state, context } = &simulation;
        let mut env =
            transaction::call_environment(request, state, context.base_fee, context.chain_id)?;
        if let TxKind::Call(recipient) = env.kind {
            if env.data.is_empty() && env.access_list.is_empty() && state.code(recipient).is_empty()
            {
                env.gas_limit = TRANSFER_GAS.min(env.gas_limit);
            }
        }

        let mut enough = env.gas_limit;
        let generous = self.run(&simulation, env.clone(), false)?;
        let spent = match &generous.result {
            ExecutionResult::Success { .. } => generous.gas.spent(),
            // With all the gas there may be, running out means that the cap is too low.
            ExecutionResult::Halt {
                reason: revm::context_interface::result::HaltReason::OutOfGas(_),
                ..
            } => {
                return Err(NodeError::GasAllowance(enough));
            }
            _ => return NodeError::of_result(generous.result).map(|_| enough),
        };
        let mut suffices = |limit: u64| -> Result<bool, NodeError> {
            env.gas_limit = limit;
            match self.run(&simulation, env.clone(), false) {
                Ok(execution) => Ok(execution.result.is_success()),
                Err(NodeError::Transaction(crate::error::TransactionError::IntrinsicGas {
                    ..
                })) => Ok(false),
                Err(error) => Err(error),
            }
        };
        let mut too_little = generous.result.tx_gas_used().saturating_sub(1);
        // What the deepest call could need besides: each level passes on at most 63/64.
        let likely = (spent + CALL_STIPEND) * 64 / 63;
        if likely < enough {
            if suffices(likely)? {
                enough = likely;
            } else {
                too_little = likely;
            }
        }
        while too_little + 1 < enough && (enough - too_little) * 1_000 > enough * ESTIMATE_TOLERANCE
        {
            // Most need little more than they spend: search the low end first, as geth does.
            let middle = (too_little + (enough - too_little) / 2)
                .min(too_little.saturating_mul(2).max(TRANSFER_GAS));
            if suffices(middle)? {
                enough = middle;
            } else {
                too_little = middle;
            }
        }
        Ok(enough.min(GAS_CAP))
    }
}
