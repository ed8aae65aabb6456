//! A source's life: wrap, approve, open and change a stream, set aside, and take back what is unspent.

use alloy::{
    primitives::{aliases::I96, keccak256, Address, B256, U256},
    providers::DynProvider,
    sol,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::{
    IBackpressurePool,
    IStreamGateway::{self, IStreamGatewayInstance},
    IWorkReserve::{
        self, earmarkCall, requestTakeBackCall, takeBackCall, Earmarked, IWorkReserveInstance,
        TakeBackRequested, TakenBack,
    },
};
use bpe_chain::{ChainError, Deployment, DeploymentError};

use super::{
    sink::{make, IERC20},
    step::{Next, Step, StreamError},
};

sol! {
    #[sol(rpc)]
    interface ISuperToken {
        function getUnderlyingToken() external view returns (address);
        function realtimeBalanceOfNow(address account)
            external view returns (int256 availableBalance, uint256 deposit, uint256 owedDeposit, uint256 timestamp);
    }

    interface IHost {
        struct Operation {
            uint32 operationType;
            address target;
            bytes data;
        }
        function batchCall(Operation[] calldata operations) external payable;
    }
}

/// What Superfluid's distribution agreement emits when a stream into a pool has changed.
const STREAM_CHANGED: &str = "FlowDistributionUpdated(address,address,address,address,int96,int96,int96,address,int96,bytes)";
/// Superfluid keeps four hours of a stream as its deposit.
const DEPOSIT_SECONDS: u128 = 14_400;
/// From an hour after it was asked for, and until 25 hours, what is asked back is paid.
const TAKE_BACK_AFTER: u64 = 3_600;
const TAKE_BACK_UNTIL: u64 = 90_000;
/// What is set aside is free again at a full hour.
const EARMARKS_END: u64 = 3_600;

/// What a source wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePlan {
    /// Wei per second; 0 closes the stream.
    pub rate: u128,
    /// Seconds that its wrapped tokens last at that rate, at least, before more are wrapped.
    pub runway_seconds: u64,
    /// Wei of the underlying token, in the Super Token's decimals, that may be wrapped at most at a time.
    pub wrap_at_most: u128,
}

/// How the chain sees a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    /// What flows, in wei per second, and the least that does.
    pub rate: u128,
    pub least: u128,
    /// Super Tokens it can spend, and underlying ones that may be wrapped, in the Super Token's wei.
    pub available: u128,
    pub wrappable: u128,
    pub approved: u128,
    /// What it has not spent in the task type, what of it is set aside for sinks, and what was asked back, and when.
    pub unspent: u128,
    pub earmarked: u128,
    pub asked: u128,
    pub asked_at: u64,
}

/// What a source does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceStep {
    Approve(u128),
    Open {
        rate: u128,
        wrap: u128,
    },
    Change(u128),
    Close,
    /// It has less than opening takes.
    Lacks {
        has: u128,
        needed: u128,
    },
    Ask(u128),
    TakeBack,
    Wait(u64),
    Nothing,
}

impl SourceState {
    /// Towards streaming as planned.
    pub fn towards_streaming(&self, plan: &SourcePlan) -> SourceStep {
        let rate = if plan.rate == 0 {
            0
        } else {
            plan.rate.max(self.least)
        };
        // What flows is rounded down to a multiple of the pool's units.
        if rate == self.rate || (rate > self.rate && rate - self.rate < self.least && self.rate > 0)
        {
            return SourceStep::Nothing;
        }
        if rate == 0 {
            return SourceStep::Close;
        }
        if rate < self.rate {
            return SourceStep::Change(rate);
        }
        self.towards_more(rate, plan)
    }

    fn towards_more(&self, rate: u128, plan: &SourcePlan) -> SourceStep {
        let more = rate - self.rate;
        let needed = more
            .saturating_mul(DEPOSIT_SECONDS)
            .saturating_add(rate.saturating_mul(plan.runway_seconds.into()));
        let wrap = needed.saturating_sub(self.available);
        if wrap > self.wrappable.min(plan.wrap_at_most) {
            return SourceStep::Lacks {
                has: self
                    .available
                    .saturating_add(self.wrappable.min(plan.wrap_at_most)),
                needed,
            };
        }
        if wrap > self.approved {
            return SourceStep::Approve(wrap);
        }
        if self.rate == 0 {
            SourceStep::Open { rate, wrap }
        } else if wrap > 0 {
            // Wrapping goes with opening; a change takes what is there.
            SourceStep::Lacks {
                has: self.available,
                needed,
            }
        } else {
            SourceStep::Change(rate)
        }
    }

