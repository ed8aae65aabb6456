//! PricingCurve: what a unit of work costs at a sink, now.
//!
//! The price is the task type's base fee, which follows demand from epoch to epoch, times a surcharge for a full escrow
//! buffer, times a premium for the sink's own queue. Demand so moves to sinks that have room.
//!
//! | who | may |
//! |---|---|
//! | a registered sink with capacity | report its own queue |
//! | a task type's creator, or ServiceDirectory for it | set where its base fee starts, and its bounds, with notice |
//! | ServiceDirectory | choose the curve of a task type that it registers |
//! | WorkLedger | tell what counted |
//! | anyone | advance epochs, ask for prices |
//! | the owner | name the escrow buffer, WorkLedger, ServiceDirectory and the temperature oracle, choose a task type's curve |
//!
//! Fees and prices are in payment-token wei, loads and capacities in units of 1e-9, ratios have 18 decimals.
//!
//! # Epochs
//!
//! The demand of an epoch is the sum of what sinks reported in it, the last report of each. It counts for that epoch
//! alone: a sink reports anew in every epoch in which its queue is to count, and one that has left counts no more.
//! After an epoch whose demand exceeded the task type's capacity the base fee rises by an eighth, after any other it
//! falls by an eighth, between [`MIN_BASE_FEE`] and [`MAX_BASE_FEE`].
//!
//! A task type's epochs of 60 s follow each other without gaps from its first report on; or from when it is first
//! advanced, which ends an epoch without demand. A report first closes all epochs that have ended, as
//! [`advance_epoch`](PricingCurve::advance_epoch) does: so reports are never counted for another epoch than theirs,
//! and calling late gives the fee that calling in time would have. Only the capacity is that of the time of the call.
//!
//! # Prices set by work
//!
//! With [`CURVE_USED`] nobody reports demand. WorkLedger tells what counts, and the fee moves at the end of each epoch of 300 s
//! with counts: by the part of the capacity that was used, up to an eighth up at all of it and down at nothing, not at all at
//! 80 %. Of the capacity of a sink no more counts than four times what it has proven. An epoch without counts leaves the fee.
//! The fee is exact at any time, whoever called when: what has ended is worked out when asked.
//!
//! # What reports are worth
//!
//! Nobody checks a report, but it counts for at most twice the sink's own capacity. A sink that exaggerates makes itself dear, and where its pool pays by spare capacity earns
//! less; one that understates makes itself cheap. But one sink alone can make the base fee rise, by an eighth in each
//! epoch, for all others of its task type.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod by_work;
mod fees;
mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query, require_contract, require_gas, static_call},
    clock, emit,
    interfaces::{ICapacityRegistry, IEscrowBuffer},
    math::{
        self,
        pricing::{
            congestion_price, lower_by_eighth, queue_multiplier, raise_by_eighth, relay_multiplier,
            utilization, WAD,
        },
    },
    ownable::Ownable,
    packed::{to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use by_work::Usage;
use fees::Terms;
pub use interface::*;

/// The curve 1 + u / (1 − u): twice the price at half load, five times at 80 %, a hundred at 99 %.
pub const CURVE_QUEUE: u8 = 0;
/// The guide's relay tariff: twice the price at half load, four times at 80 %, 9.3 at 99 %.
pub const CURVE_RELAY: u8 = 1;
/// The premium of [`CURVE_QUEUE`], and a base fee that follows the work that WorkLedger counts, by epochs of 300 s.
pub const CURVE_USED: u8 = 2;

/// How long an epoch is, in seconds.
pub const EPOCH_DURATION: u64 = math::pricing::EPOCH;
/// By how much the base fee moves in an epoch: an eighth.
pub const ADJUSTMENT_RATE_BPS: u16 = 1_250;
/// The base fee of a task type at first.
pub const DEFAULT_BASE_FEE: u128 = 1_000_000_000_000_000;
/// The base fee falls no lower.
pub const MIN_BASE_FEE: u128 = 1_000_000_000_000;
/// The base fee rises no higher: 10^9 tokens.
pub const MAX_BASE_FEE: u128 = 1_000_000_000_000_000_000_000_000_000;
/// In so many epochs the highest base fee falls to the lowest. Of more epochs without demand the rest changes nothing.
pub const MAX_CATCH_UP: u64 = 259;
/// γ: how much of the premium for queues counts.
pub const GAMMA_BPS: u16 = math::BPS;
/// What the escrow buffer may use to say how full it is: an uncached start, and some reads.
pub const ESCROW_GAS: u64 = 150_000;

const _: () = assert!(ADJUSTMENT_RATE_BPS * 8 == math::BPS);

/// Loads: as many bits as CapacityRegistry has for capacities.
type Load = Uint<80, 2>;
type StorageLoad = StorageUint<80, 2>;
/// Seconds since 1970.
type StorageTime = StorageUint<40, 1>;

/// One slot: base_fee (96 bits), demand (112: 2^32 loads), epoch_start (40), curve (8).
#[storage]
pub struct Market {
    /// Zero stands for [`DEFAULT_BASE_FEE`].
    base_fee: StorageUint<96, 2>,
    /// What sinks reported in the epoch.
    demand: StorageUint<112, 2>,
    /// When the epoch that is not closed yet began; zero if there was none.
    epoch_start: StorageTime,
    curve: StorageU8,
}

/// A sink's report counts in demand for at most so many times its own capacity.
pub const MAX_DEMAND: u128 = 2;

/// One slot: load (80 bits), counted (80), epoch_start (40).
#[storage]
pub struct Queue {
    load: StorageLoad,
    /// What of it is in the demand of its epoch.
    counted: StorageLoad,
    /// The epoch whose demand the load is a part of, by its start.
    epoch_start: StorageTime,
}

/// The contract. Slots 0–1: ownership. Slots 2–4: the neighbours, an address each. Then mappings, and
/// among them WorkLedger and ServiceDirectory.
#[entrypoint]
#[storage]
pub struct PricingCurve {
    #[borrow]
    ownable: Ownable,
    capacity_registry: StorageAddress,
    escrow_buffer: StorageAddress,
    temperature_oracle: StorageAddress,
    markets: StorageMap<B256, Market>,
    queues: StorageMap<B256, StorageMap<Address, Queue>>,
    work_ledger: StorageAddress,
    service_directory: StorageAddress,
    terms: StorageMap<B256, Terms>,
    usages: StorageMap<B256, Usage>,
}

#[public]
#[inherit(Ownable)]
impl PricingCurve {
    /// Sets the contract up: where capacities are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, capacity_registry: Address, owner: Address) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), capacity_registry)?;
        self.capacity_registry.set(capacity_registry);
        Ok(())
    }

    // --- Sinks

    /// Reports what the caller has in its queue, in capacity units of 1e-9: it replaces what the caller reported before, in
    /// the price at once, and in the demand of the epoch. Closes epochs that have ended first. Loads of 2^80 and more, which
    /// is beyond any capacity, count as 2^80 − 1.
    ///
    /// # Errors
    ///
    /// * [`SinkNotRegistered`]
    /// * [`ZeroCapacity`] if the caller has no capacity.
    ///
    /// # Events
    ///
    /// * [`QueueLoadUpdated`]; [`BaseFeeUpdated`] if an epoch was closed.
    pub fn report_queue_load(&mut self, task_type_id: B256, queue_load: U256) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        let capacity = self.require_capacity(task_type_id, sink)?;
        self.close_epochs(task_type_id)?;
        let load = math::to_u128_saturating(queue_load).min(to_u128(Load::MAX));
        let most = math::to_u128_saturating(capacity).saturating_mul(MAX_DEMAND);
        self.count(task_type_id, sink, load, load.min(most));
        log(
            self.vm(),
            QueueLoadUpdated {
                taskTypeId: task_type_id,
                sink,
                queueLoad: U256::from(load),
            },
        );
        Ok(())
    }

    // --- Anyone

    /// Closes all epochs of the task type that have ended, and moves its base fee accordingly.
    ///
    /// # Errors
    ///
    /// * [`EpochNotElapsed`] if there are none.
    ///
    /// # Events
    ///
    /// * [`BaseFeeUpdated`]
    pub fn advance_epoch(&mut self, task_type_id: B256) -> Result<(), Error> {
        match self.advance(task_type_id)? {
            true => Ok(()),
            false => Err(EpochNotElapsed {}.into()),
        }
    }

    /// Does the same for several task types. For those of which no epoch has ended it does nothing.
    ///
    /// # Events
    ///
    /// * [`BaseFeeUpdated`] for each task type with an epoch that was closed.
    pub fn advance_epochs(&mut self, task_type_ids: Vec<B256>) -> Result<(), Error> {
        for id in task_type_ids {
            self.advance(id)?;
        }
        Ok(())
    }

    // --- Creators

    /// Sets where the base fee of the caller's task type starts, and between what it stays: with an epoch's notice (300 s),
    /// but for the start, which counts at once and only while nothing has moved the fee. Zero stands for a tenth of the start
    /// as the floor, and for [`MAX_BASE_FEE`] as the ceiling.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`] unless the task type's creator calls, or ServiceDirectory.
    /// * [`InvalidFees`]; what CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`FeesSet`]
    pub fn set_fees(
        &mut self,
        task_type_id: B256,
        start: U256,
        floor: U256,
        ceiling: U256,
    ) -> Result<(), Error> {
        self.only_creator(task_type_id)?;
        self.announce_fees(task_type_id, start, floor, ceiling)
    }

    // --- WorkLedger

    /// Counts `work` of an epoch, and the `capacity` that served it, in capacity-seconds, where the base fee follows work.
    /// Closes the epoch with counts before it, if that has ended.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    ///
    /// # Events
    ///
    /// * [`BaseFeeUpdated`] if an epoch was closed.
    pub fn record_work(
        &mut self,
        task_type_id: B256,
        work: U256,
        capacity: U256,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller != self.work_ledger.get() {
            return Err(UnauthorizedCaller { caller }.into());
        }
        self.count_work(task_type_id, work, capacity);
        Ok(())
    }

    // --- Owner

    /// Sets who tells of counted work; nobody, if zero.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`WorkLedgerSet`]
    pub fn set_work_ledger(&mut self, ledger: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !ledger.is_zero() {
            require_contract(self.vm(), ledger)?;
        }
        self.work_ledger.set(ledger);
        emit!(self.vm(), WorkLedgerSet[ledger]);
        Ok(())
    }

    /// Sets who may set fees for creators, as they register task types; nobody, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ServiceDirectorySet`]
    pub fn set_service_directory(&mut self, directory: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.service_directory.set(directory);
        emit!(self.vm(), ServiceDirectorySet[directory]);
        Ok(())
    }

    /// Sets the curve of the task type: [`CURVE_QUEUE`] (0, which all start with), [`CURVE_RELAY`] (1) or [`CURVE_USED`] (2).
    /// For the owner, and for ServiceDirectory as it registers a task type.
    ///
    /// # Errors
    ///
    /// * [`InvalidCurve`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`CurveSet`]
    pub fn set_curve(&mut self, task_type_id: B256, curve: u8) -> Result<(), Error> {
        if self.vm().msg_sender() != self.service_directory.get() {
            self.ownable.only_owner()?;
        }
        if curve > CURVE_USED {
            return Err(InvalidCurve { curve }.into());
        }
        self.markets.setter(task_type_id).curve.set(U8::from(curve));
        log(
            self.vm(),
            CurveSet {
                taskTypeId: task_type_id,
                curve,
            },
        );
        Ok(())
    }

    /// Makes `buffer` the escrow buffer whose pressure prices follow; zero for none.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`EscrowBufferSet`]
    pub fn set_escrow_buffer(&mut self, buffer: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.escrow_buffer.set(buffer);
        log(
            self.vm(),
            EscrowBufferSet {
                escrowBuffer: buffer,
            },
        );
        Ok(())
    }

    /// Notes `oracle` as the temperature oracle, for clients that look for it here. Prices do not depend on it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`TemperatureOracleSet`]
    pub fn set_temperature_oracle(&mut self, oracle: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.temperature_oracle.set(oracle);
        log(
            self.vm(),
            TemperatureOracleSet {
                temperatureOracle: oracle,
            },
        );
        Ok(())
    }

    // --- Views

    /// What a unit of work costs at `sink`, in payment-token wei:
    /// `base fee · (1 + 0.8 · escrow pressure) · premium(load / capacity)`. The load is what the sink reported last, the
    /// base fee that of the last epoch that was closed. The largest number there is, if the sink has no capacity.
    ///
    /// Rounded down: less than one wei and two parts in 10^16 below the exact price. An escrow buffer that fails counts as
    /// empty.
    ///
    /// # Returns
    ///
    /// * `price`
    ///
    /// # Errors
    ///
    /// * [`InsufficientGas`]: the escrow buffer is to have its gas, so that a caller cannot make it fail.
    /// * What CapacityRegistry reverts with.
    pub fn get_price(&self, task_type_id: B256, sink: Address) -> Result<U256, Error> {
        let capacity = self.capacity(task_type_id, sink)?;
        if capacity.is_zero() {
            return Ok(U256::MAX);
        }
        let load = to_u128(self.queues.getter(task_type_id).getter(sink).load.get());
        let busy = utilization(load, math::to_u128_saturating(capacity));
        let market = self.markets.getter(task_type_id);
        let multiplier = match market.curve.get().wrapping_to::<u8>() {
            CURVE_RELAY => relay_multiplier(busy),
            _ => queue_multiplier(busy),
        };
        let pressure = self.escrow_pressure(task_type_id)?;
        Ok(congestion_price(
            self.fee(task_type_id),
            pressure,
            multiplier,
        ))
    }

    /// The base fee as of the last epoch that was closed, in payment-token wei.
    pub fn get_base_fee(&self, task_type_id: B256) -> U256 {
        U256::from(self.fee(task_type_id))
    }

    /// What WorkLedger asks: the base fee, and whether it follows the work that counts. Reads only what is here.
    ///
    /// # Returns
    ///
    /// * `baseFee`
    /// * `followsWork`
    pub fn get_market(&self, task_type_id: B256) -> (U256, bool) {
        let fee = U256::from(self.fee(task_type_id));
        (fee, self.follows_work(task_type_id))
    }

    /// The bounds of the task type's base fee now, those that are announced, and from when on, in seconds since 1970.
    ///
    /// # Returns
    ///
    /// * `floor`
    /// * `ceiling`
    /// * `nextFloor`
    /// * `nextCeiling`
    /// * `from`: zero, if none have been announced.
    pub fn get_fees(&self, task_type_id: B256) -> (U256, U256, U256, U256, U256) {
        self.fees(task_type_id)
    }

    /// The work that counted in the last epoch with counts and the capacity that served it, in capacity-seconds; and that epoch
    /// (seconds since 1970 / 300).
    ///
    /// # Returns
    ///
    /// * `work`
    /// * `capacity`
    /// * `epoch`
    pub fn get_usage(&self, task_type_id: B256) -> (U256, U256, U256) {
        self.usage(task_type_id)
    }

    /// Who tells of counted work; zero for nobody.
    pub fn work_ledger(&self) -> Address {
        self.work_ledger.get()
    }

    /// Who may set fees for creators; zero for nobody.
    pub fn service_directory(&self) -> Address {
        self.service_directory.get()
    }

    /// What `sink` reported last, in capacity units of 1e-9. It stands until the next report, also when the sink has left:
    /// ask CapacityRegistry for that. Calls nothing, so it can be asked at any time.
    pub fn get_queue_load(&self, task_type_id: B256, sink: Address) -> U256 {
        widen(self.queues.getter(task_type_id).getter(sink).load.get())
    }

    /// When the epoch that is to be closed next began, zero if there was none yet, and what sinks reported in it so far.
    ///
    /// # Returns
    ///
    /// * `start`
    /// * `demand`
    pub fn get_epoch(&self, task_type_id: B256) -> (U256, U256) {
        let market = self.markets.getter(task_type_id);
        (widen(market.epoch_start.get()), widen(market.demand.get()))
    }

    /// The curve that the premium for queues of the task type follows: see [`PricingCurve::set_curve`].
    pub fn get_curve(&self, task_type_id: B256) -> u8 {
        self.markets.getter(task_type_id).curve.get().wrapping_to()
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// The escrow buffer whose pressure prices follow; zero if there is none.
    pub fn escrow_buffer(&self) -> Address {
        self.escrow_buffer.get()
    }

    /// The temperature oracle, on which nothing here depends.
    pub fn temperature_oracle(&self) -> Address {
        self.temperature_oracle.get()
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }

    /// How long an epoch is, in seconds.
    #[selector(name = "EPOCH_DURATION")]
    pub fn epoch_duration(&self) -> U256 {
        U256::from(EPOCH_DURATION)
    }

    /// By how much the base fee moves in an epoch, in basis points.
    #[selector(name = "ADJUSTMENT_RATE_BPS")]
    pub fn adjustment_rate_bps(&self) -> U256 {
        U256::from(ADJUSTMENT_RATE_BPS)
    }

    /// The base fee of a task type at first, in payment-token wei.
    #[selector(name = "DEFAULT_BASE_FEE")]
    pub fn default_base_fee(&self) -> U256 {
        U256::from(DEFAULT_BASE_FEE)
    }

    /// The base fee falls no lower, in payment-token wei.
    #[selector(name = "MIN_BASE_FEE")]
    pub fn min_base_fee(&self) -> U256 {
        U256::from(MIN_BASE_FEE)
    }

    /// The base fee rises no higher, in payment-token wei.
    #[selector(name = "MAX_BASE_FEE")]
    pub fn max_base_fee(&self) -> U256 {
        U256::from(MAX_BASE_FEE)
    }

    /// The most that a sink counts as busy, with 18 decimals.
    #[selector(name = "MAX_UTILIZATION")]
    pub fn max_utilization(&self) -> U256 {
        U256::from(math::pricing::MAX_UTILIZATION)
    }

    /// What a full escrow buffer adds to a price, with 18 decimals.
    #[selector(name = "ESCROW_SENSITIVITY")]
    pub fn escrow_sensitivity(&self) -> U256 {
        U256::from(math::pricing::ESCROW_SENSITIVITY)
    }

    /// How much of the premium for queues counts, in basis points.
    #[selector(name = "GAMMA_BPS")]
    pub fn gamma_bps(&self) -> U256 {
        U256::from(GAMMA_BPS)
    }
}

