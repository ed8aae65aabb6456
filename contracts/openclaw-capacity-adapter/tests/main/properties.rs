//! Any sequence of registrations, declarations and departures, against a model.

use std::collections::BTreeMap;

use bpe_common::math::ewma;
use proptest::prelude::*;

use super::*;

const AGENTS: [B256; 2] = [AGENT, OTHER];
const OPERATORS: [Address; 2] = [ALICE, BOB];
const SKILLS: [B256; 2] = [RESEARCH, REVIEW];

#[derive(Clone, Debug)]
enum Step {
    Register(usize, usize, usize, u64),
    Update(usize, usize, u64),
    Deregister(usize, usize),
    Block,
}

fn step() -> impl Strategy<Value = Step> {
    let two = || 0..2_usize;
    prop_oneof![
        2 => (two(), two(), two(), 0..2_000_u64)
            .prop_map(|(who, agent, skill, tasks)| Step::Register(who, agent, skill, tasks)),
        4 => (two(), two(), 0..2_000_u64).prop_map(|(who, agent, tasks)| Step::Update(who, agent, tasks)),
        1 => (two(), two()).prop_map(|(who, agent)| Step::Deregister(who, agent)),
        3 => Just(Step::Block),
    ]
}

struct Model {
    operator: usize,
    skill: Option<usize>,
    smoothed: u128,
    block: u64,
}

impl Model {
    fn declare(&mut self, tasks: u64, block: u64) {
        if self.block != block {
            self.smoothed = ewma(u128::from(tasks.min(1_000)) * 1_000_000_000, self.smoothed);
            self.block = block;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_directory_is_what_its_operators_said(steps in prop::collection::vec(step(), 0..40)) {
        let world = World::new();
        world.stake(BOB, 100, 1_000);
        let mut model: BTreeMap<usize, Model> = BTreeMap::new();
        let mut block = 1;
        for step in steps {
            match step {
                Step::Block => {
                    advance_blocks(1);
                    block += 1;
                }
                Step::Register(who, agent, skill, tasks) => {
                    let done = world.register(OPERATORS[who], AGENTS[agent], SKILLS[skill], tasks);
                    let own = model.iter().find(|(_, it)| it.operator == who && it.skill == Some(skill));
                    let own = own.map(|(agent, _)| AGENTS[*agent]);
                    let known = model.get_mut(&agent).filter(|it| it.skill.is_some() || it.operator == who);
                    match (known, own) {
                        (Some(it), _) if it.skill.is_some() => {
                            prop_assert_eq!(done, Err(AgentAlreadyRegistered {}.into()));
                        }
                        (_, Some(own)) => {
                            prop_assert_eq!(done, Err(OperatorHasAgent { agentId: own }.into()));
                        }
                        (Some(it), None) => {
                            prop_assert_eq!(done, Ok(()));
                            it.skill = Some(skill);
                            it.declare(tasks, block);
                        }
                        (None, None) => {
                            prop_assert_eq!(done, Ok(()));
                            let smoothed = u128::from(tasks.min(1_000)) * 1_000_000_000;
                            model.insert(agent, Model { operator: who, skill: Some(skill), smoothed, block });
                        }
                    }
                }
                Step::Update(who, agent, tasks) => {
                    let done = world.update(OPERATORS[who], AGENTS[agent], tasks);
                    match model.get_mut(&agent).filter(|it| it.skill.is_some()) {
                        None => prop_assert_eq!(done, Err(AgentNotRegistered {}.into())),
                        Some(it) if it.operator != who => {
                            prop_assert_eq!(done, Err(NotAgentOperator {}.into()));
                        }
                        Some(it) => {
                            prop_assert_eq!(done, Ok(()));
                            it.declare(tasks, block);
                        }
                    }
                }
                Step::Deregister(who, agent) => {
                    let done = world.deregister(OPERATORS[who], AGENTS[agent]);
                    match model.get_mut(&agent).filter(|it| it.skill.is_some()) {
                        None => prop_assert_eq!(done, Err(AgentNotRegistered {}.into())),
                        Some(it) if it.operator != who => {
                            prop_assert_eq!(done, Err(NotAgentOperator {}.into()));
                        }
                        Some(it) => {
                            prop_assert_eq!(done, Ok(()));
                            it.skill = None;
                        }
                    }
                }
            }
            for (agent, id) in AGENTS.iter().enumerate() {
                let active = model.get(&agent).and_then(|it| it.skill);
                for (skill, list) in SKILLS.map(|skill| world.list(skill)).iter().enumerate() {
                    prop_assert_eq!(list.contains(id), active == Some(skill));
                }
                let expected = active.map_or(0, |_| model[&agent].smoothed);
                prop_assert_eq!(world.smoothed(*id), U256::from(expected));
            }
        }
    }
}
