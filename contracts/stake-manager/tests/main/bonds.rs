//! Bonds: minimum stakes that creators of task types set aside.

use crate::contract::*;
use alloy_primitives::{uint, Address, B256, U256};
use bpe_common::clock::testing::{advance_time, timestamp};
use bpe_testing::Token;
use motsu::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const CREATOR: Address = Address::repeat_byte(0x0c);
const REGISTRY: Address = Address::repeat_byte(0xe1);
const OTHER: Address = Address::repeat_byte(0xe2);
const SLASHER: Address = Address::repeat_byte(0x51);
const DAY: u64 = 86_400;

fn tokens(amount: u64) -> U256 {
    ONE * U256::from(amount)
}

/// Minimum stake 100, 1 token per capacity unit; two registries; the creator has staked.
struct World {
    stakes: Contract<StakeManager>,
    _token: Contract<Token>,
}

impl World {
    fn new(staked: u64) -> Self {
        let (stakes, token) = (Contract::<StakeManager>::new(), Contract::<Token>::new());
        let at = token.address();
        let construct = |mut it: ContractCall<'_, StakeManager>| {
            it.constructor(at, ONE, tokens(100), 0, OWNER).motsu_res()
        };
        construct(stakes.sender(OWNER)).unwrap();
        for registry in [REGISTRY, OTHER] {
            let set = stakes.sender(OWNER).set_registry(registry, true);
            set.motsu_unwrap();
        }
        let set = stakes.sender(OWNER).set_slasher(SLASHER, true);
        set.motsu_unwrap();
        stakes.sender(OWNER).open().motsu_unwrap();
        token.sender(OWNER).mint(CREATOR, tokens(10_000));
        let stake = stakes.sender(CREATOR).stake(tokens(staked));
        stake.motsu_unwrap();
        Self {
            stakes,
            _token: token,
        }
    }

    fn bond(&self, registry: Address) -> Result<(), Error> {
        self.stakes.sender(registry).bond(CREATOR).motsu_res()
    }

    fn release(&self, registry: Address) -> Result<(), Error> {
        self.stakes
            .sender(registry)
            .release_bond(CREATOR)
            .motsu_res()
    }

    fn unstake(&self, amount: u64) -> Result<(), Error> {
        let unstake = self.stakes.sender(CREATOR).unstake(tokens(amount));
        unstake.motsu_res()
    }

    /// How much capacity the registry gets backed, in whole units.
    fn back(&self, capacity: u64) -> u64 {
        let back = self
            .stakes
            .sender(REGISTRY)
            .back_capacity(CREATOR, UNIT * U256::from(capacity));
        (back.motsu_unwrap() / UNIT).to()
    }

    fn bonds(&self) -> u64 {
        self.stakes.sender(CREATOR).get_bonds(CREATOR).to()
    }

    fn free(&self) -> U256 {
        self.stakes.sender(CREATOR).get_free_stake(CREATOR)
    }
}

fn short(required: u64, available: u64) -> Result<(), Error> {
    let (required, available) = (tokens(required), tokens(available));
    Err(InsufficientStake {
        required,
        available,
    }
    .into())
}

#[test]
fn each_bond_takes_a_minimum_stake_that_does_not_leave() {
    let it = World::new(250);
    it.bond(REGISTRY).unwrap();
    let bonds = U256::from(1);
    it.stakes.assert_emitted(&StakeBonded {
        account: CREATOR,
        bonds,
    });
    assert_eq!(it.free(), tokens(150));
    it.bond(REGISTRY).unwrap();
    assert_eq!((it.bonds(), it.free()), (2, tokens(50)));
    assert_eq!(it.bond(REGISTRY), short(100, 50), "one stake, one bond");
    assert_eq!(it.unstake(51), short(51, 50));
    it.unstake(50).unwrap();
    // Freed at once, one at a time.
    it.release(REGISTRY).unwrap();
    assert_eq!((it.bonds(), it.free()), (1, tokens(100)));
    it.unstake(100).unwrap();
    assert_eq!(it.unstake(1), short(1, 0));
    it.release(REGISTRY).unwrap();
    it.unstake(100).unwrap();
    // There is none left to free.
    it.release(REGISTRY).unwrap();
    assert_eq!((it.bonds(), it.free()), (0, U256::ZERO));
}

