//! WorkLedger on motsu, with real keys: every function, every error, every access rule.

#[allow(dead_code)]
#[path = "../src/lib.rs"]
mod contract;
mod stage;

use alloy_primitives::{keccak256, Address, Bytes, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    eip712::hash_words,
};
use bpe_testing::Wallet;
use contract::*;
use motsu::prelude::*;
use stage::*;

extern crate alloc;
use alloc::vec;

/// A world with a sink of ten units that has served for an hour, and a source with 1e18.
fn world() -> World {
    let world = World::new();
    world.enter(sink(), 10 * UNIT);
    world.deposit(source(), 1_000_000_000_000_000_000);
    advance_time(3_600);
    world
}

fn sink() -> Address {
    address(&key(1))
}

fn source() -> Address {
    address(&key(2))
}

const THIRD: Address = Address::repeat_byte(0x33);

fn voucher(world: &World, work: u128, value: u128, tasks: u64) -> SignedVoucher {
    world.voucher(&key(2), &key(1), work, value, tasks)
}

fn words(error: Error) -> B256 {
    let encoded: Vec<u8> = error.into();
    let mut word = B256::ZERO;
    word[..4].copy_from_slice(&encoded[..4]);
    word
}

#[motsu::test]
fn hashes_are_of_what_they_say(_unused: Address) {
    for (hash, text) in [
        (contract::VOUCHER_TYPEHASH, "WorkVoucher(bytes32 taskTypeId,address sink,address source,uint256 work,uint256 value,uint256 tasks,uint256 timestamp)"),
        (contract::KEY_TYPEHASH, "KeyRegistration(address account,address key,uint256 nonce)"),
    ] {
        assert_eq!(hash, keccak256(text), "{text}");
    }
}

#[motsu::test]
fn a_voucher_counts_once_and_is_paid_to_the_wei(_unused: Address) {
    let world = world();
    let first = voucher(&world, 1_000 * UNIT, 7_000_001, 10);
    world.redeem(first.clone()).motsu_unwrap();
    world.ledger.assert_emitted(&Redeemed {
        taskTypeId: CODE,
        sink: sink(),
        source: source(),
        work: U256::from(1_000 * UNIT),
        value: U256::from(7_000_001),
        tasks: U256::from(10),
        restWork: U256::ZERO,
        restValue: U256::ZERO,
    });
    assert_eq!(world.account(sink()), (7_000_001, 1_000 * UNIT));
    assert_eq!(
        world.funds(source()).0,
        1_000_000_000_000_000_000 - 7_000_001
    );
    assert_eq!(world.redeem(first), Err(NothingNew {}.into()));

    // Totals: only what is above what has counted. With pay, all that is owed.
    let second = voucher(&world, 1_500 * UNIT, 9_000_001, 12);
    world
        .ledger
        .sender(THIRD)
        .redeem(second, true)
        .motsu_unwrap();
    assert_eq!(world.account(sink()), (0, 1_500 * UNIT));
    let neighbours = world.neighbours.sender(OWNER);
    assert_eq!(neighbours.paid(sink()), U256::from(9_000_001));
    let unspent = 1_000_000_000_000_000_000 - 9_000_001;
    assert_eq!(neighbours.last_payment(), (1, U256::from(unspent)));
    assert_eq!(world.reserve(), (unspent, 0));
    let totals = world
        .ledger
        .sender(OWNER)
        .get_totals(CODE, source(), sink());
    assert_eq!(
        totals,
        (
            U256::from(1_500 * UNIT),
            U256::from(9_000_001),
            U256::from(12)
        )
    );
}

