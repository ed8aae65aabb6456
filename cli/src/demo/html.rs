//! The report as a page of HTML that needs nothing else: no network, no scripts, readable in light and in dark.

use std::fmt::Write as _;

use alloy::primitives::U256;

use super::{
    chart::{escape, Axis, Chart, Series},
    money::{per_million, wei},
    page::{table_of, STYLE},
    report::Report,
    table::Table,
};

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
        axis: Axis::Time,
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
