// What the types of the built package promise. `npm test` compiles it and runs nothing.
import { expectTypeOf } from "expect-type";
import type { Address, Hex } from "viem";
import { createPublicClient, createWalletClient, http } from "viem";
import { isBpeError, mined, type BpeClient, type Deployment } from "@bpe/stylus";
import { bpeActions } from "@bpe/stylus/actions";
import { getTaskType } from "@bpe/stylus/actions/sink";
import { getStake, getStakeManagerEvents, simulateUnstake, stake } from "@bpe/stylus/actions/stake";
import { openStream } from "@bpe/stylus/actions/source";
import { createBpeFetch } from "@bpe/stylus/fetch";
import { drain } from "@bpe/stylus/actions/buffer";

declare const client: BpeClient;
declare const deployment: Deployment;
declare const sink: Address;
declare const taskTypeId: Hex;

// Reads: values, and objects of named values.
expectTypeOf(getStake(client, { deployment, sink })).resolves.toEqualTypeOf<bigint>();
expectTypeOf(getTaskType(client, { deployment, taskTypeId })).resolves.toEqualTypeOf<{
  readonly minStake: bigint;
  readonly sinkCount: bigint;
  readonly totalCapacity: bigint;
}>();

// Arguments are checked.
// @ts-expect-error an amount is a bigint
void stake(client, { deployment, amount: 1 });
// @ts-expect-error the amount is missing
void stake(client, { deployment });
// @ts-expect-error the deployment is missing
void stake(client, { amount: 1n });

// Overloads, by their arguments.
void drain(client, { deployment, taskTypeId });
void drain(client, { deployment, taskTypeId, maxSinks: 10n });
// @ts-expect-error a number of sinks is a bigint
void drain(client, { deployment, taskTypeId, maxSinks: 10 });

// Events by name.
const { events } = await mined(stake(client, { deployment, amount: 1n }));
for (const event of events) {
  if (event.eventName === "Staked") expectTypeOf(event.args.totalStake).toEqualTypeOf<bigint>();
}
const past = await getStakeManagerEvents(client, { deployment, eventName: "Slashed" });
expectTypeOf(past[0]!.args.reason).toEqualTypeOf<Hex>();

// Errors by name.
const error: unknown = undefined;
if (isBpeError(error, "DailySlashReached")) {
  expectTypeOf(error.args).toEqualTypeOf<{ readonly sink: Address; readonly from: bigint }>();
}
// Errors that the Solidity deployment has without arguments keep that form beside ours.
if (isBpeError(error, "InsufficientStake")) expectTypeOf(error.args.required).toEqualTypeOf<bigint | undefined>();
if (isBpeError(error, "WrongChain")) expectTypeOf(error.args.actual).toEqualTypeOf<number | undefined>();
// @ts-expect-error no contract has such an error
isBpeError(error, "NoSuchError");

// Any client of viem.
const transport = http("http://127.0.0.1:8545");
void getStake(createPublicClient({ transport }), { deployment, sink });
void openStream(createWalletClient({ transport, account: sink }), { deployment, taskTypeId, flowRate: 1n });
expectTypeOf(simulateUnstake(client, { deployment, amount: 1n })).resolves.toEqualTypeOf<void>();

// The decorator: the same without client and deployment.
const extended = createWalletClient({ transport, account: sink }).extend(bpeActions(deployment));
expectTypeOf(extended.bpe.stake.getStake({ sink })).resolves.toEqualTypeOf<bigint>();
expectTypeOf(extended.bpe.stake.minSinkStake()).resolves.toEqualTypeOf<bigint>();
void extended.bpe.sink.registerSink({ taskTypeId, initialCapacity: 1n });
void extended.bpe.source.openStream({ taskTypeId, flowRate: 1n });
// @ts-expect-error the sink is missing
void extended.bpe.stake.getStake({});

// The decorator's events are told apart by name, too.
const registered = await extended.bpe.sink.getCapacityRegistryEvents({ eventName: "SinkRegistered" });
expectTypeOf(registered[0]!.args.sink).toEqualTypeOf<Address>();
expectTypeOf(extended.bpe.stake.getStakeManagerEvents()).resolves.items.toHaveProperty("eventName");
const stop = extended.bpe.stake.watchStakeManagerEvents({
  eventName: "Slashed",
  onEvents: ([slashed]) => expectTypeOf(slashed!.args.reason).toEqualTypeOf<Hex>(),
});
expectTypeOf(stop).toEqualTypeOf<() => void>();
// @ts-expect-error no such event
void extended.bpe.stake.getStakeManagerEvents({ eventName: "SinkRegistered" });
// @ts-expect-error what happens with them is missing
extended.bpe.stake.watchStakeManagerEvents({ eventName: "Slashed" });

// Task types by name, with what they are paid by.
void extended.bpe.directory.createTaskType({ name: "translation", minStake: 1n, paidBy: "work" });
// @ts-expect-error nothing is paid by the hour
void extended.bpe.directory.createTaskType({ name: "translation", minStake: 1n, paidBy: "hour" });
expectTypeOf(extended.bpe.judge.reward()).resolves.toEqualTypeOf<bigint>();

// A fetch that pays is a fetch.
expectTypeOf(createBpeFetch).returns.toExtend<typeof fetch>();
