//! PricingCurve on motsu: every function, error and access rule, exact prices, the tariffs, convergence.

use std::borrow::Borrow;

use crate::contract::*;
use alloy_primitives::{uint, Address, B256, U256, U8};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_common::{
    call::{NotAContract, Revert},
    clock::testing::{advance_time, timestamp, FIRST_TIMESTAMP},
    ownable::{Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use bpe_testing::Registry;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

const UNIT: U256 = uint!(1_000_000_000_U256);
const FEE: U256 = uint!(1_000_000_000_000_000_U256);
const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);
const CODE: B256 = B256::repeat_byte(0xc0);
const CHAT: B256 = B256::repeat_byte(0xca);

fn units(amount: u64) -> U256 {
    UNIT * U256::from(amount)
}

/// An escrow buffer that answers what it is told to.
#[storage]
struct Buffer {
    answer: StorageU256,
    misbehaviour: StorageU8,
}

#[public]
impl Buffer {
    /// Answers this from now on. As for how: 0 behaves, 1 reverts, 2 answers with 31 bytes, 3 with nothing.
    fn set(&mut self, answer: U256, how: u8) {
        self.answer.set(answer);
        self.misbehaviour.set(U8::from(how));
    }

    #[fallback]
    fn fallback(&mut self, _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let word = self.answer.get().to_be_bytes_vec();
        match self.misbehaviour.get().to::<u8>() {
            1 => Err(Refusal::from("no").abi_encode()),
            2 => Ok(word[..31].to_vec()),
            3 => Ok(vec![]),
            _ => Ok(word),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Buffer {}

/// The contract over a registry, in which `sink` has 100 units of CODE.
struct World<'a> {
    pricing: &'a Contract<PricingCurve>,
    owner: Address,
}

impl<'a> World<'a> {
    fn new(
        pricing: &'a Contract<PricingCurve>,
        registry: &Contract<Registry>,
        owner: Address,
        sink: Address,
    ) -> Self {
        pricing
            .sender(owner)
            .constructor(registry.address(), owner)
            .motsu_unwrap();
        registry.sender(owner).enter(CODE, sink, units(100));
        Self { pricing, owner }
    }

    fn report(&self, sink: Address, load: U256) -> Result<(), Error> {
        self.pricing
            .sender(sink)
            .report_queue_load(CODE, load)
            .motsu_res()
    }

    fn advance(&self) -> Result<(), Error> {
        // Anyone.
        self.pricing
            .sender(Address::repeat_byte(0x77))
            .advance_epoch(CODE)
            .motsu_res()
    }

    fn fee(&self) -> U256 {
        self.pricing.sender(self.owner).get_base_fee(CODE)
    }

    fn demand(&self) -> U256 {
        self.pricing.sender(self.owner).get_epoch(CODE).1
    }

    fn price(&self, sink: Address) -> U256 {
        let it = self.pricing.sender(self.owner).get_price(CODE, sink);
        it.motsu_unwrap()
    }
}

fn owner_of(pricing: &Contract<PricingCurve>, caller: Address) -> Address {
    let it = pricing.sender(caller);
    let ownable: &Ownable = (*it).borrow();
    ownable.owner()
}

// --- Construction and ownership

#[motsu::test]
fn starts_with_what_it_is_given(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    World::new(&pricing, &registry, owner, sink);
    let it = pricing.sender(owner);
    assert_eq!(it.capacity_registry(), registry.address());
    assert_eq!(it.escrow_buffer(), Address::ZERO);
    assert_eq!(it.temperature_oracle(), Address::ZERO);
    assert_eq!(owner_of(&pricing, owner), owner);
    assert_eq!(it.get_base_fee(CODE), FEE);
    assert_eq!(it.get_queue_load(CODE, sink), U256::ZERO);
    assert_eq!(it.get_epoch(CODE), (U256::ZERO, U256::ZERO));
    assert_eq!(it.get_curve(CODE), CURVE_QUEUE);
    assert_eq!(it.bps(), U256::from(10_000));
    assert_eq!(it.epoch_duration(), U256::from(60));
    assert_eq!(it.adjustment_rate_bps(), U256::from(1_250));
    assert_eq!(it.default_base_fee(), FEE);
    assert_eq!(it.min_base_fee(), U256::from(1_000_000_000_000u64));
    assert_eq!(it.max_base_fee(), WAD * UNIT);
    assert_eq!(it.max_utilization(), WAD * U256::from(99) / U256::from(100));
    assert_eq!(it.escrow_sensitivity(), WAD * U256::from(4) / U256::from(5));
    assert_eq!(it.gamma_bps(), U256::from(10_000));
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
) {
    assert_eq!(
        pricing
            .sender(owner)
            .constructor(registry.address(), Address::ZERO)
            .motsu_unwrap_err(),
        Error::Ownable(
            OwnableInvalidOwner {
                owner: Address::ZERO
            }
            .into()
        )
    );
    assert_eq!(
        pricing
            .sender(owner)
            .constructor(owner, owner)
            .motsu_unwrap_err(),
        NotAContract { account: owner }.into()
    );
}

#[motsu::test]
fn the_owner_sets_the_neighbours(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    World::new(&pricing, &registry, owner, sink);
    let (buffer, oracle) = (Address::repeat_byte(0xbb), Address::repeat_byte(0x0c));
    pricing
        .sender(owner)
        .set_escrow_buffer(buffer)
        .motsu_unwrap();
    pricing.assert_emitted(&EscrowBufferSet {
        escrowBuffer: buffer,
    });
    pricing
        .sender(owner)
        .set_temperature_oracle(oracle)
        .motsu_unwrap();
    pricing.assert_emitted(&TemperatureOracleSet {
        temperatureOracle: oracle,
    });
    assert_eq!(pricing.sender(owner).escrow_buffer(), buffer);
    assert_eq!(pricing.sender(owner).temperature_oracle(), oracle);
    // A layout in which fields overlap would show here.
    assert_eq!(
        pricing.sender(owner).capacity_registry(),
        registry.address()
    );
    assert_eq!(owner_of(&pricing, owner), owner);
}

#[motsu::test]
fn only_the_owner_sets_anything(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    World::new(&pricing, &registry, owner, sink);
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account: sink }.into());
    let it = || pricing.sender(sink);
    assert_eq!(it().set_escrow_buffer(sink).motsu_unwrap_err(), refused);
    assert_eq!(
        it().set_temperature_oracle(sink).motsu_unwrap_err(),
        refused
    );
    assert_eq!(
        it().set_curve(CODE, CURVE_RELAY).motsu_unwrap_err(),
        refused
    );
}

// --- Reports

#[motsu::test]
fn a_report_counts_in_price_and_demand(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(50)).unwrap();
    pricing.assert_emitted(&QueueLoadUpdated {
        taskTypeId: CODE,
        sink,
        queueLoad: units(50),
    });
    assert_eq!(pricing.sender(owner).get_queue_load(CODE, sink), units(50));
    assert_eq!(
        pricing.sender(owner).get_epoch(CODE),
        (U256::from(FIRST_TIMESTAMP), units(50))
    );
    assert_eq!(world.price(sink), FEE * U256::from(2));
    // Another task type is another market.
    assert_eq!(pricing.sender(owner).get_queue_load(CHAT, sink), U256::ZERO);
    assert_eq!(
        pricing.sender(owner).get_epoch(CHAT),
        (U256::ZERO, U256::ZERO)
    );
}

