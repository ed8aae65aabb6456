//! Superfluid, as far as the contracts call it. What they send is decoded strictly: an encoding made by hand that is not to
//! the byte what Solidity would send is refused.

use alloc::{vec, vec::Vec};
use alloy_primitives::{aliases::I96, keccak256, Address, Uint, I256, U128, U256};
use alloy_sol_types::{sol, SolCall, SolValue};
use bpe_common::packed::widen;
use stylus_sdk::{prelude::*, storage::*};

use crate::{refusal, split, Answer};

sol! {
    /// `from` distributes `flowRate` into `pool` from now on.
    #[derive(Debug, PartialEq, Eq)]
    event Distributed(address pool, address from, int96 flowRate);
    /// `member` was connected to `pool` by `caller`.
    #[derive(Debug, PartialEq, Eq)]
    event MemberConnected(address caller, address pool, address member);
    /// `caller` lets others connect it to pools, or not.
    #[derive(Debug, PartialEq, Eq)]
    event ConnectPermissionSet(address caller, bool allow);
    /// `caller` is no longer connected to `pool`.
    #[derive(Debug, PartialEq, Eq)]
    event MemberDisconnected(address caller, address pool);
    /// A pool was asked for.
    #[derive(Debug, PartialEq, Eq)]
    event PoolRequested(address token, address admin, bool transferable, bool fromAnyAddress);
    /// `member` has `units`.
    #[derive(Debug, PartialEq, Eq)]
    event UnitsUpdated(address member, uint128 units);

    /// `rate` flows from `sender` to `receiver`, as its operator `operator` wants.
    #[derive(Debug, PartialEq, Eq)]
    event FlowChanged(address operator, address sender, address receiver, int96 rate);

    interface ICfa {
        function createFlowByOperator(address token, address sender, address receiver, int96 flowRate, bytes ctx) external returns (bytes);
        function updateFlowByOperator(address token, address sender, address receiver, int96 flowRate, bytes ctx) external returns (bytes);
        function deleteFlowByOperator(address token, address sender, address receiver, bytes ctx) external returns (bytes);
        function getFlow(address token, address sender, address receiver) external view returns (uint256, int96, uint256, uint256);
    }

    interface IHost {
        function getAgreementClass(bytes32 agreementType) external view returns (address);
        function callAgreement(address agreementClass, bytes callData, bytes userData) external returns (bytes);
    }

    interface IGda {
        struct PoolConfig {
            bool transferabilityForUnitsOwner;
            bool distributionFromAnyAddress;
        }

        function createPool(address token, address admin, PoolConfig config) external returns (address);
        function distributeFlow(address token, address from, address pool, int96 requestedFlowRate, bytes ctx) external returns (bytes);
        function tryConnectPoolFor(address pool, address memberAddr, bytes ctx) external returns (bool, bytes);
        function disconnectPool(address pool, bytes ctx) external returns (bytes);
        function setConnectPermission(bool allow) external;
        function getPoolAdjustmentFlowRate(address pool) external view returns (int96);
        function getFlow(address token, address from, address to) external view returns (uint256, int96, uint256);
    }
}

/// The host, and what the general distribution agreement does behind it. It is the constant flow agreement itself.
#[storage]
pub struct Host {
    token: StorageAddress,
    gda: StorageAddress,
    refuses_connections: StorageBool,
    /// By sender and receiver.
    flows: StorageMap<Address, StorageMap<Address, StorageI96>>,
}

#[public]
impl Host {
    /// Names the neighbours.
    pub fn set_up(&mut self, token: Address, gda: Address) {
        self.token.set(token);
        self.gda.set(gda);
    }

    /// Refuses to connect members, and to disconnect them.
    pub fn refuse_connections(&mut self) {
        self.refuses_connections.set(true);
    }

    /// Superfluid's functions.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Answer {
        let (selector, arguments) = split(calldata);
        match selector {
            IHost::getAgreementClassCall::SELECTOR => {
                let call = decode::<IHost::getAgreementClassCall>(arguments)?;
                let gda = "org.superfluid-finance.agreements.GeneralDistributionAgreement.v1";
                let cfa = "org.superfluid-finance.agreements.ConstantFlowAgreement.v1";
                match call.agreementType {
                    class if class == keccak256(gda) => Ok(self.gda.get().abi_encode()),
                    class if class == keccak256(cfa) => {
                        Ok(self.vm().contract_address().abi_encode())
                    }
                    _ => Err(refusal("no such agreement")),
                }
            }
            ICfa::getFlowCall::SELECTOR => {
                let call = decode::<ICfa::getFlowCall>(arguments)?;
                require(call.token == self.token.get())?;
                let rate = self.flows.getter(call.sender).get(call.receiver);
                Ok((U256::ZERO, rate, U256::ZERO, U256::ZERO).abi_encode_params())
            }
            IHost::callAgreementCall::SELECTOR => {
                let call = decode::<IHost::callAgreementCall>(arguments)?;
                require(call.userData.is_empty())?;
                if call.agreementClass == self.vm().contract_address() {
                    let answer = self.constant_flow_agreement(&call.callData)?;
                    return Ok(IHost::callAgreementCall::abi_encode_returns(&(answer,)));
                }
                require(call.agreementClass == self.gda.get())?;
                let answer = self.distribution_agreement(&call.callData)?;
                Ok(IHost::callAgreementCall::abi_encode_returns(&(answer,)))
            }
            _ => Err(refusal("no such function")),
        }
    }
}

