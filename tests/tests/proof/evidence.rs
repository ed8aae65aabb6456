//! Completions that no source signs: a verifier of enclave quotes, written in Solidity, asked by the tracker.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    providers::DynProvider,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{eip712_domain, SolValue},
};
use bpe_abi::ICompletionTracker::{CompletionRecorded, EvidenceRejected, ICompletionTrackerErrors};
use bpe_tests::{
    proof::{events, sign, Proof},
    solidity,
    stage::{mined, revert},
    suite::CODE,
};

const MEASUREMENT: B256 = B256::repeat_byte(0x3e);
const RESULT: B256 = B256::repeat_byte(0x4e);

sol! {
    struct Quote {
        bytes32 measurement;
        bytes32 taskTypeId;
        address sink;
        bytes32 taskId;
        bytes32 result;
    }

    #[sol(rpc)]
    interface IEnclaveVerifier {
        function vouch(address sink, address key, bytes32 measurement) external;
        function require_(bytes32 taskTypeId, bytes32 measurement) external;
    }
}

struct Enclave<'a> {
    it: &'a Proof,
    verifier: IEnclaveVerifier::IEnclaveVerifierInstance<DynProvider>,
}

impl Enclave<'_> {
    fn quote(&self, key: &PrivateKeySigner, measurement: B256, sink: Address, task: B256) -> Bytes {
        let quote = Quote {
            measurement,
            taskTypeId: CODE,
            sink,
            taskId: task,
            result: RESULT,
        };
        let domain = eip712_domain! {
            name: "EnclaveVerifier",
            version: "1",
            chain_id: self.it.core.base.devnet.chain_id(),
            verifying_contract: *self.verifier.address(),
        };
        let signature = sign(key, &quote, &domain);
        (CODE, sink, task, RESULT, signature)
            .abi_encode_params()
            .into()
    }

    /// Anybody brings it.
    async fn refusal(&self, attestation: Bytes) -> ICompletionTrackerErrors {
        let relayer = self.it.core.base.devnet.account(8);
        let record = self
            .it
            .tracker
            .recordEvidence(CODE, Address::ZERO, attestation);
        revert(record.from(relayer).call().await)
    }
}

#[tokio::test]
async fn an_enclaves_quote_is_a_completion_that_needs_no_source() {
    let it = Proof::start().await;
    let provider = &it.core.base.provider;
    let compiled = solidity::compile("EnclaveVerifier.sol", "EnclaveVerifier").await;
    let registrar = it.core.base.owner;
    let arguments = registrar.abi_encode();
    let verifier = solidity::deploy(provider, &compiled, &arguments).await;
    let set = it.tracker.setVerifier(CODE, verifier);
    mined(set.send().await).await;
    let verifier = IEnclaveVerifier::new(verifier, provider.clone());
    let [worker, key, other] = [3, 4, 5].map(|index| it.signer(index));
    let sink = it.sink(&worker, 100).await;
    it.measure(false).await;
    mined(verifier.require_(CODE, MEASUREMENT).send().await).await;
    let vouch = verifier.vouch(sink, key.address(), MEASUREMENT);
    mined(vouch.send().await).await;
    let enclave = Enclave { it: &it, verifier };

    let relayer = it.core.base.devnet.account(8);
    let tasks: Vec<B256> = (0..60).map(|_| it.new_task()).collect();
    let mut gas = 0;
    for task in &tasks {
        let quote = enclave.quote(&key, MEASUREMENT, sink, *task);
        let record = it.tracker.recordEvidence(CODE, Address::ZERO, quote);
        let receipt = mined(record.from(relayer).send().await).await;
        assert_eq!(events::<CompletionRecorded>(&receipt).len(), 1);
        gas = receipt.gas_used;
    }
    println!("recordEvidence: {gas} gas");
    let counted = it.tracker.getCompletions(CODE, sink).call().await.unwrap();
    assert_eq!(counted, U256::from(60));

    // Once; by a key that is vouched for, for this sink; for the code that has to run; for this task.
    let again = enclave.quote(&key, MEASUREMENT, sink, tasks[0]);
    let again = enclave.refusal(again).await;
    use ICompletionTrackerErrors as Refusal;
    assert!(matches!(again, Refusal::TaskAlreadyRecorded(_)));
    let task = it.new_task();
    let rejected = |said: Refusal| {
        let verifier = *enclave.verifier.address();
        assert_eq!(
            said,
            Refusal::EvidenceRejected(EvidenceRejected { verifier })
        );
    };
    let forged = enclave.quote(&other, MEASUREMENT, sink, task);
    rejected(enclave.refusal(forged).await);
    let other_code = enclave.quote(&key, B256::repeat_byte(0x66), sink, task);
    rejected(enclave.refusal(other_code).await);
    let stranger = enclave.quote(&key, MEASUREMENT, other.address(), task);
    rejected(enclave.refusal(stranger).await);
    let good = enclave.quote(&key, MEASUREMENT, sink, task);
    let mut turned = good.to_vec();
    turned[64] ^= 1;
    rejected(enclave.refusal(turned.into()).await);
    rejected(enclave.refusal(good.slice(..good.len() - 96)).await);
    rejected(enclave.refusal(Bytes::new()).await);
    mined(
        enclave
            .verifier
            .vouch(sink, key.address(), B256::ZERO)
            .send()
            .await,
    )
    .await;
    rejected(enclave.refusal(good).await);

    // They are completions as any: 60 of 100 is enough.
    it.to_next_epoch();
    it.advance(sink).await;
    assert_eq!(it.bad_epochs(sink).await, 0);
}
