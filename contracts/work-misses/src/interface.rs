//! Events, errors, and what is signed.

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
    /// `source` says that `sink` did not do `taskId` by `deadline`: `work` of at most `value`, which is taken from it.
    #[derive(Debug, PartialEq, Eq)]
    event MissReported(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, uint256 work, uint256 value, uint256 deadline);
    /// `sink` has the receipt of `source` for `taskId`, and is owed the `value`.
    #[derive(Debug, PartialEq, Eq)]
    event MissAnswered(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, uint256 value);
    /// An answer in a batch did not count. `reason` is the selector of the error that it would have reverted with alone.
    #[derive(Debug, PartialEq, Eq)]
    event AnswerRejected(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, bytes4 reason);
    /// Of what was due of `sink` in `epoch`, `work` was missed and not answered; the `treasury` is owed its `value`.
    #[derive(Debug, PartialEq, Eq)]
    event MissesSettled(bytes32 indexed taskTypeId, address indexed sink, address indexed treasury, uint256 epoch, uint256 work, uint256 value);

    /// WorkLedger knows no WorkReserve yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoWorkReserve();
    /// Nobody misses a task of its own.
    #[derive(Debug, PartialEq, Eq)]
    error SinkIsSource();
    /// A task has work and a value.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// `amount` is more than can be kept: a task's work is at most 2^104 − 1, its value 2^112 − 1 wei.
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 amount);
    /// A task's `deadline` is at most an hour after it was accepted, at `timestamp`.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidTerm(uint256 timestamp, uint256 deadline);
    /// The task was reported before.
    #[derive(Debug, PartialEq, Eq)]
    error AlreadyReported(bytes32 taskId);
    /// `account` did not sign this: or what was signed is of another chain, contract or content.
    #[derive(Debug, PartialEq, Eq)]
    error NotSigned(address account);
    /// The task was not reported, or has been answered.
    #[derive(Debug, PartialEq, Eq)]
    error NoSuchMiss(bytes32 taskId);
    /// The report could be answered until `latest`.
    #[derive(Debug, PartialEq, Eq)]
    error AnswerTooLate(uint256 latest);
    /// The misses of the epoch can be settled from `availableAt` on.
    #[derive(Debug, PartialEq, Eq)]
    error SettledTooEarly(uint256 availableAt);
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
    NoWorkReserve(NoWorkReserve),
    SinkIsSource(SinkIsSource),
    ZeroAmount(ZeroAmount),
    AmountTooLarge(AmountTooLarge),
    InvalidTerm(InvalidTerm),
    AlreadyReported(AlreadyReported),
    NotSigned(NotSigned),
    NoSuchMiss(NoSuchMiss),
    AnswerTooLate(AnswerTooLate),
    SettledTooEarly(SettledTooEarly),
    BatchTooLarge(BatchTooLarge),
    NotAContract(NotAContract),
    Signature(signature::Error),
    Revert(Revert),
}
