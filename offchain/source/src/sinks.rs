//! Sinks: who there is, how they are, and which one is asked.
//!
//! Busy is not broken: a sink that says when to come back is left alone until then; one that fails, for a time that
//! doubles. Of those with room two are drawn, weighted by what they have free, and the cheaper-and-faster of the two
//! is asked.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::{Address, B256, U256};
use bpe_agent::formats::TaskTypeStatus;

use crate::random::random;

/// A fault is forgotten by one for each task that was done.
const MOST_FAULTS: u32 = 16;
/// What a sink that never answered is taken to need, in milliseconds: less than any, so that new ones are tried.
const UNKNOWN_MS: u64 = 0;

/// What is known of a sink.
#[derive(Clone, Debug)]
pub struct Known {
    pub sink: Address,
    pub url: String,
    /// Work units of 1e-9 per second, tasks that would run at once, and wei per work unit, as it says.
    pub capacity: u64,
    pub free: u32,
    pub price: u128,
    /// Tasks of ours in flight there.
    pub in_flight: u32,
    /// A mean of how long it takes until an answer begins.
    pub latency_ms: u64,
    pub faults: u32,
    pub not_before: Option<Instant>,
}

impl Known {
    fn new(sink: Address, url: String) -> Self {
        Self {
            sink,
            url,
            capacity: 0,
            free: 1,
            price: 0,
            in_flight: 0,
            latency_ms: UNKNOWN_MS,
            faults: 0,
            not_before: None,
        }
    }

    /// What it can still take, as a weight: never 0.
    fn weight(&self) -> u64 {
        u64::from(self.free.saturating_sub(self.in_flight)) + 1
    }

    /// The less, the better: price times time, times faults. The address decides among equals.
    fn score(&self) -> (u128, Address) {
        let time = u128::from(self.latency_ms) + 100;
        let faults = u128::from(self.faults) + 1;
        let price = self.price.saturating_add(1);
        (price.saturating_mul(time).saturating_mul(faults), self.sink)
    }
}

/// All sinks of all task types.
pub struct Sinks {
    of: Mutex<HashMap<B256, HashMap<Address, Known>>>,
    suspend: Duration,
    suspend_most: Duration,
}

impl Sinks {
    pub fn new(suspend: Duration, suspend_most: Duration) -> Self {
        Self {
            of: Mutex::default(),
            suspend,
            suspend_most,
        }
    }

    /// The sinks of a task type, as a directory and the registry have them now. What is known of those that stay,
    /// stays.
    pub fn set(&self, task_type: B256, services: Vec<(Address, String)>) {
        let mut of = self.of();
        let known = of.entry(task_type).or_default();
        let mut now = HashMap::with_capacity(services.len());
        for (sink, url) in services {
            let it = match known.remove(&sink) {
                Some(it) if it.url == url => it,
                _ => Known::new(sink, url),
            };
            now.insert(sink, it);
        }
        *known = now;
    }

    /// A sink said how it is; nothing, if it did not answer.
    pub fn said(&self, task_type: B256, sink: Address, status: Option<&TaskTypeStatus>) {
        self.with(task_type, sink, |it| match status {
            Some(status) => {
                it.capacity = status.capacity;
                it.free = status.free;
                it.price = status.price;
            }
            None => it.free = 0,
        });
    }

    /// A sink to ask, that is none of those and charges at most so much. It counts as asked until [`Sinks::ended`].
    pub fn choose(&self, task_type: B256, not: &[Address], most_price: u128) -> Option<Known> {
        let now = Instant::now();
        let mut of = self.of();
        let known = of.get_mut(&task_type)?;
        let open: Vec<&Known> = known
            .values()
            .filter(|it| !not.contains(&it.sink) && it.price <= most_price)
            .filter(|it| it.not_before.is_none_or(|at| at <= now))
            .collect();
        let with_room: Vec<&Known> = open
            .iter()
            .copied()
            .filter(|it| it.free > it.in_flight)
            .collect();
        // What a sink said is some seconds old: when none has room, they are asked all the same.
        let among = if with_room.is_empty() {
            open
        } else {
            with_room
        };
        let (first, second) = (draw(&among)?, draw(&among)?);
        let chosen = if second.score() < first.score() {
            second
        } else {
            first
        };
        let sink = chosen.sink;
        let it = known.get_mut(&sink)?;
        it.in_flight += 1;
        Some(it.clone())
    }

    /// Whether there is any sink of the task type at all.
    pub fn any(&self, task_type: B256) -> bool {
        self.of().get(&task_type).is_some_and(|it| !it.is_empty())
    }

    /// The soonest that a sink that is left alone may be asked again, in seconds.
    pub fn soonest(&self, task_type: B256) -> u64 {
        let now = Instant::now();
        let of = self.of();
        let waits = of.get(&task_type).into_iter().flat_map(HashMap::values);
        let waits = waits.map(|it| {
            it.not_before
                .map_or(0, |at| at.saturating_duration_since(now).as_secs() + 1)
        });
        waits.min().unwrap_or(5).clamp(1, 60)
    }

    pub fn list(&self, task_type: B256) -> Vec<Known> {
        let of = self.of();
        let mut list: Vec<Known> = of
            .get(&task_type)
            .into_iter()
            .flat_map(HashMap::values)
            .cloned()
            .collect();
        list.sort_by_key(|it| it.sink);
        list
    }

