//! Every function, error, event and access rule.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_common::{
    call::{MalformedReturn, NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    ownable::{self, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    powers::{PowerAnnounced, MIN_NOTICE},
};
use motsu::prelude::*;

use super::{contract::*, neighbours::Misbehaviour, World, *};

impl World {
    fn route(&self, domain: B256, attestation: Vec<u8>) -> Result<(), Error> {
        self.universal
            .sender(RELAYER)
            .route_attestation(domain, attestation.into())
            .motsu_res()
    }

    fn capacity(&self, id: B256, sink: Address) -> U256 {
        self.registry.sender(OWNER).get_smoothed_capacity(id, sink)
    }

    fn register(&self, adapter: Address) -> Result<(), Error> {
        self.universal
            .sender(OWNER)
            .register_adapter(adapter)
            .motsu_res()
    }

    fn remove(&self, domain: B256) -> Result<(), Error> {
        self.universal
            .sender(OWNER)
            .remove_adapter(domain)
            .motsu_res()
    }

    fn last_nonce(&self, domain: B256, sink: Address) -> U256 {
        self.universal.sender(RELAYER).last_nonce(domain, sink)
    }

    fn misbehave(&self, how: Misbehaviour) {
        self.relay.sender(OWNER).misbehave(how as u8);
    }
}

fn used(provided: u64, required: u64) -> Error {
    NonceAlreadyUsed {
        provided: n(provided),
        required: n(required),
    }
    .into()
}

#[motsu::test]
fn is_set_up_over_contracts(it: Contract<UniversalCapacityAdapter>) {
    let (registry, stakes) = (Contract::<Registry>::new(), Contract::<Stakes>::new());
    let nobody = Address::repeat_byte(0x77);
    for (neighbours, owner, expected) in [
        (
            [nobody, stakes.address()],
            OWNER,
            Error::NotAContract(NotAContract { account: nobody }),
        ),
        (
            [registry.address(), nobody],
            OWNER,
            Error::NotAContract(NotAContract { account: nobody }),
        ),
        (
            [registry.address(), stakes.address()],
            Address::ZERO,
            Error::Ownable(ownable::Error::InvalidOwner(OwnableInvalidOwner {
                owner: Address::ZERO,
            })),
        ),
    ] {
        let [registry, stakes] = neighbours;
        let error = it.sender(RELAYER).constructor(registry, stakes, owner);
        assert_eq!(error.motsu_unwrap_err(), expected);
    }
    let (registry, stakes) = (registry.address(), stakes.address());
    it.sender(RELAYER)
        .constructor(registry, stakes, OWNER)
        .motsu_unwrap();
    assert_eq!(it.sender(RELAYER).core_registry(), registry);
    assert_eq!(it.sender(RELAYER).stake_manager(), stakes);
}

#[motsu::test]
fn an_attestation_reaches_the_registry() {
    let it = World::new();
    it.route(RELAY, attestation(SINK, 500, 1)).unwrap();
    assert_eq!(it.capacity(RELAY, SINK), n(500));
    assert_eq!(it.capacity(RELAY, OTHER), n(0));
    assert_eq!(it.last_nonce(RELAY, SINK), n(1));
    it.universal.assert_emitted(&AttestationRouted {
        domainId: RELAY,
        sink: SINK,
        normalizedCapacity: n(500),
    });
}

/// The attack: a domain of the owner's, whose adapter says of any sink that it can do all that its stake backs. It owes that.
#[motsu::test]
fn once_staking_is_open_an_adapter_is_believed_after_the_notice() {
    let it = World::new();
    it.stakes.sender(OWNER).set_notice(n(MIN_NOTICE));
    let claw = it.claw.address();
    let read = || {
        let universal = it.universal.sender(OWNER);
        (
            universal.get_adapter(CLAW),
            universal.get_registration(CLAW),
        )
    };
    let register = it.universal.sender(OWNER).register_adapter_for(claw, CODE);
    register.motsu_unwrap();
    let from = n(timestamp() + MIN_NOTICE);
    it.universal.assert_emitted(&PowerAnnounced {
        at: it.universal.address(),
        power: ADAPTER,
        to: claw,
        from,
    });
    let early = || Err(AdapterNotRegistered {}.into());
    let again = Err(AdapterAlreadyRegistered {}.into());
    assert_eq!(it.register(claw), again, "its domain is taken");
    advance_time(MIN_NOTICE - 1);
    assert_eq!(read(), (Address::ZERO, (claw, CODE, from)));
    assert_eq!(it.route(CLAW, attestation(SINK, 500, 1)), early());
    // Taken off while it is only announced, and put on again: the notice begins anew.
    it.remove(CLAW).unwrap();
    assert_eq!(read(), (Address::ZERO, (Address::ZERO, B256::ZERO, n(0))));
    let register = it.universal.sender(OWNER).register_adapter_for(claw, CODE);
    register.motsu_unwrap();
    advance_time(MIN_NOTICE - 1);
    assert_eq!(it.route(CLAW, attestation(SINK, 500, 1)), early());
    advance_time(1);
    assert_eq!(read().0, claw);
    it.route(CLAW, attestation(SINK, 500, 1)).unwrap();
    assert_eq!(it.capacity(CODE, SINK), n(500));
    it.remove(CLAW).unwrap();
    assert_eq!(it.route(CLAW, attestation(SINK, 500, 2)), early());
}

/// The Solidity deployment's adapters number nothing: their task type's creator takes one per sink and epoch from them.
#[motsu::test]
fn an_adapter_without_numbers_counts_once_an_epoch_where_the_creator_allows_it() {
    let it = World::new();
    let creator = Address::repeat_byte(0xce);
    it.registry.sender(OWNER).set_creator(RELAY, creator);
    it.misbehave(Misbehaviour::RevertsNonce);
    let no = Revert(Refusal::from("no").abi_encode());
    let plain = |capacity| attestation(SINK, capacity, 0);
    assert_eq!(it.route(RELAY, plain(500)), Err(no.into()));
    let set = |caller, domain, unnumbered| {
        it.universal
            .sender(caller)
            .set_unnumbered(domain, unnumbered)
            .motsu_res()
    };
    for caller in [OWNER, SINK] {
        let error = NotTaskTypeCreator {
            taskTypeId: RELAY,
            caller,
        };
        assert_eq!(set(caller, RELAY, true), Err(error.into()));
    }
    let missing = set(creator, CLAW, true);
    assert_eq!(missing, Err(AdapterNotRegistered {}.into()));
    assert_eq!(set(creator, RELAY, true), Ok(()));
    it.universal.assert_emitted(&UnnumberedSet {
        domainId: RELAY,
        adapter: it.relay.address(),
        unnumbered: true,
    });
    assert!(it.universal.sender(SINK).is_unnumbered(RELAY));

    // In the middle of an epoch, until its end.
    advance_time(300 - timestamp() % 300 + 100);
    let end = timestamp() + 200;
    it.route(RELAY, plain(500)).unwrap();
    assert_eq!(it.capacity(RELAY, SINK), n(500));
    let next = it.universal.sender(OTHER).next_attestation(RELAY, SINK);
    assert_eq!(next, n(end));
    let soon = AttestationTooSoon {
        sink: SINK,
        from: n(end),
    };
    assert_eq!(it.route(RELAY, plain(900)), Err(soon.into()));
    it.route(RELAY, attestation(OTHER, 300, 0)).unwrap();
    advance_time(199);
    let again = it.route(RELAY, plain(900)).unwrap_err();
    assert!(matches!(again, Error::AttestationTooSoon(_)));
    advance_time(1);
    it.route(RELAY, plain(900)).unwrap();
    assert_eq!(it.capacity(RELAY, SINK), n(900));

    // Another adapter has to be allowed again, and numbers count again when it is not.
    it.remove(RELAY).unwrap();
    it.register(it.relay.address()).unwrap();
    assert!(!it.universal.sender(SINK).is_unnumbered(RELAY));
    it.misbehave(Misbehaviour::None);
    it.route(RELAY, attestation(SINK, 100, 1)).unwrap();
    assert_eq!(it.route(RELAY, attestation(SINK, 100, 1)), Err(used(1, 2)));
}

#[motsu::test]
fn an_attestation_counts_once_and_in_order() {
    let it = World::new();
    assert_eq!(it.route(RELAY, attestation(SINK, 1, 0)), Err(used(0, 1)));
    it.route(RELAY, attestation(SINK, 500, 7)).unwrap();
    assert_eq!(it.route(RELAY, attestation(SINK, 500, 7)), Err(used(7, 8)));
    assert_eq!(it.route(RELAY, attestation(SINK, 900, 6)), Err(used(6, 8)));
    // The same with something behind it hashes to something else, and is the same.
    let padded = [attestation(SINK, 500, 7), vec![0; 32]].concat();
    assert_eq!(it.route(RELAY, padded), Err(used(7, 8)));
    assert_eq!(it.capacity(RELAY, SINK), n(500));
    it.route(RELAY, attestation(SINK, 400, 9)).unwrap();
    assert_eq!(it.capacity(RELAY, SINK), n(400));
    // Of another sink it is another.
    it.route(RELAY, attestation(OTHER, 300, 7)).unwrap();
    assert_eq!(it.last_nonce(RELAY, SINK), n(9));
    assert_eq!(it.last_nonce(RELAY, OTHER), n(7));
}

/// The attack: one nonce of 2^256 − 1 locks a sink out for ever.
#[motsu::test]
fn no_nonce_locks_a_sink_out() {
    let it = World::new();
    let with = |nonce: U256| {
        let words = attestation(SINK, 500, 0);
        [&words[..64], &nonce.to_be_bytes::<32>()].concat()
    };
    let step = n(1 << 32);
    for provided in [U256::MAX, step + n(1)] {
        let error = NonceTooHigh {
            provided,
            maximum: step,
        };
        assert_eq!(it.route(RELAY, with(provided)), Err(error.into()));
    }
    assert_eq!(it.last_nonce(RELAY, SINK), n(0));
    // A time in seconds is a good one; so are later ones.
    let time = n(timestamp());
    it.route(RELAY, with(time)).unwrap();
    it.route(RELAY, with(time + step)).unwrap();
    assert_eq!(it.last_nonce(RELAY, SINK), time + step);
}

#[motsu::test]
fn nonces_are_of_a_domain_and_outlast_its_adapters() {
    let it = World::new();
    it.route(RELAY, attestation(SINK, 500, 7)).unwrap();
    it.universal
        .sender(OWNER)
        .register_adapter_for(it.claw.address(), CODE)
        .motsu_unwrap();
    it.route(CLAW, attestation(SINK, 100, 7)).unwrap();
    assert_eq!(it.last_nonce(CLAW, SINK), n(7));
    assert_eq!(it.capacity(CODE, SINK), n(100));

    it.remove(RELAY).unwrap();
    assert_eq!(it.last_nonce(RELAY, SINK), n(7));
    it.register(it.relay.address()).unwrap();
    assert_eq!(it.route(RELAY, attestation(SINK, 500, 7)), Err(used(7, 8)));
    // Another adapter of the same domain goes on from there.
    it.remove(RELAY).unwrap();
    it.remove(CLAW).unwrap();
    it.claw.sender(OWNER).set(RELAY, "other relays".into());
    it.register(it.claw.address()).unwrap();
    assert_eq!(it.route(RELAY, attestation(SINK, 500, 7)), Err(used(7, 8)));
    it.route(RELAY, attestation(SINK, 501, 8)).unwrap();
    assert_eq!(it.capacity(RELAY, SINK), n(501));
}

#[motsu::test]
fn a_sink_has_to_be_staked_and_registered() {
    let it = World::new();
    it.stakes.sender(OWNER).set_stake(SINK, n(0));
    let error = it.route(RELAY, attestation(SINK, 500, 1));
    assert_eq!(error, Err(SinkNotStaked {}.into()));
    it.stakes.sender(OWNER).set_stake(SINK, n(1));
    it.registry.sender(OWNER).leave(RELAY, SINK);
    let refusal = Revert(Refusal::from("no").abi_encode());
    let error = it.route(RELAY, attestation(SINK, 500, 1));
    assert_eq!(error, Err(refusal.into()));
    // Nothing is used up by that.
    assert_eq!(it.last_nonce(RELAY, SINK), n(0));
    it.registry.sender(OWNER).enter(RELAY, SINK, n(0));
    it.route(RELAY, attestation(SINK, 500, 1)).unwrap();
}

#[motsu::test]
fn nothing_is_taken_from_an_adapter_that_misbehaves() {
    let it = World::new();
    let invalid = || Error::from(InvalidAttestation {});
    let no = || Error::from(Revert(Refusal::from("no").abi_encode()));
    for (how, expected) in [
        (Misbehaviour::Reverts, no()),
        (Misbehaviour::RevertsLong, Revert(vec![7; 256]).into()),
        (Misbehaviour::SaysInvalid, invalid()),
        (Misbehaviour::SaysTwo, invalid()),
        (Misbehaviour::DirtySink, invalid()),
        (Misbehaviour::NoSink, invalid()),
        (Misbehaviour::Short, invalid()),
        (Misbehaviour::ShortNonce, invalid()),
        (Misbehaviour::RevertsNonce, no()),
    ] {
        it.misbehave(how);
        let error = it.route(RELAY, attestation(SINK, 500, 1));
        assert_eq!(error, Err(expected), "{how:?}");
    }
    assert_eq!(it.capacity(RELAY, SINK), n(0));
    it.misbehave(Misbehaviour::None);
    assert_eq!(it.route(RELAY, vec![1; 63]), Err(invalid()));
    assert_eq!(it.route(RELAY, vec![]), Err(invalid()));
    it.route(RELAY, attestation(SINK, 500, 1)).unwrap();
}

#[motsu::test]
fn bytes_arrive_as_they_were_sent() {
    let it = World::new();
    for tail in [0, 1, 31, 32, 33, 63] {
        let nonce = 100 + tail as u64;
        let bytes = [attestation(SINK, nonce, nonce), vec![9; tail]].concat();
        it.route(RELAY, bytes).unwrap();
        assert_eq!(it.capacity(RELAY, SINK), n(nonce));
    }
}

#[motsu::test]
fn signals_are_normalized_by_the_domain() {
    let it = World::new();
    let raw = n(21).to_be_bytes_vec();
    let normalize = |domain, raw: &[u8]| {
        it.universal
            .sender(RELAYER)
            .normalize_capacity(domain, raw.to_vec().into())
    };
    assert_eq!(normalize(RELAY, &raw), Ok(n(42)));
    assert_eq!(normalize(RELAY, &[3]), Ok(n(6)));
    assert_eq!(normalize(CLAW, &raw), Err(AdapterNotRegistered {}.into()));
    let error = normalize(RELAY, &[7; 33]);
    assert_eq!(error, Err(Revert(vec![1]).into()));
}

#[motsu::test]
fn an_adapter_says_which_domain_it_is_of() {
    let it = World::new();
    it.universal.assert_emitted(&AdapterRegistered {
        domainId: RELAY,
        adapter: it.relay.address(),
        description: "relays".into(),
    });
    it.universal.assert_emitted(&TaskTypeSet {
        domainId: RELAY,
        taskTypeId: RELAY,
    });
    it.universal
        .sender(OWNER)
        .register_adapter_for(it.claw.address(), CODE)
        .motsu_unwrap();
    it.universal.assert_emitted(&TaskTypeSet {
        domainId: CLAW,
        taskTypeId: CODE,
    });
    let reader = it.universal.sender(RELAYER);
    assert_eq!(reader.get_adapter(RELAY), it.relay.address());
    assert_eq!(reader.get_adapter(CLAW), it.claw.address());
    assert_eq!(reader.get_task_type_id(RELAY), RELAY);
    assert_eq!(reader.get_task_type_id(CLAW), CODE);
    assert_eq!(reader.get_all_domains(), [RELAY, CLAW]);
    assert_eq!(reader.domain_count(), n(2));
}

#[motsu::test]
fn what_cannot_be_an_adapter() {
    let it = World::new();
    let account = Address::repeat_byte(0x77);
    assert_eq!(it.register(account), Err(NotAContract { account }.into()));
    let again = it.register(it.relay.address());
    assert_eq!(again, Err(AdapterAlreadyRegistered {}.into()));
    // A second one of a domain that has one.
    it.claw.sender(OWNER).set(RELAY, "usurper".into());
    let second = it.register(it.claw.address());
    assert_eq!(second, Err(AdapterAlreadyRegistered {}.into()));

    it.claw.sender(OWNER).set(CLAW, "x".repeat(1_025));
    let error = DescriptionTooLong {
        length: n(1_025),
        maximum: n(1_024),
    };
    assert_eq!(it.register(it.claw.address()), Err(error.into()));
    let how = Misbehaviour::WrongDescription as u8;
    it.claw.sender(OWNER).misbehave(how);
    let callee = it.claw.address();
    let error = Revert(MalformedReturn { callee }.abi_encode());
    assert_eq!(it.register(callee), Err(error.into()));
    let error = it.register(it.stakes.address());
    assert!(matches!(error, Err(Error::Revert(_))));

    it.claw.sender(OWNER).misbehave(0);
    it.claw.sender(OWNER).set(CLAW, "x".repeat(1_024));
    it.register(it.claw.address()).unwrap();
}

#[motsu::test]
fn domains_leave_the_list_without_gaps() {
    let it = World::new();
    let ids: Vec<_> = (1..=4).map(B256::repeat_byte).collect();
    it.remove(RELAY).unwrap();
    it.universal
        .assert_emitted(&AdapterRemoved { domainId: RELAY });
    let error: Result<(), Error> = Err(AdapterNotRegistered {}.into());
    assert_eq!(it.remove(RELAY), error);
    assert_eq!(it.route(RELAY, attestation(SINK, 500, 1)), error);
    let list = || it.universal.sender(RELAYER).get_all_domains();
    assert_eq!(list(), Vec::<B256>::new());
    for id in &ids {
        it.claw.sender(OWNER).set(*id, "many".into());
        it.register(it.claw.address()).unwrap();
    }
    it.remove(ids[1]).unwrap();
    assert_eq!(list(), [ids[0], ids[3], ids[2]]);
    it.remove(ids[2]).unwrap();
    assert_eq!(list(), [ids[0], ids[3]]);
    it.remove(ids[0]).unwrap();
    it.remove(ids[3]).unwrap();
    assert_eq!(list(), Vec::<B256>::new());
    let reader = it.universal.sender(RELAYER);
    assert_eq!(reader.domain_count(), n(0));
    assert_eq!(reader.get_adapter(ids[3]), Address::ZERO);
    assert_eq!(reader.get_task_type_id(ids[3]), B256::ZERO);
}

#[motsu::test]
fn there_are_so_many_domains_at_most() {
    let it = World::new();
    for number in 1..=256_u64 {
        let id = B256::from(n(number));
        it.claw.sender(OWNER).set(id, "many".into());
        let registered = it.register(it.claw.address());
        match number {
            256 => {
                let maximum = n(256);
                assert_eq!(registered, Err(TooManyDomains { maximum }.into()));
            }
            _ => registered.unwrap(),
        }
    }
}

#[motsu::test]
fn what_the_owner_alone_may() {
    let it = World::new();
    let adapter = it.claw.address();
    for account in [RELAYER, SINK, Address::ZERO] {
        let context = || it.universal.sender(account);
        let calls: [Result<(), Error>; 3] = [
            context().register_adapter(adapter).motsu_res(),
            context().register_adapter_for(adapter, CODE).motsu_res(),
            context().remove_adapter(RELAY).motsu_res(),
        ];
        for call in calls {
            let error = ownable::Error::Unauthorized(OwnableUnauthorizedAccount { account });
            assert_eq!(call, Err(Error::Ownable(error)));
        }
    }
}
