import { encodeAbiParameters, keccak256, parseAbiParameters, toHex, type Address, type Hex } from "viem";
import type { BpeClient, WriteParameters } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { isBpeError } from "../core/errors.js";
import type { WaitOptions } from "../core/sent.js";
import { RECEIPT_TIMEOUT, until } from "../core/wait.js";
import { commitCapacity, revealCapacity, simulateRevealCapacity } from "../generated/calls/CapacityRegistry.js";

/** Of `commit`. */
export type CommitParameters = WriteParameters & {
  readonly taskTypeId: Hex;
  /** Of 1e-9 units. */
  readonly capacity: bigint;
  /** 32 bytes that nobody can guess; new ones by default. Keep them until the reveal. */
  readonly nonce?: Hex;
};

/** Of `reveal`. */
export type RevealParameters = WriteParameters & {
  readonly taskTypeId: Hex;
  readonly capacity: bigint;
  /** What `commit` gave. */
  readonly nonce: Hex;
  /** How long to wait for a later L1 block than the commitment's, which takes about 12 s; 60 s by default. */
  readonly waiting?: WaitOptions;
};

/** Commits to a capacity that nobody learns before it is revealed. Gives the nonce to reveal it with. */
export async function commit(
  client: BpeClient,
  parameters: CommitParameters,
): Promise<Awaited<ReturnType<typeof commitCapacity>> & { readonly nonce: Hex }> {
  const { taskTypeId, capacity, nonce = randomNonce() } = parameters;
  const sink = accountOf(client, parameters.account).address;
  const commitHash = hashOf(taskTypeId, sink, capacity, nonce);
  const { nonce: _, ...rest } = parameters;
  return { ...(await commitCapacity(client, { ...rest, commitHash })), nonce };
}

/** Reveals a capacity as soon as it may be, which is in a later L1 block, and at most 20 of them later. */
export async function reveal(client: BpeClient, parameters: RevealParameters): ReturnType<typeof revealCapacity> {
  const { waiting = {} } = parameters;
  const allowed = async () => {
    try {
      await simulateRevealCapacity(client, parameters);
      return true;
    } catch (error) {
      if (isBpeError(error, "RevealTooEarly")) return undefined;
      throw error;
    }
  };
  await until(allowed, {
    milliseconds: waiting.timeout ?? RECEIPT_TIMEOUT,
    interval: waiting.pollingInterval ?? 1_000,
    waitingFor: "a later L1 block than the commitment's",
  });
  return revealCapacity(client, parameters);
}

/** Commits, waits until that is mined, and reveals when that is possible. */
export async function commitAndReveal(
  client: BpeClient,
  parameters: CommitParameters & Pick<RevealParameters, "waiting">,
): ReturnType<typeof revealCapacity> {
  const { nonce, wait } = await commit(client, parameters);
  await wait(parameters.waiting);
  return reveal(client, { ...parameters, nonce });
}

/** Bound to sink and task type, so that nobody can copy the commitment. */
const hashOf = (taskTypeId: Hex, sink: Address, capacity: bigint, nonce: Hex) =>
  keccak256(
    encodeAbiParameters(parseAbiParameters("bytes32, address, uint256, bytes32"), [taskTypeId, sink, capacity, nonce]),
  );

const randomNonce = () => toHex(crypto.getRandomValues(new Uint8Array(32)));
