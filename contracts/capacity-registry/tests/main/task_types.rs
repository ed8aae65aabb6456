//! Task types: who registers them, for whom, and what it takes.

use crate::contract::{self, *};
use crate::stake_manager::StakeManager;
use alloy_primitives::{uint, Address, B256, U256};
use alloy_sol_types::SolError;
use bpe_common::{
    call::Revert,
    clock::testing::{advance_time, timestamp},
    interfaces::IStakeManager,
    ownable::OwnableUnauthorizedAccount,
    powers::{PowerAnnounced, MIN_NOTICE},
};
use bpe_testing::{Pool, Token};
use motsu::prelude::*;

const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
const UNIT: U256 = uint!(1_000_000_000_U256);
const OWNER: Address = Address::repeat_byte(0x01);
const CREATOR: Address = Address::repeat_byte(0x0c);
const SINK: Address = Address::repeat_byte(0x51);
const ADAPTER: Address = Address::repeat_byte(0xad);
const DIRECTORY: Address = Address::repeat_byte(0xd1);
const ID: B256 = B256::repeat_byte(0xc0);

fn tokens(amount: u64) -> U256 {
    ONE * U256::from(amount)
}

/// What is free of a stake is less than what is asked.
fn short(required: u64, available: u64) -> Result<(), Error> {
    let error = InsufficientStake {
        required: tokens(required),
        available: tokens(available),
    };
    Err(error.into())
}

/// Minimum stake 100, a pool, an adapter and a directory. Staking is closed.
struct World {
    registry: Contract<CapacityRegistry>,
    stakes: Contract<StakeManager>,
    pool: Contract<Pool>,
    token: Contract<Token>,
}

impl World {
    fn closed() -> Self {
        let it = Self {
            registry: Contract::new(),
            stakes: Contract::new(),
            pool: Contract::new(),
            token: Contract::new(),
        };
        let (registry, stakes) = (it.registry.address(), it.stakes.address());
        let construct =
            it.stakes
                .sender(OWNER)
                .constructor(it.token.address(), ONE, tokens(100), 0, OWNER);
        construct.motsu_unwrap();
        let construct = it.registry.sender(OWNER).constructor(stakes, OWNER);
        construct.motsu_unwrap();
        let set = it.stakes.sender(OWNER).set_registry(registry, true);
        set.motsu_unwrap();
        let set = it.registry.sender(OWNER).set_pool(it.pool.address());
        set.motsu_unwrap();
        let set = it.registry.sender(OWNER).set_adapter(ADAPTER, true);
        set.motsu_unwrap();
        let set = it.registry.sender(OWNER).set_service_directory(DIRECTORY);
        set.motsu_unwrap();
        it
    }

    fn open() -> Self {
        let it = Self::closed();
        it.stakes.sender(OWNER).open().motsu_unwrap();
        it
    }

    fn stake(&self, account: Address, amount: u64) {
        self.token.sender(account).mint(account, tokens(amount));
        let stake = self.stakes.sender(account).stake(tokens(amount));
        stake.motsu_unwrap();
    }

    fn register(&self, creator: Address, id: B256) -> Result<(), Error> {
        let mut registry = self.registry.sender(creator);
        registry.register_task_type(id, tokens(7)).motsu_res()
    }

    fn register_for(&self, caller: Address, derived: bool, weighting: u8) -> Result<(), Error> {
        let mut registry = self.registry.sender(caller);
        registry
            .register_task_type_for(ID, tokens(7), CREATOR, derived, weighting)
            .motsu_res()
    }

    fn serve(&self, sink: Address, id: B256) -> Result<(), Error> {
        let mut registry = self.registry.sender(sink);
        registry.register_sink(id, UNIT).motsu_res()
    }

    fn bonds(&self, account: Address) -> u64 {
        self.stakes.sender(OWNER).get_bonds(account).to()
    }

    fn is_bonded(&self, id: B256) -> bool {
        self.registry.sender(OWNER).is_bonded(id)
    }

    fn creator(&self, id: B256) -> Address {
        self.registry.sender(OWNER).get_creator(id)
    }
}

