//! What actors do.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    sol_types::SolCall,
};
use bpe_abi::{IBackpressurePool, ICapacityRegistry, IEscrowBuffer, IWorkLedger};
use bpe_tests::{
    settlement::{rate, usdcx, RATE},
    stage::mined,
    suite::{tokens, units},
};
use devnet_superfluid::bindings::{
    IGDAv1Forwarder, IGeneralDistributionAgreementV1, ITestGovernance, PoolConfig,
};

use super::{step, IPasserBy, World, ID};

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

/// Deploys Superfluid on the saved chain, and owns its governance.
const GOVERNOR: usize = 9;

impl World {
    /// Returns the kind of what was done.
    pub(super) async fn act(&mut self) -> &'static str {
        let (kind, done) = match self.below(24) {
            0..=4 => self.sink_acts().await,
            5..=11 => self.source_acts().await,
            12..=15 => self.keeper_acts().await,
            16..=18 => self.passer_by_acts().await,
            19 => self.stranger_acts().await,
            20..=21 => self.owner_acts().await,
            22 => self.governance_acts().await,
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
        let what = self.below(6);
        let dust = self.below(4) == 0;
        let (base, pools) = (&self.it.base, &self.it.pools);
        let registry = &base.registry;
        match what {
            0 | 1 => {
                // Of a sink that joins with next to nothing, too.
                let capacity = if dust { U256::from(1) } else { capacity };
                let join = registry.registerSink(ID, capacity).from(sink);
                ("sink registers", attempt!(join))
            }
            2 => (
                "sink leaves",
                attempt!(registry.deregisterSink(ID).from(sink)),
            ),
            3 => {
                base.devnet.mine(1).unwrap();
                let update = registry.updateCapacityFromAggregator(ID, sink, capacity);
                ("capacity attested", attempt!(update.from(base.owner)))
            }
            4 => {
                let slash = base.stakes.slash(sink, tokens(20), B256::ZERO);
                let done = attempt!(slash.from(base.owner));
                (
                    "sink slashed",
                    done && attempt!(registry.syncCapacity(ID, sink)),
                )
            }
            _ => (
                "rebalanceSink",
                attempt!(pools.rebalanceSink(ID, sink).from(sink)),
            ),
        }
    }

    async fn source_acts(&mut self) -> (&'static str, bool) {
        let sources = self.sources.clone();
        let source = self.pick(&sources);
        let flow = rate(RATE * u128::from(1 + self.below(5)) / 2);
        let what = self.below(8);
        let it = &self.it;
        let gateway = *it.gateway.address();
        let (token, pool) = (it.superfluid.addresses.usdcx, *it.pool(ID).await.address());
        let forwarder = it.superfluid.gda_forwarder();
        match what {
            0..=2 => {
                let parameters = it.gateway.createStream_0(ID, flow).call().await.unwrap();
                let run = &it.macros;
                let run = run.runMacro(gateway, parameters);
                ("stream opened by macro", attempt!(run.from(source)))
            }
            3 => {
                let parameters = it.gateway.updateStream(ID, flow).call().await.unwrap();
                let run = &it.macros;
                let run = run.runMacro(gateway, parameters);
                ("stream changed by macro", attempt!(run.from(source)))
            }
            4 => {
                let parameters = it.gateway.deleteStream(ID).call().await.unwrap();
                let run = &it.macros;
                let run = run.runMacro(gateway, parameters);
                ("stream ended by macro", attempt!(run.from(source)))
            }
            5 => {
                let change = forwarder.distributeFlow(token, source, pool, flow, Bytes::new());
                ("stream set at Superfluid", attempt!(change.from(source)))
            }
            6 => {
                let minimum = it.gateway.getMinimumFlowRate(ID).call().await.unwrap();
                let low = rate(minimum.to::<u128>() - 1);
                let change = forwarder.distributeFlow(token, source, pool, low, Bytes::new());
                ("stream below the minimum", attempt!(change.from(source)))
            }
            _ => {
                let end = IGeneralDistributionAgreementV1::distributeFlowCall {
                    token,
                    from: source,
                    pool,
                    requestedFlowRate: rate(0),
                    ctx: Bytes::new(),
                };
                let (host, gda) = (it.superfluid.host(), it.superfluid.addresses.gda_v1);
                let end = host.callAgreement(gda, end.abi_encode().into(), Bytes::new());
                ("source liquidated", attempt!(end.from(self.keeper)))
            }
        }
    }

