//! The accounts of the chain, in persistent maps: cloning a state is O(1), so every block keeps its own and a
//! snapshot costs nothing.

use std::{collections::BTreeMap, convert::Infallible};

use alloy::{
    consensus::TrieAccount,
    primitives::{keccak256, map::DefaultHashBuilder, Address, Bytes, B256, KECCAK256_EMPTY, U256},
};
use revm::{
    bytecode::Bytecode,
    state::{Account as EvmAccount, AccountInfo, EvmState},
    Database, DatabaseRef,
};
use serde::{Deserialize, Serialize};

use crate::trie::Trie;

/// A persistent hash map with alloy's hasher.
pub(crate) type PersistentMap<K, V> =
    imbl::GenericHashMap<K, V, DefaultHashBuilder, imbl::shared_ptr::DefaultSharedPtr>;

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    pub nonce: u64,
    pub balance: U256,
    pub code_hash: B256,
    storage: PersistentMap<U256, U256>,
    /// The same, for proofs.
    storage_trie: Trie,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
            storage: PersistentMap::default(),
            storage_trie: Trie::default(),
        }
    }
}

impl Account {
    pub fn storage_root(&self) -> B256 {
        self.storage_trie.root()
    }

    /// The nodes from the storage's root to a slot.
    pub fn storage_proof(&self, slot: U256) -> Vec<Bytes> {
        self.storage_trie.proof(keccak256(B256::from(slot)))
    }

    pub fn storage_at(&self, slot: U256) -> U256 {
        self.storage.get(&slot).copied().unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    fn encode(&self) -> Vec<u8> {
        alloy::rlp::encode(TrieAccount {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: self.storage_root(),
            code_hash: self.code_hash,
        })
    }
}

/// All accounts, with their code and storage.
#[derive(Clone, Debug, Default)]
pub struct State {
    accounts: PersistentMap<Address, Account>,
    codes: PersistentMap<B256, Bytecode>,
    trie: Trie,
    /// Accounts that changed since the trie was brought up to date.
    changed: PersistentMap<Address, ()>,
}

impl State {
    /// Brings the trie up to date; gives its root.
    pub fn commit(&mut self) -> B256 {
        for (address, ()) in std::mem::take(&mut self.changed) {
            let key = keccak256(address);
            match self.accounts.get(&address).filter(|it| !it.is_empty()) {
                Some(account) => self.trie.insert(key, account.encode()),
                None => self.trie.remove(key),
            }
        }
        self.trie.root()
    }

    /// The nodes from the root to an account, once the state is committed.
    pub fn account_proof(&self, address: Address) -> Vec<Bytes> {
        self.trie.proof(keccak256(address))
    }

    pub fn account(&self, address: Address) -> Option<&Account> {
        self.accounts.get(&address)
    }

    pub fn balance(&self, address: Address) -> U256 {
        self.account(address)
            .map_or(U256::ZERO, |account| account.balance)
    }

    pub fn nonce(&self, address: Address) -> u64 {
        self.account(address).map_or(0, |account| account.nonce)
    }

    pub fn code(&self, address: Address) -> Bytes {
        self.account(address)
            .and_then(|account| self.codes.get(&account.code_hash))
            .map_or_else(Bytes::new, Bytecode::original_bytes)
    }

    pub fn storage_at(&self, address: Address, slot: U256) -> U256 {
        self.account(address)
            .map_or(U256::ZERO, |account| account.storage_at(slot))
    }

    /// Writes `diff` into the state.
    pub fn apply(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.0 {
            self.changed.insert(*address, ());
            match change {
                None => {
                    self.accounts.remove(address);
                }
                Some(change) => {
                    let account = self.accounts.entry(*address).or_default();
                    if change.storage_cleared {
                        account.storage.clear();
                        account.storage_trie = Trie::default();
                    }
                    account.nonce = change.nonce;
                    account.balance = change.balance;
                    if let Some(code) = &change.code {
                        account.code_hash = keccak256(code);
                        self.codes.insert(account.code_hash, bytecode(code.clone()));
                    }
                    for (slot, value) in &change.storage {
                        let key = keccak256(B256::from(*slot));
                        if value.is_zero() {
                            account.storage.remove(slot);
                            account.storage_trie.remove(key);
                        } else {
                            account.storage.insert(*slot, *value);
                            account.storage_trie.insert(key, alloy::rlp::encode(value));
                        }
                    }
                }
            }
        }
    }

    /// The change that leaves `address` as it is: the start of an edit.
    pub fn unchanged(&self, address: Address) -> AccountDiff {
        AccountDiff {
            nonce: self.nonce(address),
            balance: self.balance(address),
            ..AccountDiff::default()
        }
    }
}

/// Code as revm runs it. Unlike `Bytecode::new_raw` this accepts any bytes, such as those a state override names.
fn bytecode(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// Accounts after a block or an edit, those that changed; `None` is an account that ceased to exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDiff(pub BTreeMap<Address, Option<AccountDiff>>);

/// What changed in one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDiff {
    pub nonce: u64,
    pub balance: U256,
    /// New code, if it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Bytes>,
    /// Slots written; zero clears one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<U256, U256>,
    /// Whether all earlier storage is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub storage_cleared: bool,
}

impl StateDiff {
    /// What an execution changed.
    pub fn from_execution(state: &EvmState) -> Self {
        let touched = state.iter().filter(|(_, account)| account.is_touched());
        Self(
            touched
                .map(|(address, account)| (*address, AccountDiff::from_execution(account)))
                .collect(),
        )
    }

