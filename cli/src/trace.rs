//! `bpe trace`: what a transaction did, call by call, by name.
//!
//! The calls come from the node's `callTracer`: `cast run` executes a transaction again in an EVM of its own, which knows
//! no Stylus.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    path::PathBuf,
};

use alloy::{
    dyn_abi::{EventExt as _, FunctionExt as _, JsonAbiExt as _},
    hex,
    json_abi::{JsonAbi, Param},
    primitives::{utils::format_ether, Address, Bytes, LogData, Selector, B256},
    providers::{ext::DebugApi as _, Provider as _},
    rpc::types::trace::geth::{
        CallConfig, CallFrame, CallLogFrame, GethDebugBuiltInTracerType, GethDebugTracingOptions,
        GethTrace,
    },
};
use anyhow::{bail, Context as _};
use clap::Args;
use devnet::{describe_revert, describe_value};

use crate::{
    abis::Abis,
    deploy::{deployments_file, without_secrets, Book, Chain},
    errors,
};

/// `bpe trace`.
#[derive(Args)]
pub struct Options {
    /// The transaction's hash.
    #[arg(value_name = "TX")]
    transaction: B256,
    /// The chain's RPC endpoint; it has to offer debug_traceTransaction.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// The deployments file that names the contracts; else the chain's in deployments/, if there is one.
    #[arg(long, value_name = "FILE")]
    deployments: Option<PathBuf>,
    /// Show all calls: those that only read, and how proxies pass calls on, too.
    #[arg(long)]
    full: bool,
}

impl Options {
    /// # Errors
    /// A sentence that says what was wrong and what to do.
    pub async fn run(self) -> anyhow::Result<()> {
        let text = self.text().await;
        let text = text.map_err(|error| without_secrets(&error, &self.rpc))?;
        print!("{text}");
        Ok(())
    }

    async fn text(&self) -> anyhow::Result<String> {
        let chain = Chain::connect(&self.rpc, None).await?;
        let hash = self.transaction;
        let receipt = chain.provider.get_transaction_receipt(hash).await?;
        let receipt = match receipt {
            Some(receipt) => receipt,
            None if chain.knows(hash).await? => {
                bail!(
                    "transaction {hash} waits: it is in no block of chain {} yet",
                    chain.id
                )
            }
            None => bail!("chain {} has no transaction {hash}", chain.id),
        };
        let options = GethDebugTracingOptions::default()
            .with_tracer(GethDebugBuiltInTracerType::CallTracer.into())
            .with_call_config(CallConfig::default().with_log());
        let traced = chain.provider.debug_trace_transaction(hash, options).await;
        let traced = traced.context(
            "the endpoint does not trace: it has to offer debug_traceTransaction with callTracer",
        )?;
        let GethTrace::CallTracer(frame) = traced else {
            bail!("the endpoint's trace is not one of calls");
        };
        let reader = Reader {
            abis: Abis::load()?,
            names: self.names(&chain)?,
            full: self.full,
        };
        let mut text = String::new();
        writeln!(
            text,
            "{hash}: {}, block {}, gas {}",
            if receipt.status() {
                "succeeded"
            } else {
                "REVERTED"
            },
            receipt.block_number.unwrap_or_default(),
            receipt.gas_used
        )?;
        reader.write(&frame, "", &mut text)?;
        Ok(text)
    }

    /// Contracts by their addresses.
    fn names(&self, chain: &Chain) -> anyhow::Result<BTreeMap<Address, Name>> {
        let path = deployments_file(self.deployments.clone(), chain);
        let mut names = fixed_names();
        if !path.exists() && self.deployments.is_none() {
            return Ok(names);
        }
        let book = Book::read(&path)?;
        for (name, record) in book.contracts() {
            names.insert(record.address, Name::new(name, name));
        }
        for (address, name) in book.superfluid().map(superfluid_names).unwrap_or_default() {
            names.insert(address, name);
        }
        Ok(names)
    }
}

/// What an account is called, and whose ABI it has.
#[derive(Clone, Debug)]
struct Name {
    shown: String,
    abi: String,
}

impl Name {
    fn new(shown: &str, abi: &str) -> Self {
        Self {
            shown: shown.to_owned(),
            abi: abi.to_owned(),
        }
    }
}

