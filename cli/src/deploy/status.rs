//! What is deployed, and how it is: one report, printed as text or JSON.

use std::collections::BTreeMap;

use alloy::{
    dyn_abi::DynSolValue,
    primitives::{keccak256, Address, B256, U256},
    providers::Provider as _,
    rpc::types::Filter,
    sol_types::{SolEvent as _, SolValue as _},
};
use bpe_abi::{
    IBackpressurePool, ICapacityRegistry, IEconomyFactory, IEscrowBuffer, IPricingCurve,
    IServiceDirectory,
};
use devnet::ARB_WASM;
use devnet_superfluid::{bindings::ISuperfluidPool, SuperfluidAddresses};
use serde::Serialize;

use super::{
    chain::{calldata, Chain, IArbWasm},
    config::{Config, Settings},
    keepalive::{time_left, DAY},
    misses::{self, OpenMisses},
    plan::{is_wanted, occasions},
    record::Book,
    scope::Scope,
    suite::{self, Program, Value},
    verify,
};

/// Views that say how a contract is set up, besides its links.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("StakeManager", &["unbondingPeriod()", "unpaidSlashed()"]),
    ("BackpressurePool", &["explorationRate()"]),
    ("EscrowBuffer", &["reclaimTimeout()"]),
    ("EconomyFactory", &["economyCount()"]),
    ("DemurrageToken", &["totalSupply()"]),
    ("VelocityMetrics", &["currentEpoch()"]),
    ("LightningCapacityOracle", &["nodeCount()"]),
    ("LightningRoutingPool", &["nodeCount()"]),
    ("RelayCapacityRegistry", &["getRelayCount()"]),
    ("UniversalCapacityAdapter", &["domainCount()"]),
    ("CrossProtocolRouter", &["earnedFees()"]),
];

/// Settings that are addresses.
const ADDRESSES: &[&str] = &[
    "superfluid.gda",
    "super_token",
    "stake.token",
    "treasury",
    "fee_recipient",
    "reviewer",
    "share_signer",
    "relay.aggregator",
    "demurrage.underlying",
    "demurrage.recipient",
    "demurrage.super_token",
];

/// A deployed contract.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contract {
    pub name: &'static str,
    pub address: Address,
    /// Whether the code there is the recorded one.
    pub code_is_recorded: bool,
    pub owner: Option<Address>,
    pub pending_owner: Option<Address>,
    /// The version of the Stylus VM that it was activated for; none if it is not active.
    pub program_version: Option<u16>,
    /// Until it expires.
    pub days_left: Option<u64>,
    pub cached: bool,
    /// What it says of what its constructor was given, and of what it was connected to since.
    pub links: BTreeMap<String, String>,
    pub parameters: BTreeMap<&'static str, String>,
    /// Of the stake token and the Super Token, in wei.
    pub stake_balance: String,
    pub super_token_balance: String,
}

/// A task type.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    pub task_type: B256,
    /// In the configuration, or in the suite.
    pub name: Option<String>,
    /// What its creator has called it, where that can be a name.
    pub called: Option<String>,
    pub min_stake: String,
    pub sinks: String,
    pub total_capacity: String,
    pub pool: Option<Address>,
    pub units: Option<String>,
    /// Wei per second.
    pub flow_rate: Option<String>,
    pub escrow_level: Option<String>,
    pub base_fee: Option<String>,
    /// Tasks that were reported as missed, and neither answered nor settled. `null` if the node refuses its logs.
    pub misses: Option<OpenMisses>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub chain_id: u64,
    pub block: u64,
    pub contracts: Vec<Contract>,
    pub pools: Vec<Pool>,
    /// Where Superfluid is, and the token that is streamed.
    pub superfluid: Option<SuperfluidAddresses>,
    /// What EconomyFactory has made.
    pub economies: Vec<Economy>,
    /// How many links were read back, and which are not as they should be.
    pub links_checked: usize,
    pub problems: Vec<String>,
    /// What will be as it should when the notice of powers has passed.
    pub announced: Vec<String>,
}

/// An economy of EconomyFactory.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Economy {
    pub id: B256,
    pub owner: Address,
    pub stake_manager: Address,
    pub capacity_registry: Address,
    pub backpressure_pool: Address,
}

