//! Chains on disk.
//!
//! A file holds every block with what it changed, as JSON. It is replaced whole: written beside the old one, synced,
//! and renamed over it, so that a crash leaves either the old chain or the new one.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use alloy::{
    consensus::{transaction::Recovered, TxEnvelope},
    eips::{eip2718::Decodable2718, Encodable2718},
    primitives::{Address, Bytes, Log, B256},
};
use devnet_vm::{Activity, GasBreakdown};
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, BlockSeal, MinedTransaction, PREVRANDAO, SEQUENCER},
    chain::{Chain, ChainSettings},
    clock::{Clock, TimeSource},
    state::StateDiff,
};

/// The format that this version writes; it reads the earlier one too.
const FORMAT: u32 = 2;

/// A chain cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is not a saved chain: {reason}")]
    Malformed { path: PathBuf, reason: String },
    #[error("{path} holds chain {have}, not {want}")]
    ChainId { path: PathBuf, have: u64, want: u64 },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedChain {
    format: u32,
    chain_id: u64,
    base_fee: u64,
    gas_limit: u64,
    #[serde(default = "sequencer")]
    coinbase: Address,
    #[serde(default)]
    fork: u64,
    #[serde(default)]
    instance: B256,
    clock: Clock,
    blocks: Vec<SavedBlock>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedBlock {
    timestamp: u64,
    l1_number: u64,
    transactions: Vec<SavedTransaction>,
    diff: StateDiff,
    /// What is not as in the settings of the chain; before format 2 nothing was.
    #[serde(default, flatten)]
    own: OwnSettings,
}

/// Settings of one block that differ from the saved chain's.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_fee: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gas_limit: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coinbase: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prevrandao: Option<B256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fork: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state_root: Option<B256>,
}

fn sequencer() -> Address {
    SEQUENCER
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedTransaction {
    raw: Bytes,
    from: Address,
    success: bool,
    gas_used: u64,
    contract_address: Option<Address>,
    logs: Vec<Log>,
    gas: GasBreakdown,
    activity: Activity,
    output: Bytes,
}

/// Writes `chain` to `path`.
pub fn save(chain: &Chain, path: &Path) -> Result<(), PersistError> {
    write_atomically(path, &SavedChain::of(chain)).map_err(|source| PersistError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The chain as text.
pub fn dump(chain: &Chain) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&SavedChain::of(chain))
}

/// The chain that [`dump`] gave as text.
pub fn undump(json: &[u8], chain_id: u64, source: TimeSource) -> Result<Chain, String> {
    let saved: SavedChain = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if saved.chain_id != chain_id {
        return Err(format!("it is chain {}, not {chain_id}", saved.chain_id));
    }
    saved.restore(source, None)
}

/// Reads the chain at `path`; `None` if there is no such file. With `instance` it becomes a chain of its own.
pub fn load(
    path: &Path,
    chain_id: u64,
    source: TimeSource,
    instance: Option<B256>,
) -> Result<Option<Chain>, PersistError> {
    let json = match fs::read(path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(PersistError::Read {
                path: path.to_owned(),
                source,
            })
        }
    };
    let malformed = |reason: String| PersistError::Malformed {
        path: path.to_owned(),
        reason,
    };
    let saved: SavedChain =
        serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
    if saved.chain_id != chain_id {
        return Err(PersistError::ChainId {
            path: path.to_owned(),
            have: saved.chain_id,
            want: chain_id,
        });
    }
    saved.restore(source, instance).map(Some).map_err(malformed)
}

fn write_atomically(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = directory.join(name);
    let mut writer = BufWriter::new(File::create(&temporary)?);
    serde_json::to_writer(&mut writer, content)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory)?.sync_all()
}

impl SavedChain {
    fn of(chain: &Chain) -> Self {
        let ChainSettings {
            chain_id,
            base_fee,
            gas_limit,
            coinbase,
            fork,
            instance,
            ..
        } = chain.settings;
        let blocks = chain.blocks();
        let blocks = blocks.map(|block| SavedBlock::of(block, &chain.settings));
        Self {
            format: FORMAT,
            chain_id,
            base_fee,
            gas_limit,
            coinbase,
            fork,
            instance,
            clock: chain.clock.clone(),
            blocks: blocks.collect(),
        }
    }

