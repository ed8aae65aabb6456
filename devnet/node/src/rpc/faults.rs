//! Faults on request: what nodes behind load balancers and under load do to their clients, for tests of such clients.
//!
//! Reading methods are answered from an older chain, or not at all. What is sent reaches the true chain, and so do
//! snapshots, mining and the other methods that only a development chain has.

use std::{collections::BTreeMap, time::Duration};

use jsonrpsee::types::ErrorObjectOwned;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{params::Nothing, Registry};
use crate::{chain::Chain, error::NodeError};

/// Longer than any client waits.
const LONGEST_LATENCY: u64 = 600_000;

/// What goes wrong. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Each request sees a head that is 0 to this many blocks old, at random.
    pub head_drift: u64,
    /// Every request sees the chain as it was when this was set.
    pub frozen: bool,
    /// The most blocks that `eth_getLogs` covers.
    pub max_log_range: Option<u64>,
    /// The most logs that it gives.
    pub max_logs: Option<usize>,
    /// Every answer takes so many milliseconds longer.
    pub latency: u64,
    /// Methods that fail, by name.
    pub failures: BTreeMap<String, Failure>,
    /// Begins the random numbers.
    pub seed: u64,
}

/// How a method fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Failure {
    /// This many requests; all, if it is not given.
    pub times: Option<u64>,
    /// Each request fails with this chance, in percent.
    pub percent: u64,
    pub code: i32,
    pub message: String,
}

impl Default for Failure {
    fn default() -> Self {
        Self {
            times: None,
            percent: 100,
            code: -32000,
            message: "request timed out".into(),
        }
    }
}

/// The faults in force.
#[derive(Default)]
pub struct Faulty(Mutex<InForce>);

#[derive(Default)]
struct InForce {
    faults: Faults,
    frozen: Option<Chain>,
    random: u64,
}

impl Faulty {
    /// Sets what goes wrong from now on, in place of what went wrong before.
    pub fn set(&self, faults: Faults, chain: &Chain) -> Result<(), NodeError> {
        if faults.latency > LONGEST_LATENCY {
            return Err(NodeError::InvalidArgument(format!(
                "latency {} ms, at most {LONGEST_LATENCY}",
                faults.latency
            )));
        }
        if let Some((method, failure)) = faults.failures.iter().find(|(_, it)| it.percent > 100) {
            return Err(NodeError::InvalidArgument(format!(
                "{method} fails in {} percent of all requests",
                failure.percent
            )));
        }
        *self.0.lock() = InForce {
            frozen: faults.frozen.then(|| chain.clone()),
            random: faults.seed,
            faults,
        };
        Ok(())
    }

    pub fn get(&self) -> Faults {
        self.0.lock().faults.clone()
    }

    /// What a reader sees of `chain`.
    pub fn shown(&self, chain: Chain) -> Chain {
        let mut this = self.0.lock();
        let chain = this.frozen.clone().unwrap_or(chain);
        match this.faults.head_drift {
            0 => chain,
            most => chain.behind(this.draw(most + 1)),
        }
    }

    /// The chain for what outlives a request, as filters and subscriptions: it stops, but does not drift.
    pub fn steady(&self, chain: Chain) -> Chain {
        self.0.lock().frozen.clone().unwrap_or(chain)
    }

    /// Refuses a query for logs that is too much.
    pub fn check_logs(&self, from: u64, to: u64, found: usize) -> Result<(), NodeError> {
        let this = self.0.lock();
        let blocks = (to + 1).saturating_sub(from);
        if let Some(most) = this.faults.max_log_range.filter(|most| blocks > *most) {
            return Err(NodeError::TooMuch(format!(
                "query exceeds max block range {most}"
            )));
        }
        if let Some(most) = this.faults.max_logs.filter(|most| found > *most) {
            return Err(NodeError::TooMuch(format!(
                "query returned more than {most} results"
            )));
        }
        Ok(())
    }

    /// Delays a request, and fails it if it is its turn.
    pub fn strike(&self, method: &str) -> Result<(), ErrorObjectOwned> {
        if method.starts_with("devnet_") {
            return Ok(());
        }
        let (latency, error) = {
            let mut this = self.0.lock();
            (this.faults.latency, this.failure(method))
        };
        if latency > 0 {
            std::thread::sleep(Duration::from_millis(latency));
        }
        error.map_or(Ok(()), Err)
    }
}

impl InForce {
    fn failure(&mut self, method: &str) -> Option<ErrorObjectOwned> {
        let percent = self.faults.failures.get(method)?.percent;
        if self.draw(100) >= percent {
            return None;
        }
        let failure = self.faults.failures.get_mut(method)?;
        let left = failure.times.map(|times| times.checked_sub(1));
        match left {
            Some(None) => return None,
            Some(left) => failure.times = left,
            None => {}
        }
        Some(ErrorObjectOwned::owned(
            failure.code,
            failure.message.clone(),
            None::<()>,
        ))
    }

    /// A number below `bound`, by splitmix64.
    fn draw(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

pub fn register(registry: &mut Registry) {
    registry
        .method("devnet_setFaults", |ctx, (faults,): (Option<Faults>,)| {
            ctx.faults
                .set(faults.unwrap_or_default(), &ctx.node.chain())
        })
        .method("devnet_faults", |ctx, _: Nothing| Ok(ctx.faults.get()));
}
