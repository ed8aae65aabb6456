//! What WorkMisses says of tasks that a sink missed, and WorkReserve of its work that was paid.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, to_address},
    events::Word,
    interfaces::{IWorkEvidence, IWorkMisses, IWorkReserve},
};
use stylus_sdk::prelude::*;

use super::{Error, Judge};

/// What of a sink's work in an epoch was missed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missed {
    /// In capacity-seconds of 1e-9 units.
    pub(super) work: u128,
    /// What it cost those who reported it, in wei.
    pub(super) value: u128,
}

impl Judge {
    /// What was missed in `epoch` for good, and is settled by now.
    pub(super) fn missed_in(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<Missed, Error> {
        let misses = self.of_ledger(IWorkEvidence::workMissesCall::SELECTOR)?;
        if misses.is_zero() {
            return Ok(Missed::default());
        }
        let arguments = [task_type, sink.word(), u64::from(epoch).word()];
        let selector = IWorkMisses::settleMissesCall::SELECTOR;
        let [work, value]: [U256; 2] = invoke_words(self.vm(), misses, selector, &arguments)?;
        // Both fit: no more is kept.
        Ok(Missed {
            work: work.saturating_to(),
            value: value.saturating_to(),
        })
    }

    /// The first and the last epoch in which anything was missed; zeros for none.
    pub(super) fn missed_epochs(
        &self,
        task_type: B256,
        sink: Address,
    ) -> Result<(u32, u32), Error> {
        let misses = self.of_ledger(IWorkEvidence::workMissesCall::SELECTOR)?;
        if misses.is_zero() {
            return Ok((0, 0));
        }
        let arguments = [task_type, sink.word()];
        let selector = IWorkMisses::getDuesCall::SELECTOR;
        let [first, last]: [U256; 2] = query_words(self.vm(), misses, selector, &arguments)?;
        Ok((first.saturating_to(), last.saturating_to()))
    }

    /// What counted for the sink in `epoch`; `None` if that is no longer known.
    pub(super) fn counted_in(
        &self,
        task_type: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<Option<u128>, Error> {
        let reserve = self.of_ledger(IWorkEvidence::workReserveCall::SELECTOR)?;
        if reserve.is_zero() {
            return Ok(None);
        }
        let arguments = [task_type, sink.word(), u64::from(epoch).word()];
        let selector = IWorkReserve::getCountedCall::SELECTOR;
        let [known, work]: [U256; 2] = query_words(self.vm(), reserve, selector, &arguments)?;
        Ok((!known.is_zero()).then(|| work.saturating_to()))
    }

    /// What WorkLedger knows; zero, if there is none.
    fn of_ledger(&self, selector: [u8; 4]) -> Result<Address, Error> {
        let ledger = self.work_ledger.get();
        if ledger.is_zero() {
            return Ok(ledger);
        }
        let [address] = query_words(self.vm(), ledger, selector, &[])?;
        Ok(to_address(address))
    }
}
