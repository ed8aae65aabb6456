//! CompletionTracker on motsu, with the real StakeManager and CapacityRegistry behind it, and real keys.

use crate::capacity_registry::CapacityRegistry;
use crate::contract::*;
use crate::judge::Judge;
use crate::stake_manager::StakeManager;
use alloy_primitives::{keccak256, uint, Address, Bytes, B256, U256};
use bpe_common::{
    call::NotAContract,
    clock::testing::{advance_time, timestamp},
    eip712::{hash_words, DOMAIN_TYPEHASH},
    ownable::OwnableUnauthorizedAccount,
    powers::MIN_NOTICE,
    signature::{ECDSAInvalidSignatureLength, ECDSAInvalidSignatureS},
};
use bpe_testing::{Token, Wallet};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use proptest::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

extern crate alloc;
use alloc::{vec, vec::Vec};

pub(crate) const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
pub(crate) const UNIT: U256 = uint!(1_000_000_000_U256);
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
pub(crate) const CODE: B256 = B256::repeat_byte(0xc0);
pub(crate) const OWNER: Address = Address::repeat_byte(0x01);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

fn sign(key: &SigningKey, digest: B256) -> Bytes {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]]
        .concat()
        .into()
}

/// Makes `judge` the tracker's, and a slasher.
pub(crate) fn appoint(
    judge: &Contract<Judge>,
    tracker: &Contract<CompletionTracker>,
    registry: &Contract<CapacityRegistry>,
    stakes: &Contract<StakeManager>,
) {
    let neighbours = (tracker.address(), registry.address(), stakes.address());
    let (tracked, declared, staked) = neighbours;
    let it = judge
        .sender(OWNER)
        .constructor(tracked, declared, staked, ONE, Address::ZERO);
    it.motsu_unwrap();
    let it = tracker.sender(OWNER).set_judge(judge.address());
    it.motsu_unwrap();
    let it = stakes.sender(OWNER).set_slasher(judge.address(), true);
    it.motsu_unwrap();
}

/// A verifier that believes `abi.encode(taskTypeId, sink, taskId)`, and misbehaves on request.
#[storage]
pub struct Verifier {
    misbehaviour: StorageU8,
}

#[public]
impl Verifier {
    /// From now on: 0 behaves; 1 says no; 2 reverts; 3 answers too long; 4 `ok` is 2; 5 the sink is no address.
    pub fn misbehave(&mut self, how: u8) {
        self.misbehaviour.set(alloy_primitives::U8::from(how));
    }

    /// `verify(bytes)`.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        assert_eq!(calldata.len() % 32, 4, "padded");
        let mut answer = vec![0; 32];
        answer[31] = 1;
        answer.extend_from_slice(&calldata[68..164]);
        match self.misbehaviour.get().to::<u8>() {
            1 => answer[31] = 0,
            2 => return Err(vec![]),
            3 => answer.push(0),
            4 => answer[31] = 2,
            5 => answer[64] = 1,
            _ => {}
        }
        Ok(answer)
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Verifier {}

pub(crate) struct World {
    pub(crate) tracker: Contract<CompletionTracker>,
    pub(crate) registry: Contract<CapacityRegistry>,
    pub(crate) stakes: Contract<StakeManager>,
    pub(crate) judge: Contract<Judge>,
    token: Contract<Token>,
    sink: SigningKey,
    source: SigningKey,
}

impl World {
    /// A sink with 10 000 tokens and 100 units (its cap), one completion worth a unit, at the beginning of its first
    /// whole epoch.
    pub(crate) fn new() -> Self {
        Self::measured(UNIT, DECLARED)
    }

    /// As [`Self::new`], but measured otherwise.
    pub(crate) fn measured(weight: U256, yardstick: u8) -> Self {
        let world = Self::build(weight, yardstick);
        world.to_next_epoch();
        world
    }

    /// Two alike.
    pub(crate) fn twins(weight: U256, yardstick: u8) -> (Self, Self) {
        let worlds = (
            Self::build(weight, yardstick),
            Self::build(weight, yardstick),
        );
        worlds.0.to_next_epoch();
        worlds
    }

    /// Without a yardstick.
    pub(crate) fn bare() -> Self {
        Self::build(UNIT, NONE)
    }

    /// Without a yardstick and a sink, and before staking is open.
    pub(crate) fn closed() -> Self {
        let world = Self {
            tracker: Contract::new(),
            registry: Contract::new(),
            stakes: Contract::new(),
            judge: Contract::new(),
            token: Contract::new(),
            sink: key(1),
            source: key(2),
        };
        let (stakes, registry) = (&world.stakes, &world.registry);
        let it = stakes
            .sender(OWNER)
            .constructor(world.token.address(), ONE, ONE, 0, OWNER);
        it.motsu_unwrap();
        registry
            .sender(OWNER)
            .constructor(stakes.address(), OWNER)
            .motsu_unwrap();
        let it =
            world
                .tracker
                .sender(OWNER)
                .constructor(registry.address(), stakes.address(), OWNER);
        it.motsu_unwrap();
        appoint(&world.judge, &world.tracker, registry, stakes);
        stakes
            .sender(OWNER)
            .set_registry(registry.address(), true)
            .motsu_unwrap();
        registry.sender(OWNER).set_aggregator(OWNER).motsu_unwrap();
        registry
            .sender(OWNER)
            .register_task_type(CODE, ONE)
            .motsu_unwrap();
        world
    }

