//! DemurrageToken: an ERC-20 that loses value while it lies idle.
//!
//! It wraps an underlying token one to one. What is held then decays, `balance(t) = balance(0) · e^(−λt)`, every second, for
//! every holder alike, touched or not. What decays is not burnt: it is the decay recipient's, from the same second on.
//!
//! | who | may |
//! |---|---|
//! | anyone | wrap, unwrap and transfer its own tokens, approve, permit; touch any account ([`rebase`](DemurrageToken::rebase)) |
//! | the owner | after notice: set the rate, up to 22 % a year, name the decay recipient, name VirialMonitor, end an account's exemption |
//! | | at once: exempt accounts, name VelocityMetrics |
//!
//! The owner can take nobody's tokens. What it sets acts from then on, never on what has decayed already.
//!
//! # Notice
//!
//! What costs holders more than they agreed to is set in two calls with the same arguments. The first announces it
//! ([`ChangeAnnounced`]) and changes nothing; the second, from [`NOTICE`] seconds later on and before twice as many have
//! passed, makes it so. In between everybody can unwrap, at the terms as they were. A later call announces anew. While nothing is wrapped, nobody has to be told, and the first call is enough.
//!
//! Amounts are in wei, the smallest unit of the underlying token, whose decimals this token has; rates are per second with
//! 18 decimals (5 % a year is 1 585 489 599, off by less than 2e-10 of it); times are seconds since 1970.
//!
//! # Balances
//!
//! A decaying account holds *shares*, each worth `e^(−Λ)` times 2^-64 wei, where `Λ = Σ rate · seconds` is exact: see
//! [`math::decay`]. Λ stands in storage, and the exponential is taken anew at every use. So it does not matter how often
//! anything is touched, and the error stays that of one exponential: below 2e-36 of a balance in ten years, which
//! rounding to whole wei dwarfs. It comes from [`math::exp`], which says how it works. At Λ = 18.4, after 83 years at the highest rate, decay ends.
//!
//! An *exempt* account (a contract of streams, of stakes) holds plain wei: what it has, it has until it gives it away, so that
//! a contract that owes its depositors what they brought never owes more than it holds. A contract's exemption is for good
//! ([`ExemptForGood`]). What lies in an exempt contract does not decay: it is shelter, for whoever puts it there. So does the *decay recipient*, which does not
//! decay while it is the recipient; besides it holds all that the others have lost: `supply − plain wei − ⌊worth of all
//! shares⌋`. A new recipient gets what decays from then on. The old one keeps what it had got by then, and decays like any
//! other account unless it is exempt.
//!
//! # What is owed and what is there
//!
//! `Σ balances ≤ totalSupply ≤ underlying held`, always. The supply counts what arrived in wrapping and has not left in
//! unwrapping. Recipient and plain wei are part of it by definition; and as `Σ ⌊xᵢ⌋ ≤ ⌊Σ xᵢ⌋`, shares are worth no more
//! together than what is set aside for them. So all can unwrap all they have, in every order, and the supply is zero then.
//!
//! An underlying token that takes fees on transfers is credited with what arrived. One that changes balances by itself
//! would break the second half: do not wrap it.
//!
//! # Rounding
//!
//! Balances are rounded down. Who sends x has x less, or x + 1 where fractions of a wei carry over; who is sent x has x
//! more, or x + 1. Nothing is created: the shares that leave are those that arrive. What becomes shares, in wrapping or
//! from an exempt account, is rounded in the holder's favour by less than 2^-64 wei, which the decay recipient bears, and only
//! while there is something to bear it. Who gives all it has leaves no fraction behind. Events carry x.
//!
//! # Events
//!
//! What an account has lost shows when it is touched: as a `Transfer` to the zero address. What its recipient has got of it shows
//! as one from the zero address, when that is touched. So the sum of all `Transfer` events of an account is what it had when it
//! was touched last, to a wei for each movement.
//!
//! # Velocity
//!
//! With a [VelocityMetrics](DemurrageToken::velocity_metrics) named, it is told of every movement. It gets what gas there is, up
//! to [`METRICS_GAS`]; if it fails with that, the movement goes on without it ([`MetricsFailed`]). So no metrics stop a
//! movement, and who brings little gas is not measured: velocity is for people, and nothing is paid by it.
//!
//! # Adaptive decay
//!
//! With a [VirialMonitor](DemurrageToken::virial_monitor) named, the rate is what it recommends, between
//! [`MIN_ADAPTIVE_RATE`] and [`MAX_ADAPTIVE_RATE`]. It is asked at a [`rebase`](DemurrageToken::rebase), by anyone,
//! and what it says holds until the next: a balance never depends on what it would say now. If it fails with
//! [`MONITOR_GAS`], the owner's rate holds; where a caller brings too little for that, the rate stays as it is. What it
//! recommends needs no notice: who holds the token with a monitor has agreed to all rates between the two.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{string::String, vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256, U64, U8};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{
        call, calldata, first_words, has_code, require_contract, require_gas, static_call,
        NotAContract,
    },
    clock,
    eip712::{hash_words, Domain},
    emit, erc20,
    events::Word,
    interfaces::{IVelocityMetrics, IVirialMonitor},
    math::decay::{credited_shares, debited_shares, grown_exponent, index, worth_floor},
    ownable::Ownable,
    packed::{narrow, widen},
    signature,
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// 1 in the fixed point of rates and exponents.
pub const PRECISION: u64 = 1_000_000_000_000_000_000;
/// The highest rate: a balance loses 19.8 % in a year, `1 − e^(−0.22)`.
pub const MAX_DECAY_RATE: u64 = 7_000_000_000;
/// The lowest rate that VirialMonitor can bring about: 1 % a year.
pub const MIN_ADAPTIVE_RATE: u64 = 317_097_919;
/// The highest rate that VirialMonitor can bring about: 10 % a year.
pub const MAX_ADAPTIVE_RATE: u64 = 3_170_979_198;

