//! Verdicts: epochs one after the other, and what three bad ones cost.

use alloc::vec::Vec;
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, invoke_words, query_number, query_words, require_gas, to_address},
    clock,
    interfaces::{ICapacityRegistry, IReputationRecords, IStakeSlasher, IStakeTerms},
    judging::{
        EpochRecord, Verdict, CONSECUTIVE_EPOCHS_FOR_SLASH, MISSED, MISS_EPOCHS, SLASH_AMOUNT_BPS,
    },
    math::{self, split::scale},
    packed::widen,
};
use stylus_sdk::prelude::*;

use super::{
    due::{due, is_enough},
    misses::Missed,
    standing::Memory,
    Error, Judge, NotToBeJudged,
};

/// `keccak256("COMPLETION_UNDERPERFORMANCE")`
pub const SLASH_REASON: B256 =
    b256!("d0e2c49981e010b210a798f5698435254fee198a8b50eb12f13710c4df92934b");

/// `keccak256("WORK_MISSED")`
pub const MISS_REASON: B256 =
    b256!("7d174a434e3742a3cfe51696f6ea8388f7deae67b9252da7793539b36934f7d6");
/// What a reputation ledger may use to note a slash.
pub(super) const RECORD_GAS: u64 = 200_000;
/// What rates of stake for payment are fractions of.
const RATE_ONE: u128 = 1_000_000_000_000_000_000;

/// Who had this judged, and the last epoch into which a deadline of its assignments falls.
type Caller = (Address, u32);

impl Judge {
    /// Judges the epochs of `sink` from the second of `span` on, by their records. Of those from the first on until then nothing
    /// is to be judged.
    ///
    /// Epochs are judged in memory while neighbours are called. Nobody can enter in between: programs refuse re-entry.
    pub(super) fn judge_all(
        &mut self,
        task_type: B256,
        sink: Address,
        (next, from): (u32, u32),
        records: &[U256],
        caller: Caller,
    ) -> Result<Vec<U256>, Error> {
        let mut memory = self.standing(task_type, sink);
        memory.be_absent(from.saturating_sub(next));
        memory.next = from;
        let mut verdicts = Vec::with_capacity(records.len());
        let mut is_slashed = false;
        let mut before = match records.is_empty() {
            true => 0,
            false => self.seconds_until(task_type, sink, from)?,
        };
        for record in records {
            let epoch = memory.next;
            memory.next = epoch.saturating_add(1);
            let after = self.seconds_until(task_type, sink, memory.next)?;
            let served = after.saturating_sub(before);
            before = after;
            let record = EpochRecord::from(*record);
            let of = (task_type, sink);
            let verdict = self.judge_one(of, epoch, &record, served, &mut memory, caller)?;
            is_slashed |= verdict.slashed > 0;
            verdicts.push(verdict.word());
        }
        self.store(task_type, sink, &memory);
        if is_slashed {
            self.sync(task_type, sink)?;
        }
        Ok(verdicts)
    }

    /// Judges one epoch, in which the sink had `served` capacity-seconds.
    fn judge_one(
        &self,
        (task_type, sink): (B256, Address),
        epoch: u32,
        record: &EpochRecord,
        served: u128,
        memory: &mut Memory,
        caller: Caller,
    ) -> Result<Verdict, Error> {
        match served {
            0 => memory.be_absent(1),
            _ => memory.be_present(),
        }
        let by_misses = record.yardstick == MISSED;
        let missed = match by_misses {
            true => self.final_misses(task_type, sink, epoch)?,
            false => Missed::default(),
        };
        let due = match by_misses {
            true => self.due_by_misses(task_type, sink, epoch, &missed, served, memory)?,
            false => due(record, epoch, memory, served),
        };
        if due.is_none() && served == 0 {
            return Ok(Verdict::default());
        }
        memory.rate = due.map_or(math::BPS, |due| due.rate);
        let mut verdict = Verdict {
            rate: Some(memory.rate),
            slashed: 0,
        };
        let Some(due) = due else {
            return Ok(verdict);
        };
        if !due.is_bad() {
            memory.be_good(due.owed, by_misses);
            return Ok(verdict);
        }
        let stake = self.stake_of(sink, epoch)?;
        let lost = scale(missed.value, record.weight, RATE_ONE);
        memory.be_bad(epoch, stake, due.owed, lost, by_misses);
        if memory.below >= CONSECUTIVE_EPOCHS_FOR_SLASH && is_enough(record, memory.owed) {
            memory.below = 0;
            verdict.slashed = self.slash((task_type, sink), memory, caller)?;
        }
        Ok(verdict)
    }

