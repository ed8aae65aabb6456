//! Judge: what sinks owed, what they did of it, and the slash. It is the only slasher.
//!
//! | who may call what | when | with what capital he can bring for one transaction | what he gains |
//! |---|---|---|---|
//! | CompletionTracker: [`judge`](Judge::judge) | whenever anyone has it advance, for epochs that have ended, each once | none counts: capacities are sums over past time, stakes those at the ends of past epochs or now's, if that is less | nothing, it is a program |
//! | anyone, by CompletionTracker's `advanceEpoch(s)` | likewise | likewise. Early or late, the same sinks are slashed | the reward, if a slash is due and he comes first: fixed for ever, at most 1 % of what the slash takes |
//! | a sink, by the same calls | likewise | stake that it adds counts neither for nor against it in epochs that have ended; capacity that it adds is owed from now on only | nothing: it is not rewarded for its own slash, and another account of its gets back 1 % of what it lost |
//! | a source of its assignments, by the same calls | likewise | none | nothing: it is not rewarded where deadlines of its own fall into the bad epochs. Another account of its can be, for work that it kept from being proven: 1 % at most, which is why the reward is small |
//! | anyone: the views | at any time | none | nothing |
//!
//! It has no owner and nothing to set; CompletionTracker, CapacityRegistry, StakeManager, WorkLedger and the reward are those of
//! its construction, for ever. It can slash once StakeManager's owner has let it, after StakeManager's notice.
//!
//! Capacities are in units of 1e-9, stakes and the reward in the stake token's wei, rates in basis points, times in seconds
//! since 1970, epochs of 300 s.
//!
//! # The rule
//!
//! Epochs are judged one after the other, each once, when they have ended, by numbers that are fixed by then: late or
//! in time, the verdict is the same. Below the threshold three times in a row, the sink loses a tenth of its stake. An
//! epoch in which nothing was due leaves the count as it was: neither leaving nor waiting clears it. Nor does a good
//! epoch in which next to nothing was due: the count is cleared once in good epochs since the last bad one, together,
//! half as much was due as in a bad one on average. Only a sink that was away for a day, [`MEMORY`] epochs, starts
//! afresh.
//!
//! Tasks are whole. Of what is declared half is due, so a row of bad epochs costs nothing before half of what was due
//! in it is a task: a sink of a fifth of a task an epoch is slashed after ten epochs without one, not after three.
//!
//! # What is due
//!
//! *Declared*: completions against capacity × time, as CapacityRegistry recorded it: the capacity that the sink was
//! paid for, second by second, however often it left and came back, and whatever it declares now. *Assigned*: of the
//! tasks that the sink accepted in writing, those whose deadline falls into the epoch, at most the most capacity that
//! it ever had until they were recorded, against those of them that were recorded by their deadline; they are due after
//! it has left, too. A sink that nobody sent work to owes nothing by the second. The registry forgets no capacity of
//! the past, and knows of none before a sink came: what is due of an epoch is the same whenever it is judged.
//!
//! *Missed* (yardstick 3, where a task type is paid by work): of the work that the sink accepted in writing for a
//! payment, what its sources reported at WorkMisses and it did not answer, against the work that was paid: an epoch is
//! bad if less counted than was missed. It is judged 4200 s after its end, when all of that is known: reports are made
//! within 600 s after a deadline, answers within 3600 s after a report, and what is redeemed later than that does not
//! help. Work counts where it was done, in a line from each redemption to the next, as far as what was paid buys it at
//! the base fee (WorkReserve keeps that for 64 epochs). An epoch without misses, in which the sink had no capacity,
//! and one of which it is no longer known what counted, leaves the count as it was. Three such epochs cost no more
//! than their sources lost, at the task type's rate of stake for payment, with no reward; epochs of another yardstick
//! do not count with them.
//!
//! # The slash
//!
//! A tenth of the least stake at the ends of the three epochs, as StakeManager has written it down; or of the stake when they
//! are judged, if that is less: free stake can have left since, locked stake cannot, and what was staked later is not at
//! stake for what was done before. From the slash on a sink owes no more than the cap that is left to it, also in epochs
//! that are judged later. Stake, cap, smoothed capacity and pool units of this task type fall in one transaction; other task
//! types of the sink are synced by [`CapacityRegistry.syncCapacity`](bpe_common::interfaces::ICapacityRegistry). All of it
//! happens, or the call fails.
//!
//! # Order of calls
//!
//! Programs refuse re-entry. CompletionTracker calls this contract, which calls WorkMisses, WorkReserve, StakeManager and
//! CapacityRegistry, in this order; none of them calls back. Reports and answers are made at
//! WorkMisses, which never has anybody judged.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod due;
mod interface;
mod misses;
mod slash;
mod standing;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::require_contract,
    clock,
    judging::to_epoch,
    packed::{narrow, widen},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;
