//! EscrowBuffer on motsu: its functions, errors, events and access rules. What InsufficientGas is about, and re-entry, only
//! the devnet can show.

use crate::world::*;

// --- Construction and wiring

#[motsu::test]
fn constructor_sets_what_it_is_given() {
    let world = World::unconnected();
    let mut it = world.escrow.sender(ALICE);
    assert_eq!(it.token(), world.token.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.reclaim_timeout(), n(DAY));
    assert_eq!(it.backpressure_pool(), Address::ZERO);
    assert_eq!(it.work_ledger(), Address::ZERO);
    assert_eq!(it.get_liabilities(), (n(0), n(0)));
    assert_eq!(ownable_of(&mut it).owner(), OWNER);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let escrow = Contract::<EscrowBuffer>::new();
    let (token, registry) = (Contract::<Token>::new(), Contract::<Registry>::new());
    let construct = |token: Address, registry: Address, owner: Address| {
        escrow
            .sender(ALICE)
            .constructor(token, registry, owner)
            .motsu_res()
    };
    let (token, registry) = (token.address(), registry.address());
    let no_contract = |account| Err(NotAContract { account }.into());
    assert_eq!(construct(ALICE, registry, OWNER), no_contract(ALICE));
    assert_eq!(construct(token, BOB, OWNER), no_contract(BOB));
    let owner = Address::ZERO;
    let no_owner = Error::Ownable(OwnableInvalidOwner { owner }.into());
    assert_eq!(construct(token, registry, owner), Err(no_owner));
}

#[motsu::test]
fn neighbours_are_connected_once() {
    let world = World::unconnected();
    let (pools, ledger) = (world.pools.address(), world.ledger.address());
    let connect = |pool: Address, ledger: Address| {
        world.escrow.sender(OWNER).connect(pool, ledger).motsu_res()
    };
    let no_contract = |account| Err(NotAContract { account }.into());
    assert_eq!(connect(ALICE, ledger), no_contract(ALICE));
    assert_eq!(connect(pools, ALICE), no_contract(ALICE));
    // A contract that is no pool, and a pool without a meter.
    assert!(matches!(
        connect(world.registry.address(), ledger),
        Err(Error::Revert(_))
    ));
    let bare = Contract::<Pools>::new();
    let no_meter = no_contract(Address::ZERO);
    assert_eq!(connect(bare.address(), ledger), no_meter);
    assert_eq!(connect(pools, ledger), Ok(()));
    world.escrow.assert_emitted(&Connected {
        backpressurePool: pools,
        workLedger: ledger,
    });
    assert_eq!(world.escrow.sender(ALICE).backpressure_pool(), pools);
    assert_eq!(world.escrow.sender(ALICE).work_ledger(), ledger);
    assert_eq!(connect(ledger, pools), Err(AlreadyConnected {}.into()));
    assert_eq!(connect(pools, ledger), Err(AlreadyConnected {}.into()));
}

#[motsu::test]
fn only_the_owner_sets_things() {
    let world = World::unconnected();
    let (pools, ledger) = (world.pools.address(), world.ledger.address());
    let account = ALICE;
    let refused = || {
        Err(Error::Ownable(ownable::Error::Unauthorized(
            OwnableUnauthorizedAccount { account },
        )))
    };
    let it = world.escrow.sender(ALICE).connect(pools, ledger);
    assert_eq!(it.motsu_res(), refused());
    let it = world.escrow.sender(ALICE).set_buffer_max(CODE, ONE);
    assert_eq!(it.motsu_res(), refused());
    let it = world.escrow.sender(ALICE).set_reclaim_timeout(n(DAY));
    assert_eq!(it.motsu_res(), refused());
}

#[motsu::test]
fn a_plain_token_has_no_connections_to_undo() {
    let world = World::new();
    let undo = world.escrow.sender(ALICE).disconnect(world.pool.address());
    assert_eq!(undo.motsu_res(), Ok(()));
}

// --- Deposits

#[motsu::test]
fn deposits_queue_with_source_and_time() {
    let world = World::new();
    let start = timestamp();
    world.deposit(ALICE, tokens(10));
    world.escrow.assert_emitted(&Deposited {
        taskTypeId: CODE,
        source: ALICE,
        amount: tokens(10),
    });
    world.escrow.assert_emitted(&PressureChanged {
        taskTypeId: CODE,
        newPressure: n(0),
        timestamp: n(start),
    });
    advance_time(7);
    world.deposit(BOB, tokens(5));
    assert_eq!(world.bounds(), (n(0), n(2)));
    assert_eq!(world.at(0), (ALICE, tokens(10), n(start), n(start + DAY)));
    let second = start + 7;
    assert_eq!(world.at(1), (BOB, tokens(5), n(second), n(second + DAY)));
    assert_eq!(world.at(2), NOTHING);
    assert_eq!(world.level(), tokens(15));
    assert_eq!(world.held(), tokens(15));
    assert_eq!(world.source_level(ALICE), tokens(10));
    assert_eq!(world.source_level(BOB), tokens(5));
    assert_eq!(world.unattributed(), n(0));
    assert_eq!(world.liabilities(), (tokens(15), n(0)));
    // Of another task type, nothing.
    assert_eq!(world.escrow.sender(BOB).buffer_level(CHAT), n(0));
    assert_eq!(world.escrow.sender(BOB).queue_bounds(CHAT), (n(0), n(0)));
}

