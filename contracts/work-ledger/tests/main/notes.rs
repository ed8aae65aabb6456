//! WorkLedger on motsu, with the real OverflowMeter: what is noted, what is attributed, and who may.

use crate::world::*;

/// Wei per second.
const RATE: u128 = 4_000_000_000_000_000;
/// What of it reaches the escrow in a second where half of a pool overflows: a note deducts a wei for each of its units.
const PAID: u128 = RATE / 2 - UNITS as u128;

// --- Construction

#[motsu::test]
fn constructor_links_what_it_is_given() {
    let world = World::new();
    let it = world.ledger.sender(ALICE);
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.escrow_buffer(), world.escrow.address());
    assert_eq!(it.overflow_meter(), world.meter.address());
    assert_eq!(it.gda(), world.gda.address());
    assert_eq!(it.super_token(), world.escrow.address());
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::unconstructed();
    let [pools, registry, escrow] = [
        world.pools.address(),
        world.registry.address(),
        world.escrow.address(),
    ];
    let construct = |pools, registry, escrow, owner| {
        let ledger = Contract::<WorkLedger>::new();
        let it = ledger.sender(OWNER);
        let mut it = it;
        it.constructor(pools, registry, escrow, owner).motsu_res()
    };
    let no_contract = |account| Err(NotAContract { account }.into());
    assert_eq!(
        construct(ALICE, registry, escrow, OWNER),
        no_contract(ALICE)
    );
    assert_eq!(construct(pools, BOB, escrow, OWNER), no_contract(BOB));
    assert_eq!(construct(pools, registry, CAROL, OWNER), no_contract(CAROL));
    let owner = Address::ZERO;
    let no_owner = Error::Ownable(OwnableInvalidOwner { owner }.into());
    assert_eq!(construct(pools, registry, escrow, owner), Err(no_owner));
    // A contract that is no pool, and one without a meter.
    assert!(matches!(
        construct(registry, registry, escrow, OWNER),
        Err(Error::Revert(_))
    ));
    world.wire(Address::ZERO);
    let no_meter = Err(NoOverflowMeter { pool: pools }.into());
    assert_eq!(construct(pools, registry, escrow, OWNER), no_meter);
}

/// Once, since another one could take the money of task types by work.
#[motsu::test]
fn the_owner_sets_the_reserve_once() {
    let world = World::new();
    let set = |who: Address, reserve: Address| {
        let ledger = world.ledger.sender(who);
        let mut ledger = ledger;
        ledger.set_work_reserve(reserve).motsu_res()
    };
    let reserve = world.escrow.address();
    let account = ALICE;
    let not_owner = Error::Ownable(ownable::OwnableUnauthorizedAccount { account }.into());
    assert_eq!(set(ALICE, reserve), Err(not_owner));
    assert_eq!(set(OWNER, ALICE), Err(NotAContract { account }.into()));
    // It is of no ledger, of another one, or no reserve at all.
    let foreign = || Err(ForeignReserve { reserve }.into());
    assert_eq!(set(OWNER, reserve), foreign());
    let link = |ledger| world.escrow.sender(OWNER).set_links(ledger, Address::ZERO);
    link(BOB);
    assert_eq!(set(OWNER, reserve), foreign());
    let none = set(OWNER, world.registry.address());
    assert!(matches!(none, Err(Error::Revert(_))));
    link(world.ledger.address());
    assert_eq!(set(OWNER, reserve), Ok(()));
    world.ledger.assert_emitted(&WorkReserveSet {
        workReserve: reserve,
    });
    assert_eq!(world.ledger.sender(BOB).work_reserve(), reserve);
    let again = set(OWNER, reserve);
    assert_eq!(again, Err(WorkReserveAlreadySet {}.into()));
}

// --- Notes