/// From when on what was announced can be set, in seconds; it can be for as long again.
pub const NOTICE: u64 = 7 * 86_400;

/// What VelocityMetrics may use at most: five new slots, two events, an uncached start.
pub const METRICS_GAS: u64 = 200_000;
/// What is left to a movement of which metrics use up all they are given: to say so, and to return.
const RESERVE: u64 = 12_000;
/// What VirialMonitor may use to recommend a rate.
pub const MONITOR_GAS: u64 = 100_000;

/// What an underlying token that does not say has.
const DEFAULT_DECIMALS: u8 = 18;

/// `keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")`
const PERMIT_TYPEHASH: B256 =
    b256!("6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");
const VERSION: &str = "1";

/// The account was exempted by the owner.
const EXEMPT: u8 = 1;
/// The account is the decay recipient's.
const RECIPIENT: u8 = 2;

/// What is announced.
const RATE: u8 = 1;
const DECAY_RECIPIENT: u8 = 2;
const MONITOR: u8 = 3;
const EXEMPTION: u8 = 4;

/// Amounts: as many bits as 5·10^15 tokens of 18 decimals have.
type StorageAmount = StorageUint<112, 2>;
/// Shares: 112 bits, 64 of fractions, and 27 as a share loses value.
type StorageShares = StorageUint<208, 4>;
/// Seconds since 1970.
type StorageTime = StorageUint<40, 1>;
/// Rates: the highest has 33 bits.
type StorageRate = StorageUint<40, 1>;

/// Numbers of stretches.
type StorageNumber = StorageUint<40, 1>;
type Number = Uint<40, 1>;

/// One slot: holding (208 bits), touched (40), flags (8).
#[storage]
pub struct Account {
    /// Shares; wei, if any flag is set.
    holding: StorageShares,
    /// When it changed last.
    touched: StorageTime,
    flags: StorageU8,
}

/// A time with one rate. One slot: since (40 bits), rate (40), exponent (64).
#[storage]
pub struct Stretch {
    since: StorageTime,
    rate: StorageRate,
    /// Λ when it began.
    exponent: StorageU64,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2, all that a transfer has to know: since (40 bits), rate (40), exponent (64), the running
/// stretch; supply (112). Slot 3, with it all that a wrap changes: total_shares (208), base_rate (40), decimals (8).
/// Slot 4: collected (208), stretch_count (40). Slots 5–9: plain, underlying, recipient, metrics, monitor. Then strings and
/// mappings.
#[entrypoint]
#[storage]
pub struct DemurrageToken {
    #[borrow]
    ownable: Ownable,
    since: StorageTime,
    rate: StorageRate,
    exponent: StorageU64,
    /// What arrived in wrapping and has not left in unwrapping.
    supply: StorageAmount,
    total_shares: StorageShares,
    /// The owner's rate.
    base_rate: StorageRate,
    decimals: StorageU8,
    /// The sum of what was written to recipients' accounts.
    collected: StorageUint<208, 4>,
    /// How many stretches have ended.
    stretch_count: StorageNumber,
    /// The sum of what is held in wei.
    plain: StorageAmount,
    underlying: StorageAddress,
    decay_recipient: StorageAddress,
    velocity_metrics: StorageAddress,
    virial_monitor: StorageAddress,
    name: StorageString,
    symbol: StorageString,
    accounts: StorageMap<Address, Account>,
    allowances: StorageMap<Address, StorageMap<Address, StorageU256>>,
    nonces: StorageMap<Address, StorageU256>,
    /// Stretches that have ended, by number.
    stretches: StorageMap<Number, Stretch>,
    /// From when on what was announced can be set, by what it is about, in the first byte, and what it is.
    announced: StorageMap<B256, StorageU64>,
}

/// Something on its way between two accounts.
struct Parcel {
    amount: U256,
    /// The shares it left as, which total_shares still counts; zero if it left as wei.
    shares: U256,
}

#[public]
#[inherit(Ownable)]
impl DemurrageToken {
    /// Sets the contract up. The token has the decimals of `underlying`, 18 if that does not say. `decay_rate` is per second,
    /// with 18 decimals.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`] for `underlying`, [`ExceedsMaxDecayRate`], [`ZeroRecipient`], [`InvalidRecipient`],
    ///   [`ownable::OwnableInvalidOwner`]
    ///
    /// # Events
    ///
    /// * [`DecayRateUpdated`], [`DecayRecipientUpdated`]
    #[constructor]
    pub fn constructor(
        &mut self,
        name: String,
        symbol: String,
        underlying: Address,
        decay_rate: U256,
        decay_recipient: Address,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        require_contract(self.vm(), underlying)?;
        self.require_recipient(decay_recipient)?;
        self.name.set_str(name);
        self.symbol.set_str(symbol);
        self.underlying.set(underlying);
        let decimals = erc20::decimals(self.vm(), underlying).unwrap_or(DEFAULT_DECIMALS);
        self.decimals.set(U8::from(decimals));
        let now = clock::block_timestamp(self.vm());
        self.since.set(Uint::wrapping_from(now));
        // The first stretch, which ends none. The rate is checked next.
        self.rate.set(Uint::wrapping_from(decay_rate));
        self.change_base_rate(decay_rate)?;
        self.change_recipient(decay_recipient);
        Ok(())
    }

