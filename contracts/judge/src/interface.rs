//! Events, errors, and what is signed. What Judge finds CompletionTracker says, and what it moves WorkReserve.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    signature,
};
use stylus_sdk::{abi, prelude::*};

sol! {
    /// An answer in a batch did not count. `reason` is the selector of the error that it would have reverted with alone.
    #[derive(Debug, PartialEq, Eq)]
    event AnswerRejected(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, bytes4 reason);

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
    /// WorkLedger knows no WorkReserve yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoWorkReserve();
    /// Nobody misses a task of its own.
    #[derive(Debug, PartialEq, Eq)]
    error SinkIsSource();
    /// `signer` signed, who does not sign for `account`: or what was signed is of another chain, contract or content.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSignature(address account, address signer);
    /// `length` is more than a batch can have.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length);

    /// What sink and source have both signed of a task when it was accepted, in WorkVouchers' domain: `WorkAssignment(bytes32
    /// taskTypeId,address sink,address source,bytes32 taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)`.
    #[derive(Debug)]
    struct SignedWork {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 work;
        uint256 value;
        uint256 timestamp;
        uint256 deadline;
        bytes sinkSig;
        bytes sourceSig;
    }

    /// What the source has signed of a task when it was done, in CompletionTracker's domain: `CompletionReceipt(bytes32
    /// taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)`.
    #[derive(Debug)]
    struct SignedReceipt {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 timestamp;
        bytes sourceSig;
    }
}

bpe_common::abi_struct!(SignedWork(
    B256,
    Address,
    Address,
    B256,
    U256,
    U256,
    U256,
    U256,
    abi::Bytes,
    abi::Bytes
));

bpe_common::abi_struct!(SignedReceipt(
    B256,
    Address,
    Address,
    B256,
    U256,
    abi::Bytes
));

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    UnauthorizedCaller(UnauthorizedCaller),
    NotToBeJudged(NotToBeJudged),
    RewardTooLarge(RewardTooLarge),
    NoWorkReserve(NoWorkReserve),
    SinkIsSource(SinkIsSource),
    InvalidSignature(InvalidSignature),
    BatchTooLarge(BatchTooLarge),
    NotAContract(NotAContract),
    Signature(signature::Error),
    Revert(Revert),
}
