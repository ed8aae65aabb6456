//! A chain with contracts that emit any event, and a keeper that runs on it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy::{
    primitives::{aliases::I96, Address, Bytes, B256, U256},
    providers::Provider as _,
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::SolEvent,
};
use bpe_abi::{
    typed_data::{offchain_aggregator, sign_attestation, CapacityAttestation},
    IBackpressurePool::{CarveOutsSet, PoolCreated},
    ICapacityRegistry::{CapacityRevealed, SinkRegistered, TaskTypeRegistered},
    IOffchainAggregator::SignedAttestation,
    IPricingCurve::BaseFeeUpdated,
    IStakeManager::Staked,
};
use bpe_keeper::{Config, Keeper};
use devnet::{Devnet, RpcServer};
use serde_json::{json, Value};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

sol! {
    event MemberUnitsUpdated(address indexed token, address indexed member, uint128 oldUnits, uint128 newUnits);
    event FlowDistributionUpdated(
        address indexed token, address indexed pool, address indexed distributor, address operator,
        int96 oldFlowRate, int96 newDistributorToPoolFlowRate, int96 newTotalDistributionFlowRate,
        address adjustmentFlowRecipient, int96 adjustmentFlowRate, bytes userData
    );
}

pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const STAKES: Address = Address::repeat_byte(0xa1);
pub const REGISTRY: Address = Address::repeat_byte(0xa2);
pub const POOLS: Address = Address::repeat_byte(0xa3);
pub const ESCROW: Address = Address::repeat_byte(0xa4);
pub const TRACKER: Address = Address::repeat_byte(0xa5);
pub const AGGREGATOR: Address = Address::repeat_byte(0xa6);
pub const PRICING: Address = Address::repeat_byte(0xa7);
/// WorkLedger, WorkVouchers and WorkReserve: nothing here settles by work.
const WORK: Address = Address::repeat_byte(0xaa);
pub const GDA: Address = Address::repeat_byte(0xa8);
/// Superfluid's pool of [`CODE`].
pub const POOL: Address = Address::repeat_byte(0xa9);

/// Wei per second: 1 000 tokens a month.
pub const RATE: u64 = 385_802_469_135_802;

pub fn units(capacity: u64) -> U256 {
    U256::from(capacity) * U256::from(1_000_000_000u64)
}

pub struct Stage {
    pub devnet: Devnet,
    pub sinks: Vec<PrivateKeySigner>,
    pub source: PrivateKeySigner,
    folder: TempDir,
    _server: RpcServer,
    rpc: String,
}

