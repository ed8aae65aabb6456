//! WorkReserve: the money of task types by work.
//!
//! A pool by work pays all but fee and budget to this contract. WorkLedger says what of it each source has paid, WorkVouchers
//! what of a voucher may count; here it is kept whose the money is: what sources have not spent, what sinks are owed.
//!
//! | who | may |
//! |---|---|
//! | WorkVouchers | [`spend`](WorkReserve::spend) a source's money for a sink, by a voucher of both |
//! | WorkMisses | [`charge`](WorkReserve::charge) a source for a miss, by its signature; [`award`](WorkReserve::award) that to the sink or the treasury |
//! | anyone | have paid what is owed: [`pay_out`](WorkReserve::pay_out), [`drain_to`](WorkReserve::drain_to), [`claim_for`](WorkReserve::claim_for); [`disconnect`](WorkReserve::disconnect) |
//! | a source | [`deposit`](WorkReserve::deposit), [`deposit_at_least`](WorkReserve::deposit_at_least); [`earmark`](WorkReserve::earmark) its money; [`request_take_back`](WorkReserve::request_take_back), [`take_back`](WorkReserve::take_back) what it has not spent |
//! | an account | [`claim`](WorkReserve::claim) what could not be paid to it |
//!
//! It has no owner, and no link of it ever changes: nobody can move what is here but by these rules.
//!
//! # Full reserve
//!
//! A source's *unspent* money is what it has paid by its streams, as WorkLedger has noted, and by deposits after the cuts of a
//! stream, less what it has spent: what counted for sinks, what it took back, and what
//! was charged for misses, settled or not. What is not there is refused, never clamped. What counted is *owed* to the sink until it
//! is paid; registering, leaving, being slashed do not touch it.
//!
//! The sum of all notes is at most what the pool has paid here, and each wei of it is spent once. So what this contract has of
//! a task type, claimed or claimable, is at all times at least the sum of what is unspent, owed and
//! pending for misses. Each task type pays from
//! what its own pool has paid, so none can use up another's. What is never noted stays, and belongs to nobody.
//!
//! # Three parts
//!
//! Unspent money is earmarked for single sinks, asked back, or free. A voucher uses its sink's earmark first, then what is free,
//! then what is asked back, until the moment that is paid. So what a source has free is a signal: only an earmark is a promise.
//!
//! # Order of calls
//!
//! Programs refuse re-entry. [`spend`](WorkReserve::spend), which WorkVouchers calls, calls nobody. WorkMisses' calls ask
//! WorkLedger, WorkVouchers, CapacityRegistry and StakeManager, which call back nobody then. Sources' own calls and views
//! ask WorkLedger, which never calls back. Tokens are sent last, when all is written down.
//!
//! # Misses
//!
//! A task that a sink accepted in writing and did not do costs its source, if it reports it, what both signed. WorkLedger's
//! WorkMisses says what is reported, and what of it the sink has answered. It can take no more than sources have signed,
//! from what is free alone, each assignment once and within 600 s after its deadline; and what it took it can give to that sink or to
//! StakeManager's treasury, and never back. A WorkMisses that has been replaced still gives away what it has taken.
//!
//! Of each sink it is on record how much had counted when, so that Judge can compare what it did with what it missed, epoch by
//! epoch: [`get_counted`](WorkReserve::get_counted). Work counts for that as far as its payment buys it at the base fee: a sink
//! that signs itself as much as it missed, by a second key, loses the protocol's fee on all of it.
//!
//! # Not here yet
//!
//! The escrow pressure of task types by work: EscrowBuffer says none.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod charges;
mod deposits;
mod earmarks;
mod funds;
mod history;
mod interface;
mod payments;
mod take_back;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    connections,
    interfaces::{IEscrowLinks, IWorkEvidence},
    packed::widen,
};
use stylus_sdk::{prelude::*, storage::*};

pub use charges::REPORT_WINDOW;
pub use earmarks::MAX_EARMARK;
use earmarks::{end_of, Earmark};
use funds::{Budget, StorageAmount};
#[allow(unused_imports)]
pub use history::HISTORY;
use history::{Counted, History};
pub use interface::*;
use payments::Holdings;
pub use payments::{MAX_ACCOUNTS, PAYMENT_GAS};
pub use take_back::{TAKE_BACK_LAPSE, TAKE_BACK_NOTICE};

