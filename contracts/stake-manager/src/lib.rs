//! StakeManager: what sinks put at stake for the capacity they declare.
//!
//! A stake caps the capacity of its sink, is locked while the sink is registered, and is what a slash takes from.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`stake`](StakeManager::stake), [`unstake`](StakeManager::unstake) what is free, [`pay_slashed`](StakeManager::pay_slashed), [`take_owed`](StakeManager::take_owed) |
//! | an authorised registry | [`back_capacity`](StakeManager::back_capacity), [`start_unbonding`](StakeManager::start_unbonding), [`bond`](StakeManager::bond), [`release_bond`](StakeManager::release_bond) |
//! | an authorised slasher | [`slash`](StakeManager::slash), [`slash_and_reward`](StakeManager::slash_and_reward) |
//! | the owner | [`open`](StakeManager::open), once; authorise registries and slashers, set treasury, unbonding period and reputation ledger |
//!
//! Amounts are in the stake token's wei, capacities in units of 1e-9.
//!
//! # Where a stake can be
//!
//! *Free* stake leaves at any time. *Locked* stake backs a registration. When the sink has left its last task type,
//! what was locked is *unbonding* until its [`unbonding_period`](StakeManager::unbonding_period) has passed; it backs
//! nothing any more, but can still be slashed. The lock of a sink only grows while it is registered: declaring less
//! frees nothing before the sink leaves. One registry at a time holds a sink's lock. Further unbonding restarts the
//! clock of what is unbonding already, and never sets it back: nothing shortens it.
//! *Bonded* stake, a minimum stake for each task type whose id its creator did not derive from its own address, backs nothing
//! either, until somebody else serves that task type.
//!
//! # Powers need notice
//!
//! Staking is closed until the owner calls [`open`](StakeManager::open). Until then powers over stakes are given at once, so
//! that the suite can be set up; nobody has anything to lose yet. From then on whoever becomes slasher, registry or
//! treasury does so after a notice of twice the longest unbonding time that was ever in force, 7 days at least
//! ([`PowerAnnounced`](bpe_common::powers::PowerAnnounced)): a sink that does not trust it can leave before. Taking a power
//! away is immediate. A longer unbonding time holds for locks that begin after the same notice, and for no others. The contracts
//! around it ask for [`power_notice`](StakeManager::power_notice), and wait as long with what can cost a sink its stake:
//! CapacityRegistry with its aggregator and adapters, CompletionTracker with its yardsticks and verifiers.
//!
//! # What a slash can take
//!
//! At most 30 % of a stake within a day, however many slash and whoever they are. What exceeds that is *owed*: none of the
//! stake leaves, its cap is zero, so that its sink is paid nothing, until [`take_owed`](StakeManager::take_owed) has taken
//! it. A token that refuses to move does not stop a slash: what could not be paid waits. Slashed tokens go to a treasury
//! that is not the owner, and are burnt without one; at most 1 % of them to whom the slasher names, who brought the slash about.
//!
//! # The cap curves, honestly
//!
//! With the square root curve (the default) S over n identities backs √n times the capacity: splitting pays, and
//! only the minimum stake bounds it, to √(S / minimum). With the affine curve each identity forfeits the minimum
//! stake, and splitting loses. See [`bpe_common::math`] for both. Below the minimum stake, less the reputation discount, the
//! cap is zero.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod account;
mod interface;
mod locks;
mod slashing;

use alloc::{vec, vec::Vec};
use alloy_primitives::{address, b256, Address, Uint, B256, U16, U256, U64, U8};
use bpe_common::{
    call::{has_code, require_gas},
    clock, connections, emit, erc20,
    erc20::SafeERC20FailedOperation,
    math::bps_of_floor,
    ownable::Ownable,
    packed::{narrow, widen},
    powers::{self, power, Holder},
};
use stylus_sdk::{prelude::*, storage::*};

use account::{to_amount, Amount, StorageAmount};
#[allow(unused_imports)]
pub use account::{Change, SinkStake, MAX_DAILY_SLASH_BPS, SLASH_INTERVAL};
pub use interface::*;
use locks::{LEDGER_GAS, MAX_REPUTATION};

/// The cap is the square root of the stake: SPEC.md's default.
pub const CURVE_SQRT: u8 = 0;
/// The cap grows linearly from the minimum stake on.
pub const CURVE_AFFINE: u8 = 1;

