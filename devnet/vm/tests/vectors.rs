//! The reference vectors: the same outputs, logs and gas as a VM built on Nitro's own crates.

mod common;

use std::collections::BTreeMap;

use alloy::sol_types::SolError;
use common::{gas_used, output, Chain};
use devnet_vm::{
    code,
    revm::primitives::{Address, Bytes, B256},
    wasm::{instrument, ModuleAnalysis},
};
use serde::Deserialize;

const PAGE_LIMIT: u16 = 128;

#[derive(Deserialize)]
struct Vectors {
    programs: BTreeMap<String, Program>,
    steps: Vec<Step>,
    invalid: BTreeMap<String, Bytes>,
}

#[derive(Deserialize)]
struct Program {
    address: Address,
    wat: String,
    wasm: Bytes,
    init_gas: u64,
}

#[derive(Deserialize)]
struct Step {
    program: String,
    calldata: Bytes,
    value: u128,
    success: bool,
    output: Bytes,
    gas_used: u64,
    gas_used_uncached: u64,
    logs: Vec<Log>,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Log {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!(
        "../../../tests/fixtures/stylus-vm/vectors.json"
    ))
    .unwrap()
}

/// Runs all steps; gives the worst deviation in gas, in parts per million.
fn run(cached: bool) -> f64 {
    let Vectors {
        programs, steps, ..
    } = vectors();
    let mut chain = Chain::default();
    for program in programs.values() {
        chain.install(program.address, &program.wasm);
        if cached {
            chain.cache(program.address);
        }
    }
    let mut failures = Vec::new();
    let mut worst: f64 = 0.0;
    for (index, step) in steps.iter().enumerate() {
        let name = format!("step {index} ({} {})", step.program, step.note);
        let done = chain.send(
            programs[&step.program].address,
            step.calldata.clone(),
            step.value,
        );
        let logs: Vec<_> = done
            .result
            .logs()
            .iter()
            .map(|log| Log {
                address: log.address,
                topics: log.topics().to_vec(),
                data: log.data.data.clone(),
            })
            .collect();
        let expected = if cached {
            step.gas_used
        } else {
            step.gas_used_uncached
        };
        let gas = gas_used(&done);
        if done.result.is_success() != step.success {
            failures.push(format!("{name}: {:?}", done.result));
        }
        if output(&done) != step.output {
            failures.push(format!(
                "{name}: output {} instead of {}",
                output(&done),
                step.output
            ));
        }
        if logs != step.logs {
            failures.push(format!("{name}: logs {logs:?}"));
        }
        if gas != expected {
            failures.push(format!("{name}: gas {gas} instead of {expected}"));
        }
        if done.gas.used() != gas {
            failures.push(format!(
                "{name}: the breakdown's gas is {}, {:?}",
                done.gas.used(),
                done.gas
            ));
        }
        worst = worst.max((gas as f64 - expected as f64).abs() / expected as f64);
    }
    println!("worst deviation, cached {cached}: {:.4} %", worst * 100.0);
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    worst
}

#[test]
fn cached_programs_match() {
    assert!(run(true) <= 0.01);
}

#[test]
fn uncached_programs_match() {
    assert!(run(false) <= 0.01);
}

#[test]
fn the_text_is_the_binary() {
    for (name, program) in vectors().programs {
        // But for the names, a custom section at the end.
        assert!(
            wat::parse_str(&program.wat)
                .unwrap()
                .starts_with(&program.wasm),
            "{name}"
        );
    }
}

#[test]
fn predicted_init_costs_match() {
    for (name, program) in vectors().programs {
        let analysis = ModuleAnalysis::of(&program.wasm, PAGE_LIMIT).unwrap();
        assert_eq!(u64::from(analysis.init) + 9_216, program.init_gas, "{name}");
    }
}

#[test]
fn invalid_modules_are_refused() {
    let mut chain = Chain::default();
    let address = Address::repeat_byte(0x11);
    for (name, wasm) in vectors().invalid {
        assert!(instrument(&wasm, PAGE_LIMIT).is_err(), "{name}");
        chain.set_code(address, code::encode(&wasm));
        let refused = chain.activate(address);
        assert!(!refused.result.is_success(), "{name}");
        let reason = alloy::sol_types::Revert::abi_decode(&output(&refused)).unwrap();
        assert!(
            reason.reason.starts_with("program activation failed"),
            "{name}: {reason:?}"
        );
        println!("{name}: {}", reason.reason);
    }
}
