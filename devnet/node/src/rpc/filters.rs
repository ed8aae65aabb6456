//! Log queries, and filters that clients poll.

use std::{collections::BTreeMap, sync::Arc};

use alloy::{
    primitives::U256,
    rpc::types::{Filter, FilterBlockOption, FilterChanges, Log},
};
use parking_lot::Mutex;

use crate::{
    block::{Block, MinedTransaction},
    chain::{Chain, Change},
    error::NodeError,
    rpc::types,
};

/// The most filters kept; the oldest make room.
const CAPACITY: usize = 1_000;

/// Logs that match `filter`, unless a fault has it that they are too many.
pub fn limited_logs(
    chain: &Chain,
    filter: &Filter,
    faults: &super::Faulty,
) -> Result<Vec<Log>, NodeError> {
    if let FilterBlockOption::Range { .. } = filter.block_option {
        let (from, to) = range(chain, filter)?;
        faults.check_logs(from, to, 0)?;
    }
    let found = logs(chain, filter)?;
    faults.check_logs(0, 0, found.len())?;
    Ok(found)
}

/// Logs that match `filter`.
pub fn logs(chain: &Chain, filter: &Filter) -> Result<Vec<Log>, NodeError> {
    let (from, to) = range(chain, filter)?;
    Ok(matching(chain, filter, from, to).collect())
}

/// The blocks that a filter names.
fn range(chain: &Chain, filter: &Filter) -> Result<(u64, u64), NodeError> {
    Ok(match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let block = chain
                .block_by_hash(hash)
                .ok_or_else(|| NodeError::UnknownBlock(hash.to_string()))?;
            (block.number(), block.number())
        }
        FilterBlockOption::Range {
            from_block,
            to_block,
        } => {
            let head = chain.head().number();
            let from = from_block.map_or(head, |number| chain.resolve(number));
            let to = to_block.map_or(head, |number| chain.resolve(number));
            if from > to && to_block.is_some() {
                return Err(NodeError::BlockRange { from, to });
            }
            (from, to.min(head))
        }
    })
}

/// Matching logs of the blocks `from..=to`.
pub fn matching<'a>(
    chain: &'a Chain,
    filter: &'a Filter,
    from: u64,
    to: u64,
) -> impl Iterator<Item = Log> + 'a {
    (from..=to)
        .map_while(|number| chain.block(number))
        .flat_map(|block| matching_in(block, filter))
}

/// Matching logs of one block.
fn matching_in<'a>(block: &'a Block, filter: &'a Filter) -> impl Iterator<Item = Log> + 'a {
    let logs = filter
        .matches_bloom(block.header.logs_bloom)
        .then(|| types::logs(block));
    logs.into_iter()
        .flatten()
        .filter(|log| filter.matches_address(log.address()) && filter.matches_topics(log.topics()))
}

/// What a change means to somebody who follows logs: those that are gone, the newest first, then those that came.
pub fn changed_logs(change: &Change, filter: &Filter) -> Vec<Log> {
    let (first, last) = filter.extract_block_range();
    let wanted = |block: &&Arc<Block>| {
        (first.unwrap_or(0)..=last.unwrap_or(u64::MAX)).contains(&block.number())
    };
    let gone = change.removed.iter().filter(wanted).flat_map(|block| {
        let mut logs: Vec<_> = matching_in(block, filter).collect();
        logs.reverse();
        logs
    });
    let gone = gone.map(|log| Log {
        removed: true,
        ..log
    });
    let come = change.added.iter().filter(wanted);
    gone.chain(come.flat_map(|block| matching_in(block, filter)))
        .collect()
}

/// What a change means to somebody who follows blocks: those that came, or the one that is the head again.
pub fn changed_heads(chain: &Chain, change: &Change) -> Vec<Arc<Block>> {
    match (change.added.is_empty(), change.removed.is_empty()) {
        (true, false) => vec![Arc::clone(chain.head())],
        _ => change.added.clone(),
    }
}

/// What a filter reports.
enum Kind {
    Logs(Box<Filter>),
    Blocks,
    PendingTransactions,
}

struct Installed {
    kind: Kind,
    /// The chain when it was last reported on.
    seen: Chain,
}

/// The filters that clients installed.
#[derive(Default)]
pub struct Filters(Mutex<(u64, BTreeMap<u64, Installed>)>);

impl Filters {
    pub fn install_logs(&self, chain: &Chain, filter: Filter) -> U256 {
        self.install(chain, Kind::Logs(Box::new(filter)))
    }

    pub fn install_blocks(&self, chain: &Chain) -> U256 {
        self.install(chain, Kind::Blocks)
    }

    /// Reports mined transactions: with automatic mining none is ever pending.
    pub fn install_transactions(&self, chain: &Chain) -> U256 {
        self.install(chain, Kind::PendingTransactions)
    }

    fn install(&self, chain: &Chain, kind: Kind) -> U256 {
        let (last, filters) = &mut *self.0.lock();
        *last += 1;
        filters.insert(
            *last,
            Installed {
                kind,
                seen: chain.clone(),
            },
        );
        if filters.len() > CAPACITY {
            filters.pop_first();
        }
        U256::from(*last)
    }

    pub fn uninstall(&self, id: U256) -> bool {
        u64::try_from(id).is_ok_and(|id| self.0.lock().1.remove(&id).is_some())
    }

    /// What happened since the last poll.
    pub fn changes(&self, chain: &Chain, id: U256) -> Result<FilterChanges, NodeError> {
        let (_, filters) = &mut *self.0.lock();
        let installed = u64::try_from(id).ok().and_then(|id| filters.get_mut(&id));
        let installed = installed.ok_or(NodeError::UnknownFilter(id))?;
        let change = chain.since(&installed.seen);
        installed.seen = chain.clone();
        let hashes = |blocks: Vec<Arc<Block>>| blocks.iter().map(|block| block.hash).collect();
        Ok(match &installed.kind {
            Kind::Logs(filter) => FilterChanges::Logs(changed_logs(&change, filter)),
            Kind::Blocks => FilterChanges::Hashes(hashes(changed_heads(chain, &change))),
            Kind::PendingTransactions => {
                let transactions = change.added.iter().flat_map(|block| &block.transactions);
                FilterChanges::Hashes(transactions.map(MinedTransaction::hash).collect())
            }
        })
    }

    /// Everything that a log filter matches.
    pub fn all_logs(&self, chain: &Chain, id: U256) -> Result<Vec<Log>, NodeError> {
        let (_, filters) = &*self.0.lock();
        match u64::try_from(id)
            .ok()
            .and_then(|id| filters.get(&id))
            .map(|installed| &installed.kind)
        {
            Some(Kind::Logs(filter)) => logs(chain, filter),
            _ => Err(NodeError::UnknownFilter(id)),
        }
    }
}
