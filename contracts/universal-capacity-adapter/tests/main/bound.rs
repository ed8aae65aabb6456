//! Who speaks for a task type, for which one an attestation is, and what has grown old.

use alloy_primitives::{Address, B256};
use bpe_common::{attestation::InvalidHalfLife, clock::testing::advance_time};
use motsu::prelude::*;

use super::{contract::*, World, *};

const CREATOR: Address = Address::repeat_byte(0xce);
/// 12 epochs of 300 s.
const HALF_LIFE: u64 = 3_600;

impl World {
    fn routes(&self, domain: B256, attestation: Vec<u8>) -> Result<(), Error> {
        let mut it = self.universal.sender(RELAYER);
        it.route_attestation(domain, attestation.into()).motsu_res()
    }

    fn binds(&self, caller: Address, id: B256, adapter: Address, bound: bool) -> Result<(), Error> {
        let mut it = self.universal.sender(caller);
        it.bind_adapter(id, adapter, bound).motsu_res()
    }

    fn refreshes(&self, id: B256, sink: Address) -> Result<(), Error> {
        self.universal.sender(RELAYER).refresh(id, sink).motsu_res()
    }

    fn has(&self, id: B256, sink: Address) -> U256 {
        self.registry.sender(OWNER).get_smoothed_capacity(id, sink)
    }
}

/// The attack: the owner's own adapter moves the capacity of sinks that signed nothing.
#[motsu::test]
fn an_adapter_speaks_for_a_task_type_if_its_creator_says_so() {
    let it = World::new();
    let claw = it.claw.address();
    it.registry.sender(OWNER).set_creator(CODE, CREATOR);
    let register = it.universal.sender(OWNER).register_adapter_for(claw, CODE);
    register.motsu_unwrap();
    let unbound = || {
        let error = AdapterNotBound {
            taskTypeId: CODE,
            adapter: claw,
        };
        Err(error.into())
    };
    assert_eq!(it.routes(CLAW, attestation(SINK, 500, 1)), unbound());
    assert_eq!(it.has(CODE, SINK), n(0));
    for caller in [OWNER, SINK, claw] {
        let error = NotTaskTypeCreator {
            taskTypeId: CODE,
            caller,
        };
        assert_eq!(it.binds(caller, CODE, claw, true), Err(error.into()));
    }
    it.binds(CREATOR, CODE, claw, true).unwrap();
    it.universal.assert_emitted(&AdapterBound {
        taskTypeId: CODE,
        adapter: claw,
        bound: true,
    });
    assert!(it.universal.sender(SINK).is_bound(CODE, claw));
    it.routes(CLAW, attestation(SINK, 500, 1)).unwrap();
    assert_eq!(it.has(CODE, SINK), n(500));
    // No other adapter of the domain, and this one no longer.
    let remove = it.universal.sender(OWNER).remove_adapter(CLAW);
    remove.motsu_unwrap();
    let other = Contract::<crate::neighbours::Domain>::new();
    other.sender(OWNER).set(CLAW, "another".into());
    let register = it
        .universal
        .sender(OWNER)
        .register_adapter_for(other.address(), CODE);
    register.motsu_unwrap();
    let refused = it.routes(CLAW, attestation(SINK, 500, 2)).unwrap_err();
    assert!(matches!(refused, Error::AdapterNotBound(_)));
    it.binds(CREATOR, CODE, claw, false).unwrap();
    assert!(!it.universal.sender(SINK).is_bound(CODE, claw));
}

/// The attack: an attestation of research moves the capacity in code, as one adapter had one task type.
#[motsu::test]
fn one_adapter_serves_several_task_types() {
    let it = World::new();
    let claw = it.claw.address();
    let register = it
        .universal
        .sender(OWNER)
        .register_adapter_for(claw, B256::ZERO);
    register.motsu_unwrap();
    // It does not say for which.
    let refused = it.routes(CLAW, attestation(SINK, 500, 1)).unwrap_err();
    assert!(matches!(refused, Error::Revert(_)));
    it.claw.sender(OWNER).set_task_types(true);
    let of = |id: B256, capacity, nonce| {
        let words = attestation(SINK, capacity, nonce);
        [&words[..], &id.0].concat()
    };
    let unbound = it.routes(CLAW, of(CODE, 500, 1)).unwrap_err();
    assert!(matches!(unbound, Error::AdapterNotBound(_)));
    it.binds(OWNER, CODE, claw, true).unwrap();
    it.routes(CLAW, of(CODE, 500, 1)).unwrap();
    assert_eq!((it.has(CODE, SINK), it.has(RELAY, SINK)), (n(500), n(0)));
    it.binds(OWNER, RELAY, claw, true).unwrap();
    it.routes(CLAW, of(RELAY, 70, 2)).unwrap();
    assert_eq!((it.has(CODE, SINK), it.has(RELAY, SINK)), (n(500), n(70)));
}

/// The attack: an attestation of ninety days ago is paid like a new one.
#[motsu::test]
fn what_is_not_renewed_is_worth_less_and_less() {
    let it = World::new();
    it.routes(RELAY, attestation(SINK, 800, 1)).unwrap();
    let attested = it.universal.sender(SINK).get_attested(RELAY, SINK);
    assert_eq!(
        attested,
        (n(800), n(bpe_common::clock::testing::timestamp()))
    );
    advance_time(299);
    it.refreshes(RELAY, SINK).unwrap();
    assert_eq!(it.has(RELAY, SINK), n(800));
    advance_time(HALF_LIFE / 2 - 299);
    it.refreshes(RELAY, SINK).unwrap();
    assert_eq!(it.has(RELAY, SINK), n(600));
    advance_time(HALF_LIFE / 2);
    it.refreshes(RELAY, SINK).unwrap();
    assert_eq!(it.has(RELAY, SINK), n(400));
    advance_time(90 * 86_400);
    it.refreshes(RELAY, SINK).unwrap();
    assert_eq!(it.has(RELAY, SINK), n(0));
    it.routes(RELAY, attestation(SINK, 800, 2)).unwrap();
    assert_eq!(it.has(RELAY, SINK), n(800));
    // Who never attested here is not touched.
    it.registry.sender(OWNER).enter(CODE, OTHER, n(5));
    it.refreshes(CODE, OTHER).unwrap();
    assert_eq!(it.has(CODE, OTHER), n(5));
}

#[motsu::test]
fn the_owner_sets_the_half_life() {
    let it = World::new();
    let set = |caller, epochs| {
        let mut universal = it.universal.sender(caller);
        universal.set_half_life(n(epochs)).motsu_res()
    };
    assert!(matches!(set(SINK, 24), Err(Error::Ownable(_))));
    for epochs in [0, 1, 289, 65_538] {
        let error = InvalidHalfLife { epochs: n(epochs) };
        assert_eq!(set(OWNER, epochs), Err(error.into()));
    }
    assert_eq!(it.universal.sender(SINK).half_life(), n(12));
    set(OWNER, 288).unwrap();
    it.universal.assert_emitted(&HalfLifeSet { epochs: n(288) });
    it.routes(RELAY, attestation(SINK, 800, 1)).unwrap();
    advance_time(86_400);
    it.refreshes(RELAY, SINK).unwrap();
    assert_eq!(it.has(RELAY, SINK), n(400));
    // A layout in which fields overlap would show here.
    let stakes = it.universal.sender(SINK).stake_manager();
    assert_eq!(stakes, it.stakes.address());
}
