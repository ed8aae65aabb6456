//! What people and agents attest by signature, for anyone to bring on chain: fresh, in its order, once.
//!
//! What is refused in a batch is no failure of the batch; [`Error::reason`] tells what is a refusal. Both a signer with
//! code and the registry get a fixed allowance of gas at most. What a signer with code may use has to be there whatever it
//! answers, so that one that answers otherwise when gas is estimated than in the block has only its own attestation refused.
//! If the registry fails, and it may be for want of gas because the caller brought less than that, everything reverts: a relayer
//! who looks for the least gas with which it succeeds finds enough.

use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, Uint, B256, U256};
use alloy_sol_types::{sol, SolCall, SolError};
use stylus_sdk::{prelude::*, storage::*, stylus_core::Host};

use crate::{
    call::{call, has_code, require_gas, InsufficientGas, Revert},
    clock,
    interfaces::ICapacityRegistry,
    packed::{narrow, widen},
    signature::{self, is_valid_erc1271, recover},
};

sol! {
    /// What was signed is too old, or from the future.
    #[derive(Debug, PartialEq, Eq)]
    error StaleAttestation(uint256 attestationTime, uint256 currentTime);
    /// A nonce of `required` or more is needed, and less than 2^216.
    #[derive(Debug, PartialEq, Eq)]
    error NonceAlreadyUsed(uint256 provided, uint256 required);
    /// The signature is not that of whoever has to sign.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidSignature();
    /// A half-life is 2 to 288 epochs of 300 s.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidHalfLife(uint256 epochs);
}

/// Why what was brought is refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not within [`MAX_AGE`].
    Stale(StaleAttestation),
    /// Not after the last one.
    Nonce(NonceAlreadyUsed),
    /// By somebody else.
    Signer(InvalidSignature),
    /// By nobody.
    Signature(signature::Error),
    /// Perhaps for want of gas only.
    Gas(InsufficientGas),
    /// By CapacityRegistry.
    Revert(Revert),
}

crate::nested::nested_error!(Error, "StaleAttestation(uint256,uint256); error NonceAlreadyUsed(uint256,uint256); error InvalidSignature(); error ECDSAInvalidSignature(); error ECDSAInvalidSignatureLength(uint256); error ECDSAInvalidSignatureS(bytes32); error InsufficientGas(uint256,uint256); error MalformedReturn(address)");

impl Error {
    /// What a batch says of an attestation that was refused; nothing, if the batch has to fail.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Stale(_) => Some("stale"),
            Self::Nonce(_) => Some("nonce"),
            Self::Signer(_) | Self::Signature(_) => Some("signature"),
            // Of before the sink declared something else itself.
            Self::Revert(revert)
                if revert
                    .0
                    .starts_with(&ICapacityRegistry::OlderThanDeclared::SELECTOR) =>
            {
                Some("stale")
            }
            Self::Revert(_) => Some("sink"),
            Self::Gas(_) => None,
        }
    }
}

/// How old what was signed may be, in seconds.
pub const MAX_AGE: u64 = 600;
/// How far the signer's clock may be ahead, in seconds.
pub const MAX_CLOCK_SKEW: u64 = 30;
/// What a contract account may use to check a signature: enough for several owners' signatures.
pub const ERC1271_GAS: u64 = 400_000;
/// What CapacityRegistry may use for an update: 1.5 million of it for the pool, when the stake no longer backs what the
/// sink had.
pub const UPDATE_GAS: u64 = 2_000_000;
/// As much as is kept of what the registry reverts with: its errors have two words at most.
const REVERT_LIMIT: usize = 68;

/// One slot: nonce (216 bits), timestamp (40). What was accepted last.
#[storage]
pub struct Last {
    nonce: StorageUint<216, 4>,
    timestamp: StorageUint<40, 1>,
}

/// A nonce and a time that come after the last ones.
pub struct Next {
    nonce: Uint<216, 4>,
    timestamp: Uint<40, 1>,
}

impl Last {
    /// The nonce.
    pub fn nonce(&self) -> U256 {
        widen(self.nonce.get())
    }

    /// When it was signed, in seconds since 1970.
    pub fn timestamp(&self) -> U256 {
        widen(self.timestamp.get())
    }

    /// Notes that somebody said at `now`, in a transaction of its own, what its nonces do not count.
    pub fn touch(&mut self, now: u64) {
        self.timestamp.set(Uint::wrapping_from(now));
    }

    /// Checks that what was signed at `timestamp` is fresh, and that its nonce comes after the last one.
    ///
    /// # Errors
    ///
    /// * [`StaleAttestation`], [`NonceAlreadyUsed`]
    pub fn check(&self, timestamp: U256, nonce: U256) -> Result<Next, Error> {
        require_fresh(self.vm(), timestamp)?;
        let last = self.nonce();
        match narrow(nonce) {
            Some(next) if nonce > last => Ok(Next {
                nonce: next,
                // 40 bits of seconds last for 35 000 years.
                timestamp: Uint::wrapping_from(timestamp),
            }),
            _ => Err(NonceAlreadyUsed {
                provided: nonce,
                required: last.saturating_add(U256::from(1)),
            }
            .into()),
        }
    }

