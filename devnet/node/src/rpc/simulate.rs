//! `eth_simulateV1`: blocks that are not mined, one after the other.

use alloy::{
    consensus::{transaction::Recovered, SignableTransaction as _, TxEnvelope},
    eips::BlockId,
    primitives::{address, b256, Address, Bytes, Log as EventLog, LogData, Signature, B256, U256},
    rpc::types::{
        simulate::{
            SimBlock, SimCallResult, SimulateError, SimulatePayload, SimulatedBlock,
            MAX_SIMULATE_BLOCKS,
        },
        TransactionRequest,
    },
};
use devnet_vm::{CallKind, CallTrace, Execution, ExecutionOptions};

use super::{types, types::ArbitrumBlock, Context, Outcome, Registry};
use crate::{
    block::{Block, BlockSeal},
    call::Simulation,
    chain::Chain,
    clock::L1_BLOCK_SECONDS,
    error::{NodeError, TransactionError},
    node::{block_context, mined_transaction, Node},
    state::StateDiff,
    transaction::{self, GAS_CAP},
};

/// Ether as a token, in the logs of transfers.
const ETHER: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

pub fn register(registry: &mut Registry) {
    registry.method(
        "eth_simulateV1",
        |ctx, (payload, at): (SimulatePayload, Option<BlockId>)| simulate(ctx, payload, at),
    );
}

fn simulate(
    ctx: &Context,
    payload: SimulatePayload,
    at: Option<BlockId>,
) -> Outcome<Vec<SimulatedBlock<ArbitrumBlock>>> {
    let count = payload.block_state_calls.len() as u64;
    if count == 0 || count > MAX_SIMULATE_BLOCKS {
        return Err(NodeError::InvalidArgument(format!(
            "{count} blocks to simulate: 1 to {MAX_SIMULATE_BLOCKS}"
        )));
    }
    let mut chain = ctx.chain_at(at);
    let base = super::eth::find(&chain, at)?.number();
    chain = chain.behind(chain.head().number() - base);
    let options = Options {
        transfers: payload.trace_transfers,
        validate: payload.validation,
    };
    let mut results = Vec::with_capacity(payload.block_state_calls.len());
    for block in payload.block_state_calls {
        let (block, calls) = run_block(&ctx.node, &mut chain, block, options)?;
        results.push(SimulatedBlock {
            inner: types::block(&block, payload.return_full_transactions),
            calls,
        });
    }
    Ok(results)
}

#[derive(Clone, Copy)]
struct Options {
    /// Ether that moves is logged as a token's transfer.
    transfers: bool,
    /// Fees and nonces are checked as for real transactions.
    validate: bool,
}

/// Runs one block and appends it to `chain`, which is a copy.
fn run_block(
    node: &Node,
    chain: &mut Chain,
    block: SimBlock,
    options: Options,
) -> Outcome<(Block, Vec<SimCallResult>)> {
    let mut simulation = next_block(chain);
    let overrides = block.block_overrides.unwrap_or_default();
    let (time, latest) = (overrides.time, chain.head().header.timestamp);
    if let Some(requested) = time.filter(|time| *time < latest) {
        return Err(crate::clock::TimeInPast { requested, latest }.into());
    }
    if !options.validate {
        simulation.context.base_fee = 0;
    }
    simulation.override_block(overrides);
    let changes = simulation.override_state(block.state_overrides.unwrap_or_default())?;
    let (mut mined, mut diff, mut results) = (Vec::new(), changes, Vec::new());
    let (mut gas_used, mut logs) = (0, Vec::new());
    for request in block.calls {
        let tx = sign(&simulation, request, gas_used, options)?;
        let execution = run_call(node, &simulation, &tx, options)?;
        simulation.context.recent_programs = execution.recent_programs.clone();
        let change = StateDiff::from_execution(&execution.state);
        simulation.state.apply(&change);
        diff.merge(change);
        let events = match options.transfers && execution.result.is_success() {
            true => execution.trace.as_ref().map(with_transfers),
            false => None,
        };
        results.push((call_result(&execution), events.clone()));
        let mut tx = mined_transaction(tx, execution, gas_used, simulation.context.base_fee);
        tx.logs = events.unwrap_or(tx.logs);
        gas_used = tx.cumulative_gas_used;
        mined.push(tx);
    }
    let context = &simulation.context;
    let seal = BlockSeal {
        l1_number: context.l1_number,
        timestamp: context.timestamp,
        base_fee: context.base_fee,
        gas_limit: context.gas_limit,
        coinbase: context.coinbase,
        prevrandao: context.prevrandao,
        ..chain.next_seal()
    };
    let block = chain.mine(seal, mined, diff, simulation.state);
    logs.extend(types::logs(&block));
    let results = results
        .into_iter()
        .zip(&block.transactions)
        .map(|((mut result, _), tx)| {
            result.logs = logs
                .iter()
                .filter(|log| log.transaction_hash == Some(tx.hash()))
                .cloned()
                .collect();
            result
        });
    let results = results.collect();
    Ok((Block::clone(&block), results))
}