    // --- Holders

    /// Takes `amount` of the underlying token from the caller, who must have approved it, and gives as much of this one. What
    /// counts is what arrives.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`SupplyTooLarge`]
    /// * [`SafeERC20FailedOperation`] if the token refuses, or nothing arrives.
    ///
    /// # Events
    ///
    /// * [`Transfer`] from zero; [`MetricsFailed`]
    pub fn wrap(&mut self, amount: U256) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        let account = self.vm().msg_sender();
        // The interaction comes first, since only the token knows how much arrives. A token that calls back finds the
        // contract closed: programs refuse re-entry.
        let amount = erc20::pull(self.vm(), self.underlying.get(), account, amount)?;
        let supply = self.total_supply().saturating_add(amount);
        self.supply
            .set(narrow(supply).ok_or(SupplyTooLarge { supply })?);
        let index = self.index();
        let parcel = Parcel {
            amount,
            shares: U256::ZERO,
        };
        self.put(account, parcel, index);
        emit!(self.vm(), Transfer[Address::ZERO, account](amount));
        self.report(Address::ZERO, account, amount, index);
        Ok(())
    }

    /// Gives `amount` of the caller's tokens back, and the caller as much of the underlying token.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`InsufficientBalance`]
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Transfer`] to zero; [`DecayCollected`] if the caller is the decay recipient; [`MetricsFailed`]
    pub fn unwrap(&mut self, amount: U256) -> Result<(), Error> {
        if amount.is_zero() {
            return Err(ZeroAmount {}.into());
        }
        let account = self.vm().msg_sender();
        let index = self.index();
        let parcel = self.take(account, amount, index)?;
        self.remove_shares(parcel.shares);
        // Part of the supply, as every balance.
        let supply = self.total_supply().saturating_sub(amount);
        self.supply.set(Uint::wrapping_from(supply));
        emit!(self.vm(), Transfer[account, Address::ZERO](amount));
        erc20::transfer(self.vm(), self.underlying.get(), account, amount)?;
        self.report(account, Address::ZERO, amount, index);
        Ok(())
    }

    /// Sends `amount` of the caller's tokens to `to`.
    ///
    /// # Errors
    ///
    /// * [`ZeroRecipient`], [`InvalidRecipient`], [`InsufficientBalance`]
    ///
    /// # Events
    ///
    /// * [`Transfer`]; [`DecayCollected`] if the caller is the decay recipient; [`MetricsFailed`]
    pub fn transfer(&mut self, to: Address, amount: U256) -> Result<bool, Error> {
        let from = self.vm().msg_sender();
        self.move_tokens(from, to, amount)
    }

    /// Sends `amount` of the tokens of `from`, who has approved it for the caller, to `to`. An allowance of 2^256 − 1 is not
    /// used up.
    ///
    /// # Errors
    ///
    /// * [`InsufficientAllowance`], and those of [`DemurrageToken::transfer`].
    ///
    /// # Events
    ///
    /// * As [`DemurrageToken::transfer`].
    pub fn transfer_from(
        &mut self,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Result<bool, Error> {
        let spender = self.vm().msg_sender();
        let available = self.allowance(from, spender);
        if available != U256::MAX {
            let Some(left) = available.checked_sub(amount) else {
                let required = amount;
                return Err(InsufficientAllowance {
                    required,
                    available,
                }
                .into());
            };
            self.allowances.setter(from).setter(spender).set(left);
        }
        self.move_tokens(from, to, amount)
    }

    /// Lets `spender` take `amount` of the caller's tokens, in place of what it might take before.
    ///
    /// # Events
    ///
    /// * [`Approval`]
    pub fn approve(&mut self, spender: Address, amount: U256) -> bool {
        let owner = self.vm().msg_sender();
        self.allow(owner, spender, amount);
        true
    }

    /// Lets `spender` take `value` of the tokens of `owner`, who has signed that until `deadline` (ERC-2612). Whoever calls.
    ///
    /// # Errors
    ///
    /// * [`ERC2612ExpiredSignature`], [`ERC2612InvalidSigner`]
    /// * [`signature::ECDSAInvalidSignature`], [`signature::ECDSAInvalidSignatureS`]
    ///
    /// # Events
    ///
    /// * [`Approval`]
    #[allow(clippy::too_many_arguments)]
    pub fn permit(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Error> {
        if U256::from(clock::block_timestamp(self.vm())) > deadline {
            return Err(ERC2612ExpiredSignature { deadline }.into());
        }
        let nonce = self.nonces(owner);
        let permit = hash_words(&[
            PERMIT_TYPEHASH,
            owner.into_word(),
            spender.into_word(),
            value.into(),
            nonce.into(),
            deadline.into(),
        ]);
        let name = self.name();
        let digest = domain(&name).digest(self.vm(), permit);
        let mut signature = [0; 65];
        signature[..32].copy_from_slice(r.as_slice());
        signature[32..64].copy_from_slice(s.as_slice());
        signature[64] = v;
        let signer = signature::recover(self.vm(), digest, &signature)?;
        if signer != owner {
            return Err(ERC2612InvalidSigner { signer, owner }.into());
        }
        let next = nonce.saturating_add(U256::from(1));
        self.nonces.setter(owner).set(next);
        self.allow(owner, spender, value);
        Ok(())
    }

    // --- Anyone

    /// Touches `account`: says what it has lost since it was touched last, and writes to the decay recipient's what others
    /// have. Takes the monitor's rate, if there is one, for the time to come. No balance changes.
    ///
    /// # Events
    ///
    /// * [`Rebased`]; [`Transfer`], [`DecayCollected`], [`EffectiveDecayRateUpdated`]
    pub fn rebase(&mut self, account: Address) {
        self.sample_rate();
        let index = self.index();
        if self.flags(account) & RECIPIENT != 0 {
            self.collect(index);
        }
        let balance = self.balance(account, index);
        let decayed = self.show_decay(account, balance);
        self.touch(account);
        emit!(self.vm(), Rebased[account](decayed, balance));
    }

    // --- Owner

    /// Announces the owner's rate, per second with 18 decimals, or sets what was announced. Without a monitor, balances decay at
    /// it from when it is set.
    ///
    /// # Errors
    ///
    /// * [`ExceedsMaxDecayRate`], [`NoticeRunning`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ChangeAnnounced`]; or [`DecayRateUpdated`], [`EffectiveDecayRateUpdated`]
    pub fn set_decay_rate(&mut self, lambda: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if lambda > U256::from(MAX_DECAY_RATE) {
            return Err(ExceedsMaxDecayRate {}.into());
        }
        match self.is_due(RATE, lambda.word())? {
            true => self.change_base_rate(lambda),
            false => Ok(()),
        }
    }

    /// Announces whose is what decays, or sets whom was announced: what decays from then on is `recipient`'s. The one before keeps
    /// what it had got.
    ///
    /// # Errors
    ///
    /// * [`ZeroRecipient`], [`InvalidRecipient`], [`NoticeRunning`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ChangeAnnounced`]; or [`DecayRecipientUpdated`], and [`DecayCollected`] for the one before.
    pub fn set_decay_recipient(&mut self, recipient: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_recipient(recipient)?;
        if self.is_due(DECAY_RECIPIENT, recipient.word())? {
            self.change_recipient(recipient);
        }
        Ok(())
    }

    /// Exempts `account` from decay from now on. Or announces that it is so no longer, or ends it as announced; a contract's
    /// exemption is for good. The balance stays; a fraction of a wei goes to the decay recipient.
    ///
    /// # Errors
    ///
    /// * [`ExemptForGood`], [`NoticeRunning`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`DecayExemptUpdated`]; or [`ChangeAnnounced`]
    pub fn set_decay_exempt(&mut self, account: Address, exempt: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let mut flags = self.flags(account) | EXEMPT;
        if !exempt {
            if has_code(self.vm(), account) {
                return Err(ExemptForGood { account }.into());
            }
            if !self.is_due(EXEMPTION, account.word())? {
                return Ok(());
            }
            flags &= !EXEMPT;
        }
        self.set_flags(account, flags, self.index());
        emit!(self.vm(), DecayExemptUpdated[account](exempt));
        Ok(())
    }

    /// Announces who recommends rates, or sets whom was announced, beginning with one; none does, if zero, and the owner's rate
    /// holds.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`NoticeRunning`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ChangeAnnounced`]; or [`VirialMonitorUpdated`], [`EffectiveDecayRateUpdated`]
    pub fn set_virial_monitor(&mut self, monitor: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_neighbour(monitor)?;
        if !self.is_due(MONITOR, monitor.word())? {
            return Ok(());
        }
        let old = self.virial_monitor.get();
        self.virial_monitor.set(monitor);
        emit!(self.vm(), VirialMonitorUpdated[old, monitor]);
        self.sample_rate();
        Ok(())
    }

    /// Sets who is told of movements from now on; nobody, if zero. It has to know this token as its recorder.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`], [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`VelocityMetricsUpdated`]
    pub fn set_velocity_metrics(&mut self, metrics: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.require_neighbour(metrics)?;
        let old = self.velocity_metrics.get();
        self.velocity_metrics.set(metrics);
        emit!(self.vm(), VelocityMetricsUpdated[old, metrics]);
        Ok(())
    }

    // --- Balances

    /// What `account` has, now: decayed up to this second. Of the decay recipient, with all that others have lost.
    pub fn balance_of(&self, account: Address) -> U256 {
        self.balance(account, self.index())
    }

    /// The same as [`DemurrageToken::balance_of`].
    pub fn real_balance_of(&self, account: Address) -> U256 {
        self.balance_of(account)
    }

    /// What `account` had when it was touched last: what it would have now, had nothing decayed since.
    pub fn nominal_balance_of(&self, account: Address) -> U256 {
        let account = self.accounts.getter(account);
        let holding = widen(account.holding.get());
        if !account.flags.get().is_zero() {
            return holding;
        }
        let exponent = self.get_exponent_at(widen(account.touched.get()));
        worth_floor(holding, index(exponent.saturating_to()))
    }

    /// When `account` was touched last: its holding changed, or [`DemurrageToken::rebase`] was called. Zero if never.
    pub fn last_update_time(&self, account: Address) -> U256 {
        widen(self.accounts.getter(account).touched.get())
    }

    /// All tokens: what was wrapped and has not been unwrapped. What decays stays part of it, as the decay recipient's.
    pub fn total_supply(&self) -> U256 {
        widen(self.supply.get())
    }

    /// The same as [`DemurrageToken::total_supply`].
    #[selector(name = "_totalNominalSupply")]
    pub fn total_nominal_supply(&self) -> U256 {
        self.total_supply()
    }

    /// All that has ever decayed, up to this second: what decay recipients have got together.
    pub fn total_decayed(&self) -> U256 {
        widen(self.collected.get()).saturating_add(self.uncollected(self.index()))
    }

    /// The part of [`DemurrageToken::total_decayed`] that is written to recipients' accounts.
    #[selector(name = "_totalDecayed")]
    pub fn total_collected(&self) -> U256 {
        widen(self.collected.get())
    }

    /// What `spender` may take of the tokens of `owner`.
    pub fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.allowances.getter(owner).get(spender)
    }

    // --- Decay

    /// The owner's rate: per second, with 18 decimals.
    pub fn decay_rate(&self) -> U256 {
        widen(self.base_rate.get())
    }

    /// The same as [`DemurrageToken::decay_rate`].
    #[selector(name = "_decayRate")]
    pub fn base_rate(&self) -> U256 {
        self.decay_rate()
    }

    /// The rate at which balances decay: the owner's, or what the monitor recommended when it was asked last. Per second,
    /// with 18 decimals.
    pub fn get_effective_decay_rate(&self) -> U256 {
        widen(self.rate.get())
    }

    /// Λ at `time`, with 18 decimals: a balance of then is now worth `e^(Λ(then) − Λ(now))` of it. For a time to come, if the
    /// rate stays. Zero before the contract was there.
    pub fn get_exponent_at(&self, time: U256) -> U256 {
        let time = time.saturating_to::<u64>();
        if time >= self.since.get().wrapping_to() {
            let (since, rate) = (self.since.get(), self.rate.get());
            return exponent_at(self.exponent.get(), rate, since, time);
        }
        // Of the stretches that have ended the last that had begun: the one before `above`, of which all begin later.
        let (mut below, mut above) = (0u64, self.stretch_count.get().wrapping_to::<u64>());
        while below < above {
            // The mean, which does not overflow: the number of changes has 40 bits.
            let middle = below.saturating_add(above) >> 1;
            let since = self.stretches.getter(Number::from(middle)).since.get();
            match since.wrapping_to::<u64>() <= time {
                true => below = middle.saturating_add(1),
                false => above = middle,
            }
        }
        let Some(number) = above.checked_sub(1) else {
            return U256::ZERO;
        };
        let it = self.stretches.getter(Number::from(number));
        exponent_at(it.exponent.get(), it.rate.get(), it.since.get(), time)
    }

    /// Whose is what decays.
    pub fn decay_recipient(&self) -> Address {
        self.decay_recipient.get()
    }

    /// The same as [`DemurrageToken::decay_recipient`].
    #[selector(name = "_decayRecipient")]
    pub fn recipient(&self) -> Address {
        self.decay_recipient()
    }

    /// Whether `account` does not decay: exempted by the owner, or the decay recipient.
    pub fn decay_exempt(&self, account: Address) -> bool {
        self.flags(account) != 0
    }

    /// Whether a monitor recommends rates.
    pub fn adaptive_decay_enabled(&self) -> bool {
        !self.virial_monitor.get().is_zero()
    }

    /// Who recommends rates; zero if nobody does.
    pub fn virial_monitor(&self) -> Address {
        self.virial_monitor.get()
    }

    /// Who is told of movements; zero if nobody is.
    pub fn velocity_metrics(&self) -> Address {
        self.velocity_metrics.get()
    }

    /// 1 in the fixed point of rates: 18 decimals.
    #[selector(name = "PRECISION")]
    pub fn precision(&self) -> U256 {
        U256::from(PRECISION)
    }

    /// The highest rate: 7e9, at which a balance loses 19.8 % in a year.
    #[selector(name = "MAX_DECAY_RATE")]
    pub fn max_decay_rate(&self) -> U256 {
        U256::from(MAX_DECAY_RATE)
    }

    /// From when on what was announced can be set, in seconds; it can be for as long again.
    #[selector(name = "NOTICE")]
    pub fn notice(&self) -> U256 {
        U256::from(NOTICE)
    }

    /// The lowest rate that a monitor can bring about: 1 % a year.
    #[selector(name = "MIN_ADAPTIVE_RATE")]
    pub fn min_adaptive_rate(&self) -> U256 {
        U256::from(MIN_ADAPTIVE_RATE)
    }

    /// The highest rate that a monitor can bring about: 10 % a year.
    #[selector(name = "MAX_ADAPTIVE_RATE")]
    pub fn max_adaptive_rate(&self) -> U256 {
        U256::from(MAX_ADAPTIVE_RATE)
    }

    // --- Token

    /// The token's name, also in what holders sign.
    pub fn name(&self) -> String {
        self.name.get_string()
    }

    /// The token's symbol.
    pub fn symbol(&self) -> String {
        self.symbol.get_string()
    }

    /// The decimals of the underlying token.
    pub fn decimals(&self) -> u8 {
        self.decimals.get().wrapping_to()
    }

    /// The token that is wrapped.
    #[selector(name = "UNDERLYING")]
    pub fn underlying(&self) -> Address {
        self.underlying.get()
    }

    /// The number of permits of `owner` that were used: what the next has to name.
    pub fn nonces(&self, owner: Address) -> U256 {
        self.nonces.get(owner)
    }

    /// The domain that permits are signed for (EIP-712): the token's name, version 1.
    #[selector(name = "DOMAIN_SEPARATOR")]
    pub fn domain_separator(&self) -> B256 {
        domain(&self.name()).separator(self.vm())
    }
}

