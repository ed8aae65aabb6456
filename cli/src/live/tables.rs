//! What came of it: what users felt, what everybody earned, and every token to the wei.

use std::time::Duration;

use alloy::primitives::{Address, I256};
use anyhow::ensure;
use bpe_evaluation::table::Table;
use serde_json::{json, Value};

use super::{
    books::{Counted, Holdings},
    cast::{Seller, BUYERS, FREERIDER, SELLERS},
    load::{End, Outcome},
    settings::WORK_OF_A_TOKEN,
};
use crate::demo::money::exact;

/// A sink at the end.
pub struct Sold {
    pub seller: Seller,
    pub account: Address,
    /// By source.
    pub counted: [Counted; BUYERS.len()],
}

/// All that is known at the end.
pub struct Report {
    pub outcomes: Vec<Outcome>,
    pub sinks: Vec<Sold>,
    /// Before the first source came, and when all had left.
    pub before: Holdings,
    pub after: Holdings,
}

impl Sold {
    /// In wei.
    fn value(&self) -> u128 {
        self.counted.iter().map(|it| it.value).sum()
    }

    fn work(&self) -> u128 {
        self.counted.iter().map(|it| it.work).sum()
    }
}

impl Report {
    /// By how many wei somebody has more at the end.
    fn gain(&self, name: &str) -> I256 {
        let of = |holdings: &Holdings| holdings.get(name).copied().unwrap_or_default();
        of(&self.after) - of(&self.before)
    }

    /// What clients of a source got of a sink and did see the end of, in wei.
    fn seen(&self, buyer: usize, sink: Address) -> u128 {
        let outcomes = self.outcomes.iter();
        let of = outcomes.filter(|it| it.buyer == buyer && it.sink == Some(sink));
        of.map(Outcome::value).sum()
    }

    fn paid_out(&self) -> I256 {
        BUYERS
            .iter()
            .fold(I256::ZERO, |sum, it| sum - self.gain(it.name))
    }

    /// Whether every wei is where it should be.
    ///
    /// # Errors
    /// With the first that is not.
    pub fn check(&self) -> anyhow::Result<()> {
        for sink in &self.sinks {
            let name = sink.seller.name;
            let (earned, counted) = (self.gain(name), signed(sink.value()));
            ensure!(
                earned == counted,
                "{name} has earned {earned} wei, and {counted} have counted"
            );
            for (buyer, counted) in sink.counted.iter().enumerate() {
                let source = BUYERS[buyer].name;
                let seen = match BUYERS[buyer].signs {
                    true => self.seen(buyer, sink.account),
                    false => 0,
                };
                ensure!(
                    counted.value == seen,
                    "{name} did what is worth {seen} wei for {source}'s clients, and {} have counted",
                    counted.value
                );
            }
        }
        let all = self.after.keys().map(|name| self.gain(name));
        let lost = all.fold(I256::ZERO, |sum, it| sum + it);
        ensure!(lost.is_zero(), "{lost} wei have come from nowhere");
        Ok(())
    }

    pub fn tables(&self) -> Vec<Table> {
        vec![
            self.clients(),
            self.services(),
            self.sources(),
            self.accounts(),
        ]
    }

    fn clients(&self) -> Table {
        let title = "### What users felt: seconds until the first token, USDCx per million tokens";
        let headers = [
            "source",
            "requests",
            "served",
            "refused",
            "failed",
            "wait p50",
            "wait p99",
            "tokens",
            "price paid",
        ];
        let mut table = Table::new(title, &headers);
        for (buyer, it) in BUYERS.iter().enumerate() {
            let felt = Felt::of(&self.outcomes, buyer);
            table.row([
                it.name.to_owned(),
                felt.requests.to_string(),
                felt.served.to_string(),
                felt.refused.to_string(),
                felt.failed.to_string(),
                seconds(felt.waited(50)),
                seconds(felt.waited(99)),
                felt.tokens.to_string(),
                felt.price(),
            ]);
        }
        table
    }

    fn services(&self) -> Table {
        let title = "### Sinks: tokens per second, earned in USDCx to the wei";
        let headers = [
            "sink",
            "is",
            "says",
            "can",
            "tasks",
            "tokens",
            "earned",
            "of all pay",
            "of all work",
            "unsigned",
        ];
        let mut table = Table::new(title, &headers);
        let pay: u128 = self.sinks.iter().map(Sold::value).sum();
        let work: u128 = self.sinks.iter().map(|it| self.done(it)).sum();
        for sink in &self.sinks {
            let tasks: u64 = sink.counted.iter().map(|it| it.tasks).sum();
            table.row([
                sink.seller.name.to_owned(),
                sink.seller.habit.name().to_owned(),
                sink.seller.says().to_string(),
                sink.seller.can().to_string(),
                tasks.to_string(),
                (sink.work() / WORK_OF_A_TOKEN).to_string(),
                exact(&self.gain(sink.seller.name).to_string()),
                share(sink.value(), pay),
                share(self.done(sink), work),
                exact(&self.seen(FREERIDER, sink.account).to_string()),
            ]);
        }
        table
    }

    /// Tokens that clients who sign have got of a sink.
    fn done(&self, sink: &Sold) -> u128 {
        let outcomes = self.outcomes.iter();
        let of = outcomes.filter(|it| it.end == End::Served && it.sink == Some(sink.account));
        let signed = of.filter(|it| BUYERS[it.buyer].signs);
        signed.map(|it| u128::from(it.tokens)).sum()
    }

