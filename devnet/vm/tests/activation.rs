//! Activating programs, and what `ArbWasm` and the caches know of them.

mod common;

use alloy::sol_types::{SolCall, SolError, SolEvent};
use common::{gas_used, output, probe, Chain, DATA_FEE, SENDER};
use devnet_vm::{
    code,
    precompiles::{
        abi::{ArbGasInfo, ArbInfo, ArbOwnerPublic, ArbSys, ArbWasm, ArbWasmCache, CacheManager},
        ARB_GAS_INFO, ARB_INFO, ARB_OWNER_PUBLIC, ARB_SYS, ARB_WASM, ARB_WASM_CACHE, CACHE_MANAGER,
    },
    revm::{
        context_interface::result::ExecutionResult,
        primitives::{address, hex, keccak256, Address, Bytes, B256, U256},
    },
    wasm::ModuleAnalysis,
    Executor, StylusParams,
};

const PROGRAM: Address = address!("0x00000000000000000000000000000000000b0b01");
const DAY: u64 = 24 * 60 * 60;

/// A chain with the probe in place, not activated.
fn chain() -> (Chain, B256) {
    let mut chain = Chain::default();
    chain.set_code(PROGRAM, code::encode(&wat::parse_str(probe::WAT).unwrap()));
    let code_hash = chain.info(PROGRAM).code_hash;
    (chain, code_hash)
}

fn reverted(execution: &devnet_vm::Execution) -> Bytes {
    assert!(
        matches!(execution.result, ExecutionResult::Revert { .. }),
        "{:?}",
        execution.result
    );
    output(execution)
}

#[test]
fn a_program_runs_only_once_activated() {
    let (mut chain, code_hash) = chain();
    let not_activated = Bytes::from(ArbWasm::ProgramNotActivated {}.abi_encode());
    assert_eq!(
        reverted(&chain.send(PROGRAM, probe::environment(), 0)),
        not_activated
    );
    assert_eq!(
        chain.view(
            ARB_WASM,
            ArbWasm::codehashVersionCall {
                codehash: code_hash
            }
        ),
        Err(not_activated)
    );

    let before = chain.info(SENDER).balance;
    let activated = chain.activate(PROGRAM);
    assert!(activated.result.is_success());
    let answer = ArbWasm::activateProgramCall::abi_decode_returns(&output(&activated)).unwrap();
    assert_eq!(answer.version, 2);
    // The fee stays, the rest of the value comes back.
    assert!(!answer.dataFee.is_zero() && answer.dataFee < U256::from(DATA_FEE));
    assert_eq!(before - chain.info(SENDER).balance, answer.dataFee);
    assert_eq!(chain.info(ARB_WASM).balance, answer.dataFee);
    let log = &activated.result.logs()[0];
    let event = ArbWasm::ProgramActivated::decode_log(log).unwrap();
    assert_eq!(
        (log.address, event.codehash, event.program),
        (ARB_WASM, code_hash, PROGRAM)
    );
    assert_eq!((event.dataFee, event.version), (answer.dataFee, 2));
    assert!(gas_used(&activated) > StylusParams::ACTIVATION_GAS);

    assert!(chain
        .send(PROGRAM, probe::environment(), 0)
        .result
        .is_success());
    let up_to_date = Bytes::from(ArbWasm::ProgramUpToDate {}.abi_encode());
    assert_eq!(reverted(&chain.activate(PROGRAM)), up_to_date);
}

#[test]
fn a_reverted_activation_has_not_happened() {
    let (mut chain, code_hash) = chain();
    // Activates with the value it is sent, then reverts: CALL(ArbWasm) with the calldata, PUSH1 0 PUSH1 0 REVERT.
    let activator = address!("0x00000000000000000000000000000000000000ac");
    let call = hex!("366000600037600060003660003460715af1");
    let data = ArbWasm::activateProgramCall { program: PROGRAM }.abi_encode();
    chain.set_code(activator, [&call[..], &hex!("60006000fd")].concat().into());
    reverted(&chain.send(activator, data.clone(), DATA_FEE));
    assert!(chain
        .view(
            ARB_WASM,
            ArbWasm::codehashVersionCall {
                codehash: code_hash
            }
        )
        .is_err());
    assert!(!chain
        .send(PROGRAM, probe::environment(), 0)
        .result
        .is_success());
    // Without the revert it has.
    chain.set_code(activator, [&call[..], &hex!("00")].concat().into());
    assert!(chain.send(activator, data, DATA_FEE).result.is_success());
    assert_eq!(
        chain.view(
            ARB_WASM,
            ArbWasm::codehashVersionCall {
                codehash: code_hash
            }
        ),
        Ok(2)
    );
    assert!(chain
        .send(PROGRAM, probe::environment(), 0)
        .result
        .is_success());
}

