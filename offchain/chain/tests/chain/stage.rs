//! A devnet with one small contract on it, a store, and a node that can be told to fail.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    primitives::{address, Address, Bytes, B256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::{
        client::RpcClient,
        json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload},
        types::{Log, TransactionRequest},
    },
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use bpe_chain::{
    Batch, Call, ChainError, Database, Effect, HeadWatch, Identity, Limits, Refusal, Sender,
};
use devnet::{Devnet, InProcess};
use tempfile::TempDir;
use tower::Service;

/// Takes words of 32 bytes, one after the other: logs each as a topic, passes over those that begin with `ee`, reverts at
/// one that begins with `ff`.
pub const WORDS: Address = address!("00000000000000000000000000000000000000c0");
const CODE: &[u8] = &[
    0x5f, // i = 0
    0x5b, // 1: loop
    0x80, 0x36, 0x11, 0x15, 0x60, 0x2d, 0x57, // until i is the end
    0x80, 0x35, // word
    0x80, 0x60, 0xf8, 0x1c, // its first byte
    0x80, 0x60, 0xff, 0x14, 0x60, 0x29, 0x57, // ff: fail
    0x60, 0xee, 0x14, 0x60, 0x21, 0x57, // ee: skip
    0x80, 0x5f, 0x5f, 0xa1, // log
];

fn code() -> Bytes {
    let mut code = CODE.to_vec();
    // The offsets of the labels follow from what comes before.
    let skip = code.len() as u8;
    code.extend([0x5b, 0x50, 0x60, 0x20, 0x01, 0x60, 0x01, 0x56]); // skip: next word, loop
    let fail = code.len() as u8;
    code.extend([0x5b, 0x5f, 0x5f, 0xfd]); // fail: revert
    let end = code.len() as u8;
    code.extend([0x5b, 0x00]); // end: stop
    let mut jumps = code
        .windows(3)
        .enumerate()
        .filter(|(_, it)| it[0] == 0x60 && it[2] == 0x57)
        .map(|(at, _)| at + 1)
        .collect::<Vec<_>>()
        .into_iter();
    for target in [end, fail, skip] {
        code[jumps.next().unwrap()] = target;
    }
    code.into()
}

/// A word that is logged.
pub fn word(number: u8) -> B256 {
    B256::with_last_byte(number)
}

/// A word at which the whole call reverts.
pub fn poison(number: u8) -> B256 {
    let mut word = word(number);
    word.0[0] = 0xff;
    word
}

/// A word without effect.
pub fn silent(number: u8) -> B256 {
    let mut word = word(number);
    word.0[0] = 0xee;
    word
}

/// What a node is to do wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// So many of the next requests for logs fail.
    pub logs: Arc<AtomicU64>,
    /// Ranges of more blocks are refused; 0 for none.
    pub range: Arc<AtomicU64>,
    /// So many of the next estimates are refused.
    pub estimates: Arc<AtomicU64>,
    /// How many requests for logs there were.
    pub asked: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Faulty {
    inner: InProcess,
    faults: Faults,
}

impl Service<RequestPacket> for Faulty {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let text = serde_json::to_string(&packet).unwrap();
        let take = |count: &AtomicU64| {
            count
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1))
                .is_ok()
        };
        let refuse = |why: &'static str| -> Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async move { Err(TransportErrorKind::custom_str(why)) })
        };
        if text.contains("eth_getLogs") {
            self.faults.asked.fetch_add(1, Ordering::SeqCst);
            if take(&self.faults.logs) {
                return refuse("the node is busy");
            }
            let range = self.faults.range.load(Ordering::SeqCst);
            if range > 0 && blocks(&text) > range {
                return refuse("query returned more than 10000 results");
            }
        }
        if text.contains("eth_estimateGas") && take(&self.faults.estimates) {
            let RequestPacket::Single(request) = packet else {
                panic!("no batches here")
            };
            // What a call says that reverts in this second, and would not in the next.
            let payload = ResponsePayload::Failure(ErrorPayload {
                code: 3,
                message: "execution reverted".into(),
                data: None,
            });
            let id = request.id().clone();
            return Box::pin(async move { Ok(ResponsePacket::Single(Response { id, payload })) });
        }
        self.inner.call(packet)
    }
}

/// How many blocks a request for logs is about.
fn blocks(request: &str) -> u64 {
    if request.contains("\"blockHash\"") {
        return 1;
    }
    let number = |key: &str| {
        let (_, rest) = request.split_once(&format!("\"{key}\":\"0x")).unwrap();
        u64::from_str_radix(rest.split('"').next().unwrap(), 16).unwrap()
    };
    number("toBlock") - number("fromBlock") + 1
}

