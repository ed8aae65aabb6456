//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// The base fee of the task type is now `newBaseFee`.
    #[derive(Debug, PartialEq, Eq)]
    event BaseFeeUpdated(bytes32 indexed taskTypeId, uint256 newBaseFee);
    /// `sink` has a queue of `queueLoad`.
    #[derive(Debug, PartialEq, Eq)]
    event QueueLoadUpdated(bytes32 indexed taskTypeId, address indexed sink, uint256 queueLoad);
    /// The premium for queues of the task type now follows `curve`.
    #[derive(Debug, PartialEq, Eq)]
    event CurveSet(bytes32 indexed taskTypeId, uint8 curve);
    /// The base fee of the task type starts at `start` and stays from `floor` to `ceiling`, from `from` on.
    #[derive(Debug, PartialEq, Eq)]
    event FeesSet(bytes32 indexed taskTypeId, uint256 start, uint256 floor, uint256 ceiling, uint256 from);
    /// Counted work is told by `workLedger` from now on; by nobody, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event WorkLedgerSet(address indexed workLedger);
    /// `serviceDirectory` may set fees for creators from now on; nobody, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event ServiceDirectorySet(address indexed serviceDirectory);
    /// The escrow buffer is now `escrowBuffer`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event EscrowBufferSet(address indexed escrowBuffer);
    /// The temperature oracle is now `temperatureOracle`.
    #[derive(Debug, PartialEq, Eq)]
    event TemperatureOracleSet(address indexed temperatureOracle);

    /// The open epoch lasts until 60 s after it began.
    #[derive(Debug, PartialEq, Eq)]
    error EpochNotElapsed();
    /// A sink without capacity has no queue that could count.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroCapacity();
    /// The caller does not serve this task type.
    #[derive(Debug, PartialEq, Eq)]
    error SinkNotRegistered();
    /// `caller` may not do this.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// Fees are in order, `floor` ≤ `start` ≤ `ceiling`, above zero and at most `MAX_BASE_FEE`.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidFees(uint256 start, uint256 floor, uint256 ceiling);
    /// There is no curve of that number.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidCurve(uint8 curve);
}

/// Why a call was refused. [`Error::Revert`] is what CapacityRegistry reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    EpochNotElapsed(EpochNotElapsed),
    ZeroCapacity(ZeroCapacity),
    SinkNotRegistered(SinkNotRegistered),
    UnauthorizedCaller(UnauthorizedCaller),
    InvalidFees(InvalidFees),
    InvalidCurve(InvalidCurve),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}
