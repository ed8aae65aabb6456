//! Who does what when. Every worker is a loop of rounds; a round that fails is said and tried again, a worker that dies is
//! started again.

use std::{future::Future, sync::Arc, time::Duration};

use bpe_chain::{Batch, ChainError, Follower, FollowerSettings, Progress, Report, SendError};
use metrics::{counter, gauge};
use serde::{de::DeserializeOwned, Serialize};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    health::Health,
    inbox::Inbox,
    metrics::{self as counts, SENDERS},
    oracle::{self, change_bps, smoothed, AttestationBody, Attestations},
    rebalance::{
        self, decide, look, streams_by_work, Decision, Drains, Notes, PriceEpochs, Prices, Units,
        Update, View,
    },
    shared::Shared,
    verification::{
        self, Assignments, Epochs, Page, Receipts, TaskBody, VoucherBody, Vouchers, EPOCH,
    },
};

/// A worker that waits for a transaction may take so long over a round.
const PATIENCE: Duration = Duration::from_secs(300);
/// Sinks in a page of a full walk: half of what the contract takes in a call.
const WALK: u64 = 32;

/// A round could not be finished.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Send(#[from] SendError),
}

type Round = Result<(), RoundError>;

/// Starts all workers.
pub fn spawn(tasks: &mut JoinSet<()>, shared: &Arc<Shared>, stop: &watch::Receiver<bool>) {
    counts::handle();
    let poll = shared.config.poll();
    let head = shared.head.clone();
    let stopping = stop.clone();
    tasks.spawn(async move { until(stopping, head.run(poll)).await });
    let leader = shared.leader.clone();
    let (database, chain_id) = (shared.database.clone(), shared.deployment.chain_id);
    gauge!("bpe_keeper_leading").set(f64::from(u8::from(leader.leads())));
    let stopping = stop.clone();
    tasks.spawn(async move { until(stopping, leader.run(database, chain_id)).await });

    spawn_one(tasks, shared, stop, "follow", poll, follow);
    spawn_one(
        tasks,
        shared,
        stop,
        "watch",
        Duration::from_secs(5),
        observe,
    );
    let config = &shared.config;
    if config.oracle.enabled {
        spawn_one(tasks, shared, stop, oracle::WORKER, poll, attest);
    }
    if config.verification.enabled {
        spawn_one(tasks, shared, stop, verification::RECEIPTS, poll, receipts);
        spawn_one(
            tasks,
            shared,
            stop,
            verification::ASSIGNMENTS,
            poll,
            assignments,
        );
        spawn_one(tasks, shared, stop, verification::VOUCHERS, poll, vouchers);
        let every = Duration::from_secs(10).max(poll);
        spawn_one(tasks, shared, stop, verification::EPOCHS, every, epochs);
    }
    if config.rebalance.enabled {
        let every = Duration::from_secs(config.rebalance.every);
        spawn_one(tasks, shared, stop, rebalance::UNITS, every, units);
        spawn_one(tasks, shared, stop, rebalance::ESCROW, every, escrow);
        if config.rebalance.price_epochs_every > 0 {
            spawn_one(tasks, shared, stop, rebalance::PRICES, every, prices);
        }
        if config.rebalance.notes_every > 0 {
            spawn_one(tasks, shared, stop, rebalance::NOTES, every, notes);
        }
    }
}

