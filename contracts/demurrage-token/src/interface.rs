//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{call::NotAContract, erc20::SafeERC20FailedOperation, ownable, signature};
use stylus_sdk::prelude::*;

sol! {
    /// `value` moved; `from` is zero where it was wrapped, `to` where it was unwrapped. What `from` has lost by decay goes to zero,
    /// what the decay recipient has got of it comes from there.
    #[derive(Debug, PartialEq, Eq)]
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// `spender` may take `value` of `owner`'s tokens.
    #[derive(Debug, PartialEq, Eq)]
    event Approval(address indexed owner, address indexed spender, uint256 value);
    /// `account` was touched: it has lost `decayed` since it was the last time, and has `newBalance`.
    #[derive(Debug, PartialEq, Eq)]
    event Rebased(address indexed account, uint256 decayed, uint256 newBalance);
    /// `amount` that others have lost was written to the decay recipient's account.
    #[derive(Debug, PartialEq, Eq)]
    event DecayCollected(address indexed recipient, uint256 amount);
    /// The owner's rate is now `newRate`.
    #[derive(Debug, PartialEq, Eq)]
    event DecayRateUpdated(uint256 oldRate, uint256 newRate);
    /// The rate at which balances decay is now `newRate`.
    #[derive(Debug, PartialEq, Eq)]
    event EffectiveDecayRateUpdated(uint256 oldRate, uint256 newRate);
    /// What decays from now on is `newRecipient`'s.
    #[derive(Debug, PartialEq, Eq)]
    event DecayRecipientUpdated(address indexed oldRecipient, address indexed newRecipient);
    /// `account` does not decay from now on, or does.
    #[derive(Debug, PartialEq, Eq)]
    event DecayExemptUpdated(address indexed account, bool exempt);
    /// The monitor is now `newMonitor`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event VirialMonitorUpdated(address indexed oldMonitor, address indexed newMonitor);
    /// Movements are told to `newMetrics` from now on; to none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event VelocityMetricsUpdated(address indexed oldMetrics, address indexed newMetrics);
    /// From `from` on, in seconds since 1970, for seven days, the owner can set what it announced. What is `what`: 1 the rate
    /// `value`, 2 the decay recipient, 3 the monitor, 4 the end of the account's exemption.
    #[derive(Debug, PartialEq, Eq)]
    event ChangeAnnounced(uint8 indexed what, bytes32 value, uint256 from);
    /// `metrics` failed to take note of a movement, which went on without.
    #[derive(Debug, PartialEq, Eq)]
    event MetricsFailed(address indexed metrics);

    /// The rate is above [`MAX_DECAY_RATE`].
    #[derive(Debug, PartialEq, Eq)]
    error ExceedsMaxDecayRate();
    /// The spender may take `available`, less than `required`.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientAllowance(uint256 required, uint256 available);
    /// The account has `available`, less than `required`.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientBalance(uint256 required, uint256 available);
    /// This was announced, and can be set from `from` on, in seconds since 1970.
    #[derive(Debug, PartialEq, Eq)]
    error NoticeRunning(uint256 from);
    /// `account` is a contract: what it owes was counted on its exemption.
    #[derive(Debug, PartialEq, Eq)]
    error ExemptForGood(address account);
    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// The zero address can receive nothing.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroRecipient();
    /// What is sent to this contract would be lost.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidRecipient(address recipient);
    /// The supply would be `supply`, above 2^112 − 1.
    #[derive(Debug, PartialEq, Eq)]
    error SupplyTooLarge(uint256 supply);
    /// The permit was good until `deadline`.
    #[derive(Debug, PartialEq, Eq)]
    error ERC2612ExpiredSignature(uint256 deadline);
    /// The permit was signed by `signer`, not by `owner`.
    #[derive(Debug, PartialEq, Eq)]
    error ERC2612InvalidSigner(address signer, address owner);
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ExceedsMaxDecayRate(ExceedsMaxDecayRate),
    InsufficientAllowance(InsufficientAllowance),
    InsufficientBalance(InsufficientBalance),
    NoticeRunning(NoticeRunning),
    ExemptForGood(ExemptForGood),
    ZeroAmount(ZeroAmount),
    ZeroRecipient(ZeroRecipient),
    InvalidRecipient(InvalidRecipient),
    SupplyTooLarge(SupplyTooLarge),
    ERC2612ExpiredSignature(ERC2612ExpiredSignature),
    ERC2612InvalidSigner(ERC2612InvalidSigner),
    Signature(signature::Error),
    Erc20(SafeERC20FailedOperation),
    NotAContract(NotAContract),
    Ownable(ownable::Error),
}
