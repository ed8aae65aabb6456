//! A persistent Merkle-Patricia trie for keys of 32 bytes: cloning is O(1), and a change hashes only what lies above it,
//! when somebody asks for the root. So every block has its state root, and `eth_getProof` proofs that fit it.

use std::sync::{Arc, OnceLock};

use alloy::{
    consensus::constants::EMPTY_ROOT_HASH,
    primitives::{keccak256, Bytes, B256},
    rlp::{self, Encodable as _},
};

/// The trie.
#[derive(Clone, Debug, Default)]
pub struct Trie(Option<Arc<Node>>);

/// A node; keys have one length, so that no branch has a value.
#[derive(Debug)]
struct Node {
    kind: Kind,
    /// How its parent names it: its encoding if that is short, else the hash of it.
    reference: OnceLock<Vec<u8>>,
}

#[derive(Debug)]
enum Kind {
    Leaf { path: Path, value: Box<[u8]> },
    Extension { path: Path, child: Arc<Node> },
    Branch(Children),
}

/// Nibbles.
type Path = Box<[u8]>;
type Children = Box<[Option<Arc<Node>>; 16]>;

impl Trie {
    /// Sets the value of a hashed key.
    pub fn insert(&mut self, key: B256, value: Vec<u8>) {
        self.0 = Some(insert(self.0.as_ref(), &nibbles(key), value.into()));
    }

    pub fn remove(&mut self, key: B256) {
        if let Some(root) = &self.0 {
            self.0 = remove(root, &nibbles(key));
        }
    }

    pub fn root(&self) -> B256 {
        let Some(root) = &self.0 else {
            return EMPTY_ROOT_HASH;
        };
        match root.reference() {
            // A hash, behind the byte that says how long it is.
            reference if reference.len() == 33 => B256::from_slice(&reference[1..]),
            encoding => keccak256(encoding),
        }
    }

    /// The nodes from the root to a hashed key, or to where it would be.
    pub fn proof(&self, key: B256) -> Vec<Bytes> {
        let (path, mut proof) = (nibbles(key), Vec::new());
        let (mut rest, mut next) = (&path[..], self.0.as_ref());
        while let Some(node) = next {
            // Short nodes stand within their parents.
            if proof.is_empty() || node.reference().len() == 33 {
                proof.push(node.encode().into());
            }
            next = match &node.kind {
                Kind::Leaf { .. } => None,
                Kind::Extension { path, child } => rest.strip_prefix(&**path).map(|left| {
                    rest = left;
                    child
                }),
                Kind::Branch(children) => rest.split_first().and_then(|(nibble, left)| {
                    rest = left;
                    children[usize::from(*nibble)].as_ref()
                }),
            };
        }
        proof
    }
}

