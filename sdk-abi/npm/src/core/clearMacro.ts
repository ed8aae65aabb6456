import { decodeAbiParameters, parseAbiParameters, type Hex } from "viem";
import { BpeError } from "./errors.js";

/**
 * What of a stream's action its signer is shown: as StreamGateway defines it, and the forwarder's digest holds us to.
 */
export interface ShownAction {
  readonly primaryType: string;
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  readonly message: Readonly<Record<string, unknown>>;
}

const text = { name: "description", type: "string" };
const id = { name: "taskTypeId", type: "bytes32" };
const rate = { name: "flowRate", type: "int96" };

/** The action in what `createStream`, `updateStream`, `deleteStream` or `topUp` of StreamGateway gave. */
export function shownAction(macroParameters: Hex): ShownAction {
  const [action, , args] = decodeAbiParameters(parseAbiParameters("uint8, bytes32, bytes"), macroParameters);
  switch (action) {
    case 1: {
      const [taskTypeId, flowRate] = decodeAbiParameters(parseAbiParameters("bytes32, int96"), args);
      const wraps = args.length > 2 + 2 * 64;
      const [, , wrap] = wraps ? decodeAbiParameters(parseAbiParameters("bytes32, int96, uint256"), args) : [0, 0, 0n];
      const description = "Open a stream to the sinks of a task type, in wei per second, after wrapping tokens";
      const fields = [text, id, rate, { name: "wrap", type: "uint256" }];
      return { primaryType: "CreateStream", fields, message: { description, taskTypeId, flowRate, wrap } };
    }
    case 2: {
      const [taskTypeId, flowRate] = decodeAbiParameters(parseAbiParameters("bytes32, int96"), args);
      const description = "Change the stream to the sinks of a task type, in wei per second";
      return { primaryType: "UpdateStream", fields: [text, id, rate], message: { description, taskTypeId, flowRate } };
    }
    case 3: {
      const [taskTypeId] = decodeAbiParameters(parseAbiParameters("bytes32"), args);
      const description = "End the stream to the sinks of a task type";
      return { primaryType: "DeleteStream", fields: [text, id], message: { description, taskTypeId } };
    }
    case 4: {
      const [amount] = decodeAbiParameters(parseAbiParameters("uint256"), args);
      const description = "Wrap tokens, so that streams can go on";
      return {
        primaryType: "TopUp",
        fields: [text, { name: "amount", type: "uint256" }],
        message: { description, amount },
      };
    }
    default:
      throw new BpeError("InvalidArgument", {
        argument: "macroParameters",
        value: macroParameters.slice(0, 80),
        expected: "an action",
      });
  }
}
