//! Pipeline: task types in a row, where what comes later limits what comes before.
//!
//! Stage by stage, `C_eff(i) = min(C_local(i), C_eff(i + 1))`: nobody is paid for work that the next stage has no
//! capacity for. The local capacity is the total of the task type in CapacityRegistry; the last stage has all of its own.
//! [`rebalance_pipeline`](Pipeline::rebalance_pipeline) applies it: where a stage has more than what follows takes, its
//! pool is told to pay for that much only, and what streams in beyond waits in EscrowBuffer.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`rebalance_pipeline`](Pipeline::rebalance_pipeline) |
//! | a reporter | [`check_circuit_breaker`](Pipeline::check_circuit_breaker) |
//! | who created all of its task types at the registry | create a pipeline, and close it: its limits divert their pools' pay |
//! | the owner | create and close pipelines of any task types; name reporters and EscrowBuffer |
//!
//! BackpressurePool must have authorised this contract. A task type is in one pipeline at most: two would overwrite each
//! other's limits. Capacities and throughput are in units of 1e-9, ratios and pressures in units of 1e-18.
//!
//! # The circuit breaker
//!
//! Each stage has one. It judges the throughput that a reporter gives over the stage's capacity, and how full the
//! stage's escrow is. Reporters are trusted: CompletionTracker counts by sink, so somebody has to sum up. Epochs are
//! those 300 s long that begin at multiples of 300 s since 1970: however often a stage is checked in one of them, it
//! counts once. An epoch that nobody checked ends a row.
//!
//! | phase | begins when | what follows |
//! |---|---|---|
//! | steady (0) | it was checked and found healthy when recovery had lasted 300 s | |
//! | shock (2) | throughput was below 20 %, or the escrow above 90 %, in three epochs in a row | a warning, money goes on as before |
//! | recovery (3) | it was found healthy after shock or collapse, or put on trial | coupled again |
//! | collapse (4) | throughput is below 5 %, or the escrow above 95 %, once | the stage is decoupled |
//!
//! A *decoupled* stage takes nothing: whatever it declares, upstream it counts as capacity 0, in the same transaction. All
//! stages before it are then paid for nothing, and their streams wait in their escrows until it has recovered. The stage's
//! own pay stays as it was: a full escrow has to be able to drain, and sinks that do not deliver are CompletionTracker's
//! to punish.
//!
//! Cut off from its work a stage has no throughput to show. So when a collapse has lasted 900 s, a check puts the stage on
//! trial whatever its throughput, if only its escrow is at 90 % or less. In the first 300 s of recovery throughput is not
//! judged: what is reported then is still of the time before.
//!
//! A stage without capacity owes no throughput; its escrow is judged all the same. Who fills a stage's escrow to 95 %, at
//! the price of depositing that much, can have it decoupled at the next check: give stages buffers that are dear to fill.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, require_contract, to_address, Revert},
    clock, connections, emit,
    events::Word,
    interfaces::{ICapacityRegistry, IEscrowBuffer, IPoolLimits},
    math::mul_div_floor,
    ownable::Ownable,
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// Stages of a pipeline at least.
pub const MIN_STAGES: usize = 2;
/// Stages of a pipeline at most: all of them are rebalanced in one call.
pub const MAX_STAGES: usize = 16;

/// Healthy.
pub const STEADY: u8 = 0;
// 1 is *bull* in the Solidity deployment: a phase of the market, which no stage is ever in.
/// In trouble for three epochs.
pub const SHOCK: u8 = 2;
/// Coupled again, and watched.
pub const RECOVERY: u8 = 3;
/// Decoupled.
pub const COLLAPSE: u8 = 4;

/// How long an epoch is, in seconds: as CompletionTracker's.
pub const EPOCH_DURATION: u64 = 300;
/// After so many epochs of trouble in a row a stage is in shock; after as many of collapse, it is put on trial.
pub const COLLAPSE_EPOCH_THRESHOLD: u64 = 3;
/// 1 in the fixed point of ratios and pressures.
const WAD: u64 = 1_000_000_000_000_000_000;
/// Less throughput over capacity than this is a collapse.
pub const IMMEDIATE_COLLAPSE_RATIO: u64 = WAD / 100 * 5;
/// Less than this is trouble.
pub const LOW_THROUGHPUT_RATIO: u64 = WAD / 100 * 20;
/// More escrow pressure than this is a collapse.
pub const ESCROW_COLLAPSE_THRESHOLD: u64 = WAD / 100 * 95;
/// More than this is trouble.
pub const ESCROW_SHOCK_THRESHOLD: u64 = WAD / 100 * 90;

