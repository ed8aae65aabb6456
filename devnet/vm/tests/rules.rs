//! What the vectors do not cover: the rules of frames, calls, creations, gas and memory.

mod common;

use common::{gas_used, output, probe, Chain, SENDER};
use devnet_vm::{
    code,
    revm::{
        context_interface::result::{ExecutionResult, HaltReason},
        primitives::{address, hex, keccak256, Address, Bytes, B256, U256},
    },
    CallKind, ExecutionOptions,
};

const PROBE: Address = address!("0x00000000000000000000000000000000000b0b01");
const OTHER: Address = address!("0x00000000000000000000000000000000000b0b02");
/// Calls the address in its first 20 bytes of calldata with the rest, and returns or reverts with what comes back.
const FORWARDER: Address = address!("0x00000000000000000000000000000000000f0f0f");
const FORWARDER_CODE: [u8; 44] = hex!("60143603806014600037600060008260003460003560601c5af13d600060003e602757" "3d6000fd5b3d6000f3");

/// A chain with the probe at two addresses, and a forwarder.
fn chain() -> Chain {
    let mut chain = Chain::default();
    chain.install_wat(PROBE, probe::WAT);
    chain.set_code(OTHER, chain.info(PROBE).code.unwrap().original_bytes());
    chain.set_code(FORWARDER, Bytes::from_static(&FORWARDER_CODE));
    chain
}

fn forward(to: Address, data: impl AsRef<[u8]>) -> Bytes {
    [to.as_slice(), data.as_ref()].concat().into()
}

fn succeed(chain: &mut Chain, data: Bytes) -> Bytes {
    let done = chain.send(PROBE, data, 0);
    assert!(done.result.is_success(), "{:?}", done.result);
    output(&done)
}

/// The data behind the status byte of a call made by the probe, the status being success.
fn returned(output: &Bytes) -> &[u8] {
    assert_eq!(output[0], 0, "the inner call failed");
    &output[1..]
}

// --- The environment.

#[test]
fn the_environment_is_the_blocks_and_the_calls() {
    let mut chain = chain();
    chain.block.base_fee = 7;
    chain.block.coinbase = Address::repeat_byte(0xcb);
    chain.options.skip_base_fee_check = true;
    let out = output(&chain.send(PROBE, probe::environment(), 5));
    assert_eq!(Address::from_slice(&out[..20]), SENDER);
    assert_eq!(U256::from_be_slice(&out[20..52]), U256::from(5));
    assert_eq!(Address::from_slice(&out[52..72]), PROBE);
    assert_eq!(out[72], 0, "not re-entrant");
    assert_eq!(out[73..81], 77_u64.to_le_bytes(), "the L1 block's number");
    assert_eq!(out[81..89], 1_700_000_000_u64.to_le_bytes());
    assert_eq!(out[89..97], (1_u64 << 50).to_le_bytes());
    assert_eq!(U256::from_be_slice(&out[97..129]), U256::from(7));
    assert_eq!(
        Address::from_slice(&out[129..149]),
        Address::repeat_byte(0xcb)
    );
    assert_eq!(
        U256::from_be_slice(&out[149..181]),
        U256::ZERO,
        "the price that the sender pays"
    );
}

#[test]
fn a_program_open_further_up_is_reentrant() {
    let mut chain = chain();
    let reentrant = |out: &Bytes, at: usize| out[at + 72];
    // Through another program, and through an EVM contract.
    let inner = probe::call(OTHER, 0, probe::call(PROBE, 0, probe::environment()));
    assert_eq!(reentrant(&succeed(&mut chain, inner), 2), 1);
    let inner = probe::call(FORWARDER, 0, forward(PROBE, probe::environment()));
    assert_eq!(reentrant(&succeed(&mut chain, inner), 1), 1);
    // Another program of the same code is not.
    let inner = probe::call(OTHER, 0, probe::environment());
    assert_eq!(reentrant(&succeed(&mut chain, inner), 1), 0);
    // Neither is one that was left again.
    let first = chain.simulate(PROBE, probe::environment());
    assert_eq!(reentrant(&output(&first), 0), 0);
    // A delegate call stays in the caller's account, which is open once.
    let inner = probe::delegate_call(OTHER, probe::environment());
    assert_eq!(reentrant(&succeed(&mut chain, inner), 1), 0);
}

