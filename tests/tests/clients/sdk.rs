//! The npm package's actions, module by module, and the examples that use them.

use std::{fs, process::Command, time::Duration};

use alloy::primitives::{keccak256, B256, U256};
use bpe_abi::{IBackpressurePool, ICapacityRegistry, IStakeManager};
use bpe_tests::{
    npm,
    stage::mined,
    suite::tokens,
    tools::{node, run, workspace_root},
};
use devnet_superfluid::bindings::ISimpleACL;
use serde_json::{json, Value};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::World;

/// The account that owns the governance of the devnet's Superfluid.
const GOVERNOR: usize = 9;

impl World {
    /// What the package's tests and examples want to know of a chain.
    fn for_typescript(&self) -> String {
        let file = self.folder.path().join("31337.json");
        let deployment: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        json!({"url": self.server.http_url(), "deployment": deployment}).to_string()
    }
}

/// Lets a chain's time go on with the machine's, for clients that wait by their own clock: in tests it stands still.
struct Ticking(JoinHandle<()>);

impl Ticking {
    fn start(world: &World) -> Self {
        let devnet = world.devnet().clone();
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                devnet.advance_time(1).expect("time goes on");
            }
        }))
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs tests of the package that need a chain, on one of their own.
async fn on_a_chain(test_file: &str) {
    let world = World::start().await;
    let _ticking = Ticking::start(&world);
    let package = npm::built().await;
    let mut test = node();
    test.args(["--test", "--test-reporter=tap", test_file]);
    test.current_dir(&package)
        .env("BPE_DEVNET", world.for_typescript());
    let output = run(test).await.succeeded();
    assert!(output.contains("# fail 0"), "{output}");
    assert!(output.contains("# skipped 0"), "{output}");
    assert!(output.contains("# todo 0"), "{output}");
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_module_of_the_npm_package_acts_on_the_suite() {
    on_a_chain("test/actions.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_npm_packages_readme_is_a_program() {
    on_a_chain("test/readme.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_client_and_vercels_buy_by_the_npm_package_from_a_sink_of_it() {
    on_a_chain("test/market.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_buys_by_the_npm_package() {
    on_a_chain("test/browser.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_buy_by_the_npm_packages_mcp_server_within_limits() {
    on_a_chain("test/mcp.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sells_by_the_openclaw_skill() {
    on_a_chain("test/skill.test.mjs").await;
}

/// The variables that the examples are told by: accounts 1 and 2 are those who sell and buy.
fn told(world: &World, example: &str, project: &TempDir, task_type: B256) -> Command {
    let mut command = node();
    command
        .arg(format!("typescript/{example}"))
        .current_dir(project.path())
        .env("RPC", world.server.http_url())
        .env("DEPLOYMENT", world.folder.path().join("31337.json"))
        .env("TASK_TYPE", task_type.to_string())
        .env("SELLER_KEY", world.key(1))
        .env("BUYER_KEY", world.key(2));
    command
}

/// A task type that settles by work: its owner chooses that before there is a pool.
async fn by_work(world: &World, id: B256) {
    let (provider, owner) = (&world.superfluid.provider, world.devnet().account(0));
    let registry = ICapacityRegistry::new(world.addresses["CapacityRegistry"], provider);
    let stakes = IStakeManager::new(world.stakes(), provider);
    let usdcx = world.superfluid.usdcx();
    let approve = usdcx.approve(world.stakes(), tokens(100)).from(owner);
    mined(approve.send().await).await;
    mined(stakes.stake(tokens(100)).from(owner).send().await).await;
    let register = registry.registerTaskType(id, tokens(100)).from(owner);
    mined(register.send().await).await;
    let pools = IBackpressurePool::new(world.addresses["BackpressurePool"], provider);
    mined(pools.setWeighting(id, 3).from(owner).send().await).await;
    mined(pools.createPool(id).from(owner).gas(5_000_000).send().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_examples_sell_and_buy() {
    let world = World::start().await;
    let _ticking = Ticking::start(&world);
    let project = npm::project_with("typescript").await;
    let id = keccak256("examples");
    by_work(&world, id).await;
    for (example, expected) in [
        (
            "sell-and-buy.mjs",
            [
                "200 {\"reversed\":\"erusserpkcab\"}",
                "redeemed 1000000000000 wei",
            ],
        ),
        (
            "embeddings.mjs",
            ["3 embeddings of 26 numbers", "wei in one transaction, for "],
        ),
    ] {
        let said = run(told(&world, example, &project, id)).await.succeeded();
        for line in expected {
            assert!(said.contains(line), "{example}: {line} is not in {said}");
        }
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_example_streams_without_ether() {
    const PROVIDER: &str = "provider.example";
    let world = World::start().await;
    let project = npm::project_with("typescript").await;
    let id = keccak256("code");
    super::open(&world, id).await;
    let (superfluid, devnet) = (&world.superfluid, world.devnet());
    let (sender, signer) = (devnet.account(1), devnet.account(2));
    let acl = superfluid.host().getSimpleACL().call().await.unwrap();
    let acl = ISimpleACL::new(acl, &superfluid.provider);
    let grant = acl.grantRole(keccak256(PROVIDER), sender);
    mined(grant.from(devnet.account(GOVERNOR)).send().await).await;
    devnet.set_balance(signer, U256::ZERO);
    let mut example = told(&world, "gasless.mjs", &project, id);
    example.env("PROVIDER", PROVIDER);
    let said = run(example).await.succeeded();
    assert!(
        said.contains(&format!("wei per second, sent by {sender}")),
        "{said}"
    );
    assert!(said.ends_with("closed"), "{said}");
    world.server.stop().await;
}

/// As a host starts it, and by its protocol: one message a line.
#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_example_is_a_server_for_models() {
    let world = World::start().await;
    let project = npm::project_with("typescript").await;
    fs::copy(
        workspace_root().join("tests/tools/mcp_client.mjs"),
        project.path().join("mcp_client.mjs"),
    )
    .unwrap();
    let mut client = told(&world, "../mcp_client.mjs", &project, B256::ZERO);
    client.arg("typescript/mcp-server.mjs");
    let said: Value = serde_json::from_str(&run(client).await.succeeded()).unwrap();
    assert_eq!(said["tools"], 7);
    assert_eq!(said["account"], world.devnet().account(2).to_string());
    world.server.stop().await;
}
