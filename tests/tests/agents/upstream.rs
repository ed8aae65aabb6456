//! A small OpenAI-compatible server. What it does is in the name of the model that is asked for.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{header, Response, StatusCode},
    response::IntoResponse,
    routing::post,
    Json, Router,
};
use serde_json::{json, Value};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

/// What was asked of it.
#[derive(Default)]
pub struct Seen {
    pub requests: AtomicUsize,
    pub running: AtomicUsize,
    /// The most that ran at once.
    pub most: AtomicUsize,
}

pub struct Upstream {
    pub url: String,
    pub seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Upstream {
    pub async fn start() -> Self {
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(free_port).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Seen>::default();
        let app = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/embeddings", post(embeddings))
            .with_state(Arc::clone(&seen));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen, task }
    }

    /// As if the machine had been switched off.
    pub fn kill(&self) {
        self.task.abort();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The bytes of a whole stream of events: with tool calls, a vendor's fields, characters of several bytes, the usage
/// after the reason to end.
pub fn events() -> String {
    let chunks = [
        json!({"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Grüezi "}}], "vendor": {"x": 1}}),
        json!({"id": "c", "choices": [{"index": 0, "delta": {"content": "wohl 🙂"}}]}),
        json!({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "t", "type": "function",
            "function": {"name": "f", "arguments": "{\"a\":"}}]}}]}),
        json!({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}}]}),
        json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 25, "total_tokens": 125}}),
    ];
    let mut text: String = chunks.iter().map(|it| format!("data: {it}\n\n")).collect();
    text += "data: [DONE]\n\n";
    text
}

struct Running(Arc<Seen>);

impl Running {
    fn new(seen: &Arc<Seen>) -> Self {
        seen.requests.fetch_add(1, Ordering::SeqCst);
        let running = seen.running.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(running, Ordering::SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn chat(State(seen): State<Arc<Seen>>, body: Bytes) -> Response<Body> {
    let running = Running::new(&seen);
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let model = asked["model"].as_str().unwrap_or_default().to_owned();
    match model.as_str() {
        "whole" => Json(json!({
            "id": "c", "object": "chat.completion",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grüezi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }))
        .into_response(),
        "refuses-401" => refusal(StatusCode::UNAUTHORIZED),
        "refuses-500" => refusal(StatusCode::INTERNAL_SERVER_ERROR),
        "slow" => {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            stream(running, whole(), Duration::ZERO)
        }
        "bytewise" => stream(running, bytewise(), Duration::from_micros(200)),
        "cut" => stream(running, cut(), Duration::from_millis(5)),
        "long" => stream(running, long(), Duration::from_millis(100)),
        "events" => stream(running, many(), Duration::ZERO),
        "held" => stream(running, long(), Duration::from_secs(20)),
        _ => stream(running, whole(), Duration::ZERO),
    }
}

async fn embeddings(State(seen): State<Arc<Seen>>) -> Json<Value> {
    let _running = Running::new(&seen);
    Json(json!({
        "object": "list", "model": "whole",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }))
}

fn refusal(status: StatusCode) -> Response<Body> {
    let error = json!({"error": {"message": "the service says no", "type": "test", "code": "no"}});
    (status, Json(error)).into_response()
}

fn whole() -> Vec<Bytes> {
    vec![Bytes::from(events())]
}

fn bytewise() -> Vec<Bytes> {
    let each = events().into_bytes().into_iter();
    each.map(|byte| Bytes::from(vec![byte])).collect()
}

/// Ends in the middle of the third event.
fn cut() -> Vec<Bytes> {
    let text = events();
    let end = text.match_indices("data: ").nth(2).unwrap().0 + 10;
    vec![Bytes::from(text[..end].to_owned())]
}

/// An event each tenth of a second, for a minute.
fn long() -> Vec<Bytes> {
    let event =
        |_| Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
    (0..600).map(event).collect()
}

/// Five hundred events, and a whole end.
fn many() -> Vec<Bytes> {
    let event =
        |_| Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
    let mut parts: Vec<Bytes> = (0..498).map(event).collect();
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 498, "total_tokens": 499}});
    parts.push(Bytes::from(format!("data: {usage}\n\n")));
    parts.push(Bytes::from_static(b"data: [DONE]\n\n"));
    parts
}

fn stream(running: Running, parts: Vec<Bytes>, pause: Duration) -> Response<Body> {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    tokio::spawn(async move {
        let _running = running;
        for part in parts {
            if sender.send(Ok(part)).await.is_err() {
                return;
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}
