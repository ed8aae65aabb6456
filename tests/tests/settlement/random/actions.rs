//! What actors do.

use alloy::{
    primitives::{Address, Bytes, B256, I256, U256},
    sol,
    sol_types::SolCall,
};
use bpe_abi::{IBackpressurePool, ICapacityRegistry, IEscrowBuffer, IWorkLedger};
use bpe_tests::{
    settlement::{rate, usdcx, RATE},
    stage::mined,
    strangers::{step, Step, ENOUGH_GAS},
    suite::{tokens, units},
};
use devnet_superfluid::bindings::{IGeneralDistributionAgreementV1, ITestGovernance};

use super::{on_receipt, World, CHAT, IDS};

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

sol! {
    #[sol(rpc)]
    interface IERC777 {
        function send(address recipient, uint256 amount, bytes calldata userData) external;
    }
}

/// The number of what governance does.
const GOVERNANCE: u64 = 28;

/// Deploys Superfluid on the saved chain, and owns its governance.
const GOVERNOR: usize = 9;

impl World {
    /// Returns the kind of what was done.
    pub(super) async fn act(&mut self) -> &'static str {
        self.id = IDS[usize::from(self.below(3) == 0)];
        // A market in which nobody can open a stream shows little.
        let what = match self.raised && self.below(4) == 0 {
            true => GOVERNANCE,
            false => self.below(30),
        };
        let (kind, done) = match what {
            0..=4 => self.sink_acts().await,
            5..=12 => self.source_acts().await,
            13..=14 => self.depositor_acts().await,
            15..=20 => self.keeper_acts().await,
            21..=23 => self.passer_by_acts().await,
            24..=25 => self.stranger_acts().await,
            26..=27 => self.owner_acts().await,
            GOVERNANCE => self.governance_acts().await,
            _ => self.time_passes().await,
        };
        self.count(kind, done);
        let wait = match self.below(8) {
            0 => self.below(3 * 86_400),
            1..=3 => self.below(60),
            _ => self.below(2 * 3_600),
        };
        self.it.advance(wait);
        kind
    }

    async fn sink_acts(&mut self) -> (&'static str, bool) {
        let sinks = self.sinks.clone();
        let sink = self.pick(&sinks);
        let capacity = units(1 + self.below(20));
        let what = self.below(8);
        let dust = self.below(4) == 0;
        let (refuses, hooks) = (self.below(3) == 0, self.below(5) as usize);
        let (base, pools) = (&self.it.base, &self.it.pools);
        let registry = &base.registry;
        match what {
            0 | 1 => {
                // Of a sink that joins with next to nothing, too.
                let capacity = if dust { U256::from(1) } else { capacity };
                let join = registry.registerSink(self.id, capacity).from(sink);
                ("sink registers", attempt!(join))
            }
            2 => {
                let mut done = false;
                for sink in [sink].iter().chain(&sinks) {
                    done = done || attempt!(registry.deregisterSink(self.id).from(*sink));
                }
                ("sink leaves", done)
            }
            3 => {
                base.devnet.mine(1).unwrap();
                let update = registry.updateCapacityFromAggregator(self.id, sink, capacity);
                ("capacity attested", attempt!(update.from(base.owner)))
            }
            4 => {
                let slash = base.stakes.slash(sink, tokens(20), B256::ZERO);
                let done = attempt!(slash.from(base.owner));
                (
                    "sink slashed",
                    done && attempt!(registry.syncCapacity(self.id, sink)),
                )
            }
            5 => {
                let hooked = &self.hooked;
                let mut steps = on_receipt(&self.it, hooked.address, self.id);
                steps.truncate(hooks);
                let arm = hooked.contract.arm(steps, refuses);
                ("contract sink sets its hooks", attempt!(arm))
            }
            6 => {
                let escrow = &self.it.escrow;
                let mut done = false;
                for sink in &sinks {
                    done |= attempt!(escrow.claim().from(*sink));
                }
                ("sink claims", done)
            }
            _ => (
                "rebalanceSink",
                attempt!(pools.rebalanceSink(self.id, sink).from(sink)),
            ),
        }
    }

    async fn source_acts(&mut self) -> (&'static str, bool) {
        let sources = self.sources.clone();
        let source = self.pick(&sources);
        let flow = rate(RATE * u128::from(1 + self.below(5)) / 2);
        let what = self.below(12);
        let owes = self.it.superfluid.available(source).await;
        if owes < I256::try_from(usdcx(60)).unwrap() && self.below(4) > 0 {
            return self.top_up(source, owes).await;
        }
        // Mostly to those who have no stream yet, or one to change.
        let id = self.id;
        let streaming = self.it.rate_of(source, id).await > 0;
        let it = &self.it;
        let (token, pool) = (it.superfluid.addresses.usdcx, self.pool_of(id).await);
        let forwarder = it.superfluid.gda_forwarder();
        let gateway = &it.gateway;
        let by_macro = |parameters| {
            let run = it.macros.runMacro(*gateway.address(), parameters);
            run.from(source)
        };
        match what {
            0..=2 if !streaming => {
                let parameters = gateway.createStream_0(id, flow).call().await.unwrap();
                ("stream opened by macro", attempt!(by_macro(parameters)))
            }
            0..=3 => {
                let parameters = gateway.updateStream(id, flow).call().await.unwrap();
                ("stream changed by macro", attempt!(by_macro(parameters)))
            }
            4 => {
                let parameters = gateway.deleteStream(id).call().await.unwrap();
                let mut done = false;
                for source in [source].iter().chain(&sources) {
                    let end = by_macro(parameters.clone()).from(*source);
                    done = done || attempt!(end);
                }
                ("stream ended by macro", done)
            }
            5 => {
                let change = forwarder.distributeFlow(token, source, pool, flow, Bytes::new());
                ("stream set at Superfluid", attempt!(change.from(source)))
            }
            6 => {
                let minimum = gateway.getMinimumFlowRate(id).call().await.unwrap();
                let low = rate(minimum.to::<u128>() - 1);
                let change = forwarder.distributeFlow(token, source, pool, low, Bytes::new());
                ("stream below the minimum", attempt!(change.from(source)))
            }
            7 => {
                let amount = usdcx(1);
                let pay =
                    forwarder.distribute(token, source, pool, U256::from(amount), Bytes::new());
                let done = attempt!(pay.from(source));
                self.ledger.paid_at_once(id, if done { amount } else { 0 });
                ("source pays at once", done)
            }
            _ => {
                let mut done = false;
                for source in sources {
                    let end = self.liquidation(source, pool);
                    let gda = it.superfluid.addresses.gda_v1;
                    let host = it.superfluid.host();
                    let end = host.callAgreement(gda, end, Bytes::new());
                    done |= attempt!(end.from(self.keeper));
                }
                ("source liquidated", done)
            }
        }
    }

    /// What ends the stream of a source that owes, whoever calls.
    fn liquidation(&self, source: Address, pool: Address) -> Bytes {
        let end = IGeneralDistributionAgreementV1::distributeFlowCall {
            token: self.it.superfluid.addresses.usdcx,
            from: source,
            pool,
            requestedFlowRate: rate(0),
            ctx: Bytes::new(),
        };
        end.abi_encode().into()
    }

    pub(super) async fn pool_of(&self, id: B256) -> Address {
        *self.it.pool(id).await.address()
    }

    /// What has lost its money gets more, by Superfluid's macro.
    async fn top_up(&mut self, source: Address, has: I256) -> (&'static str, bool) {
        let owes: u128 = has.min(I256::ZERO).unsigned_abs().to();
        let amount = super::FUNDS + u64::try_from(owes / usdcx(1)).unwrap() + 1;
        let it = &self.it;
        let (usdc, usdcx_token) = (it.superfluid.usdc(), it.superfluid.addresses.usdcx);
        let underlying = U256::from(amount) * U256::from(1_000_000);
        mined(usdc.mint(source, underlying).send().await).await;
        let approve = usdc.approve(usdcx_token, underlying).from(source);
        mined(approve.send().await).await;
        let parameters = it.gateway.topUp(U256::from(usdcx(amount))).call().await;
        let run = it
            .macros
            .runMacro(*it.gateway.address(), parameters.unwrap());
        let done = attempt!(run.from(source));
        self.ledger.funded += amount;
        ("source tops up by macro", done)
    }

    /// Deposits of sources, and what they take back.
    async fn depositor_acts(&mut self) -> (&'static str, bool) {
        let sources = self.sources.clone();
        let source = self.pick(&sources);
        let what = self.below(2);
        let amount = U256::from(usdcx(1 + self.below(20)));
        let (it, id) = (&self.it, self.id);
        if what == 0 {
            let token = it.superfluid.usdcx();
            let approve = token.approve(*it.escrow.address(), amount).from(source);
            mined(approve.send().await).await;
            let deposit = it.escrow.deposit(id, amount).from(source);
            return ("source deposits by hand", attempt!(deposit));
        }
        let bounds = it.escrow.queueBounds(id).call().await.unwrap();
        let (head, tail): (u64, u64) = (bounds.head.to(), bounds.tail.to());
        for index in head..tail {
            let index = U256::from(index);
            let deposit = it.escrow.getDeposit(id, index).call().await.unwrap();
            if deposit.amount.is_zero() {
                continue;
            }
            let reclaim = it.escrow.reclaim(id, index).from(deposit.source);
            return ("source reclaims", attempt!(reclaim));
        }
        ("source reclaims", false)
    }

    async fn keeper_acts(&mut self) -> (&'static str, bool) {
        let sources = self.sources.clone();
        let source = self.pick(&sources);
        let (what, page) = (self.below(13), U256::from(1 + self.below(3)));
        let (it, keeper, id) = (&self.it, self.keeper, self.id);
        let (pools, escrow) = (&it.pools, &it.escrow);
        match what {
            0 => ("rebalance", attempt!(pools.rebalance(id).from(keeper))),
            1 => {
                let look = pools.rebalanceOverflow(id).from(keeper);
                ("rebalanceOverflow", attempt!(look))
            }
            2 => ("sync", attempt!(escrow.sync(id).from(keeper))),
            3 => ("note", attempt!(it.ledger.note(id, source).from(keeper))),
            4 | 5 => {
                for source in &sources {
                    mined(it.ledger.note(id, *source).from(keeper).send().await).await;
                }
                let attribute = escrow.attribute(id, sources);
                ("attribute", attempt!(attribute.from(keeper)))
            }
            6 | 7 => ("drain", attempt!(escrow.drain_0(id).from(keeper))),
            8 => {
                let drain = escrow.drain_1(id, page).from(keeper);
                ("drain of a page", attempt!(drain))
            }
            9 => {
                let pages = pools.rebalanceRange(id, page - U256::from(1), page);
                ("rebalance of a page", attempt!(pages.from(keeper)))
            }
            10 => {
                let mut done = false;
                for sink in &self.sinks {
                    done |= attempt!(escrow.claimFor(*sink).from(keeper));
                }
                ("claimFor", done)
            }
            11 => match self.junk {
                Some(junk) => {
                    let both = attempt!(escrow.disconnect(junk).from(keeper));
                    let done = attempt!(pools.disconnect(junk).from(keeper)) && both;
                    ("disconnect", done)
                }
                None => ("disconnect", false),
            },
            _ => ("sweep", attempt!(pools.sweep().from(keeper))),
        }
    }

    /// Whole attacks, of everything that anyone can call, between two changes of a huge stream of its own.
    async fn passer_by_acts(&mut self) -> (&'static str, bool) {
        let (sinks, sources) = (self.sinks.clone(), self.sources.clone());
        let (sink, source) = (self.pick(&sinks), self.pick(&sources));
        let pool = self.pool_of(self.id).await;
        // A deposit of four hours: all of the capital, or what a small pool needs.
        let huge = usdcx([400_000, 500][self.below(2) as usize]) / 15_000;
        let count = 1 + self.below(4);
        let mut steps = Vec::new();
        if self.below(4) > 0 {
            steps.push(self.passer_by.distribute(&self.it, pool, huge));
        }
        for _ in 0..count {
            steps.push(self.anything(sink, source));
            if self.below(4) == 0 {
                steps.push(self.passer_by.distribute(&self.it, pool, huge / 2));
            }
        }
        steps.push(self.passer_by.distribute(&self.it, pool, 0));
        if self.below(2) == 0 {
            steps.push(self.anything(sink, source));
        }
        // An estimate would be what suffices for all steps to fail.
        let act = self.passer_by.contract.act(steps).gas(ENOUGH_GAS);
        ("passer-by, all in one transaction", attempt!(act))
    }

    /// Something that anyone can call.
    fn anything(&mut self, sink: Address, source: Address) -> Step {
        let what = self.below(11);
        let it = &self.it;
        let [pools, escrow, ledger, registry] = [
            *it.pools.address(),
            *it.escrow.address(),
            *it.ledger.address(),
            *it.base.registry.address(),
        ];
        let id = self.id;
        match what {
            0 => step(
                pools,
                IBackpressurePool::rebalanceOverflowCall { taskTypeId: id },
            ),
            1 => step(pools, IBackpressurePool::rebalanceCall { taskTypeId: id }),
            2 => step(
                pools,
                IBackpressurePool::rebalanceSinkCall {
                    taskTypeId: id,
                    sink,
                },
            ),
            3 => step(pools, IBackpressurePool::sweepCall {}),
            4 => step(escrow, IEscrowBuffer::syncCall { taskTypeId: id }),
            5 => {
                let sources = vec![self.passer_by.address, source];
                step(
                    escrow,
                    IEscrowBuffer::attributeCall {
                        taskTypeId: id,
                        sources,
                    },
                )
            }
            6 => step(escrow, IEscrowBuffer::drain_0Call { taskTypeId: id }),
            7 => {
                let source = self.passer_by.address;
                step(
                    ledger,
                    IWorkLedger::noteCall {
                        taskTypeId: id,
                        source,
                    },
                )
            }
            8 => step(
                ledger,
                IWorkLedger::noteCall {
                    taskTypeId: id,
                    source,
                },
            ),
            9 => step(
                registry,
                ICapacityRegistry::syncCapacityCall {
                    taskTypeId: id,
                    sink,
                },
            ),
            _ => step(escrow, IEscrowBuffer::claimForCall { sink }),
        }
    }

    /// Junk pools, of which our contracts are members and to which they are connected; tokens sent anywhere; wrong lists.
    async fn stranger_acts(&mut self) -> (&'static str, bool) {
        let what = self.below(4);
        let (it, stranger) = (&self.it, self.stranger);
        let (pools, escrow) = (*it.pools.address(), *it.escrow.address());
        let pool = self.pool_of(self.id).await;
        match what {
            0 => {
                let victims = [escrow, pools, self.sinks[0]];
                self.junk = Some(it.junk_pool(stranger, &victims).await);
                ("junk pool connected to our contracts", true)
            }
            1 => {
                let source = self.sources[0];
                let receiver = [escrow, pools, *it.gateway.address()][self.below(3) as usize];
                let token = self.it.superfluid.usdcx();
                let send = token.transfer(receiver, U256::from(usdcx(1))).from(source);
                ("tokens sent to a contract", attempt!(send))
            }
            2 => {
                // By ERC-777, of which Superfluid calls the hooks; by ERC-20's `transfer` it calls none.
                let (sink, amount) = (self.hooked.address, U256::from(1));
                let token = IERC777::new(it.superfluid.addresses.usdcx, &it.base.provider);
                let mut done = false;
                for source in &self.sources {
                    let send = token.send(sink, amount, Bytes::new()).from(*source);
                    done = done || attempt!(send.gas(ENOUGH_GAS));
                }
                if done {
                    self.ledger.given(sink);
                }
                ("a wei sent to the contract sink", done)
            }
            _ => {
                let [source, other, _] = self.sources[..] else {
                    panic!("three sources")
                };
                let list = vec![stranger, source, Address::ZERO, pool, escrow, source, other];
                let attribute = it.escrow.attribute(self.id, list).from(stranger);
                ("attribute, a wrong list", attempt!(attribute))
            }
        }
    }

    async fn owner_acts(&mut self) -> (&'static str, bool) {
        let price = U256::from([0, RATE / 100, RATE / 10][self.below(3) as usize]);
        let fee = U256::from(self.below(101));
        let what = self.below(9);
        let limit = [U256::ZERO, units(5), U256::MAX, U256::MAX][self.below(4) as usize];
        let (weighting, hours) = (self.below(2) as u8, 1 + self.below(48));
        let it = &self.it;
        let (pools, owner) = (&it.pools, it.base.owner);
        match what {
            0 | 1 => {
                let set = pools.setCapacityPrice(self.id, price);
                ("owner sets a price", attempt!(set.from(owner)))
            }
            2 => {
                let set = pools.setProtocolFee(fee, it.base.devnet.account(1));
                ("owner sets the fee", attempt!(set.from(owner)))
            }
            3 | 4 => {
                let set = pools.setEffectiveCapacity(self.id, limit);
                ("pipeline sets a limit", attempt!(set.from(owner)))
            }
            5 => {
                let set = pools.setWeighting(CHAT, weighting);
                ("owner sets a weighting", attempt!(set.from(owner)))
            }
            6 => {
                let set = it.escrow.setBufferMax(self.id, price * U256::from(hours));
                ("owner limits a buffer", attempt!(set.from(owner)))
            }
            7 => {
                let set = it.escrow.setReclaimTimeout(U256::from(3_600 * hours));
                ("owner sets a timeout", attempt!(set.from(owner)))
            }
            _ => {
                let set = pools.setVerificationBudget(self.id, fee);
                ("owner sets a budget", attempt!(set.from(owner)))
            }
        }
    }

    async fn governance_acts(&mut self) -> (&'static str, bool) {
        let minimum = match self.raised {
            true => 0,
            false => [1, 100_000_000][self.below(2) as usize],
        };
        self.raised = minimum > 1;
        let minimum = U256::from(usdcx(minimum));
        let it = &self.it;
        let addresses = &it.superfluid.addresses;
        let governance = ITestGovernance::new(addresses.governance, &it.base.provider);
        let set = governance.setSuperTokenMinimumDeposit(addresses.host, addresses.usdcx, minimum);
        let governor = it.base.devnet.account(GOVERNOR);
        (
            "governance sets the minimum deposit",
            attempt!(set.from(governor)),
        )
    }

    /// Mostly a month. Sometimes two years: then all programs have expired, and anyone activates them again.
    async fn time_passes(&mut self) -> (&'static str, bool) {
        if self.below(4) > 0 {
            self.it.advance(30 * 86_400);
            return ("a month passes", true);
        }
        self.it.advance(2 * 365 * 86_400);
        self.check_expired().await;
        self.activate().await;
        ("two years pass, programs expire", true)
    }
}
