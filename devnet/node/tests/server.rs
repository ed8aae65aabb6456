//! The server, over real sockets: HTTP, WebSocket, and clients that misbehave.

mod common;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use alloy::{
    network::TransactionBuilder,
    primitives::{B256, U256},
    providers::{Provider, ProviderBuilder},
    rpc::types::{Filter, Header, Log, TransactionRequest},
};
use common::*;
use devnet::{Devnet, RpcServer, ServeError};
use futures_util::{future::join_all, SinkExt, StreamExt};
use serde_json::{json, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{connect_async, tungstenite::Message, MaybeTlsStream, WebSocketStream};

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

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Sends a request; gives its result or error, and puts what subscriptions report meanwhile aside.
async fn request(
    socket: &mut Socket,
    aside: &mut Vec<Value>,
    method: &str,
    params: Value,
) -> Result<Value, Value> {
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    socket
        .send(Message::text(request.to_string()))
        .await
        .unwrap();
    loop {
        let mut message = receive(socket).await.expect("an answer");
        match message.get("id") {
            Some(id) => {
                assert_eq!(*id, 7);
                return match message["error"].take() {
                    Value::Null => Ok(message["result"].take()),
                    error => Err(error),
                };
            }
            None => aside.push(message),
        }
    }
}

/// The next message; none if there is nothing for a while.
async fn receive(socket: &mut Socket) -> Option<Value> {
    let message = timeout(Duration::from_secs(5), socket.next()).await.ok()?;
    Some(serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap())
}

#[tokio::test]
async fn websocket_subscriptions_report_blocks_and_logs() {
    let (devnet, server) = start().await;
    let contract = devnet.deploy_evm(store()).await.unwrap().address;
    let (mut socket, _) = connect_async(server.ws_url()).await.unwrap();
    let mut messages = Vec::new();
    let topic = B256::from(U256::from(2));
    let filter = Filter::new().address(contract).event_signature(topic);
    let mut ids = Vec::new();
    for params in [
        json!(["newHeads"]),
        json!(["logs", filter]),
        json!(["newPendingTransactions"]),
    ] {
        let id = request(&mut socket, &mut messages, "eth_subscribe", params).await;
        // Ids are hex text, and can be given back.
        let id = id.unwrap().as_str().unwrap().to_owned();
        assert!(id.starts_with("0x"), "{id}");
        ids.push(id);
    }

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
    // Three heads, three hashes and one log: the other logs do not match.
    while messages.len() < 7 {
        messages.push(receive(&mut socket).await.expect("seven notifications"));
    }
    assert!(request(
        &mut socket,
        &mut messages,
        "eth_subscribe",
        json!(["gossip"])
    )
    .await
    .is_err());
    let gone = request(
        &mut socket,
        &mut messages,
        "eth_unsubscribe",
        json!([ids[0]]),
    )
    .await;
    assert_eq!(gone.unwrap(), true);
    assert_eq!(messages.len(), 7, "{messages:?}");
    let of = |id: &str| {
        let mine = messages
            .iter()
            .filter(|message| message["params"]["subscription"] == id);
        mine.map(|message| {
            assert_eq!(message["method"], "eth_subscription");
            message["params"]["result"].clone()
        })
        .collect::<Vec<_>>()
    };
    let heads = of(&ids[0]).into_iter().map(|head| {
        let head: Header = serde_json::from_value(head).unwrap();
        (Some(head.number), Some(head.hash))
    });
    let expected = sent.iter().map(|r| (r.block_number, r.block_hash));
    assert!(heads.eq(expected));
    let hashes = of(&ids[2]).into_iter();
    assert!(hashes.eq(sent.iter().map(|r| json!(r.transaction_hash))));
    let logs = of(&ids[1]);
    let log: Log = serde_json::from_value(logs[0].clone()).unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(log.transaction_hash, Some(sent[1].transaction_hash));
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
