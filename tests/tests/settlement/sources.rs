//! What sources do, and what becomes of it.

use alloy::{
    primitives::{keccak256, Address, Bytes, B256, U256},
    sol_types::SolCall,
};
use bpe_tests::{
    settlement::{rate, usdcx, Settlement, RATE},
    stage::mined,
    suite::CODE,
};
use devnet_superfluid::bindings::IConstantFlowAgreementV1;

use crate::HOUR;

const CHAT: B256 = B256::repeat_byte(0xca);

async fn flow_into(it: &Settlement, id: B256) -> u128 {
    let flow = it.pool(id).await.getTotalFlowRate().call().await.unwrap();
    assert!(flow >= rate(0));
    flow.into_raw().to()
}

/// What must hold whatever sources do: the app is not jailed, and has for each source what is its own.
async fn assert_whole(it: &Settlement, sources: &[Address]) {
    let app = *it.streams.address();
    let jailed = it.superfluid.host().isAppJailed(app).call().await.unwrap();
    assert!(!jailed);
    let cfa = it.superfluid.cfa();
    let net = cfa
        .getNetFlow(it.superfluid.addresses.usdcx, app)
        .call()
        .await
        .unwrap();
    let gda = it.superfluid.gda();
    let out = gda
        .getNetFlow(it.superfluid.addresses.usdcx, app)
        .call()
        .await
        .unwrap();
    assert!(net + out >= rate(0), "more flows out than in: {net} {out}");
    let mut owed = U256::ZERO;
    for source in sources {
        owed += it.streams.getSource(*source).call().await.unwrap().credit;
    }
    let has = it.superfluid.available(app).await;
    assert!(has >= owed.try_into().unwrap(), "{has} is less than {owed}");
}

/// Two task types with a sink each; CHAT has its pool as well.
async fn two_task_types() -> (Settlement, [Address; 2]) {
    let it = Settlement::start().await;
    let code = it.sink(0x31, 10).await;
    let registry = &it.base.registry;
    mined(registry.registerTaskType_0(CHAT, U256::ZERO).send().await).await;
    mined(it.pools.createPool(CHAT).send().await).await;
    let chat = it.base.staked(0x32, 400).await;
    let register = registry.registerSink(CHAT, U256::from(10_000_000_000_u64));
    mined(register.from(chat).send().await).await;
    mined(it.pools.rebalance(CHAT).send().await).await;
    (it, [code, chat])
}

#[tokio::test]
async fn one_source_feeds_several_task_types() {
    let (it, _) = two_task_types().await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.stream(source, CHAT, 3 * RATE).await;
    assert_eq!(
        it.gateway.getStream(CHAT, source).call().await.unwrap(),
        U256::from(3 * RATE)
    );
    let (code, chat) = (flow_into(&it, CODE).await, flow_into(&it, CHAT).await);
    assert!(code <= RATE && code > RATE - 2_000_000_000);
    assert!(chat <= 3 * RATE && chat > 3 * RATE - 2_000_000_000);
    assert_whole(&it, &[source]).await;

    let update = it.gateway.updateStream(CODE, rate(2 * RATE)).from(source);
    let receipt = mined(update.send().await).await;
    println!("updateStream {}", receipt.gas_used);
    assert!(flow_into(&it, CODE).await > 2 * RATE - 2_000_000_000);
    it.advance(HOUR);
    assert_whole(&it, &[source]).await;

    // One ends, the other goes on; its deposit comes back at once.
    let before = it.whole(source).await;
    let at = it.base.devnet.timestamp();
    let delete = it.gateway.deleteStream(CODE).from(source);
    let receipt = mined(delete.send().await).await;
    println!("deleteStream {}", receipt.gas_used);
    let passed = u128::from(it.base.devnet.timestamp() - at);
    let back = it.deposit(2 * RATE).await;
    assert_eq!(it.whole(source).await, before + back - 5 * RATE * passed);
    assert_eq!(flow_into(&it, CODE).await, 0);
    assert!(flow_into(&it, CHAT).await > 3 * RATE - 2_000_000_000);
    mined(it.gateway.deleteStream(CHAT).from(source).send().await).await;
    assert_whole(&it, &[source]).await;

    // All there was, less what was streamed: the flows' own deposits are back as well.
    let left = it.superfluid.available(source).await;
    assert_eq!(left, it.whole(source).await.try_into().unwrap());
    let credit = it.streams.getSource(source).call().await.unwrap().credit;
    assert_eq!(credit, U256::ZERO);
}

