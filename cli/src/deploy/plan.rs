//! What is to be done: which contracts, which calls, and what has to go with what.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{keccak256, Bytes, B256};
use anyhow::{bail, ensure, Context as _};

use super::{
    chain::Chain,
    config::{OpenTaskType, Settings, BY_WORK},
    record::Book,
    scope::{Found, Scope, LAST_EPOCH},
    suite::{self, Call, Program, Repeat, Step},
};
use crate::programs::Programs;

/// What a run is to deploy anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Redeploy {
    #[default]
    Nothing,
    /// These, by any of their names.
    Named(Vec<String>),
    /// Those whose build is another than what is on chain.
    Changed,
}

/// The built programs that a run is about.
pub struct Builds(BTreeMap<&'static str, Bytes>);

impl Builds {
    /// Those of `programs`.
    ///
    /// # Errors
    /// If one has not been built.
    pub fn read<'a>(
        source: &Programs,
        programs: impl Iterator<Item = &'a Program>,
    ) -> anyhow::Result<Self> {
        let builds = programs.map(|program| Ok((program.name, source.code(program.package)?)));
        Ok(Self(builds.collect::<anyhow::Result<_>>()?))
    }

    pub fn code(&self, name: &str) -> anyhow::Result<&Bytes> {
        self.0
            .get(name)
            .with_context(|| format!("{name} was not built"))
    }

    pub fn hash(&self, name: &str) -> Option<B256> {
        self.0.get(name).map(keccak256)
    }
}

/// The contracts that a run is about: the named ones, or else all that the configuration includes.
///
/// # Errors
/// If a name is unknown, or one needs another that neither is there nor is to be.
pub fn select(
    only: &[String],
    settings: &Settings,
    book: &Book,
) -> anyhow::Result<BTreeSet<&'static str>> {
    let selected: BTreeSet<_> = if only.is_empty() {
        suite::programs()
            .filter(|it| it.domain.is_none_or(|domain| settings.includes(domain)))
            .map(|it| it.name)
            .collect()
    } else {
        let named = only.iter().map(|name| named(name).map(|it| it.name));
        named.collect::<anyhow::Result<_>>()?
    };
    for program in suite::programs().filter(|it| selected.contains(it.name)) {
        for needed in program.needs() {
            if selected.contains(needed) || book.contract(needed).is_some() {
                continue;
            }
            let domain = suite::find(needed).and_then(|it| it.domain);
            match domain.filter(|_| only.is_empty()) {
                Some(domain) => bail!(
                    "{} needs {needed}: set `domains.{domain}` to true, or leave {} out with `domains.{} = false`",
                    program.name,
                    program.name,
                    program.domain.unwrap_or_default()
                ),
                None => bail!(
                    "{} needs {needed}, which is not deployed: deploy it first, or with it, `--only {} {}`",
                    program.name,
                    suite::find(needed).map_or(needed, |it| it.package),
                    program.package
                ),
            }
        }
    }
    Ok(selected)
}

fn named(name: &str) -> anyhow::Result<&'static Program> {
    suite::find(name).with_context(|| {
        let all: Vec<_> = suite::programs().map(|it| it.package).collect();
        format!(
            "there is no contract {name:?} in the suite; there are {}",
            all.join(", ")
        )
    })
}

/// Why a contract is to be deployed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    pub name: &'static str,
    pub reason: String,
}

/// The recorded contracts to deploy anew, and all that cannot stay without them, with reasons: in the order of deployment.
///
/// # Errors
/// If a name is unknown, or not deployed.
pub fn renewals(redeploy: &Redeploy, book: &Book, builds: &Builds) -> anyhow::Result<Vec<Renewal>> {
    let mut reasons: BTreeMap<&'static str, String> = BTreeMap::new();
    match redeploy {
        Redeploy::Nothing => return Ok(Vec::new()),
        Redeploy::Named(names) => {
            for name in names {
                let program = named(name)?;
                ensure!(
                    book.contract(program.name).is_some(),
                    "{} is not deployed on chain {}, so it cannot be deployed anew: leave --redeploy out",
                    program.name,
                    book.chain_id()
                );
                reasons.insert(program.name, "as asked".to_owned());
            }
        }
        Redeploy::Changed => {
            for name in changed(book, builds) {
                reasons.insert(name, "its build has changed".to_owned());
            }
        }
    }
    // Until nothing more follows from anything.
    while let Some((name, reason)) = follower(&reasons, book) {
        reasons.insert(name, reason);
    }
    let order = suite::programs().filter_map(|program| {
        let reason = reasons.remove(program.name)?;
        Some(Renewal {
            name: program.name,
            reason,
        })
    });
    Ok(order.collect())
}

