//! `bpe migrate-check` reads a Solidity deployment: contracts that solc compiled, which answer as the reference's views do.

use std::net::{Ipv4Addr, SocketAddr};

use alloy::primitives::Address;
use bpe::{
    deploy::Chain,
    migrate::{check, differences, Deployment, Report},
};
use bpe_tests::solidity;
use devnet::Devnet;
use serde_json::json;

const CONTRACTS: [&str; 5] = [
    "StakeManager",
    "CapacityRegistry",
    "CompletionTracker",
    "ReputationLedger",
    "DemurrageToken",
];

/// What is carried over of a view, and where to.
fn carried<'a>(list: &'a [bpe::migrate::Carried], view: &str) -> (&'a str, &'a str) {
    let found = list.iter().find(|it| it.view == view);
    let it = found.unwrap_or_else(|| panic!("no {view} in {list:?}"));
    (&it.value, &it.way)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solidity_deployment_is_read_and_compared() {
    let devnet = Devnet::new().unwrap();
    let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = devnet.serve(free_port).await.unwrap();
    let mut addresses = serde_json::Map::new();
    for name in CONTRACTS {
        let compiled = solidity::compile("SolidityDeployment.sol", name).await;
        let address = solidity::deploy(&devnet.provider(), &compiled, &[]).await;
        addresses.insert(name.to_owned(), json!(address));
    }
    addresses.insert(
        "taskTypes".to_owned(),
        json!(["code-completion", "unknown"]),
    );
    let file = serde_json::Value::from(addresses).to_string();
    let chain = Chain::connect(&server.http_url(), None).await.unwrap();
    let deployment = Deployment::parse(&file).unwrap();
    let report = check(&chain, &deployment).await.unwrap();

    // Parameters, and where they go.
    for (view, value, way) in [
        (
            "StakeManager.minSinkStake()",
            "150000000000000000000",
            "stake.minimum",
        ),
        (
            "StakeManager.STAKE_UNIT()",
            "2000000000000000000",
            "stake.unit",
        ),
        ("DemurrageToken.name()", "Local Hours", "demurrage.name"),
        (
            "DemurrageToken.decayRate()",
            "634195839",
            "demurrage.decay_rate",
        ),
    ] {
        assert_eq!(carried(&report.configured, view), (value, way));
    }
    let token = Address::left_padding_from(&[0x57, 0x57]).to_string();
    let (read, _) = carried(&report.configured, "StakeManager.STAKE_TOKEN()");
    assert_eq!(read, token);
    let of_type = |list: &[bpe::migrate::Carried]| {
        let found = list.iter().filter(|it| it.task_type.is_some());
        let found = found.map(|it| (it.task_type.clone().unwrap(), it.value.clone()));
        found.collect::<Vec<_>>()
    };
    let code = || "code-completion".to_owned();
    let min_stake = "300000000000000000000".to_owned();
    assert_eq!(of_type(&report.configured), [(code(), min_stake)]);
    let capacity = "420000000000".to_owned();
    assert_eq!(
        of_type(&report.stays),
        [(code(), "7".to_owned()), (code(), capacity)]
    );

    // Constants: 3 of the registry, 7 of the tracker with its domain, 2 of the ledger, 2 of the token.
    assert_eq!(report.same.len(), 3 + 8 + 2 + 2, "{:?}", report.same);
    let constants = |report: &Report| {
        let noticed = report.noticed.iter().filter(|it| it.guide == "constants");
        noticed
            .map(|it| (it.who.clone(), it.what.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        constants(&report),
        [(
            "readers of ReputationLedger.NEGATIVE_WEIGHT()".to_owned(),
            "it is 2 there, and 3 here".to_owned()
        )]
    );
    // What does not answer is said: the other task type, three views of it, and the discount.
    let silent: Vec<_> = report
        .unanswered
        .iter()
        .map(|it| it.view.as_str())
        .collect();
    let registry = "CapacityRegistry.getTaskType(bytes32)";
    let discount = "ReputationLedger.MAX_DISCOUNT_BPS()";
    assert_eq!(silent, [registry, registry, registry, discount]);

    // Who notices: those of contracts that are there, and no others.
    let lines = differences();
    let there = lines
        .iter()
        .filter(|it| it.contract == "*" || CONTRACTS.contains(&&*it.contract));
    let known: Vec<_> = there.map(|it| it.id.clone()).collect();
    let noticed = report.noticed.iter().filter(|it| it.guide != "constants");
    let noticed: Vec<_> = noticed.map(|it| it.guide.clone()).collect();
    assert_eq!(noticed, known);
    assert!(known.contains(&"reveal-later".to_owned()));
    assert!(!known.contains(&"route-data".to_owned()));

    let text = report.to_string();
    for expected in [
        "Solidity deployment on chain 31337",
        "StakeManager.minSinkStake() = 150000000000000000000: stake.minimum",
        "CapacityRegistry.getTaskType(bytes32) = 300000000000000000000 of code-completion",
        "it is 2 there, and 3 here",
        "[completion-epochs]",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }

    // What is not there is named.
    let nowhere = Address::repeat_byte(0x77);
    let file = json!({ "EscrowBuffer": nowhere }).to_string();
    let missing = check(&chain, &Deployment::parse(&file).unwrap()).await;
    let error = missing.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("there is no contract at {nowhere}, where EscrowBuffer is to be, on chain 31337")
    );
}
