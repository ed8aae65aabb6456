//! Saving a chain and starting from it.

mod common;

use std::fs;

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::{Filter, TransactionRequest},
};
use common::*;
use devnet::{Devnet, DevnetError, PersistError};
use serde_json::json;

#[tokio::test]
async fn a_saved_chain_comes_back_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deep/state.json");
    let devnet = Devnet::builder().state_file(&file).build().unwrap();
    assert!(!devnet.loaded());
    let provider = devnet.provider_as(0);
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    for value in [1, 2] {
        let write = TransactionRequest::default()
            .with_to(contract)
            .with_input(word(value));
        provider
            .send_transaction(write)
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
    }
    devnet.set_balance(Address::repeat_byte(5), U256::from(99));
    devnet.impersonate(Address::repeat_byte(5));
    devnet.advance_time(500).unwrap();
    devnet.save(&file).unwrap();

    let again = Devnet::builder().state_file(&file).build().unwrap();
    assert!(again.loaded());
    assert_eq!(
        (again.block_number(), again.timestamp()),
        (devnet.block_number(), devnet.timestamp())
    );
    for number in 0..=devnet.block_number() {
        let query = json!([format!("{number:#x}"), true]);
        let [before, after] =
            [&devnet, &again].map(|devnet| rpc(devnet, "eth_getBlockByNumber", query.clone()));
        assert_eq!(
            before.await.unwrap(),
            after.await.unwrap(),
            "block {number}"
        );
        let query = json!([format!("{number:#x}")]);
        let [before, after] =
            [&devnet, &again].map(|devnet| rpc(devnet, "eth_getBlockReceipts", query.clone()));
        assert_eq!(
            before.await.unwrap(),
            after.await.unwrap(),
            "receipts of block {number}"
        );
    }
    let provider = again.provider_as(0);
    assert_eq!(
        provider
            .get_storage_at(contract, U256::ZERO)
            .number(2)
            .await
            .unwrap(),
        U256::from(1),
        "history too"
    );
    assert_eq!(
        provider.get_storage_at(contract, U256::ZERO).await.unwrap(),
        U256::from(2)
    );
    assert_eq!(
        provider.get_balance(Address::repeat_byte(5)).await.unwrap(),
        U256::from(99)
    );
    assert_eq!(again.logs(&Filter::new().from_block(0)).unwrap().len(), 2);
    // And it goes on.
    let write = TransactionRequest::default()
        .with_to(contract)
        .with_input(word(3));
    let receipt = provider
        .send_transaction(write)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(receipt.block_number, Some(devnet.block_number() + 1));
    again.advance_time(1).unwrap();
    assert_eq!(again.timestamp(), devnet.timestamp() + 1);
}

#[tokio::test]
async fn an_interrupted_save_leaves_the_old_chain() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let devnet = Devnet::new().unwrap();
    devnet.mine(3).unwrap();
    devnet.save(&file).unwrap();
    // What a crash in the middle of writing leaves behind.
    let whole = fs::read(&file).unwrap();
    fs::write(
        directory.path().join("state.json.new"),
        &whole[..whole.len() / 2],
    )
    .unwrap();
    let again = Devnet::builder().state_file(&file).build().unwrap();
    assert_eq!(again.block_number(), 3);
    again.mine(1).unwrap();
    again.save(&file).unwrap();
    assert_eq!(
        Devnet::builder()
            .state_file(&file)
            .build()
            .unwrap()
            .block_number(),
        4
    );
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let build = || Devnet::builder().state_file(&file).build().err().unwrap();
    for content in ["", "{}", "[1,2,3]", "\u{0}\u{1}"] {
        fs::write(&file, content).unwrap();
        assert!(
            matches!(
                build(),
                DevnetError::Persist(PersistError::Malformed { .. })
            ),
            "{content:?}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
    Devnet::builder()
        .chain_id(5)
        .build()
        .unwrap()
        .save(&file)
        .unwrap();
    let error = build();
    assert!(
        matches!(
            &error,
            DevnetError::Persist(PersistError::ChainId {
                have: 5,
                want: 31_337,
                ..
            })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn time_goes_on_from_a_saved_chain_by_either_clock() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let devnet = Devnet::new().unwrap();
    devnet.advance_time(1_000_000_000).unwrap();
    devnet.save(&file).unwrap();
    let by_clock = Devnet::builder()
        .system_time()
        .state_file(&file)
        .build()
        .unwrap();
    by_clock.mine(1).unwrap();
    assert!(by_clock.timestamp() >= devnet.timestamp());
    by_clock.save(&file).unwrap();
    let still = Devnet::builder().state_file(&file).build().unwrap();
    still.mine(1).unwrap();
    assert_eq!(still.timestamp(), by_clock.timestamp());
}

#[test]
fn saves_at_the_same_time_take_turns() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let devnet = Devnet::new().unwrap();
    let saver = |devnet: Devnet| {
        let file = file.clone();
        move || {
            for _ in 0..20 {
                devnet.mine(50).unwrap();
                devnet.save(&file).unwrap();
            }
        }
    };
    let threads = [0; 4].map(|_| std::thread::spawn(saver(devnet.clone())));
    for thread in threads {
        thread.join().unwrap();
    }
    let again = Devnet::builder().state_file(&file).build().unwrap();
    assert_eq!(again.block_number(), 4 * 20 * 50);
}