#[motsu::test]
fn deposits_of_a_source_join_within_an_hour_of_the_first() {
    let world = World::new();
    let start = timestamp();
    world.deposit(ALICE, tokens(1));
    world.deposit(BOB, tokens(2));
    advance_time(3_599);
    world.deposit(ALICE, tokens(3));
    assert_eq!(world.bounds(), (n(0), n(2)));
    assert_eq!(world.at(0), (ALICE, tokens(4), n(start), n(start + DAY)));
    assert_eq!(world.source_level(ALICE), tokens(4));
    advance_time(1);
    world.deposit(ALICE, tokens(5));
    assert_eq!(world.bounds(), (n(0), n(3)));
    let third = start + 3_600;
    assert_eq!(world.at(2), (ALICE, tokens(5), n(third), n(third + DAY)));
    assert_eq!(world.source_level(ALICE), tokens(9));
    // Only the last one of the source is joined.
    world.deposit(ALICE, tokens(1));
    assert_eq!(world.at(2).1, tokens(6));
    assert_eq!(world.level(), tokens(12));
}

#[motsu::test]
fn nothing_joins_a_deposit_that_drained() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    world.deposit(ALICE, tokens(8));
    assert_eq!(world.bounds(), (n(1), n(2)));
    assert_eq!(world.at(0), NOTHING);
    assert_eq!(world.at(1).1, tokens(8));
}

#[motsu::test]
fn deposit_refuses_nothing_and_nowhere() {
    let world = World::new();
    assert_eq!(world.try_deposit(ALICE, n(0)), Err(ZeroAmount {}.into()));
    let nowhere = world.escrow.sender(ALICE).deposit(NOWHERE, ONE);
    assert_eq!(nowhere.motsu_res(), Err(TaskTypeDoesNotExist {}.into()));
    assert_eq!(world.held(), n(0));
}

#[motsu::test]
fn deposit_works_before_anything_is_connected() {
    let world = World::unconnected();
    world.deposit(ALICE, tokens(4));
    assert_eq!(world.level(), tokens(4));
    assert_eq!(world.drain(), nothing_to_drain());
    assert_eq!(world.sync(), Err(PoolDoesNotExist {}.into()));
    world.connect().unwrap();
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(1), tokens(3)));
}

#[motsu::test]
fn a_millionth_of_a_token_is_the_least() {
    let world = World::unconnected();
    let (escrow, token) = (Contract::<EscrowBuffer>::new(), Contract::<Decimal>::new());
    let registry = world.registry.address();
    let construct = escrow
        .sender(OWNER)
        .constructor(token.address(), registry, OWNER);
    construct.motsu_unwrap();
    let minimum = n(1_000_000_000_000);
    let amount = minimum - n(1);
    assert_eq!(
        escrow.sender(ALICE).deposit(CODE, amount).motsu_res(),
        Err(AmountTooSmall { amount, minimum }.into())
    );
    assert_eq!(
        escrow.sender(ALICE).deposit(CODE, minimum).motsu_res(),
        Ok(())
    );
    assert_eq!(escrow.sender(ALICE).buffer_level(CODE), minimum);
}

#[motsu::test]
fn deposit_refuses_more_than_it_can_keep() {
    let world = World::new();
    let largest = (U256::from(1) << 112) - n(1);
    world.token.sender(OWNER).mint(ALICE, largest + n(9));
    world.deposit(ALICE, largest);
    assert_eq!(world.level(), largest);
    let amount = largest + n(2);
    assert_eq!(
        world.try_deposit(ALICE, n(2)),
        Err(AmountTooLarge { amount }.into())
    );
}

#[motsu::test]
fn a_token_creates_no_deposit_out_of_nothing() {
    let world = World::new();
    let token = world.token.address();
    let failed = || Err(Error::Erc20(SafeERC20FailedOperation { token }));
    for behaviour in [
        Behaviour::ReturnsFalse,
        Behaviour::Lies,
        Behaviour::ReturnsTwo,
        Behaviour::ReturnsShort,
        Behaviour::Reverts,
    ] {
        world.behave(behaviour);
        assert_eq!(world.try_deposit(ALICE, ONE), failed(), "{behaviour:?}");
        assert_eq!(world.level(), n(0));
    }
    world.behave(Behaviour::Fee);
    world.deposit(ALICE, tokens(10));
    assert_eq!(world.level(), tokens(9));
    world.behave(Behaviour::Doubles);
    world.deposit(ALICE, tokens(10));
    assert_eq!(world.level(), tokens(19));
}

