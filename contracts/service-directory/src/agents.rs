//! Agents: which identity of ERC-8004 a sink is.

extern crate alloc;

// What the macro of storage writes needs them, on the chain.
#[cfg(target_arch = "wasm32")]
use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{calldata, first_words, require_contract, require_gas, static_call},
    emit,
    events::Word,
    interfaces::IIdentityRegistry,
};
use stylus_sdk::{prelude::*, storage::*};

use super::{AgentLinked, AgentUnlinked, Error, NotAgent, ServiceDirectory};

/// What an identity registry may use to answer, each time: it may be a proxy, and cold.
pub const IDENTITY_GAS: u64 = 100_000;

/// Two slots: identity_registry (160 bits), zero if there is no link; agent_id.
#[storage]
pub struct Agent {
    identity_registry: StorageAddress,
    agent_id: StorageU256,
}

impl ServiceDirectory {
    pub(super) fn link(&mut self, identities: Address, agent_id: U256) -> Result<(), Error> {
        require_contract(self.vm(), identities)?;
        let sink = self.vm().msg_sender();
        if !self.is_agent(identities, agent_id, sink)? {
            return Err(NotAgent {
                identityRegistry: identities,
                agentId: agent_id,
                sink,
            }
            .into());
        }
        let mut agent = self.agents.setter(sink);
        agent.identity_registry.set(identities);
        agent.agent_id.set(agent_id);
        emit!(self.vm(), AgentLinked[sink, identities, agent_id]);
        Ok(())
    }

    pub(super) fn unlink(&mut self) {
        let sink = self.vm().msg_sender();
        let mut agent = self.agents.setter(sink);
        agent.identity_registry.set(Address::ZERO);
        agent.agent_id.set(U256::ZERO);
        emit!(self.vm(), AgentUnlinked[sink]);
    }

    /// What `sink` is linked to, if that is so now.
    pub(super) fn agent(&self, sink: Address) -> Result<(Address, U256), Error> {
        let agent = self.agents.getter(sink);
        let (identities, agent_id) = (agent.identity_registry.get(), agent.agent_id.get());
        if identities.is_zero() || !self.is_agent(identities, agent_id, sink)? {
            return Ok((Address::ZERO, U256::ZERO));
        }
        Ok((identities, agent_id))
    }

    /// Whether `sink` owns the agent or is its wallet, by the word of `identities`.
    fn is_agent(&self, identities: Address, agent_id: U256, sink: Address) -> Result<bool, Error> {
        for selector in [
            IIdentityRegistry::ownerOfCall::SELECTOR,
            IIdentityRegistry::getAgentWalletCall::SELECTOR,
        ] {
            // Whoever calls could have it fail otherwise, and a link seem gone.
            require_gas(self.vm(), IDENTITY_GAS)?;
            let request = calldata(selector, &[agent_id.word()]);
            let answer = static_call(self.vm(), identities, &request, IDENTITY_GAS, 32);
            if answer.success && first_words(&answer.data) == Some([sink.word()]) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
