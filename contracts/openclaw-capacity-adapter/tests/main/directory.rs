//! Skill types and agents: every function, error, event and access rule, with exact values.

use alloy_primitives::keccak256;
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    ownable::{self, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};

use super::*;

#[motsu::test]
fn starts_with_what_it_is_given() {
    let world = World::new();
    let it = world.adapter.sender(BOB);
    assert_eq!(it.core_registry(), world.core.address());
    assert_eq!(it.stake_manager(), world.stakes.address());
    assert_eq!(it.bps(), U256::from(10_000));
    assert_eq!(it.throughput_weight(), U256::from(5_000));
    assert_eq!(it.latency_weight(), U256::from(3_000));
    assert_eq!(it.error_rate_weight(), U256::from(2_000));
    assert_eq!(it.ewma_alpha_bps(), U256::from(3_000));
    assert_eq!(it.max_latency_ms(), U256::from(30_000));
    assert_eq!(it.domain_id_constant(), keccak256("OPENCLAW_AGENT"));
    assert_eq!(
        OpenClawCapacityAdapter::domain_id(),
        keccak256("OPENCLAW_AGENT")
    );
    assert!(OpenClawCapacityAdapter::domain_description().starts_with("OpenClaw"));
    drop(it);
    assert_eq!(world.owner(), OWNER);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    it: Contract<OpenClawCapacityAdapter>,
    stakes: Contract<Stakes>,
) {
    let owner = Address::ZERO;
    let neighbour = stakes.address();
    let refused = it.sender(BOB).constructor(neighbour, neighbour, owner);
    let error = ownable::Error::InvalidOwner(OwnableInvalidOwner { owner });
    assert_eq!(refused.motsu_unwrap_err(), Error::Ownable(error));
    for [core, stakes] in [[ALICE, neighbour], [neighbour, ALICE]] {
        let refused = it.sender(BOB).constructor(core, stakes, OWNER);
        let error = NotAContract { account: ALICE };
        assert_eq!(refused.motsu_unwrap_err(), error.into());
    }
}

#[motsu::test]
fn skill_types_are_the_owners_to_register_once() {
    let world = World::new();
    let it = &world.adapter;
    let id = B256::repeat_byte(0x11);
    let refused = it
        .sender(ALICE)
        .register_skill_type(id, "x".into(), U256::ZERO);
    let error = OwnableUnauthorizedAccount { account: ALICE };
    let error = ownable::Error::Unauthorized(error);
    assert_eq!(refused.motsu_unwrap_err(), Error::Ownable(error));
    assert!(!it.sender(BOB).skill_types(id));

    let name = "a name of more than thirty-two bytes, in two slots";
    it.sender(OWNER)
        .register_skill_type(id, name.into(), U256::MAX)
        .motsu_unwrap();
    it.assert_emitted(&SkillTypeRegistered {
        skillTypeId: id,
        skillName: name.into(),
    });
    assert!(it.sender(BOB).skill_types(id));
    assert_eq!(it.sender(BOB).skill_names(id), name);
    assert_eq!(it.sender(BOB).skill_min_stake(id), U256::MAX >> 8);
    assert_eq!(it.sender(BOB).skill_min_stake(RESEARCH), U256::from(100));
    assert_eq!(it.sender(BOB).skill_min_stake(REVIEW), U256::ZERO);
    assert_eq!(it.sender(BOB).skill_names(NOTHING), "");

    // Neither its name nor its stake changes any more.
    let refused = it
        .sender(OWNER)
        .register_skill_type(REVIEW, "again".into(), U256::from(1));
    assert_eq!(refused.motsu_unwrap_err(), SkillTypeAlreadyExists {}.into());
    assert_eq!(it.sender(BOB).skill_names(REVIEW), "code review");
}

