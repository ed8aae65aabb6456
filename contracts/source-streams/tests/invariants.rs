//! SPEC §5, invariant 7, over random sequences of what sources, operators, the host, the gateway and the escrow do, with
//! distributions refused now and then:
//!
//! * no source's allocations sum to more than its flow, and its list has exactly what it allocates to;
//! * what is distributed into a pool is what its sources allocate to it, or nothing where it is halted;
//! * the parts of the overflow sum to what was received at most, and lose little of it;
//! * deposits and credits are what was taken and what has come in, less what has gone on and what was paid out.
//!
//! 256 sequences of 32 calls by default; `PROPTEST_CASES=10000` for the full depth.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod world;

use alloy_primitives::{Address, U256};
use bpe_common::clock::testing::advance_time;
use bpe_testing::superfluid::Refusal;
use proptest::prelude::*;
use world::*;

const SOURCES: [Address; 3] = [ALICE, BOB, CRITIC];
const POOLS: usize = 3;

/// One thing that happens. Sources and pools by number.
#[derive(Clone, Debug)]
enum Action {
    /// The flow becomes the first rate, the allocation the second; by the source's own order or, 0, a stranger's.
    Order(usize, u64, usize, u64, u8),
    /// As the gateway orders: the flow becomes all allocations.
    Stream(usize, usize, u64),
    Flow(usize, u64),
    End(usize),
    Wait(u64),
    Overflow(usize, u64),
    TakeOverflow(usize, usize),
    TakeUnclaimed(usize),
    TakeCredit(usize),
    Refuse(usize, bool),
    Resume(usize),
    Minimum(u64),
}

fn action() -> impl Strategy<Value = Action> {
    let source = || 0usize..SOURCES.len();
    let pool = || 0usize..POOLS;
    let rate = || prop_oneof![4 => 0u64..5_000, 1 => 0u64..1 << 40];
    prop_oneof![
        4 => (source(), rate(), pool(), rate(), 0u8..6)
            .prop_map(|(s, flow, p, rate, who)| Action::Order(s, flow, p, rate, who)),
        8 => (source(), pool(), rate()).prop_map(|(s, p, rate)| Action::Stream(s, p, rate)),
        3 => (source(), rate()).prop_map(|(s, rate)| Action::Flow(s, rate)),
        1 => source().prop_map(Action::End),
        4 => (1u64..100_000).prop_map(Action::Wait),
        5 => (pool(), 0u64..1 << 30).prop_map(|(p, amount)| Action::Overflow(p, amount)),
        3 => (pool(), source()).prop_map(|(p, s)| Action::TakeOverflow(p, s)),
        1 => pool().prop_map(Action::TakeUnclaimed),
        2 => source().prop_map(Action::TakeCredit),
        2 => (pool(), any::<bool>()).prop_map(|(p, refuses)| Action::Refuse(p, refuses)),
        2 => pool().prop_map(Action::Resume),
        1 => (0u64..1 << 30).prop_map(Action::Minimum),
    ]
}

/// What has happened, reckoned apart from the contract.
struct Run {
    world: World,
    start: [U256; 3],
    /// What has come in by flows and was not passed on.
    spared: U256,
    paid_out: U256,
    received: [u64; POOLS],
    taken: [U256; POOLS],
    /// Changes of a pool's streams: each may lose a wei for every source.
    changes: u64,
}

impl Run {
    fn new() -> Self {
        let world = World::new();
        world.token.sender(BOB).mint(CRITIC, n(WEALTH));
        Self {
            start: SOURCES.map(|source| world.balance(source)),
            world,
            spared: U256::ZERO,
            paid_out: U256::ZERO,
            received: [0; POOLS],
            taken: [U256::ZERO; POOLS],
            changes: 0,
        }
    }

