//! What must hold after every action.

use std::collections::BTreeMap;

use alloy::{
    primitives::{address, Address, Bytes, B256, I256, U256},
    sol,
};
use bpe_abi::IEscrowBuffer::IEscrowBufferErrors;
use bpe_tests::{
    settlement::{rate, usdcx, RATE},
    stage::mined,
    suite::tokens,
};

use super::{World, CAPITAL, IDS};

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
    /// What each sink could have been paid at most until now, in wei.
    could: BTreeMap<Address, U256>,
    /// When that was.
    time: u64,
    sinks: BTreeMap<(B256, Address), Place>,
    /// What a source has paid into a pool at once, since the last look.
    at_once: BTreeMap<B256, u128>,
    /// What was waiting in escrow at the last look, less what the pool had paid it.
    waiting: BTreeMap<B256, I256>,
    /// What sources have got beside what they had, in whole USDCx.
    pub funded: u64,
}

/// A sink's place in a task type, as it was at the last look.
#[derive(Clone, Copy, Default)]
struct Place {
    registered: bool,
    /// What the pool streamed to it, wei per second.
    flow: u128,
    /// What the pool has paid to it since ever, in wei.
    paid: U256,
}

impl Ledger {
    /// A wei that `sink` got as a present.
    pub fn given(&mut self, sink: Address) {
        *self.could.entry(sink).or_default() += U256::from(1);
    }

    pub fn paid_at_once(&mut self, id: B256, amount: u128) {
        *self.at_once.entry(id).or_default() += amount;
    }
}

impl World {
    pub(super) async fn begin(&mut self) {
        self.ledger.time = self.it.base.devnet.timestamp();
        for account in self.payees() {
            let wealth = self.wealth(account).await;
            self.ledger.wealth.insert(account, wealth);
        }
        self.look("begin").await;
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
        let mut claimable = I256::ZERO;
        for id in IDS {
            let pool = it.pool(id).await;
            let now = pool.getClaimableNow(account).call().await.unwrap();
            claimable += now.claimableBalance;
        }
        let credit = it.escrow.credits(account).call().await.unwrap();
        balance.availableBalance
            + I256::try_from(balance.deposit).unwrap()
            + claimable
            + I256::try_from(credit).unwrap()
    }

    pub(super) async fn check(&mut self, what: &str) {
        for id in IDS {
            self.check_registry(what, id).await;
            self.check_units(what, id).await;
        }
        self.check_stakes(what).await;
        self.check_solvency(what).await;
        self.check_wealth(what).await;
    }

    /// SPEC §5, 2: capacities add up.
    async fn check_registry(&self, what: &str, id: B256) {
        let base = &self.it.base;
        let listed = base.registry.getSinks(id).call().await.unwrap();
        let sum: U256 = listed.capacities.iter().sum();
        let task_type = base.registry.getTaskType(id).call().await.unwrap();
        assert_eq!(sum, task_type.totalCapacity, "{what}");
    }

    /// SPEC §5, 1: stakes are there.
    async fn check_stakes(&self, what: &str) {
        let base = &self.it.base;
        let mut staked = U256::ZERO;
        for sink in &self.sinks {
            staked += base.stakes.getStake(*sink).call().await.unwrap();
        }
        let held = base.token.balanceOf(*base.stakes.address()).call().await;
        assert!(held.unwrap() >= staked, "{what}");
    }

