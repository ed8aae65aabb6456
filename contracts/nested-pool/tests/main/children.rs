//! NestedPool on motsu: every function, error, event and access rule; trees; money, to the wei.

use std::borrow::Borrow;

use crate::contract::*;
use crate::world::*;
use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use bpe_testing::Network;
use motsu::prelude::*;

fn unauthorized<T>(account: Address) -> Result<T, Error> {
    let error = OwnableUnauthorizedAccount { account };
    Err(Error::Ownable(ownable::Error::Unauthorized(error)))
}

/// 0 with the children 1 and 2, 1 with the child 3.
const LINKS: [(u8, u8); 3] = [(0, 1), (0, 2), (1, 3)];

fn tree(connects: bool) -> World {
    let world = World::linked(&[100, 20, 60, 40], &LINKS, connects);
    world.rebalance(0, 8);
    world
}

// --- Construction and ownership

#[motsu::test]
fn nobody_connects_the_contract_to_junk_pools() {
    let network = Network::new();
    let world = World::new(&[100], false);
    let (gda, token) = (network.gda.address(), network.token.address());
    world.pools.sender(OWNER).wire(gda, token);
    let fresh = Contract::<NestedPool>::new();
    let (pools, registry) = (world.pools.address(), world.registry.address());
    let it = fresh.sender(ALICE).constructor(pools, registry, OWNER);
    it.motsu_unwrap();
    network.assert_forbidden(fresh.address());
    // Anybody undoes what was done before.
    fresh.sender(ALICE).disconnect(ALICE).motsu_unwrap();
    network.assert_disconnected(fresh.address(), ALICE);
}

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::new(&[100], false);
    let it = world.nested.sender(ALICE);
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.max_depth(), n(8));
    assert_eq!(it.max_children(), n(16));
    assert_eq!(it.max_nodes(), n(64));
    let ownable: &Ownable = (*it).borrow();
    assert_eq!(ownable.owner(), OWNER);
    assert!(it.get_children(id(0)).is_empty());
    assert_eq!(it.get_child(id(0)), (false, B256::ZERO, n(0), n(0)));
    assert_eq!(it.linker(id(0)), Address::ZERO);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::new(&[100], false);
    let (pools, registry) = (world.pools.address(), world.registry.address());
    let fresh = Contract::<NestedPool>::new();
    let construct = |pools, registry, owner| {
        let it = fresh.sender(ALICE).constructor(pools, registry, owner);
        it.motsu_unwrap_err()
    };
    let neighbour = ALICE;
    let no_contract = || NotAContract { account: neighbour }.into();
    assert_eq!(construct(ALICE, registry, OWNER), no_contract());
    assert_eq!(construct(pools, ALICE, OWNER), no_contract());
    let no_owner = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    let error = Error::Ownable(no_owner.into());
    assert_eq!(construct(pools, registry, Address::ZERO), error);
}

/// The reference asks its pool for nothing at construction: a test double need not know Superfluid.
#[motsu::test]
fn is_constructed_over_a_stand_in_without_superfluid() {
    let world = World::new(&[100, 20], false);
    let fresh = Contract::<NestedPool>::new();
    // The registry knows no function of the pool.
    let registry = world.registry.address();
    let it = fresh.sender(ALICE).constructor(registry, registry, OWNER);
    it.motsu_unwrap();
    assert_eq!(fresh.sender(ALICE).backpressure_pool(), registry);
    let capacity = fresh.sender(ALICE).get_effective_capacity(id(0));
    let (_, _, total) = world.registry.sender(ALICE).get_task_type(id(0));
    assert_ne!(total, n(0));
    assert_eq!(capacity.motsu_unwrap(), total);
}

