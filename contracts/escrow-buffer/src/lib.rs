//! EscrowBuffer: what sinks cannot take yet waits here, and is paid out as capacity becomes free.
//!
//! Each task type has a queue of deposits, brought by their sources ([`deposit`](EscrowBuffer::deposit)) or booked from
//! what overflowed the task type's pool ([`sync`](EscrowBuffer::sync)). A drain pays the oldest first, to the sinks in
//! proportion to their smoothed capacity.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`deposit`](EscrowBuffer::deposit), [`sync`](EscrowBuffer::sync), [`sweep`](EscrowBuffer::sweep), [`drain`](EscrowBuffer::drain) |
//! | a source | [`reclaim`](EscrowBuffer::reclaim) what of its deposit has not drained when its timeout has passed |
//! | a sink | [`claim`](EscrowBuffer::claim) what could not be paid to it |
//! | the owner | connect pool and streams, once; set buffer limits; set the timeout of later deposits, within bounds |
//!
//! The owner can take nothing, and no limit or timeout that it sets touches what is here already. What it connects is
//! trusted to say how much may drain and which source an overflow is of; a booking is refused if the tokens are not there.
//!
//! Amounts are in the token's wei, capacities in units of 1e-9, times in seconds since 1970. No protocol fee is taken here:
//! it was taken when the stream passed the pool.
//!
//! # How much drains
//!
//! Without a capacity price, everything. With one, a round drains at most what capacity was free to earn since the last
//! round began; what the queue could not use of that expires. The first look at a priced pool only notes where its
//! counter stands ([`BaselineSet`]): what was free before counts for nothing. Shares are rounded down, and what is left over
//! stays in the queue; only where that would leave nothing for anyone, sinks get a wei each while it lasts.
//!
//! # Rounds
//!
//! One call takes from at most [`MAX_DEPOSITS_PER_DRAIN`] deposits and pays at most [`MAX_SINKS_PER_DRAIN`] sinks. If there
//! are more sinks, a round takes several calls: its amount and the total capacity are fixed when it begins, each call pays
//! the next page, and no sink is paid twice, leave and come back as it may. A sink that another one's leaving moves to a
//! page already paid is left out until the next round; its share stays in the queue. Until a round has ended, which
//! anyone can bring about, the deposits it may take from cannot be reclaimed.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U128, U256, U32, U64};
use alloy_sol_types::{sol, SolCall};
use bpe_common::{
    call::{
        invoke_words, query, query_words, require_contract, require_gas, to_address,
        InsufficientGas, NotAContract, Revert,
    },
    clock, emit,
    erc20::{self, SafeERC20FailedOperation},
    events::Word,
    interfaces::{IBackpressurePool, ICapacityRegistry, ISourceStreams},
    math::{self, bps_of_ceil, mul_div_floor},
    ownable::{self, Ownable},
    packed::{narrow, widen},
    returns::Returns,
    superfluid::ISuperfluidPool,
};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// `amount` of `source` waits for the sinks of the task type; `source` is zero where nobody knows whose overflow it is.
    #[derive(Debug, PartialEq, Eq)]
    event Deposited(bytes32 indexed taskTypeId, address indexed source, uint256 amount);
    /// `sink` was paid `amount`.
    #[derive(Debug, PartialEq, Eq)]
    event Drained(bytes32 indexed taskTypeId, address indexed sink, uint256 amount);
    /// `sink` could not be paid `amount`, and can claim it.
    #[derive(Debug, PartialEq, Eq)]
    event Credited(bytes32 indexed taskTypeId, address indexed sink, uint256 amount);
    /// `sink` was paid `amount` that it had been credited.
    #[derive(Debug, PartialEq, Eq)]
    event Claimed(address indexed sink, uint256 amount);
    /// `source` took back `amount`, what was left of its deposit number `index`.
    #[derive(Debug, PartialEq, Eq)]
    event Reclaimed(bytes32 indexed taskTypeId, address indexed source, uint256 index, uint256 amount);
    /// A booking left the buffer at its limit, or above.
    #[derive(Debug, PartialEq, Eq)]
    event BufferFull(bytes32 indexed taskTypeId, uint256 bufferLevel);
    /// The buffer's level, or its limit, changed; `newPressure` is level / limit, 1e18 = 1.
    #[derive(Debug, PartialEq, Eq)]
    event PressureChanged(bytes32 indexed taskTypeId, uint256 newPressure, uint256 timestamp);
    /// A booking for `source` left the buffer at 90 % of its limit, or above.
    #[derive(Debug, PartialEq, Eq)]
    event SlowDown(bytes32 indexed taskTypeId, address indexed source);
    /// The buffer drains from now on by no more than what becomes free beyond `value` of the pool's counter.
    #[derive(Debug, PartialEq, Eq)]
    event BaselineSet(bytes32 indexed taskTypeId, uint256 value);
    /// The limit of the buffer is now `maxBuffer`; there is none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event BufferMaxSet(bytes32 indexed taskTypeId, uint256 maxBuffer);
    /// Deposits from now on can be reclaimed after `timeout` seconds.
    #[derive(Debug, PartialEq, Eq)]
    event ReclaimTimeoutSet(uint256 timeout);
    /// Pools are at `backpressurePool` and overflow is accounted for at `sourceStreams`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event Connected(address indexed backpressurePool, address indexed sourceStreams);

    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// The deposit would fill the buffer to `attempted`, beyond its limit `max`.
    #[derive(Debug, PartialEq, Eq)]
    error BufferExceedsMax(uint256 attempted, uint256 max);
    /// There is nothing in the buffer, nothing of it may drain yet, or there is no sink that any of it could go to.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToDrain();
    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// The task type has no pool, or no pool contract is connected.
    #[derive(Debug, PartialEq, Eq)]
    error PoolDoesNotExist();
    /// `count` sources are more than the `max` of one call.
    #[derive(Debug, PartialEq, Eq)]
    error TooManySources(uint256 count, uint256 max);
    /// With this booking `owed` would be more than the `balance` of tokens that is here.
    #[derive(Debug, PartialEq, Eq)]
    error Insolvent(uint256 balance, uint256 owed);
    /// `amount` is more than a buffer can hold (2^112 − 1), or all of them together (2^128 − 1).
    #[derive(Debug, PartialEq, Eq)]
    error AmountTooLarge(uint256 amount);
    /// There is no such deposit, or nothing is left of it.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToReclaim();
    /// The deposit is of `source`, not of the caller.
    #[derive(Debug, PartialEq, Eq)]
    error NotDepositor(address source);
    /// The deposit can be reclaimed from `availableAt` on.
    #[derive(Debug, PartialEq, Eq)]
    error TimeoutNotElapsed(uint256 availableAt);
    /// A round is open that may take from this deposit: drain until it has ended.
    #[derive(Debug, PartialEq, Eq)]
    error RoundOpen();
    /// The caller has no credit.
    #[derive(Debug, PartialEq, Eq)]
    error NothingToClaim();
    /// Pool and streams are connected already.
    #[derive(Debug, PartialEq, Eq)]
    error AlreadyConnected();
    /// A reclaim `timeout` is from `minimum` to `maximum` seconds.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidReclaimTimeout(uint256 timeout, uint256 minimum, uint256 maximum);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ZeroAmount(ZeroAmount),
    BufferExceedsMax(BufferExceedsMax),
    NothingToDrain(NothingToDrain),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    PoolDoesNotExist(PoolDoesNotExist),
    TooManySources(TooManySources),
    Insolvent(Insolvent),
    AmountTooLarge(AmountTooLarge),
    NothingToReclaim(NothingToReclaim),
    NotDepositor(NotDepositor),
    TimeoutNotElapsed(TimeoutNotElapsed),
    RoundOpen(RoundOpen),
    NothingToClaim(NothingToClaim),
    AlreadyConnected(AlreadyConnected),
    NotAContract(NotAContract),
    InvalidReclaimTimeout(InvalidReclaimTimeout),
    InsufficientGas(InsufficientGas),
    Erc20(SafeERC20FailedOperation),
    Revert(Revert),
    Ownable(ownable::Error),
}