#[test]
fn account_lookups_see_the_state_and_pay_for_access() {
    let mut chain = chain();
    chain.fund(FORWARDER, U256::from(12_345));
    let cold = chain.simulate(PROBE, probe::account(FORWARDER));
    let out = output(&cold);
    assert_eq!(U256::from_be_slice(&out[..32]), U256::from(12_345));
    assert_eq!(out[32..64], keccak256(FORWARDER_CODE)[..]);
    assert_eq!(out[64..68], 44_u32.to_le_bytes());
    assert_eq!(out[68..72], 4_u32.to_le_bytes());
    assert_eq!(out[72..76], FORWARDER_CODE[1..5]);
    // The program's own account is warm.
    let warm = chain.simulate(PROBE, probe::account(PROBE));
    let calldata = |address: Address| {
        address
            .iter()
            .map(|byte| if *byte == 0 { 4 } else { 16 })
            .sum::<u64>()
    };
    let difference = gas_used(&cold) - calldata(FORWARDER) - (gas_used(&warm) - calldata(PROBE));
    assert_eq!(difference, 2_500);
    // No account: no code hash.
    let nobody = output(&chain.simulate(PROBE, probe::account(Address::repeat_byte(0x99))));
    assert_eq!(nobody[..72], [0; 72]);
}

#[test]
fn mul_mod_does_not_overflow() {
    let mut chain = chain();
    let n = U256::MAX - U256::from(4);
    let out = succeed(&mut chain, probe::mul_mod(U256::MAX, U256::MAX, n));
    assert_eq!(U256::from_be_slice(&out), U256::from(16));
    assert_eq!(
        succeed(&mut chain, probe::mul_mod(n, n, U256::ZERO))[..],
        [0; 32]
    );
}

// --- Ends.

#[test]
fn a_trap_reverts_without_data_and_keeps_the_gas() {
    let mut chain = chain();
    for (what, data) in [
        ("unreachable", probe::trap()),
        ("a pointer out of bounds", probe::wild_pointer()),
        ("five topics", probe::log_with_five_topics()),
    ] {
        let done = chain.send(PROBE, data, 0);
        assert!(
            matches!(done.result, ExecutionResult::Revert { .. }),
            "{what}: {:?}",
            done.result
        );
        assert_eq!(output(&done), Bytes::new(), "{what}");
        assert!(gas_used(&done) < 50_000, "{what}: {}", gas_used(&done));
    }
}

#[test]
fn out_of_ink_is_out_of_gas() {
    let mut chain = chain();
    let done = chain.send_with_gas(PROBE, probe::spin(), 0, 200_000);
    assert!(
        matches!(
            done.result,
            ExecutionResult::Halt {
                reason: HaltReason::OutOfGas(_),
                ..
            }
        ),
        "{:?}",
        done.result
    );
    assert_eq!(gas_used(&done), 200_000);
    assert_eq!(done.gas.used(), 200_000);
    assert!(done.gas.compute > 100_000, "{:?}", done.gas);
}

#[test]
fn out_of_ink_in_a_callee_leaves_the_caller_a_64th() {
    let mut chain = chain();
    let done = chain.send_with_gas(PROBE, probe::call(OTHER, 0, probe::spin()), 0, 1_000_000);
    assert!(done.result.is_success(), "{:?}", done.result);
    assert_eq!(output(&done)[..], [1], "the callee failed, without data");
    let left = 1_000_000 - gas_used(&done);
    assert!((13_000..16_000).contains(&left), "{left} gas left");
}

#[test]
fn stack_depth_is_bounded() {
    let mut chain = chain();
    // A frame of `recurse` is one local, three operands and four words of overhead: 2 750 would fill 22 000.
    let done = chain.send(PROBE, probe::recurse(2_740), 0);
    assert_eq!(output(&done)[..], 2_740_u32.to_le_bytes());
    let too_deep = chain.send(PROBE, probe::recurse(2_750), 0);
    assert!(
        matches!(too_deep.result, ExecutionResult::Halt { .. }),
        "{:?}",
        too_deep.result
    );
    assert_eq!(gas_used(&too_deep), 5_000_000);
}

#[test]
fn a_function_gives_its_stack_back() {
    let mut chain = chain();
    let done = chain.send(PROBE, probe::recurse_often(1_000), 0);
    assert!(done.result.is_success(), "{:?}", done.result);
}

