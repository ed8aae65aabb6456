//! An EVM that runs Stylus programs.
//!
//! [`Executor::execute`] runs one transaction on any revm database. Ethereum bytecode runs in revm's interpreter;
//! code that starts with `EFF000` is a Stylus program and runs as WASM in a frame of the same call stack, so that
//! either kind calls, creates and delegates to the other. Activation and the cache manager are the precompiles at
//! Arbitrum's addresses, and what they record lives in the chain's state: snapshots and reverts include it.
//!
//! The engine is wasmi, not wasmer: stylus-tools links wasmer 3, whose exported symbols collide with any other wasmer
//! in one binary; and wasmi's resumable calls let a program wait for its callee without growing the host's stack.

mod activation;
pub mod code;
mod engine;
mod evm;
mod executor;
mod frame;
mod gas;
mod memory;
mod params;
pub mod precompiles;
mod program;
mod runtime;
mod trace;
pub mod wasm;

pub use executor::{BlockContext, Execution, ExecutionError, ExecutionOptions, Executor};
pub use gas::{Activity, GasBreakdown};
pub use params::StylusParams;
pub use runtime::RecentPrograms;
pub use trace::{CallKind, CallTrace};

pub use revm;
