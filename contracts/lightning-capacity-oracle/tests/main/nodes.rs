//! Construction, ownership, and who is a node.

use alloy_primitives::{keccak256, Address, FixedBytes, B256, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_blocks, advance_time, timestamp},
    curve::KeyNotProven,
    ownable::{OwnableInvalidOwner, OwnableUnauthorizedAccount},
    powers::{PowerAnnounced, MIN_NOTICE},
    returns::Returns,
};
use motsu::prelude::*;

use crate::{
    capacity_registry, contract::*, node, number, operator, World, CHAIN, LIGHTNING, MIN_STAKE,
    OWNER, RELAYER, SATS_PER_UNIT, TOKEN,
};

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::new();
    let it = world.oracle.sender(RELAYER);
    assert_eq!(it.core_registry(), world.registry.address());
    assert_eq!(it.stake_manager(), world.stakes.address());
    assert_eq!(it.key_registry(), world.keys.address());
    assert_eq!(it.lightning_task_type_id(), LIGHTNING);
    assert_eq!(it.lightning_task_type_id_constant(), LIGHTNING);
    assert_eq!(it.sats_per_unit(), number(SATS_PER_UNIT));
    assert_eq!(it.max_attestation_age(), number(600));
    assert_eq!(it.ewma_alpha_bps(), number(3_000));
    assert_eq!(it.bps(), number(10_000));
    assert_eq!(it.node_count(), U256::ZERO);
    assert_eq!(it.get_all_nodes(), Returns((vec![], vec![])));
    assert_eq!(
        it.lightning_attestation_typehash(),
        keccak256("LightningAttestation(bytes32 nodePubkey,address operator,uint256 outboundCapacitySats,uint256 channelCount,uint256 pendingHTLCs,uint256 timestamp,uint256 nonce)")
    );
    assert_eq!(
        it.eip712_domain(),
        Returns((
            FixedBytes([0x0f]),
            "Pura-LightningOracle".to_owned(),
            "1".to_owned(),
            U256::from(CHAIN),
            world.oracle.address(),
            B256::ZERO,
            vec![]
        ))
    );
    drop(it);
    assert_eq!(world.owner(), OWNER);
    world.oracle.assert_emitted(&SatsPerUnitSet {
        satsPerUnit: number(SATS_PER_UNIT),
    });
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(other: Contract<LightningCapacityOracle>) {
    let world = World::new();
    let stakes = world.stakes.address();
    let good = [world.registry.address(), stakes, world.keys.address()];
    let construct = |[registry, stakes, keys]: [Address; 3], id, scale, owner| {
        other
            .sender(OWNER)
            .constructor(registry, stakes, keys, id, scale, owner)
            .motsu_unwrap_err()
    };
    let (one, nobody) = (number(1), Address::ZERO);
    let refused = OwnableInvalidOwner { owner: nobody };
    assert_eq!(
        construct(good, LIGHTNING, one, nobody),
        Error::Ownable(refused.into())
    );
    for place in 0..3 {
        let mut neighbours = good;
        neighbours[place] = RELAYER;
        let refused = Error::from(NotAContract { account: RELAYER });
        assert_eq!(construct(neighbours, LIGHTNING, one, OWNER), refused);
    }
    assert_eq!(
        construct(good, node(9), one, OWNER),
        TaskTypeDoesNotExist {}.into()
    );
    // A stand-in that knows no task types is no obstacle.
    let fresh = Contract::<LightningCapacityOracle>::new();
    let mut it = fresh.sender(OWNER);
    let it = it.constructor(stakes, stakes, stakes, LIGHTNING, one, OWNER);
    assert_eq!(it.motsu_res(), Ok(()));
    for scale in [U256::ZERO, number(2_100_000_000_000_001), U256::MAX] {
        assert_eq!(
            construct(good, LIGHTNING, scale, OWNER),
            InvalidSatsPerUnit { satsPerUnit: scale }.into()
        );
    }
}

/// The attack: whoever comes first has another one's node.
#[motsu::test]
fn a_node_is_whose_its_key_says() {
    let world = World::new();
    for seed in [1, 2] {
        world.stake(operator(seed), MIN_STAKE);
    }
    let register = |seed: u8, node: B256| {
        let mut it = world.oracle.sender(operator(seed));
        it.register_node(node, U256::ZERO).motsu_res()
    };
    for key in [node(1), B256::ZERO] {
        assert_eq!(register(2, key), Err(KeyNotProven { key }.into()));
    }
    world.keys.sender(OWNER).set(node(1), operator(1));
    let key = node(1);
    assert_eq!(register(2, key), Err(KeyNotProven { key }.into()));
    register(1, node(1)).unwrap();
    let refused = world.deregister(operator(2), node(1));
    assert_eq!(refused, Err(NotOperator {}.into()));
    // The key names another operator: anyone takes the entry off, which is his then.
    world.keys.sender(OWNER).set(node(1), operator(2));
    let refused = register(2, node(1));
    assert_eq!(refused, Err(NodeAlreadyRegistered {}.into()));
    world.deregister(operator(2), node(1)).unwrap();
    assert!(!world.is_sink(operator(1)));
    register(2, node(1)).unwrap();
    assert_eq!(
        world.oracle.sender(RELAYER).get_operator(node(1)),
        operator(2)
    );
}

