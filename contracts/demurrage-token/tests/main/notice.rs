//! What costs holders more than they agreed to is announced a week before.

use alloy_primitives::{Address, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    events::Word,
};
use bpe_testing::Token;
use motsu::prelude::*;

use crate::{contract::*, world::*};

/// The attack: the owner names itself recipient, sets the highest rate, and has a fifth of a holder's tokens within a year.
#[motsu::test]
fn an_owner_that_turns_greedy_gets_nothing_of_who_leaves() {
    let it = World::new();
    it.wrap(ALICE, tokens(1_000));
    advance_time(DAY);
    it.try_rate(MAX_DECAY_RATE).unwrap();
    it.try_recipient(OWNER).unwrap();
    let from = wei(timestamp() + NOTICE);
    for (what, value) in [(1, wei(MAX_DECAY_RATE).word()), (2, OWNER.word())] {
        it.token
            .assert_emitted(&ChangeAnnounced { what, value, from });
    }
    // Nothing has changed, nor does it by waiting.
    advance_time(NOTICE - 1);
    for early in [it.try_rate(MAX_DECAY_RATE), it.try_recipient(OWNER)] {
        assert_eq!(early, Err(NoticeRunning { from }.into()));
    }
    let left = it.balance(ALICE);
    assert_eq!(left, after(tokens(1_000), RATE, DAY + NOTICE - 1));
    it.unwrap(ALICE, left).unwrap();
    assert_eq!(it.outside(ALICE), left);
    advance_time(1);
    it.wrap(BOB, tokens(1));
    it.try_rate(MAX_DECAY_RATE).unwrap();
    it.try_recipient(OWNER).unwrap();
    advance_time(YEAR);
    // The owner has what Bob, who came knowing it, has lost, and the recipient of before.
    assert!(it.balance(OWNER) < tokens(1));
    // Of a thousand, what the rate that she agreed to took in eight days.
    assert!(it.outside(ALICE) > tokens(998));
}

#[motsu::test]
fn a_notice_is_for_one_thing_once_and_not_for_ever() {
    let it = World::new();
    it.wrap(ALICE, tokens(1));
    let rate = || it.token.sender(BOB).decay_rate();
    let start = timestamp();
    it.try_rate(5).unwrap();
    advance_time(2 * NOTICE);
    // Too late: announced anew.
    it.try_rate(5).unwrap();
    assert_eq!(rate(), wei(RATE));
    let from = wei(start + 3 * NOTICE);
    assert_eq!(it.try_rate(5), Err(NoticeRunning { from }.into()));
    // Another value is another matter.
    it.try_rate(6).unwrap();
    let later = wei(timestamp() + NOTICE);
    advance_time(NOTICE);
    it.try_rate(5).unwrap();
    assert_eq!(rate(), wei(5));
    it.try_rate(6).unwrap();
    assert_eq!((rate(), later), (wei(6), wei(timestamp())));
    // Used up.
    it.try_rate(5).unwrap();
    let from = wei(timestamp() + NOTICE);
    assert_eq!(it.try_rate(5), Err(NoticeRunning { from }.into()));
    assert_eq!(rate(), wei(6));
    // A rate of zero is announced as any other, and the last second counts.
    it.try_rate(0).unwrap();
    advance_time(2 * NOTICE - 1);
    it.try_rate(0).unwrap();
    assert_eq!(rate(), U256::ZERO);
    assert_eq!(NOTICE, 7 * DAY);
}

#[motsu::test]
fn while_nothing_is_wrapped_nobody_has_to_be_told() {
    let it = World::new();
    it.try_rate(5).unwrap();
    it.try_recipient(CAROL).unwrap();
    let token = it.token.sender(BOB);
    assert_eq!(token.decay_rate(), wei(5));
    assert_eq!(token.decay_recipient(), CAROL);
}

#[motsu::test]
fn monitors_and_the_end_of_exemptions_are_announced_too(monitor: Contract<Token>) {
    let it = World::new();
    it.wrap(STAKES, tokens(1));
    it.exempt(STAKES, true);
    let set = |monitor| {
        let mut owner = it.token.sender(OWNER);
        owner.set_virial_monitor(monitor).motsu_res()
    };
    let unexempt = |account| {
        let mut owner = it.token.sender(OWNER);
        owner.set_decay_exempt(account, false).motsu_res()
    };
    set(monitor.address()).unwrap();
    unexempt(STAKES).unwrap();
    let from = wei(timestamp() + NOTICE);
    let values = [(3, monitor.address().word()), (4, STAKES.word())];
    for (what, value) in values {
        it.token
            .assert_emitted(&ChangeAnnounced { what, value, from });
    }
    let token = it.token.sender(BOB);
    assert_eq!(token.virial_monitor(), Address::ZERO);
    assert!(token.decay_exempt(STAKES));
    drop(token);
    let early = || Err(NoticeRunning { from }.into());
    assert_eq!(set(monitor.address()), early());
    assert_eq!(unexempt(STAKES), early());
    advance_time(NOTICE);
    set(monitor.address()).unwrap();
    unexempt(STAKES).unwrap();
    let token = it.token.sender(BOB);
    assert_eq!(token.virial_monitor(), monitor.address());
    assert!(!token.decay_exempt(STAKES));
}

#[motsu::test]
fn a_contracts_exemption_is_for_good(vault: Contract<Token>) {
    let it = World::new();
    let account = vault.address();
    it.exempt(account, true);
    let mut owner = it.token.sender(OWNER);
    let ended = owner.set_decay_exempt(account, false).motsu_res();
    assert_eq!(ended, Err(ExemptForGood { account }.into()));
    drop(owner);
    it.wrap(ALICE, tokens(3));
    it.transfer(ALICE, account, tokens(3)).unwrap();
    advance_time(YEAR);
    assert_eq!(it.balance(account), tokens(3));
}

/// Whoever adds up the events of an account knows what it had when it was touched last.
#[motsu::test]
fn decay_shows_as_transfers() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    it.wrap(BOB, tokens(100));
    advance_time(DAY);
    let lost = tokens(100) - it.balance(ALICE);
    it.transfer(ALICE, BOB, tokens(1)).unwrap();
    for account in [ALICE, BOB] {
        it.token.assert_emitted(&Transfer {
            from: account,
            to: Address::ZERO,
            value: lost,
        });
    }
    advance_time(DAY);
    let lost = it.nominal(BOB) - it.balance(BOB);
    it.rebase(BOB);
    it.token.assert_emitted(&Transfer {
        from: BOB,
        to: Address::ZERO,
        value: lost,
    });
    let income = it.balance(TREASURY);
    it.rebase(TREASURY);
    it.token.assert_emitted(&Transfer {
        from: Address::ZERO,
        to: TREASURY,
        value: income,
    });
}
