//! A task type by work on real Superfluid: sources stream into the reserve, sinks are paid by vouchers.

use alloy::{
    primitives::{keccak256, Address, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol_types::SolValue,
};
use bpe_abi::{
    typed_data::{self, sign_voucher, sign_work, WorkAssignment, WorkVoucher},
    IPricingCurve::{self, IPricingCurveInstance},
    IWorkMisses::SignedWork,
    IWorkVouchers::SignedVoucher,
};

use crate::{
    settlement::Settlement,
    stage::mined,
    suite::{deploy, tokens, units, UNIT},
};

/// A task type that is paid by work.
pub const WORK: B256 = B256::repeat_byte(0x3b);

/// What a note deducts a second: a wei for each of the pool's units.
pub const UNITS: u128 = 10_000;

/// Work of a task that can be missed: a unit for 300 seconds.
pub const TASK: u64 = 300 * UNIT;

/// The settlement core with [`WORK`] besides, whose fee of 0.1 % goes to account 1. Account 8 relays.
pub struct Work {
    pub core: Settlement,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub relayer: Address,
}

/// The totals of a voucher: work in capacity-seconds of whole units, value in wei, tasks.
#[derive(Clone, Copy, Debug)]
pub struct Totals(pub u128, pub u128, pub u64);

/// Opens [`WORK`] with its pool.
pub async fn open(core: &Settlement) {
    let (base, pools) = (&core.base, &core.pools);
    let register = base.registry.registerTaskType(WORK, tokens(100));
    mined(register.send().await).await;
    mined(pools.setWeighting(WORK, 3).send().await).await;
    mined(pools.createPool(WORK).send().await).await;
}

/// A key of its own for every number.
pub fn signer(number: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(number.to_be_bytes())).unwrap()
}

/// Registers a sink of [`WORK`] with just the stake for so many units of capacity.
pub async fn register(core: &Settlement, sink: Address, capacity: u64) -> Address {
    register_for(core, WORK, sink, capacity).await
}

/// Registers a sink of a task type with just the stake for so many units of capacity.
pub async fn register_for(core: &Settlement, id: B256, sink: Address, capacity: u64) -> Address {
    let base = &core.base;
    let stake = (capacity * capacity).max(100);
    base.equip(sink, stake).await;
    let staking = base.stakes.stake(tokens(stake)).from(sink);
    mined(staking.send().await).await;
    let registration = base.registry.registerSink(id, units(capacity));
    mined(registration.from(sink).send().await).await;
    sink
}

/// What both sign.
pub fn voucher(
    core: &Settlement,
    source: &PrivateKeySigner,
    sink: &PrivateKeySigner,
    totals: Totals,
) -> SignedVoucher {
    let Totals(work, value, tasks) = totals;
    let devnet = &core.base.devnet;
    let voucher = WorkVoucher {
        taskTypeId: WORK,
        sink: sink.address(),
        source: source.address(),
        work: U256::from(work) * U256::from(UNIT),
        value: U256::from(value),
        tasks: U256::from(tasks),
        timestamp: U256::from(devnet.timestamp()),
    };
    let domain = typed_data::work_ledger(devnet.chain_id(), *core.vouchers.address());
    sign_voucher(sink, source, &voucher, &domain).unwrap()
}

/// What both sign when the sink accepts a task for a payment, which is due in five seconds: a unit's work for five minutes.
pub fn assignment(
    core: &Settlement,
    source: &PrivateKeySigner,
    sink: &PrivateKeySigner,
    number: u64,
    value: u128,
) -> SignedWork {
    let devnet = &core.base.devnet;
    let now = devnet.timestamp();
    let assignment = WorkAssignment {
        taskTypeId: WORK,
        sink: sink.address(),
        source: source.address(),
        taskId: B256::from(U256::from(number)),
        work: U256::from(TASK),
        value: U256::from(value),
        timestamp: U256::from(now),
        deadline: U256::from(now + 5),
    };
    let domain = typed_data::work_ledger(devnet.chain_id(), *core.vouchers.address());
    sign_work(sink, source, &assignment, &domain).unwrap()
}

impl Work {
    pub async fn start() -> Self {
        let core = Settlement::start().await;
        let base = &core.base;
        let (registry, provider) = (*base.registry.address(), base.provider.clone());
        let arguments = (registry, base.owner).abi_encode_params();
        let pricing = deploy(&base.devnet, "pricing-curve", arguments).await;
        mined(core.vouchers.setPricingCurve(pricing).send().await).await;
        open(&core).await;
        Self {
            pricing: IPricingCurve::new(pricing, provider),
            relayer: base.devnet.account(8),
            core,
        }
    }

    /// A sink of [`WORK`] with just the stake for so many units of capacity.
    pub async fn sink(&self, signer: &PrivateKeySigner, capacity: u64) -> Address {
        register(&self.core, signer.address(), capacity).await
    }

    /// A source with so many USDCx, which streams `flow` wei per second.
    pub async fn source(&self, signer: &PrivateKeySigner, usdcx: u64, flow: u128) -> Address {
        let source = signer.address();
        self.core.base.equip(source, 0).await;
        self.core.superfluid.fund(source, usdcx).await;
        self.core.stream(source, WORK, flow).await;
        source
    }

    pub fn voucher(
        &self,
        source: &PrivateKeySigner,
        sink: &PrivateKeySigner,
        totals: Totals,
    ) -> SignedVoucher {
        voucher(&self.core, source, sink, totals)
    }

    pub async fn redeem(&self, voucher: SignedVoucher, pay: bool) -> TransactionReceipt {
        let redeem = self.core.vouchers.redeem(voucher, pay).from(self.relayer);
        mined(redeem.send().await).await
    }

    pub async fn redeem_batch(
        &self,
        vouchers: Vec<SignedVoucher>,
        pay: bool,
    ) -> TransactionReceipt {
        let redeem = self.core.vouchers.redeemBatch(vouchers, pay);
        mined(redeem.from(self.relayer).send().await).await
    }

    /// Notes what `source` has paid, and says how much that is since ever.
    pub async fn note(&self, source: Address) -> u128 {
        let ledger = &self.core.ledger;
        mined(ledger.note(WORK, source).send().await).await;
        ledger.getPaid(WORK, source).call().await.unwrap().to()
    }

    /// Has all that `source` has not spent paid back, an hour later.
    pub async fn take_back(&self, source: Address) -> u128 {
        self.note(source).await;
        let reserve = &self.core.reserve;
        let unspent = self.unspent(source).await;
        let ask = reserve.requestTakeBack(WORK, U256::from(unspent));
        mined(ask.from(source).send().await).await;
        self.core.advance(3_600);
        mined(reserve.takeBack(WORK).from(source).send().await).await;
        unspent
    }

    pub async fn unspent(&self, source: Address) -> u128 {
        let funds = self.core.reserve.getFunds(WORK, source).call().await;
        funds.unwrap().unspent.to()
    }

    /// What the reserve has, claimed or claimable.
    pub async fn reserve(&self) -> u128 {
        self.worth(*self.core.reserve.address()).await
    }

    /// What `account` has, what it could claim from the pool included.
    pub async fn worth(&self, account: Address) -> u128 {
        let pool = self.core.pool(WORK).await;
        let claimable = pool.getClaimableNow(account).call().await.unwrap();
        let claimable = u128::try_from(claimable.claimableBalance).unwrap();
        self.core.whole(account).await + claimable
    }
}
