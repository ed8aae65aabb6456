//! When a capacity is worth telling: not at every breath of it.

/// Decides whether a capacity is told.
///
/// ```
/// use bpe_agent::capacity::Publisher;
///
/// // By a twentieth, or after 300 s.
/// let mut publisher = Publisher::new(500, 300);
/// assert!(publisher.due(1_000, 0));
/// publisher.told(1_000, 0);
/// assert!(!publisher.due(1_049, 10));
/// assert!(publisher.due(1_050, 10));
/// assert!(publisher.due(0, 10));
/// assert!(publisher.due(1_000, 300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publisher {
    delta_bps: u64,
    renew_after: u64,
    last: Option<(u64, u64)>,
}

impl Publisher {
    /// Tells changes of `delta_bps` of 10 000 or more, and everything again after so many seconds.
    pub const fn new(delta_bps: u64, renew_after: u64) -> Self {
        Self {
            delta_bps,
            renew_after,
            last: None,
        }
    }

    /// Whether `capacity` should be told at `now`, in seconds.
    pub fn due(&self, capacity: u64, now: u64) -> bool {
        let Some((last, at)) = self.last else {
            return capacity > 0;
        };
        if capacity == last && last == 0 {
            return false;
        }
        let change = u128::from(capacity.abs_diff(last)) * 10_000;
        capacity == 0
            || (change > 0 && change >= u128::from(last) * u128::from(self.delta_bps))
            || now.saturating_sub(at) >= self.renew_after
    }

    /// It was told.
    pub fn told(&mut self, capacity: u64, now: u64) {
        self.last = Some((capacity, now));
    }
}
