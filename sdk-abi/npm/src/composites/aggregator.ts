import type { Hex } from "viem";
import { getBlock } from "viem/actions";
import type { BpeClient, WriteParameters } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { contractAddress } from "../core/deployment.js";
import { sign } from "../core/sign.js";
import { limited, REQUEST_TIMEOUT } from "../core/wait.js";
import { lastNonce, submit, type SubmitParameters } from "../generated/calls/OffchainAggregator.js";
import { capacityAttestationTypes, offchainAggregatorDomain } from "../typed-data.js";

/** Of `attest`. */
export type AttestParameters = Pick<WriteParameters, "deployment" | "account"> & {
  readonly taskTypeId: Hex;
  /** Of 1e-9 units. */
  readonly capacity: bigint;
  /** Seconds since 1970; the latest block's by default. Good for 600 seconds. */
  readonly timestamp?: bigint;
  /** Above the last one of this sink and task type, which it follows by default. */
  readonly nonce?: bigint;
};

/** A signed attestation, as `submit` and `submitBatch` take it, and a keeper's `POST /v1/attestations`. */
export type SignedAttestation = SubmitParameters["attestation"];

/** Signs, as the sink, what it has in capacity. Sends nothing: anyone may submit it. */
export async function attest(client: BpeClient, parameters: AttestParameters): Promise<SignedAttestation> {
  const { deployment, taskTypeId, capacity } = parameters;
  const sink = accountOf(client, parameters.account).address;
  const timestamp =
    parameters.timestamp ?? (await limited(getBlock(client), REQUEST_TIMEOUT, "the latest block")).timestamp;
  const nonce = parameters.nonce ?? 1n + (await lastNonce(client, { deployment, taskTypeId, sink }));
  const message = { taskTypeId, sink, capacity, timestamp, nonce };
  const domain = offchainAggregatorDomain(deployment.chainId, contractAddress(deployment, "offchainAggregator"));
  const data = { domain, types: capacityAttestationTypes, primaryType: "CapacityAttestation", message };
  return { ...message, signature: await sign(client, parameters, data) };
}

/** Signs an attestation and submits it. */
export async function attestAndSubmit(
  client: BpeClient,
  parameters: AttestParameters & Omit<WriteParameters, "address">,
): ReturnType<typeof submit> {
  const { nonce: _, ...rest } = parameters;
  return submit(client, { ...rest, attestation: await attest(client, parameters) });
}
