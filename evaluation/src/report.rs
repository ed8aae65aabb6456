//! What all experiments found, as Markdown, as a page of HTML and as JSON.

mod html;
mod markdown;

use serde::Serialize;

pub use self::{html::page, markdown::document};
use crate::experiment::{Finding, Target};

/// An experiment's part of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    pub name: &'static str,
    pub question: &'static str,
    pub finding: Finding,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub schema: &'static str,
    /// What was typed, and of which commit.
    pub command: String,
    pub commit: String,
    pub seed: u64,
    pub sections: Vec<Section>,
    /// On the clock, and of the processor where that is known.
    pub seconds: f64,
    pub cpu_seconds: Option<f64>,
}

impl Report {
    pub const SCHEMA: &'static str = "bpe-evaluation/1";

    /// All targets, with the experiment that each belongs to.
    pub fn targets(&self) -> impl Iterator<Item = (&'static str, &Target)> {
        let sections = self.sections.iter();
        sections.flat_map(|it| {
            it.finding
                .targets
                .iter()
                .map(move |target| (it.name, target))
        })
    }

    /// Which rules one would change, the first one first.
    pub fn advice(&self) -> impl Iterator<Item = &str> {
        let sections = self.sections.iter();
        sections.flat_map(|it| it.finding.advice.iter().map(String::as_str))
    }

    /// How long it took, in words.
    pub fn took(&self) -> String {
        let clock = format!("{:.0} s on the clock", self.seconds);
        match self.cpu_seconds {
            Some(cpu) => format!("{clock}, {cpu:.0} s of one core"),
            None => clock,
        }
    }

    /// Steps of markets on the chain, and how many there were in a second, in words.
    pub fn speed(&self) -> String {
        let steps: u64 = self.sections.iter().map(|it| it.finding.steps).sum();
        let in_second = |seconds: f64| steps as f64 / seconds.max(1e-9);
        let clock = format!(
            "{steps} steps of markets on the chain, {:.1} in a second",
            in_second(self.seconds)
        );
        match self.cpu_seconds {
            Some(cpu) => format!("{clock} and {:.1} in a second of one core", in_second(cpu)),
            None => clock,
        }
    }
}
