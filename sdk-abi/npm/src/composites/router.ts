import type { Hex } from "viem";
import type { BpeClient, WriteParameters } from "../core/call.js";
import { BpeError } from "../core/errors.js";
import { executeRoute, getRoutes, type GetRoutesParameters } from "../generated/calls/CrossProtocolRouter.js";

/** Of `payByBestRoute`. */
export type PayByBestRouteParameters = Omit<WriteParameters, "address"> & {
  readonly request: GetRoutesParameters["request"];
  /** What the route's adapter needs beside amount and recipient. */
  readonly paymentData?: Hex;
};

/** Asks for routes and executes the first of them, with amount and fee in wei of ether. */
export async function payByBestRoute(
  client: BpeClient,
  parameters: PayByBestRouteParameters,
): ReturnType<typeof executeRoute> {
  const { deployment, request, paymentData } = parameters;
  const [best] = await getRoutes(client, { deployment, request });
  if (!best) {
    const expected = "one that some available protocol can route";
    throw new BpeError("InvalidArgument", { argument: "request", value: `${request.amount} wei`, expected });
  }
  const { routeId, routeData, estimatedFee } = best;
  const route = { ...parameters, routeId, routeData, value: request.amount + estimatedFee };
  return paymentData === undefined
    ? executeRoute(client, { ...route, paymentData: undefined })
    : executeRoute(client, { ...route, paymentData });
}
