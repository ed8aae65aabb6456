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
    economy::{Factory, PIPELINE, POOLS},
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
    let slasher = stakes.authorizedSlashers(parts.completionTracker);
    assert!(slasher.call().await.unwrap());
    let slasher = stakes.authorizedSlashers(base.owner).call().await;
    assert!(!slasher.unwrap(), "the model's slasher is none of theirs");
    assert_eq!(stakes.minSinkStake().call().await.unwrap(), tokens(100));
    let aggregator = registry.authorizedAggregator().call().await.unwrap();
    assert_eq!(aggregator, parts.offchainAggregator);
    let pool = registry.pool().call().await.unwrap();
    assert_eq!(pool, economy.backpressurePool);
    let tracked = tracker.stakeManager().call().await.unwrap();
    assert_eq!(tracked, economy.stakeManager);
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

#[tokio::test]
async fn one_economy_for_each_wish() {
    let it = Factory::start().await;
    let base = &it.model.core.base;
    let (founder, other) = (base.devnet.account(7), base.devnet.account(8));
    let wish = || Factory::config(POOLS, &[CODE]);
    let (first, _) = it.make(founder, wish()).await;
    let again = refused(&it, founder, wish()).await;
    let exists = IEconomyFactory::EconomyAlreadyExists {};
    assert_eq!(again, IEconomyFactoryErrors::EconomyAlreadyExists(exists));
    let (others, _) = it.make(other, wish()).await;
    assert_ne!(others.stakeManager, first.stakeManager);
    let salt = B256::repeat_byte(1);
    let another = it.contract.deployEconomy_1(wish(), salt);
    mined(another.from(founder).send().await).await;
    let ids = it.contract.getEconomiesByOwner(founder).call().await;
    let ids = ids.unwrap();
    assert_eq!((ids.len(), ids[0]), (2, first.economyId));
    assert_ne!(ids[0], ids[1]);
    let count = it.contract.economyCount().call().await.unwrap();
    assert_eq!(count, U256::from(3));
    assert_eq!(first.pipeline, Address::ZERO);
}

#[tokio::test]
async fn what_cannot_be_an_economy_is_refused_and_leaves_nothing() {
    let it = Factory::start().await;
    let founder = it.model.core.base.devnet.account(7);
    use IEconomyFactoryErrors as Refusal;
    let none = refused(&it, founder, Factory::config(POOLS, &[])).await;
    assert!(matches!(none, Refusal::NoTaskTypes(_)));
    let one = refused(&it, founder, Factory::config(PIPELINE, &[CODE])).await;
    assert!(matches!(one, Refusal::PipelineRequiresMultipleStages(_)));
    let unknown = refused(&it, founder, Factory::config(2, &[CODE])).await;
    assert!(matches!(unknown, Refusal::UnknownTemplate(it) if it.template == 2));
    let many: Vec<B256> = (0..17).map(B256::repeat_byte).collect();
    let many = refused(&it, founder, Factory::config(POOLS, &many)).await;
    assert!(matches!(many, Refusal::TooManyTaskTypes(it) if it.length == U256::from(17)));
    // What a contract of the economy refuses is said by it, and all is undone.
    let budget = EconomyConfig {
        verificationBudgetBps: U256::from(10_001),
        ..Factory::config(POOLS, &[CODE])
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
    let (economy, _) = it.make(owner, Factory::config(POOLS, &[CODE])).await;
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
