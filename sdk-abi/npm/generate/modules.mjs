// Which contracts stand in which module of actions, and by which short names their functions are told apart where two
// of a module share one. A contract that is not listed is a module by itself.
export const MODULES = {
  stake: { StakeManager: "Stakes" },
  sink: { CapacityRegistry: "Registry" },
  pool: { BackpressurePool: "Pool" },
  streams: { StreamGateway: "Gateway" },
  buffer: { EscrowBuffer: "Buffer" },
  pricing: { PricingCurve: "Curve" },
  completion: { CompletionTracker: "Tracker" },
  aggregator: { OffchainAggregator: "Aggregator" },
  vouchers: { WorkVouchers: "Vouchers" },
  work: { WorkLedger: "Ledger", WorkReserve: "Reserve", WorkMisses: "Misses" },
  overflow: { OverflowMeter: "Meter" },
  pipeline: { Pipeline: "Pipeline" },
  nestedPool: { NestedPool: "NestedPool" },
  economy: { EconomyFactory: "Factory" },
  demurrage: { DemurrageToken: "Token", VelocityMetrics: "Metrics" },
  lightning: { LightningCapacityOracle: "Oracle", LightningRoutingPool: "RoutingPool" },
  router: {
    CrossProtocolRouter: "Router",
    LightningSettlementAdapter: "Lightning",
    SuperfluidSettlementAdapter: "Superfluid",
    DirectSettlementAdapter: "Direct",
  },
  relay: {
    RelayCapacityRegistry: "RelayRegistry",
    RelayAttestations: "RelayAttestations",
    RelayPaymentPool: "PaymentPool",
    RelayBudget: "RelayBudget",
  },
  keys: { KeyRegistry: "Keys" },
  platform: { UniversalCapacityAdapter: "Adapter", ReputationLedger: "Reputation", WorkReputation: "WorkReputation" },
  openclaw: {
    OpenClawCapacityAdapter: "Agents",
    OpenClawCompletionVerifier: "Verifier",
    OpenClawReputationBridge: "Bridge",
  },
  judge: { Judge: "Judge" },
  directory: { ServiceDirectory: "Directory" },
};

/** "StakeManager" → "stakeManager" */
export const camel = (name) => name[0].toLowerCase() + name.slice(1);

/** "stake" → "Stake", "_decayRate" → "_decayRate" */
export const pascal = (name) => name[0].toUpperCase() + name.slice(1);

/** The modules of these contracts: name → { contract → short name }. Every contract is in one. */
export function modulesOf(contracts) {
  const modules = {};
  const placed = new Set();
  for (const [module, members] of Object.entries(MODULES)) {
    const here = Object.entries(members).filter(([contract]) => contracts.includes(contract));
    for (const [contract] of here) placed.add(contract);
    if (here.length > 0) modules[module] = Object.fromEntries(here);
  }
  for (const contract of contracts) {
    if (!placed.has(contract)) modules[camel(contract)] = { [contract]: contract };
  }
  return modules;
}