#[tokio::test]
async fn a_source_that_deletes_its_flow_directly_stops_paying_at_once() {
    let (it, sinks) = two_task_types().await;
    let (leaves, stays) = (it.source(3, 1_000).await, it.source(4, 1_000).await);
    it.stream(leaves, CODE, RATE).await;
    it.stream(leaves, CHAT, RATE).await;
    it.stream(stays, CODE, RATE).await;
    it.advance(HOUR);
    let token = it.superfluid.addresses.usdcx;
    let app = *it.streams.address();
    let forwarder = it.superfluid.cfa_forwarder();
    let delete = forwarder.deleteFlow(token, leaves, app, Bytes::new());
    let receipt = mined(delete.from(leaves).send().await).await;
    println!(
        "a flow to two task types deleted directly: {} gas",
        receipt.gas_used
    );
    assert_whole(&it, &[leaves, stays]).await;
    let flow = flow_into(&it, CODE).await;
    assert!(flow <= RATE && flow > RATE - 2_000_000_000);
    assert_eq!(flow_into(&it, CHAT).await, 0);
    let chat = it.superfluid.available(sinks[1]).await;
    it.advance(HOUR);
    assert_eq!(it.superfluid.available(sinks[1]).await, chat);

    // Its deposits wait for it, and anyone can send them.
    let credit = it.streams.getSource(leaves).call().await.unwrap().credit;
    assert_eq!(credit, U256::from(2 * it.deposit(RATE).await));
    let before = it.whole(leaves).await;
    mined(it.gateway.withdraw(leaves).from(stays).send().await).await;
    assert_eq!(it.whole(leaves).await, before + credit.to::<u128>());
    // And it can come again.
    it.stream(leaves, CHAT, RATE).await;
    assert!(flow_into(&it, CHAT).await > RATE - 2_000_000_000);
    assert_whole(&it, &[leaves, stays]).await;
}

#[tokio::test]
async fn a_source_that_runs_out_of_money_is_liquidated_and_nothing_else_breaks() {
    let (it, _) = two_task_types().await;
    let (poor, rich) = (it.source(3, 40).await, it.source(4, 1_000).await);
    it.stream(poor, CODE, RATE).await;
    it.stream(poor, CHAT, RATE).await;
    it.stream(rich, CODE, RATE).await;
    // 40 USDCx last for hours only, deposits aside.
    let left: u128 = it.superfluid.available(poor).await.try_into().unwrap();
    it.advance(u64::try_from(left / (2 * RATE)).unwrap() + 60);
    assert!(it.superfluid.available(poor).await.is_negative());
    assert_whole(&it, &[poor, rich]).await;

    let token = it.superfluid.addresses.usdcx;
    let app = *it.streams.address();
    let liquidator = it.base.devnet.account(6);
    let delete = IConstantFlowAgreementV1::deleteFlowCall {
        token,
        sender: poor,
        receiver: app,
        ctx: Bytes::new(),
    };
    let host = it.superfluid.host();
    let cfa = it.superfluid.addresses.cfa_v1;
    let liquidate = host.callAgreement(cfa, delete.abi_encode().into(), Bytes::new());
    mined(liquidate.from(liquidator).send().await).await;
    assert_whole(&it, &[poor, rich]).await;
    let flow = flow_into(&it, CODE).await;
    assert!(flow <= RATE && flow > RATE - 2_000_000_000);
    assert_eq!(flow_into(&it, CHAT).await, 0);
    it.advance(HOUR);
    assert_whole(&it, &[poor, rich]).await;
    let credit = it.streams.getSource(poor).call().await.unwrap().credit;
    assert_eq!(credit, U256::from(2 * it.deposit(RATE).await));
    mined(it.gateway.withdraw(poor).send().await).await;
    assert_whole(&it, &[poor, rich]).await;
}