/// The recorded contracts whose build is another than what is on chain.
pub fn changed(book: &Book, builds: &Builds) -> Vec<&'static str> {
    let contracts = book.contracts().iter();
    contracts
        .filter(|(name, record)| {
            builds
                .hash(name)
                .is_some_and(|hash| hash != record.code_hash)
        })
        .map(|(name, _)| *name)
        .collect()
}

/// A contract that must go because another does: its constructor was given that one, or a call that is made once for ever.
fn follower(
    renewed: &BTreeMap<&'static str, String>,
    book: &Book,
) -> Option<(&'static str, String)> {
    let stays = |name: &str| book.contract(name).is_some() && !renewed.contains_key(name);
    for program in suite::programs().filter(|it| stays(it.name)) {
        if let Some(lost) = program.needs().find(|name| renewed.contains_key(name)) {
            return Some((program.name, format!("its constructor is given {lost}")));
        }
    }
    for call in suite::calls().filter(|it| it.once && stays(it.on)) {
        if let Some(lost) = call.contracts().find(|name| renewed.contains_key(name)) {
            let function = call.function.split('(').next().unwrap_or_default();
            return Some((
                call.on,
                format!("it is connected to {lost} for ever, by {function}"),
            ));
        }
    }
    None
}

/// Something to do.
#[derive(Clone)]
pub enum Task {
    Deploy(&'static Program),
    Cache(&'static Program),
    Call {
        call: &'static Call,
        task_type: Option<OpenTaskType>,
        label: String,
    },
    HandOver(&'static Program),
}

/// What there is to do, in order.
pub struct Planner<'a> {
    pub chain: &'a Chain,
    pub settings: &'a Settings,
    pub book: &'a Book,
    pub selected: &'a BTreeSet<&'static str>,
}

impl Planner<'_> {
    /// # Errors
    /// If the chain cannot be asked, or a link that is made once leads elsewhere.
    pub async fn tasks(&self) -> anyhow::Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for step in suite::STEPS {
            match step {
                Step::Deploy(program) => self.deployment(program, &mut tasks).await?,
                Step::Call(call) => self.calls(call, &mut tasks).await?,
            }
        }
        for program in suite::programs().filter(|it| it.has_owner && self.will_be(it.name)) {
            if self.to_hand_over(program).await? {
                tasks.push(Task::HandOver(program));
            }
        }
        Ok(tasks)
    }

    /// Whether a contract is there or will be.
    fn will_be(&self, name: &str) -> bool {
        self.selected.contains(name) || self.book.contract(name).is_some()
    }

    async fn deployment(
        &self,
        program: &'static Program,
        tasks: &mut Vec<Task>,
    ) -> anyhow::Result<()> {
        match self.book.contract(program.name) {
            None if self.selected.contains(program.name) => {
                tasks.push(Task::Deploy(program));
                if self.settings.cache {
                    tasks.push(Task::Cache(program));
                }
            }
            Some(record)
                if self.settings.cache
                    && self.selected.contains(program.name)
                    && !self.chain.is_cached(record.code_hash).await =>
            {
                tasks.push(Task::Cache(program));
            }
            _ => {}
        }
        Ok(())
    }

    async fn calls(&self, call: &'static Call, tasks: &mut Vec<Task>) -> anyhow::Result<()> {
        if !is_wanted(call, self.settings, |name| self.will_be(name)) {
            return Ok(());
        }
        for task_type in occasions(call, self.settings) {
            let deployed = call.contracts().all(|it| self.book.contract(it).is_some());
            let scope = self.scope(task_type.as_ref());
            if deployed && is_settled(self.chain, &scope, call).await? {
                continue;
            }
            let label = scope.label(call);
            tasks.push(Task::Call {
                call,
                task_type,
                label,
            });
        }
        Ok(())
    }

