//! SuperfluidSettlementAdapter: pays in a Super Token, at once or as a flow.
//!
//! | who | may |
//! |---|---|
//! | the pipeline | [`execute`](SuperfluidSettlementAdapter::execute), hold and release money for jobs, settle jobs, begin and adjust flows |
//!
//! It has no owner. Token and pipeline are set at construction, for good: CrossProtocolRouter, where `bpe deploy` did it. It
//! holds nothing but escrows. All amounts are in wei of the Super Token.
//!
//! A payment of `execute` goes from the pipeline to the recipient without resting here. A job's escrow is the pipeline's money:
//! the pipeline says who gets it. Streams are Superfluid's flows out of the pipeline's own account, which has to authorise this
//! contract as its flow operator first (`updateFlowOperatorPermissions` of Superfluid's CFA): nothing flows through here, and
//! Superfluid closes a flow whose payer has nothing left. See [`bpe_common::settlement`].
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{call, calldata, query_words, to_address, Revert, ALL_GAS},
    connections::host_of,
    emit,
    events::Word,
    settlement::{
        require_flow_rate, require_no_data, require_recipient, stream_id, Escrows, PaymentError,
        Rail, StreamAdjusted, StreamError, StreamInitialized, StreamNotActive, SETTLED,
    },
    superfluid::{agreement_call, IConstantFlowAgreementV1, ISuperfluid, CFA_V1},
};
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

pub use interface::*;

/// As much is passed on of what Superfluid reverts with.
const REASON_LIMIT: usize = 1_024;
/// The rail's name: `keccak256("superfluid")`.
const RAIL_ID: B256 = b256!("dd1722a1b0d9305df8e08f6c75dbdd4b571b5df63173cf9d148f32e36a8185af");

/// The contract. Slots 0–1: token, pipeline. Then escrows, providers of flows, and Superfluid's agreement.
#[entrypoint]
#[storage]
pub struct SuperfluidSettlementAdapter {
    #[borrow]
    rail: Rail,
    escrows: Escrows,
    /// Providers of the pipeline's flows, by the flow's id.
    providers: StorageMap<B256, StorageAddress>,
    host: StorageAddress,
    cfa: StorageAddress,
}

#[public]
#[inherit(Rail)]
impl SuperfluidSettlementAdapter {
    /// Sets the contract up, for good.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::call::NotAContract`] for `token`, [`bpe_common::settlement::InvalidRecipient`] for a pipeline of zero.
    /// * [`NotASuperToken`] if the token knows no Superfluid.
    #[constructor]
    pub fn constructor(&mut self, token: Address, pipeline: Address) -> Result<(), Error> {
        self.rail.initialize(token, pipeline)?;
        let host = host_of(self.vm(), token).ok_or(NotASuperToken { token })?;
        let selector = ISuperfluid::getAgreementClassCall::SELECTOR;
        let [cfa] =
            query_words(self.vm(), host, selector, &[CFA_V1]).map_err(PaymentError::from)?;
        self.host.set(host);
        self.cfa.set(to_address(cfa));
        Ok(())
    }

    // --- The pipeline

