//! Decoding of positional parameters.

use alloy::primitives::U256;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde::{de::DeserializeOwned, Deserialize, Deserializer};
use serde_json::Value;

use crate::error::NodeError;

/// A tuple of parameters; trailing ones that are `Option`s may be left out.
pub trait Arguments: DeserializeOwned {
    const COUNT: usize;
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: DeserializeOwned),*> Arguments for ($($name,)*) {
            const COUNT: usize = 0 $(+ { stringify!($name); 1 })*;
        }
    };
}

arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);

/// Takes no parameters, whatever is sent.
#[derive(Deserialize)]
pub struct Nothing;

impl Arguments for Nothing {
    const COUNT: usize = 0;
}

/// Decodes `params` into a tuple.
pub fn parse<T: Arguments>(params: &Params<'_>) -> Result<T, ErrorObjectOwned> {
    let invalid = |message: String| ErrorObjectOwned::from(NodeError::InvalidArgument(message));
    if T::COUNT == 0 {
        return serde_json::from_value(Value::Null).map_err(|error| invalid(error.to_string()));
    }
    let mut values: Vec<Value> = match params.as_str() {
        None => Vec::new(),
        // Arguments by name are one argument, for methods that take options.
        Some(object) if object.starts_with('{') => params
            .parse()
            .map(|object| vec![object])
            .map_err(|_| invalid("params must be an array".into()))?,
        Some(_) => params
            .parse()
            .map_err(|_| invalid("params must be an array".into()))?,
    };
    if values.len() > T::COUNT {
        return Err(invalid(format!(
            "too many arguments, want at most {}",
            T::COUNT
        )));
    }
    let given = values.len();
    values.resize(T::COUNT, Value::Null);
    serde_json::from_value(Value::Array(values)).map_err(|error| {
        let missing = if given < T::COUNT {
            format!(" ({given} of at most {} given)", T::COUNT)
        } else {
            String::new()
        };
        invalid(format!("{error}{missing}"))
    })
}

/// A number that clients send as hex, as decimal text or as a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(pub U256);

impl Quantity {
    /// The number, if it is at most `u64::MAX`.
    pub fn to_u64(self) -> Result<u64, NodeError> {
        self.0
            .try_into()
            .map_err(|_| NodeError::InvalidArgument(format!("{} does not fit 64 bits", self.0)))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        U256::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<T: Arguments>(json: &str) -> Result<T, ErrorObjectOwned> {
        parse(&Params::new(Some(json)))
    }

    #[test]
    fn trailing_options_may_be_missing() {
        assert_eq!(parsed::<(u64, Option<u64>)>("[1]").unwrap(), (1, None));
        assert_eq!(parsed::<(u64, Option<u64>)>("[1,2]").unwrap(), (1, Some(2)));
        assert_eq!(
            parsed::<(u64, Option<u64>)>("[]").unwrap_err().code(),
            -32602
        );
        assert_eq!(
            parsed::<(u64, Option<u64>)>("[1,2,3]").unwrap_err().code(),
            -32602
        );
        assert_eq!(
            parsed::<(u64, Option<u64>)>(r#"{"a":1}"#)
                .unwrap_err()
                .code(),
            -32602
        );
        assert!(parsed::<Nothing>(r#"[1,2]"#).is_ok());
    }

    #[test]
    fn quantities_come_in_three_forms() {
        for json in ["[\"0x10\"]", "[\"16\"]", "[16]"] {
            assert_eq!(
                parsed::<(Quantity,)>(json).unwrap().0,
                Quantity(U256::from(16)),
                "{json}"
            );
        }
        assert!(parsed::<(Quantity,)>("[-1]").is_err());
        assert!(parsed::<(Quantity,)>("[\"0xffffffffffffffffff\"]")
            .unwrap()
            .0
            .to_u64()
            .is_err());
    }
}
