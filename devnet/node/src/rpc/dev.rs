//! What only a development chain offers: `evm_`, `anvil_`, `hardhat_` and `devnet_`.

use alloy::{
    consensus::transaction::Recovered,
    primitives::{Address, Bytes, B256, U64},
    rpc::types::TransactionRequest,
};
use devnet_vm::{Activity, GasBreakdown};
use serde::{Deserialize, Serialize};

use super::{
    params::{Nothing, Quantity},
    Context, Outcome, Registry,
};
use crate::{
    chain::Chain,
    error::NodeError,
    node::{Mining, MAX_BLOCKS_PER_REQUEST},
    reorg::Displaced,
    transaction,
};

/// A mined transaction's gas by cause, and what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionGas {
    /// What the receipt says.
    pub gas_used: u64,
    /// Where it went.
    pub gas: GasBreakdown,
    /// Storage writes, external calls and the like.
    pub activity: Activity,
}

pub fn register(registry: &mut Registry) {
    time(registry);
    mining(registry);
    edits(registry);
    reorganisations(registry);
    registry
        .method("evm_snapshot", |ctx, _: Nothing| {
            Ok(U64::from(ctx.node.snapshot()))
        })
        .method("evm_revert", |ctx, (id,): (Quantity,)| {
            Ok(ctx.node.revert(id.to_u64()?))
        })
        .alias("anvil_snapshot", "evm_snapshot")
        .alias("anvil_revert", "evm_revert")
        .method("devnet_gasBreakdown", |ctx, (hash,): (B256,)| {
            transaction_gas(&ctx.node.chain(), hash)
        })
        .method("devnet_revertData", |ctx, (hash,): (B256,)| {
            revert_data(&ctx.node.chain(), hash)
        });
}

/// `devnet_gasBreakdown`.
pub fn transaction_gas(chain: &Chain, hash: B256) -> Outcome<TransactionGas> {
    let (block, index) = chain
        .transaction(hash)
        .ok_or(NodeError::UnknownTransaction(hash))?;
    let tx = &block.transactions[index];
    Ok(TransactionGas {
        gas_used: tx.gas_used,
        gas: tx.gas,
        activity: tx.activity,
    })
}

/// `devnet_revertData`: `None` for a transaction that succeeded.
pub fn revert_data(chain: &Chain, hash: B256) -> Outcome<Option<Bytes>> {
    let (block, index) = chain
        .transaction(hash)
        .ok_or(NodeError::UnknownTransaction(hash))?;
    let tx = &block.transactions[index];
    Ok((!tx.success).then(|| tx.output.clone()))
}

fn time(registry: &mut Registry) {
    registry
        .method("evm_increaseTime", |ctx, (seconds,): (Quantity,)| {
            Ok(ctx.node.increase_time(seconds.to_u64()?))
        })
        .alias("anvil_increaseTime", "evm_increaseTime")
        .method(
            "evm_setNextBlockTimestamp",
            |ctx, (timestamp,): (Quantity,)| ctx.node.set_next_timestamp(timestamp.to_u64()?),
        )
        .alias("anvil_setNextBlockTimestamp", "evm_setNextBlockTimestamp");
}

/// `evm_mine` takes a timestamp, or options, or nothing.
#[derive(Deserialize)]
#[serde(untagged)]
enum MineOptions {
    Options {
        timestamp: Option<Quantity>,
        blocks: Option<Quantity>,
    },
    Timestamp(Quantity),
}

fn mining(registry: &mut Registry) {
    registry
        .method("evm_mine", |ctx, (options,): (Option<MineOptions>,)| {
            let (timestamp, blocks) = match options {
                Some(MineOptions::Options { timestamp, blocks }) => (timestamp, blocks),
                Some(MineOptions::Timestamp(timestamp)) => (Some(timestamp), None),
                None => (None, None),
            };
            if let Some(timestamp) = timestamp {
                ctx.node.set_next_timestamp(timestamp.to_u64()?)?;
            }
            ctx.node.mine(blocks.map_or(Ok(1), Quantity::to_u64)?, 0)?;
            Ok("0x0")
        })
        .method(
            "anvil_mine",
            |ctx, (blocks, interval): (Option<Quantity>, Option<Quantity>)| {
                let blocks = blocks
                    .map_or(Ok(1), Quantity::to_u64)?
                    .min(MAX_BLOCKS_PER_REQUEST + 1);
                ctx.node
                    .mine(blocks, interval.map_or(Ok(1), Quantity::to_u64)?)
            },
        )
        .alias("hardhat_mine", "anvil_mine")
        .method("evm_setAutomine", |ctx, (enabled,): (bool,)| {
            ctx.node.set_mining(if enabled {
                Mining::Automatic
            } else {
                Mining::Manual
            });
            Ok(true)
        })
        .alias("anvil_setAutomine", "evm_setAutomine")
        .method("anvil_getAutomine", |ctx, _: Nothing| {
            Ok(ctx.node.mining() == Mining::Automatic)
        })
        .alias("hardhat_getAutomine", "anvil_getAutomine");
}

