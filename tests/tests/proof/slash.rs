//! A sink that declares more than it does is slashed after three epochs, and is paid less from that block on.

use std::collections::BTreeSet;

use alloy::{
    primitives::{Address, B256, U256},
    sol,
    sol_types::SolValue as _,
};
use bpe_abi::{
    ICapacityRegistry::{CapacityClipped, ListenerFailed},
    ICompletionTracker::{self, ICompletionTrackerErrors},
    IStakeManager::{self, SlashRewarded, Slashed},
};
use bpe_tests::{
    economy::Factory,
    proof::{events, judged, slashed, Proof, REWARD},
    settlement::RATE,
    stage::{mined, revert, Superfluid},
    suite::{deploy, tokens, units, BURNT, CODE},
};

use crate::{cap, fee_units, ESCROW};

sol! {
    event MemberUnitsUpdated(address indexed token, address indexed member, uint128 oldUnits, uint128 newUnits);
}

/// Units of 100 of 300 units of capacity.
const THIRD: u128 = 333_333_333;

/// What is left of [`THIRD`] when 10 % of the stake are gone: `sqrt(0.9)` of it.
const CUT: u128 = 316_227_766;

#[tokio::test]
async fn an_over_reporting_sink_is_slashed_after_exactly_three_epochs() {
    over_report(Proof::start().await).await;
}

#[tokio::test]
async fn an_economy_of_the_factory_slashes_alike() {
    over_report(Factory::start().await.into_proof().await).await;
}

/// To say a balance takes a Super Token more gas than a slash once allowed it: all that was slashed waited for ever.
#[tokio::test]
async fn what_is_slashed_of_super_tokens_is_paid_at_once() {
    let superfluid = Superfluid::start().await;
    let (devnet, token) = (&superfluid.devnet, superfluid.usdcx());
    let (owner, sink) = (devnet.account(0), devnet.account(3));
    let arguments = (*token.address(), tokens(1), tokens(100), U256::ZERO, owner);
    let stakes = deploy(devnet, "stake-manager", arguments.abi_encode_params()).await;
    let stakes = IStakeManager::new(stakes, devnet.provider());
    mined(stakes.setSlasher(owner, true).send().await).await;
    mined(stakes.open().send().await).await;
    superfluid.fund(sink, 400).await;
    let approve = token.approve(*stakes.address(), tokens(400)).from(sink);
    mined(approve.send().await).await;
    mined(stakes.stake(tokens(400)).from(sink).send().await).await;
    let slash = stakes.slash(sink, tokens(40), B256::ZERO);
    mined(slash.send().await).await;
    assert_eq!(token.balanceOf(BURNT).call().await.unwrap(), tokens(40));
    let held = token.balanceOf(*stakes.address()).call().await.unwrap();
    assert_eq!(held, tokens(360));
    let waiting = stakes.unpaidSlashed().call().await.unwrap();
    assert_eq!(waiting, U256::ZERO);
}

