import { BaseError, decodeAbiParameters, type Address, type Hex } from "viem";
import { errorSignatures, type ContractErrors } from "../generated/errors.js";

/** What can go wrong without any contract having said so. */
export interface LocalErrors {
  /** No deployment on this chain is known. */
  MissingDeployment: { readonly chainId: number };
  /** The deployment names no such contract, or there is no code where it says. */
  MissingContract: { readonly contract: string; readonly chainId: number };
  /** The deployment has something else than an address. */
  MalformedAddress: { readonly contract: string; readonly address: string };
  /** The client talks to another chain, `actual` if it says so, than the one of the deployment. */
  WrongChain: { readonly expected: number; readonly actual: number | undefined };
  /** Another chain of the same id: its block 0 has another hash. */
  WrongInstance: { readonly expected: string; readonly actual: string };
  /** Neither the client nor the parameters say for which account. */
  MissingAccount: Readonly<Record<never, never>>;
  /** The account cannot sign here: it has no key, and the client's node does not know it. */
  CannotSign: { readonly account: Address };
  /** The account's ether, `available` wei if the node says so, does not cover gas and value. */
  NoEther: { readonly account: Address; readonly available: bigint | undefined };
  /** The account has too few tokens; wei of the token. */
  TooFewTokens: {
    readonly token: Address;
    readonly account: Address;
    readonly required: bigint;
    readonly available: bigint;
  };
  /** The call would revert, and no contract of the suite knows the error; `data` is what it reverted with. */
  Refused: { readonly functionName: string; readonly data: Hex };
  /** The transaction was mined and reverted. */
  Reverted: { readonly hash: Hex };
  /** It took longer than the limit. What was sent may still be mined. */
  TimedOut: { readonly waitingFor: string; readonly milliseconds: number };
  /** The user of the wallet did not sign. */
  NotSigned: { readonly account: Address };
  /** It would cost more than the limit that was set; wei, or wei per second for a flow rate. */
  SpendingLimit: { readonly limit: string; readonly most: bigint; readonly asked: bigint };
  /** An argument that no contract would take. */
  InvalidArgument: { readonly argument: string; readonly value: string; readonly expected: string };
}

/** Every error by its name, with the arguments that it has. */
export interface BpeErrors extends ContractErrors, LocalErrors {}

/** The name of an error: of the contracts', of Solidity's own (`Error`, `Panic`), or of this package's. */
export type BpeErrorName = keyof BpeErrors;

/** Where it happened. */
export interface BpeErrorContext {
  readonly cause?: Error;
  readonly contract?: string;
  readonly functionName?: string;
}

/**
 * What went wrong, by name and with its arguments:
 *
 * ```ts
 * if (isBpeError(error, "InsufficientStake")) console.log(error.args.required, error.args.available);
 * ```
 */
export class BpeError<name extends BpeErrorName = BpeErrorName> extends BaseError {
  override name = "BpeError";
  readonly errorName: name;
  readonly args: BpeErrors[name];
  readonly contract: string | undefined;
  readonly functionName: string | undefined;

  constructor(errorName: name, args: BpeErrors[name], context: BpeErrorContext = {}) {
    const { cause, contract, functionName } = context;
    const where = functionName ? ` (in ${contract ? `${contract}.` : ""}${functionName})` : "";
    super(`${errorName}(${describe(args)})${where}`, cause ? { cause } : {});
    this.errorName = errorName;
    this.args = args;
    this.contract = contract;
    this.functionName = functionName;
  }
}

const describe = (args: object) =>
  Object.entries(args)
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ");

/** Is it an error of this package, and of this name, if one is given? */
export function isBpeError<name extends BpeErrorName = BpeErrorName>(
  error: unknown,
  name?: name,
): error is BpeError<name> {
  return error instanceof BpeError && (name === undefined || error.errorName === name);
}

/** The error that a call reverted with, if the suite has it. */
export function decodeRevert(data: Hex, context: BpeErrorContext = {}): BpeError | undefined {
  const signature = errorSignatures[data.slice(0, 10)];
  if (!signature) return undefined;
  const [, name, list] = /^(\w+)\((.*)\)$/.exec(signature) ?? [];
  const inputs = list
    ? list
        .split(",")
        .map((it) => it.split(" "))
        .map(([type, name]) => ({ type: type!, name: name! }))
    : [];
  const values = valuesOf(inputs, `0x${data.slice(10)}`);
  if (!values) return undefined;
  const args = Object.fromEntries(inputs.map((it, index) => [it.name, values[index]]));
  return new BpeError(name as BpeErrorName, args as never, context);
}

/** The arguments, unless it is the selector of ours and other data. */
function valuesOf(
  inputs: readonly { readonly type: string; readonly name: string }[],
  data: Hex,
): readonly unknown[] | undefined {
  if (inputs.length === 0) return data === "0x" ? [] : undefined;
  try {
    return decodeAbiParameters(inputs, data);
  } catch {
    return undefined;
  }
}
