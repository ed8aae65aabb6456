//! ServiceDirectory: what task types are called and say of themselves, where sinks can be reached, and which agents they are.
//!
//! It moves no money and weighs nobody: what is here is for people and for programs that look for a sink.
//!
//! | who | may |
//! |---|---|
//! | anyone with a sink's minimum stake | [register a task type](ServiceDirectory::register_task_type) with metadata and pool |
//! | a task type's creator | [`describe`](ServiceDirectory::describe) one that was registered without metadata, once |
//! | a registered sink | [`set_service`](ServiceDirectory::set_service) |
//! | an account | [`link_agent`](ServiceDirectory::link_agent), [`unlink_agent`](ServiceDirectory::unlink_agent) |
//!
//! It has no owner. CapacityRegistry takes from it who created a task type, and PricingCurve its first fees; both know it by
//! their owners' word.
//!
//! # Names
//!
//! A task type's name is what its metadata begins with as JSON, `{"name":"…"`, to the letter, or all of the metadata where it
//! is no JSON. It has 1 to 64 bytes, and neither backslashes nor control characters; other task types have no name. An id is
//! *derived* if it is `keccak256(abi.encode(creator, name))`: nobody else can take it, and it costs nothing. For any other id
//! CapacityRegistry has a minimum stake of the creator's set aside.
//!
//! Names belong to nobody. [`resolve`](ServiceDirectory::resolve) lists all task types of a name, in the order in which they were
//! described, in pages: nobody can close the list by filling it, nor get before those that are there. Which of them is meant
//! is for whoever asks to say, by the creator or by what has been earned there.
//!
//! # Services
//!
//! A sink says itself where it is reached. Only what registered sinks say is shown: one that leaves is gone from here at once.
//! If it comes back, what it said last is shown again.
//!
//! # Agents
//!
//! A sink can say which agent of an identity registry (ERC-8004) it is. Whether the agent's owner, or its wallet, is the sink is
//! asked when it says so and again whenever somebody reads it: a link to an identity that was sold is no link. The identity
//! registry is foreign code and can answer what it likes: whoever reads a link decides which registries to believe. Lists of
//! sinks ask none.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod agents;
mod interface;
mod names;
mod services;
mod task_types;

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    events::Word,
    interfaces::ITaskTypeRegistrar,
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

use agents::Agent;
pub use agents::IDENTITY_GAS;
pub use interface::*;
pub use names::MAX_NAME;
pub use services::MAX_URI;
use task_types::{Fees, Terms};
pub use task_types::{BY_WORK, CURVE_USED, MAX_METADATA};

/// The most that a page has.
pub const MAX_PAGE: u64 = 64;

/// The contract. Slots 0–2: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct ServiceDirectory {
    capacity_registry: StorageAddress,
    stake_manager: StorageAddress,
    pricing_curve: StorageAddress,
    metadata: StorageMap<B256, StorageString>,
    /// By the hash of a name: the task types that have it.
    names: StorageMap<B256, StorageVec<StorageB256>>,
    /// By task type and sink: where it is reached.
    services: StorageMap<B256, StorageMap<Address, StorageString>>,
    agents: StorageMap<Address, Agent>,
}

/// Ids of task types, and who created each.
type TaskTypes = Returns<(Vec<B256>, Vec<Address>)>;
/// Sinks, and where each is reached.
type Services = Returns<(Vec<Address>, Vec<String>)>;

#[public]
impl ServiceDirectory {
    /// Sets the contract up: where task types and sinks are registered, and where prices are.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract)
    /// * `MalformedReturn` if `capacity_registry` is none.
    #[constructor]
    pub fn constructor(
        &mut self,
        capacity_registry: Address,
        pricing_curve: Address,
    ) -> Result<(), Error> {
        for neighbour in [capacity_registry, pricing_curve] {
            require_contract(self.vm(), neighbour)?;
        }
        let selector = ITaskTypeRegistrar::stakeManagerCall::SELECTOR;
        let [stakes] = query_words(self.vm(), capacity_registry, selector, &[])?;
        self.capacity_registry.set(capacity_registry);
        self.stake_manager.set(to_address(stakes));
        self.pricing_curve.set(pricing_curve);
        Ok(())
    }

