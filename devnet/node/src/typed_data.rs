//! EIP-712 typed data as `eth_signTypedData_v4` takes it: types, domain and message as JSON.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    dyn_abi::DynSolType,
    hex,
    primitives::{keccak256, B256},
};
use serde::Deserialize;
use serde_json::{Map, Value};

const DOMAIN: &str = "EIP712Domain";

/// The domain's members, in the order that their type has them.
const DOMAIN_FIELDS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];

/// How deep structs may nest; types may refer to themselves.
const MAX_DEPTH: usize = 64;

/// Why there is nothing to sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedDataError {
    #[error("typed data is not as EIP-712 has it: {0}")]
    Malformed(String),
    #[error("there is no type {0}")]
    UnknownType(String),
    #[error("{path} is {value}, not of type {kind}")]
    Value {
        path: String,
        kind: String,
        value: Value,
    },
    #[error("{0} nests too deep")]
    TooDeep(String),
}

/// Typed data.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypedData {
    types: BTreeMap<String, Vec<Field>>,
    primary_type: String,
    domain: Map<String, Value>,
    #[serde(default)]
    message: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

impl TypedData {
    /// From JSON, or from a string that holds JSON, as many clients send it.
    pub fn parse(value: Value) -> Result<Self, TypedDataError> {
        let malformed = |error: serde_json::Error| TypedDataError::Malformed(error.to_string());
        let value = match value {
            Value::String(text) => serde_json::from_str(&text).map_err(malformed)?,
            value => value,
        };
        let mut data: Self = serde_json::from_value(value).map_err(malformed)?;
        if !data.types.contains_key(DOMAIN) {
            let present = DOMAIN_FIELDS
                .iter()
                .filter(|(name, _)| data.domain.contains_key(*name));
            let fields = present.map(|(name, kind)| Field {
                name: (*name).into(),
                kind: (*kind).into(),
            });
            data.types.insert(DOMAIN.into(), fields.collect());
        }
        Ok(data)
    }

    /// What is signed.
    pub fn signing_hash(&self) -> Result<B256, TypedDataError> {
        let mut bytes = vec![0x19, 1];
        bytes.extend(self.hash_struct(DOMAIN, &self.domain, "domain", 0)?);
        if self.primary_type != DOMAIN {
            bytes.extend(self.hash_struct(&self.primary_type, &self.message, "message", 0)?);
        }
        Ok(keccak256(bytes))
    }

    fn fields(&self, kind: &str) -> Result<&[Field], TypedDataError> {
        let fields = self.types.get(kind);
        fields
            .map(Vec::as_slice)
            .ok_or_else(|| TypedDataError::UnknownType(kind.into()))
    }

    /// `Mail(Person from,Person to)Person(string name)`.
    fn encode_type(&self, kind: &str) -> Result<String, TypedDataError> {
        let mut needed = BTreeSet::new();
        let mut open = vec![kind];
        while let Some(kind) = open.pop() {
            if needed.insert(kind) {
                let kinds = self.fields(kind)?.iter().map(|field| element(&field.kind));
                open.extend(kinds.filter(|kind| self.types.contains_key(*kind)));
            }
        }
        needed.remove(kind);
        let mut text = String::new();
        for kind in [kind].into_iter().chain(needed) {
            let fields = self.fields(kind)?.iter();
            let fields: Vec<_> = fields
                .map(|field| format!("{} {}", field.kind, field.name))
                .collect();
            text += &format!("{kind}({})", fields.join(","));
        }
        Ok(text)
    }

