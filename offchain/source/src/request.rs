//! What a client asks for: which model, how much output, of how many bytes.

use bpe_agent::formats::{Unit, Usage, WorkScale};
use serde::Deserialize;

/// Input tokens beyond what bytes show: those of a template.
const TEMPLATE_TOKENS: u64 = 256;
/// Bytes of an answer, where bytes are counted and nothing says how many.
const ANSWER_BYTES: u64 = 1 << 20;

/// What of a body matters here. Everything else is the service's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    max_output_tokens: Option<u64>,
    #[serde(default)]
    n: Option<u64>,
}

impl Asked {
    /// Reads a body; nothing of it, if it is no JSON object.
    pub fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The most work that this request may be, in work units of 1e-9: what the source is ready to pay.
    pub fn most_work(&self, scale: &WorkScale, bytes: u64, output_tokens: u64) -> u128 {
        let usage = match scale.unit {
            Unit::Request => Usage {
                input: 1,
                output: 0,
            },
            Unit::Byte => Usage {
                input: bytes,
                output: ANSWER_BYTES,
            },
            Unit::Token => Usage {
                input: (bytes / 2).saturating_add(TEMPLATE_TOKENS),
                output: self.output(output_tokens),
            },
        };
        scale.work(usage).max(1)
    }

    fn output(&self, otherwise: u64) -> u64 {
        let each = self
            .max_completion_tokens
            .or(self.max_tokens)
            .or(self.max_output_tokens)
            .unwrap_or(otherwise);
        each.saturating_mul(self.n.unwrap_or(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pays_for_what_is_asked_at_most() {
        let scale =
            WorkScale::of(r#"{"unit":"token","work":{"input":"1","output":"10"}}"#).unwrap();
        let work = |body: &str| Asked::of(body.as_bytes()).most_work(&scale, 100, 1_000);
        assert_eq!(work(r#"{"model":"m","max_tokens":7}"#), 50 + 256 + 70);
        assert_eq!(
            work(r#"{"max_tokens":7,"max_completion_tokens":3,"n":2}"#),
            50 + 256 + 60
        );
        assert_eq!(work("{}"), 50 + 256 + 10_000);
        assert_eq!(work("no json"), 50 + 256 + 10_000);
        let requests = WorkScale::default();
        assert_eq!(Asked::default().most_work(&requests, 100, 5), 1_000_000_000);
    }
}