#[motsu::test]
fn a_note_is_rate_by_index_less_a_wei_per_unit_and_second() {
    let world = World::new();
    assert_eq!(world.units(), (UNITS.into(), u128::from(UNITS) * 2));
    world.stream(ALICE, RATE);
    advance_time(5);
    // The first only begins to count.
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 0);
    advance_time(10);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 10 * PAID);
    world.ledger.assert_emitted(&Noted {
        taskTypeId: CODE,
        source: ALICE,
        amount: U256::from(10 * PAID),
        total: U256::from(10 * PAID),
    });
    let at = world.ledger.sender(BOB).get_noted(CODE, ALICE).1;
    assert_eq!(at, n(timestamp()));
    // Twice in a second is once.
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 10 * PAID);
    // The split changes in between: each second counts by the one it had.
    advance_time(3);
    world.split(100);
    assert_eq!(world.units(), (1, u128::from(UNITS) + 1));
    advance_time(3);
    world.note(ALICE);
    let later = 3 * RATE / (u128::from(UNITS) + 1);
    let noted = world.noted(ALICE);
    assert!(noted.abs_diff(13 * PAID + later) <= 10, "{noted}");
    assert_eq!(world.noted(BOB), 0);
}

#[motsu::test]
fn a_flow_that_changed_since_the_last_note_counts_nothing() {
    let world = World::new();
    world.stream(ALICE, RATE);
    world.note(ALICE);
    advance_time(10);
    // For a moment it is huge.
    world.stream(ALICE, RATE * 1_000_000);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 0);
    // Noted in the second of the change: from then on it counts.
    world.stream(ALICE, RATE);
    advance_time(10);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 10 * PAID);
    // As the macro does it, nothing is lost.
    advance_time(10);
    world.restream(ALICE, RATE * 3);
    advance_time(10);
    world.restream(ALICE, 0);
    advance_time(10);
    world.note(ALICE);
    let tripled = 10 * (PAID * 3 + 2 * u128::from(UNITS));
    assert_eq!(world.noted(ALICE), 20 * PAID + tripled);
}

#[motsu::test]
fn a_stream_too_small_for_the_units_is_nothing() {
    let world = World::new();
    world.restream(ALICE, u128::from(UNITS));
    advance_time(1_000);
    world.note(ALICE);
    assert_eq!((world.noted(ALICE), world.due(ALICE)), (0, 0));
}

#[motsu::test]
fn by_work_a_note_counts_since_the_flow_changed() {
    let world = World::by_work();
    // Before the pool has units at all.
    world.stream(ALICE, RATE);
    advance_time(100);
    assert!(world.cut(0));
    advance_time(50);
    world.note(ALICE);
    let paid = |seconds: u128, bps: u128| (RATE - 10_000) * seconds * bps / 10_000;
    assert_eq!(world.noted(ALICE), paid(50, 10_000));
    // Nobody noted before the rate changed: what went before is lost, what comes after is not.
    advance_time(50);
    world.stream(ALICE, RATE * 2);
    advance_time(25);
    world.stream(ALICE, RATE);
    advance_time(25);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), paid(75, 10_000));
    // Within an hour of the last change there is no other.
    assert!(!world.cut(500));
    advance_time(3_450);
    assert!(world.cut(500));
    advance_time(10);
    world.note(ALICE);
    assert_eq!(
        world.noted(ALICE),
        paid(75 + 3_450, 10_000) + paid(10, 9_500)
    );
    // Found by search, in the middle of a stretch.
    let mut expected = world.noted(ALICE);
    for fee in [1_000, 0, 250] {
        advance_time(3_600);
        assert!(world.cut(fee));
    }
    advance_time(100);
    world.stream(BOB, RATE);
    advance_time(3_600);
    assert!(world.cut(10));
    advance_time(7);
    world.note(BOB);
    assert_eq!(
        world.noted(BOB),
        (RATE - 10_000) * (3_600 * 9_750 + 7 * 9_990) / 10_000
    );
    world.note(ALICE);
    let seconds = 3_590 * 9_500 + 3_600 * 9_000 + 3_600 * 10_000 + 3_700 * 9_750 + 7 * 9_990;
    // The first hour of it was the rest of the one that begun with the note.
    expected += (RATE - 10_000) * (seconds + 10 * 9_500) / 10_000;
    assert_eq!(world.noted(ALICE), expected);
}

