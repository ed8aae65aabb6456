//! WorkLedger: what sources paid and sinks worked for.
//!
//! It begins with *notes*: how much of a source's stream has gone into EscrowBuffer, per task type. Vouchers, earmarks and
//! misses stand on them.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`note`](WorkLedger::note) what a source has paid until now |
//!
//! All links are set at construction, for ever: another pool, meter or agreement could make up payments. The owner can do
//! nothing yet.
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

mod counting;
mod earmarks;
mod interface;
mod keys;
mod noting;
mod reserve;
mod take_back;
mod vouchers;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    eip712::{Domain, DomainFields},
    interfaces::IPoolDirectory,
    ownable::Ownable,
    packed::widen,
};
use stylus_sdk::{abi, prelude::*, storage::*};

use counting::Account;
use earmarks::Earmark;
pub use interface::*;
pub use keys::KEY_TYPEHASH;
use reserve::{Budget, StorageAmount, Sums};
use vouchers::Pair;
pub use vouchers::VOUCHER_TYPEHASH;

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

/// A task type's pool, which never changes. One slot: pool (160 bits), by_work (8), which is fixed once there is a pool.
#[storage]
pub struct KnownPool {
    pool: StorageAddress,
    by_work: StorageBool,
}

/// The contract. Slots 0–2: ownership. Slots 3–8: the neighbours, an address each. Then the mappings.
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
    sums: StorageMap<B256, Sums>,
    /// Money of sources.
    budgets: StorageMap<B256, StorageMap<Address, Budget>>,
    /// What has counted between two, by source and sink.
    pairs: StorageMap<B256, StorageMap<Address, StorageMap<Address, Pair>>>,
    /// By source and sink.
    earmarks: StorageMap<B256, StorageMap<Address, StorageMap<Address, Earmark>>>,
    /// By source and hour: the sum of the earmarks that end then.
    places: StorageMap<B256, StorageMap<Address, StorageMap<Uint<8, 1>, StorageAmount>>>,
    /// What sinks, and others, are owed and have counted.
    accounts: StorageMap<B256, StorageMap<Address, Account>>,
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

    /// Notes what `source` has paid into the task type's escrow by its stream until now. Never fails: without a pool, a
    /// stream or an answer it notes nothing.
    ///
    /// # Events
    ///
    /// * [`Noted`]
    pub fn note(&mut self, task_type_id: B256, source: Address) {
        self.note_stream(task_type_id, source);
    }

    /// Counts what a voucher has above what has counted between the two: as far as the source's money covers it, and as far
    /// as the sink has had the capacity. The rest can be redeemed later. With `pay`, EscrowBuffer pays the sink all that it
    /// is owed, at once.
    ///
    /// # Errors
    ///
    /// * [`VoucherFromFuture`], [`TotalsBelowCounted`], [`AmountTooLarge`], [`NothingNew`], [`ValueWithoutWork`],
    ///   [`WorkWithoutValue`], [`InvalidSignature`], `ECDSAInvalidSignature`, `…Length`, `…S`
    /// * [`SourceNeverPaid`], [`NothingAvailable`], [`NoAllowance`] if nothing counts.
    /// * [`InsufficientGas`]; what CapacityRegistry or EscrowBuffer reverts with.
    ///
    /// # Events
    ///
    /// * [`Redeemed`]; [`Noted`]
    pub fn redeem(&mut self, voucher: SignedVoucher, pay: bool) -> Result<(), Error> {
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
    /// * [`BatchTooLarge`], [`InsufficientGas`]; with `pay`, what EscrowBuffer reverts with.
    ///
    /// # Events
    ///
    /// * [`Redeemed`] or [`VoucherRejected`] for each; [`Noted`]
    pub fn redeem_batch(&mut self, vouchers: Vec<SignedVoucher>, pay: bool) -> Result<(), Error> {
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
    /// * [`InvalidKey`], [`InvalidRegistration`], [`InsufficientGas`]
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

    // --- Sources

    /// Sets `amount` of the caller's free money aside for `sink`, until the full hour at or after `until`. An earmark that
    /// has not ended can only grow; `amount` is what is set aside then, not what is added.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InvalidUntil`], [`EarmarkShrinks`], [`InsufficientFunds`]
    ///
    /// # Events
    ///
    /// * [`Earmarked`]; [`Noted`]
    pub fn earmark(
        &mut self,
        task_type_id: B256,
        sink: Address,
        amount: U256,
        until: U256,
    ) -> Result<(), Error> {
        let source = self.vm().msg_sender();
        self.set_aside(task_type_id, source, sink, amount, until)
    }

    /// Asks `amount` of the caller's free money back, beside what it has asked already. From an hour on, and until 25 hours,
    /// `EscrowBuffer.takeBack` pays what vouchers have left of it; the hour begins anew for all of it.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InsufficientFunds`]
    ///
    /// # Events
    ///
    /// * [`TakeBackRequested`]; [`Noted`]
    pub fn request_take_back(&mut self, task_type_id: B256, amount: U256) -> Result<(), Error> {
        let source = self.vm().msg_sender();
        self.ask_back(task_type_id, source, amount)
    }

    // --- EscrowBuffer

    /// Books a deposit of `source`, after cuts.
    ///
    /// # Returns
    ///
    /// * `unspentSum`: what all sources of the task type have not spent.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`AmountTooLarge`]
    ///
    /// # Events
    ///
    /// * [`Credited`]
    pub fn credit(
        &mut self,
        task_type_id: B256,
        source: Address,
        amount: U256,
    ) -> Result<U256, Error> {
        self.only_escrow()?;
        self.credit_deposit(task_type_id, source, amount)
    }

    /// Takes all that `to` is owed, for EscrowBuffer to pay it.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `unspentSum`
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    pub fn take_owed(&mut self, task_type_id: B256, to: Address) -> Result<(U256, U256), Error> {
        self.only_escrow()?;
        let amount = U256::from(self.take_all_owed(task_type_id, to));
        Ok((amount, self.unspent_sum(task_type_id)))
    }

    /// Takes what is left of what `source` asked back, for EscrowBuffer to pay it.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `unspentSum`
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`NothingAsked`], [`TakeBackTooEarly`]
    ///
    /// # Events
    ///
    /// * [`TakenBack`]
    pub fn take_back_due(
        &mut self,
        task_type_id: B256,
        source: Address,
    ) -> Result<(U256, U256), Error> {
        self.only_escrow()?;
        let amount = U256::from(self.take_asked(task_type_id, source)?);
        Ok((amount, self.unspent_sum(task_type_id)))
    }

    // --- Views

    /// What `source` has that any sink can be paid of, and what is set aside for `sink`. A signal, but for the latter: the
    /// source can spend what is free on itself at any time.
    ///
    /// # Returns
    ///
    /// * `free`
    /// * `earmarked`
    pub fn get_budget(&self, task_type_id: B256, source: Address, sink: Address) -> (U256, U256) {
        let funds = self.funds(task_type_id, source);
        let (earmarked, _until) = self.earmark_of(task_type_id, source, sink);
        (U256::from(funds.free()), U256::from(earmarked))
    }

    /// What `source` paid by its stream and is not noted yet. Lost, if the source changes its rate without a note.
    pub fn get_pending(&self, task_type_id: B256, source: Address) -> U256 {
        U256::from(self.pending(task_type_id, source))
    }

    /// All money of `source`, and what of it is earmarked and asked back.
    ///
    /// # Returns
    ///
    /// * `unspent`
    /// * `earmarked`
    /// * `asked`
    /// * `askedAt`: of the last request, in seconds since 1970.
    pub fn get_funds(&self, task_type_id: B256, source: Address) -> (U256, U256, U256, U256) {
        let funds = self.funds(task_type_id, source);
        let budgets = self.budgets.getter(task_type_id);
        let asked_at = widen(budgets.getter(source).asked_at.get());
        (
            U256::from(funds.unspent),
            U256::from(funds.earmarked),
            U256::from(funds.asked),
            asked_at,
        )
    }

    /// What is set aside for `sink`, and until when.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `until`
    pub fn get_earmark(&self, task_type_id: B256, source: Address, sink: Address) -> (U256, U256) {
        let (amount, hour) = self.earmark_of(task_type_id, source, sink);
        (U256::from(amount), earmarks::end_of(hour))
    }

    /// What is owed to `account`, and what has counted for it since ever.
    ///
    /// # Returns
    ///
    /// * `owed`
    /// * `counted`
    pub fn get_account(&self, task_type_id: B256, account: Address) -> (U256, U256) {
        let accounts = self.accounts.getter(task_type_id);
        let account = accounts.getter(account);
        (widen(account.owed.get()), widen(account.counted.get()))
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
        let pairs = self.pairs.getter(task_type_id);
        let of_source = pairs.getter(source);
        let pair = of_source.getter(sink);
        (
            widen(pair.work.get()),
            widen(pair.value.get()),
            widen(pair.tasks.get()),
        )
    }

    /// What all together have in a task type. EscrowBuffer has so much for them at least.
    ///
    /// # Returns
    ///
    /// * `unspent`
    /// * `owed`
    pub fn get_reserve(&self, task_type_id: B256) -> (U256, U256) {
        let sums = self.sums.getter(task_type_id);
        (widen(sums.unspent.get()), widen(sums.owed.get()))
    }

    /// The work that `sink` could still count now: its capacity-seconds since ever, less what has counted.
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn get_allowance(&self, task_type_id: B256, sink: Address) -> Result<U256, Error> {
        let facts = self.facts(task_type_id, sink)?;
        Ok(U256::from(self.allowance(&facts)))
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

    /// Where the money is.
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
    fn only_escrow(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match caller == self.escrow_buffer.get() {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }

    fn link(&self, pool: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), pool, selector, &[])?;
        Ok(to_address(address))
    }
}
