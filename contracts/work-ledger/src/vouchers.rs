//! Vouchers: running totals between a sink and a source, signed by both, and what of them counts.

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::invoke_words,
    eip712::hash_words,
    emit,
    events::Word,
    interfaces::IReservePayer,
    math::work::{counted, Part},
    packed::{narrow, to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

use super::{
    counting::{Facts, StorageWork, Work},
    reserve::{Amount, StorageAmount, PAID},
    AmountTooLarge, BatchTooLarge, Error, NoAllowance, NothingAvailable, NothingNew, Redeemed,
    SignedVoucher, SourceNeverPaid, TotalsBelowCounted, ValueWithoutWork, VoucherFromFuture,
    VoucherRejected, WorkLedger, WorkWithoutValue, DOMAIN,
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
    pub(super) value: StorageAmount,
    pub(super) tasks: StorageUint<40, 1>,
}

/// What of a voucher has not counted, as it was checked.
struct Claim {
    /// Totals before.
    counted: Part,
    /// What is above them.
    rest: Part,
    /// The voucher's total of tasks, and how many of them are new.
    tasks: u64,
    new_tasks: u64,
}

/// What is asked once for several vouchers in a row.
#[derive(Default)]
pub(super) struct Context {
    facts: Option<Facts>,
}

impl WorkLedger {
    /// Counts one voucher.
    pub(super) fn redeem_one(&mut self, voucher: &SignedVoucher) -> Result<(), Error> {
        let mut context = Context::default();
        self.count(voucher, &mut context)
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
                // The caller's fault, not the voucher's.
                Err(error @ Error::InsufficientGas(_)) => return Err(error),
                Err(error) => selector(error),
            };
            emit!(
                self.vm(),
                VoucherRejected[voucher.taskTypeId, voucher.sink, voucher.source](reason)
            );
        }
        Ok(())
    }

    /// Has EscrowBuffer pay each sink of `vouchers` all that it is owed.
    pub(super) fn pay_all(&mut self, vouchers: &[SignedVoucher]) -> Result<(), Error> {
        for voucher in vouchers {
            // Nothing is left for a sink that comes a second time.
            self.pay(voucher.taskTypeId, voucher.sink)?;
        }
        Ok(())
    }

    fn pay(&mut self, id: B256, sink: Address) -> Result<(), Error> {
        let amount = self.take_all_owed(id, sink);
        if amount == 0 {
            return Ok(());
        }
        let arguments = [id, sink.word(), amount.word(), self.unspent_sum(id).word()];
        let selector = IReservePayer::payOutCall::SELECTOR;
        let escrow = self.escrow_buffer.get();
        let [] = invoke_words(self.vm(), escrow, selector, &arguments)?;
        Ok(())
    }

    /// Checks, then counts. Writes nothing unless something counts, but for notes of what the source paid.
    fn count(&mut self, voucher: &SignedVoucher, context: &mut Context) -> Result<(), Error> {
        let (id, sink, source) = (voucher.taskTypeId, voucher.sink, voucher.source);
        let claim = self.claim(voucher)?;
        let digest = DOMAIN.digest(self.vm(), voucher_hash(voucher));
        self.require_signed(sink, digest, &voucher.sinkSig)?;
        self.require_signed(source, digest, &voucher.sourceSig)?;

        let (earmark, hour) = self.earmark_of(id, source, sink);
        let mut funds = self.funds(id, source);
        if funds.available(earmark) < claim.rest.value {
            // Its stream may have brought more.
            self.note_stream(id, source);
            funds = self.funds(id, source);
        }
        let available = funds.available(earmark);
        let facts = self.known_facts(context, id, sink)?;
        let allowance = self.allowance(&facts);
        let part = counted(claim.rest.work, claim.rest.value, allowance, available);
        if part.work == 0 {
            return Err(self.refusal(id, sink, source, available, allowance));
        }

        self.sweep(id, source);
        let used = funds.spend(part.value, earmark);
        self.use_earmark(id, source, sink, used, hour);
        self.store_funds(id, source, &funds);
        self.move_to_owed(id, part.value);
        let tasks = self.store_pair(id, sink, source, &claim, part);
        self.count_for_sink(&facts, part);
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
        let (work, value, tasks) = (voucher.work, voucher.value, voucher.tasks);
        let latest = U256::from(self.now().saturating_add(MAX_CLOCK_SKEW));
        if voucher.timestamp > latest {
            let timestamp = voucher.timestamp;
            return Err(VoucherFromFuture { timestamp, latest }.into());
        }
        let pairs = self.pairs.getter(voucher.taskTypeId);
        let of_source = pairs.getter(voucher.source);
        let pair = of_source.getter(voucher.sink);
        let known = (
            widen(pair.work.get()),
            widen(pair.value.get()),
            widen(pair.tasks.get()),
        );
        if work < known.0 || value < known.1 || tasks < known.2 {
            return Err(TotalsBelowCounted {
                work: known.0,
                value: known.1,
                tasks: known.2,
            }
            .into());
        }
        let fits = narrow::<104, 2>(work).is_some() && narrow::<40, 1>(tasks).is_some();
        if !fits || narrow::<112, 2>(value).is_none() {
            return Err(AmountTooLarge {
                amount: work.max(value).max(tasks),
            }
            .into());
        }
        // All fit, as the totals do.
        let rest = Part {
            work: work.saturating_sub(known.0).wrapping_to(),
            value: value.saturating_sub(known.1).wrapping_to(),
        };
        match (rest.work, rest.value) {
            (0, 0) => Err(NothingNew {}.into()),
            (0, value) => Err(ValueWithoutWork {
                value: U256::from(value),
            }
            .into()),
            (work, 0) => Err(WorkWithoutValue {
                work: U256::from(work),
            }
            .into()),
            _ => Ok(Claim {
                counted: Part {
                    work: known.0.wrapping_to(),
                    value: known.1.wrapping_to(),
                },
                rest,
                tasks: tasks.wrapping_to(),
                new_tasks: tasks.saturating_sub(known.2).wrapping_to(),
            }),
        }
    }

    /// Why nothing counts.
    fn refusal(
        &self,
        id: B256,
        sink: Address,
        source: Address,
        available: u128,
        allowance: u128,
    ) -> Error {
        if allowance == 0 {
            return NoAllowance { sink }.into();
        }
        let available = U256::from(available);
        let budgets = self.budgets.getter(id);
        let has_paid = budgets.getter(source).has(PAID);
        match has_paid {
            true => NothingAvailable { source, available }.into(),
            false => SourceNeverPaid { source }.into(),
        }
    }

    /// Writes what counts between the two down. Returns how many tasks that is: all new ones when all of the work counts;
    /// until then none, as tasks have no parts.
    fn store_pair(
        &mut self,
        id: B256,
        sink: Address,
        source: Address,
        claim: &Claim,
        part: Part,
    ) -> u64 {
        let work = claim.counted.work.saturating_add(part.work);
        let value = claim.counted.value.saturating_add(part.value);
        let mut pairs = self.pairs.setter(id);
        let mut of_source = pairs.setter(source);
        let mut pair = of_source.setter(sink);
        // All fit: at most the voucher's totals.
        pair.work.set(Work::wrapping_from(U256::from(work)));
        pair.value.set(Amount::wrapping_from(U256::from(value)));
        match part == claim.rest {
            true => {
                pair.tasks.set(Uint::wrapping_from(U256::from(claim.tasks)));
                claim.new_tasks
            }
            false => 0,
        }
    }

    /// Adds to what the sink is owed and has counted.
    fn count_for_sink(&mut self, facts: &Facts, part: Part) {
        let (id, sink, now) = (facts.id, facts.sink, self.now());
        self.owe(id, sink, part.value);
        let mut accounts = self.accounts.setter(id);
        let mut account = accounts.setter(sink);
        let before = to_u128(account.counted.get());
        // Fits: at most the registry's capacity-seconds.
        let total = before.saturating_add(part.work);
        account.counted.set(Work::wrapping_from(U256::from(total)));
        account.counted_at.set(Uint::wrapping_from(U256::from(now)));
    }

    fn known_facts(&self, context: &mut Context, id: B256, sink: Address) -> Result<Facts, Error> {
        if let Some(facts) = context.facts {
            if facts.id == id && facts.sink == sink {
                return Ok(facts);
            }
        }
        let facts = self.facts(id, sink)?;
        context.facts = Some(facts);
        Ok(facts)
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
