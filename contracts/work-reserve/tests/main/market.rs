//! A task type by work: the real WorkLedger, WorkVouchers, WorkReserve and OverflowMeter, real keys, and neighbours that say what a test
//! tells them.
#![allow(dead_code, unused_imports)]

pub use alloy_primitives::{keccak256, Address, Bytes, B256, U256, U8};
pub use bpe_common::{
    clock::testing::{advance_time, timestamp},
    eip712::{hash_words, DOMAIN_TYPEHASH},
};
pub use bpe_testing::{
    superfluid::{flow_rate, Gda},
    Behaviour, Token, Wallet,
};
pub use k256::ecdsa::SigningKey;
pub use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::{
    evidence::{self, SignedVoucher, WorkVouchers},
    ledger::{self, WorkLedger},
    meter::OverflowMeter,
    neighbours::{Decimal, Pool, Pools, Registry},
    reserve::{self, WorkReserve},
};

pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const THIRD: Address = Address::repeat_byte(0x33);
/// A capacity unit; of work, one unit for a second.
pub const UNIT: u128 = 1_000_000_000;
/// What a note deducts a second: a wei for each of the pool's units.
pub const UNITS: u128 = 10_000;
/// The base fee of the task type, in wei per capacity unit and second.
pub const FEE: u64 = 1_000;

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

pub fn w(number: u128) -> U256 {
    U256::from(number)
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

pub fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

/// The sink and the source of most tests.
pub fn sink() -> Address {
    address(&key(1))
}

pub fn source() -> Address {
    address(&key(2))
}

pub fn sign(key: &SigningKey, digest: B256) -> Bytes {
    let signed = key.sign_prehash_recoverable(digest.as_slice());
    let (signature, recovery) = signed.expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]]
        .concat()
        .into()
}

/// PricingCurve, which says one fee, or nothing, and adds up what it is told.
#[storage]
pub struct Fees {
    fee: StorageU256,
    fails: StorageBool,
    deaf: StorageBool,
    calls: StorageU256,
    work: StorageMap<B256, StorageU256>,
    capacity: StorageMap<B256, StorageU256>,
}

#[public]
impl Fees {
    pub fn set_fee(&mut self, fee: U256, fails: bool) {
        self.fee.set(fee);
        self.fails.set(fails);
    }

    /// Refuses what it is told from now on.
    pub fn deafen(&mut self) {
        self.deaf.set(true);
    }

    pub fn get_base_fee(&self, _id: B256) -> Result<U256, Vec<u8>> {
        match self.fails.get() {
            true => Err(vec![]),
            false => Ok(self.fee.get()),
        }
    }

    pub fn record_work(&mut self, id: B256, work: U256, capacity: U256) -> Result<(), Vec<u8>> {
        if self.deaf.get() {
            return Err(vec![]);
        }
        let calls = self.calls.get() + n(1);
        self.calls.set(calls);
        let sums = (self.work.get(id) + work, self.capacity.get(id) + capacity);
        self.work.setter(id).set(sums.0);
        self.capacity.setter(id).set(sums.1);
        Ok(())
    }

    /// How often it was told, and the sums of work and capacity.
    pub fn told(&self, id: B256) -> (U256, U256, U256) {
        (self.calls.get(), self.work.get(id), self.capacity.get(id))
    }
}

/// What WorkLedger and WorkReserve see of WorkMisses and of StakeManager: a WorkMisses without rules, in whose name a test says what
/// it likes, and where staking is not open yet.
#[storage]
pub struct Seat {
    ledger: StorageAddress,
    treasury: StorageAddress,
}

#[public]
impl Seat {
    pub fn set_ledger(&mut self, ledger: Address) {
        self.ledger.set(ledger);
    }

    pub fn work_ledger(&self) -> Address {
        self.ledger.get()
    }

    pub fn set_treasury(&mut self, treasury: Address) {
        self.treasury.set(treasury);
    }

    pub fn treasury(&self) -> Address {
        self.treasury.get()
    }

    pub fn power_notice(&self) -> U256 {
        U256::ZERO
    }
}

// SAFETY: the types are only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Fees {}
unsafe impl TopLevelStorage for Seat {}

/// A task that a sink is said to have missed: what both signed.
pub struct Task {
    pub id: B256,
    pub sink: Address,
    pub source: Address,
    pub work: U256,
    pub value: U256,
    pub timestamp: U256,
    pub deadline: U256,
}

impl Task {
    pub fn message(&self) -> B256 {
        hash_words(&[
            keccak256(ASSIGNMENT),
            CODE,
            self.sink.into_word(),
            self.source.into_word(),
            self.id,
            self.work.into(),
            self.value.into(),
            self.timestamp.into(),
            self.deadline.into(),
        ])
    }
}

pub const ASSIGNMENT: &str = "WorkAssignment(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 work,uint256 value,uint256 timestamp,uint256 deadline)";

