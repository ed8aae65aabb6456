//! Who gets a task of a task type by work, as sources choose: by what sinks have shown that they can do.
//!
//! By capacity a task goes to a sink drawn by the pool's units. By work nothing binds a source: of two sinks, drawn by
//! the capacity that each has shown, it takes the one where the task is done sooner, as far as it can see from outside.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::work::Dispatcher;

/// How much more than it has shown a sink is given room for, so that it can show more.
const GROWTH: f64 = 1.5;
/// The part of what it declares that a sink has room for before it has shown anything.
const FIRST_TRUST: f64 = 0.1;
/// A sink that let a task fail is believed half of what it was, and a tenth more with each task that it does.
const LOSS: f64 = 0.5;
const GAIN: f64 = 0.1;
const LEAST_TRUST: f64 = 1.0 / 64.0;
/// Seconds that a sink that let a task fail is left alone, at first and at most: as `bpe source` does (`choose.suspend`). Twice as
/// long each time, and one fault is forgotten for each task that is done.
const SUSPEND: u64 = 2;
const SUSPEND_MOST: u64 = 60;
const MOST_FAULTS: u32 = 16;

/// What sources see of a sink, in generated tokens per second and tokens.
#[derive(Clone, Copy, Debug)]
struct Seen {
    room: f64,
    trust: f64,
    /// What it was given and neither did nor let fail.
    outstanding: f64,
    faults: u32,
    /// Until then it is left alone, in milliseconds.
    not_before: u64,
}

/// A task that a sink has, in the order in which sources learn what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Open {
    /// Milliseconds.
    until: u64,
    sink: usize,
    tokens: u32,
    is_done: bool,
}

/// What sources know of the sinks of a task type.
pub struct Router {
    seen: Vec<Seen>,
    open: BinaryHeap<Reverse<Open>>,
}

impl Router {
    pub fn new(sinks: usize) -> Self {
        let seen = Seen {
            room: 0.0,
            trust: 1.0,
            outstanding: 0.0,
            faults: 0,
            not_before: 0,
        };
        Self {
            seen: vec![seen; sinks],
            open: BinaryHeap::new(),
        }
    }

    /// Takes note of what a sink declares and has shown; one that declares nothing has no room.
    pub fn look(&mut self, sink: usize, declared: f64, shown: f64) {
        self.seen[sink].room = declared.min(GROWTH * shown + FIRST_TRUST * declared);
    }

    /// A sink for a task that comes at `at`, in seconds; none, if there are none. Those that have `refused` are left
    /// out.
    pub fn choose(
        &mut self,
        dispatcher: &mut Dispatcher,
        at: f64,
        tokens: u32,
        refused: &[usize],
    ) -> Option<usize> {
        self.learn(at);
        let now = (at * 1e3) as u64;
        let weight =
            |(sink, seen): (usize, &Seen)| match seen.not_before > now || refused.contains(&sink) {
                true => 0,
                // In thousandths of a token per second: small ones count, too.
                false => (seen.room * seen.trust * 1e3) as u128,
            };
        let weights: Vec<u128> = self.seen.iter().enumerate().map(weight).collect();
        let pair = [dispatcher.draw(&weights)?, dispatcher.draw(&weights)?];
        let [first, second] = pair.map(|sink| self.wait(sink, tokens));
        Some(pair[usize::from(second < first)])
    }

    /// How long a sink would take for a task, and for all it has.
    fn wait(&self, sink: usize, tokens: u32) -> f64 {
        let seen = &self.seen[sink];
        (seen.outstanding + f64::from(tokens)) / (seen.room * seen.trust)
    }

    /// A sink has accepted a task, of which sources hear `until` then whether it is done.
    pub fn accepted(&mut self, sink: usize, tokens: u32, until: f64, is_done: bool) {
        self.seen[sink].outstanding += f64::from(tokens);
        self.open.push(Reverse(Open {
            until: (until * 1e3) as u64,
            sink,
            tokens,
            is_done,
        }));
    }

