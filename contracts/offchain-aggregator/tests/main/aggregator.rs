//! OffchainAggregator on motsu: every function, error and access rule, with real secp256k1 signatures.

use std::borrow::Borrow;

use crate::contract::*;
use alloy_primitives::{keccak256, uint, Address, FixedBytes, B256, U256};
use alloy_sol_types::{
    eip712_domain, sol, Eip712Domain, Revert as Refusal, SolError, SolEvent, SolStruct,
};
use bpe_common::{
    attestation::{Error as Refused, InvalidSignature, NonceAlreadyUsed, StaleAttestation},
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp},
    ownable::{Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
    returns::Returns,
    signature::{ECDSAInvalidSignature, ECDSAInvalidSignatureLength, ECDSAInvalidSignatureS},
};
use bpe_testing::{Registry, Wallet};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

const UNIT: U256 = uint!(1_000_000_000_U256);
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
const CODE: B256 = B256::repeat_byte(0xc0);
const CHAT: B256 = B256::repeat_byte(0xca);
const RELAYER: Address = Address::repeat_byte(0x4e);

mod signed {
    use super::sol;
    sol! {
        struct CapacityAttestation {
            bytes32 taskTypeId;
            address sink;
            uint256 capacity;
            uint256 timestamp;
            uint256 nonce;
        }
        struct BoltzmannShares {
            bytes32 taskTypeId;
            address[] sinks;
            uint256[] shares;
            uint256 timestamp;
            uint256 nonce;
        }
    }
}
use signed::{BoltzmannShares, CapacityAttestation};

sol! {
    #[derive(Debug, PartialEq, Eq)]
    event Shares(bytes32 taskTypeId, address[] sinks, uint256[] shares);
}

/// A pool that notes the shares it is given.
#[storage]
struct SharePool {
    reverts: StorageBool,
}

#[public]
impl SharePool {
    fn set_reverts(&mut self, reverts: bool) {
        self.reverts.set(reverts);
    }

    fn rebalance_with_shares(
        &mut self,
        task_type_id: B256,
        sinks: Vec<Address>,
        shares: Vec<U256>,
    ) -> Result<(), Vec<u8>> {
        if self.reverts.get() {
            return Err(Refusal::from("no").abi_encode());
        }
        log(
            self.vm(),
            Shares {
                taskTypeId: task_type_id,
                sinks,
                shares,
            },
        );
        Ok(())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for SharePool {}

fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn sign(key: &SigningKey, digest: B256) -> Vec<u8> {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat()
}

/// The other signature that the same key would have: s in the upper half, v flipped.
fn twin(signature: &[u8]) -> Vec<u8> {
    let s = ORDER - U256::from_be_slice(&signature[32..64]);
    [
        &signature[..32],
        &s.to_be_bytes::<32>()[..],
        &[27 + 28 - signature[64]],
    ]
    .concat()
}

fn domain(aggregator: &Contract<OffchainAggregator>) -> Eip712Domain {
    eip712_domain! {
        name: "BPE-OffchainAggregator",
        version: "1",
        chain_id: 42_161,
        verifying_contract: aggregator.address(),
    }
}

/// The contract over a registry.
struct World<'a> {
    aggregator: &'a Contract<OffchainAggregator>,
    registry: &'a Contract<Registry>,
    sink: SigningKey,
}

impl<'a> World<'a> {
    /// Key 1 is a sink of both task types.
    fn new(
        aggregator: &'a Contract<OffchainAggregator>,
        registry: &'a Contract<Registry>,
        owner: Address,
    ) -> Self {
        VM::context().set_chain_id(42_161);
        aggregator
            .sender(owner)
            .constructor(registry.address(), owner)
            .motsu_unwrap();
        let sink = key(1);
        for id in [CODE, CHAT] {
            registry.sender(owner).enter(id, address(&sink), units(1));
        }
        Self {
            aggregator,
            registry,
            sink,
        }
    }

