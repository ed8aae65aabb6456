//! The sinks' work, off chain: who gets a task, and whether it is done in time.

use rand_chacha::{
    rand_core::{RngCore as _, SeedableRng as _},
    ChaCha8Rng,
};

/// A task that is not done so many seconds after it was asked for has failed: nobody waits longer.
pub const PATIENCE: f64 = 120.0;

/// A sink's machine: a queue, first in first out, worked off at a speed.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Tokens per second.
    speed: f64,
    /// When it has worked off what it has accepted.
    free_at: f64,
    /// When it breaks down.
    down_from: f64,
}

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Done { at: f64 },
    Failed,
}

impl Worker {
    pub fn new(speed: f64) -> Self {
        Self {
            speed,
            free_at: 0.0,
            down_from: f64::INFINITY,
        }
    }

    /// From now on it is so fast.
    pub fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
    }

    /// It works until then, and no longer.
    pub fn breaks_down(mut self, at: f64) -> Self {
        self.down_from = at;
        self
    }

    /// Whether it could not do a task in time, as far as it knows.
    pub fn is_full(&self, at: f64, tokens: u32) -> bool {
        self.done_at(at, tokens) > at + PATIENCE
    }

    fn done_at(&self, at: f64, tokens: u32) -> f64 {
        self.free_at.max(at) + f64::from(tokens) / self.speed
    }

    /// Gives it a task at `at`, which is not before the last one's. What it could not do in time it leaves, and works
    /// on what is next.
    pub fn offer(&mut self, at: f64, tokens: u32) -> Outcome {
        let done = self.done_at(at, tokens);
        if done > at + PATIENCE || done > self.down_from {
            return Outcome::Failed;
        }
        self.free_at = done;
        Outcome::Done { at: done }
    }
}

/// Draws sinks by weight, the same ones for the same seed.
pub struct Dispatcher(ChaCha8Rng);

impl Dispatcher {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 to below 1.
    pub fn fraction(&mut self) -> f64 {
        const SCALE: f64 = 1.0 / (1u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * SCALE
    }

    /// A number from `low` to below `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.fraction()
    }

    /// A whole number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.fraction() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// A normal deviate with mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        // Box and Muller; no logarithm of zero.
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.fraction()).cos()
    }

    /// An exponential deviate with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.fraction()).ln()
    }

    /// A place in `weights`, which sum to less than 2^64; none if all are zero.
    pub fn draw(&mut self, weights: &[u128]) -> Option<usize> {
        let total: u128 = weights.iter().sum();
        // The high word of the product is uniform below `total`.
        let mut rest = (u128::from(self.0.next_u64()) * total) >> 64;
        weights.iter().position(|weight| {
            let found = rest < *weight;
            rest = rest.saturating_sub(*weight);
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_done_one_after_the_other_at_the_true_speed() {
        let mut worker = Worker::new(10.0);
        assert_eq!(worker.offer(0.0, 100), Outcome::Done { at: 10.0 });
        assert_eq!(worker.offer(1.0, 50), Outcome::Done { at: 15.0 });
        // It was idle in between.
        assert_eq!(worker.offer(100.0, 10), Outcome::Done { at: 101.0 });
    }

    #[test]
    fn a_task_that_would_wait_too_long_fails_and_holds_up_nobody() {
        let mut worker = Worker::new(1.0);
        assert_eq!(worker.offer(0.0, 100), Outcome::Done { at: 100.0 });
        assert!(worker.is_full(1.0, 22) && !worker.is_full(1.0, 20));
        assert_eq!(worker.offer(1.0, 22), Outcome::Failed);
        assert_eq!(worker.offer(1.0, 20), Outcome::Done { at: 120.0 });
        assert_eq!(worker.offer(1.0, 1), Outcome::Done { at: 121.0 });
        assert_eq!(worker.offer(1.0, 1), Outcome::Failed);
    }

    #[test]
    fn who_is_down_does_nothing_any_more() {
        let mut worker = Worker::new(1.0).breaks_down(50.0);
        assert_eq!(worker.offer(40.0, 5), Outcome::Done { at: 45.0 });
        assert_eq!(worker.offer(45.0, 6), Outcome::Failed);
        assert_eq!(worker.offer(45.0, 5), Outcome::Done { at: 50.0 });
        assert_eq!(worker.offer(60.0, 0), Outcome::Failed);
    }

    #[test]
    fn sinks_are_drawn_in_proportion_and_the_same_ones_again() {
        let weights = [1, 0, 2, 7];
        let mut dispatcher = Dispatcher::new(1);
        let drawn: Vec<usize> = (0..10_000)
            .map(|_| dispatcher.draw(&weights).unwrap())
            .collect();
        for (place, weight) in weights.into_iter().enumerate() {
            let count = drawn.iter().filter(|drawn| **drawn == place).count();
            let expected = weight as usize * 1_000;
            assert!(count.abs_diff(expected) < 150, "{place}: {count}");
        }
        assert!(!drawn.contains(&1));
        let mut again = Dispatcher::new(1);
        let repeated = (0..10_000).map(|_| again.draw(&weights).unwrap());
        assert_eq!(drawn, repeated.collect::<Vec<_>>());
        assert_eq!(dispatcher.draw(&[]), None);
        assert_eq!(dispatcher.draw(&[0, 0]), None);
    }
}
