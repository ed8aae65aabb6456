//! One fuzzer for all contracts: calldata that is nearly right, by a contract's generated ABI.

use std::ops::DerefMut as _;

use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use stylus_sdk::{
    abi::{router_entrypoint, Router},
    host::{WasmVM, VM},
    prelude::*,
    storage::StorageType,
    stylus_core::ValueDenier,
};

/// A contract, what there is around it, and what its calldata is made of.
pub struct Fuzz<W: 'static> {
    /// The contract's ABI as JSON.
    pub abi: &'static str,
    /// Where addresses are taken from.
    pub accounts: &'static [Address],
    /// Where `bytes32` are mostly taken from.
    pub ids: &'static [B256],
    /// Functions that are not called, for the reason that stands beside them.
    pub without: &'static [&'static str],
    /// Who calls.
    pub callers: &'static [Address],
    /// The contract and its neighbours, set up.
    pub world: fn() -> W,
    /// Sends calldata to the contract by [`enter`], lets time pass where that matters, and says whether it was accepted.
    pub send: fn(&W, Address, Vec<u8>) -> bool,
}

impl<W> Fuzz<W> {
    /// Sixteen calls one after another, as often as `PROPTEST_CASES` says: whatever comes in, it returns or reverts.
    ///
    /// # Panics
    ///
    /// With the smallest sequence of calls in which the contract panics.
    pub fn never_panics(&self) {
        let call = (
            self.calldata(&[]),
            prop::sample::select(self.callers.to_vec()),
        );
        let config = Config {
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&prop::collection::vec(call, 16), |calls| {
            let _precompiles = deploy_precompiles();
            let world = (self.world)();
            for (data, caller) in calls {
                (self.send)(&world, caller, data);
            }
            Ok(())
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
    }

    /// Asserts that a quarter of the calls of `caller`, without functions that end its part in the world, succeeds: the
    /// fuzzer reaches the functions.
    ///
    /// # Panics
    ///
    /// With how many of 2 000 did, if it is less.
    pub fn gets_through(&self, caller: Address, without: &[&str]) {
        self.succeeds_in(500, caller, without);
    }

    /// Asserts that more than `bound` of 2 000 calls succeed, as [`gets_through`](Self::gets_through) does of 500.
    ///
    /// # Panics
    ///
    /// With how many did, if it is no more.
    pub fn succeeds_in(&self, bound: usize, caller: Address, without: &[&str]) {
        let _precompiles = deploy_precompiles();
        let (world, calldata) = ((self.world)(), self.calldata(without));
        let mut runner = TestRunner::deterministic();
        let mut data = || {
            calldata
                .new_tree(&mut runner)
                .expect("no filters")
                .current()
        };
        let accepted = (0..2_000)
            .filter(|_| (self.send)(&world, caller, data()))
            .count();
        assert!(accepted > bound, "{accepted} of 2000");
    }

    fn calldata(&self, without: &[&str]) -> impl Strategy<Value = Vec<u8>> {
        let without = [self.without, without].concat();
        calldata(self.abi, self.accounts, self.ids, &without)
    }
}

/// Sends calldata as a transaction of `caller`, and returns what comes back.
///
/// # Errors
///
/// * What the contract reverts with.
pub fn enter<C>(
    contract: &Contract<C>,
    caller: Address,
    calldata: Vec<u8>,
) -> Result<Vec<u8>, Vec<u8>>
where
    C: Router<C>
        + StorageType
        + TopLevelStorage
        + ValueDenier
        + core::borrow::BorrowMut<C::Storage>
        + 'static,
{
    let mut context = contract.sender(caller);
    // Sets caller and contract on motsu's host.
    let _ = context.deref_mut();
    router_entrypoint::<C, C>(
        calldata,
        VM {
            host: Box::new(WasmVM {}),
        },
    )
}

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
