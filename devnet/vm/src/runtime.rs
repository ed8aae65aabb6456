//! What lives as long as one transaction, besides the journal.

use std::sync::Arc;

use revm::primitives::{Address, AddressMap, B256};

use crate::{
    engine::Programs,
    gas::{Activity, GasBreakdown},
    memory::Pages,
    params::StylusParams,
    trace::Tracer,
};

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
    pub programs: Arc<Programs>,
    /// Number of the L2 block.
    pub l2_block: u64,
    pub recent: RecentPrograms,
    pub pages: Pages,
    /// Gas of program frames so far, by cause.
    pub gas: GasBreakdown,
    pub activity: Activity,
    pub tracer: Option<Tracer>,
    /// Frames open on the call stack.
    pub depth: usize,
    /// How often each account is open on the call stack, delegate calls left out.
    pub spans: AddressMap<u32>,
}

impl Runtime {
    /// Whether an account is open further up the call stack too.
    pub fn is_reentrant(&self, address: Address) -> bool {
        self.spans.get(&address).is_some_and(|open| *open > 1)
    }

    /// An account is entered.
    pub fn enter(&mut self, address: Address) {
        *self.spans.entry(address).or_default() += 1;
    }

    /// An account is left.
    pub fn leave(&mut self, address: Address) {
        if let Some(open) = self.spans.get_mut(&address) {
            *open = open.saturating_sub(1);
        }
    }
}
