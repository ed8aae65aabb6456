//! Servers that are made up: what they do in a fiftieth of a second at a time.

use bpe_agent::capacity::{CapacityComputer, Window};

/// The length of a step, in seconds.
const STEP: f64 = 0.02;
const STEPS_PER_WINDOW: u32 = 500;

/// Random numbers that are the same everywhere (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }
}

/// How fast a server works on what it has.
#[derive(Clone, Copy)]
pub enum Kind {
    /// `servers` tasks at once, each at `speed` work units per second: M/M/c.
    Mmc { servers: usize, speed: f64 },
    /// Up to `slots` tasks at once, of which each gets a token in each step of `base + each · tasks` seconds: as vLLM.
    Batching { slots: usize, base: f64, each: f64 },
}

impl Kind {
    /// Tasks that are worked on, of so many.
    fn active(self, tasks: usize) -> usize {
        match self {
            Self::Mmc { servers, .. } => tasks.min(servers),
            Self::Batching { slots, .. } => tasks.min(slots),
        }
    }

    /// Work units per second of each of them.
    fn speed(self, active: usize) -> f64 {
        match self {
            Self::Mmc { speed, .. } => speed,
            Self::Batching { base, each, .. } => 1.0 / (base + each * active as f64),
        }
    }

    /// The most it can do, in work units per second.
    pub fn capacity(self) -> f64 {
        let most = self.active(usize::MAX);
        let rate = |active| active as f64 * self.speed(active);
        (1..=most).map(rate).fold(0.0, f64::max)
    }
}

/// A server with a queue of its own, and the demand before it.
pub struct World {
    pub kind: Kind,
    /// Work units of a task, on average.
    pub mean_work: f64,
    /// Tasks per second that come; more than it can do keeps it saturated.
    pub arrivals: f64,
    /// What the server's speed is multiplied by at a time; 0 is down.
    pub health: fn(f64) -> f64,
    pub random: Random,
    time: f64,
    waiting: Vec<f64>,
    running: Vec<(f64, f64)>,
    next: f64,
}

impl World {
    pub fn new(
        kind: Kind,
        mean_work: f64,
        arrivals: f64,
        health: fn(f64) -> f64,
        seed: u64,
    ) -> Self {
        Self {
            kind,
            mean_work,
            arrivals,
            health,
            random: Random(seed),
            time: 0.0,
            waiting: Vec::new(),
            running: Vec::new(),
            next: 0.0,
        }
    }

    /// Ten seconds under a limit of tasks at once.
    pub fn window(&mut self, limit: usize) -> Window {
        let mut window = Window {
            seconds: 10.0,
            work: 0.0,
            tasks: 0.0,
            busy_seconds: 0.0,
            saturated_seconds: 0.0,
            up: true,
        };
        for _ in 0..STEPS_PER_WINDOW {
            self.step(limit, &mut window);
        }
        window.up = (self.health)(self.time) > 0.0;
        window
    }

    fn step(&mut self, limit: usize, window: &mut Window) {
        self.time += STEP;
        let health = (self.health)(self.time);
        if health == 0.0 {
            self.waiting.clear();
            self.running.clear();
            return;
        }
        while self.next <= self.time {
            // Callers are refused when too many wait.
            if self.waiting.len() < 10_000 {
                let work = self.random.exponential(self.mean_work);
                self.waiting.push(work);
            }
            self.next += self.random.exponential(1.0 / self.arrivals);
        }
        while self.running.len() < limit && !self.waiting.is_empty() {
            let work = self.waiting.remove(0);
            self.running.push((work, work));
        }
        window.busy_seconds += STEP * self.running.len() as f64;
        if self.running.len() >= limit || !self.waiting.is_empty() {
            window.saturated_seconds += STEP;
        }
        let active = self.kind.active(self.running.len());
        let done = self.kind.speed(active) * health * STEP;
        for (left, _) in self.running.iter_mut().take(active) {
            *left -= done;
        }
        self.running.retain(|(left, work)| {
            if *left <= 0.0 {
                window.work += work * 1e9;
                window.tasks += 1.0;
            }
            *left > 0.0
        });
    }

    /// What it could do at the moment, in work units per second.
    pub fn capacity(&self) -> f64 {
        self.kind.capacity() * (self.health)(self.time)
    }

    /// Runs for so many seconds, and hands out (time, capacity, what the computer says).
    pub fn run(
        &mut self,
        computer: &mut CapacityComputer,
        seconds: f64,
        mut see: impl FnMut(f64, f64, f64),
    ) {
        let end = self.time + seconds;
        while self.time < end {
            let limit = computer.reading().limit as usize;
            let reading = computer.observe(&self.window(limit));
            see(self.time, self.capacity(), reading.capacity as f64 / 1e9);
        }
    }
}
