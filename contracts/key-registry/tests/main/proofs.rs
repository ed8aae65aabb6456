//! Who proves a key, and who cannot.

use bpe_common::clock::testing::{advance_time, timestamp};

use super::*;

fn refused() -> Result<(), Error> {
    Err(InvalidKeySignature {}.into())
}

#[motsu::test]
fn a_nostr_key_names_its_operator_in_an_event() {
    let world = World::new();
    let now = timestamp();
    let (key, signature) = world.nostr_proof(1, ALICE, now);
    assert_eq!(world.operator(NOSTR, key), Address::ZERO);
    let it = world.keys.sender(BOB);
    let (time, zero) = (U256::from(now), U256::ZERO);
    assert_eq!(it.get_key_text(ALICE, time), world.text(ALICE, now));
    assert_eq!(
        it.get_event_id(key, ALICE, time).0,
        world.event(key, ALICE, now)
    );
    assert_eq!(it.event_kind(), U256::from(27_340));
    assert!(it.get_key_text(ALICE, zero).contains(" at 0 to "));
    drop(it);
    world.prove(ALICE, NOSTR, key, now, signature).unwrap();
    world.keys.assert_emitted(&KeyProven {
        scheme: NOSTR,
        key,
        operator: ALICE,
        time,
    });
    let found = world.keys.sender(BOB).get_key(NOSTR, key);
    assert_eq!(found, (ALICE, time, 2));
    assert_eq!(world.operator(LIGHTNING, key), Address::ZERO);
}

#[motsu::test]
fn a_lightning_node_names_its_operator_by_signmessage() {
    let world = World::new();
    let now = timestamp();
    let mut first_bytes = [0; 4];
    for seed in 1..=12 {
        let (key, signature) = world.lightning_proof(seed, ALICE, now);
        world.prove(ALICE, LIGHTNING, key, now, signature).unwrap();
        let (operator, time, first_byte) = world.keys.sender(BOB).get_key(LIGHTNING, key);
        assert_eq!((operator, time), (ALICE, U256::from(now)));
        first_bytes[usize::from(first_byte)] += 1;
        assert_eq!(world.operator(NOSTR, key), Address::ZERO);
    }
    assert_eq!(first_bytes[0] + first_bytes[1], 0);
    assert!(first_bytes[2] > 0 && first_bytes[3] > 0);
}

/// The attack: whoever comes first has an id, without its key, or with what was signed for somebody else.
#[motsu::test]
fn nobody_proves_another_ones_key() {
    let world = World::new();
    let now = timestamp();
    for (scheme, (key, signature)) in [
        (NOSTR, world.nostr_proof(1, ALICE, now)),
        (LIGHTNING, world.lightning_proof(2, ALICE, now)),
    ] {
        // By another account, of another key, at another time, by the other scheme.
        let prove =
            |operator, key, time| world.prove(operator, scheme, key, time, signature.clone());
        assert_eq!(prove(BOB, key, now), refused());
        assert_eq!(prove(ALICE, B256::repeat_byte(1), now), refused());
        assert_eq!(prove(ALICE, B256::ZERO, now), refused());
        assert_eq!(prove(ALICE, B256::repeat_byte(0xff), now), refused());
        assert_eq!(prove(ALICE, key, now - 1), refused());
        let other = world.prove(ALICE, 3 - scheme, key, now, signature.clone());
        assert_eq!(other, refused());
        // Malformed.
        for bytes in [
            vec![],
            signature[1..].to_vec(),
            [&signature[..], &[0]].concat(),
        ] {
            assert_eq!(world.prove(ALICE, scheme, key, now, bytes), refused());
        }
        // For another chain, and another registry.
        VM::context().set_chain_id(CHAIN + 1);
        assert_eq!(prove(ALICE, key, now), refused());
        VM::context().set_chain_id(CHAIN);
        let elsewhere = Contract::<KeyRegistry>::new();
        let proof = elsewhere.sender(ALICE).prove_key(
            scheme,
            key,
            U256::from(now),
            signature.clone().into(),
        );
        assert_eq!(proof.motsu_res(), refused());
        assert_eq!(world.operator(scheme, key), Address::ZERO);
        prove(ALICE, key, now).unwrap();
    }
    for scheme in [0, 3, 255] {
        let (key, signature) = world.nostr_proof(1, ALICE, now + 1);
        let error = UnknownScheme { scheme };
        let proof = world.prove(ALICE, scheme, key, now + 1, signature);
        assert_eq!(proof, Err(error.into()));
    }
}

/// The attack: what a key signed for its last operator takes it back from the next one.
#[motsu::test]
fn the_last_word_counts() {
    let world = World::new();
    let now = timestamp();
    let (key, for_alice) = world.nostr_proof(1, ALICE, now);
    world
        .prove(ALICE, NOSTR, key, now, for_alice.clone())
        .unwrap();
    advance_time(100);
    let (_, for_bob) = world.nostr_proof(1, BOB, now + 100);
    world
        .prove(BOB, NOSTR, key, now + 100, for_bob.clone())
        .unwrap();
    assert_eq!(world.operator(NOSTR, key), BOB);
    let error = |time| {
        let (time, last) = (U256::from(time), U256::from(now + 100));
        Err(InvalidProofTime { time, last }.into())
    };
    assert_eq!(world.prove(ALICE, NOSTR, key, now, for_alice), error(now));
    assert_eq!(
        world.prove(BOB, NOSTR, key, now + 100, for_bob),
        error(now + 100)
    );
    // Nor can a key be shut out by a time that never comes.
    let (_, later) = world.nostr_proof(1, ALICE, now + 131);
    assert_eq!(
        world.prove(ALICE, NOSTR, key, now + 131, later.clone()),
        error(now + 131)
    );
    advance_time(1);
    world.prove(ALICE, NOSTR, key, now + 131, later).unwrap();
    assert_eq!(world.operator(NOSTR, key), ALICE);
}
