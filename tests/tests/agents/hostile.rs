//! Services, sinks and sources that mean harm: what they cost is bounded, in memory and in money.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};

use alloy::primitives::{Address, U256};
use bpe_abi::typed_data::sign;
use bpe_agent::formats::{BpeStream, PaymentOption, PaymentRequired, Resource, TaskOffer, SCHEME};
use bpe_tests::{stage::mined, work::WORK};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    stage::{chat, Served, Stage, PRICE, SINK},
    upstream::Upstream,
};

/// What a process may need in memory on account of somebody hostile, in kilobytes.
const MEMORY: u64 = 48 << 10;

/// Something that takes connections and does what it likes with them.
struct Harm {
    url: String,
    /// Requests of any kind, and those for work.
    seen: Arc<AtomicUsize>,
    taken: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Harm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Harm {
    /// On `address`, with the head of each request.
    async fn at<F, R>(address: SocketAddr, with: F) -> Self
    where
        F: Fn(TcpStream, String) -> R + Clone + Send + 'static,
        R: std::future::Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, taken) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (Arc::clone(&seen), Arc::clone(&taken));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (with, counts) = (with.clone(), counts.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut part = [0; 4_096];
                    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
                        match stream.read(&mut part).await {
                            Ok(read) if read > 0 => head.extend_from_slice(&part[..read]),
                            _ => return,
                        }
                    }
                    counts.0.fetch_add(1, Ordering::SeqCst);
                    if head.starts_with(b"POST") {
                        counts.1.fetch_add(1, Ordering::SeqCst);
                    }
                    with(stream, String::from_utf8_lossy(&head).into_owned()).await;
                });
            }
        });
        Self {
            url,
            seen,
            taken,
            task,
        }
    }

    async fn start<F, R>(with: F) -> Self
    where
        F: Fn(TcpStream, String) -> R + Clone + Send + 'static,
        R: std::future::Future<Output = ()> + Send + 'static,
    {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), with).await
    }
}

/// Writes the same until the other side has had enough.
async fn repeat(stream: &mut TcpStream, what: &[u8]) {
    while stream.write_all(what).await.is_ok() {}
}

/// What a request to the gateway ends with, however it ends: its status, and the bytes that came.
async fn outcome(stage: &Stage, source: &Served) -> (u16, usize) {
    let response = stage.client.send(chat(&source.url, "small")).await.unwrap();
    let status = response.status().as_u16();
    let (mut body, mut bytes) = (response.into_body(), 0);
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.into_data().map_or(0, |it| it.len());
    }
    (status, bytes)
}

/// A service behind an honest sink: it never ends its headers, never its answer, answers what is no HTTP, and says that it
/// generated more than it sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_service_costs_its_sink_no_memory_and_its_source_no_money() {
    let timeouts = "[timeouts]\nfirst_byte = 3\nidle = 2\ntotal = 4\n";
    let endless = Harm::start(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        repeat(&mut stream, b"x-more: and more\r\n").await;
    })
    .await;
    let unending = Harm::start(|mut stream, _| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            .await;
        repeat(&mut stream, &[b'x'; 16_384]).await;
    })
    .await;
    let garbage = Harm::start(|mut stream, _| async move {
        let _ = stream.write_all(&[0xff; 1_000]).await;
    })
    .await;
    for harm in [&endless, &unending, &garbage] {
        let stage = Stage::start().await;
        let sink = stage.sink(0, &harm.url, timeouts).await;
        let source = stage.source(&[&sink], timeouts).await;
        let before = sink.process.memory() + source.process.memory();
        let begun = Instant::now();
        let (status, bytes) = outcome(&stage, &source).await;
        assert!(begun.elapsed().as_secs() < 40, "{}", stage.log("sink0"));
        assert!(harm.taken.load(Ordering::SeqCst) >= 1);
        assert!(status >= 500 || bytes > 0, "{status}");
        let after = sink.process.memory() + source.process.memory();
        assert!(after < before + 2 * MEMORY, "{before} kB, then {after}");
        // Nothing of it is done, so nothing is owed.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let done = stage
            .metric(&sink, "bpe_sink_tasks_total{end=\"done\"}")
            .await;
        assert_eq!(done, 0.0);
        assert_eq!(stage.totals(&sink).await.2, U256::ZERO);
        assert_eq!(stage.metric(&sink, "bpe_sink_in_flight").await, 0.0);
    }
}

