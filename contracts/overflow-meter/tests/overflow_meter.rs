//! OverflowMeter on motsu: who may settle, and what it counts.

extern crate alloc;

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
#[allow(dead_code)]
#[path = "../../escrow-buffer/tests/neighbours/mod.rs"]
mod neighbours;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{
    call::NotAContract,
    clock::testing::{advance_time, timestamp},
};
use contract::*;
use motsu::prelude::*;
use neighbours::{Pools, Registry};

const CODE: B256 = B256::repeat_byte(0xc0);
const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);

fn n(number: u64) -> U256 {
    U256::from(number)
}

fn world() -> (Contract<OverflowMeter>, Contract<Pools>, Contract<Registry>) {
    let (meter, pools, registry) = (Contract::new(), Contract::new(), Contract::new());
    let zero = Address::ZERO;
    let set = |it: &Contract<Pools>, registry: &Contract<Registry>| {
        it.sender(OWNER).wire(zero, registry.address(), zero, zero);
    };
    set(&pools, &registry);
    let it: &Contract<OverflowMeter> = &meter;
    it.sender(OWNER).constructor(pools.address()).motsu_unwrap();
    (meter, pools, registry)
}

#[motsu::test]
fn constructor_links_pool_and_registry() {
    let (meter, pools, registry) = world();
    let it = meter.sender(ALICE);
    assert_eq!(it.backpressure_pool(), pools.address());
    assert_eq!(it.capacity_registry(), registry.address());
    drop(it);
    let refused = meter.sender(ALICE).constructor(ALICE).motsu_res();
    assert_eq!(refused, Err(NotAContract { account: ALICE }.into()));
}

#[motsu::test]
fn only_the_pool_settles() {
    let (meter, pools, _registry) = world();
    let caller = ALICE;
    let unauthorized = UnauthorizedCaller { caller };
    let settle = meter.sender(ALICE).settle_by_work(CODE, n(0));
    assert_eq!(settle.motsu_res(), Err(unauthorized.into()));
    let unauthorized = UnauthorizedCaller { caller };
    let (pool, max) = (pools.address(), U256::MAX);
    let settle = meter
        .sender(ALICE)
        .settle(CODE, pool, n(1), n(1), n(0), n(0), max, true);
    assert_eq!(settle.motsu_res(), Err(unauthorized.into()));
}

#[motsu::test]
fn by_work_every_change_is_on_record() {
    let (meter, pools, _registry) = world();
    let settle = |cuts: U256| {
        let it = meter.sender(pools.address()).settle_by_work(CODE, cuts);
        it.motsu_unwrap()
    };
    let start = timestamp();
    // No cuts: all 10 000 units are the escrow's.
    assert!(settle(n(0)));
    advance_time(3_599);
    let fee = uint!(500_U256) << 16;
    assert!(!settle(fee));
    advance_time(1);
    assert!(settle(fee));
    advance_time(10);
    let index = meter.sender(ALICE).get_overflow_index(CODE);
    assert_eq!(index, (n(0), n(3_600 * 10_000 + 10 * 9_500)));
    let at = |time: u64| meter.sender(ALICE).get_unit_seconds(CODE, n(time));
    assert_eq!((at(start - 1), at(start)), (n(0), n(0)));
    assert_eq!(at(start + 7), n(70_000));
    assert_eq!(at(start + 3_601), n(36_009_500));
}
