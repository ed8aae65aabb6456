//! RebalanceEngine on an hour of real requests: gas spent and money misallocated, beside updating at every change and at a
//! fixed threshold. `cargo bench --profile dev -p bpe-keeper --bench rebalance`. Reports, asserts nothing.
//!
//! The model: requests go to sinks in proportion to what they can do. Each sink has a capacity of its own, which it attests
//! every minute as what it did in that minute tells: busy sinks measure themselves well, idle ones say what they said before,
//! and every fifth sink slows down or speeds up by a half once in the hour. Smoothed as the registry does.

use std::{hint::black_box, path::Path, time::Instant};

use alloy::primitives::{Address, U256};
use bpe_keeper::rebalance::{decide, due_units, misallocated_share, Debts, Decision, Prices, Sink};

/// Gas as docs/gas.md has it: an update of one sink, and a sink's part of a walk over changed ones.
const UPDATE_GAS: f64 = 239_566.0;
const WALK_GAS: f64 = 165_967.0;
/// Payment tokens for a unit of gas: 0.1 gwei, 3 000 tokens for an ether.
const TOKENS_PER_GAS: f64 = 1e-10 * 3_000.0;
/// Tokens a month that stream per sink.
const STREAM: f64 = 10_000.0;
const MONTH: f64 = 2_592_000.0;
const UNIT: f64 = 1e9;

struct Random(u64);

impl Random {
    /// From 0 to 1; splitmix64, the same everywhere.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Second of the hour and generated tokens.
fn trace() -> Vec<(u64, f64)> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/traces/conversation.csv");
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut requests: Vec<(f64, f64)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            let clock = fields.next().unwrap().split(' ').nth(1).unwrap();
            let parts: Vec<f64> = clock.split(':').map(|it| it.parse().unwrap()).collect();
            let second = parts[0] * 3_600.0 + parts[1] * 60.0 + parts[2];
            (second, fields.nth(1).unwrap().parse().unwrap())
        })
        .collect();
    requests.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = requests[0].0;
    requests
        .into_iter()
        .map(|(second, tokens)| ((second - first) as u64, tokens))
        .collect()
}

/// Smoothed capacities of all sinks, minute by minute.
fn capacities(requests: &[(u64, f64)], count: usize) -> Vec<Vec<u128>> {
    let mut random = Random(7);
    let mut able: Vec<f64> = (0..count)
        .map(|_| 10.0 * (1.0 + 9.0 * random.next()))
        .collect();
    let turns: Vec<usize> = (0..count)
        .map(|_| 5 + (random.next() * 50.0) as usize)
        .collect();
    let mut smoothed = able.clone();
    let mut minutes = vec![fixed(&smoothed)];
    for minute in 0..60 {
        for sink in (0..count).step_by(5) {
            if turns[sink] == minute {
                able[sink] *= if sink % 2 == 0 { 0.5 } else { 1.5 };
            }
        }
        let all: f64 = able.iter().sum();
        let mut work = vec![0.0; count];
        for (_, tokens) in requests
            .iter()
            .filter(|(second, _)| (second / 60) as usize == minute)
        {
            let mut at = random.next() * all;
            let sink = able.iter().position(|it| {
                at -= it;
                at < 0.0
            });
            work[sink.unwrap_or(0)] += tokens;
        }
        for sink in 0..count {
            if work[sink] > 0.0 {
                // A measurement is off by up to a tenth.
                let raw = able[sink] * (0.9 + 0.2 * random.next());
                smoothed[sink] = 0.3 * raw + 0.7 * smoothed[sink];
            }
        }
        minutes.push(fixed(&smoothed));
    }
    minutes
}

fn fixed(capacities: &[f64]) -> Vec<u128> {
    capacities.iter().map(|it| (it * UNIT) as u128).collect()
}

#[derive(Clone, Copy)]
enum Policy {
    EveryChange,
    Threshold(f64),
    Money(f64),
}

struct Outcome {
    gas: f64,
    /// Tokens that reached the wrong sinks in the hour.
    misallocated: f64,
}

