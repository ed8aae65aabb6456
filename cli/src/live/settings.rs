//! The configurations of the demo's processes, as users write them.

use std::{fs, net::TcpListener, path::Path};

use alloy::primitives::B256;
use anyhow::Context as _;

use super::cast::Seller;

/// What capacity is backed by: the stake grows with its square.
const STAKE_MARGIN: f64 = 1.02;
/// No source may owe a sink more than this before it has signed for anything: a token. Nothing has to be
/// set aside below that, which could not be asked back at the end.
pub const FIRST_TRUST: u128 = 1_000_000_000_000_000_000;

/// By which name the task type is known, and how its work is counted: ten tokens generated are a work
/// unit, so that the devnet's accounts have the stake for it.
pub const TASK_TYPE: &str = "chat";
pub const WORK_OF_A_TOKEN: u128 = 100_000_000;
pub const TOKENS_IN_A_UNIT: u32 = 10;
pub const METADATA: &str =
    r#"{"name":"chat","unit":"token","work":{"input":"0","output":"100000000"}}"#;

/// What `bpe deploy` is told: one task type that is settled by work, whose price begins at 10 USDCx per million tokens.
pub const DEPLOYMENT: &str = r#"
[[task_types]]
name = "chat"
weighting = "work"
start_fee = "100000000000000"
fee_floor = "10000000000000"
fee_ceiling = "200000000000000"

[domains]
demurrage = false
lightning = false
openclaw = false
relay = false
"#;

/// Gas of a demo in which a day passes in minutes.
const GAS: &str = "hour_gwei = 10000000000\nday_gwei = 10000000000\n";

pub fn keeper(rpc: &str) -> String {
    format!(
        r#"rpc = "{rpc}"
[api]
listen = "127.0.0.1:0"
requests_per_second = 1000
burst = 1000
[store]
state = "keeper"
[chain]
poll_ms = 200
[rebalance]
every = 5
[spending]
{GAS}"#
    )
}

/// Where a sink listens, and what it is told.
pub fn sink(
    seller: &Seller,
    rpc: &str,
    listen: &str,
    upstream: &str,
    keeper: &str,
    id: B256,
) -> String {
    let declared = seller.says() / TOKENS_IN_A_UNIT;
    let stake = (f64::from(declared) * STAKE_MARGIN)
        .powi(2)
        .ceil()
        .max(100.0) as u64;
    let at_once = seller.slots * seller.exaggerates();
    let name = seller.name;
    format!(
        r#"rpc = "{rpc}"
[service]
task_type = "{id}"
upstream = "{upstream}"
listen = "{listen}"
public_url = "http://{listen}"
[store]
state = "{name}"
[chain]
poll_ms = 200
[gas]
{GAS}[stake]
join = true
amount = "{stake}000000000000000000"
[capacity]
initial = "{declared}000000000"
first_limit = {at_once}
most_limit = {}
[queue]
most_waiting = {at_once}
first_trust = "{FIRST_TRUST}"
[pay]
keepers = ["{keeper}"]
"#,
        2 * at_once
    )
}

/// What a source is told. Of sinks it knows those that ServiceDirectory names, and reaches those that are listed there.
pub fn source(name: &str, rpc: &str, id: B256, sinks: &[(String, String)]) -> String {
    let mut listed = String::new();
    for (sink, url) in sinks {
        listed += &format!("[[sinks]]\nsink = \"{sink}\"\nurl = \"{url}\"\n");
    }
    format!(
        r#"rpc = "{rpc}"
[models.chat]
task_type = "{id}"
most_price = "200000000000000"
{listed}[gateway]
listen = "127.0.0.1:0"
[store]
state = "{name}"
[chain]
poll_ms = 200
[gas]
{GAS}[spend]
most_rate = "20000000000000000"
most_hour = "1000000000000000000000"
most_wrap = "1000000000000000000000"
every = 5
[choose]
private = true
refresh = 2
"#
    )
}

/// # Errors
/// If the file cannot be written.
pub fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<String> {
    let file = format!("{name}.toml");
    let path = folder.join(&file);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file)
}

/// A port that nobody has now: a sink says in its configuration where it will be.
///
/// # Errors
/// If there is none.
pub fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("there is no free port")?;
    Ok(listener.local_addr()?.to_string())
}