    fn act(&mut self, action: Action) {
        let world = &self.world;
        self.changes += 1;
        match action {
            Action::Order(source, flow, index, rate, who) => {
                let source = SOURCES[source];
                let who = if who == 0 { PAUPER } else { source };
                let _ = world.order_by(Kind::Updated, who, source, flow, index, rate);
            }
            Action::Stream(source, index, rate) => {
                let source = SOURCES[source];
                let it = world.streams.sender(BOB);
                let (_, _, next) = it.plan(world.pool(index), source, n(rate));
                drop(it);
                match next.to::<u64>() {
                    0 => world.end(source),
                    next => {
                        let gateway = world.gateway.address();
                        let _ = world.order_by(Kind::Updated, gateway, source, next, index, rate);
                    }
                }
            }
            // Without an order the app never refuses.
            Action::Flow(source, 0) | Action::End(source) => world.end(SOURCES[source]),
            Action::Flow(source, rate) => {
                let source = SOURCES[source];
                world.set(Kind::Updated, PAUPER, source, rate, &[]).unwrap();
            }
            Action::Wait(seconds) => {
                for source in SOURCES {
                    let (inflow, allocated, _) = world.source(source);
                    self.spared += (inflow - allocated) * n(seconds);
                    world.receive((inflow - allocated) * n(seconds));
                }
                advance_time(seconds);
            }
            Action::Overflow(index, amount) => {
                self.received[index] += amount;
                world.overflow(index, self.received[index]);
            }
            Action::TakeOverflow(index, source) => {
                self.taken[index] += world.take_overflow(index, SOURCES[source]);
            }
            Action::TakeUnclaimed(index) => {
                self.taken[index] += world.take_overflow(index, Address::ZERO);
            }
            Action::TakeCredit(source) => {
                let gateway = world.gateway.address();
                let mut it = world.streams.sender(gateway);
                let amount = it.take_credit(SOURCES[source]).unwrap();
                drop(it);
                self.paid_out += amount;
            }
            Action::Refuse(index, refuses) => {
                let refusal = match refuses {
                    true => Refusal::Flows,
                    false => Refusal::Nothing,
                };
                let pool = world.pool(index);
                world.host.sender(BOB).refuse(pool, refusal as u8);
            }
            Action::Resume(index) => {
                use motsu::prelude::*;
                let resumed = world.streams.sender(BOB).resume(world.pool(index));
                let _ = resumed.motsu_res();
            }
            Action::Minimum(minimum) => world.cfa.sender(BOB).set_minimum_deposit(n(minimum)),
        }
    }

    fn check(&self) {
        let world = &self.world;
        let mut owed = U256::ZERO;
        let mut by_pool = [U256::ZERO; POOLS];
        for source in SOURCES {
            let (inflow, allocated, credit) = world.source(source);
            assert!(allocated <= inflow, "{allocated} of {inflow}");
            assert_eq!(inflow, world.flow(source));
            owed += credit;
            let (mut sum, mut listed) = (U256::ZERO, 0);
            for (index, total) in by_pool.iter_mut().enumerate() {
                let (rate, deposit, _) = world.allocation(index, source);
                let in_list = world.list(source).contains(&world.pool(index));
                assert_eq!(in_list, !rate.is_zero());
                assert!(rate.is_zero() <= deposit.is_zero());
                listed += usize::from(in_list);
                (sum, *total, owed) = (sum + rate, *total + rate, owed + deposit);
            }
            assert_eq!(sum, allocated);
            assert_eq!(world.list(source).len(), listed);
        }
        for (index, allocated) in by_pool.into_iter().enumerate() {
            let (rate, halted) = world.outflow(index);
            assert_eq!(rate, allocated);
            let distributed = if halted { U256::ZERO } else { rate };
            assert_eq!(n(world.rate(index)), distributed, "pool {index}");
        }
        let pulled: U256 = SOURCES
            .iter()
            .zip(self.start)
            .map(|(source, start)| start - world.balance(*source))
            .sum();
        assert_eq!(owed + self.paid_out, pulled + self.spared);
        assert_eq!(world.held(), pulled + self.spared);
        for index in 0..POOLS {
            let booked: U256 = SOURCES
                .iter()
                .map(|source| world.allocation(index, *source).2)
                .sum();
            assert!(booked + self.taken[index] <= n(self.received[index]));
        }
    }

    /// Everything that was received is somebody's, but for roundings.
    fn check_the_end(&mut self) {
        for index in 0..POOLS {
            for source in SOURCES {
                self.taken[index] += self.world.take_overflow(index, source);
            }
            self.taken[index] += self.world.take_overflow(index, Address::ZERO);
            let received = n(self.received[index]);
            assert!(self.taken[index] <= received);
            let lost = received - self.taken[index];
            assert!(lost <= n(3 * self.changes + 3), "{lost} of {received}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_flows_out_flows_in(actions in prop::collection::vec(action(), 32)) {
        let mut run = Run::new();
        for action in actions {
            run.act(action);
            run.check();
        }
        run.check_the_end();
    }
}

/// The sequences get through: streams are open, shrink, are halted, and overflow.
#[test]
fn the_sequences_get_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut run = Run::new();
    let (mut open, mut halted, mut shared) = (0, 0, 0);
    for _ in 0..1_000 {
        run.act(action().new_tree(&mut runner).unwrap().current());
        for index in 0..POOLS {
            let (rate, is_halted) = run.world.outflow(index);
            open += u32::from(!rate.is_zero());
            halted += u32::from(is_halted);
            shared += u32::from(!run.world.allocation(index, ALICE).2.is_zero());
        }
    }
    assert!(
        open > 1_000 && halted > 50 && shared > 300,
        "{open} {halted} {shared}"
    );
}
