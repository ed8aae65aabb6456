//! Stylus programs: deployment with and without a constructor, the StylusDeployer, caching, and calls both ways.

mod common;

use alloy::{
    network::TransactionBuilder,
    primitives::{keccak256, utils::parse_ether, Address, Bytes, B256, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolEvent,
};
use common::*;
use devnet::{
    code, Constructor, Devnet, IArbWasm, IStylusDeployer, RevertData, ARB_WASM, STYLUS_DEPLOYER,
};
use serde_json::json;

const CONSTRUCTOR: [u8; 4] = [0x55, 0x85, 0x25, 0x8d];

fn read(program: Address) -> TransactionRequest {
    TransactionRequest::default().with_to(program)
}

fn construct(value: u64) -> Bytes {
    [&CONSTRUCTOR, word(value).as_ref()].concat().into()
}

#[tokio::test]
async fn programs_deploy_in_two_transactions() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let deployed = devnet.deploy_wasm(&program(), None).await.unwrap();
    assert_eq!(deployed.address, devnet.account(0).create(0));
    assert_eq!(devnet.block_number(), 2, "creation and activation");
    let on_chain = provider.get_code_at(deployed.address).await.unwrap();
    assert_eq!(on_chain[..4], [0xef, 0xf0, 0, 0]);
    let activation = provider
        .get_block_receipts(2.into())
        .await
        .unwrap()
        .unwrap();
    let event = IArbWasm::ProgramActivated::decode_log(&activation[0].logs()[0].inner).unwrap();
    assert_eq!(
        (event.codehash, event.program),
        (keccak256(&on_chain), deployed.address)
    );
    assert_eq!(
        provider.call(read(deployed.address)).await.unwrap(),
        word(0)
    );
    // The same code once more is active already.
    let second = devnet.deploy_wasm(&program(), None).await.unwrap();
    assert_eq!(devnet.block_number(), 3);
    assert_eq!(provider.call(read(second.address)).await.unwrap(), word(0));
}

#[tokio::test]
async fn an_inactive_program_does_not_run() {
    let devnet = Devnet::new().unwrap();
    let code = code::encode(&program());
    let created = devnet.deploy_evm(code::init_code(&code)).await.unwrap();
    assert!(devnet.provider().call(read(created.address)).await.is_err());
}

#[tokio::test]
async fn constructors_run_through_the_deployer() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let deployed = devnet
        .deploy_wasm(&program(), Some(Constructor::new(word(77))))
        .await
        .unwrap();
    assert_eq!(devnet.block_number(), 1, "one transaction");
    assert_eq!(
        provider.call(read(deployed.address)).await.unwrap(),
        word(77)
    );
    assert_eq!(
        provider.get_balance(STYLUS_DEPLOYER).await.unwrap(),
        U256::ZERO,
        "the excess fee is refunded"
    );
    let price =
        U256::from(deployed.receipt.gas_used) * U256::from(deployed.receipt.effective_gas_price);
    let spent =
        parse_ether("10000").unwrap() - provider.get_balance(devnet.account(0)).await.unwrap();
    assert!(spent > price, "the activation has a fee");

    // Active already, and with value for the constructor.
    let value = U256::from(1_000);
    let paid = Constructor {
        args: word(78),
        value,
    };
    let second = devnet.deploy_wasm(&program(), Some(paid)).await.unwrap();
    assert_ne!(second.address, deployed.address);
    assert_eq!(provider.get_balance(second.address).await.unwrap(), value);
    assert_eq!(provider.call(read(second.address)).await.unwrap(), word(78));
}

#[tokio::test]
async fn a_salt_fixes_the_address() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let init = code::init_code(&code::encode(&program()));
    let (salt, data) = (B256::repeat_byte(3), construct(5));
    let deployer = IStylusDeployer::new(STYLUS_DEPLOYER, &provider);
    let deploy = deployer
        .deploy_call(init.clone(), data.clone(), U256::ZERO, salt)
        .value(parse_ether("1").unwrap());
    let derived = keccak256([salt.as_slice(), &data].concat());
    let expected = STYLUS_DEPLOYER.create2_from_code(derived, &init);
    assert_eq!(deploy.call().await.unwrap(), expected);
    let receipt = deploy.send().await.unwrap().get_receipt().await.unwrap();
    let announced = receipt.logs().last().unwrap();
    assert_eq!(
        IStylusDeployer::ContractDeployed::decode_log(&announced.inner)
            .unwrap()
            .deployedContract,
        expected
    );
    assert_eq!(provider.call(read(expected)).await.unwrap(), word(5));
    // A second time the address is taken.
    let again = deployer
        .deploy_call(init.clone(), data, U256::ZERO, salt)
        .call()
        .await
        .unwrap_err();
    let error = again
        .as_decoded_error::<IStylusDeployer::ContractDeploymentError>()
        .unwrap();
    assert_eq!(error.bytecode, init);
}

