//! BackpressurePool: streams that split by capacity.
//!
//! Every task type has a pool of Superfluid's general distribution agreement, with this contract as its admin. Sources
//! distribute straight into it; what flows in is split, every second and without anybody's help, in proportion to its
//! members' units. Sinks have units by capacity; the protocol fee, the verification budget and the overflow are members as
//! well. No stream passes through this contract.
//!
//! | who | may |
//! |---|---|
//! | anyone | create the pool of a task type; rebalance sinks; have the overflow follow the inflow; sweep; disconnect |
//! | CapacityRegistry | create pools; report that a sink has less capacity |
//! | the share submitter | set units by given shares |
//! | a pipeline | limit the capacity that a task type is paid for |
//! | NestedPool | have units itself, for capacity below a task type |
//! | the owner | set fee, budgets, prices, weighting and recipients; name submitter, pipelines and PricingCurve |
//!
//! Nothing the owner can do reaches money that has been paid: its powers are over how streams split from now on. Escrow,
//! meter and NestedPool are set once and for ever.
//!
//! Capacities are in units of 1e-9, rates in wei per second, prices in wei per second and whole capacity unit.
//!
//! # Units against an anchor
//!
//! A sink has `floor(C · 1e9 / anchor)` units, where the anchor is the total capacity at the last full rebalance, but at
//! least one capacity unit. Its share is its units over all sinks' units, so a sink that changes costs one update of units
//! and is exact at once; nobody else's units are written. [`rebalance`](BackpressurePool::rebalance) sets a new anchor, pages
//! do not, unless the total has left a quarter to four times the anchor: so that a walk that stops half-way is fair. All
//! sinks together have at most 4e9 units; what a single update would put above that waits for the next full rebalance.
//!
//! Capacity below a task type counts into its anchor, and is rescaled with it.
//!
//! # Carve-outs
//!
//! Fee and budget are exact when they are set, at every full rebalance, and again when the sinks' units have moved by 5 %
//! in between. Who gets them may be a sink as well: its units are the sum. The escrow has a unit at least: if no sink is left,
//! all flows into the escrow, where a pool without units would pay the stream to this contract.
//!
//! # Overflow
//!
//! With a capacity price, sinks are paid at most `capacity · price`, with a limit, only for capacity up to the limit. The
//! rest of the stream goes to EscrowBuffer as a member of the pool. How much flows OverflowMeter says, from what really
//! flowed: [`rebalance_overflow`](BackpressurePool::rebalance_overflow) follows it. Sinks get a thousandth at least, and where
//! the flow is small a little more, lest units outnumber wei: 0.2 % of a thousand tokens a month.
//!
//! # By work
//!
//! A task type of weighting 3, which is chosen before it has a pool, has no units for sinks: fee, budget and WorkReserve share
//! 10 000 units by basis points, written only when a cut changes and at most once in an hour. WorkReserve, which pays sinks what
//! their vouchers count, is found by EscrowBuffer's WorkLedger; there is no pool before it is there. A fee or budget of
//! WorkReserve's own is refused.
//!
//! # Rounding
//!
//! A pool pays whole wei per unit and second: a stream below the total units pays nobody. What rounding leaves over Superfluid
//! pays to this contract; once it is as much as the total units it is taken back into the streams, by a distribution of zero.
//! What is here goes to the recipient of the fee, whoever calls [`sweep`](BackpressurePool::sweep).
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod carve_outs;
mod interface;
mod lookups;
mod units;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U32};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, require_contract, to_address},
    connections, emit, erc20,
    events::Word,
    math::{self, split, split::BY_WORK},
    ownable::Ownable,
    packed::{narrow, pack, to_u128, widen},
    superfluid::{IGeneralDistributionAgreementV1, ISuperToken},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// A total that changed by this much since the last full rebalance calls for another.