#[allow(unused_imports)]
pub use slash::{MISS_REASON, SLASH_REASON};
use standing::Standing;
#[allow(unused_imports)]
pub use standing::MEMORY;

/// The contract. Slots 0–1: tracker, registry. Slot 2: StakeManager (160 bits), reward (96). Then standings, and
/// WorkLedger.
#[entrypoint]
#[storage]
pub struct Judge {
    completion_tracker: StorageAddress,
    capacity_registry: StorageAddress,
    stake_manager: StorageAddress,
    /// What whoever brings a slash about is paid, in wei.
    reward: StorageUint<96, 2>,
    /// By the hash of task type and sink.
    standings: StorageMap<B256, Standing>,
    work_ledger: StorageAddress,
}

/// All that a [`Standing`] has.
type Numbers = (
    U256,
    U256,
    U256,
    U256,
    U256,
    U256,
    U256,
    U256,
    U256,
    U256,
    U256,
);

#[public]
impl Judge {
    /// Sets the contract up, for ever: whose records are judged, where capacities are declared, where stakes are, what
    /// whoever brings a slash about is paid, in wei, and where work is paid, or zero. StakeManager's owner has to let this contract slash, and
    /// CompletionTracker's to name it.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract), [`RewardTooLarge`]
    #[constructor]
    pub fn constructor(
        &mut self,
        completion_tracker: Address,
        capacity_registry: Address,
        stake_manager: Address,
        reward: U256,
        work_ledger: Address,
    ) -> Result<(), Error> {
        for account in [completion_tracker, capacity_registry, stake_manager] {
            require_contract(self.vm(), account)?;
        }
        if !work_ledger.is_zero() {
            require_contract(self.vm(), work_ledger)?;
        }
        let narrowed = narrow(reward).ok_or(RewardTooLarge { amount: reward })?;
        self.completion_tracker.set(completion_tracker);
        self.capacity_registry.set(capacity_registry);
        self.stake_manager.set(stake_manager);
        self.reward.set(narrowed);
        self.work_ledger.set(work_ledger);
        Ok(())
    }

    // --- CompletionTracker

