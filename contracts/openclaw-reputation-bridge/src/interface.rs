//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::U256;
use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// What ReputationLedger has of an operator in this domain: its score, from 0 to 10 000, good and bad records, the time of
    /// the last one, and how many seconds before that the first one was.
    #[derive(Debug, PartialEq, Eq)]
    struct DomainReputation {
        uint256 score;
        uint256 stakeDuration;
        uint256 completions;
        uint256 slashCount;
        uint256 lastUpdated;
    }

    /// `reporter` may report from now on.
    #[derive(Debug, PartialEq, Eq)]
    event ReporterAuthorized(address indexed reporter);
    /// `reporter` may report no longer.
    #[derive(Debug, PartialEq, Eq)]
    event ReporterRevoked(address indexed reporter);
    /// An agent of `operator` completed an execution of the skill, or failed to.
    #[derive(Debug, PartialEq, Eq)]
    event SkillCompletionReported(address indexed operator, bytes32 indexed skillTypeId, bool success);

    /// The caller is not the owner.
    #[derive(Debug, PartialEq, Eq)]
    error NotOwner();
    /// The caller is no reporter.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorized();
    /// A batch has as many operators as skill types and successes.
    #[derive(Debug, PartialEq, Eq)]
    error LengthMismatch(uint256 operators, uint256 skillTypeIds, uint256 successes);
    /// A batch of `length` is longer than the `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length, uint256 maximum);
}

bpe_common::abi_struct!(DomainReputation(U256, U256, U256, U256, U256));

/// Why a call was refused. [`Error::Revert`] is what ReputationLedger reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NotOwner(NotOwner),
    NotAuthorized(NotAuthorized),
    LengthMismatch(LengthMismatch),
    BatchTooLarge(BatchTooLarge),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
