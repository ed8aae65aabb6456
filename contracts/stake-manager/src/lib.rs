//! StakeManager: what sinks put at stake for the capacity they declare.
//!
//! A stake caps the capacity of its sink, is locked while the sink is registered, and is what a slash takes from.
//!
//! | who | may |
//! |---|---|
//! | anyone | [`stake`](StakeManager::stake), [`unstake`](StakeManager::unstake) what is free, [`pay_slashed`](StakeManager::pay_slashed) |
//! | an authorised registry | [`back_capacity`](StakeManager::back_capacity), [`start_unbonding`](StakeManager::start_unbonding) |
//! | an authorised slasher | [`slash`](StakeManager::slash) |
//! | the owner | authorise registries and slashers, set treasury, unbonding period and reputation ledger |
//!
//! Amounts are in the stake token's wei, capacities in units of 1e-9.
//!
//! # Where a stake can be
//!
//! *Free* stake leaves at any time. *Locked* stake backs a registration. When the sink has left its last task type,
//! what was locked is *unbonding* until [`unbonding_period`](StakeManager::unbonding_period) has passed; it backs
//! nothing any more, but can still be slashed. The lock of a sink only grows while it is registered: declaring less
//! frees nothing before the sink leaves. One registry at a time holds a sink's lock. Further unbonding restarts the
//! clock of what is unbonding already, and never sets it back: nothing shortens it.
//!
//! # The cap curves, honestly
//!
//! With the square root curve (the default) S over n identities backs √n times the capacity: splitting pays, and
//! only the minimum stake bounds it, to √(S / minimum). With the affine curve each identity forfeits the minimum
//! stake, and splitting loses. See [`bpe_common::math`] for both.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, B256, U16, U256, U64, U8};
use alloy_sol_types::{sol, SolCall};
use bpe_common::{
    call::{has_code, require_gas, static_call, InsufficientGas, Revert},
    clock, connections,
    erc20::{self, SafeERC20FailedOperation},
    interfaces::IReputationLedger,
    math::{self, bps_of_floor},
    ownable::{self, Ownable},
    packed::{narrow, widen},
};
use stylus_sdk::{prelude::*, storage::*};

