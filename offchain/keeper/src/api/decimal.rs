//! Integers as decimal strings: JSON's numbers end at 2^53.

use alloy::primitives::U256;
use serde::{de::Error as _, Deserialize as _, Deserializer, Serializer};

/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// # Errors
/// If it is no decimal string of at most 256 bits.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        D::Error::custom(format!(
            "{shown:?} is no decimal number of at most 256 bits"
        ))
    })
}

fn parse(text: &str) -> Option<U256> {
    const DIGITS: usize = 78;
    let digits =
        !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|it| it.is_ascii_digit());
    digits
        .then(|| U256::from_str_radix(text, 10).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_decimal_digits_count() {
        assert_eq!(parse("0"), Some(U256::ZERO));
        assert_eq!(parse(&U256::MAX.to_string()), Some(U256::MAX));
        for wrong in ["", "-1", "+1", "0x10", "1e9", " 1", "1_000", "١"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse(&"9".repeat(78)), None);
        assert_eq!(parse(&"1".repeat(79)), None);
    }
}