/// It says that it generated a million tokens, and sent a hundred bytes of them: no more are paid than there are bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_lies_about_its_tokens_is_paid_for_bytes_at_most() {
    let lies = Harm::start(|mut stream, _| async move {
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1_000_000, "total_tokens": 1_000_001}});
        let body = format!("data: {usage}\n\ndata: [DONE]\n\n");
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let stage = Stage::start().await;
    let sink = stage.sink(0, &lies.url, "").await;
    let source = stage.source(&[&sink], "").await;
    let (status, bytes) = outcome(&stage, &source).await;
    assert_eq!(status, 200, "{}", stage.log("source"));
    let (work, value, _) = stage.until_counted(&sink, 1).await;
    // Four thousandths of a work unit for each token, and a thousandth for the one that went in.
    let most = U256::from((4 * bytes as u64 + 1) * 1_000_000);
    assert!(work <= most, "{work} for {bytes} bytes");
    assert!(value <= U256::from(PRICE), "{value}");
}

/// A sink as the source sees it: registered and listed, with its own key, and what is harmful in its place.
async fn replaced<F, R>(stage: &Stage, with: F) -> (Served, Harm)
where
    F: Fn(TcpStream, String) -> R + Clone + Send + 'static,
    R: std::future::Future<Output = ()> + Send + 'static,
{
    let upstream = Upstream::start().await;
    let mut sink = stage.sink(0, &upstream.url, "").await;
    sink.process.kill();
    let address = sink.url.trim_start_matches("http://").parse().unwrap();
    (sink, Harm::at(address, with).await)
}

fn offered(head: &str) -> Option<TaskOffer> {
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("bpe-task").then_some(value)
    })?;
    TaskOffer::decode(line).ok()
}

/// More of everything than there is.
fn absurd(offer: &TaskOffer) -> PaymentRequired {
    PaymentRequired {
        x402_version: 2,
        error: "more".to_owned(),
        resource: Resource {
            url: "/".to_owned(),
            description: String::new(),
            mime_type: String::new(),
        },
        accepts: vec![PaymentOption {
            scheme: SCHEME.to_owned(),
            network: format!("eip155:{}", offer.chain_id),
            amount: u128::MAX,
            asset: Address::ZERO,
            pay_to: Address::ZERO,
            max_timeout_seconds: 60,
            extra: BpeStream {
                stream_gateway: Address::ZERO,
                task_type_id: offer.task_type_id,
                price: 1,
                flow_rate: u128::MAX,
                earmark: u128::MAX,
            },
        }],
    }
}

/// A sink that hangs up, that answers without accepting, that accepts with a signature of nobody, or that asks for more money
/// than there is: it is left alone, and nothing is paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_sink_is_paid_nothing_and_left_alone() {
    let answers: [fn(&TaskOffer) -> String; 4] = [
        |_| String::new(),
        |_| "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        |_| {
            format!("HTTP/1.1 200 OK\r\nbpe-price: 1\r\nbpe-task-signature: 0x{}\r\ncontent-length: 2\r\n\r\nok", "11".repeat(65))
        },
        |offer| {
            let header = absurd(offer).encode();
            format!("HTTP/1.1 402 Payment Required\r\npayment-required: {header}\r\ncontent-length: 0\r\n\r\n")
        },
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let stage = Stage::start().await;
        let (sink, harm) = replaced(&stage, move |mut stream, head| async move {
            if let Some(offer) = offered(&head) {
                let _ = stream.write_all(answer(&offer).as_bytes()).await;
            }
        })
        .await;
        let spend = "[spend]\npatience = 1\nmost_hour = \"1000000000000000\"\nmost_rate = \"1000000000000\"\n";
        let source = stage.source(&[&sink], spend).await;
        let begun = Instant::now();
        let answer = stage.chat(&source, "small").await;
        let told = format!("{number}: {answer:?}\n{}", stage.log("source"));
        assert!(matches!(answer.status, 402 | 502 | 503), "{told}");
        assert!(begun.elapsed().as_secs() < 30, "{told}");
        assert!(harm.taken.load(Ordering::SeqCst) >= 1, "{told}");
        assert_eq!(stage.totals(&sink).await.1, U256::ZERO, "{told}");
        // Never above the limits, whatever was asked for.
        let spent = stage
            .metric(&source, "bpe_source_flow_tokens_per_hour")
            .await;
        assert!(spent <= 0.0037, "{spent} {told}");
        assert_eq!(stage.metric(&source, "bpe_source_in_flight").await, 0.0);
    }
}