    /// Everything that takes notice is set before staking opens.
    fn build(weight: U256, yardstick: u8) -> Self {
        let world = Self::closed();
        if yardstick != NONE {
            world.yardstick(weight, yardstick);
        }
        world.stakes.sender(OWNER).open().motsu_unwrap();
        world.add_stake(10_000);
        world
            .registry
            .sender(world.sink())
            .register_sink(CODE, UNIT * U256::from(100))
            .motsu_unwrap();
        world
    }

    pub(crate) fn add_stake(&self, amount: u64) {
        self.token.sender(OWNER).mint(self.sink(), tokens(amount));
        let stake = self.stakes.sender(self.sink()).stake(tokens(amount));
        stake.motsu_unwrap();
    }

    pub(crate) fn sink(&self) -> Address {
        address(&self.sink)
    }

    pub(crate) fn source(&self) -> Address {
        address(&self.source)
    }

    pub(crate) fn yardstick(&self, weight: U256, yardstick: u8) {
        self.tracker
            .sender(OWNER)
            .set_yardstick(CODE, weight, yardstick)
            .motsu_unwrap();
    }

    pub(crate) fn to_next_epoch(&self) {
        advance_time(300 - timestamp() % 300);
    }

    fn digest(&self, typehash: B256, task: &SignedTask) -> B256 {
        // motsu's chain is Arbitrum One.
        let chain = U256::from(42_161);
        let domain = hash_words(&[
            DOMAIN_TYPEHASH,
            keccak256("BPE-CompletionTracker"),
            keccak256("1"),
            chain.into(),
            self.tracker.address().into_word(),
        ]);
        let message = hash_words(&[
            typehash,
            task.taskTypeId,
            task.sink.into_word(),
            task.source.into_word(),
            task.taskId,
            task.time.into(),
        ]);
        keccak256([&[0x19, 0x01], &domain[..], &message[..]].concat())
    }

    fn signed(&self, typehash: B256, id: u64, time: u64) -> SignedTask {
        let mut task = SignedTask {
            taskTypeId: CODE,
            sink: self.sink(),
            source: self.source(),
            taskId: B256::from(U256::from(id)),
            time: U256::from(time),
            sinkSig: Bytes::new(),
            sourceSig: Bytes::new(),
        };
        let digest = self.digest(typehash, &task);
        task.sinkSig = sign(&self.sink, digest);
        task.sourceSig = sign(&self.source, digest);
        task
    }

    pub(crate) fn receipt(&self, id: u64) -> SignedTask {
        self.signed(COMPLETION_TYPEHASH, id, timestamp())
    }

    pub(crate) fn assignment(&self, id: u64, deadline: u64) -> SignedTask {
        self.signed(ASSIGNMENT_TYPEHASH, id, deadline)
    }

    pub(crate) fn record(&self, receipt: SignedTask) -> Result<(), Error> {
        self.tracker
            .sender(OWNER)
            .record_receipt(receipt)
            .motsu_res()
    }

    pub(crate) fn assign(&self, assignment: SignedTask) -> Result<(), Error> {
        self.tracker
            .sender(OWNER)
            .record_assignment(assignment)
            .motsu_res()
    }

    /// Completes tasks `from..to` by batches of evidence-free receipts.
    pub(crate) fn complete(&self, from: u64, to: u64) {
        for id in from..to {
            self.record(self.receipt(id)).expect("a good receipt");
        }
    }

    pub(crate) fn advance(&self) -> Result<(), Error> {
        self.tracker
            .sender(OWNER)
            .advance_epoch(CODE, self.sink())
            .motsu_res()
    }

    pub(crate) fn stake(&self) -> U256 {
        self.stakes.sender(OWNER).get_stake(self.sink())
    }

    fn rate(&self) -> U256 {
        let it = self.tracker.sender(OWNER);
        it.get_completion_rate(CODE, self.sink()).motsu_unwrap()
    }

    pub(crate) fn below(&self) -> u64 {
        self.tracker
            .sender(OWNER)
            .get_consecutive_below_threshold(CODE, self.sink())
            .motsu_unwrap()
            .to()
    }
}

pub(crate) fn tokens(amount: u64) -> U256 {
    ONE * U256::from(amount)
}

#[test]
fn hashes_are_of_what_they_say() {
    assert_eq!(
        COMPLETION_TYPEHASH,
        keccak256("CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)")
    );
    assert_eq!(
        ASSIGNMENT_TYPEHASH,
        keccak256("TaskAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 deadline)")
    );
}

#[test]
fn an_over_reporting_sink_is_slashed_after_three_epochs() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    for epoch in 0..3 {
        assert_eq!(world.stake(), tokens(10_000));
        world.complete(epoch * 40, epoch * 40 + 40);
        world.to_next_epoch();
        world.advance().expect("an epoch has ended");
        assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    }
    assert_eq!(world.stake(), tokens(9_000));
    assert_eq!(world.below(), 0);
    let cap = world
        .stakes
        .sender(OWNER)
        .get_capacity_cap(world.sink())
        .motsu_unwrap();
    let smoothed = world
        .registry
        .sender(OWNER)
        .get_smoothed_capacity(CODE, world.sink());
    assert_eq!(smoothed, cap, "the slash reached the capacity");
    world.tracker.assert_emitted(&AutoSlashed {
        taskTypeId: CODE,
        sink: world.sink(),
        slashAmount: tokens(1_000),
        completionRate: U256::from(4_000),
    });
}