    /// What was missed in `epoch`, which has to be over for so long that it is known.
    fn final_misses(&self, task_type: B256, sink: Address, epoch: u32) -> Result<Missed, Error> {
        let until = epoch.saturating_add(1);
        if until.saturating_add(MISS_EPOCHS) > self.now() {
            let [from, until] = [epoch, until].map(U256::from);
            let next = from;
            return Err(NotToBeJudged { from, until, next }.into());
        }
        self.missed_in(task_type, sink, epoch)
    }

    /// The stake at the end of `epoch`, or now, if that is less.
    fn stake_of(&self, sink: Address, epoch: u32) -> Result<u128, Error> {
        let stakes = self.stake_manager.get();
        let selector = IStakeSlasher::getStakeCall::SELECTOR;
        let now = query_number(self.vm(), stakes, selector, &[sink.into_word()])?;
        let end = u64::from(epoch).saturating_add(1);
        let time = U256::from(end.saturating_mul(clock::EPOCH));
        let selector = IStakeSlasher::getStakeAtCall::SELECTOR;
        let then = query_number(
            self.vm(),
            stakes,
            selector,
            &[sink.into_word(), time.into()],
        )?;
        Ok(then.min(now))
    }

    /// Takes from the stake of `sink` what three bad epochs cost; returns how much that is.
    fn slash(
        &self,
        (task_type, sink): (B256, Address),
        memory: &mut Memory,
        caller: Caller,
    ) -> Result<u128, Error> {
        // No overflow: a stake has 112 bits. No more than the stake: it was the least so far, this one included.
        let part = memory.stake.saturating_mul(u128::from(SLASH_AMOUNT_BPS));
        let tenth = part / u128::from(math::BPS);
        // By misses nobody is rewarded, and no more is taken than those lost who reported them.
        let (amount, reason, to) = match memory.by_misses {
            true => (tenth.min(memory.lost), MISS_REASON, Address::ZERO),
            false => (tenth, SLASH_REASON, rewarded(sink, memory, caller)),
        };
        let stakes = self.stake_manager.get();
        if amount > 0 {
            let arguments = [
                sink.into_word(),
                U256::from(amount).into(),
                reason,
                to.into_word(),
                widen(self.reward.get()).into(),
            ];
            let selector = IStakeSlasher::slashAndRewardCall::SELECTOR;
            invoke_words::<0>(self.vm(), stakes, selector, &arguments)?;
            self.record_slash(task_type, sink)?;
        }
        let selector = IStakeSlasher::getCapacityCapCall::SELECTOR;
        memory.bound = query_number(self.vm(), stakes, selector, &[sink.into_word()])?;
        memory.bound_until = self.now();
        Ok(amount)
    }

    /// Has StakeManager's reputation ledger note that the sink was slashed. One that fails, as where this contract is no recorder,
    /// stops no slash; it gets its gas, so that no caller can have it fail.
    fn record_slash(&self, task_type: B256, sink: Address) -> Result<(), Error> {
        let selector = IStakeTerms::reputationLedgerCall::SELECTOR;
        let stakes = self.stake_manager.get();
        let Ok([ledger]) = query_words(self.vm(), stakes, selector, &[]) else {
            return Ok(());
        };
        if ledger.is_zero() {
            return Ok(());
        }
        require_gas(self.vm(), RECORD_GAS)?;
        let selector = IReputationRecords::recordSlashCall::SELECTOR;
        let data = calldata(selector, &[task_type, sink.into_word()]);
        call(self.vm(), to_address(ledger), &data, RECORD_GAS, 0);
        Ok(())
    }

    /// Has the registry cut the sink's capacity to what its stake backs, and the pool follow.
    fn sync(&self, task_type: B256, sink: Address) -> Result<(), Error> {
        let arguments = [task_type, sink.into_word()];
        let registry = self.capacity_registry.get();
        let selector = ICapacityRegistry::isRegisteredCall::SELECTOR;
        if query_number(self.vm(), registry, selector, &arguments)? != 0 {
            let selector = ICapacityRegistry::syncCapacityCall::SELECTOR;
            invoke_words::<0>(self.vm(), registry, selector, &arguments)?;
        }
        Ok(())
    }
}

/// Who is rewarded for the slash of `sink`: whoever had it judged, but the sink, and those whose tasks may have been missed.
fn rewarded(sink: Address, memory: &Memory, (caller, due): Caller) -> Address {
    match caller == sink || due >= memory.since {
        true => Address::ZERO,
        false => caller,
    }
}
