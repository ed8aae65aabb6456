//! What sinks, sources and signers of shares sign (EIP-712), and how.
//!
//! The same definitions for TypeScript are in `sdk-abi/npm/src/typed-data.ts`; a test compares their hashes with these and
//! with what the contracts accept.

use alloy::{
    primitives::{Address, Bytes, ChainId, U256},
    signers::{self, SignerSync},
    sol,
    sol_types::{Eip712Domain, SolStruct},
};

use crate::{
    ICompletionTracker::SignedTask,
    IOffchainAggregator::SignedAttestation,
    IRelayBudget::SignedRelayVoucher,
    IWorkMisses::{SignedReceipt, SignedWork},
    IWorkVouchers::SignedVoucher,
};

sol! {
    /// `sink` completed the task for `source` at `timestamp`; both sign. For CompletionTracker.
    #[derive(Debug, PartialEq, Eq)]
    struct CompletionReceipt {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 timestamp;
    }

    /// `sink` owes `source` the task until `deadline`; both sign. For CompletionTracker.
    #[derive(Debug, PartialEq, Eq)]
    struct TaskAssignment {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 deadline;
    }

    /// What `sink` has done for `source` since ever: work in capacity-seconds of 1e-9 units, what that is worth in wei, and
    /// tasks; both sign. For WorkVouchers.
    #[derive(Debug, PartialEq, Eq)]
    struct WorkVoucher {
        bytes32 taskTypeId;
        address sink;
        address source;
        uint256 work;
        uint256 value;
        uint256 tasks;
        uint256 timestamp;
    }

    /// `sink` owes `source` the task until `deadline`: of at most `work` of 1e-9 units, which costs at most `value` wei; both
    /// sign. For the domain of WorkVouchers.
    #[derive(Debug, PartialEq, Eq)]
    struct WorkAssignment {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 work;
        uint256 value;
        uint256 timestamp;
        uint256 deadline;
    }

    /// `sink` did not do the task that it had accepted; its source signs. For WorkMisses, in the domain of WorkVouchers.
    #[derive(Debug, PartialEq, Eq)]
    struct MissReport {
        bytes32 taskTypeId;
        address sink;
        bytes32 taskId;
    }

    /// `key` signs for `account`, which signs this. For WorkVouchers.
    #[derive(Debug, PartialEq, Eq)]
    struct KeyRegistration {
        address account;
        address key;
        uint256 nonce;
    }

    /// `sink` has that capacity, in units of 1e-9; it signs. For OffchainAggregator.
    #[derive(Debug, PartialEq, Eq)]
    struct CapacityAttestation {
        bytes32 taskTypeId;
        address sink;
        uint256 capacity;
        uint256 timestamp;
        uint256 nonce;
    }

    /// The shares of the sinks; the share signer signs. For OffchainAggregator.
    #[derive(Debug, PartialEq, Eq)]
    struct BoltzmannShares {
        bytes32 taskTypeId;
        address[] sinks;
        uint256[] shares;
        uint256 timestamp;
        uint256 nonce;
    }

    /// What a Lightning node can route; its operator signs. For LightningCapacityOracle.
    #[derive(Debug, PartialEq, Eq)]
    struct LightningAttestation {
        bytes32 nodePubkey;
        address operator;
        uint256 outboundCapacitySats;
        uint256 channelCount;
        uint256 pendingHTLCs;
        uint256 timestamp;
        uint256 nonce;
    }

    /// What an agent can do; its operator signs. For OpenClawCapacityAdapter.
    #[derive(Debug, PartialEq, Eq)]
    struct OpenClawAttestation {
        bytes32 agentId;
        uint256 throughput;
        uint256 latencyMs;
        uint256 errorRateBps;
        uint256 timestamp;
        uint256 nonce;
    }

    /// What a relay can do; its operator signs. For RelayAttestations.
    #[derive(Debug, PartialEq, Eq)]
    struct RelayAttestation {
        bytes32 nostrPubkey;
        address operator;
        uint256 eventsPerSecond;
        uint256 storageGB;
        uint256 bandwidthMbps;
        uint256 timestamp;
        uint256 nonce;
    }

    /// `total` wei are what the relay gets of the client's budget since ever, and `operator` is paid what was not collected of it;
    /// the client signs. For RelayBudget.
    #[derive(Debug, PartialEq, Eq)]
    struct RelayVoucher {
        bytes32 nostrPubkey;
        address client;
        address operator;
        uint256 total;
    }

    /// The agent executed its skill for `requester`; operator and requester sign. For OpenClawCompletionVerifier.
    #[derive(Debug, PartialEq, Eq)]
    struct SkillExecution {
        bytes32 agentId;
        bytes32 skillTypeId;
        bytes32 executionId;
        address agentOperator;
        address requester;
    }
}

