//! LightningRoutingPool: Lightning nodes that are paid by what they can route, and routes over them.
//!
//! A node joins with its operator, who becomes a sink of the core: BackpressurePool pays it, every second, in proportion to
//! the routing capacity that LightningCapacityOracle hands to CapacityRegistry. Liquid, uncongested nodes earn more.
//!
//! | who | may |
//! |---|---|
//! | a node's operator | join and leave with it; claim the place of the one with the least stake in a full pool |
//! | anyone | initialise the pool, rebalance, note fees; take out a node that the oracle or the core no longer knows |
//! | the owner | name the pricing curve |
//!
//! Liquidity is in sats, capacities are in units of 1e-9, fees in payment-token wei. No money passes through here.
//!
//! # One sink, one node
//!
//! The sink is the operator, who is paid. This contract has to be an adapter of the registry: it registers the operator when
//! the node joins, with the routing capacity by its smoothed liquidity, and deregisters it when the node leaves. The
//! registry tells BackpressurePool in the same transaction, so that who leaves is paid no longer.
//!
//! Each attestation reaches the registry by itself. To reach the units, a sink has to be rebalanced there, by anyone:
//! [`rebalance`](LightningRoutingPool::rebalance) does it for all nodes, 0.24 million gas for each that changed,
//! [`rebalance_range`](LightningRoutingPool::rebalance_range) for some. Where units follow submitted shares, they wait for the
//! next ones.
//!
//! # No list is closed
//!
//! There are [`MAX_NODES`] at most: this list is for routes, and the oracle reports for every sink, so that one more is paid all
//! the same. When it is full, whoever has at least a tenth more stake locked than the node with the least can ask for that one's
//! place ([`claim_place`](LightningRoutingPool::claim_place)), and has it with [`join_pool`](LightningRoutingPool::join_pool)
//! from an epoch of 300 s later on, for a day, if that still holds then. The other one has that epoch to lock more. So 64
//! places cost squatters as much as they are worth to those who use them, and nobody is shut out by having come late. Who loses
//! its place stays a sink of the core, and is paid.
//!
//! # Routes
//!
//! A node scores `smoothed sats · 10 000 / (1 + pending HTLCs)`. The best nodes carry a payment in proportion to their scores,
//! none more than its smoothed capacity; what is too much for one goes to the others.
//! [`get_optimal_route`](LightningRoutingPool::get_optimal_route) says it in basis points of the payment, as the Solidity
//! deployment does, rounded down, so that it says nothing of who carries less than 0.01 %;
//! [`get_route_in_sats`](LightningRoutingPool::get_route_in_sats) to the sat. If together they cannot carry it, those sats
//! sum to less than the amount: compare. How fresh a node's attestation is, the oracle's `getNode` tells.
//!
//! What a node charges is its price by the pricing curve: the base fee of the task type with the premium for the operator's
//! queue, per capacity unit of work. Without a pricing curve routes are free. Fees are told, not collected.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use bpe_common::{
    call::{
        call, calldata, invoke_words, query_words, require_contract, require_gas, to_address,
        InsufficientGas, Revert,
    },
    clock, emit,
    interfaces::{ILightningOracle, IPriceOracle, ISinkRegistrar, IStakeLocks, IUnitBalancer},
    list::IdList,
    math::{
        self,
        route::{self, allocate, score, Hop},
    },
    ownable::Ownable,
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// Nodes in the pool at most.
pub const MAX_NODES: usize = 64;
/// Nodes of a route at most.
pub const MAX_ROUTE_NODES: usize = 10;
/// What BackpressurePool may use to set the units of one sink: for a new one it takes about a third of it.
pub const UNITS_GAS: u64 = 2_000_000;

/// How much more stake than the least one a claim to its place takes, in basis points of that.
pub const CLAIM_BPS: u16 = 1_000;
/// How long a claim holds once it can be used, in seconds.
pub const CLAIM_PERIOD: u64 = 86_400;

