// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

interface IERC1820Registry {
    function setInterfaceImplementer(address account, bytes32 interfaceHash, address implementer) external;
}

/// Does anything, any number of things in one transaction, with the capital that it holds, and again whenever a Super Token
/// arrives: the hook of ERC-777.
contract PasserBy {
    struct Step {
        address target;
        bytes data;
    }

    Step[] private onReceipt;
    bool private refuses;
    uint256 public hooks;
    uint256 public failures;

    constructor() {
        IERC1820Registry registry = IERC1820Registry(0x1820a4B7618BdE71Dce8cdc73aAB6C95905faD24);
        registry.setInterfaceImplementer(address(this), keccak256("ERC777TokensRecipient"), address(this));
    }

    /// What fails is passed over: the next step may be the one that pays.
    function act(Step[] calldata steps) external {
        for (uint256 i = 0; i < steps.length; i++) {
            (bool success,) = steps[i].target.call(steps[i].data);
            if (!success) failures++;
        }
    }

    /// What is done whenever tokens arrive, and whether they are refused then.
    function arm(Step[] calldata steps, bool refuses_) external {
        delete onReceipt;
        for (uint256 i = 0; i < steps.length; i++) onReceipt.push(steps[i]);
        refuses = refuses_;
    }

    function tokensReceived(address, address, address, uint256, bytes calldata, bytes calldata) external {
        hooks++;
        for (uint256 i = 0; i < onReceipt.length; i++) {
            (bool success,) = onReceipt[i].target.call(onReceipt[i].data);
            if (!success) failures++;
        }
        require(!refuses, "refused");
    }
}
