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

use super::{interface::*, CapacityRegistry, BONDED, DERIVED, REGISTERED};

/// Why somebody may have an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The owner sets up, or an adapter does.
    Trusted,
    /// A minimum stake of the creator's is set aside.
    Bonded,
    /// It follows from the creator and a name: nobody else has a right to it.
    Derived,
}

impl Origin {
    fn state(self) -> U8 {
        U8::from(match self {
            Self::Trusted => REGISTERED,
            Self::Bonded => BONDED,
            Self::Derived => DERIVED,
        })
    }
}

impl CapacityRegistry {
    /// Creates a task type. An id that is derived is its creator's, whoever had it registered before.
    pub(crate) fn create(
        &mut self,
        id: B256,
        min_stake: U256,
        creator: Address,
        origin: Origin,
    ) -> Result<(), Error> {
        let min = narrow(min_stake).ok_or(MinStakeTooLarge {
            minStake: min_stake,
        })?;
        let mut task_type = self.task_types.setter(id);
        let (state, before) = (task_type.state.get(), task_type.creator.get());
        let is_taken = !state.is_zero();
        if is_taken && (origin != Origin::Derived || state == origin.state()) {
            return Err(TaskTypeAlreadyExists {}.into());
        }
        task_type.state.set(origin.state());
        task_type.creator.set(creator);
        // For those who register from now on: who serves has locked what was asked for.
        task_type.min_stake.set(min);
        emit!(self.vm(), TaskTypeRegistered[id, creator](min_stake));
        if state == Origin::Bonded.state() {
            self.tell_stakes(IStakeManager::releaseBondCall::SELECTOR, before)?;
        }
        match origin {
            Origin::Bonded => self.tell_stakes(IStakeManager::bondCall::SELECTOR, creator),
            Origin::Trusted | Origin::Derived => Ok(()),
        }
    }

    /// Frees what the creator of the task type set aside, when `sink` is somebody else's.
    pub(crate) fn release_bond(&mut self, id: B256, sink: Address) -> Result<(), Error> {
        let mut task_type = self.task_types.setter(id);
        if task_type.state.get() != U8::from(BONDED) {
            return Ok(());
        }
        let creator = task_type.creator.get();
        if creator == sink {
            return Ok(());
        }
        task_type.state.set(U8::from(REGISTERED));
        self.tell_stakes(IStakeManager::releaseBondCall::SELECTOR, creator)
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
