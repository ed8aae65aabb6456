//! Calls to other contracts.
//!
//! The callee is never trusted with more than its arguments: how much of its answer is copied back is bounded, an
//! answer that does not decode is an error, and a revert is passed on as it came ([`Revert`]).

use alloc::vec::Vec;
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::{sol, SolCall};
use stylus_sdk::{call::MethodError, stylus_core::Host};

sol! {
    /// `callee` answered with something that is not what its interface promises.
    #[derive(Debug, PartialEq, Eq)]
    error MalformedReturn(address callee);
    /// A call that must not fail for want of gas takes `required`, and `available` is left.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientGas(uint256 required, uint256 available);
    /// `account` has no code, and a contract is needed.
    #[derive(Debug, PartialEq, Eq)]
    error NotAContract(address account);
}

/// What another contract reverted with, passed on to the caller unchanged.
#[derive(Debug, PartialEq, Eq)]
pub struct Revert(pub Vec<u8>);

crate::nested::nested_error!(Revert, "MalformedReturn(address)");

impl From<Revert> for Vec<u8> {
    fn from(revert: Revert) -> Self {
        revert.0
    }
}

/// All the gas there is: the VM keeps back one part in 64.
pub const ALL_GAS: u64 = u64::MAX;

/// What is left to the caller besides, for the call itself and for saying that it failed.
const OVERHEAD: u64 = 50_000;

/// Checks that a call can be given all of `gas`.
///
/// For calls whose failure is tolerated. Without this a caller could bring just so little gas that the callee runs out of
/// it and all else succeeds, and wallets that estimate gas would: they look for the least with which the transaction
/// succeeds.
///
/// # Errors
///
/// * [`InsufficientGas`]
pub fn require_gas(vm: &dyn Host, gas: u64) -> Result<(), InsufficientGas> {
    // One part in 64 stays with the caller.
    let required = gas.saturating_add(gas / 63).saturating_add(OVERHEAD);
    let available = vm.evm_gas_left();
    match available < required {
        true => Err(InsufficientGas {
            required: U256::from(required),
            available: U256::from(available),
        }),
        false => Ok(()),
    }
}

/// At most this much of an answer is copied into memory: longer ones cost the caller, not the callee.
const ANSWER_LIMIT: usize = 16 * 1024;

/// The answer to a call, as far as it was copied, and how long all of it is.
#[derive(Debug)]
pub struct Answer {
    /// Whether the callee returned rather than reverted.
    pub success: bool,
    /// The first bytes of what it answered.
    pub data: Vec<u8>,
    /// The length of all it answered.
    pub length: usize,
}

/// Calls `to` with at most `gas`, and copies back at most `limit` bytes.
///
/// Pending storage writes are flushed first and the cache is dropped: the callee may change what this contract reads.
pub fn call(vm: &dyn Host, to: Address, data: &[u8], gas: u64, limit: usize) -> Answer {
    call_with_value(vm, to, U256::ZERO, data, gas, limit)
}

/// As [`call`], and sends `value` wei along. Whoever fails, or has no use for them, leaves them where they were; an account
/// without code takes them.
pub fn call_with_value(
    vm: &dyn Host,
    to: Address,
    value: U256,
    data: &[u8],
    gas: u64,
    limit: usize,
) -> Answer {
    vm.flush_cache(true);
    let value = B256::from(value);
    let mut length = 0;
    // SAFETY: all pointers are to live values of the lengths that go with them; the cache was flushed.
    let status = unsafe {
        vm.call_contract(
            to.as_ptr(),
            data.as_ptr(),
            data.len(),
            value.as_ptr(),
            gas,
            &mut length,
        )
    };
    answer(vm, status, length, limit)
}

/// Calls `to` with at most `gas` and forbids it to change anything, and copies back at most `limit` bytes.
pub fn static_call(vm: &dyn Host, to: Address, data: &[u8], gas: u64, limit: usize) -> Answer {
    vm.flush_cache(false);
    let mut length = 0;
    // SAFETY: as in `call`.
    let status = unsafe {
        vm.static_call_contract(to.as_ptr(), data.as_ptr(), data.len(), gas, &mut length)
    };
    answer(vm, status, length, limit)
}

