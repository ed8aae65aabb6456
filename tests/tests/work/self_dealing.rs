//! What it pays to sign oneself work: by work, and the same attack on the specification's split by capacity. The table of
//! docs/self-dealing.md is what is measured here.

use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use bpe_tests::{
    settlement::{usdcx, RATE},
    stage::mined,
    suite::{tokens, units},
    work::{register_for, signer, Totals, Work, WORK},
};

/// A task type that settles by capacity, as the specification has it.
const BY_CAPACITY: B256 = B256::repeat_byte(0x3c);
/// What all sources together stream where nobody overpays: a thousand times 1 000 USDCx a month.
const DEMAND: u128 = 1_000 * RATE;
/// Steps of ten minutes, of which the base fee rises in the first half and falls in the second.
const STEPS: u64 = 6;
const STEP: u64 = 600;
/// The honest sink's capacity, and the ring's, in units.
const HONEST: u64 = 20;
const RING: u64 = 40;
/// What every source starts with, in USDCx.
const FUNDS: u64 = 20_000;
const DOCS: &str = include_str!("../../../docs/self-dealing.md");

/// Who is in the ring, and what the others do.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Of the demand, in per cent, the ring's own.
    share: u128,
    /// How much more than the price the others pay, in per cent.
    overpaid: u128,
    /// Sinks in the ring, and sources.
    members: u64,
    /// Whether it is the reviewer, who gets a tenth of all streams.
    reviews: bool,
}

impl Case {
    const fn of(share: u128, overpaid: u128) -> Self {
        Self {
            share,
            overpaid,
            members: 1,
            reviews: false,
        }
    }

    /// What the ring streams, and what the others do, in wei per second.
    fn flows(&self) -> [u128; 2] {
        let others = DEMAND * (100 - self.share) / 100;
        [
            DEMAND * self.share / 100,
            others * (100 + self.overpaid) / 100,
        ]
    }

    fn sinks(&self) -> Vec<PrivateKeySigner> {
        (100..100 + self.members).map(signer).collect()
    }

    fn sources(&self) -> Vec<PrivateKeySigner> {
        (200..200 + self.members).map(signer).collect()
    }
}

/// What came of it, in wei.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// What the ring's sources spent and its members received.
    spent: u128,
    received: u128,
    /// What the others spent, and what the honest sink got of it.
    others: u128,
    honest: u128,
}

impl Outcome {
    /// What the ring gained, in hundredths of a per cent of what it spent.
    fn gain(&self) -> i128 {
        (self.received as i128 - self.spent as i128) * 10_000 / self.spent as i128
    }

    fn honest_part(&self) -> u128 {
        self.honest * 10_000 / self.others
    }
}

struct Attack {
    it: Work,
    case: Case,
    id: B256,
    whale: PrivateKeySigner,
    honest: PrivateKeySigner,
}

impl Attack {
    async fn start(case: Case, id: B256) -> Self {
        let it = Work::start().await;
        if id == BY_CAPACITY {
            let register = it.core.base.registry.registerTaskType(id, tokens(100));
            mined(register.send().await).await;
            mined(it.core.pools.createPool(id).send().await).await;
        }
        let attack = Self {
            it,
            case,
            id,
            whale: signer(1),
            honest: signer(2),
        };
        attack.sink(&attack.honest, HONEST).await;
        for sink in case.sinks() {
            attack.sink(&sink, RING / case.members).await;
        }
        if case.reviews {
            let pools = &attack.it.core.pools;
            let reviewer = case.sinks()[0].address();
            mined(pools.setReviewer(reviewer).send().await).await;
            mined(
                pools
                    .setVerificationBudget(id, U256::from(1_000))
                    .send()
                    .await,
            )
            .await;
            mined(pools.rebalance(id).send().await).await;
        }
        let [ring, others] = case.flows();
        attack.source(&attack.whale, others).await;
        for source in case.sources() {
            attack
                .source(&source, ring / u128::from(case.members))
                .await;
        }
        attack
    }

    async fn sink(&self, signer: &PrivateKeySigner, capacity: u64) {
        let sink = register_for(&self.it.core, self.id, signer.address(), capacity).await;
        if self.id == BY_CAPACITY {
            let rebalance = self.it.core.pools.rebalanceSink(self.id, sink);
            mined(rebalance.send().await).await;
        }
    }

    async fn source(&self, signer: &PrivateKeySigner, flow: u128) {
        let source = signer.address();
        self.it.core.base.equip(source, 0).await;
        self.it.core.superfluid.fund(source, FUNDS).await;
        self.it.core.stream(source, self.id, flow).await;
    }

    /// An hour, in which the base fee rises and falls.
    async fn play(&self) {
        for step in 0..STEPS {
            let load = match step < STEPS / 2 {
                true => units(2 * HONEST),
                false => U256::ZERO,
            };
            let report = self.it.pricing.reportQueueLoad(self.id, load);
            mined(report.from(self.honest.address()).send().await).await;
            self.it.core.advance(STEP);
            let advance = self.it.pricing.advanceEpochs(vec![self.id]);
            mined(advance.send().await).await;
        }
    }

