//! The settlement core: what of it is Superfluid's own is in the column of EVM code.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    rpc::types::TransactionReceipt,
};

use super::Table;
use crate::{
    settlement::{rate, Settlement, RATE},
    stage::mined,
    suite::{tokens, units, CODE},
};

const CHAT: B256 = B256::repeat_byte(0xca);

pub async fn tables() -> String {
    [
        pool().await,
        sources().await,
        escrow().await,
        thousand().await,
    ]
    .concat()
}

/// The sink of that number, which is more than a byte holds.
fn nth(number: u64) -> Address {
    Address::left_padding_from(&(0x6161_0000 + number).to_be_bytes())
}

async fn join(it: &Settlement, sink: Address) -> TransactionReceipt {
    it.base.open().await;
    it.base.devnet.impersonate(sink);
    it.base.devnet.set_balance(sink, tokens(1));
    let (token, stakes) = (&it.base.token, &it.base.stakes);
    mined(token.mint(sink, tokens(100)).send().await).await;
    let approve = token.approve(*stakes.address(), U256::MAX).from(sink);
    mined(approve.send().await).await;
    mined(stakes.stake(tokens(100)).from(sink).send().await).await;
    let registration = it.base.registry.registerSink(CODE, units(10));
    mined(registration.from(sink).send().await).await
}

async fn thousand() -> String {
    let it = Settlement::start().await;
    let mut table = Table::new(&it.base.devnet);
    for number in 0..10 {
        join(&it, nth(number)).await;
    }
    mined(it.pools.rebalance(CODE).send().await).await;
    let source = it.source(3, 10_000).await;
    it.stream(source, CODE, 10 * RATE).await;
    steps(&it, &mut table, source, 10).await;
    for number in 11..1_000 {
        join(&it, nth(number)).await;
    }
    for from in (0..1_000).step_by(40) {
        let page = it
            .pools
            .rebalanceRange(CODE, U256::from(from), U256::from(40));
        let receipt = mined(page.send().await).await;
        if from == 480 {
            table.add("rebalanceRange of 40, all joining", None, receipt);
        }
    }
    let page = it
        .pools
        .rebalanceRange(CODE, U256::from(480), U256::from(40));
    let receipt = mined(page.send().await).await;
    table.add("rebalanceRange of 40, none changed", None, receipt);
    steps(&it, &mut table, source, 1_000).await;
    table.markdown("A thousand sinks")
}

/// What one more sink costs, which then leaves.
async fn steps(it: &Settlement, table: &mut Table<'_>, source: Address, others: u64) {
    let label = |step: &str| format!("{step}, among {others}");
    let sink = nth(others);
    table.add(label("registerSink"), None, join(it, sink).await);
    let rebalance = || it.pools.rebalanceSink(CODE, sink);
    let receipt = mined(rebalance().send().await).await;
    table.add(label("rebalanceSink, joining"), None, receipt);
    // 3 % less: 5 % would have reached the pool by itself. What rounding has left over until here is the stream's again:
    // taking it back is now and then a part of any change of units.
    attest(it, sink, 9).await;
    it.update(source, CODE, 10 * RATE).await;
    let receipt = mined(rebalance().send().await).await;
    table.add(label("rebalanceSink, changed"), None, receipt);
    let leave = it.base.registry.deregisterSink(CODE).from(sink);
    let receipt = mined(leave.send().await).await;
    table.add(label("deregisterSink"), None, receipt);
}

/// Registered, with no units yet.
async fn registered(it: &Settlement, numbers: impl Iterator<Item = u8>) -> Vec<Address> {
    let mut sinks = Vec::new();
    for number in numbers {
        sinks.push(it.base.registered(number, 400, 10).await);
    }
    sinks
}

async fn attest(it: &Settlement, sink: Address, capacity: u64) {
    it.base.devnet.mine(1).expect("a block is mined");
    let registry = &it.base.registry;
    let update = registry.updateCapacityFromAggregator(CODE, sink, units(capacity));
    mined(update.send().await).await;
}