    fn hash_struct(
        &self,
        kind: &str,
        value: &Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<B256, TypedDataError> {
        if depth > MAX_DEPTH {
            return Err(TypedDataError::TooDeep(path.into()));
        }
        let mut bytes = keccak256(self.encode_type(kind)?).to_vec();
        for field in self.fields(kind)? {
            let path = format!("{path}.{}", field.name);
            let value = value.get(&field.name).unwrap_or(&Value::Null);
            bytes.extend(self.word(&field.kind, value, &path, depth + 1)?);
        }
        Ok(keccak256(bytes))
    }

    fn word(
        &self,
        kind: &str,
        value: &Value,
        path: &str,
        depth: usize,
    ) -> Result<B256, TypedDataError> {
        let wrong = || TypedDataError::Value {
            path: path.into(),
            kind: kind.into(),
            value: value.clone(),
        };
        if let Some((element, length)) = kind.strip_suffix(']').and_then(|it| it.rsplit_once('[')) {
            let values = value.as_array().ok_or_else(wrong)?;
            if !length.is_empty() && length.parse() != Ok(values.len()) {
                return Err(wrong());
            }
            let mut bytes = Vec::with_capacity(32 * values.len());
            for (index, value) in values.iter().enumerate() {
                bytes.extend(self.word(element, value, &format!("{path}[{index}]"), depth)?);
            }
            return Ok(keccak256(bytes));
        }
        if self.types.contains_key(kind) {
            return match value {
                // What is not there, as in a type that refers to itself.
                Value::Null => Ok(B256::ZERO),
                Value::Object(value) => self.hash_struct(kind, value, path, depth),
                _ => Err(wrong()),
            };
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return Err(wrong()),
        };
        match kind {
            "string" if value.is_string() => Ok(keccak256(text)),
            "string" => Err(wrong()),
            "bytes" => hex::decode(text).map(keccak256).map_err(|_| wrong()),
            _ => {
                let parsed = DynSolType::parse(kind);
                let parsed = parsed.map_err(|_| TypedDataError::UnknownType(kind.into()))?;
                let value = parsed.coerce_str(&text).map_err(|_| wrong())?;
                value.as_word().ok_or_else(wrong)
            }
        }
    }
}

/// The type of an array's elements, whatever its dimensions; other types are their own.
fn element(kind: &str) -> &str {
    kind.split('[').next().unwrap_or(kind)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::b256;
    use serde_json::json;

    use super::*;

    fn mail() -> Value {
        json!({
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
                "Mail": [
                    {"name": "from", "type": "Person"},
                    {"name": "to", "type": "Person"},
                    {"name": "contents", "type": "string"},
                ],
            },
            "primaryType": "Mail",
            "domain": {
                "name": "Ether Mail",
                "version": "1",
                "chainId": 1,
                "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
            },
            "message": {
                "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
                "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
                "contents": "Hello, Bob!",
            },
        })
    }

    /// The example of EIP-712.
    const MAIL: B256 = b256!("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");

    #[test]
    fn the_standards_example_has_its_hash() {
        let hash = |data| TypedData::parse(data).unwrap().signing_hash().unwrap();
        assert_eq!(hash(mail()), MAIL);
        assert_eq!(hash(Value::String(mail().to_string())), MAIL);
        let mut without_domain_type = mail();
        let types = without_domain_type["types"].as_object_mut().unwrap();
        types.remove("EIP712Domain");
        assert_eq!(hash(without_domain_type), MAIL);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |data| TypedData::parse(data).and_then(|data| data.signing_hash());
        let mut wrong = mail();
        wrong["message"]["to"]["wallet"] = json!("0x12");
        let text = error(wrong).unwrap_err().to_string();
        assert_eq!(text, r#"message.to.wallet is "0x12", not of type address"#);
        let mut unknown = mail();
        unknown["primaryType"] = json!("Letter");
        assert_eq!(
            error(unknown),
            Err(TypedDataError::UnknownType("Letter".into()))
        );
        let mut missing = mail();
        missing["message"]
            .as_object_mut()
            .unwrap()
            .remove("contents");
        assert!(error(missing).is_err());
        assert!(matches!(
            error(json!({"types": 1})),
            Err(TypedDataError::Malformed(_))
        ));
    }
}
