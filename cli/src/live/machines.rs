//! The machines behind the sinks, and what stands between a source that signs nothing and the sinks: small servers in
//! the demo's own process.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{header, Response, StatusCode},
    response::IntoResponse,
    routing::post,
    Router,
};
use bpe_service::{config::Timeouts, http::Client};
use http_body_util::Full;
use serde_json::{json, Value};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch, Semaphore},
};
use tokio_stream::wrappers::ReceiverStream;

use super::cast::Seller;

/// Between two events of a stream.
const BEAT: Duration = Duration::from_millis(100);
/// Bytes of a request.
const MOST: usize = 1 << 20;
/// Where sinks take vouchers.
const VOUCHERS: &str = "/bpe/v1/vouchers";

/// A server that is there as long as this is.
pub struct Server {
    pub url: String,
    down: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn of(down: watch::Sender<bool>, app: Router) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, down, task })
    }

    /// As if the machine had been switched off: nobody is let in, and what runs breaks off.
    pub fn switch_off(&self) {
        self.task.abort();
        let _ = self.down.send(true);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.switch_off();
    }
}

/// An inference engine that generates so many tokens a second for so many requests at once; the others wait in it.
struct Engine {
    seller: Seller,
    slots: Arc<Semaphore>,
    down: watch::Receiver<bool>,
}

/// Starts the machine behind a sink.
///
/// # Errors
/// If there is no port.
pub async fn engine(seller: Seller) -> anyhow::Result<Server> {
    let (down, stopped) = watch::channel(false);
    let engine = Engine {
        seller,
        slots: Arc::new(Semaphore::new(seller.slots as usize)),
        down: stopped,
    };
    let app = Router::new()
        .route("/v1/chat/completions", post(generate))
        .with_state(Arc::new(engine));
    Server::of(down, app).await
}

async fn generate(State(engine): State<Arc<Engine>>, body: Bytes) -> Response<Body> {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(tokens) = asked["max_tokens"].as_u64() else {
        return (StatusCode::BAD_REQUEST, "max_tokens is missing\n").into_response();
    };
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(4);
    tokio::spawn(async move {
        let mut down = engine.down.clone();
        let work = write(&engine, tokens, &sender);
        tokio::select! {
            () = work => {}
            // What is watched is not held while the others are told.
            () = async { drop(down.wait_for(|it| *it).await) } => {
                let _ = sender.send(Err(io::Error::other("switched off"))).await;
            }
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

/// Generates, one letter a token, as fast as the machine can.
async fn write(engine: &Engine, tokens: u64, to: &mpsc::Sender<io::Result<Bytes>>) {
    let Ok(_slot) = engine.slots.acquire().await else {
        return;
    };
    let mut beat = tokio::time::interval(BEAT);
    beat.tick().await;
    let (mut done, mut credit) = (0, 0.0);
    while done < tokens {
        beat.tick().await;
        credit += f64::from(engine.seller.speed) * BEAT.as_secs_f64();
        let now = (credit as u64).min(tokens - done);
        credit -= now as f64;
        done += now;
        let content = "x".repeat(now as usize);
        let event = json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": content}}]});
        if to.send(Ok(data(&event))).await.is_err() {
            return;
        }
    }
    let claimed = tokens * u64::from(engine.seller.exaggerates());
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": claimed, "total_tokens": claimed}});
    let _ = to.send(Ok(data(&usage))).await;
    let _ = to.send(Ok(Bytes::from_static(b"data: [DONE]\n\n"))).await;
}

fn data(event: &Value) -> Bytes {
    Bytes::from(format!("data: {event}\n\n"))
}

/// Sinks by their number.
struct Withholding {
    sinks: Vec<String>,
    client: Client,
}

/// Starts what passes everything on to the sinks, at `/<number>/`, but for vouchers: to them, its source signs nothing.
///
/// # Errors
/// If there is no port.
pub async fn withholding(sinks: Vec<String>) -> anyhow::Result<Server> {
    let client = Client::new(Timeouts::default())?;
    let it = Withholding { sinks, client };
    let app = Router::new().fallback(pass).with_state(Arc::new(it));
    Server::of(watch::channel(false).0, app).await
}

async fn pass(State(it): State<Arc<Withholding>>, request: Request) -> Response<Body> {
    match it.passed(request).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}\n")).into_response(),
    }
}

impl Withholding {
    async fn passed(&self, request: Request) -> anyhow::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().trim_start_matches('/');
        let (number, rest) = path.split_once('/').context("no number of a sink")?;
        let sink = number.parse().ok().and_then(|it: usize| self.sinks.get(it));
        let sink = sink.context("no such sink")?;
        if format!("/{rest}") == VOUCHERS {
            return Ok((StatusCode::SERVICE_UNAVAILABLE, "no signatures\n").into_response());
        }
        let body = axum::body::to_bytes(body, MOST).await?;
        let mut on = axum::http::Request::new(Full::new(body));
        *on.method_mut() = parts.method;
        *on.uri_mut() = format!("{sink}/{rest}").parse()?;
        *on.headers_mut() = parts.headers;
        of_no_connection(on.headers_mut());
        let (parts, body) = self.client.send(on).await?.into_parts();
        let mut answer = Response::from_parts(parts, Body::new(body));
        of_no_connection(answer.headers_mut());
        Ok(answer)
    }
}

fn of_no_connection(headers: &mut axum::http::HeaderMap) {
    for name in [header::CONNECTION, header::HOST, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
}
