//! The whole path, and what it costs.

use alloy::primitives::U256;
use bpe_abi::IWorkVouchers::{Redeemed, VoucherRejected};
use bpe_tests::{
    proof::events,
    settlement::{usdcx, RATE},
    stage::mined,
    work::{signer, Totals, Work, UNITS, WORK},
};

const HOUR: u64 = 3_600;

/// A source streams, its payment is noted, both sign, anyone redeems, the sink is paid; the source takes back what it did not
/// spend. Every wei is somewhere.
#[tokio::test]
async fn from_a_stream_to_a_sink_and_back_to_the_wei() {
    let it = Work::start().await;
    let core = &it.core;
    let (client, worker) = (signer(1), signer(2));
    let sink = it.sink(&worker, 10).await;
    let treasury = core.base.devnet.account(1);
    let (at_first, fees_at_first) = (usdcx(1_000), it.worth(treasury).await);
    let source = it.source(&client, 1_000, 100 * RATE).await;
    let opened = core.base.devnet.timestamp();
    let rate = core.rate_of(source, WORK).await;
    core.advance(HOUR);

    // Noted is the share of the reserve of all but what rounding may take, second by second.
    let paid = it.note(source).await;
    let elapsed = u128::from(core.base.devnet.timestamp() - opened);
    assert_eq!(paid, (rate - UNITS) * 9_990 * elapsed / UNITS);
    assert!(paid <= it.reserve().await);

    // 100 tasks, of 20 unit-seconds each; a price that no power of ten divides.
    let value = usdcx(1) / 3 + 1;
    it.redeem(
        it.voucher(&client, &worker, Totals(2_000, value, 100)),
        true,
    )
    .await;
    assert_eq!(core.whole(sink).await, value);
    assert_eq!(it.unspent(source).await, paid - value);
    // Later totals: only what is above is paid.
    let more = value + 7;
    it.redeem(it.voucher(&client, &worker, Totals(2_001, more, 101)), true)
        .await;
    assert_eq!(core.whole(sink).await, more);

    core.end(source, WORK).await;
    let back = it.take_back(source).await;
    assert!(back > 0);
    let paid = it.note(source).await;
    assert_eq!(back, paid - more);
    assert_eq!(it.unspent(source).await, 0);
    // What is where: the source has the rest, the sink its pay, the treasury its fee; what no note can count stays.
    let whole = core.whole(source).await;
    let cushion = it.reserve().await;
    let fees = it.worth(treasury).await - fees_at_first;
    let admin = core.whole(*core.pools.address()).await;
    assert_eq!(whole + more + fees + cushion + admin, at_first);
    let seconds = u128::from(core.base.devnet.timestamp() - opened);
    assert!(cushion <= UNITS * seconds + 1);
    assert!(fees.abs_diff((paid + cushion) / 999) <= UNITS * seconds);
}

/// One transaction settles any number of tasks, at the same price.
#[tokio::test]
async fn a_voucher_costs_the_same_for_1_100_and_10_000_tasks() {
    let it = Work::start().await;
    let worker = signer(100);
    it.sink(&worker, 100).await;
    let mut gas = vec![];
    for (place, tasks) in [1_u64, 100, 10_000].into_iter().enumerate() {
        let client = signer(1 + place as u64);
        let source = it.source(&client, 1_000, 100 * RATE).await;
        it.core.advance(HOUR);
        it.note(source).await;
        let value = u128::from(tasks) * 1_000_000_000_000;
        let totals = Totals(u128::from(tasks), value, tasks);
        let first = it.redeem(it.voucher(&client, &worker, totals), false).await;
        let totals = Totals(u128::from(tasks) * 2, value * 2, tasks * 2);
        let next = it.redeem(it.voucher(&client, &worker, totals), false).await;
        let totals = Totals(u128::from(tasks) * 3, value * 3, tasks * 3);
        let paid = it.redeem(it.voucher(&client, &worker, totals), true).await;
        gas.push([first.gas_used, next.gas_used, paid.gas_used]);
    }
    // Of zeros and other bytes in the calldata, and of the sink's first count and first payment.
    for (one, many) in gas[1].iter().zip(&gas[2]) {
        assert!(one.abs_diff(*many) < 2_000, "{one} {many}");
    }
    // Work beyond what the stream has been noted for is noted on the way.
    let client = signer(9);
    it.source(&client, 1_000, 100 * RATE).await;
    it.core.advance(HOUR);
    let noting = it
        .redeem(it.voucher(&client, &worker, Totals(1, 1_000, 1)), false)
        .await;
    assert!(noting.gas_used < 275_000, "{}", noting.gas_used);
}

#[tokio::test]
async fn fifty_pairs_in_one_batch() {
    let it = Work::start().await;
    let (sources, sinks) = (5_u64, 10_u64);
    for number in 0..sinks {
        it.sink(&signer(100 + number), 10).await;
    }
    for number in 0..sources {
        it.source(&signer(number), 1_000, 100 * RATE).await;
    }
    it.core.advance(HOUR);
    for number in 0..sources {
        it.note(signer(number).address()).await;
    }
    let value = 1_000_000_000_000_007;
    for round in 1..=2_u64 {
        let mut batch = vec![];
        for sink in 0..sinks {
            for source in 0..sources {
                let totals = Totals(
                    u128::from(round) * 100,
                    u128::from(round) * value,
                    round * 100,
                );
                batch.push(it.voucher(&signer(source), &signer(100 + sink), totals));
            }
        }
        assert_eq!(batch.len(), 50);
        let receipt = it.redeem_batch(batch, false).await;
        assert_eq!(events::<Redeemed>(&receipt).len(), 50);
        assert_eq!(events::<VoucherRejected>(&receipt).len(), 0);
        // What the gas report says, with some room.
        let most = if round == 1 { 85_000 } else { 50_000 };
        assert!(receipt.gas_used / 50 < most, "{}", receipt.gas_used);
    }
    let all = (0..sinks)
        .map(|number| signer(100 + number).address())
        .collect();
    let drain = it.core.reserve.drainTo(WORK, all);
    mined(drain.send().await).await;
    for number in 0..sinks {
        let has = it.core.whole(signer(100 + number).address()).await;
        assert_eq!(has, 2 * u128::from(sources) * value);
    }
}

/// What is not paid by streams is refused: EscrowBuffer takes no deposit for a task type by work.
#[tokio::test]
async fn nothing_of_it_waits_in_escrow() {
    use bpe_abi::IEscrowBuffer::IEscrowBufferErrors;
    use bpe_tests::stage::revert;
    let it = Work::start().await;
    let client = signer(1);
    let source = it.source(&client, 1_000, RATE).await;
    let escrow = &it.core.escrow;
    let amount = U256::from(usdcx(1));
    let approve = it
        .core
        .superfluid
        .usdcx()
        .approve(*escrow.address(), amount)
        .from(source)
        .send()
        .await;
    mined(approve).await;
    let deposit = escrow.deposit(WORK, amount).from(source).call().await;
    let refused: IEscrowBufferErrors = revert(deposit);
    assert!(matches!(refused, IEscrowBufferErrors::PaidByWork(_)));
    it.core.advance(HOUR);
    mined(escrow.sync(WORK).send().await).await;
    assert_eq!(escrow.bufferLevel(WORK).call().await.unwrap(), U256::ZERO);
    assert!(it.reserve().await > 0);
}
