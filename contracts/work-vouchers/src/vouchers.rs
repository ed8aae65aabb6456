//! Vouchers: running totals between a sink and a source, signed by both, and what of them counts.

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, Revert},
    eip712::hash_words,
    emit,
    events::Word,
    interfaces::{IWorkEvidence, IWorkReserve},
    math::{to_u128_saturating, work::Part},
    packed::{narrow, pack, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    counting::{Facts, StorageWork},
    verified::Usage,
    AmountTooLarge, BatchTooLarge, Error, NoAllowance, NothingAvailable, NothingNew, Redeemed,
    SignedVoucher, SourceNeverPaid, TotalsBelowCounted, ValueWithoutWork, VoucherFromFuture,
    VoucherRejected, WorkVouchers, WorkWithoutValue, DOMAIN,
};

/// `keccak256("WorkVoucher(bytes32 taskTypeId,address sink,address source,uint256 work,uint256 value,uint256 tasks,uint256 timestamp)")`
pub const VOUCHER_TYPEHASH: B256 =
    b256!("2d0f189438b64562564297d63778fdeafa11a3e4111e8828bb0b4271f4215f2c");
/// A voucher's time may be so many seconds ahead of the chain's.
pub const MAX_CLOCK_SKEW: u64 = 30;
/// The most vouchers in a batch.
pub const MAX_BATCH: usize = 64;

/// What has counted between two since ever. One slot: work (104 bits), value (112), tasks (40).
#[storage]
pub struct Pair {
    pub(super) work: StorageWork,
    /// In wei.
    pub(super) value: StorageUint<112, 2>,
    pub(super) tasks: StorageUint<40, 1>,
}

/// What of a voucher has not counted, as it was checked.
struct Claim {
    /// Totals before.
    counted: Part,
    /// What is above them.
    rest: Part,
    /// The voucher's total of tasks, and how many of them are new.
    tasks: u128,
    new_tasks: u128,
}

/// What is asked once for several vouchers in a row.
#[derive(Default)]
pub(super) struct Context {
    pub(super) facts: Option<Facts>,
    pub(super) fee: Option<(B256, u128)>,
    pub(super) usage: Usage,
}

impl WorkVouchers {
    /// Counts one voucher.
    pub(super) fn redeem_one(&mut self, voucher: &SignedVoucher) -> Result<(), Error> {
        let mut context = Context::default();
        self.count(voucher, &mut context)?;
        self.tell_usage(&mut context)
    }

    /// Counts what is good of several, and says what is not.
    pub(super) fn redeem_all(&mut self, vouchers: &[SignedVoucher]) -> Result<(), Error> {
        if vouchers.len() > MAX_BATCH {
            let length = U256::from(vouchers.len());
            return Err(BatchTooLarge { length }.into());
        }
        let mut context = Context::default();
        for voucher in vouchers {
            let reason = match self.count(voucher, &mut context) {
                Ok(()) => continue,
                Err(error) if is_callers(&error) => return Err(error),
                Err(error) => selector(error),
            };
            emit!(
                self.vm(),
                VoucherRejected[voucher.taskTypeId, voucher.sink, voucher.source](reason)
            );
        }
        self.tell_usage(&mut context)
    }

    /// Has WorkReserve pay each sink of `vouchers` all that it is owed.
    pub(super) fn pay_all(&self, vouchers: &[SignedVoucher]) -> Result<(), Error> {
        for voucher in vouchers {
            // Nothing is left for a sink that comes a second time.
            let selector = IWorkReserve::payOutCall::SELECTOR;
            let arguments = [voucher.taskTypeId, voucher.sink.word()];
            let [] = invoke_words(self.vm(), self.work_reserve.get(), selector, &arguments)?;
        }
        Ok(())
    }

