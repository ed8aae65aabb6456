//! README and docs/ keep their word: their commands run.
//!
//! Every block of shell commands says in its first line what becomes of it:
//!
//! - `sh NAME`: all blocks of that name in one document are run, one after another, in a folder that is empty but for the
//!   repository's examples, interfaces and contracts, with this `bpe` on the path. Ports are exchanged for free ones.
//! - `sh`: an excerpt, with names in capitals for what the reader fills in. What can be known of it is checked: that `bpe` has
//!   the commands and options, that scripts are there, and that contracts have the functions that `cast` calls.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    os::unix::{fs::symlink, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

struct Block {
    document: String,
    line: usize,
    scenario: Option<String>,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<_> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect();
    documents.push(root().join("README.md"));
    documents.sort();
    documents
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for path in documents() {
        let document = path.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else {
                continue;
            };
            let text: Vec<_> = lines
                .by_ref()
                .map(|it| it.0)
                .take_while(|it| *it != "```")
                .collect();
            let mut words = info.split_whitespace();
            if words.next() == Some("sh") {
                blocks.push(Block {
                    document: document.clone(),
                    line: number,
                    scenario: words.next().map(str::to_owned),
                    text: text.join("\n") + "\n",
                });
            }
        }
    }
    assert!(!blocks.is_empty());
    blocks
}

/// Tests that documents name by file and function are there.
#[test]
fn named_tests_exist() {
    let mut named = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        for (file, test) in quoted.filter_map(|it| it.split_once(".rs::")) {
            // Others are named by their module.
            if !file.contains('/') || file.contains(' ') {
                continue;
            }
            let source = fs::read_to_string(root().join(format!("{file}.rs")));
            let source = source.unwrap_or_else(|error| panic!("{file}.rs: {error}"));
            assert!(source.contains(&format!("fn {test}(")), "{file}.rs::{test}");
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
}

/// A folder with what a reader has.
struct Reader {
    folder: tempfile::TempDir,
    /// Where the devnet listens.
    port: u16,
    /// Where the keeper does.
    page: u16,
}

/// A port that nothing listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join(".bin");
        fs::create_dir(&bin).unwrap();
        for name in ["contracts", "examples", "interfaces", "sdk-abi", ".tools"] {
            symlink(root().join(name), folder.path().join(name)).unwrap();
        }
        let (port, page) = (free_port(), free_port());
        // Readers wait until the devnet says that it listens before they type on; and they install once.
        let bpe = format!(
            "#!/bin/bash\n\
             if [[ $1 == devnet ]]; then exec {bpe} \"$@\" --port {port}; fi\n\
             for _ in $(seq 300); do (: > /dev/tcp/127.0.0.1/{port}) 2> /dev/null && break; sleep 0.2; done\n\
             exec {bpe} \"$@\"\n",
            bpe = env!("CARGO_BIN_EXE_bpe")
        );
        let cargo = "#!/bin/bash\n[[ $* == 'install --path cli --locked' ]]\n";
        for (name, script) in [("bpe", bpe.as_str()), ("cargo", cargo)] {
            let file = bin.join(name);
            fs::write(&file, script).unwrap();
            assert!(Command::new("chmod")
                .arg("+x")
                .arg(file)
                .status()
                .unwrap()
                .success());
        }
        Self { folder, port, page }
    }

    fn run(&self, name: &str, commands: &str) {
        let path = std::env::var("PATH").unwrap();
        let own = self.folder.path().join(".bin");
        let tools = root().join(".tools/bin");
        let script = format!(
            "set -euo pipefail\n{}",
            commands
                .replace("8545", &self.port.to_string())
                .replace("4100", &self.page.to_string())
        );
        let mut bash = Command::new("bash");
        // A group of its own, so that what runs in the background ends with it.
        bash.process_group(0)
            .args(["-c", &script])
            .current_dir(&self.folder)
            .env("BPE_KEEPER__RPC", format!("http://127.0.0.1:{}", self.port))
            .env(
                "BPE_KEEPER__API__LISTEN",
                format!("127.0.0.1:{}", self.page),
            )
            .env(
                "PATH",
                format!("{}:{}:{path}", own.display(), tools.display()),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let log = self.folder.path().join(".log");
        let file = fs::File::create(&log).unwrap();
        bash.stdout(file.try_clone().unwrap()).stderr(file);
        let mut child = bash.spawn().unwrap();
        let status = child.wait().unwrap();
        let group = format!("-{}", child.id());
        let _ = Command::new("kill")
            .args(["-TERM", "--", &group])
            .stderr(Stdio::null())
            .status();
        assert!(
            status.success(),
            "{name}: {status}\n{script}\n{}",
            fs::read_to_string(log).unwrap()
        );
    }
}

#[test]
fn scenarios_run() {
    let blocks = blocks();
    let scenarios: BTreeSet<_> = blocks
        .iter()
        .filter_map(|block| Some((&block.document, block.scenario.as_ref()?)))
        .collect();
    assert!(!scenarios.is_empty(), "no scenario is found");
    for (document, scenario) in scenarios {
        let commands: String = blocks
            .iter()
            .filter(|block| {
                block.document == *document && block.scenario.as_ref() == Some(scenario)
            })
            .map(|block| block.text.as_str())
            .collect();
        Reader::new().run(&format!("{document}, {scenario}"), &commands);
    }
}

