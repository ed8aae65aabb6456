//! `bpe deploy`, `bpe status` and `bpe keepalive` as processes, against devnets that are served over HTTP.

mod common;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::{
    network::Ethereum,
    node_bindings::Anvil,
    primitives::{Address, Bytes, B256, U256},
    providers::{PendingTransactionBuilder, Provider},
    rpc::types::{Filter, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol_types::SolEvent as _,
};
use bpe_abi::{
    IBackpressurePool, ICapacityRegistry, IEconomyFactory, IPricingCurve, IServiceDirectory,
    IStakeManager,
};
use common::{Cutter, Outcome, Stage};
use devnet::{code, Devnet, IStylusDeployer, STYLUS_DEPLOYER};
use devnet_superfluid::{
    bindings::{ISuperToken, ITestToken},
    tools_dir,
};
use serde_json::{json, Value};

const DAY: u64 = 24 * 60 * 60;
/// The notice of powers, once staking is open.
const NOTICE: u64 = 7 * DAY;

/// How many programs StylusDeployer has put on the chain.
async fn creations(devnet: &Devnet) -> usize {
    let filter = Filter::new()
        .address(STYLUS_DEPLOYER)
        .event_signature(IStylusDeployer::ContractDeployed::SIGNATURE_HASH)
        .from_block(0);
    devnet.provider().get_logs(&filter).await.unwrap().len()
}

fn assert_follows_schema(file: &Path) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deployments/schema.json");
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let index = compiler.compile(schema.to_str().unwrap(), &mut schemas);
    let index = index.unwrap_or_else(|error| panic!("{error}"));
    let json: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    if let Err(error) = schemas.validate(&json, index) {
        panic!("{error:#}");
    }
    // It has to be able to say no.
    let mut damaged = json;
    damaged["contracts"]["stakeManager"]["address"] = json!("0x12");
    assert!(schemas.validate(&damaged, index).is_err());
}

async fn mined(sent: Result<PendingTransactionBuilder<Ethereum>, alloy::contract::Error>) {
    let receipt = sent.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status(), "{receipt:?}");
}

