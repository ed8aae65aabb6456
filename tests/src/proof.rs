//! The contracts of verification and prices on top of the settlement core, wired, and what is signed for them.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy::{
    primitives::{keccak256, Address, Bytes, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol_types::{Eip712Domain, SolEvent, SolStruct, SolValue},
};
use bpe_abi::{
    typed_data::{
        self, sign_assignment, sign_attestation, sign_receipt, BoltzmannShares,
        CapacityAttestation, CompletionReceipt, TaskAssignment,
    },
    ICompletionTracker::{
        self, AutoSlashed, CompletionRecorded, EpochAdvanced, ICompletionTrackerInstance,
        SignedTask, YardstickSet,
    },
    IJudge::{self, IJudgeInstance},
    IOffchainAggregator::{self, IOffchainAggregatorInstance, SignedAttestation},
    IPricingCurve::{self, IPricingCurveInstance},
    IWorkMisses::{self, IWorkMissesInstance},
};

use crate::{
    settlement::Settlement,
    stage::mined,
    suite::{deploy, tokens, units, CODE, UNIT},
};

/// Seconds of an epoch of CompletionTracker.
pub const EPOCH: u64 = 300;

/// The most receipts in a batch.
pub const BATCH: usize = 100;

/// What whoever brings a slash about is paid, in wei: a 1 024th of 100 tokens, as in the factory's economies.
pub const REWARD: U256 = U256::from_limbs([97_656_250_000_000_000, 0, 0, 0]);

/// The account that signs shares.
pub const SHARE_SIGNER: usize = 9;

/// Settlement core, CompletionTracker with Judge as the slasher, PricingCurve that asks EscrowBuffer and that the pools ask, and
/// OffchainAggregator in the place of the registry's aggregator and the pools' share submitter.
pub struct Proof {
    pub core: Settlement,
    pub tracker: ICompletionTrackerInstance<DynProvider>,
    pub judge: IJudgeInstance<DynProvider>,
    pub misses: IWorkMissesInstance<DynProvider>,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub aggregator: IOffchainAggregatorInstance<DynProvider>,
    tasks: AtomicU64,
}

impl Proof {
    pub async fn start() -> Self {
        let core = Settlement::start().await;
        let (base, pools) = (&core.base, *core.pools.address());
        let (devnet, owner, provider) = (&base.devnet, base.owner, &base.provider);
        let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
        let arguments = (registry, stakes, owner).abi_encode_params();
        let tracker = deploy(devnet, "completion-tracker", arguments).await;
        let ledger = *core.ledger.address();
        let arguments = (tracker, registry, stakes, REWARD, ledger).abi_encode_params();
        let judge = deploy(devnet, "judge", arguments).await;
        let vouchers = *core.vouchers.address();
        let misses = (vouchers, tracker).abi_encode_params();
        let misses = deploy(devnet, "work-misses", misses).await;
        let arguments = (registry, owner).abi_encode_params();
        let pricing = deploy(devnet, "pricing-curve", arguments.clone()).await;
        let aggregator = deploy(devnet, "offchain-aggregator", arguments).await;
        let provider = provider.clone();
        let it = Self::of(
            core,
            ICompletionTracker::new(tracker, provider.clone()),
            IJudge::new(judge, provider.clone()),
            IWorkMisses::new(misses, provider.clone()),
            IPricingCurve::new(pricing, provider.clone()),
            IOffchainAggregator::new(aggregator, provider),
        );
        let base = &it.core.base;
        mined(it.tracker.setJudge(judge).send().await).await;
        mined(it.core.ledger.setWorkMisses(misses).send().await).await;
        mined(base.stakes.setSlasher(judge, true).send().await).await;
        mined(base.registry.setAggregator(aggregator).send().await).await;
        let escrow = it.pricing.setEscrowBuffer(*it.core.escrow.address());
        mined(escrow.send().await).await;
        mined(it.core.pools.setPricingCurve(pricing).send().await).await;
        let submitter = it.core.pools.setShareSubmitter(aggregator);
        mined(submitter.send().await).await;
        mined(it.aggregator.setBackpressurePool(pools).send().await).await;
        let signer = it.signer(SHARE_SIGNER).address();
        mined(it.aggregator.setShareSigner(signer).send().await).await;
        it
    }

