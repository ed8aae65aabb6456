//! Attestations of any domain on their way to a pool, and reputation on its way to stakes.

use alloy::{
    primitives::{keccak256, Address, Bytes, B256, U256},
    providers::{DynProvider, Provider},
    signers::{local::PrivateKeySigner, SignerSync},
    sol,
    sol_types::SolValue,
};
use bpe_abi::{
    ICapacityRegistry::{self, CapacityRevealed, ICapacityRegistryErrors},
    IReputationLedger::{
        self, IReputationLedgerErrors, IReputationLedgerInstance, ReputationUpdated,
        StakeDiscountApplied,
    },
    IStakeManager::{self, IStakeManagerErrors},
    IUniversalCapacityAdapter::{
        self, AttestationRouted, IUniversalCapacityAdapterErrors, IUniversalCapacityAdapterInstance,
    },
};
use bpe_tests::{
    proof::events,
    settlement::{Settlement, RATE},
    solidity,
    stage::{mined, revert},
    suite::{deploy, tokens, units, Foundations, CODE},
};

sol! {
    #[sol(rpc)]
    interface IExampleAdapter {
        function digest(address sink, uint256 units, uint256 time) external view returns (bytes32);
    }

    #[sol(rpc)]
    interface IReputationReader {
        function read(address ledger, address account, bytes32 domain)
            external
            view
            returns (uint256[5] values, bytes32[] domains, address adapter, uint256 weight);
    }
}

const HOUR: u64 = 3_600;
/// Who routes: nobody in particular.
const RELAYER: usize = 8;

/// UniversalCapacityAdapter over the settlement core, and the adapter of a domain whose sinks serve [`CODE`].
struct Platform {
    core: Settlement,
    universal: IUniversalCapacityAdapterInstance<DynProvider>,
    adapter: IExampleAdapter::IExampleAdapterInstance<DynProvider>,
    domain: B256,
}

impl Platform {
    async fn start() -> Self {
        Self::with("ExampleAdapter").await
    }

    /// With this adapter of `tests/contracts/ExampleAdapter.sol`.
    async fn with(adapter: &str) -> Self {
        let core = Settlement::start().await;
        let base = &core.base;
        let (registry, stakes) = (*base.registry.address(), *base.stakes.address());
        let arguments = (registry, stakes, base.owner).abi_encode_params();
        let universal = deploy(&base.devnet, "universal-capacity-adapter", arguments).await;
        mined(base.registry.setAdapter(universal, true).send().await).await;
        let domain = keccak256("example");
        let compiled = solidity::compile("ExampleAdapter.sol", adapter).await;
        let arguments = (domain, "an example".to_owned()).abi_encode_params();
        let adapter = solidity::deploy(&base.provider, &compiled, &arguments).await;
        let provider = base.provider.clone();
        let universal = IUniversalCapacityAdapter::new(universal, provider.clone());
        mined(universal.registerAdapter_1(adapter, CODE).send().await).await;
        Self {
            adapter: IExampleAdapter::new(adapter, provider),
            universal,
            domain,
            core,
        }
    }

    fn key(&self, index: usize) -> PrivateKeySigner {
        self.core.base.devnet.signers()[index].clone()
    }

    /// Makes the owner of a key a sink of [`CODE`], with the stake for 100 units.
    async fn sink(&self, key: &PrivateKeySigner) -> Address {
        let (sink, base) = (key.address(), &self.core.base);
        base.equip(sink, 10_000).await;
        let stake = base.stakes.stake(tokens(10_000)).from(sink);
        mined(stake.send().await).await;
        let register = base.registry.registerSink(CODE, units(100)).from(sink);
        mined(register.send().await).await;
        sink
    }

    /// What the owner of `key` says `sink` attests now.
    async fn attest(&self, key: &PrivateKeySigner, sink: Address, units: u64, time: u64) -> Bytes {
        let (units, time) = (U256::from(units), U256::from(time));
        let digest = self.adapter.digest(sink, units, time).call().await.unwrap();
        let signature = key.sign_hash_sync(&digest).unwrap();
        let v = U256::from(27 + u8::from(signature.v()));
        (sink, units, time, v, signature.r(), signature.s())
            .abi_encode_params()
            .into()
    }