// --- Movements

impl DemurrageToken {
    fn move_tokens(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, Error> {
        self.require_recipient(to)?;
        let index = self.index();
        let parcel = self.take(from, amount, index)?;
        self.put(to, parcel, index);
        emit!(self.vm(), Transfer[from, to](amount));
        self.report(from, to, amount, index);
        Ok(true)
    }

    /// Takes `amount` out of an account.
    fn take(&mut self, from: Address, amount: U256, index: u128) -> Result<Parcel, Error> {
        let flags = self.flags(from);
        let available = self.balance(from, index);
        if available < amount {
            let required = amount;
            return Err(InsufficientBalance {
                required,
                available,
            }
            .into());
        }
        if flags & RECIPIENT != 0 {
            self.collect(index);
        }
        let holding = self.holding(from);
        if flags != 0 {
            self.set_holding(from, holding.saturating_sub(amount), index);
            self.set_plain(self.plain().saturating_sub(amount));
            let shares = U256::ZERO;
            return Ok(Parcel { amount, shares });
        }
        let shares = debited_shares(holding, amount, index);
        self.set_holding(from, holding.saturating_sub(shares), index);
        Ok(Parcel { amount, shares })
    }

    /// Puts it into another, or the same. Where neither holds wei, the shares that left are those that arrive.
    fn put(&mut self, to: Address, parcel: Parcel, index: u128) {
        let Parcel { amount, shares } = parcel;
        // No sum overflows: the supply has 112 bits, all shares together less than 208.
        let arriving = if self.flags(to) != 0 {
            self.remove_shares(shares);
            self.set_plain(self.plain().saturating_add(amount));
            amount
        } else if shares.is_zero() {
            self.new_shares(amount, index)
        } else {
            shares
        };
        self.set_holding(to, self.holding(to).saturating_add(arriving), index);
    }

    /// Makes shares for `amount`, which is part of the supply and no longer of plain wei.
    fn new_shares(&mut self, amount: U256, index: u128) -> U256 {
        let total = widen(self.total_shares.get());
        let room = self.total_supply().saturating_sub(self.plain());
        let shares = credited_shares(total, amount, index, room);
        let total = total.saturating_add(shares);
        self.total_shares.set(Uint::wrapping_from(total));
        shares
    }

    fn remove_shares(&mut self, shares: U256) {
        if !shares.is_zero() {
            let total = widen(self.total_shares.get()).saturating_sub(shares);
            self.total_shares.set(Uint::wrapping_from(total));
        }
    }

    /// Tells VelocityMetrics of a movement, with what gas there is. Last of all: nothing is left to be done.
    #[inline(never)]
    fn report(&self, from: Address, to: Address, amount: U256, index: u128) {
        let metrics = self.velocity_metrics.get();
        // What stays with its holder does not circulate.
        if metrics.is_zero() || from == to {
            return;
        }
        let arguments = [
            from.into_word(),
            to.into_word(),
            amount.into(),
            self.balance(from, index).into(),
            self.balance(to, index).into(),
            self.total_supply().into(),
        ];
        let data = calldata(IVelocityMetrics::recordTransferCall::SELECTOR, &arguments);
        // What is written is paid for first.
        self.vm().flush_cache(false);
        let gas = self.vm().evm_gas_left().saturating_sub(RESERVE);
        if !call(self.vm(), metrics, &data, gas.min(METRICS_GAS), 0).success {
            emit!(self.vm(), MetricsFailed[metrics]);
        }
    }

    fn allow(&mut self, owner: Address, spender: Address, amount: U256) {
        self.allowances.setter(owner).setter(spender).set(amount);
        emit!(self.vm(), Approval[owner, spender](amount));
    }
}

// --- Accounts

impl DemurrageToken {
    #[inline(never)]
    fn balance(&self, account: Address, index: u128) -> U256 {
        let holding = self.holding(account);
        match self.flags(account) {
            0 => worth_floor(holding, index),
            flags if flags & RECIPIENT != 0 => holding.saturating_add(self.uncollected(index)),
            _ => holding,
        }
    }

