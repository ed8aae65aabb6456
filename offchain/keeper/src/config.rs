//! `keeper.toml`: what it may hold, what it means, and what is wrong with it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use bpe_chain::{KeySource, Limits};
use figment::{
    providers::{Env, Format as _, Toml},
    Figment,
};
use serde::Deserialize;

/// Variables that override the file: `BPE_KEEPER__SECTION__KEY`.
const PREFIX: &str = "BPE_KEEPER__";

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no configuration {0}; `bpe keeper init` writes one")]
    Missing(PathBuf),
    #[error("the configuration: {0}")]
    Malformed(String),
    #[error("the configuration: {key} = {value} {rule}")]
    OutOfRange {
        key: &'static str,
        value: String,
        rule: &'static str,
    },
}

/// All of it. What is left out has the value shown in `ops/keeper.toml`.
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
    #[serde(default)]
    pub key: KeySource,
    #[serde(default)]
    pub store: Store,
    #[serde(default)]
    pub chain: Chain,
    #[serde(default)]
    pub spending: Spending,
    #[serde(default)]
    pub api: Api,
    #[serde(default)]
    pub oracle: Oracle,
    #[serde(default)]
    pub rebalance: Rebalance,
    #[serde(default)]
    pub verification: Verification,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Folder of `keeper.sqlite`.
    pub state: PathBuf,
    /// `postgres://…`, for several instances; without it SQLite.
    pub url: Option<String>,
}

/// How the chain is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chain {
    pub poll_ms: u64,
    /// Seconds without a new block after which nothing is sent; 0 never.
    pub stale_after: u64,
    /// Blocks in one query for events.
    pub range: u64,
}

/// What the key may spend.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spending {
    pub gas_per_transaction: u64,
    /// Gwei per gas at most.
    pub fee_cap_gwei: f64_gwei::Gwei,
    /// Gwei in an hour, and in a day.
    pub hour_gwei: u64,
    pub day_gwei: u64,
    /// Transactions a day for an item without effect on it.
    pub attempts: u64,
    /// Seconds after which a transaction that is not mined is replaced.
    pub stuck_after: u64,
    /// Ether below which `/readyz` warns, in gwei.
    pub low_balance_gwei: u64,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    pub listen: SocketAddr,
    /// Bytes of a request's body at most.
    pub body_bytes: usize,
    /// Seconds for a request at most.
    pub timeout: u64,
    /// Requests per second and client, and how many at once after a pause.
    pub requests_per_second: u32,
    pub burst: u32,
    /// Live connections at once.
    pub live: usize,
}

/// CapacityOracle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oracle {
    pub enabled: bool,
    /// A batch is sent when it has so many attestations,
    pub batch: usize,
    /// or its oldest has waited so many seconds,
    pub max_wait: u64,
    /// or one differs from what counts by so many basis points.
    pub urgent_bps: u64,
    /// Attestations that wait at most.
    pub inbox: u64,
}

/// RebalanceEngine.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rebalance {
    pub enabled: bool,
    /// Seconds between looks.
    pub every: u64,
    /// A unit is updated when the money it has misallocated is so many times what the transaction costs.
    pub factor: f64,
    /// Payment tokens for an ether: what gas is weighed against.
    pub tokens_per_ether: f64,
    /// Gas of one update, before any was measured.
    pub update_gas: u64,
    /// Seconds between closings of price epochs; 0 never.
    pub price_epochs_every: u64,
    /// Seconds between notes of what each source by work has paid; 0 never.
    pub notes_every: u64,
}