fn fixed_names() -> BTreeMap<Address, Name> {
    let others = [
        (devnet::ARB_WASM, "ArbWasm"),
        (devnet::ARB_WASM_CACHE, "ArbWasmCache"),
        (devnet::STYLUS_DEPLOYER, "StylusDeployer"),
        (devnet::CREATE2_FACTORY, "Create2Factory"),
        (Address::with_last_byte(1), "ecrecover"),
    ];
    let others = others.map(|(address, name)| (address, Name::new(name, "")));
    others.into()
}

fn superfluid_names(addresses: &devnet_superfluid::SuperfluidAddresses) -> Vec<(Address, Name)> {
    [
        (addresses.resolver, "Resolver", "Resolver"),
        (addresses.loader, "SuperfluidLoader", "SuperfluidLoader"),
        (addresses.governance, "Governance", "TestGovernance"),
        (addresses.host, "Superfluid", "Superfluid"),
        (addresses.cfa_v1, "CFAv1", "ConstantFlowAgreementV1"),
        (addresses.ida_v1, "IDAv1", "InstantDistributionAgreementV1"),
        (addresses.gda_v1, "GDAv1", "GeneralDistributionAgreementV1"),
        (
            addresses.super_token_factory,
            "SuperTokenFactory",
            "SuperTokenFactory",
        ),
        (
            addresses.cfa_v1_forwarder,
            "CFAv1Forwarder",
            "CFAv1Forwarder",
        ),
        (
            addresses.gda_v1_forwarder,
            "GDAv1Forwarder",
            "GDAv1Forwarder",
        ),
        (addresses.usdc, "USDC", "TestToken"),
        (addresses.usdcx, "USDCx", "SuperToken"),
        (addresses.stake_token, "STAKE", "TestToken"),
    ]
    .map(|(address, shown, abi)| (address, Name::new(shown, abi)))
    .into()
}

/// Reads traces by name.
struct Reader {
    abis: Abis,
    names: BTreeMap<Address, Name>,
    full: bool,
}