/// Sinks that one drain pays at most.
pub const MAX_SINKS_PER_DRAIN: u32 = 32;
/// Deposits that one drain takes from, or passes over, at most.
pub const MAX_DEPOSITS_PER_DRAIN: u64 = 32;
/// Sources whose overflow one sync books at most.
pub const MAX_SOURCES_PER_SYNC: usize = 64;

/// What the token may use to pay a sink. A Super Token takes less than a third of it, unless the sink has a hook.
pub const PAYMENT_GAS: u64 = 300_000;

/// After this a deposit can be reclaimed unless the owner says otherwise: a day.
pub const DEFAULT_RECLAIM_TIMEOUT: u64 = 86_400;
/// An hour: sinks can count on what waits for that long at least.
pub const MIN_RECLAIM_TIMEOUT: u64 = 3_600;
/// The longest that an owner can make sources wait.
pub const MAX_RECLAIM_TIMEOUT: u64 = 30 * 86_400;

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

/// The buffer of a task type.
///
/// Slot 0: level (112 bits), head (64), tail (64): all that a booking changes. Slot 1: max (112), baseline (128),
/// has_baseline (8). Slots 2 and 3, in use only where a round takes several calls: round_amount (112), round_total (128);
/// round_paid (112), round_cursor (32), round_end (32), round_number (64).
#[storage]
pub struct Buffer {
    /// The sum of the queued deposits.
    level: StorageAmount,
    /// Number of the oldest deposit that something may be left of.
    head: StorageU64,
    /// Number that the next deposit gets: how many there were.
    tail: StorageU64,
    max: StorageAmount,
    /// Up to here of the pool's counter, what became free has been drained or has expired.
    baseline: StorageU128,
    has_baseline: StorageBool,
    round_amount: StorageAmount,
    round_total: StorageU128,
    round_paid: StorageAmount,
    /// Place in the registry's list of the first sink that the round has not paid.
    round_cursor: StorageU32,
    /// How many sinks there were when the round began; 0 if none is open.
    round_end: StorageU32,
    round_number: StorageU64,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2: token (160 bits), reclaim_timeout (32), source_count (40): all that a deposit needs to know.
/// Slots 3–5: the neighbours, an address each. Slot 6: booked (128), credited (128). Then the mappings.
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
    source_streams: StorageAddress,
    /// The sum of all levels.
    booked: StorageU128,
    /// The sum of all credits.
    credited: StorageU128,
    buffers: StorageMap<B256, Buffer>,
    deposits: StorageMap<B256, StorageMap<U64, QueuedDeposit>>,
    /// What waits of each source.
    source_levels: StorageMap<B256, StorageMap<SourceId, StorageAmount>>,
    /// Numbers of sources, from 1. Number 0 is the zero address.
    source_ids: StorageMap<Address, StorageSourceId>,
    sources: StorageMap<SourceId, StorageAddress>,
    credits: StorageMap<Address, StorageU256>,
    /// Number of the round that paid a sink last, of those that take several calls.
    paid_in: StorageMap<B256, StorageMap<Address, StorageU64>>,
}

