//! Judge with the real StakeManager and CapacityRegistry behind it. CompletionTracker is an account in whose name it is told
//! what the test says.

use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    judging::{EpochRecord, Verdict, DECLARED},
};
use bpe_testing::Token;
use motsu::prelude::*;

use crate::{
    capacity_registry::CapacityRegistry,
    contract::{Error, Judge},
    stake_manager::StakeManager,
};

pub(crate) const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
pub(crate) const UNIT: U256 = uint!(1_000_000_000_U256);
pub(crate) const CODE: B256 = B256::repeat_byte(0xc0);
pub(crate) const OWNER: Address = Address::repeat_byte(0x01);
pub(crate) const SINK: Address = Address::repeat_byte(0xa1);
pub(crate) const CALLER: Address = Address::repeat_byte(0xca);
pub(crate) const REWARD: U256 = ONE;

pub(crate) fn tokens(amount: u64) -> U256 {
    ONE * U256::from(amount)
}

pub(crate) fn epoch() -> u64 {
    timestamp() / 300
}

pub(crate) fn to_next_epoch() {
    advance_time(300 - timestamp() % 300);
}

/// An epoch of a sink that is measured by what it declares, a task a unit.
pub(crate) fn declared(done: u32) -> EpochRecord {
    EpochRecord {
        yardstick: DECLARED,
        weight: UNIT.to(),
        done,
        ..EpochRecord::default()
    }
}

/// Next, from, until.
pub(crate) type Span = (U256, U256, U256);

pub(crate) struct World {
    pub(crate) judge: Contract<Judge>,
    pub(crate) registry: Contract<CapacityRegistry>,
    pub(crate) stakes: Contract<StakeManager>,
    pub(crate) token: Contract<Token>,
    /// Stands for CompletionTracker.
    pub(crate) tracker: Contract<Token>,
    /// The first epoch in which anything can be owed.
    pub(crate) first: u64,
}

impl World {
    /// A sink with 10 000 tokens and 100 units (its cap), at the beginning of its first whole epoch.
    pub(crate) fn new() -> Self {
        Self::with_reward(REWARD)
    }

    pub(crate) fn with_reward(reward: U256) -> Self {
        let mut world = Self {
            judge: Contract::new(),
            registry: Contract::new(),
            stakes: Contract::new(),
            token: Contract::new(),
            tracker: Contract::new(),
            first: 0,
        };
        let (stakes, registry) = (&world.stakes, &world.registry);
        let it = stakes
            .sender(OWNER)
            .constructor(world.token.address(), ONE, ONE, 0, OWNER);
        it.motsu_unwrap();
        let it = registry.sender(OWNER).constructor(stakes.address(), OWNER);
        it.motsu_unwrap();
        let tracker = world.tracker.address();
        let it = world.judge.sender(OWNER).constructor(
            tracker,
            registry.address(),
            stakes.address(),
            reward,
            Address::ZERO,
        );
        it.motsu_unwrap();
        let it = stakes.sender(OWNER).set_registry(registry.address(), true);
        it.motsu_unwrap();
        let it = stakes
            .sender(OWNER)
            .set_slasher(world.judge.address(), true);
        it.motsu_unwrap();
        let it = registry.sender(OWNER).set_aggregator(OWNER);
        it.motsu_unwrap();
        let it = registry.sender(OWNER).register_task_type(CODE, ONE);
        it.motsu_unwrap();
        stakes.sender(OWNER).open().motsu_unwrap();
        world.add_stake(10_000);
        world.register(100);
        to_next_epoch();
        world.first = epoch();
        world
    }

    pub(crate) fn add_stake(&self, amount: u64) {
        self.token.sender(OWNER).mint(SINK, tokens(amount));
        self.stakes
            .sender(SINK)
            .stake(tokens(amount))
            .motsu_unwrap();
    }

    pub(crate) fn register(&self, capacity: u64) {
        let capacity = UNIT * U256::from(capacity);
        let it = self.registry.sender(SINK).register_sink(CODE, capacity);
        it.motsu_unwrap();
    }

    pub(crate) fn leave(&self) {
        let it = self.registry.sender(SINK).deregister_sink(CODE);
        it.motsu_unwrap();
    }

    pub(crate) fn stake(&self) -> U256 {
        self.stakes.sender(OWNER).get_stake(SINK)
    }

    pub(crate) fn span(&self, dues: (u64, u64)) -> Span {
        let [first, first_due, last_due] = [self.first, dues.0, dues.1].map(U256::from);
        let it = self.judge.sender(OWNER);
        it.get_span(CODE, SINK, first, first_due, last_due, U256::MAX)
            .motsu_unwrap()
    }

    /// Tells Judge, as CompletionTracker.
    pub(crate) fn tell(
        &self,
        (next, from): (U256, U256),
        records: &[EpochRecord],
        (caller, caller_due): (Address, u64),
    ) -> Result<Vec<Verdict>, Error> {
        let words = records.iter().map(|record| record.word().into()).collect();
        let due = U256::from(caller_due);
        let verdicts = self
            .judge
            .sender(self.tracker.address())
            .judge(CODE, SINK, next, from, caller, due, words)
            .motsu_res()?;
        Ok(verdicts
            .into_iter()
            .map(|it| B256::from(it).into())
            .collect())
    }

    /// Has everything judged that can be, in one call of `caller`, each epoch by `record`.
    pub(crate) fn advance(&self, record: EpochRecord, caller: (Address, u64)) -> Vec<Verdict> {
        let (next, from, until) = self.span((0, 0));
        let count: usize = (until - from).to();
        self.tell((next, from), &vec![record; count], caller)
            .expect("the span is Judge's own")
    }

    /// Next, below, absent, rate, stake, since, bound, boundUntil, lost, owed, kept.
    pub(crate) fn standing(&self) -> [U256; 11] {
        let it = self.judge.sender(OWNER).get_standing(CODE, SINK);
        it.into()
    }

    /// Has the sink's capacity be so many units of 1e-9, as the aggregator.
    pub(crate) fn attest(&self, capacity: U256) {
        let mut it = self.registry.sender(OWNER);
        it.update_capacity_from_aggregator(CODE, SINK, capacity)
            .motsu_unwrap();
    }

    /// Has everything judged, in as many calls as it takes, each epoch by what `record` says of it.
    pub(crate) fn advance_by(&self, record: impl Fn(u64) -> EpochRecord) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        loop {
            let (next, from, until) = self.span((0, 0));
            if next >= until {
                return verdicts;
            }
            let epochs = from.to::<u64>()..until.to();
            let records: Vec<_> = epochs.map(&record).collect();
            let judged = self.tell((next, from), &records, (CALLER, 0));
            verdicts.extend(judged.expect("the span is Judge's own"));
        }
    }

    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.token.sender(OWNER).balance(account)
    }
}
