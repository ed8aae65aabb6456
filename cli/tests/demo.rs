//! `bpe demo` as a process, on traces of a few minutes: its figures, its sums, and what it says of files that are wrong.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// Requests from `second` on, one every `every` seconds for `minutes`, of `tokens` tokens.
fn trace(file: &Path, every: usize, minutes: usize, tokens: u32) {
    let mut rows = String::from("TIMESTAMP,ContextTokens,GeneratedTokens\r\n");
    for second in (0..minutes * 60).step_by(every) {
        let (minute, second) = (20 + second / 60, second % 60);
        rows += &format!("2023-11-16 18:{minute:02}:{second:02}.5000000,100,{tokens}\r\n");
    }
    fs::write(file, rows).unwrap();
}

fn demo(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpe"));
    command.args(["demo", "--offline"]);
    command.args(args).output().unwrap()
}

/// What it says on standard error when it fails: one sentence, and nothing has been printed before.
fn failure(args: &[&str]) -> String {
    let output = demo(args);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

/// Decimal wei.
fn wei(value: &Value) -> i128 {
    value
        .as_str()
        .expect("amounts are strings")
        .parse()
        .unwrap()
}

fn sum(values: &Value, of: impl Fn(&Value) -> i128) -> i128 {
    values.as_array().unwrap().iter().map(of).sum()
}

#[test]
fn a_few_minutes_of_requests_are_served_paid_and_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (code, conversation) = (path("code.csv"), path("conversation.csv"));
    trace(Path::new(&code), 4, 8, 20);
    trace(Path::new(&conversation), 2, 8, 100);
    let (json, html) = (path("report.json"), path("report.html"));
    let (code, conversation) = (
        format!("code={code}"),
        format!("conversation={conversation}"),
    );
    let args = [
        "--trace",
        &code,
        "--trace",
        &conversation,
        "--json",
        &json,
        "--html",
        &html,
    ];
    let output = demo(&args);
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{printed}{errors}");
    assert!(
        printed.contains("Every token is accounted for, to the wei."),
        "{printed}"
    );

    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["schema"], "bpe-demo/2");
    assert_eq!(report["epochs"], 2);
    check_tasks(&report);
    check_money(&report);
    check_series(&report);

    let page = fs::read_to_string(&html).unwrap();
    assert_eq!(page.matches("<svg").count(), 10);
    assert!(page.contains("prefers-color-scheme: dark"));
    // It needs nothing else.
    for word in ["http:", "https:", "<script", "<link", "@import", "src="] {
        assert!(!page.contains(word), "{word}");
    }
    // Nothing is left beside the reports.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

/// Every request was done or has failed, and each sink's are part of that.
fn check_tasks(report: &Value) {
    let types = report["taskTypes"].as_array().unwrap();
    for (it, (name, requests)) in types.iter().zip([("code", 120), ("conversation", 240)]) {
        assert_eq!(
            (&it["name"], &it["requests"]),
            (&name.into(), &requests.into())
        );
        let count = |value: &Value| i128::from(value.as_u64().unwrap());
        assert_eq!(count(&it["done"]) + count(&it["failed"]), requests.into());
        for outcome in ["done", "failed"] {
            let by_sinks = sum(&report["sinks"], |sink| {
                let services = sink["services"].as_array().unwrap().iter();
                let services = services.filter(|service| service["taskType"] == name);
                services.map(|service| count(&service[outcome])).sum()
            });
            let refused = match outcome {
                "failed" => count(&it["unserved"]),
                _ => 0,
            };
            assert_eq!(by_sinks + refused, count(&it[outcome]), "{name} {outcome}");
        }
    }
    let sinks = report["sinks"].as_array().unwrap();
    assert!(sinks.len() >= 8);
    for habit in ["overReports", "goesDown", "joinsLate"] {
        assert!(sinks.iter().any(|sink| sink["habit"] == habit), "{habit}");
    }
    // By capacity paid by what was declared, by work by what was done. The base fee moves, and with it what work is worth.
    let shares = sinks
        .iter()
        .flat_map(|it| it["services"].as_array().unwrap());
    for service in shares {
        let share = |name: &str| service[name].as_f64().unwrap();
        let (basis, tolerance) = match service["taskType"] == "code" {
            true => ("capacityShare", 0.01),
            false => ("workShare", 0.05),
        };
        let difference = share("paidShare") - share(basis);
        assert!(difference.abs() < tolerance, "{service}");
    }
}

