//! The API against a fuzzer that knows its OpenAPI document.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::stage::{root, Running, Stage, CODE};

/// What every answer has to be: no fault, a status and a content type that the document names, a body of its schema.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,unsupported_method,allow_header_conformance";

/// Which cases are tried; `FUZZ_SEED` tries others.
const SEED: &str = "16";
/// Cases for each operation and kind; `FUZZ_EXAMPLES` tries more.
const EXAMPLES: &str = "40";

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn schemathesis(keeper: &Running, folder: &Path, more: &[&str]) -> Command {
    let program = root().join(".tools/fuzzer/bin/python");
    assert!(
        program.is_file(),
        "no {}: run scripts/setup-services",
        program.display()
    );
    let mut command = Command::new(program);
    // It keeps failures and a cache where it is started.
    command.current_dir(folder);
    command.args(["-m", "schemathesis.cli"]);
    command.arg("--config-file").arg(folder.join("fuzz.toml"));
    command
        .arg("run")
        .arg(format!("{}/openapi.json", keeper.url));
    command.args(["--checks", CHECKS, "--no-color"]);
    command.args(["--phases", "examples,coverage,fuzzing"]);
    command.args(["--max-examples", &variable("FUZZ_EXAMPLES", EXAMPLES)]);
    command.args(["--seed", &variable("FUZZ_SEED", SEED)]);
    command.args(["--generation-database", "none"]);
    // It does not end; page.rs hears it.
    command.args(["--exclude-path", "/v1/live"]);
    command.args(more);
    command
}

fn found_nothing(output: &Output) {
    let (said, wrong) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{said}");
    assert!(output.status.success(), "{said}\n{wrong}");
}

async fn finish(mut command: Command) -> Output {
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.unwrap().expect("schemathesis runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_answer_is_as_the_document_says() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/task-types", |it| it["items"][0]["sinks"] == 2)
        .await;
    let folder = stage.path("fuzz");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("fuzz.toml"), "").unwrap();
    found_nothing(&finish(schemathesis(&keeper, &folder, &[])).await);

    // Again, of what there is: a random task type is never there.
    let known = format!(
        "[parameters]\n\"path.id\" = \"{CODE}\"\n\"query.taskType\" = \"{CODE}\"\n\"query.account\" = \"{}\"\n\"query.of\" = \"flow\"\n",
        stage.sinks[0].address()
    );
    fs::write(folder.join("fuzz.toml"), known).unwrap();
    let reads = ["--include-path-regex", "sinks|streams|history|series"];
    found_nothing(&finish(schemathesis(&keeper, &folder, &reads)).await);
    assert_eq!(keeper.get("/readyz").await.status, 200);
    keeper.stop().await;
}
