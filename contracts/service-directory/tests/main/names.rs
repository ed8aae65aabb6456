//! Names: what counts as one, and who has it.

use crate::{contract, world::*};

/// `keccak256(abi.encode(creator, name))`, as everybody else computes it.
#[motsu::test]
fn ids_are_derived_as_solidity_encodes() {
    let world = World::new();
    for name in ["", "x", "translation", &"y".repeat(32), &"é".repeat(33)] {
        let expected = keccak256((ALICE, name.to_owned()).abi_encode_params());
        assert_eq!(world.derived(ALICE, name), expected, "{name}");
    }
}

/// The name that metadata give a task type, as it is listed.
fn named(metadata: &str) -> String {
    let world = World::new();
    let mut directory = world.directory.sender(OWNER);
    let describe = directory.describe(CODE, metadata.into());
    describe.motsu_unwrap();
    drop(directory);
    let name = world.directory.sender(CAROL).get_name(CODE);
    let expected = if name.is_empty() { vec![] } else { vec![CODE] };
    assert_eq!(world.resolve(&name, 0, 9).0, expected, "{metadata}");
    name
}

#[motsu::test]
fn a_name_is_the_first_member_or_the_whole_text() {
    let longest = "n".repeat(64);
    let json = format!("{{\"name\":\"{longest}\",\"unit\":\"token\"}}");
    let too_long = "n".repeat(65);
    for (metadata, name) in [
        ("translation", "translation"),
        (" spaces ", " spaces "),
        ("中文", "中文"),
        (longest.as_str(), longest.as_str()),
        (json.as_str(), longest.as_str()),
        ("{\"name\":\"code\"}", "code"),
        ("{\"name\":\"code\",\"name\":\"bank\"}", "code"),
        // What somebody could read as another name than somebody else has none.
        (too_long.as_str(), ""),
        ("{\"name\":\"\"}", ""),
        ("{\"name\":\"open", ""),
        ("{\"name\":\"a\\\"b\"}", ""),
        ("{\"name\":\"\\u0061\"}", ""),
        ("{ \"name\":\"code\"}", ""),
        ("{\"unit\":\"token\",\"name\":\"code\"}", ""),
        ("{}", ""),
        ("a\\b", ""),
        ("a\"b", ""),
        ("two\nlines", ""),
        ("\u{1b}[31mred", ""),
        ("\u{7f}", ""),
        ("next\u{85}line", ""),
        ("\u{202e}edoc", ""),
        ("co\u{200b}de", ""),
    ] {
        assert_eq!(named(metadata), name, "{metadata}");
    }
}

/// The attack: somebody fills the list of a name, before or after. Everybody stays on it where he is, in pages of 64.
#[motsu::test]
fn a_list_is_not_closed_by_filling_it() {
    let world = World::new();
    let creators: Vec<Address> = (1..=70).map(Address::with_last_byte).collect();
    let mut ids = Vec::new();
    for creator in &creators {
        world.stake(*creator, 100);
        let id = world.derived(*creator, "translation");
        world.register(*creator, id, "translation").unwrap();
        ids.push(id);
    }
    let page = |from, count| world.resolve("translation", from, count);
    assert_eq!(
        page(0, 1_000),
        (ids[..64].to_vec(), creators[..64].to_vec())
    );
    assert_eq!(page(64, 64), (ids[64..].to_vec(), creators[64..].to_vec()));
    assert_eq!(page(3, 2), (ids[3..5].to_vec(), creators[3..5].to_vec()));
    for (from, count) in [(70, 1), (0, 0), (u64::MAX, u64::MAX)] {
        assert_eq!(page(from, count), (vec![], vec![]));
    }
    let far = world.directory.sender(CAROL);
    let far = far.resolve("translation".into(), U256::MAX, U256::MAX);
    assert_eq!(far.motsu_unwrap(), Returns((vec![], vec![])));
    assert_eq!(world.resolve("Translation", 0, 9), (vec![], vec![]));
    assert_eq!(contract::MAX_PAGE, 64);
}
