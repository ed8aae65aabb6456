//! The money path under random attack: after each of hundreds of random actions by all kinds of actors, with random waiting
//! in between, what must hold holds.
//!
//! | actors | what they do |
//! |---|---|
//! | sinks, one of them a contract with ERC-777 hooks | register, leave, change capacity, are slashed, claim, refuse tokens |
//! | sources | open, change and end streams by macro, by the GDA itself, too low ones too; pay at once; run out of money, are liquidated, get more; deposit, reclaim |
//! | a passer-by with half a million in capital | whole attacks within one transaction: huge streams around looks, rebalances, drains |
//! | a stranger | makes junk pools, of which our contracts are members, and connects them; sends tokens anywhere; attributes to a wrong list |
//! | keepers | rebalance, in pages too, sync, attribute, note, drain, in pages too, claim for sinks, sweep, disconnect |
//! | the owner | prices, fees, budgets, weighting by spare capacity, limits and timeouts of the buffer, a pipeline's limits |
//! | Superfluid's governance | minimum deposits |
//! | time | seconds to days; two years, after which all programs have expired and are activated again |
//!
//! All of it for two task types. A kind of action that never succeeds fails the test.
//!
//! `SETTLEMENT_ACTIONS=32 SETTLEMENT_RUNS=10000 cargo nextest run -p bpe-tests --test settlement random --no-capture` is the
//! deep run.

mod actions;
mod checks;

use std::{collections::BTreeMap, thread};

use alloy::primitives::{Address, B256, U256};
use bpe_abi::{IBackpressurePool, IEscrowBuffer, IStakeManager};
use bpe_tests::{
    settlement::Settlement,
    stage::mined,
    strangers::{step, PasserBy, Step},
    suite::{tokens, units, IStakeToken, CODE},
};
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

use checks::Ledger;

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
    passer_by: PasserBy,
    hooked: PasserBy,
    /// Those of [`IDS`], known here because programs expire.
    superfluid_pools: [Address; 2],
    /// Whether governance asks for a deposit that nobody has.
    raised: bool,
    /// The last junk pool.
    junk: Option<Address>,
    /// The task type that the action is about.
    id: B256,
    /// How often each kind of action was tried, and carried out.
    counts: BTreeMap<&'static str, [u32; 2]>,
    ledger: Ledger,
}

impl World {
    async fn new(seed: u64) -> Self {
        let it = Settlement::start().await;
        let mut sinks = Vec::new();
        for number in 0x31..0x36 {
            sinks.push(it.base.staked(number, 900).await);
        }
        // A sink that is a contract, and is called whenever it is paid.
        let hooked = PasserBy::deploy(&it).await;
        let sink = hooked.address;
        let (token, stakes) = (*it.base.token.address(), *it.base.stakes.address());
        mined(it.base.token.mint(sink, tokens(900)).send().await).await;
        let (spender, value, amount) = (stakes, U256::MAX, tokens(900));
        let approve = step(token, IStakeToken::approveCall { spender, value });
        let stake = step(stakes, IStakeManager::stakeCall { amount });
        hooked.act(vec![approve, stake]).await;
        it.base.devnet.impersonate(sink);
        it.base.devnet.set_balance(sink, tokens(1));
        sinks.push(sink);
        let mut sources = Vec::new();
        for index in 3..6 {
            sources.push(it.source(index, FUNDS).await);
        }
        let (keeper, stranger) = (it.base.devnet.account(6), it.base.devnet.account(8));
        let passer_by = PasserBy::with_capital(&it, CAPITAL).await;
        // An economy in which nobody serves shows nothing.
        let registry = &it.base.registry;
        mined(registry.registerTaskType(CHAT, U256::ZERO).send().await).await;
        mined(it.pools.createPool(CHAT).send().await).await;
        for (id, sink) in [(CODE, sinks[0]), (CODE, sink), (CHAT, sinks[1])] {
            let join = registry.registerSink(id, units(10)).from(sink);
            mined(join.send().await).await;
            mined(it.pools.rebalance(id).send().await).await;
        }
        let owner = it.base.owner;
        mined(it.pools.setPipeline(owner, true).send().await).await;
        let superfluid_pools = [
            *it.pool(CODE).await.address(),
            *it.pool(CHAT).await.address(),
        ];
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
            superfluid_pools,
            raised: false,
            junk: None,
            id: CODE,
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

    fn count_many(&mut self, kind: &'static str, times: u32) {
        self.counts.insert(kind, [times, times]);
    }
}

/// What the contract sink tries whenever tokens arrive.
#[allow(non_snake_case)]
fn on_receipt(it: &Settlement, sink: Address, task_type: B256) -> Vec<Step> {
    let (pools, escrow) = (*it.pools.address(), *it.escrow.address());
    let taskTypeId = task_type;
    vec![
        step(escrow, IEscrowBuffer::drain_0Call { taskTypeId }),
        step(escrow, IEscrowBuffer::claimForCall { sink }),
        step(
            pools,
            IBackpressurePool::rebalanceSinkCall { taskTypeId, sink },
        ),
        step(
            pools,
            IBackpressurePool::rebalanceOverflowCall { taskTypeId },
        ),
    ]
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
    let hooks: u32 = world.hooked.contract.hooks().call().await.unwrap().to();
    world.count_many("hooks of the contract sink, called", hooks);
    for (kind, [tried, done]) in world.counts {
        let [all, succeeded] = counts.entry(kind).or_default();
        *all += tried;
        *succeeded += done;
    }
}

/// Every other seed from `first` on.
fn every_other(first: u64) -> BTreeMap<&'static str, [u32; 2]> {
    let mut counts = BTreeMap::new();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for seed in (first..=setting("SETTLEMENT_RUNS", 2)).step_by(2) {
        runtime.block_on(run(seed, setting("SETTLEMENT_ACTIONS", 400), &mut counts));
        // A deep run that is cut short has shown so much.
        println!("seed {seed} is through");
    }
    counts
}

#[test]
fn invariants_hold_whatever_happens() {
    let other = thread::spawn(|| every_other(2));
    let mut counts = every_other(1);
    for (kind, [tried, done]) in other.join().expect("invariants hold") {
        let [all, succeeded] = counts.entry(kind).or_default();
        *all += tried;
        *succeeded += done;
    }
    println!("kind, tried, succeeded");
    for (kind, [tried, done]) in &counts {
        println!("{kind:44} {tried:6} {done:6}");
    }
    // A run in which some kind of action was never possible would show less than it says.
    let never = |(kind, [_, done]): &(&&str, &[u32; 2])| *done == 0 && !REFUSED.contains(*kind);
    let never: Vec<_> = counts.iter().filter(never).collect();
    let actions = setting("SETTLEMENT_RUNS", 2) * setting("SETTLEMENT_ACTIONS", 400);
    assert!(actions < 800 || never.is_empty(), "never: {never:?}");
}

/// Sinks have credits only where the token refuses a payment. USDCx does not: `transfer` of Superfluid 1.15.2 calls no hook.
const REFUSED: [&str; 2] = ["sink claims", "claimFor"];

/// The other task type of the model, beside [`CODE`].
const CHAT: B256 = B256::repeat_byte(0xca);

/// Both.
const IDS: [B256; 2] = [CODE, CHAT];
