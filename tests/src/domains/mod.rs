//! The domains' contracts on top of the settlement core.

pub mod keys;
pub mod lightning;
pub mod relay;
