//! How much work a task was: by the task type's metadata, out of the bytes that both sides see.
//!
//! What is counted has to be the same on both sides to the last digit, so nothing enters that only one of them knows:
//! no clock, no tokenizer. Tokens are those of `usage`. A stream without `usage` counts an input token for each four
//! bytes of the request, and an output token for each event; another answer without it is one request.

use serde::{Deserialize, Serialize};

/// One work unit, of 1e-9.
const UNIT: u64 = 1_000_000_000;
/// Bytes of an answer that is looked through for its `usage`, and of an event.
const MOST_BODY: usize = 8 << 20;
const MOST_EVENT: usize = 1 << 20;
const BYTES_PER_TOKEN: u64 = 4;
/// Input tokens that a request's bytes do not show: those of a template, of an image by its address.
const SLACK: u64 = 4_096;

/// Metadata says something that cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkScaleError {
    #[error("the unit {0:?} cannot be counted alike on both sides: token, request and byte can")]
    Unit(String),
    #[error("work.{name} = {value:?} is no decimal number of at most 64 bits")]
    Number { name: &'static str, value: String },
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Token,
    Request,
    Byte,
}

/// Work units of 1e-9 for each unit of input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkScale {
    pub unit: Unit,
    #[serde(with = "bpe_chain::decimal")]
    pub input: u64,
    #[serde(with = "bpe_chain::decimal")]
    pub output: u64,
}

/// What went in and came out, in the scale's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
}

impl Default for WorkScale {
    /// A request is one work unit.
    fn default() -> Self {
        Self {
            unit: Unit::Request,
            input: UNIT,
            output: 0,
        }
    }
}

impl WorkScale {
    /// The scale that a task type's metadata names; that of requests, if it names none.
    ///
    /// ```
    /// use bpe_agent::formats::{Usage, WorkScale};
    ///
    /// let metadata = r#"{"name":"chat","unit":"token","work":{"input":"1000000","output":"4000000"}}"#;
    /// let scale = WorkScale::of(metadata).unwrap();
    /// assert_eq!(scale.work(Usage { input: 100, output: 25 }), 200_000_000); // a fifth of a work unit
    /// assert_eq!(WorkScale::of("").unwrap().work(Usage { input: 1, output: 0 }), 1_000_000_000);
    /// ```
    ///
    /// # Errors
    /// If the unit cannot be counted, or a number is none.
    pub fn of(metadata: &str) -> Result<Self, WorkScaleError> {
        #[derive(Deserialize)]
        struct Metadata {
            unit: String,
            work: Work,
        }
        #[derive(Deserialize)]
        struct Work {
            #[serde(default)]
            input: Option<String>,
            #[serde(default)]
            output: Option<String>,
        }
        let Ok(metadata) = serde_json::from_str::<Metadata>(metadata) else {
            return Ok(Self::default());
        };
        let unit = match metadata.unit.as_str() {
            "token" => Unit::Token,
            "request" => Unit::Request,
            "byte" => Unit::Byte,
            other => return Err(WorkScaleError::Unit(other.chars().take(40).collect())),
        };
        let number = |name, text: Option<String>| match text {
            None => Ok(0),
            Some(text) => {
                let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
                let value = digits.then(|| text.parse().ok()).flatten();
                value.ok_or(WorkScaleError::Number {
                    name,
                    value: text.chars().take(40).collect(),
                })
            }
        };
        Ok(Self {
            unit,
            input: number("input", metadata.work.input)?,
            output: number("output", metadata.work.output)?,
        })
    }

    /// Work of so much, in work units of 1e-9.
    pub fn work(&self, usage: Usage) -> u128 {
        u128::from(self.input) * u128::from(usage.input)
            + u128::from(self.output) * u128::from(usage.output)
    }
}

/// Follows the bytes of an answer, in whatever parts they come, and says at the end what it was.
///
/// ```
/// use bpe_agent::formats::{Counter, Usage, WorkScale};
///
/// let scale = WorkScale::of(r#"{"unit":"token","work":{"input":"1","output":"1"}}"#).unwrap();
/// let mut counter = Counter::new(scale, 40, Some("text/event-stream"));
/// for byte in b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n" {
///     counter.feed(&[*byte]);
/// }
/// assert!(counter.complete());
/// assert_eq!(counter.usage(), Usage { input: 5, output: 7 });
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    scale: WorkScale,
    request_bytes: u64,
    response_bytes: u64,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Events(Events),
    /// `None` once it is too long to be looked through.
    Whole(Option<Vec<u8>>),
}

#[derive(Clone, Debug, Default)]
struct Events {
    line: Vec<u8>,
    overlong: bool,
    /// Of the event's `data` so far.
    usage: Option<Usage>,
    count: u64,
    done: bool,
    failed: bool,
}

