//! The invariants, after each of hundreds of random actions by random actors, with random waiting in between.
//!
//! `SETTLEMENT_ACTIONS=5000 cargo test -p bpe-tests --test settlement random` goes deeper.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    sol_types::SolCall,
};
use bpe_tests::{
    settlement::{rate, Settlement, RATE},
    stage::mined,
    suite::{tokens, units, CODE},
};
use devnet_superfluid::bindings::IConstantFlowAgreementV1;
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

/// Sends it if it would succeed; much is refused, and rightly.
macro_rules! attempt {
    ($call:expr) => {{
        let call = $call;
        match call.call().await {
            Ok(_) => {
                mined(call.send().await).await;
                true
            }
            Err(_) => false,
        }
    }};
}

struct World {
    it: Settlement,
    rng: TestRng,
    sinks: Vec<Address>,
    sources: Vec<Address>,
    keeper: Address,
    /// How often each action was carried out.
    done: [u32; ACTIONS],
}

const ACTIONS: usize = 18;

impl World {
    async fn new(seed: u8) -> Self {
        let it = Settlement::start().await;
        let mut sinks = Vec::new();
        for number in 0x31..0x37 {
            sinks.push(it.base.staked(number, 900).await);
        }
        let mut sources = Vec::new();
        for index in 3..6 {
            sources.push(it.source(index, 80).await);
        }
        let keeper = it.base.devnet.account(7);
        Self {
            it,
            rng: TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
            sinks,
            sources,
            keeper,
            done: [0; ACTIONS],
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    async fn act(&mut self) {
        let action = self.below(ACTIONS as u64) as usize;
        let (sink, source) = (
            self.sinks[self.rng.next_u64() as usize % self.sinks.len()],
            self.sources[self.rng.next_u64() as usize % self.sources.len()],
        );
        let capacity = units(1 + self.below(20));
        let flow = RATE * u128::from(1 + self.below(5)) / 2;
        let wait = self.below(2 * 3_600);
        let price = U256::from([0, RATE / 100, RATE / 10][self.below(3) as usize]);
        let it = &self.it;
        let (registry, pools) = (&it.base.registry, &it.pools);
        let (gateway, escrow) = (&it.gateway, &it.escrow);
        let (app, token) = (*it.streams.address(), it.superfluid.addresses.usdcx);
        let forwarder = it.superfluid.cfa_forwarder();
        let done = match action {
            0 | 1 => attempt!(registry.registerSink(CODE, capacity).from(sink)),
            2 => attempt!(registry.deregisterSink(CODE).from(sink)),
            3 => {
                it.base.devnet.mine(1).unwrap();
                attempt!(registry
                    .updateCapacityFromAggregator(CODE, sink, capacity)
                    .from(it.base.owner))
            }
            4 => attempt!(pools.rebalanceSink(CODE, sink).from(self.keeper)),
            5 => {
                let slash = it
                    .base
                    .stakes
                    .slash(sink, tokens(20), B256::ZERO)
                    .from(it.base.owner);
                attempt!(slash) && attempt!(registry.syncCapacity(CODE, sink))
            }
            6 | 7 => attempt!(gateway.createStream(CODE, rate(flow)).from(source)),
            8 => attempt!(gateway.updateStream(CODE, rate(flow)).from(source)),
            9 => attempt!(gateway.deleteStream(CODE).from(source)),
            10 => {
                let delete = forwarder.deleteFlow(token, source, app, Bytes::new());
                attempt!(delete.from(source))
            }
            11 => {
                let update = forwarder.updateFlow(token, source, app, rate(flow), Bytes::new());
                attempt!(update.from(source))
            }
            12 => {
                let delete = IConstantFlowAgreementV1::deleteFlowCall {
                    token,
                    sender: source,
                    receiver: app,
                    ctx: Bytes::new(),
                };
                let cfa = it.superfluid.addresses.cfa_v1;
                let host = it.superfluid.host();
                let liquidate = host.callAgreement(cfa, delete.abi_encode().into(), Bytes::new());
                attempt!(liquidate.from(self.keeper))
            }
            13 => attempt!(pools.rebalance(CODE).from(self.keeper)),
            14 => attempt!(pools.rebalanceOverflow(CODE).from(self.keeper)),
            15 => {
                let mut all = self.sources.clone();
                all.push(Address::ZERO);
                attempt!(escrow.sync(CODE, all).from(self.keeper))
                    && attempt!(escrow.drain(CODE).from(self.keeper))
            }
            16 => attempt!(gateway.withdraw(source)) && attempt!(escrow.sweep(CODE)),
            _ => attempt!(pools.setCapacityPrice(CODE, price).from(it.base.owner)),
        };
        self.done[action] += u32::from(done);
        self.it.advance(wait);
    }

    async fn check(&self) {
        self.check_registry().await;
        self.check_units().await;
        self.check_solvency().await;
    }

    async fn check_registry(&self) {
        let base = &self.it.base;
        let listed = base.registry.getSinks(CODE).call().await.unwrap();
        let sum: U256 = listed.capacities.iter().sum();
        let total = base
            .registry
            .getTaskType(CODE)
            .call()
            .await
            .unwrap()
            .totalCapacity;
        assert_eq!(sum, total);
        let mut staked = U256::ZERO;
        for sink in &self.sinks {
            staked += base.stakes.getStake(*sink).call().await.unwrap();
        }
        let held = base
            .token
            .balanceOf(*base.stakes.address())
            .call()
            .await
            .unwrap();
        assert!(held >= staked);
    }

    async fn check_units(&self) {
        let it = &self.it;
        let pool = it.pool(CODE).await;
        let mut sum = 0;
        for sink in &self.sinks {
            let units = pool.getUnits(*sink).call().await.unwrap();
            let registered = it
                .base
                .registry
                .isRegistered(CODE, *sink)
                .call()
                .await
                .unwrap();
            assert!(
                registered || units == 0,
                "{sink} left and has {units} units"
            );
            sum += units;
        }
        assert_eq!(
            it.pools.getSinkUnits(CODE).call().await.unwrap(),
            U256::from(sum)
        );
        for carve_out in [
            it.base.devnet.account(1),
            it.base.devnet.account(2),
            *it.escrow.address(),
        ] {
            sum += pool.getUnits(carve_out).call().await.unwrap();
        }
        let total = pool.getTotalUnits().call().await.unwrap();
        assert_eq!(total, sum);
        assert!(total > 0);
    }

    async fn check_solvency(&self) {
        let it = &self.it;
        let (app, token) = (*it.streams.address(), it.superfluid.addresses.usdcx);
        assert!(!it.superfluid.host().isAppJailed(app).call().await.unwrap());
        let net = it
            .superfluid
            .cfa()
            .getNetFlow(token, app)
            .call()
            .await
            .unwrap()
            + it.superfluid
                .gda()
                .getNetFlow(token, app)
                .call()
                .await
                .unwrap();
        assert!(net >= rate(0), "more flows out than in: {net}");
        let mut credit = U256::ZERO;
        let mut allocated = U256::ZERO;
        for source in &self.sources {
            let entry = it.streams.getSource(*source).call().await.unwrap();
            assert!(entry.allocated <= entry.inflow);
            credit += entry.credit;
            allocated += entry.allocated;
        }
        let pool = *it.pool(CODE).await.address();
        let outflow = it.streams.getOutflow(pool).call().await.unwrap();
        assert_eq!(outflow.flowRate, allocated);
        assert!(!outflow.halted);
        let has = it.superfluid.available(app).await;
        assert!(
            has >= credit.try_into().unwrap(),
            "{has} for credit of {credit}"
        );
        assert!(!it
            .superfluid
            .available(*it.pools.address())
            .await
            .is_negative());
        let owed = it.escrow.getLiabilities().call().await.unwrap();
        let holds = it.whole(*it.escrow.address()).await;
        assert!(U256::from(holds) >= owed.booked + owed.credited);
    }
}

async fn run(seed: u8) {
    let actions = std::env::var("SETTLEMENT_ACTIONS").map_or(400, |n| n.parse().unwrap());
    let mut world = World::new(seed).await;
    for number in 0..actions {
        world.act().await;
        world.check().await;
        if number % 500 == 499 {
            println!("seed {seed}: {} actions", number + 1);
        }
    }
    println!("seed {seed}, carried out by kind: {:?}", world.done);
    // A run in which some kind of action was never possible would show less than it says.
    let never = world.done.iter().filter(|done| **done == 0).count();
    assert!(actions < 200 || never <= 1, "{:?}", world.done);
}

#[tokio::test]
async fn invariants_hold_whatever_happens() {
    run(1).await;
}

#[tokio::test]
async fn invariants_hold_whatever_else_happens() {
    run(2).await;
}