/// The contract. Slots 0–3: the neighbours, an address each. Slot 4: credited. Then the mappings.
#[entrypoint]
#[storage]
pub struct WorkReserve {
    work_vouchers: StorageAddress,
    work_ledger: StorageAddress,
    backpressure_pool: StorageAddress,
    token: StorageAddress,
    /// The sum of all credits.
    credited: StorageU256,
    holdings: StorageMap<B256, Holdings>,
    /// Money of sources.
    budgets: StorageMap<B256, StorageMap<Address, Budget>>,
    /// By source and sink.
    earmarks: StorageMap<B256, StorageMap<Address, StorageMap<Address, Earmark>>>,
    /// By source and hour: the sum of the earmarks that end then.
    places: StorageMap<B256, StorageMap<Address, StorageMap<Uint<8, 1>, StorageAmount>>>,
    /// What anybody is owed, in wei.
    owed: StorageMap<B256, StorageMap<Address, StorageU256>>,
    credits: StorageMap<Address, StorageU256>,
    /// By the hash of whoever took it, task type and sink: what was taken for misses and is nobody's yet.
    pending: StorageMap<B256, StorageU256>,
    /// By the hash of what was signed: assignments that were charged.
    charged: StorageMap<B256, StorageBool>,
    /// What has counted for sinks, and when.
    counted: StorageMap<B256, StorageMap<Address, Counted>>,
    histories: StorageMap<B256, StorageMap<Address, History>>,
}

#[public]
impl WorkReserve {
    /// Sets the contract up: `work_vouchers` says what may count, its WorkLedger who paid what. The token and the pools of that are
    /// the ones here, for ever.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract)
    /// * `MalformedReturn` if `work_vouchers` is none.
    #[constructor]
    pub fn constructor(&mut self, work_vouchers: Address) -> Result<(), Error> {
        require_contract(self.vm(), work_vouchers)?;
        let ledger = self.link(work_vouchers, IEscrowLinks::workLedgerCall::SELECTOR)?;
        let pools = self.link(ledger, IWorkEvidence::backpressurePoolCall::SELECTOR)?;
        let token = self.link(ledger, IWorkEvidence::SUPER_TOKENCall::SELECTOR)?;
        connections::forbid(self.vm(), token);
        self.work_vouchers.set(work_vouchers);
        self.work_ledger.set(ledger);
        self.backpressure_pool.set(pools);
        self.token.set(token);
        Ok(())
    }

    // --- WorkVouchers

    /// Spends `source`'s money for `sink`: of a voucher's `work` and `value` that have not counted as much as the money covers, and
    /// of the work `allowance` at most. `paid` is what the source has paid by streams since ever. With `whole`, nothing unless the
    /// money covers all of the value. What [`get_counted`](Self::get_counted) says grows by the work, no more of it than the value
    /// buys at `fee` wei per unit of 1e9.
    ///
    /// # Returns
    ///
    /// * `countedWork`
    /// * `countedValue`: what the sink is owed for it. Either both are zero, or none is.
    /// * `available`: what the source had for this sink.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    // A call of a few words each: a struct would not make it clearer.
    #[allow(clippy::too_many_arguments)]
    pub fn spend(
        &mut self,
        task_type_id: B256,
        source: Address,
        sink: Address,
        paid: U256,
        work: U256,
        value: U256,
        allowance: U256,
        fee: U256,
        whole: bool,
    ) -> Result<(U256, U256, U256), Error> {
        let caller = self.vm().msg_sender();
        if caller != self.work_vouchers.get() {
            return Err(UnauthorizedCaller { caller }.into());
        }
        let voucher = [work, value, allowance, fee];
        let (part, available) = self.spend_for(task_type_id, (source, sink), paid, voucher, whole);
        Ok((
            U256::from(part.work),
            U256::from(part.value),
            U256::from(available),
        ))
    }

    // --- WorkMisses

    /// Takes what the source of `assignment` signed when a task was accepted, which the sink is said not to have done, from what is
    /// free of its money. The words are those of a `WorkAssignment(bytes32 taskTypeId,address sink,address source,bytes32
    /// taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)` of WorkVouchers' domain, in this order; `signature` is
    /// the source's: r, s, and v as a number.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`NotToBeReported`], [`AlreadyCharged`], [`NotSigned`], [`InsufficientFunds`]
    ///
    /// # Events
    ///
    /// * WorkLedger's `Noted`
    pub fn charge(&mut self, assignment: [B256; 8], signature: [B256; 3]) -> Result<(), Error> {
        self.charge_for(assignment, signature)
    }

    /// Gives `amount` of what the caller took for tasks of `sink` to it, or else to StakeManager's treasury.
    ///
    /// # Returns
    ///
    /// * `to`: who is owed it now.
    ///
    /// # Errors
    ///
    /// * [`NothingPending`]
    pub fn award(
        &mut self,
        task_type_id: B256,
        sink: Address,
        amount: U256,
        to_sink: bool,
    ) -> Result<Address, Error> {
        self.award_to(task_type_id, sink, amount, to_sink)
    }

