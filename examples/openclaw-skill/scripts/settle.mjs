// Redeems the latest voucher of each source, in one transaction, which pays.
import { said } from "./skill.mjs";
import { sink } from "./sink.mjs";

await said(async () => {
  const sent = await sink({ price: 0n, service: () => new Response(null, { status: 503 }) }).redeem();
  if (!sent) return { redeemed: [] };
  const { hash, events } = await sent.wait();
  const named = (name) => events.filter((event) => event.eventName === name).map((event) => event.args);
  return { transaction: hash, redeemed: named("Redeemed"), rejected: named("VoucherRejected") };
});
