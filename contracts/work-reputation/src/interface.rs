//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// From now on fees on what counts between the two are reputation of the sink.
    #[derive(Debug, PartialEq, Eq)]
    event RecordBegun(bytes32 indexed taskTypeId, address indexed source, address indexed sink, uint256 value);
    /// Of `value` wei that counted between the two since the last record, `fee` wei were lost as protocol fee. The sink got
    /// `points` for that and for what had been left over; `rest` wei of fees are left for the next.
    #[derive(Debug, PartialEq, Eq)]
    event WorkRecorded(bytes32 indexed taskTypeId, address indexed source, address indexed sink, uint256 value, uint256 fee, uint256 points, uint256 rest);
    /// A point in the domain costs `weiPerPoint` wei of protocol fees.
    #[derive(Debug, PartialEq, Eq)]
    event WeiPerPointSet(bytes32 indexed domain, uint256 weiPerPoint);

    /// The task type's work counts in no domain.
    #[derive(Debug, PartialEq, Eq)]
    error NoDomain(bytes32 taskTypeId);
    /// Nothing has counted between the two since the last record, and what is left over makes no point.
    #[derive(Debug, PartialEq, Eq)]
    error NothingNew(uint256 value, uint256 rest);
    /// The fee of the work goes to `account`, who did it or paid for it.
    #[derive(Debug, PartialEq, Eq)]
    error FeeReturns(address account);
    /// A point costs between 1 and 2^96 − 1 wei.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeiPerPoint(uint256 weiPerPoint);
}

/// Why a call was refused. [`Error::Revert`] is what ReputationLedger, WorkVouchers or BackpressurePool reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NoDomain(NoDomain),
    NothingNew(NothingNew),
    FeeReturns(FeeReturns),
    InvalidWeiPerPoint(InvalidWeiPerPoint),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
