//! The suite as data: what is deployed, in which order, with what, and how all of it is connected.
//!
//! A step says what it refers to, never where that is. Reading it backwards gives everything else: what has to be deployed
//! anew when something is (links that are made once for ever), what a configuration must have, and what to read back at the
//! end. A call is done if its checks hold on the chain, whoever sent it.

/// What an argument is, or what a view should return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The address of a contract of the suite.
    Contract(&'static str),
    Contracts(&'static [&'static str]),
    /// Out of the configuration, by its key there.
    Setting(&'static str),
    /// The Keccak hash of a text.
    Id(&'static str),
    /// Who deploys: the first owner of all.
    Deployer,
    /// Of the task type in question, in calls that are made for each.
    TaskTypeId,
    TaskTypeMinStake,
    TaskTypeWeight,
    TaskTypeWeighting,
    TaskTypeStartFee,
    TaskTypeFeeFloor,
    TaskTypeFeeCeiling,
    /// PricingCurve's number of the curve by which base fees follow work.
    CurveUsed,
    TaskTypeYardstick,
    /// A number of CrossProtocolRouter's protocols.
    Protocol(u8),
    /// The epoch that begins next on the chain, where it is read back; while it is planned, the last one: what is announced
    /// is enough.
    NextEpoch,
    /// An epoch after all others.
    LastEpoch,
    Yes,
    No,
    /// No task type in particular: an adapter says for which one each attestation is.
    OfAttestation,
}

/// An argument of a constructor, and the view that gives it back.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub value: Value,
    pub view: Option<&'static str>,
}

/// A contract of the suite.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub name: &'static str,
    /// The package in `contracts/`, which names the built files.
    pub package: &'static str,
    /// The domain it belongs to, which a configuration may leave out; `None` for the core.
    pub domain: Option<&'static str>,
    pub arguments: &'static [Argument],
    pub has_owner: bool,
}

/// What a view should return.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    pub view: &'static str,
    pub arguments: &'static [Value],
    pub expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// This, before anything else that the view may return.
    Is(Value),
    /// These, before anything else.
    Are(&'static [Value]),
    NotZero,
}

impl Expected {
    /// What it is by, word by word; nothing, if anything but zero will do.
    pub fn values(&self) -> &[Value] {
        match self {
            Self::Is(value) => std::slice::from_ref(value),
            Self::Are(values) => values,
            Self::NotZero => &[],
        }
    }
}

/// How often a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Single,
    /// For each of the configuration's `task_types`.
    TaskTypes,
    /// For each of them that has a yardstick.
    JudgedTaskTypes,
    /// For each of them that has a weighting.
    WeightedTaskTypes,
    /// For each of them that is paid by work.
    TaskTypesByWork,
    /// For each of them that is not.
    OtherTaskTypes,
    /// For each of them that has a start fee.
    PricedTaskTypes,
}

/// A call that connects contracts, by the owner.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub on: &'static str,
    pub function: &'static str,
    pub arguments: &'static [Value],
    pub repeat: Repeat,
    /// Done if all of them hold.
    pub checks: &'static [Check],
    /// Cannot be made a second time with other arguments.
    pub once: bool,
    /// What takes it back for a contract that has been replaced, with these arguments.
    pub undo: Option<(&'static str, &'static [Value])>,
    /// The setting without which the call is not made.
    pub when: Option<&'static str>,
    /// Holds while what the call gives is announced and not in effect yet: then there is nothing left to do.
    pub announced: Option<Check>,
    /// Contracts besides those that it names that have to be there.
    pub needs: &'static [&'static str],
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Deploy(Program),
    Call(Call),
}

use Step::{Call as Do, Deploy};
use Value::{
    Contract, Contracts, CurveUsed, Deployer, Id, LastEpoch, NextEpoch, No, OfAttestation,
    Protocol, Setting, TaskTypeFeeCeiling, TaskTypeFeeFloor, TaskTypeId, TaskTypeMinStake,
    TaskTypeStartFee, TaskTypeWeight, TaskTypeWeighting, TaskTypeYardstick, Yes,
};

const fn shown(value: Value, view: &'static str) -> Argument {
    Argument {
        value,
        view: Some(view),
    }
}

const fn silent(value: Value) -> Argument {
    Argument { value, view: None }
}

const OWNER: Argument = silent(Deployer);

const fn core(
    name: &'static str,
    package: &'static str,
    arguments: &'static [Argument],
) -> Program {
    Program {
        name,
        package,
        domain: None,
        arguments,
        has_owner: true,
    }
}

const fn of_domain(
    domain: &'static str,
    name: &'static str,
    package: &'static str,
    arguments: &'static [Argument],
) -> Program {
    Program {
        domain: Some(domain),
        ..core(name, package, arguments)
    }
}

const fn without_owner(program: Program) -> Program {
    Program {
        has_owner: false,
        ..program
    }
}

const fn check(view: &'static str, arguments: &'static [Value], value: Value) -> Check {
    Check {
        view,
        arguments,
        expected: Expected::Is(value),
    }
}

const fn call(
    on: &'static str,
    function: &'static str,
    arguments: &'static [Value],
    checks: &'static [Check],
) -> Call {
    Call {
        on,
        function,
        arguments,
        repeat: Repeat::Single,
        checks,
        once: false,
        undo: None,
        when: None,
        announced: None,
        needs: &[],
    }
}

const fn once(call: Call) -> Call {
    Call { once: true, ..call }
}

const fn when(setting: &'static str, call: Call) -> Call {
    Call {
        when: Some(setting),
        ..call
    }
}

/// A call that takes effect after a notice, once staking is open.
const fn with_notice(announced: Check, call: Call) -> Call {
    Call {
        announced: Some(announced),
        ..call
    }
}

const fn for_task_types(call: Call) -> Call {
    Call {
        repeat: Repeat::TaskTypes,
        ..call
    }
}

const fn undone_by(function: &'static str, arguments: &'static [Value], call: Call) -> Call {
    Call {
        undo: Some((function, arguments)),
        ..call
    }
}

