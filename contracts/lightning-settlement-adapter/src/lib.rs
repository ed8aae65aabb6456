//! LightningSettlementAdapter: payments that wait for the preimage of a Lightning payment, or go back.
//!
//! A payer who wants a Lightning invoice paid locks the amount under the invoice's payment hash. Whoever pays the invoice over
//! Lightning learns the preimage, shows it here, and the recipient, the one that the payer named, has the money. Nobody shows it
//! in time: the payer has it back. So neither has to trust the other; the lock is a hash time-locked contract (HTLC), as
//! Lightning's own are.
//!
//! | who | may |
//! |---|---|
//! | the pipeline | [`execute`](LightningSettlementAdapter::execute): lock a payment; lock, settle and release money for jobs; begin and adjust streams |
//! | anyone | [`claim`](LightningSettlementAdapter::claim) for the recipient, with the preimage; [`refund_expired`](LightningSettlementAdapter::refund_expired); collect streams |
//!
//! It has no owner. Token and pipeline are set at construction, for good: CrossProtocolRouter, where `bpe deploy` did it.
//! Amounts are in wei of the token, or of ether; times in seconds since 1970.
//!
//! # Which way the money goes
//!
//! | | before the deadline | from the deadline on |
//! |---|---|---|
//! | a payment of `execute` | to its recipient, with the preimage | to the pipeline, which gives it back to the payer |
//! | a job of `escrow`, whose id is the payment hash | as the pipeline says, with the preimage | back to the pipeline, or to whom it names |
//!
//! Each happens once. A preimage that is shown in a transaction that is not included yet can be copied: that helps nobody,
//! since the recipient stands in the lock. Two locks of one hash open with one preimage: take an invoice once.
//!
//! A claim is in time if its block is: leave the claimant an hour or more, and take part in no lock whose deadline is near. The
//! deadline is at most [`MAX_LOCK`] seconds ahead.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U256, U64, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call_with_value, calldata, first_words, Revert, ALL_GAS},
    clock,
    curve::sha256,
    emit, erc20,
    events::Word,
    interfaces::IProtocolRouter,
    settlement::{
        require_amount, require_recipient, CompletionSettled, EscrowNotFound, EscrowReleased,
        Escrowed, InvalidPaymentData, JobExists, PaymentError, Rail, Streams, PENDING,
    },
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// A lock without a deadline of its own is for so many seconds: an hour.
pub const HTLC_TIMEOUT: u64 = 3_600;
/// No lock is for more seconds: a week.
pub const MAX_LOCK: u64 = 7 * 86_400;
/// The length of a preimage, as Lightning has them.
const PREIMAGE: usize = 32;
/// As much is passed on of what the pipeline reverts with.
const REASON_LIMIT: usize = 256;

const LOCKED: u8 = 1;
const CLAIMED: u8 = 2;
const REFUNDED: u8 = 3;

/// What is locked. Four slots: recipient (160 bits), deadline (64), state (8), is_ether (8); depositor; amount; payment_hash.
#[storage]
pub struct Htlc {
    /// Zero, if the pipeline says who.
    recipient: StorageAddress,
    deadline: StorageU64,
    state: StorageU8,
    is_ether: StorageBool,
    depositor: StorageAddress,
    amount: StorageU256,
    payment_hash: StorageB256,
}

/// The contract. Slots 0–1: token, pipeline. Then streams and locks.
#[entrypoint]
#[storage]
pub struct LightningSettlementAdapter {
    #[borrow]
    rail: Rail,
    streams: Streams,
    htlcs: StorageMap<B256, Htlc>,
}

#[public]
#[inherit(Rail)]
impl LightningSettlementAdapter {
    /// Sets the contract up, for good.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::call::NotAContract`] for `token`, [`bpe_common::settlement::InvalidRecipient`] for a pipeline of zero.
    #[constructor]
    pub fn constructor(&mut self, token: Address, pipeline: Address) -> Result<(), Error> {
        Ok(self.rail.initialize(token, pipeline)?)
    }

    // --- The pipeline