/// The domain of a contract's signatures: the name and version that its `eip712Domain()` returns.
pub fn domain(
    name: &'static str,
    version: &'static str,
    chain_id: ChainId,
    contract: Address,
) -> Eip712Domain {
    Eip712Domain::new(
        Some(name.into()),
        Some(version.into()),
        Some(U256::from(chain_id)),
        Some(contract),
        None,
    )
}

/// The domain of receipts and assignments.
pub fn completion_tracker(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("BPE-CompletionTracker", "1", chain_id, contract)
}

/// The domain of vouchers, of assignments by work and of registrations of keys; `contract` is WorkVouchers.
pub fn work_ledger(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("BPE-WorkLedger", "1", chain_id, contract)
}

/// The domain of capacity attestations and shares.
pub fn offchain_aggregator(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("BPE-OffchainAggregator", "1", chain_id, contract)
}

/// The domain of Lightning nodes' attestations.
pub fn lightning_oracle(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("Pura-LightningOracle", "1", chain_id, contract)
}

/// The domain of agents' attestations.
pub fn openclaw_adapter(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("Pura-OpenClawAdapter", "1", chain_id, contract)
}

/// The domain of executions of skills.
pub fn openclaw_verifier(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("Pura-OpenClawVerifier", "1", chain_id, contract)
}

/// The domain of relays' attestations; `contract` is RelayAttestations.
pub fn relay_attestations(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("BPE-RelayAttestations", "1", chain_id, contract)
}

/// The domain of vouchers for relays; `contract` is RelayBudget.
pub fn relay_budget(chain_id: ChainId, contract: Address) -> Eip712Domain {
    domain("BPE-RelayBudget", "1", chain_id, contract)
}

/// A signature as the contracts take it: `r ‖ s ‖ v`.
///
/// # Errors
/// If the signer refuses.
pub fn sign(
    signer: &impl SignerSync,
    message: &impl SolStruct,
    domain: &Eip712Domain,
) -> signers::Result<Bytes> {
    let hash = message.eip712_signing_hash(domain);
    Ok(signer.sign_hash_sync(&hash)?.as_bytes().into())
}

/// A receipt that both have signed, for `recordReceipt` and `recordReceipts`.
///
/// # Errors
/// If a signer refuses.
pub fn sign_receipt(
    sink: &impl SignerSync,
    source: &impl SignerSync,
    receipt: &CompletionReceipt,
    domain: &Eip712Domain,
) -> signers::Result<SignedTask> {
    Ok(SignedTask {
        taskTypeId: receipt.taskTypeId,
        sink: receipt.sink,
        source: receipt.source,
        taskId: receipt.taskId,
        time: receipt.timestamp,
        sinkSig: sign(sink, receipt, domain)?,
        sourceSig: sign(source, receipt, domain)?,
    })
}

