//! NestedPool: task types below task types, so that what is paid for the parent reaches the children's sinks too.
//!
//! Superfluid refuses pools as members of pools. So this contract is the member: in the pool of every parent it has the
//! units of a sink with the children's capacities, and passes on what they bring to the children's pools, in proportion,
//! by instant distributions. It streams nothing and owes no deposits, so it cannot run dry.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`rebalance_hierarchy`](NestedPool::rebalance_hierarchy) |
//! | a parent's linker, and the owner | [`register_child`](NestedPool::register_child), [`deregister_child`](NestedPool::deregister_child) |
//! | the owner | name each parent's linker |
//!
//! CapacityRegistry knows no owner of a task type, so the owner of this contract says who that is: children dilute the
//! sinks of their parent, and only the parent's owner may decide on that. Nobody can take money that is here: it goes
//! to the children that it was received for, whoever calls.
//!
//! BackpressurePool must have authorised this contract as it does pipelines. Capacities are in units of 1e-9, amounts in
//! wei of the Super Token.
//!
//! # Trees
//!
//! A task type has one parent at most, [`MAX_CHILDREN`] children, [`MAX_DEPTH`] levels of them below the root, and a tree
//! [`MAX_NODES`] task types. Its effective capacity is its own total in CapacityRegistry and that of all below it. The
//! *weight* of a child is its effective capacity when its parent was last rebalanced: units in the parent's pool are the
//! sum of its children's weights, and what they bring is divided by these same weights, before new ones count. A full
//! rebalance of the parent's pool changes what units are worth there: rebalance the hierarchy after it.
//!
//! # Money
//!
//! What arrived is told apart by what Superfluid says that this contract has received from each pool, ever. It arrives
//! while nobody calls, and reaches the children when somebody does: then it goes to those who are members of their pools at
//! that moment. So call often; at each level, the protocol fee and the other carve-outs of the child's pool are taken.
//!
//! A pool distributes multiples of its total units only, about 1e-9 tokens, and more where nearly everything
//! overflows. What is less is due to that child and waits for more: nobody can give it to a sibling by calling often.
//! A pool that Superfluid refuses to pay into does not stop the others; it, too, is paid later.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U128, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, invoke_words, query_words, require_contract, require_gas, to_address},
    connections, emit,
    events::Word,
    interfaces::{ICapacityRegistry, IPoolLimits},
    math::{
        split::{scale, BY_WORK},
        to_u128_saturating,
    },
    ownable::{Ownable, OwnableUnauthorizedAccount},
    packed::{to_u128, widen},
    superfluid::{instant_distribution, ISuperToken, ISuperfluidPool},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// Levels of children below a root at most.
pub const MAX_DEPTH: u64 = 8;
/// Children of a task type at most.
pub const MAX_CHILDREN: usize = 16;
/// Task types of a tree at most, its root included.
pub const MAX_NODES: usize = 64;
/// What one distribution may take. It takes about a third of it.
pub const DISTRIBUTION_GAS: u64 = 600_000;

/// Weights are cut off here, where BackpressurePool cuts off capacities: sums of them fit 128 bits.
const MAX_WEIGHT: u128 = (1 << 104) - 1;

/// A task type in a tree. Slot 0: pool (160 bits), linked (8). Slot 1: parent. Slot 2: weight (128), due (128): what every
/// distribution reads. Slot 3: attributed (128).
#[storage]
pub struct Node {
    /// Its pool, which never changes; zero if it never was in a tree.
    pool: StorageAddress,
    /// Whether it has a parent.
    linked: StorageBool,
    parent: StorageB256,
    weight: StorageU128,
    /// What is still to be distributed by its pool.
    due: StorageU128,
    /// How much of what was received from its pool has been divided among its children.
    attributed: StorageU128,
}

/// The contract. Slots 0–1: ownership. Slots 2–6: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct NestedPool {
    #[borrow]
    ownable: Ownable,
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    token: StorageAddress,
    gda: StorageAddress,
    host: StorageAddress,
    linkers: StorageMap<B256, StorageAddress>,
    nodes: StorageMap<B256, Node>,
    children: StorageMap<B256, StorageVec<StorageB256>>,
}

