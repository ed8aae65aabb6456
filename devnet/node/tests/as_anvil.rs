//! What anvil answers, this chain answers: the same requests to both.

mod common;

use std::path::PathBuf;

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    primitives::Bytes,
};
use common::rpc;
use devnet::Devnet;
use serde_json::{json, Value};

const ALICE: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const BOB: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// Both chains.
struct Both {
    devnet: Devnet,
    anvil: AnvilInstance,
}

impl Both {
    fn start() -> Self {
        let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/anvil");
        assert!(tools.exists(), "run scripts/setup first");
        Self {
            devnet: Devnet::new().unwrap(),
            anvil: Anvil::at(tools).chain_id(31_337).spawn(),
        }
    }

    async fn anvil(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let client = alloy::rpc::client::RpcClient::new_http(self.anvil.endpoint_url());
        let answer = client.request::<_, Value>(method.to_owned(), params.clone());
        match answer.await {
            Ok(result) => Ok(result),
            Err(error) => match error.as_error_resp() {
                Some(response) => Err(serde_json::to_value(response).unwrap()),
                None => panic!("{method}: {error}"),
            },
        }
    }

    /// Asks both; what they answer has to be equal.
    async fn agree(&self, method: &str, params: Value) -> Value {
        let ours = rpc(&self.devnet, method, params.clone()).await;
        let theirs = self.anvil(method, &params).await;
        assert_eq!(ours, theirs, "{method} {params}");
        ours.unwrap()
    }

    /// Asks both; neither may refuse.
    async fn accept(&self, method: &str, params: Value) -> (Value, Value) {
        let ours = rpc(&self.devnet, method, params.clone()).await;
        let theirs = self.anvil(method, &params).await;
        (
            ours.unwrap_or_else(|error| panic!("{method} {params}: {error}")),
            theirs.unwrap_or_else(|error| panic!("anvil, {method} {params}: {error}")),
        )
    }

    /// Asks both; both have to refuse.
    async fn refuse(&self, method: &str, params: Value) -> (String, String) {
        let ours = rpc(&self.devnet, method, params.clone()).await.unwrap_err();
        let theirs = self.anvil(method, &params).await.unwrap_err();
        let message = |error: Value| error["message"].as_str().unwrap().to_owned();
        (message(ours), message(theirs))
    }
}

/// The names of an object's members.
fn members(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

fn typed_data() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Sink": [{"name": "account", "type": "address"}, {"name": "tag", "type": "bytes4"}],
            "Attestation": [
                {"name": "sinks", "type": "Sink[]"},
                {"name": "capacities", "type": "uint256[2]"},
                {"name": "grid", "type": "int16[2][]"},
                {"name": "note", "type": "string"},
                {"name": "proof", "type": "bytes"},
                {"name": "final", "type": "bool"},
            ],
        },
        "primaryType": "Attestation",
        "domain": {
            "name": "BPE",
            "version": "1",
            "chainId": 31337,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "sinks": [{"account": ALICE, "tag": "0x01020304"}, {"account": BOB, "tag": "0xffffffff"}],
            "capacities": ["115792089237316195423570985008687907853269984665640564039457584007913129639935", 7],
            "grid": [[-1, 2], ["-32768", 0]],
            "note": "größer",
            "proof": "0x00ff",
            "final": true,
        },
    })
}

#[tokio::test]
async fn its_accounts_sign_as_anvils() {
    let both = Both::start();
    both.agree("eth_requestAccounts", json!([])).await;
    let hello = "0x68656c6c6f";
    both.agree("eth_sign", json!([ALICE, hello])).await;
    both.agree("personal_sign", json!([hello, BOB])).await;
    both.agree("eth_signTypedData_v4", json!([ALICE, typed_data()]))
        .await;
    let signed = both
        .agree(
            "eth_signTransaction",
            json!([{
                "from": BOB,
                "to": ALICE,
                "value": "0x5",
                "nonce": "0x0",
                "gas": "0x5208",
                "maxFeePerGas": "0x77359400",
                "maxPriorityFeePerGas": "0x1",
                "chainId": "0x7a69",
            }]),
        )
        .await;
    // What was signed is a transaction.
    both.agree("eth_sendRawTransaction", json!([signed])).await;

    let stranger = "0x00000000000000000000000000000000000000aa";
    let (ours, _) = both.refuse("eth_sign", json!([stranger, hello])).await;
    assert!(ours.contains("unknown account"), "{ours}");
    let mut data = typed_data();
    data["message"]["final"] = json!("perhaps");
    let (ours, _) = both
        .refuse("eth_signTypedData_v4", json!([ALICE, data]))
        .await;
    assert!(ours.contains("message.final"), "{ours}");
}