#[motsu::test]
fn the_last_report_of_each_sink_counts(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    registry.sender(owner).enter(CODE, other, units(10));
    world.report(sink, units(70)).unwrap();
    world.report(other, units(8)).unwrap();
    assert_eq!(world.demand(), units(78));
    world.report(sink, units(20)).unwrap();
    assert_eq!(world.demand(), units(28));
    world.report(sink, units(0)).unwrap();
    world.report(other, units(9)).unwrap();
    assert_eq!(world.demand(), units(9));
}

/// In the existing deployment this reverts: the old report is subtracted from the new epoch's empty sum.
#[motsu::test]
fn a_sink_reports_again_after_an_epoch(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(70)).unwrap();
    advance_time(60);
    world.advance().unwrap();
    assert_eq!(world.demand(), U256::ZERO);
    assert_eq!(
        pricing.sender(owner).get_queue_load(CODE, sink),
        units(70),
        "the queue itself stands until the next report"
    );
    world.report(sink, units(30)).unwrap();
    assert_eq!(world.demand(), units(30));
    world.report(sink, units(20)).unwrap();
    assert_eq!(world.demand(), units(20));
}

#[motsu::test]
fn what_a_sink_that_left_reported_counts_for_its_epoch_only(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    registry.sender(owner).enter(CODE, other, units(60));
    world.report(other, units(500)).unwrap();
    registry.sender(owner).leave(CODE, other);
    advance_time(60);
    world.report(sink, units(1)).unwrap();
    assert_eq!(world.demand(), units(1));
    assert_eq!(world.fee(), FEE * U256::from(9) / U256::from(8));
    assert_eq!(world.price(other), U256::MAX);
}

