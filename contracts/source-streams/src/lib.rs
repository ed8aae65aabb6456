//! SourceStreams: the Super App that sources stream to.
//!
//! A source has one flow of Superfluid's constant flow agreement to this contract, however many task types it pays.
//! The contract passes it on, second by second, into their pools. Which pool gets how much, the source says with the flow:
//! `userData` of whatever creates or changes it is `abi.encode(address pool, uint256 flowRate)`, and what was not
//! mentioned stays. StreamGateway does that for sources; Superfluid's own forwarders do as well.
//!
//! | who | may |
//! |---|---|
//! | Superfluid's host | call back when a flow to here was created, changed or ended |
//! | StreamGateway | take a source's credit, to pay it out to that source |
//! | EscrowBuffer | take note of a source's part of the overflow |
//! | anyone | resume a distribution that Superfluid refused; read |
//!
//! There is no owner: nothing here can be set, and nobody can take anything but what is its own.
//!
//! # Solvency
//!
//! At every second no more flows out than in. Allocations of a source never sum to more than its flow, in the same
//! transaction in which that changes: a flow that shrinks shrinks all its source's allocations in proportion, a flow that
//! ends, by whoever's hand, ends them. A flow above its allocations is the source's credit, growing by the second.
//!
//! Superfluid asks a distributor for a deposit of four hours of the distribution. Each source brings the deposit of each of
//! its allocations (its allowance, when the flow is set), and gets it back as credit. Deposits of sums are at most sums of
//! deposits, and what a pool really distributes is at most what was asked for, so deposits always suffice; should
//! governance raise them, the distribution into that pool stops; [`resume`](SourceStreams::resume) starts it again, and so
//! does a source that streams more into it. What flowed in for it meanwhile stays here, as a reserve.
//!
//! # Callbacks
//!
//! Superfluid jails an app whose callback at the end of a flow reverts, for good. That one therefore decodes nothing that
//! strangers wrote, calls only Superfluid's own contracts, tolerates that they fail, and walks at most
//! [`MAX_TASK_TYPES`] allocations. A Stylus program that is open refuses to be entered, which would be such a revert: so
//! this contract never calls anything that could lead to a flow's end while it is open. It sends no tokens (the receiver's
//! hook could end the receiver's flow): credit is fetched by StreamGateway by allowance. It takes tokens only within a
//! callback, when the host lets nobody else change a flow.
//!
//! # Overflow
//!
//! What a pool's overflow (its member EscrowBuffer) has received is divided among its sources by their rates, by an index
//! per unit of rate as in staking rewards: at every change of a rate, in constant time, a wei at most being lost to rounding
//! for each source. Distributors that are not sources of this contract are not known to it: their overflow counts with the
//! sources', or as nobody's if there are none.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256, U8};
use alloy_sol_types::{sol, SolCall, SolType};
use bpe_common::{
    call::{
        call, invoke, query_words, require_contract, static_call, to_address, NotAContract, Revert,
        ALL_GAS,
    },
    clock, emit,
    erc20::{self, SafeERC20FailedOperation},
    events::Word,
    math,
    packed::{to_u128, widen},
    superfluid::{
        distribution, IConstantFlowAgreementV1, ISuperToken, ISuperfluid, ISuperfluidPool, CFA_V1,
    },
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

sol! {
    /// `source` now streams `flowRate` into `pool`; nothing, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event AllocationSet(address indexed pool, address indexed source, uint256 flowRate);
    /// The flow of `source` to here is now `flowRate`, of which `allocated` is passed on.
    #[derive(Debug, PartialEq, Eq)]
    event InflowSet(address indexed source, uint256 flowRate, uint256 allocated);
    /// Superfluid refused to distribute into `pool`: nothing flows there until it is resumed.
    #[derive(Debug, PartialEq, Eq)]
    event DistributionHalted(address indexed pool);
    /// `flowRate` is distributed into `pool` again.
    #[derive(Debug, PartialEq, Eq)]
    event DistributionResumed(address indexed pool, uint256 flowRate);

    /// `caller` is not the contract that may do this: the host, the gateway, or the escrow.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// Streams are made of another token than `token`, by the constant flow agreement.
    #[derive(Debug, PartialEq, Eq)]
    error UnsupportedStream(address token, address agreementClass);
    /// `pool` is not a pool of BackpressurePool.
    #[derive(Debug, PartialEq, Eq)]
    error UnknownPool(address pool);
    /// A source pays at most `maximum` task types.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyTaskTypes(uint256 maximum);
    /// Allocations of `allocated` are more than the flow of `flowRate`.
    #[derive(Debug, PartialEq, Eq)]
    error FlowRateExceeded(uint256 allocated, uint256 flowRate);
    /// The distribution into `pool` is not halted.
    #[derive(Debug, PartialEq, Eq)]
    error NotHalted(address pool);
}

/// Why a call was refused. [`Error::Revert`] is what Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    UnauthorizedCaller(UnauthorizedCaller),
    UnsupportedStream(UnsupportedStream),
    UnknownPool(UnknownPool),
    TooManyTaskTypes(TooManyTaskTypes),
    FlowRateExceeded(FlowRateExceeded),
    NotAContract(NotAContract),
    NotHalted(NotHalted),
    Token(SafeERC20FailedOperation),
    Revert(Revert),
}

