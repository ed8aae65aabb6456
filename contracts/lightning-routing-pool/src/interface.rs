//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// The node of `operator` is in the pool.
    #[derive(Debug, PartialEq, Eq)]
    event NodeJoinedPool(bytes32 indexed nodePubkey, address indexed operator);
    /// The node of `operator` is in the pool no more.
    #[derive(Debug, PartialEq, Eq)]
    event NodeLeftPool(bytes32 indexed nodePubkey, address indexed operator);
    /// `nodeCount` nodes have the units of their capacities; their smoothed liquidity sums to `totalCapacitySats`.
    #[derive(Debug, PartialEq, Eq)]
    event RoutingPoolRebalanced(uint256 nodeCount, uint256 totalCapacitySats);
    /// BackpressurePool refused to set the units of the node's operator; the others went on.
    #[derive(Debug, PartialEq, Eq)]
    event NodeSkipped(bytes32 indexed nodePubkey);
    /// The node's fee, which was another when it was noted last, is `newFee`.
    #[derive(Debug, PartialEq, Eq)]
    event RoutingFeeUpdated(bytes32 indexed nodePubkey, uint256 newFee);
    /// Fees follow `pricingCurve`; there are none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event PricingCurveSet(address indexed pricingCurve);
    /// From `from` on, in seconds since 1970, `nodePubkey` can have the place of the node with the least stake, which is `least`
    /// now.
    #[derive(Debug, PartialEq, Eq)]
    event PlaceClaimed(bytes32 indexed nodePubkey, bytes32 indexed least, uint256 from);

    /// The pool is initialised.
    #[derive(Debug, PartialEq, Eq)]
    error PoolAlreadyInitialized();
    /// The pool is not initialised yet.
    #[derive(Debug, PartialEq, Eq)]
    error PoolNotInitialized();
    /// The node is in the pool.
    #[derive(Debug, PartialEq, Eq)]
    error NodeAlreadyInPool();
    /// The node is not in the pool.
    #[derive(Debug, PartialEq, Eq)]
    error NodeNotInPool();
    /// The caller does not operate the node.
    #[derive(Debug, PartialEq, Eq)]
    error NotNodeOperator();
    /// The caller is in the pool with `nodePubkey`: leave with that one first.
    #[derive(Debug, PartialEq, Eq)]
    error OperatorAlreadyInPool(bytes32 nodePubkey);
    /// There is room for the node: join.
    #[derive(Debug, PartialEq, Eq)]
    error PoolNotFull();
    /// The caller has `locked` of its stake locked; to have the place of the node with the least it takes `required`.
    #[derive(Debug, PartialEq, Eq)]
    error LessStakeLocked(uint256 locked, uint256 required);
    /// There are as many nodes as there may be.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyNodes();
    /// The oracle's task type is `oracleTaskTypeId`, not this contract's.
    #[derive(Debug, PartialEq, Eq)]
    error WrongTaskType(bytes32 oracleTaskTypeId);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    PoolAlreadyInitialized(PoolAlreadyInitialized),
    PoolNotInitialized(PoolNotInitialized),
    NodeAlreadyInPool(NodeAlreadyInPool),
    NodeNotInPool(NodeNotInPool),
    NotNodeOperator(NotNodeOperator),
    OperatorAlreadyInPool(OperatorAlreadyInPool),
    PoolNotFull(PoolNotFull),
    LessStakeLocked(LessStakeLocked),
    TooManyNodes(TooManyNodes),
    WrongTaskType(WrongTaskType),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}