    /// Says what a decaying account, which has `balance`, has lost since it was touched last, and returns it.
    #[inline(never)]
    fn show_decay(&self, account: Address, balance: U256) -> U256 {
        let lost = self.nominal_balance_of(account).saturating_sub(balance);
        if !lost.is_zero() {
            emit!(self.vm(), Transfer[account, Address::ZERO](lost));
        }
        lost
    }

    /// What has decayed and is not written to the recipient's account.
    fn uncollected(&self, index: u128) -> U256 {
        let decaying = worth_floor(widen(self.total_shares.get()), index);
        // Never below zero: what shares are worth is set aside in the supply, apart from plain wei.
        self.total_supply()
            .saturating_sub(self.plain())
            .saturating_sub(decaying)
    }

    /// Writes it there.
    fn collect(&mut self, index: u128) {
        let amount = self.uncollected(index);
        if amount.is_zero() {
            return;
        }
        let recipient = self.decay_recipient.get();
        // Part of the supply. What was ever collected would have to be 2^96 times the largest one to overflow.
        self.set_holding(
            recipient,
            self.holding(recipient).saturating_add(amount),
            index,
        );
        self.set_plain(self.plain().saturating_add(amount));
        let collected = widen(self.collected.get()).saturating_add(amount);
        self.collected.set(Uint::wrapping_from(collected));
        emit!(self.vm(), Transfer[Address::ZERO, recipient](amount));
        emit!(self.vm(), DecayCollected[recipient](amount));
    }

