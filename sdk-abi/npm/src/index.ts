export * from "./generated/abis.js";
export { addresses, superfluid } from "./generated/addresses.js";
export type { ContractName } from "./generated/names.js";
export * from "./typed-data.js";
export {
  contractAddress,
  deploymentOf,
  superfluidAddress,
  type Callee,
  type Deployment,
  type SuperfluidName,
} from "./core/deployment.js";
export { BpeError, isBpeError, type BpeErrorContext, type BpeErrorName, type BpeErrors } from "./core/errors.js";
export { mined, type Mined, type Sent, type WaitOptions } from "./core/sent.js";
export type { BpeClient, CommonParameters, Overrides, Payable, ReadParameters, WriteParameters } from "./core/call.js";
export type { Decoded, EventName, GetEventsParameters, WatchEventsParameters } from "./core/events.js";
export type { SigningParameters } from "./core/sign.js";
export type { FundingParameters, Prepared } from "./core/steps.js";
