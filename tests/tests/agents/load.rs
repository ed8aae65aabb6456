//! Latency, throughput and memory of sink and source, beside nginx as two reverse proxies, in one run. It reports and
//! asserts little; docs/source.md has a run. `nginx` and `wrk` have to be there (Debian: nginx-light, wrk).

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bpe_tests::tools::run;
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;

use crate::{
    stage::{chat, Served, Stage},
    upstream::Upstream,
};

/// Each measurement is repeated so often, in turns, and takes so many seconds.
const ROUNDS: usize = 5;
const SECONDS: u32 = 3;
/// Streams that are open at once, unless OPEN_STREAMS says otherwise. Each takes two sockets of a process.
const OPEN: usize = 9_000;
/// Streams that are being opened at once.
const OPENING: usize = 50;

const LIMITS: &str = "[capacity]\ninitial = \"100000000000\"\nfirst_limit = 20000\nmost_limit = 20000\n\
    [queue]\nmost_waiting = 20000\nmost_per_source = 20000\nfirst_service_ms = 10\nfirst_trust = \"5000000000000000000\"\n";
const MONEY: &str = "[spend]\nmost_rate = \"10000000000000000\"\n";

/// What wrk measured: microseconds of a request, requests in a second, and those that were not answered with 200.
#[derive(Clone, Copy, Debug)]
struct Measured {
    p50: f64,
    p99: f64,
    rate: f64,
    errors: u64,
}

/// A proxy before something.
struct Nginx {
    child: Child,
    url: String,
}

impl Nginx {
    fn start(folder: &Path, name: &str, upstream: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let upstream = upstream.trim_start_matches("http://");
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|it| format!("{it}_temp_path {}/{it};\n", folder.display()))
            .concat();
        let text = format!(
            "daemon off;\nworker_processes 1;\npid {0}/pid;\nerror_log {0}/error.log;\n\
             events {{ worker_connections 20000; }}\n\
             http {{\naccess_log off;\n{temporary}\
             upstream next {{ server {upstream}; keepalive 256; }}\n\
             server {{\nlisten {address};\nlocation / {{\nproxy_pass http://next;\nproxy_http_version 1.1;\n\
             proxy_set_header Connection \"\";\nproxy_buffering off;\n}}\n}}\n}}\n",
            folder.display()
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).stderr(Stdio::null());
        let child = command
            .spawn()
            .expect("nginx is not installed: apt-get install nginx-light");
        Self {
            child,
            url: format!("http://{address}"),
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with the master, if that is asked.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

/// wrk on a URL: so many connections ask for a model again and again.
async fn wrk(folder: &Path, url: &str, model: &str, connections: u32) -> Measured {
    let script = folder.join("wrk.lua");
    let text = format!(
        "wrk.method = \"POST\"\nwrk.headers[\"content-type\"] = \"application/json\"\n\
         wrk.body = '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}'\n\
         done = function(summary, latency)\n\
         local errors = summary.errors\n\
         print(string.format(\"RESULT %f %f %f %d\", latency:percentile(50), latency:percentile(99),\n\
         summary.requests / summary.duration * 1e6, errors.status + errors.connect + errors.read + errors.timeout))\nend\n"
    );
    fs::write(&script, text).unwrap();
    let mut command = Command::new("wrk");
    command
        .args(["--threads", "1", "--timeout", "30s"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{SECONDS}s")])
        .arg("--script")
        .arg(&script)
        .arg(format!("{url}/v1/chat/completions"));
    let said = run(command).await.succeeded();
    let line = said.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<f64> = line
        .unwrap_or_else(|| panic!("{said}"))
        .split(' ')
        .map(|it| it.parse().unwrap())
        .collect();
    Measured {
        p50: numbers[0],
        p99: numbers[1],
        rate: numbers[2],
        errors: numbers[3] as u64,
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, for minutes: `cargo nextest run -p bpe-tests --test agents --run-ignored only beside_nginx --no-capture`"]
async fn latency_and_throughput_beside_nginx() {
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, LIMITS).await;
    let source = stage.source(&[&sink], MONEY).await;
    // The stream is opened, and its money there.
    assert_eq!(stage.chat(&source, "whole").await.status, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let folder = stage.path("nginx");
    fs::create_dir(&folder).unwrap();
    let inner = Nginx::start(&folder, "inner", &upstream.url);
    let outer = Nginx::start(&folder, "outer", &inner.url);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let targets = [
        ("nothing between", upstream.url.as_str()),
        ("nginx twice", &outer.url),
        ("source and sink", &source.url),
    ];
    println!("| what | connections | between | p50 ms | p99 ms | a second | not 200 |\n|---|--:|---|--:|--:|--:|--:|");
    for (what, model, connections) in [
        ("small JSON", "whole", 1),
        ("small JSON", "whole", 32),
        ("500 events", "events", 1),
        ("500 events", "events", 8),
    ] {
        let mut measured = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            for (of, (_, url)) in measured.iter_mut().zip(targets) {
                of.push(wrk(&folder, url, model, connections).await);
            }
        }
        for (of, (between, _)) in measured.iter().zip(targets) {
            let middle = |value: fn(&Measured) -> f64| median(of.iter().map(value).collect());
            println!(
                "| {what} | {connections} | {between} | {:.2} | {:.2} | {:.0} | {} |",
                middle(|it| it.p50) / 1e3,
                middle(|it| it.p99) / 1e3,
                middle(|it| it.rate),
                of.iter().map(|it| it.errors).sum::<u64>(),
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "thousands of sockets: `cargo nextest run -p bpe-tests --test agents --run-ignored only memory --no-capture`"]
async fn memory_with_thousands_of_open_streams() {
    let wanted = std::env::var("OPEN_STREAMS").ok();
    let wanted: usize = wanted.map_or(OPEN, |it| it.parse().unwrap());
    let stage = Stage::start().await;
    let upstream = Upstream::start().await;
    let sink = stage.sink(0, &upstream.url, LIMITS).await;
    let source = stage.source(&[&sink], MONEY).await;
    assert_eq!(stage.chat(&source, "whole").await.status, 200);
    let memory = |of: &Served| of.process.memory();
    let before = (memory(&source), memory(&sink));
    let (mut open, mut refused, mut opening) = (Vec::new(), 0, JoinSet::new());
    for _ in 0..wanted {
        if opening.len() >= OPENING {
            take(opening.join_next().await, &mut open, &mut refused);
        }
        let (client, request) = (stage.client.clone(), chat(&source.url, "held"));
        opening.spawn(async move {
            let response = client.send(request).await.ok()?;
            let mut body = (response.status() == 200).then(|| response.into_body())?;
            let first = body.frame().await?;
            first.is_ok().then_some(body)
        });
    }
    while let Some(opened) = opening.join_next().await {
        take(Some(opened), &mut open, &mut refused);
    }
    let now = (memory(&source), memory(&sink));
    println!(
        "{} streams are open, {refused} were refused. source: {} MB, {} before; sink: {} MB, {} before",
        open.len(),
        now.0 / 1024,
        before.0 / 1024,
        now.1 / 1024,
        before.1 / 1024
    );
    assert!(open.len() > wanted / 2, "{}", stage.log("source"));
}

type Opened = Option<Result<Option<hyper::body::Incoming>, tokio::task::JoinError>>;

fn take(opened: Opened, open: &mut Vec<hyper::body::Incoming>, refused: &mut usize) {
    match opened {
        Some(Ok(Some(body))) => open.push(body),
        Some(_) => *refused += 1,
        None => {}
    }
}
