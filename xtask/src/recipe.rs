//! How a contract is optimised after compilation: `[wasm-opt]` in its Stylus.toml, over that of the workspace.

use crate::{
    error::{Error, Result},
    workspace::{ContractCrate, Workspace},
};
use serde::Deserialize;
use std::{env, fs, io, path::Path, sync::Once};
use stylus_tools::core::optimize::WasmOptConfig;

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "wasm-opt")]
    wasm_opt: Option<Recipe>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    version: Option<String>,
    flags: Option<Vec<String>>,
}

/// A contract's recipe, as `cargo stylus` resolves it: none, unless its own Stylus.toml has the table.
pub fn wasm_opt(workspace: &Workspace, contract: &ContractCrate) -> Result<Option<WasmOptConfig>> {
    let Some(own) = read(&contract.dir.join("Stylus.toml"))? else {
        return Ok(None);
    };
    let shared = read(&workspace.contracts_dir().join("Stylus.toml"))?;
    let shared = shared.unwrap_or(Recipe {
        version: None,
        flags: None,
    });
    let version = own
        .version
        .or(shared.version)
        .ok_or_else(|| Error::contract(&contract.name, "[wasm-opt] names no version"))?
        .parse()
        .map_err(|e: stylus_tools::core::optimize::WasmOptError| {
            Error::contract(&contract.name, e.to_string())
        })?;
    Ok(Some(WasmOptConfig {
        version,
        flags: own.flags.or(shared.flags).unwrap_or_default(),
    }))
}

fn read(file: &Path) -> Result<Option<Recipe>> {
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

/// Puts .tools/bin first on the path, where stylus-tools looks for `wasm-opt`.
pub fn put_tools_on_path(workspace: &Workspace) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [workspace.tools_dir()]
            .into_iter()
            .chain(env::split_paths(&path));
        if let Ok(joined) = env::join_paths(paths) {
            env::set_var("PATH", joined);
        }
    });
}
