//! The examples in `ops/` are right, and what is wrong is named.

use bpe_service::config::parse;
use bpe_sink::Config;

#[test]
fn the_examples_are_right() {
    let minimal: Config = parse(include_str!("../../../ops/sink.minimal.toml")).unwrap();
    let complete: Config = parse(include_str!("../../../ops/sink.toml")).unwrap();
    // The complete example shows the defaults.
    assert_eq!(complete.capacity, minimal.capacity);
    assert_eq!(complete.queue, minimal.queue);
    assert_eq!(complete.timeouts, minimal.timeouts);
    assert_eq!(complete.service.listen, minimal.service.listen);
    assert_eq!(complete.gas, minimal.gas);
}

#[test]
fn says_which_key_is_wrong_and_what_would_be_right() {
    let text = include_str!("../../../ops/sink.minimal.toml");
    let error = |more: &str| {
        let parsed: Result<Config, _> = parse(&format!("{text}\n{more}"));
        parsed.unwrap_err().to_string()
    };
    assert!(error("[queue]\nwaiting = 3").contains("most_waiting"));
    assert!(error("[queue]\nfirst_trust = \"0x1\"").contains("decimal"));
    assert!(error("[capacity]\nmost_limit = 1").contains("first_limit or more"));
    assert!(error("[pay]\nredeem_before_end = 301").contains("at most 300"));
}
