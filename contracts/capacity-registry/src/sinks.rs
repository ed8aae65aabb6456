//! Sinks: how they come, change and leave, and the list of them.

use alloy_primitives::{Address, Uint, B256, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::invoke_words,
    clock, emit,
    events::Word,
    interfaces::IStakeManager,
    math,
    packed::{to_u128, widen},
    returns::Returns,
};
use stylus_sdk::prelude::*;

use super::{interface::*, Capacity, CapacityRegistry, Sink, Sinks, COMMIT_TIMEOUT, MAX_SINKS};

/// What a sink has in one task type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacities {
    pub(crate) raw: u128,
    pub(crate) smoothed: u128,
}

impl Capacities {
    const NONE: Self = Self {
        raw: 0,
        smoothed: 0,
    };

    /// What the stake has to back.
    pub(crate) fn max(self) -> u128 {
        self.raw.max(self.smoothed)
    }
}

impl CapacityRegistry {
    pub(crate) fn register(
        &mut self,
        id: B256,
        sink: Address,
        declared: U256,
    ) -> Result<(), Error> {
        let task_type = self.task_types.getter(id);
        if task_type.state.get().is_zero() {
            return Err(TaskTypeDoesNotExist {}.into());
        }
        if self.is_registered(id, sink) {
            return Err(SinkAlreadyRegistered {}.into());
        }
        let count = task_type.sink_count.get();
        if count >= U32::from(MAX_SINKS) {
            return Err(TooManySinks {}.into());
        }
        let min_stake = widen(task_type.min_stake.get());
        let wanted = clip(declared);
        let memory = self.memory(id, sink);
        let others = to_u128(self.backings.getter(sink).capacity.get());
        let [granted] = invoke_words(
            self.vm(),
            self.stake_manager.get(),
            IStakeManager::backRegistrationCall::SELECTOR,
            &[
                sink.word(),
                min_stake.word(),
                others.saturating_add(wanted).word(),
            ],
        )?;
        let room = math::to_u128_saturating(granted).saturating_sub(others);
        if wanted > 0 && room == 0 {
            return Err(CapacityExceedsCap {
                declared,
                cap: U256::ZERO,
            }
            .into());
        }
        let raw = wanted.min(room);
        let smoothed = match memory {
            Some(memory) => memory.min(raw),
            None if self.is_attested(id) => math::ewma(raw, 0),
            None => raw,
        };
        self.append(id, sink, count);
        let capacities = Capacities { raw, smoothed };
        self.store(id, sink, Capacities::NONE, capacities);
        self.note_declaration(id, sink);
        emit!(self.vm(), SinkRegistered[id, sink](raw));
        self.release_bond(id, sink)
    }

    pub(crate) fn deregister(&mut self, id: B256, sink: Address) -> Result<(), Error> {
        self.require_registered(id, sink)?;
        let now = self.capacities(id, sink);
        self.store(id, sink, now, Capacities::NONE);
        let is_last = self.remove(id, sink, now.smoothed);
        emit!(self.vm(), SinkDeregistered[id, sink]);
        if is_last {
            self.start_unbonding(sink)?;
        }
        self.notify(id, sink, 0)
    }

    /// Puts `sink` at the end of the list, where `count` sinks are before it.
    fn append(&mut self, id: B256, sink: Address, count: U32) {
        let block = U32::wrapping_from(clock::block_number(self.vm()));
        let now = clock::block_timestamp(self.vm());
        // Fits: at most MAX_SINKS.
        let position = count.saturating_add(U32::from(1));
        self.sink_list.setter(id).setter(count).set(sink);
        self.task_types.setter(id).sink_count.set(position);
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        entry.position.set(Uint::wrapping_from(position));
        entry.smoothed_block.set(block);
        let left: u64 = entry.committed_or_left.get().wrapping_to();
        if now.saturating_sub(left) >= clock::EPOCH {
            entry.since.set(Uint::wrapping_from(now / clock::EPOCH));
        }
        entry.committed_or_left.set(U32::ZERO);
        let mut backing = self.backings.setter(sink);
        let task_types = backing.task_types.get().saturating_add(U32::from(1));
        backing.task_types.set(task_types);
    }

