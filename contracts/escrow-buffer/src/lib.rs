//! EscrowBuffer: what sinks cannot take yet waits here, and is paid out as capacity becomes free.
//!
//! Each task type has a queue of deposits, brought by their sources ([`deposit`](EscrowBuffer::deposit)), and what overflowed
//! its pool ([`sync`](EscrowBuffer::sync)), which is nobody's until it is attributed to the sources that paid it
//! ([`attribute`](EscrowBuffer::attribute)). A drain pays the oldest first, and what is nobody's last.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`deposit`](EscrowBuffer::deposit), [`sync`](EscrowBuffer::sync), [`attribute`](EscrowBuffer::attribute), [`drain`](EscrowBuffer::drain), [`claim_for`](EscrowBuffer::claim_for), [`disconnect`](EscrowBuffer::disconnect) |
//! | a source | [`reclaim`](EscrowBuffer::reclaim) what of its deposit has not drained when its timeout has passed |
//! | a sink | [`claim`](EscrowBuffer::claim) what could not be paid to it |
//! | the owner | connect pool and ledger, once; set buffer limits; set the timeout of later deposits, within bounds |
//!
//! The owner can take nothing, and no limit or timeout that it sets touches what is here already.
//!
//! Amounts are in the token's wei, capacities in units of 1e-9, times in seconds since 1970. No protocol fee is taken here:
//! it was taken when the stream passed the pool.
//!
//! # How much drains
//!
//! Without price and limit, everything. With a price, a round drains at most what capacity was free to earn since the last
//! round began; what the queue could not use of that expires. While a pipeline limits a task type without a price, nothing
//! drains, nor in the hour after. The first look at a bound pool only notes where its counter stands: what
//! was free before counts for nothing. Shares are rounded down, and what is left over stays in the queue.
//!
//! # To whom
//!
//! To the registered sinks by what they have served, capacity times seconds, since where the last round ended, but in four hours at
//! least, up to the last end of an epoch. A sink that registered in this second gets nothing.
//!
//! # Rounds
//!
//! One call takes from at most [`MAX_DEPOSITS_PER_DRAIN`] deposits and pays as many sinks as the caller says. If there are
//! more, a round takes several calls, first to weigh them all, then to pay them: no sink is weighed or paid twice, leave and
//! come back as it may, and none is passed over because another one leaves. While a round is paying, which anyone can bring to
//! its end, nothing can be reclaimed or attributed. A round that is not weighed to its end in four hours begins anew.
//!
//! # By work
//!
//! Of a task type by work nothing comes here: its pool pays WorkReserve, and there are no deposits.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod books;
mod interface;
mod overflow;
mod rounds;
mod weights;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U128, U256, U32, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{query_words, require_contract, to_address},
    connections, emit, erc20,
    interfaces::IPoolDirectory,
    math::{self, mul_div_floor},
    ownable::Ownable,
    packed::widen,
};
use stylus_sdk::{prelude::*, storage::*};

use books::to_amount;
pub use interface::*;
pub use weights::LEAST_LOOK_BACK;

/// Sinks that [`EscrowBuffer::drain`] pays at most.
pub const SINKS_PER_DRAIN: u32 = 12;
/// Sinks of a page at most.
pub const MAX_SINKS_PER_DRAIN: u32 = 64;
/// Deposits that one drain takes from, or passes over, at most.
pub const MAX_DEPOSITS_PER_DRAIN: u64 = 32;
/// Sources that overflow is attributed to in one call at most.
pub const MAX_SOURCES: usize = 64;

/// What the token may use to pay a sink. A Super Token takes less than a third of it, unless the sink has a hook.
pub const PAYMENT_GAS: u64 = 300_000;

/// After this a deposit can be reclaimed unless the owner says otherwise: a day.
pub const DEFAULT_RECLAIM_TIMEOUT: u64 = 86_400;
/// An hour: sinks can count on what waits for that long at least.
pub const MIN_RECLAIM_TIMEOUT: u64 = 3_600;
/// The longest that an owner can make sources wait.
pub const MAX_RECLAIM_TIMEOUT: u64 = 30 * 86_400;
/// In the first so-many-th part of its timeout, more of its source joins a deposit.
pub const MERGE_PART: u64 = 24;

/// From this share of the limit on, sources should slow down: where Pipeline's breaker begins to count shocks.
pub const SLOW_DOWN_BPS: u16 = 9_000;

/// 1 in the fixed point of pressures.
const WAD: u64 = 1_000_000_000_000_000_000;

/// Token amounts. 5·10^15 tokens of 18 decimals.
type StorageAmount = StorageUint<112, 2>;
type Amount = Uint<112, 2>;

