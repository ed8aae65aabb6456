//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::sol;
use bpe_common::{
    call::{NotAContract, Revert},
    ownable,
};
use stylus_sdk::prelude::*;

sol! {
    /// What an economy is to be.
    #[derive(Debug, PartialEq, Eq)]
    struct EconomyConfig {
        /// 0 marketplace, 1 cooperative, 2 pipeline, 3 guild.
        uint8 template;
        /// Its task types, 16 at most.
        bytes32[] taskTypeIds;
        /// What a sink stakes at least, in wei.
        uint256 minStake;
        /// What the escrow of a task type holds at most, in wei; 0 for no limit.
        uint256 bufferMax;
        /// The part of every stream that is for verification, in basis points.
        uint256 verificationBudgetBps;
    }

    /// Where an economy is.
    #[derive(Debug, PartialEq, Eq)]
    struct EconomyDeployment {
        bytes32 economyId;
        address stakeManager;
        address capacityRegistry;
        address backpressurePool;
        address escrowBuffer;
        address pricingCurve;
        /// Zero, if there is none.
        address pipeline;
        /// Who deployed it, and owned all of it then.
        address owner;
    }

    /// `owner` has an economy. The other contracts: [`EconomyFactory::get_parts`].
    #[derive(Debug, PartialEq, Eq)]
    event EconomyDeployed(bytes32 indexed economyId, uint8 template, address indexed owner, address stakeManager, address capacityRegistry, address backpressurePool);

    /// The caller has an economy of this configuration and of the salt that it named.
    #[derive(Debug, PartialEq, Eq)]
    error EconomyAlreadyExists();
    /// There is no such economy.
    #[derive(Debug, PartialEq, Eq)]
    error EconomyDoesNotExist();
    /// An economy has task types.
    #[derive(Debug, PartialEq, Eq)]
    error NoTaskTypes();
    /// `length` task types are more than `maximum`.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyTaskTypes(uint256 length, uint256 maximum);
    /// A pipeline has two stages at least.
    #[derive(Debug, PartialEq, Eq)]
    error PipelineRequiresMultipleStages();
    /// There is no template of number `template`.
    #[derive(Debug, PartialEq, Eq)]
    error UnknownTemplate(uint8 template);
    /// `length` programs were given, and `expected` are needed.
    #[derive(Debug, PartialEq, Eq)]
    error WrongProgramCount(uint256 length, uint256 expected);
    /// The economy is no cooperative.
    #[derive(Debug, PartialEq, Eq)]
    error NotACooperative(bytes32 economyId);
}

bpe_common::abi_struct!(EconomyConfig(u8, Vec<B256>, U256, U256, U256));
bpe_common::abi_struct!(EconomyDeployment(
    B256, Address, Address, Address, Address, Address, Address, Address
));

/// Why a call was refused. [`Error::Revert`] is what one of the contracts, or Superfluid, reverted with.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    EconomyAlreadyExists(EconomyAlreadyExists),
    EconomyDoesNotExist(EconomyDoesNotExist),
    NoTaskTypes(NoTaskTypes),
    TooManyTaskTypes(TooManyTaskTypes),
    PipelineRequiresMultipleStages(PipelineRequiresMultipleStages),
    UnknownTemplate(UnknownTemplate),
    WrongProgramCount(WrongProgramCount),
    NotACooperative(NotACooperative),
    NotAContract(NotAContract),
    Revert(Revert),
    Ownable(ownable::Error),
}
