// No action can mismatch its contract: every function of every ABI has one, calls that contract with that selector and
// those arguments, and gives what the contract answers. The ABIs are read from ../abi, not from what was generated.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFunctionData, encodeFunctionResult, toFunctionSelector } from "viem";
import * as modules from "../dist/generated/actions/index.js";
import { MODULES, camel, pascal, modulesOf } from "../generate/modules.mjs";
import * as superfluid from "../dist/core/superfluid.js";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { abis, clientOf, deployment, sample } from "./support.mjs";

const suite = abis();
const contracts = [...suite.keys()];
const book = deployment(contracts.map(camel));
const members = Object.entries(modulesOf(contracts));
const RENAMED = { account: "forAccount", timeout: "timeoutSeconds" };

const isRead = (item) => ["view", "pure"].includes(item.stateMutability);

/** The action of a function: by its name, or by its name and its contract's where two of a module have it. */
function actionOf(module, short, name) {
  const actions = modules[module];
  return [`${name}Of${short}`, name].map((it) => [it, actions[it]]).find(([, it]) => it) ?? [];
}

/** The parameters of an action for the arguments of a function. */
function parametersOf(item, args) {
  const named = item.inputs.map(({ name }, index) => {
    const renamed = !(isRead(item) && name === "account") && RENAMED[name];
    return [renamed || name, args[index]];
  });
  return { deployment: book, ...Object.fromEntries(named) };
}

async function check(module, contract, short, item) {
  const args = item.inputs.map((it, index) => sample(it, 7 * index + 3));
  const results = item.outputs.map((it, index) => sample(it, 5 * index + 1));
  const seen = [];
  const client = clientOf((method, [call]) => {
    assert.equal(method, "eth_call");
    seen.push(call);
    if (results.length === 0) return "0x";
    return encodeFunctionResult({ abi: [item], result: results.length === 1 ? results[0] : results });
  });
  const [name] = actionOf(module, short, item.name);
  assert.ok(name, `${module} has no ${item.name}`);
  const action = isRead(item) ? modules[module][name] : modules[module][`simulate${pascal(name)}`];
  const result = await action(client, parametersOf(item, args));

  const [call] = seen;
  assert.equal(call.to.toLowerCase(), book.contracts[camel(contract)].address, `${contract}.${item.name}`);
  assert.equal(call.data.slice(0, 10), toFunctionSelector(item), `${contract}.${item.name}`);
  assert.deepEqual(decodeFunctionData({ abi: [item], data: call.data }).args ?? [], args);
  const named = Object.fromEntries(item.outputs.map((it, index) => [it.name, results[index]]));
  const expected = results.length === 0 ? undefined : results.length === 1 ? results[0] : named;
  assert.deepEqual(result, expected, `${contract}.${item.name}`);
}

for (const [module, contractsOf] of members) {
  test(`${module}: every function of ${Object.keys(contractsOf).join(" and ")}`, async () => {
    for (const [contract, short] of Object.entries(contractsOf)) {
      const functions = suite.get(contract).filter((it) => it.type === "function");
      assert.ok(functions.length > 0);
      for (const item of functions) await check(module, contract, short, item);
    }
  });
}

test("every contract is in a module, and modules hold actions only", () => {
  const placed = members.flatMap(([, it]) => Object.keys(it)).sort();
  assert.deepEqual(placed, [...contracts].sort());
  for (const module of Object.values(modules)) {
    for (const [name, action] of Object.entries(module)) assert.equal(typeof action, "function", name);
  }
  for (const name of Object.keys(MODULES)) assert.ok(modules[name], name);
});

test("the names that reads and writes were checked by are those of writes, too", () => {
  for (const [module, contractsOf] of members) {
    for (const [contract, short] of Object.entries(contractsOf)) {
      for (const item of suite.get(contract).filter((it) => it.type === "function" && !isRead(it))) {
        const [name] = actionOf(module, short, item.name);
        assert.equal(typeof modules[module][name], "function", `${contract}.${item.name}`);
      }
    }
  }
});

test("every function of the Solidity deployment has an action", () => {
  const folder = new URL("../../../tests/fixtures/reference-abi/", import.meta.url);
  let count = 0;
  for (const file of readdirSync(folder)) {
    const contract = file.replace(".json", "");
    const [module, short] = members.flatMap(([name, it]) => (it[contract] ? [[name, it[contract]]] : []))[0] ?? [];
    if (!module) continue; // deferred, and not here
    const signatures = suite
      .get(contract)
      .filter((it) => it.type === "function")
      .map((it) => toFunctionSelector(it));
    for (const item of JSON.parse(readFileSync(new URL(file, folder), "utf8")).filter((it) => it.type === "function")) {
      assert.ok(signatures.includes(toFunctionSelector(item)), `${contract}.${item.name}`);
      assert.ok(actionOf(module, short, item.name)[1], `${contract}.${item.name}`);
      count += 1;
    }
  }
  assert.ok(count > 350, `${count}`);
});

/** Whose functions the package calls of Superfluid, and where its artefacts are. */
const SUPERFLUID = new URL("../../../.tools/superfluid/1.15.2/", import.meta.url);
const CALLED = {
  runMacroItem: "BlindMacroForwarder",
  batchCallItem: "Superfluid",
  distributeFlowItem: "GDAv1Forwarder",
  runSignedMacroItem: "ClearMacroForwarderV1",
  getNonceItem: "ClearMacroForwarderV1",
  getDigestItem: "ClearMacroForwarderV1",
};

const fetched = existsSync(SUPERFLUID) ? false : "scripts/fetch-superfluid has not fetched Superfluid's artefacts";

test("what is called of Superfluid is what its contracts have", { skip: fetched }, () => {
  const items = Object.entries(superfluid).filter(([name]) => name.endsWith("Item"));
  assert.deepEqual(items.map(([name]) => name).sort(), Object.keys(CALLED).sort());
  for (const [name, item] of items) {
    const { abi } = JSON.parse(readFileSync(new URL(`${CALLED[name]}.json`, SUPERFLUID), "utf8"));
    const selectors = abi.filter((it) => it.type === "function").map((it) => toFunctionSelector(it));
    assert.ok(selectors.includes(toFunctionSelector(item)), name);
  }
});
