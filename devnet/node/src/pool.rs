//! Transactions that wait for a block, or for the nonces before theirs.

use std::collections::HashMap;

use alloy::{
    consensus::{transaction::Recovered, Transaction as _, TxEnvelope},
    primitives::{Address, B256},
};

use crate::{error::TransactionError, state::State};

/// The most transactions that wait.
const CAPACITY: usize = 10_000;

/// Waiting transactions, in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Pool(Vec<Recovered<TxEnvelope>>);

impl Pool {
    /// Adds a transaction, or replaces one of its sender and nonce that offers at least a tenth less.
    pub fn insert(&mut self, tx: Recovered<TxEnvelope>) -> Result<(), TransactionError> {
        let same_place = |other: &&mut Recovered<TxEnvelope>| {
            other.signer() == tx.signer() && other.inner().nonce() == tx.inner().nonce()
        };
        if let Some(other) = self.0.iter_mut().find(same_place) {
            if other.inner().tx_hash() == tx.inner().tx_hash() {
                return Err(TransactionError::AlreadyKnown(*tx.inner().tx_hash()));
            }
            let (offered, needed) = (
                tx.inner().max_fee_per_gas(),
                other.inner().max_fee_per_gas() / 10 * 11,
            );
            if offered < needed {
                return Err(TransactionError::ReplacementUnderpriced { offered, needed });
            }
            *other = tx;
            return Ok(());
        }
        if self.0.len() >= CAPACITY {
            return Err(TransactionError::PoolFull(CAPACITY));
        }
        self.0.push(tx);
        Ok(())
    }

    pub fn get(&self, hash: B256) -> Option<&Recovered<TxEnvelope>> {
        self.0.iter().find(|tx| *tx.inner().tx_hash() == hash)
    }

    /// All that wait, in order of arrival.
    pub fn all(&self) -> &[Recovered<TxEnvelope>] {
        &self.0
    }

    /// Brings back transactions that were taken out before those that came since.
    pub fn put_back(&mut self, mut transactions: Vec<Recovered<TxEnvelope>>) {
        transactions.append(&mut self.0);
        self.0 = transactions;
    }

    /// Takes out those that `unwanted` names; gives how many there were.
    pub fn drop_if(&mut self, unwanted: impl Fn(&Recovered<TxEnvelope>) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|tx| !unwanted(tx));
        before - self.0.len()
    }

    /// The sender's next nonce, waiting transactions included.
    pub fn next_nonce(&self, sender: Address, state: &State) -> u64 {
        let mut nonces: Vec<u64> = self
            .0
            .iter()
            .filter(|tx| tx.signer() == sender)
            .map(|tx| tx.inner().nonce())
            .collect();
        nonces.sort_unstable();
        nonces.into_iter().fold(state.nonce(sender), |next, nonce| {
            if nonce == next {
                next + 1
            } else {
                next
            }
        })
    }

    /// Takes out the transactions that can run on `state` one after the other, by arrival; forgets outdated ones.
    pub fn take_ready(&mut self, state: &State) -> Vec<Recovered<TxEnvelope>> {
        let mut next: HashMap<Address, u64> = HashMap::new();
        let mut ready = Vec::new();
        loop {
            let before = self.0.len();
            let mut waiting = Vec::with_capacity(before);
            for tx in self.0.drain(..) {
                let expected = next
                    .entry(tx.signer())
                    .or_insert_with(|| state.nonce(tx.signer()));
                match tx.inner().nonce().cmp(expected) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => {
                        *expected += 1;
                        ready.push(tx);
                    }
                    std::cmp::Ordering::Greater => waiting.push(tx),
                }
            }
            self.0 = waiting;
            if self.0.len() == before {
                return ready;
            }
        }
    }
}
