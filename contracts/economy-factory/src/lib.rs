//! EconomyFactory: a whole economy in one transaction.
//!
//! The contracts of an economy have to know each other before the first payment: an owner who sets them up one by one has to
//! hope that nobody
//! comes in between. The factory clones the deployed programs (EIP-1167), constructs the clones, wires them, registers the
//! task types and creates their pools, and hands everything over to its caller, all of it in one transaction.
//!
//! | who | may |
//! |---|---|
//! | anyone | deploy an economy, and owns all of it; renew the shares of a cooperative |
//! | the owner | nothing: economies are none of its business, programs cannot be replaced |
//!
//! Stakes are in the stake token's wei, buffers in the Super Token's, shares in basis points.
//!
//! # What an economy is made of
//!
//! StakeManager, CapacityRegistry, BackpressurePool, EscrowBuffer, StreamGateway, OverflowMeter, WorkLedger, WorkVouchers,
//! WorkReserve, WorkMisses, PricingCurve, CompletionTracker, Judge (it may slash, and pays whoever brings that about a 1 024th of the
//! least stake), OffchainAggregator (it may attest capacities and submit shares) and ServiceDirectory; in some Pipeline or
//! ReputationLedger besides. A sink's stake backs the square root of it. The protocol fee of 0.1 % and the verification
//! budgets go to the caller, until it names others. The templates are numbered as in the Solidity deployment:
//!
//! | template | its task types |
//! |---|---|
//! | 0 marketplace | have a pool each, open to all with the stake, paid by capacity, with a price by the curve |
//! | 1 cooperative | pay all their sinks the same, whatever they declare |
//! | 2 pipeline | are its stages, the most upstream first; the pipeline's id is the economy's |
//! | 3 guild | as a marketplace's, for those who have a reputation |
//!
//! # Cooperatives
//!
//! Pools follow shares (weighting 2), which this contract submits: the same for every sink, without exploration. A sink
//! that leaves takes nothing from the others. One that comes is paid from when anybody has called
//! [`renew_shares`](EconomyFactory::renew_shares), for which it has every reason itself. What one registers with several
//! names is paid for each: the minimum stake is what a share costs.
//!
//! # Guilds
//!
//! A guild has a ReputationLedger of its own, with one domain whose id is the economy's and whose recorder is the caller.
//! StakeManager registers nobody whose reputation is less than [`GUILD_REPUTATION`]: the caller, or whom it lets record,
//! admits by recording. A member whose reputation falls stays until it leaves. Another ledger, of many guilds, or another
//! minimum are StakeManager's to set, by its owner (`setReputationLedger`, `setMinReputation`).
//!
//! # Where it is
//!
//! The id of an economy is the hash of who asked for what, and of a salt: of how many economies it is the caller's, unless it
//! names one. So one configuration can be deployed any number of times. The addresses of its contracts follow from it and from the
//! programs' (CREATE2), so they are worked out, not stored.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{keccak256, Address, B256, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, query_array, query_words, require_contract, Revert, ALL_GAS},
    clones,
    eip712::hash_words,
    emit,
    events::Word,
    interfaces::{IBackpressurePool, ICapacityRegistry, IEconomy},
    ownable::Ownable,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// Open task types with a pricing curve.
pub const TEMPLATE_MARKETPLACE: u8 = 0;
/// Task types whose sinks are all paid the same.
pub const TEMPLATE_COOPERATIVE: u8 = 1;
/// Task types that are the stages of a pipeline.
pub const TEMPLATE_PIPELINE: u8 = 2;
/// Task types whose sinks are admitted by reputation.
pub const TEMPLATE_GUILD: u8 = 3;
/// The reputation, of 10 000, that a guild asks for.
pub const GUILD_REPUTATION: u64 = 1_000;
/// The most sinks of a cooperative whose shares are renewed in a call, as BackpressurePool takes 40 at most. One place is
/// for the others, if there are more.
pub const MAX_PAGE: u64 = 39;
/// The most task types that an economy is made with: each costs about 1 million gas.
pub const MAX_TASK_TYPES: usize = 16;
/// How many programs there are.
pub const PROGRAMS: usize = 17;

/// The places in the constructor's list of what not every economy has: the last ones.
const PIPELINE: usize = PROGRAMS - 2;
const REPUTATION: usize = PROGRAMS - 1;

