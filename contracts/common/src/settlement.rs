//! What the settlement adapters share: whom they serve in which token, what they hold for a job, streams that are drawn.
//!
//! An adapter pays for one *pipeline*, which is CrossProtocolRouter where `bpe deploy` has set it up. A job has an id, and an
//! id is used once. Each of the structs here asks nobody who may call: the adapters do, by [`Rail::only_pipeline`].

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use stylus_sdk::{prelude::*, storage::*};

use crate::{
    call::{call_with_value, require_contract, NotAContract, Revert, ALL_GAS},
    clock, connections,
    eip712::hash_words,
    emit,
    erc20::{self, SafeERC20FailedOperation},
    events::Word,
};

sol! {
    /// `amount` is held for the job.
    #[derive(Debug, PartialEq, Eq)]
    event Escrowed(bytes32 indexed jobId, uint256 amount);
    /// What was held for the job went to `recipient`.
    #[derive(Debug, PartialEq, Eq)]
    event EscrowReleased(bytes32 indexed jobId, address indexed recipient, uint256 amount);
    /// The job is done, and `provider` has `amount` for it.
    #[derive(Debug, PartialEq, Eq)]
    event CompletionSettled(bytes32 indexed jobId, address indexed provider, uint256 amount);
    /// `provider` earns `flowRate` wei per second from now on.
    #[derive(Debug, PartialEq, Eq)]
    event StreamInitialized(bytes32 indexed streamId, address indexed provider, uint256 flowRate);
    /// The stream earns `newFlowRate` wei per second from now on; it has ended, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event StreamAdjusted(bytes32 indexed streamId, uint256 newFlowRate);
    /// `provider` was paid `amount` that the stream had earned.
    #[derive(Debug, PartialEq, Eq)]
    event StreamCollected(bytes32 indexed streamId, address indexed provider, uint256 amount);

    /// Only the pipeline may do this.
    #[derive(Debug, PartialEq, Eq)]
    error OnlyPipeline();
    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// A stream of zero was to begin.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroFlowRate();
    /// There is no such stream, or it has ended.
    #[derive(Debug, PartialEq, Eq)]
    error StreamNotActive();
    /// A stream has at most 2^95 − 1 wei per second.
    #[derive(Debug, PartialEq, Eq)]
    error FlowRateTooHigh(uint256 flowRate);
    /// The stream has earned nothing since it was collected last.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToCollect(bytes32 streamId);
    /// Nothing is held for the job.
    #[derive(Debug, PartialEq, Eq)]
    error EscrowNotFound();
    /// What was held for the job has been paid.
    #[derive(Debug, PartialEq, Eq)]
    error EscrowAlreadyReleased();
    /// `available` is held for the job, less than `required`.
    #[derive(Debug, PartialEq, Eq)]
    error EscrowTooSmall(uint256 required, uint256 available);
    /// The job's id has been used.
    #[derive(Debug, PartialEq, Eq)]
    error JobExists(bytes32 jobId);
    /// `recipient` cannot be paid.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidRecipient(address recipient);
    /// `value` wei of ether came with a payment of `amount`: all of it is to come, or none, if it is in tokens.
    #[derive(Debug, PartialEq, Eq)]
    error WrongValue(uint256 value, uint256 amount);
    /// Of `required` tokens `arrived` came: the token keeps something of each transfer.
    #[derive(Debug, PartialEq, Eq)]
    error TokenTookFee(uint256 arrived, uint256 required);
    /// What the payer says to the protocol has `length` bytes, which is none of the lengths that it can have.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidPaymentData(uint256 length);
    /// `recipient` refused the ether.
    #[derive(Debug, PartialEq, Eq)]
    error PaymentRefused(address recipient);
}

/// Why a payment was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PaymentError {
    OnlyPipeline(OnlyPipeline),
    ZeroAmount(ZeroAmount),
    InvalidRecipient(InvalidRecipient),
    WrongValue(WrongValue),
    TokenTookFee(TokenTookFee),
    InvalidPaymentData(InvalidPaymentData),
    PaymentRefused(PaymentRefused),
    JobExists(JobExists),
    Erc20(SafeERC20FailedOperation),
    NotAContract(NotAContract),
    Passed(Revert),
}

crate::nested::nested_error!(PaymentError, "OnlyPipeline(); error ZeroAmount(); error InvalidRecipient(address); error WrongValue(uint256,uint256); error TokenTookFee(uint256,uint256); error InvalidPaymentData(uint256); error PaymentRefused(address); error JobExists(bytes32); error SafeERC20FailedOperation(address); error NotAContract(address); error MalformedReturn(address)");

/// What `execute` answers of a payment that waits for something.
pub const PENDING: u8 = 1;
/// What it answers of one that has been made.
pub const SETTLED: u8 = 2;