    /// Sets an account's flags, and changes shares into wei or the other way round if the account begins or ceases to decay.
    fn set_flags(&mut self, account: Address, flags: u8, index: u128) {
        let held = self.holding(account);
        let holding = match (self.flags(account), flags) {
            (0, 1..) => {
                let amount = worth_floor(held, index);
                self.remove_shares(held);
                self.set_plain(self.plain().saturating_add(amount));
                amount
            }
            (1.., 0) => {
                self.set_plain(self.plain().saturating_sub(held));
                self.new_shares(held, index)
            }
            _ => held,
        };
        self.set_holding(account, holding, index);
        self.accounts.setter(account).flags.set(U8::from(flags));
    }

    fn change_recipient(&mut self, recipient: Address) {
        let (old, index) = (self.decay_recipient.get(), self.index());
        if !old.is_zero() {
            self.collect(index);
            self.set_flags(old, self.flags(old) & !RECIPIENT, index);
        }
        self.decay_recipient.set(recipient);
        self.set_flags(recipient, self.flags(recipient) | RECIPIENT, index);
        emit!(self.vm(), DecayRecipientUpdated[old, recipient]);
    }

    fn flags(&self, account: Address) -> u8 {
        self.accounts.getter(account).flags.get().wrapping_to()
    }

    fn holding(&self, account: Address) -> U256 {
        widen(self.accounts.getter(account).holding.get())
    }

