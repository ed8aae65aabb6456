//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    attestation,
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// What an agent can do: tasks per epoch, milliseconds to a result, and how many of the results are wrong.
    #[derive(Debug, PartialEq, Eq)]
    struct SkillCapacity {
        uint256 throughput;
        uint256 latencyMs;
        uint256 errorRateBps;
    }

    /// An agent. Of one that is not `active` any more the capacity is what it would come back with; an operator of zero means
    /// that there never was one. `lastUpdated` is the time of its last declaration.
    #[derive(Debug, PartialEq, Eq)]
    struct AgentInfo {
        address operator;
        bytes32 skillTypeId;
        uint256 smoothedCapacity;
        uint256 lastUpdated;
        bool active;
    }

    /// There is a skill type of this id now, called `skillName`.
    #[derive(Debug, PartialEq, Eq)]
    event SkillTypeRegistered(bytes32 indexed skillTypeId, string skillName);
    /// `operator` answers for the agent, which has the skill.
    #[derive(Debug, PartialEq, Eq)]
    event AgentRegistered(bytes32 indexed agentId, address indexed operator, bytes32 indexed skillTypeId);
    /// The agent is not to be had any more.
    #[derive(Debug, PartialEq, Eq)]
    event AgentDeregistered(bytes32 indexed agentId);
    /// The operator declared what comes to `rawCapacity`, as far as its stake backs it; smoothed that is `smoothedCapacity`.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityUpdated(bytes32 indexed agentId, uint256 rawCapacity, uint256 smoothedCapacity);

    /// Agents are ranked by what `workVouchers` has seen of their work.
    #[derive(Debug, PartialEq, Eq)]
    event WorkVouchersSet(address indexed workVouchers);

    /// WorkVouchers is named already.
    #[derive(Debug, PartialEq, Eq)]
    error WorkVouchersAlreadySet();
    /// There is a skill type of this id already.
    #[derive(Debug, PartialEq, Eq)]
    error SkillTypeAlreadyExists();
    /// There is no such skill type.
    #[derive(Debug, PartialEq, Eq)]
    error SkillTypeDoesNotExist();
    /// An agent of this id is registered.
    #[derive(Debug, PartialEq, Eq)]
    error AgentAlreadyRegistered();
    /// The caller has `agentId` registered with this skill.
    #[derive(Debug, PartialEq, Eq)]
    error OperatorHasAgent(bytes32 agentId);
    /// No such agent is registered.
    #[derive(Debug, PartialEq, Eq)]
    error AgentNotRegistered();
    /// The caller is not the agent's operator.
    #[derive(Debug, PartialEq, Eq)]
    error NotAgentOperator();
    /// The caller has less at stake than the skill type asks for.
    #[derive(Debug, PartialEq, Eq)]
    error InsufficientStake();
    /// These bytes are not what they have to be: see the function that takes them.
    #[derive(Debug, PartialEq, Eq)]
    error MalformedSignal();
}

bpe_common::abi_struct!(SkillCapacity(U256, U256, U256));
bpe_common::abi_struct!(AgentInfo(Address, B256, U256, U256, bool));

/// Why a call was refused. [`Error::Revert`] is what StakeManager reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    SkillTypeAlreadyExists(SkillTypeAlreadyExists),
    SkillTypeDoesNotExist(SkillTypeDoesNotExist),
    AgentAlreadyRegistered(AgentAlreadyRegistered),
    OperatorHasAgent(OperatorHasAgent),
    AgentNotRegistered(AgentNotRegistered),
    NotAgentOperator(NotAgentOperator),
    InsufficientStake(InsufficientStake),
    MalformedSignal(MalformedSignal),
    WorkVouchersAlreadySet(WorkVouchersAlreadySet),
    NotAContract(NotAContract),
    Attestation(attestation::Error),
    Revert(Revert),
    Ownable(ownable::Error),
}
