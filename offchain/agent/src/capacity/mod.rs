//! CapacityComputer: what a server can do, out of what it does.
//!
//! Nobody knows the capacity of a server, its operator included. What can be seen is what it gets done in a stretch
//! of time, a [`Window`], and whether it had more to do than it could. While it has (it is *saturated*), throughput
//! is capacity. So the computer
//!
//! 1. raises the number of requests at once as long as that gets more done (`limit`);
//! 2. takes the mean throughput of about ten saturated windows (`sums`), and begins anew when two windows in a row say
//!    by 2.5 standard deviations that it has become less;
//! 3. says 0 at once when the server is down, and afterwards a fifth more of what was before with each window, until
//!    all of it is back and there is evidence again.
//!
//! Arithmetic is that of 64-bit floats, by addition, multiplication, division and square root alone, in a stated
//! order: the TypeScript package computes the same numbers, and `tests/fixtures/agent/capacity.json` holds both to
//! it.

mod engines;
mod limit;
mod publish;
mod sums;

use serde::{Deserialize, Serialize};

pub use engines::{Engine, EngineReading, Meter};
use limit::{Limit, Outcome};
pub use publish::Publisher;
use sums::Sums;

/// The part of a window in which there was more to do than could be done, for it to count as saturated.
const SATURATED: f64 = 0.8;
/// Saturated tasks that are evidence enough.
const EVIDENCE: f64 = 20.0;
/// Standard deviations, and the part of what was, by which two windows in a row have to fall short.
const DEVIATIONS: f64 = 2.5;
const SHORT: f64 = 0.8;
/// Tasks that a window should have had for its shortfall to mean anything.
const COUNTABLE: f64 = 4.0;
/// What each window gives back after the server was down.
const RAMP: f64 = 0.2;
/// Tasks that make half of full confidence.
const HALF_SURE: f64 = 100.0;

/// What happened at a server in a stretch of time: ten seconds, say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    pub seconds: f64,
    /// Work that was finished, in work units of 1e-9.
    pub work: f64,
    /// Tasks that were finished.
    pub tasks: f64,
    /// The sum over all requests of the seconds that they were in flight within the window.
    pub busy_seconds: f64,
    /// Seconds in which requests waited, here or at the server, or as many ran as may.
    pub saturated_seconds: f64,
    /// Whether the server answers.
    pub up: bool,
}

/// What the computer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// Work units of 1e-9 per second.
    #[serde(with = "bpe_chain::decimal")]
    pub capacity: u64,
    /// Of 10 000.
    pub confidence_bps: u32,
    /// Requests at once.
    pub limit: u32,
}

/// What the computer is told at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapacitySettings {
    /// What is said before there is evidence, in work units of 1e-9 per second.
    #[serde(with = "bpe_chain::decimal")]
    pub initial: u64,
    /// Requests at once to begin with, and at most.
    pub first_limit: u32,
    pub most_limit: u32,
}

/// Computes the capacity of one server for one kind of work.
///
/// ```
/// use bpe_agent::capacity::{CapacityComputer, CapacitySettings, Window};
///
/// let mut computer = CapacityComputer::new(CapacitySettings { initial: 0, first_limit: 4, most_limit: 64 });
/// let window = Window {
///     seconds: 10.0,
///     work: 50e9, // 50 work units
///     tasks: 25.0,
///     busy_seconds: 40.0,
///     saturated_seconds: 10.0,
///     up: true,
/// };
/// let reading = computer.observe(&window);
/// assert_eq!(reading.capacity, 5_000_000_000); // 5 work units per second
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityComputer {
    initial: f64,
    limit: Limit,
    /// Saturated windows under the limit that holds.
    held: Sums,
    /// All windows.
    shown: Sums,
    /// Saturated windows in a row that fell short.
    short: Sums,
    shorts: u32,
    down: bool,
    /// What was said before the server was down, and how much of it may be said again.
    before: f64,
    allowed: f64,
}

