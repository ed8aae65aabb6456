//! The suite's events, each as one row: what it is called, whose it is, and how much.

use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
    sol,
    sol_types::SolEvent,
};
use bpe_abi::{
    IBackpressurePool as pool, ICapacityRegistry as registry, ICompletionTracker as tracker,
    IEscrowBuffer as escrow, IOffchainAggregator as aggregator, IPipeline as pipeline,
    IPricingCurve as pricing, IStakeManager as stakes, IWorkMisses as misses,
};
use serde::Serialize;
use serde_json::{json, Value};

sol! {
    /// Of Superfluid's pools.
    event MemberUnitsUpdated(address indexed token, address indexed member, uint128 oldUnits, uint128 newUnits);

    /// Of Superfluid's general distribution agreement.
    event FlowDistributionUpdated(
        address indexed token, address indexed pool, address indexed distributor, address operator,
        int96 oldFlowRate, int96 newDistributorToPoolFlowRate, int96 newTotalDistributionFlowRate,
        address adjustmentFlowRecipient, int96 adjustmentFlowRate, bytes userData
    );
}

/// An event of the economy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub block: u64,
    pub log_index: u64,
    /// Seconds since 1970, by the chain.
    pub time: u64,
    pub transaction: B256,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<B256>,
    /// The sink, or whoever it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Address>,
    /// The source, the pool, or whoever else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

#[derive(Default)]
struct Parts {
    task_type: Option<B256>,
    account: Option<Address>,
    other: Option<Address>,
    amount: Option<String>,
    detail: Value,
}

