//! What a route is, and what is said of the protocols.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::{first_words, to_address},
    events::Word,
};

use super::{interface::*, ROUTE_VALIDITY};

/// What is said of a protocol: latency in seconds, probability of success in basis points, the fee's fixed part in wei, and
/// what part of the amount the rest of it is.
pub(super) struct Protocol {
    pub(super) latency: u64,
    pub(super) success_bps: u64,
    base_fee: u64,
    fee_divisor: u64,
}

/// The protocols, by number: Superfluid, Lightning, the chain itself.
pub(super) const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        latency: 4,
        success_bps: 9_900,
        base_fee: 0,
        fee_divisor: 10_000,
    },
    Protocol {
        latency: 2,
        success_bps: 9_500,
        base_fee: 1,
        fee_divisor: 1_000_000,
    },
    Protocol {
        latency: 12,
        success_bps: 9_999,
        base_fee: 0,
        fee_divisor: 1_000,
    },
];

/// What routes are sorted by: see [`RouteRequest`].
const BY_SPEED: u8 = 0;
const BY_COST: u8 = 1;
pub(super) const BY_RELIABILITY: u8 = 2;

/// What a route's data say, but for the fee, which follows.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) protocol: u8,
    pub(super) adapter: Address,
    pub(super) recipient: Address,
    pub(super) amount: U256,
    pub(super) deadline: U256,
    pub(super) offered_at: U256,
    /// Zero for ether.
    pub(super) token: Address,
}

impl Protocol {
    pub(super) fn fee(&self, amount: U256) -> U256 {
        // Saturates for no amount: the quotient is far from 2^256.
        (amount / U256::from(self.fee_divisor)).saturating_add(U256::from(self.base_fee))
    }
}

pub(super) fn terms(protocol: u8) -> Result<&'static Protocol, ProtocolNotAvailable> {
    PROTOCOLS
        .get(usize::from(protocol))
        .ok_or(ProtocolNotAvailable {})
}

impl RouteRecommendation {
    /// The lower, the better.
    pub(super) fn rank(&self, optimization: u8) -> U256 {
        match optimization {
            BY_SPEED => self.estimatedLatency,
            BY_COST => self.estimatedFee,
            _ => !self.successProbability,
        }
    }
}

impl Route {
    pub(super) fn encode(&self, fee: U256) -> Vec<u8> {
        let words = [
            self.protocol.word(),
            self.adapter.word(),
            self.recipient.word(),
            self.amount.word(),
            fee.word(),
            self.deadline.word(),
            self.offered_at.word(),
            self.token.word(),
        ];
        words.iter().flat_map(|word| word.0).collect()
    }

    /// The route and its fee, if these are the data that would be offered.
    pub(super) fn decode(data: &[u8]) -> Option<(Self, U256)> {
        let words: [B256; 8] = first_words(data)?;
        let [protocol, adapter, recipient, amount, _, deadline, offered_at, token] =
            words.map(|word| U256::from_be_bytes(word.0));
        let route = Self {
            protocol: u8::try_from(protocol).ok()?,
            adapter: to_address(adapter),
            recipient: to_address(recipient),
            amount,
            deadline,
            offered_at,
            token: to_address(token),
        };
        let fee = terms(route.protocol).ok()?.fee(amount);
        let is_offered = !amount.is_zero() && !route.recipient.is_zero();
        (is_offered && route.encode(fee) == data).then_some((route, fee))
    }

    /// The last second at which it can be executed.
    pub(super) fn expiry(&self) -> U256 {
        let validity = U256::from(ROUTE_VALIDITY);
        self.offered_at.saturating_add(validity).min(self.deadline)
    }
}