    /// SPEC §5, 3: nobody has units who is not registered, and all units are somebody's.
    async fn check_units(&self, what: &str, id: B256) {
        let it = &self.it;
        let pool = it.pool(id).await;
        let mut sum = 0;
        for sink in &self.sinks {
            let units = pool.getUnits(*sink).call().await.unwrap();
            let registered = it.base.registry.isRegistered(id, *sink);
            let registered = registered.call().await.unwrap();
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
        let stranger = pool.getUnits(self.passer_by.address).call().await.unwrap();
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
        let mut claimable = I256::ZERO;
        for id in IDS {
            let pool = it.pool(id).await;
            let now = pool.getClaimableNow(escrow).call().await.unwrap();
            claimable += now.claimableBalance;
        }
        let owed = I256::try_from(owed.booked + owed.credited).unwrap();
        assert!(
            balance + claimable >= owed,
            "{what}: {balance} + {claimable} of {owed}"
        );
    }

    /// SPEC §5, 8, and what the issue asks for: who pays nobody never loses; a sink is paid at most its part of
    /// what flowed, or waited, while it was there; and whoever neither streams nor serves never gains a wei.
    async fn check_wealth(&mut self, what: &str) {
        self.look(what).await;
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
        let passer_by = self.wealth(self.passer_by.address).await;
        let capital = I256::try_from(usdcx(CAPITAL)).unwrap();
        assert!(
            passer_by <= capital,
            "{what}: the passer-by has {passer_by}"
        );
        for nobody in [self.keeper, self.stranger, it.base.owner] {
            // Whoever liquidates is rewarded by Superfluid, out of the deposit of who let it come to that.
            let wealth = self.wealth(nobody).await;
            let rewards = usdcx(3 * super::FUNDS + self.ledger.funded);
            let rewards = I256::try_from(rewards).unwrap();
            let allowed = if nobody == self.keeper {
                rewards
            } else {
                I256::ZERO
            };
            assert!(wealth <= allowed, "{what}: {nobody} has {wealth}");
        }
    }

    /// What waits in the escrow, less what its pool has paid it ever: booking the latter changes nothing, drains lower it.
    async fn waiting(&self, id: B256) -> I256 {
        let (it, escrow) = (&self.it, *self.it.escrow.address());
        let level = it.escrow.bufferLevel(id).call().await.unwrap();
        let unbooked = it.escrow.sync(id).call().await.unwrap();
        let pool = it.pool(id).await;
        let received = pool.getTotalAmountReceivedByMember(escrow).call().await;
        let [waits, received] =
            [level + unbooked, received.unwrap()].map(|amount| I256::try_from(amount).unwrap());
        waits - received
    }

    /// Adds what may have been paid to whom since the last look: by the pool, its own part of what flowed, at the rate before
    /// or after the action, which came in one of the first seconds; from escrow, what waited while it was registered.
    async fn look(&mut self, what: &str) {
        let it = &self.it;
        let now = it.base.devnet.timestamp();
        let passed = u128::from(now - self.ledger.time);
        for id in IDS {
            let pool = it.pool(id).await;
            let at_once = self.ledger.at_once.remove(&id).unwrap_or_default();
            let waits = self.waiting(id).await;
            let waited = self.ledger.waiting.insert(id, waits).unwrap_or(waits);
            let left = U256::try_from(waited - waits).unwrap_or_default();
            for sink in &self.sinks {
                let before = self.ledger.sinks.get(&(id, *sink)).copied();
                let registered = it.base.registry.isRegistered(id, *sink);
                let flow = pool.getMemberFlowRate(*sink).call().await.unwrap();
                let paid = pool.getTotalAmountReceivedByMember(*sink).call().await;
                let place = Place {
                    registered: registered.call().await.unwrap(),
                    flow: flow.into_raw().to(),
                    paid: paid.unwrap(),
                };
                let before = before.unwrap_or(place);
                let streamed = U256::from(before.flow.max(place.flow) * passed + at_once);
                let received = place.paid - before.paid;
                assert!(
                    received <= streamed,
                    "{what}: {sink} was paid {received} of {streamed} wei"
                );
                let could = self.ledger.could.entry(*sink).or_default();
                *could += received;
                // What waited, and what the escrow took in with this action: a drain of it needs a place in the registry.
                if place.registered || before.registered {
                    *could += left;
                }
                self.ledger.sinks.insert((id, *sink), place);
            }
        }
        self.ledger.time = now;
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
        works!("sweep", pools.sweep());
        for id in IDS {
            works!("rebalance", pools.rebalance(id));
            works!("rebalanceOverflow", pools.rebalanceOverflow(id));
            works!("sync", escrow.sync(id));
            works!("attribute", escrow.attribute(id, self.sources.clone()));
            if let Err(error) = escrow.drain_0(id).from(keeper).call().await {
                let known = error.as_decoded_interface_error::<IEscrowBufferErrors>();
                let nothing = matches!(known, Some(IEscrowBufferErrors::NothingToDrain(_)));
                assert!(nothing, "{what}: drain: {error:?}");
            }
            for sink in &self.sinks {
                let registered = it.base.registry.isRegistered(id, *sink);
                if registered.call().await.unwrap() {
                    works!("rebalanceSink", pools.rebalanceSink(id, *sink));
                    let leave = it.base.registry.deregisterSink(id).from(*sink);
                    let refusal = leave.call().await.err();
                    assert!(refusal.is_none(), "{what}: {sink}: {refusal:?}");
                }
            }
            for source in &self.sources {
                works!("note", it.ledger.note(id, *source));
            }
            // Who has the money can open a stream, unless governance asks for more than it has.
            let parameters = it.gateway.createStream_0(id, rate(RATE)).call().await;
            assert!(parameters.is_ok(), "{what}: {parameters:?}");
        }
        self.check_ends(what).await;
    }

    /// A source can always close its stream, whatever has become of our programs.
    async fn check_ends(&self, what: &str) {
        let it = &self.it;
        let forwarder = it.superfluid.gda_forwarder();
        let token = it.superfluid.addresses.usdcx;
        for pool in self.superfluid_pools {
            for source in &self.sources {
                let end = forwarder.distributeFlow(token, *source, pool, rate(0), Bytes::new());
                let end = end.from(*source).call().await;
                assert!(
                    end.is_ok(),
                    "{what}: {source} cannot end its stream: {end:?}"
                );
            }
        }
    }

    /// While all programs have expired.
    pub(super) async fn check_expired(&self) {
        assert!(self.it.pools.getPool(IDS[0]).call().await.is_err());
        self.check_ends("all programs have expired").await;
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
