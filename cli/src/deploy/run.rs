//! Doing it, step by step, so that every run goes on where the last one stopped.

use std::{collections::BTreeMap, path::PathBuf};

use alloy::{
    dyn_abi::DynSolValue,
    primitives::{address, keccak256, utils::format_ether, Address, U256},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use anyhow::{bail, ensure, Context as _};
use devnet_superfluid::SuperfluidAddresses;

use super::{
    chain::{calldata, Chain},
    config::{Config, OpenTaskType, Settings},
    estimate::Estimate,
    plan::{self, Builds, Planner, Redeploy, Task},
    record::{Book, PendingStep},
    scope::{text, Scope, LAST_EPOCH},
    suite::{self, Call, Program},
    verify,
};
use crate::{
    artifacts::{locate, Network},
    programs::Programs,
};

/// What is wanted of a deployment.
#[derive(Clone, Debug)]
pub struct Request {
    pub config: Config,
    /// Where the deployments file is kept.
    pub deployments: PathBuf,
    /// Where the programs' bytes are from.
    pub programs: Programs,
    /// Nothing but these contracts; all of them, if empty.
    pub only: Vec<String>,
    pub redeploy: Redeploy,
    /// Deploys Superfluid as well, where the deployments file has none.
    pub with_superfluid: bool,
    /// Whether Superfluid's contracts may be fetched.
    pub network: Network,
    /// Says what would be done, and sends nothing.
    pub dry_run: bool,
    /// Says nothing.
    pub quiet: bool,
}

impl Request {
    /// Everything, with the defaults.
    pub fn new(deployments: impl Into<PathBuf>) -> Self {
        Self {
            config: Config::default(),
            deployments: deployments.into(),
            programs: Programs::default(),
            only: Vec::new(),
            redeploy: Redeploy::Nothing,
            with_superfluid: false,
            network: Network::Allowed,
            dry_run: false,
            quiet: false,
        }
    }
}

/// What a deployment left.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The contracts by name.
    pub addresses: BTreeMap<&'static str, Address>,
    /// How many transactions it took, Superfluid's not counted.
    pub transactions: usize,
    /// How many links were read back; all of them were right.
    pub checks: usize,
    pub file: PathBuf,
}

/// Deploys, connects and verifies what `request` wants and is not there yet.
///
/// # Errors
/// With the step that failed, and why. What was done before is recorded, and not done again.
pub async fn deploy(chain: &Chain, request: &Request) -> anyhow::Result<Deployed> {
    let mut book = Book::open(&request.deployments, chain.id, chain.instance)?;
    chain.require_stylus().await?;
    require_instance(chain, &book)?;
    chain.require_deployer().await?;
    let superfluid = superfluid_of(chain, request, &mut book).await?;
    let settings = Settings::new(&request.config, chain.id, superfluid.as_ref(), chain.sender)?;
    let selected = plan::select(&request.only, &settings, &book)?;
    let relevant =
        |it: &&'static Program| selected.contains(it.name) || book.contract(it.name).is_some();
    let builds = Builds::read(&request.programs, suite::programs().filter(relevant))?;
    let settings =
        settings.for_programs(|it| selected.contains(it.name) || book.contract(it.name).is_some());
    require_settings(&settings, &selected)?;
    require_code(
        chain,
        &book,
        &settings,
        superfluid.is_some_and(|it| it.host.is_zero()),
    )
    .await?;

    let mut run = Run {
        chain,
        request,
        settings,
        builds,
        book,
        transactions: 0,
    };
    run.settle_pending().await?;
    run.say_changes();
    let renewals = plan::renewals(&request.redeploy, &run.book, &run.builds)?;
    run.announce(&renewals);
    let retired: Vec<_> = renewals.iter().map(|it| it.name).collect();
    // A dry run retires them in memory only.
    let mut future = Book::open(&request.deployments, chain.id, chain.instance)?;
    future.retire_unsaved(&retired);
    let tasks = Planner {
        chain,
        settings: &run.settings,
        book: &future,
        selected: &selected.iter().chain(&retired).copied().collect(),
    }
    .tasks()
    .await?;
    let estimate = Estimate::of(chain, &tasks, &run.builds).await?;
    if request.dry_run {
        estimate
            .print(
                chain,
                request.with_superfluid && run.book.superfluid().is_none(),
            )
            .await?;
        return Ok(run.outcome(0));
    }
    estimate.require_balance(chain).await?;
    if !retired.is_empty() {
        run.book.retire(&retired)?;
    }
    let count = tasks.len();
    for (number, task) in tasks.iter().enumerate() {
        let counter = format!("[{}/{count}]", number + 1);
        run.perform(task, &counter).await?;
    }
    let report = verify::verify(chain, &run.settings, &run.book).await?;
    run.say(&format!(
        "Verified: {} links and parameters read back, all as they should be.",
        report.checks
    ));
    for label in &report.announced {
        run.say(&format!(
            "{label} is announced, since staking is open: it takes effect by itself when the notice has passed."
        ));
    }
    run.say_heir();
    // Even if there was nothing to do: the file says what is there.
    run.book.save()?;
    run.say(&format!("{}", run.book.path().display()));
    Ok(run.outcome(report.checks))
}

