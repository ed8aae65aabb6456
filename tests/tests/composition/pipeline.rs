//! Stages in a row on real Superfluid: what comes later limits what is paid before.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
};
use bpe_abi::IPipeline::{self, IPipelineErrors, IPipelineInstance, PipelineRebalanced};
use bpe_tests::{
    economy::{Factory, PIPELINE},
    proof::{events, Proof},
    settlement::RATE,
    stage::{mined, revert},
    suite::{tokens, units, CODE, UNIT},
};

use crate::{flow, paid, register, serve, HOUR};

/// Drafts become code, code is reviewed.
const DRAFT: B256 = B256::repeat_byte(0xd0);
const REVIEW: B256 = B256::repeat_byte(0xe0);

/// Phases of the circuit breaker.
const STEADY: u8 = 0;
const RECOVERY: u8 = 3;
const COLLAPSE: u8 = 4;

/// Three stages of 100 units each, and a stream into the first.
struct Stages {
    it: Proof,
    pipeline: IPipelineInstance<DynProvider>,
    id: B256,
    /// Of 30 and 70 units.
    drafting: [Address; 2],
    coding: Address,
    /// Of 50 units each.
    reviewing: [Address; 2],
}

impl Stages {
    async fn start() -> Self {
        let factory = Factory::start().await;
        let stages = [DRAFT, CODE, REVIEW];
        let (it, economy) = factory.into_economy(PIPELINE, &stages).await;
        let provider = it.core.base.provider.clone();
        let drafting = [
            serve(&it, 0x31, DRAFT, 30).await,
            serve(&it, 0x32, DRAFT, 70).await,
        ];
        let coding = serve(&it, 0x33, CODE, 100).await;
        let reviewing = [
            serve(&it, 0x34, REVIEW, 50).await,
            serve(&it, 0x35, REVIEW, 50).await,
        ];
        for stage in stages {
            mined(it.core.pools.rebalance(stage).send().await).await;
        }
        let source = it.core.source(6, 10_000).await;
        it.core.stream(source, DRAFT, RATE).await;
        it.core.stream(source, REVIEW, RATE).await;
        Self {
            pipeline: IPipeline::new(economy.pipeline, provider),
            id: economy.economyId,
            it,
            drafting,
            coding,
            reviewing,
        }
    }

    async fn rebalance(&self) -> Vec<U256> {
        let rebalance = self.pipeline.rebalancePipeline(self.id);
        let receipt = mined(rebalance.send().await).await;
        println!("rebalancePipeline of 3 stages: {} gas", receipt.gas_used);
        let rebalanced = events::<PipelineRebalanced>(&receipt);
        rebalanced[0].effectiveCapacities.clone()
    }

    /// What the drafting sinks get, in wei per second.
    async fn drafting(&self) -> [u128; 2] {
        let [small, large] = self.drafting;
        [
            flow(&self.it, DRAFT, small).await,
            flow(&self.it, DRAFT, large).await,
        ]
    }

    async fn escrowed(&self) -> u128 {
        let escrow = *self.it.core.escrow.address();
        flow(&self.it, DRAFT, escrow).await
    }

    async fn check(&self, stage: u64, throughput: U256) -> (u8, bool) {
        let check = self
            .pipeline
            .checkCircuitBreaker(self.id, U256::from(stage), throughput);
        let receipt = mined(check.send().await).await;
        println!("checkCircuitBreaker: {} gas", receipt.gas_used);
        let breaker = self.pipeline.getCircuitBreaker(self.id, U256::from(stage));
        let breaker = breaker.call().await.unwrap();
        (breaker.phase, breaker.decoupled)
    }
}

/// Equal, but for the wei per unit that a pool rounds off.
fn assert_near(rate: u128, expected: u128) {
    assert!(
        rate.abs_diff(expected) <= expected / 100_000,
        "{rate}, {expected}"
    );
}

