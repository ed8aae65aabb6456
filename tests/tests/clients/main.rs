//! Other people's clients on a devnet with the suite: what works with them is tried with them. And our own package.

mod sdk;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    sol_types::SolError as _,
};
use bpe::deploy::{deploy, Book, Chain, Config, Request, Stake};
use bpe_abi::{IBackpressurePool, ICapacityRegistry, IServiceDirectory, IStakeManager};
use bpe_tests::{
    npm, solidity,
    stage::{mined, Superfluid},
    suite::{tokens, units},
    tools::{fetched, node, node_script, python, run, tool, tool_of_npm, workspace_root},
};
use devnet::{Devnet, RpcServer};
use serde_json::{json, Value};
use tempfile::TempDir;

/// The whole suite with Superfluid, as `bpe deploy` leaves it, served. Accounts 0 to 2 have USDCx, which is what is staked.
struct World {
    superfluid: Superfluid,
    server: RpcServer,
    addresses: BTreeMap<&'static str, Address>,
    /// With the deployments file.
    folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let superfluid = Superfluid::start().await;
        let devnet = &superfluid.devnet;
        for index in 0..3 {
            superfluid.fund(devnet.account(index), 1_000).await;
        }
        let server = devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let addresses = deploy_all(&superfluid, &server.http_url(), folder.path()).await;
        Self {
            superfluid,
            server,
            addresses,
            folder,
        }
    }

    fn devnet(&self) -> &Devnet {
        &self.superfluid.devnet
    }

    fn stakes(&self) -> Address {
        self.addresses["StakeManager"]
    }

    async fn stake_of(&self, sink: Address) -> U256 {
        let stakes = IStakeManager::new(self.stakes(), &self.superfluid.provider);
        stakes.getStake(sink).call().await.unwrap()
    }

    fn token(&self) -> Address {
        self.superfluid.addresses.usdcx
    }

    fn key(&self, index: usize) -> String {
        self.devnet().signers()[index].to_bytes().to_string()
    }
}