#[motsu::test]
fn an_agent_is_its_callers() {
    let world = World::new();
    advance_time(7);
    let declared = capacity(100, 2_000, 100);
    let mut context = world.adapter.sender(ALICE);
    context
        .register_agent(AGENT, RESEARCH, declared)
        .motsu_unwrap();
    drop(context);
    let worth = U256::from(97_800_000_000_u64);
    world.adapter.assert_emitted(&AgentRegistered {
        agentId: AGENT,
        operator: ALICE,
        skillTypeId: RESEARCH,
    });
    world.adapter.assert_emitted(&CapacityUpdated {
        agentId: AGENT,
        rawCapacity: worth,
        smoothedCapacity: worth,
    });
    let expected = AgentInfo {
        operator: ALICE,
        skillTypeId: RESEARCH,
        smoothedCapacity: worth,
        lastUpdated: U256::from(timestamp()),
        active: true,
    };
    assert_eq!(world.agent(AGENT), expected);
    assert_eq!(world.smoothed(AGENT), worth);
    assert_eq!(world.list(RESEARCH), [AGENT]);
    assert_eq!(world.list(REVIEW), [] as [B256; 0]);
    let nobody = AgentInfo {
        operator: Address::ZERO,
        skillTypeId: B256::ZERO,
        smoothedCapacity: U256::ZERO,
        lastUpdated: U256::ZERO,
        active: false,
    };
    assert_eq!(world.agent(OTHER), nobody);
}

#[motsu::test]
fn registration_asks_for_skill_stake_and_a_free_id() {
    let world = World::new();
    let refused = world.register(ALICE, AGENT, NOTHING, 1);
    assert_eq!(refused, Err(SkillTypeDoesNotExist {}.into()));
    let refused = world.register(BOB, AGENT, RESEARCH, 1);
    assert_eq!(refused, Err(InsufficientStake {}.into()));
    assert_eq!(world.list(RESEARCH), [] as [B256; 0]);
    // 99 is enough where nothing is asked for, 100 where 100 is.
    world.register(BOB, OTHER, REVIEW, 1).unwrap();
    world.register(ALICE, AGENT, RESEARCH, 1).unwrap();
    for (operator, skill) in [(BOB, REVIEW), (ALICE, RESEARCH), (ALICE, REVIEW)] {
        let refused = world.register(operator, AGENT, skill, 5);
        assert_eq!(refused, Err(AgentAlreadyRegistered {}.into()));
    }
    assert_eq!(world.agent(AGENT).operator, ALICE);
    assert_eq!(world.smoothed(AGENT), units(1));
}

#[motsu::test]
fn capacity_is_the_operators_to_declare_and_smoothed_once_a_block() {
    let world = World::new();
    let refused = world.update(ALICE, AGENT, 1);
    assert_eq!(refused, Err(AgentNotRegistered {}.into()));
    world.register(ALICE, AGENT, RESEARCH, 100).unwrap();
    let refused = world.update(BOB, AGENT, 1);
    assert_eq!(refused, Err(NotAgentOperator {}.into()));
    let refused = world.update(OWNER, AGENT, 1);
    assert_eq!(refused, Err(NotAgentOperator {}.into()));

    // In the block of the registration nothing moves; in the next one a step does, and no second one.
    world.update(ALICE, AGENT, 200).unwrap();
    assert_eq!(world.smoothed(AGENT), units(100));
    advance_blocks(1);
    advance_time(12);
    for _ in 0..2 {
        world.update(ALICE, AGENT, 200).unwrap();
        assert_eq!(world.smoothed(AGENT), units(130));
    }
    world.adapter.assert_emitted(&CapacityUpdated {
        agentId: AGENT,
        rawCapacity: units(200),
        smoothedCapacity: units(130),
    });
    assert_eq!(world.agent(AGENT).lastUpdated, U256::from(timestamp()));
    advance_blocks(1);
    world.update(ALICE, AGENT, 0).unwrap();
    assert_eq!(world.smoothed(AGENT), units(91));
}

#[motsu::test]
fn no_more_is_shown_than_the_stake_backs() {
    let world = World::new();
    world.register(ALICE, AGENT, RESEARCH, u64::MAX).unwrap();
    assert_eq!(world.smoothed(AGENT), units(1_000));
    world.adapter.assert_emitted(&CapacityUpdated {
        agentId: AGENT,
        rawCapacity: units(1_000),
        smoothedCapacity: units(1_000),
    });
    world.stake(ALICE, 1, 10);
    advance_blocks(1);
    world.update(ALICE, AGENT, 500).unwrap();
    assert_eq!(world.smoothed(AGENT), units(703));
    world.stakes.sender(OWNER).refuse();
    let refused = world.update(ALICE, AGENT, 1);
    assert_eq!(refused, Err(Error::Revert(Revert(vec![0xde, 0xad]))));
}