async fn over_report(it: Proof) {
    let keys = [3, 4, 5].map(|index| it.signer(index));
    let [liar, honest, recovers] = keys.each_ref().map(|key| key.address());
    for key in &keys {
        it.sink(key, 100).await;
    }
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let source = it.signer(6);
    it.core.source(6, 1_000).await;
    it.core.stream(source.address(), CODE, RATE).await;
    it.measure(false).await;

    // A pool pays whole wei per unit and second.
    let old_total = 3 * THIRD + fee_units(3 * THIRD) + ESCROW;
    let old_rate = RATE / old_total;
    let base = &it.core.base;
    let treasury = base.token.balanceOf(BURNT).call().await.unwrap();
    let keeper = base.token.balanceOf(base.owner).call().await.unwrap();
    println!("epoch | completions | rate | misses | stake | units, of the liar");
    let mut last = None;
    for (index, recovery) in [40, 40, 50].into_iter().enumerate() {
        let epoch = it.epoch();
        for (key, count) in keys.iter().zip([40, 90, recovery]) {
            it.complete(key, &source, count).await;
            let counted = it.tracker.getCompletions(CODE, key.address()).call().await;
            assert_eq!(counted.unwrap(), U256::from(count));
        }
        // Not a second before the epoch has ended.
        let devnet = &it.core.base.devnet;
        devnet.set_timestamp(it.last_second()).unwrap();
        let early = it.tracker.advanceEpoch(CODE, liar).call().await;
        let expected = ICompletionTracker::EpochNotElapsed {};
        assert_eq!(
            revert::<ICompletionTrackerErrors, _>(early),
            ICompletionTrackerErrors::EpochNotElapsed(expected)
        );
        it.to_next_epoch();
        assert_eq!(it.stake(liar).await, tokens(10_000));
        assert_eq!(it.units(liar).await, THIRD);
        assert_eq!(it.flow_to(liar).await, THIRD * old_rate);

        let receipt = it.advance(liar).await;
        assert_eq!(judged(&receipt), [(liar, epoch, 4_000)]);
        println!(
            "{} | 40 | 40 % | {} | {} | {}",
            index + 1,
            it.bad_epochs(liar).await,
            it.stake(liar).await / tokens(1),
            it.units(liar).await
        );
        // The keeper's page: the liar's epoch is judged already.
        let page = it.tracker.advanceEpochs(CODE, U256::ZERO, U256::MAX);
        let others = mined(page.send().await).await;
        assert_eq!(
            judged(&others),
            [
                (honest, epoch, 9_000),
                (recovers, epoch, recovery as u64 * 100)
            ]
        );
        assert_eq!(slashed(&others), []);
        if index < 2 {
            assert_eq!(slashed(&receipt), []);
            assert_eq!(it.bad_epochs(liar).await, index as u64 + 1);
            assert_eq!(it.bad_epochs(recovers).await, index as u64 + 1);
        }
        last = Some(receipt);
    }

    // All in one transaction: the stake, the cap, the capacity, the units.
    let receipt = last.unwrap();
    println!("advanceEpoch with a slash: {} gas", receipt.gas_used);
    assert_eq!(slashed(&receipt), [(liar, tokens(1_000), 4_000)]);
    let taken = events::<Slashed>(&receipt);
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].sink, taken[0].amount), (liar, tokens(1_000)));
    let clipped = events::<CapacityClipped>(&receipt);
    assert_eq!(clipped.len(), 1);
    assert_eq!(
        (clipped[0].rawCapacity, clipped[0].smoothedCapacity),
        (cap(9_000), cap(9_000))
    );
    let written: Vec<(Address, u128, u128)> = events::<MemberUnitsUpdated>(&receipt)
        .into_iter()
        .map(|it| (it.member, it.oldUnits, it.newUnits))
        .collect();
    assert_eq!(written, [(liar, THIRD, CUT)]);
    assert!(events::<ListenerFailed>(&receipt).is_empty());
    assert_eq!(it.stake(liar).await, tokens(9_000));
    assert_eq!(it.capacity(liar).await, cap(9_000));
    assert_eq!(it.bad_epochs(liar).await, 0);
    let now = it.core.base.token.balanceOf(BURNT).call().await.unwrap();
    assert_eq!(now - treasury, tokens(1_000) - REWARD);
    // Who advanced first.
    let rewarded = events::<SlashRewarded>(&receipt);
    assert_eq!(rewarded.len(), 1);
    assert_eq!((rewarded[0].to, rewarded[0].amount), (base.owner, REWARD));
    let now = base.token.balanceOf(base.owner).call().await.unwrap();
    assert_eq!(now - keeper, REWARD);
    for (sink, capacity) in [(honest, 100), (recovers, 100)] {
        assert_eq!(it.stake(sink).await, tokens(10_000));
        assert_eq!(it.capacity(sink).await, units(capacity));
        assert_eq!(it.units(sink).await, THIRD);
        assert_eq!(it.bad_epochs(sink).await, 0);
    }

    // From that block on, of what the pool distributes.
    let new_total = old_total - THIRD + CUT;
    let new_rate = old_rate * old_total / new_total;
    let mut before = Vec::new();
    for (sink, units) in [(liar, CUT), (honest, THIRD), (recovers, THIRD)] {
        assert_eq!(it.flow_to(sink).await, units * new_rate);
        before.push((sink, units, it.core.worth(sink).await));
    }
    it.core.advance(3_600);
    for (sink, units, had) in before {
        let earned = it.core.worth(sink).await - had;
        assert_eq!(earned, units * new_rate * 3_600);
    }
    println!(
        "of the stream: {} wei/s before, {} after; the others {} and {}",
        THIRD * old_rate,
        CUT * new_rate,
        THIRD * old_rate,
        THIRD * new_rate
    );
}