    /// Shows first what was lost up to now.
    #[inline(never)]
    fn set_holding(&mut self, account: Address, holding: U256, index: u128) {
        self.show_decay(account, self.balance(account, index));
        // Fits: shares or wei, fewer than there are of them.
        let holding = Uint::wrapping_from(holding);
        self.accounts.setter(account).holding.set(holding);
        self.touch(account);
    }

    fn touch(&mut self, account: Address) {
        let now = Uint::wrapping_from(clock::block_timestamp(self.vm()));
        self.accounts.setter(account).touched.set(now);
    }

    fn plain(&self) -> U256 {
        widen(self.plain.get())
    }

    fn set_plain(&mut self, plain: U256) {
        // Fits: part of the supply.
        self.plain.set(Uint::wrapping_from(plain));
    }
}

// --- Decay

impl DemurrageToken {
    /// What a share is worth now.
    fn index(&self) -> u128 {
        index(self.exponent_now().wrapping_to())
    }

    fn exponent_now(&self) -> U64 {
        let now = clock::block_timestamp(self.vm());
        let exponent = exponent_at(self.exponent.get(), self.rate.get(), self.since.get(), now);
        U64::wrapping_from(exponent)
    }

    fn change_base_rate(&mut self, rate: U256) -> Result<(), Error> {
        if rate > U256::from(MAX_DECAY_RATE) {
            return Err(ExceedsMaxDecayRate {}.into());
        }
        let old = self.decay_rate();
        self.base_rate.set(Uint::wrapping_from(rate));
        emit!(self.vm(), DecayRateUpdated[](old, rate));
        self.sample_rate();
        Ok(())
    }

