//! StreamGateway: where sources open, change and end their streams.
//!
//! It manages a source's flow to SourceStreams for it, as the source's flow operator, and only on the source's own call. It
//! is a contract of its own because SourceStreams must not be open while its flows change: Superfluid calls it back then.
//!
//! | who | may |
//! |---|---|
//! | a source | open, change and end its stream to a task type |
//! | anyone | have a source's credit paid out to that source |
//! | the owner | connect SourceStreams, once |
//!
//! Before its first stream a source lets this contract manage its flows (`authorizeFlowOperatorWithFullControl` of the
//! constant flow agreement, or the forwarder's `grantPermissions`), and lets SourceStreams take the deposit of four hours of
//! the stream (`approve` of the Super Token). `batchCall` of Superfluid's host does both and the stream in one transaction.
//!
//! Rates are in wei per second.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{vec, vec::Vec};
use alloy_primitives::{aliases::I96, Address, B256, U256};
use alloy_sol_types::{sol, SolCall};
use bpe_common::{
    call::{
        call, calldata, invoke_words, query_words, require_contract, to_address, NotAContract,
        Revert, ALL_GAS,
    },
    emit,
    erc20::{self, SafeERC20FailedOperation},
    events::Word,
    interfaces::{IBackpressurePool, IOverflowBalancer, ISourceStreams},
    ownable::{self, Ownable},
    packed::widen,
    superfluid::{
        agreement_call, IConstantFlowAgreementV1, ISuperToken, ISuperfluid, ISuperfluidPool, CFA_V1,
    },
};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// `source` now streams `flowRate` to the task type; nothing, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event StreamSet(bytes32 indexed taskTypeId, address indexed source, uint256 flowRate);
    /// The credit of `source` was paid out to it.
    #[derive(Debug, PartialEq, Eq)]
    event CreditWithdrawn(address indexed source, uint256 amount);
    /// Sources stream to `sourceStreams`.
    #[derive(Debug, PartialEq, Eq)]
    event SourceStreamsSet(address indexed sourceStreams);

    /// The task type has no pool.
    #[derive(Debug, PartialEq, Eq)]
    error PoolDoesNotExist();
    /// A stream has a positive rate, not `flowRate`.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidFlowRate(int96 flowRate);
    /// Below `minimum` not one wei per second and unit would flow.
    #[derive(Debug, PartialEq, Eq)]
    error FlowRateTooLow(uint256 flowRate, uint256 minimum);
    /// The source streams to this task type already.
    #[derive(Debug, PartialEq, Eq)]
    error StreamAlreadyExists();
    /// The source does not stream to this task type.
    #[derive(Debug, PartialEq, Eq)]
    error StreamDoesNotExist();
    /// SourceStreams is connected for ever.
    #[derive(Debug, PartialEq, Eq)]
    error SourceStreamsAlreadySet();
    /// SourceStreams is not connected yet.
    #[derive(Debug, PartialEq, Eq)]
    error NoSourceStreams();
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    PoolDoesNotExist(PoolDoesNotExist),
    InvalidFlowRate(InvalidFlowRate),
    FlowRateTooLow(FlowRateTooLow),
    StreamAlreadyExists(StreamAlreadyExists),
    StreamDoesNotExist(StreamDoesNotExist),
    SourceStreamsAlreadySet(SourceStreamsAlreadySet),
    NoSourceStreams(NoSourceStreams),
    NotAContract(NotAContract),
    Token(SafeERC20FailedOperation),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// The contract: ownership in slots 0–1, then the neighbours, an address each.
#[entrypoint]
#[storage]
pub struct StreamGateway {
    #[borrow]
    ownable: Ownable,
    host: StorageAddress,
    cfa: StorageAddress,
    token: StorageAddress,
    pools: StorageAddress,
    streams: StorageAddress,
}