#[tokio::test]
async fn too_little_gas_for_the_sync_reverts_the_slash_whole() {
    let it = Proof::start().await;
    let (idle, other) = (it.signer(3), it.signer(4));
    let (idle, _) = (it.sink(&idle, 100).await, it.sink(&other, 200).await);
    mined(it.core.pools.rebalance(CODE).send().await).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    it.measure(false).await;
    // Two are judged in time.
    it.to_next_epoch();
    it.to_next_epoch();
    it.advance(idle).await;
    assert_eq!(it.bad_epochs(idle).await, 2);
    it.to_next_epoch();

    // Whatever is brought, it is refused or done.
    let step = 50_000;
    let enough = |gas: u64| {
        // As whoever sends it later: the reward is part of the gas.
        let advance = it.tracker.advanceEpoch(CODE, idle);
        let call = advance.from(it.core.base.owner).gas(gas);
        async move { call.call().await }
    };
    let mut refusals = BTreeSet::new();
    let mut least = None;
    for gas in (100_000..5_000_000).step_by(step) {
        match enough(gas).await {
            Ok(_) => {
                least.get_or_insert(gas);
            }
            Err(error) => {
                assert_eq!(least, None, "more is enough, if less is");
                refusals.insert(match error.as_decoded_interface_error() {
                    Some(ICompletionTrackerErrors::InsufficientGas(_)) => "InsufficientGas",
                    Some(other) => panic!("{other:?}"),
                    None => "out of gas",
                });
            }
        }
    }
    let (mut high, mut low) = (least.expect("enough at last"), 100_000);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match enough(middle).await {
            Ok(_) => high = middle,
            Err(_) => low = middle,
        }
    }
    println!("a slash takes a gas limit of {high}; less is refused: {refusals:?}");
    assert!(refusals.contains("InsufficientGas"));

    // What is sent comes a second later, and the gas of a division depends on its numbers.
    let (high, low) = (high + 2_000, low - 2_000);
    for gas in [low, low - 100_000, low / 2, low / 4] {
        let snapshot = it.core.base.devnet.snapshot();
        let advance = it.tracker.advanceEpoch(CODE, idle).gas(gas);
        let sent = advance.send().await.unwrap();
        let receipt = sent.get_receipt().await.unwrap();
        assert!(!receipt.status(), "{gas}");
        assert_eq!(it.stake(idle).await, tokens(10_000));
        assert_eq!(it.bad_epochs(idle).await, 2);
        assert_eq!(it.capacity(idle).await, units(100));
        assert_eq!(it.units(idle).await, THIRD);
        assert!(it.core.base.devnet.revert(snapshot));
    }
    for gas in [high, high + 1, high + 10_000, high + 200_000, 10_000_000] {
        let snapshot = it.core.base.devnet.snapshot();
        let advance = it.tracker.advanceEpoch(CODE, idle).gas(gas);
        let receipt = mined(advance.send().await).await;
        assert!(events::<ListenerFailed>(&receipt).is_empty());
        assert_eq!(events::<MemberUnitsUpdated>(&receipt)[0].newUnits, CUT);
        assert_eq!(slashed(&receipt), [(idle, tokens(1_000), 0)]);
        assert_eq!(it.stake(idle).await, tokens(9_000));
        assert_eq!(it.bad_epochs(idle).await, 0);
        assert_eq!(it.capacity(idle).await, cap(9_000));
        assert_eq!(it.units(idle).await, CUT);
        assert!(it.core.base.devnet.revert(snapshot));
    }
}
