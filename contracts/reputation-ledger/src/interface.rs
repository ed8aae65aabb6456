//! Events and errors.

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_primitives::U256;
use alloy_sol_types::sol;
use bpe_common::ownable;
use stylus_sdk::prelude::*;

sol! {
    /// What an account has done in a domain. `score` is from 0 to 10 000; `completions` counts the good records, `slashCount`
    /// the bad ones; `lastUpdated` is the time of the last one, and `stakeDuration` for how many seconds before that the
    /// account has had a record to lose: since its first one.
    #[derive(Debug, PartialEq, Eq)]
    struct DomainReputation {
        uint256 score;
        uint256 stakeDuration;
        uint256 completions;
        uint256 slashCount;
        uint256 lastUpdated;
    }

    /// The account's score in the domain is now `newScore`, and over all its domains `aggregateScore`.
    #[derive(Debug, PartialEq, Eq)]
    event ReputationUpdated(address indexed account, bytes32 indexed domain, uint256 newScore, uint256 aggregateScore);
    /// At this time `account` has a discount of `discountBps` on the stake that the domain asks for.
    #[derive(Debug, PartialEq, Eq)]
    event StakeDiscountApplied(address indexed account, bytes32 indexed domain, uint256 discountBps);
    /// There is a domain more; `adapter` records in it.
    #[derive(Debug, PartialEq, Eq)]
    event DomainRegistered(bytes32 indexed domain, address indexed adapter);
    /// Instead of the adapter before, `adapter` records in the domain; nobody, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event DomainAdapterSet(bytes32 indexed domain, address indexed adapter);
    /// The domain counts with `weight` from now on, for every account.
    #[derive(Debug, PartialEq, Eq)]
    event DomainWeightSet(bytes32 indexed domain, uint256 weight);
    /// `recorder` may record in the domain, or no longer.
    #[derive(Debug, PartialEq, Eq)]
    event RecorderSet(bytes32 indexed domain, address indexed recorder, bool authorized);

    /// What is done in the task type counts in the domain from now on; in none, if zero.
    #[derive(Debug, PartialEq, Eq)]
    event TaskTypeDomainSet(bytes32 indexed taskTypeId, bytes32 indexed domain);

    /// There is such a domain already.
    #[derive(Debug, PartialEq, Eq)]
    error DomainAlreadyRegistered();
    /// There is no such domain.
    #[derive(Debug, PartialEq, Eq)]
    error DomainNotRegistered();
    /// A record has at least 1 point.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidPoints();
    /// The caller may not record in this domain.
    #[derive(Debug, PartialEq, Eq)]
    error NotAuthorized();
    /// A weight is at most 65 535.
    #[derive(Debug, PartialEq, Eq)]
    error InvalidWeight(uint256 weight);
    /// There are `maximum` domains, and that is all there can be.
    #[derive(Debug, PartialEq, Eq)]
    error TooManyDomains(uint256 maximum);
}

bpe_common::abi_struct!(DomainReputation(U256, U256, U256, U256, U256));

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    DomainAlreadyRegistered(DomainAlreadyRegistered),
    DomainNotRegistered(DomainNotRegistered),
    InvalidPoints(InvalidPoints),
    NotAuthorized(NotAuthorized),
    InvalidWeight(InvalidWeight),
    TooManyDomains(TooManyDomains),
    Ownable(ownable::Error),
}
