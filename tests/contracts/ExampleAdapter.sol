// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IReputationLedger} from "../../interfaces/IReputationLedger.sol";

/// The adapter of a domain as its author would write it: sinks sign how many units they can serve, and when. It numbers no
/// attestations.
contract PlainAdapter {
    struct Attestation {
        address sink;
        uint256 units;
        uint256 time;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    uint256 private constant UNIT = 1e9;
    uint256 private constant MAX_AGE = 600;

    bytes32 public immutable domainId;
    string public domainDescription;

    constructor(bytes32 id, string memory description) {
        domainId = id;
        domainDescription = description;
    }

    /// Units, as a number.
    function normalizeCapacity(bytes calldata rawSignal) external pure returns (uint256) {
        return abi.decode(rawSignal, (uint256)) * UNIT;
    }

    function verifyAttestation(bytes calldata attestation)
        external
        view
        returns (bool valid, address sink, uint256 capacity)
    {
        Attestation memory it = abi.decode(attestation, (Attestation));
        bool fresh = it.time <= block.timestamp && block.timestamp - it.time <= MAX_AGE;
        address signer = ecrecover(digest(it.sink, it.units, it.time), it.v, it.r, it.s);
        return (fresh && signer != address(0) && signer == it.sink, it.sink, it.units * UNIT);
    }

    /// What a sink signs.
    function digest(address sink, uint256 units, uint256 time) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, this, sink, units, time));
    }
}

/// The same, with the time as the number of an attestation.
contract ExampleAdapter is PlainAdapter {
    constructor(bytes32 id, string memory description) PlainAdapter(id, description) {}

    function attestationNonce(bytes calldata attestation) external pure returns (uint256) {
        return abi.decode(attestation, (Attestation)).time;
    }
}

/// Reads reputations as a Solidity contract decodes them.
contract ReputationReader {
    function read(IReputationLedger ledger, address account, bytes32 domain)
        external
        view
        returns (uint256[5] memory values, bytes32[] memory domains, address adapter, uint256 weight)
    {
        IReputationLedger.DomainReputation memory it = ledger.getDomainReputation(account, domain);
        values = [it.score, it.stakeDuration, it.completions, it.slashCount, it.lastUpdated];
        domains = ledger.getAccountDomains(account);
        (adapter, weight) = ledger.getDomain(domain);
    }
}
