//! BackpressurePool: streams that split by capacity.
//!
//! Every task type has a pool of Superfluid's general distribution agreement, with this contract as its admin. Whatever
//! flows into a pool is split, every second and without anybody's help, in proportion to its members' units. Sinks have
//! units by capacity; the protocol fee, the verification budget and the overflow are members as well.
//!
//! | who | may |
//! |---|---|
//! | anyone | create the pool of a task type; rebalance sinks |
//! | CapacityRegistry | create pools; report that a sink has less capacity |
//! | the share submitter | set units by given shares |
//! | a pipeline | limit the capacity that a task type is paid for; have units itself, for capacity below a task type |
//! | the owner | set fee, budgets, prices, weighting and recipients; name submitter, pipelines and neighbours |
//!
//! Nothing the owner can do reaches money that has been paid: its powers are over how streams split from now on. The escrow
//! is set once and for ever.
//!
//! Capacities are in units of 1e-9, rates in wei per second, prices in wei per second and whole capacity unit.
//!
//! # Units against an anchor
//!
//! A sink has `floor(C · 1e9 / anchor)` units, where the anchor is the total capacity at the last full rebalance. Its
//! share is its units over all sinks' units, so a sink that changes costs one update of units and is exact at once;
//! nobody else's units are written. [`rebalance`](BackpressurePool::rebalance) sets a new anchor, pages do not, unless
//! the total has left a quarter to four times the anchor: so that a walk that stops half-way is fair.
//!
//! # Carve-outs
//!
//! Fee and budget are exact when they are set, at every full rebalance, and again when the sinks' units have moved by 5 %
//! in between. The escrow has a unit at least, a billionth of the sinks': if no sink is left, all flows into the escrow, where
//! a pool without units would pay the stream to this contract.
//!
//! # Overflow
//!
//! With a capacity price, sinks are paid at most `capacity · price`, with a limit, only for capacity up to the limit. The
//! rest of the stream goes to EscrowBuffer as a member of the pool. Sinks that are to get next to nothing get a little more,
//! lest units outnumber wei: 0.2 % of a stream of a thousand tokens a month, 5 % of one of a token. Streams that change without this contract's doing
//! (another distributor, a source that vanishes) are followed by [`rebalance_overflow`](BackpressurePool::rebalance_overflow).
//!
//! # Rounding
//!
//! A pool pays whole wei per unit and second: below one wei per second and unit nothing flows, so streams below the total
//! units, about 1e9 wei per second, are refused. What units changing leaves over, less than the total units in wei per
//! second, Superfluid pays to this contract until a stream changes; EscrowBuffer may take it from here and book it.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U32};
use alloy_sol_types::{sol, SolCall};
use bpe_common::{
    call::{
        call, calldata, invoke_words, query_words, require_contract, require_gas, static_call,
        to_address, InsufficientGas, NotAContract, Revert, ALL_GAS,
    },
    clock, emit,
    erc20::{self, SafeERC20FailedOperation},
    events::Word,
    interfaces::{ICapacityRegistry, IPricingCurve},
    math::{
        self,
        split::{self, Cuts},
    },
    ownable::{self, Ownable},
    packed::{narrow, to_u128, widen},
    superfluid::{agreement_call, IGeneralDistributionAgreementV1, ISuperToken, ISuperfluidPool},
};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// The task type is paid through `pool`.
    #[derive(Debug, PartialEq, Eq)]
    event PoolCreated(bytes32 indexed taskTypeId, address indexed pool);
    /// All `sinkCount` sinks of the task type have the units of their capacities, which sum to `totalCapacity`.
    #[derive(Debug, PartialEq, Eq)]
    event Rebalanced(bytes32 indexed taskTypeId, uint256 sinkCount, uint256 totalCapacity);
    /// The pool refused to set the units of `sink`, or it may have none; the others went on.
    #[derive(Debug, PartialEq, Eq)]
    event SinkSkipped(bytes32 indexed taskTypeId, address indexed sink);
    /// What is carved out of the task type's streams has these units now, beside `sinkUnits` of all sinks.
    #[derive(Debug, PartialEq, Eq)]
    event CarveOutsSet(bytes32 indexed taskTypeId, uint256 sinkUnits, uint256 feeUnits, uint256 budgetUnits, uint256 overflowUnits);
    /// The reviewer gets `budgetBps` of the task type's streams.
    #[derive(Debug, PartialEq, Eq)]
    event VerificationBudgetSet(bytes32 indexed taskTypeId, uint256 budgetBps);
    /// `recipient` gets `feeBps` of all streams.
    #[derive(Debug, PartialEq, Eq)]
    event ProtocolFeeSet(uint256 feeBps, address indexed recipient);
    /// `reviewer` gets the verification budgets.
    #[derive(Debug, PartialEq, Eq)]
    event ReviewerSet(address indexed reviewer);
    /// A capacity unit of the task type is paid at most `price`; without limit, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityPriceSet(bytes32 indexed taskTypeId, uint256 price);
    /// The task type is paid for `capacity` at most; for all it has, if that is the largest number.
    #[derive(Debug, PartialEq, Eq)]
    event EffectiveCapacitySet(bytes32 indexed taskTypeId, uint256 capacity);
    /// Sinks of the task type are weighted by smoothed capacity (0), spare capacity (1) or shares (2).
    #[derive(Debug, PartialEq, Eq)]
    event WeightingSet(bytes32 indexed taskTypeId, uint8 weighting);
    /// Submitted shares are mixed with `rate` of an equal split, 1e18 = 1.
    #[derive(Debug, PartialEq, Eq)]
    event ExplorationRateSet(uint256 rate);
    /// Shares are taken from `submitter`.
    #[derive(Debug, PartialEq, Eq)]
    event ShareSubmitterSet(address indexed submitter);
    /// `pipeline` may limit capacities, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event PipelineSet(address indexed pipeline, bool authorized);
    /// Loads are read from `pricingCurve`.
    #[derive(Debug, PartialEq, Eq)]
    event PricingCurveSet(address indexed pricingCurve);
    /// The temperature oracle is now `oracle`.
    #[derive(Debug, PartialEq, Eq)]
    event TemperatureOracleSet(address indexed oracle);
    /// Overflow goes to `escrowBuffer`.
    #[derive(Debug, PartialEq, Eq)]
    event EscrowBufferSet(address indexed escrowBuffer);

    /// The task type has no pool.
    #[derive(Debug, PartialEq, Eq)]
    error PoolDoesNotExist();
    /// The task type has a pool already.
    #[derive(Debug, PartialEq, Eq)]
    error PoolAlreadyExists();
    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// There are not as many shares as sinks.
    #[derive(Debug, PartialEq, Eq)]
    error ArrayLengthMismatch();
    /// At most 89.99 % of a stream goes to the reviewer, so that with the highest fee the sinks still get a part.
    #[derive(Debug, PartialEq, Eq)]
    error BudgetExceedsBps();
    /// At most 20 % of an equal split.
    #[derive(Debug, PartialEq, Eq)]
    error ExplorationRateTooHigh();
    /// Shares are taken from the share submitter only.
    #[derive(Debug, PartialEq, Eq)]
    error NotShareSubmitter();
    /// No share is positive.
    #[derive(Debug, PartialEq, Eq)]
    error NoShares();
    /// The task type's units follow submitted shares, not capacities.
    #[derive(Debug, PartialEq, Eq)]
    error WeightedByShares();
    /// `weighting` is none of 0, 1 and 2.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeighting(uint8 weighting);
    /// `caller` is not the contract that may do this: CapacityRegistry, or a pipeline.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// `value` is more than `maximum`: of a fee, a price, or sinks in one call.
    #[derive(Debug, PartialEq, Eq)]
    error ExceedsMaximum(uint256 value, uint256 maximum);
    /// `account` is paid as a carve-out by this pool, and cannot be its sink as well.
    #[derive(Debug, PartialEq, Eq)]
    error CarveOutMember(address account);
    /// The escrow is set for ever.
    #[derive(Debug, PartialEq, Eq)]
    error EscrowBufferAlreadySet();
    /// There is no escrow that could take the overflow.
    #[derive(Debug, PartialEq, Eq)]
    error NoEscrowBuffer();
    /// `account` cannot be this: zero or the escrow, as a recipient; refused by Superfluid, as a sink.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidAccount(address account);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    PoolDoesNotExist(PoolDoesNotExist),
    PoolAlreadyExists(PoolAlreadyExists),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    ArrayLengthMismatch(ArrayLengthMismatch),
    BudgetExceedsBps(BudgetExceedsBps),
    ExplorationRateTooHigh(ExplorationRateTooHigh),
    NotShareSubmitter(NotShareSubmitter),
    NoShares(NoShares),
    WeightedByShares(WeightedByShares),
    InvalidWeighting(InvalidWeighting),
    UnauthorizedCaller(UnauthorizedCaller),
    ExceedsMaximum(ExceedsMaximum),
    CarveOutMember(CarveOutMember),
    EscrowBufferAlreadySet(EscrowBufferAlreadySet),
    NoEscrowBuffer(NoEscrowBuffer),
    InvalidAccount(InvalidAccount),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Token(SafeERC20FailedOperation),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// A total that changed by this much since the last full rebalance calls for another.
