//! Windows out of what is counted: own traffic, and the Prometheus text of inference engines.

use super::Window;

/// Engines whose metrics are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `vllm:num_requests_running`, `…_waiting`, `vllm:generation_tokens_total`.
    Vllm,
    /// `llamacpp:requests_processing`, `…_deferred`, `llamacpp:tokens_predicted_total`.
    LlamaCpp,
}

/// What an engine says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineReading {
    pub running: f64,
    pub waiting: f64,
    /// Tokens generated since it started.
    pub tokens: f64,
}

impl Engine {
    const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Vllm => [
                "vllm:num_requests_running",
                "vllm:num_requests_waiting",
                "vllm:generation_tokens_total",
            ],
            Self::LlamaCpp => [
                "llamacpp:requests_processing",
                "llamacpp:requests_deferred",
                "llamacpp:tokens_predicted_total",
            ],
        }
    }

    /// The engine whose names are in the text, and what it says. Series of several models are added up. `None`, if it
    /// is no known engine's.
    pub fn read(text: &str) -> Option<(Self, EngineReading)> {
        [Self::Vllm, Self::LlamaCpp].into_iter().find_map(|engine| {
            let [running, waiting, tokens] = engine.names().map(|name| sum(text, name));
            let reading = EngineReading {
                running: running?,
                waiting: waiting?,
                tokens: tokens?,
            };
            Some((engine, reading))
        })
    }
}

/// The sum of a series over its labels; `None` if there is none of that name, or a value is no number.
fn sum(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once('}')?.1,
            None => rest.strip_prefix([' ', '\t'])?,
        };
        // A time may follow the value.
        value.split_whitespace().next()?.parse::<f64>().ok()
    });
    let mut sum = None;
    for value in values {
        if !value.is_finite() || value < 0.0 {
            return None;
        }
        *sum.get_or_insert(0.0) += value;
    }
    sum
}

/// Adds up what happens until a window is taken. Times are seconds by any clock that does not go backwards.
///
/// ```
/// use bpe_agent::capacity::Meter;
///
/// let mut meter = Meter::new(0.0);
/// meter.see(0.0, 2, true); // two in flight from now on, which is all that may be
/// meter.finished(3_000_000_000);
/// meter.see(4.0, 1, false);
/// let window = meter.take(10.0, true);
/// assert_eq!((window.busy_seconds, window.saturated_seconds), (14.0, 4.0));
/// assert_eq!((window.work, window.tasks), (3e9, 1.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    began: f64,
    seen: f64,
    in_flight: u32,
    saturated: bool,
    work: f64,
    tasks: f64,
    busy_seconds: f64,
    saturated_seconds: f64,
}

impl Meter {
    pub const fn new(now: f64) -> Self {
        Self {
            began: now,
            seen: now,
            in_flight: 0,
            saturated: false,
            work: 0.0,
            tasks: 0.0,
            busy_seconds: 0.0,
            saturated_seconds: 0.0,
        }
    }

    /// From `now` on so many are in flight, and there is more to do than can be done, or not.
    pub fn see(&mut self, now: f64, in_flight: u32, saturated: bool) {
        let passed = (now - self.seen).max(0.0);
        self.busy_seconds += passed * f64::from(self.in_flight);
        if self.saturated {
            self.saturated_seconds += passed;
        }
        self.seen = self.seen.max(now);
        self.in_flight = in_flight;
        self.saturated = saturated;
    }

    /// A task is done, and was so much work, in units of 1e-9.
    #[allow(
        clippy::cast_precision_loss,
        reason = "the work of one task is far below 2^53"
    )]
    pub fn finished(&mut self, work: u128) {
        self.work += work as f64;
        self.tasks += 1.0;
    }

    /// What happened since the last window, and begins the next one.
    pub fn take(&mut self, now: f64, up: bool) -> Window {
        self.see(now, self.in_flight, self.saturated);
        let window = Window {
            seconds: (now - self.began).max(0.0),
            work: self.work,
            tasks: self.tasks,
            busy_seconds: self.busy_seconds,
            saturated_seconds: self.saturated_seconds,
            up,
        };
        *self = Self {
            in_flight: self.in_flight,
            saturated: self.saturated,
            ..Self::new(now)
        };
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_vllm_and_llama_cpp_print() {
        let vllm = include_str!("../../tests/fixtures/vllm.prom");
        let (engine, reading) = Engine::read(vllm).unwrap();
        assert_eq!(engine, Engine::Vllm);
        assert_eq!(
            reading,
            EngineReading {
                running: 3.0,
                waiting: 2.0,
                tokens: 27453.0
            }
        );
        let llama = include_str!("../../tests/fixtures/llamacpp.prom");
        let (engine, reading) = Engine::read(llama).unwrap();
        assert_eq!(engine, Engine::LlamaCpp);
        assert_eq!(reading.running, 1.0);
        assert_eq!(reading.tokens, 5_120.0);
    }

    #[test]
    fn what_is_no_engine_says_nothing() {
        for text in [
            "",
            "process_cpu_seconds_total 3",
            "vllm:num_requests_running{} NaN\nvllm:num_requests_waiting 1\nvllm:generation_tokens_total 2",
            "vllm:num_requests_running_extra 1\nvllm:num_requests_waiting 1\nvllm:generation_tokens_total 2",
        ] {
            assert_eq!(Engine::read(text), None, "{text}");
        }
    }
}
