//! Tables, for terminals and documents alike: their text is Markdown.

use std::fmt;

use serde::Serialize;

/// The first column is text, and so are those whose cells are no numbers; numbers stand at the right.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    pub title: String,
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: &str, headers: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            headers: headers.iter().map(|header| (*header).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.headers.len());
        self.rows.push(cells.to_vec());
    }

    /// Whether a column holds numbers, with units or not.
    pub fn is_numeric(&self, column: usize) -> bool {
        let cells = self
            .rows
            .iter()
            .map(|row| row[column].trim_start_matches('-'));
        column > 0
            && cells
                .into_iter()
                .all(|it| it.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([self.headers[column].chars().count(), 2])
            .max()
            .unwrap_or(2)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        let columns: Vec<(usize, bool)> = (0..self.headers.len())
            .map(|column| (self.width(column), self.is_numeric(column)))
            .collect();
        let mut line = |cells: &[String]| {
            for (cell, (width, numeric)) in cells.iter().zip(&columns) {
                match numeric {
                    true => write!(f, "| {cell:>width$} ")?,
                    false => write!(f, "| {cell:<width$} ")?,
                }
            }
            writeln!(f, "|")
        };
        line(&self.headers)?;
        let rules = columns.iter().map(|(width, numeric)| match numeric {
            true => format!("{:-<1$}:", "", width - 1),
            false => "-".repeat(*width),
        });
        line(&rules.collect::<Vec<_>>())?;
        self.rows.iter().try_for_each(|row| line(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_text_at_the_left() {
        let mut table = Table::new("T", &["name", "is", "n"]);
        table.row(["a".into(), "long one".into(), "-1.50 %".into()]);
        table.row(["bcdef".into(), "x".into(), "12".into()]);
        let expected = "T\n\n\
            | name  | is       |       n |\n\
            | ----- | -------- | ------: |\n\
            | a     | long one | -1.50 % |\n\
            | bcdef | x        |      12 |\n";
        assert_eq!(table.to_string(), expected);
    }
}
