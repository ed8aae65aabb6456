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

    /// ReputationLedger, as StakeManager sees it.
    interface IReputationLedger {
        function getStakeDiscount(address account, bytes32 domain) external view returns (uint256 discountBps);
    }
}