/// The most that a stream can have: what Superfluid's int96 holds, so that no sum over seconds overflows.
pub const MAX_FLOW_RATE: U256 = U256::from_limbs([u64::MAX, (1 << 31) - 1, 0, 0]);

/// Whom an adapter serves, and in what. Two slots.
#[storage]
pub struct Rail {
    token: StorageAddress,
    pipeline: StorageAddress,
}

#[public]
impl Rail {
    /// The token that is paid in.
    pub fn token(&self) -> Address {
        self.token.get()
    }

    /// Whom the adapter pays for.
    pub fn pipeline(&self) -> Address {
        self.pipeline.get()
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), PaymentError> {
        Ok(connections::undo(self.vm(), self.token.get(), pool)?)
    }
}

impl Rail {
    /// Sets both, for good. For constructors.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`] for `token`, [`InvalidRecipient`] for a pipeline of zero.
    pub fn initialize(&mut self, token: Address, pipeline: Address) -> Result<(), PaymentError> {
        require_contract(self.vm(), token)?;
        require_recipient(pipeline)?;
        self.token.set(token);
        self.pipeline.set(pipeline);
        connections::forbid(self.vm(), token);
        Ok(())
    }

    /// Refuses everyone but the pipeline, and returns it and the token.
    ///
    /// # Errors
    ///
    /// * [`OnlyPipeline`]
    pub fn only_pipeline(&self) -> Result<(Address, Address), PaymentError> {
        let pipeline = self.pipeline.get();
        match self.vm().msg_sender() == pipeline {
            true => Ok((pipeline, self.token.get())),
            false => Err(OnlyPipeline {}.into()),
        }
    }

    /// Whether a payment comes in ether; not, if no value does. Refuses a part of it, nothing, and the zero address.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InvalidRecipient`], [`WrongValue`]
    pub fn is_ether(&self, recipient: Address, amount: U256) -> Result<bool, PaymentError> {
        require_amount(amount)?;
        require_recipient(recipient)?;
        let value = self.vm().msg_value();
        match value.is_zero() || value == amount {
            true => Ok(!value.is_zero()),
            false => Err(WrongValue { value, amount }.into()),
        }
    }

    /// Takes `amount` of `token` from `from`, all of which has to arrive.
    ///
    /// # Errors
    ///
    /// * [`TokenTookFee`], [`SafeERC20FailedOperation`]
    pub fn pull(&self, token: Address, from: Address, amount: U256) -> Result<(), PaymentError> {
        let arrived = erc20::pull(self.vm(), token, from, amount)?;
        let required = amount;
        match arrived == required {
            true => Ok(()),
            false => Err(TokenTookFee { arrived, required }.into()),
        }
    }

    /// Sends ether of this contract's to `recipient`.
    ///
    /// # Errors
    ///
    /// * [`PaymentRefused`]
    pub fn send_ether(&self, recipient: Address, amount: U256) -> Result<(), PaymentError> {
        match call_with_value(self.vm(), recipient, amount, &[], ALL_GAS, 0).success {
            true => Ok(()),
            false => Err(PaymentRefused { recipient }.into()),
        }
    }
}

/// Refuses an amount of zero.
///
/// # Errors
///
/// * [`ZeroAmount`]
pub fn require_amount(amount: U256) -> Result<(), ZeroAmount> {
    match amount.is_zero() {
        true => Err(ZeroAmount {}),
        false => Ok(()),
    }
}

/// Refuses the zero address.
///
/// # Errors
///
/// * [`InvalidRecipient`]
pub fn require_recipient(recipient: Address) -> Result<(), InvalidRecipient> {
    match recipient.is_zero() {
        true => Err(InvalidRecipient { recipient }),
        false => Ok(()),
    }
}

/// Refuses what a payer says to a protocol that wants to know nothing.
///
/// # Errors
///
/// * [`InvalidPaymentData`]
pub fn require_no_data(data: &[u8]) -> Result<(), PaymentError> {
    let length = U256::from(data.len());
    match data.is_empty() {
        true => Ok(()),
        false => Err(InvalidPaymentData { length }.into()),
    }
}

/// Why an escrow was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EscrowError {
    EscrowNotFound(EscrowNotFound),
    EscrowAlreadyReleased(EscrowAlreadyReleased),
    EscrowTooSmall(EscrowTooSmall),
    JobExists(JobExists),
    ZeroAmount(ZeroAmount),
    InvalidRecipient(InvalidRecipient),
    Erc20(SafeERC20FailedOperation),
}

crate::nested::nested_error!(EscrowError, "EscrowNotFound(); error EscrowAlreadyReleased(); error EscrowTooSmall(uint256,uint256); error JobExists(bytes32); error ZeroAmount(); error InvalidRecipient(address); error SafeERC20FailedOperation(address)");

