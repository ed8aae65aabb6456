//! What is counted. All series are there from the start, at 0.

use std::sync::OnceLock;

use bpe_chain::{Batch, Report, SendError};
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Every series, for dashboards and alerts to be checked against.
pub const SERIES: [&str; 25] = [
    "bpe_keeper_attestations_total",
    "bpe_keeper_balance_gwei",
    "bpe_keeper_cursor_block",
    "bpe_keeper_decision_benefit_tokens_total",
    "bpe_keeper_decision_cost_tokens_total",
    "bpe_keeper_decisions_total",
    "bpe_keeper_events_total",
    "bpe_keeper_gas_total",
    "bpe_keeper_head_age_seconds",
    "bpe_keeper_head_block",
    "bpe_keeper_inbox",
    "bpe_keeper_items_total",
    "bpe_keeper_leading",
    "bpe_keeper_live_clients",
    "bpe_keeper_misallocated_tokens_per_hour",
    "bpe_keeper_ready",
    "bpe_keeper_reorganisations_total",
    "bpe_keeper_requests_total",
    "bpe_keeper_send_errors_total",
    "bpe_keeper_spent_day_gwei",
    "bpe_keeper_spent_hour_gwei",
    "bpe_keeper_tasks_total",
    "bpe_keeper_vouchers_total",
    "bpe_keeper_transactions_total",
    "bpe_keeper_worker_age_seconds",
];

/// Those who send.
pub const SENDERS: [&str; 9] = [
    crate::oracle::WORKER,
    crate::verification::RECEIPTS,
    crate::verification::ASSIGNMENTS,
    crate::verification::VOUCHERS,
    crate::verification::EPOCHS,
    crate::rebalance::UNITS,
    crate::rebalance::ESCROW,
    crate::rebalance::PRICES,
    crate::rebalance::NOTES,
];
const OUTCOMES: [&str; 6] = [
    "done",
    "refused",
    "set_aside",
    "dropped",
    "later",
    "observed",
];
pub const RESULTS: [&str; 5] = ["accepted", "known", "refused", "malformed", "full"];
const STATUSES: [&str; 3] = ["2xx", "4xx", "5xx"];
const DECISIONS: [&str; 3] = ["nothing", "sinks", "walk"];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// The recorder of this process; the first call installs it.
pub fn handle() -> PrometheusHandle {
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            // Somebody else's recorder may be there: then this one stays empty.
            let _ = metrics::set_global_recorder(recorder);
            begin();
            handle
        })
        .clone()
}

/// Every series at 0.
fn begin() {
    for name in [
        "bpe_keeper_balance_gwei",
        "bpe_keeper_cursor_block",
        "bpe_keeper_head_age_seconds",
        "bpe_keeper_head_block",
        "bpe_keeper_leading",
        "bpe_keeper_live_clients",
        "bpe_keeper_misallocated_tokens_per_hour",
        "bpe_keeper_ready",
        "bpe_keeper_spent_day_gwei",
        "bpe_keeper_spent_hour_gwei",
        "bpe_keeper_decision_benefit_tokens_total",
        "bpe_keeper_decision_cost_tokens_total",
    ] {
        gauge!(name).set(0.0);
    }
    counter!("bpe_keeper_events_total").increment(0);
    counter!("bpe_keeper_reorganisations_total").increment(0);
    for worker in SENDERS {
        counter!("bpe_keeper_transactions_total", "worker" => worker).increment(0);
        counter!("bpe_keeper_gas_total", "worker" => worker).increment(0);
        counter!("bpe_keeper_send_errors_total", "worker" => worker).increment(0);
        gauge!("bpe_keeper_inbox", "worker" => worker).set(0.0);
        gauge!("bpe_keeper_worker_age_seconds", "worker" => worker).set(0.0);
        for outcome in OUTCOMES {
            counter!("bpe_keeper_items_total", "worker" => worker, "outcome" => outcome)
                .increment(0);
        }
    }
    for result in RESULTS {
        counter!("bpe_keeper_attestations_total", "result" => result).increment(0);
        counter!("bpe_keeper_tasks_total", "result" => result).increment(0);
        counter!("bpe_keeper_vouchers_total", "result" => result).increment(0);
    }
    for status in STATUSES {
        counter!("bpe_keeper_requests_total", "status" => status).increment(0);
    }
    for decision in DECISIONS {
        counter!("bpe_keeper_decisions_total", "decision" => decision).increment(0);
    }
}

/// Counts what became of a batch.
pub fn report<B: Batch>(report: &Report<B::Item>, error: Option<&SendError>) {
    let worker = B::WORKER;
    let items = [
        ("done", report.done.len()),
        ("refused", report.refused.len()),
        ("set_aside", report.set_aside.len()),
        ("dropped", report.dropped.len()),
        ("later", report.later.len()),
        ("observed", report.observed.len()),
    ];
    for (outcome, count) in items {
        counter!("bpe_keeper_items_total", "worker" => worker, "outcome" => outcome)
            .increment(count as u64);
    }
    for sent in &report.transactions {
        counter!("bpe_keeper_transactions_total", "worker" => worker).increment(1);
        counter!("bpe_keeper_gas_total", "worker" => worker).increment(sent.gas);
    }
    if error.is_some() {
        counter!("bpe_keeper_send_errors_total", "worker" => worker).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_there_from_the_start() {
        let text = handle().render();
        for series in SERIES {
            let line = text.lines().find(|line| line.starts_with(series));
            assert!(
                line.is_some_and(|line| line.ends_with(" 0")),
                "{series}: {line:?}"
            );
        }
        let rendered = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .count();
        assert_eq!(rendered, SERIES.len());
    }

    fn named(text: &str) -> Vec<&str> {
        let is_name = |it: char| it.is_ascii_lowercase() || it == '_';
        let names = text.match_indices("bpe_keeper_").map(|(at, _)| {
            let rest = &text[at..];
            &rest[..rest.find(|it| !is_name(it)).unwrap_or(rest.len())]
        });
        names.collect()
    }

    #[test]
    fn dashboard_and_alerts_ask_for_series_that_exist() {
        let dashboard = include_str!("../../../ops/grafana-keeper.json");
        serde_json::from_str::<serde_json::Value>(dashboard).unwrap();
        let alerts = include_str!("../../../ops/alerts.yml");
        for text in [dashboard, alerts] {
            let names = named(text);
            assert!(names.len() > 10);
            for name in names {
                assert!(SERIES.contains(&name), "{name}");
            }
        }
        // And the dashboard shows all of them.
        for series in SERIES {
            assert!(dashboard.contains(series), "{series}");
        }
    }
}
