//! `bpe migrate-check`: reads a Solidity deployment, and says what of it carries over to this suite, what does not, and
//! which of its clients will notice. It sends nothing.
//!
//! What is asked is data: [`parameters`], the reference's values (`tests/fixtures/reference-values.json`) and the known
//! differences (`differences.json`), each with its line in `docs/migrating.md`.

mod parameters;
mod report;

use std::{collections::BTreeMap, path::PathBuf};

use alloy::{
    dyn_abi::{DynSolType, DynSolValue, FunctionExt as _, JsonAbiExt as _},
    json_abi::Function,
    primitives::{keccak256, Address, Bytes, B256},
    providers::Provider as _,
    rpc::types::TransactionRequest,
};
use anyhow::{bail, ensure, Context as _};
use clap::Args;
use serde::Deserialize;

use crate::deploy::Chain;

pub use parameters::{About, Parameter, Way, PARAMETERS};
pub use report::{Carried, Noticed, Report, Unanswered};

/// What `bpe migrate-check` is given.
#[derive(Args, Debug)]
pub struct MigrateOptions {
    /// RPC endpoint of the chain of the Solidity deployment.
    #[arg(long)]
    rpc: String,
    /// JSON file of its contracts by name, `{"StakeManager": "0x…", …}`, and its task types, `"taskTypes": ["0x…", "name"]`.
    #[arg(long)]
    from: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl MigrateOptions {
    /// Reads, and prints the report.
    ///
    /// # Errors
    /// If the file is none of addresses, no chain answers, or a contract is not there.
    pub async fn run(self) -> anyhow::Result<()> {
        let name = self.from.display();
        let text = std::fs::read_to_string(&self.from)
            .with_context(|| format!("cannot read the addresses file {name}"))?;
        let deployment = Deployment::parse(&text).with_context(|| format!("in {name}"))?;
        let chain = Chain::connect(&self.rpc, None).await?;
        let report = check(&chain, &deployment).await?;
        match self.json {
            true => println!("{}", serde_json::to_string_pretty(&report)?),
            false => print!("{report}"),
        }
        Ok(())
    }
}

/// The Solidity deployment: its contracts by the names of the reference's ABIs, and its task types by their names.
#[derive(Debug, PartialEq, Eq)]
pub struct Deployment {
    pub contracts: BTreeMap<String, Address>,
    pub task_types: Vec<(String, B256)>,
}

impl Deployment {
    /// From the text of an addresses file.
    ///
    /// # Errors
    /// If it is not JSON of that form, names a contract that the reference has not, or has nothing to read.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: BTreeMap<String, serde_json::Value> = serde_json::from_str(text)
            .context("this is no JSON object of addresses by contract")?;
        let known = known_contracts();
        let (mut contracts, mut task_types) = (BTreeMap::new(), Vec::new());
        for (key, value) in file {
            if key == "taskTypes" {
                let names: Vec<String> = serde_json::from_value(value)
                    .context("`taskTypes` is a list of names or of ids in hex")?;
                task_types = names
                    .into_iter()
                    .map(|name| (name.clone(), id_of(&name)))
                    .collect();
                continue;
            }
            let name = known.iter().find(|name| name.eq_ignore_ascii_case(&key));
            let name = name.with_context(|| {
                format!(
                    "the Solidity deployment has no contract `{key}`; it has {}",
                    known.join(", ")
                )
            })?;
            let address = value.as_str().and_then(|text| text.parse().ok());
            let address =
                address.with_context(|| format!("`{key}` is {value}, which is no address"))?;
            contracts.insert((*name).to_owned(), address);
        }
        ensure!(!contracts.is_empty(), "it names no contract");
        Ok(Self {
            contracts,
            task_types,
        })
    }
}

/// A task type's id: its name, if that is 32 bytes in hex, or else the name's hash.
fn id_of(name: &str) -> B256 {
    match name.strip_prefix("0x").filter(|digits| digits.len() == 64) {
        Some(_) => name.parse().unwrap_or_else(|_| keccak256(name)),
        None => keccak256(name),
    }
}

/// A view of the reference with the value that it has there.
#[derive(Clone, Debug, Deserialize)]
pub struct ReferenceValue {
    pub contract: String,
    /// With the types of its arguments.
    pub view: String,
    /// The type of its result.
    pub returns: String,
    pub value: String,
    #[serde(default)]
    pub arguments: Vec<String>,
}

#[derive(Deserialize)]
struct ReferenceValues {
    values: Vec<ReferenceValue>,
    domains: BTreeMap<String, String>,
}

fn reference() -> ReferenceValues {
    let text = include_str!("../../../tests/fixtures/reference-values.json");
    serde_json::from_str(text).expect("reference-values.json is of this form")
}

