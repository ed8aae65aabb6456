//! What operators attest, and what becomes of it here and at the core.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolError;
use bpe_common::{
    attestation::{Error as Refused, InvalidSignature, NonceAlreadyUsed, StaleAttestation},
    call::Revert,
    clock::testing::{advance_blocks, advance_time, timestamp},
    signature::{ECDSAInvalidSignature, ECDSAInvalidSignatureLength, ECDSAInvalidSignatureS},
};
use bpe_testing::Wallet;
use motsu::prelude::*;

use crate::{
    capacity_registry, contract::*, copy, node, number, operator, units, LightningAttestation,
    World, MIN_STAKE, OWNER, RELAYER, TOKEN,
};

impl World {
    /// Submits it by itself and in a batch, and expects it to be refused both times.
    fn refuses(&self, it: &SignedLightningAttestation, reason: &str, error: impl Into<Error>) {
        let state = || {
            let view = self.oracle.sender(RELAYER);
            (view.get_node(it.nodePubkey), view.last_nonce(it.operator))
        };
        let before = (state(), self.raw_capacity(it.operator));
        assert_eq!(self.submit(it), Err(error.into()));
        let events = self.oracle.all_events().len();
        assert_eq!(self.batch(&[it]), [(it.nodePubkey, reason.to_owned())]);
        assert_eq!(self.oracle.all_events().len(), events + 1, "nothing else");
        assert_eq!(
            (state(), self.raw_capacity(it.operator)),
            before,
            "nothing was used up"
        );
    }
}

#[motsu::test]
fn anyone_submits_what_an_operator_signed() {
    let world = World::new();
    world.member(1, 0);
    let first = world.attestation(1, 1_000, 4, 1);
    assert_eq!(world.batch(&[&first]), []);
    // The first one is smoothed from zero, as any other.
    world.oracle.assert_emitted(&LightningCapacityUpdated {
        nodePubkey: node(1),
        outboundCapacitySats: number(1_000),
        channelCount: number(7),
        pendingHTLCs: number(4),
        smoothedCapacity: number(300),
    });
    let it = || world.oracle.sender(RELAYER);
    assert_eq!(
        it().get_node(node(1)),
        (
            operator(1),
            number(300),
            number(4),
            // 300 / 5 sats, of a million a unit.
            number(60_000),
            number(1_000),
            number(7),
            first.timestamp
        )
    );
    assert_eq!(it().get_pending_htlcs(node(1)), number(4));
    assert_eq!(it().last_nonce(operator(1)), number(1));

    // One step a block: in the same one everything counts but the smoothing.
    advance_time(5);
    let second = world.attestation(1, 3_000, 0, 9);
    world.submit(&second).unwrap();
    let node_now = it().get_node(node(1));
    assert_eq!(node_now.1, number(300));
    assert_eq!(node_now.3, number(300_000));
    assert_eq!(node_now.4, number(3_000));
    assert_eq!(node_now.6, second.timestamp);
    assert_eq!(it().last_nonce(operator(1)), number(9));

    // 0.3 · 3000 + 0.7 · 300, then 0.3 · 0 + 0.7 · 1110.
    world.attest(1, 3_000, 0, 10);
    assert_eq!(world.smoothed(node(1)), number(1_110));
    world.attest(1, 0, 0, 11);
    assert_eq!(world.smoothed(node(1)), number(777));
}

#[motsu::test]
fn what_cannot_be_is_cut_off() {
    let world = World::new();
    world.member(1, 0);
    let it = world.signed(
        1,
        LightningAttestation {
            nodePubkey: node(1),
            operator: operator(1),
            outboundCapacitySats: U256::MAX,
            channelCount: number(u64::MAX),
            pendingHTLCs: U256::from(u128::MAX),
            timestamp: number(timestamp()),
            nonce: number(1),
        },
    );
    assert_eq!(world.batch(&[&it]), []);
    let (most, count) = (number(2_100_000_000_000_000), number(u64::from(u32::MAX)));
    // The stake backs 100 units, of a million sats; smoothed from zero.
    let backed = number(30_000_000);
    world.oracle.assert_emitted(&LightningCapacityUpdated {
        nodePubkey: node(1),
        outboundCapacitySats: most,
        channelCount: count,
        pendingHTLCs: count,
        smoothedCapacity: backed,
    });
    // 30e6 · 1e9 / (1e6 · 2^32)
    let capacity = world.oracle.sender(RELAYER).get_node(node(1)).3;
    assert_eq!(capacity, number(30_000_000_000 >> 32));
}

