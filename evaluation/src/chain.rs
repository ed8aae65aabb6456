//! Sending to the devnet, with errors that say what failed.

use std::future::IntoFuture;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    json_abi::JsonAbi,
    providers::Provider,
    rpc::types::TransactionReceipt,
    sol_types::SolEvent,
};
use anyhow::{bail, Context as _};
use devnet::{describe_revert, Devnet, GAS_CAP};

/// Sends a call and waits for its receipt. `what` completes "cannot …".
///
/// # Errors
/// If the node refuses the transaction, or it reverts.
pub async fn send<P: Provider, D: CallDecoder>(
    devnet: &Devnet,
    call: CallBuilder<P, D>,
    what: &str,
) -> anyhow::Result<TransactionReceipt> {
    // A fixed limit: to estimate one, the node would run each transaction a dozen times.
    let sent = call.gas(GAS_CAP).send().await;
    let sent = sent.with_context(|| format!("cannot {what}"))?;
    let receipt = sent.get_receipt().await;
    let receipt = receipt.with_context(|| format!("cannot {what}"))?;
    if !receipt.status() {
        let data = devnet.revert_data(receipt.transaction_hash)?;
        let reason = describe_revert(&data.unwrap_or_default(), &JsonAbi::new());
        bail!("cannot {what}: it reverted with {reason}");
    }
    Ok(receipt)
}

/// What a call of a view gives. `what` completes "cannot read …".
pub async fn read<T, E>(
    call: impl IntoFuture<Output = Result<T, E>>,
    what: &str,
) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    call.await.with_context(|| format!("cannot read {what}"))
}

/// The events of a kind that a transaction left.
pub fn events<Event: SolEvent>(receipt: &TransactionReceipt) -> Vec<Event> {
    let logs = receipt.logs().iter();
    logs.filter_map(|log| Some(Event::decode_log(&log.inner).ok()?.data))
        .collect()
}
