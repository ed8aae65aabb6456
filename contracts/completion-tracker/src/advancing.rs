//! Epochs that have ended, on their way to Judge: it is told all that is known here, and what it says is published.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_array, query_array, query_words, to_address},
    emit,
    events::Word,
    interfaces::{ICapacityRegistry, IJudge},
    judging::{EpochRecord, Verdict, ASSIGNED},
    packed::to_u128,
};
use stylus_sdk::prelude::*;

use super::{
    pair, to_count, AutoSlashed, CompletionTracker, EpochAdvanced, Error, ForeignJudge,
    JudgeAlreadySet, JudgeSet, NoJudge,
};

impl CompletionTracker {
    /// Makes `judge` the one, if there is none, and it is this contract's.
    pub(super) fn name_judge(&mut self, judge: Address) -> Result<(), Error> {
        if !self.judge.get().is_zero() {
            return Err(JudgeAlreadySet {}.into());
        }
        let links: [U256; 3] = query_words(self.vm(), judge, IJudge::getLinksCall::SELECTOR, &[])?;
        let [tracker, registry, stakes] = links.map(to_address);
        let is_ours = tracker == self.vm().contract_address()
            && registry == self.capacity_registry.get()
            && stakes == self.stake_manager.get();
        if !is_ours {
            return Err(ForeignJudge { judge }.into());
        }
        self.judge.set(judge);
        emit!(self.vm(), JudgeSet[judge]);
        Ok(())
    }

    /// Has a page of the registry's sinks judged, and returns how many epochs were.
    pub(super) fn advance_page(
        &mut self,
        task_type: B256,
        from: U256,
        count: U256,
    ) -> Result<u32, Error> {
        let sinks = query_array::<ICapacityRegistry::getSinksPageCall>(
            self.vm(),
            self.capacity_registry.get(),
            &[task_type, from.into(), count.into()],
        )?;
        let mut epochs = 0_u32;
        for sink in sinks {
            let judged = self.advance(task_type, Address::from_word(sink))?;
            epochs = epochs.saturating_add(judged);
        }
        Ok(epochs)
    }

    /// Has the epochs of `sink` that have ended judged, and returns how many.
    pub(super) fn advance(&mut self, task_type: B256, sink: Address) -> Result<u32, Error> {
        let judge = self.judge.get();
        if judge.is_zero() {
            return Err(NoJudge {}.into());
        }
        let first = self.first_epoch(task_type);
        if first >= self.now() {
            return Ok(0);
        }
        let pair = pair(task_type, sink);
        let (first_due, last_due) = self.dues.getter(pair).get();
        let end = self.judged_until(task_type);
        let numbers = [first, first_due, last_due, end].map(|number| u64::from(number).word());
        let [first, first_due, last_due, end] = numbers;
        let arguments = [task_type, sink.word(), first, first_due, last_due, end];
        let selector = IJudge::getSpanCall::SELECTOR;
        let span: [U256; 3] = query_words(self.vm(), judge, selector, &arguments)?;
        // Numbers of epochs.
        let [next, from, until] = span.map(|epoch| epoch.wrapping_to::<u32>());
        if next >= until {
            return Ok(0);
        }
        self.dues.setter(pair).judged(until);
        let caller = self.vm().msg_sender();
        let caller_due = self.sources.getter(pair).get(caller);
        let arguments = [
            task_type,
            sink.word(),
            u64::from(next).word(),
            u64::from(from).word(),
            caller.word(),
            to_u128(caller_due).word(),
        ];
        let records = self.records(task_type, pair, from, until);
        let selector = IJudge::judgeCall::SELECTOR;
        let verdicts = invoke_array(self.vm(), judge, selector, &arguments, &records)?;
        for (epoch, verdict) in (from..).zip(verdicts) {
            self.publish(task_type, sink, epoch, verdict.into());
        }
        Ok(until.saturating_sub(next))
    }

    /// What is known here of the epochs from `from` until before `until`.
    fn records(&self, task_type: B256, pair: B256, from: u32, until: u32) -> Vec<B256> {
        let epochs = self.epochs.getter(pair);
        (from..until)
            .map(|number| {
                let (weight, yardstick) = self.measure(task_type, number);
                let epoch = epochs.getter(to_count(number));
                let done = match yardstick {
                    ASSIGNED => epoch.met.get(),
                    _ => epoch.completions.get(),
                };
                let record = EpochRecord {
                    yardstick,
                    weight: to_u128(weight),
                    accepted: to_u128(epoch.accepted.get()),
                    done: done.wrapping_to(),
                    assigned: epoch.assigned.get().wrapping_to(),
                };
                record.word()
            })
            .collect()
    }

    fn publish(&self, task_type: B256, sink: Address, epoch: u32, verdict: Verdict) {
        let Some(rate) = verdict.rate.map(u64::from) else {
            return;
        };
        emit!(self.vm(), EpochAdvanced[task_type, sink](u64::from(epoch), rate));
        if verdict.slashed > 0 {
            emit!(self.vm(), AutoSlashed[task_type, sink](verdict.slashed, rate));
        }
    }

    /// Of what Judge remembers of `sink`: the second number how many epochs in a row were below the threshold, the fourth the
    /// rate of the last one.
    pub(super) fn standing(&self, task_type: B256, sink: Address) -> Result<[U256; 4], Error> {
        let judge = self.judge.get();
        if judge.is_zero() {
            return Ok([U256::ZERO; 4]);
        }
        let selector = IJudge::getStandingCall::SELECTOR;
        let arguments = [task_type, sink.word()];
        Ok(query_words(self.vm(), judge, selector, &arguments)?)
    }
}