#[motsu::test]
fn the_core_is_told_of_sinks() {
    let world = World::new();
    world.member(1, 30_000_000);
    // 30 units, smoothed by the core from zero.
    assert_eq!(world.raw_capacity(operator(1)), units(30));
    assert_eq!(world.core_capacity(operator(1)), units(9));
    world.attest(1, 60_000_000, 2, 1);
    // 60e6 sats are 60 units, a third of them for three payments: 0.3 · 20 + 0.7 · 9.
    assert_eq!(world.raw_capacity(operator(1)), units(20));
    assert_eq!(world.core_capacity(operator(1)), number(12_300_000_000));

    // The stake of 10 000 backs 100 units.
    world.attest(1, 101_000_000, 0, 3);
    assert_eq!(world.raw_capacity(operator(1)), units(100));

    // Another scale: a unit is two million sats.
    world
        .oracle
        .sender(OWNER)
        .set_sats_per_unit(number(2_000_000))
        .motsu_unwrap();
    assert_eq!(world.raw_capacity(operator(1)), units(100));
    world.attest(1, 60_000_001, 1, 4);
    // 60 000 001 / 2e6 / 2, rounded down.
    assert_eq!(world.raw_capacity(operator(1)), number(15_000_000_250));
}

#[motsu::test]
fn what_the_core_refuses_is_refused() {
    let world = World::new();
    world.member(1, 500);
    // Who has left the core by itself has nothing to attest.
    world.member(2, 500);
    world.leave_core(operator(2));
    let left = capacity_registry::SinkNotRegistered {}.abi_encode();
    world.refuses(
        &world.attestation(2, 700, 0, 1),
        "sink",
        Refused::Revert(Revert(left)),
    );
    world
        .registry
        .sender(OWNER)
        .set_adapter(world.oracle.address(), false)
        .motsu_unwrap();
    let refused = capacity_registry::NotAuthorizedAggregator {}.abi_encode();
    world.refuses(
        &world.attestation(1, 700, 0, 1),
        "sink",
        Refused::Revert(Revert(refused)),
    );
}

#[motsu::test]
fn of_a_batch_what_is_bad_is_refused_and_the_rest_applied() {
    let world = World::new();
    for seed in [1, 2, 3] {
        world.member(seed, 1_000);
    }
    world.attest(1, 1_000, 0, 5);
    advance_blocks(1);
    let replayed = world.attestation(1, 1_000, 0, 5);
    let mut stale = world.attestation(2, 9_000, 0, 1);
    stale.timestamp = number(timestamp() - 601);
    let mut forged = world.attestation(2, 9_000, 0, 1);
    forged.outboundCapacitySats = number(9_001);
    let unknown = world.attestation(4, 9_000, 0, 1);
    let mut another = world.attestation(3, 9_000, 0, 1);
    another.nodePubkey = node(2);
    let good = [
        world.attestation(1, 2_000, 1, 6),
        world.attestation(2, 3_000, 2, 1),
        world.attestation(3, 4_000, 3, 1),
    ];
    let batch = [
        &replayed, &good[0], &stale, &forged, &good[1], &unknown, &another, &good[2], &good[2],
    ];
    let refused = [
        (1, "nonce"),
        (2, "stale"),
        (2, "signature"),
        (4, "node"),
        (2, "operator"),
        (3, "nonce"),
    ];
    assert_eq!(
        world.batch(&batch),
        refused.map(|(seed, reason)| (node(seed), reason.to_owned()))
    );
    // 0.3 · 2000 + 0.7 · 510, 0.3 · 3000 + 0.7 · 300, and so on.
    let smoothed = [1, 2, 3].map(|seed| world.smoothed(node(seed)));
    assert_eq!(smoothed, [957, 1_110, 1_410].map(number));
}

#[motsu::test]
fn batches_have_256_at_most() {
    let world = World::new();
    world.member(1, 0);
    let it = world.attestation(1, 1, 0, 1);
    let submit = |count| {
        let batch = (0..count).map(|_| copy(&it)).collect();
        world.oracle.sender(RELAYER).submit_batch(batch).motsu_res()
    };
    let refused = BatchTooLarge {
        length: number(257),
        maximum: number(256),
    };
    assert_eq!(submit(257), Err(refused.into()));
    submit(256).unwrap();
    submit(0).unwrap();
}

#[motsu::test]
fn an_unknown_node_and_another_operator_are_refused() {
    let world = World::new();
    world.member(1, 500);
    world.member(2, 500);
    world.refuses(&world.attestation(3, 1, 0, 1), "node", NodeNotRegistered {});
    // The second operator for the first's node, and for it in the first's name.
    let mut it = LightningAttestation {
        nodePubkey: node(1),
        operator: operator(2),
        outboundCapacitySats: number(1),
        channelCount: number(1),
        pendingHTLCs: number(1),
        timestamp: number(timestamp()),
        nonce: number(1),
    };
    let theirs = world.signed(2, it.clone());
    world.refuses(&theirs, "operator", NotOperator {});
    it.operator = operator(1);
    let theirs = world.signed(2, it);
    world.refuses(&theirs, "signature", Refused::Signer(InvalidSignature {}));
}

