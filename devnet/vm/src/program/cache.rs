//! A program's cache of its storage: loads are remembered, stores wait for a flush.

use std::collections::BTreeMap;

use revm::primitives::B256;

#[derive(Clone, Copy, Debug)]
struct Word {
    value: B256,
    /// What the chain's state holds, as far as known.
    known: Option<B256>,
}

/// The cache of one frame; it dies with the frame.
#[derive(Debug, Default)]
pub struct StorageCache {
    words: BTreeMap<B256, Word>,
    reads: u64,
    writes: u64,
}

impl StorageCache {
    /// Counts a read, and gives its gas: the first 32 are free.
    pub fn read_gas(&mut self) -> u64 {
        self.reads += 1;
        match self.reads {
            0..=32 => 0,
            33..=128 => 2,
            _ => 10,
        }
    }

    /// Counts a write, and gives its gas: the first 8 are free.
    pub fn write_gas(&mut self) -> u64 {
        self.writes += 1;
        match self.writes {
            0..=8 => 0,
            9..=64 => 7,
            _ => 10,
        }
    }

    pub fn get(&self, key: B256) -> Option<B256> {
        self.words.get(&key).map(|word| word.value)
    }

    /// Remembers what the state holds.
    pub fn loaded(&mut self, key: B256, value: B256) {
        self.words.insert(
            key,
            Word {
                value,
                known: Some(value),
            },
        );
    }

    pub fn store(&mut self, key: B256, value: B256) {
        self.words
            .entry(key)
            .and_modify(|word| word.value = value)
            .or_insert(Word { value, known: None });
    }

    /// The words that differ from the state, now taken as written.
    pub fn flush(&mut self, clear: bool) -> Vec<(B256, B256)> {
        let mut dirty = Vec::new();
        for (key, word) in &mut self.words {
            if word.known != Some(word.value) {
                dirty.push((*key, word.value));
                word.known = Some(word.value);
            }
        }
        if clear {
            self.words.clear();
        }
        dirty
    }
}