    /// Learns what became of the tasks until now.
    fn learn(&mut self, now: f64) {
        let now = (now * 1e3) as u64;
        while let Some(Reverse(open)) = self.open.peek().copied() {
            if open.until > now {
                return;
            }
            self.open.pop();
            let seen = &mut self.seen[open.sink];
            seen.outstanding -= f64::from(open.tokens);
            match open.is_done {
                true => {
                    seen.trust = (seen.trust + GAIN).min(1.0);
                    seen.faults = seen.faults.saturating_sub(1);
                }
                false => seen.fail(open.until),
            }
        }
    }
}

impl Seen {
    /// It let a task fail, of which sources hear now, in milliseconds.
    fn fail(&mut self, now: u64) {
        self.trust = (self.trust * LOSS).max(LEAST_TRUST);
        let pause = (SUSPEND << self.faults).min(SUSPEND_MOST);
        self.faults = (self.faults + 1).min(MOST_FAULTS);
        self.not_before = now + pause * 1_000;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> (Router, Dispatcher) {
        let mut router = Router::new(3);
        router.look(0, 10.0, 10.0);
        router.look(1, 10.0, 10.0);
        (router, Dispatcher::new(1))
    }

    fn shares(router: &mut Router, dispatcher: &mut Dispatcher, at: f64) -> [usize; 3] {
        let mut shares = [0; 3];
        for _ in 0..1_000 {
            shares[router.choose(dispatcher, at, 10, &[]).unwrap()] += 1;
        }
        shares
    }

    #[test]
    fn tasks_go_where_there_is_room() {
        let (mut router, mut dispatcher) = router();
        let [first, second, none] = shares(&mut router, &mut dispatcher, 0.0);
        assert_eq!(none, 0);
        assert!(first.abs_diff(second) < 100, "{first} {second}");
        // With a long queue at the first, only what draws it twice goes there.
        router.accepted(0, 1_000, 100.0, true);
        let [first, _, _] = shares(&mut router, &mut dispatcher, 1.0);
        assert!((150..350).contains(&first), "{first}");
        assert_eq!(router.choose(&mut dispatcher, 1.0, 10, &[0, 1]), None);
        assert_eq!(router.choose(&mut dispatcher, 1.0, 10, &[0]), Some(1));
    }

    /// One that has shown nothing gets little, however much it declares.
    #[test]
    fn what_is_declared_counts_a_tenth() {
        let (mut router, mut dispatcher) = router();
        router.look(2, 100.0, 0.0);
        let [_, _, third] = shares(&mut router, &mut dispatcher, 0.0);
        router.look(2, 100.0, 100.0);
        let [_, _, shown] = shares(&mut router, &mut dispatcher, 0.0);
        assert!(third < 400 && shown > 900, "{third} {shown}");
    }

    #[test]
    fn one_that_lets_tasks_fail_is_avoided_until_it_does_some() {
        let (mut router, mut dispatcher) = router();
        for _ in 0..4 {
            router.accepted(0, 10, 5.0, false);
        }
        // Left alone for 2, 4, 8 and 16 seconds, the last of which count.
        let [first, second, _] = shares(&mut router, &mut dispatcher, 20.9);
        assert_eq!((first, second), (0, 1_000));
        let [first, second, _] = shares(&mut router, &mut dispatcher, 21.0);
        assert!(first * 10 < second, "{first} {second}");
        assert_eq!(router.seen[0].outstanding, 0.0);
        for _ in 0..10 {
            router.accepted(0, 10, 22.0, true);
        }
        router.learn(22.0);
        assert_eq!((router.seen[0].trust, router.seen[0].faults), (1.0, 0));
    }

    #[test]
    fn nobody_is_left_alone_for_longer_than_a_minute() {
        let (mut router, _) = router();
        for _ in 0..40 {
            router.accepted(0, 10, 100.0, false);
        }
        router.learn(100.0);
        assert_eq!(router.seen[0].not_before, 160_000);
        assert_eq!(router.seen[0].trust, LEAST_TRUST);
    }
}
