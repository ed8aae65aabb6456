//! ERC-20 transfers that believe nothing a token says.
//!
//! The rules are OpenZeppelin's `SafeERC20`: a token may return nothing, but then it must be a contract; what it
//! returns must be `true`; everything else is a failure. [`pull`] besides measures what really arrived, so that a
//! token that takes a fee, or lies, creates nothing out of nothing.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::stylus_core::Host;

use crate::call::{call, calldata, has_code, static_call, Answer, ALL_GAS};

sol! {
    /// A call to `token` failed, or did not do what ERC-20 promises.
    #[derive(Debug, PartialEq, Eq)]
    error SafeERC20FailedOperation(address token);

    interface IERC20 {
        function balanceOf(address account) external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
        function approve(address spender, uint256 value) external returns (bool);
        function decimals() external view returns (uint8);
    }
}

const WORD: usize = 32;

/// Sends `value` of `token` to `to`.
///
/// # Errors
///
/// * [`SafeERC20FailedOperation`] if the token reverts, returns anything but `true` or nothing, or is no contract.
pub fn transfer(
    vm: &dyn Host,
    token: Address,
    to: Address,
    value: U256,
) -> Result<(), SafeERC20FailedOperation> {
    checked(
        vm,
        token,
        IERC20::transferCall::SELECTOR,
        &[to.into_word(), value.into()],
    )
}

/// Sends `value` of `token` to `to` with at most `gas`, unless the token reverts: then nothing has happened, and the result
/// is `false`. See [`require_gas`](crate::call::require_gas), which comes first.
///
/// # Errors
///
/// * [`SafeERC20FailedOperation`] if the token returns anything but `true` or nothing: what has happened is unknown.
pub fn try_transfer(
    vm: &dyn Host,
    token: Address,
    to: Address,
    value: U256,
    gas: u64,
) -> Result<bool, SafeERC20FailedOperation> {
    let data = calldata(
        IERC20::transferCall::SELECTOR,
        &[to.into_word(), value.into()],
    );
    let answer = call(vm, token, &data, gas, WORD);
    if answer.success && !says_yes(vm, token, &answer) {
        return Err(SafeERC20FailedOperation { token });
    }
    Ok(answer.success)
}

/// Sends `value` of `token` to `to` with at most `gas`, whatever the token does, and returns what has left this contract. See
/// [`require_gas`](crate::call::require_gas), which comes first, with [`BALANCE_GAS`] twice besides. What a token
/// answers is not asked: one that refuses without reverting, or says that it refused and moved all the same, is booked as
/// what it did.
pub fn try_pay(vm: &dyn Host, token: Address, to: Address, value: U256, gas: u64) -> U256 {
    let this = vm.contract_address();
    let Some(before) = try_balance_of(vm, token, this) else {
        return U256::ZERO;
    };
    let data = calldata(
        IERC20::transferCall::SELECTOR,
        &[to.into_word(), value.into()],
    );
    // What reverts has moved nothing.
    if !call(vm, token, &data, gas, 0).success {
        return U256::ZERO;
    }
    match try_balance_of(vm, token, this) {
        Some(after) => before.saturating_sub(after).min(value),
        // Unknown: nothing is paid twice out of what is others'.
        None => value,
    }
}

/// What a token may use to say a balance, where its failure is tolerated. A Super Token asks three agreements, which takes more
/// than 100 000.
pub const BALANCE_GAS: u64 = 300_000;

fn try_balance_of(vm: &dyn Host, token: Address, account: Address) -> Option<U256> {
    let data = calldata(IERC20::balanceOfCall::SELECTOR, &[account.into_word()]);
    let answer = static_call(vm, token, &data, BALANCE_GAS, WORD);
    let is_number = answer.success && answer.data.len() == WORD;
    is_number.then(|| U256::from_be_slice(&answer.data))
}

/// Takes `value` of `token` from `from`, and returns what really arrived: `value` at most, less if the token takes
/// a fee on transfers.
///
/// # Errors
///
/// * [`SafeERC20FailedOperation`] as [`transfer`], and if nothing arrived.
pub fn pull(
    vm: &dyn Host,
    token: Address,
    from: Address,
    value: U256,
) -> Result<U256, SafeERC20FailedOperation> {
    let to = vm.contract_address();
    let before = balance_of(vm, token, to)?;
    let arguments = [from.into_word(), to.into_word(), value.into()];
    checked(vm, token, IERC20::transferFromCall::SELECTOR, &arguments)?;
    let arrived = balance_of(vm, token, to)?.saturating_sub(before).min(value);
    if arrived.is_zero() {
        return Err(SafeERC20FailedOperation { token });
    }
    Ok(arrived)
}

/// Sends `value` of `token` from `from` to `to`, who has to be known to get what was sent: see [`pull`] otherwise.
///
/// # Errors
///
/// * [`SafeERC20FailedOperation`] as [`transfer`].
pub fn transfer_from(
    vm: &dyn Host,
    token: Address,
    from: Address,
    to: Address,
    value: U256,
) -> Result<(), SafeERC20FailedOperation> {
    let arguments = [from.into_word(), to.into_word(), value.into()];
    checked(vm, token, IERC20::transferFromCall::SELECTOR, &arguments)
}

/// Lets `spender` take `value` of this contract's `token`, in place of what it might take before.
///
/// # Errors
///
/// * [`SafeERC20FailedOperation`] as [`transfer`].
pub fn approve(
    vm: &dyn Host,
    token: Address,
    spender: Address,
    value: U256,
) -> Result<(), SafeERC20FailedOperation> {
    let arguments = [spender.into_word(), value.into()];
    checked(vm, token, IERC20::approveCall::SELECTOR, &arguments)
}

/// How much of `token` the `account` has.
///
/// # Errors
///
/// * [`SafeERC20FailedOperation`] if the token reverts or does not answer with a number.
pub fn balance_of(
    vm: &dyn Host,
    token: Address,
    account: Address,
) -> Result<U256, SafeERC20FailedOperation> {
    let data = calldata(IERC20::balanceOfCall::SELECTOR, &[account.into_word()]);
    let answer = static_call(vm, token, &data, ALL_GAS, WORD);
    if answer.success && answer.data.len() == WORD {
        return Ok(U256::from_be_slice(&answer.data));
    }
    Err(SafeERC20FailedOperation { token })
}

/// How many decimals `token` has; `None` if it does not say.
pub fn decimals(vm: &dyn Host, token: Address) -> Option<u8> {
    let data = calldata(IERC20::decimalsCall::SELECTOR, &[]);
    let answer = static_call(vm, token, &data, ALL_GAS, WORD);
    match answer.success && answer.data.len() == WORD {
        true => u8::try_from(U256::from_be_slice(&answer.data)).ok(),
        false => None,
    }
}

fn checked(
    vm: &dyn Host,
    token: Address,
    selector: [u8; 4],
    arguments: &[B256],
) -> Result<(), SafeERC20FailedOperation> {
    let answer = call(vm, token, &calldata(selector, arguments), ALL_GAS, WORD);
    if answer.success && says_yes(vm, token, &answer) {
        return Ok(());
    }
    Err(SafeERC20FailedOperation { token })
}

fn says_yes(vm: &dyn Host, token: Address, answer: &Answer) -> bool {
    if answer.length == 0 {
        return has_code(vm, token);
    }
    answer.data.len() == WORD && U256::from_be_slice(&answer.data) == U256::from(1)
}
