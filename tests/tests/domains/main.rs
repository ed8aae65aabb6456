//! The domains on a devnet: real signatures and real Superfluid, from what is attested to what is paid.

mod lightning;

/// Seconds of an hour.
const HOUR: u64 = 3_600;