/// BackpressurePool's weighting by shares.
const BY_SHARES: u8 = 2;

/// StakeManager's square-root curve.
const SQRT_CURVE: u8 = 0;
/// Bits by which the reward of whoever has a slash is less than the least stake: a 1 024th, just below 1 % of its slash.
const REWARD_SHIFT: usize = 10;
/// BackpressurePool's default.
const PROTOCOL_FEE_BPS: u64 = 10;
/// `stylus_constructor()`, as the SDK has it, whatever the constructor's parameters are.
const CONSTRUCTOR: [u8; 4] = [0x55, 0x85, 0x25, 0x8d];
/// As much as is passed on of what a contract reverts with.
const REVERT_LIMIT: usize = 1_024;

/// One slot: owner (160 bits), template (8), exists (8).
#[storage]
pub struct Economy {
    owner: StorageAddress,
    template: StorageU8,
    exists: StorageBool,
}

/// The contract. Slots 0–1: ownership. Slots 2–5: what all economies share. Then the list of programs, which never changes,
/// how many economies there are, and the mappings.
#[entrypoint]
#[storage]
pub struct EconomyFactory {
    #[borrow]
    ownable: Ownable,
    gda: StorageAddress,
    super_token: StorageAddress,
    stake_token: StorageAddress,
    stake_unit: StorageU256,
    programs: StorageVec<StorageAddress>,
    economy_count: StorageU256,
    economies: StorageMap<B256, Economy>,
    economies_by_owner: StorageMap<Address, StorageVec<StorageB256>>,
}

/// The contracts of an economy.
struct Parts {
    stakes: Address,
    registry: Address,
    pool: Address,
    escrow: Address,
    gateway: Address,
    meter: Address,
    ledger: Address,
    vouchers: Address,
    reserve: Address,
    misses: Address,
    pricing: Address,
    tracker: Address,
    judge: Address,
    aggregator: Address,
    directory: Address,
    /// Zero, if there is none.
    pipeline: Address,
    /// ReputationLedger; zero, if there is none.
    reputation: Address,
}

impl From<[Address; PROGRAMS]> for Parts {
    /// From the order of the constructor's list.
    fn from(parts: [Address; PROGRAMS]) -> Self {
        let [stakes, registry, pool, escrow, gateway, meter, ledger, vouchers, reserve, misses, pricing, tracker, judge, aggregator, directory, pipeline, reputation] =
            parts;
        Self {
            stakes,
            registry,
            pool,
            escrow,
            gateway,
            meter,
            ledger,
            vouchers,
            reserve,
            misses,
            pricing,
            tracker,
            judge,
            aggregator,
            directory,
            pipeline,
            reputation,
        }
    }
}

/// Ten contracts of an economy.
type Ten = (
    Address,
    Address,
    Address,
    Address,
    Address,
    Address,
    Address,
    Address,
    Address,
    Address,
);

