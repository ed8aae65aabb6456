//! How a compiled module becomes a program, as `cargo stylus` 0.10.10 does it, step by step: its bytes are ours to make
//! without its two hundred crates. That they are the same is checked against `cargo stylus` itself ([`crate::verify`]).
//!
//! The optimiser is `[wasm-opt]` in a contract's Stylus.toml, over that of the workspace.

use crate::{
    error::{Error, Result},
    workspace::{ContractCrate, Workspace},
};
use devnet_vm::wasm::{without_custom_sections, NotAModule};
use serde::Deserialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use wasm_encoder::{CustomSection, Section};

/// The custom section that holds the project hash.
const HASH_SECTION: &str = "project_hash";

const OPTIMISER: &str = "wasm-opt";

/// How a contract is optimised after compilation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmOpt {
    /// Binaryen's version, a number.
    pub version: String,
    pub flags: Vec<String>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "wasm-opt")]
    wasm_opt: Option<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: Option<String>,
    flags: Option<Vec<String>>,
}

/// A contract's recipe, as `cargo stylus` resolves it: none, unless its own Stylus.toml has the table.
pub fn wasm_opt(workspace: &Workspace, contract: &ContractCrate) -> Result<Option<WasmOpt>> {
    let Some(own) = read(&contract.dir.join("Stylus.toml"))? else {
        return Ok(None);
    };
    let shared = read(&workspace.contracts_dir().join("Stylus.toml"))?;
    let shared = shared.unwrap_or(Table {
        version: None,
        flags: None,
    });
    let version = own
        .version
        .or(shared.version)
        .ok_or_else(|| Error::contract(&contract.name, "[wasm-opt] names no version"))?;
    let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (version.len() > 1 && version.starts_with('0')) {
        return Err(Error::contract(
            &contract.name,
            format!("[wasm-opt] names version {version:?}: it is a number, such as \"132\""),
        ));
    }
    Ok(Some(WasmOpt {
        version,
        flags: own.flags.or(shared.flags).unwrap_or_default(),
    }))
}

fn read(file: &Path) -> Result<Option<Table>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(file)(e)),
    };
    let manifest: Manifest = toml::from_str(&text).map_err(|e| Error::Syntax {
        path: file.to_path_buf(),
        message: e.to_string(),
    })?;
    Ok(manifest.wasm_opt)
}

/// The optimiser, of one version.
#[derive(Debug)]
pub struct Optimiser {
    program: PathBuf,
    version: String,
}

impl Optimiser {
    /// Finds `wasm-opt`: the one of scripts/fetch-tools, or else one on the path. Its version is part of the recipe.
    pub fn locate(workspace: &Workspace) -> Result<Self> {
        let program = workspace.tool(OPTIMISER);
        let mut command = Command::new(&program);
        let output = command
            .arg("--version")
            .output()
            .map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => Error::Command {
                    command: OPTIMISER.into(),
                    details: ": it is not there. `scripts/setup` installs it".into(),
                },
                _ => Error::io(&program)(e),
            })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text
            .split_whitespace()
            .skip_while(|word| *word != "version")
            .nth(1)
            .map(|word| {
                word.chars()
                    .take_while(char::is_ascii_digit)
                    .collect::<String>()
            })
            .filter(|version| !version.is_empty())
            .ok_or_else(|| Error::Command {
                command: format!("{OPTIMISER} --version"),
                details: format!(": it printed {:?}", text.trim()),
            })?;
        Ok(Self { program, version })
    }

    /// Optimises a module.
    pub fn run(&self, contract: &str, wasm: &[u8], recipe: &WasmOpt) -> Result<Vec<u8>> {
        if self.version != recipe.version {
            return Err(Error::contract(
                contract,
                format!(
                    "Stylus.toml asks for {OPTIMISER} {}, but {} is version {}: run `scripts/setup`",
                    recipe.version,
                    self.program.display(),
                    self.version
                ),
            ));
        }
        let dir = tempfile::tempdir().map_err(Error::io(std::env::temp_dir()))?;
        let (input, output) = (dir.path().join("in.wasm"), dir.path().join("out.wasm"));
        fs::write(&input, wasm).map_err(Error::io(&input))?;
        let mut command = Command::new(&self.program);
        command
            .args(&recipe.flags)
            .arg(&input)
            .arg("-o")
            .arg(&output);
        let result = command.output().map_err(Error::io(&self.program))?;
        if !result.status.success() {
            return Err(Error::contract(
                contract,
                format!(
                    "{OPTIMISER} failed: {}",
                    String::from_utf8_lossy(&result.stderr).trim()
                ),
            ));
        }
        fs::read(&output).map_err(Error::io(&output))
    }
}

/// The module that goes on chain, uncompressed: of custom sections it has the project hash.
pub fn finish(wasm: &[u8], hash: [u8; 32]) -> Result<Vec<u8>, NotAModule> {
    let mut wasm = without_custom_sections(wasm)?;
    CustomSection {
        name: HASH_SECTION.into(),
        data: hash.as_slice().into(),
    }
    .append_to(&mut wasm);
    Ok(wasm)
}

/// The transaction data that creates a contract with this code, as `cargo stylus` writes it.
pub fn init_code(code: &[u8]) -> Vec<u8> {
    const LENGTH: usize = 43;
    let mut init = vec![0x7f]; // PUSH32: the length
    init.extend([0; 24]);
    init.extend((code.len() as u64).to_be_bytes());
    // DUP1, PUSH1 where the code starts, PUSH1 0, CODECOPY, PUSH1 0, RETURN; then the version.
    init.extend([
        0x80,
        0x60,
        LENGTH as u8,
        0x60,
        0x00,
        0x39,
        0x60,
        0x00,
        0xf3,
        0x00,
    ]);
    init.extend(code);
    init
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Parser, Payload};

    const HASH: [u8; 32] = [7; 32];

    #[test]
    fn a_program_has_one_custom_section_and_it_is_the_hash() {
        let wasm = wat::parse_str(
            r#"(module (@custom "producers" "rustc") (memory (export "memory") 1)
                (func $named (export "user_entrypoint")))"#,
        )
        .unwrap();
        let processed = finish(&wasm, HASH).unwrap();
        let sections: Vec<_> = Parser::new(0)
            .parse_all(&processed)
            .filter_map(|payload| match payload.unwrap() {
                Payload::CustomSection(section) => {
                    Some((section.name().to_owned(), section.data().to_vec()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(sections, [(HASH_SECTION.to_owned(), HASH.to_vec())]);
        let code = devnet_vm::code::encode(&processed);
        assert_eq!(devnet_vm::code::decode(&code).unwrap(), processed);
    }

    #[test]
    fn another_version_of_the_optimiser_is_refused() {
        let wasm = wat::parse_str("(module)").unwrap();
        let recipe = WasmOpt {
            version: "132".into(),
            flags: Vec::new(),
        };
        let optimiser = Optimiser {
            program: "wasm-opt".into(),
            version: "108".into(),
        };
        let error = optimiser.run("sample", &wasm, &recipe).unwrap_err();
        assert!(
            error.to_string().contains("asks for wasm-opt 132"),
            "{error}"
        );
    }
}
