//! A stranger advances epochs for a day over the task types of relays, of Lightning nodes, of agents, and of whoever opened one
//! for itself; nobody has set a yardstick, and nobody loses a wei.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    sol_types::SolValue as _,
};
use bpe_abi::{
    ICompletionTracker::{
        self, EpochNotElapsed, ICompletionTrackerErrors, ICompletionTrackerInstance,
    },
    IStakeManager::Slashed,
};
use bpe_tests::{
    directory::Directory,
    domains::{
        lightning::{Lightning, LIGHTNING},
        relay::{Relays, KEYS},
    },
    proof::{events, judged, EPOCH, REWARD},
    settlement::Settlement,
    stage::{mined, revert},
    suite::{deploy, tokens, units, CODE},
};

use crate::openclaw::{OpenClaw, OPERATOR};

/// Epochs of a day.
const DAY: u64 = 288;
/// Nobody in particular.
const STRANGER: usize = 8;

/// CompletionTracker and Judge over a settlement core, with Judge as its slasher, as `bpe deploy` leaves them.
async fn tracker_of(core: &Settlement) -> ICompletionTrackerInstance<DynProvider> {
    let base = &core.base;
    let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
    let arguments = (registry, stakes, base.owner).abi_encode_params();
    let tracker = deploy(&base.devnet, "completion-tracker", arguments).await;
    let ledger = *core.ledger.address();
    let arguments = (tracker, registry, stakes, REWARD, ledger).abi_encode_params();
    let judge = deploy(&base.devnet, "judge", arguments).await;
    mined(base.stakes.setSlasher(judge, true).send().await).await;
    let tracker = ICompletionTracker::new(tracker, base.provider.clone());
    mined(tracker.setJudge(judge).send().await).await;
    tracker
}

/// The stranger has every sink of `ids` judged in each epoch of a day. `sinks` lose nothing, and there is nothing to judge.
async fn stranger_for_a_day(
    core: &Settlement,
    tracker: &ICompletionTrackerInstance<DynProvider>,
    ids: &[B256],
    sinks: &[Address],
) {
    let (base, stranger) = (&core.base, core.base.devnet.account(STRANGER));
    let mut before = Vec::new();
    for sink in sinks {
        let stake = base.stakes.getStake(*sink).call().await.unwrap();
        assert!(stake > U256::ZERO);
        before.push(stake);
    }
    for id in ids {
        let count = base.registry.getTaskType(*id).call().await.unwrap();
        assert_eq!(count.sinkCount, U256::from(sinks.len()), "all serve {id}");
    }
    for _ in 0..DAY {
        let next = (base.devnet.timestamp() / EPOCH + 1) * EPOCH;
        base.devnet.set_timestamp(next).unwrap();
        for id in ids {
            let page = tracker.advanceEpochs(*id, U256::ZERO, U256::MAX);
            let receipt = mined(page.from(stranger).send().await).await;
            assert_eq!(judged(&receipt), []);
            assert!(events::<Slashed>(&receipt).is_empty());
        }
    }
    for (sink, before) in sinks.iter().zip(before) {
        let stake = base.stakes.getStake(*sink).call().await.unwrap();
        assert_eq!(stake, before, "{sink}");
        for id in ids {
            let early = tracker.advanceEpoch(*id, *sink).from(stranger).call().await;
            let error: ICompletionTrackerErrors = revert(early);
            let expected = ICompletionTrackerErrors::EpochNotElapsed(EpochNotElapsed {});
            assert_eq!(error, expected);
        }
    }
}

#[tokio::test]
async fn relays_lose_nothing() {
    let it = Relays::start().await;
    let tracker = tracker_of(&it.core).await;
    let mut operators = Vec::new();
    for (index, key) in [(3, KEYS[0]), (4, KEYS[1])] {
        let signer = it.signer(index);
        it.relay(&signer, key, 10, 30).await;
        for pool in 0..3 {
            it.join(signer.address(), pool, key).await;
        }
        operators.push(signer.address());
    }
    let ids = it.types.map(|(_, id)| id);
    stranger_for_a_day(&it.core, &tracker, &ids, &operators).await;
}

#[tokio::test]
async fn lightning_nodes_lose_nothing() {
    let it = Lightning::start().await;
    let tracker = tracker_of(&it.core).await;
    let signers = [3, 4].map(|index| it.signer(index));
    let mut batch = Vec::new();
    for signer in &signers {
        it.register(signer).await;
        batch.push(it.attestation(signer, 60_000_000, 0, 1));
    }
    it.submit(batch).await;
    for signer in &signers {
        it.join(signer).await;
    }
    let operators = signers.map(|signer| signer.address());
    stranger_for_a_day(&it.core, &tracker, &[LIGHTNING], &operators).await;
}

/// With the verifier of executions set, which takes notice and sets no yardstick.
#[tokio::test]
async fn agents_lose_nothing() {
    let it = OpenClaw::start().await;
    it.agent(10).await;
    let operator = it.account(OPERATOR);
    stranger_for_a_day(&it.proof.core, &it.proof.tracker, &[CODE], &[operator]).await;
}

#[tokio::test]
async fn sinks_of_a_strangers_task_type_lose_nothing() {
    let it = Directory::start().await;
    let (base, tracker) = (&it.it.core.base, &it.it.tracker);
    let creator = base.staked(0x31, 100).await;
    let id = it.register(creator, "translation").await;
    let mut sinks = Vec::new();
    for number in [0x32, 0x33] {
        let sink = base.staked(number, 100).await;
        let join = base.registry.registerSink(id, units(10)).from(sink);
        mined(join.send().await).await;
        sinks.push(sink);
    }
    // The creator cannot have anybody judged either: yardsticks are the owner's.
    let yardstick = tracker.setYardstick(id, tokens(1), 1).from(creator);
    assert!(yardstick.call().await.is_err());
    stranger_for_a_day(&it.it.core, tracker, &[id], &sinks).await;
}