    async fn refusal(&self, attestation: Bytes) -> IUniversalCapacityAdapterErrors {
        let relayer = self.core.base.devnet.account(RELAYER);
        let route = self.universal.routeAttestation(self.domain, attestation);
        revert(route.from(relayer).call().await)
    }

    fn now(&self) -> u64 {
        self.core.base.devnet.timestamp()
    }
}

#[tokio::test]
async fn an_attestation_moves_the_stream_once() {
    let it = Platform::start().await;
    let keys = [it.key(3), it.key(4)];
    let sinks = [it.sink(&keys[0]).await, it.sink(&keys[1]).await];
    let (core, base) = (&it.core, &it.core.base);
    mined(core.pools.rebalance(CODE).send().await).await;
    let source = core.source(6, 1_000).await;
    core.stream(source, CODE, RATE).await;
    let pool = core.pool(CODE).await;
    let flows = async || {
        let mut flows = [0_u128; 2];
        for (flow, sink) in flows.iter_mut().zip(sinks) {
            let rate = pool.getMemberFlowRate(sink).call().await.unwrap();
            *flow = rate.into_raw().to();
        }
        flows
    };
    let before = flows().await;
    assert!(before[0] > 0);
    assert_eq!(before[0], before[1]);

    base.devnet.mine(1).unwrap();
    let time = it.now();
    let attestation = it.attest(&keys[0], sinks[0], 50, time).await;
    let relayer = base.devnet.account(RELAYER);
    let route = it
        .universal
        .routeAttestation(it.domain, attestation.clone())
        .from(relayer);
    let receipt = mined(route.send().await).await;
    println!("routeAttestation, first: {} gas", receipt.gas_used);
    let routed = events::<AttestationRouted>(&receipt);
    assert_eq!(routed.len(), 1);
    assert_eq!((routed[0].domainId, routed[0].sink), (it.domain, sinks[0]));
    assert_eq!(routed[0].normalizedCapacity, units(50));
    // 0.3 · 50 + 0.7 · 100.
    let revealed = events::<CapacityRevealed>(&receipt);
    assert_eq!(revealed[0].smoothedCapacity, units(85));
    mined(core.pools.rebalanceSink(CODE, sinks[0]).send().await).await;
    let got = [core.worth(sinks[0]).await, core.worth(sinks[1]).await];
    core.advance(HOUR);
    let after = flows().await;
    // 425 000 000 of 500 000 000 units' rate each.
    assert_eq!(after[0] * 100, after[1] * 85);
    assert!(after[0] < before[0] && after[1] > before[1]);
    for ((sink, got), flow) in sinks.into_iter().zip(got).zip(after) {
        let earned = core.worth(sink).await - got;
        assert_eq!(earned, flow * u128::from(HOUR));
    }

    // The same a second time, as it was and with something behind it.
    core.base.devnet.mine(1).unwrap();
    let fresh = it.attest(&keys[0], sinks[0], 50, it.now()).await;
    let route = it.universal.routeAttestation(it.domain, fresh.clone());
    let receipt = mined(route.from(relayer).send().await).await;
    println!("routeAttestation, next: {} gas", receipt.gas_used);
    base.devnet.mine(1).unwrap();
    let padded: Bytes = [&fresh[..], &[0; 32]].concat().into();
    assert_ne!(keccak256(&padded), keccak256(&fresh));
    let last = it.universal.lastNonce(it.domain, sinks[0]);
    let last = last.call().await.unwrap();
    let used = IUniversalCapacityAdapter::NonceAlreadyUsed {
        provided: last,
        required: last + U256::from(1),
    };
    for replayed in [fresh, padded] {
        let error = it.refusal(replayed).await;
        let expected = IUniversalCapacityAdapterErrors::NonceAlreadyUsed(used.clone());
        assert_eq!(error, expected);
    }
    // The one of an hour ago is stale, a forged one is nobody's.
    let forged = it.attest(&keys[1], sinks[0], 100, it.now()).await;
    for bad in [attestation, forged] {
        let invalid = IUniversalCapacityAdapter::InvalidAttestation {};
        let expected = IUniversalCapacityAdapterErrors::InvalidAttestation(invalid);
        assert_eq!(it.refusal(bad).await, expected);
    }
    // Not after its adapter was registered anew, either.
    let adapter = *it.adapter.address();
    mined(it.universal.removeAdapter(it.domain).send().await).await;
    mined(it.universal.registerAdapter_1(adapter, CODE).send().await).await;
    let nonce = it.universal.lastNonce(it.domain, sinks[0]);
    assert_eq!(nonce.call().await.unwrap(), last);
}

