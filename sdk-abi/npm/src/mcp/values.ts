import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Hex } from "viem";
import { z } from "zod";
import { toJson } from "../agent/wire.js";
import { isBpeError } from "../core/errors.js";

/** Wei as models write them: JSON's numbers end at 2^53. */
export const wei = z
  .string()
  .regex(/^[0-9]{1,30}$/, "a decimal number")
  .transform((it) => BigInt(it));

export const hex32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, "0x and 64 hex digits")
  .transform((it) => it.toLowerCase() as Hex);

/** The result of a tool as JSON; an error by its name and arguments, so that a model can do something about it. */
export async function answered(task: () => Promise<object>): Promise<CallToolResult> {
  try {
    return { content: [{ type: "text", text: toJson(await task()) }] };
  } catch (error) {
    const known = isBpeError(error) ? { error: error.errorName, ...(error.args as object) } : undefined;
    const text = toJson(known ?? { error: error instanceof Error ? error.message.slice(0, 500) : "unknown" });
    return { content: [{ type: "text", text }], isError: true };
  }
}