#[tokio::test]
async fn the_deployer_names_what_went_wrong() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let init = code::init_code(&code::encode(&program()));
    let deployer = IStylusDeployer::new(STYLUS_DEPLOYER, &provider);
    let ether = parse_ether("1").unwrap();
    let none = U256::ZERO;

    let failed = deployer
        .deploy_call(init.clone(), construct(0), none, B256::ZERO)
        .value(ether)
        .call()
        .await
        .unwrap_err();
    let error = failed
        .as_decoded_error::<IStylusDeployer::ContractInitializationError>()
        .unwrap();
    assert_eq!(error.data, construct(0));
    let failed = deployer
        .deploy_call(Bytes::new(), construct(1), none, B256::ZERO)
        .call()
        .await
        .unwrap_err();
    assert!(failed
        .as_decoded_error::<IStylusDeployer::EmptyBytecode>()
        .is_some());
    let failed = deployer
        .deploy_call(
            init.clone(),
            Bytes::new(),
            ether / U256::from(2),
            B256::ZERO,
        )
        .value(ether);
    let failed = failed.call().await.unwrap_err();
    assert!(failed
        .as_decoded_error::<IStylusDeployer::InitValueButNotInitData>()
        .is_some());
    let failed = deployer
        .deploy_call(init.clone(), construct(1), ether, B256::ZERO)
        .value(none)
        .call()
        .await
        .unwrap_err();
    assert!(failed.to_string().contains("overflow"), "{failed}");
    // Without the fee ArbWasm's own error comes through.
    let failed = deployer
        .deploy_call(init, construct(1), none, B256::ZERO)
        .call()
        .await
        .unwrap_err();
    assert!(failed.revert_data().is_some(), "{failed}");
    let unknown = TransactionRequest::default()
        .with_to(STYLUS_DEPLOYER)
        .with_input([1, 2, 3, 4]);
    assert!(provider.call(unknown).await.is_err());
}

#[tokio::test]
async fn evm_contracts_and_programs_call_each_other() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let program = devnet
        .deploy_wasm(&program(), Some(Constructor::new(word(9))))
        .await
        .unwrap()
        .address;
    let proxy = devnet.deploy_evm(proxy(program)).await.unwrap().address;
    assert_eq!(provider.call(read(proxy)).await.unwrap(), word(9));
    let receipt = provider
        .send_transaction(read(proxy))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let tracer = json!([receipt.transaction_hash, {"tracer": "callTracer"}]);
    let trace = rpc(&devnet, "debug_traceTransaction", tracer)
        .await
        .unwrap();
    assert_eq!(
        (&trace["calls"][0]["to"], &trace["output"]),
        (&json!(program), &json!(word(9)))
    );
    let gas = devnet.gas_breakdown(receipt.transaction_hash).unwrap();
    assert_eq!(
        (gas.activity.external_calls, gas.activity.program_frames),
        (1, 1)
    );
    assert!(gas.gas.startup > 0 && gas.gas.storage >= 2_100);
    assert_eq!(gas.gas.used(), receipt.gas_used);
}

#[tokio::test]
async fn cached_programs_start_cheaper() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let program = devnet.deploy_wasm(&program(), None).await.unwrap().address;
    let run = || async {
        let receipt = provider
            .send_transaction(read(program))
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
        devnet.gas_breakdown(receipt.transaction_hash).unwrap()
    };
    let uncached = run().await;
    let snapshot = devnet.snapshot();
    devnet.cache_program(program).await.unwrap();
    let cached = run().await;
    assert!(
        cached.gas.startup + 8_000 < uncached.gas.startup,
        "{cached:?} {uncached:?}"
    );
    assert!(devnet.revert(snapshot));
    assert_eq!(run().await, uncached, "the cache is part of the state");
}

#[tokio::test]
async fn activation_survives_a_save() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let devnet = Devnet::new().unwrap();
    let program = devnet
        .deploy_wasm(&program(), Some(Constructor::new(word(6))))
        .await
        .unwrap()
        .address;
    devnet.save(&file).unwrap();
    let again = Devnet::builder().state_file(&file).build().unwrap();
    assert_eq!(again.provider().call(read(program)).await.unwrap(), word(6));
}

#[tokio::test]
async fn invalid_modules_are_refused() {
    let devnet = Devnet::new().unwrap();
    let floats = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "user_entrypoint") (param i32) (result i32)
            (drop (f32.const 1)) (i32.const 0)))"#,
    )
    .unwrap();
    assert!(devnet.deploy_wasm(&floats, None).await.is_err());
    assert!(devnet.deploy_wasm(b"not wasm", None).await.is_err());
    let plain = devnet.deploy_evm(store()).await.unwrap().address;
    let provider = devnet.provider_as(0);
    assert!(IArbWasm::new(ARB_WASM, &provider)
        .activateProgram(plain)
        .call()
        .await
        .is_err());
}