#[motsu::test]
fn who_leaves_finds_the_past_unless_another_one_comes_first() {
    let world = World::new();
    world.register(ALICE, AGENT, RESEARCH, 100).unwrap();
    let refused = world.deregister(BOB, AGENT);
    assert_eq!(refused, Err(NotAgentOperator {}.into()));
    world.deregister(ALICE, AGENT).unwrap();
    world
        .adapter
        .assert_emitted(&AgentDeregistered { agentId: AGENT });
    assert_eq!(world.list(RESEARCH), [] as [B256; 0]);
    assert_eq!(world.smoothed(AGENT), U256::ZERO);
    let left = world.agent(AGENT);
    assert!(!left.active);
    assert_eq!(left.operator, ALICE);
    assert_eq!(left.smoothedCapacity, units(100));
    for refused in [
        world.deregister(ALICE, AGENT),
        world.update(ALICE, AGENT, 1),
    ] {
        assert_eq!(refused, Err(AgentNotRegistered {}.into()));
    }
    // Its operator goes on from where it was.
    world.register(ALICE, AGENT, REVIEW, 1_000).unwrap();
    assert_eq!(world.smoothed(AGENT), units(100));
    assert_eq!(world.list(REVIEW), [AGENT]);
    assert_eq!(world.agent(AGENT).skillTypeId, REVIEW);
    world.deregister(ALICE, AGENT).unwrap();
    advance_blocks(1);
    world.register(ALICE, AGENT, RESEARCH, 1_000).unwrap();
    assert_eq!(world.smoothed(AGENT), units(370));
    assert_eq!(world.list(REVIEW), [] as [B256; 0]);
    // An id that was abandoned is free, and what was of it is gone.
    world.deregister(ALICE, AGENT).unwrap();
    world.stake(BOB, 100, 10);
    world.register(BOB, AGENT, RESEARCH, 1_000).unwrap();
    assert_eq!(world.agent(AGENT).operator, BOB);
    assert_eq!(world.smoothed(AGENT), units(10));
    let refused = world.register(ALICE, AGENT, RESEARCH, 1);
    assert_eq!(refused, Err(AgentAlreadyRegistered {}.into()));
}

/// The attack: one stake, and one sink, shows as many agents as it likes.
#[motsu::test]
fn a_listing_locks_its_stake_and_lasts_as_long() {
    let world = World::new();
    world.register(ALICE, AGENT, RESEARCH, 100).unwrap();
    assert!(world.is_sink(RESEARCH, ALICE));
    let refused = world.register(ALICE, OTHER, RESEARCH, 100);
    assert_eq!(refused, Err(OperatorHasAgent { agentId: AGENT }.into()));
    let of = |skill| world.adapter.sender(BOB).get_agent_of(skill, ALICE);
    assert_eq!((of(RESEARCH), of(REVIEW)), (AGENT, B256::ZERO));
    // With another skill it has another.
    world.register(ALICE, OTHER, REVIEW, 100).unwrap();
    assert!(world.is_sink(REVIEW, ALICE));
    // Anyone takes it off once the lock is gone, or the stake.
    let refused = world.deregister(BOB, AGENT);
    assert_eq!(refused, Err(NotAgentOperator {}.into()));
    world.core.sender(OWNER).leave(RESEARCH, ALICE);
    world.deregister(BOB, AGENT).unwrap();
    assert_eq!(of(RESEARCH), B256::ZERO);
    world.register(ALICE, AGENT, RESEARCH, 100).unwrap();
    world.stake(ALICE, 99, 1_000);
    world.deregister(BOB, AGENT).unwrap();
    // Who leaves here is paid no longer.
    assert!(!world.is_sink(RESEARCH, ALICE));
    // Who is a sink already stays one, and joins as it is.
    world.core.sender(OWNER).enter(REVIEW, BOB, units(7));
    let mine = B256::repeat_byte(0x77);
    world.register(BOB, mine, REVIEW, 1).unwrap();
    let core = world.core.sender(BOB);
    assert_eq!(core.get_smoothed_capacity(REVIEW, BOB), units(7));
    drop(core);
    // Where the core does not lock, nobody is listed.
    world.stake(ALICE, 100, 1_000);
    world.core.sender(OWNER).set_refuses(true);
    assert!(world.register(ALICE, AGENT, RESEARCH, 1).is_err());
    assert!(!world.agent(AGENT).active);
}

