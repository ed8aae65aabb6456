//! The methods of full nodes beyond the common ones, in process.

mod common;

use alloy::{
    consensus::{SignableTransaction, TxEip7702, TxEnvelope},
    eips::{eip7702::Authorization, Encodable2718},
    network::{TransactionBuilder, TxSignerSync},
    primitives::{keccak256, Address, Bytes, B256, U256},
    providers::Provider,
    rpc::types::{EIP1186AccountProofResponse, TransactionRequest},
    signers::SignerSync,
    sol,
    sol_types::SolCall,
};
use alloy_trie::{proof::verify_proof, Nibbles, TrieAccount};
use common::*;
use devnet::{Devnet, DEFAULT_BASE_FEE};
use serde_json::{json, Value};

async fn create(devnet: &Devnet, init_code: Bytes) -> Address {
    let create = TransactionRequest::default().with_deploy_code(init_code);
    let sent = devnet.provider().send_transaction(create).await.unwrap();
    sent.get_receipt().await.unwrap().contract_address.unwrap()
}

async fn write(devnet: &Devnet, store: Address, value: u64) -> B256 {
    let call = TransactionRequest::default()
        .with_from(devnet.account(1))
        .with_to(store)
        .with_input(word(value));
    let sent = devnet.provider().send_transaction(call).await.unwrap();
    *sent.tx_hash()
}

fn verify(root: B256, proof: &EIP1186AccountProofResponse) {
    let account = (!proof.is_empty()).then(|| {
        alloy::rlp::encode(TrieAccount {
            nonce: proof.nonce,
            balance: proof.balance,
            storage_root: proof.storage_hash,
            code_hash: proof.code_hash,
        })
    });
    let key = Nibbles::unpack(keccak256(proof.address));
    verify_proof(root, key, account, &proof.account_proof).unwrap();
    for slot in &proof.storage_proof {
        let value = (!slot.value.is_zero()).then(|| alloy::rlp::encode(slot.value));
        let key = Nibbles::unpack(keccak256(slot.key.as_b256()));
        verify_proof(proof.storage_hash, key, value, &slot.proof).unwrap();
    }
}

#[tokio::test]
async fn proofs_fit_the_headers_state_root() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    write(&devnet, store, 77).await;
    let provider = devnet.provider();
    let slots = vec![B256::ZERO, B256::with_last_byte(9)];
    for address in [store, devnet.account(1), Address::repeat_byte(0x77)] {
        let proof = provider.get_proof(address, slots.clone()).await.unwrap();
        let head = provider
            .get_block(Default::default())
            .await
            .unwrap()
            .unwrap();
        verify(head.header.state_root, &proof);
    }
    let proof = provider.get_proof(store, slots.clone()).await.unwrap();
    assert_eq!(proof.storage_proof[0].value, U256::from(77));
    assert_eq!(proof.storage_proof[1].value, U256::ZERO);
    assert_eq!(proof.nonce, 1);

    // Of an earlier block, by its number.
    let earlier = provider
        .get_proof(store, slots.clone())
        .number(1)
        .await
        .unwrap();
    assert_eq!(earlier.storage_proof[0].value, U256::ZERO);
    let first = provider.get_block(1.into()).await.unwrap().unwrap();
    verify(first.header.state_root, &earlier);

    // An edit is in the next block's root; and hashes are the same after a restart.
    devnet.set_storage_at(store, U256::ZERO, U256::from(5));
    devnet.mine(1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.json");
    devnet.save(&file).unwrap();
    let again = Devnet::builder().state_file(&file).build().unwrap();
    for number in 0..=devnet.block_number() {
        let hash = |devnet: &Devnet| {
            let provider = devnet.provider();
            async move {
                provider
                    .get_block(number.into())
                    .await
                    .unwrap()
                    .unwrap()
                    .header
                    .hash
            }
        };
        assert_eq!(hash(&devnet).await, hash(&again).await, "block {number}");
    }
    let proof = again.provider().get_proof(store, slots).await.unwrap();
    let head = again
        .provider()
        .get_block(Default::default())
        .await
        .unwrap();
    verify(head.unwrap().header.state_root, &proof);
    assert_eq!(proof.storage_proof[0].value, U256::from(5));
}

