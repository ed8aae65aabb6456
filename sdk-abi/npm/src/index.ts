export * from "./generated/abis.js";
export { addresses } from "./generated/addresses.js";
export * from "./typed-data.js";
