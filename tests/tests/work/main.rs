//! Settlement by work on real Superfluid, to the wei: streams into the reserve, vouchers out of it, the rest back.

mod attacks;
mod misses;
mod outside;
mod path;
mod self_dealing;
