//! What is refused, with which error, and that nothing changes by it.

use alloy::primitives::{keccak256, Bytes, B256, U256};
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolErrors},
    IStreamGateway::{self, IStreamGatewayErrors},
};
use bpe_tests::{
    settlement::{rate, usdcx, Settlement, RATE},
    stage::{mined, revert},
    suite::CODE,
};
use devnet_superfluid::bindings::SuperfluidError;

#[tokio::test]
async fn rates_and_task_types_that_do_not_exist() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.source(3, 1_000).await;
    let create = |id, flow| {
        let call = it.gateway.createStream_0(id, flow);
        async move { revert::<IStreamGatewayErrors, _>(call.call().await) }
    };
    for flow in [rate(0), -rate(1), -rate(RATE)] {
        let error = create(CODE, flow).await;
        let expected = IStreamGateway::InvalidFlowRate { flowRate: flow };
        assert_eq!(error, IStreamGatewayErrors::InvalidFlowRate(expected));
    }
    let unknown = keccak256("unknown");
    let error = create(unknown, rate(RATE)).await;
    let expected = IStreamGateway::UnknownTaskType {
        taskTypeId: unknown,
    };
    assert_eq!(error, IStreamGatewayErrors::UnknownTaskType(expected));
    let pool = it.pools.createPool(unknown);
    let error = revert::<IBackpressurePoolErrors, _>(pool.call().await);
    let expected = IBackpressurePool::TaskTypeDoesNotExist {};
    assert_eq!(
        error,
        IBackpressurePoolErrors::TaskTypeDoesNotExist(expected)
    );
    // What exists is not opened again, and what does not is not changed: whoever signed the parameters.
    let good = it.gateway.createStream_0(CODE, rate(RATE));
    let update = it.gateway.updateStream(CODE, rate(RATE));
    let refused = |parameters: Bytes| {
        let call = it.macros.runMacro(*it.gateway.address(), parameters);
        let call = call.from(source);
        async move { revert::<IStreamGatewayErrors, _>(call.call().await) }
    };
    let error = refused(update.call().await.unwrap()).await;
    let expected = IStreamGateway::StreamDoesNotExist {
        taskTypeId: CODE,
        source,
    };
    assert_eq!(error, IStreamGatewayErrors::StreamDoesNotExist(expected));
    it.stream(source, CODE, RATE).await;
    let error = refused(good.call().await.unwrap()).await;
    let expected = IStreamGateway::StreamAlreadyExists {
        taskTypeId: CODE,
        source,
        flowRate: U256::from(it.rate_of(source, CODE).await),
    };
    assert_eq!(error, IStreamGatewayErrors::StreamAlreadyExists(expected));
}

/// Through Superfluid's own forwarder the reason arrives as it is, and nothing has moved.
#[tokio::test]
async fn what_is_no_action_moves_nothing() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.source(3, 1_000).await;
    let good = it.gateway.createStream_0(CODE, rate(RATE)).call().await;
    let good = good.unwrap().to_vec();
    let mut other_action = good.clone();
    other_action[31] = 9;
    let mut other_language = good.clone();
    other_language[32] = b'd';
    let longer = [&good[..], &[0; 32]].concat();
    let run = |parameters: Vec<u8>| {
        let run = &it.macros;
        let call = run.runMacro(*it.gateway.address(), parameters.into());
        let call = call.from(source);
        async move { revert::<IStreamGatewayErrors, _>(call.call().await) }
    };
    let expected = IStreamGateway::UnknownActionId { actionId: 9 };
    let error = run(other_action).await;
    assert_eq!(error, IStreamGatewayErrors::UnknownActionId(expected));
    let expected = IStreamGateway::UnsupportedLanguage {
        lang: B256::from_slice(&other_language[32..64]),
    };
    let error = run(other_language).await;
    assert_eq!(error, IStreamGatewayErrors::UnsupportedLanguage(expected));
    let expected = IStreamGateway::MalformedParameters {
        parameters: longer.clone().into(),
    };
    let error = run(longer).await;
    assert_eq!(error, IStreamGatewayErrors::MalformedParameters(expected));
    // Another host than the token's.
    let build = it.gateway.buildBatchOperations(source, good.into(), source);
    let error = revert::<IStreamGatewayErrors, _>(build.call().await);
    let expected = IStreamGateway::WrongHost { host: source };
    assert_eq!(error, IStreamGatewayErrors::WrongHost(expected));
    assert_eq!(it.whole(source).await, usdcx(1_000));
}

#[tokio::test]
async fn more_than_balance_or_allowance() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.source(3, 1_000).await;
    let refused = |parameters: Bytes| {
        let call = it.macros.runMacro(*it.gateway.address(), parameters);
        call.from(source)
    };
    // Not the money for the deposit of so much.
    let create = it.gateway.createStream_0(CODE, rate(1_000 * RATE));
    let call = refused(create.call().await.unwrap()).call().await;
    let error = revert::<SuperfluidError, _>(call);
    assert!(
        matches!(error, SuperfluidError::GDA_INSUFFICIENT_BALANCE(_)),
        "{error:?}"
    );
    // No allowance for what is to be wrapped: the stream does not come without it.
    let wrap = U256::from(usdcx(1));
    let create = it.gateway.createStream_1(CODE, rate(RATE), wrap);
    let call = refused(create.call().await.unwrap()).call().await;
    assert!(call.is_err());
    assert_eq!(it.whole(source).await, usdcx(1_000));
    it.stream(source, CODE, RATE).await;
}

#[tokio::test]
async fn strangers_do_not_speak_for_the_registry() {
    let it = Settlement::start().await;
    let stranger = it.base.devnet.account(5);
    let reduced = it.pools.onCapacityReduced(CODE, stranger, U256::ZERO);
    let error = revert::<IBackpressurePoolErrors, _>(reduced.from(stranger).call().await);
    let expected = IBackpressurePool::UnauthorizedCaller { caller: stranger };
    assert_eq!(error, IBackpressurePoolErrors::UnauthorizedCaller(expected));
}

/// A Super Token that is not the pool's never gets in.
#[tokio::test]
async fn a_stream_of_another_super_token() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.base.devnet.account(3);
    let other = it.superfluid.other_super_token(source).await;
    let pool = *it.pool(CODE).await.address();
    let forwarder = it.superfluid.gda_forwarder();
    let open = forwarder.distributeFlow(other, source, pool, rate(RATE), Bytes::new());
    let error = revert::<SuperfluidError, _>(open.from(source).call().await);
    assert!(
        matches!(error, SuperfluidError::GDA_ONLY_SUPER_TOKEN_POOL(_)),
        "{error:?}"
    );
    let _ = mined(it.pools.rebalance(CODE).send().await).await;
}
