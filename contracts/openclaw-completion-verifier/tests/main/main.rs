//! OpenClawCompletionVerifier on motsu, with real keys, among neighbours that do as they are told.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod neighbours;
mod verifier;

use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::{eip712_domain, sol, SolStruct};
use contract::*;
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use neighbours::{Bridge, Directory, Tracker};

const ANYONE: Address = Address::repeat_byte(0x99);
const RESEARCH: B256 = B256::repeat_byte(0x5e);
const REVIEW: B256 = B256::repeat_byte(0x4e);
const AGENT: B256 = B256::repeat_byte(0xae);
const OTHER: B256 = B256::repeat_byte(0x0e);
const JOB: B256 = B256::repeat_byte(0x0b);

sol! {
    struct SkillExecution {
        bytes32 agentId;
        bytes32 skillTypeId;
        bytes32 executionId;
        address agentOperator;
        address requester;
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn sign(key: &SigningKey, digest: B256) -> Vec<u8> {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat()
}

/// Key 1 operates AGENT, which does RESEARCH; key 2 requests it.
struct World {
    verifier: Contract<OpenClawCompletionVerifier>,
    directory: Contract<Directory>,
    tracker: Contract<Tracker>,
    bridge: Contract<Bridge>,
    operator: SigningKey,
    requester: SigningKey,
}

impl World {
    fn new() -> Self {
        Self::build(true)
    }

    fn without_bridge() -> Self {
        Self::build(false)
    }

    fn build(has_bridge: bool) -> Self {
        let it = Self {
            verifier: Contract::new(),
            directory: Contract::new(),
            tracker: Contract::new(),
            bridge: Contract::new(),
            operator: key(1),
            requester: key(2),
        };
        VM::context().set_chain_id(42_161);
        let (tracker, directory) = (it.tracker.address(), it.directory.address());
        let bridge = match has_bridge {
            true => it.bridge.address(),
            false => Address::ZERO,
        };
        it.verifier
            .sender(ANYONE)
            .constructor(tracker, directory, bridge)
            .motsu_unwrap();
        it.enter(AGENT, address(&it.operator), RESEARCH, true);
        it
    }

    fn enter(&self, agent: B256, operator: Address, skill: B256, active: bool) {
        let mut directory = self.directory.sender(ANYONE);
        directory.enter(agent, operator, skill, active);
    }

    fn execution(&self) -> SkillExecution {
        SkillExecution {
            agentId: AGENT,
            skillTypeId: RESEARCH,
            executionId: JOB,
            agentOperator: address(&self.operator),
            requester: address(&self.requester),
        }
    }

    fn digest(&self, it: &SkillExecution) -> B256 {
        it.eip712_signing_hash(&eip712_domain! {
            name: "Pura-OpenClawVerifier",
            version: "1",
            chain_id: 42_161,
            verifying_contract: self.verifier.address(),
        })
    }

    /// Brings the execution as its requester.
    fn verify(&self, it: &SkillExecution, agent: Vec<u8>, requester: Vec<u8>) -> Result<(), Error> {
        self.verifier
            .sender(it.requester)
            .verify_execution(
                it.agentId,
                it.skillTypeId,
                it.executionId,
                it.agentOperator,
                agent.into(),
                requester.into(),
            )
            .motsu_res()
    }

    /// Brings the execution of others.
    fn relay(&self, it: &SkillExecution, agent: Vec<u8>, requester: Vec<u8>) -> Result<(), Error> {
        self.verifier
            .sender(ANYONE)
            .verify_execution_for(
                it.agentId,
                it.skillTypeId,
                it.executionId,
                it.agentOperator,
                it.requester,
                agent.into(),
                requester.into(),
            )
            .motsu_res()
    }

    /// Signed by keys 1 and 2, and relayed.
    fn record(&self, it: &SkillExecution) -> Result<(), Error> {
        let digest = self.digest(it);
        let (agent, requester) = (sign(&self.operator, digest), sign(&self.requester, digest));
        self.relay(it, agent, requester)
    }

    fn is_recorded(&self, it: &SkillExecution) -> bool {
        self.verifier.sender(ANYONE).is_execution_recorded_of(
            it.agentId,
            it.skillTypeId,
            it.executionId,
            it.agentOperator,
            it.requester,
        )
    }

    /// What CompletionTracker and the bridge have heard, and what is recorded here.
    fn state(&self, it: &SkillExecution) -> (U256, U256, bool, bool) {
        (
            self.tracker.sender(ANYONE).count(),
            self.bridge.sender(ANYONE).count(),
            self.is_recorded(it),
            self.verifier
                .sender(ANYONE)
                .is_execution_recorded(it.executionId),
        )
    }
}

/// The task id, as EIP-712 says it.
fn task_id(it: &SkillExecution) -> B256 {
    it.eip712_hash_struct()
}
