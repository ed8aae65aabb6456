//! Attacks that gained something on an earlier design of the money path, each run against the present one: the attacker gains
//! nothing, and nobody loses anything by it.
//!
//! | attack | test |
//! |---|---|
//! | 110 KB of user data at the end of a stream, four junk pools: the app was jailed | `outside::an_end_with_110_kilobytes_of_user_data_is_an_end_like_any_other`, `sources::there_is_no_app_to_jail` |
//! | an expired program, a higher minimum deposit | `sources::a_source_ends_its_stream_when_all_programs_have_expired`, `sources::governance_that_raises_…` |
//! | huge stream, look, end in one transaction | `moments::a_huge_stream_…`, with and without a price, with 500 USDCx against a small pool |
//! | the same the other way round | `moments::a_stream_that_ends_for_a_moment_lifts_no_cap` |
//! | a first sink of a billionth | `units::a_first_sink_of_a_billionth_gets_a_billionth` |
//! | open, look, close at two chosen moments | `moments::two_looks_at_a_stream_that_never_flowed_see_nothing` |
//! | a stream below the total units | `sources::a_stream_below_the_total_units_pays_nobody` |
//! | a small source takes another's overflow | `escrow::a_small_source_gets_back_what_overflowed_of_its_own` |
//! | junk pools connected to the escrow | `outside::junk_pools_stay_outside_the_escrow` |
//! | a sink that is called when it is paid | `escrow::a_sink_with_hooks_takes_only_its_own` |
//! | registering a second before a drain | `escrow::a_second_before_a_drain_is_paid_nothing`, `escrow::an_hour_before_the_first_drain_is_an_hour` |
//! | a pipeline limited to nothing, `sync` and `drain` | `escrow::a_limit_to_nothing_is_not_drained_around` |
//! | anybody's rebalance lifts a child task type | `composition::nested::anybodys_rebalance_leaves_a_child_its_share` |
//! | sixty unit changes in a pool limited to nothing | `units::sixty_changes_leave_no_rounding_to_sweep` |
//! | by spare capacity without a PricingCurve, a sink that left | `units::who_left_is_paid_nothing_by_spare_capacity` |
//! | 32 deposits of a wei; pages of sinks | `escrow::dust_is_refused_or_merged_and_a_page_has_a_bound` |
//! | wrong host, task type and pool | `outside::parameters_of_elsewhere_are_refused`, `outside::a_stream_elsewhere_counts_for_nothing`, `refusals` |

mod escrow;
mod moments;
mod outside;
mod units;

use alloy::primitives::{Address, U256};
use bpe_tests::{
    settlement::{Settlement, RATE},
    stage::mined,
    strangers::PasserBy,
    suite::CODE,
};

use crate::HOUR;

/// Wei per second and capacity unit: 60 units are worth half of [`RATE`].
const PRICE: u128 = RATE / 120;

/// Sinks of 10, 20 and 30 units, an honest source, and a passer-by with capital.
struct Market {
    it: Settlement,
    sinks: [Address; 3],
    source: Address,
    passer_by: PasserBy,
    capital: u128,
    pool: Address,
}

impl Market {
    async fn start(flow: u128, price: u128, capital: u64) -> Self {
        let it = Settlement::start().await;
        let sinks = [
            joined(&it, 0x31, 10).await,
            joined(&it, 0x32, 20).await,
            joined(&it, 0x33, 30).await,
        ];
        let price = it.pools.setCapacityPrice(CODE, U256::from(price));
        mined(price.send().await).await;
        let passer_by = PasserBy::with_capital(&it, capital).await;
        let source = it.source(3, 10_000).await;
        it.stream(source, CODE, flow).await;
        it.advance(120);
        mined(it.pools.rebalanceOverflow(CODE).send().await).await;
        Self {
            capital: it.whole(passer_by.address).await,
            pool: *it.pool(CODE).await.address(),
            it,
            sinks,
            source,
            passer_by,
        }
    }

    /// The rate at which the deposit of a stream, four hours of it, takes nearly all of the capital.
    fn huge(&self) -> u128 {
        self.capital / 14_500
    }

    /// What sinks, fee recipient and escrow get, in wei per second.
    async fn flows(&self) -> Vec<u128> {
        let mut flows = Vec::new();
        let others = [self.it.base.devnet.account(1), *self.it.escrow.address()];
        for member in self.sinks.into_iter().chain(others) {
            flows.push(self.it.flow_to(member).await);
        }
        flows
    }

    /// What the sinks are paid in an hour, by the stream alone, in wei.
    async fn pay_of_an_hour(&self) -> u128 {
        let before = self.paid_to_sinks().await;
        self.it.advance(HOUR);
        self.paid_to_sinks().await - before
    }

    async fn paid_to_sinks(&self) -> u128 {
        let mut sum = 0;
        for sink in self.sinks {
            sum += self.it.paid(sink).await;
        }
        sum
    }

    /// The passer-by has what it had, to the wei.
    async fn assert_gained_nothing(&self) {
        let has = self.it.whole(self.passer_by.address).await;
        assert_eq!(has, self.capital);
        let credits = self.it.escrow.credits(self.passer_by.address);
        assert_eq!(credits.call().await.unwrap(), U256::ZERO);
    }

    /// What rounding leaves over, per second, is less than a wei per unit.
    async fn assert_rounds_little(&self) {
        let gda = self.it.superfluid.gda();
        let left_over = gda.getPoolAdjustmentFlowRate(self.pool).call().await;
        let left_over: u128 = left_over.unwrap().into_raw().to();
        let pool = self.it.pool(CODE).await;
        let units = pool.getTotalUnits().call().await.unwrap();
        assert!(left_over <= units, "{left_over} wei/s, {units} units");
    }
}

/// A sink of so many units, and all sinks with the units that are due to them.
async fn joined(it: &Settlement, number: u8, capacity: u64) -> Address {
    let stake = (capacity * capacity).max(100);
    let sink = it.base.registered(number, stake, capacity).await;
    mined(it.pools.rebalance(CODE).send().await).await;
    sink
}

/// Equal within a thousandth: whole wei per unit and second.
#[track_caller]
fn assert_near(value: u128, expected: u128) {
    let off = value.abs_diff(expected);
    assert!(off <= expected / 1_000 + 1, "{value}, {expected}");
}
