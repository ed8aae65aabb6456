//! Where misses are reported: a power over stakes, given with notice.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::require_contract,
    clock, emit,
    interfaces::{ITaskTypeRegistrar, IWorkMisses},
    powers::{self, power},
};
use stylus_sdk::prelude::*;

use super::{Error, ForeignMisses, WorkLedger, WorkMissesSet};

/// The power to take down misses, as [`powers::PowerAnnounced`] names it.
pub const MISSES: B256 = power("workMisses");

impl WorkLedger {
    /// Gives the power to `misses`, which has to be that of this contract; takes it away, if zero.
    pub(super) fn name_misses(&mut self, misses: Address) -> Result<(), Error> {
        if !misses.is_zero() {
            require_contract(self.vm(), misses)?;
            let ledger = self.link(misses, IWorkMisses::workLedgerCall::SELECTOR)?;
            if ledger != self.vm().contract_address() {
                return Err(ForeignMisses { misses }.into());
            }
        }
        let registry = self.capacity_registry.get();
        let stakes = self.link(registry, ITaskTypeRegistrar::stakeManagerCall::SELECTOR)?;
        let notice = powers::notice(self.vm(), stakes)?;
        let now = clock::block_timestamp(self.vm());
        match self.work_misses.give(misses, now, notice) {
            0 => emit!(self.vm(), WorkMissesSet[misses]),
            from => powers::tell(self.vm(), MISSES, misses, from),
        }
        Ok(())
    }
}
