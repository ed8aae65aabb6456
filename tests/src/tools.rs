//! The pinned tools in `.tools/`, and running them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the repository.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the workspace")
}

/// The target folder this test was built into, whatever it is called.
pub fn target_dir() -> PathBuf {
    // <target>/<profile>/deps/<test>
    let test = std::env::current_exe().expect("a test is a file");
    test.ancestors()
        .nth(3)
        .expect("a test is in <target>/<profile>/deps")
        .to_owned()
}

/// A command of `.tools/bin`.
pub fn tool(name: &str) -> Command {
    Command::new(fetched(&format!("bin/{name}")))
}

/// Node.js. It finds the packages in `.tools/node_modules` by `NODE_PATH`.
pub fn node() -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", fetched("node_modules"));
    command
}

/// Node.js, with a script of `tests/tools`.
pub fn node_script(name: &str) -> Command {
    let mut command = node();
    command.arg(workspace_root().join("tests/tools").join(name));
    command
}

/// Python, with the packages of `.tools/python`.
pub fn python() -> Command {
    Command::new(fetched("python/bin/python"))
}

/// A command that came with an npm package.
pub fn tool_of_npm(name: &str) -> Command {
    Command::new(fetched(&format!("node_modules/.bin/{name}")))
}

/// What is in `.tools`.
pub fn fetched(path: &str) -> PathBuf {
    let path = workspace_root().join(".tools").join(path);
    assert!(
        path.exists(),
        "no {}: run scripts/fetch-tools",
        path.display()
    );
    path
}

/// What a command said.
#[derive(Debug)]
pub struct Output {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Its standard output, without the newline at the end.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.success, "{}\n{}", self.stderr, self.stdout);
        self.stdout.trim_end().to_owned()
    }

    /// Its standard error.
    #[track_caller]
    pub fn failed(self) -> String {
        assert!(!self.success, "did not fail: {}", self.stdout);
        self.stderr
    }
}

/// Runs a command to its end. The runtime goes on meanwhile: it may be what the command talks to.
pub async fn run(mut command: Command) -> Output {
    let name = format!("{command:?}");
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.expect("waiting does not panic");
    let output = output.unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
    Output {
        success: output.status.success(),
        stdout: plain(&output.stdout),
        stderr: plain(&output.stderr),
    }
}

/// Text without its colours: `cargo stylus` has them wherever it writes to.
fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or(part, |(_, rest)| rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "run scripts/fetch-tools")]
    fn missing_tools_say_how_to_get_them() {
        tool("no-such-tool");
    }

    #[test]
    fn colours_are_removed() {
        assert_eq!(
            plain(b"\x1b[90mcode at \x1b[38;5;48;1m0xab\x1b[0;0m\x1b[0;0m."),
            "code at 0xab."
        );
    }
}
