// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// A contract account that signs whatever it is asked, until its mood turns: then it burns all the gas that it gets, and says no.
contract Moody {
    bool public hostile;

    function turn(bool hostile_) external {
        hostile = hostile_;
    }

    function act(address target, bytes calldata data) external {
        (bool success, ) = target.call(data);
        require(success, "refused");
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (hostile) {
            assembly {
                invalid()
            }
        }
        return 0x1626ba7e;
    }
}
