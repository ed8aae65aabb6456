//! The StylusDeployer that `cargo stylus deploy` sends programs with a constructor to.
//!
//! Offchain Labs' compiled contract is not ours to commit and no crate exports it, so this is a program of our own
//! with the same `deploy` function, errors and event: create the program (CREATE2 salted with the constructor's
//! calldata when a salt is given), activate it when its code is not yet active, call its constructor, refund what is
//! left of the value, and announce the address.

use alloy::{
    primitives::{address, Address, Bytes, U256},
    sol,
    sol_types::{Panic, SolCall, SolError, SolEvent},
};
use revm::bytecode::opcode::*;

use super::assembler::Assembler;

/// Where every Stylus chain has it.
pub const STYLUS_DEPLOYER: Address = address!("cEcba2F1DC234f70Dd89F2041029807F8D03A990");

const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");

sol! {
    /// The deployer's interface.
    #[sol(rpc)]
    interface IStylusDeployer {
        event ContractDeployed(address deployedContract);

        error ContractDeploymentError(bytes bytecode);
        error ContractInitializationError(address newContract, bytes data);
        error EmptyBytecode();
        error InitValueButNotInitData();
        error RefundExcessValueError(uint256 excessValue);

        function deploy(bytes calldata bytecode, bytes calldata initData, uint256 initValue, bytes32 salt)
            external payable returns (address);
    }

    interface IArbWasm {
        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
        function stylusVersion() external view returns (uint16 version);
        function codehashVersion(bytes32 codehash) external view returns (uint16 version);
    }
}

use IStylusDeployer::*;

// The call's arguments.
const BYTECODE: u64 = 4;
const INIT_DATA: u64 = 36;
const INIT_VALUE: u64 = 68;
const SALT: u64 = 100;

// Variables in memory; what is below is scratch space.
const DEPLOYED: u64 = 0x80;
const DATA_FEE: u64 = 0xa0;
/// Positions in calldata of the two `bytes` arguments' lengths.
const BYTECODE_AT: u64 = 0xc0;
const INIT_DATA_AT: u64 = 0xe0;
const BUFFER: u64 = 0x100;

/// The deployer's runtime code.
pub fn stylus_deployer_code() -> Bytes {
    let mut asm = Assembler::default();
    let asm_ref = &mut asm;
    dispatch(asm_ref);
    create(asm_ref);
    activate(asm_ref);
    initialise(asm_ref);
    refund(asm_ref);
    announce(asm_ref);
    failures(asm_ref);
    asm.finish().into()
}

fn word(value: u64) -> U256 {
    U256::from(value)
}

fn selector(selector: [u8; 4]) -> U256 {
    U256::from(u32::from_be_bytes(selector)) << 224
}

/// Anything but `deploy` reverts. Resolves where the two `bytes` arguments are.
fn dispatch(asm: &mut Assembler) {
    asm.push(word(0))
        .ops(&[CALLDATALOAD])
        .push(word(224))
        .ops(&[SHR]);
    asm.push(word(u32::from_be_bytes(deployCall::SELECTOR).into()))
        .ops(&[EQ, ISZERO])
        .jump_if("revert");
    for (argument, variable) in [(BYTECODE, BYTECODE_AT), (INIT_DATA, INIT_DATA_AT)] {
        asm.push(word(argument))
            .ops(&[CALLDATALOAD])
            .push(word(4))
            .ops(&[ADD])
            .store(variable);
    }
}

/// Pushes the length of a `bytes` argument.
fn length(asm: &mut Assembler, at: u64) {
    asm.load(at).ops(&[CALLDATALOAD]);
}

/// Copies a `bytes` argument to the memory position on the stack (and pops it).
fn copy_argument(asm: &mut Assembler, at: u64) {
    length(asm, at);
    asm.ops(&[SWAP1])
        .load(at)
        .push(word(32))
        .ops(&[ADD, SWAP1, CALLDATACOPY]);
}