async fn deploy_all(
    superfluid: &Superfluid,
    url: &str,
    folder: &Path,
) -> BTreeMap<&'static str, Address> {
    let devnet = &superfluid.devnet;
    let instance = Some(devnet.instance());
    let mut book = Book::open(folder, devnet.chain_id(), instance).unwrap();
    book.set_superfluid(superfluid.addresses).unwrap();
    let owner = devnet.signers()[0].clone();
    let chain = Chain::connect(url, Some(owner)).await.unwrap();
    // A Super Token, so that what wraps has something to wrap.
    let config = Config {
        stake: Stake {
            token: Some(superfluid.addresses.usdcx),
            ..Stake::default()
        },
        ..Config::default()
    };
    let request = Request {
        quiet: true,
        config,
        ..Request::new(folder)
    };
    deploy(&chain, &request).await.unwrap().addresses
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
    let expected = json!({
        "typedData": true,
        "message": true,
        "minimum": tokens(100).to_string(),
        "refusal": "InsufficientStake",
        "events": ["Staked"],
        "found": 1,
        "sent": 50,
        "poor": "INSUFFICIENT_FUNDS",
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

/// The example in examples/viem, with the npm package that is built of this deployment.
#[tokio::test(flavor = "multi_thread")]
async fn viem_streams_to_a_sink_and_ends_the_stream() {
    let world = World::start().await;
    let code = keccak256("code");
    open(&world, code).await;
    let clone = clone_with_package(&world).await;
    let (key, file) = (clone.path().join("key"), deployments(&clone));
    fs::write(&key, world.key(1)).unwrap();
    let mut script = node();
    script
        .arg("examples/viem/stream.mjs")
        .args(["--rpc", &world.server.http_url()])
        .args(["--deployments", file.to_str().unwrap()])
        .args(["--key-file", key.to_str().unwrap()])
        .args(["--task-type", &code.to_string()])
        .args(["--rate", "385802469135802"])
        .current_dir(clone.path());
    let said = run(script).await.succeeded();
    for expected in ["wei per second", ": 10 capacity units, ", "gas"] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    // Superfluid's addresses and the suite's are in the package, with their checksums.
    let addresses = clone.path().join("sdk-abi/npm/src/generated/addresses.ts");
    let addresses = fs::read_to_string(addresses).unwrap();
    for address in [world.token(), world.stakes()] {
        assert!(addresses.contains(&address.to_string()), "{addresses}");
    }
    world.server.stop().await;
}

/// A task type with a pool and a sink, account 2, of 10 units.
async fn open(world: &World, id: B256) {
    let (provider, sink) = (&world.superfluid.provider, world.devnet().account(2));
    let usdcx = world.superfluid.usdcx();
    let approve = usdcx.approve(world.stakes(), tokens(400)).from(sink);
    mined(approve.send().await).await;
    let stakes = IStakeManager::new(world.stakes(), provider);
    mined(stakes.stake(tokens(400)).from(sink).send().await).await;
    let registry = ICapacityRegistry::new(world.addresses["CapacityRegistry"], provider);
    let directory = IServiceDirectory::new(world.addresses["ServiceDirectory"], provider);
    let register = directory.registerTaskType_0(id, "code".to_owned(), tokens(100));
    mined(register.from(sink).send().await).await;
    let pools = IBackpressurePool::new(world.addresses["BackpressurePool"], provider);
    let register = registry.registerSink(id, units(10)).from(sink);
    mined(register.send().await).await;
    mined(pools.rebalanceSink(id, sink).gas(3_000_000).send().await).await;
}

fn deployments(clone: &TempDir) -> PathBuf {
    clone.path().join("deployments/31337.json")
}

/// What the example needs of a clone, where no other test builds: the package, built, and the world's deployments file.
async fn clone_with_package(world: &World) -> TempDir {
    let clone = tempfile::tempdir().unwrap();
    let root = workspace_root();
    fs::create_dir_all(clone.path().join("deployments")).unwrap();
    fs::copy(world.folder.path().join("31337.json"), deployments(&clone)).unwrap();
    for folder in ["examples/viem", "interfaces", "sdk-abi/npm"] {
        npm::copy_all(&root.join(folder), &clone.path().join(folder));
    }
    for folder in ["sdk-abi/abi", "sdk-abi/npm/node_modules"] {
        std::os::unix::fs::symlink(root.join(folder), clone.path().join(folder)).unwrap();
    }
    npm::build(&clone.path().join("sdk-abi/npm")).await;
    clone
}

/// Network helpers refuse nodes that they do not know, and Ignition counts confirmations on those that do not mine at once.
#[tokio::test(flavor = "multi_thread")]
async fn hardhats_helpers_and_ignition_take_it_for_a_node_of_theirs() {
    let world = World::start().await;
    let project = HardhatProject::new();
    let token = solidity::compile("StakeToken.sol", "StakeToken").await;
    let known = json!({
        "stakes": world.stakes(),
        "stakesAbi": abi(),
        "token": {"abi": token.abi, "bytecode": token.bytecode},
    });
    let mut hardhat = project.test(&["helpers.test.cjs", "ignition.test.cjs"]);
    hardhat
        .env("DEVNET_URL", world.server.http_url())
        .env("WORLD", known.to_string());
    let output = run(hardhat).await.succeeded();
    assert!(output.contains("5 passing"), "{output}");
    assert!(!output.contains("failing"), "{output}");
    world.server.stop().await;
}

/// A folder with `tests/tools/hardhat`, below the packages: Hardhat wants to be found from the project's folder.
struct HardhatProject(TempDir);

impl HardhatProject {
    fn new() -> Self {
        let packages = fetched("node_modules");
        let folder = tempfile::Builder::new()
            .prefix("hardhat-")
            .tempdir_in(packages.parent().unwrap())
            .unwrap();
        for entry in fs::read_dir(workspace_root().join("tests/tools/hardhat")).unwrap() {
            let file = entry.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        fs::write(folder.path().join("package.json"), "{}").unwrap();
        Self(folder)
    }

    fn test(&self, files: &[&str]) -> Command {
        let mut hardhat = tool_of_npm("hardhat");
        hardhat
            .args(["--config", "hardhat.config.cjs", "test", "--no-compile"])
            .args(files)
            .current_dir(self.0.path())
            // Where it keeps what it remembers of its user.
            .env("HOME", self.0.path())
            .env("HARDHAT_DISABLE_TELEMETRY_PROMPT", "true");
        hardhat
    }
}

/// The example of docs/devnet.md.
#[tokio::test(flavor = "multi_thread")]
async fn a_forge_script_stakes_with_a_stub_for_the_program() {
    let world = World::start().await;
    let staker = world.devnet().account(0);
    let before = world.stake_of(staker).await;
    let folder = copy_of(&workspace_root().join("examples/forge"));
    let mut forge = tool("forge");
    forge
        .args(["script", "script/Stake.s.sol", "--offline", "--broadcast"])
        .args(["--skip-simulation", "--rpc-url", &world.server.http_url()])
        .arg("--use")
        .arg(workspace_root().join("tests/tools/solc"))
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("NODE_PATH", fetched("node_modules"))
        .env("STAKE_MANAGER", world.stakes().to_string())
        .env("TOKEN", world.token().to_string())
        .env("AMOUNT", tokens(150).to_string())
        .env("KEY", world.key(0));
    let output = run(forge).await.succeeded();
    assert!(output.contains("ONCHAIN EXECUTION COMPLETE"), "{output}");
    assert_eq!(world.stake_of(staker).await - before, tokens(150));
    world.server.stop().await;
}

fn copy_of(example: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("script")).unwrap();
    for file in ["foundry.toml", "script/Stake.s.sol"] {
        fs::copy(example.join(file), folder.path().join(file)).unwrap();
    }
    let config = folder.path().join("foundry.toml");
    let text = fs::read_to_string(&config).unwrap();
    let interfaces = workspace_root().join("interfaces");
    let text = text.replace("../../interfaces", interfaces.to_str().unwrap());
    fs::write(config, text).unwrap();
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
    let account = world.devnet().account(1);
    let mut cast = tool("cast");
    cast.args(["send", "--unlocked", "--from", &account.to_string()])
        .args([&world.token().to_string(), "approve(address,uint256)"])
        .args([&world.stakes().to_string(), "5"])
        .args(["--rpc-url", &world.server.http_url()]);
    run(cast).await.succeeded();
    let usdcx = world.superfluid.usdcx();
    let allowed = usdcx.allowance(account, world.stakes()).call().await;
    assert_eq!(allowed.unwrap(), U256::from(5));
    world.server.stop().await;
}