#[test]
fn activation_wants_its_fee_and_a_program() {
    let (mut chain, _) = chain();
    let data = ArbWasm::activateProgramCall { program: PROGRAM }.abi_encode();
    let error =
        ArbWasm::ProgramInsufficientValue::abi_decode(&reverted(&chain.send(ARB_WASM, data, 1)))
            .unwrap();
    assert_eq!(error.have, U256::ONE);
    assert!(error.want > U256::ONE);
    chain.set_code(Address::repeat_byte(0x22), Bytes::from_static(&[0x00]));
    let not_wasm = Bytes::from(ArbWasm::ProgramNotWasm {}.abi_encode());
    assert_eq!(
        reverted(&chain.activate(Address::repeat_byte(0x22))),
        not_wasm
    );
    assert_eq!(
        reverted(&chain.activate(Address::repeat_byte(0x33))),
        not_wasm
    );
    // Too little gas for the fixed part.
    let data = ArbWasm::activateProgramCall { program: PROGRAM }.abi_encode();
    let starved = chain.send_with_gas(ARB_WASM, data, DATA_FEE, 1_500_000);
    assert!(matches!(starved.result, ExecutionResult::Halt { .. }));
}

#[test]
fn the_fee_rises_with_demand_and_falls_with_time() {
    let (mut chain, _) = chain();
    let fee = |chain: &Chain| {
        let mut fork = Chain {
            db: chain.db.clone(),
            block: chain.block.clone(),
            ..Chain::default()
        };
        let done = fork.activate(PROGRAM);
        ArbWasm::activateProgramCall::abi_decode_returns(&output(&done))
            .unwrap()
            .dataFee
    };
    let first = fee(&chain);
    let other = r#"(module (import "vm_hooks" "pay_for_memory_grow" (func (param i32)))
        (memory (export "memory") 1)
        (func (export "user_entrypoint") (param i32) (result i32) (i32.const 0)))"#;
    chain.install_wat(Address::repeat_byte(0x44), other);
    assert!(fee(&chain) > first);
    chain.block.timestamp += DAY;
    assert_eq!(fee(&chain), first);
}

#[test]
fn activations_expire_after_a_year_and_can_be_extended() {
    let (mut chain, code_hash) = chain();
    chain.activate(PROGRAM);
    let time_left =
        |chain: &mut Chain| chain.view(ARB_WASM, ArbWasm::programTimeLeftCall { program: PROGRAM });
    let keepalive = ArbWasm::codehashKeepaliveCall {
        codehash: code_hash,
    }
    .abi_encode();
    assert_eq!(time_left(&mut chain), Ok(365 * DAY));
    chain.block.timestamp += 31 * DAY - 1;
    let too_soon = reverted(&chain.send(ARB_WASM, keepalive.clone(), DATA_FEE));
    let error = ArbWasm::ProgramKeepaliveTooSoon::abi_decode(&too_soon).unwrap();
    assert_eq!(error.ageInSeconds, 31 * DAY - 1);
    chain.block.timestamp += 1;
    let extended = chain.send(ARB_WASM, keepalive.clone(), DATA_FEE);
    let event = ArbWasm::ProgramLifetimeExtended::decode_log(&extended.result.logs()[0]).unwrap();
    assert_eq!(event.codehash, code_hash);
    assert!(
        chain.info(ARB_WASM).balance > event.dataFee,
        "both fees are kept"
    );
    assert_eq!(time_left(&mut chain), Ok(365 * DAY));

    chain.block.timestamp += 365 * DAY;
    assert!(chain
        .send(PROGRAM, probe::environment(), 0)
        .result
        .is_success());
    chain.block.timestamp += 1;
    let expired = Bytes::from(
        ArbWasm::ProgramExpired {
            ageInSeconds: 365 * DAY + 1,
        }
        .abi_encode(),
    );
    assert_eq!(
        reverted(&chain.send(PROGRAM, probe::environment(), 0)),
        expired
    );
    assert_eq!(
        reverted(&chain.send(ARB_WASM, keepalive, DATA_FEE)),
        expired
    );
    assert_eq!(time_left(&mut chain), Err(expired));
    // It can be activated again.
    assert!(chain.activate(PROGRAM).result.is_success());
    assert!(chain
        .send(PROGRAM, probe::environment(), 0)
        .result
        .is_success());
}

