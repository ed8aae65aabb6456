//! How the contracts of the suite call each other: the functions that one contract needs of another, and no more.
//!
//! The call graph has no cycles, because a Stylus program that is already open further up the call stack refuses to
//! be entered again, views included. Where two contracts need each other, the caller brings along what the callee
//! would have had to ask for: the registry tells the pool a sink's capacity, the pool does not ask back.

use alloy_sol_types::sol;

sol! {
    /// StakeManager, as CapacityRegistry sees it.
    interface IStakeManager {
        function getStake(address sink) external view returns (uint256);
        function minSinkStake() external view returns (uint256);
        function backRegistration(address sink, uint256 minStake, uint256 capacity) external returns (uint256 granted);
        function backCapacity(address sink, uint256 capacity) external returns (uint256 granted);
        function startUnbonding(address sink) external;
    }

    /// BackpressurePool, as CapacityRegistry sees it.
    interface ICapacityListener {
        function createPool(bytes32 taskTypeId) external;
        function onCapacityReduced(bytes32 taskTypeId, address sink, uint256 capacity) external;
    }

    /// CapacityRegistry, as the contracts that pay, prove and price see it.
    interface ICapacityRegistry {
        function taskTypeExists(bytes32 taskTypeId) external view returns (bool);
        function getTaskType(bytes32 taskTypeId) external view returns (uint256 minStake, uint256 sinkCount, uint256 totalCapacity);
        function getSinksPage(bytes32 taskTypeId, uint256 from, uint256 count) external view returns (address[] memory sinks, uint256[] memory capacities);
        function isRegistered(bytes32 taskTypeId, address sink) external view returns (bool);
        function getSmoothedCapacity(bytes32 taskTypeId, address sink) external view returns (uint256);
        function getRawCapacity(bytes32 taskTypeId, address sink) external view returns (uint256);
        function getService(bytes32 taskTypeId, address sink) external view returns (uint256 capacity, uint256 since, uint256 until);
        function updateCapacityFromAggregator(bytes32 taskTypeId, address sink, uint256 capacity) external;
        function syncCapacity(bytes32 taskTypeId, address sink) external;
    }

    /// CapacityRegistry, as its adapters see it.
    interface ISinkRegistrar {
        function registerTaskType(bytes32 taskTypeId, uint256 minStake) external;
        function registerSinkFor(bytes32 taskTypeId, address sink, uint256 initialCapacity) external;
        function deregisterSinkFor(bytes32 taskTypeId, address sink) external;
    }

    /// StakeManager, as RelayCapacityRegistry sees it.
    interface IStakeTerms {
        function getStake(address sink) external view returns (uint256);
        function getCapacityCap(address sink) external view returns (uint256);
        function requiredStake(address sink, uint256 minStake) external view returns (uint256);
    }

    /// RelayCapacityRegistry, as RelayPaymentPool sees it.
    interface IRelayRegistry {
        function relayTaskTypeId() external view returns (bytes32);
        function getCapacityUpdate(bytes32 nostrPubkey) external view returns (address operator, uint256 composite, uint256 raw, uint256 sequence);
    }

    /// StakeManager, as CompletionTracker sees it.
    interface IStakeSlasher {
        function getStake(address sink) external view returns (uint256);
        function getCapacityCap(address sink) external view returns (uint256);
        function slash(address sink, uint256 amount, bytes32 reason) external;
    }

    /// Proof of a completion by other means than signatures: a quote of a trusted execution environment, a zero-knowledge
    /// proof. `ok` only if the attestation proves that `sink` completed `taskId` of `taskTypeId`.
    interface ICapacityVerifier {
        function verify(bytes attestation) external view returns (bool ok, bytes32 taskTypeId, address sink, bytes32 taskId);
    }

    /// BackpressurePool, as EscrowBuffer, OffchainAggregator and RelayPaymentPool see it.
    interface IBackpressurePool {
        function getPool(bytes32 taskTypeId) external view returns (address);
        function createPool(bytes32 taskTypeId) external;
        function rebalanceSink(bytes32 taskTypeId, address sink) external;
        error WeightedByShares();
        function getFreeValue(bytes32 taskTypeId) external view returns (bool priced, uint256 value);
        function rebalanceWithShares(bytes32 taskTypeId, address[] memory sinks, uint256[] memory shares) external;
    }

    /// BackpressurePool, as Pipeline and NestedPool see it.
    interface IPoolLimits {
        function GDA() external view returns (address);
        function SUPER_TOKEN() external view returns (address);
        function getPool(bytes32 taskTypeId) external view returns (address);
        function getEffectiveCapacity(bytes32 taskTypeId) external view returns (uint256);
        function setEffectiveCapacity(bytes32 taskTypeId, uint256 capacity) external;
        function setNestedCapacity(bytes32 taskTypeId, uint256 capacity) external;
    }

    /// SourceStreams, as StreamGateway and EscrowBuffer see it.
    interface ISourceStreams {
        function plan(address pool, address source, uint256 flowRate) external view returns (uint256 current, uint256 inflow, uint256 nextInflow);
        function takeCredit(address source) external returns (uint256 amount);
        function takeOverflow(address pool, address source) external returns (uint256 amount);
    }

    /// BackpressurePool, as StreamGateway sees it.
    interface IOverflowBalancer {
        function rebalanceOverflow(bytes32 taskTypeId) external;
    }

    /// EscrowBuffer, as BackpressurePool and PricingCurve see it.
    interface IEscrowBuffer {
        function deposit(bytes32 taskTypeId, uint256 amount) external;
        function getEscrowPressure(bytes32 taskTypeId) external view returns (uint256 pressure);
    }

    /// PricingCurve, as BackpressurePool and RelayPaymentPool see it.
    interface IPricingCurve {
        function getEpoch(bytes32 taskTypeId) external view returns (uint256 start, uint256 demand);
        function getQueueLoad(bytes32 taskTypeId, address sink) external view returns (uint256);
    }

    /// ReputationLedger, as StakeManager sees it.
    interface IReputationLedger {
        function getStakeDiscount(address account, bytes32 domain) external view returns (uint256 discountBps);
    }
}