#[derive(Deserialize)]
struct Reported {
    #[serde(alias = "input_tokens")]
    prompt_tokens: u64,
    #[serde(default, alias = "output_tokens")]
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    usage: Option<Reported>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

impl Counter {
    /// Of an answer with this content type to a request of so many bytes.
    pub fn new(scale: WorkScale, request_bytes: u64, content_type: Option<&str>) -> Self {
        let kind = content_type.unwrap_or_default().trim_start();
        let events = kind.len() >= 17
            && kind.is_char_boundary(17)
            && kind[..17].eq_ignore_ascii_case("text/event-stream");
        Self {
            scale,
            request_bytes,
            response_bytes: 0,
            body: if events {
                Body::Events(Events::default())
            } else {
                Body::Whole(Some(Vec::new()))
            },
        }
    }

    /// The next bytes of the answer.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.response_bytes = self.response_bytes.saturating_add(bytes.len() as u64);
        match &mut self.body {
            Body::Events(events) => events.feed(bytes),
            Body::Whole(None) => {}
            Body::Whole(Some(body)) if body.len() + bytes.len() > MOST_BODY => {
                self.body = Body::Whole(None);
            }
            Body::Whole(Some(body)) => {
                if self.scale.unit == Unit::Token {
                    body.extend_from_slice(bytes);
                }
            }
        }
    }

    /// Whether it is a stream of events.
    pub fn streams(&self) -> bool {
        matches!(self.body, Body::Events(_))
    }

    /// Whether an answer that ended here was all of it: a stream of events says `[DONE]` at its end where tokens are
    /// counted, and nowhere an error.
    pub fn complete(&self) -> bool {
        match &self.body {
            Body::Events(events) => {
                !events.failed && (events.done || self.scale.unit != Unit::Token)
            }
            Body::Whole(_) => true,
        }
    }

    /// Whether an error event came.
    pub fn failed(&self) -> bool {
        matches!(&self.body, Body::Events(events) if events.failed)
    }

    /// Whether the bytes so far end with a whole event, so that another one can follow.
    pub fn between_events(&self) -> bool {
        match &self.body {
            Body::Events(events) => events.line.is_empty() && !events.overlong,
            Body::Whole(_) => true,
        }
    }

    /// What went in and came out.
    pub fn usage(&self) -> Usage {
        match self.scale.unit {
            Unit::Request => Usage {
                input: 1,
                output: 0,
            },
            Unit::Byte => Usage {
                input: self.request_bytes,
                output: self.response_bytes,
            },
            Unit::Token => self.tokens(),
        }
    }

    /// The work of it, in work units of 1e-9.
    pub fn work(&self) -> u128 {
        let reported = match &self.body {
            Body::Whole(_) => self.reported().is_some(),
            Body::Events(_) => true,
        };
        if self.scale.unit == Unit::Token && !reported {
            return UNIT.into();
        }
        self.scale.work(self.usage())
    }

    /// As they were reported, but no more than bytes that were seen: a token is one byte at least.
    fn tokens(&self) -> Usage {
        let usage = self.claimed_tokens();
        Usage {
            input: usage.input.min(self.request_bytes.saturating_add(SLACK)),
            output: usage.output.min(self.response_bytes),
        }
    }

    fn claimed_tokens(&self) -> Usage {
        match &self.body {
            Body::Events(events) => events.usage.unwrap_or(Usage {
                input: self.request_bytes.div_ceil(BYTES_PER_TOKEN),
                output: events.count,
            }),
            Body::Whole(_) => self.reported().unwrap_or_default(),
        }
    }

    fn reported(&self) -> Option<Usage> {
        let Body::Whole(Some(body)) = &self.body else {
            return None;
        };
        let answer: Answer = serde_json::from_slice(body).ok()?;
        answer.usage.map(Usage::from)
    }
}

impl From<Reported> for Usage {
    fn from(reported: Reported) -> Self {
        Self {
            input: reported.prompt_tokens,
            output: reported.completion_tokens,
        }
    }
}

impl Events {
    fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.overlong || self.line.len() + bytes.len() > MOST_EVENT {
            self.overlong = true;
            self.line.clear();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.overlong) {
            self.count += 1;
            return;
        }
        let Some(data) = line.strip_prefix(b"data:") else {
            return;
        };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.done = true;
            return;
        }
        self.count += 1;
        // Most events are tokens, and need no reading.
        let telling = contains(data, b"\"usage\"") || contains(data, b"\"error\"");
        if !telling {
            return;
        }
        if let Ok(answer) = serde_json::from_slice::<Answer>(data) {
            self.failed |= answer.error.is_some();
            if let Some(reported) = answer.usage {
                self.usage = Some(reported.into());
            }
        }
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
