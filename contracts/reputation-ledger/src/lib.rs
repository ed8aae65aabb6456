//! ReputationLedger: what accounts have earned in each domain, and what that is worth in the others.
//!
//! An account that has proven itself as a relay, say, stakes less to begin as a Lightning node. Its *score* in a domain goes
//! from 0 to 10 000; good records raise it by their points, bad ones lower it by three times their points.
//!
//! | who | may |
//! |---|---|
//! | anyone | read; [`apply_stake_discount`](ReputationLedger::apply_stake_discount), which changes nothing |
//! | a recorder of a domain, as its adapter is | record good and bad in this domain; record slashes of its task types |
//! | the owner | register domains, weigh them, name their adapters and recorders, say which task types are theirs |
//!
//! The owner can move no score, but whom it names can. Scores and discounts are in basis points (10 000 = all), times in
//! seconds since 1970.
//!
//! # The aggregate, and the discount
//!
//! Of each domain an account has what it *earned*, which only good records move, and what it *owes* for bad ones: three times
//! their points, at most 10 000. Its score there is the one less the other. Its aggregate is the best of what it earned, each by
//! its domain's weight over the greatest weight, less all that it owes, anywhere. So a good record never costs, whatever its
//! domain weighs, and a bad one costs in every domain. Good records in a domain in which all is earned pay off what is owed there.
//!
//! Its discount in a domain is half of the same over its *other* domains, less all that it owes, this domain included; 5 000 at
//! most: nobody earns in a domain what lowers the stake there, and a name without a record is worth nothing. In a domain that is
//! not registered here, all are others.
//!
//! Points are to be had for protocol fees that were really lost, from WorkReputation, and not for a number of executions.
//!
//! # One slot for all scores
//!
//! There are at most 16 domains, so that what an account earned fits into one slot, as what it owes and all weights do: a
//! discount takes four slots to read, however many domains there are. A domain is never taken off: with weight zero it
//! counts for nothing, what is owed there included.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;
mod scores;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256, U64, U8};
use bpe_common::{clock, emit, ownable::Ownable, packed::widen};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;
use scores::{best, owed, row, score, word, Row};

/// All of something, in basis points.
pub const BPS: u64 = 10_000;
/// The best score.
pub const MAX_SCORE: u16 = 10_000;
/// So many times its points a bad record takes.
pub const NEGATIVE_WEIGHT: u16 = 3;
/// The points of a slash, before they are weighed.
pub const SLASH_POINTS: u64 = 500;
/// The discount of the best score everywhere else.
pub const MAX_DISCOUNT_BPS: u64 = 5_000;
/// Domains that there can be: as many as numbers of 16 bits in a slot.
pub const MAX_DOMAINS: usize = 16;
/// What a domain weighs unless the owner says otherwise.
pub const DEFAULT_WEIGHT: u16 = 10_000;

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
    /// Of each account a row of what it earned + 1, and 0 where it has no record.
    earned: StorageMap<Address, StorageB256>,
    /// Of each account a row of what it owes.
    owed: StorageMap<Address, StorageB256>,
    records: StorageMap<Address, StorageMap<B256, Record>>,
    /// In which domain what is done in a task type counts.
    task_types: StorageMap<B256, StorageB256>,
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

    /// Records that the account was slashed in a task type: 500 points of its domain, weighed as any bad record. Does nothing where
    /// the task type is of no domain.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorized`]
    ///
    /// # Events
    ///
    /// * [`ReputationUpdated`]
    pub fn record_slash(&mut self, task_type_id: B256, account: Address) -> Result<(), Error> {
        let domain = self.domain_of(task_type_id);
        match domain.is_zero() {
            true => Ok(()),
            false => self.record(account, domain, U256::from(SLASH_POINTS), false),
        }
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

    /// Has what is done in a task type count in the domain: slashes, and fees on its work. In none, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`DomainNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`TaskTypeDomainSet`]
    pub fn set_task_type_domain(&mut self, task_type_id: B256, domain: B256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !domain.is_zero() {
            self.require_index(domain)?;
        }
        self.task_types.setter(task_type_id).set(domain);
        emit!(self.vm(), TaskTypeDomainSet[task_type_id, domain]);
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
        let (earned, owed) = self.standing(account);
        let score = self
            .index_of(domain)
            .and_then(|index| score(&earned, &owed, index));
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

    /// The best that the account earned in any domain, by the domain's weight over the greatest weight, less all that it owes
    /// for bad records. From 0 to 10 000, rounded down; zero without a record.
    ///
    /// # Returns
    ///
    /// * `aggregateScore`
    pub fn get_aggregate_reputation(&self, account: Address) -> U256 {
        U256::from(self.aggregate(account, None))
    }

    /// What the account needs not stake of what the domain asks for, in basis points: half of the best that it earned in its other
    /// domains, less all that it owes. Rounded down. 5 000 at most.
    ///
    /// # Returns
    ///
    /// * `discountBps`
    pub fn get_stake_discount(&self, account: Address, domain: B256) -> U256 {
        let others = self.aggregate(account, self.index_of(domain));
        // No overflow: both are small.
        U256::from(others * MAX_DISCOUNT_BPS / u64::from(MAX_SCORE))
    }

    /// What the account owes for bad records in the domain: so many points of good ones pay it off.
    pub fn get_owed(&self, account: Address, domain: B256) -> U256 {
        let (_, owed) = self.standing(account);
        let index = self.index_of(domain);
        let owed = index.and_then(|index| owed.get(index).copied());
        U256::from(owed.unwrap_or_default())
    }

    /// In which domain what is done in a task type counts; zero for none.
    ///
    /// # Returns
    ///
    /// * `domain`
    pub fn domain_of(&self, task_type_id: B256) -> B256 {
        self.task_types.get(task_type_id)
    }

    /// The domains in which the account has a record, in the order in which they were registered.
    ///
    /// # Returns
    ///
    /// * `domains`
    pub fn get_account_domains(&self, account: Address) -> Vec<B256> {
        let (earned, owed) = self.standing(account);
        (0..MAX_DOMAINS)
            .filter(|index| score(&earned, &owed, *index).is_some())
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

    /// The points of a slash, before they are weighed.
    #[selector(name = "SLASH_POINTS")]
    pub fn slash_points(&self) -> U256 {
        U256::from(SLASH_POINTS)
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
        let (mut earned, mut owed) = self.standing(account);
        scores::record(&mut earned, &mut owed, index, points, is_good);
        self.earned.setter(account).set(word(&earned));
        self.owed.setter(account).set(word(&owed));
        let new_score = score(&earned, &owed, index).unwrap_or_default();

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

        let aggregate = self.aggregate(account, None);
        emit!(self.vm(), ReputationUpdated[account, domain](u64::from(new_score), aggregate));
        Ok(())
    }

    /// The best that the account earned, but for the domain at `except`, less all that it owes.
    fn aggregate(&self, account: Address, except: Option<usize>) -> u64 {
        let weights = row(self.weights.get());
        let (earned, debts) = self.standing(account);
        best(&earned, &weights, except).saturating_sub(owed(&debts, &weights))
    }

    /// What the account earned, plus one where it has a record, and what it owes.
    fn standing(&self, account: Address) -> (Row, Row) {
        (row(self.earned.get(account)), row(self.owed.get(account)))
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