    fn sources(&self) -> Table {
        let title = "### Sources, in USDCx to the wei";
        let headers = [
            "source",
            "paid out",
            "its clients got",
            "signed for and counted",
        ];
        let mut table = Table::new(title, &headers);
        for (buyer, it) in BUYERS.iter().enumerate() {
            let seen: u128 = self
                .sinks
                .iter()
                .map(|sink| self.seen(buyer, sink.account))
                .sum();
            let counted: u128 = self
                .sinks
                .iter()
                .map(|sink| sink.counted[buyer].value)
                .sum();
            table.row([
                it.name.to_owned(),
                exact(&(-self.gain(it.name)).to_string()),
                exact(&seen.to_string()),
                exact(&counted.to_string()),
            ]);
        }
        table
    }

    fn accounts(&self) -> Table {
        let mut table = Table::new("### Every token, in USDCx to the wei", &["what", "amount"]);
        let mut line = |what: &str, amount: I256| {
            table.row([what.to_owned(), exact(&amount.to_string())]);
        };
        line("sources paid out", self.paid_out());
        let sinks = self.sinks.iter();
        let earned = sinks.fold(I256::ZERO, |sum, it| sum + self.gain(it.seller.name));
        line("= earned by sinks", earned);
        for name in self.after.keys() {
            let ours =
                BUYERS.iter().any(|it| it.name == name) || SELLERS.iter().any(|it| it.name == name);
            let gain = self.gain(name);
            if !ours && !gain.is_zero() {
                line(&format!("+ {name}"), gain);
            }
        }
        let all = |holdings: &Holdings| holdings.values().fold(I256::ZERO, |sum, it| sum + *it);
        line("all accounts together, before", all(&self.before));
        line("all accounts together, after", all(&self.after));
        table
    }

    /// All figures; amounts are decimal strings in wei.
    pub fn json(&self) -> Value {
        let sources = BUYERS.iter().enumerate().map(|(buyer, it)| {
            let felt = Felt::of(&self.outcomes, buyer);
            json!({
                "name": it.name,
                "signs": it.signs,
                "requests": felt.requests,
                "served": felt.served,
                "refused": felt.refused,
                "failed": felt.failed,
                "waitP50": felt.waited(50).as_secs_f64(),
                "waitP99": felt.waited(99).as_secs_f64(),
                "tokens": felt.tokens,
                "paidOut": (-self.gain(it.name)).to_string(),
                "refusals": felt.refusals(&self.outcomes, buyer),
            })
        });
        let sinks = self.sinks.iter().map(|it| {
            let by = BUYERS.iter().zip(&it.counted).enumerate();
            let by = by.map(|(buyer, (source, counted))| {
                json!({
                    "source": source.name,
                    "work": counted.work.to_string(),
                    "value": counted.value.to_string(),
                    "tasks": counted.tasks,
                    "seen": self.seen(buyer, it.account).to_string(),
                })
            });
            json!({
                "name": it.seller.name,
                "is": it.seller.habit.name(),
                "says": it.seller.says(),
                "can": it.seller.can(),
                "tokens": self.done(it).to_string(),
                "earned": self.gain(it.seller.name).to_string(),
                "counted": by.collect::<Vec<_>>(),
            })
        });
        let gains = self
            .after
            .keys()
            .map(|name| (name.clone(), json!(self.gain(name).to_string())));
        let problem = self.check().err().map(|error| format!("{error:#}"));
        json!({
            "schema": "bpe-live-demo/1",
            "sources": sources.collect::<Vec<_>>(),
            "sinks": sinks.collect::<Vec<_>>(),
            "gains": gains.collect::<serde_json::Map<_, _>>(),
            "problem": problem,
        })
    }
}

/// What the clients of a source felt.
struct Felt {
    requests: usize,
    served: usize,
    refused: usize,
    failed: usize,
    tokens: u64,
    value: u128,
    /// In order.
    waits: Vec<Duration>,
}

impl Felt {
    fn of(outcomes: &[Outcome], buyer: usize) -> Self {
        let of = || outcomes.iter().filter(|it| it.buyer == buyer);
        let served = || of().filter(|it| it.end == End::Served);
        let mut waits: Vec<Duration> = served().map(|it| it.waited).collect();
        waits.sort_unstable();
        Self {
            requests: of().count(),
            served: waits.len(),
            refused: of().filter(|it| matches!(it.end, End::Refused(_))).count(),
            failed: of().filter(|it| it.end == End::Failed).count(),
            tokens: served().map(|it| it.tokens).sum(),
            value: served().map(Outcome::value).sum(),
            waits,
        }
    }

    /// The wait that so many per cent did not exceed.
    fn waited(&self, percent: usize) -> Duration {
        let place = (self.waits.len() * percent).div_ceil(100).saturating_sub(1);
        self.waits.get(place).copied().unwrap_or_default()
    }

    fn price(&self) -> String {
        match self.tokens {
            0 => "0".to_owned(),
            tokens => format!("{:.2}", self.value as f64 / tokens as f64 / 1e12),
        }
    }

    /// How often each status came.
    fn refusals(&self, outcomes: &[Outcome], buyer: usize) -> Value {
        let mut refusals = std::collections::BTreeMap::<String, usize>::new();
        for it in outcomes.iter().filter(|it| it.buyer == buyer) {
            if let End::Refused(status) = it.end {
                *refusals.entry(status.to_string()).or_default() += 1;
            }
        }
        json!(refusals)
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

fn share(part: u128, all: u128) -> String {
    format!("{:.2} %", 100.0 * part as f64 / (all as f64).max(1.0))
}

fn signed(amount: u128) -> I256 {
    I256::try_from(amount).unwrap_or(I256::MAX)
}
