//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::contract::BackpressurePool;
use crate::meter::OverflowMeter;
use crate::neighbours::{Curve, Registry};
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::{
    enter,
    superfluid::{flow_rate, Gda, GdaPool, Host},
    Fuzz, Token,
};
use motsu::prelude::*;

const UNIT: U256 = uint!(1_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SINK: Address = Address::repeat_byte(0xa1);
const OTHER: Address = Address::repeat_byte(0xa2);
const CODE: B256 = B256::repeat_byte(0xc0);
const CHAT: B256 = B256::repeat_byte(0xca);
const IDS: &[B256] = &[CODE, CODE, CHAT, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, SINK, OTHER];

/// Weighting by spare capacity asks an account that is not there: motsu itself panics then.
const WIRING: &[&str] = &["setWeighting"];

struct World {
    pools: Contract<BackpressurePool>,
    registry: Contract<Registry>,
    _token: Contract<Token>,
    _host: Contract<Host>,
    _gda: Contract<Gda>,
    pool: Contract<GdaPool>,
    _escrow: Contract<Curve>,
    _meter: Contract<OverflowMeter>,
}

impl World {
    /// Everybody's: OWNER owns it, submits shares and is a pipeline.
    fn new() -> Self {
        let (pools, registry) = (
            Contract::<BackpressurePool>::new(),
            Contract::<Registry>::new(),
        );
        let (token, host) = (Contract::<Token>::new(), Contract::<Host>::new());
        let (gda, pool) = (Contract::<Gda>::new(), Contract::<GdaPool>::new());
        let escrow = Contract::<Curve>::new();
        let meter = Contract::<OverflowMeter>::new();
        token.sender(OWNER).set_host(host.address());
        host.sender(OWNER).set_up(token.address(), gda.address());
        gda.sender(OWNER).set_next(pool.address());
        pool.sender(OWNER).set_admin(pools.address());
        pool.sender(OWNER).set_flow_rate(flow_rate(1 << 60));
        for id in [CODE, CHAT] {
            let capacities = vec![UNIT, UNIT * U256::from(3)];
            registry
                .sender(OWNER)
                .set_sinks(id, vec![SINK, OTHER], capacities);
        }
        let build = pools.sender(OWNER).constructor(
            gda.address(),
            token.address(),
            registry.address(),
            OWNER,
        );
        build.motsu_unwrap();
        let it = meter.sender(OWNER).constructor(pools.address());
        it.motsu_unwrap();
        let it = pools.sender(OWNER).set_overflow_meter(meter.address());
        it.motsu_unwrap();
        let it = pools.sender(OWNER).set_escrow_buffer(escrow.address());
        it.motsu_unwrap();
        pools.sender(OWNER).create_pool(CODE).motsu_unwrap();
        pools
            .sender(OWNER)
            .set_share_submitter(OWNER)
            .motsu_unwrap();
        pools.sender(OWNER).set_pipeline(OWNER, true).motsu_unwrap();
        Self {
            pools,
            registry,
            _token: token,
            _host: host,
            _gda: gda,
            pool,
            _escrow: escrow,
            _meter: meter,
        }
    }
}

/// Whatever the caller of the last call, the pool carries another rate then. The zero address calls as the registry.
const FUZZ: Fuzz<World> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/BackpressurePool.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: WIRING,
    callers: &[OWNER, OWNER, SINK, Address::ZERO],
    world: World::new,
    send: |world, caller, data| {
        let bits = data.last().map_or(0, |byte| u32::from(*byte) % 90);
        let caller = match caller {
            Address::ZERO => world.registry.address(),
            caller => caller,
        };
        let is_accepted = enter(&world.pools, caller, data).is_ok();
        let rate = flow_rate(1 << bits);
        world.pool.sender(OWNER).set_flow_rate(rate);
        advance_time(600);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OWNER, &[]);
}