async fn until(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

fn spawn_one<F, R>(
    tasks: &mut JoinSet<()>,
    shared: &Arc<Shared>,
    stop: &watch::Receiver<bool>,
    name: &'static str,
    every: Duration,
    round: F,
) where
    F: Fn(Arc<Shared>) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Round> + Send + 'static,
{
    shared.health.expect(name, PATIENCE.max(3 * every));
    let (shared, stop) = (Arc::clone(shared), stop.clone());
    tasks.spawn(async move {
        let next = || round(Arc::clone(&shared));
        rounds(&shared.health, stop, name, every, next).await;
    });
}

/// A worker's life.
async fn rounds<R>(
    health: &Health,
    mut stop: watch::Receiver<bool>,
    name: &'static str,
    every: Duration,
    round: impl Fn() -> R,
) where
    R: Future<Output = Round> + Send + 'static,
{
    let mut pause = every;
    while !*stop.borrow() {
        // In a task of its own: a round that panics ends itself, not the worker. It is not interrupted by the stop: what
        // is in hand is finished.
        match tokio::spawn(round()).await {
            Ok(Ok(())) => {
                health.progress(name);
                pause = every;
            }
            Ok(Err(error)) => {
                tracing::warn!(worker = name, %error, "a round failed");
                health.failed(name, error.to_string());
                pause = (pause * 2).min(Duration::from_secs(30).max(every));
            }
            Err(error) => {
                tracing::error!(worker = name, %error, "a round died");
                health.failed(name, "a round died".to_owned());
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Reads what has happened until the head is reached.
async fn follow(shared: Arc<Shared>) -> Round {
    if !shared.leader.leads() {
        return Ok(());
    }
    let settings = FollowerSettings {
        first_block: shared.deployment.first_block(),
        range: shared.config.chain.range,
        ..FollowerSettings::default()
    };
    let (provider, database) = (shared.provider.clone(), shared.database.clone());
    let follower = Follower::new(provider, database, shared.index.clone(), settings);
    loop {
        match follower.step().await? {
            Progress::AtHead { block, logs } => {
                counter!("bpe_keeper_events_total").increment(logs as u64);
                gauge!("bpe_keeper_cursor_block").set(block as f64);
                return Ok(());
            }
            Progress::Behind { block, logs } => {
                counter!("bpe_keeper_events_total").increment(logs as u64);
                gauge!("bpe_keeper_cursor_block").set(block as f64);
                shared.health.progress("follow");
            }
            Progress::Rewound { .. } => {
                counter!("bpe_keeper_reorganisations_total").increment(1);
                shared.checker.forget();
                shared.head.forget_highest();
            }
            Progress::NodeBehind { head, cursor } => {
                return Err(ChainError::Behind { head, seen: cursor }.into());
            }
        }
    }
}

/// Keeps the gauges.
async fn observe(shared: Arc<Shared>) -> Round {
    let head = shared.head.get();
    gauge!("bpe_keeper_head_block").set(head.number as f64);
    gauge!("bpe_keeper_head_age_seconds").set(head.since.elapsed().as_secs_f64());
    for status in shared.health.report() {
        if SENDERS.contains(&status.name) {
            gauge!("bpe_keeper_worker_age_seconds", "worker" => status.name)
                .set(status.age.as_secs_f64());
        }
    }
    let spending = shared.sender.spending().await?;
    gauge!("bpe_keeper_spent_hour_gwei").set(spending.hour as f64);
    gauge!("bpe_keeper_spent_day_gwei").set(spending.day as f64);
    let balance: u128 = shared.sender.balance().await?.saturating_to();
    gauge!("bpe_keeper_balance_gwei").set((balance / 1_000_000_000) as f64);
    for (worker, inbox) in [
        (oracle::WORKER, &shared.attestations),
        (verification::RECEIPTS, &shared.receipts),
        (verification::ASSIGNMENTS, &shared.assignments),
        (verification::VOUCHERS, &shared.vouchers),
    ] {
        gauge!("bpe_keeper_inbox", "worker" => worker).set(inbox.level().await?.count as f64);
    }
    Ok(())
}

/// Sends items, and counts what became of them.
async fn send<B: Batch>(
    shared: &Shared,
    batch: &B,
    items: Vec<B::Item>,
) -> (Report<B::Item>, Round) {
    if items.is_empty() || !shared.leader.leads() {
        return (Report::default(), Ok(()));
    }
    let (report, error) = shared.sender.run(batch, items).await;
    counts::report::<B>(&report, error.as_ref());
    (report, error.map_or(Ok(()), |error| Err(error.into())))
}

/// Sends what waits in an inbox, and takes out of it what is settled.
async fn empty<B>(
    shared: &Shared,
    batch: &B,
    inbox: &Inbox,
    most: usize,
) -> Result<Report<B::Item>, RoundError>
where
    B: Batch,
    B::Item: Serialize + DeserializeOwned,
{
    let items = inbox.oldest::<B::Item>(most).await?;
    let (report, outcome) = send(shared, batch, items).await;
    let mut settled = Vec::new();
    let mut note = |item: &B::Item, status, reason: &str| {
        settled.push((batch.id(item), status, reason.to_owned()));
    };
    report.done.iter().for_each(|item| note(item, "done", ""));
    report
        .dropped
        .iter()
        .for_each(|item| note(item, "dropped", "it is on the chain already, or too late"));
    report
        .refused
        .iter()
        .for_each(|(item, reason)| note(item, "refused", reason));
    report
        .set_aside
        .iter()
        .for_each(|(item, reason)| note(item, "set aside", reason));
    // Mined in this block or before: a reorganisation that reaches it may have taken it back.
    let mined = report.transactions.iter().map(|it| it.block).max();
    let head = shared.head.get();
    let block = mined.unwrap_or_default().max(head.number);
    inbox.settle(&settled, block, head.timestamp).await?;
    outcome.map(|()| report)
}

/// CapacityOracle: a batch when it is full, old or urgent.
async fn attest(shared: Arc<Shared>) -> Round {
    let config = &shared.config.oracle;
    let now = shared.head.fresh()?.timestamp;
    let level = shared.attestations.level().await?;
    let Some(oldest) = level.oldest else {
        return Ok(());
    };
    let full = level.count >= config.batch as u64;
    let old = now.saturating_sub(oldest) >= config.max_wait;
    if !full && !old && !urgent(&shared, config.batch, config.urgent_bps).await? {
        return Ok(());
    }
    let batch = Attestations {
        suite: shared.suite.clone(),
        now,
    };
    let report = empty(&shared, &batch, &shared.attestations, config.batch).await?;
    for item in &report.done {
        shared
            .checker
            .remember((item.task_type_id, item.sink), item.nonce);
    }
    Ok(())
}

/// Whether one of those that wait would change what counts by much.
async fn urgent(shared: &Shared, most: usize, bps: u64) -> Result<bool, RoundError> {
    let waiting = shared.attestations.oldest::<AttestationBody>(most).await?;
    for item in waiting {
        let before = shared.index.smoothed(item.task_type_id, item.sink).await?;
        let Some(before) = before else { continue };
        if change_bps(smoothed(item.capacity, before), before) >= bps {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a batch is due.
async fn due(shared: &Shared, inbox: &Inbox) -> Result<Option<u64>, RoundError> {
    let config = &shared.config.verification;
    let now = shared.head.fresh()?.timestamp;
    let level = inbox.level().await?;
    let Some(oldest) = level.oldest else {
        return Ok(None);
    };
    let full = level.count >= config.batch as u64;
    let old = now.saturating_sub(oldest) >= config.max_wait;
    Ok((full || old).then_some(now))
}

async fn receipts(shared: Arc<Shared>) -> Round {
    if let Some(now) = due(&shared, &shared.receipts).await? {
        let batch = Receipts {
            suite: shared.suite.clone(),
            now,
        };
        let _: Report<TaskBody> = empty(
            &shared,
            &batch,
            &shared.receipts,
            shared.config.verification.batch,
        )
        .await?;
    }
    Ok(())
}

async fn assignments(shared: Arc<Shared>) -> Round {
    if let Some(now) = due(&shared, &shared.assignments).await? {
        let batch = Assignments {
            suite: shared.suite.clone(),
            now,
        };
        let _: Report<TaskBody> = empty(
            &shared,
            &batch,
            &shared.assignments,
            shared.config.verification.batch,
        )
        .await?;
    }
    Ok(())
}

/// Redeems what waits before the epoch ends: what counts in it is the last voucher of each pair.
async fn vouchers(shared: Arc<Shared>) -> Round {
    let config = &shared.config.verification;
    let now = shared.head.fresh()?.timestamp;
    let level = shared.vouchers.level().await?;
    let Some(oldest) = level.oldest else {
        return Ok(());
    };
    let left = EPOCH - now % EPOCH;
    // One that came too late for its epoch does not wait for the end of the next.
    let is_late = oldest / EPOCH < now / EPOCH;
    if left > config.vouchers_before && !is_late {
        return Ok(());
    }
    let batch = Vouchers {
        suite: shared.suite.clone(),
    };
    let _: Report<VoucherBody> = empty(&shared, &batch, &shared.vouchers, config.batch).await?;
    Ok(())
}

/// Has epochs judged, several at a time.
async fn epochs(shared: Arc<Shared>) -> Round {
    let config = &shared.config.verification;
    let now = shared.head.fresh()?.timestamp;
    let epoch = now / EPOCH;
    let mut pages = Vec::new();
    for (task_type, sinks, judged) in shared.index.judged().await? {
        // Epoch e is judged when e + 1 has begun.
        if judged + config.epochs >= epoch {
            continue;
        }
        for from in (0..sinks).step_by(usize::try_from(config.page).unwrap_or(usize::MAX)) {
            pages.push(Page {
                task_type,
                from,
                count: config.page,
                epoch: epoch / config.epochs * config.epochs,
            });
        }
    }
    send(
        &shared,
        &Epochs {
            suite: shared.suite.clone(),
        },
        pages,
    )
    .await
    .1
}

/// RebalanceEngine: what money says.
async fn units(shared: Arc<Shared>) -> Round {
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
async fn escrow(shared: Arc<Shared>) -> Round {
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
async fn prices(shared: Arc<Shared>) -> Round {
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
async fn notes(shared: Arc<Shared>) -> Round {
    let now = shared.head.fresh()?.timestamp;
    let streams = streams_by_work(&shared.database, now).await?;
    let batch = Notes {
        suite: shared.suite.clone(),
        every: shared.config.rebalance.notes_every,
    };
    send(&shared, &batch, streams).await.1
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// FAILURES 24.
    #[tokio::test]
    async fn a_worker_that_dies_is_named_and_started_again() {
        let health = Health::default();
        health.expect("oracle", PATIENCE);
        let (stop, stopped) = watch::channel(false);
        let count = Arc::new(AtomicUsize::new(0));
        let round = || {
            let (count, stop) = (Arc::clone(&count), stop.clone());
            async move {
                match count.fetch_add(1, Ordering::SeqCst) {
                    0 | 1 => panic!("a fault"),
                    2 => Err(ChainError::StaleHead { seconds: 5 }.into()),
                    _ => {
                        let _ = stop.send(true);
                        std::future::pending().await
                    }
                }
            }
        };
        let dying = rounds(&health, stopped, "oracle", Duration::from_millis(20), round);
        // The fourth round hangs, and the worker waits for it.
        let ended = tokio::time::timeout(Duration::from_secs(1), dying).await;
        assert!(ended.is_err());
        assert_eq!(count.load(Ordering::SeqCst), 4);
        let said = health.report()[0].error.clone().unwrap();
        assert!(said.contains("no new block for 5 s"), "{said}");
    }
}
