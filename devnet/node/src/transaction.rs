//! From a transaction, or a request for one, to what the executor runs.

use alloy::{
    consensus::{
        transaction::{Recovered, SignerRecoverable},
        Transaction as _, TxEnvelope, TxType, Typed2718,
    },
    eips::{eip2718::Decodable2718, eip7702::SignedAuthorization},
    primitives::{Address, TxKind, U256},
    rpc::types::TransactionRequest,
};
use revm::{
    context::{either::Either, transaction::RecoveredAuthorization, TxEnv},
    context_interface::cfg::gas::calculate_initial_tx_gas,
    primitives::{eip3860::MAX_INITCODE_SIZE, hardfork::SpecId},
};

use crate::{chain::ChainSettings, error::TransactionError, state::State};

/// An authorization as the executor takes it.
type Authorization = Either<SignedAuthorization, RecoveredAuthorization>;

/// The most gas that a transaction or a call may burn, as geth's cap for calls. A transaction may name a higher limit,
/// as on Nitro, where what exceeds the block's compute limit is held back.
pub const GAS_CAP: u64 = 50_000_000;

/// What a plain transfer costs.
pub const TRANSFER_GAS: u64 = 21_000;

/// How the code of an account begins that has delegated itself (EIP-7702).
const DELEGATION: [u8; 3] = [0xef, 1, 0];

/// Decodes a signed transaction and finds its sender.
pub fn decode(mut raw: &[u8]) -> Result<Recovered<TxEnvelope>, TransactionError> {
    let envelope = TxEnvelope::decode_2718(&mut raw)
        .map_err(|error| TransactionError::Malformed(error.to_string()))?;
    if !raw.is_empty() {
        return Err(TransactionError::Malformed(format!(
            "{} bytes too many",
            raw.len()
        )));
    }
    if !matches!(
        envelope.tx_type(),
        TxType::Legacy | TxType::Eip2930 | TxType::Eip1559 | TxType::Eip7702
    ) {
        return Err(TransactionError::UnsupportedType(envelope.ty()));
    }
    let sender = envelope
        .recover_signer()
        .map_err(|error| TransactionError::InvalidSignature(error.to_string()))?;
    Ok(Recovered::new_unchecked(envelope, sender))
}

/// Checks a transaction against the state it would run on. A nonce ahead of the account's is no error here.
pub fn validate(
    tx: &Recovered<TxEnvelope>,
    state: &State,
    settings: &ChainSettings,
    impersonated: bool,
) -> Result<(), TransactionError> {
    let (sender, tx) = (tx.signer(), tx.inner());
    if let Some(have) = tx.chain_id().filter(|id| *id != settings.chain_id) {
        return Err(TransactionError::ChainId {
            have,
            want: settings.chain_id,
        });
    }
    let nonce = state.nonce(sender);
    if tx.nonce() < nonce {
        return Err(TransactionError::NonceTooLow {
            sender,
            tx: tx.nonce(),
            state: nonce,
        });
    }
    if tx.nonce() == u64::MAX {
        return Err(TransactionError::NonceMax {
            sender,
            nonce: u64::MAX,
        });
    }
    let code = state.code(sender);
    if !impersonated && !code.is_empty() && !code.starts_with(&DELEGATION) {
        return Err(TransactionError::SenderNotEoa(sender));
    }
    if tx.authorization_list().is_some_and(<[_]>::is_empty) {
        return Err(TransactionError::NoAuthorization(sender));
    }
    let (base_fee, max_fee) = (settings.base_fee, tx.max_fee_per_gas());
    if let Some(priority_fee) = tx.max_priority_fee_per_gas().filter(|fee| *fee > max_fee) {
        return Err(TransactionError::PriorityAboveMax {
            sender,
            priority_fee,
            max_fee,
        });
    }
    if max_fee < u128::from(base_fee) {
        return Err(TransactionError::FeeTooLow {
            sender,
            max_fee,
            base_fee,
        });
    }
    if tx.gas_limit() > settings.gas_limit {
        return Err(TransactionError::BlockGasLimit {
            have: tx.gas_limit(),
            limit: settings.gas_limit,
        });
    }
    if tx.is_create() && tx.input().len() > MAX_INITCODE_SIZE {
        return Err(TransactionError::InitCodeSize {
            size: tx.input().len(),
            limit: MAX_INITCODE_SIZE,
        });
    }
    let want = intrinsic_gas(tx);
    if tx.gas_limit() < want {
        return Err(TransactionError::IntrinsicGas {
            have: tx.gas_limit(),
            want,
        });
    }
    let want = U256::from(tx.gas_limit())
        .saturating_mul(U256::from(max_fee))
        .saturating_add(tx.value());
    let have = state.balance(sender);
    if have < want {
        return Err(TransactionError::InsufficientFunds { sender, have, want });
    }
    Ok(())
}

