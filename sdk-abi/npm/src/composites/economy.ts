import type { Hex } from "viem";
import type { BpeClient, ReadParameters } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";
import { getEconomy, getParts } from "../generated/calls/EconomyFactory.js";

/**
 * An economy that the factory made, as a deployment: every action works on it. It has no contracts of the domains.
 */
export async function economyDeployment(
  client: BpeClient,
  parameters: ReadParameters & { readonly economyId: Hex },
): Promise<Deployment> {
  const [economy, parts] = await Promise.all([getEconomy(client, parameters), getParts(client, parameters)]);
  const { economyId: _, owner: __, ...core } = economy;
  const { chainId, superfluid, instance } = parameters.deployment;
  const contracts = Object.entries({ ...core, ...parts }).map(([name, address]) => [name, { address }]);
  return {
    chainId,
    contracts: Object.fromEntries(contracts),
    ...(superfluid ? { superfluid } : {}),
    ...(instance ? { instance } : {}),
  };
}
