//! NestedPool among mocked neighbours: pools that divide by units to the wei, and a host that distributes into them.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, Revert as Refusal, SolCall, SolError};
use bpe_common::{
    call::invoke,
    superfluid::{IGeneralDistributionAgreementV1, ISuperfluid},
};
use bpe_testing::{Pools, Registry, Token};
use motsu::prelude::*;
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

use crate::contract::*;

pub const OWNER: Address = Address::repeat_byte(0x01);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const LINKER: Address = Address::repeat_byte(0x0b);
pub const GDA: Address = Address::repeat_byte(0x9d);
/// Of any pool, with what capacity there is of the task type itself.
pub const SINK: Address = Address::repeat_byte(0xa1);

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

/// Task types by number, from 0, which is the zero id.
pub fn id(number: u8) -> B256 {
    B256::repeat_byte(number)
}

pub fn refusal(reason: &str) -> Vec<u8> {
    Refusal::from(reason).abi_encode()
}

sol! {
    interface IERC20 {
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }

    interface IBook {
        function book(uint256 amount) external;
        function getTotalUnits() external view returns (uint128);
    }
}

/// A pool of Superfluid.
#[storage]
pub struct SuperfluidPool {
    token: StorageAddress,
    connects: StorageBool,
    refuses: StorageBool,
    members: StorageVec<StorageAddress>,
    units: StorageMap<Address, StorageU256>,
    total: StorageU256,
    received: StorageMap<Address, StorageU256>,
    claimed: StorageMap<Address, StorageU256>,
}

#[public]
impl SuperfluidPool {
    /// Of this token; members are connected, or have to claim.
    pub fn set_up(&mut self, token: Address, connects: bool) {
        self.token.set(token);
        self.connects.set(connects);
    }

    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn set_units(&mut self, member: Address, units: U256) {
        let known = (0..self.members.len()).any(|place| self.members.get(place) == Some(member));
        if !known {
            self.members.push(member);
        }
        let total = self.total.get() - self.units.get(member) + units;
        self.total.set(total);
        self.units.setter(member).set(units);
    }

    pub fn units_of(&self, member: Address) -> U256 {
        self.units.get(member)
    }

    pub fn get_total_units(&self) -> u128 {
        self.total.get().to()
    }

    /// Divides what has just arrived: a multiple of the total units.
    pub fn book(&mut self, amount: U256) -> Result<(), Vec<u8>> {
        let per_unit = amount / self.total.get();
        assert_eq!(per_unit * self.total.get(), amount, "nothing is left over");
        for place in 0..self.members.len() {
            let member = self.members.get(place).unwrap();
            let received = self.received.get(member) + per_unit * self.units.get(member);
            self.received.setter(member).set(received);
            if self.connects.get() {
                self.pay(member)?;
            }
        }
        Ok(())
    }

    pub fn get_total_amount_received_by_member(&self, member: Address) -> U256 {
        self.received.get(member)
    }

    pub fn claim_all(&mut self, member: Address) -> Result<bool, Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal("no claim")),
            false => self.pay(member).map(|()| true),
        }
    }
}

