//! WorkVouchers: what sinks have worked for, by vouchers that both sides sign.
//!
//! It is the evidence of task types that are paid by work. WorkLedger notes what each source has paid, WorkReserve has the
//! money; this contract tells it what to count.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`redeem`](WorkVouchers::redeem) vouchers; register a key by an account's signature |
//! | an account | [`register_key`](WorkVouchers::register_key), [`remove_key`](WorkVouchers::remove_key) |
//! | WorkMisses | [`miss_work`](WorkVouchers::miss_work): has what a sink has shown fall |
//! | the owner | [`set_pricing_curve`](WorkVouchers::set_pricing_curve) |
//!
//! All links but PricingCurve are for ever: WorkLedger and its CapacityRegistry from construction on, WorkReserve as WorkLedger
//! has it. Nothing the owner can do moves money.
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
//! # Prices
//!
//! PricingCurve is told what counted, so that a base fee can follow it: work at its mean rate since the sink's last count, and of
//! the sink's capacity at most four times what it has shown. It is told within its own gas, after all vouchers of a call or of a
//! task type in it, and moves no money.
//!
//! # Order of calls
//!
//! Programs refuse re-entry. CapacityRegistry, WorkLedger, PricingCurve and WorkReserve are called, and none calls back. Nobody is
//! paid before all vouchers of a call have been counted.
//!
//! # Misses
//!
//! Work that was missed lowers what the sink has shown, as much as it would have raised it.
//!
//! # Not here yet
//!
//! A pipeline's limit does not bound what counts.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod counting;
mod interface;
mod keys;
mod verified;
mod vouchers;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    clock,
    eip712::{Domain, DomainFields, WORK_LEDGER},
    emit,
    interfaces::IWorkEvidence,
    math::to_u128_saturating,
    ownable::Ownable,
    packed::widen,
};
use stylus_sdk::{abi, prelude::*, storage::*};

use counting::StorageWork;
pub use interface::*;
pub use keys::{KEY_GRACE, KEY_TYPEHASH};
use verified::Proof;
use vouchers::Pair;
pub use vouchers::{MAX_BATCH, VOUCHER_TYPEHASH};

/// The domain that vouchers and registrations of keys are signed for: the specification's, in which this contract and
/// WorkLedger are one.
pub const DOMAIN: Domain = WORK_LEDGER;

/// The contract. Slots 0–1: ownership. Slots 2–5: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct WorkVouchers {
    #[borrow]
    ownable: Ownable,
    work_ledger: StorageAddress,
    capacity_registry: StorageAddress,
    /// WorkLedger's, once it was there.
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
impl WorkVouchers {
    /// Sets the contract up: who notes what sources pay, in whose registry sinks have capacity, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract), `OwnableInvalidOwner`
    /// * `MalformedReturn` if `work_ledger` is none.
    #[constructor]
    pub fn constructor(&mut self, work_ledger: Address, owner: Address) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), work_ledger)?;
        let registry = self.link(work_ledger, IWorkEvidence::capacityRegistryCall::SELECTOR)?;
        self.work_ledger.set(work_ledger);
        self.capacity_registry.set(registry);
        Ok(())
    }

    // --- Anyone

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
    /// * [`Redeemed`]; WorkLedger's `Noted`
    pub fn redeem(&mut self, voucher: SignedVoucher, pay: bool) -> Result<(), Error> {
        self.require_reserve()?;
        self.redeem_one(&voucher)?;
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
    /// * [`Redeemed`] or [`VoucherRejected`] for each; WorkLedger's `Noted`
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

    // --- WorkMisses

    /// Has what `sink` has shown fall by `work` that it accepted and missed.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    pub fn miss_work(
        &mut self,
        task_type_id: B256,
        sink: Address,
        work: U256,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        let ledger = self.work_ledger.get();
        if caller != self.link(ledger, IWorkEvidence::workMissesCall::SELECTOR)? {
            return Err(UnauthorizedCaller { caller }.into());
        }
        self.disprove(task_type_id, sink, to_u128_saturating(work));
        Ok(())
    }

    // --- The owner

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

    /// Whether `account` signed `digest`: with its own key, code or not, or with one that signs for it. `r`, `s`, `v` are the
    /// signature.
    pub fn is_signed(&self, account: Address, digest: B256, r: B256, s: B256, v: u8) -> bool {
        let mut signature = [v; 65];
        signature[..32].copy_from_slice(r.as_slice());
        signature[32..64].copy_from_slice(s.as_slice());
        self.require_signed(account, digest, &signature).is_ok()
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

    /// Who notes what sources pay.
    pub fn work_ledger(&self) -> Address {
        self.work_ledger.get()
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where base fees are; zero for nowhere.
    pub fn pricing_curve(&self) -> Address {
        self.pricing_curve.get()
    }
}

impl WorkVouchers {
    /// WorkReserve, which WorkLedger is asked for until it has one.
    fn require_reserve(&mut self) -> Result<(), Error> {
        if !self.work_reserve.get().is_zero() {
            return Ok(());
        }
        let ledger = self.work_ledger.get();
        let reserve = self.link(ledger, IWorkEvidence::workReserveCall::SELECTOR)?;
        if reserve.is_zero() {
            return Err(NoWorkReserve {}.into());
        }
        self.work_reserve.set(reserve);
        Ok(())
    }

    fn now(&self) -> u64 {
        clock::block_timestamp(self.vm())
    }

    fn link(&self, of: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), of, selector, &[])?;
        Ok(to_address(address))
    }
}
