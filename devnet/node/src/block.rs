//! Mined blocks, with all that is known of their transactions.

use alloy::{
    consensus::{
        constants::EMPTY_OMMER_ROOT_HASH,
        proofs::{calculate_receipt_root, calculate_transaction_root},
        transaction::Recovered,
        Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxEnvelope, TxType,
    },
    primitives::{address, logs_bloom, Address, Bloom, Bytes, Log, B256, B64, U256},
};
use devnet_vm::{Activity, GasBreakdown};

use crate::state::{State, StateDiff};

/// Who proposes blocks on Arbitrum.
pub const SEQUENCER: Address = address!("A4B000000000000000000073657175656e636572");

/// `block.prevrandao` on Arbitrum, always.
pub const PREVRANDAO: B256 = B256::with_last_byte(1);

/// The ArbOS version that headers state.
const ARBOS_VERSION: u64 = 40;

/// A block and the state it left.
#[derive(Clone, Debug)]
pub struct Block {
    pub header: Header,
    pub hash: B256,
    pub transactions: Vec<MinedTransaction>,
    /// What contracts saw as `block.prevrandao`; the header has no room for it.
    pub prevrandao: B256,
    /// What the block changed, edits by `anvil_set…` since included.
    pub diff: StateDiff,
    pub state: State,
}

/// A transaction and what came of it.
#[derive(Clone, Debug)]
pub struct MinedTransaction {
    pub envelope: Recovered<TxEnvelope>,
    pub success: bool,
    pub gas_used: u64,
    pub cumulative_gas_used: u64,
    pub effective_gas_price: u128,
    pub contract_address: Option<Address>,
    pub logs: Vec<Log>,
    pub gas: GasBreakdown,
    pub activity: Activity,
    /// What it returned or reverted with.
    pub output: Bytes,
}

/// What a header says besides what its transactions determine.
#[derive(Clone, Debug)]
pub struct BlockSeal {
    pub parent_hash: B256,
    pub number: u64,
    pub l1_number: u64,
    pub timestamp: u64,
    pub base_fee: u64,
    pub gas_limit: u64,
    pub coinbase: Address,
    pub prevrandao: B256,
    /// How many reorganisations came before: it is in the header's nonce, so that a block that takes the place of an
    /// equal one has another hash.
    pub fork: u64,
    /// Zero but in the genesis, which it makes one of its kind.
    pub extra_data: B256,
    /// Of a saved block; otherwise it is that of the state. They differ where the state was edited afterwards.
    pub state_root: Option<B256>,
}

impl Block {
    /// Seals a block.
    pub fn seal(
        seal: BlockSeal,
        transactions: Vec<MinedTransaction>,
        diff: StateDiff,
        mut state: State,
    ) -> Self {
        let envelopes: Vec<&TxEnvelope> =
            transactions.iter().map(|tx| tx.envelope.inner()).collect();
        let receipts: Vec<_> = transactions.iter().map(MinedTransaction::receipt).collect();
        let header = Header {
            parent_hash: seal.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: seal.coinbase,
            state_root: seal.state_root.unwrap_or_else(|| state.commit()),
            transactions_root: calculate_transaction_root(&envelopes),
            receipts_root: calculate_receipt_root(&receipts),
            logs_bloom: receipts
                .iter()
                .fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom()),
            difficulty: U256::ONE,
            number: seal.number,
            gas_limit: seal.gas_limit,
            gas_used: transactions.last().map_or(0, |tx| tx.cumulative_gas_used),
            timestamp: seal.timestamp,
            extra_data: seal.extra_data.into(),
            mix_hash: nitro_mix_hash(seal.l1_number),
            nonce: B64::from(seal.fork.to_be_bytes()),
            base_fee_per_gas: Some(seal.base_fee),
            ..Header::default()
        };
        Self {
            hash: header.hash_slow(),
            header,
            transactions,
            prevrandao: seal.prevrandao,
            diff,
            state,
        }
    }

    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Number of the L1 block it follows.
    pub fn l1_number(&self) -> u64 {
        let mut number = [0; 8];
        number.copy_from_slice(&self.header.mix_hash[8..16]);
        u64::from_be_bytes(number)
    }

    /// How many reorganisations came before.
    pub fn fork(&self) -> u64 {
        u64::from_be_bytes(self.header.nonce.0)
    }

    pub fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    /// How many logs precede those of transaction `index`.
    pub fn logs_before(&self, index: usize) -> u64 {
        self.transactions[..index]
            .iter()
            .map(|tx| tx.logs.len() as u64)
            .sum()
    }
}

/// Nitro's headers keep the send count, the L1 block number and the ArbOS version in the mix hash.
fn nitro_mix_hash(l1_number: u64) -> B256 {
    let mut hash = B256::ZERO;
    hash[8..16].copy_from_slice(&l1_number.to_be_bytes());
    hash[16..24].copy_from_slice(&ARBOS_VERSION.to_be_bytes());
    hash
}

impl MinedTransaction {
    pub fn hash(&self) -> B256 {
        *self.envelope.inner().tx_hash()
    }

    pub fn sender(&self) -> Address {
        self.envelope.signer()
    }

    pub fn recipient(&self) -> Option<Address> {
        self.envelope.inner().to()
    }

    /// The consensus receipt.
    pub fn receipt(&self) -> ReceiptEnvelope {
        let receipt = Receipt {
            status: self.success.into(),
            cumulative_gas_used: self.cumulative_gas_used,
            logs: self.logs.clone(),
        };
        receipt_envelope(
            self.envelope.inner().tx_type(),
            ReceiptWithBloom {
                logs_bloom: logs_bloom(&self.logs),
                receipt,
            },
        )
    }
}

/// Wraps a receipt by its transaction's type.
pub fn receipt_envelope<T>(
    tx_type: TxType,
    receipt: ReceiptWithBloom<Receipt<T>>,
) -> ReceiptEnvelope<T> {
    match tx_type {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    }
}
