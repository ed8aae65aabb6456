// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// As much of an identity registry of ERC-8004 as ServiceDirectory asks, and one that answers as it likes.
contract Identities {
    enum Behaviour {
        Honest,
        EatsGas,
        ReturnsALot,
        ReturnsTooLittle,
        ReturnsDirt
    }

    Behaviour public behaviour;
    uint256 public count;
    mapping(uint256 agentId => address) private owners;
    mapping(uint256 agentId => address) private wallets;

    function behave(Behaviour value) external {
        behaviour = value;
    }

    function register(string calldata) external returns (uint256 agentId) {
        agentId = ++count;
        owners[agentId] = msg.sender;
    }

    function setAgentWallet(uint256 agentId, address wallet) external {
        require(owners[agentId] == msg.sender, "not the owner");
        wallets[agentId] = wallet;
    }

    function transferFrom(address from, address to, uint256 agentId) external {
        require(owners[agentId] == from && from == msg.sender, "not the owner");
        owners[agentId] = to;
        delete wallets[agentId];
    }

    function ownerOf(uint256 agentId) external view returns (address owner) {
        owner = owners[agentId];
        require(owner != address(0), "no such agent");
        misbehave(owner);
    }

    function getAgentWallet(uint256 agentId) external view returns (address wallet) {
        wallet = wallets[agentId];
        misbehave(wallet);
    }

    function misbehave(address answer) private view {
        if (behaviour == Behaviour.EatsGas) {
            while (true) {}
        }
        if (behaviour == Behaviour.ReturnsALot) {
            assembly {
                mstore(0, answer)
                return(0, 10000)
            }
        }
        if (behaviour == Behaviour.ReturnsTooLittle) {
            assembly {
                mstore(0, shl(96, answer))
                return(0, 20)
            }
        }
        if (behaviour == Behaviour.ReturnsDirt) {
            assembly {
                mstore(0, or(shl(255, 1), answer))
                return(0, 32)
            }
        }
    }
}
