//! What an experiment is, and what it finds.

use std::{future::Future, pin::Pin};

use serde::Serialize;

use crate::{lab::Lab, table::Table};

/// What an experiment does until it has found something.
pub type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Finding>> + 'a>>;

/// A question, and how to answer it.
pub trait Experiment: Sync {
    /// What the command line calls it: `bpe evaluate NAME`.
    fn name(&self) -> &'static str;

    /// What it asks, in a line.
    fn question(&self) -> &'static str;

    /// Whether it takes longer than all others, which it begins before where several run at once.
    fn is_long(&self) -> bool {
        false
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a>;
}

/// What an experiment found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Finding {
    /// What was done, and what the figures mean: paragraphs of Markdown.
    pub text: Vec<String>,
    pub tables: Vec<Table>,
    pub charts: Vec<Plot>,
    pub targets: Vec<Target>,
    /// Which rules one would change, by what was found.
    pub advice: Vec<Advice>,
    /// How often a market on the chain moved on, and how long that took. Seconds differ between runs and are not
    /// written into the report's tables.
    pub steps: u64,
    pub seconds: f64,
}

/// A rule that one would change.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// What to change: a sentence of Markdown.
    pub rule: String,
    pub evidence: String,
    /// What the rule costs as it is, in parts of the market's money: of all, the dearest comes first.
    pub cost: f64,
}

/// What was aimed at, and what came out.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub what: String,
    pub wanted: String,
    pub found: String,
    pub is_met: bool,
    /// Why it is missed; empty if it is met.
    pub reason: String,
}

impl Target {
    /// `reason` is what to say if it is missed.
    pub fn new(what: &str, wanted: &str, found: String, is_met: bool, reason: &str) -> Self {
        let reason = match is_met {
            true => String::new(),
            false => reason.to_owned(),
        };
        Self {
            what: what.to_owned(),
            wanted: wanted.to_owned(),
            found,
            is_met,
            reason,
        }
    }
}

/// Lines over equally many points.
#[derive(Clone, Debug, Serialize)]
pub struct Plot {
    pub title: String,
    /// What the points are, and the first and the last of them.
    pub along: String,
    pub from: f64,
    pub to: f64,
    pub unit: String,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub name: String,
    pub values: Vec<f64>,
}

impl Plot {
    /// Of lines with at most so many points: means of what lies between.
    pub fn thinned(mut self, most: usize) -> Self {
        for line in &mut self.lines {
            line.values = thinned(&line.values, most);
        }
        self
    }
}

/// Means of stretches of equal length, at most `most` of them.
fn thinned(values: &[f64], most: usize) -> Vec<f64> {
    let stretch = values.len().div_ceil(most).max(1);
    values.chunks(stretch).map(mean).collect()
}

/// The mean; zero of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Hundredths of a per cent: `95.71 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_keeps_its_mean_and_no_more_points_than_it_may() {
        let values: Vec<f64> = (0..1_000).map(f64::from).collect();
        let thin = thinned(&values, 40);
        assert_eq!(thin.len(), 40);
        assert_eq!(mean(&thin), mean(&values));
        assert_eq!(thinned(&[3.0], 40), [3.0]);
        assert_eq!(mean(&[]), 0.0);
    }

    #[test]
    fn a_target_that_is_met_needs_no_reason() {
        assert_eq!(Target::new("a", "b", "c".into(), true, "why").reason, "");
        assert_eq!(
            Target::new("a", "b", "c".into(), false, "why").reason,
            "why"
        );
    }
}
