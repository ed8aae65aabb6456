//! The keeper against a whole economy: built programs, real Superfluid, real HTTP, a real browser.

mod hostile;
mod page;
mod stage;
mod work;