#[test]
fn returned_data_costs_at_least_what_the_evm_would_charge() {
    let mut chain = chain();
    chain.cache(PROBE);
    let words = 2_000;
    let done = chain.send(PROBE, probe::return_much(words * 32), 0);
    assert_eq!(output(&done).len(), 64_000);
    let memory = 3 * 2_000 + 2_000 * 2_000 / 512;
    assert_eq!(gas_used(&done) - done.gas.intrinsic, memory);
    // A little data costs less than starting the program did.
    let done = chain.send(PROBE, probe::return_much(32), 0);
    assert!(gas_used(&done) - done.gas.intrinsic > done.gas.startup);
}

#[test]
fn early_exit_reverts_with_its_data() {
    let mut chain = chain();
    let done = chain.send(PROBE, probe::revert_early(b"why"), 0);
    assert!(matches!(done.result, ExecutionResult::Revert { .. }));
    assert_eq!(output(&done)[1..], *b"why");
}

// --- Calls between programs and EVM contracts.

#[test]
fn programs_and_contracts_call_each_other() {
    let mut chain = chain();
    // EVM → program → EVM → program.
    let data = forward(
        PROBE,
        probe::call(FORWARDER, 0, forward(OTHER, probe::environment())),
    );
    let done = chain.send(FORWARDER, data, 0);
    assert!(done.result.is_success(), "{:?}", done.result);
    let out = output(&done);
    assert_eq!(Address::from_slice(&returned(&out)[..20]), FORWARDER);
    assert_eq!(Address::from_slice(&returned(&out)[52..72]), OTHER);
    assert_eq!(done.activity.external_calls, 3);
    assert_eq!(done.activity.program_frames, 2);
    // Reverts come back up with their data, through either kind.
    let data = probe::call(FORWARDER, 0, forward(OTHER, probe::revert_early(b"no")));
    let out = succeed(&mut chain, data);
    assert_eq!(out[0], 1);
    assert_eq!(out[2..], *b"no");
    let up = chain.send(FORWARDER, forward(PROBE, probe::revert_early(b"no")), 0);
    assert!(matches!(up.result, ExecutionResult::Revert { .. }));
    assert_eq!(output(&up)[1..], *b"no");
}

#[test]
fn value_moves_with_a_call_and_back_with_a_revert() {
    let mut chain = chain();
    let nobody = Address::repeat_byte(0x77);
    assert!(chain
        .send(PROBE, probe::call(nobody, 30, []), 100)
        .result
        .is_success());
    assert_eq!(chain.info(PROBE).balance, U256::from(70));
    assert_eq!(chain.info(nobody).balance, U256::from(30));
    // The callee sees the value; then it reverts and the value stays.
    let out = succeed(&mut chain, probe::call(OTHER, 20, probe::environment()));
    assert_eq!(U256::from_be_slice(&returned(&out)[20..52]), U256::from(20));
    assert_eq!(chain.info(OTHER).balance, U256::from(20));
    assert_eq!(
        succeed(&mut chain, probe::call(OTHER, 20, probe::revert()))[0],
        1
    );
    assert_eq!(chain.info(PROBE).balance, U256::from(50));
    // More than there is: the call fails, the caller goes on.
    assert_eq!(succeed(&mut chain, probe::call(nobody, 51, []))[0], 1);
    assert_eq!(chain.info(nobody).balance, U256::from(30));
}

#[test]
fn sending_value_costs_what_the_parameters_say() {
    let nobody = Address::repeat_byte(0x77);
    let gas = |charged: bool| {
        let mut chain = chain();
        let params = devnet_vm::StylusParams {
            value_gas_and_refunds: charged,
            ..Default::default()
        };
        chain.executor = devnet_vm::Executor::with_params(params);
        gas_used(&chain.send(PROBE, probe::call(nobody, 1, []), 1))
    };
    assert_eq!(gas(true) - gas(false), 9_000 + 25_000);
}

#[test]
fn clearing_storage_refunds_if_the_parameters_say_so() {
    let refund = |granted: bool| {
        let mut chain = chain();
        let params = devnet_vm::StylusParams {
            value_gas_and_refunds: granted,
            ..Default::default()
        };
        chain.executor = devnet_vm::Executor::with_params(params);
        chain.send(PROBE, probe::store(1, 5), 0);
        let done = chain.send(PROBE, probe::store(1, 0), 0);
        assert_eq!(done.gas.used(), gas_used(&done));
        done.gas.refund
    };
    assert_eq!((refund(true), refund(false)), (4_800, 0));
}

