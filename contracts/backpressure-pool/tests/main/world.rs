//! BackpressurePool with its real OverflowMeter, and Superfluid around it.
#![allow(dead_code, unused_imports)]

pub use std::{borrow::BorrowMut, fmt::Debug};

pub use alloy_primitives::{uint, Address, B256, U256};
pub use alloy_sol_types::SolEvent;
pub use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::advance_time,
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
pub use bpe_testing::{
    superfluid::{
        flow_rate, ConnectPermissionSet, Distributed, Gda, GdaPool, Host, MemberConnected,
        MemberDisconnected, PoolRequested, UnitsUpdated,
    },
    Behaviour, Token,
};
pub use motsu::prelude::*;

pub use crate::{
    contract::*,
    meter::OverflowMeter,
    neighbours::{refusal, Curve, Registry},
};

/// A capacity unit, and as many wei per second.
pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const CHAT: B256 = B256::repeat_byte(0xca);
pub const NOWHERE: B256 = B256::repeat_byte(0x99);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const BOB: Address = Address::repeat_byte(0x0b);
pub const SUBMITTER: Address = Address::repeat_byte(0x5a);
pub const PIPELINE: Address = Address::repeat_byte(0x9a);
pub const X: Address = Address::repeat_byte(0xa1);
pub const Y: Address = Address::repeat_byte(0xa2);
pub const Z: Address = Address::repeat_byte(0xa3);

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

pub fn units(number: u64) -> U256 {
    UNIT * n(number)
}

pub fn ownable_of(pools: &mut BackpressurePool) -> &mut Ownable {
    pools.borrow_mut()
}

/// BackpressurePool with Superfluid around it. Two task types, with the sinks X (1 capacity unit) and Y (3); one has a pool.
pub struct World {
    pub pools: Contract<BackpressurePool>,
    pub token: Contract<Token>,
    pub host: Contract<Host>,
    pub gda: Contract<Gda>,
    pub pool: Contract<GdaPool>,
    pub other: Contract<GdaPool>,
    pub registry: Contract<Registry>,
    pub curve: Contract<Curve>,
    pub meter: Contract<OverflowMeter>,
    /// Has nothing to do here but be a contract.
    pub escrow: Contract<Curve>,
}

impl World {
    /// No pool yet, and no escrow.
    pub fn bare() -> Self {
        let world = Self {
            pools: Contract::new(),
            token: Contract::new(),
            host: Contract::new(),
            gda: Contract::new(),
            pool: Contract::new(),
            other: Contract::new(),
            registry: Contract::new(),
            curve: Contract::new(),
            meter: Contract::new(),
            escrow: Contract::new(),
        };
        let (token, gda) = (world.token.address(), world.gda.address());
        world.token.sender(OWNER).set_host(world.host.address());
        world.host.sender(OWNER).set_up(token, gda);
        world.gda.sender(OWNER).set_next(world.pool.address());
        for pool in [&world.pool, &world.other] {
            pool.sender(OWNER).set_admin(world.pools.address());
        }
        for id in [CODE, CHAT] {
            world.set_sinks(id, &[(X, 1), (Y, 3)]);
        }
        let registry = world.registry.address();
        world
            .pools
            .sender(ALICE)
            .constructor(gda, token, registry, OWNER)
            .motsu_unwrap();
        let pools = world.pools.address();
        let set_up = world.meter.sender(ALICE).constructor(pools);
        set_up.motsu_unwrap();
        world
    }

    pub fn set_meter(&self) -> Result<(), Error> {
        let meter = self.meter.address();
        self.pools
            .sender(OWNER)
            .set_overflow_meter(meter)
            .motsu_res()
    }

    pub fn new() -> Self {
        let world = Self::bare();
        world.set_meter().unwrap();
        world.set_escrow().unwrap();
        world.create(ALICE, CODE).unwrap();
        world
    }

    /// With both sinks' units set.
    pub fn balanced() -> Self {
        let world = Self::new();
        world.rebalance().unwrap();
        world
    }

    pub fn set_sinks(&self, id: B256, sinks: &[(Address, u64)]) {
        let sinks: Vec<_> = sinks
            .iter()
            .map(|(sink, count)| (*sink, units(*count)))
            .collect();
        self.set_capacities(id, &sinks);
    }

    pub fn set_capacities(&self, id: B256, sinks: &[(Address, U256)]) {
        let (sinks, capacities) = sinks.iter().copied().unzip();
        self.registry.sender(OWNER).set_sinks(id, sinks, capacities);
    }

    pub fn set_escrow(&self) -> Result<(), Error> {
        let escrow = self.escrow.address();
        self.pools
            .sender(OWNER)
            .set_escrow_buffer(escrow)
            .motsu_res()
    }

    pub fn create(&self, who: Address, id: B256) -> Result<(), Error> {
        self.pools.sender(who).create_pool(id).motsu_res()
    }

    pub fn rebalance(&self) -> Result<(), Error> {
        self.pools.sender(ALICE).rebalance(CODE).motsu_res()
    }

    pub fn rebalance_sink(&self, sink: Address) -> Result<(), Error> {
        self.pools
            .sender(ALICE)
            .rebalance_sink(CODE, sink)
            .motsu_res()
    }

    pub fn rebalance_range(&self, from: u64, count: u64) -> Result<(), Error> {
        self.pools
            .sender(ALICE)
            .rebalance_range(CODE, n(from), n(count))
            .motsu_res()
    }

