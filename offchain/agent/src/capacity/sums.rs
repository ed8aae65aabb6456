//! Sums over windows in which the past fades: a mean over about ten windows.

use super::Window;

/// What is left of a sum when the next window is added.
const KEPT: f64 = 0.9;

/// Work, time and tasks of the last windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    pub work: f64,
    pub seconds: f64,
    pub tasks: f64,
    pub busy: f64,
}

impl Sums {
    /// Adds a window, and lets what was before fade.
    pub fn add(&mut self, window: &Window) {
        self.work = self.work * KEPT + window.work;
        self.seconds = self.seconds * KEPT + window.seconds;
        self.tasks = self.tasks * KEPT + window.tasks;
        self.busy = self.busy * KEPT + window.busy_seconds;
    }

    /// Work per second, in units of 1e-9; 0 without time.
    pub fn rate(&self) -> f64 {
        ratio(self.work, self.seconds)
    }

    /// Tasks per second; 0 without time.
    pub fn pace(&self) -> f64 {
        ratio(self.tasks, self.seconds)
    }

    /// Seconds that a request was in flight; 0 without tasks.
    pub fn latency(&self) -> f64 {
        ratio(self.busy, self.tasks)
    }

    /// Seconds in flight for a unit of work of 1e-9; 0 without work.
    pub fn slowness(&self) -> f64 {
        ratio(self.busy, self.work)
    }
}

fn ratio(of: f64, by: f64) -> f64 {
    if by > 0.0 {
        of / by
    } else {
        0.0
    }
}