#[motsu::test]
fn what_was_signed_is_what_counts() {
    let world = World::new();
    world.member(1, 500);
    let change: [fn(&mut SignedLightningAttestation); 5] = [
        |it| it.outboundCapacitySats += U256::from(1),
        |it| it.channelCount += U256::from(1),
        |it| it.pendingHTLCs += U256::from(1),
        |it| it.timestamp += U256::from(1),
        |it| it.nonce += U256::from(1),
    ];
    for change in change {
        let mut it = world.attestation(1, 700, 3, 1);
        change(&mut it);
        world.refuses(&it, "signature", Refused::Signer(InvalidSignature {}));
    }
    // For another node: even if it is the operator's next one.
    let it = world.attestation(1, 700, 3, 1);
    world.deregister(operator(1), node(1)).unwrap();
    world.register(operator(1), node(2), 0).unwrap();
    let mut moved = copy(&it);
    moved.nodePubkey = node(2);
    world.refuses(&moved, "signature", Refused::Signer(InvalidSignature {}));
    world.refuses(&it, "node", NodeNotRegistered {});
}

#[motsu::test]
fn malformed_signatures_are_refused() {
    let world = World::new();
    world.member(1, 500);
    let good = world.attestation(1, 700, 3, 1);
    let with = |signature: Vec<u8>| {
        let mut it = copy(&good);
        it.signature = signature.into();
        it
    };
    let length = ECDSAInvalidSignatureLength { length: number(64) };
    world.refuses(
        &with(good.signature[..64].to_vec()),
        "signature",
        Refused::Signature(length.into()),
    );
    let mut high = good.signature.to_vec();
    high[32..64].fill(0xff);
    let s = B256::repeat_byte(0xff);
    world.refuses(
        &with(high),
        "signature",
        Refused::Signature(ECDSAInvalidSignatureS { s }.into()),
    );
    let mut nobody = good.signature.to_vec();
    nobody[64] = 29;
    world.refuses(
        &with(nobody),
        "signature",
        Refused::Signature(ECDSAInvalidSignature {}.into()),
    );
}

#[motsu::test]
fn time_and_nonces_bound_what_counts() {
    let world = World::new();
    world.member(1, 500);
    let at = |timestamp: u64, nonce| {
        let it = LightningAttestation {
            nodePubkey: node(1),
            operator: operator(1),
            outboundCapacitySats: number(700),
            channelCount: number(1),
            pendingHTLCs: number(0),
            timestamp: number(timestamp),
            nonce,
        };
        world.signed(1, it)
    };
    let stale = |attested| {
        Refused::Stale(StaleAttestation {
            attestationTime: number(attested),
            currentTime: number(timestamp()),
        })
    };
    let now = timestamp();
    for attested in [now - 601, now + 31] {
        world.refuses(&at(attested, number(1)), "stale", stale(attested));
    }
    let nonce = |provided, required| {
        Refused::Nonce(NonceAlreadyUsed {
            provided,
            required: number(required),
        })
    };
    let zero = U256::ZERO;
    world.refuses(&at(now, zero), "nonce", nonce(zero, 1));
    world.submit(&at(now - 600, number(4))).unwrap();
    world.submit(&at(now + 30, number(5))).unwrap();
    for provided in [number(5), number(1), U256::MAX] {
        world.refuses(&at(now, provided), "nonce", nonce(provided, 6));
    }
    // Nonces are the operator's, whatever its node is.
    world.deregister(operator(1), node(1)).unwrap();
    world.register(operator(1), node(1), 0).unwrap();
    world.refuses(&at(now, number(5)), "nonce", nonce(number(5), 6));
}

#[motsu::test]
fn an_operator_may_be_a_contract(wallet: Contract<Wallet>) {
    let world = World::new();
    let account: Address = wallet.address();
    world
        .token
        .sender(OWNER)
        .mint(account, TOKEN * number(MIN_STAKE));
    world
        .stakes
        .sender(account)
        .stake(TOKEN * number(MIN_STAKE))
        .motsu_unwrap();
    world.register(account, node(1), 0).unwrap();
    let message = LightningAttestation {
        nodePubkey: node(1),
        operator: account,
        outboundCapacitySats: number(700),
        channelCount: number(1),
        pendingHTLCs: number(0),
        timestamp: number(timestamp()),
        nonce: number(1),
    };
    let digest = world.digest(&message);
    let it = world.signed(1, message);
    world.refuses(&it, "signature", Refused::Signer(InvalidSignature {}));
    wallet.sender(OWNER).approve(digest);
    world.submit(&it).unwrap();
    assert_eq!(world.smoothed(node(1)), number(210));
}
