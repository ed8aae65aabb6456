//! What a deployment has done so far: `deployments/<chain id>.json`, written anew after every step.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy::{
    primitives::{Address, B256},
    rpc::types::TransactionReceipt,
};
use anyhow::{ensure, Context as _};
use devnet_superfluid::{Deployments, SuperfluidAddresses};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use serde_json::{Map, Value};

use super::suite::{self, Program};

/// A deployed contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContractRecord {
    pub address: Address,
    /// Keccak hash of the code at that address.
    pub code_hash: B256,
    /// The constructor's arguments.
    pub constructor: Vec<String>,
    pub transaction: B256,
    pub block: u64,
    /// The suite's version.
    pub version: String,
}

/// A call that connected contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallRecord {
    pub contract: Address,
    pub transaction: B256,
    pub block: u64,
}

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    pub transaction: B256,
    #[serde(flatten)]
    pub step: PendingStep,
}

/// What it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PendingStep {
    #[serde(rename_all = "camelCase")]
    Deploy {
        name: String,
        code_hash: B256,
        constructor: Vec<String>,
    },
    Call {
        label: String,
        contract: Address,
    },
}

/// The file of one chain.
pub struct Book {
    dir: PathBuf,
    file: Deployments,
    contracts: BTreeMap<&'static str, ContractRecord>,
    wiring: BTreeMap<String, CallRecord>,
    replaced: BTreeMap<&'static str, Vec<Address>>,
    pending: Option<Pending>,
}

impl Book {
    /// Opens the chain's file in the folder `dir`, or begins one. Chains of one id are told from each other by `instance`.
    ///
    /// # Errors
    /// If it is for another chain, or is not what this program writes.
    pub fn open(dir: &Path, chain_id: u64, instance: Option<B256>) -> anyhow::Result<Self> {
        let path = Deployments::path(dir, chain_id, instance);
        if !path.exists() {
            return Self::of(dir, Deployments::new(chain_id, instance));
        }
        let mut book = Self::read(&path)?;
        let is_new = book.file.contracts.is_empty() && book.file.pending.is_none();
        if book.file.instance != instance && is_new && instance.is_some() {
            // Nothing is recorded but where Superfluid was on a chain that has ended.
            return Self::of(dir, Deployments::new(chain_id, instance));
        }
        book.file.instance = book.file.instance.or(instance);
        ensure!(
            book.chain_id() == chain_id,
            "{} says that it is of chain {}, and the endpoint is chain {chain_id}: every chain has a file of its own, put this one back in its place",
            path.display(),
            book.chain_id()
        );
        Ok(book)
    }

