//! The keeper against a whole economy: built programs, real Superfluid, real HTTP. What needs no programs is tested in offchain/keeper.

mod misses;
mod soak;
mod stage;
mod vouchers;
mod work;
