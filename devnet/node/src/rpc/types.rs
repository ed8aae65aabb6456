//! What RPC says of blocks, transactions and logs: alloy's types, with the fields that Arbitrum adds.

use alloy::{
    consensus::{transaction::Recovered, Receipt, ReceiptWithBloom, Sealed, TxEnvelope},
    primitives::{logs_bloom, B256, U256},
    rpc::types::{
        Block as RpcBlock, BlockTransactions, Header, Log, Transaction, TransactionReceipt,
    },
    serde::{OtherFields, WithOtherFields},
};
use serde_json::json;

use crate::block::{receipt_envelope, Block};

/// A block as Arbitrum nodes give it.
pub type ArbitrumBlock = WithOtherFields<RpcBlock>;

/// A receipt as Arbitrum nodes give it.
pub type ArbitrumReceipt = WithOtherFields<TransactionReceipt>;

/// A header.
pub fn header(block: &Block) -> WithOtherFields<Header> {
    let mut other = OtherFields::default();
    other.insert("l1BlockNumber".into(), json!(U256::from(block.l1_number())));
    other.insert("sendCount".into(), json!(U256::ZERO));
    other.insert("sendRoot".into(), json!(B256::ZERO));
    let header = Header::from_consensus(
        Sealed::new_unchecked(block.header.clone(), block.hash),
        None,
        None,
    );
    WithOtherFields {
        inner: header,
        other,
    }
}

/// A block, with its transactions or only their hashes.
pub fn block(block: &Block, full: bool) -> ArbitrumBlock {
    let transactions = if full {
        BlockTransactions::Full(
            (0..block.transactions.len())
                .map(|index| transaction(block, index))
                .collect(),
        )
    } else {
        BlockTransactions::Hashes(block.transactions.iter().map(|tx| tx.hash()).collect())
    };
    let WithOtherFields {
        inner: header,
        other,
    } = header(block);
    let header = header.with_size(Some(U256::from(alloy::rlp::Encodable::length(
        &block.header,
    ))));
    let inner = RpcBlock {
        header,
        uncles: Vec::new(),
        transactions,
        withdrawals: None,
    };
    WithOtherFields { inner, other }
}

/// Transaction `index` of a block.
pub fn transaction(block: &Block, index: usize) -> Transaction {
    let tx = &block.transactions[index];
    Transaction {
        inner: tx.envelope.clone(),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        transaction_index: Some(index as u64),
        effective_gas_price: Some(tx.effective_gas_price),
    }
}

/// A transaction that waits.
pub fn pending(envelope: Recovered<TxEnvelope>) -> Transaction {
    Transaction {
        inner: envelope,
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: None,
    }
}

/// The receipt of transaction `index` of a block.
pub fn receipt(block: &Block, index: usize) -> ArbitrumReceipt {
    let tx = &block.transactions[index];
    let inner = Receipt {
        status: tx.success.into(),
        cumulative_gas_used: tx.cumulative_gas_used,
        logs: transaction_logs(block, index).collect(),
    };
    let inner = ReceiptWithBloom {
        logs_bloom: logs_bloom(&tx.logs),
        receipt: inner,
    };
    let receipt = TransactionReceipt {
        inner: receipt_envelope(tx.envelope.inner().tx_type(), inner),
        transaction_hash: tx.hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        gas_used: tx.gas_used,
        effective_gas_price: tx.effective_gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: tx.sender(),
        to: tx.recipient(),
        contract_address: tx.contract_address,
    };
    let mut other = OtherFields::default();
    other.insert("l1BlockNumber".into(), json!(U256::from(block.l1_number())));
    other.insert("gasUsedForL1".into(), json!(U256::ZERO));
    other.insert("timeboosted".into(), json!(false));
    WithOtherFields {
        inner: receipt,
        other,
    }
}

/// All logs of a block.
pub fn logs(block: &Block) -> impl Iterator<Item = Log> + '_ {
    (0..block.transactions.len()).flat_map(|index| transaction_logs(block, index))
}

fn transaction_logs(block: &Block, index: usize) -> impl Iterator<Item = Log> + '_ {
    let (tx, first) = (&block.transactions[index], block.logs_before(index));
    tx.logs
        .iter()
        .zip(first..)
        .map(move |(log, log_index)| Log {
            inner: log.clone(),
            block_hash: Some(block.hash),
            block_number: Some(block.number()),
            block_timestamp: Some(block.header.timestamp),
            transaction_hash: Some(tx.hash()),
            transaction_index: Some(index as u64),
            log_index: Some(log_index),
            removed: false,
        })
}
