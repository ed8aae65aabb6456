//! What misses make of a sink: three epochs in a row in which less was paid than was missed.

use bpe_common::{
    clock::testing::set_timestamp,
    judging::{ASSIGNED, NONE},
};

use crate::{judge::NotToBeJudged, misses::*};

/// A court whose sink has staked 100 tokens.
fn staked() -> Court {
    let it = Court::new();
    it.stake(100);
    it
}

/// So many epochs from now on, in each of which a task is missed.
fn bad_epochs(it: &Court, numbers: core::ops::Range<u64>) {
    for number in numbers {
        it.miss(number, WORK, VALUE);
        to_next_epoch();
    }
}

/// So much work of the sink is paid, in all since ever.
fn pay(it: &Court, work: u128) {
    let value = (work * VALUE).div_ceil(WORK);
    it.market.redeem(it.market.usual(work, value, 1)).unwrap();
}

fn counted(it: &Court, epoch: u32) -> (bool, u128) {
    let reserve = it.market.reserve.sender(THIRD);
    let (known, work) = reserve.get_counted(CODE, sink(), U256::from(epoch));
    (known, work.to())
}

#[test]
fn three_bad_epochs_cost_a_tenth_at_most_and_what_was_lost_at_most() {
    let _precompiles = deploy_precompiles();
    for (rate, expected) in [
        (1, 0),
        (ONE, 3 * VALUE),
        (TWO, 6 * VALUE),
        (4_000 * ONE, 10 * ONE),
        ((1 << 72) - 1, 10 * ONE),
    ] {
        let it = staked();
        bad_epochs(&it, 0..3);
        advance_time(4_200);
        let verdicts = it.advance(3, rate).unwrap();
        let slashed: Vec<_> = verdicts.iter().map(|it| it.slashed).collect();
        assert_eq!(slashed, [0, 0, expected], "{rate}");
        assert_eq!(it.staked(), 100 * ONE - expected);
        assert_eq!((it.below(), verdicts[2].rate), (0, Some(0)));
        // All of it is the treasury's: nobody is rewarded.
        let treasury = it.stake_token.sender(OWNER).balance(TREASURY);
        assert_eq!(treasury, w(expected));
        assert_eq!(it.stake_token.sender(OWNER).balance(THIRD), n(0));
        // And what was missed is settled with it.
        let (_, _, treasury, pending) = it.books();
        assert_eq!((treasury, pending), (3 * VALUE, 0));
    }
}

#[test]
fn an_epoch_is_judged_when_all_is_known_of_it() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    bad_epochs(&it, 0..1);
    advance_time(4_199);
    let [from, until] = [it.first, it.first + 1].map(U256::from);
    let next = from;
    let error = NotToBeJudged { from, until, next };
    assert_eq!(it.advance(1, ONE), Err(error.into()));
    assert_eq!((it.below(), it.books().2), (0, 0));
    advance_time(1);
    it.advance(1, ONE).unwrap();
    assert_eq!((it.below(), it.books().2), (1, VALUE));
    // The next one has not waited yet.
    assert!(it.advance(1, ONE).is_err());
}

/// Bad is less counted than missed; as much is good.
#[test]
fn the_threshold_is_what_was_missed() {
    let _precompiles = deploy_precompiles();
    for (more, is_bad) in [(0, false), (1, true)] {
        let it = staked();
        // From the last second of an epoch until that of the next one 300 s of work: 299 of them in the latter.
        advance_time(299);
        pay(&it, 1);
        advance_time(298);
        it.miss(1, 299 * UNIT + more, VALUE);
        pay(&it, 1 + 300 * UNIT);
        let epoch = to_epoch(timestamp());
        assert_eq!((epoch, timestamp() % 300), (it.first + 1, 299));
        to_next_epoch();
        advance_time(4_200);
        assert_eq!(counted(&it, epoch), (true, 299 * UNIT));
        it.advance(2, ONE).unwrap();
        assert_eq!(it.below(), u32::from(is_bad));
    }
}

/// A good epoch ends the row; what is paid at once for several epochs counts in each of them.
#[test]
fn what_was_paid_outweighs_what_was_missed() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    pay(&it, 1);
    to_next_epoch();
    bad_epochs(&it, 0..3);
    pay(&it, 1 + 4 * WORK);
    advance_time(4_200);
    it.advance(4, ONE).unwrap();
    assert_eq!((it.below(), it.staked()), (0, 100 * ONE));
    for epoch in 1..4 {
        assert_eq!(counted(&it, it.first + epoch), (true, WORK));
    }
}

/// What is redeemed later than 4200 s after an epoch's end does not help in it; what is redeemed before does.
#[test]
fn what_is_redeemed_late_does_not_help() {
    let _precompiles = deploy_precompiles();
    for (wait, helps) in [(4_199, true), (4_200, false)] {
        let it = staked();
        pay(&it, 1);
        let begin = timestamp();
        to_next_epoch();
        it.miss(1, WORK, VALUE);
        to_next_epoch();
        advance_time(wait);
        let length = u128::from(timestamp() - begin);
        // Two missed works for every 300 s.
        pay(&it, 1 + 2 * WORK * length / 300);
        advance_time(4_200 - wait);
        it.advance(2, ONE).unwrap();
        assert_eq!(it.below(), u32::from(!helps), "{wait}");
        let (_, work) = counted(&it, it.first + 1);
        assert_eq!(work > 0, helps);
    }
}

