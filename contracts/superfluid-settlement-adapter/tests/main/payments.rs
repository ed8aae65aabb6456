use alloy_primitives::{keccak256, Address, U256};
use bpe_common::settlement::*;
use motsu::prelude::*;

use super::{contract::*, World, *};

fn payment(error: impl Into<PaymentError>) -> Error {
    Error::Payment(error.into())
}

fn escrow(error: impl Into<EscrowError>) -> Error {
    Error::Escrow(error.into())
}

fn execute(it: &World, id: B256, value: U256, data: &[u8]) -> Result<u8, Error> {
    let mut adapter = it.adapter.sender_and_value(PIPELINE, value);
    adapter
        .execute(id, RECIPIENT, ETHER, data.to_vec().into())
        .motsu_res()
}

#[motsu::test]
fn is_of_a_super_token(it: Contract<SuperfluidSettlementAdapter>, plain: Contract<Token>) {
    let token = plain.address();
    let mut adapter = it.sender(OWNER);
    let error = adapter.constructor(token, PIPELINE).motsu_res();
    assert_eq!(error, Err(NotASuperToken { token }.into()));
    let it = World::new();
    it.network.assert_forbidden(it.adapter.address());
    let reader = it.adapter.sender(OWNER);
    assert_eq!(
        SuperfluidSettlementAdapter::rail_id(),
        keccak256("superfluid")
    );
    assert_eq!(reader.rail_id_constant(), keccak256("superfluid"));
    assert!(reader.accepts(it.token().address()));
    assert!(!reader.accepts(Address::ZERO));
    drop(reader);
    let pool = Address::repeat_byte(0x70);
    let mut anyone = it.adapter.sender(STRANGER);
    rail(&mut anyone).disconnect(pool).unwrap();
    it.network.assert_disconnected(it.adapter.address(), pool);
}

/// What the contract inherits.
fn rail(adapter: &mut SuperfluidSettlementAdapter) -> &mut Rail {
    core::borrow::BorrowMut::borrow_mut(adapter)
}

#[motsu::test]
fn pays_in_its_token_once() {
    let it = World::new();
    assert_eq!(execute(&it, JOB, n(0), &[]), Ok(SETTLED));
    assert_eq!(it.tokens(RECIPIENT), ETHER);
    assert_eq!(it.tokens(it.adapter.address()), n(0));
    it.adapter.assert_emitted(&CompletionSettled {
        jobId: JOB,
        provider: RECIPIENT,
        amount: ETHER,
    });
    let exists = JobExists { jobId: JOB };
    assert_eq!(execute(&it, JOB, n(0), &[]), Err(escrow(exists)));
    let length = n(1);
    let told = execute(&it, B256::ZERO, n(0), &[0]);
    assert_eq!(told, Err(payment(InvalidPaymentData { length })));
}

#[motsu::test]
fn only_the_pipeline_moves_its_money() {
    let it = World::new();
    let refused = || payment(OnlyPipeline {});
    for account in [OWNER, STRANGER, RECIPIENT] {
        let mut adapter = it.adapter.sender(account);
        let execute = adapter.execute(JOB, RECIPIENT, n(1), vec![].into());
        assert_eq!(execute.motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        assert_eq!(adapter.escrow(JOB, n(1)).motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        let release = adapter.release_escrow(JOB, account);
        assert_eq!(release.motsu_unwrap_err(), refused());
        let mut adapter = it.adapter.sender(account);
        let settle = adapter.settle_completion(JOB, account, n(1), vec![].into());
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
fn an_escrow_is_settled_or_released() {
    let it = World::new();
    let held = |id| it.adapter.sender(OWNER).get_escrowed_amount(id);
    let other = B256::repeat_byte(2);
    let mut pipeline = it.adapter.sender(PIPELINE);
    pipeline.escrow(JOB, ETHER).motsu_unwrap();
    pipeline.escrow(other, ETHER).motsu_unwrap();
    drop(pipeline);
    assert_eq!((held(JOB), held(other)), (ETHER, ETHER));
    let mut pipeline = it.adapter.sender(PIPELINE);
    pipeline
        .settle_completion(JOB, RECIPIENT, n(1), vec![].into())
        .motsu_unwrap();
    pipeline.release_escrow(other, STRANGER).motsu_unwrap();
    let again = pipeline.release_escrow(other, STRANGER).motsu_res();
    drop(pipeline);
    assert_eq!(again, Err(escrow(EscrowAlreadyReleased {})));
    assert_eq!((held(JOB), held(other)), (n(0), n(0)));
    assert_eq!(it.tokens(RECIPIENT), n(1));
    assert_eq!(it.tokens(STRANGER), ETHER);
    assert_eq!(it.tokens(PIPELINE), ETHER * n(999) - n(1));
}