#[test]
fn one_that_recovers_is_not_slashed_and_half_is_enough() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    for (epoch, completions) in [0, 49, 50, 49, 0].into_iter().enumerate() {
        let from = epoch as u64 * 100;
        world.complete(from, from + completions);
        world.to_next_epoch();
        world.advance().expect("an epoch has ended");
    }
    assert_eq!((world.stake(), world.below()), (tokens(10_000), 2));
}

#[test]
fn idleness_cannot_be_hidden_by_nobody_calling() {
    let _precompiles = deploy_precompiles();
    let (late, early) = World::twins(UNIT, DECLARED);
    for _ in 0..10 {
        late.to_next_epoch();
        early.advance().expect("an epoch has ended");
    }
    assert_eq!(early.stake(), tokens(7_290));
    late.advance().expect("ten epochs have ended");
    assert_eq!((late.stake(), late.below()), (early.stake(), early.below()));
    assert_eq!(late.below(), 1);
}

/// 48 % of what the sink declared is 50.6 % of what the first slash leaves of its cap: three more such epochs are no fault,
/// also if nobody called in between.
#[test]
fn a_slash_lowers_what_is_owed_in_epochs_judged_late() {
    let _precompiles = deploy_precompiles();
    let (late, early) = World::twins(UNIT * U256::from(12), DECLARED);
    for epoch in 0..8 {
        for world in [&late, &early] {
            world.complete(epoch * 4, epoch * 4 + 4);
        }
        advance_time(300);
        early.advance().expect("an epoch has ended");
    }
    late.advance().expect("nine epochs have ended");
    assert_eq!((early.stake(), early.below()), (tokens(9_000), 0));
    assert_eq!((late.stake(), late.below()), (tokens(9_000), 0));
}

/// The reference's value: 60 of 100 are 6 000, from when the epoch is judged.
#[test]
fn the_rate_is_that_of_the_epoch_judged_last() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let of_nobody = || {
        let it = world.tracker.sender(OWNER);
        it.get_completion_rate(CODE, OWNER).motsu_unwrap()
    };
    world.complete(0, 60);
    assert_eq!(world.rate(), U256::ZERO, "none is judged");
    world.to_next_epoch();
    world.complete(60, 70);
    assert_eq!(world.rate(), U256::ZERO, "none is judged");
    world.advance().expect("an epoch has ended");
    assert_eq!((world.rate(), world.below()), (U256::from(6_000), 0));
    world.to_next_epoch();
    world.advance().expect("an epoch has ended");
    assert_eq!((world.rate(), world.below()), (U256::from(1_000), 1));
    let leave = world.registry.sender(world.sink()).deregister_sink(CODE);
    leave.motsu_unwrap();
    for _ in 0..5 {
        world.to_next_epoch();
    }
    world.advance().expect("five epochs have ended");
    assert_eq!(world.rate(), U256::from(1_000), "it owes nothing any more");
    let stranger = world.tracker.sender(OWNER).advance_epoch(CODE, OWNER);
    stranger.motsu_unwrap();
    assert_eq!(of_nobody(), U256::ZERO);
}

/// Test chains begin at second 1, within epoch 0.
#[test]
fn a_rate_does_not_need_an_epoch_before() {
    let _precompiles = deploy_precompiles();
    bpe_common::clock::testing::set_timestamp(1);
    let world = World::build(UNIT, DECLARED);
    assert_eq!(world.rate(), U256::ZERO);
    world.to_next_epoch();
    world.complete(0, 60);
    world.to_next_epoch();
    world.advance().expect("an epoch has ended");
    assert_eq!(world.rate(), U256::from(6_000));
}

#[test]
fn one_that_left_is_judged_for_what_it_served() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    advance_time(1_300);
    let leave = world.registry.sender(world.sink()).deregister_sink(CODE);
    leave.motsu_unwrap();
    advance_time(50_000);
    world
        .advance()
        .expect("four whole epochs, and a third of one");
    assert_eq!((world.stake(), world.below()), (tokens(9_000), 2));
    world.advance().expect("the rest of the half day");
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    world.add_stake(2_000);
    // Back after half a day's rest: only what it serves from now on counts, on top of what it had.
    let again = world
        .registry
        .sender(world.sink())
        .register_sink(CODE, UNIT);
    again.motsu_unwrap();
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    advance_time(600);
    world.advance().expect("two whole epochs");
    // Of what was at stake for all of them.
    assert_eq!((world.stake(), world.below()), (tokens(10_100), 1));
}

#[test]
fn leaving_for_a_moment_hides_nothing() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.add_stake(40_000);
    for _ in 0..3 {
        advance_time(150);
        let sink = world.sink();
        world
            .registry
            .sender(sink)
            .deregister_sink(CODE)
            .motsu_unwrap();
        advance_time(150);
        let again = world
            .registry
            .sender(sink)
            .register_sink(CODE, UNIT * U256::from(100));
        again.motsu_unwrap();
    }
    world.advance().expect("three epochs");
    assert_eq!(world.stake(), tokens(45_000));
}

#[test]
fn assigned_idle_sinks_owe_nothing_and_droppers_do() {
    let _precompiles = deploy_precompiles();
    let world = World::build(UNIT, ASSIGNED);
    world.to_next_epoch();
    for _ in 0..10 {
        advance_time(300);
        world.advance().expect("an epoch has ended");
    }
    assert_eq!((world.stake(), world.below()), (tokens(10_000), 0));
    for epoch in 0..3 {
        for id in 0..10 {
            let id = epoch * 10 + id;
            let deadline = timestamp() + 200;
            world.assign(world.assignment(id, deadline)).expect("good");
        }
        world.complete(epoch * 10, epoch * 10 + 4);
        advance_time(300);
        world.advance().expect("an epoch has ended");
    }
    assert_eq!(world.stake(), tokens(9_000));
}

