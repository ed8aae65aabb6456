//! Why a request failed, in the words and codes of geth, which clients parse.

use std::convert::Infallible;

use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, B256, U256},
    sol_types::{GenericRevertReason, RevertReason},
};
use devnet_vm::ExecutionError;
use jsonrpsee::types::{error as codes, ErrorObjectOwned};
use revm::context_interface::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction};

use crate::clock::TimeInPast;

/// The code geth gives reverts.
const EXECUTION_REVERTED: i32 = 3;
/// The code of every other failure of execution.
const SERVER_ERROR: i32 = -32000;
/// The code of a transaction that took too long (EIP-7966).
const NOT_MINED: i32 = 4;
/// The code of refused quantities (EIP-1474).
const LIMIT_EXCEEDED: i32 = -32005;

/// Why the node refuses a request.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error("execution reverted{}", revert_suffix(.0))]
    Reverted(Bytes),
    #[error("{}", halt_message(.0))]
    Halted(HaltReason),
    #[error("gas required exceeds allowance ({0})")]
    GasAllowance(u64),
    #[error("block {0} not found")]
    UnknownBlock(String),
    #[error("transaction {0} not found")]
    UnknownTransaction(B256),
    #[error("filter {0} not found")]
    UnknownFilter(U256),
    #[error("unknown account {0}: no key for it, and it is not impersonated")]
    UnknownAccount(Address),
    #[error("invalid block range: from {from} to {to}")]
    BlockRange { from: u64, to: u64 },
    #[error(transparent)]
    Time(#[from] TimeInPast),
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    #[error("transaction {hash} was added to the pool, and is in no block after {millis} ms")]
    NotMined { hash: B256, millis: u64 },
    #[error("{0}")]
    TooMuch(String),
    #[error("{0} is not supported")]
    Unsupported(String),
    #[error("internal error: {0}")]
    Internal(String),
}

/// Why a transaction is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    #[error("rlp: cannot decode transaction: {0}")]
    Malformed(String),
    #[error("invalid sender: {0}")]
    InvalidSignature(String),
    #[error("transaction type {0} not supported")]
    UnsupportedType(u8),
    #[error("invalid chain id for signer: have {have} want {want}")]
    ChainId { have: u64, want: u64 },
    #[error("nonce too low: address {sender}, tx: {tx} state: {state}")]
    NonceTooLow {
        sender: Address,
        tx: u64,
        state: u64,
    },
    #[error("nonce too high: address {sender}, tx: {tx} state: {state}")]
    NonceTooHigh {
        sender: Address,
        tx: u64,
        state: u64,
    },
    #[error("nonce has max value: address {sender}, nonce: {nonce}")]
    NonceMax { sender: Address, nonce: u64 },
    #[error("max fee per gas less than block base fee: address {sender}, maxFeePerGas: {max_fee}, baseFee: {base_fee}")]
    FeeTooLow {
        sender: Address,
        max_fee: u128,
        base_fee: u64,
    },
    #[error("max priority fee per gas higher than max fee per gas: address {sender}, maxPriorityFeePerGas: {priority_fee}, maxFeePerGas: {max_fee}")]
    PriorityAboveMax {
        sender: Address,
        priority_fee: u128,
        max_fee: u128,
    },
    #[error(
        "insufficient funds for gas * price + value: address {sender} have {have} want {want}"
    )]
    InsufficientFunds {
        sender: Address,
        have: U256,
        want: U256,
    },
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas { have: u64, want: u64 },
    #[error("exceeds block gas limit: have {have}, limit {limit}")]
    BlockGasLimit { have: u64, limit: u64 },
    #[error("max initcode size exceeded: code size {size} limit {limit}")]
    InitCodeSize { size: usize, limit: usize },
    #[error("sender not an eoa: address {0}")]
    SenderNotEoa(Address),
    #[error("EIP-7702 transaction with empty auth list: sender {0}")]
    NoAuthorization(Address),
    #[error("already known: {0}")]
    AlreadyKnown(B256),
    #[error("replacement transaction underpriced: maxFeePerGas {offered}, needed {needed}")]
    ReplacementUnderpriced { offered: u128, needed: u128 },
    #[error("txpool is full: {0} transactions")]
    PoolFull(usize),
    #[error("{0}")]
    Invalid(InvalidTransaction),
}

impl NodeError {
    /// The error of a simulation that did not succeed.
    pub fn of_result(result: ExecutionResult) -> Result<Bytes, Self> {
        match result {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(Self::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(Self::Halted(reason)),
        }
    }

    pub fn unknown_block(id: BlockId) -> Self {
        Self::UnknownBlock(match id {
            BlockId::Hash(hash) => hash.block_hash.to_string(),
            BlockId::Number(number) => number.to_string(),
        })
    }
}

impl From<ExecutionError<Infallible>> for NodeError {
    fn from(error: ExecutionError<Infallible>) -> Self {
        match error {
            EVMError::Transaction(InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            }) => TransactionError::IntrinsicGas {
                have: gas_limit,
                want: initial_gas,
            }
            .into(),
            EVMError::Transaction(error) => TransactionError::Invalid(error).into(),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<NodeError> for ErrorObjectOwned {
    fn from(error: NodeError) -> Self {
        let message = error.to_string();
        match error {
            NodeError::Reverted(data) => Self::owned(EXECUTION_REVERTED, message, Some(data)),
            NodeError::InvalidArgument(_) | NodeError::BlockRange { .. } => {
                Self::owned(codes::INVALID_PARAMS_CODE, message, None::<()>)
            }
            NodeError::NotMined { hash, .. } => Self::owned(NOT_MINED, message, Some(hash)),
            NodeError::TooMuch(_) => Self::owned(LIMIT_EXCEEDED, message, None::<()>),
            NodeError::Internal(_) => Self::owned(codes::INTERNAL_ERROR_CODE, message, None::<()>),
            _ => Self::owned(SERVER_ERROR, message, None::<()>),
        }
    }
}

/// `: reason` for `Error(string)` and `Panic(uint256)`, as geth; custom errors speak through the data.
fn revert_suffix(data: &Bytes) -> String {
    revert_reason(data).map_or_else(String::new, |reason| format!(": {reason}"))
}

/// The text in a revert's data, if it has a standard form.
pub(crate) fn revert_reason(data: &[u8]) -> Option<String> {
    match GenericRevertReason::decode(data)? {
        RevertReason::ContractError(error) => Some(match error {
            alloy::sol_types::ContractError::Revert(revert) => revert.reason,
            alloy::sol_types::ContractError::Panic(panic) => panic.to_string(),
            alloy::sol_types::ContractError::CustomError(never) => match never {},
        }),
        RevertReason::RawString(_) => None,
    }
}

/// geth's words for the halts that it names.
fn halt_message(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => "invalid opcode".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackOverflow => "stack limit reached 1024".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::CreateCollision => "contract address collision".into(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        HaltReason::OutOfFunds => "insufficient balance for transfer".into(),
        HaltReason::StateChangeDuringStaticCall => "write protection".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
        reason => format!("execution halted: {reason:?}"),
    }
}
