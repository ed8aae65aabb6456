//! Agents: identities of ERC-8004, by the word of foreign code.

use stylus_sdk::{prelude::*, storage::*};

use crate::world::*;

/// An identity registry that says what it is told.
#[storage]
pub struct Identities {
    reverts: StorageBool,
    owners: StorageMap<U256, StorageAddress>,
    wallets: StorageMap<U256, StorageAddress>,
}

#[public]
impl Identities {
    pub fn set_reverts(&mut self, reverts: bool) {
        self.reverts.set(reverts);
    }

    pub fn set(&mut self, agent_id: U256, owner: Address, wallet: Address) {
        self.owners.setter(agent_id).set(owner);
        self.wallets.setter(agent_id).set(wallet);
    }

    /// As ERC-721 has it: what does not exist has no owner.
    pub fn owner_of(&self, agent_id: U256) -> Result<Address, Vec<u8>> {
        let owner = self.owners.get(agent_id);
        match self.reverts.get() || owner.is_zero() {
            true => Err(vec![]),
            false => Ok(owner),
        }
    }

    pub fn get_agent_wallet(&self, agent_id: U256) -> Result<Address, Vec<u8>> {
        match self.reverts.get() {
            true => Err(vec![]),
            false => Ok(self.wallets.get(agent_id)),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Identities {}

const NOBODY: Address = Address::ZERO;

struct Stage {
    world: World,
    identities: Contract<Identities>,
}

impl Stage {
    fn new() -> Self {
        Self {
            world: World::new(),
            identities: Contract::new(),
        }
    }

    fn set(&self, agent_id: u64, owner: Address, wallet: Address) {
        let mut identities = self.identities.sender(OWNER);
        identities.set(n(agent_id), owner, wallet);
    }

    fn link(&self, sink: Address, agent_id: u64) -> Result<(), Error> {
        let at = self.identities.address();
        let mut directory = self.world.directory.sender(sink);
        directory.link_agent(at, n(agent_id)).motsu_res()
    }

    fn agent(&self, sink: Address) -> (Address, U256) {
        let directory = self.world.directory.sender(CAROL);
        directory.get_agent(sink).motsu_unwrap()
    }

    fn linked(&self, agent_id: u64) -> (Address, U256) {
        (self.identities.address(), n(agent_id))
    }
}

const UNLINKED: (Address, U256) = (NOBODY, U256::ZERO);

#[motsu::test]
fn a_sink_is_the_agent_that_it_owns_or_is_the_wallet_of() {
    let it = Stage::new();
    it.set(1, ALICE, NOBODY);
    it.set(2, CAROL, BOB);
    assert_eq!(it.agent(ALICE), UNLINKED);
    it.link(ALICE, 1).unwrap();
    it.world.directory.assert_emitted(&AgentLinked {
        sink: ALICE,
        identityRegistry: it.identities.address(),
        agentId: n(1),
    });
    assert_eq!(it.agent(ALICE), it.linked(1));
    it.link(BOB, 2).unwrap();
    assert_eq!(it.agent(BOB), it.linked(2));
    let refused = |sink, agent_id| {
        let error = NotAgent {
            identityRegistry: it.identities.address(),
            agentId: n(agent_id),
            sink,
        };
        Err(error.into())
    };
    for (sink, agent_id) in [(ALICE, 2), (BOB, 1), (ALICE, 3)] {
        assert_eq!(it.link(sink, agent_id), refused(sink, agent_id));
    }
    assert_eq!(it.agent(ALICE), it.linked(1), "the old link stands");
    // Another one replaces it.
    it.set(4, ALICE, NOBODY);
    it.link(ALICE, 4).unwrap();
    assert_eq!(it.agent(ALICE), it.linked(4));
}

/// The attack: a sink links an identity of good repute, sells it, and goes on under its name.
#[motsu::test]
fn an_identity_that_was_sold_is_no_link() {
    let it = Stage::new();
    it.set(1, ALICE, NOBODY);
    it.link(ALICE, 1).unwrap();
    it.set(1, BOB, NOBODY);
    assert_eq!(it.agent(ALICE), UNLINKED);
    assert_eq!(it.agent(BOB), UNLINKED, "the buyer has not said so");
    it.link(BOB, 1).unwrap();
    assert_eq!(it.agent(BOB), it.linked(1));
    // Nobody's wallet is nobody's agent, and what was burnt is gone.
    it.set(1, NOBODY, NOBODY);
    assert_eq!(it.agent(BOB), UNLINKED);
    // Bought back, the link holds again.
    it.set(1, NOBODY, ALICE);
    assert_eq!(it.agent(ALICE), it.linked(1));
}

#[motsu::test]
fn a_registry_that_fails_links_nobody() {
    let it = Stage::new();
    it.set(1, ALICE, ALICE);
    it.link(ALICE, 1).unwrap();
    it.identities.sender(OWNER).set_reverts(true);
    assert_eq!(it.agent(ALICE), UNLINKED);
    assert!(it.link(ALICE, 1).is_err());
    // A contract that is no identity registry, and no contract at all.
    let link = |at: Address| {
        let mut directory = it.world.directory.sender(ALICE);
        directory.link_agent(at, n(1)).motsu_res()
    };
    let token = it.world.token.address();
    let not_agent = NotAgent {
        identityRegistry: token,
        agentId: n(1),
        sink: ALICE,
    };
    assert_eq!(link(token), Err(not_agent.into()));
    let account = BOB;
    assert_eq!(link(BOB), Err(NotAContract { account }.into()));
}

#[motsu::test]
fn a_link_is_taken_back() {
    let it = Stage::new();
    it.set(1, ALICE, NOBODY);
    it.link(ALICE, 1).unwrap();
    it.world.directory.sender(BOB).unlink_agent();
    assert_eq!(it.agent(ALICE), it.linked(1), "only one's own");
    it.world.directory.sender(ALICE).unlink_agent();
    let sink = ALICE;
    it.world.directory.assert_emitted(&AgentUnlinked { sink });
    assert_eq!(it.agent(ALICE), UNLINKED);
}

/// An identity registry that fails is asked for no list.
#[motsu::test]
fn lists_of_sinks_ask_no_identity_registry() {
    let it = Stage::new();
    it.world.serve(CODE, ALICE);
    it.world.set_service(ALICE, CODE, "x").unwrap();
    it.set(1, ALICE, NOBODY);
    it.link(ALICE, 1).unwrap();
    it.identities.sender(OWNER).set_reverts(true);
    let directory = it.world.directory.sender(CAROL);
    let page = directory.get_services(CODE, U256::ZERO, n(9));
    let expected = Returns((vec![ALICE], vec!["x".to_owned()]));
    assert_eq!(page.motsu_unwrap(), expected);
}
