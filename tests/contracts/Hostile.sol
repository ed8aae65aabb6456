// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

interface IStaking {
    function stake(uint256 amount) external;
    function unstake(uint256 amount) external;
}

/// A token whose transfers call back into the staking contract, as ERC-777 hooks would.
contract ReenteringToken {
    mapping(address account => uint256) public balanceOf;
    IStaking public staking;
    bool public reentered;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function attack(IStaking target) external {
        staking = target;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        return move(from, to, value);
    }

    function move(address from, address to, uint256 value) private returns (bool) {
        if (address(staking) != address(0)) {
            try staking.stake(1) {
                reentered = true;
            } catch {}
            try staking.unstake(1) {
                reentered = true;
            } catch {}
        }
        balanceOf[from] -= value;
        balanceOf[to] += value;
        return true;
    }
}

/// A pool that uses up all the gas it is given, or returns more than anybody wants to read.
contract GasEater {
    bool public returnsALot;

    function setReturnsALot(bool value) external {
        returnsALot = value;
    }

    function onCapacityReduced(bytes32, address, uint256) external view {
        if (returnsALot) {
            assembly {
                return(0, 100000)
            }
        }
        while (true) {}
    }
}
