//! Logs of a range of blocks: one query over all addresses, split where the node refuses.

use alloy::{
    primitives::{Address, B256},
    providers::{DynProvider, Provider as _},
    rpc::types::{Filter, Log},
};

use crate::ChainError;

/// The logs of `addresses` with one of these first topics (of any, if there are none) in the blocks `from` to `to`, in order. A range that the node refuses is halved, down to one
/// block.
///
/// # Errors
/// If the node refuses a single block: then no range was skipped, and nothing is returned.
pub async fn read_logs(
    provider: &DynProvider,
    addresses: &[Address],
    topics: &[B256],
    from: u64,
    to: u64,
) -> Result<Vec<Log>, ChainError> {
    let mut logs = Vec::new();
    if addresses.is_empty() {
        return Ok(logs);
    }
    // What is left to read, the earliest on top.
    let mut ranges = vec![(from, to)];
    while let Some((from, to)) = ranges.pop() {
        let filter = matching(addresses, topics).from_block(from).to_block(to);
        match provider.get_logs(&filter).await {
            Ok(found) => logs.extend(found),
            Err(error) if from == to => return Err(error.into()),
            Err(error) => {
                tracing::debug!(%error, from, to, "the node refused a range, which is halved");
                let middle = from + (to - from) / 2;
                ranges.push((middle + 1, to));
                ranges.push((from, middle));
            }
        }
    }
    logs.sort_by_key(|log| (log.block_number, log.log_index));
    Ok(logs)
}

/// The logs of `addresses` with one of these first topics in the block with this hash. A node that does not have the block has
/// to refuse; asked by number, it would say that there is nothing.
///
/// # Errors
/// If the node refuses.
pub async fn read_block(
    provider: &DynProvider,
    addresses: &[Address],
    topics: &[B256],
    hash: B256,
) -> Result<Vec<Log>, ChainError> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let filter = matching(addresses, topics).at_block_hash(hash);
    Ok(provider.get_logs(&filter).await?)
}

fn matching(addresses: &[Address], topics: &[B256]) -> Filter {
    let filter = Filter::new().address(addresses.to_vec());
    match topics.is_empty() {
        true => filter,
        false => filter.event_signature(topics.to_vec()),
    }
}
