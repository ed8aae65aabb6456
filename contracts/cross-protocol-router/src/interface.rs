//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
    ownable,
};
use stylus_sdk::{abi::Bytes, prelude::*};

sol! {
    /// A payment to come: `amount` to `recipient` before `deadline`, for a fee of `maxFee` at most. `optimization`: 0 for
    /// speed, 1 for cost, 2 for reliability.
    #[derive(Debug, PartialEq, Eq)]
    struct RouteRequest {
        address recipient;
        uint256 amount;
        uint8 optimization;
        uint256 maxFee;
        uint256 deadline;
    }

    /// A way to pay. `estimatedFee` in wei is what it will cost, `estimatedLatency` is in seconds, `successProbability` in
    /// basis points.
    #[derive(Debug, PartialEq, Eq)]
    struct RouteRecommendation {
        bytes32 routeId;
        uint8 protocol;
        uint256 estimatedFee;
        uint256 estimatedLatency;
        uint256 successProbability;
        bytes routeData;
    }

    /// The adapter of the protocol is now `adapter`; it has none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event ProtocolRegistered(uint8 protocol, address adapter);
    /// `sender` has chosen the route and brought amount and fee.
    #[derive(Debug, PartialEq, Eq)]
    event RouteSelected(bytes32 indexed routeId, address indexed sender, address indexed recipient, uint8 protocol, uint256 amount, uint256 estimatedFee);
    /// The protocol's adapter has paid, or failed to: at once, or later, if the payment was pending.
    #[derive(Debug, PartialEq, Eq)]
    event RouteExecuted(bytes32 indexed routeId, uint8 protocol, bool success);
    /// The adapter has the money, and `payer` waits for what comes of it: the adapter will report.
    #[derive(Debug, PartialEq, Eq)]
    event RoutePending(bytes32 indexed routeId, address indexed payer, bytes32 paymentId, address adapter);
    /// The adapter gave a pending payment back: `payer` has `amount`, which is all he paid, fee included.
    #[derive(Debug, PartialEq, Eq)]
    event RouteRefunded(bytes32 indexed routeId, address indexed payer, uint256 amount);
    /// The adapter reverted with `reason`, its first 256 bytes; `sender` has amount and fee back.
    #[derive(Debug, PartialEq, Eq)]
    event RouteFailed(bytes32 indexed routeId, address indexed sender, bytes reason);
    /// `payer` refused to take back `amount`: it is his credit.
    #[derive(Debug, PartialEq, Eq)]
    event Credited(address indexed payer, uint256 amount);
    /// `payer` had `amount` of his credit sent to `recipient`.
    #[derive(Debug, PartialEq, Eq)]
    event CreditWithdrawn(address indexed payer, address indexed recipient, uint256 amount);
    /// The `owner` took `amount` of fees.
    #[derive(Debug, PartialEq, Eq)]
    event FeesWithdrawn(address indexed owner, uint256 amount);
    /// As `Credited`, in wei of `token`.
    #[derive(Debug, PartialEq, Eq)]
    event TokenCredited(address indexed token, address indexed payer, uint256 amount);
    /// As `CreditWithdrawn`, in wei of `token`.
    #[derive(Debug, PartialEq, Eq)]
    event TokenCreditWithdrawn(address indexed token, address indexed payer, address indexed recipient, uint256 amount);
    /// As `FeesWithdrawn`, in wei of `token`.
    #[derive(Debug, PartialEq, Eq)]
    event TokenFeesWithdrawn(address indexed token, address indexed owner, uint256 amount);

    /// There is no such protocol, it has no adapter, or no longer the one that the route was offered with; or the adapter does not
    /// pay in that token, or in ether.
    #[derive(Debug, PartialEq, Eq)]
    error ProtocolNotAvailable();
    /// This is not the data of a route of this id, or of a route that was ever offered.
    #[derive(Debug, PartialEq, Eq)]
    error RouteNotFound();
    /// The route's time, or that of the request, is over.
    #[derive(Debug, PartialEq, Eq)]
    error RouteExpired();
    /// Less came along than amount and fee.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientPayment();
    /// The payer has executed this route already: ask for another.
    #[derive(Debug, PartialEq, Eq)]
    error RouteAlreadyExecuted();
    /// A payment is of something, to somebody, and its optimization is 0, 1 or 2.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidRequest();
    /// There is nothing to withdraw.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToWithdraw();
    /// `recipient` refused the ether.
    #[derive(Debug, PartialEq, Eq)]
    error PaymentRefused(address recipient);
    /// `value` wei of ether came with a payment in tokens.
    #[derive(Debug, PartialEq, Eq)]
    error UnexpectedEther(uint256 value);
    /// Of `required` tokens `arrived` came: the token keeps something of each transfer.
    #[derive(Debug, PartialEq, Eq)]
    error TokenTookFee(address token, uint256 arrived, uint256 required);
    /// The adapter took `taken` of the token, where `due` was right: the payer keeps everything.
    #[derive(Debug, PartialEq, Eq)]
    error AdapterTook(address adapter, uint256 taken, uint256 due);
    /// Nothing is pending under this id.
    #[derive(Debug, PartialEq, Eq)]
    error NotPending(bytes32 paymentId);
    /// Only `adapter`, which has the money, says what came of it.
    #[derive(Debug, PartialEq, Eq)]
    error OnlyAdapter(address adapter);
    /// `value` wei came back of a payment of `amount`.
    #[derive(Debug, PartialEq, Eq)]
    error WrongRefund(uint256 value, uint256 amount);
}

bpe_common::abi_struct!(RouteRequest(Address, U256, u8, U256, U256));
bpe_common::abi_struct!(RouteRecommendation(B256, u8, U256, U256, U256, Bytes));

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ProtocolNotAvailable(ProtocolNotAvailable),
    RouteNotFound(RouteNotFound),
    RouteExpired(RouteExpired),
    InsufficientPayment(InsufficientPayment),
    RouteAlreadyExecuted(RouteAlreadyExecuted),
    InvalidRequest(InvalidRequest),
    NothingToWithdraw(NothingToWithdraw),
    PaymentRefused(PaymentRefused),
    UnexpectedEther(UnexpectedEther),
    TokenTookFee(TokenTookFee),
    AdapterTook(AdapterTook),
    NotPending(NotPending),
    OnlyAdapter(OnlyAdapter),
    WrongRefund(WrongRefund),
    Erc20(SafeERC20FailedOperation),
    Passed(Revert),
    InsufficientGas(InsufficientGas),
    NotAContract(NotAContract),
    Ownable(ownable::Error),
}
