//! The state before the first block: funded accounts, and the contracts that deployment tools expect.

mod assembler;
mod stylus_deployer;

use alloy::primitives::{address, bytes, Address, Bytes, U256};

use devnet_vm::precompiles::{
    ARB_GAS_INFO, ARB_INFO, ARB_OWNER_PUBLIC, ARB_SYS, ARB_WASM, ARB_WASM_CACHE, CACHE_MANAGER,
    NODE_INTERFACE,
};

use crate::state::{AccountDiff, StateDiff};

pub use stylus_deployer::{stylus_deployer_code, IStylusDeployer, STYLUS_DEPLOYER};

/// The deterministic-deployment proxy: CREATE2 of calldata's tail, salted with its first word.
pub const CREATE2_FACTORY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// The proxy's well-known runtime code.
pub const CREATE2_FACTORY_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// The accounts of a new chain, `funded` among them with `balance` each.
pub fn genesis(funded: &[Address], balance: U256) -> StateDiff {
    let funds = funded.iter().map(|address| {
        (
            *address,
            AccountDiff {
                balance,
                ..AccountDiff::default()
            },
        )
    });
    // As on Nitro: Solidity asks for code before it calls.
    let precompiles = [
        ARB_SYS,
        ARB_INFO,
        ARB_OWNER_PUBLIC,
        ARB_GAS_INFO,
        ARB_WASM,
        ARB_WASM_CACHE,
        CACHE_MANAGER,
        NODE_INTERFACE,
    ];
    let precompiles = precompiles.map(|address| (address, Bytes::from_static(&[0xfe])));
    let contracts = [
        (CREATE2_FACTORY, CREATE2_FACTORY_CODE),
        (STYLUS_DEPLOYER, stylus_deployer_code()),
    ];
    let code = precompiles
        .into_iter()
        .chain(contracts)
        .map(|(address, code)| {
            (
                address,
                AccountDiff {
                    nonce: 1,
                    code: Some(code),
                    ..AccountDiff::default()
                },
            )
        });
    StateDiff(
        funds
            .chain(code)
            .map(|(address, diff)| (address, Some(diff)))
            .collect(),
    )
}
