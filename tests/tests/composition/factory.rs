//! An economy in one transaction, its caller's, and nobody else's.

use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider,
    sol,
};
use bpe_abi::ICompletionTracker::ICompletionTrackerErrors;
use bpe_abi::IEconomyFactory::{
    self, EconomyConfig, EconomyDeployed, EconomyDeployment, IEconomyFactoryErrors,
};
use bpe_tests::{
    economy::{Factory, COOPERATIVE, GUILD, MARKETPLACE, PIPELINE},
    proof::events,
    stage::{mined, revert},
    suite::{tokens, units, CODE},
};

const CHAT: B256 = B256::repeat_byte(0xca);

sol! {
    #[sol(rpc)]
    interface IOwned {
        function owner() external view returns (address);
        function pendingOwner() external view returns (address);
        function handOver(address newOwner) external;
        function stylus_constructor() external;
    }

    #[sol(rpc)]
    interface IHost {
        function isApp(address app) external view returns (bool);
        function isAppJailed(address app) external view returns (bool);
    }
}

/// The contracts of an economy that have owners.
async fn owned(it: &Factory, economy: &EconomyDeployment) -> Vec<Address> {
    let parts = it
        .contract
        .getParts(economy.economyId)
        .call()
        .await
        .unwrap();
    let mut all = vec![
        economy.stakeManager,
        economy.capacityRegistry,
        economy.backpressurePool,
        economy.escrowBuffer,
        economy.pricingCurve,
        parts.workLedger,
        parts.completionTracker,
        parts.offchainAggregator,
    ];
    if !economy.pipeline.is_zero() {
        all.push(economy.pipeline);
    }
    all
}

async fn refused(it: &Factory, caller: Address, config: EconomyConfig) -> IEconomyFactoryErrors {
    let deploy = it.contract.deployEconomy_0(config).from(caller);
    revert(deploy.call().await)
}

