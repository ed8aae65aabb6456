//! OpenClawReputationBridge on motsu, over a ledger that notes what it is told.

extern crate alloc;

mod bridge;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use contract::OpenClawReputationBridge;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

const OWNER: Address = Address::repeat_byte(0x01);
const REPORTER: Address = Address::repeat_byte(0x4e);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const RESEARCH: B256 = B256::repeat_byte(0x5e);
const REVIEW: B256 = B256::repeat_byte(0x4e);

sol! {
    /// What the ledger was told.
    #[derive(Debug, PartialEq, Eq)]
    event Recorded(address account, bytes32 domain, uint256 points, bool positive);
}

/// A ledger that notes records, refuses those of an account on request, and answers with its arguments.
#[storage]
pub struct Ledger {
    count: StorageU256,
    refused: StorageAddress,
}

#[public]
impl Ledger {
    pub fn refuse(&mut self, account: Address) {
        self.refused.set(account);
    }

    pub fn count(&self) -> U256 {
        self.count.get()
    }

    pub fn record_positive(
        &mut self,
        account: Address,
        domain: B256,
        points: U256,
    ) -> Result<(), Vec<u8>> {
        self.record(account, domain, points, true)
    }

    pub fn record_negative(
        &mut self,
        account: Address,
        domain: B256,
        points: U256,
    ) -> Result<(), Vec<u8>> {
        self.record(account, domain, points, false)
    }

    pub fn get_aggregate_reputation(&self, account: Address) -> Result<U256, Vec<u8>> {
        self.answer(account)?;
        Ok(word(account))
    }

    pub fn get_domain_reputation(
        &self,
        account: Address,
        domain: B256,
    ) -> Result<(U256, U256, U256, U256, U256), Vec<u8>> {
        self.answer(account)?;
        let [two, three, four] = [2, 3, 4].map(U256::from);
        Ok((word(account), domain.into(), two, three, four))
    }

    pub fn get_stake_discount(&self, account: Address, domain: B256) -> Result<U256, Vec<u8>> {
        self.answer(account)?;
        Ok(word(account) ^ U256::from_be_bytes(domain.0))
    }
}

impl Ledger {
    fn answer(&self, account: Address) -> Result<(), Vec<u8>> {
        match account == self.refused.get() {
            true => Err(vec![0xbe, 0xef]),
            false => Ok(()),
        }
    }

    fn record(
        &mut self,
        account: Address,
        domain: B256,
        points: U256,
        positive: bool,
    ) -> Result<(), Vec<u8>> {
        self.answer(account)?;
        let count = self.count.get() + U256::from(1);
        self.count.set(count);
        log(
            self.vm(),
            Recorded {
                account,
                domain,
                points,
                positive,
            },
        );
        Ok(())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Ledger {}

fn word(account: Address) -> U256 {
    account.into_word().into()
}

struct World {
    bridge: Contract<OpenClawReputationBridge>,
    ledger: Contract<Ledger>,
}

impl World {
    fn new() -> Self {
        let it = Self {
            bridge: Contract::new(),
            ledger: Contract::new(),
        };
        let mut bridge = it.bridge.sender(OWNER);
        let constructed = bridge.constructor(it.ledger.address(), OWNER);
        constructed.motsu_unwrap();
        drop(bridge);
        let mut bridge = it.bridge.sender(OWNER);
        bridge.authorize_reporter(REPORTER).motsu_unwrap();
        drop(bridge);
        it
    }

    fn count(&self) -> u64 {
        self.ledger.sender(OWNER).count().to()
    }
}
