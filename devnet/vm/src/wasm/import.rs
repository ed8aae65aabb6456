//! The host functions a program may import, with their types.

use wasmparser::{FuncType, ValType};

/// The one module that programs import from.
pub const HOST_MODULE: &str = "vm_hooks";
/// The import no program can do without: it pays for `memory.grow`.
pub const PAY_FOR_MEMORY_GROW: &str = "pay_for_memory_grow";

/// Every function of [`HOST_MODULE`]: name, parameters, result. `i` is an `i32`, `I` an `i64`.
pub const HOST_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("account_balance", "ii", ""),
    ("account_code", "iiii", "i"),
    ("account_code_size", "i", "i"),
    ("account_codehash", "ii", ""),
    ("block_basefee", "i", ""),
    ("block_coinbase", "i", ""),
    ("block_gas_limit", "", "I"),
    ("block_number", "", "I"),
    ("block_timestamp", "", "I"),
    ("call_contract", "iiiiIi", "i"),
    ("chainid", "", "I"),
    ("contract_address", "i", ""),
    ("create1", "iiiii", ""),
    ("create2", "iiiiii", ""),
    ("delegate_call_contract", "iiiIi", "i"),
    ("emit_log", "iii", ""),
    ("evm_gas_left", "", "I"),
    ("evm_ink_left", "", "I"),
    ("exit_early", "i", ""),
    ("math_add_mod", "iii", ""),
    ("math_div", "ii", ""),
    ("math_mod", "ii", ""),
    ("math_mul_mod", "iii", ""),
    ("math_pow", "ii", ""),
    ("msg_reentrant", "", "i"),
    ("msg_sender", "i", ""),
    ("msg_value", "i", ""),
    ("native_keccak256", "iii", ""),
    (PAY_FOR_MEMORY_GROW, "i", ""),
    ("read_args", "i", ""),
    ("read_return_data", "iii", "i"),
    ("return_data_size", "", "i"),
    ("static_call_contract", "iiiIi", "i"),
    ("storage_cache_bytes32", "ii", ""),
    ("storage_flush_cache", "i", ""),
    ("storage_load_bytes32", "ii", ""),
    ("transient_load_bytes32", "ii", ""),
    ("transient_store_bytes32", "ii", ""),
    ("tx_gas_price", "i", ""),
    ("tx_ink_price", "", "i"),
    ("tx_origin", "i", ""),
    ("write_result", "ii", ""),
];

/// The type of a host function; `None` if there is no such function.
pub fn host_function(name: &str) -> Option<FuncType> {
    let (_, params, results) = HOST_FUNCTIONS.iter().find(|(known, ..)| *known == name)?;
    let types = |letters: &str| -> Vec<ValType> {
        let of = |letter| {
            if letter == 'I' {
                ValType::I64
            } else {
                ValType::I32
            }
        };
        letters.chars().map(of).collect()
    };
    Some(FuncType::new(types(params), types(results)))
}
