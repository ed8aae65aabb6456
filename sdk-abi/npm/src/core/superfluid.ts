// What actions call of Superfluid 1.15.2.

export const runMacroItem = {
  type: "function",
  name: "runMacro",
  stateMutability: "payable",
  inputs: [
    { name: "m", type: "address" },
    { name: "params", type: "bytes" },
  ],
  outputs: [], // true, always
} as const;

export const batchCallItem = {
  type: "function",
  name: "batchCall",
  stateMutability: "payable",
  inputs: [
    {
      name: "operations",
      type: "tuple[]",
      components: [
        { name: "operationType", type: "uint32" },
        { name: "target", type: "address" },
        { name: "data", type: "bytes" },
      ],
    },
  ],
  outputs: [],
} as const;

export const distributeFlowItem = {
  type: "function",
  name: "distributeFlow",
  stateMutability: "nonpayable",
  inputs: [
    { name: "token", type: "address" },
    { name: "from", type: "address" },
    { name: "pool", type: "address" },
    { name: "requestedFlowRate", type: "int96" },
    { name: "userData", type: "bytes" },
  ],
  outputs: [], // true, always
} as const;

/** ClearMacroForwarderV1's. */
export const runSignedMacroItem = {
  type: "function",
  name: "runMacro",
  stateMutability: "payable",
  inputs: [
    { name: "m", type: "address" },
    { name: "encodedPayload", type: "bytes" },
    { name: "signer", type: "address" },
    { name: "signature", type: "bytes" },
  ],
  outputs: [],
} as const;

export const getNonceItem = {
  type: "function",
  name: "getNonce",
  stateMutability: "view",
  inputs: [
    { name: "sender", type: "address" },
    { name: "key", type: "uint192" },
  ],
  outputs: [{ name: "", type: "uint256" }],
} as const;

/** ClearMacroForwarderV1's: the digest that a signer signs. */
export const getDigestItem = {
  type: "function",
  name: "getDigest",
  stateMutability: "view",
  inputs: [
    { name: "m", type: "address" },
    { name: "encodedPayload", type: "bytes" },
  ],
  outputs: [{ name: "", type: "bytes32" }],
} as const;

/** What ClearMacroForwarderV1 takes: an action's parameters, and what secures it. */
export const payloadParameter = {
  name: "payload",
  type: "tuple",
  components: [
    { name: "action", type: "tuple", components: [{ name: "params", type: "bytes" }] },
    {
      name: "security",
      type: "tuple",
      components: [
        { name: "domain", type: "string" },
        { name: "macroContract", type: "address" },
        { name: "provider", type: "string" },
        { name: "validAfter", type: "uint256" },
        { name: "validBefore", type: "uint256" },
        { name: "nonce", type: "uint256" },
      ],
    },
  ],
} as const;
