//! A directory and its neighbours: minimum stake 100, staking open.
#![allow(dead_code)]

pub use alloy_primitives::{keccak256, uint, Address, B256, U256};
pub use alloy_sol_types::{SolError, SolValue};
pub use bpe_common::{
    call::{NotAContract, Revert},
    returns::Returns,
};
pub use bpe_testing::{Pool, Token};
pub use motsu::prelude::*;

pub use crate::{
    contract::*, pricing_curve::PricingCurve, registry::CapacityRegistry,
    stake_manager::StakeManager,
};

pub const ONE: U256 = uint!(1_000_000_000_000_000_000_U256);
pub const UNIT: U256 = uint!(1_000_000_000_U256);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const BOB: Address = Address::repeat_byte(0x0b);
pub const CAROL: Address = Address::repeat_byte(0x0c);
/// A task type of the owner's, there from the beginning.
pub const CODE: B256 = B256::repeat_byte(0xc0);

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

pub fn tokens(amount: u64) -> U256 {
    ONE * n(amount)
}

pub fn reverted(error: impl SolError) -> Error {
    Error::Revert(Revert(error.abi_encode()))
}

pub struct World {
    pub directory: Contract<ServiceDirectory>,
    pub registry: Contract<CapacityRegistry>,
    pub stakes: Contract<StakeManager>,
    pub pricing: Contract<PricingCurve>,
    pub pool: Contract<Pool>,
    pub token: Contract<Token>,
}

impl World {
    /// Nobody knows the directory yet, and the registry has no pool.
    pub fn unlinked() -> Self {
        let it = Self {
            directory: Contract::new(),
            registry: Contract::new(),
            stakes: Contract::new(),
            pricing: Contract::new(),
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
        let construct = it.pricing.sender(OWNER).constructor(registry, OWNER);
        construct.motsu_unwrap();
        let set = it.stakes.sender(OWNER).set_registry(registry, true);
        set.motsu_unwrap();
        let register = it
            .registry
            .sender(OWNER)
            .register_task_type(CODE, tokens(100));
        register.motsu_unwrap();
        let pricing = it.pricing.address();
        let construct = it.directory.sender(OWNER).constructor(registry, pricing);
        construct.motsu_unwrap();
        it
    }

    pub fn new() -> Self {
        let it = Self::unlinked();
        let (directory, pool) = (it.directory.address(), it.pool.address());
        let set = it.registry.sender(OWNER).set_service_directory(directory);
        set.motsu_unwrap();
        let set = it.pricing.sender(OWNER).set_service_directory(directory);
        set.motsu_unwrap();
        let set = it.registry.sender(OWNER).set_pool(pool);
        set.motsu_unwrap();
        it.stakes.sender(OWNER).open().motsu_unwrap();
        it
    }

    pub fn stake(&self, account: Address, amount: u64) {
        self.token.sender(account).mint(account, tokens(amount));
        let stake = self.stakes.sender(account).stake(tokens(amount));
        stake.motsu_unwrap();
    }

    /// A sink of the task type.
    pub fn serve(&self, id: B256, sink: Address) {
        self.stake(sink, 100);
        let register = self.registry.sender(sink).register_sink(id, UNIT);
        register.motsu_unwrap();
    }

    pub fn leave(&self, id: B256, sink: Address) {
        let leave = self.registry.sender(sink).deregister_sink(id);
        leave.motsu_unwrap();
    }

    pub fn register(&self, creator: Address, id: B256, metadata: &str) -> Result<(), Error> {
        let mut directory = self.directory.sender(creator);
        directory
            .register_task_type(id, metadata.into(), tokens(100))
            .motsu_res()
    }

    pub fn set_service(&self, sink: Address, id: B256, uri: &str) -> Result<(), Error> {
        let mut directory = self.directory.sender(sink);
        directory.set_service(id, uri.into()).motsu_res()
    }

    pub fn service(&self, id: B256, sink: Address) -> String {
        let directory = self.directory.sender(CAROL);
        directory.get_service(id, sink).motsu_unwrap()
    }

    pub fn derived(&self, creator: Address, name: &str) -> B256 {
        let directory = self.directory.sender(CAROL);
        directory.derive_task_type_id(creator, name.into())
    }

    pub fn resolve(&self, name: &str, from: u64, count: u64) -> (Vec<B256>, Vec<Address>) {
        let directory = self.directory.sender(CAROL);
        let found = directory.resolve(name.into(), n(from), n(count));
        found.motsu_unwrap().0
    }

    pub fn creator(&self, id: B256) -> Address {
        self.registry.sender(CAROL).get_creator(id)
    }

    pub fn bonds(&self, account: Address) -> u64 {
        self.stakes.sender(CAROL).get_bonds(account).to()
    }
}