#[motsu::test]
fn by_work_nothing_queues_and_nothing_drains() {
    let world = World::by_work();
    let refused = || Err(Error::PaidByWork(PaidByWork {}));
    assert_eq!(world.try_deposit(ALICE, ONE), refused());
    assert_eq!(world.drain(), refused());
    world.overflow(&[], tokens(7));
    assert_eq!(world.sync(), Ok(tokens(7)));
    assert_eq!(world.level(), tokens(7));
    assert_eq!(world.unattributed(), n(0));
    assert_eq!(world.attribute(&[ALICE]).map(|_| ()), refused());
    assert_eq!(world.drain(), refused());
    assert_eq!(world.liabilities(), (tokens(7), n(0)));
    assert_eq!(world.held(), tokens(7));
}

// --- Limits and pressure

#[motsu::test]
fn the_limit_is_what_fits() {
    let world = World::new();
    world.set_max(tokens(10));
    world.escrow.assert_emitted(&BufferMaxSet {
        taskTypeId: CODE,
        maxBuffer: tokens(10),
    });
    let (attempted, max) = (tokens(10) + n(1), tokens(10));
    assert_eq!(
        world.try_deposit(ALICE, attempted),
        Err(BufferExceedsMax { attempted, max }.into())
    );
    assert_eq!(world.level(), n(0));
}

#[motsu::test]
fn a_full_buffer_says_so() {
    let world = World::new();
    world.set_max(tokens(10));
    world.deposit(ALICE, tokens(10));
    assert!(world.escrow.sender(BOB).is_full(CODE));
    world.escrow.assert_emitted(&BufferFull {
        taskTypeId: CODE,
        bufferLevel: tokens(10),
    });
    assert_eq!(world.pressure(), ONE);
    assert_eq!(world.escrow.sender(BOB).buffer_max(CODE), tokens(10));
    // Overflow is not refused.
    world.overflow(&[], tokens(5));
    assert_eq!(world.sync(), Ok(tokens(5)));
    assert_eq!(world.pressure(), ONE + ONE / n(2));
    world.set_max(n(0));
    assert_eq!(world.pressure(), n(0));
    assert!(!world.escrow.sender(BOB).is_full(CODE));
    world.deposit(ALICE, tokens(100));
}

#[motsu::test]
fn pressure_is_level_by_limit_rounded_down() {
    let world = World::new();
    world.deposit(ALICE, tokens(1));
    world.set_max(tokens(3));
    assert_eq!(world.pressure(), n(333_333_333_333_333_333));
    world.escrow.assert_emitted(&PressureChanged {
        taskTypeId: CODE,
        newPressure: n(333_333_333_333_333_333),
        timestamp: n(timestamp()),
    });
    let amount = U256::from(1) << 112;
    let set = world.escrow.sender(OWNER).set_buffer_max(CODE, amount);
    assert_eq!(set.motsu_res(), Err(AmountTooLarge { amount }.into()));
}

#[motsu::test]
fn sources_of_a_nearly_full_buffer_should_slow_down() {
    let world = World::new();
    world.set_max(tokens(10));
    let slow = |source: Address| world.escrow.sender(BOB).should_slow_down(CODE, source);
    world.deposit(ALICE, tokens(9) - n(1));
    assert!(!slow(ALICE));
    world.deposit(ALICE, n(1));
    assert!(slow(ALICE) && !slow(BOB));
    world.escrow.assert_emitted(&SlowDown {
        taskTypeId: CODE,
        source: ALICE,
    });
    assert!(!world.escrow.sender(BOB).is_full(CODE));
}

// --- Overflow

#[motsu::test]
fn overflow_is_nobodys_until_it_is_attributed() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(30)), (BOB, tokens(10))], tokens(40));
    assert_eq!(world.sync(), Ok(tokens(40)));
    world.escrow.assert_emitted(&Deposited {
        taskTypeId: CODE,
        source: Address::ZERO,
        amount: tokens(40),
    });
    assert_eq!(world.sync(), Ok(n(0)));
    assert_eq!(world.level(), tokens(40));
    assert_eq!(world.unattributed(), tokens(40));
    assert_eq!(world.bounds(), (n(0), n(0)));
    assert_eq!(world.source_level(ALICE), n(0));
    assert_eq!(world.attribute(&[ALICE, BOB]), Ok(tokens(40)));
    for (source, amount) in [(ALICE, tokens(30)), (BOB, tokens(10))] {
        world.escrow.assert_emitted(&Attributed {
            taskTypeId: CODE,
            source,
            amount,
        });
        assert_eq!(world.source_level(source), amount);
    }
    assert_eq!(world.unattributed(), n(0));
    assert_eq!(world.level(), tokens(40));
    assert_eq!(world.held(), tokens(40));
    assert_eq!((world.at(0).0, world.at(0).1), (ALICE, tokens(30)));
    assert_eq!((world.at(1).0, world.at(1).1), (BOB, tokens(10)));
}

