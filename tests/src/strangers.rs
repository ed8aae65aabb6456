//! Who neither streams nor serves: contracts that do many things at once, and makers of junk pools.

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::DynProvider,
    sol,
    sol_types::SolCall,
};
use bpe_abi::{IBackpressurePool, IEscrowBuffer};
use devnet_superfluid::bindings::{
    IGDAv1Forwarder, IGeneralDistributionAgreementV1 as Gda, PoolConfig,
};

use crate::{
    settlement::{rate, usdcx, Settlement},
    solidity,
    stage::mined,
    suite::CODE,
};
pub use IPasserBy::Step;

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
        function failures() external view returns (uint256);
    }
}

/// For many steps. A node's estimate would be what suffices to pass over all of them.
pub const ENOUGH_GAS: u64 = 16_000_000;

/// A call as a step of a contract.
pub fn step<C: SolCall>(target: Address, call: C) -> Step {
    Step {
        target,
        data: Bytes::from(call.abi_encode()),
    }
}

/// A contract that does any number of things in one transaction, with capital of its own.
pub struct PasserBy {
    pub contract: IPasserBy::IPasserByInstance<DynProvider>,
    pub address: Address,
}

impl PasserBy {
    pub async fn deploy(it: &Settlement) -> Self {
        let compiled = solidity::compile("PasserBy.sol", "PasserBy").await;
        let provider = &it.base.provider;
        let address = solidity::deploy(provider, &compiled, &[]).await;
        Self {
            contract: IPasserBy::new(address, provider.clone()),
            address,
        }
    }

    /// With so many whole USDCx, which pass through the hands of account 7.
    pub async fn with_capital(it: &Settlement, amount: u64) -> Self {
        let passer_by = Self::deploy(it).await;
        let banker = it.source(7, amount).await;
        let capital = U256::from(usdcx(amount));
        let token = it.superfluid.usdcx();
        let pay = token.transfer(passer_by.address, capital).from(banker);
        mined(pay.send().await).await;
        passer_by
    }

    /// Does all of it; nothing may fail.
    pub async fn act(&self, steps: Vec<Step>) {
        let failures = self.contract.failures().call().await.unwrap();
        let act = self.contract.act(steps).gas(ENOUGH_GAS);
        mined(act.send().await).await;
        assert_eq!(self.contract.failures().call().await.unwrap(), failures);
    }

    /// Streams so much into a pool from here on.
    pub fn distribute(&self, it: &Settlement, pool: Address, flow: u128) -> Step {
        let call = IGDAv1Forwarder::distributeFlowCall {
            token: it.superfluid.addresses.usdcx,
            from: self.address,
            pool,
            requestedFlowRate: rate(flow),
            userData: Bytes::new(),
        };
        step(it.superfluid.addresses.gda_v1_forwarder, call)
    }
}

/// What anyone can have done about [`CODE`].
impl Settlement {
    pub fn look(&self) -> Step {
        let call = IBackpressurePool::rebalanceOverflowCall { taskTypeId: CODE };
        step(*self.pools.address(), call)
    }

    pub fn full_rebalance(&self) -> Step {
        let call = IBackpressurePool::rebalanceCall { taskTypeId: CODE };
        step(*self.pools.address(), call)
    }

    pub fn sweep(&self) -> Step {
        step(*self.pools.address(), IBackpressurePool::sweepCall {})
    }

    pub fn sync(&self) -> Step {
        let call = IEscrowBuffer::syncCall { taskTypeId: CODE };
        step(*self.escrow.address(), call)
    }

    /// A pool of `stranger`, of which `victims` are members, and to which they are connected as far as Superfluid does it.
    pub async fn junk_pool(&self, stranger: Address, victims: &[Address]) -> Address {
        let forwarder = self.superfluid.gda_forwarder();
        let config = PoolConfig {
            transferabilityForUnitsOwner: false,
            distributionFromAnyAddress: true,
        };
        let token = self.superfluid.addresses.usdcx;
        let create = forwarder.createPool(token, stranger, config).from(stranger);
        let pool = create.call().await.unwrap().pool;
        mined(create.send().await).await;
        for victim in victims {
            let join = forwarder.updateMemberUnits(pool, *victim, 1, Bytes::new());
            mined(join.from(stranger).send().await).await;
            let connect = Gda::tryConnectPoolForCall {
                pool,
                memberAddr: *victim,
                ctx: Bytes::new(),
            };
            let (host, gda) = (self.superfluid.host(), self.superfluid.addresses.gda_v1);
            let connect = host.callAgreement(gda, connect.abi_encode().into(), Bytes::new());
            let connect = connect.from(stranger);
            if connect.call().await.is_ok() {
                mined(connect.send().await).await;
            }
        }
        pool
    }
}
