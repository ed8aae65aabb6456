// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

interface IHost {
    function registerApp(uint256 configWord) external;
    function callAgreementWithContext(
        address agreementClass,
        bytes calldata callData,
        bytes calldata userData,
        bytes calldata ctx
    ) external returns (bytes memory newCtx, bytes memory returnedData);
}

interface ICFA {
    function createFlow(address token, address receiver, int96 flowRate, bytes calldata ctx)
        external
        returns (bytes memory newCtx);
    function deleteFlow(address token, address sender, address receiver, bytes calldata ctx)
        external
        returns (bytes memory newCtx);
    function getFlowByID(address token, bytes32 flowId)
        external
        view
        returns (uint256 timestamp, int96 flowRate, uint256 deposit, uint256 owedDeposit);
}

/// The smallest Super App: passes the one stream it receives on to someone else, for as long as it lasts.
contract Redirect {
    uint256 private constant APP_LEVEL_FINAL = 1;
    uint256 private constant BEFORE_AGREEMENT_CREATED_NOOP = 1 << 32;
    uint256 private constant BEFORE_AGREEMENT_UPDATED_NOOP = 1 << 34;
    uint256 private constant AFTER_AGREEMENT_UPDATED_NOOP = 1 << 35;
    uint256 private constant BEFORE_AGREEMENT_TERMINATED_NOOP = 1 << 36;

    IHost private immutable host;
    ICFA private immutable cfa;
    address private immutable receiver;

    error NotHost(address caller);

    constructor(IHost host_, ICFA cfa_, address receiver_) {
        host = host_;
        cfa = cfa_;
        receiver = receiver_;
        host_.registerApp(
            APP_LEVEL_FINAL | BEFORE_AGREEMENT_CREATED_NOOP | BEFORE_AGREEMENT_UPDATED_NOOP
                | AFTER_AGREEMENT_UPDATED_NOOP | BEFORE_AGREEMENT_TERMINATED_NOOP
        );
    }

    function afterAgreementCreated(
        address token,
        address,
        bytes32 agreementId,
        bytes calldata,
        bytes calldata,
        bytes calldata ctx
    ) external returns (bytes memory) {
        (, int96 flowRate,,) = cfa.getFlowByID(token, agreementId);
        return _call(abi.encodeCall(ICFA.createFlow, (token, receiver, flowRate, "")), ctx);
    }

    function afterAgreementTerminated(
        address token,
        address,
        bytes32,
        bytes calldata,
        bytes calldata,
        bytes calldata ctx
    ) external returns (bytes memory) {
        return _call(abi.encodeCall(ICFA.deleteFlow, (token, address(this), receiver, "")), ctx);
    }

    function _call(bytes memory callData, bytes calldata ctx) private returns (bytes memory newCtx) {
        require(msg.sender == address(host), NotHost(msg.sender));
        (newCtx,) = host.callAgreementWithContext(address(cfa), callData, "", ctx);
    }
}
