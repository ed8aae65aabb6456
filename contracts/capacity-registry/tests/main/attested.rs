//! Task types in which adapters alone say what sinks can do: the attacks that open ones allow.

use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::SolValue;
use bpe_common::clock::testing::{advance_blocks, advance_time};
use bpe_testing::{Notice, Pool, Token};
use motsu::prelude::*;

use crate::{
    contract::*,
    registry::{tokens, units, World, ADAPTER, AGGREGATOR, CODE, NONCE},
    stake_manager::StakeManager,
};

/// A task type of the adapter's.
const RELAYS: B256 = B256::repeat_byte(0x4e);

fn world<'a>(
    registry: &'a Contract<CapacityRegistry>,
    stakes: &'a Contract<StakeManager>,
    token: &'a Contract<Token>,
    owner: Address,
) -> World<'a> {
    let world = World::new(registry, stakes, token, owner);
    let create = registry
        .sender(ADAPTER)
        .register_task_type(RELAYS, tokens(100));
    create.motsu_unwrap();
    registry
        .sender(ADAPTER)
        .require_attestations(RELAYS)
        .motsu_unwrap();
    world
}

fn by_adapter(
    registry: &Contract<CapacityRegistry>,
    id: B256,
    sink: Address,
    capacity: U256,
) -> Result<(), Error> {
    registry
        .sender(ADAPTER)
        .update_capacity_from_aggregator(id, sink, capacity)
        .motsu_res()
}

#[motsu::test]
fn creators_have_capacities_attested_for_ever(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    alice: Address,
) {
    let world = world(&registry, &stakes, &token, owner);
    let is = |id| registry.sender(alice).is_attested(id);
    assert!(is(RELAYS));
    registry.assert_emitted(&AttestationsRequired { taskTypeId: RELAYS });
    assert!(!is(CODE));
    for caller in [alice, ADAPTER] {
        let require = registry.sender(caller).require_attestations(CODE);
        let error = NotTaskTypeCreator { caller };
        assert_eq!(require.motsu_res(), Err(error.into()));
    }
    // Of a task type that is not there, nobody is the creator.
    let none = registry.sender(owner).require_attestations(NONCE);
    assert!(none.motsu_res().is_err());
    let require = registry.sender(owner).require_attestations(CODE);
    require.motsu_unwrap();
    assert!(is(CODE));
    assert!(!registry.sender(owner).is_bonded(CODE));
    // It stays what it was besides.
    world.stake(alice, 10_000);
    world.register(CODE, alice, units(10)).unwrap();
    assert_eq!(world.smoothed(CODE, alice), U256::ZERO);
}

/// The attack: twelve reveals take a node from 10 to 98 units, past what is attested of it.
#[motsu::test]
fn nobody_reveals_a_capacity_past_what_is_attested(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    alice: Address,
) {
    let world = world(&registry, &stakes, &token, owner);
    world.stake(alice, 10_000);
    // Registered by itself it has nothing, whatever it says.
    world.register(RELAYS, alice, U256::MAX).unwrap();
    assert_eq!(world.raw(RELAYS, alice), U256::ZERO);
    advance_blocks(1);
    by_adapter(&registry, RELAYS, alice, units(10)).unwrap();
    for _ in 0..12 {
        let hash = keccak256((units(100), NONCE).abi_encode());
        let commit = registry.sender(alice).commit_capacity(RELAYS, hash);
        commit.motsu_unwrap();
        advance_blocks(21);
        let reveal = registry
            .sender(alice)
            .reveal_capacity(RELAYS, units(100), NONCE);
        let error = NotAuthorizedAdapter { caller: alice };
        assert_eq!(reveal.motsu_res(), Err(error.into()));
    }
    assert_eq!(world.smoothed(RELAYS, alice), units(3));
    // Nor does the aggregator, for whom sinks sign themselves.
    let update =
        registry
            .sender(AGGREGATOR)
            .update_capacity_from_aggregator(RELAYS, alice, units(100));
    assert_eq!(update.motsu_res(), Err(NotAuthorizedAggregator {}.into()));
}

