//! What changes, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::sse::{Event as Message, KeepAlive, Sse},
};
use metrics::gauge;
use tokio::sync::OwnedSemaphorePermit;
use tokio_stream::{wrappers::BroadcastStream, Stream, StreamExt as _};

use super::problem::{Problem, Reading};
use crate::shared::Shared;

/// Counts a client as long as it is there.
struct Seat {
    _permit: OwnedSemaphorePermit,
}

impl Seat {
    fn take(permit: OwnedSemaphorePermit) -> Self {
        gauge!("bpe_keeper_live_clients").increment(1);
        Self { _permit: permit }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        gauge!("bpe_keeper_live_clients").decrement(1);
    }
}

/// Every event as it is stored; `rewound` when a reorganisation took some back; `missed` when this client was too slow: it
/// should read the lists again.
#[utoipa::path(
    get, path = "/v1/live",
    responses((status = 200, content_type = "text/event-stream", body = String), Reading)
)]
pub async fn live(
    State(shared): State<Arc<Shared>>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Problem> {
    let permit = Arc::clone(&shared.live).try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many live connections: come back later",
        )
    })?;
    let seat = Seat::take(permit);
    let events = BroadcastStream::new(shared.index.live()).map(move |event| {
        let _ = &seat;
        let message = match event {
            Ok(event) if event.name == "Rewound" => Message::default()
                .event("rewound")
                .data(event.block.to_string()),
            Ok(event) => Message::default()
                .event("event")
                .data(serde_json::to_string(&event).unwrap_or_default()),
            Err(lagged) => Message::default().event("missed").data(lagged.to_string()),
        };
        Ok(message)
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
