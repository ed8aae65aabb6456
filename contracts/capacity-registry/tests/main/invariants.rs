//! SPEC §5, invariants 1, 2 and 4, over random sequences of stake, unstake, register, commit, reveal, attest, slash,
//! sync, deregister and waiting, by several sinks in two task types.
//!
//! 256 sequences of 32 calls by default; `PROPTEST_CASES=10000` for the full depth.

use crate::contract::CapacityRegistry;
use crate::stake_manager::StakeManager;
use alloy_primitives::{keccak256, uint, Address, B256, U256};
use alloy_sol_types::SolValue;
use bpe_common::clock::testing::{advance_blocks, advance_time};
use bpe_testing::{Behaviour, Token};
use motsu::prelude::*;
use proptest::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const SLASHER: Address = Address::repeat_byte(0x51);
const SINKS: [Address; 3] = [
    Address::repeat_byte(0xa1),
    Address::repeat_byte(0xa2),
    Address::repeat_byte(0xa3),
];
const TASK_TYPES: [B256; 2] = [B256::repeat_byte(0xc0), B256::repeat_byte(0xca)];

/// One thing that somebody does. Amounts are tokens or capacity units.
#[derive(Clone, Debug)]
enum Action {
    Stake(u64),
    Unstake(u64),
    Register(u64),
    Commit(u64),
    Reveal(u64),
    Attest(u64),
    Slash(u64),
    Sync,
    Leave,
    Wait(u64),
    Mine(u64),
    Behave(u8),
    Revoke(bool),
    LeaveRevoked,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (1u64..2_000).prop_map(Action::Stake),
        2 => (1u64..2_000).prop_map(Action::Unstake),
        4 => (0u64..60).prop_map(Action::Register),
        3 => (0u64..3).prop_map(Action::Commit),
        3 => (0u64..3).prop_map(Action::Reveal),
        3 => (0u64..60).prop_map(Action::Attest),
        3 => (1u64..500).prop_map(Action::Slash),
        3 => Just(Action::Sync),
        2 => Just(Action::Leave),
        1 => (1u64..100_000).prop_map(Action::Wait),
        3 => (1u64..25).prop_map(Action::Mine),
        // All but the last: a token that takes more from its holders than it was told to is beyond anybody's help.
        1 => (0u8..Behaviour::Doubles as u8).prop_map(Action::Behave),
        1 => any::<bool>().prop_map(Action::Revoke),
        1 => Just(Action::LeaveRevoked),
    ]
}

struct World {
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    token: Contract<Token>,
}

impl World {
    fn new(curve: u8) -> Self {
        let world = Self {
            registry: Contract::new(),
            stakes: Contract::new(),
            token: Contract::new(),
        };
        let World {
            registry,
            stakes,
            token,
        } = &world;
        let build = stakes.sender(OWNER).constructor(
            token.address(),
            ONE,
            ONE * U256::from(100),
            curve,
            OWNER,
        );
        build.motsu_unwrap();
        registry
            .sender(OWNER)
            .constructor(stakes.address(), OWNER)
            .motsu_unwrap();
        stakes
            .sender(OWNER)
            .set_registry(registry.address(), true)
            .motsu_unwrap();
        stakes
            .sender(OWNER)
            .set_slasher(SLASHER, true)
            .motsu_unwrap();
        registry.sender(OWNER).set_aggregator(OWNER).motsu_unwrap();
        for (id, min_stake) in TASK_TYPES.into_iter().zip([50_u64, 150]) {
            let min_stake = ONE * U256::from(min_stake);
            registry
                .sender(OWNER)
                .register_task_type(id, min_stake)
                .motsu_unwrap();
        }
        stakes.sender(OWNER).open().motsu_unwrap();
        for sink in SINKS {
            token.sender(OWNER).mint(sink, ONE * U256::from(100_000));
        }
        world
    }

    /// Does it; whether it is refused does not matter here.
    fn act(&self, action: &Action, sink: Address, id: B256) {
        let Self {
            registry,
            stakes,
            token,
        } = self;
        let hash =
            |capacity: &u64| keccak256((UNIT * U256::from(*capacity), B256::ZERO).abi_encode());
        let (tokens, units) = (
            |n: &u64| ONE * U256::from(*n),
            |n: &u64| UNIT * U256::from(*n),
        );
        match action {
            Action::Stake(amount) => drop(stakes.sender(sink).stake(tokens(amount)).motsu_res()),
            Action::Unstake(amount) => {
                drop(stakes.sender(sink).unstake(tokens(amount)).motsu_res())
            }
            Action::Register(capacity) => drop(
                registry
                    .sender(sink)
                    .register_sink(id, units(capacity))
                    .motsu_res(),
            ),
            Action::Commit(capacity) => drop(
                registry
                    .sender(sink)
                    .commit_capacity(id, hash(capacity))
                    .motsu_res(),
            ),
            Action::Reveal(capacity) => drop(
                registry
                    .sender(sink)
                    .reveal_capacity(id, units(capacity), B256::ZERO)
                    .motsu_res(),
            ),
            Action::Attest(capacity) => drop(
                registry
                    .sender(OWNER)
                    .update_capacity_from_aggregator(id, sink, units(capacity))
                    .motsu_res(),
            ),
            Action::Slash(amount) => drop(
                stakes
                    .sender(SLASHER)
                    .slash(sink, tokens(amount), B256::ZERO)
                    .motsu_res(),
            ),
            Action::Sync => drop(registry.sender(OWNER).sync_capacity(id, sink).motsu_res()),
            Action::Leave => drop(registry.sender(sink).deregister_sink(id).motsu_res()),
            Action::Wait(seconds) => advance_time(*seconds),
            Action::Mine(blocks) => advance_blocks(*blocks),
            Action::Behave(behaviour) => token.sender(OWNER).behave(*behaviour),
            Action::Revoke(authorized) => {
                let set = stakes
                    .sender(OWNER)
                    .set_registry(registry.address(), *authorized);
                set.motsu_unwrap();
                advance_time(7 * 86_400);
            }
            Action::LeaveRevoked => drop(
                stakes
                    .sender(sink)
                    .leave_revoked_registry(registry.address())
                    .motsu_res(),
            ),
        }
    }