/// A list of sinks and their smoothed capacities.
type Sinks = Vec<(Address, U256)>;

/// Sources, amounts and times of deposits.
type Deposits = Returns<(Vec<Address>, Vec<U256>, Vec<U256>)>;

#[public]
#[inherit(Ownable)]
impl EscrowBuffer {
    /// Sets the contract up: the token that waits here, the registry that knows the sinks, and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`] for a token or a registry without code, [`ownable::OwnableInvalidOwner`]
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
        self.token.set(token);
        self.capacity_registry.set(capacity_registry);
        self.reclaim_timeout.set(U32::from(DEFAULT_RECLAIM_TIMEOUT));
        Ok(())
    }

    // --- Sources

    /// Queues `amount` of the caller's tokens, who must have approved them, for the sinks of the task type. What counts is
    /// what arrives.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`TaskTypeDoesNotExist`], [`BufferExceedsMax`], [`AmountTooLarge`]
    /// * [`SafeERC20FailedOperation`] if the token refuses, or nothing arrives.
    ///
    /// # Events
    ///
    /// * [`Deposited`], [`PressureChanged`]; [`SlowDown`], [`BufferFull`] near or at the limit.
    pub fn deposit(&mut self, task_type_id: B256, amount: U256) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        self.require_task_type(task_type_id)?;
        let source = self.vm().msg_sender();
        // The interaction comes first, since only the token knows how much arrives. A token that calls back finds the
        // contract closed: programs refuse re-entry.
        let received = erc20::pull(self.vm(), self.token.get(), source, amount)?;
        let attempted = self.buffer_level(task_type_id).saturating_add(received);
        let max = self.buffer_max(task_type_id);
        if !max.is_zero() && attempted > max {
            return Err(BufferExceedsMax { attempted, max }.into());
        }
        self.book(task_type_id, source, received)?;
        self.signal_booking(task_type_id);
        Ok(())
    }

    /// Gives the caller back what has not drained of its deposit number `index` in the task type's queue, when the
    /// timeout that was set at its deposit has passed.
    ///
    /// # Errors
    ///
    /// * [`NothingToReclaim`], [`NotDepositor`], [`TimeoutNotElapsed`]
    /// * [`RoundOpen`] if the deposit is one of the next that an open round takes from.
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Reclaimed`], [`PressureChanged`]
    pub fn reclaim(&mut self, task_type_id: B256, index: U256) -> Result<(), Error> {
        let caller = self.vm().msg_sender();
        // No deposit has a number beyond 64 bits, and there is none at the last one.
        let number = U64::saturating_from(index);
        let queue = self.deposits.getter(task_type_id);
        let entry = queue.getter(number);
        let amount = widen(entry.amount.get());
        if amount.is_zero() {
            return Err(NothingToReclaim {}.into());
        }
        let source_id = entry.source.get();
        let source = self.sources.get(source_id);
        if source != caller {
            return Err(NotDepositor { source }.into());
        }
        let available_at = entry.available_at();
        if U256::from(clock::block_timestamp(self.vm())) < available_at {
            return Err(TimeoutNotElapsed {
                availableAt: available_at,
            }
            .into());
        }
        let buffer = self.buffers.getter(task_type_id);
        let next = U64::from(MAX_DEPOSITS_PER_DRAIN).saturating_add(buffer.head.get());
        if !buffer.round_end.get().is_zero() && number < next {
            return Err(RoundOpen {}.into());
        }
        self.deposits
            .setter(task_type_id)
            .setter(number)
            .take(amount);
        self.reduce_source(task_type_id, source_id, amount);
        self.reduce_level(task_type_id, amount);
        emit!(self.vm(), Reclaimed[task_type_id, source](index, amount));
        self.signal(task_type_id);
        self.send(source, amount)
    }

    // --- Sinks

    /// Pays the caller what drains could not.
    ///
    /// # Errors
    ///
    /// * [`NothingToClaim`]
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Claimed`]
    pub fn claim(&mut self) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        let amount = self.credits.get(sink);
        if amount.is_zero() {
            return Err(NothingToClaim {}.into());
        }
        self.credits.setter(sink).set(U256::ZERO);
        let credited = widen(self.credited.get()).saturating_sub(amount);
        self.credited.set(U128::wrapping_from(credited));
        emit!(self.vm(), Claimed[sink](amount));
        self.send(sink, amount)
    }

    // --- Anyone

    /// Takes in what overflowed from the task type's pool, and queues of it what is each of `sources`', of which there are
    /// at most [`MAX_SOURCES_PER_SYNC`]; the zero address stands for overflow that no source is known for. The limit does
    /// not refuse this: the tokens are here already.
    ///
    /// # Returns
    ///
    /// * `booked`: the sum of what was queued, in wei.
    ///
    /// # Errors
    ///
    /// * [`TooManySources`], [`PoolDoesNotExist`], [`AmountTooLarge`]
    /// * [`Insolvent`] if there are not as many tokens here as would be owed.
    /// * What the pool or SourceStreams revert with.
    ///
    /// # Events
    ///
    /// * [`Deposited`], [`SlowDown`] for each source; [`PressureChanged`], [`BufferFull`]
    pub fn sync(&mut self, task_type_id: B256, sources: Vec<Address>) -> Result<U256, Error> {
        if sources.len() > MAX_SOURCES_PER_SYNC {
            let (count, max) = (sources.len(), MAX_SOURCES_PER_SYNC);
            return Err(TooManySources {
                count: U256::from(count),
                max: U256::from(max),
            }
            .into());
        }
        let pool = self.pool_of(task_type_id)?;
        let claim = ISuperfluidPool::claimAllCall::SELECTOR;
        let member = self.vm().contract_address().word();
        let [_claimed] = invoke_words(self.vm(), pool, claim, &[member])?;
        // The interactions come first, since only the neighbours know how much there is.
        let (streams, take) = (
            self.source_streams.get(),
            ISourceStreams::takeOverflowCall::SELECTOR,
        );
        let mut overflow = Vec::with_capacity(sources.len());
        for source in sources {
            let arguments = [pool.word(), source.word()];
            let [amount] = invoke_words(self.vm(), streams, take, &arguments)?;
            if !amount.is_zero() {
                overflow.push((source, amount));
            }
        }
        let mut sum = U256::ZERO;
        for (source, amount) in overflow {
            self.book(task_type_id, source, amount)?;
            // Fits: `book` keeps the sum of all bookings to 128 bits.
            sum = sum.saturating_add(amount);
        }
        if !sum.is_zero() {
            self.require_solvent()?;
            self.signal_booking(task_type_id);
        }
        Ok(sum)
    }

    /// Queues the rounding dust that Superfluid has paid to BackpressurePool, as the admin of all pools, for the sinks of the
    /// task type, and returns how much it was. Whose it was and of which pool cannot be told: it goes where the caller says,
    /// and nobody can take it back.
    ///
    /// # Returns
    ///
    /// * `amount`: what was queued, in wei.
    ///
    /// # Errors
    ///
    /// * [`PoolDoesNotExist`], [`AmountTooLarge`]
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Deposited`]; [`PressureChanged`], [`BufferFull`]
    pub fn sweep(&mut self, task_type_id: B256) -> Result<U256, Error> {
        self.pool_of(task_type_id)?;
        let (token, admin) = (self.token.get(), self.backpressure_pool.get());
        let dust = erc20::balance_of(self.vm(), token, admin)?;
        if dust.is_zero() {
            return Ok(dust);
        }
        let received = erc20::pull(self.vm(), token, admin, dust)?;
        self.book(task_type_id, Address::ZERO, received)?;
        self.signal_booking(task_type_id);
        Ok(received)
    }

    /// Pays the sinks of the task type from the oldest deposits, or one page of them if there are more than
    /// [`MAX_SINKS_PER_DRAIN`]: see the module's documentation. A call that pays nobody, because it only took note of the
    /// pool's counter or passed over deposits that nothing is left of, succeeds.
    ///
    /// # Errors
    ///
    /// * [`NothingToDrain`]
    /// * [`InsufficientGas`] if the token cannot be given [`PAYMENT_GAS`] for a payment.
    /// * [`SafeERC20FailedOperation`] if the token returns neither `true` nor nothing: to credit then what may have been
    ///   paid would be to owe it twice.
    /// * What the registry or the pool revert with.
    ///
    /// # Events
    ///
    /// * [`Drained`] for each sink, or [`Credited`] if the token reverts; [`PressureChanged`]; [`BaselineSet`]
    pub fn drain(&mut self, task_type_id: B256) -> Result<(), Error> {
        let (mut round, sinks) = match self.open_round(task_type_id) {
            Some(round) => {
                let sinks = self.sinks(task_type_id, round.cursor, round.page_size())?;
                (round, sinks)
            }
            None => match self.start_round(task_type_id)? {
                Some(started) => started,
                None => return Ok(()),
            },
        };
        let count = sinks.len();
        let payments = self.shares(task_type_id, &mut round, sinks);
        if round.is_paged() {
            self.store_round(task_type_id, &round, count);
        }
        self.consume(task_type_id, &payments);
        for (sink, amount) in payments {
            self.pay(task_type_id, sink, amount)?;
        }
        Ok(())
    }

    // --- The owner

    /// Connects the pools' contract and the accounts of their overflow. Once, since a second time could divert money.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`AlreadyConnected`], [`NotAContract`]
    ///
    /// # Events
    ///
    /// * [`Connected`]
    pub fn connect(&mut self, pool: Address, streams: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if !self.backpressure_pool.get().is_zero() {
            return Err(AlreadyConnected {}.into());
        }
        require_contract(self.vm(), pool)?;
        require_contract(self.vm(), streams)?;
        self.backpressure_pool.set(pool);
        self.source_streams.set(streams);
        emit!(self.vm(), Connected[pool, streams]);
        Ok(())
    }

    /// Limits the task type's buffer to `max_buffer` wei; zero for no limit. What is there already stays.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`AmountTooLarge`]
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
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidReclaimTimeout`]
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

    /// What of `source` waits for the sinks of the task type, in wei.
    pub fn source_level(&self, task_type_id: B256, source: Address) -> U256 {
        let id = self.source_ids.get(source);
        if id.is_zero() && !source.is_zero() {
            return U256::ZERO;
        }
        widen(self.source_levels.getter(task_type_id).get(id))
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

    /// At most `count` deposits of the task type's queue, from number `from` on: whose they are, what of them has not
    /// drained, in wei, and when they were made. All zero where nothing is left.
    ///
    /// # Returns
    ///
    /// * `sources`
    /// * `amounts`
    /// * `times`
    pub fn get_deposits(&self, task_type_id: B256, from: U256, count: U256) -> Deposits {
        let tail = self.buffers.getter(task_type_id).tail.get().wrapping_to();
        let from = from.saturating_to::<u64>().min(tail);
        let end = from.saturating_add(count.saturating_to()).min(tail);
        let queue = self.deposits.getter(task_type_id);
        let (mut sources, mut amounts, mut times) = (vec![], vec![], vec![]);
        for number in from..end {
            let entry = queue.getter(U64::from(number));
            sources.push(self.sources.get(entry.source.get()));
            amounts.push(widen(entry.amount.get()));
            times.push(widen(entry.time.get()));
        }
        Returns((sources, amounts, times))
    }

    /// From when on deposit number `index` of the task type's queue can be reclaimed; zero if nothing is left of it.
    pub fn reclaimable_at(&self, task_type_id: B256, index: U256) -> U256 {
        self.deposits
            .getter(task_type_id)
            .getter(U64::saturating_from(index))
            .available_at()
    }

    /// The round of the task type that takes several calls: what it drains in all, what of that it has paid, in wei, the
    /// place in the registry's list of the sink that is next, and how many sinks there were when it began. Zeros if none is
    /// open.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `paid`
    /// * `cursor`
    /// * `end`
    pub fn get_round(&self, task_type_id: B256) -> (U256, U256, U256, U256) {
        match self.open_round(task_type_id) {
            Some(round) => (
                round.amount,
                round.paid,
                U256::from(round.cursor),
                U256::from(round.end),
            ),
            None => Default::default(),
        }
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

    /// Where overflow is accounted for by source; zero before [`EscrowBuffer::connect`].
    pub fn source_streams(&self) -> Address {
        self.source_streams.get()
    }
}

/// A round, as it stands.
struct Round {
    /// What it drains in all.
    amount: U256,
    /// The capacity of all sinks when it began.
    total: U256,
    /// What of `amount` has been paid.
    paid: U256,
    cursor: u32,
    end: u32,
    number: U64,
}

impl Round {
    /// Whether it takes several calls.
    fn is_paged(&self) -> bool {
        self.end > MAX_SINKS_PER_DRAIN
    }

    /// How many sinks this call pays.
    fn page_size(&self) -> u32 {
        self.end
            .saturating_sub(self.cursor)
            .min(MAX_SINKS_PER_DRAIN)
    }

    /// What each of `sinks` gets: its share of the amount, rounded down, but `least` if it has any capacity. Never more in
    /// all than is left of the round: sinks and capacities may have changed since it began.
    fn split(&mut self, sinks: &Sinks, least: U256) -> Sinks {
        let mut payments = Vec::with_capacity(sinks.len());
        for (sink, capacity) in sinks.iter().filter(|(_, capacity)| !capacity.is_zero()) {
            let left = self.amount.saturating_sub(self.paid);
            // No quotient: beyond 256 bits, so beyond all that is left.
            let share = mul_div_floor(self.amount, *capacity, self.total).unwrap_or(left);
            let share = share.max(least).min(left);
            if !share.is_zero() {
                self.paid = self.paid.saturating_add(share);
                payments.push((*sink, share));
            }
        }
        payments
    }
}

/// What the pool's counter lets drain.
enum Allowance {
    /// Everything.
    All,
    /// What became free since `baseline`, up to `value`.
    Free { baseline: u128, value: u128 },
}

// --- Rounds

impl EscrowBuffer {
    /// The round of several calls that has begun and not ended, if there is one.
    fn open_round(&self, id: B256) -> Option<Round> {
        let buffer = self.buffers.getter(id);
        let end = buffer.round_end.get();
        (!end.is_zero()).then(|| Round {
            amount: widen(buffer.round_amount.get()),
            total: widen(buffer.round_total.get()),
            paid: widen(buffer.round_paid.get()),
            cursor: buffer.round_cursor.get().wrapping_to(),
            end: end.wrapping_to(),
            number: buffer.round_number.get(),
        })
    }

    /// Begins a round: what it drains, and the first sinks it pays. `None` if that only took note of something.
    fn start_round(&mut self, id: B256) -> Result<Option<(Round, Sinks)>, Error> {
        if self.buffer_level(id).is_zero() {
            return Err(NothingToDrain {}.into());
        }
        // One more than are paid now, to see whether these are all.
        let mut sinks = self.sinks(id, 0, MAX_SINKS_PER_DRAIN.saturating_add(1))?;
        let (end, total) = if sinks.len() <= MAX_SINKS_PER_DRAIN as usize {
            let total = sinks.iter().fold(U256::ZERO, |sum, (_, capacity)| {
                sum.saturating_add(*capacity)
            });
            (U256::from(sinks.len()), total)
        } else {
            sinks.truncate(MAX_SINKS_PER_DRAIN as usize);
            let get = ICapacityRegistry::getTaskTypeCall::SELECTOR;
            let registry = self.capacity_registry.get();
            let [_min_stake, count, total] = query_words(self.vm(), registry, get, &[id])?;
            (count, total)
        };
        if total.is_zero() {
            return Err(NothingToDrain {}.into());
        }
        let Some(allowance) = self.allowance(id)? else {
            return Ok(None);
        };
        let amount = self.allot(id, &allowance);
        let number = self.buffers.getter(id).round_number.get();
        let round = Round {
            amount,
            total,
            paid: U256::ZERO,
            cursor: 0,
            end: end.saturating_to(),
            number: number.saturating_add(U64::from(1)),
        };
        Ok((!amount.is_zero()).then_some((round, sinks)))
    }

    /// What may drain of the task type's buffer, of which none is refused. `None` if this was the first look at the pool's
    /// counter, or if that went back: then it counts from here.
    fn allowance(&mut self, id: B256) -> Result<Option<Allowance>, Error> {
        let pool = self.backpressure_pool.get();
        let (priced, value) = match pool.is_zero() {
            true => (false, 0),
            false => {
                let get = IBackpressurePool::getFreeValueCall::SELECTOR;
                let [priced, value] = query_words(self.vm(), pool, get, &[id])?;
                (!priced.is_zero(), math::to_u128_saturating(value))
            }
        };
        let mut buffer = self.buffers.setter(id);
        let had_baseline = buffer.has_baseline.get();
        if !priced {
            // A price that comes back later counts from then on.
            if had_baseline {
                buffer.has_baseline.set(false);
            }
            return Ok(Some(Allowance::All));
        }
        let baseline = buffer.baseline.get().wrapping_to();
        if had_baseline && value == baseline {
            return Err(NothingToDrain {}.into());
        }
        if had_baseline && value > baseline {
            return Ok(Some(Allowance::Free { baseline, value }));
        }
        buffer.has_baseline.set(true);
        buffer.baseline.set(U128::from(value));
        emit!(self.vm(), BaselineSet[id](value));
        Ok(None)
    }

    /// What a round drains that begins now: what `allowance` lets, as far as the next deposits hold it. Passes over those
    /// that nothing is left of, and moves the baseline.
    fn allot(&mut self, id: B256, allowance: &Allowance) -> U256 {
        let allowed = match allowance {
            Allowance::All => U256::MAX,
            Allowance::Free { baseline, value } => U256::from(value.saturating_sub(*baseline)),
        };
        let queue = self.deposits.getter(id);
        let mut buffer = self.buffers.setter(id);
        let head = buffer.head.get().wrapping_to::<u64>();
        let tail = buffer.tail.get().wrapping_to::<u64>();
        let last = head.saturating_add(MAX_DEPOSITS_PER_DRAIN).min(tail);
        let (mut sum, mut next, mut number) = (U256::ZERO, head, head);
        while number < last && sum < allowed {
            sum = sum.saturating_add(widen(queue.getter(U64::from(number)).amount.get()));
            number = number.saturating_add(1);
            if sum.is_zero() {
                next = number;
            }
        }
        if next != head {
            buffer.head.set(U64::from(next));
        }
        let amount = sum.min(allowed);
        if let Allowance::Free { value, .. } = allowance {
            // What the queue has no use for expires. Where only the bound on deposits stood in the way, the rest stays free:
            // else many small deposits could slow the draining down.
            let kept = match number == tail {
                true => 0,
                false => math::to_u128_saturating(allowed.saturating_sub(amount)),
            };
            buffer.baseline.set(U128::from(value.saturating_sub(kept)));
        }
        amount
    }

    /// What the next `sinks` get, and counts it as paid.
    fn shares(&mut self, id: B256, round: &mut Round, sinks: Sinks) -> Sinks {
        let unpaid = match round.is_paged() {
            true => self.stamp(id, round.number, sinks),
            false => sinks,
        };
        let payments = round.split(&unpaid, U256::ZERO);
        if !payments.is_empty() {
            return payments;
        }
        // Not a wei for anyone: a wei each, as far as it goes. Deposits of next to nothing cannot hold up what is behind them.
        round.split(&unpaid, U256::from(1))
    }

    /// Those of `sinks` that the round has not paid yet: a sink that leaves and comes back is at the end of the list.
    fn stamp(&mut self, id: B256, round: U64, sinks: Sinks) -> Sinks {
        let mut paid_in = self.paid_in.setter(id);
        let mut unpaid = Vec::with_capacity(sinks.len());
        for (sink, capacity) in sinks {
            if paid_in.get(sink) != round {
                paid_in.setter(sink).set(round);
                unpaid.push((sink, capacity));
            }
        }
        unpaid
    }

    /// Writes a round of several calls down, after `count` sinks of its page were there. Closes it after the last page,
    /// or when the list ends before.
    fn store_round(&mut self, id: B256, round: &Round, count: usize) {
        let page_size = round.page_size();
        // At most `end`.
        let cursor = round.cursor.saturating_add(page_size);
        let goes_on = cursor < round.end && count == page_size as usize;
        let (amount, total, paid, cursor, end) = match goes_on {
            true => (round.amount, round.total, round.paid, cursor, round.end),
            false => Default::default(),
        };
        let mut buffer = self.buffers.setter(id);
        // Fits: part of the level, as is what has been paid of it. A registry's total has 104 bits.
        buffer.round_amount.set(Amount::wrapping_from(amount));
        buffer
            .round_total
            .set(U128::from(math::to_u128_saturating(total)));
        buffer.round_paid.set(Amount::wrapping_from(paid));
        buffer.round_cursor.set(U32::from(cursor));
        buffer.round_end.set(U32::from(end));
        buffer.round_number.set(round.number);
    }

    /// Takes the sum of `payments` from the oldest deposits. They are among those that [`EscrowBuffer::allot`] has counted
    /// for the round, so at most [`MAX_DEPOSITS_PER_DRAIN`]: none of them can be reclaimed before it ends.
    fn consume(&mut self, id: B256, payments: &Sinks) {
        let sum = payments
            .iter()
            .fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount));
        if sum.is_zero() {
            return;
        }
        let buffer = self.buffers.getter(id);
        let (mut head, tail) = (buffer.head.get(), buffer.tail.get());
        let mut left = sum;
        while !left.is_zero() && head < tail {
            let mut queue = self.deposits.setter(id);
            let mut entry = queue.setter(head);
            let source = entry.source.get();
            let taken = entry.take(left);
            if entry.amount.get().is_zero() {
                head = head.saturating_add(U64::from(1));
            }
            if !taken.is_zero() {
                self.reduce_source(id, source, taken);
            }
            left = left.saturating_sub(taken);
        }
        self.buffers.setter(id).head.set(head);
        self.reduce_level(id, sum);
        self.signal(id);
    }

    /// Pays `sink`, or credits it if the token reverts: a sink that cannot be paid does not stand in the way of others.
    fn pay(&mut self, id: B256, sink: Address, amount: U256) -> Result<(), Error> {
        require_gas(self.vm(), PAYMENT_GAS)?;
        if erc20::try_transfer(self.vm(), self.token.get(), sink, amount, PAYMENT_GAS)? {
            emit!(self.vm(), Drained[id, sink](amount));
            return Ok(());
        }
        // Fits, all three: what was booked until now.
        let credit = self.credits.get(sink).saturating_add(amount);
        self.credits.setter(sink).set(credit);
        let credited = widen(self.credited.get()).saturating_add(amount);
        self.credited.set(U128::wrapping_from(credited));
        emit!(self.vm(), Credited[id, sink](amount));
        Ok(())
    }
}

