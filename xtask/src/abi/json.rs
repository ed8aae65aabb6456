//! The ABI as JSON: a plain array, as solc writes it.

use super::Contract;
use crate::source::{
    public::Mutability,
    types::{brackets, Ty},
};
use serde_json::{json, Map, Value};

/// The ABI array: constructor, errors, events, functions, each sorted by signature. One item a line.
pub fn to_json(contract: &Contract) -> String {
    let mut items = Vec::new();
    if let Some(constructor) = &contract.constructor {
        items.push(json!({
            "type": "constructor",
            "inputs": parameters(contract, &constructor.inputs),
            "stateMutability": constructor.mutability.as_str(),
        }));
    }
    if contract.falls_back {
        items.push(json!({ "type": "fallback", "stateMutability": "payable" }));
    }
    if contract.receives {
        items.push(json!({ "type": "receive", "stateMutability": Mutability::Payable.as_str() }));
    }
    for error in &contract.errors {
        items.push(json!({
            "type": "error",
            "name": error.name,
            "inputs": parameters(contract, &error.fields),
        }));
    }
    for event in &contract.events {
        let inputs: Vec<_> = event
            .fields
            .iter()
            .map(|(name, ty, indexed)| {
                let mut input = parameter(contract, name, ty);
                input.insert("indexed".into(), json!(indexed));
                Value::Object(input)
            })
            .collect();
        items.push(json!({
            "type": "event",
            "name": event.name,
            "inputs": inputs,
            "anonymous": event.anonymous,
        }));
    }
    let mut functions: Vec<_> = contract.functions.iter().collect();
    functions.sort_by_key(|function| function.signature());
    for function in functions {
        let outputs: Vec<_> = function
            .named_outputs()
            .map(|(name, ty)| Value::Object(parameter(contract, name, ty)))
            .collect();
        items.push(json!({
            "type": "function",
            "name": function.name,
            "inputs": parameters(contract, &function.inputs),
            "outputs": outputs,
            "stateMutability": function.mutability.as_str(),
        }));
    }
    let lines: Vec<_> = items.iter().map(|item| format!("  {item}")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn parameters(contract: &Contract, fields: &[(String, Ty)]) -> Value {
    fields
        .iter()
        .map(|(name, ty)| Value::Object(parameter(contract, name, ty)))
        .collect()
}

fn parameter(contract: &Contract, name: &str, ty: &Ty) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("name".into(), json!(name));
    value.insert("type".into(), json!(json_type(ty)));
    value.insert("internalType".into(), json!(internal_type(contract, ty)));
    if let Some(members) = components(ty) {
        value.insert("components".into(), parameters(contract, members));
    }
    value
}

fn json_type(ty: &Ty) -> String {
    match ty {
        Ty::Elementary(name) => name.clone(),
        Ty::Array(inner, size) => format!("{}{}", json_type(inner), brackets(*size)),
        Ty::Struct(..) | Ty::Tuple(_) => "tuple".to_owned(),
    }
}

fn internal_type(contract: &Contract, ty: &Ty) -> String {
    match ty {
        Ty::Elementary(name) => name.clone(),
        Ty::Array(inner, size) => format!("{}{}", internal_type(contract, inner), brackets(*size)),
        Ty::Struct(name, _) => format!("struct I{}.{name}", contract.name),
        Ty::Tuple(_) => "tuple".to_owned(),
    }
}

fn components(ty: &Ty) -> Option<&[(String, Ty)]> {
    match ty {
        Ty::Array(inner, _) => components(inner),
        Ty::Struct(_, members) => Some(members),
        Ty::Elementary(_) | Ty::Tuple(_) => None,
    }
}
