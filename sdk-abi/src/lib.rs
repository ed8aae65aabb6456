//! The suite's contracts as alloy bindings, made from the generated interfaces.
//!
//! Each module holds a contract's calls, events and errors, and an instance to call a deployed one through a provider:
//! `IStakeManager::new(address, &provider).stake(amount).send()`.

#![allow(missing_docs)]

pub mod typed_data;

use alloy::sol;

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IStakeManager.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/ICapacityRegistry.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IBackpressurePool.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IEscrowBuffer.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IStreamGateway.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/ISourceStreams.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IPricingCurve.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IOffchainAggregator.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/ICompletionTracker.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IPipeline.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/INestedPool.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IEconomyFactory.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/ICrossProtocolRouter.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IReputationLedger.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IUniversalCapacityAdapter.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/ILightningCapacityOracle.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/ILightningRoutingPool.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IRelayCapacityRegistry.sol"
);

sol!(
    #[sol(rpc, all_derives)]
    "../interfaces/IRelayPaymentPool.sol"
);