/// The values that the reference's views have.
pub fn reference_values() -> Vec<ReferenceValue> {
    reference().values
}

/// The names of the reference's EIP-712 domains, by contract.
pub fn reference_domains() -> BTreeMap<String, String> {
    reference().domains
}

/// A known difference, and whom it concerns.
#[derive(Clone, Debug, Deserialize)]
pub struct Difference {
    /// Its anchor in `docs/migrating.md`.
    pub id: String,
    /// `*` for all.
    pub contract: String,
    pub who: String,
    pub what: String,
    #[serde(rename = "do")]
    pub remedy: String,
}

/// All known differences.
pub fn differences() -> Vec<Difference> {
    serde_json::from_str(include_str!("differences.json"))
        .expect("differences.json is of this form")
}

fn known_contracts() -> Vec<&'static str> {
    vec![
        "BackpressurePool",
        "CapacityRegistry",
        "CompletionTracker",
        "CrossProtocolRouter",
        "DemurrageToken",
        "EconomyFactory",
        "EscrowBuffer",
        "LightningCapacityOracle",
        "LightningRoutingPool",
        "NestedPool",
        "OffchainAggregator",
        "OpenClawCapacityAdapter",
        "OpenClawCompletionVerifier",
        "OpenClawReputationBridge",
        "Pipeline",
        "PricingCurve",
        "RelayCapacityRegistry",
        "RelayPaymentPool",
        "ReputationLedger",
        "StakeManager",
        "UniversalCapacityAdapter",
        "VelocityMetrics",
    ]
}

impl ReferenceValue {
    /// The view as a function.
    ///
    /// # Errors
    /// If it is written wrong.
    pub fn function(&self) -> anyhow::Result<Function> {
        let text = format!("{}({})", self.view, self.returns);
        Function::parse(&text).with_context(|| format!("`{text}` is no function"))
    }

    /// What the view is called with.
    ///
    /// # Errors
    /// If an argument is not of its type.
    pub fn calldata(&self) -> anyhow::Result<Bytes> {
        let function = self.function()?;
        let arguments = function.inputs.iter().zip(&self.arguments);
        let arguments: anyhow::Result<Vec<_>> = arguments
            .map(|(input, text)| Ok(DynSolType::parse(&input.ty)?.coerce_str(text)?))
            .collect();
        Ok(function.abi_encode_input(&arguments?)?.into())
    }

    /// What the reference answers.
    ///
    /// # Errors
    /// If the value is not of its type.
    pub fn expected(&self) -> anyhow::Result<DynSolValue> {
        let ty = DynSolType::parse(&self.returns)?;
        let value = ty.coerce_str(&self.value);
        value.with_context(|| format!("{} of {} is no {}", self.value, self.view, self.returns))
    }
}

/// Asks every contract of the deployment what there is to ask.
///
/// # Errors
/// If a contract is not there, or the chain does not answer.
pub async fn check(chain: &Chain, deployment: &Deployment) -> anyhow::Result<Report> {
    for (name, address) in &deployment.contracts {
        let code = chain.provider.get_code_at(*address).await;
        if code
            .with_context(|| format!("reading the code of {name}"))?
            .is_empty()
        {
            bail!(
                "there is no contract at {address}, where {name} is to be, on chain {}",
                chain.id
            );
        }
    }
    let mut report = Report {
        chain_id: chain.id,
        ..Report::default()
    };
    for parameter in PARAMETERS {
        let Some(address) = deployment.contracts.get(parameter.contract) else {
            continue;
        };
        let subjects = match parameter.about {
            About::Contract => vec![(None, vec![])],
            About::TaskTypes => {
                let types = deployment.task_types.iter();
                let word = |id: &B256| vec![DynSolValue::FixedBytes(*id, 32)];
                types
                    .map(|(name, id)| (Some(name.clone()), word(id)))
                    .collect()
            }
        };
        let function = Function::parse(parameter.view)?;
        for (task_type, arguments) in subjects {
            let data = function.abi_encode_input(&arguments)?;
            let answer = ask(chain, *address, &function, data.into()).await?;
            let value = answer.and_then(|mut values| {
                (parameter.result < values.len()).then(|| values.swap_remove(parameter.result))
            });
            let view = format!("{}.{}", parameter.contract, function.signature());
            match value {
                Some(value) => report.carry(parameter, task_type, view, text(&value)),
                None => report.unanswered.push(Unanswered { view, task_type }),
            }
        }
    }
    for value in reference_values() {
        let Some(address) = deployment.contracts.get(&value.contract) else {
            continue;
        };
        let function = value.function()?;
        let view = format!("{}.{}", value.contract, function.signature());
        let answer = ask(chain, *address, &function, value.calldata()?).await?;
        match answer.and_then(|values| values.into_iter().next()) {
            None => report.unanswered.push(Unanswered {
                view,
                task_type: None,
            }),
            Some(theirs) => report.compare(view, &text(&theirs), &text(&value.expected()?)),
        }
    }
    for (contract, name) in reference_domains() {
        let Some(address) = deployment.contracts.get(&contract) else {
            continue;
        };
        let function = Function::parse(DOMAIN)?;
        let data = function.abi_encode_input(&[])?;
        let view = format!("{contract}.eip712Domain() name");
        match ask(chain, *address, &function, data.into()).await? {
            Some(fields) if fields.len() > 1 => report.compare(view, &text(&fields[1]), &name),
            _ => report.unanswered.push(Unanswered {
                view,
                task_type: None,
            }),
        }
    }
    for difference in differences() {
        if difference.contract == "*" || deployment.contracts.contains_key(&difference.contract) {
            report.notice(&difference);
        }
    }
    Ok(report)
}