#[test]
fn a_new_stylus_version_asks_for_an_upgrade() {
    let (mut chain, _) = chain();
    chain.activate(PROGRAM);
    chain.executor = Executor::with_params(StylusParams {
        version: 3,
        ..Default::default()
    });
    let error = Bytes::from(
        ArbWasm::ProgramNeedsUpgrade {
            version: 2,
            stylusVersion: 3,
        }
        .abi_encode(),
    );
    assert_eq!(
        reverted(&chain.send(PROGRAM, probe::environment(), 0)),
        error
    );
    assert!(chain.activate(PROGRAM).result.is_success());
    assert!(chain
        .send(PROGRAM, probe::environment(), 0)
        .result
        .is_success());
}

#[test]
fn a_program_runs_at_the_analysed_cost() {
    let (mut chain, _) = chain();
    chain.activate(PROGRAM);
    let analysis = ModuleAnalysis::of(&wat::parse_str(probe::WAT).unwrap(), 128).unwrap();
    let (init, cached) = (
        9_216 + u64::from(analysis.init),
        352 + u64::from(analysis.cached_init),
    );
    let costs = chain
        .view(ARB_WASM, ArbWasm::programInitGasCall { program: PROGRAM })
        .unwrap();
    assert_eq!((costs.gas, costs.gasWhenCached), (init + cached, cached));
    assert_eq!(
        chain.simulate(PROGRAM, probe::environment()).gas.startup,
        init + cached
    );
    chain.cache(PROGRAM);
    assert_eq!(
        chain.simulate(PROGRAM, probe::environment()).gas.startup,
        cached
    );
    assert_eq!(
        chain.view(
            ARB_WASM,
            ArbWasm::programMemoryFootprintCall { program: PROGRAM }
        ),
        Ok(1)
    );
    assert_eq!(
        chain.view(ARB_WASM, ArbWasm::programVersionCall { program: PROGRAM }),
        Ok(2)
    );
    let code_hash = chain.info(PROGRAM).code_hash;
    assert_eq!(
        chain.view(
            ARB_WASM,
            ArbWasm::codehashAsmSizeCall {
                codehash: code_hash
            }
        ),
        Ok(analysis.asm_size)
    );
}

#[test]
fn the_parameters_are_arbitrum_ones() {
    let (mut chain, _) = chain();
    assert_eq!(chain.view(ARB_WASM, ArbWasm::stylusVersionCall {}), Ok(2));
    assert_eq!(chain.view(ARB_WASM, ArbWasm::inkPriceCall {}), Ok(10_000));
    assert_eq!(
        chain.view(ARB_WASM, ArbWasm::maxStackDepthCall {}),
        Ok(22_000)
    );
    assert_eq!(chain.view(ARB_WASM, ArbWasm::freePagesCall {}), Ok(2));
    assert_eq!(chain.view(ARB_WASM, ArbWasm::pageGasCall {}), Ok(1_000));
    assert_eq!(
        chain.view(ARB_WASM, ArbWasm::pageRampCall {}),
        Ok(620_674_314)
    );
    assert_eq!(chain.view(ARB_WASM, ArbWasm::pageLimitCall {}), Ok(128));
    let min = chain.view(ARB_WASM, ArbWasm::minInitGasCall {}).unwrap();
    assert_eq!((min.gas, min.cached), (9_216, 352));
    assert_eq!(
        chain.view(ARB_WASM, ArbWasm::initCostScalarCall {}),
        Ok(100)
    );
    assert_eq!(chain.view(ARB_WASM, ArbWasm::expiryDaysCall {}), Ok(365));
    assert_eq!(chain.view(ARB_WASM, ArbWasm::keepaliveDaysCall {}), Ok(31));
    assert_eq!(chain.view(ARB_WASM, ArbWasm::blockCacheSizeCall {}), Ok(32));
    assert_eq!(
        chain.view(ARB_WASM, ArbWasm::activationGasCall {}),
        Ok(1_659_168)
    );
}

