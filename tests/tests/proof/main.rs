//! Completions, attestations and prices on a devnet: real signatures, real Superfluid, every value exact.

mod assigned;
mod attest;
mod dodges;
mod evidence;
mod late;
mod layout;
mod moody;
mod price;
mod slash;

use alloy::primitives::U256;
use bpe_tests::suite::tokens;

/// The escrow's unit in every pool.
const ESCROW: u128 = 1;

/// `floor(10 bps of the total units)`, of which the sinks' are 9 990 bps.
fn fee_units(sinks: u128) -> u128 {
    (sinks * 10_000 / 9_990) * 10 / 10_000
}

/// What a stake of so many tokens backs: its square root, in units of 1e-9.
fn cap(stake: u64) -> U256 {
    tokens(stake).root(2)
}