#[tokio::test]
async fn a_last_stage_that_shrinks_to_half_halves_the_pay_of_the_first() {
    let stages = Stages::start().await;
    let (it, escrow) = (&stages.it, *stages.it.core.escrow.address());
    assert_eq!(stages.rebalance().await, [units(100); 3]);
    let whole = stages.drafting().await;
    println!(
        "first stage before: {whole:?} wei/s, escrow {}",
        stages.escrowed().await
    );
    assert_near(whole[1], whole[0] / 3 * 7);

    // Half of the reviewers leave. Nobody is paid less before the next rebalance.
    let registry = &it.core.base.registry;
    let leave = registry.deregisterSink(REVIEW).from(stages.reviewing[1]);
    mined(leave.send().await).await;
    assert_eq!(stages.drafting().await, whole);
    assert_eq!(stages.rebalance().await, [units(50); 3]);
    let half = stages.drafting().await;
    let waiting = stages.escrowed().await;
    println!("first stage at half: {half:?} wei/s, escrow {waiting}");
    for (now, before) in half.into_iter().zip(whole) {
        assert_near(now, before / 2);
    }
    assert_near(waiting, (whole[0] + whole[1]) / 2);

    // Seconds are money: to the wei, at these rates.
    let before = [
        paid(it, DRAFT, stages.drafting[0]).await,
        paid(it, DRAFT, stages.drafting[1]).await,
        paid(it, DRAFT, escrow).await,
    ];
    it.core.advance(HOUR);
    for (index, member) in stages.drafting.into_iter().chain([escrow]).enumerate() {
        let rate = [half[0], half[1], waiting][index];
        let after = paid(it, DRAFT, member).await;
        assert_eq!(after - before[index], rate * u128::from(HOUR));
    }
    let sync = it.core.escrow.sync(DRAFT);
    mined(sync.send().await).await;
    let level = it.core.escrow.bufferLevel(DRAFT).call().await.unwrap();
    // Shares of sources round down.
    assert!(level + U256::from(1) >= U256::from(waiting * u128::from(HOUR)));

    // It comes back with recovery, and what has waited is paid.
    let base = &it.core.base;
    base.equip(stages.reviewing[1], 2_500).await;
    let stake = base.stakes.stake(tokens(2_500)).from(stages.reviewing[1]);
    mined(stake.send().await).await;
    register(it, stages.reviewing[1], REVIEW, 50).await;
    assert_eq!(stages.rebalance().await, [units(100); 3]);
    for (now, before) in stages.drafting().await.into_iter().zip(whole) {
        assert_near(now, before);
    }
    // What overflowed because of a limit waits for an hour more: a limit lifted for a moment frees nothing.
    mined(it.core.escrow.drain_0(DRAFT).send().await).await;
    assert!(it.core.escrow.drain_0(DRAFT).call().await.is_err());
    assert_eq!(
        it.core.escrow.bufferLevel(DRAFT).call().await.unwrap(),
        level
    );
    it.core.advance(HOUR);
    let superfluid = &it.core.superfluid;
    let before = superfluid.available(stages.drafting[0]).await;
    mined(it.core.escrow.drain_0(DRAFT).send().await).await;
    let drained = superfluid.available(stages.drafting[0]).await - before;
    let rest = it.core.escrow.bufferLevel(DRAFT).call().await.unwrap();
    println!("escrow of the first stage: {level} wei, {rest} after the drain");
    // A billionth of the stream goes into the escrow at any time.
    assert!(rest < level / U256::from(100_000_000));
    // It has 30 of 100 units, and came some seconds earlier; the fee was taken when it streamed in.
    let part = level * U256::from(3) / U256::from(10);
    assert!(drained.into_raw().abs_diff(part) < part / U256::from(200));
}

