//! Nostr relays on the settlement core: the relay registry, the payment pools, and PricingCurve with the loads.

use alloy::{
    primitives::{b256, keccak256, Address, Bytes, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{eip712_domain, SolValue},
};
use bpe_abi::{
    IKeyRegistry::{self, IKeyRegistryInstance},
    IPricingCurve::{self, IPricingCurveInstance},
    IRelayAttestations::{self, IRelayAttestationsInstance, SignedRelayAttestation},
    IRelayCapacityRegistry::{self, IRelayCapacityRegistryInstance, RelayCapacity},
    IRelayPaymentPool::{self, IRelayPaymentPoolInstance},
};

use crate::{
    domains::keys,
    proof::sign,
    settlement::Settlement,
    stage::mined,
    suite::{deploy, tokens},
};

sol! {
    struct RelayAttestation {
        bytes32 nostrPubkey;
        address operator;
        uint256 eventsPerSecond;
        uint256 storageGB;
        uint256 bandwidthMbps;
        uint256 timestamp;
        uint256 nonce;
    }
}

/// An account that is nobody in particular.
pub const ANYONE: usize = 9;

pub const URL: &str = "wss://relay.example/a/path/that/takes/more/than/one/word";

/// Secrets of three relays, and their Nostr keys.
pub const SECRETS: [[u8; 32]; 3] = [[0x11; 32], [0x22; 32], [0x33; 32]];
pub const KEYS: [B256; 3] = [
    b256!("4f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa"),
    b256!("466d7fcae563e5cb09a0d1870bb580344804617879a14949cf22285f1bae3f27"),
    b256!("3c72addb4fdf09af94f0c94d7fe92a386a7e70cf8a1d85916386bb2535c7b1b1"),
];

/// The settlement core with the relays' contracts on top, set up as a user does. The three pools are there, in the order of
/// [`Relays::types`].
pub struct Relays {
    pub core: Settlement,
    pub pricing: IPricingCurveInstance<DynProvider>,
    pub registry: IRelayCapacityRegistryInstance<DynProvider>,
    pub attestations: IRelayAttestationsInstance<DynProvider>,
    pub keys: IKeyRegistryInstance<DynProvider>,
    pub payment: IRelayPaymentPoolInstance<DynProvider>,
    /// Pool type and task type.
    pub types: [(B256, B256); 3],
    /// Of the transaction that set the pools up.
    pub setup: TransactionReceipt,
}

impl Relays {
    pub async fn start() -> Self {
        let core = Settlement::start().await;
        let (base, pools) = (&core.base, *core.pools.address());
        let (devnet, owner, provider) = (&base.devnet, base.owner, &base.provider);
        let (sinks, stakes) = (*base.registry.address(), *base.stakes.address());
        let arguments = (sinks, owner).abi_encode_params();
        let pricing = deploy(devnet, "pricing-curve", arguments).await;
        let relay_type = keccak256("RELAY");
        let register = base.registry.registerTaskType(relay_type, tokens(100));
        mined(register.send().await).await;
        let keys_at = deploy(devnet, "key-registry", Vec::new()).await;
        let arguments = (sinks, stakes, keys_at, relay_type, owner).abi_encode_params();
        let registry = deploy(devnet, "relay-capacity-registry", arguments).await;
        let attestations = deploy(devnet, "relay-attestations", registry.abi_encode()).await;
        let arguments = (pools, sinks, registry, owner).abi_encode_params();
        let payment = deploy(devnet, "relay-payment-pool", arguments).await;
        for adapter in [registry, payment] {
            let set = base.registry.setAdapter(adapter, true);
            mined(set.send().await).await;
        }
        mined(core.pools.setPricingCurve(pricing).send().await).await;
        let relays = IRelayCapacityRegistry::new(registry, provider.clone());
        mined(relays.setPaymentPool(payment).send().await).await;
        mined(relays.setAttestations(attestations).send().await).await;
        let payment = IRelayPaymentPool::new(payment, provider.clone());
        mined(payment.setPricingCurve(pricing).send().await).await;
        let anyone = devnet.account(ANYONE);
        let setup = mined(payment.initializePools().from(anyone).send().await).await;
        let mut types = [(B256::ZERO, B256::ZERO); 3];
        for (slot, name) in types
            .iter_mut()
            .zip(["RELAY_WRITE", "RELAY_READ", "RELAY_STORE"])
        {
            let pool_type = keccak256(name);
            let id = payment.getTaskTypeId(pool_type).call().await.unwrap();
            *slot = (pool_type, id);
        }
        Self {
            pricing: IPricingCurve::new(pricing, provider.clone()),
            registry: relays,
            attestations: IRelayAttestations::new(attestations, provider.clone()),
            keys: IKeyRegistry::new(keys_at, provider.clone()),
            payment,
            types,
            setup,
            core,
        }
    }

    /// The key of funded account `index`.
    pub fn signer(&self, index: usize) -> PrivateKeySigner {
        self.core.base.devnet.signers()[index].clone()
    }

    pub fn anyone(&self) -> Address {
        self.core.base.devnet.account(ANYONE)
    }

    /// Has one of [`KEYS`] name its operator.
    pub async fn prove(&self, operator: Address, pubkey: B256) -> TransactionReceipt {
        let number = KEYS
            .iter()
            .position(|key| *key == pubkey)
            .expect("one of them");
        let last = self
            .keys
            .getKey(keys::NOSTR, pubkey)
            .call()
            .await
            .unwrap()
            .time;
        // A key's word counts once: the next one is a second later.
        let time = self.core.base.devnet.timestamp().max(last.to::<u64>() + 1);
        keys::prove_nostr(&self.keys, operator, SECRETS[number], time).await
    }

    /// Registers a relay of so many points, with just the stake for so many units of capacity, its key proven.
    pub async fn relay(
        &self,
        operator: &PrivateKeySigner,
        pubkey: B256,
        points: u64,
        backed: u64,
    ) -> TransactionReceipt {
        let (account, base) = (operator.address(), &self.core.base);
        let stake = (backed * backed).max(100);
        base.equip(account, stake).await;
        mined(base.stakes.stake(tokens(stake)).from(account).send().await).await;
        self.prove(account, pubkey).await;
        let url = URL.to_owned();
        let register = self.registry.registerRelay(pubkey, url, capacity(points));
        mined(register.from(account).send().await).await
    }

    pub async fn join(&self, operator: Address, pool: usize, pubkey: B256) -> TransactionReceipt {
        let join = self.payment.joinPool(self.types[pool].0, pubkey);
        mined(join.from(operator).send().await).await
    }

    pub async fn refresh(&self, pool: usize, pubkey: B256) -> TransactionReceipt {
        let refresh = self.payment.refresh(self.types[pool].0, pubkey);
        mined(refresh.from(self.anyone()).send().await).await
    }

    /// What the operator attests now.
    pub fn attestation(
        &self,
        operator: &PrivateKeySigner,
        pubkey: B256,
        points: u64,
        nonce: u64,
    ) -> SignedRelayAttestation {
        let capacity = capacity(points);
        let message = RelayAttestation {
            nostrPubkey: pubkey,
            operator: operator.address(),
            eventsPerSecond: capacity.eventsPerSecond,
            storageGB: capacity.storageGB,
            bandwidthMbps: capacity.bandwidthMbps,
            timestamp: U256::from(self.core.base.devnet.timestamp()),
            nonce: U256::from(nonce),
        };
        let domain = eip712_domain! {
            name: "BPE-RelayAttestations",
            version: "1",
            chain_id: self.core.base.devnet.chain_id(),
            verifying_contract: *self.attestations.address(),
        };
        let signature: Bytes = sign(operator, &message, &domain);
        SignedRelayAttestation {
            nostrPubkey: message.nostrPubkey,
            operator: message.operator,
            eventsPerSecond: message.eventsPerSecond,
            storageGB: message.storageGB,
            bandwidthMbps: message.bandwidthMbps,
            timestamp: message.timestamp,
            nonce: message.nonce,
            signature,
        }
    }

    /// In a new L1 block, so that a step of smoothing can be taken.
    pub async fn submit(&self, batch: Vec<SignedRelayAttestation>) -> TransactionReceipt {
        self.core.base.devnet.mine(1).unwrap();
        let submit = self.attestations.submitBatch(batch).from(self.anyone());
        mined(submit.send().await).await
    }

    pub async fn units(&self, pool: usize, member: Address) -> u128 {
        let units = self.core.pools.getMemberUnits(self.types[pool].1, member);
        units.call().await.unwrap()
    }

    /// What `account` could send now, what it could claim from the three pools included.
    pub async fn worth(&self, account: Address) -> u128 {
        let mut sum = self.core.superfluid.available(account).await;
        for (_, id) in self.types {
            let pool = self.core.pool(id).await;
            let claimable = pool.getClaimableNow(account).call().await.unwrap();
            sum += claimable.claimableBalance;
        }
        u128::try_from(sum).unwrap()
    }
}

/// Of a relay with so many points: twice as much storage as events, and no bandwidth to speak of. 5000 · p/1 + 2500 · 2p.
pub fn capacity(points: u64) -> RelayCapacity {
    RelayCapacity {
        eventsPerSecond: U256::from(points),
        storageGB: U256::from(2 * points),
        bandwidthMbps: U256::ZERO,
    }
}
