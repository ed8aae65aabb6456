//! The `eth_` methods, in process, mostly through alloy's provider.

mod common;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy},
    eips::{eip2930::AccessListItem, BlockId, BlockNumberOrTag, Encodable2718},
    network::{TransactionBuilder, TxSignerSync},
    primitives::{utils::parse_ether, Address, Bytes, TxKind, B256, U256},
    providers::Provider,
    rpc::types::{
        state::{AccountOverride, StateOverride},
        Filter, TransactionRequest,
    },
    sol,
    sol_types::{Revert, SolError},
};
use common::*;
use devnet::{Devnet, DEFAULT_BASE_FEE, L1_GENESIS, MANUAL_GENESIS};
use serde_json::json;

fn transfer(from: Address, to: Address, value: u64) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(from)
        .with_to(to)
        .with_value(U256::from(value))
}

fn call(to: Address, data: impl Into<Bytes>) -> TransactionRequest {
    TransactionRequest::default().with_to(to).with_input(data)
}

#[tokio::test]
async fn chain_facts() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider();
    assert_eq!(provider.get_chain_id().await.unwrap(), 31_337);
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
    assert_eq!(
        provider.get_gas_price().await.unwrap(),
        u128::from(DEFAULT_BASE_FEE)
    );
    assert_eq!(provider.get_max_priority_fee_per_gas().await.unwrap(), 0);
    assert_eq!(provider.get_accounts().await.unwrap(), devnet.accounts());
    assert_eq!(
        rpc(&devnet, "net_version", json!([])).await.unwrap(),
        "31337"
    );
    assert_eq!(rpc(&devnet, "eth_syncing", json!([])).await.unwrap(), false);
    assert!(rpc(&devnet, "web3_clientVersion", json!([]))
        .await
        .unwrap()
        .as_str()
        .unwrap()
        .contains("devnet"));
    let empty_hash = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(
        rpc(&devnet, "web3_sha3", json!(["0x"])).await.unwrap(),
        empty_hash
    );
    let estimate = provider.estimate_eip1559_fees().await.unwrap();
    assert!(estimate.max_fee_per_gas >= u128::from(DEFAULT_BASE_FEE));
}

#[tokio::test]
async fn fee_history_covers_the_range() {
    let devnet = Devnet::new().unwrap();
    devnet.mine(5).unwrap();
    let history = devnet
        .provider()
        .get_fee_history(3, BlockNumberOrTag::Number(4), &[10.0, 50.0])
        .await
        .unwrap();
    assert_eq!(history.oldest_block, 2);
    assert_eq!(
        history.base_fee_per_gas,
        vec![u128::from(DEFAULT_BASE_FEE); 4]
    );
    assert_eq!(history.gas_used_ratio.len(), 3);
    assert_eq!(history.reward.unwrap(), vec![vec![0, 0]; 3]);
    let error = rpc(&devnet, "eth_feeHistory", json!(["0x1", "latest", [101]]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -32602);
}

#[tokio::test]
async fn transfers_move_ether_and_pay_the_base_fee() {
    let devnet = Devnet::new().unwrap();
    let (alice, bob) = (devnet.account(0), devnet.account(1));
    let provider = devnet.provider();
    let receipt = provider
        .send_transaction(transfer(alice, bob, 7))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status());
    assert_eq!((receipt.gas_used, receipt.block_number), (21_000, Some(1)));
    assert_eq!(receipt.effective_gas_price, u128::from(DEFAULT_BASE_FEE));
    let fee = U256::from(21_000 * DEFAULT_BASE_FEE);
    let start = parse_ether("10000").unwrap();
    assert_eq!(
        provider.get_balance(bob).await.unwrap(),
        start + U256::from(7)
    );
    assert_eq!(
        provider.get_balance(alice).await.unwrap(),
        start - U256::from(7) - fee
    );
    assert_eq!(provider.get_transaction_count(alice).await.unwrap(), 1);

    let raw = rpc(
        &devnet,
        "eth_getTransactionReceipt",
        json!([receipt.transaction_hash]),
    )
    .await
    .unwrap();
    assert_eq!(number(&raw["l1BlockNumber"]), L1_GENESIS);
    assert_eq!(number(&raw["gasUsedForL1"]), 0);
    assert_eq!(raw["type"], "0x2");
    assert_eq!(raw["status"], "0x1");
}

