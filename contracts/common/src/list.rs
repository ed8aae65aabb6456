//! Lists of ids that anyone can be on: in no order, and without gaps.

use alloc::{vec, vec::Vec};
use alloy_primitives::{B256, U256, U32};
use stylus_sdk::{prelude::*, storage::*};

/// The ids, and of each its place. Two slots; an id takes two more.
#[storage]
pub struct IdList {
    ids: StorageVec<StorageB256>,
    /// From 1; 0 if the id is not on the list.
    places: StorageMap<B256, StorageU32>,
}

impl IdList {
    /// Puts `id` at the end. False, and nothing happens, if it is on the list.
    pub fn push(&mut self, id: B256) -> bool {
        if self.contains(id) {
            return false;
        }
        self.ids.push(id);
        self.places.setter(id).set(U32::from(self.ids.len()));
        true
    }

    /// Takes `id` off; the last one takes its place. False, and nothing happens, if it is not on the list.
    pub fn remove(&mut self, id: B256) -> bool {
        let place = self.places.replace(id, U32::ZERO);
        let Some(index) = place.checked_sub(U32::from(1)) else {
            return false;
        };
        let Some(last) = self.ids.pop() else {
            return false;
        };
        if last != id {
            if let Some(mut slot) = self.ids.setter(index) {
                slot.set(last);
            }
            self.places.setter(last).set(place);
        }
        true
    }

    /// Whether `id` is on the list.
    pub fn contains(&self, id: B256) -> bool {
        !self.places.get(id).is_zero()
    }

    /// How many ids are on it.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids.
    pub fn all(&self) -> Vec<B256> {
        self.page(U256::ZERO, U256::MAX)
    }

    /// At most `count` ids, from number `from` on.
    pub fn page(&self, from: U256, count: U256) -> Vec<B256> {
        let end = from.saturating_add(count).min(U256::from(self.len()));
        let (from, end): (usize, usize) = (from.saturating_to(), end.saturating_to());
        (from..end)
            .filter_map(|index| self.ids.get(index))
            .collect()
    }
}
