//! Who plays: two task types with their demand from traces, ten sinks of different size and honesty, two sources.
//!
//! Capacities are in generated tokens per second, and follow the demand of the trace: the same cast plays any trace.


use super::{
    trace::Trace,
    work::{Dispatcher, Worker},
};

/// Seconds of an epoch of CompletionTracker.
pub const EPOCH: u64 = 300;

/// Seconds between two looks at the chain: an epoch of PricingCurve.
pub const TICK: u64 = 60;

/// The two task types.
pub const MARKETS: [&str; 2] = ["code", "conversation"];

/// What distinguishes a sink from the steady ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Habit {
    Steady,
    /// Declares several times what it can do.
    OverReports,
    /// Its machine breaks down half-way, while its front end goes on accepting tasks.
    GoesDown,
    /// Registers when a third of the time has passed.
    JoinsLate,
}

/// A sink, and the part of each market's mean demand that it declares.
struct Role {
    name: &'static str,
    habit: Habit,
    declares: [f64; 2],
}

const fn role(name: &'static str, habit: Habit, code: f64, conversation: f64) -> Role {
    Role {
        name,
        habit,
        declares: [code, conversation],
    }
}

/// Before the late one comes they declare about as much as is asked for on average, so that peaks overflow.
const CAST: [Role; 10] = [
    role("atlas", Habit::Steady, 0.0, 0.28),
    role("borealis", Habit::Steady, 0.0, 0.20),
    role("cedar", Habit::Steady, 0.25, 0.12),
    role("delta", Habit::Steady, 0.34, 0.0),
    role("ember", Habit::Steady, 0.22, 0.0),
    role("fjord", Habit::Steady, 0.0, 0.10),
    role("granite", Habit::GoesDown, 0.0, 0.14),
    role("hubris", Habit::OverReports, 0.0, 0.18),
    role("iris", Habit::JoinsLate, 0.12, 0.15),
    role("juniper", Habit::Steady, 0.14, 0.0),
];

/// How many times its true speed the over-reporting sink declares.
const EXAGGERATION: f64 = 5.0;

/// The sources, and the part of each market's requests that is theirs.
const SOURCES: [(&str, [f64; 2]); 2] = [("editor", [0.8, 0.3]), ("assistant", [0.2, 0.7])];

/// What is asked for where no trace says: a market needs some capacity.
const LEAST_DEMAND: f64 = 0.1;

/// Over the traces' mean, what the stake backs: room for attestations that vary.
const STAKE_MARGIN: f64 = 1.1;

/// Stakes in whole tokens, one backing one unit.
const LEAST_STAKE: u64 = 100;

/// A task type and what is asked of it.
#[derive(Clone, Debug)]
pub struct Market {
    pub name: &'static str,
    /// Where its requests are from.
    pub file: String,
    pub requests: usize,
    pub tokens: u64,
    /// When they came, by the trace's clock.
    pub first: f64,
    pub last: f64,
    /// Tokens per second, from the first request to the last.
    pub mean: f64,
    /// The most in a tick.
    pub peak: f64,
}

#[derive(Clone, Debug)]
pub struct Sink {
    pub name: &'static str,
    pub habit: Habit,
    /// Tokens per second, by market; zero where it does not serve.
    pub declared: [f64; 2],
    /// What it can really do, in all.
    pub speed: f64,
    /// Whole tokens.
    pub stake: u64,
}

#[derive(Clone, Debug)]
pub struct Source {
    pub name: &'static str,
    /// Its part of each market's requests.
    pub parts: [f64; 2],
}

/// A request that is now a task of a source.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Simulated seconds since the beginning.
    pub at: f64,
    pub market: usize,
    pub source: usize,
    pub tokens: u32,
}

#[derive(Clone, Debug)]
pub struct World {
    pub markets: [Market; 2],
    pub sinks: Vec<Sink>,
    pub sources: Vec<Source>,
    /// In the order of their time.
    pub tasks: Vec<Task>,
    /// The beginning by the traces' clock, in seconds since 1970.
    pub origin: f64,
    /// So many seconds of the traces pass in a simulated one.
    pub factor: f64,
    /// So many epochs there are requests in.
    pub epochs: u64,
}

