//! StreamGateway: what a source asks Superfluid for, as a macro of Superfluid's (`IClearMacro`, `IMacro`).
//!
//! A source's stream is its own distribution into the pool of a task type. This contract says which operations open, change
//! and end it, and checks afterwards that it flows. It holds no tokens, has no rights over anybody's, and can change
//! nothing: all its functions are views. Without it a stream can still be ended, by the GDA itself.
//!
//! | who | may |
//! |---|---|
//! | anyone | ask for parameters, operations and texts, and for what a source streams |
//! | nobody | anything else: it has no owner |
//!
//! A source calls `BlindMacroForwarder.runMacro(gateway, parameters)`, or signs the parameters for ClearMacroForwarderV1, or
//! has the host do the operations itself (`host.batchCall`), where nothing refuses a rate that pays nobody afterwards:
//! there, ask [`StreamGateway::get_minimum_flow_rate`] first. Wrapping needs the underlying token's `approve` beforehand.
//!
//! Rates are in wei per second, amounts in wei of the Super Token.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod action;
mod interface;

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{aliases::I96, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{calldata, query_words, require_contract, to_address},
    events::Word,
    interfaces::{IPoolLimits, IWorkLedger},
    superfluid::{
        distribution_operation, IGeneralDistributionAgreementV1, ISuperToken, ISuperfluidPool,
    },
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

use action::Action;
pub use interface::*;

/// The host's number for wrapping: the target is the Super Token.
const UPGRADE: u32 = 101;
/// The host's number for an agreement's function.
const CALL_AGREEMENT: u32 = 201;
/// The host's number for a call that any contract gets from a forwarder.
const SIMPLE_FORWARD_CALL: u32 = 301;

/// The contract: its neighbours, an address each, set at construction for ever.
#[entrypoint]
#[storage]
pub struct StreamGateway {
    host: StorageAddress,
    gda: StorageAddress,
    token: StorageAddress,
    pools: StorageAddress,
    ledger: StorageAddress,
}

#[public]
impl StreamGateway {
    /// Sets the contract up for streams of `super_token` into the pools of `backpressure_pool`, which `work_ledger` notes.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract); [`WrongToken`] if the pools are another token's,
    ///   [`WrongLedger`] if the ledger is other pools'.
    /// * `MalformedReturn` if `super_token` is no Super Token.
    #[constructor]
    pub fn constructor(
        &mut self,
        super_token: Address,
        backpressure_pool: Address,
        work_ledger: Address,
    ) -> Result<(), Error> {
        for account in [super_token, backpressure_pool, work_ledger] {
            require_contract(self.vm(), account)?;
        }
        let [token] = self.ask(
            backpressure_pool,
            IPoolLimits::SUPER_TOKENCall::SELECTOR,
            &[],
        )?;
        if to_address(token) != super_token {
            return Err(WrongToken { token: super_token }.into());
        }
        let [noted] = self.ask(
            work_ledger,
            IWorkLedger::backpressurePoolCall::SELECTOR,
            &[],
        )?;
        if to_address(noted) != backpressure_pool {
            let ledger = work_ledger;
            return Err(WrongLedger { ledger }.into());
        }
        let [host] = self.ask(super_token, ISuperToken::getHostCall::SELECTOR, &[])?;
        let [gda] = self.ask(backpressure_pool, IPoolLimits::GDACall::SELECTOR, &[])?;
        self.host.set(to_address(host));
        self.gda.set(to_address(gda));
        self.token.set(super_token);
        self.pools.set(backpressure_pool);
        self.ledger.set(work_ledger);
        Ok(())
    }

    // --- Parameters of the macro

    /// Parameters that open a stream to a task type, of `flow_rate`.
    ///
    /// # Errors
    ///
    /// * [`InvalidFlowRate`], [`UnknownTaskType`], [`FlowRateTooLow`]
    ///
    /// # Returns
    ///
    /// * `parameters`
    pub fn create_stream(&self, task_type_id: B256, flow_rate: I96) -> Result<Bytes, Error> {
        let rate = self.useful_rate(task_type_id, flow_rate)?;
        Ok(action::create(task_type_id, rate).into())
    }

    /// Parameters that wrap so much of the underlying token, in the Super Token's wei, and open a stream.
    ///
    /// # Errors
    ///
    /// * [`InvalidFlowRate`], [`UnknownTaskType`], [`FlowRateTooLow`]
    ///
    /// # Returns
    ///
    /// * `parameters`
    #[selector(name = "createStream")]
    pub fn create_stream_and_wrap(
        &self,
        task_type_id: B256,
        flow_rate: I96,
        wrap: U256,
    ) -> Result<Bytes, Error> {
        let rate = self.useful_rate(task_type_id, flow_rate)?;
        Ok(action::create_and_wrap(task_type_id, rate, wrap).into())
    }

    /// Parameters that change a stream to `flow_rate`.
    ///
    /// # Errors
    ///
    /// * [`InvalidFlowRate`], [`UnknownTaskType`], [`FlowRateTooLow`]
    ///
    /// # Returns
    ///
    /// * `parameters`
    pub fn update_stream(&self, task_type_id: B256, flow_rate: I96) -> Result<Bytes, Error> {
        let rate = self.useful_rate(task_type_id, flow_rate)?;
        Ok(action::update(task_type_id, rate).into())
    }

    /// Parameters that end a stream. Its deposit comes back with that.
    ///
    /// # Errors
    ///
    /// * [`UnknownTaskType`]
    ///
    /// # Returns
    ///
    /// * `parameters`
    pub fn delete_stream(&self, task_type_id: B256) -> Result<Bytes, Error> {
        self.require_pool(task_type_id)?;
        Ok(action::delete(task_type_id).into())
    }

    /// Parameters that wrap so much of the underlying token, in the Super Token's wei.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`]
    ///
    /// # Returns
    ///
    /// * `parameters`
    pub fn top_up(&self, amount: U256) -> Result<Bytes, Error> {
        Ok(action::top_up(action::some(amount)?).into())
    }

    // --- IMacro

    /// What the host is to do for `account`: wrap, note what has flowed so far, distribute.
    ///
    /// # Errors
    ///
    /// * [`WrongHost`], [`MalformedParameters`], [`UnknownActionId`], [`UnsupportedLanguage`], [`ZeroAmount`]
    /// * [`InvalidFlowRate`], [`UnknownTaskType`], [`StreamAlreadyExists`], [`StreamDoesNotExist`]
    ///
    /// # Returns
    ///
    /// * `operations`
    pub fn build_batch_operations(
        &self,
        host: Address,
        params: Bytes,
        account: Address,
    ) -> Result<Vec<Operation>, Error> {
        let action = self.read(host, &params)?;
        let mut operations = Vec::with_capacity(3);
        let token = self.token.get();
        if !action.wrap().is_zero() {
            operations.push(Operation {
                operationType: UPGRADE,
                target: token,
                data: action.wrap().to_be_bytes_vec().into(),
            });
        }
        let Some((id, rate)) = action.stream() else {
            return Ok(operations);
        };
        let pool = self.require_pool(id)?;
        let [_, current, deposit] = self.flow(pool, account)?;
        let no_stream = || StreamDoesNotExist {
            taskTypeId: id,
            source: account,
        };
        match action {
            Action::Create(..) if !current.is_zero() => {
                return Err(StreamAlreadyExists {
                    taskTypeId: id,
                    source: account,
                    flowRate: current,
                }
                .into());
            }
            Action::Update(..) if current.is_zero() => return Err(no_stream().into()),
            // What flows may be nothing and have a deposit behind it all the same.
            Action::Delete(_) if current.is_zero() && deposit.is_zero() => {
                return Err(no_stream().into());
            }
            // Whether the rate is useful shows afterwards; to ask twice would be dear.
            _ => (),
        }
        // Before the rate changes: afterwards nobody knows what it was.
        let note = calldata(IWorkLedger::noteCall::SELECTOR, &[id, account.word()]);
        operations.push(Operation {
            operationType: SIMPLE_FORWARD_CALL,
            target: self.ledger.get(),
            data: note.into(),
        });
        operations.push(Operation {
            operationType: CALL_AGREEMENT,
            target: self.gda.get(),
            data: distribution_operation(token, account, pool, rate).into(),
        });
        Ok(operations)
    }

    /// Refuses what the host has done for `account`, unless the stream flows as it is to flow. Superfluid rounds a rate down
    /// to a multiple of the pool's units, takes a rate below that, pays nobody, and says nothing.
    ///
    /// # Errors
    ///
    /// * [`FlowRateTooLow`], [`StreamDoesNotFlow`]
    /// * [`WrongHost`], [`MalformedParameters`], [`UnknownActionId`], [`UnsupportedLanguage`], [`ZeroAmount`],
    ///   [`InvalidFlowRate`], [`UnknownTaskType`]
    pub fn post_check(&self, host: Address, params: Bytes, account: Address) -> Result<(), Error> {
        let action = self.read(host, &params)?;
        let Some((id, rate)) = action.stream() else {
            return Ok(());
        };
        let pool = self.require_pool(id)?;
        let [_, actual, _] = self.flow(pool, account)?;
        let [units] = self.ask(pool, ISuperfluidPool::getTotalUnitsCall::SELECTOR, &[])?;
        let asked = U256::from(rate);
        let ends = asked.is_zero();
        if !ends && asked < units {
            return Err(FlowRateTooLow {
                flowRate: asked,
                minimum: units,
            }
            .into());
        }
        let flows = !actual.is_zero() && actual.saturating_add(units) > asked;
        match (ends && actual.is_zero()) || (!ends && flows) {
            true => Ok(()),
            false => Err(StreamDoesNotFlow { asked, actual }.into()),
        }
    }

    // --- IClearMacro

    /// The name of what a source signs for ClearMacroForwarderV1: `encoded_payload` is `abi.encode(Payload)`.
    ///
    /// # Errors
    ///
    /// * [`MalformedParameters`], [`UnknownActionId`], [`UnsupportedLanguage`], [`InvalidFlowRate`], [`ZeroAmount`]
    ///
    /// # Returns
    ///
    /// * `name`
    pub fn get_primary_type_name(&self, encoded_payload: Bytes) -> Result<String, Error> {
        Ok(Action::decode_payload(&encoded_payload)?
            .text()
            .primary_type
            .into())
    }

    /// EIP-712's type of the action in it.
    ///
    /// # Errors
    ///
    /// * As [`StreamGateway::get_primary_type_name`].
    ///
    /// # Returns
    ///
    /// * `definition`
    pub fn get_action_type_definition(&self, encoded_payload: Bytes) -> Result<String, Error> {
        Ok(Action::decode_payload(&encoded_payload)?
            .text()
            .definition
            .into())
    }

    /// EIP-712's `hashStruct` of an action, of which `params` are the parameters.
    ///
    /// # Errors
    ///
    /// * As [`StreamGateway::get_primary_type_name`].
    pub fn get_action_struct_hash(&self, params: Bytes) -> Result<B256, Error> {
        Ok(Action::decode(&params)?.struct_hash())
    }

    // --- Views

    /// What `source` streams to a task type: the rate that flows, which is nothing where Superfluid has taken a rate below
    /// the minimum; the deposit behind it; and when the source last changed it.
    ///
    /// # Errors
    ///
    /// * [`UnknownTaskType`]
    ///
    /// # Returns
    ///
    /// * `flowRate`
    /// * `deposit`
    /// * `lastUpdated`
    pub fn get_stream(
        &self,
        task_type_id: B256,
        source: Address,
    ) -> Result<(U256, U256, U256), Error> {
        let pool = self.require_pool(task_type_id)?;
        let [last_updated, flow_rate, deposit] = self.flow(pool, source)?;
        Ok((flow_rate, deposit, last_updated))
    }

    /// The least rate of which something reaches every unit of the task type's pool: as much as it has units.
    ///
    /// # Errors
    ///
    /// * [`UnknownTaskType`]
    ///
    /// # Returns
    ///
    /// * `minimum`
    pub fn get_minimum_flow_rate(&self, task_type_id: B256) -> Result<U256, Error> {
        self.minimum(self.require_pool(task_type_id)?)
    }

    /// Where the task types' pools are.
    pub fn backpressure_pool(&self) -> Address {
        self.pools.get()
    }

    /// Who notes what sources have streamed.
    pub fn work_ledger(&self) -> Address {
        self.ledger.get()
    }

    /// The Super Token that streams are made of.
    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }
}