async fn pool() -> String {
    let it = Settlement::start().await;
    let mut table = Table::new(&it.base.devnet);
    let (pools, registry) = (&it.pools, &it.base.registry);
    let sinks = registered(&it, 1..=10).await;
    let rebalance = || pools.rebalance(CODE);
    let receipt = mined(rebalance().send().await).await;
    table.add("rebalance of 10 sinks, all joining", None, receipt);
    let source = it.source(3, 10_000).await;
    it.stream(source, CODE, RATE).await;
    for sink in &sinks {
        attest(&it, *sink, 20).await;
        attest(&it, *sink, 15).await;
    }
    attest(&it, sinks[0], 18).await;
    let receipt = mined(rebalance().send().await).await;
    table.add("rebalance of 10 sinks, all changed", 187_832, receipt);
    let receipt = mined(rebalance().send().await).await;
    table.add("rebalance of 10 sinks, none changed", None, receipt);
    attest(&it, sinks[0], 17).await;
    let range = pools.rebalanceRange(CODE, U256::ZERO, U256::from(10));
    let receipt = mined(range.send().await).await;
    table.add("rebalanceRange of 10 sinks, one changed", None, receipt);
    attest(&it, sinks[1], 16).await;
    let one = |sink| pools.rebalanceSink(CODE, sink);
    let receipt = mined(one(sinks[1]).send().await).await;
    table.add("rebalanceSink, changed", None, receipt);
    let receipt = mined(one(sinks[1]).send().await).await;
    table.add("rebalanceSink, not changed", None, receipt);
    let joining = registered(&it, 11..=11).await;
    let receipt = mined(one(joining[0]).send().await).await;
    table.add("rebalanceSink, joining", None, receipt);
    let leave = registry.deregisterSink(CODE).from(joining[0]);
    let receipt = mined(leave.send().await).await;
    table.add(
        "CapacityRegistry.deregisterSink, with its units",
        None,
        receipt,
    );
    it.base.slash(sinks[2], 375).await;
    let receipt = mined(registry.syncCapacity(CODE, sinks[2]).send().await).await;
    table.add(
        "CapacityRegistry.syncCapacity, with its units",
        None,
        receipt,
    );

    mined(registry.registerTaskType(CHAT, U256::ZERO).send().await).await;
    let receipt = mined(pools.createPool(CHAT).send().await).await;
    table.add("createPool", None, receipt);
    let receipt = mined(pools.rebalanceOverflow(CODE).send().await).await;
    table.add("rebalanceOverflow, no price", None, receipt);
    let price = pools.setCapacityPrice(CODE, U256::from(RATE / 1_000));
    let receipt = mined(price.send().await).await;
    table.add("setCapacityPrice, now overflowing", None, receipt);
    let receipt = mined(pools.rebalanceOverflow(CODE).send().await).await;
    table.add("rebalanceOverflow, nothing to follow", None, receipt);
    attest(&it, sinks[3], 16).await;
    let receipt = mined(one(sinks[3]).send().await).await;
    table.add("rebalanceSink, changed, overflowing", None, receipt);
    let budget = pools.setVerificationBudget(CODE, U256::from(100));
    let receipt = mined(budget.send().await).await;
    table.add("setVerificationBudget", None, receipt);
    let owner = it.base.owner;
    let receipt = mined(pools.setPipeline(owner, true).send().await).await;
    table.add("setPipeline", None, receipt);
    let limit = pools.setEffectiveCapacity(CODE, units(50));
    let receipt = mined(limit.send().await).await;
    table.add("setEffectiveCapacity", None, receipt);
    let receipt = mined(pools.setShareSubmitter(owner).send().await).await;
    table.add("setShareSubmitter", None, receipt);
    let shares = (1..=10_u64).map(U256::from).collect();
    let submit = pools.rebalanceWithShares(CODE, sinks.clone(), shares);
    let receipt = mined(submit.send().await).await;
    table.add("rebalanceWithShares of 10 sinks", None, receipt);
    let receipt = mined(pools.setWeighting(CODE, 0).send().await).await;
    table.add("setWeighting", None, receipt);
    let fee = pools.setProtocolFee(U256::from(20), it.base.devnet.account(4));
    let receipt = mined(fee.send().await).await;
    table.add("setProtocolFee", None, receipt);
    let receipt = mined(pools.setReviewer(it.base.devnet.account(5)).send().await).await;
    table.add("setReviewer", None, receipt);
    let exploration = pools.setExplorationRate(U256::from(100_000_000_000_000_000_u64));
    let receipt = mined(exploration.send().await).await;
    table.add("setExplorationRate", None, receipt);
    let curve = pools.setPricingCurve(*registry.address());
    let receipt = mined(curve.send().await).await;
    table.add("setPricingCurve", None, receipt);
    let receipt = mined(pools.setTemperatureOracle(owner).send().await).await;
    table.add("setTemperatureOracle", None, receipt);
    let mut page = table.markdown("BackpressurePool");
    page.push_str("\nThe published figure was measured with a mocked pool. Here it is Superfluid's own code, in the column *EVM*.\n");
    page
}