#[tokio::test]
async fn an_economy_is_its_callers() {
    let it = Factory::start().await;
    let (base, core) = (&it.model.core.base, &it.model.core);
    let (founder, provider) = (base.devnet.account(7), &base.provider);
    let config = EconomyConfig {
        bufferMax: tokens(5),
        verificationBudgetBps: U256::from(250),
        ..Factory::config(PIPELINE, &[CODE, CHAT])
    };
    let (economy, receipt) = it.make(founder, config).await;
    println!("deployEconomy(pipeline of 2): {} gas", receipt.gas_used);
    let deployed = &events::<EconomyDeployed>(&receipt)[0];
    let expected = EconomyDeployed {
        economyId: economy.economyId,
        template: PIPELINE,
        owner: founder,
        stakeManager: economy.stakeManager,
        capacityRegistry: economy.capacityRegistry,
        backpressurePool: economy.backpressurePool,
    };
    assert_eq!(deployed, &expected);
    assert_eq!(economy.owner, founder);
    for contract in owned(&it, &economy).await {
        let code = provider.get_code_at(contract).await.unwrap();
        assert_eq!(code.len(), 45, "a minimal proxy");
        let contract = IOwned::new(contract, provider);
        assert_eq!(contract.owner().call().await.unwrap(), founder);
        let pending = contract.pendingOwner().call().await.unwrap();
        assert_eq!(pending, Address::ZERO);
        // Neither the factory's owner nor the founder hands it over again at once, and nobody constructs it again.
        for caller in [base.owner, founder] {
            let again = contract.handOver(base.owner).from(caller);
            assert!(again.call().await.is_err());
            let again = contract.stylus_constructor().from(caller);
            assert!(again.call().await.is_err());
        }
    }

    // Wired, and not to the contracts that it was cloned from.
    let parts = it.contract.getParts(economy.economyId).call().await;
    let parts = parts.unwrap();
    let stakes = bpe_abi::IStakeManager::new(economy.stakeManager, provider);
    let registry = bpe_abi::ICapacityRegistry::new(economy.capacityRegistry, provider);
    let pools = bpe_abi::IBackpressurePool::new(economy.backpressurePool, provider);
    let escrow = bpe_abi::IEscrowBuffer::new(economy.escrowBuffer, provider);
    let pricing = bpe_abi::IPricingCurve::new(economy.pricingCurve, provider);
    let tracker = bpe_abi::ICompletionTracker::new(parts.completionTracker, provider);
    let pipeline = bpe_abi::IPipeline::new(economy.pipeline, provider);
    let authorized = stakes.authorizedRegistries(economy.capacityRegistry);
    assert!(authorized.call().await.unwrap());
    let slasher = stakes.authorizedSlashers(parts.judge);
    assert!(slasher.call().await.unwrap());
    assert!(stakes.opened().call().await.unwrap(), "powers need notice");
    let slasher = stakes.authorizedSlashers(base.owner).call().await;
    assert!(!slasher.unwrap(), "the model's slasher is none of theirs");
    assert_eq!(stakes.minSinkStake().call().await.unwrap(), tokens(100));
    let aggregator = registry.authorizedAggregator().call().await.unwrap();
    assert_eq!(aggregator, parts.offchainAggregator);
    let directory = registry.serviceDirectory().call().await.unwrap();
    assert_eq!(directory, parts.serviceDirectory);
    let directory = pricing.serviceDirectory().call().await.unwrap();
    assert_eq!(directory, parts.serviceDirectory);
    let pool = registry.pool().call().await.unwrap();
    assert_eq!(pool, economy.backpressurePool);
    let tracked = tracker.stakeManager().call().await.unwrap();
    assert_eq!(tracked, economy.stakeManager);
    let judge = tracker.judge().call().await.unwrap();
    assert_eq!(judge, parts.judge);
    let judge = bpe_abi::IJudge::new(judge, provider);
    let links = judge.getLinks().call().await.unwrap();
    assert_eq!(links.completionTracker, parts.completionTracker);
    assert_eq!(links.workLedger, parts.workLedger);
    let ledger = bpe_abi::IWorkLedger::new(parts.workLedger, provider);
    let misses = ledger.workMisses().call().await.unwrap();
    assert_eq!(misses, parts.workMisses);
    let reward = judge.reward().call().await.unwrap();
    assert_eq!(reward, tokens(100) >> 10);
    let priced = pricing.escrowBuffer().call().await.unwrap();
    assert_eq!(priced, economy.escrowBuffer);
    for id in [CODE, CHAT] {
        let (ours, theirs) = (pools.getPool(id), core.pools.getPool(id));
        let ours = ours.call().await.unwrap();
        assert_ne!(ours, Address::ZERO);
        assert_ne!(ours, theirs.call().await.unwrap());
        let max = escrow.bufferMax(id).call().await.unwrap();
        assert_eq!(max, tokens(5));
        let budget = pools.getVerificationBudget(id).call().await.unwrap();
        assert_eq!(budget, U256::from(250));
    }
    let stages = pipeline.getPipeline(economy.economyId).call().await;
    assert_eq!(stages.unwrap().stages, [CODE, CHAT]);
    mined(pipeline.rebalancePipeline(economy.economyId).send().await).await;
    let host = IHost::new(core.superfluid.addresses.host, provider);
    for part in [parts.streamGateway, parts.workLedger, parts.overflowMeter] {
        // There is nothing that Superfluid calls, and could jail.
        assert!(!host.isApp(part).call().await.unwrap());
    }
    let ledger = bpe_abi::IWorkLedger::new(parts.workLedger, provider);
    assert_eq!(
        ledger.overflowMeter().call().await.unwrap(),
        parts.overflowMeter
    );
    let noted = escrow.workLedger().call().await.unwrap();
    assert_eq!(noted, parts.workLedger);
}

