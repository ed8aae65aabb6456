// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// Stand-ins for contracts of a Solidity deployment: they answer the views that `bpe migrate-check` reads, as the reference's
// ABIs have them, and hold the parameters that they are given.

contract StakeManager {
    address public immutable STAKE_TOKEN = address(0x5757);
    uint256 public immutable STAKE_UNIT = 2e18;
    uint256 public minSinkStake = 150e18;
    address public owner = msg.sender;
}

contract CapacityRegistry {
    uint256 public constant BPS = 10_000;
    uint256 public constant COMMIT_TIMEOUT = 20;
    uint256 public constant EWMA_ALPHA_BPS = 3_000;
    address public authorizedAggregator = address(0xA66);

    function getTaskType(bytes32 taskTypeId)
        external
        pure
        returns (uint256 minStake, uint256 sinkCount, uint256 totalCapacity)
    {
        require(taskTypeId == keccak256("code-completion"), "no such task type");
        return (300e18, 7, 420e9);
    }
}

contract CompletionTracker {
    uint256 public constant BPS = 10_000;
    uint256 public constant EPOCH_DURATION = 300;
    uint256 public constant SLASH_THRESHOLD_BPS = 5_000;
    uint256 public constant CONSECUTIVE_EPOCHS_FOR_SLASH = 3;
    uint256 public constant SLASH_AMOUNT_BPS = 1_000;
    bytes32 public constant COMPLETION_TYPEHASH = keccak256(
        "CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)"
    );

    function getCompletionRate(bytes32, address) external pure returns (uint256) {
        return 0;
    }

    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"0f", "BPE-CompletionTracker", "1", block.chainid, address(this), 0, new uint256[](0));
    }
}

/// As the reference's, but that a bad record weighs two good ones, and the discount is not there to be read.
contract ReputationLedger {
    uint256 public constant BPS = 10_000;
    uint256 public constant MAX_SCORE = 10_000;
    uint256 public constant NEGATIVE_WEIGHT = 2;
}

contract DemurrageToken {
    string public name = "Local Hours";
    string public symbol = "HOUR";
    address public UNDERLYING = address(0xDA1);
    uint256 public decayRate = 634_195_839;
    address public decayRecipient = address(0xC0FFEE);
    uint256 public totalSupply = 12e18;
    uint256 public constant PRECISION = 1e18;
    uint256 public constant MAX_DECAY_RATE = 7e9;
}