#[tokio::test]
async fn signed_transactions_of_all_three_types() {
    let devnet = Devnet::new().unwrap();
    let signer = devnet.signers()[3].clone();
    let (to, value, gas_limit, chain_id) = (
        TxKind::Call(Address::repeat_byte(9)),
        U256::from(5),
        30_000,
        31_337,
    );
    let price = u128::from(DEFAULT_BASE_FEE);
    let access_list = vec![AccessListItem {
        address: Address::repeat_byte(9),
        storage_keys: vec![B256::ZERO],
    }]
    .into();
    let mut legacy = TxLegacy {
        chain_id: Some(chain_id),
        gas_price: price,
        gas_limit,
        to,
        value,
        ..Default::default()
    };
    let mut unprotected = TxLegacy {
        chain_id: None,
        nonce: 1,
        ..legacy.clone()
    };
    let mut with_list = TxEip2930 {
        chain_id,
        nonce: 2,
        gas_price: price,
        gas_limit,
        to,
        value,
        access_list,
        ..Default::default()
    };
    let mut dynamic = TxEip1559 {
        chain_id,
        nonce: 3,
        max_fee_per_gas: 2 * price,
        max_priority_fee_per_gas: price,
        gas_limit,
        to,
        value,
        ..Default::default()
    };
    let signatures = [
        signer.sign_transaction_sync(&mut legacy).unwrap(),
        signer.sign_transaction_sync(&mut unprotected).unwrap(),
        signer.sign_transaction_sync(&mut with_list).unwrap(),
        signer.sign_transaction_sync(&mut dynamic).unwrap(),
    ];
    let envelopes: [TxEnvelope; 4] = [
        legacy.into_signed(signatures[0]).into(),
        unprotected.into_signed(signatures[1]).into(),
        with_list.into_signed(signatures[2]).into(),
        dynamic.into_signed(signatures[3]).into(),
    ];
    let provider = devnet.provider();
    let expected_gas = [21_000, 21_000, 21_000 + 2_400 + 1_900, 21_000];
    for (envelope, gas) in envelopes.iter().zip(expected_gas) {
        let pending = provider
            .send_raw_transaction(&envelope.encoded_2718())
            .await
            .unwrap();
        assert_eq!(pending.tx_hash(), envelope.tx_hash());
        let receipt = pending.get_receipt().await.unwrap();
        assert_eq!(
            (receipt.status(), receipt.gas_used, receipt.from),
            (true, gas, signer.address())
        );
        // Tips are dropped.
        assert_eq!(receipt.effective_gas_price, price);
        let found = provider
            .get_transaction_by_hash(*envelope.tx_hash())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.inner.inner(), envelope);
        assert_eq!(found.inner.signer(), signer.address());
    }
    assert_eq!(
        provider.get_balance(Address::repeat_byte(9)).await.unwrap(),
        U256::from(20)
    );
    // The same again is known.
    let error = provider
        .send_raw_transaction(&envelopes[0].encoded_2718())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("already known"), "{error}");
}

