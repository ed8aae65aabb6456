use alloy_primitives::{Address, U256};
use bpe_common::clock::testing::{advance_time, timestamp};
use motsu::prelude::*;

use crate::{contract::*, world::*};

#[motsu::test]
fn a_balance_is_what_the_exponential_says() {
    let it = World::new();
    let much = tokens(1_000_000_000_000);
    it.wrap(ALICE, much);
    let mut seconds = 0;
    for wait in [1, DAY - 1, YEAR - DAY, 9 * YEAR] {
        advance_time(wait);
        seconds += wait;
        let balance = it.balance(ALICE);
        // To the wei, of 10^30.
        assert_eq!(balance, after(much, RATE, seconds), "after {seconds} s");
        assert_eq!(it.token.sender(BOB).real_balance_of(ALICE), balance);
        // The recipient has exactly what others have lost.
        assert_eq!(it.balance(TREASURY), much - balance);
        assert_eq!(it.decayed(), much - balance);
        assert_eq!(it.supply(), much);
    }
    // e^(−0.500 342 466), ten years of 365.25 days, by another library (Python's decimal).
    let share = it.balance(ALICE) / U256::from(10).pow(U256::from(24));
    assert_eq!(share, wei(606_322));
}

#[motsu::test]
fn being_touched_does_not_matter() {
    let it = World::at_rate(MAX_DECAY_RATE);
    let much = tokens(1_000_000_000_000);
    for account in [ALICE, BOB, CAROL] {
        it.wrap(account, much);
    }
    for day in 1..=400 {
        advance_time(DAY);
        it.rebase(BOB);
        it.rebase(TREASURY);
        it.transfer(CAROL, CAROL, it.balance(CAROL)).unwrap();
        let expected = after(much, MAX_DECAY_RATE, day * DAY);
        for account in [ALICE, BOB, CAROL] {
            assert_eq!(it.balance(account), expected, "day {day}");
        }
    }
    let lost = wei(3) * (much - it.balance(ALICE));
    // Three fractions of a wei may make one or two.
    let got = it.balance(TREASURY);
    assert!(lost - got <= wei(2), "{lost} {got}");
}

#[motsu::test]
fn an_exempt_account_loses_nothing() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    it.wrap(STAKES, tokens(100));
    it.exempt(STAKES, true);
    it.token.assert_emitted(&DecayExemptUpdated {
        account: STAKES,
        exempt: true,
    });
    assert!(it.token.sender(BOB).decay_exempt(STAKES));
    advance_time(YEAR);
    assert_eq!(it.balance(STAKES), tokens(100));
    assert_eq!(it.nominal(STAKES), tokens(100));
    // Exactly what arrives, and exactly what leaves.
    it.transfer(ALICE, STAKES, tokens(7)).unwrap();
    assert_eq!(it.balance(STAKES), tokens(107));
    it.transfer(STAKES, BOB, tokens(7)).unwrap();
    assert_eq!(it.balance(STAKES), tokens(100));
    assert_eq!(it.balance(BOB), tokens(7));
    // From one exempt account to another.
    it.exempt(CAROL, true);
    it.transfer(STAKES, CAROL, tokens(5)).unwrap();
    assert_eq!(it.balance(CAROL), tokens(5));
    // No longer: it keeps what it has, and loses from then on.
    it.exempt(STAKES, false);
    assert!(!it.token.sender(BOB).decay_exempt(STAKES));
    assert_eq!(it.balance(STAKES), tokens(95));
    advance_time(DAY);
    assert_eq!(it.balance(STAKES), after(tokens(95), RATE, DAY));
    assert_eq!(it.balance(CAROL), tokens(5));
}

#[motsu::test]
fn back_and_forth_between_exempt_and_not_makes_nothing() {
    let it = World::new();
    it.wrap(ALICE, tokens(1));
    advance_time(YEAR);
    let (had, treasury) = (it.balance(ALICE), it.balance(TREASURY));
    for _ in 0..20 {
        it.exempt(ALICE, true);
        it.exempt(ALICE, true);
        it.exempt(ALICE, false);
        it.exempt(ALICE, false);
    }
    assert_eq!(it.balance(ALICE), had);
    assert_eq!(it.balance(TREASURY), treasury);
    assert_eq!(had + treasury, it.supply());
}

