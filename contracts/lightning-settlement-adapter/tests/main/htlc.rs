//! Payments under a hash: claimed in time with the right preimage, or refunded afterwards; one of both, once.

use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::SolValue;
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    erc20::SafeERC20FailedOperation,
    settlement::*,
};
use motsu::prelude::*;

use super::{contract::*, World, *};

fn payment(error: impl Into<PaymentError>) -> Error {
    Error::Payment(error.into())
}

fn until(deadline: U256) -> Vec<u8> {
    (HASH, deadline).abi_encode()
}

#[motsu::test]
fn says_what_it_is(it: Contract<LightningSettlementAdapter>) {
    let reader = it.sender(OWNER);
    assert_eq!(
        LightningSettlementAdapter::rail_id(),
        keccak256("lightning")
    );
    assert_eq!(reader.rail_id_constant(), keccak256("lightning"));
    assert_eq!(reader.htlc_timeout(), n(3_600));
    assert_eq!(reader.max_lock(), n(604_800));
    drop(reader);
    let it = World::new();
    let reader = it.adapter.sender(OWNER);
    assert!(reader.accepts(Address::ZERO) && reader.accepts(it.token.address()));
    assert!(!reader.accepts(STRANGER));
}

#[motsu::test]
fn whoever_shows_the_preimage_has_the_recipient_paid() {
    let it = World::new();
    let (pipeline, now) = (it.pipeline.address(), timestamp());
    for (id, value) in [(B256::repeat_byte(1), n(0)), (B256::repeat_byte(2), ETHER)] {
        assert_eq!(it.execute(id, ETHER, value, HASH.as_slice()), Ok(PENDING));
        let deadline = n(now + HTLC_TIMEOUT);
        it.adapter.assert_emitted(&HTLCLocked {
            jobId: id,
            recipient: RECIPIENT,
            amount: ETHER,
            paymentHash: HASH,
            deadline,
        });
        let known = (pipeline, ETHER, HASH, deadline, false, false);
        assert_eq!(it.adapter.sender(OWNER).get_htlc(id), known);
        assert_eq!(it.adapter.sender(OWNER).get_recipient(id), RECIPIENT);
        assert_eq!(it.held(id), ETHER);
        it.claim(id, &PREIMAGE).unwrap();
        it.adapter.assert_emitted(&HTLCClaimed {
            jobId: id,
            recipient: RECIPIENT,
            preimage: PREIMAGE.into(),
        });
        it.adapter.assert_emitted(&CompletionSettled {
            jobId: id,
            provider: RECIPIENT,
            amount: ETHER,
        });
        let known = (pipeline, ETHER, HASH, deadline, true, false);
        assert_eq!(it.adapter.sender(OWNER).get_htlc(id), known);
        assert_eq!(it.held(id), n(0));
        // Once, and not back.
        assert_eq!(it.claim(id, &PREIMAGE), Err(HTLCAlreadyClaimed {}.into()));
        advance_time(HTLC_TIMEOUT);
        assert_eq!(it.refund(id), Err(HTLCAlreadyClaimed {}.into()));
        advance_time(0);
        bpe_common::clock::testing::set_timestamp(now);
    }
    assert_eq!(it.tokens(RECIPIENT), ETHER);
    assert_eq!(it.recipient.balance(), ETHER);
    assert_eq!(it.adapter.balance(), n(0));
}

#[motsu::test]
fn another_preimage_or_one_of_another_length_opens_nothing() {
    let it = World::new();
    it.execute(JOB, ETHER, n(0), HASH.as_slice()).unwrap();
    for length in [0_usize, 31, 33, 64] {
        let bad = it.claim(JOB, &vec![7; length]);
        let length = U256::from(length);
        assert_eq!(bad, Err(InvalidPreimageLength { length }.into()));
    }
    let mut other = PREIMAGE;
    other[31] ^= 1;
    assert_eq!(it.claim(JOB, &other), Err(InvalidPreimage {}.into()));
    assert_eq!(
        it.claim(JOB, HASH.as_slice()),
        Err(InvalidPreimage {}.into())
    );
    let none = it.claim(B256::ZERO, &PREIMAGE);
    assert_eq!(none, Err(EscrowNotFound {}.into()));
    assert_eq!(it.held(JOB), ETHER);
    it.claim(JOB, &PREIMAGE).unwrap();
}

