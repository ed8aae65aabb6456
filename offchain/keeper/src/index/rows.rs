//! Values out of rows.

use std::str::FromStr;

use bpe_chain::ChainError;
use sqlx::{any::AnyRow, Row as _};

/// Reads columns by number.
pub trait Rows {
    fn text(&self, column: usize) -> Result<String, ChainError>;
    fn optional(&self, column: usize) -> Result<Option<String>, ChainError>;
    fn number(&self, column: usize) -> Result<u64, ChainError>;

    /// A value that is stored as text.
    fn parsed<T: FromStr>(&self, column: usize) -> Result<T, ChainError> {
        let value = self.text(column)?;
        value.parse().map_err(|_| ChainError::Corrupt {
            column: "a value",
            value,
        })
    }
}

impl Rows for AnyRow {
    fn text(&self, column: usize) -> Result<String, ChainError> {
        Ok(self.try_get(column)?)
    }

    fn optional(&self, column: usize) -> Result<Option<String>, ChainError> {
        Ok(self.try_get(column)?)
    }

    #[allow(clippy::cast_sign_loss, reason = "only what was unsigned is stored")]
    fn number(&self, column: usize) -> Result<u64, ChainError> {
        Ok(self.try_get::<i64, _>(column)? as u64)
    }
}