impl Host {
    /// A flow begins where there is none, changes and ends where there is one.
    fn constant_flow_agreement(&mut self, call: &[u8]) -> Answer {
        let (selector, arguments) = split(call);
        let (token, sender, receiver, rate, context) = match selector {
            ICfa::createFlowByOperatorCall::SELECTOR => {
                let it = decode::<ICfa::createFlowByOperatorCall>(arguments)?;
                require(self.flows.getter(it.sender).get(it.receiver).is_zero())?;
                (it.token, it.sender, it.receiver, it.flowRate, it.ctx)
            }
            ICfa::updateFlowByOperatorCall::SELECTOR => {
                let it = decode::<ICfa::updateFlowByOperatorCall>(arguments)?;
                require(!self.flows.getter(it.sender).get(it.receiver).is_zero())?;
                (it.token, it.sender, it.receiver, it.flowRate, it.ctx)
            }
            ICfa::deleteFlowByOperatorCall::SELECTOR => {
                let it = decode::<ICfa::deleteFlowByOperatorCall>(arguments)?;
                require(!self.flows.getter(it.sender).get(it.receiver).is_zero())?;
                (it.token, it.sender, it.receiver, I96::ZERO, it.ctx)
            }
            _ => return Err(refusal("no such function")),
        };
        require(token == self.token.get() && context.is_empty() && !rate.is_negative())?;
        self.flows.setter(sender).setter(receiver).set(rate);
        let event = FlowChanged {
            operator: self.vm().msg_sender(),
            sender,
            receiver,
            rate,
        };
        log(self.vm(), event);
        Ok(vec![1])
    }

    fn distribution_agreement(&mut self, call: &[u8]) -> Answer {
        let (selector, arguments) = split(call);
        let caller = self.vm().msg_sender();
        match selector {
            IGda::distributeFlowCall::SELECTOR => {
                let call = decode::<IGda::distributeFlowCall>(arguments)?;
                require(call.token == self.token.get() && call.from == caller)?;
                require(call.ctx.is_empty() && !call.requestedFlowRate.is_negative())?;
                let event = Distributed {
                    pool: call.pool,
                    from: call.from,
                    flowRate: call.requestedFlowRate,
                };
                log(self.vm(), event);
            }
            IGda::tryConnectPoolForCall::SELECTOR => {
                let call = decode::<IGda::tryConnectPoolForCall>(arguments)?;
                require(call.ctx.is_empty() && !self.refuses_connections.get())?;
                let event = MemberConnected {
                    caller,
                    pool: call.pool,
                    member: call.memberAddr,
                };
                log(self.vm(), event);
            }
            IGda::disconnectPoolCall::SELECTOR => {
                let call = decode::<IGda::disconnectPoolCall>(arguments)?;
                require(call.ctx.is_empty() && !self.refuses_connections.get())?;
                let pool = call.pool;
                log(self.vm(), MemberDisconnected { caller, pool });
            }
            _ => return Err(refusal("no such function")),
        }
        Ok(vec![1])
    }
}

type StorageI96 = StorageSigned<96, 2>;

/// The general distribution agreement, where pools come from.
#[storage]
pub struct Gda {
    next: StorageAddress,
    refuses: StorageBool,
    adjustment: StorageI96,
    since: StorageMap<Address, StorageU256>,
    rates: StorageMap<Address, StorageI96>,
}

#[public]
impl Gda {
    /// The pool that is created next.
    pub fn set_next(&mut self, pool: Address) {
        self.next.set(pool);
    }

    /// Reverts from now on, or no longer.
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    /// What rounding leaves over, of every pool.
    pub fn set_adjustment(&mut self, rate: I96) {
        self.adjustment.set(rate);
    }

    /// What `from` distributes, into every pool, and since when.
    pub fn set_flow(&mut self, from: Address, since: U256, rate: I96) {
        self.since.setter(from).set(since);
        self.rates.setter(from).set(rate);
    }