#[motsu::test]
fn only_sinks_with_capacity_report(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    assert_eq!(
        world.report(other, units(1)),
        Err(SinkNotRegistered {}.into())
    );
    registry.sender(owner).enter(CODE, other, U256::ZERO);
    assert_eq!(world.report(other, units(1)), Err(ZeroCapacity {}.into()));
    registry.sender(owner).enter(CODE, other, units(1));
    world.report(other, units(1)).unwrap();
    registry.sender(owner).leave(CODE, other);
    assert_eq!(
        world.report(other, units(1)),
        Err(SinkNotRegistered {}.into())
    );
    assert_eq!(world.demand(), units(1));
}

#[motsu::test]
fn a_load_beyond_all_capacity_is_cut(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    registry.sender(owner).enter(CODE, other, units(1));
    let most = (U256::from(1) << 80) - U256::from(1);
    world.report(sink, most).unwrap();
    // In demand for twice the sink's capacity.
    assert_eq!(world.demand(), units(200));
    for load in [most + U256::from(1), U256::MAX] {
        world.report(other, load).unwrap();
        assert_eq!(world.demand(), units(202));
        assert_eq!(pricing.sender(owner).get_queue_load(CODE, other), most);
        pricing.assert_emitted(&QueueLoadUpdated {
            taskTypeId: CODE,
            sink: other,
            queueLoad: most,
        });
    }
    assert_eq!(world.price(other), FEE * U256::from(100));
}

// --- Epochs

#[motsu::test]
fn the_fee_rises_only_above_capacity(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(100)).unwrap();
    advance_time(60);
    world.advance().unwrap();
    assert_eq!(world.fee(), U256::from(875_000_000_000_000u64));
    pricing.assert_emitted(&BaseFeeUpdated {
        taskTypeId: CODE,
        newBaseFee: U256::from(875_000_000_000_000u64),
    });
    world.report(sink, units(100) + U256::from(1)).unwrap();
    advance_time(60);
    world.advance().unwrap();
    assert_eq!(world.fee(), U256::from(984_375_000_000_000u64));
    pricing.assert_emitted(&BaseFeeUpdated {
        taskTypeId: CODE,
        newBaseFee: U256::from(984_375_000_000_000u64),
    });
}

#[motsu::test]
fn an_epoch_takes_sixty_seconds(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(101)).unwrap();
    for _ in 0..3 {
        assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
        advance_time(59);
        assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
        advance_time(1);
        world.advance().unwrap();
    }
    // Late by half an epoch: the next one ends half an epoch later, not a whole.
    advance_time(90);
    world.advance().unwrap();
    let start = U256::from(FIRST_TIMESTAMP + 4 * 60);
    assert_eq!(pricing.sender(owner).get_epoch(CODE).0, start);
    advance_time(29);
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
    advance_time(1);
    world.advance().unwrap();
}