/// What unbonding takes unless the owner says otherwise: a day.
pub const DEFAULT_UNBONDING_PERIOD: u64 = 86_400;
/// Twice the detection latency of 3 epochs of 300 s: a slash always comes in time.
pub const MIN_UNBONDING_PERIOD: u64 = 1_800;
/// The longest that an owner can make sinks wait.
pub const MAX_UNBONDING_PERIOD: u64 = 30 * 86_400;

/// What the token may use to pay the treasury for a slash. A Super Token takes less than a third of it.
pub const PAYMENT_GAS: u64 = 300_000;

/// The most of what a slash takes that whoever brought it about is paid, in basis points.
pub const MAX_REWARD_BPS: u16 = 100;

/// Where slashed tokens go when there is no treasury: nobody has its key.
pub const BURNT: Address = address!("000000000000000000000000000000000000dEaD");
/// Why stake that was owed is taken: `keccak256("SLASH_OWED")`.
pub const OWED_REASON: B256 =
    b256!("5d8f8e113c8a7a1edd007d83ce50ee14c089d84b9bbf376f5e9abe58bb130539");
/// The power to slash, as [`PowerAnnounced`](bpe_common::powers::PowerAnnounced) names it.
pub const SLASHER: B256 = power("slasher");
/// The power to lock stakes.
pub const REGISTRY: B256 = power("registry");
/// The power to receive what is slashed.
pub const TREASURY: B256 = power("treasury");
/// The power to keep stakes for longer.
pub const UNBONDING: B256 = power("unbonding");

/// Seconds up to 30 days.
type Seconds = Uint<24, 1>;
type StorageSeconds = StorageUint<24, 1>;

/// A registry: its id, and since when it may lock stakes; 0 if it may not. One slot.
#[storage]
pub struct Registry {
    id: StorageU8,
    since: StorageU64,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2: stake_unit (112 bits), min_sink_stake (112), registry_count (8), cap_curve (8), opened (8),
/// that is all that a cap needs. Slot 3: stake_token (160), period (24), next_period (24), longest_period (24). Slot 4:
/// ledger (160), next_period_from (64), min_reputation (16). Slot 5: domain. Slot 6: unpaid_slashed. Slots 7–8: treasury. Then the mappings.
#[entrypoint]
#[storage]
pub struct StakeManager {
    #[borrow]
    ownable: Ownable,
    stake_unit: StorageAmount,
    min_sink_stake: StorageAmount,
    registry_count: StorageU8,
    cap_curve: StorageU8,
    opened: StorageBool,
    stake_token: StorageAddress,
    /// How long unbonding takes, until `next_period_from`, if that is not zero; from then on `next_period`.
    period: StorageSeconds,
    next_period: StorageSeconds,
    /// The longest that it ever took or will take.
    longest_period: StorageSeconds,
    reputation_ledger: StorageAddress,
    next_period_from: StorageU64,
    min_reputation: StorageU16,
    reputation_domain: StorageB256,
    unpaid_slashed: StorageU256,
    treasury: Holder,
    /// Since when each may slash; 0 if it may not.
    slashers: StorageMap<Address, StorageU256>,
    registries: StorageMap<Address, Registry>,
    sinks: StorageMap<Address, SinkStake>,
    /// What stakes were: the last 64 changes, one an epoch.
    histories: StorageMap<Address, StorageArray<Change, 64>>,
}

#[public]
#[inherit(Ownable)]
impl StakeManager {
    /// Sets the contract up: the token that is staked, how much of it backs one capacity unit, the least that a sink
    /// stakes (both in wei), the cap curve (0 square root, 1 affine), and who owns the contract.
    ///
    /// # Errors
    ///
    /// * [`InvalidStakeToken`], [`InvalidStakeUnit`], [`StakeTooLarge`] for the minimum, [`InvalidCapCurve`],
    ///   [`ownable::OwnableInvalidOwner`] for the zero address.
    #[constructor]
    pub fn constructor(
        &mut self,
        stake_token: Address,
        stake_unit: U256,
        min_sink_stake: U256,
        cap_curve: u8,
        owner: Address,
    ) -> Result<(), Error> {
        self.ownable.initialize(owner)?;
        if !has_code(self.vm(), stake_token) {
            return Err(InvalidStakeToken { token: stake_token }.into());
        }
        if cap_curve > CURVE_AFFINE {
            return Err(InvalidCapCurve { curve: cap_curve }.into());
        }
        let unit = narrow(stake_unit)
            .filter(|unit: &Amount| !unit.is_zero())
            .ok_or(InvalidStakeUnit {
                stakeUnit: stake_unit,
            })?;
        self.stake_unit.set(unit);
        self.min_sink_stake.set(to_amount(min_sink_stake)?);
        self.cap_curve.set(U8::from(cap_curve));
        self.stake_token.set(stake_token);
        self.set_period(Seconds::from(DEFAULT_UNBONDING_PERIOD));
        connections::forbid(self.vm(), stake_token);
        Ok(())
    }

