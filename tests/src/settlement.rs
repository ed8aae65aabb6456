//! The settlement core on a devnet with real Superfluid: pools, streams and escrow, wired, paid in USDCx.

use alloy::{
    primitives::{aliases::I96, Address, Bytes, B256, I256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    sol_types::SolValue,
};
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolInstance},
    IEscrowBuffer::{self, IEscrowBufferInstance},
    IOverflowMeter::{self, IOverflowMeterInstance},
    IStreamGateway::{self, IStreamGatewayInstance},
    IWorkLedger::{self, IWorkLedgerInstance},
    IWorkReserve::{self, IWorkReserveInstance},
    IWorkVouchers::{self, IWorkVouchersInstance},
};
use devnet_superfluid::bindings::{
    IBlindMacroForwarder::{self, IBlindMacroForwarderInstance},
    ISuperfluid::Operation,
    ISuperfluidPool,
};

use crate::{
    stage::{mined, Superfluid, USDCX},
    suite::{deploy, units, Foundations, CODE},
};

/// 1 000 USDCx a month, which no power of ten divides.
pub const RATE: u128 = 385_802_469_135_802;

/// Foundations and settlement core on one chain. Account 0 owns everything, account 1 gets the protocol fee, account 2 the
/// verification budgets; sources are any others.
pub struct Settlement {
    pub base: Foundations,
    pub superfluid: Superfluid,
    pub pools: IBackpressurePoolInstance<DynProvider>,
    pub escrow: IEscrowBufferInstance<DynProvider>,
    pub gateway: IStreamGatewayInstance<DynProvider>,
    pub ledger: IWorkLedgerInstance<DynProvider>,
    pub vouchers: IWorkVouchersInstance<DynProvider>,
    pub reserve: IWorkReserveInstance<DynProvider>,
    pub meter: IOverflowMeterInstance<DynProvider>,
    /// Superfluid's: runs the gateway's macro.
    pub macros: IBlindMacroForwarderInstance<DynProvider>,
}

impl Settlement {
    pub async fn start() -> Self {
        Self::on(Superfluid::start().await).await
    }

    /// Paid in the Super Token that stands for USDCx there.
    pub async fn on(superfluid: Superfluid) -> Self {
        let base = Foundations::on(superfluid.devnet.clone()).await;
        let (devnet, owner, provider) = (&base.devnet, base.owner, base.provider.clone());
        let (gda, token) = (superfluid.addresses.gda_v1, superfluid.addresses.usdcx);
        let registry = *base.registry.address();
        let arguments = (gda, token, registry, owner).abi_encode_params();
        let pools = deploy(devnet, "backpressure-pool", arguments).await;
        let arguments = (token, registry, owner).abi_encode_params();
        let escrow = deploy(devnet, "escrow-buffer", arguments).await;
        let meter = deploy(devnet, "overflow-meter", pools.abi_encode()).await;
        let pool = IBackpressurePool::new(pools, provider.clone());
        mined(pool.setOverflowMeter(meter).send().await).await;
        mined(pool.setEscrowBuffer(escrow).send().await).await;
        let arguments = (pools, registry, escrow, owner).abi_encode_params();
        let ledger = deploy(devnet, "work-ledger", arguments).await;
        let arguments = (ledger, owner).abi_encode_params();
        let vouchers = deploy(devnet, "work-vouchers", arguments).await;
        let reserve = deploy(devnet, "work-reserve", vouchers.abi_encode()).await;
        let arguments = (token, pools, ledger).abi_encode_params();
        let gateway = deploy(devnet, "stream-gateway", arguments).await;
        let it = Self {
            pools: pool,
            escrow: IEscrowBuffer::new(escrow, provider.clone()),
            gateway: IStreamGateway::new(gateway, provider.clone()),
            ledger: IWorkLedger::new(ledger, provider.clone()),
            vouchers: IWorkVouchers::new(vouchers, provider.clone()),
            reserve: IWorkReserve::new(reserve, provider.clone()),
            meter: IOverflowMeter::new(meter, provider.clone()),
            macros: IBlindMacroForwarder::new(superfluid.addresses.blind_macro_forwarder, provider),
            base,
            superfluid,
        };
        mined(it.escrow.connect(pools, ledger).send().await).await;
        mined(it.ledger.setWorkReserve(reserve).send().await).await;
        let (treasury, reviewer) = (it.base.devnet.account(1), it.base.devnet.account(2));
        mined(
            it.pools
                .setProtocolFee(U256::from(10), treasury)
                .send()
                .await,
        )
        .await;
        mined(it.pools.setReviewer(reviewer).send().await).await;
        mined(it.base.registry.setPool(pools).send().await).await;
        mined(it.pools.createPool(CODE).send().await).await;
        it
    }

    pub async fn pool(&self, id: B256) -> ISuperfluidPool::ISuperfluidPoolInstance<&DynProvider> {
        let pool = self.pools.getPool(id).call().await.unwrap();
        ISuperfluidPool::new(pool, &self.base.provider)
    }

    /// A sink of [`CODE`] with a capacity of so many units, and units in the pool.
    pub async fn sink(&self, number: u8, capacity: u64) -> Address {
        let stake = (capacity * capacity).max(100);
        let sink = self.base.registered(number, stake, capacity).await;
        mined(self.pools.rebalanceSink(CODE, sink).send().await).await;
        sink
    }

    /// Account `index` as a source, with so many USDCx.
    pub async fn source(&self, index: usize, usdcx: u64) -> Address {
        let source = self.base.devnet.account(index);
        self.superfluid.fund(source, usdcx).await;
        source
    }