#[motsu::test]
fn a_first_advance_ends_an_epoch_without_demand(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    advance_time(1_000_000);
    world.advance().unwrap();
    assert_eq!(world.fee(), FEE * U256::from(7) / U256::from(8));
    assert_eq!(
        pricing.sender(owner).get_epoch(CODE),
        (U256::from(timestamp()), U256::ZERO)
    );
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
}

#[motsu::test]
fn a_report_closes_the_epochs_before_it(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(101)).unwrap();
    assert_eq!(world.fee(), FEE);
    advance_time(130);
    world.report(sink, units(7)).unwrap();
    // One epoch of too much demand, one of none.
    let fee = FEE * U256::from(9) / U256::from(8) * U256::from(7) / U256::from(8);
    assert_eq!(world.fee(), fee);
    pricing.assert_emitted(&BaseFeeUpdated {
        taskTypeId: CODE,
        newBaseFee: fee,
    });
    assert_eq!(
        pricing.sender(owner).get_epoch(CODE),
        (U256::from(FIRST_TIMESTAMP + 120), units(7))
    );
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
}

#[motsu::test]
fn advances_several_task_types(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(101)).unwrap();
    advance_time(30);
    pricing
        .sender(sink)
        .advance_epochs(vec![CHAT, CODE, CHAT])
        .motsu_unwrap();
    let low = FEE * U256::from(7) / U256::from(8);
    assert_eq!(pricing.sender(owner).get_base_fee(CHAT), low);
    assert_eq!(world.fee(), FEE, "its epoch has not ended");
    advance_time(30);
    pricing
        .sender(sink)
        .advance_epochs(vec![CHAT, CODE])
        .motsu_unwrap();
    assert_eq!(pricing.sender(owner).get_base_fee(CHAT), low);
    assert_eq!(world.fee(), FEE * U256::from(9) / U256::from(8));
}

#[motsu::test]
fn the_fee_stays_between_its_limits(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    let mut epochs = 0;
    while world.fee() < pricing.sender(owner).max_base_fee() {
        world.report(sink, units(101)).unwrap();
        advance_time(60);
        world.advance().unwrap();
        epochs += 1;
    }
    assert_eq!(epochs, 235);
    assert_eq!(
        world.price(sink),
        U256::from(MAX_BASE_FEE) * U256::from(100)
    );
    world.report(sink, units(101)).unwrap();
    advance_time(120);
    world.advance().unwrap();
    // Not 9/8 · 7/8 of the limit: late as in time.
    let seven_eighths = U256::from(MAX_BASE_FEE) * U256::from(7) / U256::from(8);
    assert_eq!(world.fee(), seven_eighths);
    world.report(sink, units(101)).unwrap();
    advance_time(60);
    world.report(sink, units(101)).unwrap();
    advance_time(60);
    world.advance().unwrap();
    assert_eq!(world.fee(), U256::from(MAX_BASE_FEE));

    // From the highest to the lowest in one call, and MAX_CATCH_UP is what that takes.
    advance_time((MAX_CATCH_UP - 1) * 60);
    world.advance().unwrap();
    assert!(world.fee() > U256::from(MIN_BASE_FEE));
    advance_time(60);
    world.advance().unwrap();
    assert_eq!(world.fee(), U256::from(MIN_BASE_FEE));
    advance_time(60 * 1_000_000);
    world.advance().unwrap();
    assert_eq!(world.fee(), U256::from(MIN_BASE_FEE));
    assert_eq!(
        pricing.sender(owner).get_epoch(CODE).0,
        U256::from(timestamp())
    );
}

#[motsu::test]
fn a_year_is_caught_up_in_one_call(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    while world.fee() < U256::from(MAX_BASE_FEE) {
        world.report(sink, units(101)).unwrap();
        advance_time(60);
        world.advance().unwrap();
    }
    advance_time(365 * 86_400);
    world.advance().unwrap();
    assert_eq!(world.fee(), U256::from(MIN_BASE_FEE));
    assert_eq!(world.advance(), Err(EpochNotElapsed {}.into()));
}