    // --- Sinks

    /// Stakes `amount` of the caller's tokens, who must have approved them. What counts is what arrives.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`StakeTooLarge`]; [`StakingClosed`] before [`StakeManager::open`].
    /// * [`StakeOwed`] if slashes have still to take something.
    /// * [`SafeERC20FailedOperation`] if the token refuses, or nothing arrives.
    ///
    /// # Events
    ///
    /// * [`Staked`]
    pub fn stake(&mut self, amount: U256) -> Result<(), Error> {
        require_nonzero(amount)?;
        if !self.opened.get() {
            return Err(StakingClosed {}.into());
        }
        let sink = self.vm().msg_sender();
        // A new stake raises what may be taken within the day by a dust, and a dust taken puts off all the rest by a day.
        self.require_nothing_owed(sink)?;
        // The interaction comes first, since only the token knows how much arrives. A token that calls back finds the
        // contract closed: programs refuse re-entry.
        let received = erc20::pull(self.vm(), self.stake_token.get(), sink, amount)?;
        let mut account = self.sinks.setter(sink);
        let before = account.total();
        let total = before.saturating_add(received);
        account.stake.set(to_amount(total)?);
        self.write_down(sink, before);
        emit!(self.vm(), Staked[sink](received, total));
        Ok(())
    }

    /// Gives the caller `amount` of its free stake back.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`]
    /// * [`StakeOwed`] if slashes have still to take something.
    /// * [`InsufficientStake`] if less than `amount` is free.
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Unstaked`]
    pub fn unstake(&mut self, amount: U256) -> Result<(), Error> {
        require_nonzero(amount)?;
        let sink = self.vm().msg_sender();
        self.require_nothing_owed(sink)?;
        let (now, bond) = (clock::block_timestamp(self.vm()), self.min_sink_stake());
        let mut account = self.sinks.setter(sink);
        account.finish_unbonding(now);
        let available = account.free(now, bond);
        if amount > available {
            return Err(InsufficientStake {
                required: amount,
                available,
            }
            .into());
        }
        let before = account.total();
        let total = before.saturating_sub(amount);
        account.stake.set(Amount::wrapping_from(total));
        self.write_down(sink, before);
        emit!(self.vm(), Unstaked[sink](amount, total));
        Ok(erc20::transfer(
            self.vm(),
            self.stake_token.get(),
            sink,
            amount,
        )?)
    }

    /// Starts the unbonding of stake that `registry` locked, if the owner has withdrawn that registry's authority, and frees
    /// what it bonded: a registry that is replaced keeps nobody's stake.
    ///
    /// # Errors
    ///
    /// * [`RegistryStillAuthorized`]
    /// * [`NotLockedBy`] if nothing of the caller's stake is locked or bonded by `registry`.
    ///
    /// # Events
    ///
    /// * [`UnbondingStarted`], [`StakeBonded`]
    pub fn leave_revoked_registry(&mut self, registry: Address) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        let entry = self.registries.getter(registry);
        if powers::is_in_effect(self.vm(), widen(entry.since.get())) {
            return Err(RegistryStillAuthorized { registry }.into());
        }
        let id = entry.id.get();
        let has_locked = !id.is_zero() && self.sinks.getter(sink).registry.get() == id;
        let has_bonded = self.drop_bonds(sink, id);
        match has_locked {
            true => self.unbond(sink),
            false if has_bonded => {}
            false => return Err(NotLockedBy { sink, registry }.into()),
        }
        Ok(())
    }

    // --- Registries

    /// Lets `sink` register where `min_stake` is asked for: checks that the stake is there, and then does what
    /// [`StakeManager::back_capacity`] does. What was required is locked, too.
    ///
    /// # Returns
    ///
    /// * `granted`
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRegistry`], [`LockedByOtherRegistry`]
    /// * [`StakeOwed`] if slashes have still to take something.
    /// * [`InsufficientStake`] if [`StakeManager::required_stake`] is more than what is not unbonding.
    /// * [`InsufficientGas`] if the reputation ledger cannot be given what it may use.
    ///
    /// # Events
    ///
    /// * [`StakeLocked`] if the lock rises.
    pub fn back_registration(
        &mut self,
        sink: Address,
        min_stake: U256,
        capacity: U256,
    ) -> Result<U256, Error> {
        let registry = self.only_registry()?;
        if !self.reputation_ledger.get().is_zero() {
            require_gas(self.vm(), LEDGER_GAS)?;
        }
        self.require_nothing_owed(sink)?;
        self.require_admitted(sink)?;
        let required = self.required_stake(sink, min_stake);
        self.back(sink, registry, required, capacity)
    }

