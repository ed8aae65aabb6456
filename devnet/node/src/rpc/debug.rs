//! `debug_`: traces of calls, and of what they found and left.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, U256},
    rpc::types::{
        trace::geth::{
            AccountState, CallConfig, CallFrame, CallLogFrame, DiffMode,
            GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingCallOptions,
            GethDebugTracingOptions, PreStateConfig, PreStateFrame, PreStateMode,
        },
        TransactionRequest,
    },
};
use devnet_vm::{
    precompiles::ARBOS_STATE,
    revm::{bytecode::Bytecode, state::Account},
    CallTrace, Execution,
};
use serde::Serialize;

use super::{eth::find, Context, Outcome, Registry};
use crate::{
    call::Simulation,
    error::{revert_reason, NodeError},
    replay::Replayed,
    state::State,
};

pub fn register(registry: &mut Registry) {
    registry
        .method(
            "debug_traceTransaction",
            |ctx, (hash, options): (B256, Option<GethDebugTracingOptions>)| {
                let tracer = Tracer::new(options.unwrap_or_default())?;
                let replayed = ctx.node.replay(&ctx.chain(), hash)?;
                tracer.frame(&replayed.before, replayed.execution)
            },
        )
        .method(
            "debug_traceBlockByNumber",
            |ctx, (number, options): (BlockNumberOrTag, Option<GethDebugTracingOptions>)| {
                trace_block(ctx, number.into(), options)
            },
        )
        .method(
            "debug_traceBlockByHash",
            |ctx, (hash, options): (B256, Option<GethDebugTracingOptions>)| {
                trace_block(ctx, hash.into(), options)
            },
        )
        .method(
            "debug_traceCall",
            |ctx,
             (request, at, options): (
                TransactionRequest,
                BlockId,
                Option<GethDebugTracingCallOptions>,
            )| {
                let options = options.unwrap_or_default();
                let tracer = Tracer::new(options.tracing_options)?;
                let mut simulation = Simulation::at(&ctx.chain_at(Some(at)), at)?;
                simulation.override_state(options.state_overrides.unwrap_or_default())?;
                simulation.override_block(options.block_overrides.unwrap_or_default());
                let execution = ctx.node.simulate(&simulation, request, true)?;
                tracer.frame(&simulation.state, execution)
            },
        );
}

/// What a tracer tells.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Frame {
    Calls(Box<CallFrame>),
    State(PreStateFrame),
}

/// One of a block's transactions.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    tx_hash: B256,
    result: Frame,
}

fn trace_block(
    ctx: &Context,
    id: BlockId,
    options: Option<GethDebugTracingOptions>,
) -> Outcome<Vec<Traced>> {
    let tracer = Tracer::new(options.unwrap_or_default())?;
    let chain = ctx.chain_at(Some(id));
    let block = find(&chain, Some(id))?;
    if block.number() == 0 {
        return Err(NodeError::InvalidArgument(
            "genesis is not traceable".into(),
        ));
    }
    let replayed = ctx.node.replay_block(&chain, block)?.into_iter();
    let traced = replayed.map(
        |Replayed {
             hash,
             before,
             execution,
         }| {
            Ok(Traced {
                tx_hash: hash,
                result: tracer.frame(&before, execution)?,
            })
        },
    );
    traced.collect()
}

/// The tracers of geth that are here; those of opcodes and in JavaScript are not.
enum Tracer {
    Calls(CallConfig),
    PreState(PreStateConfig),
}

impl Tracer {
    fn new(options: GethDebugTracingOptions) -> Outcome<Self> {
        use GethDebugBuiltInTracerType::{CallTracer, PreStateTracer};
        let refused = |tracer: &str| {
            NodeError::Unsupported(format!(
                "tracer {tracer} (callTracer and prestateTracer are)"
            ))
        };
        let config = options.tracer_config;
        let malformed = |error: serde_json::Error| NodeError::InvalidArgument(error.to_string());
        match options.tracer {
            Some(GethDebugTracerType::BuiltInTracer(CallTracer)) => {
                let config = (!config.is_null()).then(|| config.into_call_config());
                let config = config.transpose().map_err(malformed)?;
                Ok(Self::Calls(config.unwrap_or_default()))
            }
            Some(GethDebugTracerType::BuiltInTracer(PreStateTracer)) => {
                let config = (!config.is_null()).then(|| config.into_pre_state_config());
                let config = config.transpose().map_err(malformed)?;
                Ok(Self::PreState(config.unwrap_or_default()))
            }
            Some(GethDebugTracerType::BuiltInTracer(tracer)) => {
                Err(refused(&format!("{tracer:?}")))
            }
            Some(GethDebugTracerType::JsTracer(_)) => Err(refused("in JavaScript")),
            None => Err(refused("of opcodes")),
        }
    }

