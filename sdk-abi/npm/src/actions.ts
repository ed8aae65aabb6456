import type { AbiEvent } from "viem";
import * as modules from "./generated/actions/index.js";
import type { BpeClient } from "./core/call.js";
import type { Deployment } from "./core/deployment.js";
import type { Decoded, EventName, GetEventsParameters, WatchEventsParameters } from "./core/events.js";

/** A union's members without a key. */
type Without<parameters, key extends PropertyKey> = parameters extends unknown ? Omit<parameters, key> : never;

/** Parameters as they are given, or nothing where all of them may be left out. */
type Given<parameters> = Record<never, never> extends parameters ? [parameters?: parameters] : [parameters: parameters];

/** Of actions on a contract's past events: the event's name decides what is given. */
type BoundGet<events extends readonly AbiEvent[]> = <const name extends EventName<events> | undefined = undefined>(
  parameters?: Omit<GetEventsParameters<events, name>, "deployment">,
) => Promise<readonly Decoded<events, name>[]>;

/** Of actions on a contract's coming events. */
type BoundWatch<events extends readonly AbiEvent[]> = <const name extends EventName<events> | undefined = undefined>(
  parameters: Omit<WatchEventsParameters<events, name>, "deployment">,
) => () => void;

/** An action without client and deployment. What is generic would lose that, and is said anew. */
type Bound<action> = action extends (client: BpeClient, parameters: infer parameters) => infer result
  ? parameters extends { readonly eventsOf?: infer events extends readonly AbiEvent[] }
    ? parameters extends { readonly onEvents: unknown }
      ? BoundWatch<events>
      : BoundGet<events>
    : (...parameters: Given<Without<parameters, "deployment">>) => result
  : never;

type Modules = typeof modules;

/** All actions, by module, without client and deployment. */
export type BpeActions = {
  readonly [module in keyof Modules]: { readonly [action in keyof Modules[module]]: Bound<Modules[module][action]> };
};

/**
 * All modules of actions, for a client of viem:
 *
 * ```ts
 * const client = createWalletClient({ account, chain, transport }).extend(bpeActions(deployment));
 * await client.bpe.stake.stakeWithApproval({ amount: parseEther("400") });
 * ```
 *
 * A bundle then holds all of them: import single ones from `@bpe/stylus/actions/<module>` where size counts.
 */
export function bpeActions(deployment: Deployment): (client: BpeClient) => { readonly bpe: BpeActions } {
  return (client) => {
    const bound = Object.entries(modules).map(([name, module]) => [name, bind(module, client, deployment)]);
    return { bpe: Object.fromEntries(bound) as BpeActions };
  };
}

type Action = (client: BpeClient, parameters: object) => unknown;

function bind(module: object, client: BpeClient, deployment: Deployment): object {
  const actions = Object.entries(module) as [string, Action][];
  const bound = actions.map(([name, action]) => {
    return [name, (parameters: object = {}) => action(client, { ...parameters, deployment })];
  });
  return Object.fromEntries(bound);
}