    /// Locks what it takes to back `capacity` (all that `sink` declares, over all its task types), as far as its stake
    /// goes, and returns how much of it is backed: nothing, once a slash has left less than the minimum. A lock never falls here, except to what a slash has left.
    ///
    /// # Returns
    ///
    /// * `granted`
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRegistry`], [`LockedByOtherRegistry`]
    ///
    /// # Events
    ///
    /// * [`StakeLocked`] if the lock rises.
    pub fn back_capacity(&mut self, sink: Address, capacity: U256) -> Result<U256, Error> {
        let registry = self.only_registry()?;
        self.back(sink, registry, U256::ZERO, capacity)
    }

    /// Starts the unbonding of all that the calling registry has locked of `sink`, which has left its last task type.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRegistry`], [`LockedByOtherRegistry`]
    ///
    /// # Events
    ///
    /// * [`UnbondingStarted`]
    pub fn start_unbonding(&mut self, sink: Address) -> Result<(), Error> {
        let registry = self.only_registry()?;
        if self.sinks.getter(sink).registry.get() != registry {
            return Err(LockedByOtherRegistry { sink }.into());
        }
        self.unbond(sink);
        Ok(())
    }

    /// Sets a minimum stake of `account` aside, out of what is free, for a task type that it created: it backs nothing and
    /// does not leave until [`StakeManager::release_bond`]. Bonds add up, and can be slashed like all else.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRegistry`], [`LockedByOtherRegistry`]
    /// * [`InsufficientStake`] if less is free.
    ///
    /// # Events
    ///
    /// * [`StakeBonded`]
    pub fn bond(&mut self, account: Address) -> Result<(), Error> {
        let registry = self.only_registry()?;
        self.add_bond(account, registry)
    }

    /// Frees one bond of `account` at once; does nothing, if the calling registry has none of it.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedRegistry`]
    ///
    /// # Events
    ///
    /// * [`StakeBonded`]
    pub fn release_bond(&mut self, account: Address) -> Result<(), Error> {
        let registry = self.only_registry()?;
        self.drop_bond(account, registry);
        Ok(())
    }

    // --- Slashers

    /// Takes `amount` from the stake of `sink`, or all of it if it is less, wherever it is: free, locked or unbonding. At most
    /// [`MAX_DAILY_SLASH_BPS`] of a stake is taken within a day; the rest is owed.
    /// The tokens go to the treasury. If the token refuses, they wait for [`StakeManager::pay_slashed`]: neither token nor
    /// treasury stands in the way of a slash. A sink without stake has nothing to lose: no event.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedSlasher`], [`ZeroAmount`]
    /// * [`InsufficientGas`] if the token cannot be given [`PAYMENT_GAS`].
    ///
    /// # Events
    ///
    /// * [`Slashed`], [`SlashOwed`], [`SlashedPaid`]
    pub fn slash(&mut self, sink: Address, amount: U256, reason: B256) -> Result<(), Error> {
        self.slash_and_reward(sink, amount, reason, Address::ZERO, U256::ZERO)
    }

    /// Does the same, and of what is taken at once pays `reward` wei to `to`, at most [`MAX_REWARD_BPS`] of it. What `to` cannot
    /// be paid goes where the rest does. Nobody is rewarded if `to` is zero.
    ///
    /// # Errors
    ///
    /// * As [`StakeManager::slash`].
    ///
    /// # Events
    ///
    /// * As [`StakeManager::slash`]; [`SlashRewarded`]
    pub fn slash_and_reward(
        &mut self,
        sink: Address,
        amount: U256,
        reason: B256,
        to: Address,
        reward: U256,
    ) -> Result<(), Error> {
        self.only_slasher()?;
        require_nonzero(amount)?;
        self.take(sink, amount, reason, Some((to, reward)))
    }

    // --- Anyone

    /// Takes of the stake of `sink` what slashes have still to take, as far as that can be today.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`] if nothing is owed; [`DailySlashReached`]
    /// * [`InsufficientGas`] if the token cannot be given [`PAYMENT_GAS`].
    ///
    /// # Events
    ///
    /// * [`Slashed`] with the reason [`OWED_REASON`], [`SlashOwed`] for what is left, [`SlashedPaid`]
    pub fn take_owed(&mut self, sink: Address) -> Result<(), Error> {
        let account = self.sinks.getter(sink);
        require_nonzero(account.owed())?;
        let now = clock::block_timestamp(self.vm());
        if account.allowance(now).is_zero() {
            let from = U256::from(account.more_from());
            return Err(DailySlashReached { sink, from }.into());
        }
        self.take(sink, U256::ZERO, OWED_REASON, None)
    }

    /// Pays to the treasury what slashes could not pay at once.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`] if nothing waits.
    /// * [`SafeERC20FailedOperation`] if the token moves nothing.
    /// * [`InsufficientGas`] if the token cannot be given [`PAYMENT_GAS`].
    ///
    /// # Events
    ///
    /// * [`SlashedPaid`]
    pub fn pay_slashed(&mut self) -> Result<(), Error> {
        let unpaid = self.unpaid_slashed.get();
        require_nonzero(unpaid)?;
        match self.pay_treasury(unpaid)? == unpaid {
            true => Err(SafeERC20FailedOperation {
                token: self.stake_token.get(),
            }
            .into()),
            false => Ok(()),
        }
    }

    /// Disconnects this contract from a Superfluid pool, to which somebody connected it before it was here.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), self.stake_token.get(), pool)?)
    }

    // --- Owner

    /// Opens staking, for ever. Until then powers are given at once, and nobody can stake.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount), [`StakingAlreadyOpen`]
    ///
    /// # Events
    ///
    /// * [`StakingOpened`]
    pub fn open(&mut self) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if self.opened.get() {
            return Err(StakingAlreadyOpen {}.into());
        }
        self.opened.set(true);
        emit!(self.vm(), StakingOpened[]);
        Ok(())
    }

    /// Lets `slasher` slash, after [`StakeManager::power_notice`]; or no longer, at once.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount)
    ///
    /// # Events
    ///
    /// * [`SlasherSet`]; [`PowerAnnounced`](powers::PowerAnnounced) instead, if it takes effect later.
    pub fn set_slasher(&mut self, slasher: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let known = self.slashers.get(slasher);
        let notice = self.notice();
        let since = powers::since(self.vm(), known, SLASHER, slasher, authorized, notice);
        self.slashers.setter(slasher).set(since);
        if !authorized || powers::is_in_effect(self.vm(), since) {
            emit!(self.vm(), SlasherSet[slasher](authorized));
        }
        Ok(())
    }

    /// Lets `registry` lock stakes, after [`StakeManager::power_notice`]; or no longer, at once. Sinks of a registry whose
    /// authority is withdrawn leave it by [`StakeManager::leave_revoked_registry`], and unbond for the full time.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount), [`TooManyRegistries`]
    ///
    /// # Events
    ///
    /// * [`RegistrySet`]; [`PowerAnnounced`](powers::PowerAnnounced) instead, if it takes effect later.
    pub fn set_registry(&mut self, registry: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let notice = self.notice();
        let mut entry = self.registries.setter(registry);
        if entry.id.get().is_zero() {
            let id = self.registry_count.get().checked_add(U8::from(1));
            let id = id.ok_or(TooManyRegistries {})?;
            self.registry_count.set(id);
            entry.id.set(id);
        }
        let known = widen(entry.since.get());
        let since = powers::since(self.vm(), known, REGISTRY, registry, authorized, notice);
        let mut entry = self.registries.setter(registry);
        entry.since.set(since.wrapping_to());
        if !authorized || powers::is_in_effect(self.vm(), since) {
            emit!(self.vm(), RegistrySet[registry](authorized));
        }
        Ok(())
    }

    /// Sends slashed tokens to `treasury`, after [`StakeManager::power_notice`]; burns them from now on, if zero.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount), [`TreasuryIsOwner`]
    ///
    /// # Events
    ///
    /// * [`TreasurySet`]; [`PowerAnnounced`](powers::PowerAnnounced) instead, if it takes effect later.
    pub fn set_treasury(&mut self, treasury: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let owner = self.ownable.owner();
        if treasury == owner {
            return Err(TreasuryIsOwner { owner }.into());
        }
        let notice = self.notice();
        let now = clock::block_timestamp(self.vm());
        match self.treasury.give(treasury, now, notice) {
            0 => emit!(self.vm(), TreasurySet[treasury]),
            from => powers::tell(self.vm(), TREASURY, treasury, from),
        }
        Ok(())
    }

    /// Lets unbonding take `period` seconds: for all that starts from now on, if that is less than now; otherwise for stakes
    /// whose lock begins after [`StakeManager::power_notice`]. What is unbonding already keeps its time. What is announced
    /// already is not put off.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount), [`InvalidUnbondingPeriod`]
    ///
    /// # Events
    ///
    /// * [`UnbondingPeriodSet`]; [`PowerAnnounced`](powers::PowerAnnounced) besides, if it takes effect later.
    pub fn set_unbonding_period(&mut self, period: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let (minimum, maximum) = (
            U256::from(MIN_UNBONDING_PERIOD),
            U256::from(MAX_UNBONDING_PERIOD),
        );
        if period < minimum || period > maximum {
            return Err(InvalidUnbondingPeriod {
                period,
                minimum,
                maximum,
            }
            .into());
        }
        let next = Seconds::wrapping_from(period);
        let (now, longest) = (self.period(), self.longest_period.get());
        let mut from = clock::block_timestamp(self.vm());
        if self.announced_unbonding_period().0 == period {
            return Ok(());
        }
        if self.opened.get() && next > now {
            self.longest_period.set(longest.max(next));
            let notice = self.notice();
            from = powers::announce(self.vm(), UNBONDING, Address::ZERO, notice);
            self.period.set(now);
            self.next_period.set(next);
            self.next_period_from.set(U64::from(from));
        } else {
            self.set_period(next);
            if self.opened.get() {
                self.longest_period.set(longest);
            }
        }
        emit!(self.vm(), UnbondingPeriodSet[](period, from));
        Ok(())
    }

    /// Takes discounts on the required stake from `ledger`, for `domain`; none, if `ledger` is zero.
    ///
    /// # Errors
    ///
    /// * [`OwnableUnauthorizedAccount`](bpe_common::ownable::OwnableUnauthorizedAccount)
    ///
    /// # Events
    ///
    /// * [`ReputationLedgerSet`]
    pub fn set_reputation_ledger(&mut self, ledger: Address, domain: B256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.reputation_ledger.set(ledger);
        self.reputation_domain.set(domain);
        emit!(self.vm(), ReputationLedgerSet[ledger, domain]);
        Ok(())
    }

    /// Lets nobody register whose reputation is less than `min_reputation`, of 10 000; anybody, if zero. It is what the
    /// ledger grants its discount for, that is, of the domains other than this contract's. Who is registered stays.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidReputation`]
    ///
    /// # Events
    ///
    /// * [`MinReputationSet`]
    pub fn set_min_reputation(&mut self, min_reputation: U256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        if min_reputation > U256::from(MAX_REPUTATION) {
            let reputation = min_reputation;
            return Err(InvalidReputation { reputation }.into());
        }
        self.min_reputation.set(U16::wrapping_from(min_reputation));
        emit!(self.vm(), MinReputationSet[](min_reputation));
        Ok(())
    }

    // --- Views

    /// All of the stake of `sink`, wherever it is, in wei.
    pub fn get_stake(&self, sink: Address) -> U256 {
        self.sinks.getter(sink).total()
    }

    /// What the stake of `sink` was just before `time`, in seconds since 1970, where an epoch of 300 s ended, since it first
    /// backed anything. Nothing that happens in that second or later changes the answer. Of the time before the last 64 epochs with a change it is the least that is remembered.
    pub fn get_stake_at(&self, sink: Address, time: U256) -> U256 {
        self.stake_at(sink, time.saturating_to())
    }

    /// The most capacity that the stake of `sink` can back, in units of 1e-9: nothing below the minimum stake, less its
    /// discount, and nothing as long as slashes have something to take. What is unbonding still counts here, as it does in
    /// the stake, but backs nothing new.
    ///
    /// # Errors
    ///
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) for the reputation ledger, where the discount decides.
    pub fn get_capacity_cap(&self, sink: Address) -> Result<U256, Error> {
        self.cap_of(sink, self.get_stake(sink))
    }

    /// What slashes have still to take of the stake of `sink`, in wei, and from when on they can, in seconds since 1970.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `from`
    pub fn get_owed(&self, sink: Address) -> (U256, U256) {
        let account = self.sinks.getter(sink);
        (account.owed(), U256::from(account.more_from()))
    }

    /// Whether staking is open.
    pub fn opened(&self) -> bool {
        self.opened.get()
    }

    /// How long it takes from the announcement of a power until it is in effect, in seconds: nothing before
    /// [`StakeManager::open`].
    pub fn power_notice(&self) -> U256 {
        U256::from(self.notice())
    }

    /// How much of the stake of `sink` is locked, in wei.
    pub fn get_locked_stake(&self, sink: Address) -> U256 {
        let account = self.sinks.getter(sink);
        widen(account.locked.get().min(account.stake.get()))
    }

    /// For how many task types that `account` created a minimum stake is set aside.
    pub fn get_bonds(&self, account: Address) -> U256 {
        U256::from(self.sinks.getter(account).bonds().0)
    }

    /// How much of the stake of `sink` can leave now, in wei.
    pub fn get_free_stake(&self, sink: Address) -> U256 {
        let now = clock::block_timestamp(self.vm());
        self.sinks.getter(sink).free(now, self.min_sink_stake())
    }

    /// How much of the stake of `sink` is unbonding, in wei, and until when, in seconds since 1970. Zeros if none is.
    ///
    /// # Returns
    ///
    /// * `amount`
    /// * `until`
    pub fn get_unbonding(&self, sink: Address) -> (U256, U256) {
        let account = self.sinks.getter(sink);
        let unbonding = account.unbonding_at(clock::block_timestamp(self.vm()));
        match unbonding.is_zero() {
            true => (U256::ZERO, U256::ZERO),
            false => (unbonding, widen(account.unbonding_until())),
        }
    }

    /// The stake that `sink` needs to register where `min_stake` is asked for, in wei: that or the minimum of this
    /// contract, whichever is more, less the reputation discount: at most half of this contract's minimum, whatever a task type
    /// asks for, so that no discount is worth more than what reputation costs.
    pub fn required_stake(&self, sink: Address, min_stake: U256) -> U256 {
        let minimum = widen(self.min_sink_stake.get());
        let discount = bps_of_floor(minimum, self.discount_bps(sink));
        min_stake.max(minimum).saturating_sub(discount)
    }

    /// The least that a sink stakes, in wei, before any discount.
    pub fn min_sink_stake(&self) -> U256 {
        widen(self.min_sink_stake.get())
    }

    /// As [`StakeManager::min_sink_stake`].
    #[selector(name = "MIN_SINK_STAKE")]
    pub fn min_sink_stake_constant(&self) -> U256 {
        self.min_sink_stake()
    }

    /// The token that is staked.
    pub fn stake_token(&self) -> Address {
        self.stake_token.get()
    }

    /// As [`StakeManager::stake_token`].
    #[selector(name = "STAKE_TOKEN")]
    pub fn stake_token_constant(&self) -> Address {
        self.stake_token()
    }

    /// How much stake backs one capacity unit, in wei.
    #[selector(name = "STAKE_UNIT")]
    pub fn stake_unit(&self) -> U256 {
        widen(self.stake_unit.get())
    }

    /// The cap curve: 0 square root, 1 affine.
    pub fn cap_curve(&self) -> u8 {
        self.cap_curve.get().wrapping_to()
    }

    /// How long unbonding takes of stake whose lock begins now, in seconds.
    pub fn unbonding_period(&self) -> U256 {
        widen(self.period())
    }

    /// Where slashed tokens go: where nobody gets at them, if there is no treasury, or it has become the owner.
    pub fn treasury(&self) -> Address {
        match self.treasury.get(clock::block_timestamp(self.vm())) {
            treasury if treasury.is_zero() || treasury == self.ownable.owner() => BURNT,
            treasury => treasury,
        }
    }

    /// Who is to be the treasury, and from when on, in seconds since 1970; zeros if nobody is announced.
    ///
    /// # Returns
    ///
    /// * `treasury`
    /// * `from`
    pub fn announced_treasury(&self) -> (Address, U256) {
        self.treasury.announced(clock::block_timestamp(self.vm()))
    }

    /// How long unbonding is to take, and from when on, both in seconds; zeros if nothing is announced.
    ///
    /// # Returns
    ///
    /// * `period`
    /// * `from`
    pub fn announced_unbonding_period(&self) -> (U256, U256) {
        let from = self.next_period_from.get();
        match from.is_zero() || powers::is_in_effect(self.vm(), widen(from)) {
            true => (U256::ZERO, U256::ZERO),
            false => (widen(self.next_period.get()), widen(from)),
        }
    }

    /// Slashed tokens that could not be paid yet, in wei.
    pub fn unpaid_slashed(&self) -> U256 {
        self.unpaid_slashed.get()
    }

    /// Where reputation comes from; zero if it plays no part.
    pub fn reputation_ledger(&self) -> Address {
        self.reputation_ledger.get()
    }

    /// The reputation that it takes to register, of 10 000; zero if it takes none.
    pub fn min_reputation(&self) -> U256 {
        widen(self.min_reputation.get())
    }

    /// The domain whose stake is discounted.
    pub fn reputation_domain(&self) -> B256 {
        self.reputation_domain.get()
    }

    /// Whether `slasher` may slash.
    ///
    /// # Returns
    ///
    /// * `authorized`
    pub fn authorized_slashers(&self, slasher: Address) -> bool {
        powers::is_in_effect(self.vm(), self.slashers.get(slasher))
    }

    /// From when on `slasher` may slash, in seconds since 1970: later than now, if that is announced; zero, if it may not.
    pub fn slasher_from(&self, slasher: Address) -> U256 {
        self.slashers.get(slasher)
    }

    /// From when on `registry` may lock stakes, in seconds since 1970: later than now, if that is announced; zero, if it may not.
    pub fn registry_from(&self, registry: Address) -> U256 {
        widen(self.registries.getter(registry).since.get())
    }

    /// Whether `registry` may lock stakes.
    pub fn authorized_registries(&self, registry: Address) -> bool {
        let since = widen(self.registries.getter(registry).since.get());
        powers::is_in_effect(self.vm(), since)
    }
}

