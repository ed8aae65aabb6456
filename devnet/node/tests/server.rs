//! The server, over real sockets: HTTP, WebSocket, and clients that misbehave.

mod common;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use alloy::{
    network::TransactionBuilder,
    primitives::{B256, U256},
    providers::{Provider, ProviderBuilder, WsConnect},
    rpc::types::{Filter, TransactionRequest},
};
use common::*;
use devnet::{Devnet, RpcServer, ServeError};
use futures_util::{future::join_all, StreamExt};
use serde_json::{json, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn start() -> (Devnet, RpcServer) {
    let devnet = Devnet::new().unwrap();
    let server = devnet.serve(ANY_PORT).await.unwrap();
    (devnet, server)
}

/// Posts `body`; gives the HTTP status and the body of the response.
async fn post(address: SocketAddr, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: devnet\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses a large body may close before it has all of it.
    let _ = stream.write_all(body).await;
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response).await;
    let response = String::from_utf8_lossy(&response).into_owned();
    let status = response
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    (
        status,
        response
            .split_once("\r\n\r\n")
            .map_or(format!("{read:?}"), |(_, body)| body.to_owned()),
    )
}

async fn post_json(address: SocketAddr, body: &str) -> Value {
    let (_, body) = post(address, body.as_bytes()).await;
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body:?}"))
}

async fn assert_alive(address: SocketAddr) {
    let response = post_json(
        address,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#,
    )
    .await;
    assert_eq!(response["result"], "0x7a69");
}

#[tokio::test]
async fn http_serves_what_the_process_serves() {
    let (devnet, server) = start().await;
    let provider = ProviderBuilder::new()
        .wallet(devnet.signers()[2].clone())
        .connect_http(server.http_url().parse().unwrap());
    let request = TransactionRequest::default().with_deploy_code(store());
    let receipt = provider
        .send_transaction(request)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let contract = receipt.contract_address.unwrap();
    let write = TransactionRequest::default()
        .with_to(contract)
        .with_input(word(11));
    provider
        .send_transaction(write)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let read = TransactionRequest::default().with_to(contract);
    assert_eq!(provider.call(read).await.unwrap(), word(11));
    assert_eq!(devnet.block_number(), 2);
    server.stop().await;
}

#[tokio::test]
async fn websocket_subscriptions_report_blocks_and_logs() {
    let (devnet, server) = start().await;
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let provider = ProviderBuilder::new()
        .connect_ws(WsConnect::new(server.ws_url()))
        .await
        .unwrap();
    let mut heads = provider.subscribe_blocks().await.unwrap().into_stream();
    let topic = B256::from(U256::from(2));
    let filter = Filter::new().address(contract).event_signature(topic);
    let mut logs = provider
        .subscribe_logs(&filter)
        .await
        .unwrap()
        .into_stream();
    let mut hashes = provider
        .subscribe_pending_transactions()
        .await
        .unwrap()
        .into_stream();

    let sender = devnet.provider_as(0);
    let mut sent = Vec::new();
    for value in [1, 2, 3] {
        let write = TransactionRequest::default()
            .with_to(contract)
            .with_input(word(value));
        sent.push(
            sender
                .send_transaction(write)
                .await
                .unwrap()
                .get_receipt()
                .await
                .unwrap(),
        );
    }
    let patience = Duration::from_secs(10);
    for receipt in &sent {
        let head = timeout(patience, heads.next()).await.unwrap().unwrap();
        assert_eq!(
            (Some(head.number), Some(head.hash)),
            (receipt.block_number, receipt.block_hash)
        );
        assert_eq!(
            timeout(patience, hashes.next()).await.unwrap().unwrap(),
            receipt.transaction_hash
        );
    }
    let log = timeout(patience, logs.next()).await.unwrap().unwrap();
    assert_eq!(log.transaction_hash, Some(sent[1].transaction_hash));
    assert!(
        timeout(Duration::from_millis(200), logs.next())
            .await
            .is_err(),
        "the other logs do not match"
    );

    // Ids are hex text, and can be given back.
    let id: Value = provider
        .raw_request("eth_subscribe".into(), ["newHeads"])
        .await
        .unwrap();
    assert!(id.as_str().is_some_and(|id| id.starts_with("0x")), "{id}");
    assert!(provider
        .raw_request::<_, Value>("eth_subscribe".into(), ["gossip"])
        .await
        .is_err());
    server.stop().await;
}

