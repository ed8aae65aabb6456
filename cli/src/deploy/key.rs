//! Whose transactions these are: a key out of a file, a keystore or the environment, never off the command line, where
//! other users of the machine and the shell's history would see it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use alloy::signers::local::PrivateKeySigner;
use anyhow::{bail, Context as _};
use clap::Args;

/// A private key in hex.
const KEY_VARIABLE: &str = "BPE_PRIVATE_KEY";
const PASSWORD_VARIABLE: &str = "BPE_KEYSTORE_PASSWORD";

/// Where the key is.
#[derive(Args, Clone, Debug, Default)]
pub struct KeySource {
    /// File with the private key, 0x and 64 hex digits. Without it and --keystore: the environment's BPE_PRIVATE_KEY.
    #[arg(long, value_name = "FILE", conflicts_with = "keystore")]
    pub key_file: Option<PathBuf>,
    /// Encrypted keystore, as geth and cast write it. Its password: --password-file, or BPE_KEYSTORE_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password in its first line.
    #[arg(long, value_name = "FILE", requires = "keystore")]
    pub password_file: Option<PathBuf>,
}

impl KeySource {
    /// Reads the key. No error says anything of what is in it.
    ///
    /// # Errors
    /// If there is none, or it is not one.
    pub fn signer(&self) -> anyhow::Result<PrivateKeySigner> {
        match (&self.key_file, &self.keystore) {
            (Some(file), _) => parse(&secret(file)?).with_context(|| {
                format!(
                    "{} is no private key: it should hold 0x and 64 hex digits",
                    file.display()
                )
            }),
            (None, Some(file)) => self.decrypt(file),
            (None, None) => match env::var(KEY_VARIABLE) {
                Ok(key) => parse(&key).with_context(|| {
                    format!("{KEY_VARIABLE} is no private key: it should hold 0x and 64 hex digits")
                }),
                Err(_) => bail!(
                    "there is no key to sign with: name its file with --key-file or --keystore, or set {KEY_VARIABLE}"
                ),
            },
        }
    }

    fn decrypt(&self, keystore: &Path) -> anyhow::Result<PrivateKeySigner> {
        let password = match &self.password_file {
            Some(file) => secret(file)?.lines().next().unwrap_or_default().to_owned(),
            None => env::var(PASSWORD_VARIABLE).ok().with_context(|| {
                format!("the keystore has a password: name its file with --password-file, or set {PASSWORD_VARIABLE}")
            })?,
        };
        if !keystore.is_file() {
            bail!("there is no keystore {}", keystore.display());
        }
        let key = eth_keystore::decrypt_key(keystore, password).with_context(|| {
            format!(
                "cannot open the keystore {}: is the password right?",
                keystore.display()
            )
        })?;
        PrivateKeySigner::from_slice(&key)
            .ok()
            .with_context(|| format!("{} holds no private key", keystore.display()))
    }
}

fn secret(file: &Path) -> anyhow::Result<String> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    if readable_by_others(file) {
        eprintln!(
            "Warning: other users of this machine can read {0}; `chmod 600 {0}` keeps it to you",
            file.display()
        );
    }
    Ok(text)
}

#[cfg(unix)]
fn readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const GROUP_AND_OTHERS_READ: u32 = 0o044;
    fs::metadata(file).is_ok_and(|data| data.permissions().mode() & GROUP_AND_OTHERS_READ != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}

/// The library's own errors may quote what they could not read.
fn parse(text: &str) -> Option<PrivateKeySigner> {
    text.trim().parse().ok()
}