#[motsu::test]
fn each_bad_voucher_is_an_error_of_its_own(_unused: Address) {
    let world = world();
    world
        .redeem(voucher(&world, 1_000, 1_000, 5))
        .motsu_unwrap();
    let below = |work: u128, value: u128, tasks: u64| {
        assert_eq!(
            world.redeem(voucher(&world, work, value, tasks)),
            Err(TotalsBelowCounted {
                work: U256::from(1_000),
                value: U256::from(1_000),
                tasks: U256::from(5),
            }
            .into())
        );
    };
    below(999, 2_000, 6);
    below(2_000, 999, 6);
    below(2_000, 2_000, 4);
    let redeem = |work: u128, value: u128| world.redeem(voucher(&world, work, value, 5));
    assert_eq!(redeem(1_000, 1_000), Err(NothingNew {}.into()));
    let value = U256::from(500);
    assert_eq!(redeem(1_000, 1_500), Err(ValueWithoutWork { value }.into()));
    let work = U256::from(500);
    assert_eq!(redeem(1_500, 1_000), Err(WorkWithoutValue { work }.into()));
    let amount = U256::from(1u128 << 112);
    assert_eq!(
        redeem(2_000, 1 << 112),
        Err(AmountTooLarge { amount }.into())
    );
    let amount = U256::from(1u128 << 104);
    assert_eq!(
        redeem(1 << 104, 2_000),
        Err(AmountTooLarge { amount }.into())
    );
    let amount = U256::from(1u64 << 40);
    assert_eq!(
        world.redeem(voucher(&world, 2_000, 2_000, 1 << 40)),
        Err(AmountTooLarge { amount }.into())
    );
    let mut future = voucher(&world, 2_000, 2_000, 6);
    future.timestamp = U256::from(timestamp() + 31);
    world.sign_voucher(&mut future, &key(2), &key(1));
    let latest = U256::from(timestamp() + 30);
    let timestamp = future.timestamp;
    assert_eq!(
        world.redeem(future),
        Err(VoucherFromFuture { timestamp, latest }.into())
    );

    // Of a source that never paid, and of one that has spent all.
    let stranger = world.voucher(&key(9), &key(1), 1_000, 1_000, 1);
    let source = address(&key(9));
    assert_eq!(
        world.redeem(stranger.clone()),
        Err(SourceNeverPaid { source }.into())
    );
    world.deposit(source, 1);
    let available = U256::from(1);
    let small = world.voucher(&key(9), &key(1), 1, 1_000, 1);
    assert_eq!(
        world.redeem(small),
        Err(NothingAvailable { source, available }.into())
    );
    // Of a sink that has never had a capacity.
    let sink = address(&key(8));
    let idle = world.voucher(&key(2), &key(8), 1_000, 1_000, 1);
    assert_eq!(world.redeem(idle), Err(NoAllowance { sink }.into()));
    assert_eq!(world.account(sink), (0, 0));
}

#[motsu::test]
fn signatures_of_others_other_chains_and_clones_count_for_nothing(_unused: Address) {
    let world = world();
    let good = voucher(&world, 1_000, 1_000, 1);
    let refused = |voucher: SignedVoucher, account: Address| match world.redeem(voucher) {
        Err(Error::InvalidSignature(error)) => assert_eq!(error.account, account),
        other => panic!("{other:?}"),
    };
    let mut other = good.clone();
    world.sign_voucher(&mut other, &key(2), &key(7));
    refused(other, sink());
    let mut other = good.clone();
    world.sign_voucher(&mut other, &key(7), &key(1));
    refused(other, source());
    for digest in [
        digest_of(world.ledger.address(), 1, voucher_message(&good)),
        digest_of(THIRD, 42_161, voucher_message(&good)),
    ] {
        let mut other = good.clone();
        other.sinkSig = sign(&key(1), digest);
        other.sourceSig = sign(&key(2), digest);
        refused(other, sink());
    }
    let mut changed = good.clone();
    changed.value += U256::from(1);
    refused(changed, sink());
    let mut short = good.clone();
    short.sourceSig = Bytes::from(vec![1; 64]);
    assert!(matches!(world.redeem(short), Err(Error::Signature(_))));
    world.redeem(good).motsu_unwrap();
}

#[motsu::test]
fn in_a_batch_a_bad_item_is_an_event_and_counts_nothing(_unused: Address) {
    let world = world();
    let good = voucher(&world, 1_000, 1_000, 1);
    let bad_value = world.voucher(&key(3), &key(1), 0, 5, 1);
    let unpaid = world.voucher(&key(4), &key(1), 5, 5, 1);
    let mut unknown = world.voucher(&key(2), &key(1), 5, 5, 1);
    unknown.taskTypeId = B256::ZERO;
    world.sign_voucher(&mut unknown, &key(2), &key(1));
    let last = voucher(&world, 1_500, 2_000, 2);
    let batch = vec![bad_value, good.clone(), unpaid, unknown, good, last];
    world
        .ledger
        .sender(THIRD)
        .redeem_batch(batch, true)
        .motsu_unwrap();
    assert_eq!(world.account(sink()), (0, 1_500));
    assert_eq!(
        world.neighbours.sender(OWNER).paid(sink()),
        U256::from(2_000)
    );
    assert_eq!(world.neighbours.sender(OWNER).last_payment().0, 1);
    let rejected = |id: B256, of: u8, reason: B256| {
        world.ledger.assert_emitted(&VoucherRejected {
            taskTypeId: id,
            sink: sink(),
            source: address(&key(of)),
            reason: reason[..4].try_into().expect("four bytes"),
        });
    };
    let value = U256::from(5);
    rejected(CODE, 3, words(ValueWithoutWork { value }.into()));
    let source = address(&key(4));
    rejected(CODE, 4, words(SourceNeverPaid { source }.into()));
    rejected(CODE, 2, words(NothingNew {}.into()));
    // What a neighbour says of a task type that it does not know is a reason, too.
    let mut reason = B256::ZERO;
    reason[..4].copy_from_slice(&[1, 2, 3, 4]);
    rejected(B256::ZERO, 2, reason);

    let many = vec![voucher(&world, 2_000, 3_000, 3); 65];
    let length = U256::from(65);
    let it = world.ledger.sender(THIRD).redeem_batch(many, false);
    let it = it.motsu_res();
    assert_eq!(it, Err(BatchTooLarge { length }.into()));
}