/// Asks the chain how everything is.
///
/// # Errors
/// If it does not answer.
pub async fn status(chain: &Chain, book: &Book, config: &Config) -> anyhow::Result<Status> {
    let deployer = first_owner(chain, book).await?;
    let settings = Settings::new(config, chain.id, book.superfluid(), deployer)?
        .for_programs(|it| book.contract(it.name).is_some());
    let mut contracts = Vec::new();
    for program in suite::programs().filter(|it| book.contract(it.name).is_some()) {
        contracts.push(contract(chain, book, &settings, program).await?);
    }
    let report = verify::inspect(chain, &settings, book).await?;
    Ok(Status {
        chain_id: chain.id,
        block: chain.provider.get_block_number().await?,
        contracts,
        pools: pools(chain, book, &settings).await?,
        superfluid: book.superfluid().copied(),
        economies: economies(chain, book).await,
        links_checked: report.checks,
        problems: report.problems,
        announced: report.announced,
    })
}

/// Who owns the first contract: what a configuration without `owner` would say. A program that has expired does not answer;
/// then it is who owned it first, as recorded.
async fn first_owner(chain: &Chain, book: &Book) -> anyhow::Result<Address> {
    for program in suite::programs().filter(|it| it.has_owner) {
        if let Some(record) = book.contract(program.name) {
            let owner = chain.address_of(record.address, "owner()").await?;
            let first = record.constructor.last().and_then(|it| it.parse().ok());
            return Ok(owner.or(first).unwrap_or_default());
        }
    }
    // Nothing here has an owner.
    Ok(chain.sender)
}

async fn contract(
    chain: &Chain,
    book: &Book,
    settings: &Settings,
    program: &'static Program,
) -> anyhow::Result<Contract> {
    let record = &book.contracts()[program.name];
    let address = record.address;
    let code = chain.code(address).await?;
    let left = time_left(chain, address).await?;
    let arb_wasm = IArbWasm::new(ARB_WASM, &chain.provider);
    let (mut owner, mut pending_owner) = (None, None);
    if program.has_owner {
        owner = chain.address_of(address, "owner()").await?;
        let pending = chain.address_of(address, "pendingOwner()").await?;
        pending_owner = pending.filter(|it| !it.is_zero());
    }
    let links = links(chain, book, settings, program).await?;
    let mut parameters = BTreeMap::new();
    for view in parameters_of(program.name) {
        if let Some(value) = chain.word(address, view).await? {
            parameters.insert(*view, U256::from_be_bytes(value.0).to_string());
        }
    }
    Ok(Contract {
        name: program.name,
        address,
        code_is_recorded: keccak256(&code) == record.code_hash,
        owner,
        pending_owner,
        program_version: arb_wasm.programVersion(address).call().await.ok(),
        days_left: left.map(|seconds| seconds / DAY),
        cached: chain.is_cached(record.code_hash).await,
        links,
        parameters,
        stake_balance: balance(chain, book, "StakeManager", "stakeToken()", address).await?,
        super_token_balance: balance(chain, book, "BackpressurePool", "SUPER_TOKEN()", address)
            .await?,
    })
}

/// What a contract says of all that the plan connects it to.
async fn links(
    chain: &Chain,
    book: &Book,
    settings: &Settings,
    program: &Program,
) -> anyhow::Result<BTreeMap<String, String>> {
    let on = book.address(program.name).unwrap_or_default();
    let next_epoch = chain.next_epoch().await?;
    let mut links = BTreeMap::new();
    for argument in program.arguments {
        let Some(view) = argument.view else { continue };
        if let Some(output) = chain.view(on, calldata(view, &[])).await? {
            links.insert(plain(view), said(book, argument.value, &output));
        }
    }
    for call in suite::calls().filter(|it| it.on == program.name) {
        if !is_wanted(call, settings, |name| book.contract(name).is_some()) {
            continue;
        }
        for task_type in occasions(call, settings) {
            let scope = Scope {
                settings,
                book,
                deployer: chain.sender,
                task_type: task_type.as_ref(),
                next_epoch,
                instead: None,
            };
            for check in call.checks {
                let like = check.expected.values();
                if like.is_empty() {
                    continue;
                }
                let data = calldata(check.view, &scope.values(check.arguments)?);
                let said = match chain.view(on, data).await? {
                    Some(output) => said_all(book, like, &output),
                    None => "none".to_owned(),
                };
                links.insert(scope.describe(check.view, check.arguments), said);
            }
        }
    }
    Ok(links)
}

