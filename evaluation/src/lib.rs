//! The contracts in the loop: does it work as a market, and who can game it.
//!
//! Experiments deploy the suite on a devnet in this process, let sinks, sources and adversaries act on it, and measure
//! what comes of it beside models without contracts. All is drawn from one seed: two runs differ in nothing but the
//! time that they took. What they find becomes tables and charts of one report, in Markdown, HTML and JSON.
//!
//! [`suite`], [`chain`], [`trace`], [`work`], [`routing`], [`table`], [`chart`] and [`page`] are the economy that the
//! demo plays, too.

pub mod chain;
pub mod chart;
pub mod experiment;
mod experiments;
pub mod lab;
mod market;
mod model;
pub mod page;
pub mod report;
pub mod routing;
pub mod suite;
pub mod table;
pub mod trace;
pub mod work;

pub use experiments::all;
