//! Activation records: which code may run, since when, and at what price. They live in the chain's state.

use revm::{
    context_interface::{journaled_state::account::JournaledAccountTr, Database, JournalTr},
    primitives::{address, keccak256, Address, B256, U256},
};

use crate::{
    params::StylusParams,
    precompiles::abi::ArbWasm::{self, ArbWasmErrors},
    wasm::ModuleAnalysis,
};

/// The account whose storage holds the records, and the data pricer: that of ArbOS.
pub const ARBOS_STATE: Address = address!("0xA4B05FfffffFFFFFFFFFfFFFFFFFFFFFFFffffFF");

/// A failure of the database below the journal.
pub type DbError<J> = <<J as JournalTr>::Database as Database>::Error;

/// What activation recorded for a code hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    /// Stylus version it was activated for; 0 if it never was.
    pub version: u16,
    pub init: u16,
    pub cached_init: u16,
    pub pages: u16,
    /// Estimated bytes of native code.
    pub asm_size: u32,
    /// When it was activated or last extended.
    pub activated_at: u64,
    /// Whether a cache manager keeps it initialised.
    pub cached: bool,
}

impl Activation {
    pub fn new(analysis: &ModuleAnalysis, version: u16, now: u64) -> Self {
        Self {
            version,
            init: analysis.init,
            cached_init: analysis.cached_init,
            pages: analysis.pages,
            asm_size: analysis.asm_size,
            activated_at: now,
            cached: false,
        }
    }

    /// The record of a code hash, active or not.
    pub fn load<J: JournalTr>(journal: &mut J, code_hash: B256) -> Result<Self, DbError<J>> {
        Ok(Self::unpack(load_word(journal, slot(code_hash))?))
    }

    pub fn store<J: JournalTr>(&self, journal: &mut J, code_hash: B256) -> Result<(), DbError<J>> {
        store_word(journal, slot(code_hash), self.pack())
    }

    /// The record, if the program may run.
    pub fn active<J: JournalTr>(
        journal: &mut J,
        params: &StylusParams,
        code_hash: B256,
        now: u64,
    ) -> Result<Result<Self, ArbWasmErrors>, DbError<J>> {
        let record = Self::load(journal, code_hash)?;
        Ok(match record.check(params, now) {
            Ok(()) => Ok(record),
            Err(error) => Err(error),
        })
    }

    /// Whether the program may run now.
    pub fn check(&self, params: &StylusParams, now: u64) -> Result<(), ArbWasmErrors> {
        if self.version == 0 {
            return Err(ArbWasmErrors::ProgramNotActivated(
                ArbWasm::ProgramNotActivated {},
            ));
        }
        if self.version != params.version {
            let error = ArbWasm::ProgramNeedsUpgrade {
                version: self.version,
                stylusVersion: params.version,
            };
            return Err(ArbWasmErrors::ProgramNeedsUpgrade(error));
        }
        if self.age(now) > params.expiry_seconds() {
            let error = ArbWasm::ProgramExpired {
                ageInSeconds: self.age(now),
            };
            return Err(ArbWasmErrors::ProgramExpired(error));
        }
        Ok(())
    }

    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.activated_at)
    }

    /// Gas to start the program when cached.
    pub fn cached_gas(&self) -> u64 {
        StylusParams::MIN_CACHED_INIT_GAS + u64::from(self.cached_init)
    }

    /// Gas to start it otherwise, on top of [`Self::cached_gas`].
    pub fn init_gas(&self) -> u64 {
        StylusParams::MIN_INIT_GAS + u64::from(self.init)
    }

    fn pack(&self) -> U256 {
        let head = u64::from(self.version)
            | u64::from(self.init) << 16
            | u64::from(self.cached_init) << 32
            | u64::from(self.pages) << 48;
        U256::from_limbs([
            head,
            self.activated_at,
            u64::from(self.asm_size) | u64::from(self.cached) << 32,
            0,
        ])
    }

    fn unpack(word: U256) -> Self {
        let [head, activated_at, tail, _] = word.into_limbs();
        Self {
            version: head as u16,
            init: (head >> 16) as u16,
            cached_init: (head >> 32) as u16,
            pages: (head >> 48) as u16,
            asm_size: tail as u32,
            activated_at,
            cached: tail >> 32 & 1 == 1,
        }
    }
}

/// The fee for the data an activation adds to every node, by Nitro's pricer: it rises with demand and falls with time.
pub fn charge_data_fee<J: JournalTr>(
    journal: &mut J,
    asm_size: u32,
    now: u64,
) -> Result<U256, DbError<J>> {
    const BYTES_PER_SECOND: u64 = (1 << 40) / (365 * 24) / 3600;
    const MIN_PRICE: u64 = 82_928_201;
    const INERTIA: f64 = 21_360_419.0;
    const EPOCH: u64 = 1_421_388_000;
    let slot = U256::from_be_bytes(keccak256("stylus data pricer").0);
    let [demand, updated, ..] = load_word(journal, slot)?.into_limbs();
    let passed = now.saturating_sub(updated.max(EPOCH));
    let demand = demand
        .saturating_sub(passed.saturating_mul(BYTES_PER_SECOND))
        .saturating_add(asm_size.into());
    store_word(journal, slot, U256::from_limbs([demand, now, 0, 0]))?;
    let per_byte = (MIN_PRICE as f64 * (demand as f64 / INERTIA).exp()).min(1e18) as u64;
    Ok(U256::from(per_byte) * U256::from(asm_size))
}

fn slot(code_hash: B256) -> U256 {
    let key = [keccak256("stylus program"), code_hash].concat();
    U256::from_be_bytes(keccak256(key).0)
}

fn load_word<J: JournalTr>(journal: &mut J, slot: U256) -> Result<U256, DbError<J>> {
    journal.load_account(ARBOS_STATE)?;
    Ok(journal.sload(ARBOS_STATE, slot)?.data)
}

fn store_word<J: JournalTr>(journal: &mut J, slot: U256, value: U256) -> Result<(), DbError<J>> {
    let mut account = journal.load_account_mut(ARBOS_STATE)?;
    // An account without nonce would count as empty, and lose its storage.
    if account.nonce() == 0 {
        account.bump_nonce();
    }
    drop(account);
    journal.touch_account(ARBOS_STATE);
    journal.sstore(ARBOS_STATE, slot, value)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_packing() {
        let record = Activation {
            version: 2,
            init: 0xabcd,
            cached_init: 0x1234,
            pages: 128,
            asm_size: u32::MAX,
            activated_at: u64::MAX - 1,
            cached: true,
        };
        assert_eq!(Activation::unpack(record.pack()), record);
        assert_eq!(Activation::unpack(U256::ZERO), Activation::default());
    }
}
