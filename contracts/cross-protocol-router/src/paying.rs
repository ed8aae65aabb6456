//! How a payment is made, and how a pending one ends.

use alloc::vec::Vec;
use alloy_primitives::{keccak256, Address, B256, U256, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{
        call_with_value, calldata, first_words, has_code, require_gas, static_call, to_address,
        Answer,
    },
    clock, emit, erc20,
    events::Word,
    interfaces::IProtocolAdapter,
};
use stylus_sdk::prelude::*;

use super::{
    interface::*, routes::Route, CrossProtocolRouter, ADAPTER_GAS, FAILED, NONE, PENDING,
    QUESTION_GAS, REASON_LIMIT, REFUNDED, SETTLED,
};

/// A payment that has begun.
struct Begun {
    payment_id: B256,
    route_id: B256,
    payer: Address,
    fee: U256,
}

impl CrossProtocolRouter {
    pub(super) fn execute(
        &mut self,
        route_id: B256,
        data: &[u8],
        payment_data: Vec<u8>,
    ) -> Result<(), Error> {
        let (route, fee) = Route::decode(data)
            .filter(|_| keccak256(data) == route_id)
            .ok_or(RouteNotFound {})?;
        let now = U256::from(clock::block_timestamp(self.vm()));
        if route.offered_at > now {
            return Err(RouteNotFound {}.into());
        }
        if self.available(route.protocol) != Some(route.adapter)
            || !self.accepts(route.adapter, route.token)
        {
            return Err(ProtocolNotAvailable {}.into());
        }
        if now > route.expiry() {
            return Err(RouteExpired {}.into());
        }
        let payer = self.vm().msg_sender();
        // What does not fit into 256 bits, nobody has.
        let price = route
            .amount
            .checked_add(fee)
            .ok_or(InsufficientPayment {})?;
        let payment_id = self.get_payment_id(route_id, payer);
        let state = self.payments.getter(payment_id).state.get();
        if state != U8::from(NONE) {
            return Err(RouteAlreadyExecuted {}.into());
        }
        // Nobody comes a second time, whatever those do who are called now.
        self.set_state(payment_id, FAILED);
        let change = self.take(route.token, payer, price)?;
        emit!(
            self.vm(),
            RouteSelected[route_id, payer, route.recipient](route.protocol, route.amount, fee)
        );
        let answer = self.pay(&route, payment_id, payment_data)?;
        let begun = Begun {
            payment_id,
            route_id,
            payer,
            fee,
        };
        self.note(&route, &begun, answer)?;
        let back = match self.payments.getter(payment_id).state.get() == U8::from(FAILED) {
            true => price.saturating_add(change),
            false => change,
        };
        self.give_back(route.token, payer, back)
    }

    /// Takes what the route costs, and returns what came along beyond that.
    fn take(&mut self, token: Address, payer: Address, price: U256) -> Result<U256, Error> {
        if token.is_zero() {
            let change = self.vm().msg_value().checked_sub(price);
            return Ok(change.ok_or(InsufficientPayment {})?);
        }
        self.pull(token, payer, price)?;
        Ok(U256::ZERO)
    }

    /// Has the adapter pay. It has taken all of the amount, or nothing.
    fn pay(
        &mut self,
        route: &Route,
        payment_id: B256,
        payment_data: Vec<u8>,
    ) -> Result<Answer, Error> {
        let payment = IProtocolAdapter::executeCall {
            paymentId: payment_id,
            recipient: route.recipient,
            amount: route.amount,
            data: payment_data.into(),
        };
        let payment = payment.abi_encode();
        let (adapter, token) = (route.adapter, route.token);
        if token.is_zero() {
            require_gas(self.vm(), ADAPTER_GAS)?;
            return Ok(self.ask_to_pay(adapter, route.amount, &payment));
        }
        let this = self.vm().contract_address();
        erc20::approve(self.vm(), token, adapter, route.amount)?;
        let before = erc20::balance_of(self.vm(), token, this)?;
        require_gas(self.vm(), ADAPTER_GAS)?;
        let answer = self.ask_to_pay(adapter, U256::ZERO, &payment);
        // Whatever the token made of it: nothing is left to take of what others have here.
        erc20::approve(self.vm(), token, adapter, U256::ZERO)?;
        let taken = before.saturating_sub(erc20::balance_of(self.vm(), token, this)?);
        let due = match answer.success {
            true => route.amount,
            false => U256::ZERO,
        };
        match taken == due {
            true => Ok(answer),
            false => Err(AdapterTook {
                adapter,
                taken,
                due,
            }
            .into()),
        }
    }

