//! docs/gas-compared.md quotes figures of docs/gas.md: whether it still does.

use std::collections::BTreeSet;

/// Rows of contracts that the gas report does not measure. Tests of the domains do.
const ELSEWHERE: [&str; 2] = ["DemurrageToken.", "ReputationLedger."];

/// The figures of gas, in the columns that quote the report, that are not in it.
pub fn stale_figures(compared: &str, report: &str) -> Vec<String> {
    let known: BTreeSet<String> = rows(report).flatten().map(digits).collect();
    let mut stale = Vec::new();
    // The first table has Solidity's figures in its third column, the second those of Superfluid's share.
    let mut columns = 1..2;
    for row in rows(compared) {
        if row[0] == "operation" {
            columns = if row[2] == "Solidity" { 1..2 } else { 1..3 };
            continue;
        }
        if ELSEWHERE
            .iter()
            .any(|contract| row[0].starts_with(contract))
        {
            continue;
        }
        let figures = row[columns.clone()].iter().flat_map(|cell| cell.split('/'));
        let unknown = figures.filter(|figure| !known.contains(&digits(figure)));
        stale.extend(unknown.map(|figure| format!("{}: {}", row[0], figure.trim())));
    }
    stale
}

/// Cells of all rows of tables, but for the rules under their heads.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    page.lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

fn digits(text: impl AsRef<str>) -> String {
    text.as_ref().chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::stale_figures;

    const REPORT: &str =
        "| operation | gas |\n|---|--:|\n| stake | **54 532** |\n| drain | 1 000 | 900 |\n";

    #[test]
    fn figures_that_are_not_in_the_report_are_named() {
        let first = "| operation | Stylus | Solidity | why |\n|---|--:|--:|---|\n";
        let second = "| operation | gas | of which Superfluid | why |\n|---|--:|--:|---|\n";
        let fresh =
            format!("{first}| stake, more | 54 532 | 1 | |\n{second}| drain | 1 000 | 900 | |\n");
        assert_eq!(stale_figures(&fresh, REPORT), Vec::<String>::new());
        let stale =
            format!("{first}| stake | 54 532 / 7 | 1 | |\n{second}| drain | 1 000 | 901 | |\n");
        assert_eq!(stale_figures(&stale, REPORT), ["stake: 7", "drain: 901"]);
    }
}