#[motsu::test]
fn what_money_or_capacity_do_not_cover_stays_redeemable(_unused: Address) {
    let world = World::new();
    world.enter(sink(), 10);
    advance_time(100);
    world.deposit(source(), 500);
    // 1000 of work allowed; 500 of 1000 paid.
    let all = voucher(&world, 1_600, 1_600, 4);
    world.redeem(all.clone()).motsu_unwrap();
    world.ledger.assert_emitted(&Redeemed {
        taskTypeId: CODE,
        sink: sink(),
        source: source(),
        work: U256::from(500),
        value: U256::from(500),
        tasks: U256::ZERO,
        restWork: U256::from(1_100),
        restValue: U256::from(1_100),
    });
    world.deposit(source(), 10_000);
    world.redeem(all.clone()).motsu_unwrap();
    assert_eq!(world.account(sink()), (1_000, 1_000));
    assert_eq!(
        world.redeem(all.clone()),
        Err(NoAllowance { sink: sink() }.into())
    );
    advance_time(60);
    world.redeem(all).motsu_unwrap();
    assert_eq!(world.account(sink()), (1_600, 1_600));
    let (_, _, tasks) = world
        .ledger
        .sender(OWNER)
        .get_totals(CODE, source(), sink());
    assert_eq!(tasks, U256::from(4));
}

#[motsu::test]
fn an_allowance_that_went_backwards_is_nothing_and_no_failure(_unused: Address) {
    let world = world();
    world
        .redeem(voucher(&world, 1_000 * UNIT, 1_000, 1))
        .motsu_unwrap();
    world
        .neighbours
        .sender(OWNER)
        .set_capacity(sink(), U256::ZERO);
    world
        .neighbours
        .sender(OWNER)
        .set_seconds(sink(), U256::from(5));
    assert_eq!(
        world.ledger.sender(OWNER).get_allowance(CODE, sink()),
        Ok(U256::ZERO)
    );
    let next = voucher(&world, 2_000 * UNIT, 2_000, 2);
    assert_eq!(world.redeem(next), Err(NoAllowance { sink: sink() }.into()));
}

#[motsu::test]
fn a_worthless_voucher_before_takes_nothing_of_a_sinks_pay(_unused: Address) {
    let world = world();
    world.deposit(address(&key(3)), 1_000);
    let dear = voucher(&world, 30_000 * UNIT, 30_000_000, 1);
    let cheap = world.voucher(&key(3), &key(1), 1_000 * UNIT, 1, 1);
    world.redeem(cheap).motsu_unwrap();
    world.redeem(dear).motsu_unwrap();
    assert_eq!(world.account(sink()), (30_000_001, 31_000 * UNIT));
}

#[motsu::test]
fn padded_tasks_move_nothing(_unused: Address) {
    let (honest, padded) = (world(), world());
    honest
        .redeem(voucher(&honest, 1_000 * UNIT, 1_000, 1))
        .motsu_unwrap();
    padded
        .redeem(voucher(&padded, 1_000 * UNIT, 1_000, 1_000_000))
        .motsu_unwrap();
    assert_eq!(honest.account(sink()), padded.account(sink()));
    assert_eq!(honest.reserve(), padded.reserve());
}