#[public]
#[inherit(Ownable)]
impl NestedPool {
    /// Sets the contract up: whose pools it nests, where capacities are, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    /// * `MalformedReturn` if `backpressure_pool` is none.
    #[constructor]
    pub fn constructor(
        &mut self,
        backpressure_pool: Address,
        capacity_registry: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [backpressure_pool, capacity_registry] {
            require_contract(self.vm(), neighbour)?;
        }
        // A stand-in for the pool, without Superfluid, need not know these: nothing is passed on then.
        let gda = self.look(backpressure_pool, IPoolLimits::GDACall::SELECTOR);
        let token = self.look(backpressure_pool, IPoolLimits::SUPER_TOKENCall::SELECTOR);
        let host = self.look(token, ISuperToken::getHostCall::SELECTOR);
        connections::forbid(self.vm(), token);
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(capacity_registry);
        self.token.set(token);
        self.gda.set(gda);
        self.host.set(host);
        Ok(())
    }

    // --- Anyone

    /// Passes on what is due to the task type, and what it and those below it have brought, `max_depth` levels of children deep, then gives all of
    /// them the weights of their present capacities, and this contract the units that go with them. The weight of the task
    /// type itself is its parent's business and stays. A tree too large for one transaction is done in parts, money from
    /// the root down, weights from the leaves up: `max_depth` 1 is the smallest, of one parent and its children.
    ///
    /// # Errors
    ///
    /// * [`DepthExceedsMax`], [`TaskTypeDoesNotExist`], [`InsufficientGas`]
    /// * What Superfluid or BackpressurePool reverts with: `UnauthorizedCaller`, if it has not authorised this contract.
    ///
    /// # Events
    ///
    /// * [`HierarchyRebalanced`]; [`PassedOn`] or [`PassingOnFailed`] for each child with enough to distribute.
    pub fn rebalance_hierarchy(
        &mut self,
        task_type_id: B256,
        max_depth: U256,
    ) -> Result<(), Error> {
        if max_depth > U256::from(MAX_DEPTH) {
            return Err(too_deep(max_depth));
        }
        self.require_task_type(task_type_id)?;
        self.distribute(task_type_id)?;
        let max_depth = max_depth.saturating_to();
        let mut places = self.subtree(task_type_id, max_depth);
        let depth = height(&places);
        places.retain(|place| place.depth < max_depth);
        for place in &places {
            self.pass_on(place.id)?;
        }
        for place in places.iter().rev() {
            self.reweigh(place.id)?;
        }
        let total = U256::from(self.weight_now(task_type_id)?);
        emit!(self.vm(), HierarchyRebalanced[task_type_id](depth, total));
        Ok(())
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here. It claims all the
    /// same.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), self.token.get(), pool)?)
    }

    // --- Linkers

    /// Makes `child_task_type_id`, which has no parent, a child of `parent_task_type_id`, with all that is below it. What
    /// the parent brought until now goes to the children it had until now.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`] unless the parent's linker or the owner calls.
    /// * [`SelfReference`], [`CyclicReference`], [`ChildAlreadyRegistered`], [`TooManyChildren`], [`DepthExceedsMax`],
    ///   [`TooManyNodes`]
    /// * [`TaskTypeDoesNotExist`], [`PoolDoesNotExist`] of either; [`PaidByWork`] of the child; [`InsufficientGas`]
    /// * As [`NestedPool::rebalance_hierarchy`].
    ///
    /// # Events
    ///
    /// * [`ChildRegistered`]; [`PassedOn`], [`PassingOnFailed`]
    pub fn register_child(
        &mut self,
        parent_task_type_id: B256,
        child_task_type_id: B256,
    ) -> Result<(), Error> {
        let (parent, child) = (parent_task_type_id, child_task_type_id);
        self.only_linker(parent)?;
        if parent == child {
            return Err(SelfReference {}.into());
        }
        if self.nodes.getter(child).linked.get() {
            return Err(ChildAlreadyRegistered {}.into());
        }
        let parent_pool = self.require_pool(parent)?;
        let child_pool = self.require_pool(child)?;
        self.refuse_by_work(child)?;
        self.require_room(parent, child)?;
        self.pass_on(parent)?;
        self.nodes.setter(parent).pool.set(parent_pool);
        let mut node = self.nodes.setter(child);
        node.pool.set(child_pool);
        node.linked.set(true);
        node.parent.set(parent);
        self.children.setter(parent).push(child);
        let weight = self.weight_now(child)?;
        self.nodes.setter(child).weight.set(U128::from(weight));
        emit!(self.vm(), ChildRegistered[parent, child](child_pool));
        self.set_units(parent)
    }

