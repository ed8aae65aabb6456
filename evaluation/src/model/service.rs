//! What users feel: requests of a trace, sinks that serve them, and who gets which by what is known of them.

use std::collections::VecDeque;

use crate::{
    trace::{Request, Trace},
    work::{Dispatcher, Outcome, Worker, PATIENCE},
};

/// What sinks are paid by, which is what is known of them for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    Capacity,
    Spare,
    Work,
}

impl Settlement {
    pub const ALL: [Self; 3] = [Self::Capacity, Self::Spare, Self::Work];

    pub fn name(self) -> &'static str {
        match self {
            Self::Capacity => "by capacity",
            Self::Spare => "by spare capacity",
            Self::Work => "by work",
        }
    }
}

/// How a source chooses a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// At random, by what sinks are paid by.
    Units,
    /// The one with the most spare capacity.
    Spare,
    /// Of two at random by what they are paid by, the one with less to do for what it can.
    TwoChoices,
    Cheapest,
    RoundRobin,
}

impl Routing {
    pub const ALL: [Self; 5] = [
        Self::Units,
        Self::Spare,
        Self::TwoChoices,
        Self::Cheapest,
        Self::RoundRobin,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Units => "units",
            Self::Spare => "spare",
            Self::TwoChoices => "power of two choices",
            Self::Cheapest => "cheapest",
            Self::RoundRobin => "round robin",
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    Nothing,
    /// A sink declares eight times what it can do, and refuses nothing.
    Liar,
    /// The largest sink dies at half-time, and its front end goes on accepting.
    Crash,
    /// For five minutes every request comes five times.
    FlashCrowd,
    /// All sinks slow down to six tenths.
    SlowDecay,
    /// Whoever asked for six tenths of everything leaves at half-time.
    WhaleLeaves,
}

impl Disturbance {
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Liar,
        Self::Crash,
        Self::FlashCrowd,
        Self::SlowDecay,
        Self::WhaleLeaves,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Liar => "liar",
            Self::Crash => "crash",
            Self::FlashCrowd => "flash crowd ×5",
            Self::SlowDecay => "slow decay",
            Self::WhaleLeaves => "whale leaves",
        }
    }
}

/// What users had.
#[derive(Clone, Debug, Default)]
pub struct Felt {
    pub asked: u64,
    pub done: u64,
    /// Tokens that were asked for, and that were done in time.
    pub tokens: f64,
    pub served: f64,
    /// Seconds from a request to its end, of those that were done.
    pub waits: Vec<f64>,
    /// At a base fee of 1 for a token.
    pub paid: f64,
    /// What it would be by work if sinks reported their queues and charged for them.
    pub with_premium: f64,
}

impl Felt {
    pub fn goodput(&self) -> f64 {
        self.served / self.tokens.max(1.0)
    }

    pub fn misses(&self) -> f64 {
        1.0 - self.done as f64 / self.asked.max(1) as f64
    }

    /// Paid for a token that was done in time.
    pub fn price(&self) -> f64 {
        self.paid / self.served.max(1.0)
    }

    pub fn price_with_premium(&self) -> f64 {
        self.with_premium / self.served.max(1.0)
    }

    /// The wait that so much of all are below, in seconds.
    pub fn wait(&self, share: f64) -> f64 {
        let mut waits = self.waits.clone();
        waits.sort_by(f64::total_cmp);
        let place = (waits.len() as f64 * share) as usize;
        let last = waits.len().saturating_sub(1);
        waits.get(place.min(last)).copied().unwrap_or(0.0)
    }

    pub fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.done += other.done;
        self.tokens += other.tokens;
        self.served += other.served;
        self.waits.extend(other.waits);
        self.paid += other.paid;
        self.with_premium += other.with_premium;
    }
}