    /// Checks, then counts. Writes nothing unless something counts, but for notes of what the source paid.
    fn count(&mut self, voucher: &SignedVoucher, context: &mut Context) -> Result<(), Error> {
        let (id, sink, source) = (voucher.taskTypeId, voucher.sink, voucher.source);
        let claim = self.claim(voucher)?;
        let digest = DOMAIN.digest(self.vm(), voucher_hash(voucher));
        self.require_signed(sink, digest, &voucher.sinkSig)?;
        self.require_signed(source, digest, &voucher.sourceSig)?;

        let facts = self.known_facts(context, id, sink)?;
        let allowance = self.allowance(&facts);
        if allowance == 0 {
            return Err(NoAllowance { sink }.into());
        }
        let fee = self.known_fee(context, id)?;
        // Without a fee a wei buys all there is to buy.
        let part = self.spend(voucher, claim.rest, [allowance, fee.max(1)])?;
        let tasks = self.store_pair(voucher, &claim, part);
        self.count_for_sink(&facts, part);
        self.prove(&facts, part, fee, context)?;
        emit!(
            self.vm(),
            Redeemed[id, sink, source](
                part.work,
                part.value,
                tasks,
                claim.rest.work.saturating_sub(part.work),
                claim.rest.value.saturating_sub(part.value)
            )
        );
        Ok(())
    }

    /// What of the voucher has not counted. Each total must be at least what has been.
    fn claim(&self, voucher: &SignedVoucher) -> Result<Claim, Error> {
        let latest = U256::from(self.now().saturating_add(MAX_CLOCK_SKEW));
        if voucher.timestamp > latest {
            let timestamp = voucher.timestamp;
            return Err(VoucherFromFuture { timestamp, latest }.into());
        }
        let (work, value, tasks) = (voucher.work, voucher.value, voucher.tasks);
        let known = self.totals(voucher.taskTypeId, voucher.source, voucher.sink);
        if work < known.0 || value < known.1 || tasks < known.2 {
            let (work, value, tasks) = known;
            return Err(TotalsBelowCounted { work, value, tasks }.into());
        }
        let fits = narrow::<104, 2>(work).is_some() && narrow::<40, 1>(tasks).is_some();
        if !fits || narrow::<112, 2>(value).is_none() {
            let amount = work.max(value).max(tasks);
            return Err(AmountTooLarge { amount }.into());
        }
        // All fit, as the totals do.
        let (new_work, new_value) = (work.saturating_sub(known.0), value.saturating_sub(known.1));
        match (new_work.is_zero(), new_value.is_zero()) {
            (true, true) => Err(NothingNew {}.into()),
            (true, false) => Err(ValueWithoutWork { value: new_value }.into()),
            (false, true) => Err(WorkWithoutValue { work: new_work }.into()),
            (false, false) => Ok(Claim {
                counted: part(known.0, known.1),
                rest: part(new_work, new_value),
                tasks: to_u128_saturating(tasks),
                new_tasks: to_u128_saturating(tasks.saturating_sub(known.2)),
            }),
        }
    }

    /// Has WorkReserve spend the source's money on what has not counted: on all of it, if what is noted suffices; else on as much
    /// as what its stream has brought until now does.
    fn spend(
        &mut self,
        voucher: &SignedVoucher,
        rest: Part,
        [allowance, fee]: [u128; 2],
    ) -> Result<Part, Error> {
        let (id, source) = (voucher.taskTypeId, voucher.source);
        let mut arguments = [
            id,
            source.word(),
            voucher.sink.word(),
            self.paid(IWorkEvidence::getPaidCall::SELECTOR, id, source)?,
            rest.work.word(),
            rest.value.word(),
            allowance.word(),
            fee.word(),
            true.word(),
        ];
        let (part, _) = self.ask_reserve(&arguments)?;
        if part.value > 0 {
            return Ok(part);
        }
        arguments[3] = self.paid(IWorkEvidence::noteCall::SELECTOR, id, source)?;
        arguments[8] = false.word();
        let (part, available) = self.ask_reserve(&arguments)?;
        if part.value > 0 {
            return Ok(part);
        }
        // A part of the value that is less than a wei.
        if available >= U256::from(rest.value) {
            let sink = voucher.sink;
            return Err(NoAllowance { sink }.into());
        }
        if available.is_zero() && arguments[3].is_zero() {
            return Err(SourceNeverPaid { source }.into());
        }
        Err(NothingAvailable { source, available }.into())
    }

