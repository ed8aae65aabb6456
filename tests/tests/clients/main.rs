//! Other people's clients on a devnet with the suite: what works with them is tried with them.

use std::path::{Path, PathBuf};

use alloy::{
    primitives::{Address, U256},
    providers::Provider as _,
    sol_types::SolError as _,
};
use bpe_abi::IStakeManager;
use bpe_tests::{
    stage::mined,
    suite::{tokens, Foundations},
    tools::{fetched, node_script, python, run, tool, workspace_root},
};
use devnet::RpcServer;
use serde_json::{json, Value};

/// StakeManager and its token, served; accounts 1 and 2 have tokens.
struct World {
    it: Foundations,
    server: RpcServer,
}

impl World {
    async fn start() -> Self {
        let it = Foundations::start().await;
        for index in 0..3 {
            let account = it.devnet.account(index);
            mined(it.token.mint(account, tokens(1_000)).send().await).await;
        }
        let server = it.devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { it, server }
    }

    fn stakes(&self) -> Address {
        *self.it.stakes.address()
    }

    fn token(&self) -> Address {
        *self.it.token.address()
    }

    fn key(&self, index: usize) -> String {
        self.it.devnet.signers()[index].to_bytes().to_string()
    }
}

fn abi() -> PathBuf {
    workspace_root().join("sdk-abi/abi/StakeManager.json")
}

fn json_of(output: &str) -> Value {
    serde_json::from_str(output).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ethers_reads_signs_stakes_and_is_refused_by_name() {
    let world = World::start().await;
    let mut script = node_script("ethers.cjs");
    script
        .arg(world.server.http_url())
        .args([world.stakes(), world.token()].map(|it| it.to_string()))
        .arg(world.key(1))
        .arg(abi());
    let said = json_of(&run(script).await.succeeded());
    let poor = said["poor"].as_str().unwrap();
    assert!(poor.starts_with("insufficient funds"), "{said}");
    let expected = json!({
        "typedData": true,
        "message": true,
        "minimum": tokens(100).to_string(),
        "refusal": "InsufficientStake",
        "events": ["Staked"],
        "found": 1,
        "sent": 50,
        "poor": poor,
    });
    assert_eq!(said, expected);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn web3_py_reads_signs_stakes_and_asks_for_proofs() {
    let world = World::start().await;
    let mut script = python();
    script
        .arg(workspace_root().join("tests/tools/web3_client.py"))
        .arg(world.server.http_url())
        .args([world.stakes(), world.token()].map(|it| it.to_string()))
        .arg(abi());
    let said = json_of(&run(script).await.succeeded());
    let selector = IStakeManager::InsufficientStake::SELECTOR;
    let expected = json!({
        "version": devnet::CLIENT_VERSION,
        "minimum": tokens(100).to_string(),
        "staked": [tokens(100).to_string()],
        "logs": 1,
        "refused": alloy::hex::encode_prefixed(selector),
        "signer": true,
        "proof": true,
        "pending": "0x0",
    });
    assert_eq!(said, expected);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hardhats_network_helpers_take_it_for_one_of_theirs() {
    let world = World::start().await;
    // Hardhat wants to be found from the project's folder.
    let project = fetched("node_modules")
        .parent()
        .unwrap()
        .join(format!("hardhat-{}", std::process::id()));
    std::fs::create_dir_all(&project).unwrap();
    for file in ["hardhat.config.cjs", "helpers.test.cjs"] {
        let from = workspace_root().join("tests/tools/hardhat").join(file);
        std::fs::copy(from, project.join(file)).unwrap();
    }
    let mut hardhat = std::process::Command::new(fetched("node_modules/.bin/hardhat"));
    hardhat
        .args(["--config", "hardhat.config.cjs", "test", "helpers.test.cjs"])
        .current_dir(&project)
        .env("DEVNET_URL", world.server.http_url())
        .env("HARDHAT_DISABLE_TELEMETRY_PROMPT", "true");
    let output = run(hardhat).await;
    std::fs::remove_dir_all(&project).unwrap();
    let output = output.succeeded();
    assert!(output.contains("4 passing"), "{output}");
    world.server.stop().await;
}

/// The example of docs/devnet.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_forge_script_stakes_with_a_stub_for_the_program() {
    let world = World::start().await;
    let staker = world.it.devnet.account(0);
    let before = world.it.stakes.getStake(staker).call().await.unwrap();
    let folder = copy_of(&workspace_root().join("examples/forge"));
    let mut forge = tool("forge");
    forge
        .args([
            "script",
            "script/Stake.s.sol",
            "--broadcast",
            "--skip-simulation",
        ])
        .args(["--offline", "--rpc-url", &world.server.http_url()])
        .arg("--use")
        .arg(workspace_root().join("tests/tools/solc"))
        .arg("--remappings")
        .arg(format!(
            "bpe/={}/",
            workspace_root().join("interfaces").display()
        ))
        .current_dir(folder.path())
        .env("NODE_PATH", fetched("node_modules"))
        .env("STAKE_MANAGER", world.stakes().to_string())
        .env("TOKEN", world.token().to_string())
        .env("AMOUNT", tokens(150).to_string())
        .env("KEY", world.key(0));
    let output = run(forge).await.succeeded();
    assert!(output.contains("ONCHAIN EXECUTION COMPLETE"), "{output}");
    let after = world.it.stakes.getStake(staker).call().await.unwrap();
    assert_eq!(after - before, tokens(150));
    world.server.stop().await;
}

fn copy_of(example: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("script")).unwrap();
    for file in ["foundry.toml", "script/Stake.s.sol"] {
        std::fs::copy(example.join(file), folder.path().join(file)).unwrap();
    }
    let config = folder.path().join("foundry.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let interfaces = workspace_root().join("interfaces");
    let text = text.replace("../../interfaces", interfaces.to_str().unwrap());
    std::fs::write(config, text).unwrap();
    folder
}

/// `bpe errors --cast` writes what `cast decode-error` reads.
#[tokio::test(flavor = "multi_thread")]
async fn cast_knows_the_suites_errors_and_sends_for_the_nodes_accounts() {
    let world = World::start().await;
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".foundry/cache/signatures");
    let options = bpe::errors::Options::for_cast(cache);
    options.run().unwrap();
    let error = IStakeManager::InsufficientStake {
        required: U256::from(7),
        available: U256::from(5),
    };
    let mut cast = tool("cast");
    cast.arg("decode-error")
        .arg(alloy::hex::encode_prefixed(error.abi_encode()))
        .env("HOME", home.path());
    let decoded = run(cast).await.succeeded();
    assert!(
        decoded.contains("InsufficientStake(uint256,uint256)") && decoded.contains('7'),
        "{decoded}"
    );
    let mut cast = tool("cast");
    let account = world.it.devnet.account(1);
    cast.args(["send", "--unlocked", "--from", &account.to_string()])
        .args([&world.token().to_string(), "approve(address,uint256)"])
        .args([&world.stakes().to_string(), "5"])
        .args(["--rpc-url", &world.server.http_url()]);
    run(cast).await.succeeded();
    let count = world
        .it
        .devnet
        .provider()
        .get_transaction_count(account)
        .await;
    assert_eq!(count.unwrap(), 1);
    world.server.stop().await;
}
