//! What a deployment may choose: a TOML file, and defaults for the chains that we know.

use std::{collections::BTreeMap, fs, path::Path};

use alloy::{
    dyn_abi::DynSolValue,
    primitives::{address, keccak256, utils::parse_units, Address, B256, U256},
};
use anyhow::{bail, ensure, Context as _};
use devnet_superfluid::SuperfluidAddresses;
use serde::Deserialize;

use super::suite::{self, Program, DOMAINS};

/// Arbitrum One.
pub const ARBITRUM_ONE: u64 = 42_161;

/// Where Superfluid distributes there: npm package `@superfluid-finance/metadata`.
const ARBITRUM_ONE_GDA: Address = address!("1e299701792a2aF01408B122419d65Fd2dF0Ba02");

const DEFAULT_FEE_BPS: u64 = 10;
/// 5 % a year, per second with 18 decimals.
const DEFAULT_DECAY_RATE: &str = "1585489599";
const DEFAULT_SATS_PER_UNIT: &str = "1000000";
const DEFAULT_MIN_STAKE: &str = "100e18";
const DEFAULT_STAKE_UNIT: &str = "1e18";
/// The part of the least stake that is 1 % of the slash of a tenth of it.
const SMALLEST_SLASH_REWARD: U256 = U256::from_limbs([1_000, 0, 0, 0]);
/// A capacity unit is a task an epoch.
const DEFAULT_COMPLETION_WEIGHT: &str = "1e9";
/// PricingCurve's own.
const MAX_BASE_FEE: &str = "1e27";
/// What sinks owe, by its number in CompletionTracker.
const WEIGHTINGS: [&str; 4] = ["capacity", "spare", "shares", "work"];
/// The number of the last of them.
pub const BY_WORK: u8 = 3;
const YARDSTICKS: [&str; 4] = ["none", "declared", "assigned", "missed"];
/// Of them the one by misses, whose `completion_weight` is a rate that has no default.
const MISSED: u8 = 3;
/// In wei.
const DEFAULT_CACHE_BID: &str = "0.001e18";

/// Domains for which core contracts are called, by the setting that stands for that.
const CALLED_DOMAINS: [(&str, &str); 3] = [
    ("domains.lightning", "lightning"),
    ("domains.relay", "relay"),
    ("domains.openclaw", "openclaw"),
];

/// Stakes are bounded by nothing but their minimum: how many sinks a stake can be split into, and what a bond costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`stake.minimum` is 0: without one a stake can be split into any number of sinks, each of which has more capacity than its part, and ids cost nothing to squat; write wei, as \"100e18\"")]
pub struct NoMinimumStake;