/// A view's name.
pub fn plain(view: &str) -> String {
    view.trim_end_matches("()").to_owned()
}

/// What a view returned: one value, or several words.
fn said_all(book: &Book, like: &[Value], output: &[u8]) -> String {
    if let [value] = like {
        return said(book, *value, output);
    }
    let words = like.iter().zip(output.chunks(32));
    let words: Vec<_> = words
        .map(|(value, word)| said(book, *value, word))
        .collect();
    words.join(", ")
}

/// What a view returned, contracts by their names; `like` is what it should have.
fn said(book: &Book, like: Value, output: &[u8]) -> String {
    let word = B256::from_slice(&[output, &[0; 32]].concat()[..32]);
    let named = |address: Address| {
        let contracts = book.contracts().iter();
        let found = contracts.filter(|(_, record)| record.address == address);
        let name = found.map(|(name, _)| (*name).to_owned()).next();
        name.unwrap_or_else(|| address.to_string())
    };
    match like {
        Value::Contract(_) => named(Address::from_word(word)),
        Value::Contracts(_) => {
            let addresses = Vec::<Address>::abi_decode(output).unwrap_or_default();
            let names: Vec<_> = addresses.into_iter().map(named).collect();
            names.join(", ")
        }
        Value::Yes | Value::No => (!word.is_zero()).to_string(),
        Value::Setting(key) if key.ends_with("name") || key.ends_with("symbol") => {
            String::abi_decode(output).unwrap_or_default()
        }
        Value::Setting(key) if key.ends_with("task_type") || key.ends_with("domain") => {
            word.to_string()
        }
        Value::Setting(key) if ADDRESSES.contains(&key) => Address::from_word(word).to_string(),
        _ => U256::from_be_bytes(word.0).to_string(),
    }
}

fn parameters_of(name: &str) -> &'static [&'static str] {
    let found = PARAMETERS.iter().find(|(contract, _)| *contract == name);
    found.map_or(&[], |(_, views)| views)
}

/// What `holder` has of the token that a contract names.
async fn balance(
    chain: &Chain,
    book: &Book,
    of: &str,
    view: &str,
    holder: Address,
) -> anyhow::Result<String> {
    let Some(contract) = book.address(of) else {
        return Ok("0".to_owned());
    };
    let Some(token) = chain.address_of(contract, view).await? else {
        return Ok("0".to_owned());
    };
    let data = calldata("balanceOf(address)", &[DynSolValue::Address(holder)]);
    let output = chain.view(token, data).await?.unwrap_or_default();
    Ok(U256::try_from_be_slice(&output)
        .unwrap_or_default()
        .to_string())
}

/// All economies that the factory has made. Some endpoints refuse long ranges: then there are none to be told of.
async fn economies(chain: &Chain, book: &Book) -> Vec<Economy> {
    let Some(record) = book.contract("EconomyFactory") else {
        return Vec::new();
    };
    let filter = Filter::new()
        .address(record.address)
        .event_signature(IEconomyFactory::EconomyDeployed::SIGNATURE_HASH)
        .from_block(record.block);
    let logs = chain.provider.get_logs(&filter).await.unwrap_or_default();
    let events = logs
        .iter()
        .filter_map(|log| IEconomyFactory::EconomyDeployed::decode_log(&log.inner).ok());
    let economies = events.map(|event| Economy {
        id: event.economyId,
        owner: event.owner,
        stake_manager: event.stakeManager,
        capacity_registry: event.capacityRegistry,
        backpressure_pool: event.backpressurePool,
    });
    economies.collect()
}

/// All task types of the registry.
async fn pools(chain: &Chain, book: &Book, settings: &Settings) -> anyhow::Result<Vec<Pool>> {
    let Some(record) = book.contract("CapacityRegistry") else {
        return Ok(Vec::new());
    };
    let mut names = known_names(settings);
    names.extend(relay_pools(chain, book).await?);
    let filter = Filter::new()
        .address(record.address)
        .event_signature(ICapacityRegistry::TaskTypeRegistered::SIGNATURE_HASH)
        .from_block(record.block);
    // Some endpoints refuse long ranges: then those of the configuration have to do.
    let logs = chain.provider.get_logs(&filter).await.unwrap_or_default();
    for log in logs {
        if let Ok(event) = ICapacityRegistry::TaskTypeRegistered::decode_log(&log.inner) {
            names.entry(event.taskTypeId).or_insert(None);
        }
    }
    let mut pools = Vec::new();
    let mut misses = misses::open(chain, book).await?;
    for (id, name) in names {
        if let Some(mut pool) = pool(chain, book, id, name).await? {
            let known = misses.as_mut();
            pool.misses = known.map(|misses| misses.remove(&id).unwrap_or_default());
            pools.push(pool);
        }
    }
    Ok(pools)
}