/// What is held for jobs, by their ids, and which ids have been used. Two slots, two mappings.
#[storage]
pub struct Escrows {
    held: StorageMap<B256, StorageU256>,
    used: StorageMap<B256, StorageBool>,
}

impl Escrows {
    /// What is held for a job.
    pub fn held(&self, job_id: B256) -> U256 {
        self.held.get(job_id)
    }

    /// Uses an id, once.
    ///
    /// # Errors
    ///
    /// * [`JobExists`]
    pub fn begin(&mut self, job_id: B256) -> Result<(), JobExists> {
        match self.used.replace(job_id, true) {
            true => Err(JobExists { jobId: job_id }),
            false => Ok(()),
        }
    }

    /// Takes `amount` of `token` from `pipeline` and holds what arrives for the job.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`JobExists`], [`SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`Escrowed`]
    pub fn lock(
        &mut self,
        (pipeline, token): (Address, Address),
        job_id: B256,
        amount: U256,
    ) -> Result<(), EscrowError> {
        require_amount(amount)?;
        self.begin(job_id)?;
        // Only the token knows how much arrives. One that calls back finds the contract closed.
        let arrived = erc20::pull(self.vm(), token, pipeline, amount)?;
        self.held.setter(job_id).set(arrived);
        emit!(self.vm(), Escrowed[job_id](arrived));
        Ok(())
    }

    /// Pays all that is held for the job to `recipient`.
    ///
    /// # Errors
    ///
    /// * [`InvalidRecipient`], [`EscrowNotFound`], [`EscrowAlreadyReleased`], [`SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`EscrowReleased`]
    pub fn release(
        &mut self,
        token: Address,
        job_id: B256,
        recipient: Address,
    ) -> Result<(), EscrowError> {
        require_recipient(recipient)?;
        let amount = self.held.replace(job_id, U256::ZERO);
        if amount.is_zero() {
            return Err(match self.used.get(job_id) {
                true => EscrowAlreadyReleased {}.into(),
                false => EscrowNotFound {}.into(),
            });
        }
        emit!(self.vm(), EscrowReleased[job_id, recipient](amount));
        Ok(erc20::transfer(self.vm(), token, recipient, amount)?)
    }

    /// Pays `amount` for a job to `provider`, once: out of what is held for it, of which the rest goes back to the pipeline; or
    /// else out of what the pipeline has approved.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InvalidRecipient`], [`EscrowTooSmall`], [`JobExists`], [`SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`CompletionSettled`]; [`EscrowReleased`] for the rest.
    pub fn settle(
        &mut self,
        (pipeline, token): (Address, Address),
        job_id: B256,
        provider: Address,
        amount: U256,
    ) -> Result<(), EscrowError> {
        require_amount(amount)?;
        require_recipient(provider)?;
        let held = self.held.replace(job_id, U256::ZERO);
        emit!(self.vm(), CompletionSettled[job_id, provider](amount));
        if held.is_zero() {
            self.begin(job_id)?;
            return Ok(erc20::transfer_from(
                self.vm(),
                token,
                pipeline,
                provider,
                amount,
            )?);
        }
        let Some(rest) = held.checked_sub(amount) else {
            let (required, available) = (amount, held);
            return Err(EscrowTooSmall {
                required,
                available,
            }
            .into());
        };
        erc20::transfer(self.vm(), token, provider, amount)?;
        if !rest.is_zero() {
            emit!(self.vm(), EscrowReleased[job_id, pipeline](rest));
            erc20::transfer(self.vm(), token, pipeline, rest)?;
        }
        Ok(())
    }
}

/// Why a stream was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StreamError {
    ZeroFlowRate(ZeroFlowRate),
    FlowRateTooHigh(FlowRateTooHigh),
    StreamNotActive(StreamNotActive),
    NothingToCollect(NothingToCollect),
    InvalidRecipient(InvalidRecipient),
    Erc20(SafeERC20FailedOperation),
}

crate::nested::nested_error!(StreamError, "ZeroFlowRate(); error FlowRateTooHigh(uint256); error StreamNotActive(); error NothingToCollect(bytes32); error InvalidRecipient(address); error SafeERC20FailedOperation(address)");

/// A stream that its provider draws from the pipeline.
#[storage]
pub struct Stream {
    provider: StorageAddress,
    /// Seconds since 1970: earned up to here.
    since: StorageU64,
    /// Wei per second; zero before and after.
    flow_rate: StorageU256,
    /// What was earned by then and not paid.
    earned: StorageU256,
}

/// Streams of a token that flows in jumps only: they earn by the second, and whoever collects has the pipeline pay. Two slots:
/// how many there ever were; a mapping.
#[storage]
pub struct Streams {
    count: StorageU256,
    streams: StorageMap<B256, Stream>,
}

