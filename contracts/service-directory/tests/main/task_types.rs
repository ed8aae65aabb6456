//! Registering task types, with all that belongs to them.

use crate::{pricing_curve, registry, world::*};

#[motsu::test]
fn constructor_links_what_it_is_given() {
    let world = World::new();
    let it = world.directory.sender(ALICE);
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.stake_manager(), world.stakes.address());
    assert_eq!(it.pricing_curve(), world.pricing.address());
}

#[motsu::test]
fn constructor_refuses_what_is_no_contract() {
    let world = World::new();
    let construct = |registry, pricing| {
        let directory = Contract::<ServiceDirectory>::new();
        let it = directory.sender(OWNER);
        let mut it = it;
        it.constructor(registry, pricing).motsu_res()
    };
    let (registry, pricing) = (world.registry.address(), world.pricing.address());
    let none = |account| Err(NotAContract { account }.into());
    assert_eq!(construct(ALICE, pricing), none(ALICE));
    assert_eq!(construct(registry, BOB), none(BOB));
    // A contract that is no registry.
    let wrong = construct(world.token.address(), pricing);
    assert!(matches!(wrong, Err(Error::Revert(_))));
}

#[motsu::test]
fn a_stranger_with_stake_registers_a_task_type_of_its_own_for_nothing() {
    let world = World::new();
    let id = world.derived(ALICE, "translation");
    let none = InsufficientStake {
        required: tokens(100),
        available: U256::ZERO,
    };
    assert_eq!(
        world.register(ALICE, id, "translation"),
        Err(none.into()),
        "permissionless, with stake"
    );
    world.stake(ALICE, 100);
    world.register(ALICE, id, "translation").unwrap();
    world.directory.assert_emitted(&TaskTypeDescribed {
        taskTypeId: id,
        nameHash: keccak256("translation"),
        creator: ALICE,
        metadata: "translation".into(),
    });
    assert_eq!(world.creator(id), ALICE);
    assert_eq!(world.bonds(ALICE), 0);
    assert!(world.pool.sender(CAROL).has_pool(id));
    assert_eq!(world.pool.sender(CAROL).weighting_of(id), 0);
    let it = world.directory.sender(CAROL);
    assert_eq!(it.get_metadata(id), "translation");
    assert_eq!(it.get_name(id), "translation");
    let minimum = world.registry.sender(CAROL).get_task_type(id).0;
    assert_eq!(minimum, tokens(100));
    // Once.
    let again = world.register(ALICE, id, "translation");
    let exists = registry::TaskTypeAlreadyExists {};
    assert_eq!(again, Err(reverted(exists)));
}

/// The attack: for one day's capital Bob takes the id that follows from Alice's address, by paying what any id costs, and gets
/// it back by a second key that serves. Whoever pays there would pay on Bob's terms.
#[motsu::test]
fn an_id_that_is_derived_is_its_creators_whoever_took_it() {
    let world = World::new();
    let id = world.derived(ALICE, "translation");
    world.stake(BOB, 100);
    let most = (U256::from(1) << 112) - U256::from(1);
    let mut directory = world.directory.sender(BOB);
    let taken = directory.register_task_type(id, "translation".into(), most);
    taken.motsu_unwrap();
    assert_eq!((world.creator(id), world.bonds(BOB)), (BOB, 1));

    world.stake(ALICE, 100);
    world.register(ALICE, id, "translation").unwrap();
    assert_eq!((world.creator(id), world.bonds(BOB)), (ALICE, 0));
    assert_eq!(world.bonds(ALICE), 0);
    let minimum = world.registry.sender(CAROL).get_task_type(id).0;
    assert_eq!(minimum, tokens(100));
    assert_eq!(world.resolve("translation", 0, 9), (vec![id], vec![ALICE]));
    // Nobody takes it a second time, she included.
    let exists = || Err(reverted(registry::TaskTypeAlreadyExists {}));
    assert_eq!(world.register(BOB, id, "translation"), exists());
    assert_eq!(world.register(ALICE, id, "translation"), exists());
}

