//! The examples in `tests/fixtures/agent/`, which the TypeScript package reads too: inputs, and what has to come out.
//!
//! `BLESS=1` writes what comes out into the files.

mod capacity;
mod formats;
mod queue;
mod streams;
mod vouchers;

use std::{fs, path::PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Compares a file with what `answer` makes of its inputs.
fn check(name: &str, answer: impl FnOnce(&mut Value)) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/agent");
    let path = folder.join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let expected: Value = serde_json::from_str(&text).unwrap();
    let mut found = expected.clone();
    answer(&mut found);
    if std::env::var_os("BLESS").is_some() {
        let text = serde_json::to_string_pretty(&found).unwrap();
        fs::write(&path, text + "\n").unwrap();
    } else {
        compare(name, &expected, &found);
    }
}

/// Says where two documents differ.
fn compare(place: &str, expected: &Value, found: &Value) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) if expected.len() == found.len() => {
            for (key, expected) in expected {
                compare(&format!("{place}.{key}"), expected, &found[key]);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{place}[{index}]"), expected, found);
            }
        }
        _ => assert_eq!(expected, found, "{place}"),
    }
}

/// The elements of an array.
fn each<'a>(document: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    let array = document[key].as_array_mut();
    let array = array.unwrap_or_else(|| panic!("there is no {key}"));
    assert!(!array.is_empty(), "{key} is empty");
    array.iter_mut()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}
