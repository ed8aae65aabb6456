//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// `amount` of `source` waits for the sinks of the task type; `source` is zero for what overflowed and is nobody's yet.
    #[derive(Debug, PartialEq, Eq)]
    event Deposited(bytes32 indexed taskTypeId, address indexed source, uint256 amount);
    /// Of the overflow, `amount` is what `source` paid, and waits as its deposit.
    #[derive(Debug, PartialEq, Eq)]
    event Attributed(bytes32 indexed taskTypeId, address indexed source, uint256 amount);
    /// `sink` was paid `amount`.
    #[derive(Debug, PartialEq, Eq)]
    event Drained(bytes32 indexed taskTypeId, address indexed sink, uint256 amount);
    /// `sink` could not be paid `amount`, and can claim it.
    #[derive(Debug, PartialEq, Eq)]
    event Credited(bytes32 indexed taskTypeId, address indexed sink, uint256 amount);
    /// `sink` was paid `amount` that it had been credited.
    #[derive(Debug, PartialEq, Eq)]
    event Claimed(address indexed sink, uint256 amount);
    /// `source` took back `amount`, what was left of its deposit number `index`.
    #[derive(Debug, PartialEq, Eq)]
    event Reclaimed(bytes32 indexed taskTypeId, address indexed source, uint256 index, uint256 amount);
    /// A booking left the buffer at its limit, or above.
    #[derive(Debug, PartialEq, Eq)]
    event BufferFull(bytes32 indexed taskTypeId, uint256 bufferLevel);
    /// The buffer's level, or its limit, changed; `newPressure` is level / limit, 1e18 = 1.
    #[derive(Debug, PartialEq, Eq)]
    event PressureChanged(bytes32 indexed taskTypeId, uint256 newPressure, uint256 timestamp);
    /// A booking for `source` left the buffer at 90 % of its limit, or above.
    #[derive(Debug, PartialEq, Eq)]
    event SlowDown(bytes32 indexed taskTypeId, address indexed source);
    /// The limit of the buffer is now `maxBuffer`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event BufferMaxSet(bytes32 indexed taskTypeId, uint256 maxBuffer);
    /// Deposits from now on can be reclaimed after `timeout` seconds.
    #[derive(Debug, PartialEq, Eq)]
    event ReclaimTimeoutSet(uint256 timeout);
    /// Pools are at `backpressurePool`, and who paid what is noted at `workLedger`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event Connected(address indexed backpressurePool, address indexed workLedger);

    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// Of `amount` nothing could be paid on: `minimum` is the least that waits.
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooSmall(uint256 amount, uint256 minimum);
    /// The task type is paid by work: nothing waits in a queue.
    #[derive(Debug, PartialEq, Eq)]
    error PaidByWork();
    /// The deposit would fill the buffer to `attempted`, beyond its limit `max`.
    #[derive(Debug, PartialEq, Eq)]
    error BufferExceedsMax(uint256 attempted, uint256 max);
    /// There is nothing in the buffer, nothing of it may drain yet, or there is no sink that any of it could go to.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToDrain();
    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// The task type has no pool, or no pool contract is connected.
    #[derive(Debug, PartialEq, Eq)]
    error PoolDoesNotExist();
    /// `count` sources are more than the `max` of one call.
    #[derive(Debug, PartialEq, Eq)]
    error TooManySources(uint256 count, uint256 max);
    /// `amount` is more than a buffer can hold (2^112 − 1), or all of them together (2^128 − 1).
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 amount);
    /// There is no such deposit, or nothing is left of it.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToReclaim();
    /// The deposit is of `source`, not of the caller.
    #[derive(Debug, PartialEq, Eq)]
    error NotDepositor(address source);
    /// The deposit can be reclaimed from `availableAt` on.
    #[derive(Debug, PartialEq, Eq)]
    error TimeoutNotElapsed(uint256 availableAt);
    /// A round is open that may take from this deposit: drain until it has ended.
    #[derive(Debug, PartialEq, Eq)]
    error RoundOpen();
    /// The sink has no credit.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToClaim();
    /// Pool and ledger are connected already.
    #[derive(Debug, PartialEq, Eq)]
    error AlreadyConnected();
    /// A reclaim `timeout` is from `minimum` to `maximum` seconds.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidReclaimTimeout(uint256 timeout, uint256 minimum, uint256 maximum);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ZeroAmount(ZeroAmount),
    AmountTooSmall(AmountTooSmall),
    PaidByWork(PaidByWork),
    BufferExceedsMax(BufferExceedsMax),
    NothingToDrain(NothingToDrain),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    PoolDoesNotExist(PoolDoesNotExist),
    TooManySources(TooManySources),
    AmountTooLarge(AmountTooLarge),
    NothingToReclaim(NothingToReclaim),
    NotDepositor(NotDepositor),
    TimeoutNotElapsed(TimeoutNotElapsed),
    RoundOpen(RoundOpen),
    NothingToClaim(NothingToClaim),
    AlreadyConnected(AlreadyConnected),
    NotAContract(NotAContract),
    InvalidReclaimTimeout(InvalidReclaimTimeout),
    InsufficientGas(InsufficientGas),
    Erc20(SafeERC20FailedOperation),
    Revert(Revert),
    Ownable(ownable::Error),
}
