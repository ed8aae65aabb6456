//! CrossProtocolRouter: pays over Lightning, Superfluid or the chain itself, whichever suits the payment.
//!
//! A payer asks which ways there are ([`get_routes`](CrossProtocolRouter::get_routes)), best first by speed, cost or
//! reliability, picks one and executes it with its money. Each protocol's adapter does the paying.
//!
//! | protocol | latency | success | fee, in wei |
//! |---|---|---|---|
//! | 0 Superfluid | 4 s | 9 900 bps | amount / 10 000 |
//! | 1 Lightning | 2 s | 9 500 bps | 1 + amount / 1 000 000 |
//! | 2 on-chain | 12 s | 9 999 bps | amount / 1 000 |
//!
//! | who | may |
//! |---|---|
//! | anyone | ask for routes, execute them with its own money, [`withdraw_credit`](CrossProtocolRouter::withdraw_credit) |
//! | the owner | name the protocols' adapters, [`withdraw_eth`](CrossProtocolRouter::withdraw_eth): the fees |
//!
//! The owner reaches no payment and no credit: a payment goes to the adapter that its route was offered with, or nowhere.
//! Amounts and fees are in wei, latencies in seconds, probabilities in basis points. Latencies and probabilities are nominal
//! figures of the protocols, not measurements.
//!
//! # What a route is
//!
//! `getRoutes` is a view: nothing here remembers what it offered. A route is its data, from which everything follows:
//!
//! ```text
//! routeData = abi.encode(uint8 protocol, address adapter, address recipient, uint256 amount, uint256 fee,
//!                        uint256 deadline, uint256 offeredAt)
//! routeId   = keccak256(routeData)
//! ```
//!
//! Data whose fee is not the protocol's, or whose `offeredAt` lies ahead, was never offered; any other might have been. A
//! route can be executed until its deadline, for [`ROUTE_VALIDITY`] seconds at most, and while its adapter is the
//! protocol's. It names no payer: whoever sees a route can execute it, with its own money, once, and takes nothing from others
//! who do. Two equal payments at once differ in their deadline.
//!
//! # When an adapter fails
//!
//! Then [`RouteFailed`] says why, and the payer has everything back, fee included. If he cannot take it, it is his credit.
//! The adapter gets a fixed allowance of gas, which the caller has to bring: it cannot be made to fail for want of it.
//!
//! # For authors of adapters
//!
//! See `IProtocolAdapter` in [`bpe_common::interfaces`]. What a payer hands over as `paymentData`, the adapter gets as
//! `data`: an invoice, a payment hash. It is checked by nobody else.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{keccak256, Address, B256, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{
        call_with_value, first_words, has_code, require_contract, require_gas, to_address, ALL_GAS,
    },
    clock,
    eip712::hash_words,
    emit,
    events::Word,
    interfaces::IProtocolAdapter,
    ownable::Ownable,
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// A route can be executed for so many seconds, if its deadline is no earlier.
pub const ROUTE_VALIDITY: u64 = 300;
/// What an adapter may use to pay. To wrap ether and open a Superfluid stream takes about half of it.
pub const ADAPTER_GAS: u64 = 1_500_000;
/// What a payer may use to take something back.
pub const REFUND_GAS: u64 = 100_000;
/// As much is kept of what an adapter reverts with.
const REASON_LIMIT: usize = 256;

/// What is said of a protocol: latency in seconds, probability of success in basis points, the fee's fixed part in wei, and
/// what part of the amount the rest of it is.
struct Protocol {
    latency: u64,
    success_bps: u64,
    base_fee: u64,
    fee_divisor: u64,
}

/// The protocols, by number: Superfluid, Lightning, the chain itself.
const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        latency: 4,
        success_bps: 9_900,
        base_fee: 0,
        fee_divisor: 10_000,
    },
    Protocol {
        latency: 2,
        success_bps: 9_500,
        base_fee: 1,
        fee_divisor: 1_000_000,
    },
    Protocol {
        latency: 12,
        success_bps: 9_999,
        base_fee: 0,
        fee_divisor: 1_000,
    },
];

/// What routes are sorted by: see [`RouteRequest`].
const BY_SPEED: u8 = 0;
const BY_COST: u8 = 1;
const BY_RELIABILITY: u8 = 2;

