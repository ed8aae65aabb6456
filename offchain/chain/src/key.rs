//! Whose transactions these are: a key out of a file, a keystore or the environment. It is never printed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use alloy::signers::local::PrivateKeySigner;
use serde::Deserialize;

/// There is no key, or it is none. No error says anything of what was read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{0} is no private key: it should hold 0x and 64 hex digits")]
    NoKey(String),
    #[error("other users of this machine can read {path}; `chmod 600 {path}` keeps it to you")]
    Readable { path: PathBuf },
    #[error("cannot open the keystore {path}: is the password right?")]
    Keystore { path: PathBuf },
    #[error("the keystore has a password: name its file with password_file, or set {0}")]
    NoPassword(&'static str),
    #[error(
        "there is no key to sign with: name key_file or keystore in the configuration, or set {0}"
    )]
    None(&'static str),
}

/// A private key in hex.
const KEY_VARIABLE: &str = "BPE_PRIVATE_KEY";
const PASSWORD_VARIABLE: &str = "BPE_KEYSTORE_PASSWORD";

/// Where the key is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySource {
    /// File with the private key, 0x and 64 hex digits.
    pub key_file: Option<PathBuf>,
    /// Encrypted keystore, as geth and cast write it.
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password in its first line.
    pub password_file: Option<PathBuf>,
}

impl KeySource {
    /// Reads the key: of the file, the keystore, or the environment's `BPE_PRIVATE_KEY`, in this order.
    ///
    /// # Errors
    /// If there is none, or it is not one.
    pub fn signer(&self) -> Result<PrivateKeySigner, KeyError> {
        match (&self.key_file, &self.keystore) {
            (Some(file), _) => parse(&secret(file)?, &file.display().to_string()),
            (None, Some(keystore)) => self.decrypt(keystore),
            (None, None) => {
                let key = env::var(KEY_VARIABLE).map_err(|_| KeyError::None(KEY_VARIABLE))?;
                parse(&key, KEY_VARIABLE)
            }
        }
    }

    fn decrypt(&self, keystore: &Path) -> Result<PrivateKeySigner, KeyError> {
        let password = match &self.password_file {
            Some(file) => secret(file)?.lines().next().unwrap_or_default().to_owned(),
            None => {
                env::var(PASSWORD_VARIABLE).map_err(|_| KeyError::NoPassword(PASSWORD_VARIABLE))?
            }
        };
        let path = || keystore.to_owned();
        let key = eth_keystore::decrypt_key(keystore, password)
            .map_err(|_| KeyError::Keystore { path: path() })?;
        PrivateKeySigner::from_slice(&key)
            .map_err(|_| KeyError::NoKey(path().display().to_string()))
    }
}

fn secret(file: &Path) -> Result<String, KeyError> {
    let path = || file.to_owned();
    let text = fs::read_to_string(file).map_err(|source| KeyError::Read {
        path: path(),
        source,
    })?;
    if readable_by_others(file) {
        return Err(KeyError::Readable { path: path() });
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
fn parse(text: &str, place: &str) -> Result<PrivateKeySigner, KeyError> {
    text.trim()
        .parse()
        .map_err(|_| KeyError::NoKey(place.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, KeySource) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let source = KeySource {
            key_file: Some(path),
            ..KeySource::default()
        };
        (folder, source)
    }

    #[test]
    fn refuses_what_is_no_key_without_quoting_it() {
        let (_folder, source) = file("0xsecret", 0o600);
        let error = source.signer().unwrap_err();
        assert!(matches!(error, KeyError::NoKey(_)));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn refuses_a_key_that_others_can_read() {
        let key = format!("0x{}", "11".repeat(32));
        let (_folder, source) = file(&key, 0o644);
        assert!(matches!(source.signer(), Err(KeyError::Readable { .. })));
        let (_folder, source) = file(&key, 0o600);
        source.signer().unwrap();
    }
}
