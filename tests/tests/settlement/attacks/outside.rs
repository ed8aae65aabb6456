//! What strangers do at Superfluid, and beside it.

use alloy::primitives::{keccak256, Address, Bytes, B256, U256};
use bpe_abi::{
    IEscrowBuffer::{Credited, Drained},
    IStreamGateway::{self, IStreamGatewayErrors},
};
use bpe_tests::{
    proof::events,
    settlement::{rate, usdcx, Settlement, RATE},
    stage::{mined, revert},
    suite::CODE,
};

use super::{assert_near, Market};
use crate::HOUR;

/// Before: the app that stood in between was jailed for it, and all deposits and credits in it were lost.
#[tokio::test]
async fn an_end_with_110_kilobytes_of_user_data_is_an_end_like_any_other() {
    let market = Market::start(RATE, 0, 500).await;
    let it = &market.it;
    let attacker = it.source(4, 1_000).await;
    let victims = [*it.pools.address(), *it.escrow.address()];
    for _ in 0..4 {
        it.junk_pool(attacker, &victims).await;
    }
    let mut gas = Vec::new();
    for bytes in [0, 110_000] {
        it.stream(attacker, CODE, RATE).await;
        it.advance(60);
        let (whole, at) = (it.whole(attacker).await, it.base.devnet.timestamp());
        let flows = it.rate_of(attacker, CODE).await;
        let (token, forwarder) = (it.superfluid.addresses.usdcx, it.superfluid.gda_forwarder());
        let data = Bytes::from(vec![0; bytes]);
        let end = forwarder.distributeFlow(token, attacker, market.pool, rate(0), data);
        gas.push(mined(end.from(attacker).send().await).await.gas_used);
        let passed = u128::from(it.base.devnet.timestamp() - at);
        assert_eq!(it.whole(attacker).await, whole - flows * passed);
    }
    println!("end of a stream: {} gas, with 110 KB: {}", gas[0], gas[1]);
    // The others' streams go on, and everything can be called.
    let host = it.superfluid.host();
    for contract in victims {
        assert!(!host.isAppJailed(contract).call().await.unwrap());
    }
    let flow = it.rate_of(market.source, CODE).await;
    let pay = market.pay_of_an_hour().await;
    assert_near(pay, flow * u128::from(HOUR) * 999 / 1_000);
    it.update(market.source, CODE, 2 * RATE).await;
    it.end(market.source, CODE).await;
    assert_eq!(it.deposit(market.source, CODE).await, 0);
}

/// What a drain of 100 USDCx to a sink takes, after so many junk pools.
async fn gas_of_a_drain(junk_pools: u64) -> u64 {
    let it = Settlement::start().await;
    let sink = it.sink(0x31, 10).await;
    let (source, stranger) = (it.source(3, 1_000).await, it.base.devnet.account(8));
    let escrow = *it.escrow.address();
    let gda = it.superfluid.gda();
    for _ in 0..junk_pools {
        let pool = it.junk_pool(stranger, &[escrow]).await;
        let connected = gda.isMemberConnected(pool, escrow).call().await;
        assert!(!connected.unwrap());
    }
    it.deposit_by_hand(source, usdcx(100)).await;
    it.advance(HOUR);
    let before = it.whole(sink).await;
    let receipt = mined(it.escrow.drain_0(CODE).send().await).await;
    // Into its hands, not as a credit.
    assert_eq!(it.whole(sink).await - before, usdcx(100));
    assert_eq!(events::<Drained>(&receipt).len(), 1);
    assert_eq!(events::<Credited>(&receipt).len(), 0);
    receipt.gas_used
}

/// Before: four of them, and every payment out of the escrow ran out of gas and became a credit that only a sink that calls
/// `claim` gets.
#[tokio::test]
async fn junk_pools_stay_outside_the_escrow() {
    let (without, with) = (gas_of_a_drain(0).await, gas_of_a_drain(4).await);
    println!("drain to a sink: {without} gas, with four junk pools {with}");
    assert!(with <= without + without / 100);
}

/// Parameters of the macro are made by anybody: what they name is checked when they run.
#[tokio::test]
async fn parameters_of_elsewhere_are_refused() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let (source, stranger) = (it.source(3, 1_000).await, it.base.devnet.account(8));
    let good = it.gateway.createStream_0(CODE, rate(RATE)).call().await;
    let good = good.unwrap();
    // A task type that does not exist, one without a pool, and a number that is a pool's address.
    let poolless = keccak256("poolless");
    it.base.bond(it.base.owner).await;
    let register = it.base.registry.registerTaskType(poolless, U256::ZERO);
    mined(register.send().await).await;
    let junk = it.junk_pool(stranger, &[source]).await;
    for id in [keccak256("unknown"), poolless, junk.into_word()] {
        let run = it
            .macros
            .runMacro(*it.gateway.address(), with_task_type(&good, id));
        let error: IStreamGatewayErrors = revert(run.from(source).call().await);
        let unknown = IStreamGateway::UnknownTaskType { taskTypeId: id };
        assert_eq!(error, IStreamGatewayErrors::UnknownTaskType(unknown));
    }
    // Another host than the token's, before and after.
    for host in [stranger, Address::ZERO] {
        let wrong = IStreamGatewayErrors::WrongHost(IStreamGateway::WrongHost { host });
        let build = it.gateway.buildBatchOperations(host, good.clone(), source);
        assert_eq!(revert::<IStreamGatewayErrors, _>(build.call().await), wrong);
        let check = it.gateway.postCheck(host, good.clone(), source);
        assert_eq!(revert::<IStreamGatewayErrors, _>(check.call().await), wrong);
    }
    // Nothing has moved, and what is right goes through.
    assert_eq!(it.whole(source).await, usdcx(1_000));
    it.run(source, good).await;
}

fn with_task_type(parameters: &Bytes, id: B256) -> Bytes {
    let mut bytes = parameters.to_vec();
    bytes[128..160].copy_from_slice(id.as_slice());
    bytes.into()
}

/// A stream into a pool of one's own is no payment to anybody here.
#[tokio::test]
async fn a_stream_elsewhere_counts_for_nothing() {
    let market = Market::start(2 * RATE, super::PRICE, 400_000).await;
    let (it, me) = (&market.it, &market.passer_by);
    let stranger = it.base.devnet.account(8);
    let mine = it.junk_pool(stranger, &[me.address]).await;
    me.act(vec![me.distribute(it, mine, market.huge())]).await;
    mined(it.ledger.note(CODE, me.address).send().await).await;
    it.advance(HOUR);
    it.book(CODE, &[me.address, mine, market.pool]).await;
    for nobody in [me.address, mine, market.pool] {
        assert_eq!(it.booked(nobody).await, 0);
    }
    assert!(it.booked(Address::ZERO).await > 0);
}
