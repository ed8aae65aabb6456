//! A ledger between neighbours that say what they are told, with real keys.

use alloy_primitives::{keccak256, Address, Bytes, B256, U256, U64, U8};
use bpe_common::{
    clock::testing::timestamp,
    eip712::{hash_words, DOMAIN_TYPEHASH},
};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::contract::*;

pub const CODE: B256 = B256::repeat_byte(0xc0);
pub const OWNER: Address = Address::repeat_byte(0x01);
pub const UNIT: u128 = 1_000_000_000;
/// 10 000 units of the escrow's: no cuts.
pub const UNITS: u64 = 10_000;

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

pub fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

pub fn sign(key: &SigningKey, digest: B256) -> Bytes {
    let (signature, recovery) = key
        .sign_prehash_recoverable(digest.as_slice())
        .expect("a signature");
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]]
        .concat()
        .into()
}

/// All that the ledger asks: pools, meter, GDA, registry, stakes, prices, escrow.
#[storage]
pub struct Neighbours {
    weighting: StorageU256,
    units: StorageU256,
    since: StorageU256,
    rates: StorageMap<Address, StorageU256>,
    flows_since: StorageMap<Address, StorageU256>,
    capacities: StorageMap<Address, StorageU256>,
    seconds: StorageMap<Address, StorageU256>,
    changed: StorageMap<Address, StorageU256>,
    fee: StorageU256,
    follows: StorageBool,
    recorded_work: StorageU256,
    recorded_capacity: StorageU256,
    records: StorageU64,
    paid: StorageMap<Address, StorageU256>,
    payments: StorageU64,
    unspent_sum: StorageU256,
    opened: StorageBool,
    period: StorageU256,
    misbehaviour: StorageU8,
}

#[public]
impl Neighbours {
    pub fn set_up(&mut self, weighting: U256, units: U256) {
        self.weighting.set(weighting);
        self.units.set(units);
        self.since.set(U256::from(timestamp()));
    }

    /// 1: the registry fails. 2: PricingCurve fails. 3: the escrow fails.
    pub fn misbehave(&mut self, how: u8) {
        self.misbehaviour.set(U8::from(how));
    }

    pub fn stream(&mut self, source: Address, rate: U256) {
        self.rates.setter(source).set(rate);
        self.flows_since.setter(source).set(U256::from(timestamp()));
    }

    pub fn set_capacity(&mut self, sink: Address, capacity: U256) {
        let seconds = self.capacity_seconds(sink);
        self.seconds.setter(sink).set(seconds);
        self.changed.setter(sink).set(U256::from(timestamp()));
        self.capacities.setter(sink).set(capacity);
    }

    pub fn set_seconds(&mut self, sink: Address, seconds: U256) {
        self.seconds.setter(sink).set(seconds);
        self.changed.setter(sink).set(U256::from(timestamp()));
    }

    pub fn set_market(&mut self, fee: U256, follows: bool) {
        self.fee.set(fee);
        self.follows.set(follows);
    }

    pub fn set_stakes(&mut self, opened: bool, period: U256) {
        self.opened.set(opened);
        self.period.set(period);
    }

    pub fn recorded(&self) -> (U256, U256, u64) {
        (
            self.recorded_work.get(),
            self.recorded_capacity.get(),
            self.records.get().to(),
        )
    }

    pub fn paid(&self, to: Address) -> U256 {
        self.paid.get(to)
    }

    pub fn last_payment(&self) -> (u64, U256) {
        (self.payments.get().to(), self.unspent_sum.get())
    }

    // --- What the ledger asks

    #[selector(name = "GDA")]
    pub fn gda(&self) -> Address {
        self.vm().contract_address()
    }

    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.vm().contract_address()
    }

    pub fn overflow_meter(&self) -> Address {
        self.vm().contract_address()
    }

    pub fn get_pool(&self, id: B256) -> Address {
        match id == CODE {
            true => self.vm().contract_address(),
            false => Address::ZERO,
        }
    }

    pub fn get_weighting(&self, _id: B256) -> U256 {
        self.weighting.get()
    }

    pub fn get_overflow_index(&self, _id: B256) -> (U256, U256) {
        (U256::ZERO, self.unit_seconds(timestamp()))
    }

    pub fn get_unit_seconds(&self, _id: B256, time: U256) -> U256 {
        self.unit_seconds(time.to())
    }

    pub fn get_flow(&self, _token: Address, from: Address, _to: Address) -> (U256, U256, U256) {
        (self.flows_since.get(from), self.rates.get(from), U256::ZERO)
    }

    pub fn get_capacity_seconds(
        &self,
        id: B256,
        sink: Address,
        time: U256,
    ) -> Result<U256, Vec<u8>> {
        assert_eq!(time, U256::from(timestamp()), "no past time is asked for");
        match self.misbehaviour.get().to::<u8>() == 1 || id != CODE {
            true => Err(vec![1, 2, 3, 4]),
            false => Ok(self.capacity_seconds(sink)),
        }
    }

    pub fn get_smoothed_capacity(&self, _id: B256, sink: Address) -> U256 {
        self.capacities.get(sink)
    }

    pub fn stake_manager(&self) -> Address {
        self.vm().contract_address()
    }

    pub fn opened(&self) -> bool {
        self.opened.get()
    }

    pub fn unbonding_period(&self) -> U256 {
        self.period.get()
    }

    pub fn get_market(&self, _id: B256) -> Result<(U256, bool), Vec<u8>> {
        match self.misbehaviour.get().to::<u8>() == 2 {
            true => Err(vec![]),
            false => Ok((self.fee.get(), self.follows.get())),
        }
    }

    pub fn record_work(&mut self, _id: B256, work: U256, capacity: U256) {
        let (all_work, all_capacity) = (
            self.recorded_work.get() + work,
            self.recorded_capacity.get() + capacity,
        );
        self.recorded_work.set(all_work);
        self.recorded_capacity.set(all_capacity);
        let records = self.records.get() + U64::from(1);
        self.records.set(records);
    }

    pub fn pay_out(
        &mut self,
        _id: B256,
        to: Address,
        amount: U256,
        unspent_sum: U256,
    ) -> Result<(), Vec<u8>> {
        if self.misbehaviour.get().to::<u8>() == 3 {
            return Err(vec![5, 6, 7, 8]);
        }
        let paid = self.paid.get(to) + amount;
        self.paid.setter(to).set(paid);
        let payments = self.payments.get() + U64::from(1);
        self.payments.set(payments);
        self.unspent_sum.set(unspent_sum);
        Ok(())
    }
}

