//! The npm package `@bpe/stylus`: built as its users build it, and used from a project beside it.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::tools::{node, run, target_dir, workspace_root};

/// What it is built from, below the root of the repository.
const INPUTS: [&str; 8] = [
    "deployments",
    "interfaces",
    "sdk-abi/abi",
    "sdk-abi/npm/generate",
    "sdk-abi/npm/generate.mjs",
    "sdk-abi/npm/package-lock.json",
    "sdk-abi/npm/src",
    "sdk-abi/npm/tsconfig.json",
];

/// The folder of the package.
pub fn package() -> PathBuf {
    workspace_root().join("sdk-abi/npm")
}

/// A command of the package's development dependencies.
pub fn npm_tool(name: &str) -> Command {
    Command::new(installed(&package()).join(".bin").join(name))
}

/// Node.js, with the package's development dependencies.
pub fn node_with_packages() -> Command {
    let mut command = node();
    command.env("NODE_PATH", installed(&package()));
    command
}

fn installed(package: &Path) -> PathBuf {
    let modules = package.join("node_modules");
    assert!(
        modules.exists(),
        "no {}: run scripts/fetch-tools",
        modules.display()
    );
    modules
}

/// The package, built. Tests in other processes wait meanwhile, and build nothing again.
pub async fn built() -> PathBuf {
    let package = package();
    let lock =
        File::create(target_dir().join("npm.lock")).expect("the target folder can be written");
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    let _lock = lock.await.unwrap().expect("a file can be locked");
    let stamp = package.join("dist/.built");
    let inputs = hash_of_inputs();
    if fs::read_to_string(&stamp).is_ok_and(|built| built == inputs) {
        return package;
    }
    build(&package).await;
    fs::write(&stamp, inputs).expect("what was built can be written to");
    package
}

/// Generates and compiles the package in this folder.
pub async fn build(package: &Path) {
    installed(package);
    let mut generate = node();
    generate.arg("generate.mjs").current_dir(package);
    run(generate).await.succeeded();
    let mut tsc = npm_tool("tsc");
    tsc.args(["--project", "tsconfig.json"])
        .current_dir(package);
    run(tsc).await.succeeded();
}

fn hash_of_inputs() -> String {
    let mut hasher = DefaultHasher::new();
    for input in INPUTS {
        hash_all(&workspace_root().join(input), &mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

fn hash_all(path: &Path, hasher: &mut DefaultHasher) {
    if path.ends_with("src/generated") {
        return;
    }
    path.hash(hasher);
    if path.is_file() {
        fs::read(path).expect("it can be read").hash(hasher);
        return;
    }
    for entry in entries(path) {
        hash_all(&entry, hasher);
    }
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = list.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// A project whose dependencies are the package and viem, with a folder of `examples/`.
pub async fn project_with(example: &str) -> TempDir {
    let package = built().await;
    let project = tempfile::tempdir().unwrap();
    let modules = project.path().join("node_modules");
    fs::create_dir_all(modules.join("@bpe")).unwrap();
    symlink(&package, modules.join("@bpe/stylus")).unwrap();
    for dependency in ["viem", "openai", "@modelcontextprotocol"] {
        symlink(
            installed(&package).join(dependency),
            modules.join(dependency),
        )
        .unwrap();
    }
    copy_all(
        &workspace_root().join("examples").join(example),
        &project.path().join(example),
    );
    project
}

/// Copies a folder, but for what was installed or built there.
pub fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in entries(from) {
        let name = entry.file_name().unwrap();
        if ["node_modules", "dist", "generated", "abi"].contains(&name.to_str().unwrap()) {
            continue;
        }
        if entry.is_dir() {
            copy_all(&entry, &to.join(name));
        } else {
            fs::copy(&entry, to.join(name)).unwrap();
        }
    }
}