#[motsu::test]
fn by_work_a_rate_below_the_units_is_nothing() {
    let world = World::by_work();
    assert!(world.cut(0));
    world.stream(ALICE, 10_000);
    advance_time(1_000);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 0);
    world.stream(ALICE, 10_001);
    advance_time(1_000);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 1_000);
}

#[motsu::test]
fn a_note_never_fails() {
    let world = World::unconstructed();
    world.pools.sender(OWNER).set_pool(Address::ZERO);
    world.construct().unwrap();
    // Without a pool.
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 0);
    world.pools.sender(OWNER).set_pool(world.pool.address());
    world.split(50);
    world.restream(ALICE, RATE);
    advance_time(10);
    // Without an answer of Superfluid's nothing is noted, and nothing is lost.
    world.gda.sender(OWNER).set_refuses(true);
    world.note(ALICE);
    assert_eq!(world.attribute(ALICE, u128::MAX, 0), 0);
    assert_eq!(world.noted(ALICE), 0);
    world.gda.sender(OWNER).set_refuses(false);
    advance_time(10);
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 20 * PAID);
}

#[motsu::test]
fn a_note_never_fails_for_neighbours_that_are_none() {
    let world = World::unconstructed();
    // Meter and agreement are contracts that know no such question.
    let (registry, token) = (world.registry.address(), world.escrow.address());
    world
        .pools
        .sender(OWNER)
        .wire(token, registry, token, token);
    world.construct().unwrap();
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 0);
    world.shrink(10, 5);
    world.shrink(5, 0);
    assert_eq!(world.attribute(ALICE, 100, 0), 0);
}

// --- Parts

#[motsu::test]
fn only_the_escrow_attributes() {
    let world = World::new();
    let caller = ALICE;
    let refused = || UnauthorizedCaller { caller }.into();
    let attribute = world
        .ledger
        .sender(ALICE)
        .attribute(CODE, ALICE, n(9), n(0));
    assert_eq!(attribute.motsu_res(), Err(refused()));
    let shrink = world.ledger.sender(ALICE).shrink(CODE, n(9), n(1));
    assert_eq!(shrink.motsu_res(), Err(refused()));
}

#[motsu::test]
fn what_was_paid_is_attributed_once() {
    let world = World::new();
    world.restream(ALICE, RATE);
    advance_time(10);
    // Noted by the attribution itself. What is not there stays due, and so does what is less than the minimum.
    assert_eq!(world.attribute(ALICE, 4 * PAID, 4 * PAID + 1), 0);
    assert_eq!(
        (world.noted(ALICE), world.due(ALICE)),
        (10 * PAID, 10 * PAID)
    );
    assert_eq!(world.attribute(ALICE, 4 * PAID, 4 * PAID), 4 * PAID);
    assert_eq!(world.due(ALICE), 6 * PAID);
    assert_eq!(world.attribute(ALICE, u128::MAX, 0), 6 * PAID);
    assert_eq!(world.attribute(ALICE, u128::MAX, 0), 0);
    assert_eq!(world.attribute(BOB, u128::MAX, 0), 0);
    advance_time(1);
    assert_eq!(world.attribute(ALICE, u128::MAX, PAID + 1), 0);
    advance_time(1);
    assert_eq!(world.attribute(ALICE, u128::MAX, PAID + 1), 2 * PAID);
}

#[motsu::test]
fn all_parts_shrink_alike() {
    let world = World::new();
    world.restream(ALICE, RATE);
    world.restream(BOB, RATE);
    advance_time(40);
    world.restream(BOB, 0);
    world.note(ALICE);
    world.shrink(80 * PAID, 20 * PAID);
    assert_eq!((world.due(ALICE), world.due(BOB)), (10 * PAID, 10 * PAID));
    assert_eq!(world.attribute(BOB, 20 * PAID, 0), 10 * PAID);
    // What is paid from now on has not shrunk, by whomever, as long as it is noted.
    world.restream(BOB, RATE);
    world.note(ALICE);
    advance_time(10);
    world.note(ALICE);
    world.note(BOB);
    assert_eq!((world.due(ALICE), world.due(BOB)), (20 * PAID, 10 * PAID));
    world.shrink(30 * PAID, 15 * PAID);
    assert_eq!((world.due(ALICE), world.due(BOB)), (10 * PAID, 5 * PAID));
}

