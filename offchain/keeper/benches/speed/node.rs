//! A node with a long history, in a process of its own: it makes up blocks and logs as it is asked for them.

use std::fmt::Write as _;

use alloy::{
    primitives::{aliases::I96, keccak256, Address, Bytes, LogData, B256, U256},
    sol_types::SolEvent,
};
use axum::{routing::post, Json, Router};
use bpe_abi::{
    IBackpressurePool::PoolCreated,
    ICapacityRegistry::{CapacityRevealed, SinkRegistered, TaskTypeRegistered},
    ICompletionTracker::{CompletionRecorded, EpochAdvanced},
    IOffchainAggregator::AttestationApplied,
};
use serde_json::{json, Value};
use tokio::net::TcpListener;

use crate::stage::{
    units, FlowDistributionUpdated, MemberUnitsUpdated, AGGREGATOR, CODE, GDA, POOL, POOLS,
    REGISTRY, STAKES, TRACKER,
};

pub const CHAIN: u64 = 31_337;
pub const BLOCKS: u64 = 100_000;
pub const LOGS_PER_BLOCK: u64 = 10;
pub const SINKS: u64 = 1_000;
const SOURCES: u64 = 100;
const GENESIS: u64 = 1_700_000_000;

/// Serves until it is killed; says where in its first line.
pub async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let app = Router::new().route("/", post(answer));
    axum::serve(listener, app).await.expect("it serves");
}

async fn answer(Json(request): Json<Value>) -> String {
    let parameters = &request["params"];
    let result = match request["method"].as_str().unwrap_or_default() {
        "eth_chainId" => json!(format!("{CHAIN:#x}")).to_string(),
        "eth_blockNumber" => json!(format!("{BLOCKS:#x}")).to_string(),
        "eth_getBlockByNumber" => block(&parameters[0]).to_string(),
        "eth_getCode" => "\"0x00\"".to_owned(),
        "eth_getBalance" => "\"0x0\"".to_owned(),
        "eth_getLogs" => logs(&parameters[0]),
        _ => json!(format!("0x{}", "00".repeat(32))).to_string(),
    };
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}",
        request["id"]
    )
}

fn number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default();
    text.strip_prefix("0x")
        .and_then(|hex| u64::from_str_radix(hex, 16).ok())
        .unwrap_or(BLOCKS)
}

