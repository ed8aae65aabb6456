//! Parameters of requests, each with an error that names it.

use std::{collections::HashMap, str::FromStr};

use alloy::primitives::{Address, B256};
use axum::extract::Query;

use super::problem::Problem;

/// Rows in a page, unless asked otherwise, and at most.
const LIMIT: u64 = 100;
const MOST: u64 = 1_000;

/// The query of a request.
pub struct Params(HashMap<String, String>);

impl Params {
    /// Takes a query in which only these keys may be.
    pub fn of(
        query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
        known: &[&str],
    ) -> Result<Self, Problem> {
        let Query(pairs) = query.map_err(|_| Problem::bad("the query cannot be read"))?;
        let mut params = HashMap::new();
        for (key, value) in pairs {
            let shown: String = key.chars().take(40).collect();
            if !known.contains(&key.as_str()) {
                return Err(Problem::bad(format!(
                    "there is no parameter {shown:?}; there is {}",
                    known.join(", ")
                )));
            }
            // No database keeps it in a text.
            if value.contains('\0') {
                return Err(Problem::bad(format!("{shown} has a zero byte in it")));
            }
            if params.insert(key, value).is_some() {
                return Err(Problem::bad(format!("{shown} is there twice")));
            }
        }
        Ok(Self(params))
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn parsed<T: FromStr>(&self, key: &str, what: &str) -> Result<Option<T>, Problem> {
        self.text(key)
            .map(|text| parse(text, key, what))
            .transpose()
    }

    pub fn limit(&self) -> Result<i64, Problem> {
        let limit = self.parsed::<u64>("limit", "a number")?.unwrap_or(LIMIT);
        if limit == 0 || limit > MOST {
            return Err(Problem::bad(format!(
                "limit is from 1 to {MOST}, not {limit}"
            )));
        }
        Ok(limit.cast_signed())
    }

    pub fn task_type(&self) -> Result<Option<B256>, Problem> {
        self.text("taskType")
            .map(|text| task_type(text))
            .transpose()
    }

    pub fn account(&self) -> Result<Option<Address>, Problem> {
        self.parsed("account", "an address")
    }
}

pub fn task_type(text: &str) -> Result<B256, Problem> {
    parse(text, "the task type", "0x and 64 hex digits")
}

fn parse<T: FromStr>(text: &str, key: &str, what: &str) -> Result<T, Problem> {
    let shown: String = text.chars().take(80).collect();
    text.parse()
        .map_err(|_| Problem::bad(format!("{key} should be {what}, not {shown:?}")))
}