    /// Takes `sink` from the list; the last sink takes its place. Its smoothed capacity is remembered: see
    /// [`CapacityRegistry::memory`]. Returns whether this was its last task type.
    fn remove(&mut self, id: B256, sink: Address, smoothed: u128) -> bool {
        let now = clock::block_timestamp(self.vm());
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        let position = entry.position.get();
        let had_commit = !entry.pending_commit().is_zero();
        entry.position.set(Uint::ZERO);
        entry.committed_or_left.set(U32::wrapping_from(now));
        entry.smoothed.set(Capacity::wrapping_from(smoothed));
        if had_commit {
            self.commit_hashes.setter(id).setter(sink).set(B256::ZERO);
        }
        let mut task_type = self.task_types.setter(id);
        let last_index = task_type.sink_count.get().saturating_sub(U32::from(1));
        task_type.sink_count.set(last_index);
        let mut list = self.sink_list.setter(id);
        let last = list.get(last_index);
        if last != sink {
            let index = U32::wrapping_from(position).saturating_sub(U32::from(1));
            list.setter(index).set(last);
            types.setter(last).position.set(position);
        }
        list.setter(last_index).set(Address::ZERO);
        let mut backing = self.backings.setter(sink);
        let task_types = backing.task_types.get().saturating_sub(U32::from(1));
        backing.task_types.set(task_types);
        task_types.is_zero()
    }

    /// Declares `declared` for a registered sink: clips it to what the stake backs, and takes one step of smoothing, if
    /// none was taken in this block.
    pub(crate) fn update(&mut self, id: B256, sink: Address, declared: U256) -> Result<(), Error> {
        let now = self.capacities(id, sink);
        let declared = clip(declared);
        let room = self.room(sink, now, declared.max(now.smoothed))?;
        let raw = declared.min(room);
        let stepped = self.step(id, sink, raw, now.smoothed);
        let next = Capacities {
            raw,
            smoothed: stepped.min(room),
        };
        self.store(id, sink, now, next);
        emit!(self.vm(), CapacityRevealed[id, sink](next.raw, next.smoothed));
        let decrease = now.smoothed.saturating_sub(next.smoothed);
        if next.smoothed < stepped {
            self.clipped(id, sink, next)
        } else if decrease > 0 && decrease.saturating_mul(NOTICEABLE) >= now.smoothed {
            self.notify(id, sink, next.smoothed)
        } else {
            Ok(())
        }
    }

    /// Cuts what `sink` has to `limit`, and to what its stake backs.
    pub(crate) fn cut(&mut self, id: B256, sink: Address, limit: U256) -> Result<(), Error> {
        self.require_registered(id, sink)?;
        let now = self.capacities(id, sink);
        let room = self.room(sink, now, now.max())?.min(clip(limit));
        let rest = Capacities {
            raw: now.raw.min(room),
            smoothed: now.smoothed.min(room),
        };
        if rest == now {
            return Ok(());
        }
        self.store(id, sink, now, rest);
        self.clipped(id, sink, rest)
    }

    /// The smoothed capacity after `raw` was declared: a step further than `previous`, unless one was taken in this block.
    fn step(&mut self, id: B256, sink: Address, raw: u128, previous: u128) -> u128 {
        let block = U32::wrapping_from(clock::block_number(self.vm()));
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        if entry.smoothed_block.get() == block {
            return previous;
        }
        entry.smoothed_block.set(block);
        math::ewma(raw, previous)
    }

    /// The smoothed capacity with which a sink left that now comes back, if it ever was here. It comes back with no more
    /// than that: only declarations raise it, a step at a time, so that leaving and coming back is no way around smoothing.
    fn memory(&self, id: B256, sink: Address) -> Option<u128> {
        let types = self.sinks.getter(id);
        let entry = types.getter(sink);
        let was_here = !entry.smoothed_block.get().is_zero();
        was_here.then(|| to_u128(entry.smoothed.get()))
    }

    pub(crate) fn capacities(&self, id: B256, sink: Address) -> Capacities {
        let types = self.sinks.getter(id);
        let entry = types.getter(sink);
        Capacities {
            raw: to_u128(entry.raw.get()),
            smoothed: to_u128(entry.smoothed.get()),
        }
    }

