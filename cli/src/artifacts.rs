//! Superfluid's compiled contracts: from the clone's `.tools`, from the user's cache, or else fetched from npm into it.

use std::{
    env, fs,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{channel, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use alloy::hex;
use anyhow::{bail, ensure, Context as _};
use devnet_superfluid::{tools_dir, Artifacts, Package};
use flate2::read::GzDecoder;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tar::Archive;

/// The folder for what `bpe` keeps, instead of the platform's own.
const CACHE_VARIABLE: &str = "BPE_CACHE_DIR";
/// More than the package has, packed or unpacked: what is larger is another.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Whether what is missing may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Allowed,
    Forbidden,
}

/// Superfluid's artefacts, and where a chain that has Superfluid may be kept.
pub struct Located {
    pub artifacts: Artifacts,
    pub chains: PathBuf,
}

/// Finds the artefacts, or fetches them: as long as that takes, lines on standard error say what happens.
///
/// # Errors
/// If they are nowhere, and the network is forbidden or does not give them.
pub fn locate(network: Network) -> anyhow::Result<Located> {
    let package = Package::pinned();
    let place = Path::new("superfluid").join(package.version);
    if let Some(tools) = tools_dir().filter(|tools| is_complete(&tools.join(&place), &package)) {
        return Ok(Located {
            artifacts: Artifacts::load(&tools.join(&place))?,
            chains: tools.join("devnet"),
        });
    }
    let cache = cache_dir()?;
    let folder = cache.join(&place);
    if !is_complete(&folder, &package) {
        ensure!(
            network == Network::Allowed,
            "Superfluid's contracts are not in {}, and --offline forbids to fetch them: run `bpe fetch` with a network, or \
             copy that folder from a machine that has it",
            folder.display()
        );
        fetch(&package, &folder)?;
    }
    Ok(Located {
        artifacts: Artifacts::load(&folder)?,
        chains: cache.join("devnet"),
    })
}

/// Where the platform keeps what programs can get again.
fn cache_dir() -> anyhow::Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(dir) = set(CACHE_VARIABLE) {
        return Ok(dir.into());
    }
    let home = || {
        let home = set("HOME").context("there is no HOME: set BPE_CACHE_DIR to a folder")?;
        Ok::<_, anyhow::Error>(PathBuf::from(home))
    };
    Ok(match (cfg!(target_os = "macos"), set("XDG_CACHE_HOME")) {
        (true, _) => home()?.join("Library/Caches/bpe"),
        (false, Some(dir)) => PathBuf::from(dir).join("bpe"),
        (false, None) => home()?.join(".cache/bpe"),
    })
}

fn file_name(artifact: &str) -> &str {
    artifact.rsplit('/').next().unwrap_or(artifact)
}

fn is_complete(folder: &Path, package: &Package) -> bool {
    let mut names = package.artifacts.iter().map(|artifact| file_name(artifact));
    names.all(|name| folder.join(name).is_file())
}

/// Fetches the package with npm, which knows its registry, proxies and credentials, and unpacks what is needed.
fn fetch(package: &Package, folder: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let name = format!("{}@{}", package.name, package.version);
    let parent = folder.parent().context("a cache is no root")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    // Beside the target, so that the last step is a rename: the target is whole, or not there.
    let draft = tempfile::tempdir_in(parent)
        .with_context(|| format!("cannot write to {}", parent.display()))?;
    eprintln!("Fetching {name} with npm, once …");
    let tarball = pack(&name, draft.path())?;
    let bytes = read(&tarball)?;
    eprintln!("  {:.1} MB, checking …", bytes.len() as f64 / 1e6);
    check(package, &bytes)?;
    let unpacked = draft.path().join("artifacts");
    fs::create_dir(&unpacked)?;
    unpack(package, &bytes, &unpacked)?;
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    fs::rename(&unpacked, folder).with_context(|| format!("cannot write {}", folder.display()))?;
    eprintln!(
        "  {} contracts in {}, {:.0} s",
        package.artifacts.len(),
        folder.display(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Has npm put the package's tarball into a folder.
fn pack(name: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--pack-destination"])
        .arg(folder)
        .arg(name);
    npm.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = npm.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!(
            "npm is not installed, and Superfluid's contracts come from there: install Node.js 20 or newer, or copy the \
             folder superfluid of another machine's cache"
        ),
        _ => anyhow::Error::new(error).context("cannot run npm"),
    })?;
    let output = waiting(|| child.wait_with_output())?;
    ensure!(
        output.status.success(),
        "npm cannot fetch {name}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let mut files = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let tarball = files.find(|path| path.extension().is_some_and(|it| it == "tgz"));
    tarball.with_context(|| format!("npm fetched {name}, and left no tarball"))
}

/// Does something slow; on a terminal, seconds pass meanwhile.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (done, wait) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let started = Instant::now();
            while wait.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                eprint!("\r  {} s", started.elapsed().as_secs());
            }
            eprint!("\r");
        });
        let result = work();
        drop(done);
        result
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(context)?;
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .with_context(context)?;
    Ok(bytes)
}