/// So many task types a source pays at most: ending that many distributions takes two thirds of the 3 million gas that
/// Superfluid gives a callback.
pub const MAX_TASK_TYPES: u8 = 4;

/// The app's manifest: a final app (bit 0), no callbacks before agreements change (bits 32, 34, 36).
const MANIFEST: u64 = 1 | 1 << 32 | 1 << 34 | 1 << 36;

/// Scale of the overflow index: wei per wei per second, in units of 2^-96.
const INDEX_BITS: usize = 96;

type StorageRate = StorageUint<96, 2>;

/// What streams into a pool from here. Slot 0: rate (96 bits), known (8), halted (8). Slot 1: index. Slot 2: received (128),
/// unclaimed (128).
#[storage]
pub struct Outflow {
    /// Sum of its sources' allocations.
    rate: StorageRate,
    known: StorageBool,
    halted: StorageBool,
    /// Overflow per unit of rate, since ever.
    index: StorageU256,
    /// What the escrow had received from the pool when the index was reckoned.
    received: StorageU128,
    /// Overflow of times without sources.
    unclaimed: StorageU128,
}

/// A source. Slot 0: inflow (96), allocated (96), since (40), count (8): what every callback reads and writes. Slot 1: credit.
#[storage]
pub struct Source {
    inflow: StorageRate,
    allocated: StorageRate,
    /// When the credit was reckoned.
    since: StorageUint<40, 1>,
    count: StorageU8,
    credit: StorageU128,
}

/// What a source streams into a pool. Slot 0: rate (96), deposit (128), place (8). Slot 1: index. Slot 2: overflow.
#[storage]
pub struct Allocation {
    rate: StorageRate,
    deposit: StorageU128,
    /// Place in the source's list, from 1; 0 if it is not there.
    place: StorageU8,
    /// The pool's index when `overflow` was reckoned.
    index: StorageU256,
    /// The source's part of the overflow that the escrow has not booked yet.
    overflow: StorageU128,
}

/// The contract. Slots 0–6: the neighbours, an address each. Then the mappings.
#[entrypoint]
#[storage]
pub struct SourceStreams {
    host: StorageAddress,
    token: StorageAddress,
    cfa: StorageAddress,
    gda: StorageAddress,
    pool_admin: StorageAddress,
    gateway: StorageAddress,
    escrow: StorageAddress,
    outflows: StorageMap<Address, Outflow>,
    sources: StorageMap<Address, Source>,
    /// The pools that a source pays, by place − 1.
    source_pools: StorageMap<Address, StorageMap<U8, StorageAddress>>,
    /// By pool, then source.
    allocations: StorageMap<Address, StorageMap<Address, Allocation>>,
}