    async fn end_streams(&self) {
        for source in self.all_sources() {
            self.it.core.end(source.address(), self.id).await;
        }
    }

    fn all_sources(&self) -> Vec<PrivateKeySigner> {
        let whale = [self.whale.clone()];
        self.case.sources().into_iter().chain(whale).collect()
    }

    async fn spent(&self, of: &[PrivateKeySigner]) -> u128 {
        let mut spent = 0;
        for source in of {
            spent += usdcx(FUNDS) - self.it.core.whole(source.address()).await;
        }
        spent
    }

    /// What accounts have, with what they can claim from the pool.
    async fn received(&self, by: &[Address]) -> u128 {
        let pool = self.it.core.pool(self.id).await;
        let mut received = 0;
        for account in by {
            let claimable = pool.getClaimableNow(*account).call().await.unwrap();
            received += u128::try_from(claimable.claimableBalance).unwrap();
            received += self.it.core.whole(*account).await;
        }
        received
    }

    async fn outcome(&self) -> Outcome {
        let sinks: Vec<_> = self.case.sinks().iter().map(|it| it.address()).collect();
        Outcome {
            spent: self.spent(&self.case.sources()).await,
            received: self.received(&sinks).await,
            others: self.spent(std::slice::from_ref(&self.whale)).await,
            honest: self.received(&[self.honest.address()]).await,
        }
    }

    /// All that a source has paid, signed to a sink.
    async fn sign_all(&self, source: &PrivateKeySigner, sink: &PrivateKeySigner) {
        let value = self.it.note(source.address()).await;
        let totals = Totals(10_000, value, 1);
        self.it
            .redeem(self.it.voucher(source, sink, totals), true)
            .await;
    }
}

/// Everyone signs away all that it has paid: the others for work, to the honest sink; the ring for nothing, in a circle.
async fn by_work(case: Case) -> Outcome {
    let attack = Attack::start(case, WORK).await;
    attack.play().await;
    attack.end_streams().await;
    attack.sign_all(&attack.whale, &attack.honest).await;
    let (sources, mut sinks) = (case.sources(), case.sinks());
    sinks.rotate_left(1);
    for (source, sink) in sources.iter().zip(&sinks) {
        attack.sign_all(source, sink).await;
        // A thousand times more than is there: nothing of it is anybody else's.
        let greedy = Totals(20_000, 1_000 * usdcx(FUNDS), 2);
        let greedy = attack.it.voucher(source, sink, greedy);
        let redeem = attack.it.core.vouchers.redeem(greedy, true);
        assert!(redeem.from(attack.it.relayer).call().await.is_err());
    }
    let outcome = attack.outcome().await;
    assert!(outcome.gain() < 0 || case.reviews, "{case:?}: {outcome:?}");
    outcome
}

/// The ring's sinks declare capacity and are paid their part of what all stream.
async fn by_capacity(case: Case) -> Outcome {
    let attack = Attack::start(case, BY_CAPACITY).await;
    attack.play().await;
    attack.end_streams().await;
    attack.outcome().await
}

fn percent(hundredths: i128) -> String {
    let sign = match hundredths {
        ..0 => "−",
        0 => "",
        1.. => "+",
    };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02} %", size / 100, size % 100)
}

fn share(hundredths: u128) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Plays the cases both ways and holds them against the docs.
async fn hold_against_docs(cases: &[Case]) {
    let mut rows = String::new();
    for case in cases {
        let (work, capacity) = (by_work(*case).await, by_capacity(*case).await);
        assert!(work.honest_part() >= 8_989, "{work:?}");
        let reviews = match case.reviews {
            true => ", reviewer",
            false => "",
        };
        rows += &format!(
            "| {}{reviews} | {} % | {} % | {} | {} | {} | {} |\n",
            case.members,
            case.share,
            case.overpaid,
            percent(work.gain()),
            share(work.honest_part()),
            percent(capacity.gain()),
            share(capacity.honest_part()),
        );
    }
    let is_there = rows.lines().all(|row| DOCS.contains(row));
    assert!(is_there, "docs/self-dealing.md should have\n{rows}");
}

#[tokio::test]
async fn a_tenth_of_the_market_loses_the_fee() {
    let cases = [0, 25, 200].map(|overpaid| Case::of(10, overpaid));
    hold_against_docs(&cases).await;
}

#[tokio::test]
async fn half_of_the_market_loses_the_fee() {
    let cases = [0, 25, 200].map(|overpaid| Case::of(50, overpaid));
    hold_against_docs(&cases).await;
}

#[tokio::test]
async fn nine_tenths_of_the_market_lose_the_fee() {
    let cases = [0, 25, 200].map(|overpaid| Case::of(90, overpaid));
    hold_against_docs(&cases).await;
}

/// A ring of ten loses as much as one; with the reviewer in it, it gets cuts of what others stream, as any reviewer does.
#[tokio::test]
async fn a_ring_of_ten_loses_the_fee_and_a_reviewer_has_its_budget() {
    let ring = Case {
        members: 10,
        ..Case::of(50, 25)
    };
    let reviewing = Case {
        reviews: true,
        ..ring
    };
    hold_against_docs(&[ring, reviewing]).await;
}