async fn sources() -> String {
    let it = Settlement::start().await;
    let mut table = Table::new(&it.base.devnet);
    it.sink(1, 10).await;
    let (token, pool) = (
        it.superfluid.addresses.usdcx,
        *it.pool(CODE).await.address(),
    );
    let first = it.source(3, 1_000).await;
    let receipt = it.stream(first, CODE, RATE).await;
    table.add("open, by macro with note, the pool's first", None, receipt);

    let wrapping = it.base.devnet.account(4);
    let (usdc, underlying) = (it.superfluid.usdc(), U256::from(1_000_000_000));
    mined(usdc.mint(wrapping, underlying).send().await).await;
    let approve = usdc.approve(token, underlying).from(wrapping);
    mined(approve.send().await).await;
    let create = it.gateway.createStream_1(CODE, rate(RATE), tokens(1_000));
    let parameters = create.call().await.expect("parameters");
    let receipt = it.run(wrapping, parameters).await;
    table.add("open, by macro with wrap and note", None, receipt);

    let batch = it.source(5, 1_000).await;
    let create = it.gateway.createStream_0(CODE, rate(RATE));
    let operations = it.operations(batch, create.call().await.expect("parameters"));
    let host = it.superfluid.host();
    let call = host.batchCall(operations.await).from(batch);
    let receipt = mined(call.send().await).await;
    table.add("open, by host.batchCall with note", None, receipt);

    let direct = it.source(6, 1_000).await;
    let forwarder = it.superfluid.gda_forwarder();
    let open = forwarder.distributeFlow(token, direct, pool, rate(RATE), Bytes::new());
    let receipt = mined(open.from(direct).send().await).await;
    table.add("open, by GDAv1Forwarder", None, receipt);

    it.advance(3_600);
    let receipt = it.update(first, CODE, 2 * RATE).await;
    table.add("change, by macro with note", None, receipt);
    let receipt = mined(it.ledger.note(CODE, first).send().await).await;
    table.add("WorkLedger.note", None, receipt);
    table.add("end, by macro with note", None, it.end(first, CODE).await);
    let end = forwarder.distributeFlow(token, direct, pool, rate(0), Bytes::new());
    let receipt = mined(end.from(direct).send().await).await;
    table.add("end, by GDAv1Forwarder", None, receipt);
    table.markdown("Streams of sources, by the macro of StreamGateway and without it")
}

async fn escrow() -> String {
    let it = Settlement::start().await;
    let mut table = Table::new(&it.base.devnet);
    let (escrow, owner) = (&it.escrow, it.base.owner);
    it.superfluid.fund(owner, 1_000).await;
    let token = it.superfluid.usdcx();
    mined(token.approve(*escrow.address(), U256::MAX).send().await).await;
    let deposit = || escrow.deposit(CODE, tokens(1));
    table.add(
        "deposit, first",
        89_099,
        mined(deposit().send().await).await,
    );
    table.add("deposit, next", 54_899, mined(deposit().send().await).await);
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.advance(3_600);
    let sync = || escrow.sync(CODE);
    table.add("sync, first", None, mined(sync().send().await).await);
    it.advance(3_600);
    table.add("sync, next", None, mined(sync().send().await).await);
    mined(it.ledger.note(CODE, source).send().await).await;
    let attribute = escrow.attribute(CODE, vec![source]);
    let receipt = mined(attribute.send().await).await;
    table.add("attribute to 1 source", None, receipt);
    registered(&it, 1..=20).await;
    // Who has not served for an epoch is not paid.
    it.advance(600);
    let drain = || escrow.drain_1(CODE, U256::from(20));
    let receipt = mined(drain().send().await).await;
    table.add("drain, 20 sinks", 379_834, receipt);
    mined(deposit().send().await).await;
    let receipt = mined(drain().send().await).await;
    table.add("drain, 20 sinks, again", None, receipt);
    mined(deposit().send().await).await;
    it.advance(86_400);
    let index = escrow.queueBounds(CODE).call().await.expect("bounds").tail - U256::from(1);
    let receipt = mined(escrow.reclaim(CODE, index).send().await).await;
    table.add("reclaim", None, receipt);
    mined(it.pools.rebalance(CODE).send().await).await;
    table.add("sweep", None, mined(it.pools.sweep().send().await).await);
    let receipt = mined(escrow.setBufferMax(CODE, tokens(5)).send().await).await;
    table.add("setBufferMax", None, receipt);
    let timeout = escrow.setReclaimTimeout(U256::from(3_600));
    let receipt = mined(timeout.send().await).await;
    table.add("setReclaimTimeout", None, receipt);
    table.markdown("EscrowBuffer")
}
