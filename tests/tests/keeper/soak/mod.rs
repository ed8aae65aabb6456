//! Hours of protocol, with everything as a process, and faults at random: at the end the keeper's store equals the chain,
//! nothing was sent twice with effect, nothing that was accepted is lost, and memory and files have not grown.
//!
//! `cargo nextest run -p bpe-tests --test keeper --run-ignored only soak` runs it; `SOAK_SECONDS=3600` for an hour, which is
//! sixty of the protocol; `SOAK_SEED=…` the same faults again.

mod store;
mod village;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy::primitives::{keccak256, B256, U256};
use bpe_tests::{
    process::{bpe, Process},
    suite::units,
};
use serde_json::{json, Value};
use tempfile::TempDir;

use crate::{stage::Answer, work::postgres};
use store::{Away, Store};
use village::Village;
use wire::{State, Wire};

/// Seconds of the machine that faults go on, without `SOAK_SECONDS`.
const SECONDS: u64 = 45;
/// A keeper's memory, in kilobytes. What it may fill is bounded: eight connections with 2 MB of cache each, 4 096 events
/// for live clients, 100 000 nonces, and a range of some 10 000 logs; that is some 60 MB on top of the program.
const MEMORY: u64 = 250_000;
/// After a minute in one life it may grow by so much.
const GROWTH: u64 = 40_000;
/// The store grows with the chain's events and nothing else: a kilobyte for each with its indices, and so much besides,
/// for what waits, what became of it, and what SQLite has not given back.
const BYTES_PER_EVENT: u64 = 1_500;
const BYTES_BESIDES: u64 = 20_000_000;

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A task whose receipt the keeper has accepted.
struct Accepted {
    sink: usize,
    source: usize,
    task: B256,
    /// The keeper said that it could not be recorded, and why.
    told: Option<String>,
}

