/**
 * EIP-712 typed data of the suite, as viem's `signTypedData` takes it:
 *
 * ```ts
 * const signature = await account.signTypedData({
 *   domain: completionTrackerDomain(chainId, tracker),
 *   types: completionReceiptTypes,
 *   primaryType: "CompletionReceipt",
 *   message: { taskTypeId, sink, source, taskId, timestamp },
 * });
 * ```
 *
 * A receipt, an assignment, a voucher are signed by sink and source, an attestation by the sink, shares by the share
 * signer, a registration of a key by the account that it is to sign for.
 */

export type Address = `0x${string}`;

export interface Domain<Name extends string = string> {
  readonly name: Name;
  readonly version: "1";
  readonly chainId: number;
  readonly verifyingContract: Address;
}

const domain =
  <Name extends string>(name: Name) =>
  (chainId: number, verifyingContract: Address): Domain<Name> => ({
    name,
    version: "1",
    chainId,
    verifyingContract,
  });

/** Of receipts and assignments. */
export const completionTrackerDomain = domain("BPE-CompletionTracker");

/** Of vouchers and of registrations of keys; the contract is WorkVouchers. */
export const workLedgerDomain = domain("BPE-WorkLedger");

/** Of capacity attestations and shares. */
export const offchainAggregatorDomain = domain("BPE-OffchainAggregator");

/** Of Lightning nodes' attestations. */
export const lightningOracleDomain = domain("Pura-LightningOracle");

/** Of agents' attestations. */
export const openClawAdapterDomain = domain("Pura-OpenClawAdapter");

/** Of executions of skills. */
export const openClawVerifierDomain = domain("Pura-OpenClawVerifier");

/** Of relays' attestations. */
export const relayAttestationsDomain = domain("BPE-RelayAttestations");

/** Of vouchers for relays. */
export const relayBudgetDomain = domain("BPE-RelayBudget");

/** A sink completed a task; `timestamp` in seconds, at most 600 old when it is recorded. */
export const completionReceiptTypes = {
  CompletionReceipt: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sink", type: "address" },
    { name: "source", type: "address" },
    { name: "taskId", type: "bytes32" },
    { name: "timestamp", type: "uint256" },
  ],
} as const;

/** A sink owes a task until `deadline`, in seconds. */
export const taskAssignmentTypes = {
  TaskAssignment: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sink", type: "address" },
    { name: "source", type: "address" },
    { name: "taskId", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

/** What a sink has done for a source since ever: work in capacity-seconds of 1e-9 units, its value in wei, tasks. */
export const workVoucherTypes = {
  WorkVoucher: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sink", type: "address" },
    { name: "source", type: "address" },
    { name: "work", type: "uint256" },
    { name: "value", type: "uint256" },
    { name: "tasks", type: "uint256" },
    { name: "timestamp", type: "uint256" },
  ],
} as const;

/** A sink takes a task of at most so much work and value, and owes it by `deadline`; both sign. */
export const workAssignmentTypes = {
  WorkAssignment: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sink", type: "address" },
    { name: "source", type: "address" },
    { name: "taskId", type: "bytes32" },
    { name: "work", type: "uint256" },
    { name: "value", type: "uint256" },
    { name: "timestamp", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

/** A sink did not do a task that it had accepted; its source signs, in the domain of vouchers. */
export const missReportTypes = {
  MissReport: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sink", type: "address" },
    { name: "taskId", type: "bytes32" },
  ],
} as const;

/** A key signs vouchers for an account; the account signs this, with its next nonce. */
export const keyRegistrationTypes = {
  KeyRegistration: [
    { name: "account", type: "address" },
    { name: "key", type: "address" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** A sink has `capacity`, in units of 1e-9. */
export const capacityAttestationTypes = {
  CapacityAttestation: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sink", type: "address" },
    { name: "capacity", type: "uint256" },
    { name: "timestamp", type: "uint256" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** The shares of a task type's sinks, in any scale. */
export const boltzmannSharesTypes = {
  BoltzmannShares: [
    { name: "taskTypeId", type: "bytes32" },
    { name: "sinks", type: "address[]" },
    { name: "shares", type: "uint256[]" },
    { name: "timestamp", type: "uint256" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** What a Lightning node can route, in sats; its operator signs. */
export const lightningAttestationTypes = {
  LightningAttestation: [
    { name: "nodePubkey", type: "bytes32" },
    { name: "operator", type: "address" },
    { name: "outboundCapacitySats", type: "uint256" },
    { name: "channelCount", type: "uint256" },
    { name: "pendingHTLCs", type: "uint256" },
    { name: "timestamp", type: "uint256" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** What an agent can do: tasks per epoch, milliseconds, basis points; its operator signs. */
export const openClawAttestationTypes = {
  OpenClawAttestation: [
    { name: "agentId", type: "bytes32" },
    { name: "throughput", type: "uint256" },
    { name: "latencyMs", type: "uint256" },
    { name: "errorRateBps", type: "uint256" },
    { name: "timestamp", type: "uint256" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** An agent executed its skill; its operator and the requester sign. */
export const skillExecutionTypes = {
  SkillExecution: [
    { name: "agentId", type: "bytes32" },
    { name: "skillTypeId", type: "bytes32" },
    { name: "executionId", type: "bytes32" },
    { name: "agentOperator", type: "address" },
    { name: "requester", type: "address" },
  ],
} as const;

/** What a relay can do: events per second, GB, Mbps; its operator signs. */
export const relayAttestationTypes = {
  RelayAttestation: [
    { name: "nostrPubkey", type: "bytes32" },
    { name: "operator", type: "address" },
    { name: "eventsPerSecond", type: "uint256" },
    { name: "storageGB", type: "uint256" },
    { name: "bandwidthMbps", type: "uint256" },
    { name: "timestamp", type: "uint256" },
    { name: "nonce", type: "uint256" },
  ],
} as const;

/** What a relay gets of a client's budget since ever, in wei; the client signs, `operator` is paid. */
export const relayVoucherTypes = {
  RelayVoucher: [
    { name: "nostrPubkey", type: "bytes32" },
    { name: "client", type: "address" },
    { name: "operator", type: "address" },
    { name: "total", type: "uint256" },
  ],
} as const;