/// The circuit breaker of a stage. One slot: phase (8 bits), since (64), low_epochs (64), last_low_epoch (64).
#[storage]
pub struct CircuitBreaker {
    phase: StorageU8,
    since: StorageU64,
    low_epochs: StorageU64,
    last_low_epoch: StorageU64,
}

/// The contract. Slots 0–1: ownership. Slots 2–4: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct Pipeline {
    #[borrow]
    ownable: Ownable,
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    escrow_buffer: StorageAddress,
    reporters: StorageMap<Address, StorageBool>,
    /// The task types of a pipeline, the most upstream first. They stay when it is closed.
    stages: StorageMap<B256, StorageVec<StorageB256>>,
    closed: StorageMap<B256, StorageBool>,
    /// Whether a task type is a stage of a pipeline that is in force.
    in_use: StorageMap<B256, StorageBool>,
    breakers: StorageMap<B256, StorageMap<U256, CircuitBreaker>>,
    /// Who created a pipeline.
    creators: StorageMap<B256, StorageAddress>,
}

#[public]
#[inherit(Ownable)]
impl Pipeline {
    /// Sets the contract up: whose pay it limits, where capacities are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        backpressure_pool: Address,
        capacity_registry: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), backpressure_pool)?;
        require_contract(self.vm(), capacity_registry)?;
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(capacity_registry);
        // A stand-in for the pool, without Superfluid, need not know a token.
        if let Ok(token) = self.super_token() {
            connections::forbid(self.vm(), token);
        }
        Ok(())
    }

    // --- Anyone

    /// Limits the pay of every stage to what the stages downstream have capacity for, and lifts the limits of those that
    /// have no more than that. Writes what has changed only.
    ///
    /// # Errors
    ///
    /// * [`PipelineDoesNotExist`]
    /// * What BackpressurePool reverts with: `UnauthorizedCaller` if it has not authorised this contract, `NoEscrowBuffer`
    ///   if what a stage is not paid had nowhere to wait.
    ///
    /// # Events
    ///
    /// * [`PipelineRebalanced`]
    pub fn rebalance_pipeline(&mut self, pipeline_id: B256) -> Result<(), Error> {
        let stages = self.open_stages(pipeline_id)?;
        self.apply(pipeline_id, &stages)
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here.
    ///
    /// # Errors
    ///
    /// * What BackpressurePool or Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        let token = self.super_token()?;
        Ok(connections::undo(self.vm(), token, pool)?)
    }

    // --- Reporters

    /// Judges a stage by `current_throughput`, in capacity units of 1e-9 per epoch, and by the pressure in its escrow. If
    /// that decouples it or couples it again, the pipeline is rebalanced.
    ///
    /// # Errors
    ///
    /// * [`NotReporter`], [`PipelineDoesNotExist`], [`StageDoesNotExist`]
    /// * As [`Pipeline::rebalance_pipeline`]; what CapacityRegistry or EscrowBuffer reverts with.
    ///
    /// # Events
    ///
    /// * [`StageCollapse`], [`StageRecovery`] or [`StageSteady`] with a new phase; [`PipelineRebalanced`]
    pub fn check_circuit_breaker(
        &mut self,
        pipeline_id: B256,
        stage_index: U256,
        current_throughput: U256,
    ) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if !self.reporters.get(caller) {
            return Err(NotReporter { caller }.into());
        }
        let stages = self.open_stages(pipeline_id)?;
        let stage = stages
            .get(stage_index.saturating_to::<usize>())
            .ok_or(StageDoesNotExist {
                stageIndex: stage_index,
            })?;
        let health = Health {
            ratio: ratio(current_throughput, self.local_capacity(*stage)?),
            pressure: self.escrow_pressure(*stage)?,
        };
        let before = self.breaker(pipeline_id, stage_index);
        let after = before.judged(health, clock::block_timestamp(self.vm()));
        self.store_breaker(pipeline_id, stage_index, after);
        if after.phase != before.phase {
            self.announce(pipeline_id, stage_index, after.phase);
        }
        match after.decoupled() == before.decoupled() {
            true => Ok(()),
            false => self.apply(pipeline_id, &stages),
        }
    }

    // --- Creators of task types, and the owner

    /// Creates a pipeline of 2 to 16 task types, the most upstream first. The first rebalance sets its limits.
    ///
    /// # Errors
    ///
    /// * [`InsufficientStages`], [`TooManyStages`], [`PipelineAlreadyExists`], [`StageWithoutPool`], [`StageInUse`]
    /// * [`NotTaskTypeCreator`] unless the caller is the owner, or created the task type.
    ///
    /// # Events
    ///
    /// * [`PipelineCreated`]
    pub fn create_pipeline(&mut self, pipeline_id: B256, stages: Vec<B256>) -> Result<(), Error> {
        if stages.len() < MIN_STAGES {
            return Err(InsufficientStages {}.into());
        }
        if stages.len() > MAX_STAGES {
            return Err(TooManyStages {
                count: U256::from(stages.len()),
                max: U256::from(MAX_STAGES),
            }
            .into());
        }
        if !self.stages.getter(pipeline_id).is_empty() {
            return Err(PipelineAlreadyExists {}.into());
        }
        let caller = self.vm().msg_sender();
        let is_owner = caller == self.ownable.owner();
        for stage in &stages {
            if !is_owner && self.creator_of(*stage)? != caller {
                return Err(NotTaskTypeCreator {
                    taskTypeId: *stage,
                    caller,
                }
                .into());
            }
            self.add_stage(pipeline_id, *stage)?;
        }
        self.creators.setter(pipeline_id).set(caller);
        log(
            self.vm(),
            PipelineCreated {
                pipelineId: pipeline_id,
                stages,
            },
        );
        Ok(())
    }

    /// Lifts the limits of all stages and lets them go. The pipeline's number is not given again. For who created it, and the
    /// owner.
    ///
    /// # Errors
    ///
    /// * [`NotPipelineCreator`], [`PipelineDoesNotExist`]
    /// * `UnauthorizedCaller` of BackpressurePool, if there are limits and this contract may no longer lift them.
    ///
    /// # Events
    ///
    /// * [`PipelineClosed`]
    pub fn close_pipeline(&mut self, pipeline_id: B256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        if caller != self.ownable.owner() && caller != self.creators.get(pipeline_id) {
            return Err(NotPipelineCreator { caller }.into());
        }
        let stages = self.open_stages(pipeline_id)?;
        self.closed.setter(pipeline_id).set(true);
        for stage in &stages {
            self.in_use.setter(*stage).set(false);
        }
        for stage in stages {
            self.limit(stage, U256::MAX)?;
        }
        emit!(self.vm(), PipelineClosed[pipeline_id]);
        Ok(())
    }

    // --- Owner

    /// Lets `reporter` report throughput, or no longer.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ReporterSet`]
    pub fn set_reporter(&mut self, reporter: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.reporters.setter(reporter).set(authorized);
        emit!(self.vm(), ReporterSet[reporter](authorized));
        Ok(())
    }

    /// Makes `buffer` the escrow whose pressure is judged; zero for none.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`NotAContract`]
    ///
    /// # Events
    ///
    /// * [`EscrowBufferSet`]
    pub fn set_escrow_buffer(&mut self, buffer: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !buffer.is_zero() {
            require_contract(self.vm(), buffer)?;
        }
        self.escrow_buffer.set(buffer);
        emit!(self.vm(), EscrowBufferSet[buffer]);
        Ok(())
    }

    // --- Views

    /// The task types of a pipeline, the most upstream first, and whether it is in force. Nothing and false, if there is
    /// no such pipeline.
    ///
    /// # Returns
    ///
    /// * `stages`
    /// * `active`
    pub fn get_pipeline(&self, pipeline_id: B256) -> Returns<(Vec<B256>, bool)> {
        let stages = self.stages_of(pipeline_id);
        let active = !stages.is_empty() && !self.closed.get(pipeline_id);
        Returns((stages, active))
    }

    /// What the stages are to be paid for now, in capacity units of 1e-9. The next rebalance applies it.
    ///
    /// # Returns
    ///
    /// * `effectiveCaps`: stage by stage, the most upstream first.
    ///
    /// # Errors
    ///
    /// * [`PipelineDoesNotExist`]; what CapacityRegistry reverts with.
    pub fn get_effective_capacities(&self, pipeline_id: B256) -> Result<Vec<U256>, Error> {
        let stages = self.open_stages(pipeline_id)?;
        Ok(effective(&self.plan(pipeline_id, &stages)?))
    }

    /// The circuit breaker of a stage. Steady since 0, if the stage was never anything else or does not exist.
    ///
    /// # Returns
    ///
    /// * `phase`: steady (0), shock (2), recovery (3) or collapse (4). 1 (bull) does not occur.
    /// * `sinceTimestamp`: when the phase began, in seconds since 1970.
    /// * `lowEpochs`: in how many epochs in a row there was trouble when it was checked last.
    /// * `decoupled`: whether the stage counts as capacity 0 upstream.
    pub fn get_circuit_breaker(
        &self,
        pipeline_id: B256,
        stage_index: U256,
    ) -> (u8, u64, u64, bool) {
        let breaker = self.breaker(pipeline_id, stage_index);
        (
            breaker.phase,
            breaker.since,
            breaker.low_epochs,
            breaker.decoupled(),
        )
    }

    /// Who created a pipeline; zero if nobody did.
    pub fn get_pipeline_creator(&self, pipeline_id: B256) -> Address {
        self.creators.get(pipeline_id)
    }

    /// Whether `reporter` may report throughput.
    pub fn authorized_reporters(&self, reporter: Address) -> bool {
        self.reporters.get(reporter)
    }

    /// Whose pay is limited.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// The escrow whose pressure is judged; zero if there is none.
    pub fn escrow_buffer(&self) -> Address {
        self.escrow_buffer.get()
    }

    /// Epochs of trouble in a row that make a shock.
    #[selector(name = "COLLAPSE_EPOCH_THRESHOLD")]
    pub fn collapse_epoch_threshold(&self) -> u64 {
        COLLAPSE_EPOCH_THRESHOLD
    }

    /// The escrow pressure above which a stage collapses: 95 %, 1e18 = 1.
    #[selector(name = "ESCROW_COLLAPSE_THRESHOLD")]
    pub fn escrow_collapse_threshold(&self) -> U256 {
        U256::from(ESCROW_COLLAPSE_THRESHOLD)
    }

    /// The escrow pressure above which a stage is in trouble: 90 %, 1e18 = 1.
    #[selector(name = "ESCROW_SHOCK_THRESHOLD")]
    pub fn escrow_shock_threshold(&self) -> U256 {
        U256::from(ESCROW_SHOCK_THRESHOLD)
    }

    /// The throughput over capacity below which a stage collapses: 5 %, 1e18 = 1.
    #[selector(name = "IMMEDIATE_COLLAPSE_RATIO")]
    pub fn immediate_collapse_ratio(&self) -> U256 {
        U256::from(IMMEDIATE_COLLAPSE_RATIO)
    }

    /// The throughput over capacity below which a stage is in trouble: 20 %, 1e18 = 1.
    #[selector(name = "LOW_THROUGHPUT_RATIO")]
    pub fn low_throughput_ratio(&self) -> U256 {
        U256::from(LOW_THROUGHPUT_RATIO)
    }

    /// How long an epoch is, in seconds.
    #[selector(name = "EPOCH_DURATION")]
    pub fn epoch_duration(&self) -> U256 {
        U256::from(EPOCH_DURATION)
    }
}