fn create(asm: &mut Assembler) {
    length(asm, BYTECODE_AT);
    asm.ops(&[ISZERO]).jump_if("empty bytecode");
    asm.push(word(BUFFER));
    copy_argument(asm, BYTECODE_AT);

    asm.push(word(SALT))
        .ops(&[CALLDATALOAD, ISZERO])
        .jump_if("create");
    // keccak256(salt ++ initData), built behind the bytecode.
    asm.push(word(SALT)).ops(&[CALLDATALOAD]);
    length(asm, BYTECODE_AT);
    asm.push(word(BUFFER)).ops(&[ADD, MSTORE]);
    length(asm, BYTECODE_AT);
    asm.push(word(BUFFER + 32)).ops(&[ADD]);
    copy_argument(asm, INIT_DATA_AT);
    length(asm, INIT_DATA_AT);
    asm.push(word(32)).ops(&[ADD]);
    length(asm, BYTECODE_AT);
    asm.push(word(BUFFER)).ops(&[ADD, KECCAK256]);
    length(asm, BYTECODE_AT);
    asm.push(word(BUFFER))
        .push(word(0))
        .ops(&[CREATE2])
        .jump("created");

    asm.label("create");
    length(asm, BYTECODE_AT);
    asm.push(word(BUFFER)).push(word(0)).ops(&[CREATE]);

    asm.label("created")
        .ops(&[DUP1])
        .store(DEPLOYED)
        .jump_if("activate");
    asm.ops(&[RETURNDATASIZE])
        .jump_if("bubble")
        .jump("deployment failed");
}

fn activate(asm: &mut Assembler) {
    asm.label("activate");
    // The version the code was activated at; zero if it was not.
    asm.push(selector(IArbWasm::codehashVersionCall::SELECTOR))
        .store(0);
    asm.load(DEPLOYED).ops(&[EXTCODEHASH]).store(4);
    call(asm, Callee::ArbWasmView, 36);
    asm.push(word(0)).ops(&[MLOAD, MUL]);
    asm.push(selector(IArbWasm::stylusVersionCall::SELECTOR))
        .store(0);
    call(asm, Callee::ArbWasmView, 4);
    asm.ops(&[ISZERO]).jump_if("bubble");
    asm.load(0).ops(&[EQ]).jump_if("initialise");

    asm.push(word(INIT_VALUE))
        .ops(&[CALLDATALOAD, CALLVALUE, LT])
        .jump_if("underflow");
    asm.push(selector(IArbWasm::activateProgramCall::SELECTOR))
        .store(0);
    asm.load(DEPLOYED).store(4);
    call(asm, Callee::ArbWasmActivate, 36);
    asm.ops(&[ISZERO]).jump_if("bubble");
    asm.load(32).store(DATA_FEE);
}

enum Callee {
    ArbWasmView,
    ArbWasmActivate,
}

/// Calls ArbWasm with the input at 0; two words of output go there too. Leaves the success flag.
fn call(asm: &mut Assembler, callee: Callee, input: u64) {
    asm.push(word(64))
        .push(word(0))
        .push(word(input))
        .push(word(0));
    let target = U256::from_be_slice(ARB_WASM.as_slice());
    match callee {
        Callee::ArbWasmView => asm.push(target).ops(&[GAS, STATICCALL]),
        Callee::ArbWasmActivate => asm
            .push(word(INIT_VALUE))
            .ops(&[CALLDATALOAD, CALLVALUE, SUB])
            .push(target)
            .ops(&[GAS, CALL]),
    };
}

fn initialise(asm: &mut Assembler) {
    asm.label("initialise");
    length(asm, INIT_DATA_AT);
    asm.jump_if("construct");
    asm.push(word(INIT_VALUE))
        .ops(&[CALLDATALOAD])
        .jump_if("value without data")
        .jump("refund");

    asm.label("construct").push(word(BUFFER));
    copy_argument(asm, INIT_DATA_AT);
    asm.push(word(0)).push(word(0));
    length(asm, INIT_DATA_AT);
    asm.push(word(BUFFER))
        .push(word(INIT_VALUE))
        .ops(&[CALLDATALOAD])
        .load(DEPLOYED)
        .ops(&[GAS, CALL]);
    asm.ops(&[ISZERO]).jump_if("initialisation failed");
}

fn refund(asm: &mut Assembler) {
    asm.label("refund");
    asm.push(word(INIT_VALUE))
        .ops(&[CALLDATALOAD])
        .load(DATA_FEE)
        .ops(&[ADD]);
    asm.ops(&[DUP1, CALLVALUE, LT]).jump_if("underflow");
    asm.ops(&[CALLVALUE, SUB, DUP1, ISZERO]).jump_if("announce");
    asm.push(word(0)).push(word(0)).push(word(0)).push(word(0));
    asm.ops(&[DUP5, CALLER, GAS, CALL, ISZERO])
        .jump_if("refund failed");
}