/// Parts of the mean demand that the sinks can do.
const SINKS: [f64; 8] = [0.30, 0.25, 0.20, 0.18, 0.15, 0.12, 0.10, 0.10];
/// The one that lies, and the one that dies.
const LIAR: usize = 4;
const DYING: usize = 0;
const EXAGGERATION: f64 = 8.0;
/// Seconds after which a sink's report of its load is renewed.
pub const REPORT: f64 = 60.0;
/// Minutes after which what it has shown is.
pub const EPOCH: u32 = 5;
/// A source asks so many sinks where they may refuse.
const TRIES: usize = 3;
/// The part of all requests that is the whale's.
const WHALE: f64 = 0.6;

struct Sink {
    worker: Worker,
    speed: f64,
    declared: f64,
    /// What it was asked in the last minute, in tokens per second, and since.
    load: f64,
    asked: f64,
    /// What it has shown, and what it has done in this epoch.
    verified: f64,
    done: f64,
    /// What it is drawn by on the chain, if this is played there.
    seen: Option<f64>,
    /// Tokens that it has done and that no voucher says yet.
    unsettled: f64,
    /// When what it has accepted ends, as sources can see.
    busy: VecDeque<(f64, f64)>,
}

impl Sink {
    fn new(speed: f64, declared: f64) -> Self {
        Self {
            worker: Worker::new(speed),
            speed,
            declared,
            load: 0.0,
            asked: 0.0,
            verified: speed,
            done: 0.0,
            seen: None,
            unsettled: 0.0,
            busy: VecDeque::new(),
        }
    }

    /// Tokens that it has and that are not done.
    fn outstanding(&mut self, now: f64) -> f64 {
        while self.busy.front().is_some_and(|(until, _)| *until <= now) {
            self.busy.pop_front();
        }
        self.busy.iter().map(|(_, tokens)| tokens).sum()
    }

    /// By PricingCurve's curve for queues, if it reported its own once a minute: that of the last minute counts.
    fn price(&self) -> f64 {
        let used = (self.load / self.declared).min(0.99);
        1.0 + used / (1.0 - used)
    }
}

/// What a sink is drawn by that declares so much and has shown so much: a little more than it has shown.
pub fn believed(declared: f64, verified: f64) -> f64 {
    declared.min(1.5 * verified + 0.1 * declared)
}

/// A market to feel.
pub struct Service {
    settlement: Settlement,
    routing: Routing,
    disturbance: Disturbance,
    sinks: Vec<Sink>,
    turn: usize,
    start: f64,
    end: f64,
    /// Minutes that have passed.
    minutes: u32,
    random: Dispatcher,
    felt: Felt,
}

impl Service {
    pub fn new(
        trace: &Trace,
        settlement: Settlement,
        routing: Routing,
        disturbance: Disturbance,
        random: Dispatcher,
    ) -> Self {
        let (start, end) = (trace.first(), trace.last());
        let mean = trace.tokens() as f64 / (end - start).max(1.0);
        let sinks = SINKS.iter().enumerate().map(|(place, part)| {
            let speed = part * mean;
            let lies = disturbance == Disturbance::Liar && place == LIAR;
            Sink::new(speed, if lies { speed * EXAGGERATION } else { speed })
        });
        Self {
            settlement,
            routing,
            disturbance,
            sinks: sinks.collect(),
            turn: 0,
            start,
            end,
            minutes: 0,
            random,
            felt: Felt::default(),
        }
    }

    /// Plays a trace without a chain.
    pub fn play(mut self, trace: &Trace) -> Felt {
        for request in &trace.requests {
            while self.next_minute() <= request.at {
                self.minute();
            }
            self.come(request);
        }
        self.felt
    }

    /// A request comes, as often as the disturbance has it.
    pub fn come(&mut self, request: &Request) {
        for _ in 0..self.copies(request.at) {
            self.request(request.at, request.tokens);
        }
    }

    /// What users have had.
    pub fn felt(&self) -> &Felt {
        &self.felt
    }

    // --- What a chain has to know, and says