/// What a stage is to be paid for.
struct StagePlan {
    local: U256,
    /// What the stages downstream take; the largest number, if there are none.
    downstream: U256,
}

/// How a stage does, 1e18 = 1.
#[derive(Clone, Copy)]
struct Health {
    ratio: U256,
    pressure: U256,
}

impl Health {
    fn is_collapse(self) -> bool {
        self.ratio < U256::from(IMMEDIATE_COLLAPSE_RATIO)
            || self.pressure > U256::from(ESCROW_COLLAPSE_THRESHOLD)
    }

    fn is_trouble(self) -> bool {
        self.ratio < U256::from(LOW_THROUGHPUT_RATIO)
            || self.pressure > U256::from(ESCROW_SHOCK_THRESHOLD)
    }

    /// As if throughput were beyond doubt.
    fn by_pressure(self) -> Self {
        Self {
            ratio: U256::MAX,
            ..self
        }
    }
}

/// A [`CircuitBreaker`] as it stands in storage.
#[derive(Clone, Copy)]
struct Breaker {
    phase: u8,
    since: u64,
    low_epochs: u64,
    last_low_epoch: u64,
}

impl Breaker {
    fn decoupled(self) -> bool {
        self.phase == COLLAPSE
    }

    /// What a check at time `now` makes of it.
    fn judged(self, health: Health, now: u64) -> Self {
        let lasted = now.saturating_sub(self.since);
        let health = match self.phase {
            RECOVERY if lasted < EPOCH_DURATION => health.by_pressure(),
            // On trial.
            COLLAPSE if lasted >= EPOCH_DURATION.saturating_mul(COLLAPSE_EPOCH_THRESHOLD) => {
                health.by_pressure()
            }
            _ => health,
        };
        match self.phase {
            COLLAPSE if health.is_trouble() => self,
            _ if health.is_collapse() => enter(COLLAPSE, now),
            _ if health.is_trouble() => self.troubled(now),
            SHOCK | COLLAPSE => enter(RECOVERY, now),
            RECOVERY if lasted >= EPOCH_DURATION => enter(STEADY, now),
            _ => Self {
                low_epochs: 0,
                ..self
            },
        }
    }

