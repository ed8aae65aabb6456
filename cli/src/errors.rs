//! `bpe errors`: what a revert means.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use alloy::{
    dyn_abi::JsonAbiExt as _,
    hex,
    json_abi::{Error, JsonAbi},
    primitives::{Bytes, Selector},
    sol_types::{Panic, Revert, SolError as _},
};
use anyhow::{bail, ensure, Context as _};
use clap::Args;
use devnet::{describe_revert, describe_value};
use serde_json::{Map, Value};

use crate::abis::Abis;

/// Where Foundry's tools keep the signatures that they know, below the home directory.
const FOUNDRY_CACHE: &str = ".foundry/cache/signatures";

/// `bpe errors`.
#[derive(Args)]
pub struct Options {
    /// What a call reverted with, in hex: four bytes, or all of it to see the arguments too.
    #[arg(value_name = "DATA", required_unless_present_any = ["cast", "list"])]
    data: Option<String>,
    /// Write all signatures to this file for Foundry's tools, beside what is in it; without a value to the one that cast
    /// reads. Then `cast decode-error`, `cast 4byte-calldata` and traces know the suite's names.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    cast: Option<Option<PathBuf>>,
    /// List all errors.
    #[arg(long)]
    list: bool,
}

impl Options {
    /// Writes the signatures to `file`.
    pub fn for_cast(file: PathBuf) -> Self {
        Self {
            data: None,
            cast: Some(Some(file)),
            list: false,
        }
    }

    /// # Errors
    /// A sentence that says what was wrong and what to do.
    pub fn run(self) -> anyhow::Result<()> {
        let abis = Abis::load()?;
        if let Some(file) = self.cast {
            let file = file.map_or_else(foundry_cache, Ok)?;
            let count = write_signatures(&abis, &file)?;
            println!("{count} signatures are in {}", file.display());
        }
        if self.list {
            for (selector, signature) in abis.signatures().errors {
                println!("{selector} {signature}");
            }
        }
        if let Some(data) = self.data {
            println!("{}", describe(&abis, &data)?);
        }
        Ok(())
    }
}

/// An error in words, a line for each that it can be.
///
/// # Errors
/// If it is not hex, too short, or nobody's.
pub fn describe(abis: &Abis, data: &str) -> anyhow::Result<String> {
    let bytes: Bytes = hex::decode(data.trim())
        .ok()
        .with_context(|| format!("{data} is not hex"))?
        .into();
    ensure!(
        bytes.len() >= 4,
        "{data} has {} bytes, and an error begins with four",
        bytes.len()
    );
    let selector = Selector::from_slice(&bytes[..4]);
    if is_standard(selector) {
        return Ok(describe_revert(&bytes, &JsonAbi::new()));
    }
    let lines: Vec<String> = abis
        .errors(selector)
        .into_iter()
        .map(|(error, contracts)| {
            let shown = arguments(error, &bytes[4..]).unwrap_or_else(|| error.signature());
            format!("{shown}  ({})", contracts.join(", "))
        })
        .collect();
    if lines.is_empty() {
        bail!("no contract of the suite, of Superfluid or of Arbitrum has an error {selector}: `bpe errors --list` lists them");
    }
    Ok(lines.join("\n"))
}

/// Whether it is the text of a `require`, or a panic.
pub fn is_standard(selector: Selector) -> bool {
    selector == Revert::SELECTOR || selector == Panic::SELECTOR
}

/// The error with its arguments by name; `None` if they are not there.
pub fn arguments(error: &Error, data: &[u8]) -> Option<String> {
    let values = error.abi_decode_input(data).ok()?;
    let values = error.inputs.iter().zip(&values).map(|(input, value)| {
        let value = describe_value(value);
        match input.name.as_str() {
            "" => value,
            name => format!("{name}: {value}"),
        }
    });
    let values: Vec<String> = values.collect();
    Some(format!("{}({})", error.name, values.join(", ")))
}

fn foundry_cache() -> anyhow::Result<PathBuf> {
    let home = env::var_os("HOME").context("there is no HOME: name the file")?;
    Ok(Path::new(&home).join(FOUNDRY_CACHE))
}

/// Adds our signatures to those of the file; gives how many of ours there are.
fn write_signatures(abis: &Abis, file: &Path) -> anyhow::Result<usize> {
    let mut known: Map<String, Value> = match fs::read(file) {
        Ok(json) => serde_json::from_slice(&json)
            .with_context(|| format!("{} is not what cast writes", file.display()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", file.display()));
        }
    };
    let ours = abis.signatures();
    let mut count = 0;
    for (kind, signatures) in [
        ("functions", ours.functions),
        ("errors", ours.errors),
        ("events", ours.events),
    ] {
        count += signatures.len();
        let entry = known
            .entry(kind)
            .or_insert_with(|| Value::Object(Map::new()));
        let entry = entry
            .as_object_mut()
            .with_context(|| format!("{} is not what cast writes", file.display()))?;
        entry.extend(with_values(signatures));
    }
    let written = file
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| {
            let draft = file.with_extension(format!("{}.new", std::process::id()));
            fs::write(&draft, serde_json::to_vec(&known)?)?;
            fs::rename(&draft, file)
        });
    written.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(count)
}

fn with_values(signatures: BTreeMap<String, String>) -> impl Iterator<Item = (String, Value)> {
    let pairs = signatures.into_iter();
    pairs.map(|(selector, signature)| (selector, Value::String(signature)))
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::U256, sol};

    use super::*;

    sol! {
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
    }

    #[test]
    fn errors_are_named_with_their_arguments() {
        let abis = Abis::load().unwrap();
        let data = ERC20InsufficientAllowance {
            spender: alloy::primitives::Address::ZERO,
            allowance: U256::from(5),
            needed: U256::from(7),
        };
        let all = describe(&abis, &hex::encode_prefixed(data.abi_encode())).unwrap();
        assert!(
            all.starts_with("ERC20InsufficientAllowance(spender: 0x0000000000000000000000000000000000000000, allowance: 5, needed: 7)"),
            "{all}"
        );
        let selector = hex::encode_prefixed(ERC20InsufficientAllowance::SELECTOR);
        let short = describe(&abis, &selector).unwrap();
        assert!(
            short.starts_with("ERC20InsufficientAllowance(address,uint256,uint256)"),
            "{short}"
        );
        let panic = hex::encode_prefixed(Panic::from(0x11).abi_encode());
        assert!(describe(&abis, &panic).unwrap().contains("overflow"));
        for (bad, why) in [
            ("0x12", "begins with four"),
            ("stake", "is not hex"),
            ("0x00000001", "has an error 0x00000001"),
        ] {
            let error = describe(&abis, bad).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn every_error_of_the_suite_is_known() {
        let abis = Abis::load().unwrap();
        let mut count = 0;
        for (contract, json) in bpe_abi::ABIS {
            let abi: alloy::json_abi::JsonAbi = serde_json::from_str(json).unwrap();
            for error in abi.errors() {
                let all = describe(&abis, &error.selector().to_string()).unwrap();
                assert!(
                    all.contains(&error.signature()) && all.contains(contract),
                    "{all}"
                );
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn signatures_are_added_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache/signatures");
        let abis = Abis::load().unwrap();
        write_signatures(&abis, &file).unwrap();
        let mut known: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        known["errors"]["0x12345678"] = "Mine()".into();
        fs::write(&file, known.to_string()).unwrap();
        write_signatures(&abis, &file).unwrap();
        let again: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(again, known);
        fs::write(&file, "[]").unwrap();
        assert!(write_signatures(&abis, &file).is_err());
    }
}