impl PricingCurve {
    /// Closes all epochs that have ended, and returns whether there were any. If there never was an epoch, one without
    /// demand has ended now.
    fn advance(&mut self, id: B256) -> Result<bool, Error> {
        if self.follows_work(id) {
            return Ok(self.close_work(id));
        }
        let now = clock::block_timestamp(self.vm());
        let mut market = self.markets.setter(id);
        if market.epoch_start.get().is_zero() {
            let start = now.saturating_sub(EPOCH_DURATION);
            market.epoch_start.set(Uint::wrapping_from(start));
        }
        self.close_epochs(id)
    }

    /// Closes all epochs that have ended, and returns whether there were any. If there never was an epoch, one begins.
    ///
    /// The first of them has the demand that was reported; the others have none, as a report would have closed the first.
    fn close_epochs(&mut self, id: B256) -> Result<bool, Error> {
        let now = clock::block_timestamp(self.vm());
        let market = self.markets.getter(id);
        let start = market.epoch_start.get().wrapping_to::<u64>();
        let demand = widen(market.demand.get());
        if start == 0 {
            let mut market = self.markets.setter(id);
            market.epoch_start.set(Uint::wrapping_from(now));
            return Ok(false);
        }
        let ended = now.saturating_sub(start) / EPOCH_DURATION;
        if ended == 0 {
            return Ok(false);
        }
        let fee = match self.follows_work(id) {
            // Reports make queues, and so premiums, but no demand.
            true => base_fee(&market),
            false => self.fee_by_demand(id, base_fee(&market), demand, ended)?,
        };
        // Not beyond now.
        let start = start.saturating_add(ended.saturating_mul(EPOCH_DURATION));
        let mut market = self.markets.setter(id);
        market.base_fee.set(Uint::wrapping_from(fee));
        market.demand.set(Uint::ZERO);
        market.epoch_start.set(Uint::wrapping_from(start));
        if !self.follows_work(id) {
            log(
                self.vm(),
                BaseFeeUpdated {
                    taskTypeId: id,
                    newBaseFee: U256::from(fee),
                },
            );
        }
        Ok(true)
    }

