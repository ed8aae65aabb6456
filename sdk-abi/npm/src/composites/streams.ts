import { encodeAbiParameters, hashTypedData, type Address, type Hex } from "viem";
import {
  read,
  simulate,
  write,
  type BpeClient,
  type ReadParameters,
  type Sent,
  type WriteParameters,
} from "../core/call.js";
import { shownAction } from "../core/clearMacro.js";
import { accountOf } from "../core/client.js";
import { contractAddress, superfluidAddress } from "../core/deployment.js";
import { BpeError } from "../core/errors.js";
import { sign, type SigningParameters } from "../core/sign.js";
import {
  batchCallItem,
  distributeFlowItem,
  getDigestItem,
  getNonceItem,
  payloadParameter,
  runMacroItem,
  runSignedMacroItem,
} from "../core/superfluid.js";
import { getPool } from "../generated/calls/BackpressurePool.js";
import { buildBatchOperations, postCheck, SUPER_TOKEN } from "../generated/calls/StreamGateway.js";

/** Of `runMacro` and `runBatch`. */
export type RunParameters = Omit<WriteParameters, "address"> & {
  /** What `createStream`, `updateStream`, `deleteStream` or `topUp` of this module gave. */
  readonly macroParameters: Hex;
};

/** Has Superfluid's macro forwarder do what the gateway says, which checks afterwards that it flows. */
export function runMacro(client: BpeClient, parameters: RunParameters): Promise<Sent<readonly [], void>> {
  const { deployment } = parameters;
  const address = superfluidAddress(deployment, "blindMacroForwarder");
  const args = [contractAddress(deployment, "streamGateway"), parameters.macroParameters] as const;
  return write(client, { ...parameters, address }, "blindMacroForwarder", runMacroItem, args, [] as const);
}

/**
 * Does the same by `batchCall` of Superfluid's host, which works for anyone, also where governance trusts no macro
 * forwarder. In a batch nothing can refuse a rate that is too low: `streamCheck` says afterwards whether it flows.
 */
export async function runBatch(client: BpeClient, parameters: RunParameters): Promise<Sent<readonly [], void>> {
  const { deployment, macroParameters: params } = parameters;
  const host = superfluidAddress(deployment, "host");
  const account = accountOf(client, parameters.account).address;
  const operations = await buildBatchOperations(client, { deployment, host, params, account });
  return write(client, { ...parameters, address: host }, "host", batchCallItem, [operations], [] as const);
}

/** Refuses with `StreamDoesNotFlow` what a batch has done without anybody being paid. */
export function streamCheck(
  client: BpeClient,
  parameters: ReadParameters & { readonly macroParameters: Hex; readonly source: Address },
): Promise<void> {
  const { deployment, macroParameters: params, source } = parameters;
  return postCheck(client, { ...parameters, host: superfluidAddress(deployment, "host"), params, account: source });
}

/** Of `distributeFlow`. */
export type DistributeFlowParameters = Omit<WriteParameters, "address"> & {
  readonly taskTypeId: Hex;
  /** Wei of the Super Token per second; 0 ends the stream. */
  readonly flowRate: bigint;
};

/**
 * Sets a stream by GDAv1Forwarder, as contract accounts do. It notes nothing, and takes a rate that is too low without
 * paying anybody: ask `getMinimumFlowRate` before.
 */
export async function distributeFlow(
  client: BpeClient,
  parameters: DistributeFlowParameters,
): Promise<Sent<readonly [], void>> {
  const { deployment, taskTypeId, flowRate } = parameters;
  const address = superfluidAddress(deployment, "gdaV1Forwarder");
  const token = await SUPER_TOKEN(client, { deployment });
  const pool = await getPool(client, { deployment, taskTypeId });
  const args = [token, accountOf(client, parameters.account).address, pool, flowRate, "0x"] as const;
  return write(client, { ...parameters, address }, "gdaV1Forwarder", distributeFlowItem, args, [] as const);
}

/** What `runMacro` would do, without sending it. */
export function simulateMacro(client: BpeClient, parameters: RunParameters): Promise<void> {
  const { deployment } = parameters;
  const address = superfluidAddress(deployment, "blindMacroForwarder");
  const args = [contractAddress(deployment, "streamGateway"), parameters.macroParameters] as const;
  return simulate(client, { ...parameters, address }, "blindMacroForwarder", runMacroItem, args);
}

/** Of `signMacro`. */
export type SignMacroParameters = SigningParameters & {
  /** What `createStream`, `updateStream`, `deleteStream` or `topUp` of this module gave. */
  readonly macroParameters: Hex;
  /** Who may send it: a provider whose role Superfluid's governance has granted, or `self`. */
  readonly provider: string;
  /** The site that asks for the signature: shown to the signer. */
  readonly domain: string;
  /** Seconds since 1970 until which it may be sent; for ever by default. */
  readonly validBefore?: bigint;
  /** Signatures of one key, of 192 bits, count in their order; of different ones in any. 0 by default. */
  readonly nonceKey?: bigint;
};

/** What an account has signed, for whoever may send it. */
export interface SignedMacro {
  readonly payload: Hex;
  readonly signer: Address;
  readonly signature: Hex;
}

/**
 * Signs, for ClearMacroForwarderV1, what somebody else then sends and pays the gas of. The wallet shows what it is, in
 * words; what the forwarder would take is compared with that before.
 */
export async function signMacro(client: BpeClient, parameters: SignMacroParameters): Promise<SignedMacro> {
  const { deployment, macroParameters, provider, domain, validBefore = 0n, nonceKey = 0n } = parameters;
  const address = superfluidAddress(deployment, "clearMacroForwarderV1");
  const macroContract = contractAddress(deployment, "streamGateway");
  const signer = accountOf(client, parameters.account).address;
  const of = { deployment, address };
  const nonce = await read(client, of, "clearMacroForwarderV1", getNonceItem, [signer, nonceKey]);
  const security = { domain, macroContract, provider, validAfter: 0n, validBefore, nonce };
  const payload = encodeAbiParameters([payloadParameter], [{ action: { params: macroParameters }, security }]);
  const { primaryType, fields, message } = shownAction(macroParameters);
  const data = {
    domain: { name: "ClearMacro", version: "1", chainId: deployment.chainId, verifyingContract: address },
    types: {
      [primaryType]: [
        { name: "action", type: "Action" },
        { name: "security", type: "Security" },
      ],
      Action: fields,
      Security: payloadParameter.components[1].components,
    },
    primaryType,
    message: { action: message, security },
  };
  const digest = await read(client, of, "clearMacroForwarderV1", getDigestItem, [macroContract, payload]);
  if (hashTypedData(data as never) !== digest) {
    throw new BpeError("InvalidArgument", {
      argument: "macroParameters",
      value: digest,
      expected: "what the gateway shows",
    });
  }
  return { payload, signer, signature: await sign(client, parameters, data) };
}

/** Sends what an account has signed, and pays its gas: as the provider that it names, or as the signer itself. */
export function sendSignedMacro(
  client: BpeClient,
  parameters: Omit<WriteParameters, "address"> & { readonly signed: SignedMacro },
): Promise<Sent<readonly [], void>> {
  const { deployment, signed } = parameters;
  const address = superfluidAddress(deployment, "clearMacroForwarderV1");
  const args = [contractAddress(deployment, "streamGateway"), signed.payload, signed.signer, signed.signature] as const;
  return write(client, { ...parameters, address }, "clearMacroForwarderV1", runSignedMacroItem, args, [] as const);
}
