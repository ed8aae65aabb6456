//! The record of a deployment: `deployments/<chain id>.json`, as `bpe deploy` writes it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
    providers::Provider,
};
use serde::Deserialize;

use crate::ChainError;

/// The record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    #[error("cannot read the deployment {path}: {source}. `bpe deploy` writes it; deployment = FILE names another one")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is no record of a deployment: {source}")]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the record is of chain {recorded}, and the endpoint is chain {endpoint}: check rpc and deployment")]
    OtherChain { recorded: u64, endpoint: u64 },
    #[error("the record is of another instance of chain {chain_id}: it was made on one whose first block is {recorded}, and this one's is {found}. A devnet that was started anew needs a new `bpe deploy`")]
    OtherInstance {
        chain_id: u64,
        recorded: B256,
        found: B256,
    },
    #[error("there is no {name} at {address} on this chain: the record is of another instance of it, or the deployment is not finished; run `bpe deploy`")]
    NoCode { name: String, address: Address },
    #[error("the record has no contract {0}: the deployment is not finished, or of an older version; run `bpe deploy`")]
    Missing(&'static str),
}

/// A contract in the record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Contract {
    pub address: Address,
    /// The block in which it was deployed.
    #[serde(default)]
    pub block: u64,
}

/// What of Superfluid the record names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Superfluid {
    pub host: Address,
    #[serde(rename = "gdaV1")]
    pub gda: Address,
    pub usdcx: Address,
}

/// What is deployed on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    pub chain_id: u64,
    /// The hash of block 0, by which two chains of the same id differ.
    #[serde(default)]
    pub instance: Option<B256>,
    #[serde(default)]
    pub superfluid: Option<Superfluid>,
    pub contracts: BTreeMap<String, Contract>,
}

impl Deployment {
    /// Reads a record.
    ///
    /// # Errors
    /// [`DeploymentError::Read`] or [`DeploymentError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, DeploymentError> {
        let json = fs::read(path).map_err(|source| DeploymentError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&json).map_err(|source| DeploymentError::Malformed {
            path: path.to_owned(),
            source,
        })
    }

    /// A record's text.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The address of a contract, by its name in the record: `stakeManager`.
    ///
    /// # Errors
    /// [`DeploymentError::Missing`].
    pub fn address(&self, name: &'static str) -> Result<Address, DeploymentError> {
        self.find(name).ok_or(DeploymentError::Missing(name))
    }

    /// The same of one that may be missing.
    pub fn find(&self, name: &str) -> Option<Address> {
        self.contracts.get(name).map(|it| it.address)
    }

    /// The block in which the first of its contracts was deployed: nothing happened before.
    pub fn first_block(&self) -> u64 {
        self.contracts
            .values()
            .map(|it| it.block)
            .min()
            .unwrap_or_default()
    }

    /// Compares the record with the chain at the other end, and returns the chain's first block's hash.
    ///
    /// # Errors
    /// If it is another chain or another instance, or has no code where the record says so.
    pub async fn check(&self, provider: &impl Provider) -> Result<B256, ChainError> {
        let endpoint = provider.get_chain_id().await?;
        if endpoint != self.chain_id {
            return Err(DeploymentError::OtherChain {
                recorded: self.chain_id,
                endpoint,
            }
            .into());
        }
        let block = provider
            .get_block_by_number(BlockNumberOrTag::Number(0))
            .await?;
        let found = block.ok_or(ChainError::NoBlock(0))?.header.hash;
        if let Some(recorded) = self.instance.filter(|recorded| *recorded != found) {
            return Err(DeploymentError::OtherInstance {
                chain_id: self.chain_id,
                recorded,
                found,
            }
            .into());
        }
        for (name, contract) in &self.contracts {
            if provider.get_code_at(contract.address).await?.is_empty() {
                return Err(DeploymentError::NoCode {
                    name: name.clone(),
                    address: contract.address,
                }
                .into());
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"chainId": 31337, "superfluid": {"host": "0x0000000000000000000000000000000000000001",
        "gdaV1": "0x0000000000000000000000000000000000000002", "usdcx": "0x0000000000000000000000000000000000000003",
        "loader": "0x0000000000000000000000000000000000000004"},
        "contracts": {"stakeManager": {"address": "0x00000000000000000000000000000000000000aa", "block": 7, "version": "1"},
                      "pricingCurve": {"address": "0x00000000000000000000000000000000000000bb", "block": 5}},
        "wiring": {}}"#;

    #[test]
    fn reads_addresses_and_the_first_block() {
        let record = Deployment::parse(RECORD.as_bytes()).unwrap();
        assert_eq!(
            record.address("stakeManager").unwrap(),
            Address::with_last_byte(0xaa)
        );
        assert_eq!(record.first_block(), 5);
        assert_eq!(record.superfluid.unwrap().gda, Address::with_last_byte(2));
    }

    #[test]
    fn names_what_is_missing_and_what_is_malformed() {
        let record = Deployment::parse(RECORD.as_bytes()).unwrap();
        let missing = record.address("workLedger").unwrap_err().to_string();
        assert!(missing.contains("workLedger"), "{missing}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.json");
        let unread = Deployment::read(&path).unwrap_err();
        assert!(matches!(unread, DeploymentError::Read { path: named, .. } if named == path));
        fs::write(&path, r#"{"chainId": "one"}"#).unwrap();
        let malformed = Deployment::read(&path).unwrap_err();
        assert!(
            matches!(malformed, DeploymentError::Malformed { .. }),
            "{malformed}"
        );
    }
}
