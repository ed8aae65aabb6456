//! Jobs of the pipeline's: its own money, under the hash that is their id.

use alloy_primitives::{Address, B256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    settlement::*,
};
use motsu::prelude::*;

use super::{contract::*, World, *};

fn payment(error: impl Into<PaymentError>) -> Error {
    Error::Payment(error.into())
}

#[motsu::test]
fn only_the_pipeline_moves_its_money() {
    let it = World::new();
    let refused = || payment(OnlyPipeline {});
    for account in [OWNER, STRANGER, RECIPIENT] {
        let mut adapter = it.adapter.sender(account);
        let execute = adapter.execute(JOB, RECIPIENT, n(1), HASH.to_vec().into());
        assert_eq!(execute.motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        assert_eq!(adapter.escrow(JOB, n(1)).motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        let release = adapter.release_escrow(JOB, account);
        assert_eq!(release.motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        let settle = adapter.settle_completion(JOB, account, n(1), PREIMAGE.to_vec().into());
        assert_eq!(settle.motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        let begin = adapter.initialize_stream(account, n(1));
        assert_eq!(begin.motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        let adjust = adapter.adjust_stream(JOB, n(1));
        assert_eq!(adjust.motsu_unwrap_err(), refused());
    }
}

#[motsu::test]
fn a_job_is_settled_with_the_preimage_of_its_id() {
    let it = World::new();
    let pipeline = it.pipeline.address();
    let before = it.tokens(pipeline);
    it.escrow(HASH, ETHER).unwrap();
    it.adapter.assert_emitted(&Escrowed {
        jobId: HASH,
        amount: ETHER,
    });
    let deadline = n(timestamp() + HTLC_TIMEOUT);
    let known = (pipeline, ETHER, HASH, deadline, false, false);
    assert_eq!(it.adapter.sender(OWNER).get_htlc(HASH), known);
    // Nobody claims it past the pipeline.
    let past = it.claim(HASH, &PREIMAGE);
    assert_eq!(past, Err(EscrowNotFound {}.into()));
    let (required, available) = (ETHER + n(1), ETHER);
    let large = AmountTooLarge {
        required,
        available,
    };
    assert_eq!(it.settle(HASH, required, &PREIMAGE), Err(large.into()));
    let other = it.settle(HASH, ETHER, &[8; 32]);
    assert_eq!(other, Err(InvalidPreimage {}.into()));
    let nothing = it.settle(HASH, n(0), &PREIMAGE);
    assert_eq!(nothing, Err(payment(ZeroAmount {})));
    let early = it.release(HASH, STRANGER);
    assert_eq!(early, Err(HTLCNotExpired {}.into()));
    it.settle(HASH, ETHER - n(5), &PREIMAGE).unwrap();
    it.adapter.assert_emitted(&EscrowReleased {
        jobId: HASH,
        recipient: pipeline,
        amount: n(5),
    });
    assert_eq!(it.tokens(RECIPIENT), ETHER - n(5));
    assert_eq!(it.tokens(pipeline), before - ETHER + n(5));
    let again = it.settle(HASH, n(1), &PREIMAGE);
    assert_eq!(again, Err(HTLCAlreadyClaimed {}.into()));
    let none = it.settle(B256::ZERO, n(1), &PREIMAGE);
    assert!(none.is_err());
}

#[motsu::test]
fn a_job_that_expires_goes_back_or_where_the_pipeline_says() {
    let it = World::new();
    let pipeline = it.pipeline.address();
    let other = B256::repeat_byte(5);
    let before = it.tokens(pipeline);
    it.escrow(HASH, ETHER).unwrap();
    it.escrow(other, ETHER).unwrap();
    advance_time(HTLC_TIMEOUT);
    let late = it.settle(HASH, ETHER, &PREIMAGE);
    assert_eq!(late, Err(HTLCExpired {}.into()));
    let recipient = Address::ZERO;
    let nobody = it.release(HASH, recipient);
    assert_eq!(nobody, Err(payment(InvalidRecipient { recipient })));
    it.release(HASH, STRANGER).unwrap();
    it.adapter.assert_emitted(&EscrowReleased {
        jobId: HASH,
        recipient: STRANGER,
        amount: ETHER,
    });
    let over = || Err(HTLCAlreadyRefunded {}.into());
    assert_eq!(it.release(HASH, STRANGER), over());
    assert_eq!(it.refund(HASH), over());
    it.refund(other).unwrap();
    assert_eq!(it.tokens(STRANGER), ETHER);
    assert_eq!(it.tokens(pipeline), before - ETHER);
}

/// The pipeline cannot take a payment from the recipient who stands in its lock.
#[motsu::test]
fn a_payment_is_no_job() {
    let it = World::new();
    it.execute(HASH, ETHER, n(0), HASH.as_slice()).unwrap();
    let none = || Err(EscrowNotFound {}.into());
    assert_eq!(it.settle(HASH, ETHER, &PREIMAGE), none());
    assert_eq!(it.release(HASH, STRANGER), none());
    advance_time(HTLC_TIMEOUT);
    assert_eq!(it.release(HASH, STRANGER), none());
}

#[motsu::test]
fn streams_are_drawn() {
    let it = World::new();
    let mut adapter = it.adapter.sender(it.pipeline.address());
    let id = adapter.initialize_stream(RECIPIENT, n(2)).motsu_unwrap();
    drop(adapter);
    advance_time(50);
    let earned = it.adapter.sender(OWNER).get_stream_earned(id);
    assert_eq!(earned, n(100));
    let mut anyone = it.adapter.sender(STRANGER);
    assert_eq!(anyone.collect_stream(id).motsu_unwrap(), n(100));
    drop(anyone);
    assert_eq!(it.tokens(RECIPIENT), n(100));
    let mut adapter = it.adapter.sender(it.pipeline.address());
    adapter.adjust_stream(id, n(0)).motsu_unwrap();
    assert_eq!(adapter.get_stream_flow_rate(id), n(0));
}
