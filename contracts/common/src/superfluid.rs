//! Superfluid (1.15.2), as far as the suite calls it.
//!
//! State of an agreement is changed through the host, by `callAgreement`. A pool's units are its admin's to set, directly.

use alloc::vec::Vec;
use alloy_primitives::Address;
use alloy_sol_types::{sol, SolCall};

use crate::{call::calldata, events::Word};

sol! {
    /// The host: the entrance to all agreements.
    interface ISuperfluid {
        function getAgreementClass(bytes32 agreementType) external view returns (address agreementClass);
        function callAgreement(address agreementClass, bytes callData, bytes userData) external returns (bytes memory returnedData);
    }

    struct PoolConfig {
        bool transferabilityForUnitsOwner;
        bool distributionFromAnyAddress;
    }

    /// The general distribution agreement: a stream to all members of a pool.
    interface IGeneralDistributionAgreementV1 {
        function createPool(address token, address admin, PoolConfig memory config) external returns (address pool);
        function distribute(address token, address from, address pool, uint256 requestedAmount, bytes ctx) external returns (bytes memory newCtx);
        function distributeFlow(address token, address from, address pool, int96 requestedFlowRate, bytes ctx) external returns (bytes memory newCtx);
        function tryConnectPoolFor(address pool, address memberAddr, bytes ctx) external returns (bool success, bytes memory newCtx);
        function getFlow(address token, address from, address to) external view returns (uint256 lastUpdated, int96 flowRate, uint256 deposit);
        function disconnectPool(address pool, bytes ctx) external returns (bytes memory newCtx);
        function setConnectPermission(bool allow) external;
        function getPoolAdjustmentFlowRate(address pool) external view returns (int96);
    }

    /// A pool of the general distribution agreement.
    interface ISuperfluidPool {
        function admin() external view returns (address);
        function getUnits(address memberAddr) external view returns (uint128);
        function getTotalUnits() external view returns (uint128);
        function getTotalFlowRate() external view returns (int96);
        function getTotalAmountReceivedByMember(address memberAddr) external view returns (uint256);
        function updateMemberUnits(address memberAddr, uint128 newUnits) external returns (bool);
        function claimAll(address memberAddr) external returns (bool);
        function poolOperatorGetIndex() external view returns (uint128 totalUnits, uint32 settledAt, int96 flowRatePerUnit, int256 settledValue);
    }

    /// The constant flow agreement: a stream from one account to another, also by an operator that the sender has authorised.
    interface IConstantFlowAgreementV1 {
        function createFlowByOperator(address token, address sender, address receiver, int96 flowRate, bytes ctx) external returns (bytes memory newCtx);
        function updateFlowByOperator(address token, address sender, address receiver, int96 flowRate, bytes ctx) external returns (bytes memory newCtx);
        function deleteFlowByOperator(address token, address sender, address receiver, bytes ctx) external returns (bytes memory newCtx);
        function getFlow(address token, address sender, address receiver) external view returns (uint256 timestamp, int96 flowRate, uint256 deposit, uint256 owedDeposit);
    }

    /// What an ERC-20 token of Superfluid can besides.
    interface ISuperToken {
        function getHost() external view returns (address host);
    }
}

/// `keccak256("org.superfluid-finance.agreements.GeneralDistributionAgreement.v1")`: under this the host knows the GDA.
pub const GDA_V1: alloy_primitives::B256 =
    alloy_primitives::b256!("dfd8ece9bfbcb8c5c540edb935641f63d67686490a1ab97f000288759f30a946");

/// `keccak256("org.superfluid-finance.agreements.ConstantFlowAgreement.v1")`: under this the host knows the CFA.
pub const CFA_V1: alloy_primitives::B256 =
    alloy_primitives::b256!("a9214cc96615e0085d3bb077758db69497dc2dce3b2b1e97bc93c3d18d83efd3");

/// Calldata of `callAgreement`: `call` is the agreement's function, encoded with an empty `ctx`, which the host fills in.
/// By hand: an encoder for nested bytes is 2 KB of program.
pub fn agreement_call(agreement: Address, call: &[u8], user_data: &[u8]) -> Vec<u8> {
    const HEAD: usize = 3 * 32;
    let call_words = call.len().div_ceil(32).saturating_add(1);
    let user_data_at = HEAD.saturating_add(call_words.saturating_mul(32));
    let mut data = calldata(
        ISuperfluid::callAgreementCall::SELECTOR,
        &[agreement.word(), HEAD.word(), user_data_at.word()],
    );
    push_bytes(&mut data, call);
    push_bytes(&mut data, user_data);
    data
}

/// Calldata that has the host set what `from` distributes into `pool`.
pub fn distribution(
    gda: Address,
    token: Address,
    from: Address,
    pool: Address,
    flow_rate: u128,
) -> Vec<u8> {
    let selector = IGeneralDistributionAgreementV1::distributeFlowCall::SELECTOR;
    agreement_call(gda, &into_pool(selector, token, from, pool, flow_rate), &[])
}

/// Data of an operation of the host's batches that sets what `from` distributes into `pool`: `abi.encode(callData, userData)`.
pub fn distribution_operation(
    token: Address,
    from: Address,
    pool: Address,
    flow_rate: u128,
) -> Vec<u8> {
    let selector = IGeneralDistributionAgreementV1::distributeFlowCall::SELECTOR;
    let call = into_pool(selector, token, from, pool, flow_rate);
    const HEAD: usize = 2 * 32;
    let call_words = call.len().div_ceil(32).saturating_add(1);
    let user_data_at = HEAD.saturating_add(call_words.saturating_mul(32));
    let mut data = calldata([0; 4], &[HEAD.word(), user_data_at.word()]).split_off(4);
    push_bytes(&mut data, &call);
    push_bytes(&mut data, &[]);
    data
}

/// Calldata that has the host distribute `amount` of `from`'s among the members of `pool`, at once.
pub fn instant_distribution(
    gda: Address,
    token: Address,
    from: Address,
    pool: Address,
    amount: u128,
) -> Vec<u8> {
    let selector = IGeneralDistributionAgreementV1::distributeCall::SELECTOR;
    agreement_call(gda, &into_pool(selector, token, from, pool, amount), &[])
}

/// Calldata of a distribution of either kind, with an empty `ctx`, which the host fills in.
fn into_pool(
    selector: [u8; 4],
    token: Address,
    from: Address,
    pool: Address,
    value: u128,
) -> Vec<u8> {
    const HEAD: usize = 5 * 32;
    calldata(
        selector,
        &[
            token.word(),
            from.word(),
            pool.word(),
            value.word(),
            HEAD.word(),
            0_usize.word(),
        ],
    )
}

/// Appends `bytes` as the ABI does: their length, then they themselves, filled up to whole words.
pub fn push_bytes(data: &mut Vec<u8>, bytes: &[u8]) {
    data.extend_from_slice(bytes.len().word().as_slice());
    data.extend_from_slice(bytes);
    let padded = bytes.len().next_multiple_of(32);
    data.resize(
        data.len()
            .saturating_add(padded.saturating_sub(bytes.len())),
        0,
    );
}
