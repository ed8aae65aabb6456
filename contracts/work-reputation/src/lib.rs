//! WorkReputation: reputation for the protocol fee that was really lost on counted work, and for nothing else.
//!
//! What counted between a source and a sink since ever is WorkVouchers' to say; what part of it the pool kept as protocol fee is
//! BackpressurePool's. This contract turns the fee since the last record into points of the sink at ReputationLedger, where it
//! has to be a recorder.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`record_work`](WorkReputation::record_work), for whomever |
//! | the owner | set what a point costs, in a domain |
//!
//! Amounts are in the payment token's wei, fees in basis points.
//!
//! # Why this cannot be farmed for less than it costs
//!
//! Who pays itself for work loses the fee, and a point is a fixed sum of lost fees: neither the number of executions, nor of keys,
//! nor of calls moves it. A fee counts at the lowest that was seen: when a pair was recorded last, and now, as configured and as
//! the pool really takes it. So value that counted while the fee was low makes no more of it when it is recorded later. A pair's
//! first record counts nothing: it begins there. Work whose fee goes to its own source or sink is refused. That an owner of the
//! economy, to whom fees go by a third account, can farm in it, is so: who grants discounts for it trusts that owner already.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, require_contract, to_address},
    emit,
    interfaces::{IPoolDirectory, IReputationRecords, IWorkKeys},
    math::{mul_div_floor, BPS},
    ownable::Ownable,
    packed::{narrow, widen},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// What a point costs until the owner says otherwise, in wei of fees.
pub const DEFAULT_WEI_PER_POINT: u64 = 1_000_000_000_000_000;
/// The most points of a record.
pub const MAX_POINTS: u64 = 10;

/// What was recorded between two last. One slot: value (112 bits, in wei), fee (16, in basis points), begun (8).
#[storage]
pub struct Mark {
    value: StorageUint<112, 2>,
    fee: StorageU16,
    begun: StorageBool,
}

/// The contract. Slots 0–1: ownership. Slots 2–4: the neighbours. Then the mappings.
#[entrypoint]
#[storage]
pub struct WorkReputation {
    #[borrow]
    ownable: Ownable,
    reputation_ledger: StorageAddress,
    work_vouchers: StorageAddress,
    backpressure_pool: StorageAddress,
    /// By domain; zero for the default.
    wei_per_point: StorageMap<B256, StorageUint<96, 2>>,
    /// By task type, source and sink.
    marks: StorageMap<B256, StorageMap<Address, StorageMap<Address, Mark>>>,
    /// By domain and sink: fees that made no point yet, in wei.
    rests: StorageMap<B256, StorageMap<Address, StorageU256>>,
}

