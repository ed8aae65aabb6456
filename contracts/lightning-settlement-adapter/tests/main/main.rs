//! LightningSettlementAdapter on motsu: every function, error, event and access rule, with exact values.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod htlc;
mod jobs;

use alloy_primitives::{b256, uint, Address, B256, U256};
use bpe_testing::{turn, Behaviour, Precompiles, Purse, Token, Turn};
use contract::*;
use motsu::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const RECIPIENT: Address = Address::repeat_byte(0x4e);
const STRANGER: Address = Address::repeat_byte(0x99);
const JOB: B256 = B256::repeat_byte(0x0b);
const ETHER: U256 = uint!(1_000_000_000_000_000_000_U256);

fn n(number: u64) -> U256 {
    U256::from(number)
}

/// `sha256` of [`PREIMAGE`].
const HASH: B256 = b256!("4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0");
const PREIMAGE: [u8; 32] = [7; 32];

/// An adapter, its token, of which the pipeline has a thousand, and a thousand ether too.
struct World {
    adapter: Contract<LightningSettlementAdapter>,
    token: Contract<Token>,
    pipeline: Contract<Purse>,
    recipient: Contract<Purse>,
    _precompiles: Precompiles,
    _turn: Turn,
}

impl World {
    fn new() -> Self {
        let turn = turn();
        let it = Self {
            adapter: Contract::new(),
            token: Contract::new(),
            pipeline: Contract::new(),
            recipient: Contract::new_at(RECIPIENT),
            _precompiles: Precompiles::new(),
            _turn: turn,
        };
        let (token, pipeline) = (it.token.address(), it.pipeline.address());
        let mut adapter = it.adapter.sender(OWNER);
        adapter.constructor(token, pipeline).motsu_unwrap();
        drop(adapter);
        it.pipeline.fund(ETHER * n(1_000));
        it.token.sender(OWNER).mint(pipeline, ETHER * n(1_000));
        it
    }

    /// Locks `amount`, in ether if `value` is not zero, under what `data` say.
    fn execute(&self, id: B256, amount: U256, value: U256, data: &[u8]) -> Result<u8, Error> {
        self.adapter
            .sender_and_value(self.pipeline.address(), value)
            .execute(id, RECIPIENT, amount, data.to_vec().into())
            .motsu_res()
    }

    fn escrow(&self, id: B256, amount: U256) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(self.pipeline.address());
        adapter.escrow(id, amount).motsu_res()
    }

    fn settle(&self, id: B256, amount: U256, proof: &[u8]) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(self.pipeline.address());
        adapter
            .settle_completion(id, RECIPIENT, amount, proof.to_vec().into())
            .motsu_res()
    }

    fn release(&self, id: B256, to: Address) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(self.pipeline.address());
        adapter.release_escrow(id, to).motsu_res()
    }

    /// By anyone.
    fn claim(&self, id: B256, preimage: &[u8]) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(STRANGER);
        adapter.claim(id, preimage.to_vec().into()).motsu_res()
    }

    /// By anyone.
    fn refund(&self, id: B256) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(STRANGER);
        adapter.refund_expired(id).motsu_res()
    }

    fn held(&self, id: B256) -> U256 {
        self.adapter.sender(OWNER).get_escrowed_amount(id)
    }

    fn behave(&self, behaviour: Behaviour) {
        self.token.sender(OWNER).behave(behaviour as u8);
    }

    fn tokens(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance(account)
    }
}