fn intrinsic_gas(tx: &TxEnvelope) -> u64 {
    let slots = |list: &alloy::eips::eip2930::AccessList| list.storage_keys_count() as u64;
    calculate_initial_tx_gas(
        SpecId::PRAGUE,
        tx.input(),
        tx.is_create(),
        tx.access_list().map_or(0, |list| list.len() as u64),
        tx.access_list().map_or(0, slots),
        tx.authorization_list().map_or(0, |list| list.len() as u64),
        None,
    )
    .initial_regular_gas
}

/// What the executor runs for a transaction. Arbitrum drops tips: everyone pays the base fee.
pub fn environment(tx: &Recovered<TxEnvelope>, base_fee: u64) -> TxEnv {
    let (sender, tx) = (tx.signer(), tx.inner());
    TxEnv {
        tx_type: tx.ty(),
        caller: sender,
        gas_limit: tx.gas_limit().min(GAS_CAP),
        gas_price: base_fee.into(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.is_dynamic_fee().then_some(0),
        authorization_list: authorizations(tx.authorization_list()),
        ..TxEnv::default()
    }
}

fn authorizations(list: Option<&[SignedAuthorization]>) -> Vec<Authorization> {
    let list = list.unwrap_or_default().iter().cloned();
    list.map(Authorization::Left).collect()
}

/// What the executor runs for a call, which need not be signed nor funded.
pub fn call_environment(
    request: TransactionRequest,
    state: &State,
    base_fee: u64,
    chain_id: u64,
) -> Result<TxEnv, TransactionError> {
    let sender = request.from.unwrap_or(Address::ZERO);
    if let Some(have) = request.chain_id.filter(|id| *id != chain_id) {
        return Err(TransactionError::ChainId {
            have,
            want: chain_id,
        });
    }
    let max_fee = request.fee_cap().filter(|fee| *fee > 0);
    if let Some(max_fee) = max_fee.filter(|fee| *fee < u128::from(base_fee)) {
        return Err(TransactionError::FeeTooLow {
            sender,
            max_fee,
            base_fee,
        });
    }
    let gas_price = if max_fee.is_some() {
        u128::from(base_fee)
    } else {
        0
    };
    let value = request.value.unwrap_or_default();
    let affordable = affordable_gas(state, sender, value, gas_price);
    if affordable < TRANSFER_GAS {
        // It could not even begin: that it lacks gas is not why.
        return Err(TransactionError::InsufficientFunds {
            sender,
            have: state.balance(sender),
            want: value.saturating_add(U256::from(TRANSFER_GAS) * U256::from(gas_price)),
        });
    }
    let gas_limit = request.gas.unwrap_or(GAS_CAP).min(GAS_CAP).min(affordable);
    let access_list = request.access_list.unwrap_or_default();
    let authorization_list = authorizations(request.authorization_list.as_deref());
    Ok(TxEnv {
        tx_type: match (access_list.is_empty(), authorization_list.is_empty()) {
            (_, false) => TxType::Eip7702,
            (false, true) => TxType::Eip2930,
            (true, true) => TxType::Legacy,
        } as u8,
        authorization_list,
        caller: sender,
        gas_limit,
        gas_price,
        kind: request.to.unwrap_or(TxKind::Create),
        value,
        data: request.input.into_input().unwrap_or_default(),
        nonce: state.nonce(sender),
        chain_id: Some(chain_id),
        access_list,
        ..TxEnv::default()
    })
}

/// How much gas the sender could pay for beside the value it sends.
fn affordable_gas(state: &State, sender: Address, value: U256, gas_price: u128) -> u64 {
    if gas_price == 0 {
        return u64::MAX;
    }
    let left = state.balance(sender).saturating_sub(value);
    (left / U256::from(gas_price)).saturating_to()
}