    /// Locks `amount` for `recipient`: the ether that came along, or tokens of the pipeline's, which has approved them. `data` is
    /// the payment hash, 32 bytes, for [`HTLC_TIMEOUT`] seconds; or `abi.encode(bytes32 paymentHash, uint256 deadline)`.
    ///
    /// # Returns
    ///
    /// * `outcome`: 1, pending.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`],
    ///   [`bpe_common::settlement::InvalidRecipient`], [`bpe_common::settlement::WrongValue`],
    ///   [`InvalidPaymentData`], [`InvalidDeadline`], [`JobExists`], [`bpe_common::settlement::TokenTookFee`],
    ///   [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`HTLCLocked`]
    #[payable]
    pub fn execute(
        &mut self,
        payment_id: B256,
        recipient: Address,
        amount: U256,
        data: Bytes,
    ) -> Result<u8, Error> {
        let (pipeline, token) = self.rail.only_pipeline()?;
        let is_ether = self.rail.is_ether(recipient, amount)?;
        let (payment_hash, deadline) = self.terms(&data)?;
        self.lock(payment_id, recipient, amount, payment_hash, deadline)?;
        match is_ether {
            true => self.htlcs.setter(payment_id).is_ether.set(true),
            false => self.rail.pull(token, pipeline, amount)?,
        }
        Ok(PENDING)
    }

    /// Locks `amount` of the pipeline's tokens, which it has approved, for a job whose id is the payment hash, for
    /// [`HTLC_TIMEOUT`] seconds. The pipeline says later who gets it.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`], [`JobExists`],
    ///   [`bpe_common::settlement::TokenTookFee`], [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`Escrowed`], [`HTLCLocked`]
    pub fn escrow(&mut self, job_id: B256, amount: U256) -> Result<(), Error> {
        let (pipeline, token) = self.rail.only_pipeline()?;
        require_amount(amount).map_err(PaymentError::from)?;
        let deadline = clock::block_timestamp(self.vm()).saturating_add(HTLC_TIMEOUT);
        self.lock(job_id, Address::ZERO, amount, job_id, deadline)?;
        emit!(self.vm(), Escrowed[job_id](amount));
        Ok(self.rail.pull(token, pipeline, amount)?)
    }

    /// Pays `amount` of what is locked for a job of [`LightningSettlementAdapter::escrow`] to `provider`; the rest goes back to
    /// the pipeline. `proof` is the preimage of the job's id.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`],
    ///   [`bpe_common::settlement::InvalidRecipient`], [`EscrowNotFound`], [`AmountTooLarge`],
    ///   [`bpe_common::erc20::SafeERC20FailedOperation`], and those of [`LightningSettlementAdapter::claim`].
    ///
    /// # Events
    ///
    /// * [`HTLCClaimed`], [`CompletionSettled`]; [`EscrowReleased`] for the rest.
    pub fn settle_completion(
        &mut self,
        job_id: B256,
        provider: Address,
        amount: U256,
        proof: Bytes,
    ) -> Result<(), Error> {
        let (pipeline, token) = self.rail.only_pipeline()?;
        require_amount(amount).map_err(PaymentError::from)?;
        require_recipient(provider).map_err(PaymentError::from)?;
        self.require_job(job_id)?;
        let available = self.htlcs.getter(job_id).amount.get();
        let Some(rest) = available.checked_sub(amount) else {
            let required = amount;
            return Err(AmountTooLarge {
                required,
                available,
            }
            .into());
        };
        let preimage = self.open(job_id, &proof)?;
        emit!(self.vm(), HTLCClaimed[job_id, provider](preimage));
        emit!(self.vm(), CompletionSettled[job_id, provider](amount));
        erc20::transfer(self.vm(), token, provider, amount).map_err(PaymentError::from)?;
        if !rest.is_zero() {
            emit!(self.vm(), EscrowReleased[job_id, pipeline](rest));
            erc20::transfer(self.vm(), token, pipeline, rest).map_err(PaymentError::from)?;
        }
        Ok(())
    }

    /// Pays what is locked for a job of [`LightningSettlementAdapter::escrow`] to `recipient`, once its deadline is over.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::InvalidRecipient`], [`EscrowNotFound`],
    ///   [`HTLCNotExpired`], [`HTLCAlreadyClaimed`], [`HTLCAlreadyRefunded`],
    ///   [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`EscrowReleased`]
    pub fn release_escrow(&mut self, job_id: B256, recipient: Address) -> Result<(), Error> {
        let (_, token) = self.rail.only_pipeline()?;
        require_recipient(recipient).map_err(PaymentError::from)?;
        self.require_job(job_id)?;
        let amount = self.expire(job_id)?;
        emit!(self.vm(), EscrowReleased[job_id, recipient](amount));
        Ok(erc20::transfer(self.vm(), token, recipient, amount).map_err(PaymentError::from)?)
    }