pub struct Running {
    pub url: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Code that logs this and stops.
fn logging(event: &impl SolEvent) -> Bytes {
    const PUSH2: u8 = 0x61;
    const PUSH32: u8 = 0x7f;
    const MSTORE: u8 = 0x52;
    const LOG0: u8 = 0xa0;
    let log = event.encode_log_data();
    let mut code = Vec::new();
    let push2 = |code: &mut Vec<u8>, value: usize| {
        code.push(PUSH2);
        code.extend(u16::try_from(value).unwrap().to_be_bytes());
    };
    for (number, word) in log.data.chunks(32).enumerate() {
        code.push(PUSH32);
        code.extend(word);
        push2(&mut code, 32 * number);
        code.push(MSTORE);
    }
    for topic in log.topics().iter().rev() {
        code.push(PUSH32);
        code.extend(topic);
    }
    push2(&mut code, log.data.len());
    push2(&mut code, 0);
    code.extend([LOG0 + u8::try_from(log.topics().len()).unwrap(), 0]);
    code.into()
}

impl Stage {
    /// A task type with a pool, two sinks of 10 and 20 units, and a source that streams 1 000 tokens a month.
    pub async fn start() -> Self {
        let devnet = Devnet::new().unwrap();
        // Whatever is asked of them, the answer is zeros.
        const ZEROS: &[u8] = &[0x60, 0xff, 0x5f, 0xf3];
        for contract in [
            STAKES, REGISTRY, POOLS, ESCROW, TRACKER, AGGREGATOR, PRICING, WORK, GDA, POOL,
        ] {
            devnet.set_code(contract, Bytes::from_static(ZEROS));
        }
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = devnet.serve(free_port).await.unwrap();
        let signers = devnet.signers();
        let it = Self {
            sinks: vec![signers[5].clone(), signers[6].clone()],
            source: signers[4].clone(),
            rpc: server.http_url(),
            _server: server,
            folder: TempDir::new().unwrap(),
            devnet,
        };
        it.found().await;
        it.record();
        let key = it.path("key");
        fs::write(&key, it.devnet.signers()[3].to_bytes().to_string()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        it
    }

    async fn found(&self) {
        let creator = self.devnet.account(0);
        let registered = TaskTypeRegistered {
            taskTypeId: CODE,
            creator,
            minStake: units(1),
        };
        self.emit(REGISTRY, &registered).await;
        self.emit(
            POOLS,
            &PoolCreated {
                taskTypeId: CODE,
                pool: POOL,
            },
        )
        .await;
        let cuts = CarveOutsSet {
            taskTypeId: CODE,
            sinkUnits: units(1),
            feeUnits: units(1) / U256::from(999),
            budgetUnits: U256::ZERO,
            overflowUnits: U256::ZERO,
        };
        self.emit(POOLS, &cuts).await;
        for (sink, capacity, share) in [(0, 10, 333_333_333), (1, 20, 666_666_666)] {
            let sink = self.sinks[sink].address();
            let stake = units(capacity) * units(1);
            self.emit(
                STAKES,
                &Staked {
                    sink,
                    amount: stake,
                    totalStake: stake,
                },
            )
            .await;
            let registered = SinkRegistered {
                taskTypeId: CODE,
                sink,
                initialCapacity: units(capacity),
            };
            self.emit(REGISTRY, &registered).await;
            self.units(sink, share).await;
        }
        self.stream(RATE).await;
        let fee = U256::from(1_000_000_000_000_000u64);
        self.emit(
            PRICING,
            &BaseFeeUpdated {
                taskTypeId: CODE,
                newBaseFee: fee,
            },
        )
        .await;
    }

    pub async fn units(&self, member: Address, units: u128) {
        let updated = MemberUnitsUpdated {
            token: STAKES,
            member,
            oldUnits: 0,
            newUnits: units,
        };
        self.emit(POOL, &updated).await;
    }

    pub async fn stream(&self, rate: u64) {
        let rate = I96::try_from(rate).unwrap();
        let updated = FlowDistributionUpdated {
            token: STAKES,
            pool: POOL,
            distributor: self.source.address(),
            operator: Address::ZERO,
            oldFlowRate: I96::ZERO,
            newDistributorToPoolFlowRate: rate,
            newTotalDistributionFlowRate: rate,
            adjustmentFlowRecipient: POOLS,
            adjustmentFlowRate: I96::ZERO,
            userData: Bytes::new(),
        };
        self.emit(GDA, &updated).await;
    }

    pub async fn reveal(&self, sink: usize, capacity: u64) {
        let revealed = CapacityRevealed {
            taskTypeId: CODE,
            sink: self.sinks[sink].address(),
            rawCapacity: units(capacity),
            smoothedCapacity: units(capacity),
        };
        self.emit(REGISTRY, &revealed).await;
    }

    pub async fn emit(&self, contract: Address, event: &impl SolEvent) {
        self.devnet.set_code(contract, logging(event));
        let request = TransactionRequest::default()
            .from(self.devnet.account(9))
            .to(contract);
        let sent = self
            .devnet
            .provider()
            .send_transaction(request)
            .await
            .unwrap();
        assert!(sent.get_receipt().await.unwrap().status());
    }

    pub fn attestation(
        &self,
        sink: &PrivateKeySigner,
        capacity: u64,
        timestamp: u64,
    ) -> SignedAttestation {
        let message = CapacityAttestation {
            taskTypeId: CODE,
            sink: sink.address(),
            capacity: units(capacity),
            timestamp: U256::from(timestamp),
            nonce: U256::from(1),
        };
        let domain = offchain_aggregator(self.devnet.chain_id(), AGGREGATOR);
        sign_attestation(sink, &message, &domain).unwrap()
    }

    fn record(&self) {
        let at = |address: Address| json!({"address": address, "block": 0});
        let record = json!({
            "chainId": self.devnet.chain_id(),
            "superfluid": {"host": GDA, "gdaV1": GDA, "usdcx": STAKES},
            "contracts": {
                "stakeManager": at(STAKES), "capacityRegistry": at(REGISTRY), "backpressurePool": at(POOLS),
                "escrowBuffer": at(ESCROW), "completionTracker": at(TRACKER), "offchainAggregator": at(AGGREGATOR),
                "pricingCurve": at(PRICING), "workLedger": at(WORK), "workVouchers": at(WORK), "workReserve": at(WORK),
            },
        });
        fs::write(self.path("deployment.json"), record.to_string()).unwrap();
    }

    /// A keeper that only observes, and looks often.
    pub fn config(&self) -> String {
        let shown = |name: &str| self.path(name).display().to_string();
        format!(
            r#"
            rpc = "{}"
            deployment = "{}"
            observe = true
            [key]
            key_file = "{}"
            [store]
            state = "{}"
            [chain]
            poll_ms = 50
            stale_after = 0
            [api]
            listen = "127.0.0.1:0"
            body_bytes = 65536
            requests_per_second = 10000
            burst = 10000
            [rebalance]
            enabled = false
            [verification]
            enabled = false
            "#,
            self.rpc,
            shown("deployment.json"),
            shown("key"),
            shown("state"),
        )
    }

    pub async fn keeper(&self) -> Running {
        self.run(&self.config()).await
    }

    pub async fn run(&self, config: &str) -> Running {
        let config = Config::parse(config).unwrap();
        let keeper = Keeper::start(config)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let url = format!("http://{}", keeper.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            keeper.run(stopped).await.unwrap();
        });
        Running { url, stop, ended }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Running {
    pub async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(Duration::from_secs(30), self.ended)
            .await
            .expect("it stops in time")
            .unwrap();
    }

    pub async fn get(&self, path: &str) -> Answer {
        request("GET", format!("{}{path}", self.url), None).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        request("POST", format!("{}{path}", self.url), Some(body.into())).await
    }

    /// Asks until it is so.
    pub async fn until(&self, path: &str, so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(path).await;
            let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
            if so(&body) {
                return body;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                let keeper = self.get("/v1/keeper").await;
                panic!(
                    "{path} is still {} {}\n{}",
                    answer.status, answer.body, keeper.body
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

pub async fn request(method: &'static str, url: String, body: Option<Vec<u8>>) -> Answer {
    let sent = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let request = ureq::http::Request::builder().method(method).uri(&url);
        let response = agent.run(request.body(body.unwrap_or_default()).unwrap());
        let mut response = response.unwrap_or_else(|error| panic!("{url}: {error}"));
        let kind = response
            .headers()
            .get("content-type")
            .map(|it| it.to_str().unwrap().to_owned());
        Answer {
            status: response.status().as_u16(),
            kind: kind.unwrap_or_default(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    });
    sent.await.unwrap()
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