    /// Towards having everything back.
    pub const fn towards_leaving(&self, now: u64) -> SourceStep {
        if self.rate > 0 {
            return SourceStep::Close;
        }
        if self.unspent == 0 {
            return SourceStep::Nothing;
        }
        // What is asked for on top begins the hour anew for all of it: one after the other.
        if self.asked > 0 && now < self.asked_at + TAKE_BACK_UNTIL {
            let due = self.asked_at + TAKE_BACK_AFTER;
            return if now < due {
                SourceStep::Wait(due)
            } else {
                SourceStep::TakeBack
            };
        }
        match self.unspent.saturating_sub(self.earmarked) {
            0 => SourceStep::Wait((now / EARMARKS_END + 1) * EARMARKS_END),
            free => SourceStep::Ask(free),
        }
    }
}

/// Reads what a source is, and makes its steps into calls.
#[derive(Clone, Debug)]
pub struct SourceLifecycle {
    pub source: Address,
    pub task_type: B256,
    gateway: IStreamGatewayInstance<DynProvider>,
    reserve: IWorkReserveInstance<DynProvider>,
    pools: IBackpressurePool::IBackpressurePoolInstance<DynProvider>,
    ledger: bpe_abi::IWorkLedger::IWorkLedgerInstance<DynProvider>,
    host: Address,
    gda: Address,
    token: Address,
    provider: DynProvider,
}

impl SourceLifecycle {
    /// Of `source` in a task type by work.
    ///
    /// # Errors
    /// If the record lacks a contract, or Superfluid.
    pub fn new(
        deployment: &Deployment,
        provider: &DynProvider,
        source: Address,
        task_type: B256,
    ) -> Result<Self, ChainError> {
        let superfluid = deployment
            .superfluid
            .as_ref()
            .ok_or(DeploymentError::Missing("superfluid"))?;
        let at = |name| deployment.address(name);
        Ok(Self {
            source,
            task_type,
            gateway: IStreamGateway::new(at("streamGateway")?, provider.clone()),
            reserve: IWorkReserve::new(at("workReserve")?, provider.clone()),
            pools: IBackpressurePool::new(at("backpressurePool")?, provider.clone()),
            ledger: bpe_abi::IWorkLedger::new(at("workLedger")?, provider.clone()),
            host: superfluid.host,
            gda: superfluid.gda,
            token: superfluid.usdcx,
            provider: provider.clone(),
        })
    }

