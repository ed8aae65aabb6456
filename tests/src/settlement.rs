//! The settlement core on a devnet with real Superfluid: pools, streams and escrow, wired, paid in USDCx.

use alloy::{
    primitives::{aliases::I96, Address, Bytes, B256, I256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolValue},
};
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolInstance},
    IEscrowBuffer::{self, IEscrowBufferInstance},
    ISourceStreams::{self, ISourceStreamsInstance},
    IStreamGateway::{self, IStreamGatewayInstance},
};
use devnet_superfluid::bindings::{
    IConstantFlowAgreementV1, ISuperfluid::Operation, ISuperfluidPool,
};

use crate::{
    stage::{mined, Superfluid, USDCX},
    suite::{deploy, units, Foundations, CODE},
};

/// 1 000 USDCx a month, which no power of ten divides.
pub const RATE: u128 = 385_802_469_135_802;

/// Superfluid's operation types for `batchCall`.
const APPROVE: u32 = 1;
const CALL_AGREEMENT: u32 = 201;

/// Foundations and settlement core on one chain. Account 0 owns everything, account 1 gets the protocol fee, account 2 the
/// verification budgets; sources are any others.
pub struct Settlement {
    pub base: Foundations,
    pub superfluid: Superfluid,
    pub pools: IBackpressurePoolInstance<DynProvider>,
    pub escrow: IEscrowBufferInstance<DynProvider>,
    pub gateway: IStreamGatewayInstance<DynProvider>,
    pub streams: ISourceStreamsInstance<DynProvider>,
}

impl Settlement {
    pub async fn start() -> Self {
        let superfluid = Superfluid::start().await;
        let base = Foundations::on(superfluid.devnet.clone()).await;
        let (devnet, owner, provider) = (&base.devnet, base.owner, base.provider.clone());
        let (gda, token) = (superfluid.addresses.gda_v1, superfluid.addresses.usdcx);
        let registry = *base.registry.address();
        let arguments = (gda, token, registry, owner).abi_encode_params();
        let pools = deploy(devnet, "backpressure-pool", arguments).await;
        let arguments = (token, registry, owner).abi_encode_params();
        let escrow = deploy(devnet, "escrow-buffer", arguments).await;
        let arguments = (token, pools, owner).abi_encode_params();
        let gateway = deploy(devnet, "stream-gateway", arguments).await;
        let key = String::new();
        let arguments = (gda, token, pools, escrow, gateway, key).abi_encode_params();
        let streams = deploy(devnet, "source-streams", arguments).await;
        let it = Self {
            pools: IBackpressurePool::new(pools, provider.clone()),
            escrow: IEscrowBuffer::new(escrow, provider.clone()),
            gateway: IStreamGateway::new(gateway, provider.clone()),
            streams: ISourceStreams::new(streams, provider),
            base,
            superfluid,
        };
        mined(it.pools.setEscrowBuffer(escrow).send().await).await;
        mined(it.escrow.connect(pools, streams).send().await).await;
        mined(it.gateway.setSourceStreams(streams).send().await).await;
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

    /// Account `index` as a source: with so many USDCx, the gateway as flow operator, and an allowance for deposits, the
    /// latter two in one transaction.
    pub async fn source(&self, index: usize, usdcx: u64) -> Address {
        let source = self.base.devnet.account(index);
        self.superfluid.fund(source, usdcx).await;
        self.prepare(source).await;
        source
    }

    pub async fn prepare(&self, source: Address) {
        let addresses = &self.superfluid.addresses;
        let authorize = IConstantFlowAgreementV1::authorizeFlowOperatorWithFullControlCall {
            token: addresses.usdcx,
            flowOperator: *self.gateway.address(),
            ctx: Bytes::new(),
        }
        .abi_encode();
        let operations = vec![
            Operation {
                operationType: CALL_AGREEMENT,
                target: addresses.cfa_v1,
                data: (Bytes::from(authorize), Bytes::new())
                    .abi_encode_params()
                    .into(),
            },
            Operation {
                operationType: APPROVE,
                target: addresses.usdcx,
                data: (*self.streams.address(), U256::MAX)
                    .abi_encode_params()
                    .into(),
            },
        ];
        let host = self.superfluid.host();
        mined(host.batchCall(operations).from(source).send().await).await;
    }

    pub async fn stream(&self, source: Address, id: B256, flow: u128) -> TransactionReceipt {
        let create = self.gateway.createStream(id, rate(flow)).from(source);
        mined(create.send().await).await
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

    /// What a source's stream of that rate takes as deposit of the distribution.
    pub async fn deposit(&self, flow: u128) -> u128 {
        let deposit = self.streams.getDeposit(U256::from(flow)).call().await;
        deposit.unwrap().to()
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