// --- Books

impl EscrowBuffer {
    /// Queues `amount` of `source`. The tokens are here.
    fn book(&mut self, id: B256, source: Address, amount: U256) -> Result<(), Error> {
        let level = to_amount(self.buffer_level(id).saturating_add(amount))?;
        let booked = widen(self.booked.get()).saturating_add(amount);
        let booked = narrow(booked).ok_or(AmountTooLarge { amount: booked })?;
        self.booked.set(booked);
        let source_id = self.source_id(source);
        let (now, timeout) = (
            clock::block_timestamp(self.vm()),
            self.reclaim_timeout.get(),
        );
        let mut buffer = self.buffers.setter(id);
        buffer.level.set(level);
        let number = buffer.tail.get();
        buffer.tail.set(number.saturating_add(U64::from(1)));
        let mut queue = self.deposits.setter(id);
        let mut entry = queue.setter(number);
        // Fits: part of the level, as is what waits of the source.
        entry.amount.set(Amount::wrapping_from(amount));
        entry.source.set(source_id);
        entry.time.set(U64::from(now));
        entry.timeout.set(timeout);
        let mut levels = self.source_levels.setter(id);
        let source_level = widen(levels.get(source_id)).saturating_add(amount);
        levels
            .setter(source_id)
            .set(Amount::wrapping_from(source_level));
        emit!(self.vm(), Deposited[id, source](amount));
        if self.fills(id, SLOW_DOWN_BPS) {
            emit!(self.vm(), SlowDown[id, source]);
        }
        Ok(())
    }

