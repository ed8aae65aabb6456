//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    attestation,
    call::{NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
};
use stylus_sdk::{abi::Bytes, prelude::*};

sol! {
    /// What a client signs: `RelayVoucher(bytes32 nostrPubkey,address client,address operator,uint256 total)`, and its signature.
    /// `total` is all that the relay gets of it since ever, in wei; `operator` is paid what of it was not collected.
    #[derive(Debug, PartialEq, Eq)]
    struct SignedRelayVoucher {
        bytes32 nostrPubkey;
        address client;
        address operator;
        uint256 total;
        bytes signature;
    }

    /// `client` deposited `amount` wei for the relay, and has `balance` there.
    #[derive(Debug, PartialEq, Eq)]
    event Deposited(bytes32 indexed nostrPubkey, address indexed client, uint256 amount, uint256 balance);
    /// `operator` was paid `amount` wei by a voucher of `client`, which leaves `balance`; `rest` of the voucher has no money yet.
    #[derive(Debug, PartialEq, Eq)]
    event VoucherCollected(bytes32 indexed nostrPubkey, address indexed client, address indexed operator, uint256 amount, uint256 rest, uint256 balance);
    /// `operator` was paid for `count` events of `client` at `price` wei, which leaves `balance`.
    #[derive(Debug, PartialEq, Eq)]
    event EventsCollected(bytes32 indexed nostrPubkey, address indexed client, address indexed operator, uint256 count, uint256 price, uint256 balance);
    /// Nothing was collected of `client`: its voucher is not signed (`signature`), or has nothing new (`voucher`); it allows
    /// no such price (`price`), or nothing more today (`day`); it has no money for it (`balance`); it is zero (`client`).
    #[derive(Debug, PartialEq, Eq)]
    event CollectionRejected(bytes32 indexed nostrPubkey, address indexed client, string reason);
    /// Without a voucher the relay may collect `maxPerDay` wei a day, at `maxPrice` wei an event at most.
    #[derive(Debug, PartialEq, Eq)]
    event AllowanceSet(bytes32 indexed nostrPubkey, address indexed client, uint256 maxPrice, uint256 maxPerDay);
    /// `client` asked `amount` wei back, which it can have from time `from` on; zero if it takes that back.
    #[derive(Debug, PartialEq, Eq)]
    event WithdrawalRequested(bytes32 indexed nostrPubkey, address indexed client, uint256 amount, uint256 from);
    /// `client` has `amount` wei back, which leaves `balance`.
    #[derive(Debug, PartialEq, Eq)]
    event Withdrawn(bytes32 indexed nostrPubkey, address indexed client, uint256 amount, uint256 balance);

    /// There is nothing to deposit, or to withdraw.
    #[derive(Debug, PartialEq, Eq)]
    error NoAmount();
    /// An amount, or a price, of 2^96 or more.
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 amount);
    /// The client has `available` for this relay, which is less than `requested`.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientBalance(uint256 requested, uint256 available);
    /// What was asked back can be had from time `from` on.
    #[derive(Debug, PartialEq, Eq)]
    error TooEarly(uint256 from);
    /// The caller is not in the pool RELAY_WRITE with this relay.
    #[derive(Debug, PartialEq, Eq)]
    error NotRelayOperator(bytes32 nostrPubkey, address caller);
    /// There are as many clients as counts, and as many relays as amounts.
    #[derive(Debug, PartialEq, Eq)]
    error LengthMismatch(uint256 first, uint256 second);
    /// A batch of `length` is longer than the `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length, uint256 maximum);
}

bpe_common::abi_struct!(SignedRelayVoucher(B256, Address, Address, U256, Bytes));

/// Why a call was refused. [`Error::Revert`] is what RelayPaymentPool, PricingCurve or KeyRegistry reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NoAmount(NoAmount),
    AmountTooLarge(AmountTooLarge),
    InsufficientBalance(InsufficientBalance),
    TooEarly(TooEarly),
    NotRelayOperator(NotRelayOperator),
    LengthMismatch(LengthMismatch),
    BatchTooLarge(BatchTooLarge),
    Attestation(attestation::Error),
    SafeERC20FailedOperation(SafeERC20FailedOperation),
    NotAContract(NotAContract),
    Revert(Revert),
}
