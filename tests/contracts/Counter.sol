// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

interface ICounter {
    function number() external view returns (uint256);
    function add(uint256 amount) external returns (uint256);
}

/// The Solidity twin of `tests/programs/counter`: each calls the other.
contract Counter is ICounter {
    event Incremented(address indexed by, uint256 number);

    error TooMuch(uint256 amount, uint256 limit);

    uint256 private constant LIMIT = 100;

    uint256 public number;

    constructor(uint256 initial) {
        number = initial;
    }

    function add(uint256 amount) external returns (uint256) {
        require(amount <= LIMIT, TooMuch(amount, LIMIT));
        number += amount;
        emit Incremented(msg.sender, number);
        return number;
    }

    function sumWith(ICounter other) external view returns (uint256) {
        return number + other.number();
    }

    function addTo(ICounter other, uint256 amount) external returns (uint256) {
        return other.add(amount);
    }
}