/// The same, with the stake free again before Alice comes, and other words about it.
#[motsu::test]
fn neither_sinks_nor_words_keep_an_id_from_its_creator() {
    let world = World::new();
    let id = world.derived(ALICE, "translation");
    world.stake(BOB, 100);
    world.register(BOB, id, "nonsense").unwrap();
    world.serve(id, CAROL);
    assert_eq!(world.bonds(BOB), 0);
    world.stake(ALICE, 100);
    world.register(ALICE, id, "translation").unwrap();
    assert_eq!((world.creator(id), world.bonds(BOB)), (ALICE, 0));
    let it = world.directory.sender(CAROL);
    assert_eq!(it.get_name(id), "translation");
    assert!(world.registry.sender(CAROL).is_registered(id, CAROL));
}

/// By work is for ever: who takes an id cannot choose that for its creator.
#[motsu::test]
fn only_a_derived_id_is_paid_by_work_from_the_start() {
    let world = World::new();
    let id = world.derived(ALICE, "translation");
    world.stake(BOB, 100);
    let mut directory = world.directory.sender(BOB);
    let taken = directory.register_weighted(id, "translation".into(), tokens(100), BY_WORK);
    let refused = NotDerived { taskTypeId: id };
    assert_eq!(taken.motsu_res(), Err(refused.into()));
    assert_eq!(world.creator(id), Address::ZERO);
}

#[motsu::test]
fn any_other_id_sets_a_minimum_stake_aside_until_somebody_else_serves_it() {
    let world = World::new();
    world.stake(ALICE, 100);
    world
        .register(ALICE, keccak256("translation"), "translation")
        .unwrap();
    assert_eq!(world.bonds(ALICE), 1);
    let short = registry::InsufficientStake {
        required: tokens(100),
        available: U256::ZERO,
    };
    let other = world.register(ALICE, B256::repeat_byte(9), "x");
    assert_eq!(other, Err(reverted(short)));
    world.serve(keccak256("translation"), BOB);
    assert_eq!(world.bonds(ALICE), 0);
}

#[motsu::test]
fn metadata_have_a_kilobyte() {
    let world = World::new();
    world.stake(ALICE, 100);
    let id = B256::repeat_byte(7);
    let too_long = MetadataTooLong {
        length: n(1_025),
        maximum: n(1_024),
    };
    let long = world.register(ALICE, id, &"x".repeat(1_025));
    assert_eq!(long, Err(too_long.into()));
    assert_eq!(world.creator(id), Address::ZERO);
    let longest = "é".repeat(512);
    world.register(ALICE, id, &longest).unwrap();
    let it = world.directory.sender(CAROL);
    assert_eq!(it.get_metadata(id), longest);
    assert_eq!(it.get_name(id), "", "too long for a name");
}

#[motsu::test]
fn a_task_type_whose_pool_fails_is_not_registered() {
    let world = World::new();
    world.stake(ALICE, 100);
    world.pool.sender(OWNER).set_reverts(true);
    let id = world.derived(ALICE, "x");
    let refusal = alloy_sol_types::Revert::from("no");
    assert_eq!(world.register(ALICE, id, "x"), Err(reverted(refusal)));
    assert_eq!(world.creator(id), Address::ZERO);
    assert_eq!(world.directory.sender(CAROL).get_metadata(id), "");
    assert_eq!(world.resolve("x", 0, 9), (vec![], vec![]));
}

#[motsu::test]
fn without_a_pool_contract_or_a_link_nothing_is_registered() {
    let world = World::unlinked();
    world.stakes.sender(OWNER).open().motsu_unwrap();
    world.stake(ALICE, 100);
    let id = world.derived(ALICE, "x");
    let none = NoBackpressurePool {};
    assert_eq!(world.register(ALICE, id, "x"), Err(none.into()));
    let pool = world.pool.address();
    let set = world.registry.sender(OWNER).set_pool(pool);
    set.motsu_unwrap();
    let caller = world.directory.address();
    let unknown = registry::NotServiceDirectory { caller };
    assert_eq!(world.register(ALICE, id, "x"), Err(reverted(unknown)));
}

