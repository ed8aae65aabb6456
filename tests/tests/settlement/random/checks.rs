//! What must hold after every action.

use std::collections::BTreeMap;

use alloy::{
    primitives::{address, Address, Bytes, I256, U256},
    sol,
};
use bpe_abi::IEscrowBuffer::IEscrowBufferErrors;
use bpe_tests::{
    settlement::{rate, usdcx, RATE},
    stage::mined,
    suite::tokens,
};

use super::{World, CAPITAL, ID};

sol! {
    #[sol(rpc)]
    interface IArbWasm {
        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
    }
}

const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");

/// What is remembered from check to check.
#[derive(Default)]
pub struct Ledger {
    /// What each account that pays nothing had: sinks, fee recipient, reviewer.
    wealth: BTreeMap<Address, I256>,
    /// What each sink could have been paid at most until now: all that flowed while it was registered, in wei.
    could: BTreeMap<Address, U256>,
    /// When that was.
    time: u64,
    /// What flowed into the pool then, wei per second.
    flow: u128,
    registered: BTreeMap<Address, bool>,
}

impl World {
    pub(super) async fn begin(&mut self) {
        self.ledger.time = self.it.base.devnet.timestamp();
        for account in self.payees() {
            let wealth = self.wealth(account).await;
            self.ledger.wealth.insert(account, wealth);
        }
        self.look().await;
    }

    /// Accounts that are paid and pay nobody.
    fn payees(&self) -> Vec<Address> {
        let devnet = &self.it.base.devnet;
        let mut all = self.sinks.clone();
        all.extend([devnet.account(1), devnet.account(2)]);
        all
    }

    /// Every wei of an account: what it can send, its deposits, what it can claim of the pool and of the escrow.
    async fn wealth(&self, account: Address) -> I256 {
        let it = &self.it;
        let balance = it
            .superfluid
            .usdcx()
            .realtimeBalanceOfNow(account)
            .call()
            .await;
        let balance = balance.unwrap();
        let pool = it.pool(ID).await;
        let claimable = pool
            .getClaimableNow(account)
            .call()
            .await
            .unwrap()
            .claimableBalance;
        let credit = it.escrow.credits(account).call().await.unwrap();
        balance.availableBalance
            + I256::try_from(balance.deposit).unwrap()
            + claimable
            + I256::try_from(credit).unwrap()
    }

    pub(super) async fn check(&mut self, what: &str) {
        self.check_registry(what).await;
        self.check_units(what).await;
        self.check_solvency(what).await;
        self.check_wealth(what).await;
    }

    /// SPEC §5, 1 and 2: stakes are there, and capacities add up.
    async fn check_registry(&self, what: &str) {
        let base = &self.it.base;
        let listed = base.registry.getSinks(ID).call().await.unwrap();
        let sum: U256 = listed.capacities.iter().sum();
        let task_type = base.registry.getTaskType(ID).call().await.unwrap();
        assert_eq!(sum, task_type.totalCapacity, "{what}");
        let mut staked = U256::ZERO;
        for sink in &self.sinks {
            staked += base.stakes.getStake(*sink).call().await.unwrap();
        }
        let held = base.token.balanceOf(*base.stakes.address()).call().await;
        assert!(held.unwrap() >= staked, "{what}");
    }

    /// SPEC §5, 3: nobody has units who is not registered, and all units are somebody's.
    async fn check_units(&self, what: &str) {
        let it = &self.it;
        let pool = it.pool(ID).await;
        let mut sum = 0;
        for sink in &self.sinks {
            let units = pool.getUnits(*sink).call().await.unwrap();
            let registered = it
                .base
                .registry
                .isRegistered(ID, *sink)
                .call()
                .await
                .unwrap();
            assert!(
                registered || units == 0,
                "{what}: {sink} left and has {units} units"
            );
            sum += units;
        }
        assert!(sum <= 4_000_000_000, "{what}: {sum} units of sinks");
        let (fee, reviewer) = (it.base.devnet.account(1), it.base.devnet.account(2));
        for carve_out in [fee, reviewer, *it.escrow.address()] {
            sum += pool.getUnits(carve_out).call().await.unwrap();
        }
        let total = pool.getTotalUnits().call().await.unwrap();
        assert_eq!(total, sum, "{what}");
        assert!(
            total > 0 && total <= 1_000_000_000_000,
            "{what}: {total} units"
        );
        let stranger = pool
            .getUnits(*self.passer_by.address())
            .call()
            .await
            .unwrap();
        assert_eq!(stranger, 0, "{what}");
    }

    /// SPEC §5, 1 and 7: the escrow has what it owes, and the pools' admin never owes anything.
    async fn check_solvency(&self, what: &str) {
        let it = &self.it;
        let admin = it.superfluid.available(*it.pools.address()).await;
        assert!(!admin.is_negative(), "{what}: {admin}");
        let owed = it.escrow.getLiabilities().call().await.unwrap();
        let escrow = *it.escrow.address();
        let balance = it.superfluid.available(escrow).await;
        let pool = it.pool(ID).await;
        let claimable = pool
            .getClaimableNow(escrow)
            .call()
            .await
            .unwrap()
            .claimableBalance;
        let owed = I256::try_from(owed.booked + owed.credited).unwrap();
        assert!(
            balance + claimable >= owed,
            "{what}: {balance} + {claimable} of {owed}"
        );
    }