/// The reference's: who asks twice has two.
#[tokio::test]
async fn one_configuration_is_deployed_as_often_as_asked() {
    let it = Factory::start().await;
    let base = &it.model.core.base;
    let (founder, other) = (base.devnet.account(7), base.devnet.account(8));
    let wish = || Factory::config(MARKETPLACE, &[CODE]);
    let (first, _) = it.make(founder, wish()).await;
    let (second, _) = it.make(founder, wish()).await;
    let (others, _) = it.make(other, wish()).await;
    // With a salt of its own choice it is at a known place, so once.
    let salt = B256::repeat_byte(1);
    let another = || {
        let deploy = it.contract.deployEconomy_1(wish(), salt);
        deploy.from(founder)
    };
    mined(another().send().await).await;
    let exists = IEconomyFactory::EconomyAlreadyExists {};
    let again: IEconomyFactoryErrors = revert(another().call().await);
    assert_eq!(again, IEconomyFactoryErrors::EconomyAlreadyExists(exists));
    let (last, _) = it.make(founder, wish()).await;
    let ids = it.contract.getEconomiesByOwner(founder).call().await;
    let ids = ids.unwrap();
    assert_eq!(ids.len(), 4);
    assert_eq!(
        [ids[0], ids[1], ids[3]],
        [first.economyId, second.economyId, last.economyId]
    );
    let count = it.contract.economyCount().call().await.unwrap();
    assert_eq!(count, U256::from(5));
    let mut contracts = Vec::new();
    for economy in [&first, &second, &others, &last] {
        assert_eq!(economy.pipeline, Address::ZERO);
        contracts.push(economy.stakeManager);
        contracts.extend(owned(&it, economy).await);
    }
    let all = contracts.len();
    contracts.sort();
    contracts.dedup();
    assert_eq!(
        contracts.len(),
        all - 4,
        "each its own, StakeManager twice in the list"
    );
}

/// Marketplace: anyone with the stake, paid by capacity, at a price that follows demand.
#[tokio::test]
async fn a_marketplace_pays_by_capacity_and_has_a_price() {
    let it = Factory::start().await;
    let (it, _) = it.into_economy(MARKETPLACE, &[CODE]).await;
    let (small, large) = (it.signer(3), it.signer(4));
    it.sink(&small, 10).await;
    it.sink(&large, 30).await;
    let pools = &it.core.pools;
    mined(pools.rebalance(CODE).send().await).await;
    assert_eq!(it.units(small.address()).await, 250_000_000);
    assert_eq!(it.units(large.address()).await, 750_000_000);
    let weighting = pools.getWeighting(CODE).call().await.unwrap();
    assert_eq!(weighting, U256::ZERO);
    let fee = it.pricing.getBaseFee(CODE).call().await.unwrap();
    assert_eq!(fee, U256::from(10).pow(U256::from(15)));
    let price = it.pricing.getPrice(CODE, small.address());
    assert_eq!(price.call().await.unwrap(), fee, "nobody is busy");
}

/// Cooperative: the same for all, renewed by anyone when sinks come.
#[tokio::test]
async fn a_cooperative_pays_all_the_same_and_anyone_renews_the_shares() {
    let factory = Factory::start().await;
    let contract = factory.contract.clone();
    let (it, economy) = factory.into_economy(COOPERATIVE, &[CODE, CHAT]).await;
    let pools = &it.core.pools;
    for id in [CODE, CHAT] {
        let weighting = pools.getWeighting(id).call().await.unwrap();
        assert_eq!(weighting, U256::from(2));
    }
    let renew = || async {
        let anyone = it.signer(8).address();
        let renew = contract.renewShares(economy.economyId, CODE, U256::ZERO, U256::MAX);
        let receipt = mined(renew.from(anyone).send().await).await;
        println!("renewShares: {} gas", receipt.gas_used);
    };
    let (small, large, late) = (it.signer(3), it.signer(4), it.signer(5));
    it.sink(&small, 10).await;
    it.sink(&large, 100).await;
    renew().await;
    assert_eq!(it.units(small.address()).await, 500_000_000);
    assert_eq!(it.units(large.address()).await, 500_000_000);
    // One that comes is paid from the renewal on.
    it.sink(&late, 40).await;
    assert_eq!(it.units(late.address()).await, 0);
    renew().await;
    for sink in [&small, &large, &late] {
        assert_eq!(it.units(sink.address()).await, 333_333_333);
    }
    // In pages: each gets its share of all, whoever is in the page.
    for from in 0..3_u64 {
        let one = U256::from(1);
        let page = contract.renewShares(economy.economyId, CODE, U256::from(from), one);
        mined(page.send().await).await;
    }
    for sink in [&small, &large, &late] {
        assert_eq!(it.units(sink.address()).await, 333_333_333);
    }
    // What one does not do with its capacity: it gets no more by declaring more, and leaves without anybody's call.
    let leave = it.core.base.registry.deregisterSink(CODE);
    mined(leave.from(large.address()).send().await).await;
    assert_eq!(it.units(large.address()).await, 0);
    assert_eq!(it.units(small.address()).await, 333_333_333);
    renew().await;
    assert_eq!(it.units(small.address()).await, 500_000_000);
    // Nobody else submits shares, the aggregator included.
    let submitter = pools.shareSubmitter().call().await.unwrap();
    assert_eq!(submitter, *contract.address());
    let nobody = contract.renewShares(economy.economyId, CHAT, U256::ZERO, U256::MAX);
    use bpe_abi::IBackpressurePool::IBackpressurePoolErrors as PoolError;
    let said: PoolError = revert(nobody.call().await);
    assert!(matches!(said, PoolError::NoShares(_)));
}

