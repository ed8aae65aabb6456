//! An embedded Stylus chain for development: blocks, JSON-RPC over HTTP and WebSocket, and an API for tests.

mod accounts;
mod block;
mod call;
mod chain;
mod clock;
mod deploy;
mod devnet;
mod error;
mod genesis;
mod node;
mod persist;
mod pool;
mod reorg;
mod replay;
mod revert;
mod rpc;
mod server;
mod state;
mod transaction;
mod transport;
mod trie;
mod typed_data;

pub use accounts::{dev_accounts, DEV_ACCOUNTS, DEV_BALANCE, DEV_MNEMONIC};
pub use clock::{TimeInPast, TimeSource, L1_BLOCK_SECONDS, L1_GENESIS};
pub use deploy::{Constructor, DeployError, Deployment, IArbWasm, IArbWasmCache};
pub use devnet::{
    Devnet, DevnetBuilder, DevnetError, DEFAULT_BASE_FEE, DEFAULT_CHAIN_ID, MANUAL_GENESIS,
};
pub use devnet_vm::{
    code,
    precompiles::{ARB_WASM, ARB_WASM_CACHE},
    Activity, GasBreakdown,
};
pub use error::{NodeError, TransactionError};
pub use genesis::{IStylusDeployer, CREATE2_FACTORY, STYLUS_DEPLOYER};
pub use node::Mining;
pub use persist::PersistError;
pub use reorg::Displaced;
pub use revert::{describe_revert, describe_value, RevertData};
pub use rpc::{Failure, Faults, TransactionGas};
pub use server::{bind, RpcServer, ServeError};
pub use transaction::GAS_CAP;
pub use transport::InProcess;

/// What `web3_clientVersion` says.
///
/// Hardhat's network helpers, Ignition and others talk to nodes by their names: anvil's methods are what this one has.
pub const CLIENT_VERSION: &str = concat!("anvil/stylus-devnet-v", env!("CARGO_PKG_VERSION"));
