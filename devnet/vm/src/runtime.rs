//! What lives as long as one transaction, besides the journal.

use revm::primitives::B256;

use crate::{gas::Activity, params::StylusParams, trace::Tracer};

/// Programs called recently in the block: they start at the cached price.
///
/// As on Arbitrum the list belongs to the block, outside the journal: a reverted call has still initialised its program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentPrograms(Vec<B256>);

impl RecentPrograms {
    /// Marks a program as just called; tells whether it was among the last `capacity` programs.
    pub fn touch(&mut self, code_hash: B256, capacity: usize) -> bool {
        let known = self.0.iter().position(|hash| *hash == code_hash);
        if let Some(index) = known {
            self.0.remove(index);
        }
        self.0.insert(0, code_hash);
        self.0.truncate(capacity);
        known.is_some()
    }
}

/// The transaction's own state, kept in the context's chain slot where precompiles and opcodes reach it.
#[derive(Clone, Debug, Default)]
pub struct Runtime {
    pub params: StylusParams,
    pub l2_block: u64,
    pub recent: RecentPrograms,
    pub activity: Activity,
    pub tracer: Option<Tracer>,
}
