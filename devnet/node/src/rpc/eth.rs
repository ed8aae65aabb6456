//! `eth_`, `net_` and `web3_`.

use std::time::{Duration, Instant};

use alloy::{
    eips::{BlockId, BlockNumberOrTag, Encodable2718},
    primitives::{keccak256, Address, Bytes, B256, U256, U64},
    rpc::types::{
        state::StateOverride, BlockOverrides, FeeHistory, Filter, Transaction, TransactionRequest,
    },
};

use super::{
    filters, node_interface,
    params::{Nothing, Quantity},
    types::{self, ArbitrumBlock, ArbitrumReceipt},
    Context, Outcome, Registry,
};
use crate::{block::Block, chain::Chain, error::NodeError};

/// The most blocks `eth_feeHistory` covers, as geth's.
const MAX_FEE_HISTORY: u64 = 1_024;

pub fn register(registry: &mut Registry) {
    chain_data(registry);
    accounts(registry);
    execution(registry);
    transactions(registry);
    blocks(registry);
    log_queries(registry);
    others(registry);
}

pub fn find(chain: &Chain, id: Option<BlockId>) -> Outcome<&Block> {
    let id = id.unwrap_or_default();
    chain
        .find(id)
        .map(AsRef::as_ref)
        .ok_or_else(|| NodeError::unknown_block(id))
}

fn chain_data(registry: &mut Registry) {
    registry
        .method("eth_chainId", |ctx, _: Nothing| {
            Ok(U64::from(ctx.chain().settings.chain_id))
        })
        .method("net_version", |ctx, _: Nothing| {
            Ok(ctx.chain().settings.chain_id.to_string())
        })
        .method("eth_blockNumber", |ctx, _: Nothing| {
            Ok(U64::from(ctx.chain().head().number()))
        })
        .method("eth_gasPrice", |ctx, _: Nothing| {
            Ok(U256::from(ctx.chain().settings.base_fee))
        })
        .method("eth_maxPriorityFeePerGas", |_, _: Nothing| Ok(U256::ZERO))
        .method("eth_blobBaseFee", |_, _: Nothing| Ok(U256::from(1)))
        .method(
            "eth_feeHistory",
            |ctx, (count, newest, percentiles): (Quantity, BlockNumberOrTag, Option<Vec<f64>>)| {
                fee_history(
                    &ctx.chain(),
                    count.to_u64()?,
                    newest,
                    percentiles.unwrap_or_default(),
                )
            },
        );
}

fn fee_history(
    chain: &Chain,
    count: u64,
    newest: BlockNumberOrTag,
    percentiles: Vec<f64>,
) -> Outcome<FeeHistory> {
    if percentiles.len() > 100
        || percentiles
            .iter()
            .any(|percentile| !(0.0..=100.0).contains(percentile))
    {
        return Err(NodeError::InvalidArgument(
            "percentiles are at most 100 numbers from 0 to 100".into(),
        ));
    }
    let newest = chain.resolve(newest);
    if newest > chain.head().number() {
        return Err(NodeError::UnknownBlock(newest.to_string()));
    }
    let count = count.min(MAX_FEE_HISTORY).min(newest + 1);
    let oldest_block = newest + 1 - count;
    let covered: Vec<&Block> = (oldest_block..=newest)
        .filter_map(|number| chain.block(number))
        .map(AsRef::as_ref)
        .collect();
    let mut base_fee_per_gas: Vec<u128> = covered
        .iter()
        .map(|block| block.base_fee().into())
        .collect();
    base_fee_per_gas.push(chain.settings.base_fee.into());
    let used = |block: &&Block| block.header.gas_used as f64 / block.header.gas_limit as f64;
    Ok(FeeHistory {
        base_fee_per_gas,
        gas_used_ratio: covered.iter().map(used).collect(),
        oldest_block,
        // Tips are never paid.
        reward: (!percentiles.is_empty()).then(|| vec![vec![0; percentiles.len()]; covered.len()]),
        ..FeeHistory::default()
    })
}

