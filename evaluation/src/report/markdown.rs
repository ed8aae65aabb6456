//! The report in Markdown, with charts for Mermaid.

use std::fmt::Write as _;

use super::Report;
use crate::{
    experiment::{Plot, Target},
    table::Table,
};

/// `docs/evaluation.md`.
pub fn document(report: &Report) -> String {
    let mut text = String::from(
        "# The contracts in the loop\n\n<!-- Written by `bpe evaluate`. Do not edit. -->\n\n\
         Does it work as a market, and who can game it? Sinks, sources and adversaries act on the programs that are deployed, on\n\
         a devnet in one process with Superfluid's own contracts. All figures are this program's; none is set by hand.\n\n",
    );
    let how = format!(
        "Command: `{}`, seed {}, commit {}. It took {}: {}.",
        report.command,
        report.seed,
        report.commit,
        report.took(),
        report.speed()
    );
    text.push_str(&wrapped(&how));
    text.push('\n');
    text.push_str(&targets(report));
    text.push_str(&advice(report));
    for section in &report.sections {
        let _ = writeln!(text, "## {}: {}\n", section.name, section.question);
        for paragraph in &section.finding.text {
            text.push_str(&wrapped(paragraph));
            text.push('\n');
        }
        for table in &section.finding.tables {
            text.push_str(&headed(table));
            text.push('\n');
        }
        for plot in &section.finding.charts {
            text.push_str(&chart(plot));
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What was aimed at, in one table; what is missed says why.
fn targets(report: &Report) -> String {
    let mut table = Table::new(
        "Targets",
        &["experiment", "what", "aimed at", "found", "met", "why not"],
    );
    for (name, target) in report.targets() {
        let Target {
            what,
            wanted,
            found,
            is_met,
            reason,
        } = target.clone();
        let met = if is_met { "yes" } else { "**no**" };
        table.row([name.to_owned(), what, wanted, found, met.to_owned(), reason]);
    }
    format!("## {table}\n")
}

/// What the evidence says one should change, as a list.
fn advice(report: &Report) -> String {
    let items = report.advice().into_iter().zip(1..);
    let items: Vec<_> = items
        .map(|(item, number)| wrapped(&format!("{number}. {item}")))
        .collect();
    match items.is_empty() {
        true => String::new(),
        false => format!(
            "## Which rules to change, the first one first\n\n{}\n",
            items.concat()
        ),
    }
}

/// A table under a heading of its own.
fn headed(table: &Table) -> String {
    format!("### {table}")
}

/// A Mermaid chart. It has no legend: the lines are named below, in the order of Mermaid's colours.
fn chart(plot: &Plot) -> String {
    let mut text = format!("### {}\n\n```mermaid\nxychart-beta\n", plot.title);
    let _ = writeln!(
        text,
        "    x-axis \"{}\" {} --> {}",
        plot.along, plot.from, plot.to
    );
    let _ = writeln!(text, "    y-axis \"{}\"", plot.unit);
    for line in &plot.lines {
        let values: Vec<String> = line.values.iter().map(|it| short(*it)).collect();
        let _ = writeln!(text, "    line [{}]", values.join(", "));
    }
    text.push_str("```\n\n");
    let names: Vec<String> = plot
        .lines
        .iter()
        .enumerate()
        .map(|(place, line)| format!("{}. {}", place + 1, line.name))
        .collect();
    text.push_str(&wrapped(&format!(
        "Lines, in the order of their colours: {}.",
        names.join("; ")
    )));
    text
}

/// Four significant digits are more than a chart shows.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Lines of at most 120 columns.
fn wrapped(paragraph: &str) -> String {
    let (mut text, mut column) = (String::new(), 0);
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > 120 {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_and_lose_no_word() {
        let long = "word ".repeat(100);
        let text = wrapped(&long);
        assert!(text.lines().all(|line| line.chars().count() <= 120));
        assert_eq!(text.split_whitespace().count(), 100);
    }

    #[test]
    fn charts_have_as_many_digits_as_they_show() {
        for (value, text) in [
            (95.7123, "95.71"),
            (0.0, "0"),
            (1e9, "1000000000"),
            (-0.25, "-0.25"),
            (100.0, "100"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
