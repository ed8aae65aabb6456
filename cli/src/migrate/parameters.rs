//! What a Solidity deployment's contracts are asked, and where the answers belong in a deployment of this suite.

/// What a view is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The contract as a whole.
    Contract,
    /// Each task type of the addresses file.
    TaskTypes,
}

/// Whether an answer can be carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into this key of `bpe.toml`, before `bpe deploy`.
    Key(&'static str),
    /// By this call of the new contract's owner.
    Call(&'static str),
    /// Not at all: why, and what instead.
    Stays(&'static str),
}

/// A parameter of the deployment.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub contract: &'static str,
    /// The view, with what it returns.
    pub view: &'static str,
    /// Which of the results it is.
    pub result: usize,
    pub about: About,
    pub way: Way,
}

const fn one(contract: &'static str, view: &'static str, way: Way) -> Parameter {
    Parameter {
        contract,
        view,
        result: 0,
        about: About::Contract,
        way,
    }
}

const fn each(contract: &'static str, view: &'static str, result: usize, way: Way) -> Parameter {
    Parameter {
        contract,
        view,
        result,
        about: About::TaskTypes,
        way,
    }
}

use Way::{Call, Key, Stays};

/// All of them, by contract.
pub const PARAMETERS: &[Parameter] = &[
    one(
        "StakeManager",
        "STAKE_TOKEN()(address)",
        Key("stake.token"),
    ),
    one("StakeManager", "STAKE_UNIT()(uint256)", Key("stake.unit")),
    one(
        "StakeManager",
        "minSinkStake()(uint256)",
        Key("stake.minimum"),
    ),
    one("StakeManager", "owner()(address)", Key("owner")),
    each(
        "CapacityRegistry",
        "getTaskType(bytes32)(uint256,uint256,uint256)",
        0,
        Key("[[task_types]] min_stake"),
    ),
    each(
        "CapacityRegistry",
        "getTaskType(bytes32)(uint256,uint256,uint256)",
        1,
        Stays("sinks unstake there, stake and register here"),
    ),
    each(
        "CapacityRegistry",
        "getTaskType(bytes32)(uint256,uint256,uint256)",
        2,
        Stays("capacities are declared anew: the first declaration counts at once"),
    ),
    one(
        "CapacityRegistry",
        "authorizedAggregator()(address)",
        Stays("bpe deploy names the new OffchainAggregator; another one is the owner's `setAggregator`"),
    ),
    one(
        "BackpressurePool",
        "SUPER_TOKEN()(address)",
        Key("super_token"),
    ),
    one("BackpressurePool", "GDA()(address)", Key("superfluid.gda")),
    one(
        "BackpressurePool",
        "explorationRate()(uint256)",
        Call("BackpressurePool.setExplorationRate(uint256)"),
    ),
    one(
        "BackpressurePool",
        "shareSubmitter()(address)",
        Stays("OffchainAggregator submits, and whom `share_signer` names signs"),
    ),
    each(
        "BackpressurePool",
        "getVerificationBudget(bytes32)(uint256)",
        0,
        Call("BackpressurePool.setVerificationBudget(bytes32,uint256)"),
    ),
    each(
        "BackpressurePool",
        "getPool(bytes32)(address)",
        0,
        Stays("a new Superfluid pool: sources stream there, sinks need not connect"),
    ),
    each(
        "EscrowBuffer",
        "bufferMax(bytes32)(uint256)",
        0,
        Call("EscrowBuffer.setBufferMax(bytes32,uint256)"),
    ),
    each(
        "EscrowBuffer",
        "bufferLevel(bytes32)(uint256)",
        0,
        Stays("drain it there before sinks leave"),
    ),
    each(
        "PricingCurve",
        "getBaseFee(bytes32)(uint256)",
        0,
        Stays("fees start anew and follow demand, 12.5 % an epoch"),
    ),
    one(
        "DemurrageToken",
        "name()(string)",
        Key("demurrage.name"),
    ),
    one(
        "DemurrageToken",
        "symbol()(string)",
        Key("demurrage.symbol"),
    ),
    one(
        "DemurrageToken",
        "UNDERLYING()(address)",
        Key("demurrage.underlying"),
    ),
    one(
        "DemurrageToken",
        "decayRate()(uint256)",
        Key("demurrage.decay_rate"),
    ),
    one(
        "DemurrageToken",
        "decayRecipient()(address)",
        Key("demurrage.recipient"),
    ),
    one(
        "DemurrageToken",
        "totalSupply()(uint256)",
        Stays("holders unwrap there and wrap here"),
    ),
    one(
        "LightningCapacityOracle",
        "lightningTaskTypeId()(bytes32)",
        Key("lightning.task_type"),
    ),
    one(
        "RelayCapacityRegistry",
        "relayTaskTypeId()(bytes32)",
        Key("relay.task_type"),
    ),
    one(
        "RelayCapacityRegistry",
        "authorizedAggregator()(address)",
        Key("relay.aggregator"),
    ),
    one(
        "RelayCapacityRegistry",
        "throughputWeight()(uint256)",
        Call("RelayCapacityRegistry.setCapacityWeights(uint256,uint256,uint256)"),
    ),
    one(
        "RelayCapacityRegistry",
        "storageWeight()(uint256)",
        Call("RelayCapacityRegistry.setCapacityWeights(uint256,uint256,uint256)"),
    ),
    one(
        "RelayCapacityRegistry",
        "bandwidthWeight()(uint256)",
        Call("RelayCapacityRegistry.setCapacityWeights(uint256,uint256,uint256)"),
    ),
    one(
        "EconomyFactory",
        "economyCount()(uint256)",
        Stays("economies are deployed anew, by their owners"),
    ),
    one(
        "UniversalCapacityAdapter",
        "domainCount()(uint256)",
        Call("UniversalCapacityAdapter.registerAdapter(address), for each of getAllDomains(); setUnnumbered(bytes32,bool) by the task type's creator if the adapter has no attestationNonce"),
    ),
];
