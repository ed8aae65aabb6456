//! A node that does not answer in time is one that does not answer: a worker that waits for it would wait for ever.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{BoxTransport, TransportError, TransportErrorKind, TransportFut},
};
use tower::Service;

/// A transport whose requests end, one way or the other.
#[derive(Clone)]
struct InTime {
    inner: BoxTransport,
    most: Duration,
}

/// The same client, each of whose requests takes `most` at most.
pub fn in_time(client: &RpcClient, most: Duration) -> RpcClient {
    let inner = client.transport().clone();
    RpcClient::new(InTime { inner, most }, client.is_local())
}

impl Service<RequestPacket> for InTime {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let (answer, most) = (self.inner.call(packet), self.most);
        Box::pin(async move {
            match tokio::time::timeout(most, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    let text = format!("no answer within {} s", most.as_secs());
                    Err(TransportErrorKind::custom_str(&text))
                }
            }
        })
    }
}
