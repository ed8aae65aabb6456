//! Reading everything back: what the contracts themselves say of their neighbours, owners and parameters.

use anyhow::bail;

use super::{
    chain::{calldata, Chain},
    config::Settings,
    plan::{is_wanted, occasions},
    record::Book,
    scope::{compare, text, Found, Scope},
    suite::{self, Program},
};

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many views were asked.
    pub checks: usize,
    /// What is not as it should be, a sentence each.
    pub problems: Vec<String>,
    /// Powers over stakes that are announced, and will be as they should when the notice has passed.
    pub announced: Vec<String>,
}

/// Reads all links back.
///
/// # Errors
/// If any is wrong, with all of them.
pub async fn verify(chain: &Chain, settings: &Settings, book: &Book) -> anyhow::Result<Report> {
    let report = inspect(chain, settings, book).await?;
    if !report.problems.is_empty() {
        bail!(
            "the verification failed, {} of {} links and parameters are wrong: {}",
            report.problems.len(),
            report.checks,
            report.problems.join("; ")
        );
    }
    Ok(report)
}

/// Reads all links back, and says what is wrong with them.
///
/// # Errors
/// If the chain does not answer.
pub async fn inspect(chain: &Chain, settings: &Settings, book: &Book) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let scope = Scope {
        settings,
        book,
        deployer: chain.sender,
        task_type: None,
        next_epoch: chain.next_epoch().await?,
        instead: None,
    };
    for program in suite::programs().filter(|it| book.contract(it.name).is_some()) {
        constructor(chain, &scope, program, &mut report).await?;
        if program.has_owner {
            owner(chain, &scope, program, &mut report).await?;
        }
    }
    for call in suite::calls() {
        if !is_wanted(call, settings, |name| book.contract(name).is_some()) {
            continue;
        }
        let on = scope.address(call.on)?;
        for task_type in occasions(call, settings) {
            let scope = Scope {
                task_type: task_type.as_ref(),
                ..scope
            };
            for check in call.checks {
                report.checks += 1;
                if let Found::Differs { returned, .. } = scope.check(chain, on, check).await? {
                    let expected = match scope.expected(check)? {
                        Some(value) => text(&value),
                        None => "something".to_owned(),
                    };
                    let label = scope.label(call);
                    if scope.is_announced(chain, call).await? {
                        report.announced.push(label);
                        continue;
                    }
                    report.problems.push(format!(
                        "{}.{} is {returned}, not {expected} ({label})",
                        call.on, check.view
                    ));
                }
            }
        }
    }
    Ok(report)
}

/// What the constructor was given.
async fn constructor(
    chain: &Chain,
    scope: &Scope<'_>,
    program: &Program,
    report: &mut Report,
) -> anyhow::Result<()> {
    let on = scope.address(program.name)?;
    for argument in program.arguments {
        let Some(view) = argument.view else { continue };
        // The configuration that `bpe status` is given need not say everything.
        let Ok(expected) = scope.value(argument.value) else {
            continue;
        };
        report.checks += 1;
        let output = chain.view(on, calldata(view, &[])).await?;
        if let Found::Differs { returned, .. } = compare(output, Some(&expected)) {
            report.problems.push(format!(
                "{}.{view} is {returned}, not {}: correct the configuration, or use `--redeploy {}`",
                program.name,
                text(&expected),
                program.package
            ));
        }
    }
    Ok(())
}

/// The wanted owner, or the deployer who has offered it to him.
async fn owner(
    chain: &Chain,
    scope: &Scope<'_>,
    program: &Program,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.checks += 1;
    let on = scope.address(program.name)?;
    let wanted = scope.settings.owner;
    let owner = chain.address_of(on, "owner()").await?;
    let pending = chain.address_of(on, "pendingOwner()").await?;
    if owner != Some(wanted) && pending != Some(wanted) {
        let owner = owner.map_or("unknown".to_owned(), |it| it.to_string());
        report.problems.push(format!(
            "{}'s owner is {owner}, not {wanted}: set `owner`, or have it transferred",
            program.name
        ));
    }
    Ok(())
}
