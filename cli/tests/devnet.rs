//! `bpe devnet` as a process: its output, its end, and what survives a crash.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{json, Value};

/// A running `bpe devnet`; killed when dropped.
struct Process {
    child: Child,
    url: String,
    output: String,
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ended: {output}");
            output.push_str(&line);
            if let Some(rest) = line.strip_prefix("Listening on ") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        Self { child, url, output }
    }

    fn rpc(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut response: Value = ureq::post(&self.url)
            .send_json(&request)
            .unwrap()
            .body_mut()
            .read_json()
            .unwrap();
        assert!(response.get("error").is_none(), "{response}");
        response["result"].take()
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill")
            .args([name, &id])
            .status()
            .unwrap()
            .success());
        self.child.wait().unwrap().code()
    }

    fn block(&self) -> Value {
        self.rpc("eth_blockNumber", json!([]))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpe"));
    command.args(["devnet", "--no-superfluid"]).args(args);
    command
}

fn state_arg(file: &Path) -> &str {
    file.to_str().unwrap()
}

#[test]
fn it_says_what_one_needs_to_connect() {
    let process = Process::start(&["--port", "0", "--chain-id", "4242"]);
    assert!(process
        .output
        .contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
    assert!(process
        .output
        .contains("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
    assert_eq!(process.rpc("eth_chainId", json!([])), "0x1092");
    let quiet = Process::start(&["--port", "0", "--quiet"]);
    assert_eq!(quiet.output.lines().count(), 1);
    assert_ne!(quiet.url, process.url);
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let process = Process::start(&["--port", "0"]);
    let port = process.url.rsplit(':').next().unwrap();
    let output = command(&["--port", port]).output().unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("already in use"), "{message}");
}

#[test]
fn both_signals_end_it_and_nothing_is_lost() {
    for signal in ["-INT", "-TERM"] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.json");
        let mut process = Process::start(&["--port", "0", "--state", state_arg(&file)]);
        process.rpc("hardhat_mine", json!(["0x5"]));
        assert_eq!(process.signal(signal), Some(0), "{signal}");
        let again = Process::start(&["--port", "0", "--state", state_arg(&file)]);
        assert_eq!(again.block(), "0x5");
    }
}

#[test]
fn a_crash_loses_nothing_that_was_saved() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    let args = ["--port", "0", "--quiet", "--state", state_arg(&file)];
    let mut least = 0;
    for _ in 0..3 {
        let mut process = Process::start(&args);
        let block = u64::from_str_radix(&process.block().as_str().unwrap()[2..], 16).unwrap();
        assert!(block >= least, "block {block} after {least} were saved");
        process.rpc("hardhat_mine", json!(["0x64"]));
        least = block + 100;
        await_saved(&file, least);
        // In the midst of more work, and perhaps of saving it.
        process.rpc("hardhat_mine", json!(["0x7d0"]));
        process.signal("-KILL");
    }
}

/// Waits until the file has block `number`.
fn await_saved(file: &Path, number: u64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let saved = std::fs::read(file)
            .ok()
            .and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let blocks = saved
            .and_then(|saved| saved["blocks"].as_array().map(Vec::len))
            .unwrap_or(0);
        if blocks as u64 > number {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{blocks} blocks saved, expected more than {number}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn blocks_come_at_intervals() {
    let process = Process::start(&["--port", "0", "--block-time", "1"]);
    let from = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let hash = process.rpc(
        "eth_sendTransaction",
        json!([{"from": from, "to": from, "value": "0x1"}]),
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    while process
        .rpc("eth_getTransactionReceipt", json!([hash]))
        .is_null()
    {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(100));
    }
}
