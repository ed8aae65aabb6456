//! What is served: the API with its OpenAPI document, live events, health, metrics and the page.

mod health;
mod limits;
mod live;
mod openapi;
mod page;
mod params;
mod problem;
mod read;
mod submit;

use std::{future::IntoFuture as _, net::SocketAddr, sync::Arc};

use axum::{
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
    Router,
};
use tokio::{net::TcpListener, sync::watch};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use crate::shared::Shared;

/// Serves until `stop`.
///
/// # Errors
/// If the socket fails.
pub async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let app = router(shared).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).into_future();
    // Live connections never end by themselves: they are dropped.
    tokio::select! {
        served = serving => served,
        _ = stop.wait_for(|stop| *stop) => Ok(()),
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let clients = Arc::new(limits::Clients::new(&shared.config.api));
    let timeout = std::time::Duration::from_secs(shared.config.api.timeout);
    let limited = Router::new()
        .route("/v1/attestations", post(submit::attestations))
        .route("/v1/receipts", post(submit::receipts))
        .route("/v1/assignments", post(submit::assignments))
        .route("/v1/vouchers", post(submit::vouchers))
        .route("/v1/task-types", get(read::task_types))
        .route("/v1/task-types/{id}/sinks", get(read::sinks))
        .route("/v1/task-types/{id}/streams", get(read::streams))
        .route("/v1/history", get(read::history))
        .route("/v1/series", get(read::series))
        .route("/v1/outcomes/{worker}/{item}", get(read::outcome))
        .route("/v1/keeper", get(health::keeper))
        .route("/v1/live", get(live::live))
        .route("/openapi.json", get(openapi::document))
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .layer(from_fn_with_state(clients, limits::per_client));
    Router::new()
        .merge(limited)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(problem::no_such_path)
        .layer(DefaultBodyLimit::max(shared.config.api.body_bytes))
        .layer(from_fn_with_state(timeout, limits::in_time))
        .layer(from_fn(problem::problems_only))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn(limits::counted))
        .layer(SetResponseHeaderLayer::if_not_present(
            axum::http::header::X_CONTENT_TYPE_OPTIONS,
            axum::http::HeaderValue::from_static("nosniff"),
        ))
        .with_state(shared)
}
