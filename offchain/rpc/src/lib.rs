//! A chain's endpoint for alloy, over HTTP or HTTPS. alloy's own transport stays without TLS, so that what only talks to
//! a devnet compiles none; this one has rustls with ring, and trusts what the machine trusts.

mod in_time;

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use base64::{prelude::BASE64_STANDARD, Engine as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::Bytes,
    header::{HeaderValue, AUTHORIZATION, CONTENT_TYPE},
    Method, Request, Uri,
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{connect::HttpConnector, Client},
    rt::TokioExecutor,
};
use rustls::{crypto::ring, ClientConfig, RootCertStore};
use tower::Service;
use url::Url;

pub use in_time::in_time;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request may take, with its answer: nodes that trace or look for logs are slow.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The largest answer that is read.
const MAX_RESPONSE_BYTES: usize = 256 * 1024 * 1024;

/// An endpoint cannot be used. No message holds what follows the host: keys are in there.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("an endpoint's URL begins with http:// or https://, not with {0}://")]
    Scheme(String),
    #[error("the endpoint's URL cannot be requested: {0}")]
    Url(String),
    #[error("this machine's trusted certificates cannot be read: {0}; on Debian, install ca-certificates")]
    Roots(io::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// A client of the endpoint.
///
/// # Errors
/// If it is neither HTTP nor HTTPS, or HTTPS and the machine trusts nobody.
pub fn client(url: Url) -> Result<RpcClient, EndpointError> {
    match url.scheme() {
        "http" => Ok(RpcClient::new_http(url)),
        "https" => Ok(RpcClient::new(Https::new(&url)?, false)),
        other => Err(EndpointError::Scheme(other.to_owned())),
    }
}

/// A connector for any service, over HTTP or HTTPS, that finds addresses by this resolver. It trusts what the machine trusts,
/// and over HTTPS nobody where that cannot be read.
///
/// # Errors
/// If TLS cannot be set up.
pub fn connector<R>(
    resolver: R,
    timeout: Duration,
) -> Result<HttpsConnector<HttpConnector<R>>, EndpointError> {
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.set_connect_timeout(Some(timeout));
    http.set_nodelay(true);
    http.enforce_http(false);
    let native =
        HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider());
    let builder = match native {
        Ok(builder) => builder,
        Err(_) => {
            let provider = Arc::new(ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(config)
        }
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(http))
}

/// An alloy transport over HTTPS.
#[derive(Clone, Debug)]
pub struct Https {
    uri: Uri,
    authorization: Option<HeaderValue>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Https {
    /// Trusts what the machine trusts: its store of certificates, or the files that SSL_CERT_FILE and SSL_CERT_DIR name.
    ///
    /// # Errors
    /// If there are no certificates, or nothing can be requested at this URL.
    pub fn new(url: &Url) -> Result<Self, EndpointError> {
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())
            .map_err(EndpointError::Roots)?;
        Self::with(url, |http| {
            builder.https_only().enable_http1().wrap_connector(http)
        })
    }

    /// Trusts these certificates, and no others.
    ///
    /// # Errors
    /// If nothing can be requested at this URL.
    pub fn trusting(url: &Url, roots: RootCertStore) -> Result<Self, EndpointError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config);
        Self::with(url, |http| {
            builder.https_only().enable_http1().wrap_connector(http)
        })
    }

    fn with(
        url: &Url,
        connector: impl FnOnce(HttpConnector) -> HttpsConnector<HttpConnector>,
    ) -> Result<Self, EndpointError> {
        let authorization = authorization(url)?;
        let mut bare = url.clone();
        // They go into a header, and not into the address.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        bare.set_fragment(None);
        let uri = bare
            .as_str()
            .parse()
            .map_err(|_| EndpointError::Url(url.host_str().unwrap_or_default().to_owned()))?;
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.enforce_http(false);
        Ok(Self {
            uri,
            authorization,
            client: Client::builder(TokioExecutor::new()).build(connector(http)),
        })
    }

    async fn post(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body = serde_json::to_vec(&packet).map_err(TransportError::ser_err)?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri;
        let headers = request.headers_mut();
        headers.extend(packet.headers());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = self.authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(TransportErrorKind::custom)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES);
            let body = body
                .collect()
                .await
                .map_err(|error| TransportErrorKind::custom_str(&error.to_string()))?;
            Ok::<_, TransportError>((status, body.to_bytes()))
        };
        let (status, body) = tokio::time::timeout(REQUEST_TIMEOUT, exchange)
            .await
            .map_err(TransportErrorKind::custom)??;
        let text = || String::from_utf8_lossy(&body).into_owned();
        if !status.is_success() {
            return Err(TransportErrorKind::http_error(status.as_u16(), text()));
        }
        serde_json::from_slice(&body).map_err(|error| TransportError::deser_err(error, text()))
    }
}

/// What a URL's user and password become.
fn authorization(url: &Url) -> Result<Option<HeaderValue>, EndpointError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| percent_decoded(text);
    let mut credentials = decoded(url.username());
    credentials.push(b':');
    credentials.extend(decoded(url.password().unwrap_or_default()));
    let mut value =
        HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(credentials)))
            .map_err(|_| EndpointError::Url(url.host_str().unwrap_or_default().to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The bytes of a part of a URL. A percent sign that two hex digits do not follow stands for itself.
fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let hex = (byte == b'%')
            .then(|| text.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(hex.unwrap_or(byte));
        index += if hex.is_some() { 3 } else { 1 };
    }
    decoded
}

impl Service<RequestPacket> for Https {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().post(packet))
    }
}
