//! WorkLedger: what sources paid and sinks worked for.
//!
//! It is the evidence of task types that are paid by work: *notes* of what each source has paid, and *vouchers* of what sinks
//! have done for it. The money is in WorkReserve, which this contract tells what to count. Elsewhere its notes say to
//! EscrowBuffer whose the overflow is.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`note`](WorkLedger::note) what a source has paid until now; [`redeem`](WorkLedger::redeem) vouchers; register a key by an account's signature |
//! | an account | [`register_key`](WorkLedger::register_key), [`remove_key`](WorkLedger::remove_key) |
//! | EscrowBuffer | [`attribute`](WorkLedger::attribute) overflow, [`shrink`](WorkLedger::shrink) what is left of it |
//! | the owner | [`set_work_reserve`](WorkLedger::set_work_reserve), once; [`set_pricing_curve`](WorkLedger::set_pricing_curve) |
//!
//! All links but PricingCurve are set once, for ever: another pool, meter, agreement or reserve could make up payments, or take
//! them.
//!
//! # Why two contracts
//!
//! All of it in one program has 36 KB, and a program has 24 at most. Cut between evidence and money, the contract that holds
//! money has no signatures, no owner and one way in, and neither needs the other but for one call a voucher: this one brings
//! along what the other would have to ask for, what the source has paid and what the sink may still count.
//!
//! # Vouchers
//!
//! A `WorkVoucher` holds running totals between a sink and a source since ever, signed by both: work in capacity-seconds of
//! 1e-9 units, value in wei as the two agreed, tasks. One transaction settles any number of tasks. What is above the
//! totals that have counted counts as far as the source's money covers it, and as far as the sink has had the capacity: its
//! capacity-seconds since ever, as the registry sums them, less all work that counted for it. The rest stays redeemable.
//! Nothing is forfeited by a count, so it does not matter who redeems what when. A voucher of less than has counted is
//! refused, so none counts twice.
//!
//! Of any set of accounts, what its sinks receive is at most what its own sources spent, net of cuts, and what others signed
//! to them: a sink is owed only what a voucher took from its source's own money.
//!
//! An account's own ECDSA signature always counts, whether it has code (EIP-7702) or not. Contract accounts register keys,
//! which sign for them.
//!
//! # Not here yet
//!
//! Misses and their slashes, and prices that follow what counts. A pipeline's limit does not bound what counts.
//!
//! # Notes
//!
//! A source's stream is its own distribution into the task type's pool, at a rate that Superfluid says (`getFlow`) and that
//! only the source's own changes, or its liquidation, change. What of it reaches the escrow is `rate · ∫ e/u dt`, where `e`
//! are the escrow's units and `u` all units of the pool; OverflowMeter keeps that integral exactly. From it a note deducts
//! `∫ e dt` wei, more than whatever Superfluid can round off: so the sum of all notes is at most what the escrow received.
//!
//! Where a task type is paid *by work* the units change at most hourly and each change is on record: a note counts from the
//! later of the flow's last change and the last note. Elsewhere units change with every sink, and a note counts from the
//! last note, if the flow has not changed since; otherwise it counts nothing and starts anew. So a source notes before it
//! changes its rate, as StreamGateway's macro does; what it fails to note is its own loss, and nobody else's gain. Instant
//! distributions are not noted.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod attribution;
mod counting;
mod interface;
mod keys;
mod noting;
mod verified;
mod vouchers;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    clock,
    eip712::{Domain, DomainFields},
    emit,
    interfaces::{IPoolDirectory, IWorkReserve},
    ownable::Ownable,
    packed::widen,
};
use stylus_sdk::{abi, prelude::*, storage::*};

use counting::StorageWork;
pub use interface::*;
pub use keys::{KEY_GRACE, KEY_TYPEHASH};
use verified::Proof;
use vouchers::{Context, Pair};
pub use vouchers::{MAX_BATCH, VOUCHER_TYPEHASH};

/// The domain that vouchers and registrations of keys are signed for.
pub const DOMAIN: Domain = Domain {
    name: "BPE-WorkLedger",
    version: "1",
};

/// What a source has paid into a task type's escrow. Slot 0: noted (128 bits), time (32). Slot 1: index (128),
/// unit_seconds (128), as OverflowMeter had them at the last note.
#[storage]
pub struct Note {
    noted: StorageU128,
    time: StorageU32,
    index: StorageU128,
    unit_seconds: StorageU128,
}

/// The part of a source: of what is noted, all but `noted` waits to be attributed, by the scale of then. One slot: noted (128 bits), scale (64), epoch (32).
#[storage]
pub struct Part {
    noted: StorageU128,
    scale: StorageU64,
    epoch: StorageU32,
}