#[public]
#[inherit(Ownable)]
impl EconomyFactory {
    /// Sets the factory up: Superfluid's GDA, the Super Token that is streamed, the token that is staked, how many wei of it
    /// back the first unit of capacity, the programs, and the owner.
    ///
    /// The programs, in this order: StakeManager, CapacityRegistry, BackpressurePool, EscrowBuffer, StreamGateway,
    /// OverflowMeter, WorkLedger, WorkVouchers, WorkReserve, WorkMisses, PricingCurve, CompletionTracker, Judge, OffchainAggregator,
    /// ServiceDirectory, Pipeline, ReputationLedger. The last can be zero: then there are no guilds. Deployed ones that somebody
    /// uses do: clones share their code and nothing else.
    ///
    /// # Errors
    ///
    /// * [`WrongProgramCount`], [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        gda: Address,
        super_token: Address,
        stake_token: Address,
        stake_unit: U256,
        programs: Vec<Address>,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        if programs.len() != PROGRAMS {
            let (length, expected) = (U256::from(programs.len()), U256::from(PROGRAMS));
            return Err(WrongProgramCount { length, expected }.into());
        }
        for account in [gda, super_token, stake_token] {
            require_contract(self.vm(), account)?;
        }
        for (place, program) in programs.into_iter().enumerate() {
            if place != REPUTATION || !program.is_zero() {
                require_contract(self.vm(), program)?;
            }
            self.programs.push(program);
        }
        self.gda.set(gda);
        self.super_token.set(super_token);
        self.stake_token.set(stake_token);
        self.stake_unit.set(stake_unit);
        Ok(())
    }

    // --- Anyone

    /// Deploys an economy that the caller owns.
    ///
    /// # Errors
    ///
    /// * [`NoTaskTypes`], [`TooManyTaskTypes`], [`PipelineRequiresMultipleStages`], [`UnknownTemplate`]
    /// * [`NotAContract`] of the zero address, of guilds where they have no program.
    /// * What the contracts revert with, say BackpressurePool's `BudgetExceedsBps`.
    ///
    /// # Events
    ///
    /// * [`EconomyDeployed`]
    ///
    /// # Returns
    ///
    /// * `deployment`
    pub fn deploy_economy(&mut self, config: EconomyConfig) -> Result<EconomyDeployment, Error> {
        let owned = self.economies_by_owner.getter(self.vm().msg_sender()).len();
        // No salt that somebody names is the hash of a number, but on purpose, for its own economies.
        self.deploy(config, hash_words(&[owned.word()]))
    }

    /// As `deployEconomy(config)`, for a salt of the caller's choice.
    ///
    /// # Errors
    ///
    /// * As [`EconomyFactory::deploy_economy`]; [`EconomyAlreadyExists`].
    ///
    /// # Events
    ///
    /// * [`EconomyDeployed`]
    ///
    /// # Returns
    ///
    /// * `deployment`
    #[selector(name = "deployEconomy")]
    pub fn deploy_another_economy(
        &mut self,
        config: EconomyConfig,
        salt: B256,
    ) -> Result<EconomyDeployment, Error> {
        self.deploy(config, salt)
    }

    /// Gives the sinks of a cooperative's task type the same share each: `count` of them, from number `from` on in the
    /// registry's list, [`MAX_PAGE`] at most. For pages that together are all of them, after sinks have come.
    ///
    /// # Errors
    ///
    /// * [`EconomyDoesNotExist`], [`NotACooperative`]
    /// * What BackpressurePool reverts with: `NoShares` without sinks, `NotShareSubmitter` if the owner lets another submit.
    pub fn renew_shares(
        &mut self,
        economy_id: B256,
        task_type_id: B256,
        from: U256,
        count: U256,
    ) -> Result<(), Error> {
        let parts = self.require_parts(economy_id)?;
        if self.template_of(economy_id) != TEMPLATE_COOPERATIVE {
            return Err(NotACooperative {
                economyId: economy_id,
            }
            .into());
        }
        self.share_equally(&parts, task_type_id, from, count)
    }

    // --- Views

    /// Where an economy is.
    ///
    /// # Errors
    ///
    /// * [`EconomyDoesNotExist`]
    pub fn get_economy(&self, economy_id: B256) -> Result<EconomyDeployment, Error> {
        let parts = self.require_parts(economy_id)?;
        let owner = self.economies.getter(economy_id).owner.get();
        Ok(parts.deployment(economy_id, owner))
    }

    /// The contracts of an economy that [`EconomyFactory::get_economy`] does not name.
    ///
    /// # Errors
    ///
    /// * [`EconomyDoesNotExist`]
    ///
    /// # Returns
    ///
    /// * `streamGateway`
    /// * `workLedger`
    /// * `overflowMeter`
    /// * `completionTracker`
    /// * `offchainAggregator`
    /// * `workVouchers`
    /// * `workReserve`
    /// * `serviceDirectory`
    /// * `judge`
    /// * `workMisses`
    pub fn get_parts(&self, economy_id: B256) -> Result<Ten, Error> {
        let parts = self.require_parts(economy_id)?;
        Ok((
            parts.gateway,
            parts.ledger,
            parts.meter,
            parts.tracker,
            parts.aggregator,
            parts.vouchers,
            parts.reserve,
            parts.directory,
            parts.judge,
            parts.misses,
        ))
    }

    /// The ReputationLedger of a guild; zero, if the economy is none.
    ///
    /// # Errors
    ///
    /// * [`EconomyDoesNotExist`]
    pub fn get_reputation_ledger(&self, economy_id: B256) -> Result<Address, Error> {
        Ok(self.require_parts(economy_id)?.reputation)
    }

    /// The economies that `owner` deployed, the first one first.
    pub fn get_economies_by_owner(&self, owner: Address) -> Vec<B256> {
        let ids = self.economies_by_owner.getter(owner);
        (0..ids.len()).filter_map(|index| ids.get(index)).collect()
    }

    /// How many economies there are.
    pub fn economy_count(&self) -> U256 {
        self.economy_count.get()
    }

    /// The programs that economies are clones of, in the constructor's order.
    pub fn programs(&self) -> Vec<Address> {
        let programs = &self.programs;
        (0..programs.len())
            .filter_map(|index| programs.get(index))
            .collect()
    }

    /// Superfluid's General Distribution Agreement.
    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.gda.get()
    }

    /// The token that is streamed.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.super_token.get()
    }

    /// The token that is staked.
    #[selector(name = "STAKE_TOKEN")]
    pub fn stake_token(&self) -> Address {
        self.stake_token.get()
    }

    /// The stake that backs the first unit of capacity, in wei.
    #[selector(name = "STAKE_UNIT")]
    pub fn stake_unit(&self) -> U256 {
        self.stake_unit.get()
    }
}

