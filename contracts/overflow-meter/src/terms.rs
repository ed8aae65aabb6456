//! What bounds the pay of a task type's sinks.

use alloy_primitives::U256;
use bpe_common::math::{split::scale, to_u128, to_u128_saturating, CAPACITY_ONE};

/// Price and limit of a task type.
pub(super) struct Terms {
    /// Wei per second and capacity unit; zero: none.
    price: u128,
    /// The capacity that is paid for at most.
    limit: Option<u128>,
}

impl Terms {
    pub(super) fn new(price: U256, limit: U256) -> Self {
        Self {
            price: to_u128_saturating(price),
            limit: to_u128(limit),
        }
    }

    /// Whether there is a price or a limit.
    pub(super) fn bound(&self) -> bool {
        self.price > 0 || self.limit.is_some()
    }

    /// Whether there is a limit and no price.
    pub(super) fn only_limited(&self) -> bool {
        self.price == 0 && self.limit.is_some()
    }

    fn paid_for(&self, capacity: u128) -> u128 {
        self.limit.map_or(capacity, |limit| limit.min(capacity))
    }

    /// What `capacity` is worth in wei per second; zero without a price.
    pub(super) fn worth(&self, capacity: u128) -> u128 {
        scale(
            self.paid_for(capacity),
            self.price,
            u128::from(CAPACITY_ONE),
        )
    }

    /// What sinks with `capacity` get of `left` wei per second.
    pub(super) fn pay(&self, capacity: u128, left: u128) -> u128 {
        match self.price {
            0 if self.paid_for(capacity) < capacity => {
                scale(left, self.paid_for(capacity), capacity)
            }
            0 => left,
            _ => self.worth(capacity).min(left),
        }
    }
}