/// Adapters of the Solidity deployment number nothing: the creator of the task type allows that, and one attestation counts
/// for each sink and epoch.
#[tokio::test]
async fn a_plain_adapter_counts_once_an_epoch_where_the_creator_allows_it() {
    let it = Platform::with("PlainAdapter").await;
    let (base, key) = (&it.core.base, it.key(3));
    let sink = it.sink(&key).await;
    let relayer = base.devnet.account(RELAYER);
    let creator = base.registry.getCreator(CODE).call().await.unwrap();
    assert_eq!(creator, base.owner);
    base.devnet.mine(1).unwrap();
    // Not before: what has no number could be replayed.
    let first = it.attest(&key, sink, 50, it.now()).await;
    let route = |attestation: &Bytes| {
        let route = it
            .universal
            .routeAttestation(it.domain, attestation.clone());
        route.from(relayer)
    };
    assert!(route(&first).call().await.is_err());
    let by_stranger = it.universal.setUnnumbered(it.domain, true).from(relayer);
    let refusal: IUniversalCapacityAdapterErrors = revert(by_stranger.call().await);
    let expected = IUniversalCapacityAdapter::NotTaskTypeCreator {
        taskTypeId: CODE,
        caller: relayer,
    };
    assert_eq!(
        refusal,
        IUniversalCapacityAdapterErrors::NotTaskTypeCreator(expected)
    );
    mined(it.universal.setUnnumbered(it.domain, true).send().await).await;
    let receipt = mined(route(&first).send().await).await;
    assert_eq!(events::<AttestationRouted>(&receipt).len(), 1);

    let at = it.now();
    base.devnet.mine(1).unwrap();
    let second = it.attest(&key, sink, 20, it.now()).await;
    let too_soon = IUniversalCapacityAdapter::AttestationTooSoon {
        sink,
        from: U256::from(at - at % 300 + 300),
    };
    for attestation in [first, second.clone()] {
        assert_eq!(
            it.refusal(attestation).await,
            IUniversalCapacityAdapterErrors::AttestationTooSoon(too_soon.clone())
        );
    }
    it.core.advance(300);
    let receipt = mined(route(&second).send().await).await;
    let routed = events::<AttestationRouted>(&receipt);
    assert_eq!(routed[0].normalizedCapacity, units(20));
}

#[tokio::test]
async fn who_is_not_staked_or_not_registered_is_not_routed() {
    let it = Platform::start().await;
    let key = it.key(5);
    let base = &it.core.base;
    let attestation = it.attest(&key, key.address(), 50, it.now()).await;
    let expected = IUniversalCapacityAdapter::SinkNotStaked {};
    assert_eq!(
        it.refusal(attestation.clone()).await,
        IUniversalCapacityAdapterErrors::SinkNotStaked(expected)
    );
    base.equip(key.address(), 100).await;
    let stake = base.stakes.stake(tokens(100)).from(key.address());
    mined(stake.send().await).await;
    // The registry's own words.
    let route = it.universal.routeAttestation(it.domain, attestation);
    let error: ICapacityRegistryErrors = revert(route.call().await);
    let expected = ICapacityRegistry::SinkNotRegistered {};
    assert_eq!(error, ICapacityRegistryErrors::SinkNotRegistered(expected));
    let raw = U256::from(7).abi_encode();
    let normalized = it.universal.normalizeCapacity(it.domain, raw.into());
    assert_eq!(normalized.call().await.unwrap(), units(7));
    let domains = it.universal.getAllDomains().call().await.unwrap();
    assert_eq!(domains, [it.domain]);
}