/// VerificationService.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verification {
    pub enabled: bool,
    /// Epochs of 300 s that are judged together: judging late changes no verdict.
    pub epochs: u64,
    /// Sinks in one call.
    pub page: u64,
    /// Vouchers are redeemed when the epoch has no more than so many seconds left.
    pub vouchers_before: u64,
    /// Receipts and assignments: as for attestations.
    pub batch: usize,
    pub max_wait: u64,
    pub inbox: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            state: PathBuf::from(".bpe/keeper"),
            url: None,
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            poll_ms: 1_000,
            stale_after: 60,
            range: 10_000,
        }
    }
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            gas_per_transaction: 16_000_000,
            fee_cap_gwei: f64_gwei::Gwei(2.0),
            hour_gwei: 10_000_000,
            day_gwei: 100_000_000,
            attempts: 5,
            stuck_after: 30,
            low_balance_gwei: 10_000_000,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_100),
            body_bytes: 1 << 20,
            timeout: 30,
            requests_per_second: 50,
            burst: 200,
            live: 256,
        }
    }
}

impl Default for Oracle {
    fn default() -> Self {
        Self {
            enabled: true,
            batch: 100,
            max_wait: 60,
            urgent_bps: 1_000,
            inbox: 100_000,
        }
    }
}

impl Default for Rebalance {
    fn default() -> Self {
        Self {
            enabled: true,
            every: 30,
            factor: 2.0,
            tokens_per_ether: 3_000.0,
            update_gas: 400_000,
            price_epochs_every: 300,
            notes_every: 3_600,
        }
    }
}

impl Default for Verification {
    fn default() -> Self {
        Self {
            enabled: true,
            epochs: 3,
            page: 25,
            vouchers_before: 60,
            batch: 100,
            max_wait: 30,
            inbox: 100_000,
        }
    }
}

/// A fee in gwei that may have a fraction.
pub mod f64_gwei {
    use serde::Deserialize;

    #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
    #[serde(transparent)]
    pub struct Gwei(pub f64);

    impl Eq for Gwei {}

    impl Gwei {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be positive and small"
        )]
        pub fn wei(self) -> u128 {
            (self.0 * 1e9) as u128
        }
    }
}

