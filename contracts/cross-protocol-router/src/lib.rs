//! CrossProtocolRouter: pays over Lightning, Superfluid or the chain itself, whichever suits the payment, in ether or in a token.
//!
//! A payer asks which ways there are ([`get_routes`](CrossProtocolRouter::get_routes)), best first by speed, cost or
//! reliability, picks one and executes it with its money. Each protocol's adapter does the paying.
//!
//! | protocol | latency | success | fee, in wei of what is paid |
//! |---|---|---|---|
//! | 0 Superfluid | 4 s | 9 900 bps | amount / 10 000 |
//! | 1 Lightning | 2 s | 9 500 bps | 1 + amount / 1 000 000 |
//! | 2 on-chain | 12 s | 9 999 bps | amount / 1 000 |
//!
//! | who | may |
//! |---|---|
//! | anyone | ask for routes, execute them with its own money, [`withdraw_credit`](CrossProtocolRouter::withdraw_credit) |
//! | the adapter of a pending payment | report what came of it: [`report_settled`](CrossProtocolRouter::report_settled), [`report_refunded`](CrossProtocolRouter::report_refunded) |
//! | the owner | name the protocols' adapters, for routes to come; [`withdraw_eth`](CrossProtocolRouter::withdraw_eth), [`withdraw_token`](CrossProtocolRouter::withdraw_token): the fees |
//!
//! The owner reaches no payment and no credit: a payment goes to the adapter that its route was offered with, or nowhere, and
//! what is under way ends with the adapter that it began with, whatever the owner names meanwhile.
//! Amounts and fees are in wei of what is paid: of ether, or of the route's token. Latencies are in seconds, probabilities in basis points. Latencies and probabilities are nominal
//! figures of the protocols, not measurements.
//!
//! # What a route is
//!
//! `getRoutes` is a view: nothing here remembers what it offered. A route is its data, from which everything follows:
//!
//! ```text
//! routeData = abi.encode(uint8 protocol, address adapter, address recipient, uint256 amount, uint256 fee,
//!                        uint256 deadline, uint256 offeredAt, address token)
//! routeId   = keccak256(routeData)
//! ```
//!
//! Data whose fee is not the protocol's, or whose `offeredAt` lies ahead, was never offered; any other might have been. A
//! route can be executed until its deadline, for [`ROUTE_VALIDITY`] seconds at most, and while its adapter is the
//! protocol's. It names no payer: whoever sees a route can execute it, with its own money, once, and takes nothing from others
//! who do. Two equal payments at once differ in their deadline.
//!
//! `token` is zero for ether. Only what the adapter says it accepts is offered and executed.
//!
//! # What becomes of a payment
//!
//! ```text
//!                    executeRoute
//! none ──────────────────┬──────────► settled    the adapter has paid
//!                        ├──────────► failed     the adapter reverted: the payer has everything back
//!                        └► pending ─┬► settled  reportSettled
//!                                    └► refunded reportRefunded: the payer has everything back
//! ```
//!
//! There is no other way, and none back. A payment by `payer` is known to adapters by `getPaymentId(routeId, payer)`; `getRoute`
//! says where it stands. A fee is earned when the payment is settled. Of a pending payment the adapter has the money: it alone
//! reports, and who refunds brings the amount. What an adapter does with the money in between is its own word: look at the adapter
//! before you take its route. The three that `bpe deploy` names have no owner.
//!
//! # Tokens
//!
//! The payer approves the router for amount and fee. The adapter gets an allowance of exactly the amount, for the time of its
//! call, and has to take all of it, or revert; anything else reverts the whole transaction ([`AdapterTook`]). A token that keeps
//! a part of transfers is refused ([`TokenTookFee`]). The books are apart for each token, so that a bad one harms no other.
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
mod money;
mod paying;
mod routes;