/// Lets the registry take capacities from a contract.
const fn adapter(
    of: &'static [Value; 2],
    undo: &'static [Value; 2],
    announced: Check,
    check: &'static [Check],
) -> Call {
    undone_by(
        "setAdapter(address,bool)",
        undo,
        with_notice(
            announced,
            call("CapacityRegistry", "setAdapter(address,bool)", of, check),
        ),
    )
}

/// Holds when it is announced that the registry takes capacities from a contract, or when it does.
const fn adapter_from(of: &'static [Value; 1]) -> Check {
    Check {
        view: "adapterFrom(address)",
        arguments: of,
        expected: Expected::NotZero,
    }
}

/// Measures the task type's sinks as configured, in an epoch.
const fn yardstick(of: &'static [Value; 2]) -> Check {
    Check {
        view: "getYardstick(bytes32,uint256)",
        arguments: of,
        expected: Expected::Are(&[TaskTypeWeight, TaskTypeYardstick]),
    }
}

/// Has the router pay over a protocol by an adapter, for routes to come.
const fn rail(of: &'static [Value; 2], check: &'static [Check; 1]) -> Call {
    call(
        "CrossProtocolRouter",
        "registerProtocolAdapter(uint8,address)",
        of,
        check,
    )
}

/// Exempts a contract that holds the token for others: it would owe more than it holds.
const fn exempt(account: &'static [Value; 2], check: &'static [Check; 1]) -> Call {
    call(
        "DemurrageToken",
        "setDecayExempt(address,bool)",
        account,
        check,
    )
}

/// Registers a domain's task type, before somebody else does with another minimum stake.
const fn task_type(arguments: &'static [Value; 2], checks: &'static [Check; 2]) -> Call {
    once(call(
        "CapacityRegistry",
        "registerTaskType(bytes32,uint256)",
        arguments,
        checks,
    ))
}

/// The task type in question is registered as configured.
const REGISTERED: &[Check] = &[
    check("taskTypeExists(bytes32)", &[TaskTypeId], Yes),
    check("getTaskType(bytes32)", &[TaskTypeId], TaskTypeMinStake),
];

