//! OpenClawCapacityAdapter: which agents have which skill, and what they can do, in the capacity units of the protocol.
//!
//! An *agent* is registered by its *operator*, the account that stakes, signs and is paid for it: the sink of the core. A
//! *skill type* is the core's task type of the same id.
//!
//! | who | may |
//! |---|---|
//! | anyone | register agents, and be their operator; verify attestations |
//! | an agent's operator | declare its capacity, deregister it |
//! | anyone | take off an agent whose operator's stake is no longer locked, or too small |
//! | the owner | register skill types, name WorkVouchers once, and nothing else: no agent, no capacity, no skill type once registered |
//!
//! Skill types are the owner's to register because their names and minimum stakes are first come, first served, and stay for
//! ever: anybody could take `keccak256("research")` and ask for a stake that nobody has. An owner that registers none keeps
//! nobody from the core, where task types are anyone's. Capacities are in units of 1e-9, stakes in the stake token's wei,
//! throughputs in tasks per epoch of 300 s, latencies in milliseconds, error rates in basis points, times in seconds since
//! 1970. Block numbers are L1 blocks, about 12 s apart.
//!
//! # The score
//!
//! `throughput · (0.5 + 0.3 · (1 − latency / 30 000) + 0.2 · (1 − errors / 10 000))`: the sum of the throughput of all tasks,
//! of those in time, and of those without error, weighted by 50, 30 and 20 %. So one task an epoch is worth at most one
//! capacity unit, which is what CompletionTracker asks for if a completion stands for 1e9, and an agent that does nothing is
//! worth nothing, however fast it does it. What lies beyond 30 000 ms or 10 000 bps counts as that.
//!
//! | throughput | latency | errors | capacity units |
//! |---|---|---|---|
//! | 100 | 0 ms | 0 bps | 100 |
//! | 100 | 2 000 ms | 100 bps | 97.8 |
//! | 100 | 15 000 ms | 0 bps | 85 |
//! | 100 | 30 000 ms | 0 bps | 70 |
//! | 100 | 0 ms | 10 000 bps | 80 |
//! | 100 | 60 000 ms | 10 000 bps | 50 |
//! | 1 | 0 ms | 0 bps | 1 |
//! | 0 | 0 ms | 0 bps | 0 |
//!
//! The arithmetic is [`bpe_common::math::skill`]'s.
//!
//! # A directory, and a reader of attestations
//!
//! What an operator declares here is for whoever looks for an agent. It is cut to what the operator's stake backs, and moves
//! the smoothed capacity by 30 % of the way, one step a block at most; an operator's first declaration of an agent counts at
//! once. Nothing is paid by it. What is paid is the operator's capacity in CapacityRegistry, or its work. That capacity it
//! declares there, or attests: it signs an `OpenClawAttestation`, and UniversalCapacityAdapter, which asks this contract what
//! the attestation is worth, whose it is and for which task type ([`task_type_of`](OpenClawCapacityAdapter::task_type_of), the
//! agent's skill), takes it to the registry. That one counts nonces by operator, so they rise over all of an operator's
//! agents, by 2^32 at a time at most; a time in seconds will do. They start from 1.
//!
//! # A listing locks stake
//!
//! This contract has to be an adapter of CapacityRegistry: whoever registers an agent becomes a sink of the skill's task type
//! there, without capacity, unless it is one already, which locks the stake that such a sink needs. An operator has one agent
//! with a skill, as it is one sink; the entry lasts as long as the lock. Who leaves here leaves the task type in the same
//! transaction, and is paid no longer.
//!
//! An attestation without a nonce is taken too, as the Solidity deployment has it: its number is its timestamp. An operator
//! that signed numbers above the time in seconds goes on with numbers.
//!
//! # An agent's id
//!
//! Any 32 bytes, first come, first served; who is beaten to one takes another. It is free again when it is abandoned. An operator
//! that comes back before anybody else finds its capacity as it left it, so that leaving and coming back does not outrun the
//! smoothing.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{collections::BinaryHeap, string::String, vec, vec::Vec};
use alloy_primitives::{b256, keccak256, Address, B256, U128, U256, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::{self, require_fresh, require_signed, NonceAlreadyUsed},
    call::{first_words, invoke_words, query_words, require_contract},
    clock,
    eip712::{Domain, DomainFields},
    emit,
    interfaces::{ICapacityRegistry, ISinkRegistrar, IStakes, IWorkKeys},
    list::IdList,
    math::{
        ewma,
        skill::{
            skill_capacity, ERROR_RATE_WEIGHT_BPS, LATENCY_WEIGHT_BPS, MAX_LATENCY_MS,
            THROUGHPUT_WEIGHT_BPS,
        },
        to_u128_saturating, BPS,
    },
    ownable::Ownable,
    packed::{narrow, to_u128, widen},
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// The domain of the signatures.
pub const DOMAIN: Domain = Domain {
    name: "Pura-OpenClawAdapter",
    version: "1",
};
/// `keccak256("OPENCLAW_AGENT")`
pub const DOMAIN_ID: B256 =
    b256!("383526e1c50782829cc278d3686b6c0b4878101b8304b0168b0eecde2c3e7f30");
/// `keccak256("OpenClawAttestation(bytes32 agentId,uint256 throughput,uint256 latencyMs,uint256 errorRateBps,uint256 timestamp,uint256 nonce)")`
pub const ATTESTATION_TYPEHASH: B256 =
    b256!("f6ff7fabc63fcffdfe489f8e8f4af0ff068f0f112e9da98d7914f5f63fd2d193");
/// `keccak256("OpenClawAttestation(bytes32 agentId,uint256 throughput,uint256 latencyMs,uint256 errorRateBps,uint256 timestamp)")`
pub const UNNUMBERED_ATTESTATION_TYPEHASH: B256 =
    b256!("3c40bdf60f92f65bf59a9a7b2aacd1b24fa644a3c53492cff03571239844d9b6");
/// The weight of a new declaration in the smoothed capacity, that of [`ewma`].
pub const EWMA_ALPHA_BPS: u64 = 3_000;

/// One slot: min_stake (248 bits), exists (8).
#[storage]
pub struct Skill {
    min_stake: StorageUint<248, 4>,
    exists: StorageBool,
}

/// Slot 0: operator (160 bits), active (8). Slot 1: the skill type. Slot 2, all that a declaration writes: capacity (128),
/// updated (64), smoothed_block (64).
#[storage]
pub struct Agent {
    /// Kept when the agent is deregistered, as all else, until somebody else takes it.
    operator: StorageAddress,
    active: StorageBool,
    skill_type: StorageB256,
    capacity: StorageU128,
    /// Time of the last declaration.
    updated: StorageU64,
    /// Block in which the capacity was smoothed last; 0 if it never was.
    smoothed_block: StorageU64,
}

/// The contract. Slots 0–1: ownership. Slots 2–3: StakeManager, CapacityRegistry. Then the mappings.
#[entrypoint]
#[storage]
pub struct OpenClawCapacityAdapter {
    #[borrow]
    ownable: Ownable,
    stake_manager: StorageAddress,
    core_registry: StorageAddress,
    skills: StorageMap<B256, Skill>,
    skill_names: StorageMap<B256, StorageString>,
    agents: StorageMap<B256, Agent>,
    /// By skill type: its agents that are registered.
    lists: StorageMap<B256, IdList>,
    /// By skill type and operator: its agent that is registered; zero if none.
    agents_of: StorageMap<B256, StorageMap<Address, StorageB256>>,
    /// Zero until it is named.
    work_vouchers: StorageAddress,
}

#[public]
#[inherit(Ownable)]
impl OpenClawCapacityAdapter {
    /// Sets the contract up: where sinks and stakes are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        core_registry: Address,
        stake_manager: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), core_registry)?;
        require_contract(self.vm(), stake_manager)?;
        self.core_registry.set(core_registry);
        self.stake_manager.set(stake_manager);
        Ok(())
    }

    // --- Operators

    /// Registers an agent with a skill, the caller as its operator, and declares its capacity: a first one counts at once,
    /// one of an agent that comes back moves the smoothed capacity. Locks the caller's stake at the core.
    ///
    /// # Errors
    ///
    /// * [`SkillTypeDoesNotExist`], [`AgentAlreadyRegistered`], [`OperatorHasAgent`], [`InsufficientStake`]
    /// * What StakeManager or CapacityRegistry revert with.
    ///
    /// # Events
    ///
    /// * [`AgentRegistered`], [`CapacityUpdated`]
    pub fn register_agent(
        &mut self,
        agent_id: B256,
        skill_type_id: B256,
        initial_capacity: SkillCapacity,
    ) -> Result<(), Error> {
        let skill = self.skills.getter(skill_type_id);
        if !skill.exists.get() {
            return Err(SkillTypeDoesNotExist {}.into());
        }
        let min_stake = widen(skill.min_stake.get());
        let operator = self.vm().msg_sender();
        let agent = self.agents.getter(agent_id);
        let holder = agent.operator.get();
        if agent.active.get() {
            return Err(AgentAlreadyRegistered {}.into());
        }
        let own = self.get_agent_of(skill_type_id, operator);
        if !own.is_zero() {
            return Err(OperatorHasAgent { agentId: own }.into());
        }
        if self.ask_stakes(IStakes::getStakeCall::SELECTOR, operator)? < min_stake {
            return Err(InsufficientStake {}.into());
        }
        let mut agent = self.agents.setter(agent_id);
        agent.operator.set(operator);
        agent.active.set(true);
        agent.skill_type.set(skill_type_id);
        if holder != operator {
            // What another one's was, is forgotten.
            agent.capacity.set(U128::ZERO);
            agent.smoothed_block.set(U64::ZERO);
        }
        self.lists.setter(skill_type_id).push(agent_id);
        self.agents_of
            .setter(skill_type_id)
            .setter(operator)
            .set(agent_id);
        emit!(self.vm(), AgentRegistered[agent_id, operator, skill_type_id]);
        self.declare(agent_id, operator, &initial_capacity)?;
        match self.is_locked(skill_type_id, operator)? {
            true => Ok(()),
            false => {
                let selector = ISinkRegistrar::registerSinkForCall::SELECTOR;
                self.tell_core(selector, &[skill_type_id, operator.into_word(), B256::ZERO])
            }
        }
    }

    /// Declares what the agent can do now. For its operator.
    ///
    /// # Errors
    ///
    /// * [`AgentNotRegistered`], [`NotAgentOperator`]
    /// * What StakeManager reverts with.
    ///
    /// # Events
    ///
    /// * [`CapacityUpdated`]
    pub fn update_capacity(
        &mut self,
        agent_id: B256,
        capacity: SkillCapacity,
    ) -> Result<(), Error> {
        let operator = self.require_operator(agent_id)?;
        self.declare(agent_id, operator, &capacity)
    }

    /// Takes the agent off the list of its skill, and its operator out of the task type. For its operator; for anyone, when the
    /// operator's stake is no longer locked for it, or less than the skill asks for.
    ///
    /// # Errors
    ///
    /// * [`AgentNotRegistered`], [`NotAgentOperator`]
    /// * What CapacityRegistry reverts with. An operator is never held by that: it may leave the core by itself before.
    ///
    /// # Events
    ///
    /// * [`AgentDeregistered`]
    pub fn deregister_agent(&mut self, agent_id: B256) -> Result<(), Error> {
        let agent = self.agents.getter(agent_id);
        if !agent.active.get() {
            return Err(AgentNotRegistered {}.into());
        }
        let (operator, skill_type_id) = (agent.operator.get(), agent.skill_type.get());
        let is_locked = self.is_locked(skill_type_id, operator)?;
        let min_stake = self.skill_min_stake(skill_type_id);
        if self.vm().msg_sender() != operator
            && is_locked
            && self.ask_stakes(IStakes::getStakeCall::SELECTOR, operator)? >= min_stake
        {
            return Err(NotAgentOperator {}.into());
        }
        self.agents.setter(agent_id).active.set(false);
        self.lists.setter(skill_type_id).remove(agent_id);
        self.agents_of
            .setter(skill_type_id)
            .setter(operator)
            .set(B256::ZERO);
        emit!(self.vm(), AgentDeregistered[agent_id]);
        match is_locked {
            true => {
                let selector = ISinkRegistrar::deregisterSinkForCall::SELECTOR;
                self.tell_core(selector, &[skill_type_id, operator.into_word()])
            }
            false => Ok(()),
        }
    }

    // --- Owner

    /// Registers a skill type whose agents' operators have at least `min_stake` at stake when they register. Of more than 248
    /// bits, which no stake has, the most that fits is kept.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`SkillTypeAlreadyExists`]
    ///
    /// # Events
    ///
    /// * [`SkillTypeRegistered`]
    pub fn register_skill_type(
        &mut self,
        skill_type_id: B256,
        skill_name: String,
        min_stake: U256,
    ) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let mut skill = self.skills.setter(skill_type_id);
        if skill.exists.get() {
            return Err(SkillTypeAlreadyExists {}.into());
        }
        skill.exists.set(true);
        skill.min_stake.set(narrow(min_stake).unwrap_or(MOST));
        self.skill_names.setter(skill_type_id).set_str(&skill_name);
        log(
            self.vm(),
            SkillTypeRegistered {
                skillTypeId: skill_type_id,
                skillName: skill_name,
            },
        );
        Ok(())
    }

    /// Names WorkVouchers, by whose counts agents are ranked, once.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`NotAContract`], [`WorkVouchersAlreadySet`]
    ///
    /// # Events
    ///
    /// * [`WorkVouchersSet`]
    pub fn set_work_vouchers(&mut self, work_vouchers: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        require_contract(self.vm(), work_vouchers)?;
        if !self.work_vouchers.get().is_zero() {
            return Err(WorkVouchersAlreadySet {}.into());
        }
        self.work_vouchers.set(work_vouchers);
        emit!(self.vm(), WorkVouchersSet[work_vouchers]);
        Ok(())
    }

    // --- The adapter of a domain

    /// The capacity of `abi.encode(throughput, latencyMs, errorRateBps)`, in units of 1e-9, before it is cut to a stake and
    /// smoothed.
    ///
    /// # Returns
    ///
    /// * `normalizedCapacity`
    ///
    /// # Errors
    ///
    /// * [`MalformedSignal`] if these are not three words.
    pub fn normalize_capacity(raw_signal: Bytes) -> Result<U256, Error> {
        match first_words(&raw_signal) {
            Some([throughput, latency, errors]) => Ok(score(throughput, latency, errors)),
            None => Err(MalformedSignal {}.into()),
        }
    }

    /// Whether an attestation is good, the operator of its agent, and the capacity that it attests, before it is cut to a
    /// stake and smoothed. Of one that is not: false and zeros, whatever the bytes are.
    /// [`check_attestation`](OpenClawCapacityAdapter::check_attestation) says why not.
    ///
    /// An attestation is `abi.encode(agentId, throughput, latencyMs, errorRateBps, timestamp, nonce, signature)`, signed by
    /// the operator (EIP-712; ERC-1271 for contract accounts), at most 600 s old, of an agent that is registered; or the same
    /// without nonce. Whether its nonce was used before is for the caller to know.
    ///
    /// # Returns
    ///
    /// * `valid`
    /// * `sink`
    /// * `capacity`
    pub fn verify_attestation(&self, attestation: Bytes) -> (bool, Address, U256) {
        match self.check_attestation(attestation) {
            Ok((sink, capacity)) => (true, sink, capacity),
            Err(_) => (false, Address::ZERO, U256::ZERO),
        }
    }

    /// As [`verify_attestation`](OpenClawCapacityAdapter::verify_attestation), but reverts with what is wrong.
    ///
    /// # Returns
    ///
    /// * `sink`
    /// * `capacity`
    ///
    /// # Errors
    ///
    /// * [`MalformedSignal`], [`AgentNotRegistered`], [`attestation::StaleAttestation`], [`attestation::InvalidSignature`]
    /// * [`NonceAlreadyUsed`] if it is zero.
    /// * [`bpe_common::signature::Error`] if the signature of an account without code is malformed.
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if a contract account may have had too little to answer.
    pub fn check_attestation(&self, attestation: Bytes) -> Result<(Address, U256), Error> {
        let parsed = parse(&attestation).ok_or(MalformedSignal {})?;
        let [agent_id, throughput, latency, errors, timestamp] = parsed.words;
        let agent = self.agents.getter(agent_id);
        if !agent.active.get() {
            return Err(AgentNotRegistered {}.into());
        }
        require_fresh(self.vm(), timestamp.into()).map_err(attestation::Error::from)?;
        if parsed.nonce == Some(B256::ZERO) {
            let (provided, required) = (U256::ZERO, U256::from(1));
            return Err(attestation::Error::from(NonceAlreadyUsed { provided, required }).into());
        }
        let operator = agent.operator.get();
        let digest = DOMAIN.digest(self.vm(), parsed.struct_hash());
        require_signed(self.vm(), operator, digest, parsed.signature)?;
        Ok((operator, score(throughput, latency, errors)))
    }

    /// The nonce of an attestation, good or not, or its timestamp if it has none; zero, which no good one has, if the bytes
    /// are none.
    ///
    /// # Returns
    ///
    /// * `nonce`
    pub fn attestation_nonce(&self, attestation: Bytes) -> U256 {
        match parse(&attestation) {
            Some(Attestation { nonce, words, .. }) => nonce.unwrap_or(words[4]).into(),
            None => U256::ZERO,
        }
    }

    /// For which task type an attestation is, good or not: the skill of its agent; zero if there is none.
    ///
    /// # Returns
    ///
    /// * `taskTypeId`
    pub fn task_type_of(&self, attestation: Bytes) -> B256 {
        match first_words(&attestation) {
            Some([agent_id]) => self.agents.getter(agent_id).skill_type.get(),
            None => B256::ZERO,
        }
    }

    /// The domain's id, `keccak256("OPENCLAW_AGENT")`.
    pub fn domain_id() -> B256 {
        DOMAIN_ID
    }

    /// What the domain is.
    pub fn domain_description() -> String {
        String::from("OpenClaw agent skills: throughput 50 %, latency 30 %, error rate 20 %")
    }

    // --- Views

    /// An agent, registered or not.
    pub fn get_agent(&self, agent_id: B256) -> AgentInfo {
        let agent = self.agents.getter(agent_id);
        AgentInfo {
            operator: agent.operator.get(),
            skillTypeId: agent.skill_type.get(),
            smoothedCapacity: widen(agent.capacity.get()),
            lastUpdated: widen(agent.updated.get()),
            active: agent.active.get(),
        }
    }

    /// The agent's smoothed capacity; zero if it is not registered.
    pub fn get_smoothed_capacity(&self, agent_id: B256) -> U256 {
        let agent = self.agents.getter(agent_id);
        match agent.active.get() {
            true => widen(agent.capacity.get()),
            false => U256::ZERO,
        }
    }

    /// The registered agents with the skill, the one with the most verified spare capacity first
    /// ([`get_verified_spare`](OpenClawCapacityAdapter::get_verified_spare)); of equals the one with the greater capacity at the
    /// core, of those again the greater id. For long lists, and for calls of contracts:
    /// [`get_agents_for_skill_page`](OpenClawCapacityAdapter::get_agents_for_skill_page).
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry or WorkVouchers revert with.
    pub fn get_agents_for_skill(&self, skill_type_id: B256) -> Result<Vec<B256>, Error> {
        let mut ranked = BinaryHeap::new();
        for agent_id in self.lists.getter(skill_type_id).all() {
            let operator = self.agents.getter(agent_id).operator.get();
            let (spare, capacity) = self.get_verified_spare(skill_type_id, operator)?;
            ranked.push((spare, capacity, agent_id));
        }
        let ranked = ranked.into_sorted_vec();
        Ok(ranked.into_iter().rev().map(|(.., id)| id).collect())
    }

    /// What of the operator's capacity at the core work has shown, and is not used: four times the rate of its counted work, at most
    /// the capacity, less that rate; and the capacity. In units of 1e-9. Nobody has spare capacity by declaring it.
    ///
    /// # Returns
    ///
    /// * `spare`
    /// * `capacity`
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry or WorkVouchers revert with.
    pub fn get_verified_spare(
        &self,
        skill_type_id: B256,
        operator: Address,
    ) -> Result<(U256, U256), Error> {
        let arguments = [skill_type_id, operator.into_word()];
        let selector = ICapacityRegistry::getSmoothedCapacityCall::SELECTOR;
        let core = self.core_registry.get();
        let [capacity] = query_words(self.vm(), core, selector, &arguments)?;
        let vouchers = self.work_vouchers.get();
        if vouchers.is_zero() {
            return Ok((U256::ZERO, capacity));
        }
        let selector = IWorkKeys::getVerifiedCapacityCall::SELECTOR;
        let [verified] = query_words(self.vm(), vouchers, selector, &arguments)?;
        let shown = verified.saturating_mul(U256::from(4)).min(capacity);
        Ok((shown.saturating_sub(verified), capacity))
    }

    /// At most `count` of the registered agents with the skill, in no order, from number `from` on. When one leaves, the last takes
    /// its place.
    pub fn get_agents_for_skill_page(
        &self,
        skill_type_id: B256,
        from: U256,
        count: U256,
    ) -> Vec<B256> {
        self.lists.getter(skill_type_id).page(from, count)
    }

    /// How many agents with the skill are registered.
    pub fn get_agent_count(&self, skill_type_id: B256) -> U256 {
        U256::from(self.lists.getter(skill_type_id).len())
    }

    /// Whether there is such a skill type.
    pub fn skill_types(&self, skill_type_id: B256) -> bool {
        self.skills.getter(skill_type_id).exists.get()
    }

    /// What a skill type is called.
    pub fn skill_names(&self, skill_type_id: B256) -> String {
        self.skill_names.getter(skill_type_id).get_string()
    }

    /// What an operator has at stake, at least, when it registers an agent with the skill.
    pub fn skill_min_stake(&self, skill_type_id: B256) -> U256 {
        widen(self.skills.getter(skill_type_id).min_stake.get())
    }

    /// The agent with the skill that `operator` has registered; zero if none.
    pub fn get_agent_of(&self, skill_type_id: B256, operator: Address) -> B256 {
        self.agents_of.getter(skill_type_id).get(operator)
    }

    /// Where sinks are.
    pub fn core_registry(&self) -> Address {
        self.core_registry.get()
    }

    /// By whose counts agents are ranked; zero until it is named.
    pub fn work_vouchers(&self) -> Address {
        self.work_vouchers.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// The domain of the signatures (EIP-5267).
    ///
    /// # Returns
    ///
    /// * `fields`
    /// * `name`
    /// * `version`
    /// * `chainId`
    /// * `verifyingContract`
    /// * `salt`
    /// * `extensions`
    #[selector(name = "eip712Domain")]
    pub fn eip712_domain(&self) -> DomainFields {
        DOMAIN.fields(self.vm())
    }

    /// The type hash of an attestation.
    #[selector(name = "ATTESTATION_TYPEHASH")]
    pub fn attestation_typehash(&self) -> B256 {
        ATTESTATION_TYPEHASH
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(BPS)
    }

    /// The domain's id, `keccak256("OPENCLAW_AGENT")`.
    #[selector(name = "DOMAIN_ID")]
    pub fn domain_id_constant(&self) -> B256 {
        DOMAIN_ID
    }

    /// The weight of the error rate in the score, in basis points.
    #[selector(name = "ERROR_RATE_WEIGHT")]
    pub fn error_rate_weight(&self) -> U256 {
        U256::from(ERROR_RATE_WEIGHT_BPS)
    }

    /// The weight of a new declaration in the smoothed capacity, in basis points.
    #[selector(name = "EWMA_ALPHA_BPS")]
    pub fn ewma_alpha_bps(&self) -> U256 {
        U256::from(EWMA_ALPHA_BPS)
    }

    /// The weight of the latency in the score, in basis points.
    #[selector(name = "LATENCY_WEIGHT")]
    pub fn latency_weight(&self) -> U256 {
        U256::from(LATENCY_WEIGHT_BPS)
    }

    /// The latency that scores zero, in milliseconds.
    #[selector(name = "MAX_LATENCY_MS")]
    pub fn max_latency_ms(&self) -> U256 {
        U256::from(MAX_LATENCY_MS)
    }

    /// The weight of the throughput in the score, in basis points.
    #[selector(name = "THROUGHPUT_WEIGHT")]
    pub fn throughput_weight(&self) -> U256 {
        U256::from(THROUGHPUT_WEIGHT_BPS)
    }
}