#[tokio::test]
async fn only_cooperatives_have_shares_to_renew() {
    let it = Factory::start().await;
    let founder = it.model.core.base.devnet.account(7);
    for template in [MARKETPLACE, PIPELINE, GUILD] {
        let (economy, _) = it
            .make(founder, Factory::config(template, &[CODE, CHAT]))
            .await;
        let id = economy.economyId;
        let renew = it.contract.renewShares(id, CODE, U256::ZERO, U256::MAX);
        let said: IEconomyFactoryErrors = revert(renew.call().await);
        let IEconomyFactoryErrors::NotACooperative(refused) = said else {
            panic!("{said:?}")
        };
        assert_eq!(refused.economyId, id);
        let ledger = it.contract.getReputationLedger(id).call().await.unwrap();
        assert_eq!(ledger.is_zero(), template != GUILD);
    }
}

/// Guild: who has no reputation is no sink, however much it stakes.
#[tokio::test]
async fn a_guild_admits_by_reputation() {
    let factory = Factory::start().await;
    let (contract, provider) = (
        factory.contract.clone(),
        factory.model.core.base.provider.clone(),
    );
    let (it, economy) = factory.into_economy(GUILD, &[CODE]).await;
    let base = &it.core.base;
    let ledger = contract.getReputationLedger(economy.economyId);
    let ledger = bpe_abi::IReputationLedger::new(ledger.call().await.unwrap(), provider);
    let sink = it.signer(3).address();
    base.equip(sink, 10_000).await;
    mined(base.stakes.stake(tokens(10_000)).from(sink).send().await).await;
    let register = || base.registry.registerSink(CODE, units(10)).from(sink);
    use bpe_abi::IStakeManager::IStakeManagerErrors as StakeError;
    let refusal = || async {
        match revert::<StakeError, _>(register().call().await) {
            StakeError::NotAdmitted(it) => (it.sink, it.reputation, it.required),
            other => panic!("{other:?}"),
        }
    };
    let thousand = U256::from(1_000);
    assert_eq!(refusal().await, (sink, U256::ZERO, thousand));
    // Not by itself, nor by anybody but whom the founder lets record.
    let own = ledger.recordPositive(sink, economy.economyId, thousand);
    assert!(own.clone().from(sink).call().await.is_err());
    let nearly = ledger.recordPositive(sink, economy.economyId, U256::from(998));
    mined(nearly.send().await).await;
    assert_eq!(refusal().await, (sink, U256::from(998), thousand));
    let rest = ledger.recordPositive(sink, economy.economyId, U256::from(2));
    mined(rest.send().await).await;
    mined(register().send().await).await;
    mined(it.core.pools.rebalance(CODE).send().await).await;
    assert_eq!(it.units(sink).await, 1_000_000_000);
    // Who has lost it and left does not come back.
    let bad = ledger.recordNegative(sink, economy.economyId, U256::from(1));
    mined(bad.send().await).await;
    let leave = base.registry.deregisterSink(CODE).from(sink);
    mined(leave.send().await).await;
    assert_eq!(refusal().await, (sink, U256::from(996), thousand));
}

