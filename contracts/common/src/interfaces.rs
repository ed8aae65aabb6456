//! How the contracts of the suite call each other: the functions that one contract needs of another, and no more.
//!
//! The call graph has no cycles, because a Stylus program that is already open further up the call stack refuses to
//! be entered again, views included. Where two contracts need each other, the caller brings along what the callee
//! would have had to ask for: the registry tells the pool a sink's capacity, the pool does not ask back.

use alloy_sol_types::sol;

sol! {
    /// StakeManager, as CapacityRegistry sees it.
    interface IStakeManager {
        function backRegistration(address sink, uint256 minStake, uint256 capacity) external returns (uint256 granted);
        function backCapacity(address sink, uint256 capacity) external returns (uint256 granted);
        function startUnbonding(address sink) external;
        function bond(address account) external;
        function releaseBond(address account) external;

        error NotAuthorizedRegistry(address caller);
        error LockedByOtherRegistry(address sink);
    }

    /// BackpressurePool, as CapacityRegistry sees it, which sets the weighting of new task types.
    interface ICapacityListener {
        function setWeighting(bytes32 taskTypeId, uint8 weighting) external;
        function onCapacityReduced(bytes32 taskTypeId, address sink, uint256 capacity) external;
    }

    /// CapacityRegistry, as the contracts that pay, prove and price see it.
    interface ICapacityRegistry {
        function taskTypeExists(bytes32 taskTypeId) external view returns (bool);
        function getTaskType(bytes32 taskTypeId) external view returns (uint256 minStake, uint256 sinkCount, uint256 totalCapacity);
        function getSinksPage(bytes32 taskTypeId, uint256 from, uint256 count) external view returns (address[] memory sinks, uint256[] memory capacities);
        function getCreator(bytes32 taskTypeId) external view returns (address);
        function isRegistered(bytes32 taskTypeId, address sink) external view returns (bool);
        function getSmoothedCapacity(bytes32 taskTypeId, address sink) external view returns (uint256);
        function getRawCapacity(bytes32 taskTypeId, address sink) external view returns (uint256);
        function getCapacitySeconds(bytes32 taskTypeId, address sink, uint256 time) external view returns (uint256 capacitySeconds);
        function getPeakCapacity(bytes32 taskTypeId, address sink) external view returns (uint256);
        function updateCapacityFromAggregator(bytes32 taskTypeId, address sink, uint256 capacity) external;
        function updateCapacityAsOf(bytes32 taskTypeId, address sink, uint256 capacity, uint256 timestamp) external;
        function syncCapacity(bytes32 taskTypeId, address sink) external;

        error SinkNotRegistered();
        error OlderThanDeclared(uint256 timestamp, uint256 declaredAt);
    }

    /// CapacityRegistry, as ServiceDirectory sees it.
    interface ITaskTypeRegistrar {
        function stakeManager() external view returns (address);
        function pool() external view returns (address);
        function getCreator(bytes32 taskTypeId) external view returns (address);
        function isRegistered(bytes32 taskTypeId, address sink) external view returns (bool);
        function getSinksPage(bytes32 taskTypeId, uint256 from, uint256 count) external view returns (address[] memory sinks, uint256[] memory capacities);
        function registerTaskTypeFor(bytes32 taskTypeId, uint256 minStake, address creator, bool derived, uint8 weighting) external;
    }

    /// PricingCurve, as ServiceDirectory sees it.
    interface IFeeSetter {
        function setFees(bytes32 taskTypeId, uint256 start, uint256 floor, uint256 ceiling) external;
        function setCurve(bytes32 taskTypeId, uint8 curve) external;
    }

    /// An identity registry of ERC-8004: foreign code, which can answer anything.
    interface IIdentityRegistry {
        function ownerOf(uint256 agentId) external view returns (address);
        function getAgentWallet(uint256 agentId) external view returns (address);
    }

    /// CapacityRegistry, as adapters see it that register sinks for their operators.
    interface ISinkRegistrar {
        function registerTaskType(bytes32 taskTypeId, uint256 minStake) external;
        function requireAttestations(bytes32 taskTypeId) external;
        function isAttested(bytes32 taskTypeId) external view returns (bool);
        function isRegistered(bytes32 taskTypeId, address sink) external view returns (bool);
        function registerSinkFor(bytes32 taskTypeId, address sink, uint256 initialCapacity) external;
        function limitCapacityFor(bytes32 taskTypeId, address sink, uint256 limit) external;
        function deregisterSinkFor(bytes32 taskTypeId, address sink) external;
    }

    /// StakeManager, as adapters see it that ask for the stake of a sink.
    interface IStakeRequirement {
        function getStake(address sink) external view returns (uint256);
        function getCapacityCap(address sink) external view returns (uint256);
        function requiredStake(address sink, uint256 minStake) external view returns (uint256);
    }

    /// CapacityRegistry and StakeManager, as LightningRoutingPool sees them to compare what is locked.
    interface IStakeLocks {
        function stakeManager() external view returns (address);
        function getLockedStake(address sink) external view returns (uint256);
    }

    /// BackpressurePool, as the pools of the domains see it.
    interface IUnitBalancer {
        function getPool(bytes32 taskTypeId) external view returns (address);
        function createPool(bytes32 taskTypeId) external;
        function rebalanceSink(bytes32 taskTypeId, address sink) external;

        error WeightedByShares();
    }

    /// PricingCurve, as the pools of the domains see it.
    interface IPriceOracle {
        function getPrice(bytes32 taskTypeId, address sink) external view returns (uint256 price);
    }

    /// PricingCurve, as WorkVouchers sees it.
    interface IBaseFee {
        function getBaseFee(bytes32 taskTypeId) external view returns (uint256);
        function recordWork(bytes32 taskTypeId, uint256 work, uint256 capacity) external;
    }

    /// LightningCapacityOracle, as LightningRoutingPool sees it.
    interface ILightningOracle {
        function lightningTaskTypeId() external view returns (bytes32);
        function getNode(bytes32 nodePubkey) external view returns (address operator, uint256 smoothedSats, uint256 pendingHTLCs, uint256 capacity, uint256 outboundSats, uint256 channelCount, uint256 timestamp);
    }

    /// RelayCapacityRegistry, as RelayPaymentPool sees it.
    interface IRelayRegistry {
        function relayTaskTypeId() external view returns (bytes32);
        function getCapacityUpdate(bytes32 nostrPubkey) external view returns (address operator, uint256 composite, uint256 raw, uint256 sequence, uint256 time);
    }

    /// RelayPaymentPool, as RelayBudget sees it.
    interface IRelayTariff {
        function backpressurePool() external view returns (address);
        function getMember(bytes32 poolType, bytes32 nostrPubkey) external view returns (address operator, uint256 sequence);
        function getMinPaymentPerEvent(bytes32 poolType, bytes32 nostrPubkey) external view returns (uint256);
    }

    /// KeyRegistry, as the registries of relays and nodes see it.
    interface IKeyRegistry {
        function getKey(uint8 scheme, bytes32 key) external view returns (address operator, uint256 time, uint8 firstByte);
    }

    /// What a relay can do, as RelayAttestations passes it on.
    struct RelayUpdate {
        uint256 eventsPerSecond;
        uint256 storageGB;
        uint256 bandwidthMbps;
    }

    /// RelayCapacityRegistry, as RelayAttestations sees it.
    interface IRelayUpdates {
        function getOperator(bytes32 nostrPubkey) external view returns (address);
        function updateRelayCapacity(bytes32 nostrPubkey, RelayUpdate capacity) external;
    }

    /// RelayPaymentPool, as RelayCapacityRegistry sees it.
    interface IRelayPool {
        function relayGone(bytes32 nostrPubkey) external;
    }

    /// StakeManager, as Judge sees it.
    interface IStakeSlasher {
        function getStake(address sink) external view returns (uint256);
        function getStakeAt(address sink, uint256 time) external view returns (uint256);
        function getCapacityCap(address sink) external view returns (uint256);
        function slashAndReward(address sink, uint256 amount, bytes32 reason, address to, uint256 reward) external;
    }

    /// StakeManager, as CompletionTracker and WorkMisses see it.
    interface IStakeTerms {
        function unbondingPeriod() external view returns (uint256);
        function treasury() external view returns (address);
        function reputationLedger() external view returns (address);
    }

    /// Judge, as CompletionTracker sees it. Records and verdicts are [`EpochRecord`](crate::judging::EpochRecord) and
    /// [`Verdict`](crate::judging::Verdict), a word each.
    interface IJudge {
        function getLinks() external view returns (address completionTracker, address capacityRegistry, address stakeManager, address workLedger);
        function getSpan(bytes32 taskTypeId, address sink, uint256 first, uint256 firstDue, uint256 lastDue, uint256 end) external view returns (uint256 next, uint256 from, uint256 until);
        function judge(bytes32 taskTypeId, address sink, uint256 next, uint256 from, address caller, uint256 callerDue, uint256[] memory records) external returns (uint256[] memory verdicts);
        function getStanding(bytes32 taskTypeId, address sink) external view returns (uint256 next, uint256 below, uint256 absent, uint256 rate, uint256 stake, uint256 since, uint256 bound, uint256 boundUntil);
    }

    /// Proof of a completion by other means than signatures: a quote of a trusted execution environment, a zero-knowledge
    /// proof. `ok` only if the attestation proves that `sink` completed `taskId` of `taskTypeId`.
    interface ICapacityVerifier {
        function verify(bytes attestation) external view returns (bool ok, bytes32 taskTypeId, address sink, bytes32 taskId);
    }

    /// BackpressurePool, as EscrowBuffer and OffchainAggregator see it.
    interface IBackpressurePool {
        function getPool(bytes32 taskTypeId) external view returns (address);
        function getFreeValue(bytes32 taskTypeId) external view returns (bool priced, uint256 value);
        function rebalanceWithShares(bytes32 taskTypeId, address[] memory sinks, uint256[] memory shares) external;
    }

    /// TemperatureOracle, as OffchainAggregator sees it.
    interface ITemperatureOracle {
        function updateTemperature(uint256 attestationVariance, uint256 maxExpectedVariance) external;
    }

    /// BackpressurePool, as Pipeline and NestedPool see it.
    interface IPoolLimits {
        function GDA() external view returns (address);
        function SUPER_TOKEN() external view returns (address);
        function getPool(bytes32 taskTypeId) external view returns (address);
        function getWeighting(bytes32 taskTypeId) external view returns (uint256);
        function getEffectiveCapacity(bytes32 taskTypeId) external view returns (uint256);
        function setEffectiveCapacity(bytes32 taskTypeId, uint256 capacity) external;
        function setNestedCapacity(bytes32 taskTypeId, uint256 capacity) external;
    }

    /// WorkLedger, as StreamGateway sees it.
    interface IWorkLedger {
        function note(bytes32 taskTypeId, address source) external returns (uint256 paid);
        function backpressurePool() external view returns (address);
    }

    /// OverflowMeter, as BackpressurePool, EscrowBuffer and WorkLedger see it.
    interface IOverflowMeter {
        function settle(bytes32 taskTypeId, address pool, uint256 sinkUnits, uint256 anchor, uint256 cuts, uint256 price, uint256 limit, bool forced) external returns (uint256 feeUnits, uint256 budgetUnits, uint256 overflowUnits);
        function settleByWork(bytes32 taskTypeId, address escrow, uint256 cuts) external returns (address reserve);
        function getFreeValue(bytes32 taskTypeId) external view returns (bool bound, uint256 value);
        function getOverflowIndex(bytes32 taskTypeId) external view returns (uint256 index, uint256 unitSeconds);
        function getUnitSeconds(bytes32 taskTypeId, uint256 time) external view returns (uint256);
        function weigh(bytes32 taskTypeId, uint256 from, uint256 count, uint256 since, uint256 until) external view returns (address[] memory sinks, uint256[] memory weights);
    }

    /// WorkLedger, as EscrowBuffer sees it: of task types that are not paid by work.
    interface IPaymentNotes {
        function attribute(bytes32 taskTypeId, address source, uint256 unattributed, uint256 minimum) external returns (uint256 amount);
        function shrink(bytes32 taskTypeId, uint256 before, uint256 rest) external;
    }

    /// EscrowBuffer, as OverflowMeter sees it, and WorkVouchers, as WorkReserve does.
    interface IEscrowLinks {
        function workLedger() external view returns (address);
    }

    /// WorkLedger, as OverflowMeter, WorkReserve, WorkVouchers, WorkMisses and Judge see it.
    interface IWorkEvidence {
        function SUPER_TOKEN() external view returns (address);
        function backpressurePool() external view returns (address);
        function capacityRegistry() external view returns (address);
        function workReserve() external view returns (address);
        function workMisses() external view returns (address);
        function treasury() external view returns (address);
        function note(bytes32 taskTypeId, address source) external returns (uint256 paid);
        function getPaid(bytes32 taskTypeId, address source) external view returns (uint256 paid);
    }

    /// WorkVouchers, as WorkReserve and WorkMisses see it.
    interface IWorkKeys {
        function workLedger() external view returns (address);
        function isSigned(address account, bytes32 digest, bytes32 r, bytes32 s, uint8 v) external view returns (bool);
        function missWork(bytes32 taskTypeId, address sink, uint256 work) external;
        function getTotals(bytes32 taskTypeId, address source, address sink) external view returns (uint256 work, uint256 value, uint256 tasks);
        function getVerifiedCapacity(bytes32 taskTypeId, address sink) external view returns (uint256);

        error UnauthorizedCaller(address caller);
    }

    /// WorkMisses, as WorkLedger and Judge see it.
    interface IWorkMisses {
        function workLedger() external view returns (address);
        function getDues(bytes32 taskTypeId, address sink) external view returns (uint256 first, uint256 last);
        function settleMisses(bytes32 taskTypeId, address sink, uint256 epoch) external returns (uint256 work, uint256 value);
    }

    /// WorkReserve, as WorkLedger, WorkVouchers, WorkMisses and Judge see it.
    interface IWorkReserve {
        function workLedger() external view returns (address);
        function charge(bytes32[8] memory assignment, bytes32[3] memory signature) external;
        function award(bytes32 taskTypeId, address sink, uint256 amount, bool toSink) external returns (address to);
        function getCounted(bytes32 taskTypeId, address sink, uint256 epoch) external view returns (bool known, uint256 work);
        function spend(bytes32 taskTypeId, address source, address sink, uint256 paid, uint256 work, uint256 value, uint256 allowance, uint256 fee, bool whole) external returns (uint256 countedWork, uint256 countedValue, uint256 available);
        function payOut(bytes32 taskTypeId, address to) external;
    }

    /// BackpressurePool, as EscrowBuffer, OverflowMeter, WorkLedger and WorkReserve see it.
    interface IPoolDirectory {
        function GDA() external view returns (address);
        function SUPER_TOKEN() external view returns (address);
        function overflowMeter() external view returns (address);
        function capacityRegistry() external view returns (address);
        function getPool(bytes32 taskTypeId) external view returns (address);
        function getWeighting(bytes32 taskTypeId) external view returns (uint256);
        function getMemberUnits(bytes32 taskTypeId, address sink) external view returns (uint128);
        function feeRecipient() external view returns (address);
        function reviewer() external view returns (address);
        function protocolFee() external view returns (uint256);
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

    /// VelocityMetrics, as DemurrageToken sees it.
    interface IVelocityMetrics {
        function recordTransfer(address from, address to, uint256 amount, uint256 fromBalance, uint256 toBalance, uint256 supply) external;
    }

    /// VirialMonitor, as DemurrageToken sees it. The rate is per second, with 18 decimals.
    interface IVirialMonitor {
        function recommendedDemurrageRate() external view returns (uint256 rate);
    }

    /// What EconomyFactory calls of the contracts that it sets up: whoever owns them may.
    interface IEconomy {
        function open() external;
        function setRegistry(address registry, bool authorized) external;
        function setSlasher(address slasher, bool authorized) external;
        function setAggregator(address aggregator) external;
        function setPool(address pool) external;
        function registerTaskTypeFor(bytes32 taskTypeId, uint256 minStake, address creator, bool derived, uint8 weighting) external;
        function setServiceDirectory(address serviceDirectory) external;
        function setEscrowBuffer(address escrowBuffer) external;
        function setPricingCurve(address pricingCurve) external;
        function setShareSubmitter(address submitter) external;
        function setExplorationRate(uint256 rate) external;
        function setWeighting(bytes32 taskTypeId, uint8 weighting) external;
        function registerDomain(bytes32 domain, address adapter) external;
        function setReputationLedger(address ledger, bytes32 domain) external;
        function setMinReputation(uint256 minReputation) external;
        function setPipeline(address pipeline, bool authorized) external;
        function setReviewer(address reviewer) external;
        function setProtocolFee(uint256 feeBps, address recipient) external;
        function createPool(bytes32 taskTypeId) external;
        function setVerificationBudget(bytes32 taskTypeId, uint256 budgetBps) external;
        function connect(address pool, address workLedger) external;
        function setBufferMax(bytes32 taskTypeId, uint256 maxBuffer) external;
        function setOverflowMeter(address overflowMeter) external;
        function setWorkReserve(address workReserve) external;
        function setWorkMisses(address workMisses) external;
        function setJudge(address judge) external;
        function setBackpressurePool(address pool) external;
        function setWorkLedger(address workLedger) external;
        function createPipeline(bytes32 pipelineId, bytes32[] memory stages) external;
        function handOver(address newOwner) external;
    }

    /// The adapter of a domain, as UniversalCapacityAdapter sees it. `normalizeCapacity` turns a signal of the domain's own
    /// into units of 1e-9; `verifyAttestation` says whether an attestation is genuine, whose it is, and what capacity it
    /// attests, in the same units.
    interface ICapacityAdapter {
        function domainId() external view returns (bytes32);
        function domainDescription() external view returns (string memory);
        function normalizeCapacity(bytes rawSignal) external view returns (uint256 normalizedCapacity);
        function verifyAttestation(bytes attestation) external view returns (bool valid, address sink, uint256 capacity);
    }

    /// What the adapter of a domain has besides, so that an attestation counts once: the number of an attestation among
    /// those of its sink. What proves the attestation genuine has to cover it, and of however many byte strings that are
    /// read as the same attestation it is the same. Later attestations have higher numbers; a time in seconds will do.
    interface ISequencedAdapter {
        function attestationNonce(bytes attestation) external view returns (uint256 nonce);
    }

    /// What the adapter of a domain with several task types has besides: for which one an attestation is.
    interface ITaskTypeAdapter {
        function taskTypeOf(bytes attestation) external view returns (bytes32 taskTypeId);
    }

    /// The adapter of a payment protocol, as CrossProtocolRouter sees it.
    ///
    /// `execute` pays `amount` to `recipient`, or reverts, and the payer has it back. Ether comes as the call's value; of a token
    /// the adapter takes exactly `amount` from the router, which has approved it. `paymentId` never comes a second time from
    /// one router; `data` is what the payer has to say to the protocol, of the protocol's own format, and may be empty. The
    /// answer is 1 while the payment is pending; anything else, or nothing, that it is settled. While `execute` runs, the router
    /// is closed: what comes of a pending payment is reported later.
    ///
    /// `accepts` says whether the adapter pays in `token`; zero for ether. `token` is the one that it pays in besides ether.
    interface IProtocolAdapter {
        function execute(bytes32 paymentId, address recipient, uint256 amount, bytes data) external payable returns (uint8 outcome);
        function accepts(address token) external view returns (bool);
        function token() external view returns (address);
    }

    /// CrossProtocolRouter, as the adapter of a pending payment sees it. To refund one, the adapter sends the ether along, or
    /// approves the router for the tokens, which it takes.
    interface IProtocolRouter {
        function reportSettled(bytes32 paymentId) external;
        function reportRefunded(bytes32 paymentId) external payable;
    }

    /// StakeManager, as OpenClawCapacityAdapter, ServiceDirectory and UniversalCapacityAdapter see it.
    interface IStakes {
        function getStake(address sink) external view returns (uint256);
        function minSinkStake() external view returns (uint256);
        function getCapacityCap(address sink) external view returns (uint256);
    }

    /// OpenClawCapacityAdapter, as OpenClawCompletionVerifier sees it: a struct of words is encoded as the words.
    interface IAgentDirectory {
        function getAgent(bytes32 agentId) external view returns (address operator, bytes32 skillTypeId, uint256 smoothedCapacity, uint256 lastUpdated, bool active);
    }

    /// CompletionTracker, as a verifier of completions sees it.
    interface ICompletionTracker {
        function recordEvidence(bytes32 taskTypeId, address source, bytes attestation) external;
        function getCompletions(bytes32 taskTypeId, address sink) external view returns (uint256);
        function getCompletionRate(bytes32 taskTypeId, address sink) external view returns (uint256);
    }

    /// OpenClawReputationBridge, as OpenClawCompletionVerifier sees it.
    interface ICompletionReporter {
        function reportCompletion(address operator, bytes32 skillTypeId) external;
    }

    /// ReputationLedger, as a recorder of a domain sees it: a struct of words is encoded as the words.
    interface IReputationRecords {
        function recordPositive(address account, bytes32 domain, uint256 points) external;
        function recordNegative(address account, bytes32 domain, uint256 points) external;
        function recordSlash(bytes32 taskTypeId, address account) external;
        function domainOf(bytes32 taskTypeId) external view returns (bytes32 domain);
        function getAggregateReputation(address account) external view returns (uint256 aggregateScore);
        function getDomainReputation(address account, bytes32 domain) external view returns (uint256 score, uint256 stakeDuration, uint256 completions, uint256 slashCount, uint256 lastUpdated);
        function getStakeDiscount(address account, bytes32 domain) external view returns (uint256 discountBps);
    }
}
