//! Block number and time.
//!
//! On Arbitrum `block_number` is the number of the **L1** block, about 12 seconds apart, not of the L2 block.
//!
//! motsu's VM has no clock: its time stands still and its block number is 0. Outside WASM these two functions
//! therefore read a clock of the current thread, which [`testing`] moves.

use stylus_sdk::stylus_core::Host;

/// Seconds of an epoch of service: what a sink completes is counted by it.
pub const EPOCH: u64 = 300;

/// Number of the current L1 block.
#[cfg(target_arch = "wasm32")]
pub fn block_number(vm: &dyn Host) -> u64 {
    vm.block_number()
}

/// Time of the current block, in seconds since 1970.
#[cfg(target_arch = "wasm32")]
pub fn block_timestamp(vm: &dyn Host) -> u64 {
    vm.block_timestamp()
}

/// Number of the current block by the test clock.
#[cfg(not(target_arch = "wasm32"))]
pub fn block_number(_vm: &dyn Host) -> u64 {
    testing::BLOCK_NUMBER.get()
}

/// Time of the current block by the test clock.
#[cfg(not(target_arch = "wasm32"))]
pub fn block_timestamp(_vm: &dyn Host) -> u64 {
    testing::BLOCK_TIMESTAMP.get()
}

/// The clock of unit tests. One per thread, as motsu has one VM per thread.
#[cfg(not(target_arch = "wasm32"))]
pub mod testing {
    use core::cell::Cell;

    /// The block in which every test starts.
    pub const FIRST_BLOCK: u64 = 1_000;
    /// The time at which every test starts: 2025-01-01, as in motsu.
    pub const FIRST_TIMESTAMP: u64 = 1_735_689_600;

    std::thread_local! {
        pub(super) static BLOCK_NUMBER: Cell<u64> = const { Cell::new(FIRST_BLOCK) };
        pub(super) static BLOCK_TIMESTAMP: Cell<u64> = const { Cell::new(FIRST_TIMESTAMP) };
    }

    /// Mines `blocks` blocks without letting time pass.
    pub fn advance_blocks(blocks: u64) {
        BLOCK_NUMBER.set(BLOCK_NUMBER.get() + blocks);
    }

    /// Lets `seconds` pass within the same block.
    pub fn advance_time(seconds: u64) {
        BLOCK_TIMESTAMP.set(BLOCK_TIMESTAMP.get() + seconds);
    }

    /// Sets the time, in seconds since 1970: test chains begin at 1.
    pub fn set_timestamp(seconds: u64) {
        BLOCK_TIMESTAMP.set(seconds);
    }

    /// The current block number of the test clock.
    pub fn block_number() -> u64 {
        BLOCK_NUMBER.get()
    }

    /// The current time of the test clock.
    pub fn timestamp() -> u64 {
        BLOCK_TIMESTAMP.get()
    }
}
