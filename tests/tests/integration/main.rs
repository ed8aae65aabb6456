//! The suite from others' code: Solidity contracts, and TypeScript by viem.

mod migrate;
mod solidity;
mod typescript;
