//! What the owner's recipients and Superfluid's rounding could do to what sources are noted for.

use alloy::{
    primitives::{Address, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
    sol_types::SolCall as _,
};
use bpe_abi::IBackpressurePool::{IBackpressurePoolErrors, InvalidAccount};
use bpe_tests::{
    settlement::{rate, RATE},
    stage::{mined, revert},
    work::{signer, Work, UNITS, WORK},
};
use devnet_superfluid::bindings::IGeneralDistributionAgreementV1::distributeFlowCall;

const HOUR: u64 = 3_600;

/// A market whose sources change their streams by Superfluid alone.
struct Outside {
    it: Work,
    sources: Vec<Address>,
}

impl Outside {
    async fn start(sources: u64) -> Self {
        let it = Work::start().await;
        let sources = (0..sources).map(|number| signer(number).address());
        let sources: Vec<Address> = sources.collect();
        for source in &sources {
            it.core.base.equip(*source, 0).await;
            it.core.superfluid.fund(*source, 1_000).await;
        }
        Self { it, sources }
    }

    async fn set_rate(&self, source: Address, flow: u128, by: Address) -> TransactionReceipt {
        let core = &self.it.core;
        let set = distributeFlowCall {
            token: core.superfluid.addresses.usdcx,
            from: source,
            pool: *core.pool(WORK).await.address(),
            requestedFlowRate: rate(flow),
            ctx: Bytes::new(),
        };
        let gda = core.superfluid.addresses.gda_v1;
        let host = core.superfluid.host();
        let call = host.callAgreement(gda, set.abi_encode().into(), Bytes::new());
        mined(call.from(by).send().await).await
    }

    async fn set_fee(&self, fee: u64, recipient: Address) {
        let pools = &self.it.core.pools;
        let set = pools.setProtocolFee(U256::from(fee), recipient);
        mined(set.send().await).await;
    }

    async fn rebalance(&self) {
        let rebalance = self.it.core.pools.rebalance(WORK);
        mined(rebalance.send().await).await;
    }

    /// What all sources are noted for, or would be now, and what the pool has paid the reserve, ever.
    async fn noted_and_arrived(&self) -> (u128, u128) {
        let (ledger, mut noted) = (&self.it.core.ledger, 0);
        for source in &self.sources {
            let paid = ledger.getPaid(WORK, *source).call().await.unwrap();
            let pending = ledger.getPending(WORK, *source).call().await.unwrap();
            noted += (paid + pending).to::<u128>();
        }
        let pool = self.it.core.pool(WORK).await;
        let reserve = *self.it.core.reserve.address();
        let arrived = pool.getTotalAmountReceivedByMember(reserve).call().await;
        (noted, arrived.unwrap().to())
    }

    async fn assert_covered(&self, what: &str) {
        let (noted, arrived) = self.noted_and_arrived().await;
        assert!(noted <= arrived, "{what}: {noted} of {arrived}");
    }
}

/// The address of Superfluid's next pool is known, so a recipient can become a pool, whose units nobody can change: were it replaced, the
/// pool had 11 000 units, and the reserve got 82 % of what sources were noted 90 % of.
#[tokio::test]
async fn a_recipient_that_becomes_a_pool_takes_nothing_of_what_is_noted() {
    let outside = Outside::start(1).await;
    let core = &outside.it.core;
    let source = outside.sources[0];
    let gda = core.superfluid.addresses.gda_v1;
    let made = core.base.provider.get_transaction_count(gda).await.unwrap();
    let next = gda.create(made);
    core.advance(HOUR);
    outside.set_fee(1_000, next).await;
    outside.rebalance().await;
    let stranger = core.base.devnet.account(8);
    assert_eq!(core.junk_pool(stranger, &[]).await, next);
    let treasury = core.base.devnet.account(1);
    for (fee, recipient) in [(1_000, treasury), (0, treasury), (0, next)] {
        core.advance(HOUR);
        outside.set_fee(fee, recipient).await;
        let error: IBackpressurePoolErrors = revert(core.pools.rebalance(WORK).call().await);
        let invalid = InvalidAccount { account: next };
        assert!(matches!(error, IBackpressurePoolErrors::InvalidAccount(it) if it == invalid));
    }
    let pool = core.pool(WORK).await;
    assert_eq!(pool.getTotalUnits().call().await.unwrap(), UNITS);
    outside.set_rate(source, RATE, source).await;
    core.advance(HOUR);
    outside.it.note(source).await;
    outside
        .assert_covered("after the recipient became a pool")
        .await;
}

/// Odd rates of several sources, small and large, changed with and without notes, several times a second or hourly, while cuts
/// change: at no look is more noted than has arrived.
#[tokio::test]
async fn what_is_noted_has_arrived_whatever_superfluid_rounds() {
    let outside = Outside::start(4).await;
    let (it, core) = (&outside.it, &outside.it.core);
    let treasury = core.base.devnet.account(1);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for step in 0..40 {
        let source = outside.sources[random(4) as usize];
        let what = random(10);
        match what {
            0..=4 => {
                if random(3) > 0 {
                    it.note(source).await;
                }
                let flow = match random(4) {
                    0 => 0,
                    1 => 9_990 + u128::from(random(30)),
                    2 => 10_000 + u128::from(random(60_000)),
                    _ => RATE / 7 + u128::from(random(1_000_000_007)),
                };
                outside.set_rate(source, flow, source).await;
            }
            5 | 6 => {
                it.note(source).await;
            }
            7 => {
                outside.set_fee(random(1_001), treasury).await;
                let budget = core
                    .pools
                    .setVerificationBudget(WORK, U256::from(random(9_000)));
                mined(budget.send().await).await;
            }
            _ => core.advance(1 + random(4_000)),
        }
        outside
            .assert_covered(&format!("step {step}: {what}"))
            .await;
    }
    let (noted, _) = outside.noted_and_arrived().await;
    assert!(noted > 0);
}

/// A source runs out of money, and of its deposit, before anybody ends its stream: what it is noted for has arrived all the same.
#[tokio::test]
async fn what_an_insolvent_source_is_noted_for_has_arrived() {
    let outside = Outside::start(2).await;
    let (it, core) = (&outside.it, &outside.it.core);
    let (poor, other) = (outside.sources[0], outside.sources[1]);
    outside.set_rate(other, RATE + 3, other).await;
    outside.set_rate(poor, 150 * RATE + 7, poor).await;
    for hours in [1, 1, 4] {
        core.advance(hours * HOUR);
        it.note(poor).await;
        outside.assert_covered("before the end").await;
    }
    assert!(core.superfluid.available(poor).await.is_negative());
    outside.set_rate(poor, 0, core.base.devnet.account(8)).await;
    for _ in 0..2 {
        it.note(poor).await;
        it.note(other).await;
        outside.assert_covered("after the end").await;
        core.advance(HOUR);
    }
}