/// A ledger with two domains, of which accounts 1 and 2 are the adapters.
async fn ledger(base: &Foundations) -> IReputationLedgerInstance<DynProvider> {
    let arguments = base.owner.abi_encode();
    let ledger = deploy(&base.devnet, "reputation-ledger", arguments).await;
    let ledger = IReputationLedger::new(ledger, base.provider.clone());
    for (index, domain) in domains().into_iter().enumerate() {
        let adapter = base.devnet.account(index + 1);
        mined(ledger.registerDomain(domain, adapter).send().await).await;
    }
    ledger
}

fn domains() -> [B256; 2] {
    ["relay", "lightning"].map(keccak256)
}

#[tokio::test]
async fn reputation_elsewhere_lowers_the_stake_by_half_at_most() {
    let base = Foundations::start().await;
    let ledger = ledger(&base).await;
    let [relay, lightning] = domains();
    let agents = keccak256("agents");
    let set = base.stakes.setReputationLedger(*ledger.address(), agents);
    mined(set.send().await).await;
    let sink = base.staked(0x31, 50).await;
    let required = async || {
        let required = base.stakes.requiredStake(sink, U256::ZERO);
        required.call().await.unwrap()
    };
    let try_register = async || {
        let register = base.registry.registerSink(CODE, units(5)).from(sink);
        revert::<IStakeManagerErrors, _>(register.call().await)
    };
    let insufficient = |required| {
        IStakeManagerErrors::InsufficientStake(IStakeManager::InsufficientStake {
            required,
            available: tokens(50),
        })
    };
    assert_eq!(required().await, tokens(100));
    assert_eq!(try_register().await, insufficient(tokens(100)));

    let record = async |index: usize, domain, points: u64| {
        let points = U256::from(points);
        let record = ledger.recordPositive(sink, domain, points);
        let by = base.devnet.account(index);
        mined(record.from(by).send().await).await
    };
    // One after the other: 8000, still 8000 with 4000 in a second domain, 10000.
    let receipt = record(1, relay, 8_000).await;
    println!("recordPositive, first: {} gas", receipt.gas_used);
    assert_eq!(required().await, tokens(60));
    let receipt = record(2, lightning, 4_000).await;
    println!(
        "recordPositive, first in a second domain: {} gas",
        receipt.gas_used
    );
    assert_eq!(required().await, tokens(60), "a good record never costs");
    assert_eq!(try_register().await, insufficient(tokens(60)));
    record(1, relay, 10_000).await;
    let receipt = record(2, lightning, 10_000).await;
    println!("recordPositive, next: {} gas", receipt.gas_used);
    let updated = events::<ReputationUpdated>(&receipt);
    let full = U256::from(10_000);
    assert_eq!(
        (updated[0].newScore, updated[0].aggregateScore),
        (full, full)
    );
    assert_eq!(required().await, tokens(50));
    let apply = ledger.applyStakeDiscount(sink, agents);
    let applied = events::<StakeDiscountApplied>(&mined(apply.send().await).await);
    assert_eq!(applied[0].discountBps, U256::from(5_000));

    // With half the stake it registers; its cap is that of its real stake.
    let register = base.registry.registerSink(CODE, units(100)).from(sink);
    mined(register.send().await).await;
    let capacity = base.registry.getSmoothedCapacity(CODE, sink);
    assert_eq!(capacity.call().await.unwrap(), tokens(50).root(2));
    // A discount of the domain whose reputation it is comes from the others only.
    let own = ledger.getStakeDiscount(sink, relay).call().await.unwrap();
    assert_eq!(own, U256::from(5_000));
    let nobody = Address::repeat_byte(0x32);
    let none = ledger.getStakeDiscount(nobody, agents).call().await;
    assert_eq!(none.unwrap(), U256::ZERO);
}