impl Config {
    /// Reads the file, and what the environment overrides of it.
    ///
    /// # Errors
    /// With the key that is wrong, and what would be right.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        if !path.is_file() {
            return Err(ConfigError::Missing(path.to_owned()));
        }
        Self::of(Figment::from(Toml::file_exact(path)))
    }

    /// A configuration's text, with the environment.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::of(Figment::from(Toml::string(text)))
    }

    fn of(figment: Figment) -> Result<Self, ConfigError> {
        let config: Self = figment
            .merge(Env::prefixed(PREFIX).split("__"))
            .extract()
            .map_err(|error| ConfigError::Malformed(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let schemes = ["http://", "https://"];
        let rule = |right: bool, key, value: String, rule| {
            if right {
                Ok(())
            } else {
                Err(ConfigError::OutOfRange { key, value, rule })
            }
        };
        let rpc = schemes.iter().any(|scheme| self.rpc.starts_with(scheme));
        rule(
            rpc,
            "rpc",
            self.rpc.clone(),
            "should begin with http:// or https://",
        )?;
        if let Some(url) = &self.store.url {
            // The value may hold a password.
            let right = url.starts_with("postgres://") || url.starts_with("postgresql://");
            rule(
                right,
                "store.url",
                "…".to_owned(),
                "should begin with postgres://",
            )?;
        }
        let fee = self.spending.fee_cap_gwei.0;
        rule(
            fee > 0.0 && fee < 1e6,
            "spending.fee_cap_gwei",
            fee.to_string(),
            "should be above 0 and below 1000000",
        )?;
        let factor = self.rebalance.factor;
        rule(
            factor > 0.0 && factor.is_finite(),
            "rebalance.factor",
            factor.to_string(),
            "should be above 0",
        )?;
        let price = self.rebalance.tokens_per_ether;
        rule(
            price > 0.0 && price.is_finite(),
            "rebalance.tokens_per_ether",
            price.to_string(),
            "should be above 0",
        )?;
        let batch = self.oracle.batch;
        rule(
            (1..=256).contains(&batch),
            "oracle.batch",
            batch.to_string(),
            "should be from 1 to 256, the contract's most",
        )?;
        let batch = self.verification.batch;
        rule(
            (1..=100).contains(&batch),
            "verification.batch",
            batch.to_string(),
            "should be from 1 to 100, the contract's most",
        )?;
        let epochs = self.verification.epochs;
        rule(
            (1..=64).contains(&epochs),
            "verification.epochs",
            epochs.to_string(),
            "should be from 1 to 64",
        )?;
        let page = self.verification.page;
        rule(
            (1..=100).contains(&page),
            "verification.page",
            page.to_string(),
            "should be from 1 to 100",
        )?;
        let positive = [
            ("chain.poll_ms", self.chain.poll_ms),
            ("chain.range", self.chain.range),
            ("rebalance.every", self.rebalance.every),
            ("spending.attempts", self.spending.attempts),
            ("spending.stuck_after", self.spending.stuck_after),
            (
                "spending.gas_per_transaction",
                self.spending.gas_per_transaction,
            ),
            ("api.timeout", self.api.timeout),
            (
                "api.requests_per_second",
                self.api.requests_per_second.into(),
            ),
            ("api.burst", self.api.burst.into()),
        ];
        for (key, value) in positive {
            rule(value > 0, key, value.to_string(), "should be above 0")?;
        }
        Ok(())
    }

    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.chain.poll_ms)
    }

    /// The limits of sending.
    pub fn limits(&self) -> Limits {
        Limits {
            gas: self.spending.gas_per_transaction,
            fee_cap: self.spending.fee_cap_gwei.wei(),
            hour_gwei: self.spending.hour_gwei,
            day_gwei: self.spending.day_gwei,
            attempts: self.spending.attempts,
            stuck_after: Duration::from_secs(self.spending.stuck_after),
            poll: self.poll().min(Duration::from_millis(500)),
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_endpoint_is_enough() {
        let config = Config::parse("rpc = \"http://127.0.0.1:8545\"").unwrap();
        assert_eq!(config.api.listen.port(), 4_100);
        assert!(config.api.listen.ip().is_loopback());
        assert_eq!(config.limits().fee_cap, 2_000_000_000);
        assert!(!config.observe);
    }

    #[test]
    fn says_which_key_is_wrong_and_what_would_be_right() {
        assert!(error("").contains("rpc"));
        assert!(error("rpc = \"localhost:8545\"").contains("http://"));
        let unknown = error("rpc = \"http://a\"\n[oracle]\nbatches = 3");
        assert!(
            unknown.contains("batches") && unknown.contains("max_wait"),
            "{unknown}"
        );
        let kind = error("rpc = \"http://a\"\n[api]\nburst = \"many\"");
        assert!(kind.contains("burst"), "{kind}");
        let range = error("rpc = \"http://a\"\n[verification]\nbatch = 101");
        assert_eq!(range, "the configuration: verification.batch = 101 should be from 1 to 100, the contract's most");
        let secret = error("rpc = \"http://a\"\n[store]\nurl = \"mysql://user:hidden@a\"");
        assert!(
            secret.contains("store.url") && !secret.contains("hidden"),
            "{secret}"
        );
    }

    #[test]
    fn the_examples_are_right() {
        Config::parse(include_str!("../../../ops/keeper.toml")).unwrap();
        let minimal = Config::parse(include_str!("../../../ops/keeper.minimal.toml")).unwrap();
        let complete = Config::parse(include_str!("../../../ops/keeper.toml")).unwrap();
        // The complete example shows the defaults.
        assert_eq!(complete.api, minimal.api);
        assert_eq!(complete.oracle, minimal.oracle);
        assert_eq!(complete.rebalance, minimal.rebalance);
        assert_eq!(complete.verification, minimal.verification);
        assert_eq!(complete.spending, minimal.spending);
        assert_eq!(complete.chain, minimal.chain);
        assert_eq!(complete.store, minimal.store);
    }
}
