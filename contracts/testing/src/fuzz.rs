use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, B256, U256};
use proptest::prelude::*;
use stylus_sdk::{
    abi::{router_entrypoint, Router},
    host::{WasmVM, VM},
    prelude::*,
    storage::StorageType,
    stylus_core::ValueDenier,
};

/// Calldata for the functions of `abi` (a JSON array) but those named in `without`: arguments of the right types, with
/// some words exchanged for others, the end cut off or something appended; and calls of functions that do not exist.
/// `accounts` and `ids` are what addresses and bytes32 are mostly taken from.
pub fn calldata(
    abi: &str,
    accounts: &'static [Address],
    ids: &'static [B256],
    without: &[&str],
) -> impl Strategy<Value = Vec<u8>> {
    let abi: JsonAbi = serde_json::from_str(abi).expect("the ABI is generated");
    let functions: Vec<Function> = abi
        .functions()
        .filter(|function| !without.contains(&function.name.as_str()))
        .cloned()
        .collect();
    let right = (
        prop::sample::select(functions),
        prop::collection::vec(guess(accounts, ids), 10),
    )
        .prop_map(|(function, guesses)| encode(&function, &guesses));
    let exchange = (0usize..10, word(accounts, ids), 0u8..4);
    let end = (
        0usize..70,
        prop::collection::vec(any::<u8>(), 0..70),
        0u8..8,
    );
    let mutated = (right, exchange, end).prop_map(
        |(mut data, (index, word, exchanges), (cut, tail, ends))| {
            let at = 4 + 32 * index;
            if exchanges == 0 && data.len() >= at + 32 {
                data[at..at + 32].copy_from_slice(&word);
            }
            match ends {
                0 => data.truncate(data.len().saturating_sub(cut)),
                1 => data.extend(tail),
                _ => {}
            }
            data
        },
    );
    let unknown = prop::collection::vec(any::<u8>(), 0..100);
    prop_oneof![9 => mutated, 1 => unknown]
}

/// A word of every kind, of which the encoder takes what the type asks for.
#[derive(Clone, Debug)]
struct Guess {
    account: Address,
    id: B256,
    number: U256,
    text: Vec<u8>,
}

fn guess(accounts: &'static [Address], ids: &'static [B256]) -> impl Strategy<Value = Guess> {
    let id =
        prop_oneof![4 => prop::sample::select(ids), 1 => any::<[u8; 32]>().prop_map(B256::from)];
    let text = prop::collection::vec(any::<u8>(), 0..40);
    (prop::sample::select(accounts), id, number(), text).prop_map(|(account, id, number, text)| {
        Guess {
            account,
            id,
            number,
            text,
        }
    })
}

/// Small numbers, round ones, and those around powers of two.
fn number() -> impl Strategy<Value = U256> {
    prop_oneof![
        3 => (0u64..2_000).prop_map(U256::from),
        3 => (0u64..2_000).prop_map(|value| U256::from(value) * U256::from(1_000_000_000)),
        2 => (0usize..256).prop_map(|shift| U256::from(1) << shift),
        2 => (0usize..256).prop_map(|shift| U256::MAX >> shift),
        1 => any::<[u64; 4]>().prop_map(U256::from_limbs),
    ]
}

fn word(accounts: &'static [Address], ids: &'static [B256]) -> impl Strategy<Value = Vec<u8>> {
    guess(accounts, ids).prop_flat_map(|guess| {
        prop::sample::select(vec![
            guess.account.into_word().to_vec(),
            guess.id.to_vec(),
            guess.number.to_be_bytes_vec(),
        ])
    })
}

/// Head and tail, as Solidity lays arguments out. Of dynamic types it knows `bytes` and `string`; others get a number for
/// an offset, which is as good as random.
fn encode(function: &Function, guesses: &[Guess]) -> Vec<u8> {
    let head_size = function.inputs.len() * 32;
    let (mut head, mut tail) = (function.selector().to_vec(), Vec::new());
    for (input, guess) in function.inputs.iter().zip(guesses) {
        match input.ty.as_str() {
            "address" => head.extend(guess.account.into_word()),
            "bool" => head.extend((guess.number & U256::from(1)).to_be_bytes_vec()),
            "bytes32" => head.extend(guess.id),
            "bytes" | "string" => {
                head.extend(U256::from(head_size + tail.len()).to_be_bytes_vec());
                tail.extend(U256::from(guess.text.len()).to_be_bytes_vec());
                tail.extend(&guess.text);
                tail.resize(tail.len().next_multiple_of(32), 0);
            }
            _ => head.extend(guess.number.to_be_bytes_vec()),
        }
    }
    head.extend(tail);
    head
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