#[motsu::test]
fn owner_and_linker_link() {
    let world = World::new(&[100, 20, 60, 40], false);
    let it = world.nested.sender(LINKER).set_linker(id(0), LINKER);
    assert_eq!(it.motsu_res(), unauthorized(LINKER));
    let it = world.nested.sender(OWNER).set_linker(id(0), LINKER);
    it.motsu_unwrap();
    world.nested.assert_emitted(&LinkerSet {
        parentTaskTypeId: id(0),
        linker: LINKER,
    });
    assert_eq!(world.nested.sender(ALICE).linker(id(0)), LINKER);
    assert_eq!(world.try_link(ALICE, 0, 1), unauthorized(ALICE));
    assert_eq!(world.try_link(LINKER, 0, 1), Ok(()));
    assert_eq!(world.try_link(OWNER, 0, 2), Ok(()));
    // Of this parent, not of others, its own child included.
    assert_eq!(world.try_link(LINKER, 1, 3), unauthorized(LINKER));
    assert_eq!(world.try_unlink(ALICE, 0, 1), unauthorized(ALICE));
    assert_eq!(world.try_unlink(LINKER, 0, 2), Ok(()));
    assert_eq!(world.try_unlink(OWNER, 0, 1), Ok(()));
    let it = world.nested.sender(OWNER).set_linker(id(0), Address::ZERO);
    it.motsu_unwrap();
    assert_eq!(world.try_link(LINKER, 0, 1), unauthorized(LINKER));
}

/// Every field of the storage has a place of its own.
#[motsu::test]
fn storage_does_not_overlap() {
    let world = tree(false);
    let it = world.nested.sender(OWNER).set_linker(id(1), LINKER);
    it.motsu_unwrap();
    // A wei per unit.
    world.pay(0, 220);
    world.rebalance(0, 8);
    let it = world.nested.sender(ALICE);
    assert_eq!(it.get_child(id(1)), (true, id(0), n(60), n(0)));
    assert_eq!(it.get_child(id(2)), (true, id(0), n(60), n(0)));
    assert_eq!(it.get_child(id(3)), (true, id(1), n(40), n(0)));
    assert_eq!(it.get_children(id(0)), vec![id(1), id(2)]);
    assert_eq!(it.get_children(id(1)), vec![id(3)]);
    assert_eq!(it.linker(id(1)), LINKER);
    assert_eq!(it.linker(id(0)), Address::ZERO);
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
}

// --- Trees

#[motsu::test]
fn a_child_is_linked_with_its_capacity() {
    let world = World::new(&[100, 20, 60, 40], false);
    world.link(0, 1);
    world.nested.assert_emitted(&ChildRegistered {
        parentTaskTypeId: id(0),
        childTaskTypeId: id(1),
        childPool: world.pool(1).address(),
    });
    assert_eq!(world.units(0), n(20));
    world.link(0, 2);
    assert_eq!(world.units(0), n(80));
    assert_eq!(world.children(0), vec![id(1), id(2)]);
    let it = world.nested.sender(ALICE);
    assert!(it.is_child_pool(id(0), id(1)));
    assert!(!it.is_child_pool(id(1), id(0)));
    assert!(!it.is_child_pool(id(0), id(3)));
    // No parent is not the zero id.
    assert!(!it.is_child_pool(id(0), id(0)));
    drop(it);
    // With what is below it.
    let world = World::linked(&[100, 20, 60, 40], &[(1, 3), (0, 1)], false);
    assert_eq!(world.units(0), n(60));
    assert_eq!(world.units(1), n(40));
}

#[motsu::test]
fn capacity_is_that_of_the_whole_subtree() {
    let world = tree(false);
    assert_eq!(world.effective(0), n(220));
    assert_eq!(world.effective(1), n(60));
    assert_eq!(world.effective(2), n(60));
    assert_eq!(world.effective(3), n(40));
    assert_eq!(world.effective(0x99), n(0));
    // At once, whatever the weights.
    world.set_capacity(3, 90);
    assert_eq!(world.effective(0), n(270));
    assert_eq!(world.weight(3), n(40));
}