#[motsu::test]
fn a_rate_acts_from_then_on() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    advance_time(YEAR);
    let before = it.balance(ALICE);
    it.set_rate(MAX_DECAY_RATE);
    it.token.assert_emitted(&DecayRateUpdated {
        oldRate: wei(RATE),
        newRate: wei(MAX_DECAY_RATE),
    });
    it.token.assert_emitted(&EffectiveDecayRateUpdated {
        oldRate: wei(RATE),
        newRate: wei(MAX_DECAY_RATE),
    });
    // Nothing happens at the change, and an account that nobody touches gets the new rate for the new time only.
    assert_eq!(it.balance(ALICE), before);
    advance_time(DAY);
    let exponent = u128::from(RATE * YEAR + MAX_DECAY_RATE * DAY);
    assert_eq!(it.balance(ALICE), decayed(tokens(100), exponent));
    it.set_rate(0);
    let stays = it.balance(ALICE);
    advance_time(10 * YEAR);
    assert_eq!(it.balance(ALICE), stays);
    assert_eq!(it.token.sender(BOB).decay_rate(), U256::ZERO);
    let above = it
        .token
        .sender(OWNER)
        .set_decay_rate(wei(7_000_000_001))
        .motsu_res();
    assert_eq!(above, Err(ExceedsMaxDecayRate {}.into()));
}

#[motsu::test]
fn the_exponent_of_any_time_is_on_record() {
    let it = World::new();
    let start = timestamp();
    let rates = [RATE, 7, MAX_DECAY_RATE, 0, 1_000_000_000];
    let (mut exponent, mut known) = (0, vec![(start, 0)]);
    for (rate, next) in rates.iter().zip(rates.iter().skip(1)) {
        for _ in 0..2 {
            advance_time(DAY);
            exponent += rate * DAY;
            known.push((timestamp(), exponent));
        }
        it.set_rate(*next);
    }
    let at = |time: u64| it.token.sender(BOB).get_exponent_at(wei(time));
    for (time, exponent) in known {
        assert_eq!(at(time), wei(exponent), "{}", time - start);
        // Between two changes it is a straight line.
        if time > start {
            let slope = at(time) - at(time - 1);
            assert!(rates.contains(&slope.to()), "{slope}");
        }
    }
    assert_eq!(at(start - 1), U256::ZERO);
    assert_eq!(at(0), U256::ZERO);
    assert_eq!(at(timestamp() + 5), wei(exponent + 5 * 1_000_000_000));
    let last = it.token.sender(BOB).get_exponent_at(U256::MAX);
    assert_eq!(last, wei(u64::MAX));
}

#[motsu::test]
fn a_touch_says_what_was_lost_since_the_last() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    let (since, first) = (timestamp(), it.balance(ALICE));
    advance_time(DAY);
    it.set_rate(MAX_DECAY_RATE);
    advance_time(DAY);
    assert_eq!(it.nominal(ALICE), first);
    let last_update = || it.token.sender(BOB).last_update_time(ALICE);
    assert_eq!(last_update(), wei(since));
    let second = it.balance(ALICE);
    it.rebase(ALICE);
    it.token.assert_emitted(&Rebased {
        account: ALICE,
        decayed: first - second,
        newBalance: second,
    });
    assert_eq!(last_update(), wei(timestamp()));
    assert_eq!(it.nominal(ALICE), second);
    advance_time(DAY);
    assert_eq!(it.nominal(ALICE), second);
    let third = it.balance(ALICE);
    it.rebase(ALICE);
    it.token.assert_emitted(&Rebased {
        account: ALICE,
        decayed: second - third,
        newBalance: third,
    });
    assert_eq!(it.token.sender(BOB).last_update_time(BOB), U256::ZERO);
}

