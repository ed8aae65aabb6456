//! What it brings to be many: one stake, split over identities, under both cap curves.

use crate::{
    experiment::{Experiment, Finding, Running, Target},
    lab::{Curve, Lab},
    market::{price_of, Actor, Market, Meter},
    suite::tokens,
    table::Table,
};

pub struct Sybil;

/// The attacker's stake, and the honest sink's, in whole tokens.
const STAKE: u64 = 3_200;
/// The least stake of an identity.
const LEAST: u64 = 100;
const IDENTITIES: [u64; 5] = [1, 2, 4, 8, 16];

impl Experiment for Sybil {
    fn name(&self) -> &'static str {
        "sybil"
    }

    fn question(&self) -> &'static str {
        "What does it bring to split a stake over identities?"
    }

    fn run<'a>(&'a self, lab: &'a mut Lab) -> Running<'a> {
        Box::pin(run(lab))
    }
}

const TEXT: &str = "\
An honest sink and an attacker with as much stake, 3 200 tokens, which the attacker splits over identities of 100 \
tokens at least. *Capacity* is what its identities have in CapacityRegistry together, in parts of what one identity \
would have; *part of the pay* is what streams to them from the pool. The formula is √n for the square root, and (S − \
n·100) / (S − 100) for the affine curve.";

/// What the attacker had.
struct Outcome {
    capacity: f64,
    part: f64,
}

fn formula(curve: Curve, identities: u64) -> f64 {
    match curve {
        Curve::Sqrt => (identities as f64).sqrt(),
        Curve::Affine => (STAKE - identities * LEAST) as f64 / (STAKE - LEAST) as f64,
    }
}

async fn run(lab: &mut Lab) -> anyhow::Result<Finding> {
    let mut table = Table::new(
        "Gain by identities",
        &[
            "cap curve",
            "identities",
            "formula",
            "capacity",
            "part of the pay",
        ],
    );
    let mut off = [0.0f64; 2];
    let mut most = [0.0f64; 2];
    let count = lab.sized(5, 2) as usize;
    for (place, curve) in Curve::ALL.into_iter().enumerate() {
        let mut one = 0.0;
        for identities in IDENTITIES.into_iter().take(count) {
            let outcome = play(lab, curve, identities).await?;
            if identities == 1 {
                one = outcome.capacity;
            }
            let gain = outcome.capacity / one;
            off[place] = off[place].max((gain / formula(curve, identities) - 1.0).abs());
            most[place] = most[place].max(gain);
            table.row([
                curve.name().to_owned(),
                identities.to_string(),
                format!("{:.4}", formula(curve, identities)),
                format!("{gain:.4}"),
                format!("{:.2} %", outcome.part * 100.0),
            ]);
        }
    }
    let worst = off[0].max(off[1]);
    Ok(Finding {
        text: vec![TEXT.to_owned()],
        tables: vec![table],
        targets: vec![
            Target::new(
                "Sybil gain is what the formula says: largest deviation",
                "0.00 %",
                format!("{:.4} %", worst * 100.0),
                worst < 1e-4,
                "the registry grants another capacity than the formula",
            ),
            Target::new(
                "Sybil gain under the affine curve, at most",
                "1.00",
                format!("{:.4}", most[1]),
                most[1] <= 1.0,
                "splitting pays",
            ),
        ],
        ..Finding::default()
    })
}

async fn play(lab: &mut Lab, curve: Curve, identities: u64) -> anyhow::Result<Outcome> {
    let suite = lab.fresh(curve).await?;
    let market = Market::open(&suite, "capacity-1", &Meter::default()).await?;
    let honest = Actor::new("honest", 0)?;
    // The registry clips what they declare to what their stakes back.
    let declared = 1_000_000.0;
    market.join(&honest, tokens(STAKE), declared).await?;
    let crowd = Actor::crowd("sybil", identities as usize)?;
    for sybil in &crowd {
        market
            .join(sybil, tokens(STAKE / identities), declared)
            .await?;
    }
    market.rebalance(crowd.len() + 1).await?;
    let source = Actor::new("source", 0)?;
    market.fund(&source, tokens(1_000_000)).await?;
    market.stream(&source, price_of(100.0)).await?;
    let capacities = market.capacities().await?;
    let capacity = crowd.iter().map(|it| capacities[&it.account]).sum();
    let mut paid = 0.0;
    for sybil in &crowd {
        paid += market.flow_to(sybil.account).await?;
    }
    Ok(Outcome {
        capacity,
        part: paid / (paid + market.flow_to(honest.account).await?),
    })
}
