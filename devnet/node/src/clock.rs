//! Time and the L1 block number of the next block.
//!
//! As on Arbitrum, `block.number` is the number of the L1 block, not of this chain's: it advances with time, one for
//! every [`L1_BLOCK_SECONDS`], and by at least one for every block mined on request (`evm_mine`), so that a test can
//! reach "a later block" without waiting.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Seconds between L1 blocks.
pub const L1_BLOCK_SECONDS: u64 = 12;

/// L1 block of the genesis: room for contracts that look some blocks back.
pub const L1_GENESIS: u64 = 1_000;

/// What a chain's time is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeSource {
    /// The machine's clock.
    System,
    /// Stands still at the genesis' time: only travel moves it, so that tests know every timestamp.
    Manual,
}

/// The chain's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Clock {
    source: TimeSource,
    genesis: u64,
    /// How far travel has moved time from its source.
    offset: i64,
    /// The time asked for the next block.
    next: Option<u64>,
    /// L1 blocks ahead of what time alone gives.
    l1_ahead: u64,
    /// How fast the machine's time counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speed: Option<Speed>,
}

/// From `since` on, a second of the machine is `factor` seconds of the chain.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Speed {
    factor: u32,
    /// Time of the machine since the epoch.
    since: Duration,
}

impl Speed {
    fn from_now(factor: u32) -> Option<Self> {
        let since = since_epoch();
        (factor > 1).then_some(Self { factor, since })
    }

    fn apply(self, now: Duration) -> Duration {
        let elapsed = now.saturating_sub(self.since);
        self.since
            .saturating_add(elapsed.saturating_mul(self.factor))
    }
}

/// A time before the latest block's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timestamp {requested} is before the latest block's {latest}")]
pub struct TimeInPast {
    pub requested: u64,
    pub latest: u64,
}

impl Clock {
    pub fn new(source: TimeSource, genesis: Option<u64>) -> Self {
        Self {
            source,
            genesis: genesis.unwrap_or_else(system_time),
            offset: 0,
            next: None,
            l1_ahead: 0,
            speed: None,
        }
    }

    /// Sets how many seconds pass here for one of the machine, from now on, and not before `latest`. Manual time stands
    /// still at any speed.
    pub fn set_speed(&mut self, factor: u32, latest: u64) {
        let before = match self.speed {
            // While nobody looked, time did not fly.
            Some(_) => latest,
            None => self.now().max(latest),
        };
        self.speed = Speed::from_now(factor);
        self.offset = travel(self.source_time(), before);
    }

    pub fn source(&self) -> TimeSource {
        self.source
    }

    /// Seconds here for one of the machine.
    pub fn speed(&self) -> u32 {
        self.speed.map_or(1, |speed| speed.factor)
    }

    pub fn genesis(&self) -> u64 {
        self.genesis
    }

    /// Time now, travel included.
    pub fn now(&self) -> u64 {
        self.source_time().saturating_add_signed(self.offset)
    }

    /// Timestamp of a block mined now on one of `latest`. Blocks may share a timestamp, as on Arbitrum.
    pub fn next_timestamp(&self, latest: u64) -> u64 {
        self.next.unwrap_or_else(|| self.now()).max(latest)
    }

    /// L1 block number that goes with `timestamp`.
    pub fn l1_number(&self, timestamp: u64) -> u64 {
        L1_GENESIS + timestamp.saturating_sub(self.genesis) / L1_BLOCK_SECONDS + self.l1_ahead
    }

    /// Makes L1 numbers start past `l1_number` from `timestamp` on.
    pub fn pass_l1_block(&mut self, l1_number: u64, timestamp: u64) {
        self.l1_ahead += (l1_number + 1).saturating_sub(self.l1_number(timestamp));
    }

    /// Moves time on; gives all travel so far.
    pub fn advance(&mut self, seconds: u64) -> i64 {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        self.offset = self.offset.saturating_add(seconds);
        self.offset
    }