fn answer(vm: &dyn Host, status: u8, length: usize, limit: usize) -> Answer {
    Answer {
        success: status == 0,
        data: vm.read_return_data(0, Some(length.min(limit))),
        length,
    }
}

/// Calls a function of a contract of the suite and decodes its result.
///
/// # Errors
///
/// * What `to` reverted with.
/// * [`MalformedReturn`] if the answer does not decode, which includes that there is no contract at `to`.
pub fn invoke<C: SolCall>(vm: &dyn Host, to: Address, arguments: &C) -> Result<C::Return, Revert> {
    let answer = call(vm, to, &arguments.abi_encode(), ALL_GAS, ANSWER_LIMIT);
    decode::<C>(to, answer)
}

/// Calls a view function of a contract of the suite and decodes its result.
///
/// # Errors
///
/// As [`invoke`].
pub fn query<C: SolCall>(vm: &dyn Host, to: Address, arguments: &C) -> Result<C::Return, Revert> {
    let answer = static_call(vm, to, &arguments.abi_encode(), ALL_GAS, ANSWER_LIMIT);
    decode::<C>(to, answer)
}

/// The first `N` words of an answer, if it is that long.
pub fn first_words<const N: usize>(data: &[u8]) -> Option<[B256; N]> {
    let mut words = [B256::ZERO; N];
    if data.len() < WORD.saturating_mul(N) {
        return None;
    }
    for (word, bytes) in words.iter_mut().zip(data.chunks_exact(WORD)) {
        word.copy_from_slice(bytes);
    }
    Some(words)
}

/// As [`query_words`], of results whose first is an array of static words: returns that array.
///
/// # Errors
///
/// As [`invoke`].
pub fn query_array<C: SolCall>(
    vm: &dyn Host,
    to: Address,
    arguments: &[B256],
) -> Result<Vec<B256>, Revert> {
    let data = calldata(C::SELECTOR, arguments);
    let answer = static_call(vm, to, &data, ALL_GAS, ANSWER_LIMIT);
    answered_array(to, answer)
}

/// Calls a function whose arguments are single words and then an array of words, of which `arguments` are all but that, and
/// whose result is an array of words.
///
/// # Errors
///
/// As [`invoke`].
pub fn invoke_array(
    vm: &dyn Host,
    to: Address,
    selector: [u8; 4],
    arguments: &[B256],
    array: &[B256],
) -> Result<Vec<B256>, Revert> {
    let mut words = arguments.to_vec();
    // The array stands behind the words, which end with where it does.
    let offset = arguments.len().saturating_add(1).saturating_mul(WORD);
    words.push(U256::from(offset).into());
    words.push(U256::from(array.len()).into());
    words.extend_from_slice(array);
    let answer = call(vm, to, &calldata(selector, &words), ALL_GAS, ANSWER_LIMIT);
    answered_array(to, answer)
}

fn answered_array(callee: Address, answer: Answer) -> Result<Vec<B256>, Revert> {
    if !answer.success {
        return Err(Revert(answer.data));
    }
    array(&answer.data).ok_or_else(|| Revert(MalformedReturn { callee }.encode()))
}

/// Calls a view function whose results are two arrays of one length, of addresses and of numbers, such as CapacityRegistry's
/// `getSinksPage`: as pairs.
///
/// # Errors
///
/// * What `to` reverted with.
#[inline(never)]
pub fn query_pairs(
    vm: &dyn Host,
    to: Address,
    selector: [u8; 4],
    arguments: &[B256],
) -> Result<Vec<(Address, U256)>, Revert> {
    let request = calldata(selector, arguments);
    let answer = static_call(vm, to, &request, ALL_GAS, usize::MAX);
    if !answer.success {
        return Err(Revert(answer.data));
    }
    let words: Vec<U256> = answer
        .data
        .chunks_exact(WORD)
        .map(U256::from_be_slice)
        .collect();
    // Two offsets, a length, the addresses, a length, the numbers.
    let length = words.len().saturating_sub(4) / 2;
    let addresses = words.iter().skip(3).take(length).copied().map(to_address);
    let numbers = words.iter().skip(length.saturating_add(4)).copied();
    Ok(addresses.zip(numbers).collect())
}

