//! Whatever operators, strangers and the relay registry do: who is a member is a sink, and who is not, is not; an
//! attestation is passed on once.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{contract::*, world::*};

#[derive(Clone, Copy, Debug)]
enum Act {
    Join,
    Leave,
    Refresh,
    /// The relay registry gives the key to this account; to nobody, if 0.
    Give(u8),
    /// The operator attests so many units.
    Attest(u64),
    /// The account leaves the core by itself.
    Deregister,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => Just(Act::Join),
        3 => Just(Act::Leave),
        4 => Just(Act::Refresh),
        2 => (0u8..4).prop_map(Act::Give),
        4 => (1u64..500).prop_map(Act::Attest),
        1 => Just(Act::Deregister),
    ]
}

fn account(who: u8) -> Address {
    match who {
        0 => Address::ZERO,
        _ => Address::repeat_byte(0xa0 + who),
    }
}

/// What the relay registry says of a key.
#[derive(Clone, Copy, Default)]
struct Relay {
    operator: u8,
    capacity: u64,
    sequence: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn members_are_sinks(
        acts in prop::collection::vec((1u8..4, 1u8..4, 0usize..2, act()), 1..60)
    ) {
        let it = World::new();
        let mut relays = BTreeMap::<u8, Relay>::new();
        // By pool and key: operator, last update.
        let mut members = BTreeMap::<(usize, u8), (u8, u64)>::new();
        // By pool and account.
        let mut sinks = BTreeMap::<(usize, u8), u64>::new();
        let mut updates = 0;
        for (who, which, pool, act) in acts {
            let (pool_type, key) = (POOL_TYPES[pool], B256::repeat_byte(which));
            let relay = *relays.entry(which).or_default();
            let member = members.get(&(pool, which)).copied();
            match act {
                Act::Join => {
                    let in_already = members.iter().any(|((p, k), (o, _))| *p == pool && (*k == which || *o == who));
                    let may = relay.operator == who && !in_already;
                    prop_assert_eq!(it.join(account(who), pool_type, key).is_ok(), may);
                    if may {
                        members.insert((pool, which), (who, relay.sequence));
                        sinks.insert((pool, who), relay.capacity);
                    }
                }
                Act::Leave => {
                    let may = member.is_some_and(|(operator, _)| operator == who || relay.operator != operator);
                    prop_assert_eq!(it.leave(account(who), pool_type, key).is_ok(), may);
                    if let (true, Some((operator, _))) = (may, member) {
                        members.remove(&(pool, which));
                        sinks.remove(&(pool, operator));
                    }
                }
                Act::Refresh => {
                    let may = member.is_some_and(|(operator, sequence)| {
                        operator == relay.operator && sequence != relay.sequence && sinks.contains_key(&(pool, operator))
                    });
                    prop_assert_eq!(it.refresh(pool_type, key).is_ok(), may);
                    if may {
                        members.insert((pool, which), (relay.operator, relay.sequence));
                        sinks.insert((pool, relay.operator), relay.capacity);
                        updates += 1;
                    }
                }
                Act::Give(operator) => {
                    relays.insert(which, Relay { operator, ..relay });
                    it.relay(key, account(operator), relay.capacity, relay.capacity, relay.sequence);
                }
                Act::Attest(capacity) => {
                    let sequence = relay.sequence + 1;
                    relays.insert(which, Relay { capacity, sequence, ..relay });
                    it.relay(key, account(relay.operator), capacity, capacity, sequence);
                }
                Act::Deregister => {
                    let id = it.id(pool_type);
                    let left = it.core.sender(ANYONE).deregister_sink_for(id, account(who)).motsu_res().is_ok();
                    prop_assert_eq!(left, sinks.remove(&(pool, who)).is_some());
                }
            }
            for (pool, pool_type) in POOL_TYPES.into_iter().enumerate() {
                for who in 1..4 {
                    let sink = sinks.get(&(pool, who));
                    prop_assert_eq!(it.serves(pool_type, account(who)), sink.is_some());
                    prop_assert_eq!(it.capacity(pool_type, account(who)), units(sink.copied().unwrap_or_default()));
                    let joined = members.iter().find(|((p, _), (o, _))| *p == pool && *o == who);
                    let joined = joined.map_or(B256::ZERO, |((_, key), _)| B256::repeat_byte(*key));
                    prop_assert_eq!(it.payment.sender(ANYONE).get_joined_relay(pool_type, account(who)), joined);
                }
                for key in 1..4 {
                    let (operator, sequence) = members.get(&(pool, key)).copied().unwrap_or_default();
                    let expected = (account(operator), U256::from(sequence));
                    let found = it.payment.sender(ANYONE).get_member(pool_type, B256::repeat_byte(key));
                    prop_assert_eq!(found, expected);
                }
            }
            prop_assert_eq!(it.core.sender(ANYONE).updates(), U256::from(updates));
        }
    }
}