#[motsu::test]
fn links_that_make_no_sense_are_refused() {
    let world = World::linked(&[100, 20, 60, 40, 10], &[(0, 1), (1, 2)], false);
    assert_eq!(world.try_link(OWNER, 0, 0), Err(SelfReference {}.into()));
    let linked = || Err(ChildAlreadyRegistered {}.into());
    assert_eq!(world.try_link(OWNER, 0, 1), linked());
    assert_eq!(world.try_link(OWNER, 3, 1), linked());
    let cycle = || Err(CyclicReference {}.into());
    assert_eq!(world.try_link(OWNER, 1, 0), cycle());
    assert_eq!(world.try_link(OWNER, 2, 0), cycle());
    let nowhere = || Err(TaskTypeDoesNotExist {}.into());
    assert_eq!(world.try_link(OWNER, 0, 0x99), nowhere());
    assert_eq!(world.try_link(OWNER, 0x99, 3), nowhere());
    world.registry.sender(OWNER).create(id(0x99));
    let no_pool = || Err(PoolDoesNotExist {}.into());
    assert_eq!(world.try_link(OWNER, 0, 0x99), no_pool());
    assert_eq!(world.try_link(OWNER, 0x99, 3), no_pool());
    // What is distributed to it at once would be nobody's.
    world.pools.sender(OWNER).set_weighting(id(3), n(3));
    assert_eq!(world.try_link(OWNER, 0, 3), Err(PaidByWork {}.into()));
    world.pools.sender(OWNER).set_weighting(id(3), n(2));
    world.link(0, 3);
    world.unlink(0, 3);
    let none = || Err(ChildNotRegistered {}.into());
    assert_eq!(world.try_unlink(OWNER, 0, 2), none());
    assert_eq!(world.try_unlink(OWNER, 0, 3), none());
    assert_eq!(world.children(0), vec![id(1)]);
}

#[motsu::test]
fn trees_have_eight_levels_below_the_root() {
    let world = World::new(&[1; 12], false);
    for number in 0..8 {
        world.link(number, number + 1);
    }
    assert_eq!(world.effective(0), n(9));
    let too_deep = |requested| {
        let (requested, max) = (n(requested), n(8));
        Err(DepthExceedsMax { requested, max }.into())
    };
    assert_eq!(world.try_link(OWNER, 8, 9), too_deep(9));
    // What is below the child counts.
    world.link(9, 10);
    world.link(10, 11);
    assert_eq!(world.try_link(OWNER, 6, 9), too_deep(9));
    assert_eq!(world.try_link(OWNER, 5, 9), Ok(()));
    // And what is above.
    assert_eq!(world.try_rebalance(0, 9), too_deep(9));
    assert_eq!(world.try_rebalance(0, 8), Ok(()));
    world.nested.assert_emitted(&HierarchyRebalanced {
        rootTaskTypeId: id(0),
        depth: n(8),
        totalEffectiveCapacity: n(12),
    });
}

#[motsu::test]
fn trees_have_sixteen_children_and_sixty_four_nodes() {
    let world = World::new(&[1; 70], false);
    for child in 1..=16 {
        world.link(0, child);
    }
    let max = n(16);
    let full = Err(TooManyChildren { max }.into());
    assert_eq!(world.try_link(OWNER, 0, 17), full);
    for child in 17..=32 {
        world.link(1, child);
    }
    for child in 33..=48 {
        world.link(2, child);
    }
    for child in 49..=62 {
        world.link(3, child);
    }
    // 63 so far; a tree of two would make 65.
    world.link(63, 64);
    let (count, max) = (n(65), n(64));
    let too_many = Err(TooManyNodes { count, max }.into());
    assert_eq!(world.try_link(OWNER, 4, 63), too_many);
    assert_eq!(world.try_link(OWNER, 4, 65), Ok(()));
    assert_eq!(world.effective(0), n(64));
    assert_eq!(world.try_rebalance(0, 8), Ok(()));
    assert_eq!(world.units(0), n(63));
}

