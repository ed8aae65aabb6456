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
    primitives::{Address, Bytes, Log},
};
use devnet_vm::{Activity, GasBreakdown};
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, BlockSeal, MinedTransaction},
    chain::{Chain, ChainSettings},
    clock::{Clock, TimeSource},
    state::StateDiff,
};

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

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

/// Reads the chain at `path`; `None` if there is no such file.
pub fn load(path: &Path, chain_id: u64, source: TimeSource) -> Result<Option<Chain>, PersistError> {
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
    if saved.format != FORMAT {
        return Err(malformed(format!(
            "format {}, expected {FORMAT}",
            saved.format
        )));
    }
    if saved.chain_id != chain_id {
        return Err(PersistError::ChainId {
            path: path.to_owned(),
            have: saved.chain_id,
            want: chain_id,
        });
    }
    let mut chain = saved.restore().map_err(malformed)?;
    let latest = chain.head().header.timestamp;
    chain.clock.change_source(source, latest);
    Ok(Some(chain))
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
        } = chain.settings;
        let blocks = chain.blocks().map(|block| SavedBlock::of(block)).collect();
        Self {
            format: FORMAT,
            chain_id,
            base_fee,
            gas_limit,
            clock: chain.clock.clone(),
            blocks,
        }
    }

    /// Builds the chain anew, block by block.
    fn restore(self) -> Result<Chain, String> {
        let settings = ChainSettings {
            chain_id: self.chain_id,
            base_fee: self.base_fee,
            gas_limit: self.gas_limit,
        };
        let mut blocks = self.blocks.into_iter();
        let genesis = blocks.next().ok_or("there is no genesis block")?;
        let mut chain = Chain::new(settings, self.clock, genesis.diff);
        for saved in blocks {
            let head = chain.head();
            let seal = BlockSeal {
                parent_hash: head.hash,
                number: head.number() + 1,
                l1_number: saved.l1_number,
                timestamp: saved.timestamp,
                base_fee: settings.base_fee,
                gas_limit: settings.gas_limit,
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
        Ok(chain)
    }
}

impl SavedBlock {
    fn of(block: &Block) -> Self {
        Self {
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