sol! {
    /// `sink` staked `amount`, as far as it arrived, and now has `totalStake`.
    #[derive(Debug, PartialEq, Eq)]
    event Staked(address indexed sink, uint256 amount, uint256 totalStake);
    /// `sink` took back `amount` and now has `totalStake`.
    #[derive(Debug, PartialEq, Eq)]
    event Unstaked(address indexed sink, uint256 amount, uint256 totalStake);
    /// `sink` lost `amount` for `reason`.
    #[derive(Debug, PartialEq, Eq)]
    event Slashed(address indexed sink, uint256 amount, bytes32 indexed reason);
    /// The lock of `sink` was raised to `amount`.
    #[derive(Debug, PartialEq, Eq)]
    event StakeLocked(address indexed sink, uint256 amount);
    /// `amount` of the stake of `sink` is unbonding, and free from `until` on.
    #[derive(Debug, PartialEq, Eq)]
    event UnbondingStarted(address indexed sink, uint256 amount, uint256 until);
    /// Slashed tokens were paid to `treasury`.
    #[derive(Debug, PartialEq, Eq)]
    event SlashedPaid(address indexed treasury, uint256 amount);
    /// `slasher` may now slash, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event SlasherSet(address indexed slasher, bool authorized);
    /// `registry` may now lock stakes, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event RegistrySet(address indexed registry, bool authorized);
    /// Slashed tokens now go to `treasury`; to the owner, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event TreasurySet(address indexed treasury);
    /// Unbonding that starts from now on takes `period` seconds.
    #[derive(Debug, PartialEq, Eq)]
    event UnbondingPeriodSet(uint256 period);
    /// Discounts on required stake now come from `ledger`, for `domain`; there are none, if `ledger` is zero.
    #[derive(Debug, PartialEq, Eq)]
    event ReputationLedgerSet(address indexed ledger, bytes32 indexed domain);

    /// An amount of zero was given.
    #[derive(Debug, PartialEq, Eq)]
    error ZeroAmount();
    /// `required` is more than the `available` stake.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake(uint256 required, uint256 available);
    /// The caller is not an authorised slasher.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedSlasher();
    /// `caller` is not an authorised registry.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorizedRegistry(address caller);
    /// The stake of `sink` is locked by another registry than the caller.
    #[derive(Debug, PartialEq, Eq)]
    error LockedByOtherRegistry(address sink);
    /// The stake of `sink` is not locked by `registry`.
    #[derive(Debug, PartialEq, Eq)]
    error NotLockedBy(address sink, address registry);
    /// `registry` is authorised: leave it by deregistering there.
    #[derive(Debug, PartialEq, Eq)]
    error RegistryStillAuthorized(address registry);
    /// A stake of `amount` is more than can be kept (2^112 − 1).
    #[derive(Debug, PartialEq, Eq)]
    error StakeTooLarge(uint256 amount);
    /// `token` is not a contract.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidStakeToken(address token);
    /// `stakeUnit` is zero or more than 2^112 − 1.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidStakeUnit(uint256 stakeUnit);
    /// There is no cap curve `curve`: 0 is the square root, 1 the affine one.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidCapCurve(uint8 curve);
    /// An unbonding `period` is from `minimum` to `maximum` seconds.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidUnbondingPeriod(uint256 period, uint256 minimum, uint256 maximum);
    /// There are no more than 65 535 registries in a contract's life.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyRegistries();
    /// Nobody registers from now on who has a reputation of less than `minReputation`.
    #[derive(Debug, PartialEq, Eq)]
    event MinReputationSet(uint256 minReputation);
    /// The reputation of `sink` is less than `required`.
    #[derive(Debug, PartialEq, Eq)]
    error NotAdmitted(address sink, uint256 reputation, uint256 required);
    /// A reputation is at most 10 000.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidReputation(uint256 reputation);
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ZeroAmount(ZeroAmount),
    InsufficientStake(InsufficientStake),
    NotAuthorizedSlasher(NotAuthorizedSlasher),
    NotAuthorizedRegistry(NotAuthorizedRegistry),
    LockedByOtherRegistry(LockedByOtherRegistry),
    NotLockedBy(NotLockedBy),
    RegistryStillAuthorized(RegistryStillAuthorized),
    StakeTooLarge(StakeTooLarge),
    InvalidStakeToken(InvalidStakeToken),
    InvalidStakeUnit(InvalidStakeUnit),
    InvalidCapCurve(InvalidCapCurve),
    InvalidUnbondingPeriod(InvalidUnbondingPeriod),
    TooManyRegistries(TooManyRegistries),
    NotAdmitted(NotAdmitted),
    InvalidReputation(InvalidReputation),
    InsufficientGas(InsufficientGas),
    Erc20(SafeERC20FailedOperation),
    Revert(Revert),
    Ownable(ownable::Error),
}

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

/// The most that reputation takes off the required stake.
const MAX_DISCOUNT_BPS: u16 = 5_000;
/// The best reputation; the discount is half of it.
const MAX_REPUTATION: u16 = 2 * MAX_DISCOUNT_BPS;
/// What the ledger may use to answer. One that fails or needs more gives no discount.
const LEDGER_GAS: u64 = 200_000;

/// Token amounts: two of them, with flags, in one slot. 5·10^15 tokens of 18 decimals.
type StorageAmount = StorageUint<112, 2>;
type Amount = alloy_primitives::Uint<112, 2>;

