//! Construction, ownership, and who is in the pool.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolError;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable::{OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use motsu::prelude::*;

use crate::{
    capacity_registry,
    contract::*,
    neighbours::{refusal, Balanced, Reduced},
    node, number, operator, stake_manager, units, World, ANYONE, LIGHTNING, MILLION, OWNER, TOKEN,
};

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::uninitialized();
    let it = world.pool.sender(ANYONE);
    assert_eq!(it.backpressure_pool(), world.units.address());
    assert_eq!(it.capacity_registry(), world.registry.address());
    assert_eq!(it.lightning_oracle(), world.oracle.address());
    assert_eq!(it.pricing_curve(), world.pricing.address());
    assert_eq!(it.lightning_task_type_id(), LIGHTNING);
    assert!(!it.pool_initialized());
    assert_eq!(it.get_pool_address().motsu_unwrap(), Address::ZERO);
    assert_eq!(it.node_count(), U256::ZERO);
    assert_eq!(it.max_nodes(), number(64));
    assert_eq!(it.max_route_nodes(), number(10));
    assert_eq!(it.bps(), number(10_000));
    drop(it);
    assert_eq!(world.owner(), OWNER);
    world.pool.assert_emitted(&PricingCurveSet {
        pricingCurve: world.pricing.address(),
    });
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(other: Contract<LightningRoutingPool>) {
    let world = World::uninitialized();
    let good = [
        world.units.address(),
        world.registry.address(),
        world.oracle.address(),
        world.pricing.address(),
    ];
    let construct = |[pools, registry, oracle, pricing]: [Address; 4], id, owner| {
        other
            .sender(OWNER)
            .constructor(pools, registry, oracle, pricing, id, owner)
            .motsu_res()
    };
    for place in 0..4 {
        let mut neighbours = good;
        neighbours[place] = ANYONE;
        let refused = NotAContract { account: ANYONE };
        assert_eq!(construct(neighbours, LIGHTNING, OWNER), Err(refused.into()));
    }
    let refused = WrongTaskType {
        oracleTaskTypeId: LIGHTNING,
    };
    assert_eq!(construct(good, node(2), OWNER), Err(refused.into()));
    let refused = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(
        construct(good, LIGHTNING, Address::ZERO),
        Err(Error::Ownable(refused.into()))
    );
    let [pools, registry, oracle, _] = good;
    construct([pools, registry, oracle, Address::ZERO], LIGHTNING, OWNER).unwrap();
    assert_eq!(other.sender(OWNER).pricing_curve(), Address::ZERO);
}

#[motsu::test]
fn the_owner_alone_names_the_pricing_curve() {
    let world = World::new();
    let set = |who, curve| {
        let mut it = world.pool.sender(who);
        it.set_pricing_curve(curve).motsu_res()
    };
    let refused = OwnableUnauthorizedAccount { account: ANYONE };
    assert_eq!(
        set(ANYONE, Address::ZERO),
        Err(Error::Ownable(refused.into()))
    );
    let refused = NotAContract { account: ANYONE };
    assert_eq!(set(OWNER, ANYONE), Err(refused.into()));
    set(OWNER, Address::ZERO).unwrap();
    world.pool.assert_emitted(&PricingCurveSet {
        pricingCurve: Address::ZERO,
    });
    let it = world.pool.sender(ANYONE);
    assert_eq!(it.pricing_curve(), Address::ZERO);
    // A layout in which fields overlap would show here.
    assert!(it.pool_initialized());
    assert_eq!(it.lightning_oracle(), world.oracle.address());
    assert_eq!(it.lightning_task_type_id(), LIGHTNING);
}

#[motsu::test]
fn anyone_initialises_once() {
    let world = World::uninitialized();
    let initialize = || {
        let mut it = world.pool.sender(ANYONE);
        it.initialize_pool().motsu_res()
    };
    world.equip(1, MILLION, 0);
    assert_eq!(world.join(1), Err(PoolNotInitialized {}.into()));
    let rebalanced = world.pool.sender(ANYONE).rebalance().motsu_res();
    assert_eq!(rebalanced, Err(PoolNotInitialized {}.into()));
    world.units.sender(OWNER).set_refuses(true);
    assert_eq!(initialize(), Err(Revert(refusal()).into()));
    world.units.sender(OWNER).set_refuses(false);
    initialize().unwrap();
    let it = || world.pool.sender(ANYONE);
    assert!(it().pool_initialized());
    assert_eq!(
        it().get_pool_address().motsu_unwrap(),
        Address::repeat_byte(0x99)
    );
    assert_eq!(initialize(), Err(PoolAlreadyInitialized {}.into()));
}

#[motsu::test]
fn a_pool_that_is_there_is_taken() {
    let world = World::uninitialized();
    world
        .units
        .sender(ANYONE)
        .create_pool(LIGHTNING)
        .motsu_unwrap();
    // The pool would refuse a second one.
    world.pool.sender(ANYONE).initialize_pool().motsu_unwrap();
    assert!(world.pool.sender(ANYONE).pool_initialized());
}

#[motsu::test]
fn an_operator_joins_with_its_node_and_is_a_sink() {
    let world = World::new();
    world.equip(1, 30 * MILLION, 2);
    assert_eq!(world.join_by(ANYONE, 1), Err(NotNodeOperator {}.into()));
    assert_eq!(world.join(2), Err(NotNodeOperator {}.into()));
    world.join(1).unwrap();
    world.pool.assert_emitted(&NodeJoinedPool {
        nodePubkey: node(1),
        operator: operator(1),
    });
    // 30 units, for three payments.
    assert_eq!(world.raw_capacity(1), units(10));
    world.units.assert_emitted(&Balanced {
        taskTypeId: LIGHTNING,
        sink: operator(1),
    });
    let it = world.pool.sender(ANYONE);
    assert!(it.is_node_in_pool(node(1)));
    assert!(!it.is_node_in_pool(node(2)));
    assert_eq!(it.get_member(node(1)), operator(1));
    assert_eq!(it.node_count(), number(1));
    drop(it);
    assert_eq!(world.join(1), Err(NodeAlreadyInPool {}.into()));
    assert_eq!(world.members(), [node(1)]);
}