#[tokio::test]
async fn unacceptable_transactions_get_geths_messages() {
    let devnet = Devnet::new().unwrap();
    let signer = &devnet.signers()[0];
    let good = TxEip1559 {
        chain_id: 31_337,
        gas_limit: 21_000,
        max_fee_per_gas: u128::from(DEFAULT_BASE_FEE),
        to: TxKind::Call(Address::repeat_byte(1)),
        ..Default::default()
    };
    let cases = [
        (
            TxEip1559 {
                chain_id: 1,
                ..good.clone()
            },
            "invalid chain id for signer: have 1 want 31337",
        ),
        (
            TxEip1559 {
                gas_limit: 20_999,
                ..good.clone()
            },
            "intrinsic gas too low: have 20999, want 21000",
        ),
        (
            TxEip1559 {
                max_fee_per_gas: 1,
                ..good.clone()
            },
            "max fee per gas less than block base fee",
        ),
        (
            TxEip1559 {
                max_priority_fee_per_gas: 1 << 40,
                ..good.clone()
            },
            "max priority fee per gas higher than max",
        ),
        (
            TxEip1559 {
                value: U256::MAX,
                ..good.clone()
            },
            "insufficient funds for gas * price + value",
        ),
        (
            TxEip1559 {
                gas_limit: u64::MAX,
                ..good.clone()
            },
            "exceeds block gas limit",
        ),
        (
            TxEip1559 {
                nonce: u64::MAX,
                ..good.clone()
            },
            "nonce has max value",
        ),
        (
            TxEip1559 {
                to: TxKind::Create,
                input: vec![0; 49_153].into(),
                gas_limit: 30_000_000,
                ..good.clone()
            },
            "max initcode size exceeded",
        ),
    ];
    for (mut tx, message) in cases {
        let signature = signer.sign_transaction_sync(&mut tx).unwrap();
        let raw = Bytes::from(TxEnvelope::from(tx.into_signed(signature)).encoded_2718());
        let error = rpc(&devnet, "eth_sendRawTransaction", json!([raw]))
            .await
            .unwrap_err();
        assert!(
            error["message"].as_str().unwrap().starts_with(message),
            "{error} is not {message}"
        );
        assert_eq!(error["code"], -32000);
    }
    let provider = devnet.provider();
    let _ = provider
        .send_transaction(transfer(devnet.account(0), devnet.account(1), 1))
        .await
        .unwrap();
    let stale = transfer(devnet.account(0), devnet.account(1), 2)
        .with_nonce(0)
        .with_gas_limit(21_000);
    let error = provider.send_transaction(stale).await.unwrap_err();
    assert!(error.to_string().contains("nonce too low"), "{error}");
    let stranger = transfer(Address::repeat_byte(7), devnet.account(1), 2);
    assert!(provider
        .send_transaction(stranger)
        .await
        .unwrap_err()
        .to_string()
        .contains("unknown account"));
    for raw in ["0x", "0x01", "0xc0", "0x03c0", "0x02c0ff"] {
        assert_eq!(
            rpc(&devnet, "eth_sendRawTransaction", json!([raw]))
                .await
                .unwrap_err()["code"],
            -32000,
            "{raw}"
        );
    }
    assert_eq!(devnet.block_number(), 1, "nothing of this was mined");
}

#[tokio::test]
async fn transactions_wait_for_the_nonces_before_theirs() {
    let devnet = Devnet::new().unwrap();
    let (alice, bob) = (devnet.account(0), devnet.account(1));
    let provider = devnet.provider();
    let later = transfer(alice, bob, 1).with_nonce(1).with_gas_limit(21_000);
    let later = *provider.send_transaction(later).await.unwrap().tx_hash();
    assert_eq!(devnet.block_number(), 0);
    let waiting = provider
        .get_transaction_by_hash(later)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.block_number, None);
    assert!(provider
        .get_transaction_receipt(later)
        .await
        .unwrap()
        .is_none());
    let _ = provider
        .send_transaction(transfer(alice, bob, 1).with_nonce(0))
        .await
        .unwrap();
    assert_eq!(devnet.block_number(), 2);
    assert_eq!(
        provider
            .get_transaction_receipt(later)
            .await
            .unwrap()
            .unwrap()
            .block_number,
        Some(2)
    );
}

