//! A contract account that says yes while gas is estimated, and burns all it gets and says no when the transaction is mined: only
//! what it signed itself is refused.

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::DynProvider,
    sol,
    sol_types::SolCall,
};
use bpe_abi::{
    ICapacityRegistry::registerSinkCall,
    ICompletionTracker::{CompletionRecorded, CompletionRejected},
    IOffchainAggregator::{AttestationApplied, AttestationRejected, SignedAttestation},
    IStakeManager::stakeCall,
};
use bpe_tests::{
    proof::{events, Proof},
    solidity,
    stage::mined,
    suite::{tokens, units, CODE},
};

sol! {
    /// `tests/contracts/Moody.sol`.
    #[sol(rpc)]
    interface IMoody {
        function turn(bool hostile) external;
        function act(address target, bytes calldata data) external;
    }
    interface IToken {
        function approve(address spender, uint256 amount) external returns (bool);
    }
}

/// Honest items of a batch.
const HONEST: usize = 4;

struct Moody(IMoody::IMoodyInstance<DynProvider>);

impl Moody {
    async fn deploy(it: &Proof) -> Self {
        let compiled = solidity::compile("Moody.sol", "Moody").await;
        let provider = &it.core.base.provider;
        let address = solidity::deploy(provider, &compiled, &[]).await;
        Self(IMoody::new(address, provider.clone()))
    }

    fn address(&self) -> Address {
        *self.0.address()
    }

    async fn turn(&self, hostile: bool) {
        mined(self.0.turn(hostile).send().await).await;
    }

    async fn act<C: SolCall>(&self, target: Address, call: C) {
        let act = self.0.act(target, Bytes::from(call.abi_encode()));
        mined(act.send().await).await;
    }

    /// Makes it a sink of ten units.
    async fn serve(&self, it: &Proof) {
        let base = &it.core.base;
        let (stakes, amount) = (*base.stakes.address(), tokens(100));
        mined(base.token.mint(self.address(), amount).send().await).await;
        let approve = IToken::approveCall {
            spender: stakes,
            amount,
        };
        self.act(*base.token.address(), approve).await;
        self.act(stakes, stakeCall { amount }).await;
        let register = registerSinkCall {
            taskTypeId: CODE,
            initialCapacity: units(10),
        };
        self.act(*base.registry.address(), register).await;
    }
}

/// Where in a batch it is, and how much of the estimate the relayer brings: in the last place the estimate itself suffices; in the
/// first it takes from what the others need, and the keeper's half more has it covered.
const PLACES: [(usize, u64); 2] = [(HONEST, 2), (0, 3)];

#[tokio::test]
async fn of_attestations_only_its_own_is_refused() {
    for (place, halves) in PLACES {
        let it = Proof::start().await;
        let moody = Moody::deploy(&it).await;
        let keys = [3, 4, 5, 6].map(|index| it.signer(index));
        for key in &keys {
            it.sink(key, 10).await;
        }
        moody.serve(&it).await;
        it.core.base.devnet.mine(1).unwrap();
        let sign = |key| it.attestation(key, units(5), 1);
        let mut batch: Vec<SignedAttestation> = keys.iter().map(sign).collect();
        let mut own = sign(&keys[0]);
        own.sink = moody.address();
        batch.insert(place, own);
        let submit = it.aggregator.submitBatch(batch);
        let estimate = submit.estimate_gas().await.unwrap();
        moody.turn(true).await;
        let submit = submit.gas(estimate * halves / 2);
        let receipt = mined(submit.send().await).await;
        assert_eq!(events::<AttestationApplied>(&receipt).len(), HONEST);
        let [refused] = &events::<AttestationRejected>(&receipt)[..] else {
            panic!("one is refused: {receipt:?}");
        };
        assert_eq!(refused.sink, moody.address());
        assert_eq!(refused.reason, "signature");
    }
}

#[tokio::test]
async fn of_receipts_only_its_own_is_refused() {
    for (place, halves) in PLACES {
        let it = Proof::start().await;
        let moody = Moody::deploy(&it).await;
        let (sink, source) = (it.signer(3), it.signer(4));
        it.sink(&sink, 10).await;
        let sign = |_| it.receipt(&sink, &source, it.new_task());
        let mut batch: Vec<_> = (0..HONEST).map(sign).collect();
        batch.insert(place, it.receipt_of(&sink, moody.address(), it.new_task()));
        let record = it.tracker.recordReceipts(batch);
        let estimate = record.estimate_gas().await.unwrap();
        moody.turn(true).await;
        let record = record.gas(estimate * halves / 2);
        let receipt = mined(record.send().await).await;
        assert_eq!(events::<CompletionRecorded>(&receipt).len(), HONEST);
        assert_eq!(events::<CompletionRejected>(&receipt).len(), 1);
        let counted = it.tracker.getCompletions(CODE, sink.address());
        assert_eq!(counted.call().await.unwrap(), U256::from(HONEST));
    }
}
