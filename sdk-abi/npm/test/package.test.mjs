// What the package holds, without any chain.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as bpe from "../dist/index.js";

const viem = createRequire(import.meta.url)("viem");

test("every ABI can be used by viem", () => {
  const abis = Object.entries(bpe).filter(([name]) => name.endsWith("Abi"));
  assert.ok(abis.length > 20);
  for (const [name, abi] of abis) {
    const functions = abi.filter((item) => item.type === "function");
    assert.ok(functions.length > 0, name);
    for (const item of functions) assert.match(viem.toFunctionSelector(item), /^0x[0-9a-f]{8}$/);
  }
});

test("addresses have their checksums", () => {
  for (const chains of [bpe.addresses, bpe.superfluid]) {
    for (const contracts of Object.values(chains)) {
      for (const address of Object.values(contracts)) assert.equal(viem.getAddress(address), address);
    }
  }
});