#[motsu::test]
fn what_the_core_refuses_is_refused() {
    let world = World::new();
    world.know(1, operator(1), MILLION, 0);
    let refused = stake_manager::InsufficientStake {
        required: TOKEN * number(100),
        available: U256::ZERO,
    };
    assert_eq!(world.join(1), Err(Revert(refused.abi_encode()).into()));
    world.equip(1, MILLION, 0);
    world.units.sender(OWNER).refuse_sink(operator(1));
    assert_eq!(world.join(1), Err(Revert(refusal()).into()));
    assert!(!world.is_sink(1));
    assert_eq!(world.members(), [] as [B256; 0]);
    world.units.sender(OWNER).refuse_sink(Address::ZERO);
    world.join(1).unwrap();
}

#[motsu::test]
fn an_operator_is_in_the_pool_once() {
    let world = World::new();
    world.member(1, MILLION, 0);
    // The oracle gives it another node.
    world.know(1, Address::ZERO, 0, 0);
    world.know(2, operator(1), MILLION, 0);
    assert_eq!(
        world.join_by(operator(1), 2),
        Err(OperatorAlreadyInPool {
            nodePubkey: node(1)
        }
        .into())
    );
    world.leave_by(operator(1), 1).unwrap();
    world.join_by(operator(1), 2).unwrap();
    assert_eq!(world.members(), [node(2)]);
    assert!(world.is_sink(1));
}

#[motsu::test]
fn who_is_a_sink_already_joins_as_it_is() {
    let world = World::new();
    world.equip(1, 30 * MILLION, 0);
    world
        .registry
        .sender(operator(1))
        .register_sink(LIGHTNING, units(7))
        .motsu_unwrap();
    world.join(1).unwrap();
    assert_eq!(world.raw_capacity(1), units(7));
    assert_eq!(world.members(), [node(1)]);
}

#[motsu::test]
fn there_are_64_nodes_at_most() {
    let world = World::new();
    for seed in 1..=64 {
        world.member(seed, MILLION, 0);
    }
    world.equip(65, MILLION, 0);
    assert_eq!(world.join(65), Err(TooManyNodes {}.into()));
    world.leave_by(operator(3), 3).unwrap();
    world.join(65).unwrap();
    assert_eq!(world.members()[2], node(64));
    assert_eq!(world.members()[63], node(65));
    let page = world
        .pool
        .sender(ANYONE)
        .get_nodes_page(number(62), number(5));
    assert_eq!(page, [node(63), node(65)]);
}

#[motsu::test]
fn the_operator_leaves_and_is_no_sink_any_more() {
    let world = World::new();
    for seed in [1, 2, 3] {
        world.member(seed, MILLION, 0);
    }
    for other in [ANYONE, operator(2), OWNER] {
        assert_eq!(world.leave_by(other, 1), Err(NotNodeOperator {}.into()));
    }
    assert_eq!(world.leave_by(operator(1), 4), Err(NodeNotInPool {}.into()));
    world.leave_by(operator(1), 1).unwrap();
    world.pool.assert_emitted(&NodeLeftPool {
        nodePubkey: node(1),
        operator: operator(1),
    });
    world.units.assert_emitted(&Reduced {
        taskTypeId: LIGHTNING,
        sink: operator(1),
        capacity: U256::ZERO,
    });
    assert!(!world.is_sink(1));
    assert_eq!(world.members(), [3, 2].map(node));
    let it = world.pool.sender(ANYONE);
    assert_eq!(it.get_member(node(1)), Address::ZERO);
    drop(it);
    assert_eq!(world.leave_by(operator(1), 1), Err(NodeNotInPool {}.into()));
}

#[motsu::test]
fn anyone_takes_out_what_the_oracle_or_the_core_no_longer_knows() {
    let world = World::new();
    for seed in [1, 2, 3] {
        world.member(seed, MILLION, 0);
    }
    // Nobody's; another's; its operator has left the core.
    world.know(1, Address::ZERO, 0, 0);
    world.know(2, operator(9), MILLION, 0);
    world
        .registry
        .sender(operator(3))
        .deregister_sink(LIGHTNING)
        .motsu_unwrap();
    for seed in [1, 2, 3] {
        world.leave_by(ANYONE, seed).unwrap();
        assert!(!world.is_sink(seed));
        world.pool.assert_emitted(&NodeLeftPool {
            nodePubkey: node(seed),
            operator: operator(seed),
        });
    }
    assert_eq!(world.members(), [] as [B256; 0]);
}

#[motsu::test]
fn a_pool_that_lost_its_authority_does_not_hold_operators() {
    let world = World::new();
    world.member(1, MILLION, 0);
    let caller = world.pool.address();
    world
        .registry
        .sender(OWNER)
        .set_adapter(caller, false)
        .motsu_unwrap();
    let refused = capacity_registry::NotAuthorizedAdapter { caller }.abi_encode();
    assert_eq!(world.leave_by(operator(1), 1), Err(Revert(refused).into()));
    world
        .registry
        .sender(operator(1))
        .deregister_sink(LIGHTNING)
        .motsu_unwrap();
    world.leave_by(operator(1), 1).unwrap();
}
