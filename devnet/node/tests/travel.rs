//! Time travel, snapshots, edits and impersonation: `evm_`, `anvil_` and `hardhat_`.

mod common;

use alloy::{
    network::TransactionBuilder,
    primitives::{address, Address, U256},
    providers::{ext::AnvilApi, Provider},
    rpc::types::TransactionRequest,
};
use common::*;
use devnet::{Devnet, Mining, L1_GENESIS, MANUAL_GENESIS};
use serde_json::json;

#[tokio::test]
async fn time_stands_still_until_it_is_moved() {
    let devnet = Devnet::new().unwrap();
    devnet.mine(3).unwrap();
    assert_eq!(
        (devnet.block_number(), devnet.timestamp()),
        (3, MANUAL_GENESIS)
    );
    devnet.advance_time(86_400).unwrap();
    assert_eq!(devnet.timestamp(), MANUAL_GENESIS + 86_400);
    devnet.set_timestamp(MANUAL_GENESIS + 100_000).unwrap();
    devnet.mine(1).unwrap();
    assert_eq!(devnet.timestamp(), MANUAL_GENESIS + 100_000);
    assert!(devnet.set_timestamp(MANUAL_GENESIS).is_err());
}

#[tokio::test]
async fn every_block_on_request_is_on_a_later_l1_block() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let pay = TransactionRequest::default().with_to(devnet.account(1));
    provider
        .send_transaction(pay.clone())
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(
        devnet.l1_block_number(),
        L1_GENESIS,
        "transactions alone do not move L1"
    );
    rpc(&devnet, "evm_mine", json!([])).await.unwrap();
    assert_eq!(devnet.l1_block_number(), L1_GENESIS + 1);
    devnet.mine(10).unwrap();
    assert_eq!(devnet.l1_block_number(), L1_GENESIS + 11);
    provider
        .send_transaction(pay)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(devnet.l1_block_number(), L1_GENESIS + 11);
    devnet.advance_time(12 * 5).unwrap();
    assert_eq!(devnet.l1_block_number(), L1_GENESIS + 16);
}

#[tokio::test]
async fn evm_methods_travel() {
    let devnet = Devnet::new().unwrap();
    assert_eq!(
        rpc(&devnet, "evm_increaseTime", json!([60])).await.unwrap(),
        60
    );
    assert_eq!(
        rpc(&devnet, "evm_increaseTime", json!(["0x3c"]))
            .await
            .unwrap(),
        120
    );
    assert_eq!(
        devnet.timestamp(),
        MANUAL_GENESIS,
        "only the next block shows it"
    );
    rpc(&devnet, "evm_mine", json!([])).await.unwrap();
    assert_eq!(devnet.timestamp(), MANUAL_GENESIS + 120);
    rpc(
        &devnet,
        "evm_setNextBlockTimestamp",
        json!([MANUAL_GENESIS + 500]),
    )
    .await
    .unwrap();
    rpc(&devnet, "evm_mine", json!([])).await.unwrap();
    assert_eq!(devnet.timestamp(), MANUAL_GENESIS + 500);
    rpc(&devnet, "evm_mine", json!([MANUAL_GENESIS + 600]))
        .await
        .unwrap();
    assert_eq!(devnet.timestamp(), MANUAL_GENESIS + 600);
    let past = rpc(
        &devnet,
        "evm_setNextBlockTimestamp",
        json!([MANUAL_GENESIS]),
    )
    .await
    .unwrap_err();
    assert!(
        past["message"]
            .as_str()
            .unwrap()
            .contains("before the latest block's"),
        "{past}"
    );
    rpc(&devnet, "hardhat_mine", json!(["0x3", "0xa"]))
        .await
        .unwrap();
    assert_eq!(
        (devnet.block_number(), devnet.timestamp()),
        (6, MANUAL_GENESIS + 620)
    );
    rpc(&devnet, "evm_mine", json!([{"blocks": 2}]))
        .await
        .unwrap();
    assert_eq!(devnet.block_number(), 8);
    let many = rpc(&devnet, "anvil_mine", json!(["0xffffffffff"]))
        .await
        .unwrap_err();
    assert_eq!(many["code"], -32602);
}

#[tokio::test]
async fn the_machines_clock_runs_on() {
    let devnet = Devnet::builder().system_time().build().unwrap();
    let start = devnet.timestamp();
    devnet.advance_time(1_000).unwrap();
    assert!((start + 1_000..start + 1_010).contains(&devnet.timestamp()));
}

#[tokio::test]
async fn snapshots_bring_everything_back() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let write = |value| {
        TransactionRequest::default()
            .with_to(contract)
            .with_input(word(value))
    };
    provider
        .send_transaction(write(1))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let first = rpc(&devnet, "evm_snapshot", json!([])).await.unwrap();
    let before = (
        devnet.block_number(),
        devnet.timestamp(),
        provider.get_balance(devnet.account(0)).await.unwrap(),
    );

    let gone = provider
        .send_transaction(write(2))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    devnet.advance_time(1_000).unwrap();
    let second = devnet.snapshot();
    provider
        .send_transaction(write(3))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(devnet.revert(second));
    assert_eq!(
        provider.get_storage_at(contract, U256::ZERO).await.unwrap(),
        U256::from(2)
    );
    assert!(!devnet.revert(second), "a snapshot serves once");
    let third = devnet.snapshot();

    assert_eq!(
        rpc(&devnet, "evm_revert", json!([first])).await.unwrap(),
        true
    );
    let after = (
        devnet.block_number(),
        devnet.timestamp(),
        provider.get_balance(devnet.account(0)).await.unwrap(),
    );
    assert_eq!(before, after);
    assert_eq!(
        provider.get_storage_at(contract, U256::ZERO).await.unwrap(),
        U256::from(1)
    );
    assert!(provider
        .get_transaction_receipt(gone.transaction_hash)
        .await
        .unwrap()
        .is_none());
    assert!(!devnet.revert(third), "later snapshots are gone");
    assert_eq!(
        rpc(&devnet, "evm_revert", json!(["0x77"])).await.unwrap(),
        false
    );
    // And the chain goes on.
    provider
        .send_transaction(write(9))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(
        provider.get_storage_at(contract, U256::ZERO).await.unwrap(),
        U256::from(9)
    );
}

