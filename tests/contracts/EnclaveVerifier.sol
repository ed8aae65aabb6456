// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// An example `ICapacityVerifier`: tasks proven by quotes of trusted execution environments.
///
/// Each sink runs its work in an enclave. Whoever verifies the vendor's certificates off chain (the `registrar`) vouches for
/// the key that was made inside, and for the code that the enclave runs (its measurement). A quote is that key's signature
/// over the task: no source has to sign. What a real deployment replaces is the registrar, by a contract that checks the
/// vendor's certificates, or the signature, by a proof.
contract EnclaveVerifier {
    bytes32 private constant QUOTE_TYPEHASH =
        keccak256("Quote(bytes32 measurement,bytes32 taskTypeId,address sink,bytes32 taskId,bytes32 result)");
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    address public immutable registrar;
    bytes32 private immutable domainSeparator;

    /// The measurement of the code that a sink's enclave key stands for; zero, if nobody vouches for it.
    mapping(address sink => mapping(address key => bytes32 measurement)) public measurements;
    /// The code that has to run for a task type.
    mapping(bytes32 taskTypeId => bytes32 measurement) public required;

    error NotRegistrar(address caller);

    constructor(address registrar_) {
        registrar = registrar_;
        domainSeparator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("EnclaveVerifier"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
    }

    modifier onlyRegistrar() {
        if (msg.sender != registrar) revert NotRegistrar(msg.sender);
        _;
    }

    function vouch(address sink, address key, bytes32 measurement) external onlyRegistrar {
        measurements[sink][key] = measurement;
    }

    function require_(bytes32 taskTypeId, bytes32 measurement) external onlyRegistrar {
        required[taskTypeId] = measurement;
    }

    /// `attestation`: `abi.encode(taskTypeId, sink, taskId, result, signature)`.
    function verify(bytes calldata attestation)
        external
        view
        returns (bool ok, bytes32 taskTypeId, address sink, bytes32 taskId)
    {
        bytes32 result;
        bytes memory signature;
        (taskTypeId, sink, taskId, result, signature) =
            abi.decode(attestation, (bytes32, address, bytes32, bytes32, bytes));
        bytes32 measurement = required[taskTypeId];
        bytes32 quote = keccak256(abi.encode(QUOTE_TYPEHASH, measurement, taskTypeId, sink, taskId, result));
        address key = recover(keccak256(abi.encodePacked("\x19\x01", domainSeparator, quote)), signature);
        ok = key != address(0) && measurement != 0 && measurements[sink][key] == measurement;
    }

    function recover(bytes32 digest, bytes memory signature) private pure returns (address) {
        if (signature.length != 65) return address(0);
        (bytes32 r, bytes32 s, uint8 v) = (0, 0, uint8(signature[64]));
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
        }
        if (uint256(s) > HALF_ORDER) return address(0);
        return ecrecover(digest, v, r, s);
    }
}
