//! VelocityMetrics: how fast money circulates, hour by hour.
//!
//! The token tells of every movement ([`record_transfer`](VelocityMetrics::record_transfer)). From that come, for each
//! account and for all together, what flowed out in the running epoch, the balance averaged over its seconds, and
//! their ratio: the turnover, or velocity, in basis points an hour.
//!
//! | who | may |
//! |---|---|
//! | the recorder, a DemurrageToken | record movements, outflows and balances |
//! | anyone | close an epoch that has ended ([`advance_epoch`](VelocityMetrics::advance_epoch)); read |
//! | the owner | name the recorder |
//!
//! Amounts are in wei of the token. Nothing here holds or moves tokens.
//!
//! # Definitions
//!
//! Epoch n lasts [`EPOCH_DURATION`] seconds from `start + (n − 1) · 3600` on, `start` being when the contract was set up, whether
//! anybody calls or not. In it,
//!
//! - the *outflow* of an account is the sum of what it sent to others or unwrapped;
//! - its *average balance* is `Σ balance · seconds / seconds`, over the seconds from the beginning of the epoch to now or to
//!   its end. A balance counts as it was recorded last: what has decayed since then comes off at the next record;
//! - the *turnover* is `outflow · 10 000 / average balance`, rounded down, and zero where there was no balance at any time;
//! - the *velocity* of the network is the same with the outflow of all accounts, and the supply as balance.
//!
//! All of it is worked out when it is read, from the running epoch: it is right if nobody advances, and closing late changes
//! nothing. An epoch in which nothing is recorded has the velocity zero.
//!
//! Who sends money to and fro between accounts of its own makes a high turnover: this measures, and should not pay.
//!
//! Balances above 2^96 − 1 wei, which is 79·10^9 tokens of 18 decimals, count as that much in the average of an account; sums of outflows
//! stop at 2^112 − 1 wei.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, U128, U256, U32};
use bpe_common::{
    clock, emit,
    math::{
        self, to_u128_saturating,
        velocity::{turnover_bps, weighted_balance},
    },
    ownable::Ownable,
    packed::{to_u128, widen},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// How long an epoch is, in seconds.
pub const EPOCH_DURATION: u64 = 3_600;
/// The epoch in which the contract begins.
pub const FIRST_EPOCH: u64 = 1;

/// Seconds since 1970.
type StorageTime = StorageUint<40, 1>;
type StorageAmount = StorageUint<112, 2>;
type Amount = Uint<112, 2>;
type Balance = Uint<96, 2>;

/// An account's balance in time. One slot: balance (96 bits), weighted (112: an epoch's seconds have 12), time (40).
#[storage]
pub struct Book {
    /// As it was recorded last.
    balance: StorageUint<96, 2>,
    /// Summed up over the seconds of its epoch, up to `time`.
    weighted: StorageUint<112, 2>,
    time: StorageTime,
}

/// What flowed out of an account. One slot: amount (112 bits), epoch (32).
#[storage]
pub struct Outflow {
    amount: StorageAmount,
    epoch: StorageU32,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2: recorder (160 bits), start (40), last_velocity (56). Slot 3, all that changes here where the
/// supply does not: outflow (112), epoch (32), supply (112). Slot 4: weighted (128), time (40). Then the mappings.
#[entrypoint]
#[storage]
pub struct VelocityMetrics {
    #[borrow]
    ownable: Ownable,
    recorder: StorageAddress,
    /// When epoch 1 began.
    start: StorageTime,
    /// Of the last epoch but the one below.
    last_velocity: StorageUint<56, 1>,
    /// Of all accounts, in `epoch`.
    outflow: StorageAmount,
    /// The first epoch that is not closed.
    epoch: StorageU32,
    /// As it was recorded last.
    supply: StorageAmount,
    /// The supply, summed up over the seconds of its epoch, up to `time`.
    weighted: StorageU128,
    time: StorageTime,
    books: StorageMap<Address, Book>,
    outflows: StorageMap<Address, Outflow>,
}

#[public]
#[inherit(Ownable)]
impl VelocityMetrics {
    /// Sets the contract up: epoch 1 begins. The recorder may be zero, and be named later.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableInvalidOwner`]
    ///
    /// # Events
    ///
    /// * [`AuthorizedRecorderUpdated`]
    #[constructor]
    pub fn constructor(
        &mut self,
        authorized_recorder: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        let now = clock::block_timestamp(self.vm());
        self.start.set(Uint::wrapping_from(now));
        self.epoch.set(U32::from(FIRST_EPOCH));
        self.change_recorder(authorized_recorder);
        Ok(())
    }

    // --- The recorder

    /// Records that `amount` went from one account to another, which now have `from_balance` and `to_balance`, of a supply of
    /// `supply`. A zero address is no account: nothing flows out of it, and it has no balance.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRecorder`]
    ///
    /// # Events
    ///
    /// * [`VelocityUpdated`], unless `from` is zero; [`NetworkVelocityUpdated`] if this is the first record of an epoch.
    pub fn record_transfer(
        &mut self,
        from: Address,
        to: Address,
        amount: U256,
        from_balance: U256,
        to_balance: U256,
        supply: U256,
    ) -> Result<(), Error> {
        self.only_recorder()?;
        self.close_epochs();
        self.set_supply(supply);
        if !from.is_zero() {
            self.set_balance(from, from_balance);
            self.add_outflow(from, amount);
        }
        if !to.is_zero() {
            self.set_balance(to, to_balance);
        }
        Ok(())
    }

    /// Records that `amount` flowed out of `account`.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRecorder`]
    ///
    /// # Events
    ///
    /// * [`VelocityUpdated`]; [`NetworkVelocityUpdated`] if this is the first record of an epoch.
    pub fn record_outflow(&mut self, account: Address, amount: U256) -> Result<(), Error> {
        self.only_recorder()?;
        self.close_epochs();
        self.add_outflow(account, amount);
        Ok(())
    }

    /// Records that `account` now has `balance`. The supply changes by as much as the balance does.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRecorder`]
    ///
    /// # Events
    ///
    /// * [`NetworkVelocityUpdated`] if this is the first record of an epoch.
    pub fn snapshot_balance(&mut self, account: Address, balance: U256) -> Result<(), Error> {
        self.only_recorder()?;
        self.close_epochs();
        let before = widen(self.books.getter(account).balance.get());
        self.set_balance(account, balance);
        let after = widen(self.books.getter(account).balance.get());
        let supply = widen(self.supply.get());
        self.set_supply(supply.saturating_sub(before).saturating_add(after));
        Ok(())
    }

    // --- Anyone

    /// Closes all epochs that have ended: says what the velocity in the last of them was. Every record does so too.
    ///
    /// # Errors
    ///
    /// * [`EpochNotElapsed`] if there are none.
    ///
    /// # Events
    ///
    /// * [`NetworkVelocityUpdated`]
    pub fn advance_epoch(&mut self) -> Result<(), Error> {
        match self.close_epochs() {
            true => Ok(()),
            false => Err(EpochNotElapsed {}.into()),
        }
    }

    // --- Owner

    /// Makes `recorder` the one who records; nobody does, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`AuthorizedRecorderUpdated`]
    pub fn set_authorized_recorder(&mut self, recorder: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.change_recorder(recorder);
        Ok(())
    }

    // --- Views

    /// The turnover of `account` in the running epoch, so far: outflow by average balance, in basis points.
    pub fn get_turnover_rate(&self, account: Address) -> U256 {
        let (start, now) = self.epoch_bounds();
        let (outflow, sum) = (self.outflow_of(account), self.weigh(account, start, now));
        match now.saturating_sub(start) {
            // In the first second of an epoch the balance is the average.
            0 => turnover_bps(
                outflow,
                to_u128(self.books.getter(account).balance.get()),
                1,
            ),
            seconds => turnover_bps(outflow, sum, seconds),
        }
    }

    /// The balance of `account`, in wei, averaged over the seconds of the running epoch so far. Rounded down.
    pub fn get_average_balance(&self, account: Address) -> U256 {
        let (start, now) = self.epoch_bounds();
        let sum = U256::from(self.weigh(account, start, now));
        let seconds = U256::from(now.saturating_sub(start));
        let recorded = widen(self.books.getter(account).balance.get());
        sum.checked_div(seconds).unwrap_or(recorded)
    }

    /// What flowed out of `account` in the running epoch so far, in wei.
    pub fn epoch_outflow(&self, account: Address) -> U256 {
        U256::from(self.outflow_of(account))
    }

    /// The velocity of the network in the last epoch that has ended, in basis points an hour.
    pub fn get_network_velocity(&self) -> U256 {
        self.velocity_before(self.epoch_now())
    }

    /// The number of the running epoch.
    pub fn current_epoch(&self) -> U256 {
        U256::from(self.epoch_now())
    }

    /// The same as [`VelocityMetrics::current_epoch`].
    #[selector(name = "_currentEpoch")]
    pub fn running_epoch(&self) -> U256 {
        self.current_epoch()
    }

    /// When the running epoch began, in seconds since 1970.
    #[selector(name = "_epochStartTimestamp")]
    pub fn epoch_start_timestamp(&self) -> U256 {
        U256::from(self.epoch_bounds().0)
    }

    /// The same as [`VelocityMetrics::get_network_velocity`].
    #[selector(name = "_lastNetworkVelocity")]
    pub fn last_network_velocity(&self) -> U256 {
        self.get_network_velocity()
    }

    /// What flowed out of all accounts in the running epoch so far, in wei.
    #[selector(name = "_networkOutflow")]
    pub fn network_outflow(&self) -> U256 {
        match self.epoch_now() == self.open_epoch() {
            true => widen(self.outflow.get()),
            false => U256::ZERO,
        }
    }

    /// The supply, summed up over the seconds of the running epoch so far: divided by
    /// [their number](VelocityMetrics::network_snapshot_count), the average.
    #[selector(name = "_networkBalanceSum")]
    pub fn network_balance_sum(&self) -> U256 {
        let (start, now) = self.epoch_bounds();
        U256::from(self.weigh_supply(start, now))
    }

    /// The seconds of the running epoch so far, each of which counts as a look at the supply.
    #[selector(name = "_networkSnapshotCount")]
    pub fn network_snapshot_count(&self) -> U256 {
        let (start, now) = self.epoch_bounds();
        U256::from(now.saturating_sub(start))
    }

    /// Who records; zero if nobody does.
    pub fn authorized_recorder(&self) -> Address {
        self.recorder.get()
    }

    /// 10 000: 100 % in basis points.
    #[selector(name = "BPS")]
    pub fn bps(&self) -> U256 {
        U256::from(math::BPS)
    }

    /// How long an epoch is, in seconds.
    #[selector(name = "EPOCH_DURATION")]
    pub fn epoch_duration(&self) -> U256 {
        U256::from(EPOCH_DURATION)
    }
}

// --- Epochs

impl VelocityMetrics {
    fn epoch_now(&self) -> u64 {
        let now = clock::block_timestamp(self.vm());
        let past = now.saturating_sub(self.start.get().wrapping_to()) / EPOCH_DURATION;
        past.saturating_add(FIRST_EPOCH)
    }

    /// The first epoch that is not closed.
    fn open_epoch(&self) -> u64 {
        self.epoch.get().wrapping_to()
    }

    fn start_of(&self, epoch: u64) -> u64 {
        let start = self.start.get().wrapping_to::<u64>();
        let past = epoch.saturating_sub(FIRST_EPOCH);
        start.saturating_add(past.saturating_mul(EPOCH_DURATION))
    }

    /// When the running epoch began, and now.
    fn epoch_bounds(&self) -> (u64, u64) {
        let now = clock::block_timestamp(self.vm());
        (self.start_of(self.epoch_now()), now)
    }

    /// Closes all epochs that have ended, and returns whether there were any.
    fn close_epochs(&mut self) -> bool {
        let now = self.epoch_now();
        if now == self.open_epoch() {
            return false;
        }
        let velocity = self.velocity_before(now);
        self.last_velocity.set(Uint::saturating_from(velocity));
        self.outflow.set(Amount::ZERO);
        self.epoch.set(U32::saturating_from(now));
        emit!(self.vm(), NetworkVelocityUpdated[](velocity, now.saturating_sub(1)));
        true
    }

    /// The velocity in the epoch before `epoch`, which is the first that is not closed, or a later one.
    fn velocity_before(&self, epoch: u64) -> U256 {
        let open = self.open_epoch();
        match epoch.saturating_sub(open) {
            0 => widen(self.last_velocity.get()),
            1 => {
                let (start, end) = (self.start_of(open), self.start_of(epoch));
                let sum = self.weigh_supply(start, end);
                turnover_bps(to_u128(self.outflow.get()), sum, EPOCH_DURATION)
            }
            // Nothing was recorded in it.
            _ => U256::ZERO,
        }
    }
}

// --- Books. The running epoch is open.

impl VelocityMetrics {
    /// The balance of `account`, summed up from the beginning of an epoch to `now`.
    fn weigh(&self, account: Address, start: u64, now: u64) -> u128 {
        let book = self.books.getter(account);
        let (sum, time) = (to_u128(book.weighted.get()), book.time.get().wrapping_to());
        weighted_balance(sum, time, to_u128(book.balance.get()), start, now)
    }

    /// The supply, summed up from the beginning of an epoch to `now`.
    fn weigh_supply(&self, start: u64, now: u64) -> u128 {
        let (sum, time) = (to_u128(self.weighted.get()), self.time.get().wrapping_to());
        weighted_balance(sum, time, to_u128(self.supply.get()), start, now)
    }

    fn set_balance(&mut self, account: Address, balance: U256) {
        let (start, now) = self.epoch_bounds();
        let sum = self.weigh(account, start, now);
        let mut books = self.books.setter(account);
        books.balance.set(Balance::saturating_from(balance));
        // Fits: 96 bits times 3600.
        books.weighted.set(Uint::wrapping_from(sum));
        books.time.set(Uint::wrapping_from(now));
    }

    fn set_supply(&mut self, supply: U256) {
        let supply = Amount::saturating_from(supply);
        if supply == self.supply.get() {
            return;
        }
        let (start, now) = self.epoch_bounds();
        let sum = self.weigh_supply(start, now);
        self.supply.set(supply);
        self.weighted.set(U128::from(sum));
        self.time.set(Uint::wrapping_from(now));
    }

    fn add_outflow(&mut self, account: Address, amount: U256) {
        let amount = to_u128_saturating(amount);
        let epoch = self.epoch.get();
        let own = self.outflow_of(account).saturating_add(amount);
        let mut outflow = self.outflows.setter(account);
        outflow.amount.set(Amount::saturating_from(own));
        outflow.epoch.set(epoch);
        let all = to_u128(self.outflow.get()).saturating_add(amount);
        self.outflow.set(Amount::saturating_from(all));
        let turnover = self.get_turnover_rate(account);
        emit!(self.vm(), VelocityUpdated[account](turnover, widen(epoch)));
    }

    /// What flowed out of `account` in the running epoch.
    fn outflow_of(&self, account: Address) -> u128 {
        let outflow = self.outflows.getter(account);
        match outflow.epoch.get().wrapping_to::<u64>() == self.epoch_now() {
            true => to_u128(outflow.amount.get()),
            false => 0,
        }
    }
}

// --- Access

impl VelocityMetrics {
    fn only_recorder(&self) -> Result<(), NotAuthorizedRecorder> {
        match self.vm().msg_sender() == self.recorder.get() {
            true => Ok(()),
            false => Err(NotAuthorizedRecorder {}),
        }
    }

    fn change_recorder(&mut self, recorder: Address) {
        let old = self.recorder.get();
        self.recorder.set(recorder);
        emit!(self.vm(), AuthorizedRecorderUpdated[old, recorder]);
    }
}