impl World {
    /// Of two traces, played `factor` times as fast as they were.
    pub fn new(traces: [Trace; 2], factor: f64, seed: u64) -> Self {
        let first = traces[0].first().min(traces[1].first());
        let epoch = EPOCH as f64;
        let origin = (first / epoch).floor() * epoch;
        let mut random = Dispatcher::new(seed);
        let mut tasks = Vec::new();
        for (market, trace) in traces.iter().enumerate() {
            for request in &trace.requests {
                tasks.push(Task {
                    at: (request.at - origin) / factor,
                    market,
                    source: usize::from(random.fraction() >= SOURCES[0].1[market]),
                    tokens: request.tokens,
                });
            }
        }
        tasks.sort_by(|a, b| a.at.total_cmp(&b.at));
        let end = tasks.last().map_or(0.0, |task| task.at);
        let markets = [0, 1].map(|index| Market::new(index, &traces[index], factor, &tasks));
        let means = markets.each_ref().map(|market| market.mean);
        Self {
            sinks: CAST.iter().map(|role| Sink::new(role, means)).collect(),
            sources: SOURCES
                .iter()
                .map(|(name, parts)| Source { name, parts: *parts })
                .collect(),
            markets,
            tasks,
            origin,
            factor,
            epochs: (end / epoch) as u64 + 1,
        }
    }

    /// The epoch at whose beginning late sinks join.
    pub fn joining_epoch(&self) -> u64 {
        self.epochs / 3
    }

    /// When what breaks down does, in simulated seconds.
    pub fn breakdown(&self) -> f64 {
        (self.epochs * EPOCH) as f64 / 2.0
    }

    pub fn workers(&self) -> Vec<Worker> {
        let sinks = self.sinks.iter();
        sinks
            .map(|sink| match sink.habit {
                Habit::GoesDown => Worker::new(sink.speed).breaks_down(self.breakdown()),
                _ => Worker::new(sink.speed),
            })
            .collect()
    }
}

impl Market {
    fn new(index: usize, trace: &Trace, factor: f64, tasks: &[Task]) -> Self {
        let seconds = ((trace.last() - trace.first()) / factor).max(TICK as f64);
        let ticks = tasks.last().map_or(0.0, |task| task.at) as u64 / TICK + 1;
        let mut by_tick = vec![0.0; ticks as usize];
        for task in tasks.iter().filter(|task| task.market == index) {
            by_tick[(task.at as u64 / TICK) as usize] += f64::from(task.tokens);
        }
        let peak = by_tick.into_iter().fold(0.0, f64::max) / TICK as f64;
        let mean = (trace.tokens() as f64 / seconds).max(LEAST_DEMAND);
        Self {
            name: MARKETS[index],
            file: trace.file.clone(),
            requests: trace.requests.len(),
            tokens: trace.tokens(),
            first: trace.first(),
            last: trace.last(),
            mean,
            peak: peak.max(mean),
        }
    }

    /// The work of a request, on average, in tokens.
    pub fn work(&self) -> f64 {
        self.tokens as f64 / self.requests as f64
    }
}

impl Sink {
    fn new(role: &Role, means: [f64; 2]) -> Self {
        let declared = [0, 1].map(|market| role.declares[market] * means[market]);
        let sum: f64 = declared.iter().sum();
        let honesty = match role.habit {
            Habit::OverReports => 1.0 / EXAGGERATION,
            _ => 1.0,
        };
        let stake = (sum * STAKE_MARGIN).powi(2).ceil() as u64;
        Self {
            name: role.name,
            habit: role.habit,
            declared,
            speed: sum * honesty,
            stake: stake.max(LEAST_STAKE),
        }
    }

    /// What it can really do of what it declares.
    pub fn honesty(&self) -> f64 {
        self.speed / self.declared.iter().sum::<f64>()
    }

    pub fn serves(&self, market: usize) -> bool {
        self.declared[market] > 0.0
    }
}