#[tokio::test]
async fn tools_find_a_node_that_they_know() {
    let both = Both::start();
    let (ours, theirs) = both.accept("web3_clientVersion", json!([])).await;
    for version in [ours, theirs] {
        assert!(version.as_str().unwrap().starts_with("anvil/"), "{version}");
    }
    for method in ["anvil_nodeInfo", "anvil_metadata"] {
        let (ours, theirs) = both.accept(method, json!([])).await;
        for name in members(&ours) {
            assert!(members(&theirs).contains(&name), "{method}: {name}");
        }
    }
    let (hardhat, metadata) = (
        rpc(&both.devnet, "hardhat_metadata", json!([])).await,
        rpc(&both.devnet, "anvil_metadata", json!([])).await,
    );
    assert_eq!(hardhat, metadata);
    assert_eq!(hardhat.unwrap()["chainId"], 31_337);
}

#[tokio::test]
async fn waiting_transactions_look_as_anvils() {
    let both = Both::start();
    both.accept("evm_setAutomine", json!([false])).await;
    for nonce in ["0x0", "0x1", "0x5"] {
        let tx = json!([{
            "from": ALICE, "to": BOB, "value": "0x1", "nonce": nonce, "gas": "0x5208",
            "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x0",
        }]);
        both.agree("eth_sendTransaction", tx).await;
    }
    let status = both.agree("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x2", "queued": "0x1"}));
    let (ours, theirs) = both.accept("txpool_content", json!([])).await;
    for part in ["pending", "queued"] {
        let of = |content: &Value| {
            let mut of_alice = content[part][ALICE].clone();
            if of_alice.is_null() {
                of_alice = content[part][ALICE.to_lowercase()].clone();
            }
            of_alice
        };
        let (ours, theirs) = (of(&ours), of(&theirs));
        assert_eq!(members(&ours), members(&theirs), "{part}");
        for nonce in members(&ours) {
            assert_eq!(ours[nonce]["hash"], theirs[nonce]["hash"], "{part} {nonce}");
        }
    }
    let (ours, _) = both.accept("txpool_inspect", json!([])).await;
    let text = ours["pending"][ALICE]["0"].as_str().unwrap();
    assert_eq!(text, format!("{BOB}: 1 wei + 21000 gas × 2000000000 wei"));
    let content = rpc(&both.devnet, "txpool_contentFrom", json!([BOB])).await;
    assert_eq!(content.unwrap(), json!({"pending": {}, "queued": {}}));
    let pending = rpc(&both.devnet, "eth_pendingTransactions", json!([])).await;
    assert_eq!(pending.unwrap().as_array().unwrap().len(), 3);

    // Dropped ones are forgotten.
    let second = ours_hash(&both, "pending", "1").await;
    both.agree("anvil_dropTransaction", json!([second])).await;
    let (ours, _) = both.accept("txpool_status", json!([])).await;
    assert_eq!(ours, json!({"pending": "0x1", "queued": "0x1"}));
    let known = rpc(&both.devnet, "eth_getTransactionByHash", json!([second])).await;
    assert_eq!(known.unwrap(), Value::Null);
    both.accept("anvil_removePoolTransactions", json!([ALICE]))
        .await;
    let status = both.agree("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x0", "queued": "0x0"}));
}

async fn ours_hash(both: &Both, part: &str, nonce: &str) -> Value {
    let content = rpc(&both.devnet, "txpool_content", json!([]))
        .await
        .unwrap();
    content[part][ALICE][nonce]["hash"].clone()
}