/// What a route's data say, but for the fee, which follows.
#[derive(Clone, Copy)]
struct Route {
    protocol: u8,
    adapter: Address,
    recipient: Address,
    amount: U256,
    deadline: U256,
    offered_at: U256,
}

/// The contract. Slots 0–1: ownership. Slot 2: credited. Then the mappings.
///
/// Fees are not counted: they are what is here beyond the credits.
#[entrypoint]
#[storage]
pub struct CrossProtocolRouter {
    #[borrow]
    ownable: Ownable,
    /// The sum of all credits.
    credited: StorageU256,
    adapters: StorageMap<U8, StorageAddress>,
    /// Ids of payments that were made, or failed.
    payments: StorageMap<B256, StorageBool>,
    credits: StorageMap<Address, StorageU256>,
}

#[public]
#[inherit(Ownable)]
impl CrossProtocolRouter {
    /// Sets the contract up: who owns it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, owner: Address) -> Result<(), Error> {
        Ok(self.ownable.initialize(owner)?)
    }

    // --- Payers

    /// Executes a route that [`CrossProtocolRouter::get_routes`] offered, with at least its amount and fee as the call's
    /// value. What is more comes back.
    ///
    /// # Errors
    ///
    /// * [`RouteNotFound`], [`ProtocolNotAvailable`], [`RouteExpired`], [`InsufficientPayment`], [`RouteAlreadyExecuted`]
    /// * [`InsufficientGas`] if the adapter, or the payer, cannot be given what it may use.
    ///
    /// # Events
    ///
    /// * [`RouteSelected`], [`RouteExecuted`]; [`RouteFailed`] if the adapter reverts; [`Credited`] if the payer refuses
    ///   what comes back.
    #[payable]
    pub fn execute_route(&mut self, route_id: B256, route_data: Bytes) -> Result<(), Error> {
        self.execute(route_id, &route_data, vec![])
    }

    /// Executes a route, and hands `payment_data` to the protocol's adapter: what the protocol needs to know besides, in the
    /// adapter's format.
    ///
    /// # Errors
    ///
    /// * As [`CrossProtocolRouter::execute_route`].
    ///
    /// # Events
    ///
    /// * As [`CrossProtocolRouter::execute_route`].
    #[payable]
    #[selector(name = "executeRoute")]
    pub fn execute_route_with(
        &mut self,
        route_id: B256,
        route_data: Bytes,
        payment_data: Bytes,
    ) -> Result<(), Error> {
        self.execute(route_id, &route_data, payment_data.0)
    }

    /// Sends the caller's credit to `recipient`.
    ///
    /// # Errors
    ///
    /// * [`NothingToWithdraw`], [`PaymentRefused`]
    ///
    /// # Events
    ///
    /// * [`CreditWithdrawn`]
    pub fn withdraw_credit(&mut self, recipient: Address) -> Result<(), Error> {
        let payer = self.vm().msg_sender();
        let amount = self.credits.replace(payer, U256::ZERO);
        let credited = self.credited.get().saturating_sub(amount);
        self.credited.set(credited);
        emit!(self.vm(), CreditWithdrawn[payer, recipient](amount));
        self.send(recipient, amount)
    }

    // --- Owner

    /// Makes `adapter` the one that pays over the protocol (0 Superfluid, 1 Lightning, 2 on-chain); zero for none. Routes that
    /// were offered with the one before are void.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`NotAContract`]
    /// * [`ProtocolNotAvailable`] if there is no such protocol.
    ///
    /// # Events
    ///
    /// * [`ProtocolRegistered`]
    pub fn register_protocol_adapter(
        &mut self,
        protocol: u8,
        adapter: Address,
    ) -> Result<(), Error> {
        self.ownable.only_owner()?;
        terms(protocol)?;
        if !adapter.is_zero() {
            require_contract(self.vm(), adapter)?;
        }
        self.adapters.setter(U8::from(protocol)).set(adapter);
        emit!(self.vm(), ProtocolRegistered[](protocol, adapter));
        Ok(())
    }

    /// Sends the fees that have been earned to the owner. Credits stay.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`NothingToWithdraw`], [`PaymentRefused`]
    ///
    /// # Events
    ///
    /// * [`FeesWithdrawn`]
    #[selector(name = "withdrawETH")]
    pub fn withdraw_eth(&mut self) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let (owner, amount) = (self.ownable.owner(), self.earned_fees());
        emit!(self.vm(), FeesWithdrawn[owner](amount));
        self.send(owner, amount)
    }

    // --- Views

    /// The ways to pay as requested that are available now for at most `maxFee`, best first: by `estimatedLatency`, by
    /// `estimatedFee`, or by `successProbability`, the highest first.
    ///
    /// # Returns
    ///
    /// * `recommendations`
    ///
    /// # Errors
    ///
    /// * [`InvalidRequest`]
    /// * [`RouteExpired`] if the deadline is over.
    pub fn get_routes(&self, request: RouteRequest) -> Result<Vec<RouteRecommendation>, Error> {
        let optimization = request.optimization;
        if request.amount.is_zero() || request.recipient.is_zero() || optimization > BY_RELIABILITY
        {
            return Err(InvalidRequest {}.into());
        }
        let now = U256::from(clock::block_timestamp(self.vm()));
        if now > request.deadline {
            return Err(RouteExpired {}.into());
        }
        let mut routes: Vec<RouteRecommendation> = Vec::with_capacity(PROTOCOLS.len());
        for (protocol, terms) in (0_u8..).zip(&PROTOCOLS) {
            let fee = terms.fee(request.amount);
            let Some(adapter) = self.available(protocol).filter(|_| fee <= request.maxFee) else {
                continue;
            };
            let route = Route {
                protocol,
                adapter,
                recipient: request.recipient,
                amount: request.amount,
                deadline: request.deadline,
                offered_at: now,
            };
            let data = route.encode(fee);
            let route = RouteRecommendation {
                routeId: keccak256(&data),
                protocol,
                estimatedFee: fee,
                estimatedLatency: U256::from(terms.latency),
                successProbability: U256::from(terms.success_bps),
                routeData: data.into(),
            };
            let rank = route.rank(optimization);
            let place = routes
                .iter()
                .take_while(|other| other.rank(optimization) <= rank)
                .count();
            routes.insert(place, route);
        }
        Ok(routes)
    }

    /// Whether the protocol has an adapter.
    pub fn is_protocol_available(&self, protocol: u8) -> bool {
        self.available(protocol).is_some()
    }

    /// The protocol's adapter; zero if it has none.
    pub fn get_protocol_adapter(&self, protocol: u8) -> Address {
        self.adapters.get(U8::from(protocol))
    }

    /// What the protocol's adapter knows the payment of a route by `payer` by.
    pub fn get_payment_id(&self, route_id: B256, payer: Address) -> B256 {
        let (chain, router) = (self.vm().chain_id(), self.vm().contract_address());
        hash_words(&[chain.word(), router.word(), route_id, payer.word()])
    }

    /// Whether `payer` has executed the route, whatever came of it.
    pub fn is_executed(&self, route_id: B256, payer: Address) -> bool {
        self.payments.get(self.get_payment_id(route_id, payer))
    }

    /// What `payer` refused to take back, in wei.
    pub fn get_credit(&self, payer: Address) -> U256 {
        self.credits.get(payer)
    }

    /// The fees that have been earned and not been withdrawn, in wei.
    pub fn earned_fees(&self) -> U256 {
        let here = self.vm().balance(self.vm().contract_address());
        here.saturating_sub(self.credited.get())
    }

    /// A route can be executed for so many seconds, if its deadline is no earlier.
    #[selector(name = "ROUTE_VALIDITY")]
    pub fn route_validity(&self) -> U256 {
        U256::from(ROUTE_VALIDITY)
    }
}