/// The file as it is written. Every key is optional here: which ones a deployment needs depends on its chain and on what
/// it includes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The chain that this file is for; any other is refused.
    pub chain_id: Option<u64>,
    /// Who owns everything in the end; else who deploys.
    pub owner: Option<Address>,
    /// Makes `owner` the owner at once, without its acceptance.
    #[serde(default)]
    pub hand_over_at_once: bool,
    /// The Super Token that streams are paid in.
    pub super_token: Option<Address>,
    pub protocol_fee_bps: Option<u64>,
    pub fee_recipient: Option<Address>,
    pub reviewer: Option<Address>,
    /// Who gets slashed stakes; else the contract's default.
    pub treasury: Option<Address>,
    pub share_signer: Option<Address>,
    #[serde(default)]
    pub superfluid: Superfluid,
    #[serde(default)]
    pub stake: Stake,
    #[serde(default)]
    pub task_types: Vec<TaskType>,
    /// Domains to leave out: `lightning = false`.
    #[serde(default)]
    pub domains: BTreeMap<String, bool>,
    #[serde(default)]
    pub demurrage: Demurrage,
    #[serde(default)]
    pub lightning: Lightning,
    #[serde(default)]
    pub relay: Relay,
    #[serde(default)]
    pub openclaw: OpenClaw,
    #[serde(default)]
    pub reputation: Reputation,
    #[serde(default)]
    pub cache: Cache,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superfluid {
    /// The general distribution agreement.
    pub gda: Option<Address>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stake {
    pub token: Option<Address>,
    /// Wei of stake that back a capacity unit.
    pub unit: Option<String>,
    /// The least that a sink stakes, in wei.
    pub minimum: Option<String>,
    /// `sqrt` or `affine`.
    pub cap_curve: Option<String>,
    /// Seconds.
    pub unbonding_period: Option<u64>,
    /// What whoever brings a slash about is paid, in wei; at most 1 % of what it takes.
    pub slash_reward: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskType {
    /// Its id is the Keccak hash of this, or this itself if it is 32 bytes in hex.
    pub name: String,
    pub min_stake: Option<String>,
    /// What its sinks are paid by: `capacity`, `spare`, `shares` or `work`. `work` cannot be changed once there is a pool.
    /// Left as it is on the chain, if missing: at first, it is `capacity`.
    pub weighting: Option<String>,
    /// What its sinks owe: `declared`, `assigned` or `none`. Left as it is on the chain, if missing: at first, they owe nothing.
    pub yardstick: Option<String>,
    /// How much capacity a completion in an epoch stands for.
    pub completion_weight: Option<String>,
    /// Where its base fee starts, in wei per capacity unit and second; and between what it stays, a tenth of that and the most
    /// there is, if missing.
    pub start_fee: Option<String>,
    pub fee_floor: Option<String>,
    pub fee_ceiling: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demurrage {
    /// A plain ERC-20; no Super Token, whose balances change by themselves.
    pub underlying: Option<Address>,
    pub name: Option<String>,
    pub symbol: Option<String>,
    /// Per second, with 18 decimals.
    pub decay_rate: Option<String>,
    pub recipient: Option<Address>,
    /// A Super Token over the demurrage token, which does not decay while it flows.
    pub super_token: Option<Address>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lightning {
    pub task_type: Option<String>,
    pub min_stake: Option<String>,
    pub sats_per_unit: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    pub task_type: Option<String>,
    pub min_stake: Option<String>,
    pub aggregator: Option<Address>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenClaw {
    pub task_type: Option<String>,
    pub min_stake: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reputation {
    /// The domain in which stakes get discounts for reputation in the others; without it there are none.
    pub stake_domain: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// False leaves the programs uncached.
    pub enabled: Option<bool>,
    /// The most that is bid for one program, in wei.
    pub max_bid: Option<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or has a key or value that means nothing here.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| file.display().to_string())
    }

    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| 1 + text[..span.start].matches('\n').count());
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            anyhow::anyhow!("{line}{}", error.message().replace('\n', " "))
        })?;
        for domain in config.domains.keys() {
            ensure!(
                DOMAINS.contains(&domain.as_str()),
                "unknown domain `domains.{domain}`: there are {}",
                DOMAINS.join(", ")
            );
        }
        Ok(config)
    }
}

/// A task type to open.
#[derive(Clone, Debug)]
pub struct OpenTaskType {
    pub name: String,
    pub id: B256,
    pub min_stake: U256,
    /// What its sinks are paid by, by its number, if the configuration says so.
    pub weighting: Option<u8>,
    /// What its sinks owe, by its number, if the configuration says so.
    pub yardstick: Option<u8>,
    pub completion_weight: U256,
    /// Of its base fee, if the configuration says so. Few have any.
    pub fees: Option<Box<Fees>>,
}

/// Where a base fee starts, and between what it stays, in wei per capacity unit and second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    pub start: U256,
    pub floor: U256,
    pub ceiling: U256,
}