    /// Begins a stream of `flow_rate` wei per second to `provider`.
    ///
    /// # Returns
    ///
    /// * `streamId`
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroFlowRate`],
    ///   [`bpe_common::settlement::FlowRateTooHigh`], [`bpe_common::settlement::InvalidRecipient`]
    ///
    /// # Events
    ///
    /// * [`bpe_common::settlement::StreamInitialized`]
    pub fn initialize_stream(&mut self, provider: Address, flow_rate: U256) -> Result<B256, Error> {
        self.rail.only_pipeline()?;
        Ok(self.streams.begin(provider, flow_rate)?)
    }

    /// Has a stream earn `new_flow_rate` wei per second from now on; ends it, if zero. What it has earned stays earned.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::StreamNotActive`],
    ///   [`bpe_common::settlement::FlowRateTooHigh`]
    ///
    /// # Events
    ///
    /// * [`bpe_common::settlement::StreamAdjusted`]
    pub fn adjust_stream(&mut self, stream_id: B256, new_flow_rate: U256) -> Result<(), Error> {
        self.rail.only_pipeline()?;
        Ok(self.streams.adjust(stream_id, new_flow_rate)?)
    }

    // --- Anyone

    /// Pays what is locked to its recipient, for the preimage: 32 bytes whose SHA-256 hash is the payment hash.
    ///
    /// # Errors
    ///
    /// * [`EscrowNotFound`] also for a job, which the pipeline settles.
    /// * [`InvalidPreimageLength`], [`InvalidPreimage`], [`HTLCExpired`], [`HTLCAlreadyClaimed`], [`HTLCAlreadyRefunded`]
    /// * [`bpe_common::settlement::PaymentRefused`] if the recipient refuses ether,
    ///   [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`HTLCClaimed`], [`CompletionSettled`]
    pub fn claim(&mut self, job_id: B256, preimage: Bytes) -> Result<(), Error> {
        let htlc = self.htlcs.getter(job_id);
        let (recipient, amount) = (htlc.recipient.get(), htlc.amount.get());
        if recipient.is_zero() {
            return Err(EscrowNotFound {}.into());
        }
        let is_ether = htlc.is_ether.get();
        let preimage = self.open(job_id, &preimage)?;
        emit!(self.vm(), HTLCClaimed[job_id, recipient](preimage));
        emit!(self.vm(), CompletionSettled[job_id, recipient](amount));
        // The router first: nothing that the recipient does in between is seen by it.
        let settled = IProtocolRouter::reportSettledCall::SELECTOR;
        self.report(settled, job_id, U256::ZERO)?;
        if is_ether {
            return Ok(self.rail.send_ether(recipient, amount)?);
        }
        let token = self.rail.token();
        Ok(erc20::transfer(self.vm(), token, recipient, amount).map_err(PaymentError::from)?)
    }

    /// Gives back what is locked, once its deadline is over: a payment to the router, which pays the payer, a job's to the
    /// pipeline.
    ///
    /// # Errors
    ///
    /// * [`EscrowNotFound`], [`HTLCNotExpired`], [`HTLCAlreadyClaimed`], [`HTLCAlreadyRefunded`]
    /// * [`bpe_common::erc20::SafeERC20FailedOperation`], or what the router reverts with.
    ///
    /// # Events
    ///
    /// * [`HTLCRefunded`]
    pub fn refund_expired(&mut self, job_id: B256) -> Result<(), Error> {
        let amount = self.expire(job_id)?;
        let htlc = self.htlcs.getter(job_id);
        let (depositor, is_ether) = (htlc.depositor.get(), htlc.is_ether.get());
        let is_job = htlc.recipient.get().is_zero();
        emit!(self.vm(), HTLCRefunded[job_id, depositor](amount));
        let token = self.rail.token();
        if is_job {
            let back = erc20::transfer(self.vm(), token, depositor, amount);
            return Ok(back.map_err(PaymentError::from)?);
        }
        let refunded = IProtocolRouter::reportRefundedCall::SELECTOR;
        if is_ether {
            return self.report(refunded, job_id, amount);
        }
        erc20::approve(self.vm(), token, depositor, amount).map_err(PaymentError::from)?;
        self.report(refunded, job_id, U256::ZERO)
    }

    /// Has the pipeline pay the provider what the stream has earned, out of what it has approved. Returns how much.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::StreamNotActive`], [`bpe_common::settlement::NothingToCollect`]
    /// * [`bpe_common::erc20::SafeERC20FailedOperation`] if the pipeline has or has approved too little: nothing is lost by it.
    ///
    /// # Events
    ///
    /// * [`bpe_common::settlement::StreamCollected`]
    pub fn collect_stream(&mut self, stream_id: B256) -> Result<U256, Error> {
        let parties = (self.rail.pipeline(), self.rail.token());
        Ok(self.streams.collect(parties, stream_id)?)
    }

    // --- Views

    /// Whether it pays in `token`: its own, or ether, which is zero.
    pub fn accepts(&self, token: Address) -> bool {
        token.is_zero() || token == self.rail.token()
    }

    /// What is locked, or was.
    ///
    /// # Returns
    ///
    /// * `depositor`
    /// * `amount`
    /// * `paymentHash`
    /// * `deadline`
    /// * `claimed`
    /// * `refunded`
    #[selector(name = "getHTLC")]
    pub fn get_htlc(&self, job_id: B256) -> (Address, U256, B256, U256, bool, bool) {
        let htlc = self.htlcs.getter(job_id);
        let state = htlc.state.get().wrapping_to::<u8>();
        (
            htlc.depositor.get(),
            htlc.amount.get(),
            htlc.payment_hash.get(),
            U256::from(htlc.deadline.get()),
            state == CLAIMED,
            state == REFUNDED,
        )
    }

    /// Who has a payment's money for the preimage; zero, if the pipeline says who.
    pub fn get_recipient(&self, job_id: B256) -> Address {
        self.htlcs.getter(job_id).recipient.get()
    }

    /// What is locked now, and neither claimed nor refunded.
    pub fn get_escrowed_amount(&self, job_id: B256) -> U256 {
        let htlc = self.htlcs.getter(job_id);
        match htlc.state.get().wrapping_to::<u8>() {
            LOCKED => htlc.amount.get(),
            _ => U256::ZERO,
        }
    }

    /// What a stream earns, in wei per second; zero if there is none, or it has ended.
    pub fn get_stream_flow_rate(&self, stream_id: B256) -> U256 {
        self.streams.flow_rate(stream_id)
    }

    /// What a stream has earned and not been paid.
    pub fn get_stream_earned(&self, stream_id: B256) -> U256 {
        self.streams.earned(stream_id)
    }

    /// The seconds of a lock that has no deadline of its own.
    #[selector(name = "HTLC_TIMEOUT")]
    pub fn htlc_timeout(&self) -> U256 {
        U256::from(HTLC_TIMEOUT)
    }

    /// The most seconds that a deadline can be ahead.
    #[selector(name = "MAX_LOCK")]
    pub fn max_lock(&self) -> U256 {
        U256::from(MAX_LOCK)
    }

    /// The rail's name: `keccak256("lightning")`.
    pub fn rail_id() -> B256 {
        rail_id()
    }

    /// The same as [`LightningSettlementAdapter::rail_id`].
    #[selector(name = "RAIL_ID")]
    pub fn rail_id_constant(&self) -> B256 {
        rail_id()
    }
}