fn announce(asm: &mut Assembler) {
    asm.label("announce");
    asm.push(ContractDeployed::SIGNATURE_HASH.into())
        .push(word(32))
        .push(word(DEPLOYED))
        .ops(&[LOG1]);
    asm.push(word(32)).push(word(DEPLOYED)).ops(&[RETURN]);
}

fn failures(asm: &mut Assembler) {
    asm.label("revert")
        .push(word(0))
        .push(word(0))
        .ops(&[REVERT]);

    asm.label("bubble")
        .ops(&[RETURNDATASIZE])
        .push(word(0))
        .push(word(0))
        .ops(&[RETURNDATACOPY]);
    asm.ops(&[RETURNDATASIZE]).push(word(0)).ops(&[REVERT]);

    for (label, error) in [
        ("empty bytecode", EmptyBytecode::SELECTOR),
        ("value without data", InitValueButNotInitData::SELECTOR),
    ] {
        asm.label(label)
            .push(selector(error))
            .store(0)
            .push(word(4))
            .push(word(0))
            .ops(&[REVERT]);
    }

    asm.label("underflow")
        .push(selector(Panic::SELECTOR))
        .store(0)
        .push(word(0x11))
        .store(4);
    asm.push(word(36)).push(word(0)).ops(&[REVERT]);

    // The excess is on the stack.
    asm.label("refund failed")
        .push(selector(RefundExcessValueError::SELECTOR))
        .store(0)
        .store(4);
    asm.push(word(36)).push(word(0)).ops(&[REVERT]);

    asm.label("deployment failed")
        .push(selector(ContractDeploymentError::SELECTOR))
        .store(BUFFER);
    asm.push(word(32)).store(BUFFER + 4);
    length(asm, BYTECODE_AT);
    asm.store(BUFFER + 36).push(word(BUFFER + 68));
    copy_argument(asm, BYTECODE_AT);
    length(asm, BYTECODE_AT);
    revert_with_bytes(asm, 68);

    asm.label("initialisation failed")
        .push(selector(ContractInitializationError::SELECTOR))
        .store(BUFFER);
    asm.load(DEPLOYED)
        .store(BUFFER + 4)
        .push(word(64))
        .store(BUFFER + 36);
    asm.ops(&[RETURNDATASIZE]).store(BUFFER + 68);
    asm.ops(&[RETURNDATASIZE])
        .push(word(0))
        .push(word(BUFFER + 100))
        .ops(&[RETURNDATACOPY, RETURNDATASIZE]);
    revert_with_bytes(asm, 100);
}

/// Reverts with the error at BUFFER: `head` bytes and then as many as the stack says, padded to words.
fn revert_with_bytes(asm: &mut Assembler, head: u64) {
    asm.push(word(31))
        .ops(&[ADD])
        .push(word(31))
        .ops(&[NOT, AND])
        .push(word(head))
        .ops(&[ADD]);
    asm.push(word(BUFFER)).ops(&[REVERT]);
}

#[cfg(test)]
mod tests {
    use alloy::primitives::keccak256;

    use super::*;

    #[test]
    fn interface_is_the_published_one() {
        assert_eq!(deployCall::SELECTOR, [0xa9, 0xa8, 0xe4, 0xe9]);
        assert_eq!(
            ContractDeployed::SIGNATURE_HASH,
            keccak256("ContractDeployed(address)"),
        );
        assert_eq!(EmptyBytecode::SELECTOR, [0x21, 0x74, 0x4a, 0x59]);
        assert_eq!(ContractDeploymentError::SELECTOR, [0x79, 0x4c, 0x92, 0xce]);
        assert_eq!(
            ContractInitializationError::SELECTOR,
            [0x88, 0xd8, 0xf5, 0x7d]
        );
        assert_eq!(InitValueButNotInitData::SELECTOR, [0x00, 0xcc, 0x79, 0x71]);
        assert_eq!(RefundExcessValueError::SELECTOR, [0x3e, 0xa9, 0x91, 0x69]);
    }
}
