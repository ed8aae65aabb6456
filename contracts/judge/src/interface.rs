//! Errors. Judge has no events: CompletionTracker says what it finds.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::call::{InsufficientGas, NotAContract, Revert};
use stylus_sdk::prelude::*;

sol! {
    /// `caller` is not CompletionTracker.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// Epochs from `from` until before `until` are not to be judged: the sink's `next` is another one, or not all have ended, or not
    /// long enough ago.
    #[derive(Debug, PartialEq, Eq)]
    error NotToBeJudged(uint256 from, uint256 until, uint256 next);
    /// A reward of `amount` is more than can be kept: 2^96 − 1 wei.
    #[derive(Debug, PartialEq, Eq)]
    error RewardTooLarge(uint256 amount);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    UnauthorizedCaller(UnauthorizedCaller),
    NotToBeJudged(NotToBeJudged),
    RewardTooLarge(RewardTooLarge),
    NotAContract(NotAContract),
    Revert(Revert),
    /// For the reputation ledger, where a slash is recorded.
    InsufficientGas(InsufficientGas),
}
