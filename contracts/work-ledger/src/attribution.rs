//! What of the overflow each source has paid, as EscrowBuffer attributes it.
//!
//! A source's part is what was noted since it was attributed last; the sum of all notes is at most what the escrow received.
//! Where drains have taken of the unattributed meanwhile, all parts shrink alike: each task type has a scale, which falls with
//! every such drain, and a part counts by what has become of the scale since the source's last note. Once all was drained,
//! earlier parts are void. A part may come out smaller than it was by that; it is never made up from what others paid.

use alloy_primitives::{Address, B256, U128, U256, U32};
use bpe_common::{
    math::split::scale,
    math::to_u128_saturating,
    packed::{pack, to_u128},
};
use stylus_sdk::prelude::*;

use super::{noting::Counts, Error, Part, UnauthorizedCaller, WorkLedger};

/// 1 in the fixed point of scales.
const ONE: u128 = 1_000_000_000_000_000_000;
/// Below this a scale has too few digits, and parts start anew.
const LEAST_SCALE: u128 = 1_000_000_000;

impl WorkLedger {
    /// A part that begins anew counts by the scale of now, so it must not be followed by a payment of before: what the source
    /// has paid is noted first.
    pub(super) fn take_part(
        &mut self,
        id: B256,
        source: Address,
        unattributed: U256,
        minimum: U256,
    ) -> u128 {
        if !self.note_stream(id, source) {
            return 0;
        }
        let due = self.due(id, source);
        let amount = due.min(to_u128_saturating(unattributed));
        if due > 0 && amount < to_u128_saturating(minimum) {
            return 0;
        }
        let noted = to_u128(self.notes.getter(id).getter(source).noted.get());
        let (now, _) = self.scale_now(id);
        // What was due and is not there stays due.
        let rest = due.saturating_sub(amount);
        self.start_part(id, source, noted.saturating_sub(rest), now);
        amount
    }

    /// Before a note of `source` grows by `amount`: from each note on, its part counts by the scale of then, so that what is paid
    /// after a drain does not shrink by it. What was paid since the last note shrinks by all drains since, even if it was paid
    /// after them; so does what was paid in a new epoch until its first note. `paid_until` says what of the amount came before
    /// that epoch, as OverflowMeter counted then.
    pub(super) fn renew_part(
        &mut self,
        id: B256,
        source: Address,
        amount: u128,
        paid_until: impl FnOnce(&Counts) -> u128,
    ) {
        let (now, epoch) = self.scale_now(id);
        let noted = to_u128(self.notes.getter(id).getter(source).noted.get());
        let noted = noted.saturating_add(amount);
        let parts = self.parts.getter(id);
        let part = parts.getter(source);
        let then = part.scale(epoch);
        let due = match part.epoch.get() == epoch {
            true if then == now => return,
            true => scale(part.unattributed(noted), now, then),
            false => {
                let before = paid_until(&self.epoch_began(id));
                scale(amount.saturating_sub(before), now, ONE)
            }
        };
        self.start_part(id, source, noted.saturating_sub(due), now);
    }

    /// What OverflowMeter had counted when the epoch began.
    fn epoch_began(&self, id: B256) -> Counts {
        let scale = self.scales.getter(id);
        Counts {
            index: to_u128(scale.index.get()),
            unit_seconds: to_u128(scale.unit_seconds.get()),
        }
    }

    /// From here on `source` has a part of what it pays.
    fn start_part(&mut self, id: B256, source: Address, noted: u128, scale: u128) {
        let (_, epoch) = self.scale_now(id);
        let mut parts = self.parts.setter(id);
        let mut part = parts.setter(source);
        part.noted.set(U128::from(noted));
        part.scale.set(pack(scale));
        part.epoch.set(epoch);
    }

    /// What of the unattributed `source` has paid.
    pub(super) fn due(&self, id: B256, source: Address) -> u128 {
        let noted = to_u128(self.notes.getter(id).getter(source).noted.get());
        let parts = self.parts.getter(id);
        let part = parts.getter(source);
        let (now, epoch) = self.scale_now(id);
        match part.epoch.get() == epoch {
            true => scale(part.unattributed(noted), now, part.scale(epoch)),
            false => 0,
        }
    }

    /// Of `before` unattributed, `rest` is left.
    pub(super) fn shrink_parts(&mut self, id: B256, before: U256, rest: U256) {
        let (now, epoch) = self.scale_now(id);
        let [before, rest] = [before, rest].map(to_u128_saturating);
        let scale = scale(now, rest, before);
        if scale >= LEAST_SCALE {
            self.scales.setter(id).scale.set(pack(scale));
            return;
        }
        // Without an answer what is paid until the next note counts as gone: parts come out too small, never too large.
        let counts = self.counts(id).unwrap_or(Counts::MAX);
        let mut state = self.scales.setter(id);
        state.epoch.set(epoch.saturating_add(U32::from(1)));
        state.scale.set(pack(ONE));
        state.index.set(U128::from(counts.index));
        state.unit_seconds.set(U128::from(counts.unit_seconds));
    }

    /// What has become of 1 unattributed by drains in this epoch, and which that is.
    fn scale_now(&self, id: B256) -> (u128, U32) {
        let state = self.scales.getter(id);
        let scale = match to_u128(state.scale.get()) {
            0 => ONE,
            scale => scale,
        };
        (scale, state.epoch.get())
    }

    pub(super) fn only_escrow(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match caller == self.escrow_buffer.get() {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }
}

impl Part {
    /// What was paid of `noted` since the part began.
    fn unattributed(&self, noted: u128) -> u128 {
        noted.saturating_sub(to_u128(self.noted.get()))
    }

    /// By what scale it counts. A source that never had a part counts from the beginning.
    fn scale(&self, epoch: U32) -> u128 {
        match to_u128(self.scale.get()) {
            0 if epoch.is_zero() => ONE,
            scale => scale,
        }
    }
}
