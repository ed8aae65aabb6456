//! [`emit!`] writes what `log` of stylus-sdk does.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::emit;
use motsu::prelude::*;
use stylus_sdk::prelude::*;

use crate::Probe;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    event Nothing();
    #[derive(Debug, PartialEq, Eq)]
    event Topics(bytes32 indexed id, address indexed account, uint128 indexed number);
    #[derive(Debug, PartialEq, Eq)]
    event Data(bool flag, uint8 small, address account, uint256 number, bytes32 id);
    #[derive(Debug, PartialEq, Eq)]
    event Both(uint256 number, address indexed account, bool flag, bytes32 indexed id);
}

const ID: B256 = B256::repeat_byte(0xc0);
const ACCOUNT: Address = Address::repeat_byte(0xa1);

#[motsu::test]
fn emit_writes_what_log_does(probe: Contract<Probe>) {
    let number = U256::MAX - U256::from(7);
    let it = probe.sender(ACCOUNT);
    let vm = it.vm();
    emit!(vm, Nothing[]);
    log(vm, Nothing {});
    emit!(vm, Topics[ID, ACCOUNT, u128::MAX]);
    log(
        vm,
        Topics {
            id: ID,
            account: ACCOUNT,
            number: u128::MAX,
        },
    );
    emit!(vm, Data[](true, u8::MAX, ACCOUNT, number, ID));
    log(
        vm,
        Data {
            flag: true,
            small: u8::MAX,
            account: ACCOUNT,
            number,
            id: ID,
        },
    );
    // Indexed members first, whatever their place.
    emit!(vm, Both[ACCOUNT, ID](number, false));
    log(
        vm,
        Both {
            number,
            account: ACCOUNT,
            flag: false,
            id: ID,
        },
    );
    // Numbers of the machine, as words.
    emit!(vm, Both[ACCOUNT, ID](u64::MAX, false));
    emit!(vm, Both[ACCOUNT, ID](usize::MAX, false));
    let events = probe.all_events();
    assert_eq!(events.len(), 10);
    for pair in events.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    probe.assert_emitted(&Both {
        number: U256::from(u64::MAX),
        account: ACCOUNT,
        flag: false,
        id: ID,
    });
}