#[motsu::test]
fn a_weighting_comes_with_the_task_type() {
    let world = World::new();
    world.stake(ALICE, 100);
    let register = |name: &str, weighting| {
        let id = world.derived(ALICE, name);
        let mut directory = world.directory.sender(ALICE);
        let register = directory.register_weighted(id, name.into(), tokens(100), weighting);
        register.motsu_res().map(|()| id)
    };
    let curve = |id| world.pricing.sender(CAROL).get_curve(id);
    let weighting = |id| world.pool.sender(CAROL).weighting_of(id);
    let spare = register("spare", 1).unwrap();
    assert_eq!((weighting(spare), curve(spare)), (1, 0));
    let work = register("work", BY_WORK).unwrap();
    assert_eq!((weighting(work), curve(work)), (3, CURVE_USED));
    assert_eq!(CURVE_USED, pricing_curve::CURVE_USED);
    let wrong = register("wrong", 4).unwrap_err();
    assert_eq!(wrong, reverted(alloy_sol_types::Revert::from("fixed")));
}

#[motsu::test]
fn fees_come_with_the_task_type() {
    let world = World::new();
    world.stake(ALICE, 100);
    let id = world.derived(ALICE, "work");
    let register = |start: u64, floor: u64, ceiling: u64| {
        let mut directory = world.directory.sender(ALICE);
        directory
            .register_priced(
                id,
                "work".into(),
                tokens(100),
                BY_WORK,
                n(start),
                n(floor),
                n(ceiling),
            )
            .motsu_res()
    };
    let (start, floor, ceiling) = (n(5), n(6), n(7));
    let invalid = pricing_curve::InvalidFees {
        start,
        floor,
        ceiling,
    };
    assert_eq!(register(5, 6, 7), Err(reverted(invalid)));
    assert_eq!(world.creator(id), Address::ZERO);
    register(500, 0, 7_000).unwrap();
    let it = world.pricing.sender(CAROL);
    assert_eq!(it.get_base_fee(id), n(500));
    let fees = it.get_fees(id);
    assert_eq!((fees.0, fees.1), (n(50), n(7_000)), "a tenth as the floor");
}

// --- Descriptions

#[motsu::test]
fn creators_describe_what_they_registered_elsewhere_once() {
    let world = World::new();
    let describe = |who: Address, id: B256, metadata: &str| {
        let mut directory = world.directory.sender(who);
        directory.describe(id, metadata.into()).motsu_res()
    };
    let not_creator = |caller, id| {
        let error = NotTaskTypeCreator {
            taskTypeId: id,
            caller,
        };
        Err(error.into())
    };
    assert_eq!(describe(ALICE, CODE, "code"), not_creator(ALICE, CODE));
    let nothing = B256::repeat_byte(5);
    assert_eq!(describe(ALICE, nothing, "x"), not_creator(ALICE, nothing));
    assert_eq!(describe(OWNER, CODE, ""), Err(EmptyMetadata {}.into()));
    let too_long = MetadataTooLong {
        length: n(1_025),
        maximum: n(1_024),
    };
    let long = describe(OWNER, CODE, &"x".repeat(1_025));
    assert_eq!(long, Err(too_long.into()));
    describe(OWNER, CODE, "code").unwrap();
    world.directory.assert_emitted(&TaskTypeDescribed {
        taskTypeId: CODE,
        nameHash: keccak256("code"),
        creator: OWNER,
        metadata: "code".into(),
    });
    assert_eq!(world.resolve("code", 0, 9), (vec![CODE], vec![OWNER]));
    let again = AlreadyDescribed { taskTypeId: CODE };
    assert_eq!(describe(OWNER, CODE, "other"), Err(again.into()));
    assert_eq!(world.resolve("other", 0, 9), (vec![], vec![]));
}