#[public]
#[inherit(Ownable)]
impl StreamGateway {
    /// Sets the contract up for streams of `super_token` into the pools of `backpressure_pool`.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    /// * `MalformedReturn` if `super_token` is no Super Token.
    #[constructor]
    pub fn constructor(
        &mut self,
        super_token: Address,
        backpressure_pool: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), super_token)?;
        require_contract(self.vm(), backpressure_pool)?;
        let [host] = self.ask(super_token, ISuperToken::getHostCall::SELECTOR, &[])?;
        let host = to_address(host);
        let selector = ISuperfluid::getAgreementClassCall::SELECTOR;
        let [cfa] = self.ask(host, selector, &[CFA_V1])?;
        self.host.set(host);
        self.cfa.set(to_address(cfa));
        self.token.set(super_token);
        self.pools.set(backpressure_pool);
        Ok(())
    }

    /// Opens a stream of the caller to a task type, of `flow_rate`. It takes a deposit of four hours of the stream, or
    /// Superfluid's minimum, which comes back when the stream ends; and Superfluid itself another for the caller's flow.
    ///
    /// # Errors
    ///
    /// * [`InvalidFlowRate`], [`FlowRateTooLow`], [`PoolDoesNotExist`], [`NoSourceStreams`], [`StreamAlreadyExists`]
    /// * What Superfluid or SourceStreams revert with.
    ///
    /// # Events
    ///
    /// * [`StreamSet`]
    pub fn create_stream(&mut self, task_type_id: B256, flow_rate: I96) -> Result<(), Error> {
        let (pool, rate) = self.useful_rate(task_type_id, flow_rate)?;
        self.set_stream(task_type_id, pool, rate, false)
    }

    /// Changes the caller's stream to a task type to `flow_rate`. A smaller deposit leaves credit: see
    /// [`StreamGateway::withdraw`].
    ///
    /// # Errors
    ///
    /// * [`InvalidFlowRate`], [`FlowRateTooLow`], [`PoolDoesNotExist`], [`NoSourceStreams`], [`StreamDoesNotExist`]
    /// * What Superfluid or SourceStreams revert with.
    ///
    /// # Events
    ///
    /// * [`StreamSet`]
    pub fn update_stream(&mut self, task_type_id: B256, flow_rate: I96) -> Result<(), Error> {
        let (pool, rate) = self.useful_rate(task_type_id, flow_rate)?;
        self.set_stream(task_type_id, pool, rate, true)
    }

    /// Ends the caller's stream to a task type and returns its deposit.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`NoSourceStreams`], [`StreamDoesNotExist`]
    /// * What Superfluid or SourceStreams revert with.
    ///
    /// # Events
    ///
    /// * [`StreamSet`], [`CreditWithdrawn`]
    pub fn delete_stream(&mut self, task_type_id: B256) -> Result<(), Error> {
        let pool = self.pool_of(task_type_id)?;
        self.set_stream(task_type_id, pool, U256::ZERO, true)?;
        self.withdraw(self.vm().msg_sender())?;
        Ok(())
    }

    /// Sends `source` its credit: deposits of streams that ended, and what of its flow was not passed on. Returns how much
    /// it was.
    ///
    /// # Errors
    ///
    /// * [`NoSourceStreams`]; [`SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`CreditWithdrawn`]
    ///
    /// # Returns
    ///
    /// * `amount`
    pub fn withdraw(&mut self, source: Address) -> Result<U256, Error> {
        let streams = self.require_streams()?;
        let selector = ISourceStreams::takeCreditCall::SELECTOR;
        let [amount] = invoke_words(self.vm(), streams, selector, &[source.word()])?;
        if !amount.is_zero() {
            erc20::transfer_from(self.vm(), self.token.get(), streams, source, amount)?;
            emit!(self.vm(), CreditWithdrawn[source](amount));
        }
        Ok(amount)
    }

    /// Connects the Super App that sources stream to. Once, for ever: another one could keep what flows to it.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`SourceStreamsAlreadySet`], [`NotAContract`]
    ///
    /// # Events
    ///
    /// * [`SourceStreamsSet`]
    pub fn set_source_streams(&mut self, source_streams: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.streams.get().is_zero() {
            return Err(SourceStreamsAlreadySet {}.into());
        }
        require_contract(self.vm(), source_streams)?;
        self.streams.set(source_streams);
        emit!(self.vm(), SourceStreamsSet[source_streams]);
        Ok(())
    }

    // --- Views

    /// What `source` streams to a task type.
    pub fn get_stream(&self, task_type_id: B256, source: Address) -> Result<U256, Error> {
        let pool = self.pool_of(task_type_id)?;
        let [current, _, _] = self.plan(pool, source, U256::ZERO)?;
        Ok(current)
    }

    /// The Super App that sources stream to; zero before it is connected.
    pub fn source_streams(&self) -> Address {
        self.streams.get()
    }

    /// Where the task types' pools are.
    pub fn backpressure_pool(&self) -> Address {
        self.pools.get()
    }

    /// The Super Token that streams are made of.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }
}

