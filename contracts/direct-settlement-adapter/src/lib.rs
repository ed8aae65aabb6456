//! DirectSettlementAdapter: pays on the chain itself, in its token or in ether, at once.
//!
//! | who | may |
//! |---|---|
//! | the pipeline | [`execute`](DirectSettlementAdapter::execute), hold and release money for jobs, settle jobs, begin and adjust streams |
//! | anyone | [`collect_stream`](DirectSettlementAdapter::collect_stream): pays the provider what it has earned |
//!
//! It has no owner. Token and pipeline are set at construction, for good: CrossProtocolRouter, where `bpe deploy` did it. It
//! holds nothing but escrows. All amounts are in wei of the token, or of ether.
//!
//! A payment of `execute` goes from the pipeline to the recipient without resting here. A job's escrow is the pipeline's money:
//! the pipeline says who gets it. Streams are no flows: they earn by the second, and whoever collects has the pipeline pay,
//! out of what it has approved. See [`bpe_common::settlement`].
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U256};
use bpe_common::{
    emit,
    settlement::{
        require_no_data, CompletionSettled, Escrows, PaymentError, Rail, Streams, SETTLED,
    },
};
use stylus_sdk::{abi::Bytes, prelude::*};

pub use interface::*;

/// The rail's name: `keccak256("direct")`.
const RAIL_ID: B256 = b256!("6a3eb71b686ed84d8e43dd4eaf9a31c226059e18f3dc2bda83209c59f7981ece");

/// The contract. Slots 0–1: token, pipeline. Then escrows and streams.
#[entrypoint]
#[storage]
pub struct DirectSettlementAdapter {
    #[borrow]
    rail: Rail,
    escrows: Escrows,
    streams: Streams,
}

#[public]
#[inherit(Rail)]
impl DirectSettlementAdapter {
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

    /// Pays `amount` to `recipient`: the ether that came along, or tokens of the pipeline's, which has approved them. `data` is
    /// empty.
    ///
    /// # Returns
    ///
    /// * `outcome`: 2, settled.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`],
    ///   [`bpe_common::settlement::InvalidRecipient`], [`bpe_common::settlement::WrongValue`],
    ///   [`bpe_common::settlement::InvalidPaymentData`], [`bpe_common::settlement::JobExists`]
    /// * [`bpe_common::settlement::PaymentRefused`] if the recipient refuses ether, [`bpe_common::erc20::SafeERC20FailedOperation`].
    ///
    /// # Events
    ///
    /// * [`CompletionSettled`]
    #[payable]
    pub fn execute(
        &mut self,
        payment_id: B256,
        recipient: Address,
        amount: U256,
        data: Bytes,
    ) -> Result<u8, Error> {
        let parties = self.rail.only_pipeline()?;
        let is_ether = self.rail.is_ether(recipient, amount)?;
        require_no_data(&data)?;
        if is_ether {
            self.escrows.begin(payment_id).map_err(PaymentError::from)?;
            emit!(self.vm(), CompletionSettled[payment_id, recipient](amount));
            self.rail.send_ether(recipient, amount)?;
        } else {
            self.escrows
                .settle(parties, payment_id, recipient, amount)?;
        }
        Ok(SETTLED)
    }

    /// Holds `amount` of the pipeline's tokens, which it has approved, for a job. What counts is what arrives.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`],
    ///   [`bpe_common::settlement::JobExists`], [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`bpe_common::settlement::Escrowed`]
    pub fn escrow(&mut self, job_id: B256, amount: U256) -> Result<(), Error> {
        let parties = self.rail.only_pipeline()?;
        Ok(self.escrows.lock(parties, job_id, amount)?)
    }

    /// Pays all that is held for a job to `recipient`.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::EscrowNotFound`],
    ///   [`bpe_common::settlement::EscrowAlreadyReleased`], [`bpe_common::settlement::InvalidRecipient`],
    ///   [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`bpe_common::settlement::EscrowReleased`]
    pub fn release_escrow(&mut self, job_id: B256, recipient: Address) -> Result<(), Error> {
        let (_, token) = self.rail.only_pipeline()?;
        Ok(self.escrows.release(token, job_id, recipient)?)
    }

    /// Pays `amount` for a job to `provider`, once: out of what is held for it, of which the rest goes back to the pipeline; or
    /// else out of what the pipeline has approved. The pipeline is the judge of `proof`, which is not looked at.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`],
    ///   [`bpe_common::settlement::InvalidRecipient`], [`bpe_common::settlement::EscrowTooSmall`],
    ///   [`bpe_common::settlement::JobExists`], [`bpe_common::erc20::SafeERC20FailedOperation`]
    ///
    /// # Events
    ///
    /// * [`CompletionSettled`]; [`bpe_common::settlement::EscrowReleased`] for the rest.
    pub fn settle_completion(
        &mut self,
        job_id: B256,
        provider: Address,
        amount: U256,
        _proof: Bytes,
    ) -> Result<(), Error> {
        let parties = self.rail.only_pipeline()?;
        Ok(self.escrows.settle(parties, job_id, provider, amount)?)
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

    /// What is held for a job.
    pub fn get_escrowed_amount(&self, job_id: B256) -> U256 {
        self.escrows.held(job_id)
    }

    /// What a stream earns, in wei per second; zero if there is none, or it has ended.
    pub fn get_stream_flow_rate(&self, stream_id: B256) -> U256 {
        self.streams.flow_rate(stream_id)
    }

    /// What a stream has earned and not been paid.
    pub fn get_stream_earned(&self, stream_id: B256) -> U256 {
        self.streams.earned(stream_id)
    }

    /// The rail's name: `keccak256("direct")`.
    pub fn rail_id() -> B256 {
        RAIL_ID
    }

    /// The same as [`DirectSettlementAdapter::rail_id`].
    #[selector(name = "RAIL_ID")]
    pub fn rail_id_constant(&self) -> B256 {
        RAIL_ID
    }
}
