use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, U256};
use proptest::prelude::*;
use stylus_sdk::{
    abi::{router_entrypoint, Router},
    host::{WasmVM, VM},
    prelude::*,
    storage::StorageType,
    stylus_core::ValueDenier,
};

/// Calldata for the functions of `abi` (a JSON array): right selectors with well-formed, mutated, truncated and random
/// arguments, and random selectors. `accounts` are used for some of the addresses. Functions named in `without` are left
/// out.
pub fn calldata(
    abi: &str,
    accounts: &'static [Address],
    without: &[&str],
) -> impl Strategy<Value = Vec<u8>> {
    let abi: JsonAbi = serde_json::from_str(abi).expect("the ABI is generated");
    let selectors: Vec<[u8; 4]> = abi
        .functions()
        .filter(|function| !without.contains(&function.name.as_str()))
        .map(|function| function.selector().0)
        .collect();
    let selector = prop_oneof![
        9 => prop::sample::select(selectors),
        1 => any::<[u8; 4]>(),
    ];
    let arguments = (
        prop::collection::vec(word(accounts), 0..10),
        0usize..40,
        any::<bool>(),
    );
    (selector, arguments).prop_map(|(selector, (words, cut, truncate))| {
        let mut data = [&selector[..], &words.concat()].concat();
        if truncate {
            data.truncate(data.len().saturating_sub(cut));
        }
        data
    })
}

/// A word that may mean something: an account, a small number or offset, a boundary, or nothing.
fn word(accounts: &'static [Address]) -> impl Strategy<Value = Vec<u8>> {
    let number = |value: U256| value.to_be_bytes_vec();
    prop_oneof![
        3 => prop::sample::select(accounts).prop_map(|account| account.into_word().to_vec()),
        2 => (0u64..2_000).prop_map(move |value| number(U256::from(value))),
        2 => (0u64..12).prop_map(move |value| number(U256::from(value * 32))),
        2 => (0usize..256).prop_map(move |shift| number(U256::from(1) << shift)),
        1 => (0usize..256).prop_map(move |shift| number(U256::MAX >> shift)),
        2 => prop::sample::select(vec![0xc0_u8, 0xca, 0]).prop_map(|byte| B256::repeat_byte(byte).to_vec()),
        1 => any::<[u8; 32]>().prop_map(|bytes| bytes.to_vec()),
    ]
}

/// Enters the contract as a transaction would, in the context that motsu has set up: `contract.sender(…)` first.
pub fn enter<C>(calldata: Vec<u8>) -> Result<Vec<u8>, Vec<u8>>
where
    C: Router<C>
        + StorageType
        + TopLevelStorage
        + ValueDenier
        + core::borrow::BorrowMut<C::Storage>,
{
    router_entrypoint::<C, C>(
        calldata,
        VM {
            host: Box::new(WasmVM {}),
        },
    )
}
