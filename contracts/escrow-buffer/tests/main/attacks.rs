//! Attacks on the queue and on rounds, each of which gained something, or froze something, by earlier rules.

use crate::world::*;

impl World {
    /// Pages of one sink, until nothing more drains.
    fn drain_one_by_one(&self) {
        // Shares round down.
        while self.level() > n(2) {
            self.drain_sinks(1).unwrap();
        }
    }

    fn balances_of(&self, sinks: &[Address]) -> Vec<U256> {
        sinks.iter().map(|sink| self.balance(*sink)).collect()
    }
}

/// A sink that had one of its own leave took that one's place, which was weighed already: not weighed itself, it was paid more
/// than its share, and the last were paid nothing.
#[motsu::test]
fn nobody_is_paid_who_was_not_weighed() {
    let world = World::new();
    let sinks = world.many_sinks(4);
    let [dummy, first, second, big] = [0, 1, 2, 3].map(|place| sinks[place]);
    world.set_sinks(CODE, &[(dummy, 1), (first, 1), (second, 1), (big, 2)]);
    world.deposit(ALICE, tokens(4));
    world.drain_sinks(1).unwrap();
    world.set_sinks(CODE, &[(big, 2), (first, 1), (second, 1)]);
    world.drain_one_by_one();
    assert_eq!(world.balances_of(&sinks), [n(0), ONE, ONE, tokens(2)]);
}

/// One that leaves while a round pays moved the last sink to a page that was done, and had it miss the round.
#[motsu::test]
fn nobody_is_passed_over_because_another_leaves() {
    let world = World::new();
    let sinks = world.many_sinks(4);
    world.deposit(ALICE, tokens(4));
    // Weighed are all; the first page is paid.
    for _ in 0..5 {
        world.drain_sinks(1).unwrap();
    }
    let list = [sinks[3], sinks[1], sinks[2]].map(|sink| (sink, 1));
    world.set_sinks(CODE, &list);
    for _ in 0..3 {
        world.drain_sinks(1).unwrap();
    }
    assert_eq!(world.balances_of(&sinks), [n(0), ONE, ONE, ONE]);
    // Whoever comes while a round is open was not weighed.
    world.deposit(ALICE, tokens(2));
    world.drain_sinks(1).unwrap();
    let list = [sinks[3], sinks[1], sinks[2], sinks[0]].map(|sink| (sink, 1));
    world.set_sinks(CODE, &list);
    world.drain_one_by_one();
    assert_eq!(
        world.balances_of(&sinks),
        [n(0), tokens(2), tokens(2), tokens(2)]
    );
}

/// A sink weighed twice, because it left and came back, made all others' shares smaller.
#[motsu::test]
fn nobody_is_weighed_twice() {
    let world = World::new();
    let sinks = world.many_sinks(3);
    world.deposit(ALICE, tokens(3));
    world.drain_sinks(1).unwrap();
    // The last, which is weighed, takes the place of the first.
    let list = [sinks[2], sinks[1]].map(|sink| (sink, 1));
    world.set_sinks(CODE, &list);
    world.drain_one_by_one();
    let half = tokens(3) / n(2);
    assert_eq!(world.balances_of(&sinks), [n(0), half, half]);
}

/// A round that was begun and not weighed to its end paid all that came in later for what had been served before it began.
#[motsu::test]
fn a_round_that_nobody_weighs_begins_anew() {
    let world = World::new();
    let sinks = world.many_sinks(3);
    let start = timestamp();
    world.set_sinks(CODE, &[(sinks[0], 1), (sinks[1], 1)]);
    world.deposit(ALICE, tokens(2));
    world.drain_sinks(1).unwrap();
    world.set_sinks_since(
        CODE,
        &[(sinks[0], 1, start - 4 * 3_600), (sinks[2], 1, start)],
    );
    advance_time(DAY);
    world.deposit(ALICE, tokens(2));
    world.drain_one_by_one();
    // The first has served four hours more than the last's day.
    let paid = world.balances_of(&sinks);
    assert_eq!(paid[0] + paid[2] + world.level(), tokens(4));
    assert!(paid[2] > ONE, "{paid:?}");
    // What was served while a round was weighed counts in the next.
    world.deposit(ALICE, tokens(2));
    world.drain_sinks(1).unwrap();
    advance_time(3 * 3_600);
    for _ in 0..3 {
        world.drain_sinks(1).unwrap();
    }
    let before = world.balance(sinks[2]);
    world.set_sinks_since(CODE, &[(sinks[1], 1, timestamp()), (sinks[2], 1, start)]);
    advance_time(DAY);
    world.deposit(ALICE, tokens(27));
    world.drain().unwrap();
    assert_eq!(world.balance(sinks[2]) - before, tokens(27) * n(27) / n(51));
}

/// Whoever deposited next to nothing from thousands of accounts while a round was paying had it go through all of them before
/// what is nobody's: no page could be paid any more, and nothing reclaimed, for ever.
#[motsu::test]
fn a_round_passes_no_more_deposits_than_it_counts_on() {
    let world = World::new();
    let sinks = world.many_sinks(2);
    world.deposit(ALICE, tokens(2));
    world.overflow(&[(BOB, tokens(8))], tokens(8));
    world.sync().unwrap();
    world.drain_sinks(1).unwrap();
    world.drain_sinks(1).unwrap();
    // Nor can it be made deposits of.
    assert_eq!(world.attribute(&[BOB]), Err(RoundOpen {}.into()));
    for place in 0..100_u64 {
        let source = Address::left_padding_from(&(0x2_0000 + place).to_be_bytes());
        world.token.sender(OWNER).mint(source, n(9));
        world.deposit(source, n(9));
    }
    world.drain_sinks(1).unwrap();
    let head = world.bounds().0;
    assert!(head <= n(32), "{head}");
    world.drain_sinks(1).unwrap();
    let head = world.bounds().0;
    assert!(head <= n(64), "{head}");
    assert_eq!(world.balances_of(&sinks), [tokens(5), tokens(5)]);
    // What was taken of the deposits made since is left of what is nobody's.
    assert_eq!(world.level(), n(900));
    assert!(world.unattributed() < n(900));
    assert_eq!(world.liabilities(), (n(900), n(0)));
}

/// What had overflowed and was not booked yet shrank as if it had been drained, too: whoever booked one wei and drained it
/// made all of it nobody's.
#[motsu::test]
fn what_is_not_booked_yet_is_not_drained_with_what_is() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(8))], tokens(8));
    world.sync().unwrap();
    world.price(n(0));
    world.drain().unwrap();
    world.overflow(&[(BOB, tokens(24))], tokens(24));
    world.price(tokens(8));
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(2), tokens(6)));
    assert_eq!(
        (world.unattributed(), world.level()),
        (tokens(24), tokens(24))
    );
    assert_eq!((world.due(ALICE), world.due(BOB)), (tokens(6), tokens(18)));
    assert_eq!(world.attribute(&[BOB, ALICE]), Ok(tokens(24)));
}
