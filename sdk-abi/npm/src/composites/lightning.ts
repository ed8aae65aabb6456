import type { Address, Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import { contractAddress } from "../core/deployment.js";
import { sign, type SigningParameters } from "../core/sign.js";
import { lightningAttestationTypes, lightningOracleDomain } from "../typed-data.js";

/** What a Lightning node can route. */
export interface LightningAttestation {
  /** The x coordinate of its key. */
  readonly nodePubkey: Hex;
  readonly operator: Address;
  readonly outboundCapacitySats: bigint;
  readonly channelCount: bigint;
  readonly pendingHTLCs: bigint;
  /** Seconds since 1970. */
  readonly timestamp: bigint;
  readonly nonce: bigint;
}

/** Signs, as the operator, what its node can route; `submit` takes it with the signature. */
export function signLightningAttestation(
  client: BpeClient,
  parameters: SigningParameters & { readonly attestation: LightningAttestation },
): Promise<Hex> {
  const { deployment, attestation: message } = parameters;
  const domain = lightningOracleDomain(deployment.chainId, contractAddress(deployment, "lightningCapacityOracle"));
  const data = { domain, types: lightningAttestationTypes, primaryType: "LightningAttestation", message };
  return sign(client, parameters, data);
}