    /// Pays `amount` of the pipeline's tokens, which it has approved, to `recipient`. `data` is empty.
    ///
    /// # Returns
    ///
    /// * `outcome`: 2, settled.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroAmount`],
    ///   [`bpe_common::settlement::InvalidRecipient`], [`bpe_common::settlement::InvalidPaymentData`],
    ///   [`bpe_common::settlement::JobExists`], [`bpe_common::erc20::SafeERC20FailedOperation`]
    /// * [`EtherNotAccepted`]
    ///
    /// # Events
    ///
    /// * [`bpe_common::settlement::CompletionSettled`]
    #[payable]
    pub fn execute(
        &mut self,
        payment_id: B256,
        recipient: Address,
        amount: U256,
        data: Bytes,
    ) -> Result<u8, Error> {
        let parties = self.rail.only_pipeline()?;
        let value = self.vm().msg_value();
        if !value.is_zero() {
            return Err(EtherNotAccepted { value }.into());
        }
        require_no_data(&data)?;
        self.escrows
            .settle(parties, payment_id, recipient, amount)?;
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

    /// Has `flow_rate` wei per second flow from the pipeline, which has authorised this contract as its flow operator, to
    /// `provider`. There is one flow to a provider at a time.
    ///
    /// # Returns
    ///
    /// * `streamId`
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::ZeroFlowRate`],
    ///   [`bpe_common::settlement::FlowRateTooHigh`], [`bpe_common::settlement::InvalidRecipient`]
    /// * What Superfluid reverts with: no permission, too little money, or a flow that is there.
    ///
    /// # Events
    ///
    /// * [`StreamInitialized`]
    pub fn initialize_stream(&mut self, provider: Address, flow_rate: U256) -> Result<B256, Error> {
        self.rail.only_pipeline()?;
        require_recipient(provider).map_err(PaymentError::from)?;
        require_flow_rate(flow_rate)?;
        let stream_id = stream_id(self.vm().contract_address(), provider.into_word());
        self.providers.setter(stream_id).set(provider);
        emit!(self.vm(), StreamInitialized[stream_id, provider](flow_rate));
        let create = IConstantFlowAgreementV1::createFlowByOperatorCall::SELECTOR;
        self.change_flow(create, provider, Some(flow_rate))?;
        Ok(stream_id)
    }

    /// Has `new_flow_rate` wei per second flow from now on; closes the flow, if zero.
    ///
    /// # Errors
    ///
    /// * [`bpe_common::settlement::OnlyPipeline`], [`bpe_common::settlement::FlowRateTooHigh`]
    /// * [`bpe_common::settlement::StreamNotActive`] if there is none, whoever has closed it.
    /// * What Superfluid reverts with.
    ///
    /// # Events
    ///
    /// * [`StreamAdjusted`]
    pub fn adjust_stream(&mut self, stream_id: B256, new_flow_rate: U256) -> Result<(), Error> {
        self.rail.only_pipeline()?;
        if self.get_stream_flow_rate(stream_id)?.is_zero() {
            return Err(StreamError::from(StreamNotActive {}).into());
        }
        let provider = self.providers.get(stream_id);
        emit!(self.vm(), StreamAdjusted[stream_id](new_flow_rate));
        if new_flow_rate.is_zero() {
            let delete = IConstantFlowAgreementV1::deleteFlowByOperatorCall::SELECTOR;
            return self.change_flow(delete, provider, None);
        }
        require_flow_rate(new_flow_rate)?;
        let update = IConstantFlowAgreementV1::updateFlowByOperatorCall::SELECTOR;
        self.change_flow(update, provider, Some(new_flow_rate))
    }

    // --- Views

    /// Whether it pays in `token`: its own, and no ether.
    pub fn accepts(&self, token: Address) -> bool {
        token == self.rail.token()
    }

    /// What is held for a job.
    pub fn get_escrowed_amount(&self, job_id: B256) -> U256 {
        self.escrows.held(job_id)
    }

    /// What flows to a stream's provider now, in wei per second, as Superfluid says; zero if nothing does.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn get_stream_flow_rate(&self, stream_id: B256) -> Result<U256, Error> {
        let provider = self.providers.get(stream_id);
        if provider.is_zero() {
            return Ok(U256::ZERO);
        }
        let selector = IConstantFlowAgreementV1::getFlowCall::SELECTOR;
        let arguments = [
            self.rail.token().word(),
            self.rail.pipeline().word(),
            provider.word(),
        ];
        let [_, flow_rate] = query_words(self.vm(), self.cfa.get(), selector, &arguments)
            .map_err(PaymentError::from)?;
        Ok(flow_rate)
    }

    /// The rail's name: `keccak256("superfluid")`.
    pub fn rail_id() -> B256 {
        RAIL_ID
    }

    /// The same as [`SuperfluidSettlementAdapter::rail_id`].
    #[selector(name = "RAIL_ID")]
    pub fn rail_id_constant(&self) -> B256 {
        RAIL_ID
    }
}

impl SuperfluidSettlementAdapter {
    /// Has the host change the pipeline's flow to `provider`, as its flow operator: to a rate, or to nothing.
    fn change_flow(
        &mut self,
        selector: [u8; 4],
        provider: Address,
        flow_rate: Option<U256>,
    ) -> Result<(), Error> {
        let mut arguments = vec![
            self.rail.token().word(),
            self.rail.pipeline().word(),
            provider.word(),
        ];
        arguments.extend(flow_rate.map(Word::word));
        // An empty `ctx` behind, which the host fills in.
        let context_at = arguments.len().saturating_add(1).saturating_mul(32);
        arguments.extend([context_at.word(), 0_usize.word()]);
        let request = agreement_call(self.cfa.get(), &calldata(selector, &arguments), &[]);
        let answer = call(self.vm(), self.host.get(), &request, ALL_GAS, REASON_LIMIT);
        match answer.success {
            true => Ok(()),
            false => Err(PaymentError::from(Revert(answer.data)).into()),
        }
    }
}
