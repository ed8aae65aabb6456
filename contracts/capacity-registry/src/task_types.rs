//! Task types: how they come to be, and what their creators set aside for it.

use alloy_primitives::{Address, B256, U256, U8};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    call::{first_words, invoke_words, Revert},
    emit,
    events::Word,
    interfaces::{ICapacityListener, IStakeManager},
    packed::narrow,
    powers,
};
use stylus_sdk::prelude::*;

use super::{interface::*, CapacityRegistry, ATTESTED, BONDED, REGISTERED};

impl CapacityRegistry {
    /// Creates a task type, and sets a minimum stake of its creator aside unless it is `free`.
    pub(crate) fn create(
        &mut self,
        id: B256,
        min_stake: U256,
        creator: Address,
        free: bool,
    ) -> Result<(), Error> {
        let min = narrow(min_stake).ok_or(MinStakeTooLarge {
            minStake: min_stake,
        })?;
        let mut task_type = self.task_types.setter(id);
        if !task_type.state.get().is_zero() {
            return Err(TaskTypeAlreadyExists {}.into());
        }
        let state = if free {
            REGISTERED
        } else {
            REGISTERED | BONDED
        };
        task_type.state.set(U8::from(state));
        task_type.min_stake.set(min);
        task_type.creator.set(creator);
        emit!(self.vm(), TaskTypeRegistered[id, creator](min_stake));
        match free {
            true => Ok(()),
            false => self.tell_stakes(IStakeManager::bondCall::SELECTOR, creator),
        }
    }

    /// Frees what the creator of the task type set aside, when `sink` is somebody else's.
    pub(crate) fn release_bond(&mut self, id: B256, sink: Address) -> Result<(), Error> {
        let state = self.state(id);
        let creator = self.get_creator(id);
        if state & BONDED == 0 || creator == sink {
            return Ok(());
        }
        self.task_types
            .setter(id)
            .state
            .set(U8::from(state & !BONDED));
        self.tell_stakes(IStakeManager::releaseBondCall::SELECTOR, creator)
    }

    /// What the task type is, as bits; none if there is no such.
    pub(crate) fn state(&self, id: B256) -> u8 {
        self.task_types.getter(id).state.get().wrapping_to()
    }

    /// Has adapters alone say what sinks of the task type, which is there, can do.
    pub(crate) fn set_attested(&mut self, id: B256) {
        let state = self.state(id) | ATTESTED;
        self.task_types.setter(id).state.set(U8::from(state));
        emit!(self.vm(), AttestationsRequired[id]);
    }

    /// Has BackpressurePool weigh the sinks of a new task type otherwise than by capacity.
    pub(crate) fn set_weighting(&self, id: B256, weighting: u8) -> Result<(), Error> {
        if weighting == 0 {
            return Ok(());
        }
        let selector = ICapacityListener::setWeightingCall::SELECTOR;
        let [] = invoke_words(
            self.vm(),
            self.pool.get(),
            selector,
            &[id, weighting.word()],
        )?;
        Ok(())
    }

    /// Whether the owner calls, before staking is open.
    pub(crate) fn is_setting_up(&self) -> Result<bool, Error> {
        let is_owner = self.ownable.only_owner().is_ok();
        Ok(is_owner && powers::notice(self.vm(), self.stake_manager.get())? == 0)
    }

    fn tell_stakes(&self, selector: [u8; 4], account: Address) -> Result<(), Error> {
        let stakes = self.stake_manager.get();
        match invoke_words(self.vm(), stakes, selector, &[account.word()]) {
            Ok([]) => Ok(()),
            Err(revert) => Err(passed_on(revert)),
        }
    }
}

/// What StakeManager refused with: the same error of this contract's, if it has it.
fn passed_on(revert: Revert) -> Error {
    let data = revert.0.strip_prefix(&InsufficientStake::SELECTOR);
    match data.and_then(first_words::<2>) {
        Some([required, available]) => InsufficientStake {
            required: required.into(),
            available: available.into(),
        }
        .into(),
        None => revert.into(),
    }
}
