//! What waits: `txpool_`, and the ways to take it out.

use std::collections::BTreeMap;

use alloy::{
    consensus::{transaction::Recovered, Transaction as _, TxEnvelope},
    primitives::{Address, B256, U64},
    rpc::types::Transaction,
};
use serde::Serialize;

use super::{params::Nothing, types, Context, Outcome, Registry};

/// By sender and nonce.
type BySender<T> = BTreeMap<String, BTreeMap<String, T>>;

/// Transactions that the next block may have, and those that wait for others.
#[derive(Clone, Serialize)]
struct Parts<T> {
    pending: T,
    queued: T,
}

impl<T> Parts<T> {
    fn map<U>(self, change: impl Fn(T) -> U) -> Parts<U> {
        Parts {
            pending: change(self.pending),
            queued: change(self.queued),
        }
    }
}

pub fn register(registry: &mut Registry) {
    registry
        .method("txpool_status", |ctx, _: Nothing| {
            Ok(parts(ctx).map(|transactions| U64::from(transactions.len())))
        })
        .method("txpool_content", |ctx, _: Nothing| {
            Ok(parts(ctx).map(|transactions| by_sender(transactions, types::pending)))
        })
        .method("txpool_contentFrom", |ctx, (sender,): (Address,)| {
            Ok(parts(ctx).map(|transactions| {
                let mut all = by_sender(transactions, types::pending);
                all.remove(&sender.to_string()).unwrap_or_default()
            }))
        })
        .method("txpool_inspect", |ctx, _: Nothing| {
            Ok(parts(ctx).map(|transactions| by_sender(transactions, inspect)))
        })
        .method("eth_pendingTransactions", |ctx, _: Nothing| {
            let waiting = ctx.node.waiting().into_iter();
            Ok(waiting.map(types::pending).collect::<Vec<Transaction>>())
        })
        .method("anvil_dropTransaction", drop_transaction)
        .alias("hardhat_dropTransaction", "anvil_dropTransaction")
        .method("anvil_dropAllTransactions", |ctx, _: Nothing| {
            ctx.node.drop_waiting(|_| true);
            Ok(())
        })
        .method(
            "anvil_removePoolTransactions",
            |ctx, (sender,): (Address,)| {
                ctx.node.drop_waiting(|tx| tx.signer() == sender);
                Ok(())
            },
        );
}

/// The hash, or null if nothing of that hash waits.
fn drop_transaction(ctx: &Context, (hash,): (B256,)) -> Outcome<Option<B256>> {
    let dropped = ctx.node.drop_waiting(|tx| *tx.inner().tx_hash() == hash);
    Ok((dropped > 0).then_some(hash))
}

fn parts(ctx: &Context) -> Parts<Vec<Recovered<TxEnvelope>>> {
    let (pending, queued) = ctx.node.waiting_parts();
    Parts { pending, queued }
}

fn by_sender<T>(
    transactions: Vec<Recovered<TxEnvelope>>,
    show: impl Fn(Recovered<TxEnvelope>) -> T,
) -> BySender<T> {
    let mut all = BySender::new();
    for tx in transactions {
        let of_sender = all.entry(tx.signer().to_string()).or_default();
        of_sender.insert(tx.inner().nonce().to_string(), show(tx));
    }
    all
}

/// In geth's words.
fn inspect(tx: Recovered<TxEnvelope>) -> String {
    let tx = tx.inner();
    let to = tx
        .to()
        .map_or("contract creation".to_owned(), |to| to.to_string());
    format!(
        "{to}: {} wei + {} gas × {} wei",
        tx.value(),
        tx.gas_limit(),
        tx.max_fee_per_gas()
    )
}