    /// Of contracts that are wired.
    pub fn of(
        core: Settlement,
        tracker: ICompletionTrackerInstance<DynProvider>,
        judge: IJudgeInstance<DynProvider>,
        misses: IWorkMissesInstance<DynProvider>,
        pricing: IPricingCurveInstance<DynProvider>,
        aggregator: IOffchainAggregatorInstance<DynProvider>,
    ) -> Self {
        Self {
            core,
            tracker,
            judge,
            misses,
            pricing,
            aggregator,
            tasks: AtomicU64::default(),
        }
    }

    /// The key of funded account `index`.
    pub fn signer(&self, index: usize) -> PrivateKeySigner {
        self.core.base.devnet.signers()[index].clone()
    }

    /// Makes the owner of a key a sink of [`CODE`], with just the stake for so many units of capacity. The pool does not know
    /// it yet.
    pub async fn sink(&self, signer: &PrivateKeySigner, capacity: u64) -> Address {
        let (sink, base) = (signer.address(), &self.core.base);
        let stake = (capacity * capacity).max(100);
        base.equip(sink, stake).await;
        let staking = base.stakes.stake(tokens(stake)).from(sink);
        mined(staking.send().await).await;
        let registration = base.registry.registerSink(CODE, units(capacity));
        mined(registration.from(sink).send().await).await;
        sink
    }

    // --- Time

    pub fn now(&self) -> u64 {
        self.core.base.devnet.timestamp()
    }

    pub fn epoch(&self) -> u64 {
        self.now() / EPOCH
    }

    /// The last second of this epoch.
    pub fn last_second(&self) -> u64 {
        (self.epoch() + 1) * EPOCH - 1
    }

    /// To the first second of the next epoch.
    pub fn to_next_epoch(&self) {
        let devnet = &self.core.base.devnet;
        devnet.set_timestamp(self.last_second() + 1).unwrap();
    }

    // --- CompletionTracker

    /// Has a task stand for a unit of capacity, and goes to the first epoch in which it does: the next one, or the first
    /// after the notice, if staking is open.
    pub async fn measure(&self, assigned: bool) {
        let yardstick = 1 + u8::from(assigned);
        let yardstick = self.tracker.setYardstick(CODE, U256::from(UNIT), yardstick);
        let receipt = mined(yardstick.send().await).await;
        let [set] = &events::<YardstickSet>(&receipt)[..] else {
            panic!("one yardstick is set: {receipt:?}");
        };
        let begin = set.fromEpoch.to::<u64>() * EPOCH;
        self.core.base.devnet.set_timestamp(begin).unwrap();
    }

    /// A task id that nobody had.
    pub fn new_task(&self) -> B256 {
        keccak256(self.tasks.fetch_add(1, Ordering::Relaxed).to_be_bytes())
    }

    /// A receipt of now for the task `id`, signed by both.
    pub fn receipt(
        &self,
        sink: &PrivateKeySigner,
        source: &PrivateKeySigner,
        id: B256,
    ) -> SignedTask {
        let message = CompletionReceipt {
            taskTypeId: CODE,
            sink: sink.address(),
            source: source.address(),
            taskId: id,
            timestamp: U256::from(self.now()),
        };
        sign_receipt(sink, source, &message, &self.tracker_domain()).expect("local keys sign")
    }

    /// An assignment of the task `id`, signed by both.
    pub fn assignment(
        &self,
        sink: &PrivateKeySigner,
        source: &PrivateKeySigner,
        id: B256,
        deadline: u64,
    ) -> SignedTask {
        let message = TaskAssignment {
            taskTypeId: CODE,
            sink: sink.address(),
            source: source.address(),
            taskId: id,
            deadline: U256::from(deadline),
        };
        sign_assignment(sink, source, &message, &self.tracker_domain()).expect("local keys sign")
    }

    /// Records receipts, in as few batches as there can be. All are good.
    pub async fn record(&self, receipts: Vec<SignedTask>) {
        for batch in receipts.chunks(BATCH) {
            let record = self.tracker.recordReceipts(batch.to_vec());
            let receipt = mined(record.send().await).await;
            assert_eq!(events::<CompletionRecorded>(&receipt).len(), batch.len());
        }
    }

