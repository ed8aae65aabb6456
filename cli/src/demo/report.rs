//! What the demo found. [`super::tables`] shows it to people.
//!
//! # The JSON of `--json`
//!
//! One object. Amounts of money are strings of decimal wei (18 decimals, USDCx), capacities and speeds numbers of generated
//! tokens per second, shares numbers from 0 to 1, times seconds since the play began unless they say otherwise.
//!
//! | field | what it is |
//! |---|---|
//! | `schema` | `"bpe-demo/2"`; another number if a field changes its meaning |
//! | `seed`, `compression`, `epochs`, `epochSeconds` | how it was played: so many seconds of the trace in one of the play |
//! | `traceStart` | by the traces' clock, when the play began, as `2023-11-16T18:15:00` |
//! | `seconds`, `blocks` | what it took: seconds of the machine, deployment included, and blocks of the devnet |
//! | `taskTypes[]` | `name`, `settlement` (`capacity`, `work`), `trace` (the file), `requests`, `tokens`, `done`, `failed`, `unserved` (of the failed: what no sink took); wei: `inflow` (streamed into the pool), `streamed`, `drained` and `redeemed` (to sinks), `fees`, `overflow` (to escrow, ever), `escrow` (waiting at the end), `reserved`, `deposited`, `cuts`, `takenBack` (of WorkReserve), `baseFee`; `settlementGas` and `settlementItems` (receipts and assignments, or vouchers) |
//! | `sinks[]` | `name`, `habit` (`steady`, `overReports`, `goesDown`, `joinsLate`), `address`, `slashes`; wei: `slashed`, `stake`, `paid`; and `services[]` |
//! | `sinks[].services[]` | `taskType`, `declared`, `speed` (what it can really do of that), `smoothed` (at the end), `done`, `failed`, `tokens` (of what was done), `paid` (wei), `paidShare`, `workShare`, `capacityShare` (its part of smoothed capacity while money flowed) |
//! | `sources[]` | `name`, `address`; wei: `funds`, `holds`, `spent` |
//! | `log[]` | by epoch: `epoch`, `tokens`, `done`, `failed`, `drained` (wei), `notes` (what happened) |
//! | `series` | `times`, and as long as these, by task type: `demand` (asked for), `baseFee` (wei), `escrow` (wei), and by sink `pay` (wei per second, streamed) and `capacity` (smoothed) |
//! | `accounting` | `holds` (whether every wei is accounted for), `problem` (why not, or null), and in wei what [`Accounting`] has |

use std::collections::BTreeMap;

use alloy::primitives::U256;
use serde::Serialize;

use super::{
    books::{signed, Books, SinkBooks},
    play::{EpochTally, Play},
    suite::UNIT,
    world::{Habit, EPOCH},
};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub schema: &'static str,
    pub seed: u64,
    pub compression: f64,
    pub epochs: u64,
    pub epoch_seconds: u64,
    pub trace_start: String,
    pub seconds: f64,
    pub blocks: u64,
    pub task_types: Vec<TaskTypeReport>,
    pub sinks: Vec<SinkReport>,
    pub sources: Vec<SourceReport>,
    pub log: Vec<EpochReport>,
    pub series: Series,
    pub accounting: Accounting,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskTypeReport {
    pub name: &'static str,
    pub settlement: &'static str,
    pub trace: String,
    pub requests: usize,
    pub tokens: u64,
    pub done: u64,
    pub failed: u64,
    pub unserved: u64,
    pub inflow: String,
    pub streamed: String,
    pub drained: String,
    pub redeemed: String,
    pub fees: String,
    pub overflow: String,
    pub escrow: String,
    pub reserved: String,
    pub deposited: String,
    pub cuts: String,
    pub taken_back: String,
    pub base_fee: String,
    pub settlement_gas: u64,
    pub settlement_items: u64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkReport {
    pub name: &'static str,
    pub habit: &'static str,
    pub address: String,
    pub slashes: u64,
    pub slashed: String,
    pub stake: String,
    pub paid: String,
    pub services: Vec<ServiceReport>,
}

/// What a sink did for a task type.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceReport {
    pub task_type: &'static str,
    pub declared: f64,
    pub speed: f64,
    pub smoothed: f64,
    pub done: u64,
    pub failed: u64,
    pub tokens: u64,
    pub paid: String,
    pub paid_share: f64,
    pub work_share: f64,
    pub capacity_share: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    pub name: &'static str,
    pub address: String,
    pub funds: String,
    pub holds: String,
    pub spent: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochReport {
    pub epoch: u64,
    pub tokens: u64,
    pub done: u64,
    pub failed: u64,
    pub drained: String,
    pub notes: Vec<String>,
}

/// A series for each sink of a task type.
pub type BySink<T> = BTreeMap<&'static str, Vec<T>>;

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    pub times: Vec<u64>,
    pub demand: BTreeMap<&'static str, Vec<f64>>,
    pub base_fee: BTreeMap<&'static str, Vec<String>>,
    pub escrow: BTreeMap<&'static str, Vec<String>>,
    pub pay: BTreeMap<&'static str, BySink<String>>,
    pub capacity: BTreeMap<&'static str, BySink<f64>>,
}

