//! Superfluid, as far as the contracts call it. What they send is decoded strictly: an encoding made by hand that is not to
//! the byte what Solidity would send is refused.

use alloc::{vec, vec::Vec};
use alloy_primitives::{aliases::I96, keccak256, Address, Uint, I256, U128, U256, U8};
use alloy_sol_types::{sol, SolCall, SolValue};
use bpe_common::packed::widen;
use stylus_sdk::{abi::Bytes, prelude::*, storage::*};

use crate::{refusal, split, Answer};

sol! {
    /// An app registered itself.
    #[derive(Debug, PartialEq, Eq)]
    event AppRegistered(address app, uint256 configWord, string registrationKey);
    /// `from` distributes `flowRate` into `pool` from now on; told so within a callback, or not.
    #[derive(Debug, PartialEq, Eq)]
    event Distributed(address pool, address from, int96 flowRate, bool withContext);
    /// `member` was connected to `pool` by `caller`.
    #[derive(Debug, PartialEq, Eq)]
    event MemberConnected(address caller, address pool, address member);
    /// `operator` called the function `selector` of the constant flow agreement; a deleted flow has rate zero.
    #[derive(Debug, PartialEq, Eq)]
    event FlowChanged(bytes4 selector, address operator, address sender, address receiver, int96 flowRate, bytes userData);
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

    interface IHost {
        struct Context {
            uint8 appCallbackLevel;
            uint8 callType;
            uint256 timestamp;
            address msgSender;
            bytes4 agreementSelector;
            bytes userData;
            uint256 appCreditGranted;
            uint256 appCreditWantedDeprecated;
            int256 appCreditUsed;
            address appAddress;
            address appCreditToken;
        }

        function getAgreementClass(bytes32 agreementType) external view returns (address);
        function registerApp(uint256 configWord) external;
        function registerAppWithKey(uint256 configWord, string registrationKey) external;
        function callAgreement(address agreementClass, bytes callData, bytes userData) external returns (bytes);
        function callAgreementWithContext(address agreementClass, bytes callData, bytes userData, bytes ctx) external returns (bytes newCtx, bytes returnedData);
        function decodeCtx(bytes ctx) external pure returns (Context);
    }

    interface ICfa {
        function createFlowByOperator(address token, address sender, address receiver, int96 flowRate, bytes ctx) external returns (bytes);
        function updateFlowByOperator(address token, address sender, address receiver, int96 flowRate, bytes ctx) external returns (bytes);
        function deleteFlowByOperator(address token, address sender, address receiver, bytes ctx) external returns (bytes);
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

/// What of the distributions into a pool [`Host`] refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// Nothing.
    Nothing,
    /// Rates above zero, as for want of a deposit.
    Flows,
    /// Everything.
    Everything,
    /// Nothing, but the answer is not what the interface promises.
    Answers,
}

/// The host, and what the agreements do behind it. A context is `abi.encode(serial, msgSender, userData)`, and valid is
/// only the last one.
#[storage]
pub struct Host {
    token: StorageAddress,
    cfa: StorageAddress,
    gda: StorageAddress,
    serial: StorageU256,
    refusals: StorageMap<Address, StorageU8>,
    rates: StorageMap<Address, StorageU256>,
    refuses_connections: StorageBool,
    refuses_changes: StorageBool,
    refuses_apps: StorageBool,
}

#[public]
impl Host {
    /// Names the neighbours.
    pub fn set_up(&mut self, token: Address, cfa: Address, gda: Address) {
        self.token.set(token);
        self.cfa.set(cfa);
        self.gda.set(gda);
    }

    /// Refuses distributions into `pool` from now on: see [`Refusal`].
    pub fn refuse(&mut self, pool: Address, refusal: u8) {
        self.refusals.setter(pool).set(U8::from(refusal));
    }

    /// Refuses to connect members, to change flows, or to register apps.
    pub fn set_refuses(&mut self, connections: bool, changes: bool, apps: bool) {
        self.refuses_connections.set(connections);
        self.refuses_changes.set(changes);
        self.refuses_apps.set(apps);
    }

    /// Begins a callback: the context of a call of `sender` with `user_data`.
    pub fn open_context(&mut self, sender: Address, user_data: Bytes) -> Bytes {
        self.next_context(sender, user_data.0).into()
    }

    /// Whether `context` is the last one that was handed out.
    pub fn is_current(&self, context: Bytes) -> bool {
        self.context(&context).is_ok()
    }

    /// What is distributed into `pool`.
    pub fn rate(&self, pool: Address) -> U256 {
        self.rates.get(pool)
    }

    /// Superfluid's functions.
    #[fallback]
    pub fn fallback(&mut self, calldata: &[u8]) -> Answer {
        let (selector, arguments) = split(calldata);
        match selector {
            IHost::getAgreementClassCall::SELECTOR => {
                let call = decode::<IHost::getAgreementClassCall>(arguments)?;
                let cfa = "org.superfluid-finance.agreements.ConstantFlowAgreement.v1";
                let gda = "org.superfluid-finance.agreements.GeneralDistributionAgreement.v1";
                match call.agreementType {
                    agreement if agreement == keccak256(cfa) => Ok(self.cfa.get().abi_encode()),
                    agreement if agreement == keccak256(gda) => Ok(self.gda.get().abi_encode()),
                    _ => Err(refusal("no such agreement")),
                }
            }
            IHost::registerAppCall::SELECTOR => {
                let call = decode::<IHost::registerAppCall>(arguments)?;
                self.register(call.configWord, Default::default())
            }
            IHost::registerAppWithKeyCall::SELECTOR => {
                let call = decode::<IHost::registerAppWithKeyCall>(arguments)?;
                self.register(call.configWord, call.registrationKey)
            }
            IHost::callAgreementCall::SELECTOR => {
                let call = decode::<IHost::callAgreementCall>(arguments)?;
                let answer =
                    self.agreement(call.agreementClass, &call.callData, &call.userData, false)?;
                Ok(IHost::callAgreementCall::abi_encode_returns(&(answer,)))
            }
            IHost::callAgreementWithContextCall::SELECTOR => {
                let call = decode::<IHost::callAgreementWithContextCall>(arguments)?;
                let (sender, user_data) = self.context(&call.ctx)?;
                let answer =
                    self.agreement(call.agreementClass, &call.callData, &call.userData, true)?;
                if answer.is_empty() {
                    return Ok(vec![1; 31]);
                }
                let context = self.next_context(sender, user_data);
                type Call = IHost::callAgreementWithContextCall;
                Ok(Call::abi_encode_returns(&(context, answer)))
            }
            IHost::decodeCtxCall::SELECTOR => {
                let call = decode::<IHost::decodeCtxCall>(arguments)?;
                let (sender, user_data) = self.context(&call.ctx)?;
                let context = IHost::Context {
                    appCallbackLevel: 1,
                    callType: 3,
                    timestamp: U256::from(7),
                    msgSender: sender,
                    agreementSelector: [0xab; 4].into(),
                    userData: user_data.into(),
                    appCreditGranted: U256::from(8),
                    appCreditWantedDeprecated: U256::from(9),
                    appCreditUsed: I256::MINUS_ONE,
                    appAddress: Address::repeat_byte(0xcd),
                    appCreditToken: Address::repeat_byte(0xce),
                };
                Ok(IHost::decodeCtxCall::abi_encode_returns(&(context,)))
            }
            _ => Err(refusal("no such function")),
        }
    }
}

impl Host {
    fn register(&mut self, config_word: U256, key: String) -> Answer {
        if self.refuses_apps.get() {
            return Err(refusal("no"));
        }
        let event = AppRegistered {
            app: self.vm().msg_sender(),
            configWord: config_word,
            registrationKey: key,
        };
        log(self.vm(), event);
        Ok(vec![])
    }

    fn next_context(&mut self, sender: Address, user_data: Vec<u8>) -> Vec<u8> {
        let serial = self.serial.get() + U256::from(1);
        self.serial.set(serial);
        (serial, sender, alloy_primitives::Bytes::from(user_data)).abi_encode_params()
    }

    fn context(&self, context: &[u8]) -> Result<(Address, Vec<u8>), Vec<u8>> {
        type Context = (U256, Address, alloy_primitives::Bytes);
        match Context::abi_decode_params(context, true) {
            Ok((serial, sender, user_data)) if serial == self.serial.get() => {
                Ok((sender, user_data.into()))
            }
            _ => Err(refusal("invalid ctx")),
        }
    }

    fn agreement(&mut self, class: Address, call: &[u8], user_data: &[u8], inside: bool) -> Answer {
        let (selector, arguments) = split(call);
        let caller = self.vm().msg_sender();
        match (class == self.gda.get(), class == self.cfa.get()) {
            (true, _) if selector == IGda::distributeFlowCall::SELECTOR => {
                let call = decode::<IGda::distributeFlowCall>(arguments)?;
                require(call.token == self.token.get() && call.from == caller)?;
                require(call.ctx.is_empty() && user_data.is_empty())?;
                self.distribute(call.pool, call.from, call.requestedFlowRate, inside)
            }
            (true, _) if selector == IGda::tryConnectPoolForCall::SELECTOR => {
                let call = decode::<IGda::tryConnectPoolForCall>(arguments)?;
                require(call.ctx.is_empty() && user_data.is_empty())?;
                require(!self.refuses_connections.get())?;
                let event = MemberConnected {
                    caller,
                    pool: call.pool,
                    member: call.memberAddr,
                };
                log(self.vm(), event);
                Ok(vec![1])
            }
            (true, _) if selector == IGda::disconnectPoolCall::SELECTOR => {
                let call = decode::<IGda::disconnectPoolCall>(arguments)?;
                require(call.ctx.is_empty() && user_data.is_empty())?;
                require(!self.refuses_connections.get())?;
                let pool = call.pool;
                log(self.vm(), MemberDisconnected { caller, pool });
                Ok(vec![1])
            }
            (_, true) => {
                require(!self.refuses_changes.get())?;
                self.change(selector, arguments, user_data)
            }
            _ => Err(refusal("no such agreement or function")),
        }
    }

    fn distribute(&mut self, pool: Address, from: Address, rate: I96, inside: bool) -> Answer {
        let refusal = self.refusals.get(pool).to::<u8>();
        require(refusal != Refusal::Everything as u8)?;
        require(refusal != Refusal::Flows as u8 || rate.is_zero())?;
        require(!rate.is_negative())?;
        self.rates.setter(pool).set(U256::from(rate.into_raw()));
        let event = Distributed {
            pool,
            from,
            flowRate: rate,
            withContext: inside,
        };
        log(self.vm(), event);
        match refusal == Refusal::Answers as u8 {
            true => Ok(vec![]),
            false => Ok(vec![1]),
        }
    }

    fn change(&mut self, selector: [u8; 4], arguments: &[u8], user_data: &[u8]) -> Answer {
        let (token, sender, receiver, rate, ctx) = match selector {
            ICfa::createFlowByOperatorCall::SELECTOR => {
                let call = decode::<ICfa::createFlowByOperatorCall>(arguments)?;
                (
                    call.token,
                    call.sender,
                    call.receiver,
                    call.flowRate,
                    call.ctx,
                )
            }
            ICfa::updateFlowByOperatorCall::SELECTOR => {
                let call = decode::<ICfa::updateFlowByOperatorCall>(arguments)?;
                (
                    call.token,
                    call.sender,
                    call.receiver,
                    call.flowRate,
                    call.ctx,
                )
            }
            ICfa::deleteFlowByOperatorCall::SELECTOR => {
                let call = decode::<ICfa::deleteFlowByOperatorCall>(arguments)?;
                (call.token, call.sender, call.receiver, I96::ZERO, call.ctx)
            }
            _ => return Err(refusal("no such function")),
        };
        require(token == self.token.get() && ctx.is_empty())?;
        let event = FlowChanged {
            selector: selector.into(),
            operator: self.vm().msg_sender(),
            sender,
            receiver,
            flowRate: rate,
            userData: user_data.to_vec().into(),
        };
        log(self.vm(), event);
        Ok(vec![1])
    }
}

/// The constant flow agreement: says what it is told to.
#[storage]
pub struct Cfa {
    flows: StorageMap<Address, StorageMap<Address, StorageI96>>,
    minimum_deposit: StorageU256,
    refuses: StorageBool,
}

type StorageI96 = StorageSigned<96, 2>;

/// What [`Cfa`] asks for: four hours of a flow, in seconds.
pub const DEPOSIT_SECONDS: u64 = 14_400;

#[public]
impl Cfa {
    /// From now on `sender` streams `rate` to `receiver`.
    pub fn set_flow(&mut self, sender: Address, receiver: Address, rate: I96) {
        self.flows.setter(sender).setter(receiver).set(rate);
    }

    /// Asks for at least this deposit.
    pub fn set_minimum_deposit(&mut self, minimum: U256) {
        self.minimum_deposit.set(minimum);
    }

    /// Reverts from now on, or no longer.
    pub fn set_refuses(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    /// As Superfluid's, with numbers that the caller must not mistake for the rate.
    pub fn get_flow(
        &self,
        _token: Address,
        sender: Address,
        receiver: Address,
    ) -> Result<(U256, I96, U256, U256), Vec<u8>> {
        require(!self.refuses.get())?;
        let rate = self.flows.getter(sender).get(receiver);
        Ok((U256::from(11), rate, U256::from(12), U256::from(13)))
    }

    /// As Superfluid's.
    pub fn get_deposit_required_for_flow_rate(
        &self,
        _token: Address,
        flow_rate: I96,
    ) -> Result<U256, Vec<u8>> {
        require(!self.refuses.get() && !flow_rate.is_negative())?;
        let deposit = U256::from(flow_rate.into_raw()) * U256::from(DEPOSIT_SECONDS);
        Ok(deposit.max(self.minimum_deposit.get()))
    }
}

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

/// A pool. Its flow and what members have received are what it is told.
#[storage]
pub struct GdaPool {
    admin: StorageAddress,
    units: StorageMap<Address, StorageU128>,
    total: StorageU128,
    updates: StorageU256,
    flow_rate: StorageI96,
    received: StorageMap<Address, StorageU256>,
    refused: StorageMap<Address, StorageBool>,
    silent: StorageBool,
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

    /// What `member` has received.
    pub fn set_received(&mut self, member: Address, amount: U256) {
        self.received.setter(member).set(amount);
    }

    /// Refuses to change the units of `member` from now on, or no longer.
    pub fn refuse(&mut self, member: Address, refuses: bool) {
        self.refused.setter(member).set(refuses);
    }

    /// Does not say what was received from now on, or does again.
    pub fn set_silent(&mut self, silent: bool) {
        self.silent.set(silent);
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
    pub fn get_total_amount_received_by_member(&self, member: Address) -> Result<U256, Vec<u8>> {
        require(!self.silent.get())?;
        Ok(self.received.get(member))
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
unsafe impl TopLevelStorage for Cfa {}
unsafe impl TopLevelStorage for Gda {}
unsafe impl TopLevelStorage for GdaPool {}
