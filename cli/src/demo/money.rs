//! Amounts of money as text.

use alloy::primitives::{utils::format_units, I256, U256};

use super::suite::TOKENS_PER_FEE;

/// Digits after the point of a USDCx.
const DECIMALS: u8 = 18;

/// USDCx with so many digits after the point, the rest cut off.
pub fn usdcx(amount: U256, digits: usize) -> String {
    cut(&format_units(amount, DECIMALS).unwrap_or_default(), digits)
}

/// Wei from our own JSON as exact USDCx. May be negative.
pub fn exact(amount: &str) -> String {
    let amount: I256 = amount.parse().unwrap_or_default();
    format_units(amount, DECIMALS).unwrap_or_default()
}

pub fn rounded(amount: &str, digits: usize) -> String {
    cut(&exact(amount), digits)
}

fn cut(decimal: &str, digits: usize) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}.{fraction:.digits$}")
}

/// Wei from our own JSON.
pub fn wei(amount: &str) -> U256 {
    amount.parse().unwrap_or_default()
}

/// A base fee, which is for [`TOKENS_PER_FEE`] tokens, in USDCx for a million.
pub fn per_million(base_fee: U256) -> f64 {
    f64::from(base_fee) / 1e18 * (1e6 / TOKENS_PER_FEE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_or_cut_off() {
        assert_eq!(exact("1234567890123456789"), "1.234567890123456789");
        assert_eq!(exact("-1"), "-0.000000000000000001");
        assert_eq!(rounded("1999999999999999999", 2), "1.99");
        assert_eq!(usdcx(U256::from(10).pow(U256::from(18)), 4), "1.0000");
        assert_eq!(per_million(U256::from(1_000_000_000_000_000u64)), 10.0);
    }
}
