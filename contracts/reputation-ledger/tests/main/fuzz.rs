//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use alloy_primitives::{Address, B256};
use bpe_testing::{enter, Fuzz};
use motsu::prelude::*;

use super::{contract::ReputationLedger, ledger, ALICE, CLAW, LIGHTNING, NOWHERE, OWNER, RELAY};

const IDS: &[B256] = &[RELAY, LIGHTNING, CLAW, NOWHERE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, ALICE];

/// The owner may record everywhere.
fn world() -> Contract<ReputationLedger> {
    let ledger = ledger();
    for domain in [RELAY, LIGHTNING, CLAW] {
        let mut context = ledger.sender(OWNER);
        context.authorize_recorder(domain, OWNER).motsu_unwrap();
    }
    ledger
}

const FUZZ: Fuzz<Contract<ReputationLedger>> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/ReputationLedger.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: &[OWNER, ALICE],
    world,
    send: |ledger, caller, data| enter(ledger, caller, data).is_ok(),
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.gets_through(OWNER, &["renounceOwnership", "transferOwnership"]);
}
