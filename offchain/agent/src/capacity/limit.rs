//! How many requests at once: raised as long as more of them get more done.
//!
//! A limit is tried for some windows while there is demand for it. If throughput rises by at least a fifth of what
//! the limit did, it stays and the next one is tried; otherwise the old one comes back. Steps double at first, and
//! are a quarter later.

use super::{sums::Sums, Window};

const DOUBLE: f64 = 2.0;
const QUARTER_MORE: f64 = 1.25;
/// The part of a raise that throughput has to follow.
const WORTH: f64 = 0.2;
/// Windows that a trial is measured for: at least, and at most, until there were so many tasks.
const MEASURE_LEAST: u32 = 2;
const MEASURE_MOST: u32 = 6;
const MEASURE_TASKS: f64 = 60.0;
/// Windows between trials once none of the steps was worth it.
const HOLD: u32 = 12;
/// So many times as slow as at its fastest is too slow, whatever throughput does.
const TOO_SLOW: f64 = 4.0;
/// Standard deviations that a trial has the benefit of: a limit that is too high costs time, one that is too low
/// costs pay.
const DOUBT: f64 = 1.5;

/// What a trial came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing was decided.
    None,
    /// The higher limit stays; these are the sums under it.
    Raised(Sums),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    before: f64,
    sums: Sums,
    /// Seconds since the raise: what was begun before it is to end first.
    age: f64,
    settled: bool,
    windows: u32,
}

/// The limit on requests in flight.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    value: f64,
    most: f64,
    step: f64,
    hold: u32,
    trial: Option<Trial>,
    /// The least seconds in flight for a unit of work.
    fastest: f64,
}

impl Limit {
    pub fn new(first: u32, most: u32) -> Self {
        let most = f64::from(most.max(1));
        Self {
            value: f64::from(first.max(1)).min(most),
            most,
            step: DOUBLE,
            hold: 0,
            trial: None,
            fastest: 0.0,
        }
    }

    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether a trial is under way, whose first windows belong to the old limit.
    pub fn settles(&self) -> bool {
        self.trial.is_some_and(|trial| !trial.settled)
    }

    /// Goes back to where it was before a trial.
    pub fn abandon(&mut self) {
        if let Some(trial) = self.trial.take() {
            self.value = trial.before;
        }
    }

    /// Hears of a window, and of the sums under the limit that holds.
    pub fn observe(&mut self, window: &Window, saturated: bool, held: &Sums) -> Outcome {
        self.remember_fastest(window);
        if !saturated {
            self.abandon();
            self.hold = self.hold.saturating_sub(1);
            return Outcome::None;
        }
        let Some(mut trial) = self.trial else {
            self.begin(held);
            return Outcome::None;
        };
        trial.age += window.seconds;
        if !trial.settled {
            trial.settled = trial.age >= held.latency();
            self.trial = Some(trial);
            return Outcome::None;
        }
        trial.sums.add(window);
        trial.windows += 1;
        let enough = trial.windows >= MEASURE_MOST
            || (trial.windows >= MEASURE_LEAST && trial.sums.tasks >= MEASURE_TASKS);
        self.trial = Some(trial);
        if enough {
            self.decide(trial, held)
        } else {
            Outcome::None
        }
    }

    fn begin(&mut self, held: &Sums) {
        if self.hold > 0 {
            self.hold -= 1;
            return;
        }
        if held.tasks <= 0.0 || self.value >= self.most || self.too_slow(held) {
            return;
        }
        let next = (self.value * self.step).floor().max(self.value + 1.0);
        self.trial = Some(Trial {
            before: self.value,
            sums: Sums::default(),
            age: 0.0,
            settled: false,
            windows: 0,
        });
        self.value = next.min(self.most);
    }

    fn decide(&mut self, trial: Trial, held: &Sums) -> Outcome {
        self.trial = None;
        let raise = self.value / trial.before - 1.0;
        let needed = held.rate() * (1.0 + WORTH * raise);
        if trial.sums.rate() + doubt(&trial.sums, held) >= needed && !self.too_slow(&trial.sums) {
            return Outcome::Raised(trial.sums);
        }
        self.value = trial.before;
        if self.step > QUARTER_MORE {
            self.step = QUARTER_MORE;
        } else {
            self.hold = HOLD;
        }
        Outcome::None
    }

    fn too_slow(&self, sums: &Sums) -> bool {
        self.fastest > 0.0 && sums.slowness() > TOO_SLOW * self.fastest
    }

    fn remember_fastest(&mut self, window: &Window) {
        const TASKS: f64 = 5.0;
        if window.tasks < TASKS || window.work <= 0.0 || window.busy_seconds <= 0.0 {
            return;
        }
        let slowness = window.busy_seconds / window.work;
        if self.fastest == 0.0 || slowness < self.fastest {
            self.fastest = slowness;
        }
    }
}

/// What of a trial's throughput may be chance, as tasks come out one by one.
fn doubt(trial: &Sums, held: &Sums) -> f64 {
    if trial.tasks <= 0.0 || held.tasks <= 0.0 {
        return 0.0;
    }
    DOUBT * held.rate() * (1.0 / trial.tasks + 1.0 / held.tasks).sqrt()
}
