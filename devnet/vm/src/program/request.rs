//! What a program asks of the chain, and the answers.

use revm::primitives::{Address, Bytes, B256, U256};

/// A call to another contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRequest {
    pub kind: crate::CallKind,
    pub to: Address,
    pub value: U256,
    pub data: Bytes,
    /// Gas to hand over at most.
    pub gas: u64,
}

/// A contract creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRequest {
    pub init_code: Bytes,
    pub value: U256,
    /// For `CREATE2`.
    pub salt: Option<B256>,
}

/// Something only the chain can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Load(B256),
    Store(Vec<(B256, B256)>),
    TransientLoad(B256),
    TransientStore(B256, B256),
    Call(CallRequest),
    Create(CreateRequest),
    Log { topics: Vec<B256>, data: Bytes },
    Balance(Address),
    Code(Address),
    CodeHash(Address),
    AddPages(u16),
}

/// The answer, with its gas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To loads, balances and code hashes.
    Word { value: B256, gas: u64 },
    /// To whatever has no result.
    Done { gas: u64 },
    /// To calls.
    Called {
        success: bool,
        return_data: Bytes,
        gas: u64,
    },
    /// To creations; the zero address if it failed.
    Created {
        address: Address,
        return_data: Bytes,
        gas: u64,
    },
    /// To code lookups.
    Code { code: Bytes, gas: u64 },
    /// The gas left does not suffice.
    OutOfGas,
    /// Not allowed, as when the state is read-only.
    Refused,
}
