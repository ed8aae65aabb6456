//! Neighbours for the unit tests of the contracts: tokens, a reputation ledger, pools, a registry, a wallet and Superfluid,
//! that behave, or misbehave, as a test tells them to.
#![cfg(not(target_arch = "wasm32"))]

extern crate alloc;

mod fuzz;
mod keys;
mod ledger;
mod network;
mod pool;
mod pools;
mod precompiles;
mod purse;
pub mod reference;
mod registry;
pub mod superfluid;
mod token;
mod turn;
mod wallet;

pub use fuzz::{calldata, enter, Fuzz};
pub use keys::Keys;
pub use ledger::Ledger;
pub use network::Network;
pub use pool::{Notice, Pool};
pub use pools::Pools;
pub use precompiles::Precompiles;
pub use purse::Purse;
pub use registry::Registry;
pub use token::{Behaviour, Token};
pub use turn::{turn, Turn};
pub use wallet::Wallet;

/// The selector and the arguments of a call that reached a fallback.
fn split(calldata: &[u8]) -> ([u8; 4], &[u8]) {
    let (selector, arguments) = calldata.split_at(calldata.len().min(4));
    (selector.try_into().unwrap_or_default(), arguments)
}

/// `revert("…")` of a neighbour that refuses.
fn refusal(reason: &str) -> Vec<u8> {
    use alloy_sol_types::SolError;
    alloy_sol_types::Revert::from(reason).abi_encode()
}

/// What a fallback returns.
type Answer = Result<Vec<u8>, Vec<u8>>;