impl CrossProtocolRouter {
    fn execute(&mut self, route_id: B256, data: &[u8], payment_data: Vec<u8>) -> Result<(), Error> {
        let (route, fee) = Route::decode(data)
            .filter(|_| keccak256(data) == route_id)
            .ok_or(RouteNotFound {})?;
        let now = U256::from(clock::block_timestamp(self.vm()));
        if route.offered_at > now {
            return Err(RouteNotFound {}.into());
        }
        let protocol = route.protocol;
        if self.available(protocol) != Some(route.adapter) {
            return Err(ProtocolNotAvailable {}.into());
        }
        if now > route.expiry() {
            return Err(RouteExpired {}.into());
        }
        let (payer, value) = (self.vm().msg_sender(), self.vm().msg_value());
        // What does not fit into 256 bits, nobody has.
        let price = route.amount.checked_add(fee);
        let change = price
            .and_then(|price| value.checked_sub(price))
            .ok_or(InsufficientPayment {})?;
        let payment_id = self.get_payment_id(route_id, payer);
        if self.payments.replace(payment_id, true) {
            return Err(RouteAlreadyExecuted {}.into());
        }
        emit!(
            self.vm(),
            RouteSelected[route_id, payer, route.recipient](protocol, route.amount, fee)
        );

        let payment = IProtocolAdapter::executeCall {
            paymentId: payment_id,
            recipient: route.recipient,
            amount: route.amount,
            data: payment_data.into(),
        };
        require_gas(self.vm(), ADAPTER_GAS)?;
        let answer = call_with_value(
            self.vm(),
            route.adapter,
            route.amount,
            &payment.abi_encode(),
            ADAPTER_GAS,
            REASON_LIMIT,
        );
        emit!(self.vm(), RouteExecuted[route_id](protocol, answer.success));
        if answer.success {
            return self.give_back(payer, change);
        }
        log(
            self.vm(),
            RouteFailed {
                routeId: route_id,
                sender: payer,
                reason: answer.data.into(),
            },
        );
        self.give_back(payer, value)
    }