fn replay(minutes: &[Vec<u128>], policy: Policy) -> Outcome {
    let count = minutes[0].len();
    let total = |capacities: &[u128]| U256::from(capacities.iter().sum::<u128>());
    let mut anchor = total(&minutes[0]);
    let mut sinks: Vec<Sink> = minutes[0]
        .iter()
        .enumerate()
        .map(|(number, capacity)| Sink {
            address: Address::left_padding_from(&(number as u32).to_be_bytes()),
            capacity: *capacity,
            units: due_units(*capacity, anchor),
        })
        .collect();
    let flow = STREAM / MONTH * count as f64;
    let mut outcome = Outcome {
        gas: 0.0,
        misallocated: 0.0,
    };
    let mut debts = Debts::default();
    for minute in &minutes[1..] {
        for (sink, capacity) in sinks.iter_mut().zip(minute) {
            sink.capacity = *capacity;
        }
        let update = |sink: &mut Sink, outcome: &mut Outcome| {
            sink.units = due_units(sink.capacity, anchor);
            outcome.gas += UPDATE_GAS;
        };
        match policy {
            Policy::EveryChange => {
                for sink in sinks
                    .iter_mut()
                    .filter(|it| due_units(it.capacity, anchor) != it.units)
                {
                    update(sink, &mut outcome);
                }
            }
            Policy::Threshold(part) => {
                for sink in &mut sinks {
                    let due = due_units(sink.capacity, anchor) as f64;
                    if (due - sink.units as f64).abs() >= part * sink.units as f64 {
                        update(sink, &mut outcome);
                    }
                }
            }
            Policy::Money(factor) => {
                let prices = Prices {
                    update: UPDATE_GAS * TOKENS_PER_GAS,
                    walk: WALK_GAS * TOKENS_PER_GAS,
                    factor,
                };
                debts.add(&sinks, anchor, flow, 60.0);
                match decide(&sinks, anchor, flow, &prices, &debts).decision {
                    Decision::Nothing => {}
                    Decision::Sinks(worth) => {
                        for sink in sinks.iter_mut().filter(|it| worth.contains(&it.address)) {
                            update(sink, &mut outcome);
                        }
                    }
                    Decision::Walk => {
                        anchor = total(minute);
                        for sink in &mut sinks {
                            sink.units = due_units(sink.capacity, anchor);
                            outcome.gas += WALK_GAS;
                        }
                    }
                }
            }
        }
        outcome.misallocated += misallocated_share(&sinks) * flow * 60.0;
    }
    outcome
}

fn main() {
    let requests = trace();
    println!("An hour of {} requests; {STREAM} tokens a month stream for each sink; an update costs {:.3} tokens.\n", requests.len(), UPDATE_GAS * TOKENS_PER_GAS);
    println!("| sinks | policy | million gas | of every change | misallocated, tokens | gas in tokens | both |");
    println!("|--:|---|--:|--:|--:|--:|--:|");
    for count in [10, 100, 1_000] {
        let minutes = capacities(&requests, count);
        let all = replay(&minutes, Policy::EveryChange).gas;
        let policies = [
            ("every change", Policy::EveryChange),
            ("5 % threshold", Policy::Threshold(0.05)),
            ("10 % threshold", Policy::Threshold(0.10)),
            ("ours, factor 0.5", Policy::Money(0.5)),
            ("ours, factor 1", Policy::Money(1.0)),
            ("ours, factor 2", Policy::Money(2.0)),
            ("ours, factor 4", Policy::Money(4.0)),
        ];
        for (name, policy) in policies {
            let outcome = replay(&minutes, policy);
            let cost = outcome.gas * TOKENS_PER_GAS;
            println!(
                "| {count} | {name} | {:.1} | {:.0} % | {:.3} | {cost:.3} | {:.3} |",
                outcome.gas / 1e6,
                100.0 * outcome.gas / all,
                outcome.misallocated,
                outcome.misallocated + cost
            );
        }
    }
    let minutes = capacities(&requests, 1_000);
    let begun = Instant::now();
    for _ in 0..10 {
        black_box(replay(&minutes, Policy::Money(1.0)).gas);
    }
    println!(
        "\nA decision over 1 000 sinks takes {:.2} ms.",
        begun.elapsed().as_secs_f64() * 1e3 / 600.0
    );
}
