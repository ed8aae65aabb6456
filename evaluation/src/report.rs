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

    /// Steps of markets on the chain, and how many there were in a second.
    pub fn speed(&self) -> (u64, f64) {
        let steps = self.sections.iter().map(|it| it.finding.steps).sum();
        let seconds: f64 = self.sections.iter().map(|it| it.finding.seconds).sum();
        (steps, steps as f64 / seconds.max(1e-9))
    }
}