#[public]
impl SourceStreams {
    /// Registers the contract as a Super App for streams of `super_token` into pools whose admin is `backpressure_pool`.
    /// `registration_key` is for hosts that let only apps with a key register; empty otherwise.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`]; what Superfluid's host reverts with.
    #[constructor]
    pub fn constructor(
        &mut self,
        gda: Address,
        super_token: Address,
        backpressure_pool: Address,
        escrow_buffer: Address,
        stream_gateway: Address,
        registration_key: String,
    ) -> Result<(), Error> {
        for neighbour in [
            gda,
            super_token,
            backpressure_pool,
            escrow_buffer,
            stream_gateway,
        ] {
            require_contract(self.vm(), neighbour)?;
        }
        let [host] = query_words(
            self.vm(),
            super_token,
            ISuperToken::getHostCall::SELECTOR,
            &[],
        )?;
        let host = to_address(host);
        let selector = ISuperfluid::getAgreementClassCall::SELECTOR;
        let [cfa] = query_words(self.vm(), host, selector, &[CFA_V1])?;
        self.host.set(host);
        self.token.set(super_token);
        self.cfa.set(to_address(cfa));
        self.gda.set(gda);
        self.pool_admin.set(backpressure_pool);
        self.gateway.set(stream_gateway);
        self.escrow.set(escrow_buffer);
        erc20::approve_all(self.vm(), super_token, stream_gateway)?;
        let config_word = U256::from(MANIFEST);
        match registration_key.is_empty() {
            true => invoke(
                self.vm(),
                host,
                &ISuperfluid::registerAppCall {
                    configWord: config_word,
                },
            )
            .map(|_| ())?,
            false => invoke(
                self.vm(),
                host,
                &ISuperfluid::registerAppWithKeyCall {
                    configWord: config_word,
                    registrationKey: registration_key,
                },
            )
            .map(|_| ())?,
        }
        Ok(())
    }

    // --- Superfluid's host

    /// A source has opened its flow. See `ISuperApp`.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`], [`UnsupportedStream`], [`UnknownPool`], [`FlowRateExceeded`], [`TooManyTaskTypes`]
    /// * [`SafeERC20FailedOperation`] if the deposit cannot be taken; what Superfluid reverts with.
    ///
    /// # Events
    ///
    /// * [`InflowSet`], [`AllocationSet`], [`DistributionResumed`]
    ///
    /// # Returns
    ///
    /// * `newCtx`
    pub fn after_agreement_created(
        &mut self,
        super_token: Address,
        agreement_class: Address,
        _agreement_id: B256,
        agreement_data: Bytes,
        _cbdata: Bytes,
        ctx: Bytes,
    ) -> Result<Bytes, Error> {
        self.on_flow_set(super_token, agreement_class, &agreement_data, ctx)
    }

    /// A source has changed its flow. See `ISuperApp`.
    ///
    /// # Errors
    ///
    /// * As [`SourceStreams::after_agreement_created`].
    ///
    /// # Events
    ///
    /// * [`InflowSet`], [`AllocationSet`], [`DistributionHalted`], [`DistributionResumed`]
    ///
    /// # Returns
    ///
    /// * `newCtx`
    pub fn after_agreement_updated(
        &mut self,
        super_token: Address,
        agreement_class: Address,
        _agreement_id: B256,
        agreement_data: Bytes,
        _cbdata: Bytes,
        ctx: Bytes,
    ) -> Result<Bytes, Error> {
        self.on_flow_set(super_token, agreement_class, &agreement_data, ctx)
    }

    /// A source's flow has ended: deleted by it, or liquidated. Never reverts when the host calls. See `ISuperApp`.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    ///
    /// # Events
    ///
    /// * [`InflowSet`], [`AllocationSet`], [`DistributionHalted`]
    ///
    /// # Returns
    ///
    /// * `newCtx`
    pub fn after_agreement_terminated(
        &mut self,
        super_token: Address,
        agreement_class: Address,
        _agreement_id: B256,
        agreement_data: Bytes,
        _cbdata: Bytes,
        ctx: Bytes,
    ) -> Result<Bytes, Error> {
        self.only(self.host.get())?;
        if !self.is_supported(super_token, agreement_class) {
            return Ok(ctx);
        }
        let source = sender_of(&agreement_data);
        let mut context = ctx.0;
        self.set_inflow(source, 0);
        self.shrink(source, 0, &mut context);
        self.report_inflow(source);
        Ok(Bytes(context))
    }

    // --- StreamGateway, EscrowBuffer, anyone

    /// Hands over the credit of `source`, which the caller pays out to it, and returns how much it is.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    ///
    /// # Returns
    ///
    /// * `amount`
    pub fn take_credit(&mut self, source: Address) -> Result<U256, Error> {
        self.only(self.gateway.get())?;
        self.accrue(source);
        let mut entry = self.sources.setter(source);
        let amount = entry.credit.get();
        entry.credit.set(Uint::ZERO);
        Ok(widen(amount))
    }

