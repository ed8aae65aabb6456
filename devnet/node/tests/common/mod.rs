//! Small EVM contracts, and raw JSON-RPC.
#![allow(dead_code, reason = "each test file uses its own part")]

use alloy::primitives::{Address, Bytes, U256};
use devnet::Devnet;
use devnet_vm::revm::bytecode::opcode::*;
use serde_json::{json, Value};

/// Init code that deploys `runtime`.
pub fn init_code(runtime: &[u8]) -> Bytes {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    // PUSH2 length, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN
    let prelude = [
        PUSH2, length[0], length[1], DUP1, PUSH1, 10, PUSH0, CODECOPY, PUSH0, RETURN,
    ];
    [&prelude, runtime].concat().into()
}

/// Without calldata returns slot 0; else writes calldata's first word there and logs it as a topic.
pub fn store() -> Bytes {
    let read = [
        JUMPDEST, PUSH0, SLOAD, PUSH0, MSTORE, PUSH1, 32, PUSH0, RETURN,
    ];
    let write = [
        CALLDATASIZE,
        ISZERO,
        PUSH1,
        15,
        JUMPI, // empty calldata reads
        PUSH0,
        CALLDATALOAD,
        DUP1,
        PUSH0,
        SSTORE, // write
        PUSH0,
        PUSH0,
        LOG1,
        STOP,
        INVALID,
    ];
    init_code(&[write.as_slice(), &read].concat())
}

/// Reverts with its calldata.
pub fn revert_with_calldata() -> Bytes {
    init_code(&[
        CALLDATASIZE,
        PUSH0,
        PUSH0,
        CALLDATACOPY,
        CALLDATASIZE,
        PUSH0,
        REVERT,
    ])
}

/// Returns NUMBER, TIMESTAMP, CHAINID, BASEFEE, COINBASE, GASPRICE and ORIGIN as words.
pub fn context() -> Bytes {
    let mut code = Vec::new();
    for (index, opcode) in [
        NUMBER, TIMESTAMP, CHAINID, BASEFEE, COINBASE, GASPRICE, ORIGIN,
    ]
    .into_iter()
    .enumerate()
    {
        code.extend([opcode, PUSH1, 32 * index as u8, MSTORE]);
    }
    code.extend([PUSH1, 7 * 32, PUSH0, RETURN]);
    init_code(&code)
}

/// Runs for ever.
pub fn endless() -> Bytes {
    init_code(&[JUMPDEST, PUSH0, JUMP])
}

/// Calls `callee` with all gas, and reverts if that fails.
pub fn forward(callee: Address) -> Bytes {
    let mut code = vec![PUSH0, PUSH0, PUSH0, PUSH0, PUSH0, PUSH20];
    code.extend(callee);
    code.extend([
        GAS, CALL, PUSH1, 34, JUMPI, PUSH0, PUSH0, REVERT, JUMPDEST, STOP,
    ]);
    assert_eq!(code[34], JUMPDEST);
    init_code(&code)
}

/// Needs `gas` left when it starts, or reverts; uses next to none of it.
pub fn demanding(gas: u32) -> Bytes {
    let [_, a, b, c] = gas.to_be_bytes();
    let code = [
        PUSH3, a, b, c, GAS, GT, PUSH1, 12, JUMPI, PUSH0, PUSH0, REVERT, JUMPDEST, STOP,
    ];
    assert_eq!(code[12], JUMPDEST);
    init_code(&code)
}

/// The word of a number.
pub fn word(number: u64) -> Bytes {
    U256::from(number).to_be_bytes::<32>().into()
}

/// A raw request to the methods in process: the result or the error object.
pub async fn rpc(devnet: &Devnet, method: &str, params: Value) -> Result<Value, Value> {
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let (response, _) = devnet
        .methods()
        .raw_json_request(&request, 1)
        .await
        .unwrap();
    outcome(serde_json::from_str(response.get()).unwrap())
}

/// The result or the error object of a response.
pub fn outcome(mut response: Value) -> Result<Value, Value> {
    match response.get_mut("error") {
        Some(error) => Err(error.take()),
        None => Ok(response["result"].take()),
    }
}

/// A number from its hex.
pub fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// Passes its calldata and value on to `callee`, and returns or reverts with what comes back.
pub fn proxy(callee: Address) -> Bytes {
    let mut code = vec![CALLDATASIZE, PUSH0, PUSH0, CALLDATACOPY];
    code.extend([PUSH0, PUSH0, CALLDATASIZE, PUSH0, CALLVALUE, PUSH20]);
    code.extend(callee);
    code.extend([GAS, CALL, RETURNDATASIZE, PUSH0, PUSH0, RETURNDATACOPY]);
    let target = code.len() as u8 + 6;
    code.extend([
        PUSH1,
        target,
        JUMPI,
        RETURNDATASIZE,
        PUSH0,
        REVERT,
        JUMPDEST,
        RETURNDATASIZE,
        PUSH0,
        RETURN,
    ]);
    assert_eq!(code[usize::from(target)], JUMPDEST);
    init_code(&code)
}

/// A Stylus program: without calldata it returns slot 0; its constructor stores the word it is given, and reverts
/// with its calldata if that ends in a zero byte; anything else reverts.
pub fn program() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "vm_hooks" "pay_for_memory_grow" (func $pay_for_memory_grow (param i32)))
            (import "vm_hooks" "read_args" (func $read_args (param i32)))
            (import "vm_hooks" "write_result" (func $write_result (param i32 i32)))
            (import "vm_hooks" "storage_load_bytes32" (func $load (param i32 i32)))
            (import "vm_hooks" "storage_cache_bytes32" (func $cache (param i32 i32)))
            (import "vm_hooks" "storage_flush_cache" (func $flush (param i32)))
            (memory (export "memory") 1 1)
            (func (export "user_entrypoint") (param $length i32) (result i32)
                (call $read_args (i32.const 1024))
                (if (i32.eqz (local.get $length)) (then
                    (call $load (i32.const 0) (i32.const 32))
                    (call $write_result (i32.const 32) (i32.const 32))
                    (return (i32.const 0))))
                (if (i32.ne (i32.load (i32.const 1024)) (i32.const 0x8d258555)) (then (return (i32.const 1))))
                (if (i32.eqz (i32.load8_u (i32.const 1059))) (then
                    (call $write_result (i32.const 1024) (local.get $length))
                    (return (i32.const 1))))
                (call $cache (i32.const 0) (i32.const 1028))
                (call $flush (i32.const 0))
                (i32.const 0)))"#,
    )
    .unwrap()
}