    // --- Anyone

    /// Pays `to` all that it is owed in the task type; nothing, if it is owed nothing.
    ///
    /// # Errors
    ///
    /// * `InsufficientGas` if the token cannot be given [`PAYMENT_GAS`].
    /// * `SafeERC20FailedOperation` if the token returns neither `true` nor nothing: to credit then what may have been
    ///   paid would be to owe it twice.
    /// * [`ReserveShort`]; what Superfluid reverts with.
    ///
    /// # Events
    ///
    /// * [`Paid`], or [`Credited`] if the token reverts.
    pub fn pay_out(&mut self, task_type_id: B256, to: Address) -> Result<(), Error> {
        self.pay_owed(task_type_id, to)
    }

    /// Pays each of `sinks`, at most 64, all that it is owed in the task type, also those that have left.
    ///
    /// # Errors
    ///
    /// * [`TooManyAccounts`]; as [`WorkReserve::pay_out`].
    ///
    /// # Events
    ///
    /// * As [`WorkReserve::pay_out`].
    pub fn drain_to(&mut self, task_type_id: B256, sinks: Vec<Address>) -> Result<(), Error> {
        if sinks.len() > MAX_ACCOUNTS {
            let (count, max) = (U256::from(sinks.len()), U256::from(MAX_ACCOUNTS));
            return Err(TooManyAccounts { count, max }.into());
        }
        for sink in sinks {
            self.pay_owed(task_type_id, sink)?;
        }
        Ok(())
    }

    /// Pays `account` what it could not be paid before.
    ///
    /// # Errors
    ///
    /// * [`NothingToClaim`]
    /// * `SafeERC20FailedOperation` if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Claimed`]
    pub fn claim_for(&mut self, account: Address) -> Result<(), Error> {
        self.pay_credit(account)
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here. It claims all the
    /// same.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), self.token.get(), pool)?)
    }

    /// Pays the caller what it could not be paid before.
    ///
    /// # Errors
    ///
    /// * As [`WorkReserve::claim_for`].
    ///
    /// # Events
    ///
    /// * [`Claimed`]
    pub fn claim(&mut self) -> Result<(), Error> {
        let account = self.vm().msg_sender();
        self.pay_credit(account)
    }

    // --- Sources

    /// Pays `amount` of the caller's tokens, who must have approved them, into its money for the task type. Fee and budget get of
    /// it what they get of a stream, as credits.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`NotPaidByWork`], [`AmountTooLarge`]
    /// * `SafeERC20FailedOperation` if the token refuses, or nothing arrives.
    ///
    /// # Events
    ///
    /// * [`Deposited`]; [`Credited`] for each cut.
    pub fn deposit(&mut self, task_type_id: B256, amount: U256) -> Result<(), Error> {
        self.deposit_at_least(task_type_id, amount, U256::ZERO)
    }

