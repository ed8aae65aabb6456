//! Request traces: CSV with the columns `TIMESTAMP,ContextTokens,GeneratedTokens`, as Azure publishes them.

use std::{fs, path::Path};

use anyhow::{bail, ensure, Context as _};
use jiff::{civil::DateTime, tz::TimeZone};

/// The first line of every trace.
const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens";

/// The excerpts of two traces that come along. See `tests/fixtures/traces/README.md`.
pub const EXCERPTS: [(&str, &str); 2] = [
    (
        "tests/fixtures/traces/code.csv",
        include_str!("../../tests/fixtures/traces/code.csv"),
    ),
    (
        "tests/fixtures/traces/conversation.csv",
        include_str!("../../tests/fixtures/traces/conversation.csv"),
    ),
];

/// A request: a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Seconds since 1970.
    pub at: f64,
    /// What it generated: its work, in tokens.
    pub tokens: u32,
}

/// Requests in the order of their time, and where they are from.
#[derive(Clone, Debug)]
pub struct Trace {
    pub file: String,
    pub requests: Vec<Request>,
}

impl Trace {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is not of this form, or has no request.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read trace {file}"))?;
        Self::parse(&file, &text)
    }

    /// Parses the text of a file that errors call `file`. Rows may come in any order.
    ///
    /// # Errors
    /// The first row that is not of this form, by its line.
    pub fn parse(file: &str, text: &str) -> anyhow::Result<Self> {
        // Spreadsheets put a byte order mark there.
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        let header = lines.next().unwrap_or_default().trim_end();
        ensure!(
            header == HEADER,
            "{file}, line 1: the header is \"{header}\", expected \"{HEADER}\""
        );
        let mut requests = Vec::new();
        for (line, number) in lines.zip(2..) {
            let row = line.trim_end();
            if !row.is_empty() {
                let request = parse_row(row).with_context(|| format!("{file}, line {number}"))?;
                requests.push(request);
            }
        }
        ensure!(!requests.is_empty(), "{file}: there is no request in it");
        requests.sort_by(|a, b| a.at.total_cmp(&b.at));
        Ok(Self {
            file: file.to_owned(),
            requests,
        })
    }

    /// When the first request came, in seconds since 1970.
    pub fn first(&self) -> f64 {
        self.requests.first().map_or(0.0, |request| request.at)
    }

    /// When the last one came.
    pub fn last(&self) -> f64 {
        self.requests.last().map_or(0.0, |request| request.at)
    }

    /// The work of all requests.
    pub fn tokens(&self) -> u64 {
        let tokens = self.requests.iter().map(|request| request.tokens);
        tokens.map(u64::from).sum()
    }
}

fn parse_row(row: &str) -> anyhow::Result<Request> {
    let fields: Vec<&str> = row.split(',').map(str::trim).collect();
    let [time, context, generated] = fields[..] else {
        bail!("{} fields, expected 3", fields.len());
    };
    let at = parse_time(time)?;
    // What it was given is no work here, but a row in which it is garbled is not to be trusted.
    parse_tokens("ContextTokens", context)?;
    let tokens = parse_tokens("GeneratedTokens", generated)?;
    Ok(Request { at, tokens })
}

fn parse_time(field: &str) -> anyhow::Result<f64> {
    let time = field.parse::<DateTime>().ok();
    let time = time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
    let Some(time) = time else {
        bail!("TIMESTAMP is \"{field}\", expected a time such as 2023-11-16 18:17:03.9799600");
    };
    ensure!(
        time.as_second() >= 0,
        "TIMESTAMP is \"{field}\", which is before 1970"
    );
    Ok(time.as_duration().as_secs_f64())
}

fn parse_tokens(column: &str, field: &str) -> anyhow::Result<u32> {
    let Ok(tokens) = field.parse() else {
        bail!("{column} is \"{field}\", expected a whole number of tokens");
    };
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(rows: &str) -> String {
        let text = format!("{HEADER}\n{rows}");
        let error = Trace::parse("t.csv", &text).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn good_rows_are_read() {
        let text =
            format!("{HEADER}\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04,0,0\n");
        let trace = Trace::parse("t.csv", &text).unwrap();
        let expected = [
            Request {
                at: 1_700_158_623.979_96,
                tokens: 10,
            },
            Request {
                at: 1_700_158_624.0,
                tokens: 0,
            },
        ];
        assert_eq!(trace.requests, expected);
        assert_eq!(trace.tokens(), 10);
        assert_eq!(
            (trace.first(), trace.last()),
            (expected[0].at, expected[1].at)
        );
    }

    #[test]
    fn windows_line_ends_a_byte_order_mark_and_blank_lines_do_no_harm() {
        let text =
            format!("\u{feff}{HEADER}\r\n2023-11-16 18:17:03,1,2\r\n\r\n2023-11-16 18:17:04,1,3");
        let trace = Trace::parse("t.csv", &text).unwrap();
        assert_eq!(trace.tokens(), 5);
    }

    #[test]
    fn rows_are_sorted_and_rows_of_one_moment_keep_their_order() {
        let text = format!(
            "{HEADER}\n2023-11-16 18:00:09,1,9\n2023-11-16 18:00:01,1,1\n2023-11-16 18:00:01,1,2\n"
        );
        let trace = Trace::parse("t.csv", &text).unwrap();
        let tokens: Vec<u32> = trace
            .requests
            .iter()
            .map(|request| request.tokens)
            .collect();
        assert_eq!(tokens, [1, 2, 9]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let good = "2023-11-16 18:17:03.9799600,4808,10\n";
        assert_eq!(
            error(&format!("{good}2023-11-16 18:17:04,1")),
            "t.csv, line 3: 2 fields, expected 3"
        );
        assert_eq!(
            error(&format!("{good}{good}yesterday,1,2")),
            "t.csv, line 4: TIMESTAMP is \"yesterday\", expected a time such as 2023-11-16 18:17:03.9799600"
        );
        assert!(error("1969-12-31 23:59:59,1,2").ends_with("which is before 1970"));
        assert_eq!(
            error("2023-11-16 18:17:04,x,2"),
            "t.csv, line 2: ContextTokens is \"x\", expected a whole number of tokens"
        );
        for tokens in ["-1", "1.5", "", "4294967296"] {
            assert_eq!(
                error(&format!("2023-11-16 18:17:04,1,{tokens}")),
                format!("t.csv, line 2: GeneratedTokens is \"{tokens}\", expected a whole number of tokens")
            );
        }
    }

    #[test]
    fn a_file_of_another_kind_or_without_requests_is_refused() {
        let other = Trace::parse("t.csv", "a,b\n").unwrap_err();
        assert_eq!(
            other.to_string(),
            format!("t.csv, line 1: the header is \"a,b\", expected \"{HEADER}\"")
        );
        assert!(Trace::parse("t.csv", "").is_err());
        assert_eq!(error("\n"), "t.csv: there is no request in it");
    }
}
