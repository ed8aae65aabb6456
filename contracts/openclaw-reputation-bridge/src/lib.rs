//! OpenClawReputationBridge: what agents complete, and fail to, as reputation of their operators in ReputationLedger.
//!
//! | who | may |
//! |---|---|
//! | anyone | read |
//! | an authorised reporter, as OpenClawCompletionVerifier is | report completions and failures |
//! | the owner | authorise and revoke reporters |
//!
//! The owner can report nothing, but whom it authorises can. The ledger's owner has to let this contract record in the domain
//! `keccak256("OPENCLAW_AGENT")`.
//!
//! # Points
//!
//! A completion is said in an event and moves nothing: whoever executes for itself could report any number of them for gas alone.
//! What an operator earns are points for protocol fees lost on counted work, from WorkReputation. A failure is 10 points, of
//! which the ledger takes three for one: 30. Scores go from 0 to 10 000; discounts are in basis points. Reputation is the
//! operator's, over all its agents and skills; the skill type of a report is only said in the event.
//!
//! # Two kinds of refusal
//!
//! As in the existing deployment, who is not the owner gets [`NotOwner`] from the functions of this contract. Those of
//! two-step ownership are the suite's, and have its errors.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, require_contract},
    emit,
    interfaces::IReputationRecords,
    ownable::Ownable,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// `keccak256("OPENCLAW_AGENT")`, as in OpenClawCapacityAdapter.
pub const OPENCLAW_DOMAIN: B256 =
    b256!("383526e1c50782829cc278d3686b6c0b4878101b8304b0168b0eecde2c3e7f30");
/// Points of a completion: executions are free to make.
pub const COMPLETION_POINTS: u64 = 0;
/// Points of a failure, before the ledger weighs them.
pub const FAILURE_POINTS: u64 = 10;
/// The most reports in a batch.
pub const MAX_BATCH: usize = 100;

/// The contract. Slots 0–1: ownership. Slot 2: ReputationLedger. Then the reporters.
#[entrypoint]
#[storage]
pub struct OpenClawReputationBridge {
    #[borrow]
    ownable: Ownable,
    reputation_ledger: StorageAddress,
    reporters: StorageMap<Address, StorageBool>,
}