    /// Takes the child, with all that is below it, out of the parent. It gets its part of what the parent brought until
    /// now; what is too little to distribute stays due to it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`] unless the parent's linker or the owner calls.
    /// * [`ChildNotRegistered`]; as [`NestedPool::rebalance_hierarchy`].
    ///
    /// # Events
    ///
    /// * [`ChildDeregistered`]; [`PassedOn`], [`PassingOnFailed`]
    pub fn deregister_child(
        &mut self,
        parent_task_type_id: B256,
        child_task_type_id: B256,
    ) -> Result<(), Error> {
        let (parent, child) = (parent_task_type_id, child_task_type_id);
        self.only_linker(parent)?;
        if !self.is_child_pool(parent, child) {
            return Err(ChildNotRegistered {}.into());
        }
        self.pass_on(parent)?;
        let mut node = self.nodes.setter(child);
        node.linked.set(false);
        node.parent.set(B256::ZERO);
        node.weight.set(U128::ZERO);
        self.drop_child(parent, child);
        emit!(self.vm(), ChildDeregistered[parent, child]);
        self.set_units(parent)
    }

    // --- Owner

    /// Lets `linker` register and deregister the children of a task type; nobody but the owner, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`LinkerSet`]
    pub fn set_linker(&mut self, parent_task_type_id: B256, linker: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.linkers.setter(parent_task_type_id).set(linker);
        emit!(self.vm(), LinkerSet[parent_task_type_id, linker]);
        Ok(())
    }

    // --- Views

    /// The capacity of a task type and of all below it, now.
    ///
    /// # Errors
    ///
    /// * What CapacityRegistry reverts with.
    pub fn get_effective_capacity(&self, task_type_id: B256) -> Result<U256, Error> {
        let mut sum = U256::ZERO;
        for node in self.subtree(task_type_id, MAX_DEPTH) {
            sum = sum.saturating_add(self.local_capacity(node.id)?);
        }
        Ok(sum)
    }

    /// The children of a task type, in no order.
    pub fn get_children(&self, parent_task_type_id: B256) -> Vec<B256> {
        let children = self.children.getter(parent_task_type_id);
        (0..children.len())
            .filter_map(|place| children.get(place))
            .collect()
    }

    /// Whether the one is a child of the other.
    pub fn is_child_pool(&self, parent_task_type_id: B256, child_task_type_id: B256) -> bool {
        let child = self.nodes.getter(child_task_type_id);
        child.linked.get() && child.parent.get() == parent_task_type_id
    }

    /// A task type as a child.
    ///
    /// # Returns
    ///
    /// * `linked`: whether it has a parent.
    /// * `parentTaskTypeId`
    /// * `weight`: its effective capacity when the parent was rebalanced last.
    /// * `due`: what waits here until it is enough for its pool to distribute, in wei.
    pub fn get_child(&self, task_type_id: B256) -> (bool, B256, U256, U256) {
        let node = self.nodes.getter(task_type_id);
        (
            node.linked.get(),
            node.parent.get(),
            widen(node.weight.get()),
            widen(node.due.get()),
        )
    }

    /// Who may register and deregister the children of a task type beside the owner; zero if nobody.
    pub fn linker(&self, parent_task_type_id: B256) -> Address {
        self.linkers.get(parent_task_type_id)
    }

    /// Whose pools are nested.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where capacities are.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Levels of children below a root at most.
    #[selector(name = "MAX_DEPTH")]
    pub fn max_depth(&self) -> U256 {
        U256::from(MAX_DEPTH)
    }

    /// Children of a task type at most.
    #[selector(name = "MAX_CHILDREN")]
    pub fn max_children(&self) -> U256 {
        U256::from(MAX_CHILDREN)
    }

    /// Task types of a tree at most.
    #[selector(name = "MAX_NODES")]
    pub fn max_nodes(&self) -> U256 {
        U256::from(MAX_NODES)
    }
}

/// A task type, and how many levels it is below where a walk started.
struct Place {
    id: B256,
    depth: u64,
}

/// Of a walk, which ends on the lowest level.
fn height(places: &[Place]) -> u64 {
    places.last().map_or(0, |place| place.depth)
}

fn too_deep(requested: U256) -> Error {
    let max = U256::from(MAX_DEPTH);
    DepthExceedsMax { requested, max }.into()
}

impl NestedPool {
    // --- Trees

    /// What is below a task type, itself first, level by level. Trees have [`MAX_NODES`] at most.
    fn subtree(&self, id: B256, max_depth: u64) -> Vec<Place> {
        let mut places = vec![Place { id, depth: 0 }];
        let mut next = 0_usize;
        while let Some(Place { id, depth }) = places.get(next) {
            if *depth < max_depth {
                let depth = depth.saturating_add(1);
                let children = self.get_children(*id).into_iter();
                places.extend(children.map(|id| Place { id, depth }));
            }
            next = next.saturating_add(1);
        }
        places
    }

