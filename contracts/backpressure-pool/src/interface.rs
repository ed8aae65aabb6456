//! Events and errors.

use alloy_sol_types::sol;
use bpe_common::{
    call::{InsufficientGas, NotAContract, Revert},
    erc20::SafeERC20FailedOperation,
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// The task type is paid through `pool`.
    #[derive(Debug, PartialEq, Eq)]
    event PoolCreated(bytes32 indexed taskTypeId, address indexed pool);
    /// All `sinkCount` sinks of the task type have the units of their capacities, which sum to `totalCapacity`.
    #[derive(Debug, PartialEq, Eq)]
    event Rebalanced(bytes32 indexed taskTypeId, uint256 sinkCount, uint256 totalCapacity);
    /// `sink` keeps the units that it had: the pool refused, or it may have none. The others went on.
    #[derive(Debug, PartialEq, Eq)]
    event SinkSkipped(bytes32 indexed taskTypeId, address indexed sink);
    /// What is carved out of the task type's streams has these units now, beside `sinkUnits` of all sinks.
    #[derive(Debug, PartialEq, Eq)]
    event CarveOutsSet(bytes32 indexed taskTypeId, uint256 sinkUnits, uint256 feeUnits, uint256 budgetUnits, uint256 overflowUnits);
    /// The reviewer gets `budgetBps` of the task type's streams.
    #[derive(Debug, PartialEq, Eq)]
    event VerificationBudgetSet(bytes32 indexed taskTypeId, uint256 budgetBps);
    /// `recipient` gets `feeBps` of all streams.
    #[derive(Debug, PartialEq, Eq)]
    event ProtocolFeeSet(uint256 feeBps, address indexed recipient);
    /// `reviewer` gets the verification budgets.
    #[derive(Debug, PartialEq, Eq)]
    event ReviewerSet(address indexed reviewer);
    /// A capacity unit of the task type is paid at most `price`; without limit, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event CapacityPriceSet(bytes32 indexed taskTypeId, uint256 price);
    /// The task type is paid for `capacity` at most; for all it has, if that is the largest number.
    #[derive(Debug, PartialEq, Eq)]
    event EffectiveCapacitySet(bytes32 indexed taskTypeId, uint256 capacity);
    /// Sinks of the task type are weighted by smoothed capacity (0), spare capacity (1) or shares (2), or paid by work (3).
    #[derive(Debug, PartialEq, Eq)]
    event WeightingSet(bytes32 indexed taskTypeId, uint8 weighting);
    /// Submitted shares are mixed with `rate` of an equal split, 1e18 = 1.
    #[derive(Debug, PartialEq, Eq)]
    event ExplorationRateSet(uint256 rate);
    /// Shares are taken from `submitter`.
    #[derive(Debug, PartialEq, Eq)]
    event ShareSubmitterSet(address indexed submitter);
    /// `pipeline` may limit capacities, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event PipelineSet(address indexed pipeline, bool authorized);
    /// Loads are read from `pricingCurve`.
    #[derive(Debug, PartialEq, Eq)]
    event PricingCurveSet(address indexed pricingCurve);
    /// The temperature oracle is now `oracle`.
    #[derive(Debug, PartialEq, Eq)]
    event TemperatureOracleSet(address indexed oracle);
    /// Overflow goes to `escrowBuffer`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event EscrowBufferSet(address indexed escrowBuffer);
    /// What flows is measured by `overflowMeter`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event OverflowMeterSet(address indexed overflowMeter);
    /// Units for task types below others are those of `nestedPool`, for ever.
    #[derive(Debug, PartialEq, Eq)]
    event NestedPoolSet(address indexed nestedPool);
    /// `amount` that Superfluid's rounding had left here was paid to `recipient`, who gets the protocol fee.
    #[derive(Debug, PartialEq, Eq)]
    event Swept(address indexed recipient, uint256 amount);

    /// The task type has no pool.
    #[derive(Debug, PartialEq, Eq)]
    error PoolDoesNotExist();
    /// The task type has a pool already.
    #[derive(Debug, PartialEq, Eq)]
    error PoolAlreadyExists();
    /// There is no such task type.
    #[derive(Debug, PartialEq, Eq)]
    error TaskTypeDoesNotExist();
    /// There are not as many shares as sinks.
    #[derive(Debug, PartialEq, Eq)]
    error ArrayLengthMismatch();
    /// At most 89.99 % of a stream goes to the reviewer, so that with the highest fee the sinks still get a part.
    #[derive(Debug, PartialEq, Eq)]
    error BudgetExceedsBps();
    /// At most 20 % of an equal split.
    #[derive(Debug, PartialEq, Eq)]
    error ExplorationRateTooHigh();
    /// Shares are taken from the share submitter only.
    #[derive(Debug, PartialEq, Eq)]
    error NotShareSubmitter();
    /// No share is positive.
    #[derive(Debug, PartialEq, Eq)]
    error NoShares();
    /// The task type's units follow submitted shares, not capacities.
    #[derive(Debug, PartialEq, Eq)]
    error WeightedByShares();
    /// `weighting` is none of 0, 1, 2 and 3.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeighting(uint8 weighting);
    /// `caller` is not the contract that may do this: CapacityRegistry, a pipeline, or NestedPool.
    #[derive(Debug, PartialEq, Eq)]
    error UnauthorizedCaller(address caller);
    /// `value` is more than `maximum`: of a fee, a price, or sinks in one call.
    #[derive(Debug, PartialEq, Eq)]
    error ExceedsMaximum(uint256 value, uint256 maximum);
    /// `account` is the escrow or what is below the task type, and cannot be its sink as well.
    #[derive(Debug, PartialEq, Eq)]
    error ReservedMember(address account);
    /// The escrow is set for ever.
    #[derive(Debug, PartialEq, Eq)]
    error EscrowBufferAlreadySet();
    /// The meter is set for ever.
    #[derive(Debug, PartialEq, Eq)]
    error OverflowMeterAlreadySet();
    /// The contract with units for task types below is set for ever.
    #[derive(Debug, PartialEq, Eq)]
    error NestedPoolAlreadySet();
    /// There is no escrow that could take the overflow.
    #[derive(Debug, PartialEq, Eq)]
    error NoEscrowBuffer();
    /// There is no meter that could say what flows.
    #[derive(Debug, PartialEq, Eq)]
    error NoOverflowMeter();
    /// The task type is paid by work: its sinks have no units.
    #[derive(Debug, PartialEq, Eq)]
    error PaidByWork();
    /// Weighting 3 is chosen before there is a pool, and never changes.
    #[derive(Debug, PartialEq, Eq)]
    error WeightingFixed();
    /// `account` cannot be this: zero or the escrow, as a recipient; refused by Superfluid, as a sink.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidAccount(address account);
}

