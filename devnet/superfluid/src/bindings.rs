//! What users of Superfluid call, as alloy bindings: a subset of the published interfaces, checked against the
//! artefacts by a test. Overloaded functions carry alloy's suffixes (`registerApp_0`, `claimAll_1`, …).

#![allow(clippy::too_many_arguments, reason = "Solidity's signatures")]

use alloy::sol;

pub use errors::SuperfluidErrors::{self, SuperfluidErrorsErrors as SuperfluidError};

sol! {
    /// The host: the registry of agreements and Super Apps, and the entrance to both.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ISuperfluid {
        struct Context {
            uint8 appCallbackLevel;
            uint8 callType;
            uint256 timestamp;
            address msgSender;
            bytes4 agreementSelector;
            bytes userData;
            uint256 appCreditGranted;
            uint256 appCreditWantedDeprecated;
            int256 appCreditUsed;
            address appAddress;
            address appCreditToken;
        }

        struct Operation {
            uint32 operationType;
            address target;
            bytes data;
        }

        event AppRegistered(address indexed app);
        event Jail(address indexed app, uint256 reason);

        function APP_WHITE_LISTING_ENABLED() external view returns (bool);
        function CALLBACK_GAS_LIMIT() external view returns (uint64);

        function getGovernance() external view returns (address);
        function getSimpleACL() external view returns (address);
        function getSuperTokenFactory() external view returns (address factory);
        function getAgreementClass(bytes32 agreementType) external view returns (address agreementClass);
        function isAgreementClassListed(address agreementClass) external view returns (bool yes);
        function isTrustedForwarder(address forwarder) external view returns (bool);

        /// The caller registers itself.
        function registerApp(uint256 configWord) external;
        /// The caller registers another contract.
        function registerApp(address app, uint256 configWord) external;
        function registerAppWithKey(uint256 configWord, string calldata registrationKey) external;
        function registerAppByFactory(address app, uint256 configWord) external;
        function isApp(address app) external view returns (bool);
        function isAppJailed(address app) external view returns (bool);
        function getAppCallbackLevel(address appAddr) external view returns (uint8);
        function getAppManifest(address app)
            external view returns (bool isSuperApp, bool isJailed, uint256 noopMask);
        function allowCompositeApp(address targetApp) external;

        /// `callData` is the agreement's call, with an empty `ctx` that the host fills in.
        function callAgreement(address agreementClass, bytes calldata callData, bytes calldata userData)
            external returns (bytes memory returnedData);
        function callAgreementWithContext(
            address agreementClass,
            bytes calldata callData,
            bytes calldata userData,
            bytes calldata ctx
        ) external returns (bytes memory newCtx, bytes memory returnedData);
        function callAppAction(address app, bytes calldata callData) external returns (bytes memory returnedData);
        function batchCall(Operation[] calldata operations) external payable;
        function forwardBatchCall(Operation[] calldata operations) external payable;
        function decodeCtx(bytes calldata ctx) external pure returns (Context memory context);
        function isCtxValid(bytes calldata ctx) external view returns (bool);
        function getNow() external view returns (uint256);
    }

    /// The CFA: streams from one account to another. State is changed through the host.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IConstantFlowAgreementV1 {
        event FlowUpdated(
            address indexed token,
            address indexed sender,
            address indexed receiver,
            int96 flowRate,
            int256 totalSenderFlowRate,
            int256 totalReceiverFlowRate,
            bytes userData
        );
        event FlowUpdatedExtension(address indexed flowOperator, uint256 deposit);
        event FlowOperatorUpdated(
            address indexed token,
            address indexed sender,
            address indexed flowOperator,
            uint8 permissions,
            int96 flowRateAllowance
        );

        function agreementType() external pure returns (bytes32);

        function createFlow(address token, address receiver, int96 flowRate, bytes calldata ctx)
            external returns (bytes memory newCtx);
        function updateFlow(address token, address receiver, int96 flowRate, bytes calldata ctx)
            external returns (bytes memory newCtx);
        function deleteFlow(address token, address sender, address receiver, bytes calldata ctx)
            external returns (bytes memory newCtx);
        function createFlowByOperator(
            address token, address sender, address receiver, int96 flowRate, bytes calldata ctx
        ) external returns (bytes memory newCtx);
        function updateFlowByOperator(
            address token, address sender, address receiver, int96 flowRate, bytes calldata ctx
        ) external returns (bytes memory newCtx);
        function deleteFlowByOperator(address token, address sender, address receiver, bytes calldata ctx)
            external returns (bytes memory newCtx);
        function updateFlowOperatorPermissions(
            address token, address flowOperator, uint8 permissions, int96 flowRateAllowance, bytes calldata ctx
        ) external returns (bytes memory newCtx);
        function authorizeFlowOperatorWithFullControl(address token, address flowOperator, bytes calldata ctx)
            external returns (bytes memory newCtx);
        function revokeFlowOperatorWithFullControl(address token, address flowOperator, bytes calldata ctx)
            external returns (bytes memory newCtx);

        function getFlow(address token, address sender, address receiver)
            external view returns (uint256 timestamp, int96 flowRate, uint256 deposit, uint256 owedDeposit);
        function getAccountFlowInfo(address token, address account)
            external view returns (uint256 timestamp, int96 flowRate, uint256 deposit, uint256 owedDeposit);
        function getNetFlow(address token, address account) external view returns (int96 flowRate);
        function getFlowOperatorData(address token, address sender, address flowOperator)
            external view returns (bytes32 flowOperatorId, uint8 permissions, int96 flowRateAllowance);
        function getDepositRequiredForFlowRate(address token, int96 flowRate) external view returns (uint256 deposit);
        function getMaximumFlowRateFromDeposit(address token, uint256 deposit) external view returns (int96 flowRate);
        function isPatricianPeriodNow(address token, address account)
            external view returns (bool isCurrentlyPatricianPeriod, uint256 timestamp);
    }

    /// How units of a pool may move and who may distribute to it.
    #[derive(Debug)]
    struct PoolConfig {
        bool transferabilityForUnitsOwner;
        bool distributionFromAnyAddress;
    }

    /// The GDA: distributions to pools. State is changed through the host, except that pools are created directly.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IGeneralDistributionAgreementV1 {
        event PoolCreated(address indexed token, address indexed admin, address pool);
        event PoolConnectionUpdated(
            address indexed token, address indexed pool, address indexed account, bool connected, bytes userData
        );
        event InstantDistributionUpdated(
            address indexed token,
            address indexed pool,
            address indexed distributor,
            address operator,
            uint256 requestedAmount,
            uint256 actualAmount,
            bytes userData
        );
        event FlowDistributionUpdated(
            address indexed token,
            address indexed pool,
            address indexed distributor,
            address operator,
            int96 oldFlowRate,
            int96 newDistributorToPoolFlowRate,
            int96 newTotalDistributionFlowRate,
            address adjustmentFlowRecipient,
            int96 adjustmentFlowRate,
            bytes userData
        );
        event BufferAdjusted(
            address indexed token,
            address indexed pool,
            address indexed from,
            int256 bufferDelta,
            uint256 newBufferAmount,
            uint256 totalBufferAmount
        );

        function agreementType() external pure returns (bytes32);
        function superfluidPoolBeacon() external view returns (address);

        function createPool(address token, address admin, PoolConfig memory config) external returns (address pool);
        function connectPool(address pool, bytes calldata ctx) external returns (bytes memory newCtx);
        function disconnectPool(address pool, bytes calldata ctx) external returns (bytes memory newCtx);
        function tryConnectPoolFor(address pool, address memberAddr, bytes calldata ctx)
            external returns (bool success, bytes memory newCtx);
        function setConnectPermission(bool allow) external;
        function claimAll(address untrustedPool, address memberAddress, bytes calldata ctx)
            external returns (bytes memory newCtx);
        function updateMemberUnits(
            address untrustedPool, address memberAddress, uint128 newUnits, bytes calldata ctx
        ) external returns (bytes memory newCtx);
        function distribute(
            address token, address from, address pool, uint256 requestedAmount, bytes calldata ctx
        ) external returns (bytes memory newCtx);
        function distributeFlow(
            address token, address from, address pool, int96 requestedFlowRate, bytes calldata ctx
        ) external returns (bytes memory newCtx);

        function isPool(address token, address account) external view returns (bool);
        function isMemberConnected(address pool, address member) external view returns (bool);
        function getNetFlow(address token, address account) external view returns (int96 netFlowRate);
        function getFlowRate(address token, address from, address to) external view returns (int96);
        function getFlow(address token, address from, address to)
            external view returns (uint256 lastUpdated, int96 flowRate, uint256 deposit);
        function getAccountFlowInfo(address token, address account)
            external view returns (uint256 timestamp, int96 flowRate, uint256 deposit);
        function getPoolAdjustmentFlowRate(address pool) external view returns (int96);
        function getPoolAdjustmentFlowInfo(address pool)
            external view returns (address recipient, bytes32 flowHash, int96 flowRate);
        function estimateFlowDistributionActualFlowRate(
            address token, address from, address to, int96 requestedFlowRate
        ) external view returns (int96 actualFlowRate, int96 totalDistributionFlowRate);
        function estimateDistributionActualAmount(address token, address from, address to, uint256 requestedAmount)
            external view returns (uint256 actualAmount);
    }

    /// A pool of the GDA: members with units, paid in proportion.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ISuperfluidPool {
        event MemberUnitsUpdated(address indexed token, address indexed member, uint128 oldUnits, uint128 newUnits);
        event DistributionClaimed(
            address indexed token, address indexed member, int256 claimedAmount, int256 totalClaimed
        );

        function admin() external view returns (address);
        function superToken() external view returns (address);
        function distributionFromAnyAddress() external view returns (bool);

        function updateMemberUnits(address memberAddr, uint128 newUnits) external returns (bool);
        function increaseMemberUnits(address memberAddr, uint128 addedUnits) external returns (bool);
        function decreaseMemberUnits(address memberAddr, uint128 subtractedUnits) external returns (bool);
        function claimAll(address memberAddr) external returns (bool);
        function claimAll() external returns (bool);

        function getUnits(address memberAddr) external view returns (uint128);
        function getTotalUnits() external view returns (uint128);
        function getTotalConnectedUnits() external view returns (uint128);
        function getTotalDisconnectedUnits() external view returns (uint128);
        function getTotalFlowRate() external view returns (int96);
        function getTotalConnectedFlowRate() external view returns (int96);
        function getTotalDisconnectedFlowRate() external view returns (int96 flowRate);
        function getMemberFlowRate(address memberAddr) external view returns (int96);
        function getTotalAmountReceivedByMember(address memberAddr) external view returns (uint256);
        function getClaimable(address memberAddr, uint32 time) external view returns (int256);
        function getClaimableNow(address memberAddr)
            external view returns (int256 claimableBalance, uint256 timestamp);
        function getDisconnectedBalance(uint32 time) external view returns (int256 balance);
    }

    /// An ERC-20 with balances that agreements change by the second; 18 decimals, whatever it wraps.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ISuperToken {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event Approval(address indexed owner, address indexed spender, uint256 value);
        event TokenUpgraded(address indexed account, uint256 amount);
        event TokenDowngraded(address indexed account, uint256 amount);
        event AgreementLiquidatedV2(
            address indexed agreementClass,
            bytes32 id,
            address indexed liquidatorAccount,
            address indexed targetAccount,
            address rewardAmountReceiver,
            uint256 rewardAmount,
            int256 targetAccountBalanceDelta,
            bytes liquidationTypeData
        );

        function name() external view returns (string memory);
        function symbol() external view returns (string memory);
        function decimals() external pure returns (uint8);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256 balance);
        function allowance(address account, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address recipient, uint256 amount) external returns (bool);
        function transferFrom(address holder, address recipient, uint256 amount) external returns (bool);
        function transferAll(address recipient) external;

        function getHost() external view returns (address host);
        function getUnderlyingToken() external view returns (address);
        function getUnderlyingDecimals() external view returns (uint8);
        /// Amounts are the Super Token's, of 18 decimals.
        function upgrade(uint256 amount) external;
        function upgradeTo(address to, uint256 amount, bytes calldata userData) external;
        function downgrade(uint256 amount) external;
        function downgradeTo(address to, uint256 amount) external;

        function realtimeBalanceOf(address account, uint256 timestamp)
            external view returns (int256 availableBalance, uint256 deposit, uint256 owedDeposit);
        function realtimeBalanceOfNow(address account)
            external view returns (int256 availableBalance, uint256 deposit, uint256 owedDeposit, uint256 timestamp);
        function isAccountCriticalNow(address account) external view returns (bool isCritical);
        function isAccountSolventNow(address account) external view returns (bool isSolvent);
        function getAccountActiveAgreements(address account) external view returns (address[] memory);
    }

    /// Makes Super Tokens. `upgradability`: 1 follows governance only by choice, 2 always.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ISuperTokenFactory {
        event SuperTokenCreated(address indexed token);

        function createERC20Wrapper(
            address underlyingToken,
            uint8 underlyingDecimals,
            uint8 upgradability,
            string calldata name,
            string calldata symbol,
            address admin
        ) external returns (address superToken);
        function getSuperTokenLogic() external view returns (address);
    }

    /// The CFA for plain accounts: one call instead of an encoded one through the host.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ICFAv1Forwarder {
        function setFlowrate(address token, address receiver, int96 flowrate) external returns (bool);
        function setFlowrateFrom(address token, address sender, address receiver, int96 flowrate)
            external returns (bool);
        function createFlow(
            address token, address sender, address receiver, int96 flowrate, bytes memory userData
        ) external returns (bool);
        function updateFlow(
            address token, address sender, address receiver, int96 flowrate, bytes memory userData
        ) external returns (bool);
        function deleteFlow(address token, address sender, address receiver, bytes memory userData)
            external returns (bool);
        function grantPermissions(address token, address flowOperator) external returns (bool);
        function revokePermissions(address token, address flowOperator) external returns (bool);
        function updateFlowOperatorPermissions(
            address token, address flowOperator, uint8 permissions, int96 flowrateAllowance
        ) external returns (bool);

        function getFlowrate(address token, address sender, address receiver) external view returns (int96 flowrate);
        function getFlowInfo(address token, address sender, address receiver)
            external view returns (uint256 lastUpdated, int96 flowrate, uint256 deposit, uint256 owedDeposit);
        function getAccountFlowrate(address token, address account) external view returns (int96 flowrate);
        function getAccountFlowInfo(address token, address account)
            external view returns (uint256 lastUpdated, int96 flowrate, uint256 deposit, uint256 owedDeposit);
        function getBufferAmountByFlowrate(address token, int96 flowrate)
            external view returns (uint256 bufferAmount);
    }

    /// The GDA for plain accounts.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IGDAv1Forwarder {
        function createPool(address token, address admin, PoolConfig memory config)
            external returns (bool success, address pool);
        function connectPool(address pool, bytes memory userData) external returns (bool);
        function disconnectPool(address pool, bytes memory userData) external returns (bool);
        function claimAll(address pool, address memberAddress, bytes memory userData) external returns (bool success);
        function updateMemberUnits(address pool, address memberAddress, uint128 newUnits, bytes memory userData)
            external returns (bool success);
        function distribute(
            address token, address from, address pool, uint256 requestedAmount, bytes memory userData
        ) external returns (bool);
        function distributeFlow(
            address token, address from, address pool, int96 requestedFlowRate, bytes memory userData
        ) external returns (bool);

        function isPool(address token, address account) external view returns (bool);
        function isMemberConnected(address pool, address member) external view returns (bool);
        function getNetFlow(address token, address account) external view returns (int96);
        function getFlowDistributionFlowRate(address token, address from, address to) external view returns (int96);
        function getPoolAdjustmentFlowRate(address pool) external view returns (int96);
        function estimateFlowDistributionActualFlowRate(
            address token, address from, address to, int96 requestedFlowRate
        ) external view returns (int96 actualFlowRate, int96 totalDistributionFlowRate);
    }

    /// Runs a macro for the caller: its operations in one batch of the host's, then its check.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IBlindMacroForwarder {
        event MacroExecuted(address indexed signer, address indexed macroContract);

        function buildBatchOperations(address m, bytes calldata params)
            external view returns (ISuperfluid.Operation[] memory operations);
        function runMacro(address m, bytes calldata params) external payable returns (bool);
    }

    /// Runs a macro for whoever has signed it as typed data, sent by a provider that governance knows, or by the signer.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IClearMacroForwarderV1 {
        struct EncodedAction {
            bytes params;
        }
        struct Security {
            string domain;
            address macroContract;
            string provider;
            uint256 validAfter;
            uint256 validBefore;
            uint256 nonce;
        }
        struct Payload {
            EncodedAction action;
            Security security;
        }

        event MacroExecuted(address indexed signer, address indexed macroContract, bytes32 indexed providerRole);

        error InvalidNonce(address sender, uint256 nonce);
        error InvalidPayload(string message);
        error InvalidSignature();
        error MacroContractMismatch(address signedMacro, address executionMacro);
        error OutsideValidityWindow(uint256 blockTimestamp, uint256 validAfter, uint256 validBefore);
        error ProviderNotAuthorized(string provider, address msgSender);

        function runMacro(address m, bytes calldata encodedPayload, address signer, bytes calldata signature)
            external payable returns (bool);
        function encodeParams(bytes calldata actionParams, Security calldata security)
            external pure returns (bytes memory encodedPayload);
        function getTypeDefinition(address m, bytes calldata encodedPayload) external view returns (string memory);
        function getStructHash(address m, bytes calldata encodedPayload) external view returns (bytes32);
        function getDigest(address m, bytes calldata encodedPayload) external view returns (bytes32);
        function getNonce(address sender, uint192 key) external view returns (uint256);
        function eip712Domain() external view returns (
            bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract,
            bytes32 salt, uint256[] memory extensions
        );
    }

    /// The framework's roles: providers of the typed data forwarder, deployers of Super Apps.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ISimpleACL {
        function hasRole(bytes32 role, address account) external view returns (bool);
        function grantRole(bytes32 role, address account) external;
    }

    /// The governance contract of the test framework: its owner decides at once.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ITestGovernance {
        function owner() external view returns (address);
        function initialize(
            address host,
            address rewardAddress,
            uint256 liquidationPeriod,
            uint256 patricianPeriod,
            address[] calldata trustedForwarders
        ) external;
        function registerAgreementClass(address host, address agreementClass) external;
        function updateContracts(
            address host,
            address hostNewLogic,
            address[] calldata agreementClassNewLogics,
            address superTokenFactoryNewLogic,
            address poolBeaconNewLogic
        ) external;
        function enableTrustedForwarder(address host, address superToken, address forwarder) external;
        function setAppRegistrationKey(
            address host, address deployer, string calldata registrationKey, uint256 expirationTs
        ) external;
        function setPPPConfig(
            address host, address superToken, uint256 liquidationPeriod, uint256 patricianPeriod
        ) external;
        function setRewardAddress(address host, address superToken, address rewardAddress) external;
        function setSuperTokenMinimumDeposit(address host, address superToken, uint256 value) external;
    }

    /// An ERC-20 that anyone may mint: the devnet's USDC.
    #[sol(rpc)]
    #[derive(Debug)]
    interface ITestToken {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event Approval(address indexed owner, address indexed spender, uint256 value);

        function mint(address account, uint256 amount) external returns (bool);
        function name() external view returns (string memory);
        function symbol() external view returns (string memory);
        function decimals() external view returns (uint8);
        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }
}

