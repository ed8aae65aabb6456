//! An economy by work, its chain over HTTP with blocks that come by themselves, and sinks and sources as processes.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, U256},
    providers::DynProvider,
};
use bpe_abi::IServiceDirectory::IServiceDirectoryInstance;
use bpe_service::{config::Timeouts, http::Client};
use bpe_tests::{
    directory::Directory,
    process::{bpe, Process},
    proof::Proof,
    stage::mined,
    suite::tokens,
    work::WORK,
};
use devnet::RpcServer;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use serde_json::{json, Value};
use tempfile::TempDir;

/// Funded accounts: sources, and sinks from there on.
pub const SOURCE: usize = 4;
pub const SINK: usize = 5;

/// Wei per work unit.
pub const PRICE: u128 = 1_000_000_000_000;

/// What the gateway knows; what each is: `upstream.rs`.
pub const MODELS: [&str; 10] = [
    "small",
    "whole",
    "refuses-401",
    "refuses-500",
    "slow",
    "bytewise",
    "cut",
    "long",
    "events",
    "held",
];

/// An input token is a thousandth of a work unit, an output token four.
const METADATA: &str =
    r#"{"name":"chat","unit":"token","work":{"input":"1000000","output":"4000000"}}"#;

pub struct Stage {
    pub proof: Proof,
    pub directory: IServiceDirectoryInstance<DynProvider>,
    pub folder: TempDir,
    rpc: String,
    _server: RpcServer,
    blocks: tokio::task::JoinHandle<()>,
    pub client: Client,
}

