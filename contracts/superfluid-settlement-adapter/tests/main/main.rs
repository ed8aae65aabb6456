//! SuperfluidSettlementAdapter on motsu, beside a Superfluid that decodes strictly: what flows, the devnet shows.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod flows;
mod fuzz;
mod payments;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_testing::{Network, Token};
use contract::*;
use motsu::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const PIPELINE: Address = Address::repeat_byte(0x71);
const RECIPIENT: Address = Address::repeat_byte(0x4e);
const STRANGER: Address = Address::repeat_byte(0x99);
const JOB: B256 = B256::repeat_byte(0x0b);
const ETHER: U256 = uint!(1_000_000_000_000_000_000_U256);

fn n(number: u64) -> U256 {
    U256::from(number)
}

/// An adapter for a Super Token, of which the pipeline has a thousand.
struct World {
    adapter: Contract<SuperfluidSettlementAdapter>,
    network: Network,
}

impl World {
    fn new() -> Self {
        let it = Self {
            adapter: Contract::new(),
            network: Network::new(),
        };
        let token = it.network.token.address();
        let mut adapter = it.adapter.sender(OWNER);
        adapter.constructor(token, PIPELINE).motsu_unwrap();
        drop(adapter);
        let mut token = it.network.token.sender(OWNER);
        token.mint(PIPELINE, ETHER * n(1_000));
        drop(token);
        it
    }

    fn token(&self) -> &Contract<Token> {
        &self.network.token
    }

    fn tokens(&self, account: Address) -> U256 {
        self.token().sender(OWNER).balance(account)
    }
}