#[tokio::test]
async fn one_bad_record_costs_three_good_ones() {
    let base = Foundations::start().await;
    let ledger = ledger(&base).await;
    let [relay, lightning] = domains();
    let (account, adapter) = (Address::repeat_byte(0x31), base.devnet.account(1));
    let points = U256::from(10);
    let began = base.devnet.timestamp();
    for _ in 0..4 {
        let record = ledger.recordPositive(account, relay, points);
        mined(record.from(adapter).send().await).await;
        base.devnet.advance_time(100).unwrap();
    }
    let record = ledger.recordNegative(account, relay, points);
    let receipt = mined(record.from(adapter).send().await).await;
    println!("recordNegative: {} gas", receipt.gas_used);
    let now = base.devnet.timestamp();

    let compiled = solidity::compile("ExampleAdapter.sol", "ReputationReader").await;
    let reader = solidity::deploy(&base.provider, &compiled, &[]).await;
    let reader = IReputationReader::new(reader, base.provider.clone());
    let read = reader.read(*ledger.address(), account, relay);
    let read = read.call().await.unwrap();
    let [score, duration, completions, slashes, updated] = read.values;
    assert_eq!([score, completions, slashes], [10, 4, 1].map(U256::from));
    assert_eq!(updated, U256::from(now));
    let duration: u64 = duration.to();
    assert!((400..=now - began).contains(&duration), "{duration}");
    assert_eq!(read.domains, [relay]);
    assert_eq!((read.adapter, read.weight), (adapter, U256::from(10_000)));
    let same = ledger
        .getDomainReputation(account, relay)
        .call()
        .await
        .unwrap();
    assert_eq!(
        [
            same.score,
            same.stakeDuration,
            same.completions,
            same.slashCount,
            same.lastUpdated
        ],
        read.values
    );

    // The adapter of one domain has no say in another.
    let record = ledger.recordNegative(account, lightning, points);
    let error: IReputationLedgerErrors = revert(record.from(adapter).call().await);
    let expected = IReputationLedger::NotAuthorized {};
    assert_eq!(error, IReputationLedgerErrors::NotAuthorized(expected));
}

/// What motsu cannot show: that the program's own slots hold what each function wrote.
#[tokio::test]
async fn sixteen_domains_share_a_slot_and_no_more() {
    let base = Foundations::start().await;
    let arguments = base.owner.abi_encode();
    let address = deploy(&base.devnet, "reputation-ledger", arguments).await;
    let ledger = IReputationLedger::new(address, base.provider.clone());
    let (account, recorder) = (Address::repeat_byte(0x31), base.devnet.account(1));
    let ids: Vec<B256> = (1..=16).map(B256::repeat_byte).collect();
    let weight = |index: usize| 65_535 - 257 * index as u64;
    let score = |index: usize| 10_000 - 571 * index as u64;
    for (index, id) in ids.iter().enumerate() {
        mined(ledger.registerDomain(*id, recorder).send().await).await;
        let weigh = ledger.setDomainWeight(*id, U256::from(weight(index)));
        mined(weigh.send().await).await;
        let record = ledger.recordPositive(account, *id, U256::from(score(index)));
        mined(record.from(recorder).send().await).await;
    }
    let mut best = 0;
    for (index, id) in ids.iter().enumerate() {
        let domain = ledger.getDomain(*id).call().await.unwrap();
        assert_eq!(domain.weight, U256::from(weight(index)));
        assert_eq!(domain.adapter, recorder);
        let record = ledger.getDomainReputation(account, *id).call().await;
        let record = record.unwrap();
        assert_eq!(record.score, U256::from(score(index)));
        assert_eq!(record.completions, U256::from(1));
        best = best.max(weight(index) * score(index) / weight(0));
    }
    let aggregate = ledger.getAggregateReputation(account).call().await;
    assert_eq!(aggregate.unwrap(), U256::from(best));
    assert_eq!(ledger.getAccountDomains(account).call().await.unwrap(), ids);
    assert_eq!(ledger.getDomains().call().await.unwrap(), ids);
    let one_more = ledger.registerDomain(B256::repeat_byte(17), recorder);
    let error: IReputationLedgerErrors = revert(one_more.from(base.owner).call().await);
    let maximum = U256::from(16);
    let expected = IReputationLedger::TooManyDomains { maximum };
    assert_eq!(error, IReputationLedgerErrors::TooManyDomains(expected));

    // Slot 2: the weights, the first in the lowest bits; slot 3: how many domains there are.
    let slot = async |number: u64| {
        let value = base.provider.get_storage_at(address, U256::from(number));
        value.await.unwrap()
    };
    let weights = (0..16).rev().fold(U256::ZERO, |word, index| {
        (word << 16_usize) | U256::from(weight(index))
    });
    assert_eq!(slot(2).await, weights);
    assert_eq!(slot(3).await, maximum);
}
