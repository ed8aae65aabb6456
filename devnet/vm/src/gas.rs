//! Where a transaction's gas went.

use serde::{Deserialize, Serialize};

/// A transaction's gas by cause. The parts sum to the gas spent; the receipt's gas is that less [`Self::refund`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GasBreakdown {
    /// The transaction itself: 21 000, calldata, access list, creation.
    pub intrinsic: u64,
    /// Starting programs: the (cached) init cost and the initial memory pages.
    pub startup: u64,
    /// WASM instructions of programs, and memory grown.
    pub compute: u64,
    /// Host calls of programs: their ink, logs, keccak, account lookups; all but storage and calls.
    pub host_io: u64,
    /// Storage loads and stores of programs (and transient ones), before refunds.
    pub storage: u64,
    /// What programs paid for calling and creating, without the gas the callee used.
    pub calls: u64,
    /// Everything else: EVM bytecode, precompiles, code deposits, and gas burnt by halted frames.
    pub evm: u64,
    /// Refunded at the end of the transaction.
    pub refund: u64,
}

impl GasBreakdown {
    /// Gas spent before the refund.
    pub fn spent(&self) -> u64 {
        self.intrinsic
            + self.startup
            + self.compute
            + self.host_io
            + self.storage
            + self.calls
            + self.evm
    }

    /// Gas charged to the sender.
    pub fn used(&self) -> u64 {
        self.spent().saturating_sub(self.refund)
    }
}

/// What a transaction did, counted over all frames, reverted ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Words written to storage: `SSTORE`s, and dirty words flushed by programs.
    pub storage_writes: u64,
    /// Words of storage read from the state: `SLOAD`s, and loads that missed a program's cache.
    pub storage_reads: u64,
    /// Calls of one contract by another, precompiles included.
    pub external_calls: u64,
    /// Contracts created, or attempted, by contracts.
    pub creates: u64,
    /// Stylus frames run.
    pub program_frames: u64,
}