    /// The number of `source`, which gets one if it has none.
    fn source_id(&mut self, source: Address) -> SourceId {
        let known = self.source_ids.get(source);
        if !known.is_zero() || source.is_zero() {
            return known;
        }
        // Fits: 2^40 sources would take 10^17 gas.
        let id = self.source_count.get().saturating_add(SourceId::from(1));
        self.source_count.set(id);
        self.source_ids.setter(source).set(id);
        self.sources.setter(id).set(source);
        id
    }

    fn reduce_level(&mut self, id: B256, amount: U256) {
        let mut buffer = self.buffers.setter(id);
        let level = widen(buffer.level.get()).saturating_sub(amount);
        buffer.level.set(Amount::wrapping_from(level));
        let booked = widen(self.booked.get()).saturating_sub(amount);
        self.booked.set(U128::wrapping_from(booked));
    }

    fn reduce_source(&mut self, id: B256, source: SourceId, amount: U256) {
        let mut levels = self.source_levels.setter(id);
        let level = widen(levels.get(source)).saturating_sub(amount);
        levels.setter(source).set(Amount::wrapping_from(level));
    }

    fn signal(&self, id: B256) {
        emit!(
            self.vm(),
            PressureChanged[id](
                self.get_escrow_pressure(id),
                U256::from(clock::block_timestamp(self.vm()))
            )
        );
    }