impl Fees {
    fn of(config: &TaskType) -> anyhow::Result<Option<Self>> {
        let name = &config.name;
        let key = |key: &str| format!("task_types: {name}: {key}");
        let Some(start) = &config.start_fee else {
            ensure!(
                config.fee_floor.is_none() && config.fee_ceiling.is_none(),
                "{} is missing: bounds of a fee come with its start",
                key("start_fee")
            );
            return Ok(None);
        };
        let start = amount(&key("start_fee"), Some(start), "0")?;
        let floor = match config.fee_floor.as_deref() {
            Some(floor) => amount(&key("fee_floor"), Some(floor), "0")?,
            None => start / U256::from(10),
        };
        let ceiling = config.fee_ceiling.as_deref();
        let ceiling = amount(&key("fee_ceiling"), ceiling, MAX_BASE_FEE)?;
        ensure!(
            !floor.is_zero() && floor <= start && start <= ceiling,
            "{} is {start}, which is not between {floor} and {ceiling}, or the least is 0",
            key("start_fee")
        );
        Ok(Some(Self {
            start,
            floor,
            ceiling,
        }))
    }
}

impl OpenTaskType {
    fn new(config: &TaskType) -> anyhow::Result<Self> {
        let name = &config.name;
        let of = |key: &str, text: &Option<String>, default| {
            amount(
                &format!("task_types: {name}: {key}"),
                text.as_deref(),
                default,
            )
        };
        let number = |key, named: &Option<String>, names| {
            let named = named.as_deref().map(|it| number_of(key, it, names));
            named
                .transpose()
                .with_context(|| format!("task_types: {name}"))
        };
        let yardstick = number("yardstick", &config.yardstick, &YARDSTICKS)?;
        if yardstick == Some(MISSED) && config.completion_weight.is_none() {
            bail!(
                "task_types: {name}: `completion_weight` is missing: with the yardstick `missed` it is the wei of stake \
                 that 1e18 wei of payment stand for"
            );
        }
        Ok(Self {
            id: id(name),
            min_stake: of("min_stake", &config.min_stake, DEFAULT_MIN_STAKE)?,
            weighting: number("weighting", &config.weighting, &WEIGHTINGS)?,
            yardstick,
            completion_weight: of(
                "completion_weight",
                &config.completion_weight,
                DEFAULT_COMPLETION_WEIGHT,
            )?,
            fees: Fees::of(config)?.map(Box::new),
            name: name.clone(),
        })
    }
}

/// The place of a name among those that there are.
fn number_of(key: &str, name: &str, names: &[&str]) -> anyhow::Result<u8> {
    let number = (0u8..).zip(names).find(|(_, known)| **known == name);
    let number = number.map(|(number, _)| number);
    number.with_context(|| format!("`{key}` is {name:?}: there are {}", names.join(", ")))
}

/// All values of a configuration by their keys, defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, DynSolValue>,
    pub task_types: Vec<OpenTaskType>,
    pub owner: Address,
    pub hand_over_at_once: bool,
    pub cache: bool,
    pub max_bid: U256,
    domains: BTreeMap<&'static str, bool>,
}

impl Settings {
    /// Fills in what follows from the chain and from who deploys.
    ///
    /// # Errors
    /// If the file is for another chain, or an amount is none.
    pub fn new(
        config: &Config,
        chain_id: u64,
        superfluid: Option<&SuperfluidAddresses>,
        deployer: Address,
    ) -> anyhow::Result<Self> {
        if let Some(want) = config.chain_id {
            ensure!(
                want == chain_id,
                "the configuration is for chain {want} (`chain_id`), and the endpoint is chain {chain_id}: use another endpoint, or another configuration"
            );
        }
        let owner = config.owner.unwrap_or(deployer);
        ensure!(
            !owner.is_zero(),
            "`owner` is the zero address: name who is to own the contracts"
        );
        let mut domains: BTreeMap<_, _> = DOMAINS.iter().map(|name| (*name, true)).collect();
        for (name, wanted) in &config.domains {
            if let Some(flag) = domains.get_mut(name.as_str()) {
                *flag = *wanted;
            }
        }
        let mut it = Self {
            values: BTreeMap::new(),
            task_types: Vec::new(),
            owner,
            hand_over_at_once: config.hand_over_at_once,
            cache: config.cache.enabled.unwrap_or(true),
            max_bid: amount(
                "cache.max_bid",
                config.cache.max_bid.as_deref(),
                DEFAULT_CACHE_BID,
            )?,
            domains,
        };
        it.fill_settlement(config, chain_id, superfluid);
        it.fill_stakes(config, superfluid)?;
        it.fill_domains(config, superfluid)?;
        for task_type in &config.task_types {
            it.task_types.push(OpenTaskType::new(task_type)?);
        }
        Ok(it)
    }