    /// The fee after `ended` epochs, of which the first had this `demand`.
    fn fee_by_demand(
        &self,
        id: B256,
        before: u128,
        demand: U256,
        ended: u64,
    ) -> Result<u128, Error> {
        let (floor, ceiling) = self.bounds(id);
        let fee = match self.exceeds_capacity(id, demand)? {
            true => raise_by_eighth(before).min(ceiling),
            false => lower_by_eighth(before),
        };
        let idle = ended.saturating_sub(1).min(MAX_CATCH_UP);
        Ok((0..idle)
            .fold(fee, |fee, _| lower_by_eighth(fee))
            .min(ceiling)
            .max(floor))
    }

    /// Makes `load` the queue of `sink`, and a part of the open epoch's demand in place of what it reported in that epoch
    /// before.
    ///
    /// The sum does not overflow: it takes 2^32 sinks, which CapacityRegistry does not have.
    fn count(&mut self, id: B256, sink: Address, load: u128, counted: u128) {
        let mut market = self.markets.setter(id);
        let mut queues = self.queues.setter(id);
        let mut queue = queues.setter(sink);
        let epoch_start = market.epoch_start.get();
        let before = match queue.epoch_start.get() == epoch_start {
            true => to_u128(queue.counted.get()),
            false => 0,
        };
        let demand = to_u128(market.demand.get())
            .saturating_sub(before)
            .saturating_add(counted);
        market.demand.set(Uint::wrapping_from(demand));
        queue.load.set(Load::wrapping_from(load));
        // No more than the load.
        queue.counted.set(Load::wrapping_from(counted));
        queue.epoch_start.set(epoch_start);
    }