/// Superfluid's addresses, if the deployments file has them or is to have them.
async fn superfluid_of(
    chain: &Chain,
    request: &Request,
    book: &mut Book,
) -> anyhow::Result<Option<SuperfluidAddresses>> {
    if let Some(known) = book.superfluid() {
        return Ok(Some(*known));
    }
    if !request.with_superfluid {
        return Ok(None);
    }
    if request.dry_run {
        return Ok(Some(nowhere()));
    }
    let artifacts = locate(request.network)?.artifacts;
    let least = superfluid_cost(chain).await?;
    let balance = chain.balance().await?;
    ensure!(
        balance >= least,
        "{} has {} ETH, and Superfluid alone takes about {} ETH: send it more",
        chain.sender,
        format_ether(balance),
        format_ether(least)
    );
    if !request.quiet {
        println!("Deploying Superfluid, in some sixty transactions …");
    }
    let config = devnet_superfluid::Config::new(chain.sender);
    let addresses = devnet_superfluid::deploy(&chain.provider, &artifacts, &config)
        .await
        .context("cannot deploy Superfluid; the next run begins with it anew")?;
    book.set_superfluid(addresses)?;
    Ok(Some(addresses))
}

/// What deploying Superfluid takes, as measured on the devnet.
pub const SUPERFLUID_GAS: u64 = 45_000_000;

/// In wei. Where nobody has brought the ERC-1820 registry yet, the one transaction that can is paid for at its own price.
pub async fn superfluid_cost(chain: &Chain) -> anyhow::Result<U256> {
    const REGISTRY: Address = address!("1820a4B7618BdE71Dce8cdc73aAB6C95905faD24");
    const COST: u64 = 80_000_000_000_000_000;
    let registry = match chain.code(REGISTRY).await?.is_empty() {
        true => U256::from(COST),
        false => U256::ZERO,
    };
    Ok(U256::from(SUPERFLUID_GAS) * U256::from(chain.gas_price().await?) + registry)
}

/// Stands for Superfluid in a plan that would deploy it.
fn nowhere() -> SuperfluidAddresses {
    let zero = Address::ZERO;
    SuperfluidAddresses {
        resolver: zero,
        loader: zero,
        governance: zero,
        host: zero,
        cfa_v1: zero,
        ida_v1: zero,
        gda_v1: zero,
        super_token_factory: zero,
        cfa_v1_forwarder: zero,
        gda_v1_forwarder: zero,
        blind_macro_forwarder: zero,
        clear_macro_forwarder_v1: zero,
        usdc: zero,
        usdcx: zero,
        stake_token: zero,
    }
}