#[motsu::test]
fn a_small_source_cannot_book_what_another_paid() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(39)), (BOB, tokens(1))], tokens(40));
    assert_eq!(world.attribute(&[BOB, BOB, X]), Ok(tokens(1)));
    assert_eq!(world.attribute(&[BOB]), Ok(n(0)));
    assert_eq!(world.source_level(BOB), tokens(1));
    assert_eq!(world.source_level(X), n(0));
    assert_eq!(world.unattributed(), tokens(39));
    assert_eq!(world.attribute(&[ALICE]), Ok(tokens(39)));
    assert_eq!(world.source_level(ALICE), tokens(39));
}

#[motsu::test]
fn no_more_is_attributed_than_is_there() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(30))], tokens(20));
    assert_eq!(world.attribute(&[ALICE]), Ok(tokens(20)));
    assert_eq!(world.unattributed(), n(0));
    assert_eq!(world.level(), tokens(20));
    assert_eq!(world.held(), tokens(20));
}

#[motsu::test]
fn the_unattributed_drains_last_and_all_parts_shrink() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(30)), (BOB, tokens(10))], tokens(40));
    world.sync().unwrap();
    world.deposit(BOB, tokens(12));
    world.price(n(5));
    world.drain().unwrap();
    // What came later, but is somebody's, goes first.
    world.price(tokens(12) + n(5));
    world.drain().unwrap();
    assert_eq!(world.unattributed(), tokens(40));
    assert_eq!(world.source_level(BOB), n(0));
    assert_eq!((world.due(ALICE), world.due(BOB)), (tokens(30), tokens(10)));
    world.price(tokens(22) + n(5));
    world.drain().unwrap();
    assert_eq!(world.unattributed(), tokens(30));
    assert_eq!(
        (world.due(ALICE), world.due(BOB)),
        (tokens(30) * n(3) / n(4), tokens(10) * n(3) / n(4))
    );
    assert_eq!(world.attribute(&[BOB, ALICE]), Ok(tokens(30)));
    assert_eq!(world.source_level(BOB), ONE * n(15) / n(2));
    assert_eq!(world.source_level(ALICE), ONE * n(45) / n(2));
}

#[motsu::test]
fn what_drained_whole_is_attributed_to_nobody() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(40))], tokens(40));
    world.sync().unwrap();
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(10), tokens(30)));
    assert_eq!((world.level(), world.unattributed()), (n(0), n(0)));
    assert_eq!(world.due(ALICE), n(0));
    // Of nobody who is known.
    world.overflow(&[(ALICE, n(0))], tokens(8));
    assert_eq!(world.attribute(&[ALICE]), Ok(n(0)));
    assert_eq!(world.unattributed(), tokens(8));
    // From then on the source counts again.
    world.overflow(&[(ALICE, tokens(6))], tokens(6));
    assert_eq!(world.attribute(&[ALICE]), Ok(tokens(6)));
    assert_eq!(world.unattributed(), tokens(8));
}

#[motsu::test]
fn sync_needs_a_pool_and_passes_reverts_on() {
    let world = World::new();
    world.pools.sender(OWNER).set_pool(Address::ZERO);
    assert_eq!(world.sync(), Err(PoolDoesNotExist {}.into()));
    assert_eq!(world.attribute(&[]), Err(PoolDoesNotExist {}.into()));
    world.pools.sender(OWNER).set_pool(world.pool.address());
    world.pool.sender(OWNER).set_refuses(true);
    let refused = Err(Error::Revert(Revert(refusal())));
    assert_eq!(world.sync(), refused);
    assert_eq!(world.attribute(&[ALICE]), refused);
}

#[motsu::test]
fn attribute_takes_64_sources() {
    let world = World::new();
    let (count, max) = (n(65), n(64));
    let too_many = TooManySources { count, max };
    assert_eq!(world.attribute(&[ALICE; 65]), Err(too_many.into()));
    assert_eq!(world.attribute(&[ALICE; 64]), Ok(n(0)));
}

// --- Drains

