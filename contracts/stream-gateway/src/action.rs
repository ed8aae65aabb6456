//! The parameters of the macro: `abi.encode(uint8 action, bytes32 lang, bytes)`, of which the last are the arguments of the
//! function that returned them.
//!
//! Read strictly: one action has one encoding, of which every word counts, so that nobody can make other bytes of it that a
//! source signed.

use alloc::vec::Vec;
use alloy_primitives::{aliases::I96, keccak256, B256, U256};
use bpe_common::{
    call::{calldata, first_words},
    eip712::hash_words,
    events::Word,
    packed::{narrow, widen},
    superfluid::push_bytes,
};

use super::interface::*;

/// `"en"`
pub const ENGLISH: B256 = {
    let mut word = [0; 32];
    (word[0], word[1]) = (b'e', b'n');
    B256::new(word)
};

const CREATE: u8 = 1;
const UPDATE: u8 = 2;
const DELETE: u8 = 3;
const TOP_UP: u8 = 4;

const WORD: usize = 32;
/// Action, language, and where the bytes stand.
const HEAD: usize = 3 * WORD;

/// What a source wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a stream, after wrapping so much.
    Create(B256, u128, U256),
    /// Change a stream.
    Update(B256, u128),
    /// End a stream.
    Delete(B256),
    /// Wrap so much, and nothing else.
    TopUp(U256),
}

/// How an action is shown to who signs it.
pub struct Text {
    /// The name of what is signed.
    pub primary_type: &'static str,
    /// EIP-712's type of the action.
    pub definition: &'static str,
    description: &'static str,
}

impl Action {
    /// The action in `parameters`.
    pub fn decode(parameters: &[u8]) -> Result<Self, Error> {
        let malformed = || {
            Error::MalformedParameters(MalformedParameters {
                parameters: parameters.to_vec().into(),
            })
        };
        let Some([id, lang, offset, length]) = first_words::<4>(parameters) else {
            return Err(malformed());
        };
        let id = match narrow::<8, 1>(id.into()) {
            Some(id) if U256::from_be_bytes(offset.0) == U256::from(HEAD) => id.to::<u8>(),
            _ => return Err(malformed()),
        };
        let arguments = parameters.get(HEAD.saturating_add(WORD)..).unwrap_or(&[]);
        // Whole words, so there is no padding that could differ.
        if U256::from_be_bytes(length.0) != U256::from(arguments.len()) {
            return Err(malformed());
        }
        if lang != ENGLISH {
            return Err(UnsupportedLanguage { lang }.into());
        }
        let read = match (id, arguments.len() / WORD, arguments.len() % WORD) {
            (CREATE, 2 | 3, 0) | (UPDATE, 2, 0) | (DELETE | TOP_UP, 1, 0) => arguments,
            (CREATE | UPDATE | DELETE | TOP_UP, ..) => return Err(malformed()),
            _ => return Err(UnknownActionId { actionId: id }.into()),
        };
        let mut words = [B256::ZERO; 3];
        for (word, bytes) in words.iter_mut().zip(read.chunks_exact(WORD)) {
            word.copy_from_slice(bytes);
        }
        let [first, second, third] = words;
        match id {
            CREATE => {
                let rate = positive(to_int96(second).ok_or_else(malformed)?)?;
                Ok(Self::Create(first, rate, third.into()))
            }
            UPDATE => {
                let rate = positive(to_int96(second).ok_or_else(malformed)?)?;
                Ok(Self::Update(first, rate))
            }
            DELETE => Ok(Self::Delete(first)),
            _ => Ok(Self::TopUp(some(first.into())?)),
        }
    }

    /// The action in a payload of ClearMacroForwarderV1, `abi.encode(Payload)`: the bytes of the struct's first member,
    /// which has one member. Read as Solidity reads it: offsets lead wherever they lead.
    pub fn decode_payload(payload: &[u8]) -> Result<Self, Error> {
        let parameters = follow(payload)
            .and_then(follow)
            .and_then(follow)
            .and_then(|at| {
                let [length] = first_words(at)?;
                at.get(WORD..)?.get(..to_usize(length))
            });
        match parameters {
            Some(parameters) => Self::decode(parameters),
            None => Err(MalformedParameters {
                parameters: payload.to_vec().into(),
            }
            .into()),
        }
    }