#[test]
fn what_comes_after_the_deadline_is_late() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let deadline = timestamp() + 100;
    for id in 0..2 {
        world.assign(world.assignment(id, deadline)).expect("good");
    }
    let again = world.assign(world.assignment(1, deadline + 1));
    assert_eq!(again, Err(TaskAlreadyAssigned {}.into()));
    advance_time(100);
    world.complete(0, 1);
    advance_time(1);
    world.complete(1, 2);
    let epoch = U256::from(timestamp() / 300);
    let counts = world
        .tracker
        .sender(OWNER)
        .get_epoch(CODE, world.sink(), epoch);
    let [two, one] = [U256::from(2), U256::from(1)];
    let units = UNIT * U256::from(100);
    assert_eq!(counts, (units, two, two, one));
    let done = world.assign(world.assignment(0, deadline + 10));
    assert_eq!(done, Err(TaskAlreadyRecorded {}.into()));
    for bad in [timestamp(), timestamp() + 86_401] {
        let deadline = U256::from(bad);
        let refused = world.assign(world.assignment(9, bad));
        assert_eq!(refused, Err(InvalidDeadline { deadline }.into()));
    }
}

#[test]
fn receipts_count_once_and_in_time() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let receipt = world.receipt(7);
    world.record(receipt.clone()).expect("good");
    assert!(world.tracker.sender(OWNER).task_recorded(receipt.taskId));
    assert_eq!(world.record(receipt), Err(TaskAlreadyRecorded {}.into()));
    for (time, good) in [(-600, true), (-601, false), (30, true), (31, false)] {
        let time = timestamp().saturating_add_signed(time);
        let result = world.record(world.signed(COMPLETION_TYPEHASH, time, time));
        let timestamp = U256::from(time);
        let stale: Result<(), Error> = Err(StaleReceipt { timestamp }.into());
        assert_eq!(result, if good { Ok(()) } else { stale });
    }
}

#[test]
fn nobody_uses_up_anothers_task_id() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let attacker = World {
        sink: key(8),
        source: key(9),
        ..World::new()
    };
    let mut stolen = SignedTask {
        sink: attacker.sink(),
        source: attacker.source(),
        ..world.receipt(7)
    };
    let digest = world.digest(COMPLETION_TYPEHASH, &stolen);
    stolen.sinkSig = sign(&attacker.sink, digest);
    stolen.sourceSig = sign(&attacker.source, digest);
    world.record(stolen).expect("good");
    world.record(world.receipt(7)).expect("still good");
    let again = world.record(world.receipt(7));
    assert_eq!(again, Err(TaskAlreadyRecorded {}.into()));
    let completions = world
        .tracker
        .sender(OWNER)
        .get_completions(CODE, world.sink());
    assert_eq!(completions, U256::from(1));
}

#[test]
fn only_the_right_signatures_count() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let good = world.receipt(1);
    let refused = |change: &dyn Fn(&mut SignedTask)| {
        let mut task = good.clone();
        change(&mut task);
        world.record(task).expect_err("not what was signed")
    };
    let (sink, source): (Error, Error) = (
        InvalidSinkSignature {}.into(),
        InvalidSourceSignature {}.into(),
    );
    assert_eq!(
        refused(&|task| core::mem::swap(&mut task.sinkSig, &mut task.sourceSig)),
        sink
    );
    assert_eq!(
        refused(&|task| task.sourceSig = task.sinkSig.clone()),
        source
    );
    assert_eq!(refused(&|task| task.sinkSig = task.sourceSig.clone()), sink);
    assert_eq!(
        refused(&|task| core::mem::swap(&mut task.sink, &mut task.source)),
        sink
    );
    assert_eq!(refused(&|task| task.taskId = B256::ZERO), sink);
    assert_eq!(refused(&|task| task.taskTypeId = B256::ZERO), sink);
    assert_eq!(refused(&|task| task.time -= U256::from(1)), sink);
    assert_eq!(
        refused(&|task| task.source = task.sink),
        SinkIsSource {}.into()
    );
    for length in [0, 64, 66] {
        let error = ECDSAInvalidSignatureLength {
            length: U256::from(length),
        };
        let resize = |task: &mut SignedTask| {
            let mut bytes = task.sourceSig.to_vec();
            bytes.resize(length, 0);
            task.sourceSig = bytes.into();
        };
        assert_eq!(refused(&resize), Error::Signature(error.into()));
    }
    let s: B256 = (ORDER - U256::from_be_slice(&good.sinkSig[32..64])).into();
    let twin = [&good.sinkSig[..32], &s[..], &[55 - good.sinkSig[64]]].concat();
    let high = refused(&|task| task.sinkSig = twin.clone().into());
    assert_eq!(high, Error::Signature(ECDSAInvalidSignatureS { s }.into()));
    // An assignment is no receipt, and what was signed for another contract is nothing here.
    let assignment = world.assignment(1, timestamp());
    assert_eq!(world.record(assignment), Err(sink));
    let elsewhere = World::new();
    assert!(elsewhere.record(good.clone()).is_err());
    world.record(good).expect("good");
}

