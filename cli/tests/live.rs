//! `bpe demo` as processes, for seconds: its sums, and that it leaves no process behind, however it ends.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

fn demo(logs: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpe"));
    command.args(["demo", "--minutes", "4", "--speed", "20", "--logs"]);
    command.arg(logs);
    command
}

/// Decimal wei.
fn wei(value: &Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// The processes whose folder this is.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let there =
        all.filter(|it| fs::read_link(it.path().join("cwd")).is_ok_and(|cwd| cwd == folder));
    there
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn money_adds_up_the_liar_is_paid_for_what_it_did_and_no_process_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, json) = (
        folder.path().join("logs"),
        folder.path().join("report.json"),
    );
    let output = demo(&logs).arg("--json").arg(&json).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{printed}{errors}");
    assert!(
        printed.contains("The keeper's page: http://127.0.0.1:"),
        "{printed}"
    );
    assert!(
        printed.contains("Every token is accounted for, to the wei"),
        "{printed}"
    );
    assert_eq!(processes_in(&logs), Vec::<String>::new());

    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["schema"], "bpe-live-demo/1");
    assert_eq!(report["problem"], Value::Null);
    let gains = report["gains"].as_object().unwrap();
    assert_eq!(gains.values().map(wei).sum::<i128>(), 0);
    let sources = report["sources"].as_array().unwrap();
    let sinks = report["sinks"].as_array().unwrap();
    assert!(
        sources.iter().all(|it| it["served"].as_u64().unwrap() > 0),
        "{report:#}"
    );
    let mut earned = 0;
    for sink in sinks {
        // Each sink has what clients who sign have got of it, whatever it said that it can, or did.
        let counted = sink["counted"].as_array().unwrap();
        let (signs, free): (Vec<_>, Vec<_>) =
            counted.iter().partition(|it| it["source"] != "freerider");
        let seen: i128 = signs.iter().map(|it| wei(&it["seen"])).sum();
        assert_eq!(wei(&sink["earned"]), seen, "{sink:#}");
        let work: i128 = signs.iter().map(|it| wei(&it["work"])).sum();
        assert_eq!(work, wei(&sink["tokens"]) * 100_000_000, "{sink:#}");
        // What is not signed for is not paid.
        assert!(free.iter().all(|it| wei(&it["value"]) == 0), "{sink:#}");
        earned += wei(&sink["earned"]);
    }
    assert!(earned > 0);
    let liar = sinks
        .iter()
        .find(|it| it["is"] == "over-reporting")
        .unwrap();
    assert!(wei(&liar["earned"]) > 0, "{liar:#}");
}

#[test]
fn interrupted_it_ends_all_its_processes() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let mut command = demo(&logs);
    let mut demo = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap().starts_with("The keeper's page: "))
        .expect("it says where the page is")
        .unwrap();
    assert!(processes_in(&logs).len() >= 2);
    let id = demo.id().to_string();
    assert!(Command::new("kill")
        .args(["-INT", &id])
        .status()
        .unwrap()
        .success());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = demo.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(status.code(), Some(1));
    assert_eq!(processes_in(&logs), Vec::<String>::new());
}
