//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use std::ops::DerefMut;

use crate::{contract::*, market::*};
use bpe_testing::{calldata, enter};
use proptest::prelude::*;

const IDS: &[B256] = &[CODE, B256::ZERO];
const SOURCE: Address = Address::repeat_byte(0x0a);
const ACCOUNTS: &[Address] = &[Address::ZERO, SOURCE, THIRD, Address::repeat_byte(0xff)];
const ABI: &str = include_str!("../../../../sdk-abi/abi/WorkReserve.json");
/// A pool that is none is called: motsu itself panics then.
const WITHOUT: [&str; 1] = ["disconnect"];

fn market() -> Market {
    let it = Market::empty();
    it.serve(THIRD, 10 * UNIT);
    it.pay(SOURCE, 1 << 90);
    it
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn work_reserve_never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &WITHOUT), 0usize..3), 16)
    ) {
        let _turn = bpe_testing::turn();
        let it = market();
        let callers = [SOURCE, THIRD, it.vouchers.address()];
        for (data, caller) in calls {
            let mut context = it.reserve.sender(callers[caller]);
            let _ = context.deref_mut();
            let _ = enter::<WorkReserve>(data);
            drop(context);
            advance_time(3_000);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let _turn = bpe_testing::turn();
    let it = market();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &WITHOUT);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..1_000)
        .filter(|_| {
            let tree = strategy.new_tree(&mut runner);
            let data = tree.expect("a strategy without filters").current();
            let mut context = it.reserve.sender(it.vouchers.address());
            let _ = context.deref_mut();
            enter::<WorkReserve>(data).is_ok()
        })
        .count();
    assert!(accepted > 300, "{accepted} of 1000");
}