/// The stake of one sink.
///
/// Slot 0: stake (112 bits), locked (112), registry (16), is_unbonding (8): all that staking, locking and slashing
/// touch. Slot 1, in use only while `is_unbonding`: unbonding (112), unbonding_until (64).
#[storage]
pub struct SinkStake {
    stake: StorageAmount,
    locked: StorageAmount,
    /// Id of the registry that holds the lock; 0 if there is no lock.
    registry: StorageU16,
    is_unbonding: StorageBool,
    unbonding: StorageAmount,
    unbonding_until: StorageU64,
}

/// A registry: its id, and whether it may still lock stakes. One slot.
#[storage]
pub struct Registry {
    id: StorageU16,
    authorized: StorageBool,
}

/// The contract.
///
/// Slots 0–1: ownership. Slot 2: stake_unit (112), min_sink_stake (112), registry_count (16), cap_curve (8), that is
/// all that a cap needs. Slot 3: stake_token (160), unbonding_period (64). Slot 4: treasury. Slot 5: unpaid_slashed. Slot 6: ledger,
/// min_reputation (16). Slot 7: domain. Then the mappings.
#[entrypoint]
#[storage]
pub struct StakeManager {
    #[borrow]
    ownable: Ownable,
    stake_unit: StorageAmount,
    min_sink_stake: StorageAmount,
    registry_count: StorageU16,
    cap_curve: StorageU8,
    stake_token: StorageAddress,
    unbonding_period: StorageU64,
    treasury: StorageAddress,
    unpaid_slashed: StorageU256,
    reputation_ledger: StorageAddress,
    min_reputation: StorageU16,
    reputation_domain: StorageB256,
    slashers: StorageMap<Address, StorageBool>,
    registries: StorageMap<Address, Registry>,
    sinks: StorageMap<Address, SinkStake>,
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
        connections::forbid(self.vm(), stake_token);
        self.stake_token.set(stake_token);
        self.unbonding_period
            .set(U64::from(DEFAULT_UNBONDING_PERIOD));
        Ok(())
    }

    // --- Sinks

    /// Stakes `amount` of the caller's tokens, who must have approved them. What counts is what arrives.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`], [`StakeTooLarge`]
    /// * [`SafeERC20FailedOperation`] if the token refuses, or nothing arrives.
    ///
    /// # Events
    ///
    /// * [`Staked`]
    pub fn stake(&mut self, amount: U256) -> Result<(), Error> {
        require_nonzero(amount)?;
        let sink = self.vm().msg_sender();
        // The interaction comes first, since only the token knows how much arrives. A token that calls back finds the
        // contract closed: programs refuse re-entry.
        let received = erc20::pull(self.vm(), self.stake_token.get(), sink, amount)?;
        let mut account = self.sinks.setter(sink);
        let total = widen(account.stake.get()).saturating_add(received);
        account.stake.set(to_amount(total)?);
        log(
            self.vm(),
            Staked {
                sink,
                amount: received,
                totalStake: total,
            },
        );
        Ok(())
    }

    /// Gives the caller `amount` of its free stake back.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`]
    /// * [`InsufficientStake`] if less than `amount` is free.
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    ///
    /// # Events
    ///
    /// * [`Unstaked`]
    pub fn unstake(&mut self, amount: U256) -> Result<(), Error> {
        require_nonzero(amount)?;
        let sink = self.vm().msg_sender();
        let now = clock::block_timestamp(self.vm());
        let mut account = self.sinks.setter(sink);
        account.finish_unbonding(now);
        let available = account.free(now);
        if amount > available {
            return Err(InsufficientStake {
                required: amount,
                available,
            }
            .into());
        }
        let total = account.reduce(amount);
        log(
            self.vm(),
            Unstaked {
                sink,
                amount,
                totalStake: total,
            },
        );
        Ok(erc20::transfer(
            self.vm(),
            self.stake_token.get(),
            sink,
            amount,
        )?)
    }

    /// Starts the unbonding of stake that `registry` locked, if the owner has withdrawn that registry's authority:
    /// a registry that is replaced keeps nobody's stake.
    ///
    /// # Errors
    ///
    /// * [`RegistryStillAuthorized`]
    /// * [`NotLockedBy`] if the caller's stake is not locked by `registry`.
    ///
    /// # Events
    ///
    /// * [`UnbondingStarted`]
    pub fn leave_revoked_registry(&mut self, registry: Address) -> Result<(), Error> {
        let sink = self.vm().msg_sender();
        let entry = self.registries.getter(registry);
        if entry.authorized.get() {
            return Err(RegistryStillAuthorized { registry }.into());
        }
        let id = entry.id.get();
        if id.is_zero() || self.sinks.getter(sink).registry.get() != id {
            return Err(NotLockedBy { sink, registry }.into());
        }
        self.unbond(sink);
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

    // --- Slashers

    /// Takes `amount` from the stake of `sink`, or all of it if it is less, wherever it is: free, locked or unbonding.
    /// The tokens go to the treasury. If the token reverts, they wait for [`StakeManager::pay_slashed`]: a treasury that
    /// cannot be paid does not stand in the way of a slash. A sink without stake has nothing to lose: no event.
    ///
    /// # Errors
    ///
    /// * [`NotAuthorizedSlasher`], [`ZeroAmount`]
    /// * [`SafeERC20FailedOperation`] if the token returns neither `true` nor nothing.
    /// * [`InsufficientGas`] if the token cannot be given [`PAYMENT_GAS`].
    ///
    /// # Events
    ///
    /// * [`Slashed`], [`SlashedPaid`]
    pub fn slash(&mut self, sink: Address, amount: U256, reason: B256) -> Result<(), Error> {
        if !self.slashers.get(self.vm().msg_sender()) {
            return Err(NotAuthorizedSlasher {}.into());
        }
        require_nonzero(amount)?;
        let mut account = self.sinks.setter(sink);
        let amount = amount.min(widen(account.stake.get()));
        if amount.is_zero() {
            return Ok(());
        }
        account.reduce(amount);
        log(
            self.vm(),
            Slashed {
                sink,
                amount,
                reason,
            },
        );
        // Fits: what waits was once part of stakes, and all stakes together are tokens that exist.
        let unpaid = self.unpaid_slashed.get().saturating_add(amount);
        if !self.pay_treasury(unpaid)? {
            self.unpaid_slashed.set(unpaid);
        }
        Ok(())
    }

    // --- Anyone

    /// Pays to the treasury what slashes could not pay at once.
    ///
    /// # Errors
    ///
    /// * [`ZeroAmount`] if nothing waits.
    /// * [`SafeERC20FailedOperation`] if the token refuses.
    /// * [`InsufficientGas`] if the token cannot be given [`PAYMENT_GAS`].
    ///
    /// # Events
    ///
    /// * [`SlashedPaid`]
    pub fn pay_slashed(&mut self) -> Result<(), Error> {
        let unpaid = self.unpaid_slashed.get();
        require_nonzero(unpaid)?;
        match self.pay_treasury(unpaid)? {
            true => Ok(()),
            false => Err(SafeERC20FailedOperation {
                token: self.stake_token.get(),
            }
            .into()),
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

    /// Lets `slasher` slash, or no longer.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`SlasherSet`]
    pub fn set_slasher(&mut self, slasher: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.slashers.setter(slasher).set(authorized);
        log(
            self.vm(),
            SlasherSet {
                slasher,
                authorized,
            },
        );
        Ok(())
    }

    /// Lets `registry` lock stakes, or no longer. Sinks of a registry whose authority is withdrawn leave it by
    /// [`StakeManager::leave_revoked_registry`], and unbond for the full time.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`TooManyRegistries`]
    ///
    /// # Events
    ///
    /// * [`RegistrySet`]
    pub fn set_registry(&mut self, registry: Address, authorized: bool) -> Result<(), Error> {
        self.ownable.only_owner()?;
        let mut entry = self.registries.setter(registry);
        if entry.id.get().is_zero() {
            let id = self
                .registry_count
                .get()
                .checked_add(U16::from(1))
                .ok_or(TooManyRegistries {})?;
            self.registry_count.set(id);
            entry.id.set(id);
        }
        entry.authorized.set(authorized);
        log(
            self.vm(),
            RegistrySet {
                registry,
                authorized,
            },
        );
        Ok(())
    }

    /// Sends slashed tokens to `treasury` from now on; to the owner, if zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`TreasurySet`]
    pub fn set_treasury(&mut self, treasury: Address) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.treasury.set(treasury);
        log(self.vm(), TreasurySet { treasury });
        Ok(())
    }

    /// Makes unbonding that starts from now on take `period` seconds. What is unbonding already keeps its time.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`], [`InvalidUnbondingPeriod`]
    ///
    /// # Events
    ///
    /// * [`UnbondingPeriodSet`]
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
        self.unbonding_period.set(U64::wrapping_from(period));
        log(self.vm(), UnbondingPeriodSet { period });
        Ok(())
    }

    /// Takes discounts on the required stake from `ledger`, for `domain`; none, if `ledger` is zero.
    ///
    /// # Errors
    ///
    /// * [`ownable::OwnableUnauthorizedAccount`]
    ///
    /// # Events
    ///
    /// * [`ReputationLedgerSet`]
    pub fn set_reputation_ledger(&mut self, ledger: Address, domain: B256) -> Result<(), Error> {
        self.ownable.only_owner()?;
        self.reputation_ledger.set(ledger);
        self.reputation_domain.set(domain);
        log(self.vm(), ReputationLedgerSet { ledger, domain });
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
        let event = MinReputationSet {
            minReputation: min_reputation,
        };
        log(self.vm(), event);
        Ok(())
    }

    // --- Views

    /// All of the stake of `sink`, wherever it is, in wei.
    pub fn get_stake(&self, sink: Address) -> U256 {
        widen(self.sinks.getter(sink).stake.get())
    }

    /// The most capacity that the stake of `sink` can back, in units of 1e-9; zero below the minimum stake, less the sink's
    /// discount. What is unbonding still counts here, as it does in the stake, but backs nothing new.
    ///
    /// # Errors
    ///
    /// * [`InsufficientGas`] for the reputation ledger, where the discount decides.
    pub fn get_capacity_cap(&self, sink: Address) -> Result<U256, Error> {
        self.cap_of(sink, self.get_stake(sink))
    }

    /// How much of the stake of `sink` is locked, in wei.
    pub fn get_locked_stake(&self, sink: Address) -> U256 {
        let account = self.sinks.getter(sink);
        widen(account.locked.get().min(account.stake.get()))
    }

    /// How much of the stake of `sink` can leave now, in wei.
    pub fn get_free_stake(&self, sink: Address) -> U256 {
        self.sinks
            .getter(sink)
            .free(clock::block_timestamp(self.vm()))
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
            false => (unbonding, widen(account.unbonding_until.get())),
        }
    }

    /// The stake that `sink` needs to register where `min_stake` is asked for, in wei: that or the minimum of this
    /// contract, whichever is more, less the reputation discount (at most half).
    pub fn required_stake(&self, sink: Address, min_stake: U256) -> U256 {
        let base = min_stake.max(widen(self.min_sink_stake.get()));
        base.saturating_sub(bps_of_floor(base, self.discount_bps(sink)))
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

    /// How long unbonding takes that starts now, in seconds.
    pub fn unbonding_period(&self) -> U256 {
        widen(self.unbonding_period.get())
    }

    /// Where slashed tokens go.
    pub fn treasury(&self) -> Address {
        match self.treasury.get() {
            Address::ZERO => self.ownable.owner(),
            treasury => treasury,
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
        self.slashers.get(slasher)
    }

    /// Whether `registry` may lock stakes.
    pub fn authorized_registries(&self, registry: Address) -> bool {
        self.registries.getter(registry).authorized.get()
    }
}

impl StakeManager {
    fn only_registry(&self) -> Result<U16, Error> {
        let caller = self.vm().msg_sender();
        let registry = self.registries.getter(caller);
        if !registry.authorized.get() {
            return Err(NotAuthorizedRegistry { caller }.into());
        }
        Ok(registry.id.get())
    }

    /// The cap of a stake, in units of 1e-9.
    /// The cap of `sink` with that much stake.
    fn cap_of(&self, sink: Address, stake: U256) -> Result<U256, Error> {
        let (unit, minimum) = (self.stake_unit(), self.min_sink_stake());
        if stake < minimum && stake < self.discounted_minimum(sink)? {
            return Ok(U256::ZERO);
        }
        Ok(match self.cap_curve() {
            CURVE_SQRT => math::capacity_cap_sqrt(stake, unit),
            _ => math::capacity_cap_affine(stake, minimum, unit),
        })
    }

    /// The least that `sink` stakes. The ledger gets its gas: otherwise whoever calls could have it fail, and the sink lose
    /// its capacity with its discount.
    fn discounted_minimum(&self, sink: Address) -> Result<U256, Error> {
        if !self.reputation_ledger.get().is_zero() {
            require_gas(self.vm(), LEDGER_GAS)?;
        }
        Ok(self.required_stake(sink, U256::ZERO))
    }

    /// The least stake whose cap is `capacity`, for a capacity that some stake caps.
    fn stake_for(&self, capacity: U256) -> U256 {
        let unit = self.stake_unit();
        match self.cap_curve() {
            CURVE_SQRT => math::stake_for_capacity_sqrt(capacity, unit),
            _ => math::stake_for_capacity_affine(capacity, self.min_sink_stake(), unit),
        }
    }

    /// A ledger that fails says of nobody that he is admitted.
    fn require_admitted(&self, sink: Address) -> Result<(), NotAdmitted> {
        let required: u16 = self.min_reputation.get().wrapping_to();
        if required == 0 {
            return Ok(());
        }
        // No overflow: a discount is at most 5 000.
        let reputation = self.discount_bps(sink).saturating_mul(2);
        match reputation < required {
            true => Err(NotAdmitted {
                sink,
                reputation: U256::from(reputation),
                required: U256::from(required),
            }),
            false => Ok(()),
        }
    }

    fn discount_bps(&self, sink: Address) -> u16 {
        let ledger = self.reputation_ledger.get();
        if ledger.is_zero() {
            return 0;
        }
        let query = IReputationLedger::getStakeDiscountCall {
            account: sink,
            domain: self.reputation_domain.get(),
        };
        let answer = static_call(self.vm(), ledger, &query.abi_encode(), LEDGER_GAS, 32);
        if !answer.success || answer.data.len() != 32 {
            return 0;
        }
        U256::from_be_slice(&answer.data)
            .min(U256::from(MAX_DISCOUNT_BPS))
            .wrapping_to()
    }

    /// Raises the lock of `sink` to what `required` and `capacity` take, and returns how much capacity is backed. A lock
    /// that a slash left bare falls to what is left.
    fn back(
        &mut self,
        sink: Address,
        registry: U16,
        required: U256,
        capacity: U256,
    ) -> Result<U256, Error> {
        let now = clock::block_timestamp(self.vm());
        let backing = self.sinks.getter(sink).backing(now);
        if required > backing {
            return Err(InsufficientStake {
                required,
                available: backing,
            }
            .into());
        }
        let granted = capacity.min(self.cap_of(sink, backing)?);
        let needed = self.stake_for(granted).min(backing).max(required);
        let mut account = self.sinks.setter(sink);
        let holder = account.registry.get();
        if holder != registry && !holder.is_zero() {
            return Err(LockedByOtherRegistry { sink }.into());
        }
        let locked = widen(account.locked.get());
        let raised = needed.max(locked.min(backing));
        account.registry.set(registry);
        account.locked.set(to_amount(raised)?);
        if raised > locked {
            log(
                self.vm(),
                StakeLocked {
                    sink,
                    amount: raised,
                },
            );
        }
        Ok(granted)
    }

    /// Moves what is locked of `sink` to what is unbonding, and starts the clock for all of that.
    fn unbond(&mut self, sink: Address) {
        let now = clock::block_timestamp(self.vm());
        // Fits: the period is bounded, and time is far from 2^64.
        let until = U64::from(now.saturating_add(self.unbonding_period.get().wrapping_to()));
        let mut account = self.sinks.setter(sink);
        account.finish_unbonding(now);
        let backing = account.backing(now);
        let released = widen(account.locked.get()).min(backing);
        account.locked.set(Amount::ZERO);
        account.registry.set(U16::ZERO);
        if released.is_zero() {
            return;
        }
        // Fits: at most the stake, since what is released is no more than what is not unbonding yet.
        let unbonding = widen(account.unbonding.get()).saturating_add(released);
        // The later of the two: the period may have become shorter since the first request.
        let until = until.max(account.unbonding_until.get());
        account.is_unbonding.set(true);
        account.unbonding.set(Amount::wrapping_from(unbonding));
        account.unbonding_until.set(until);
        log(
            self.vm(),
            UnbondingStarted {
                sink,
                amount: unbonding,
                until: widen(until),
            },
        );
    }

    /// Pays all that slashes have taken, `amount`, as far as the token and the treasury let it. What is booked as unpaid
    /// only changes afterwards, which spares most slashes two writes; nobody can enter in between.
    fn pay_treasury(&mut self, amount: U256) -> Result<bool, Error> {
        let treasury = self.treasury();
        if treasury.is_zero() {
            return Ok(false);
        }
        require_gas(self.vm(), PAYMENT_GAS)?;
        let token = self.stake_token.get();
        let paid = erc20::try_transfer(self.vm(), token, treasury, amount, PAYMENT_GAS)?;
        if paid {
            if !self.unpaid_slashed.get().is_zero() {
                self.unpaid_slashed.set(U256::ZERO);
            }
            log(self.vm(), SlashedPaid { treasury, amount });
        }
        Ok(paid)
    }
}

impl SinkStake {
    /// What is unbonding at `now`, at most what a slash has left of the stake.
    fn unbonding_at(&self, now: u64) -> U256 {
        if !self.is_unbonding.get() || self.unbonding_until.get() <= U64::from(now) {
            return U256::ZERO;
        }
        widen(self.unbonding.get().min(self.stake.get()))
    }

    /// What can back capacity: all but what is unbonding.
    fn backing(&self, now: u64) -> U256 {
        widen(self.stake.get()).saturating_sub(self.unbonding_at(now))
    }

    /// What can leave: all but what is unbonding or locked.
    fn free(&self, now: u64) -> U256 {
        self.backing(now).saturating_sub(widen(self.locked.get()))
    }

    /// Forgets unbonding whose time has come.
    fn finish_unbonding(&mut self, now: u64) {
        if self.is_unbonding.get() && self.unbonding_until.get() <= U64::from(now) {
            self.is_unbonding.set(false);
            self.unbonding.set(Amount::ZERO);
            self.unbonding_until.set(U64::ZERO);
        }
    }

    /// Takes `amount`, which is no more than the stake, and returns what is left.
    fn reduce(&mut self, amount: U256) -> U256 {
        let left = widen(self.stake.get()).saturating_sub(amount);
        self.stake.set(Amount::wrapping_from(left));
        left
    }
}

fn require_nonzero(amount: U256) -> Result<(), Error> {
    match amount.is_zero() {
        true => Err(ZeroAmount {}.into()),
        false => Ok(()),
    }
}

fn to_amount(amount: U256) -> Result<Amount, StakeTooLarge> {
    narrow(amount).ok_or(StakeTooLarge { amount })
}