/// The contract. Slots 0–1: ownership. Slots 2–4: backpressure_pool, capacity_registry, lightning_oracle. Slot 5:
/// pricing_curve + initialized. Slot 6: the task type. Slots 7–8: the nodes. Then the mappings.
#[entrypoint]
#[storage]
pub struct LightningRoutingPool {
    #[borrow]
    ownable: Ownable,
    backpressure_pool: StorageAddress,
    capacity_registry: StorageAddress,
    lightning_oracle: StorageAddress,
    pricing_curve: StorageAddress,
    initialized: StorageBool,
    task_type_id: StorageB256,
    nodes: IdList,
    /// With whom a node joined.
    members: StorageMap<B256, StorageAddress>,
    /// The node with which an operator joined.
    nodes_of: StorageMap<Address, StorageB256>,
    /// A node's fee when it was noted last.
    fees: StorageMap<B256, StorageU256>,
    /// From when on a node can have the place of the one with the least stake; 0 if it has no claim.
    claims: StorageMap<B256, StorageU256>,
}

/// A route: nodes, what they carry, what they charge.
type Route = Returns<(Vec<B256>, Vec<U256>, Vec<U256>)>;

/// What the oracle says of a node.
struct Node {
    operator: Address,
    /// In sats. Below 2^51.
    smoothed: u64,
    pending: u32,
    /// In units of 1e-9.
    capacity: U256,
}

