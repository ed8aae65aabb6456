//! CrossProtocolRouter on motsu. What InsufficientGas is about, and re-entry, only the devnet can show.

extern crate alloc;

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;
mod fuzz;
mod neighbours;
mod pending;
mod properties;
mod router;
mod tokens;

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::timestamp;
use bpe_testing::{Behaviour, Purse, Token};
use contract::*;
use motsu::prelude::*;
use neighbours::Rail;

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
    /// Of which both payers have a thousand, too.
    token: Contract<Token>,
    purse: Contract<Purse>,
    other: Contract<Purse>,
}

impl World {
    fn new() -> Self {
        let it = Self {
            router: Contract::new(),
            rails: [Contract::new(), Contract::new(), Contract::new()],
            token: Contract::new(),
            purse: Contract::new(),
            other: Contract::new(),
        };
        it.router.sender(OWNER).constructor(OWNER).motsu_unwrap();
        for (protocol, rail) in (0..).zip(&it.rails) {
            rail.sender(OWNER).pay_in(it.token.address(), n(1_000));
            it.register(protocol, rail.address()).unwrap();
        }
        it.purse.fund(ETHER * n(1_000));
        it.other.fund(ETHER * n(1_000));
        for payer in [&it.purse, &it.other] {
            it.token
                .sender(OWNER)
                .mint(payer.address(), ETHER * n(1_000));
        }
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

    /// The same in tokens.
    fn token_route(&self, protocol: u8, amount: U256) -> RouteRecommendation {
        let token = self.token.address();
        let reader = self.router.sender(Address::ZERO);
        let routes = reader.get_token_routes(request(amount, 0), token);
        let routes = routes.motsu_unwrap().into_iter();
        let mut routes = routes.filter(|route| route.protocol == protocol);
        routes.next().unwrap()
    }

    fn behave(&self, behaviour: Behaviour) {
        self.token.sender(OWNER).behave(behaviour as u8);
    }

    fn tokens(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance(account)
    }

    fn payment_id(&self, route: &RouteRecommendation, payer: Address) -> B256 {
        let reader = self.router.sender(OWNER);
        reader.get_payment_id(route.routeId, payer)
    }

    fn state(&self, route: &RouteRecommendation, payer: Address) -> u8 {
        let reader = self.router.sender(OWNER);
        reader.get_route(route.routeId, payer).0
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
fn data(words: [U256; 8]) -> Vec<u8> {
    words
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect()
}

fn words(data: &[u8]) -> [U256; 8] {
    core::array::from_fn(|index| U256::from_be_slice(&data[32 * index..32 * index + 32]))
}

fn address_word(account: Address) -> U256 {
    U256::from_be_bytes(account.into_word().0)
}