pub const REBALANCE_THRESHOLD_BPS: u64 = 500;
/// At most so much of submitted shares is an equal split.
pub const MAX_EXPLORATION_RATE: u64 = math::pricing::WAD / 100 * 20;
/// So much of it is, until the owner says otherwise.
pub const DEFAULT_EXPLORATION_RATE: u64 = math::pricing::WAD / 100 * 5;
/// A basis point of an exploration rate.
const EXPLORATION_BPS: u64 = math::pricing::WAD / math::BPS as u64;
/// The protocol fee until the owner says otherwise.
pub const DEFAULT_FEE_BPS: u16 = 10;
/// The protocol fee at most.
pub const MAX_FEE_BPS: u16 = 1_000;
/// The capacity price at most: what a flow rate can be.
pub const MAX_PRICE: u128 = (1 << 95) - 1;
/// The verification budget at most.
pub const MAX_BUDGET_BPS: u16 = 8_999;
/// So many sinks are rebalanced in one call at most: 15 million gas if all of them are new.
pub const MAX_SINKS_PER_CALL: u64 = 40;
/// What setting one sink's units may take. It takes about a third of it.
pub const UNITS_GAS: u64 = 500_000;
/// What connecting one sink to its pool may take, or taking back what rounding left over. Each takes about a third of it.
pub const CONNECT_GAS: u64 = 600_000;

/// Sinks are weighted by smoothed capacity.
pub const BY_CAPACITY: u8 = 0;
/// Sinks are weighted by smoothed capacity less the load that they reported.
pub const BY_SPARE_CAPACITY: u8 = 1;
/// Units follow submitted shares.
pub const BY_SHARES: u8 = 2;

type StorageCapacity = StorageUint<104, 2>;
type StorageRate = StorageUint<96, 2>;
type StorageUnits = StorageUint<40, 1>;

/// Pool of a task type. Slot 0: pool (160 bits), budget_bps (16), weighting (8), limited (8), next (32): what every rebalance
/// reads. Slot 1: anchor (104), last_total (104). Slot 2: sink_units, fee_units, budget_units, overflow_units, nested_units
/// (40 each): what every change of units writes. Slots 3–4: who fee and budget go to. Slot 5: price (96), limit (104), both
/// zero as a rule. Slot 6: nested_capacity (104).
#[storage]
pub struct Pool {
    pool: StorageAddress,
    budget_bps: StorageU16,
    weighting: StorageU8,
    /// Whether a pipeline limits the capacity that is paid for.
    limited: StorageBool,
    /// Where the next page of a full walk starts.
    next: StorageU32,
    anchor: StorageCapacity,
    /// Total capacity at the last full rebalance.
    last_total: StorageCapacity,
    /// Units of all sinks, and of what is below the task type.
    sink_units: StorageUnits,
    fee_units: StorageUnits,
    budget_units: StorageUnits,
    overflow_units: StorageUnits,
    nested_units: StorageUnits,
    fee_member: StorageAddress,
    budget_member: StorageAddress,
    price: StorageRate,
    limit: StorageCapacity,
    nested_capacity: StorageCapacity,
}

/// The contract. Slots 0–1: ownership. Then the neighbours and recipients, an address each, the two rates beside the
/// addresses that are read with them: fee_recipient + fee_bps, share_submitter + exploration_rate.
#[entrypoint]
#[storage]
pub struct BackpressurePool {
    #[borrow]
    ownable: Ownable,
    registry: StorageAddress,
    token: StorageAddress,
    gda: StorageAddress,
    host: StorageAddress,
    escrow: StorageAddress,
    meter: StorageAddress,
    nested_pool: StorageAddress,
    pricing_curve: StorageAddress,
    reviewer: StorageAddress,
    fee_recipient: StorageAddress,
    fee_bps: StorageU16,
    share_submitter: StorageAddress,
    exploration_rate: StorageU64,
    temperature_oracle: StorageAddress,
    pipelines: StorageMap<Address, StorageBool>,
    pools: StorageMap<B256, Pool>,
}