impl EconomyFactory {
    fn deploy(&mut self, config: EconomyConfig, salt: B256) -> Result<EconomyDeployment, Error> {
        check(&config)?;
        if config.template == TEMPLATE_GUILD {
            require_contract(self.vm(), self.program(REPUTATION))?;
        }
        let owner = self.vm().msg_sender();
        let id = economy_id(owner, &config, salt);
        self.note(id, owner, config.template)?;
        let parts = self.clone_programs(id, config.template)?;
        self.construct(&parts, config.minStake)?;
        self.connect(&parts)?;
        self.empower(&parts, owner)?;
        for task_type_id in &config.taskTypeIds {
            self.open_task_type(&parts, *task_type_id, &config)?;
        }
        match config.template {
            TEMPLATE_COOPERATIVE => self.open_cooperative(&parts, &config.taskTypeIds)?,
            TEMPLATE_PIPELINE => self.open_pipeline(&parts, id, &config.taskTypeIds)?,
            TEMPLATE_GUILD => self.open_guild(&parts, id, owner)?,
            _ => {}
        }
        // All powers are given: from here on they need notice.
        self.tell(parts.stakes, IEconomy::openCall::SELECTOR, &[])?;
        self.hand_over(&parts, owner)?;
        emit!(
            self.vm(),
            EconomyDeployed[id, owner](config.template, parts.stakes, parts.registry, parts.pool)
        );
        Ok(parts.deployment(id, owner))
    }

    fn note(&mut self, id: B256, owner: Address, template: u8) -> Result<(), Error> {
        let mut economy = self.economies.setter(id);
        if economy.exists.get() {
            return Err(EconomyAlreadyExists {}.into());
        }
        economy.exists.set(true);
        economy.owner.set(owner);
        economy.template.set(U8::from(template));
        self.economies_by_owner.setter(owner).push(id);
        let count = self.economy_count.get().saturating_add(U256::from(1));
        self.economy_count.set(count);
        Ok(())
    }

    fn clone_programs(&self, id: B256, template: u8) -> Result<Parts, Error> {
        let mut parts = [Address::ZERO; PROGRAMS];
        for (place, part) in parts.iter_mut().enumerate() {
            if is_part(place, template) {
                *part = clones::clone(self.vm(), self.program(place), part_salt(id, place))?;
            }
        }
        Ok(parts.into())
    }

