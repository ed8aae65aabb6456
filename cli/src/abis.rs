//! The ABIs of everything that a deployment of the suite talks to, to read what is on the chain by name.

use std::collections::BTreeMap;

use crate::artifacts::{locate, Network};
use alloy::{
    json_abi::{Error, Event, Function, JsonAbi},
    primitives::{Selector, B256},
};
use anyhow::Context as _;

/// What contracts outside of the suite and of Superfluid say, and what ArbOS and the deployer say.
const OTHERS: (&str, &[&str]) = (
    "Arbitrum, ERC-20 and OpenZeppelin",
    &[
        "error ProgramNotWasm()",
        "error ProgramNotActivated()",
        "error ProgramNeedsUpgrade(uint16 version, uint16 stylusVersion)",
        "error ProgramExpired(uint64 ageInSeconds)",
        "error ProgramUpToDate()",
        "error ProgramKeepaliveTooSoon(uint64 ageInSeconds)",
        "error ProgramInsufficientValue(uint256 have, uint256 want)",
        "error ContractDeploymentError(bytes bytecode)",
        "error ContractInitializationError(address newContract, bytes data)",
        "error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
        "error ERC20InvalidSender(address sender)",
        "error ERC20InvalidReceiver(address receiver)",
        "error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
        "error ERC20InvalidApprover(address approver)",
        "error ERC20InvalidSpender(address spender)",
        "error OwnableUnauthorizedAccount(address account)",
        "error OwnableInvalidOwner(address owner)",
        "function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee)",
        "function deploy(bytes bytecode, bytes initData, uint256 initValue, bytes32 salt) external payable returns (address)",
        "event ContractDeployed(address deployedContract)",
        "event ProgramActivated(bytes32 indexed codehash, bytes32 moduleHash, address program, uint256 dataFee, uint16 version)",
    ],
);

/// ABIs by contract. Those of the suite are always there, Superfluid's where its artefacts are.
pub struct Abis(BTreeMap<String, JsonAbi>);

impl Abis {
    /// # Errors
    /// If an ABI of the suite cannot be read, which would be a fault of this program.
    pub fn load() -> anyhow::Result<Self> {
        let mut abis = BTreeMap::new();
        for (name, json) in bpe_abi::ABIS {
            let abi = serde_json::from_str(json).with_context(|| format!("the ABI of {name}"))?;
            abis.insert((*name).to_owned(), abi);
        }
        if let Ok(located) = locate(Network::Forbidden) {
            for artifact in located.artifacts.iter() {
                abis.insert(artifact.name.clone(), artifact.abi.clone());
            }
        }
        let (name, items) = OTHERS;
        abis.insert(name.to_owned(), JsonAbi::parse(items.iter().copied())?);
        Ok(Self(abis))
    }

    /// The contract's own ABI first, if it is known which one it is, then everybody's.
    fn candidates<'a>(
        &'a self,
        contract: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a JsonAbi)> {
        let own = contract.and_then(|name| self.0.get_key_value(name));
        let all = own.into_iter().chain(&self.0);
        all.map(|(name, abi)| (name.as_str(), abi))
    }

    /// The errors with a selector, each with those that have it: several contracts may share one.
    pub fn errors(&self, selector: Selector) -> Vec<(&Error, Vec<&str>)> {
        let mut found: Vec<(&Error, Vec<&str>)> = Vec::new();
        for (contract, abi) in self.candidates(None) {
            for error in abi.errors().filter(|error| error.selector() == selector) {
                match found
                    .iter_mut()
                    .find(|(it, _)| it.signature() == error.signature())
                {
                    Some((_, contracts)) if contracts.contains(&contract) => {}
                    Some((_, contracts)) => contracts.push(contract),
                    None => found.push((error, vec![contract])),
                }
            }
        }
        found
    }

    pub fn error(&self, contract: Option<&str>, selector: Selector) -> Option<&Error> {
        let mut errors = self.candidates(contract).flat_map(|(_, abi)| abi.errors());
        errors.find(|error| error.selector() == selector)
    }

    pub fn function(&self, contract: Option<&str>, selector: Selector) -> Option<&Function> {
        let mut abis = self.candidates(contract);
        abis.find_map(|(_, abi)| abi.functions().find(|it| it.selector() == selector))
    }

    /// An event with so many indexed arguments: the same signature may have other ones.
    pub fn event(&self, contract: Option<&str>, topic: B256, indexed: usize) -> Option<&Event> {
        let mut events = self.candidates(contract).flat_map(|(_, abi)| abi.events());
        events.find(|event| {
            event.selector() == topic
                && event.inputs.iter().filter(|it| it.indexed).count() == indexed
        })
    }

    /// All errors, functions and events, by selector.
    pub fn signatures(&self) -> Signatures {
        let mut all = Signatures::default();
        for abi in self.0.values() {
            let errors = abi
                .errors()
                .map(|it| (it.selector().to_string(), it.signature()));
            all.errors.extend(errors);
            let functions = abi
                .functions()
                .map(|it| (it.selector().to_string(), it.signature()));
            all.functions.extend(functions);
            let events = abi
                .events()
                .map(|it| (it.selector().to_string(), it.signature()));
            all.events.extend(events);
        }
        all
    }
}

/// Signatures by selector, as Foundry's tools keep them.
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub struct Signatures {
    #[serde(default)]
    pub functions: BTreeMap<String, String>,
    #[serde(default)]
    pub errors: BTreeMap<String, String>,
    #[serde(default)]
    pub events: BTreeMap<String, String>,
}