    /// Opens a file by its name.
    ///
    /// # Errors
    /// As [`Book::open`].
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let advice = || {
            format!(
                "{} is damaged, or does not follow deployments/schema.json: take it from version control or a copy, or move it away to deploy anew",
                path.display()
            )
        };
        let json = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: Deployments = serde_json::from_slice(&json).with_context(advice)?;
        let dir = path.parent().unwrap_or(Path::new("."));
        Self::of(dir, file).with_context(advice)
    }

    fn of(dir: &Path, file: Deployments) -> anyhow::Result<Self> {
        let pending = file.pending.clone().map(serde_json::from_value);
        Ok(Self {
            dir: dir.to_owned(),
            contracts: by_program(&file.contracts)?,
            replaced: by_program(&file.replaced)?,
            wiring: typed(&file.wiring)?,
            pending: pending.transpose().context("pending")?,
            file,
        })
    }

    /// Writes the file; a reader sees the old one or the new one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self) -> anyhow::Result<PathBuf> {
        let named = |name: &&str| suite::find(name).map_or((*name).to_owned(), Program::key);
        let contracts = self.contracts.iter();
        self.file.contracts = untyped(contracts.map(|(name, it)| (named(name), it)))?;
        let replaced = self.replaced.iter();
        self.file.replaced = untyped(replaced.map(|(name, it)| (named(name), it)))?;
        self.file.wiring = untyped(self.wiring.iter().map(|(label, it)| (label.clone(), it)))?;
        self.file.pending = self
            .pending
            .as_ref()
            .map(serde_json::to_value)
            .transpose()?;
        Ok(self.file.save(&self.dir)?)
    }

    pub fn path(&self) -> PathBuf {
        Deployments::path(&self.dir, self.file.chain_id, self.file.instance)
    }

    pub fn chain_id(&self) -> u64 {
        self.file.chain_id
    }

    pub fn instance(&self) -> Option<B256> {
        self.file.instance
    }

    pub fn superfluid(&self) -> Option<&SuperfluidAddresses> {
        self.file.superfluid.as_ref()
    }

    pub fn set_superfluid(&mut self, addresses: SuperfluidAddresses) -> anyhow::Result<()> {
        self.file.superfluid = Some(addresses);
        self.save().map(drop)
    }

    pub fn contract(&self, name: &str) -> Option<&ContractRecord> {
        self.contracts.get(name)
    }

    pub fn contracts(&self) -> &BTreeMap<&'static str, ContractRecord> {
        &self.contracts
    }

    pub fn address(&self, name: &str) -> Option<Address> {
        self.contract(name).map(|record| record.address)
    }

    /// Those that `name` had before.
    pub fn replaced(&self, name: &str) -> &[Address] {
        self.replaced.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// Notes what is about to be sent: whatever happens then, the next run can see what became of it.
    pub fn begin(&mut self, transaction: B256, step: PendingStep) -> anyhow::Result<()> {
        self.pending = Some(Pending { transaction, step });
        self.save().map(drop)
    }

    /// Notes that what was sent has been done, by this transaction; `created` is what it created, if anything.
    pub fn finish(
        &mut self,
        receipt: &TransactionReceipt,
        created: Option<Address>,
    ) -> anyhow::Result<()> {
        let (transaction, block) = (
            receipt.transaction_hash,
            receipt.block_number.unwrap_or_default(),
        );
        match self.pending.take().map(|pending| pending.step) {
            Some(PendingStep::Deploy {
                name,
                code_hash,
                constructor,
            }) => {
                let address = created.with_context(|| {
                    format!("transaction {transaction} does not tell {name}'s address")
                })?;
                let program = suite::find(&name).context("an unknown contract")?;
                let record = ContractRecord {
                    address,
                    code_hash,
                    constructor,
                    transaction,
                    block,
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                };
                self.contracts.insert(program.name, record);
            }
            Some(PendingStep::Call { label, contract }) => {
                let record = CallRecord {
                    contract,
                    transaction,
                    block,
                };
                self.wiring.insert(label, record);
            }
            None => {}
        }
        self.save().map(drop)
    }

    /// Forgets what was about to be sent: the chain has never heard of it.
    pub fn abandon(&mut self) -> anyhow::Result<()> {
        self.pending = None;
        self.save().map(drop)
    }

    /// Takes contracts out, to be deployed anew; all of them or none.
    pub fn retire(&mut self, names: &[&'static str]) -> anyhow::Result<()> {
        self.retire_unsaved(names);
        self.save().map(drop)
    }

    /// The same in memory only.
    pub fn retire_unsaved(&mut self, names: &[&'static str]) {
        for name in names {
            if let Some(record) = self.contracts.remove(name) {
                self.replaced.entry(name).or_default().push(record.address);
            }
        }
    }
}

fn by_program<T: DeserializeOwned>(
    map: &Map<String, Value>,
) -> anyhow::Result<BTreeMap<&'static str, T>> {
    let entries = map.iter().map(|(key, value)| {
        let program = suite::find(key).with_context(|| format!("unknown contract {key}"))?;
        let value = serde_json::from_value(value.clone()).with_context(|| key.clone())?;
        Ok((program.name, value))
    });
    entries.collect()
}

fn typed<T: DeserializeOwned>(map: &Map<String, Value>) -> anyhow::Result<BTreeMap<String, T>> {
    let entries = map.iter().map(|(key, value)| {
        let value = serde_json::from_value(value.clone()).with_context(|| key.clone())?;
        Ok((key.clone(), value))
    });
    entries.collect()
}

fn untyped<T: Serialize>(
    entries: impl Iterator<Item = (String, T)>,
) -> anyhow::Result<Map<String, Value>> {
    entries
        .map(|(key, value)| Ok((key, serde_json::to_value(value)?)))
        .collect()
}