    /// Runs the constructors. The factory owns the contracts until [`Self::hand_over`].
    fn construct(&self, parts: &Parts, min_stake: U256) -> Result<(), Error> {
        let it = self.vm().contract_address().word();
        let (gda, token) = (self.gda.get().word(), self.super_token.get().word());
        let (stakes, registry) = (parts.stakes.word(), parts.registry.word());
        let (pool, escrow) = (parts.pool.word(), parts.escrow.word());
        let stake_token = self.stake_token.get().word();
        let (unit, min, curve) = (
            self.stake_unit.get().word(),
            min_stake.word(),
            SQRT_CURVE.word(),
        );
        let new = CONSTRUCTOR;
        self.tell(parts.stakes, new, &[stake_token, unit, min, curve, it])?;
        self.tell(parts.registry, new, &[stakes, it])?;
        self.tell(parts.pool, new, &[gda, token, registry, it])?;
        self.tell(parts.escrow, new, &[token, registry, it])?;
        // WorkLedger finds the meter there.
        let (meter, ledger) = (parts.meter.word(), parts.ledger.word());
        self.tell(parts.meter, new, &[pool])?;
        let selector = IEconomy::setOverflowMeterCall::SELECTOR;
        self.tell(parts.pool, selector, &[meter])?;
        self.tell(parts.ledger, new, &[pool, registry, escrow, it])?;
        self.tell(parts.vouchers, new, &[ledger, it])?;
        self.tell(parts.reserve, new, &[parts.vouchers.word()])?;
        self.tell(parts.gateway, new, &[token, pool, ledger])?;
        self.tell(parts.pricing, new, &[registry, it])?;
        self.tell(parts.tracker, new, &[registry, stakes, it])?;
        let tracker = parts.tracker.word();
        let vouchers = parts.vouchers.word();
        self.tell(parts.misses, new, &[vouchers, tracker])?;
        let reward = min_stake >> REWARD_SHIFT;
        let arguments = [tracker, registry, stakes, reward.word(), ledger];
        self.tell(parts.judge, new, &arguments)?;
        self.tell(parts.aggregator, new, &[registry, it])?;
        self.tell(parts.directory, new, &[registry, parts.pricing.word()])?;
        if !parts.pipeline.is_zero() {
            self.tell(parts.pipeline, new, &[pool, registry, it])?;
        }
        if !parts.reputation.is_zero() {
            self.tell(parts.reputation, new, &[it])?;
        }
        Ok(())
    }

    /// Makes the contracts known to each other: where the money goes.
    fn connect(&self, parts: &Parts) -> Result<(), Error> {
        let (pool, escrow) = (parts.pool.word(), parts.escrow.word());
        let (ledger, pricing) = (parts.ledger.word(), parts.pricing.word());
        self.tell(parts.registry, IEconomy::setPoolCall::SELECTOR, &[pool])?;
        self.tell(
            parts.pool,
            IEconomy::setEscrowBufferCall::SELECTOR,
            &[escrow],
        )?;
        self.tell(
            parts.escrow,
            IEconomy::connectCall::SELECTOR,
            &[pool, ledger],
        )?;
        let selector = IEconomy::setWorkReserveCall::SELECTOR;
        self.tell(parts.ledger, selector, &[parts.reserve.word()])?;
        let selector = IEconomy::setWorkMissesCall::SELECTOR;
        self.tell(parts.ledger, selector, &[parts.misses.word()])?;
        let selector = IEconomy::setJudgeCall::SELECTOR;
        self.tell(parts.tracker, selector, &[parts.judge.word()])?;
        self.tell(
            parts.pricing,
            IEconomy::setEscrowBufferCall::SELECTOR,
            &[escrow],
        )?;
        for part in [parts.pool, parts.vouchers] {
            self.tell(part, IEconomy::setPricingCurveCall::SELECTOR, &[pricing])?;
        }
        let selector = IEconomy::setWorkLedgerCall::SELECTOR;
        self.tell(parts.pricing, selector, &[parts.vouchers.word()])?;
        for part in [parts.registry, parts.pricing] {
            let selector = IEconomy::setServiceDirectoryCall::SELECTOR;
            self.tell(part, selector, &[parts.directory.word()])?;
        }
        let selector = IEconomy::setBackpressurePoolCall::SELECTOR;
        self.tell(parts.aggregator, selector, &[pool])
    }

    /// Lets the contracts do what is their part, and makes `owner` the one who is paid fees and budgets.
    fn empower(&self, parts: &Parts, owner: Address) -> Result<(), Error> {
        let (registry, judge) = (parts.registry.word(), parts.judge.word());
        let (aggregator, owner, yes) = (parts.aggregator.word(), owner.word(), true.word());
        self.tell(
            parts.stakes,
            IEconomy::setRegistryCall::SELECTOR,
            &[registry, yes],
        )?;
        self.tell(
            parts.stakes,
            IEconomy::setSlasherCall::SELECTOR,
            &[judge, yes],
        )?;
        self.tell(
            parts.registry,
            IEconomy::setAggregatorCall::SELECTOR,
            &[aggregator],
        )?;
        self.tell(
            parts.pool,
            IEconomy::setShareSubmitterCall::SELECTOR,
            &[aggregator],
        )?;
        let fee = [PROTOCOL_FEE_BPS.word(), owner];
        self.tell(parts.pool, IEconomy::setProtocolFeeCall::SELECTOR, &fee)?;
        self.tell(parts.pool, IEconomy::setReviewerCall::SELECTOR, &[owner])
    }