/// An assignment that both have signed, for `recordAssignment` and `recordAssignments`.
///
/// # Errors
/// If a signer refuses.
pub fn sign_assignment(
    sink: &impl SignerSync,
    source: &impl SignerSync,
    assignment: &TaskAssignment,
    domain: &Eip712Domain,
) -> signers::Result<SignedTask> {
    Ok(SignedTask {
        taskTypeId: assignment.taskTypeId,
        sink: assignment.sink,
        source: assignment.source,
        taskId: assignment.taskId,
        time: assignment.deadline,
        sinkSig: sign(sink, assignment, domain)?,
        sourceSig: sign(source, assignment, domain)?,
    })
}

/// A voucher that both have signed, for `redeem` and `redeemBatch`.
///
/// # Errors
/// If a signer refuses.
pub fn sign_voucher(
    sink: &impl SignerSync,
    source: &impl SignerSync,
    voucher: &WorkVoucher,
    domain: &Eip712Domain,
) -> signers::Result<SignedVoucher> {
    Ok(SignedVoucher {
        taskTypeId: voucher.taskTypeId,
        sink: voucher.sink,
        source: voucher.source,
        work: voucher.work,
        value: voucher.value,
        tasks: voucher.tasks,
        timestamp: voucher.timestamp,
        sinkSig: sign(sink, voucher, domain)?,
        sourceSig: sign(source, voucher, domain)?,
    })
}

/// An assignment by work that both have signed, for `reportMiss`.
///
/// # Errors
/// If a signer refuses.
pub fn sign_work(
    sink: &impl SignerSync,
    source: &impl SignerSync,
    assignment: &WorkAssignment,
    domain: &Eip712Domain,
) -> signers::Result<SignedWork> {
    Ok(SignedWork {
        taskTypeId: assignment.taskTypeId,
        sink: assignment.sink,
        source: assignment.source,
        taskId: assignment.taskId,
        work: assignment.work,
        value: assignment.value,
        timestamp: assignment.timestamp,
        deadline: assignment.deadline,
        sinkSig: sign(sink, assignment, domain)?,
        sourceSig: sign(source, assignment, domain)?,
    })
}

/// A receipt that its source has signed, for `answerMiss` and `answerMisses`; `domain` is CompletionTracker's.
///
/// # Errors
/// If the signer refuses.
pub fn sign_answer(
    source: &impl SignerSync,
    receipt: &CompletionReceipt,
    domain: &Eip712Domain,
) -> signers::Result<SignedReceipt> {
    Ok(SignedReceipt {
        taskTypeId: receipt.taskTypeId,
        sink: receipt.sink,
        source: receipt.source,
        taskId: receipt.taskId,
        timestamp: receipt.timestamp,
        sourceSig: sign(source, receipt, domain)?,
    })
}

/// A voucher for a relay that the client has signed, for `collect`.
///
/// # Errors
/// If the signer refuses.
pub fn sign_relay_voucher(
    client: &impl SignerSync,
    voucher: &RelayVoucher,
    domain: &Eip712Domain,
) -> signers::Result<SignedRelayVoucher> {
    Ok(SignedRelayVoucher {
        nostrPubkey: voucher.nostrPubkey,
        client: voucher.client,
        operator: voucher.operator,
        total: voucher.total,
        signature: sign(client, voucher, domain)?,
    })
}