#[public]
#[inherit(Ownable)]
impl BackpressurePool {
    /// Sets the contract up for streams of `super_token`. The owner gets the protocol fee until it names another.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract), `OwnableInvalidOwner`
    /// * `MalformedReturn` if `super_token` is no Super Token.
    #[constructor]
    pub fn constructor(
        &mut self,
        gda: Address,
        super_token: Address,
        capacity_registry: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [gda, super_token, capacity_registry] {
            require_contract(self.vm(), neighbour)?;
        }
        let [host] = self.ask(super_token, ISuperToken::getHostCall::SELECTOR, &[])?;
        connections::forbid(self.vm(), super_token);
        self.registry.set(capacity_registry);
        self.token.set(super_token);
        self.gda.set(gda);
        self.host.set(to_address(host));
        self.reviewer.set(owner);
        self.fee_recipient.set(owner);
        self.fee_bps.set(Uint::from(DEFAULT_FEE_BPS));
        self.exploration_rate
            .set(Uint::from(DEFAULT_EXPLORATION_RATE));
        Ok(())
    }

    // --- Anyone

    /// Creates the pool of a task type. Until sinks have units, all that flows in goes to the escrow.
    ///
    /// # Errors
    ///
    /// * [`PoolAlreadyExists`], [`TaskTypeDoesNotExist`], [`NoEscrowBuffer`], [`NoOverflowMeter`]
    ///
    /// # Events
    ///
    /// * [`PoolCreated`], [`CarveOutsSet`]
    pub fn create_pool(&mut self, task_type_id: B256) -> Result<(), Error> {
        if !self.get_pool(task_type_id).is_zero() {
            return Err(PoolAlreadyExists {}.into());
        }
        if self.escrow.get().is_zero() {
            return Err(NoEscrowBuffer {}.into());
        }
        if self.meter.get().is_zero() {
            return Err(NoOverflowMeter {}.into());
        }
        self.require_task_type(task_type_id)?;
        // The token, the admin, and a PoolConfig: units cannot be transferred, anybody may distribute.
        let [pool] = invoke_words(
            self.vm(),
            self.gda.get(),
            IGeneralDistributionAgreementV1::createPoolCall::SELECTOR,
            &[
                self.token.get().word(),
                self.vm().contract_address().word(),
                false.word(),
                true.word(),
            ],
        )?;
        let pool = to_address(pool);
        self.pools.setter(task_type_id).pool.set(pool);
        emit!(self.vm(), PoolCreated[task_type_id, pool]);
        let split = self.open(task_type_id)?;
        self.settle(&split, true)
    }

    /// Gives all sinks the units of their capacities, and sets the anchor to their total; at most 40 of them. By work, gives
    /// fee and budget what they are now.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`WeightedByShares`], [`ExceedsMaximum`], `InsufficientGas`
    ///
    /// # Events
    ///
    /// * [`Rebalanced`]; [`CarveOutsSet`], [`SinkSkipped`]
    pub fn rebalance(&mut self, task_type_id: B256) -> Result<(), Error> {
        let mut split = self.open(task_type_id)?;
        if split.weighting != BY_WORK {
            let (count, total) = self.sinks_and_total(task_type_id)?;
            require_at_most(U256::from(count), u128::from(MAX_SINKS_PER_CALL))?;
            self.set_anchor(&mut split, total)?;
            split.renewed = true;
            self.walk(&mut split, 0, count)?;
            self.complete(task_type_id, count, total);
        }
        self.settle(&split, true)
    }

    /// Gives `count` sinks, from number `from` on in the registry's list, the units of their capacities; at most 40 in a
    /// call. Pages that follow each other from 0 to the end are a full rebalance, unless a sink had to wait for room: then begin
    /// again.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`WeightedByShares`], [`PaidByWork`], [`ExceedsMaximum`], `InsufficientGas`
    ///
    /// # Events
    ///
    /// * [`Rebalanced`] after the last page; [`CarveOutsSet`], [`SinkSkipped`]
    pub fn rebalance_range(
        &mut self,
        task_type_id: B256,
        from: U256,
        count: U256,
    ) -> Result<(), Error> {
        let (from, count): (u64, u64) = (from.saturating_to(), count.saturating_to());
        require_at_most(U256::from(count), u128::from(MAX_SINKS_PER_CALL))?;
        let mut split = self.open(task_type_id)?;
        let (sinks, total) = self.sinks_and_total(task_type_id)?;
        if from == 0 && self.outgrown(&split, total) {
            self.set_anchor(&mut split, total)?;
        }
        self.walk(&mut split, from, count)?;
        let end = from.saturating_add(count);
        let next: u64 = self.pools.getter(task_type_id).next.get().wrapping_to();
        if (from == 0 || from == next) && !split.short {
            match end < sinks {
                true => self
                    .pools
                    .setter(task_type_id)
                    .next
                    .set(U32::wrapping_from(end)),
                false => self.complete(task_type_id, sinks, total),
            }
        }
        self.settle(&split, end >= sinks)
    }