#[test]
fn static_calls_protect_the_state() {
    let mut chain = chain();
    assert_eq!(
        returned(&succeed(
            &mut chain,
            probe::static_call(OTHER, probe::load(1))
        ))[..],
        [0; 32]
    );
    for (what, data) in [
        ("store", probe::store(1, 5)),
        ("transient store", probe::transient_store(1, 5)),
        ("log", probe::log(B256::ZERO, b"x")),
        ("create", probe::create(0, [0x00])),
        ("nested", probe::call(OTHER, 0, probe::store(1, 5))),
        ("through a contract", Bytes::new()),
    ] {
        let call = match what {
            "through a contract" => {
                probe::static_call(FORWARDER, forward(OTHER, probe::store(1, 5)))
            }
            _ => probe::static_call(OTHER, data),
        };
        let out = succeed(&mut chain, call);
        // The nested call fails inside of a call that succeeds.
        let failed = if what == "nested" {
            returned(&out)[0]
        } else {
            out[0]
        };
        assert_eq!(failed, 1, "{what}");
    }
    chain.fund(OTHER, U256::from(10));
    let out = succeed(
        &mut chain,
        probe::static_call(OTHER, probe::call(SENDER, 1, [])),
    );
    assert_eq!(returned(&out)[0], 1, "value in a static call");
    assert_eq!(chain.storage(OTHER, 1), U256::ZERO);
    assert_eq!(chain.info(OTHER).balance, U256::from(10));
}

#[test]
fn delegate_calls_run_in_the_callers_account() {
    let mut chain = chain();
    let out = output(&chain.send(PROBE, probe::delegate_call(OTHER, probe::environment()), 9));
    assert_eq!(Address::from_slice(&returned(&out)[..20]), SENDER);
    assert_eq!(U256::from_be_slice(&returned(&out)[20..52]), U256::from(9));
    assert_eq!(Address::from_slice(&returned(&out)[52..72]), PROBE);
    returned(&succeed(
        &mut chain,
        probe::delegate_call(OTHER, probe::store(3, 8)),
    ));
    assert_eq!(chain.storage(PROBE, 3), U256::from(8));
    assert_eq!(chain.storage(OTHER, 3), U256::ZERO);
}

#[test]
fn the_call_stack_is_1024_deep() {
    let mut chain = chain();
    // So many contracts, then a program that calls another.
    let mut nested = |contracts: usize| {
        let mut data = forward(PROBE, probe::call(OTHER, 0, probe::environment()));
        for _ in 1..contracts {
            data = forward(FORWARDER, data);
        }
        let done = chain.send_with_gas(FORWARDER, data, 0, 1 << 45);
        assert!(done.result.is_success(), "{:?}", done.result);
        output(&done)
    };
    assert_eq!(nested(1_023)[0], 0);
    assert_eq!(nested(1_024)[..], [1]);
}

#[test]
fn open_programs_are_bounded_by_their_pages() {
    let mut chain = chain();
    let mut nested = |programs: usize| {
        let mut data = probe::environment();
        for depth in 1..programs {
            data = probe::call(if depth % 2 == 0 { PROBE } else { OTHER }, 0, data);
        }
        let done = chain.send_with_gas(PROBE, data, 0, 1 << 45);
        assert!(done.result.is_success(), "{:?}", done.result);
        done.activity.program_frames
    };
    assert_eq!(nested(128), 128);
    // The 129th is entered, and cannot pay for its page.
    let mut data = probe::environment();
    for _ in 1..129 {
        data = probe::call(OTHER, 0, data);
    }
    let out = output(&chain.send_with_gas(PROBE, data, 0, 1 << 45));
    assert_eq!(out[..], [[0; 127].as_slice(), &[1]].concat());
}

// --- Creations.

