//! ReputationLedger: what accounts have earned in each domain, and what that is worth in the others.
//!
//! An account that has proven itself as a relay, say, stakes less to begin as a Lightning node. Its *score* in a domain goes
//! from 0 to 10 000; good records raise it by their points, bad ones lower it by three times their points.
//!
//! | who | may |
//! |---|---|
//! | anyone | read; [`apply_stake_discount`](ReputationLedger::apply_stake_discount), which changes nothing |
//! | a recorder of a domain, as its adapter is | record good and bad in this domain |
//! | the owner | register domains, weigh them, name their adapters and recorders |
//!
//! The owner can move no score, but whom it names can. Scores and discounts are in basis points (10 000 = all), times in
//! seconds since 1970.
//!
//! # The aggregate, and the discount
//!
//! An account's aggregate is the mean of its scores, weighted by domain, over the domains in which it has a record; one that
//! has fallen to zero counts. Its discount in a domain is half of that mean over its *other* domains, 5 000 at most: nobody
//! earns in a domain what lowers the stake there, and a name without a record is worth nothing. In a domain that is not
//! registered here, all are others.
//!
//! # One slot for all scores
//!
//! There are at most 16 domains, so that an account's scores fit into one slot, as all weights do: a discount takes three
//! slots to read, however many domains there are, and a record writes two. A domain is never taken off: with weight zero it
//! counts for nothing.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256, U64, U8};
use bpe_common::{clock, emit, ownable::Ownable, packed::widen};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// All of something, in basis points.
pub const BPS: u64 = 10_000;
/// The best score.
pub const MAX_SCORE: u16 = 10_000;
/// So many times its points a bad record takes.
pub const NEGATIVE_WEIGHT: u16 = 3;
/// The discount of the best score everywhere else.
pub const MAX_DISCOUNT_BPS: u64 = 5_000;
/// Domains that there can be: as many as numbers of 16 bits in a slot.
pub const MAX_DOMAINS: usize = 16;
/// What a domain weighs unless the owner says otherwise.
pub const DEFAULT_WEIGHT: u16 = 10_000;

/// A number for each domain, in the order of registration. One slot.
type Row = [u16; MAX_DOMAINS];

/// A domain. One slot: adapter (160 bits), number (8).
#[storage]
pub struct Domain {
    adapter: StorageAddress,
    /// From 1, in the order of registration; 0 if it is not registered.
    number: StorageU8,
}

/// What an account has done in a domain, but for its score. One slot: completions (64 bits), slashes (64), first (64),
/// last (64).
#[storage]
pub struct Record {
    completions: StorageU64,
    slashes: StorageU64,
    /// Time of the first record.
    first: StorageU64,
    /// Time of the last one.
    last: StorageU64,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2: the weights, a row. Slot 3: how many domains there are. Then the mappings.
#[entrypoint]
#[storage]
pub struct ReputationLedger {
    #[borrow]
    ownable: Ownable,
    weights: StorageB256,
    domain_ids: StorageVec<StorageB256>,
    domains: StorageMap<B256, Domain>,
    recorders: StorageMap<B256, StorageMap<Address, StorageBool>>,
    /// Of each account a row of score + 1, and 0 where it has no record.
    scores: StorageMap<Address, StorageB256>,
    records: StorageMap<Address, StorageMap<B256, Record>>,
}

#[public]
#[inherit(Ownable)]
impl ReputationLedger {
    /// Sets the contract up: who owns it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, owner: Address) -> Result<(), Error> {
        Ok(self.ownable.initialize(owner)?)
    }

    // --- Recorders

    /// Raises the account's score in the domain by `points`, at least 1, up to 10 000 at most.
    ///
    /// # Errors
    ///
    /// * [`DomainNotRegistered`], [`NotAuthorized`], [`InvalidPoints`]
    ///
    /// # Events
    ///
    /// * [`ReputationUpdated`]
    pub fn record_positive(
        &mut self,
        account: Address,
        domain: B256,
        points: U256,
    ) -> Result<(), Error> {
        self.record(account, domain, points, true)
    }