#[test]
fn anyone_may_cache_and_evict() {
    let (mut chain, code_hash) = chain();
    let cached = |chain: &mut Chain| {
        chain
            .view(
                ARB_WASM_CACHE,
                ArbWasmCache::codehashIsCachedCall {
                    codehash: code_hash,
                },
            )
            .unwrap()
    };
    let cache = ArbWasmCache::cacheProgramCall { addr: PROGRAM }.abi_encode();
    // Not before it is activated.
    let not_activated = Bytes::from(ArbWasm::ProgramNotActivated {}.abi_encode());
    assert_eq!(
        reverted(&chain.send(ARB_WASM_CACHE, cache.clone(), 0)),
        not_activated
    );
    chain.activate(PROGRAM);
    assert!(!cached(&mut chain));
    let done = chain.send(ARB_WASM_CACHE, cache, 0);
    let event = ArbWasmCache::UpdateProgramCache::decode_log(&done.result.logs()[0]).unwrap();
    assert_eq!(
        (event.manager, event.codehash, event.cached),
        (SENDER, code_hash, true)
    );
    assert!(cached(&mut chain));
    chain.send(
        ARB_WASM_CACHE,
        ArbWasmCache::evictCodehashCall {
            codehash: code_hash,
        }
        .abi_encode(),
        0,
    );
    assert!(!cached(&mut chain));
    chain.send(
        ARB_WASM_CACHE,
        ArbWasmCache::cacheCodehashCall {
            codehash: code_hash,
        }
        .abi_encode(),
        0,
    );
    assert!(cached(&mut chain));
    assert_eq!(
        chain.view(
            ARB_WASM_CACHE,
            ArbWasmCache::isCacheManagerCall { manager: PROGRAM }
        ),
        Ok(true)
    );
    assert_eq!(
        chain.view(ARB_WASM_CACHE, ArbWasmCache::allCacheManagersCall {}),
        Ok(vec![CACHE_MANAGER])
    );
}

#[test]
fn a_bid_caches() {
    let (mut chain, code_hash) = chain();
    chain.activate(PROGRAM);
    assert_eq!(
        chain.view(CACHE_MANAGER, CacheManager::isPausedCall {}),
        Ok(false)
    );
    assert_eq!(
        chain
            .view(
                CACHE_MANAGER,
                CacheManager::getMinBid_0Call { program: PROGRAM }
            )
            .unwrap()
            .to::<u64>(),
        0
    );
    assert_eq!(
        chain
            .view(CACHE_MANAGER, CacheManager::getMinBid_1Call { size: 8_000 })
            .unwrap()
            .to::<u64>(),
        0
    );
    let bid = CacheManager::placeBidCall { program: PROGRAM }.abi_encode();
    let done = chain.send(CACHE_MANAGER, bid.clone(), 3);
    assert!(done.result.is_success());
    assert_eq!(done.result.logs()[0].address, ARB_WASM_CACHE);
    let event = CacheManager::InsertBid::decode_log(&done.result.logs()[1]).unwrap();
    assert_eq!((event.codehash, event.bid.to::<u64>()), (code_hash, 3));
    assert_eq!(
        chain.view(
            ARB_WASM_CACHE,
            ArbWasmCache::codehashIsCachedCall {
                codehash: code_hash
            }
        ),
        Ok(true)
    );
    let again = Bytes::from(
        CacheManager::AlreadyCached {
            codehash: code_hash,
        }
        .abi_encode(),
    );
    assert_eq!(reverted(&chain.send(CACHE_MANAGER, bid, 3)), again);
}

