//! The npm package's actions, module by module, and the examples that use them.

use std::fs;

use bpe_tests::{
    npm,
    tools::{node, run},
};
use serde_json::{json, Value};

use super::World;

impl World {
    /// What the package's tests and examples want to know of a chain.
    fn for_typescript(&self) -> String {
        let file = self.folder.path().join("31337.json");
        let deployment: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        json!({"url": self.server.http_url(), "deployment": deployment}).to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_module_of_the_npm_package_acts_on_the_suite() {
    let world = World::start().await;
    let package = npm::built().await;
    let mut test = node();
    test.args([
        "--test",
        "--test-reporter=tap",
        "--test-concurrency=1",
        "test/actions.test.mjs",
    ]);
    test.current_dir(&package)
        .env("BPE_DEVNET", world.for_typescript());
    let output = run(test).await.succeeded();
    assert!(output.contains("# fail 0"), "{output}");
    assert!(output.contains("# skipped 0"), "{output}");
    world.server.stop().await;
}