    /// Lowers the account's score in the domain by three times `points`, at least 1, down to zero at most.
    ///
    /// # Errors
    ///
    /// * [`DomainNotRegistered`], [`NotAuthorized`], [`InvalidPoints`]
    ///
    /// # Events
    ///
    /// * [`ReputationUpdated`]
    pub fn record_negative(
        &mut self,
        account: Address,
        domain: B256,
        points: U256,
    ) -> Result<(), Error> {
        self.record(account, domain, points, false)
    }

    // --- Anyone

    /// Says in an event what [`ReputationLedger::get_stake_discount`] says, for whoever grants a discount off the chain and
    /// wants that on record. Nothing changes by it, and nobody's discount depends on it.
    ///
    /// # Returns
    ///
    /// * `discountBps`
    ///
    /// # Events
    ///
    /// * [`StakeDiscountApplied`]
    pub fn apply_stake_discount(&mut self, account: Address, domain: B256) -> U256 {
        let discount = self.get_stake_discount(account, domain);
        emit!(self.vm(), StakeDiscountApplied[account, domain](discount));
        discount
    }

    // --- Owner

    /// Registers a domain in which `adapter` records, if it is not zero. It weighs 10 000.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`DomainAlreadyRegistered`], [`TooManyDomains`]
    ///
    /// # Events
    ///
    /// * [`DomainRegistered`]
    pub fn register_domain(&mut self, domain: B256, adapter: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if self.index_of(domain).is_some() {
            return Err(DomainAlreadyRegistered {}.into());
        }
        let index = self.domain_ids.len();
        if index >= MAX_DOMAINS {
            let maximum = U256::from(MAX_DOMAINS);
            return Err(TooManyDomains { maximum }.into());
        }
        self.domain_ids.push(domain);
        let mut entry = self.domains.setter(domain);
        entry.adapter.set(adapter);
        entry.number.set(U8::from(index + 1));
        self.set_weight(index, DEFAULT_WEIGHT);
        emit!(self.vm(), DomainRegistered[domain, adapter]);
        Ok(())
    }

    /// Makes `adapter` the one that records in the domain, in place of the one before; nobody, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`DomainNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`DomainAdapterSet`]
    pub fn set_domain_adapter(&mut self, domain: B256, adapter: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_index(domain)?;
        self.replace_adapter(domain, adapter);
        Ok(())
    }

    /// Lets the domain count with `weight`, at most 65 535, for all accounts, from now on. Only what weights are to each
    /// other matters; zero for a domain that does not count.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`DomainNotRegistered`], [`InvalidWeight`]
    ///
    /// # Events
    ///
    /// * [`DomainWeightSet`]
    pub fn set_domain_weight(&mut self, domain: B256, weight: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let index = self.require_index(domain)?;
        let narrow = u16::try_from(weight).map_err(|_| InvalidWeight { weight })?;
        self.set_weight(index, narrow);
        emit!(self.vm(), DomainWeightSet[domain](weight));
        Ok(())
    }

    /// Lets `recorder` record in the domain, beside its adapter.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`DomainNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`RecorderSet`]
    pub fn authorize_recorder(&mut self, domain: B256, recorder: Address) -> Result<(), Error> {
        self.set_recorder(domain, recorder, true)
    }

    /// Lets `recorder` record in the domain no longer. If it is the domain's adapter, the domain has none from now on.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`DomainNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`RecorderSet`]; [`DomainAdapterSet`] if it is the adapter.
    pub fn revoke_recorder(&mut self, domain: B256, recorder: Address) -> Result<(), Error> {
        self.set_recorder(domain, recorder, false)?;
        if self.domains.getter(domain).adapter.get() == recorder {
            self.replace_adapter(domain, Address::ZERO);
        }
        Ok(())
    }

    // --- Views