#[test]
fn a_contract_account_signs_too() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let wallet = Contract::<Wallet>::new();
    let mut task = world.receipt(1);
    task.source = wallet.address();
    let digest = world.digest(COMPLETION_TYPEHASH, &task);
    task.sinkSig = sign(&world.sink, digest);
    let refused = world.record(task.clone());
    assert_eq!(refused, Err(InvalidSourceSignature {}.into()));
    wallet.sender(OWNER).approve(digest);
    world.record(task).expect("the wallet approves");
}

#[test]
fn a_batch_takes_what_is_good() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let mut bad = world.receipt(2);
    bad.sourceSig = bad.sinkSig.clone();
    let batch = vec![world.receipt(1), bad, world.receipt(1), world.receipt(3)];
    world
        .tracker
        .sender(OWNER)
        .record_receipts(batch)
        .motsu_unwrap();
    let completions = world
        .tracker
        .sender(OWNER)
        .get_completions(CODE, world.sink());
    assert_eq!(completions, U256::from(2));
    use alloy_sol_types::SolError;
    for (id, reason) in [
        (2_u64, InvalidSourceSignature::SELECTOR),
        (1, TaskAlreadyRecorded::SELECTOR),
    ] {
        world.tracker.assert_emitted(&CompletionRejected {
            taskTypeId: CODE,
            sink: world.sink(),
            taskId: B256::from(U256::from(id)),
            reason: reason.into(),
        });
    }
    let batch = vec![world.receipt(9); 101];
    let refused = world
        .tracker
        .sender(OWNER)
        .record_receipts(batch)
        .motsu_res();
    let length = U256::from(101);
    assert_eq!(refused, Err(BatchTooLarge { length }.into()));
    let late = vec![
        world.assignment(20, timestamp() + 9),
        world.assignment(21, timestamp()),
    ];
    world
        .tracker
        .sender(OWNER)
        .record_assignments(late)
        .motsu_unwrap();
    world.tracker.assert_emitted(&AssignmentRejected {
        taskTypeId: CODE,
        sink: world.sink(),
        taskId: B256::from(U256::from(21)),
        reason: InvalidDeadline::SELECTOR.into(),
    });
}

#[test]
fn the_source_records_at_once() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let task = world.receipt(1);
    let (sink, source) = (task.sinkSig.to_vec(), task.sourceSig.to_vec());
    let record = |caller: Address| {
        let (sink, source) = (sink.clone().into(), source.clone().into());
        world
            .tracker
            .sender(caller)
            .record_completion(CODE, world.sink(), task.taskId, sink, source)
            .motsu_res()
    };
    assert_eq!(record(OWNER), Err(InvalidSinkSignature {}.into()));
    assert_eq!(record(world.source()), Ok(()));
    assert_eq!(record(world.source()), Err(TaskAlreadyRecorded {}.into()));
}

#[test]
fn evidence_needs_no_source() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    let verifier = Contract::<Verifier>::new();
    let prove = |sink: Address, source: Address, id: u64| {
        let id = B256::from(U256::from(id));
        let attestation = [CODE, sink.into_word(), id].concat();
        world
            .tracker
            .sender(OWNER)
            .record_evidence(CODE, source, attestation.into())
            .motsu_res()
    };
    let none = prove(world.sink(), Address::ZERO, 1);
    assert_eq!(none, Err(NoVerifier { taskTypeId: CODE }.into()));
    let by_sink = world
        .tracker
        .sender(world.sink())
        .set_verifier(CODE, verifier.address());
    let account = world.sink();
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account }.into());
    assert_eq!(by_sink.motsu_res(), Err(refused));
    let set = world
        .tracker
        .sender(OWNER)
        .set_verifier(CODE, verifier.address());
    set.motsu_unwrap();
    let announced = prove(world.sink(), Address::ZERO, 1);
    assert_eq!(announced, Err(NoVerifier { taskTypeId: CODE }.into()));
    advance_time(MIN_NOTICE);
    for how in 1..=5 {
        verifier.sender(OWNER).misbehave(how);
        let rejected = EvidenceRejected {
            verifier: verifier.address(),
        };
        let result = prove(world.sink(), Address::ZERO, 1);
        assert_eq!(result, Err(rejected.into()), "misbehaviour {how}");
    }
    verifier.sender(OWNER).misbehave(0);
    let stranger = prove(world.source(), Address::ZERO, 1);
    assert_eq!(stranger, Err(SinkNotRegistered {}.into()));
    assert_eq!(prove(world.sink(), Address::ZERO, 1), Ok(()));
    let again = prove(world.sink(), Address::ZERO, 1);
    assert_eq!(again, Err(TaskAlreadyRecorded {}.into()));
    // Who brings evidence without its source cannot keep the assignment from being met.
    world
        .assign(world.assignment(2, timestamp() + 50))
        .expect("good");
    assert_eq!(prove(world.sink(), Address::ZERO, 2), Ok(()));
    assert_eq!(prove(world.sink(), world.source(), 2), Ok(()));
    let epoch = U256::from(timestamp() / 300);
    let counts = world
        .tracker
        .sender(OWNER)
        .get_epoch(CODE, world.sink(), epoch);
    assert_eq!((counts.1, counts.3), (U256::from(2), U256::from(1)));
    assert_eq!(
        world.record(world.receipt(2)),
        Err(TaskAlreadyRecorded {}.into())
    );
}

