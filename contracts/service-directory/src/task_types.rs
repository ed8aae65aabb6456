//! Task types: registered with all that belongs to them in one transaction.

use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::{invoke_words, query_words, to_address},
    emit_text,
    events::Word,
    interfaces::{IFeeSetter, IStakes, ITaskTypeRegistrar, IUnitBalancer},
};
use stylus_sdk::prelude::*;

use super::{
    names::{derived_id, name_of},
    AlreadyDescribed, EmptyMetadata, Error, InsufficientStake, MetadataTooLong, NoBackpressurePool,
    NotDerived, NotTaskTypeCreator, ServiceDirectory, TaskTypeDescribed,
};

/// The longest metadata of a task type, in bytes.
pub const MAX_METADATA: usize = 1_024;
/// BackpressurePool's weighting by work.
pub const BY_WORK: u8 = 3;
/// PricingCurve's curve by which the base fee follows what of the capacity is used.
pub const CURVE_USED: u8 = 2;

/// Where a base fee starts, and between what it stays.
pub(super) struct Fees {
    pub(super) start: U256,
    pub(super) floor: U256,
    pub(super) ceiling: U256,
}

/// What a task type is registered with.
pub(super) struct Terms {
    pub(super) min_stake: U256,
    pub(super) weighting: u8,
    /// PricingCurve's own, if there are none.
    pub(super) fees: Option<Fees>,
}

impl Terms {
    pub(super) fn by_capacity(min_stake: U256) -> Self {
        Self {
            min_stake,
            weighting: 0,
            fees: None,
        }
    }
}

impl ServiceDirectory {
    /// Nobody who is called calls back here; what fails, fails as a whole.
    pub(super) fn register(&mut self, id: B256, metadata: &str, terms: Terms) -> Result<(), Error> {
        require_short(metadata)?;
        self.require_stake()?;
        let pool = self.ask_registry(ITaskTypeRegistrar::poolCall::SELECTOR, &[])?;
        if pool.is_zero() {
            return Err(NoBackpressurePool {}.into());
        }
        let creator = self.vm().msg_sender();
        let derived = name_of(metadata).is_some_and(|name| derived_id(creator, name) == id);
        if terms.weighting == BY_WORK && !derived {
            // For ever, also for somebody from whose address and name the id follows.
            return Err(NotDerived { taskTypeId: id }.into());
        }
        let [] = invoke_words(
            self.vm(),
            self.capacity_registry.get(),
            ITaskTypeRegistrar::registerTaskTypeForCall::SELECTOR,
            &[
                id,
                terms.min_stake.word(),
                creator.word(),
                derived.word(),
                terms.weighting.word(),
            ],
        )?;
        if !metadata.is_empty() {
            self.keep(id, metadata);
        }
        // Before there is a pool, as it has to be.
        self.price(id, &terms)?;
        self.ensure_pool(to_address(pool), id)
    }

    /// Creates the pool, unless somebody has who took the id before.
    fn ensure_pool(&self, pools: Address, id: B256) -> Result<(), Error> {
        let selector = IUnitBalancer::getPoolCall::SELECTOR;
        let [pool] = query_words(self.vm(), pools, selector, &[id])?;
        if pool.is_zero() {
            let selector = IUnitBalancer::createPoolCall::SELECTOR;
            let [] = invoke_words(self.vm(), pools, selector, &[id])?;
        }
        Ok(())
    }

    pub(super) fn describe_own(&mut self, id: B256, metadata: &str) -> Result<(), Error> {
        require_short(metadata)?;
        if metadata.is_empty() {
            return Err(EmptyMetadata {}.into());
        }
        let caller = self.vm().msg_sender();
        if self.creator(id)? != caller {
            return Err(NotTaskTypeCreator {
                taskTypeId: id,
                caller,
            }
            .into());
        }
        if !self.metadata.getter(id).is_empty() {
            return Err(AlreadyDescribed { taskTypeId: id }.into());
        }
        self.keep(id, metadata);
        Ok(())
    }

    fn keep(&mut self, id: B256, metadata: &str) {
        let before = self.metadata.getter(id).get_string();
        self.metadata.setter(id).set_str(metadata);
        let hash = match name_of(metadata) {
            Some(name) if name_of(&before) == Some(name) => keccak256(name),
            Some(name) => self.list(id, name),
            None => B256::ZERO,
        };
        let creator = self.vm().msg_sender();
        emit_text!(self.vm(), TaskTypeDescribed[id, hash, creator](metadata));
    }

    fn price(&self, id: B256, terms: &Terms) -> Result<(), Error> {
        let pricing = self.pricing_curve.get();
        if terms.weighting == BY_WORK {
            let selector = IFeeSetter::setCurveCall::SELECTOR;
            let [] = invoke_words(self.vm(), pricing, selector, &[id, CURVE_USED.word()])?;
        }
        let Some(fees) = &terms.fees else {
            return Ok(());
        };
        let words = [
            id,
            fees.start.word(),
            fees.floor.word(),
            fees.ceiling.word(),
        ];
        let [] = invoke_words(
            self.vm(),
            pricing,
            IFeeSetter::setFeesCall::SELECTOR,
            &words,
        )?;
        Ok(())
    }

    /// Refuses a caller without a sink's minimum stake.
    fn require_stake(&self) -> Result<(), Error> {
        let stakes = self.stake_manager.get();
        let selector = IStakes::minSinkStakeCall::SELECTOR;
        let [required] = query_words(self.vm(), stakes, selector, &[])?;
        let selector = IStakes::getStakeCall::SELECTOR;
        let arguments = [self.vm().msg_sender().word()];
        let [available] = query_words(self.vm(), stakes, selector, &arguments)?;
        match available < required {
            true => Err(InsufficientStake {
                required,
                available,
            }
            .into()),
            false => Ok(()),
        }
    }
}

fn require_short(metadata: &str) -> Result<(), MetadataTooLong> {
    match metadata.len() > MAX_METADATA {
        true => Err(MetadataTooLong {
            length: U256::from(metadata.len()),
            maximum: U256::from(MAX_METADATA),
        }),
        false => Ok(()),
    }
}
