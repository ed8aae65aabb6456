//! `debug_`: call traces.

use alloy::{
    eips::BlockId,
    primitives::{B256, U256},
    rpc::types::{
        trace::geth::{
            CallConfig, CallFrame, CallLogFrame, GethDebugBuiltInTracerType, GethDebugTracerType,
            GethDebugTracingCallOptions, GethDebugTracingOptions,
        },
        TransactionRequest,
    },
};
use devnet_vm::CallTrace;

use super::{Outcome, Registry};
use crate::{
    call::Simulation,
    error::{revert_reason, NodeError},
};

pub fn register(registry: &mut Registry) {
    registry
        .method(
            "debug_traceTransaction",
            |ctx, (hash, options): (B256, Option<GethDebugTracingOptions>)| {
                let config = call_tracer(options.unwrap_or_default())?;
                Ok(call_frame(ctx.node.trace(hash)?, config))
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
                let config = call_tracer(options.tracing_options)?;
                let mut simulation = Simulation::at(&ctx.node.chain(), at)?;
                simulation.override_state(options.state_overrides.unwrap_or_default())?;
                simulation.override_block(options.block_overrides.unwrap_or_default());
                let trace = ctx.node.simulate(&simulation, request, true)?.trace;
                let trace =
                    trace.ok_or_else(|| NodeError::Internal("the call left no trace".into()))?;
                Ok(call_frame(trace, config))
            },
        );
}

/// The call tracer's options; any other tracer is refused.
fn call_tracer(options: GethDebugTracingOptions) -> Outcome<CallConfig> {
    let refused =
        |tracer: &str| NodeError::Unsupported(format!("tracer {tracer} (only callTracer is)"));
    match options.tracer {
        Some(GethDebugTracerType::BuiltInTracer(GethDebugBuiltInTracerType::CallTracer)) => {
            let config = options.tracer_config;
            if config.is_null() {
                return Ok(CallConfig::default());
            }
            config
                .into_call_config()
                .map_err(|error| NodeError::InvalidArgument(error.to_string()))
        }
        Some(GethDebugTracerType::BuiltInTracer(tracer)) => Err(refused(&format!("{tracer:?}"))),
        Some(GethDebugTracerType::JsTracer(_)) => Err(refused("in JavaScript")),
        None => Err(refused("of opcodes")),
    }
}

fn call_frame(trace: CallTrace, config: CallConfig) -> CallFrame {
    let with_logs = config.with_log.unwrap_or(false);
    let failed = trace.error.is_some();
    let logs = trace
        .logs
        .into_iter()
        .zip(0..)
        .map(|(log, index)| CallLogFrame {
            address: Some(log.address),
            topics: Some(log.topics().to_vec()),
            data: Some(log.data.data.clone()),
            position: None,
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