    fn stake_of(&self, sink: Address) -> U256 {
        self.stakes.sender(OWNER).get_stake(sink)
    }

    /// Invariant 1: tokens held ≥ Σ stakes (and what slashes could not pay yet).
    fn check_tokens(&self) -> Result<(), TestCaseError> {
        let held = self.token.sender(OWNER).balance(self.stakes.address());
        let owed = SINKS
            .iter()
            .fold(self.stakes.sender(OWNER).unpaid_slashed(), |sum, sink| {
                sum + self.stake_of(*sink)
            });
        prop_assert!(held >= owed, "holds {held}, owes {owed}");
        Ok(())
    }

    /// Invariant 2, first half: the total is the sum over the sinks, and the list is of the registered.
    fn check_totals(&self) -> Result<(), TestCaseError> {
        for id in TASK_TYPES {
            let (_, count, total) = self.registry.sender(OWNER).get_task_type(id);
            let (listed, capacities) = self.registry.sender(OWNER).get_sinks(id).0;
            prop_assert_eq!(U256::from(listed.len()), count);
            prop_assert_eq!(capacities.iter().sum::<U256>(), total);
            for sink in SINKS {
                let registered = self.registry.sender(OWNER).is_registered(id, sink);
                let times = listed.iter().filter(|entry| **entry == sink).count();
                prop_assert_eq!(times, usize::from(registered));
                let has = self.registry.sender(OWNER).get_smoothed_capacity(id, sink)
                    + self.registry.sender(OWNER).get_raw_capacity(id, sink);
                prop_assert!(registered || has.is_zero());
            }
        }
        Ok(())
    }

    /// Invariant 2, second half: what a sink has over all task types is the sum of its parts, and within its cap once each
    /// has been synced.
    fn check_caps(&self) -> Result<(), TestCaseError> {
        for sink in SINKS {
            let parts = TASK_TYPES.map(|id| {
                let raw = self.registry.sender(OWNER).get_raw_capacity(id, sink);
                raw.max(self.registry.sender(OWNER).get_smoothed_capacity(id, sink))
            });
            let (backed, task_types) = self.registry.sender(OWNER).get_backing(sink);
            prop_assert_eq!(parts[0] + parts[1], backed);
            let registered =
                TASK_TYPES.map(|id| self.registry.sender(OWNER).is_registered(id, sink));
            let count = registered.iter().filter(|is| **is).count();
            prop_assert_eq!(task_types, U256::from(count));
        }
        Ok(())
    }

    /// Right after any update of a sink, its total is within the cap of what is left of its stake.
    fn check_cap_after_update(&self, sink: Address) -> Result<(), TestCaseError> {
        let smoothed =
            TASK_TYPES.map(|id| self.registry.sender(OWNER).get_smoothed_capacity(id, sink));
        let cap = self
            .stakes
            .sender(OWNER)
            .get_capacity_cap(sink)
            .motsu_unwrap();
        prop_assert!(
            smoothed[0] + smoothed[1] <= cap,
            "{smoothed:?} exceed {cap}"
        );
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_stay_right(
        curve in 0u8..2,
        actions in prop::collection::vec((action(), 0usize..3, 0usize..2), 32),
    ) {
        let world = World::new(curve);
        for (action, sink, id) in &actions {
            let (sink, id) = (SINKS[*sink], TASK_TYPES[*id]);
            let before = SINKS.map(|sink| world.stake_of(sink));
            world.act(action, sink, id);
            world.check_tokens()?;
            world.check_totals()?;
            world.check_caps()?;
            // Invariant 4: only slashes and the sink itself lower its stake.
            for (other, before) in SINKS.into_iter().zip(before) {
                let may_fall = other == sink && matches!(action, Action::Slash(_) | Action::Unstake(_));
                prop_assert!(may_fall || world.stake_of(other) >= before, "{action:?} took the stake of {other}");
            }
            // Within the cap, when both task types have been updated since the stake last fell.
            let mut synced = true;
            for id in TASK_TYPES {
                let sync = world.registry.sender(OWNER).sync_capacity(id, sink).motsu_res();
                synced &= sync.is_ok() || !world.registry.sender(OWNER).is_registered(id, sink);
            }
            if synced {
                world.check_cap_after_update(sink)?;
                world.check_totals()?;
            }
        }
    }
}
