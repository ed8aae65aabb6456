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
    /// `childTaskTypeId`, which is paid through `childPool`, gets its part of what is paid for the parent.
    #[derive(Debug, PartialEq, Eq)]
    event ChildRegistered(bytes32 indexed parentTaskTypeId, bytes32 indexed childTaskTypeId, address childPool);
    /// The child gets no more of what is paid for the parent.
    #[derive(Debug, PartialEq, Eq)]
    event ChildDeregistered(bytes32 indexed parentTaskTypeId, bytes32 indexed childTaskTypeId);
    /// Money and weights of the task type and of what is below it, `depth` levels of children, are up to date.
    #[derive(Debug, PartialEq, Eq)]
    event HierarchyRebalanced(bytes32 indexed rootTaskTypeId, uint256 depth, uint256 totalEffectiveCapacity);
    /// The child's pool distributed `amount` among its members.
    #[derive(Debug, PartialEq, Eq)]
    event PassedOn(bytes32 indexed childTaskTypeId, uint256 amount);
    /// Superfluid refused to distribute `amount`. It stays due to the child.
    #[derive(Debug, PartialEq, Eq)]
    event PassingOnFailed(bytes32 indexed childTaskTypeId, uint256 amount);
    /// Beside the owner, `linker` may register and deregister children of the task type; nobody, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event LinkerSet(bytes32 indexed parentTaskTypeId, address indexed linker);

    /// The child has a parent already.
    #[derive(Debug, PartialEq, Eq)]
    error ChildAlreadyRegistered();
    /// The child is none of this parent.
    #[derive(Debug, PartialEq, Eq)]
    error ChildNotRegistered();
    /// `requested` levels of children are more than the `max` of a tree.
    #[derive(Debug, PartialEq, Eq)]
    error DepthExceedsMax(uint256 requested, uint256 max);
    /// A task type is not its own child.
    #[derive(Debug, PartialEq, Eq)]
    error SelfReference();
    /// The child is above the parent.
    #[derive(Debug, PartialEq, Eq)]
    error CyclicReference();
    /// The parent has `max` children already.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyChildren(uint256 max);
    /// `count` task types are more than the `max` of a tree.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyNodes(uint256 count, uint256 max);
    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// The task type has no pool.
    #[derive(Debug, PartialEq, Eq)]
    error PoolDoesNotExist();
    /// The task type is paid by work, and what it brings cannot be passed on to it.
    #[derive(Debug, PartialEq, Eq)]
    error PaidByWork();
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    ChildAlreadyRegistered(ChildAlreadyRegistered),
    ChildNotRegistered(ChildNotRegistered),
    DepthExceedsMax(DepthExceedsMax),
    SelfReference(SelfReference),
    CyclicReference(CyclicReference),
    TooManyChildren(TooManyChildren),
    TooManyNodes(TooManyNodes),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    PoolDoesNotExist(PoolDoesNotExist),
    PaidByWork(PaidByWork),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Revert(Revert),
    Ownable(ownable::Error),
}
