//! Whatever is asked, there is an answer, and the next question is answered too.

mod common;

use alloy::primitives::{Address, B256};
use common::*;
use devnet::Devnet;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{json, Value};

/// Something JSON, with a leaning towards what RPC parameters look like.
fn parameter() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        any::<u64>().prop_map(|number| json!(format!("{number:#x}"))),
        any::<[u8; 20]>().prop_map(|bytes| json!(Address::from(bytes))),
        (0u8..=0x80).prop_map(|byte| json!(Address::with_last_byte(byte))),
        any::<[u8; 32]>().prop_map(|bytes| json!(B256::from(bytes))),
        proptest::collection::vec(any::<u8>(), 0..80)
            .prop_map(|bytes| json!(alloy::primitives::Bytes::from(bytes))),
        prop_oneof![
            Just("latest"),
            Just("pending"),
            Just("earliest"),
            Just("safe"),
            Just("0x0"),
            Just("0x1")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof![
            Just("from"),
            Just("to"),
            Just("data"),
            Just("input"),
            Just("value"),
            Just("gas"),
            Just("gasPrice"),
            Just("nonce"),
            Just("fromBlock"),
            Just("toBlock"),
            Just("address"),
            Just("topics"),
            Just("blockHash"),
            Just("maxFeePerGas"),
            Just("type"),
            Just("accessList"),
            Just("tracer"),
            Just("blocks"),
            Just("timestamp"),
            Just("code"),
            Just("state"),
            Just("stateDiff"),
            Just("balance"),
        ]
        .prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn no_request_breaks_the_node() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let devnet = Devnet::new().unwrap();
    runtime.block_on(devnet.deploy_evm(store())).unwrap();
    // Subscriptions need a connection.
    let mut names: Vec<&str> = devnet
        .methods()
        .method_names()
        .filter(|name| !name.ends_with("subscribe"))
        .collect();
    names.sort_unstable();
    assert!(names.len() > 60, "{} methods", names.len());
    let request = (
        proptest::sample::select(names),
        proptest::collection::vec(parameter(), 0..4),
    );
    let start = devnet.snapshot();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3_000,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&request, |(method, params)| {
        let answer = runtime.block_on(rpc(&devnet, method, json!(params)));
        if let Err(error) = answer {
            let code = error["code"].as_i64().unwrap_or_default();
            prop_assert!(code != -32603, "{method} {}: {error}", json!(params));
            prop_assert!(error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()));
        }
        let alive = runtime
            .block_on(rpc(&devnet, "eth_chainId", json!([])))
            .unwrap();
        prop_assert_eq!(alive, "0x7a69");
        Ok(())
    });
    outcome.unwrap();
    let _ = devnet.revert(start);
}