    /// What the account has done in the domain; zeros if it has no record there.
    pub fn get_domain_reputation(&self, account: Address, domain: B256) -> DomainReputation {
        let score = self
            .index_of(domain)
            .and_then(|index| score(&self.scores_of(account), index));
        let records = self.records.getter(account);
        let record = records.getter(domain);
        let last = widen(record.last.get());
        DomainReputation {
            score: U256::from(score.unwrap_or_default()),
            stakeDuration: last.saturating_sub(widen(record.first.get())),
            completions: widen(record.completions.get()),
            slashCount: widen(record.slashes.get()),
            lastUpdated: last,
        }
    }

    /// The mean of the account's scores, weighted by domain, over the domains in which it has a record. From 0 to 10 000,
    /// rounded down; zero without a record.
    ///
    /// # Returns
    ///
    /// * `aggregateScore`
    pub fn get_aggregate_reputation(&self, account: Address) -> U256 {
        U256::from(self.mean(&self.scores_of(account), None))
    }

    /// What the account needs not stake of what the domain asks for, in basis points: half of its weighted mean score over
    /// its other domains, rounded down. 5 000 at most.
    ///
    /// # Returns
    ///
    /// * `discountBps`
    pub fn get_stake_discount(&self, account: Address, domain: B256) -> U256 {
        let others = self.mean(&self.scores_of(account), self.index_of(domain));
        // No overflow: both are small.
        U256::from(others * MAX_DISCOUNT_BPS / u64::from(MAX_SCORE))
    }

    /// The domains in which the account has a record, in the order in which they were registered.
    ///
    /// # Returns
    ///
    /// * `domains`
    pub fn get_account_domains(&self, account: Address) -> Vec<B256> {
        let scores = self.scores_of(account);
        (0..MAX_DOMAINS)
            .filter(|index| score(&scores, *index).is_some())
            .filter_map(|index| self.domain_ids.get(index))
            .collect()
    }

    /// All domains, in the order in which they were registered.
    ///
    /// # Returns
    ///
    /// * `domains`
    pub fn get_domains(&self) -> Vec<B256> {
        (0..self.domain_ids.len())
            .filter_map(|index| self.domain_ids.get(index))
            .collect()
    }

    /// The domain's adapter, zero if it has none, and its weight.
    ///
    /// # Errors
    ///
    /// * [`DomainNotRegistered`]
    ///
    /// # Returns
    ///
    /// * `adapter`
    /// * `weight`
    pub fn get_domain(&self, domain: B256) -> Result<(Address, U256), Error> {
        let index = self.require_index(domain)?;
        let weights = row(self.weights.get());
        let weight = weights.get(index).copied().unwrap_or_default();
        let adapter = self.domains.getter(domain).adapter.get();
        Ok((adapter, U256::from(weight)))
    }

    /// Whether `recorder` may record in the domain, as its adapter or beside it.
    pub fn authorized_recorders(&self, domain: B256, recorder: Address) -> bool {
        self.is_recorder(domain, recorder)
    }

    /// All of something, in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(BPS)
    }

    /// The best score.
    #[selector(name = "MAX_SCORE")]
    pub fn max_score(&self) -> U256 {
        U256::from(MAX_SCORE)
    }

    /// So many times its points a bad record takes.
    #[selector(name = "NEGATIVE_WEIGHT")]
    pub fn negative_weight(&self) -> U256 {
        U256::from(NEGATIVE_WEIGHT)
    }

    /// The greatest discount, in basis points.
    #[selector(name = "MAX_DISCOUNT_BPS")]
    pub fn max_discount_bps(&self) -> U256 {
        U256::from(MAX_DISCOUNT_BPS)
    }

    /// Domains that there can be.
    #[selector(name = "MAX_DOMAINS")]
    pub fn max_domains(&self) -> U256 {
        U256::from(MAX_DOMAINS)
    }
}