#[test]
fn precompiles_keep_the_rules_of_frames() {
    let (mut chain, code_hash) = chain();
    chain.install_wat(Address::repeat_byte(0x55), probe::WAT);
    let caller = Address::repeat_byte(0x55);
    let evict = ArbWasmCache::evictCodehashCall {
        codehash: code_hash,
    }
    .abi_encode();
    chain.cache(caller);
    for data in [
        probe::static_call(ARB_WASM_CACHE, &evict),
        probe::delegate_call(ARB_WASM_CACHE, &evict),
    ] {
        assert_eq!(output(&chain.send(caller, data, 0))[..], [1]);
        assert_eq!(
            chain.view(
                ARB_WASM_CACHE,
                ArbWasmCache::codehashIsCachedCall {
                    codehash: code_hash
                }
            ),
            Ok(true)
        );
    }
    assert_eq!(
        output(&chain.send(caller, probe::call(ARB_WASM_CACHE, 0, &evict), 0))[..],
        [0]
    );
    // Unknown functions, malformed arguments, and value where none is taken.
    for data in [&hex!("01020304")[..], &[], &evict[..10]] {
        assert_eq!(
            reverted(&chain.send(ARB_WASM_CACHE, data.to_vec(), 0)),
            Bytes::new()
        );
    }
    assert_eq!(
        reverted(&chain.send(ARB_WASM_CACHE, evict, 1)),
        Bytes::new()
    );
    // Solidity finds code at a precompile.
    assert!(!chain.info(ARB_WASM).code.unwrap().is_empty());
}

#[test]
fn the_chain_tells_about_itself() {
    let (mut chain, _) = chain();
    assert_eq!(
        chain.view(ARB_SYS, ArbSys::arbBlockNumberCall {}),
        Ok(U256::from(500))
    );
    assert_eq!(
        chain.view(ARB_SYS, ArbSys::arbChainIDCall {}),
        Ok(U256::from(31_337))
    );
    assert_eq!(
        chain.view(ARB_SYS, ArbSys::arbOSVersionCall {}),
        Ok(U256::from(106))
    );
    assert_eq!(chain.view(ARB_SYS, ArbSys::isTopLevelCallCall {}), Ok(true));
    let hash = chain
        .view(
            ARB_SYS,
            ArbSys::arbBlockHashCall {
                arbBlockNum: U256::from(499),
            },
        )
        .unwrap();
    assert_eq!(
        hash,
        keccak256("499"),
        "the hash that the test's database makes up"
    );
    for number in [500_u64, 243] {
        let call = ArbSys::arbBlockHashCall {
            arbBlockNum: U256::from(number),
        };
        let error = ArbSys::InvalidBlockNumber::abi_decode(&chain.view(ARB_SYS, call).unwrap_err())
            .unwrap();
        assert_eq!(
            (error.requested, error.current),
            (U256::from(number), U256::from(500))
        );
    }
    let alias = ArbSys::mapL1SenderContractAddressToL2AliasCall {
        sender: address!("0xffffffffffffffffffffffffffffffffffffffff"),
        unused: Address::ZERO,
    };
    assert_eq!(
        chain.view(ARB_SYS, alias),
        Ok(address!("0x1111000000000000000000000000000000001110"))
    );
    let balance = ArbInfo::getBalanceCall { account: SENDER };
    assert_eq!(
        chain.view(ARB_INFO, balance),
        Ok(chain.info(SENDER).balance)
    );
    let code = chain
        .view(ARB_INFO, ArbInfo::getCodeCall { account: PROGRAM })
        .unwrap();
    assert_eq!(code, chain.info(PROGRAM).code.unwrap().original_bytes());
    let prices = chain
        .view(ARB_GAS_INFO, ArbGasInfo::getPricesInWeiCall {})
        .unwrap();
    assert_eq!((prices._0, prices._5), (U256::ZERO, U256::ZERO));
    assert_eq!(
        chain.view(ARB_GAS_INFO, ArbGasInfo::getL1BaseFeeEstimateCall {}),
        Ok(U256::ZERO)
    );
    assert_eq!(
        chain.view(ARB_OWNER_PUBLIC, ArbOwnerPublic::getAllChainOwnersCall {}),
        Ok(vec![])
    );
}

#[test]
fn the_block_number_of_contracts_is_the_l1s() {
    let (mut chain, _) = chain();
    // NUMBER PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
    chain.set_code(
        Address::repeat_byte(0x66),
        Bytes::from_static(&hex!("4360005260206000f3")),
    );
    assert_eq!(
        U256::from_be_slice(&output(&chain.simulate(Address::repeat_byte(0x66), []))),
        U256::from(77)
    );
}
