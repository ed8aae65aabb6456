//! LightningCapacityOracle: how much Lightning nodes can route, as their operators attest it.
//!
//! An operator signs its node's aggregate outbound liquidity, not the balance of any channel. Anyone brings that on chain,
//! where it is smoothed for pathfinders to read, and handed to CapacityRegistry, by which BackpressurePool pays.
//!
//! | who | may |
//! |---|---|
//! | whoever has the stake of a sink | register a node, one each |
//! | a node's operator | deregister it |
//! | anyone | submit what operators have signed, and bring to the core what grew old; deregister a node whose operator's stake is no longer locked or too small |
//! | the owner | set how many sats make a capacity unit, and the half-life of attestations |
//!
//! Liquidity is in sats, capacities are in units of 1e-9, times in seconds since 1970. Blocks are L1 blocks.
//!
//! # Sats against stake
//!
//! The core measures all task types in capacity units, of which a stake backs so many. Sats have their own scale against
//! them: `satsPerUnit` sats are one unit. What the core is told of a node is its *routing capacity*
//!
//! `outbound sats · 1e9 / satsPerUnit / (1 + pending HTLCs)`
//!
//! so that of two nodes with the same liquidity the congested one is paid less. It is told the latest liquidity, not the
//! smoothed one: the core smooths by itself, and cuts to what the stake backs. A new scale counts for every node from its
//! next attestation on.
//!
//! # The way to the core
//!
//! This contract has to be an adapter of the registry, and the creator of the task type has to have capacities attested there
//! (`requireAttestations`), so that nobody declares what it likes. Who operates a node is one sink of the core, so an operator
//! has one node. Registering a node makes its operator that sink, which locks the stake that the core asks for, and the entry
//! lasts as long as the lock. A node that is deregistered here is no sink any more in the same transaction, so nobody is paid
//! for what nobody attests.
//!
//! # Smoothing
//!
//! Each capacity moves the smoothed one by 30 % of the way, the first one from zero, one step a block at most, cut to what the
//! operator's stake backs. Smoothing and nonces belong to the operator, who has staked, and not to the node, whose name is
//! free: to come back with another node is no way around them.
//!
//! # Age
//!
//! What is not renewed is worth less with each whole epoch of 300 s, half of it after a *half-life* of 12 epochs (see
//! [`bpe_common::attestation::decayed`]): no smoothed capacity that is read here is more than that. Anyone brings it to the core
//! by [`refresh`](LightningCapacityOracle::refresh): capacity and units fall to it at once, in the end to nothing.
//!
//! # Whose a node is
//!
//! The node's key itself says who its operator is, at KeyRegistry, by `signmessage`; nobody else registers it. A node whose key
//! has named another operator since can be deregistered by anyone, so that it can be registered anew. A node is known by the x
//! coordinate of its key; the first byte is at KeyRegistry.
//!
//! # What it does not know
//!
//! Whether liquidity is there: that is the operator's word, behind which is its stake.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{borrow::ToOwned, vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U16, U256, U32, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::{self, decayed, is_old, require_signed, update_capacity, Last, HALF_LIFE},
    call::{invoke_words, query_words, require_contract, Revert},
    clock,
    curve::{self, operator_of, KeyNotProven},
    eip712::{hash_words, typed_data_hash, Domain, DomainFields},
    emit,
    interfaces::{ICapacityRegistry, ISinkRegistrar, IStakeRequirement},
    list::IdList,
    math::{self, route::MAX_SATS, CAPACITY_ONE},
    ownable::Ownable,
    packed::widen,
    powers::{self, power},
    returns::Returns,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// The domain of the signatures.
pub const DOMAIN: Domain = Domain {
    name: "Pura-LightningOracle",
    version: "1",
};
/// `keccak256("LightningAttestation(bytes32 nodePubkey,address operator,uint256 outboundCapacitySats,uint256 channelCount,uint256 pendingHTLCs,uint256 timestamp,uint256 nonce)")`
pub const LIGHTNING_ATTESTATION_TYPEHASH: B256 =
    b256!("3f707f731fdc1d21c0a0e19d10e4a348c9f4a94299f3c4130361658f02d12b26");

/// Weight of a new capacity in the smoothed one: α = 0.3.
pub const EWMA_ALPHA_BPS: u64 = 3_000;
/// The most attestations in a batch.
pub const MAX_BATCH: usize = 256;