#[test]
fn a_verifier_brings_its_answer_along() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    let contract = Contract::<Verifier>::new();
    contract.sender(OWNER).misbehave(1);
    let verifier = contract.address();
    let set = world.tracker.sender(OWNER).set_verifier(CODE, verifier);
    set.motsu_unwrap();
    advance_time(MIN_NOTICE);
    let yes = B256::with_last_byte(1);
    let (sink, id) = (world.sink().into_word(), B256::repeat_byte(5));
    let bring = |caller: Address, answer: &[B256]| {
        let attestation = answer.concat();
        world
            .tracker
            .sender(caller)
            .record_evidence(CODE, world.source(), attestation.into())
            .motsu_res()
    };
    let rejected = || Err(EvidenceRejected { verifier }.into());
    let proven = [yes, CODE, sink, id];
    assert_eq!(bring(OWNER, &proven), rejected(), "it says no when asked");
    assert_eq!(bring(verifier, &[B256::ZERO, CODE, sink, id]), rejected());
    assert_eq!(bring(verifier, &[yes, id, sink, id]), rejected());
    assert_eq!(bring(verifier, &[yes, CODE, yes, sink, id]), rejected());
    assert_eq!(bring(verifier, &proven[..3]), rejected());
    assert_eq!(bring(verifier, &proven), Ok(()));
    let counted = world
        .tracker
        .sender(OWNER)
        .get_completions(CODE, world.sink());
    assert_eq!(counted, U256::from(1));
    assert_eq!(bring(verifier, &proven), Err(TaskAlreadyRecorded {}.into()));
}

/// The attack of SPEC §3: capacity lowered for a second at the end of an epoch. It is owed all the same.
#[test]
fn lowering_for_a_moment_saves_a_moment() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    world.complete(0, 1);
    advance_time(299);
    bpe_common::clock::testing::advance_blocks(1);
    let lower = world
        .registry
        .sender(OWNER)
        .update_capacity_from_aggregator(CODE, world.sink(), U256::ZERO);
    lower.motsu_unwrap();
    advance_time(1);
    world.advance().expect("an epoch has ended");
    let rate = U256::from(100);
    world.tracker.assert_emitted(&EpochAdvanced {
        taskTypeId: CODE,
        sink: world.sink(),
        epoch: U256::from(timestamp() / 300 - 1),
        completionRate: rate,
    });
    assert_eq!(world.below(), 1);
}

/// The attack of issue 13: on a fresh deployment a stranger advances epochs for a day. Nobody loses a wei.
#[test]
fn without_a_yardstick_nobody_is_judged() {
    let _precompiles = deploy_precompiles();
    let world = World::bare();
    for _ in 0..288 {
        world.to_next_epoch();
        assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    }
    assert_eq!(world.stake(), tokens(10_000));
    // Nor for what was before the first one.
    world.yardstick(UNIT, DECLARED);
    advance_time(MIN_NOTICE);
    world.to_next_epoch();
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    world.to_next_epoch();
    world.advance().expect("the first epoch with a yardstick");
    assert_eq!((world.stake(), world.below()), (tokens(10_000), 1));
    // A yardstick that is taken away: neither good nor bad.
    let none = world.tracker.sender(OWNER).set_yardstick(CODE, UNIT, NONE);
    none.motsu_unwrap();
    world.to_next_epoch();
    world.to_next_epoch();
    world.advance().expect("two epochs, the second without");
    assert_eq!((world.stake(), world.below()), (tokens(10_000), 2));
    let unknown = world.tracker.sender(OWNER).set_yardstick(CODE, UNIT, 4);
    let error = InvalidYardstick { yardstick: 4 };
    assert_eq!(unknown.motsu_res(), Err(error.into()));
}

/// A tracker that is redeployed, with its yardstick announced at once, judges nobody's past.
#[test]
fn a_new_tracker_judges_nothing_before_it_was_there() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    advance_time(3_000);
    let tracker = Contract::<CompletionTracker>::new();
    let (registry, stakes) = (world.registry.address(), world.stakes.address());
    let build = tracker.sender(OWNER).constructor(registry, stakes, OWNER);
    build.motsu_unwrap();
    let judge = Contract::<Judge>::new();
    appoint(&judge, &tracker, &world.registry, &world.stakes);
    let set = tracker.sender(OWNER).set_yardstick(CODE, UNIT, DECLARED);
    set.motsu_unwrap();
    let advance = || {
        let it = tracker.sender(OWNER).advance_epoch(CODE, world.sink());
        it.motsu_res()
    };
    advance_time(MIN_NOTICE);
    advance_time(300);
    assert_eq!(advance(), Err(EpochNotElapsed {}.into()));
    advance_time(300);
    advance().expect("its first epoch");
    let below = tracker
        .sender(OWNER)
        .get_consecutive_below_threshold(CODE, world.sink());
    assert_eq!(below.motsu_unwrap(), U256::from(1));
}

/// The attack of issue 13: leaves for 300 seconds each epoch, or three bad epochs and away before the keeper comes.
#[test]
fn leaving_clears_nothing() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let leave = || {
        let it = world.registry.sender(world.sink()).deregister_sink(CODE);
        it.motsu_unwrap();
    };
    let back = || {
        let it = world.registry.sender(world.sink());
        let mut it = it;
        it.register_sink(CODE, UNIT * U256::from(100))
            .motsu_unwrap();
    };
    world.add_stake(40_000);
    for _ in 0..2 {
        advance_time(150);
        leave();
        advance_time(300);
        back();
        advance_time(150);
    }
    // Four epochs, each of them half served, and nothing done.
    world.advance().expect("four epochs have ended");
    assert_eq!((world.stake(), world.below()), (tokens(45_000), 1));
    // A whole epoch away is neither good nor bad.
    advance_time(300);
    leave();
    advance_time(600);
    back();
    advance_time(300);
    world.advance().expect("four epochs have ended");
    assert_eq!((world.stake(), world.below()), (tokens(40_500), 0));
}

