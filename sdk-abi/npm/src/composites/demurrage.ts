import type { BpeClient } from "../core/call.js";
import { contractAddress } from "../core/deployment.js";
import { after, fund, type FundingParameters, type Prepared } from "../core/steps.js";
import { UNDERLYING, wrap } from "../generated/calls/DemurrageToken.js";

/** Of `wrapWithApproval`. */
export type WrapWithApprovalParameters = Omit<FundingParameters, "wrap"> & {
  /** Units of the underlying token. */
  readonly amount: bigint;
};

/** Wraps into the token that decays, after approving what is missing. */
export async function wrapWithApproval(
  client: BpeClient,
  parameters: WrapWithApprovalParameters,
): Promise<Prepared<Awaited<ReturnType<typeof wrap>>>> {
  const { deployment, amount } = parameters;
  const spender = contractAddress(deployment, "demurrageToken");
  const token = await UNDERLYING(client, { deployment });
  const before = await fund(client, parameters, { token, spender, amount });
  return after(before, wrap(client, parameters));
}