    fn open_task_type(&self, parts: &Parts, id: B256, config: &EconomyConfig) -> Result<(), Error> {
        let creator = self.vm().msg_sender();
        let (derived, by_capacity) = (true, 0_u8);
        let arguments = [
            id,
            config.minStake.word(),
            creator.word(),
            derived.word(),
            by_capacity.word(),
        ];
        self.tell(
            parts.registry,
            IEconomy::registerTaskTypeForCall::SELECTOR,
            &arguments,
        )?;
        self.tell(parts.pool, IEconomy::createPoolCall::SELECTOR, &[id])?;
        if !config.bufferMax.is_zero() {
            let arguments = [id, config.bufferMax.word()];
            self.tell(
                parts.escrow,
                IEconomy::setBufferMaxCall::SELECTOR,
                &arguments,
            )?;
        }
        if !config.verificationBudgetBps.is_zero() {
            let arguments = [id, config.verificationBudgetBps.word()];
            self.tell(
                parts.pool,
                IEconomy::setVerificationBudgetCall::SELECTOR,
                &arguments,
            )?;
        }
        Ok(())
    }

    fn open_pipeline(&self, parts: &Parts, id: B256, stages: &[B256]) -> Result<(), Error> {
        let pipeline = [parts.pipeline.word(), true.word()];
        self.tell(parts.pool, IEconomy::setPipelineCall::SELECTOR, &pipeline)?;
        let escrow = [parts.escrow.word()];
        self.tell(
            parts.pipeline,
            IEconomy::setEscrowBufferCall::SELECTOR,
            &escrow,
        )?;
        const HEAD: usize = 2 * 32;
        let mut arguments = vec![id, HEAD.word(), stages.len().word()];
        arguments.extend_from_slice(stages);
        self.tell(
            parts.pipeline,
            IEconomy::createPipelineCall::SELECTOR,
            &arguments,
        )
    }

    /// Has the pools follow shares, and this contract submit them.
    fn open_cooperative(&self, parts: &Parts, task_types: &[B256]) -> Result<(), Error> {
        let it = self.vm().contract_address().word();
        let selector = IEconomy::setShareSubmitterCall::SELECTOR;
        self.tell(parts.pool, selector, &[it])?;
        let selector = IEconomy::setExplorationRateCall::SELECTOR;
        self.tell(parts.pool, selector, &[B256::ZERO])?;
        for id in task_types {
            let selector = IEconomy::setWeightingCall::SELECTOR;
            self.tell(parts.pool, selector, &[*id, BY_SHARES.word()])?;
        }
        Ok(())
    }

    /// Has StakeManager ask for a reputation, and `owner` record it.
    fn open_guild(&self, parts: &Parts, id: B256, owner: Address) -> Result<(), Error> {
        let (ledger, stakes) = (parts.reputation, parts.stakes);
        let selector = IEconomy::registerDomainCall::SELECTOR;
        self.tell(ledger, selector, &[id, owner.word()])?;
        // Of the domain zero, which is not registered, all are others.
        let selector = IEconomy::setReputationLedgerCall::SELECTOR;
        self.tell(stakes, selector, &[ledger.word(), B256::ZERO])?;
        let selector = IEconomy::setMinReputationCall::SELECTOR;
        self.tell(stakes, selector, &[GUILD_REPUTATION.word()])
    }

    fn share_equally(&self, parts: &Parts, id: B256, from: U256, count: U256) -> Result<(), Error> {
        let count = count.min(U256::from(MAX_PAGE));
        let mut sinks = query_array::<ICapacityRegistry::getSinksPageCall>(
            self.vm(),
            parts.registry,
            &[id, from.word(), count.word()],
        )?;
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [_, all, _] = query_words(self.vm(), parts.registry, selector, &[id])?;
        let mut shares = vec![true.word(); sinks.len()];
        let others = all.saturating_sub(U256::from(sinks.len()));
        if !others.is_zero() {
            // What the others have, or get in another call, is the share of this contract, which is no sink: the pool skips
            // it.
            sinks.push(self.vm().contract_address().word());
            shares.push(others.word());
        }
        // Both arrays behind three words, the second behind the first.
        const HEAD: usize = 3 * 32;
        let second = HEAD.saturating_add(32).saturating_add(32 * sinks.len());
        let mut arguments = vec![id, HEAD.word(), second.word()];
        for array in [sinks, shares] {
            arguments.push(array.len().word());
            arguments.extend(array);
        }
        let selector = IBackpressurePool::rebalanceWithSharesCall::SELECTOR;
        self.tell(parts.pool, selector, &arguments)
    }

