use std::borrow::Borrow;

use alloy_primitives::{Address, U256};
use bpe_common::{
    clock::testing::{advance_time, FIRST_TIMESTAMP},
    ownable::{Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use motsu::prelude::*;

use crate::{contract::*, wei, ALICE, BOB, CAROL, OWNER, TOKEN};

fn set_up(metrics: &Contract<VelocityMetrics>) {
    metrics
        .sender(OWNER)
        .constructor(TOKEN, OWNER)
        .motsu_unwrap();
}

/// A movement in a supply of 1000.
fn record(
    metrics: &Contract<VelocityMetrics>,
    (from, from_balance): (Address, u64),
    (to, to_balance): (Address, u64),
    amount: u64,
) {
    let (from_balance, to_balance) = (wei(from_balance), wei(to_balance));
    metrics
        .sender(TOKEN)
        .record_transfer(from, to, wei(amount), from_balance, to_balance, wei(1_000))
        .motsu_unwrap();
}

#[motsu::test]
fn is_set_up_as_told(metrics: Contract<VelocityMetrics>) {
    let owner = Address::ZERO;
    let none = metrics
        .sender(OWNER)
        .constructor(TOKEN, owner)
        .motsu_unwrap_err();
    assert_eq!(none, Error::Ownable(OwnableInvalidOwner { owner }.into()));
    set_up(&metrics);
    metrics.assert_emitted(&AuthorizedRecorderUpdated {
        oldRecorder: Address::ZERO,
        newRecorder: TOKEN,
    });
    let it = metrics.sender(ALICE);
    let ownable: &Ownable = (*it).borrow();
    assert_eq!(ownable.owner(), OWNER);
    assert_eq!(it.authorized_recorder(), TOKEN);
    assert_eq!(it.bps(), wei(10_000));
    assert_eq!(it.epoch_duration(), wei(3_600));
    assert_eq!(it.current_epoch(), wei(1));
    assert_eq!(it.running_epoch(), wei(1));
    assert_eq!(it.epoch_start_timestamp(), wei(FIRST_TIMESTAMP));
    assert_eq!(it.get_network_velocity(), wei(0));
    assert_eq!(it.get_turnover_rate(ALICE), wei(0));
}

#[motsu::test]
fn only_the_recorder_records_and_only_the_owner_names_it(metrics: Contract<VelocityMetrics>) {
    set_up(&metrics);
    let refused = || Err(NotAuthorizedRecorder {}.into());
    let mut it = metrics.sender(OWNER);
    let transfer = it.record_transfer(ALICE, BOB, wei(1), wei(1), wei(1), wei(1));
    assert_eq!(transfer.motsu_res(), refused());
    assert_eq!(it.record_outflow(ALICE, wei(1)).motsu_res(), refused());
    assert_eq!(it.snapshot_balance(ALICE, wei(1)).motsu_res(), refused());
    it.set_authorized_recorder(BOB).motsu_unwrap();
    drop(it);
    metrics.assert_emitted(&AuthorizedRecorderUpdated {
        oldRecorder: TOKEN,
        newRecorder: BOB,
    });
    let gone = metrics
        .sender(TOKEN)
        .record_outflow(ALICE, wei(1))
        .motsu_res();
    assert_eq!(gone, refused());
    metrics
        .sender(BOB)
        .record_outflow(ALICE, wei(1))
        .motsu_unwrap();
    let account = ALICE;
    let other = metrics
        .sender(ALICE)
        .set_authorized_recorder(ALICE)
        .motsu_res();
    assert_eq!(
        other,
        Err(Error::Ownable(
            OwnableUnauthorizedAccount { account }.into()
        ))
    );
}

/// Worked out by hand.
#[motsu::test]
fn a_known_sequence(metrics: Contract<VelocityMetrics>) {
    set_up(&metrics);
    let it = || metrics.sender(CAROL);
    record(&metrics, (Address::ZERO, 0), (ALICE, 1_000), 1_000);
    // In the first second the balance is the average; nothing has flowed out.
    assert_eq!(it().get_average_balance(ALICE), wei(1_000));
    assert_eq!(it().get_turnover_rate(ALICE), wei(0));
    advance_time(900);
    record(&metrics, (ALICE, 400), (BOB, 600), 600);
    // 600 of 1000.
    metrics.assert_emitted(&VelocityUpdated {
        account: ALICE,
        turnoverRate: wei(6_000),
        epoch: wei(1),
    });
    assert_eq!(it().epoch_outflow(ALICE), wei(600));
    assert_eq!(it().epoch_outflow(BOB), wei(0));
    advance_time(900);
    // 1000 for 900 s and 400 for 900 s are 700 on average; 600 for half the time are 300.
    assert_eq!(it().get_average_balance(ALICE), wei(700));
    assert_eq!(it().get_average_balance(BOB), wei(300));
    assert_eq!(it().get_turnover_rate(ALICE), wei(8_571));
    record(&metrics, (BOB, 300), (CAROL, 300), 300);
    assert_eq!(it().get_turnover_rate(BOB), wei(10_000));
    assert_eq!(it().network_outflow(), wei(900));
    assert_eq!(it().network_balance_sum(), wei(1_800_000));
    assert_eq!(it().network_snapshot_count(), wei(1_800));
    let early = metrics.sender(CAROL).advance_epoch().motsu_res();
    assert_eq!(early, Err(EpochNotElapsed {}.into()));

    // The next epoch begins, whether anybody says so or not.
    advance_time(1_800);
    let read = || {
        let it = metrics.sender(CAROL);
        (
            it.current_epoch(),
            it.get_network_velocity(),
            it.last_network_velocity(),
        )
    };
    assert_eq!(read(), (wei(2), wei(9_000), wei(9_000)));
    assert_eq!(it().network_outflow(), wei(0));
    assert_eq!(it().epoch_outflow(ALICE), wei(0));
    assert_eq!(it().get_turnover_rate(ALICE), wei(0));
    assert_eq!(it().get_average_balance(ALICE), wei(400));
    metrics.sender(CAROL).advance_epoch().motsu_unwrap();
    metrics.assert_emitted(&NetworkVelocityUpdated {
        aggregateVelocity: wei(9_000),
        epoch: wei(1),
    });
    assert_eq!(read(), (wei(2), wei(9_000), wei(9_000)));
    assert_eq!(it().epoch_start_timestamp(), wei(FIRST_TIMESTAMP + 3_600));

    // The balances are still there, and count from the epoch's beginning.
    advance_time(600);
    record(&metrics, (ALICE, 100), (BOB, 600), 300);
    assert_eq!(it().get_turnover_rate(ALICE), wei(7_500));
    advance_time(3_000);
    record(&metrics, (ALICE, 50), (BOB, 650), 50);
    metrics.assert_emitted(&NetworkVelocityUpdated {
        aggregateVelocity: wei(3_000),
        epoch: wei(2),
    });
    assert_eq!(read().0, wei(3));
    assert_eq!(it().epoch_outflow(ALICE), wei(50));

    // Two epochs pass: the one before last was 5 %, the last had nothing.
    advance_time(7_200);
    assert_eq!(read(), (wei(5), wei(0), wei(0)));
    metrics.sender(CAROL).advance_epoch().motsu_unwrap();
    metrics.assert_emitted(&NetworkVelocityUpdated {
        aggregateVelocity: wei(0),
        epoch: wei(4),
    });
    assert_eq!(read(), (wei(5), wei(0), wei(0)));
}

#[motsu::test]
fn unwrapping_flows_out_and_lessens_the_supply(metrics: Contract<VelocityMetrics>) {
    set_up(&metrics);
    record(&metrics, (Address::ZERO, 0), (ALICE, 1_000), 1_000);
    advance_time(1_800);
    metrics
        .sender(TOKEN)
        .record_transfer(ALICE, Address::ZERO, wei(500), wei(500), wei(0), wei(500))
        .motsu_unwrap();
    advance_time(1_800);
    // 500 of 750.
    assert_eq!(metrics.sender(BOB).get_network_velocity(), wei(6_666));
    assert_eq!(
        metrics.sender(BOB).get_average_balance(Address::ZERO),
        wei(0)
    );
    assert_eq!(metrics.sender(BOB).epoch_outflow(Address::ZERO), wei(0));
}

/// The reference's two functions bring the same.
#[motsu::test]
fn outflows_and_balances_one_by_one(metrics: Contract<VelocityMetrics>) {
    set_up(&metrics);
    let balance = |account, balance: u64| {
        let mut it = metrics.sender(TOKEN);
        it.snapshot_balance(account, wei(balance)).motsu_unwrap();
    };
    balance(ALICE, 700);
    balance(BOB, 300);
    advance_time(900);
    metrics
        .sender(TOKEN)
        .record_outflow(ALICE, wei(350))
        .motsu_unwrap();
    metrics.assert_emitted(&VelocityUpdated {
        account: ALICE,
        turnoverRate: wei(5_000),
        epoch: wei(1),
    });
    balance(ALICE, 350);
    advance_time(2_700);
    // 350 of 1000 for a quarter and 650 for three.
    assert_eq!(metrics.sender(BOB).get_network_velocity(), wei(4_745));
    balance(BOB, 0);
    metrics.assert_emitted(&NetworkVelocityUpdated {
        aggregateVelocity: wei(4_745),
        epoch: wei(1),
    });
}

#[motsu::test]
fn the_largest_numbers_saturate(metrics: Contract<VelocityMetrics>) {
    set_up(&metrics);
    for _ in 0..3 {
        let most = U256::MAX;
        metrics
            .sender(TOKEN)
            .record_transfer(ALICE, BOB, most, most, most, most)
            .motsu_unwrap();
        advance_time(1_000);
    }
    let it = metrics.sender(CAROL);
    assert_eq!(it.get_average_balance(ALICE), U256::MAX >> 160);
    assert_eq!(it.network_outflow(), U256::MAX >> 144);
    assert_eq!(it.epoch_outflow(ALICE), U256::MAX >> 144);
    drop(it);
    advance_time(600);
    assert_eq!(metrics.sender(CAROL).get_network_velocity(), wei(10_000));
}
