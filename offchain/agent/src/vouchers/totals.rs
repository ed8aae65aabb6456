//! Running totals: what a task adds, and which of two vouchers is the later one.

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

/// What WorkVouchers can keep: 2^104 − 1 of work, 2^112 − 1 wei, 2^40 − 1 tasks.
pub const MOST_WORK: u128 = (1 << 104) - 1;
pub const MOST_VALUE: u128 = (1 << 112) - 1;
pub const MOST_TASKS: u64 = (1 << 40) - 1;

/// One work unit, of 1e-9.
const UNIT: u128 = 1_000_000_000;

/// Totals cannot be what they would have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a voucher holds at most {most} of {name}")]
pub struct TooLarge {
    pub name: &'static str,
    pub most: u128,
}

/// What a sink has done for a source since ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// In work units of 1e-9.
    #[serde(with = "bpe_chain::decimal")]
    pub work: u128,
    /// In wei.
    #[serde(with = "bpe_chain::decimal")]
    pub value: u128,
    #[serde(with = "bpe_chain::decimal")]
    pub tasks: u64,
}

/// How offered totals stand to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    Same,
    Later,
    Earlier,
    /// One total is above and another below: both cannot be true.
    Equivocation,
}

impl Totals {
    /// With a task more, or several.
    ///
    /// # Errors
    /// If one of them would be more than the contract can keep.
    pub fn plus(self, more: Self) -> Result<Self, TooLarge> {
        let sum = |name, a: u128, b: u128, most| {
            let sum = a.checked_add(b).filter(|sum| *sum <= most);
            sum.ok_or(TooLarge { name, most })
        };
        let most_tasks = u128::from(MOST_TASKS);
        let tasks = sum("tasks", self.tasks.into(), more.tasks.into(), most_tasks)?;
        Ok(Self {
            work: sum("work", self.work, more.work, MOST_WORK)?,
            value: sum("value", self.value, more.value, MOST_VALUE)?,
            tasks: u64::try_from(tasks).unwrap_or(MOST_TASKS),
        })
    }

    /// What is above `counted`: each total by itself, at least 0.
    pub fn above(self, counted: Self) -> Self {
        Self {
            work: self.work.saturating_sub(counted.work),
            value: self.value.saturating_sub(counted.value),
            tasks: self.tasks.saturating_sub(counted.tasks),
        }
    }

    /// How `offered` stands to this.
    pub fn order(self, offered: Self) -> Order {
        let pairs = [
            (self.work, offered.work),
            (self.value, offered.value),
            (self.tasks.into(), offered.tasks.into()),
        ];
        let above = pairs.iter().any(|(there, offered)| offered > there);
        let below = pairs.iter().any(|(there, offered)| offered < there);
        match (above, below) {
            (false, false) => Order::Same,
            (true, false) => Order::Later,
            (false, true) => Order::Earlier,
            (true, true) => Order::Equivocation,
        }
    }
}

/// What work is worth at a price in wei per work unit: floor(work · price / 1e9). `None` if that is more than a
/// voucher holds.
///
/// ```
/// use bpe_agent::vouchers::value_of;
///
/// assert_eq!(value_of(1_500_000_000, 3), Some(4)); // one and a half work units at 3 wei
/// ```
pub fn value_of(work: u128, price: u128) -> Option<u128> {
    let value = U256::from(work) * U256::from(price) / U256::from(UNIT);
    u128::try_from(value)
        .ok()
        .filter(|value| *value <= MOST_VALUE)
}

/// The price at which `work` is worth `value` at most: floor(value · 1e9 / work), in wei per work unit. 0 without work.
pub fn price_of(work: u128, value: u128) -> u128 {
    if work == 0 {
        return 0;
    }
    (U256::from(value) * U256::from(UNIT) / U256::from(work)).saturating_to()
}
