import { getAddress, isAddress, zeroAddress, type Address } from "viem";
import { addresses, superfluid } from "../generated/addresses.js";
import type { ContractName } from "../generated/names.js";
import { BpeError } from "./errors.js";

/**
 * What is deployed on one chain: the file that `bpe deploy` writes, `deployments/<chain id>.json`, as it is, or as much
 * of it as you use.
 */
export interface Deployment {
  readonly chainId: number;
  /** The hash of block 0: tells chains with the same id from each other, as local ones have. */
  readonly instance?: string;
  /** By name: StakeManager is `stakeManager`. */
  readonly contracts: Readonly<Record<string, { readonly address: string }>>;
  /** Superfluid's contracts, and USDC and USDCx, by the names of the file. */
  readonly superfluid?: Readonly<Record<string, string>>;
}

/** Contracts and tokens of Superfluid that actions use. */
export type SuperfluidName =
  | "host"
  | "gdaV1"
  | "gdaV1Forwarder"
  | "blindMacroForwarder"
  | "clearMacroForwarderV1"
  | "usdc"
  | "usdcx"
  | "stakeToken";

/** The deployment on a chain that this package knows, which are those of public chains. */
export function deploymentOf(chainId: number): Deployment {
  const known: Record<string, Record<string, string>> = addresses;
  const contracts = known[chainId];
  if (!contracts) throw new BpeError("MissingDeployment", { chainId });
  const ofSuperfluid: Record<string, Record<string, string>> = superfluid;
  return {
    chainId,
    contracts: Object.fromEntries(Object.entries(contracts).map(([name, address]) => [name, { address }])),
    superfluid: ofSuperfluid[chainId] ?? {},
  };
}

/** Whom a call goes to: a contract of the suite, or one whose address the call gives. */
export type Callee = ContractName | SuperfluidName | "token";

/** Where a contract is. */
export function contractAddress(deployment: Deployment, contract: Callee): Address {
  const address = deployment.contracts[contract]?.address;
  if (!address) throw new BpeError("MissingContract", { contract, chainId: deployment.chainId });
  return checked(address, contract);
}

/** Where a contract or token of Superfluid is. */
export function superfluidAddress(deployment: Deployment, name: SuperfluidName): Address {
  const address = optionalSuperfluid(deployment, name);
  if (!address) throw new BpeError("MissingContract", { contract: name, chainId: deployment.chainId });
  return address;
}

/** The same, or nothing where governance trusts no such contract. */
export function optionalSuperfluid(deployment: Deployment, name: SuperfluidName): Address | undefined {
  const address = deployment.superfluid?.[name];
  if (!address) return undefined;
  const known = checked(address, name);
  return known === zeroAddress ? undefined : known;
}

function checked(address: string, contract: string): Address {
  if (!isAddress(address, { strict: false })) throw new BpeError("MalformedAddress", { contract, address });
  return getAddress(address);
}
