//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use bpe_testing::{enter, Fuzz};

use crate::{market::*, misses::Court};

const IDS: &[B256] = &[CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, OWNER, THIRD];

const FUZZ: Fuzz<Court> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/WorkMisses.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    without: &[],
    callers: &[OWNER, THIRD],
    world: Court::new,
    send: |it, caller, data| {
        let is_accepted = enter(&it.desk, caller, data).is_ok();
        advance_time(3_000);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}
