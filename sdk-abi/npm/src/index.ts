export * from "./generated/abis.js";
export { addresses, superfluid } from "./generated/addresses.js";
export type { ContractName } from "./generated/names.js";
export * from "./typed-data.js";
export {
  contractAddress,
  deploymentOf,
  superfluidAddress,
  type Deployment,
  type SuperfluidName,
} from "./core/deployment.js";
export { BpeError, isBpeError, type BpeErrorName, type BpeErrors } from "./core/errors.js";
export { mined, type Mined, type Sent, type WaitOptions } from "./core/sent.js";
export type { BpeClient, Overrides, ReadParameters, WriteParameters } from "./core/call.js";
