//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::call::{NotAContract, Revert};
use stylus_sdk::prelude::*;

sol! {
    /// Through the task type's pool flowed `inflow` wei per second, on average over the last `elapsed` seconds.
    #[derive(Debug, PartialEq, Eq)]
    event InflowMeasured(bytes32 indexed taskTypeId, uint256 inflow, uint256 elapsed);

    /// `caller` is not BackpressurePool.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// `escrow` knows no WorkLedger yet, or that no WorkReserve: nobody could pay out what a pool by work takes in.
    #[derive(Debug, PartialEq, Eq)]
    error NoWorkReserve(address escrow);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    UnauthorizedCaller(UnauthorizedCaller),
    NoWorkReserve(NoWorkReserve),
    NotAContract(NotAContract),
    Revert(Revert),
}