/// The attack of issue 13: misses of an old stint after 300 days. Whoever was away for a day starts afresh, and is judged at
/// once, not after thousands of empty epochs.
#[test]
fn stale_memory_ends() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    advance_time(600);
    let leave = world.registry.sender(world.sink()).deregister_sink(CODE);
    leave.motsu_unwrap();
    world.advance().expect("two bad epochs");
    assert_eq!(world.below(), 2);
    advance_time(300 * 86_400);
    world.add_stake(40_000);
    let back = world
        .registry
        .sender(world.sink())
        .register_sink(CODE, UNIT);
    back.motsu_unwrap();
    advance_time(300);
    world
        .advance()
        .expect("all of them, and the first of the new stint");
    assert_eq!((world.stake(), world.below()), (tokens(50_000), 1));
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
}

/// The attack of issue 13: 66 idle epochs at capacity 0, then 30 units. Nothing is owed of them, judged late or in time.
#[test]
fn idle_epochs_owe_nothing() {
    let _precompiles = deploy_precompiles();
    let (late, early) = World::twins(UNIT, DECLARED);
    for world in [&late, &early] {
        let leave = world.registry.sender(world.sink()).deregister_sink(CODE);
        leave.motsu_unwrap();
        world.add_stake(1_000);
        let back = world
            .registry
            .sender(world.sink())
            .register_sink(CODE, U256::ZERO);
        back.motsu_unwrap();
    }
    for _ in 0..66 {
        advance_time(300);
        early.advance().expect("an epoch has ended");
    }
    for world in [&late, &early] {
        bpe_common::clock::testing::advance_blocks(1);
        let raise = world
            .registry
            .sender(OWNER)
            .update_capacity_from_aggregator(CODE, world.sink(), UNIT * U256::from(30));
        raise.motsu_unwrap();
    }
    late.advance().expect("66 epochs have ended");
    assert_eq!((late.stake(), late.below()), (tokens(11_000), 0));
    assert_eq!((early.stake(), early.below()), (tokens(11_000), 0));
}

/// The attack of issue 13: tasks accepted, then gone. They are owed.
#[test]
fn assignments_are_owed_after_leaving() {
    let _precompiles = deploy_precompiles();
    let world = World::measured(UNIT, ASSIGNED);
    for epoch in 0..3 {
        for id in 0..20 {
            let deadline = timestamp() + 300 * (epoch + 1) + 10;
            let accepted = world.assignment(epoch * 20 + id, deadline);
            world.assign(accepted).expect("good");
        }
    }
    let leave = world.registry.sender(world.sink()).deregister_sink(CODE);
    leave.motsu_unwrap();
    advance_time(40 * 300);
    world.advance().expect("40 epochs have ended");
    assert_eq!(world.stake(), tokens(9_000));
}

#[test]
fn a_yardstick_applies_from_the_first_epoch_after_its_notice() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let read = |epoch: u64| {
        let epoch = U256::from(epoch);
        world.tracker.sender(OWNER).get_yardstick(CODE, epoch)
    };
    let now = timestamp() / 300;
    world.yardstick(UNIT, ASSIGNED);
    world.yardstick(U256::from(5), ASSIGNED);
    let from = now + MIN_NOTICE / 300 + 1;
    assert_eq!(read(now - 1), (U256::from(1), NONE));
    assert_eq!(read(now), (UNIT, DECLARED));
    assert_eq!(read(from - 1), (UNIT, DECLARED));
    assert_eq!(read(from), (U256::from(5), ASSIGNED));
    for weight in [U256::ZERO, U256::from(1) << 72] {
        let refused = world
            .tracker
            .sender(OWNER)
            .set_yardstick(CODE, weight, ASSIGNED);
        assert_eq!(refused.motsu_res(), Err(InvalidWeight { weight }.into()));
    }
    let account = world.sink();
    let refused = world
        .tracker
        .sender(account)
        .set_yardstick(CODE, UNIT, ASSIGNED);
    let error = Error::Ownable(OwnableUnauthorizedAccount { account }.into());
    assert_eq!(refused.motsu_res(), Err(error));
}

/// Whoever advances first is paid, but no source of the assignments that were missed, and not the sink.
#[test]
fn who_advances_is_paid_from_the_slash() {
    let _precompiles = deploy_precompiles();
    for (caller, paid) in [(0xaa, ONE), (0, U256::ZERO), (1, U256::ZERO)] {
        let world = World::measured(UNIT, ASSIGNED);
        let caller = match caller {
            0 => world.source(),
            1 => world.sink(),
            _ => Address::repeat_byte(0xaa),
        };
        for epoch in 0..3 {
            let accepted = world.assignment(epoch, timestamp() + 300 * epoch + 10);
            world.assign(accepted).expect("good");
        }
        advance_time(900);
        let balance = || world.token.sender(OWNER).balance(caller);
        let before = balance();
        let advance = world
            .tracker
            .sender(caller)
            .advance_epoch(CODE, world.sink());
        advance.motsu_unwrap();
        assert_eq!(world.stake(), tokens(9_000));
        assert_eq!(balance() - before, paid);
    }
}