    // --- Task types

    /// Registers a task type of the caller's, whose sinks stake at least `min_stake`, with what it says of itself, and creates
    /// its pool. Sinks are paid by capacity.
    ///
    /// # Errors
    ///
    /// * [`InsufficientStake`] if the caller has less than a sink's minimum stake.
    /// * [`MetadataTooLong`], [`NoBackpressurePool`]
    /// * What CapacityRegistry, StakeManager, BackpressurePool or PricingCurve revert with: `TaskTypeAlreadyExists`,
    ///   `InsufficientStake` of free stake for an id that is not derived, `NotServiceDirectory`.
    ///
    /// # Events
    ///
    /// * [`TaskTypeDescribed`] unless the metadata are empty; CapacityRegistry's `TaskTypeRegistered`, BackpressurePool's
    ///   `PoolCreated`
    pub fn register_task_type(
        &mut self,
        task_type_id: B256,
        metadata: String,
        min_stake: U256,
    ) -> Result<(), Error> {
        self.register(task_type_id, &metadata, Terms::by_capacity(min_stake))
    }

    /// Does the same with a weighting of BackpressurePool's: 0 capacity, 1 spare capacity, 2 shares, 3 work. By work the base
    /// fee follows what of the capacity is used.
    ///
    /// # Errors
    ///
    /// * As `registerTaskType(bytes32,string,uint256)`; BackpressurePool's `InvalidWeighting`.
    ///
    /// # Events
    ///
    /// * As there; BackpressurePool's `WeightingSet`, PricingCurve's `CurveSet`
    #[selector(name = "registerTaskType")]
    pub fn register_weighted(
        &mut self,
        task_type_id: B256,
        metadata: String,
        min_stake: U256,
        weighting: u8,
    ) -> Result<(), Error> {
        let terms = Terms {
            weighting,
            ..Terms::by_capacity(min_stake)
        };
        self.register(task_type_id, &metadata, terms)
    }

    /// Does the same, and sets where the base fee starts and between what it stays, in wei for a capacity unit and second.
    /// Zero stands for a tenth of the start as the floor, and for PricingCurve's `MAX_BASE_FEE` as the ceiling.
    ///
    /// # Errors
    ///
    /// * As `registerTaskType(bytes32,string,uint256,uint8)`; PricingCurve's `InvalidFees`.
    ///
    /// # Events
    ///
    /// * As there; PricingCurve's `FeesSet`
    // Single words, as the interface has them.
    #[allow(clippy::too_many_arguments)]
    #[selector(name = "registerTaskType")]
    pub fn register_priced(
        &mut self,
        task_type_id: B256,
        metadata: String,
        min_stake: U256,
        weighting: u8,
        start_fee: U256,
        floor: U256,
        ceiling: U256,
    ) -> Result<(), Error> {
        let fees = Some(Fees {
            start: start_fee,
            floor,
            ceiling,
        });
        let terms = Terms {
            min_stake,
            weighting,
            fees,
        };
        self.register(task_type_id, &metadata, terms)
    }

    /// Says of the caller's task type, which was registered without metadata, what it is. Once, for ever: what sinks and
    /// sources chose by it does not change.
    ///
    /// # Errors
    ///
    /// * [`MetadataTooLong`], [`EmptyMetadata`], [`NotTaskTypeCreator`], [`AlreadyDescribed`]
    ///
    /// # Events
    ///
    /// * [`TaskTypeDescribed`]
    pub fn describe(&mut self, task_type_id: B256, metadata: String) -> Result<(), Error> {
        self.describe_own(task_type_id, &metadata)
    }

    // --- Sinks

    /// Says where the caller is reached for the task type, in at most 256 bytes; nowhere, if it is empty.
    ///
    /// # Errors
    ///
    /// * [`UriTooLong`]
    /// * [`SinkNotRegistered`] unless the caller serves the task type. What it said it can take back at any time.
    ///
    /// # Events
    ///
    /// * [`ServiceSet`]
    pub fn set_service(&mut self, task_type_id: B256, uri: String) -> Result<(), Error> {
        self.store_service(task_type_id, &uri)
    }