/// Where every token is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accounting {
    pub holds: bool,
    pub problem: Option<String>,
    /// All USDCx there is.
    pub minted: String,
    /// What all accounts hold together, deposits and claimables included.
    pub held: String,
    /// What sources paid out, and where that is:
    pub spent: String,
    pub to_sinks: String,
    pub fees: String,
    pub escrow: String,
    /// What sources did not take back from WorkReserve, and what no note could count.
    pub reserve: String,
    /// Rounding of Superfluid's pools, which goes to their admin.
    pub backpressure_pool: String,
    pub superfluid_pools: String,
    pub stakes: String,
    pub slashed: String,
}

impl Report {
    pub fn new(play: &Play, books: &Books, log: Vec<EpochReport>, seed: u64, seconds: f64) -> Self {
        let start = jiff::Timestamp::from_second(play.world.origin as i64).unwrap_or_default();
        let start = start.to_string();
        Self {
            schema: "bpe-demo/2",
            seed,
            compression: play.world.factor,
            epochs: play.world.epochs,
            epoch_seconds: EPOCH,
            trace_start: start.trim_end_matches('Z').to_owned(),
            seconds,
            blocks: play.suite.devnet.block_number(),
            task_types: (0..2).map(|it| task_type(play, books, it)).collect(),
            sinks: (0..play.world.sinks.len())
                .map(|it| sink(play, books, it))
                .collect(),
            sources: sources(play, books),
            log,
            series: series(play),
            accounting: Accounting::new(books),
        }
    }
}

impl Accounting {
    fn new(books: &Books) -> Self {
        let problem = books.check().err().map(|error| error.to_string());
        Self {
            holds: problem.is_none(),
            problem,
            minted: books.minted.to_string(),
            held: books.total().to_string(),
            spent: books.spent().to_string(),
            to_sinks: books.income().to_string(),
            fees: books.fee_recipient.to_string(),
            escrow: books.escrow.to_string(),
            reserve: books.reserve.to_string(),
            backpressure_pool: books.backpressure_pool.to_string(),
            superfluid_pools: books.superfluid_pools.to_string(),
            stakes: books.stake_manager.to_string(),
            slashed: books.treasury.to_string(),
        }
    }
}

impl EpochReport {
    pub fn new(epoch: u64, tally: EpochTally) -> Self {
        Self {
            epoch,
            tokens: tally.tokens,
            done: tally.done,
            failed: tally.failed,
            drained: tally.drained.to_string(),
            notes: tally.notes,
        }
    }
}

fn task_type(play: &Play, books: &Books, market: usize) -> TaskTypeReport {
    let it = &play.world.markets[market];
    let streamed: U256 = books.sinks.iter().map(|sink| sink.streamed[market]).sum();
    let drained: U256 = books.sinks.iter().map(|sink| sink.drained[market]).sum();
    let redeemed: U256 = books.sinks.iter().map(|sink| sink.redeemed[market]).sum();
    let (fees, overflow) = (books.fees[market], books.overflow[market]);
    let (reserved, reserve) = (books.reserved[market], &books.reports[market]);
    let unserved = play.unserved[market];
    let failed: u64 = play.tallies.iter().map(|it| it.failed[market]).sum();
    let last = play.samples.last();
    TaskTypeReport {
        name: it.name,
        settlement: it.settlement.name(),
        trace: it.file.clone(),
        requests: it.requests,
        tokens: it.tokens,
        done: play.tallies.iter().map(|tally| tally.done[market]).sum(),
        failed: failed + unserved,
        unserved,
        inflow: (streamed + fees + overflow + reserved).to_string(),
        streamed: streamed.to_string(),
        drained: drained.to_string(),
        fees: fees.to_string(),
        overflow: overflow.to_string(),
        escrow: (overflow - drained).to_string(),
        redeemed: redeemed.to_string(),
        reserved: reserved.to_string(),
        deposited: reserve.deposited.to_string(),
        cuts: reserve.cuts.to_string(),
        taken_back: reserve.taken_back.to_string(),
        settlement_gas: play.settlement[market].gas,
        settlement_items: play.settlement[market].items,
        base_fee: last
            .map_or(U256::ZERO, |it| it.base_fee[market])
            .to_string(),
    }
}