/// A source whose tasks were done, and whose last deadline was before, is paid as anyone.
#[test]
fn a_source_of_other_epochs_is_paid() {
    let _precompiles = deploy_precompiles();
    let world = World::measured(UNIT, DECLARED);
    world
        .assign(world.assignment(1, timestamp() + 10))
        .expect("good");
    world.complete(1, 61);
    advance_time(1_200);
    let caller = world.source();
    let advance = world
        .tracker
        .sender(caller)
        .advance_epoch(CODE, world.sink());
    advance.motsu_unwrap();
    assert_eq!(world.stake(), tokens(9_000));
    assert_eq!(world.token.sender(OWNER).balance(caller), ONE);
}

/// What is staked while a sink is judged late was not at stake before: a token while the bad epochs ran, a million afterwards.
#[test]
fn stake_that_comes_later_is_not_slashed() {
    let _precompiles = deploy_precompiles();
    let (late, early) = World::twins(UNIT, DECLARED);
    advance_time(900);
    early.advance().expect("three epochs have ended");
    for world in [&late, &early] {
        world.add_stake(1_000_000);
    }
    late.advance().expect("three epochs have ended");
    assert_eq!(early.stake(), tokens(1_009_000));
    assert_eq!(late.stake(), early.stake());
}

/// The owner names Judge once, and none but the tracker's own.
#[test]
fn the_judge_is_named_once_and_is_its_own() {
    let _precompiles = deploy_precompiles();
    let (world, other) = World::twins(UNIT, DECLARED);
    let name = |tracker: &Contract<CompletionTracker>, who: Address, judge: Address| {
        tracker.sender(who).set_judge(judge).motsu_res()
    };
    let again = name(&world.tracker, OWNER, world.judge.address());
    assert_eq!(again, Err(JudgeAlreadySet {}.into()));
    let tracker = Contract::<CompletionTracker>::new();
    let (registry, stakes) = (world.registry.address(), world.stakes.address());
    let build = tracker.sender(OWNER).constructor(registry, stakes, OWNER);
    build.motsu_unwrap();
    let none = tracker.sender(OWNER).advance_epoch(CODE, world.sink());
    assert_eq!(none.motsu_res(), Err(NoJudge {}.into()));
    let rate = tracker
        .sender(OWNER)
        .get_completion_rate(CODE, world.sink());
    assert_eq!(rate.motsu_unwrap(), U256::ZERO);
    for foreign in [&world.judge, &other.judge] {
        let judge = foreign.address();
        let refused = name(&tracker, OWNER, judge);
        assert_eq!(refused, Err(ForeignJudge { judge }.into()));
    }
    // Of this tracker, but of another registry, or with other stakes.
    let theirs = (other.registry.address(), other.stakes.address());
    for (declared, staked) in [(theirs.0, stakes), (registry, theirs.1)] {
        let judge = Contract::<Judge>::new();
        let it = judge.sender(OWNER).constructor(
            tracker.address(),
            declared,
            staked,
            ONE,
            Address::ZERO,
        );
        it.motsu_unwrap();
        let judge = judge.address();
        let refused = name(&tracker, OWNER, judge);
        assert_eq!(refused, Err(ForeignJudge { judge }.into()));
    }
    let account = world.sink();
    let refused = name(&tracker, account, world.judge.address());
    let error = Error::Ownable(OwnableUnauthorizedAccount { account }.into());
    assert_eq!(refused, Err(error));
    let refused = name(&tracker, OWNER, account);
    assert_eq!(refused, Err(NotAContract { account }.into()));
    let judge = Contract::<Judge>::new();
    appoint(&judge, &tracker, &world.registry, &world.stakes);
    assert_eq!(tracker.sender(OWNER).judge(), judge.address());
    tracker.assert_emitted(&JudgeSet {
        judge: judge.address(),
    });
}

#[test]
fn a_keeper_advances_a_page() {
    let _precompiles = deploy_precompiles();
    let world = World::new();
    let page = |from: u64, count: U256| {
        let it = world
            .tracker
            .sender(OWNER)
            .advance_epochs(CODE, U256::from(from), count);
        it.motsu_unwrap()
    };
    assert_eq!(page(0, U256::MAX), U256::ZERO);
    advance_time(900);
    assert_eq!(page(1, U256::MAX), U256::ZERO);
    assert_eq!(page(0, U256::from(1)), U256::from(3));
    assert_eq!(world.stake(), tokens(9_000));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two worlds with the same work and different callers end alike.
    #[test]
    fn who_calls_when_changes_nothing(
        work in prop::collection::vec((0u64..12, 0u64..4, any::<bool>()), 12),
        assigned: bool,
    ) {
        let _precompiles = deploy_precompiles();
        let (early, late) = World::twins(UNIT * U256::from(12), 1 + u8::from(assigned));
        for (epoch, (done, extra, called)) in work.iter().enumerate() {
            let base = epoch as u64 * 20;
            for world in [&early, &late] {
                for id in base..base + done + extra {
                    world.assign(world.assignment(id, timestamp() + 250)).expect("good");
                }
                world.complete(base, base + done);
            }
            advance_time(300);
            early.advance().expect("an epoch has ended");
            if *called {
                late.advance().expect("an epoch has ended");
            }
        }
        let _ = late.advance();
        prop_assert_eq!(early.stake(), late.stake());
        prop_assert_eq!(early.below(), late.below());
    }
}
