use alloy_primitives::{Address, B256, U256};
use bpe_common::{clock::testing::advance_time, erc20::SafeERC20FailedOperation, settlement::*};
use bpe_testing::Behaviour;
use motsu::prelude::*;

use super::{contract::*, World, *};

fn begin(it: &World, provider: Address, flow_rate: U256) -> Result<B256, Error> {
    let mut adapter = it.adapter.sender(it.pipeline.address());
    adapter.initialize_stream(provider, flow_rate).motsu_res()
}

fn adjust(it: &World, id: B256, flow_rate: U256) -> Result<(), Error> {
    let mut adapter = it.adapter.sender(it.pipeline.address());
    adapter.adjust_stream(id, flow_rate).motsu_res()
}

/// Anyone.
fn collect(it: &World, id: B256) -> Result<U256, Error> {
    let mut adapter = it.adapter.sender(STRANGER);
    adapter.collect_stream(id).motsu_res()
}

fn stream(error: impl Into<StreamError>) -> Error {
    Error::Stream(error.into())
}

#[motsu::test]
fn a_stream_earns_by_the_second() {
    let it = World::new();
    let before = it.tokens(it.pipeline.address());
    let id = begin(&it, RECIPIENT, n(10)).unwrap();
    it.adapter.assert_emitted(&StreamInitialized {
        streamId: id,
        provider: RECIPIENT,
        flowRate: n(10),
    });
    assert_ne!(begin(&it, RECIPIENT, n(10)).unwrap(), id);
    let earned = || it.adapter.sender(OWNER).get_stream_earned(id);
    let rate = || it.adapter.sender(OWNER).get_stream_flow_rate(id);
    assert_eq!((rate(), earned()), (n(10), n(0)));
    let nothing = NothingToCollect { streamId: id };
    assert_eq!(collect(&it, id), Err(stream(nothing)));
    advance_time(100);
    adjust(&it, id, n(3)).unwrap();
    advance_time(10);
    assert_eq!((rate(), earned()), (n(3), n(1_030)));
    assert_eq!(collect(&it, id), Ok(n(1_030)));
    it.adapter.assert_emitted(&StreamCollected {
        streamId: id,
        provider: RECIPIENT,
        amount: n(1_030),
    });
    assert_eq!(it.tokens(RECIPIENT), n(1_030));
    assert_eq!(it.tokens(it.pipeline.address()), before - n(1_030));
    // It ends; what was earned by then is still paid, and no more.
    advance_time(7);
    adjust(&it, id, n(0)).unwrap();
    it.adapter.assert_emitted(&StreamAdjusted {
        streamId: id,
        newFlowRate: n(0),
    });
    advance_time(1_000);
    assert_eq!(collect(&it, id), Ok(n(21)));
    let ended = || Err(stream(StreamNotActive {}));
    assert_eq!(adjust(&it, id, n(1)), ended());
    assert_eq!(adjust(&it, B256::ZERO, n(1)), ended());
    let none: Result<U256, Error> = Err(stream(StreamNotActive {}));
    assert_eq!(collect(&it, B256::ZERO), none);
}

#[motsu::test]
fn a_pipeline_that_cannot_pay_owes() {
    let it = World::new();
    let id = begin(&it, RECIPIENT, n(10)).unwrap();
    advance_time(10);
    it.behave(Behaviour::Reverts);
    let token = it.token.address();
    let failed = SafeERC20FailedOperation { token };
    assert_eq!(collect(&it, id), Err(stream(failed)));
    it.behave(Behaviour::Standard);
    assert_eq!(collect(&it, id), Ok(n(100)));
}

#[motsu::test]
fn rates_are_bounded() {
    let it = World::new();
    assert_eq!(begin(&it, RECIPIENT, n(0)), Err(stream(ZeroFlowRate {})));
    let flow_rate = MAX_FLOW_RATE + n(1);
    let high = || {
        stream(FlowRateTooHigh {
            flowRate: flow_rate,
        })
    };
    assert_eq!(begin(&it, RECIPIENT, flow_rate), Err(high()));
    let id = begin(&it, RECIPIENT, MAX_FLOW_RATE).unwrap();
    assert_eq!(adjust(&it, id, flow_rate), Err(high()));
    assert_eq!(MAX_FLOW_RATE, (U256::from(1) << 95) - n(1));
    advance_time(u64::MAX / 4);
    let earned = it.adapter.sender(OWNER).get_stream_earned(id);
    assert_eq!(earned, MAX_FLOW_RATE * n(u64::MAX / 4));
    let recipient = Address::ZERO;
    let nobody = begin(&it, recipient, n(1));
    assert_eq!(nobody, Err(stream(InvalidRecipient { recipient })));
}