    /// What the sinks declare, in tokens per second.
    pub fn declared(&self) -> Vec<f64> {
        self.sinks.iter().map(|it| it.declared).collect()
    }

    /// What they were asked in the last minute, in tokens per second.
    pub fn loads(&self) -> Vec<f64> {
        self.sinks.iter().map(|it| it.load).collect()
    }

    /// Tokens that they have done since this was asked last.
    pub fn settle(&mut self) -> Vec<f64> {
        let take = |it: &mut Sink| std::mem::take(&mut it.unsettled);
        self.sinks.iter_mut().map(take).collect()
    }

    /// From now on sinks are drawn by this.
    pub fn see(&mut self, weights: &[f64]) {
        for (sink, weight) in self.sinks.iter_mut().zip(weights) {
            sink.seen = Some(*weight);
        }
    }

    /// How often a request comes, that came once.
    fn copies(&mut self, at: f64) -> u32 {
        let middle = (self.start + self.end) / 2.0;
        match self.disturbance {
            Disturbance::FlashCrowd if (middle..middle + 300.0).contains(&at) => 5,
            Disturbance::WhaleLeaves if at > middle => u32::from(self.random.fraction() >= WHALE),
            _ => 1,
        }
    }

    fn request(&mut self, at: f64, tokens: u32) {
        self.felt.asked += 1;
        self.felt.tokens += f64::from(tokens);
        if self.settlement != Settlement::Work {
            // The stream flows whatever becomes of the task.
            self.felt.paid += f64::from(tokens);
            self.felt.with_premium += f64::from(tokens);
        }
        let mut refused = Vec::new();
        while refused.len() < TRIES {
            let Some(sink) = self.choose(at, &refused) else {
                return;
            };
            if self.refuses(sink, at, tokens) {
                refused.push(sink);
                continue;
            }
            self.give(sink, at, tokens);
            return;
        }
    }

    /// By work an honest sink refuses what it could not do in time; where it is paid for being there, tasks go where
    /// the money goes.
    fn refuses(&self, sink: usize, at: f64, tokens: u32) -> bool {
        let lies = self.disturbance == Disturbance::Liar && sink == LIAR;
        let is_full = self.sinks[sink].worker.is_full(at, tokens);
        self.settlement == Settlement::Work && is_full && !lies && !self.is_dead(sink, at)
    }

    fn is_dead(&self, sink: usize, at: f64) -> bool {
        let middle = (self.start + self.end) / 2.0;
        self.disturbance == Disturbance::Crash && sink == DYING && at > middle
    }

    fn give(&mut self, place: usize, at: f64, tokens: u32) {
        let dead = self.is_dead(place, at);
        let sink = &mut self.sinks[place];
        let price = sink.price();
        sink.asked += f64::from(tokens);
        let outcome = match dead {
            true => Outcome::Failed,
            false => sink.worker.offer(at, tokens),
        };
        let until = match outcome {
            Outcome::Done { at: until } => {
                self.felt.done += 1;
                self.felt.served += f64::from(tokens);
                self.felt.waits.push(until - at);
                let earned = f64::from(tokens);
                sink.done += earned;
                sink.unsettled += earned;
                if self.settlement == Settlement::Work {
                    self.felt.paid += earned;
                    self.felt.with_premium += earned * price;
                }
                until
            }
            Outcome::Failed => at + PATIENCE,
        };
        let behind = sink.busy.iter().position(|(other, _)| *other > until);
        let behind = behind.unwrap_or(sink.busy.len());
        sink.busy.insert(behind, (until, f64::from(tokens)));
    }

    /// When the next minute is over.
    pub fn next_minute(&self) -> f64 {
        self.start + f64::from(self.minutes + 1) * REPORT
    }