#[public]
#[inherit(Ownable)]
impl LightningRoutingPool {
    /// Sets the contract up: whose pool pays, where sinks are registered, who knows nodes, whose prices are fees (zero for
    /// nobody's), which task type Lightning is, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`WrongTaskType`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        backpressure_pool: Address,
        capacity_registry: Address,
        lightning_oracle: Address,
        pricing_curve: Address,
        lightning_task_type_id: B256,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [backpressure_pool, capacity_registry, lightning_oracle] {
            require_contract(self.vm(), neighbour)?;
        }
        let selector = ILightningOracle::lightningTaskTypeIdCall::SELECTOR;
        // A stand-in for the oracle need not answer; one that does has to know the same task type.
        if let Ok([id]) = query_words(self.vm(), lightning_oracle, selector, &[]) {
            let oracle_task_type_id = B256::from(id);
            if oracle_task_type_id != lightning_task_type_id {
                return Err(WrongTaskType {
                    oracleTaskTypeId: oracle_task_type_id,
                }
                .into());
            }
        }
        self.backpressure_pool.set(backpressure_pool);
        self.capacity_registry.set(capacity_registry);
        self.lightning_oracle.set(lightning_oracle);
        self.task_type_id.set(lightning_task_type_id);
        self.store_pricing_curve(pricing_curve)
    }

    // --- Operators

    /// Takes the caller's node into the pool, and makes the caller a sink of the core, unless it is one: with the routing
    /// capacity by the node's smoothed liquidity, cut to what its stake backs. It is paid from now on.
    ///
    /// # Errors
    ///
    /// * [`PoolNotInitialized`], [`NodeAlreadyInPool`]
    /// * [`TooManyNodes`] without a claim that can be used; [`LessStakeLocked`] if there is not enough more for it by now., [`NotNodeOperator`], [`OperatorAlreadyInPool`]
    /// * What CapacityRegistry reverts with, say if the stake is too small, or BackpressurePool.
    ///
    /// # Events
    ///
    /// * [`NodeJoinedPool`]
    pub fn join_pool(&mut self, node_pubkey: B256) -> Result<(), Error> {
        self.require_initialized()?;
        if self.nodes.contains(node_pubkey) {
            return Err(NodeAlreadyInPool {}.into());
        }
        let operator = self.vm().msg_sender();
        let node = self.node(node_pubkey)?;
        if node.operator != operator {
            return Err(NotNodeOperator {}.into());
        }
        let own = self.nodes_of.get(operator);
        if !own.is_zero() {
            return Err(OperatorAlreadyInPool { nodePubkey: own }.into());
        }
        if self.is_full() {
            self.use_claim(node_pubkey, operator)?;
        }
        self.nodes.push(node_pubkey);
        self.members.setter(node_pubkey).set(operator);
        self.nodes_of.setter(operator).set(node_pubkey);
        emit!(self.vm(), NodeJoinedPool[node_pubkey, operator]);
        let (id, sink) = (self.task_type_id.get(), operator.into_word());
        if !self.is_sink(operator)? {
            invoke_words::<0>(
                self.vm(),
                self.capacity_registry.get(),
                ISinkRegistrar::registerSinkForCall::SELECTOR,
                &[id, sink, node.capacity.into()],
            )?;
        }
        let selector = IUnitBalancer::rebalanceSinkCall::SELECTOR;
        let pools = self.backpressure_pool.get();
        match invoke_words(self.vm(), pools, selector, &[id, sink]) {
            Ok([]) => Ok(()),
            Err(Revert(data)) if data == IUnitBalancer::WeightedByShares::SELECTOR => Ok(()),
            Err(revert) => Err(revert.into()),
        }
    }

    /// Claims, for the caller's node, the place of the one with the least stake locked in a full pool, if the caller has a tenth
    /// more locked. [`join_pool`](LightningRoutingPool::join_pool) takes it, an epoch later. Again, it starts anew.
    ///
    /// # Errors
    ///
    /// * [`PoolNotFull`], [`NodeAlreadyInPool`], [`NotNodeOperator`], [`LessStakeLocked`]
    ///
    /// # Events
    ///
    /// * [`PlaceClaimed`]
    pub fn claim_place(&mut self, node_pubkey: B256) -> Result<(), Error> {
        if !self.is_full() {
            return Err(PoolNotFull {}.into());
        }
        if self.nodes.contains(node_pubkey) {
            return Err(NodeAlreadyInPool {}.into());
        }
        let operator = self.vm().msg_sender();
        if self.node(node_pubkey)?.operator != operator {
            return Err(NotNodeOperator {}.into());
        }
        let least = self.require_more_than_least(operator)?;
        let from = U256::from(clock::block_timestamp(self.vm()).saturating_add(clock::EPOCH));
        self.claims.setter(node_pubkey).set(from);
        emit!(self.vm(), PlaceClaimed[node_pubkey, least](from));
        Ok(())
    }

    /// Takes a node out of the pool, and its operator out of the core if it is still a sink there: it is paid no longer. For
    /// the operator with whom it joined; for anyone if that one no longer operates it, or is no sink any more.
    ///
    /// # Errors
    ///
    /// * [`NodeNotInPool`], [`NotNodeOperator`]
    /// * What CapacityRegistry reverts with. An operator is never held by that: it may leave the core by itself before.
    ///
    /// # Events
    ///
    /// * [`NodeLeftPool`]
    pub fn leave_pool(&mut self, node_pubkey: B256) -> Result<(), Error> {
        let operator = self.require_member(node_pubkey)?;
        let is_sink = self.is_sink(operator)?;
        if self.vm().msg_sender() != operator
            && is_sink
            && self.node(node_pubkey)?.operator == operator
        {
            return Err(NotNodeOperator {}.into());
        }
        self.remove(node_pubkey, operator);
        if is_sink {
            invoke_words::<0>(
                self.vm(),
                self.capacity_registry.get(),
                ISinkRegistrar::deregisterSinkForCall::SELECTOR,
                &[self.task_type_id.get(), operator.into_word()],
            )?;
        }
        Ok(())
    }

    // --- Anyone

    /// Opens the pool, and creates that of the task type at BackpressurePool if there is none.
    ///
    /// # Errors
    ///
    /// * [`PoolAlreadyInitialized`]
    /// * What BackpressurePool reverts with.
    pub fn initialize_pool(&mut self) -> Result<(), Error> {
        if self.initialized.get() {
            return Err(PoolAlreadyInitialized {}.into());
        }
        self.initialized.set(true);
        if self.get_pool_address()?.is_zero() {
            invoke_words::<0>(
                self.vm(),
                self.backpressure_pool.get(),
                IUnitBalancer::createPoolCall::SELECTOR,
                &[self.task_type_id.get()],
            )?;
        }
        Ok(())
    }

    /// Gives all nodes the units of their capacities at the core.
    ///
    /// # Errors
    ///
    /// * [`PoolNotInitialized`]
    /// * [`InsufficientGas`] if a node may have been refused for want of gas.
    ///
    /// # Events
    ///
    /// * [`RoutingPoolRebalanced`]; [`NodeSkipped`]
    pub fn rebalance(&mut self) -> Result<(), Error> {
        self.rebalance_range(U256::ZERO, U256::MAX)
    }

    /// Does the same for at most `count` nodes, from number `from` on.
    ///
    /// # Errors
    ///
    /// * As [`LightningRoutingPool::rebalance`].
    ///
    /// # Events
    ///
    /// * As [`LightningRoutingPool::rebalance`], of these nodes.
    pub fn rebalance_range(&mut self, from: U256, count: U256) -> Result<(), Error> {
        self.require_initialized()?;
        let (mut balanced, mut sats) = (0_u64, 0_u64);
        for node_pubkey in self.nodes.page(from, count) {
            let operator = self.members.get(node_pubkey);
            if !self.set_units(operator)? {
                emit!(self.vm(), NodeSkipped[node_pubkey]);
                continue;
            }
            balanced = balanced.saturating_add(1);
            let node = self.node(node_pubkey)?;
            if node.operator == operator {
                sats = sats.saturating_add(node.smoothed);
            }
        }
        emit!(self.vm(), RoutingPoolRebalanced[](balanced, sats));
        Ok(())
    }

    /// Notes the fee of a node, for those who follow events.
    ///
    /// # Errors
    ///
    /// * [`NodeNotInPool`]
    /// * What the pricing curve reverts with.
    ///
    /// # Events
    ///
    /// * [`RoutingFeeUpdated`] if it is another than when it was noted last.
    pub fn update_routing_fee(&mut self, node_pubkey: B256) -> Result<(), Error> {
        let fee = self.get_routing_fee(node_pubkey)?;
        if self.fees.replace(node_pubkey, fee) != fee {
            emit!(self.vm(), RoutingFeeUpdated[node_pubkey](fee));
        }
        Ok(())
    }

    // --- Owner

    /// Makes fees follow `pricing_curve`; there are none, if zero.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`PricingCurveSet`]
    pub fn set_pricing_curve(&mut self, pricing_curve: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.store_pricing_curve(pricing_curve)
    }

    // --- Views

    /// The best `max_nodes` nodes, 10 at most, for a payment of `amount_sats`: those that carry some of it, the highest score
    /// first; how much of it each carries, in basis points, rounded down; and what each charges, see
    /// [`LightningRoutingPool::get_routing_fee`]. As long as none is full, that is in proportion to scores.
    ///
    /// Nodes without liquidity, and those that the oracle no longer knows, are not chosen.
    ///
    /// # Returns
    ///
    /// * `nodePubkeys`
    /// * `allocations`
    /// * `fees`
    ///
    /// # Errors
    ///
    /// * What the pricing curve reverts with.
    pub fn get_optimal_route(&self, amount_sats: U256, max_nodes: U256) -> Result<Route, Error> {
        self.route(amount_sats, max_nodes, |hops| {
            route::basis_points(amount_sats, hops)
        })
    }

    /// As [`LightningRoutingPool::get_optimal_route`], but how many sats each carries. If they cannot carry it all, the
    /// allocations sum to what they can.
    ///
    /// # Returns
    ///
    /// * `nodePubkeys`
    /// * `allocations`
    /// * `fees`
    ///
    /// # Errors
    ///
    /// * What the pricing curve reverts with.
    pub fn get_route_in_sats(&self, amount_sats: U256, max_nodes: U256) -> Result<Route, Error> {
        self.route(amount_sats, max_nodes, |hops| {
            hops.iter().map(Hop::carried).collect()
        })
    }

    /// What the node charges now for a capacity unit of work, in payment-token wei: its operator's price by the pricing curve,
    /// zero if there is none. The largest number there is, if the operator has no capacity at the core.
    ///
    /// # Errors
    ///
    /// * [`NodeNotInPool`]
    /// * What the pricing curve reverts with.
    pub fn get_routing_fee(&self, node_pubkey: B256) -> Result<U256, Error> {
        let operator = self.require_member(node_pubkey)?;
        self.fee_of(operator)
    }

    /// The node's fee when it was noted last; zero if it never was.
    pub fn get_noted_fee(&self, node_pubkey: B256) -> U256 {
        self.fees.get(node_pubkey)
    }

    /// At most `count` nodes, from number `from` on. When a node leaves, the last one takes its place.
    pub fn get_nodes_page(&self, from: U256, count: U256) -> Vec<B256> {
        self.nodes.page(from, count)
    }

    /// How many nodes are in the pool.
    pub fn node_count(&self) -> U256 {
        U256::from(self.nodes.len())
    }

    /// Whether the node is in the pool.
    pub fn is_node_in_pool(&self, node_pubkey: B256) -> bool {
        self.nodes.contains(node_pubkey)
    }

    /// With whom the node is in the pool; zero if it is not.
    pub fn get_member(&self, node_pubkey: B256) -> Address {
        self.members.get(node_pubkey)
    }

    /// From when on the node's claim to a place can be used, for a day, in seconds since 1970; zero if it has none.
    pub fn get_claim(&self, node_pubkey: B256) -> U256 {
        self.claims.get(node_pubkey)
    }

    /// Superfluid's pool of the task type; zero if there is none.
    ///
    /// # Errors
    ///
    /// * What BackpressurePool reverts with.
    pub fn get_pool_address(&self) -> Result<Address, Error> {
        let selector = IUnitBalancer::getPoolCall::SELECTOR;
        let pool = self.backpressure_pool.get();
        let [pool] = query_words(self.vm(), pool, selector, &[self.task_type_id.get()])?;
        Ok(to_address(pool))
    }

    /// Whether nodes can join.
    pub fn pool_initialized(&self) -> bool {
        self.initialized.get()
    }

    /// Whose pool pays.
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where operators are sinks.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Who knows the nodes.
    pub fn lightning_oracle(&self) -> Address {
        self.lightning_oracle.get()
    }

    /// Whose prices are fees; zero if nobody's.
    pub fn pricing_curve(&self) -> Address {
        self.pricing_curve.get()
    }

    /// The task type that Lightning is at the registry.
    #[selector(name = "LIGHTNING_TASK_TYPE_ID")]
    pub fn lightning_task_type_id(&self) -> B256 {
        self.task_type_id.get()
    }

    /// Nodes in the pool at most.
    #[selector(name = "MAX_NODES")]
    pub fn max_nodes(&self) -> U256 {
        U256::from(MAX_NODES)
    }

    /// Nodes of a route at most.
    #[selector(name = "MAX_ROUTE_NODES")]
    pub fn max_route_nodes(&self) -> U256 {
        U256::from(MAX_ROUTE_NODES)
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }
}

