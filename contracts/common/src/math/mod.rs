//! The protocol's arithmetic: pure functions over integers, without storage, host calls, allocation or floats.
//!
//! Every function says its units, its rounding, its domain and, where it is not exact, its error bound. A rounding
//! direction is in the function's name (`_floor`, `_ceil`, `_down`); what the protocol defines as a floor (`isqrt`,
//! `ewma`, the caps) keeps its plain name. None of them can panic: operators that would (`+` under
//! `overflow-checks`, `/`, indexing) are replaced by `wrapping_*` with a proof, `NonZero` divisors and iterators, so
//! that no panic string reaches the program's data section, which costs gas on every call.
//!
//! Operations are chosen by Stylus' ink table: a basic block (2450 ink) and a call (3800) dwarf a multiplication
//! (160) or a native division (1270), so the kernels work on 32-bit digits inside `u64` registers and never reach
//! for the compiler's `u128` division or `ruint`'s generic one.

mod bps;
mod capacity;
pub mod decay;
pub mod exp;
mod mul_div;
pub mod pricing;
pub mod route;
pub mod skill;
pub mod split;
mod sqrt;
pub mod velocity;
mod words;
pub mod work;

pub use self::{
    bps::{bps_of_ceil, bps_of_floor, BPS},
    capacity::{
        capacity_cap_affine, capacity_cap_sqrt, ewma, stake_for_capacity_affine,
        stake_for_capacity_sqrt, CAPACITY_ONE,
    },
    exp::{exp_neg_down, EXP_ONE},
    mul_div::{mul_div_ceil, mul_div_floor},
    sqrt::isqrt,
};

use alloy_primitives::U256;

/// The value as `u128`, or `None` if it needs more than 128 bits.
#[inline]
pub const fn to_u128(value: U256) -> Option<u128> {
    let [l0, l1, l2, l3] = *value.as_limbs();
    if l2 | l3 == 0 {
        Some((l1 as u128) << 64 | l0 as u128)
    } else {
        None
    }
}

/// The value as `u128`, or `u128::MAX` if it needs more than 128 bits.
#[inline]
pub const fn to_u128_saturating(value: U256) -> u128 {
    match to_u128(value) {
        Some(value) => value,
        None => u128::MAX,
    }
}
