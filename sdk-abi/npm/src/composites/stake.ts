import type { BpeClient } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { contractAddress } from "../core/deployment.js";
import { after, fund, type FundingParameters, type Prepared } from "../core/steps.js";
import { getStake, stake, stakeToken } from "../generated/calls/StakeManager.js";

/** Of `stakeWithApproval`. */
export type StakeWithApprovalParameters = FundingParameters & {
  /** Wei of the stake token. */
  readonly amount: bigint;
};

/** Stakes, after approving what is missing; wraps before, if it is asked to and the stake token is a Super Token. */
export async function stakeWithApproval(
  client: BpeClient,
  parameters: StakeWithApprovalParameters,
): Promise<Prepared<Awaited<ReturnType<typeof stake>>>> {
  const { deployment, amount } = parameters;
  const spender = contractAddress(deployment, "stakeManager");
  const token = await stakeToken(client, { deployment });
  const before = await fund(client, parameters, { token, spender, amount });
  return after(before, stake(client, parameters));
}

/** Stakes what is missing to `amount`; nothing, if that is staked already. */
export async function stakeUpTo(
  client: BpeClient,
  parameters: StakeWithApprovalParameters,
): Promise<Awaited<ReturnType<typeof stakeWithApproval>> | undefined> {
  const { deployment, amount } = parameters;
  const sink = accountOf(client, parameters.account).address;
  const staked = await getStake(client, { deployment, sink });
  if (staked >= amount) return undefined;
  return stakeWithApproval(client, { ...parameters, amount: amount - staked });
}