    /// Gives one sink the units of its capacity; none, if it is not registered. Where all sinks would have more than 4e9
    /// units together, it has what there is room for until the next full rebalance.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`WeightedByShares`], [`PaidByWork`], [`ReservedMember`], [`InvalidAccount`],
    ///   `InsufficientGas`
    pub fn rebalance_sink(&mut self, task_type_id: B256, sink: Address) -> Result<(), Error> {
        let mut split = self.open(task_type_id)?;
        split.require_capacity_weights()?;
        if self.is_reserved(sink) {
            return Err(ReservedMember { account: sink }.into());
        }
        if split.anchor == 0 {
            let (_, total) = self.sinks_and_total(task_type_id)?;
            self.set_anchor(&mut split, total)?;
        }
        let capacity = self.capacity_of(task_type_id, sink)?;
        let units = self.units_of_capacity(&split, sink, capacity);
        self.settle_sink(split, sink, units)
    }

    /// Lets the overflow follow what has flowed. Does nothing unless price or limit bound it.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`]
    ///
    /// # Events
    ///
    /// * [`CarveOutsSet`]
    pub fn rebalance_overflow(&mut self, task_type_id: B256) -> Result<(), Error> {
        let split = self.open(task_type_id)?;
        self.settle(&split, false)
    }