#[motsu::test]
fn a_child_that_leaves_takes_its_units_along() {
    let world = tree(false);
    assert_eq!(world.units(0), n(120));
    world.unlink(0, 1);
    world.nested.assert_emitted(&ChildDeregistered {
        parentTaskTypeId: id(0),
        childTaskTypeId: id(1),
    });
    assert_eq!(world.units(0), n(60));
    assert_eq!(world.children(0), vec![id(2)]);
    assert_eq!(world.child(1), (false, B256::ZERO, n(0), n(0)));
    // What is below it stays below it.
    assert_eq!(world.units(1), n(40));
    assert_eq!(world.children(1), vec![id(3)]);
    world.unlink(0, 2);
    assert_eq!(world.units(0), n(0));
    assert!(world.children(0).is_empty());
    world.link(2, 1);
    assert_eq!(world.units(2), n(60));
}

#[motsu::test]
fn any_child_can_leave() {
    for leaver in 1..=3 {
        let world = World::linked(&[1, 1, 2, 4], &[(0, 1), (0, 2), (0, 3)], false);
        world.unlink(0, leaver);
        let mut left = world.children(0);
        left.sort();
        let expected: Vec<B256> = (1..=3).filter(|child| *child != leaver).map(id).collect();
        assert_eq!(left, expected);
        assert_eq!(world.units(0), n(7 - (1 << (leaver - 1))));
    }
}

// --- Weights

#[motsu::test]
fn rebalancing_follows_capacities() {
    let world = tree(false);
    world.set_capacity(3, 100);
    world.set_capacity(2, 30);
    world.rebalance(0, 8);
    world.nested.assert_emitted(&HierarchyRebalanced {
        rootTaskTypeId: id(0),
        depth: n(2),
        totalEffectiveCapacity: n(250),
    });
    assert_eq!(world.weight(1), n(120));
    assert_eq!(world.weight(2), n(30));
    assert_eq!(world.weight(3), n(100));
    assert_eq!(world.units(0), n(150));
    assert_eq!(world.units(1), n(100));
}

#[motsu::test]
fn depth_limits_what_is_rebalanced() {
    let world = tree(false);
    world.set_capacity(3, 100);
    world.set_capacity(2, 30);
    world.rebalance(0, 0);
    assert_eq!((world.units(0), world.units(1)), (n(120), n(40)));
    // One level: the children by their own capacity now and their children's weights as they were.
    world.rebalance(0, 1);
    assert_eq!((world.units(0), world.units(1)), (n(90), n(40)));
    world.nested.assert_emitted(&HierarchyRebalanced {
        rootTaskTypeId: id(0),
        depth: n(1),
        totalEffectiveCapacity: n(190),
    });
    // In parts, from the leaves up.
    world.rebalance(1, 1);
    assert_eq!((world.units(0), world.units(1)), (n(90), n(100)));
    assert_eq!(world.weight(1), n(60));
    world.rebalance(0, 1);
    assert_eq!((world.units(0), world.units(1)), (n(150), n(100)));
}

#[motsu::test]
fn rebalancing_needs_a_task_type_and_a_pool_that_agrees() {
    let world = tree(false);
    let nowhere = Err(TaskTypeDoesNotExist {}.into());
    assert_eq!(world.try_rebalance(0x99, 1), nowhere);
    world.pools.sender(OWNER).set_refuses(true);
    let refused = || Err(Revert(refusal("no")).into());
    assert_eq!(world.try_rebalance(0, 1), refused());
    assert_eq!(world.try_unlink(OWNER, 0, 1), refused());
    // A leaf has no children whose units could change.
    assert_eq!(world.try_rebalance(2, 8), Ok(()));
}

#[motsu::test]
fn weights_are_cut_off_where_capacities_are() {
    let world = World::new(&[1, 1, 1], false);
    let most = (U256::from(1) << 104) - n(1);
    world.registry.sender(OWNER).enter(id(1), SINK, U256::MAX);
    world.registry.sender(OWNER).enter(id(2), SINK, most);
    world.link(0, 1);
    world.link(0, 2);
    assert_eq!(world.weight(1), most);
    assert_eq!(world.weight(2), most);
    assert_eq!(world.units(0), most + most);
}