    /// Adds a later diff.
    pub fn merge(&mut self, later: StateDiff) {
        for (address, change) in later.0 {
            match (self.0.get_mut(&address), change) {
                (Some(Some(earlier)), Some(change)) => earlier.merge(change),
                (Some(earlier @ None), Some(change)) => {
                    // A new account: nothing of the one before it may shine through.
                    let code = change.code.or_else(|| Some(Bytes::new()));
                    *earlier = Some(AccountDiff {
                        storage_cleared: true,
                        code,
                        ..change
                    });
                }
                (_, change) => {
                    self.0.insert(address, change);
                }
            }
        }
    }
}

impl AccountDiff {
    fn from_execution(account: &EvmAccount) -> Option<Self> {
        if account.is_selfdestructed() || account.is_empty() {
            return None;
        }
        let created = account.is_created();
        let info = &account.info;
        let code_changed = account.original_info().code_hash != info.code_hash;
        let changed_slots = account.changed_storage_slots();
        Some(Self {
            nonce: info.nonce,
            balance: info.balance,
            code: info
                .code
                .as_ref()
                .filter(|_| created || code_changed)
                .map(Bytecode::original_bytes),
            storage: changed_slots
                .map(|(slot, value)| (*slot, value.present_value))
                .collect(),
            storage_cleared: created,
        })
    }

    fn merge(&mut self, later: AccountDiff) {
        self.nonce = later.nonce;
        self.balance = later.balance;
        if later.code.is_some() {
            self.code = later.code;
        }
        if later.storage_cleared {
            self.storage.clear();
            self.storage_cleared = true;
        }
        self.storage.extend(later.storage);
    }
}

impl DatabaseRef for State {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(address).map(|account| AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            code: Some(
                self.codes
                    .get(&account.code_hash)
                    .cloned()
                    .unwrap_or_default(),
            ),
            account_id: None,
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.codes.get(&code_hash).cloned().unwrap_or_default())
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.storage_at(address, slot))
    }

    /// Hashes of L1 blocks, which this chain does not have: any fixed function of the number serves.
    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(keccak256(number.to_be_bytes()))
    }
}

impl Database for State {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Infallible> {
        self.code_by_hash_ref(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        self.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        self.block_hash_ref(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Address = Address::with_last_byte(1);

    fn written(slot: u64, value: u64) -> AccountDiff {
        let storage = BTreeMap::from([(U256::from(slot), U256::from(value))]);
        AccountDiff {
            nonce: 1,
            balance: U256::from(7),
            storage,
            ..AccountDiff::default()
        }
    }

    fn diff(change: Option<AccountDiff>) -> StateDiff {
        StateDiff(BTreeMap::from([(ALICE, change)]))
    }

    #[test]
    fn merged_diffs_equal_diffs_applied_in_turn() {
        let cleared = AccountDiff {
            storage_cleared: true,
            ..written(2, 5)
        };
        let code = AccountDiff {
            code: Some(Bytes::from_static(&[0xfe])),
            ..written(1, 0)
        };
        let sequences = [
            vec![Some(written(1, 3)), Some(written(2, 4))],
            vec![
                Some(written(1, 3)),
                Some(cleared.clone()),
                Some(written(3, 1)),
            ],
            vec![Some(written(1, 3)), None, Some(written(2, 4))],
            vec![Some(code.clone()), Some(written(1, 3))],
            vec![Some(code), None],
        ];
        for sequence in sequences {
            let mut base = State::default();
            base.apply(&diff(Some(written(1, 9))));
            let (mut in_turn, mut at_once, mut merged) = (base.clone(), base, StateDiff::default());
            for change in sequence {
                in_turn.apply(&diff(change.clone()));
                merged.merge(diff(change));
            }
            at_once.apply(&merged);
            for slot in 1..4 {
                let slot = U256::from(slot);
                assert_eq!(
                    in_turn.storage_at(ALICE, slot),
                    at_once.storage_at(ALICE, slot),
                    "slot {slot}"
                );
            }
            assert_eq!(in_turn.code(ALICE), at_once.code(ALICE));
            assert_eq!(
                in_turn.account(ALICE).is_some(),
                at_once.account(ALICE).is_some()
            );
        }
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut state = State::default();
        state.apply(&diff(Some(written(1, 3))));
        let before = state.clone();
        state.apply(&diff(Some(written(1, 4))));
        assert_eq!(before.storage_at(ALICE, U256::from(1)), U256::from(3));
        assert_eq!(state.storage_at(ALICE, U256::from(1)), U256::from(4));
    }
}
