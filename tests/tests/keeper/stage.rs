//! An economy, its chain over HTTP, and a keeper that runs on it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use bpe_keeper::{Config, Keeper};
use bpe_tests::{proof::Proof, settlement::RATE, suite::CODE};
use devnet::RpcServer;
use serde_json::{json, Value};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

/// The account that the keeper sends as.
const KEEPER: usize = 3;
const SOURCE: usize = 4;

pub struct Stage {
    pub proof: Proof,
    pub sinks: Vec<PrivateKeySigner>,
    pub source: PrivateKeySigner,
    pub folder: TempDir,
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
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Stage {
    /// Two sinks of 10 and 20 units, and a source that streams 1 000 USDCx a month.
    pub async fn start() -> Self {
        let proof = Proof::start().await;
        let sinks = vec![proof.signer(5), proof.signer(6)];
        for (signer, capacity) in sinks.iter().zip([10, 20]) {
            // Stake for twice that: attestations may rise.
            proof.sink(signer, 2 * capacity).await;
            proof
                .core
                .commit_and_reveal(signer.address(), capacity)
                .await;
        }
        proof
            .core
            .pools
            .rebalance(CODE)
            .send()
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
        let source = proof.core.source(SOURCE, 5_000).await;
        proof.core.stream(source, CODE, RATE).await;
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = proof.core.base.devnet.serve(free_port).await.unwrap();
        let it = Self {
            source: proof.signer(SOURCE),
            sinks,
            rpc: server.http_url(),
            _server: server,
            proof,
            folder: TempDir::new().unwrap(),
        };
        it.record("deployment.json", it.proof.core.base.devnet.chain_id());
        let key = it.folder.path().join("key");
        fs::write(&key, it.proof.signer(KEEPER).to_bytes().to_string()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        it
    }

    fn record(&self, file: &str, chain_id: u64) {
        let core = &self.proof.core;
        let superfluid = &core.superfluid.addresses;
        let at = |address: &Address| json!({"address": address, "block": 0});
        let record = json!({
            "chainId": chain_id,
            "superfluid": {"host": superfluid.host, "gdaV1": superfluid.gda_v1, "usdcx": superfluid.usdcx},
            "contracts": {
                "stakeManager": at(core.base.stakes.address()),
                "capacityRegistry": at(core.base.registry.address()),
                "backpressurePool": at(core.pools.address()),
                "escrowBuffer": at(core.escrow.address()),
                "completionTracker": at(self.proof.tracker.address()),
                "offchainAggregator": at(self.proof.aggregator.address()),
                "pricingCurve": at(self.proof.pricing.address()),
                "workLedger": at(core.ledger.address()),
                "workVouchers": at(core.vouchers.address()),
                "workReserve": at(core.reserve.address()),
                "workMisses": at(self.proof.misses.address()),
            },
        });
        fs::write(self.folder.path().join(file), record.to_string()).unwrap();
    }

    /// A keeper that decides at once, and for which gas is cheap.
    pub fn config(&self) -> String {
        let shown = |name: &str| self.folder.path().join(name).display().to_string();
        format!(
            r#"
            rpc = "{}"
            deployment = "{}"
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
            [oracle]
            max_wait = 0
            [rebalance]
            every = 1
            tokens_per_ether = 0.01
            [verification]
            epochs = 1
            max_wait = 0
            "#,
            self.rpc,
            shown("deployment.json"),
            shown("key"),
            shown("state"),
        )
    }

    pub async fn keeper(&self, more: &str) -> Running {
        let config = Config::parse(&format!("{more}\n{}", self.config())).unwrap();
        self.run(config).await
    }

    pub async fn run(&self, config: Config) -> Running {
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

    pub fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
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
        Answer {
            status: response.status().as_u16(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    });
    sent.await.unwrap()
}