    /// Sets the next block's time; time goes on from there.
    pub fn set_next(&mut self, timestamp: u64, latest: u64) -> Result<(), TimeInPast> {
        if timestamp < latest {
            return Err(TimeInPast {
                requested: timestamp,
                latest,
            });
        }
        self.next = Some(timestamp);
        Ok(())
    }

    /// A block with `timestamp` was mined.
    pub fn mined(&mut self, timestamp: u64) {
        if self.next.take().is_some() {
            self.offset = travel(self.source_time(), timestamp);
        }
    }

    /// Measures time by another source, from `latest` on.
    pub fn change_source(&mut self, source: TimeSource, latest: u64) {
        if source == self.source {
            return;
        }
        self.source = source;
        self.offset = match source {
            TimeSource::System => 0,
            TimeSource::Manual => {
                i64::try_from(latest.saturating_sub(self.genesis)).unwrap_or(i64::MAX)
            }
        };
    }

    fn source_time(&self) -> u64 {
        match self.source {
            TimeSource::System => {
                let now = since_epoch();
                self.speed.map_or(now, |speed| speed.apply(now)).as_secs()
            }
            TimeSource::Manual => self.genesis,
        }
    }
}

/// What moves `source` to `target`.
fn travel(source: u64, target: u64) -> i64 {
    i64::try_from(i128::from(target) - i128::from(source)).unwrap_or(i64::MAX)
}

fn system_time() -> u64 {
    since_epoch().as_secs()
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_travel() {
        let mut clock = Clock::new(TimeSource::Manual, Some(1_000));
        assert_eq!(clock.next_timestamp(1_000), 1_000);
        assert_eq!(clock.advance(60), 60);
        assert_eq!(clock.next_timestamp(1_000), 1_060);
        clock.set_next(5_000, 1_060).unwrap();
        assert_eq!(clock.next_timestamp(1_060), 5_000);
        clock.mined(5_000);
        assert_eq!(clock.now(), 5_000);
        assert_eq!(
            clock.set_next(4_999, 5_000),
            Err(TimeInPast {
                requested: 4_999,
                latest: 5_000
            })
        );
    }

    #[test]
    fn system_time_goes_on_after_travel() {
        let mut clock = Clock::new(TimeSource::System, None);
        let target = clock.now() + 1_000_000;
        clock.set_next(target, clock.genesis()).unwrap();
        clock.mined(target);
        assert!((target..target + 5).contains(&clock.now()));
    }

    #[test]
    fn a_fast_clock_counts_from_where_it_was_set() {
        let speed = Speed {
            factor: 60,
            since: Duration::from_secs(1_000),
        };
        let at = |millis| speed.apply(Duration::from_millis(millis)).as_secs();
        assert_eq!(at(1_000_000), 1_000);
        assert_eq!(at(1_000_500), 1_030);
        assert_eq!(at(1_061_000), 1_000 + 61 * 60);

        // A chain that was ahead of the machine goes on from there, at whatever speed.
        let mut clock = Clock::new(TimeSource::System, None);
        let ahead = clock.now() + 1_000_000;
        for factor in [60, 1] {
            clock.set_speed(factor, ahead);
            assert_eq!(clock.speed(), factor);
            assert!((ahead..ahead + 600).contains(&clock.now()));
        }
    }

    #[test]
    fn l1_number_follows_time_and_requests() {
        let mut clock = Clock::new(TimeSource::Manual, Some(0));
        assert_eq!(clock.l1_number(11), L1_GENESIS);
        assert_eq!(clock.l1_number(12), L1_GENESIS + 1);
        clock.pass_l1_block(L1_GENESIS, 0);
        assert_eq!(clock.l1_number(0), L1_GENESIS + 1);
        // Time has already passed it.
        clock.pass_l1_block(L1_GENESIS + 1, 120);
        assert_eq!(clock.l1_number(120), L1_GENESIS + 11);
    }
}