    /// SPEC §5, 8, and what the issue asks for: who pays nobody never loses; a sink is paid at most what flowed while it was
    /// there, or waited from before; and whoever neither streams nor serves never gains a wei.
    async fn check_wealth(&mut self, what: &str) {
        self.look().await;
        for account in self.payees() {
            let now = self.wealth(account).await;
            let before = self.ledger.wealth.insert(account, now).unwrap_or_default();
            assert!(now >= before, "{what}: {account} had {before}, has {now}");
        }
        for sink in &self.sinks {
            let (has, could) = (self.ledger.wealth[sink], self.ledger.could[sink]);
            let could = I256::try_from(could).unwrap();
            assert!(has <= could, "{what}: {sink} has {has}, of {could} at most");
        }
        let it = &self.it;
        let passer_by = self.wealth(*self.passer_by.address()).await;
        let capital = I256::try_from(usdcx(CAPITAL)).unwrap();
        assert!(
            passer_by <= capital,
            "{what}: the passer-by has {passer_by}"
        );
        for nobody in [self.keeper, self.stranger, it.base.owner] {
            // Whoever liquidates is rewarded by Superfluid, out of the deposit of who let it come to that.
            let wealth = self.wealth(nobody).await;
            let rewards = I256::try_from(usdcx(3 * super::FUNDS)).unwrap();
            let allowed = if nobody == self.keeper {
                rewards
            } else {
                I256::ZERO
            };
            assert!(wealth <= allowed, "{what}: {nobody} has {wealth}");
        }
    }

    /// Adds what may have flowed to whom since the last look.
    async fn look(&mut self) {
        let it = &self.it;
        let now = it.base.devnet.timestamp();
        let flow = it.pool(ID).await.getTotalFlowRate().call().await.unwrap();
        let flow: u128 = flow.into_raw().to();
        let passed = now - self.ledger.time;
        // The rate changed at most once in between, in one of its first seconds.
        let flowed = U256::from(flow.max(self.ledger.flow)) * U256::from(passed);
        let escrow = it.escrow.bufferLevel(ID).call().await.unwrap();
        for sink in &self.sinks {
            let registered = it
                .base
                .registry
                .isRegistered(ID, *sink)
                .call()
                .await
                .unwrap();
            let was = self
                .ledger
                .registered
                .insert(*sink, registered)
                .unwrap_or(registered);
            let could = self.ledger.could.entry(*sink).or_default();
            if registered || was {
                *could += flowed;
            }
            // What waited from before may be paid to it as well.
            if registered && !was {
                *could += escrow;
            }
        }
        (self.ledger.time, self.ledger.flow) = (now, flow);
    }

    /// What could be called before can be called now: by keepers, sources, sinks. Refusals are those that say that there is
    /// nothing to do.
    pub(super) async fn check_calls(&self, what: &str) {
        let it = &self.it;
        let (pools, escrow, keeper) = (&it.pools, &it.escrow, self.keeper);
        macro_rules! works {
            ($name:literal, $call:expr) => {{
                let result = $call.from(keeper).call().await;
                assert!(result.is_ok(), "{what}: {}: {:?}", $name, result.err());
            }};
        }
        works!("rebalance", pools.rebalance(ID));
        works!("rebalanceOverflow", pools.rebalanceOverflow(ID));
        works!("sweep", pools.sweep());
        works!("sync", escrow.sync(ID));
        works!("attribute", escrow.attribute(ID, self.sources.clone()));
        if let Err(error) = escrow.drain_0(ID).from(keeper).call().await {
            let known = error.as_decoded_interface_error::<IEscrowBufferErrors>();
            let nothing = matches!(known, Some(IEscrowBufferErrors::NothingToDrain(_)));
            assert!(nothing, "{what}: drain: {error:?}");
        }
        for sink in &self.sinks {
            if it
                .base
                .registry
                .isRegistered(ID, *sink)
                .call()
                .await
                .unwrap()
            {
                works!("rebalanceSink", pools.rebalanceSink(ID, *sink));
                let leave = it.base.registry.deregisterSink(ID).from(*sink).call().await;
                assert!(
                    leave.is_ok(),
                    "{what}: {sink} cannot leave: {:?}",
                    leave.err()
                );
            }
        }
        let forwarder = it.superfluid.gda_forwarder();
        let (token, pool) = (it.superfluid.addresses.usdcx, *it.pool(ID).await.address());
        for source in &self.sources {
            works!("note", it.ledger.note(ID, *source));
            // A source can always close its stream.
            let end = forwarder.distributeFlow(token, *source, pool, rate(0), Bytes::new());
            let end = end.from(*source).call().await;
            assert!(
                end.is_ok(),
                "{what}: {source} cannot end its stream: {end:?}"
            );
            // And one with money can open one, unless governance asks for more than it has.
            let parameters = it.gateway.createStream_0(ID, rate(RATE)).call().await;
            assert!(parameters.is_ok(), "{what}: {parameters:?}");
        }
    }

    /// Activates all programs again, as anyone can.
    pub(super) async fn activate(&self) {
        let it = &self.it;
        let provider = &it.base.provider;
        let wasm = IArbWasm::new(ARB_WASM, provider);
        for program in [
            *it.base.stakes.address(),
            *it.base.registry.address(),
            *it.pools.address(),
            *it.meter.address(),
            *it.escrow.address(),
            *it.ledger.address(),
            *it.gateway.address(),
        ] {
            let activate = wasm.activateProgram(program).value(tokens(1));
            mined(activate.from(it.base.owner).send().await).await;
        }
    }
}
