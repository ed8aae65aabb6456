//! What clients that follow the chain have to cope with: reorganisations, reverts, and faulty endpoints.

mod common;

use std::time::{Duration, Instant};

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, U256},
    providers::Provider,
    rpc::types::{Header, Log, TransactionRequest},
};
use common::*;
use devnet::{Devnet, Displaced, Faults};
use serde::de::DeserializeOwned;
use serde_json::{json, value::RawValue, Value};
use tokio::time::timeout;

/// A chain with a contract that logs the word it is given.
async fn with_store() -> (Devnet, Address) {
    let devnet = Devnet::new().unwrap();
    let create = TransactionRequest::default().with_deploy_code(store());
    let sent = devnet.provider().send_transaction(create).await.unwrap();
    let store = sent.get_receipt().await.unwrap().contract_address.unwrap();
    (devnet, store)
}

async fn log(devnet: &Devnet, store: Address, value: u64) -> B256 {
    let call = TransactionRequest::default()
        .with_from(devnet.account(1))
        .with_to(store)
        .with_input(word(value));
    let sent = devnet.provider().send_transaction(call).await.unwrap();
    *sent.tx_hash()
}

/// The words that logs carry, and whether they are gone.
fn words(logs: &[Log]) -> Vec<(u64, bool)> {
    let words = logs.iter().map(|log| {
        let word: U256 = log.topics()[0].into();
        (word.to(), log.removed)
    });
    words.collect()
}

async fn changes(devnet: &Devnet, filter: &Value) -> Vec<Log> {
    let changes = rpc(devnet, "eth_getFilterChanges", json!([filter])).await;
    serde_json::from_value(changes.unwrap()).unwrap()
}

#[tokio::test]
async fn filters_report_what_a_reorganisation_takes_and_gives() {
    let (devnet, store) = with_store().await;
    let logs = rpc(&devnet, "eth_newFilter", json!([{"address": store}]))
        .await
        .unwrap();
    let blocks = rpc(&devnet, "eth_newBlockFilter", json!([])).await.unwrap();
    for value in 1..=3 {
        log(&devnet, store, value).await;
    }
    assert_eq!(
        words(&changes(&devnet, &logs).await),
        [(1, false), (2, false), (3, false)]
    );
    let hashes = |value: Value| serde_json::from_value::<Vec<B256>>(value).unwrap();
    let seen = hashes(
        rpc(&devnet, "eth_getFilterChanges", json!([blocks]))
            .await
            .unwrap(),
    );
    assert_eq!(seen.len(), 3);

    // The two newest blocks are replaced, and their transactions run in the second new one.
    devnet.reorganise(2, Displaced::Last).unwrap();
    let changed = changes(&devnet, &logs).await;
    assert_eq!(
        words(&changed),
        [(3, true), (2, true), (2, false), (3, false)]
    );
    // What is gone is told by the block that is gone.
    assert_eq!(changed[0].block_hash, Some(seen[2]));
    assert_eq!(changed[1].block_hash, Some(seen[1]));
    assert_eq!(changed[2].block_number, Some(4));
    let new = hashes(
        rpc(&devnet, "eth_getFilterChanges", json!([blocks]))
            .await
            .unwrap(),
    );
    assert_eq!(new.len(), 2);
    assert!(!new.iter().any(|hash| seen.contains(hash)));
    for hash in &seen[1..] {
        let block = rpc(&devnet, "eth_getBlockByHash", json!([hash, false])).await;
        assert_eq!(block.unwrap(), Value::Null);
    }
    assert_eq!(changes(&devnet, &logs).await, []);

    // The state is that of the new chain.
    devnet.reorganise(2, Displaced::Drop).unwrap();
    assert_eq!(
        words(&changes(&devnet, &logs).await),
        [(3, true), (2, true)]
    );
    let read = TransactionRequest::default().with_to(store);
    assert_eq!(devnet.provider().call(read).await.unwrap(), word(1));
    let error = devnet.reorganise(9, Displaced::Drop).unwrap_err();
    assert!(error.to_string().contains("9 blocks"), "{error}");
}

