//! The experiments, one a file.

mod convergence;
mod paper;

use crate::experiment::Experiment;

/// All of them, in the order of the report.
pub fn all() -> Vec<&'static dyn Experiment> {
    vec![&convergence::Convergence]
}