#[tokio::test]
async fn contracts_store_and_history_is_kept() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    assert_eq!(contract, devnet.account(0).create(0));
    for value in 2..5 {
        provider
            .send_transaction(call(contract, word(value)))
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
    }
    // Blocks: 1 deploys, 2, 3 and 4 write their numbers.
    for (block, value) in [(1, 0), (2, 2), (3, 3), (4, 4)] {
        let stored = provider
            .get_storage_at(contract, U256::ZERO)
            .number(block)
            .await
            .unwrap();
        assert_eq!(stored, U256::from(value), "slot at block {block}");
        assert_eq!(
            provider
                .call(call(contract, []))
                .block(block.into())
                .await
                .unwrap(),
            word(value)
        );
        assert_eq!(
            provider
                .get_transaction_count(devnet.account(0))
                .number(block)
                .await
                .unwrap(),
            block
        );
    }
    assert!(provider
        .get_code_at(contract)
        .number(0)
        .await
        .unwrap()
        .is_empty());
    assert!(!provider.get_code_at(contract).await.unwrap().is_empty());
    for tag in [
        BlockId::latest(),
        BlockId::pending(),
        BlockId::safe(),
        BlockId::finalized(),
    ] {
        assert_eq!(
            provider.call(call(contract, [])).block(tag).await.unwrap(),
            word(4),
            "{tag}"
        );
    }
    assert_eq!(
        provider
            .call(call(contract, []))
            .block(BlockId::earliest())
            .await
            .unwrap(),
        Bytes::new()
    );
    let hash = provider
        .get_block_by_number(3.into())
        .await
        .unwrap()
        .unwrap()
        .header
        .hash;
    assert_eq!(
        provider
            .call(call(contract, []))
            .block(hash.into())
            .await
            .unwrap(),
        word(3)
    );
    let error = rpc(&devnet, "eth_getBalance", json!([contract, "0x63"]))
        .await
        .unwrap_err();
    assert!(
        error["message"].as_str().unwrap().contains("not found"),
        "{error}"
    );
}