#[motsu::test]
fn drain_pays_in_proportion_and_oldest_first() {
    let world = World::new();
    world.deposit(ALICE, tokens(10));
    world.deposit(BOB, tokens(20));
    world.price(n(7));
    // The first look only notes where the counter stands.
    assert_eq!(world.drain(), Ok(()));
    assert_eq!(world.balances(), (n(0), n(0)));
    assert_eq!(world.drain(), nothing_to_drain());
    world.price(tokens(12) + n(7));
    world.drain().unwrap();
    for (sink, amount) in [(X, tokens(3)), (Y, tokens(9))] {
        world.escrow.assert_emitted(&Drained {
            taskTypeId: CODE,
            sink,
            amount,
        });
    }
    assert_eq!(world.balances(), (tokens(3), tokens(9)));
    assert_eq!(world.bounds(), (n(1), n(2)));
    assert_eq!((world.at(0), world.at(1).1), (NOTHING, tokens(18)));
    assert_eq!(world.source_level(ALICE), n(0));
    assert_eq!(world.source_level(BOB), tokens(18));
    assert_eq!(world.liabilities(), (tokens(18), n(0)));
    assert_eq!(world.held(), tokens(18));
    assert_eq!(world.drain(), nothing_to_drain());
}

#[motsu::test]
fn drain_without_a_price_pays_everything() {
    let world = World::new();
    assert_eq!(world.drain(), nothing_to_drain());
    world.deposit(ALICE, tokens(40));
    world.overflow(&[], tokens(4));
    world.sync().unwrap();
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(11), tokens(33)));
    assert_eq!((world.level(), world.held()), (n(0), n(0)));
    assert_eq!(world.drain(), nothing_to_drain());
}

#[motsu::test]
fn what_the_queue_cannot_use_expires() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.price(n(0));
    world.drain().unwrap();
    world.price(tokens(100));
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(1), tokens(3)));
    world.deposit(ALICE, tokens(8));
    assert_eq!(world.drain(), nothing_to_drain());
    world.price(tokens(104));
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(2), tokens(6)));
}

#[motsu::test]
fn a_price_that_comes_back_counts_from_then_on() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.price(n(0));
    world.drain().unwrap();
    world.meter.sender(OWNER).set_free_value(false, n(0));
    world.drain().unwrap();
    world.deposit(ALICE, tokens(4));
    world.price(tokens(50));
    assert_eq!(world.drain(), Ok(()));
    assert_eq!(world.level(), tokens(4));
    // A counter that went back counts from there, too.
    world.price(tokens(40));
    assert_eq!(world.drain(), Ok(()));
    assert_eq!(world.level(), tokens(4));
    world.price(tokens(42));
    world.drain().unwrap();
    assert_eq!(world.level(), tokens(2));
}

#[motsu::test]
fn a_drain_takes_from_32_deposits() {
    let world = World::new();
    for place in 0..33_u64 {
        let source = Address::left_padding_from(&(0x2_0000 + place).to_be_bytes());
        world.token.sender(OWNER).mint(source, tokens(4));
        world.deposit(source, tokens(4));
    }
    world.overflow(&[], tokens(8));
    world.sync().unwrap();
    world.price(n(0));
    world.drain().unwrap();
    world.price(tokens(140));
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(32), tokens(96)));
    assert_eq!(world.bounds(), (n(32), n(33)));
    assert_eq!(world.unattributed(), tokens(8));
    // What the bound on deposits kept back is still free: 140 - 128 = 12.
    world.drain().unwrap();
    assert_eq!(world.level(), n(0));
    assert_eq!(world.balances(), (tokens(35), tokens(105)));
}

#[motsu::test]
fn who_registered_this_second_gets_nothing() {
    let world = World::new();
    world.deposit(ALICE, tokens(10));
    let now = timestamp();
    // A new sink's seconds count when their epoch is over.
    world.set_sinks_since(CODE, &[(X, 1, 0), (Y, 1_000_000, now + 1)]);
    advance_time(299);
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(10), n(0)));
}

#[motsu::test]
fn alone_a_new_sink_gets_nothing_either() {
    let world = World::new();
    world.deposit(ALICE, tokens(10));
    world.set_sinks_since(CODE, &[(Y, 9, timestamp())]);
    assert_eq!(world.drain(), nothing_to_drain());
    world.set_sinks(CODE, &[(X, 0)]);
    assert_eq!(world.drain(), nothing_to_drain());
    world.set_sinks(CODE, &[]);
    assert_eq!(world.drain(), nothing_to_drain());
    assert_eq!(world.level(), tokens(10));
}

#[motsu::test]
fn an_hour_counts_a_quarter_of_four() {
    let world = World::new();
    world.deposit(ALICE, tokens(10));
    let [early, late] = [4, 1].map(|hours| timestamp() - hours * 3_600);
    world.set_sinks_since(CODE, &[(X, 1, early), (Y, 1, late)]);
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(8), tokens(2)));
}

/// However long the money has waited: a sink that came an hour ago has served an hour, beside one of a hundred hours.
#[motsu::test]
fn the_first_round_counts_all_that_was_served() {
    let world = World::new();
    world.deposit(ALICE, tokens(101));
    let [early, late] = [100, 1].map(|hours| timestamp() - hours * 3_600);
    world.set_sinks_since(CODE, &[(X, 1, early), (Y, 1, late)]);
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(100), tokens(1)));
}