impl OpenClawCapacityAdapter {
    /// The operator of a registered agent, if it is the caller.
    fn require_operator(&self, agent_id: B256) -> Result<Address, Error> {
        let agent = self.agents.getter(agent_id);
        if !agent.active.get() {
            return Err(AgentNotRegistered {}.into());
        }
        let operator = agent.operator.get();
        match operator == self.vm().msg_sender() {
            true => Ok(operator),
            false => Err(NotAgentOperator {}.into()),
        }
    }

    /// StakeManager is asked after the agent was written. That is safe: it is asked statically, and nobody can enter a program
    /// that is open.
    fn declare(
        &mut self,
        agent_id: B256,
        operator: Address,
        declared: &SkillCapacity,
    ) -> Result<(), Error> {
        let cap = self.ask_stakes(IStakes::getCapacityCapCall::SELECTOR, operator)?;
        let raw = skill_capacity(
            declared.throughput,
            declared.latencyMs,
            declared.errorRateBps,
        )
        .min(to_u128_saturating(cap));
        let block = U64::from(clock::block_number(self.vm()));
        let now = U64::from(clock::block_timestamp(self.vm()));
        let mut agent = self.agents.setter(agent_id);
        let previous = to_u128(agent.capacity.get());
        let smoothed = match agent.smoothed_block.get() {
            U64::ZERO => raw,
            last if last == block => previous,
            _ => ewma(raw, previous),
        };
        agent.capacity.set(U128::from(smoothed));
        agent.updated.set(now);
        agent.smoothed_block.set(block);
        emit!(self.vm(), CapacityUpdated[agent_id](raw, smoothed));
        Ok(())
    }

