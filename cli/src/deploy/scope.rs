//! What the plan's values stand for on a chain.

use alloy::{
    dyn_abi::DynSolValue,
    hex,
    primitives::{keccak256, Address, Bytes, B256, U256},
};
use anyhow::Context as _;

use super::{
    chain::{calldata, Chain},
    config::{Fees, OpenTaskType, Settings},
    record::Book,
    suite::{is_optional, Call, Check, Expected, Value},
};

/// PricingCurve's number of the curve by which base fees follow work.
const CURVE_USED: u8 = 2;
/// An epoch after all others.
pub const LAST_EPOCH: U256 = U256::MAX;

/// Everything that a value may refer to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub settings: &'a Settings,
    pub book: &'a Book,
    pub deployer: Address,
    /// In calls for each task type.
    pub task_type: Option<&'a OpenTaskType>,
    /// What [`Value::NextEpoch`] is.
    pub next_epoch: U256,
    /// A contract taken for the one that it has replaced.
    pub instead: Option<(&'static str, Address)>,
}

/// What a check found.
pub enum Found {
    Holds,
    /// What the view returned, in words; and whether that was nothing at all.
    Differs {
        returned: String,
        zero: bool,
    },
}

impl Scope<'_> {
    pub fn address(&self, name: &str) -> anyhow::Result<Address> {
        match self.instead {
            Some((replaced, address)) if replaced == name => Ok(address),
            _ => self
                .book
                .address(name)
                .with_context(|| format!("{name} is not deployed yet")),
        }
    }

    pub fn value(&self, value: Value) -> anyhow::Result<DynSolValue> {
        Ok(match value {
            Value::Contract(name) => DynSolValue::Address(self.address(name)?),
            Value::Contracts(names) => {
                let address = |name: &&str| match self.address(name) {
                    Err(_) if is_optional(name) => Ok(Address::ZERO),
                    found => found,
                };
                let addresses = names.iter().map(address);
                let addresses: anyhow::Result<Vec<_>> =
                    addresses.map(|it| it.map(DynSolValue::Address)).collect();
                DynSolValue::Array(addresses?)
            }
            Value::Setting(key) => self
                .settings
                .get(key)
                .cloned()
                .with_context(|| format!("the configuration lacks `{key}`"))?,
            Value::Id(name) => DynSolValue::FixedBytes(keccak256(name), 32),
            Value::Deployer => DynSolValue::Address(self.deployer),
            Value::TaskTypeId => DynSolValue::FixedBytes(self.task_type()?.id, 32),
            Value::TaskTypeMinStake => DynSolValue::Uint(self.task_type()?.min_stake, 256),
            Value::TaskTypeWeight => DynSolValue::Uint(self.task_type()?.completion_weight, 256),
            Value::TaskTypeYardstick => {
                let yardstick = self.task_type()?.yardstick;
                let yardstick = yardstick.context("this task type has no yardstick")?;
                DynSolValue::Uint(U256::from(yardstick), 8)
            }
            Value::TaskTypeWeighting => {
                let weighting = self.task_type()?.weighting;
                let weighting = weighting.context("this task type has no weighting")?;
                DynSolValue::Uint(U256::from(weighting), 8)
            }
            Value::TaskTypeStartFee => DynSolValue::Uint(self.fees()?.start, 256),
            Value::TaskTypeFeeFloor => DynSolValue::Uint(self.fees()?.floor, 256),
            Value::TaskTypeFeeCeiling => DynSolValue::Uint(self.fees()?.ceiling, 256),
            Value::CurveUsed => DynSolValue::Uint(U256::from(CURVE_USED), 8),
            Value::Protocol(number) => DynSolValue::Uint(U256::from(number), 8),
            Value::NextEpoch => DynSolValue::Uint(self.next_epoch, 256),
            Value::LastEpoch => DynSolValue::Uint(LAST_EPOCH, 256),
            Value::Yes => DynSolValue::Bool(true),
            Value::No => DynSolValue::Bool(false),
            Value::OfAttestation => DynSolValue::FixedBytes(B256::ZERO, 32),
        })
    }

    pub fn values(&self, values: &[Value]) -> anyhow::Result<Vec<DynSolValue>> {
        values.iter().map(|value| self.value(*value)).collect()
    }

    fn task_type(&self) -> anyhow::Result<&OpenTaskType> {
        self.task_type.context("this is not about a task type")
    }

    fn fees(&self) -> anyhow::Result<Fees> {
        let fees = self.task_type()?.fees.as_deref().copied();
        fees.context("this task type has no start fee")
    }

    /// A call in words, with names for addresses: what it is called in output and in deployments.
    pub fn label(&self, call: &Call) -> String {
        format!(
            "{}.{}",
            call.on,
            self.describe(call.function, call.arguments)
        )
    }

    /// A function with what it is given.
    pub fn describe(&self, function: &str, arguments: &[Value]) -> String {
        let name = function.split('(').next().unwrap_or_default();
        if arguments.is_empty() && function.ends_with("()") {
            return name.to_owned();
        }
        let arguments = arguments.iter().map(|value| match value {
            Value::Contract(name) | Value::Id(name) => (*name).to_owned(),
            Value::TaskTypeId => self.task_type.map_or(String::new(), |it| it.name.clone()),
            // Names of task types say more than their hashes.
            Value::Setting(key) if key.ends_with(".task_type") => (*key).to_owned(),
            other => self.value(*other).map_or(String::new(), |it| text(&it)),
        });
        let arguments: Vec<_> = arguments.collect();
        format!("{name}({})", arguments.join(", "))
    }

    /// What a view should return before anything else; anything but zero, if `None`.
    pub fn expected(&self, check: &Check) -> anyhow::Result<Option<DynSolValue>> {
        Ok(match check.expected {
            Expected::Is(value) => Some(self.value(value)?),
            Expected::Are(values) => Some(DynSolValue::Tuple(self.values(values)?)),
            Expected::NotZero => None,
        })
    }

    /// Asks a contract whether a check holds.
    pub async fn check(&self, chain: &Chain, on: Address, check: &Check) -> anyhow::Result<Found> {
        let data = calldata(check.view, &self.values(check.arguments)?);
        let expected = self.expected(check)?;
        let output = chain.view(on, data).await?;
        Ok(compare(output, expected.as_ref()))
    }

    /// Whether what a call gives is announced, or in effect already.
    pub async fn is_announced(&self, chain: &Chain, call: &Call) -> anyhow::Result<bool> {
        let Some(check) = &call.announced else {
            return Ok(false);
        };
        let on = self.address(call.on)?;
        Ok(matches!(self.check(chain, on, check).await?, Found::Holds))
    }

    /// Whether all of a call's checks hold, or what it gives is announced.
    pub async fn is_done(&self, chain: &Chain, call: &Call) -> anyhow::Result<bool> {
        let on = self.address(call.on)?;
        if self.is_announced(chain, call).await? {
            return Ok(true);
        }
        for check in call.checks {
            if !matches!(self.check(chain, on, check).await?, Found::Holds) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Compares what a view returned, if it did not revert.
pub fn compare(output: Option<Bytes>, expected: Option<&DynSolValue>) -> Found {
    let Some(output) = output else {
        return Found::Differs {
            returned: "a revert".to_owned(),
            zero: true,
        };
    };
    let holds = match expected {
        Some(value) => {
            let wanted = DynSolValue::Tuple(vec![value.clone()]).abi_encode_params();
            output.starts_with(&wanted)
        }
        None => output.iter().take(32).any(|byte| *byte != 0),
    };
    if holds {
        return Found::Holds;
    }
    let returned = expected
        .and_then(|value| value.as_type())
        .and_then(|kind| kind.abi_decode(&output).ok())
        .map_or_else(|| hex::encode_prefixed(&output), |value| text(&value));
    Found::Differs {
        returned,
        zero: output.iter().all(|byte| *byte == 0),
    }
}

/// A value as people write it.
pub fn text(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Bool(flag) => flag.to_string(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::String(text) => text.clone(),
        DynSolValue::Array(values) => {
            let values: Vec<_> = values.iter().map(text_of).collect();
            format!("[{}]", values.join(", "))
        }
        DynSolValue::Tuple(values) => {
            let values: Vec<_> = values.iter().map(text_of).collect();
            values.join(", ")
        }
        other => format!("{other:?}"),
    }
}

fn text_of(value: &DynSolValue) -> String {
    text(value)
}