/// The attack: a first value, which nothing proves, counts at once for all that the stake backs.
#[motsu::test]
fn a_first_capacity_is_cut_and_smoothed_from_zero(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    alice: Address,
) {
    let world = world(&registry, &stakes, &token, owner);
    world.stake(alice, 10_000);
    let register = |capacity| {
        registry
            .sender(ADAPTER)
            .register_sink_for(RELAYS, alice, capacity)
            .motsu_unwrap()
    };
    register(U256::MAX);
    assert_eq!(world.raw(RELAYS, alice), units(100));
    assert_eq!(world.smoothed(RELAYS, alice), units(30));
    assert_eq!(world.total(RELAYS), units(30));
    // Leaving and coming back is no second first time.
    world.leave(RELAYS, alice).unwrap();
    advance_time(86_400);
    register(U256::MAX);
    assert_eq!(world.smoothed(RELAYS, alice), units(30));
    // In an open task type nothing has changed.
    world.leave(RELAYS, alice).unwrap();
    advance_time(86_400);
    world.register(CODE, alice, units(50)).unwrap();
    assert_eq!(world.smoothed(CODE, alice), units(50));
}

/// The attack: an attestation of ninety days ago is paid like a new one.
#[motsu::test]
fn an_adapter_limits_what_has_grown_old_at_once(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    pool: Contract<Pool>,
    owner: Address,
    alice: Address,
) {
    let world = world(&registry, &stakes, &token, owner);
    registry
        .sender(owner)
        .set_pool(pool.address())
        .motsu_unwrap();
    world.stake(alice, 10_000);
    let register = registry
        .sender(ADAPTER)
        .register_sink_for(RELAYS, alice, units(100));
    register.motsu_unwrap();
    let limit = |caller: Address, sink, limit: U256| {
        registry
            .sender(caller)
            .limit_capacity_for(RELAYS, sink, limit)
            .motsu_res()
    };
    for caller in [alice, owner, AGGREGATOR] {
        let error = NotAuthorizedAdapter { caller };
        assert_eq!(limit(caller, alice, U256::ZERO), Err(error.into()));
    }
    let error = SinkNotRegistered {};
    assert_eq!(limit(ADAPTER, owner, U256::ZERO), Err(error.into()));
    limit(ADAPTER, alice, U256::MAX).unwrap();
    assert_eq!(pool.sender(owner).notices(), U256::ZERO, "nothing to do");
    limit(ADAPTER, alice, units(7)).unwrap();
    assert_eq!(world.smoothed(RELAYS, alice), units(7));
    assert_eq!(world.raw(RELAYS, alice), units(7));
    assert_eq!(world.backing(alice).0, units(7));
    pool.assert_emitted(&Notice {
        taskTypeId: RELAYS,
        sink: alice,
        capacity: units(7),
    });
    registry.assert_emitted(&CapacityClipped {
        taskTypeId: RELAYS,
        sink: alice,
        rawCapacity: units(7),
        smoothedCapacity: units(7),
    });
    // It never raises anything.
    limit(ADAPTER, alice, units(50)).unwrap();
    assert_eq!(world.smoothed(RELAYS, alice), units(7));
    limit(ADAPTER, alice, U256::ZERO).unwrap();
    assert_eq!(world.total(RELAYS), U256::ZERO);
    assert_eq!(pool.sender(owner).notices(), U256::from(2));
}

/// The attack: a squatter has capacities attested for ever under an id that is somebody else's by right.
#[motsu::test]
fn who_takes_a_derived_id_back_decides_anew(
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
    owner: Address,
    squatter: Address,
    creator: Address,
) {
    let world = World::new(&registry, &stakes, &token, owner);
    let directory = Address::repeat_byte(0xd1);
    registry
        .sender(owner)
        .set_service_directory(directory)
        .motsu_unwrap();
    advance_time(bpe_common::powers::MIN_NOTICE);
    world.stake(squatter, 1_000);
    let take = registry
        .sender(squatter)
        .register_task_type(NONCE, tokens(100));
    take.motsu_unwrap();
    let require = registry.sender(squatter).require_attestations(NONCE);
    require.motsu_unwrap();
    assert!(
        registry.sender(owner).is_bonded(NONCE),
        "it stays what it was"
    );
    let mut it = registry.sender(directory);
    it.register_task_type_for(NONCE, tokens(100), creator, true, 0)
        .motsu_unwrap();
    drop(it);
    assert!(!registry.sender(owner).is_attested(NONCE));
    assert_eq!(registry.sender(owner).get_creator(NONCE), creator);
}