#[motsu::test]
fn streams_are_noted_when_a_voucher_needs_them(_unused: Address) {
    let world = World::new();
    world.enter(sink(), 10 * UNIT);
    world
        .neighbours
        .sender(OWNER)
        .stream(source(), U256::from(110_000));
    advance_time(100);
    assert_eq!(world.funds(source()).0, 0);
    // Before the first note the pool is not known yet.
    world.ledger.sender(THIRD).note(CODE, source());
    assert_eq!(world.funds(source()).0, 100 * 100_000);
    advance_time(50);
    let pending = world.ledger.sender(OWNER).get_pending(CODE, source());
    assert_eq!(pending, U256::from(50 * 100_000));
    world
        .redeem(voucher(&world, 1_000, 12_000_000, 1))
        .motsu_unwrap();
    assert_eq!(world.funds(source()).0, 3_000_000);
    assert_eq!(
        world.ledger.sender(OWNER).get_pending(CODE, source()),
        U256::ZERO
    );
    // Not by work: a record of its own, that nobody can spend.
    let other = World::new();
    other
        .neighbours
        .sender(OWNER)
        .set_up(U256::ZERO, U256::from(UNITS));
    other
        .neighbours
        .sender(OWNER)
        .stream(source(), U256::from(110_000));
    advance_time(100);
    other.ledger.sender(THIRD).note(CODE, source());
    advance_time(100);
    other.ledger.sender(THIRD).note(CODE, source());
    assert_eq!(other.funds(source()), (0, 0, 0));
}

#[motsu::test]
fn vouchers_use_earmark_then_free_then_what_is_asked_back(_unused: Address) {
    let world = World::new();
    world.enter(sink(), 10 * UNIT);
    advance_time(3_600);
    world.deposit(source(), 1_000);
    let until = U256::from(timestamp() + 7_200);
    world
        .ledger
        .sender(source())
        .earmark(CODE, sink(), U256::from(300), until)
        .motsu_unwrap();
    world
        .ledger
        .sender(source())
        .earmark(CODE, THIRD, U256::from(100), until)
        .motsu_unwrap();
    world
        .ledger
        .sender(source())
        .request_take_back(CODE, U256::from(400))
        .motsu_unwrap();
    assert_eq!(world.funds(source()), (1_000, 400, 400));
    assert_eq!(
        world
            .ledger
            .sender(OWNER)
            .get_budget(CODE, source(), sink()),
        (U256::from(200), U256::from(300))
    );
    world.redeem(voucher(&world, 250, 250, 1)).motsu_unwrap();
    assert_eq!(world.funds(source()), (750, 150, 400));
    world.redeem(voucher(&world, 450, 450, 2)).motsu_unwrap();
    assert_eq!(world.funds(source()), (550, 100, 400));
    world.redeem(voucher(&world, 650, 650, 3)).motsu_unwrap();
    assert_eq!(world.funds(source()), (350, 100, 250));
    // All but what is set aside for the other.
    world
        .redeem(voucher(&world, 2_000, 2_000, 4))
        .motsu_unwrap();
    assert_eq!(world.funds(source()), (100, 100, 0));
    assert_eq!(world.reserve(), (100, 900));
}

#[motsu::test]
fn earmarks_only_grow_and_end(_unused: Address) {
    let world = World::new();
    world.deposit(source(), 1_000);
    advance_time(3_600 - timestamp() % 3_600);
    let now = timestamp();
    let earmark = |amount: u64, until: u64| {
        world
            .ledger
            .sender(source())
            .earmark(CODE, sink(), U256::from(amount), U256::from(until))
            .motsu_res()
    };
    assert_eq!(earmark(0, now + 1), Err(ZeroAmount {}.into()));
    for until in [now, now - 1, now + 86_401] {
        let (until, latest) = (U256::from(until), U256::from(now + 86_400));
        let it = earmark(1, until.to());
        assert_eq!(it, Err(InvalidUntil { until, latest }.into()));
    }
    let it = earmark(1_001, now + 10);
    let (required, free) = (U256::from(1_001), U256::from(1_000));
    let source = source();
    assert_eq!(
        it,
        Err(InsufficientFunds {
            source,
            required,
            free
        }
        .into())
    );
    earmark(300, now + 3_601).motsu_unwrap();
    world.ledger.assert_emitted(&Earmarked {
        taskTypeId: CODE,
        source,
        sink: sink(),
        amount: U256::from(300),
        until: U256::from(now + 7_200),
    });
    let shrinks = EarmarkShrinks {
        amount: U256::from(300),
        until: U256::from(now + 7_200),
    };
    assert_eq!(
        earmark(299, now + 86_400),
        Err(Error::EarmarkShrinks(shrinks))
    );
    assert!(matches!(
        earmark(400, now + 3_600),
        Err(Error::EarmarkShrinks(_))
    ));
    earmark(500, now + 10_800).motsu_unwrap();
    assert_eq!(world.funds(source), (1_000, 500, 0));
    // Its old hour passes, and nothing ends; with its own it does.
    advance_time(7_200);
    assert_eq!(world.funds(source), (1_000, 500, 0));
    advance_time(3_600);
    assert_eq!(world.funds(source), (1_000, 0, 0));
    // A new one starts fresh, after however long.
    advance_time(40 * 3_600);
    let now = timestamp();
    world
        .ledger
        .sender(source)
        .earmark(CODE, sink(), U256::from(1), U256::from(now + 1))
        .motsu_unwrap();
    assert_eq!(world.funds(source), (1_000, 1, 0));
    assert_eq!(
        world
            .ledger
            .sender(OWNER)
            .get_earmark(CODE, source, sink())
            .0,
        U256::from(1)
    );
}