fn accounts(registry: &mut Registry) {
    registry
        .method("eth_accounts", |ctx, _: Nothing| {
            Ok(ctx.node.accounts().to_vec())
        })
        .method(
            "eth_getBalance",
            |ctx, (address, at): (Address, Option<BlockId>)| {
                Ok(find(&ctx.chain_at(at), at)?.state.balance(address))
            },
        )
        .method(
            "eth_getCode",
            |ctx, (address, at): (Address, Option<BlockId>)| {
                Ok(find(&ctx.chain_at(at), at)?.state.code(address))
            },
        )
        .method(
            "eth_getStorageAt",
            |ctx, (address, slot, at): (Address, Quantity, Option<BlockId>)| {
                Ok(B256::from(
                    find(&ctx.chain_at(at), at)?
                        .state
                        .storage_at(address, slot.0),
                ))
            },
        )
        .method(
            "eth_getTransactionCount",
            |ctx, (address, at): (Address, Option<BlockId>)| {
                if at.is_some_and(|at| at.is_pending()) {
                    return Ok(U64::from(ctx.node.next_nonce(address)));
                }
                Ok(U64::from(find(&ctx.chain(), at)?.state.nonce(address)))
            },
        );
}

type CallArguments = (
    TransactionRequest,
    Option<BlockId>,
    Option<StateOverride>,
    Option<BlockOverrides>,
);

fn execution(registry: &mut Registry) {
    registry
        .method("eth_call", |ctx, (request, at, state, block): CallArguments| {
            let (chain, at) = (ctx.chain_at(at), at.unwrap_or_default());
            if node_interface::is_meant(&request) {
                return node_interface::call(&ctx.node, &chain, &request, at);
            }
            ctx.node.call(&chain, request, at, state, block)
        })
        .method(
            "eth_estimateGas",
            |ctx, (request, at, state): (TransactionRequest, Option<BlockId>, Option<StateOverride>)| {
                ctx.node.estimate_gas(&ctx.chain_at(at), request, at, state).map(U64::from)
            },
        );
}

fn transactions(registry: &mut Registry) {
    registry
        .method("eth_sendRawTransaction", |ctx, (raw,): (Bytes,)| {
            ctx.node.send_raw(&raw)
        })
        .method(
            "eth_sendTransaction",
            |ctx, (request,): (TransactionRequest,)| ctx.node.send(request),
        )
        .method(
            "eth_sendRawTransactionSync",
            |ctx, (raw, timeout): (Bytes, Option<Quantity>)| {
                let hash = ctx.node.send_raw(&raw)?;
                await_receipt(ctx, hash, timeout)
            },
        )
        .method(
            "eth_sendTransactionSync",
            |ctx, (request, timeout): (TransactionRequest, Option<Quantity>)| {
                let hash = ctx.node.send(request)?;
                await_receipt(ctx, hash, timeout)
            },
        )
        .method("eth_getTransactionByHash", |ctx, (hash,): (B256,)| {
            let chain = ctx.chain();
            let mined = chain
                .transaction(hash)
                .map(|(block, index)| types::transaction(block, index));
            Ok(mined.or_else(|| ctx.node.pending(hash).map(types::pending)))
        })
        .method("eth_getRawTransactionByHash", |ctx, (hash,): (B256,)| {
            let chain = ctx.chain();
            let mined = chain
                .transaction(hash)
                .map(|(block, index)| block.transactions[index].envelope.clone());
            let known = mined.or_else(|| ctx.node.pending(hash));
            Ok(known.map(|tx| Bytes::from(tx.inner().encoded_2718())))
        })
        .alias("debug_getRawTransaction", "eth_getRawTransactionByHash")
        .method("eth_getTransactionReceipt", |ctx, (hash,): (B256,)| {
            let chain = ctx.chain();
            Ok(chain
                .transaction(hash)
                .map(|(block, index)| types::receipt(block, index)))
        })
        .method(
            "eth_getTransactionByBlockHashAndIndex",
            |ctx, (hash, index): (B256, Quantity)| {
                nth_transaction(&ctx.chain(), hash.into(), index)
            },
        )
        .method(
            "eth_getTransactionByBlockNumberAndIndex",
            |ctx, (number, index): (BlockNumberOrTag, Quantity)| {
                nth_transaction(&ctx.chain_at(Some(number.into())), number.into(), index)
            },
        );
}