fn known_names(settings: &Settings) -> BTreeMap<B256, Option<String>> {
    let domains = ["lightning", "relay", "openclaw"].into_iter();
    let of_domains = domains.filter_map(|domain| {
        let value = settings.get(&format!("{domain}.task_type"))?;
        let (word, _) = value.as_fixed_bytes()?;
        Some((B256::from_slice(word), Some(domain.to_owned())))
    });
    let task_types = settings.task_types.iter();
    of_domains
        .chain(task_types.map(|it| (it.id, Some(it.name.clone()))))
        .collect()
}

/// The task types that RelayPaymentPool has made for itself.
async fn relay_pools(chain: &Chain, book: &Book) -> anyhow::Result<Vec<(B256, Option<String>)>> {
    let mut found = Vec::new();
    if let Some(pool) = book.address("RelayPaymentPool") {
        for name in ["RELAY_WRITE", "RELAY_READ", "RELAY_STORE"] {
            let kind = DynSolValue::FixedBytes(keccak256(name), 32);
            let output = chain
                .view(pool, calldata("getTaskTypeId(bytes32)", &[kind]))
                .await?;
            if let Some(id) = output.and_then(|it| B256::try_from(it.as_ref()).ok()) {
                found.push((id, Some(name.to_owned())));
            }
        }
    }
    Ok(found)
}

/// The name that its creator gave the task type, if that can be shown as it is.
async fn called(chain: &Chain, book: &Book, id: B256) -> Option<String> {
    let directory = book.address("ServiceDirectory")?;
    let directory = IServiceDirectory::new(directory, &chain.provider);
    let name = directory.getName(id).call().await.ok()?;
    is_name(&name).then_some(name)
}

/// A task type, if the registry has it.
async fn pool(
    chain: &Chain,
    book: &Book,
    id: B256,
    name: Option<String>,
) -> anyhow::Result<Option<Pool>> {
    let provider = &chain.provider;
    let registry = book.address("CapacityRegistry").unwrap_or_default();
    let registry = ICapacityRegistry::new(registry, provider);
    // Of a program that has expired there is nothing to say.
    let Ok(task_type) = registry.getTaskType(id).call().await else {
        return Ok(None);
    };
    if !registry.taskTypeExists(id).call().await? {
        return Ok(None);
    }
    let mut it = Pool {
        task_type: id,
        name,
        called: called(chain, book, id).await,
        min_stake: task_type.minStake.to_string(),
        sinks: task_type.sinkCount.to_string(),
        total_capacity: task_type.totalCapacity.to_string(),
        pool: None,
        units: None,
        flow_rate: None,
        escrow_level: None,
        base_fee: None,
        misses: None,
    };
    if let Some(pools) = book.address("BackpressurePool") {
        let pools = IBackpressurePool::new(pools, provider);
        let pool = pools.getPool(id).call().await.unwrap_or_default();
        if !pool.is_zero() {
            let members = ISuperfluidPool::new(pool, provider);
            it.pool = Some(pool);
            it.units = Some(members.getTotalUnits().call().await?.to_string());
            it.flow_rate = Some(members.getTotalFlowRate().call().await?.to_string());
        }
    }
    if let Some(escrow) = book.address("EscrowBuffer") {
        let escrow = IEscrowBuffer::new(escrow, provider);
        let level = escrow.bufferLevel(id).call().await.ok();
        it.escrow_level = level.map(|it| it.to_string());
    }
    if let Some(pricing) = book.address("PricingCurve") {
        let pricing = IPricingCurve::new(pricing, provider);
        let fee = pricing.getBaseFee(id).call().await.ok();
        it.base_fee = fee.map(|it| it.to_string());
    }
    Ok(Some(it))
}

/// Anybody may write anything there: what is no name is not shown.
fn is_name(text: &str) -> bool {
    const LONGEST: usize = 64;
    let fits = (1..=LONGEST).contains(&text.chars().count());
    fits && text
        .chars()
        .all(|it| it.is_alphanumeric() || " -_./:".contains(it))
}