    /// Builds the chain anew, block by block.
    fn restore(self, source: TimeSource, instance: Option<B256>) -> Result<Chain, String> {
        if self.format == 0 || self.format > FORMAT {
            return Err(format!("format {}, expected {FORMAT}", self.format));
        }
        let settings = ChainSettings {
            coinbase: self.coinbase,
            fork: self.fork,
            instance: instance.unwrap_or(self.instance),
            ..ChainSettings::new(self.chain_id, self.base_fee, self.gas_limit)
        };
        let mut blocks = self.blocks.into_iter();
        let genesis = blocks.next().ok_or("there is no genesis block")?;
        let mut chain = Chain::restored(
            genesis.own.over(&settings),
            self.clock,
            genesis.diff,
            genesis.own.state_root,
        );
        chain.settings = settings;
        for saved in blocks {
            let head = chain.head();
            let settings = saved.own.over(&settings);
            let seal = BlockSeal {
                parent_hash: head.hash,
                number: head.number() + 1,
                l1_number: saved.l1_number,
                timestamp: saved.timestamp,
                base_fee: settings.base_fee,
                gas_limit: settings.gas_limit,
                coinbase: settings.coinbase,
                prevrandao: settings.prevrandao,
                fork: settings.fork,
                extra_data: B256::ZERO,
                state_root: saved.own.state_root,
            };
            let mut state = head.state.clone();
            state.apply(&saved.diff);
            let (mut transactions, mut gas_before) =
                (Vec::with_capacity(saved.transactions.len()), 0);
            for tx in saved.transactions {
                let tx = tx.restore(gas_before, settings.base_fee)?;
                gas_before = tx.cumulative_gas_used;
                transactions.push(tx);
            }
            chain.append(Block::seal(seal, transactions, saved.diff, state));
        }
        let latest = chain.head().header.timestamp;
        chain.clock.change_source(source, latest);
        Ok(chain)
    }
}

impl OwnSettings {
    fn of(block: &Block, settings: &ChainSettings) -> Self {
        fn other<T: PartialEq>(own: T, usual: T) -> Option<T> {
            (own != usual).then_some(own)
        }
        Self {
            base_fee: other(block.base_fee(), settings.base_fee),
            gas_limit: other(block.header.gas_limit, settings.gas_limit),
            coinbase: other(block.header.beneficiary, settings.coinbase),
            prevrandao: other(block.prevrandao, PREVRANDAO),
            fork: other(block.fork(), settings.fork),
            state_root: other(block.header.state_root, block.state.clone().commit()),
        }
    }

    fn over(&self, settings: &ChainSettings) -> ChainSettings {
        ChainSettings {
            chain_id: settings.chain_id,
            base_fee: self.base_fee.unwrap_or(settings.base_fee),
            gas_limit: self.gas_limit.unwrap_or(settings.gas_limit),
            coinbase: self.coinbase.unwrap_or(settings.coinbase),
            prevrandao: self.prevrandao.unwrap_or(PREVRANDAO),
            fork: self.fork.unwrap_or(settings.fork),
            instance: settings.instance,
        }
    }
}

impl SavedBlock {
    fn of(block: &Block, settings: &ChainSettings) -> Self {
        Self {
            own: OwnSettings::of(block, settings),
            timestamp: block.header.timestamp,
            l1_number: block.l1_number(),
            transactions: block
                .transactions
                .iter()
                .map(SavedTransaction::of)
                .collect(),
            diff: block.diff.clone(),
        }
    }
}

impl SavedTransaction {
    fn of(tx: &MinedTransaction) -> Self {
        Self {
            raw: tx.envelope.inner().encoded_2718().into(),
            from: tx.sender(),
            success: tx.success,
            gas_used: tx.gas_used,
            contract_address: tx.contract_address,
            logs: tx.logs.clone(),
            gas: tx.gas,
            activity: tx.activity,
            output: tx.output.clone(),
        }
    }

    fn restore(self, gas_before: u64, base_fee: u64) -> Result<MinedTransaction, String> {
        let envelope = TxEnvelope::decode_2718(&mut self.raw.as_ref())
            .map_err(|error| format!("a transaction: {error}"))?;
        Ok(MinedTransaction {
            envelope: Recovered::new_unchecked(envelope, self.from),
            success: self.success,
            gas_used: self.gas_used,
            cumulative_gas_used: gas_before + self.gas_used,
            effective_gas_price: base_fee.into(),
            contract_address: self.contract_address,
            logs: self.logs,
            gas: self.gas,
            activity: self.activity,
            output: self.output,
        })
    }
}