    /// Takes note that the escrow books `source`'s part of the overflow of `pool`, and returns how much it is. Source zero:
    /// what overflowed while there was no source.
    ///
    /// # Errors
    ///
    /// * [`UnauthorizedCaller`]
    ///
    /// # Returns
    ///
    /// * `amount`
    pub fn take_overflow(&mut self, pool: Address, source: Address) -> Result<U256, Error> {
        self.only(self.escrow.get())?;
        self.reckon_overflow(pool);
        if source.is_zero() {
            let mut outflow = self.outflows.setter(pool);
            let amount = outflow.unclaimed.get();
            outflow.unclaimed.set(Uint::ZERO);
            return Ok(widen(amount));
        }
        self.reckon_share(pool, source);
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        let amount = allocation.overflow.get();
        allocation.overflow.set(Uint::ZERO);
        Ok(widen(amount))
    }

    /// Starts the distribution into `pool` again, after Superfluid refused it.
    ///
    /// # Errors
    ///
    /// * [`NotHalted`]; what Superfluid reverts with.
    ///
    /// # Events
    ///
    /// * [`DistributionResumed`]
    pub fn resume(&mut self, pool: Address) -> Result<(), Error> {
        if !self.unhalt(pool) {
            return Err(NotHalted { pool }.into());
        }
        let rate = to_u128(self.outflows.getter(pool).rate.get());
        let (host, gda, token) = (self.host.get(), self.gda.get(), self.token.get());
        let here = self.vm().contract_address();
        let request = distribution(gda, token, here, pool, rate, None);
        let answer = call(self.vm(), host, &request, ALL_GAS, usize::MAX);
        if !answer.success {
            return Err(Revert(answer.data).into());
        }
        Ok(())
    }

    // --- Views

    /// What a flow has to become for `source` to stream `flow_rate` into `pool`: what it streams there now, its flow now,
    /// and its flow then.
    ///
    /// # Returns
    ///
    /// * `current`
    /// * `inflow`
    /// * `nextInflow`
    pub fn plan(&self, pool: Address, source: Address, flow_rate: U256) -> (U256, U256, U256) {
        let entry = self.sources.getter(source);
        let current = widen(self.allocations.getter(pool).getter(source).rate.get());
        let rest = widen(entry.allocated.get()).saturating_sub(current);
        (
            current,
            widen(entry.inflow.get()),
            rest.saturating_add(flow_rate),
        )
    }

    /// What `source` streams into `pool`, the deposit that it brought for it, and its part of the overflow that the escrow
    /// has not booked yet, as of the last change of the pool's streams.
    ///
    /// # Returns
    ///
    /// * `flowRate`
    /// * `deposit`
    /// * `overflow`
    pub fn get_allocation(&self, pool: Address, source: Address) -> (U256, U256, U256) {
        let of_pool = self.allocations.getter(pool);
        let allocation = of_pool.getter(source);
        (
            widen(allocation.rate.get()),
            widen(allocation.deposit.get()),
            U256::from(self.share(pool, source)),
        )
    }

    /// The flow of `source` to here, what of it is passed on, and its credit.
    ///
    /// # Returns
    ///
    /// * `inflow`
    /// * `allocated`
    /// * `credit`
    pub fn get_source(&self, source: Address) -> (U256, U256, U256) {
        let entry = self.sources.getter(source);
        (
            widen(entry.inflow.get()),
            widen(entry.allocated.get()),
            U256::from(self.credit(source)),
        )
    }

    /// The pool that `source` pays at `place` in its list, from 0; zero after the end.
    pub fn get_source_pool(&self, source: Address, place: u8) -> Address {
        self.source_pools.getter(source).get(U8::from(place))
    }

    /// What is streamed into `pool` from here, and whether Superfluid refused it.
    ///
    /// # Returns
    ///
    /// * `flowRate`
    /// * `halted`
    pub fn get_outflow(&self, pool: Address) -> (U256, bool) {
        let outflow = self.outflows.getter(pool);
        (widen(outflow.rate.get()), outflow.halted.get())
    }

