//! What can go wrong, said with the file or contract it is about.

use std::path::PathBuf;

/// The error of every command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {message}", path.display())]
    Syntax { path: PathBuf, message: String },
    #[error("{contract}: {message}")]
    Contract { contract: String, message: String },
    #[error("there is no contract `{0}` under contracts/")]
    UnknownContract(String),
    #[error("`{command}` failed{details}")]
    Command { command: String, details: String },
    #[error("{0}")]
    Stylus(String),
    #[error("{}: {source}", path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{0}")]
    Stale(String),
    #[error("{0}")]
    OverBudget(String),
    #[error("{0} violated")]
    Rules(Violations),
}

/// The result of every command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How many rules were broken.
#[derive(Debug)]
pub struct Violations(pub usize);

impl std::fmt::Display for Violations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => f.write_str("one rule"),
            n => write!(f, "{n} rules"),
        }
    }
}

impl Error {
    /// For `map_err` on file operations.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Something wrong about one contract.
    pub fn contract(contract: &str, message: impl Into<String>) -> Self {
        Self::Contract {
            contract: contract.into(),
            message: message.into(),
        }
    }
}
