//! `bpe` as a program of its own: in a folder that is no clone, with a cache of its own, with and without a network.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use devnet_superfluid::{Package, VERSION};
use tempfile::TempDir;

/// An empty folder, an empty cache, and nothing else.
struct Elsewhere {
    folder: TempDir,
    cache: TempDir,
}

impl Elsewhere {
    fn new() -> Self {
        let [folder, cache] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let above = folder.path().ancestors();
        assert!(above
            .map(|dir| dir.join(".tools"))
            .all(|tools| !tools.exists()));
        Self { folder, cache }
    }

    fn bpe(&self, args: &[&str]) -> Command {
        let mut bpe = Command::new(env!("CARGO_BIN_EXE_bpe"));
        bpe.args(args)
            .current_dir(&self.folder)
            .env("BPE_CACHE_DIR", self.cache.path());
        bpe
    }

    fn artefacts(&self) -> PathBuf {
        self.cache.path().join("superfluid").join(VERSION)
    }

    /// As after an earlier run with a network.
    fn fill_cache(&self) {
        let clone = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../.tools/superfluid")
            .join(VERSION);
        fs::create_dir_all(self.artefacts()).unwrap();
        for entry in fs::read_dir(clone).expect("scripts/setup has run") {
            let path = entry.unwrap().path();
            fs::copy(&path, self.artefacts().join(path.file_name().unwrap())).unwrap();
        }
    }

    /// An `npm` of ours, first on the path.
    fn with_npm(&self, mut command: Command, script: &str) -> Command {
        let npm = self.folder.path().join("npm");
        fs::write(&npm, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.folder.path().display()));
        command
    }
}

fn failure(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn success(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn offline_says_what_is_missing_and_how_to_get_it() {
    let elsewhere = Elsewhere::new();
    for args in [
        &["devnet", "--offline", "--port", "0"][..],
        &["demo", "--offline"],
    ] {
        let error = failure(elsewhere.bpe(args).output().unwrap());
        let folder = elsewhere.artefacts();
        assert!(error.contains(folder.to_str().unwrap()), "{error}");
        assert!(
            error.contains("--offline") && error.contains("bpe fetch"),
            "{error}"
        );
    }
    assert!(!elsewhere.artefacts().exists(), "nothing was fetched");
}

#[test]
fn what_npm_gives_is_held_against_its_checksum() {
    let elsewhere = Elsewhere::new();
    // npm pack --silent --pack-destination FOLDER NAME
    let bpe = elsewhere.with_npm(
        elsewhere.bpe(&["fetch"]),
        r#"echo another > "$4/package.tgz""#,
    );
    let error = failure({ bpe }.output().unwrap());
    let package = Package::pinned();
    assert!(
        error.contains(package.sha1) && error.contains(package.name),
        "{error}"
    );
    assert!(!elsewhere.artefacts().exists());
    let bpe = elsewhere.with_npm(elsewhere.bpe(&["fetch"]), "echo no network >&2; exit 1");
    let error = failure({ bpe }.output().unwrap());
    assert!(error.contains("no network"), "{error}");
    // Nothing half-done is left.
    let left = fs::read_dir(elsewhere.cache.path().join("superfluid")).unwrap();
    assert_eq!(left.count(), 0);
}

/// The real package, from wherever npm is told to get it.
#[test]
fn fetched_once_it_is_there() {
    let elsewhere = Elsewhere::new();
    let output = elsewhere.bpe(&["fetch"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    success(output);
    assert!(said.contains("Fetching @superfluid-finance"), "{said}");
    assert_eq!(
        fs::read_dir(elsewhere.artefacts()).unwrap().count(),
        Package::pinned().artifacts.len()
    );
    let no_npm = elsewhere.with_npm(elsewhere.bpe(&["fetch"]), "exit 1");
    let output = { no_npm }.output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "the second time nothing is fetched"
    );
    success(output);
}

#[test]
fn a_devnet_with_superfluid_starts_in_an_empty_folder() {
    let elsewhere = Elsewhere::new();
    elsewhere.fill_cache();
    let mut bpe = elsewhere.bpe(&["devnet", "--offline", "--port", "0", "--quiet"]);
    let mut child = bpe.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Listening on http://127.0.0.1:"), "{line}");
    let left: Vec<_> = fs::read_dir(&elsewhere.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        left,
        ["deployments"],
        "what it keeps for later is in the cache"
    );
    assert!(elsewhere.cache.path().join("devnet").is_dir());
}

#[test]
fn version_names_commit_and_programs() {
    let text = success(Elsewhere::new().bpe(&["--version"]).output().unwrap());
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        format!("bpe {}", env!("CARGO_PKG_VERSION"))
    );
    assert!(lines.next().unwrap().starts_with("commit: "), "{text}");
    let programs = lines.next().unwrap();
    let (count, hash) = bpe::programs::Programs::default()
        .fingerprint()
        .expect("`cargo xtask build` has run");
    assert!(
        programs.starts_with(&format!("programs: {count}, {hash}, ")),
        "{text}"
    );
}

#[test]
fn shells_complete_it() {
    let elsewhere = Elsewhere::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = success(elsewhere.bpe(&["completions", shell]).output().unwrap());
        assert!(
            script.contains("keepalive") && script.contains("offline"),
            "{shell}"
        );
    }
    let script = success(elsewhere.bpe(&["completions", "bash"]).output().unwrap());
    let file = elsewhere.folder.path().join("bpe.bash");
    fs::write(&file, script).unwrap();
    let complete = r#"source "$0"; COMP_WORDS=(bpe de); COMP_CWORD=1; _bpe bpe de bpe; echo "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["-c", complete])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(success(output).trim(), "devnet deploy demo");
}

#[test]
fn every_command_has_a_page() {
    let elsewhere = Elsewhere::new();
    success(elsewhere.bpe(&["man", "pages/man1"]).output().unwrap());
    let folder = elsewhere.folder.path().join("pages/man1");
    for page in [
        "bpe",
        "bpe-devnet",
        "bpe-deploy",
        "bpe-status",
        "bpe-keepalive",
        "bpe-demo",
        "bpe-fetch",
    ] {
        let text = fs::read_to_string(folder.join(page).with_extension("1")).unwrap();
        assert!(text.contains(".TH") && text.contains("NAME"), "{page}");
    }
    let devnet = fs::read_to_string(folder.join("bpe-devnet.1")).unwrap();
    assert!(devnet.contains(r"\-\-block\-time"), "{devnet}");
}