impl SuperfluidPool {
    fn pay(&mut self, to: Address) -> Result<(), Vec<u8>> {
        let value = self.received.get(to) - self.claimed.get(to);
        self.claimed.setter(to).set(self.received.get(to));
        let transfer = IERC20::transferCall { to, value };
        invoke(self.vm(), self.token.get(), &transfer).map_err(|revert| revert.0)?;
        Ok(())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for SuperfluidPool {}

/// The host, and the GDA behind it.
#[storage]
pub struct Host {
    refused: StorageMap<Address, StorageBool>,
}

#[public]
impl Host {
    /// Refuses to distribute into `pool` from now on, or no longer.
    pub fn refuse(&mut self, pool: Address, refuses: bool) {
        self.refused.setter(pool).set(refuses);
    }

    pub fn call_agreement(
        &mut self,
        agreement: Address,
        call: Bytes,
        user_data: Bytes,
    ) -> Result<Bytes, Vec<u8>> {
        let malformed = |_| refusal("malformed");
        type Distribute = IGeneralDistributionAgreementV1::distributeCall;
        let request = Distribute::abi_decode(&call, true).map_err(malformed)?;
        let Distribute {
            token,
            from,
            pool,
            requestedAmount: value,
            ctx,
        } = request;
        assert!(ctx.is_empty() && user_data.is_empty());
        assert_eq!((agreement, from), (GDA, self.vm().msg_sender()));
        if self.refused.get(pool) {
            return Err(refusal("no"));
        }
        let of = |revert: bpe_common::call::Revert| revert.0;
        let transfer = IERC20::transferFromCall {
            from,
            to: pool,
            value,
        };
        invoke(self.vm(), token, &transfer).map_err(of)?;
        invoke(self.vm(), pool, &IBook::bookCall { amount: value }).map_err(of)?;
        Ok(Bytes(vec![]))
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Host {}

/// The mock answers to the real selector, with the real layout.
const _: [u8; 4] = ISuperfluid::callAgreementCall::SELECTOR;

pub struct World {
    pub nested: Contract<NestedPool>,
    pub pools: Contract<Pools>,
    pub registry: Contract<Registry>,
    pub host: Contract<Host>,
    pub token: Contract<Token>,
    pub gda_pools: Vec<Contract<SuperfluidPool>>,
}

impl World {
    /// Task types 0 to `capacities.len() − 1` with these capacities, and pools in which a sink has as many units.
    pub fn new(capacities: &[u64], connects: bool) -> Self {
        let world = Self {
            nested: Contract::new(),
            pools: Contract::new(),
            registry: Contract::new(),
            host: Contract::new(),
            token: Contract::new(),
            gda_pools: capacities.iter().map(|_| Contract::new()).collect(),
        };
        let token = world.token.address();
        world.token.sender(OWNER).set_host(world.host.address());
        world.pools.sender(OWNER).wire(GDA, token);
        for (number, capacity) in capacities.iter().enumerate() {
            let pool = &world.gda_pools[number];
            pool.sender(OWNER).set_up(token, connects);
            let number = number as u8;
            world
                .pools
                .sender(OWNER)
                .set_pool(id(number), pool.address());
            world.set_capacity(number, *capacity);
        }
        let (pools, registry) = (world.pools.address(), world.registry.address());
        let mut it = world.nested.sender(OWNER);
        it.constructor(pools, registry, OWNER).motsu_unwrap();
        drop(it);
        world
    }

    /// As [`World::new`], with children linked.
    pub fn linked(capacities: &[u64], links: &[(u8, u8)], connects: bool) -> Self {
        let world = Self::new(capacities, connects);
        for (parent, child) in links {
            world.link(*parent, *child);
        }
        world
    }

    pub fn set_capacity(&self, number: u8, capacity: u64) {
        self.registry
            .sender(OWNER)
            .enter(id(number), SINK, n(capacity));
        self.pool(number).sender(OWNER).set_units(SINK, n(capacity));
    }

    pub fn pool(&self, number: u8) -> &Contract<SuperfluidPool> {
        &self.gda_pools[usize::from(number)]
    }

    pub fn try_link(&self, caller: Address, parent: u8, child: u8) -> Result<(), Error> {
        self.nested
            .sender(caller)
            .register_child(id(parent), id(child))
            .motsu_res()
    }

    pub fn link(&self, parent: u8, child: u8) {
        self.try_link(OWNER, parent, child).unwrap();
    }

    pub fn try_unlink(&self, caller: Address, parent: u8, child: u8) -> Result<(), Error> {
        self.nested
            .sender(caller)
            .deregister_child(id(parent), id(child))
            .motsu_res()
    }

    pub fn unlink(&self, parent: u8, child: u8) {
        self.try_unlink(OWNER, parent, child).unwrap();
    }

    pub fn try_rebalance(&self, number: u8, depth: u64) -> Result<(), Error> {
        self.nested
            .sender(ALICE)
            .rebalance_hierarchy(id(number), n(depth))
            .motsu_res()
    }

    pub fn rebalance(&self, number: u8, depth: u64) {
        self.try_rebalance(number, depth).unwrap();
    }

    /// Pays as much of `amount` into a pool as its units divide. Returns how much that was.
    pub fn pay(&self, number: u8, amount: u64) -> U256 {
        let pool = self.pool(number);
        let units = U256::from(pool.sender(OWNER).get_total_units());
        if units.is_zero() {
            return U256::ZERO;
        }
        let amount = n(amount) / units * units;
        self.token.sender(OWNER).mint(pool.address(), amount);
        pool.sender(OWNER).book(amount).motsu_unwrap();
        amount
    }

    /// Units of the contract in a pool.
    pub fn units(&self, number: u8) -> U256 {
        let member = self.nested.address();
        self.pool(number).sender(OWNER).units_of(member)
    }

    /// What a pool's sink got, ever.
    pub fn paid(&self, number: u8) -> U256 {
        self.pool(number)
            .sender(OWNER)
            .get_total_amount_received_by_member(SINK)
    }

    pub fn child(&self, number: u8) -> (bool, B256, U256, U256) {
        self.nested.sender(ALICE).get_child(id(number))
    }

    pub fn weight(&self, number: u8) -> U256 {
        self.child(number).2
    }

    pub fn due(&self, number: u8) -> U256 {
        self.child(number).3
    }

    pub fn held(&self) -> U256 {
        self.token.sender(OWNER).balance(self.nested.address())
    }

    pub fn children(&self, number: u8) -> Vec<B256> {
        self.nested.sender(ALICE).get_children(id(number))
    }

    pub fn effective(&self, number: u8) -> U256 {
        let it = self.nested.sender(ALICE).get_effective_capacity(id(number));
        it.motsu_unwrap()
    }
}
