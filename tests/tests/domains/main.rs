//! The domains on a devnet, connected to the core: what they attest, earn and pay really moves.

mod demurrage;
mod platform;
mod routes;
