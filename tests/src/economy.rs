//! EconomyFactory on a devnet, and the economies that it makes, as the stages on which other tests play.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    sol_types::SolValue,
};
use bpe_abi::{
    IBackpressurePool, ICapacityRegistry, ICompletionTracker,
    IEconomyFactory::{
        self, EconomyConfig, EconomyDeployed, EconomyDeployment, IEconomyFactoryInstance,
    },
    IEscrowBuffer, IJudge, IOffchainAggregator, IOverflowMeter, IPricingCurve, IStakeManager,
    IStreamGateway, IWorkLedger, IWorkMisses, IWorkReserve, IWorkVouchers,
};

use crate::{
    proof::{events, Proof},
    settlement::Settlement,
    stage::mined,
    suite::{deploy, tokens, Foundations, CODE, NOTICE},
};

/// Task types with a pool each.
pub const MARKETPLACE: u8 = 0;

/// Task types that pay all sinks the same.
pub const COOPERATIVE: u8 = 1;

/// Task types that are stages.
pub const PIPELINE: u8 = 2;

/// Task types for those with a reputation.
pub const GUILD: u8 = 3;

/// A factory, whose programs are the contracts of a suite that was deployed by hand.
pub struct Factory {
    pub model: Proof,
    pub pipeline: Address,
    pub contract: IEconomyFactoryInstance<DynProvider>,
}

impl Factory {
    pub async fn start() -> Self {
        let model = Proof::start().await;
        let (core, base) = (&model.core, &model.core.base);
        let (pools, registry) = (*core.pools.address(), *base.registry.address());
        let arguments = (pools, registry, base.owner).abi_encode_params();
        let pipeline = deploy(&base.devnet, "pipeline", arguments).await;
        let arguments = (registry, *model.pricing.address()).abi_encode_params();
        let directory = deploy(&base.devnet, "service-directory", arguments).await;
        let ledger = base.owner.abi_encode();
        let ledger = deploy(&base.devnet, "reputation-ledger", ledger).await;
        let programs = vec![
            *base.stakes.address(),
            registry,
            pools,
            *core.escrow.address(),
            *core.gateway.address(),
            *core.meter.address(),
            *core.ledger.address(),
            *core.vouchers.address(),
            *core.reserve.address(),
            *model.misses.address(),
            *model.pricing.address(),
            *model.tracker.address(),
            *model.judge.address(),
            *model.aggregator.address(),
            directory,
            pipeline,
            ledger,
        ];
        let addresses = &core.superfluid.addresses;
        let arguments = (
            addresses.gda_v1,
            addresses.usdcx,
            *base.token.address(),
            tokens(1),
            programs,
            base.owner,
        );
        let factory = deploy(
            &base.devnet,
            "economy-factory",
            arguments.abi_encode_params(),
        )
        .await;
        Self {
            contract: IEconomyFactory::new(factory, base.provider.clone()),
            pipeline,
            model,
        }
    }

    /// Minimum stakes of 100 tokens, as [`Foundations`] has them; no limit of the buffers, no budgets.
    pub fn config(template: u8, task_types: &[B256]) -> EconomyConfig {
        EconomyConfig {
            template,
            taskTypeIds: task_types.to_vec(),
            minStake: tokens(100),
            bufferMax: U256::ZERO,
            verificationBudgetBps: U256::ZERO,
        }
    }

    /// Has `caller` deploy an economy.
    pub async fn make(
        &self,
        caller: Address,
        config: EconomyConfig,
    ) -> (EconomyDeployment, TransactionReceipt) {
        let deploy = self.contract.deployEconomy_0(config).from(caller);
        let receipt = mined(deploy.send().await).await;
        let deployed = events::<EconomyDeployed>(&receipt);
        assert_eq!(deployed.len(), 1);
        let id = deployed[0].economyId;
        (self.contract.getEconomy(id).call().await.unwrap(), receipt)
    }

    /// The stage of an economy of [`CODE`].
    pub async fn into_proof(self) -> Proof {
        self.into_economy(MARKETPLACE, &[CODE]).await.0
    }

    /// The stage of an economy that the owner of the model made, with what [`Proof::start`] sets besides: a treasury, a
    /// reviewer, and the owner as slasher and adapter.
    pub async fn into_economy(
        self,
        template: u8,
        task_types: &[B256],
    ) -> (Proof, EconomyDeployment) {
        let owner = self.model.core.base.owner;
        let (economy, receipt) = self.make(owner, Self::config(template, task_types)).await;
        let count = task_types.len();
        println!(
            "deployEconomy({count} task types): {} gas",
            receipt.gas_used
        );
        let parts = self.contract.getParts(economy.economyId).call().await;
        let parts = parts.unwrap();
        let old = self.model.core;
        let provider = old.base.provider.clone();
        let it = Proof::of(
            Settlement {
                pools: IBackpressurePool::new(economy.backpressurePool, provider.clone()),
                escrow: IEscrowBuffer::new(economy.escrowBuffer, provider.clone()),
                gateway: IStreamGateway::new(parts.streamGateway, provider.clone()),
                ledger: IWorkLedger::new(parts.workLedger, provider.clone()),
                vouchers: IWorkVouchers::new(parts.workVouchers, provider.clone()),
                reserve: IWorkReserve::new(parts.workReserve, provider.clone()),
                meter: IOverflowMeter::new(parts.overflowMeter, provider.clone()),
                macros: old.macros,
                base: Foundations {
                    stakes: IStakeManager::new(economy.stakeManager, provider.clone()),
                    registry: ICapacityRegistry::new(economy.capacityRegistry, provider.clone()),
                    ..old.base
                },
                superfluid: old.superfluid,
            },
            ICompletionTracker::new(parts.completionTracker, provider.clone()),
            IJudge::new(parts.judge, provider.clone()),
            IWorkMisses::new(parts.workMisses, provider.clone()),
            IPricingCurve::new(economy.pricingCurve, provider.clone()),
            IOffchainAggregator::new(parts.offchainAggregator, provider),
        );
        let (core, base) = (&it.core, &it.core.base);
        let (treasury, reviewer) = (base.devnet.account(1), base.devnet.account(2));
        let fee = core.pools.setProtocolFee(U256::from(10), treasury);
        mined(fee.send().await).await;
        mined(core.pools.setReviewer(reviewer).send().await).await;
        mined(base.stakes.setSlasher(owner, true).send().await).await;
        mined(base.registry.setAdapter(owner, true).send().await).await;
        // The factory has opened staking: powers need notice.
        base.devnet.advance_time(NOTICE).unwrap();
        (it, economy)
    }
}
