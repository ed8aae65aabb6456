//! How fast the chain is: transactions a second, in process and over HTTP, and the time from start to ready.
//! `cargo run --example bench -p devnet`. It reports; it asserts nothing.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::Encodable2718,
    network::TxSignerSync,
    primitives::{keccak256, Address, Bytes, TxKind, B256, U256},
    providers::{Provider, ProviderBuilder},
};
use devnet::{Constructor, Devnet, DEFAULT_BASE_FEE};
use devnet_vm::revm::bytecode::opcode::*;

const TRANSACTIONS: u64 = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let devnet = Devnet::new()?;
    let server = devnet.serve("127.0.0.1:0".parse()?).await?;
    let http = ProviderBuilder::default().connect_http(server.http_url().parse()?);
    http.get_block_number().await?;
    println!("start to first answer over HTTP: {:?}", start.elapsed());

    let token = devnet.deploy_evm(token()).await?.address;
    let balance = keccak256(
        [
            B256::left_padding_from(devnet.account(0).as_slice()),
            B256::ZERO,
        ]
        .concat(),
    );
    devnet.set_storage_at(token, balance.into(), U256::MAX);
    let program = devnet
        .deploy_wasm(&common::program(), Some(Constructor::new(common::word(1))))
        .await?
        .address;
    devnet.cache_program(program).await?;
    let transfer = [
        &[0xa9, 0x05, 0x9c, 0xbb][..],
        &[0; 12],
        &[0x77; 20],
        &common::word(1),
    ]
    .concat();

    for (name, to, value, input) in [
        (
            "plain transfer",
            Address::repeat_byte(0x77),
            1,
            Bytes::new(),
        ),
        ("ERC-20 transfer", token, 0, transfer.into()),
        ("program call", program, 0, Bytes::new()),
    ] {
        let mut rates = Vec::new();
        for over_http in [false, true] {
            let transactions = signed(&devnet, to, value, &input).await?;
            let provider = if over_http {
                http.clone().erased()
            } else {
                devnet.provider()
            };
            let start = Instant::now();
            let mut last = B256::ZERO;
            for raw in &transactions {
                last = *provider.send_raw_transaction(raw).await?.tx_hash();
            }
            rates.push(TRANSACTIONS as f64 / start.elapsed().as_secs_f64());
            let receipt = provider
                .get_transaction_receipt(last)
                .await?
                .ok_or("no receipt")?;
            if !receipt.status() {
                return Err(format!("{name} failed").into());
            }
        }
        println!(
            "{name:>16}: {:>6.0} tx/s in process, {:>6.0} tx/s over HTTP",
            rates[0], rates[1]
        );
    }

    let file = std::env::temp_dir().join(format!("devnet-bench-{}.json", std::process::id()));
    let start = Instant::now();
    devnet.save(&file)?;
    let (saved, size) = (start.elapsed(), std::fs::metadata(&file)?.len());
    let start = Instant::now();
    Devnet::builder().state_file(&file).build()?;
    println!(
        "{} blocks, {} KB: saved in {saved:?}, loaded in {:?}",
        devnet.block_number(),
        size / 1024,
        start.elapsed()
    );
    std::fs::remove_file(&file)?;
    Ok(())
}

/// Transactions of account 0, ready to send.
async fn signed(
    devnet: &Devnet,
    to: Address,
    value: u64,
    input: &Bytes,
) -> Result<Vec<Bytes>, Box<dyn std::error::Error>> {
    let nonce = devnet
        .provider()
        .get_transaction_count(devnet.account(0))
        .await?;
    let sign = |nonce| {
        let mut tx = TxEip1559 {
            chain_id: devnet.chain_id(),
            nonce,
            gas_limit: 200_000,
            max_fee_per_gas: DEFAULT_BASE_FEE.into(),
            to: TxKind::Call(to),
            value: U256::from(value),
            input: input.clone(),
            ..Default::default()
        };
        let signature = devnet.signers()[0].sign_transaction_sync(&mut tx)?;
        Ok(TxEnvelope::from(tx.into_signed(signature))
            .encoded_2718()
            .into())
    };
    (nonce..nonce + TRANSACTIONS).map(sign).collect()
}

/// Just `transfer(address,uint256)` of an ERC-20: two balances in a mapping at slot 0, a check, and the event.
fn token() -> Bytes {
    let mut code = vec![
        CALLER, PUSH0, MSTORE, PUSH1, 64, PUSH0, KECCAK256, DUP1, SLOAD,
    ]; // slot, balance
    code.extend([PUSH1, 36, CALLDATALOAD, DUP1, DUP3, LT, PUSH1, 0, JUMPI]); // … amount
    let revert = code.len() - 2;
    code.extend([DUP1, SWAP2, SUB, SWAP1, SWAP2, SSTORE]); // amount
    code.extend([
        PUSH1,
        4,
        CALLDATALOAD,
        PUSH0,
        MSTORE,
        PUSH1,
        64,
        PUSH0,
        KECCAK256,
        DUP1,
        SLOAD,
        DUP3,
        ADD,
        SWAP1,
        SSTORE,
    ]);
    code.extend([PUSH0, MSTORE, PUSH1, 4, CALLDATALOAD, CALLER, PUSH32]);
    code.extend(keccak256("Transfer(address,address,uint256)"));
    code.extend([
        PUSH1, 32, PUSH0, LOG3, PUSH1, 1, PUSH0, MSTORE, PUSH1, 32, PUSH0, RETURN,
    ]);
    code[revert] = code.len() as u8;
    code.extend([JUMPDEST, PUSH0, PUSH0, REVERT]);
    common::init_code(&code)
}