#[motsu::test]
fn it_is_claimed_before_the_deadline_or_refunded_from_then_on() {
    let it = World::new();
    let pipeline = it.pipeline.address();
    for (id, value) in [(B256::repeat_byte(1), n(0)), (B256::repeat_byte(2), ETHER)] {
        let before = it.pipeline.balance();
        let deadline = n(timestamp() + 100);
        it.execute(id, ETHER, value, &until(deadline)).unwrap();
        assert_eq!(it.refund(id), Err(HTLCNotExpired {}.into()));
        advance_time(99);
        assert_eq!(it.refund(id), Err(HTLCNotExpired {}.into()));
        advance_time(1);
        assert_eq!(it.claim(id, &PREIMAGE), Err(HTLCExpired {}.into()));
        it.refund(id).unwrap();
        it.adapter.assert_emitted(&HTLCRefunded {
            jobId: id,
            depositor: pipeline,
            amount: ETHER,
        });
        let known = (pipeline, ETHER, HASH, deadline, false, true);
        assert_eq!(it.adapter.sender(OWNER).get_htlc(id), known);
        let over = || Err(HTLCAlreadyRefunded {}.into());
        assert_eq!(it.refund(id), over());
        assert_eq!(it.claim(id, &PREIMAGE), over());
        // Ether comes back with the report; tokens the router takes, which may take so much and no more.
        assert_eq!(it.pipeline.balance(), before);
    }
    let allowance = it.token.sender(OWNER);
    let allowance = allowance.allowance(it.adapter.address(), pipeline);
    assert_eq!(allowance, ETHER);
}

#[motsu::test]
fn the_last_second_is_the_recipients() {
    let it = World::new();
    let deadline = n(timestamp() + 100);
    it.execute(JOB, ETHER, ETHER, &until(deadline)).unwrap();
    advance_time(99);
    it.claim(JOB, &PREIMAGE).unwrap();
    assert_eq!(it.recipient.balance(), ETHER);
}

#[motsu::test]
fn refuses_terms_that_make_no_sense() {
    let it = World::new();
    for length in [0_usize, 31, 33, 63, 65, 96] {
        let bad = it.execute(JOB, ETHER, n(0), &vec![1; length]);
        let length = U256::from(length);
        assert_eq!(bad, Err(payment(InvalidPaymentData { length })));
    }
    let now = timestamp();
    let latest = n(now + MAX_LOCK);
    for deadline in [n(0), n(now), latest + n(1), U256::MAX] {
        let bad = it.execute(JOB, ETHER, n(0), &until(deadline));
        assert_eq!(bad, Err(InvalidDeadline { deadline, latest }.into()));
    }
    let (value, amount) = (n(1), ETHER);
    let wrong = it.execute(JOB, ETHER, value, HASH.as_slice());
    assert_eq!(wrong, Err(payment(WrongValue { value, amount })));
    let nothing = it.execute(JOB, n(0), n(0), HASH.as_slice());
    assert_eq!(nothing, Err(payment(ZeroAmount {})));
    it.execute(JOB, ETHER, n(0), &until(latest)).unwrap();
    let again = it.execute(JOB, ETHER, n(0), HASH.as_slice());
    assert_eq!(again, Err(payment(JobExists { jobId: JOB })));
    assert_eq!(
        it.escrow(JOB, ETHER),
        Err(payment(JobExists { jobId: JOB }))
    );
}

#[motsu::test]
fn bad_tokens_and_bad_recipients_lock_nothing_that_is_not_there() {
    let it = World::new();
    let token = it.token.address();
    let lock = || it.execute(JOB, n(100), n(0), HASH.as_slice());
    for behaviour in [Behaviour::ReturnsFalse, Behaviour::Lies, Behaviour::Reverts] {
        it.behave(behaviour);
        let failed = payment(SafeERC20FailedOperation { token });
        assert_eq!(lock(), Err(failed), "{behaviour:?}");
    }
    it.behave(Behaviour::Fee);
    let (arrived, required) = (n(90), n(100));
    let fee = TokenTookFee { arrived, required };
    assert_eq!(lock(), Err(payment(fee)));
    assert_eq!(it.held(JOB), n(0));
    it.behave(Behaviour::Standard);
    lock().unwrap();

    // Who refuses ether can still take it until it expires.
    let id = B256::repeat_byte(9);
    it.execute(id, ETHER, ETHER, HASH.as_slice()).unwrap();
    it.recipient.sender(OWNER).refuse(true);
    let recipient = RECIPIENT;
    let refused = it.claim(id, &PREIMAGE);
    assert_eq!(refused, Err(payment(PaymentRefused { recipient })));
    assert_eq!(it.held(id), ETHER);
    it.recipient.sender(OWNER).refuse(false);
    it.claim(id, &PREIMAGE).unwrap();
}

/// What the router reverts with reaches who claims, and nothing has happened.
#[motsu::test]
fn a_claim_that_the_router_refuses_is_none() {
    let it = World::new();
    it.execute(JOB, ETHER, n(0), HASH.as_slice()).unwrap();
    it.pipeline.sender(OWNER).refuse(true);
    assert!(matches!(
        it.claim(JOB, &PREIMAGE),
        Err(Error::Payment(PaymentError::Passed(_)))
    ));
    assert_eq!((it.held(JOB), it.tokens(RECIPIENT)), (ETHER, n(0)));
    it.pipeline.sender(OWNER).refuse(false);
    it.claim(JOB, &PREIMAGE).unwrap();
}