#[tokio::test]
async fn a_stage_that_delivers_nothing_is_cut_off_until_its_trial() {
    let stages = Stages::start().await;
    let (it, id) = (&stages.it, stages.id);
    let owner = it.core.base.owner;
    let refused = stages
        .pipeline
        .checkCircuitBreaker(id, U256::from(2), U256::ZERO);
    assert!(refused.call().await.is_err(), "reporters only");
    mined(stages.pipeline.setReporter(owner, true).send().await).await;
    stages.rebalance().await;
    let whole = stages.drafting().await;
    let reviewer = flow(it, REVIEW, stages.reviewing[0]).await;

    // What the tracker counted in an epoch: 90 tasks of a unit each, of 100.
    let healthy = U256::from(90 * UNIT);
    assert_eq!(stages.check(2, healthy).await, (STEADY, false));
    let counted = it.tracker.getCompletions(REVIEW, stages.reviewing[0]);
    let counted = counted.call().await.unwrap();
    assert_eq!(stages.check(2, counted).await, (COLLAPSE, true));
    let caps = stages.pipeline.getEffectiveCapacities(id).call().await;
    assert_eq!(caps.unwrap(), [U256::ZERO, U256::ZERO, units(100)]);
    // Next to nothing is paid: 0.2 %, so that the rest does not round off.
    let next_to_nothing = |now: [u128; 2]| (now[0] + now[1]) * 500 < whole[0] + whole[1];
    let leak = stages.drafting().await;
    let waiting = stages.escrowed().await;
    println!("first stage cut off: {leak:?} wei/s, escrow {waiting}");
    assert!(next_to_nothing(leak));
    assert!(waiting + waiting / 200 > whole[0] + whole[1]);
    let own = flow(it, REVIEW, stages.reviewing[0]).await;
    assert_eq!(own, reviewer, "its own pay is the tracker's business");

    // Cut off, it has no throughput to show; after 900 s it is tried all the same.
    it.core.advance(600);
    assert_eq!(stages.check(2, U256::ZERO).await, (COLLAPSE, true));
    it.core.advance(301);
    assert_eq!(stages.check(2, U256::ZERO).await, (RECOVERY, false));
    // But for what rounded off when there were many units: Superfluid counts anew when a stream changes.
    let near_whole = |now: [u128; 2]| (now[0] + now[1]) * 1_000 > (whole[0] + whole[1]) * 997;
    assert!(near_whole(stages.drafting().await));
    it.core.advance(301);
    assert_eq!(stages.check(2, healthy).await, (STEADY, false));

    // Closed, nothing limits anybody, and the stages are free.
    assert_eq!(stages.check(2, U256::ZERO).await, (COLLAPSE, true));
    assert!(next_to_nothing(stages.drafting().await));
    mined(stages.pipeline.closePipeline(id).send().await).await;
    assert!(near_whole(stages.drafting().await));
    let other = B256::repeat_byte(7);
    let create = stages.pipeline.createPipeline(other, vec![CODE, REVIEW]);
    mined(create.send().await).await;
    let units_of_coder = it.core.pools.getMemberUnits(CODE, stages.coding);
    assert!(units_of_coder.call().await.unwrap() > 0);
}

/// As in the Solidity deployment, nobody has to be the owner for it: but each stage has to be one's own.
#[tokio::test]
async fn who_created_the_task_types_makes_a_pipeline_of_them() {
    let stages = Stages::start().await;
    let (it, id) = (&stages.it, B256::repeat_byte(8));
    let creator = it.core.base.devnet.account(7);
    let (registry, pools) = (&it.core.base.registry, &it.core.pools);
    let own = [0xa1, 0xa2].map(B256::repeat_byte);
    for stage in own {
        it.core.base.bond(creator).await;
        let register = registry.registerTaskType(stage, U256::ZERO);
        mined(register.from(creator).send().await).await;
        mined(pools.createPool(stage).from(creator).send().await).await;
        assert_eq!(registry.getCreator(stage).call().await.unwrap(), creator);
    }
    // Who had the factory make an economy created its task types, not the factory.
    let founder = registry.getCreator(CODE).call().await.unwrap();
    assert_eq!(founder, it.core.base.owner);

    let foreign = vec![own[0], CODE];
    let create = stages.pipeline.createPipeline(id, foreign).from(creator);
    let refused: IPipelineErrors = revert(create.call().await);
    let expected = IPipeline::NotTaskTypeCreator {
        taskTypeId: CODE,
        caller: creator,
    };
    assert_eq!(refused, IPipelineErrors::NotTaskTypeCreator(expected));

    let create = stages.pipeline.createPipeline(id, own.to_vec());
    mined(create.from(creator).send().await).await;
    serve(it, 0x41, own[0], 20).await;
    serve(it, 0x42, own[1], 10).await;
    let rebalance = stages.pipeline.rebalancePipeline(id);
    mined(rebalance.from(creator).send().await).await;
    let limit = pools.getEffectiveCapacity(own[0]).call().await.unwrap();
    assert_eq!(limit, units(10));
}