/// A sink that accepts with its own signature, sends half an answer and hangs up: the client is told, and nothing is signed for.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_accepts_and_drops_is_paid_nothing() {
    let stage = Stage::start().await;
    let key = stage.proof.signer(SINK);
    let (sink, harm) = replaced(&stage, move |mut stream, head| {
        let key = key.clone();
        async move {
            let Some(offer) = offered(&head) else {
                return;
            };
            let signature = sign(&key, &offer.assignment(), &offer.domain()).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nbpe-price: {PRICE}\r\nbpe-task-signature: {signature}\r\ncontent-type: text/event-stream\r\n\r\n"
            );
            let event = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
            let _ = stream.write_all(format!("{head}{event}").as_bytes()).await;
        }
    })
    .await;
    let source = stage.source(&[&sink], "").await;
    let answer = stage.chat(&source, "small").await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", stage.log("source"));
    assert!(answer.body.contains("stream_interrupted"), "{answer:?}");
    assert_eq!(harm.taken.load(Ordering::SeqCst), 1, "it is asked once");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.totals(&sink).await.2, U256::ZERO);
    assert_eq!(stage.metric(&source, "bpe_source_in_flight").await, 0.0);
}

/// A client that does not read, and one whose body never ends: the first loses its place, the second never has one.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_or_writes_slowly_holds_no_place() {
    let stage = Stage::start().await;
    let unending = Harm::start(|mut stream, _| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            .await;
        repeat(&mut stream, &[b'x'; 65_536]).await;
    })
    .await;
    let timeouts = "[timeouts]\nidle = 2\ntotal = 60\n";
    let sink = stage.sink(0, &unending.url, timeouts).await;
    let source = stage.source(&[&sink], timeouts).await;
    let response = stage.client.send(chat(&source.url, "small")).await.unwrap();
    assert_eq!(response.status(), 200, "{}", stage.log("source"));
    let gone = "bpe_sink_tasks_total{end=\"gone\"}";
    stage
        .until("who does not read loses its place", || async {
            stage.metric(&sink, gone).await == 1.0
        })
        .await;
    assert_eq!(stage.metric(&sink, "bpe_sink_in_flight").await, 0.0);
    drop(response);

    let address = sink.url.trim_start_matches("http://").to_owned();
    let mut slow = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100000\r\n\r\nx"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let reading = slow.read_to_end(&mut said);
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await;
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
}

/// Anybody can name an address of one's own network in ServiceDirectory: it is not asked, unless the configuration says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_the_own_network_in_the_directory_is_not_asked() {
    let stage = Stage::start().await;
    let (sink, harm) = replaced(&stage, |_, _| async {}).await;
    let set = stage.directory.setService(WORK, harm.url.clone());
    mined(set.from(sink.account).send().await).await;
    let source = stage.source(&[], "[choose]\nrefresh = 1\n").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let answer = stage.chat(&source, "small").await;
    assert!(matches!(answer.status, 502 | 503), "{answer:?}");
    assert_eq!(harm.seen.load(Ordering::SeqCst), 0, "it was asked");
    drop(source);

    let open = "[choose]\nrefresh = 1\nprivate = true\n";
    let _source = stage.source_again(&[], open).await;
    stage
        .until("it is asked", || async {
            harm.seen.load(Ordering::SeqCst) > 0
        })
        .await;
}
