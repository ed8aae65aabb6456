import type { Address, Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import { contractAddress } from "../core/deployment.js";
import { sign, type SigningParameters } from "../core/sign.js";
import { after, fund, type FundingParameters, type Prepared } from "../core/steps.js";
import { deposit, TOKEN } from "../generated/calls/WorkReserve.js";
import { missReportTypes, workLedgerDomain } from "../typed-data.js";

/** Of `depositWithApproval`. */
export type DepositWithApprovalParameters = FundingParameters & {
  readonly taskTypeId: Hex;
  /** Wei of the Super Token. */
  readonly amount: bigint;
};

/**
 * Pays into the reserve of a task type that settles by work, after approving what is missing; wraps before, if asked
 * to.
 */
export async function depositWithApproval(
  client: BpeClient,
  parameters: DepositWithApprovalParameters,
): Promise<Prepared<Awaited<ReturnType<typeof deposit>>>> {
  const { deployment, amount } = parameters;
  const spender = contractAddress(deployment, "workReserve");
  const token = await TOKEN(client, { deployment });
  const before = await fund(client, parameters, { token, spender, amount });
  return after(before, deposit(client, parameters));
}

/** A task that a sink had accepted and did not do. */
export interface MissReport {
  readonly taskTypeId: Hex;
  readonly sink: Address;
  readonly taskId: Hex;
}

/** Signs, as its source, that a sink did not do a task; `reportMiss` takes it from whoever sends it. */
export function signMissReport(
  client: BpeClient,
  parameters: SigningParameters & { readonly report: MissReport },
): Promise<Hex> {
  const { deployment, report: message } = parameters;
  const domain = workLedgerDomain(deployment.chainId, contractAddress(deployment, "workVouchers"));
  return sign(client, parameters, { domain, types: missReportTypes, primaryType: "MissReport", message });
}