    /// The sink does so many new tasks of the source.
    pub async fn complete(&self, sink: &PrivateKeySigner, source: &PrivateKeySigner, count: usize) {
        let receipts = (0..count).map(|_| self.receipt(sink, source, self.new_task()));
        self.record(receipts.collect()).await;
    }

    pub async fn advance(&self, sink: Address) -> TransactionReceipt {
        mined(self.tracker.advanceEpoch(CODE, sink).send().await).await
    }

    // --- What a slash reaches

    pub async fn stake(&self, sink: Address) -> U256 {
        self.core.base.stakes.getStake(sink).call().await.unwrap()
    }

    /// Smoothed.
    pub async fn capacity(&self, sink: Address) -> U256 {
        let capacity = self.core.base.registry.getSmoothedCapacity(CODE, sink);
        capacity.call().await.unwrap()
    }

    pub async fn units(&self, sink: Address) -> u128 {
        let units = self.core.pools.getMemberUnits(CODE, sink);
        units.call().await.unwrap()
    }

    /// Epochs below the threshold in a row.
    pub async fn bad_epochs(&self, sink: Address) -> u64 {
        let below = self.tracker.getConsecutiveBelowThreshold(CODE, sink);
        below.call().await.unwrap().to()
    }

    /// Wei per second.
    pub async fn flow_to(&self, member: Address) -> u128 {
        let pool = self.core.pool(CODE).await;
        let flow = pool.getMemberFlowRate(member).call().await.unwrap();
        flow.into_raw().to()
    }

    // --- OffchainAggregator

    /// What the sink attests of [`CODE`] now.
    pub fn attestation(
        &self,
        sink: &PrivateKeySigner,
        capacity: U256,
        nonce: u64,
    ) -> SignedAttestation {
        self.attestation_of(sink, capacity, self.now(), nonce)
    }

    pub fn attestation_of(
        &self,
        sink: &PrivateKeySigner,
        capacity: U256,
        timestamp: u64,
        nonce: u64,
    ) -> SignedAttestation {
        let message = CapacityAttestation {
            taskTypeId: CODE,
            sink: sink.address(),
            capacity,
            timestamp: U256::from(timestamp),
            nonce: U256::from(nonce),
        };
        sign_attestation(sink, &message, &self.aggregator_domain()).expect("a local key signs")
    }

    pub fn sign_shares(&self, signer: &PrivateKeySigner, message: &BoltzmannShares) -> Bytes {
        sign(signer, message, &self.aggregator_domain())
    }

    pub fn tracker_domain(&self) -> Eip712Domain {
        let chain_id = self.core.base.devnet.chain_id();
        typed_data::completion_tracker(chain_id, *self.tracker.address())
    }

    pub fn aggregator_domain(&self) -> Eip712Domain {
        let chain_id = self.core.base.devnet.chain_id();
        typed_data::offchain_aggregator(chain_id, *self.aggregator.address())
    }
}

/// A signature as contracts take it: r, s, v.
pub fn sign(signer: &PrivateKeySigner, message: &impl SolStruct, domain: &Eip712Domain) -> Bytes {
    typed_data::sign(signer, message, domain).expect("a local key signs")
}

/// The events of a kind, in their order.
pub fn events<Event: SolEvent>(receipt: &TransactionReceipt) -> Vec<Event> {
    let logs = receipt.logs().iter();
    logs.filter_map(|log| Some(Event::decode_log(&log.inner).ok()?.data))
        .collect()
}

/// The epochs that were judged, and their rates in basis points.
pub fn judged(receipt: &TransactionReceipt) -> Vec<(Address, u64, u64)> {
    let advanced = events::<EpochAdvanced>(receipt).into_iter();
    advanced
        .map(|it| (it.sink, it.epoch.to(), it.completionRate.to()))
        .collect()
}

/// Who was slashed, how much, and the rate of the last epoch.
pub fn slashed(receipt: &TransactionReceipt) -> Vec<(Address, U256, u64)> {
    let slashed = events::<AutoSlashed>(receipt).into_iter();
    slashed
        .map(|it| (it.sink, it.slashAmount, it.completionRate.to()))
        .collect()
}