// --- Prices

#[motsu::test]
fn a_sink_without_capacity_has_no_price(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
    other: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    assert_eq!(world.price(sink), FEE);
    assert_eq!(world.price(other), U256::MAX);
    registry.sender(owner).enter(CODE, sink, U256::ZERO);
    assert_eq!(world.price(sink), U256::MAX);
}

#[motsu::test]
fn the_price_follows_the_escrow_buffer(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    buffer: Contract<Buffer>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    pricing
        .sender(owner)
        .set_escrow_buffer(buffer.address())
        .motsu_unwrap();
    world.report(sink, units(50)).unwrap();
    let half = WAD / U256::from(2);
    for (pressure, price) in [
        (U256::ZERO, 2_000_000_000_000_000u64),
        (half, 2_800_000_000_000_000),
        (WAD, 3_600_000_000_000_000),
        (WAD + U256::from(1), 3_600_000_000_000_000),
        (U256::MAX, 3_600_000_000_000_000),
    ] {
        buffer.sender(owner).set(pressure, 0);
        assert_eq!(world.price(sink), U256::from(price), "{pressure}");
    }
    for how in 1..=3 {
        buffer.sender(owner).set(WAD, how);
        assert_eq!(world.price(sink), FEE * U256::from(2), "failure {how}");
    }
    buffer.sender(owner).set(WAD, 0);
    pricing
        .sender(owner)
        .set_escrow_buffer(Address::ZERO)
        .motsu_unwrap();
    assert_eq!(world.price(sink), FEE * U256::from(2), "no buffer");
}

#[motsu::test]
fn what_the_registry_reverts_with_is_passed_on(
    pricing: Contract<PricingCurve>,
    registry: Contract<Buffer>,
    owner: Address,
    sink: Address,
) {
    pricing
        .sender(owner)
        .constructor(registry.address(), owner)
        .motsu_unwrap();
    registry.sender(owner).set(WAD, 1);
    let refused = Error::Revert(Revert(Refusal::from("no").abi_encode()));
    let it = pricing.sender(owner).get_price(CODE, sink);
    assert_eq!(it.motsu_unwrap_err(), refused);
    let it = pricing.sender(sink).report_queue_load(CODE, WAD);
    assert_eq!(it.motsu_unwrap_err(), refused);
}

#[motsu::test]
fn the_owner_chooses_the_curve(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    world.report(sink, units(80)).unwrap();
    assert_eq!(world.price(sink), FEE * U256::from(5));
    pricing
        .sender(owner)
        .set_curve(CODE, CURVE_RELAY)
        .motsu_unwrap();
    pricing.assert_emitted(&CurveSet {
        taskTypeId: CODE,
        curve: CURVE_RELAY,
    });
    assert_eq!(pricing.sender(owner).get_curve(CODE), CURVE_RELAY);
    assert_eq!(pricing.sender(owner).get_curve(CHAT), CURVE_QUEUE);
    assert_eq!(world.price(sink), FEE * U256::from(4));
    // What is packed beside it is untouched.
    assert_eq!(world.demand(), units(80));
    for curve in [3, 255] {
        let it = pricing.sender(owner).set_curve(CODE, curve);
        assert_eq!(it.motsu_unwrap_err(), InvalidCurve { curve }.into());
    }
    pricing
        .sender(owner)
        .set_curve(CODE, CURVE_QUEUE)
        .motsu_unwrap();
    assert_eq!(world.price(sink), FEE * U256::from(5));
}