    /// Whether the operator's stake is locked at the core for the skill.
    fn is_locked(&self, skill_type_id: B256, operator: Address) -> Result<bool, Error> {
        let selector = ISinkRegistrar::isRegisteredCall::SELECTOR;
        let arguments = [skill_type_id, operator.into_word()];
        let core = self.core_registry.get();
        let [is_sink] = query_words(self.vm(), core, selector, &arguments)?;
        Ok(!is_sink.is_zero())
    }

    fn tell_core(&self, selector: [u8; 4], arguments: &[B256]) -> Result<(), Error> {
        let [] = invoke_words(self.vm(), self.core_registry.get(), selector, arguments)?;
        Ok(())
    }

    fn ask_stakes(&self, selector: [u8; 4], operator: Address) -> Result<U256, Error> {
        let stakes = self.stake_manager.get();
        let [answer] = query_words(self.vm(), stakes, selector, &[operator.into_word()])?;
        Ok(answer)
    }
}

/// The most that a minimum stake can be.
const MOST: alloy_primitives::Uint<248, 4> = alloy_primitives::Uint::MAX;
/// Where the signature is in an attestation, as an ABI encoder puts it: behind seven words, or six without a nonce.
const SIGNATURE_OFFSET: u8 = 224;
const UNNUMBERED_SIGNATURE_OFFSET: u8 = 192;