/// What drains have left of a task type's unattributed overflow. Slot 0: scale (64 bits), of 1 with 18 decimals, zero for 1;
/// epoch (32), how often nothing was left. Slot 1: index (128), unit_seconds (128), as OverflowMeter had them when the epoch
/// began.
#[storage]
pub struct Scale {
    scale: StorageU64,
    epoch: StorageU32,
    index: StorageU128,
    unit_seconds: StorageU128,
}

/// A task type's pool, which never changes. One slot: pool (160 bits), by_work (8), which is fixed once there is a pool.
#[storage]
pub struct KnownPool {
    pool: StorageAddress,
    by_work: StorageBool,
}

/// The contract. Slots 0–1: ownership. Slots 2–7: the neighbours, an address each. Then the mappings, and after those of the
/// notes WorkReserve and PricingCurve.
#[entrypoint]
#[storage]
pub struct WorkLedger {
    #[borrow]
    ownable: Ownable,
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    escrow_buffer: StorageAddress,
    overflow_meter: StorageAddress,
    token: StorageAddress,
    gda: StorageAddress,
    pools: StorageMap<B256, KnownPool>,
    notes: StorageMap<B256, StorageMap<Address, Note>>,
    parts: StorageMap<B256, StorageMap<Address, Part>>,
    scales: StorageMap<B256, Scale>,
    work_reserve: StorageAddress,
    pricing_curve: StorageAddress,
    /// What has counted between two, by source and sink.
    pairs: StorageMap<B256, StorageMap<Address, StorageMap<Address, Pair>>>,
    /// The work of sinks that counted since ever.
    counted: StorageMap<B256, StorageMap<Address, StorageWork>>,
    proofs: StorageMap<B256, StorageMap<Address, Proof>>,
    /// Until when a key signs for an account; the largest number, if it has not been removed.
    keys: StorageMap<Address, StorageMap<Address, StorageU64>>,
    key_nonces: StorageMap<Address, StorageU256>,
}

#[public]
#[inherit(Ownable)]
impl WorkLedger {
    /// Sets the contract up: whose pools are paid into, who has capacity, where the money is, and who owns the contract.
    /// `backpressure_pool` must know its OverflowMeter by now.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`NoOverflowMeter`], `OwnableInvalidOwner`
    /// * `MalformedReturn` if `backpressure_pool` is none.
    #[constructor]
    pub fn constructor(
        &mut self,
        backpressure_pool: Address,
        capacity_registry: Address,
        escrow_buffer: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [backpressure_pool, capacity_registry, escrow_buffer] {
            require_contract(self.vm(), neighbour)?;
        }
        let meter = self.link(
            backpressure_pool,
            IPoolDirectory::overflowMeterCall::SELECTOR,
        )?;
        if meter.is_zero() {
            let pool = backpressure_pool;
            return Err(NoOverflowMeter { pool }.into());
        }
        let gda = self.link(backpressure_pool, IPoolDirectory::GDACall::SELECTOR)?;
        let token = self.link(backpressure_pool, IPoolDirectory::SUPER_TOKENCall::SELECTOR)?;
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(capacity_registry);
        self.escrow_buffer.set(escrow_buffer);
        self.overflow_meter.set(meter);
        self.gda.set(gda);
        self.token.set(token);
        Ok(())
    }

    // --- Anyone

    /// Notes what `source` has paid into the task type's escrow, or WorkReserve, by its stream until now. Never fails: without a
    /// pool, a stream or an answer it notes nothing.
    ///
    /// # Returns
    ///
    /// * `paid`: as [`WorkLedger::get_paid`], with it.
    ///
    /// # Events
    ///
    /// * [`Noted`]
    pub fn note(&mut self, task_type_id: B256, source: Address) -> U256 {
        self.note_stream(task_type_id, source);
        self.get_paid(task_type_id, source)
    }

