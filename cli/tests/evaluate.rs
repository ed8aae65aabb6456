//! `bpe evaluate` as a process: the small version of everything, with the code of the whole one.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

fn evaluate(args: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpe"));
    command.arg("evaluate").args(args).output().unwrap()
}

/// What was found of a target, as a number.
fn found(report: &Value, what: &str) -> f64 {
    let sections = report["sections"].as_array().unwrap().iter();
    let mut targets = sections.flat_map(|it| it["finding"]["targets"].as_array().unwrap());
    let target = targets.find(|it| it["what"].as_str().unwrap().starts_with(what));
    let target = target.unwrap_or_else(|| panic!("no target {what}"));
    let found = target["found"].as_str().unwrap();
    found.trim_end_matches(" %").parse().unwrap()
}

/// The small evaluation plays every experiment, and what it finds is what the whole one is for: work that is done is paid,
/// prices settle, being many brings what the formula says, and signing oneself work loses the fee.
#[test]
fn the_small_evaluation_finds_what_the_protocol_promises() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, html, markdown) = (path("e.json"), path("e.html"), path("e.md"));
    let args = [
        "--small",
        "--json",
        &json,
        "--html",
        &html,
        "--markdown",
        &markdown,
    ];
    let output = evaluate(&args);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["schema"], "bpe-evaluation/1");
    let names: BTreeSet<_> = report["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let expected = [
        "adversaries",
        "buffer",
        "convergence",
        "gas",
        "price",
        "scale",
        "search",
        "shock",
        "smoothing",
        "sybil",
        "users",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let by_work = "Allocation efficiency, contracts, by work, stakes that back";
    assert!((95.0..=100.01).contains(&found(&report, by_work)));
    let settled = found(&report, "The price settles");
    assert!((1.0..1.05).contains(&settled), "{settled}");
    assert!(found(&report, "Sybil gain is what the formula says") < 0.01);
    assert!(found(&report, "Sybil gain under the affine curve") <= 1.0);
    let dealer = found(&report, "self-dealer, by work");
    assert!((-5.0..0.0).contains(&dealer), "{dealer}");
    let markdown = fs::read_to_string(&markdown).unwrap();
    assert!(markdown.contains("```mermaid\nxychart-beta\n") && markdown.contains("## Targets"));
    let html = fs::read_to_string(&html).unwrap();
    assert!(html.contains("<svg ") && !html.contains("NaN"));
}

#[test]
fn the_same_seed_finds_the_same_and_another_one_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let finding = |seed: &str| {
        let file = folder.path().join(seed);
        let json = file.to_str().unwrap();
        let output = evaluate(&["users", "--small", "--seed", seed, "--json", json]);
        assert!(output.status.success(), "{output:?}");
        let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        report["sections"][0]["finding"]["tables"].clone()
    };
    assert_eq!(finding("1"), finding("1"));
    assert_ne!(finding("1"), finding("2"));
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    for (args, expected) in [
        (vec!["nothing"], "there is no experiment \"nothing\""),
        (
            vec!["users", "--json", "no/folder/e.json"],
            "name a file in a folder that exists",
        ),
    ] {
        let output = evaluate(&args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(expected), "{message}");
    }
}
