//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// `source` has paid `amount` more into the task type's escrow by its stream, `total` since ever, in wei.
    #[derive(Debug, PartialEq, Eq)]
    event Noted(bytes32 indexed taskTypeId, address indexed source, uint256 amount, uint256 total);

    /// The money of task types by work is at `workReserve`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event WorkReserveSet(address indexed workReserve);

    /// Misses are reported and answered at `workMisses`.
    #[derive(Debug, PartialEq, Eq)]
    event WorkMissesSet(address indexed workMisses);

    /// `caller` is not EscrowBuffer.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// BackpressurePool at `pool` has no OverflowMeter yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoOverflowMeter(address pool);
    /// WorkReserve has been set already.
    #[derive(Debug, PartialEq, Eq)]
    error WorkReserveAlreadySet();
    /// The WorkReserve at `reserve` is that of another WorkLedger.
    #[derive(Debug, PartialEq, Eq)]
    error ForeignReserve(address reserve);
    /// The WorkMisses at `misses` is that of another WorkLedger.
    #[derive(Debug, PartialEq, Eq)]
    error ForeignMisses(address misses);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NoOverflowMeter(NoOverflowMeter),
    UnauthorizedCaller(UnauthorizedCaller),
    WorkReserveAlreadySet(WorkReserveAlreadySet),
    ForeignReserve(ForeignReserve),
    ForeignMisses(ForeignMisses),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
