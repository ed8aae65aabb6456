//! What holds for later blocks, what the node says of itself, and its state as bytes.

use std::time::Duration;

use alloy::{
    hex,
    primitives::{Address, Bytes, B256, U256, U64},
};
use serde_json::{json, Value};

use super::{
    params::{Nothing, Quantity},
    Context, Outcome, Registry,
};
use crate::{error::NodeError, node::Mining, persist};

pub fn register(registry: &mut Registry) {
    blocks(registry);
    about(registry);
    registry
        .method("anvil_dumpState", |ctx, _: Nothing| {
            let dump = persist::dump(&ctx.node.chain());
            dump.map(Bytes::from)
                .map_err(|error| NodeError::Internal(error.to_string()))
        })
        .method("anvil_loadState", |ctx, (dump,): (Bytes,)| {
            let chain = ctx.node.chain();
            let loaded = persist::undump(&dump, chain.settings.chain_id, chain.clock.source());
            let loaded = loaded.map_err(|reason| {
                NodeError::InvalidArgument(format!("not what anvil_dumpState gives: {reason}"))
            })?;
            ctx.node.replace(loaded);
            Ok(true)
        });
}

fn blocks(registry: &mut Registry) {
    registry
        .method("evm_setIntervalMining", |ctx, (seconds,): (Quantity,)| {
            let seconds = seconds.to_u64()?;
            ctx.node.set_mining(Mining::Manual);
            ctx.node
                .mine_every((seconds > 0).then(|| Duration::from_secs(seconds)))?;
            Ok(())
        })
        .alias("anvil_setIntervalMining", "evm_setIntervalMining")
        .method("anvil_getIntervalMining", |ctx, _: Nothing| {
            Ok(ctx.node.interval().map(|interval| interval.as_secs()))
        })
        .method("evm_setBlockGasLimit", |ctx, (limit,): (Quantity,)| {
            let limit = limit.to_u64()?;
            if limit < LEAST_GAS_LIMIT {
                return Err(NodeError::InvalidArgument(format!(
                    "gas limit {limit}, at least {LEAST_GAS_LIMIT}"
                )));
            }
            ctx.node.configure(|settings| settings.gas_limit = limit);
            Ok(true)
        })
        .alias("anvil_setBlockGasLimit", "evm_setBlockGasLimit")
        .method(
            "anvil_setNextBlockBaseFeePerGas",
            |ctx, (fee,): (Quantity,)| {
                let fee = fee.to_u64()?;
                ctx.node.configure(|settings| settings.base_fee = fee);
                Ok(())
            },
        )
        .alias(
            "hardhat_setNextBlockBaseFeePerGas",
            "anvil_setNextBlockBaseFeePerGas",
        )
        .method("anvil_setCoinbase", |ctx, (coinbase,): (Address,)| {
            ctx.node.configure(|settings| settings.coinbase = coinbase);
            Ok(())
        })
        .alias("hardhat_setCoinbase", "anvil_setCoinbase")
        .method("hardhat_setPrevRandao", |ctx, (value,): (Quantity,)| {
            let prevrandao = B256::from(value.0);
            ctx.node
                .configure(|settings| settings.prevrandao = prevrandao);
            Ok(true)
        })
        .alias("anvil_setPrevRandao", "hardhat_setPrevRandao");
}

/// A plain transfer's.
const LEAST_GAS_LIMIT: u64 = 21_000;

fn about(registry: &mut Registry) {
    registry
        .method("hardhat_metadata", metadata)
        .alias("anvil_metadata", "hardhat_metadata")
        .method("anvil_nodeInfo", |ctx, _: Nothing| {
            let chain = ctx.node.chain();
            let (head, settings) = (chain.head(), &chain.settings);
            Ok(json!({
                "currentBlockNumber": U64::from(head.number()),
                "currentBlockTimestamp": head.header.timestamp,
                "currentBlockHash": head.hash,
                "hardFork": "Prague",
                "transactionOrder": "fifo",
                "environment": {
                    "baseFee": U256::from(settings.base_fee),
                    "chainId": settings.chain_id,
                    "gasLimit": U64::from(settings.gas_limit),
                    "gasPrice": U256::from(settings.base_fee),
                },
                "forkConfig": {},
            }))
        });
}

/// The instance is the hash of block 0: another start of a devnet has another.
fn metadata(ctx: &Context, _: Nothing) -> Outcome<Value> {
    let chain = ctx.node.chain();
    let instance = chain.block(0).map(|genesis| genesis.hash);
    Ok(json!({
        "clientVersion": crate::CLIENT_VERSION,
        "chainId": chain.settings.chain_id,
        "instanceId": hex::encode_prefixed(instance.unwrap_or_default()),
        "latestBlockNumber": chain.head().number(),
        "latestBlockHash": chain.head().hash,
        "snapshots": {},
    }))
}