    /// The deposit that a source brings for a stream of `flow_rate`, in wei.
    pub fn get_deposit(&self, flow_rate: U256) -> Result<U256, Error> {
        let deposit = self.deposit_for(math::to_u128_saturating(flow_rate))?;
        Ok(U256::from(deposit))
    }

    /// The admin of the pools.
    pub fn backpressure_pool(&self) -> Address {
        self.pool_admin.get()
    }

    /// Where overflow goes.
    pub fn escrow_buffer(&self) -> Address {
        self.escrow.get()
    }

    /// The contract that sets flows for sources.
    pub fn stream_gateway(&self) -> Address {
        self.gateway.get()
    }

    /// Superfluid's host.
    pub fn host(&self) -> Address {
        self.host.get()
    }

    /// The Super Token that streams are made of.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }

    /// So many task types a source pays at most.
    #[selector(name = "MAX_TASK_TYPES")]
    pub fn max_task_types(&self) -> U256 {
        U256::from(MAX_TASK_TYPES)
    }
}

impl SourceStreams {
    // --- Flows

    fn on_flow_set(
        &mut self,
        token: Address,
        agreement: Address,
        agreement_data: &[u8],
        ctx: Bytes,
    ) -> Result<Bytes, Error> {
        self.only(self.host.get())?;
        if !self.is_supported(token, agreement) {
            return Err(UnsupportedStream {
                token,
                agreementClass: agreement,
            }
            .into());
        }
        let source = sender_of(agreement_data);
        let inflow = self.flow_of(source)?;
        let mut context = ctx.0;
        let order = self.order(source, &context)?;
        self.set_inflow(source, inflow);
        if let Some((pool, rate)) = order {
            self.follow(source, pool, rate, &mut context)?;
        }
        self.shrink(source, inflow, &mut context);
        self.report_inflow(source);
        Ok(Bytes(context))
    }

    /// Where a source wants which rate to go, if it is the source, or the gateway for it, that set the flow. Another
    /// operator of its flows does not decide that.
    fn order(&self, source: Address, ctx: &[u8]) -> Result<Option<(Address, u128)>, Error> {
        let request = ISuperfluid::decodeCtxCall {
            ctx: ctx.to_vec().into(),
        };
        let context = bpe_common::call::query(self.vm(), self.host.get(), &request)?.context;
        let who = context.msgSender;
        if who != source && who != self.gateway.get() {
            return Ok(None);
        }
        let order = <(sol!(address), sol!(uint256))>::abi_decode_params(&context.userData, true);
        Ok(order
            .ok()
            .map(|(pool, rate)| (pool, math::to_u128_saturating(rate))))
    }

    /// Does as the source wants. The flow has to be enough for it.
    fn follow(
        &mut self,
        source: Address,
        pool: Address,
        rate: u128,
        context: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.know(pool)?;
        let of_pool = self.allocations.getter(pool);
        let before = to_u128(of_pool.getter(source).rate.get());
        let entry = self.sources.getter(source);
        let allocated = to_u128(entry.allocated.get())
            .saturating_sub(before)
            .saturating_add(rate);
        let inflow = to_u128(entry.inflow.get());
        if rate > before && allocated > inflow {
            return Err(FlowRateExceeded {
                allocated: U256::from(allocated),
                flowRate: U256::from(inflow),
            }
            .into());
        }
        self.take_place(source, pool, rate)?;
        self.adjust_deposit(source, pool, rate)?;
        self.set_allocation(source, pool, rate);
        if rate > before {
            // Nobody pays more for nothing: what was halted flows again, or the order fails.
            self.unhalt(pool);
        }
        match self.distribute(pool, context) {
            Ok(()) => Ok(()),
            Err(refusal) if rate > before => Err(refusal.into()),
            Err(_) => {
                self.halt(pool, context);
                Ok(())
            }
        }
    }

