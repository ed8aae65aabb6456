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
    types::{ErrorObjectOwned, Params},
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

pub fn register(module: &mut RpcModule<Context>) {
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
    let mut next = *heads.borrow_and_update() + 1;
    let sink = pending.accept().await?;
    loop {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = heads.changed() => changed?,
        }
        heads.borrow_and_update();
        let chain = ctx.node.chain();
        let head = chain.head().number();
        // After a revert the chain may be shorter than what was reported.
        for number in next.min(head + 1)..=head {
            for message in messages(&chain, &wanted, number)? {
                sink.send(SubscriptionMessage::from(message)).await?;
            }
        }
        next = head + 1;
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

/// What there is to say of block `number`.
fn messages(chain: &Chain, wanted: &Wanted, number: u64) -> serde_json::Result<Vec<Box<RawValue>>> {
    let Some(block) = chain.block(number) else {
        return Ok(Vec::new());
    };
    match wanted {
        Wanted::Heads => Ok(vec![to_raw_value(&types::header(block))?]),
        Wanted::Logs(filter) => filters::matching(chain, filter, number, number)
            .map(|log| to_raw_value(&log))
            .collect(),
        Wanted::Transactions { full: true } => (0..block.transactions.len())
            .map(|index| to_raw_value(&types::transaction(block, index)))
            .collect(),
        Wanted::Transactions { full: false } => block
            .transactions
            .iter()
            .map(|tx| to_raw_value::<B256>(&tx.hash()))
            .collect(),
    }
}