impl StreamGateway {
    fn read(&self, host: Address, parameters: &[u8]) -> Result<Action, Error> {
        match host == self.host.get() {
            true => Action::decode(parameters),
            false => Err(WrongHost { host }.into()),
        }
    }

    fn useful_rate(&self, id: B256, flow_rate: I96) -> Result<u128, Error> {
        let rate = action::positive(flow_rate)?;
        self.require_useful(self.require_pool(id)?, rate)?;
        Ok(rate)
    }

    fn require_useful(&self, pool: Address, rate: u128) -> Result<(), Error> {
        let (minimum, rate) = (self.minimum(pool)?, U256::from(rate));
        match rate < minimum {
            true => Err(FlowRateTooLow {
                flowRate: rate,
                minimum,
            }
            .into()),
            false => Ok(()),
        }
    }

    fn minimum(&self, pool: Address) -> Result<U256, Error> {
        let [units] = self.ask(pool, ISuperfluidPool::getTotalUnitsCall::SELECTOR, &[])?;
        Ok(units)
    }

    fn require_pool(&self, id: B256) -> Result<Address, Error> {
        let selector = IPoolLimits::getPoolCall::SELECTOR;
        let [pool] = self.ask(self.pools.get(), selector, &[id])?;
        match pool.is_zero() {
            true => Err(UnknownTaskType { taskTypeId: id }.into()),
            false => Ok(to_address(pool)),
        }
    }

    /// When `source` last changed what it distributes into `pool`, the rate, and the deposit. A rate is never negative.
    fn flow(&self, pool: Address, source: Address) -> Result<[U256; 3], Error> {
        let selector = IGeneralDistributionAgreementV1::getFlowCall::SELECTOR;
        let arguments = [self.token.get().word(), source.word(), pool.word()];
        self.ask(self.gda.get(), selector, &arguments)
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