    /// Makes the allocations of a source fit into `inflow`: all shrink in proportion. Never fails.
    fn shrink(&mut self, source: Address, inflow: u128, context: &mut Vec<u8>) {
        let allocated = to_u128(self.sources.getter(source).allocated.get());
        if allocated <= inflow {
            return;
        }
        // From the last on, as places of ended allocations are taken by the last.
        for place in (0..self.place_count(source)).rev() {
            let pool = self.get_source_pool(source, place);
            let of_pool = self.allocations.getter(pool);
            let rate = to_u128(of_pool.getter(source).rate.get());
            let rate = math::split::scale(rate, inflow, allocated);
            if rate == 0 {
                self.release_deposit(source, pool);
            }
            self.set_allocation(source, pool, rate);
            if self.distribute(pool, context).is_err() {
                self.halt(pool, context);
            }
        }
    }

    /// Books that `source` streams `rate` into `pool`.
    fn set_allocation(&mut self, source: Address, pool: Address, rate: u128) {
        self.reckon_overflow(pool);
        self.reckon_share(pool, source);
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        let before = to_u128(allocation.rate.get());
        allocation.rate.set(Uint::saturating_from(rate));
        let mut outflow = self.outflows.setter(pool);
        let total = replaced(to_u128(outflow.rate.get()), before, rate);
        outflow.rate.set(Uint::saturating_from(total));
        let mut entry = self.sources.setter(source);
        let allocated = replaced(to_u128(entry.allocated.get()), before, rate);
        entry.allocated.set(Uint::saturating_from(allocated));
        if rate == 0 {
            self.leave_place(source, pool);
        }
        emit!(self.vm(), AllocationSet[pool, source](rate));
    }

    fn set_inflow(&mut self, source: Address, inflow: u128) {
        self.accrue(source);
        let mut entry = self.sources.setter(source);
        entry.inflow.set(Uint::saturating_from(inflow));
    }

    fn report_inflow(&self, source: Address) {
        let entry = self.sources.getter(source);
        let (inflow, allocated) = (widen(entry.inflow.get()), widen(entry.allocated.get()));
        emit!(self.vm(), InflowSet[source](inflow, allocated));
    }

    // --- Distributions

    /// Has the pool distribute what its sources allocate, within the host's context.
    fn distribute(&self, pool: Address, context: &mut Vec<u8>) -> Result<(), Revert> {
        let outflow = self.outflows.getter(pool);
        match outflow.halted.get() {
            true => Ok(()),
            false => self.set_distribution(pool, to_u128(outflow.rate.get()), context),
        }
    }

    /// Ends a distribution that Superfluid will not set to what it should be, so that no more flows out than in.
    fn halt(&mut self, pool: Address, context: &mut Vec<u8>) {
        self.outflows.setter(pool).halted.set(true);
        // Superfluid asks nothing for this. Should it refuse even so, there is nothing left to try.
        let _ = self.set_distribution(pool, 0, context);
        emit!(self.vm(), DistributionHalted[pool]);
    }

    /// Lets the pool be distributed into again, which the caller does next. Returns whether it was halted.
    fn unhalt(&mut self, pool: Address) -> bool {
        let mut outflow = self.outflows.setter(pool);
        if !outflow.halted.get() {
            return false;
        }
        outflow.halted.set(false);
        let rate = to_u128(outflow.rate.get());
        emit!(self.vm(), DistributionResumed[pool](rate));
        true
    }

    fn set_distribution(
        &self,
        pool: Address,
        rate: u128,
        context: &mut Vec<u8>,
    ) -> Result<(), Revert> {
        let (host, gda, token) = (self.host.get(), self.gda.get(), self.token.get());
        let here = self.vm().contract_address();
        let request = distribution(gda, token, here, pool, rate, Some(context));
        let answer = call(self.vm(), host, &request, ALL_GAS, usize::MAX);
        if !answer.success {
            return Err(Revert(answer.data));
        }
        type Returned = (sol!(bytes), sol!(bytes));
        match <Returned as SolType>::abi_decode_params(&answer.data, false) {
            Ok((new_context, _)) => {
                *context = new_context.into();
                Ok(())
            }
            Err(_) => Err(Revert(answer.data)),
        }
    }

    // --- Deposits and credit