/// Mints test tokens for account 0, and stakes what everybody takes who opens a task type.
async fn stake(stage: &Stage, stakes: &IStakeManager::IStakeManagerInstance<impl Provider>) {
    let file: Value = serde_json::from_str(&stage.text()).unwrap();
    let at = |token: &str| -> Address {
        let address = file["superfluid"][token].as_str().unwrap();
        address.parse().unwrap()
    };
    let (provider, account) = (stage.devnet.provider(), stage.devnet.account(0));
    let token = ITestToken::new(at("stakeToken"), &provider);
    let amount = U256::from(100) * U256::from(10).pow(U256::from(18));
    mined(token.mint(account, amount).send().await).await;
    mined(token.approve(*stakes.address(), amount).send().await).await;
    mined(stakes.stake(amount).send().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_deployed_connected_and_verified_once() {
    let stage = Stage::with_superfluid().await;
    let first = stage.deploy(&[]).await.succeeded();
    assert!(first.contains("Verified: "), "{first}");
    assert_follows_schema(&stage.file());
    let deployed = stage.addresses();
    assert_eq!(deployed.len(), bpe::deploy::suite::programs().count());
    assert_eq!(creations(&stage.devnet).await, deployed.len());

    let provider = stage.devnet.provider();
    let stakes = IStakeManager::new(deployed["stakeManager"], &provider);
    let judge = deployed["judge"];
    assert!(stakes.authorizedSlashers(judge).call().await.unwrap());
    let registry = ICapacityRegistry::new(deployed["capacityRegistry"], &provider);
    for adapter in [
        "universalCapacityAdapter",
        "lightningRoutingPool",
        "relayPaymentPool",
    ] {
        let authorized = registry.authorizedAdapters(deployed[adapter]).call().await;
        assert!(authorized.unwrap(), "{adapter}");
    }
    let pools = IBackpressurePool::new(deployed["backpressurePool"], &provider);
    let id = alloy::primitives::keccak256("code-completion");
    assert_ne!(pools.getPool(id).call().await.unwrap(), Address::ZERO);
    assert_eq!(
        registry.getTaskType(id).call().await.unwrap().minStake,
        U256::from(250)
    );

    let (block, file) = (stage.devnet.block_number(), stage.text());
    let second = stage.deploy(&[]).await.succeeded();
    assert!(second.contains("Verified: "), "{second}");
    assert_eq!(stage.devnet.block_number(), block, "{second}");
    assert_eq!(stage.text(), file);

    let founder = stage.devnet.account(4);
    stake(&stage, &stakes).await;
    let directory = IServiceDirectory::new(deployed["serviceDirectory"], &provider);
    let name = || "translation".to_owned();
    let creator = stage.devnet.account(0);
    let derived = directory.deriveTaskTypeId(creator, name()).call().await;
    let translation = derived.unwrap();
    let open = directory.registerTaskType_0(translation, name(), U256::ONE);
    mined(open.send().await).await;
    let dressed = B256::repeat_byte(7);
    let open = directory.registerTaskType_0(dressed, "\u{1b}[31mred".to_owned(), U256::ONE);
    mined(open.send().await).await;
    let factory = IEconomyFactory::new(deployed["economyFactory"], &provider);
    let found = factory.deployEconomy_0(IEconomyFactory::EconomyConfig {
        template: 0,
        taskTypeIds: vec![translation],
        minStake: U256::from(100) * U256::from(10).pow(U256::from(18)),
        bufferMax: U256::ZERO,
        verificationBudgetBps: U256::ZERO,
    });
    mined(found.from(founder).send().await).await;

    let text = stage.status(&[]).await.succeeded();
    for expected in [
        &format!("  \"translation\" ({translation}): 0 sinks"),
        &format!("  {dressed}: 0 sinks"),
        "Economies: 1",
        &format!(" of {founder}: stakes 0x"),
        "authorizedSlashers(Judge): true",
        "workMisses: WorkMisses",
        "escrowBuffer: EscrowBuffer",
        "days left, cached",
        "  code-completion: 0 sinks",
        "  lightning: 0 sinks",
        "  RELAY_STORE: 0 sinks",
        "Superfluid: host 0x",
        "links and parameters read back",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert!(!text.contains("WRONG"), "{text}");
    let json: Value = serde_json::from_str(&stage.status(&["--json"]).await.succeeded()).unwrap();
    assert_eq!(json["chainId"], 31_337);
    assert_eq!(json["problems"], json!([]));
    assert_eq!(json["contracts"].as_array().unwrap().len(), deployed.len());
    for contract in json["contracts"].as_array().unwrap() {
        assert_eq!(contract["cached"], true, "{contract}");
        assert_eq!(contract["codeIsRecorded"], true, "{contract}");
    }
}

/// A task type by work comes with its weighting, its curve and the fee that the configuration says.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_type_by_work_starts_at_its_fee() {
    let stage = Stage::with_superfluid().await;
    let task_type = "[[task_types]]\nname = \"inference\"\nweighting = \"work\"\n";
    let config = stage.config(&format!("{task_type}fee_floor = \"5\"\n"));
    let error = stage.deploy(&["--config", &config]).await.failed();
    let missing = "task_types: inference: start_fee is missing";
    assert!(error.contains(missing), "{error}");
    let config = stage.config(&format!("{task_type}start_fee = \"1e28\"\n"));
    let error = stage.deploy(&["--config", &config]).await.failed();
    assert!(error.contains("is not between"), "{error}");

    let config = stage.config(&format!("{task_type}start_fee = \"4e9\"\n"));
    stage.deploy(&["--config", &config]).await.succeeded();
    let (addresses, provider) = (stage.addresses(), stage.devnet.provider());
    let id = alloy::primitives::keccak256("inference");
    let pricing = IPricingCurve::new(addresses["pricingCurve"], &provider);
    let fee = pricing.getBaseFee(id).call().await.unwrap();
    assert_eq!(fee, U256::from(4_000_000_000_u64));
    let bounds = pricing.getFees(id).call().await.unwrap();
    assert_eq!(bounds.floor, U256::from(400_000_000));
    let pools = IBackpressurePool::new(addresses["backpressurePool"], &provider);
    let weighting = pools.getWeighting(id).call().await.unwrap();
    assert_eq!(weighting, U256::from(3));
    // What is as it should be is left alone.
    let block = stage.devnet.block_number();
    stage.deploy(&["--config", &config]).await.succeeded();
    assert_eq!(stage.devnet.block_number(), block);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_somebody_changed_is_told_and_mended() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&[]).await.succeeded();
    let stranger = Address::repeat_byte(0x77);
    let registry = stage.addresses()["capacityRegistry"];
    let registry = ICapacityRegistry::new(registry, stage.devnet.provider());
    let call = registry.setAggregator(stranger).send().await.unwrap();
    call.get_receipt().await.unwrap();
    // Staking is open: it takes notice, and so does what mends it.
    assert!(!stage.status(&[]).await.succeeded().contains("WRONG"));
    stage.devnet.advance_time(NOTICE).unwrap();
    stage.devnet.mine(1).unwrap();
    let text = stage.status(&[]).await.succeeded();
    let wrong = format!("WRONG: CapacityRegistry.authorizedAggregator() is {stranger}");
    assert!(text.contains(&wrong), "{text}");
    // What no call can mend is an error: this minimum is the constructor's.
    let config = stage.config("[stake]\nminimum = \"7e18\"\n");
    let error = stage.deploy(&["--config", &config]).await.failed();
    assert!(
        error.contains(
            "StakeManager.minSinkStake() is 100000000000000000000, not 7000000000000000000"
        ) && error.contains("--redeploy stake-manager"),
        "{error}"
    );
    let mended = stage.deploy(&[]).await.succeeded();
    assert!(
        !mended.contains("] CapacityRegistry.setAggregator"),
        "the run before mended it: {mended}"
    );
    let announced = "CapacityRegistry.setAggregator(OffchainAggregator) is announced";
    assert!(mended.contains(announced), "{mended}");
    let text = stage.status(&[]).await.succeeded();
    assert!(!text.contains("WRONG"), "{text}");
    let announced = "announced: CapacityRegistry.setAggregator(OffchainAggregator)";
    assert!(text.contains(announced), "{text}");
    stage.devnet.advance_time(NOTICE).unwrap();
    stage.devnet.mine(1).unwrap();
    let text = stage.status(&[]).await.succeeded();
    assert!(
        !text.contains("WRONG") && !text.contains("announced: "),
        "{text}"
    );
}

/// `[1/82]`, `[2/82]` and so on, also where a step was done already.
fn assert_says_every_step(output: &str) {
    let mut steps: Vec<(usize, usize)> = output.lines().filter_map(counter).collect();
    steps.dedup();
    let count = steps.first().expect("a step").1;
    let all: Vec<_> = (1..=count).map(|step| (step, count)).collect();
    assert_eq!(steps, all, "{output}");
}

fn counter(line: &str) -> Option<(usize, usize)> {
    let (counter, _) = line.strip_prefix('[')?.split_once(']')?;
    let (step, count) = counter.split_once('/')?;
    Some((step.parse().ok()?, count.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_is_continued() {
    let stage = Stage::with_superfluid().await;
    // Killed again and again, each time further on; what has been sent then is in the midst of anything.
    for lines in [1, 9, 20] {
        let mut child = stage
            .command("deploy", &stage.deploy_args(&[]))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(output.lines().take(lines).count(), lines);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let resumed = stage.deploy(&[]).await.succeeded();
    assert!(!resumed.contains("StakeManager is at"), "{resumed}");
    assert!(resumed.contains("Verified: "), "{resumed}");
    assert_says_every_step(&resumed);
    assert_eq!(creations(&stage.devnet).await, stage.addresses().len());
    assert_follows_schema(&stage.file());
}

/// The worst moment: the transaction is in a block, and nobody said so.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_does_not_repeat_the_transaction() {
    let stage = Stage::with_superfluid().await;
    let cutter = Cutter::start(&stage.url, 6).await;
    let args = stage.deploy_args_at(&cutter.url, &[]);
    let error = stage.run("deploy", &args).await.failed();
    assert_eq!(error.lines().count(), 1, "{error}");
    let file: Value = serde_json::from_str(&stage.text()).unwrap();
    assert!(file["pending"]["transaction"].is_string(), "{file}");
    let before = creations(&stage.devnet).await;
    assert_eq!(before, file["contracts"].as_object().unwrap().len() + 1);
    assert_follows_schema(&stage.file());

    let resumed = stage.deploy(&[]).await.succeeded();
    assert!(
        resumed.contains("of the last run went through"),
        "{resumed}"
    );
    assert_eq!(creations(&stage.devnet).await, stage.addresses().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_built_anew_is_deployed_anew_with_what_hangs_on_it() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&[]).await.succeeded();
    let before = stage.addresses();
    let builds = stage.other_build("pricing-curve");
    let programs = ["--programs", builds.to_str().unwrap()];

    let untouched = stage.deploy(&programs).await.succeeded();
    assert!(
        untouched.contains("Builds that are not what is on the chain: PricingCurve."),
        "{untouched}"
    );
    assert_eq!(stage.addresses(), before);

    let args = [&["--redeploy-changed"][..], &programs].concat();
    let output = stage.deploy(&args).await.succeeded();
    assert!(output.contains("its build has changed"), "{output}");
    let after = stage.addresses();
    let moved: Vec<_> = before
        .iter()
        .filter(|(name, address)| after[*name] != **address)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        moved,
        [
            "economyFactory",
            "lightningRoutingPool",
            "pricingCurve",
            "serviceDirectory"
        ]
    );
    let pools = IBackpressurePool::new(after["backpressurePool"], stage.devnet.provider());
    assert_eq!(
        pools.pricingCurve().call().await.unwrap(),
        after["pricingCurve"]
    );
    let registry = ICapacityRegistry::new(after["capacityRegistry"], stage.devnet.provider());
    let old = registry.authorizedAdapters(before["lightningRoutingPool"]);
    assert!(
        !old.call().await.unwrap(),
        "the old one may still change capacities"
    );
    let again = stage.deploy(&args).await.succeeded();
    assert_eq!(stage.addresses(), after, "{again}");
    assert_follows_schema(&stage.file());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_for_ever_take_both_ends_along() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&[]).await.succeeded();
    let (before, block, file) = (stage.addresses(), stage.devnet.block_number(), stage.text());
    let plan = ["--redeploy", "work-ledger", "--dry-run"];
    let plan = stage.deploy(&plan).await.succeeded();
    for expected in [
        "WorkLedger                 as asked",
        "EscrowBuffer               it is connected to WorkLedger for ever, by connect",
        "BackpressurePool           it is connected to EscrowBuffer for ever, by setEscrowBuffer",
        "Pipeline                   its constructor is given BackpressurePool",
    ] {
        assert!(plan.contains(expected), "{expected} is not in {plan}");
    }
    assert_eq!((stage.devnet.block_number(), stage.text()), (block, file));

    let output = stage
        .deploy(&["--redeploy", "WorkLedger"])
        .await
        .succeeded();
    assert!(output.contains("Verified: "), "{output}");
    let after = stage.addresses();
    assert_ne!(after["escrowBuffer"], before["escrowBuffer"]);
    assert_eq!(after["stakeManager"], before["stakeManager"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_slasher_can_slash_no_more() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&[]).await.succeeded();
    let before = stage.addresses();
    // Interrupted at once, so that an ordinary run has to see it through.
    let cutter = Cutter::start(&stage.url, 1).await;
    let args = stage.deploy_args_at(&cutter.url, &["--redeploy", "completionTracker"]);
    stage.run("deploy", &args).await.failed();
    assert!(!stage.addresses().contains_key("completionTracker"));
    stage.deploy(&[]).await.succeeded();
    let after = stage.addresses();
    assert_ne!(after["economyFactory"], before["economyFactory"]);
    assert_eq!(after["stakeManager"], before["stakeManager"]);
    let stakes = IStakeManager::new(after["stakeManager"], stage.devnet.provider());
    let slasher = |it: &BTreeMap<String, Address>| {
        let call = stakes.authorizedSlashers(it["judge"]);
        async move { call.call().await.unwrap() }
    };
    // Staking is open: the new one needs notice, and the old one is out at once.
    assert!(!slasher(&after).await);
    assert!(!slasher(&before).await);
    let block = stage.devnet.block_number();
    let again = stage.deploy(&[]).await.succeeded();
    let announced = "StakeManager.setSlasher(Judge, true) is announced";
    assert!(again.contains(announced), "{again}");
    assert_eq!(stage.devnet.block_number(), block, "{again}");
    stage.devnet.advance_time(NOTICE).unwrap();
    stage.devnet.mine(1).unwrap();
    assert!(slasher(&after).await);
    let after_notice = stage.deploy(&[]).await.succeeded();
    assert!(!after_notice.contains("is announced"), "{after_notice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_it_costs_and_sends_nothing() {
    let stage = Stage::with_superfluid().await;
    let file = stage.text();
    let block = stage.devnet.block_number();
    let plan = stage.deploy(&["--dry-run"]).await.succeeded();
    for expected in [
        "deploy StakeManager",
        "data fee by ArbWasm",
        "call EscrowBuffer.connect(BackpressurePool, WorkLedger)",
        "Nothing was sent.",
    ] {
        assert!(plan.contains(expected), "{expected} is not in {plan}");
    }
    assert_eq!(stage.devnet.block_number(), block);
    assert_eq!(stage.text(), file);

    // What it says is about what it then takes, and no less.
    let total = plan.rsplit("about ").next().unwrap();
    let estimated: f64 = total.split(' ').next().unwrap().parse().unwrap();
    let ether = || async {
        let balance = stage
            .devnet
            .provider()
            .get_balance(stage.devnet.account(0))
            .await;
        balance.unwrap().to::<u128>() as f64 / 1e18
    };
    let before = ether().await;
    stage.deploy(&[]).await.succeeded();
    let taken = before - ether().await;
    assert!(
        taken <= estimated && taken > 0.5 * estimated,
        "{taken} of {estimated}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn superfluid_comes_along_where_there_is_none() {
    let stage = Stage::empty().await;
    let block = stage.devnet.block_number();
    let plan = stage.deploy(&["--with-superfluid", "--dry-run"]).await;
    assert!(plan
        .succeeded()
        .contains("Superfluid, in some sixty transactions"));
    assert_eq!(stage.devnet.block_number(), block);
    let account = stage.devnet.account(0);
    let before = stage.devnet.provider().get_balance(account).await.unwrap();
    let output = stage.deploy(&["--with-superfluid"]).await.succeeded();
    let after = stage.devnet.provider().get_balance(account).await.unwrap();
    println!("{} wei for all", before - after);
    assert!(output.contains("Verified: "), "{output}");
    let file: Value = serde_json::from_str(&stage.text()).unwrap();
    assert!(file["superfluid"]["host"].is_string());
    assert_follows_schema(&stage.file());
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_offered_everything_or_given_it_at_once() {
    let offered = Stage::with_superfluid().await;
    let heir = offered.devnet.account(1);
    let config = offered.config(&format!("owner = \"{heir}\""));
    let output = offered.deploy(&["--config", &config]).await.succeeded();
    assert!(
        output.contains(&format!("{heir} is to call acceptOwnership()")),
        "{output}"
    );
    let stakes = IStakeManager::new(
        offered.addresses()["stakeManager"],
        offered.devnet.provider(),
    );
    assert_eq!(stakes.pendingOwner().call().await.unwrap(), heir);
    assert_eq!(
        stakes.owner().call().await.unwrap(),
        offered.devnet.account(0)
    );

    let given = Stage::with_superfluid().await;
    let text = format!("owner = \"{heir}\"\nhand_over_at_once = true\nreviewer = \"{heir}\"");
    let config = given.config(&text);
    given.deploy(&["--config", &config]).await.succeeded();
    let stakes = IStakeManager::new(given.addresses()["stakeManager"], given.devnet.provider());
    assert_eq!(stakes.owner().call().await.unwrap(), heir);
    given.deploy(&["--config", &config]).await.succeeded();
    // What is still to be connected is the new owner's to connect.
    let deployer = given.devnet.account(0);
    let config = given.config(&text.replace("reviewer = \"0x7099", "reviewer = \"0x8099"));
    let error = given.deploy(&["--config", &config]).await.failed();
    assert!(
        error.contains(&format!(
            "BackpressurePool belongs to {heir}, and this key is {deployer}"
        )),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_kept_alive() {
    let stage = Stage::with_superfluid().await;
    let only = ["--only", "stake-manager", "capacity-registry"];
    stage.deploy(&only).await.succeeded();
    let keepalive = |days: &'static str| {
        let mut args = stage.key_args(&stage.url);
        args.extend(["--days-left".into(), days.into(), "--deployments".into()]);
        args.push(stage.file().to_str().unwrap().to_owned());
        let stage = &stage;
        async move { stage.run("keepalive", &args).await.succeeded() }
    };
    let young = keepalive("400").await;
    assert!(young.contains("too young to be renewed"), "{young}");
    assert!(young.contains("0 of 2 programs renewed."), "{young}");
    assert!(keepalive("60").await.contains("0 of 2"));

    stage.devnet.advance_time(340 * DAY).unwrap();
    assert!(stage.status(&[]).await.succeeded().contains("25 days left"));
    let renewed = keepalive("60").await;
    assert!(renewed.contains("25 days left: renewed"), "{renewed}");
    assert!(renewed.contains("2 of 2 programs renewed."), "{renewed}");
    assert!(keepalive("60").await.contains("0 of 2"));

    stage.devnet.advance_time(366 * DAY).unwrap();
    assert!(stage
        .status(&[])
        .await
        .succeeded()
        .contains("expired: `bpe keepalive`"));
    let revived = keepalive("1").await;
    assert!(revived.contains("expired: renewed"), "{revived}");
    assert!(stage
        .status(&[])
        .await
        .succeeded()
        .contains("days left, cached"));
}

/// A mistake is one sentence on standard error, exit code 1, and a file and a chain as they were.
#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_one_sentence_and_change_nothing() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&["--only", "stake-manager"]).await.succeeded();
    let (file, block) = (stage.text(), stage.devnet.block_number());
    let refused = |outcome: Outcome, expected: &str| {
        let error = outcome.failed();
        assert!(error.contains(expected), "{expected:?} is not in {error:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(stage.devnet.block_number(), block);
    };
    let key = stage.path("key");
    let mut elsewhere = stage.deploy_args_at("http://127.0.0.1:9/v2/SECRET", &[]);
    let outcome = stage.run("deploy", &elsewhere).await;
    assert!(!outcome.stderr.contains("SECRET"), "{}", outcome.stderr);
    refused(
        outcome,
        "no chain answers at http://127.0.0.1:9: is the endpoint right",
    );
    elsewhere[1] = "nonsense".to_owned();
    refused(
        stage.run("deploy", &elsewhere).await,
        "nonsense has no http:// in front: write http://nonsense",
    );
    elsewhere[1] = "localhost:8545".to_owned();
    refused(
        stage.run("deploy", &elsewhere).await,
        "write http://localhost:8545",
    );
    elsewhere[1] = "http://".to_owned();
    refused(stage.run("deploy", &elsewhere).await, "is no URL");

    for (args, expected) in [
        (
            vec!["--only", "stake-manger"],
            "there is no contract \"stake-manger\" in the suite",
        ),
        (
            vec!["--redeploy", "pipeline"],
            "Pipeline is not deployed on chain 31337",
        ),
        (
            vec!["--only", "pipeline"],
            "Pipeline needs BackpressurePool, which is not deployed",
        ),
        (vec!["--config", "no-such-file"], "cannot read no-such-file"),
        (
            vec!["--programs", "/nonexistent"],
            "run `cargo xtask build`",
        ),
    ] {
        refused(stage.deploy(&args).await, expected);
    }
    for (text, expected) in [
        ("stake_token = 1", "unknown field `stake_token`"),
        ("chain_id = 42161", "the configuration is for chain 42161 (`chain_id`), and the endpoint is chain 31337"),
        ("[stake]\nunit = \"many\"", "`stake.unit` is \"many\", which is no amount"),
        ("[stake]\ncap_curve = \"cubic\"", "`stake.cap_curve` is \"cubic\""),
        ("super_token = \"0x0000000000000000000000000000000000001234\"", "`super_token` is 0x0000000000000000000000000000000000001234, where chain 31337 has no contract"),
        ("[domains]\nreputation = false", "set `domains.reputation` to true"),
    ] {
        let config = stage.config(text);
        refused(stage.deploy(&["--config", &config]).await, expected);
    }

    let builds = stage.other_build("capacity-registry");
    fs::write(builds.join("capacity-registry.code"), vec![0xef; 24_577]).unwrap();
    let large = [
        "--only",
        "capacity-registry",
        "--programs",
        builds.to_str().unwrap(),
    ];
    refused(
        stage.deploy(&large).await,
        "CapacityRegistry has 24577 bytes of code",
    );

    fs::write(&key, "0x1234").unwrap();
    refused(
        stage.deploy(&[]).await,
        "is no private key: it should hold 0x and 64 hex digits",
    );
    let poor = PrivateKeySigner::from_slice(&[7; 32]).unwrap();
    fs::write(&key, poor.to_bytes().to_string()).unwrap();
    refused(
        stage.deploy(&[]).await,
        &format!(
            "{} has 0.000000000000000000 ETH, and this takes about",
            poor.address()
        ),
    );
    stage.write_key(0);
    assert_eq!(stage.text(), file);

    // Files that are not what they should be.
    let (half, _) = file.split_at(file.len() / 2);
    let other_chain = file.replace("31337", "42161");
    let unknown = file.replace("\"stakeManager\"", "\"stakeKeeper\"");
    let moved = file.replace(
        &stage.addresses()["stakeManager"].to_string(),
        &Address::repeat_byte(3).to_string(),
    );
    for (text, expected) in [
        (
            half,
            "is damaged, or does not follow deployments/schema.json",
        ),
        (
            &other_chain,
            "says that it is of chain 42161, and the endpoint is chain 31337",
        ),
        (&unknown, "unknown contract stakeKeeper"),
        (&moved, "but there is no code there. The endpoint may be behind: try again. A devnet that was killed"),
    ] {
        fs::write(stage.file(), text).unwrap();
        refused(stage.deploy(&[]).await, expected);
        assert_eq!(stage.text(), *text);
    }
    fs::write(stage.file(), &other_chain).unwrap();
    refused(
        stage.status(&[]).await,
        "is of chain 42161, and the endpoint is chain 31337",
    );
    fs::remove_file(stage.file()).unwrap();
    refused(stage.status(&[]).await, "deploy with `bpe deploy` first");
    // Without Superfluid's addresses from anywhere.
    refused(
        stage.deploy(&[]).await,
        "the configuration lacks `demurrage.underlying`, `stake.token`, `super_token`, `superfluid.gda`",
    );
    assert!(!stage.file().exists());
}

/// What is sent to an address without code is lost.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_spent_where_nothing_can_be_created() {
    let stage = Stage::with_superfluid().await;
    let provider = stage.devnet.provider();
    let deployer = provider.get_code_at(STYLUS_DEPLOYER).await.unwrap();
    stage.devnet.set_code(STYLUS_DEPLOYER, Bytes::new());
    let before = (stage.text(), stage.devnet.block_number());
    for args in [
        &["--only", "stake-manager"][..],
        &["--only", "stake-manager", "--dry-run"],
    ] {
        let error = stage.deploy(args).await.failed();
        assert!(
            error.contains("chain 31337 has no StylusDeployer at"),
            "{error}"
        );
        assert_eq!((stage.text(), stage.devnet.block_number()), before);
    }
    stage.devnet.set_code(STYLUS_DEPLOYER, deployer);
    stage.deploy(&["--only", "stake-manager"]).await.succeeded();
}

/// A record of a transaction that is in a block and created nothing does not stand in the way for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_mined_transaction_that_created_nothing_is_not_waited_for() {
    let stage = Stage::with_superfluid().await;
    let pay = TransactionRequest::default()
        .to(Address::repeat_byte(9))
        .from(stage.devnet.account(1));
    let sent = stage.devnet.provider().send_transaction(pay).await;
    let hash = *sent.unwrap().tx_hash();
    let mut file: Value = serde_json::from_str(&stage.text()).unwrap();
    file["pending"] = json!({
        "transaction": hash,
        "deploy": {"name": "stakeManager", "codeHash": hash, "constructor": []},
    });
    fs::write(stage.file(), file.to_string()).unwrap();
    let output = stage.deploy(&["--only", "stake-manager"]).await.succeeded();
    assert!(output.contains("created nothing"), "{output}");
    assert!(stage.addresses().contains_key("stakeManager"));
}

/// Every devnet is chain 31337: what one has recorded is not taken for another's.
#[tokio::test(flavor = "multi_thread")]
async fn chains_with_one_id_have_files_of_their_own() {
    let first = Stage::with_superfluid().await;
    first.deploy(&["--only", "stake-manager"]).await.succeeded();
    let recorded = first.text();
    let json: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(json["instance"], json!(first.devnet.instance()));
    let address = json["contracts"]["stakeManager"]["address"]
        .as_str()
        .unwrap();
    assert_eq!(address, address.parse::<Address>().unwrap().to_string());

    let second = Stage::of_another_instance().await;
    let folder = first.file().parent().unwrap().to_str().unwrap().to_owned();
    let mut args = second.deploy_args(&["--only", "stake-manager", "--dry-run"]);
    let out = args.iter().position(|it| it == "--out").unwrap();
    args[out + 1] = folder;
    // It has no Superfluid in that folder, and the other chain's file stays as it is.
    let error = second.run("deploy", &args).await.failed();
    assert!(error.contains("the configuration lacks"), "{error}");
    assert!(error.contains("where it was started"), "{error}");
    assert_eq!(first.text(), recorded);
    let file = first.file().to_str().unwrap().to_owned();
    let status = ["--rpc", &second.url, "--deployments", &file];
    let error = second.run("status", &status).await.failed();
    assert!(error.contains("is of another chain 31337"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_stylus_is_told_in_one_sentence() {
    let anvil = tools_dir().unwrap().join("bin/anvil");
    let anvil = Anvil::at(anvil).chain_id(31_337).spawn();
    let stage = Stage::with_superfluid().await;
    stage.deploy(&["--only", "stake-manager"]).await.succeeded();
    let (url, file) = (anvil.endpoint(), stage.file());
    let file = file.to_str().unwrap();
    let status = ["--rpc", &url, "--deployments", file];
    let mut keepalive = stage.key_args(&url);
    keepalive.extend(["--deployments".to_owned(), file.to_owned()]);
    for outcome in [
        stage.run("deploy", &stage.deploy_args_at(&url, &[])).await,
        stage.run("status", &status).await,
        stage.run("keepalive", &keepalive).await,
    ] {
        let error = outcome.failed();
        assert!(
            error.contains("chain 31337 does not run Stylus programs"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// Calls, events and errors by name, from the chain's own trace.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_traced_by_name() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&["--only", "stake-manager"]).await.succeeded();
    let stakes = IStakeManager::new(stage.addresses()["stakeManager"], stage.devnet.provider());
    let trace = |hash: B256, more: &'static [&'static str]| {
        let (hash, file) = (hash.to_string(), stage.file());
        let stage = &stage;
        async move {
            let file = file.to_str().unwrap();
            let mut args = vec![&*hash, "--rpc", &stage.url, "--deployments", file];
            args.extend(more);
            stage.run("trace", &args).await
        }
    };
    let open = stakes.open().send().await.unwrap();
    open.get_receipt().await.unwrap();
    // Nothing approved: the token refuses.
    let call = stakes.stake(U256::from(10).pow(U256::from(21)));
    let sent = call.gas(3_000_000).send().await.unwrap();
    let hash = *sent.tx_hash();
    let text = trace(hash, &[]).await.succeeded();
    for expected in [
        "REVERTED",
        "StakeManager.stake(amount: 1000000000000000000000)",
        "STAKE.transferFrom(",
        "! ERC20InsufficientAllowance(",
        "! SafeERC20FailedOperation(token: ",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    // What is behind a proxy is its own.
    let record: Value = serde_json::from_str(&stage.text()).unwrap();
    let usdcx: Address = record["superfluid"]["usdcx"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let usdcx = ISuperToken::new(usdcx, stage.devnet.provider());
    let call = usdcx.transfer(stage.devnet.account(1), U256::from(10).pow(U256::from(30)));
    let hash = *call.gas(3_000_000).send().await.unwrap().tx_hash();
    let text = trace(hash, &[]).await.succeeded();
    for expected in ["USDCx.transfer(", "! SF_TOKEN_MOVE_INSUFFICIENT_BALANCE()"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert!(!text.contains("[delegatecall]"), "{text}");
    let full = trace(hash, &["--full"]).await.succeeded();
    assert!(full.contains("[delegatecall]"), "{full}");
    assert!(full.contains("Superfluid.getNow()"), "{full}");
    let call = stakes.setSlasher(Address::repeat_byte(5), true);
    let hash = *call.send().await.unwrap().tx_hash();
    let text = trace(hash, &[]).await.succeeded();
    assert!(text.contains("succeeded"), "{text}");
    assert!(text.contains("StakeManager.setSlasher("), "{text}");
    assert!(text.contains("emit StakeManager."), "{text}");

    let unknown = trace(B256::repeat_byte(1), &[]).await.failed();
    assert!(unknown.contains("has no transaction 0x0101"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_from_files_keystores_or_the_environment_and_are_never_shown() {
    let stage = Stage::with_superfluid().await;
    // The key and password of the test vector of the Web3 Secret Storage definition.
    const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    let keystore = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keystore.json");
    let holder: PrivateKeySigner = KEY.parse().unwrap();
    stage
        .devnet
        .set_balance(holder.address(), U256::from(10).pow(U256::from(18)));
    let out = stage.file().parent().unwrap().to_str().unwrap().to_owned();
    let run = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = stage.command(
            "deploy",
            &[
                "--rpc",
                &stage.url,
                "--out",
                &out,
                "--dry-run",
                "--only",
                "stake-manager",
            ],
        );
        command.args(args).envs(env.iter().copied());
        common::finish(command)
    };
    let store = keystore.to_str().unwrap();
    let password = stage.path("password");
    fs::write(&password, "testpassword\n").unwrap();
    let opened = [
        run(
            &["--keystore", store],
            &[("BPE_KEYSTORE_PASSWORD", "testpassword")],
        )
        .await,
        run(
            &[
                "--keystore",
                store,
                "--password-file",
                password.to_str().unwrap(),
            ],
            &[],
        )
        .await,
        run(&[], &[("BPE_PRIVATE_KEY", KEY)]).await,
    ];
    for outcome in opened {
        let all = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(
            !all.contains(&KEY[2..]) && !all.contains("testpassword"),
            "{all}"
        );
        let output = outcome.succeeded();
        assert!(output.contains(&holder.address().to_string()), "{output}");
    }
    let wrong = run(
        &["--keystore", store],
        &[("BPE_KEYSTORE_PASSWORD", "wrong")],
    )
    .await;
    assert!(wrong.failed().contains("is the password right?"));
    let locked = run(&["--keystore", store], &[]).await.failed();
    assert!(locked.contains("the keystore has a password"), "{locked}");
    let none = run(&[], &[]).await.failed();
    assert!(none.contains("there is no key to sign with"), "{none}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::with_superfluid().await;
    let args = ["--dry-run", "--only", "stake-manager"];
    let quiet = stage.deploy(&args).await;
    assert_eq!(quiet.stderr, "");
    fs::set_permissions(stage.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let warned = stage.deploy(&args).await;
    assert!(
        warned.stderr.starts_with("Warning: other users"),
        "{}",
        warned.stderr
    );
    warned.succeeded();
}

impl Stage {
    /// A folder with all built programs, of which `package` is another build: it does the same, and its code differs.
    fn other_build(&self, package: &str) -> PathBuf {
        let folder = self.path("programs");
        fs::create_dir(&folder).unwrap();
        for entry in fs::read_dir(bpe::programs::directory()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "code") {
                fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
        let path = folder.join(package).with_extension("code");
        let mut wasm = code::decode(&fs::read(&path).unwrap()).unwrap();
        // A custom section named "x", which means nothing.
        wasm.extend([0, 3, 1, b'x', 1]);
        fs::write(&path, code::encode(&wasm)).unwrap();
        folder
    }
}

/// The suite answers the reference's views with the reference's values: enumerations, units, constants and names of
/// `tests/fixtures/reference-values.json`, read by `bpe migrate-check` as of any deployment.
#[tokio::test(flavor = "multi_thread")]
async fn every_value_is_that_of_the_solidity_deployment() {
    let stage = Stage::with_superfluid().await;
    stage.deploy(&[]).await.succeeded();
    let values = bpe::migrate::reference_values();
    let mut contracts: Vec<_> = values.iter().map(|it| it.contract.clone()).collect();
    contracts.extend(bpe::migrate::reference_domains().into_keys());
    let deployed = stage.addresses();
    let mut file = serde_json::Map::new();
    for name in contracts {
        let found = deployed.iter().find(|it| it.0.eq_ignore_ascii_case(&name));
        let (_, address) = found.unwrap_or_else(|| panic!("{name} is not deployed"));
        file.insert(name, json!(address));
    }
    let path = stage.path("solidity.json");
    fs::write(&path, Value::from(file).to_string()).unwrap();
    let arguments = |from: &Path| {
        let from = from.to_str().unwrap();
        ["--rpc", &stage.url, "--from", from, "--json"].map(str::to_owned)
    };
    let report = stage.run("migrate-check", &arguments(&path)).await;
    let report: Value = serde_json::from_str(&report.succeeded()).unwrap();
    let noticed = report["noticed"].as_array().unwrap().iter();
    let differ: Vec<_> = noticed.filter(|it| it["guide"] == "constants").collect();
    // An execution alone makes no reputation here: that is told, and nothing else of the kind.
    let points = "readers of OpenClawReputationBridge.COMPLETION_POINTS()";
    assert_eq!(differ.len(), 1, "{differ:#?}");
    assert_eq!(differ[0]["who"], points, "{differ:#?}");
    let silent = report["unanswered"].as_array().unwrap();
    assert!(silent.is_empty(), "{silent:#?}");
    let same = report["same"].as_array().unwrap().len();
    assert_eq!(
        same + differ.len(),
        values.len() + bpe::migrate::reference_domains().len()
    );

    // What is no addresses file is said in a sentence.
    let error = stage
        .run("migrate-check", &arguments(&stage.path("none.json")))
        .await;
    assert!(error.failed().contains("cannot read the addresses file"));
    fs::write(&path, r#"{"stakemanager": "0x12"}"#).unwrap();
    let error = stage.run("migrate-check", &arguments(&path)).await.failed();
    assert!(error.contains("which is no address"), "{error}");
}
