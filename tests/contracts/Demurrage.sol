// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

/// A virial monitor that recommends what it is told to, or uses up all the gas it is given.
contract Monitor {
    uint256 public rate;
    bool public hostile;

    function set(uint256 rate_, bool hostile_) external {
        rate = rate_;
        hostile = hostile_;
    }

    function recommendedDemurrageRate() external view returns (uint256) {
        while (hostile) {}
        return rate;
    }
}

interface IToken {
    function transfer(address to, uint256 amount) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
}

/// Velocity metrics that try to enter the token that reports to them, and use up all the gas they are given.
contract HostileMetrics {
    function recordTransfer(address, address to, uint256, uint256, uint256, uint256) external {
        try IToken(msg.sender).transfer(to, 0) returns (bool) {
            return;
        } catch {}
        while (true) {}
    }
}
