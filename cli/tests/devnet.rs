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
        Self::spawn(command(args))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
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
fn time_flies_as_asked() {
    let process = Process::start(&["--port", "0", "--speed", "1000", "--block-time", "100"]);
    let time = || {
        let block = process.rpc("eth_getBlockByNumber", json!(["latest", false]));
        u64::from_str_radix(&block["timestamp"].as_str().unwrap()[2..], 16).unwrap()
    };
    let (start, before) = (Instant::now(), time());
    thread::sleep(Duration::from_millis(1_500));
    let passed = time() - before;
    let most = start.elapsed().as_secs() * 1_000 + 2_000;
    assert!((200..most).contains(&passed), "{passed}");
    // A block for every hundred seconds of the chain.
    let blocks = u64::from_str_radix(&process.block().as_str().unwrap()[2..], 16).unwrap();
    assert!(blocks >= 2, "{blocks}");
    let refused = command(&["--port", "0", "--speed", "0"]).output().unwrap();
    assert!(!refused.status.success());
}

#[test]
fn endpoints_are_as_bad_as_asked() {
    let process = Process::start(&["--port", "0", "--max-log-range", "5", "--head-drift", "2"]);
    let faults = process.rpc("devnet_faults", json!([]));
    assert_eq!(faults["maxLogRange"], 5);
    assert_eq!(faults["headDrift"], 2);
}

/// Everybody has tokens from the start, and a second start leaves what the first one's users recorded.
#[test]
fn accounts_have_tokens_and_starts_do_not_mix() {
    // Below the repository, where Superfluid's artefacts are found.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let start = || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bpe"));
        child
            .args(["devnet", "--port", "0"])
            .current_dir(folder.path());
        Process::spawn(child)
    };
    let first = start();
    let file = folder.path().join("deployments/31337.json");
    let read =
        |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let recorded = read(&file);
    let genesis = first.rpc("eth_getBlockByNumber", json!(["0x0", false]));
    assert_eq!(recorded["instance"], genesis["hash"]);
    let balance = |token: &str| {
        // balanceOf(account 3)
        let data = "0x70a0823100000000000000000000000090f79bf6eb2c4f870365e785982e1f101e93b906";
        let call = json!([{"to": recorded["superfluid"][token], "data": data}, "latest"]);
        let word = first.rpc("eth_call", call);
        u128::from_str_radix(word.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    assert_eq!(balance("usdc"), 1_000_000 * 10_u128.pow(6));
    assert_eq!(balance("usdcx"), 1_000_000 * 10_u128.pow(18));
    assert_eq!(balance("stakeToken"), 1_000_000 * 10_u128.pow(18));
    let nonce = first.rpc(
        "eth_getTransactionCount",
        json!(["0x90f79bf6eb2c4f870365e785982e1f101e93b906", "latest"]),
    );
    assert_eq!(nonce, "0x0");

    // Somebody deploys to the first.
    let mut deployed = recorded.clone();
    deployed["contracts"]["stakeManager"] = json!({"address": "mine"});
    std::fs::write(&file, deployed.to_string()).unwrap();
    let second = start();
    assert!(second.output.contains("is kept in"), "{}", second.output);
    assert_ne!(read(&file)["instance"], recorded["instance"]);
    let instance = recorded["instance"].as_str().unwrap();
    let kept = format!("deployments/31337-{}.json", &instance[2..10]);
    assert_eq!(read(&folder.path().join(kept)), deployed);
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