    fn fill_settlement(
        &mut self,
        config: &Config,
        chain_id: u64,
        superfluid: Option<&SuperfluidAddresses>,
    ) {
        let known_gda = (chain_id == ARBITRUM_ONE).then_some(ARBITRUM_ONE_GDA);
        let gda = config
            .superfluid
            .gda
            .or(superfluid.map(|it| it.gda_v1))
            .or(known_gda);
        self.address("superfluid.gda", gda);
        let super_token = config.super_token.or(superfluid.map(|it| it.usdcx));
        self.address("super_token", super_token);
        let fee = config.protocol_fee_bps.unwrap_or(DEFAULT_FEE_BPS);
        self.number("protocol_fee_bps", U256::from(fee));
        self.address("fee_recipient", config.fee_recipient.or(Some(self.owner)));
        self.address("reviewer", config.reviewer.or(Some(self.owner)));
        self.address("treasury", config.treasury);
        self.address("share_signer", config.share_signer);
    }

    fn fill_stakes(
        &mut self,
        config: &Config,
        superfluid: Option<&SuperfluidAddresses>,
    ) -> anyhow::Result<()> {
        let stake = &config.stake;
        // In a plan that would deploy Superfluid, all are zero.
        let plain = superfluid.map(|it| match it.stake_token.is_zero() {
            true => it.usdcx,
            false => it.stake_token,
        });
        self.address("stake.token", stake.token.or(plain));
        let unit = amount("stake.unit", stake.unit.as_deref(), DEFAULT_STAKE_UNIT)?;
        self.number("stake.unit", unit);
        let least = amount("stake.minimum", stake.minimum.as_deref(), DEFAULT_MIN_STAKE)?;
        if least.is_zero() {
            return Err(NoMinimumStake.into());
        }
        self.number("stake.minimum", least);
        let reward = match stake.slash_reward.as_deref() {
            Some(reward) => amount("stake.slash_reward", Some(reward), "0")?,
            None => least / SMALLEST_SLASH_REWARD,
        };
        self.number("stake.slash_reward", reward);
        let curve = match stake.cap_curve.as_deref().unwrap_or("sqrt") {
            "sqrt" => 0,
            "affine" => 1,
            other => bail!("`stake.cap_curve` is {other:?}: there are \"sqrt\" and \"affine\""),
        };
        self.insert(
            "stake.cap_curve",
            Some(DynSolValue::Uint(U256::from(curve), 8)),
        );
        if let Some(seconds) = stake.unbonding_period {
            self.number("stake.unbonding_period", U256::from(seconds));
        }
        Ok(())
    }

