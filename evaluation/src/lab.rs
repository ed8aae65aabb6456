//! Where experiments get their chains from: the suite is deployed once for each cap curve, and every experiment begins
//! with a chain as it was then.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use alloy::primitives::{keccak256, Address, U256};
use devnet_superfluid::bindings::ITestToken;

use crate::{
    chain::send,
    suite::{tokens, Suite},
    work::Dispatcher,
};

/// How capacity is capped by stake: a number of StakeManager and a word of `bpe deploy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Curve {
    /// The specification's.
    Sqrt,
    Affine,
}

impl Curve {
    pub const ALL: [Self; 2] = [Self::Sqrt, Self::Affine];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqrt => "sqrt",
            Self::Affine => "affine",
        }
    }
}

/// A task type that experiments need, in the words of `bpe deploy`.
#[derive(Clone, Copy, Debug)]
pub struct TaskTypePlan {
    pub name: &'static str,
    pub weighting: &'static str,
    /// What its sinks owe; nothing, if there is nothing here.
    pub owed: Option<Owed>,
}

#[derive(Clone, Copy, Debug)]
pub struct Owed {
    pub yardstick: &'static str,
    /// How much capacity a completion in an epoch stands for, in capacity units of 1e-9; by misses, how many wei of
    /// stake stand for 1e18 wei of payment.
    pub weight: &'static str,
}

const fn planned(name: &'static str, weighting: &'static str) -> TaskTypePlan {
    TaskTypePlan {
        name,
        weighting,
        owed: None,
    }
}

impl TaskTypePlan {
    const fn judged(mut self, yardstick: &'static str, weight: &'static str) -> Self {
        self.owed = Some(Owed { yardstick, weight });
        self
    }
}

/// A task an epoch is what a sink of twenty units owes.
const TWENTY_UNITS: &str = "20e9";
/// A missed payment is worth as much stake.
const ONE_TO_ONE: &str = "1e18";

/// The task types of every deployment. What sinks owe is set before staking opens: later it takes a week's notice.
pub const TASK_TYPES: [TaskTypePlan; 11] = [
    planned("capacity-1", "capacity"),
    planned("capacity-2", "capacity"),
    planned("capacity-3", "capacity"),
    planned("spare-1", "spare"),
    planned("work-1", "work"),
    planned("work-2", "work"),
    planned("work-3", "work"),
    planned("declared-1", "capacity").judged("declared", TWENTY_UNITS),
    planned("declared-2", "capacity").judged("declared", TWENTY_UNITS),
    planned("assigned-1", "capacity").judged("assigned", TWENTY_UNITS),
    planned("missed-1", "work").judged("missed", ONE_TO_ONE),
];

/// What is to be deployed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub curve: Curve,
    pub task_types: &'static [TaskTypePlan],
    /// The protocol fee, in basis points.
    pub fee_bps: u64,
}

/// What a [`Stage`] is doing.
pub type Deploying<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Suite>> + 'a>>;

/// Starts a devnet with Superfluid and deploys the suite on it. `bpe` does it by the library of `bpe deploy`.
pub trait Stage {
    fn deploy<'a>(&'a self, plan: &'a Plan) -> Deploying<'a>;
}

/// How much of an experiment is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Whole,
    /// The same code with fewer steps, for a test.
    Small,
}

/// The protocol fee of all deployments, in basis points: what `bpe deploy` sets without being told.
pub const FEE_BPS: u64 = 10;

/// What the bank has, in whole USDCx. 1e10 are more than anybody streams here, and far from where int96 ends.
const BANK_FUNDS: u64 = 10_000_000_000;
/// The devnet's account that pays everybody. 9 belongs to Superfluid.
const BANK: usize = 5;
/// USDC has 6 decimals, USDCx 18.
const USDCX_PER_USDC: u64 = 1_000_000_000_000;

pub struct Lab {
    stage: Box<dyn Stage>,
    pub seed: u64,
    pub size: Size,
    suites: BTreeMap<Curve, (Suite, u64)>,
}

impl Lab {
    pub fn new(stage: Box<dyn Stage>, seed: u64, size: Size) -> Self {
        Self {
            stage,
            seed,
            size,
            suites: BTreeMap::new(),
        }
    }

    /// A chain on which the suite has just been deployed, and nobody has done anything.
    ///
    /// # Errors
    /// If it cannot be deployed.
    pub async fn fresh(&mut self, curve: Curve) -> anyhow::Result<Suite> {
        let suite = match self.suites.remove(&curve) {
            Some((suite, snapshot)) => {
                anyhow::ensure!(
                    suite.devnet.revert(snapshot),
                    "the devnet lost its snapshot"
                );
                suite
            }
            None => {
                let plan = Plan {
                    curve,
                    task_types: &TASK_TYPES,
                    fee_bps: FEE_BPS,
                };
                let suite = self.stage.deploy(&plan).await?;
                fill_bank(&suite).await?;
                suite
            }
        };
        let snapshot = suite.devnet.snapshot();
        self.suites.insert(curve, (suite.clone(), snapshot));
        Ok(suite)
    }

    /// Random numbers of their own for each `purpose`: one experiment more or less changes no other one.
    pub fn random(&self, purpose: &str) -> Dispatcher {
        let hash = keccak256(purpose);
        let mut word = [0; 8];
        word.copy_from_slice(&hash[..8]);
        Dispatcher::new(self.seed ^ u64::from_be_bytes(word))
    }

    /// The whole number for the whole evaluation, or the small one.
    pub fn sized(&self, whole: u64, small: u64) -> u64 {
        match self.size {
            Size::Whole => whole,
            Size::Small => small,
        }
    }

    pub fn is_small(&self) -> bool {
        self.size == Size::Small
    }
}

/// Makes all the USDCx there will be.
async fn fill_bank(suite: &Suite) -> anyhow::Result<()> {
    let (devnet, bank) = (&suite.devnet, bank(suite));
    let usdc = ITestToken::new(suite.superfluid.usdc, devnet.provider());
    let amount = tokens(BANK_FUNDS);
    let underlying = amount / U256::from(USDCX_PER_USDC);
    send(devnet, usdc.mint(bank, underlying), "mint USDC").await?;
    let approve = usdc.approve(suite.superfluid.usdcx, underlying).from(bank);
    send(devnet, approve, "approve USDC").await?;
    let wrap = suite.usdcx.upgrade(amount).from(bank);
    send(devnet, wrap, "wrap USDC").await.map(drop)
}

/// Where everybody's money comes from.
pub fn bank(suite: &Suite) -> Address {
    suite.devnet.account(BANK)
}