    async fn to_hand_over(&self, program: &Program) -> anyhow::Result<bool> {
        let heir = self.settings.owner;
        let Some(address) = self.book.address(program.name) else {
            return Ok(heir != self.chain.sender);
        };
        let owner = self.chain.address_of(address, "owner()").await?;
        let pending = self.chain.address_of(address, "pendingOwner()").await?;
        let offered = pending == Some(heir) && !self.settings.hand_over_at_once;
        Ok(owner != Some(heir) && !offered)
    }

    fn scope<'b>(&'b self, task_type: Option<&'b OpenTaskType>) -> Scope<'b> {
        Scope {
            settings: self.settings,
            book: self.book,
            deployer: self.chain.sender,
            task_type,
            next_epoch: LAST_EPOCH,
            instead: None,
        }
    }
}

/// Whether a call belongs to a deployment of these contracts and settings.
pub fn is_wanted(call: &Call, settings: &Settings, has: impl Fn(&str) -> bool) -> bool {
    call.contracts().all(has) && call.when.is_none_or(|key| settings.get(key).is_some())
}

/// For what a call is made: once for itself, or for each task type.
pub fn occasions(call: &Call, settings: &Settings) -> Vec<Option<OpenTaskType>> {
    match call.repeat {
        Repeat::Single => vec![None],
        Repeat::TaskTypes => task_types(settings, |_| true),
        Repeat::JudgedTaskTypes => task_types(settings, |it| it.yardstick.is_some()),
        Repeat::PricedTaskTypes => task_types(settings, |it| it.fees.is_some()),
        Repeat::OtherTaskTypes => task_types(settings, |it| it.weighting != Some(BY_WORK)),
        Repeat::WeightedTaskTypes => task_types(settings, |it| it.weighting.is_some()),
        Repeat::TaskTypesByWork => task_types(settings, |it| it.weighting == Some(BY_WORK)),
    }
}

fn task_types(
    settings: &Settings,
    wanted: impl Fn(&OpenTaskType) -> bool,
) -> Vec<Option<OpenTaskType>> {
    let types = settings.task_types.iter();
    types.filter(|it| wanted(it)).cloned().map(Some).collect()
}

/// Whether a call is done, and taken back for all that was replaced.
///
/// # Errors
/// If it was made with other arguments, and is made once.
pub async fn is_settled(chain: &Chain, scope: &Scope<'_>, call: &Call) -> anyhow::Result<bool> {
    if !stale(chain, scope, call).await?.is_empty() {
        return Ok(false);
    }
    if scope.is_done(chain, call).await? {
        return Ok(true);
    }
    if call.once {
        require_unset(chain, scope, call).await?;
    }
    Ok(false)
}

/// The replaced contracts that a call still stands for.
pub async fn stale(
    chain: &Chain,
    scope: &Scope<'_>,
    call: &Call,
) -> anyhow::Result<Vec<(&'static str, alloy::primitives::Address)>> {
    let mut found = Vec::new();
    if call.undo.is_none() {
        return Ok(found);
    }
    let on = scope.address(call.on)?;
    for name in call.contracts().filter(|name| *name != call.on) {
        for address in scope.book.replaced(name) {
            let before = Scope {
                instead: Some((name, *address)),
                ..*scope
            };
            let check = call.announced.as_ref().unwrap_or(&call.checks[0]);
            if let Found::Holds = before.check(chain, on, check).await? {
                found.push((name, *address));
            }
        }
    }
    Ok(found)
}

/// Sees that a link that can be made once is not made to something else.
async fn require_unset(chain: &Chain, scope: &Scope<'_>, call: &Call) -> anyhow::Result<()> {
    let on = scope.address(call.on)?;
    let first = scope.check(chain, on, &call.checks[0]).await?;
    let set = match first {
        Found::Holds => true,
        Found::Differs { zero, .. } => !zero,
    };
    if !set {
        return Ok(());
    }
    for check in call.checks {
        if let Found::Differs { returned, .. } = scope.check(chain, on, check).await? {
            let package = suite::find(call.on).map_or(call.on, |it| it.package);
            bail!(
                "{} cannot be done: {}.{} is {returned} already, for good; change the configuration, or use `--redeploy {package}`",
                scope.label(call),
                call.on,
                check.view
            );
        }
    }
    Ok(())
}
