//! What the Solidity deployment's values are: `tests/fixtures/reference-values.json`.

pub use serde_json::Value;

/// All of it.
pub fn values() -> Value {
    let text = include_str!("../../../tests/fixtures/reference-values.json");
    serde_json::from_str(text).expect("reference-values.json is JSON")
}

/// The number of a member of an enumeration.
pub fn number(enumeration: &str, member: &str) -> u8 {
    let number = values()["enumerations"][enumeration][member].as_u64();
    let number = number.unwrap_or_else(|| panic!("no {member} in {enumeration}"));
    u8::try_from(number).expect("members of enumerations have 8 bits")
}

/// The members of an enumeration, by their numbers.
pub fn members(enumeration: &str) -> Vec<(String, u8)> {
    let values = values();
    let all = values["enumerations"][enumeration].as_object();
    let all = all.unwrap_or_else(|| panic!("no enumeration {enumeration}"));
    let mut members: Vec<_> = all
        .keys()
        .map(|name| (name.clone(), number(enumeration, name)))
        .collect();
    members.sort_by_key(|it| it.1);
    members
}
