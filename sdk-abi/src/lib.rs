//! The suite's contracts as alloy bindings, made from the generated interfaces, and what is signed for them.
//!
//! Each module holds a contract's calls, events and errors, and an instance to call a deployed one through a provider:
//! `IStakeManager::new(address, &provider).stake(amount).send()`.

#![allow(missing_docs)]
// As many as the contracts' functions have.
#![allow(clippy::too_many_arguments)]

pub mod typed_data;

/// Every contract's ABI as JSON, by the contract's name: for what reads any of them, whichever it is.
pub const ABIS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/abis.rs"));

macro_rules! bindings {
    ($($interface:tt)*) => {
        $(alloy::sol!(
            #[sol(rpc, all_derives)]
            $interface
        );)*
    };
}

bindings! {
    "../interfaces/IBackpressurePool.sol"
    "../interfaces/ICapacityRegistry.sol"
    "../interfaces/ICompletionTracker.sol"
    "../interfaces/ICrossProtocolRouter.sol"
    "../interfaces/IDemurrageToken.sol"
    "../interfaces/IDirectSettlementAdapter.sol"
    "../interfaces/IEconomyFactory.sol"
    "../interfaces/IEscrowBuffer.sol"
    "../interfaces/IJudge.sol"
    "../interfaces/IKeyRegistry.sol"
    "../interfaces/ILightningCapacityOracle.sol"
    "../interfaces/ILightningRoutingPool.sol"
    "../interfaces/ILightningSettlementAdapter.sol"
    "../interfaces/INestedPool.sol"
    "../interfaces/IOffchainAggregator.sol"
    "../interfaces/IOpenClawCapacityAdapter.sol"
    "../interfaces/IOpenClawCompletionVerifier.sol"
    "../interfaces/IOpenClawReputationBridge.sol"
    "../interfaces/IOverflowMeter.sol"
    "../interfaces/IPipeline.sol"
    "../interfaces/IPricingCurve.sol"
    "../interfaces/IRelayAttestations.sol"
    "../interfaces/IRelayBudget.sol"
    "../interfaces/IRelayCapacityRegistry.sol"
    "../interfaces/IRelayPaymentPool.sol"
    "../interfaces/IReputationLedger.sol"
    "../interfaces/IServiceDirectory.sol"
    "../interfaces/IStakeManager.sol"
    "../interfaces/IStreamGateway.sol"
    "../interfaces/ISuperfluidSettlementAdapter.sol"
    "../interfaces/IUniversalCapacityAdapter.sol"
    "../interfaces/IVelocityMetrics.sol"
    "../interfaces/IWorkLedger.sol"
    "../interfaces/IWorkMisses.sol"
    "../interfaces/IWorkReputation.sol"
    "../interfaces/IWorkReserve.sol"
    "../interfaces/IWorkVouchers.sol"
}
