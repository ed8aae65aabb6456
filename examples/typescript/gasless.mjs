// A stream that its source only signs: somebody else sends it, and pays the gas. PROVIDER is the name of a provider
// whose role Superfluid's governance has granted to the sender, here SELLER_KEY; BUYER_KEY needs tokens, and no ether.
import { mined } from "@bpe/stylus";
import {
  createStream,
  deleteStream,
  getMinimumFlowRate,
  getStream,
  sendSignedMacro,
  signMacro,
} from "@bpe/stylus/actions/streams";
import { clientOf, deployment, told } from "./setup.mjs";

const of = { deployment, taskTypeId: told("TASK_TYPE") };
const [signer, sender] = [clientOf("BUYER_KEY"), clientOf("SELLER_KEY")];
const signing = { deployment, provider: told("PROVIDER"), domain: "bpe.example" };

const flowRate = 10n * (await getMinimumFlowRate(signer, of));
const opening = await createStream(signer, { ...of, flowRate });
const signed = await signMacro(signer, { ...signing, macroParameters: opening }); // a wallet shows it in words
await mined(sendSignedMacro(sender, { deployment, signed }));
const flowing = await getStream(signer, { ...of, source: signer.account.address });
console.log(`${flowing.flowRate} wei per second, sent by ${sender.account.address}`);

const ending = await deleteStream(signer, of);
const end = await signMacro(signer, { ...signing, macroParameters: ending });
await mined(sendSignedMacro(sender, { deployment, signed: end }));
console.log("closed");