// --- Money

/// 220 wei into the root, of 220 units: 100 for its own sink; 120 to pass on, half to each child; the one passes on
/// two thirds of its half.
#[motsu::test]
fn money_reaches_the_leaves_in_one_call() {
    for connects in [false, true] {
        let world = tree(connects);
        world.pay(0, 2_200);
        world.rebalance(0, 8);
        assert_eq!(world.paid(0), n(1_000));
        assert_eq!(world.paid(1), n(200));
        assert_eq!(world.paid(2), n(600));
        assert_eq!(world.paid(3), n(400));
        assert_eq!(world.held(), n(0));
        for (child, amount) in [(1, 600), (2, 600), (3, 400)] {
            world.nested.assert_emitted(&PassedOn {
                childTaskTypeId: id(child),
                amount: n(amount),
            });
        }
        // Once.
        world.rebalance(0, 8);
        assert_eq!((world.paid(0), world.held()), (n(1_000), n(0)));
    }
}

#[motsu::test]
fn money_is_told_apart_by_where_it_came_from() {
    for connects in [false, true] {
        let world = World::linked(&[10, 10, 10, 10], &[(0, 1), (2, 3)], connects);
        world.pay(0, 2_000);
        world.pay(2, 6_000);
        // Tokens that somebody just sent belong to no parent.
        world
            .token
            .sender(OWNER)
            .mint(world.nested.address(), n(77));
        world.rebalance(0, 8);
        assert_eq!((world.paid(1), world.paid(3)), (n(1_000), n(0)));
        world.rebalance(2, 8);
        assert_eq!((world.paid(1), world.paid(3)), (n(1_000), n(3_000)));
        assert_eq!(world.held(), n(77));
    }
}

/// Weights that come late count late.
#[motsu::test]
fn what_was_earned_is_divided_by_the_weights_that_earned_it() {
    let world = tree(false);
    world.pay(0, 2_200);
    world.set_capacity(2, 6_000);
    world.rebalance(0, 1);
    assert_eq!(world.paid(2), n(0));
    assert_eq!(world.due(2), n(600));
    assert_eq!(world.weight(2), n(6_000));
}

#[motsu::test]
fn a_newcomer_gets_nothing_of_what_was_earned_before() {
    let world = World::linked(&[100, 20, 20], &[(0, 1)], false);
    world.pay(0, 1_200);
    world.link(0, 2);
    assert_eq!(world.paid(1), n(200));
    world.pay(0, 1_400);
    world.rebalance(0, 8);
    assert_eq!((world.paid(1), world.paid(2)), (n(400), n(200)));
}

#[motsu::test]
fn who_leaves_gets_what_was_earned_before() {
    let world = World::linked(&[100, 20, 20], &[(0, 1), (0, 2)], false);
    world.pay(0, 1_400);
    world.unlink(0, 2);
    assert_eq!((world.paid(1), world.paid(2)), (n(200), n(200)));
    world.pay(0, 1_200);
    world.rebalance(0, 8);
    assert_eq!((world.paid(1), world.paid(2)), (n(400), n(200)));
}

/// 7 units divide 7 wei. However often somebody calls in between, a sibling with finer units gets nothing of it.
#[motsu::test]
fn what_is_too_little_waits_for_its_child() {
    let world = World::linked(&[1, 7, 7], &[(0, 1), (0, 2)], false);
    // A pool with units enough that nothing fits.
    world.pool(1).sender(OWNER).set_units(ALICE, n(993));
    for _ in 0..10 {
        world.pay(0, 150);
        world.rebalance(0, 8);
    }
    assert_eq!((world.due(1), world.paid(1)), (n(700), n(0)));
    assert_eq!((world.due(2), world.paid(2)), (n(0), n(700)));
    assert_eq!(world.held(), n(700));
    for _ in 0..5 {
        world.pay(0, 150);
        world.rebalance(0, 8);
    }
    assert_eq!((world.due(1), world.paid(1)), (n(50), n(7)));
    assert_eq!((world.due(2), world.paid(2)), (n(0), n(1_050)));
}