impl StakeManager {
    fn notice(&self) -> u64 {
        let longest: u64 = self.longest_period.get().wrapping_to();
        match self.opened.get() {
            true => longest.saturating_mul(2).max(powers::MIN_NOTICE),
            false => 0,
        }
    }

    /// How long unbonding takes now.
    fn period(&self) -> Seconds {
        match powers::is_in_effect(self.vm(), widen(self.next_period_from.get())) {
            true => self.next_period.get(),
            false => self.period.get(),
        }
    }

    fn set_period(&mut self, period: Seconds) {
        self.period.set(period);
        self.longest_period.set(period);
        self.next_period.set(Seconds::ZERO);
        self.next_period_from.set(U64::ZERO);
    }

    /// Writes down that the stake of `sink` has changed, and was `before`.
    fn write_down(&mut self, sink: Address, before: U256) {
        let now = clock::block_timestamp(self.vm());
        let mut account = self.sinks.setter(sink);
        let (count, latest) = account.written();
        let mut ring = self.histories.setter(sink);
        let last = match count {
            0 => None,
            _ => ring.getter(latest).map(|last| (last.time(), last.before())),
        };
        let Some(index) = account.next_change(last.map(|last| last.0), now) else {
            return;
        };
        let before = match last {
            Some((_, first)) if count > 0 && index == latest => first,
            _ => before,
        };
        let stake = account.total();
        if let Some(mut change) = ring.setter(index) {
            change.write(now, stake, before);
        }
    }

    fn stake_at(&self, sink: Address, time: u64) -> U256 {
        let account = self.sinks.getter(sink);
        let (count, latest) = account.written();
        let ring = self.histories.getter(sink);
        // From the latest back: mostly it is asked for what was a few epochs ago.
        let mut stake = account.total();
        let mut least = stake;
        for age in 0..count {
            let index = latest.wrapping_sub(age) % account::HISTORY;
            let Some(change) = ring.getter(index) else {
                break;
            };
            if change.time() < time {
                return change.stake();
            }
            stake = change.before();
            least = least.min(stake).min(change.stake());
        }
        match count {
            account::HISTORY => least,
            _ => stake,
        }
    }

    fn require_nothing_owed(&self, sink: Address) -> Result<(), Error> {
        match self.sinks.getter(sink).owed() {
            U256::ZERO => Ok(()),
            amount => Err(StakeOwed { sink, amount }.into()),
        }
    }
}

fn require_nonzero(amount: U256) -> Result<(), Error> {
    match amount.is_zero() {
        true => Err(ZeroAmount {}.into()),
        false => Ok(()),
    }
}