    fn ask_to_pay(&self, adapter: Address, value: U256, payment: &[u8]) -> Answer {
        call_with_value(
            self.vm(),
            adapter,
            value,
            payment,
            ADAPTER_GAS,
            REASON_LIMIT,
        )
    }

    /// Writes down what came of it at once.
    fn note(&mut self, route: &Route, begun: &Begun, answer: Answer) -> Result<(), Error> {
        let Begun {
            payment_id,
            route_id,
            payer,
            fee,
        } = *begun;
        let protocol = route.protocol;
        if !answer.success {
            emit!(self.vm(), RouteExecuted[route_id](protocol, false));
            log(
                self.vm(),
                RouteFailed {
                    routeId: route_id,
                    sender: payer,
                    reason: answer.data.into(),
                },
            );
            return Ok(());
        }
        let outcome = first_words(&answer.data).map(|[word]| word);
        if outcome != Some(PENDING.word()) {
            self.set_state(payment_id, SETTLED);
            emit!(self.vm(), RouteExecuted[route_id](protocol, true));
            return Ok(());
        }
        // Not earned yet.
        self.owe_more(route.token, fee);
        let mut payment = self.payments.setter(payment_id);
        payment.payer.set(payer);
        payment.state.set(U8::from(PENDING));
        payment.protocol.set(U8::from(protocol));
        payment.adapter.set(route.adapter);
        payment.token.set(route.token);
        payment.amount.set(route.amount);
        payment.fee.set(fee);
        payment.route_id.set(route_id);
        emit!(
            self.vm(),
            RoutePending[route_id, payer](payment_id, route.adapter)
        );
        Ok(())
    }

    /// Ends a pending payment, as its adapter says, and returns its route. Its fee is nobody else's any more.
    pub(super) fn finish(&mut self, payment_id: B256, state: u8) -> Result<B256, Error> {
        let payment = self.payments.getter(payment_id);
        if payment.state.get() != U8::from(PENDING) {
            return Err(NotPending {
                paymentId: payment_id,
            }
            .into());
        }
        let adapter = payment.adapter.get();
        if self.vm().msg_sender() != adapter {
            return Err(OnlyAdapter { adapter }.into());
        }
        let (token, fee) = (payment.token.get(), payment.fee.get());
        let (route_id, protocol) = (payment.route_id.get(), payment.protocol.get());
        self.set_state(payment_id, state);
        self.owe_less(token, fee);
        let protocol = protocol.wrapping_to::<u8>();
        emit!(
            self.vm(),
            RouteExecuted[route_id](protocol, state == SETTLED)
        );
        Ok(route_id)
    }

    pub(super) fn refund(&mut self, payment_id: B256) -> Result<(), Error> {
        let route_id = self.finish(payment_id, REFUNDED)?;
        let payment = self.payments.getter(payment_id);
        let (payer, token) = (payment.payer.get(), payment.token.get());
        let (amount, fee) = (payment.amount.get(), payment.fee.get());
        let value = self.vm().msg_value();
        if !token.is_zero() {
            let adapter = self.vm().msg_sender();
            self.pull(token, adapter, amount)?;
        } else if value != amount {
            return Err(WrongRefund { value, amount }.into());
        }
        // They were one price.
        let price = amount.saturating_add(fee);
        emit!(self.vm(), RouteRefunded[route_id, payer](price));
        self.give_back(token, payer, price)
    }

    fn set_state(&mut self, payment_id: B256, state: u8) {
        let mut payment = self.payments.setter(payment_id);
        payment.state.set(U8::from(state));
    }

    /// The protocol's adapter, if there is a contract.
    pub(super) fn available(&self, protocol: u8) -> Option<Address> {
        let adapter = self.get_protocol_adapter(protocol);
        (!adapter.is_zero() && has_code(self.vm(), adapter)).then_some(adapter)
    }

    /// Whether the adapter says that it pays in `token`, zero for ether.
    pub(super) fn accepts(&self, adapter: Address, token: Address) -> bool {
        let data = calldata(IProtocolAdapter::acceptsCall::SELECTOR, &[token.word()]);
        self.ask(adapter, &data) == Some(true.word())
    }

    /// The token that the adapter pays in besides ether; zero if it does not say.
    pub(super) fn token_of(&self, adapter: Address) -> Address {
        let data = calldata(IProtocolAdapter::tokenCall::SELECTOR, &[]);
        self.ask(adapter, &data)
            .map_or(Address::ZERO, |word| to_address(word.into()))
    }

    fn ask(&self, adapter: Address, question: &[u8]) -> Option<B256> {
        let answer = static_call(self.vm(), adapter, question, QUESTION_GAS, 32);
        let word = first_words(&answer.data).filter(|_| answer.success);
        word.map(|[word]| word)
    }
}
