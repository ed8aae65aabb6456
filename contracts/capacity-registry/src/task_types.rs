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

use super::{interface::*, CapacityRegistry, ATTESTED, BONDED, DERIVED, KIND, REGISTERED};

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
    fn kind(self) -> u8 {
        match self {
            Self::Trusted => REGISTERED,
            Self::Bonded => BONDED,
            Self::Derived => DERIVED,
        }
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
        let (kind, before) = (self.state(id) & KIND, self.get_creator(id));
        if kind != 0 && (origin != Origin::Derived || kind == origin.kind()) {
            return Err(TaskTypeAlreadyExists {}.into());
        }
        // Whoever had it before has no say: neither in who attests.
        let mut task_type = self.task_types.setter(id);
        task_type.state.set(U8::from(origin.kind()));
        task_type.creator.set(creator);
        // For those who register from now on: who serves has locked what was asked for.
        task_type.min_stake.set(min);
        emit!(self.vm(), TaskTypeRegistered[id, creator](min_stake));
        if kind == BONDED {
            self.tell_stakes(IStakeManager::releaseBondCall::SELECTOR, before)?;
        }
        match origin {
            Origin::Bonded => self.tell_stakes(IStakeManager::bondCall::SELECTOR, creator),
            Origin::Trusted | Origin::Derived => Ok(()),
        }
    }

    /// Frees what the creator of the task type set aside, when `sink` is somebody else's.
    pub(crate) fn release_bond(&mut self, id: B256, sink: Address) -> Result<(), Error> {
        let state = self.state(id);
        let creator = self.get_creator(id);
        if state & KIND != BONDED || creator == sink {
            return Ok(());
        }
        let rest = REGISTERED | (state & ATTESTED);
        self.task_types.setter(id).state.set(U8::from(rest));
        self.tell_stakes(IStakeManager::releaseBondCall::SELECTOR, creator)
    }

    /// What the task type is, see [`KIND`], and whether it is [`ATTESTED`]; zero if there is no such.
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
