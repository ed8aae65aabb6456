//! CrossProtocolRouter on motsu. What InsufficientGas is about, and re-entry, only the devnet can show.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod neighbours;
mod properties;
mod router;

use alloy_primitives::{uint, Address, U256};
use bpe_common::clock::testing::timestamp;
use contract::*;
use motsu::prelude::*;
use neighbours::{Purse, Rail};

const OWNER: Address = Address::repeat_byte(0x01);
const RECIPIENT: Address = Address::repeat_byte(0x4e);
const STRANGER: Address = Address::repeat_byte(0x99);
const ETHER: U256 = uint!(1_000_000_000_000_000_000_U256);

fn n(number: u64) -> U256 {
    U256::from(number)
}

/// The router with an adapter for each protocol, and two payers with a thousand ether each.
struct World {
    router: Contract<CrossProtocolRouter>,
    rails: [Contract<Rail>; 3],
    purse: Contract<Purse>,
    other: Contract<Purse>,
}

impl World {
    fn new() -> Self {
        let it = Self {
            router: Contract::new(),
            rails: [Contract::new(), Contract::new(), Contract::new()],
            purse: Contract::new(),
            other: Contract::new(),
        };
        it.router.sender(OWNER).constructor(OWNER).motsu_unwrap();
        for (protocol, rail) in (0..).zip(&it.rails) {
            it.register(protocol, rail.address()).unwrap();
        }
        it.purse.fund(ETHER * n(1_000));
        it.other.fund(ETHER * n(1_000));
        it
    }

    fn register(&self, protocol: u8, adapter: Address) -> Result<(), Error> {
        self.router
            .sender(OWNER)
            .register_protocol_adapter(protocol, adapter)
            .motsu_res()
    }

    fn try_routes(&self, request: RouteRequest) -> Result<Vec<RouteRecommendation>, Error> {
        self.router.sender(Address::ZERO).get_routes(request)
    }

    /// The route over `protocol` of `amount`, with a far deadline.
    fn route(&self, protocol: u8, amount: U256) -> RouteRecommendation {
        let routes = self.try_routes(request(amount, 0)).unwrap();
        routes
            .into_iter()
            .find(|route| route.protocol == protocol)
            .unwrap()
    }

    fn execute(
        &self,
        payer: Address,
        value: U256,
        route: &RouteRecommendation,
    ) -> Result<(), Error> {
        self.router
            .sender_and_value(payer, value)
            .execute_route(route.routeId, route.routeData.to_vec().into())
            .motsu_res()
    }
}

fn request(amount: U256, optimization: u8) -> RouteRequest {
    RouteRequest {
        recipient: RECIPIENT,
        amount,
        optimization,
        maxFee: U256::MAX,
        deadline: n(timestamp() + 1_000),
    }
}

fn price(amount: U256, route: &RouteRecommendation) -> U256 {
    amount + route.estimatedFee
}

/// The data of a route, word by word.
fn data(words: [U256; 7]) -> Vec<u8> {
    words
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect()
}

fn words(data: &[u8]) -> [U256; 7] {
    core::array::from_fn(|index| U256::from_be_slice(&data[32 * index..32 * index + 32]))
}

fn address_word(account: Address) -> U256 {
    U256::from_be_bytes(account.into_word().0)
}
