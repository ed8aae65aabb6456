//! The sections that `sink.toml` and `source.toml` share, and how a configuration is read.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bpe_chain::{KeySource, Limits};
use figment::{
    providers::{Env, Format as _, Toml},
    Figment,
};
use serde::{de::DeserializeOwned, Deserialize};

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no configuration {path}; `bpe {role} init` writes one")]
    Missing { path: PathBuf, role: &'static str },
    #[error("the configuration: {0}")]
    Malformed(String),
    #[error("the configuration: {key} = {value} {rule}")]
    OutOfRange {
        key: &'static str,
        value: String,
        rule: &'static str,
    },
}

/// A configuration that knows what is wrong with it.
pub trait Checked: DeserializeOwned {
    /// `sink` or `source`.
    const ROLE: &'static str;
    /// Variables that override the file: `BPE_SINK__SECTION__KEY`.
    const PREFIX: &'static str;

    /// # Errors
    /// With the key that is wrong, and what would be right.
    fn check(&self) -> Result<(), ConfigError>;
}

/// Reads a file, and what the environment overrides of it.
///
/// # Errors
/// With the key that is wrong, and what would be right.
pub fn read<T: Checked>(path: &Path) -> Result<T, ConfigError> {
    if !path.is_file() {
        return Err(ConfigError::Missing {
            path: path.to_owned(),
            role: T::ROLE,
        });
    }
    extract(Figment::from(Toml::file_exact(path)))
}

/// A configuration's text, with the environment.
///
/// # Errors
/// As [`read`].
pub fn parse<T: Checked>(text: &str) -> Result<T, ConfigError> {
    extract(Figment::from(Toml::string(text)))
}

fn extract<T: Checked>(figment: Figment) -> Result<T, ConfigError> {
    let config: T = figment
        .merge(Env::prefixed(T::PREFIX).split("__"))
        .extract()
        .map_err(|error| ConfigError::Malformed(error.to_string()))?;
    config.check()?;
    Ok(config)
}

/// Refuses a value unless it is right.
///
/// # Errors
/// [`ConfigError::OutOfRange`].
pub fn rule(
    right: bool,
    key: &'static str,
    value: impl ToString,
    rule: &'static str,
) -> Result<(), ConfigError> {
    if right {
        return Ok(());
    }
    Err(ConfigError::OutOfRange {
        key,
        value: value.to_string(),
        rule,
    })
}

/// Refuses what is no http or https address.
///
/// # Errors
/// [`ConfigError::OutOfRange`].
pub fn is_url(key: &'static str, value: &str) -> Result<(), ConfigError> {
    let url = url::Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    rule(url, key, value, "should begin with http:// or https://")
}

/// Where state is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Folder of the store; without it `./.bpe/<role>`.
    pub state: Option<PathBuf>,
}

/// How the chain is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chain {
    pub poll_ms: u64,
    /// Seconds without a new block after which nothing is sent; 0 never.
    pub stale_after: u64,
}

/// What the key may spend on gas.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gas {
    pub fee_cap_gwei: f64,
    /// Gwei in an hour, and in a day.
    pub hour_gwei: u64,
    pub day_gwei: u64,
}

/// How long each part of a request may take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    pub connect: u64,
    /// Until the answer begins: a long prompt takes its time.
    pub first_byte: u64,
    /// Between two parts of an answer, for a client to take one, and for the whole of a request's body.
    pub idle: u64,
    /// For all of it.
    pub total: u64,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            poll_ms: 1_000,
            stale_after: 60,
        }
    }
}

impl Default for Gas {
    fn default() -> Self {
        Self {
            fee_cap_gwei: 2.0,
            hour_gwei: 10_000_000,
            day_gwei: 100_000_000,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: 5,
            first_byte: 300,
            idle: 60,
            total: 1_800,
        }
    }
}

/// What both configurations say of chain, key and store.
#[derive(Clone, Debug)]
pub struct Common<'a> {
    pub role: &'static str,
    pub rpc: &'a str,
    pub deployment: Option<&'a Path>,
    pub key: &'a KeySource,
    pub store: &'a Store,
    pub chain: &'a Chain,
    pub gas: &'a Gas,
    pub observe: bool,
}

impl Common<'_> {
    /// # Errors
    /// With the key that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        is_url("rpc", self.rpc)?;
        rule(
            self.chain.poll_ms > 0,
            "chain.poll_ms",
            self.chain.poll_ms,
            "should be above 0",
        )?;
        let fee = self.gas.fee_cap_gwei;
        rule(
            fee > 0.0 && fee < 1e6,
            "gas.fee_cap_gwei",
            fee,
            "should be above 0 and below 1000000",
        )
    }

    /// The folder of the store.
    pub fn state(&self) -> PathBuf {
        let named = self.store.state.clone();
        named.unwrap_or_else(|| PathBuf::from(".bpe").join(self.role))
    }

    /// The limits of sending.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be positive and small"
    )]
    pub fn limits(&self) -> Limits {
        Limits {
            fee_cap: (self.gas.fee_cap_gwei * 1e9) as u128,
            hour_gwei: self.gas.hour_gwei,
            day_gwei: self.gas.day_gwei,
            poll: Duration::from_millis(self.chain.poll_ms.min(500)),
            ..Limits::default()
        }
    }
}

impl Timeouts {
    /// # Errors
    /// If one of them is 0.
    pub fn check(&self) -> Result<(), ConfigError> {
        let all = [
            ("timeouts.connect", self.connect),
            ("timeouts.first_byte", self.first_byte),
            ("timeouts.idle", self.idle),
            ("timeouts.total", self.total),
        ];
        for (key, value) in all {
            rule(value > 0, key, value, "should be above 0")?;
        }
        Ok(())
    }
}
