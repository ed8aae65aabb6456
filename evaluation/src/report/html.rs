//! The report as a page of HTML that needs nothing else: no network, no scripts, readable in light and in dark.

use std::fmt::Write as _;

use super::Report;
use crate::{
    chart::{escape, Axis, Chart, Series},
    experiment::Plot,
    page::{table_of, STYLE},
};

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>bpe evaluate</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>The contracts in the loop</h1>\n<p><code>{}</code>, seed {}, commit {}</p>\n",
        escape(&report.command),
        report.seed,
        escape(&report.commit)
    );
    html.push_str("<h2>Targets</h2>\n<ul>\n");
    for (name, target) in report.targets() {
        let (class, word) = match target.is_met {
            true => ("good", "met"),
            false => ("bad", "missed"),
        };
        let _ = writeln!(
            html,
            "<li><span class=\"{class}\">{word}</span> {name}: {}, aimed at {}, found {} <span class=\"soft\">{}</span></li>",
            escape(&target.what),
            escape(&target.wanted),
            escape(&target.found),
            escape(&target.reason)
        );
    }
    html.push_str("</ul>\n<h2>Which rules to change, the first one first</h2>\n<ol>\n");
    for item in report.advice() {
        let _ = writeln!(html, "<li>{}</li>", escape(&item));
    }
    html.push_str("</ol>\n");
    for section in &report.sections {
        let _ = writeln!(
            html,
            "<h2>{}: {}</h2>",
            section.name,
            escape(section.question)
        );
        for paragraph in &section.finding.text {
            let _ = writeln!(html, "<p>{}</p>", escape(paragraph));
        }
        for table in &section.finding.tables {
            html.push_str(&table_of(table));
        }
        html.push_str("<div class=\"charts\">\n");
        for plot in &section.finding.charts {
            html.push_str(&figure(plot));
        }
        html.push_str("</div>\n");
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn figure(plot: &Plot) -> String {
    let points = plot.lines.iter().map(|line| line.values.len()).max();
    let places: Vec<u64> = (0..points.unwrap_or(0) as u64).collect();
    let lines = plot.lines.iter().enumerate();
    Chart {
        title: plot.title.clone(),
        unit: &plot.unit,
        axis: Axis::Named(&plot.along, plot.from, plot.to),
        times: &places,
        series: lines
            .filter(|(_, line)| line.values.len() == places.len())
            .map(|(colour, line)| Series {
                name: &line.name,
                colour,
                values: line.values.clone(),
            })
            .collect(),
        stacked: false,
    }
    .figure()
}
