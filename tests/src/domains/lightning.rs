//! Lightning nodes that are paid through the settlement core.

use alloy::{
    primitives::{Address, Bytes, B256, I256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol_types::{Eip712Domain, SolValue},
};
use bpe_abi::{
    typed_data::{self, LightningAttestation},
    IKeyRegistry::{self, IKeyRegistryInstance},
    ILightningCapacityOracle::{
        self, ILightningCapacityOracleInstance, SignedLightningAttestation,
    },
    ILightningRoutingPool::{self, ILightningRoutingPoolInstance},
    IPricingCurve::{self, IPricingCurveInstance},
};

use crate::{
    domains::keys::{node_key, prove_node},
    proof::sign,
    settlement::Settlement,
    stage::mined,
    suite::{deploy, tokens},
};

/// The task type of routing.
pub const LIGHTNING: B256 = B256::repeat_byte(0x11);

/// So many sats are a capacity unit.
pub const SATS_PER_UNIT: u64 = 1_000_000;

/// Who brings attestations: nobody in particular.
const RELAYER: usize = 8;

/// Settlement core with the task type of routing, LightningCapacityOracle and LightningRoutingPool as adapters of the
/// registry, and PricingCurve for fees. The pool is initialised.
pub struct Lightning {
    pub core: Settlement,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub keys: IKeyRegistryInstance<DynProvider>,
    pub oracle: ILightningCapacityOracleInstance<DynProvider>,
    pub pool: ILightningRoutingPoolInstance<DynProvider>,
}

impl Lightning {
    pub async fn start() -> Self {
        let core = Settlement::start().await;
        let (base, pools) = (&core.base, *core.pools.address());
        let (devnet, owner, provider) = (&base.devnet, base.owner, base.provider.clone());
        let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
        let register = base.registry.registerTaskType(LIGHTNING, tokens(100));
        mined(register.send().await).await;
        let arguments = (registry, owner).abi_encode_params();
        let pricing = deploy(devnet, "pricing-curve", arguments).await;
        let scale = U256::from(SATS_PER_UNIT);
        let keys = deploy(devnet, "key-registry", Vec::new()).await;
        let arguments = (registry, stakes, keys, LIGHTNING, scale, owner).abi_encode_params();
        let oracle = deploy(devnet, "lightning-capacity-oracle", arguments).await;
        let arguments = (pools, registry, oracle, pricing, LIGHTNING, owner).abi_encode_params();
        let pool = deploy(devnet, "lightning-routing-pool", arguments).await;
        for adapter in [oracle, pool] {
            let set = base.registry.setAdapter(adapter, true);
            mined(set.send().await).await;
        }
        let attested = base.registry.requireAttestations(LIGHTNING);
        mined(attested.send().await).await;
        let it = Self {
            pricing: IPricingCurve::new(pricing, provider.clone()),
            keys: IKeyRegistry::new(keys, provider.clone()),
            oracle: ILightningCapacityOracle::new(oracle, provider.clone()),
            pool: ILightningRoutingPool::new(pool, provider),
            core,
        };
        let receipt = mined(it.pool.initializePool().send().await).await;
        println!("initializePool: {} gas", receipt.gas_used);
        it
    }

    /// The key of funded account `index`.
    pub fn signer(&self, index: usize) -> PrivateKeySigner {
        self.core.base.devnet.signers()[index].clone()
    }

    pub fn relayer(&self) -> Address {
        self.core.base.devnet.account(RELAYER)
    }

    pub fn now(&self) -> u64 {
        self.core.base.devnet.timestamp()
    }

    /// Gives the operator a stake for 300 units and registers its node, without capacity.
    pub async fn register(&self, operator: &PrivateKeySigner) -> TransactionReceipt {
        let (account, base) = (operator.address(), &self.core.base);
        base.equip(account, 90_000).await;
        let staking = base.stakes.stake(tokens(90_000)).from(account);
        mined(staking.send().await).await;
        prove_node(&self.keys, operator, self.now()).await;
        let node = node_of(operator);
        let registration = self.oracle.registerNode(node, U256::ZERO).from(account);
        mined(registration.send().await).await
    }

    pub async fn join(&self, operator: &PrivateKeySigner) -> TransactionReceipt {
        let join = self.pool.joinPool(node_of(operator));
        mined(join.from(operator.address()).send().await).await
    }

    /// What the operator attests of its node now.
    pub fn attestation(
        &self,
        operator: &PrivateKeySigner,
        sats: u64,
        pending: u64,
        nonce: u64,
    ) -> SignedLightningAttestation {
        let message = self.message(operator, sats, pending, nonce);
        self.signed(operator, message)
    }

    pub fn message(
        &self,
        operator: &PrivateKeySigner,
        sats: u64,
        pending: u64,
        nonce: u64,
    ) -> LightningAttestation {
        LightningAttestation {
            nodePubkey: node_of(operator),
            operator: operator.address(),
            outboundCapacitySats: U256::from(sats),
            channelCount: U256::from(12),
            pendingHTLCs: U256::from(pending),
            timestamp: U256::from(self.now()),
            nonce: U256::from(nonce),
        }
    }

    pub fn signed(
        &self,
        signer: &PrivateKeySigner,
        it: LightningAttestation,
    ) -> SignedLightningAttestation {
        let signature: Bytes = sign(signer, &it, &self.domain());
        SignedLightningAttestation {
            nodePubkey: it.nodePubkey,
            operator: it.operator,
            outboundCapacitySats: it.outboundCapacitySats,
            channelCount: it.channelCount,
            pendingHTLCs: it.pendingHTLCs,
            timestamp: it.timestamp,
            nonce: it.nonce,
            signature,
        }
    }

    /// By the relayer.
    pub async fn submit(&self, batch: Vec<SignedLightningAttestation>) -> TransactionReceipt {
        let submit = self.oracle.submitBatch(batch).from(self.relayer());
        mined(submit.send().await).await
    }

    /// At the core.
    pub async fn smoothed(&self, operator: Address) -> U256 {
        let registry = &self.core.base.registry;
        let capacity = registry.getSmoothedCapacity(LIGHTNING, operator);
        capacity.call().await.unwrap()
    }

    pub async fn units(&self, operator: Address) -> u128 {
        let units = self.core.pools.getMemberUnits(LIGHTNING, operator);
        units.call().await.unwrap()
    }

    pub async fn total_units(&self) -> u128 {
        let pool = self.core.pool(LIGHTNING).await;
        pool.getTotalUnits().call().await.unwrap()
    }

    /// Wei per second.
    pub async fn flow_to(&self, operator: Address) -> u128 {
        let pool = self.core.pool(LIGHTNING).await;
        let flow = pool.getMemberFlowRate(operator).call().await.unwrap();
        flow.into_raw().to()
    }

    /// What `account` could send now, what it could claim from the pool of routing included.
    pub async fn worth(&self, account: Address) -> u128 {
        let available = self.core.superfluid.available(account).await;
        let pool = self.core.pool(LIGHTNING).await;
        let claimable = pool.getClaimableNow(account).call().await.unwrap();
        let sum = available + claimable.claimableBalance;
        assert!(sum >= I256::ZERO, "{account} owes {sum}");
        u128::try_from(sum).unwrap()
    }

    fn domain(&self) -> Eip712Domain {
        let chain_id = self.core.base.devnet.chain_id();
        typed_data::lightning_oracle(chain_id, *self.oracle.address())
    }
}

/// The key of the operator's node: that of its account, here.
pub fn node_of(operator: &PrivateKeySigner) -> B256 {
    node_key(operator)
}