#[motsu::test]
fn what_is_asked_back_waits_an_hour_and_lapses_in_a_day(_unused: Address) {
    let world = World::new();
    world.deposit(source(), 1_000);
    let ask = |amount: u64| {
        world
            .ledger
            .sender(source())
            .request_take_back(CODE, U256::from(amount))
            .motsu_res()
    };
    let take = || {
        world
            .ledger
            .sender(world.escrow())
            .take_back_due(CODE, source())
            .motsu_res()
    };
    assert_eq!(ask(0), Err(ZeroAmount {}.into()));
    assert_eq!(take(), Err(NothingAsked {}.into()));
    ask(300).motsu_unwrap();
    advance_time(3_599);
    let availableAt = U256::from(timestamp() + 1);
    assert_eq!(take(), Err(TakeBackTooEarly { availableAt }.into()));
    // A further request begins the hour anew, for all of it.
    ask(200).motsu_unwrap();
    advance_time(3_599);
    assert!(take().is_err());
    advance_time(1);
    assert_eq!(take(), Ok((U256::from(500), U256::from(500))));
    assert_eq!(world.funds(source()), (500, 0, 0));
    assert_eq!(take(), Err(NothingAsked {}.into()));
    // More than is free.
    let (required, free) = (U256::from(501), U256::from(500));
    let source_ = source();
    let it = ask(501);
    assert_eq!(
        it,
        Err(InsufficientFunds {
            source: source_,
            required,
            free
        }
        .into())
    );
    ask(500).motsu_unwrap();
    advance_time(89_999);
    assert_eq!(world.funds(source()), (500, 0, 500));
    advance_time(1);
    assert_eq!(world.funds(source()), (500, 0, 0));
    assert_eq!(take(), Err(NothingAsked {}.into()));
    ask(10).motsu_unwrap();
    assert_eq!(world.funds(source()), (500, 0, 10));
}

#[motsu::test]
fn budgets_signed_away_before_the_others_redeem(_unused: Address) {
    // A source has two sinks serve it for the same money: the second is not paid, unless it had it set aside.
    let world = World::new();
    let (friend, other) = (key(5), key(1));
    for sink in [&friend, &other] {
        world.enter(address(sink), 10 * UNIT);
    }
    advance_time(3_600);
    world.deposit(source(), 1_000);
    let until = U256::from(timestamp() + 3_600);
    world
        .ledger
        .sender(source())
        .earmark(CODE, address(&other), U256::from(600), until)
        .motsu_unwrap();
    let all = world.voucher(&key(2), &friend, 1_000, 1_000, 1);
    world.redeem(all).motsu_unwrap();
    assert_eq!(world.account(address(&friend)), (400, 400));
    let promised = world.voucher(&key(2), &other, 600, 600, 1);
    world.redeem(promised).motsu_unwrap();
    assert_eq!(world.account(address(&other)), (600, 600));
    assert_eq!(world.reserve(), (0, 1_000));
}

