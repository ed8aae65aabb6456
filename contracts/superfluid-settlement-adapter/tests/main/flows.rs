use alloy_primitives::{aliases::I96, Address, B256, U256};
use bpe_common::settlement::*;
use bpe_testing::superfluid::FlowChanged;
use motsu::prelude::*;

use super::{contract::*, World, *};

fn begin(it: &World, provider: Address, flow_rate: U256) -> Result<B256, Error> {
    let mut adapter = it.adapter.sender(PIPELINE);
    adapter.initialize_stream(provider, flow_rate).motsu_res()
}

fn adjust(it: &World, id: B256, flow_rate: U256) -> Result<(), Error> {
    let mut adapter = it.adapter.sender(PIPELINE);
    adapter.adjust_stream(id, flow_rate).motsu_res()
}

fn stream(error: impl Into<StreamError>) -> Error {
    Error::Stream(error.into())
}

#[motsu::test]
fn a_stream_is_a_flow_of_the_pipelines() {
    let it = World::new();
    let id = begin(&it, RECIPIENT, n(10)).unwrap();
    it.adapter.assert_emitted(&StreamInitialized {
        streamId: id,
        provider: RECIPIENT,
        flowRate: n(10),
    });
    let flowing = |rate: u64| {
        it.network.host.assert_emitted(&FlowChanged {
            operator: it.adapter.address(),
            sender: PIPELINE,
            receiver: RECIPIENT,
            rate: I96::try_from(rate).unwrap(),
        });
        let reader = it.adapter.sender(OWNER);
        assert_eq!(reader.get_stream_flow_rate(id).motsu_unwrap(), n(rate));
    };
    flowing(10);
    // Superfluid has one flow to a receiver, and says no to a second.
    let second = begin(&it, RECIPIENT, n(10));
    assert!(matches!(
        second,
        Err(Error::Payment(PaymentError::Passed(_)))
    ));
    adjust(&it, id, n(30)).unwrap();
    it.adapter.assert_emitted(&StreamAdjusted {
        streamId: id,
        newFlowRate: n(30),
    });
    flowing(30);
    adjust(&it, id, n(0)).unwrap();
    flowing(0);
    let ended = || Err(stream(StreamNotActive {}));
    assert_eq!(adjust(&it, id, n(1)), ended());
    assert_eq!(adjust(&it, B256::ZERO, n(1)), ended());
    // And again.
    assert_eq!(begin(&it, RECIPIENT, n(4)), Ok(id));
    flowing(4);
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
    let recipient = Address::ZERO;
    let nobody = PaymentError::from(InvalidRecipient { recipient });
    assert_eq!(begin(&it, recipient, n(1)), Err(Error::Payment(nobody)));
}