/// The price of work at a sink, in base fees of 10^15 wei, by its load: the paper's curve, and the guide's tariff for
/// relays, twice the price at 50 % and four times at 80 %.
#[motsu::test]
fn the_tariffs(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    const TABLE: [(u64, u64, u64); 13] = [
        (0, 1_000_000_000_000_000, 1_000_000_000_000_000),
        (10, 1_111_111_111_111_111, 1_123_287_671_232_876),
        (20, 1_250_000_000_000_000, 1_272_727_272_727_272),
        (30, 1_428_571_428_571_428, 1_457_627_118_644_067),
        (40, 1_666_666_666_666_666, 1_692_307_692_307_692),
        (50, 2_000_000_000_000_000, 2_000_000_000_000_000),
        (60, 2_500_000_000_000_000, 2_421_052_631_578_947),
        (70, 3_333_333_333_333_333, 3_032_258_064_516_129),
        (80, 5_000_000_000_000_000, 4_000_000_000_000_000),
        (90, 10_000_000_000_000_000, 5_764_705_882_352_941),
        (99, 100_000_000_000_000_000, 9_327_102_803_738_317),
        (100, 100_000_000_000_000_000, 9_327_102_803_738_317),
        (300, 100_000_000_000_000_000, 9_327_102_803_738_317),
    ];
    let world = World::new(&pricing, &registry, owner, sink);
    println!("load %  queue curve  relay tariff");
    for (load, queue, relay) in TABLE {
        world.report(sink, units(load)).unwrap();
        for (curve, expected) in [(CURVE_QUEUE, queue), (CURVE_RELAY, relay)] {
            pricing.sender(owner).set_curve(CODE, curve).motsu_unwrap();
            assert_eq!(world.price(sink), U256::from(expected), "{curve}, {load} %");
        }
        let (queue, relay) = (queue as f64 / 1e15, relay as f64 / 1e15);
        println!("{load:6}  {queue:10.3}×  {relay:11.3}×");
    }
}

// --- Convergence

/// Base fees, in multiples of the equilibrium, under demand that is unit-elastic in the fee (spending is constant), from a
/// fee that is `start` times the equilibrium.
fn fees_under_elastic_demand(world: &World, sink: Address, start: f64, epochs: usize) -> Vec<f64> {
    let initial = world.fee().to::<u128>() as f64;
    let equilibrium = initial / start;
    (0..epochs)
        .map(|_| {
            let fee = world.fee().to::<u128>() as f64;
            // Demand is the capacity, 100 units, at the equilibrium.
            let demand = 100e9 * equilibrium / fee;
            world.report(sink, U256::from(demand as u128)).unwrap();
            advance_time(60);
            world.advance().unwrap();
            world.fee().to::<u128>() as f64 / equilibrium
        })
        .collect()
}

/// What is true of "within 2 % of equilibrium in 8 epochs": the fee moves by an eighth in every epoch, so that no single
/// fee stays within 2 %. From anywhere between 0.4 and 2.9 times the equilibrium, 8 epochs bring it within one step of it,
/// where it stays; from then on its *mean* is within 2 % over every 15 epochs, and 0.5 % below the equilibrium in the long run.
#[motsu::test]
fn the_base_fee_converges(
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
    owner: Address,
    sink: Address,
) {
    let world = World::new(&pricing, &registry, owner, sink);
    for start in [
        0.4, 0.5, 0.63, 0.8, 0.9, 0.99, 1.0, 1.01, 1.1, 1.3, 1.7, 2.2, 2.9,
    ] {
        let fees = fees_under_elastic_demand(&world, sink, start, 320);
        let arrived = &fees[7..];
        for fee in arrived {
            assert!((0.8749..1.1251).contains(fee), "from {start}: {fee}");
        }
        assert!(
            arrived.iter().any(|fee| (fee - 1.0).abs() > 0.02),
            "single fees do leave 2 %"
        );
        let mean = |fees: &[f64]| fees.iter().sum::<f64>() / fees.len() as f64;
        for fees in arrived.windows(15) {
            assert!(
                (mean(fees) - 1.0).abs() < 0.02,
                "from {start}: {}",
                mean(fees)
            );
        }
        let long_run = mean(arrived);
        assert!(
            (0.992..0.998).contains(&long_run),
            "from {start}: {long_run}"
        );
        println!("from {start:4}: after 8 epochs {:.3}, mean of epochs 8–15 {:.3}, 8–22 {:.3}, 8–320 {long_run:.4}", fees[7], mean(&fees[7..15]), mean(&fees[7..22]));
    }
}
