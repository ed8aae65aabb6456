//! A sink's life: stake, register, be reachable; and back: stop, be paid, deregister, unbond, withdraw.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    sol,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_abi::{
    ICapacityRegistry::{
        self, deregisterSinkCall, registerSinkCall, SinkDeregistered, SinkRegistered,
    },
    IStakeManager::{self, stakeCall, unstakeCall, Staked, Unstaked},
    IWorkReserve::{self, payOutCall, Paid},
};
use bpe_chain::{Call, ChainError, Deployment};

use super::step::{Next, Step, StreamError};

sol! {
    #[sol(rpc)]
    interface IERC20 {
        event Approval(address indexed owner, address indexed spender, uint256 value);
        function approve(address spender, uint256 value) external returns (bool);
        function allowance(address owner, address spender) external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
    }
}

/// What a sink wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkPlan {
    /// Capacity to register with, in units of 1e-9.
    pub capacity: U256,
    /// Wei of stake, or what is required, whichever is more.
    pub stake: U256,
}

/// How the chain sees a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkState {
    pub stake: U256,
    /// What registering asks for, in wei.
    pub required: U256,
    /// Stake tokens it has, and that StakeManager may take.
    pub balance: U256,
    pub allowance: U256,
    pub registered: bool,
    /// Stake that can leave now, and until when the rest is unbonding.
    pub free: U256,
    pub unbonding: U256,
    pub unbonding_until: u64,
    /// Wei that it has earned and was not paid.
    pub owed: U256,
}

/// What a sink does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkStep {
    Approve(U256),
    Stake(U256),
    Register,
    /// It has less than it needs.
    Lacks {
        has: U256,
        needed: U256,
    },
    PayOut,
    Deregister,
    Withdraw(U256),
    Wait(u64),
    Nothing,
}

impl SinkState {
    /// Towards earning.
    pub fn towards_service(&self, plan: &SinkPlan) -> SinkStep {
        if self.registered {
            return SinkStep::Nothing;
        }
        let wanted = plan.stake.max(self.required);
        if self.stake >= wanted {
            return SinkStep::Register;
        }
        let missing = wanted - self.stake;
        if self.balance < missing {
            SinkStep::Lacks {
                has: self.balance,
                needed: missing,
            }
        } else if self.allowance < missing {
            SinkStep::Approve(missing)
        } else {
            SinkStep::Stake(missing)
        }
    }

    /// Towards having left with everything. Vouchers are redeemed before.
    pub fn towards_leaving(&self) -> SinkStep {
        if !self.owed.is_zero() {
            SinkStep::PayOut
        } else if self.registered {
            SinkStep::Deregister
        } else if !self.free.is_zero() {
            SinkStep::Withdraw(self.free)
        } else if !self.unbonding.is_zero() {
            SinkStep::Wait(self.unbonding_until)
        } else {
            SinkStep::Nothing
        }
    }
}

/// Reads what a sink is, and makes its steps into calls.
#[derive(Clone, Debug)]
pub struct SinkLifecycle {
    pub sink: Address,
    pub task_type: B256,
    stakes: IStakeManager::IStakeManagerInstance<DynProvider>,
    registry: ICapacityRegistry::ICapacityRegistryInstance<DynProvider>,
    reserve: IWorkReserve::IWorkReserveInstance<DynProvider>,
    provider: DynProvider,
}

impl SinkLifecycle {
    /// Of `sink` in a task type by work.
    ///
    /// # Errors
    /// If the record lacks a contract.
    pub fn new(
        deployment: &Deployment,
        provider: &DynProvider,
        sink: Address,
        task_type: B256,
    ) -> Result<Self, ChainError> {
        let at = |name| deployment.address(name);
        Ok(Self {
            sink,
            task_type,
            stakes: IStakeManager::new(at("stakeManager")?, provider.clone()),
            registry: ICapacityRegistry::new(at("capacityRegistry")?, provider.clone()),
            reserve: IWorkReserve::new(at("workReserve")?, provider.clone()),
            provider: provider.clone(),
        })
    }

