//! Builds the contracts, generates their interfaces and ABIs, and holds them to the project's rules.
//!
//! | module | its job |
//! |---|---|
//! | [`workspace`] | where things are |
//! | [`source`] | contracts' source as data: names, types, functions, storage |
//! | [`abi`] | the ABI of a contract, in JSON and Solidity |
//! | [`artefacts`] | the generated files and their freshness |
//! | [`build`], [`hash`], [`recipe`] | from source to the bytes on chain, as `cargo stylus` does it |
//! | [`verify`] | that they are those of `cargo stylus` |
//! | [`size`] | what programs weigh, and their budget |
//! | [`checks`] | rules that every contract keeps |

pub mod abi;
pub mod artefacts;
pub mod build;
pub mod checks;
mod diff;
pub mod error;
pub mod hash;
pub mod recipe;
pub mod size;
pub mod source;
pub mod verify;
pub mod workspace;

use error::Result;
use workspace::Workspace;

/// Reads all contracts from their source.
pub fn contracts(workspace: &Workspace) -> Result<Vec<abi::Contract>> {
    workspace
        .contracts()?
        .iter()
        .map(|contract| abi::read(workspace, contract))
        .collect()
}
