//! The page in headless Chromium: what it says, by whom it can be used, and how soon it knows.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::stage::{root, Stage, CODE};

/// Where CI keeps the pictures.
fn artefacts() -> PathBuf {
    // <target>/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(3).unwrap().join("page");
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_who_pays_whom_live_in_the_dark_on_a_phone_and_by_keyboard() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/task-types", |it| {
            it["items"][0]["sinks"] == 2 && it["items"][0]["sources"] == 1
        })
        .await;

    // The script tells when it is ready for a change, and then waits for it.
    let flag = artefacts().join("ready");
    let _ = fs::remove_file(&flag);
    let mut script = std::process::Command::new("node");
    script.env("NODE_PATH", root().join(".tools/node_modules"));
    script.arg(root().join("tests/tools/page.cjs"));
    script.arg(&keeper.url).arg(artefacts());
    let run = tokio::task::spawn_blocking(move || script.output().expect("node runs"));
    let begun = std::time::Instant::now();
    while !flag.exists() && begun.elapsed().as_secs() < 90 && !run.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    stage.reveal(0, 20).await;
    let output = run.await.unwrap();
    let (said, wrong) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{wrong}");
    let report: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    println!("{report}");
    let (sink, source) = (
        stage.sinks[0].address().to_string(),
        stage.source.address().to_string(),
    );
    assert!(
        report["sinks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it == &Value::from(sink.clone())),
        "{report}"
    );
    assert_eq!(report["sinks"].as_array().unwrap().len(), 2);
    assert_eq!(report["sources"], Value::from(vec![source]), "{report}");
    assert!(report["tabs"]
        .as_array()
        .unwrap()
        .iter()
        .any(|it| it == &Value::from(CODE.to_string())));
    keeper.stop().await;
}
