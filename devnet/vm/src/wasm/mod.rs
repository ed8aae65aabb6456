//! Stylus modules: what activation accepts, what a module costs, and the metering added to it.
//!
//! Nothing here needs an EVM. [`ModuleAnalysis::of`] is a pure function of the module's bytes; [`instrument`] is the
//! pure rewriting that makes a module pay for what it does, whichever engine runs it.

mod analysis;
mod import;
mod instrument;
mod module;
mod normal;
mod price;

pub use analysis::ModuleAnalysis;
pub use import::{HOST_FUNCTIONS, HOST_MODULE};
pub use instrument::{instrument, Instrumented};
pub use module::{ModuleError, MAX_WASM_SIZE};
pub use normal::{normalise, without_custom_sections, NotAModule};

/// Names under which an instrumented module exports its counters; no source module can export them.
pub mod export {
    pub const ENTRYPOINT: &str = "user_entrypoint";
    pub const MEMORY: &str = "memory";
    pub const INK_LEFT: &str = "stylus_ink_left";
    pub const INK_STATUS: &str = "stylus_ink_status";
    pub const STACK_LEFT: &str = "stylus_stack_left";
}