    fn signal_booking(&self, id: B256) {
        self.signal(id);
        if self.is_full(id) {
            emit!(self.vm(), BufferFull[id](self.buffer_level(id)));
        }
    }

    /// Whether the buffer is at `share` of its limit, in BPS, or above.
    fn fills(&self, id: B256, share: u16) -> bool {
        let max = self.buffer_max(id);
        !max.is_zero() && self.buffer_level(id) >= bps_of_ceil(max, share)
    }

    fn send(&self, to: Address, amount: U256) -> Result<(), Error> {
        Ok(erc20::transfer(self.vm(), self.token.get(), to, amount)?)
    }

    fn require_solvent(&self) -> Result<(), Error> {
        let balance = erc20::balance_of(self.vm(), self.token.get(), self.vm().contract_address())?;
        let (booked, credited) = self.get_liabilities();
        let owed = booked.saturating_add(credited);
        match balance < owed {
            true => Err(Insolvent { balance, owed }.into()),
            false => Ok(()),
        }
    }

    /// A task type never ceases to be: after its first deposit the registry need not be asked again.
    fn require_task_type(&self, id: B256) -> Result<(), Error> {
        if !self.buffers.getter(id).tail.get().is_zero() {
            return Ok(());
        }
        let get = ICapacityRegistry::taskTypeExistsCall::SELECTOR;
        let [exists] = query_words(self.vm(), self.capacity_registry.get(), get, &[id])?;
        match exists.is_zero() {
            true => Err(TaskTypeDoesNotExist {}.into()),
            false => Ok(()),
        }
    }