fn hash(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

fn block(which: &Value) -> Value {
    let number = number(which);
    if number > BLOCKS {
        return Value::Null;
    }
    json!({
        "number": format!("{number:#x}"), "hash": hash(number), "parentHash": hash(number.saturating_sub(1)),
        "timestamp": format!("{:#x}", GENESIS + number), "baseFeePerGas": "0x5f5e100", "gasLimit": "0x1c9c380",
        "gasUsed": "0x0", "difficulty": "0x0", "nonce": "0x0000000000000000", "extraData": "0x",
        "miner": Address::ZERO, "logsBloom": format!("0x{}", "00".repeat(256)), "mixHash": B256::ZERO,
        "sha3Uncles": B256::ZERO, "stateRoot": B256::ZERO, "transactionsRoot": B256::ZERO,
        "receiptsRoot": B256::ZERO, "size": "0x0", "uncles": [], "transactions": [],
    })
}

fn sink(number: u64) -> Address {
    Address::from_word(B256::from(U256::from(0x1_0000_0000 + number % SINKS)))
}

fn source(number: u64) -> Address {
    Address::from_word(B256::from(U256::from(0x2_0000_0000 + number % SOURCES)))
}

/// The events of a block with their emitters.
fn events(block: u64) -> Vec<(Address, LogData)> {
    match block {
        0 => Vec::new(),
        1 => founding(),
        _ => (0..LOGS_PER_BLOCK)
            .map(|index| event(block, index))
            .collect(),
    }
}

fn founding() -> Vec<(Address, LogData)> {
    let created = TaskTypeRegistered {
        taskTypeId: CODE,
        creator: GDA,
        minStake: units(1),
    };
    let pool = PoolCreated {
        taskTypeId: CODE,
        pool: POOL,
    };
    let mut all = vec![
        (REGISTRY, created.encode_log_data()),
        (POOLS, pool.encode_log_data()),
    ];
    all.extend((0..SINKS).map(|number| {
        let registered = SinkRegistered {
            taskTypeId: CODE,
            sink: sink(number),
            initialCapacity: units(10),
        };
        (REGISTRY, registered.encode_log_data())
    }));
    all
}

fn event(block: u64, index: u64) -> (Address, LogData) {
    let (at, sink) = (block * LOGS_PER_BLOCK + index, sink(block * 7 + index));
    match index {
        0..=2 => {
            let done = CompletionRecorded {
                taskTypeId: CODE,
                sink,
                source: source(at),
                taskId: hash(at),
            };
            (TRACKER, done.encode_log_data())
        }
        3 | 4 => {
            let revealed = CapacityRevealed {
                taskTypeId: CODE,
                sink,
                rawCapacity: units(at % 50),
                smoothedCapacity: units(at % 50),
            };
            (REGISTRY, revealed.encode_log_data())
        }
        5 | 6 => {
            let applied = AttestationApplied {
                taskTypeId: CODE,
                sink,
                capacity: units(at % 50),
                timestamp: U256::from(GENESIS + block),
            };
            (AGGREGATOR, applied.encode_log_data())
        }
        7 => {
            let updated = MemberUnitsUpdated {
                token: STAKES,
                member: sink,
                oldUnits: 0,
                newUnits: u128::from(at),
            };
            (POOL, updated.encode_log_data())
        }
        8 => {
            let judged = EpochAdvanced {
                taskTypeId: CODE,
                sink,
                epoch: U256::from(block / 300),
                completionRate: U256::from(10_000),
            };
            (TRACKER, judged.encode_log_data())
        }
        _ => (GDA, flow(at).encode_log_data()),
    }
}

fn flow(at: u64) -> FlowDistributionUpdated {
    let rate = I96::try_from(at).unwrap_or_default();
    FlowDistributionUpdated {
        token: STAKES,
        pool: POOL,
        distributor: source(at),
        operator: Address::ZERO,
        oldFlowRate: I96::ZERO,
        newDistributorToPoolFlowRate: rate,
        newTotalDistributionFlowRate: rate,
        adjustmentFlowRecipient: POOLS,
        adjustmentFlowRate: I96::ZERO,
        userData: Bytes::new(),
    }
}

/// The blocks that a filter asks for: from one to another, or one of the newest by its hash.
fn range(filter: &Value) -> (u64, u64) {
    let Ok(wanted) = serde_json::from_value::<B256>(filter["blockHash"].clone()) else {
        return (number(&filter["fromBlock"]), number(&filter["toBlock"]));
    };
    let newest = BLOCKS.saturating_sub(100)..=BLOCKS;
    let found = newest.rev().find(|number| hash(*number) == wanted);
    // One above the head has no logs.
    let block = found.unwrap_or(BLOCKS + 1);
    (block, block)
}

/// As JSON, written by hand: it is long.
fn logs(filter: &Value) -> String {
    let addresses: Vec<Address> = serde_json::from_value(filter["address"].clone())
        .or_else(|_| serde_json::from_value(filter["address"].clone()).map(|it| vec![it]))
        .unwrap_or_default();
    let (from, to) = range(filter);
    let mut text = "[".to_owned();
    for block in from..=to.min(BLOCKS) {
        let events = events(block).into_iter().enumerate();
        for (index, (address, data)) in events.filter(|(_, it)| addresses.contains(&it.0)) {
            let topics: Vec<String> = data.topics().iter().map(|it| format!("\"{it}\"")).collect();
            let comma = if text.len() > 1 { "," } else { "" };
            let written = write!(
                text,
                "{comma}{{\"address\":\"{address:#x}\",\"topics\":[{}],\"data\":\"{}\",\"blockNumber\":\"{block:#x}\",\"blockHash\":\"{}\",\"blockTimestamp\":\"{:#x}\",\"transactionHash\":\"{}\",\"transactionIndex\":\"0x0\",\"logIndex\":\"{index:#x}\",\"removed\":false}}",
                topics.join(","), data.data, hash(block), GENESIS + block, hash(block * 1_000)
            );
            debug_assert!(written.is_ok());
        }
    }
    text + "]"
}