    fn fill_domains(
        &mut self,
        config: &Config,
        superfluid: Option<&SuperfluidAddresses>,
    ) -> anyhow::Result<()> {
        for (key, _) in CALLED_DOMAINS {
            self.insert(key, Some(DynSolValue::Bool(true)));
        }
        let demurrage = &config.demurrage;
        let underlying = demurrage.underlying.or(superfluid.map(|it| it.usdc));
        self.address("demurrage.underlying", underlying);
        self.text("demurrage.name", demurrage.name.as_deref(), "BPE Demurrage");
        self.text("demurrage.symbol", demurrage.symbol.as_deref(), "BPED");
        let rate = demurrage.decay_rate.as_deref();
        let rate = amount("demurrage.decay_rate", rate, DEFAULT_DECAY_RATE)?;
        self.number("demurrage.decay_rate", rate);
        let recipient = demurrage.recipient.or(Some(self.owner));
        self.address("demurrage.recipient", recipient);
        self.address("demurrage.super_token", demurrage.super_token);

        let (lightning, relay, openclaw) = (&config.lightning, &config.relay, &config.openclaw);
        let scale = lightning.sats_per_unit.as_deref();
        let scale = amount("lightning.sats_per_unit", scale, DEFAULT_SATS_PER_UNIT)?;
        self.number("lightning.sats_per_unit", scale);
        self.address("relay.aggregator", relay.aggregator);
        let skill = openclaw.task_type.as_deref();
        self.text("openclaw.skill_name", skill, "openclaw");
        for (task_type, min_stake, name, given, stake) in [
            (
                "lightning.task_type",
                "lightning.min_stake",
                "lightning",
                &lightning.task_type,
                &lightning.min_stake,
            ),
            (
                "relay.task_type",
                "relay.min_stake",
                "relay",
                &relay.task_type,
                &relay.min_stake,
            ),
            (
                "openclaw.task_type",
                "openclaw.min_stake",
                "openclaw",
                &openclaw.task_type,
                &openclaw.min_stake,
            ),
        ] {
            self.hash(task_type, Some(given.as_deref().unwrap_or(name)));
            let stake = amount(min_stake, stake.as_deref(), DEFAULT_MIN_STAKE)?;
            self.number(min_stake, stake);
        }
        let domain = config.reputation.stake_domain.as_deref();
        self.hash("reputation.stake_domain", domain);
        Ok(())
    }

    /// The value of a key, if it has one.
    pub fn get(&self, key: &str) -> Option<&DynSolValue> {
        self.values.get(key)
    }

    /// Whether a domain's contracts are wanted.
    pub fn includes(&self, domain: &str) -> bool {
        self.domains.get(domain).copied().unwrap_or(false)
    }

    /// The same without the calls of domains none of whose contracts `has` knows.
    #[must_use]
    pub fn for_programs(mut self, has: impl Fn(&Program) -> bool) -> Self {
        for (key, domain) in CALLED_DOMAINS {
            if !suite::programs().any(|it| it.domain == Some(domain) && has(it)) {
                self.values.remove(key);
            }
        }
        self
    }

    fn insert(&mut self, key: &'static str, value: Option<DynSolValue>) {
        if let Some(value) = value {
            self.values.insert(key, value);
        }
    }

    fn address(&mut self, key: &'static str, value: Option<Address>) {
        self.insert(key, value.map(DynSolValue::Address));
    }

    fn number(&mut self, key: &'static str, value: U256) {
        self.insert(key, Some(DynSolValue::Uint(value, 256)));
    }

    fn text(&mut self, key: &'static str, value: Option<&str>, default: &str) {
        let text = value.unwrap_or(default).to_owned();
        self.insert(key, Some(DynSolValue::String(text)));
    }

    fn hash(&mut self, key: &'static str, name: Option<&str>) {
        self.insert(key, name.map(|name| DynSolValue::FixedBytes(id(name), 32)));
    }
}

/// The id of a task type or domain by its name.
pub fn id(name: &str) -> B256 {
    let hex = name.strip_prefix("0x").filter(|hex| hex.len() == 64);
    hex.and_then(|hex| hex.parse().ok())
        .unwrap_or_else(|| keccak256(name))
}