    /// Counts what a voucher has above what has counted between the two: as far as the source's money covers it, and as far
    /// as the sink has had the capacity. The rest can be redeemed later. With `pay`, WorkReserve pays the sink all that it
    /// is owed, at once.
    ///
    /// # Errors
    ///
    /// * [`NoWorkReserve`], [`VoucherFromFuture`], [`TotalsBelowCounted`], [`AmountTooLarge`], [`NothingNew`],
    ///   [`ValueWithoutWork`], [`WorkWithoutValue`], [`InvalidSignature`], `ECDSAInvalidSignature`, `…Length`, `…S`
    /// * [`SourceNeverPaid`], [`NothingAvailable`], [`NoAllowance`] if nothing counts.
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas); what CapacityRegistry or WorkReserve reverts with.
    ///
    /// # Events
    ///
    /// * [`Redeemed`]; [`Noted`]
    pub fn redeem(&mut self, voucher: SignedVoucher, pay: bool) -> Result<(), Error> {
        self.require_reserve()?;
        self.count(&voucher, &mut Context::default())?;
        match pay {
            true => self.pay_all(&[voucher]),
            false => Ok(()),
        }
    }

    /// Does the same for up to 64 vouchers. One that does not count is no failure of the others.
    ///
    /// # Errors
    ///
    /// * [`NoWorkReserve`], [`BatchTooLarge`], [`InsufficientGas`](bpe_common::call::InsufficientGas)
    /// * Nothing at all, if a neighbour runs out of gas; with `pay`, what WorkReserve reverts with.
    ///
    /// # Events
    ///
    /// * [`Redeemed`] or [`VoucherRejected`] for each; [`Noted`]
    pub fn redeem_batch(&mut self, vouchers: Vec<SignedVoucher>, pay: bool) -> Result<(), Error> {
        self.require_reserve()?;
        self.redeem_all(&vouchers)?;
        match pay {
            true => self.pay_all(&vouchers),
            false => Ok(()),
        }
    }

    /// Has `key` sign for `account`, which says so by its signature of a `KeyRegistration(address account,address key,uint256
    /// nonce)` with its next nonce: its own, or as a contract's (ERC-1271).
    ///
    /// # Errors
    ///
    /// * [`InvalidKey`], [`InvalidRegistration`], [`InsufficientGas`](bpe_common::call::InsufficientGas)
    ///
    /// # Events
    ///
    /// * [`KeyRegistered`]
    pub fn register_key_for(
        &mut self,
        account: Address,
        key: Address,
        signature: abi::Bytes,
    ) -> Result<(), Error> {
        self.add_key_by_signature(account, key, &signature)
    }

    // --- Accounts

    /// Has `key` sign for the caller from now on.
    ///
    /// # Errors
    ///
    /// * [`InvalidKey`]
    ///
    /// # Events
    ///
    /// * [`KeyRegistered`]
    pub fn register_key(&mut self, key: Address) -> Result<(), Error> {
        self.add_key(self.vm().msg_sender(), key)
    }

    /// Takes `key` from the caller. What it signed, or signs, counts for a day more: sinks have so long to redeem.
    ///
    /// # Errors
    ///
    /// * [`KeyNotRegistered`]
    ///
    /// # Events
    ///
    /// * [`KeyRemoved`]
    pub fn remove_key(&mut self, key: Address) -> Result<(), Error> {
        self.drop_key(self.vm().msg_sender(), key)
    }

    // --- EscrowBuffer

    /// What EscrowBuffer may attribute to `source` now, of `unattributed` wei that overflowed: what the source has paid since
    /// the last time, which is noted first. Less than `minimum` waits for more; so does everything while no note can be made.
    ///
    /// # Returns
    ///
    /// * `amount`, in wei.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    ///
    /// # Events
    ///
    /// * [`Noted`]
    pub fn attribute(
        &mut self,
        task_type_id: B256,
        source: Address,
        unattributed: U256,
        minimum: U256,
    ) -> Result<U256, Error> {
        self.only_escrow()?;
        let amount = self.take_part(task_type_id, source, unattributed, minimum);
        Ok(U256::from(amount))
    }

    /// Notes that a drain left `rest` of `before` unattributed wei: all sources' parts shrink alike.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    pub fn shrink(&mut self, task_type_id: B256, before: U256, rest: U256) -> Result<(), Error> {
        self.only_escrow()?;
        self.shrink_parts(task_type_id, before, rest);
        Ok(())
    }

    // --- The owner

    /// Makes `work_reserve` the contract that the money of task types by work is in. Once, for ever: another one could take it.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`WorkReserveAlreadySet`], [`NotAContract`](bpe_common::call::NotAContract),
    ///   [`ForeignReserve`]
    /// * `MalformedReturn` if `work_reserve` is none.
    ///
    /// # Events
    ///
    /// * [`WorkReserveSet`]
    pub fn set_work_reserve(&mut self, work_reserve: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.work_reserve.get().is_zero() {
            return Err(WorkReserveAlreadySet {}.into());
        }
        require_contract(self.vm(), work_reserve)?;
        let ledger = self.link(work_reserve, IWorkReserve::workLedgerCall::SELECTOR)?;
        if ledger != self.vm().contract_address() {
            let reserve = work_reserve;
            return Err(ForeignReserve { reserve }.into());
        }
        self.work_reserve.set(work_reserve);
        emit!(self.vm(), WorkReserveSet[work_reserve]);
        Ok(())
    }

    /// Reads base fees from `pricing_curve`: they bound what capacity a payment verifies, and move no money.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`NotAContract`](bpe_common::call::NotAContract)
    ///
    /// # Events
    ///
    /// * [`PricingCurveSet`]
    pub fn set_pricing_curve(&mut self, pricing_curve: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        require_contract(self.vm(), pricing_curve)?;
        self.pricing_curve.set(pricing_curve);
        emit!(self.vm(), PricingCurveSet[pricing_curve]);
        Ok(())
    }

    // --- Views

    /// What `source` has paid for a task type by work, as noted, in wei since ever; zero, if it is none.
    pub fn get_paid(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.paid(task_type_id, source))
    }

    /// What `source` has paid for a task type by work and is not noted yet. Lost, if the source changes its rate without a
    /// note.
    pub fn get_pending(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.pending(task_type_id, source))
    }

    /// What has counted between the two since ever.
    ///
    /// # Returns
    ///
    /// * `work`
    /// * `value`
    /// * `tasks`
    pub fn get_totals(
        &self,
        task_type_id: B256,
        source: Address,
        sink: Address,
    ) -> (U256, U256, U256) {
        self.totals(task_type_id, source, sink)
    }

    /// The work of `sink` that has counted since ever, and what could still count now: its capacity-seconds since ever, less
    /// that.
    ///
    /// # Returns
    ///
    /// * `counted`
    /// * `allowance`
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn get_allowance(&self, task_type_id: B256, sink: Address) -> Result<(U256, U256), Error> {
        let facts = self.facts(task_type_id, sink)?;
        let counted = widen(self.counted.getter(task_type_id).get(sink));
        Ok((counted, U256::from(self.allowance(&facts))))
    }

    /// The capacity that `sink` has shown: `V = 0.3 · work / 300 s + 0.7 · V` in each epoch of 300 s, in units of 1e-9.
    pub fn get_verified_capacity(&self, task_type_id: B256, sink: Address) -> U256 {
        U256::from(self.verified_capacity(task_type_id, sink))
    }

    /// Until when `key` signs for `account`, in seconds since 1970: the largest number there is, if it has not been removed;
    /// zero, if it never did.
    pub fn get_key_until(&self, account: Address, key: Address) -> U256 {
        match self.key_until(account, key) {
            u64::MAX => U256::MAX,
            until => U256::from(until),
        }
    }

    /// The nonce of the account's next registration of a key by signature.
    pub fn get_key_nonce(&self, account: Address) -> U256 {
        self.key_nonces.get(account)
    }

    /// The domain of what is signed (EIP-5267).
    ///
    /// # Returns
    ///
    /// * `fields`
    /// * `name`
    /// * `version`
    /// * `chainId`
    /// * `verifyingContract`
    /// * `salt`
    /// * `extensions`
    #[selector(name = "eip712Domain")]
    pub fn eip712_domain(&self) -> DomainFields {
        DOMAIN.fields(self.vm())
    }

    /// Where the money of task types by work is; zero before [`WorkLedger::set_work_reserve`].
    pub fn work_reserve(&self) -> Address {
        self.work_reserve.get()
    }

    /// Where base fees are; zero for nowhere.
    pub fn pricing_curve(&self) -> Address {
        self.pricing_curve.get()
    }

    /// What of the task type's overflow `source` has paid and has not been attributed yet, as far as it is noted, in wei.
    pub fn get_due(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.due(task_type_id, source))
    }

    /// What `source` has paid into the task type's escrow by its stream, as noted, in wei since ever.
    ///
    /// # Returns
    ///
    /// * `noted`
    /// * `time`: of the last note, in seconds since 1970; zero if there was none.
    pub fn get_noted(&self, task_type_id: B256, source: Address) -> (U256, U256) {
        let notes = self.notes.getter(task_type_id);
        let note = notes.getter(source);
        (widen(note.noted.get()), widen(note.time.get()))
    }

    /// Whose pools are paid into.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where overflow is.
    pub fn escrow_buffer(&self) -> Address {
        self.escrow_buffer.get()
    }

    /// What says how much of a stream goes into the escrow.
    pub fn overflow_meter(&self) -> Address {
        self.overflow_meter.get()
    }

    /// Superfluid's general distribution agreement.
    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.gda.get()
    }

    /// The Super Token that streams are made of.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }
}

impl WorkLedger {
    fn require_reserve(&self) -> Result<(), Error> {
        match self.work_reserve.get().is_zero() {
            true => Err(NoWorkReserve {}.into()),
            false => Ok(()),
        }
    }

    fn now(&self) -> u64 {
        clock::block_timestamp(self.vm())
    }

    fn link(&self, pool: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), pool, selector, &[])?;
        Ok(to_address(address))
    }
}