/// A module of its own only for the sake of the shorter name given to its enum above.
mod errors {
    alloy::sol! {
        /// All custom errors of the protocol, in one place: they pass through the host and the forwarders unchanged,
        /// so that a call of one contract fails with the error of another.
        #[derive(Debug, PartialEq, Eq)]
        interface SuperfluidErrors {
            // Host
            error APP_RULE(uint256 _code);
            error HOST_AGREEMENT_ALREADY_REGISTERED();
            error HOST_AGREEMENT_CALLBACK_IS_NOT_ACTION();
            error HOST_AGREEMENT_IS_NOT_REGISTERED();
            error HOST_CALL_AGREEMENT_WITH_CTX_FROM_WRONG_ADDRESS();
            error HOST_CALL_APP_ACTION_WITH_CTX_FROM_WRONG_ADDRESS();
            error HOST_CANNOT_DOWNGRADE_TO_NON_UPGRADEABLE();
            error HOST_INVALID_CONFIG_WORD();
            error HOST_MAX_256_AGREEMENTS();
            error HOST_MUST_BE_CONTRACT();
            error HOST_NEED_MORE_GAS();
            error HOST_NON_UPGRADEABLE();
            error HOST_NON_ZERO_LENGTH_PLACEHOLDER_CTX();
            error HOST_NOT_A_SUPER_APP();
            error HOST_NO_APP_REGISTRATION_PERMISSION();
            error HOST_ONLY_GOVERNANCE();
            error HOST_ONLY_LISTED_AGREEMENT();
            error HOST_RECEIVER_IS_NOT_SUPER_APP();
            error HOST_SENDER_IS_NOT_SUPER_APP();
            error HOST_SOURCE_APP_NEEDS_HIGHER_APP_LEVEL();
            error HOST_SUPER_APP_ALREADY_REGISTERED();
            error HOST_SUPER_APP_IS_JAILED();
            error HOST_UNKNOWN_BATCH_CALL_OPERATION_TYPE();

            // Agreements
            error AGREEMENT_BASE_ONLY_HOST();
            error CFA_ACL_FLOW_RATE_ALLOWANCE_EXCEEDED();
            error CFA_ACL_NO_NEGATIVE_ALLOWANCE();
            error CFA_ACL_NO_SENDER_CREATE();
            error CFA_ACL_NO_SENDER_FLOW_OPERATOR();
            error CFA_ACL_NO_SENDER_UPDATE();
            error CFA_ACL_OPERATOR_NO_CREATE_PERMISSIONS();
            error CFA_ACL_OPERATOR_NO_DELETE_PERMISSIONS();
            error CFA_ACL_OPERATOR_NO_UPDATE_PERMISSIONS();
            error CFA_ACL_UNCLEAN_PERMISSIONS();
            error CFA_DEPOSIT_TOO_BIG();
            error CFA_FLOW_ALREADY_EXISTS();
            error CFA_FLOW_DOES_NOT_EXIST();
            error CFA_FLOW_RATE_TOO_BIG();
            error CFA_FWD_INVALID_FLOW_RATE();
            error CFA_HOOK_OUT_OF_GAS();
            error CFA_INSUFFICIENT_BALANCE();
            error CFA_INVALID_FLOW_RATE();
            error CFA_NON_CRITICAL_SENDER();
            error CFA_NO_SELF_FLOW();
            error CFA_ZERO_ADDRESS_RECEIVER();
            error CFA_ZERO_ADDRESS_SENDER();
            error GDA_ADMIN_CANNOT_BE_POOL();
            error GDA_CANNOT_CONNECT_POOL();
            error GDA_DISTRIBUTE_FOR_OTHERS_NOT_ALLOWED();
            error GDA_DISTRIBUTE_FROM_ANY_ADDRESS_NOT_ALLOWED();
            error GDA_FLOW_DOES_NOT_EXIST();
            error GDA_INSUFFICIENT_BALANCE();
            error GDA_NON_CRITICAL_SENDER();
            error GDA_NOT_POOL_ADMIN();
            error GDA_NO_NEGATIVE_FLOW_RATE();
            error GDA_NO_ZERO_ADDRESS_ADMIN();
            error GDA_ONLY_SUPER_TOKEN_POOL();

            // Pool
            error SUPERFLUID_POOL_INVALID_TIME();
            error SUPERFLUID_POOL_NOT_GDA();
            error SUPERFLUID_POOL_NOT_POOL_ADMIN_OR_GDA();
            error SUPERFLUID_POOL_NO_POOL_MEMBERS();
            error SUPERFLUID_POOL_NO_ZERO_ADDRESS();
            error SUPERFLUID_POOL_SELF_TRANSFER_NOT_ALLOWED();
            error SUPERFLUID_POOL_TRANSFER_UNITS_NOT_ALLOWED();

            // Super Token and factory
            error SF_TOKEN_AGREEMENT_ALREADY_EXISTS();
            error SF_TOKEN_AGREEMENT_DOES_NOT_EXIST();
            error SF_TOKEN_BURN_INSUFFICIENT_BALANCE();
            error SF_TOKEN_MOVE_INSUFFICIENT_BALANCE();
            error SF_TOKEN_ONLY_HOST();
            error SF_TOKEN_ONLY_LISTED_AGREEMENT();
            error SUPER_TOKEN_APPROVE_FROM_ZERO_ADDRESS();
            error SUPER_TOKEN_APPROVE_TO_ZERO_ADDRESS();
            error SUPER_TOKEN_BURN_FROM_ZERO_ADDRESS();
            error SUPER_TOKEN_CALLER_IS_NOT_OPERATOR_FOR_HOLDER();
            error SUPER_TOKEN_FACTORY_NON_UPGRADEABLE_IS_DEPRECATED();
            error SUPER_TOKEN_FACTORY_ONLY_HOST();
            error SUPER_TOKEN_FACTORY_ZERO_ADDRESS();
            error SUPER_TOKEN_INFLATIONARY_DEFLATIONARY_NOT_SUPPORTED();
            error SUPER_TOKEN_MINT_TO_ZERO_ADDRESS();
            error SUPER_TOKEN_NFT_PROXY_ADDRESS_CHANGED();
            error SUPER_TOKEN_NOT_ERC777_TOKENS_RECIPIENT();
            error SUPER_TOKEN_NO_UNDERLYING_TOKEN();
            error SUPER_TOKEN_ONLY_ADMIN();
            error SUPER_TOKEN_ONLY_GOV_OWNER();
            error SUPER_TOKEN_ONLY_SELF();
            error SUPER_TOKEN_PERMIT_EXPIRED_SIGNATURE(uint256 deadline);
            error SUPER_TOKEN_PERMIT_INVALID_SIGNER(address signer, address owner);
            error SUPER_TOKEN_TRANSFER_FROM_ZERO_ADDRESS();
            error SUPER_TOKEN_TRANSFER_TO_ZERO_ADDRESS();

            // Libraries
            error ECDSAInvalidSignature();
            error ECDSAInvalidSignatureLength(uint256 length);
            error ECDSAInvalidSignatureS(bytes32 s);
            error SafeCastOverflowedIntDowncast(uint8 bits, int256 value);
            error SafeCastOverflowedIntToUint(int256 value);
            error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value);
            error SafeCastOverflowedUintToInt(uint256 value);
            error SafeERC20FailedOperation(address token);
        }
    }
}
