//! Services: where sinks can be reached.

use crate::world::*;

const URI: &str = "https://sink.example/v1";

fn page(world: &World, from: u64, count: u64) -> (Vec<Address>, Vec<String>) {
    let directory = world.directory.sender(CAROL);
    let page = directory.get_services(CODE, n(from), n(count));
    page.motsu_unwrap().0
}

#[motsu::test]
fn a_sink_says_where_it_is_reached() {
    let world = World::new();
    world.serve(CODE, ALICE);
    assert_eq!(world.service(CODE, ALICE), "");
    world.set_service(ALICE, CODE, URI).unwrap();
    let set = |uri: &str| ServiceSet {
        taskTypeId: CODE,
        sink: ALICE,
        uri: uri.into(),
    };
    world.directory.assert_emitted(&set(URI));
    assert_eq!(world.service(CODE, ALICE), URI);
    // Longer and shorter ones leave nothing behind.
    let longest = "é".repeat(128);
    for uri in [longest.as_str(), "x", URI, ""] {
        world.set_service(ALICE, CODE, uri).unwrap();
        assert_eq!(world.service(CODE, ALICE), uri);
    }
    world.directory.assert_emitted(&set(""));
    let too_long = UriTooLong {
        length: n(257),
        maximum: n(256),
    };
    let long = world.set_service(ALICE, CODE, &"x".repeat(257));
    assert_eq!(long, Err(too_long.into()));
}

#[motsu::test]
fn only_who_serves_says_so() {
    let world = World::new();
    let refused = |sink, id| {
        let error = SinkNotRegistered {
            taskTypeId: id,
            sink,
        };
        Err(error.into())
    };
    assert_eq!(world.set_service(ALICE, CODE, URI), refused(ALICE, CODE));
    let other = B256::repeat_byte(9);
    world.serve(CODE, ALICE);
    assert_eq!(world.set_service(ALICE, other, URI), refused(ALICE, other));
    // Nothing is said for somebody else.
    world.set_service(ALICE, CODE, URI).unwrap();
    assert_eq!(world.set_service(BOB, CODE, URI), refused(BOB, CODE));
    // To take back what was never said is nobody's business.
    world.set_service(BOB, CODE, "").unwrap();
    assert_eq!(world.service(CODE, BOB), "");
}

/// The attack: a sink leaves with its stake, and is still found, and paid in advance say.
#[motsu::test]
fn a_sink_that_left_is_reached_nowhere() {
    let world = World::new();
    for sink in [ALICE, BOB] {
        world.serve(CODE, sink);
        world.set_service(sink, CODE, URI).unwrap();
    }
    world.leave(CODE, ALICE);
    assert_eq!(world.service(CODE, ALICE), "");
    assert_eq!(page(&world, 0, 9), (vec![BOB], vec![URI.into()]));
    // It can take back what it said, and say nothing else.
    let gone = SinkNotRegistered {
        taskTypeId: CODE,
        sink: ALICE,
    };
    assert_eq!(world.set_service(ALICE, CODE, "x"), Err(gone.into()));
    // If it comes back, what it said last holds.
    world.serve(CODE, ALICE);
    assert_eq!(world.service(CODE, ALICE), URI);
    world.leave(CODE, ALICE);
    world.set_service(ALICE, CODE, "").unwrap();
    world.serve(CODE, ALICE);
    assert_eq!(world.service(CODE, ALICE), "");
}

/// The attack: sinks with the longest uris, as many as there can be, so that nobody can read a page.
#[motsu::test]
fn pages_are_bounded_whatever_sinks_say() {
    let world = World::new();
    let sinks: Vec<Address> = (1..=70).map(Address::with_last_byte).collect();
    let uri = "x".repeat(256);
    for (number, sink) in sinks.iter().enumerate() {
        world.serve(CODE, *sink);
        if number % 2 == 0 {
            world.set_service(*sink, CODE, &uri).unwrap();
        }
    }
    let (first, uris) = page(&world, 0, 1_000);
    assert_eq!(first, sinks[..64]);
    assert_eq!(uris.len(), 64);
    for (number, said) in uris.iter().enumerate() {
        let expected = if number % 2 == 0 { &uri } else { "" };
        assert_eq!(said, expected, "{number}");
    }
    assert_eq!(page(&world, 64, 64).0, sinks[64..]);
    let last = (vec![sinks[69]], vec![String::new()]);
    assert_eq!(page(&world, 69, u64::MAX), last);
    assert_eq!(page(&world, 70, 1), (vec![], vec![]));
    let nothing = world.directory.sender(CAROL);
    let nothing = nothing.get_services(B256::ZERO, U256::ZERO, U256::MAX);
    assert_eq!(nothing.motsu_unwrap(), Returns((vec![], vec![])));
}
