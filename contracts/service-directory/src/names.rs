//! Names: what task types are called, and who else is called so.

extern crate alloc;

use alloc::vec::Vec;
use alloy_primitives::{keccak256, Address, B256, U256};
use bpe_common::{events::Word, returns::Returns};

use super::{Error, ServiceDirectory, TaskTypes, MAX_PAGE};

/// The longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// How JSON begins whose first member is the name.
const BEFORE_NAME: &str = "{\"name\":\"";

/// The name that is in `metadata`, if there is one: the first member of a JSON object, or all of it.
pub fn name_of(metadata: &str) -> Option<&str> {
    let name = match metadata.strip_prefix(BEFORE_NAME) {
        Some(rest) => rest.split_once('"')?.0,
        None if metadata.starts_with('{') => return None,
        None => metadata,
    };
    is_name(name).then_some(name)
}

/// What is read as it stands, and what JSON writes as it is.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_plain)
}

/// Neither controls nor what is not seen: spaces without width, and what turns the direction of writing.
fn is_plain(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '"' | '\\' | '\u{ad}' | '\u{feff}')
        && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// `keccak256(abi.encode(creator, name))`
pub fn derived_id(creator: Address, name: &str) -> B256 {
    const HEAD: usize = 2 * 32;
    let mut bytes = Vec::new();
    for word in [creator.word(), HEAD.word(), name.len().word()] {
        bytes.extend_from_slice(word.as_slice());
    }
    bytes.extend_from_slice(name.as_bytes());
    let padding = name.len().wrapping_neg() % 32;
    bytes.resize(bytes.len().saturating_add(padding), 0);
    keccak256(bytes)
}

impl ServiceDirectory {
    /// Puts the task type behind all others of that name.
    pub(super) fn list(&mut self, id: B256, name: &str) -> B256 {
        let hash = keccak256(name);
        self.names.setter(hash).push(id);
        hash
    }

    pub(super) fn named(&self, name: &str, from: U256, count: U256) -> Result<TaskTypes, Error> {
        let list = self.names.getter(keccak256(name));
        let end = from
            .saturating_add(count.min(U256::from(MAX_PAGE)))
            .min(U256::from(list.len()));
        let (from, end): (usize, usize) = (from.saturating_to(), end.saturating_to());
        let ids: Vec<B256> = (from..end).filter_map(|index| list.get(index)).collect();
        let mut creators = Vec::with_capacity(ids.len());
        for id in &ids {
            creators.push(self.creator(*id)?);
        }
        Ok(Returns((ids, creators)))
    }
}
