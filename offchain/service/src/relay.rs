//! Answers that are forwarded byte by byte as they come, counted on the way, and ended well or with an error event.

use std::{future::Future, time::Duration};

use axum::body::Body;
use bpe_agent::formats::Counter;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use tokio::{
    sync::mpsc::{channel, Sender},
    time::{timeout, timeout_at, Instant},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::config::Timeouts;

/// Parts that wait for a slow client at most.
const WAITING: usize = 16;

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All of it came, and all of it was taken.
    Complete,
    /// The service broke off, or was too slow.
    Broken(String),
    /// The client went, or did not read.
    ClientGone,
}

/// What was forwarded.
#[derive(Debug)]
pub struct Relayed {
    pub end: End,
    pub counter: Counter,
}

type Part = Result<Bytes, std::io::Error>;

/// The body that a client gets of an answer. `finish` is awaited before the client sees the end of it: what is stored
/// there is stored before the client can act on it.
pub fn relay<F>(
    from: Incoming,
    counter: Counter,
    timeouts: Timeouts,
    finish: impl FnOnce(Relayed) -> F + Send + 'static,
) -> Body
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = channel(WAITING);
    tokio::spawn(async move {
        let relayed = pump(from, counter, timeouts, &sender).await;
        let ending = ending(&relayed);
        finish(relayed).await;
        if let Some(ending) = ending {
            let _ = timeout(Duration::from_secs(1), sender.send(ending)).await;
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
}

async fn pump(
    mut from: Incoming,
    mut counter: Counter,
    timeouts: Timeouts,
    to: &Sender<Part>,
) -> Relayed {
    let idle = Duration::from_secs(timeouts.idle);
    let deadline = Instant::now() + Duration::from_secs(timeouts.total);
    let end = loop {
        let until = deadline.min(Instant::now() + idle);
        let frame = tokio::select! {
            frame = timeout_at(until, from.frame()) => frame,
            () = to.closed() => break End::ClientGone,
        };
        let frame = match frame {
            Err(_) if Instant::now() >= deadline => {
                break End::Broken(format!("it took longer than {} s", timeouts.total))
            }
            Err(_) => break End::Broken(format!("it said nothing for {} s", timeouts.idle)),
            Ok(Some(Err(error))) => break End::Broken(error.to_string()),
            Ok(Some(Ok(frame))) => frame,
            Ok(None) if counter.complete() => break End::Complete,
            Ok(None) if counter.failed() => break End::Broken("it ended with an error".to_owned()),
            Ok(None) => break End::Broken("it ended without [DONE]".to_owned()),
        };
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        counter.feed(&bytes);
        match timeout(idle, to.send(Ok(bytes))).await {
            Ok(Ok(())) => {}
            _ => break End::ClientGone,
        }
    };
    Relayed { end, counter }
}

/// What a client is told of an answer that broke off: an event in a stream of events that has no error of its own in
/// it, and a connection that breaks off in anything else.
fn ending(relayed: &Relayed) -> Option<Part> {
    let End::Broken(reason) = &relayed.end else {
        return None;
    };
    let counter = &relayed.counter;
    if !counter.streams() {
        return Some(Err(std::io::Error::other(reason.clone())));
    }
    if counter.failed() {
        return None;
    }
    let event = serde_json::json!({"error": {
        "message": format!("the answer broke off: {reason}"),
        "type": "upstream_error",
        "code": "stream_interrupted",
    }});
    let begin = if counter.between_events() { "" } else { "\n\n" };
    Some(Ok(Bytes::from(format!("{begin}data: {event}\n\n"))))
}