/// The attack: one stake backs a sink and squats ids at once.
#[test]
fn what_is_bonded_backs_no_capacity_and_what_backs_is_not_bonded() {
    let it = World::new(500);
    it.bond(REGISTRY).unwrap();
    assert_eq!(it.back(1_000), 20, "of 400 tokens");
    assert_eq!(it.free(), U256::ZERO);
    assert_eq!(it.bond(REGISTRY), short(100, 0));
    it.release(REGISTRY).unwrap();
    assert_eq!(it.free(), tokens(100));
    assert_eq!(it.back(1_000), 22, "of 500");
}

/// The attack: bond while stake is unbonding, so that the bond's release or the end of the unbonding frees the other.
#[test]
fn bonds_and_unbonding_leave_each_other_alone() {
    let it = World::new(500);
    assert_eq!(it.back(20), 20);
    let start = it.stakes.sender(REGISTRY).start_unbonding(CREATOR);
    start.motsu_unwrap();
    let until = U256::from(timestamp() + DAY);
    let unbonding = || it.stakes.sender(CREATOR).get_unbonding(CREATOR);
    assert_eq!(unbonding(), (tokens(400), until));
    it.bond(REGISTRY).unwrap();
    assert_eq!(it.bond(REGISTRY), short(100, 0));
    assert_eq!(unbonding(), (tokens(400), until));
    it.release(REGISTRY).unwrap();
    assert_eq!(unbonding(), (tokens(400), until), "still slashable");
    it.bond(REGISTRY).unwrap();
    advance_time(DAY);
    assert_eq!(unbonding(), (U256::ZERO, U256::ZERO));
    assert_eq!(it.free(), tokens(400));
    // The first touch after the end forgets what was unbonding, and not the bond.
    it.unstake(400).unwrap();
    assert_eq!((it.bonds(), it.free()), (1, U256::ZERO));
    assert_eq!(it.unstake(1), short(1, 0));
}

/// A bond is no refuge: slashes reach it, and what is owed keeps it.
#[test]
fn slashes_reach_what_is_bonded() {
    let it = World::new(200);
    it.bond(REGISTRY).unwrap();
    it.bond(REGISTRY).unwrap();
    let slash = it
        .stakes
        .sender(SLASHER)
        .slash(CREATOR, tokens(60), B256::ZERO);
    slash.motsu_unwrap();
    assert_eq!(it.stakes.sender(OWNER).get_stake(CREATOR), tokens(140));
    assert_eq!(it.free(), U256::ZERO);
    it.release(REGISTRY).unwrap();
    assert_eq!(it.free(), tokens(40));
    let slash = it
        .stakes
        .sender(SLASHER)
        .slash(CREATOR, tokens(100), B256::ZERO);
    slash.motsu_unwrap();
    it.release(REGISTRY).unwrap();
    assert_eq!(it.free(), U256::ZERO, "owed");
    assert!(it.bond(REGISTRY).is_err());
}

#[test]
fn only_a_registry_bonds_and_only_its_own() {
    let it = World::new(500);
    for caller in [CREATOR, OWNER, SLASHER] {
        let refused = || Err(NotAuthorizedRegistry { caller }.into());
        assert_eq!(it.bond(caller), refused());
        assert_eq!(it.release(caller), refused());
    }
    it.bond(REGISTRY).unwrap();
    let held = LockedByOtherRegistry { sink: CREATOR };
    assert_eq!(it.bond(OTHER), Err(held.into()));
    it.release(OTHER).unwrap();
    assert_eq!(it.bonds(), 1, "it was none of the other's");
    it.release(REGISTRY).unwrap();
    it.bond(OTHER).unwrap();
    assert_eq!(it.bonds(), 1);
}

/// A registry that is replaced keeps nobody's stake.
#[test]
fn bonds_of_a_revoked_registry_are_taken_back() {
    let it = World::new(300);
    it.bond(REGISTRY).unwrap();
    it.bond(REGISTRY).unwrap();
    let leave = |registry| {
        let mut stakes = it.stakes.sender(CREATOR);
        stakes.leave_revoked_registry(registry).motsu_res()
    };
    let registry = REGISTRY;
    let authorized = RegistryStillAuthorized { registry };
    assert_eq!(leave(REGISTRY), Err(authorized.into()));
    let revoke = it.stakes.sender(OWNER).set_registry(REGISTRY, false);
    revoke.motsu_unwrap();
    leave(REGISTRY).unwrap();
    assert_eq!((it.bonds(), it.free()), (0, tokens(300)));
    let nothing = NotLockedBy {
        sink: CREATOR,
        registry,
    };
    assert_eq!(leave(REGISTRY), Err(nothing.into()));
    let never = NotLockedBy {
        sink: CREATOR,
        registry: CREATOR,
    };
    assert_eq!(leave(CREATOR), Err(never.into()));
}