    /// A task of ours there has ended.
    pub fn ended(&self, task_type: B256, sink: Address) {
        self.with(task_type, sink, |it| {
            it.in_flight = it.in_flight.saturating_sub(1);
        });
    }

    /// Its answer began after so long.
    pub fn began(&self, task_type: B256, sink: Address, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.with(task_type, sink, |it| {
            it.latency_ms = if it.latency_ms == UNKNOWN_MS {
                took.max(1)
            } else {
                ((it.latency_ms.saturating_mul(7).saturating_add(took)) / 8).max(1)
            };
        });
    }

    /// A task was done.
    pub fn done(&self, task_type: B256, sink: Address) {
        self.with(task_type, sink, |it| {
            it.faults = it.faults.saturating_sub(1)
        });
    }

    /// It is full, and said when to come back.
    pub fn busy(&self, task_type: B256, sink: Address, seconds: u64) {
        const MOST: u64 = 300;
        let at = Instant::now() + Duration::from_secs(seconds.clamp(1, MOST));
        self.with(task_type, sink, |it| it.not_before = Some(at));
    }

    /// It failed: it is left alone for twice as long each time.
    pub fn failed(&self, task_type: B256, sink: Address) {
        let (first, most) = (self.suspend, self.suspend_most);
        self.with(task_type, sink, |it| {
            let doubled = first.saturating_mul(1 << it.faults.min(MOST_FAULTS));
            it.faults = (it.faults + 1).min(MOST_FAULTS);
            it.not_before = Some(Instant::now() + doubled.min(most));
        });
    }

    fn with(&self, task_type: B256, sink: Address, change: impl FnOnce(&mut Known)) {
        let mut of = self.of();
        if let Some(it) = of.get_mut(&task_type).and_then(|of| of.get_mut(&sink)) {
            change(it);
        }
    }

    fn of(&self) -> MutexGuard<'_, HashMap<B256, HashMap<Address, Known>>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of them, by weight.
fn draw<'a>(among: &[&'a Known]) -> Option<&'a Known> {
    let total: u64 = among.iter().map(|it| it.weight()).sum();
    if total == 0 {
        return None;
    }
    let mut at = U256::from_be_bytes(random().0)
        .wrapping_rem(U256::from(total))
        .saturating_to::<u64>();
    for it in among {
        match at.checked_sub(it.weight()) {
            None => return Some(it),
            Some(rest) => at = rest,
        }
    }
    among.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: B256 = B256::repeat_byte(1);

    fn sinks(count: u8) -> Sinks {
        let it = Sinks::new(Duration::from_secs(2), Duration::from_secs(60));
        let named = (1..=count).map(|byte| (Address::repeat_byte(byte), format!("http://{byte}")));
        it.set(ID, named.collect());
        it
    }

    #[test]
    fn new_ones_serve_and_none_is_none() {
        let it = sinks(3);
        let mut asked = Vec::new();
        while let Some(chosen) = it.choose(ID, &asked, u128::MAX) {
            asked.push(chosen.sink);
        }
        assert_eq!(asked.len(), 3);
        assert!(sinks(0).choose(ID, &[], u128::MAX).is_none());
        assert!(it.choose(B256::ZERO, &[], u128::MAX).is_none());
    }

    #[test]
    fn busy_is_not_broken_and_broken_is_left_alone_for_longer_each_time() {
        let it = sinks(1);
        let sink = Address::repeat_byte(1);
        it.busy(ID, sink, 1);
        assert!(it.choose(ID, &[], u128::MAX).is_none());
        assert_eq!(it.list(ID)[0].faults, 0);
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            it.failed(ID, sink);
            let known = it.list(ID).remove(0);
            let wait = known.not_before.unwrap() - Instant::now();
            assert!(wait > last && wait <= Duration::from_secs(60));
            last = wait;
        }
        it.done(ID, sink);
        assert_eq!(it.list(ID)[0].faults, 3);
    }

    #[test]
    fn prefers_the_cheaper_and_faster_and_keeps_to_the_price() {
        let it = sinks(2);
        let (cheap, dear) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let status = |price| TaskTypeStatus {
            task_type_id: ID,
            capacity: 1,
            free: 1_000_000,
            queued: 0,
            price,
        };
        it.said(ID, cheap, Some(&status(10)));
        it.said(ID, dear, Some(&status(1_000)));
        let mut count = 0;
        for _ in 0..400 {
            let chosen = it.choose(ID, &[], u128::MAX).unwrap();
            count += u32::from(chosen.sink == cheap);
            it.ended(ID, chosen.sink);
        }
        // Unless both draws fall on the other one: three of four.
        assert!((250..350).contains(&count), "{count}");
        assert!(it.choose(ID, &[cheap], 999).is_none());
    }

    #[test]
    fn what_is_known_stays_with_those_that_stay() {
        let it = sinks(2);
        let sink = Address::repeat_byte(1);
        it.failed(ID, sink);
        it.set(ID, vec![(sink, "http://1".to_owned())]);
        assert_eq!(it.list(ID).len(), 1);
        assert_eq!(it.list(ID)[0].faults, 1);
        it.set(ID, vec![(sink, "http://elsewhere".to_owned())]);
        assert_eq!(it.list(ID)[0].faults, 0);
    }
}
