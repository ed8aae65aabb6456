//! Money that flows to where capacity is: the settlement core on real Superfluid, balances to the wei.

mod attacks;
mod overflow;
mod random;
mod refusals;
mod scale;
mod sources;
mod split;

/// Seconds of an hour.
const HOUR: u64 = 3_600;
