//! A ledger with the real OverflowMeter, which is told how a pool is split, and with streams that are what a test says.
#![allow(dead_code, unused_imports)]

pub use alloy_primitives::{uint, Address, B256, U256};
pub use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    ownable::{self, OwnableInvalidOwner},
};
pub use bpe_testing::superfluid::{flow_rate, Gda};
pub use motsu::prelude::*;

pub use crate::{
    contract::*,
    meter::OverflowMeter,
    neighbours::{Decimal, Pool, Pools, Registry},
};

pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const BOB: Address = Address::repeat_byte(0x0b);
pub const CAROL: Address = Address::repeat_byte(0x0c);
/// Who has the units of task types by work, in tests of notes.
pub const RESERVE: Address = Address::repeat_byte(0xee);
/// Units of all sinks together, and the anchor.
pub const UNITS: u64 = 1_000_000_000;

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

/// A ledger and its neighbours. The escrow is whatever contract the ledger takes for it.
pub struct World {
    pub ledger: Contract<WorkLedger>,
    pub meter: Contract<OverflowMeter>,
    pub pools: Contract<Pools>,
    pub pool: Contract<Pool>,
    pub registry: Contract<Registry>,
    pub gda: Contract<Gda>,
    pub escrow: Contract<Decimal>,
}

impl World {
    pub fn unconstructed() -> Self {
        let world = Self {
            ledger: Contract::new(),
            meter: Contract::new(),
            pools: Contract::new(),
            pool: Contract::new(),
            registry: Contract::new(),
            gda: Contract::new(),
            escrow: Contract::new(),
        };
        world.wire(world.meter.address());
        let pool = world.pool.address();
        world.pools.sender(OWNER).set_pool(pool);
        let pools = world.pools.address();
        world.meter.sender(OWNER).constructor(pools).motsu_unwrap();
        world
    }

    /// Half of what streams into the pool goes to the escrow.
    pub fn new() -> Self {
        let world = Self::unconstructed();
        world.construct().unwrap();
        world.split(50);
        world
    }

    /// All of it, at first, of a task type by work.
    pub fn by_work() -> Self {
        let world = Self::unconstructed();
        world.pools.sender(OWNER).set_weighting(n(3));
        let escrow = world.escrow.address();
        world.escrow.sender(OWNER).set_links(escrow, RESERVE);
        world.construct().unwrap();
        world
    }

    pub fn wire(&self, meter: Address) {
        let (registry, gda) = (self.registry.address(), self.gda.address());
        let token = self.escrow.address();
        self.pools.sender(OWNER).wire(meter, registry, gda, token);
    }

    pub fn construct(&self) -> Result<(), Error> {
        let pools = self.pools.address();
        let (registry, escrow) = (self.registry.address(), self.escrow.address());
        self.ledger
            .sender(OWNER)
            .constructor(pools, registry, escrow, OWNER)
            .motsu_res()
    }

    /// From now on sinks get `percent` of what streams in, the escrow the rest; at 100 it has one unit.
    pub fn split(&self, percent: u64) {
        let limit = n(UNITS / 100 * percent);
        self.meter
            .sender(self.pools.address())
            .settle(
                CODE,
                self.pool.address(),
                n(UNITS),
                n(UNITS),
                n(0),
                n(0),
                limit,
                true,
            )
            .motsu_unwrap();
    }

    /// By work, whether `fee_bps` are the fee from now on, and the rest the escrow's.
    pub fn cut(&self, fee_bps: u64) -> bool {
        let (pools, escrow) = (self.pools.address(), self.escrow.address());
        let settle = self
            .meter
            .sender(pools)
            .settle_by_work(CODE, escrow, n(fee_bps << 16));
        settle.motsu_unwrap() == RESERVE
    }

    /// The escrow's units, and all units.
    pub fn units(&self) -> (u128, u128) {
        let (sinks, fee, budget, overflow) = self.meter.sender(OWNER).get_units(CODE);
        let total = sinks + fee + budget + overflow;
        (overflow.to(), total.to())
    }

    /// From now on `source` streams so much.
    pub fn stream(&self, source: Address, rate: u128) {
        let since = n(timestamp());
        self.gda
            .sender(OWNER)
            .set_flow(source, since, flow_rate(rate));
    }

    pub fn note(&self, source: Address) {
        self.ledger.sender(CAROL).note(CODE, source);
    }

    /// As StreamGateway's macro does: a note, then another rate.
    pub fn restream(&self, source: Address, rate: u128) {
        self.note(source);
        self.stream(source, rate);
    }

    pub fn noted(&self, source: Address) -> u128 {
        self.ledger.sender(CAROL).get_noted(CODE, source).0.to()
    }

    pub fn due(&self, source: Address) -> u128 {
        self.ledger.sender(CAROL).get_due(CODE, source).to()
    }

    pub fn attribute(&self, source: Address, unattributed: u128, minimum: u128) -> u128 {
        let (unattributed, minimum) = (U256::from(unattributed), U256::from(minimum));
        self.ledger
            .sender(self.escrow.address())
            .attribute(CODE, source, unattributed, minimum)
            .motsu_unwrap()
            .to()
    }

    pub fn shrink(&self, before: u128, rest: u128) {
        let (before, rest) = (U256::from(before), U256::from(rest));
        self.ledger
            .sender(self.escrow.address())
            .shrink(CODE, before, rest)
            .motsu_unwrap();
    }
}
use crate::{contract, meter, neighbours};
