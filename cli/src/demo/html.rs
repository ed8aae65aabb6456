//! The report as a page of HTML that needs nothing else: no network, no scripts, readable in light and in dark.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    chart::{escape, Chart},
    report::{per_million, wei, Report, SinkReport},
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
    let _ = write!(
        html,
        "{} epochs of {} s from {} by the traces' clock, a second here being {} there.</p>\n",
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

fn charts(report: &Report) -> Vec<Chart<'_>> {
    let series = &report.series;
    let chart = |title, unit, series, stacked| Chart {
        title,
        unit,
        times: &report.series.times,
        series,
        stacked,
    };
    let capacity = by_sink(report, |sink| series.capacity[sink.name].clone());
    let pay = by_sink(report, |sink| scaled(&series.pay[sink.name], per_hour));
    let base_fee = by_task_type(&series.base_fee, per_million);
    let escrow = by_task_type(&series.escrow, whole);
    let demand = series.demand.iter();
    let demand = demand
        .map(|(name, values)| (*name, values.clone()))
        .collect();
    vec![
        chart("What sinks are paid", "USDCx per hour, streamed", pay, true),
        chart("Smoothed capacity", "tokens per second", capacity, true),
        chart("Demand", "tokens per second", demand, false),
        chart("Base fee", "USDCx per million tokens", base_fee, false),
        chart("Waiting in escrow", "USDCx", escrow, false),
    ]
}

fn by_sink(report: &Report, values: impl Fn(&SinkReport) -> Vec<f64>) -> Vec<(&str, Vec<f64>)> {
    let sinks = report.sinks.iter();
    sinks.map(|sink| (sink.name, values(sink))).collect()
}

fn by_task_type<'a>(
    series: &BTreeMap<&'a str, Vec<String>>,
    scale: fn(alloy::primitives::U256) -> f64,
) -> Vec<(&'a str, Vec<f64>)> {
    let series = series.iter();
    series
        .map(|(name, values)| (*name, scaled(values, scale)))
        .collect()
}

fn scaled(values: &[String], scale: fn(alloy::primitives::U256) -> f64) -> Vec<f64> {
    values.iter().map(|value| scale(wei(value))).collect()
}

fn whole(wei: alloy::primitives::U256) -> f64 {
    f64::from(wei) / 1e18
}

fn per_hour(wei_per_second: alloy::primitives::U256) -> f64 {
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