#[tokio::test]
async fn access_lists_name_what_is_touched() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    let proxy = create(&devnet, proxy(store)).await;
    let call = json!({"from": devnet.account(1), "to": proxy, "data": word(3)});
    let result = rpc(&devnet, "eth_createAccessList", json!([call]))
        .await
        .unwrap();
    let expected = json!([{
        "address": format!("{store:?}"), "storageKeys": [B256::ZERO],
    }]);
    assert_eq!(result["accessList"], expected, "{result}");
    // The gas is what the call takes with the list.
    let mut with_list = call.clone();
    with_list["accessList"] = result["accessList"].clone();
    let hash = rpc(&devnet, "eth_sendTransaction", json!([with_list]))
        .await
        .unwrap();
    let receipt = rpc(&devnet, "eth_getTransactionReceipt", json!([hash]))
        .await
        .unwrap();
    assert_eq!(receipt["gasUsed"], result["gasUsed"]);
    // A call that fails says so.
    let failing = create(&devnet, revert_with_calldata()).await;
    let call = json!({"from": devnet.account(1), "to": failing, "data": "0x01020304"});
    let result = rpc(&devnet, "eth_createAccessList", json!([call]))
        .await
        .unwrap();
    assert_eq!(result["error"], "execution reverted");
    assert_eq!(result["accessList"], json!([]));
}

#[tokio::test]
async fn blocks_are_simulated_one_after_the_other() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    let (alice, stranger) = (devnet.account(1), Address::repeat_byte(0x33));
    let head = devnet.block_number();
    let payload = json!({
        "blockStateCalls": [
            {
                "stateOverrides": {stranger.to_string(): {"balance": "0x64"}},
                "calls": [
                    {"from": stranger, "to": alice, "value": "0x14"},
                    {"from": alice, "to": store, "data": word(5)},
                ],
            },
            {
                "blockOverrides": {"time": "0x7fffffff"},
                "calls": [
                    {"from": alice, "to": store},
                    {"from": stranger, "to": alice, "value": "0x64"},
                ],
            },
        ],
        "traceTransfers": true,
    });
    let result = rpc(&devnet, "eth_simulateV1", json!([payload, "latest"])).await;
    // What the second block cannot pay for ends it.
    let refused = result.unwrap_err();
    assert!(
        refused["message"].as_str().unwrap().contains("funds"),
        "{refused}"
    );
    let mut payload = payload;
    payload["blockStateCalls"][1]["calls"][1]["value"] = json!("0x50");
    let blocks = rpc(&devnet, "eth_simulateV1", json!([payload, "latest"]))
        .await
        .unwrap();
    assert_eq!(number(&blocks[0]["number"]), head + 1);
    assert_eq!(blocks[1]["timestamp"], "0x7fffffff");
    assert_eq!(blocks[1]["parentHash"], blocks[0]["hash"]);
    let calls = |block: usize| blocks[block]["calls"].as_array().unwrap();
    assert_eq!(calls(0)[0]["gasUsed"], "0x5208");
    // Ether as a token's transfer.
    let transfer = &calls(0)[0]["logs"][0];
    assert_eq!(
        transfer["address"],
        "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
    );
    assert_eq!(transfer["topics"][1], json!(stranger.into_word()));
    assert_eq!(transfer["data"], json!(word(20)));
    // The second block sees what the first one wrote.
    assert_eq!(calls(0)[1]["logs"][0]["topics"][0], json!(word(5)));
    assert_eq!(calls(1)[0]["returnData"], json!(word(5)));
    assert_eq!(blocks[0]["transactions"].as_array().unwrap().len(), 2);
    // Nothing of it happened.
    assert_eq!(devnet.block_number(), head);
    let read = TransactionRequest::default().with_to(store);
    assert_eq!(devnet.provider().call(read).await.unwrap(), word(0));

    let failing = create(&devnet, revert_with_calldata()).await;
    let payload = json!({"blockStateCalls": [{"calls": [{"to": failing, "data": "0x01020304"}]}]});
    let blocks = rpc(&devnet, "eth_simulateV1", json!([payload, "latest"]))
        .await
        .unwrap();
    let call = &blocks[0]["calls"][0];
    assert_eq!(call["status"], "0x0");
    assert_eq!(call["error"]["code"], 3);
    assert_eq!(call["returnData"], "0x01020304");

    // With validation fees are paid and nonces count.
    let payload = json!({
        "blockStateCalls": [{"calls": [{"from": stranger, "to": alice, "nonce": "0x7"}]}],
        "validation": true,
    });
    let refused = rpc(&devnet, "eth_simulateV1", json!([payload, "latest"])).await;
    assert!(refused.is_err());
    let none = rpc(&devnet, "eth_simulateV1", json!([{"blockStateCalls": []}])).await;
    assert!(none.unwrap_err()["message"]
        .as_str()
        .unwrap()
        .contains("0 blocks"));
}

