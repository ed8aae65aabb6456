//! From an empty store to the head of a chain of 100 000 blocks with a million of our events.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bpe_keeper::{Config, Keeper};
use serde_json::{json, Value};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{
    measure, node,
    stage::{request, AGGREGATOR, ESCROW, GDA, POOLS, PRICING, REGISTRY, STAKES, TRACKER},
};

struct Node {
    process: Child,
    address: String,
}

impl Node {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut process = Command::new(program)
            .arg("node")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = process.stdout.take().expect("an output");
        let line = BufReader::new(output).lines().next();
        let address = line.expect("a line").expect("a line");
        Self { process, address }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn record() -> Value {
    let at = |address| json!({"address": address, "block": 0});
    json!({
        "chainId": node::CHAIN,
        "superfluid": {"host": GDA, "gdaV1": GDA, "usdcx": STAKES},
        "contracts": {
            "stakeManager": at(STAKES), "capacityRegistry": at(REGISTRY), "backpressurePool": at(POOLS),
            "escrowBuffer": at(ESCROW), "completionTracker": at(TRACKER), "offchainAggregator": at(AGGREGATOR),
            "pricingCurve": at(PRICING),
        },
    })
}

pub async fn run() {
    let node = Node::start();
    for (name, store) in measure::stores("start").await {
        let folder = TempDir::new().expect("a folder");
        let shown = |name: &str| folder.path().join(name).display().to_string();
        fs::write(shown("deployment.json"), record().to_string()).expect("it is written");
        let text = format!(
            "rpc = \"http://{}\"\ndeployment = \"{}\"\nobserve = true\n[store]\nstate = \"{}\"\n{store}\n[chain]\nstale_after = 0\n[api]\nlisten = \"127.0.0.1:0\"\n[rebalance]\nenabled = false\n[verification]\nenabled = false\n",
            node.address,
            shown("deployment.json"),
            shown("state"),
        );
        measure::forget_peak();
        let begun = (Instant::now(), measure::processor());
        let config = Config::parse(&text).expect("a configuration");
        let keeper = Keeper::start(config)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let url = format!("http://{}/v1/keeper", keeper.address());
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(keeper.run(async move {
            let _ = stopped.await;
        }));
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if request("GET", url.clone(), None).await.json()["cursor"] == node::BLOCKS {
                break;
            }
        }
        let (wall, processor) = (begun.0.elapsed(), measure::processor() - begun.1);
        let (now, most) = measure::memory();
        let file = fs::metadata(shown("state/keeper.sqlite")).map_or(0, |it| it.len() / 1_000_000);
        println!(
            "start, {name}: {} blocks, {} events in {:.0} s, {:.0} s of processor time; memory {now} MB, at most {most} MB; file {file} MB",
            node::BLOCKS,
            node::BLOCKS * node::LOGS_PER_BLOCK,
            wall.as_secs_f64(),
            processor.as_secs_f64(),
        );
        let _ = stop.send(());
        ended.await.expect("it ends").expect("it ends well");
    }
}
