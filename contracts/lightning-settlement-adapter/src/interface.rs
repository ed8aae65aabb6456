//! Errors and events. More are in [`bpe_common::settlement`].

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::settlement::{self, EscrowNotFound};
use stylus_sdk::prelude::*;

sol! {
    /// `amount` is locked until `deadline`, in seconds since 1970: whoever knows what `paymentHash` is the SHA-256 hash of has it
    /// paid to `recipient`.
    #[derive(Debug, PartialEq, Eq)]
    event HTLCLocked(bytes32 indexed jobId, address indexed recipient, uint256 amount, bytes32 paymentHash, uint256 deadline);
    /// `preimage` was shown, and `recipient` has what was locked.
    #[derive(Debug, PartialEq, Eq)]
    event HTLCClaimed(bytes32 indexed jobId, address indexed recipient, bytes32 preimage);
    /// The time is over, and `depositor` has what was locked.
    #[derive(Debug, PartialEq, Eq)]
    event HTLCRefunded(bytes32 indexed jobId, address indexed depositor, uint256 amount);

    /// This is not what the payment hash is the hash of.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidPreimage();
    /// A preimage has 32 bytes; this one has `length`.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidPreimageLength(uint256 length);
    /// The deadline is over: what was locked goes back.
    #[derive(Debug, PartialEq, Eq)]
    error HTLCExpired();
    /// The deadline is not over.
    #[derive(Debug, PartialEq, Eq)]
    error HTLCNotExpired();
    /// What was locked has been claimed.
    #[derive(Debug, PartialEq, Eq)]
    error HTLCAlreadyClaimed();
    /// What was locked has gone back.
    #[derive(Debug, PartialEq, Eq)]
    error HTLCAlreadyRefunded();
    /// `deadline` is not ahead, or later than `latest`, in seconds since 1970.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidDeadline(uint256 deadline, uint256 latest);
    /// `required` is more than the `available` that are locked.
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 required, uint256 available);
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    EscrowNotFound(EscrowNotFound),
    InvalidPreimage(InvalidPreimage),
    InvalidPreimageLength(InvalidPreimageLength),
    HTLCExpired(HTLCExpired),
    HTLCNotExpired(HTLCNotExpired),
    HTLCAlreadyClaimed(HTLCAlreadyClaimed),
    HTLCAlreadyRefunded(HTLCAlreadyRefunded),
    InvalidDeadline(InvalidDeadline),
    AmountTooLarge(AmountTooLarge),
    Payment(settlement::PaymentError),
    Stream(settlement::StreamError),
}
