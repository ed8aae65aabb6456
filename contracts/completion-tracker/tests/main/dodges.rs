//! What a hostile reviewer found: tasks that count twice, work that could not be proven, and assignments that cost
//! nothing.

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    powers::MIN_NOTICE,
};
use motsu::prelude::*;

use crate::{
    contract::*,
    tracker::{tokens, Verifier, World, CODE, OWNER, UNIT},
};

impl World {
    /// Has evidence checked, from when its notice is over.
    fn verify(&self) -> Contract<Verifier> {
        let verifier = Contract::<Verifier>::new();
        let mut it = self.tracker.sender(OWNER);
        it.set_verifier(CODE, verifier.address()).motsu_unwrap();
        verifier
    }

    fn prove(&self, source: Address, id: u64) -> Result<(), Error> {
        let id = B256::from(U256::from(id));
        let attestation = [CODE, self.sink().into_word(), id].concat();
        let mut it = self.tracker.sender(OWNER);
        it.record_evidence(CODE, source, attestation.into())
            .motsu_res()
    }

    fn leave(&self) {
        let mut it = self.registry.sender(self.sink());
        it.deregister_sink(CODE).motsu_unwrap();
    }

    /// Completions of this epoch, and assignments that were met.
    fn counted(&self) -> [u64; 2] {
        let it = self.tracker.sender(OWNER);
        let epoch = U256::from(timestamp() / 300);
        let (_, completions, _, met) = it.get_epoch(CODE, self.sink(), epoch);
        [completions, met].map(|it| it.to())
    }
}

/// By a receipt and by evidence that names no source, or its own, or another, in either order.
#[test]
fn a_task_counts_once() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    let _verifier = world.verify();
    advance_time(MIN_NOTICE);
    world.to_next_epoch();
    let taken: Result<(), Error> = Err(TaskAlreadyRecorded {}.into());
    for (id, source) in (1..).zip([Address::ZERO, world.source(), OWNER]) {
        world.record(world.receipt(id)).expect("good");
        assert_eq!(world.prove(source, id), taken);
        assert_eq!(world.counted(), [id, 0]);
    }
    for (id, source) in (4..).zip([Address::ZERO, world.source(), OWNER]) {
        world.prove(source, id).expect("good");
        assert_eq!(world.record(world.receipt(id)), taken);
        assert_eq!(world.counted(), [id, 0]);
    }
    // What was refused in a batch is as if it had never been brought.
    let batch = vec![world.receipt(4)];
    let mut it = world.tracker.sender(OWNER);
    it.record_receipts(batch).motsu_unwrap();
    let id = B256::from(U256::from(4));
    let it = it.get_task(CODE, world.sink(), world.source(), id);
    assert_eq!((it, world.counted()), ((U256::ZERO, false), [6, 0]));
}

/// Evidence that names no source counts, and the receipt that comes after it meets the assignment; nothing counts
/// twice.
#[test]
fn a_receipt_after_evidence_meets_its_assignment() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    let _verifier = world.verify();
    advance_time(MIN_NOTICE);
    world.to_next_epoch();
    let assignment = world.assignment(1, timestamp() + 50);
    world.assign(assignment).expect("good");
    world.prove(Address::ZERO, 1).expect("good");
    assert_eq!(world.counted(), [1, 0]);
    world.record(world.receipt(1)).expect("it was assigned");
    assert_eq!(world.counted(), [1, 1]);
    assert_eq!(
        world.prove(world.source(), 1),
        Err(TaskAlreadyRecorded {}.into())
    );
}

/// The sink accepts three tasks, leaves, and does them; the source does not sign.
#[test]
fn who_has_left_can_prove_what_it_owes() {
    let _precompiles = deploy_precompiles();
    for proven in [0, 3] {
        let world = World::closed();
        let _verifier = world.verify();
        world.yardstick(UNIT, ASSIGNED);
        world.stakes.sender(OWNER).open().motsu_unwrap();
        world.add_stake(10_000);
        let mut it = world.registry.sender(world.sink());
        it.register_sink(CODE, UNIT).motsu_unwrap();
        world.to_next_epoch();
        for id in 0..3 {
            let deadline = timestamp() + 299 + 300 * id;
            world.assign(world.assignment(id, deadline)).expect("good");
        }
        world.leave();
        let gone: Result<(), Error> = Err(SinkNotRegistered {}.into());
        // Nothing but that: neither what it was not asked for, nor for anybody else, nor twice.
        assert_eq!(world.prove(world.source(), 9), gone);
        assert_eq!(world.prove(Address::ZERO, 0), gone);
        assert_eq!(world.prove(OWNER, 0), gone);
        for id in 0..proven {
            world.prove(world.source(), id).expect("it owes that");
            assert_eq!(world.prove(world.source(), id), gone);
        }
        advance_time(900);
        world.advance().expect("three epochs have ended");
        let left = if proven == 3 { 10_000 } else { 9_000 };
        assert_eq!(world.stake(), tokens(left), "{proven}");
    }
}

/// It signs, and leaves ahead of the source's transaction; or comes back with next to nothing.
#[test]
fn who_gives_up_its_capacity_first_owes_what_it_accepted() {
    let _precompiles = deploy_precompiles();
    for comes_back in [false, true] {
        let world = World::measured(UNIT, ASSIGNED);
        world.add_stake(10_000);
        world.leave();
        if comes_back {
            let mut it = world.registry.sender(world.sink());
            it.register_sink(CODE, U256::from(1)).motsu_unwrap();
        }
        for id in 0..3 {
            let deadline = timestamp() + 299 + 300 * id;
            world.assign(world.assignment(id, deadline)).expect("good");
        }
        advance_time(900);
        world.advance().expect("three epochs have ended");
        assert_eq!(world.stake(), tokens(18_000));
    }
}

/// Stake stays for half an hour after the last deadline, however short an unbonding is.
#[test]
fn deadlines_are_within_the_unbonding() {
    let _precompiles = deploy_precompiles();
    let world = World::closed();
    for (period, most) in [
        (1_800, 0),
        (3_600, 1_800),
        (86_400, 84_600),
        (30 * 86_400, MAX_DEADLINE),
    ] {
        let mut it = world.stakes.sender(OWNER);
        it.set_unbonding_period(U256::from(period)).motsu_unwrap();
        let late = timestamp() + most + 1;
        let deadline = U256::from(late);
        let refused = world.assign(world.assignment(late, late));
        assert_eq!(refused, Err(InvalidDeadline { deadline }.into()));
        if most > 0 {
            let last = world.assignment(period, late - 1);
            world.assign(last).expect("within the unbonding");
        }
    }
}