/// Waits for a receipt, as EIP-7966 has it: by default 20 seconds, at most a minute.
fn await_receipt(ctx: &Context, hash: B256, timeout: Option<Quantity>) -> Outcome<ArbitrumReceipt> {
    let millis = timeout.map_or(Ok(20_000), Quantity::to_u64)?.min(60_000);
    let end = Instant::now() + Duration::from_millis(millis);
    loop {
        let chain = ctx.node.chain();
        if let Some((block, index)) = chain.transaction(hash) {
            return Ok(types::receipt(block, index));
        }
        if Instant::now() >= end {
            return Err(NodeError::NotMined { hash, millis });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn nth_transaction(chain: &Chain, id: BlockId, index: Quantity) -> Outcome<Option<Transaction>> {
    let Some(block) = chain.find(id) else {
        return Ok(None);
    };
    let index = usize::try_from(index.0).unwrap_or(usize::MAX);
    Ok((index < block.transactions.len()).then(|| types::transaction(block, index)))
}

fn blocks(registry: &mut Registry) {
    let count = |ctx: &Context, id: BlockId| {
        ctx.chain_at(Some(id))
            .find(id)
            .map(|block| U64::from(block.transactions.len()))
    };
    registry
        .method(
            "eth_getBlockByNumber",
            |ctx, (number, full): (BlockNumberOrTag, Option<bool>)| {
                Ok(rpc_block(ctx, number.into(), full))
            },
        )
        .method(
            "eth_getBlockByHash",
            |ctx, (hash, full): (B256, Option<bool>)| Ok(rpc_block(ctx, hash.into(), full)),
        )
        .method(
            "eth_getHeaderByNumber",
            |ctx, (number,): (BlockNumberOrTag,)| {
                Ok(ctx
                    .chain_at(Some(number.into()))
                    .find(number.into())
                    .map(|block| types::header(block)))
            },
        )
        .method("eth_getBlockReceipts", |ctx, (id,): (BlockId,)| {
            let receipts = |block: &std::sync::Arc<Block>| -> Vec<ArbitrumReceipt> {
                (0..block.transactions.len())
                    .map(|index| types::receipt(block, index))
                    .collect()
            };
            Ok(ctx.chain_at(Some(id)).find(id).map(receipts))
        })
        .method(
            "eth_getBlockTransactionCountByNumber",
            move |ctx, (number,): (BlockNumberOrTag,)| Ok(count(ctx, number.into())),
        )
        .method(
            "eth_getBlockTransactionCountByHash",
            move |ctx, (hash,): (B256,)| Ok(count(ctx, hash.into())),
        )
        .method(
            "eth_getUncleCountByBlockNumber",
            |_, (_,): (BlockNumberOrTag,)| Ok(U64::ZERO),
        )
        .method("eth_getUncleCountByBlockHash", |_, (_,): (B256,)| {
            Ok(U64::ZERO)
        });
}

fn rpc_block(ctx: &Context, id: BlockId, full: Option<bool>) -> Option<ArbitrumBlock> {
    ctx.chain_at(Some(id))
        .find(id)
        .map(|block| types::block(block, full.unwrap_or(false)))
}

fn log_queries(registry: &mut Registry) {
    registry
        .method("eth_getLogs", |ctx, (filter,): (Filter,)| {
            filters::limited_logs(&ctx.chain(), &filter, &ctx.faults)
        })
        .method("eth_newFilter", |ctx, (filter,): (Filter,)| {
            Ok(ctx
                .filters
                .install_logs(&ctx.faults.steady(ctx.node.chain()), filter))
        })
        .method("eth_newBlockFilter", |ctx, _: Nothing| {
            Ok(ctx
                .filters
                .install_blocks(&ctx.faults.steady(ctx.node.chain())))
        })
        .method(
            "eth_newPendingTransactionFilter",
            |ctx, (_,): (Option<bool>,)| {
                Ok(ctx
                    .filters
                    .install_transactions(&ctx.faults.steady(ctx.node.chain())))
            },
        )
        .method("eth_getFilterChanges", |ctx, (id,): (Quantity,)| {
            ctx.filters
                .changes(&ctx.faults.steady(ctx.node.chain()), id.0)
        })
        .method("eth_getFilterLogs", |ctx, (id,): (Quantity,)| {
            ctx.filters
                .all_logs(&ctx.faults.steady(ctx.node.chain()), id.0)
        })
        .method("eth_uninstallFilter", |ctx, (id,): (Quantity,)| {
            Ok(ctx.filters.uninstall(id.0))
        });
}

fn others(registry: &mut Registry) {
    registry
        .method("web3_clientVersion", |_, _: Nothing| {
            Ok(crate::CLIENT_VERSION)
        })
        .method("web3_sha3", |_, (data,): (Bytes,)| Ok(keccak256(data)))
        .method("eth_syncing", |_, _: Nothing| Ok(false))
        .method("eth_mining", |_, _: Nothing| Ok(false))
        .method("eth_coinbase", |_, _: Nothing| Ok(crate::block::SEQUENCER))
        .method("eth_hashrate", |_, _: Nothing| Ok(U64::ZERO))
        .method("eth_protocolVersion", |_, _: Nothing| Ok(U64::from(65)))
        .method("net_listening", |_, _: Nothing| Ok(true))
        .method("net_peerCount", |_, _: Nothing| Ok(U64::ZERO));
}
