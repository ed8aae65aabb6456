//! A Stylus program and the tools of its users: cargo stylus, cast, viem, solc.

use std::{fs, process};

use alloy::{
    hex,
    primitives::{Address, U256},
    providers::Provider,
    sol_types::SolEvent,
    sol_types::SolValue,
};
use bpe_abi::{ICapacityRegistry, IStakeManager};
use bpe_tests::{
    programs::{
        cargo_stylus, deploy_by_hand, deploy_counter,
        ICounter::{self, ICounterErrors, Incremented, NotOwner, TooMuch},
    },
    solidity,
    stage::{mined, revert, Served},
    tools::{node_script, run, tool, workspace_root},
};
use devnet::code;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn cargo_stylus_checks() {
    let served = Served::start().await;
    let output = run(cargo_stylus("check", "counter", &served))
        .await
        .succeeded();
    assert!(output.contains("wasm data fee"), "{output}");
}

/// The devnet refuses, and `cargo stylus` passes its reason on.
#[tokio::test(flavor = "multi_thread")]
async fn cargo_stylus_check_says_what_is_wrong() {
    let served = Served::start().await;
    let vectors = workspace_root().join("tests/fixtures/stylus-vm/vectors.json");
    let vectors: Value = serde_json::from_slice(&fs::read(vectors).unwrap()).unwrap();
    let with_floats = hex::decode(vectors["invalid"]["float"].as_str().unwrap()).unwrap();
    let file = std::env::temp_dir().join(format!("with-floats-{}.wasm", process::id()));
    fs::write(&file, with_floats).unwrap();

    let mut check = cargo_stylus("check", "counter", &served);
    check.arg("--wasm-file").arg(&file);
    let error = run(check).await.failed();
    fs::remove_file(&file).unwrap();
    assert!(
        error.contains("floating-point instruction disallowed"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cargo_stylus_deploys_with_a_constructor() {
    let served = Served::start().await;
    let counter = ICounter::new(deploy_counter(&served, 42).await, served.devnet.provider());
    assert_eq!(counter.number().call().await.unwrap(), U256::from(42));
    assert_eq!(
        counter.owner().call().await.unwrap(),
        served.devnet.account(0)
    );

    let add = mined(counter.add(U256::from(100)).send().await).await;
    let [log] = add.logs() else {
        panic!("not one log: {add:?}")
    };
    let event = Incremented {
        by: served.devnet.account(0),
        number: U256::from(142),
    };
    assert_eq!(Incremented::decode_log(&log.inner).unwrap().data, event);
    assert_eq!(counter.number().call().await.unwrap(), U256::from(142));

    mined(counter.reset().send().await).await;
    assert_eq!(counter.number().call().await.unwrap(), U256::ZERO);
}

/// As docs/deploying.md says: two of the suite's contracts by `cargo stylus`, connected with cast.
#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_deployed_by_hand() {
    let served = Served::start().await;
    let (provider, owner) = (served.devnet.provider(), served.devnet.account(0));
    let compiled = solidity::compile("StakeToken.sol", "StakeToken").await;
    let token = solidity::deploy(&provider, &compiled, &[])
        .await
        .to_string();
    let owner_text = owner.to_string();
    let (unit, least) = ("1000000000000000000", "100000000000000000000");
    let arguments = [token.as_str(), unit, least, "0", &owner_text];
    let stakes = deploy_by_hand(&served, "stake-manager", &arguments).await;
    let arguments = [stakes.to_string(), owner_text.clone()];
    let arguments = arguments.each_ref().map(String::as_str);
    let registry = deploy_by_hand(&served, "capacity-registry", &arguments).await;

    let mut connect = tool("cast");
    let (on, to) = (stakes.to_string(), registry.to_string());
    let call = ["send", &on, "setRegistry(address,bool)", &to, "true"];
    connect.args(call).args(["--rpc-url", &served.url()]);
    connect.args(["--private-key", &served.key(0)]);
    run(connect).await.succeeded();

    let manager = IStakeManager::new(stakes, &provider);
    assert_eq!(manager.owner().call().await.unwrap(), owner);
    assert_eq!(
        manager.stakeToken().call().await.unwrap().to_string(),
        token
    );
    assert!(manager.authorizedRegistries(registry).call().await.unwrap());
    let capacities = ICapacityRegistry::new(registry, &provider);
    assert_eq!(capacities.stakeManager().call().await.unwrap(), stakes);
    // What `bpe deploy` deploys, but for the 32 bytes that say what it was built from.
    for (address, package) in [(stakes, "stake-manager"), (registry, "capacity-registry")] {
        let deployed = code::decode(&provider.get_code_at(address).await.unwrap()).unwrap();
        let built = code::decode(&bpe::programs::code(package).unwrap()).unwrap();
        assert_eq!(
            deployed.len(),
            built.len(),
            "{package}: run `cargo xtask build`"
        );
        let differ = |place: &usize| deployed[*place] != built[*place];
        let places: Vec<_> = (0..built.len()).filter(differ).collect();
        let span = places.last().unwrap_or(&0) - places.first().unwrap_or(&0);
        assert!(span < 32, "{package} differs from {:?} on", places.first());
    }
}

/// Why docs/deploying.md warns of `--wasm-file`: cargo stylus takes the constructor's arguments and calls no constructor. When
/// this fails, the warning can go.
#[tokio::test(flavor = "multi_thread")]
async fn a_wasm_file_is_deployed_without_its_constructor() {
    let served = Served::start().await;
    let owner = served.devnet.account(0).to_string();
    let wasm = bpe::programs::directory().join("reputation-ledger.wasm");
    let mut deploy = cargo_stylus("deploy", "counter", &served);
    deploy.args([
        "--no-verify",
        "--private-key",
        &served.key(0),
        "--wasm-file",
    ]);
    deploy.arg(wasm);
    deploy.args(["--constructor-signature", "constructor(address)"]);
    deploy.args(["--constructor-args", &owner]);
    let output = run(deploy).await.succeeded();
    let ledger = bpe_tests::programs::deployed_address(&output);
    let ledger = bpe_abi::IReputationLedger::new(ledger, served.devnet.provider());
    assert_eq!(ledger.owner().call().await.unwrap(), Address::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn cast_reads_writes_and_decodes_errors() {
    let served = Served::start().await;
    let counter = deploy_counter(&served, 5).await.to_string();
    let cast = |arguments: &[&str]| {
        let mut command = tool("cast");
        command.args(arguments).args(["--rpc-url", &served.url()]);
        run(command)
    };

    let number = cast(&["call", &counter, "number()(uint256)"])
        .await
        .succeeded();
    assert_eq!(number, "5");
    let key = served.key(0);
    let send = ["send", &counter, "add(uint256)", "7", "--private-key", &key];
    let receipt = cast(&send).await.succeeded();
    assert!(
        receipt.contains("status               1 (success)"),
        "{receipt}"
    );
    let number = cast(&["call", &counter, "number()(uint256)"])
        .await
        .succeeded();
    assert_eq!(number, "12");

    let refused = cast(&["call", &counter, "add(uint256)", "101"])
        .await
        .failed();
    let data = refused.split('"').find(|part| part.starts_with("0x"));
    let data = data.unwrap_or_else(|| panic!("no revert data in {refused}"));
    let mut decode = tool("cast");
    decode.args(["decode-error", "--sig", "TooMuch(uint256,uint256)", data]);
    assert_eq!(run(decode).await.succeeded(), "101\n100");
}

#[tokio::test(flavor = "multi_thread")]
async fn viem_reads_writes_and_decodes_errors() {
    let served = Served::start().await;
    let counter = deploy_counter(&served, 5).await;
    let [owner, stranger] = [0, 1].map(|index| served.devnet.account(index));

    let mut viem = node_script("viem.cjs");
    viem.args([
        &served.url(),
        &counter.to_string(),
        &served.key(0),
        &served.key(1),
    ]);
    let report: Value = serde_json::from_str(&run(viem).await.succeeded()).unwrap();
    let expected = serde_json::json!({
        "before": "5",
        "tooMuch": { "name": "TooMuch", "args": ["101", "100"] },
        "notOwner": { "name": "NotOwner", "args": [stranger.to_string()] },
        "result": "13",
        "status": "success",
        "events": [{ "name": "Incremented", "args": { "by": owner.to_string(), "number": "13" } }],
        "after": "13",
    });
    assert_eq!(report, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn program_and_solidity_call_each_other() {
    let served = Served::start().await;
    let provider = served.devnet.provider();
    let compiled = solidity::compile("Counter.sol", "Counter").await;
    let initial = U256::from(30).abi_encode();
    let contract = solidity::deploy(&provider, &compiled, &initial).await;
    let program = deploy_counter(&served, 12).await;
    // Programs and contracts behind the same bindings.
    for (caller, callee) in [(program, contract), (contract, program)] {
        let (caller, callee) = (
            ICounter::new(caller, &provider),
            ICounter::new(callee, &provider),
        );
        let before = callee.number().call().await.unwrap();
        let own = caller.number().call().await.unwrap();
        assert_eq!(
            caller.sumWith(*callee.address()).call().await.unwrap(),
            own + before
        );

        let five = U256::from(5);
        assert_eq!(
            caller.addTo(*callee.address(), five).call().await.unwrap(),
            before + five
        );
        let receipt = mined(caller.addTo(*callee.address(), five).send().await).await;
        assert_eq!(callee.number().call().await.unwrap(), before + five);
        assert_eq!(caller.number().call().await.unwrap(), own);
        let [log] = receipt.logs() else {
            panic!("not one log: {receipt:?}")
        };
        assert_eq!(log.address(), *callee.address());
        let event = Incremented {
            by: *caller.address(),
            number: before + five,
        };
        assert_eq!(Incremented::decode_log(&log.inner).unwrap().data, event);

        let refused = caller
            .addTo(*callee.address(), U256::from(101))
            .call()
            .await;
        let error = TooMuch {
            amount: U256::from(101),
            limit: U256::from(100),
        };
        assert_eq!(
            revert::<ICounterErrors, _>(refused),
            ICounterErrors::TooMuch(error)
        );
        assert_eq!(callee.number().call().await.unwrap(), before + five);
    }

    let stranger = served.devnet.account(1);
    let reset = ICounter::new(program, &provider)
        .reset()
        .from(stranger)
        .call()
        .await;
    let error = ICounterErrors::NotOwner(NotOwner { caller: stranger });
    assert_eq!(revert::<ICounterErrors, _>(reset), error);
    assert!(provider
        .get_code_at(program)
        .await
        .unwrap()
        .starts_with(&[0xef, 0xf0, 0x00]));
}