    /// How the chain sees the source now.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn state(&self) -> Result<SourceState, ChainError> {
        let (id, source) = (self.task_type, self.source);
        let stream = self.gateway.getStream(id, source).call().await?;
        let least = self.gateway.getMinimumFlowRate(id).call().await?;
        let token = ISuperToken::new(self.token, &self.provider);
        let available = token.realtimeBalanceOfNow(source).call().await?;
        let underlying = IERC20::new(token.getUnderlyingToken().call().await?, &self.provider);
        let scale = self.scale().await?;
        let funds = self.reserve.getFunds(id, source).call().await?;
        let pending = self.ledger.getPending(id, source).call().await?;
        let balance = underlying.balanceOf(source).call().await?;
        let allowance = underlying.allowance(source, self.token).call().await?;
        Ok(SourceState {
            rate: stream.flowRate.saturating_to(),
            least: least.saturating_to(),
            available: available
                .availableBalance
                .try_into()
                .map_or(0, |it: U256| it.saturating_to()),
            wrappable: balance.saturating_mul(scale).saturating_to(),
            approved: allowance.saturating_mul(scale).saturating_to(),
            unspent: funds.unspent.saturating_add(pending).saturating_to(),
            earmarked: funds.earmarked.saturating_to(),
            asked: funds.asked.saturating_to(),
            asked_at: funds.askedAt.saturating_to(),
        })
    }

    /// Super Token wei for a unit of the underlying token.
    async fn scale(&self) -> Result<U256, ChainError> {
        sol! {
            #[sol(rpc)]
            interface IDecimals {
                function decimals() external view returns (uint8);
            }
        }
        const SUPER: u8 = 18;
        let token = ISuperToken::new(self.token, &self.provider);
        let underlying = token.getUnderlyingToken().call().await?;
        let decimals = IDecimals::new(underlying, &self.provider)
            .decimals()
            .call()
            .await?;
        Ok(U256::from(10).pow(U256::from(SUPER.saturating_sub(decimals))))
    }

    /// The next call towards streaming as planned.
    ///
    /// # Errors
    /// If the node does not answer, or the source has too little.
    pub async fn steer(&self, plan: &SourcePlan) -> Result<Next, StreamError> {
        let state = self.state().await?;
        self.next(state.towards_streaming(plan)).await
    }

    /// The next call towards having everything back, at the chain's time `now`.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn leave(&self, now: u64) -> Result<Next, StreamError> {
        let state = self.state().await?;
        self.next(state.towards_leaving(now)).await
    }

    /// The call that notes what the source has paid, which only then can be set aside.
    pub fn note(&self) -> Step {
        let note = bpe_abi::IWorkLedger::noteCall {
            taskTypeId: self.task_type,
            source: self.source,
        };
        let event = bpe_abi::IWorkLedger::Noted::SIGNATURE_HASH;
        make(
            "note what was paid",
            *self.ledger.address(),
            note.abi_encode(),
            event,
        )
    }

    /// The call that sets `amount` aside for a sink until then.
    pub fn earmark(&self, sink: Address, amount: u128, until: u64) -> Step {
        let earmark = earmarkCall {
            taskTypeId: self.task_type,
            sink,
            amount: U256::from(amount),
            until: U256::from(until),
        };
        let event = Earmarked::SIGNATURE_HASH;
        make(
            "earmark",
            *self.reserve.address(),
            earmark.abi_encode(),
            event,
        )
    }

    /// What `sink` can be paid of, what is not noted yet included, and what of it is set aside for it until `until` at
    /// least, in wei.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn budget(&self, sink: Address, until: u64) -> Result<(u128, u128), ChainError> {
        let (id, source) = (self.task_type, self.source);
        let budget = self.reserve.getBudget(id, source, sink).call().await?;
        let pending = self.ledger.getPending(id, source).call().await?;
        let earmark = self.reserve.getEarmark(id, source, sink).call().await?;
        let total = budget
            .free
            .saturating_add(pending)
            .saturating_add(budget.earmarked);
        let lasts = earmark.until >= U256::from(until);
        let earmarked = if lasts { budget.earmarked } else { U256::ZERO };
        Ok((total.saturating_to(), earmarked.saturating_to()))
    }

    /// What is set aside for a sink, however soon it ends, in wei: an earmark can only grow.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn earmarked(&self, sink: Address) -> Result<u128, ChainError> {
        let (id, source) = (self.task_type, self.source);
        let earmark = self.reserve.getEarmark(id, source, sink).call().await?;
        Ok(earmark.amount.saturating_to())
    }

    /// The task type's pool.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn pool(&self) -> Result<Address, ChainError> {
        Ok(self.pools.getPool(self.task_type).call().await?)
    }

    async fn next(&self, step: SourceStep) -> Result<Next, StreamError> {
        let (id, reserve) = (self.task_type, *self.reserve.address());
        let step = match step {
            SourceStep::Nothing => return Ok(Next::Done),
            SourceStep::Wait(until) => {
                let why =
                    "what was asked back is paid after an hour, and what is set aside is free at a full hour";
                return Ok(Next::Wait { until, why });
            }
            SourceStep::Lacks { has, needed } => {
                return Err(StreamError::Missing {
                    what: "payment tokens, in wei",
                    account: self.source,
                    has: U256::from(has),
                    needed: U256::from(needed),
                })
            }
            SourceStep::Approve(wrap) => self.approve(wrap).await?,
            SourceStep::Open { rate, wrap } => {
                let rate = flow(rate)?;
                let parameters = if wrap == 0 {
                    self.gateway.createStream_0(id, rate).call().await?
                } else {
                    let create = self.gateway.createStream_1(id, rate, U256::from(wrap));
                    create.call().await?
                };
                self.run("open the stream", parameters).await?
            }
            SourceStep::Change(rate) => {
                let update = self.gateway.updateStream(id, flow(rate)?).call().await?;
                self.run("change the stream", update).await?
            }
            SourceStep::Close => {
                let close = self.gateway.deleteStream(id).call().await?;
                self.run("close the stream", close).await?
            }
            SourceStep::Ask(amount) => {
                let ask = requestTakeBackCall {
                    taskTypeId: id,
                    amount: U256::from(amount),
                };
                let event = TakeBackRequested::SIGNATURE_HASH;
                make("ask back what is unspent", reserve, ask.abi_encode(), event)
            }
            SourceStep::TakeBack => {
                let data = takeBackCall { taskTypeId: id }.abi_encode();
                make("take back", reserve, data, TakenBack::SIGNATURE_HASH)
            }
        };
        Ok(Next::Do(step))
    }

    async fn approve(&self, wrap: u128) -> Result<Step, StreamError> {
        let token = ISuperToken::new(self.token, &self.provider);
        let underlying = token.getUnderlyingToken().call().await?;
        let approve = IERC20::approveCall {
            spender: self.token,
            value: U256::from(wrap).div_ceil(self.scale().await?),
        };
        let event = IERC20::Approval::SIGNATURE_HASH;
        Ok(make(
            "approve wrapping",
            underlying,
            approve.abi_encode(),
            event,
        ))
    }

    /// Has Superfluid's host do what the gateway's parameters say: that needs no forwarder's trust.
    async fn run(
        &self,
        name: &'static str,
        parameters: alloy::primitives::Bytes,
    ) -> Result<Step, StreamError> {
        let build = self
            .gateway
            .buildBatchOperations(self.host, parameters, self.source);
        let operations = build.call().await?.into_iter();
        let operations = operations
            .map(|it| IHost::Operation {
                operationType: it.operationType,
                target: it.target,
                data: it.data,
            })
            .collect();
        let data = IHost::batchCallCall { operations }.abi_encode();
        let mut step = make(name, self.host, data, keccak256(STREAM_CHANGED));
        step.emitter = self.gda;
        Ok(step)
    }
}