#[tokio::test]
async fn blocks_and_their_transactions() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider();
    let hash = *provider
        .send_transaction(transfer(devnet.account(0), devnet.account(1), 3))
        .await
        .unwrap()
        .tx_hash();
    let block = provider
        .get_block_by_number(BlockNumberOrTag::Latest)
        .full()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (block.header.number, block.header.timestamp),
        (1, MANUAL_GENESIS)
    );
    assert_eq!(block.header.hash, block.header.inner.hash_slow());
    let genesis = provider
        .get_block_by_number(0.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(block.header.parent_hash, genesis.header.hash);
    assert_eq!(
        block
            .transactions
            .txns()
            .map(|tx| *tx.inner.tx_hash())
            .collect::<Vec<_>>(),
        [hash]
    );
    let by_hash = provider
        .get_block_by_hash(block.header.hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(by_hash.transactions.hashes().collect::<Vec<_>>(), [hash]);
    let receipts = provider
        .get_block_receipts(1.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(receipts[0].transaction_hash, hash);
    for (method, id) in [
        ("eth_getTransactionByBlockNumberAndIndex", json!("0x1")),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!(block.header.hash),
        ),
    ] {
        assert_eq!(
            rpc(&devnet, method, json!([id, "0x0"])).await.unwrap()["hash"],
            json!(hash)
        );
        assert!(rpc(&devnet, method, json!([id, "0x1"]))
            .await
            .unwrap()
            .is_null());
    }
    assert_eq!(
        rpc(
            &devnet,
            "eth_getBlockTransactionCountByNumber",
            json!(["latest"])
        )
        .await
        .unwrap(),
        "0x1"
    );
    assert!(rpc(&devnet, "eth_getBlockByNumber", json!(["0x9", false]))
        .await
        .unwrap()
        .is_null());
    assert!(
        rpc(&devnet, "eth_getBlockByHash", json!([B256::ZERO, false]))
            .await
            .unwrap()
            .is_null()
    );
    let raw = rpc(&devnet, "eth_getBlockByNumber", json!(["latest", false]))
        .await
        .unwrap();
    assert_eq!(number(&raw["l1BlockNumber"]), L1_GENESIS);
}

sol! {
    error TooLittle(uint256 have, uint256 want);
}

#[tokio::test]
async fn reverts_carry_their_data() {
    let devnet = Devnet::new().unwrap();
    let contract = devnet
        .deploy_evm(revert_with_calldata())
        .await
        .unwrap()
        .address;
    let custom = TooLittle {
        have: U256::from(1),
        want: U256::from(2),
    };
    let data = Bytes::from(custom.abi_encode());
    for method in ["eth_call", "eth_estimateGas"] {
        let error = rpc(&devnet, method, json!([call(contract, data.clone())]))
            .await
            .unwrap_err();
        assert_eq!(
            error,
            json!({"code": 3, "message": "execution reverted", "data": data}),
            "{method}"
        );
        let require = Bytes::from(Revert::from("not yet").abi_encode());
        let error = rpc(&devnet, method, json!([call(contract, require)]))
            .await
            .unwrap_err();
        assert_eq!(error["message"], "execution reverted: not yet");
    }
    let provider = devnet.provider_as(0);
    let error = provider
        .call(call(contract, data.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        error
            .as_error_resp()
            .unwrap()
            .as_decoded_error::<TooLittle>()
            .unwrap()
            .want,
        custom.want
    );
    // Mined all the same, when the gas is given.
    let sent = call(contract, data.clone()).with_gas_limit(100_000);
    let receipt = provider
        .send_transaction(sent)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(!receipt.status());
    assert!(receipt.logs().is_empty());
    assert_eq!(
        devnet.revert_data(receipt.transaction_hash).unwrap(),
        Some(data)
    );
}

#[tokio::test]
async fn calls_see_overrides_and_leave_no_trace() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider();
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let other = Address::repeat_byte(0x42);
    let code = provider.get_code_at(contract).await.unwrap();
    let slot = |value: u64| {
        [(B256::ZERO, B256::from(U256::from(value)))]
            .into_iter()
            .collect()
    };
    let overridden = |account: AccountOverride| {
        StateOverride::from_iter([(other, account.with_code(code.clone()))])
    };

    let diff = overridden(AccountOverride {
        state_diff: Some(slot(77)),
        ..Default::default()
    });
    assert_eq!(
        provider
            .call(call(other, []))
            .overrides(diff)
            .await
            .unwrap(),
        word(77)
    );
    let full = overridden(AccountOverride {
        state: Some(slot(78)),
        ..Default::default()
    });
    assert_eq!(
        provider
            .call(call(other, []))
            .overrides(full)
            .await
            .unwrap(),
        word(78)
    );
    assert_eq!(provider.call(call(other, [])).await.unwrap(), Bytes::new());

    // `state` hides what the account has, `stateDiff` does not.
    devnet.set_storage_at(contract, U256::ZERO, U256::from(5));
    let empty = AccountOverride {
        state: Some(Default::default()),
        ..Default::default()
    };
    let hidden = StateOverride::from_iter([(contract, empty)]);
    assert_eq!(
        provider
            .call(call(contract, []))
            .overrides(hidden)
            .await
            .unwrap(),
        word(0)
    );

    let poor = Address::repeat_byte(0x66);
    let paying = transfer(poor, other, 10);
    let error = provider.call(paying.clone()).await.unwrap_err();
    assert!(error.to_string().contains("insufficient funds"), "{error}");
    let rich =
        StateOverride::from_iter([(poor, AccountOverride::default().with_balance(U256::MAX))]);
    assert_eq!(
        provider.call(paying).overrides(rich).await.unwrap(),
        Bytes::new()
    );
    assert_eq!(provider.get_balance(other).await.unwrap(), U256::ZERO);

    let both = json!({other.to_string(): {"state": {}, "stateDiff": {}}});
    let error = rpc(
        &devnet,
        "eth_call",
        json!([call(other, []), "latest", both]),
    )
    .await
    .unwrap_err();
    assert_eq!(error["code"], -32602);
}

#[tokio::test]
async fn contracts_see_arbitrums_block() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider();
    let contract = devnet.deploy_evm(context()).await.unwrap().address;
    devnet.advance_time(120).unwrap();
    let words =
        |output: Bytes| -> Vec<U256> { output.chunks(32).map(U256::from_be_slice).collect() };
    let seen = words(
        provider
            .call(call(contract, []).with_from(devnet.account(4)))
            .await
            .unwrap(),
    );
    assert_eq!(devnet.block_number(), 2);
    assert_eq!(
        seen[0],
        U256::from(L1_GENESIS + 10),
        "NUMBER is the L1 block's"
    );
    assert_eq!(seen[1], U256::from(MANUAL_GENESIS + 120));
    assert_eq!(seen[2], U256::from(31_337));
    assert_eq!(seen[3], U256::from(DEFAULT_BASE_FEE));
    assert_eq!(seen[6], U256::from_be_slice(devnet.account(4).as_slice()));
    let overrides = json!({"time": "0x7fffffff", "number": "0x5"});
    let output = rpc(
        &devnet,
        "eth_call",
        json!([call(contract, []), "latest", null, overrides]),
    )
    .await
    .unwrap();
    let seen = words(serde_json::from_value(output).unwrap());
    assert_eq!((seen[0], seen[1]), (U256::from(5), U256::from(0x7fff_ffff)));
}

