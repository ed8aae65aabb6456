//! What a day costs at a hundred, ten thousand and a million sinks, by gas that was measured.

use super::gas::measure;
use crate::{
    experiment::{Experiment, Finding, Running},
    lab::Lab,
    market::Meter,
    table::Table,
};

pub struct Scale;

const SINKS: [f64; 3] = [1e2, 1e4, 1e6];
/// Tasks of a day.
const TASKS: f64 = 1e9;
/// Sources that a sink works for in a day.
const SOURCES: f64 = 10.0;
/// Attestations of a sink by capacity in a day: one an epoch.
const EPOCHS: f64 = 288.0;
/// Gas of a chain in a day: Arbitrum's speed limit of 7 million a second.
const CHAIN: f64 = 7e6 * 86_400.0;
/// In gwei, and a price of ether in dollars: what money figures stand on.
const GAS_PRICE: f64 = 0.01;
const ETHER: f64 = 3_000.0;

impl Experiment for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn question(&self) -> &'static str {
        "What does a day cost at 10², 10⁴ and 10⁶ sinks and 10⁹ tasks?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

/// How tasks are settled.
struct Way {
    name: &'static str,
    /// Gas of a day.
    gas: f64,
}

fn ways(meter: &Meter, sinks: f64) -> [Way; 4] {
    let each = |what| meter.of(what).each();
    let attest = sinks * EPOCHS * (each("attest capacities") + each("rebalance a pool"));
    let task = each("record assignments") + each("record receipts");
    let redeem = sinks * SOURCES * each("redeem vouchers");
    [
        Way {
            name: "by capacity, nothing judged",
            gas: attest,
        },
        Way {
            name: "by capacity, an assignment and a receipt for each task",
            gas: attest + TASKS * task,
        },
        Way {
            name: "by work, a voucher of each pair every hour",
            gas: 24.0 * redeem,
        },
        Way {
            name: "by work, a voucher of each pair once a day",
            gas: redeem,
        },
    ]
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let meter = measure(lab).await?;
    let mut table = Table::new(
        "A day of 1e9 tasks",
        &[
            "sinks",
            "settlement",
            "gas a day",
            "chains",
            "dollars a day",
            "dollars for a million tasks",
        ],
    );
    for sinks in SINKS {
        for way in ways(&meter, sinks) {
            let dollars = way.gas * GAS_PRICE * 1e-9 * ETHER;
            table.row([
                format!("{sinks:.0}"),
                way.name.to_owned(),
                format!("{:.3e}", way.gas),
                format!("{:.4}", way.gas / CHAIN),
                format!("{dollars:.0}"),
                format!("{:.4}", dollars / TASKS * 1e6),
            ]);
        }
    }
    let one = ways(&meter, 1.0);
    let mut stops = Table::new(
        "Where one chain is full",
        &["settlement", "sinks, or tasks a day"],
    );
    for (way, what) in one.iter().zip(["sinks", "tasks a day", "sinks", "sinks"]) {
        let gas = match what {
            "sinks" => way.gas,
            _ => (way.gas - one[0].gas) / TASKS,
        };
        stops.row([way.name.to_owned(), format!("{:.0} {what}", CHAIN / gas)]);
    }
    let text = format!(
        "Gas is what experiment `gas` measured. Assumed, and no measurement: a sink works for {SOURCES:.0} sources a day; by \
         capacity it attests every epoch and its units follow; a chain has 7 million gas a second, Arbitrum's speed limit; gas \
         costs {GAS_PRICE} gwei and ether {ETHER:.0} dollars. Receipts cost by the task, vouchers by the pair, whatever number of \
         tasks they hold. No state is shared between task types except stakes, so that task types divide over chains: a sink that \
         serves on two of them stakes on both."
    );
    Ok(Finding {
        text: vec![text],
        tables: vec![table, stops],
        ..Finding::default()
    })
}