use alloc::{vec, vec::Vec};
use alloy_primitives::{keccak256, Address, B256, U256, U8};
use bpe_common::{
    call::require_contract, clock, connections, eip712::hash_words, emit, erc20, events::Word,
    ownable::Ownable,
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;
use routes::{terms, Route, BY_RELIABILITY, PROTOCOLS};

/// A route can be executed for so many seconds, if its deadline is no earlier.
pub const ROUTE_VALIDITY: u64 = 300;
/// What an adapter may use to pay. To wrap ether and open a Superfluid stream takes about half of it.
pub const ADAPTER_GAS: u64 = 1_500_000;
/// What a payer may use to take ether back.
pub const REFUND_GAS: u64 = 100_000;
/// What a token may use to give a payer tokens back. A Super Token takes about half of it.
pub const TOKEN_REFUND_GAS: u64 = 400_000;
/// What an adapter may use to say what it accepts.
pub const QUESTION_GAS: u64 = 100_000;
/// As much is kept of what an adapter reverts with.
const REASON_LIMIT: usize = 256;

/// Nothing was ever paid.
pub const NONE: u8 = 0;
/// The adapter has the money, and will report.
pub const PENDING: u8 = 1;
/// The adapter has paid.
pub const SETTLED: u8 = 2;
/// The adapter gave the money back, and the payer has it.
pub const REFUNDED: u8 = 3;
/// The adapter reverted, and the payer kept the money.
pub const FAILED: u8 = 4;

/// A payment. All but the state stays zero unless it was ever pending. Slot 0: payer (160 bits), state (8), protocol (8). Then
/// adapter, token, amount, fee, route_id.
#[storage]
pub struct Payment {
    payer: StorageAddress,
    state: StorageU8,
    protocol: StorageU8,
    adapter: StorageAddress,
    token: StorageAddress,
    amount: StorageU256,
    fee: StorageU256,
    route_id: StorageB256,
}

/// The contract. Slots 0–1: ownership. Then the mappings. Ether is the zero address among the tokens.
///
/// Fees are not counted: they are what is here of a token beyond what is owed.
#[entrypoint]
#[storage]
pub struct CrossProtocolRouter {
    #[borrow]
    ownable: Ownable,
    adapters: StorageMap<U8, StorageAddress>,
    payments: StorageMap<B256, Payment>,
    /// By token: all credits, and the fees of pending payments.
    owed: StorageMap<Address, StorageU256>,
    /// By token and payer.
    credits: StorageMap<Address, StorageMap<Address, StorageU256>>,
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
    /// value, of which what is more comes back; or one of [`CrossProtocolRouter::get_token_routes`], whose amount and fee the
    /// caller has approved.
    ///
    /// # Errors
    ///
    /// * [`RouteNotFound`], [`ProtocolNotAvailable`], [`RouteExpired`], [`InsufficientPayment`], [`RouteAlreadyExecuted`]
    /// * [`UnexpectedEther`], [`TokenTookFee`], [`AdapterTook`], [`erc20::SafeERC20FailedOperation`], in a token
    /// * [`bpe_common::call::InsufficientGas`] if the adapter, or the payer, cannot be given what it may use.
    ///
    /// # Events
    ///
    /// * [`RouteSelected`], and [`RouteExecuted`] or [`RoutePending`]; [`RouteFailed`] if the adapter reverts; [`Credited`] or
    ///   [`TokenCredited`] if the payer cannot take what comes back.
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
        self.withdraw_token_credit(Address::ZERO, recipient)
    }

    /// Sends the caller's credit of `token`, zero for ether, to `recipient`.
    ///
    /// # Errors
    ///
    /// * [`NothingToWithdraw`], [`PaymentRefused`], [`erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`TokenCreditWithdrawn`], or [`CreditWithdrawn`] of ether
    pub fn withdraw_token_credit(
        &mut self,
        token: Address,
        recipient: Address,
    ) -> Result<(), Error> {
        let payer = self.vm().msg_sender();
        let mut credits = self.credits.setter(token);
        let amount = credits.replace(payer, U256::ZERO);
        self.owe_less(token, amount);
        match token.is_zero() {
            true => emit!(self.vm(), CreditWithdrawn[payer, recipient](amount)),
            false => emit!(
                self.vm(),
                TokenCreditWithdrawn[token, payer, recipient](amount)
            ),
        }
        self.send(token, recipient, amount)
    }

    // --- Adapters

    /// Says that a pending payment has been made: its fee is earned.
    ///
    /// # Errors
    ///
    /// * [`NotPending`], [`OnlyAdapter`] unless the adapter calls that the payment began with.
    ///
    /// # Events
    ///
    /// * [`RouteExecuted`]
    pub fn report_settled(&mut self, payment_id: B256) -> Result<(), Error> {
        self.finish(payment_id, SETTLED)?;
        Ok(())
    }

    /// Gives a pending payment back: all of its amount, as the call's value, or in tokens, for which the adapter has approved the
    /// router. The payer gets it, and the fee; if he cannot take it, it is his credit.
    ///
    /// # Errors
    ///
    /// * [`NotPending`], [`OnlyAdapter`] unless the adapter calls that the payment began with.
    /// * [`WrongRefund`], [`UnexpectedEther`], [`TokenTookFee`], [`erc20::SafeERC20FailedOperation`]
    /// * [`bpe_common::call::InsufficientGas`] if the payer cannot be given what he may use.
    ///
    /// # Events
    ///
    /// * [`RouteExecuted`], [`RouteRefunded`]; [`Credited`] or [`TokenCredited`]
    #[payable]
    pub fn report_refunded(&mut self, payment_id: B256) -> Result<(), Error> {
        self.refund(payment_id)
    }

    // --- Owner

    /// Sets the adapter that pays over the protocol (0 Superfluid, 1 Lightning, 2 on-chain), for routes to come; zero for none.
    /// Routes that were offered with the one before are void, unless they are executed already: the one before ends what it began.
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
            // What comes in is in this token. Nobody shall connect the router to pools of theirs.
            let token = self.token_of(adapter);
            connections::forbid(self.vm(), token);
        }
        self.adapters.setter(U8::from(protocol)).set(adapter);
        emit!(self.vm(), ProtocolRegistered[](protocol, adapter));
        Ok(())
    }

    /// Sends the fees that have been earned in ether to the owner. Credits and fees of pending payments stay.
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
        self.send(Address::ZERO, owner, amount)
    }

    /// Sends the fees that have been earned in `token` to the owner. Credits and fees of pending payments stay.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`NothingToWithdraw`], [`erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`TokenFeesWithdrawn`]
    pub fn withdraw_token(&mut self, token: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let (owner, amount) = (self.ownable.owner(), self.earned_token_fees(token)?);
        emit!(self.vm(), TokenFeesWithdrawn[token, owner](amount));
        self.send(token, owner, amount)
    }

    // --- Anyone

    /// Disconnects this contract from a pool of Superfluid, to which somebody connected it before `token` was an adapter's.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, token: Address, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), token, pool)?)
    }

    // --- Views

    /// The ways to pay as requested, in ether, that are available now for at most `maxFee`, best first: by `estimatedLatency`,
    /// by `estimatedFee`, or by `successProbability`, the highest first.
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
        self.offer(&request, Address::ZERO)
    }

    /// The same of payments in `token`, in which amounts and fees are then; zero for ether.
    ///
    /// # Returns
    ///
    /// * `recommendations`
    ///
    /// # Errors
    ///
    /// * As [`CrossProtocolRouter::get_routes`].
    pub fn get_token_routes(
        &self,
        request: RouteRequest,
        token: Address,
    ) -> Result<Vec<RouteRecommendation>, Error> {
        self.offer(&request, token)
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
        self.get_route(route_id, payer).0 != NONE
    }

    /// Where the payment of a route by `payer` stands: 0 none, 1 pending, 2 settled, 3 refunded by the adapter, 4 failed at once.
    /// The others are of payments that are pending, or were: the adapter that has the money, or had it; the token, zero for ether;
    /// amount and fee, in wei of it.
    ///
    /// # Returns
    ///
    /// * `state`
    /// * `adapter`
    /// * `token`
    /// * `amount`
    /// * `fee`
    pub fn get_route(&self, route_id: B256, payer: Address) -> (u8, Address, Address, U256, U256) {
        let payment = self.payments.getter(self.get_payment_id(route_id, payer));
        (
            payment.state.get().wrapping_to(),
            payment.adapter.get(),
            payment.token.get(),
            payment.amount.get(),
            payment.fee.get(),
        )
    }

    /// What `payer` refused to take back, in wei of ether.
    pub fn get_credit(&self, payer: Address) -> U256 {
        self.get_token_credit(Address::ZERO, payer)
    }

    /// What `payer` could not take back of `token`, in its wei.
    pub fn get_token_credit(&self, token: Address, payer: Address) -> U256 {
        self.credits.getter(token).get(payer)
    }

    /// The fees that have been earned in ether and not been withdrawn, in wei.
    pub fn earned_fees(&self) -> U256 {
        let here = self.vm().balance(self.vm().contract_address());
        here.saturating_sub(self.owed.get(Address::ZERO))
    }

    /// The fees that have been earned in `token` and not been withdrawn, in its wei.
    ///
    /// # Errors
    ///
    /// * [`erc20::SafeERC20FailedOperation`] if the token does not say.
    pub fn earned_token_fees(&self, token: Address) -> Result<U256, Error> {
        let here = erc20::balance_of(self.vm(), token, self.vm().contract_address())?;
        Ok(here.saturating_sub(self.owed.get(token)))
    }

    /// A route can be executed for so many seconds, if its deadline is no earlier.
    #[selector(name = "ROUTE_VALIDITY")]
    pub fn route_validity(&self) -> U256 {
        U256::from(ROUTE_VALIDITY)
    }
}

impl CrossProtocolRouter {
    fn offer(
        &self,
        request: &RouteRequest,
        token: Address,
    ) -> Result<Vec<RouteRecommendation>, Error> {
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
            let adapter = self.available(protocol).filter(|_| fee <= request.maxFee);
            let Some(adapter) = adapter.filter(|adapter| self.accepts(*adapter, token)) else {
                continue;
            };
            let route = Route {
                protocol,
                adapter,
                recipient: request.recipient,
                amount: request.amount,
                deadline: request.deadline,
                offered_at: now,
                token,
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
}
