//! Addresses with the upper and lower case of EIP-55. Any case is read.

use alloy::primitives::Address;
use serde::{Deserialize as _, Deserializer, Serializer};

pub fn serialize<S: Serializer>(value: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_checksum(None))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    Address::deserialize(deserializer)
}
