//! Stylus parameters of the chain: prices, limits and ArbOS versions.

/// The parameters a chain owner could set on Arbitrum; the defaults are Arbitrum One's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StylusParams {
    /// Version of the Stylus VM that activation stamps on a program.
    pub version: u16,
    /// Ink per gas.
    pub ink_price: u32,
    /// Words of WASM stack a program may use.
    pub max_stack_depth: u32,
    /// Pages of memory that are free over the whole call stack.
    pub free_pages: u16,
    /// Gas per page past the free ones.
    pub page_gas: u16,
    /// Pages a transaction's programs may hold open together.
    pub page_limit: u16,
    /// Days until an activation expires.
    pub expiry_days: u16,
    /// Age in days from which an activation may be extended.
    pub keepalive_days: u16,
    /// How many recently called programs a block keeps initialised.
    pub block_cache_size: u16,
    /// Whether a program pays the EVM's 9 000 and 25 000 gas for sending value, and is refunded for clearing storage.
    ///
    /// Nitro does both. Off by default: the reference vectors were measured on a VM that does neither, and what they
    /// measured must come out.
    pub value_gas_and_refunds: bool,
}

impl Default for StylusParams {
    fn default() -> Self {
        Self {
            version: 2,
            ink_price: 10_000,
            max_stack_depth: 22_000,
            free_pages: 2,
            page_gas: 1_000,
            page_limit: 128,
            expiry_days: 365,
            keepalive_days: 31,
            block_cache_size: 32,
            value_gas_and_refunds: false,
        }
    }
}

impl StylusParams {
    /// Gas to start any program that is not cached, besides its own init cost.
    pub const MIN_INIT_GAS: u64 = 72 * 128;
    /// Gas to start any program, besides its own cached init cost.
    pub const MIN_CACHED_INIT_GAS: u64 = 11 * 32;
    /// Percent of the init costs that are charged.
    pub const INIT_COST_SCALAR: u64 = 100;
    /// Gas of every activation, before the module is looked at.
    pub const ACTIVATION_GAS: u64 = 1_659_168;

    const DAY: u64 = 24 * 60 * 60;

    pub fn expiry_seconds(&self) -> u64 {
        u64::from(self.expiry_days) * Self::DAY
    }

    pub fn keepalive_seconds(&self) -> u64 {
        u64::from(self.keepalive_days) * Self::DAY
    }
}