pub struct Market {
    pub ledger: Contract<WorkLedger>,
    pub vouchers: Contract<WorkVouchers>,
    pub reserve: Contract<WorkReserve>,
    pub meter: Contract<OverflowMeter>,
    pub token: Contract<Token>,
    pub gda: Contract<Gda>,
    pub pools: Contract<Pools>,
    pub pool: Contract<Pool>,
    pub registry: Contract<Registry>,
    pub fees: Contract<Fees>,
    pub escrow: Contract<Decimal>,
}

impl Market {
    /// All constructed, nothing connected; the task type is of this weighting.
    pub fn unconnected(weighting: u64) -> Self {
        let it = Self {
            ledger: Contract::new(),
            vouchers: Contract::new(),
            reserve: Contract::new(),
            meter: Contract::new(),
            token: Contract::new(),
            gda: Contract::new(),
            pools: Contract::new(),
            pool: Contract::new(),
            registry: Contract::new(),
            fees: Contract::new(),
            escrow: Contract::new(),
        };
        let (meter, registry) = (it.meter.address(), it.registry.address());
        let (gda, token) = (it.gda.address(), it.token.address());
        it.pools.sender(OWNER).wire(meter, registry, gda, token);
        it.pools.sender(OWNER).set_weighting(n(weighting));
        it.pools.sender(OWNER).set_pool(it.pool.address());
        let (pools, escrow) = (it.pools.address(), it.escrow.address());
        it.meter.sender(OWNER).constructor(pools).motsu_unwrap();
        it.ledger
            .sender(OWNER)
            .constructor(pools, registry, escrow, OWNER)
            .motsu_unwrap();
        let ledger = it.ledger.address();
        it.vouchers
            .sender(OWNER)
            .constructor(ledger, OWNER)
            .motsu_unwrap();
        let vouchers = it.vouchers.address();
        it.reserve
            .sender(OWNER)
            .constructor(vouchers)
            .motsu_unwrap();
        it.escrow.sender(OWNER).set_links(ledger, Address::ZERO);
        it.fees.sender(OWNER).set_fee(n(FEE), false);
        it
    }

    /// By work, without cuts, without sinks and sources.
    pub fn empty() -> Self {
        let it = Self::unconnected(3);
        it.connect().unwrap();
        let (pools, escrow) = (it.pools.address(), it.escrow.address());
        let open = it.meter.sender(pools).settle_by_work(CODE, escrow, n(0));
        it.set_reserve_units(UNITS);
        assert_eq!(open.motsu_unwrap(), it.reserve.address());
        it
    }

    /// With a sink of ten units that has served for an hour, and a source that has paid 1e18.
    pub fn new() -> Self {
        let it = Self::empty();
        it.serve(sink(), 10 * UNIT);
        it.pay(source(), 1_000_000_000_000_000_000);
        advance_time(3_599);
        it
    }

    /// The reserve has so many of the pool's 10 000 units.
    pub fn set_reserve_units(&self, units: u128) {
        let reserve = self.reserve.address();
        self.pools.sender(OWNER).set_units(reserve, w(units));
    }

    pub fn connect(&self) -> Result<(), ledger::Error> {
        let (reserve, fees) = (self.reserve.address(), self.fees.address());
        let set = self.vouchers.sender(OWNER).set_pricing_curve(fees);
        set.motsu_unwrap();
        let set = self.ledger.sender(OWNER).set_work_reserve(reserve);
        set.motsu_res()?;
        // EscrowBuffer asks the ledger itself; this one is both.
        let escrow = self.escrow.address();
        self.escrow.sender(OWNER).set_links(escrow, reserve);
        Ok(())
    }

    /// `sink` has this capacity from now on; what it served before is forgotten.
    pub fn serve(&self, sink: Address, capacity: u128) {
        let (capacities, since) = (vec![w(capacity)], vec![n(timestamp())]);
        let it = self.registry.sender(OWNER);
        let mut it = it;
        it.set_sinks(CODE, vec![sink], capacities, since);
    }

    /// `source` streams so much from now on, in wei per second.
    pub fn stream(&self, source: Address, rate: u128) {
        let since = n(timestamp());
        self.gda
            .sender(OWNER)
            .set_flow(source, since, flow_rate(rate));
    }

    pub fn note(&self, source: Address) -> u128 {
        self.ledger.sender(THIRD).note(CODE, source).to()
    }

    /// So much reaches the reserve by streams.
    pub fn accrue(&self, amount: u128) {
        let token = self.token.address();
        self.pool.sender(OWNER).accrue(token, w(amount));
    }

    /// `source` pays so much, in one second.
    pub fn pay(&self, source: Address, amount: u128) {
        self.note(source);
        self.stream(source, amount + UNITS);
        advance_time(1);
        self.accrue(amount + UNITS);
        self.note(source);
        self.stream(source, 0);
    }

    /// Names `seat` WorkMisses, with stakes there.
    pub fn seat(&self, seat: &Contract<Seat>, stakes: Address) {
        self.registry.sender(OWNER).set_stake_manager(stakes);
        seat.sender(OWNER).set_ledger(self.ledger.address());
        let set = self.ledger.sender(OWNER).set_work_misses(seat.address());
        set.motsu_unwrap();
    }