    /// Has Superfluid do for `source` what the gateway's parameters say.
    pub async fn run(&self, source: Address, parameters: Bytes) -> TransactionReceipt {
        let run = self.macros.runMacro(*self.gateway.address(), parameters);
        mined(run.from(source).send().await).await
    }

    /// What the gateway would have the host do for `source`.
    pub async fn operations(&self, source: Address, parameters: Bytes) -> Vec<Operation> {
        let host = self.superfluid.addresses.host;
        let build = self.gateway.buildBatchOperations(host, parameters, source);
        let operations = build.call().await.unwrap().into_iter();
        operations
            .map(|it| Operation {
                operationType: it.operationType,
                target: it.target,
                data: it.data,
            })
            .collect()
    }

    pub async fn stream(&self, source: Address, id: B256, flow: u128) -> TransactionReceipt {
        let create = self.gateway.createStream_0(id, rate(flow));
        self.run(source, create.call().await.unwrap()).await
    }

    pub async fn update(&self, source: Address, id: B256, flow: u128) -> TransactionReceipt {
        let update = self.gateway.updateStream(id, rate(flow));
        self.run(source, update.call().await.unwrap()).await
    }

    pub async fn end(&self, source: Address, id: B256) -> TransactionReceipt {
        let delete = self.gateway.deleteStream(id);
        self.run(source, delete.call().await.unwrap()).await
    }

    /// Lets OverflowMeter see what flows into [`CODE`]: two stretches of a minute, of which the second has all streams from its
    /// beginning.
    pub async fn measure(&self) {
        for _ in 0..2 {
            self.advance(60);
            mined(self.pools.rebalanceOverflow(CODE).send().await).await;
        }
    }

    /// Has what overflowed booked to those of `sources` who paid it, as noted until now.
    pub async fn book(&self, id: B256, sources: &[Address]) -> TransactionReceipt {
        for source in sources {
            mined(self.ledger.note(id, *source).send().await).await;
        }
        mined(self.escrow.attribute(id, sources.to_vec()).send().await).await
    }

    /// The rate that Superfluid says `source` streams to a task type.
    pub async fn rate_of(&self, source: Address, id: B256) -> u128 {
        let stream = self.gateway.getStream(id, source).call().await.unwrap();
        stream.flowRate.to()
    }

    pub async fn commit_and_reveal(&self, sink: Address, capacity: u64) {
        let registry = &self.base.registry;
        let nonce = B256::repeat_byte(0x11);
        let hash = alloy::primitives::keccak256((units(capacity), nonce).abi_encode_params());
        mined(registry.commitCapacity(CODE, hash).from(sink).send().await).await;
        self.base.devnet.mine(1).unwrap();
        let reveal = registry.revealCapacity(CODE, units(capacity), nonce);
        mined(reveal.from(sink).send().await).await;
    }

    /// What `account` could send now, what it could claim from the pool of [`CODE`] included.
    pub async fn worth(&self, account: Address) -> u128 {
        let available = self.superfluid.available(account).await;
        let pool = self.pool(CODE).await;
        let claimable = pool.getClaimableNow(account).call().await.unwrap();
        let sum = available + claimable.claimableBalance;
        assert!(sum >= I256::ZERO, "{account} owes {sum}");
        u128::try_from(sum).unwrap()
    }

    /// What `account` has in all, Superfluid's deposits for its streams included.
    pub async fn whole(&self, account: Address) -> u128 {
        let balance = self
            .superfluid
            .usdcx()
            .realtimeBalanceOfNow(account)
            .call()
            .await;
        let balance = balance.unwrap();
        let held = balance.deposit.saturating_sub(balance.owedDeposit);
        let whole = balance.availableBalance + I256::try_from(held).unwrap();
        u128::try_from(whole).unwrap()
    }

    /// What `member` gets of the pool of [`CODE`], in wei per second.
    pub async fn flow_to(&self, member: Address) -> u128 {
        let pool = self.pool(CODE).await;
        let flow = pool.getMemberFlowRate(member).call().await.unwrap();
        flow.into_raw().to()
    }

    /// What the pool of [`CODE`] has ever paid to `member`, in wei.
    pub async fn paid(&self, member: Address) -> u128 {
        let pool = self.pool(CODE).await;
        let paid = pool.getTotalAmountReceivedByMember(member).call().await;
        paid.unwrap().to()
    }

    /// What waits in escrow for the sinks of [`CODE`], in wei.
    pub async fn level(&self) -> u128 {
        self.escrow.bufferLevel(CODE).call().await.unwrap().to()
    }

    /// What of the level of [`CODE`] is booked to `source`, in wei.
    pub async fn booked(&self, source: Address) -> u128 {
        let level = self.escrow.sourceLevel(CODE, source).call().await;
        level.unwrap().to()
    }

    /// Queues so many wei of `source` by hand.
    pub async fn deposit_by_hand(&self, source: Address, amount: u128) -> TransactionReceipt {
        let amount = U256::from(amount);
        let token = self.superfluid.usdcx();
        let approve = token.approve(*self.escrow.address(), amount);
        mined(approve.from(source).send().await).await;
        mined(self.escrow.deposit(CODE, amount).from(source).send().await).await
    }

    /// What a source's stream takes as deposit: four hours of it, or the token's minimum.
    pub async fn deposit(&self, source: Address, id: B256) -> u128 {
        let stream = self.gateway.getStream(id, source).call().await.unwrap();
        stream.deposit.to()
    }

    pub fn advance(&self, seconds: u64) {
        self.base.devnet.advance_time(seconds).unwrap();
    }
}

pub fn rate(wei_per_second: u128) -> I96 {
    I96::try_from(wei_per_second).unwrap()
}

/// Whole USDCx in wei.
pub fn usdcx(amount: u64) -> u128 {
    u128::from(amount) * u128::from(USDCX)
}