#[motsu::test]
fn the_recipient_spends_what_others_lost() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    it.wrap(TREASURY, tokens(10));
    advance_time(YEAR);
    let lost = tokens(100) - it.balance(ALICE);
    assert_eq!(it.balance(TREASURY), tokens(10) + lost);
    assert_eq!(it.nominal(TREASURY), tokens(10));
    assert_eq!(it.token.sender(BOB).total_collected(), U256::ZERO);
    it.transfer(TREASURY, BOB, tokens(10) + lost).unwrap();
    it.token.assert_emitted(&DecayCollected {
        recipient: TREASURY,
        amount: lost,
    });
    assert_eq!(it.balance(BOB), tokens(10) + lost);
    assert_eq!(it.balance(TREASURY), U256::ZERO);
    assert_eq!(it.token.sender(BOB).total_collected(), lost);
    assert_eq!(it.decayed(), lost);
    // And goes on earning, from what it has spent as well.
    advance_time(YEAR);
    let all = it.balance(ALICE) + it.balance(BOB) + it.balance(TREASURY);
    assert!(it.supply() - all <= wei(1));
    it.rebase(TREASURY);
    let balance = it.balance(TREASURY);
    assert_eq!(it.nominal(TREASURY), balance);
    it.token.assert_emitted(&Rebased {
        account: TREASURY,
        decayed: U256::ZERO,
        newBalance: balance,
    });
    assert_eq!(it.decayed(), lost + balance);
}

#[motsu::test]
fn a_new_recipient_gets_what_decays_from_then_on() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    advance_time(YEAR);
    let lost = tokens(100) - it.balance(ALICE);
    let name = |recipient| it.set_recipient(recipient);
    name(CAROL).unwrap();
    it.token.assert_emitted(&DecayCollected {
        recipient: TREASURY,
        amount: lost,
    });
    it.token.assert_emitted(&DecayRecipientUpdated {
        oldRecipient: TREASURY,
        newRecipient: CAROL,
    });
    assert_eq!(it.balance(TREASURY), lost);
    assert_eq!(it.balance(CAROL), U256::ZERO);
    assert!(!it.token.sender(BOB).decay_exempt(TREASURY));
    assert!(it.token.sender(BOB).decay_exempt(CAROL));
    advance_time(DAY);
    // The old one decays like any other.
    assert_eq!(it.balance(TREASURY), after(lost, RATE, DAY));
    let others = it.balance(ALICE) + it.balance(TREASURY);
    assert!(it.supply() - others - it.balance(CAROL) <= wei(1));
    // Naming the same again changes no balance.
    let before = [ALICE, TREASURY, CAROL].map(|account| it.balance(account));
    name(CAROL).unwrap();
    assert_eq!(
        [ALICE, TREASURY, CAROL].map(|account| it.balance(account)),
        before
    );
    // One that is exempt stays so when it is recipient no longer.
    it.exempt(CAROL, true);
    name(ALICE).unwrap();
    let kept = it.balance(CAROL);
    advance_time(YEAR);
    assert_eq!(it.balance(CAROL), kept);
    assert_eq!(name(Address::ZERO), Err(ZeroRecipient {}.into()));
    let recipient = it.token.address();
    assert_eq!(name(recipient), Err(InvalidRecipient { recipient }.into()));
}

#[motsu::test]
fn decay_ends_at_the_largest_exponent() {
    let it = World::at_rate(MAX_DECAY_RATE);
    it.wrap(ALICE, tokens(1_000_000_000));
    advance_time(84 * YEAR);
    let left = it.balance(ALICE);
    assert_eq!(left, decayed(tokens(1_000_000_000), u128::from(u64::MAX)));
    advance_time(1_000 * YEAR);
    assert_eq!(it.balance(ALICE), left);
    it.set_rate(RATE);
    advance_time(YEAR);
    assert_eq!(it.balance(ALICE), left);
    it.wrap(BOB, tokens(1));
    it.transfer(BOB, CAROL, tokens(1)).unwrap();
    assert_eq!(it.balance(CAROL), tokens(1));
    it.unwrap(CAROL, tokens(1)).unwrap();
    it.unwrap(ALICE, left).unwrap();
    it.unwrap(TREASURY, it.balance(TREASURY)).unwrap();
    assert_eq!(it.held(), U256::ZERO);
}