    /// The Superfluid pool of the task type.
    fn pool_of(&self, id: B256) -> Result<Address, Error> {
        let backpressure_pool = self.backpressure_pool.get();
        if backpressure_pool.is_zero() {
            return Err(PoolDoesNotExist {}.into());
        }
        let get = IBackpressurePool::getPoolCall::SELECTOR;
        let [pool] = query_words(self.vm(), backpressure_pool, get, &[id])?;
        match to_address(pool) {
            Address::ZERO => Err(PoolDoesNotExist {}.into()),
            pool => Ok(pool),
        }
    }

    fn sinks(&self, id: B256, from: u32, count: u32) -> Result<Sinks, Error> {
        let get = ICapacityRegistry::getSinksPageCall {
            taskTypeId: id,
            from: U256::from(from),
            count: U256::from(count),
        };
        let page = query(self.vm(), self.capacity_registry.get(), &get)?;
        let sinks = page.sinks.into_iter().zip(page.capacities);
        Ok(sinks.take(count as usize).collect())
    }
}

impl QueuedDeposit {
    /// From when on it can be reclaimed.
    fn available_at(&self) -> U256 {
        widen(self.time.get()).saturating_add(widen(self.timeout.get()))
    }

    /// Takes `amount` of it, or all there is if that is less, and returns how much. Forgets a deposit that nothing is left
    /// of, which gives a slot back.
    fn take(&mut self, amount: U256) -> U256 {
        let held = widen(self.amount.get());
        let taken = amount.min(held);
        let left = held.saturating_sub(taken);
        self.amount.set(Amount::wrapping_from(left));
        if left.is_zero() {
            self.source.set(SourceId::ZERO);
            self.time.set(U64::ZERO);
            self.timeout.set(U32::ZERO);
        }
        taken
    }
}

fn to_amount(amount: U256) -> Result<Amount, AmountTooLarge> {
    narrow(amount).ok_or(AmountTooLarge { amount })
}