impl CapacityComputer {
    pub fn new(settings: CapacitySettings) -> Self {
        Self {
            initial: float(settings.initial),
            limit: Limit::new(settings.first_limit, settings.most_limit),
            held: Sums::default(),
            shown: Sums::default(),
            short: Sums::default(),
            shorts: 0,
            down: false,
            before: 0.0,
            allowed: 0.0,
        }
    }

    /// Hears what happened in a window, and says what follows. A window whose numbers are none (negative, infinite,
    /// not a number, without time) is passed over.
    pub fn observe(&mut self, window: &Window) -> Reading {
        if !window.up {
            self.fall();
        } else if well_formed(window) {
            self.down = false;
            self.learn(window);
            self.recover();
        }
        self.reading()
    }

    /// What it says now.
    pub fn reading(&self) -> Reading {
        Reading {
            capacity: whole(self.capacity()),
            confidence_bps: u32::try_from(whole(self.confidence())).unwrap_or(10_000),
            limit: u32::try_from(whole(self.limit.value())).unwrap_or(u32::MAX),
        }
    }

    fn capacity(&self) -> f64 {
        if self.down {
            return 0.0;
        }
        let measured = self.held.rate().max(self.shown.rate());
        let known = self.held.tasks >= EVIDENCE;
        if self.before == 0.0 {
            return if known {
                measured
            } else {
                measured.max(self.initial)
            };
        }
        if known {
            return measured.min(self.allowed);
        }
        self.allowed
    }

    fn confidence(&self) -> f64 {
        if self.down {
            return 10_000.0;
        }
        let sure = |tasks: f64, full: f64| full * tasks / (tasks + HALF_SURE);
        sure(self.held.tasks, 10_000.0).max(sure(self.shown.tasks, 5_000.0))
    }

    fn fall(&mut self) {
        if !self.down {
            self.before = self.capacity();
        }
        self.down = true;
        self.allowed = 0.0;
        self.held = Sums::default();
        self.shown = Sums::default();
        self.forget_short();
        self.limit.abandon();
    }

    /// A part of what was before comes back with each window, whatever the server seems to do at first.
    fn recover(&mut self) {
        if self.before == 0.0 {
            return;
        }
        self.allowed += self.before * RAMP;
        let known = self.held.tasks >= EVIDENCE;
        if self.allowed >= self.before {
            self.allowed = self.before;
            if known {
                self.before = 0.0;
            }
        }
    }

    fn learn(&mut self, window: &Window) {
        let saturated = window.saturated_seconds >= SATURATED * window.seconds;
        self.shown.add(window);
        let settles = self.limit.settles();
        if saturated && !settles {
            self.hold_to(window);
        }
        if let Outcome::Raised(sums) = self.limit.observe(window, saturated, &self.held) {
            self.held = sums;
            self.forget_short();
        }
    }

    /// Adds a saturated window to the mean, or begins a new one.
    fn hold_to(&mut self, window: &Window) {
        if self.falls_short(window) {
            self.short.add(window);
            self.shorts += 1;
        } else {
            self.forget_short();
        }
        if self.shorts >= 2 {
            self.held = self.short;
            self.shown = self.short;
            self.forget_short();
        } else {
            self.held.add(window);
        }
    }

    fn falls_short(&self, window: &Window) -> bool {
        let expected = self.held.pace() * window.seconds;
        self.held.tasks >= EVIDENCE
            && expected >= COUNTABLE
            && window.tasks + DEVIATIONS * expected.sqrt() < expected
            && window.work < SHORT * self.held.rate() * window.seconds
    }

    fn forget_short(&mut self) {
        self.short = Sums::default();
        self.shorts = 0;
    }
}

fn well_formed(window: &Window) -> bool {
    let numbers = [
        window.work,
        window.tasks,
        window.busy_seconds,
        window.saturated_seconds,
    ];
    window.seconds.is_finite()
        && window.seconds > 0.0
        && numbers.iter().all(|it| it.is_finite() && *it >= 0.0)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "capacities are far below 2^53 in practice, and rounded above"
)]
const fn float(value: u64) -> f64 {
    value as f64
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative and too large numbers saturate"
)]
fn whole(value: f64) -> u64 {
    value.floor() as u64
}
