//! Economies of many contracts: made at once by the factory, task types in a row, task types below task types.

mod directory;
mod factory;
mod nested;
mod pipeline;

use alloy::primitives::{Address, B256};
use bpe_tests::{
    proof::Proof,
    stage::mined,
    suite::{tokens, units},
};

/// Seconds of an hour.
const HOUR: u64 = 3_600;

/// A sink with a stake of its own that serves `task_type` with so many units. The pool does not know it yet.
async fn serve(it: &Proof, number: u8, task_type: B256, capacity: u64) -> Address {
    let base = &it.core.base;
    let sink = base.staked(number, (capacity * capacity).max(100)).await;
    register(it, sink, task_type, capacity).await;
    sink
}

async fn register(it: &Proof, sink: Address, task_type: B256, capacity: u64) {
    let registry = &it.core.base.registry;
    let register = registry.registerSink(task_type, units(capacity));
    mined(register.from(sink).send().await).await;
}

/// Wei per second that `member` gets for a task type.
async fn flow(it: &Proof, task_type: B256, member: Address) -> u128 {
    let pool = it.core.pool(task_type).await;
    let flow = pool.getMemberFlowRate(member).call().await.unwrap();
    flow.into_raw().to()
}

/// What the pool of a task type has ever paid to `member`, in wei.
async fn paid(it: &Proof, task_type: B256, member: Address) -> u128 {
    let pool = it.core.pool(task_type).await;
    let paid = pool.getTotalAmountReceivedByMember(member).call().await;
    paid.unwrap().to()
}

/// A stake of so many tokens buys the square root of it: enough for tests with round numbers.
#[test]
fn the_stakes_of_these_tests_back_their_capacities() {
    assert_eq!(tokens(100 * 100).root(2), units(100));
}