    fn available(&self, protocol: u8) -> Option<Address> {
        let adapter = self.get_protocol_adapter(protocol);
        (!adapter.is_zero() && has_code(self.vm(), adapter)).then_some(adapter)
    }

    /// Sends `amount` back to the payer, or credits it if he refuses. Credited after the call: nobody can enter a program
    /// that is open.
    fn give_back(&mut self, payer: Address, amount: U256) -> Result<(), Error> {
        if amount.is_zero() {
            return Ok(());
        }
        require_gas(self.vm(), REFUND_GAS)?;
        if call_with_value(self.vm(), payer, amount, &[], REFUND_GAS, 0).success {
            return Ok(());
        }
        // No sum of ether takes 256 bits.
        let credit = self.credits.get(payer).saturating_add(amount);
        self.credits.setter(payer).set(credit);
        let credited = self.credited.get().saturating_add(amount);
        self.credited.set(credited);
        emit!(self.vm(), Credited[payer](amount));
        Ok(())
    }

    fn send(&mut self, recipient: Address, amount: U256) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(NothingToWithdraw {}.into());
        }
        match call_with_value(self.vm(), recipient, amount, &[], ALL_GAS, 0).success {
            true => Ok(()),
            false => Err(PaymentRefused { recipient }.into()),
        }
    }
}

impl Protocol {
    fn fee(&self, amount: U256) -> U256 {
        // Saturates for no amount: the quotient is far from 2^256.
        (amount / U256::from(self.fee_divisor)).saturating_add(U256::from(self.base_fee))
    }
}

fn terms(protocol: u8) -> Result<&'static Protocol, ProtocolNotAvailable> {
    PROTOCOLS
        .get(usize::from(protocol))
        .ok_or(ProtocolNotAvailable {})
}

impl RouteRecommendation {
    /// The lower, the better.
    fn rank(&self, optimization: u8) -> U256 {
        match optimization {
            BY_SPEED => self.estimatedLatency,
            BY_COST => self.estimatedFee,
            _ => !self.successProbability,
        }
    }
}

impl Route {
    fn encode(&self, fee: U256) -> Vec<u8> {
        let words = [
            self.protocol.word(),
            self.adapter.word(),
            self.recipient.word(),
            self.amount.word(),
            fee.word(),
            self.deadline.word(),
            self.offered_at.word(),
        ];
        words.iter().flat_map(|word| word.0).collect()
    }

    /// The route and its fee, if these are the data that would be offered.
    fn decode(data: &[u8]) -> Option<(Self, U256)> {
        let words: [B256; 7] = first_words(data)?;
        let [protocol, adapter, recipient, amount, _, deadline, offered_at] =
            words.map(|word| U256::from_be_bytes(word.0));
        let route = Self {
            protocol: u8::try_from(protocol).ok()?,
            adapter: to_address(adapter),
            recipient: to_address(recipient),
            amount,
            deadline,
            offered_at,
        };
        let fee = terms(route.protocol).ok()?.fee(amount);
        let is_offered = !amount.is_zero() && !route.recipient.is_zero();
        (is_offered && route.encode(fee) == data).then_some((route, fee))
    }

    /// The last second at which it can be executed.
    fn expiry(&self) -> U256 {
        let validity = U256::from(ROUTE_VALIDITY);
        self.offered_at.saturating_add(validity).min(self.deadline)
    }
}
