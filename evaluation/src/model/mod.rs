//! Models without contracts, beside which the contracts are measured.

pub mod paper;
pub mod service;
pub mod trust;