/// Holds the tarball against its pinned checksums.
fn check(package: &Package, tarball: &[u8]) -> anyhow::Result<()> {
    for (kind, expected, found) in [
        ("sha1", package.sha1, hex::encode(Sha1::digest(tarball))),
        (
            "sha256",
            package.sha256,
            hex::encode(Sha256::digest(tarball)),
        ),
    ] {
        ensure!(
            found == expected,
            "what npm fetched is not {} {}: its {kind} is {found}, and not {expected}",
            package.name,
            package.version
        );
    }
    Ok(())
}

/// Takes the pinned files out of the tarball, by their last names, and nothing else.
fn unpack(package: &Package, tarball: &[u8], folder: &Path) -> anyhow::Result<()> {
    let mut archive = Archive::new(GzDecoder::new(tarball).take(MAX_BYTES));
    let mut missing = package.artifacts.clone();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Ok(within) = path.strip_prefix("package") else {
            continue;
        };
        if let Some(index) = missing
            .iter()
            .position(|artifact| within == Path::new(artifact))
        {
            let artifact = missing.swap_remove(index);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            fs::write(folder.join(file_name(artifact)), bytes)?;
        }
    }
    if let Some(artifact) = missing.first() {
        bail!("{} {} has no {artifact}", package.name, package.version);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{write::GzEncoder, Compression};

    fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, path, text.as_bytes())
                .unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn package() -> Package {
        Package {
            name: "@some/package",
            version: "1.0.0",
            sha1: "",
            sha256: "",
            artifacts: vec!["build/A.sol/A.json", "B.json"],
        }
    }

    #[test]
    fn another_tarball_is_refused() {
        let error = check(&Package::pinned(), b"something else")
            .unwrap_err()
            .to_string();
        assert!(error.contains("its sha1 is"), "{error}");
        let bytes = b"something else";
        let sha1 = hex::encode(Sha1::digest(bytes));
        let known = Package {
            sha1: Box::leak(sha1.into_boxed_str()),
            ..Package::pinned()
        };
        let error = check(&known, bytes).unwrap_err().to_string();
        assert!(error.contains("its sha256 is"), "{error}");
    }

    #[test]
    fn only_what_is_pinned_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let tar = tarball(&[
            ("package/build/A.sol/A.json", "a"),
            ("package/B.json", "b"),
            ("package/evil.json", "c"),
            ("elsewhere/B.json", "d"),
        ]);
        unpack(&package(), &tar, folder.path()).unwrap();
        assert!(is_complete(folder.path(), &package()));
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
        assert_eq!(read("A.json").as_deref(), Some("a"));
        assert_eq!(read("B.json").as_deref(), Some("b"));
        assert_eq!(read("evil.json"), None);
    }

    #[test]
    fn a_package_without_a_contract_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tar = tarball(&[("package/B.json", "b")]);
        let error = unpack(&package(), &tar, folder.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("has no build/A.sol/A.json"), "{error}");
        assert!(!is_complete(folder.path(), &package()));
    }
}