    /// What WorkLedger says that `source` has paid: as noted until now, or with a note.
    fn paid(&self, selector: [u8; 4], id: B256, source: Address) -> Result<B256, Error> {
        let arguments = [id, source.word()];
        let [paid] = invoke_words(self.vm(), self.work_ledger.get(), selector, &arguments)?;
        Ok(paid.word())
    }

    /// What counts, and what the source had for this sink.
    fn ask_reserve(&self, arguments: &[B256]) -> Result<(Part, U256), Error> {
        let selector = IWorkReserve::spendCall::SELECTOR;
        let reserve = self.work_reserve.get();
        let [work, value, available] = invoke_words(self.vm(), reserve, selector, arguments)?;
        Ok((part(work, value), available))
    }

    /// Writes what counts between the two down. Returns how many tasks that is: all new ones when all of the work counts;
    /// until then none, as tasks have no parts.
    fn store_pair(&mut self, voucher: &SignedVoucher, claim: &Claim, part: Part) -> u128 {
        let mut pairs = self.pairs.setter(voucher.taskTypeId);
        let mut of_source = pairs.setter(voucher.source);
        let mut pair = of_source.setter(voucher.sink);
        // All fit: at most the voucher's totals.
        pair.work
            .set(pack(claim.counted.work.saturating_add(part.work)));
        pair.value
            .set(pack(claim.counted.value.saturating_add(part.value)));
        match part == claim.rest {
            true => {
                pair.tasks.set(Uint::wrapping_from(U256::from(claim.tasks)));
                claim.new_tasks
            }
            false => 0,
        }
    }

    pub(super) fn totals(&self, id: B256, source: Address, sink: Address) -> (U256, U256, U256) {
        let pairs = self.pairs.getter(id);
        let of_source = pairs.getter(source);
        let pair = of_source.getter(sink);
        (
            widen(pair.work.get()),
            widen(pair.value.get()),
            widen(pair.tasks.get()),
        )
    }
}

/// Work and value, which fit.
/// Whether it is the caller's fault, not the voucher's: too little gas, of which neighbours that run out say nothing.
fn is_callers(error: &Error) -> bool {
    match error {
        Error::InsufficientGas(_) => true,
        Error::Revert(Revert(data)) => data.is_empty(),
        _ => false,
    }
}

fn part(work: U256, value: U256) -> Part {
    Part {
        work: to_u128_saturating(work),
        value: to_u128_saturating(value),
    }
}

fn voucher_hash(voucher: &SignedVoucher) -> B256 {
    hash_words(&[
        VOUCHER_TYPEHASH,
        voucher.taskTypeId,
        voucher.sink.word(),
        voucher.source.word(),
        voucher.work.word(),
        voucher.value.word(),
        voucher.tasks.word(),
        voucher.timestamp.word(),
    ])
}

/// The selector of the error, as a word: bytes4 stand on the left.
fn selector(error: Error) -> B256 {
    let encoded: Vec<u8> = error.into();
    let mut word = B256::ZERO;
    for (to, from) in word.iter_mut().zip(encoded.iter().take(4)) {
        *to = *from;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use bpe_common::call::InsufficientGas;

    /// Whoever redeems a batch with too little gas is told so, and no voucher is rejected for it.
    #[test]
    fn too_little_gas_is_the_callers_fault() {
        let (required, available) = (U256::from(2), U256::from(1));
        let gas = InsufficientGas {
            required,
            available,
        };
        assert!(is_callers(&gas.into()));
        assert!(is_callers(&Error::Revert(Revert(vec![]))));
        assert!(!is_callers(&Error::Revert(Revert(vec![1, 2, 3, 4]))));
        assert!(!is_callers(&NothingNew {}.into()));
    }
}
