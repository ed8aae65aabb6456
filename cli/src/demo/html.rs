//! The report as a page of HTML that needs nothing else: no network, no scripts, readable in light and in dark.

use std::fmt::Write as _;

use alloy::primitives::U256;

use super::{
    chart::{escape, Chart, Series},
    money::{per_million, wei},
    report::Report,
    table::Table,
};

const STYLE: &str = "
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2530; --faint: #d9dee5; --soft: #5b6675;
  --c0: #4e79a7; --c1: #e07b1f; --c2: #d1495b; --c3: #2a9d8f; --c4: #59a14f; --c5: #c0992b; --c6: #9467bd; --c7: #d6708b;
  --c8: #8c6d5a; --c9: #6f7d8c; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e9ef; --faint: #333c47; --soft: #9aa6b4;
  --c0: #6fa3d8; --c1: #f29a4a; --c2: #ec6a7a; --c3: #4fc3b4; --c4: #7cc36f; --c5: #dcb94d; --c6: #b893dd; --c7: #f093ad;
  --c8: #b8957f; --c9: #97a6b6; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.unit, .soft { color: var(--soft); font-weight: normal; }
.good { color: var(--c4); font-weight: 600; } .bad { color: var(--c2); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--faint); fill: none; }
.line { stroke: var(--c); stroke-width: 2; fill: none; stroke-linejoin: round; }
.band { fill: var(--c); stroke: var(--paper); stroke-width: .5; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: 13px; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--faint); text-align: left; vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
";

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>bpe demo</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    html.push_str(&head(report));
    html.push_str("<div class=\"charts\">\n");
    for chart in charts(report) {
        html.push_str(&chart.figure());
    }
    html.push_str("</div>\n");
    for table in report.tables() {
        html.push_str(&table_of(&table));
    }
    html.push_str(&table_of(&log(report)));
    html.push_str("</body>\n</html>\n");
    html
}

/// What was played, and whether the sums add up.
fn head(report: &Report) -> String {
    let mut html = String::from("<h1>Backpressure economics on real demand</h1>\n<p>");
    for it in &report.task_types {
        let _ = write!(
            html,
            "{} requests of the task type {} from <code>{}</code>. ",
            it.requests,
            it.name,
            escape(&it.trace)
        );
    }
    let _ = writeln!(
        html,
        "{} epochs of {} s from {} by the traces' clock, a second here being {} there.</p>",
        report.epochs,
        report.epoch_seconds,
        report.trace_start.replace('T', " "),
        report.compression
    );
    html.push_str(&match &report.accounting.problem {
        None => "<p class=\"good\">Every token is accounted for, to the wei.</p>\n".to_owned(),
        Some(problem) => format!(
            "<p class=\"bad\">Tokens are not all accounted for: {}</p>\n",
            escape(problem)
        ),
    });
    html
}

/// Draws a chart of a task type.
type Draw = for<'a> fn(&'a Report, &str) -> Chart<'a>;

/// The same charts for each task type, side by side with their own scales: one may be many times the other.
fn charts(report: &Report) -> Vec<Chart<'_>> {
    let kinds: [Draw; 5] = [pay, capacity, demand, base_fee, escrow];
    let each = |draw: Draw| {
        let task_types = report.task_types.iter();
        task_types.map(move |it| draw(report, it.name))
    };
    kinds.into_iter().flat_map(each).collect()
}

fn pay<'a>(report: &'a Report, name: &str) -> Chart<'a> {
    let pay = &report.series.pay[name];
    let sinks = of_sinks(report, |sink| Some(scaled(pay.get(sink)?, per_hour)));
    let title = format!("{name}: what sinks are paid");
    chart(
        report,
        title,
        "USDCx per hour, streamed, or earned by work",
        sinks,
        true,
    )
}

fn capacity<'a>(report: &'a Report, name: &str) -> Chart<'a> {
    let capacity = &report.series.capacity[name];
    let sinks = of_sinks(report, |sink| capacity.get(sink).cloned());
    let title = format!("{name}: smoothed capacity");
    chart(report, title, "tokens per second", sinks, true)
}

/// A series for each sink that there is something of.
fn of_sinks<'a>(report: &'a Report, values: impl Fn(&str) -> Option<Vec<f64>>) -> Vec<Series<'a>> {
    let sinks = report.sinks.iter().enumerate();
    sinks
        .filter_map(|(colour, sink)| Some(series(sink.name, colour, values(sink.name)?)))
        .collect()
}

fn demand<'a>(report: &'a Report, name: &str) -> Chart<'a> {
    let figures = &report.series;
    let all = |time: usize| figures.capacity[name].values().map(|it| it[time]).sum();
    let all = (0..figures.times.len()).map(all).collect();
    let lines = vec![
        series("asked for", 0, figures.demand[name].clone()),
        series("smoothed capacity", 1, all),
    ];
    let title = format!("{name}: demand and capacity");
    chart(report, title, "tokens per second", lines, false)
}

fn base_fee<'a>(report: &'a Report, name: &str) -> Chart<'a> {
    let fee = scaled(&report.series.base_fee[name], per_million);
    let lines = vec![series("base fee", 0, fee)];
    let title = format!("{name}: base fee");
    chart(report, title, "USDCx per million tokens", lines, false)
}

fn escrow<'a>(report: &'a Report, name: &str) -> Chart<'a> {
    let level = scaled(&report.series.escrow[name], whole);
    let lines = vec![series("escrow", 0, level)];
    let title = format!("{name}: waiting in escrow");
    chart(report, title, "USDCx", lines, false)
}

fn series(name: &str, colour: usize, values: Vec<f64>) -> Series<'_> {
    Series {
        name,
        colour,
        values,
    }
}

fn chart<'a>(
    report: &'a Report,
    title: String,
    unit: &'a str,
    series: Vec<Series<'a>>,
    stacked: bool,
) -> Chart<'a> {
    Chart {
        title,
        unit,
        times: &report.series.times,
        series,
        stacked,
    }
}

fn scaled(values: &[String], scale: fn(U256) -> f64) -> Vec<f64> {
    values.iter().map(|value| scale(wei(value))).collect()
}

fn whole(wei: U256) -> f64 {
    f64::from(wei) / 1e18
}

fn per_hour(wei_per_second: U256) -> f64 {
    whole(wei_per_second) * 3_600.0
}

/// What happened, epoch by epoch.
fn log(report: &Report) -> Table {
    let headers = [
        "epoch",
        "tokens asked for",
        "done",
        "failed",
        "what happened",
    ];
    let mut table = Table::new("Epochs", &headers);
    for it in &report.log {
        table.row([
            it.epoch.to_string(),
            it.tokens.to_string(),
            it.done.to_string(),
            it.failed.to_string(),
            it.notes.join("; "),
        ]);
    }
    table
}

fn table_of(table: &Table) -> String {
    let mut html = format!(
        "<h2>{}</h2>\n<div class=\"table\"><table>\n",
        escape(&table.title)
    );
    let mut line = |cells: &[String], tag: &str| {
        html.push_str("<tr>");
        for (column, cell) in cells.iter().enumerate() {
            let class = match table.is_numeric(column) {
                true => " class=\"number\"",
                false => "",
            };
            let _ = write!(html, "<{tag}{class}>{}</{tag}>", escape(cell));
        }
        html.push_str("</tr>\n");
    };
    line(&table.headers, "th");
    for row in &table.rows {
        line(row, "td");
    }
    html.push_str("</table></div>\n");
    html
}