#[tokio::test]
async fn what_cannot_be_an_economy_is_refused_and_leaves_nothing() {
    let it = Factory::start().await;
    let founder = it.model.core.base.devnet.account(7);
    use IEconomyFactoryErrors as Refusal;
    let none = refused(&it, founder, Factory::config(MARKETPLACE, &[])).await;
    assert!(matches!(none, Refusal::NoTaskTypes(_)));
    let one = refused(&it, founder, Factory::config(PIPELINE, &[CODE])).await;
    assert!(matches!(one, Refusal::PipelineRequiresMultipleStages(_)));
    let unknown = refused(&it, founder, Factory::config(4, &[CODE])).await;
    assert!(matches!(unknown, Refusal::UnknownTemplate(it) if it.template == 4));
    let many: Vec<B256> = (0..17).map(B256::repeat_byte).collect();
    let many = refused(&it, founder, Factory::config(MARKETPLACE, &many)).await;
    assert!(matches!(many, Refusal::TooManyTaskTypes(it) if it.length == U256::from(17)));
    // What a contract of the economy refuses is said by it, and all is undone.
    let budget = EconomyConfig {
        verificationBudgetBps: U256::from(10_001),
        ..Factory::config(MARKETPLACE, &[CODE])
    };
    let deploy = it.contract.deployEconomy_0(budget).from(founder);
    let said: bpe_abi::IBackpressurePool::IBackpressurePoolErrors = revert(deploy.call().await);
    use bpe_abi::IBackpressurePool::IBackpressurePoolErrors::BudgetExceedsBps;
    assert!(matches!(said, BudgetExceedsBps(_)));
    let unknown = it.contract.getEconomy(B256::ZERO).call().await;
    let unknown: Refusal = revert(unknown);
    assert!(matches!(unknown, Refusal::EconomyDoesNotExist(_)));
    let unknown: Refusal = revert(it.contract.getParts(B256::ZERO).call().await);
    assert!(matches!(unknown, Refusal::EconomyDoesNotExist(_)));
    let count = it.contract.economyCount().call().await.unwrap();
    assert_eq!(count, U256::ZERO);
}

/// A clone is a contract of its own: what was signed for the tracker that it is a clone of counts nowhere else.
#[tokio::test]
async fn what_was_signed_for_one_economy_is_worth_nothing_in_another() {
    let it = Factory::start().await;
    let owner = it.model.core.base.owner;
    let (worker, client) = (it.model.signer(3), it.model.signer(6));
    let sink = it.model.sink(&worker, 100).await;
    let receipt = it.model.receipt(&worker, &client, it.model.new_task());
    let record = it.model.tracker.recordReceipt(receipt.clone());
    mined(record.send().await).await;

    // The same sink serves the same task type there.
    let (economy, _) = it.make(owner, Factory::config(MARKETPLACE, &[CODE])).await;
    let base = &it.model.core.base;
    let stakes = bpe_abi::IStakeManager::new(economy.stakeManager, &base.provider);
    mined(base.token.mint(sink, tokens(10_000)).send().await).await;
    let approve = base.token.approve(economy.stakeManager, U256::MAX);
    mined(approve.from(sink).send().await).await;
    mined(stakes.stake(tokens(10_000)).from(sink).send().await).await;
    let registry = bpe_abi::ICapacityRegistry::new(economy.capacityRegistry, &base.provider);
    let register = registry.registerSink(CODE, units(100)).from(sink);
    mined(register.send().await).await;
    let parts = it.contract.getParts(economy.economyId).call().await;
    let tracker = parts.unwrap().completionTracker;
    let tracker = bpe_abi::ICompletionTracker::new(tracker, &base.provider);
    let replay: ICompletionTrackerErrors = revert(tracker.recordReceipt(receipt).call().await);
    assert!(matches!(
        replay,
        ICompletionTrackerErrors::InvalidSinkSignature(_)
    ));
}