    fn troubled(self, now: u64) -> Self {
        let epoch = now / EPOCH_DURATION;
        let low_epochs = match epoch.saturating_sub(self.last_low_epoch) {
            _ if self.low_epochs == 0 => 1,
            0 => self.low_epochs,
            1 => self.low_epochs.saturating_add(1),
            _ => 1,
        };
        let is_shock = low_epochs >= COLLAPSE_EPOCH_THRESHOLD && self.phase != SHOCK;
        let (phase, since) = match is_shock {
            true => (SHOCK, now),
            false => (self.phase, self.since),
        };
        Self {
            phase,
            since,
            low_epochs,
            last_low_epoch: epoch,
        }
    }
}

fn enter(phase: u8, now: u64) -> Breaker {
    Breaker {
        phase,
        since: now,
        low_epochs: 0,
        last_low_epoch: 0,
    }
}

/// Throughput over capacity, 1e18 = 1. Without capacity none is owed.
fn ratio(throughput: U256, capacity: U256) -> U256 {
    mul_div_floor(throughput, U256::from(WAD), capacity).unwrap_or(U256::MAX)
}

fn effective(plan: &[StagePlan]) -> Vec<U256> {
    plan.iter()
        .map(|stage| stage.local.min(stage.downstream))
        .collect()
}

