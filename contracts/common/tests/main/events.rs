//! [`emit!`] and [`emit_text!`] write what `log` of stylus-sdk does.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{emit, emit_text, events::is_text_and};
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
    #[derive(Debug, PartialEq, Eq)]
    event Text(bytes32 indexed id, string text);
    #[derive(Debug, PartialEq, Eq)]
    event TextAndData(string text, uint256 number, address indexed account, bool flag);
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

#[motsu::test]
fn emit_text_writes_what_log_does(probe: Contract<Probe>) {
    let number = U256::MAX - U256::from(7);
    let it = probe.sender(ACCOUNT);
    let vm = it.vm();
    for length in [0, 1, 31, 32, 33, 64, 100] {
        let text = "x".repeat(length);
        emit_text!(vm, Text[ID](&text));
        log(
            vm,
            Text {
                id: ID,
                text: text.clone(),
            },
        );
        emit_text!(vm, TextAndData[ACCOUNT](&text, number, true));
        log(
            vm,
            TextAndData {
                text,
                number,
                account: ACCOUNT,
                flag: true,
            },
        );
    }
    let events = probe.all_events();
    assert_eq!(events.len(), 28);
    for pair in events.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
}

#[test]
fn a_text_comes_first() {
    assert!(is_text_and("(string)", 0));
    assert!(is_text_and("(string,uint256,bool)", 2));
    assert!(!is_text_and("(string,uint256)", 0));
    assert!(!is_text_and("(string)", 1));
    assert!(!is_text_and("(uint256,string)", 1));
    assert!(!is_text_and("()", 0));
}