#[tokio::test]
async fn the_next_blocks_are_as_asked() {
    let both = Both::start();
    let coinbase = "0x00000000000000000000000000000000000000cc";
    both.accept("anvil_setCoinbase", json!([coinbase])).await;
    both.accept("evm_setBlockGasLimit", json!(["0x1c9c380"]))
        .await;
    both.accept("anvil_setNextBlockBaseFeePerGas", json!(["0x3b9aca00"]))
        .await;
    both.accept("evm_mine", json!([])).await;
    let (ours, theirs) = both
        .accept("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    for name in ["miner", "gasLimit", "baseFeePerGas", "number"] {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
    assert_eq!(ours["miner"], coinbase);
    // Contracts see it too.
    let random = "0x00000000000000000000000000000000000000000000000000000000000000ab";
    rpc(&both.devnet, "hardhat_setPrevRandao", json!([random]))
        .await
        .unwrap();
    // PREVRANDAO, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN as init code: what it returns is the code.
    let create = json!([{"from": ALICE, "data": "0x445f5260205ff3", "gas": "0x186a0"}]);
    let hash = rpc(&both.devnet, "eth_sendTransaction", create)
        .await
        .unwrap();
    let receipt = rpc(&both.devnet, "eth_getTransactionReceipt", json!([hash]))
        .await
        .unwrap();
    let code = rpc(
        &both.devnet,
        "eth_getCode",
        json!([receipt["contractAddress"], "latest"]),
    );
    assert_eq!(code.await.unwrap(), random);
    // One block only, as on Arbitrum always.
    let next = rpc(
        &both.devnet,
        "eth_call",
        json!([{"data": "0x445f5260205ff3"}, "pending"]),
    );
    assert!(next.await.unwrap().as_str().unwrap().ends_with("01"));
}

#[tokio::test]
async fn blocks_come_at_intervals_as_on_anvil() {
    let both = Both::start();
    both.accept("evm_setIntervalMining", json!([1])).await;
    both.agree("anvil_getIntervalMining", json!([])).await;
    both.agree("anvil_getAutomine", json!([])).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let (ours, theirs) = both.accept("eth_blockNumber", json!([])).await;
    assert!(common::number(&ours) >= 1 && common::number(&theirs) >= 1);
    both.accept("evm_setIntervalMining", json!([0])).await;
    let interval = rpc(&both.devnet, "anvil_getIntervalMining", json!([])).await;
    assert_eq!(interval.unwrap(), Value::Null);
    let before = rpc(&both.devnet, "eth_blockNumber", json!([])).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_300)).await;
    let after = rpc(&both.devnet, "eth_blockNumber", json!([])).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn raw_transactions_can_be_waited_for_and_read() {
    let both = Both::start();
    let tx = json!([{
        "from": ALICE, "to": BOB, "value": "0x1", "nonce": "0x0", "gas": "0x5208",
        "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x0", "chainId": "0x7a69",
    }]);
    let raw = both.agree("eth_signTransaction", tx).await;
    let (ours, theirs) = both
        .accept("eth_sendRawTransactionSync", json!([raw]))
        .await;
    assert_eq!(ours["transactionHash"], theirs["transactionHash"]);
    assert_eq!(ours["status"], "0x1");
    let read = both
        .agree(
            "eth_getRawTransactionByHash",
            json!([ours["transactionHash"]]),
        )
        .await;
    assert_eq!(read, raw);

    // One that is in no block in time says which it is.
    rpc(&both.devnet, "evm_setAutomine", json!([false]))
        .await
        .unwrap();
    let tx = json!([{"from": BOB, "to": ALICE, "gas": "0x5208"}]);
    let raw = rpc(&both.devnet, "eth_signTransaction", tx).await.unwrap();
    let late = rpc(&both.devnet, "eth_sendRawTransactionSync", json!([raw, 50])).await;
    let late = late.unwrap_err();
    assert_eq!(late["code"], 4);
    let raw: Bytes = serde_json::from_value(raw).unwrap();
    assert_eq!(
        late["data"],
        json!(alloy::primitives::keccak256(&raw)),
        "{late}"
    );
}

#[tokio::test]
async fn reorganisations_are_asked_for_as_on_anvil() {
    let both = Both::start();
    both.accept("anvil_mine", json!(["0x5"])).await;
    let hash = |value: &Value| value["hash"].clone();
    let (ours, theirs) = both
        .accept("eth_getBlockByNumber", json!(["0x4", false]))
        .await;
    let tx = json!({"from": ALICE, "to": BOB, "value": "0x1", "gas": "0x5208", "nonce": "0x0",
                    "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x0"});
    both.accept("anvil_reorg", json!([3, [[tx, 1]]])).await;
    let (ours_after, theirs_after) = both
        .accept("eth_getBlockByNumber", json!(["0x4", false]))
        .await;
    assert_ne!(hash(&ours), hash(&ours_after));
    assert_ne!(hash(&theirs), hash(&theirs_after));
    both.agree("eth_blockNumber", json!([])).await;
    for block in [&ours_after, &theirs_after] {
        assert_eq!(block["transactions"].as_array().unwrap().len(), 1);
    }
    both.accept("anvil_rollback", json!([2])).await;
    let number = both.agree("eth_blockNumber", json!([])).await;
    assert_eq!(number, "0x3");
    both.refuse("anvil_reorg", json!([9, []])).await;
}
