//! The transport against a TLS server of ours.

use std::{net::Ipv4Addr, sync::Arc};

use alloy::{
    providers::{Provider, ProviderBuilder, RootProvider},
    rpc::client::RpcClient,
};
use bpe_rpc::{client, EndpointError, Https};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    RootCertStore, ServerConfig,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

struct Server {
    port: u16,
    certificate: CertificateDer<'static>,
    /// The requests as they came, head and body.
    requests: mpsc::UnboundedReceiver<String>,
}

impl Server {
    fn url(&self, credentials: &str) -> Url {
        let text = format!("https://{credentials}localhost:{}/v2/KEY?x=1", self.port);
        text.parse().unwrap()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

/// Answers every connection's one request with this.
async fn serve(status: &'static str, body: &'static str) -> Server {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = own.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust us goes away here.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await.unwrap();
                assert_ne!(count, 0);
                request.extend_from_slice(&buffer[..count]);
            }
            let _ = sender.send(String::from_utf8(request).unwrap());
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    Server {
        port,
        certificate,
        requests,
    }
}

fn provider(transport: Https) -> RootProvider {
    ProviderBuilder::default().connect_client(RpcClient::new(transport, false))
}

#[tokio::test]
async fn requests_arrive_with_path_and_credentials() {
    let mut server = serve("200 OK", r#"{"jsonrpc":"2.0","id":0,"result":"0xa4b1"}"#).await;
    let https = Https::trusting(&server.url("me:p%40ss@"), server.roots()).unwrap();
    assert!(!format!("{https:?}").contains("bWU6"), "{https:?}");
    assert_eq!(provider(https).get_chain_id().await.unwrap(), 42_161);
    let request = server.requests.recv().await.unwrap();
    assert!(
        request.starts_with("POST /v2/KEY?x=1 HTTP/1.1"),
        "{request}"
    );
    // me:p@ss
    assert!(
        request.contains("authorization: Basic bWU6cEBzcw=="),
        "{request}"
    );
    assert!(request.contains("eth_chainId"), "{request}");
}

#[tokio::test]
async fn strangers_are_not_trusted() {
    let server = serve("200 OK", r#"{"jsonrpc":"2.0","id":0,"result":"0x1"}"#).await;
    let other = serve("200 OK", "").await;
    let https = Https::trusting(&server.url(""), other.roots()).unwrap();
    let error = provider(https).get_chain_id().await.unwrap_err();
    assert!(!format!("{error}").contains("KEY"), "{error}");
    // Nor by the machine, if it trusts anybody.
    if let Ok(https) = Https::new(&server.url("")) {
        assert!(provider(https).get_chain_id().await.is_err());
    }
}

#[tokio::test]
async fn refusals_are_reported_with_what_the_endpoint_says() {
    let server = serve("429 Too Many Requests", "slow down").await;
    let https = Https::trusting(&server.url(""), server.roots()).unwrap();
    let error = provider(https)
        .get_chain_id()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("429") && error.contains("slow down"),
        "{error}"
    );
    let server = serve("200 OK", "<html>").await;
    let https = Https::trusting(&server.url(""), server.roots()).unwrap();
    assert!(provider(https).get_chain_id().await.is_err());
}

#[test]
fn other_schemes_are_refused() {
    for url in ["ws://localhost", "ftp://localhost", "file:///chain"] {
        let error = client(url.parse().unwrap()).unwrap_err();
        assert!(matches!(error, EndpointError::Scheme(_)), "{error}");
    }
    assert!(client("http://localhost:8545".parse().unwrap()).is_ok());
}