impl LightningRoutingPool {
    fn route(
        &self,
        amount_sats: U256,
        max_nodes: U256,
        allocations: impl FnOnce(&[Hop]) -> Vec<u64>,
    ) -> Result<Route, Error> {
        let most = max_nodes.saturating_to::<usize>().min(MAX_ROUTE_NODES);
        let (mut members, mut hops): (Vec<(B256, Address)>, Vec<Hop>) = Default::default();
        for node_pubkey in self.nodes.all() {
            let operator = self.members.get(node_pubkey);
            let node = self.node(node_pubkey)?;
            let hop = Hop {
                capacity: node.smoothed,
                score: score(node.smoothed, node.pending),
                allocation: None,
            };
            if node.operator != operator || hop.score == 0 {
                continue;
            }
            let is_worse = hops.iter().position(|other| other.score < hop.score);
            let place = is_worse.unwrap_or(hops.len());
            members.insert(place, (node_pubkey, operator));
            hops.insert(place, hop);
            members.truncate(most);
            hops.truncate(most);
        }
        allocate(amount_sats, &mut hops);
        let (mut nodes, mut parts, mut fees) = (vec![], vec![], vec![]);
        for ((node_pubkey, operator), part) in members.into_iter().zip(allocations(&hops)) {
            if part > 0 {
                nodes.push(node_pubkey);
                parts.push(U256::from(part));
                fees.push(self.fee_of(operator)?);
            }
        }
        Ok(Returns((nodes, parts, fees)))
    }