impl Neighbours {
    fn unit_seconds(&self, time: u64) -> U256 {
        let since = self.since.get().to::<u64>();
        self.units.get() * U256::from(time.saturating_sub(since))
    }

    fn capacity_seconds(&self, sink: Address) -> U256 {
        let seconds = U256::from(timestamp()).saturating_sub(self.changed.get(sink));
        self.seconds.get(sink) + self.capacities.get(sink) * seconds
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Neighbours {}

pub struct World {
    pub ledger: Contract<WorkLedger>,
    pub neighbours: Contract<Neighbours>,
}

impl World {
    pub fn new() -> Self {
        let world = Self {
            ledger: Contract::new(),
            neighbours: Contract::new(),
        };
        let all = world.neighbours.address();
        world
            .neighbours
            .sender(OWNER)
            .set_up(U256::from(3), U256::from(UNITS));
        world
            .ledger
            .sender(OWNER)
            .constructor(all, all, all, OWNER)
            .motsu_unwrap();
        world
    }

    /// EscrowBuffer's address.
    pub fn escrow(&self) -> Address {
        self.neighbours.address()
    }

    pub fn deposit(&self, source: Address, amount: u128) -> U256 {
        self.ledger
            .sender(self.escrow())
            .credit(CODE, source, U256::from(amount))
            .motsu_unwrap()
    }

    pub fn enter(&self, sink: Address, capacity: u128) {
        self.neighbours
            .sender(OWNER)
            .set_capacity(sink, U256::from(capacity));
    }

    pub fn digest(&self, message: B256) -> B256 {
        digest_of(self.ledger.address(), 42_161, message)
    }

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
            work: U256::from(work),
            value: U256::from(value),
            tasks: U256::from(tasks),
            timestamp: U256::from(timestamp()),
            sinkSig: Bytes::new(),
            sourceSig: Bytes::new(),
        };
        self.sign_voucher(&mut voucher, source, sink);
        voucher
    }

    pub fn sign_voucher(
        &self,
        voucher: &mut SignedVoucher,
        source: &SigningKey,
        sink: &SigningKey,
    ) {
        let digest = self.digest(voucher_message(voucher));
        voucher.sinkSig = sign(sink, digest);
        voucher.sourceSig = sign(source, digest);
    }

    pub fn redeem(&self, voucher: SignedVoucher) -> Result<(), Error> {
        self.ledger.sender(OWNER).redeem(voucher, false).motsu_res()
    }

    pub fn funds(&self, source: Address) -> (u128, u128, u128) {
        let (unspent, earmarked, asked, _) = self.ledger.sender(OWNER).get_funds(CODE, source);
        (unspent.to(), earmarked.to(), asked.to())
    }

    pub fn account(&self, of: Address) -> (u128, u128) {
        let (owed, counted) = self.ledger.sender(OWNER).get_account(CODE, of);
        (owed.to(), counted.to())
    }

    pub fn reserve(&self) -> (u128, u128) {
        let (unspent, owed) = self.ledger.sender(OWNER).get_reserve(CODE);
        (unspent.to(), owed.to())
    }
}

pub fn digest_of(contract: Address, chain: u64, message: B256) -> B256 {
    let domain = hash_words(&[
        DOMAIN_TYPEHASH,
        keccak256("BPE-WorkLedger"),
        keccak256("1"),
        U256::from(chain).into(),
        contract.into_word(),
    ]);
    keccak256([&[0x19, 0x01], &domain[..], &message[..]].concat())
}

pub fn voucher_message(voucher: &SignedVoucher) -> B256 {
    hash_words(&[
        keccak256("WorkVoucher(bytes32 taskTypeId,address sink,address source,uint256 work,uint256 value,uint256 tasks,uint256 timestamp)"),
        voucher.taskTypeId,
        voucher.sink.into_word(),
        voucher.source.into_word(),
        voucher.work.into(),
        voucher.value.into(),
        voucher.tasks.into(),
        voucher.timestamp.into(),
    ])
}
