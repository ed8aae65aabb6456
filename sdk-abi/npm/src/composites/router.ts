import { type Address, type Hex, zeroAddress } from "viem";
import type { BpeClient, WriteParameters } from "../core/call.js";
import { BpeError } from "../core/errors.js";
import { executeRoute, getTokenRoutes, type GetTokenRoutesParameters } from "../generated/calls/CrossProtocolRouter.js";

/** Of `payByBestRoute`. */
export type PayByBestRouteParameters = Omit<WriteParameters, "address"> & {
  readonly request: GetTokenRoutesParameters["request"];
  /** What is paid in, approved for the router: amount and fee in wei of it. Ether, if it is left out. */
  readonly token?: Address;
  /** What the route's adapter needs beside amount and recipient. */
  readonly paymentData?: Hex;
};

/** Asks for routes and executes the first of them, with amount and fee in ether, or out of what is approved of a token. */
export async function payByBestRoute(
  client: BpeClient,
  parameters: PayByBestRouteParameters,
): ReturnType<typeof executeRoute> {
  const { deployment, request, paymentData, token = zeroAddress } = parameters;
  const [best] = await getTokenRoutes(client, { deployment, request, token });
  if (!best) {
    const expected = "one that some available protocol can route";
    throw new BpeError("InvalidArgument", {
      argument: "request",
      value: `${request.amount} wei of ${token}`,
      expected,
    });
  }
  const { routeId, routeData, estimatedFee } = best;
  const value = token === zeroAddress ? request.amount + estimatedFee : 0n;
  const route = { ...parameters, routeId, routeData, value };
  return paymentData === undefined
    ? executeRoute(client, { ...route, paymentData: undefined })
    : executeRoute(client, { ...route, paymentData });
}