/// The sums, made again from the figures of the report.
fn check_money(report: &Value) {
    let books = &report["accounting"];
    assert_eq!(books["holds"], true);
    assert_eq!(books["problem"], Value::Null);
    let of = |name: &str| wei(&books[name]);
    assert_eq!(of("held"), of("minted"));
    let parts = [
        "toSinks",
        "fees",
        "escrow",
        "reserve",
        "backpressurePool",
        "superfluidPools",
    ];
    assert_eq!(of("spent"), parts.into_iter().map(of).sum::<i128>());
    assert_eq!(of("spent"), sum(&report["sources"], |it| wei(&it["spent"])));
    assert_eq!(of("toSinks"), sum(&report["sinks"], |it| wei(&it["paid"])));
    assert_eq!(of("stakes"), sum(&report["sinks"], |it| wei(&it["stake"])));
    assert_eq!(
        of("slashed"),
        sum(&report["sinks"], |it| wei(&it["slashed"]))
    );
    assert!(of("toSinks") > 0);
    for it in report["taskTypes"].as_array().unwrap() {
        let of = |name: &str| wei(&it[name]);
        let parts = ["streamed", "fees", "overflow", "reserved"];
        assert_eq!(of("inflow"), parts.into_iter().map(of).sum::<i128>());
        assert_eq!(of("overflow"), of("drained") + of("escrow"));
        assert!(of("fees") > 0);
        match it["settlement"] == "work" {
            true => {
                assert_eq!(of("streamed") + of("overflow"), 0);
                assert!(of("redeemed") > 0 && of("takenBack") > 0);
                let left = of("reserved") + of("deposited") - of("redeemed") - of("takenBack");
                // What no note can count: a few hundredths of a cent.
                assert!((0..1_000_000_000_000_000).contains(&left), "{left}");
            }
            false => {
                assert!(of("streamed") > of("fees"));
                assert_eq!(of("reserved") + of("redeemed"), 0);
            }
        }
    }
}

/// Every series has a value for each time.
fn check_series(report: &Value) {
    let series = report["series"].as_object().unwrap();
    let times = series["times"].as_array().unwrap().len();
    // Two epochs of requests and one to finish in, of five minutes each.
    assert_eq!(times, 15);
    let long = |values: &Value| assert_eq!(values.as_array().unwrap().len(), times);
    for market in ["code", "conversation"] {
        for name in ["demand", "baseFee", "escrow"] {
            long(&series[name][market]);
        }
        for name in ["pay", "capacity"] {
            let sinks = series[name][market].as_object().unwrap();
            assert!(sinks.len() >= 4);
            sinks.values().for_each(long);
        }
    }
    assert_eq!(report["log"].as_array().unwrap().len(), 3);
}

#[test]
fn a_malformed_trace_is_one_sentence_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.csv");
    trace(&good, 10, 1, 10);
    let bad = folder.path().join("bad.csv");
    let rows = fs::read_to_string(&good).unwrap();
    fs::write(&bad, rows.replacen(",10\r\n2023", ",ten\r\n2023", 2)).unwrap();
    let json = folder.path().join("report.json");
    let option = |name: &str, file: &Path| format!("{name}={}", file.display());
    let (code, conversation) = (option("code", &good), option("conversation", &bad));
    let json = json.to_str().unwrap();
    let message = failure(&["--trace", &code, "--trace", &conversation, "--json", json]);
    let expected = format!(
        "Error: {}, line 2: GeneratedTokens is \"ten\", expected a whole number of tokens\n",
        bad.display()
    );
    assert_eq!(message, expected);
    assert!(!Path::new(json).exists());
}

#[test]
fn what_else_is_wrong_with_files_is_said_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.csv");
    let (code, conversation) = (
        format!("code={}", missing.display()),
        format!("conversation={}", missing.display()),
    );
    let message = failure(&["--trace", &code, "--trace", &conversation]);
    assert!(message.starts_with("Error: cannot read trace"), "{message}");
    let message = failure(&["--trace", &code]);
    assert!(
        message.starts_with("Error: --trace is given twice"),
        "{message}"
    );
    let message = failure(&["--settle", "code=work", "--settle", "code=capacity"]);
    assert!(message.contains("twice for code"), "{message}");
    let nowhere = folder.path().join("no/report.json");
    let message = failure(&["--json", nowhere.to_str().unwrap()]);
    assert!(
        message.contains("name a file in a folder that exists"),
        "{message}"
    );
}