    /// Judges epochs of `sink`, and slashes it where three in a row are below the threshold: those of `records` (see
    /// [`EpochRecord`](bpe_common::judging::EpochRecord)), from epoch `from` on, which together with `next` is what
    /// [`Judge::get_span`] says. `caller` is who is rewarded, unless it is the sink, or `callerDue`, the last epoch into which
    /// a deadline of its assignments of this sink falls, is not before the bad ones.
    ///
    /// # Returns
    ///
    /// * `verdicts`: of each epoch, see [`Verdict`](bpe_common::judging::Verdict).
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`NotToBeJudged`]
    /// * What StakeManager and CapacityRegistry revert with if they refuse the slash, or get too little gas for it.
    // A call of a few words each: a struct would not make it clearer.
    #[allow(clippy::too_many_arguments)]
    pub fn judge(
        &mut self,
        task_type_id: B256,
        sink: Address,
        next: U256,
        from: U256,
        caller: Address,
        caller_due: U256,
        records: Vec<U256>,
    ) -> Result<Vec<U256>, Error> {
        let sender = self.vm().msg_sender();
        if sender != self.completion_tracker.get() {
            return Err(UnauthorizedCaller { caller: sender }.into());
        }
        self.require_to_be_judged(task_type_id, sink, next, from, records.len())?;
        let caller = (caller, caller_due.saturating_to());
        let span = (next.saturating_to(), from.saturating_to());
        self.judge_all(task_type_id, sink, span, &records, caller)
    }

    // --- Views

    /// What of `sink` is to be judged now, if the first epoch in which it can owe anything is `first`, and deadlines fall into
    /// epochs from `firstDue` to `lastDue`, both zero for none, and epochs from `end` on wait: from epoch `from` until before `until`.
    /// In those from `next` until `from` it had no capacity and nothing was due. Nothing, if `next` is `until`.
    ///
    /// # Returns
    ///
    /// * `next`
    /// * `from`
    /// * `until`
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn get_span(
        &self,
        task_type_id: B256,
        sink: Address,
        first: U256,
        first_due: U256,
        last_due: U256,
        end: U256,
    ) -> Result<(U256, U256, U256), Error> {
        let dues = (first_due.saturating_to(), last_due.saturating_to());
        let (first, end) = (first.saturating_to(), end.saturating_to());
        let span = self.span(task_type_id, sink, (first, end), dues)?;
        let [next, from, until] = span.map(U256::from);
        Ok((next, from, until))
    }

    /// Where `sink` stands.
    ///
    /// # Returns
    ///
    /// * `next`: the next epoch to be judged.
    /// * `below`: how many epochs in a row were below the threshold.
    /// * `absent`: how many epochs in a row it had no capacity.
    /// * `rate`: of the last epoch in which it had capacity or owed anything, in basis points.
    /// * `stake`: the least at the ends of the epochs below the threshold, in wei.
    /// * `since`: the first of these epochs.
    /// * `bound`: the cap that the last slash left, in units of 1e-9.
    /// * `boundUntil`: the last epoch that it bounds.
    /// * `lost`: what the epochs below the threshold cost sources that reported misses, in wei of stake.
    /// * `owed`: what was due in the epochs below the threshold, in capacity-seconds of 1e-9 units.
    /// * `kept`: what was due in the good epochs since the last of them, likewise.
    pub fn get_standing(&self, task_type_id: B256, sink: Address) -> Numbers {
        self.standing(task_type_id, sink).numbers()
    }

    /// The neighbours, in one call.
    ///
    /// # Returns
    ///
    /// * `completionTracker`
    /// * `capacityRegistry`
    /// * `stakeManager`
    /// * `workLedger`
    pub fn get_links(&self) -> (Address, Address, Address, Address) {
        (
            self.completion_tracker.get(),
            self.capacity_registry.get(),
            self.stake_manager.get(),
            self.work_ledger.get(),
        )
    }

    /// Whose records are judged.
    pub fn completion_tracker(&self) -> Address {
        self.completion_tracker.get()
    }

    /// Where capacities are declared.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// Where work is paid; zero, if nowhere.
    pub fn work_ledger(&self) -> Address {
        self.work_ledger.get()
    }

    /// What whoever brings a slash about is paid, in wei: at most 1 % of what the slash takes.
    pub fn reward(&self) -> U256 {
        widen(self.reward.get())
    }
}

impl Judge {
    fn now(&self) -> u32 {
        to_epoch(clock::block_timestamp(self.vm()))
    }

    /// Refuses epochs that have been judged, or have not ended.
    fn require_to_be_judged(
        &self,
        task_type: B256,
        sink: Address,
        next: U256,
        from: U256,
        count: usize,
    ) -> Result<(), Error> {
        let (known, now) = (self.standing(task_type, sink).next, self.now());
        let until = from.saturating_add(U256::from(count));
        let is_right = next >= U256::from(known) && from >= next && until <= U256::from(now);
        match is_right {
            true => Ok(()),
            false => {
                let next = U256::from(known);
                Err(NotToBeJudged { from, until, next }.into())
            }
        }
    }
}