    /// Replaces `before` by `after` for the sink, in the task type's total and in what the stake backs.
    ///
    /// Nothing overflows: `after` is clipped to 72 bits, a total is the sum of less than 2^24 such, and both sums contain
    /// `before`.
    pub(crate) fn store(&mut self, id: B256, sink: Address, before: Capacities, after: Capacities) {
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        entry.raw.set(Capacity::wrapping_from(after.raw));
        entry.smoothed.set(Capacity::wrapping_from(after.smoothed));
        let mut task_type = self.task_types.setter(id);
        let total = to_u128(task_type.total_capacity.get());
        let total = total
            .saturating_sub(before.smoothed)
            .saturating_add(after.smoothed);
        task_type.total_capacity.set(Uint::wrapping_from(total));
        if before.smoothed != after.smoothed {
            self.observe(id, sink, after.smoothed);
        }
        if before.max() == after.max() {
            return;
        }
        let mut backing = self.backings.setter(sink);
        let capacity = to_u128(backing.capacity.get());
        let capacity = capacity
            .saturating_sub(before.max())
            .saturating_add(after.max());
        backing.capacity.set(Uint::from(capacity));
    }

    /// Checks that one of `hashes` is what the sink is committed to, and forgets the commitment.
    pub(crate) fn consume_commit(
        &mut self,
        id: B256,
        sink: Address,
        accepted: [B256; 2],
    ) -> Result<(), Error> {
        let block = clock::block_number(self.vm());
        let mut types = self.sinks.setter(id);
        let mut entry = types.setter(sink);
        let committed = entry.pending_commit();
        if committed.is_zero() {
            return Err(NoCommitPending {}.into());
        }
        if block > last_reveal_block(committed) {
            return Err(CommitExpired {}.into());
        }
        if U256::from(block) <= widen(committed) {
            return Err(RevealTooEarly {
                commitBlock: widen(committed),
            }
            .into());
        }
        let mut hashes = self.commit_hashes.setter(id);
        if !accepted.contains(&hashes.get(sink)) {
            return Err(CommitHashMismatch {}.into());
        }
        entry.committed_or_left.set(U32::ZERO);
        hashes.setter(sink).set(B256::ZERO);
        Ok(())
    }

    pub(crate) fn page(&self, id: B256, from: u32, count: u32) -> Sinks {
        let length: u32 = self.task_types.getter(id).sink_count.get().wrapping_to();
        let list = self.sink_list.getter(id);
        let types = self.sinks.getter(id);
        Returns(
            (from.min(length)..from.saturating_add(count).min(length))
                .map(|index| {
                    let sink = list.get(U32::from(index));
                    (sink, widen(types.getter(sink).smoothed.get()))
                })
                .unzip(),
        )
    }

    /// An adapter, or the aggregator, but where capacities come from adapters alone.
    pub(crate) fn only_updater(&self, id: B256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        let by_aggregator = caller == self.authorized_aggregator() && !self.is_attested(id);
        match by_aggregator || self.authorized_adapters(caller) {
            true => Ok(()),
            false => Err(NotAuthorizedAggregator {}.into()),
        }
    }

    pub(crate) fn only_adapter(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match self.authorized_adapters(caller) {
            true => Ok(()),
            false => Err(NotAuthorizedAdapter { caller }.into()),
        }
    }

    pub(crate) fn require_registered(&self, id: B256, sink: Address) -> Result<(), Error> {
        if self.is_registered(id, sink) {
            return Ok(());
        }
        match self.task_type_exists(id) {
            true => Err(SinkNotRegistered {}.into()),
            false => Err(TaskTypeDoesNotExist {}.into()),
        }
    }
}

impl Sink {
    /// The block of the pending commitment; 0 if there is none.
    pub(crate) fn pending_commit(&self) -> U32 {
        match self.position.get().is_zero() {
            true => U32::ZERO,
            false => self.committed_or_left.get(),
        }
    }
}

/// The last block in which what was committed to in block `committed` can be revealed.
pub(crate) fn last_reveal_block(committed: U32) -> u64 {
    committed
        .wrapping_to::<u64>()
        .saturating_add(COMMIT_TIMEOUT)
}

/// The pool hears at once of a decrease of a twentieth or more, 5 %.
const NOTICEABLE: u128 = 20;

/// A declared capacity, as far as it can be kept. What is cut off no stake could back.
fn clip(declared: U256) -> u128 {
    math::to_u128_saturating(declared).min(to_u128(Capacity::MAX))
}