/// Judged at once or a week later, one by one or together: the same.
#[test]
fn the_verdict_does_not_depend_on_who_comes_when() {
    let _precompiles = deploy_precompiles();
    let courts = [0, 1, 2].map(|_| staked());
    let begin = timestamp();
    let courts = courts.map(|it| Court {
        first: to_epoch(begin),
        ..it
    });
    for (place, it) in courts.iter().enumerate() {
        set_timestamp(begin);
        pay(it, 1);
        bad_epochs(it, 0..2);
        to_next_epoch();
        bad_epochs(it, 2..3);
        let early = place == 0;
        for _ in 0..4 {
            // Each as soon as it can be.
            if early {
                let until = (u64::from(it.next()) + 15) * 300;
                advance_time(until.saturating_sub(timestamp()));
                it.advance(1, ONE).unwrap();
            }
        }
        // Later much is paid.
        set_timestamp(begin + 9_000);
        pay(it, 1 + 1_000 * WORK);
        match place {
            0 => {}
            1 => {
                it.advance(4, ONE).unwrap();
            }
            _ => {
                advance_time(7 * 86_400);
                it.advance(4, ONE).unwrap();
            }
        }
    }
    let ends = courts.map(|it| (it.staked(), it.below(), it.books().2));
    assert_eq!(ends[0], (100 * ONE - 3 * VALUE, 0, 3 * VALUE));
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}

/// An epoch in which nothing was missed and nothing paid is neither good nor bad: waiting does not end the row.
#[test]
fn an_idle_epoch_leaves_the_row_as_it_is() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    bad_epochs(&it, 0..2);
    to_next_epoch();
    bad_epochs(&it, 2..3);
    advance_time(4_200);
    it.advance(3, ONE).unwrap();
    assert_eq!(it.below(), 2);
    it.advance(1, ONE).unwrap();
    assert_eq!(it.staked(), 100 * ONE - 3 * VALUE);
}

/// After 64 more epochs with counts nobody knows what counted in an old one: it is neither good nor bad.
#[test]
fn what_nobody_knows_any_more_counts_neither_way() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    bad_epochs(&it, 0..2);
    advance_time(4_200);
    it.advance(2, ONE).unwrap();
    to_next_epoch();
    let epoch = to_epoch(timestamp());
    bad_epochs(&it, 2..3);
    let first = to_epoch(timestamp());
    for number in 0..=64_u128 {
        assert!(counted(&it, epoch).0, "{number}");
        assert!(counted(&it, first).0, "{number}");
        // Often in one epoch is once.
        pay(&it, 2 * number + 1);
        pay(&it, 2 * number + 2);
        to_next_epoch();
    }
    assert!(counted(&it, first + 1).0);
    pay(&it, 999);
    assert!(!counted(&it, epoch).0);
    let skipped = (epoch - it.next()) as usize;
    it.advance(skipped, ONE).unwrap();
    assert_eq!(it.below(), 2);
    it.advance(1, ONE).unwrap();
    // Settled all the same.
    assert_eq!((it.below(), it.books().2), (2, 3 * VALUE));
}

/// Who leaves is judged for what it had accepted.
#[test]
fn a_sink_that_has_left_is_judged() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    it.market.serve(sink(), 0);
    to_next_epoch();
    to_next_epoch();
    bad_epochs(&it, 0..3);
    advance_time(4_200);
    // Nothing but its misses says that there is anything to judge.
    let end = U256::from(to_epoch(timestamp()) - 14);
    let view = it.judge.sender(THIRD);
    let span = view.get_span(CODE, sink(), U256::from(it.first), n(0), n(0), end);
    let (next, from, until) = span.motsu_unwrap();
    let expected = [it.first, it.first + 2, it.first + 5].map(U256::from);
    assert_eq!([next, from, until], expected);
    // It waits for those that have not ended long enough ago.
    let span = view.get_span(CODE, sink(), U256::from(it.first), n(0), n(0), expected[1]);
    assert_eq!(span.motsu_unwrap().2, expected[1]);
    it.tell(it.first, &[by_misses(ONE); 5]).unwrap();
    assert_eq!(it.staked(), 100 * ONE - 3 * VALUE);
}

/// Epochs by misses and by another yardstick are no row together: each slash has its own bound.
#[test]
fn yardsticks_are_not_counted_together() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    bad_epochs(&it, 0..2);
    advance_time(4_200);
    it.advance(2, ONE).unwrap();
    assert_eq!(it.below(), 2);
    let assigned = EpochRecord {
        yardstick: ASSIGNED,
        weight: UNIT,
        accepted: UNIT,
        assigned: 1,
        ..EpochRecord::default()
    };
    it.tell(it.next(), &[assigned]).unwrap();
    assert_eq!(it.below(), 1);
    it.tell(it.next(), &[assigned]).unwrap();
    assert_eq!(it.below(), 2);
    let epoch = to_epoch(timestamp());
    bad_epochs(&it, 2..3);
    advance_time(4_200);
    let none = EpochRecord {
        yardstick: NONE,
        ..EpochRecord::default()
    };
    let idle = (epoch - it.next()) as usize;
    it.tell(it.next(), &vec![none; idle]).unwrap();
    it.advance(1, ONE).unwrap();
    assert_eq!((it.below(), it.staked()), (1, 100 * ONE));
}

/// Three honest hours at full use, and a source that has a part of its tasks missed all the time: less than half, no slash.
#[test]
fn an_honest_sink_is_not_ground_down() {
    let _precompiles = deploy_precompiles();
    let it = staked();
    let mut paid = 0;
    for number in 0..36 {
        it.miss(number, 100 * UNIT, VALUE);
        advance_time(290);
        paid += 101 * UNIT;
        pay(&it, paid);
        to_next_epoch();
    }
    advance_time(4_200);
    it.advance(36, 4_000 * ONE).unwrap();
    assert_eq!(it.staked(), 100 * ONE);
    // What that cost its source.
    assert_eq!(it.books().2, 36 * VALUE);
}
