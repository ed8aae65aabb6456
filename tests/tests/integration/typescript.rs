//! The npm package: built as its users build it, run against a devnet by node's own test runner.

use alloy::{
    primitives::{keccak256, U256},
    sol_types::SolStruct,
};
use bpe_abi::typed_data::{CapacityAttestation, CompletionReceipt};
use bpe_tests::{
    npm::{self, npm_tool},
    proof::Proof,
    stage::mined,
    suite::{units, CODE},
    tools::{node, run},
};
use devnet::Devnet;

fn key(devnet: &Devnet, index: usize) -> String {
    devnet.signers()[index].to_bytes().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_npm_package_reads_signs_and_submits() {
    let it = Proof::start().await;
    let (worker, client) = (it.signer(3), it.signer(6));
    let sink = it.sink(&worker, 100).await;
    mined(it.core.pools.rebalance(CODE).send().await).await;
    it.measure(false).await;
    let devnet = &it.core.base.devnet;
    devnet.mine(1).unwrap();
    let server = devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();

    let package = npm::built().await;
    let now = it.now();
    let world = serde_json::json!({
        "url": server.http_url(),
        "aggregator": it.aggregator.address(),
        "tracker": it.tracker.address(),
        "registry": it.core.base.registry.address(),
        "taskType": CODE,
        "sinkKey": key(devnet, 3),
        "sourceKey": key(devnet, 6),
        "now": now,
    });
    let mut test = node();
    test.args(["--test", "--test-reporter=tap", "test/devnet.test.mjs"]);
    test.current_dir(&package)
        .env("BPE_TEST", world.to_string());
    let output = run(test).await.succeeded();
    assert!(output.contains("# pass 3"), "{output}");
    assert!(output.contains("# fail 0"), "{output}");

    // Contract, Rust and TypeScript: the contracts accepted what these hashes stand for.
    let attestation = CapacityAttestation {
        taskTypeId: CODE,
        sink,
        capacity: units(50),
        timestamp: U256::from(now),
        nonce: U256::from(1),
    };
    let receipt = CompletionReceipt {
        taskTypeId: CODE,
        sink,
        source: client.address(),
        taskId: keccak256("task"),
        timestamp: U256::from(now),
    };
    for hash in [
        attestation.eip712_signing_hash(&it.aggregator_domain()),
        receipt.eip712_signing_hash(&it.tracker_domain()),
    ] {
        assert!(output.contains(&hash.to_string()), "{hash}: {output}");
    }
    server.stop().await;
}

/// What needs no chain: every function against its ABI, refusals, the shared vectors, types, and what is packed.
#[tokio::test(flavor = "multi_thread")]
async fn the_npm_package_matches_the_abis() {
    let package = npm::built().await;
    let mut types = npm_tool("tsc");
    types
        .args(["--project", "test/types/tsconfig.json"])
        .current_dir(&package);
    run(types).await.succeeded();
    let mut test = node();
    test.args(["--test", "--test-reporter=tap"]);
    for name in ["agent", "fetch", "matches", "mcp", "package", "refusals"] {
        test.arg(format!("test/{name}.test.mjs"));
    }
    test.current_dir(&package).env_remove("BPE_DEVNET");
    let output = run(test).await.succeeded();
    assert!(output.contains("# fail 0"), "{output}");
    let passed = output.lines().find_map(|line| line.strip_prefix("# pass "));
    let passed: u32 = passed.and_then(|it| it.parse().ok()).unwrap_or_default();
    assert!(passed >= 40, "{output}");
}