impl Pipeline {
    fn super_token(&self) -> Result<Address, Revert> {
        let selector = IPoolLimits::SUPER_TOKENCall::SELECTOR;
        let [token] = query_words(self.vm(), self.backpressure_pool.get(), selector, &[])?;
        Ok(to_address(token))
    }

    fn add_stage(&mut self, pipeline_id: B256, stage: B256) -> Result<(), Error> {
        let selector = IPoolLimits::getPoolCall::SELECTOR;
        let [pool] = self.ask(self.backpressure_pool.get(), selector, stage)?;
        if to_address(pool).is_zero() {
            return Err(StageWithoutPool { taskTypeId: stage }.into());
        }
        if self.in_use.get(stage) {
            return Err(StageInUse { taskTypeId: stage }.into());
        }
        self.in_use.setter(stage).set(true);
        self.stages.setter(pipeline_id).push(stage);
        Ok(())
    }

    fn open_stages(&self, pipeline_id: B256) -> Result<Vec<B256>, Error> {
        let Returns((stages, active)) = self.get_pipeline(pipeline_id);
        match active {
            true => Ok(stages),
            false => Err(PipelineDoesNotExist {}.into()),
        }
    }

    fn stages_of(&self, pipeline_id: B256) -> Vec<B256> {
        let stages = self.stages.getter(pipeline_id);
        (0..stages.len())
            .filter_map(|place| stages.get(place))
            .collect()
    }