#[motsu::test]
fn a_round_looks_back_to_the_last_one() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    let last = timestamp();
    advance_time(8 * 3_600);
    world.set_sinks_since(CODE, &[(X, 1, 0), (Y, 1, last + 6 * 3_600)]);
    world.deposit(ALICE, tokens(10));
    world.drain().unwrap();
    // Eight hours and two.
    assert_eq!(world.balances(), (tokens(9), tokens(5)));
}

#[motsu::test]
fn rounding_dust_stays() {
    let world = World::new();
    world.set_sinks(CODE, &[(X, 1), (Y, 2)]);
    world.deposit(ALICE, n(10));
    world.drain().unwrap();
    assert_eq!(world.balances(), (n(3), n(6)));
    assert_eq!((world.level(), world.at(0).1), (n(1), n(1)));
}

#[motsu::test]
fn a_meter_that_fails_stops_draining() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    world.meter.sender(OWNER).set_refuses(true);
    assert_eq!(world.drain(), Err(Error::Revert(Revert(refusal()))));
    assert_eq!(world.level(), tokens(4));
}

/// With the real OverflowMeter: capacity is worth 4 tokens a second, and the pool has paid nothing for it.
#[motsu::test]
fn what_the_real_meter_says_is_free_drains() {
    let world = World::unconnected();
    let (gda, token) = (world.gda.address(), world.token.address());
    let (real, registry) = (world.real_meter.address(), world.registry.address());
    world.pools.sender(OWNER).wire(real, registry, gda, token);
    world.connect().unwrap();
    let settle = world.real_meter.sender(world.pools.address()).settle(
        CODE,
        world.pool.address(),
        UNIT,
        UNIT * n(4),
        n(0),
        ONE,
        U256::MAX,
        true,
    );
    settle.motsu_unwrap();
    world.deposit(ALICE, tokens(100));
    assert_eq!(world.drain(), Ok(()));
    assert_eq!(world.drain(), nothing_to_drain());
    advance_time(3);
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(3), tokens(9)));
    assert_eq!(world.level(), tokens(88));
}

// --- Credits

#[motsu::test]
fn a_sink_that_cannot_be_paid_is_credited() {
    let world = World::new();
    world.token.sender(OWNER).refuse(X, true);
    world.deposit(ALICE, tokens(8));
    world.drain().unwrap();
    world.escrow.assert_emitted(&Credited {
        taskTypeId: CODE,
        sink: X,
        amount: tokens(2),
    });
    assert_eq!(world.balances(), (n(0), tokens(6)));
    assert_eq!(world.level(), n(0));
    assert_eq!(world.liabilities(), (n(0), tokens(2)));
    assert_eq!(world.escrow.sender(BOB).credits(X), tokens(2));
    world.deposit(ALICE, tokens(4));
    world.drain().unwrap();
    assert_eq!(world.escrow.sender(BOB).credits(X), tokens(3));
    assert_eq!(world.held(), tokens(3));
    world.token.sender(OWNER).refuse(X, false);
    let nothing = || Err(Error::NothingToClaim(NothingToClaim {}));
    assert_eq!(world.escrow.sender(Y).claim().motsu_res(), nothing());
    world.escrow.sender(X).claim().motsu_unwrap();
    world.escrow.assert_emitted(&Claimed {
        sink: X,
        amount: tokens(3),
    });
    assert_eq!(world.balance(X), tokens(3));
    assert_eq!(world.liabilities(), (n(0), n(0)));
    assert_eq!(world.escrow.sender(X).claim().motsu_res(), nothing());
}

#[motsu::test]
fn anyone_can_claim_for_a_sink_and_only_to_it() {
    let world = World::new();
    world.token.sender(OWNER).refuse(X, true);
    world.deposit(ALICE, tokens(8));
    world.drain().unwrap();
    let before = world.balance(BOB);
    let token = world.token.address();
    let failed = Err(Error::Erc20(SafeERC20FailedOperation { token }));
    assert_eq!(world.escrow.sender(BOB).claim_for(X).motsu_res(), failed);
    assert_eq!(world.escrow.sender(BOB).credits(X), tokens(2));
    world.token.sender(OWNER).refuse(X, false);
    world.escrow.sender(BOB).claim_for(X).motsu_unwrap();
    assert_eq!((world.balance(X), world.balance(BOB)), (tokens(2), before));
    assert_eq!(world.liabilities(), (n(0), n(0)));
}

#[motsu::test]
fn an_answer_that_says_nothing_stops_the_drain() {
    let world = World::new();
    world.deposit(ALICE, tokens(8));
    let token = world.token.address();
    for behaviour in [Behaviour::ReturnsFalse, Behaviour::ReturnsTwo] {
        world.behave(behaviour);
        let failed = Err(Error::Erc20(SafeERC20FailedOperation { token }));
        assert_eq!(world.drain(), failed, "{behaviour:?}");
        assert_eq!(world.level(), tokens(8));
    }
    world.behave(Behaviour::NoReturn);
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(2), tokens(6)));
}

