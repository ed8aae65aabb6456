//! What the outside sees besides the functions: structs and errors.

use alloy_sol_types::sol;
use bpe_common::call::{NotAContract, Revert};
use stylus_sdk::{abi::Bytes, prelude::*};

sol! {
    /// A step of a batch of Superfluid's host.
    #[derive(Debug, PartialEq, Eq)]
    struct Operation {
        /// 101 wraps, 201 calls an agreement, 301 calls anybody.
        uint32 operationType;
        address target;
        bytes data;
    }

    /// `host` is not the Superfluid host of this token.
    #[derive(Debug, PartialEq, Eq)]
    error WrongHost(address host);
    /// `token` is not the token of these pools.
    #[derive(Debug, PartialEq, Eq)]
    error WrongToken(address token);
    /// `ledger` does not note what flows into these pools.
    #[derive(Debug, PartialEq, Eq)]
    error WrongLedger(address ledger);
    /// These bytes are not what the functions of this contract return.
    #[derive(Debug, PartialEq, Eq)]
    error MalformedParameters(bytes parameters);
    /// There is no action `actionId`.
    #[derive(Debug, PartialEq, Eq)]
    error UnknownActionId(uint8 actionId);
    /// What is to be signed comes in English only, `"en"`, not in `lang`.
    #[derive(Debug, PartialEq, Eq)]
    error UnsupportedLanguage(bytes32 lang);
    /// The task type has no pool.
    #[derive(Debug, PartialEq, Eq)]
    error UnknownTaskType(bytes32 taskTypeId);
    /// A stream has a positive rate, not `flowRate`.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidFlowRate(int96 flowRate);
    /// Below `minimum` not one wei per second and unit would flow.
    #[derive(Debug, PartialEq, Eq)]
    error FlowRateTooLow(uint256 flowRate, uint256 minimum);
    /// Superfluid took `asked`, and what flows is `actual`.
    #[derive(Debug, PartialEq, Eq)]
    error StreamDoesNotFlow(uint256 asked, uint256 actual);
    /// The source streams `flowRate` to this task type already.
    #[derive(Debug, PartialEq, Eq)]
    error StreamAlreadyExists(bytes32 taskTypeId, address source, uint256 flowRate);
    /// The source does not stream to this task type.
    #[derive(Debug, PartialEq, Eq)]
    error StreamDoesNotExist(bytes32 taskTypeId, address source);
    /// Nothing to wrap.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
}

bpe_common::abi_struct!(Operation(u32, alloy_primitives::Address, Bytes));

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    WrongHost(WrongHost),
    WrongToken(WrongToken),
    WrongLedger(WrongLedger),
    MalformedParameters(MalformedParameters),
    UnknownActionId(UnknownActionId),
    UnsupportedLanguage(UnsupportedLanguage),
    UnknownTaskType(UnknownTaskType),
    InvalidFlowRate(InvalidFlowRate),
    FlowRateTooLow(FlowRateTooLow),
    StreamDoesNotFlow(StreamDoesNotFlow),
    StreamAlreadyExists(StreamAlreadyExists),
    StreamDoesNotExist(StreamDoesNotExist),
    ZeroAmount(ZeroAmount),
    NotAContract(NotAContract),
    Revert(Revert),
}