    /// StreamGateway, OverflowMeter, WorkReserve, WorkMisses, Judge and ServiceDirectory have no owner.
    fn hand_over(&self, parts: &Parts, owner: Address) -> Result<(), Error> {
        for part in [
            parts.stakes,
            parts.registry,
            parts.pool,
            parts.escrow,
            parts.ledger,
            parts.vouchers,
            parts.pricing,
            parts.tracker,
            parts.aggregator,
            parts.pipeline,
            parts.reputation,
        ] {
            if !part.is_zero() {
                self.tell(part, IEconomy::handOverCall::SELECTOR, &[owner.word()])?;
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn tell(&self, whom: Address, selector: [u8; 4], words: &[B256]) -> Result<(), Error> {
        let data = calldata(selector, words);
        let answer = call(self.vm(), whom, &data, ALL_GAS, REVERT_LIMIT);
        match answer.success {
            true => Ok(()),
            false => Err(Revert(answer.data).into()),
        }
    }

    fn program(&self, place: usize) -> Address {
        self.programs.get(place).unwrap_or_default()
    }

    fn template_of(&self, id: B256) -> u8 {
        self.economies.getter(id).template.get().to()
    }

    /// The contracts of an economy, worked out.
    fn require_parts(&self, id: B256) -> Result<Parts, Error> {
        let economy = self.economies.getter(id);
        if !economy.exists.get() {
            return Err(EconomyDoesNotExist {}.into());
        }
        let template = self.template_of(id);
        let mut parts = [Address::ZERO; PROGRAMS];
        for (place, part) in parts.iter_mut().enumerate() {
            if is_part(place, template) {
                *part = clones::predict(self.vm(), self.program(place), part_salt(id, place));
            }
        }
        Ok(parts.into())
    }
}

impl Parts {
    fn deployment(&self, id: B256, owner: Address) -> EconomyDeployment {
        EconomyDeployment {
            economyId: id,
            stakeManager: self.stakes,
            capacityRegistry: self.registry,
            backpressurePool: self.pool,
            escrowBuffer: self.escrow,
            pricingCurve: self.pricing,
            pipeline: self.pipeline,
            owner,
        }
    }
}

fn check(config: &EconomyConfig) -> Result<(), Error> {
    let count = config.taskTypeIds.len();
    match config.template {
        template if template > TEMPLATE_GUILD => Err(UnknownTemplate { template }.into()),
        _ if count == 0 => Err(NoTaskTypes {}.into()),
        _ if count > MAX_TASK_TYPES => {
            let (length, maximum) = (U256::from(count), U256::from(MAX_TASK_TYPES));
            Err(TooManyTaskTypes { length, maximum }.into())
        }
        TEMPLATE_PIPELINE if count == 1 => Err(PipelineRequiresMultipleStages {}.into()),
        _ => Ok(()),
    }
}

/// `keccak256(abi.encode(owner, salt, template, keccak256(abi.encodePacked(taskTypeIds)), minStake, bufferMax,
/// verificationBudgetBps))`
fn economy_id(owner: Address, config: &EconomyConfig, salt: B256) -> B256 {
    hash_words(&[
        owner.word(),
        salt,
        config.template.word(),
        keccak256(config.taskTypeIds.concat()),
        config.minStake.word(),
        config.bufferMax.word(),
        config.verificationBudgetBps.word(),
    ])
}

fn part_salt(id: B256, place: usize) -> B256 {
    hash_words(&[id, place.word()])
}

fn is_part(place: usize, template: u8) -> bool {
    match place {
        PIPELINE => template == TEMPLATE_PIPELINE,
        REPUTATION => template == TEMPLATE_GUILD,
        _ => true,
    }
}