#[test]
fn programs_create_contracts() {
    let mut chain = chain();
    let runtime = FORWARDER_CODE;
    let init = code::init_code(&runtime);
    let nonce = chain.info(PROBE).nonce;
    let done = chain.send(PROBE, probe::create(6, &init), 10);
    let created = Address::from_slice(&output(&done)[..20]);
    assert_eq!(created, PROBE.create(nonce));
    assert_eq!(chain.info(created).balance, U256::from(6));
    assert_eq!(
        chain.info(created).code.unwrap().original_byte_slice(),
        runtime
    );
    assert_eq!(done.activity.creates, 1);

    let salt = B256::repeat_byte(5);
    let created = Address::from_slice(&succeed(&mut chain, probe::create2(0, salt, &init))[..20]);
    assert_eq!(created, PROBE.create2(salt, keccak256(&init)));
    // The same again collides.
    assert_eq!(
        succeed(&mut chain, probe::create2(0, salt, &init))[..20],
        [0; 20]
    );
}

#[test]
fn creating_costs_32000_gas_and_the_init_code() {
    let mut chain = chain();
    // Init code that stops at once, of one word and of 33.
    let gas = |chain: &mut Chain, data: Bytes| {
        let calldata: u64 = data
            .iter()
            .map(|byte| if *byte == 0 { 4 } else { 16 })
            .sum();
        gas_used(&chain.simulate(PROBE, data)) - calldata
    };
    let idle = gas(&mut chain, probe::transient_load(0));
    let small = gas(&mut chain, probe::create(0, [0; 32]));
    let large = gas(&mut chain, probe::create(0, [0; 32 * 33]));
    // A transient load costs 100 gas, and otherwise nearly what a creation's host call does.
    assert!(
        (32_002..32_010).contains(&(small + 100 - idle)),
        "{} more than nothing",
        small + 100 - idle
    );
    // 32 words of init code, and 1 024 bytes at 55 ink to read, twice; those bytes also reach `read_args`.
    let expected = 2 * 32 + (2 * 55 + 30) * 1_024 / 10_000;
    assert!(
        (expected..=expected + 1).contains(&(large - small)),
        "{} more for a kilobyte",
        large - small
    );
    let hashed = gas(&mut chain, probe::create2(0, B256::ZERO, [0; 32]));
    assert!(
        (6..20).contains(&(hashed - small)),
        "{} more for CREATE2",
        hashed - small
    );
}

#[test]
fn a_failed_creation_gives_its_data_and_no_address() {
    let mut chain = chain();
    // PUSH1 0x2a PUSH1 0 MSTORE PUSH1 32 PUSH1 0 REVERT
    let init = hex!("602a60005260206000fd");
    let out = succeed(&mut chain, probe::create(0, init));
    assert_eq!(out[..20], [0; 20]);
    assert_eq!(out[20..24], 32_u32.to_le_bytes());
}

#[test]
fn only_programs_may_begin_with_ef() {
    let mut chain = chain();
    let program = chain.info(PROBE).code.unwrap().original_bytes();
    assert!(chain.create(code::init_code(&program)).result.is_success());
    for reserved in [
        &hex!("ef")[..],
        &hex!("ef00"),
        &hex!("eff001aa"),
        &hex!("ef0100"),
    ] {
        let refused = chain.create(code::init_code(reserved));
        assert!(!refused.result.is_success(), "{reserved:?}");
        // By a contract as well.
        let out = succeed(&mut chain, probe::create(0, code::init_code(reserved)));
        assert_eq!(out[..20], [0; 20], "{reserved:?}");
    }
}

#[test]
fn a_program_is_created_by_a_program_activated_and_called() {
    let mut chain = chain();
    let program = chain.info(PROBE).code.unwrap().original_bytes();
    let out = succeed(&mut chain, probe::create(0, code::init_code(&program)));
    let created = Address::from_slice(&out[..20]);
    // The same code is active already: activation is by code hash.
    let out = succeed(&mut chain, probe::call(created, 0, probe::environment()));
    assert_eq!(Address::from_slice(&returned(&out)[52..72]), created);
}

// --- Storage and logs.

#[test]
fn unflushed_stores_are_lost() {
    let mut chain = chain();
    succeed(&mut chain, probe::store_without_flush(1, 5));
    assert_eq!(chain.storage(PROBE, 1), U256::ZERO);
    let done = chain.send(PROBE, probe::store(1, 5), 0);
    assert_eq!(done.activity.storage_writes, 1);
    assert!(done.gas.storage >= 22_100, "{:?}", done.gas);
    assert_eq!(chain.storage(PROBE, 1), U256::from(5));
    assert_eq!(
        U256::from_be_slice(&succeed(&mut chain, probe::load(1))),
        U256::from(5)
    );
}

