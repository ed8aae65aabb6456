//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::market::*;
use bpe_testing::{enter, Fuzz};

const IDS: &[B256] = &[CODE, B256::ZERO];
const SOURCE: Address = Address::repeat_byte(0x0a);
const ACCOUNTS: &[Address] = &[Address::ZERO, SOURCE, THIRD, Address::repeat_byte(0xff)];
/// Instead of WorkVouchers, which has another address in each market.
const VOUCHERS: Address = Address::repeat_byte(0x77);

/// A source with money, and a sink with capacity.
fn world() -> Market {
    let it = Market::empty();
    it.serve(THIRD, 10 * UNIT);
    it.pay(SOURCE, 1 << 90);
    it
}

const FUZZ: Fuzz<Market> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/WorkReserve.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    // A pool, or a StakeManager, that is none is called: motsu itself panics then.
    without: &["disconnect", "award"],
    callers: &[SOURCE, THIRD, VOUCHERS],
    world,
    send: |it, caller, data| {
        let caller = match caller {
            VOUCHERS => it.vouchers.address(),
            caller => caller,
        };
        let is_accepted = enter(&it.reserve, caller, data).is_ok();
        advance_time(3_000);
        is_accepted
    },
};

#[test]
fn never_panics() {
    FUZZ.never_panics();
}

#[test]
fn the_fuzzer_gets_through() {
    FUZZ.succeeds_in(600, VOUCHERS, &[]);
}