#[motsu::test]
fn once_all_was_drained_parts_begin_with_what_is_paid_from_then_on() {
    let world = World::new();
    world.restream(ALICE, RATE);
    world.restream(BOB, RATE);
    advance_time(10);
    world.note(BOB);
    world.shrink(20 * PAID, 0);
    assert_eq!((world.due(ALICE), world.due(BOB)), (0, 0));
    advance_time(5);
    // Alice's note spans the drain: of it only what came after counts, less a wei for rounding.
    world.note(ALICE);
    assert_eq!(world.noted(ALICE), 15 * PAID);
    assert_eq!(world.due(ALICE), 5 * PAID - 1);
    world.note(BOB);
    assert_eq!(world.due(BOB), 5 * PAID - 1);
    // Nothing left of it, however often it happens.
    world.shrink(1, 0);
    world.shrink(1, 0);
    advance_time(5);
    assert_eq!(world.attribute(ALICE, u128::MAX, 0), 5 * PAID - 1);
    assert_eq!(world.attribute(BOB, u128::MAX, 0), 5 * PAID - 1);
}

#[motsu::test]
fn a_scale_without_digits_ends_all_parts() {
    let world = World::new();
    world.restream(ALICE, RATE);
    advance_time(1_000);
    world.note(ALICE);
    world.shrink(1_000_000_000, 1);
    assert_eq!(world.due(ALICE), 1_000 * PAID / 1_000_000_000);
    world.shrink(10, 9);
    assert_eq!(world.due(ALICE), 0);
}

// --- Attacks

/// A source kept its notes back, had its empty part begin anew after a drain, and then noted: what it had paid before the
/// drain counted in full, at the cost of those whose part had shrunk.
#[motsu::test]
fn what_was_paid_before_a_drain_shrinks_whoever_notes_when() {
    let world = World::new();
    world.restream(ALICE, RATE);
    world.restream(BOB, RATE);
    advance_time(50);
    world.note(ALICE);
    // Half of all that was paid drains.
    world.shrink(100 * PAID, 50 * PAID);
    world.attribute(BOB, 50 * PAID, u128::MAX);
    let bobs = world.attribute(BOB, 50 * PAID, 0);
    world.note(BOB);
    assert_eq!(world.due(ALICE), 25 * PAID);
    assert_eq!(bobs + world.due(BOB), 25 * PAID);
    assert_eq!(world.attribute(ALICE, 50 * PAID - bobs, 0), 25 * PAID);
}

/// The same, from a part that was attributed in part.
#[motsu::test]
fn a_part_cannot_be_renewed_below_payments_of_before() {
    let world = World::new();
    world.restream(ALICE, RATE);
    world.restream(BOB, RATE);
    advance_time(10);
    world.note(BOB);
    advance_time(40);
    world.note(ALICE);
    world.shrink(100 * PAID, 10 * PAID);
    let bobs = world.attribute(BOB, 10 * PAID, 0);
    assert_eq!(bobs, 5 * PAID);
    world.note(BOB);
    assert_eq!(world.due(BOB), 0);
    assert_eq!(world.attribute(ALICE, 10 * PAID - bobs, 0), 5 * PAID);
}

/// A sink looks at what is pending before it works; of a new task type nobody has noted anything yet.
#[motsu::test]
fn what_is_pending_is_told_before_the_first_note_of_a_task_type() {
    let world = World::by_work();
    assert!(world.cut(10));
    world.stream(ALICE, 30_000);
    advance_time(7);
    let pending = || world.ledger.sender(CAROL).get_pending(CODE, ALICE);
    assert_eq!(pending(), n(20_000 * 9_990 * 7 / 10_000));
    let told = pending();
    world.note(ALICE);
    assert_eq!(world.ledger.sender(CAROL).get_paid(CODE, ALICE), told);
    assert_eq!(pending(), n(0));
    // By capacity nothing is, noted or not.
    let world = World::new();
    world.stream(ALICE, 1_000_000_000_000);
    advance_time(7);
    assert_eq!(world.ledger.sender(CAROL).get_pending(CODE, ALICE), n(0));
}