#[tokio::test]
async fn estimates_suffice_and_are_close() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    assert_eq!(
        provider
            .estimate_gas(transfer(devnet.account(0), devnet.account(1), 1))
            .await
            .unwrap(),
        21_000
    );

    // The innermost call needs far more gas than it uses, behind two calls that each pass on 63/64.
    let demanding = devnet
        .deploy_evm(demanding(1_000_000))
        .await
        .unwrap()
        .address;
    let middle = devnet.deploy_evm(forward(demanding)).await.unwrap().address;
    let outer = devnet.deploy_evm(forward(middle)).await.unwrap().address;
    let estimate = provider.estimate_gas(call(outer, [])).await.unwrap();
    let least = 1_000_000 * 64 / 63 * 64 / 63;
    assert!(
        (least..least + 60_000).contains(&estimate),
        "{estimate} for at least {least}"
    );
    for (gas, success) in [(estimate, true), (least, false)] {
        let receipt = provider
            .send_transaction(call(outer, []).with_gas_limit(gas))
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
        assert_eq!(receipt.status(), success, "with {gas}");
        assert!(receipt.gas_used < 40_000);
    }

    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let write = call(contract, word(1));
    let estimate = provider.estimate_gas(write.clone()).await.unwrap();
    let receipt = provider
        .send_transaction(write)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(
        receipt.status() && estimate >= receipt.gas_used && estimate < receipt.gas_used * 104 / 100
    );
}

#[tokio::test]
async fn runaway_calls_are_stopped() {
    let devnet = Devnet::new().unwrap();
    let contract = devnet.deploy_evm(endless()).await.unwrap().address;
    let mut request = call(contract, []);
    request.gas = Some(u64::MAX);
    let error = rpc(&devnet, "eth_call", json!([request]))
        .await
        .unwrap_err();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!(-32000), &json!("out of gas"))
    );
    let error = rpc(&devnet, "eth_estimateGas", json!([request]))
        .await
        .unwrap_err();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("gas required exceeds allowance (50000000)"),
        "{error}"
    );
}

