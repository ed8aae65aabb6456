//! `eth_subscribe` over WebSocket.

use std::sync::Arc;

use alloy::{
    primitives::B256,
    rpc::types::{
        pubsub::{Params as SubscriptionParams, SubscriptionKind},
        Filter,
    },
};
use jsonrpsee::{
    core::{server::SubscriptionMessage, SubscriptionResult},
    types::{error::METHOD_NOT_FOUND_CODE, ErrorObjectOwned, Params},
    PendingSubscriptionSink, RpcModule,
};
use serde_json::value::{to_raw_value, RawValue};

use super::{filters, types, Context};
use crate::{chain::Chain, error::NodeError};

/// What a subscriber wants of every new block.
enum Wanted {
    Heads,
    Logs(Box<Filter>),
    Transactions { full: bool },
}

/// Stands for subscriptions where there is nothing to notify by.
pub const NO_NOTIFICATIONS: &str = "subscription over HTTP";

pub fn register(module: &mut RpcModule<Context>) {
    module
        .register_method(NO_NOTIFICATIONS, |_, _, _| {
            Err::<(), _>(ErrorObjectOwned::owned(
                METHOD_NOT_FOUND_CODE,
                "notifications not supported: subscribe over WebSocket",
                None::<()>,
            ))
        })
        .expect("every method is registered once");
    module
        .register_subscription(
            "eth_subscribe",
            "eth_subscription",
            "eth_unsubscribe",
            |params, pending, ctx, _| subscribe(params, pending, ctx),
        )
        .expect("every method is registered once");
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    ctx: Arc<Context>,
) -> SubscriptionResult {
    let wanted = match wanted(&params) {
        Ok(wanted) => wanted,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    let mut heads = ctx.node.heads();
    heads.borrow_and_update();
    let mut seen = ctx.faults.steady(ctx.node.chain());
    let sink = pending.accept().await?;
    loop {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = heads.changed() => changed?,
        }
        heads.borrow_and_update();
        let chain = ctx.faults.steady(ctx.node.chain());
        for message in messages(&chain, &seen, &wanted)? {
            sink.send(SubscriptionMessage::from(message)).await?;
        }
        seen = chain;
    }
}

fn wanted(params: &Params<'_>) -> Result<Wanted, NodeError> {
    let mut params = params.sequence();
    let invalid = |error: ErrorObjectOwned| NodeError::InvalidArgument(error.message().to_owned());
    let kind: SubscriptionKind = params.next().map_err(invalid)?;
    let options: Option<SubscriptionParams> = params.optional_next().map_err(invalid)?;
    match (kind, options) {
        (SubscriptionKind::NewHeads, _) => Ok(Wanted::Heads),
        (SubscriptionKind::Logs, Some(SubscriptionParams::Logs(filter))) => {
            Ok(Wanted::Logs(filter))
        }
        (SubscriptionKind::Logs, None | Some(SubscriptionParams::None)) => {
            Ok(Wanted::Logs(Box::default()))
        }
        (SubscriptionKind::NewPendingTransactions, Some(SubscriptionParams::Bool(full))) => {
            Ok(Wanted::Transactions { full })
        }
        (SubscriptionKind::NewPendingTransactions, _) => Ok(Wanted::Transactions { full: false }),
        (kind, _) => Err(NodeError::InvalidArgument(format!(
            "no such subscription: {kind:?} with these options"
        ))),
    }
}

/// What there is to say about a chain that was as `seen`.
fn messages(
    chain: &Chain,
    seen: &Chain,
    wanted: &Wanted,
) -> serde_json::Result<Vec<Box<RawValue>>> {
    let change = chain.since(seen);
    let blocks = change.added.iter();
    match wanted {
        Wanted::Heads => filters::changed_heads(chain, &change)
            .iter()
            .map(|block| to_raw_value(&types::header(block)))
            .collect(),
        Wanted::Logs(filter) => filters::changed_logs(&change, filter)
            .iter()
            .map(to_raw_value)
            .collect(),
        Wanted::Transactions { full: true } => blocks
            .flat_map(|block| {
                (0..block.transactions.len()).map(|index| types::transaction(block, index))
            })
            .map(|tx| to_raw_value(&tx))
            .collect(),
        Wanted::Transactions { full: false } => blocks
            .flat_map(|block| &block.transactions)
            .map(|tx| to_raw_value::<B256>(&tx.hash()))
            .collect(),
    }
}