/// Sources by number, of 40 bits instead of an address's 160: so a deposit takes one slot.
type StorageSourceId = StorageUint<40, 1>;
type SourceId = Uint<40, 1>;

/// A deposit in the queue. One slot: amount (112 bits), source (40), time (64), timeout (32). All zero when nothing is
/// left of it.
#[storage]
pub struct QueuedDeposit {
    /// What of it has not drained.
    amount: StorageAmount,
    source: StorageSourceId,
    time: StorageU64,
    /// As it was set when the deposit was made: the owner cannot prolong it.
    timeout: StorageU32,
}

/// What waits of a source. One slot: amount (112 bits), latest (64).
#[storage]
pub struct SourceLevel {
    amount: StorageAmount,
    /// Number of its last deposit, plus 1.
    latest: StorageU64,
}

/// The buffer of a task type.
///
/// Slot 0: level (112 bits), head (64), tail (64): all that a booking changes. Slot 1: max (112), baseline (128),
/// has_baseline (8). Slot 2: unattributed (112), last_round (32). Slot 3: received (128). Slot 4: pool
/// (160), by_work (8). Slots 5 to 7, in use only where a round takes several calls: round_amount (112), round_total (128);
/// round_paid (112), round_cursor (32), round_end (32), round_number (64); round_from (32), round_until (32), is_paying (8).
#[storage]
pub struct Buffer {
    /// The sum of the queued deposits and of what is nobody's.
    level: StorageAmount,
    /// Number of the oldest deposit that something may be left of.
    head: StorageU64,
    /// Number that the next deposit gets: how many there were.
    tail: StorageU64,
    max: StorageAmount,
    /// Up to here of the meter's counter, what became free has been drained or has expired.
    baseline: StorageU128,
    has_baseline: StorageBool,
    /// What overflowed and is nobody's yet.
    unattributed: StorageAmount,
    /// Up to here the last round counted what was served.
    last_round: StorageU32,
    /// What the pool has paid since ever, as far as it is booked.
    received: StorageU128,
    pool: StorageAddress,
    by_work: StorageBool,
    round_amount: StorageAmount,
    round_total: StorageU128,
    round_paid: StorageAmount,
    /// How many sinks of the registry's list, from the first on, the round has not weighed, or paid.
    round_cursor: StorageU32,
    /// How many sinks there were when the round began; 0 if none is open.
    round_end: StorageU32,
    round_number: StorageU64,
    round_from: StorageU32,
    round_until: StorageU32,
    /// Whether its sinks are weighed.
    is_paying: StorageBool,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2: token (160 bits), reclaim_timeout (32), source_count (40): all that a deposit needs to know.
/// Slots 3–6: the neighbours, an address each, beside the last the least deposit (64). Slot 7: booked (128), credited (128).
/// Then the mappings.
#[entrypoint]
#[storage]
pub struct EscrowBuffer {
    #[borrow]
    ownable: Ownable,
    token: StorageAddress,
    reclaim_timeout: StorageU32,
    source_count: StorageSourceId,
    capacity_registry: StorageAddress,
    backpressure_pool: StorageAddress,
    work_ledger: StorageAddress,
    overflow_meter: StorageAddress,
    least: StorageU64,
    /// The sum of all levels.
    booked: StorageU128,
    /// The sum of all credits.
    credited: StorageU128,
    buffers: StorageMap<B256, Buffer>,
    deposits: StorageMap<B256, StorageMap<U64, QueuedDeposit>>,
    source_levels: StorageMap<B256, StorageMap<SourceId, SourceLevel>>,
    /// Numbers of sources, from 1.
    source_ids: StorageMap<Address, StorageSourceId>,
    sources: StorageMap<SourceId, StorageAddress>,
    credits: StorageMap<Address, StorageU256>,
    /// Number of the round that weighed a sink last, of those that take several calls; 1 more, when it has paid the sink.
    stamps: StorageMap<B256, StorageMap<Address, StorageU64>>,
}

/// A list of sinks, and of what goes with each.
type Sinks = Vec<(Address, U256)>;

#[public]
#[inherit(Ownable)]
impl EscrowBuffer {
    /// Sets the contract up: the token that waits here, the registry that knows the sinks, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`](bpe_common::call::NotAContract) for a token or a registry without code, `OwnableInvalidOwner`
    #[constructor]
    pub fn constructor(
        &mut self,
        token: Address,
        capacity_registry: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), token)?;
        require_contract(self.vm(), capacity_registry)?;
        connections::forbid(self.vm(), token);
        self.token.set(token);
        self.capacity_registry.set(capacity_registry);
        self.reclaim_timeout.set(U32::from(DEFAULT_RECLAIM_TIMEOUT));
        let decimals = erc20::decimals(self.vm(), token).unwrap_or_default();
        let millionth = u32::from(decimals.saturating_sub(6).min(18));
        self.least.set(U64::from(10_u64.saturating_pow(millionth)));
        Ok(())
    }

    // --- Sources

    /// Queues `amount` of the caller's tokens, who must have approved them, for the sinks of the task type. What counts is
    /// what arrives. Soon after another deposit of the caller it joins that one.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`AmountTooSmall`], [`TaskTypeDoesNotExist`], [`PaidByWork`], [`BufferExceedsMax`],
    ///   [`AmountTooLarge`]
    /// * `SafeERC20FailedOperation` if the token refuses, or nothing arrives.
    ///
    /// # Events
    ///
    /// * [`Deposited`], [`PressureChanged`]; [`SlowDown`], [`BufferFull`] near or at the limit.
    pub fn deposit(&mut self, task_type_id: B256, amount: U256) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        self.require_task_type(task_type_id)?;
        self.refuse_by_work(task_type_id)?;
        let source = self.vm().msg_sender();
        // The interaction comes first, since only the token knows how much arrives. A token that calls back finds the
        // contract closed: programs refuse re-entry.
        let received = erc20::pull(self.vm(), self.token.get(), source, amount)?;
        let minimum = self.minimum();
        if received < minimum {
            let amount = received;
            return Err(AmountTooSmall { amount, minimum }.into());
        }
        let attempted = self.buffer_level(task_type_id).saturating_add(received);
        let max = self.buffer_max(task_type_id);
        if !max.is_zero() && attempted > max {
            return Err(BufferExceedsMax { attempted, max }.into());
        }
        self.book(task_type_id, source, received)
    }

    /// Gives the caller back what has not drained of its deposit number `index` in the task type's queue, when the
    /// timeout that was set at its deposit has passed.
    ///
    /// # Errors
    ///
    /// * [`NothingToReclaim`], [`NotDepositor`], [`TimeoutNotElapsed`]
    /// * [`RoundOpen`] while a round is paying.
    /// * `SafeERC20FailedOperation` if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Reclaimed`], [`PressureChanged`]
    pub fn reclaim(&mut self, task_type_id: B256, index: U256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        // No deposit has a number beyond 64 bits, and there is none at the last one.
        let amount = self.withdraw(task_type_id, caller, U64::saturating_from(index))?;
        self.signal(task_type_id);
        self.send(caller, amount)
    }

    // --- Sinks

    /// Pays the caller what drains could not.
    ///
    /// # Errors
    ///
    /// * [`NothingToClaim`]
    /// * `SafeERC20FailedOperation` if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Claimed`]
    pub fn claim(&mut self) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        self.claim_for(sink)
    }

    // --- Anyone

    /// Pays `sink` what drains could not.
    ///
    /// # Errors
    ///
    /// * [`NothingToClaim`]
    /// * `SafeERC20FailedOperation` if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Claimed`]
    pub fn claim_for(&mut self, sink: Address) -> Result<(), Error> {
        let amount = self.credits.get(sink);
        if amount.is_zero() {
            return Err(NothingToClaim {}.into());
        }
        emit!(self.vm(), Claimed[sink](amount));
        self.credits.setter(sink).set(U256::ZERO);
        let credited = widen(self.credited.get()).saturating_sub(amount);
        self.credited.set(U128::wrapping_from(credited));
        self.send(sink, amount)
    }

    /// Takes in what overflowed from the task type's pool since the last time. It is nobody's until it is attributed. The
    /// limit does not refuse this: the tokens are here already.
    ///
    /// # Returns
    ///
    /// * `amount`, in wei.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`AmountTooLarge`]
    /// * What the pool reverts with.
    ///
    /// # Events
    ///
    /// * [`Deposited`] of the zero address; [`PressureChanged`], [`BufferFull`]
    pub fn sync(&mut self, task_type_id: B256) -> Result<U256, Error> {
        self.take_in(task_type_id)
    }

    /// Takes in what overflowed, and queues for each of `sources`, at most 64, what of it WorkLedger has noted as paid by that
    /// source until now. Less than a millionth of a token waits for more.
    ///
    /// # Returns
    ///
    /// * `amount`: the sum of what was queued, in wei.
    ///
    /// # Errors
    ///
    /// * [`TooManySources`], [`PaidByWork`]; [`RoundOpen`] while a round is paying; as [`EscrowBuffer::sync`].
    ///
    /// # Events
    ///
    /// * [`Attributed`], [`SlowDown`] for each source; as [`EscrowBuffer::sync`].
    pub fn attribute(&mut self, task_type_id: B256, sources: Vec<Address>) -> Result<U256, Error> {
        if sources.len() > MAX_SOURCES {
            let (count, max) = (sources.len(), MAX_SOURCES);
            return Err(TooManySources {
                count: U256::from(count),
                max: U256::from(max),
            }
            .into());
        }
        self.attribute_to(task_type_id, sources)
    }

    /// Pays the sinks of the task type from the oldest deposits, or does one page of a round if there are more than 12: see
    /// the module's documentation. A call that pays nobody, because it only took note of the meter's counter, weighed sinks or
    /// passed over deposits that nothing is left of, succeeds.
    ///
    /// # Errors
    ///
    /// * [`NothingToDrain`], [`PaidByWork`]
    /// * `InsufficientGas` if the token cannot be given [`PAYMENT_GAS`] for a payment.
    /// * `SafeERC20FailedOperation` if the token returns neither `true` nor nothing: to credit then what may have been
    ///   paid would be to owe it twice.
    /// * What the registry or the meter revert with.
    ///
    /// # Events
    ///
    /// * [`Drained`] for each sink, or [`Credited`] if the token reverts; [`PressureChanged`]
    pub fn drain(&mut self, task_type_id: B256) -> Result<(), Error> {
        self.drain_page(task_type_id, SINKS_PER_DRAIN)
    }

    /// As [`EscrowBuffer::drain`], with `max_sinks` instead of 12, at least 1 and at most 64. Each takes about 200 000 gas.
    ///
    /// # Errors
    ///
    /// * As [`EscrowBuffer::drain`].
    #[selector(name = "drain")]
    pub fn drain_sinks(&mut self, task_type_id: B256, max_sinks: U256) -> Result<(), Error> {
        let count = max_sinks
            .saturating_to::<u32>()
            .clamp(1, MAX_SINKS_PER_DRAIN);
        self.drain_page(task_type_id, count)
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here. It claims all the
    /// same.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), self.token.get(), pool)?)
    }

    // --- The owner

    /// Connects the pools' contract, with its meter, and the ledger of who paid what. Once, since a second time could divert
    /// money. The pools' contract must know its meter by now.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`AlreadyConnected`], [`NotAContract`](bpe_common::call::NotAContract)
    /// * `MalformedReturn` if `pool` is none.
    ///
    /// # Events
    ///
    /// * [`Connected`]
    pub fn connect(&mut self, pool: Address, work_ledger: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.backpressure_pool.get().is_zero() {
            return Err(AlreadyConnected {}.into());
        }
        require_contract(self.vm(), pool)?;
        require_contract(self.vm(), work_ledger)?;
        let get = IPoolDirectory::overflowMeterCall::SELECTOR;
        let [meter] = query_words(self.vm(), pool, get, &[])?;
        let meter = to_address(meter);
        require_contract(self.vm(), meter)?;
        self.backpressure_pool.set(pool);
        self.work_ledger.set(work_ledger);
        self.overflow_meter.set(meter);
        emit!(self.vm(), Connected[pool, work_ledger]);
        Ok(())
    }

    /// Limits the task type's buffer to `max_buffer` wei; zero for no limit. What is there already stays.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`AmountTooLarge`]
    ///
    /// # Events
    ///
    /// * [`BufferMaxSet`], [`PressureChanged`]
    pub fn set_buffer_max(&mut self, task_type_id: B256, max_buffer: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let max = to_amount(max_buffer)?;
        self.buffers.setter(task_type_id).max.set(max);
        emit!(self.vm(), BufferMaxSet[task_type_id](max_buffer));
        self.signal(task_type_id);
        Ok(())
    }

    /// Makes deposits from now on reclaimable after `timeout` seconds: an hour at least, 30 days at most. Earlier deposits
    /// keep what was set when they were made.
    ///
    /// # Errors
    ///
    /// * `OwnableUnauthorizedAccount`, [`InvalidReclaimTimeout`]
    ///
    /// # Events
    ///
    /// * [`ReclaimTimeoutSet`]
    pub fn set_reclaim_timeout(&mut self, timeout: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let (minimum, maximum) = (
            U256::from(MIN_RECLAIM_TIMEOUT),
            U256::from(MAX_RECLAIM_TIMEOUT),
        );
        if timeout < minimum || timeout > maximum {
            return Err(InvalidReclaimTimeout {
                timeout,
                minimum,
                maximum,
            }
            .into());
        }
        self.reclaim_timeout.set(U32::wrapping_from(timeout));
        emit!(self.vm(), ReclaimTimeoutSet[](timeout));
        Ok(())
    }

    // --- Views

    /// What waits for the sinks of the task type, in wei.
    pub fn buffer_level(&self, task_type_id: B256) -> U256 {
        widen(self.buffers.getter(task_type_id).level.get())
    }

    /// The limit of the task type's buffer, in wei; zero if there is none.
    pub fn buffer_max(&self, task_type_id: B256) -> U256 {
        widen(self.buffers.getter(task_type_id).max.get())
    }

    /// Level / limit of the task type's buffer, 1e18 = 1, rounded down; zero without a limit. More than 1e18 if overflow
    /// went beyond the limit, or the limit was lowered.
    pub fn get_escrow_pressure(&self, task_type_id: B256) -> U256 {
        let (level, max) = (
            self.buffer_level(task_type_id),
            self.buffer_max(task_type_id),
        );
        mul_div_floor(level, U256::from(WAD), max).unwrap_or_default()
    }

    /// Whether the task type's buffer is at its limit, or above.
    pub fn is_full(&self, task_type_id: B256) -> bool {
        self.fills(task_type_id, math::BPS)
    }

    /// Whether `source` should send less: the task type's buffer is at 90 % of its limit or above, and something of
    /// `source` waits in it.
    pub fn should_slow_down(&self, task_type_id: B256, source: Address) -> bool {
        self.fills(task_type_id, SLOW_DOWN_BPS)
            && !self.source_level(task_type_id, source).is_zero()
    }

    /// What of `source` waits for the sinks of the task type, in wei; of the zero address, what overflowed and is nobody's
    /// yet.
    pub fn source_level(&self, task_type_id: B256, source: Address) -> U256 {
        let id = self.source_ids.get(source);
        if source.is_zero() {
            return widen(self.buffers.getter(task_type_id).unattributed.get());
        }
        widen(
            self.source_levels
                .getter(task_type_id)
                .getter(id)
                .amount
                .get(),
        )
    }

    /// The numbers of deposits in the task type's queue: from `head` on, something may be left of them; `tail` is the one
    /// that the next deposit gets.
    ///
    /// # Returns
    ///
    /// * `head`
    /// * `tail`
    pub fn queue_bounds(&self, task_type_id: B256) -> (U256, U256) {
        let buffer = self.buffers.getter(task_type_id);
        (widen(buffer.head.get()), widen(buffer.tail.get()))
    }

    /// Deposit number `index` of the task type's queue: whose it is, what of it has not drained, in wei, when it was made, and
    /// from when on it can be reclaimed. Zeros where nothing is left.
    ///
    /// # Returns
    ///
    /// * `source`
    /// * `amount`
    /// * `time`
    /// * `reclaimableAt`
    pub fn get_deposit(&self, task_type_id: B256, index: U256) -> (Address, U256, U256, U256) {
        let queue = self.deposits.getter(task_type_id);
        let entry = queue.getter(U64::saturating_from(index));
        (
            self.sources.get(entry.source.get()),
            widen(entry.amount.get()),
            widen(entry.time.get()),
            entry.available_at(),
        )
    }

    /// What `sink` can claim, in wei.
    pub fn credits(&self, sink: Address) -> U256 {
        self.credits.get(sink)
    }

    /// What the contract owes, in wei: the sum of all deposits that wait, and the sum of all credits. Its tokens are never
    /// less than both together.
    ///
    /// # Returns
    ///
    /// * `booked`
    /// * `credited`
    pub fn get_liabilities(&self) -> (U256, U256) {
        (widen(self.booked.get()), widen(self.credited.get()))
    }

    /// How long deposits that are made now cannot be reclaimed, in seconds.
    pub fn reclaim_timeout(&self) -> U256 {
        widen(self.reclaim_timeout.get())
    }

    /// The token that waits here.
    #[selector(name = "TOKEN")]
    pub fn token(&self) -> Address {
        self.token.get()
    }

    /// Where sinks and their capacities come from.
    pub fn capacity_registry(&self) -> Address {
        self.capacity_registry.get()
    }

    /// Where pools come from; zero before [`EscrowBuffer::connect`].
    pub fn backpressure_pool(&self) -> Address {
        self.backpressure_pool.get()
    }

    /// Where it is noted who paid what; zero before [`EscrowBuffer::connect`].
    pub fn work_ledger(&self) -> Address {
        self.work_ledger.get()
    }
}

impl EscrowBuffer {
    fn minimum(&self) -> U256 {
        widen(self.least.get())
    }
}