    /// A minute is over: loads are reported, machines slow down and, once an epoch, work is shown.
    pub fn minute(&mut self) {
        self.minutes += 1;
        let passed = f64::from(self.minutes) * REPORT;
        let part = passed / (self.end - self.start).max(1.0);
        for sink in &mut self.sinks {
            sink.load = std::mem::take(&mut sink.asked) / REPORT;
            if self.disturbance == Disturbance::SlowDecay {
                sink.worker.set_speed(sink.speed * (1.0 - 0.4 * part));
            }
            if self.minutes.is_multiple_of(EPOCH) {
                let done = std::mem::take(&mut sink.done) / (REPORT * f64::from(EPOCH));
                sink.verified = 0.3 * done + 0.7 * sink.verified;
            }
        }
    }

    /// What a sink is drawn by: what it declares, has spare of that, or has shown and a little more.
    fn weight(&self, sink: &Sink) -> f64 {
        sink.seen.unwrap_or_else(|| match self.settlement {
            Settlement::Capacity => sink.declared,
            Settlement::Spare => (sink.declared - sink.load).max(sink.declared * 1e-3),
            Settlement::Work => believed(sink.declared, sink.verified),
        })
    }

    fn choose(&mut self, at: f64, refused: &[usize]) -> Option<usize> {
        let weights: Vec<f64> = self.sinks.iter().map(|it| self.weight(it)).collect();
        let left = |place: &usize| !refused.contains(place);
        match self.routing {
            Routing::Units => self.draw(&weights, refused),
            Routing::TwoChoices => {
                let pair = [self.draw(&weights, refused)?, self.draw(&weights, refused)?];
                let [first, second] = pair.map(|it| self.sinks[it].outstanding(at) / weights[it]);
                Some(pair[usize::from(second < first)])
            }
            Routing::Spare => {
                let spare: Vec<f64> = (0..self.sinks.len())
                    .map(|it| weights[it] - self.sinks[it].outstanding(at) / REPORT)
                    .collect();
                let places = (0..self.sinks.len()).filter(left);
                places.max_by(|a, b| spare[*a].total_cmp(&spare[*b]))
            }
            Routing::Cheapest => {
                let prices: Vec<f64> = self.sinks.iter().map(Sink::price).collect();
                let places = (0..self.sinks.len()).filter(left);
                places.min_by(|a, b| prices[*a].total_cmp(&prices[*b]))
            }
            Routing::RoundRobin => {
                self.turn += 1;
                let places = (0..self.sinks.len()).map(|it| (it + self.turn) % self.sinks.len());
                places.into_iter().find(left)
            }
        }
    }

    fn draw(&mut self, weights: &[f64], refused: &[usize]) -> Option<usize> {
        let weights = weights.iter().enumerate();
        let weights: Vec<u128> = weights
            .map(|(place, weight)| match refused.contains(&place) {
                true => 0,
                false => (weight * 1e6) as u128,
            })
            .collect();
        self.random.draw(&weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Trace {
        let requests = (0..1_800).map(|second| Request {
            at: 1_000.0 + f64::from(second),
            tokens: 50,
        });
        Trace {
            file: "t".into(),
            requests: requests.collect(),
        }
    }

    fn felt(settlement: Settlement, disturbance: Disturbance) -> Felt {
        let (trace, random) = (trace(), Dispatcher::new(1));
        Service::new(&trace, settlement, Routing::TwoChoices, disturbance, random).play(&trace)
    }

    #[test]
    fn without_disturbance_everything_is_done() {
        for settlement in Settlement::ALL {
            let felt = felt(settlement, Disturbance::Nothing);
            assert!(felt.goodput() > 0.99, "{settlement:?}: {}", felt.goodput());
            assert!(felt.wait(0.5) <= felt.wait(0.99));
        }
    }

    /// By capacity a liar's tasks fail and are paid for; by work they are not paid for.
    #[test]
    fn a_liar_costs_more_by_capacity_than_by_work() {
        let capacity = felt(Settlement::Capacity, Disturbance::Liar);
        let work = felt(Settlement::Work, Disturbance::Liar);
        assert!(capacity.goodput() < work.goodput());
        assert!(capacity.goodput() < 0.95);
    }
}
