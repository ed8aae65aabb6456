//! A buffer with its neighbours: the real WorkLedger, the real OverflowMeter where sinks are weighed, mocks besides.
#![allow(dead_code, unused_imports)]

pub use std::borrow::BorrowMut;

pub use alloy_primitives::{uint, Address, B256, U256};
pub use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    erc20::SafeERC20FailedOperation,
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
pub use bpe_testing::{
    superfluid::{flow_rate, Gda, Host},
    Behaviour, Token,
};
pub use motsu::prelude::*;

pub use crate::{
    contract::*,
    ledger::WorkLedger,
    meter::OverflowMeter,
    neighbours::{refusal, Decimal, Meter, Pool, Pools, Registry},
};

pub const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const CHAT: B256 = B256::repeat_byte(0xca);
pub const NOWHERE: B256 = B256::repeat_byte(0x99);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const BOB: Address = Address::repeat_byte(0x0b);
pub const X: Address = Address::repeat_byte(0xa1);
pub const Y: Address = Address::repeat_byte(0xa2);
pub const DAY: u64 = 86_400;

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

pub fn tokens(amount: u64) -> U256 {
    ONE * n(amount)
}

pub fn ownable_of(escrow: &mut EscrowBuffer) -> &mut Ownable {
    escrow.borrow_mut()
}

/// A connected buffer; two task types, with the sinks X (1 unit) and Y (3 units) each since ever; a million tokens for Alice
/// and Bob.
pub struct World {
    pub escrow: Contract<EscrowBuffer>,
    pub token: Contract<Token>,
    pub registry: Contract<Registry>,
    pub pools: Contract<Pools>,
    pub pool: Contract<Pool>,
    pub meter: Contract<Meter>,
    pub real_meter: Contract<OverflowMeter>,
    pub gda: Contract<Gda>,
    pub ledger: Contract<WorkLedger>,
}

impl World {
    pub fn unconnected() -> Self {
        let world = Self {
            escrow: Contract::new(),
            token: Contract::new(),
            registry: Contract::new(),
            pools: Contract::new(),
            pool: Contract::new(),
            meter: Contract::new(),
            real_meter: Contract::new(),
            gda: Contract::new(),
            ledger: Contract::new(),
        };
        let (token, registry) = (world.token.address(), world.registry.address());
        world
            .escrow
            .sender(OWNER)
            .constructor(token, registry, OWNER)
            .motsu_unwrap();
        for id in [CODE, CHAT] {
            world.set_sinks(id, &[(X, 1), (Y, 3)]);
        }
        for source in [ALICE, BOB] {
            world.token.sender(OWNER).mint(source, tokens(1_000_000));
        }
        let gda = world.gda.address();
        let meter = world.meter.address();
        world.pools.sender(OWNER).wire(meter, registry, gda, token);
        world.pools.sender(OWNER).set_pool(world.pool.address());
        let pools = world.pools.address();
        world
            .real_meter
            .sender(OWNER)
            .constructor(pools)
            .motsu_unwrap();
        let real = world.real_meter.address();
        world.meter.sender(OWNER).set_real(real);
        let escrow = world.escrow.address();
        world
            .ledger
            .sender(OWNER)
            .constructor(pools, registry, escrow, OWNER)
            .motsu_unwrap();
        world
    }

    pub fn connect(&self) -> Result<(), Error> {
        let (pools, ledger) = (self.pools.address(), self.ledger.address());
        self.escrow.sender(OWNER).connect(pools, ledger).motsu_res()
    }

    pub fn new() -> Self {
        let world = Self::unconnected();
        world.connect().unwrap();
        world
    }

    pub fn by_work() -> Self {
        let world = Self::new();
        world.pools.sender(OWNER).set_weighting(n(3));
        world
    }

    pub fn set_sinks(&self, id: B256, sinks: &[(Address, u64)]) {
        let sinks: Vec<_> = sinks
            .iter()
            .map(|(sink, units)| (*sink, *units, 0))
            .collect();
        self.set_sinks_since(id, &sinks);
    }

    pub fn set_sinks_since(&self, id: B256, sinks: &[(Address, u64, u64)]) {
        let accounts = sinks.iter().map(|it| it.0).collect();
        let capacities = sinks.iter().map(|it| UNIT * n(it.1)).collect();
        let since = sinks.iter().map(|it| n(it.2)).collect();
        self.registry
            .sender(OWNER)
            .set_sinks(id, accounts, capacities, since);
    }

