//! What a deployment may choose.

use alloy::primitives::{address, Address};
use serde::Serialize;

/// Who may register Super Apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AppRegistration {
    /// Anyone, as in Superfluid's own test framework and on its test networks.
    Open,
    /// Only these accounts, as on its main networks: `registerApp(configWord)` checks the transaction's origin,
    /// `registerApp(app, configWord)` its caller, against the role in the host's access list.
    Permissioned(Vec<Address>),
}

/// The parameters of a deployment. [`Config::new`] has the ones of Superfluid's test framework.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// Pays, and afterwards owns governance, resolver and access list. The provider must be able to sign for it.
    pub deployer: Address,
    pub app_registration: AppRegistration,
    /// Seconds of flow that a stream's sender must deposit.
    pub liquidation_period: u64,
    /// The first seconds of these in which only the reward address profits from a liquidation.
    pub patrician_period: u64,
    pub reward_address: Address,
    /// The gas that a Super App's callback gets.
    pub callback_gas_limit: u64,
}

impl Config {
    pub fn new(deployer: Address) -> Self {
        Self {
            deployer,
            app_registration: AppRegistration::Open,
            liquidation_period: 4 * 60 * 60,
            patrician_period: 30 * 60,
            reward_address: address!("0000000000000000000000000000000000000045"),
            callback_gas_limit: 3_000_000,
        }
    }
}
