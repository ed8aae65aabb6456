//! Log queries, and filters that clients poll.

use std::collections::BTreeMap;

use alloy::{
    primitives::U256,
    rpc::types::{Filter, FilterBlockOption, FilterChanges, Log},
};
use parking_lot::Mutex;

use crate::{chain::Chain, error::NodeError, rpc::types};

/// The most filters kept; the oldest make room.
const CAPACITY: usize = 1_000;

/// Logs that match `filter`.
pub fn logs(chain: &Chain, filter: &Filter) -> Result<Vec<Log>, NodeError> {
    let (from, to) = match filter.block_option {
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
    };
    Ok(matching(chain, filter, from, to).collect())
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
        .filter(|block| filter.matches_bloom(block.header.logs_bloom))
        .flat_map(|block| types::logs(block))
        .filter(|log| filter.matches_address(log.address()) && filter.matches_topics(log.topics()))
}

/// What a filter reports.
enum Kind {
    Logs(Box<Filter>),
    Blocks,
    PendingTransactions,
}

struct Installed {
    kind: Kind,
    /// The first block not reported yet.
    next: u64,
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
                next: chain.head().number() + 1,
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
        let head = chain.head().number();
        // After a revert the chain may be shorter than what was reported.
        let from = installed.next.min(head + 1);
        installed.next = head + 1;
        let blocks = || (from..=head).filter_map(|number| chain.block(number));
        Ok(match &installed.kind {
            Kind::Logs(filter) => {
                let (first, last) = filter.extract_block_range();
                let (from, to) = (from.max(first.unwrap_or(0)), head.min(last.unwrap_or(head)));
                FilterChanges::Logs(matching(chain, filter, from, to).collect())
            }
            Kind::Blocks => FilterChanges::Hashes(blocks().map(|block| block.hash).collect()),
            Kind::PendingTransactions => FilterChanges::Hashes(
                blocks()
                    .flat_map(|block| block.transactions.iter().map(|tx| tx.hash()))
                    .collect(),
            ),
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