fn sink(play: &Play, books: &Books, index: usize) -> SinkReport {
    let (sink, tally, money) = (
        &play.world.sinks[index],
        &play.tallies[index],
        &books.sinks[index],
    );
    let served = (0..2).filter(|market| sink.serves(*market));
    SinkReport {
        name: sink.name,
        habit: match sink.habit {
            Habit::Steady => "steady",
            Habit::OverReports => "overReports",
            Habit::GoesDown => "goesDown",
            Habit::JoinsLate => "joinsLate",
        },
        address: play.cast.sinks[index].address().to_string(),
        slashes: tally.slashes,
        slashed: tally.slashed.to_string(),
        stake: money.stake.to_string(),
        paid: money.income().to_string(),
        services: served
            .map(|market| service(play, books, index, market))
            .collect(),
    }
}

fn service(play: &Play, books: &Books, index: usize, market: usize) -> ServiceReport {
    let (sink, tally) = (&play.world.sinks[index], &play.tallies[index]);
    let paid_to = |books: &SinkBooks| f64::from(books.paid()[market]);
    let all_paid: f64 = books.sinks.iter().map(paid_to).sum();
    let all_due: f64 = play.tallies.iter().map(|it| it.due[market]).sum();
    let all_tokens: u64 = play.tallies.iter().map(|it| it.tokens[market]).sum();
    let smoothed = play.samples.last().map(|it| it.capacity[index][market]);
    ServiceReport {
        task_type: play.world.markets[market].name,
        declared: sink.declared[market],
        speed: sink.declared[market] * sink.honesty(),
        smoothed: f64::from(smoothed.unwrap_or_default()) / UNIT,
        done: tally.done[market],
        failed: tally.failed[market],
        tokens: tally.tokens[market],
        paid: books.sinks[index].paid()[market].to_string(),
        paid_share: paid_to(&books.sinks[index]) / all_paid.max(1.0),
        work_share: tally.tokens[market] as f64 / all_tokens.max(1) as f64,
        capacity_share: tally.due[market] / all_due.max(1.0),
    }
}

fn sources(play: &Play, books: &Books) -> Vec<SourceReport> {
    let sources = play.world.sources.iter().enumerate();
    sources
        .map(|(index, source)| {
            let funds = play.cast.source_funds[index];
            let holds = books.sources[index].wei;
            SourceReport {
                name: source.name,
                address: play.cast.sources[index].address().to_string(),
                funds: funds.to_string(),
                holds: holds.to_string(),
                spent: (signed(funds) - holds).to_string(),
            }
        })
        .collect()
}

fn series(play: &Play) -> Series {
    let mut series = Series {
        times: play.samples.iter().map(|it| it.at).collect(),
        ..Series::default()
    };
    for (index, market) in play.world.markets.iter().enumerate() {
        let samples = play.samples.iter();
        let demand = samples.clone().map(|it| it.asked[index]).collect();
        let fee = samples.clone().map(|it| it.base_fee[index].to_string());
        let escrow = samples.map(|it| it.escrow[index].to_string());
        series.demand.insert(market.name, demand);
        series.base_fee.insert(market.name, fee.collect());
        series.escrow.insert(market.name, escrow.collect());
        let (pay, capacity) = sink_series(play, index);
        series.pay.insert(market.name, pay);
        series.capacity.insert(market.name, capacity);
    }
    series
}

/// What the sinks of a market were paid, and their smoothed capacities.
fn sink_series(play: &Play, market: usize) -> (BySink<String>, BySink<f64>) {
    let (mut pay, mut capacity) = (BySink::new(), BySink::new());
    for (index, sink) in play.world.sinks.iter().enumerate() {
        if sink.serves(market) {
            let samples = play.samples.iter();
            let flows = samples.clone().map(|it| it.pay[index][market].to_string());
            let capacities = samples.map(|it| f64::from(it.capacity[index][market]) / UNIT);
            pay.insert(sink.name, flows.collect());
            capacity.insert(sink.name, capacities.collect());
        }
    }
    (pay, capacity)
}
