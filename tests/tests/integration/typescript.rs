//! The npm package: built as its users build it, run against a devnet by node's own test runner.

use alloy::{
    primitives::{keccak256, U256},
    sol_types::SolStruct,
};
use bpe_abi::typed_data::{CapacityAttestation, CompletionReceipt};
use bpe_tests::{
    proof::Proof,
    stage::mined,
    suite::{units, CODE},
    tools::{node, npm_package, run, tool_of_npm},
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

    let package = npm_package();
    let mut generate = node();
    generate.arg("generate.mjs").current_dir(&package);
    run(generate).await.succeeded();
    let mut tsc = tool_of_npm("tsc");
    tsc.args(["--project", "tsconfig.json"])
        .current_dir(&package);
    run(tsc).await.succeeded();

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
    test.args(["--test", "--test-reporter=tap", "test/"]);
    test.current_dir(&package)
        .env("BPE_TEST", world.to_string());
    let output = run(test).await.succeeded();
    assert!(output.contains("# pass 5"), "{output}");
    assert!(output.contains("# fail 0"), "{output}");
    // Without a chain, what needs none.
    let mut alone = node();
    alone.args(["--test", "--test-reporter=tap", "test/"]);
    alone.current_dir(&package).env_remove("BPE_TEST");
    let alone = run(alone).await.succeeded();
    assert!(alone.contains("# pass 2"), "{alone}");
    assert!(alone.contains("# skipped 3"), "{alone}");

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