    /// Pays the recipient of the protocol fee what Superfluid's rounding has left here, of all pools.
    ///
    /// # Returns
    ///
    /// * `amount`, in wei.
    ///
    /// # Errors
    ///
    /// * [`SafeERC20FailedOperation`](bpe_common::erc20::SafeERC20FailedOperation)
    ///
    /// # Events
    ///
    /// * [`Swept`]
    pub fn sweep(&mut self) -> Result<U256, Error> {
        let (token, recipient) = (self.token.get(), self.fee_recipient.get());
        let amount = erc20::balance_of(self.vm(), token, self.vm().contract_address())?;
        if !amount.is_zero() {
            emit!(self.vm(), Swept[recipient](amount));
            erc20::transfer(self.vm(), token, recipient, amount)?;
        }
        Ok(amount)
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), self.token.get(), pool)?)
    }

    // --- CapacityRegistry, the share submitter, pipelines, NestedPool

    /// Takes units away from a sink that now has only `capacity`; it never gives any. CapacityRegistry is open while it calls
    /// this, and nobody is asked for anything.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`InvalidAccount`], `InsufficientGas`
    pub fn on_capacity_reduced(
        &mut self,
        task_type_id: B256,
        sink: Address,
        capacity: U256,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller != self.registry.get() {
            return Err(UnauthorizedCaller { caller }.into());
        }
        if self.get_pool(task_type_id).is_zero() || self.is_reserved(sink) {
            return Ok(());
        }
        let split = self.open(task_type_id)?;
        if split.weighting == BY_WORK {
            return Ok(());
        }
        let units = split::pool_units(math::to_u128_saturating(capacity), split.anchor);
        let units = units.min(self.sink_units(&split, sink)?.0);
        self.settle_sink(split, sink, units)
    }

    /// Gives `sinks` units by `shares`, whatever the shares sum to: `(1 − ε)·share + ε/N`, where ε is the exploration rate
    /// and N the number of sinks, and at least one unit for a positive share. Others keep the units they have. From then
    /// on the task type follows shares, until the owner sets another weighting.
    ///
    /// # Errors
    ///
    /// * [`NotShareSubmitter`], [`ArrayLengthMismatch`], [`ExceedsMaximum`], [`NoShares`], [`PoolDoesNotExist`],
    ///   [`WeightingFixed`], `InsufficientGas`
    ///
    /// # Events
    ///
    /// * [`Rebalanced`], [`WeightingSet`]; [`CarveOutsSet`], [`SinkSkipped`]
    pub fn rebalance_with_shares(
        &mut self,
        task_type_id: B256,
        sinks: Vec<Address>,
        shares: Vec<U256>,
    ) -> Result<(), Error> {
        if self.vm().msg_sender() != self.share_submitter.get() {
            return Err(NotShareSubmitter {}.into());
        }
        if sinks.len() != shares.len() {
            return Err(ArrayLengthMismatch {}.into());
        }
        let count = sinks.len() as u64;
        require_at_most(U256::from(count), u128::from(MAX_SINKS_PER_CALL))?;
        let mut split = self.open(task_type_id)?;
        if split.weighting == BY_WORK {
            return Err(WeightingFixed {}.into());
        }
        self.give_shares(&mut split, &sinks, &shares)?;
        self.settle(&split, true)
    }

    /// Limits the capacity that the task type is paid for, to what lies downstream; the largest number lifts the limit.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`PoolDoesNotExist`]
    ///
    /// # Events
    ///
    /// * [`EffectiveCapacitySet`], [`CarveOutsSet`]
    pub fn set_effective_capacity(
        &mut self,
        task_type_id: B256,
        capacity: U256,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if !self.pipelines.get(caller) {
            return Err(UnauthorizedCaller { caller }.into());
        }
        let split = self.open(task_type_id)?;
        let limit = narrow(capacity);
        let mut pool = self.pools.setter(task_type_id);
        pool.limited.set(limit.is_some());
        pool.limit.set(limit.unwrap_or_default());
        emit!(
            self.vm(),
            EffectiveCapacitySet[task_type_id](limit.map_or(U256::MAX, widen))
        );
        self.settle(&split, split.weighting != BY_WORK)
    }

    /// Gives NestedPool the units of a sink with `capacity`, which the registry knows nothing of: of what lies below the task
    /// type, to which it passes on what it gets. They follow the anchor, whoever moves that.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`PoolDoesNotExist`], [`PaidByWork`], `InsufficientGas`
    pub fn set_nested_capacity(&mut self, task_type_id: B256, capacity: U256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller != self.nested_pool.get() {
            return Err(UnauthorizedCaller { caller }.into());
        }
        let mut split = self.open(task_type_id)?;
        if split.weighting == BY_WORK {
            return Err(PaidByWork {}.into());
        }
        let mut pool = self.pools.setter(task_type_id);
        pool.nested_capacity
            .set(pack(math::to_u128_saturating(capacity)));
        match split.anchor {
            0 => {
                let (_, total) = self.sinks_and_total(task_type_id)?;
                self.set_anchor(&mut split, total)?;
            }
            _ => self.set_nested_units(&mut split)?,
        }
        self.settle(&split, false)
    }

    // --- The owner

    /// Makes `escrow_buffer` the contract that overflow goes to. Once, for ever: another one could divert streams.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`EscrowBufferAlreadySet`], [`InvalidAccount`]
    ///
    /// # Events
    ///
    /// * [`EscrowBufferSet`]
    pub fn set_escrow_buffer(&mut self, escrow_buffer: Address) -> Result<(), Error> {
        self.only_owner()?;
        if !self.escrow.get().is_zero() {
            return Err(EscrowBufferAlreadySet {}.into());
        }
        require_contract(self.vm(), escrow_buffer)?;
        for recipient in [self.fee_recipient.get(), self.reviewer.get()] {
            if recipient == escrow_buffer {
                return Err(InvalidAccount { account: recipient }.into());
            }
        }
        self.escrow.set(escrow_buffer);
        emit!(self.vm(), EscrowBufferSet[escrow_buffer]);
        Ok(())
    }

    /// Has `overflow_meter` measure what flows. Once, for ever: another one could divert streams.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`OverflowMeterAlreadySet`], [`NotAContract`](bpe_common::call::NotAContract)
    ///
    /// # Events
    ///
    /// * [`OverflowMeterSet`]
    pub fn set_overflow_meter(&mut self, overflow_meter: Address) -> Result<(), Error> {
        self.only_owner()?;
        if !self.meter.get().is_zero() {
            return Err(OverflowMeterAlreadySet {}.into());
        }
        require_contract(self.vm(), overflow_meter)?;
        self.meter.set(overflow_meter);
        emit!(self.vm(), OverflowMeterSet[overflow_meter]);
        Ok(())
    }

    /// Gives `nested_pool` the units of task types below others. Once, for ever: another one could give itself units.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`NestedPoolAlreadySet`], [`NotAContract`](bpe_common::call::NotAContract)
    ///
    /// # Events
    ///
    /// * [`NestedPoolSet`]
    pub fn set_nested_pool(&mut self, nested_pool: Address) -> Result<(), Error> {
        self.only_owner()?;
        if !self.nested_pool.get().is_zero() {
            return Err(NestedPoolAlreadySet {}.into());
        }
        require_contract(self.vm(), nested_pool)?;
        self.nested_pool.set(nested_pool);
        emit!(self.vm(), NestedPoolSet[nested_pool]);
        Ok(())
    }

    /// Gives `fee_bps` of all streams to `recipient`; at most 1 000. Pools follow at their next full rebalance.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`ExceedsMaximum`], [`InvalidAccount`]
    ///
    /// # Events
    ///
    /// * [`ProtocolFeeSet`]
    pub fn set_protocol_fee(&mut self, fee_bps: U256, recipient: Address) -> Result<(), Error> {
        self.only_owner()?;
        require_at_most(fee_bps, u128::from(MAX_FEE_BPS))?;
        self.require_recipient(recipient)?;
        self.fee_bps.set(Uint::wrapping_from(fee_bps));
        self.fee_recipient.set(recipient);
        emit!(self.vm(), ProtocolFeeSet[recipient](fee_bps));
        Ok(())
    }

    /// Gives `budget_bps` of a task type's streams to the reviewer.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`BudgetExceedsBps`], [`PoolDoesNotExist`]
    ///
    /// # Events
    ///
    /// * [`VerificationBudgetSet`], [`CarveOutsSet`]
    pub fn set_verification_budget(
        &mut self,
        task_type_id: B256,
        budget_bps: U256,
    ) -> Result<(), Error> {
        self.only_owner()?;
        if budget_bps > U256::from(MAX_BUDGET_BPS) {
            return Err(BudgetExceedsBps {}.into());
        }
        let split = self.open(task_type_id)?;
        let mut pool = self.pools.setter(task_type_id);
        pool.budget_bps.set(Uint::wrapping_from(budget_bps));
        emit!(self.vm(), VerificationBudgetSet[task_type_id](budget_bps));
        self.settle(&split, true)
    }

    /// Makes `reviewer` the one who gets the verification budgets. Pools follow as with the fee.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`InvalidAccount`]
    ///
    /// # Events
    ///
    /// * [`ReviewerSet`]
    pub fn set_reviewer(&mut self, reviewer: Address) -> Result<(), Error> {
        self.only_owner()?;
        self.require_recipient(reviewer)?;
        self.reviewer.set(reviewer);
        emit!(self.vm(), ReviewerSet[reviewer]);
        Ok(())
    }

    /// Pays the task type's sinks at most `price` wei per second and capacity unit; zero: whatever streams in.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`ExceedsMaximum`], [`PoolDoesNotExist`]
    ///
    /// # Events
    ///
    /// * [`CapacityPriceSet`], [`CarveOutsSet`]
    pub fn set_capacity_price(&mut self, task_type_id: B256, price: U256) -> Result<(), Error> {
        self.only_owner()?;
        require_at_most(price, MAX_PRICE)?;
        let split = self.open(task_type_id)?;
        self.pools
            .setter(task_type_id)
            .price
            .set(Uint::wrapping_from(price));
        emit!(self.vm(), CapacityPriceSet[task_type_id](price));
        self.settle(&split, true)
    }

    /// Weights the task type's sinks by smoothed capacity (0), or by what of it they reported as free (1), or by the shares
    /// that are submitted (2); the next rebalance applies it. Or has them paid by work (3), before there is a pool, for ever:
    /// then all but the cuts goes to WorkReserve, and a pipeline's limit is written down but bounds nothing.
    /// For the owner, and for CapacityRegistry as it registers a task type.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`InvalidWeighting`], [`WeightingFixed`]
    ///
    /// # Events
    ///
    /// * [`WeightingSet`]
    pub fn set_weighting(&mut self, task_type_id: B256, weighting: u8) -> Result<(), Error> {
        if self.vm().msg_sender() != self.registry.get() {
            self.only_owner()?;
        }
        if weighting > BY_WORK {
            return Err(InvalidWeighting { weighting }.into());
        }
        let before = self.pools.getter(task_type_id).weighting.get();
        let is_by_work = weighting == BY_WORK || before == Uint::from(BY_WORK);
        if is_by_work && !self.get_pool(task_type_id).is_zero() {
            return Err(WeightingFixed {}.into());
        }
        self.store_weighting(task_type_id, weighting);
        Ok(())
    }

    /// Mixes submitted shares with `rate` of an equal split, 1e18 = 1; at most a fifth. Applied in whole basis points.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`ExplorationRateTooHigh`]
    ///
    /// # Events
    ///
    /// * [`ExplorationRateSet`]
    pub fn set_exploration_rate(&mut self, rate: U256) -> Result<(), Error> {
        self.only_owner()?;
        if rate > U256::from(MAX_EXPLORATION_RATE) {
            return Err(ExplorationRateTooHigh {}.into());
        }
        self.exploration_rate.set(Uint::wrapping_from(rate));
        emit!(self.vm(), ExplorationRateSet[](rate));
        Ok(())
    }

    /// Takes shares from `submitter`; from nobody, if zero.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`
    ///
    /// # Events
    ///
    /// * [`ShareSubmitterSet`]
    pub fn set_share_submitter(&mut self, submitter: Address) -> Result<(), Error> {
        self.only_owner()?;
        self.share_submitter.set(submitter);
        emit!(self.vm(), ShareSubmitterSet[submitter]);
        Ok(())
    }

    /// Lets `pipeline` limit the capacity that task types are paid for, or no longer.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`
    ///
    /// # Events
    ///
    /// * [`PipelineSet`]
    pub fn set_pipeline(&mut self, pipeline: Address, authorized: bool) -> Result<(), Error> {
        self.only_owner()?;
        self.pipelines.setter(pipeline).set(authorized);
        emit!(self.vm(), PipelineSet[pipeline](authorized));
        Ok(())
    }

    /// Reads sinks' loads from `pricing_curve`, for the weighting by spare capacity.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`InvalidAccount`]
    ///
    /// # Events
    ///
    /// * [`PricingCurveSet`]
    pub fn set_pricing_curve(&mut self, pricing_curve: Address) -> Result<(), Error> {
        self.only_owner()?;
        require_contract(self.vm(), pricing_curve)?;
        self.pricing_curve.set(pricing_curve);
        emit!(self.vm(), PricingCurveSet[pricing_curve]);
        Ok(())
    }

    /// Notes where whoever submits shares takes their temperature from. The pool itself does not read it: shares come
    /// tempered.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`
    ///
    /// # Events
    ///
    /// * [`TemperatureOracleSet`]
    pub fn set_temperature_oracle(&mut self, oracle: Address) -> Result<(), Error> {
        self.only_owner()?;
        self.temperature_oracle.set(oracle);
        emit!(self.vm(), TemperatureOracleSet[oracle]);
        Ok(())
    }

    // --- Views

    /// The Superfluid pool of a task type; zero if there is none.
    pub fn get_pool(&self, task_type_id: B256) -> Address {
        self.pools.getter(task_type_id).pool.get()
    }

    /// The units of a member of a task type's pool.
    pub fn get_member_units(&self, task_type_id: B256, sink: Address) -> Result<u128, Error> {
        let pool = self.require_pool(task_type_id)?;
        self.units(pool, sink)
    }

    /// Whether the total capacity has changed by 5 % since the last full rebalance.
    pub fn needs_rebalance(&self, task_type_id: B256) -> Result<bool, Error> {
        self.require_pool(task_type_id)?;
        let (_, total) = self.sinks_and_total(task_type_id)?;
        let last = to_u128(self.pools.getter(task_type_id).last_total.get());
        let changed = total.abs_diff(last).saturating_mul(u128::from(math::BPS));
        let threshold = last.saturating_mul(u128::from(REBALANCE_THRESHOLD_BPS));
        Ok(total != last && changed >= threshold)
    }

    /// The capacity that 1e9 units of the task type stand for.
    pub fn get_anchor(&self, task_type_id: B256) -> U256 {
        widen(self.pools.getter(task_type_id).anchor.get())
    }

    /// The part of the task type's streams that goes to the reviewer, in basis points.
    pub fn get_verification_budget(&self, task_type_id: B256) -> U256 {
        widen(self.pools.getter(task_type_id).budget_bps.get())
    }

    /// What a capacity unit of the task type is paid at most, in wei per second; zero: no limit.
    pub fn get_capacity_price(&self, task_type_id: B256) -> U256 {
        widen(self.pools.getter(task_type_id).price.get())
    }

    /// The capacity that the task type is paid for at most; the largest number: no limit.
    pub fn get_effective_capacity(&self, task_type_id: B256) -> U256 {
        let pool = self.pools.getter(task_type_id);
        match pool.limited.get() {
            true => widen(pool.limit.get()),
            false => U256::MAX,
        }
    }

    /// How the task type's sinks are weighted: by smoothed capacity (0), spare capacity (1) or shares (2); or paid by
    /// work (3).
    pub fn get_weighting(&self, task_type_id: B256) -> U256 {
        widen(self.pools.getter(task_type_id).weighting.get())
    }

    /// The protocol fee, in basis points.
    pub fn protocol_fee(&self) -> U256 {
        widen(self.fee_bps.get())
    }

    /// Who gets the protocol fee.
    pub fn fee_recipient(&self) -> Address {
        self.fee_recipient.get()
    }

    /// Who gets the verification budgets.
    pub fn reviewer(&self) -> Address {
        self.reviewer.get()
    }

    /// Where capacities come from.
    pub fn capacity_registry(&self) -> Address {
        self.registry.get()
    }

    /// Where overflow goes; zero if there is none.
    pub fn escrow_buffer(&self) -> Address {
        self.escrow.get()
    }

    /// What measures the inflow; zero if there is none.
    pub fn overflow_meter(&self) -> Address {
        self.meter.get()
    }

    /// Who has the units of task types below others; zero if nobody.
    pub fn nested_pool(&self) -> Address {
        self.nested_pool.get()
    }

    /// Where sinks report their loads.
    pub fn pricing_curve(&self) -> Address {
        self.pricing_curve.get()
    }

    /// Whether `pipeline` may limit capacities.
    pub fn authorized_pipelines(&self, pipeline: Address) -> bool {
        self.pipelines.get(pipeline)
    }

    /// How much of submitted shares is an equal split, in basis points.
    pub fn exploration_rate(&self) -> U256 {
        widen(self.exploration_rate.get())
    }

    /// Whom shares are taken from.
    pub fn share_submitter(&self) -> Address {
        self.share_submitter.get()
    }

    /// See [`BackpressurePool::set_temperature_oracle`].
    pub fn temperature_oracle(&self) -> Address {
        self.temperature_oracle.get()
    }

    /// Superfluid's general distribution agreement.
    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.gda.get()
    }

    /// The Super Token that streams are made of.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }

    /// Units of all sinks together right after a full rebalance.
    #[selector(name = "UNIT_SCALE")]
    pub fn unit_scale(&self) -> u128 {
        u128::from(split::UNIT_SCALE)
    }

    /// See [`BackpressurePool::needs_rebalance`].
    #[selector(name = "REBALANCE_THRESHOLD_BPS")]
    pub fn rebalance_threshold_bps(&self) -> U256 {
        U256::from(REBALANCE_THRESHOLD_BPS)
    }

    /// See [`BackpressurePool::set_exploration_rate`].
    #[selector(name = "MAX_EXPLORATION_RATE")]
    pub fn max_exploration_rate(&self) -> U256 {
        U256::from(MAX_EXPLORATION_RATE)
    }
}

fn require_at_most(value: U256, maximum: u128) -> Result<(), Error> {
    let maximum = U256::from(maximum);
    match value > maximum {
        true => Err(ExceedsMaximum { value, maximum }.into()),
        false => Ok(()),
    }
}