#[tokio::test]
async fn the_state_before_and_after_is_traced() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    let first = write(&devnet, store, 5).await;
    let second = write(&devnet, store, 8).await;
    let lower = |address: Address| format!("{address:?}");
    let trace = |hash: B256, config: Value| {
        let options = json!({"tracer": "prestateTracer", "tracerConfig": config});
        rpc(&devnet, "debug_traceTransaction", json!([hash, options]))
    };
    let before = trace(second, json!({})).await.unwrap();
    let found = &before[lower(store)];
    assert_eq!(found["storage"][B256::ZERO.to_string()], json!(word(5)));
    assert!(found["code"].as_str().unwrap().len() > 10);
    let alice = &before[lower(devnet.account(1))];
    assert_eq!(alice["nonce"], 1);
    assert!(alice.get("code").is_none());

    let diff = trace(second, json!({"diffMode": true})).await.unwrap();
    let slot = B256::ZERO.to_string();
    assert_eq!(diff["pre"][lower(store)]["storage"][&slot], json!(word(5)));
    let after = &diff["post"][lower(store)];
    assert_eq!(after, &json!({"storage": {slot: word(8)}}));
    assert_eq!(diff["post"][lower(devnet.account(1))]["nonce"], 2);
    let bare = trace(first, json!({"disableCode": true, "disableStorage": true}));
    let bare = bare.await.unwrap();
    assert!(bare[lower(store)].get("code").is_none());

    // A whole block, by number and hash.
    rpc(&devnet, "evm_setAutomine", json!([false]))
        .await
        .unwrap();
    let hashes = [
        write(&devnet, store, 1).await,
        write(&devnet, store, 2).await,
    ];
    devnet.mine(1).unwrap();
    let options = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let traces = rpc(
        &devnet,
        "debug_traceBlockByNumber",
        json!(["latest", options]),
    )
    .await
    .unwrap();
    for (index, hash) in hashes.iter().enumerate() {
        assert_eq!(traces[index]["txHash"], json!(hash));
        let log = &traces[index]["result"]["logs"][0];
        assert_eq!(log["topics"][0], json!(word(index as u64 + 1)));
        assert_eq!(log["position"], "0x0");
    }
    let block = rpc(&devnet, "eth_getBlockByNumber", json!(["latest", false]))
        .await
        .unwrap();
    let by_hash = rpc(
        &devnet,
        "debug_traceBlockByHash",
        json!([block["hash"], options]),
    )
    .await;
    assert_eq!(by_hash.unwrap(), traces);
    let genesis = rpc(&devnet, "debug_traceBlockByNumber", json!(["0x0", options])).await;
    assert!(genesis.unwrap_err()["message"]
        .as_str()
        .unwrap()
        .contains("genesis"));
}

#[tokio::test]
async fn pending_calls_see_what_waits() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    rpc(&devnet, "evm_setAutomine", json!([false]))
        .await
        .unwrap();
    let hash = write(&devnet, store, 9).await;
    let read = json!({"to": store});
    let call = |at: &str| rpc(&devnet, "eth_call", json!([read, at]));
    assert_eq!(call("latest").await.unwrap(), json!(word(0)));
    assert_eq!(call("pending").await.unwrap(), json!(word(9)));
    let block = rpc(&devnet, "eth_getBlockByNumber", json!(["pending", false]))
        .await
        .unwrap();
    assert_eq!(block["transactions"], json!([hash]));
    let slot = rpc(
        &devnet,
        "eth_getStorageAt",
        json!([store, "0x0", "pending"]),
    )
    .await;
    assert_eq!(slot.unwrap(), json!(word(9)));
    let head = rpc(&devnet, "eth_blockNumber", json!([])).await.unwrap();
    assert_eq!(number(&head) + 1, number(&block["number"]));
}