/// What an operator reported of its node. One slot: smoothed (64 bits), outbound (64), channel_count (32), pending_htlcs
/// (32), smoothed_block (32).
#[storage]
pub struct Report {
    /// In sats.
    smoothed: StorageU64,
    /// What was reported last, in sats.
    outbound: StorageU64,
    channel_count: StorageU32,
    pending_htlcs: StorageU32,
    /// Block in which the capacity was smoothed last. 0 if there never was one above zero.
    smoothed_block: StorageU32,
}

/// The power to say how many sats a unit is, as [`powers::PowerAnnounced`] names it. It is given to nobody in particular.
pub const SCALE: B256 = power("scale");

/// The contract. Slots 0–1: ownership. Slots 2–4: the neighbours, an address each; the last with sats_per_unit. Slot 5:
/// next_sats_per_unit (64 bits), next_from (64), half_life (16). Slot 6: the task type. Slots 7–8: the nodes. Then the mappings.
#[entrypoint]
#[storage]
pub struct LightningCapacityOracle {
    #[borrow]
    ownable: Ownable,
    core_registry: StorageAddress,
    stake_manager: StorageAddress,
    key_registry: StorageAddress,
    /// How many sats a capacity unit is until `next_from`; from then on `next_sats_per_unit`.
    sats_per_unit: StorageU64,
    next_sats_per_unit: StorageU64,
    next_from: StorageU64,
    /// Of what is attested, in epochs.
    half_life: StorageU16,
    task_type_id: StorageB256,
    nodes: IdList,
    /// Who operates a node.
    operators: StorageMap<B256, StorageAddress>,
    /// Which node somebody operates.
    nodes_of: StorageMap<Address, StorageB256>,
    reports: StorageMap<Address, Report>,
    attestations: StorageMap<Address, Last>,
}

/// A list of nodes and their smoothed capacities.
type Nodes = Returns<(Vec<B256>, Vec<U256>)>;

/// What a node's operator says of it, as far as it can be kept.
#[derive(Clone, Copy)]
struct Liquidity {
    outbound: U64,
    channel_count: U32,
    pending_htlcs: U32,
}