    /// The top of the tree that the task type is in, and how many levels it is below.
    fn root(&self, id: B256) -> Place {
        let mut place = Place { id, depth: 0 };
        // Trees have no cycles, and MAX_DEPTH levels.
        loop {
            let node = self.nodes.getter(place.id);
            if !node.linked.get() {
                return place;
            }
            place = Place {
                id: node.parent.get(),
                depth: place.depth.saturating_add(1),
            };
        }
    }

    /// Checks that the child, which has no parent, fits below the parent with all that is below it.
    fn require_room(&self, parent: B256, child: B256) -> Result<(), Error> {
        let root = self.root(parent);
        if root.id == child {
            return Err(CyclicReference {}.into());
        }
        if self.children.getter(parent).len() >= MAX_CHILDREN {
            let max = U256::from(MAX_CHILDREN);
            return Err(TooManyChildren { max }.into());
        }
        let below = self.subtree(child, MAX_DEPTH);
        let depth = root.depth.saturating_add(1).saturating_add(height(&below));
        if depth > MAX_DEPTH {
            return Err(too_deep(U256::from(depth)));
        }
        let count = self
            .subtree(root.id, MAX_DEPTH)
            .len()
            .saturating_add(below.len());
        if count > MAX_NODES {
            return Err(TooManyNodes {
                count: U256::from(count),
                max: U256::from(MAX_NODES),
            }
            .into());
        }
        Ok(())
    }

    /// Takes the child from the list. The last takes its place.
    fn drop_child(&mut self, parent: B256, child: B256) {
        let place = self
            .get_children(parent)
            .iter()
            .position(|other| *other == child);
        let mut children = self.children.setter(parent);
        let (Some(place), Some(last)) = (place, children.pop()) else {
            return;
        };
        // None, if it was the last.
        if let Some(mut slot) = children.setter(place) {
            slot.set(last);
        }
    }

    // --- Weights

    /// What a task type weighs as a child: its own capacity now, and its children's weights.
    fn weight_now(&self, id: B256) -> Result<u128, Error> {
        let local = to_u128_saturating(self.local_capacity(id)?);
        let below = self.weight_of_children(id);
        Ok(local.saturating_add(below).min(MAX_WEIGHT))
    }

    fn weight_of_children(&self, parent: B256) -> u128 {
        let children = self.get_children(parent).into_iter();
        children.fold(0, |sum, child| sum.saturating_add(self.weight(child)))
    }

    fn weight(&self, child: B256) -> u128 {
        to_u128(self.nodes.getter(child).weight.get())
    }

    fn reweigh(&mut self, parent: B256) -> Result<(), Error> {
        let children = self.get_children(parent);
        if children.is_empty() {
            return Ok(());
        }
        for child in children {
            let weight = self.weight_now(child)?;
            self.nodes.setter(child).weight.set(U128::from(weight));
        }
        self.set_units(parent)
    }

    /// Has this contract's units in the parent's pool follow the weights.
    fn set_units(&mut self, parent: B256) -> Result<(), Error> {
        let capacity = self.weight_of_children(parent);
        let selector = IPoolLimits::setNestedCapacityCall::SELECTOR;
        let arguments = [parent, capacity.word()];
        let [] = invoke_words(
            self.vm(),
            self.backpressure_pool.get(),
            selector,
            &arguments,
        )?;
        Ok(())
    }

    // --- Money

    /// Divides what the parent has brought among its children, and has their pools distribute it.
    fn pass_on(&mut self, parent: B256) -> Result<(), Error> {
        let children = self.get_children(parent);
        if children.is_empty() {
            return Ok(());
        }
        let received = self.collect(parent)?;
        self.divide(parent, received, &children);
        for child in children {
            self.distribute(child)?;
        }
        Ok(())
    }

    /// Claims what the parent's pool has for this contract, unless it is connected and has it already. Returns what that
    /// pool has paid, ever.
    fn collect(&self, parent: B256) -> Result<u128, Error> {
        let pool = self.nodes.getter(parent).pool.get();
        let here = [self.vm().contract_address().word()];
        let selector = ISuperfluidPool::claimAllCall::SELECTOR;
        let [_claimed] = invoke_words(self.vm(), pool, selector, &here)?;
        let selector = ISuperfluidPool::getTotalAmountReceivedByMemberCall::SELECTOR;
        let [received] = self.ask(pool, selector, &here)?;
        Ok(to_u128_saturating(received))
    }