/// Sees that the configuration has what the contracts need, all at once.
fn require_settings(
    settings: &Settings,
    selected: &std::collections::BTreeSet<&'static str>,
) -> anyhow::Result<()> {
    let programs = suite::programs().filter(|it| selected.contains(it.name));
    let mut missing: Vec<_> = programs
        .flat_map(Program::settings)
        .filter(|key| settings.get(key).is_none())
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let listed: Vec<_> = missing.iter().map(|key| format!("`{key}`")).collect();
    ensure!(
        missing.is_empty(),
        "the configuration lacks {}: put {} into a file and name it with --config (docs/deploying.md says what each means), or deploy Superfluid as well, --with-superfluid. (A devnet leaves its Superfluid's addresses in deployments/ of the folder where it was started: run this there)",
        listed.join(", "),
        if missing.len() == 1 { "it" } else { "them" }
    );
    Ok(())
}

/// Sees that the file is of this chain and not of another one with its id.
pub(super) fn require_instance(chain: &Chain, book: &Book) -> anyhow::Result<()> {
    if let (Some(have), Some(want)) = (book.instance(), chain.instance) {
        ensure!(
            have == want,
            "{} is of another chain {}: its block 0 is {have}, and the endpoint's is {want}. A devnet that was started anew is another chain; \
             `bpe deploy` keeps a file for each",
            book.path().display(),
            chain.id
        );
    }
    Ok(())
}

/// Sees that what is recorded is still there, and that what is configured is there at all.
async fn require_code(
    chain: &Chain,
    book: &Book,
    settings: &Settings,
    superfluid_is_to_come: bool,
) -> anyhow::Result<()> {
    for (name, record) in book.contracts() {
        let code = chain.code(record.address).await?;
        ensure!(
            keccak256(&code) == record.code_hash,
            "{} says that {name} is at {}, but {} there. The endpoint may be behind: try again. A devnet that was killed loses its last second: \
             then stop it, move this file away, and start it again, which writes Superfluid's addresses anew; `bpe deploy` does the rest",
            book.path().display(),
            record.address,
            if code.is_empty() { "there is no code" } else { "other code is" }
        );
    }
    if superfluid_is_to_come {
        return Ok(());
    }
    for key in [
        "superfluid.gda",
        "super_token",
        "stake.token",
        "demurrage.underlying",
    ] {
        if let Some(DynSolValue::Address(address)) = settings.get(key) {
            ensure!(
                !chain.code(*address).await?.is_empty(),
                "`{key}` is {address}, where chain {} has no contract: correct the configuration",
                chain.id
            );
        }
    }
    Ok(())
}

/// Whether a mined transaction did what its step wants: a creation has to say what it created.
fn did_its_step(step: &PendingStep, receipt: &TransactionReceipt) -> bool {
    match step {
        PendingStep::Deploy { .. } => Chain::created(receipt).is_some(),
        PendingStep::Call { .. } => true,
    }
}

struct Run<'a> {
    chain: &'a Chain,
    request: &'a Request,
    settings: Settings,
    builds: Builds,
    book: Book,
    transactions: usize,
}

