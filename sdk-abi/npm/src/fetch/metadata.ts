import type { Hex } from "viem";
import { read, type BpeClient } from "../core/call.js";
import type { Deployment } from "../core/deployment.js";

const getMetadataItem = {
  type: "function",
  name: "getMetadata",
  stateMutability: "view",
  inputs: [{ name: "taskTypeId", type: "bytes32" }],
  outputs: [{ name: "metadata", type: "string" }],
} as const;

/** What a task type says of itself: in ServiceDirectory where there is one, else in CapacityRegistry. */
export function metadataOf(client: BpeClient, deployment: Deployment, taskTypeId: Hex): Promise<string> {
  const contract = deployment.contracts["serviceDirectory"] ? "serviceDirectory" : "capacityRegistry";
  return read(client, { deployment }, contract, getMetadataItem, [taskTypeId]);
}