    /// Takes what the deposit for `rate` is more than what there is, credit first, or credits what it is less.
    fn adjust_deposit(&mut self, source: Address, pool: Address, rate: u128) -> Result<(), Error> {
        let needed = match rate {
            0 => 0,
            _ => self.deposit_for(rate)?,
        };
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        let before = to_u128(allocation.deposit.get());
        allocation.deposit.set(Uint::from(needed));
        let mut entry = self.sources.setter(source);
        let credit = to_u128(entry.credit.get()).saturating_add(before);
        entry.credit.set(Uint::from(credit.saturating_sub(needed)));
        let missing = needed.saturating_sub(credit);
        if missing > 0 {
            let (token, here) = (self.token.get(), self.vm().contract_address());
            erc20::transfer_from(self.vm(), token, source, here, U256::from(missing))?;
        }
        Ok(())
    }

    fn release_deposit(&mut self, source: Address, pool: Address) {
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        let deposit = to_u128(allocation.deposit.get());
        allocation.deposit.set(Uint::ZERO);
        let mut entry = self.sources.setter(source);
        let credit = to_u128(entry.credit.get()).saturating_add(deposit);
        entry.credit.set(Uint::from(credit));
    }

    /// The credit of a source now: what it has, and what of its flow was not passed on since.
    fn credit(&self, source: Address) -> u128 {
        let entry = self.sources.getter(source);
        let spare = to_u128(entry.inflow.get()).saturating_sub(to_u128(entry.allocated.get()));
        let since: u64 = entry.since.get().wrapping_to();
        let elapsed = clock::block_timestamp(self.vm()).saturating_sub(since);
        let accrued = spare.saturating_mul(u128::from(elapsed));
        to_u128(entry.credit.get()).saturating_add(accrued)
    }

    fn accrue(&mut self, source: Address) {
        let credit = self.credit(source);
        let now = clock::block_timestamp(self.vm());
        let mut entry = self.sources.setter(source);
        entry.credit.set(Uint::from(credit));
        entry.since.set(Uint::wrapping_from(now));
    }

    // --- Overflow

    /// Divides what the escrow received from the pool since last time among its sources, by rate. If the pool will not say,
    /// it is divided next time.
    fn reckon_overflow(&mut self, pool: Address) {
        let received = self.received(pool);
        let mut outflow = self.outflows.setter(pool);
        let before = to_u128(outflow.received.get());
        let Some(amount) = received.and_then(|received| received.checked_sub(before)) else {
            return;
        };
        if amount == 0 {
            return;
        }
        outflow
            .received
            .set(Uint::from(before.saturating_add(amount)));
        let rate = to_u128(outflow.rate.get());
        if rate == 0 {
            let unclaimed = to_u128(outflow.unclaimed.get()).saturating_add(amount);
            outflow.unclaimed.set(Uint::from(unclaimed));
            return;
        }
        let per_rate = per_rate_floor(amount, rate);
        let index = outflow.index.get().wrapping_add(per_rate);
        outflow.index.set(index);
    }

    /// Books a source's part of what was divided.
    fn reckon_share(&mut self, pool: Address, source: Address) {
        let share = self.share(pool, source);
        let index = self.outflows.getter(pool).index.get();
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        allocation.overflow.set(Uint::from(share));
        allocation.index.set(index);
    }

    fn share(&self, pool: Address, source: Address) -> u128 {
        let of_pool = self.allocations.getter(pool);
        let allocation = of_pool.getter(source);
        let index = self.outflows.getter(pool).index.get();
        // An index only grows, and wraps without harm: differences are what counts.
        let grown = index.wrapping_sub(allocation.index.get());
        let share = share_floor(grown, to_u128(allocation.rate.get()));
        to_u128(allocation.overflow.get()).saturating_add(share)
    }

    fn received(&self, pool: Address) -> Option<u128> {
        let request = bpe_common::call::calldata(
            ISuperfluidPool::getTotalAmountReceivedByMemberCall::SELECTOR,
            &[self.escrow.get().word()],
        );
        let answer = static_call(self.vm(), pool, &request, ALL_GAS, 32);
        let word = answer.success.then_some(answer.data)?;
        (word.len() == 32).then(|| math::to_u128_saturating(U256::from_be_slice(&word)))
    }

    // --- The list of a source's pools

    fn place_count(&self, source: Address) -> u8 {
        self.sources.getter(source).count.get().wrapping_to()
    }