#[tokio::test]
async fn an_account_without_ether_lacks_funds_and_not_gas() {
    let devnet = Devnet::new().unwrap();
    let poor = Address::repeat_byte(0x44);
    devnet.impersonate(poor);
    let request = json!({"from": poor, "to": devnet.account(0), "maxFeePerGas": "0x77359400"});
    let cases = [
        ("eth_sendTransaction", json!([request])),
        ("eth_estimateGas", json!([request])),
        ("eth_call", json!([request, "latest"])),
    ];
    for (method, params) in cases {
        let error = rpc(&devnet, method, params).await.unwrap_err();
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("insufficient funds for gas * price + value: address"),
            "{method}: {message}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_transactions_of_one_account_at_once() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    let from = devnet.account(1);
    let sent = (0..100).map(|index| {
        let devnet = devnet.clone();
        let tx = json!([{"from": from, "to": store, "data": word(index)}]);
        tokio::spawn(async move { rpc(&devnet, "eth_sendTransaction", tx).await })
    });
    let mut hashes = std::collections::BTreeSet::new();
    for sent in sent.collect::<Vec<_>>() {
        let hash = sent.await.unwrap().unwrap();
        hashes.insert(hash.to_string());
    }
    assert_eq!(hashes.len(), 100);
    let nonce = devnet.provider().get_transaction_count(from).await.unwrap();
    assert_eq!(nonce, 100);
}

#[tokio::test]
async fn accounts_delegate_their_code() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    let (sender, owner) = (&devnet.signers()[0], &devnet.signers()[1]);
    let authorization = Authorization {
        chain_id: U256::from(31_337),
        address: store,
        nonce: 0,
    };
    let signature = owner
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let mut tx = TxEip7702 {
        chain_id: 31_337,
        nonce: 1,
        gas_limit: 200_000,
        max_fee_per_gas: 2 * u128::from(DEFAULT_BASE_FEE),
        to: owner.address(),
        authorization_list: vec![authorization.into_signed(signature)],
        input: word(6),
        ..TxEip7702::default()
    };
    let signature = sender.sign_transaction_sync(&mut tx).unwrap();
    let envelope = TxEnvelope::from(tx.into_signed(signature));
    let provider = devnet.provider();
    let sent = provider
        .send_raw_transaction(&envelope.encoded_2718())
        .await
        .unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(receipt.status());
    let code = provider.get_code_at(owner.address()).await.unwrap();
    assert_eq!(code, [&[0xef, 1, 0][..], store.as_slice()].concat());
    // The account's own storage was written, by the other's code.
    let slot = provider
        .get_storage_at(owner.address(), U256::ZERO)
        .await
        .unwrap();
    assert_eq!(slot, U256::from(6));
    let rpc_tx = provider
        .get_transaction_by_hash(*envelope.tx_hash())
        .await
        .unwrap();
    assert!(rpc_tx.unwrap().inner.is_eip7702());
    // It can still send.
    let own = devnet.provider_as(1);
    let pay = TransactionRequest::default()
        .with_to(devnet.account(2))
        .with_value(U256::from(1));
    let sent = own.send_transaction(pay).await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
}

sol! {
    function gasEstimateComponents(address to, bool contractCreation, bytes calldata data)
        external payable
        returns (uint64 gasEstimate, uint64 gasEstimateForL1, uint256 baseFee, uint256 l1BaseFeeEstimate);
    function l2BlockRangeForL1(uint64 blockNum) external view returns (uint64 firstBlock, uint64 lastBlock);
    function blockL1Num(uint64 l2BlockNum) external view returns (uint64 l1BlockNum);
    function nitroGenesisBlock() external pure returns (uint256 number);
    function constructOutboxProof(uint64 size, uint64 leaf)
        external view returns (bytes32 send, bytes32 root, bytes32[] memory proof);
}

#[tokio::test]
async fn the_node_interface_answers() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    let interface = "0x00000000000000000000000000000000000000C8";
    let ask = |data: Vec<u8>| {
        let request =
            json!({"from": devnet.account(1), "to": interface, "data": Bytes::from(data)});
        let devnet = &devnet;
        async move {
            let answer = rpc(devnet, "eth_call", json!([request, "latest"])).await;
            answer.map(|answer| serde_json::from_value::<Bytes>(answer).unwrap())
        }
    };
    let call = gasEstimateComponentsCall {
        to: store,
        contractCreation: false,
        data: word(3),
    };
    let answer = ask(call.abi_encode()).await.unwrap();
    let components = gasEstimateComponentsCall::abi_decode_returns(&answer).unwrap();
    let request = json!({"from": devnet.account(1), "to": store, "data": word(3)});
    let estimate = rpc(&devnet, "eth_estimateGas", json!([request]))
        .await
        .unwrap();
    assert_eq!(components.gasEstimate, number(&estimate));
    assert_eq!(components.gasEstimateForL1, 0);
    assert_eq!(components.baseFee, U256::from(DEFAULT_BASE_FEE));

    devnet.mine(3).unwrap();
    let answer = ask(blockL1NumCall { l2BlockNum: 2 }.abi_encode())
        .await
        .unwrap();
    let l1_number = blockL1NumCall::abi_decode_returns(&answer).unwrap();
    let answer = ask(l2BlockRangeForL1Call {
        blockNum: l1_number,
    }
    .abi_encode())
    .await
    .unwrap();
    let range = l2BlockRangeForL1Call::abi_decode_returns(&answer).unwrap();
    assert_eq!((range.firstBlock, range.lastBlock), (2, 2));
    let answer = ask(nitroGenesisBlockCall {}.abi_encode()).await.unwrap();
    assert_eq!(answer, word(0));
    let refused = ask(constructOutboxProofCall { size: 1, leaf: 0 }.abi_encode()).await;
    assert!(refused.unwrap_err()["message"]
        .as_str()
        .unwrap()
        .contains("without L1"));
    let refused = ask(l2BlockRangeForL1Call { blockNum: 1 }.abi_encode()).await;
    assert!(refused.unwrap_err()["message"]
        .as_str()
        .unwrap()
        .contains("no block"));
}