    fn plan(&self, pipeline_id: B256, stages: &[B256]) -> Result<Vec<StagePlan>, Error> {
        let mut plan = Vec::with_capacity(stages.len());
        let mut downstream = U256::MAX;
        for (index, stage) in stages.iter().enumerate().rev() {
            let local = self.local_capacity(*stage)?;
            plan.push(StagePlan { local, downstream });
            downstream = match self.breaker(pipeline_id, U256::from(index)).decoupled() {
                true => U256::ZERO,
                false => downstream.min(local),
            };
        }
        plan.reverse();
        Ok(plan)
    }

    fn apply(&mut self, pipeline_id: B256, stages: &[B256]) -> Result<(), Error> {
        let plan = self.plan(pipeline_id, stages)?;
        for (stage, planned) in stages.iter().zip(&plan) {
            // A limit that does not bind would have the pool follow every change of its stream for nothing.
            let limit = match planned.downstream < planned.local {
                true => planned.downstream,
                false => U256::MAX,
            };
            self.limit(*stage, limit)?;
        }
        log(
            self.vm(),
            PipelineRebalanced {
                pipelineId: pipeline_id,
                effectiveCapacities: effective(&plan),
            },
        );
        Ok(())
    }

    fn limit(&self, stage: B256, capacity: U256) -> Result<(), Error> {
        let pool = self.backpressure_pool.get();
        let selector = IPoolLimits::getEffectiveCapacityCall::SELECTOR;
        let [before] = self.ask(pool, selector, stage)?;
        if before != capacity {
            let selector = IPoolLimits::setEffectiveCapacityCall::SELECTOR;
            let arguments = [stage, capacity.word()];
            let [] = invoke_words(self.vm(), pool, selector, &arguments)?;
        }
        Ok(())
    }

    fn creator_of(&self, stage: B256) -> Result<Address, Error> {
        let selector = ICapacityRegistry::getCreatorCall::SELECTOR;
        let [creator] = self.ask(self.capacity_registry.get(), selector, stage)?;
        Ok(to_address(creator))
    }

    fn local_capacity(&self, stage: B256) -> Result<U256, Error> {
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [_, _, total] = self.ask(self.capacity_registry.get(), selector, stage)?;
        Ok(total)
    }

    fn escrow_pressure(&self, stage: B256) -> Result<U256, Error> {
        let escrow = self.escrow_buffer.get();
        if escrow.is_zero() {
            return Ok(U256::ZERO);
        }
        let selector = IEscrowBuffer::getEscrowPressureCall::SELECTOR;
        let [pressure] = self.ask(escrow, selector, stage)?;
        Ok(pressure)
    }

    fn breaker(&self, pipeline_id: B256, stage_index: U256) -> Breaker {
        let breakers = self.breakers.getter(pipeline_id);
        let breaker = breakers.getter(stage_index);
        Breaker {
            phase: breaker.phase.get().wrapping_to(),
            since: breaker.since.get().wrapping_to(),
            low_epochs: breaker.low_epochs.get().wrapping_to(),
            last_low_epoch: breaker.last_low_epoch.get().wrapping_to(),
        }
    }

    fn store_breaker(&mut self, pipeline_id: B256, stage_index: U256, breaker: Breaker) {
        let mut breakers = self.breakers.setter(pipeline_id);
        let mut slot = breakers.setter(stage_index);
        slot.phase.set(Uint::from(breaker.phase));
        slot.since.set(Uint::from(breaker.since));
        slot.low_epochs.set(Uint::from(breaker.low_epochs));
        slot.last_low_epoch.set(Uint::from(breaker.last_low_epoch));
    }

    fn announce(&self, pipeline_id: B256, stage_index: U256, phase: u8) {
        match phase {
            STEADY => emit!(self.vm(), StageSteady[pipeline_id, stage_index]),
            RECOVERY => emit!(self.vm(), StageRecovery[pipeline_id, stage_index]),
            _ => emit!(self.vm(), StageCollapse[pipeline_id, stage_index](phase)),
        }
    }

    fn ask<const N: usize>(
        &self,
        whom: Address,
        selector: [u8; 4],
        task_type_id: B256,
    ) -> Result<[U256; N], Error> {
        Ok(query_words(self.vm(), whom, selector, &[task_type_id])?)
    }
}
