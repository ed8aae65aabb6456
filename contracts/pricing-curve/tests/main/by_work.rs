//! Prices set by work, and what creators set.

use crate::contract::*;
use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    math::work::{approached_capacity, faded, fee_by_use, priced, share_of, used, Verified},
    ownable::OwnableUnauthorizedAccount,
};
use bpe_testing::Registry;
use motsu::prelude::*;
use proptest::prelude::*;

const CODE: B256 = B256::repeat_byte(0xc0);
const OWNER: Address = Address::repeat_byte(0x01);
const CREATOR: Address = Address::repeat_byte(0x02);
const SINK: Address = Address::repeat_byte(0xa1);
const UNIT: u128 = 1_000_000_000;
const FEE: u128 = 1_000_000_000_000_000;

struct World {
    pricing: Contract<PricingCurve>,
    registry: Contract<Registry>,
}

impl World {
    fn new() -> Self {
        let world = Self {
            pricing: Contract::new(),
            registry: Contract::new(),
        };
        let registry = world.registry.address();
        world
            .pricing
            .sender(OWNER)
            .constructor(registry, OWNER)
            .motsu_unwrap();
        world.registry.sender(OWNER).set_creator(CODE, CREATOR);
        world
            .registry
            .sender(OWNER)
            .enter(CODE, SINK, U256::from(100 * UNIT));
        world
            .pricing
            .sender(OWNER)
            .set_curve(CODE, CURVE_USED)
            .motsu_unwrap();
        world
            .pricing
            .sender(OWNER)
            .set_work_ledger(registry)
            .motsu_unwrap();
        advance_time(300 - timestamp() % 300);
        world
    }

    fn record(&self, work: u128, capacity: u128) {
        self.pricing
            .sender(self.registry.address())
            .record_work(CODE, U256::from(work), U256::from(capacity))
            .motsu_unwrap();
    }

    fn fee(&self) -> u128 {
        self.pricing.sender(OWNER).get_base_fee(CODE).to()
    }

    fn set_fees(&self, start: u128, floor: u128, ceiling: u128) -> Result<(), Error> {
        self.pricing
            .sender(CREATOR)
            .set_fees(
                CODE,
                U256::from(start),
                U256::from(floor),
                U256::from(ceiling),
            )
            .motsu_res()
    }
}

#[motsu::test]
fn the_fee_follows_what_is_used(_unused: Address) {
    let world = World::new();
    world.record(300 * UNIT, 300 * UNIT);
    assert_eq!(world.fee(), FEE);
    // Read, not written: the epoch has ended, and nobody has called.
    advance_time(300);
    assert_eq!(world.fee(), FEE / 8 * 9);
    assert_eq!(
        world.pricing.sender(OWNER).get_market(CODE),
        (U256::from(FEE / 8 * 9), true)
    );
    world
        .pricing
        .sender(SINK)
        .advance_epoch(CODE)
        .motsu_unwrap();
    world.pricing.assert_emitted(&BaseFeeUpdated {
        taskTypeId: CODE,
        newBaseFee: U256::from(FEE / 8 * 9),
    });
    let it = world.pricing.sender(SINK).advance_epoch(CODE).motsu_res();
    assert_eq!(it, Err(EpochNotElapsed {}.into()));
    // Epochs without counts leave the fee, however many.
    advance_time(300 * 1_000);
    assert_eq!(world.fee(), FEE / 8 * 9);
    // 80 % leaves it; 40 % takes a sixteenth off, whatever was before.
    world.record(240 * UNIT, 300 * UNIT);
    advance_time(300);
    assert_eq!(world.fee(), FEE / 8 * 9);
    world.record(100 * UNIT, 100 * UNIT);
    world.record(20 * UNIT, 200 * UNIT);
    advance_time(300);
    assert_eq!(world.fee(), FEE / 8 * 9 / 16 * 15);
}

/// The attack: honest sinks have their vouchers counted hourly, and a sink of four billionths of a unit in every epoch between.
#[motsu::test]
fn a_sink_of_next_to_no_capacity_leads_no_fee(_unused: Address) {
    let world = World::new();
    let alone = World::new();
    for epoch in 0..72 {
        if epoch % 12 == 0 {
            world.record(240 * 70 * UNIT, 300 * 70 * UNIT);
            alone.record(240 * 70 * UNIT, 300 * 70 * UNIT);
        } else {
            world.record(1_200, 1_200);
        }
        advance_time(300);
    }
    let (with, without) = (world.fee(), alone.fee());
    assert!(
        with.abs_diff(without) * 1_000_000 < without,
        "{with} {without}"
    );
    // Where nothing else has counted for half a day, it is the market.
    for _ in 0..150 {
        world.record(1_200, 1_200);
        advance_time(300);
    }
    assert!(world.fee() > with * 2);
}

