//! Events and errors of StakeManager.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, Revert},
    erc20::SafeERC20FailedOperation,
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// `sink` staked `amount`, as far as it arrived, and now has `totalStake`.
    #[derive(Debug, PartialEq, Eq)]
    event Staked(address indexed sink, uint256 amount, uint256 totalStake);
    /// `sink` took back `amount` and now has `totalStake`.
    #[derive(Debug, PartialEq, Eq)]
    event Unstaked(address indexed sink, uint256 amount, uint256 totalStake);
    /// `sink` lost `amount` for `reason`.
    #[derive(Debug, PartialEq, Eq)]
    event Slashed(address indexed sink, uint256 amount, bytes32 indexed reason);
    /// The lock of `sink` was raised to `amount`.
    #[derive(Debug, PartialEq, Eq)]
    event StakeLocked(address indexed sink, uint256 amount);
    /// `amount` of the stake of `sink` is unbonding, and free from `until` on.
    #[derive(Debug, PartialEq, Eq)]
    event UnbondingStarted(address indexed sink, uint256 amount, uint256 until);
    /// So many minimum stakes of `account` are set aside for task types that it created.
    #[derive(Debug, PartialEq, Eq)]
    event StakeBonded(address indexed account, uint256 bonds);
    /// Slashed tokens were paid to `treasury`.
    #[derive(Debug, PartialEq, Eq)]
    event SlashedPaid(address indexed treasury, uint256 amount);
    /// `to` was paid `amount` of slashed tokens for bringing the slash about.
    #[derive(Debug, PartialEq, Eq)]
    event SlashRewarded(address indexed to, uint256 amount);
    /// `slasher` may now slash, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event SlasherSet(address indexed slasher, bool authorized);
    /// `registry` may now lock stakes, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event RegistrySet(address indexed registry, bool authorized);
    /// `amount` of a slash of `sink` is more than a day's part of its stake, and owed: see `takeOwed`.
    #[derive(Debug, PartialEq, Eq)]
    event SlashOwed(address indexed sink, uint256 amount, bytes32 indexed reason);
    /// Staking is open: from now on powers are given with notice.
    #[derive(Debug, PartialEq, Eq)]
    event StakingOpened();
    /// Slashed tokens now go to `treasury`; they are burnt, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event TreasurySet(address indexed treasury);
    /// Unbonding takes `period` seconds for stakes that are locked from `from` on, and for all from then on, if that is less
    /// than it took.
    #[derive(Debug, PartialEq, Eq)]
    event UnbondingPeriodSet(uint256 period, uint256 from);
    /// Discounts on required stake now come from `ledger`, for `domain`; there are none, if `ledger` is zero.
    #[derive(Debug, PartialEq, Eq)]
    event ReputationLedgerSet(address indexed ledger, bytes32 indexed domain);

    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// The caller is not an authorised slasher.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedSlasher();
    /// `caller` is not an authorised registry.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedRegistry(address caller);
    /// The stake of `sink` is locked by another registry than the caller.
    #[derive(Debug, PartialEq, Eq)]
    error LockedByOtherRegistry(address sink);
    /// The stake of `sink` is not locked by `registry`.
    #[derive(Debug, PartialEq, Eq)]
    error NotLockedBy(address sink, address registry);
    /// `registry` is authorised: leave it by deregistering there.
    #[derive(Debug, PartialEq, Eq)]
    error RegistryStillAuthorized(address registry);
    /// A stake of `amount` is more than can be kept (2^112 − 1).
    #[derive(Debug, PartialEq, Eq)]
    error StakeTooLarge(uint256 amount);
    /// `token` is not a contract.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidStakeToken(address token);
    /// `stakeUnit` is zero or more than 2^112 − 1.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidStakeUnit(uint256 stakeUnit);
    /// There is no cap curve `curve`: 0 is the square root, 1 the affine one.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidCapCurve(uint8 curve);
    /// An unbonding `period` is from `minimum` to `maximum` seconds.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidUnbondingPeriod(uint256 period, uint256 minimum, uint256 maximum);
    /// Staking is not open yet.
    #[derive(Debug, PartialEq, Eq)]
    error StakingClosed();
    /// Staking is open already.
    #[derive(Debug, PartialEq, Eq)]
    error StakingAlreadyOpen();
    /// Of the stake of `sink` slashes have still to take `amount`: see `takeOwed`.
    #[derive(Debug, PartialEq, Eq)]
    error StakeOwed(address sink, uint256 amount);
    /// A day's part of the stake of `sink` has been taken: more can be from `from` on.
    #[derive(Debug, PartialEq, Eq)]
    error DailySlashReached(address sink, uint256 from);
    /// The treasury cannot be the `owner`, who could otherwise gain by slashes.
    #[derive(Debug, PartialEq, Eq)]
    error TreasuryIsOwner(address owner);
    /// There are no more than 255 registries in a contract's life.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyRegistries();
    /// Nobody registers from now on who has a reputation of less than `minReputation`.
    #[derive(Debug, PartialEq, Eq)]
    event MinReputationSet(uint256 minReputation);
    /// The reputation of `sink` is less than `required`.
    #[derive(Debug, PartialEq, Eq)]
    error NotAdmitted(address sink, uint256 reputation, uint256 required);
    /// A reputation is at most 10 000.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidReputation(uint256 reputation);
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ZeroAmount(ZeroAmount),
    InsufficientStake(InsufficientStake),
    NotAuthorizedSlasher(NotAuthorizedSlasher),
    NotAuthorizedRegistry(NotAuthorizedRegistry),
    LockedByOtherRegistry(LockedByOtherRegistry),
    NotLockedBy(NotLockedBy),
    RegistryStillAuthorized(RegistryStillAuthorized),
    StakeTooLarge(StakeTooLarge),
    InvalidStakeToken(InvalidStakeToken),
    InvalidStakeUnit(InvalidStakeUnit),
    InvalidCapCurve(InvalidCapCurve),
    InvalidUnbondingPeriod(InvalidUnbondingPeriod),
    StakingClosed(StakingClosed),
    StakingAlreadyOpen(StakingAlreadyOpen),
    StakeOwed(StakeOwed),
    DailySlashReached(DailySlashReached),
    TreasuryIsOwner(TreasuryIsOwner),
    TooManyRegistries(TooManyRegistries),
    NotAdmitted(NotAdmitted),
    InvalidReputation(InvalidReputation),
    Revert(Revert),
    InsufficientGas(InsufficientGas),
    Erc20(SafeERC20FailedOperation),
    Ownable(ownable::Error),
}