    /// `createPool`, `setConnectPermission`, and what can be read.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Answer {
        let (selector, arguments) = split(calldata);
        match selector {
            IGda::setConnectPermissionCall::SELECTOR => {
                let caller = self.vm().msg_sender();
                let allow = decode::<IGda::setConnectPermissionCall>(arguments)?.allow;
                log(self.vm(), ConnectPermissionSet { caller, allow });
                return Ok(vec![]);
            }
            IGda::getPoolAdjustmentFlowRateCall::SELECTOR => {
                return Ok(self.adjustment.get().abi_encode());
            }
            IGda::getFlowCall::SELECTOR => {
                require(!self.refuses.get())?;
                let call = decode::<IGda::getFlowCall>(arguments)?;
                let (since, rate) = (self.since.get(call.from), self.rates.get(call.from));
                return Ok((since, rate, U256::from(7)).abi_encode_params());
            }
            _ => {}
        }
        require(selector == IGda::createPoolCall::SELECTOR && !self.refuses.get())?;
        let call = decode::<IGda::createPoolCall>(arguments)?;
        let event = PoolRequested {
            token: call.token,
            admin: call.admin,
            transferable: call.config.transferabilityForUnitsOwner,
            fromAnyAddress: call.config.distributionFromAnyAddress,
        };
        log(self.vm(), event);
        Ok(self.next.get().abi_encode())
    }
}

/// A pool. Its flow is what it is told.
#[storage]
pub struct GdaPool {
    admin: StorageAddress,
    units: StorageMap<Address, StorageU128>,
    total: StorageU128,
    updates: StorageU256,
    flow_rate: StorageI96,
    refused: StorageMap<Address, StorageBool>,
    index: StorageU256,
    rounded: StorageU256,
}

#[public]
impl GdaPool {
    /// `amount` flows through the pool; what its units do not divide it flows with the next.
    pub fn accrue(&mut self, amount: U256) {
        let amount = amount + self.rounded.get();
        let units = widen(self.total.get());
        let index = self.index.get() + amount / units;
        self.index.set(index);
        self.rounded.set(amount % units);
    }

    /// As Superfluid's: what each unit has received, and will each second.
    pub fn pool_operator_get_index(&self) -> (u128, u32, I96, I256) {
        let index = I256::from_raw(self.index.get());
        (self.total.get().to(), 0, I96::ZERO, index)
    }

    /// Who may set units.
    pub fn set_admin(&mut self, admin: Address) {
        self.admin.set(admin);
    }

    /// What flows into the pool.
    pub fn set_flow_rate(&mut self, rate: I96) {
        self.flow_rate.set(rate);
    }

    /// Refuses to change the units of `member` from now on, or no longer.
    pub fn refuse(&mut self, member: Address, refuses: bool) {
        self.refused.setter(member).set(refuses);
    }

    /// How often units were written.
    pub fn updates(&self) -> U256 {
        self.updates.get()
    }

    /// As Superfluid's.
    pub fn admin(&self) -> Address {
        self.admin.get()
    }

    /// As Superfluid's.
    pub fn get_units(&self, member: Address) -> u128 {
        self.units.get(member).to()
    }

    /// As Superfluid's.
    pub fn get_total_units(&self) -> u128 {
        self.total.get().to()
    }

    /// As Superfluid's.
    pub fn get_total_flow_rate(&self) -> I96 {
        self.flow_rate.get()
    }

    /// As Superfluid's.
    pub fn update_member_units(&mut self, member: Address, units: u128) -> Result<bool, Vec<u8>> {
        require(self.vm().msg_sender() == self.admin.get())?;
        require(!member.is_zero() && !self.refused.get(member))?;
        let before: u128 = self.units.get(member).to();
        let total: u128 = self.total.get().to();
        self.units.setter(member).set(U128::from(units));
        self.total.set(U128::from(total - before + units));
        let updates = self.updates.get() + U256::from(1);
        self.updates.set(updates);
        log(self.vm(), UnitsUpdated { member, units });
        Ok(true)
    }
}

fn require(condition: bool) -> Result<(), Vec<u8>> {
    match condition {
        true => Ok(()),
        false => Err(refusal("no")),
    }
}

/// Strictly: what is not encoded as Solidity does is refused.
fn decode<C: SolCall>(arguments: &[u8]) -> Result<C, Vec<u8>> {
    C::abi_decode_raw(arguments, true).map_err(|_| refusal("malformed"))
}

/// The userData of a source's order.
pub fn order(pool: Address, rate: U256) -> Vec<u8> {
    (pool, rate).abi_encode_params()
}

/// A flow rate.
pub fn flow_rate(rate: u128) -> I96 {
    I96::from_raw(Uint::from(rate))
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Host {}
unsafe impl TopLevelStorage for Gda {}
unsafe impl TopLevelStorage for GdaPool {}