/// Everything, in an order in which every step finds what it refers to.
pub const STEPS: &[Step] = &[
    // --- Stakes and capacities
    Deploy(core(
        "StakeManager",
        "stake-manager",
        &[
            shown(Setting("stake.token"), "stakeToken()"),
            shown(Setting("stake.unit"), "STAKE_UNIT()"),
            shown(Setting("stake.minimum"), "minSinkStake()"),
            shown(Setting("stake.cap_curve"), "capCurve()"),
            OWNER,
        ],
    )),
    Deploy(core(
        "CapacityRegistry",
        "capacity-registry",
        &[shown(Contract("StakeManager"), "stakeManager()"), OWNER],
    )),
    Do(undone_by(
        "setRegistry(address,bool)",
        &[Contract("CapacityRegistry"), No],
        with_notice(
            Check {
                view: "registryFrom(address)",
                arguments: &[Contract("CapacityRegistry")],
                expected: Expected::NotZero,
            },
            call(
                "StakeManager",
                "setRegistry(address,bool)",
                &[Contract("CapacityRegistry"), Yes],
                &[check(
                    "authorizedRegistries(address)",
                    &[Contract("CapacityRegistry")],
                    Yes,
                )],
            ),
        ),
    )),
    Do(when(
        "treasury",
        with_notice(
            check("announcedTreasury()", &[], Setting("treasury")),
            call(
                "StakeManager",
                "setTreasury(address)",
                &[Setting("treasury")],
                &[check("treasury()", &[], Setting("treasury"))],
            ),
        ),
    )),
    Do(when(
        "stake.unbonding_period",
        with_notice(
            check(
                "announcedUnbondingPeriod()",
                &[],
                Setting("stake.unbonding_period"),
            ),
            call(
                "StakeManager",
                "setUnbondingPeriod(uint256)",
                &[Setting("stake.unbonding_period")],
                &[check(
                    "unbondingPeriod()",
                    &[],
                    Setting("stake.unbonding_period"),
                )],
            ),
        ),
    )),
    // --- Settlement
    Deploy(core(
        "BackpressurePool",
        "backpressure-pool",
        &[
            shown(Setting("superfluid.gda"), "GDA()"),
            shown(Setting("super_token"), "SUPER_TOKEN()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            OWNER,
        ],
    )),
    Deploy(without_owner(core(
        "OverflowMeter",
        "overflow-meter",
        &[shown(Contract("BackpressurePool"), "backpressurePool()")],
    ))),
    Deploy(core(
        "EscrowBuffer",
        "escrow-buffer",
        &[
            shown(Setting("super_token"), "TOKEN()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            OWNER,
        ],
    )),
    // WorkLedger and the pools find the meter there.
    Do(once(call(
        "BackpressurePool",
        "setOverflowMeter(address)",
        &[Contract("OverflowMeter")],
        &[check("overflowMeter()", &[], Contract("OverflowMeter"))],
    ))),
    Do(once(call(
        "BackpressurePool",
        "setEscrowBuffer(address)",
        &[Contract("EscrowBuffer")],
        &[check("escrowBuffer()", &[], Contract("EscrowBuffer"))],
    ))),
    Deploy(core(
        "WorkLedger",
        "work-ledger",
        &[
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            shown(Contract("EscrowBuffer"), "escrowBuffer()"),
            OWNER,
        ],
    )),
    Do(once(call(
        "EscrowBuffer",
        "connect(address,address)",
        &[Contract("BackpressurePool"), Contract("WorkLedger")],
        &[
            check("backpressurePool()", &[], Contract("BackpressurePool")),
            check("workLedger()", &[], Contract("WorkLedger")),
        ],
    ))),
    Deploy(core(
        "WorkVouchers",
        "work-vouchers",
        &[shown(Contract("WorkLedger"), "workLedger()"), OWNER],
    )),
    Deploy(without_owner(core(
        "WorkReserve",
        "work-reserve",
        &[shown(Contract("WorkVouchers"), "workVouchers()")],
    ))),
    // Without it there are no pools by work.
    Do(once(call(
        "WorkLedger",
        "setWorkReserve(address)",
        &[Contract("WorkReserve")],
        &[check("workReserve()", &[], Contract("WorkReserve"))],
    ))),
    Deploy(without_owner(core(
        "StreamGateway",
        "stream-gateway",
        &[
            shown(Setting("super_token"), "SUPER_TOKEN()"),
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            shown(Contract("WorkLedger"), "workLedger()"),
        ],
    ))),
    Do(call(
        "BackpressurePool",
        "setProtocolFee(uint256,address)",
        &[Setting("protocol_fee_bps"), Setting("fee_recipient")],
        &[
            check("protocolFee()", &[], Setting("protocol_fee_bps")),
            check("feeRecipient()", &[], Setting("fee_recipient")),
        ],
    )),
    Do(call(
        "BackpressurePool",
        "setReviewer(address)",
        &[Setting("reviewer")],
        &[check("reviewer()", &[], Setting("reviewer"))],
    )),
    // From here on the registry makes pools, and tells the pool of sinks that leave.
    Do(call(
        "CapacityRegistry",
        "setPool(address)",
        &[Contract("BackpressurePool")],
        &[check("pool()", &[], Contract("BackpressurePool"))],
    )),
    // --- Verification and prices
    Deploy(core(
        "CompletionTracker",
        "completion-tracker",
        &[
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            shown(Contract("StakeManager"), "stakeManager()"),
            OWNER,
        ],
    )),
    Deploy(without_owner(core(
        "Judge",
        "judge",
        &[
            shown(Contract("CompletionTracker"), "completionTracker()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            shown(Contract("StakeManager"), "stakeManager()"),
            shown(Setting("stake.slash_reward"), "reward()"),
            shown(Contract("WorkLedger"), "workLedger()"),
        ],
    ))),
    Deploy(without_owner(core(
        "WorkMisses",
        "work-misses",
        &[
            shown(Contract("WorkVouchers"), "workVouchers()"),
            shown(Contract("CompletionTracker"), "completionTracker()"),
        ],
    ))),
    // There misses are reported.
    Do(with_notice(
        check("announcedWorkMisses()", &[], Contract("WorkMisses")),
        call(
            "WorkLedger",
            "setWorkMisses(address)",
            &[Contract("WorkMisses")],
            &[check("workMisses()", &[], Contract("WorkMisses"))],
        ),
    )),
    Do(once(call(
        "CompletionTracker",
        "setJudge(address)",
        &[Contract("Judge")],
        &[check("judge()", &[], Contract("Judge"))],
    ))),
    Do(undone_by(
        "setSlasher(address,bool)",
        &[Contract("Judge"), No],
        with_notice(
            Check {
                view: "slasherFrom(address)",
                arguments: &[Contract("Judge")],
                expected: Expected::NotZero,
            },
            call(
                "StakeManager",
                "setSlasher(address,bool)",
                &[Contract("Judge"), Yes],
                &[check(
                    "authorizedSlashers(address)",
                    &[Contract("Judge")],
                    Yes,
                )],
            ),
        ),
    )),
    Deploy(core(
        "OffchainAggregator",
        "offchain-aggregator",
        &[
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            OWNER,
        ],
    )),
    Do(with_notice(
        check("announcedAggregator()", &[], Contract("OffchainAggregator")),
        call(
            "CapacityRegistry",
            "setAggregator(address)",
            &[Contract("OffchainAggregator")],
            &[check(
                "authorizedAggregator()",
                &[],
                Contract("OffchainAggregator"),
            )],
        ),
    )),
    Do(call(
        "OffchainAggregator",
        "setBackpressurePool(address)",
        &[Contract("BackpressurePool")],
        &[check(
            "backpressurePool()",
            &[],
            Contract("BackpressurePool"),
        )],
    )),
    Do(call(
        "BackpressurePool",
        "setShareSubmitter(address)",
        &[Contract("OffchainAggregator")],
        &[check(
            "shareSubmitter()",
            &[],
            Contract("OffchainAggregator"),
        )],
    )),
    Do(when(
        "share_signer",
        call(
            "OffchainAggregator",
            "setShareSigner(address)",
            &[Setting("share_signer")],
            &[check("shareSigner()", &[], Setting("share_signer"))],
        ),
    )),
    Deploy(core(
        "PricingCurve",
        "pricing-curve",
        &[
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            OWNER,
        ],
    )),
    Do(call(
        "PricingCurve",
        "setEscrowBuffer(address)",
        &[Contract("EscrowBuffer")],
        &[check("escrowBuffer()", &[], Contract("EscrowBuffer"))],
    )),
    Do(call(
        "BackpressurePool",
        "setPricingCurve(address)",
        &[Contract("PricingCurve")],
        &[check("pricingCurve()", &[], Contract("PricingCurve"))],
    )),
    Do(call(
        "WorkVouchers",
        "setPricingCurve(address)",
        &[Contract("PricingCurve")],
        &[check("pricingCurve()", &[], Contract("PricingCurve"))],
    )),
    // It tells what counted.
    Do(call(
        "PricingCurve",
        "setWorkLedger(address)",
        &[Contract("WorkVouchers")],
        &[check("workLedger()", &[], Contract("WorkVouchers"))],
    )),
    Deploy(without_owner(core(
        "ServiceDirectory",
        "service-directory",
        &[
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            shown(Contract("PricingCurve"), "pricingCurve()"),
        ],
    ))),
    Do(with_notice(
        check(
            "announcedServiceDirectory()",
            &[],
            Contract("ServiceDirectory"),
        ),
        call(
            "CapacityRegistry",
            "setServiceDirectory(address)",
            &[Contract("ServiceDirectory")],
            &[check(
                "serviceDirectory()",
                &[],
                Contract("ServiceDirectory"),
            )],
        ),
    )),
    Do(call(
        "PricingCurve",
        "setServiceDirectory(address)",
        &[Contract("ServiceDirectory")],
        &[check(
            "serviceDirectory()",
            &[],
            Contract("ServiceDirectory"),
        )],
    )),
    // --- Composition
    Deploy(core(
        "Pipeline",
        "pipeline",
        &[
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            OWNER,
        ],
    )),
    Do(call(
        "Pipeline",
        "setEscrowBuffer(address)",
        &[Contract("EscrowBuffer")],
        &[check("escrowBuffer()", &[], Contract("EscrowBuffer"))],
    )),
    Do(undone_by(
        "setPipeline(address,bool)",
        &[Contract("Pipeline"), No],
        call(
            "BackpressurePool",
            "setPipeline(address,bool)",
            &[Contract("Pipeline"), Yes],
            &[check(
                "authorizedPipelines(address)",
                &[Contract("Pipeline")],
                Yes,
            )],
        ),
    )),
    Deploy(core(
        "NestedPool",
        "nested-pool",
        &[
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            OWNER,
        ],
    )),
    Do(once(call(
        "BackpressurePool",
        "setNestedPool(address)",
        &[Contract("NestedPool")],
        &[check("nestedPool()", &[], Contract("NestedPool"))],
    ))),
    Deploy(of_domain(
        "reputation",
        "ReputationLedger",
        "reputation-ledger",
        &[OWNER],
    )),
    // It turns protocol fees on counted work into points there.
    Deploy(of_domain(
        "reputation",
        "WorkReputation",
        "work-reputation",
        &[
            shown(Contract("ReputationLedger"), "reputationLedger()"),
            shown(Contract("WorkVouchers"), "workVouchers()"),
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            OWNER,
        ],
    )),
    // It clones the programs of the contracts above.
    Deploy(core(
        "EconomyFactory",
        "economy-factory",
        &[
            shown(Setting("superfluid.gda"), "GDA()"),
            shown(Setting("super_token"), "SUPER_TOKEN()"),
            shown(Setting("stake.token"), "STAKE_TOKEN()"),
            shown(Setting("stake.unit"), "STAKE_UNIT()"),
            shown(
                Contracts(&[
                    "StakeManager",
                    "CapacityRegistry",
                    "BackpressurePool",
                    "EscrowBuffer",
                    "StreamGateway",
                    "OverflowMeter",
                    "WorkLedger",
                    "WorkVouchers",
                    "WorkReserve",
                    "WorkMisses",
                    "PricingCurve",
                    "CompletionTracker",
                    "Judge",
                    "OffchainAggregator",
                    "ServiceDirectory",
                    "Pipeline",
                    "ReputationLedger",
                ]),
                "programs()",
            ),
            OWNER,
        ],
    )),
    // --- Task types
    // With its weighting in one transaction: by work is for ever, and has to be chosen before anybody creates the pool.
    Do(Call {
        repeat: Repeat::TaskTypesByWork,
        ..once(call(
            "CapacityRegistry",
            "registerTaskTypeFor(bytes32,uint256,address,bool,uint8)",
            &[
                TaskTypeId,
                TaskTypeMinStake,
                Deployer,
                No,
                TaskTypeWeighting,
            ],
            REGISTERED,
        ))
    }),
    Do(Call {
        repeat: Repeat::OtherTaskTypes,
        ..once(call(
            "CapacityRegistry",
            "registerTaskType(bytes32,uint256)",
            &[TaskTypeId, TaskTypeMinStake],
            REGISTERED,
        ))
    }),
    Do(Call {
        repeat: Repeat::WeightedTaskTypes,
        ..call(
            "BackpressurePool",
            "setWeighting(bytes32,uint8)",
            &[TaskTypeId, TaskTypeWeighting],
            &[check(
                "getWeighting(bytes32)",
                &[TaskTypeId],
                TaskTypeWeighting,
            )],
        )
    }),
    Do(for_task_types(call(
        "BackpressurePool",
        "createPool(bytes32)",
        &[TaskTypeId],
        &[Check {
            view: "getPool(bytes32)",
            arguments: &[TaskTypeId],
            expected: Expected::NotZero,
        }],
    ))),
    // Where work is paid, it is what prices follow.
    Do(Call {
        repeat: Repeat::TaskTypesByWork,
        ..call(
            "PricingCurve",
            "setCurve(bytes32,uint8)",
            &[TaskTypeId, CurveUsed],
            &[check("getCurve(bytes32)", &[TaskTypeId], CurveUsed)],
        )
    }),
    // By whoever created it; before anything has counted, it starts there.
    Do(Call {
        repeat: Repeat::PricedTaskTypes,
        ..call(
            "PricingCurve",
            "setFees(bytes32,uint256,uint256,uint256)",
            &[
                TaskTypeId,
                TaskTypeStartFee,
                TaskTypeFeeFloor,
                TaskTypeFeeCeiling,
            ],
            &[Check {
                view: "getFees(bytes32)",
                arguments: &[TaskTypeId],
                expected: Expected::Are(&[TaskTypeFeeFloor, TaskTypeFeeCeiling]),
            }],
        )
    }),
    // What sinks owe. Without it they owe nothing.
    Do(Call {
        repeat: Repeat::JudgedTaskTypes,
        ..with_notice(
            yardstick(&[TaskTypeId, LastEpoch]),
            call(
                "CompletionTracker",
                "setYardstick(bytes32,uint256,uint8)",
                &[TaskTypeId, TaskTypeWeight, TaskTypeYardstick],
                &[yardstick(&[TaskTypeId, NextEpoch])],
            ),
        )
    }),
    // --- Reputation and routing between protocols
    Do(when(
        "reputation.stake_domain",
        call(
            "StakeManager",
            "setReputationLedger(address,bytes32)",
            &[
                Contract("ReputationLedger"),
                Setting("reputation.stake_domain"),
            ],
            &[
                check("reputationLedger()", &[], Contract("ReputationLedger")),
                check(
                    "reputationDomain()",
                    &[],
                    Setting("reputation.stake_domain"),
                ),
            ],
        ),
    )),
    Deploy(of_domain(
        "universal",
        "UniversalCapacityAdapter",
        "universal-capacity-adapter",
        &[
            shown(Contract("CapacityRegistry"), "coreRegistry()"),
            shown(Contract("StakeManager"), "stakeManager()"),
            OWNER,
        ],
    )),
    Do(adapter(
        &[Contract("UniversalCapacityAdapter"), Yes],
        &[Contract("UniversalCapacityAdapter"), No],
        adapter_from(&[Contract("UniversalCapacityAdapter")]),
        &[check(
            "authorizedAdapters(address)",
            &[Contract("UniversalCapacityAdapter")],
            Yes,
        )],
    )),
    Deploy(of_domain(
        "router",
        "CrossProtocolRouter",
        "cross-protocol-router",
        &[OWNER],
    )),
    // Its three rails, for the token that streams are paid in, and ether where they can.
    Deploy(without_owner(of_domain(
        "router",
        "SuperfluidSettlementAdapter",
        "superfluid-settlement-adapter",
        &[
            shown(Setting("super_token"), "token()"),
            shown(Contract("CrossProtocolRouter"), "pipeline()"),
        ],
    ))),
    Deploy(without_owner(of_domain(
        "router",
        "LightningSettlementAdapter",
        "lightning-settlement-adapter",
        &[
            shown(Setting("super_token"), "token()"),
            shown(Contract("CrossProtocolRouter"), "pipeline()"),
        ],
    ))),
    Deploy(without_owner(of_domain(
        "router",
        "DirectSettlementAdapter",
        "direct-settlement-adapter",
        &[
            shown(Setting("super_token"), "token()"),
            shown(Contract("CrossProtocolRouter"), "pipeline()"),
        ],
    ))),
    Do(rail(
        &[Protocol(0), Contract("SuperfluidSettlementAdapter")],
        &[check(
            "getProtocolAdapter(uint8)",
            &[Protocol(0)],
            Contract("SuperfluidSettlementAdapter"),
        )],
    )),
    Do(rail(
        &[Protocol(1), Contract("LightningSettlementAdapter")],
        &[check(
            "getProtocolAdapter(uint8)",
            &[Protocol(1)],
            Contract("LightningSettlementAdapter"),
        )],
    )),
    Do(rail(
        &[Protocol(2), Contract("DirectSettlementAdapter")],
        &[check(
            "getProtocolAdapter(uint8)",
            &[Protocol(2)],
            Contract("DirectSettlementAdapter"),
        )],
    )),
    // --- Demurrage
    Deploy(of_domain(
        "demurrage",
        "DemurrageToken",
        "demurrage-token",
        &[
            shown(Setting("demurrage.name"), "name()"),
            shown(Setting("demurrage.symbol"), "symbol()"),
            shown(Setting("demurrage.underlying"), "UNDERLYING()"),
            shown(Setting("demurrage.decay_rate"), "decayRate()"),
            shown(Setting("demurrage.recipient"), "decayRecipient()"),
            OWNER,
        ],
    )),
    Deploy(of_domain(
        "demurrage",
        "VelocityMetrics",
        "velocity-metrics",
        &[
            shown(Contract("DemurrageToken"), "authorizedRecorder()"),
            OWNER,
        ],
    )),
    Do(call(
        "DemurrageToken",
        "setVelocityMetrics(address)",
        &[Contract("VelocityMetrics")],
        &[check("velocityMetrics()", &[], Contract("VelocityMetrics"))],
    )),
    Do(exempt(
        &[Contract("StakeManager"), Yes],
        &[check(
            "decayExempt(address)",
            &[Contract("StakeManager")],
            Yes,
        )],
    )),
    Do(exempt(
        &[Contract("EscrowBuffer"), Yes],
        &[check(
            "decayExempt(address)",
            &[Contract("EscrowBuffer")],
            Yes,
        )],
    )),
    Do(when(
        "demurrage.super_token",
        exempt(
            &[Setting("demurrage.super_token"), Yes],
            &[check(
                "decayExempt(address)",
                &[Setting("demurrage.super_token")],
                Yes,
            )],
        ),
    )),
    // --- Keys of relays and nodes
    Deploy(without_owner(core("KeyRegistry", "key-registry", &[]))),
    // --- Lightning. Its contracts want their task type to be there.
    Do(when(
        "domains.lightning",
        task_type(
            &[
                Setting("lightning.task_type"),
                Setting("lightning.min_stake"),
            ],
            &[
                check(
                    "taskTypeExists(bytes32)",
                    &[Setting("lightning.task_type")],
                    Yes,
                ),
                check(
                    "getTaskType(bytes32)",
                    &[Setting("lightning.task_type")],
                    Setting("lightning.min_stake"),
                ),
            ],
        ),
    )),
    Deploy(of_domain(
        "lightning",
        "LightningCapacityOracle",
        "lightning-capacity-oracle",
        &[
            shown(Contract("CapacityRegistry"), "coreRegistry()"),
            shown(Contract("StakeManager"), "stakeManager()"),
            shown(Contract("KeyRegistry"), "keyRegistry()"),
            shown(Setting("lightning.task_type"), "lightningTaskTypeId()"),
            shown(Setting("lightning.sats_per_unit"), "satsPerUnit()"),
            OWNER,
        ],
    )),
    Do(adapter(
        &[Contract("LightningCapacityOracle"), Yes],
        &[Contract("LightningCapacityOracle"), No],
        adapter_from(&[Contract("LightningCapacityOracle")]),
        &[check(
            "authorizedAdapters(address)",
            &[Contract("LightningCapacityOracle")],
            Yes,
        )],
    )),
    Deploy(of_domain(
        "lightning",
        "LightningRoutingPool",
        "lightning-routing-pool",
        &[
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            shown(Contract("LightningCapacityOracle"), "lightningOracle()"),
            shown(Contract("PricingCurve"), "pricingCurve()"),
            shown(Setting("lightning.task_type"), "LIGHTNING_TASK_TYPE_ID()"),
            OWNER,
        ],
    )),
    Do(adapter(
        &[Contract("LightningRoutingPool"), Yes],
        &[Contract("LightningRoutingPool"), No],
        adapter_from(&[Contract("LightningRoutingPool")]),
        &[check(
            "authorizedAdapters(address)",
            &[Contract("LightningRoutingPool")],
            Yes,
        )],
    )),
    // Pay follows what is attested: nobody declares.
    Do(when(
        "domains.lightning",
        call(
            "CapacityRegistry",
            "requireAttestations(bytes32)",
            &[Setting("lightning.task_type")],
            &[check(
                "isAttested(bytes32)",
                &[Setting("lightning.task_type")],
                Yes,
            )],
        ),
    )),
    Do(call(
        "LightningRoutingPool",
        "initializePool()",
        &[],
        &[check("poolInitialized()", &[], Yes)],
    )),
    // --- Relays, likewise.
    Do(when(
        "domains.relay",
        task_type(
            &[Setting("relay.task_type"), Setting("relay.min_stake")],
            &[
                check(
                    "taskTypeExists(bytes32)",
                    &[Setting("relay.task_type")],
                    Yes,
                ),
                check(
                    "getTaskType(bytes32)",
                    &[Setting("relay.task_type")],
                    Setting("relay.min_stake"),
                ),
            ],
        ),
    )),
    Deploy(of_domain(
        "relay",
        "RelayCapacityRegistry",
        "relay-capacity-registry",
        &[
            shown(Contract("CapacityRegistry"), "coreRegistry()"),
            shown(Contract("StakeManager"), "stakeManager()"),
            shown(Contract("KeyRegistry"), "keyRegistry()"),
            shown(Setting("relay.task_type"), "relayTaskTypeId()"),
            OWNER,
        ],
    )),
    // It locks the stake behind each listing.
    Do(adapter(
        &[Contract("RelayCapacityRegistry"), Yes],
        &[Contract("RelayCapacityRegistry"), No],
        adapter_from(&[Contract("RelayCapacityRegistry")]),
        &[check(
            "authorizedAdapters(address)",
            &[Contract("RelayCapacityRegistry")],
            Yes,
        )],
    )),
    Do(when(
        "relay.aggregator",
        with_notice(
            check(
                "getAggregator(uint256)",
                &[LastEpoch],
                Setting("relay.aggregator"),
            ),
            call(
                "RelayCapacityRegistry",
                "setAggregator(address)",
                &[Setting("relay.aggregator")],
                &[check(
                    "authorizedAggregator()",
                    &[],
                    Setting("relay.aggregator"),
                )],
            ),
        ),
    )),
    Deploy(of_domain(
        "relay",
        "RelayPaymentPool",
        "relay-payment-pool",
        &[
            shown(Contract("BackpressurePool"), "backpressurePool()"),
            shown(Contract("CapacityRegistry"), "capacityRegistry()"),
            shown(Contract("RelayCapacityRegistry"), "relayRegistry()"),
            OWNER,
        ],
    )),
    Do(adapter(
        &[Contract("RelayPaymentPool"), Yes],
        &[Contract("RelayPaymentPool"), No],
        adapter_from(&[Contract("RelayPaymentPool")]),
        &[check(
            "authorizedAdapters(address)",
            &[Contract("RelayPaymentPool")],
            Yes,
        )],
    )),
    // It brings what operators have signed.
    Deploy(without_owner(of_domain(
        "relay",
        "RelayAttestations",
        "relay-attestations",
        &[shown(Contract("RelayCapacityRegistry"), "relayRegistry()")],
    ))),
    Do(once(with_notice(
        Check {
            view: "attestationsFrom()",
            arguments: &[],
            expected: Expected::NotZero,
        },
        call(
            "RelayCapacityRegistry",
            "setAttestations(address)",
            &[Contract("RelayAttestations")],
            &[check("attestations()", &[], Contract("RelayAttestations"))],
        ),
    ))),
    // A relay that is taken off leaves its pools.
    Do(once(call(
        "RelayCapacityRegistry",
        "setPaymentPool(address)",
        &[Contract("RelayPaymentPool")],
        &[check("paymentPool()", &[], Contract("RelayPaymentPool"))],
    ))),
    Do(call(
        "RelayPaymentPool",
        "setPricingCurve(address)",
        &[Contract("PricingCurve")],
        &[check("pricingCurve()", &[], Contract("PricingCurve"))],
    )),
    Do(call(
        "RelayPaymentPool",
        "initializePools()",
        &[],
        &[Check {
            view: "getPoolAddress(bytes32)",
            arguments: &[Id("RELAY_WRITE")],
            expected: Expected::NotZero,
        }],
    )),
    // Writers deposit there for relays, which collect by this tariff.
    Deploy(without_owner(of_domain(
        "relay",
        "RelayBudget",
        "relay-budget",
        &[
            shown(Contract("RelayPaymentPool"), "paymentPool()"),
            shown(Contract("KeyRegistry"), "keyRegistry()"),
        ],
    ))),
    // --- Agents
    Do(when(
        "domains.openclaw",
        task_type(
            &[Setting("openclaw.task_type"), Setting("openclaw.min_stake")],
            &[
                check(
                    "taskTypeExists(bytes32)",
                    &[Setting("openclaw.task_type")],
                    Yes,
                ),
                check(
                    "getTaskType(bytes32)",
                    &[Setting("openclaw.task_type")],
                    Setting("openclaw.min_stake"),
                ),
            ],
        ),
    )),
    Do(when(
        "domains.openclaw",
        call(
            "BackpressurePool",
            "createPool(bytes32)",
            &[Setting("openclaw.task_type")],
            &[Check {
                view: "getPool(bytes32)",
                arguments: &[Setting("openclaw.task_type")],
                expected: Expected::NotZero,
            }],
        ),
    )),
    Deploy(of_domain(
        "openclaw",
        "OpenClawCapacityAdapter",
        "openclaw-capacity-adapter",
        &[
            shown(Contract("CapacityRegistry"), "coreRegistry()"),
            shown(Contract("StakeManager"), "stakeManager()"),
            OWNER,
        ],
    )),
    Do(adapter(
        &[Contract("OpenClawCapacityAdapter"), Yes],
        &[Contract("OpenClawCapacityAdapter"), No],
        adapter_from(&[Contract("OpenClawCapacityAdapter")]),
        &[check(
            "authorizedAdapters(address)",
            &[Contract("OpenClawCapacityAdapter")],
            Yes,
        )],
    )),
    // Agents are ranked by what is seen there of their work.
    Do(once(call(
        "OpenClawCapacityAdapter",
        "setWorkVouchers(address)",
        &[Contract("WorkVouchers")],
        &[check("workVouchers()", &[], Contract("WorkVouchers"))],
    ))),
    Do(once(call(
        "OpenClawCapacityAdapter",
        "registerSkillType(bytes32,string,uint256)",
        &[
            Setting("openclaw.task_type"),
            Setting("openclaw.skill_name"),
            Setting("openclaw.min_stake"),
        ],
        &[
            check("skillTypes(bytes32)", &[Setting("openclaw.task_type")], Yes),
            check(
                "skillMinStake(bytes32)",
                &[Setting("openclaw.task_type")],
                Setting("openclaw.min_stake"),
            ),
        ],
    ))),
    Do(undone_by(
        "removeAdapter(bytes32)",
        &[Id("OPENCLAW_AGENT")],
        with_notice(
            Check {
                view: "getRegistration(bytes32)",
                arguments: &[Id("OPENCLAW_AGENT")],
                expected: Expected::Are(&[Contract("OpenClawCapacityAdapter"), OfAttestation]),
            },
            call(
                "UniversalCapacityAdapter",
                "registerAdapter(address,bytes32)",
                &[Contract("OpenClawCapacityAdapter"), OfAttestation],
                &[
                    check(
                        "getAdapter(bytes32)",
                        &[Id("OPENCLAW_AGENT")],
                        Contract("OpenClawCapacityAdapter"),
                    ),
                    check(
                        "getTaskTypeId(bytes32)",
                        &[Id("OPENCLAW_AGENT")],
                        OfAttestation,
                    ),
                ],
            ),
        ),
    )),
    // A task type per skill: this one's creator has the adapter speak for it, and so does each other's.
    Do(undone_by(
        "bindAdapter(bytes32,address,bool)",
        &[
            Setting("openclaw.task_type"),
            Contract("OpenClawCapacityAdapter"),
            No,
        ],
        call(
            "UniversalCapacityAdapter",
            "bindAdapter(bytes32,address,bool)",
            &[
                Setting("openclaw.task_type"),
                Contract("OpenClawCapacityAdapter"),
                Yes,
            ],
            &[check(
                "isBound(bytes32,address)",
                &[
                    Setting("openclaw.task_type"),
                    Contract("OpenClawCapacityAdapter"),
                ],
                Yes,
            )],
        ),
    )),
    Deploy(of_domain(
        "openclaw",
        "OpenClawReputationBridge",
        "openclaw-reputation-bridge",
        &[
            shown(Contract("ReputationLedger"), "reputationLedger()"),
            OWNER,
        ],
    )),
    // The bridge is the domain's adapter, and so may record in it. A domain is registered once; its adapter may change.
    Do(call(
        "ReputationLedger",
        "registerDomain(bytes32,address)",
        &[Id("OPENCLAW_AGENT"), Contract("OpenClawReputationBridge")],
        &[Check {
            view: "getDomain(bytes32)",
            arguments: &[Id("OPENCLAW_AGENT")],
            expected: Expected::NotZero,
        }],
    )),
    Do(call(
        "ReputationLedger",
        "setDomainAdapter(bytes32,address)",
        &[Id("OPENCLAW_AGENT"), Contract("OpenClawReputationBridge")],
        &[
            check(
                "getDomain(bytes32)",
                &[Id("OPENCLAW_AGENT")],
                Contract("OpenClawReputationBridge"),
            ),
            check(
                "authorizedRecorders(bytes32,address)",
                &[Id("OPENCLAW_AGENT"), Contract("OpenClawReputationBridge")],
                Yes,
            ),
        ],
    )),
    // Work of the task type, and slashes in it, are reputation in the domain.
    Do(when(
        "domains.openclaw",
        call(
            "ReputationLedger",
            "setTaskTypeDomain(bytes32,bytes32)",
            &[Setting("openclaw.task_type"), Id("OPENCLAW_AGENT")],
            &[check(
                "domainOf(bytes32)",
                &[Setting("openclaw.task_type")],
                Id("OPENCLAW_AGENT"),
            )],
        ),
    )),
    Do(when(
        "domains.openclaw",
        undone_by(
            "revokeRecorder(bytes32,address)",
            &[Id("OPENCLAW_AGENT"), Contract("WorkReputation")],
            call(
                "ReputationLedger",
                "authorizeRecorder(bytes32,address)",
                &[Id("OPENCLAW_AGENT"), Contract("WorkReputation")],
                &[check(
                    "authorizedRecorders(bytes32,address)",
                    &[Id("OPENCLAW_AGENT"), Contract("WorkReputation")],
                    Yes,
                )],
            ),
        ),
    )),
    Do(when(
        "domains.openclaw",
        undone_by(
            "revokeRecorder(bytes32,address)",
            &[Id("OPENCLAW_AGENT"), Contract("Judge")],
            call(
                "ReputationLedger",
                "authorizeRecorder(bytes32,address)",
                &[Id("OPENCLAW_AGENT"), Contract("Judge")],
                &[check(
                    "authorizedRecorders(bytes32,address)",
                    &[Id("OPENCLAW_AGENT"), Contract("Judge")],
                    Yes,
                )],
            ),
        ),
    )),
    Deploy(without_owner(of_domain(
        "openclaw",
        "OpenClawCompletionVerifier",
        "openclaw-completion-verifier",
        &[
            shown(Contract("CompletionTracker"), "completionTracker()"),
            shown(Contract("OpenClawCapacityAdapter"), "capacityAdapter()"),
            shown(Contract("OpenClawReputationBridge"), "reputationBridge()"),
        ],
    ))),
    Do(undone_by(
        "revokeReporter(address)",
        &[Contract("OpenClawCompletionVerifier")],
        call(
            "OpenClawReputationBridge",
            "authorizeReporter(address)",
            &[Contract("OpenClawCompletionVerifier")],
            &[check(
                "authorizedReporters(address)",
                &[Contract("OpenClawCompletionVerifier")],
                Yes,
            )],
        ),
    )),
    Do(with_notice(
        check(
            "getVerifier(bytes32,uint256)",
            &[Setting("openclaw.task_type"), LastEpoch],
            Contract("OpenClawCompletionVerifier"),
        ),
        call(
            "CompletionTracker",
            "setVerifier(bytes32,address)",
            &[
                Setting("openclaw.task_type"),
                Contract("OpenClawCompletionVerifier"),
            ],
            &[check(
                "verifiers(bytes32)",
                &[Setting("openclaw.task_type")],
                Contract("OpenClawCompletionVerifier"),
            )],
        ),
    )),
    // --- The last step: from here on powers over stakes are given with notice, and sinks can stake.
    Do(Call {
        needs: &["CapacityRegistry", "CompletionTracker", "Judge"],
        ..call(
            "StakeManager",
            "open()",
            &[],
            &[check("opened()", &[], Yes)],
        )
    }),
];

/// The domains that a configuration may leave out.
pub const DOMAINS: &[&str] = &[
    "reputation",
    "universal",
    "router",
    "demurrage",
    "lightning",
    "relay",
    "openclaw",
];

/// All contracts, in the order of deployment.
pub fn programs() -> impl Iterator<Item = &'static Program> {
    STEPS.iter().filter_map(|step| match step {
        Step::Deploy(program) => Some(program),
        Step::Call(_) => None,
    })
}

/// All calls, likewise.
pub fn calls() -> impl Iterator<Item = &'static Call> {
    STEPS.iter().filter_map(|step| match step {
        Step::Call(call) => Some(call),
        Step::Deploy(_) => None,
    })
}

/// Finds a contract by its name, its package's, or the key it has in a deployments file.
pub fn find(name: &str) -> Option<&'static Program> {
    programs().find(|it| it.name == name || it.package == name || it.key() == name)
}