/// An attestation that the sink has signed, for `submit` and `submitBatch`.
///
/// # Errors
/// If the signer refuses.
pub fn sign_attestation(
    sink: &impl SignerSync,
    attestation: &CapacityAttestation,
    domain: &Eip712Domain,
) -> signers::Result<SignedAttestation> {
    Ok(SignedAttestation {
        taskTypeId: attestation.taskTypeId,
        sink: attestation.sink,
        capacity: attestation.capacity,
        timestamp: attestation.timestamp,
        nonce: attestation.nonce,
        signature: sign(sink, attestation, domain)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{b256, keccak256};

    /// As the contracts have them.
    #[test]
    fn the_types_of_misses_are_hashed_as_the_contracts_do() {
        let hash = |encoded: &str| keccak256(encoded);
        assert_eq!(
            hash(&WorkAssignment::eip712_encode_type()),
            b256!("58038cfa2e71e1db197862627fc0e6747bbc37aec35ec7c47a7b9078b3e6c1fc")
        );
        assert_eq!(
            hash(&MissReport::eip712_encode_type()),
            b256!("18a4c0ba156ce497094fb0847c9660a8c1cfe6454de3e42b61d60940cfc50e01")
        );
        assert_eq!(
            hash(&CompletionReceipt::eip712_encode_type()),
            b256!("7619767ac53e1c74b317807ae59255eef42deb8afaaf9aab91d0161a1eecf383")
        );
    }

    /// Every type hash that a contract of the domains knows, as its source has it, is the hash of a type here.
    #[test]
    fn the_types_of_the_domains_are_hashed_as_the_contracts_do() {
        let sources = [
            include_str!("../../contracts/lightning-capacity-oracle/src/lib.rs"),
            include_str!("../../contracts/openclaw-capacity-adapter/src/lib.rs"),
            include_str!("../../contracts/openclaw-completion-verifier/src/lib.rs"),
            include_str!("../../contracts/relay-attestations/src/lib.rs"),
            include_str!("../../contracts/relay-budget/src/lib.rs"),
        ];
        for (source, encoded, of) in [
            (
                0,
                LightningAttestation::eip712_encode_type(),
                lightning_oracle(1, Address::ZERO),
            ),
            (
                1,
                OpenClawAttestation::eip712_encode_type(),
                openclaw_adapter(1, Address::ZERO),
            ),
            (
                2,
                SkillExecution::eip712_encode_type(),
                openclaw_verifier(1, Address::ZERO),
            ),
            (
                3,
                RelayAttestation::eip712_encode_type(),
                relay_attestations(1, Address::ZERO),
            ),
            (
                4,
                RelayVoucher::eip712_encode_type(),
                relay_budget(1, Address::ZERO),
            ),
        ] {
            let hash = format!("b256!(\"{:x}\")", keccak256(&*encoded));
            assert!(sources[source].contains(&hash), "{encoded}: {hash}");
            let name = of.name.unwrap();
            assert!(
                sources[source].contains(&format!("name: \"{name}\"")),
                "{name}"
            );
        }
    }

    /// `Name(type field,…)` as TypeScript has it.
    fn in_typescript(encoded: &str) -> String {
        let (name, fields) = encoded.split_once('(').unwrap();
        let fields = fields.strip_suffix(')').unwrap().split(',').map(|field| {
            let (ty, name) = field.split_once(' ').unwrap();
            format!("    {{ name: \"{name}\", type: \"{ty}\" }},\n")
        });
        format!("  {name}: [\n{}  ],\n", fields.collect::<String>())
    }

    #[test]
    fn typescript_signs_the_same_types_and_domains() {
        let typescript = include_str!("../npm/src/typed-data.ts");
        for encoded in [
            CompletionReceipt::eip712_encode_type(),
            TaskAssignment::eip712_encode_type(),
            WorkVoucher::eip712_encode_type(),
            WorkAssignment::eip712_encode_type(),
            MissReport::eip712_encode_type(),
            KeyRegistration::eip712_encode_type(),
            CapacityAttestation::eip712_encode_type(),
            BoltzmannShares::eip712_encode_type(),
            LightningAttestation::eip712_encode_type(),
            OpenClawAttestation::eip712_encode_type(),
            SkillExecution::eip712_encode_type(),
            RelayAttestation::eip712_encode_type(),
            RelayVoucher::eip712_encode_type(),
        ] {
            let expected = in_typescript(&encoded);
            assert!(typescript.contains(&expected), "{expected}");
        }
        for of in [
            completion_tracker,
            work_ledger,
            offchain_aggregator,
            lightning_oracle,
            openclaw_adapter,
            openclaw_verifier,
            relay_attestations,
            relay_budget,
        ] {
            let name = of(1, Address::ZERO).name.unwrap();
            assert!(
                typescript.contains(&format!("domain(\"{name}\")")),
                "{name}"
            );
        }
    }
}
