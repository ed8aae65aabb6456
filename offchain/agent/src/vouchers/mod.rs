//! Vouchers: what is owed, signed for and acknowledged between a source and a sink.
//!
//! Both sides keep the same [`Ledger`]. A task is in it before its signature is sent; what it came to is in it before a
//! voucher is signed; a voucher is in it before it is sent. Killed at any moment, either side goes on where it was: a
//! source sends its latest voucher again until it is acknowledged, a sink answers a voucher that it has with the same
//! signature.

mod ledger;
mod rows;
mod totals;

pub use ledger::{Debt, Finished, Ledger, LedgerError, Pair, Received, Signed, Taken};
pub use totals::{price_of, value_of, Order, TooLarge, Totals, MOST_TASKS, MOST_VALUE, MOST_WORK};
