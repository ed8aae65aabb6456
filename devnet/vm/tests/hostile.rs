//! Modules, code and calldata from someone who means harm: refused or reverted, never a panic.

mod common;

use common::{probe, Chain};
use devnet_vm::{
    code,
    revm::primitives::Address,
    wasm::{instrument, ModuleAnalysis, ModuleError},
};
use proptest::prelude::*;

const PAGE_LIMIT: u16 = 128;

fn probe_wasm() -> Vec<u8> {
    wat::parse_str(probe::WAT).unwrap()
}

/// Puts code at an address, tries to activate it, and calls it.
fn live_through(wasm: &[u8], calldata: &[u8]) {
    let mut chain = Chain::default();
    let address = Address::repeat_byte(0x13);
    chain.set_code(address, code::encode(wasm));
    let activated = chain.activate(address).result.is_success();
    assert_eq!(activated, instrument(wasm, PAGE_LIMIT).is_ok());
    let done = chain.send_with_gas(address, calldata.to_vec(), 0, 300_000);
    assert!(activated || !done.result.is_success());
    assert_eq!(done.gas.used(), done.result.tx_gas_used());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_no_module(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(instrument(&bytes, PAGE_LIMIT).is_err());
        let module = [b"\0asm\x01\0\0\0".as_slice(), &bytes].concat();
        live_through(&module, &[]);
    }

    #[test]
    fn random_code_does_not_decompress_into_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut chain = Chain::default();
        let address = Address::repeat_byte(0x13);
        chain.set_code(address, [&code::PREFIX[..], &bytes].concat().into());
        prop_assert!(!chain.activate(address).result.is_success());
        chain.send(address, bytes, 0);
    }

    #[test]
    fn mutated_modules_are_refused_or_run(
        mutations in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        calldata in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut wasm = probe_wasm();
        for (index, byte) in mutations {
            let at = index.index(wasm.len());
            wasm[at] = byte;
        }
        live_through(&wasm, &calldata);
    }

    #[test]
    fn truncated_modules_are_refused(length in any::<prop::sample::Index>()) {
        let wasm = probe_wasm();
        let cut = &wasm[..length.index(wasm.len())];
        // Cutting off no more than the names at the end leaves a module.
        let names = wasm.windows(5).position(|bytes| bytes == b"\x04name").unwrap();
        prop_assert!(instrument(cut, PAGE_LIMIT).is_err() || cut.len() > names - 5);
    }

    #[test]
    fn any_calldata_is_survived(calldata in proptest::collection::vec(any::<u8>(), 0..300), op in 0_u8..24) {
        let data = [&[op][..], &calldata].concat();
        live_through(&probe_wasm(), &data);
    }
}

#[test]
fn bombs_are_not_decompressed() {
    // 128 KiB and one byte of zeros, in a few bytes.
    let bomb = code::encode(&vec![0; 128 * 1024 + 1]);
    assert!(bomb.len() < 100);
    assert_eq!(code::decode(&bomb), Err(code::CodeError::TooLarge));
    assert_eq!(
        code::decode(&code::encode(&vec![0; 128 * 1024])).map(|wasm| wasm.len()),
        Ok(128 * 1024)
    );
    assert_eq!(
        code::decode(&[0xef, 0xf0, 0, 1, 0]),
        Err(code::CodeError::Dictionary(1))
    );
    assert_eq!(
        code::decode(&[0xef, 0xf0, 1, 0]),
        Err(code::CodeError::NotAProgram)
    );
    assert!(!code::is_program(&[0xef, 0xf0, 0]));
}

/// A module with what every program needs, and more.
fn with(more: &str) -> Result<Vec<u8>, ModuleError> {
    let wat = format!(
        r#"(module
            (import "vm_hooks" "pay_for_memory_grow" (func $pay_for_memory_grow (param i32)))
            (memory (export "memory") 1)
            (func (export "user_entrypoint") (param i32) (result i32) (i32.const 0))
            {more})"#
    );
    let wasm = wat::parse_str(wat).unwrap();
    instrument(&wasm, PAGE_LIMIT).map(|_| wasm)
}

