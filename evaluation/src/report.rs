//! What all experiments found, as Markdown, as a page of HTML and as JSON.

mod html;
mod markdown;

use std::collections::BTreeSet;

use serde::Serialize;

pub use self::{html::page, markdown::document};
use crate::experiment::{Advice, Finding, Target};

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

    /// Which rules one would change, the dearest one first: each once, by the evidence that weighs most.
    pub fn advice(&self) -> Vec<String> {
        let sections = self.sections.iter();
        let mut all: Vec<&Advice> = sections.flat_map(|it| &it.finding.advice).collect();
        all.sort_by(|a, b| b.cost.total_cmp(&a.cost));
        let mut rules = BTreeSet::new();
        all.retain(|it| rules.insert(&it.rule));
        let text = |it: &Advice| format!("{} Evidence: {}", it.rule, it.evidence);
        all.into_iter().map(text).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn section(advice: &[(&str, f64)]) -> Section {
        let advice = advice.iter().map(|(rule, cost)| Advice {
            rule: (*rule).to_owned(),
            evidence: format!("it costs {cost}"),
            cost: *cost,
        });
        Section {
            name: "a",
            question: "b",
            finding: Finding {
                advice: advice.collect(),
                ..Finding::default()
            },
        }
    }

    #[test]
    fn the_dearest_rule_comes_first_and_each_once() {
        let report = Report {
            schema: Report::SCHEMA,
            command: String::new(),
            commit: String::new(),
            seed: 1,
            sections: vec![
                section(&[("X.", 0.1), ("Y.", 0.3)]),
                section(&[("X.", 0.5)]),
            ],
            seconds: 1.0,
            cpu_seconds: None,
        };
        let expected = ["X. Evidence: it costs 0.5", "Y. Evidence: it costs 0.3"];
        assert_eq!(report.advice(), expected);
    }
}