    /// As WorkMisses, has the reserve charge for a task, by a signature of its source.
    pub fn charge(
        &self,
        misses: Address,
        task: &Task,
        signature: &[u8],
    ) -> Result<(), reserve::Error> {
        let mut it = self.reserve.sender(misses);
        let assignment = [
            CODE,
            task.sink.into_word(),
            task.source.into_word(),
            task.id,
            task.work.into(),
            task.value.into(),
            task.timestamp.into(),
            task.deadline.into(),
        ];
        let signature = [
            B256::from_slice(&signature[..32]),
            B256::from_slice(&signature[32..64]),
            U256::from(signature[64]).into(),
        ];
        it.charge(assignment, signature).motsu_res()
    }

    pub fn digest(&self, message: B256) -> B256 {
        digest_of(self.vouchers.address(), 42_161, message)
    }

    /// A voucher of both for the totals.
    pub fn voucher(
        &self,
        source: &SigningKey,
        sink: &SigningKey,
        work: u128,
        value: u128,
        tasks: u64,
    ) -> SignedVoucher {
        let mut voucher = SignedVoucher {
            taskTypeId: CODE,
            sink: address(sink),
            source: address(source),
            work: w(work),
            value: w(value),
            tasks: n(tasks),
            timestamp: n(timestamp()),
            sinkSig: Bytes::new(),
            sourceSig: Bytes::new(),
        };
        self.sign(&mut voucher, source, sink);
        voucher
    }

    pub fn sign(&self, voucher: &mut SignedVoucher, source: &SigningKey, sink: &SigningKey) {
        let digest = self.digest(message(voucher));
        voucher.sinkSig = sign(sink, digest);
        voucher.sourceSig = sign(source, digest);
    }

    /// Between the sink and the source of most tests.
    pub fn usual(&self, work: u128, value: u128, tasks: u64) -> SignedVoucher {
        self.voucher(&key(2), &key(1), work, value, tasks)
    }

    pub fn redeem(&self, voucher: SignedVoucher) -> Result<(), evidence::Error> {
        self.vouchers
            .sender(THIRD)
            .redeem(voucher, false)
            .motsu_res()
    }

    pub fn redeem_and_pay(&self, voucher: SignedVoucher) -> Result<(), evidence::Error> {
        self.vouchers
            .sender(THIRD)
            .redeem(voucher, true)
            .motsu_res()
    }

    /// Unspent, earmarked, asked back.
    pub fn funds(&self, source: Address) -> (u128, u128, u128) {
        let it = self.reserve.sender(THIRD).get_funds(CODE, source);
        let (unspent, earmarked, asked, _, _) = it.motsu_unwrap();
        (unspent.to(), earmarked.to(), asked.to())
    }

    /// What is owed to a sink, and what has counted for it.
    pub fn account(&self, of: Address) -> (u128, u128) {
        let owed = self.reserve.sender(THIRD).get_owed(CODE, of);
        let it = self.vouchers.sender(THIRD).get_allowance(CODE, of);
        let (counted, _) = it.motsu_unwrap();
        (owed.to(), counted.to())
    }

    /// What is owed to all.
    pub fn owed(&self) -> u128 {
        self.reserve.sender(THIRD).get_holdings(CODE).2.to()
    }

    pub fn balance(&self, of: Address) -> u128 {
        self.token.sender(THIRD).balance(of).to()
    }

    /// What PricingCurve was told: how often, and the sums of work and capacity, in capacity-seconds.
    pub fn told(&self) -> (u64, u128, u128) {
        let (calls, work, capacity) = self.fees.sender(THIRD).told(CODE);
        (calls.to(), work.to(), capacity.to())
    }

    pub fn verified(&self, sink: Address) -> u128 {
        let it = self.vouchers.sender(THIRD);
        it.get_verified_capacity(CODE, sink).to()
    }
}

pub fn digest_of(contract: Address, chain: u64, message: B256) -> B256 {
    let domain = hash_words(&[
        DOMAIN_TYPEHASH,
        keccak256("BPE-WorkLedger"),
        keccak256("1"),
        n(chain).into(),
        contract.into_word(),
    ]);
    keccak256([&[0x19, 0x01], &domain[..], &message[..]].concat())
}

pub const VOUCHER: &str = "WorkVoucher(bytes32 taskTypeId,address sink,address source,uint256 work,uint256 value,uint256 tasks,uint256 timestamp)";

pub fn message(voucher: &SignedVoucher) -> B256 {
    hash_words(&[
        keccak256(VOUCHER),
        voucher.taskTypeId,
        voucher.sink.into_word(),
        voucher.source.into_word(),
        voucher.work.into(),
        voucher.value.into(),
        voucher.tasks.into(),
        voucher.timestamp.into(),
    ])
}

/// What a batch says of a voucher that would have failed with this alone.
pub fn reason(error: evidence::Error) -> alloy_primitives::FixedBytes<4> {
    let encoded: Vec<u8> = error.into();
    encoded[..4].try_into().expect("a selector")
}
