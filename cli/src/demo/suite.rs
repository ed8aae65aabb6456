//! The suite as the demo has it: deployed as `bpe deploy` deploys it, by account 0, with the world's task types.

use alloy::primitives::{Address, U256};
use bpe::deploy::{self, Config};
pub use bpe_evaluation::suite::{tokens, units, Suite, TaskType, UNIT};
use devnet::Devnet;
use devnet_superfluid::SuperfluidAddresses;

use super::{
    chain::send,
    world::{Market, World, EPOCH},
};
use crate::stage;

/// The least that a sink stakes, in whole tokens.
const MIN_STAKE: u64 = 100;

/// What a source pays for a generated token at the base fee that every task type starts with, in wei: 10 USDCx for a
/// million. Capacity is worth as much.
pub const PRICE: u64 = 10_000_000_000_000;

/// So many generated tokens are the unit of work that PricingCurve's base fee is for.
pub const TOKENS_PER_FEE: u64 = 100;

/// The protocol fee, in basis points.
const FEE_BPS: u64 = 10;

/// The escrow of a task type is full when this many seconds of its mean demand wait there.
const BUFFER_SECONDS: u64 = 600;

/// Deploys, connects and verifies all there is. What the world's sinks owe holds from the start: once staking is open, it
/// takes notice.
pub async fn deploy(
    devnet: Devnet,
    superfluid: SuperfluidAddresses,
    world: &World,
    fee_recipient: Address,
    treasury: Address,
) -> anyhow::Result<Suite> {
    let config = Config {
        protocol_fee_bps: Some(FEE_BPS),
        fee_recipient: Some(fee_recipient),
        treasury: Some(treasury),
        stake: deploy::Stake {
            // One token for all, so that the books balance in one currency.
            token: Some(superfluid.usdcx),
            // The books have no account of who advances.
            slash_reward: Some("0".to_owned()),
            ..deploy::Stake::default()
        },
        task_types: world.markets.iter().map(configured).collect(),
        ..Config::default()
    };
    let deployed = stage::deploy(&devnet, superfluid, config).await?;
    println!(
        "{} contracts, {} links and parameters read back.",
        deployed.addresses.len(),
        deployed.checks
    );
    let contracts = deployed.addresses;
    let mut suite = Suite::new(devnet, superfluid, contracts, fee_recipient, treasury)?;
    for market in &world.markets {
        let opened = open(&suite, market).await;
        suite.task_types.push(opened?);
    }
    Ok(suite)
}

/// Sets price and buffer of a market.
async fn open(suite: &Suite, market: &Market) -> anyhow::Result<TaskType> {
    let (devnet, what) = (&suite.devnet, "open a task type");
    let task_type = suite.task_type(market.name).await?;
    if !market.is_by_work() {
        let price = suite
            .pools
            .setCapacityPrice(task_type.id, U256::from(PRICE));
        send(devnet, price, what).await?;
        let buffer = wei_per_second(market.mean) * U256::from(BUFFER_SECONDS);
        send(
            devnet,
            suite.escrow.setBufferMax(task_type.id, buffer),
            what,
        )
        .await?;
    }
    Ok(task_type)
}

/// A market as a task type to deploy. By capacity, a sink owes what it accepted, at most what it declares. By work, it is not
/// paid for what it does not do.
fn configured(market: &Market) -> deploy::TaskType {
    // So much capacity is a task of the usual size.
    let weight = units(market.work() / EPOCH as f64).max(U256::ONE);
    let is_judged = !market.is_by_work();
    deploy::TaskType {
        name: market.name.to_owned(),
        min_stake: Some(tokens(MIN_STAKE).to_string()),
        weighting: Some(market.settlement.name().to_owned()),
        yardstick: is_judged.then(|| "assigned".to_owned()),
        completion_weight: is_judged.then(|| weight.to_string()),
        ..deploy::TaskType::default()
    }
}

/// What so many generated tokens per second cost at the posted price.
pub fn wei_per_second(tokens_per_second: f64) -> U256 {
    units(tokens_per_second) * U256::from(PRICE) / U256::from(UNIT as u64)
}