impl Run<'_> {
    fn say(&self, text: &str) {
        if !self.request.quiet {
            println!("{text}");
        }
    }

    fn outcome(&self, checks: usize) -> Deployed {
        let contracts = self.book.contracts().iter();
        Deployed {
            addresses: contracts.map(|(name, it)| (*name, it.address)).collect(),
            transactions: self.transactions,
            checks,
            file: self.book.path(),
        }
    }

    fn scope<'b>(&'b self, task_type: Option<&'b OpenTaskType>) -> Scope<'b> {
        Scope {
            settings: &self.settings,
            book: &self.book,
            deployer: self.chain.sender,
            task_type,
            next_epoch: LAST_EPOCH,
            instead: None,
        }
    }

    /// Finds out what became of a transaction that an earlier run did not see the end of.
    async fn settle_pending(&mut self) -> anyhow::Result<()> {
        let Some(pending) = self.book.pending().cloned() else {
            return Ok(());
        };
        let hash = pending.transaction;
        if !self.chain.knows(hash).await? {
            self.say(&format!(
                "Transaction {hash} of the last run never reached the chain."
            ));
            return self.forget();
        }
        match self.chain.included(hash).await {
            Ok(receipt) if !did_its_step(&pending.step, &receipt) => {
                self.say(&format!(
                    "Transaction {hash} of the last run is in a block and created nothing: its step is done again."
                ));
                self.forget()
            }
            Ok(receipt) if !self.request.dry_run => {
                self.book.finish(&receipt, Chain::created(&receipt))?;
                self.say(&format!("Transaction {hash} of the last run went through."));
                Ok(())
            }
            Ok(_) => Ok(()),
            // It has had its chance: the step is to be done again.
            Err(error) if error.to_string().contains("reverted") => self.forget(),
            Err(error) => Err(error),
        }
    }

    fn forget(&mut self) -> anyhow::Result<()> {
        if self.request.dry_run {
            return Ok(());
        }
        self.book.abandon()
    }

    fn say_changes(&self) {
        if self.request.redeploy != Redeploy::Nothing {
            return;
        }
        let changed = plan::changed(&self.book, &self.builds);
        if !changed.is_empty() {
            self.say(&format!(
                "Builds that are not what is on the chain: {}. They stay as they are; --redeploy-changed deploys them anew.",
                changed.join(", ")
            ));
        }
    }

    fn announce(&self, renewals: &[plan::Renewal]) {
        if renewals.is_empty() {
            return;
        }
        self.say("To be deployed anew:");
        for it in renewals {
            self.say(&format!("  {:26} {}", it.name, it.reason));
        }
        self.say("What the old contracts hold (stakes, streams, what is in escrow) stays there until its owners take it out.");
    }

    fn say_heir(&self) {
        if self.settings.owner != self.chain.sender && !self.settings.hand_over_at_once {
            self.say(&format!(
                "{} is to call acceptOwnership() on each contract; `bpe status` shows which still wait.",
                self.settings.owner
            ));
        }
    }

    async fn perform(&mut self, task: &Task, counter: &str) -> anyhow::Result<()> {
        match task {
            Task::Deploy(program) => self.create(program, counter).await,
            Task::Cache(program) => self.cache(program, counter).await,
            Task::Call {
                call, task_type, ..
            } => self.call(call, task_type.as_ref(), counter).await,
            Task::HandOver(program) => self.hand_over(program, counter).await,
        }
    }

    async fn create(&mut self, program: &Program, counter: &str) -> anyhow::Result<()> {
        let what = || format!("cannot deploy {}", program.name);
        let arguments: Vec<_> = program.arguments.iter().map(|it| it.value).collect();
        let scope = self.scope(None);
        let values = scope.values(&arguments).with_context(what)?;
        let code = self.builds.code(program.name)?.clone();
        let fee = self.chain.activation_fee(&code).await.with_context(what)?;
        let step = PendingStep::Deploy {
            name: program.key(),
            code_hash: keccak256(&code),
            constructor: recorded(&values),
        };
        let request = Chain::creation(&code, &values, fee);
        let receipt = self.send(step, request).await.with_context(what)?;
        let address = self.book.address(program.name).with_context(what)?;
        let deployed = self.chain.code(address).await?;
        ensure!(
            deployed == code,
            "{} has other code at {address} than was sent in {}",
            program.name,
            receipt.transaction_hash
        );
        self.say(&format!("{counter} {} is at {address}", program.name));
        Ok(())
    }

    /// A program that is not cached costs more and works as well: that stops nothing.
    async fn cache(&mut self, program: &Program, counter: &str) -> anyhow::Result<()> {
        let record = self.book.contract(program.name).context("it is deployed")?;
        let (address, code_hash) = (record.address, record.code_hash);
        if self.chain.is_cached(code_hash).await {
            self.say(&format!("{counter} {} is cached already", program.name));
            return Ok(());
        }
        let bid = match self.chain.cache_bid(address, self.settings.max_bid).await {
            Ok(bid) => bid,
            Err(error) => Err(format!("{error:#}")),
        };
        match bid {
            Ok(request) => {
                let step = PendingStep::Call {
                    label: format!("CacheManager.placeBid({})", program.name),
                    contract: address,
                };
                match self.send(step, request).await {
                    Ok(_) => self.say(&format!("{counter} {} is cached", program.name)),
                    Err(error) => {
                        self.say(&format!(
                            "{counter} {} is not cached: {error:#}",
                            program.name
                        ));
                        self.book.abandon()?;
                    }
                }
            }
            Err(reason) => self.say(&format!(
                "{counter} {} is not cached: {reason}",
                program.name
            )),
        }
        Ok(())
    }

    async fn call(
        &mut self,
        call: &Call,
        task_type: Option<&OpenTaskType>,
        counter: &str,
    ) -> anyhow::Result<()> {
        self.take_back(call, task_type, counter).await?;
        let scope = self.scope(task_type);
        let label = scope.label(call);
        if scope.is_done(self.chain, call).await? {
            // An earlier step has done it, or somebody else since the plan was made.
            self.say(&format!("{counter} {label}: done already"));
            return Ok(());
        }
        let on = scope.address(call.on)?;
        let values = scope.values(call.arguments)?;
        let data = calldata(call.function, &values);
        self.connect(&label, on, data, call.on).await?;
        let done = self.scope(task_type).is_done(self.chain, call).await?;
        ensure!(
            done,
            "{label} went through, and yet had not the effect that it should have: `bpe status` shows what is there"
        );
        self.say(&format!("{counter} {label}"));
        Ok(())
    }

    /// Takes a call back for the contracts that have been replaced.
    async fn take_back(
        &mut self,
        call: &Call,
        task_type: Option<&OpenTaskType>,
        counter: &str,
    ) -> anyhow::Result<()> {
        let Some((function, arguments)) = call.undo else {
            return Ok(());
        };
        for instead in plan::stale(self.chain, &self.scope(task_type), call).await? {
            let before = Scope {
                instead: Some(instead),
                ..self.scope(task_type)
            };
            let data = calldata(function, &before.values(arguments)?);
            let on = before.address(call.on)?;
            let (name, address) = instead;
            let label = format!("{}.{function} for {name}, formerly {address}", call.on);
            self.connect(&label, on, data, call.on).await?;
            self.say(&format!("{counter} {label}"));
        }
        Ok(())
    }

    async fn hand_over(&mut self, program: &Program, counter: &str) -> anyhow::Result<()> {
        let on = self.book.address(program.name).context("it is deployed")?;
        let heir = self.settings.owner;
        let function = match self.settings.hand_over_at_once {
            true => "handOver(address)",
            false => "transferOwnership(address)",
        };
        let data = calldata(function, &[DynSolValue::Address(heir)]);
        let name = function.split('(').next().unwrap_or_default();
        let label = format!("{}.{name}({heir})", program.name);
        self.connect(&label, on, data, program.name).await?;
        self.say(&format!("{counter} {label}"));
        Ok(())
    }

    /// Sends a call to a contract of the suite.
    async fn connect(
        &mut self,
        label: &str,
        on: Address,
        data: alloy::primitives::Bytes,
        name: &str,
    ) -> anyhow::Result<()> {
        let step = PendingStep::Call {
            label: label.to_owned(),
            contract: on,
        };
        let request = TransactionRequest::default().to(on).input(data.into());
        let Err(error) = self.send(step, request).await else {
            return Ok(());
        };
        let owner = self.chain.address_of(on, "owner()").await?;
        match owner {
            Some(owner) if owner != self.chain.sender && !owner.is_zero() => bail!(
                "{label} failed: {error:#}. {name} belongs to {owner}, and this key is {}: run this with the owner's key",
                self.chain.sender
            ),
            _ => Err(error.context(format!("{label} failed"))),
        }
    }

    /// Signs, notes, sends and records a transaction.
    async fn send(
        &mut self,
        step: PendingStep,
        request: TransactionRequest,
    ) -> anyhow::Result<TransactionReceipt> {
        let signed = self.chain.sign(request).await?;
        self.book.begin(signed.hash, step)?;
        let receipt = self.chain.submit(&signed).await?;
        self.book.finish(&receipt, Chain::created(&receipt))?;
        self.transactions += 1;
        Ok(receipt)
    }
}

/// Arguments for the deployments file.
fn recorded(values: &[DynSolValue]) -> Vec<String> {
    values.iter().map(text).collect()
}
