//! The experiments, one a file.

mod adversaries;
mod buffer;
mod convergence;
mod gas;
mod paper;
mod price;
mod scale;
mod shock;
mod smoothing;
mod sybil;
mod traces;
mod trade;
mod users;

use crate::experiment::Experiment;

/// All of them, in the order of the report.
pub fn all() -> Vec<&'static dyn Experiment> {
    vec![
        &convergence::Convergence,
        &shock::Shock,
        &sybil::Sybil,
        &smoothing::Smoothing,
        &buffer::Buffer,
        &price::Price,
        &adversaries::Adversaries,
        &adversaries::Search,
        &users::Users,
        &gas::Gas,
        &scale::Scale,
    ]
}
