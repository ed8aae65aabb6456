//! Trying a call before it costs anything.

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider as _},
    rpc::types::TransactionRequest,
    transports::{RpcError, TransportErrorKind},
};

use super::{Call, SendError};
use crate::describe;

/// What a call would do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simulation {
    Gas(u64),
    Reverts(String),
}

/// Tries the call; a refusal counts only if the state of the newest block refuses it too, as streams change with every
/// second.
pub async fn simulate(
    provider: &DynProvider,
    from: Address,
    call: &Call,
) -> Result<Simulation, SendError> {
    match estimate(provider, from, call).await? {
        Simulation::Reverts(_) => estimate(provider, from, call).await,
        gas => Ok(gas),
    }
}

async fn estimate(
    provider: &DynProvider,
    from: Address,
    call: &Call,
) -> Result<Simulation, SendError> {
    let request = TransactionRequest::default()
        .from(from)
        .to(call.to)
        .input(call.data.clone().into());
    match provider.estimate_gas(request).await {
        Ok(gas) => Ok(Simulation::Gas(gas)),
        Err(error) => reverted(error),
    }
}

/// What the node says about the call itself, as opposed to a node that does not answer.
fn reverted(error: RpcError<TransportErrorKind>) -> Result<Simulation, SendError> {
    let Some(payload) = error.as_error_resp() else {
        return Err(error.into());
    };
    if let Some(data) = payload.as_revert_data() {
        return Ok(Simulation::Reverts(describe(&data)));
    }
    const EXECUTION: [&str; 6] = [
        "revert",
        "out of gas",
        "gas required exceeds",
        "exceeds block gas limit",
        "intrinsic gas",
        "invalid opcode",
    ];
    let message = payload.message.to_lowercase();
    if EXECUTION.iter().any(|word| message.contains(word)) {
        return Ok(Simulation::Reverts(payload.message.to_string()));
    }
    Err(error.into())
}
