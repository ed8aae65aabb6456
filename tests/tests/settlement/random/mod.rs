//! The money path under random attack: after each of hundreds of random actions by all kinds of actors, with random waiting
//! in between, what must hold holds.
//!
//! | actors | what they do |
//! |---|---|
//! | sinks, one of them a contract with ERC-777 hooks | register, leave, change capacity, are slashed, claim |
//! | sources | open, change and end streams by macro, by the GDA itself, too low ones too; are liquidated |
//! | a passer-by with half a million in capital | whole attacks within one transaction: huge streams around looks, rebalances, drains |
//! | a stranger | makes junk pools, of which our contracts are members, and connects them |
//! | keepers | rebalance, sync, attribute, note, drain, sweep |
//! | the owner | prices, fees, budgets |
//! | Superfluid's governance | minimum deposits |
//! | time | seconds to days; two years, after which all programs have expired and are activated again |
//!
//! `SETTLEMENT_ACTIONS=32 SETTLEMENT_RUNS=10000 cargo nextest run -p bpe-tests --test settlement random --no-capture` is the
//! deep run.

mod actions;
mod checks;

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    providers::DynProvider,
    sol,
    sol_types::SolCall,
};
use bpe_tests::{
    settlement::Settlement,
    solidity,
    stage::mined,
    suite::{tokens, CODE},
};
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

use checks::Ledger;

sol! {
    /// `tests/contracts/PasserBy.sol`.
    #[sol(rpc)]
    interface IPasserBy {
        struct Step {
            address target;
            bytes data;
        }
        function act(Step[] calldata steps) external;
        function arm(Step[] calldata steps, bool refuses) external;
        function hooks() external view returns (uint256);
    }
}

type Contract = IPasserBy::IPasserByInstance<DynProvider>;

/// What of the passer-by's money there is at the beginning, in whole USDCx.
const CAPITAL: u64 = 500_000;
/// What each source has.
const FUNDS: u64 = 400;

pub struct World {
    it: Settlement,
    rng: TestRng,
    sinks: Vec<Address>,
    sources: Vec<Address>,
    keeper: Address,
    stranger: Address,
    passer_by: Contract,
    hooked: Contract,
    /// How often each kind of action was tried, and carried out.
    counts: BTreeMap<&'static str, [u32; 2]>,
    ledger: Ledger,
}

/// A call as a step of a contract.
fn step<C: SolCall>(target: Address, call: C) -> IPasserBy::Step {
    IPasserBy::Step {
        target,
        data: Bytes::from(call.abi_encode()),
    }
}

async fn contract(it: &Settlement) -> Contract {
    let compiled = solidity::compile("PasserBy.sol", "PasserBy").await;
    let provider = &it.base.provider;
    let address = solidity::deploy(provider, &compiled, &[]).await;
    IPasserBy::new(address, provider.clone())
}

impl World {
    async fn new(seed: u64) -> Self {
        let it = Settlement::start().await;
        let mut sinks = Vec::new();
        for number in 0x31..0x36 {
            sinks.push(it.base.staked(number, 900).await);
        }
        // A sink that is a contract, and is called whenever it is paid.
        let hooked = contract(&it).await;
        let sink = *hooked.address();
        let token = &it.base.token;
        mined(token.mint(sink, tokens(900)).send().await).await;
        let steps = vec![
            step(
                *token.address(),
                bpe_tests::suite::IStakeToken::approveCall {
                    spender: *it.base.stakes.address(),
                    value: U256::MAX,
                },
            ),
            step(
                *it.base.stakes.address(),
                bpe_abi::IStakeManager::stakeCall {
                    amount: tokens(900),
                },
            ),
        ];
        mined(hooked.act(steps).send().await).await;
        it.base.devnet.impersonate(sink);
        it.base.devnet.set_balance(sink, tokens(1));
        sinks.push(sink);
        let mut sources = Vec::new();
        for index in 3..6 {
            sources.push(it.source(index, FUNDS).await);
        }
        let (keeper, stranger) = (it.base.devnet.account(7), it.base.devnet.account(8));
        let passer_by = contract(&it).await;
        it.superfluid.fund(keeper, CAPITAL).await;
        let capital = U256::from(bpe_tests::settlement::usdcx(CAPITAL));
        let pay = it.superfluid.usdcx();
        let pay = pay.transfer(*passer_by.address(), capital);
        mined(pay.from(keeper).send().await).await;
        // An economy in which nobody serves shows nothing.
        let registry = &it.base.registry;
        let capacity = bpe_tests::suite::units(10);
        mined(
            registry
                .registerSink(CODE, capacity)
                .from(sinks[0])
                .send()
                .await,
        )
        .await;
        mined(it.pools.rebalance(CODE).send().await).await;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut world = Self {
            it,
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
            sinks,
            sources,
            keeper,
            stranger,
            passer_by,
            hooked,
            counts: BTreeMap::new(),
            ledger: Ledger::default(),
        };
        world.begin().await;
        world
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn pick(&mut self, of: &[Address]) -> Address {
        of[self.below(of.len() as u64) as usize]
    }

    fn count(&mut self, kind: &'static str, done: bool) {
        let [tried, succeeded] = self.counts.entry(kind).or_default();
        *tried += 1;
        *succeeded += u32::from(done);
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

async fn run(seed: u64, actions: u64, counts: &mut BTreeMap<&'static str, [u32; 2]>) {
    let mut world = World::new(seed).await;
    for number in 0..actions {
        let kind = world.act().await;
        world
            .check(&format!("seed {seed}, action {number}, {kind}"))
            .await;
        // Asking for everything that can be called takes its time.
        if number % 8 == 7 || number + 1 == actions {
            world
                .check_calls(&format!("seed {seed}, action {number}, {kind}"))
                .await;
        }
    }
    let hooks = world.hooked.hooks().call().await.unwrap();
    *counts
        .entry("hooks of the contract sink, called")
        .or_default() = [hooks.to(), hooks.to()];
    for (kind, [tried, done]) in world.counts {
        let [all, succeeded] = counts.entry(kind).or_default();
        *all += tried;
        *succeeded += done;
    }
}

async fn runs(first: u64) {
    let (actions, runs) = (
        setting("SETTLEMENT_ACTIONS", 400),
        setting("SETTLEMENT_RUNS", 1),
    );
    let mut counts = BTreeMap::new();
    for seed in first..first + runs {
        run(seed, actions, &mut counts).await;
    }
    println!("{runs} runs of {actions} actions: kind, tried, succeeded");
    for (kind, [tried, done]) in &counts {
        println!("{kind:44} {tried:6} {done:6}");
    }
    // A run in which some kind of action was never possible would show less than it says.
    let never: Vec<_> = counts.iter().filter(|(_, [_, done])| *done == 0).collect();
    assert!(runs * actions < 400 || never.len() <= 3, "never: {never:?}");
}

#[tokio::test]
async fn invariants_hold_whatever_happens() {
    runs(1).await;
}

#[tokio::test]
async fn invariants_hold_whatever_else_happens() {
    runs(1_000_001).await;
}

/// The task type of the model.
const ID: B256 = CODE;