// --- Reclaims

#[motsu::test]
fn a_source_takes_back_what_has_not_drained() {
    let world = World::new();
    let start = timestamp();
    world.deposit(ALICE, tokens(10));
    world.deposit(BOB, tokens(1));
    world.price(n(0));
    world.drain().unwrap();
    world.price(tokens(4));
    world.drain().unwrap();
    assert_eq!(world.reclaim(ALICE, 9), Err(NothingToReclaim {}.into()));
    let source = ALICE;
    assert_eq!(world.reclaim(BOB, 0), Err(NotDepositor { source }.into()));
    advance_time(DAY - 1);
    let early = TimeoutNotElapsed {
        availableAt: n(start + DAY),
    };
    assert_eq!(world.reclaim(ALICE, 0), Err(early.into()));
    advance_time(1);
    let before = world.balance(ALICE);
    world.reclaim(ALICE, 0).unwrap();
    world.escrow.assert_emitted(&Reclaimed {
        taskTypeId: CODE,
        source: ALICE,
        index: n(0),
        amount: tokens(6),
    });
    assert_eq!(world.balance(ALICE) - before, tokens(6));
    assert_eq!((world.level(), world.held()), (tokens(1), tokens(1)));
    assert_eq!(world.source_level(ALICE), n(0));
    assert_eq!(world.liabilities(), (tokens(1), n(0)));
    assert_eq!(world.reclaim(ALICE, 0), Err(NothingToReclaim {}.into()));
    // What is gone is passed over.
    world.price(tokens(8));
    world.drain().unwrap();
    assert_eq!(world.bounds(), (n(2), n(2)));
}

#[motsu::test]
fn what_joined_later_can_be_reclaimed_with_the_first() {
    let world = World::new();
    world.deposit(ALICE, tokens(1));
    advance_time(3_599);
    world.deposit(ALICE, tokens(2));
    advance_time(DAY - 3_599);
    world.reclaim(ALICE, 0).unwrap();
    assert_eq!(world.balance(ALICE), tokens(1_000_000));
    assert_eq!(world.level(), n(0));
}

#[motsu::test]
fn attributed_overflow_can_be_reclaimed() {
    let world = World::new();
    world.overflow(&[(ALICE, tokens(7))], tokens(7));
    world.attribute(&[ALICE]).unwrap();
    advance_time(DAY);
    world.reclaim(ALICE, 0).unwrap();
    assert_eq!(world.balance(ALICE), tokens(1_000_007));
    assert_eq!(world.liabilities(), (n(0), n(0)));
}

#[motsu::test]
fn reclaim_fails_with_the_token() {
    let world = World::new();
    world.deposit(ALICE, tokens(7));
    advance_time(DAY);
    world.token.sender(OWNER).refuse(ALICE, true);
    let token = world.token.address();
    let failed = Err(Error::Erc20(SafeERC20FailedOperation { token }));
    assert_eq!(world.reclaim(ALICE, 0), failed);
    assert_eq!(world.level(), tokens(7));
}

#[motsu::test]
fn the_reclaim_timeout_has_bounds_and_looks_forward() {
    let world = World::new();
    let start = timestamp();
    let set = |timeout: u64| {
        let set = world.escrow.sender(OWNER).set_reclaim_timeout(n(timeout));
        set.motsu_res()
    };
    let invalid = |timeout: u64| {
        Err(Error::InvalidReclaimTimeout(InvalidReclaimTimeout {
            timeout: n(timeout),
            minimum: n(3_600),
            maximum: n(30 * DAY),
        }))
    };
    world.deposit(ALICE, ONE);
    assert_eq!(set(3_599), invalid(3_599));
    assert_eq!(set(30 * DAY + 1), invalid(30 * DAY + 1));
    assert_eq!(set(30 * DAY), Ok(()));
    assert_eq!(set(3_600), Ok(()));
    let timeout = n(3_600);
    world.escrow.assert_emitted(&ReclaimTimeoutSet { timeout });
    assert_eq!(world.escrow.sender(BOB).reclaim_timeout(), timeout);
    world.deposit(BOB, ONE);
    assert_eq!(world.at(0).3, n(start + DAY));
    assert_eq!(world.at(1).3, n(start + 3_600));
    // An hour's twenty-fourth.
    advance_time(150);
    world.deposit(BOB, ONE);
    assert_eq!(world.bounds(), (n(0), n(3)));
}

// --- Rounds of several calls

#[motsu::test]
fn twelve_sinks_are_paid_at_once() {
    let world = World::new();
    let sinks = world.many_sinks(12);
    world.deposit(ALICE, tokens(24));
    world.drain().unwrap();
    assert!(sinks.iter().all(|sink| world.balance(*sink) == tokens(2)));
}

