//! What is deployed, and how it is, as text.

use std::fmt::{self, Write as _};

use alloy::primitives::{utils::format_units, I256};

use super::status::{plain, Status};

/// The report.
pub fn render(status: &Status) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_text(status, &mut text);
    text
}

fn write_text(status: &Status, out: &mut String) -> fmt::Result {
    writeln!(out, "Chain {}, block {}\n", status.chain_id, status.block)?;
    for it in &status.contracts {
        let code = match it.code_is_recorded {
            true => "",
            false => "  OTHER CODE THAN RECORDED",
        };
        writeln!(out, "{} {}{code}", it.name, it.address)?;
        let version = it
            .program_version
            .map_or("not active".to_owned(), |version| {
                format!("Stylus {version}")
            });
        let left = it
            .days_left
            .map_or("expired: `bpe keepalive`".to_owned(), |days| {
                format!("{days} days left")
            });
        let cached = if it.cached { "cached" } else { "not cached" };
        writeln!(out, "  program: {version}, {left}, {cached}")?;
        if let Some(owner) = it.owner {
            let pending = it
                .pending_owner
                .map_or(String::new(), |heir| format!(", offered to {heir}"));
            writeln!(out, "  owner: {owner}{pending}")?;
        }
        for (view, value) in &it.links {
            writeln!(out, "  {view}: {value}")?;
        }
        for (view, value) in &it.parameters {
            writeln!(out, "  {}: {value}", plain(view))?;
        }
        for (token, wei) in [
            ("stake token", &it.stake_balance),
            ("Super Token", &it.super_token_balance),
        ] {
            if wei != "0" {
                writeln!(out, "  holds {} of the {token}", tokens(wei))?;
            }
        }
    }
    writeln!(out, "\nTask types: {}", status.pools.len())?;
    for it in &status.pools {
        let name = match (&it.name, &it.called) {
            (Some(name), _) => name.clone(),
            (None, Some(called)) => format!("\"{called}\" ({})", it.task_type),
            (None, None) => it.task_type.to_string(),
        };
        writeln!(out, "  {name}: {} sinks, capacity {}, minimum stake {}, pool {}, units {}, flow rate {} wei/s, in escrow {}, base fee {}",
            it.sinks,
            units(&it.total_capacity),
            tokens(&it.min_stake),
            it.pool.map_or("none".to_owned(), |pool| pool.to_string()),
            or_none(&it.units),
            or_none(&it.flow_rate),
            it.escrow_level.as_deref().map_or("none".to_owned(), tokens),
            or_none(&it.base_fee),
        )?;
        match &it.misses {
            None => writeln!(out, "    misses: unknown: the node refuses the logs")?,
            Some(misses) if misses.count > 0 => writeln!(
                out,
                "    misses: {} open, of {} wei, {} of them for anyone to settle (`bpe keeper` does)",
                misses.count, misses.value, misses.overdue
            )?,
            Some(_) => {}
        }
    }
    if !status.economies.is_empty() {
        writeln!(out, "\nEconomies: {}", status.economies.len())?;
    }
    for it in &status.economies {
        writeln!(
            out,
            "  {} of {}: stakes {}, registry {}, pools {}",
            it.id, it.owner, it.stake_manager, it.capacity_registry, it.backpressure_pool
        )?;
    }
    if let Some(it) = &status.superfluid {
        writeln!(out, "\nSuperfluid: host {}, CFA {}, GDA {}, forwarders {} (CFA) and {} (GDA), USDC {}, USDCx {}, stake token {}",
            it.host, it.cfa_v1, it.gda_v1, it.cfa_v1_forwarder, it.gda_v1_forwarder, it.usdc, it.usdcx, it.stake_token)?;
    }
    writeln!(
        out,
        "\n{} links and parameters read back.",
        status.links_checked
    )?;
    for problem in &status.problems {
        writeln!(out, "  WRONG: {problem}")?;
    }
    for label in &status.announced {
        writeln!(out, "  announced: {label}")?;
    }
    Ok(())
}

fn or_none(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("none")
}

fn tokens(wei: &str) -> String {
    scaled(wei, 18)
}

fn units(capacity: &str) -> String {
    scaled(capacity, 9)
}

/// A fixed-point number without the zeros at its end.
fn scaled(value: &str, decimals: u8) -> String {
    let number: I256 = value.parse().unwrap_or_default();
    let text = format_units(number, decimals).unwrap_or_default();
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}