    /// What `sink` could sign, now.
    fn attestation(
        &self,
        id: B256,
        sink: Address,
        capacity: U256,
        nonce: u64,
    ) -> SignedAttestation {
        SignedAttestation {
            taskTypeId: id,
            sink,
            capacity,
            timestamp: U256::from(timestamp()),
            nonce: U256::from(nonce),
            signature: vec![].into(),
        }
    }

    fn digest(&self, it: &SignedAttestation) -> B256 {
        digest(it, &domain(self.aggregator))
    }

    /// Signed by key 1, for CODE.
    fn signed(&self, capacity: u64, nonce: u64) -> SignedAttestation {
        self.resigned(self.attestation(CODE, address(&self.sink), units(capacity), nonce))
    }

    fn resigned(&self, mut it: SignedAttestation) -> SignedAttestation {
        it.signature = sign(&self.sink, self.digest(&it)).into();
        it
    }

    fn submit(&self, it: &SignedAttestation) -> Result<(), Error> {
        self.aggregator.sender(RELAYER).submit(copy(it)).motsu_res()
    }

    fn batch(&self, batch: &[&SignedAttestation]) {
        self.aggregator
            .sender(RELAYER)
            .submit_batch(batch.iter().copied().map(copy).collect())
            .motsu_unwrap();
    }

    /// Submits the attestation by itself and in a batch, and expects it to be refused both times.
    fn refuses(&self, it: &SignedAttestation, reason: &str, error: impl Into<Refused>) {
        let before = self.state(it);
        assert_eq!(self.submit(it), Err(Error::Attestation(error.into())));
        let rejected = AttestationRejected {
            taskTypeId: it.taskTypeId,
            sink: it.sink,
            reason: reason.into(),
        };
        let events = self.aggregator.all_events().len();
        self.batch(&[it]);
        let events = self.aggregator.all_events().split_off(events);
        assert_eq!(events[0], rejected.encode_log_data());
        assert_eq!(events.len(), 2, "and BatchSubmitted");
        assert_eq!(self.state(it), before, "nothing was used up");
    }

    fn state(&self, it: &SignedAttestation) -> [U256; 4] {
        let view = self.aggregator.sender(RELAYER);
        let capacity = self
            .registry
            .sender(RELAYER)
            .get_smoothed_capacity(it.taskTypeId, it.sink);
        [
            view.last_nonce(it.sink),
            view.last_nonce_in(it.taskTypeId, it.sink),
            view.last_timestamp(it.taskTypeId, it.sink),
            capacity,
        ]
    }

    fn capacity(&self, id: B256) -> U256 {
        self.registry
            .sender(RELAYER)
            .get_smoothed_capacity(id, address(&self.sink))
    }
}

fn copy(it: &SignedAttestation) -> SignedAttestation {
    SignedAttestation {
        signature: it.signature.clone(),
        ..*it
    }
}

fn digest(it: &SignedAttestation, domain: &Eip712Domain) -> B256 {
    CapacityAttestation {
        taskTypeId: it.taskTypeId,
        sink: it.sink,
        capacity: it.capacity,
        timestamp: it.timestamp,
        nonce: it.nonce,
    }
    .eip712_signing_hash(domain)
}

fn owner_of(aggregator: &Contract<OffchainAggregator>) -> Address {
    let it = aggregator.sender(RELAYER);
    let ownable: &Ownable = (*it).borrow();
    ownable.owner()
}

// --- Temperature

/// A TemperatureOracle that notes what it hears, or refuses.
#[storage]
struct Oracle {
    reverts: StorageBool,
    variance: StorageU256,
    most: StorageU256,
    updates: StorageU256,
}

#[public]
impl Oracle {
    fn set_reverts(&mut self, reverts: bool) {
        self.reverts.set(reverts);
    }

    fn heard(&self) -> (U256, U256, U256) {
        (self.variance.get(), self.most.get(), self.updates.get())
    }

