//! The examples in `ops/` are right, and what is wrong is named.

use bpe_service::config::parse;
use bpe_source::Config;

#[test]
fn the_examples_are_right() {
    let minimal: Config = parse(include_str!("../../../ops/source.minimal.toml")).unwrap();
    let complete: Config = parse(include_str!("../../../ops/source.toml")).unwrap();
    // The complete example shows the defaults.
    assert_eq!(complete.gateway, minimal.gateway);
    assert_eq!(complete.spend, minimal.spend);
    assert_eq!(complete.choose, minimal.choose);
    assert_eq!(complete.timeouts, minimal.timeouts);
}

#[test]
fn says_which_key_is_wrong_and_what_would_be_right() {
    let text = include_str!("../../../ops/source.minimal.toml");
    let error = |more: &str| {
        let parsed: Result<Config, _> = parse(&format!("{text}\n{more}"));
        parsed.unwrap_err().to_string()
    };
    assert!(error("[spend]\nmost = 3").contains("most_hour"));
    assert!(error("[gateway]\ndeadline = 3600").contains("3500"));
    assert!(
        error("[[sinks]]\nsink = \"0x0000000000000000000000000000000000000001\"\nurl = \"a\"")
            .contains("http")
    );
}
