//! `bpe` as a process.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The program of this build; for measurements, the one that `BPE_BINARY` names.
pub fn bpe(folder: &Path) -> Command {
    // <target>/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let built = || test.ancestors().nth(2).unwrap().join("bpe");
    let program = std::env::var_os("BPE_BINARY").map_or_else(built, Into::into);
    assert!(program.is_file(), "no {}: build it", program.display());
    let mut command = Command::new(program);
    command.current_dir(folder);
    command.env_remove("BPE_PRIVATE_KEY");
    command
}

/// A process that ends with the test.
pub struct Process(Child);

impl Process {
    /// Starts it; gives the first line that it says with this beginning, without it.
    pub fn start(mut command: Command, log: &Path, says: &str) -> (Self, String) {
        let log = File::options().append(true).create(true).open(log).unwrap();
        command.stdout(Stdio::piped()).stderr(log);
        let mut it = Self(command.spawn().unwrap());
        let mut lines = BufReader::new(it.0.stdout.take().unwrap()).lines();
        let line = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(says).map(str::to_owned));
        // What else it says is read away.
        std::thread::spawn(move || lines.for_each(drop));
        let line = line.unwrap_or_else(|| panic!("it ended before it said {says:?}: {:?}", it.0));
        (it, line)
    }

    /// Kilobytes in memory.
    pub fn memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.0.id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        line.and_then(|line| line.split_whitespace().nth(1))
            .and_then(|number| number.parse().ok())
            .unwrap_or_default()
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM: it ends by itself, in time and well.
    pub fn stop(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(begun.elapsed().as_secs() < 40, "it does not stop");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