fn flow(rate: u128) -> Result<I96, StreamError> {
    I96::try_from(rate).map_err(|_| {
        StreamError::Impossible(format!(
            "{rate} wei per second are more than a stream can be"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: SourcePlan = SourcePlan {
        rate: 1_000,
        runway_seconds: 600,
        wrap_at_most: 100_000_000,
    };

    #[test]
    fn opens_with_deposit_and_runway_or_says_what_it_lacks() {
        let needed = 1_000 * (14_400 + 600);
        let mut state = SourceState {
            least: 100,
            ..SourceState::default()
        };
        assert_eq!(
            state.towards_streaming(&PLAN),
            SourceStep::Lacks { has: 0, needed }
        );
        state.wrappable = needed;
        assert_eq!(state.towards_streaming(&PLAN), SourceStep::Approve(needed));
        state.approved = needed;
        let open = SourceStep::Open {
            rate: 1_000,
            wrap: needed,
        };
        assert_eq!(state.towards_streaming(&PLAN), open);
        state.rate = 1_000;
        assert_eq!(state.towards_streaming(&PLAN), SourceStep::Nothing);
        // Rounded down to units it is as it should be.
        state.rate = 950;
        assert_eq!(state.towards_streaming(&PLAN), SourceStep::Nothing);
        let half = SourcePlan { rate: 500, ..PLAN };
        assert_eq!(state.towards_streaming(&half), SourceStep::Change(500));
        let none = SourcePlan { rate: 0, ..PLAN };
        assert_eq!(state.towards_streaming(&none), SourceStep::Close);
    }

    #[test]
    fn never_wraps_more_than_it_may() {
        let state = SourceState {
            wrappable: u128::MAX,
            approved: u128::MAX,
            ..SourceState::default()
        };
        let plan = SourcePlan {
            wrap_at_most: 1_000,
            ..PLAN
        };
        assert!(matches!(
            state.towards_streaming(&plan),
            SourceStep::Lacks { has: 1_000, .. }
        ));
    }

    #[test]
    fn takes_back_an_hour_after_it_asked() {
        let mut state = SourceState {
            rate: 5,
            unspent: 70,
            ..SourceState::default()
        };
        assert_eq!(state.towards_leaving(10), SourceStep::Close);
        state.rate = 0;
        assert_eq!(state.towards_leaving(10), SourceStep::Ask(70));
        (state.asked, state.asked_at) = (70, 10);
        assert_eq!(state.towards_leaving(11), SourceStep::Wait(3_610));
        assert_eq!(state.towards_leaving(3_610), SourceStep::TakeBack);
        assert_eq!(state.towards_leaving(90_010), SourceStep::Ask(70));
        // What is set aside cannot be asked for: it comes free by itself.
        state.earmarked = 30;
        assert_eq!(state.towards_leaving(3_609), SourceStep::Wait(3_610));
        assert_eq!(state.towards_leaving(90_010), SourceStep::Ask(40));
        state.earmarked = 70;
        assert_eq!(state.towards_leaving(90_010), SourceStep::Wait(93_600));
        state.earmarked = 0;
        state.unspent = 0;
        assert_eq!(state.towards_leaving(3_610), SourceStep::Nothing);
    }
}