    async fn keeper_acts(&mut self) -> (&'static str, bool) {
        let sources = self.sources.clone();
        let source = self.pick(&sources);
        let what = self.below(8);
        let (it, keeper) = (&self.it, self.keeper);
        let (pools, escrow) = (&it.pools, &it.escrow);
        match what {
            0 => ("rebalance", attempt!(pools.rebalance(ID).from(keeper))),
            1 => (
                "rebalanceOverflow",
                attempt!(pools.rebalanceOverflow(ID).from(keeper)),
            ),
            2 => ("sync", attempt!(escrow.sync(ID).from(keeper))),
            3 => ("note", attempt!(it.ledger.note(ID, source).from(keeper))),
            4 => {
                for source in &sources {
                    mined(it.ledger.note(ID, *source).from(keeper).send().await).await;
                }
                let attribute = escrow.attribute(ID, sources.clone());
                ("attribute", attempt!(attribute.from(keeper)))
            }
            5 | 6 => ("drain", attempt!(escrow.drain_0(ID).from(keeper))),
            _ => ("sweep", attempt!(pools.sweep().from(keeper))),
        }
    }

    /// Whole attacks, of everything that anyone can call, between two changes of a huge stream of its own.
    async fn passer_by_acts(&mut self) -> (&'static str, bool) {
        let (sinks, sources) = (self.sinks.clone(), self.sources.clone());
        let (sink, source) = (self.pick(&sinks), self.pick(&sources));
        let pool = *self.it.pool(ID).await.address();
        let me = *self.passer_by.address();
        let token = self.it.superfluid.addresses.usdcx;
        let gda = self.it.superfluid.addresses.gda_v1_forwarder;
        let distribute = |amount: u128| {
            step(
                gda,
                IGDAv1Forwarder::distributeFlowCall {
                    token,
                    from: me,
                    pool,
                    requestedFlowRate: rate(amount),
                    userData: Bytes::new(),
                },
            )
        };
        // A deposit of four hours: all of the capital, or what a small pool needs.
        let huge = usdcx([400_000, 500][self.below(2) as usize]) / 15_000;
        let count = 1 + self.below(4);
        let mut steps = Vec::new();
        if self.below(4) > 0 {
            steps.push(distribute(huge));
        }
        for _ in 0..count {
            steps.push(self.anything(sink, source));
            if self.below(4) == 0 {
                steps.push(distribute(huge / 2));
            }
        }
        steps.push(distribute(0));
        if self.below(2) == 0 {
            steps.push(self.anything(sink, source));
        }
        (
            "passer-by, all in one transaction",
            attempt!(self.passer_by.act(steps)),
        )
    }

    /// Something that anyone can call.
    fn anything(&mut self, sink: Address, source: Address) -> IPasserBy::Step {
        let what = self.below(11);
        let it = &self.it;
        let [pools, escrow, ledger, registry] = [
            *it.pools.address(),
            *it.escrow.address(),
            *it.ledger.address(),
            *it.base.registry.address(),
        ];
        let id = ID;
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
                let sources = vec![*self.passer_by.address(), source];
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
                let source = *self.passer_by.address();
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

    /// A pool of nobody's, of which our contracts are members, and which is then connected to them.
    async fn stranger_acts(&mut self) -> (&'static str, bool) {
        let it = &self.it;
        let token = it.superfluid.addresses.usdcx;
        let forwarder = it.superfluid.gda_forwarder();
        let config = PoolConfig {
            transferabilityForUnitsOwner: false,
            distributionFromAnyAddress: true,
        };
        let create = forwarder.createPool(token, self.stranger, config);
        let create = create.from(self.stranger);
        let pool = create.call().await.unwrap().pool;
        mined(create.send().await).await;
        for victim in [*it.escrow.address(), *it.pools.address(), self.sinks[0]] {
            let join = forwarder.updateMemberUnits(pool, victim, 1, Bytes::new());
            mined(join.from(self.stranger).send().await).await;
            let connect = IGeneralDistributionAgreementV1::tryConnectPoolForCall {
                pool,
                memberAddr: victim,
                ctx: Bytes::new(),
            };
            let (host, gda) = (it.superfluid.host(), it.superfluid.addresses.gda_v1);
            let connect = host.callAgreement(gda, connect.abi_encode().into(), Bytes::new());
            let _ = attempt!(connect.from(self.stranger));
        }
        ("junk pool connected to our contracts", true)
    }

    async fn owner_acts(&mut self) -> (&'static str, bool) {
        let price = U256::from([0, RATE / 100, RATE / 10][self.below(3) as usize]);
        let fee = U256::from(self.below(101));
        let what = self.below(4);
        let it = &self.it;
        let (pools, owner) = (&it.pools, it.base.owner);
        match what {
            0 | 1 => {
                let set = pools.setCapacityPrice(ID, price);
                ("owner sets a price", attempt!(set.from(owner)))
            }
            2 => {
                let set = pools.setProtocolFee(fee, it.base.devnet.account(1));
                ("owner sets the fee", attempt!(set.from(owner)))
            }
            _ => {
                let set = pools.setVerificationBudget(ID, fee);
                ("owner sets a budget", attempt!(set.from(owner)))
            }
        }
    }

    async fn governance_acts(&mut self) -> (&'static str, bool) {
        let minimum = U256::from(usdcx([0, 0, 1, 100_000_000][self.below(4) as usize]));
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
        self.activate().await;
        ("two years pass, programs expire", true)
    }
}