/// A whole number, with an exponent of ten if wanted: `100e18`, `0.5e18`, `2500`.
fn amount(key: &str, text: Option<&str>, default: &str) -> anyhow::Result<U256> {
    let text = text.unwrap_or(default);
    let plain = text.replace('_', "");
    let (mantissa, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
    let whole_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.parse::<u8>().ok().filter(|it| {
        let significant = fraction.trim_end_matches('0').len();
        *it <= 77 && significant <= usize::from(*it)
    });
    exponent
        .filter(|_| whole_digits(whole) && whole_digits(fraction))
        .and_then(|exponent| {
            parse_units(&format!("{whole}.{}", fraction_of(fraction)), exponent).ok()
        })
        .map(Into::into)
        .with_context(|| {
            format!("`{key}` is {text:?}, which is no amount: write wei, as \"100e18\" or \"2500\"")
        })
}

/// Without the zeros that `parse_units` would count as digits.
fn fraction_of(digits: &str) -> &str {
    digits.trim_end_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_wei() {
        let read = |text| amount("it", Some(text), "0");
        let token = U256::from(1_000_000_000_000_000_000u64);
        assert_eq!(read("100e18").unwrap(), token * U256::from(100));
        assert_eq!(read("0.5e18").unwrap(), token / U256::from(2));
        assert_eq!(read("1_000").unwrap(), U256::from(1_000));
        assert_eq!(read("2.50e1").unwrap(), U256::from(25));
        for wrong in [
            "", "e18", "1.5", "-1", "1e", "ten", "1e78", "0x10", "1.23e1",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("`it`"), "{wrong}: {error}");
        }
    }

    #[test]
    fn weightings_and_yardsticks_have_names() {
        for (number, name) in (0..).zip(WEIGHTINGS) {
            assert_eq!(number_of("weighting", name, &WEIGHTINGS).unwrap(), number);
        }
        let error = number_of("yardstick", "ledger", &YARDSTICKS).unwrap_err();
        let expected = "`yardstick` is \"ledger\": there are none, declared, assigned, missed";
        assert_eq!(error.to_string(), expected);
    }

    /// The default weight of a completion is no rate of stake for payment.
    #[test]
    fn the_rate_of_misses_is_named() {
        let mut config = TaskType {
            name: "inference".to_owned(),
            yardstick: Some("missed".to_owned()),
            ..TaskType::default()
        };
        let error = OpenTaskType::new(&config).unwrap_err().to_string();
        assert!(error.contains("`completion_weight` is missing"), "{error}");
        config.completion_weight = Some("2e18".to_owned());
        let open = OpenTaskType::new(&config).unwrap();
        assert_eq!(open.yardstick, Some(3));
    }

    #[test]
    fn stakes_have_a_minimum() {
        for (minimum, refused) in [("0", true), ("0e18", true), ("1", false)] {
            let config = Config::parse(&format!("[stake]\nminimum = \"{minimum}\"")).unwrap();
            let settings = Settings::new(&config, 5, None, Address::repeat_byte(1));
            let error = settings.err();
            let error = error.and_then(|it| it.downcast::<NoMinimumStake>().ok());
            assert_eq!(error, refused.then_some(NoMinimumStake), "{minimum}");
        }
    }

    #[test]
    fn unknown_keys_are_named() {
        for (text, expected) in [
            ("ownr = \"0x00\"", "ownr"),
            (
                "[stake]\nunit = \"1e18\"\ntokn = 1",
                "line 3: unknown field `tokn`",
            ),
            (
                "[domains]\nlightening = false",
                "unknown domain `domains.lightening`",
            ),
            ("owner = \"0x12\"", "line 1"),
        ] {
            let error = format!("{:#}", Config::parse(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_chain_that_nobody_knows_has_no_superfluid() {
        let settings = Settings::new(&Config::default(), 5, None, Address::repeat_byte(1)).unwrap();
        for key in ["superfluid.gda", "super_token", "stake.token"] {
            assert!(settings.get(key).is_none(), "{key}");
        }
        let one = Settings::new(
            &Config::default(),
            ARBITRUM_ONE,
            None,
            Address::repeat_byte(1),
        );
        assert!(one.unwrap().get("superfluid.gda").is_some());
        let config = Config::parse("chain_id = 7").unwrap();
        let error = Settings::new(&config, 5, None, Address::ZERO).unwrap_err();
        assert!(error.to_string().contains("chain 7"), "{error}");
    }
}