/// `keccak256("lightning")`, as numbers in the code: every call would pay for it as data.
#[inline(never)]
fn rail_id() -> B256 {
    let [a, b, c, d]: [u64; 4] = core::hint::black_box([
        0x8964d17081b8270f,
        0xf751ee4e05135028,
        0x987558b1d013e071,
        0x795190bd907bd329,
    ]);
    U256::from_limbs([d, c, b, a]).into()
}

impl LightningSettlementAdapter {
    /// Payment hash and deadline out of what the payer says.
    fn terms(&self, data: &[u8]) -> Result<(B256, u64), Error> {
        let now = clock::block_timestamp(self.vm());
        if data.len() == 32 {
            let deadline = now.saturating_add(HTLC_TIMEOUT);
            return Ok((B256::from_slice(data), deadline));
        }
        let words: Option<[B256; 2]> = first_words(data).filter(|_| data.len() == 64);
        let Some([payment_hash, deadline]) = words else {
            let length = U256::from(data.len());
            return Err(PaymentError::from(InvalidPaymentData { length }).into());
        };
        let (deadline, latest) = (
            U256::from_be_bytes(deadline.0),
            now.saturating_add(MAX_LOCK),
        );
        let latest = U256::from(latest);
        if deadline <= U256::from(now) || deadline > latest {
            return Err(InvalidDeadline { deadline, latest }.into());
        }
        Ok((payment_hash, deadline.saturating_to()))
    }

