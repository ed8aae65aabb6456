//! An alloy transport that hands requests to the RPC methods in the same process: providers and contract bindings work
//! against it as against an endpoint, without sockets.

use std::task::{Context, Poll};

use alloy::{
    rpc::json_rpc::{RequestPacket, Response, ResponsePacket, SerializedRequest},
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use jsonrpsee::Methods;
use tower::Service;

/// The transport.
#[derive(Clone, Debug)]
pub struct InProcess(Methods);

impl InProcess {
    pub fn new(methods: Methods) -> Self {
        Self(methods)
    }

    async fn request(&self, request: &SerializedRequest) -> Result<Response, TransportError> {
        let (response, _) = self
            .0
            .raw_json_request(request.serialized().get(), 1)
            .await
            .map_err(TransportErrorKind::custom)?;
        serde_json::from_str(response.get())
            .map_err(|error| TransportError::deser_err(error, response.get()))
    }
}

impl Service<RequestPacket> for InProcess {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            Ok(match packet {
                RequestPacket::Single(request) => {
                    ResponsePacket::Single(this.request(&request).await?)
                }
                RequestPacket::Batch(requests) => {
                    let mut responses = Vec::with_capacity(requests.len());
                    for request in &requests {
                        responses.push(this.request(request).await?);
                    }
                    ResponsePacket::Batch(responses)
                }
            })
        })
    }
}