type Decoder = (B256, &'static str, fn(&Log) -> Option<Parts>);

macro_rules! decoders {
    ($($path:path => |$event:ident| $parts:expr;)*) => {
        [$((
            <$path as SolEvent>::SIGNATURE_HASH,
            <$path as SolEvent>::SIGNATURE,
            (|log: &Log| {
                let $event = <$path>::decode_log(&log.inner).ok()?.data;
                Some($parts)
            }) as fn(&Log) -> Option<Parts>,
        )),*]
    };
}

/// How each is read. What they hold beyond whose and how much goes into `detail`.
fn decoders() -> [Decoder; 37] {
    decoders! {
        registry::TaskTypeRegistered => |it| of(it.taskTypeId).account(it.creator).amount(it.minStake);
        registry::SinkRegistered => |it| of(it.taskTypeId).account(it.sink).amount(it.initialCapacity);
        registry::SinkDeregistered => |it| of(it.taskTypeId).account(it.sink);
        registry::CapacityRevealed => |it| of(it.taskTypeId).account(it.sink).amount(it.smoothedCapacity)
            .detail(json!({"raw": it.rawCapacity.to_string()}));
        registry::CapacityClipped => |it| of(it.taskTypeId).account(it.sink).amount(it.smoothedCapacity)
            .detail(json!({"raw": it.rawCapacity.to_string()}));
        registry::ListenerFailed => |it| of(it.taskTypeId).account(it.sink).amount(it.capacity);
        stakes::Staked => |it| Parts::default().account(it.sink).amount(it.amount)
            .detail(json!({"total": it.totalStake.to_string()}));
        stakes::Unstaked => |it| Parts::default().account(it.sink).amount(it.amount)
            .detail(json!({"total": it.totalStake.to_string()}));
        stakes::Slashed => |it| Parts::default().account(it.sink).amount(it.amount)
            .detail(json!({"reason": it.reason.to_string()}));
        pool::PoolCreated => |it| of(it.taskTypeId).other(it.pool);
        pool::Rebalanced => |it| of(it.taskTypeId).amount(it.totalCapacity)
            .detail(json!({"sinks": it.sinkCount.to_string()}));
        pool::CapacityPriceSet => |it| of(it.taskTypeId).amount(it.price);
        pool::WeightingSet => |it| of(it.taskTypeId).amount(it.weighting);
        pool::CarveOutsSet => |it| of(it.taskTypeId).amount(it.sinkUnits).detail(json!({
            "fee": it.feeUnits.to_string(), "budget": it.budgetUnits.to_string(), "overflow": it.overflowUnits.to_string()}));
        pool::EffectiveCapacitySet => |it| of(it.taskTypeId).amount(it.capacity);
        pool::SinkSkipped => |it| of(it.taskTypeId).account(it.sink);
        escrow::Deposited => |it| of(it.taskTypeId).other(it.source).amount(it.amount);
        escrow::Drained => |it| of(it.taskTypeId).account(it.sink).amount(it.amount);
        escrow::Credited => |it| of(it.taskTypeId).account(it.sink).amount(it.amount);
        escrow::Reclaimed => |it| of(it.taskTypeId).other(it.source).amount(it.amount);
        escrow::PressureChanged => |it| of(it.taskTypeId).amount(it.newPressure);
        escrow::BufferFull => |it| of(it.taskTypeId).amount(it.bufferLevel);
        tracker::CompletionRecorded => |it| of(it.taskTypeId).account(it.sink).other(it.source)
            .detail(json!({"taskId": it.taskId.to_string()}));
        tracker::AssignmentRecorded => |it| of(it.taskTypeId).account(it.sink).other(it.source).amount(it.deadline)
            .detail(json!({"taskId": it.taskId.to_string()}));
        tracker::EpochAdvanced => |it| of(it.taskTypeId).account(it.sink).amount(it.completionRate)
            .detail(json!({"epoch": it.epoch.to_string()}));
        tracker::AutoSlashed => |it| of(it.taskTypeId).account(it.sink).amount(it.slashAmount)
            .detail(json!({"rate": it.completionRate.to_string()}));
        aggregator::AttestationApplied => |it| of(it.taskTypeId).account(it.sink).amount(it.capacity)
            .detail(json!({"timestamp": it.timestamp.to_string()}));
        aggregator::AttestationRejected => |it| of(it.taskTypeId).account(it.sink).detail(json!({"reason": it.reason}));
        pricing::BaseFeeUpdated => |it| of(it.taskTypeId).amount(it.newBaseFee);
        pricing::QueueLoadUpdated => |it| of(it.taskTypeId).account(it.sink).amount(it.queueLoad);
        pipeline::StageCollapse => |it| Parts::default().amount(it.phase)
            .detail(json!({"pipeline": it.pipelineId.to_string(), "stage": it.stageIndex.to_string()}));
        pipeline::StageRecovery => |it| Parts::default()
            .detail(json!({"pipeline": it.pipelineId.to_string(), "stage": it.stageIndex.to_string()}));
        misses::MissReported => |it| of(it.taskTypeId).account(it.sink).other(it.source).amount(it.value)
            .detail(json!({"taskId": it.taskId.to_string(), "work": it.work.to_string(), "deadline": it.deadline.to_string()}));
        misses::MissAnswered => |it| of(it.taskTypeId).account(it.sink).other(it.source).amount(it.value)
            .detail(json!({"taskId": it.taskId.to_string()}));
        misses::MissesSettled => |it| of(it.taskTypeId).account(it.sink).other(it.treasury).amount(it.value)
            .detail(json!({"epoch": it.epoch.to_string(), "work": it.work.to_string()}));
        MemberUnitsUpdated => |it| Parts::default().account(it.member).amount(it.newUnits);
        FlowDistributionUpdated => |it| Parts::default().account(it.distributor).other(it.pool)
            .amount(it.newDistributorToPoolFlowRate)
            .detail(json!({"total": it.newTotalDistributionFlowRate.to_string()}));
    }
}

fn of(task_type: B256) -> Parts {
    Parts {
        task_type: Some(task_type),
        ..Parts::default()
    }
}

impl Parts {
    fn account(mut self, account: Address) -> Self {
        self.account = Some(account);
        self
    }

    fn other(mut self, other: Address) -> Self {
        self.other = Some(other);
        self
    }

    fn amount(mut self, amount: impl ToString) -> Self {
        self.amount = Some(amount.to_string());
        self
    }

    fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// What to ask the node for.
pub fn topics() -> Vec<B256> {
    decoders().iter().map(|(topic, ..)| *topic).collect()
}

impl Event {
    /// The event of a log; `None` if it is none of those above.
    pub fn decode(log: &Log, time: u64) -> Option<Self> {
        let topic = *log.topic0()?;
        let decoders = decoders();
        let (_, signature, decode) = decoders.iter().find(|(it, ..)| *it == topic)?;
        let parts = decode(log)?;
        let name = signature.split('(').next().unwrap_or_default().to_owned();
        // Pools and the agreement say nothing of task types: the emitter, or the pool that is named, tells.
        let other = parts
            .other
            .or((name == "MemberUnitsUpdated").then(|| log.address()));
        Some(Self {
            block: log.block_number?,
            log_index: log.log_index?,
            time,
            transaction: log.transaction_hash?,
            name,
            task_type: parts.task_type,
            account: parts.account,
            other,
            amount: parts.amount,
            detail: parts.detail,
        })
    }

    /// Tells that nothing after `block` happened.
    pub fn rewound(block: u64) -> Self {
        Self {
            block,
            log_index: 0,
            time: 0,
            transaction: B256::ZERO,
            name: "Rewound".to_owned(),
            task_type: None,
            account: None,
            other: None,
            amount: None,
            detail: Value::Null,
        }
    }
}