    fn lock(
        &mut self,
        job_id: B256,
        recipient: Address,
        amount: U256,
        payment_hash: B256,
        deadline: u64,
    ) -> Result<(), Error> {
        let depositor = self.vm().msg_sender();
        let mut htlc = self.htlcs.setter(job_id);
        if !htlc.state.get().is_zero() {
            return Err(PaymentError::from(JobExists { jobId: job_id }).into());
        }
        htlc.recipient.set(recipient);
        htlc.deadline.set(U64::from(deadline));
        htlc.state.set(U8::from(LOCKED));
        htlc.depositor.set(depositor);
        htlc.amount.set(amount);
        htlc.payment_hash.set(payment_hash);
        emit!(
            self.vm(),
            HTLCLocked[job_id, recipient](amount, payment_hash, deadline)
        );
        Ok(())
    }

    /// Refuses what is no job of the pipeline's.
    fn require_job(&self, job_id: B256) -> Result<(), EscrowNotFound> {
        match self.htlcs.getter(job_id).recipient.get().is_zero() {
            true => Ok(()),
            false => Err(EscrowNotFound {}),
        }
    }

    /// Refuses what is not locked any more, and returns when it expires.
    fn require_locked(&self, job_id: B256) -> Result<u64, Error> {
        let htlc = self.htlcs.getter(job_id);
        match htlc.state.get().wrapping_to::<u8>() {
            LOCKED => Ok(htlc.deadline.get().wrapping_to()),
            CLAIMED => Err(HTLCAlreadyClaimed {}.into()),
            REFUNDED => Err(HTLCAlreadyRefunded {}.into()),
            _ => Err(EscrowNotFound {}.into()),
        }
    }

    /// Marks it as claimed, if this is the preimage and in time.
    fn open(&mut self, job_id: B256, preimage: &[u8]) -> Result<B256, Error> {
        let deadline = self.require_locked(job_id)?;
        if clock::block_timestamp(self.vm()) >= deadline {
            return Err(HTLCExpired {}.into());
        }
        if preimage.len() != PREIMAGE {
            let length = U256::from(preimage.len());
            return Err(InvalidPreimageLength { length }.into());
        }
        if sha256(self.vm(), preimage) != self.htlcs.getter(job_id).payment_hash.get() {
            return Err(InvalidPreimage {}.into());
        }
        self.htlcs.setter(job_id).state.set(U8::from(CLAIMED));
        Ok(B256::from_slice(preimage))
    }

    /// Marks it as refunded, if its time is over, and returns the amount.
    fn expire(&mut self, job_id: B256) -> Result<U256, Error> {
        let deadline = self.require_locked(job_id)?;
        if clock::block_timestamp(self.vm()) < deadline {
            return Err(HTLCNotExpired {}.into());
        }
        let mut htlc = self.htlcs.setter(job_id);
        htlc.state.set(U8::from(REFUNDED));
        Ok(htlc.amount.get())
    }

    /// Tells the router what came of a payment.
    fn report(&mut self, selector: [u8; 4], payment_id: B256, value: U256) -> Result<(), Error> {
        let (router, data) = (
            self.rail.pipeline(),
            calldata(selector, &[payment_id.word()]),
        );
        let answer = call_with_value(self.vm(), router, value, &data, ALL_GAS, REASON_LIMIT);
        match answer.success {
            true => Ok(()),
            false => Err(PaymentError::from(Revert(answer.data)).into()),
        }
    }
}
