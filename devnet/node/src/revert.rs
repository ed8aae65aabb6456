//! Reasons of reverts, read by ABI.

use alloy::{
    dyn_abi::JsonAbiExt,
    hex,
    json_abi::JsonAbi,
    primitives::Bytes,
    transports::{RpcError, TransportErrorKind},
};

use crate::error::revert_reason;

/// Errors of calls that may carry what a contract reverted with. For errors that `sol!` declares, alloy's
/// `as_decoded_error` and `as_decoded_interface_error` give the typed value; this is for reading and for messages.
pub trait RevertData {
    /// The data of the revert; `None` if the call failed otherwise.
    fn revert_data(&self) -> Option<Bytes>;

    /// The reason in words: `InsufficientStake(100, 5)`.
    fn revert_reason(&self, abi: &JsonAbi) -> Option<String> {
        self.revert_data().map(|data| describe_revert(&data, abi))
    }
}

impl RevertData for RpcError<TransportErrorKind> {
    fn revert_data(&self) -> Option<Bytes> {
        self.as_error_resp()?.as_revert_data()
    }
}

impl RevertData for alloy::contract::Error {
    fn revert_data(&self) -> Option<Bytes> {
        self.as_revert_data()
    }
}

/// Reads a revert's data: an error of `abi` with its arguments, the text of a `require`, a panic, or else the bytes.
pub fn describe_revert(data: &[u8], abi: &JsonAbi) -> String {
    if data.is_empty() {
        return "no data".into();
    }
    let custom = data
        .split_first_chunk::<4>()
        .and_then(|(selector, arguments)| {
            let error = abi.errors().find(|error| error.selector() == *selector)?;
            let values = error.abi_decode_input(arguments).ok()?;
            let values: Vec<String> = values.iter().map(describe_value).collect();
            Some(format!("{}({})", error.name, values.join(", ")))
        });
    custom
        .or_else(|| revert_reason(data))
        .unwrap_or_else(|| hex::encode_prefixed(data))
}

/// A value in words: numbers in full, bytes in hex, text in quotes.
pub fn describe_value(value: &alloy::dyn_abi::DynSolValue) -> String {
    use alloy::dyn_abi::DynSolValue::{
        Address, Array, Bool, Bytes, FixedArray, FixedBytes, Int, String as Text, Tuple, Uint,
    };
    let list = |values: &[_]| {
        values
            .iter()
            .map(describe_value)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match value {
        Address(address) => address.to_string(),
        Bool(flag) => flag.to_string(),
        Int(number, _) => number.to_string(),
        Uint(number, _) => number.to_string(),
        Text(text) => format!("{text:?}"),
        Bytes(bytes) => hex::encode_prefixed(bytes),
        FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        Array(values) | FixedArray(values) => format!("[{}]", list(values)),
        Tuple(values) => format!("({})", list(values)),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use alloy::{
        primitives::{Address, U256},
        sol,
        sol_types::{Panic, Revert, SolError},
    };

    use super::*;

    sol! {
        error InsufficientStake(uint256 needed, address owner);
    }

    #[test]
    fn reasons_are_read_by_abi() {
        let abi =
            JsonAbi::parse(["error InsufficientStake(uint256 needed, address owner)"]).unwrap();
        let custom = InsufficientStake {
            needed: U256::from(100),
            owner: Address::ZERO,
        }
        .abi_encode();
        assert_eq!(
            describe_revert(&custom, &abi),
            "InsufficientStake(100, 0x0000000000000000000000000000000000000000)"
        );
        assert_eq!(
            describe_revert(&custom, &JsonAbi::new()),
            hex::encode_prefixed(&custom)
        );
        assert_eq!(
            describe_revert(&Revert::from("too late").abi_encode(), &abi),
            "too late"
        );
        let panic = describe_revert(&Panic::from(0x11).abi_encode(), &abi);
        assert!(panic.contains("overflow"), "{panic}");
        assert_eq!(describe_revert(&[], &abi), "no data");
        // Arguments cut short: nothing to read.
        assert_eq!(
            describe_revert(&custom[..20], &abi),
            hex::encode_prefixed(&custom[..20])
        );
    }
}