    pub fn rebalance_overflow(&self) -> Result<(), Error> {
        self.pools.sender(BOB).rebalance_overflow(CODE).motsu_res()
    }

    pub fn reduce(&self, sink: Address, capacity: U256) -> Result<(), Error> {
        // The registry is open while it calls.
        self.registry.sender(OWNER).set_open(true);
        let result = self
            .pools
            .sender(self.registry.address())
            .on_capacity_reduced(CODE, sink, capacity)
            .motsu_res();
        self.registry.sender(OWNER).set_open(false);
        result
    }

    pub fn submit(&self, sinks: &[Address], shares: &[U256]) -> Result<(), Error> {
        self.pools
            .sender(SUBMITTER)
            .rebalance_with_shares(CODE, sinks.to_vec(), shares.to_vec())
            .motsu_res()
    }

    pub fn allow_shares(&self) {
        self.pools
            .sender(OWNER)
            .set_share_submitter(SUBMITTER)
            .motsu_unwrap();
    }

    pub fn set_fee(&self, bps: u64, recipient: Address) {
        let set = self.pools.sender(OWNER).set_protocol_fee(n(bps), recipient);
        set.motsu_unwrap();
    }

    pub fn set_reviewer(&self, reviewer: Address) {
        self.pools
            .sender(OWNER)
            .set_reviewer(reviewer)
            .motsu_unwrap();
    }

    pub fn set_budget(&self, bps: u64) -> Result<(), Error> {
        self.pools
            .sender(OWNER)
            .set_verification_budget(CODE, n(bps))
            .motsu_res()
    }

    pub fn set_price(&self, price: U256) -> Result<(), Error> {
        self.pools
            .sender(OWNER)
            .set_capacity_price(CODE, price)
            .motsu_res()
    }

    pub fn set_limit(&self, capacity: U256) -> Result<(), Error> {
        let allow = self.pools.sender(OWNER).set_pipeline(PIPELINE, true);
        allow.motsu_unwrap();
        self.pools
            .sender(PIPELINE)
            .set_effective_capacity(CODE, capacity)
            .motsu_res()
    }

    pub fn set_weighting(&self, weighting: u8) {
        let set = self.pools.sender(OWNER).set_weighting(CODE, weighting);
        set.motsu_unwrap();
    }

    /// For so many seconds, so many wei flow through the pool in each; then somebody looks.
    pub fn flow(&self, rate: u128, seconds: u64) {
        let amount = U256::from(rate) * n(seconds);
        self.pool.sender(OWNER).accrue(amount);
        advance_time(seconds);
        self.rebalance_overflow().unwrap();
    }

    pub fn units(&self, member: Address) -> u128 {
        self.pool.sender(OWNER).get_units(member)
    }

    pub fn total_units(&self) -> u128 {
        self.pool.sender(OWNER).get_total_units()
    }

    pub fn overflow_units(&self) -> u128 {
        self.units(self.escrow.address())
    }

    pub fn sink_units(&self) -> U256 {
        self.meter.sender(OWNER).get_units(CODE).0
    }

    pub fn anchor(&self) -> U256 {
        self.pools.sender(OWNER).get_anchor(CODE)
    }

    pub fn updates(&self) -> U256 {
        self.pool.sender(OWNER).updates()
    }

    pub fn needs_rebalance(&self) -> bool {
        self.pools.sender(BOB).needs_rebalance(CODE).motsu_unwrap()
    }

    pub fn free_value(&self) -> (bool, U256) {
        self.meter.sender(BOB).get_free_value(CODE).motsu_unwrap()
    }

    /// All events of this kind so far.
    pub fn events<E: SolEvent>(&self) -> Vec<E> {
        let logs = self.pools.all_events();
        logs.iter()
            .filter_map(|log| E::decode_log_data(log, true).ok())
            .collect()
    }

    pub fn last<E: SolEvent>(&self) -> E {
        self.events().pop().expect("an event")
    }

    pub fn carve_outs(&self) -> [u64; 4] {
        let last: CarveOutsSet = self.last();
        assert_eq!(last.taskTypeId, CODE);
        [
            last.sinkUnits,
            last.feeUnits,
            last.budgetUnits,
            last.overflowUnits,
        ]
        .map(|it| it.to())
    }
}

pub fn no_pool<T: Debug>() -> Result<T, Error> {
    Err(PoolDoesNotExist {}.into())
}

pub fn refused<T>() -> Result<T, Error> {
    Err(Error::Revert(Revert(refusal())))
}

pub fn invalid(account: Address) -> Result<(), Error> {
    Err(InvalidAccount { account }.into())
}

pub fn no_contract(account: Address) -> Result<(), Error> {
    Err(NotAContract { account }.into())
}

pub fn rebalanced(count: u64, total: U256) -> Rebalanced {
    Rebalanced {
        taskTypeId: CODE,
        sinkCount: n(count),
        totalCapacity: total,
    }
}

pub fn skipped(sink: Address) -> SinkSkipped {
    SinkSkipped {
        taskTypeId: CODE,
        sink,
    }
}

impl World {
    /// The rate of this moment, which nothing should follow.
    pub fn set_rate(&self, rate: u128) {
        self.pool.sender(OWNER).set_flow_rate(flow_rate(rate));
    }
}
use crate::{contract, meter, neighbours};
