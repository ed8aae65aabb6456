//! DirectSettlementAdapter on motsu: every function, error, event and access rule, with exact values.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod payments;
mod streams;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_testing::{Behaviour, Purse, Token};
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

/// An adapter, its token, of which the pipeline has a thousand, and a thousand ether too.
struct World {
    adapter: Contract<DirectSettlementAdapter>,
    token: Contract<Token>,
    pipeline: Contract<Purse>,
    recipient: Contract<Purse>,
}

impl World {
    fn new() -> Self {
        let it = Self {
            adapter: Contract::new(),
            token: Contract::new(),
            pipeline: Contract::new(),
            recipient: Contract::new_at(RECIPIENT),
        };
        let (token, pipeline) = (it.token.address(), it.pipeline.address());
        let mut adapter = it.adapter.sender(OWNER);
        adapter.constructor(token, pipeline).motsu_unwrap();
        drop(adapter);
        it.pipeline.fund(ETHER * n(1_000));
        it.token.sender(OWNER).mint(pipeline, ETHER * n(1_000));
        it
    }

    fn execute(&self, id: B256, amount: U256, value: U256) -> Result<u8, Error> {
        self.adapter
            .sender_and_value(self.pipeline.address(), value)
            .execute(id, RECIPIENT, amount, vec![].into())
            .motsu_res()
    }

    fn escrow(&self, id: B256, amount: U256) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(self.pipeline.address());
        adapter.escrow(id, amount).motsu_res()
    }

    fn settle(&self, id: B256, amount: U256) -> Result<(), Error> {
        let mut adapter = self.adapter.sender(self.pipeline.address());
        adapter
            .settle_completion(id, RECIPIENT, amount, vec![1].into())
            .motsu_res()
    }

    fn behave(&self, behaviour: Behaviour) {
        self.token.sender(OWNER).behave(behaviour as u8);
    }

    fn tokens(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance(account)
    }
}