#[motsu::test]
fn the_owner_alone_sets_the_scale() {
    let world = World::new();
    let set = |who, scale| {
        let mut it = world.oracle.sender(who);
        it.set_sats_per_unit(scale).motsu_res()
    };
    let refused = OwnableUnauthorizedAccount { account: RELAYER };
    assert_eq!(set(RELAYER, number(5)), Err(Error::Ownable(refused.into())));
    let zero = U256::ZERO;
    assert_eq!(
        set(OWNER, zero),
        Err(InvalidSatsPerUnit { satsPerUnit: zero }.into())
    );
    set(OWNER, number(2_100_000_000_000_000)).unwrap();
    let it = || world.oracle.sender(RELAYER);
    let most = number(2_100_000_000_000_000);
    assert_eq!(it().sats_per_unit(), most, "more sats to a unit: at once");
    // The attack: of a sudden every node declares, and owes, all that its stake backs.
    set(OWNER, number(5)).unwrap();
    world.oracle.assert_emitted(&SatsPerUnitSet {
        satsPerUnit: number(5),
    });
    let from = number(timestamp() + MIN_NOTICE);
    world.oracle.assert_emitted(&PowerAnnounced {
        at: world.oracle.address(),
        power: SCALE,
        to: Address::ZERO,
        from,
    });
    advance_time(MIN_NOTICE - 1);
    assert_eq!(it().sats_per_unit(), most);
    assert_eq!(it().announced_sats_per_unit(), (number(5), from));
    advance_time(1);
    assert_eq!(it().sats_per_unit(), number(5));
    assert_eq!(it().announced_sats_per_unit(), (zero, zero));
    // Announced, and taken back by what holds at once.
    set(OWNER, number(4)).unwrap();
    set(OWNER, number(5)).unwrap();
    assert_eq!(it().announced_sats_per_unit(), (zero, zero));
    advance_time(2 * MIN_NOTICE);
    assert_eq!(it().sats_per_unit(), number(5));
    // A layout in which fields overlap would show here.
    assert_eq!(it().stake_manager(), world.stakes.address());
    assert_eq!(it().core_registry(), world.registry.address());
    assert_eq!(it().lightning_task_type_id(), LIGHTNING);
}

#[motsu::test]
fn who_has_the_stake_registers_a_node() {
    let world = World::new();
    let who = operator(1);
    let available = |available| {
        Err(InsufficientStake {
            required: TOKEN * number(MIN_STAKE),
            available: TOKEN * number(available),
        }
        .into())
    };
    assert_eq!(world.register(who, node(1), 500), available(0));
    world.stake(who, MIN_STAKE - 1);
    assert_eq!(world.register(who, node(1), 500), available(MIN_STAKE - 1));
    world.stake(who, 1);
    world.register(who, node(1), 500).unwrap();
    world.oracle.assert_emitted(&LightningNodeRegistered {
        nodePubkey: node(1),
        operator: who,
        initialCapacity: number(500),
    });
    let it = world.oracle.sender(RELAYER);
    assert_eq!(it.get_operator(node(1)), who);
    assert_eq!(it.get_node_of(who), node(1));
    assert_eq!(it.get_smoothed_capacity(node(1)), number(150));
    assert_eq!(it.get_pending_htlcs(node(1)), U256::ZERO);
    assert_eq!(it.last_nonce(who), U256::ZERO);
    let zero = U256::ZERO;
    // Smoothed from zero: 150 sats of a million.
    assert_eq!(
        it.get_node(node(1)),
        (
            who,
            number(150),
            zero,
            number(150_000),
            number(500),
            zero,
            number(timestamp())
        )
    );
    assert_eq!(
        it.get_node(node(2)),
        (Address::ZERO, zero, zero, zero, zero, zero, zero)
    );
}

#[motsu::test]
fn an_operator_has_one_node_and_a_node_one_operator() {
    let world = World::new();
    world.member(1, 500);
    world.stake(operator(2), MIN_STAKE);
    assert_eq!(
        world.register(operator(2), node(1), 1),
        Err(NodeAlreadyRegistered {}.into())
    );
    assert_eq!(
        world.register(operator(1), node(2), 1),
        Err(OperatorHasNode {
            nodePubkey: node(1)
        }
        .into())
    );
    world.register(operator(2), node(2), 0).unwrap();
    world.stake(operator(3), MIN_STAKE);
    world.keys.sender(OWNER).set(node(3), operator(3));
    // The attack: more than there are. Of that counts what the stake backs, 10 units, smoothed from zero.
    world
        .oracle
        .sender(operator(3))
        .register_node(node(3), U256::MAX)
        .motsu_unwrap();
    let it = world.oracle.sender(RELAYER);
    let all = [150, 0, 3_000_000].map(number);
    assert_eq!(
        it.get_all_nodes(),
        Returns(([1, 2, 3].map(node).into(), all.into()))
    );
    assert_eq!(
        it.get_nodes_page(number(1), number(1)),
        Returns((vec![node(2)], vec![U256::ZERO]))
    );
    assert_eq!(
        it.get_nodes_page(number(3), U256::MAX),
        Returns((vec![], vec![]))
    );
    assert_eq!(it.node_count(), number(3));
}

