/**
 * What agents have in common, as the Rust crate `bpe-agent` has it; both compute the same. Work in work units of 1e-9
 * (a capacity unit for a second is one work unit), money in wei of the payment token, prices in wei per work unit,
 * capacity in work units of 1e-9 per second. Time in protocol decisions is the chain's.
 */
export { CapacityComputer, type CapacitySettings, type Reading, type Window } from "./agent/capacity.js";
export { Publisher } from "./agent/publish.js";
export {
  Book,
  type Admission,
  type Changes,
  type Outcome,
  type QueueSettings,
  type Refusal,
  type Standing,
  type TaskRequest,
} from "./agent/book.js";
export { QueueRefusal, TaskQueueManager, type Ask, type Slot } from "./agent/queue.js";
export * from "./agent/totals.js";
export * from "./agent/rate.js";
export * from "./agent/work.js";
export * from "./agent/task.js";
export * from "./agent/messages.js";
export { MalformedError } from "./agent/wire.js";
export {
  SinkLifecycle,
  towardsLeaving,
  towardsService,
  type SinkPlan,
  type SinkState,
  type SinkStep,
} from "./agent/sinkLifecycle.js";
export {
  SourceLifecycle,
  towardsLeavingSource,
  towardsStreaming,
  type SourcePlan,
  type SourceState,
  type SourceStep,
} from "./agent/sourceLifecycle.js";
export type { Next, WalkOptions } from "./agent/walk.js";
