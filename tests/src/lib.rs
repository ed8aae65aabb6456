//! What the end-to-end tests share: a stage to play on, and the tools that play.
//!
//! Tests panic, with what there is to know: nothing here returns errors. They need what `scripts/fetch-tools` and
//! `scripts/fetch-superfluid` install into `.tools/`, and fail without it.

pub mod domains;
pub mod economy;
pub mod gas;
pub mod npm;
pub mod process;
pub mod programs;
pub mod proof;
pub mod settlement;
pub mod solidity;
pub mod stage;
pub mod strangers;
pub mod suite;
pub mod tools;
pub mod work;