#[motsu::test]
fn more_sinks_are_weighed_then_paid_page_by_page() {
    let world = World::new();
    let sinks = world.many_sinks(30);
    world.deposit(ALICE, tokens(30));
    let paid = || {
        let paid = sinks.iter().filter(|it| world.balance(**it) == ONE);
        paid.count()
    };
    for (levels, count) in [(30, 0), (30, 0), (30, 0), (18, 12), (6, 24), (0, 30)] {
        world.drain().unwrap();
        assert_eq!((world.level(), paid()), (tokens(levels), count));
    }
    assert_eq!(world.held(), n(0));
    assert_eq!(world.drain(), nothing_to_drain());
}

#[motsu::test]
fn the_caller_says_how_many_sinks_to_pay() {
    let world = World::new();
    let sinks = world.many_sinks(64);
    world.deposit(ALICE, tokens(64));
    world.drain_sinks(1_000).unwrap();
    assert!(sinks.iter().all(|sink| world.balance(*sink) == ONE));
    // None are one.
    world.many_sinks(2);
    world.deposit(ALICE, tokens(2));
    for level in [2, 2, 1, 0] {
        world.drain_sinks(0).unwrap();
        assert_eq!(world.level(), tokens(level));
    }
}

#[motsu::test]
fn a_round_that_pays_keeps_its_deposits() {
    let world = World::new();
    world.many_sinks(20);
    world.deposit(ALICE, tokens(20));
    advance_time(DAY);
    world.deposit(BOB, tokens(2));
    world.drain().unwrap();
    world.drain().unwrap();
    assert_eq!(world.reclaim(ALICE, 0), Err(RoundOpen {}.into()));
    world.drain().unwrap();
    assert_eq!(world.reclaim(ALICE, 0), Err(RoundOpen {}.into()));
    world.drain().unwrap();
    assert_eq!(world.level(), n(0));
    world.deposit(ALICE, tokens(3));
    advance_time(DAY);
    // While it weighs, nothing is fixed.
    world.drain().unwrap();
    world.reclaim(ALICE, 2).unwrap();
    assert_eq!(world.level(), n(0));
    assert_eq!(world.drain(), Ok(()));
    assert_eq!(world.drain(), nothing_to_drain());
}

#[motsu::test]
fn a_round_pays_by_the_time_when_it_began() {
    let world = World::new();
    let sinks = world.many_sinks(2);
    world.deposit(ALICE, tokens(10));
    let [early, late] = [4, 1].map(|hours| timestamp() - hours * 3_600);
    world.set_sinks_since(CODE, &[(sinks[0], 1, early), (sinks[1], 1, late)]);
    world.drain_sinks(1).unwrap();
    advance_time(3 * 3_600);
    for _ in 0..3 {
        world.drain_sinks(1).unwrap();
    }
    assert_eq!(world.balance(sinks[0]), tokens(8));
    assert_eq!(world.balance(sinks[1]), tokens(2));
}

#[motsu::test]
fn nobody_is_paid_twice_in_a_round() {
    let world = World::new();
    let sinks = world.many_sinks(3);
    world.deposit(ALICE, tokens(3));
    for _ in 0..4 {
        world.drain_sinks(1).unwrap();
    }
    // From the last to the first.
    assert_eq!(world.balance(sinks[2]), ONE);
    // The first leaves before its turn: the last takes its place.
    let list = [sinks[2], sinks[1]].map(|sink| (sink, 1));
    world.set_sinks(CODE, &list);
    world.drain_sinks(1).unwrap();
    world.drain_sinks(1).unwrap();
    let balances: Vec<_> = sinks.iter().map(|sink| world.balance(*sink)).collect();
    assert_eq!(balances, [n(0), ONE, ONE]);
    assert_eq!(world.level(), ONE);
}

#[motsu::test]
fn a_first_look_opens_no_round() {
    let world = World::new();
    world.many_sinks(20);
    world.deposit(ALICE, tokens(20));
    world.price(n(9));
    assert_eq!(world.drain(), Ok(()));
    assert_eq!(world.drain(), nothing_to_drain());
    world.price(tokens(10) + n(9));
    for level in [20, 20, 14, 10] {
        world.drain().unwrap();
        assert_eq!(world.level(), tokens(level));
    }
}

#[motsu::test]
fn task_types_are_apart() {
    let world = World::new();
    world.deposit(ALICE, tokens(4));
    let other = world.escrow.sender(ALICE).deposit(CHAT, tokens(8));
    other.motsu_unwrap();
    world.drain().unwrap();
    assert_eq!(world.balances(), (tokens(1), tokens(3)));
    assert_eq!(world.escrow.sender(BOB).buffer_level(CHAT), tokens(8));
    assert_eq!(world.liabilities(), (tokens(8), n(0)));
}