/// EIP-5267.
const DOMAIN: &str = "eip712Domain()(bytes1,string,string,uint256,address,bytes32,uint256[])";

/// What a view answers; nothing, if it reverts or answers something else.
async fn ask(
    chain: &Chain,
    to: Address,
    function: &Function,
    data: Bytes,
) -> anyhow::Result<Option<Vec<DynSolValue>>> {
    let request = TransactionRequest::default().to(to).input(data.into());
    match chain.provider.call(request).await {
        Ok(output) => Ok(function.abi_decode_output(&output).ok()),
        // What the contract says is an answer; that the chain does not answer is none.
        Err(error) if error.as_error_resp().is_some() => Ok(None),
        Err(error) => Err(error).with_context(|| format!("asking {to} for {}", function.name)),
    }
}

/// A value as people write it.
fn text(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Bool(it) => it.to_string(),
        DynSolValue::String(text) => text.clone(),
        DynSolValue::FixedBytes(word, length) => {
            let bytes = word.get(..*length).unwrap_or(word.as_slice());
            Bytes::copy_from_slice(bytes).to_string()
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addresses_file_is_read_or_says_what_is_wrong() {
        let good = r#"{"stakeManager": "0x7777777777777777777777777777777777777777", "taskTypes": ["chat"]}"#;
        let it = Deployment::parse(good).unwrap();
        assert_eq!(it.contracts["StakeManager"], Address::repeat_byte(0x77));
        assert_eq!(it.task_types, [("chat".to_owned(), keccak256("chat"))]);
        let id = B256::repeat_byte(0x11);
        assert_eq!(id_of(&id.to_string()), id);
        for (text, expected) in [
            ("[]", "no JSON object"),
            ("{}", "names no contract"),
            (r#"{"Stake": "0x77"}"#, "has no contract `Stake`"),
            (
                r#"{"StakeManager": "0x77"}"#,
                "`StakeManager` is \"0x77\", which is no address",
            ),
            (r#"{"StakeManager": 7}"#, "is 7, which is no address"),
            (r#"{"taskTypes": 7}"#, "a list of names"),
        ] {
            let error = format!("{:#}", Deployment::parse(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_data_are_of_known_contracts_and_make_sense() {
        let known = known_contracts();
        for parameter in PARAMETERS {
            assert!(
                known.contains(&parameter.contract),
                "{}",
                parameter.contract
            );
            let function = Function::parse(parameter.view).unwrap();
            assert!(
                parameter.result < function.outputs.len(),
                "{}",
                parameter.view
            );
            let of_task_types = parameter.about == About::TaskTypes;
            assert_eq!(function.inputs.len(), usize::from(of_task_types));
        }
        for value in reference_values() {
            assert!(known.contains(&&*value.contract), "{}", value.contract);
            value.calldata().unwrap();
            value.expected().unwrap();
        }
    }

    /// Each difference has its line in the guide, under its id.
    #[test]
    fn every_difference_is_in_the_guide() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/migrating.md");
        let guide = std::fs::read_to_string(path).unwrap();
        let known = known_contracts();
        let mut ids = std::collections::HashSet::new();
        for it in differences() {
            assert!(ids.insert(it.id.clone()), "{} twice", it.id);
            assert!(
                it.contract == "*" || known.contains(&&*it.contract),
                "{}",
                it.contract
            );
            let line = format!(
                "| `{}` | {} | {} | {} | {} |",
                it.id, it.contract, it.who, it.what, it.remedy
            );
            let line = line.replace("| * |", "| all |");
            assert!(guide.contains(&line), "not in docs/migrating.md:\n{line}");
        }
    }
}