    fn take_place(&mut self, source: Address, pool: Address, rate: u128) -> Result<(), Error> {
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        if rate == 0 || !allocation.place.get().is_zero() {
            return Ok(());
        }
        let mut entry = self.sources.setter(source);
        let count: u8 = entry.count.get().wrapping_to();
        if count >= MAX_TASK_TYPES {
            return Err(TooManyTaskTypes {
                maximum: U256::from(MAX_TASK_TYPES),
            }
            .into());
        }
        let place = U8::from(count.saturating_add(1));
        entry.count.set(place);
        allocation.place.set(place);
        let mut pools = self.source_pools.setter(source);
        pools.setter(U8::from(count)).set(pool);
        Ok(())
    }

    /// The last pool of the list takes the place.
    fn leave_place(&mut self, source: Address, pool: Address) {
        let mut of_pool = self.allocations.setter(pool);
        let mut allocation = of_pool.setter(source);
        let place: u8 = allocation.place.get().wrapping_to();
        if place == 0 {
            return;
        }
        allocation.place.set(U8::ZERO);
        let mut entry = self.sources.setter(source);
        let last = entry.count.get().wrapping_to::<u8>().saturating_sub(1);
        entry.count.set(U8::from(last));
        let mut pools = self.source_pools.setter(source);
        let last_pool = pools.get(U8::from(last));
        pools.setter(U8::from(last)).set(Address::ZERO);
        if last_pool != pool {
            pools
                .setter(U8::from(place.saturating_sub(1)))
                .set(last_pool);
            let mut of_last = self.allocations.setter(last_pool);
            of_last.setter(source).place.set(U8::from(place));
        }
    }

    // --- Checks and look-ups

    fn only(&self, who: Address) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        match caller == who {
            true => Ok(()),
            false => Err(UnauthorizedCaller { caller }.into()),
        }
    }

    fn is_supported(&self, token: Address, agreement: Address) -> bool {
        token == self.token.get() && agreement == self.cfa.get()
    }

    /// Accepts pools of BackpressurePool only. What is not a pool at all, the GDA refuses.
    fn know(&mut self, pool: Address) -> Result<(), Error> {
        if self.outflows.getter(pool).known.get() {
            return Ok(());
        }
        let [admin] = query_words(self.vm(), pool, ISuperfluidPool::adminCall::SELECTOR, &[])?;
        if to_address(admin) != self.pool_admin.get() {
            return Err(UnknownPool { pool }.into());
        }
        self.outflows.setter(pool).known.set(true);
        Ok(())
    }

    fn flow_of(&self, source: Address) -> Result<u128, Error> {
        let here = self.vm().contract_address();
        let [_, rate] = query_words(
            self.vm(),
            self.cfa.get(),
            IConstantFlowAgreementV1::getFlowCall::SELECTOR,
            &[self.token.get().word(), source.word(), here.word()],
        )?;
        Ok(math::to_u128_saturating(rate))
    }

    /// The deposit that the GDA asks for a distribution of `rate`: not more than the CFA's for a flow, which it rounds up.
    fn deposit_for(&self, rate: u128) -> Result<u128, Error> {
        let [deposit] = query_words(
            self.vm(),
            self.cfa.get(),
            IConstantFlowAgreementV1::getDepositRequiredForFlowRateCall::SELECTOR,
            &[self.token.get().word(), rate.word()],
        )?;
        Ok(math::to_u128_saturating(deposit))
    }
}

/// The CFA's agreement data: sender, then receiver.
fn sender_of(agreement_data: &[u8]) -> Address {
    let mut words = agreement_data.chunks_exact(32);
    words.next().map_or(Address::ZERO, |word| {
        Address::from_word(B256::from_slice(word))
    })
}

/// `total` with `before` in it replaced by `after`.
fn replaced(total: u128, before: u128, after: u128) -> u128 {
    total.saturating_sub(before).saturating_add(after)
}

/// `amount / rate`, in units of 2^-96.
fn per_rate_floor(amount: u128, rate: u128) -> U256 {
    let scale = U256::from(1) << INDEX_BITS;
    math::mul_div_floor(U256::from(amount), scale, U256::from(rate)).unwrap_or(U256::MAX)
}

/// `grown · rate` of an index that has grown by `grown`.
fn share_floor(grown: U256, rate: u128) -> u128 {
    let scale = U256::from(1) << INDEX_BITS;
    math::mul_div_floor(grown, U256::from(rate), scale).map_or(0, math::to_u128_saturating)
}