#[public]
#[inherit(Ownable)]
impl WorkReputation {
    /// Sets the contract up: where reputation is kept, who says what counted, whose fees are lost, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        reputation_ledger: Address,
        work_vouchers: Address,
        backpressure_pool: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [reputation_ledger, work_vouchers, backpressure_pool] {
            require_contract(self.vm(), neighbour)?;
        }
        self.reputation_ledger.set(reputation_ledger);
        self.work_vouchers.set(work_vouchers);
        self.backpressure_pool.set(backpressure_pool);
        Ok(())
    }

    // --- Anyone

    /// Records the fees on what counted between `source` and `sink` since the last record: a point of the sink, in the domain of
    /// the task type, for each `weiPerPoint`, at most 10 a call. What is left makes points in the next. A first record of a pair
    /// counts nothing.
    ///
    /// # Returns
    ///
    /// * `points`
    ///
    /// # Errors
    ///
    /// * [`NoDomain`], [`FeeReturns`], [`NothingNew`]
    /// * What ReputationLedger reverts with: this contract may not record in the domain.
    ///
    /// # Events
    ///
    /// * [`WorkRecorded`], or [`RecordBegun`]; ReputationLedger's `ReputationUpdated`
    pub fn record_work(
        &mut self,
        task_type_id: B256,
        source: Address,
        sink: Address,
    ) -> Result<U256, Error> {
        let ledger = self.reputation_ledger.get();
        let selector = IReputationRecords::domainOfCall::SELECTOR;
        let [domain] = query_words(self.vm(), ledger, selector, &[task_type_id])?;
        if domain.is_zero() {
            return Err(NoDomain {
                taskTypeId: task_type_id,
            }
            .into());
        }
        let domain = B256::from(domain);
        let selector = IWorkKeys::getTotalsCall::SELECTOR;
        let arguments = [task_type_id, source.into_word(), sink.into_word()];
        let vouchers = self.work_vouchers.get();
        let [_, value] = query_words(self.vm(), vouchers, selector, &arguments)?;
        let fee_now = self.fee_of(task_type_id, source, sink)?;
        // WorkVouchers has 112 bits of value.
        let narrowed = Uint::wrapping_from(value);
        let mut sources = self.marks.setter(task_type_id);
        let mut sinks = sources.setter(source);
        let mut mark = sinks.setter(sink);
        let (before, fee_then) = (widen(mark.value.get()), widen(mark.fee.get()));
        let is_begun = mark.begun.get();
        mark.value.set(narrowed);
        mark.fee.set(Uint::wrapping_from(fee_now));
        mark.begun.set(true);
        if !is_begun {
            emit!(self.vm(), RecordBegun[task_type_id, source, sink](value));
            return Ok(U256::ZERO);
        }
        let new = value.saturating_sub(before);
        // No overflow: 112 and 14 bits.
        let fee = mul_div_floor(new, fee_now.min(fee_then), U256::from(BPS)).unwrap_or_default();
        let cost = self.wei_per_point(domain);
        let credit = self.get_rest(domain, sink).saturating_add(fee);
        let points = credit
            .checked_div(cost)
            .unwrap_or_default()
            .min(U256::from(MAX_POINTS));
        let left = credit.saturating_sub(points.saturating_mul(cost));
        if new.is_zero() && points.is_zero() {
            return Err(NothingNew { value, rest: left }.into());
        }
        self.rests.setter(domain).setter(sink).set(left);
        emit!(
            self.vm(),
            WorkRecorded[task_type_id, source, sink](new, fee, points, left)
        );
        if !points.is_zero() {
            let selector = IReputationRecords::recordPositiveCall::SELECTOR;
            let arguments = [sink.into_word(), domain, points.into()];
            let [] = invoke_words(self.vm(), ledger, selector, &arguments)?;
        }
        Ok(points)
    }

    // --- Owner

    /// Sets what a point in the domain costs, in wei of protocol fees, 1 to 2^96 − 1; 1e15 until then. Points that were given stay.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidWeiPerPoint`]
    ///
    /// # Events
    ///
    /// * [`WeiPerPointSet`]
    pub fn set_wei_per_point(&mut self, domain: B256, wei_per_point: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let narrowed = narrow(wei_per_point)
            .filter(|cost: &Uint<96, 2>| !cost.is_zero())
            .ok_or(InvalidWeiPerPoint {
                weiPerPoint: wei_per_point,
            })?;
        self.wei_per_point.setter(domain).set(narrowed);
        emit!(self.vm(), WeiPerPointSet[domain](wei_per_point));
        Ok(())
    }

    // --- Views

    /// What a point in the domain costs, in wei of protocol fees.
    pub fn wei_per_point(&self, domain: B256) -> U256 {
        match self.wei_per_point.get(domain) {
            cost if cost.is_zero() => U256::from(DEFAULT_WEI_PER_POINT),
            cost => widen(cost),
        }
    }

    /// The value between the two that was recorded, in wei, the fee then, in basis points, and whether their record has begun.
    ///
    /// # Returns
    ///
    /// * `value`
    /// * `fee`
    /// * `begun`
    pub fn get_mark(
        &self,
        task_type_id: B256,
        source: Address,
        sink: Address,
    ) -> (U256, U256, bool) {
        let sources = self.marks.getter(task_type_id);
        let sinks = sources.getter(source);
        let mark = sinks.getter(sink);
        (
            widen(mark.value.get()),
            widen(mark.fee.get()),
            mark.begun.get(),
        )
    }

    /// Fees on the sink's work in the domain that made no point yet, in wei.
    pub fn get_rest(&self, domain: B256, sink: Address) -> U256 {
        self.rests.getter(domain).get(sink)
    }

    /// Where reputation is kept.
    pub fn reputation_ledger(&self) -> Address {
        self.reputation_ledger.get()
    }

    /// Who says what counted.
    pub fn work_vouchers(&self) -> Address {
        self.work_vouchers.get()
    }

    /// Whose fees are lost.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }
}

impl WorkReputation {
    /// What of the task type's money is lost as protocol fee now, in basis points: as configured, or as its pool takes it,
    /// whichever is less. By work a pool's units are basis points.
    fn fee_of(&self, id: B256, source: Address, sink: Address) -> Result<U256, Error> {
        let pools = self.backpressure_pool.get();
        let selector = IPoolDirectory::feeRecipientCall::SELECTOR;
        let [recipient] = query_words(self.vm(), pools, selector, &[])?;
        let recipient = to_address(recipient);
        if recipient == source || recipient == sink {
            return Err(FeeReturns { account: recipient }.into());
        }
        let selector = IPoolDirectory::protocolFeeCall::SELECTOR;
        let [fee] = query_words(self.vm(), pools, selector, &[])?;
        let selector = IPoolDirectory::getMemberUnitsCall::SELECTOR;
        let arguments = [id, recipient.into_word()];
        let [units] = query_words(self.vm(), pools, selector, &arguments)?;
        Ok(fee.min(units).min(U256::from(BPS)))
    }
}
