//! What is refused, with which error, and that nothing changes by it.

use alloy::primitives::{keccak256, Address, Bytes, B256, U256};
use bpe_abi::{
    IBackpressurePool::{self, IBackpressurePoolErrors},
    ISourceStreams::{self, ISourceStreamsErrors},
    IStreamGateway::{self, IStreamGatewayErrors},
};
use bpe_tests::{
    settlement::{rate, Settlement, RATE},
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
        let call = it.gateway.createStream(id, flow).from(source);
        async move { revert::<IStreamGatewayErrors, _>(call.call().await) }
    };
    for flow in [rate(0), -rate(1), -rate(RATE)] {
        let error = create(CODE, flow).await;
        let expected = IStreamGateway::InvalidFlowRate { flowRate: flow };
        assert_eq!(error, IStreamGatewayErrors::InvalidFlowRate(expected));
    }
    let unknown = keccak256("unknown");
    let error = create(unknown, rate(RATE)).await;
    let expected = IStreamGateway::PoolDoesNotExist {};
    assert_eq!(error, IStreamGatewayErrors::PoolDoesNotExist(expected));
    let minimum = it.pool(CODE).await.getTotalUnits().call().await.unwrap();
    let error = create(CODE, rate(minimum - 1)).await;
    let expected = IStreamGateway::FlowRateTooLow {
        flowRate: U256::from(minimum - 1),
        minimum: U256::from(minimum),
    };
    assert_eq!(error, IStreamGatewayErrors::FlowRateTooLow(expected));
    let update = it.gateway.updateStream(CODE, rate(RATE)).from(source);
    let error = revert::<IStreamGatewayErrors, _>(update.call().await);
    let expected = IStreamGateway::StreamDoesNotExist {};
    assert_eq!(error, IStreamGatewayErrors::StreamDoesNotExist(expected));
    let pool = it.pools.createPool(unknown);
    let error = revert::<IBackpressurePoolErrors, _>(pool.call().await);
    let expected = IBackpressurePool::TaskTypeDoesNotExist {};
    assert_eq!(
        error,
        IBackpressurePoolErrors::TaskTypeDoesNotExist(expected)
    );
    it.stream(source, CODE, RATE).await;
    let error = create(CODE, rate(RATE)).await;
    let expected = IStreamGateway::StreamAlreadyExists {};
    assert_eq!(error, IStreamGatewayErrors::StreamAlreadyExists(expected));
}

#[tokio::test]
async fn more_than_balance_allowance_or_permission() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.base.devnet.account(3);
    it.superfluid.fund(source, 1_000).await;
    let create = |flow| it.gateway.createStream(CODE, rate(flow)).from(source);
    // No permission for the gateway.
    let error = revert::<SuperfluidError, _>(create(RATE).call().await);
    let no_permission = matches!(
        error,
        SuperfluidError::CFA_ACL_OPERATOR_NO_CREATE_PERMISSIONS(_)
    );
    assert!(no_permission, "{error:?}");
    it.prepare(source).await;
    // No allowance for the deposit.
    let (token, streams) = (it.superfluid.usdcx(), *it.streams.address());
    mined(token.approve(streams, U256::ZERO).from(source).send().await).await;
    let error = revert::<ISourceStreamsErrors, _>(create(RATE).call().await);
    let no_allowance = matches!(error, ISourceStreamsErrors::SafeERC20FailedOperation(_));
    assert!(no_allowance, "{error:?}");
    it.prepare(source).await;
    // Not the money for the deposits of so much.
    let error = create(1_000 * RATE).call().await;
    assert!(error.is_err());
    let entry = it.streams.getSource(source).call().await.unwrap();
    assert_eq!((entry.inflow, entry.credit), (U256::ZERO, U256::ZERO));
    it.stream(source, CODE, RATE).await;
}

#[tokio::test]
async fn strangers_do_not_call_back() {
    let it = Settlement::start().await;
    let stranger = it.base.devnet.account(5);
    let (token, cfa) = (
        it.superfluid.addresses.usdcx,
        it.superfluid.addresses.cfa_v1,
    );
    let data = Bytes::from(vec![0; 64]);
    let calls = [
        it.streams
            .afterAgreementCreated(
                token,
                cfa,
                B256::ZERO,
                data.clone(),
                Bytes::new(),
                Bytes::new(),
            )
            .from(stranger)
            .call()
            .await,
        it.streams
            .afterAgreementUpdated(
                token,
                cfa,
                B256::ZERO,
                data.clone(),
                Bytes::new(),
                Bytes::new(),
            )
            .from(stranger)
            .call()
            .await,
        it.streams
            .afterAgreementTerminated(token, cfa, B256::ZERO, data, Bytes::new(), Bytes::new())
            .from(stranger)
            .call()
            .await,
    ];
    let expected = ISourceStreams::UnauthorizedCaller { caller: stranger };
    let expected = ISourceStreamsErrors::UnauthorizedCaller(expected);
    for call in calls {
        assert_eq!(revert::<ISourceStreamsErrors, _>(call), expected);
    }
    let take = it.streams.takeCredit(stranger).from(stranger).call().await;
    assert_eq!(revert::<ISourceStreamsErrors, _>(take), expected);
    let take = it
        .streams
        .takeOverflow(Address::ZERO, stranger)
        .from(stranger);
    assert_eq!(
        revert::<ISourceStreamsErrors, _>(take.call().await),
        expected
    );
    let reduced = it.pools.onCapacityReduced(CODE, stranger, U256::ZERO);
    let error = revert::<IBackpressurePoolErrors, _>(reduced.from(stranger).call().await);
    let expected = IBackpressurePool::UnauthorizedCaller { caller: stranger };
    assert_eq!(error, IBackpressurePoolErrors::UnauthorizedCaller(expected));
}

/// A Super Token that is not the configured one never gets in: its flow is refused with the reason.
#[tokio::test]
async fn a_stream_of_another_super_token() {
    let it = Settlement::start().await;
    let source = it.base.devnet.account(3);
    let app = *it.streams.address();
    let other = it.superfluid.other_super_token(source).await;
    let forwarder = it.superfluid.cfa_forwarder();
    let create = forwarder.createFlow(other, source, app, rate(RATE), Bytes::new());
    let error = revert::<ISourceStreamsErrors, _>(create.from(source).call().await);
    let expected = ISourceStreams::UnsupportedStream {
        token: other,
        agreementClass: it.superfluid.addresses.cfa_v1,
    };
    assert_eq!(error, ISourceStreamsErrors::UnsupportedStream(expected));
}