    fn update_temperature(&mut self, variance: U256, most: U256) -> Result<(), Vec<u8>> {
        if self.reverts.get() {
            return Err(vec![]);
        }
        self.variance.set(variance);
        self.most.set(most);
        let updates = self.updates.get() + U256::from(1);
        self.updates.set(updates);
        Ok(())
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Oracle {}

/// As in the reference: a batch feeds the oracle, and stands if the oracle refuses.
#[motsu::test]
fn a_batch_feeds_the_temperature(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    oracle: Contract<Oracle>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let heard = || oracle.sender(owner).heard();
    let (first, second) = (world.signed(10, 1), world.signed(40, 2));
    world.batch(&[&first]);
    assert_eq!(heard(), (U256::ZERO, U256::ZERO, U256::ZERO), "not set");
    aggregator
        .sender(owner)
        .set_temperature_oracle(oracle.address())
        .motsu_unwrap();
    // What is refused, here twice the first, is no part of it. 40 and 20: a mean of 30, a variance of 100 units squared.
    let third = world.signed(20, 3);
    world.batch(&[&first, &second, &first, &third]);
    let square = |amount| units(amount) * units(1);
    assert_eq!(heard(), (square(100), square(400), U256::from(1)));
    // A batch without any says nothing.
    world.batch(&[&first, &second]);
    assert_eq!(heard().2, U256::from(1));
    oracle.sender(owner).set_reverts(true);
    let fourth = world.signed(30, 4);
    world.batch(&[&fourth]);
    assert_eq!(world.capacity(CODE), units(30), "the batch stands");
    aggregator.assert_emitted(&TemperatureUpdateFailed {
        temperatureOracle: oracle.address(),
    });
    assert_eq!(heard().2, U256::from(1));
}

// --- Construction and ownership

#[motsu::test]
fn starts_with_what_it_is_given(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let it = aggregator.sender(owner);
    assert_eq!(it.capacity_registry(), registry.address());
    assert_eq!(it.backpressure_pool(), Address::ZERO);
    assert_eq!(it.share_signer(), Address::ZERO);
    assert_eq!(it.temperature_oracle(), Address::ZERO);
    assert_eq!(it.virial_monitor(), Address::ZERO);
    assert_eq!(it.max_attestation_age(), U256::from(600));
    let attestation = world.attestation(CODE, owner, U256::ZERO, 0);
    assert_eq!(attestation.timestamp, U256::from(timestamp()));
    assert_eq!(
        it.attestation_typehash(),
        keccak256("CapacityAttestation(bytes32 taskTypeId,address sink,uint256 capacity,uint256 timestamp,uint256 nonce)")
    );
    assert_eq!(
        it.boltzmann_shares_typehash(),
        keccak256("BoltzmannShares(bytes32 taskTypeId,address[] sinks,uint256[] shares,uint256 timestamp,uint256 nonce)")
    );
    assert_eq!(
        it.eip712_domain(),
        Returns((
            FixedBytes([0x0f]),
            "BPE-OffchainAggregator".to_owned(),
            "1".to_owned(),
            U256::from(42_161),
            aggregator.address(),
            B256::ZERO,
            vec![]
        ))
    );
    assert_eq!(owner_of(&aggregator), owner);
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let it = aggregator
        .sender(owner)
        .constructor(registry.address(), Address::ZERO);
    let refused = OwnableInvalidOwner {
        owner: Address::ZERO,
    };
    assert_eq!(it.motsu_unwrap_err(), Error::Ownable(refused.into()));
    let it = aggregator.sender(owner).constructor(owner, owner);
    let refused = NotAContract { account: owner };
    assert_eq!(it.motsu_unwrap_err(), refused.into());
}

#[motsu::test]
fn the_owner_sets_the_neighbours(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    World::new(&aggregator, &registry, owner);
    let [signer, pool, oracle, monitor] = [1, 2, 3, 4].map(Address::repeat_byte);
    let it = || aggregator.sender(owner);
    it().set_share_signer(signer).motsu_unwrap();
    aggregator.assert_emitted(&ShareSignerSet {
        shareSigner: signer,
    });
    it().set_backpressure_pool(pool).motsu_unwrap();
    aggregator.assert_emitted(&BackpressurePoolSet {
        backpressurePool: pool,
    });
    it().set_temperature_oracle(oracle).motsu_unwrap();
    aggregator.assert_emitted(&TemperatureOracleSet {
        temperatureOracle: oracle,
    });
    it().set_virial_monitor(monitor).motsu_unwrap();
    aggregator.assert_emitted(&VirialMonitorSet {
        virialMonitor: monitor,
    });
    assert_eq!(it().share_signer(), signer);
    assert_eq!(it().backpressure_pool(), pool);
    assert_eq!(it().temperature_oracle(), oracle);
    assert_eq!(it().virial_monitor(), monitor);
    // A layout in which fields overlap would show here.
    assert_eq!(it().capacity_registry(), registry.address());
    assert_eq!(owner_of(&aggregator), owner);
}

#[motsu::test]
fn only_the_owner_sets_anything(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    World::new(&aggregator, &registry, owner);
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account: RELAYER }.into());
    let it = || aggregator.sender(RELAYER);
    assert_eq!(it().set_share_signer(RELAYER).motsu_unwrap_err(), refused);
    assert_eq!(
        it().set_backpressure_pool(RELAYER).motsu_unwrap_err(),
        refused
    );
    assert_eq!(
        it().set_temperature_oracle(RELAYER).motsu_unwrap_err(),
        refused
    );
    assert_eq!(it().set_virial_monitor(RELAYER).motsu_unwrap_err(), refused);
}

// --- Attestations

#[motsu::test]
fn anyone_submits_what_a_sink_signed(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let (first, second) = (world.signed(50, 1), world.signed(60, 7));
    world.batch(&[&first]);
    aggregator.assert_emitted(&AttestationApplied {
        taskTypeId: CODE,
        sink: first.sink,
        capacity: units(50),
        timestamp: first.timestamp,
    });
    aggregator.assert_emitted(&BatchSubmitted {
        attestationCount: U256::from(1),
        relayer: RELAYER,
    });
    let one = U256::from(1);
    assert_eq!(world.state(&first), [one, one, first.timestamp, units(50)]);

    advance_time(20);
    world.submit(&second).unwrap();
    aggregator.assert_emitted(&AttestationApplied {
        taskTypeId: CODE,
        sink: first.sink,
        capacity: units(60),
        timestamp: second.timestamp,
    });
    let seven = U256::from(7);
    assert_eq!(
        world.state(&second),
        [seven, seven, second.timestamp, units(60)]
    );
}

#[motsu::test]
fn one_bad_item_does_not_fail_the_others(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let gone = key(9);
    let mut left = world.attestation(CODE, address(&gone), units(1), 1);
    left.signature = sign(&gone, world.digest(&left)).into();
    let mut old = world.signed(1, 1);
    old.timestamp -= U256::from(601);
    let forged = SignedAttestation {
        capacity: units(99),
        ..world.signed(1, 1)
    };
    let (good, next, same) = (world.signed(2, 1), world.signed(3, 2), world.signed(4, 2));
    world.batch(&[&left, &old, &forged, &good, &good, &next, &same]);
    for (sink, reason) in [
        (address(&gone), "sink"),
        (good.sink, "stale"),
        (good.sink, "signature"),
        (good.sink, "nonce"),
    ] {
        aggregator.assert_emitted(&AttestationRejected {
            taskTypeId: CODE,
            sink,
            reason: reason.into(),
        });
    }
    for capacity in [units(2), units(3)] {
        aggregator.assert_emitted(&AttestationApplied {
            taskTypeId: CODE,
            sink: good.sink,
            capacity,
            timestamp: good.timestamp,
        });
    }
    aggregator.assert_emitted(&BatchSubmitted {
        attestationCount: U256::from(7),
        relayer: RELAYER,
    });
    assert_eq!(world.capacity(CODE), units(3));
}

#[motsu::test]
fn an_attestation_is_fresh(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let at = |time: U256, nonce| {
        let mut it = world.signed(10, nonce);
        it.timestamp = time;
        world.resigned(it)
    };
    let now = U256::from(timestamp());
    let stale = |time| StaleAttestation {
        attestationTime: time,
        currentTime: now,
    };
    let (age, skew, one) = (U256::from(600), U256::from(30), U256::from(1));
    for time in [now - age - one, now + skew + one, U256::ZERO, U256::MAX] {
        world.refuses(&at(time, 1), "stale", stale(time));
    }
    world.submit(&at(now - age, 1)).unwrap();
    world.submit(&at(now + skew, 2)).unwrap();
    assert_eq!(
        aggregator
            .sender(owner)
            .last_timestamp(CODE, address(&world.sink)),
        now + skew
    );
}

#[motsu::test]
fn nonces_rise(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let used = |provided: u64, required: u64| NonceAlreadyUsed {
        provided: U256::from(provided),
        required: U256::from(required),
    };
    world.refuses(&world.signed(5, 0), "nonce", used(0, 1));
    let third = world.signed(5, 3);
    world.submit(&third).unwrap();
    world.refuses(&third, "nonce", used(3, 4));
    world.refuses(&world.signed(6, 3), "nonce", used(3, 4));
    world.refuses(&world.signed(6, 2), "nonce", used(2, 4));
    world.submit(&world.signed(6, 4)).unwrap();

    // The last nonce that there is.
    let most = (U256::from(1) << 216) - U256::from(1);
    for nonce in [most + U256::from(1), U256::MAX] {
        let mut it = world.signed(7, 0);
        it.nonce = nonce;
        let error = NonceAlreadyUsed {
            provided: nonce,
            required: U256::from(5),
        };
        world.refuses(&world.resigned(it), "nonce", error);
    }
    let mut it = world.signed(7, 0);
    it.nonce = most;
    let it = world.resigned(it);
    world.submit(&it).unwrap();
    assert_eq!(world.state(&it), [most, most, it.timestamp, units(7)]);
}

#[motsu::test]
fn nonces_are_a_task_types_own(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let sink = address(&world.sink);
    world.submit(&world.signed(5, 10)).unwrap();
    let chat = world.resigned(world.attestation(CHAT, sink, units(8), 3));
    world.submit(&chat).unwrap();
    assert_eq!(world.capacity(CHAT), units(8));
    let it = aggregator.sender(owner);
    assert_eq!(it.last_nonce_in(CODE, sink), U256::from(10));
    assert_eq!(it.last_nonce_in(CHAT, sink), U256::from(3));
    assert_eq!(it.last_nonce(sink), U256::from(10), "the highest");
}

#[motsu::test]
fn what_is_signed_is_what_counts(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let other = key(2);
    for id in [CODE, CHAT] {
        registry.sender(owner).enter(id, address(&other), units(1));
    }
    let good = || world.signed(50, 5);
    let later = U256::from(1);
    let changed = [
        SignedAttestation {
            taskTypeId: CHAT,
            ..good()
        },
        SignedAttestation {
            sink: address(&other),
            ..good()
        },
        SignedAttestation {
            capacity: units(51),
            ..good()
        },
        SignedAttestation {
            timestamp: good().timestamp - later,
            ..good()
        },
        SignedAttestation {
            nonce: U256::from(6),
            ..good()
        },
        SignedAttestation {
            sink: Address::ZERO,
            ..good()
        },
    ];
    for it in changed {
        world.refuses(&it, "signature", InvalidSignature {});
    }
    world.submit(&good()).unwrap();
}

#[motsu::test]
fn a_signature_is_for_this_contract_on_this_chain(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let domains = [
        Eip712Domain {
            chain_id: Some(U256::from(1)),
            ..domain(&aggregator)
        },
        Eip712Domain {
            verifying_contract: Some(registry.address()),
            ..domain(&aggregator)
        },
        Eip712Domain {
            name: Some("BPE-CompletionTracker".into()),
            ..domain(&aggregator)
        },
        Eip712Domain {
            version: Some("2".into()),
            ..domain(&aggregator)
        },
    ];
    for domain in domains {
        let mut it = world.signed(50, 1);
        it.signature = sign(&world.sink, digest(&it, &domain)).into();
        world.refuses(&it, "signature", InvalidSignature {});
    }
    // What was good on one chain is not on the other side of a fork.
    let it = world.signed(50, 1);
    VM::context().set_chain_id(1);
    world.refuses(&it, "signature", InvalidSignature {});
    VM::context().set_chain_id(42_161);
    world.submit(&it).unwrap();
}

#[motsu::test]
fn a_signature_has_one_form(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let good = world.signed(50, 1);
    let with = |signature: Vec<u8>| SignedAttestation {
        signature: signature.into(),
        ..copy(&good)
    };
    let twin = twin(&good.signature);
    let s = B256::from_slice(&twin[32..64]);
    let high_s = Refused::Signature(ECDSAInvalidSignatureS { s }.into());
    world.refuses(&with(twin), "signature", high_s);
    for bytes in [
        vec![],
        good.signature[..64].to_vec(),
        [&good.signature[..], &[0]].concat(),
        vec![7; 4_000],
    ] {
        let length = U256::from(bytes.len());
        let error = Refused::Signature(ECDSAInvalidSignatureLength { length }.into());
        world.refuses(&with(bytes), "signature", error);
    }
    let error = || Refused::Signature(ECDSAInvalidSignature {}.into());
    world.refuses(&with(vec![0; 65]), "signature", error());
    let mut odd = good.signature.to_vec();
    odd[64] = 29;
    world.refuses(&with(odd), "signature", error());
    world.refuses(
        &with(sign(&key(2), world.digest(&good))),
        "signature",
        InvalidSignature {},
    );
    // The zero address signs nothing.
    let nobody = SignedAttestation {
        sink: Address::ZERO,
        ..with(vec![0; 65])
    };
    registry.sender(owner).enter(CODE, Address::ZERO, units(1));
    world.refuses(&nobody, "signature", error());
    world.submit(&good).unwrap();
}

#[motsu::test]
fn a_contract_account_signs_by_its_word(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    wallet: Contract<Wallet>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    registry
        .sender(owner)
        .enter(CODE, wallet.address(), units(1));
    let mut it = world.attestation(CODE, wallet.address(), units(50), 1);
    it.signature = vec![1, 2, 3].into();
    world.refuses(&it, "signature", InvalidSignature {});
    wallet.sender(owner).approve(world.digest(&it));
    for misbehaviour in 1..=5 {
        wallet.sender(owner).misbehave(misbehaviour);
        world.refuses(&it, "signature", InvalidSignature {});
    }
    wallet.sender(owner).misbehave(0);
    world.submit(&it).unwrap();
    let one = U256::from(1);
    assert_eq!(world.state(&it), [one, one, it.timestamp, units(50)]);
    let error = NonceAlreadyUsed {
        provided: one,
        required: U256::from(2),
    };
    world.refuses(&it, "nonce", error);
}

#[motsu::test]
fn what_the_registry_refuses_can_come_again(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let it = world.signed(50, 1);
    let refused = || Refused::Revert(Revert(Refusal::from("no").abi_encode()[..68].to_vec()));
    registry.sender(owner).leave(CODE, it.sink);
    world.refuses(&it, "sink", refused());
    registry.sender(owner).enter(CODE, it.sink, units(1));
    registry.sender(owner).set_refuses(true);
    world.refuses(&it, "sink", refused());
    registry.sender(owner).set_refuses(false);
    world.batch(&[&it]);
    let one = U256::from(1);
    assert_eq!(world.state(&it), [one, one, it.timestamp, units(50)]);
}

#[motsu::test]
fn a_batch_is_bounded(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    owner: Address,
) {
    let world = World::new(&aggregator, &registry, owner);
    let many = |count: usize| -> Vec<_> { (0..count).map(|_| world.signed(5, 1)).collect() };
    let it = aggregator.sender(RELAYER).submit_batch(many(257));
    let error = BatchTooLarge {
        length: U256::from(257),
        maximum: U256::from(256),
    };
    assert_eq!(it.motsu_unwrap_err(), error.into());
    assert_eq!(world.capacity(CODE), units(1));
    aggregator
        .sender(RELAYER)
        .submit_batch(many(256))
        .motsu_unwrap();
    aggregator.assert_emitted(&BatchSubmitted {
        attestationCount: U256::from(256),
        relayer: RELAYER,
    });
    assert_eq!(world.capacity(CODE), units(5));
    aggregator
        .sender(RELAYER)
        .submit_batch(vec![])
        .motsu_unwrap();
    aggregator.assert_emitted(&BatchSubmitted {
        attestationCount: U256::ZERO,
        relayer: RELAYER,
    });
}

// --- Boltzmann shares

fn share_list() -> (Vec<Address>, Vec<U256>) {
    let sinks = [1, 2, 3].map(Address::repeat_byte).to_vec();
    (sinks, [50, 30, 20].map(U256::from).to_vec())
}

fn shares(nonce: u64) -> BoltzmannShares {
    let (sinks, shares) = share_list();
    BoltzmannShares {
        taskTypeId: CODE,
        sinks,
        shares,
        timestamp: U256::from(timestamp()),
        nonce: U256::from(nonce),
    }
}

fn relay(
    aggregator: &Contract<OffchainAggregator>,
    it: &BoltzmannShares,
    signature: Vec<u8>,
) -> Result<(), Error> {
    aggregator
        .sender(RELAYER)
        .submit_signed_boltzmann_shares(
            it.taskTypeId,
            it.sinks.clone(),
            it.shares.clone(),
            it.timestamp,
            it.nonce,
            Bytes(signature),
        )
        .motsu_res()
}

#[motsu::test]
fn the_share_signer_submits_shares(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    pool: Contract<SharePool>,
    owner: Address,
    signer: Address,
) {
    World::new(&aggregator, &registry, owner);
    let (sinks, shares) = share_list();
    let submit = |caller: Address| {
        aggregator
            .sender(caller)
            .submit_boltzmann_shares(CODE, sinks.clone(), shares.clone())
            .motsu_res()
    };
    for caller in [signer, owner, Address::ZERO] {
        assert_eq!(submit(caller), Err(NotShareSigner { caller }.into()));
    }
    aggregator
        .sender(owner)
        .set_share_signer(signer)
        .motsu_unwrap();
    assert_eq!(submit(signer), Err(NoPool {}.into()));
    aggregator
        .sender(owner)
        .set_backpressure_pool(owner)
        .motsu_unwrap();
    assert_eq!(submit(signer), Err(NoPool {}.into()), "not a contract");
    aggregator
        .sender(owner)
        .set_backpressure_pool(pool.address())
        .motsu_unwrap();
    for caller in [owner, RELAYER] {
        assert_eq!(submit(caller), Err(NotShareSigner { caller }.into()));
    }
    submit(signer).unwrap();
    pool.assert_emitted(&Shares {
        taskTypeId: CODE,
        sinks: sinks.clone(),
        shares: shares.clone(),
    });
    aggregator.assert_emitted(&BoltzmannSharesSubmitted {
        taskTypeId: CODE,
        sinkCount: U256::from(3),
        submitter: signer,
    });
    pool.sender(owner).set_reverts(true);
    let refused = Error::Revert(Revert(Refusal::from("no").abi_encode()));
    assert_eq!(submit(signer), Err(refused));
}

#[motsu::test]
fn anyone_submits_shares_that_the_signer_signed(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    pool: Contract<SharePool>,
    owner: Address,
) {
    World::new(&aggregator, &registry, owner);
    let signer = key(3);
    let domain = domain(&aggregator);
    let signature = |it: &BoltzmannShares| sign(&signer, it.eip712_signing_hash(&domain));
    aggregator
        .sender(owner)
        .set_backpressure_pool(pool.address())
        .motsu_unwrap();
    let it = shares(4);
    assert_eq!(
        relay(&aggregator, &it, signature(&it)),
        Err(Refused::from(InvalidSignature {}).into()),
        "there is no signer"
    );
    assert_eq!(
        relay(&aggregator, &it, vec![0; 65]),
        Err(Refused::from(InvalidSignature {}).into()),
        "nobody is not the signer"
    );
    aggregator
        .sender(owner)
        .set_share_signer(address(&signer))
        .motsu_unwrap();

    let (sinks, list) = share_list();
    let swapped = vec![list[1], list[0], list[2]];
    let changed = [
        BoltzmannShares {
            taskTypeId: CHAT,
            ..shares(4)
        },
        BoltzmannShares {
            sinks: sinks[..2].to_vec(),
            ..shares(4)
        },
        BoltzmannShares {
            sinks: vec![],
            ..shares(4)
        },
        BoltzmannShares {
            shares: swapped,
            ..shares(4)
        },
        BoltzmannShares {
            shares: list[..2].to_vec(),
            ..shares(4)
        },
        BoltzmannShares {
            timestamp: it.timestamp - U256::from(1),
            ..shares(4)
        },
        BoltzmannShares {
            nonce: U256::from(5),
            ..shares(4)
        },
    ];
    for other in changed {
        let refused = relay(&aggregator, &other, signature(&it));
        assert_eq!(refused, Err(Refused::from(InvalidSignature {}).into()));
    }
    let forged = sign(&key(4), it.eip712_signing_hash(&domain));
    assert_eq!(
        relay(&aggregator, &it, forged),
        Err(Refused::from(InvalidSignature {}).into())
    );
    assert_eq!(
        relay(&aggregator, &it, twin(&signature(&it))),
        Err(Refused::from(InvalidSignature {}).into())
    );

    relay(&aggregator, &it, signature(&it)).unwrap();
    pool.assert_emitted(&Shares {
        taskTypeId: CODE,
        sinks,
        shares: list,
    });
    aggregator.assert_emitted(&BoltzmannSharesSubmitted {
        taskTypeId: CODE,
        sinkCount: U256::from(3),
        submitter: RELAYER,
    });
    assert_eq!(
        aggregator.sender(owner).last_shares(CODE),
        (U256::from(4), it.timestamp)
    );
    for nonce in [3, 4] {
        let again = shares(nonce);
        let error = NonceAlreadyUsed {
            provided: U256::from(nonce),
            required: U256::from(5),
        };
        let refused = relay(&aggregator, &again, signature(&again));
        assert_eq!(refused, Err(Refused::from(error).into()));
    }
    let next = shares(5);
    advance_time(601);
    let error = StaleAttestation {
        attestationTime: next.timestamp,
        currentTime: U256::from(timestamp()),
    };
    assert_eq!(
        relay(&aggregator, &next, signature(&next)),
        Err(Refused::from(error).into())
    );
    // Another task type has nonces of its own.
    let chat = BoltzmannShares {
        taskTypeId: CHAT,
        ..shares(1)
    };
    relay(&aggregator, &chat, signature(&chat)).unwrap();
    assert_eq!(aggregator.sender(owner).last_shares(CODE).0, U256::from(4));
    assert_eq!(aggregator.sender(owner).last_shares(CHAT).0, U256::from(1));
}

#[motsu::test]
fn shares_that_the_pool_refuses_use_no_nonce(
    aggregator: Contract<OffchainAggregator>,
    registry: Contract<Registry>,
    pool: Contract<SharePool>,
    owner: Address,
) {
    World::new(&aggregator, &registry, owner);
    let signer = key(3);
    aggregator
        .sender(owner)
        .set_share_signer(address(&signer))
        .motsu_unwrap();
    aggregator
        .sender(owner)
        .set_backpressure_pool(pool.address())
        .motsu_unwrap();
    let it = shares(1);
    let signature = sign(&signer, it.eip712_signing_hash(&domain(&aggregator)));
    pool.sender(owner).set_reverts(true);
    let refused = Error::Revert(Revert(Refusal::from("no").abi_encode()));
    assert_eq!(relay(&aggregator, &it, signature.clone()), Err(refused));
    assert_eq!(
        aggregator.sender(owner).last_shares(CODE),
        (U256::ZERO, U256::ZERO)
    );
    pool.sender(owner).set_reverts(false);
    relay(&aggregator, &it, signature).unwrap();
}