#[public]
#[inherit(Ownable)]
impl OpenClawReputationBridge {
    /// Sets the contract up: where reputation is kept, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableInvalidOwner`]
    #[constructor]
    pub fn constructor(&mut self, reputation_ledger: Address, owner: Address) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), reputation_ledger)?;
        self.reputation_ledger.set(reputation_ledger);
        Ok(())
    }

    // --- Reporters

    /// Reports that an agent of `operator` completed an execution of the skill. An event says so; nothing else changes.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorized`]
    ///
    /// # Events
    ///
    /// * [`SkillCompletionReported`]
    pub fn report_completion(
        &mut self,
        operator: Address,
        skill_type_id: B256,
    ) -> Result<(), Error> {
        self.only_reporter()?;
        self.report(operator, skill_type_id, true)
    }

    /// Reports that an agent of `operator` failed at an execution of the skill: 10 points, which the ledger takes thrice.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorized`]
    /// * What ReputationLedger reverts with: this contract may not record in the domain, say.
    ///
    /// # Events
    ///
    /// * [`SkillCompletionReported`]
    pub fn report_failure(&mut self, operator: Address, skill_type_id: B256) -> Result<(), Error> {
        self.only_reporter()?;
        self.report(operator, skill_type_id, false)
    }

    /// Reports a completion, or a failure, of each operator, in their order. All or none; at most 100.
    ///
    /// # Errors
    ///
    /// * As [`OpenClawReputationBridge::report_failure`]; [`LengthMismatch`], [`BatchTooLarge`]
    ///
    /// # Events
    ///
    /// * [`SkillCompletionReported`] for each.
    pub fn report_batch(
        &mut self,
        operators: Vec<Address>,
        skill_type_ids: Vec<B256>,
        successes: Vec<bool>,
    ) -> Result<(), Error> {
        self.only_reporter()?;
        let (length, maximum) = (operators.len(), MAX_BATCH);
        if skill_type_ids.len() != length || successes.len() != length {
            return Err(LengthMismatch {
                operators: U256::from(length),
                skillTypeIds: U256::from(skill_type_ids.len()),
                successes: U256::from(successes.len()),
            }
            .into());
        }
        if length > maximum {
            let (length, maximum) = (U256::from(length), U256::from(maximum));
            return Err(BatchTooLarge { length, maximum }.into());
        }
        let reports = operators.into_iter().zip(skill_type_ids).zip(successes);
        for ((operator, skill_type_id), success) in reports {
            self.report(operator, skill_type_id, success)?;
        }
        Ok(())
    }

    // --- Owner

    /// Lets `reporter` report.
    ///
    /// # Errors
    ///
    /// * [`NotOwner`]
    ///
    /// # Events
    ///
    /// * [`ReporterAuthorized`]
    pub fn authorize_reporter(&mut self, reporter: Address) -> Result<(), Error> {
        self.set_reporter(reporter, true)?;
        emit!(self.vm(), ReporterAuthorized[reporter]);
        Ok(())
    }

    /// Lets `reporter` report no longer.
    ///
    /// # Errors
    ///
    /// * [`NotOwner`]
    ///
    /// # Events
    ///
    /// * [`ReporterRevoked`]
    pub fn revoke_reporter(&mut self, reporter: Address) -> Result<(), Error> {
        self.set_reporter(reporter, false)?;
        emit!(self.vm(), ReporterRevoked[reporter]);
        Ok(())
    }

    // --- Views

    /// What ReputationLedger has of the operator in this domain.
    ///
    /// # Errors
    ///
    /// * What ReputationLedger reverts with.
    pub fn get_open_claw_reputation(&self, operator: Address) -> Result<DomainReputation, Error> {
        let [score, stake_duration, completions, slash_count, last_updated] = self.ask(
            IReputationRecords::getDomainReputationCall::SELECTOR,
            &[operator.into_word(), OPENCLAW_DOMAIN],
        )?;
        Ok(DomainReputation {
            score,
            stakeDuration: stake_duration,
            completions,
            slashCount: slash_count,
            lastUpdated: last_updated,
        })
    }

    /// The operator's score over all domains, from 0 to 10 000.
    ///
    /// # Errors
    ///
    /// * What ReputationLedger reverts with.
    pub fn get_aggregate_reputation(&self, operator: Address) -> Result<U256, Error> {
        let [score] = self.ask(
            IReputationRecords::getAggregateReputationCall::SELECTOR,
            &[operator.into_word()],
        )?;
        Ok(score)
    }

    /// What the operator needs not stake in this domain, in basis points, for its scores in the others.
    ///
    /// # Returns
    ///
    /// * `discountBps`
    ///
    /// # Errors
    ///
    /// * What ReputationLedger reverts with.
    pub fn get_stake_discount(&self, operator: Address) -> Result<U256, Error> {
        let [discount] = self.ask(
            IReputationRecords::getStakeDiscountCall::SELECTOR,
            &[operator.into_word(), OPENCLAW_DOMAIN],
        )?;
        Ok(discount)
    }

    /// Whether `reporter` may report.
    pub fn authorized_reporters(&self, reporter: Address) -> bool {
        self.reporters.get(reporter)
    }

    /// Where reputation is kept.
    pub fn reputation_ledger(&self) -> Address {
        self.reputation_ledger.get()
    }

    /// Points of a completion: none.
    #[selector(name = "COMPLETION_POINTS")]
    pub fn completion_points(&self) -> U256 {
        U256::from(COMPLETION_POINTS)
    }

    /// Points of a failure, before the ledger weighs them.
    #[selector(name = "FAILURE_POINTS")]
    pub fn failure_points(&self) -> U256 {
        U256::from(FAILURE_POINTS)
    }

    /// The domain in which this contract records, `keccak256("OPENCLAW_AGENT")`.
    #[selector(name = "OPENCLAW_DOMAIN")]
    pub fn openclaw_domain(&self) -> B256 {
        OPENCLAW_DOMAIN
    }
}

impl OpenClawReputationBridge {
    fn only_reporter(&self) -> Result<(), Error> {
        match self.reporters.get(self.vm().msg_sender()) {
            true => Ok(()),
            false => Err(NotAuthorized {}.into()),
        }
    }

    fn set_reporter(&mut self, reporter: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner().map_err(|_| NotOwner {})?;
        self.reporters.setter(reporter).set(authorized);
        Ok(())
    }

    fn report(&self, operator: Address, skill_type_id: B256, success: bool) -> Result<(), Error> {
        emit!(self.vm(), SkillCompletionReported[operator, skill_type_id](success));
        if success {
            return Ok(());
        }
        let selector = IReputationRecords::recordNegativeCall::SELECTOR;
        let arguments = [
            operator.into_word(),
            OPENCLAW_DOMAIN,
            U256::from(FAILURE_POINTS).into(),
        ];
        let ledger = self.reputation_ledger.get();
        let [] = invoke_words(self.vm(), ledger, selector, &arguments)?;
        Ok(())
    }

    fn ask<const N: usize>(
        &self,
        selector: [u8; 4],
        arguments: &[B256],
    ) -> Result<[U256; N], Error> {
        let ledger = self.reputation_ledger.get();
        Ok(query_words(self.vm(), ledger, selector, arguments)?)
    }
}