#[tokio::test]
async fn malformed_requests_get_json_rpc_errors() {
    let (_devnet, server) = start().await;
    let address = server.address();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_params = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":{deep}}}"#);
    for body in ["", "{", "\u{0}", "nonsense"] {
        let response = post_json(address, body).await;
        assert_eq!(response["error"]["code"], -32700, "{body:?} got {response}");
    }
    for body in [
        "[]",
        "{}",
        "7",
        r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
    ] {
        // No request, or no JSON: the RPC crate does not always tell them apart.
        let response = post_json(address, body).await;
        let code = &response["error"]["code"];
        assert!(
            *code == -32600 || *code == -32700,
            "{body:?} got {response}"
        );
    }
    for (body, code) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_none"}"#, -32601),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":"x"}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[{}]}"#,
            -32602,
        ),
    ] {
        let response = post_json(address, body).await;
        assert_eq!(response["error"]["code"], code, "{body:?} got {response}");
    }
    for body in [&deep, &deep_params] {
        let (_, response) = post(address, body.as_bytes()).await;
        assert!(response.contains("error"), "{response}");
    }
    let (status, _) = post(address, b"\xff\xfe\xfd").await;
    assert_ne!(status, 0, "even bytes that are no text get a response");
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},7,{"jsonrpc":"2.0","id":2,"method":"eth_none"}]"#;
    let responses = post_json(address, batch).await;
    assert_eq!(responses[0]["result"], "0x7a69");
    assert_eq!(
        (
            &responses[1]["error"]["code"],
            &responses[2]["error"]["code"]
        ),
        (&json!(-32600), &json!(-32601))
    );
    assert_alive(address).await;
    server.stop().await;
}

#[tokio::test]
async fn oversized_requests_are_refused() {
    let (_devnet, server) = start().await;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x{}"]}}"#,
        "00".repeat(20 << 20)
    );
    let (status, response) = post(server.address(), body.as_bytes()).await;
    assert!(
        status == 413 || response.contains("-32007"),
        "{status} {response}"
    );
    let many = vec![r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#; 5_000].join(",");
    let response = post_json(server.address(), &format!("[{many}]")).await;
    assert_eq!(response["error"]["code"], -32010);
    // What fits is served, and is much.
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x{}"]}}"#,
        "00".repeat(2 << 20)
    );
    assert!(post_json(server.address(), &body).await["result"].is_string());
    assert_alive(server.address()).await;
    server.stop().await;
}

#[tokio::test]
async fn hundreds_of_connections_are_served() {
    let (_devnet, server) = start().await;
    let address = server.address();
    // Idle ones, half-open requests, and ones that are cut off.
    let mut idle = Vec::new();
    for index in 0..300 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if index % 2 == 0 {
            stream
                .write_all(b"POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
                .await
                .unwrap();
        }
        idle.push(stream);
    }
    let busy = (0..400).map(|_| tokio::spawn(assert_alive(address)));
    for outcome in timeout(Duration::from_secs(60), join_all(busy))
        .await
        .unwrap()
    {
        outcome.unwrap();
    }
    drop(idle);
    assert_alive(address).await;
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_reported() {
    let (devnet, server) = start().await;
    let error = devnet.serve(server.address()).await.unwrap_err();
    assert!(matches!(error, ServeError::AddressInUse(address) if address == server.address()));
    assert!(error.to_string().contains("already in use"));
    server.stop().await;
}

#[tokio::test]
async fn browsers_may_ask() {
    let (_devnet, server) = start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let preflight = "OPTIONS / HTTP/1.1\r\nhost: devnet\r\norigin: http://page\r\naccess-control-request-method: POST\r\n\
        access-control-request-headers: content-type\r\nconnection: close\r\n\r\n";
    stream.write_all(preflight.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(
        response
            .to_lowercase()
            .contains("access-control-allow-origin: *"),
        "{response}"
    );
    server.stop().await;
}