/// The attack: before anybody can stake, a stranger takes the ids that everybody knows.
#[test]
fn before_staking_is_open_the_owner_registers_and_nobody_else() {
    let it = World::closed();
    assert_eq!(it.register(CREATOR, ID), short(100, 0));
    assert_eq!(it.creator(ID), Address::ZERO);
    it.register(OWNER, ID).unwrap();
    it.registry.assert_emitted(&TaskTypeRegistered {
        taskTypeId: ID,
        creator: OWNER,
        minStake: tokens(7),
    });
    assert!(!it.is_bonded(ID));
    it.stakes.sender(OWNER).open().motsu_unwrap();
    let next = B256::repeat_byte(2);
    assert_eq!(it.register(OWNER, next), short(100, 0));
}

/// The attack: somebody takes ids by the hundred. Each costs a minimum stake for as long as nobody wants it.
#[test]
fn each_id_that_is_not_derived_sets_a_minimum_stake_aside() {
    let it = World::open();
    it.stake(CREATOR, 250);
    let [first, second, third] = [1, 2, 3].map(B256::repeat_byte);
    it.register(CREATOR, first).unwrap();
    it.register(CREATOR, second).unwrap();
    assert_eq!((it.bonds(CREATOR), it.is_bonded(first)), (2, true));
    assert_eq!(it.register(CREATOR, third), short(100, 50));
    assert_eq!(it.creator(third), Address::ZERO);
    let unstake = it.stakes.sender(CREATOR).unstake(tokens(51)).motsu_res();
    assert!(unstake.is_err());
    // Its own sink frees nothing, whatever it does.
    it.stake(CREATOR, 100);
    it.serve(CREATOR, first).unwrap();
    let leave = it.registry.sender(CREATOR).deregister_sink(first);
    leave.motsu_unwrap();
    assert_eq!((it.bonds(CREATOR), it.is_bonded(first)), (2, true));
    // Somebody else's does, once.
    it.stake(SINK, 400);
    it.serve(SINK, first).unwrap();
    assert_eq!((it.bonds(CREATOR), it.is_bonded(first)), (1, false));
    let leave = it.registry.sender(SINK).deregister_sink(first);
    leave.motsu_unwrap();
    it.serve(SINK, first).unwrap();
    assert_eq!((it.bonds(CREATOR), it.is_bonded(second)), (1, true));
}

/// What an adapter registers for an operator counts as that operator's.
#[test]
fn a_sink_that_an_adapter_registers_frees_the_bond() {
    let it = World::open();
    it.stake(CREATOR, 300);
    it.stake(SINK, 100);
    it.register(CREATOR, ID).unwrap();
    for (sink, bonds) in [(CREATOR, 1), (SINK, 0)] {
        let mut registry = it.registry.sender(ADAPTER);
        registry.register_sink_for(ID, sink, UNIT).motsu_unwrap();
        assert_eq!(it.bonds(CREATOR), bonds);
    }
}

#[test]
fn adapters_register_and_set_nothing_aside() {
    let it = World::open();
    it.register(ADAPTER, ID).unwrap();
    assert_eq!((it.creator(ID), it.is_bonded(ID)), (ADAPTER, false));
    let remove = it.registry.sender(OWNER).set_adapter(ADAPTER, false);
    remove.motsu_unwrap();
    let next = B256::repeat_byte(2);
    assert_eq!(it.register(ADAPTER, next), short(100, 0));
    // An announced one sets up before its notice has passed.
    let announce = it.registry.sender(OWNER).set_adapter(ADAPTER, true);
    announce.motsu_unwrap();
    assert!(!it.registry.sender(ADAPTER).authorized_adapters(ADAPTER));
    it.register(ADAPTER, next).unwrap();
    assert!(!it.is_bonded(next));
}

/// A registry that StakeManager does not obey registers nothing that it could not bond.
#[test]
fn without_authority_nothing_is_registered() {
    let it = World::open();
    it.stake(CREATOR, 100);
    let registry = it.registry.address();
    let revoke = it.stakes.sender(OWNER).set_registry(registry, false);
    revoke.motsu_unwrap();
    let error = IStakeManager::NotAuthorizedRegistry { caller: registry };
    let refused = Err(Error::Revert(Revert(error.abi_encode())));
    assert_eq!(it.register(CREATOR, ID), refused);
}

// --- ServiceDirectory

