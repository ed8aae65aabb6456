// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.0;

import {ICapacityRegistry} from "../../interfaces/ICapacityRegistry.sol";
import {IStakeManager} from "../../interfaces/IStakeManager.sol";

/// Reads what returns several values, or dynamic ones, as a Solidity contract decodes it.
contract Reader {
    function lists(ICapacityRegistry registry, bytes32 id)
        external
        view
        returns (address[] memory sinks, uint256[] memory capacities, address[] memory page)
    {
        (sinks, capacities) = registry.getSinks(id);
        (page,) = registry.getSinksPage(id, 1, 1);
    }

    function numbers(ICapacityRegistry registry, IStakeManager stakes, bytes32 id, address sink)
        external
        view
        returns (uint256[9] memory values)
    {
        (values[0], values[1], values[2]) = registry.getTaskType(id);
        (values[3], values[4]) = registry.getBacking(sink);
        (values[5], values[6]) = stakes.getUnbonding(sink);
        values[7] = stakes.getCapacityCap(sink);
        values[8] = registry.BPS();
    }

    /// The error of StakeManager that comes through CapacityRegistry.
    function refusal(ICapacityRegistry registry, bytes32 id) external returns (uint256 required, uint256 available) {
        try registry.registerSink(id, 1) {
            revert("registered");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IStakeManager.InsufficientStake.selector, "another error");
            assembly {
                required := mload(add(reason, 0x24))
                available := mload(add(reason, 0x44))
            }
        }
    }
}
