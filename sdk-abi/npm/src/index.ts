export * from "./generated/abis.js";
export { addresses, superfluid } from "./generated/addresses.js";
export * from "./typed-data.js";
