//! What surrounds the buffer: a registry with the sinks it is told, a pool contract, a GDA pool that mints what is claimed,
//! and a meter that counts what it is told but has the real one weigh.
#![allow(dead_code)]

extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{sol, SolError};
use bpe_common::{
    call::{invoke, static_call, ALL_GAS},
    interfaces::ICapacityRegistry,
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    interface IMint {
        function mint(address to, uint256 amount) external;
    }
}

/// What a neighbour that refuses reverts with.
pub fn refusal() -> Vec<u8> {
    alloy_sol_types::Revert::from("no").abi_encode()
}

/// A registry. Sinks have had their capacity since they are said to.
#[storage]
pub struct Registry {
    task_types: StorageMap<B256, StorageBool>,
    sinks: StorageMap<B256, StorageVec<StorageAddress>>,
    capacities: StorageMap<B256, StorageMap<Address, StorageU256>>,
    since: StorageMap<B256, StorageMap<Address, StorageU256>>,
    oldest: StorageMap<Address, StorageU256>,
    fails: StorageBool,
    stakes: StorageAddress,
    synced: StorageU256,
}

#[public]
impl Registry {
    /// Makes a task type with these sinks, or gives it these instead of those it had.
    pub fn set_sinks(
        &mut self,
        id: B256,
        sinks: Vec<Address>,
        capacities: Vec<U256>,
        since: Vec<U256>,
    ) {
        self.task_types.setter(id).set(true);
        for (place, sink) in sinks.iter().enumerate() {
            self.capacities
                .setter(id)
                .setter(*sink)
                .set(capacities[place]);
            self.since.setter(id).setter(*sink).set(since[place]);
        }
        let mut list = self.sinks.setter(id);
        list.erase();
        for sink in sinks {
            list.push(sink);
        }
    }

    /// Forgets what `sink` had before `oldest`.
    pub fn forget(&mut self, sink: Address, oldest: U256) {
        self.oldest.setter(sink).set(oldest);
    }

    /// Does not say what sinks had, for a reason of its own, or does again.
    pub fn set_fails(&mut self, fails: bool) {
        self.fails.set(fails);
    }

    /// Stakes are there.
    pub fn set_stake_manager(&mut self, stakes: Address) {
        self.stakes.set(stakes);
    }

    pub fn stake_manager(&self) -> Address {
        self.stakes.get()
    }

    pub fn is_registered(&self, id: B256, sink: Address) -> bool {
        !self.capacities.getter(id).get(sink).is_zero()
    }

    pub fn sync_capacity(&mut self, _id: B256, _sink: Address) {
        let synced = self.synced.get() + U256::from(1);
        self.synced.set(synced);
    }

    /// How often a sink was synced.
    pub fn synced(&self) -> U256 {
        self.synced.get()
    }

    pub fn task_type_exists(&self, id: B256) -> bool {
        self.task_types.get(id)
    }

    pub fn get_task_type(&self, id: B256) -> (U256, U256, U256) {
        let (sinks, capacities) = self.get_sinks_page(id, U256::ZERO, U256::from(u32::MAX)).0;
        let total = capacities.into_iter().sum();
        (U256::ZERO, U256::from(sinks.len()), total)
    }

    pub fn get_sinks_page(
        &self,
        id: B256,
        from: U256,
        count: U256,
    ) -> Returns<(Vec<Address>, Vec<U256>)> {
        let (sinks, capacities) = (self.sinks.getter(id), self.capacities.getter(id));
        let (from, count) = (from.to::<usize>(), count.to::<usize>());
        Returns(
            (from..(from + count).min(sinks.len()))
                .map(|place| sinks.get(place).unwrap())
                .map(|sink| (sink, capacities.get(sink)))
                .unzip(),
        )
    }

    pub fn get_capacity_seconds(
        &self,
        id: B256,
        sink: Address,
        time: U256,
    ) -> Result<U256, Vec<u8>> {
        if self.fails.get() {
            return Err(refusal());
        }
        let oldest = self.oldest.get(sink);
        if time < oldest {
            return Err(ICapacityRegistry::ObservationExpired { oldest }.abi_encode());
        }
        let since = self.since.getter(id).get(sink);
        Ok(self.capacities.getter(id).get(sink) * time.saturating_sub(since))
    }

    pub fn get_smoothed_capacity(&self, id: B256, sink: Address) -> U256 {
        self.capacities.getter(id).get(sink)
    }
}

/// BackpressurePool.
#[storage]
pub struct Pools {
    pool: StorageAddress,
    weighting: StorageU256,
    meter: StorageAddress,
    registry: StorageAddress,
    gda: StorageAddress,
    token: StorageAddress,
    fee_recipient: StorageAddress,
    reviewer: StorageAddress,
    units: StorageMap<Address, StorageU256>,
}

#[public]
impl Pools {
    /// Who gets fee and budget, and the units of both.
    pub fn set_cuts(&mut self, recipient: Address, fee: U256, reviewer: Address, budget: U256) {
        self.fee_recipient.set(recipient);
        self.reviewer.set(reviewer);
        self.units.setter(recipient).set(fee);
        let sum = self.units.get(reviewer) + budget;
        self.units.setter(reviewer).set(sum);
    }

    /// `member` has so many units in every pool.
    pub fn set_units(&mut self, member: Address, units: U256) {
        self.units.setter(member).set(units);
    }

