//! OverflowMeter: what really flowed through a pool, and what follows from it for the units of its carve-outs.
//!
//! BackpressurePool asks it at every change of units, so it knows how the units of sinks, fee, budget and escrow stood at
//! every second. What flowed it reads from Superfluid: a pool's index says what each unit has received since ever.
//!
//! | who | may |
//! |---|---|
//! | BackpressurePool | [`settle`](OverflowMeter::settle), [`settle_by_work`](OverflowMeter::settle_by_work) |
//! | anyone | read |
//!
//! It has no owner and holds no money.
//!
//! # No number of one moment
//!
//! Anybody can open and close a stream of any size within one transaction, at any number of moments: such a stream moves no
//! index, because no time passes. The inflow is an average over 60 seconds at least ([`MIN_ELAPSED`]), so a stream of one
//! second, which is really paid, counts for a sixtieth of its rate. Sinks are paid what that average leaves them, until the
//! next look, which anyone can bring about with BackpressurePool's `rebalanceOverflow`.
//!
//! # Free value
//!
//! With a capacity price, what capacity was worth in a stretch of time less what its sinks were paid in it (index times their
//! units) is free: EscrowBuffer may pay so much of what waits. Being paid more than that in one stretch takes nothing from
//! another. With a limit and no price nothing becomes free while there is one, and for an hour after: then everything does.
//!
//! # Counts for WorkLedger
//!
//! `index` is ∫ e/u dt, with 18 decimals, where e are the escrow's units and u all units; `unit_seconds` is ∫ e dt. By work
//! WorkReserve stands in the escrow's place, units change at most hourly, one slot for each change, and `unit_seconds` can be
//! asked for any past second.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod by_work;
mod interface;
mod metering;
mod terms;
mod weights;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    interfaces::{IEscrowLinks, IPoolDirectory, IWorkEvidence},
    math::split::Cuts,
    packed::widen,
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;
use terms::Terms;
use weights::Span;

/// An inflow is an average over this many seconds at least.
pub const MIN_ELAPSED: u64 = 60;
/// For so long after the end of a limit, in seconds, what overflowed because of it does not drain.
pub const LIMIT_NOTICE: u64 = 3_600;

type StorageUnits = StorageUint<40, 1>;

/// A pool. Slot 0: units of sinks, fee, budget and overflow, sinks' units when the carve-outs were set (40 bits each), at
/// (32), limited (8). Slot 1: index (128), unit_seconds (128). Slot 2: pool_index (128), worth (96), mark (32): from here on
/// for bound pools only. Slot 3: flowed (128), inflow (96), lifted (32). Slot 4: free_value (128), tracked (8). Slot 5: pool (160).
#[storage]
pub struct Meter {
    sinks: StorageUnits,
    fee: StorageUnits,
    budget: StorageUnits,
    overflow: StorageUnits,
    carved: StorageUnits,
    /// When units were set last.
    at: StorageU32,
    /// Whether there is a limit and no price.
    limited: StorageBool,
    index: StorageU128,
    unit_seconds: StorageU128,
    /// What each unit had received at the last look, in wei.
    pool_index: StorageU128,
    /// What the sinks' capacity is worth, in wei per second.
    worth: StorageUint<96, 2>,
    /// When the inflow was measured last.
    mark: StorageU32,
    /// What has flowed through the pool since then, in wei.
    flowed: StorageU128,
    /// Wei per second.
    inflow: StorageUint<96, 2>,
    /// When the last limit without a price was lifted.
    lifted: StorageU32,
    free_value: StorageU128,
    /// Whether the pool's index is followed.
    tracked: StorageBool,
    /// Superfluid's pool, once it is followed.
    pool: StorageAddress,
}

/// From `time` on WorkReserve had `units` of 10 000, after so many unit-seconds. One slot: 32, 128 and 16 bits.
#[storage]
pub struct Change {
    time: StorageU32,
    unit_seconds: StorageU128,
    units: StorageU16,
}

/// The contract. Slots 0–1: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct OverflowMeter {
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    meters: StorageMap<B256, Meter>,
    changes: StorageMap<B256, StorageVec<Change>>,
}

/// Sinks, and a number for each.
type Sinks = Returns<(Vec<Address>, Vec<U256>)>;

#[public]
impl OverflowMeter {
    /// Sets up the meter of `backpressure_pool`, and of its registry, for ever.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract)
    /// * `MalformedReturn` if `backpressure_pool` is none.
    #[constructor]
    pub fn constructor(&mut self, backpressure_pool: Address) -> Result<(), Error> {
        require_contract(self.vm(), backpressure_pool)?;
        let get = IPoolDirectory::capacityRegistryCall::SELECTOR;
        let [registry] = query_words(self.vm(), backpressure_pool, get, &[])?;
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(to_address(registry));
        Ok(())
    }

    // --- BackpressurePool

