//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod neighbours;

use std::ops::DerefMut;

use alloy_primitives::{Address, B256, U256};
use bpe_testing::{
    calldata, enter,
    superfluid::{Cfa, GdaPool, Host},
    Token,
};
use contract::StreamGateway;
use motsu::prelude::*;
use neighbours::{Pools, Streams};
use proptest::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);
const CODE: B256 = B256::repeat_byte(0xc0);
const IDS: &[B256] = &[CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, ALICE];
const ABI: &str = include_str!("../../../sdk-abi/abi/StreamGateway.json");

struct World {
    gateway: Contract<StreamGateway>,
    _token: Contract<Token>,
    _host: Contract<Host>,
    _cfa: Contract<Cfa>,
    _pools: Contract<Pools>,
    pool: Contract<GdaPool>,
    streams: Contract<Streams>,
}

impl World {
    fn new() -> Self {
        let (gateway, token) = (Contract::<StreamGateway>::new(), Contract::<Token>::new());
        let (host, cfa) = (Contract::<Host>::new(), Contract::<Cfa>::new());
        let (pools, pool) = (Contract::<Pools>::new(), Contract::<GdaPool>::new());
        let streams = Contract::<Streams>::new();
        token.sender(OWNER).set_host(host.address());
        host.sender(OWNER)
            .set_up(token.address(), cfa.address(), Address::ZERO);
        pools.sender(OWNER).set_pool(CODE, pool.address());
        let build = gateway
            .sender(OWNER)
            .constructor(token.address(), pools.address(), OWNER);
        build.motsu_unwrap();
        let it = gateway.sender(OWNER).set_source_streams(streams.address());
        it.motsu_unwrap();
        Self {
            gateway,
            _token: token,
            _host: host,
            _cfa: cfa,
            _pools: pools,
            pool,
            streams,
        }
    }

    fn enter(&self, caller: Address, data: Vec<u8>) -> bool {
        let mut context = self.gateway.sender(caller);
        let _ = context.deref_mut();
        enter::<StreamGateway>(data).is_ok()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec((calldata(ABI, ACCOUNTS, IDS, &[]), any::<[u64; 3]>()), 16)
    ) {
        let world = World::new();
        for (data, plan) in calls {
            let [current, inflow, rest] = plan.map(|rate| U256::from(rate >> (rate % 64)));
            let pool = world.pool.address();
            world.streams.sender(OWNER).set_plan(pool, ALICE, current, inflow, rest);
            world.streams.sender(OWNER).set_credit(ALICE, current);
            world.enter(ALICE, data);
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let world = World::new();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let mut runner = TestRunner::deterministic();
    let accepted = (0..2_000)
        .filter(|_| {
            let data = strategy.new_tree(&mut runner).unwrap().current();
            world.enter(ALICE, data)
        })
        .count();
    assert!(accepted > 300, "{accepted} of 2000");
}
