//! How fast the keeper is. `cargo bench --profile dev --workspace --bench speed -- attestations live start`, all or some of
//! the three; with Postgres too by `scripts/with-postgres cargo bench …`. Reports, asserts nothing.

mod attestations;
mod live;
mod measure;
mod node;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/keeper/stage.rs"]
mod stage;
mod start;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|it| it == name);
    // Nothing that test runners could list.
    if has("--list") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    if has("node") {
        return runtime.block_on(node::serve());
    }
    let all = !["attestations", "live", "start"].iter().any(|it| has(it));
    runtime.block_on(async {
        if all || has("attestations") {
            attestations::run().await;
        }
        if all || has("live") {
            live::run().await;
        }
        if all || has("start") {
            start::run().await;
        }
    });
}
