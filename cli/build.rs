//! Puts the suite's programs into `bpe`: a release build holds their bytes, and works anywhere. Other builds read
//! target/stylus when they run, so that a change to a contract does not rebuild `bpe`.
//!
//! BPE_EMBED_PROGRAMS=FOLDER takes the programs from there, in any profile; BPE_EMBED_PROGRAMS=build builds them first, as a
//! release build does without the variable.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-check-cfg=cfg(embedded)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BPE_EMBED_PROGRAMS");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().ok_or("no folder above cli/")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let wanted = env::var("BPE_EMBED_PROGRAMS").unwrap_or_default();
    let folder = match wanted.as_str() {
        "" if env::var("PROFILE")? != "release" => None,
        "" | "build" => Some(build(root)?),
        folder => {
            let folder = root.join(folder);
            println!("cargo::rerun-if-changed={}", folder.display());
            Some(folder)
        }
    };
    let mut source = String::from("pub static PROGRAMS: &[(&str, &[u8])] = &[\n");
    if let Some(folder) = folder {
        println!("cargo::rustc-cfg=embedded");
        for (name, file) in copies(&folder, &out)? {
            writeln!(source, "    ({name:?}, include_bytes!({file:?})),")?;
        }
        commit(root);
    }
    source.push_str("];\n");
    fs::write(out.join("programs.rs"), source)?;
    Ok(())
}

/// Builds the programs with xtask, and says where they are.
fn build(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    for watched in ["contracts", "devnet/vm/src", "xtask/src"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    run(Command::new(root.join("scripts/fetch-tools")).arg("--for-building"))?;
    // Cargo holds the folder of this build locked: programs and the tools that compile them go to another.
    let own = root.join("target/embed");
    let mut xtask = Command::new(env::var("CARGO")?);
    xtask.args([
        "run",
        "--quiet",
        "--locked",
        "--package",
        "xtask",
        "--target-dir",
    ]);
    xtask.arg(match env::var("PROFILE")?.as_str() {
        "release" => root.join("target"),
        _ => own.clone(),
    });
    xtask.args(["--", "build"]);
    // What Cargo tells a build script is about this build, and not about that one.
    for (name, _) in env::vars() {
        let of_cargo = name.starts_with("CARGO_") && name != "CARGO_HOME";
        if of_cargo
            || ["MAKEFLAGS", "RUSTFLAGS", "TARGET", "HOST", "PROFILE"].contains(&name.as_str())
        {
            xtask.env_remove(name);
        }
    }
    run(xtask.env("CARGO_TARGET_DIR", own).current_dir(root))?;
    Ok(root.join("target/stylus"))
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command
        .output()
        .map_err(|error| format!("cannot run {:?}: {error}", command.get_program()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "the programs cannot be built: {:?} failed\n{}",
            command.get_program(),
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}

/// Copies the programs, so that what is compiled in cannot change meanwhile; gives names and files.
fn copies(folder: &Path, out: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let own = out.join("programs");
    // Programs of an earlier build may be gone.
    let _ = fs::remove_dir_all(&own);
    fs::create_dir_all(&own)?;
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut programs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path
            .extension()
            .is_some_and(|extension| extension == "code")
        {
            let file = own.join(path.file_name().unwrap_or_default());
            fs::copy(&path, &file)?;
            programs.push((name, file));
        }
    }
    programs.sort();
    match programs.is_empty() {
        true => Err(format!("{} holds no programs", folder.display()).into()),
        false => Ok(programs),
    }
}

/// Says which commit this is, if it is one.
fn commit(root: &Path) {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(file) = git(&["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={}", root.join(file).display());
        }
    }
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return;
    };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|it| !it.is_empty());
    let changed = if changed { ", changed since" } else { "" };
    println!("cargo::rustc-env=BPE_COMMIT={commit}{changed}");
}
