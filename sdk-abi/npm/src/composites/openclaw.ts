import type { Address, Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import { contractAddress } from "../core/deployment.js";
import { sign, type SigningParameters } from "../core/sign.js";
import {
  openClawAdapterDomain,
  openClawAttestationTypes,
  openClawVerifierDomain,
  skillExecutionTypes,
} from "../typed-data.js";

/** What an agent can do. */
export interface OpenClawAttestation {
  readonly agentId: Hex;
  /** Tasks per epoch of 300 s. */
  readonly throughput: bigint;
  /** Milliseconds; 30 000 score nothing. */
  readonly latencyMs: bigint;
  /** Basis points. */
  readonly errorRateBps: bigint;
  /** Seconds since 1970. */
  readonly timestamp: bigint;
  readonly nonce: bigint;
}

/** That an agent has executed its skill. */
export interface SkillExecution {
  readonly agentId: Hex;
  readonly skillTypeId: Hex;
  readonly executionId: Hex;
  readonly agentOperator: Address;
  readonly requester: Address;
}

/** Signs, as the agent's operator, what it can do. */
export function signOpenClawAttestation(
  client: BpeClient,
  parameters: SigningParameters & { readonly attestation: OpenClawAttestation },
): Promise<Hex> {
  const { deployment, attestation: message } = parameters;
  const domain = openClawAdapterDomain(deployment.chainId, contractAddress(deployment, "openClawCapacityAdapter"));
  const data = { domain, types: openClawAttestationTypes, primaryType: "OpenClawAttestation", message };
  return sign(client, parameters, data);
}

/** Signs an execution, as the agent's operator or the requester; `verifyExecution` takes both signatures. */
export function signSkillExecution(
  client: BpeClient,
  parameters: SigningParameters & { readonly execution: SkillExecution },
): Promise<Hex> {
  const { deployment, execution: message } = parameters;
  const domain = openClawVerifierDomain(deployment.chainId, contractAddress(deployment, "openClawCompletionVerifier"));
  const data = { domain, types: skillExecutionTypes, primaryType: "SkillExecution", message };
  return sign(client, parameters, data);
}
