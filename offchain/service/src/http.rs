//! Requests to another service.

use std::{net::SocketAddr, time::Duration};

use axum::{
    http::{header, HeaderMap, Request, Response},
    serve::{Listener, ListenerExt as _},
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{connect::HttpConnector, Client as Pool},
    rt::{TokioExecutor, TokioTimer},
};

use tokio::net::{TcpListener, TcpStream};

use crate::{
    config::Timeouts,
    resolve::{is_hidden, Resolver, NOT_PUBLIC},
};

/// A request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("it cannot be reached: {0}")]
    Connect(String),
    #[error("no answer began within {0} s")]
    FirstByte(u64),
    #[error("it hung up before it answered: {0}")]
    Broken(String),
    #[error("its answer is longer than {0} bytes, or broke off")]
    Body(usize),
}

/// Connections that send what there is at once: what is small would wait for the other side's acknowledgement, up to
/// 40 ms.
pub fn at_once(listener: TcpListener) -> impl Listener<Io = TcpStream, Addr = SocketAddr> {
    listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps small packets back");
        }
    })
}

/// A pool of connections to other services.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    timeouts: Timeouts,
    only_public: bool,
}

impl Client {
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(timeouts: Timeouts) -> Result<Self, bpe_rpc::EndpointError> {
        Self::with(timeouts, false)
    }

    /// For services that strangers name: only those on public addresses are connected to.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn of_strangers(timeouts: Timeouts) -> Result<Self, bpe_rpc::EndpointError> {
        Self::with(timeouts, true)
    }

    fn with(timeouts: Timeouts, only_public: bool) -> Result<Self, bpe_rpc::EndpointError> {
        let connect = Duration::from_secs(timeouts.connect);
        let connector = bpe_rpc::connector(Resolver::new(only_public), connect)?;
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self {
            pool,
            timeouts,
            only_public,
        })
    }

    pub const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Sends a request, and waits until the answer begins.
    ///
    /// # Errors
    /// What went wrong, by part.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, HttpError> {
        if self.only_public && request.uri().host().is_none_or(is_hidden) {
            return Err(HttpError::Connect(NOT_PUBLIC.to_owned()));
        }
        let seconds = self
            .timeouts
            .connect
            .saturating_add(self.timeouts.first_byte);
        let answer = self.pool.request(request);
        match tokio::time::timeout(Duration::from_secs(seconds), answer).await {
            Err(_) => Err(HttpError::FirstByte(self.timeouts.first_byte)),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(HttpError::Connect(told(&error))),
            Ok(Err(error)) => Err(HttpError::Broken(told(&error))),
        }
    }

    /// Sends a request, and reads an answer of at most so many bytes, all of it within so long.
    ///
    /// # Errors
    /// What went wrong, by part.
    pub async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
        within: Duration,
    ) -> Result<Response<Bytes>, HttpError> {
        let exchange = async {
            let (parts, body) = self.send(request).await?.into_parts();
            let body = Limited::new(body, most).collect().await;
            let body = body.map_err(|_| HttpError::Body(most))?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        let answer = tokio::time::timeout(within, exchange).await;
        answer.unwrap_or(Err(HttpError::FirstByte(within.as_secs())))
    }
}

/// A request for what is at an address; `None` if it is none.
pub fn get(uri: &str) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = uri.parse().ok()?;
    Some(request)
}

/// The error with its causes: hyper's own text names none of them.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What belongs to one connection, and what is said anew on the next.
const OF_A_CONNECTION: [&str; 9] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers that are passed on: all but those of the connection, and those that this protocol adds.
pub fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut passed = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let own = name.as_str().starts_with("bpe-") || name == "payment-required";
        let connection =
            OF_A_CONNECTION.contains(&name.as_str()) || named.iter().any(|it| it == name.as_str());
        if !own && !connection {
            passed.append(name.clone(), value.clone());
        }
    }
    passed
}

/// Seconds of a `Retry-After`, if it is a number of them.
pub fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// A header's text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_is_of_the_connection_or_of_the_protocol_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("transfer-encoding", "chunked"),
            ("host", "a"),
            ("bpe-task", "t"),
            ("authorization", "Bearer k"),
            ("x-vendor", "v"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let passed = passed_on(&headers);
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "x-vendor"]);
    }
}