impl Streams {
    /// Wei per second; zero if there is none, or it has ended.
    pub fn flow_rate(&self, stream_id: B256) -> U256 {
        self.streams.getter(stream_id).flow_rate.get()
    }

    /// What a stream has earned and not been paid.
    pub fn earned(&self, stream_id: B256) -> U256 {
        let stream = self.streams.getter(stream_id);
        let since = stream.since.get().wrapping_to::<u64>();
        let seconds = clock::block_timestamp(self.vm()).saturating_sub(since);
        // Below 2^160: no sum of such overflows.
        let new = stream.flow_rate.get().saturating_mul(U256::from(seconds));
        stream.earned.get().saturating_add(new)
    }

    /// Begins a stream to `provider`, and returns its id.
    ///
    /// # Errors
    ///
    /// * [`ZeroFlowRate`], [`FlowRateTooHigh`], [`InvalidRecipient`]
    ///
    /// # Events
    ///
    /// * [`StreamInitialized`]
    pub fn begin(&mut self, provider: Address, flow_rate: U256) -> Result<B256, StreamError> {
        require_recipient(provider)?;
        require_flow_rate(flow_rate)?;
        let count = self.count.get();
        self.count.set(count.saturating_add(U256::from(1)));
        let stream_id = stream_id(self.vm().contract_address(), count.word());
        self.streams.setter(stream_id).provider.set(provider);
        self.set_flow_rate(stream_id, flow_rate);
        emit!(self.vm(), StreamInitialized[stream_id, provider](flow_rate));
        Ok(stream_id)
    }

    /// Has the stream earn `flow_rate` from now on; ends it, if zero. What it has earned stays earned.
    ///
    /// # Errors
    ///
    /// * [`StreamNotActive`], [`FlowRateTooHigh`]
    ///
    /// # Events
    ///
    /// * [`StreamAdjusted`]
    pub fn adjust(&mut self, stream_id: B256, flow_rate: U256) -> Result<(), StreamError> {
        if self.flow_rate(stream_id).is_zero() {
            return Err(StreamNotActive {}.into());
        }
        if flow_rate > MAX_FLOW_RATE {
            return Err(FlowRateTooHigh {
                flowRate: flow_rate,
            }
            .into());
        }
        let earned = self.earned(stream_id);
        self.streams.setter(stream_id).earned.set(earned);
        self.set_flow_rate(stream_id, flow_rate);
        emit!(self.vm(), StreamAdjusted[stream_id](flow_rate));
        Ok(())
    }

    /// Has the pipeline pay what the stream has earned, out of what it has approved.
    ///
    /// # Errors
    ///
    /// * [`StreamNotActive`] if there never was one, [`NothingToCollect`]
    /// * [`SafeERC20FailedOperation`] if the pipeline has too little, or has approved too little: nothing is lost by it.
    ///
    /// # Events
    ///
    /// * [`StreamCollected`]
    pub fn collect(
        &mut self,
        (pipeline, token): (Address, Address),
        stream_id: B256,
    ) -> Result<U256, StreamError> {
        let provider = self.streams.getter(stream_id).provider.get();
        if provider.is_zero() {
            return Err(StreamNotActive {}.into());
        }
        let amount = self.earned(stream_id);
        if amount.is_zero() {
            return Err(NothingToCollect {
                streamId: stream_id,
            }
            .into());
        }
        let flow_rate = self.flow_rate(stream_id);
        self.streams.setter(stream_id).earned.set(U256::ZERO);
        self.set_flow_rate(stream_id, flow_rate);
        emit!(self.vm(), StreamCollected[stream_id, provider](amount));
        erc20::transfer_from(self.vm(), token, pipeline, provider, amount)?;
        Ok(amount)
    }

    fn set_flow_rate(&mut self, stream_id: B256, flow_rate: U256) {
        let now = clock::block_timestamp(self.vm());
        let mut stream = self.streams.setter(stream_id);
        stream.since.set(alloy_primitives::U64::from(now));
        stream.flow_rate.set(flow_rate);
    }
}

/// Refuses what no stream can begin with.
///
/// # Errors
///
/// * [`ZeroFlowRate`], [`FlowRateTooHigh`]
pub fn require_flow_rate(flow_rate: U256) -> Result<(), StreamError> {
    if flow_rate.is_zero() {
        return Err(ZeroFlowRate {}.into());
    }
    match flow_rate > MAX_FLOW_RATE {
        true => Err(FlowRateTooHigh {
            flowRate: flow_rate,
        }
        .into()),
        false => Ok(()),
    }
}

/// The id of a stream of an adapter, by what tells it from the adapter's others.
pub fn stream_id(adapter: Address, what: B256) -> B256 {
    hash_words(&[adapter.word(), what])
}
