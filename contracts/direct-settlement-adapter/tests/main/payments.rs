use alloy_primitives::{keccak256, Address};
use bpe_common::{call::NotAContract, erc20::SafeERC20FailedOperation, settlement::*};
use bpe_testing::Network;
use motsu::prelude::*;

use super::{contract::*, World, *};

fn payment(error: impl Into<PaymentError>) -> Error {
    Error::Payment(error.into())
}

fn escrow(error: impl Into<EscrowError>) -> Error {
    Error::Escrow(error.into())
}

#[motsu::test]
fn is_set_up_for_good(it: Contract<DirectSettlementAdapter>, token: Contract<Token>) {
    let recipient = Address::ZERO;
    let mut adapter = it.sender(OWNER);
    let nobody = adapter.constructor(token.address(), recipient).motsu_res();
    assert_eq!(nobody, Err(payment(InvalidRecipient { recipient })));
    let account = STRANGER;
    let mut adapter = it.sender(OWNER);
    let nothing = adapter.constructor(account, OWNER).motsu_res();
    assert_eq!(nothing, Err(payment(NotAContract { account })));
    let it = World::new();
    let reader = it.adapter.sender(OWNER);
    assert_eq!(DirectSettlementAdapter::rail_id(), keccak256("direct"));
    assert_eq!(reader.rail_id_constant(), keccak256("direct"));
    assert!(reader.accepts(Address::ZERO));
    assert!(reader.accepts(it.token.address()));
    assert!(!reader.accepts(STRANGER));
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
fn pays_in_tokens_and_in_ether_at_once() {
    let it = World::new();
    let [first, second] = [B256::repeat_byte(1), B256::repeat_byte(2)];
    assert_eq!(it.execute(first, ETHER, n(0)), Ok(SETTLED));
    assert_eq!(it.tokens(RECIPIENT), ETHER);
    assert_eq!(it.execute(second, ETHER, ETHER), Ok(SETTLED));
    assert_eq!(it.recipient.balance(), ETHER);
    for job_id in [first, second] {
        it.adapter.assert_emitted(&CompletionSettled {
            jobId: job_id,
            provider: RECIPIENT,
            amount: ETHER,
        });
    }
    // Nothing rests here.
    let here = it.adapter.address();
    assert_eq!((it.adapter.balance(), it.tokens(here)), (n(0), n(0)));
    // Once.
    let exists = JobExists { jobId: first };
    assert_eq!(it.execute(first, ETHER, n(0)), Err(escrow(exists)));
    let exists = JobExists { jobId: second };
    assert_eq!(it.execute(second, ETHER, ETHER), Err(payment(exists)));
}

#[motsu::test]
fn refuses_what_makes_no_sense() {
    let it = World::new();
    assert_eq!(it.execute(JOB, n(0), n(0)), Err(payment(ZeroAmount {})));
    let (value, amount) = (n(3), n(4));
    let wrong = WrongValue { value, amount };
    assert_eq!(it.execute(JOB, amount, value), Err(payment(wrong)));
    let pipeline = it.pipeline.address();
    let mut adapter = it.adapter.sender(pipeline);
    let data = vec![0; 32].into();
    let told = adapter.execute(JOB, RECIPIENT, n(1), data).motsu_res();
    let length = n(32);
    assert_eq!(told, Err(payment(InvalidPaymentData { length })));
    let mut adapter = it.adapter.sender(pipeline);
    let recipient = Address::ZERO;
    let nobody = adapter.execute(JOB, recipient, n(1), vec![].into());
    let nobody = nobody.motsu_unwrap_err();
    assert_eq!(nobody, payment(InvalidRecipient { recipient }));
    it.recipient.sender(OWNER).refuse(true);
    let recipient = RECIPIENT;
    let refused = it.execute(JOB, ETHER, ETHER);
    assert_eq!(refused, Err(payment(PaymentRefused { recipient })));
    let token = it.token.address();
    for behaviour in [Behaviour::ReturnsFalse, Behaviour::Reverts] {
        it.behave(behaviour);
        let failed = SafeERC20FailedOperation { token };
        assert_eq!(it.execute(JOB, ETHER, n(0)), Err(escrow(failed)));
    }
}

#[motsu::test]
fn an_escrow_is_released_or_settled_once() {
    let it = World::new();
    let (pipeline, here) = (it.pipeline.address(), it.adapter.address());
    let held = |id| it.adapter.sender(OWNER).get_escrowed_amount(id);
    it.escrow(JOB, ETHER).unwrap();
    it.adapter.assert_emitted(&Escrowed {
        jobId: JOB,
        amount: ETHER,
    });
    assert_eq!((held(JOB), it.tokens(here)), (ETHER, ETHER));
    let exists = || Err(escrow(JobExists { jobId: JOB }));
    assert_eq!(it.escrow(JOB, ETHER), exists());
    let release = |id, to| {
        let mut adapter = it.adapter.sender(pipeline);
        adapter.release_escrow(id, to).motsu_res()
    };
    let recipient = Address::ZERO;
    let nobody = Err(escrow(InvalidRecipient { recipient }));
    assert_eq!(release(JOB, recipient), nobody);
    release(JOB, RECIPIENT).unwrap();
    it.adapter.assert_emitted(&EscrowReleased {
        jobId: JOB,
        recipient: RECIPIENT,
        amount: ETHER,
    });
    assert_eq!((held(JOB), it.tokens(RECIPIENT)), (n(0), ETHER));
    let over = Err(escrow(EscrowAlreadyReleased {}));
    assert_eq!(release(JOB, RECIPIENT), over);
    assert_eq!(it.settle(JOB, n(1)), exists());
    let none = Err(escrow(EscrowNotFound {}));
    assert_eq!(release(B256::ZERO, RECIPIENT), none);

    // Settled out of an escrow: the rest goes back.
    let job = B256::repeat_byte(3);
    it.escrow(job, ETHER).unwrap();
    let (required, available) = (ETHER + n(1), ETHER);
    let small = EscrowTooSmall {
        required,
        available,
    };
    assert_eq!(it.settle(job, required), Err(escrow(small)));
    let before = it.tokens(pipeline);
    it.settle(job, ETHER - n(5)).unwrap();
    assert_eq!(it.tokens(RECIPIENT), ETHER * n(2) - n(5));
    assert_eq!(it.tokens(pipeline), before + n(5));
    assert_eq!(it.tokens(here), n(0));
    it.adapter.assert_emitted(&EscrowReleased {
        jobId: job,
        recipient: pipeline,
        amount: n(5),
    });
    let exists = JobExists { jobId: job };
    assert_eq!(it.settle(job, n(1)), Err(escrow(exists)));
    // And without one, out of what the pipeline has.
    let job = B256::repeat_byte(4);
    it.settle(job, n(7)).unwrap();
    assert_eq!(it.tokens(pipeline), before + n(5) - n(7));
    assert_eq!(it.escrow(job, n(0)), Err(escrow(ZeroAmount {})));
}

/// What counts of an escrow is what arrives: nobody's money is paid out twice.
#[motsu::test]
fn an_escrow_of_a_token_with_a_fee_is_what_arrived() {
    let it = World::new();
    it.behave(Behaviour::Fee);
    it.escrow(JOB, n(100)).unwrap();
    let held = it.adapter.sender(OWNER).get_escrowed_amount(JOB);
    assert_eq!((held, it.tokens(it.adapter.address())), (n(90), n(90)));
}

#[motsu::test]
fn nobody_connects_it_to_pools(it: Contract<DirectSettlementAdapter>) {
    let network = Network::new();
    let mut adapter = it.sender(OWNER);
    let token = network.token.address();
    adapter.constructor(token, OWNER).motsu_unwrap();
    drop(adapter);
    network.assert_forbidden(it.address());
}