/// Why a call was refused. [`Error::Revert`] is what a neighbour or Superfluid reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    PoolDoesNotExist(PoolDoesNotExist),
    PoolAlreadyExists(PoolAlreadyExists),
    TaskTypeDoesNotExist(TaskTypeDoesNotExist),
    ArrayLengthMismatch(ArrayLengthMismatch),
    BudgetExceedsBps(BudgetExceedsBps),
    ExplorationRateTooHigh(ExplorationRateTooHigh),
    NotShareSubmitter(NotShareSubmitter),
    NoShares(NoShares),
    WeightedByShares(WeightedByShares),
    InvalidWeighting(InvalidWeighting),
    UnauthorizedCaller(UnauthorizedCaller),
    ExceedsMaximum(ExceedsMaximum),
    ReservedMember(ReservedMember),
    EscrowBufferAlreadySet(EscrowBufferAlreadySet),
    OverflowMeterAlreadySet(OverflowMeterAlreadySet),
    NestedPoolAlreadySet(NestedPoolAlreadySet),
    NoEscrowBuffer(NoEscrowBuffer),
    NoOverflowMeter(NoOverflowMeter),
    PaidByWork(PaidByWork),
    WeightingFixed(WeightingFixed),
    InvalidAccount(InvalidAccount),
    NotAContract(NotAContract),
    InsufficientGas(InsufficientGas),
    Token(SafeERC20FailedOperation),
    Revert(Revert),
    Ownable(ownable::Error),
}