pub const REBALANCE_THRESHOLD_BPS: u64 = 500;
/// At most so much of submitted shares is an equal split.
pub const MAX_EXPLORATION_RATE: u64 = math::pricing::WAD / 100 * 20;
/// So much of it is, until the owner says otherwise.
pub const DEFAULT_EXPLORATION_RATE: u64 = math::pricing::WAD / 100 * 5;
/// The protocol fee until the owner says otherwise.
pub const DEFAULT_FEE_BPS: u16 = 10;
/// The protocol fee at most.
pub const MAX_FEE_BPS: u16 = 1_000;
/// The capacity price at most: what a flow rate can be.
pub const MAX_PRICE: u128 = (1 << 95) - 1;
/// The verification budget at most.
pub const MAX_BUDGET_BPS: u16 = 8_999;
/// So many sinks are rebalanced in one call at most: 24 million gas if all of them are new, of an L2 block's 32.
pub const MAX_SINKS_PER_CALL: u64 = 64;
/// What setting one sink's units may take. It takes about a third of it.
pub const UNITS_GAS: u64 = 500_000;
/// What connecting one sink to its pool may take. It takes about a third of it.
pub const CONNECT_GAS: u64 = 600_000;

/// Sinks are weighted by smoothed capacity.
pub const BY_CAPACITY: u8 = 0;
/// Sinks are weighted by smoothed capacity less the load that they reported.
pub const BY_SPARE_CAPACITY: u8 = 1;
/// Units follow submitted shares.
pub const BY_SHARES: u8 = 2;

