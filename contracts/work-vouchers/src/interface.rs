//! Events, errors, and what is signed.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    ownable, signature,
};
use stylus_sdk::{abi, prelude::*};

sol! {
    /// `work` and `value` of a voucher counted, and `tasks` with them; `restWork` and `restValue` can be redeemed later.
    #[derive(Debug, PartialEq, Eq)]
    event Redeemed(bytes32 indexed taskTypeId, address indexed sink, address indexed source, uint256 work, uint256 value, uint256 tasks, uint256 restWork, uint256 restValue);
    /// A voucher in a batch did not count. `reason` is the selector of the error that it would have reverted with alone.
    #[derive(Debug, PartialEq, Eq)]
    event VoucherRejected(bytes32 indexed taskTypeId, address indexed sink, address indexed source, bytes4 reason);
    /// `key` signs for `account` from now on.
    #[derive(Debug, PartialEq, Eq)]
    event KeyRegistered(address indexed account, address indexed key);
    /// `key` signs for `account` only `until` then.
    #[derive(Debug, PartialEq, Eq)]
    event KeyRemoved(address indexed account, address indexed key, uint256 until);
    /// Base fees are at `pricingCurve`.
    #[derive(Debug, PartialEq, Eq)]
    event PricingCurveSet(address indexed pricingCurve);

    /// `caller` is not WorkMisses.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// WorkLedger knows no WorkReserve yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoWorkReserve();

    /// `amount` is more than can be kept: 2^112 − 1 wei, 2^104 − 1 of work, 2^40 − 1 tasks.
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 amount);
    /// The voucher's `timestamp` is after `latest`.
    #[derive(Debug, PartialEq, Eq)]
    error VoucherFromFuture(uint256 timestamp, uint256 latest);
    /// A total of the voucher is below what has counted between the two: `work`, `value`, `tasks`.
    #[derive(Debug, PartialEq, Eq)]
    error TotalsBelowCounted(uint256 work, uint256 value, uint256 tasks);
    /// All of the voucher has counted.
    #[derive(Debug, PartialEq, Eq)]
    error NothingNew();
    /// The voucher has `value` that has not counted, for no work.
    #[derive(Debug, PartialEq, Eq)]
    error ValueWithoutWork(uint256 value);
    /// The voucher has `work` that has not counted, of no value.
    #[derive(Debug, PartialEq, Eq)]
    error WorkWithoutValue(uint256 work);
    /// `signer` signed, who does not sign for `account`: or what was signed is of another chain, contract or content.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSignature(address account, address signer);
    /// `source` has never streamed for this task type and has nothing deposited, or the task type is not paid by work.
    #[derive(Debug, PartialEq, Eq)]
    error SourceNeverPaid(address source);
    /// What is `available` of `source` does not cover the least part of the voucher.
    #[derive(Debug, PartialEq, Eq)]
    error NothingAvailable(address source, uint256 available);
    /// All that `sink` has had the capacity for has counted.
    #[derive(Debug, PartialEq, Eq)]
    error NoAllowance(address sink);
    /// `length` is more than a batch can have.
    #[derive(Debug, PartialEq, Eq)]
    error BatchTooLarge(uint256 length);
    /// `key` is nobody's.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidKey(address key);
    /// `account` does not approve of this registration of a key.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidRegistration(address account);
    /// `key` does not sign for `account`, or has been removed.
    #[derive(Debug, PartialEq, Eq)]
    error KeyNotRegistered(address account, address key);

    /// Totals since ever between a sink and a source, and both signatures: `WorkVoucher(bytes32 taskTypeId,address sink,address
    /// source,uint256 work,uint256 value,uint256 tasks,uint256 timestamp)`.
    #[derive(Debug)]
    struct SignedVoucher {
        bytes32 taskTypeId;
        address sink;
        address source;
        uint256 work;
        uint256 value;
        uint256 tasks;
        uint256 timestamp;
        bytes sinkSig;
        bytes sourceSig;
    }
}

bpe_common::abi_struct!(SignedVoucher(
    B256,
    Address,
    Address,
    U256,
    U256,
    U256,
    U256,
    abi::Bytes,
    abi::Bytes
));

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NoWorkReserve(NoWorkReserve),
    UnauthorizedCaller(UnauthorizedCaller),
    AmountTooLarge(AmountTooLarge),
    VoucherFromFuture(VoucherFromFuture),
    TotalsBelowCounted(TotalsBelowCounted),
    NothingNew(NothingNew),
    ValueWithoutWork(ValueWithoutWork),
    WorkWithoutValue(WorkWithoutValue),
    InvalidSignature(InvalidSignature),
    SourceNeverPaid(SourceNeverPaid),
    NothingAvailable(NothingAvailable),
    NoAllowance(NoAllowance),
    BatchTooLarge(BatchTooLarge),
    InvalidKey(InvalidKey),
    InvalidRegistration(InvalidRegistration),
    KeyNotRegistered(KeyNotRegistered),
    NotAContract(NotAContract),
    Signature(signature::Error),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}