/// A process that serves.
pub struct Served {
    pub process: Process,
    pub url: String,
    pub account: Address,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// PricingCurve's number of the curve by which base fees follow work.
const USED: u8 = 2;

impl Stage {
    pub async fn start() -> Self {
        let Directory {
            it: proof,
            contract: directory,
        } = Directory::start().await;
        let core = &proof.core;
        let (base, devnet) = (&core.base, &core.base.devnet);
        mined(
            core.vouchers
                .setPricingCurve(*proof.pricing.address())
                .send()
                .await,
        )
        .await;
        // Its creator has a sink's stake.
        base.equip(base.owner, 100).await;
        mined(base.stakes.stake(tokens(100)).send().await).await;
        // An id that is not derived is paid by work if the owner says so.
        let register = base.registry.registerTaskType(WORK, tokens(100));
        mined(register.send().await).await;
        mined(core.pools.setWeighting(WORK, 3).send().await).await;
        mined(proof.pricing.setCurve(WORK, USED).send().await).await;
        mined(core.pools.createPool(WORK).send().await).await;
        let describe = directory.describe(WORK, METADATA.to_owned());
        mined(describe.send().await).await;
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = devnet.serve(free_port).await.unwrap();
        let clock = devnet.clone();
        // Four seconds of the chain in one.
        let blocks = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(250)).await;
                clock.advance_time(1).unwrap();
                clock.mine(1).unwrap();
            }
        });
        let it = Self {
            rpc: server.http_url(),
            _server: server,
            blocks,
            folder: TempDir::new().unwrap(),
            client: Client::new(Timeouts::default()).unwrap(),
            proof,
            directory,
        };
        it.record();
        it
    }

    fn record(&self) {
        let core = &self.proof.core;
        let superfluid = &core.superfluid.addresses;
        let at = |address: &Address| json!({"address": address, "block": 0});
        let record = json!({
            "chainId": core.base.devnet.chain_id(),
            "superfluid": {"host": superfluid.host, "gdaV1": superfluid.gda_v1, "usdcx": superfluid.usdcx},
            "contracts": {
                "stakeManager": at(core.base.stakes.address()),
                "capacityRegistry": at(core.base.registry.address()),
                "backpressurePool": at(core.pools.address()),
                "escrowBuffer": at(core.escrow.address()),
                "completionTracker": at(self.proof.tracker.address()),
                "offchainAggregator": at(self.proof.aggregator.address()),
                "pricingCurve": at(self.proof.pricing.address()),
                "streamGateway": at(core.gateway.address()),
                "workLedger": at(core.ledger.address()),
                "workVouchers": at(core.vouchers.address()),
                "workMisses": at(self.proof.misses.address()),
                "workReserve": at(core.reserve.address()),
                "serviceDirectory": at(self.directory.address()),
            },
        });
        fs::write(self.path("deployment.json"), record.to_string()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, index: usize, text: &str) -> PathBuf {
        let key = self.path(&format!("{name}.key"));
        fs::write(&key, self.proof.signer(index).to_bytes().to_string()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let path = |name: &str| self.path(name).display().to_string();
        let head = format!(
            "rpc = \"{}\"\ndeployment = \"{}\"\n",
            self.rpc,
            path("deployment.json")
        );
        let (key, state) = (key.display(), path(name));
        let tail = format!("[key]\nkey_file = \"{key}\"\n[store]\nstate = \"{state}\"\n[chain]\npoll_ms = 50\nstale_after = 0\n");
        let file = self.path(&format!("{name}.toml"));
        fs::write(&file, format!("{head}{text}{tail}")).unwrap();
        file
    }

    /// A sink of ten units before a service; it stakes and registers by itself.
    pub async fn sink(&self, number: usize, upstream: &str, more: &str) -> Served {
        let index = SINK + number;
        let account = self.proof.signer(index).address();
        self.proof.core.base.equip(account, 100).await;
        self.sink_again(number, upstream, more).await
    }

    /// The same, of one that has been there before.
    pub async fn sink_again(&self, number: usize, upstream: &str, more: &str) -> Served {
        let index = SINK + number;
        let name = format!("sink{number}");
        let pay = format!("[pay]\nprice = \"{PRICE}\"\nredeem_at = \"1\"\n");
        let pay = if more.contains("[pay]") { "" } else { &pay };
        let text = format!(
            r#"{more}
            [service]
            task_type = "{WORK}"
            upstream = "{upstream}"
            listen = "127.0.0.1:0"
            [stake]
            join = true
            {pay}"#
        );
        self.run(
            "sink",
            &name,
            self.write(&name, index, &text),
            index,
            "Serves as ",
        )
        .await
    }

    /// A source with 1 000 USDCx, which knows these sinks.
    pub async fn source(&self, sinks: &[&Served], more: &str) -> Served {
        let account = self.proof.signer(SOURCE).address();
        self.proof.core.superfluid.fund(account, 1_000).await;
        self.source_again(sinks, more).await
    }

    /// The same, of one that has been there before.
    pub async fn source_again(&self, sinks: &[&Served], more: &str) -> Served {
        let mut text = String::new();
        for model in MODELS {
            text += &format!(
                "[models.{model}]\ntask_type = \"{WORK}\"\nmost_price = \"{}\"\noutput_tokens = 100\n",
                2 * PRICE
            );
        }
        for sink in sinks {
            text += &format!(
                "[[sinks]]\nsink = \"{}\"\nurl = \"{}\"\n",
                sink.account, sink.url
            );
        }
        text += "[gateway]\nlisten = \"127.0.0.1:0\"\n";
        text = format!("{text}{more}\n");
        let file = self.write("source", SOURCE, &text);
        self.run("source", "source", file, SOURCE, "Pays as ").await
    }

    async fn run(&self, role: &str, name: &str, file: PathBuf, index: usize, says: &str) -> Served {
        let mut command = bpe(self.folder.path());
        command.args([role, "--log", "debug", "--config"]).arg(file);
        let log = self.path(&format!("{name}.log"));
        let says = says.to_owned();
        let started = tokio::task::spawn_blocking(move || Process::start(command, &log, &says));
        let started = started
            .await
            .unwrap_or_else(|_| panic!("{}", self.log(name)));
        let (process, line) = started;
        let url = line
            .rsplit_once("http://")
            .unwrap()
            .1
            .trim_end_matches("/v1");
        Served {
            process,
            url: format!("http://{url}"),
            account: self.proof.signer(index).address(),
        }
    }

    /// What a process has logged.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default()
    }

    pub async fn get(&self, url: String) -> Answer {
        self.answer(bpe_service::http::get(&url).unwrap()).await
    }

    /// Asks a gateway for a completion.
    pub async fn chat(&self, source: &Served, model: &str) -> Answer {
        self.answer(chat(&source.url, model)).await
    }

    pub async fn answer(&self, request: axum::http::Request<Full<Bytes>>) -> Answer {
        let response = self.client.send(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map(|it| it.to_bytes())
            .unwrap_or_default();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// What has counted between the source and a sink: work, value, tasks.
    pub async fn totals(&self, sink: &Served) -> (U256, U256, U256) {
        let source = self.proof.signer(SOURCE).address();
        let totals = self
            .proof
            .core
            .vouchers
            .getTotals(WORK, source, sink.account);
        let totals = totals.call().await.unwrap();
        (totals.work, totals.value, totals.tasks)
    }

    /// Waits until so many tasks have counted on the chain, or says what the processes logged.
    pub async fn until_counted(&self, sink: &Served, tasks: u64) -> (U256, U256, U256) {
        let begun = Instant::now();
        loop {
            let totals = self.totals(sink).await;
            if totals.2 >= U256::from(tasks) {
                return totals;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                panic!(
                    "{totals:?} have counted\n--- source\n{}\n--- sink\n{}",
                    self.log("source"),
                    self.log("sink0")
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A metric's value.
    pub async fn metric(&self, of: &Served, line: &str) -> f64 {
        let text = self.get(format!("{}/metrics", of.url)).await.body;
        let value = text
            .lines()
            .find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
        value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {line} in {text}"))
    }

    /// Asks until it is so.
    pub async fn until<F: std::future::Future<Output = bool>>(
        &self,
        what: &str,
        so: impl Fn() -> F,
    ) {
        let begun = Instant::now();
        while !so().await {
            assert!(begun.elapsed().as_secs() < 60, "{what}: not within 60 s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.blocks.abort();
    }
}

pub fn chat(url: &str, model: &str) -> axum::http::Request<Full<Bytes>> {
    let body = json!({
        "model": model,
        "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Grüezi"}],
    });
    axum::http::Request::post(format!("{url}/v1/chat/completions"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer local")
        .body(Full::from(body.to_string()))
        .unwrap()
}