/// The attack: a stranger begins the epochs of a task type to come, so that its creator's start would not count.
#[motsu::test]
fn a_start_counts_whoever_has_advanced_before(_unused: Address) {
    let world = World::new();
    let (id, fee) = (B256::repeat_byte(0x0e), U256::from(5_000_000_000_u64));
    world.pricing.sender(SINK).advance_epoch(id).motsu_unwrap();
    let set = world.pricing.sender(OWNER).set_service_directory(SINK);
    set.motsu_unwrap();
    let set = world.pricing.sender(SINK).set_curve(id, CURVE_USED);
    set.motsu_unwrap();
    let mut directory = world.pricing.sender(SINK);
    directory
        .set_fees(id, fee, U256::ZERO, U256::ZERO)
        .motsu_unwrap();
    assert_eq!(world.pricing.sender(OWNER).get_base_fee(id), fee);
}

#[motsu::test]
fn reports_move_no_base_fee_here_and_count_for_twice_the_capacity_elsewhere(_unused: Address) {
    let world = World::new();
    let report = |load: u128| {
        world
            .pricing
            .sender(SINK)
            .report_queue_load(CODE, U256::from(load))
            .motsu_unwrap();
    };
    for _ in 0..20 {
        report(1_000 * UNIT);
        advance_time(60);
    }
    assert_eq!(world.fee(), FEE);
    // Where demand is reported, one of 1e-9 units cannot raise the fee of a market of a hundred.
    world
        .pricing
        .sender(OWNER)
        .set_curve(CODE, CURVE_QUEUE)
        .motsu_unwrap();
    let small = Address::repeat_byte(0xa2);
    world
        .registry
        .sender(OWNER)
        .enter(CODE, small, U256::from(1));
    report(0);
    let before = world.fee();
    for _ in 0..60 {
        world
            .pricing
            .sender(small)
            .report_queue_load(CODE, U256::MAX)
            .motsu_unwrap();
        assert_eq!(world.pricing.sender(OWNER).get_epoch(CODE).1, U256::from(2));
        advance_time(60);
    }
    assert!(world.fee() < before);
}

#[motsu::test]
fn creators_set_fees_with_notice(_unused: Address) {
    let world = World::new();
    // Before anything has counted: at once.
    world.set_fees(1_000_000, 0, 0).expect("the creator's");
    assert_eq!(world.fee(), 1_000_000);
    let fees = || world.pricing.sender(OWNER).get_fees(CODE);
    assert_eq!(
        (fees().0, fees().1),
        (U256::from(100_000), U256::from(MAX_BASE_FEE))
    );
    world.record(1, 1);
    advance_time(300);
    assert_eq!(world.fee(), 1_125_000);
    // Later: an epoch ahead, and the start moves nothing.
    world.set_fees(500, 400, 1_000).expect("the creator's");
    world.pricing.assert_emitted(&FeesSet {
        taskTypeId: CODE,
        start: U256::from(500),
        floor: U256::from(400),
        ceiling: U256::from(1_000),
        from: U256::from(timestamp() + 300),
    });
    world.record(1, 1);
    advance_time(299);
    assert_eq!(fees().0, U256::from(100_000));
    advance_time(1);
    assert_eq!(world.fee(), 1_000);

    for (start, floor, ceiling) in [
        (0, 0, 0),
        (9, 0, 0),
        (5, 6, 7),
        (8, 6, 7),
        (5, 5, MAX_BASE_FEE + 1),
    ] {
        let it = world.set_fees(start, floor, ceiling);
        assert!(matches!(it, Err(Error::InvalidFees(_))), "{it:?}");
    }
    let it = world
        .pricing
        .sender(CREATOR)
        .set_fees(CODE, U256::MAX, U256::ZERO, U256::ZERO);
    assert!(matches!(it.motsu_res(), Err(Error::InvalidFees(_))));
}

#[motsu::test]
fn who_may_what(_unused: Address) {
    let world = World::new();
    let caller = SINK;
    let refused = || Err(Error::UnauthorizedCaller(UnauthorizedCaller { caller }));
    let one = U256::from(1_000);
    let it = world
        .pricing
        .sender(SINK)
        .set_fees(CODE, one, one, one)
        .motsu_res();
    assert_eq!(it, refused());
    let it = world
        .pricing
        .sender(SINK)
        .record_work(CODE, one, one)
        .motsu_res();
    assert_eq!(it, refused());
    let account = SINK;
    let not_owner = || {
        Err(Error::Ownable(
            OwnableUnauthorizedAccount { account }.into(),
        ))
    };
    let it = world.pricing.sender(SINK).set_work_ledger(SINK).motsu_res();
    assert_eq!(it, not_owner());
    let it = world
        .pricing
        .sender(SINK)
        .set_service_directory(SINK)
        .motsu_res();
    assert_eq!(it, not_owner());
    world
        .pricing
        .sender(OWNER)
        .set_service_directory(SINK)
        .motsu_unwrap();
    assert_eq!(world.pricing.sender(OWNER).service_directory(), SINK);
    assert_eq!(
        world.pricing.sender(OWNER).work_ledger(),
        world.registry.address()
    );
    world
        .pricing
        .sender(SINK)
        .set_fees(CODE, one, one, one)
        .motsu_unwrap();
    // As it registers a task type, it says what prices follow; nobody else but the owner does.
    let other = B256::repeat_byte(0x0e);
    let set = world.pricing.sender(SINK).set_curve(other, CURVE_USED);
    set.motsu_unwrap();
    assert_eq!(world.pricing.sender(OWNER).get_curve(other), CURVE_USED);
    let account = CREATOR;
    let set = world.pricing.sender(CREATOR).set_curve(other, CURVE_QUEUE);
    let refused = Error::Ownable(OwnableUnauthorizedAccount { account }.into());
    assert_eq!(set.motsu_res(), Err(refused));
    // Nothing counts where another curve is chosen.
    world
        .pricing
        .sender(OWNER)
        .set_curve(CODE, CURVE_RELAY)
        .motsu_unwrap();
    world.record(5, 5);
    let zeros = (U256::ZERO, U256::ZERO, U256::ZERO);
    assert_eq!(world.pricing.sender(OWNER).get_usage(CODE), zeros);
}

