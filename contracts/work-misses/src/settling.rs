//! What nobody answered.

use alloy_primitives::{Address, B256, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::invoke_words, clock, emit, events::Word, interfaces::IWorkKeys, judging::MISS_EPOCHS,
    packed::to_u128,
};
use stylus_sdk::prelude::*;

use super::{reports::epoch_key, Error, MissesSettled, SettledTooEarly, WorkMisses};

impl WorkMisses {
    /// Gives the treasury what nobody answered of an epoch, once, and has what the sink has shown fall. Returns work and value.
    pub(super) fn settle(
        &mut self,
        id: B256,
        sink: Address,
        epoch: u32,
    ) -> Result<(u128, u128), Error> {
        let end = u64::from(epoch)
            .saturating_add(1)
            .saturating_add(u64::from(MISS_EPOCHS));
        let available_at = end.saturating_mul(clock::EPOCH);
        if self.now() < available_at {
            return Err(SettledTooEarly {
                availableAt: U256::from(available_at),
            }
            .into());
        }
        let (work, value, is_settled) = self.missed_of(id, sink, epoch);
        if value == 0 || is_settled {
            return Ok((work, value));
        }
        let mut missed = self.missed.setter(epoch_key(id, sink, epoch));
        missed.settled.set(U8::from(1));
        let reserve = self.require_reserve()?;
        let treasury = self.award(reserve, id, sink, value, false)?;
        let arguments = [id, sink.word(), work.word()];
        let selector = IWorkKeys::missWorkCall::SELECTOR;
        invoke_words::<0>(self.vm(), self.work_vouchers.get(), selector, &arguments)?;
        emit!(
            self.vm(),
            MissesSettled[id, sink, treasury](u64::from(epoch), work, value)
        );
        Ok((work, value))
    }

    /// What of a sink's tasks that were due in an epoch was missed, and whether that is settled.
    pub(super) fn missed_of(&self, id: B256, sink: Address, epoch: u32) -> (u128, u128, bool) {
        let missed = self.missed.getter(epoch_key(id, sink, epoch));
        (
            to_u128(missed.work.get()),
            to_u128(missed.value.get()),
            !missed.settled.get().is_zero(),
        )
    }
}