#[test]
fn what_activation_refuses() {
    assert!(with("").is_ok());
    for (what, more) in [
        ("a start section", "(func $f) (start $f)"),
        ("a float", "(func (result f32) (f32.const 1))"),
        ("a float as a parameter", "(func (param f64))"),
        (
            "several results",
            "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        ),
        ("a second memory", "(memory 1)"),
        ("a second table", "(table 1 funcref) (table 1 funcref)"),
        (
            "a reference type",
            "(func (result funcref) (ref.null func))",
        ),
        (
            "a data count section",
            "(data $d \"x\") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)))",
        ),
        (
            "a SIMD instruction",
            "(func (drop (i32x4.splat (i32.const 1))))",
        ),
        (
            "an atomic instruction",
            "(func (drop (i32.atomic.load (i32.const 0))))",
        ),
        ("a tail call", "(func $f (return_call $f))"),
        (
            "a reserved export",
            "(global (export \"stylus_ink_left\") (mut i64) (i64.const 0))",
        ),
        (
            "a table copy",
            "(table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
        ),
        ("an exception", "(tag)"),
        ("a large table", "(table 10001 funcref)"),
        (
            "a reference to a function",
            "(func $f) (elem declare func $f) (func (drop (ref.func $f)))",
        ),
    ] {
        assert!(with(more).is_err(), "{what}");
    }
    for (what, import) in [
        (
            "an unknown host function",
            r#"(import "vm_hooks" "teleport" (func))"#,
        ),
        (
            "a host function of another type",
            r#"(import "vm_hooks" "msg_sender" (func (param i64)))"#,
        ),
        (
            "the console",
            r#"(import "console" "log_i32" (func (param i32)))"#,
        ),
        (
            "an imported global",
            r#"(import "vm_hooks" "g" (global i32))"#,
        ),
        (
            "an imported memory",
            r#"(import "vm_hooks" "m" (memory 1))"#,
        ),
    ] {
        let wat = format!(
            r#"(module {import} (import "vm_hooks" "pay_for_memory_grow" (func (param i32)))
                (memory (export "memory") 1)
                (func (export "user_entrypoint") (param i32) (result i32) (i32.const 0)))"#
        );
        assert!(
            instrument(&wat::parse_str(wat).unwrap(), PAGE_LIMIT).is_err(),
            "{what}"
        );
    }
    assert!(matches!(
        ModuleAnalysis::of(&vec![0; 200_000], PAGE_LIMIT),
        Err(ModuleError::TooLarge(200_000))
    ));
}

#[test]
fn table_indices_must_be_short() {
    let section = |id: u8, contents: &[u8]| [&[id, contents.len() as u8], contents].concat();
    let name = |name: &str| [&[name.len() as u8], name.as_bytes()].concat();
    let body = |code: &[u8]| [&[code.len() as u8], code].concat();
    let module = |table_index: &[u8]| {
        [
            b"\0asm\x01\0\0\0".to_vec(),
            // Types: (i32), (i32) -> i32, ().
            section(
                1,
                &[3, 0x60, 1, 0x7f, 0, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 0],
            ),
            section(
                2,
                &[
                    &[1][..],
                    &name("vm_hooks"),
                    &name("pay_for_memory_grow"),
                    &[0, 0],
                ]
                .concat(),
            ),
            section(3, &[2, 1, 2]),
            section(4, &[1, 0x70, 0, 1]),
            section(5, &[1, 0, 1]),
            section(
                7,
                &[
                    &[2][..],
                    &name("memory"),
                    &[2, 0],
                    &name("user_entrypoint"),
                    &[0, 1],
                ]
                .concat(),
            ),
            section(
                10,
                &[
                    &[2][..],
                    &body(&[0, 0x41, 0, 0x0b]),
                    &body(&[&[0, 0x41, 0, 0x11, 2][..], table_index, &[0x0b]].concat()),
                ]
                .concat(),
            ),
        ]
        .concat()
    };
    assert!(instrument(&module(&[0]), PAGE_LIMIT).is_ok());
    // As rustc writes it.
    assert!(instrument(&module(&[0x80, 0x80, 0x80, 0x80, 0]), PAGE_LIMIT).is_err());
}