#[motsu::test]
fn escrow_alone_moves_money(_unused: Address) {
    let world = world();
    let caller = THIRD;
    let denied = || Error::UnauthorizedCaller(UnauthorizedCaller { caller });
    let it = world
        .ledger
        .sender(THIRD)
        .credit(CODE, source(), U256::from(1))
        .motsu_res();
    assert_eq!(it, Err(denied()));
    let it = world
        .ledger
        .sender(THIRD)
        .take_owed(CODE, sink())
        .motsu_res();
    assert_eq!(it, Err(denied()));
    let it = world
        .ledger
        .sender(THIRD)
        .take_back_due(CODE, source())
        .motsu_res();
    assert_eq!(it, Err(denied()));
    world
        .redeem(voucher(&world, 1_000, 1_000, 1))
        .motsu_unwrap();
    let unspent = U256::from(1_000_000_000_000_000_000u128 - 1_000);
    let escrow = world.escrow();
    let it = world.ledger.sender(escrow).take_owed(CODE, sink());
    let it = it.motsu_res();
    assert_eq!(it, Ok((U256::from(1_000), unspent)));
    let it = world.ledger.sender(escrow).take_owed(CODE, sink());
    let it = it.motsu_res();
    assert_eq!(it, Ok((U256::ZERO, unspent)));
    let it = world
        .ledger
        .sender(escrow)
        .credit(CODE, source(), U256::from(1u128 << 112));
    let it = it.motsu_res();
    let amount = U256::from(1u128 << 112);
    assert_eq!(it, Err(AmountTooLarge { amount }.into()));
}

#[motsu::test]
fn an_escrow_that_fails_takes_the_count_back(_unused: Address) {
    let world = world();
    world.neighbours.sender(OWNER).misbehave(3);
    let it = world
        .ledger
        .sender(THIRD)
        .redeem(voucher(&world, 1_000, 1_000, 1), true);
    let it = it.motsu_res();
    assert!(matches!(it, Err(Error::Revert(_))));
}

// --- Keys

#[motsu::test]
fn a_contract_account_signs_by_keys_and_cannot_unsign(wallet: Contract<Wallet>) {
    let world = world();
    let account = wallet.address();
    world.deposit(account, 10_000);
    let hot = key(6);
    let signed = |work: u128| {
        let mut voucher = world.voucher(&hot, &key(1), work, work, 1);
        voucher.source = account;
        world.sign_voucher(&mut voucher, &hot, &key(1));
        voucher
    };
    let it = world.redeem(signed(100));
    assert!(matches!(it, Err(Error::InvalidSignature(_))));
    // The wallet's own word is asked for registrations, never for vouchers.
    let message = hash_words(&[
        keccak256("KeyRegistration(address account,address key,uint256 nonce)"),
        account.into_word(),
        address(&hot).into_word(),
        U256::ZERO.into(),
    ]);
    let it = world
        .ledger
        .sender(THIRD)
        .register_key_for(account, address(&hot), vec![1].into());
    let it = it.motsu_res();
    assert_eq!(it, Err(InvalidRegistration { account }.into()));
    wallet.sender(OWNER).approve(world.digest(message));
    let it = world
        .ledger
        .sender(THIRD)
        .register_key_for(account, address(&hot), vec![1].into());
    let it = it.motsu_res();
    it.motsu_unwrap();
    assert_eq!(
        world
            .ledger
            .sender(OWNER)
            .get_key_until(account, address(&hot)),
        U256::MAX
    );
    // Once: the same word does not bring a removed key back.
    let it = world
        .ledger
        .sender(THIRD)
        .register_key_for(account, address(&hot), vec![1].into());
    let it = it.motsu_res();
    assert_eq!(it, Err(InvalidRegistration { account }.into()));
    wallet.sender(OWNER).misbehave(1);
    world.redeem(signed(100)).motsu_unwrap();

    world
        .ledger
        .sender(account)
        .remove_key(address(&hot))
        .motsu_unwrap();
    let until = timestamp() + 86_400;
    assert_eq!(
        world
            .ledger
            .sender(OWNER)
            .get_key_until(account, address(&hot)),
        U256::from(until)
    );
    let key = address(&hot);
    let it = world.ledger.sender(account).remove_key(key);
    let it = it.motsu_res();
    assert_eq!(it, Err(KeyNotRegistered { account, key }.into()));
    advance_time(86_399);
    world.redeem(signed(200)).motsu_unwrap();
    advance_time(1);
    assert!(matches!(
        world.redeem(signed(300)),
        Err(Error::InvalidSignature(_))
    ));
    let it = world.ledger.sender(account).register_key(Address::ZERO);
    let it = it.motsu_res();
    assert_eq!(it, Err(InvalidKey { key: Address::ZERO }.into()));
    world
        .ledger
        .sender(account)
        .register_key(key)
        .motsu_unwrap();
    world.redeem(signed(300)).motsu_unwrap();
    assert_eq!(
        world.ledger.sender(OWNER).get_key_nonce(account),
        U256::from(2)
    );
}
