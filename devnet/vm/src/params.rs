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
        }
    }
}
