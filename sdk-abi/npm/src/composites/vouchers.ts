import type { Address, Hex } from "viem";
import type { BpeClient } from "../core/call.js";
import { accountOf } from "../core/client.js";
import { contractAddress, type Deployment } from "../core/deployment.js";
import { sign, type SigningParameters } from "../core/sign.js";
import { getKeyNonce } from "../generated/calls/WorkVouchers.js";
import { keyRegistrationTypes, workLedgerDomain, workVoucherTypes } from "../typed-data.js";

/** Running totals between a sink and a source since ever. */
export interface Voucher {
  readonly taskTypeId: Hex;
  readonly sink: Address;
  readonly source: Address;
  /** Capacity-seconds of 1e-9 units. */
  readonly work: bigint;
  /** Wei of the Super Token. */
  readonly value: bigint;
  readonly tasks: bigint;
  /** Seconds since 1970. */
  readonly timestamp: bigint;
}

/** Signs a voucher, as sink or source; `redeem` takes it as `{ ...voucher, sinkSig, sourceSig }`. */
export function signVoucher(
  client: BpeClient,
  parameters: SigningParameters & { readonly voucher: Voucher },
): Promise<Hex> {
  const { deployment, voucher: message } = parameters;
  const data = { domain: domainOf(deployment), types: workVoucherTypes, primaryType: "WorkVoucher", message };
  return sign(client, parameters, data);
}

/** Signs that `key` signs vouchers for this account; `registerKeyFor` takes it. */
export async function signKeyRegistration(
  client: BpeClient,
  parameters: SigningParameters & { readonly key: Address },
): Promise<Hex> {
  const { deployment, key } = parameters;
  const account = accountOf(client, parameters.account).address;
  const nonce = await getKeyNonce(client, { deployment, account });
  const message = { account, key, nonce };
  const data = { domain: domainOf(deployment), types: keyRegistrationTypes, primaryType: "KeyRegistration", message };
  return sign(client, parameters, data);
}

const domainOf = (deployment: Deployment) =>
  workLedgerDomain(deployment.chainId, contractAddress(deployment, "workVouchers"));