impl StreamGateway {
    /// Sets the caller's stream to `rate`, by its flow to the Super App: one flow for all its task types.
    fn set_stream(
        &mut self,
        id: B256,
        pool: Address,
        rate: U256,
        exists: bool,
    ) -> Result<(), Error> {
        let source = self.vm().msg_sender();
        let [current, inflow, next] = self.plan(pool, source, rate)?;
        match (current.is_zero(), exists) {
            (false, false) => return Err(StreamAlreadyExists {}.into()),
            (true, true) => return Err(StreamDoesNotExist {}.into()),
            _ => (),
        }
        self.set_flow(source, inflow, next, &[pool.word(), rate.word()])?;
        emit!(self.vm(), StreamSet[id, source](rate));
        let selector = IOverflowBalancer::rebalanceOverflowCall::SELECTOR;
        let [] = invoke_words(self.vm(), self.pools.get(), selector, &[id])?;
        Ok(())
    }

    /// Has the host change the flow of `source` to the Super App from `inflow` to `next`, with `order` as user data.
    fn set_flow(
        &self,
        source: Address,
        inflow: U256,
        next: U256,
        order: &[B256; 2],
    ) -> Result<(), Error> {
        let [token, sender, receiver] =
            [self.token.get(), source, self.require_streams()?].map(Word::word);
        // The last two words are an empty `ctx`, which the host fills in.
        let change = match (inflow.is_zero(), next.is_zero()) {
            (_, true) => calldata(
                IConstantFlowAgreementV1::deleteFlowByOperatorCall::SELECTOR,
                &[token, sender, receiver, 128_u64.word(), 0_u64.word()],
            ),
            (is_new, false) => calldata(
                match is_new {
                    true => IConstantFlowAgreementV1::createFlowByOperatorCall::SELECTOR,
                    false => IConstantFlowAgreementV1::updateFlowByOperatorCall::SELECTOR,
                },
                &[
                    token,
                    sender,
                    receiver,
                    next.word(),
                    160_u64.word(),
                    0_u64.word(),
                ],
            ),
        };
        let request = agreement_call(self.cfa.get(), &change, &order.concat());
        let answer = call(self.vm(), self.host.get(), &request, ALL_GAS, usize::MAX);
        match answer.success {
            true => Ok(()),
            false => Err(Revert(answer.data).into()),
        }
    }

    /// The pool of a task type, and a rate that reaches its members.
    fn useful_rate(&self, id: B256, flow_rate: I96) -> Result<(Address, U256), Error> {
        if flow_rate <= I96::ZERO {
            return Err(InvalidFlowRate {
                flowRate: flow_rate,
            }
            .into());
        }
        let pool = self.pool_of(id)?;
        let rate = widen(flow_rate.into_raw());
        let [minimum] = self.ask(pool, ISuperfluidPool::getTotalUnitsCall::SELECTOR, &[])?;
        match rate < minimum {
            true => Err(FlowRateTooLow {
                flowRate: rate,
                minimum,
            }
            .into()),
            false => Ok((pool, rate)),
        }
    }

    fn pool_of(&self, id: B256) -> Result<Address, Error> {
        let selector = IBackpressurePool::getPoolCall::SELECTOR;
        let [pool] = self.ask(self.pools.get(), selector, &[id])?;
        match pool.is_zero() {
            true => Err(PoolDoesNotExist {}.into()),
            false => Ok(to_address(pool)),
        }
    }

    /// What `source` streams into `pool` now, its flow now, and its flow when that becomes `rate`.
    fn plan(&self, pool: Address, source: Address, rate: U256) -> Result<[U256; 3], Error> {
        let selector = ISourceStreams::planCall::SELECTOR;
        let arguments = [pool.word(), source.word(), rate.word()];
        self.ask(self.require_streams()?, selector, &arguments)
    }

    fn ask<const N: usize>(
        &self,
        whom: Address,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        Ok(query_words(self.vm(), whom, selector, arguments)?)
    }

    fn require_streams(&self) -> Result<Address, Error> {
        let streams = self.streams.get();
        match streams.is_zero() {
            true => Err(NoSourceStreams {}.into()),
            false => Ok(streams),
        }
    }
}
