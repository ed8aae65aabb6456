//! `source.toml`: what it may hold, what it means, and what is wrong with it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use alloy::primitives::{Address, B256};
use bpe_agent::streams::RateSettings;
use bpe_chain::KeySource;
use bpe_service::config::{
    is_url, rule, Chain, Checked, Common, ConfigError, Gas, Store, Timeouts,
};
use serde::Deserialize;

/// All of it. What is left out has the value shown in `ops/source.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Endpoint of the chain: http or https.
    pub rpc: String,
    /// The record of the deployment; without it `./deployments/<chain id>.json`.
    pub deployment: Option<PathBuf>,
    /// Does everything but sending transactions.
    #[serde(default)]
    pub observe: bool,
    /// The task type of each model, by the name that clients ask for.
    pub models: BTreeMap<String, Model>,
    /// Where sinks are, besides those that ServiceDirectory names.
    #[serde(default)]
    pub sinks: Vec<ListedSink>,
    #[serde(default)]
    pub key: KeySource,
    #[serde(default)]
    pub store: Store,
    #[serde(default)]
    pub chain: Chain,
    #[serde(default)]
    pub gas: Gas,
    #[serde(default)]
    pub gateway: Gateway,
    #[serde(default)]
    pub spend: Spend,
    #[serde(default)]
    pub choose: Choose,
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// What a model is on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub task_type: B256,
    /// Wei per work unit at most, decimal.
    #[serde(with = "bpe_chain::decimal")]
    pub most_price: u128,
    /// Output tokens of a request that does not say how many.
    #[serde(default = "output_tokens")]
    pub output_tokens: u64,
}

const fn output_tokens() -> u64 {
    4_096
}

/// A sink that is not in ServiceDirectory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedSink {
    pub sink: Address,
    pub url: String,
}

/// What clients see.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    pub listen: SocketAddr,
    /// Bytes of a request at most.
    pub body_bytes: usize,
    /// Requests at once.
    pub at_once: usize,
    /// Seconds in which a task is to be done.
    pub deadline: u64,
}

/// What may be spent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spend {
    /// Opens, changes and closes streams, wraps tokens and sets them aside by itself.
    pub steer: bool,
    /// Wei per second that it streams at most, decimal, for each task type.
    #[serde(with = "bpe_chain::decimal")]
    pub most_rate: u128,
    /// Wei of one request, and of all requests in an hour, at most, decimal.
    #[serde(with = "bpe_chain::decimal")]
    pub most_request: u128,
    #[serde(with = "bpe_chain::decimal")]
    pub most_hour: u128,
    /// Wei that are wrapped at a time at most, decimal.
    #[serde(with = "bpe_chain::decimal")]
    pub most_wrap: u128,
    /// Seconds of spending that are kept unspent, and that the wrapped tokens last at least.
    pub reserve_seconds: u64,
    pub runway_seconds: u64,
    /// Seconds between decisions, and that a request waits for its money at most.
    pub every: u64,
    pub patience: u64,
}

/// How a sink is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choose {
    /// Sinks that are asked for one request at most.
    pub tries: usize,
    /// Seconds between looks at them.
    pub refresh: u64,
    /// Seconds that a sink that failed is left alone at first, and at most.
    pub suspend: u64,
    pub suspend_most: u64,
    /// Whether sinks that only ServiceDirectory names may be on addresses of private networks and of this machine.
    pub private: bool,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_000),
            body_bytes: 8 << 20,
            at_once: 10_000,
            deadline: 1_800,
        }
    }
}

impl Default for Spend {
    fn default() -> Self {
        Self {
            steer: true,
            // 1 000 tokens of 18 decimals a month; a token; ten an hour; a hundred.
            most_rate: 385_802_469_135_802,
            most_request: 1_000_000_000_000_000_000,
            most_hour: 10_000_000_000_000_000_000,
            most_wrap: 100_000_000_000_000_000_000,
            reserve_seconds: 300,
            runway_seconds: 3_600,
            every: 30,
            patience: 60,
        }
    }
}

impl Default for Choose {
    fn default() -> Self {
        Self {
            tries: 4,
            refresh: 10,
            suspend: 2,
            suspend_most: 60,
            private: false,
        }
    }
}

impl Checked for Config {
    const ROLE: &'static str = "source";
    const PREFIX: &'static str = "BPE_SOURCE__";

    fn check(&self) -> Result<(), ConfigError> {
        self.common().check()?;
        self.timeouts.check()?;
        for sink in &self.sinks {
            is_url("sinks.url", &sink.url)?;
        }
        rule(
            !self.models.is_empty(),
            "models",
            "none",
            "should name one model at least",
        )?;
        for (name, model) in &self.models {
            rule(
                !model.task_type.is_zero(),
                "models.task_type",
                name,
                "should have a task type",
            )?;
            rule(
                model.most_price > 0,
                "models.most_price",
                name,
                "should have a price above 0",
            )?;
        }
        let positive = [
            ("gateway.body_bytes", self.gateway.body_bytes as u64),
            ("gateway.at_once", self.gateway.at_once as u64),
            ("choose.tries", self.choose.tries as u64),
            ("choose.refresh", self.choose.refresh),
            ("choose.suspend", self.choose.suspend),
            ("spend.every", self.spend.every),
            ("spend.reserve_seconds", self.spend.reserve_seconds),
        ];
        for (key, value) in positive {
            rule(value > 0, key, value, "should be above 0")?;
        }
        let deadline = self.gateway.deadline;
        rule(
            (1..=3_500).contains(&deadline),
            "gateway.deadline",
            deadline,
            "should be from 1 to 3500: an assignment is for an hour at most",
        )
    }
}

impl Config {
    pub fn common(&self) -> Common<'_> {
        Common {
            role: Self::ROLE,
            rpc: &self.rpc,
            deployment: self.deployment.as_deref(),
            key: &self.key,
            store: &self.store,
            chain: &self.chain,
            gas: &self.gas,
            observe: self.observe,
        }
    }

    /// The limits of a stream whose least rate is so much.
    pub const fn rate(&self, least: u128) -> RateSettings {
        RateSettings {
            least,
            most: self.spend.most_rate,
            reserve_seconds: self.spend.reserve_seconds,
        }
    }
}