struct Soak {
    folder: PathBuf,
    village: Village,
    wire: Wire,
    store: Store,
    port: u16,
    keeper: Option<Process>,
    born: Instant,
    random: Random,
    nonces: u64,
    accepted: Vec<Accepted>,
    faults: BTreeMap<&'static str, u64>,
    /// The most memory in the first minute of a keeper's life, and later.
    memory: (u64, u64),
    away: Option<Away>,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes, and random: `cargo nextest run -p bpe-tests --test keeper --run-ignored only soak`"]
async fn soak_on_sqlite() {
    let folder = TempDir::new().unwrap();
    soak(folder.path(), Store::sqlite(folder.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes, and random: `cargo nextest run -p bpe-tests --test keeper --run-ignored only soak`"]
async fn soak_on_postgres() {
    let Some(url) = postgres("soak").await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    soak(folder.path(), Store::postgres(url)).await;
}

async fn soak(folder: &Path, store: Store) {
    let seed = variable("SOAK_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_nanos() as u64 % 1_000_000
    });
    let seconds = variable("SOAK_SECONDS").unwrap_or(SECONDS);
    println!("{store:?}: SOAK_SEED={seed} SOAK_SECONDS={seconds}");
    let village = Village::found(folder).await;
    let wire = Wire::to(village.node.clone()).await;
    let mut it = Soak {
        folder: folder.to_owned(),
        village,
        wire,
        store,
        port: free_port(),
        keeper: None,
        born: Instant::now(),
        random: Random(seed),
        nonces: 0,
        accepted: Vec::new(),
        faults: BTreeMap::new(),
        memory: (0, 0),
        away: None,
    };
    it.start("keeper.toml", false);
    it.live(Duration::from_secs(seconds)).await;
    it.finish().await;
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Soak {
    fn config(&self, store: &str, observe: bool) -> String {
        format!(
            r#"
            rpc = "{}"
            deployment = "deployments/31337.json"
            observe = {observe}
            [key]
            key_file = "key"
            [store]
            {store}
            [chain]
            poll_ms = 100
            stale_after = 5
            [api]
            listen = "127.0.0.1:{}"
            requests_per_second = 10000
            burst = 10000
            [spending]
            hour_gwei = 1000000000
            day_gwei = 10000000000
            stuck_after = 2
            [oracle]
            max_wait = 60
            [rebalance]
            every = 1
            tokens_per_ether = 0.01
            [verification]
            epochs = 1
            max_wait = 60
            "#,
            self.wire.url, self.port,
        )
    }

    fn start(&mut self, file: &str, observe: bool) {
        let text = self.config(&self.store.config(), observe);
        self.start_with(file, &text);
    }

    fn start_with(&mut self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).unwrap();
        let mut command = bpe(&self.folder);
        command.args(["keeper", "--config", file]);
        let log = self.folder.join("keeper.log");
        let (keeper, _) = Process::start(command, &log, "Page, API and metrics: ");
        self.keeper = Some(keeper);
        self.born = Instant::now();
    }

    /// What the keeper answers; nothing, if it is away.
    async fn ask(&self, method: &'static str, path: &str, body: Option<Value>) -> Option<Answer> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let sent = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(Duration::from_secs(8)))
                .build()
                .into();
            let request = ureq::http::Request::builder().method(method).uri(&url);
            let body = body.map(|it| it.to_string()).unwrap_or_default();
            let mut response = agent.run(request.body(body).ok()?).ok()?;
            let status = response.status().as_u16();
            let body = response.body_mut().read_to_string().ok()?;
            Some(Answer { status, body })
        });
        let answer = sent.await.unwrap();
        // Whatever is away: the keeper says it, and has no fault itself.
        if let Some(answer) = &answer {
            assert!(answer.status != 500, "{answer:?}");
        }
        answer
    }

    // --- Life

    async fn live(&mut self, long: Duration) {
        let begun = Instant::now();
        let mut next_fault = Instant::now() + Duration::from_secs(2);
        let mut next_look = Instant::now() + Duration::from_secs(30);
        while begun.elapsed() < long {
            self.act().await;
            self.look_at_memory();
            if next_fault <= Instant::now() {
                self.fault().await;
                next_fault = Instant::now() + Duration::from_millis(500 + self.random.below(2_500));
            }
            if next_look <= Instant::now() {
                self.hear_outcomes().await;
                next_look = Instant::now() + Duration::from_secs(30);
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Attests, hands in receipts, changes a stream.
    async fn act(&mut self) {
        match self.random.below(10) {
            0 => {
                let (source, tenths) = (self.random.below(2) as usize, 5 + self.random.below(10));
                self.village.stream(source, tenths).await;
            }
            1..=4 => {
                let (sink, more) = (self.random.below(4) as usize, self.random.below(1_000_000));
                let Some(now) = self.village.now().await else {
                    return;
                };
                self.nonces += 1;
                // No two are the same.
                let capacity = units(2) + U256::from(more) + U256::from(self.nonces);
                let it = self.village.attestation(sink, capacity, now, self.nonces);
                self.ask("POST", "/v1/attestations", Some(json!([it])))
                    .await;
            }
            _ => self.work().await,
        }
    }

    async fn work(&mut self) {
        let Some(now) = self.village.now().await else {
            return;
        };
        let mut done = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let (sink, source) = (self.random.below(4) as usize, self.random.below(2) as usize);
            let task = keccak256((self.accepted.len() + done.len()).to_be_bytes());
            done.push((sink, source, task));
        }
        let body = done
            .iter()
            .map(|(sink, source, task)| self.village.receipt(*sink, *source, *task, now));
        let body = Value::Array(body.collect());
        let answer = self.ask("POST", "/v1/receipts", Some(body)).await;
        let answers = answer.filter(|it| it.status == 200).map(|it| it.json());
        for ((sink, source, task), index) in done.into_iter().zip(0..) {
            // Tasks that were not accepted count too: their ids are used.
            let status = answers.as_ref().map(|it| it[index]["status"].clone());
            let told = match status {
                Some(status) if status == "accepted" || status == "known" => None,
                other => Some(format!("not accepted: {other:?}")),
            };
            self.accepted.push(Accepted {
                sink,
                source,
                task,
                told,
            });
        }
    }

    // --- Faults

    async fn fault(&mut self) {
        let pause = Duration::from_millis(500 + self.random.below(5_500));
        let choice = self.random.below(9);
        let name = match choice {
            0 | 1 => "kill -9",
            2 => "database away",
            3 => "node away",
            4 => "node hangs",
            5 => "node behind",
            6 => "node frozen",
            _ => "reorganisation",
        };
        *self.faults.entry(name).or_default() += 1;
        match name {
            "kill -9" => {
                self.keeper.take().unwrap().kill();
                tokio::time::sleep(pause / 4).await;
                self.start("keeper.toml", false);
            }
            "database away" => {
                self.away = Some(self.store.take_away().await);
                self.act_for(pause).await;
                self.away.take().unwrap().bring_back().await;
            }
            "node away" => self.without_wire(State::Cut, pause).await,
            "node hangs" => self.without_wire(State::Dead, pause).await,
            "node behind" => {
                self.with_faults(json!({"headDrift": 4, "maxLogRange": 2}), pause)
                    .await
            }
            "node frozen" => self.with_faults(json!({"frozen": true}), pause).await,
            _ => {
                let depth = 1 + self.random.below(3);
                let what = ["drop", "keep", "last", "pool"][self.random.below(4) as usize];
                let options = json!([{"depth": depth, "transactions": what}]);
                self.village.ask("devnet_reorg", options).await.unwrap();
            }
        }
    }

    async fn without_wire(&mut self, state: State, pause: Duration) {
        self.wire.set(state);
        self.act_for(pause).await;
        self.wire.set(State::Whole);
    }

    async fn with_faults(&mut self, mut faults: Value, pause: Duration) {
        faults["seed"] = json!(self.random.next() >> 12);
        self.village
            .ask("devnet_setFaults", json!([faults]))
            .await
            .unwrap();
        self.act_for(pause).await;
        self.village
            .ask("devnet_setFaults", json!([{}]))
            .await
            .unwrap();
    }

    async fn act_for(&mut self, pause: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < pause {
            self.act().await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    // --- What is watched meanwhile

    fn look_at_memory(&mut self) {
        let now = self.keeper.as_ref().unwrap().memory();
        assert!(now < MEMORY, "{now} kB in memory");
        if self.born.elapsed() < Duration::from_secs(60) {
            self.memory.0 = self.memory.0.max(now);
        } else {
            self.memory.1 = self.memory.1.max(now);
        }
    }

    /// Outcomes are kept for six hours of the chain: they are heard in time.
    async fn hear_outcomes(&mut self) {
        for index in 0..self.accepted.len() {
            if self.accepted[index].told.is_some() {
                continue;
            }
            let (outcome, _) = self.outcome(index).await;
            if matches!(
                outcome.as_deref(),
                Some("dropped" | "refused" | "set aside")
            ) && !self.recorded(index).await
            {
                self.accepted[index].told = outcome;
            }
        }
    }

    async fn outcome(&self, index: usize) -> (Option<String>, String) {
        let it = &self.accepted[index];
        let (sink, source) = (
            self.village.sinks[it.sink].address(),
            self.village.sources[it.source].address(),
        );
        let path = format!(
            "/v1/outcomes/receipts/{}:{sink}:{source}:{}",
            self.village.code, it.task
        );
        let Some(answer) = self.ask("GET", &path, None).await else {
            return (None, "no answer".to_owned());
        };
        let status =
            (answer.status == 200).then(|| answer.json()["status"].as_str().unwrap().to_owned());
        (status, answer.body)
    }

    async fn recorded(&self, index: usize) -> bool {
        let it = &self.accepted[index];
        let (sink, source) = (
            self.village.sinks[it.sink].address(),
            self.village.sources[it.source].address(),
        );
        let task = self
            .village
            .tracker
            .getTask(self.village.code, sink, source, it.task);
        task.call().await.is_ok_and(|task| task.recorded)
    }

    // --- The end

    async fn finish(mut self) {
        println!("faults: {:?}", self.faults);
        self.until("what was handed in is settled", |it| {
            let waiting = &it["waiting"];
            ["attestations", "receipts", "assignments"]
                .iter()
                .all(|kind| waiting[*kind] == 0)
                && it["readiness"]["ready"] == true
        })
        .await;
        self.nothing_is_lost().await;
        self.keeper.take().unwrap().stop();

        // It reads to the end without sending: then nothing changes any more.
        self.start("keeper.toml", true);
        self.until("it has read all", |it| it["cursor"] == it["head"])
            .await;
        self.keeper.take().unwrap().stop();
        let kept = self.store.dump().await;

        // A store that begins now says the same.
        let second = self.folder.join("second");
        let text = self.config(&format!("state = \"{}\"", second.display()), true);
        self.start_with("second.toml", &text);
        self.until("it has read all", |it| it["cursor"] == it["head"])
            .await;
        self.keeper.take().unwrap().stop();
        let anew = Store::sqlite_at(&second).dump().await;
        for (table, rows) in &anew {
            let differ: Vec<_> = kept[table].symmetric_difference(rows).take(10).collect();
            assert!(differ.is_empty(), "{table}: {differ:#?}");
        }
        self.equals_the_chain(&kept).await;
        self.nothing_twice(&kept["events"]).await;
        self.sizes(&kept).await;
    }

    async fn until(&self, what: &str, so: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let answer = self.ask("GET", "/v1/keeper", None).await;
            if answer
                .as_ref()
                .is_some_and(|it| it.status == 200 && so(&it.json()))
            {
                return;
            }
            if begun.elapsed() > Duration::from_secs(90) {
                let log = fs::read_to_string(self.folder.join("keeper.log")).unwrap();
                let lines: Vec<&str> = log.lines().collect();
                let last = &lines[lines.len().saturating_sub(40)..];
                panic!("{what}: not yet: {answer:?}\n{}", last.join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What the keeper accepted is on the chain, or it says why not.
    async fn nothing_is_lost(&mut self) {
        let (mut recorded, mut told) = (0, 0);
        let mut lost = Vec::new();
        for index in 0..self.accepted.len() {
            if self.recorded(index).await {
                recorded += 1;
                continue;
            }
            if self.accepted[index].told.is_some() {
                told += 1;
                continue;
            }
            match self.outcome(index).await {
                (Some(outcome), _) if outcome != "done" => told += 1,
                (_, body) => lost.push((self.accepted[index].task, body)),
            }
        }
        println!("receipts: {recorded} recorded, of {told} it is said why not");
        assert!(
            lost.is_empty(),
            "accepted, and lost without a word: {lost:#?}"
        );
        assert!(recorded > 0);
    }

    async fn equals_the_chain(&self, kept: &BTreeMap<&'static str, BTreeSet<String>>) {
        let has = |table: &str, row: String| {
            let rows = &kept[table];
            assert!(
                rows.iter().any(|it| it.starts_with(&row)),
                "{table}: no {row} in {rows:#?}"
            );
        };
        let code = self.village.code;
        for sink in &self.village.sinks {
            let sink = sink.address();
            let capacity = self.village.registry.getSmoothedCapacity(code, sink);
            let capacity = capacity.call().await.unwrap();
            has("sinks", format!("{code}|{sink}|1|{capacity}|"));
            let units = self
                .village
                .pools
                .getMemberUnits(code, sink)
                .call()
                .await
                .unwrap();
            if units > 0 {
                has("members", format!("{code}|{sink}|{units}"));
            }
        }
        for source in &self.village.sources {
            let source = source.address();
            let stream = self
                .village
                .gateway
                .getStream(code, source)
                .call()
                .await
                .unwrap();
            has("streams", format!("{code}|{source}|{}|", stream.flowRate));
        }
    }

    /// Each attestation, task and epoch has had its effect once; and of what the keeper paid for, hardly anything had none.
    async fn nothing_twice(&self, events: &BTreeSet<String>) {
        let mut effects = BTreeMap::<String, u64>::new();
        for event in events {
            let fields: Vec<&str> = event.split('|').collect();
            if matches!(
                fields[4],
                "AttestationApplied" | "CompletionRecorded" | "EpochAdvanced"
            ) {
                // Name, task type, sink, source, amount and what else it says: not the place.
                let mut key = fields[4..].join("|");
                if fields[4] == "EpochAdvanced" {
                    key = format!("{}|{}", fields[6], fields[9]);
                }
                *effects.entry(key).or_default() += 1;
            }
        }
        let twice: Vec<_> = effects.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{twice:#?}");
        let (sent, without) = self.transactions().await;
        let disturbances: u64 = self.faults.values().sum();
        println!(
            "events: {}; transactions: {sent}, {without} without effect",
            events.len()
        );
        assert!(sent > 5);
        assert!(
            without <= 2 + disturbances,
            "{without} of {sent} transactions had no effect"
        );
    }

    /// The keeper's transactions on the chain, and how many of them reverted or logged nothing.
    async fn transactions(&self) -> (u64, u64) {
        let village = &self.village;
        let ask =
            |method, parameters| async move { village.ask(method, parameters).await.unwrap() };
        let keeper = format!("{:#x}", self.village.keeper);
        let head = ask("eth_blockNumber", json!([])).await;
        let head = u64::from_str_radix(&head.as_str().unwrap()[2..], 16).unwrap();
        let (mut sent, mut without) = (0, 0);
        for number in 0..=head {
            let block = ask(
                "eth_getBlockByNumber",
                json!([format!("{number:#x}"), true]),
            )
            .await;
            for transaction in block["transactions"].as_array().unwrap() {
                if transaction["from"] != keeper {
                    continue;
                }
                sent += 1;
                let receipt = ask("eth_getTransactionReceipt", json!([transaction["hash"]])).await;
                if receipt["status"] == "0x0" || receipt["logs"] == json!([]) {
                    without += 1;
                }
            }
        }
        (sent, without)
    }

    async fn sizes(&self, kept: &BTreeMap<&'static str, BTreeSet<String>>) {
        let (first, later) = self.memory;
        let bytes = self.store.bytes().await;
        let events = kept["events"].len() as u64;
        println!("memory: at most {first} kB in the first minute of a life, {later} kB later; store: {bytes} bytes");
        assert!(
            later <= first + GROWTH,
            "memory grows: {first} kB, then {later} kB"
        );
        assert!(
            bytes <= BYTES_BESIDES + events * BYTES_PER_EVENT,
            "{bytes} bytes for {events} events"
        );
    }
}