#[tokio::test]
async fn a_source_that_changes_its_flow_directly_shrinks_all_it_pays_in_proportion() {
    let (it, _) = two_task_types().await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.stream(source, CHAT, 3 * RATE).await;
    let token = it.superfluid.addresses.usdcx;
    let app = *it.streams.address();
    let forwarder = it.superfluid.cfa_forwarder();
    let update = forwarder.updateFlow(token, source, app, rate(2 * RATE), Bytes::new());
    mined(update.from(source).send().await).await;
    assert_whole(&it, &[source]).await;
    let it = &it;
    let stream = |id: B256| async move { it.gateway.getStream(id, source).call().await.unwrap() };
    assert_eq!(stream(CODE).await, U256::from(RATE / 2));
    assert_eq!(stream(CHAT).await, U256::from(3 * RATE / 2));

    // More than is allocated becomes credit by the second; the next order takes only what it needs.
    let update = forwarder.updateFlow(token, source, app, rate(5 * RATE), Bytes::new());
    mined(update.from(source).send().await).await;
    assert_eq!(stream(CODE).await, U256::from(RATE / 2));
    let before = it.streams.getSource(source).call().await.unwrap();
    assert_eq!(before.inflow, U256::from(5 * RATE));
    it.advance(HOUR);
    let after = it.streams.getSource(source).call().await.unwrap();
    let spare = before.inflow - before.allocated;
    assert_eq!(after.credit - before.credit, spare * U256::from(HOUR));
    assert_whole(it, &[source]).await;
    mined(
        it.gateway
            .updateStream(CODE, rate(RATE))
            .from(source)
            .send()
            .await,
    )
    .await;
    let now = it.streams.getSource(source).call().await.unwrap();
    assert_eq!(now.inflow, now.allocated);
    mined(it.gateway.withdraw(source).send().await).await;
    assert_whole(it, &[source]).await;
}

/// The most that the end of one flow has to undo must fit into Superfluid's callback.
#[tokio::test]
async fn the_end_of_a_flow_to_four_task_types_fits_into_the_callback() {
    let it = Settlement::start().await;
    let source = it.source(3, 10_000).await;
    let mut types = Vec::new();
    for number in 0..4_u8 {
        let id = keccak256([number]);
        let register = it.base.registry.registerTaskType_0(id, U256::ZERO);
        mined(register.send().await).await;
        mined(it.pools.createPool(id).send().await).await;
        let sink = it.base.staked(0x40 + number, 400).await;
        let capacity = U256::from(10_000_000_000_u64);
        let join = it.base.registry.registerSink(id, capacity).from(sink);
        mined(join.send().await).await;
        mined(it.pools.rebalance(id).send().await).await;
        it.stream(source, id, RATE).await;
        types.push(id);
    }
    let fifth = it
        .gateway
        .createStream(CODE, rate(RATE))
        .from(source)
        .call()
        .await;
    assert!(fifth.is_err());
    it.advance(HOUR);
    let token = it.superfluid.addresses.usdcx;
    let app = *it.streams.address();
    let forwarder = it.superfluid.cfa_forwarder();
    let delete = forwarder.deleteFlow(token, source, app, Bytes::new());
    let receipt = mined(delete.from(source).send().await).await;
    println!(
        "a flow to four task types deleted: {} gas",
        receipt.gas_used
    );
    assert_whole(&it, &[source]).await;
    for id in types {
        assert_eq!(flow_into(&it, id).await, 0);
    }
    let credit = it.streams.getSource(source).call().await.unwrap().credit;
    assert_eq!(credit, U256::from(4 * it.deposit(RATE).await));
    assert!(usdcx(10_000) > credit.to::<u128>());
}