    /// Notes what is due to each child, by weight, rounded down. The rest is divided next time.
    fn divide(&mut self, parent: B256, received: u128, children: &[B256]) {
        let weights = self.weight_of_children(parent);
        let mut attributed = to_u128(self.nodes.getter(parent).attributed.get());
        let pot = received.saturating_sub(attributed);
        for child in children {
            let share = scale(pot, self.weight(*child), weights);
            attributed = attributed.saturating_add(share);
            self.add_due(*child, share);
        }
        let mut node = self.nodes.setter(parent);
        node.attributed.set(U128::from(attributed));
    }

    fn add_due(&mut self, child: B256, amount: u128) {
        let mut node = self.nodes.setter(child);
        let due = to_u128(node.due.get()).saturating_add(amount);
        node.due.set(U128::from(due));
    }

    /// Has the child's pool distribute what is due, as far as its units divide it.
    fn distribute(&mut self, child: B256) -> Result<(), Error> {
        let node = self.nodes.getter(child);
        let (pool, due) = (node.pool.get(), to_u128(node.due.get()));
        // Without Superfluid it stays due.
        if due == 0 || self.host.get().is_zero() {
            return Ok(());
        }
        let [units] = self.ask(pool, ISuperfluidPool::getTotalUnitsCall::SELECTOR, &[])?;
        // Without units, all of it remains.
        let rest = due.checked_rem(to_u128_saturating(units)).unwrap_or(due);
        let amount = due.saturating_sub(rest);
        if amount == 0 {
            return Ok(());
        }
        require_gas(self.vm(), DISTRIBUTION_GAS)?;
        self.nodes.setter(child).due.set(U128::from(rest));
        let (gda, token) = (self.gda.get(), self.token.get());
        let here = self.vm().contract_address();
        let request = instant_distribution(gda, token, here, pool, amount);
        let answer = call(self.vm(), self.host.get(), &request, DISTRIBUTION_GAS, 0);
        match answer.success {
            true => emit!(self.vm(), PassedOn[child](amount)),
            false => {
                self.add_due(child, amount);
                emit!(self.vm(), PassingOnFailed[child](amount));
            }
        }
        Ok(())
    }

    // --- Checks and look-ups

    fn only_linker(&self, parent: B256) -> Result<(), Error> {
        let account = self.vm().msg_sender();
        match account == self.linkers.get(parent) || account == self.ownable.owner() {
            true => Ok(()),
            false => {
                let error = OwnableUnauthorizedAccount { account };
                Err(Error::Ownable(error.into()))
            }
        }
    }

    fn require_task_type(&self, id: B256) -> Result<(), Error> {
        let selector = ICapacityRegistry::taskTypeExistsCall::SELECTOR;
        let [exists] = self.ask(self.capacity_registry.get(), selector, &[id])?;
        match exists.is_zero() {
            true => Err(TaskTypeDoesNotExist {}.into()),
            false => Ok(()),
        }
    }

    fn require_pool(&self, id: B256) -> Result<Address, Error> {
        self.require_task_type(id)?;
        let selector = IPoolLimits::getPoolCall::SELECTOR;
        let [pool] = self.ask(self.backpressure_pool.get(), selector, &[id])?;
        match pool.is_zero() {
            true => Err(PoolDoesNotExist {}.into()),
            false => Ok(to_address(pool)),
        }
    }

    /// What is distributed to a task type by work at once is noted for nobody: nobody could spend it.
    fn refuse_by_work(&self, child: B256) -> Result<(), Error> {
        let selector = IPoolLimits::getWeightingCall::SELECTOR;
        let [weighting] = self.ask(self.backpressure_pool.get(), selector, &[child])?;
        match weighting == U256::from(BY_WORK) {
            true => Err(PaidByWork {}.into()),
            false => Ok(()),
        }
    }

    fn local_capacity(&self, id: B256) -> Result<U256, Error> {
        let selector = ICapacityRegistry::getTaskTypeCall::SELECTOR;
        let [_, _, total] = self.ask(self.capacity_registry.get(), selector, &[id])?;
        Ok(total)
    }

    /// An address that `whom` names; zero if it does not, or is nobody.
    fn look(&self, whom: Address, selector: [u8; 4]) -> Address {
        if whom.is_zero() {
            return Address::ZERO;
        }
        match self.ask(whom, selector, &[]) {
            Ok([word]) => to_address(word),
            Err(_) => Address::ZERO,
        }
    }

    fn ask<const N: usize>(
        &self,
        whom: Address,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        Ok(query_words(self.vm(), whom, selector, arguments)?)
    }
}
