//! The RPC methods over HTTP and WebSocket, on one port.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use jsonrpsee::{
    core::{
        middleware::{Batch, BatchEntry, Notification, RpcServiceBuilder, RpcServiceT},
        traits::IdProvider,
    },
    server::{
        ws::is_upgrade_request, BatchRequestConfig, HttpRequest, Server, ServerConfig, ServerHandle,
    },
    types::{Request, SubscriptionId},
    Methods,
};
use tokio::net::{TcpListener, TcpSocket};
use tower_http::cors::CorsLayer;

use crate::rpc::NO_NOTIFICATIONS;

/// Connections served at a time; more are told to come back later.
const MAX_CONNECTIONS: u32 = 2_048;
/// Connections that wait to be accepted; the default of 128 resets those of a burst of hundreds.
const BACKLOG: u32 = 1_024;
/// The largest request: a program's deployment is some 50 KB in hex, a batch of them more.
const MAX_REQUEST_BYTES: u32 = 16 * 1024 * 1024;
/// The largest response: many blocks' logs.
const MAX_RESPONSE_BYTES: u32 = 256 * 1024 * 1024;
/// Requests in one batch.
const MAX_BATCH: u32 = 1_000;

/// The server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("{0} is already in use: stop what listens there, or choose another port")]
    AddressInUse(SocketAddr),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot start the server: {0}")]
    Start(io::Error),
}

/// Takes a port, 0 for any free one. Clients may connect from now on, and wait until [`crate::Devnet::serve_on`] starts
/// the server.
pub fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::AddressInUse(address),
        _ => ServeError::Listen { address, source },
    })
}

/// A running server. It stops when it is dropped or told to.
#[derive(Debug)]
pub struct RpcServer {
    address: SocketAddr,
    handle: ServerHandle,
}

impl RpcServer {
    /// Answers requests on `listener`.
    pub(crate) async fn start(listener: TcpListener, methods: Methods) -> Result<Self, ServeError> {
        let config = ServerConfig::builder()
            .max_connections(MAX_CONNECTIONS)
            .max_request_body_size(MAX_REQUEST_BYTES)
            .max_response_body_size(MAX_RESPONSE_BYTES)
            .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
            .set_id_provider(HexIds::default())
            .build();
        // Pages in a browser may use it, as with any development node.
        let middleware = tower::ServiceBuilder::new()
            .layer(CorsLayer::permissive())
            .map_request(mark_transport);
        let address = listener.local_addr().map_err(ServeError::Start)?;
        let server = Server::builder()
            .set_config(config)
            .set_http_middleware(middleware)
            .set_rpc_middleware(RpcServiceBuilder::new().layer_fn(NoNotifications))
            .build_from_tcp(listener.into_std().map_err(ServeError::Start)?)
            .map_err(ServeError::Start)?;
        Ok(Self {
            address,
            handle: server.start(methods),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint for HTTP.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The endpoint for WebSocket.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops: open requests are answered, connections closed.
    pub async fn stop(self) {
        // An error means that it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }
}

/// Of requests that came by plain HTTP.
#[derive(Clone, Copy)]
struct PlainHttp;

fn mark_transport<B>(mut request: HttpRequest<B>) -> HttpRequest<B> {
    if !is_upgrade_request(&request) {
        request.extensions_mut().insert(PlainHttp);
    }
    request
}

/// Answers subscriptions over plain HTTP, which has no way to notify, as geth does.
#[derive(Clone)]
struct NoNotifications<S>(S);

fn redirect(request: &mut Request<'_>) {
    let subscribes = matches!(request.method_name(), "eth_subscribe" | "eth_unsubscribe");
    if subscribes && request.extensions().get::<PlainHttp>().is_some() {
        request.method = NO_NOTIFICATIONS.into();
    }
}

impl<S: RpcServiceT> RpcServiceT for NoNotifications<S> {
    type MethodResponse = S::MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(
        &self,
        mut request: Request<'a>,
    ) -> impl Future<Output = Self::MethodResponse> + Send + 'a {
        redirect(&mut request);
        self.0.call(request)
    }

    fn batch<'a>(
        &self,
        mut batch: Batch<'a>,
    ) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        for entry in batch.iter_mut() {
            if let Ok(BatchEntry::Call(request)) = entry {
                redirect(request);
            }
        }
        self.0.batch(batch)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.0.notification(notification)
    }
}

/// Subscription ids as geth's: hex numbers.
#[derive(Debug, Default)]
struct HexIds(AtomicU64);

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        let id = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        SubscriptionId::Str(format!("{id:#x}").into())
    }
}
