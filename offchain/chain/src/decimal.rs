//! Integers as decimal strings: JSON's numbers end at 2^53. For serde's `with`.

use std::{fmt::Display, str::FromStr};

use serde::{de::Error as _, Deserialize as _, Deserializer, Serializer};

/// # Errors
/// Those of the serializer.
pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// # Errors
/// If it is no decimal string, or a number that `T` does not hold.
pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        let bits = 8 * size_of::<T>();
        D::Error::custom(format!(
            "{shown:?} is no decimal number of at most {bits} bits"
        ))
    })
}

fn parse<T: FromStr>(text: &str) -> Option<T> {
    const DIGITS: usize = 78;
    let digits =
        !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;

    use super::*;

    #[test]
    fn only_decimal_digits_count() {
        assert_eq!(parse("0"), Some(U256::ZERO));
        assert_eq!(parse(&U256::MAX.to_string()), Some(U256::MAX));
        assert_eq!(parse(&u128::MAX.to_string()), Some(u128::MAX));
        for wrong in ["", "-1", "+1", "0x10", "1e9", " 1", "1_000", "١"] {
            assert_eq!(parse::<U256>(wrong), None, "{wrong:?}");
            assert_eq!(parse::<u128>(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse::<U256>(&"9".repeat(78)), None);
        assert_eq!(parse::<U256>(&"1".repeat(79)), None);
        assert_eq!(
            parse::<u128>(&U256::from(u128::MAX).saturating_add(U256::ONE).to_string()),
            None
        );
    }
}