#[tokio::test]
async fn logs_are_found_by_filter() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let other = devnet.deploy_evm(store()).await.unwrap().address;
    for (address, value) in [(contract, 1), (contract, 2), (other, 1)] {
        provider
            .send_transaction(call(address, word(value)))
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
    }
    let topic = |value: u64| B256::from(U256::from(value));
    let all = Filter::new().from_block(0);
    let count = |filter: Filter| {
        let provider = provider.clone();
        async move { provider.get_logs(&filter).await.unwrap().len() }
    };
    assert_eq!(count(all.clone()).await, 3);
    assert_eq!(
        count(Filter::new()).await,
        1,
        "without a range: the latest block"
    );
    assert_eq!(count(all.clone().address(contract)).await, 2);
    assert_eq!(count(all.clone().address(vec![contract, other])).await, 3);
    assert_eq!(count(all.clone().event_signature(topic(1))).await, 2);
    assert_eq!(
        count(
            all.clone()
                .address(contract)
                .event_signature(vec![topic(1), topic(2)])
        )
        .await,
        2
    );
    assert_eq!(count(all.clone().event_signature(topic(9))).await, 0);
    assert_eq!(
        count(all.clone().topic1(topic(1))).await,
        0,
        "there is one topic only"
    );
    assert_eq!(count(Filter::new().select(3..=4u64)).await, 2);
    assert_eq!(
        count(Filter::new().from_block(5).to_block(1_000_000_000)).await,
        1
    );
    let log = &devnet.logs(&all.address(other)).unwrap()[0];
    assert_eq!(
        (log.block_number, log.log_index, log.transaction_index),
        (Some(5), Some(0), Some(0))
    );
    assert_eq!(log.block_timestamp, Some(MANUAL_GENESIS));
    assert_eq!(
        count(Filter::new().at_block_hash(log.block_hash.unwrap())).await,
        1
    );
    let error = rpc(
        &devnet,
        "eth_getLogs",
        json!([{"fromBlock": "0x4", "toBlock": "0x2"}]),
    )
    .await
    .unwrap_err();
    assert_eq!(error["code"], -32602);
    let error = rpc(&devnet, "eth_getLogs", json!([{"blockHash": B256::ZERO}]))
        .await
        .unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("not found"));
}

#[tokio::test]
async fn installed_filters_report_changes_once() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let logs = rpc(&devnet, "eth_newFilter", json!([{"address": contract}]))
        .await
        .unwrap();
    let blocks = rpc(&devnet, "eth_newBlockFilter", json!([])).await.unwrap();
    let transactions = rpc(&devnet, "eth_newPendingTransactionFilter", json!([]))
        .await
        .unwrap();
    let receipt = provider
        .send_transaction(call(contract, word(1)))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    for (filter, expected) in [
        (&blocks, json!([receipt.block_hash.unwrap()])),
        (&transactions, json!([receipt.transaction_hash])),
    ] {
        assert_eq!(
            rpc(&devnet, "eth_getFilterChanges", json!([filter]))
                .await
                .unwrap(),
            expected
        );
        assert_eq!(
            rpc(&devnet, "eth_getFilterChanges", json!([filter]))
                .await
                .unwrap(),
            json!([])
        );
    }
    let changes = rpc(&devnet, "eth_getFilterChanges", json!([logs]))
        .await
        .unwrap();
    assert_eq!(
        changes[0]["transactionHash"],
        json!(receipt.transaction_hash)
    );
    assert_eq!(
        rpc(&devnet, "eth_getFilterLogs", json!([logs]))
            .await
            .unwrap(),
        changes
    );
    assert_eq!(
        rpc(&devnet, "eth_uninstallFilter", json!([logs]))
            .await
            .unwrap(),
        true
    );
    assert_eq!(
        rpc(&devnet, "eth_uninstallFilter", json!([logs]))
            .await
            .unwrap(),
        false
    );
    assert_eq!(
        rpc(&devnet, "eth_getFilterChanges", json!([logs]))
            .await
            .unwrap_err()["code"],
        -32000
    );
}