    /// Notes what was accepted.
    pub fn accept(&mut self, next: Next) {
        self.nonce.set(next.nonce);
        self.timestamp.set(next.timestamp);
    }
}

/// Checks that what was signed at `timestamp` is at most [`MAX_AGE`] old, and not from the future beyond [`MAX_CLOCK_SKEW`].
///
/// # Errors
///
/// * [`StaleAttestation`]
pub fn require_fresh(vm: &dyn Host, timestamp: U256) -> Result<(), StaleAttestation> {
    let now = clock::block_timestamp(vm);
    let earliest = U256::from(now.saturating_sub(MAX_AGE));
    let latest = U256::from(now.saturating_add(MAX_CLOCK_SKEW));
    match timestamp < earliest || timestamp > latest {
        true => Err(StaleAttestation {
            attestationTime: timestamp,
            currentTime: U256::from(now),
        }),
        false => Ok(()),
    }
}

/// After how many epochs what is attested is worth half, until somebody sets another number: an hour.
pub const HALF_LIFE: u16 = 12;

/// What is left of `value`, at most 2^92, that was attested at `time`, if it was not renewed until `now`: half of it after
/// each `half_life` epochs of 300 s, in a straight line in between. Whole epochs count, so that who renews every epoch loses
/// nothing. Rounded down. Exact to 2^-31 of the value; zero after 92 half-lives at the latest.
pub fn decayed(value: u128, time: u64, now: u64, half_life: u16) -> u128 {
    let epochs = now.saturating_sub(time) / clock::EPOCH;
    let life = u64::from(half_life.max(1));
    let (halvings, rest) = (epochs / life, epochs % life);
    let Some(shift) = u32::try_from(halvings).ok().filter(|shift| *shift < 128) else {
        return 0;
    };
    // Between a half and one, with 32 bits behind the point. The product has 125 bits at most.
    let part = (1_u64 << 32).saturating_sub((rest << 31) / life);
    (value >> shift).saturating_mul(u128::from(part)) >> 32
}

/// Whether what was attested at `time` has lost some of its worth by `now`, if it had any: then nobody has more than is left.
pub fn is_old(time: u64, now: u64) -> bool {
    now.saturating_sub(time) >= clock::EPOCH
}

/// The half-life, if it is 2 to 288 epochs.
///
/// # Errors
///
/// * [`InvalidHalfLife`]
pub fn half_life(epochs: U256) -> Result<u16, InvalidHalfLife> {
    match epochs.saturating_to::<u16>() {
        life @ 2..=288 => Ok(life),
        _ => Err(InvalidHalfLife { epochs }),
    }
}

/// Checks that `signer` signed `digest`: with its key, or, if it has code, by its own word, for which the caller has to bring
/// [`ERC1271_GAS`].
///
/// # Errors
///
/// * [`InvalidSignature`], [`signature::Error`], [`InsufficientGas`]
pub fn require_signed(
    vm: &dyn Host,
    signer: Address,
    digest: B256,
    signature: &[u8],
) -> Result<(), Error> {
    let recovered = recover(vm, digest, signature);
    if recovered.as_ref() == Ok(&signer) {
        return Ok(());
    }
    if has_code(vm, signer) {
        require_gas(vm, ERC1271_GAS)?;
        if is_valid_erc1271(vm, signer, digest, signature, ERC1271_GAS) {
            return Ok(());
        }
    } else {
        recovered?;
    }
    Err(InvalidSignature {}.into())
}

/// Has `registry` take what was attested of `sink` at `timestamp`. It gets [`UPDATE_GAS`]; what looks like having got less counts
/// for no refusal.
///
/// # Errors
///
/// * What CapacityRegistry reverts with; [`InsufficientGas`]
pub fn update_capacity(
    vm: &dyn Host,
    registry: Address,
    task_type_id: B256,
    sink: Address,
    capacity: U256,
    timestamp: U256,
) -> Result<(), Error> {
    let update = ICapacityRegistry::updateCapacityAsOfCall {
        taskTypeId: task_type_id,
        sink,
        capacity,
        timestamp,
    };
    let brought = require_gas(vm, UPDATE_GAS);
    let answer = call(vm, registry, &update.abi_encode(), UPDATE_GAS, REVERT_LIMIT);
    if answer.success {
        return Ok(());
    }
    // A program without gas reverts with nothing, one that asks for it beforehand says so.
    if answer.data.is_empty() || answer.data.starts_with(&InsufficientGas::SELECTOR) {
        brought?;
    }
    Err(Revert(answer.data).into())
}
