//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::ownable;
use stylus_sdk::prelude::*;

sol! {
    /// Something flowed out of `account`, whose turnover in `epoch` so far is `turnoverRate`, in basis points.
    #[derive(Debug, PartialEq, Eq)]
    event VelocityUpdated(address indexed account, uint256 turnoverRate, uint256 epoch);
    /// `epoch` is closed, the last that has ended; the velocity in it was `aggregateVelocity`, in basis points.
    #[derive(Debug, PartialEq, Eq)]
    event NetworkVelocityUpdated(uint256 aggregateVelocity, uint256 epoch);
    /// Movements are recorded by `newRecorder` from now on.
    #[derive(Debug, PartialEq, Eq)]
    event AuthorizedRecorderUpdated(address indexed oldRecorder, address indexed newRecorder);

    /// No epoch has ended that is not closed.
    #[derive(Debug, PartialEq, Eq)]
    error EpochNotElapsed();
    /// The caller is not the recorder.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedRecorder();
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    EpochNotElapsed(EpochNotElapsed),
    NotAuthorizedRecorder(NotAuthorizedRecorder),
    Ownable(ownable::Error),
}