#[motsu::test]
fn an_attestation_is_for_its_agents_skill() {
    let world = World::new();
    world.register(ALICE, AGENT, RESEARCH, 1).unwrap();
    world.register(ALICE, OTHER, REVIEW, 1).unwrap();
    let of = |bytes: &[u8]| {
        world
            .adapter
            .sender(BOB)
            .task_type_of(bytes.to_vec().into())
    };
    assert_eq!(of(AGENT.as_slice()), RESEARCH);
    assert_eq!(of(&[OTHER.as_slice(), &[1; 40]].concat()), REVIEW);
    assert_eq!(of(NOTHING.as_slice()), B256::ZERO);
    assert_eq!(of(&AGENT[..31]), B256::ZERO);
}

#[motsu::test]
fn lists_page() {
    let world = World::new();
    let agents: Vec<B256> = (1..=5).map(B256::repeat_byte).collect();
    for agent in &agents {
        let operator = Address::from_word(*agent);
        world.stake(operator, 100, 10);
        world.register(operator, *agent, RESEARCH, 1).unwrap();
    }
    let page = |from: u64, count: u64| {
        let it = world.adapter.sender(BOB);
        it.get_agents_for_skill_page(RESEARCH, U256::from(from), U256::from(count))
    };
    assert_eq!(page(0, 2), agents[..2]);
    assert_eq!(page(2, 2), agents[2..4]);
    assert_eq!(page(4, 2), agents[4..]);
    assert_eq!(page(5, 2), [] as [B256; 0]);
    assert_eq!(page(0, u64::MAX), agents);
    // All are equal: the greatest id is first.
    let ranked: Vec<B256> = agents.iter().rev().copied().collect();
    assert_eq!(world.list(RESEARCH), ranked);
    let count = |skill| world.adapter.sender(BOB).get_agent_count(skill);
    assert_eq!(count(RESEARCH), U256::from(5));
    assert_eq!(count(REVIEW), U256::ZERO);
}

/// A hundred units that nobody has seen work are behind three that somebody has.
#[motsu::test]
fn the_agent_with_the_most_verified_spare_capacity_is_first() {
    let world = World::new();
    let vouchers = Contract::<Vouchers>::new();
    let account = BOB;
    let set = |by| {
        let mut it = world.adapter.sender(by);
        it.set_work_vouchers(vouchers.address()).motsu_res()
    };
    let error =
        bpe_common::ownable::Error::Unauthorized(bpe_common::ownable::OwnableUnauthorizedAccount {
            account,
        });
    assert_eq!(set(BOB), Err(Error::Ownable(error)));
    let agents: Vec<B256> = (1..=4).map(B256::repeat_byte).collect();
    // Capacity at the core, and what its counted work has shown: spare is min(C, 4V) − V.
    for (agent, (capacity, verified)) in agents.iter().zip([(100, 0), (10, 1), (40, 35), (20, 4)]) {
        let operator = Address::from_word(*agent);
        world.stake(operator, 100, 1_000);
        world.register(operator, *agent, RESEARCH, 1).unwrap();
        let mut core = world.core.sender(BOB);
        core.enter(RESEARCH, operator, units(capacity));
        vouchers.sender(BOB).set(operator, units(verified));
    }
    // Until WorkVouchers is named, capacities rank.
    assert_eq!(world.list(RESEARCH), [0, 2, 3, 1].map(|it| agents[it]));
    set(OWNER).unwrap();
    world.adapter.assert_emitted(&WorkVouchersSet {
        workVouchers: vouchers.address(),
    });
    assert_eq!(set(OWNER), Err(WorkVouchersAlreadySet {}.into()));
    assert_eq!(
        world.adapter.sender(BOB).work_vouchers(),
        vouchers.address()
    );
    let spare = |agent: usize| {
        let operator = Address::from_word(agents[agent]);
        let it = world.adapter.sender(BOB);
        it.get_verified_spare(RESEARCH, operator).motsu_unwrap().0
    };
    assert_eq!([0, 1, 2, 3].map(spare), [0, 3, 5, 12].map(units));
    assert_eq!(world.list(RESEARCH), [3, 2, 1, 0].map(|it| agents[it]));
    // Who declares ten times as much here is where it was.
    let boaster = Address::from_word(agents[0]);
    world.update(boaster, agents[0], 1_000).unwrap();
    assert_eq!(world.list(RESEARCH)[3], agents[0]);
}