fn array(data: &[u8]) -> Option<Vec<B256>> {
    let [offset] = first_words(data)?;
    let tail = data.get(to_usize(offset)..)?;
    let [length] = first_words(tail)?;
    // A length beyond the data saturates, and there is no such slice.
    let bytes = tail.get(32..)?.get(..to_usize(length).saturating_mul(32))?;
    Some(bytes.chunks_exact(32).map(B256::from_slice).collect())
}

/// The number, or the largest, if it is larger.
fn to_usize(word: B256) -> usize {
    match word.split_last_chunk::<4>() {
        Some((high, low)) if high.iter().all(|byte| *byte == 0) => {
            u32::from_be_bytes(*low) as usize
        }
        _ => usize::MAX,
    }
}

fn decode<C: SolCall>(callee: Address, answer: Answer) -> Result<C::Return, Revert> {
    if !answer.success {
        return Err(Revert(answer.data));
    }
    C::abi_decode_returns(&answer.data, true)
        .map_err(|_| Revert(MalformedReturn { callee }.encode()))
}

/// Hash of the code of an account that has none: `keccak256("")`.
const NO_CODE: B256 = b256!("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");

/// Whether there is a contract at `account`.
pub fn has_code(vm: &dyn Host, account: Address) -> bool {
    let hash = vm.code_hash(account);
    hash != B256::ZERO && hash != NO_CODE
}

/// Refuses an account without code.
///
/// # Errors
///
/// * [`NotAContract`]
#[inline(never)]
pub fn require_contract(vm: &dyn Host, account: Address) -> Result<(), NotAContract> {
    match has_code(vm, account) {
        true => Ok(()),
        false => Err(NotAContract { account }),
    }
}

/// Calls a function of a contract of the suite, or of Superfluid, whose arguments and results are single words: no
/// encoder and decoder of its own in the program, as [`invoke`] has for every function.
///
/// # Errors
///
/// As [`invoke`].
pub fn invoke_words<const N: usize>(
    vm: &dyn Host,
    to: Address,
    selector: [u8; 4],
    arguments: &[B256],
) -> Result<[U256; N], Revert> {
    let answer = call(
        vm,
        to,
        &calldata(selector, arguments),
        ALL_GAS,
        ANSWER_LIMIT,
    );
    words(to, answer)
}

/// Calls a view function as [`invoke_words`] does.
///
/// # Errors
///
/// As [`invoke`].
pub fn query_words<const N: usize>(
    vm: &dyn Host,
    to: Address,
    selector: [u8; 4],
    arguments: &[B256],
) -> Result<[U256; N], Revert> {
    let answer = static_call(
        vm,
        to,
        &calldata(selector, arguments),
        ALL_GAS,
        ANSWER_LIMIT,
    );
    words(to, answer)
}

/// The one number that `of` answers with, to the view with this selector: capacities, amounts, times. More than `u128::MAX` is
/// that.
///
/// # Errors
///
/// As [`query_words`].
#[inline(never)]
pub fn query_number(
    vm: &dyn Host,
    of: Address,
    selector: [u8; 4],
    arguments: &[B256],
) -> Result<u128, Revert> {
    let [number] = query_words(vm, of, selector, arguments)?;
    Ok(number.saturating_to())
}

/// Calldata of a function whose arguments are single words.
pub fn calldata(selector: [u8; 4], arguments: &[B256]) -> Vec<u8> {
    let mut data = Vec::with_capacity(4_usize.saturating_add(arguments.len().saturating_mul(WORD)));
    data.extend_from_slice(&selector);
    for argument in arguments {
        data.extend_from_slice(argument.as_slice());
    }
    data
}

/// The address in a word of an answer.
pub fn to_address(word: U256) -> Address {
    Address::from_word(word.into())
}

const WORD: usize = 32;

fn words<const N: usize>(callee: Address, answer: Answer) -> Result<[U256; N], Revert> {
    if !answer.success {
        return Err(Revert(answer.data));
    }
    let words: Option<[B256; N]> = first_words(&answer.data);
    match words {
        Some(words) => Ok(words.map(Into::into)),
        None => Err(Revert(MalformedReturn { callee }.encode())),
    }
}