/// The next block, an L1 block later.
fn next_block(chain: &Chain) -> Simulation {
    let mut seal = chain.next_seal();
    seal.timestamp = chain.head().header.timestamp + L1_BLOCK_SECONDS;
    seal.l1_number = chain.head().l1_number() + 1;
    Simulation {
        state: chain.head().state.clone(),
        context: block_context(chain, &seal),
    }
}

/// Completes a request. Its signature is its sender's address: nobody signs, and hashes stay distinct.
fn sign(
    simulation: &Simulation,
    mut request: TransactionRequest,
    gas_used: u64,
    options: Options,
) -> Outcome<Recovered<TxEnvelope>> {
    let context = &simulation.context;
    let sender = request.from.unwrap_or_default();
    let left = context.gas_limit.saturating_sub(gas_used);
    if let Some(have) = request.gas.filter(|gas| *gas > left) {
        return Err(TransactionError::BlockGasLimit { have, limit: left }.into());
    }
    request.trim_conflicting_keys();
    request.from = Some(sender);
    request.gas.get_or_insert(left.min(GAS_CAP));
    request
        .nonce
        .get_or_insert_with(|| simulation.state.nonce(sender));
    request.chain_id.get_or_insert(context.chain_id);
    request.to.get_or_insert(alloy::primitives::TxKind::Create);
    if request.gas_price.is_none() {
        let fee = u128::from(context.base_fee);
        request.max_fee_per_gas.get_or_insert(fee);
        request.max_priority_fee_per_gas.get_or_insert(0);
    }
    let unsigned = request
        .build_typed_tx()
        .map_err(|_| NodeError::InvalidArgument("the call is no transaction".into()))?;
    let signature = Signature::new(U256::from_be_slice(sender.as_slice()), U256::ONE, false);
    let tx = Recovered::new_unchecked(unsigned.into_signed(signature).into(), sender);
    if options.validate {
        let settings = crate::chain::ChainSettings {
            base_fee: context.base_fee,
            gas_limit: context.gas_limit,
            ..crate::chain::ChainSettings::new(
                context.chain_id,
                context.base_fee,
                context.gas_limit,
            )
        };
        transaction::validate(&tx, &simulation.state, &settings, true)?;
    }
    Ok(tx)
}

fn run_call(
    node: &Node,
    simulation: &Simulation,
    tx: &Recovered<TxEnvelope>,
    options: Options,
) -> Outcome<Execution> {
    let env = transaction::environment(tx, simulation.context.base_fee);
    let checks = match options.validate {
        true => ExecutionOptions {
            allow_contract_sender: true,
            ..ExecutionOptions::default()
        },
        false => ExecutionOptions {
            skip_balance_check: false,
            ..ExecutionOptions::simulation()
        },
    };
    let checks = ExecutionOptions {
        trace: options.transfers,
        ..checks
    };
    let state = simulation.state.clone();
    Ok(node
        .executor
        .execute(state, &simulation.context, env, checks)?)
}

fn call_result(execution: &Execution) -> SimCallResult {
    let result = &execution.result;
    let output = result.output().cloned().unwrap_or_default();
    let error = NodeError::of_result(result.clone())
        .err()
        .map(|error| SimulateError {
            code: match error {
                NodeError::Reverted(_) => 3,
                // "VM execution error", as geth.
                _ => -32015,
            },
            message: error.to_string(),
        });
    SimCallResult {
        return_data: output,
        logs: Vec::new(),
        gas_used: result.tx_gas_used(),
        status: result.is_success(),
        error,
    }
}

/// The logs of a call, with one for all ether that it moves, in the order in which they happened.
fn with_transfers(call: &CallTrace) -> Vec<EventLog> {
    let mut logs = Vec::new();
    let moves = matches!(
        call.kind,
        CallKind::Call | CallKind::Create | CallKind::Create2
    );
    if let (true, false, Some(to), None) = (moves, call.value.is_zero(), call.to, &call.error) {
        let topics = vec![TRANSFER, call.from.into_word(), to.into_word()];
        let amount = Bytes::from(call.value.to_be_bytes::<32>());
        logs.push(EventLog {
            address: ETHER,
            data: LogData::new_unchecked(topics, amount),
        });
    }
    let mut own = call.logs.iter().zip(&call.log_positions).peekable();
    for (index, inner) in call.calls.iter().enumerate() {
        while let Some((log, _)) = own.next_if(|(_, position)| **position <= index) {
            logs.push(log.clone());
        }
        logs.extend(with_transfers(inner));
    }
    logs.extend(own.map(|(log, _)| log.clone()));
    logs
}