    /// Whether `demand` is more than the capacity of all sinks together.
    fn exceeds_capacity(&self, id: B256, demand: U256) -> Result<bool, Error> {
        if demand.is_zero() {
            return Ok(false);
        }
        let request = ICapacityRegistry::getTaskTypeCall { taskTypeId: id };
        let task_type = query(self.vm(), self.capacity_registry.get(), &request)?;
        Ok(demand > task_type.totalCapacity)
    }

    fn capacity(&self, id: B256, sink: Address) -> Result<U256, Error> {
        let request = ICapacityRegistry::getSmoothedCapacityCall {
            taskTypeId: id,
            sink,
        };
        Ok(query(self.vm(), self.capacity_registry.get(), &request)?._0)
    }

    fn require_capacity(&self, id: B256, sink: Address) -> Result<U256, Error> {
        let capacity = self.capacity(id, sink)?;
        if !capacity.is_zero() {
            return Ok(capacity);
        }
        let request = ICapacityRegistry::isRegisteredCall {
            taskTypeId: id,
            sink,
        };
        match query(self.vm(), self.capacity_registry.get(), &request)?._0 {
            true => Err(ZeroCapacity {}.into()),
            false => Err(SinkNotRegistered {}.into()),
        }
    }

    /// How full the escrow buffer is, with 18 decimals; zero if there is none, or if it fails.
    fn escrow_pressure(&self, id: B256) -> Result<u64, Error> {
        let buffer = self.escrow_buffer.get();
        if buffer.is_zero() {
            return Ok(0);
        }
        require_gas(self.vm(), ESCROW_GAS)?;
        let request = IEscrowBuffer::getEscrowPressureCall { taskTypeId: id }.abi_encode();
        let answer = static_call(self.vm(), buffer, &request, ESCROW_GAS, 32);
        if !answer.success || answer.data.len() != 32 {
            return Ok(0);
        }
        Ok(U256::from_be_slice(&answer.data)
            .min(U256::from(WAD))
            .wrapping_to())
    }
}

fn base_fee(market: &Market) -> u128 {
    match to_u128(market.base_fee.get()) {
        0 => DEFAULT_BASE_FEE,
        fee => fee,
    }
}
