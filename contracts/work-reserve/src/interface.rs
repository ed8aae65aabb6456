//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
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

    /// `caller` is not WorkVouchers, or not WorkMisses.
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
    /// With `amount` a source would have deposited more than can be kept: 2^104 − 1 wei.
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
    /// A miss is charged after the `deadline`, and at the latest 600 s after it.
    #[derive(Debug, PartialEq, Eq)]
    error NotToBeReported(uint256 deadline);
    /// The assignment was charged before.
    #[derive(Debug, PartialEq, Eq)]
    error AlreadyCharged();
    /// `account` did not sign this: or what was signed is of another chain, contract or content.
    #[derive(Debug, PartialEq, Eq)]
    error NotSigned(address account);
    /// `caller` has not taken so much for tasks of this sink.
    #[derive(Debug, PartialEq, Eq)]
    error NothingPending(address caller);
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
    NotToBeReported(NotToBeReported),
    AlreadyCharged(AlreadyCharged),
    NotSigned(NotSigned),
    NothingPending(NothingPending),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Erc20(SafeERC20FailedOperation),
    Revert(Revert),
}