    fn is_full(&self) -> bool {
        self.nodes.len() >= MAX_NODES
    }

    /// Takes a node off the list.
    fn remove(&mut self, node_pubkey: B256, operator: Address) {
        self.nodes.remove(node_pubkey);
        self.members.setter(node_pubkey).set(Address::ZERO);
        self.nodes_of.setter(operator).set(B256::ZERO);
        self.fees.setter(node_pubkey).set(U256::ZERO);
        emit!(self.vm(), NodeLeftPool[node_pubkey, operator]);
    }

    /// Makes room in a full pool by a claim of `operator` that can be used.
    fn use_claim(&mut self, node_pubkey: B256, operator: Address) -> Result<(), Error> {
        let from = self.claims.replace(node_pubkey, U256::ZERO);
        let now = U256::from(clock::block_timestamp(self.vm()));
        let is_usable = !from.is_zero() && now >= from;
        if !is_usable || now > from.saturating_add(U256::from(CLAIM_PERIOD)) {
            return Err(TooManyNodes {}.into());
        }
        let least = self.require_more_than_least(operator)?;
        let displaced = self.members.get(least);
        self.remove(least, displaced);
        Ok(())
    }

    /// The node whose operator has the least stake locked, the last one of such, if `operator` has a tenth more.
    fn require_more_than_least(&self, operator: Address) -> Result<B256, Error> {
        let stakes = IStakeLocks::stakeManagerCall::SELECTOR;
        let [stakes] = query_words(self.vm(), self.capacity_registry.get(), stakes, &[])?;
        let stakes = to_address(stakes);
        let (mut least, mut node) = (U256::MAX, B256::ZERO);
        for other in self.nodes.all() {
            let locked = self.locked(stakes, self.members.get(other))?;
            if locked <= least {
                (least, node) = (locked, other);
            }
        }
        let locked = self.locked(stakes, operator)?;
        let required = least.saturating_add(math::bps_of_floor(least, CLAIM_BPS));
        match locked < required || locked.is_zero() {
            true => Err(LessStakeLocked { locked, required }.into()),
            false => Ok(node),
        }
    }

