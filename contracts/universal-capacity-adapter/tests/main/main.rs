//! UniversalCapacityAdapter on motsu.

extern crate alloc;

mod adapter;
mod bound;
#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod neighbours;

use alloy_primitives::{Address, B256, U256};
use bpe_testing::Registry;
use contract::UniversalCapacityAdapter;
use motsu::prelude::*;
use neighbours::{Domain, Stakes};

const OWNER: Address = Address::repeat_byte(0x01);
const RELAYER: Address = Address::repeat_byte(0x4e);
const SINK: Address = Address::repeat_byte(0xa1);
const OTHER: Address = Address::repeat_byte(0xa2);
const RELAY: B256 = B256::repeat_byte(0x4e);
const CLAW: B256 = B256::repeat_byte(0xc1);
const CODE: B256 = B256::repeat_byte(0xc0);

fn n(number: u64) -> U256 {
    U256::from(number)
}

/// What the adapters of these tests take for an attestation.
fn attestation(sink: Address, capacity: u64, nonce: u64) -> Vec<u8> {
    let words = [sink.into_word(), n(capacity).into(), n(nonce).into()];
    words.iter().flat_map(|word| word.0).collect()
}

/// The contract over a registry in which two staked sinks serve RELAY and CODE; the adapter of RELAY is registered, that of
/// CLAW is there.
struct World {
    universal: Contract<UniversalCapacityAdapter>,
    registry: Contract<Registry>,
    stakes: Contract<Stakes>,
    relay: Contract<Domain>,
    claw: Contract<Domain>,
}

impl World {
    fn new() -> Self {
        let it = Self {
            universal: Contract::new(),
            registry: Contract::new(),
            stakes: Contract::new(),
            relay: Contract::new(),
            claw: Contract::new(),
        };
        it.universal
            .sender(OWNER)
            .constructor(it.registry.address(), it.stakes.address(), OWNER)
            .motsu_unwrap();
        for id in [RELAY, CODE] {
            it.registry.sender(OWNER).set_creator(id, OWNER);
        }
        for sink in [SINK, OTHER] {
            it.stakes.sender(OWNER).set_stake(sink, n(1));
            for id in [RELAY, CODE] {
                it.registry.sender(OWNER).enter(id, sink, n(0));
            }
        }
        it.relay.sender(OWNER).set(RELAY, "relays".into());
        it.claw.sender(OWNER).set(CLAW, "agents".into());
        it.universal
            .sender(OWNER)
            .register_adapter(it.relay.address())
            .motsu_unwrap();
        it
    }
}
