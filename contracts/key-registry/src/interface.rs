//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use stylus_sdk::prelude::*;

sol! {
    /// The key named `operator`, by a text that it signed at `time`, in seconds since 1970.
    #[derive(Debug, PartialEq, Eq)]
    event KeyProven(uint8 indexed scheme, bytes32 indexed key, address indexed operator, uint256 time);

    /// Schemes are 1, Nostr, and 2, Lightning.
    #[derive(Debug, PartialEq, Eq)]
    error UnknownScheme(uint8 scheme);
    /// This is not the key's signature over the text that names the caller: of another key, operator, chain, registry or time,
    /// of no key at all, or malformed.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidKeySignature();
    /// What the key signed at `time` is not later than what it signed at `last`, or later than now beyond a clock's error.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidProofTime(uint256 time, uint256 last);
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    UnknownScheme(UnknownScheme),
    InvalidKeySignature(InvalidKeySignature),
    InvalidProofTime(InvalidProofTime),
}