#[public]
#[inherit(Ownable)]
impl LightningCapacityOracle {
    /// Sets the contract up: where capacities go, where stakes and proven keys are, which task type Lightning is at the
    /// registry, how many sats make a capacity unit, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`TaskTypeDoesNotExist`], [`InvalidSatsPerUnit`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(
        &mut self,
        core_registry: Address,
        stake_manager: Address,
        key_registry: Address,
        lightning_task_type_id: B256,
        sats_per_unit: U256,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        for neighbour in [core_registry, stake_manager, key_registry] {
            require_contract(self.vm(), neighbour)?;
        }
        self.core_registry.set(core_registry);
        self.stake_manager.set(stake_manager);
        self.key_registry.set(key_registry);
        self.task_type_id.set(lightning_task_type_id);
        // A stand-in for the registry need not answer; one that says no is believed.
        let exists = self.ask_registry(ICapacityRegistry::taskTypeExistsCall::SELECTOR, None);
        if exists == Ok([U256::ZERO]) {
            return Err(TaskTypeDoesNotExist {}.into());
        }
        self.half_life.set(U16::from(HALF_LIFE));
        self.store_scale(sats_per_unit, 0)
    }

    // --- Operators

    /// Registers a node of which the caller is the operator, with `initial_capacity_sats` of outbound liquidity, which count as
    /// what is attested does; more than there are bitcoin count as all of them. Makes the caller a sink of the core, with the
    /// stake that it asks for.
    ///
    /// # Errors
    ///
    /// * [`NodeAlreadyRegistered`], [`OperatorHasNode`], [`InsufficientStake`]
    /// * [`KeyNotProven`] unless the node's key has said at KeyRegistry that the caller is its operator.
    /// * What CapacityRegistry or StakeManager revert with.
    ///
    /// # Events
    ///
    /// * [`LightningNodeRegistered`]
    pub fn register_node(
        &mut self,
        node_pubkey: B256,
        initial_capacity_sats: U256,
    ) -> Result<(), Error> {
        let operator = self.vm().msg_sender();
        if self.nodes.contains(node_pubkey) {
            return Err(NodeAlreadyRegistered {}.into());
        }
        if self.proven_operator(node_pubkey)? != operator {
            return Err(KeyNotProven { key: node_pubkey }.into());
        }
        let own = self.nodes_of.get(operator);
        if !own.is_zero() {
            return Err(OperatorHasNode { nodePubkey: own }.into());
        }
        let (required, available) = self.stake_of(operator)?;
        if available < required {
            return Err(InsufficientStake {
                required,
                available,
            }
            .into());
        }
        self.nodes.push(node_pubkey);
        self.operators.setter(node_pubkey).set(operator);
        self.nodes_of.setter(operator).set(node_pubkey);
        let initial = Liquidity::of(initial_capacity_sats, U256::ZERO, U256::ZERO);
        let cut = self.cut(operator, initial.outbound)?;
        self.reports.setter(operator).record(initial, cut);
        let now = clock::block_timestamp(self.vm());
        self.attestations.setter(operator).touch(now);
        emit!(self.vm(), LightningNodeRegistered[node_pubkey, operator](widen(initial.outbound)));
        match self.is_sink(operator)? {
            true => Ok(()),
            false => {
                let capacity = self.routing_capacity(initial.outbound, U32::ZERO);
                let selector = ISinkRegistrar::registerSinkForCall::SELECTOR;
                self.tell_core(selector, operator, &[capacity.into()])
            }
        }
    }

    /// Forgets a node, and takes its operator out of the core if it is a sink there. For the operator; for anyone if the
    /// operator's stake is no longer locked for it, or no longer what the core asks for, or the key has named another operator.
    /// What was smoothed is remembered.
    ///
    /// # Errors
    ///
    /// * [`NodeNotRegistered`], [`NotOperator`]
    /// * What CapacityRegistry reverts with. An operator is never held by that: it may leave the core by itself before.
    ///
    /// # Events
    ///
    /// * [`LightningNodeDeregistered`]
    pub fn deregister_node(&mut self, node_pubkey: B256) -> Result<(), Error> {
        let operator = self.require_node(node_pubkey)?;
        let is_sink = self.is_sink(operator)?;
        let is_proven = self.proven_operator(node_pubkey)? == operator;
        if self.vm().msg_sender() != operator && is_sink && is_proven {
            let (required, available) = self.stake_of(operator)?;
            if available >= required {
                return Err(NotOperator {}.into());
            }
        }
        self.nodes.remove(node_pubkey);
        self.operators.setter(node_pubkey).set(Address::ZERO);
        self.nodes_of.setter(operator).set(B256::ZERO);
        emit!(self.vm(), LightningNodeDeregistered[node_pubkey, operator]);
        match is_sink {
            true => self.tell_core(
                ISinkRegistrar::deregisterSinkForCall::SELECTOR,
                operator,
                &[],
            ),
            false => Ok(()),
        }
    }

    // --- Anyone

    /// Applies those of the attestations that are good, in their order, and says of the others why they are not. At most
    /// 256. What is refused can be submitted again: its nonce is not used up.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`]
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if an attestation may have been refused for want of gas.
    ///
    /// # Events
    ///
    /// * [`LightningCapacityUpdated`] or [`LightningAttestationRejected`] for each.
    pub fn submit_batch(
        &mut self,
        attestations: Vec<SignedLightningAttestation>,
    ) -> Result<(), Error> {
        if attestations.len() > MAX_BATCH {
            let (length, maximum) = (U256::from(attestations.len()), U256::from(MAX_BATCH));
            return Err(BatchTooLarge { length, maximum }.into());
        }
        let separator = DOMAIN.separator(self.vm());
        for attestation in &attestations {
            let Err(error) = self.apply(attestation, separator) else {
                continue;
            };
            let reason = error.reason().ok_or(error)?.to_owned();
            log(
                self.vm(),
                LightningAttestationRejected {
                    nodePubkey: attestation.nodePubkey,
                    reason,
                },
            );
        }
        Ok(())
    }

    /// Applies one attestation.
    ///
    /// # Errors
    ///
    /// * [`NodeNotRegistered`], [`NotOperator`]
    /// * [`attestation::StaleAttestation`], [`attestation::NonceAlreadyUsed`], [`attestation::InvalidSignature`],
    ///   [`InsufficientGas`](bpe_common::call::InsufficientGas)
    /// * [`bpe_common::signature::Error`] if the signature of an account without code is malformed.
    /// * What CapacityRegistry reverts with.
    ///
    /// # Events
    ///
    /// * [`LightningCapacityUpdated`]
    pub fn submit(&mut self, attestation: SignedLightningAttestation) -> Result<(), Error> {
        let separator = DOMAIN.separator(self.vm());
        self.apply(&attestation, separator)
    }

    /// Brings to the core what the node's last attestation lost by its age: the operator has no more there than it is worth.
    ///
    /// # Errors
    ///
    /// * [`NodeNotRegistered`]; what CapacityRegistry reverts with: `SinkNotRegistered`.
    pub fn refresh(&mut self, node_pubkey: B256) -> Result<(), Error> {
        let operator = self.require_node(node_pubkey)?;
        let report = self.reports.getter(operator);
        let (outbound, pending) = (report.outbound.get(), report.pending_htlcs.get());
        let Some(worth) = self.aged(operator, outbound) else {
            return Ok(());
        };
        let limit = self.routing_capacity(worth, pending);
        let selector = ISinkRegistrar::limitCapacityForCall::SELECTOR;
        self.tell_core(selector, operator, &[limit.into()])
    }

    // --- Owner

    /// Makes what is attested and not renewed worth half after `epochs` epochs of 300 s, 2 to 288; 12 until then.
    ///
    /// # Errors
    ///
    /// * [`InvalidHalfLife`](attestation::InvalidHalfLife), [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`HalfLifeSet`]
    pub fn set_half_life(&mut self, epochs: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let half_life = attestation::half_life(epochs)?;
        self.half_life.set(U16::from(half_life));
        emit!(self.vm(), HalfLifeSet[](epochs));
        Ok(())
    }

    /// Makes `sats_per_unit` sats one capacity unit at the core, for each node from its next attestation on. Until all have
    /// attested anew, they are weighed against each other by different scales. Fewer sats to a unit raise what nodes declare,
    /// and so what they owe: those count after StakeManager's `powerNotice`.
    ///
    /// # Errors
    ///
    /// * [`InvalidSatsPerUnit`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`SatsPerUnitSet`]; [`powers::PowerAnnounced`] besides, if it takes effect later.
    pub fn set_sats_per_unit(&mut self, sats_per_unit: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = match sats_per_unit < self.sats_per_unit() {
            true => powers::notice(self.vm(), self.stake_manager.get())?,
            false => 0,
        };
        self.store_scale(sats_per_unit, notice)
    }

    // --- Views

    /// All nodes, and their smoothed capacities in sats. For long lists: [`LightningCapacityOracle::get_nodes_page`].
    ///
    /// # Returns
    ///
    /// * `pubkeys`
    /// * `capacities`
    pub fn get_all_nodes(&self) -> Nodes {
        self.page(U256::ZERO, U256::MAX)
    }

    /// At most `count` nodes, from number `from` on, and their smoothed capacities in sats. When a node is deregistered, the
    /// last one takes its place.
    ///
    /// # Returns
    ///
    /// * `pubkeys`
    /// * `capacities`
    pub fn get_nodes_page(&self, from: U256, count: U256) -> Nodes {
        self.page(from, count)
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> U256 {
        U256::from(self.nodes.len())
    }

    /// All about a node: its operator; its smoothed capacity in sats, as far as what was reported last is still worth it; its
    /// payments under way; its routing capacity, by the smoothed sats, in the core's units of 1e-9; the outbound sats, and the
    /// channels, that were reported last; and when that was signed, or registered. Zeros if there is no such node.
    ///
    /// # Returns
    ///
    /// * `operator`
    /// * `smoothedSats`
    /// * `pendingHTLCs`
    /// * `capacity`
    /// * `outboundSats`
    /// * `channelCount`
    /// * `timestamp`
    pub fn get_node(&self, node_pubkey: B256) -> (Address, U256, U256, U256, U256, U256, U256) {
        let operator = self.operators.get(node_pubkey);
        let report = self.reports.getter(operator);
        let (smoothed, pending) = (self.smoothed(operator), report.pending_htlcs.get());
        (
            operator,
            widen(smoothed),
            widen(pending),
            self.routing_capacity(smoothed, pending),
            widen(report.outbound.get()),
            widen(report.channel_count.get()),
            self.attestations.getter(operator).timestamp(),
        )
    }

    /// Who operates the node; zero if there is no such node.
    pub fn get_operator(&self, node_pubkey: B256) -> Address {
        self.operators.get(node_pubkey)
    }

    /// The node that `operator` operates; zero if none.
    pub fn get_node_of(&self, operator: Address) -> B256 {
        self.nodes_of.get(operator)
    }

    /// The smoothed capacity of the node in sats, as far as what was reported last is still worth it; zero if there is no such
    /// node.
    pub fn get_smoothed_capacity(&self, node_pubkey: B256) -> U256 {
        widen(self.smoothed(self.operators.get(node_pubkey)))
    }

    /// How many payments the node had under way when it was attested last; zero if there is no such node.
    #[selector(name = "getPendingHTLCs")]
    pub fn get_pending_htlcs(&self, node_pubkey: B256) -> U256 {
        let operator = self.operators.get(node_pubkey);
        widen(self.reports.getter(operator).pending_htlcs.get())
    }

    /// The nonce that was accepted last from `operator`, for whatever node. One more is good.
    pub fn last_nonce(&self, operator: Address) -> U256 {
        self.attestations.getter(operator).nonce()
    }

    /// How many sats make a capacity unit.
    pub fn sats_per_unit(&self) -> U256 {
        widen(self.scale())
    }

    /// How many sats a unit is to be, and from when on, in seconds since 1970; zeros if nothing is announced.
    ///
    /// # Returns
    ///
    /// * `satsPerUnit`
    /// * `from`
    pub fn announced_sats_per_unit(&self) -> (U256, U256) {
        let from = widen(self.next_from.get());
        match powers::is_in_effect(self.vm(), from) {
            true => (U256::ZERO, U256::ZERO),
            false => (widen(self.next_sats_per_unit.get()), from),
        }
    }

    /// After how many epochs of 300 s what is attested and not renewed is worth half.
    pub fn half_life(&self) -> U256 {
        widen(self.half_life.get())
    }

    /// Where capacities go.
    pub fn core_registry(&self) -> Address {
        self.core_registry.get()
    }

    /// Where stakes are.
    pub fn stake_manager(&self) -> Address {
        self.stake_manager.get()
    }

    /// Where keys are proven.
    pub fn key_registry(&self) -> Address {
        self.key_registry.get()
    }

    /// The task type that Lightning is at the registry.
    pub fn lightning_task_type_id(&self) -> B256 {
        self.task_type_id.get()
    }

    /// The same.
    #[selector(name = "LIGHTNING_TASK_TYPE_ID")]
    pub fn lightning_task_type_id_constant(&self) -> B256 {
        self.task_type_id.get()
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

    /// How old what was signed may be, in seconds.
    #[selector(name = "MAX_ATTESTATION_AGE")]
    pub fn max_attestation_age(&self) -> U256 {
        U256::from(attestation::MAX_AGE)
    }

    /// The type hash of an attestation.
    #[selector(name = "LIGHTNING_ATTESTATION_TYPEHASH")]
    pub fn lightning_attestation_typehash(&self) -> B256 {
        LIGHTNING_ATTESTATION_TYPEHASH
    }

    /// Weight of a new capacity in the smoothed one.
    #[selector(name = "EWMA_ALPHA_BPS")]
    pub fn ewma_alpha_bps(&self) -> U256 {
        U256::from(EWMA_ALPHA_BPS)
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }
}

impl LightningCapacityOracle {
    /// Checks an attestation, hands it to the core, and notes it. Nothing is noted of one that is refused.
    ///
    /// It is noted after the calls. That is safe, as nobody can enter a program that is open.
    fn apply(
        &mut self,
        attestation: &SignedLightningAttestation,
        separator: B256,
    ) -> Result<(), Error> {
        let (node, operator) = (attestation.nodePubkey, attestation.operator);
        if self.require_node(node)? != operator {
            return Err(NotOperator {}.into());
        }
        let last = self.attestations.getter(operator);
        let next = last.check(attestation.timestamp, attestation.nonce)?;
        let digest = typed_data_hash(separator, struct_hash(attestation));
        require_signed(self.vm(), operator, digest, &attestation.signature)?;
        let liquidity = Liquidity::of(
            attestation.outboundCapacitySats,
            attestation.channelCount,
            attestation.pendingHTLCs,
        );
        let cut = self.cut(operator, liquidity.outbound)?;
        let capacity = self.routing_capacity(liquidity.outbound, liquidity.pending_htlcs);
        let (registry, id) = (self.core_registry.get(), self.task_type_id.get());
        let timestamp = attestation.timestamp;
        update_capacity(self.vm(), registry, id, operator, capacity, timestamp)?;

        self.attestations.setter(operator).accept(next);
        let smoothed = self.reports.setter(operator).record(liquidity, cut);
        emit!(
            self.vm(),
            LightningCapacityUpdated[node](
                widen(liquidity.outbound),
                widen(liquidity.channel_count),
                widen(liquidity.pending_htlcs),
                widen(smoothed)
            )
        );
        Ok(())
    }

    /// As many of `sats` as the operator's stake backs, rounded down. The products are of 115 and 81 bits at most.
    fn cut(&self, operator: Address, sats: U64) -> Result<U64, Revert> {
        let [cap] = query_words(
            self.vm(),
            self.stake_manager.get(),
            IStakeRequirement::getCapacityCapCall::SELECTOR,
            &[operator.into_word()],
        )?;
        let per_unit: u64 = self.scale().wrapping_to();
        let cap = u128::from(cap.saturating_to::<u64>());
        let backed = cap.saturating_mul(u128::from(per_unit)) / u128::from(CAPACITY_ONE);
        Ok(sats.min(U64::saturating_from(U256::from(backed))))
    }

    /// What `sats` that the operator reported last are still worth, once they are so old that it has no more than that.
    fn aged(&self, operator: Address, sats: U64) -> Option<U64> {
        let now = clock::block_timestamp(self.vm());
        let time = self.attestations.getter(operator).timestamp();
        let (time, half_life) = (time.saturating_to(), self.half_life.get().wrapping_to());
        // At most what it was, so it fits.
        let worth = || U64::wrapping_from(decayed(sats.wrapping_to(), time, now, half_life));
        is_old(time, now).then(worth)
    }

    /// The smoothed capacity of the operator's node, as far as what it reported last is still worth it.
    fn smoothed(&self, operator: Address) -> U64 {
        let report = self.reports.getter(operator);
        let smoothed = report.smoothed.get();
        match self.aged(operator, report.outbound.get()) {
            Some(worth) => smoothed.min(worth),
            None => smoothed,
        }
    }

    /// Who the node's key says its operator is.
    fn proven_operator(&self, node_pubkey: B256) -> Result<Address, Revert> {
        let keys = self.key_registry.get();
        operator_of(self.vm(), keys, curve::LIGHTNING, node_pubkey)
    }

    /// Whether the operator's stake is locked at the core.
    fn is_sink(&self, operator: Address) -> Result<bool, Revert> {
        let selector = ISinkRegistrar::isRegisteredCall::SELECTOR;
        let [is_sink] = self.ask_registry(selector, Some(operator))?;
        Ok(!is_sink.is_zero())
    }

    /// Has the core do something of the operator as a sink.
    fn tell_core(
        &self,
        selector: [u8; 4],
        operator: Address,
        arguments: &[B256],
    ) -> Result<(), Error> {
        let mut words = vec![self.task_type_id.get(), operator.into_word()];
        words.extend_from_slice(arguments);
        let [] = invoke_words(self.vm(), self.core_registry.get(), selector, &words)?;
        Ok(())
    }

    /// `sats · 1e9 / satsPerUnit / (1 + pending)`, in units of 1e-9, rounded down. The products are of 94 and 84 bits at most.
    fn routing_capacity(&self, sats: U64, pending: U32) -> U256 {
        let sats: u64 = sats.wrapping_to();
        let scaled = u128::from(sats).saturating_mul(u128::from(CAPACITY_ONE));
        let (per_unit, pending): (u64, u32) = (self.scale().wrapping_to(), pending.wrapping_to());
        let divisor = u128::from(per_unit).saturating_mul(u128::from(pending).saturating_add(1));
        U256::from(scaled.checked_div(divisor).unwrap_or(0))
    }

    /// The stake that the core asks of `operator` as a sink of Lightning, and that it has.
    fn stake_of(&self, operator: Address) -> Result<(U256, U256), Revert> {
        let [min_stake] = self.ask_registry(ICapacityRegistry::getTaskTypeCall::SELECTOR, None)?;
        let operator = operator.into_word();
        let [required] = query_words(
            self.vm(),
            self.stake_manager.get(),
            IStakeRequirement::requiredStakeCall::SELECTOR,
            &[operator, min_stake.into()],
        )?;
        let [available] = query_words(
            self.vm(),
            self.stake_manager.get(),
            IStakeRequirement::getStakeCall::SELECTOR,
            &[operator],
        )?;
        Ok((required, available))
    }

    /// What the registry says of the task type, or of a sink in it.
    fn ask_registry(&self, selector: [u8; 4], sink: Option<Address>) -> Result<[U256; 1], Revert> {
        let mut arguments = vec![self.task_type_id.get()];
        arguments.extend(sink.map(|sink| sink.into_word()));
        query_words(self.vm(), self.core_registry.get(), selector, &arguments)
    }

    fn require_node(&self, node: B256) -> Result<Address, NodeNotRegistered> {
        let operator = self.operators.get(node);
        match operator.is_zero() {
            true => Err(NodeNotRegistered {}),
            false => Ok(operator),
        }
    }

    fn scale(&self) -> U64 {
        match powers::is_in_effect(self.vm(), widen(self.next_from.get())) {
            true => self.next_sats_per_unit.get(),
            false => self.sats_per_unit.get(),
        }
    }

    fn store_scale(&mut self, sats_per_unit: U256, notice: u64) -> Result<(), Error> {
        if sats_per_unit.is_zero() || sats_per_unit > U256::from(MAX_SATS) {
            return Err(InvalidSatsPerUnit {
                satsPerUnit: sats_per_unit,
            }
            .into());
        }
        let now = self.scale();
        let from = powers::announce(self.vm(), SCALE, Address::ZERO, notice);
        self.sats_per_unit.set(now);
        self.next_sats_per_unit
            .set(U64::wrapping_from(sats_per_unit));
        self.next_from.set(U64::from(from));
        emit!(self.vm(), SatsPerUnitSet[](sats_per_unit));
        Ok(())
    }

    fn page(&self, from: U256, count: U256) -> Nodes {
        let nodes = self.nodes.page(from, count);
        let capacities = nodes
            .iter()
            .map(|node| self.get_smoothed_capacity(*node))
            .collect();
        Returns((nodes, capacities))
    }
}

impl Liquidity {
    /// Cuts off what cannot be: more sats than there are, more channels or payments than 32 bits count.
    fn of(sats: U256, channel_count: U256, pending_htlcs: U256) -> Self {
        Self {
            outbound: U64::wrapping_from(sats.min(U256::from(MAX_SATS))),
            channel_count: U32::from(channel_count.saturating_to::<u32>()),
            pending_htlcs: U32::from(pending_htlcs.saturating_to::<u32>()),
        }
    }
}

impl Report {
    /// Notes what was reported, and smooths the capacity, of which `cut` counts, if that was not done in this block. Returns the
    /// smoothed one.
    fn record(&mut self, liquidity: Liquidity, cut: U64) -> U64 {
        let block = U32::wrapping_from(clock::block_number(self.vm()));
        self.outbound.set(liquidity.outbound);
        self.channel_count.set(liquidity.channel_count);
        self.pending_htlcs.set(liquidity.pending_htlcs);
        let (previous, smoothed_block) = (self.smoothed.get(), self.smoothed_block.get());
        let is_nothing = smoothed_block.is_zero() && liquidity.outbound.is_zero();
        if smoothed_block == block || is_nothing {
            return previous;
        }
        // Between its arguments, so it fits.
        let smoothed = U64::wrapping_from(math::ewma(cut.wrapping_to(), previous.wrapping_to()));
        self.smoothed.set(smoothed);
        self.smoothed_block.set(block);
        smoothed
    }
}

impl Error {
    /// What a batch says of an attestation that was refused; nothing, if the batch has to fail.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NodeNotRegistered(_) => Some("node"),
            Self::NotOperator(_) => Some("operator"),
            Self::Attestation(error) => error.reason(),
            _ => None,
        }
    }
}

fn struct_hash(attestation: &SignedLightningAttestation) -> B256 {
    hash_words(&[
        LIGHTNING_ATTESTATION_TYPEHASH,
        attestation.nodePubkey,
        attestation.operator.into_word(),
        attestation.outboundCapacitySats.into(),
        attestation.channelCount.into(),
        attestation.pendingHTLCs.into(),
        attestation.timestamp.into(),
        attestation.nonce.into(),
    ])
}