    /// As [`WorkReserve::deposit`], unless less than `least` would be left after the cuts: those can have become more since the
    /// caller looked.
    ///
    /// # Errors
    ///
    /// * [`DepositTooSmall`]; as [`WorkReserve::deposit`].
    ///
    /// # Events
    ///
    /// * As [`WorkReserve::deposit`].
    pub fn deposit_at_least(
        &mut self,
        task_type_id: B256,
        amount: U256,
        least: U256,
    ) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        let source = self.vm().msg_sender();
        self.take_deposit(task_type_id, source, amount, least)
    }

    /// Sets `amount` of the caller's free money aside for `sink`, until the full hour at or after `until`. An earmark that
    /// has not ended can only grow; `amount` is what is set aside then, not what is added.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InvalidUntil`], [`EarmarkShrinks`], [`InsufficientFunds`]
    ///
    /// # Events
    ///
    /// * [`Earmarked`]
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
    /// [`take_back`](WorkReserve::take_back) pays what vouchers have left of it; the hour begins anew for all of it.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InsufficientFunds`]
    ///
    /// # Events
    ///
    /// * [`TakeBackRequested`]
    pub fn request_take_back(&mut self, task_type_id: B256, amount: U256) -> Result<(), Error> {
        let source = self.vm().msg_sender();
        self.ask_back(task_type_id, source, amount)
    }

    /// Pays the caller what vouchers have left of what it asked back.
    ///
    /// # Errors
    ///
    /// * [`NothingAsked`], [`TakeBackTooEarly`]; as [`WorkReserve::pay_out`].
    ///
    /// # Events
    ///
    /// * [`TakenBack`]; as [`WorkReserve::pay_out`].
    pub fn take_back(&mut self, task_type_id: B256) -> Result<(), Error> {
        let source = self.vm().msg_sender();
        self.pay_asked(task_type_id, source)
    }

    // --- Views

    /// What `source` has that any sink can be paid of, and what is set aside for `sink`, as far as its streams are noted. A signal,
    /// but for the latter: the source can spend what is free on itself at any time.
    ///
    /// # Returns
    ///
    /// * `free`
    /// * `earmarked`
    ///
    /// # Errors
    ///
    /// * What WorkLedger reverts with.
    pub fn get_budget(
        &self,
        task_type_id: B256,
        source: Address,
        sink: Address,
    ) -> Result<(U256, U256), Error> {
        let funds = self.funds_now(task_type_id, source)?;
        let (earmarked, _until) = self.earmark_of(task_type_id, source, sink);
        Ok((U256::from(funds.free()), U256::from(earmarked)))
    }

    /// All money of `source` as far as its streams are noted, and what of it is earmarked and asked back.
    ///
    /// # Returns
    ///
    /// * `unspent`
    /// * `earmarked`
    /// * `asked`
    /// * `askedAt`: of the last request, in seconds since 1970.
    /// * `spent`: what counted, what it took back and what was charged for misses, since ever.
    ///
    /// # Errors
    ///
    /// * What WorkLedger reverts with.
    pub fn get_funds(
        &self,
        task_type_id: B256,
        source: Address,
    ) -> Result<(U256, U256, U256, U256, U256), Error> {
        let funds = self.funds_now(task_type_id, source)?;
        let budgets = self.budgets.getter(task_type_id);
        let budget = budgets.getter(source);
        Ok((
            U256::from(funds.unspent),
            U256::from(funds.earmarked),
            U256::from(funds.asked),
            widen(budget.asked_at.get()),
            widen(budget.spent.get()),
        ))
    }

    /// What is set aside for `sink`, and until when.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `until`
    pub fn get_earmark(&self, task_type_id: B256, source: Address, sink: Address) -> (U256, U256) {
        let (amount, hour) = self.earmark_of(task_type_id, source, sink);
        (U256::from(amount), end_of(hour))
    }

    /// What `account` is owed in the task type, in wei.
    pub fn get_owed(&self, task_type_id: B256, account: Address) -> U256 {
        self.owed.getter(task_type_id).get(account)
    }

    /// What the contract has of the task type besides what waits in its pool, and what it owes of it, in wei.
    ///
    /// # Returns
    ///
    /// * `held`
    /// * `received`: what the pool had paid since ever when it was claimed last.
    /// * `owed`: to all together.
    pub fn get_holdings(&self, task_type_id: B256) -> (U256, U256, U256) {
        let holdings = self.holdings.getter(task_type_id);
        (
            widen(holdings.held.get()),
            widen(holdings.received.get()),
            widen(holdings.owed.get()),
        )
    }

    /// What `misses` has taken for tasks of `sink` and has given to nobody yet, in wei.
    pub fn get_pending(&self, task_type_id: B256, misses: Address, sink: Address) -> U256 {
        self.pending_of(task_type_id, misses, sink)
    }

    /// The work that counted for `sink` in `epoch`, of 300 s, no more of each voucher's than it bought at the base fee: of what was redeemed until 4200 s after its end as much as falls into
    /// it, in a line from each count to the next. Of each epoch with counts the last one is kept, of 64 such epochs.
    ///
    /// # Returns
    ///
    /// * `known`: whether that is still known.
    /// * `work`
    pub fn get_counted(&self, task_type_id: B256, sink: Address, epoch: U256) -> (bool, U256) {
        let counted = self.counted_in(task_type_id, sink, epoch.saturating_to());
        (counted.is_some(), U256::from(counted.unwrap_or(0)))
    }

    /// What `account` can claim, in wei.
    pub fn credits(&self, account: Address) -> U256 {
        self.credits.get(account)
    }

    /// The sum of all credits, in wei.
    pub fn credited(&self) -> U256 {
        self.credited.get()
    }

    /// Who says what may count.
    pub fn work_vouchers(&self) -> Address {
        self.work_vouchers.get()
    }

    /// Who says who paid what.
    pub fn work_ledger(&self) -> Address {
        self.work_ledger.get()
    }

    /// Whose pools pay here.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// The token that is here.
    #[selector(name = "TOKEN")]
    pub fn token(&self) -> Address {
        self.token.get()
    }
}

impl WorkReserve {
    fn link(&self, of: Address, selector: [u8; 4]) -> Result<Address, Error> {
        let [address] = query_words(self.vm(), of, selector, &[])?;
        Ok(to_address(address))
    }
}