#[test]
fn a_flush_writes_only_what_changed() {
    let mut chain = chain();
    chain.send(PROBE, probe::store(1, 5), 0);
    let done = chain.send(PROBE, probe::rewrite(1), 0);
    assert!(done.result.is_success());
    assert_eq!(
        (done.activity.storage_reads, done.activity.storage_writes),
        (1, 0)
    );
}

#[test]
fn transient_storage_ends_with_the_transaction() {
    let mut chain = chain();
    succeed(&mut chain, probe::transient_store(1, 5));
    assert_eq!(succeed(&mut chain, probe::transient_load(1))[..], [0; 32]);
}

#[test]
fn logs_of_reverted_calls_are_gone() {
    let mut chain = chain();
    let topic = B256::repeat_byte(0xab);
    let done = chain.send(PROBE, probe::log(topic, b"data"), 0);
    let log = &done.result.logs()[0];
    assert_eq!(
        (log.address, log.topics(), &log.data.data[..]),
        (PROBE, &[topic][..], &b"data"[..])
    );
    // The forwarder's callee logs, then something above it reverts.
    let inner = probe::call(OTHER, 0, probe::log(topic, b"data"));
    assert_eq!(
        chain
            .send(FORWARDER, forward(PROBE, inner), 0)
            .result
            .logs()
            .len(),
        1
    );
    let done = chain.send_with_gas(
        PROBE,
        probe::delegate_call(OTHER, probe::trap()),
        0,
        5_000_000,
    );
    assert!(done.result.logs().is_empty());
}

// --- Memory.

#[test]
fn pages_are_priced_over_the_whole_call_stack() {
    let mut chain = chain();
    let gas = |chain: &mut Chain, data: Bytes| {
        let calldata: u64 = data
            .iter()
            .map(|byte| if *byte == 0 { 4 } else { 16 })
            .sum();
        gas_used(&chain.simulate(PROBE, data)) - calldata
    };
    let base = gas(&mut chain, probe::grow(1));
    // The probe's own page and one more are free.
    assert_eq!(gas(&mut chain, probe::grow(2)) - base, 1_000);
    assert_eq!(gas(&mut chain, probe::grow(11)) - base, 10_000 + 4);
    // A second frame holds a page itself; it is given back when the frame closes.
    let nested = |pages| probe::call(OTHER, 0, probe::grow(pages));
    assert_eq!(
        gas(&mut chain, nested(1)) - gas(&mut chain, nested(0)),
        1_000 - 1
    );
    let twice = probe::call(FORWARDER, 0, forward(OTHER, probe::grow(0)));
    assert!(gas(&mut chain, twice) > 21_000);
    let beyond = chain.send(PROBE, probe::grow(128), 0);
    assert!(
        matches!(beyond.result, ExecutionResult::Halt { .. }),
        "{:?}",
        beyond.result
    );
    let huge = chain.send(PROBE, probe::grow(70_000), 0);
    assert!(
        matches!(huge.result, ExecutionResult::Halt { .. }),
        "{:?}",
        huge.result
    );
}

#[test]
fn a_closed_frame_gives_its_pages_back() {
    let mut chain = chain();
    // Calls the probe four times in a row: PUSH1 0, five times, PUSH20 probe, GAS, CALL, POP.
    let call = [
        &hex!("6000600060006000600073")[..],
        PROBE.as_slice(),
        &hex!("5af150"),
    ]
    .concat();
    let caller = Address::repeat_byte(0x44);
    chain.set_code(caller, call.repeat(4).into());
    chain.cache(PROBE);
    let once = chain.simulate(PROBE, probe::environment()).gas.startup;
    assert_eq!(chain.simulate(caller, []).gas.startup, 4 * once);
}

// --- The block's cache of recent programs.

#[test]
fn a_program_called_before_in_the_block_starts_cached() {
    let mut chain = chain();
    let first = chain.send(PROBE, probe::environment(), 0);
    let next_block = chain.send(PROBE, probe::environment(), 0);
    assert_eq!(gas_used(&first), gas_used(&next_block));
    chain.block.recent_programs = first.recent_programs.clone();
    let same_block = chain.send(PROBE, probe::environment(), 0);
    assert!(gas_used(&first) - gas_used(&same_block) > 9_216);
    // Within one transaction too: the second program has the same code.
    let nested = chain.simulate(PROBE, probe::call(OTHER, 0, probe::environment()));
    chain.block.recent_programs = Default::default();
    let cold = chain.simulate(PROBE, probe::call(OTHER, 0, probe::environment()));
    assert_eq!(
        gas_used(&cold) - gas_used(&nested),
        gas_used(&first) - gas_used(&same_block)
    );
}

