//! The keeper on a devnet whose contracts only tell what they are told to: events, API, page, store. What it does to real
//! contracts is tested in tests/tests/keeper.

mod faults;
mod fuzz;
mod hostile;
mod page;
mod picture;
mod stage;