#[tokio::test]
async fn call_traces_nest() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let reverting = devnet
        .deploy_evm(revert_with_calldata())
        .await
        .unwrap()
        .address;
    let outer = devnet.deploy_evm(forward(reverting)).await.unwrap().address;
    let sent = call(outer, []).with_gas_limit(100_000);
    let hash = provider
        .send_transaction(sent)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap()
        .transaction_hash;
    let tracer = json!({"tracer": "callTracer"});
    let trace = rpc(&devnet, "debug_traceTransaction", json!([hash, tracer]))
        .await
        .unwrap();
    assert_eq!(
        (&trace["type"], &trace["error"]),
        (&json!("CALL"), &json!("execution reverted"))
    );
    assert_eq!(trace["to"], json!(outer));
    assert_eq!(trace["calls"][0]["to"], json!(reverting));
    assert_eq!(trace["calls"][0]["error"], "execution reverted");
    let top = json!({"tracer": "callTracer", "tracerConfig": {"onlyTopCall": true}});
    assert!(rpc(&devnet, "debug_traceTransaction", json!([hash, top]))
        .await
        .unwrap()
        .get("calls")
        .is_none());

    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let logging = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let trace = rpc(
        &devnet,
        "debug_traceCall",
        json!([call(contract, word(3)), "latest", logging]),
    )
    .await
    .unwrap();
    assert_eq!(
        trace["logs"][0]["topics"][0],
        json!(B256::from(U256::from(3)))
    );

    for options in [
        json!({}),
        json!({"tracer": "4byteTracer"}),
        json!({"tracer": "{js}"}),
    ] {
        let error = rpc(&devnet, "debug_traceTransaction", json!([hash, options]))
            .await
            .unwrap_err();
        assert!(
            error["message"].as_str().unwrap().contains("not supported"),
            "{error}"
        );
    }
    let unknown = rpc(
        &devnet,
        "debug_traceTransaction",
        json!([B256::ZERO, tracer]),
    )
    .await
    .unwrap_err();
    assert!(unknown["message"].as_str().unwrap().contains("not found"));
}

#[tokio::test]
async fn unknown_methods_and_wrong_parameters() {
    let devnet = Devnet::new().unwrap();
    assert_eq!(
        rpc(&devnet, "eth_nonsense", json!([])).await.unwrap_err()["code"],
        -32601
    );
    for (method, params) in [
        ("eth_getBalance", json!([])),
        ("eth_getBalance", json!(["0x12"])),
        ("eth_getBalance", json!([Address::ZERO, "soon"])),
        ("eth_getBalance", json!([Address::ZERO, "latest", 1])),
        ("eth_getBalance", json!({"address": Address::ZERO})),
        ("eth_call", json!([7])),
        ("eth_getLogs", json!([{"address": 5}])),
        ("evm_revert", json!(["x"])),
    ] {
        assert_eq!(
            rpc(&devnet, method, params.clone()).await.unwrap_err()["code"],
            -32602,
            "{method} {params}"
        );
    }
}

#[tokio::test]
async fn gas_breakdown_adds_up() {
    let devnet = Devnet::new().unwrap();
    let provider = devnet.provider_as(0);
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let receipt = provider
        .send_transaction(call(contract, word(1)))
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let gas = devnet.gas_breakdown(receipt.transaction_hash).unwrap();
    assert_eq!(gas.gas_used, receipt.gas_used);
    assert_eq!(gas.gas.used(), receipt.gas_used);
    assert!(gas.gas.intrinsic >= 21_000);
    let raw = rpc(
        &devnet,
        "devnet_gasBreakdown",
        json!([receipt.transaction_hash]),
    )
    .await
    .unwrap();
    assert_eq!(raw["gasUsed"], receipt.gas_used);
}
