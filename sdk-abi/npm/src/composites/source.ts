import type { Address, Hex } from "viem";
import type { BpeClient, ReadParameters, Sent } from "../core/call.js";
import { accountOf, checkChain } from "../core/client.js";
import { BpeError } from "../core/errors.js";
import { optionalSuperfluid } from "../core/deployment.js";
import { finished, wrapInto, type FundingParameters } from "../core/steps.js";
import { allowanceOf, approve, balanceOf, toWrap, wholeUnits } from "../core/tokens.js";
import {
  createStream,
  deleteStream,
  getMinimumFlowRate,
  getStream,
  SUPER_TOKEN,
  updateStream,
} from "../generated/calls/StreamGateway.js";
import { distributeFlow, runBatch, runMacro, streamCheck } from "./streams.js";

/**
 * How Superfluid is told: by its macro forwarder, by a batch of its host's, or by GDAv1Forwarder, which notes nothing.
 */
export type Way = "macro" | "batch" | "forwarder";

/** Of all that changes a stream. */
export type StreamParameters = FundingParameters & {
  readonly taskTypeId: Hex;
  /** By macro where governance trusts the forwarder, else by batch, by default. */
  readonly way?: Way;
};

/** Of `openStream` and `changeStream`. */
export type StreamRateParameters = StreamParameters & {
  /** Wei of the Super Token per second: 385802469135802 are 1 000 tokens in 30 days. */
  readonly flowRate: bigint;
};

/** Of `openStream`. */
export type OpenStreamParameters = StreamRateParameters & {
  /** So much is wrapped in the same transaction, in wei of the Super Token; its underlying token is approved before. */
  readonly wrapAmount?: bigint;
};

/** A transaction that changed a stream. */
export type StreamSent = Sent<readonly [], void>;

/**
 * Opens a stream to the sinks of a task type. Refuses a rate of which nobody would be paid (`FlowRateTooLow`), a stream
 * that is there already (`StreamAlreadyExists`), and an account whose tokens do not cover four hours of it, which
 * Superfluid takes as a deposit (`TooFewTokens`).
 */
export async function openStream(client: BpeClient, parameters: OpenStreamParameters): Promise<StreamSent> {
  const { deployment, taskTypeId, flowRate, wrapAmount = 0n } = parameters;
  await checkChain(client, deployment);
  await checkRate(client, parameters);
  await coverDeposit(client, parameters, wrapAmount);
  if (wayOf(parameters) === "forwarder") {
    if (wrapAmount > 0n) await wrapTokens(client, { ...parameters, amount: wrapAmount });
    return distributeFlow(client, parameters);
  }
  if (wrapAmount > 0n) await approveUnderlying(client, parameters, wrapAmount);
  const macroParameters = await createStream(client, {
    deployment,
    taskTypeId,
    flowRate,
    ...(wrapAmount > 0n ? { wrap: wrapAmount } : {}),
  });
  return run(client, parameters, macroParameters);
}

/** Changes the rate of a stream. */
export async function changeStream(client: BpeClient, parameters: StreamRateParameters): Promise<StreamSent> {
  const { deployment, taskTypeId, flowRate } = parameters;
  await checkChain(client, deployment);
  await checkRate(client, parameters);
  if (wayOf(parameters) === "forwarder") return distributeFlow(client, parameters);
  return run(client, parameters, await updateStream(client, { deployment, taskTypeId, flowRate }));
}

/** Ends a stream; its deposit comes back. */
export async function closeStream(client: BpeClient, parameters: StreamParameters): Promise<StreamSent> {
  const { deployment, taskTypeId } = parameters;
  if (wayOf(parameters) === "forwarder") return distributeFlow(client, { ...parameters, flowRate: 0n });
  const macroParameters = await deleteStream(client, { deployment, taskTypeId });
  return run(client, parameters, macroParameters);
}

/** Of `readStream`. */
export type ReadStreamParameters = ReadParameters & { readonly taskTypeId: Hex; readonly source: Address };

/**
 * What flows, in wei per second; its deposit, in wei; since when, in seconds since 1970. Superfluid flows a little less
 * than asked: whole wei per second and pool unit.
 */
export function readStream(client: BpeClient, parameters: ReadStreamParameters): ReturnType<typeof getStream> {
  return getStream(client, parameters);
}

/** Of `wrapTokens`. */
export type WrapTokensParameters = FundingParameters & {
  /** Wei of the Super Token. */
  readonly amount: bigint;
};

/** Wraps so much into the Super Token that streams are paid in, approving its underlying token before. All mined. */
export async function wrapTokens(client: BpeClient, parameters: WrapTokensParameters): Promise<readonly Hex[]> {
  const { deployment } = parameters;
  await checkChain(client, deployment);
  const token = await SUPER_TOKEN(client, { deployment });
  return wrapInto(client, parameters, accountOf(client, parameters.account), token, parameters.amount);
}

/** Seconds of a stream that Superfluid takes as a deposit. */
const DEPOSIT_SECONDS = 4n * 3600n;

async function checkRate(client: BpeClient, { deployment, taskTypeId, flowRate }: StreamRateParameters): Promise<void> {
  if (flowRate <= 0n) {
    throw new BpeError("InvalidArgument", { argument: "flowRate", value: `${flowRate}`, expected: "a positive rate" });
  }
  const minimum = await getMinimumFlowRate(client, { deployment, taskTypeId });
  if (flowRate < minimum) throw new BpeError("FlowRateTooLow", { flowRate, minimum });
}

async function coverDeposit(client: BpeClient, parameters: OpenStreamParameters, wrapAmount: bigint): Promise<void> {
  const { deployment, flowRate } = parameters;
  const account = accountOf(client, parameters.account).address;
  const token = await SUPER_TOKEN(client, { deployment });
  const available = wrapAmount + (await balanceOf(client, { deployment, token, owner: account }));
  const required = flowRate * DEPOSIT_SECONDS;
  if (available < required) throw new BpeError("TooFewTokens", { token, account, required, available });
}

/** The gateway's wrap needs the account's own approval of the underlying token. */
async function approveUnderlying(client: BpeClient, parameters: FundingParameters, amount: bigint): Promise<void> {
  const { deployment } = parameters;
  const owner = accountOf(client, parameters.account).address;
  const spender = await SUPER_TOKEN(client, { deployment });
  const { underlying, decimals } = await toWrap(client, { deployment, token: spender });
  const { units } = wholeUnits(amount, decimals);
  const available = await balanceOf(client, { deployment, token: underlying, owner });
  if (available < units) {
    throw new BpeError("TooFewTokens", { token: underlying, account: owner, required: units, available });
  }
  if ((await allowanceOf(client, { deployment, token: underlying, owner, spender })) >= units) return;
  await finished(client, parameters, approve(client, { ...parameters, token: underlying, spender, amount: units }));
}

const wayOf = ({ deployment, way }: StreamParameters): Way =>
  way ?? (optionalSuperfluid(deployment, "blindMacroForwarder") ? "macro" : "batch");

async function run(client: BpeClient, parameters: StreamParameters, macroParameters: Hex): Promise<StreamSent> {
  if (wayOf(parameters) === "macro") return runMacro(client, { ...parameters, macroParameters });
  const sent = await runBatch(client, { ...parameters, macroParameters });
  const source = accountOf(client, parameters.account).address;
  const wait: StreamSent["wait"] = async (options) => {
    const mined = await sent.wait(options);
    await streamCheck(client, { deployment: parameters.deployment, macroParameters, source });
    return mined;
  };
  return { ...sent, wait };
}