#[motsu::test]
fn the_operator_alone_deregisters_while_it_has_the_stake() {
    let world = World::new();
    for seed in [1, 2, 3] {
        world.member(seed, 500);
    }
    assert_eq!(
        world.deregister(RELAYER, node(1)),
        Err(NotOperator {}.into())
    );
    assert_eq!(
        world.deregister(operator(2), node(1)),
        Err(NotOperator {}.into())
    );
    assert_eq!(
        world.deregister(operator(1), node(4)),
        Err(NodeNotRegistered {}.into())
    );
    world.deregister(operator(1), node(1)).unwrap();
    world.oracle.assert_emitted(&LightningNodeDeregistered {
        nodePubkey: node(1),
        operator: operator(1),
    });
    assert_eq!(
        world.deregister(operator(1), node(1)),
        Err(NodeNotRegistered {}.into())
    );
    let it = world.oracle.sender(RELAYER);
    assert_eq!(it.get_operator(node(1)), Address::ZERO);
    assert_eq!(it.get_node_of(operator(1)), B256::ZERO);
    assert_eq!(it.get_smoothed_capacity(node(1)), U256::ZERO);
    assert_eq!(it.get_all_nodes().0 .0, [3, 2].map(node));
    drop(it);
    // It is free for another, and its operator for another.
    world.register(operator(1), node(4), 0).unwrap();
    world.stake(operator(5), MIN_STAKE);
    world.register(operator(5), node(1), 7).unwrap();
    assert_eq!(world.smoothed(node(1)), number(2));
}

/// The attack: one stake that moves from account to account lists many nodes.
#[motsu::test]
fn a_node_locks_its_stake_and_lasts_as_long() {
    let world = World::new();
    let squatter = operator(1);
    world.stake(squatter, MIN_STAKE);
    world.register(squatter, node(1), 500).unwrap();
    assert_eq!(
        world.deregister(RELAYER, node(1)),
        Err(NotOperator {}.into())
    );
    assert!(world.is_sink(squatter));
    let unstake = world.stakes.sender(squatter).unstake(number(1));
    assert!(unstake.motsu_res().is_err());
    world.leave_core(squatter);
    world.deregister(RELAYER, node(1)).unwrap();
    world.oracle.assert_emitted(&LightningNodeDeregistered {
        nodePubkey: node(1),
        operator: squatter,
    });
}

#[motsu::test]
fn who_is_no_node_any_more_is_no_sink() {
    let world = World::new();
    world.member(1, 500);
    assert!(world.is_sink(operator(1)));
    world.deregister(operator(1), node(1)).unwrap();
    assert!(!world.is_sink(operator(1)));
    assert_eq!(world.raw_capacity(operator(1)), U256::ZERO);

    // Slashed below the minimum.
    world.member(2, 500);
    let slash = |amount: u64| {
        world
            .stakes
            .sender(OWNER)
            .slash(operator(2), TOKEN * number(amount), B256::ZERO)
            .motsu_unwrap();
        // 30 % a day.
        while !world.stakes.sender(OWNER).get_owed(operator(2)).0.is_zero() {
            advance_time(86_400);
            let take = world.stakes.sender(OWNER).take_owed(operator(2));
            take.motsu_unwrap();
        }
        advance_time(86_400);
    };
    slash(10_000 - MIN_STAKE);
    assert!(world.deregister(RELAYER, node(2)).is_err());
    slash(1);
    world.deregister(RELAYER, node(2)).unwrap();
    assert!(!world.is_sink(operator(2)));
}

#[motsu::test]
fn an_oracle_that_lost_its_authority_does_not_hold_operators() {
    let world = World::new();
    world.member(1, 500);
    let oracle = world.oracle.address();
    world
        .registry
        .sender(OWNER)
        .set_adapter(oracle, false)
        .motsu_unwrap();
    let refused = capacity_registry::NotAuthorizedAdapter { caller: oracle };
    use alloy_sol_types::SolError;
    assert_eq!(
        world.deregister(operator(1), node(1)),
        Err(Revert(refused.abi_encode()).into())
    );
    world
        .registry
        .sender(operator(1))
        .deregister_sink(LIGHTNING)
        .motsu_unwrap();
    world.deregister(operator(1), node(1)).unwrap();
}

#[motsu::test]
fn leaving_and_coming_back_is_no_way_around_smoothing() {
    let world = World::new();
    world.member(1, 1_000);
    world.deregister(operator(1), node(1)).unwrap();
    // Neither with another node, in the same block,
    world.register(operator(1), node(2), 2_000_000).unwrap();
    assert_eq!(world.smoothed(node(2)), number(300));
    world.deregister(operator(1), node(2)).unwrap();
    // nor later: a step as any other. 0.3 · 2000 + 0.7 · 300.
    advance_blocks(1);
    world.register(operator(1), node(1), 2_000).unwrap();
    assert_eq!(world.smoothed(node(1)), number(810));
}