/// An attestation as bytes.
struct Attestation<'a> {
    /// Agent, throughput, latency, errors, timestamp.
    words: [B256; 5],
    nonce: Option<B256>,
    signature: &'a [u8],
}

impl Attestation<'_> {
    fn struct_hash(&self) -> B256 {
        let mut words = vec![match self.nonce {
            Some(_) => ATTESTATION_TYPEHASH,
            None => UNNUMBERED_ATTESTATION_TYPEHASH,
        }];
        words.extend(self.words);
        words.extend(self.nonce);
        keccak256(words.concat())
    }
}

/// What these bytes are as an attestation, if they are one.
fn parse(attestation: &[u8]) -> Option<Attestation<'_>> {
    let [agent_id, throughput, latency, errors, timestamp, sixth, seventh] =
        first_words(attestation)?;
    let (nonce, offset) = if seventh == B256::with_last_byte(SIGNATURE_OFFSET) {
        (Some(sixth), SIGNATURE_OFFSET)
    } else if sixth == B256::with_last_byte(UNNUMBERED_SIGNATURE_OFFSET) {
        (None, UNNUMBERED_SIGNATURE_OFFSET)
    } else {
        return None;
    };
    let [length] = first_words(attestation.get(usize::from(offset)..)?)?;
    let length: usize = U256::from_be_bytes(length.0).saturating_to();
    let start = usize::from(offset).saturating_add(32);
    let signature = attestation.get(start..)?.get(..length)?;
    Some(Attestation {
        words: [agent_id, throughput, latency, errors, timestamp],
        nonce,
        signature,
    })
}

fn score(throughput: B256, latency_ms: B256, error_rate_bps: B256) -> U256 {
    U256::from(skill_capacity(
        throughput.into(),
        latency_ms.into(),
        error_rate_bps.into(),
    ))
}