fn nibbles(key: B256) -> [u8; 64] {
    std::array::from_fn(|index| match index % 2 {
        0 => key[index / 2] >> 4,
        _ => key[index / 2] & 15,
    })
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn insert(node: Option<&Arc<Node>>, path: &[u8], value: Box<[u8]>) -> Arc<Node> {
    let Some(node) = node else {
        return Node::leaf(path.into(), value);
    };
    match &node.kind {
        Kind::Leaf { path: own, .. } if **own == *path => Node::leaf(path.into(), value),
        Kind::Leaf {
            path: own,
            value: old,
        } => {
            let shared = common(own, path);
            let old = Node::leaf(own[shared + 1..].into(), old.clone());
            Node::fork(path, shared, own[shared], old, value)
        }
        Kind::Extension { path: own, child } => {
            let shared = common(own, path);
            if shared == own.len() {
                let child = insert(Some(child), &path[shared..], value);
                return Node::new(Kind::Extension {
                    path: own.clone(),
                    child,
                });
            }
            let old = Node::extended(&own[shared + 1..], Arc::clone(child));
            Node::fork(path, shared, own[shared], old, value)
        }
        Kind::Branch(children) => {
            let mut children = children.clone();
            let place = usize::from(path[0]);
            children[place] = Some(insert(children[place].as_ref(), &path[1..], value));
            Node::new(Kind::Branch(children))
        }
    }
}

fn remove(node: &Arc<Node>, path: &[u8]) -> Option<Arc<Node>> {
    match &node.kind {
        Kind::Leaf { path: own, .. } => (**own != *path).then(|| Arc::clone(node)),
        Kind::Extension { path: own, child } => match path.strip_prefix(&**own) {
            Some(rest) => remove(child, rest).map(|child| Node::extended(own, child)),
            None => Some(Arc::clone(node)),
        },
        Kind::Branch(children) => {
            let place = usize::from(path[0]);
            let Some(child) = &children[place] else {
                return Some(Arc::clone(node));
            };
            let mut children = children.clone();
            children[place] = remove(child, &path[1..]);
            let mut left = (0..).zip(children.iter()).filter_map(|(nibble, child)| {
                let child = child.as_ref()?;
                Some((nibble, Arc::clone(child)))
            });
            match (left.next(), left.next()) {
                // A branch of one is none.
                (Some((nibble, only)), None) => Some(Node::extended(&[nibble], only)),
                (None, _) => None,
                _ => {
                    drop(left);
                    Some(Node::new(Kind::Branch(children)))
                }
            }
        }
    }
}

impl Node {
    fn new(kind: Kind) -> Arc<Self> {
        Arc::new(Self {
            kind,
            reference: OnceLock::new(),
        })
    }

    fn leaf(path: Path, value: Box<[u8]>) -> Arc<Self> {
        Self::new(Kind::Leaf { path, value })
    }

    /// `child` below `path`.
    fn extended(path: &[u8], child: Arc<Self>) -> Arc<Self> {
        if path.is_empty() {
            return child;
        }
        let joined = |rest: &[u8]| -> Path { [path, rest].concat().into() };
        match &child.kind {
            Kind::Leaf { path, value } => Self::leaf(joined(path), value.clone()),
            Kind::Extension { path, child } => Self::new(Kind::Extension {
                path: joined(path),
                child: Arc::clone(child),
            }),
            Kind::Branch(_) => Self::new(Kind::Extension {
                path: path.into(),
                child,
            }),
        }
    }

    /// Where a new value's path leaves an old node's after `shared` nibbles.
    fn fork(path: &[u8], shared: usize, at: u8, old: Arc<Self>, value: Box<[u8]>) -> Arc<Self> {
        let mut children = Children::default();
        children[usize::from(at)] = Some(old);
        let new = Self::leaf(path[shared + 1..].into(), value);
        children[usize::from(path[shared])] = Some(new);
        Self::extended(&path[..shared], Self::new(Kind::Branch(children)))
    }

    fn reference(&self) -> &[u8] {
        self.reference.get_or_init(|| {
            let encoding = self.encode();
            if encoding.len() < 32 {
                return encoding;
            }
            rlp::encode(keccak256(encoding))
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut items = Vec::new();
        match &self.kind {
            Kind::Leaf { path, value } => {
                compact(path, true).as_slice().encode(&mut items);
                value.as_ref().encode(&mut items);
            }
            Kind::Extension { path, child } => {
                compact(path, false).as_slice().encode(&mut items);
                items.extend(child.reference());
            }
            Kind::Branch(children) => {
                for child in children.iter() {
                    match child {
                        Some(child) => items.extend(child.reference()),
                        None => items.push(rlp::EMPTY_STRING_CODE),
                    }
                }
                items.push(rlp::EMPTY_STRING_CODE);
            }
        }
        let header = rlp::Header {
            list: true,
            payload_length: items.len(),
        };
        let mut encoding = Vec::with_capacity(header.length_with_payload());
        header.encode(&mut encoding);
        encoding.extend(items);
        encoding
    }
}

/// Nibbles as bytes, with their kind and whether they are odd in front.
fn compact(path: &[u8], leaf: bool) -> Vec<u8> {
    let kind = if leaf { 0x20 } else { 0 };
    let (first, rest) = match path {
        [first, rest @ ..] if path.len() % 2 == 1 => (kind | 0x10 | first, rest),
        _ => (kind, path),
    };
    let pairs = rest.chunks(2).map(|pair| (pair[0] << 4) | pair[1]);
    [first].into_iter().chain(pairs).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_trie::{proof::verify_proof, HashBuilder, Nibbles};
    use proptest::prelude::*;

    use super::*;

    /// By the library that other clients use.
    fn reference(entries: &BTreeMap<B256, Vec<u8>>) -> B256 {
        let mut builder = HashBuilder::default();
        for (key, value) in entries {
            builder.add_leaf(Nibbles::unpack(key), value);
        }
        builder.root()
    }

    /// Keys that share long prefixes, and short values, which stand within their parents.
    fn operations() -> impl Strategy<Value = Vec<(B256, Option<Vec<u8>>)>> {
        let key = (0_usize..32, 0_u8..4, 0_u8..4).prop_map(|(place, high, low)| {
            let mut key = B256::ZERO;
            key[place] = (high << 4) | low;
            key
        });
        let value = prop::option::weighted(0.7, prop::collection::vec(1_u8.., 1..40));
        prop::collection::vec((key, value), 1..80)
    }

    proptest! {
        #[test]
        fn roots_and_proofs_are_everybody_elses(operations in operations()) {
            let (mut trie, mut entries) = (Trie::default(), BTreeMap::new());
            for (key, value) in operations {
                match value.clone() {
                    Some(value) => {
                        trie.insert(key, value.clone());
                        entries.insert(key, value);
                    }
                    None => {
                        trie.remove(key);
                        entries.remove(&key);
                    }
                }
                prop_assert_eq!(trie.root(), reference(&entries));
                let proof = trie.proof(key);
                let checked = verify_proof(trie.root(), Nibbles::unpack(key), value, &proof);
                prop_assert!(checked.is_ok(), "{:?}", checked);
            }
        }
    }

    #[test]
    fn a_clone_keeps_its_root() {
        let mut trie = Trie::default();
        trie.insert(B256::with_last_byte(1), vec![1]);
        let (before, root) = (trie.clone(), trie.root());
        trie.insert(B256::with_last_byte(2), vec![2]);
        assert_ne!(trie.root(), root);
        assert_eq!(before.root(), root);
        trie.remove(B256::with_last_byte(2));
        assert_eq!(trie.root(), root);
    }
}