    /// Counts what flowed until now with the units that there were, and returns the units of the carve-outs beside
    /// `sink_units`: those that they have, unless sinks have moved by 5 %, price or limit bound them, or `forced`.
    ///
    /// `anchor` is the capacity that 1e9 units stand for, `cuts` are the fee's basis points times 65 536 and the budget's,
    /// `price` is in wei per second and capacity unit (zero: none), `limit` a capacity (the largest number: none).
    ///
    /// # Returns
    ///
    /// * `feeUnits`
    /// * `budgetUnits`
    /// * `overflowUnits`
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]; what the pool reverts with.
    ///
    /// # Events
    ///
    /// * [`InflowMeasured`]
    // A call of a few words each: a struct would not make it clearer.
    #[allow(clippy::too_many_arguments)]
    pub fn settle(
        &mut self,
        task_type_id: B256,
        pool: Address,
        sink_units: U256,
        anchor: U256,
        cuts: U256,
        price: U256,
        limit: U256,
        forced: bool,
    ) -> Result<(U256, U256, U256), Error> {
        self.only_pool()?;
        let terms = Terms::new(price, limit);
        self.look(task_type_id, pool, &terms)?;
        Ok(self.carve(
            task_type_id,
            sink_units,
            anchor,
            unpack(cuts),
            &terms,
            forced,
        ))
    }

    /// Notes that of the 10 000 units of a pool by work, the reserve has from now on what `cuts` leave. Within an hour of the
    /// last change nothing is noted, unless that was in this second: the change has to wait.
    ///
    /// The reserve is WorkLedger's, which is `escrow`'s: neither link ever changes.
    ///
    /// # Returns
    ///
    /// * `reserve`: who has those units; zero, if the change has to wait.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`NoWorkReserve`]
    /// * `MalformedReturn` if `escrow` is none.
    pub fn settle_by_work(
        &mut self,
        task_type_id: B256,
        escrow: Address,
        cuts: U256,
    ) -> Result<Address, Error> {
        self.only_pool()?;
        let reserve = self.reserve_of(escrow)?;
        match self.change_cuts(task_type_id, unpack(cuts)) {
            true => Ok(reserve),
            false => Ok(Address::ZERO),
        }
    }

    // --- Views

    /// Whether a price or a limit bounds what may drain of the task type's escrow, and what has become free to drain since
    /// ever, in wei.
    ///
    /// # Returns
    ///
    /// * `bound`
    /// * `value`
    ///
    /// # Errors
    ///
    /// * What the pool reverts with.
    pub fn get_free_value(&self, task_type_id: B256) -> Result<(bool, U256), Error> {
        let value = self.free_value(task_type_id)?;
        Ok((self.is_bound(task_type_id), U256::from(value)))
    }

    /// What flowed through the task type's pool when it was last measured, in wei per second, and when that was; zeros if
    /// it never was, because neither a price nor a limit binds it.
    ///
    /// # Returns
    ///
    /// * `inflow`
    /// * `time`
    pub fn get_inflow(&self, task_type_id: B256) -> (U256, U256) {
        let meter = self.meters.getter(task_type_id);
        (widen(meter.inflow.get()), widen(meter.mark.get()))
    }

    /// The part of the pool that was the escrow's, times seconds, with 18 decimals; and the escrow's units, times seconds.
    /// Of a pool by work the latter only.
    ///
    /// # Returns
    ///
    /// * `index`
    /// * `unitSeconds`
    pub fn get_overflow_index(&self, task_type_id: B256) -> (U256, U256) {
        let (index, unit_seconds) = self.counts(task_type_id);
        (U256::from(index), U256::from(unit_seconds))
    }

    /// The escrow's units times seconds at a `time` until now, of a pool by work. Zero before its first second.
    pub fn get_unit_seconds(&self, task_type_id: B256, time: U256) -> U256 {
        U256::from(self.unit_seconds_at(task_type_id, time.saturating_to()))
    }

    /// At most `count` sinks of the task type, from number `from` on in the registry's list, and what each has served between
    /// `since` and `until`: capacity times seconds. EscrowBuffer pays by it.
    ///
    /// # Returns
    ///
    /// * `sinks`
    /// * `weights`
    ///
    /// # Errors
    ///
    /// * What the registry reverts with.
    pub fn weigh(
        &self,
        task_type_id: B256,
        from: U256,
        count: U256,
        since: U256,
        until: U256,
    ) -> Result<Sinks, Error> {
        let weighed = self.weighed(task_type_id, [from, count], Span { since, until })?;
        Ok(Returns(weighed.into_iter().unzip()))
    }

    /// The units of sinks, fee, budget and overflow, as BackpressurePool set them last.
    ///
    /// # Returns
    ///
    /// * `sinkUnits`
    /// * `feeUnits`
    /// * `budgetUnits`
    /// * `overflowUnits`
    pub fn get_units(&self, task_type_id: B256) -> (U256, U256, U256, U256) {
        let meter = self.meters.getter(task_type_id);
        (
            widen(meter.sinks.get()),
            widen(meter.fee.get()),
            widen(meter.budget.get()),
            widen(meter.overflow.get()),
        )
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Whose pools are measured.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }
}

impl OverflowMeter {
    /// Where the money of task types by work is.
    fn reserve_of(&self, escrow: Address) -> Result<Address, Error> {
        let mut at = escrow;
        for selector in [
            IEscrowLinks::workLedgerCall::SELECTOR,
            IWorkEvidence::workReserveCall::SELECTOR,
        ] {
            let [next] = query_words(self.vm(), at, selector, &[])?;
            at = to_address(next);
            if at.is_zero() {
                return Err(NoWorkReserve { escrow }.into());
            }
        }
        Ok(at)
    }

    fn only_pool(&self) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match caller == self.backpressure_pool.get() {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }
}

/// Fee and budget as BackpressurePool sends them.
fn unpack(cuts: U256) -> Cuts {
    let bits: u32 = cuts.saturating_to();
    Cuts {
        // The upper and the lower half of 32 bits.
        fee_bps: (bits >> 16) as u16,
        budget_bps: (bits & 0xffff) as u16,
    }
}