    /// Others are to get fee and budget, and no pool has followed yet.
    pub fn name_recipients(&mut self, recipient: Address, reviewer: Address) {
        self.fee_recipient.set(recipient);
        self.reviewer.set(reviewer);
    }

    pub fn get_member_units(&self, _id: B256, member: Address) -> U256 {
        self.units.get(member)
    }

    pub fn fee_recipient(&self) -> Address {
        self.fee_recipient.get()
    }

    pub fn reviewer(&self) -> Address {
        self.reviewer.get()
    }

    pub fn wire(&mut self, meter: Address, registry: Address, gda: Address, token: Address) {
        self.meter.set(meter);
        self.registry.set(registry);
        self.gda.set(gda);
        self.token.set(token);
    }

    pub fn set_pool(&mut self, pool: Address) {
        self.pool.set(pool);
    }

    pub fn set_weighting(&mut self, weighting: U256) {
        self.weighting.set(weighting);
    }

    pub fn get_pool(&self, _id: B256) -> Address {
        self.pool.get()
    }

    pub fn get_weighting(&self, _id: B256) -> U256 {
        self.weighting.get()
    }

    pub fn overflow_meter(&self) -> Address {
        self.meter.get()
    }

    pub fn capacity_registry(&self) -> Address {
        self.registry.get()
    }

    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.gda.get()
    }

    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }
}

/// OverflowMeter: counts as it is told to; the rest the real one does.
#[storage]
pub struct Meter {
    real: StorageAddress,
    refuses: StorageBool,
    bound: StorageBool,
    free_value: StorageU256,
    index: StorageU256,
}

#[public]
impl Meter {
    pub fn set_real(&mut self, real: Address) {
        self.real.set(real);
    }

    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn set_free_value(&mut self, bound: bool, value: U256) {
        self.bound.set(bound);
        self.free_value.set(value);
    }

    /// For so many seconds the escrow had all units of its pool.
    pub fn pass(&mut self, seconds: U256) {
        let one = U256::from(1_000_000_000_000_000_000_u64);
        let index = self.index.get() + seconds * one;
        self.index.set(index);
    }

    pub fn get_free_value(&self, _id: B256) -> Result<(bool, U256), Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal()),
            false => Ok((self.bound.get(), self.free_value.get())),
        }
    }

    pub fn get_overflow_index(&self, _id: B256) -> (U256, U256) {
        (self.index.get(), U256::ZERO)
    }

    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let answer = static_call(self.vm(), self.real.get(), calldata, ALL_GAS, usize::MAX);
        match answer.success {
            true => Ok(answer.data),
            false => Err(answer.data),
        }
    }
}

/// A pool of Superfluid, with the escrow as its only member.
#[storage]
pub struct Pool {
    refuses: StorageBool,
    token: StorageAddress,
    waiting: StorageU256,
    received: StorageU256,
}

#[public]
impl Pool {
    /// From now on `waiting` more of `token` can be claimed.
    pub fn accrue(&mut self, token: Address, waiting: U256) {
        self.token.set(token);
        let sum = self.waiting.get() + waiting;
        self.waiting.set(sum);
        let sum = self.received.get() + waiting;
        self.received.set(sum);
    }

    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    pub fn get_total_amount_received_by_member(&self, _member: Address) -> U256 {
        self.received.get()
    }

    /// What each unit received: nothing, the sinks have none.
    pub fn pool_operator_get_index(&self) -> (U256, U256, U256, U256) {
        (U256::ZERO, U256::ZERO, U256::ZERO, U256::ZERO)
    }

    pub fn claim_all(&mut self, member_addr: Address) -> Result<bool, Vec<u8>> {
        if self.refuses.get() {
            return Err(refusal());
        }
        let amount = self.waiting.get();
        self.waiting.set(U256::ZERO);
        if !amount.is_zero() {
            let mint = IMint::mintCall {
                to: member_addr,
                amount,
            };
            invoke(self.vm(), self.token.get(), &mint).map_err(|revert| revert.0)?;
        }
        Ok(true)
    }
}

/// A token of 18 decimals, of which everybody has enough. Or EscrowBuffer, as OverflowMeter sees it.
#[storage]
pub struct Decimal {
    held: StorageMap<Address, StorageU256>,
    ledger: StorageAddress,
    reserve: StorageAddress,
}

#[public]
impl Decimal {
    /// As EscrowBuffer it has this ledger; it is one itself, with this reserve.
    pub fn set_links(&mut self, ledger: Address, reserve: Address) {
        self.ledger.set(ledger);
        self.reserve.set(reserve);
    }

    pub fn work_ledger(&self) -> Address {
        self.ledger.get()
    }

    pub fn work_reserve(&self) -> Address {
        self.reserve.get()
    }

    pub fn decimals(&self) -> U256 {
        U256::from(18)
    }

    pub fn balance_of(&self, account: Address) -> U256 {
        self.held.get(account)
    }

    pub fn transfer_from(&mut self, _from: Address, to: Address, value: U256) -> bool {
        let held = self.held.get(to) + value;
        self.held.setter(to).set(held);
        true
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Registry {}
unsafe impl TopLevelStorage for Pools {}
unsafe impl TopLevelStorage for Meter {}
unsafe impl TopLevelStorage for Pool {}
unsafe impl TopLevelStorage for Decimal {}
