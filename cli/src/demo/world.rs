//! Who plays: two task types with their demand from traces, eleven sinks of different size and honesty, two sources.
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

/// What the sinks of a task type are paid by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// A part of the streams, by verified capacity.
    Capacity,
    /// What sources sign for, out of what they streamed into the reserve.
    Work,
}

impl Settlement {
    /// The names that options and `bpe deploy` have for them.
    pub const NAMES: [(&'static str, Self); 2] =
        [("capacity", Self::Capacity), ("work", Self::Work)];

    pub fn name(self) -> &'static str {
        let [capacity, work] = Self::NAMES;
        match self {
            Self::Capacity => capacity.0,
            Self::Work => work.0,
        }
    }
}

/// What the task types settle by, where no option says otherwise.
pub const SETTLEMENTS: [Settlement; 2] = [Settlement::Capacity, Settlement::Work];

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

/// Before the late one comes they declare a little less than what is asked for on average, so that peaks overflow.
const CAST: [Role; 11] = [
    role("atlas", Habit::Steady, 0.0, 0.27),
    role("borealis", Habit::Steady, 0.0, 0.20),
    role("cedar", Habit::Steady, 0.25, 0.12),
    role("delta", Habit::Steady, 0.24, 0.0),
    role("ember", Habit::Steady, 0.22, 0.0),
    role("fjord", Habit::Steady, 0.0, 0.09),
    role("granite", Habit::GoesDown, 0.0, 0.13),
    role("hubris", Habit::OverReports, 0.0, 0.17),
    role("iris", Habit::JoinsLate, 0.12, 0.10),
    role("juniper", Habit::Steady, 0.14, 0.0),
    role("kestrel", Habit::OverReports, 0.10, 0.0),
];

/// How many times their true speed over-reporting sinks declare.
const EXAGGERATION: f64 = 8.0;

/// The sources, and the part of each market's requests that is theirs.
const SOURCES: [(&str, [f64; 2]); 2] = [("editor", [0.8, 0.3]), ("assistant", [0.2, 0.7])];

/// What is asked for where no trace says: a market needs some capacity.
const LEAST_DEMAND: f64 = 0.1;

/// The stake backs a little more than what is declared: room for attestations that vary, but no slash goes unnoticed.
const STAKE_MARGIN: f64 = 1.02;

/// Stakes in whole tokens, one backing one unit.
const LEAST_STAKE: u64 = 100;

/// A task type and what is asked of it.
#[derive(Clone, Debug)]
pub struct Market {
    pub name: &'static str,
    pub settlement: Settlement,
    /// Where its requests are from.
    pub file: String,
    pub requests: usize,
    pub tokens: u64,
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
    pub fn new(traces: [Trace; 2], settlements: [Settlement; 2], factor: f64, seed: u64) -> Self {
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
        let markets = [0, 1].map(|index| {
            let settlement = settlements[index];
            Market::new(index, settlement, &traces[index], factor, &tasks)
        });
        let means = markets.each_ref().map(|market| market.mean);
        Self {
            sinks: CAST.iter().map(|role| Sink::new(role, means)).collect(),
            sources: SOURCES
                .iter()
                .map(|(name, parts)| Source {
                    name,
                    parts: *parts,
                })
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
    fn new(
        index: usize,
        settlement: Settlement,
        trace: &Trace,
        factor: f64,
        tasks: &[Task],
    ) -> Self {
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
            settlement,
            file: trace.file.clone(),
            requests: trace.requests.len(),
            tokens: trace.tokens(),
            mean,
            peak: peak.max(mean),
        }
    }

    pub fn is_by_work(&self) -> bool {
        self.settlement == Settlement::Work
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

#[cfg(test)]
mod tests {
    use super::*;

    /// So many requests of 30 tokens, one every second, from 100 s after an epoch's beginning on.
    fn trace(file: &str, requests: u32) -> Trace {
        let start = 1_700_158_500.0 + 100.0;
        let requests = (0..requests).map(|second| bpe_evaluation::trace::Request {
            at: start + f64::from(second),
            tokens: 30,
        });
        Trace {
            file: file.into(),
            requests: requests.collect(),
        }
    }

    fn world(factor: f64) -> World {
        World::new(
            [trace("a", 1_000), trace("b", 2_001)],
            SETTLEMENTS,
            factor,
            7,
        )
    }

    #[test]
    fn a_world_begins_with_an_epoch_and_ends_with_its_last_request() {
        let world = world(1.0);
        assert_eq!(world.origin, 1_700_158_500.0);
        assert_eq!(world.origin % EPOCH as f64, 0.0);
        assert_eq!(world.tasks.len(), 3_001);
        assert_eq!(world.tasks[0].at, 100.0);
        assert_eq!(world.tasks[3_000].at, 2_100.0);
        assert_eq!(world.epochs, 8);
        assert!(world.tasks.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn compressed_it_is_shorter_and_busier() {
        let world = world(2.0);
        assert_eq!(world.epochs, 4);
        let [code, conversation] = &world.markets;
        assert!((code.mean - 60.0).abs() < 0.1, "{}", code.mean);
        assert!(
            (conversation.mean - 60.0).abs() < 0.1,
            "{}",
            conversation.mean
        );
        assert!(
            (conversation.peak - 60.0).abs() < 0.1,
            "{}",
            conversation.peak
        );
    }

    #[test]
    fn capacities_and_stakes_follow_demand() {
        let world = world(1.0);
        for (market, it) in world.markets.iter().enumerate() {
            let declared = |late: bool| -> f64 {
                let sinks = world.sinks.iter();
                let sinks = sinks.filter(|it| late || it.habit != Habit::JoinsLate);
                sinks.map(|it| it.declared[market]).sum()
            };
            assert!(declared(false) < it.mean && declared(true) > it.mean);
        }
        for sink in &world.sinks {
            let declared: f64 = sink.declared.iter().sum();
            assert!((sink.stake as f64).sqrt() >= declared, "{}", sink.name);
            let liar = sink.habit == Habit::OverReports;
            assert_eq!(sink.honesty() < 0.5, liar, "{}", sink.name);
        }
    }

    #[test]
    fn each_source_has_its_part_of_the_requests() {
        let world = world(1.0);
        for (market, expected) in [(0, 800), (1, 600)] {
            let first = |task: &&Task| task.market == market && task.source == 0;
            let count = world.tasks.iter().filter(first).count();
            assert!(count.abs_diff(expected) < 60, "{count}");
        }
    }
}
