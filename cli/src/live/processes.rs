//! The processes of the demo: the same `bpe`, each with a file of what it says. None outlives the demo.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context as _};

/// So long a process may take to say that it is ready, and to end when it is told to.
const STARTS_WITHIN: Duration = Duration::from_secs(120);
const ENDS_WITHIN: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(50);

struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Those that run, and those that ran.
pub struct Processes {
    /// Where configurations, logs and stores are.
    folder: PathBuf,
    /// Nothing, once the demo ends.
    running: Mutex<Option<Vec<Running>>>,
    ids: Mutex<Vec<u32>>,
}

impl Processes {
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            running: Mutex::new(Some(Vec::new())),
            ids: Mutex::default(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ids of all processes that were started.
    pub fn ids(&self) -> Vec<u32> {
        lock(&self.ids).clone()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Starts `bpe` with these arguments in the demo's folder, and waits for a line with this beginning; gives the rest
    /// of it.
    ///
    /// # Errors
    /// If it ends before it says that, or does not say it in time.
    pub fn start(
        &self,
        name: &str,
        arguments: &[&str],
        key: Option<&str>,
        says: &str,
    ) -> anyhow::Result<String> {
        let log = self.log(name);
        let before = text(&log).len();
        self.spawn(name, &log, arguments, key)?;
        let begun = Instant::now();
        loop {
            let said = text(&log);
            let new = said.get(before..).unwrap_or_default();
            let mut whole = new.split_inclusive('\n').filter(|it| it.ends_with('\n'));
            if let Some(rest) = whole.find_map(|line| line.trim_end().strip_prefix(says)) {
                return Ok(rest.to_owned());
            }
            if let Some(status) = self.ended(name)? {
                bail!("{name} ended with {status}: {}", last_line(&log));
            }
            ensure!(
                begun.elapsed() < STARTS_WITHIN,
                "{name} is not ready after {} s: see {}",
                STARTS_WITHIN.as_secs(),
                log.display()
            );
            thread::sleep(LOOK);
        }
    }

    /// Runs `bpe` to its end.
    ///
    /// # Errors
    /// If it fails: with the last line that it said.
    pub fn run(&self, name: &str, arguments: &[&str], key: Option<&str>) -> anyhow::Result<()> {
        let log = self.log(name);
        self.spawn(name, &log, arguments, key)?;
        loop {
            if let Some(status) = self.ended(name)? {
                ensure!(status.success(), "{name} failed: {}", last_line(&log));
                return Ok(());
            }
            thread::sleep(LOOK);
        }
    }

    fn spawn(
        &self,
        name: &str,
        log: &Path,
        arguments: &[&str],
        key: Option<&str>,
    ) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program's file")?;
        let file = File::options().append(true).create(true).open(log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .env_remove("BPE_PRIVATE_KEY");
        if let Some(key) = key {
            command.env("BPE_PRIVATE_KEY", key);
        }
        // Ctrl-C is for this process, which ends the others in their order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // Nothing is started any more once all are being ended.
        let mut running = lock(&self.running);
        let Some(running) = running.as_mut() else {
            bail!("{name} is not started: the demo ends");
        };
        let child = command.spawn().context("cannot start a process")?;
        lock(&self.ids).push(child.id());
        running.push(Running {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        });
        Ok(())
    }

    /// How it ended, if it did. It is forgotten then.
    fn ended(&self, name: &str) -> anyhow::Result<Option<ExitStatus>> {
        let mut running = lock(&self.running);
        let running = running.as_mut().context("the demo ends")?;
        let place = running.iter().position(|it| it.name == name);
        let place = place.with_context(|| format!("{name} was stopped"))?;
        let status = running[place].child.try_wait()?;
        if status.is_some() {
            running.swap_remove(place);
        }
        Ok(status)
    }

    /// What has ended without being told to.
    ///
    /// # Errors
    /// With its name and the last line that it said.
    pub fn require_all(&self) -> anyhow::Result<()> {
        for it in lock(&self.running).iter_mut().flatten() {
            if let Some(status) = it.child.try_wait()? {
                bail!("{} ended with {status}: {}", it.name, last_line(&it.log));
            }
        }
        Ok(())
    }

    /// Tells it to stop, and waits until it has; after a time it is killed.
    ///
    /// # Errors
    /// If it does not end well.
    pub fn stop(&self, name: &str) -> anyhow::Result<()> {
        let Some(mut it) = self.take(name) else {
            bail!("there is no process {name}");
        };
        let status = end(&mut it.child)?;
        ensure!(
            status.success(),
            "{name} ended with {status}: {}",
            last_line(&it.log)
        );
        Ok(())
    }

    /// As `kill -9`, or as if its machine had been switched off.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn kill(&self, name: &str) -> anyhow::Result<()> {
        let Some(mut it) = self.take(name) else {
            bail!("there is no process {name}");
        };
        it.child.kill()?;
        it.child.wait()?;
        Ok(())
    }

    fn take(&self, name: &str) -> Option<Running> {
        let mut running = lock(&self.running);
        let running = running.as_mut()?;
        let place = running.iter().position(|it| it.name == name)?;
        Some(running.swap_remove(place))
    }

    /// Ends all that still run: those that were started last first, so that what others need ends after them.
    pub fn stop_all(&self) {
        let all = lock(&self.running).take().unwrap_or_default();
        for mut it in all.into_iter().rev() {
            let _ = end(&mut it.child);
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop_all();
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SIGTERM, and SIGKILL to who does not listen.
fn end(child: &mut Child) -> anyhow::Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
    let begun = Instant::now();
    if asked.is_ok_and(|it| it.success()) {
        while begun.elapsed() < ENDS_WITHIN {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
    }
    child.kill()?;
    Ok(child.wait()?)
}

fn text(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_line(log: &Path) -> String {
    let text = text(log);
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    format!("{} ({})", last.unwrap_or("it said nothing"), log.display())
}