    /// Says that the caller is agent `agent_id` of `identity_registry` (ERC-8004), which it is if it owns it or is its wallet.
    /// Replaces what it said before.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract), [`NotAgent`],
    ///   [`InsufficientGas`](bpe_common::call::InsufficientGas)
    ///
    /// # Events
    ///
    /// * [`AgentLinked`]
    pub fn link_agent(&mut self, identity_registry: Address, agent_id: U256) -> Result<(), Error> {
        self.link(identity_registry, agent_id)
    }

    /// Takes back which agent the caller is.
    ///
    /// # Events
    ///
    /// * [`AgentUnlinked`]
    pub fn unlink_agent(&mut self) {
        self.unlink();
    }

    // --- Views

    /// At most `count` of the task types with that name, and 64 at most, from number `from` on, in the order in which they were
    /// described. What has been listed stays where it is.
    ///
    /// # Returns
    ///
    /// * `taskTypeIds`
    /// * `creators`
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn resolve(&self, name: String, from: U256, count: U256) -> Result<TaskTypes, Error> {
        self.named(&name, from, count)
    }

    /// What the task type says of itself.
    pub fn get_metadata(&self, task_type_id: B256) -> String {
        self.metadata.getter(task_type_id).get_string()
    }

    /// The name by which the task type is listed; empty, if it has none.
    pub fn get_name(&self, task_type_id: B256) -> String {
        let metadata = self.get_metadata(task_type_id);
        names::name_of(&metadata).unwrap_or_default().into()
    }

    /// The id that nobody but `creator` can have for `name`: `keccak256(abi.encode(creator, name))`.
    pub fn derive_task_type_id(&self, creator: Address, name: String) -> B256 {
        names::derived_id(creator, &name)
    }

    /// Where `sink` is reached for the task type; empty, if it does not say, or does not serve it now.
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn get_service(&self, task_type_id: B256, sink: Address) -> Result<String, Error> {
        match self.serves(task_type_id, sink)? {
            true => Ok(self.service(task_type_id, sink)),
            false => Ok(String::new()),
        }
    }

    /// At most `count` sinks of the task type, and 64 at most, from number `from` on in the registry's list, and where each is
    /// reached: empty, if it does not say.
    ///
    /// # Returns
    ///
    /// * `sinks`
    /// * `uris`
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn get_services(
        &self,
        task_type_id: B256,
        from: U256,
        count: U256,
    ) -> Result<Services, Error> {
        self.services_page(task_type_id, from, count)
    }

    /// Which agent `sink` is, if the identity registry says so now; else zeros.
    ///
    /// # Returns
    ///
    /// * `identityRegistry`
    /// * `agentId`
    ///
    /// # Errors
    ///
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if the identity registry cannot be given [`IDENTITY_GAS`].
    pub fn get_agent(&self, sink: Address) -> Result<(Address, U256), Error> {
        self.agent(sink)
    }

    /// Where task types and sinks are registered.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// Where base fees are.
    pub fn pricing_curve(&self) -> Address {
        self.pricing_curve.get()
    }
}

impl ServiceDirectory {
    /// Who created the task type; zero if there is none.
    fn creator(&self, id: B256) -> Result<Address, Error> {
        self.ask_registry(ITaskTypeRegistrar::getCreatorCall::SELECTOR, &[id])
            .map(to_address)
    }

    fn serves(&self, id: B256, sink: Address) -> Result<bool, Error> {
        let selector = ITaskTypeRegistrar::isRegisteredCall::SELECTOR;
        let is_registered = self.ask_registry(selector, &[id, sink.word()])?;
        Ok(!is_registered.is_zero())
    }

    fn ask_registry(&self, selector: [u8; 4], arguments: &[B256]) -> Result<U256, Error> {
        let registry = self.capacity_registry.get();
        let [answer] = query_words(self.vm(), registry, selector, arguments)?;
        Ok(answer)
    }
}
