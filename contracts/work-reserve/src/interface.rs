//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
    signature,
};
use stylus_sdk::prelude::*;

sol! {
    /// `source` deposited `amount` for the task type, and `cuts` besides for fee and budget.
    #[derive(Debug, PartialEq, Eq)]
    event Deposited(bytes32 indexed taskTypeId, address indexed source, uint256 amount, uint256 cuts);
    /// `amount` of `source` is for `sink` alone `until` then.
    #[derive(Debug, PartialEq, Eq)]
    event Earmarked(bytes32 indexed taskTypeId, address indexed source, address indexed sink, uint256 amount, uint256 until);
    /// `source` asks `amount` back in all, which is paid from `from` on as far as no voucher uses it.
    #[derive(Debug, PartialEq, Eq)]
    event TakeBackRequested(bytes32 indexed taskTypeId, address indexed source, uint256 amount, uint256 from);
    /// `source` took `amount` back.
    #[derive(Debug, PartialEq, Eq)]
    event TakenBack(bytes32 indexed taskTypeId, address indexed source, uint256 amount);
    /// `to` was paid `amount`.
    #[derive(Debug, PartialEq, Eq)]
    event Paid(bytes32 indexed taskTypeId, address indexed to, uint256 amount);
    /// `to` can claim `amount`: it could not be paid, or is a cut.
    #[derive(Debug, PartialEq, Eq)]
    event Credited(bytes32 indexed taskTypeId, address indexed to, uint256 amount);
    /// `account` was paid `amount` that it had been credited.
    #[derive(Debug, PartialEq, Eq)]
    event Claimed(address indexed account, uint256 amount);

    /// `source` says that `sink` did not do `taskId` by `deadline`: `work` of at most `value`, which is taken from it.
    #[derive(Debug, PartialEq, Eq)]
    event MissReported(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, uint256 work, uint256 value, uint256 deadline);
    /// `sink` has the receipt of `source` for `taskId`, and is owed the `value`.
    #[derive(Debug, PartialEq, Eq)]
    event MissAnswered(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes32 taskId, uint256 value);
    /// Of what was due of `sink` in `epoch`, `work` was missed and not answered; the `treasury` is owed its `value`.
    #[derive(Debug, PartialEq, Eq)]
    event MissesSettled(bytes32 indexed taskTypeId, address indexed sink, address indexed treasury, uint256 epoch, uint256 work, uint256 value);

    /// `caller` is not WorkVouchers, or not Judge.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// The task type is none that is paid by work, or has no pool.
    #[derive(Debug, PartialEq, Eq)]
    error NotPaidByWork(bytes32 taskTypeId);
    /// Only `amount` of a deposit would be left after its cuts, and `least` was asked for.
    #[derive(Debug, PartialEq, Eq)]
    error DepositTooSmall(uint256 amount, uint256 least);
    /// `amount` is more than can be kept: a source's deposits are at most 2^104 − 1 wei, a task's work too, its value 2^112 − 1.
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 amount);
    /// `required` is more than the `free` money of `source`.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientFunds(address source, uint256 required, uint256 free);
    /// An earmark ends after now, and at `latest` at the latest.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidUntil(uint256 until, uint256 latest);
    /// There is an earmark of `amount` `until` then: it can only grow.
    #[derive(Debug, PartialEq, Eq)]
    error EarmarkShrinks(uint256 amount, uint256 until);
    /// The source has asked nothing back, or it has been used, or the request has lapsed.
    #[derive(Debug, PartialEq, Eq)]
    error NothingAsked();
    /// What was asked back is paid from `availableAt` on.
    #[derive(Debug, PartialEq, Eq)]
    error TakeBackTooEarly(uint256 availableAt);
    /// The account has no credit.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToClaim();
    /// The pool has paid less than is due: `required` of `available` wei. Never, as long as notes are right.
    #[derive(Debug, PartialEq, Eq)]
    error ReserveShort(uint256 required, uint256 available);
    /// `count` accounts are more than the `max` of one call.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyAccounts(uint256 count, uint256 max);
    /// A task's `deadline` is at most an hour after it was accepted, at `timestamp`.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidTerm(uint256 timestamp, uint256 deadline);
    /// A miss is reported after the `deadline`, and at the latest at `until`.
    #[derive(Debug, PartialEq, Eq)]
    error NotToBeReported(uint256 deadline, uint256 until);
    /// The task was reported before.
    #[derive(Debug, PartialEq, Eq)]
    error AlreadyReported(bytes32 taskId);
    /// `signer` signed, who does not sign for `account`: or what was signed is of another chain, contract or content.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSignature(address account, address signer);
    /// The task was not reported, or has been answered.
    #[derive(Debug, PartialEq, Eq)]
    error NoSuchMiss(bytes32 taskId);
    /// The report could be answered until `latest`.
    #[derive(Debug, PartialEq, Eq)]
    error AnswerTooLate(uint256 latest);
    /// The misses of the epoch can be settled from `availableAt` on.
    #[derive(Debug, PartialEq, Eq)]
    error SettledTooEarly(uint256 availableAt);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    UnauthorizedCaller(UnauthorizedCaller),
    ZeroAmount(ZeroAmount),
    NotPaidByWork(NotPaidByWork),
    AmountTooLarge(AmountTooLarge),
    DepositTooSmall(DepositTooSmall),
    InsufficientFunds(InsufficientFunds),
    InvalidUntil(InvalidUntil),
    EarmarkShrinks(EarmarkShrinks),
    NothingAsked(NothingAsked),
    TakeBackTooEarly(TakeBackTooEarly),
    NothingToClaim(NothingToClaim),
    ReserveShort(ReserveShort),
    TooManyAccounts(TooManyAccounts),
    InvalidTerm(InvalidTerm),
    NotToBeReported(NotToBeReported),
    AlreadyReported(AlreadyReported),
    InvalidSignature(InvalidSignature),
    NoSuchMiss(NoSuchMiss),
    AnswerTooLate(AnswerTooLate),
    SettledTooEarly(SettledTooEarly),
    NotAContract(NotAContract),
    Signature(signature::Error),
    InsufficientGas(InsufficientGas),
    Erc20(SafeERC20FailedOperation),
    Revert(Revert),
}