    /// What `operator` has locked; nothing, if not for Lightning.
    fn locked(&self, stakes: Address, operator: Address) -> Result<U256, Error> {
        if !self.is_sink(operator)? {
            return Ok(U256::ZERO);
        }
        let selector = IStakeLocks::getLockedStakeCall::SELECTOR;
        let [locked] = query_words(self.vm(), stakes, selector, &[operator.into_word()])?;
        Ok(locked)
    }

    /// Gives the operator the units of its capacity; false, if BackpressurePool refuses. It gets [`UNITS_GAS`]; what looks
    /// like having got less counts for no refusal.
    fn set_units(&self, operator: Address) -> Result<bool, InsufficientGas> {
        let request = calldata(
            IUnitBalancer::rebalanceSinkCall::SELECTOR,
            &[self.task_type_id.get(), operator.into_word()],
        );
        let brought = require_gas(self.vm(), UNITS_GAS);
        let pool = self.backpressure_pool.get();
        let is_done = call(self.vm(), pool, &request, UNITS_GAS, 0).success;
        if !is_done {
            brought?;
        }
        Ok(is_done)
    }

    fn node(&self, node_pubkey: B256) -> Result<Node, Revert> {
        let selector = ILightningOracle::getNodeCall::SELECTOR;
        let oracle = self.lightning_oracle.get();
        let [operator, smoothed, pending, capacity] =
            query_words(self.vm(), oracle, selector, &[node_pubkey])?;
        Ok(Node {
            operator: to_address(operator),
            smoothed: smoothed.saturating_to(),
            pending: pending.saturating_to(),
            capacity,
        })
    }

    fn is_sink(&self, operator: Address) -> Result<bool, Revert> {
        let [is_sink] = query_words(
            self.vm(),
            self.capacity_registry.get(),
            ISinkRegistrar::isRegisteredCall::SELECTOR,
            &[self.task_type_id.get(), operator.into_word()],
        )?;
        Ok(!is_sink.is_zero())
    }

    fn fee_of(&self, operator: Address) -> Result<U256, Error> {
        let pricing_curve = self.pricing_curve.get();
        if pricing_curve.is_zero() {
            return Ok(U256::ZERO);
        }
        let [fee] = query_words(
            self.vm(),
            pricing_curve,
            IPriceOracle::getPriceCall::SELECTOR,
            &[self.task_type_id.get(), operator.into_word()],
        )?;
        Ok(fee)
    }

    fn require_initialized(&self) -> Result<(), PoolNotInitialized> {
        match self.initialized.get() {
            true => Ok(()),
            false => Err(PoolNotInitialized {}),
        }
    }

    fn require_member(&self, node_pubkey: B256) -> Result<Address, NodeNotInPool> {
        let operator = self.members.get(node_pubkey);
        match operator.is_zero() {
            true => Err(NodeNotInPool {}),
            false => Ok(operator),
        }
    }

    fn store_pricing_curve(&mut self, pricing_curve: Address) -> Result<(), Error> {
        if !pricing_curve.is_zero() {
            require_contract(self.vm(), pricing_curve)?;
        }
        self.pricing_curve.set(pricing_curve);
        emit!(self.vm(), PricingCurveSet[pricing_curve]);
        Ok(())
    }
}
