//! Rounds of RebalanceEngine: what money says.

use std::sync::Arc;

use bpe_chain::ChainError;
use metrics::{counter, gauge};

use super::{send, Round};
use crate::{
    rebalance::{
        decide, look, streams_by_work, unsettled, Decision, Drains, Misses, Notes, PriceEpochs,
        Prices, Units, Update, View,
    },
    shared::Shared,
};

/// Sinks in a page of a full walk: half of what the contract takes in a call.
const WALK: u64 = 32;

/// Sets units.
pub async fn units(shared: Arc<Shared>) -> Round {
    let config = &shared.config.rebalance;
    let head = shared.head.fresh()?;
    let views = look(&shared.database).await?;
    let update = update_cost(config.update_gas, head.base_fee, config.tokens_per_ether);
    let prices = Prices {
        update,
        walk: update * 0.6,
        factor: config.factor,
    };
    // Kept in memory: a restart begins to count anew, and decides a little later.
    let mut kept = shared.debts.lock().await;
    let (debts, last) = &mut *kept;
    let seconds = last.map_or(0, |last| head.timestamp.saturating_sub(last));
    *last = Some(head.timestamp);
    let mut misallocated = 0.0;
    let mut updates = Vec::new();
    // By spare capacity, by shares and by work, units are not the registry's capacities.
    for view in views.iter().filter(|view| view.weighting == 0) {
        let anchor = shared
            .suite
            .pools
            .getAnchor(view.task_type)
            .call()
            .await
            .map_err(ChainError::from)?;
        let debts = debts.entry(view.task_type).or_default();
        debts.add(&view.sinks, anchor, view.flow, seconds as f64);
        let judged = decide(&view.sinks, anchor, view.flow, &prices, debts);
        misallocated += judged.misallocated;
        gauge!("bpe_keeper_decision_benefit_tokens_total").increment(judged.benefit / 1e18);
        gauge!("bpe_keeper_decision_cost_tokens_total").increment(judged.cost / 1e18);
        let name = match &judged.decision {
            Decision::Nothing => "nothing",
            Decision::Sinks(_) => "sinks",
            Decision::Walk => "walk",
        };
        counter!("bpe_keeper_decisions_total", "decision" => name).increment(1);
        updates.extend(updates_of(view, judged.decision, head.timestamp));
    }
    drop(kept);
    gauge!("bpe_keeper_misallocated_tokens_per_hour").set(misallocated / 1e18);
    send(
        &shared,
        &Units {
            suite: shared.suite.clone(),
        },
        updates,
    )
    .await
    .1
}

fn updates_of(view: &View, decision: Decision, at: u64) -> Vec<Update> {
    let task_type = view.task_type;
    match decision {
        Decision::Nothing => Vec::new(),
        Decision::Sinks(sinks) => sinks
            .into_iter()
            .map(|sink| Update::Sink {
                task_type,
                sink,
                at,
            })
            .collect(),
        Decision::Walk => (0..view.serving)
            .step_by(usize::try_from(WALK).unwrap_or(usize::MAX))
            .map(|from| Update::Range {
                task_type,
                from,
                count: WALK,
                at,
            })
            .collect(),
    }
}

/// What so much gas costs, in payment-token wei.
fn update_cost(gas: u64, base_fee: u128, tokens_per_ether: f64) -> f64 {
    gas as f64 * base_fee as f64 * tokens_per_ether
}

/// Pays out what waits, where that is worth the gas.
pub async fn escrow(shared: Arc<Shared>) -> Round {
    let config = &shared.config.rebalance;
    let head = shared.head.fresh()?;
    let cost = update_cost(config.update_gas, head.base_fee, config.tokens_per_ether);
    let mut drains = Vec::new();
    for view in look(&shared.database).await? {
        let waiting: u128 = view.waiting.saturating_to();
        if view.serving > 0 && waiting as f64 > config.factor * cost {
            drains.push((view.task_type, head.timestamp));
        }
    }
    send(
        &shared,
        &Drains {
            suite: shared.suite.clone(),
        },
        drains,
    )
    .await
    .1
}

/// Closes price epochs.
pub async fn prices(shared: Arc<Shared>) -> Round {
    let every = shared.config.rebalance.price_epochs_every;
    let now = shared.head.fresh()?.timestamp;
    let mut due = Vec::new();
    for view in look(&shared.database).await? {
        let last = shared.index.last(&view.task_type, "BaseFeeUpdated").await?;
        if last.is_none_or(|last| last + every <= now) {
            due.push((view.task_type, now));
        }
    }
    send(
        &shared,
        &PriceEpochs {
            suite: shared.suite.clone(),
        },
        due,
    )
    .await
    .1
}

/// Notes what sources by work have paid.
pub async fn notes(shared: Arc<Shared>) -> Round {
    let now = shared.head.fresh()?.timestamp;
    let streams = streams_by_work(&shared.database, now).await?;
    let batch = Notes {
        suite: shared.suite.clone(),
        every: shared.config.rebalance.notes_every,
    };
    send(&shared, &batch, streams).await.1
}

/// Settles what nobody answered and nobody settled, where what it cost is worth the gas.
pub async fn misses(shared: Arc<Shared>) -> Round {
    let Some(misses) = shared.suite.misses.clone() else {
        return Ok(());
    };
    let config = &shared.config.rebalance;
    let head = shared.head.fresh()?;
    let cost = update_cost(config.update_gas, head.base_fee, config.tokens_per_ether);
    let mut due = unsettled(&shared.database, head.timestamp).await?;
    due.retain(|it| it.value.saturating_to::<u128>() as f64 > config.factor * cost);
    let batch = Misses {
        misses,
        every: config.misses_every,
    };
    send(&shared, &batch, due).await.1
}