pub struct Stage {
    pub devnet: Devnet,
    pub provider: DynProvider,
    pub faults: Faults,
    pub database: Database,
    pub folder: TempDir,
}

/// A new database on the Postgres of the environment; `None`, said aloud, where there is none.
pub async fn postgres(name: &str) -> Option<String> {
    let Ok(url) = std::env::var("BPE_TEST_POSTGRES_URL") else {
        eprintln!("SKIPPED on Postgres: BPE_TEST_POSTGRES_URL is not set");
        return None;
    };
    sqlx::any::install_default_drivers();
    let name = format!("bpe_{name}_{}", std::process::id());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query(&format!("CREATE DATABASE {name}"))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let (server, rest) = url.rsplit_once('/').unwrap();
    let options = rest
        .split_once('?')
        .map_or(String::new(), |(_, options)| format!("?{options}"));
    Some(format!("{server}/{name}{options}"))
}

pub fn identity(devnet: &Devnet) -> Identity {
    Identity {
        chain_id: devnet.chain_id(),
        instance: B256::ZERO,
        registry: WORDS,
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::on(Devnet::new().unwrap()).await
    }

    pub async fn on(devnet: Devnet) -> Self {
        devnet.set_code(WORDS, code());
        let faults = Faults::default();
        let transport = Faulty {
            inner: InProcess::new(devnet.methods().clone()),
            faults: faults.clone(),
        };
        let provider = ProviderBuilder::default()
            .connect_client(RpcClient::new(transport, true))
            .erased();
        let folder = tempfile::tempdir().unwrap();
        let identity = identity(&devnet);
        let database = Database::open_file(folder.path(), "test", &identity, &[TABLE])
            .await
            .unwrap();
        Self {
            devnet,
            provider,
            faults,
            database,
            folder,
        }
    }

    pub async fn emit(&self, words: &[B256]) {
        let provider = self.devnet.provider();
        let data: Vec<u8> = words.iter().flat_map(|word| word.0).collect();
        let request = TransactionRequest::default()
            .from(self.devnet.account(9))
            .to(WORDS)
            .input(Bytes::from(data).into());
        let sent = provider.send_transaction(request).await.unwrap();
        assert!(sent.get_receipt().await.unwrap().status());
    }

    pub async fn sender(&self, limits: Limits, observe: bool) -> Sender {
        let head = HeadWatch::new(self.provider.clone(), Duration::ZERO)
            .await
            .unwrap();
        tokio::spawn(head.clone().run(Duration::from_millis(20)));
        let signer = self.devnet.signers()[0].clone();
        Sender::new(
            self.provider.clone(),
            self.database.clone(),
            head,
            signer,
            limits,
            observe,
        )
        .await
        .unwrap()
    }
}

pub const TABLE: (i64, &str, &str) = (
    100,
    "words",
    "CREATE TABLE words (block BIGINT NOT NULL, log_index BIGINT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (block, log_index))",
);

pub fn limits() -> Limits {
    Limits {
        poll: Duration::from_millis(10),
        stuck_after: Duration::from_millis(200),
        patience: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// Words as items.
pub struct Words {
    pub provider: DynProvider,
}

impl Batch for Words {
    type Item = B256;
    const WORKER: &'static str = "words";
    const MOST: usize = 100;

    fn id(&self, item: &B256) -> String {
        item.to_string()
    }

    fn call(&self, items: &[B256]) -> Call {
        let data: Vec<u8> = items.iter().flat_map(|word| word.0).collect();
        Call {
            to: WORDS,
            data: data.into(),
        }
    }

    /// Those that were never logged.
    async fn open(&self, items: Vec<B256>) -> Result<Vec<B256>, ChainError> {
        let to = self.provider.get_block_number().await?;
        let logs = bpe_chain::read_logs(&self.provider, &[WORDS], &[], 0, to).await?;
        let known = |item: &B256| logs.iter().any(|log| log.topics().first() == Some(item));
        Ok(items.into_iter().filter(|item| !known(item)).collect())
    }

    fn judge(&self, items: &[B256], logs: &[Log]) -> Vec<Effect> {
        let done = |item: &B256| logs.iter().any(|log| log.topics().first() == Some(item));
        let effect = |item| {
            if done(item) {
                Effect::Done
            } else {
                Effect::None
            }
        };
        items.iter().map(effect).collect()
    }

    fn refusal(&self, _: &str) -> Refusal {
        Refusal::Never
    }
}