type StorageCapacity = StorageUint<104, 2>;
type StorageRate = StorageUint<96, 2>;

/// Pool of a task type. Slot 0: pool (160 bits), budget_bps (16), weighting (8), limited (8), next (32): what every rebalance
/// reads. Slot 1: anchor (104), last_total (104). Slot 2: sink_units (128), carved_units (128): what every change of units
/// writes. Slots 3–4: who the carve-outs went to. Slot 5: price (96), limit (104), both zero as a rule. Slot 6: free_value
/// (128), free_rate (96), free_since (32), for priced task types.
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
    /// Units of all sinks.
    sink_units: StorageU128,
    /// Units of all sinks when the carve-outs were set.
    carved_units: StorageU128,
    fee_member: StorageAddress,
    budget_member: StorageAddress,
    price: StorageRate,
    limit: StorageCapacity,
    /// What capacity was free to earn until `free_since`, in wei, since ever.
    free_value: StorageU128,
    free_rate: StorageRate,
    free_since: StorageU32,
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
    /// * [`InvalidAccount`], [`ownable::OwnableInvalidOwner`]
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

    /// Creates the pool of a task type.
    ///
    /// # Errors
    ///
    /// * [`PoolAlreadyExists`], [`TaskTypeDoesNotExist`]
    ///
    /// # Events
    ///
    /// * [`PoolCreated`], [`CarveOutsSet`]
    pub fn create_pool(&mut self, task_type_id: B256) -> Result<(), Error> {
        if !self.get_pool(task_type_id).is_zero() {
            return Err(PoolAlreadyExists {}.into());
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

    /// Gives all sinks of a task type the units of their capacities, against their present total as the new anchor. For
    /// at most 64 sinks: see [`BackpressurePool::rebalance_range`].
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`WeightedByShares`], [`ExceedsMaximum`], [`InsufficientGas`]
    ///
    /// # Events
    ///
    /// * [`Rebalanced`]; [`CarveOutsSet`], [`SinkSkipped`]
    pub fn rebalance(&mut self, task_type_id: B256) -> Result<(), Error> {
        let mut split = self.open(task_type_id)?;
        let (count, total) = self.sinks_and_total(task_type_id)?;
        require_at_most(U256::from(count), u128::from(MAX_SINKS_PER_CALL))?;
        self.set_anchor(&mut split, total);
        self.walk(&mut split, 0, count)?;
        self.complete(task_type_id, count, total);
        self.settle(&split, true)
    }

    /// Gives `count` sinks, from number `from` on in the registry's list, the units of their capacities; at most 64 in a
    /// call. Pages that follow each other from 0 to the end are a full rebalance.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`WeightedByShares`], [`ExceedsMaximum`], [`InsufficientGas`]
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
        if from == 0 && split.outgrown_by(total) {
            self.set_anchor(&mut split, total);
        }
        self.walk(&mut split, from, count)?;
        let end = from.saturating_add(count);
        let next: u64 = self.pools.getter(task_type_id).next.get().wrapping_to();
        if from == 0 || from == next {
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

    /// Gives one sink the units of its capacity; none, if it is not registered.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`WeightedByShares`], [`CarveOutMember`], [`InvalidAccount`], [`InsufficientGas`]
    pub fn rebalance_sink(&mut self, task_type_id: B256, sink: Address) -> Result<(), Error> {
        let mut split = self.open(task_type_id)?;
        split.require_capacity_weights()?;
        if self.is_reserved(task_type_id, sink) {
            return Err(CarveOutMember { account: sink }.into());
        }
        if split.anchor == 0 {
            let (_, total) = self.sinks_and_total(task_type_id)?;
            self.set_anchor(&mut split, total);
        }
        let capacity = self.capacity_of(task_type_id, sink)?;
        let units = self.units_of_capacity(&split, sink, capacity)?;
        self.settle_sink(split, sink, units)
    }

    /// Lets the overflow follow the stream as it is now. Does nothing unless price or limit bound it, or no sink is left.
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

    // --- CapacityRegistry, the share submitter, pipelines

    /// Takes units away from a sink that now has only `capacity`. CapacityRegistry is open while it calls this, and is
    /// not asked for anything.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`InvalidAccount`], [`InsufficientGas`]
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
        if self.get_pool(task_type_id).is_zero() || self.is_reserved(task_type_id, sink) {
            return Ok(());
        }
        let split = self.open(task_type_id)?;
        let mut units = self.units_of_capacity(&split, sink, capacity)?;
        if split.weighting == BY_SHARES {
            units = units.min(self.units(split.pool, sink)?);
        }
        self.settle_sink(split, sink, units)
    }

    /// Gives `sinks` units by `shares`, whatever the shares sum to: `(1 − ε)·share + ε/N`, where ε is the exploration rate
    /// and N the number of sinks, and at least one unit for a positive share. Others keep the units they have. From then
    /// on the task type follows shares, until the owner sets another weighting.
    ///
    /// # Errors
    ///
    /// * [`NotShareSubmitter`], [`ArrayLengthMismatch`], [`ExceedsMaximum`], [`NoShares`], [`PoolDoesNotExist`],
    ///   [`InsufficientGas`]
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
        let sum = shares
            .iter()
            .try_fold(U256::ZERO, |sum, share| sum.checked_add(*share))
            .filter(|sum| !sum.is_zero())
            .ok_or(NoShares {})?;
        let (_, total) = self.sinks_and_total(task_type_id)?;
        self.set_anchor(&mut split, total);
        self.store_weighting(task_type_id, BY_SHARES);
        let rate: u64 = self.exploration_rate.get().wrapping_to();
        for (sink, share) in sinks.iter().zip(&shares) {
            let units = split::share_units(*share, sum, rate, count);
            match self.capacity_of(task_type_id, *sink)?.is_zero() {
                true => self.skip(task_type_id, *sink),
                false => self.try_set_sink(&mut split, *sink, units)?,
            }
        }
        self.complete(task_type_id, count, total);
        self.settle(&split, true)
    }

    /// Limits the capacity that the task type is paid for, to what lies downstream; the largest number lifts the limit.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`PoolDoesNotExist`], [`NoEscrowBuffer`]
    ///
    /// # Events
    ///
    /// * [`EffectiveCapacitySet`], [`CarveOutsSet`]
    pub fn set_effective_capacity(
        &mut self,
        task_type_id: B256,
        capacity: U256,
    ) -> Result<(), Error> {
        self.only_pipeline()?;
        self.require_escrow()?;
        let split = self.open(task_type_id)?;
        let limit = narrow(capacity);
        let mut pool = self.pools.setter(task_type_id);
        pool.limited.set(limit.is_some());
        pool.limit.set(limit.unwrap_or_default());
        emit!(
            self.vm(),
            EffectiveCapacitySet[task_type_id](limit.map_or(U256::MAX, widen))
        );
        self.settle(&split, true)
    }

    /// Gives the caller, a pipeline, the units of a sink with `capacity`, which the registry knows nothing of: of what lies
    /// below the task type, to which the caller passes on what it gets. Only the caller changes these units.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`PoolDoesNotExist`], [`InvalidAccount`], [`InsufficientGas`]
    pub fn set_nested_capacity(&mut self, task_type_id: B256, capacity: U256) -> Result<(), Error> {
        let member = self.only_pipeline()?;
        let mut split = self.open(task_type_id)?;
        let capacity = math::to_u128_saturating(capacity);
        if split.anchor == 0 {
            // Without sinks of its own the task type has no other.
            self.set_anchor(&mut split, capacity);
        }
        let units = split::pool_units(capacity, split.anchor);
        self.settle_sink(split, member, units)
    }

    // --- The owner

    /// Makes `escrow_buffer` the contract that overflow goes to. Once, for ever: another one could divert streams.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`EscrowBufferAlreadySet`], [`InvalidAccount`]
    /// * [`SafeERC20FailedOperation`]
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
        erc20::approve_all(self.vm(), self.token.get(), escrow_buffer)?;
        emit!(self.vm(), EscrowBufferSet[escrow_buffer]);
        Ok(())
    }

    /// Gives `fee_bps` of all streams to `recipient`; at most 1 000. Pools follow at their next full rebalance.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`ExceedsMaximum`], [`InvalidAccount`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`], [`BudgetExceedsBps`], [`PoolDoesNotExist`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidAccount`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`], [`ExceedsMaximum`], [`PoolDoesNotExist`], [`NoEscrowBuffer`]
    ///
    /// # Events
    ///
    /// * [`CapacityPriceSet`], [`CarveOutsSet`]
    pub fn set_capacity_price(&mut self, task_type_id: B256, price: U256) -> Result<(), Error> {
        self.only_owner()?;
        self.require_escrow()?;
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
    /// that are submitted (2). The next rebalance applies it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidWeighting`], [`PoolDoesNotExist`]
    ///
    /// # Events
    ///
    /// * [`WeightingSet`]
    pub fn set_weighting(&mut self, task_type_id: B256, weighting: u8) -> Result<(), Error> {
        self.only_owner()?;
        if weighting > BY_SHARES {
            return Err(InvalidWeighting { weighting }.into());
        }
        self.require_pool(task_type_id)?;
        self.store_weighting(task_type_id, weighting);
        Ok(())
    }

    /// Mixes submitted shares with `rate` of an equal split, 1e18 = 1; at most a fifth.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`ExplorationRateTooHigh`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`]
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

    /// Lets `pipeline`, a Pipeline or a NestedPool, limit the capacity that task types are paid for, and have units for what
    /// is below them; or no longer. Units that it has stay until [`BackpressurePool::rebalance_sink`].
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidAccount`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`]
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
        Ok(total != last && in_bps(total.abs_diff(last)) >= threshold_of(last))
    }

    /// The capacity that 1e9 units of the task type stand for.
    pub fn get_anchor(&self, task_type_id: B256) -> U256 {
        widen(self.pools.getter(task_type_id).anchor.get())
    }

    /// The units of all sinks of the task type.
    pub fn get_sink_units(&self, task_type_id: B256) -> U256 {
        widen(self.pools.getter(task_type_id).sink_units.get())
    }

    /// Whether the task type has a capacity price, and what its capacity was free to earn beside its streams, in wei,
    /// since it has one.
    ///
    /// # Returns
    ///
    /// * `priced`
    /// * `value`
    pub fn get_free_value(&self, task_type_id: B256) -> (bool, U256) {
        let priced = !self.pools.getter(task_type_id).price.get().is_zero();
        (priced, U256::from(self.free_value(task_type_id)))
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

    /// How the task type's sinks are weighted: by smoothed capacity (0), spare capacity (1) or shares (2).
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

/// How a task type's stream is split, while a call works on it.
struct Split {
    id: B256,
    pool: Address,
    weighting: u8,
    anchor: u128,
    /// Units of all sinks.
    sinks: u128,
}

impl Split {
    fn require_capacity_weights(&self) -> Result<(), Error> {
        match self.weighting {
            BY_SHARES => Err(WeightedByShares {}.into()),
            _ => Ok(()),
        }
    }

    /// Whether units against the anchor have become too coarse or too many for `total`.
    fn outgrown_by(&self, total: u128) -> bool {
        total > self.anchor.saturating_mul(4) || self.anchor > total.saturating_mul(4)
    }
}

impl BackpressurePool {
    fn open(&self, id: B256) -> Result<Split, Error> {
        let pool = self.pools.getter(id);
        Ok(Split {
            id,
            pool: self.require_pool(id)?,
            weighting: pool.weighting.get().wrapping_to(),
            anchor: to_u128(pool.anchor.get()),
            sinks: to_u128(pool.sink_units.get()),
        })
    }

    fn set_anchor(&mut self, split: &mut Split, total: u128) {
        // Without sinks, capacity below the task type has its units against the anchor that there is.
        if total > 0 {
            split.anchor = total;
            let mut pool = self.pools.setter(split.id);
            pool.anchor.set(Uint::wrapping_from(total));
        }
    }

    /// Notes that all of `count` sinks were rebalanced when they had `total`.
    fn complete(&mut self, id: B256, count: u64, total: u128) {
        let mut pool = self.pools.setter(id);
        pool.next.set(U32::ZERO);
        pool.last_total.set(Uint::wrapping_from(total));
        emit!(self.vm(), Rebalanced[id](count, total));
    }

    // --- Units

    /// Gives a page of sinks their units.
    fn walk(&mut self, split: &mut Split, from: u64, count: u64) -> Result<(), Error> {
        split.require_capacity_weights()?;
        for (sink, capacity) in self.sinks_page(split.id, from, count)? {
            let units = self.units_of_capacity(split, sink, capacity)?;
            self.try_set_sink(split, sink, units)?;
        }
        Ok(())
    }

    fn units_of_capacity(
        &self,
        split: &Split,
        sink: Address,
        capacity: U256,
    ) -> Result<u128, Error> {
        let mut capacity = math::to_u128_saturating(capacity);
        if split.weighting == BY_SPARE_CAPACITY {
            let selector = IPricingCurve::getQueueLoadCall::SELECTOR;
            let arguments = [split.id, sink.word()];
            let [load] = self.ask(self.pricing_curve.get(), selector, &arguments)?;
            capacity = capacity.saturating_sub(math::to_u128_saturating(load));
        }
        Ok(split::pool_units(capacity, split.anchor))
    }

    /// Gives `sink` its units, or leaves it as it is if that is refused: one sink never stops the others.
    fn try_set_sink(&mut self, split: &mut Split, sink: Address, units: u128) -> Result<(), Error> {
        if self.is_reserved(split.id, sink) || !self.set_sink(split, sink, units)? {
            self.skip(split.id, sink);
        }
        Ok(())
    }

    /// Gives `sink` its units. Returns whether the pool agreed.
    fn set_sink(&mut self, split: &mut Split, sink: Address, units: u128) -> Result<bool, Error> {
        let before = self.units(split.pool, sink)?;
        if before == units {
            return Ok(true);
        }
        require_gas(self.vm(), UNITS_GAS)?;
        let request = units_update(sink, units);
        if !call(self.vm(), split.pool, &request, UNITS_GAS, 0).success {
            return Ok(false);
        }
        split.sinks = split.sinks.saturating_sub(before).saturating_add(units);
        if before == 0 {
            self.connect_member(split.pool, sink)?;
        }
        Ok(true)
    }

    /// As [`BackpressurePool::set_sink`], for the one sink that everything is about, with what follows from it.
    #[inline(never)]
    fn settle_sink(&mut self, mut split: Split, sink: Address, units: u128) -> Result<(), Error> {
        match self.set_sink(&mut split, sink, units)? {
            true => self.settle(&split, false),
            false => Err(InvalidAccount { account: sink }.into()),
        }
    }

    /// Has Superfluid connect a new sink to its pool, so that its balance grows by itself. It may refuse: the sink has used
    /// up its slots for this, or forbidden it. Then it claims.
    fn connect_member(&self, pool: Address, sink: Address) -> Result<(), Error> {
        require_gas(self.vm(), CONNECT_GAS)?;
        // Pool, member, and an empty `ctx`.
        let connect = calldata(
            IGeneralDistributionAgreementV1::tryConnectPoolForCall::SELECTOR,
            &[pool.word(), sink.word(), 96_u64.word(), 0_u64.word()],
        );
        let request = agreement_call(self.gda.get(), &connect, &[]);
        call(self.vm(), self.host.get(), &request, CONNECT_GAS, 0);
        Ok(())
    }

    fn set_units(&self, pool: Address, member: Address, units: u128) -> Result<(), Error> {
        let selector = ISuperfluidPool::updateMemberUnitsCall::SELECTOR;
        let arguments = [member.word(), units.word()];
        let [_agreed] = invoke_words(self.vm(), pool, selector, &arguments)?;
        Ok(())
    }

    fn units(&self, pool: Address, member: Address) -> Result<u128, Error> {
        let selector = ISuperfluidPool::getUnitsCall::SELECTOR;
        let [units] = self.ask(pool, selector, &[member.word()])?;
        Ok(math::to_u128_saturating(units))
    }

    fn skip(&self, id: B256, sink: Address) {
        emit!(self.vm(), SinkSkipped[id, sink]);
    }

    // --- Carve-outs

    /// Stores what the sinks have, and sets the carve-outs beside them if they have to follow.
    fn settle(&mut self, split: &Split, forced: bool) -> Result<(), Error> {
        let mut pool = self.pools.setter(split.id);
        pool.sink_units.set(Uint::from(split.sinks));
        let carved = to_u128(pool.carved_units.get());
        let terms = Terms {
            price: to_u128(pool.price.get()),
            limit: pool.limited.get().then(|| to_u128(pool.limit.get())),
        };
        let moved = in_bps(split.sinks.abs_diff(carved)) >= threshold_of(carved);
        match forced || moved || terms.bound() {
            true => self.carve(split, terms),
            false => Ok(()),
        }
    }

    fn carve(&mut self, split: &Split, terms: Terms) -> Result<(), Error> {
        let members = [self.fee_recipient.get(), self.reviewer.get()];
        let sinks = self.appoint(split, members)?;
        let cuts = self.cuts(split.id, members);
        let flow = match terms.bound() {
            true => self.flow(split.pool)?,
            false => 0,
        };
        let left = cuts.left(flow);
        let capacity = split::units_capacity(sinks, split.anchor);
        let pay = terms.pay(capacity, left);
        self.note_free_rate(split.id, terms.worth(capacity).saturating_sub(left));
        let mut units = split::carve_outs(sinks, cuts, flow, pay);
        let escrow = self.escrow.get();
        // First, so that there are units at any time.
        match escrow.is_zero() {
            true => units.overflow = 0,
            false => self.set_carve_out(split.pool, escrow, units.overflow)?,
        }
        let [fee_member, budget_member] = members;
        self.set_carve_out(split.pool, fee_member, units.fee)?;
        if budget_member != fee_member {
            self.set_carve_out(split.pool, budget_member, units.budget)?;
        }
        let mut pool = self.pools.setter(split.id);
        pool.sink_units.set(Uint::from(sinks));
        pool.carved_units.set(Uint::from(sinks));
        emit!(
            self.vm(),
            CarveOutsSet[split.id](sinks, units.fee, units.budget, units.overflow)
        );
        Ok(())
    }

    /// Has this pool pay `members` from now on, and nobody that they follow. Returns the units of the sinks, among which
    /// they are no longer.
    fn appoint(&mut self, split: &Split, members: [Address; 2]) -> Result<u128, Error> {
        let mut pool = self.pools.setter(split.id);
        let before = [pool.fee_member.get(), pool.budget_member.get()];
        if before == members {
            return Ok(split.sinks);
        }
        let [fee_member, budget_member] = members;
        pool.fee_member.set(fee_member);
        pool.budget_member.set(budget_member);
        for member in before {
            if !member.is_zero() && !members.contains(&member) {
                self.set_carve_out(split.pool, member, 0)?;
            }
        }
        let mut sinks = split.sinks;
        for (index, member) in members.iter().enumerate() {
            let is_second_time = index > 0 && fee_member == budget_member;
            if !before.contains(member) && !is_second_time {
                sinks = sinks.saturating_sub(self.units(split.pool, *member)?);
            }
        }
        Ok(sinks)
    }

    fn set_carve_out(&self, pool: Address, member: Address, units: u128) -> Result<(), Error> {
        match self.units(pool, member)? == units {
            true => Ok(()),
            false => self.set_units(pool, member, units),
        }
    }

    /// The cuts of a task type's stream. One who gets both gets them as one.
    fn cuts(&self, id: B256, [fee_member, budget_member]: [Address; 2]) -> Cuts {
        let fee_bps: u16 = self.fee_bps.get().wrapping_to();
        let budget_bps: u16 = self.pools.getter(id).budget_bps.get().wrapping_to();
        match fee_member == budget_member {
            true => Cuts {
                fee_bps: fee_bps.saturating_add(budget_bps),
                budget_bps: 0,
            },
            false => Cuts {
                fee_bps,
                budget_bps,
            },
        }
    }

    /// What flows into the pool, in wei per second.
    fn flow(&self, pool: Address) -> Result<u128, Error> {
        let selector = ISuperfluidPool::getTotalFlowRateCall::SELECTOR;
        let [rate] = self.ask(pool, selector, &[])?;
        // An int96: negative, it has more bits than a flow has.
        Ok(math::to_u128(rate).unwrap_or(0))
    }

    fn free_value(&self, id: B256) -> u128 {
        let pool = self.pools.getter(id);
        let since: u64 = pool.free_since.get().wrapping_to();
        let elapsed = u128::from(clock::block_timestamp(self.vm()).saturating_sub(since));
        let earned = to_u128(pool.free_rate.get()).saturating_mul(elapsed);
        to_u128(pool.free_value.get()).saturating_add(earned)
    }

    /// Reckons what was free to earn until now, and goes on with `rate`.
    fn note_free_rate(&mut self, id: B256, rate: u128) {
        if rate == 0 && self.pools.getter(id).free_rate.get().is_zero() {
            return;
        }
        let value = self.free_value(id);
        let now = clock::block_timestamp(self.vm());
        let mut pool = self.pools.setter(id);
        pool.free_value.set(Uint::from(value));
        pool.free_rate.set(Uint::saturating_from(rate));
        pool.free_since.set(U32::wrapping_from(now));
    }

    // --- Checks and look-ups

    #[inline(never)]
    fn only_owner(&self) -> Result<(), Error> {
        Ok(self.ownable.only_owner()?)
    }

    fn only_pipeline(&self) -> Result<Address, Error> {
        let caller = self.vm().msg_sender();
        match self.pipelines.get(caller) {
            true => Ok(caller),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }

    #[inline(never)]
    fn require_pool(&self, id: B256) -> Result<Address, Error> {
        let pool = self.get_pool(id);
        match pool.is_zero() {
            true => Err(PoolDoesNotExist {}.into()),
            false => Ok(pool),
        }
    }

    /// The registry itself is not asked: it is open while it creates a task type.
    fn require_task_type(&self, id: B256) -> Result<(), Error> {
        if self.vm().msg_sender() == self.registry.get() {
            return Ok(());
        }
        let [exists] = self.ask_registry(ICapacityRegistry::taskTypeExistsCall::SELECTOR, &[id])?;
        match exists.is_zero() {
            true => Err(TaskTypeDoesNotExist {}.into()),
            false => Ok(()),
        }
    }

    fn require_escrow(&self) -> Result<Address, Error> {
        let escrow = self.escrow.get();
        match escrow.is_zero() {
            true => Err(NoEscrowBuffer {}.into()),
            false => Ok(escrow),
        }
    }

    fn require_recipient(&self, recipient: Address) -> Result<(), Error> {
        match recipient.is_zero() || recipient == self.escrow.get() {
            true => Err(InvalidAccount { account: recipient }.into()),
            false => Ok(()),
        }
    }

    /// Whether `account` has the units of a carve-out, or of capacity below the task type, which are not a sink's.
    fn is_reserved(&self, id: B256, account: Address) -> bool {
        let pool = self.pools.getter(id);
        account == pool.fee_member.get()
            || account == pool.budget_member.get()
            || account == self.escrow.get()
            || self.pipelines.get(account)
    }

    /// The smoothed capacity of a sink; zero if it is not registered.
    fn capacity_of(&self, id: B256, sink: Address) -> Result<U256, Error> {
        let selector = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let [capacity] = self.ask_registry(selector, &[id, sink.word()])?;
        Ok(capacity)
    }

    /// How many sinks the task type has, and their total capacity.
    fn sinks_and_total(&self, id: B256) -> Result<(u64, u128), Error> {
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [_, count, total] = self.ask_registry(selector, &[id])?;
        Ok((count.saturating_to(), math::to_u128_saturating(total)))
    }

    /// A page of the registry's list: sinks and their capacities, two arrays of one length.
    fn sinks_page(&self, id: B256, from: u64, count: u64) -> Result<Vec<(Address, U256)>, Error> {
        let registry = self.registry.get();
        let selector = ICapacityRegistry::getSinksPageCall::SELECTOR;
        let request = calldata(selector, &[id, from.word(), count.word()]);
        let answer = static_call(self.vm(), registry, &request, ALL_GAS, usize::MAX);
        if !answer.success {
            return Err(Revert(answer.data).into());
        }
        let words: Vec<U256> = answer
            .data
            .chunks_exact(32)
            .map(U256::from_be_slice)
            .collect();
        // Two offsets, a length, the sinks, a length, the capacities.
        let length = words.len().saturating_sub(4) / 2;
        let sinks = words.iter().skip(3).take(length).copied().map(to_address);
        let capacities = words.iter().skip(length.saturating_add(4)).copied();
        Ok(sinks.zip(capacities).collect())
    }

    fn ask_registry<const N: usize>(
        &self,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        self.ask(self.registry.get(), selector, arguments)
    }

    fn ask<const N: usize>(
        &self,
        whom: Address,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        Ok(query_words(self.vm(), whom, selector, arguments)?)
    }

    fn store_weighting(&mut self, id: B256, weighting: u8) {
        let mut pool = self.pools.setter(id);
        pool.weighting.set(Uint::from(weighting));
        emit!(self.vm(), WeightingSet[id](weighting));
    }
}

/// What limits the pay of a task type's sinks.
struct Terms {
    /// Wei per second and capacity unit; zero: none.
    price: u128,
    /// The capacity that is paid for at most.
    limit: Option<u128>,
}

impl Terms {
    /// Whether there is any limit.
    fn bound(&self) -> bool {
        self.price > 0 || self.limit.is_some()
    }

    fn paid_for(&self, capacity: u128) -> u128 {
        self.limit.map_or(capacity, |limit| limit.min(capacity))
    }

    /// What `capacity` is worth in wei per second; zero without a price.
    fn worth(&self, capacity: u128) -> u128 {
        split::scale(
            self.paid_for(capacity),
            self.price,
            u128::from(math::CAPACITY_ONE),
        )
    }

    /// What sinks with `capacity` get of `left` wei per second.
    fn pay(&self, capacity: u128, left: u128) -> u128 {
        match self.price {
            0 if self.paid_for(capacity) < capacity => {
                split::scale(left, self.paid_for(capacity), capacity)
            }
            0 => left,
            _ => self.worth(capacity).min(left),
        }
    }
}

/// A call of the pool that sets the units of a member.
fn units_update(member: Address, units: u128) -> Vec<u8> {
    calldata(
        ISuperfluidPool::updateMemberUnitsCall::SELECTOR,
        &[member.word(), units.word()],
    )
}

fn require_at_most(value: U256, maximum: u128) -> Result<(), Error> {
    let maximum = U256::from(maximum);
    match value > maximum {
        true => Err(ExceedsMaximum { value, maximum }.into()),
        false => Ok(()),
    }
}

fn in_bps(value: u128) -> u128 {
    value.saturating_mul(u128::from(math::BPS))
}

fn threshold_of(value: u128) -> u128 {
    value.saturating_mul(u128::from(REBALANCE_THRESHOLD_BPS))
}
