//! Events whose members are single words, or a text and single words, emitted by one function for all of them.
//!
//! `log` of stylus-sdk is compiled anew for every event, some 500 bytes each: too much for a contract with many.
//! [`emit!`](crate::emit) and [`emit_text!`](crate::emit_text) write the same bytes.

use alloy_primitives::{Address, B256, U256};
use stylus_sdk::stylus_core::Host;

/// A value that the ABI encodes as one word.
pub trait Word {
    /// The word.
    fn word(self) -> B256;
}

impl Word for B256 {
    fn word(self) -> B256 {
        self
    }
}

impl Word for U256 {
    fn word(self) -> B256 {
        self.into()
    }
}

impl Word for Address {
    fn word(self) -> B256 {
        self.into_word()
    }
}

impl Word for u128 {
    fn word(self) -> B256 {
        U256::from(self).into()
    }
}

impl Word for u64 {
    fn word(self) -> B256 {
        U256::from(self).into()
    }
}

impl Word for usize {
    fn word(self) -> B256 {
        U256::from(self).into()
    }
}

impl Word for u8 {
    fn word(self) -> B256 {
        U256::from(self).into()
    }
}

impl Word for bool {
    fn word(self) -> B256 {
        U256::from(u8::from(self)).into()
    }
}

/// Emits an event: the hash of its signature, its further topics, its data.
pub fn emit(vm: &dyn Host, signature: &B256, topics: &[B256], data: &[B256]) {
    let mut bytes = signature.to_vec();
    for word in topics.iter().chain(data) {
        bytes.extend_from_slice(word.as_slice());
    }
    vm.emit_log(&bytes, topics.len().saturating_add(1));
}

/// Emits an event whose data begin with a text: the hash of its signature, its further topics, the text, what follows it.
pub fn emit_text(vm: &dyn Host, signature: &B256, topics: &[B256], text: &str, data: &[B256]) {
    const WORD: usize = 32;
    let mut bytes = signature.to_vec();
    for topic in topics {
        bytes.extend_from_slice(topic.as_slice());
    }
    // The text stands behind the words, which begin with where it does.
    let offset = data.len().saturating_add(1).saturating_mul(WORD);
    bytes.extend_from_slice(offset.word().as_slice());
    for word in data {
        bytes.extend_from_slice(word.as_slice());
    }
    bytes.extend_from_slice(text.len().word().as_slice());
    bytes.extend_from_slice(text.as_bytes());
    let padding = text.len().wrapping_neg() % WORD;
    bytes.resize(bytes.len().saturating_add(padding), 0);
    vm.emit_log(&bytes, topics.len().saturating_add(1));
}

/// Whether a tuple of that name has a string and so many members behind it.
pub const fn is_text_and(name: &str, others: usize) -> bool {
    let [b'(', b's', b't', b'r', b'i', b'n', b'g', rest @ ..] = name.as_bytes() else {
        return false;
    };
    let (mut rest, mut commas) = (rest, 0);
    while let [first, next @ ..] = rest {
        commas += (*first == b',') as usize;
        rest = next;
    }
    commas == others
}

/// As [`emit!`](crate::emit), of an event whose first unindexed member is a string, and the others are single words:
/// `emit_text!(self.vm(), Registered[key](url, capacity))`.
#[macro_export]
macro_rules! emit_text {
    ($vm:expr, $event:ident [$($topic:expr),*] ($text:expr $(, $data:expr)*)) => {{
        use alloy_sol_types::{SolEvent, SolType, TopicList};
        const TOPICS: usize = <<$event as SolEvent>::TopicList as TopicList>::COUNT;
        const DATA: &str = <<$event as SolEvent>::DataTuple<'static> as SolType>::SOL_NAME;
        const SIGNATURE: &alloy_primitives::B256 = &<$event as SolEvent>::SIGNATURE_HASH;
        let topics: &[alloy_primitives::B256] = &[$($crate::events::Word::word($topic)),*];
        let data: &[alloy_primitives::B256] = &[$($crate::events::Word::word($data)),*];
        const TOPIC_NAMES: &[&str] = &[$(stringify!($topic)),*];
        const DATA_NAMES: &[&str] = &[$(stringify!($data)),*];
        const { assert!(TOPICS == TOPIC_NAMES.len() + 1) };
        const { assert!($crate::events::is_text_and(DATA, DATA_NAMES.len())) };
        $crate::events::emit_text($vm, SIGNATURE, topics, $text, data)
    }};
}

/// Emits an event of `sol!`, with the values of its indexed members in brackets and of the others in parentheses:
/// `emit!(self.vm(), Transfer[from, to](value))`. That there are as many as the event has is checked when it is compiled.
#[macro_export]
macro_rules! emit {
    ($vm:expr, $event:ident [$($topic:expr),*] $(($($data:expr),*))?) => {{
        use alloy_sol_types::{SolEvent, SolType, TopicList};
        const TOPICS: usize = <<$event as SolEvent>::TopicList as TopicList>::COUNT;
        const DATA: Option<usize> = <<$event as SolEvent>::DataTuple<'static> as SolType>::ENCODED_SIZE;
        // In place, not copied to the stack.
        const SIGNATURE: &alloy_primitives::B256 = &<$event as SolEvent>::SIGNATURE_HASH;
        let topics: &[alloy_primitives::B256] = &[$($crate::events::Word::word($topic)),*];
        let data: &[alloy_primitives::B256] = &[$($($crate::events::Word::word($data)),*)?];
        const TOPIC_NAMES: &[&str] = &[$(stringify!($topic)),*];
        const DATA_NAMES: &[&str] = &[$($(stringify!($data)),*)?];
        const { assert!(TOPICS == TOPIC_NAMES.len() + 1) };
        const { assert!(matches!(DATA, Some(size) if size == 32 * DATA_NAMES.len())) };
        $crate::events::emit($vm, SIGNATURE, topics, data)
    }};
}