/// Commands, a line each: continued lines are joined, comments dropped.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined
        .lines()
        .map(|line| {
            line.split(" #")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// What `--help` says of a command.
fn help(program: &str, subcommand: &str) -> Option<String> {
    let output = Command::new(program)
        .args([subcommand, "--help"])
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

/// Signatures of all functions in the suite's and Superfluid's interfaces, `stake(uint256)`.
fn functions() -> BTreeSet<String> {
    let mut files: Vec<_> = fs::read_dir(root().join("sdk-abi/abi")).unwrap().collect();
    let superfluid = root()
        .join(".tools/superfluid")
        .join(devnet_superfluid::VERSION);
    files.extend(fs::read_dir(superfluid).expect("scripts/setup has run"));
    let mut found = BTreeSet::new();
    for file in files {
        let json: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
        let abi = if json.is_array() {
            json
        } else {
            json["abi"].clone()
        };
        for item in abi.as_array().into_iter().flatten() {
            if item["type"] == "function" {
                found.insert(format!(
                    "{}{}",
                    item["name"].as_str().unwrap(),
                    types(&item["inputs"])
                ));
            }
        }
    }
    found
}

fn types(inputs: &Value) -> String {
    let types: Vec<_> = inputs
        .as_array()
        .unwrap()
        .iter()
        .map(|input| {
            let name = input["type"].as_str().unwrap();
            match name.strip_prefix("tuple") {
                Some(rest) => types(&input["components"]) + rest,
                None => name.to_owned(),
            }
        })
        .collect();
    format!("({})", types.join(","))
}

/// What is wrong with a command of an excerpt.
fn fault(command: &str, functions: &BTreeSet<String>) -> Option<String> {
    let bpe = env!("CARGO_BIN_EXE_bpe");
    let words: Vec<_> = command.split_whitespace().collect();
    if let Some(script) = words[0]
        .strip_prefix("./")
        .or(words[0].starts_with("scripts/").then_some(words[0]))
    {
        return (!root().join(script).is_file()).then(|| format!("there is no {script}"));
    }
    let options = |arguments: &[&str]| -> Option<String> {
        let Some(help) = help(bpe, arguments[0]) else {
            return Some(format!("bpe has no command {}", arguments[0]));
        };
        let unknown = arguments.iter().find(|word| {
            word.starts_with("--")
                && !help.contains(&format!("{} ", word))
                && !help.contains(&format!("{word}\n"))
        });
        unknown.map(|word| format!("bpe {} has no option {word}", arguments[0]))
    };
    match words.as_slice() {
        ["bpe", "--version", ..] => None,
        ["bpe", arguments @ ..] | ["cargo", "run", "-p", "bpe", "--", arguments @ ..] => {
            options(arguments)
        }
        ["cargo", "xtask", command, ..] => {
            let source = fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
            let variant = command[..1].to_uppercase() + &command[1..];
            (!source.contains(&format!("    {variant}"))).then(|| format!("xtask has no {command}"))
        }
        _ if command.contains("cast send") || command.contains("cast call") => {
            let Some(signature) = command.split('"').nth(1) else {
                return Some("no signature".to_owned());
            };
            // `getSinks(bytes32)(address[],uint256[])`: what it returns is not part of the signature.
            let end = signature.find(")(").map_or(signature.len(), |at| at + 1);
            (!functions.contains(&signature[..end]))
                .then(|| format!("nothing has {}", &signature[..end]))
        }
        _ => None,
    }
}

#[test]
fn excerpts_name_what_there_is() {
    let functions = functions();
    assert!(functions.contains("stake(uint256)"), "{functions:?}");
    let mut faults = Vec::new();
    for block in blocks().iter().filter(|block| block.scenario.is_none()) {
        for command in commands(&block.text) {
            if let Some(fault) = fault(&command, &functions) {
                faults.push(format!(
                    "{}:{}: {fault}: {command}",
                    block.document, block.line
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_wrong_is_seen() {
    let functions = BTreeSet::from(["stake(uint256)".to_owned()]);
    for wrong in [
        "./scripts/none",
        "bpe fly",
        "bpe deploy --rpc URL --gas-price 1",
        "cargo run -p bpe -- devnet --fast",
        "cargo xtask paint",
        "cast send STAKES \"stake(uint128)\" 1",
        "x=$(cast call STAKES \"stakes(address)(uint256)\" ME)",
    ] {
        assert!(fault(wrong, &functions).is_some(), "{wrong}");
    }
    for right in [
        "./scripts/demo --html report.html",
        "bpe deploy --rpc URL --dry-run",
        "cargo xtask build",
        "cast send STAKES \"stake(uint256)\" 1",
        "ls",
    ] {
        assert_eq!(fault(right, &functions), None, "{right}");
    }
}
