//! The agent SDK: what sinks and sources have in common, without HTTP and without a process of its own.
//!
//! | part | what it does |
//! |---|---|
//! | [`capacity`] | CapacityComputer: what a server can do, out of what it does |
//! | [`queue`] | TaskQueueManager: takes what can be done in time, by those who have shown that they sign for it |
//! | [`vouchers`] | what is owed, signed for and acknowledged, on disk before it is sent |
//! | [`streams`] | StreamLifecycle: stakes, registers, streams and leaves, step by step, each of which may be done already |
//! | [`directory`] | where sinks can be reached |
//! | [`formats`] | what goes over the wire between them |
//!
//! Amounts: work in work units of 1e-9 (a capacity unit for a second is one work unit), money in wei of the payment
//! token, prices in wei per work unit, capacity in work units of 1e-9 per second. Time in protocol decisions is the
//! chain's.
//!
//! The TypeScript package computes the same: `tests/fixtures/agent/` holds both to it.

pub mod capacity;
pub mod directory;
pub mod formats;
pub mod queue;
pub mod streams;
pub mod vouchers;