    /// The task type whose stream changes, and the rate that the stream is to have.
    pub fn stream(&self) -> Option<(B256, u128)> {
        match *self {
            Self::Create(id, rate, _) | Self::Update(id, rate) => Some((id, rate)),
            Self::Delete(id) => Some((id, 0)),
            Self::TopUp(_) => None,
        }
    }

    /// How much is wrapped.
    pub fn wrap(&self) -> U256 {
        match *self {
            Self::Create(_, _, amount) | Self::TopUp(amount) => amount,
            Self::Update(..) | Self::Delete(_) => U256::ZERO,
        }
    }

    /// How it is shown.
    pub fn text(&self) -> Text {
        match self {
            Self::Create(..) => Text {
                primary_type: "CreateStream",
                definition: "Action(string description,bytes32 taskTypeId,int96 flowRate,uint256 wrap)",
                description: "Open a stream to the sinks of a task type, in wei per second, after wrapping tokens",
            },
            Self::Update(..) => Text {
                primary_type: "UpdateStream",
                definition: "Action(string description,bytes32 taskTypeId,int96 flowRate)",
                description: "Change the stream to the sinks of a task type, in wei per second",
            },
            Self::Delete(_) => Text {
                primary_type: "DeleteStream",
                definition: "Action(string description,bytes32 taskTypeId)",
                description: "End the stream to the sinks of a task type",
            },
            Self::TopUp(_) => Text {
                primary_type: "TopUp",
                definition: "Action(string description,uint256 amount)",
                description: "Wrap tokens, so that streams can go on",
            },
        }
    }

    /// EIP-712's `hashStruct` of the action.
    pub fn struct_hash(&self) -> B256 {
        let text = self.text();
        let (kind, description) = (keccak256(text.definition), keccak256(text.description));
        match *self {
            Self::Create(id, rate, wrap) => {
                hash_words(&[kind, description, id, rate.word(), wrap.word()])
            }
            Self::Update(id, rate) => hash_words(&[kind, description, id, rate.word()]),
            Self::Delete(id) => hash_words(&[kind, description, id]),
            Self::TopUp(amount) => hash_words(&[kind, description, amount.word()]),
        }
    }
}

/// Parameters of `createStream(bytes32,int96)`.
pub fn create(id: B256, rate: u128) -> Vec<u8> {
    encode(CREATE, &[id, rate.word()])
}

/// Parameters of `createStream(bytes32,int96,uint256)`.
pub fn create_and_wrap(id: B256, rate: u128, amount: U256) -> Vec<u8> {
    encode(CREATE, &[id, rate.word(), amount.word()])
}

/// Parameters of `updateStream`.
pub fn update(id: B256, rate: u128) -> Vec<u8> {
    encode(UPDATE, &[id, rate.word()])
}

/// Parameters of `deleteStream`.
pub fn delete(id: B256) -> Vec<u8> {
    encode(DELETE, &[id])
}

/// Parameters of `topUp`.
pub fn top_up(amount: U256) -> Vec<u8> {
    encode(TOP_UP, &[amount.word()])
}

fn encode(action: u8, arguments: &[B256]) -> Vec<u8> {
    let mut parameters = calldata([0; 4], &[action.word(), ENGLISH, HEAD.word()]).split_off(4);
    push_bytes(&mut parameters, &arguments.concat());
    parameters
}

/// A rate that a stream can have.
pub fn positive(flow_rate: I96) -> Result<u128, InvalidFlowRate> {
    match flow_rate > I96::ZERO {
        true => Ok(widen(flow_rate.into_raw()).to()),
        false => Err(InvalidFlowRate {
            flowRate: flow_rate,
        }),
    }
}

/// An amount that can be wrapped.
pub fn some(amount: U256) -> Result<U256, ZeroAmount> {
    match amount.is_zero() {
        true => Err(ZeroAmount {}),
        false => Ok(amount),
    }
}

/// The number in a word, if it is one of 96 bits with its sign.
fn to_int96(word: B256) -> Option<I96> {
    let (high, low) = word.split_at(20);
    let number = I96::try_from_be_slice(low)?;
    let sign = match number.is_negative() {
        true => 0xff,
        false => 0,
    };
    high.iter().all(|byte| *byte == sign).then_some(number)
}

/// What stands where the first word of `data` says, counted from its start.
fn follow(data: &[u8]) -> Option<&[u8]> {
    let [offset] = first_words(data)?;
    data.get(to_usize(offset)..)
}

fn to_usize(word: B256) -> usize {
    U256::from_be_bytes(word.0).saturating_to()
}