impl ReputationLedger {
    fn record(
        &mut self,
        account: Address,
        domain: B256,
        points: U256,
        is_good: bool,
    ) -> Result<(), Error> {
        let index = self.require_index(domain)?;
        if !self.is_recorder(domain, self.vm().msg_sender()) {
            return Err(NotAuthorized {}.into());
        }
        if points.is_zero() {
            return Err(InvalidPoints {}.into());
        }
        // More than there is to have, or to lose, is all of it.
        let points = points.saturating_to::<u16>().min(MAX_SCORE);
        let mut scores = self.scores_of(account);
        let before = score(&scores, index).unwrap_or_default();
        let new_score = match is_good {
            true => before.saturating_add(points).min(MAX_SCORE),
            false => before.saturating_sub(points.saturating_mul(NEGATIVE_WEIGHT)),
        };
        if let Some(entry) = scores.get_mut(index) {
            *entry = new_score.saturating_add(1);
        }
        self.scores.setter(account).set(word(&scores));

        let now = U64::from(clock::block_timestamp(self.vm()));
        let mut records = self.records.setter(account);
        let mut record = records.setter(domain);
        if record.last.get().is_zero() {
            record.first.set(now);
        }
        record.last.set(now);
        let count = match is_good {
            true => &mut record.completions,
            false => &mut record.slashes,
        };
        let counted = count.get().saturating_add(U64::from(1));
        count.set(counted);

        let aggregate = self.mean(&scores, None);
        emit!(self.vm(), ReputationUpdated[account, domain](u64::from(new_score), aggregate));
        Ok(())
    }

    /// The weighted mean of scores, but for the one at `except`.
    fn mean(&self, scores: &Row, except: Option<usize>) -> u64 {
        let weights = row(self.weights.get());
        let (mut sum, mut total) = (0_u64, 0_u64);
        for (index, weight) in weights.into_iter().enumerate() {
            let counted = score(scores, index).filter(|_| Some(index) != except);
            if let Some(score) = counted {
                let weight = u64::from(weight);
                // No overflow: 16 numbers of 32 bits.
                (sum, total) = (sum + u64::from(score) * weight, total + weight);
            }
        }
        sum.checked_div(total).unwrap_or_default()
    }

    fn scores_of(&self, account: Address) -> Row {
        row(self.scores.get(account))
    }

    /// The domain's place in rows.
    fn index_of(&self, domain: B256) -> Option<usize> {
        let number: usize = self.domains.getter(domain).number.get().to();
        number.checked_sub(1)
    }

    fn require_index(&self, domain: B256) -> Result<usize, DomainNotRegistered> {
        self.index_of(domain).ok_or(DomainNotRegistered {})
    }

    fn is_recorder(&self, domain: B256, recorder: Address) -> bool {
        let adapter = self.domains.getter(domain).adapter.get();
        (adapter == recorder && !adapter.is_zero()) || self.recorders.getter(domain).get(recorder)
    }

    fn set_recorder(
        &mut self,
        domain: B256,
        recorder: Address,
        authorized: bool,
    ) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_index(domain)?;
        self.recorders
            .setter(domain)
            .setter(recorder)
            .set(authorized);
        emit!(self.vm(), RecorderSet[domain, recorder](authorized));
        Ok(())
    }

    fn replace_adapter(&mut self, domain: B256, adapter: Address) {
        self.domains.setter(domain).adapter.set(adapter);
        emit!(self.vm(), DomainAdapterSet[domain, adapter]);
    }

    fn set_weight(&mut self, index: usize, weight: u16) {
        let mut weights = row(self.weights.get());
        if let Some(entry) = weights.get_mut(index) {
            *entry = weight;
        }
        self.weights.set(word(&weights));
    }
}

/// The score at `index`, if there is a record.
fn score(scores: &Row, index: usize) -> Option<u16> {
    scores.get(index)?.checked_sub(1)
}

/// A slot as a row: the first number in its lowest bits.
fn row(word: B256) -> Row {
    let mut row = Row::default();
    for (number, bytes) in row.iter_mut().zip(word.0.rchunks_exact(2)) {
        *number = bytes
            .iter()
            .fold(0, |high, low| high << 8 | u16::from(*low));
    }
    row
}

/// A row as a slot.
fn word(row: &Row) -> B256 {
    let mut word = B256::ZERO;
    for (bytes, number) in word.0.rchunks_exact_mut(2).zip(row) {
        bytes.copy_from_slice(&number.to_be_bytes());
    }
    word
}
