//! Who reports and answers misses: a power over stakes, given with notice.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    clock, emit,
    interfaces::{IJudge, ITaskTypeRegistrar},
    powers::{self, power},
};
use stylus_sdk::prelude::*;

use super::{Error, ForeignJudge, JudgeSet, WorkLedger};

/// The power to report and answer misses, as [`powers::PowerAnnounced`] names it.
pub const JUDGE: B256 = power("judge");

impl WorkLedger {
    /// Gives the power to `judge`, which has to be that of this contract; takes it away, if zero.
    pub(super) fn name_judge(&mut self, judge: Address) -> Result<(), Error> {
        let registry = self.capacity_registry.get();
        let stakes = self.link(registry, ITaskTypeRegistrar::stakeManagerCall::SELECTOR)?;
        if !judge.is_zero() {
            self.require_own(judge, registry, stakes)?;
        }
        let notice = powers::notice(self.vm(), stakes)?;
        let now = clock::block_timestamp(self.vm());
        match self.judge.give(judge, now, notice) {
            0 => emit!(self.vm(), JudgeSet[judge]),
            from => powers::tell(self.vm(), JUDGE, judge, from),
        }
        Ok(())
    }

    fn require_own(&self, judge: Address, registry: Address, stakes: Address) -> Result<(), Error> {
        require_contract(self.vm(), judge)?;
        let selector = IJudge::getLinksCall::SELECTOR;
        let links: [U256; 4] = query_words(self.vm(), judge, selector, &[])?;
        let [_tracker, of_registry, of_stakes, ledger] = links.map(to_address);
        let here = self.vm().contract_address();
        match (of_registry, of_stakes, ledger) == (registry, stakes, here) {
            true => Ok(()),
            false => Err(ForeignJudge { judge }.into()),
        }
    }
}