#[test]
fn the_directory_says_who_created_a_task_type() {
    for (derived, bonds) in [(true, 0), (false, 1)] {
        let it = World::open();
        it.stake(CREATOR, 100);
        for caller in [OWNER, CREATOR, ADAPTER, SINK] {
            let refused = Err(NotServiceDirectory { caller }.into());
            assert_eq!(it.register_for(caller, true, 0), refused);
        }
        it.register_for(DIRECTORY, derived, 0).unwrap();
        assert_eq!((it.creator(ID), it.is_bonded(ID)), (CREATOR, !derived));
        assert_eq!(it.bonds(CREATOR), bonds);
        let again = Err(TaskTypeAlreadyExists {}.into());
        assert_eq!(it.register_for(DIRECTORY, derived, 0), again);
    }
    let it = World::open();
    assert_eq!(it.register_for(DIRECTORY, false, 0), short(100, 0));
}

/// What EconomyFactory does for its caller.
#[test]
fn the_owner_registers_for_others_until_staking_is_open() {
    let it = World::closed();
    it.register_for(OWNER, false, 1).unwrap();
    assert_eq!((it.creator(ID), it.is_bonded(ID)), (CREATOR, false));
    assert_eq!(it.pool.sender(OWNER).weighting_of(ID), 1);
}

#[test]
fn a_weighting_is_set_with_the_task_type_or_there_is_none() {
    let it = World::open();
    let refusal = |why: &str| {
        let error = alloy_sol_types::Revert::from(why);
        Err(Error::Revert(Revert(error.abi_encode())))
    };
    assert_eq!(it.register_for(DIRECTORY, true, 4), refusal("fixed"));
    assert_eq!(it.creator(ID), Address::ZERO);
    it.pool.sender(OWNER).set_reverts(true);
    assert_eq!(it.register_for(DIRECTORY, true, 3), refusal("no"));
    // By capacity, as all are, the pool is not asked.
    it.register_for(DIRECTORY, true, 0).unwrap();
}

/// Whoever says who created what could have anybody's stake set aside: that takes notice.
#[test]
fn another_directory_waits_for_its_notice() {
    let it = World::open();
    let next = Address::repeat_byte(0xd2);
    let set = |who: Address, directory: Address| {
        let mut registry = it.registry.sender(who);
        registry.set_service_directory(directory).motsu_res()
    };
    let read = || {
        let registry = it.registry.sender(OWNER);
        (
            registry.service_directory(),
            registry.announced_service_directory(),
        )
    };
    let nobody = (Address::ZERO, U256::ZERO);
    assert_eq!(read(), (DIRECTORY, nobody), "before: at once");
    let is_set = |directory| ServiceDirectorySet {
        serviceDirectory: directory,
    };
    it.registry.assert_emitted(&is_set(DIRECTORY));
    for account in [CREATOR, DIRECTORY, ADAPTER] {
        let refused = OwnableUnauthorizedAccount { account };
        assert_eq!(
            set(account, next),
            Err(Error::Ownable(refused.into())),
            "{account}"
        );
    }
    set(OWNER, next).unwrap();
    let from = U256::from(timestamp() + MIN_NOTICE);
    it.registry.assert_emitted(&PowerAnnounced {
        at: it.registry.address(),
        power: contract::DIRECTORY,
        to: next,
        from,
    });
    assert_eq!(read(), (DIRECTORY, (next, from)));
    advance_time(MIN_NOTICE - 1);
    let caller = next;
    let early = Err(NotServiceDirectory { caller }.into());
    assert_eq!(it.register_for(next, true, 0), early);
    advance_time(1);
    assert_eq!(read(), (next, nobody));
    let caller = DIRECTORY;
    let late = Err(NotServiceDirectory { caller }.into());
    assert_eq!(it.register_for(DIRECTORY, true, 0), late);
    it.register_for(next, true, 0).unwrap();
    // Taken away at once; and nobody is nobody.
    set(OWNER, Address::ZERO).unwrap();
    it.registry.assert_emitted(&is_set(Address::ZERO));
    assert_eq!(read(), (Address::ZERO, nobody));
    let caller = next;
    let gone = Err(NotServiceDirectory { caller }.into());
    assert_eq!(it.register_for(next, true, 0), gone);
}