#[motsu::test]
fn what_does_not_divide_is_divided_later() {
    let world = World::linked(&[1, 1, 1, 1], &[(0, 1), (0, 2), (0, 3)], false);
    // 3 of 4 wei, a wei each; then, with units of 2 more, 8 of 12 which do not divide by 3.
    world.pay(0, 4);
    world.rebalance(0, 8);
    assert_eq!((world.paid(1), world.held()), (n(1), n(0)));
    world.pool(0).sender(OWNER).set_units(ALICE, n(1));
    let nested = world.nested.address();
    world.pool(0).sender(OWNER).set_units(nested, n(2));
    world.pay(0, 16);
    world.rebalance(0, 0);
    assert_eq!(world.held(), n(0));
    // 8 wei are here: 2 each, 2 wait.
    world.rebalance(0, 8);
    assert_eq!((world.paid(1), world.held()), (n(3), n(2)));
    world.pay(0, 5);
    world.rebalance(0, 8);
    // 5 now: one each, 2 wait.
    assert_eq!((world.paid(1), world.held()), (n(4), n(2)));
}

#[motsu::test]
fn a_pool_without_units_is_paid_when_it_has_some() {
    let world = World::linked(&[100, 20, 20], &[(0, 1), (0, 2)], false);
    world.pay(0, 1_400);
    world.set_capacity(1, 0);
    world.rebalance(0, 8);
    assert_eq!((world.due(1), world.paid(1)), (n(200), n(0)));
    assert_eq!(world.paid(2), n(200));
    world.set_capacity(1, 20);
    world.rebalance(0, 8);
    assert_eq!((world.due(1), world.paid(1)), (n(0), n(200)));
}

#[motsu::test]
fn without_weights_nothing_is_divided() {
    let world = World::linked(&[100, 20], &[(0, 1)], false);
    world.set_capacity(1, 0);
    world.rebalance(0, 8);
    assert_eq!(world.units(0), n(0));
    world.pay(0, 100);
    world.rebalance(0, 8);
    assert_eq!((world.paid(0), world.held()), (n(100), n(0)));
}

#[motsu::test]
fn a_pool_that_cannot_be_paid_does_not_stop_the_others() {
    let world = tree(false);
    let stuck = world.pool(1).address();
    world.host.sender(OWNER).refuse(stuck, true);
    world.pay(0, 2_200);
    world.rebalance(0, 8);
    world.nested.assert_emitted(&PassingOnFailed {
        childTaskTypeId: id(1),
        amount: n(600),
    });
    assert_eq!((world.due(1), world.held()), (n(600), n(600)));
    assert_eq!((world.paid(1), world.paid(2)), (n(0), n(600)));
    // It stays due to the child, also when that has left.
    world.unlink(0, 1);
    assert_eq!(world.due(1), n(600));
    world.host.sender(OWNER).refuse(stuck, false);
    world.rebalance(1, 8);
    assert_eq!((world.due(1), world.held()), (n(0), n(0)));
    assert_eq!((world.paid(1), world.paid(3)), (n(200), n(400)));
}

#[motsu::test]
fn what_cannot_be_claimed_is_not_passed_on() {
    let world = tree(false);
    world.pay(0, 2_200);
    world.pool(0).sender(OWNER).set_refuses(true);
    let refused = Err(Revert(refusal("no claim")).into());
    assert_eq!(world.try_rebalance(0, 8), refused);
    world.pool(0).sender(OWNER).set_refuses(false);
    world.rebalance(0, 8);
    assert_eq!(world.held(), n(0));
}
