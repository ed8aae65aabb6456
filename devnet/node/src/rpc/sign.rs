//! Signatures of the node's accounts.

use alloy::{
    eips::Encodable2718,
    primitives::{eip191_hash_message, Address, Bytes},
    rpc::types::TransactionRequest,
};
use serde_json::Value;

use super::{params::Nothing, Context, Outcome, Registry};
use crate::{error::NodeError, typed_data::TypedData};

pub fn register(registry: &mut Registry) {
    registry
        .method("eth_requestAccounts", |ctx, _: Nothing| {
            Ok(ctx.node.accounts().to_vec())
        })
        .method("eth_sign", |ctx, (address, message): (Address, Bytes)| {
            sign_message(ctx, address, &message)
        })
        .method(
            "personal_sign",
            |ctx, (message, address, _): (Bytes, Address, Option<String>)| {
                sign_message(ctx, address, &message)
            },
        )
        .method(
            "eth_signTypedData_v4",
            |ctx, (address, data): (Address, Value)| {
                let hash = TypedData::parse(data).and_then(|data| data.signing_hash());
                let hash = hash.map_err(|error| NodeError::InvalidArgument(error.to_string()))?;
                let signature = ctx.node.sign_hash(address, hash)?;
                Ok(Bytes::from(signature.as_bytes()))
            },
        )
        .method(
            "eth_signTransaction",
            |ctx, (request,): (TransactionRequest,)| {
                let sender = request.from;
                if let Some(sender) = sender.filter(|it| !ctx.node.accounts().contains(it)) {
                    return Err(NodeError::UnknownAccount(sender));
                }
                let (envelope, _) = ctx.node.sign(request)?;
                Ok(Bytes::from(envelope.encoded_2718()))
            },
        );
}

fn sign_message(ctx: &Context, address: Address, message: &[u8]) -> Outcome<Bytes> {
    let hash = eip191_hash_message(message);
    let signature = ctx.node.sign_hash(address, hash)?;
    Ok(Bytes::from(signature.as_bytes()))
}