#[tokio::test]
async fn the_whole_state_is_dumped_and_loaded() {
    let devnet = Devnet::new().unwrap();
    let store = create(&devnet, store()).await;
    write(&devnet, store, 4).await;
    let dump = rpc(&devnet, "anvil_dumpState", json!([])).await.unwrap();
    let head = devnet
        .provider()
        .get_block(Default::default())
        .await
        .unwrap();
    let other = Devnet::new().unwrap();
    let loaded = rpc(&other, "anvil_loadState", json!([dump])).await;
    assert_eq!(loaded.unwrap(), true);
    let same = other
        .provider()
        .get_block(Default::default())
        .await
        .unwrap();
    assert_eq!(head.unwrap().header.hash, same.unwrap().header.hash);
    let read = TransactionRequest::default().with_to(store);
    assert_eq!(other.provider().call(read).await.unwrap(), word(4));
    // The other chain goes on.
    write(&other, store, 5).await;
    let wrong = rpc(&other, "anvil_loadState", json!(["0x7b7d"]))
        .await
        .unwrap_err();
    assert!(wrong["message"]
        .as_str()
        .unwrap()
        .contains("anvil_dumpState"));
    let elsewhere = Devnet::builder().chain_id(5).build().unwrap();
    let wrong = rpc(&elsewhere, "anvil_loadState", json!([dump]))
        .await
        .unwrap_err();
    assert!(
        wrong["message"].as_str().unwrap().contains("31337, not 5"),
        "{wrong}"
    );
}

#[tokio::test]
async fn a_block_takes_no_more_gas_than_its_limit() {
    let devnet = Devnet::new().unwrap();
    rpc(&devnet, "evm_setBlockGasLimit", json!(["0xea60"]))
        .await
        .unwrap();
    rpc(&devnet, "evm_setAutomine", json!([false]))
        .await
        .unwrap();
    let from = devnet.account(1);
    for _ in 0..3 {
        let tx = json!([{"from": from, "to": devnet.account(2), "value": "0x1", "gas": "0x5208"}]);
        rpc(&devnet, "eth_sendTransaction", tx).await.unwrap();
    }
    devnet.mine(1).unwrap();
    let count = |block: u64| {
        let devnet = &devnet;
        async move {
            let params = json!([format!("{block:#x}"), false]);
            let block = rpc(devnet, "eth_getBlockByNumber", params).await.unwrap();
            block["transactions"].as_array().unwrap().len()
        }
    };
    assert_eq!(count(1).await, 2);
    devnet.mine(1).unwrap();
    assert_eq!(count(2).await, 1);
    let tx = json!([{"from": from, "to": from, "gas": "0xea61"}]);
    let refused = rpc(&devnet, "eth_sendTransaction", tx).await.unwrap_err();
    assert!(refused["message"]
        .as_str()
        .unwrap()
        .contains("block gas limit"));
    let little = rpc(&devnet, "evm_setBlockGasLimit", json!(["0x1"])).await;
    assert!(little.is_err());
}

#[tokio::test]
async fn starts_are_told_from_each_other() {
    let start = |instance| {
        Devnet::builder()
            .instance(B256::repeat_byte(instance))
            .build()
            .unwrap()
    };
    let (one, other) = (start(1), start(2));
    assert_ne!(one.instance(), other.instance());
    assert_eq!(start(1).instance(), one.instance());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.json");
    one.mine(2).unwrap();
    one.save(&file).unwrap();
    let same = Devnet::builder().state_file(&file).build().unwrap();
    assert_eq!(same.instance(), one.instance());
    // The same chain as the start of another.
    let instance = B256::repeat_byte(3);
    let new = Devnet::builder()
        .state_file(&file)
        .instance(instance)
        .build()
        .unwrap();
    assert_ne!(new.instance(), one.instance());
    let hash = |devnet: &Devnet| {
        let provider = devnet.provider();
        async move {
            provider
                .get_block(2.into())
                .await
                .unwrap()
                .unwrap()
                .header
                .hash
        }
    };
    assert_ne!(hash(&new).await, hash(&one).await);
    assert_eq!(hash(&same).await, hash(&one).await);
}