    /// So many sinks of one capacity unit each.
    pub fn many_sinks(&self, count: u64) -> Vec<Address> {
        let sinks: Vec<_> = (0..count)
            .map(|place| Address::left_padding_from(&(0x1_0000 + place).to_be_bytes()))
            .collect();
        let list: Vec<_> = sinks.iter().map(|sink| (*sink, 1)).collect();
        self.set_sinks(CODE, &list);
        sinks
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.token.sender(OWNER).behave(behaviour as u8);
    }

    pub fn try_deposit(&self, source: Address, amount: U256) -> Result<(), Error> {
        self.escrow.sender(source).deposit(CODE, amount).motsu_res()
    }

    pub fn deposit(&self, source: Address, amount: U256) {
        self.try_deposit(source, amount).unwrap();
    }

    pub fn drain(&self) -> Result<(), Error> {
        self.escrow.sender(BOB).drain(CODE).motsu_res()
    }

    pub fn drain_sinks(&self, count: u64) -> Result<(), Error> {
        self.escrow
            .sender(BOB)
            .drain_sinks(CODE, n(count))
            .motsu_res()
    }

    pub fn reclaim(&self, source: Address, index: u64) -> Result<(), Error> {
        self.escrow
            .sender(source)
            .reclaim(CODE, n(index))
            .motsu_res()
    }

    pub fn sync(&self) -> Result<U256, Error> {
        self.escrow.sender(BOB).sync(CODE).motsu_res()
    }

    pub fn attribute(&self, sources: &[Address]) -> Result<U256, Error> {
        self.escrow
            .sender(BOB)
            .attribute(CODE, sources.to_vec())
            .motsu_res()
    }

    pub fn set_max(&self, max: U256) {
        let set = self.escrow.sender(OWNER).set_buffer_max(CODE, max);
        set.motsu_unwrap();
    }

    /// From now on a price binds what drains, and so much has become free since ever.
    pub fn price(&self, value: U256) {
        self.meter.sender(OWNER).set_free_value(true, value);
    }

    /// So much arrives in the pool, of which each source has paid this, as WorkLedger notes.
    pub fn overflow(&self, of: &[(Address, U256)], arrived: U256) {
        let set_rate = |source: &Address, amount: U256| {
            let rate = flow_rate(amount.to());
            self.gda.sender(OWNER).set_flow(*source, n(1), rate);
        };
        for (source, amount) in of {
            set_rate(source, n(0));
            self.ledger.sender(OWNER).note(CODE, *source);
            set_rate(source, *amount);
        }
        self.meter.sender(OWNER).pass(n(1));
        for (source, _) in of {
            self.ledger.sender(OWNER).note(CODE, *source);
        }
        self.pool
            .sender(OWNER)
            .accrue(self.token.address(), arrived);
    }

    pub fn due(&self, source: Address) -> U256 {
        self.ledger.sender(OWNER).get_due(CODE, source)
    }

    pub fn balance(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance(account)
    }

    pub fn balances(&self) -> (U256, U256) {
        (self.balance(X), self.balance(Y))
    }

    pub fn held(&self) -> U256 {
        self.balance(self.escrow.address())
    }

    pub fn level(&self) -> U256 {
        self.escrow.sender(OWNER).buffer_level(CODE)
    }

    pub fn bounds(&self) -> (U256, U256) {
        self.escrow.sender(OWNER).queue_bounds(CODE)
    }

    pub fn at(&self, index: u64) -> (Address, U256, U256, U256) {
        self.escrow.sender(OWNER).get_deposit(CODE, n(index))
    }

    pub fn source_level(&self, source: Address) -> U256 {
        self.escrow.sender(OWNER).source_level(CODE, source)
    }

    pub fn unattributed(&self) -> U256 {
        self.source_level(Address::ZERO)
    }

    pub fn liabilities(&self) -> (U256, U256) {
        self.escrow.sender(OWNER).get_liabilities()
    }

    pub fn pressure(&self) -> U256 {
        self.escrow.sender(OWNER).get_escrow_pressure(CODE)
    }
}

pub fn nothing_to_drain() -> Result<(), Error> {
    Err(NothingToDrain {}.into())
}

pub const NOTHING: (Address, U256, U256, U256) =
    (Address::ZERO, U256::ZERO, U256::ZERO, U256::ZERO);
use crate::{contract, ledger, meter, neighbours};