    /// How the chain sees the sink now.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn state(&self) -> Result<SinkState, ChainError> {
        let (stakes, registry, sink) = (&self.stakes, &self.registry, self.sink);
        let token = IERC20::new(stakes.stakeToken().call().await?, &self.provider);
        let least = registry.getTaskType(self.task_type).call().await?.minStake;
        let unbonding = stakes.getUnbonding(sink).call().await?;
        Ok(SinkState {
            stake: stakes.getStake(sink).call().await?,
            required: stakes.requiredStake(sink, least).call().await?,
            balance: token.balanceOf(sink).call().await?,
            allowance: token.allowance(sink, *stakes.address()).call().await?,
            registered: registry.isRegistered(self.task_type, sink).call().await?,
            free: stakes.getFreeStake(sink).call().await?,
            unbonding: unbonding.amount,
            unbonding_until: unbonding.until.saturating_to(),
            owed: self.reserve.getOwed(self.task_type, sink).call().await?,
        })
    }

    /// The next call towards earning.
    ///
    /// # Errors
    /// If the node does not answer, or the sink has too little.
    pub async fn join(&self, plan: &SinkPlan) -> Result<Next, StreamError> {
        let state = self.state().await?;
        self.next(state.towards_service(plan), plan.capacity).await
    }

    /// The next call towards having left.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn leave(&self) -> Result<Next, StreamError> {
        let state = self.state().await?;
        self.next(state.towards_leaving(), U256::ZERO).await
    }

    async fn next(&self, step: SinkStep, capacity: U256) -> Result<Next, StreamError> {
        let (stakes, registry, reserve) = (
            *self.stakes.address(),
            *self.registry.address(),
            *self.reserve.address(),
        );
        let (id, sink) = (self.task_type, self.sink);
        let step = match step {
            SinkStep::Nothing => return Ok(Next::Done),
            SinkStep::Wait(until) => {
                let why = "the stake is unbonding";
                return Ok(Next::Wait { until, why });
            }
            SinkStep::Lacks { has, needed } => {
                return Err(StreamError::Missing {
                    what: "stake tokens, in wei",
                    account: sink,
                    has,
                    needed,
                })
            }
            SinkStep::Approve(value) => {
                let token = self.stakes.stakeToken().call().await?;
                let approve = IERC20::approveCall {
                    spender: stakes,
                    value,
                };
                let event = IERC20::Approval::SIGNATURE_HASH;
                make("approve the stake", token, approve.abi_encode(), event)
            }
            SinkStep::Stake(amount) => {
                let data = stakeCall { amount }.abi_encode();
                make("stake", stakes, data, Staked::SIGNATURE_HASH)
            }
            SinkStep::Register => {
                let register = registerSinkCall {
                    taskTypeId: id,
                    initialCapacity: capacity,
                };
                let event = SinkRegistered::SIGNATURE_HASH;
                make("register", registry, register.abi_encode(), event)
            }
            SinkStep::PayOut => {
                let pay = payOutCall {
                    taskTypeId: id,
                    to: sink,
                };
                make("be paid", reserve, pay.abi_encode(), Paid::SIGNATURE_HASH)
            }
            SinkStep::Deregister => {
                let data = deregisterSinkCall { taskTypeId: id }.abi_encode();
                let event = SinkDeregistered::SIGNATURE_HASH;
                make("deregister", registry, data, event)
            }
            SinkStep::Withdraw(amount) => {
                let data = unstakeCall { amount }.abi_encode();
                make("withdraw the stake", stakes, data, Unstaked::SIGNATURE_HASH)
            }
        };
        Ok(Next::Do(step))
    }
}

pub fn make(name: &'static str, to: Address, data: Vec<u8>, event: B256) -> Step {
    Step {
        name,
        call: Call {
            to,
            data: data.into(),
        },
        emitter: to,
        event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wei(amount: u64) -> U256 {
        U256::from_limbs([amount, 0, 0, 0])
    }

    #[test]
    fn goes_from_nothing_to_service_and_says_what_it_lacks() {
        let plan = SinkPlan {
            capacity: wei(10),
            stake: wei(50),
        };
        let mut state = SinkState {
            required: wei(100),
            balance: wei(70),
            ..SinkState::default()
        };
        let lacks = SinkStep::Lacks {
            has: wei(70),
            needed: wei(100),
        };
        assert_eq!(state.towards_service(&plan), lacks);
        state.stake = wei(40);
        assert_eq!(state.towards_service(&plan), SinkStep::Approve(wei(60)));
        state.allowance = wei(60);
        assert_eq!(state.towards_service(&plan), SinkStep::Stake(wei(60)));
        state.stake = wei(100);
        assert_eq!(state.towards_service(&plan), SinkStep::Register);
        state.registered = true;
        assert_eq!(state.towards_service(&plan), SinkStep::Nothing);
    }

    #[test]
    fn leaves_paid_and_with_its_stake() {
        let mut state = SinkState {
            owed: wei(1),
            registered: true,
            stake: wei(100),
            ..SinkState::default()
        };
        assert_eq!(state.towards_leaving(), SinkStep::PayOut);
        state.owed = U256::ZERO;
        assert_eq!(state.towards_leaving(), SinkStep::Deregister);
        state.registered = false;
        state.unbonding = wei(100);
        state.unbonding_until = 77;
        assert_eq!(state.towards_leaving(), SinkStep::Wait(77));
        state.unbonding = U256::ZERO;
        state.free = wei(100);
        assert_eq!(state.towards_leaving(), SinkStep::Withdraw(wei(100)));
        state.free = U256::ZERO;
        assert_eq!(state.towards_leaving(), SinkStep::Nothing);
    }
}