/// What counted in each epoch in which capacity did: epoch, work, capacity.
fn by_epoch(counts: &[(u64, u128, u128)]) -> Vec<(u64, u128, u128)> {
    let mut epochs: Vec<(u64, u128, u128)> = vec![];
    for &(epoch, work, capacity) in counts {
        match epochs.last_mut().filter(|last| last.0 == epoch) {
            Some(last) => *last = (epoch, last.1 + work, last.2 + capacity),
            None => epochs.push((epoch, work, capacity)),
        }
    }
    epochs.retain(|&(_, _, capacity)| capacity > 0);
    epochs
}

/// The fee from what counted in the epochs before `now`, worked out from the first one on.
fn model(counts: &[(u64, u128, u128)], now: u64) -> u128 {
    let (mut fee, mut usual, mut next) = (FEE, 0, 0);
    for (epoch, work, capacity) in by_epoch(counts) {
        if epoch >= now {
            break;
        }
        usual = faded(usual, epoch - next);
        let used = used(work, capacity).expect("there is capacity");
        let weight = share_of(capacity, usual);
        fee = fee_by_use(fee, used, weight, MIN_BASE_FEE, MAX_BASE_FEE);
        (usual, next) = (approached_capacity(usual, capacity), epoch + 1);
    }
    fee
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calling_late_is_calling_in_time(
        steps in prop::collection::vec((0u64..1_500, 0u128..400, 0u128..400, 0u8..4), 1..30),
    ) {
        let world = World::new();
        let mut counts = vec![];
        for (wait, work, capacity, what) in steps {
            advance_time(wait);
            if what > 0 {
                let (work, capacity) = (work * UNIT, capacity * UNIT);
                world.record(work, capacity);
                counts.push((timestamp() / 300, work, capacity));
            }
            if what != 1 {
                let it = world.pricing.sender(OWNER).advance_epochs(vec![CODE]);
                it.motsu_unwrap();
            }
            prop_assert_eq!(world.fee(), model(&counts, timestamp() / 300));
        }
    }
}

/// A market of sinks with 100 units of capacity whose demand at `fee` is `share` of that at the first fee, times
/// `(fee / first)^-elasticity`, and follows the fee `lag` epochs late. Returns the greatest fee by the least, from 24 epochs on.
fn swing(share: f64, elasticity: f64, lag: usize) -> f64 {
    const SINKS: usize = 5;
    let (world, capacity) = (World::new(), 20 * UNIT);
    let mut fees = vec![FEE; lag + 1];
    let mut sinks = [Verified::default(); SINKS];
    let mut settled = Vec::new();
    for number in 0..72 {
        let seen = fees[fees.len() - 1 - lag] as f64 / FEE as f64;
        let wanted = share * seen.powf(-elasticity) * (capacity * 300) as f64;
        let work = (wanted as u128).min(capacity * 300);
        for sink in &mut sinks {
            let (next, mean) = sink.count(timestamp() / 300, work, capacity);
            world.record(mean, priced(capacity, next.closed()) * 300);
            *sink = next;
        }
        advance_time(300);
        fees.push(world.fee());
        if number >= 24 {
            settled.push(world.fee());
        }
    }
    let (most, least) = (settled.iter().max(), settled.iter().min());
    *most.expect("some") as f64 / *least.expect("some") as f64
}

/// Demand that follows prices at once or ten minutes late, little or much: the fee comes to rest.
#[motsu::test]
fn the_fee_settles_where_demand_follows_it(_unused: Address) {
    for share in [0.8, 1.0, 1.25, 1.5] {
        for elasticity in [0.5, 1.0, 2.0] {
            for lag in [0, 2] {
                let swing = swing(share, elasticity, lag);
                println!("demand {share}, elasticity {elasticity}, {lag} epochs late: {swing:.3}");
                assert!(swing < 1.05, "{share} {elasticity} {lag}: {swing}");
            }
        }
    }
}