    /// Has balances decay at the rate that now holds: the monitor's, or the owner's. What the rate was stays on record.
    fn sample_rate(&mut self) {
        let (old, new) = (self.get_effective_decay_rate(), self.recommended_rate());
        if new == old {
            return;
        }
        let number = self.stretch_count.get();
        let mut ended = self.stretches.setter(number);
        ended.since.set(self.since.get());
        ended.rate.set(self.rate.get());
        ended.exponent.set(self.exponent.get());
        self.stretch_count
            .set(number.saturating_add(Number::from(1)));
        let now = clock::block_timestamp(self.vm());
        self.exponent.set(self.exponent_now());
        self.since.set(Uint::wrapping_from(now));
        self.rate.set(Uint::wrapping_from(new));
        emit!(self.vm(), EffectiveDecayRateUpdated[](old, new));
    }

    /// The rate stays as it is where a monitor cannot be given its gas: no caller makes it fail.
    fn recommended_rate(&self) -> U256 {
        let monitor = self.virial_monitor.get();
        if monitor.is_zero() {
            return self.decay_rate();
        }
        if require_gas(self.vm(), MONITOR_GAS).is_err() {
            return self.get_effective_decay_rate();
        }
        let request = calldata(IVirialMonitor::recommendedDemurrageRateCall::SELECTOR, &[]);
        let answer = static_call(self.vm(), monitor, &request, MONITOR_GAS, 32);
        let (least, most) = (U256::from(MIN_ADAPTIVE_RATE), U256::from(MAX_ADAPTIVE_RATE));
        match first_words(&answer.data) {
            Some([rate]) if answer.success => U256::from_be_bytes(rate.0).clamp(least, most),
            _ => self.decay_rate(),
        }
    }
}

// --- Notice

impl DemurrageToken {
    /// Whether `value` was announced long enough ago; announces it, if it was not announced.
    #[inline(never)]
    fn is_due(&mut self, what: u8, value: B256) -> Result<bool, NoticeRunning> {
        if self.total_supply().is_zero() {
            return Ok(true);
        }
        // Rates and addresses leave room.
        let mut key = value;
        key[0] = what;
        let (from, now) = (
            self.announced.get(key).wrapping_to::<u64>(),
            clock::block_timestamp(self.vm()),
        );
        let is_over = now >= from.saturating_add(NOTICE);
        let next = match is_over {
            true => now.saturating_add(NOTICE),
            false if now < from => {
                let from = U256::from(from);
                return Err(NoticeRunning { from });
            }
            false => 0,
        };
        self.announced.setter(key).set(U64::from(next));
        if is_over {
            emit!(self.vm(), ChangeAnnounced[what](value, next));
        }
        Ok(!is_over)
    }
}

// --- Construction

impl DemurrageToken {
    fn require_recipient(&self, recipient: Address) -> Result<(), Error> {
        if recipient.is_zero() {
            return Err(ZeroRecipient {}.into());
        }
        match recipient == self.vm().contract_address() {
            true => Err(InvalidRecipient { recipient }.into()),
            false => Ok(()),
        }
    }

    fn require_neighbour(&self, neighbour: Address) -> Result<(), NotAContract> {
        match neighbour.is_zero() {
            true => Ok(()),
            false => require_contract(self.vm(), neighbour),
        }
    }
}

/// Λ at `time`, in or after a stretch that began `since`.
fn exponent_at(exponent: U64, rate: Uint<40, 1>, since: Uint<40, 1>, time: u64) -> U256 {
    let seconds = time.saturating_sub(since.wrapping_to());
    let exponent = exponent.wrapping_to();
    U256::from(grown_exponent(exponent, rate.wrapping_to(), seconds))
}

fn domain(name: &str) -> Domain<'_> {
    Domain {
        name,
        version: VERSION,
    }
}