/// A line below a call.
enum Item<'a> {
    Call(&'a CallFrame),
    Log(&'a CallLogFrame),
}

impl Reader {
    fn write(&self, frame: &CallFrame, indent: &str, out: &mut String) -> fmt::Result {
        writeln!(out, "{indent}{}", self.call(frame))?;
        let below = format!("{indent}  ");
        for item in self.items(frame) {
            match item {
                Item::Call(call) => self.write(call, &below, out)?,
                Item::Log(log) => writeln!(out, "{below}emit {}", self.log(log))?,
            }
        }
        match &frame.error {
            Some(error) => writeln!(out, "{below}! {}", self.failure(frame, error)),
            None => self.write_output(frame, &below, out),
        }
    }

    /// What a call did, in order.
    fn items<'a>(&self, frame: &'a CallFrame) -> Vec<Item<'a>> {
        let only_read = frame.typ == "STATICCALL" && frame.error.is_none();
        if only_read && !self.full {
            return Vec::new();
        }
        if let Some(passed_on) = passed_on(frame).filter(|_| !self.full) {
            return self.items(passed_on);
        }
        // Each log says how many calls came before it.
        let mut logs = frame.logs.iter().peekable();
        let mut items = Vec::new();
        for (index, call) in frame.calls.iter().enumerate() {
            while let Some(log) = logs.next_if(|log| log.position.unwrap_or(0) <= index as u64) {
                items.push(Item::Log(log));
            }
            items.push(Item::Call(call));
        }
        items.extend(logs.map(Item::Log));
        items
    }

    fn call(&self, frame: &CallFrame) -> String {
        let name = frame.to.map_or("?".to_owned(), |to| self.name(to));
        let gas = frame.gas_used;
        let value = match frame.value.filter(|value| !value.is_zero()) {
            Some(value) => format!(" {{{} ETH}}", format_ether(value)),
            None => String::new(),
        };
        let kind = match frame.typ.as_str() {
            "CALL" => String::new(),
            other => format!(" [{}]", other.to_lowercase()),
        };
        if frame.typ.starts_with("CREATE") {
            return format!("create {name}{value} ({gas} gas)");
        }
        let what = match frame.input.split_first_chunk::<4>() {
            None if frame.input.is_empty() => "()".to_owned(),
            None => format!("({})", frame.input),
            Some((selector, arguments)) => {
                let function = self
                    .abis
                    .function(self.abi_of(frame), Selector::from(*selector));
                let read = function.and_then(|function| {
                    let values = function.abi_decode_input(arguments).ok()?;
                    Some(format!(
                        ".{}({})",
                        function.name,
                        self.values(&function.inputs, &values)
                    ))
                });
                read.unwrap_or_else(|| format!(".{}", short(&frame.input)))
            }
        };
        format!("{name}{what}{value}{kind} ({gas} gas)")
    }

    fn write_output(&self, frame: &CallFrame, indent: &str, out: &mut String) -> fmt::Result {
        let Some(output) = frame.output.as_ref().filter(|output| !output.is_empty()) else {
            return Ok(());
        };
        if frame.typ.starts_with("CREATE") {
            return writeln!(out, "{indent}= {} bytes of code", output.len());
        }
        let selector = frame.input.get(..4).map(Selector::from_slice);
        let function = selector.and_then(|it| self.abis.function(self.abi_of(frame), it));
        let read = function.and_then(|function| {
            let values = function.abi_decode_output(output).ok()?;
            Some(self.values(&function.outputs, &values))
        });
        match read {
            // Nothing declared to return.
            Some(values) if values.is_empty() => Ok(()),
            Some(values) => writeln!(out, "{indent}= {values}"),
            None => writeln!(out, "{indent}= {}", short(output)),
        }
    }

    fn log(&self, log: &CallLogFrame) -> String {
        let topics = log.topics.clone().unwrap_or_default();
        let data = log.data.clone().unwrap_or_default();
        let address = log.address.unwrap_or_default();
        let contract = self.names.get(&address).map(|name| name.abi.as_str());
        let event = topics
            .first()
            .and_then(|topic| self.abis.event(contract, *topic, topics.len() - 1));
        let read = event.and_then(|event| {
            let data = LogData::new(topics.clone(), data.clone())?;
            let decoded = event.decode_log(&data).ok()?;
            let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
            let mut values = Vec::new();
            for input in &event.inputs {
                let value = if input.indexed {
                    indexed.next()
                } else {
                    body.next()
                };
                values.push(self.named(&input.name, value?));
            }
            Some(format!("{}({})", event.name, values.join(", ")))
        });
        let read = read.unwrap_or_else(|| match topics.first() {
            Some(topic) => format!("{topic} {}", short(&data)),
            None => short(&data),
        });
        format!("{}.{read}", self.name(address))
    }

    /// Why a call failed: the error by name, the text of a `require`, a panic, or what the node says.
    fn failure(&self, frame: &CallFrame, error: &str) -> String {
        let output = frame.output.clone().unwrap_or_default();
        let Some((selector, arguments)) = output.split_first_chunk::<4>() else {
            return match output.is_empty() {
                true => format!("{error}, without data"),
                false => format!("{error}: {output}"),
            };
        };
        if errors::is_standard(Selector::from(*selector)) {
            return describe_revert(&output, &JsonAbi::new());
        }
        let found = self
            .abis
            .error(self.abi_of(frame), Selector::from(*selector));
        let read = found.and_then(|error| errors::arguments(error, arguments));
        read.unwrap_or_else(|| format!("{error}: {output}"))
    }

    fn abi_of(&self, frame: &CallFrame) -> Option<&str> {
        let name = self.names.get(&frame.to?)?;
        Some(name.abi.as_str())
    }

    fn name(&self, address: Address) -> String {
        let name = self.names.get(&address);
        name.map_or_else(|| address.to_string(), |name| name.shown.clone())
    }

    fn values(&self, inputs: &[Param], values: &[alloy::dyn_abi::DynSolValue]) -> String {
        let values = inputs.iter().zip(values);
        let values: Vec<String> = values
            .map(|(input, value)| self.named(&input.name, value))
            .collect();
        values.join(", ")
    }

    fn named(&self, name: &str, value: &alloy::dyn_abi::DynSolValue) -> String {
        let value = match value.as_address() {
            Some(address) => self.name(address),
            None => describe_value(value),
        };
        match name {
            "" => value,
            name => format!("{name}: {value}"),
        }
    }
}

/// What a proxy does with a call, if the call is to one.
fn passed_on(frame: &CallFrame) -> Option<&CallFrame> {
    let [call] = frame.calls.as_slice() else {
        return None;
    };
    let whole = call.typ == "DELEGATECALL" && call.input == frame.input;
    (whole && frame.logs.is_empty()).then_some(call)
}

/// Long bytes by their beginning and length.
fn short(bytes: &Bytes) -> String {
    const SHOWN: usize = 68;
    match bytes.len() {
        ..=SHOWN => bytes.to_string(),
        length => format!(
            "{}… ({length} bytes)",
            hex::encode_prefixed(&bytes[..SHOWN])
        ),
    }
}
