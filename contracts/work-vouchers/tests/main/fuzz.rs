//! No calldata makes the contract panic: whatever comes in, it returns or reverts. Vouchers whose numbers are anything are signed
//! rightly, so that they get past the signatures.

use crate::market::*;
use bpe_testing::{enter, Fuzz};
use proptest::prelude::*;

const IDS: &[B256] = &[CODE, B256::ZERO];
const SOURCE: Address = Address::repeat_byte(0x0a);
const ACCOUNTS: &[Address] = &[Address::ZERO, SOURCE, THIRD, Address::repeat_byte(0xff)];

const FUZZ: Fuzz<Market> = Fuzz {
    abi: include_str!("../../../../sdk-abi/abi/WorkVouchers.json"),
    accounts: ACCOUNTS,
    ids: IDS,
    // A link to an account that is not there: motsu itself panics then.
    without: &["setPricingCurve"],
    callers: &[SOURCE, OWNER],
    world: Market::new,
    send: |it, caller, data| {
        let is_accepted = enter(&it.vouchers, caller, data).is_ok();
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
    FUZZ.gets_through(SOURCE, &[]);
}

fn number() -> impl Strategy<Value = U256> {
    prop_oneof![
        2 => (0u64..2_000).prop_map(U256::from),
        2 => (0usize..256).prop_map(|shift| U256::from(1) << shift),
        1 => (0usize..256).prop_map(|shift| U256::MAX >> shift),
        1 => any::<[u64; 4]>().prop_map(U256::from_limbs),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_count_right_or_not_at_all(
        vouchers in prop::collection::vec([number(), number(), number(), number()], 6)
    ) {
        let _turn = bpe_testing::turn();
        let _precompiles = deploy_precompiles();
        let it = Market::new();
        let paid = it.funds(source()).0;
        for [work, value, tasks, time] in vouchers {
            let mut voucher = it.usual(0, 0, 0);
            (voucher.work, voucher.value, voucher.tasks, voucher.timestamp) = (work, value, tasks, time);
            it.sign(&mut voucher, &key(2), &key(1));
            let _ = it.redeem(voucher);
            let (owed, counted) = it.account(sink());
            prop_assert_eq!(it.funds(source()).0 + owed, paid);
            prop_assert!(counted <= 10 * UNIT * 3_600);
        }
    }
}