// --- What an execution tells about itself.

#[test]
fn the_breakdown_adds_up() {
    let mut chain = chain();
    for data in [
        probe::environment(),
        probe::store(1, 2),
        probe::call(OTHER, 0, probe::store(1, 2)),
        probe::call(FORWARDER, 0, forward(OTHER, probe::store(7, 7))),
        probe::call(OTHER, 0, probe::spin()),
        probe::create(0, code::init_code(&FORWARDER_CODE)),
        probe::trap(),
    ] {
        let done = chain.send(PROBE, data.clone(), 0);
        assert_eq!(done.gas.used(), gas_used(&done), "{data}: {:?}", done.gas);
        assert!(done.gas.startup > 9_216, "{data}");
        assert!(done.gas.compute > 0 || done.result.is_success(), "{data}");
    }
    let plain = chain.send(SENDER, Bytes::new(), 1);
    assert_eq!(plain.gas.intrinsic, 21_000);
    assert_eq!(plain.gas.used(), 21_000);
    let nested = chain.send(PROBE, probe::call(OTHER, 0, probe::environment()), 0);
    assert!(
        (2_600..2_700).contains(&nested.gas.calls),
        "{:?}",
        nested.gas
    );
    assert_eq!(nested.gas.evm, 0, "{:?}", nested.gas);
}

#[test]
fn traces_nest_programs_and_contracts() {
    let mut chain = chain();
    chain.options = ExecutionOptions {
        trace: true,
        ..Default::default()
    };
    let topic = B256::repeat_byte(1);
    let data = forward(PROBE, probe::static_call(OTHER, probe::revert_early(b"no")));
    let done = chain.send(FORWARDER, data.clone(), 3);
    let root = done.trace.as_ref().unwrap();
    assert_eq!(
        (root.kind, root.from, root.to),
        (CallKind::Call, SENDER, Some(FORWARDER))
    );
    assert_eq!(
        (root.value, &root.input, root.gas_used),
        (U256::from(3), &data, gas_used(&done))
    );
    assert!(!root.program && root.error.is_none());
    let program = &root.calls[0];
    assert!(program.program);
    assert_eq!(
        (program.kind, program.from, program.to),
        (CallKind::Call, FORWARDER, Some(PROBE))
    );
    let failed = &program.calls[0];
    assert_eq!(
        (failed.kind, failed.error.as_deref()),
        (CallKind::StaticCall, Some("execution reverted"))
    );
    assert_eq!(failed.output[1..], *b"no");
    assert!(failed.gas_used < failed.gas && program.gas_used > failed.gas_used);

    let done = chain.send(PROBE, probe::call(OTHER, 0, probe::log(topic, b"data")), 0);
    let root = done.trace.unwrap();
    assert!(root.logs.is_empty());
    assert_eq!(root.calls[0].logs.len(), 1);
    // A contract that logs, calls and reverts has not logged: LOG0 of nothing, CALL to identity, REVERT.
    chain.set_code(
        Address::repeat_byte(0x45),
        Bytes::from_static(&hex!("60006000a0600060006000600060006004" "5af160006000fd")),
    );
    let done = chain.send(PROBE, probe::call(Address::repeat_byte(0x45), 0, []), 0);
    assert_eq!(done.trace.unwrap().calls[0].logs, []);
    let done = chain.create(code::init_code(&FORWARDER_CODE));
    let root = done.trace.unwrap();
    assert_eq!(
        (root.kind, root.to),
        (
            CallKind::Create,
            Some(SENDER.create(chain.info(SENDER).nonce - 1))
        )
    );
    assert_eq!(root.output[..], FORWARDER_CODE);
}

#[test]
fn gas_and_ink_left_agree() {
    let mut chain = chain();
    let out = succeed(&mut chain, probe::gas_left());
    let gas = u64::from_le_bytes(out[..8].try_into().unwrap());
    let ink = u64::from_le_bytes(out[8..].try_into().unwrap());
    assert!(gas > 4_900_000 && gas < 5_000_000, "{gas}");
    assert!(
        (gas - 3..=gas).contains(&(ink / 10_000)),
        "{gas} gas and {ink} ink"
    );
}
