//! `sink.toml`: what it may hold, what it means, and what is wrong with it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use alloy::primitives::{B256, U256};
use bpe_agent::{capacity::CapacitySettings, queue::QueueSettings};
use bpe_chain::KeySource;
use bpe_service::config::{
    is_url, rule, Chain, Checked, Common, ConfigError, Gas, Store, Timeouts,
};
use serde::Deserialize;

/// All of it. What is left out has the value shown in `ops/sink.toml`.
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
    pub service: Service,
    #[serde(default)]
    pub key: KeySource,
    #[serde(default)]
    pub store: Store,
    #[serde(default)]
    pub chain: Chain,
    #[serde(default)]
    pub gas: Gas,
    #[serde(default)]
    pub stake: Stake,
    #[serde(default)]
    pub capacity: Capacity,
    #[serde(default)]
    pub queue: Queue,
    #[serde(default)]
    pub pay: Pay,
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// What is sold, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The task type's id.
    pub task_type: B256,
    /// The service behind: http or https, a path of its own included.
    pub upstream: String,
    /// Where the engine prints its metrics for Prometheus; without it, own traffic alone is measured.
    pub engine_metrics: Option<String>,
    /// Where sources reach this one.
    pub public_url: Option<String>,
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// Bytes of a request at most.
    #[serde(default = "body_bytes")]
    pub body_bytes: usize,
}

const fn listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_200)
}

const fn body_bytes() -> usize {
    8 << 20
}

/// What stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stake {
    /// Stakes and registers by itself.
    pub join: bool,
    /// Wei of stake tokens, decimal; what the task type asks for, if that is more.
    #[serde(with = "bpe_chain::decimal")]
    pub amount: U256,
}

/// CapacityComputer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// Capacity to begin with, in work units of 1e-9 per second, decimal.
    #[serde(with = "bpe_chain::decimal")]
    pub initial: u64,
    /// Requests at once to begin with, and at most.
    pub first_limit: u32,
    pub most_limit: u32,
    /// Seconds of a window.
    pub window: u64,
    /// Attests when the capacity has changed by so many basis points, or after so many seconds.
    pub delta_bps: u64,
    pub renew_after: u64,
}

/// TaskQueueManager.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    pub most_waiting: u32,
    pub most_per_source: u32,
    /// What a task takes, before one was measured, in milliseconds.
    pub first_service_ms: u64,
    /// Wei, decimal, of work that a source may leave unsigned: that has paid for nothing yet; any source; all that have
    /// paid for nothing yet together.
    #[serde(with = "bpe_chain::decimal")]
    pub first_trust: u128,
    #[serde(with = "bpe_chain::decimal")]
    pub most_trust: u128,
    #[serde(with = "bpe_chain::decimal")]
    pub most_strangers: u128,
}

/// Being paid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pay {
    /// Wei per work unit, decimal; without it, PricingCurve's price for this sink.
    #[serde(deserialize_with = "optional_wei")]
    pub price: Option<u128>,
    /// Keepers that take attestations and vouchers.
    pub keepers: Vec<String>,
    /// Redeems by itself what is still unredeemed so many seconds before an epoch of 300 s ends,
    pub redeem_before_end: u64,
    /// or when so many wei are, decimal; 0 never.
    #[serde(with = "bpe_chain::decimal")]
    pub redeem_at: u128,
}

fn optional_wei<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u128>, D::Error> {
    bpe_chain::decimal::deserialize(from).map(Some)
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            initial: 1_000_000_000,
            first_limit: 4,
            most_limit: 256,
            window: 10,
            delta_bps: 500,
            renew_after: 300,
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            most_waiting: 64,
            most_per_source: 64,
            first_service_ms: 1_000,
            // A cent, a token, ten tokens, of 18 decimals.
            first_trust: 10_000_000_000_000_000,
            most_trust: 1_000_000_000_000_000_000,
            most_strangers: 10_000_000_000_000_000_000,
        }
    }
}

impl Default for Pay {
    fn default() -> Self {
        Self {
            price: None,
            keepers: Vec::new(),
            redeem_before_end: 60,
            redeem_at: 0,
        }
    }
}

impl Checked for Config {
    const ROLE: &'static str = "sink";
    const PREFIX: &'static str = "BPE_SINK__";

    fn check(&self) -> Result<(), ConfigError> {
        self.common().check()?;
        self.timeouts.check()?;
        is_url("service.upstream", &self.service.upstream)?;
        let urls = [
            ("service.engine_metrics", &self.service.engine_metrics),
            ("service.public_url", &self.service.public_url),
        ];
        for (key, url) in urls {
            if let Some(url) = url {
                is_url(key, url)?;
            }
        }
        for keeper in &self.pay.keepers {
            is_url("pay.keepers", keeper)?;
        }
        let id = self.service.task_type;
        rule(!id.is_zero(), "service.task_type", id, "should not be zero")?;
        let positive = [
            ("service.body_bytes", self.service.body_bytes as u64),
            ("capacity.first_limit", self.capacity.first_limit.into()),
            ("capacity.window", self.capacity.window),
            ("queue.most_per_source", self.queue.most_per_source.into()),
            ("queue.first_service_ms", self.queue.first_service_ms),
        ];
        for (key, value) in positive {
            rule(value > 0, key, value, "should be above 0")?;
        }
        let most = self.capacity.most_limit;
        rule(
            most >= self.capacity.first_limit,
            "capacity.most_limit",
            most,
            "should be first_limit or more",
        )?;
        let before = self.pay.redeem_before_end;
        rule(
            before <= 300,
            "pay.redeem_before_end",
            before,
            "should be at most 300, the length of an epoch",
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

    pub const fn computer(&self) -> CapacitySettings {
        CapacitySettings {
            initial: self.capacity.initial,
            first_limit: self.capacity.first_limit,
            most_limit: self.capacity.most_limit,
        }
    }

    pub const fn queue(&self) -> QueueSettings {
        QueueSettings {
            at_once: self.capacity.first_limit,
            most_waiting: self.queue.most_waiting,
            most_per_source: self.queue.most_per_source,
            first_service_ms: self.queue.first_service_ms,
            first_trust: self.queue.first_trust,
            most_trust: self.queue.most_trust,
            most_strangers: self.queue.most_strangers,
        }
    }
}