/// A transaction for a reorganisation: signed, or for the node to sign.
#[derive(Deserialize)]
#[serde(untagged)]
enum NewTransaction {
    Raw(Bytes),
    Request(Box<TransactionRequest>),
}

type Placed = (NewTransaction, u64);

/// `anvil_reorg` takes its arguments by position or by name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reorg {
    Depth(Quantity),
    Options {
        depth: Quantity,
        #[serde(default)]
        tx_block_pairs: Vec<Placed>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reorganise {
    depth: Quantity,
    #[serde(default)]
    transactions: Displaced,
}

fn reorganisations(registry: &mut Registry) {
    registry
        .method("devnet_reorg", |ctx, (options,): (Reorganise,)| {
            let depth = options.depth.to_u64()?;
            ctx.node.reorganise(depth, options.transactions)
        })
        .method(
            "anvil_reorg",
            |ctx, (options, pairs): (Reorg, Option<Vec<Placed>>)| {
                let (depth, pairs) = match options {
                    Reorg::Depth(depth) => (depth, pairs.unwrap_or_default()),
                    Reorg::Options {
                        depth,
                        tx_block_pairs,
                    } => (depth, tx_block_pairs),
                };
                let mut placed = Vec::with_capacity(pairs.len());
                for (tx, place) in pairs {
                    let tx = match tx {
                        NewTransaction::Raw(raw) => transaction::decode(&raw)?,
                        NewTransaction::Request(request) => {
                            let (envelope, sender) = ctx.node.sign(*request)?;
                            Recovered::new_unchecked(envelope, sender)
                        }
                    };
                    placed.push((tx, place));
                }
                ctx.node.reorganise_with(depth.to_u64()?, placed)
            },
        )
        .method("anvil_rollback", |ctx, (depth,): (Option<Quantity>,)| {
            ctx.node.roll_back(depth.map_or(Ok(1), Quantity::to_u64)?)
        });
}

fn edits(registry: &mut Registry) {
    registry
        .method(
            "anvil_setBalance",
            |ctx, (address, balance): (Address, Quantity)| {
                ctx.node
                    .edit(address, |account| account.balance = balance.0);
                Ok(())
            },
        )
        .method(
            "anvil_setNonce",
            |ctx, (address, nonce): (Address, Quantity)| {
                let nonce = nonce.to_u64()?;
                ctx.node.edit(address, |account| account.nonce = nonce);
                Ok(())
            },
        )
        .method("anvil_setCode", |ctx, (address, code): (Address, Bytes)| {
            ctx.node.edit(address, |account| account.code = Some(code));
            Ok(())
        })
        .method(
            "anvil_setStorageAt",
            |ctx, (address, slot, value): (Address, Quantity, Quantity)| {
                ctx.node.edit(address, |account| {
                    account.storage = [(slot.0, value.0)].into()
                });
                Ok(true)
            },
        )
        .method("anvil_impersonateAccount", |ctx, (address,): (Address,)| {
            ctx.node.impersonate(address);
            Ok(())
        })
        .method(
            "anvil_stopImpersonatingAccount",
            |ctx, (address,): (Address,)| {
                ctx.node.stop_impersonating(address);
                Ok(())
            },
        )
        .method("anvil_autoImpersonateAccount", auto_impersonate);
    for (alias, name) in [
        ("hardhat_setBalance", "anvil_setBalance"),
        ("hardhat_setNonce", "anvil_setNonce"),
        ("hardhat_setCode", "anvil_setCode"),
        ("hardhat_setStorageAt", "anvil_setStorageAt"),
        ("hardhat_impersonateAccount", "anvil_impersonateAccount"),
        (
            "hardhat_stopImpersonatingAccount",
            "anvil_stopImpersonatingAccount",
        ),
    ] {
        registry.alias(alias, name);
    }
}

fn auto_impersonate(ctx: &Context, (enabled,): (bool,)) -> Outcome<()> {
    ctx.node.impersonate_all(enabled);
    Ok(())
}
