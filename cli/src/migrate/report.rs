//! What was found in a Solidity deployment.

use std::fmt;

use serde::Serialize;

use super::{Difference, Parameter, Way};

/// A parameter and its value in the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    pub view: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    pub value: String,
    /// Where it goes, or why it stays.
    pub way: String,
}

/// A view that did not answer as the reference's does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unanswered {
    pub view: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
}

/// A difference that clients of the deployment will notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Noticed {
    pub contract: String,
    /// Which clients.
    pub who: String,
    pub what: String,
    #[serde(rename = "do")]
    pub remedy: String,
    /// Its line in `docs/migrating.md`.
    pub guide: String,
}

/// What carries over, what does not, and who will notice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub chain_id: u64,
    /// By configuration.
    pub configured: Vec<Carried>,
    /// By calls of the owner.
    pub called: Vec<Carried>,
    /// State that stays behind.
    pub stays: Vec<Carried>,
    /// Constants that are the same.
    pub same: Vec<String>,
    pub noticed: Vec<Noticed>,
    pub unanswered: Vec<Unanswered>,
}

impl Report {
    pub(super) fn carry(
        &mut self,
        parameter: &Parameter,
        task_type: Option<String>,
        view: String,
        value: String,
    ) {
        let (list, way) = match parameter.way {
            Way::Key(key) => (&mut self.configured, key),
            Way::Call(function) => (&mut self.called, function),
            Way::Stays(why) => (&mut self.stays, why),
        };
        list.push(Carried {
            view,
            task_type,
            value,
            way: way.to_owned(),
        });
    }

    /// A constant of the deployment beside this suite's, which is the reference's.
    pub(super) fn compare(&mut self, view: String, theirs: &str, ours: &str) {
        if theirs == ours {
            self.same.push(view);
            return;
        }
        let contract = view.split('.').next().unwrap_or_default().to_owned();
        self.noticed.push(Noticed {
            contract,
            who: format!("readers of {view}"),
            what: format!("it is {theirs} there, and {ours} here"),
            remedy: "this deployment is not the one that the suite was compared with: check what depends on it"
                .to_owned(),
            guide: "constants".to_owned(),
        });
    }

    pub(super) fn notice(&mut self, difference: &Difference) {
        self.noticed.push(Noticed {
            contract: difference.contract.clone(),
            who: difference.who.clone(),
            what: difference.what.clone(),
            remedy: difference.remedy.clone(),
            guide: difference.id.clone(),
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "Solidity deployment on chain {}", self.chain_id)?;
        let sections = [
            ("Goes into bpe.toml:", &self.configured),
            ("The new owner calls:", &self.called),
            ("Stays behind:", &self.stays),
        ];
        for (title, list) in sections {
            if !list.is_empty() {
                writeln!(f, "\n{title}")?;
            }
            for it in list {
                let of = it.task_type.as_ref().map(|it| format!(" of {it}"));
                let of = of.unwrap_or_default();
                writeln!(f, "  {} = {}{of}: {}", it.view, it.value, it.way)?;
            }
        }
        writeln!(f, "\n{} constants are the same here.", self.same.len())?;
        if !self.noticed.is_empty() {
            writeln!(
                f,
                "\nWill be noticed (docs/migrating.md has a line for each):"
            )?;
        }
        for it in &self.noticed {
            let contract = it.contract.replace('*', "all");
            writeln!(
                f,
                "  {contract}, {}: {}. {} [{}]",
                it.who, it.what, it.remedy, it.guide
            )?;
        }
        if !self.unanswered.is_empty() {
            writeln!(f, "\nDid not answer:")?;
        }
        for it in &self.unanswered {
            let of = it.task_type.as_ref().map(|it| format!(" of {it}"));
            writeln!(f, "  {}{}", it.view, of.unwrap_or_default())?;
        }
        Ok(())
    }
}