impl Program {
    /// Its name in a deployments file: `stakeManager`.
    pub fn key(&self) -> String {
        let (first, rest) = self.name.split_at(1);
        first.to_lowercase() + rest
    }

    /// The contracts that its constructor is given.
    pub fn needs(&self) -> impl Iterator<Item = &'static str> {
        self.arguments
            .iter()
            .flat_map(|argument| argument.value.contracts())
    }

    pub fn settings(&self) -> impl Iterator<Item = &'static str> {
        self.arguments
            .iter()
            .filter_map(|argument| argument.value.setting())
    }
}

impl Call {
    /// The contracts that it is about.
    pub fn contracts(&self) -> impl Iterator<Item = &'static str> {
        let arguments = self.arguments.iter().flat_map(|value| value.contracts());
        let needs = self.needs.iter().copied();
        std::iter::once(self.on).chain(arguments).chain(needs)
    }

    pub fn settings(&self) -> impl Iterator<Item = &'static str> {
        self.arguments.iter().filter_map(|value| value.setting())
    }
}

/// Whether a contract can be left out of a deployment, with its domain.
pub fn is_optional(name: &str) -> bool {
    find(name).is_some_and(|program| program.domain.is_some())
}

impl Value {
    fn contracts(&self) -> Vec<&'static str> {
        match self {
            Contract(name) => vec![name],
            Contracts(names) => {
                let names = names.iter().filter(|name| !is_optional(name));
                names.copied().collect()
            }
            _ => Vec::new(),
        }
    }

    fn setting(&self) -> Option<&'static str> {
        match self {
            Setting(key) => Some(key),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_step_finds_what_it_refers_to() {
        let mut deployed = HashSet::new();
        for step in STEPS {
            match step {
                Step::Deploy(program) => {
                    for name in program.needs() {
                        assert!(deployed.contains(name), "{} before {name}", program.name);
                    }
                    assert!(deployed.insert(program.name), "{} twice", program.name);
                }
                Step::Call(call) => {
                    for name in call.contracts() {
                        assert!(deployed.contains(name), "{} before {name}", call.function);
                    }
                    assert!(!call.checks.is_empty(), "{} is never done", call.function);
                }
            }
        }
    }

    #[test]
    fn signatures_have_as_many_parameters_as_there_are_arguments() {
        let parameters = |signature: &str| {
            let inside = signature.split_once('(').unwrap().1.strip_suffix(')');
            let inside = inside.unwrap();
            inside.split(',').filter(|part| !part.is_empty()).count()
        };
        for call in calls() {
            assert_eq!(
                parameters(call.function),
                call.arguments.len(),
                "{}",
                call.function
            );
            for check in call.checks {
                assert_eq!(
                    parameters(check.view),
                    check.arguments.len(),
                    "{}",
                    check.view
                );
            }
            if let Some((function, arguments)) = call.undo {
                assert_eq!(parameters(function), arguments.len(), "{function}");
            }
        }
    }

    #[test]
    fn contracts_are_found_by_each_of_their_names() {
        for name in [
            "OpenClawReputationBridge",
            "openclaw-reputation-bridge",
            "openClawReputationBridge",
        ] {
            assert_eq!(find(name).unwrap().package, "openclaw-reputation-bridge");
        }
        assert!(find("stake").is_none());
    }
}
