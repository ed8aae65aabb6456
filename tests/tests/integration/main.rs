//! The suite from others' code: Solidity contracts, and TypeScript by viem.

mod solidity;
mod typescript;