#[tokio::test]
async fn displaced_transactions_wait_again_if_asked() {
    let (devnet, store) = with_store().await;
    let hash = log(&devnet, store, 7).await;
    rpc(&devnet, "evm_setAutomine", json!([false]))
        .await
        .unwrap();
    rpc(
        &devnet,
        "devnet_reorg",
        json!([{"depth": 1, "transactions": "pool"}]),
    )
    .await
    .unwrap();
    let receipt = rpc(&devnet, "eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt.unwrap(), Value::Null);
    devnet.mine(1).unwrap();
    let receipt = rpc(&devnet, "eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt.unwrap()["blockNumber"], "0x3");
    let refused = rpc(
        &devnet,
        "devnet_reorg",
        json!([{"depth": 1, "transaction": 5}]),
    )
    .await;
    assert!(refused.unwrap_err()["message"]
        .as_str()
        .unwrap()
        .contains("transaction"));
}

#[tokio::test]
async fn kept_transactions_keep_their_places() {
    let (devnet, store) = with_store().await;
    let hash = log(&devnet, store, 7).await;
    let provider = devnet.provider();
    let before = provider
        .get_transaction_receipt(hash)
        .await
        .unwrap()
        .unwrap();
    devnet.reorganise(1, Displaced::Keep).unwrap();
    let after = provider
        .get_transaction_receipt(hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(before.block_number, after.block_number);
    assert_ne!(before.block_hash, after.block_hash);
    // The fork is saved with the chain.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.json");
    devnet.save(&file).unwrap();
    let again = Devnet::builder().state_file(file).build().unwrap();
    let loaded = again.provider().get_transaction_receipt(hash).await;
    assert_eq!(loaded.unwrap().unwrap().block_hash, after.block_hash);
}

/// What a subscription in process reports.
struct Subscription(tokio::sync::mpsc::Receiver<Box<RawValue>>);

impl Subscription {
    async fn new(devnet: &Devnet, params: Value) -> Self {
        let request =
            json!({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": params});
        let methods = devnet.methods();
        let started = methods.raw_json_request(&request.to_string(), 100).await;
        Self(started.unwrap().1)
    }

    async fn next<T: DeserializeOwned>(&mut self) -> T {
        let message = timeout(Duration::from_secs(20), self.0.recv()).await;
        let message = message.expect("a notification").unwrap();
        let mut message: Value = serde_json::from_str(message.get()).unwrap();
        serde_json::from_value(message["params"]["result"].take()).unwrap()
    }
}

#[tokio::test]
async fn subscribers_hear_of_reverts_and_reorganisations() {
    let (devnet, store) = with_store().await;
    let mut logs = Subscription::new(&devnet, json!(["logs", {"address": store}])).await;
    let mut heads = Subscription::new(&devnet, json!(["newHeads"])).await;
    let snapshot = devnet.snapshot();
    log(&devnet, store, 1).await;
    assert_eq!(words(&[logs.next().await]), [(1, false)]);
    assert_eq!(heads.next::<Header>().await.number, 2);
    assert!(devnet.revert(snapshot));
    assert_eq!(words(&[logs.next().await]), [(1, true)]);
    assert_eq!(heads.next::<Header>().await.number, 1);

    log(&devnet, store, 2).await;
    assert_eq!(words(&[logs.next().await]), [(2, false)]);
    let old = heads.next::<Header>().await;
    devnet.reorganise(1, Displaced::Drop).unwrap();
    assert_eq!(words(&[logs.next().await]), [(2, true)]);
    let new = heads.next::<Header>().await;
    assert_eq!((old.number, new.number), (2, 2));
    assert_ne!(old.hash, new.hash);
}

#[tokio::test]
async fn filters_report_a_revert() {
    let (devnet, store) = with_store().await;
    let snapshot = devnet.snapshot();
    log(&devnet, store, 1).await;
    let logs = rpc(&devnet, "eth_newFilter", json!([{"address": store}]))
        .await
        .unwrap();
    let blocks = rpc(&devnet, "eth_newBlockFilter", json!([])).await.unwrap();
    devnet.revert(snapshot);
    assert_eq!(words(&changes(&devnet, &logs).await), [(1, true)]);
    let head = devnet
        .provider()
        .get_block(Default::default())
        .await
        .unwrap();
    let heads = rpc(&devnet, "eth_getFilterChanges", json!([blocks])).await;
    assert_eq!(heads.unwrap(), json!([head.unwrap().header.hash]));
}

#[tokio::test]
async fn heads_drift_and_stop() {
    let devnet = Devnet::new().unwrap();
    devnet.mine(10).unwrap();
    let set = |faults: Value| {
        let devnet = devnet.clone();
        async move { rpc(&devnet, "devnet_setFaults", json!([faults])).await }
    };
    set(json!({"headDrift": 3, "seed": 7})).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        seen.insert(number(
            &rpc(&devnet, "eth_blockNumber", json!([])).await.unwrap(),
        ));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [7, 8, 9, 10]);

    set(json!({"frozen": true})).await.unwrap();
    let from = devnet.account(0);
    let tx = json!([{"from": from, "to": from}]);
    let hash = rpc(&devnet, "eth_sendTransaction", tx).await.unwrap();
    let receipt = rpc(&devnet, "eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt.unwrap(), Value::Null);
    let head = rpc(&devnet, "eth_blockNumber", json!([])).await.unwrap();
    assert_eq!((number(&head), devnet.block_number()), (10, 11));
    set(json!({})).await.unwrap();
    let receipt = rpc(&devnet, "eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt.unwrap()["blockNumber"], "0xb");
    let faults = rpc(&devnet, "devnet_faults", json!([])).await.unwrap();
    assert_eq!(faults, serde_json::to_value(Faults::default()).unwrap());
    let wrong = set(json!({"headDrfit": 3})).await.unwrap_err();
    assert!(wrong["message"].as_str().unwrap().contains("headDrfit"));
}

#[tokio::test]
async fn wide_ranges_and_single_requests_fail_on_request() {
    let (devnet, store) = with_store().await;
    for value in 1..=5 {
        log(&devnet, store, value).await;
    }
    let logs = |from: u64, to: u64| {
        let params = json!([{
            "address": store, "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
        }]);
        rpc(&devnet, "eth_getLogs", params)
    };
    let faults = json!({
        "maxLogRange": 3,
        "maxLogs": 2,
        "failures": {"eth_gasPrice": {"times": 1, "code": -32603, "message": "upstream is away"}},
    });
    rpc(&devnet, "devnet_setFaults", json!([faults]))
        .await
        .unwrap();
    assert_eq!(logs(0, 2).await.unwrap().as_array().unwrap().len(), 1);
    let wide = logs(0, 3).await.unwrap_err();
    assert_eq!(wide["code"], -32005);
    assert_eq!(wide["message"], "query exceeds max block range 3");
    let many = logs(2, 4).await.unwrap_err();
    assert_eq!(many["message"], "query returned more than 2 results");
    let price = rpc(&devnet, "eth_gasPrice", json!([])).await.unwrap_err();
    assert_eq!(price["message"], "upstream is away");
    assert!(rpc(&devnet, "eth_gasPrice", json!([])).await.is_ok());
    let faults = json!({"failures": {"eth_gasPrice": {"percent": 101}}});
    let wrong = rpc(&devnet, "devnet_setFaults", json!([faults])).await;
    assert!(wrong.unwrap_err()["message"]
        .as_str()
        .unwrap()
        .contains("101"));
}

#[tokio::test]
async fn answers_are_late_on_request() {
    let devnet = Devnet::new().unwrap();
    let faults = Faults {
        latency: 80,
        ..Faults::default()
    };
    devnet.set_faults(faults).unwrap();
    let start = Instant::now();
    rpc(&devnet, "eth_chainId", json!([])).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn time_flies_at_any_speed() {
    let devnet = Devnet::builder()
        .system_time()
        .speed(1_000)
        .build()
        .unwrap();
    let mined = |devnet: &Devnet| {
        devnet.mine(1).unwrap();
        devnet.timestamp()
    };
    let start = (Instant::now(), mined(&devnet));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (elapsed, passed) = (start.0.elapsed(), mined(&devnet) - start.1);
    let expected = elapsed.as_millis() as u64;
    assert!(
        (290..=expected + 200).contains(&passed),
        "{passed} s in {elapsed:?}"
    );
    // A chain that is saved goes on from its time.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.json");
    devnet.save(&file).unwrap();
    let again = Devnet::builder()
        .system_time()
        .state_file(&file)
        .build()
        .unwrap();
    let (latest, next) = (again.timestamp(), mined(&again));
    assert!(
        (latest..latest + 10).contains(&next),
        "{next} after {latest}"
    );

    // Blocks come at intervals of the chain's time.
    let devnet = Devnet::builder().system_time().speed(100).build().unwrap();
    devnet.mine_every(Some(Duration::from_secs(5))).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while devnet.block_number() < 3 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    devnet.mine_every(None).unwrap();
}