#[tokio::test]
async fn accounts_can_be_edited() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider();
    let account = address!("00000000000000000000000000000000000abcde");
    provider
        .anvil_set_balance(account, U256::from(123))
        .await
        .unwrap();
    provider.anvil_set_nonce(account, 7).await.unwrap();
    assert_eq!(
        provider.get_balance(account).await.unwrap(),
        U256::from(123)
    );
    assert_eq!(provider.get_transaction_count(account).await.unwrap(), 7);
    let template = devnet.deploy_evm(store()).await.unwrap().address;
    let code = provider.get_code_at(template).await.unwrap();
    rpc(&devnet, "hardhat_setCode", json!([account, code]))
        .await
        .unwrap();
    rpc(
        &devnet,
        "hardhat_setStorageAt",
        json!([account, "0x0", word(55)]),
    )
    .await
    .unwrap();
    let read = TransactionRequest::default().with_to(account);
    assert_eq!(provider.call(read.clone()).await.unwrap(), word(55));
    assert_eq!(
        provider.get_balance(account).await.unwrap(),
        U256::from(123),
        "other edits stay"
    );
    // An edit belongs to the latest block; a later one keeps it.
    devnet.mine(1).unwrap();
    assert_eq!(provider.call(read).await.unwrap(), word(55));
}

#[tokio::test]
async fn anyone_can_be_impersonated() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider();
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    devnet.set_balance(contract, U256::from(10).pow(U256::from(18)));
    let pay = TransactionRequest::default()
        .with_from(contract)
        .with_to(Address::repeat_byte(3))
        .with_value(U256::from(4));
    assert!(provider.send_transaction(pay.clone()).await.is_err());
    rpc(&devnet, "hardhat_impersonateAccount", json!([contract]))
        .await
        .unwrap();
    let first = provider
        .send_transaction(pay.clone())
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let second = provider
        .send_transaction(pay.clone())
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!((first.from, first.status()), (contract, true));
    assert_ne!(first.transaction_hash, second.transaction_hash);
    assert_eq!(
        provider.get_balance(Address::repeat_byte(3)).await.unwrap(),
        U256::from(8)
    );
    provider
        .anvil_stop_impersonating_account(contract)
        .await
        .unwrap();
    assert!(provider.send_transaction(pay).await.is_err());
}

#[tokio::test]
async fn blocks_can_wait_for_a_request() {
    let devnet = Devnet::builder().mining(Mining::Manual).build().unwrap();
    let provider = devnet.provider();
    let pay = |from: usize| {
        TransactionRequest::default()
            .with_from(devnet.account(from))
            .with_to(devnet.account(9))
            .with_value(U256::from(1))
    };
    let mut hashes = Vec::new();
    for from in [0, 0, 1] {
        hashes.push(
            *provider
                .send_transaction(pay(from))
                .await
                .unwrap()
                .tx_hash(),
        );
    }
    assert_eq!(devnet.block_number(), 0);
    assert_eq!(
        provider
            .get_transaction_count(devnet.account(0))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        provider
            .get_transaction_count(devnet.account(0))
            .pending()
            .await
            .unwrap(),
        2
    );
    rpc(&devnet, "evm_mine", json!([])).await.unwrap();
    let block = provider
        .get_block_by_number(1.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(block.transactions.hashes().collect::<Vec<_>>(), hashes);
    let last = provider
        .get_transaction_receipt(hashes[2])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (last.transaction_index, last.inner.cumulative_gas_used()),
        (Some(2), 63_000)
    );
    assert_eq!(block.header.gas_used, 63_000);
    // Replacing needs a better price.
    let cheap = pay(0)
        .with_nonce(2)
        .with_max_fee_per_gas(200_000_000)
        .with_max_priority_fee_per_gas(0);
    let _ = provider.send_transaction(cheap.clone()).await.unwrap();
    let same = cheap.clone().with_value(U256::from(2));
    assert!(provider
        .send_transaction(same.clone())
        .await
        .unwrap_err()
        .to_string()
        .contains("underpriced"));
    let _ = provider
        .send_transaction(same.with_max_fee_per_gas(220_000_000))
        .await
        .unwrap();
    rpc(&devnet, "evm_mine", json!([])).await.unwrap();
    assert_eq!(
        provider
            .get_block_by_number(2.into())
            .await
            .unwrap()
            .unwrap()
            .transactions
            .len(),
        1
    );
    assert_eq!(
        provider.get_balance(devnet.account(9)).await.unwrap() % U256::from(1_000),
        U256::from(5)
    );
}

#[tokio::test]
async fn interval_mining_mines_by_itself() {
    let devnet = Devnet::builder().mining(Mining::Manual).build().unwrap();
    devnet
        .mine_every(Some(std::time::Duration::from_millis(20)))
        .unwrap();
    let provider = devnet.provider_as(0);
    let pay = TransactionRequest::default()
        .with_to(devnet.account(9))
        .with_value(U256::from(1));
    let receipt = provider
        .send_transaction(pay)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status() && receipt.block_number >= Some(1));
}