    fn frame(&self, before: &State, execution: Execution) -> Outcome<Frame> {
        match self {
            Self::Calls(config) => {
                let trace = execution.trace;
                let trace = trace
                    .ok_or_else(|| NodeError::Internal("the transaction left no trace".into()))?;
                Ok(Frame::Calls(Box::new(call_frame(trace, *config))))
            }
            Self::PreState(config) => Ok(Frame::State(state_frame(before, &execution, config))),
        }
    }
}

/// The accounts that a transaction touched as they were; or what it changed of them, before and after.
fn state_frame(before: &State, execution: &Execution, config: &PreStateConfig) -> PreStateFrame {
    let touched = || {
        let accounts = execution.state.iter();
        // What ArbOS keeps of programs is no account of anybody's.
        accounts.filter(|(address, _)| **address != ARBOS_STATE)
    };
    let pre =
        touched().map(|(address, account)| (*address, found(before, *address, account, config)));
    if !config.is_diff_mode() {
        return PreStateFrame::Default(PreStateMode(pre.collect()));
    }
    let post = touched()
        .filter(|(_, account)| account.is_touched() && !account.is_selfdestructed())
        .map(|(address, account)| (*address, left(account, config)));
    let mut diff = DiffMode {
        pre: pre.collect(),
        post: post.collect(),
    };
    // Unchanged slots say nothing.
    for (address, post) in &mut diff.post {
        let Some(pre) = diff.pre.get_mut(address) else {
            continue;
        };
        let same = |slot: &B256, value: &B256| pre.storage.get(slot) == Some(value);
        let unchanged: Vec<B256> = post
            .storage
            .iter()
            .filter(|(slot, value)| same(slot, value))
            .map(|(slot, _)| *slot)
            .collect();
        for slot in unchanged {
            pre.storage.remove(&slot);
            post.storage.remove(&slot);
        }
        post.remove_matching_account_info(pre);
    }
    // Nor do accounts that were only looked at.
    diff.post.retain(|_, post| *post != AccountState::default());
    for (address, account) in touched() {
        let existed = before.account(*address).is_some();
        match (existed, diff.post.get(address)) {
            (false, _) => drop(diff.pre.remove(address)),
            (true, None) if !account.is_selfdestructed() => drop(diff.pre.remove(address)),
            _ => {}
        }
    }
    diff.remove_zero_storage_values();
    PreStateFrame::Diff(diff)
}

fn found(
    before: &State,
    address: Address,
    account: &Account,
    config: &PreStateConfig,
) -> AccountState {
    let code = config.code_enabled().then(|| before.code(address));
    let mut state =
        AccountState::from_account_info(before.nonce(address), before.balance(address), code);
    if config.storage_enabled() {
        let slots = account.storage.keys();
        state.storage = slots
            .map(|slot| ((*slot).into(), before.storage_at(address, *slot).into()))
            .collect();
    }
    state
}

fn left(account: &Account, config: &PreStateConfig) -> AccountState {
    let info = &account.info;
    let code = info.code.as_ref().filter(|_| config.code_enabled());
    let code = code.map(Bytecode::original_bytes);
    let mut state = AccountState::from_account_info(info.nonce, info.balance, code);
    if config.storage_enabled() {
        let slots = account.storage.iter();
        state.storage = slots
            .map(|(slot, value)| ((*slot).into(), value.present_value().into()))
            .collect();
    }
    state
}

fn call_frame(trace: CallTrace, config: CallConfig) -> CallFrame {
    let with_logs = config.with_log.unwrap_or(false);
    let failed = trace.error.is_some();
    let logs = trace
        .logs
        .into_iter()
        .zip(trace.log_positions)
        .zip(0..)
        .map(|((log, position), index)| CallLogFrame {
            address: Some(log.address),
            topics: Some(log.topics().to_vec()),
            data: Some(log.data.data.clone()),
            position: Some(position as u64),
            index: Some(index),
        });
    let calls = if config.only_top_call.unwrap_or(false) {
        Vec::new()
    } else {
        trace.calls
    };
    CallFrame {
        from: trace.from,
        gas: U256::from(trace.gas),
        gas_used: U256::from(trace.gas_used),
        to: trace.to,
        input: trace.input,
        revert_reason: if failed {
            revert_reason(&trace.output)
        } else {
            None
        },
        output: (!trace.output.is_empty()).then_some(trace.output),
        error: trace.error,
        calls: calls
            .into_iter()
            .map(|call| call_frame(call, config))
            .collect(),
        logs: if with_logs {
            logs.collect()
        } else {
            Vec::new()
        },
        value: Some(trace.value),
        typ: trace.kind.name().to_owned(),
    }
}
