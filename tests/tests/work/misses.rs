//! Misses with all real programs: a source reports what a sink accepted and did not do, the sink answers or does not, and three bad
//! epochs cost it a tenth of its stake at most.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol_types::SolValue as _,
};
use bpe_abi::{
    typed_data::{
        self, sign, sign_answer, sign_work, CompletionReceipt, MissReport, WorkAssignment,
    },
    ICompletionTracker::YardstickSet,
    IStakeManager::SlashRewarded,
    IWorkMisses::{
        AnswerRejected, MissAnswered, MissReported, MissesSettled, SignedReceipt, SignedWork,
    },
};
use bpe_tests::{
    proof::{events, judged, slashed, Proof, EPOCH},
    settlement::{usdcx, RATE},
    stage::mined,
    suite::{deploy, tokens, UNIT},
    work::{self, register, signer, Totals, WORK},
};

/// Seconds that an epoch waits for its verdict.
const WAIT: u64 = 4_200;
/// CompletionTracker's yardstick by misses.
const MISSED: u8 = 3;
/// Work of a task: 30 units for ten seconds.
const TASK: u64 = 300 * UNIT;

/// A task type by work that is judged by misses, a sink with 100 tokens of stake, and a source that has streamed for an hour.
struct Court {
    it: Proof,
    client: PrivateKeySigner,
    worker: PrivateKeySigner,
    relayer: Address,
    treasury: Address,
}

impl Court {
    /// `rate` wei of stake for 1e18 wei of payment.
    async fn start(rate: U256) -> Self {
        let it = Proof::start().await;
        let (core, base) = (&it.core, &it.core.base);
        let price = core.vouchers.setPricingCurve(*it.pricing.address());
        mined(price.send().await).await;
        work::open(core).await;
        let treasury = base.devnet.account(7);
        mined(base.stakes.setTreasury(treasury).send().await).await;
        let yardstick = it.tracker.setYardstick(WORK, rate, MISSED);
        let set = mined(yardstick.send().await).await;
        let [set] = &events::<YardstickSet>(&set)[..] else {
            panic!("one yardstick is set: {set:?}");
        };
        let begin = set.fromEpoch.to::<u64>() * EPOCH;
        let (client, worker) = (signer(1), signer(2));
        let (source, sink) = (client.address(), worker.address());
        register(core, sink, 10).await;
        base.equip(source, 0).await;
        core.superfluid.fund(source, 1_000).await;
        core.stream(source, WORK, 100 * RATE).await;
        let begin = begin.max(it.now() + 3_600);
        base.devnet.set_timestamp(begin).unwrap();
        it.to_next_epoch();
        let relayer = base.devnet.account(8);
        Self {
            client,
            worker,
            relayer,
            treasury,
            it,
        }
    }

    fn sink(&self) -> Address {
        self.worker.address()
    }

    fn source(&self) -> Address {
        self.client.address()
    }

    /// Both accept a task that is due in five seconds.
    fn task(&self, number: u64, value: u128) -> SignedWork {
        let now = self.it.now();
        let assignment = WorkAssignment {
            taskTypeId: WORK,
            sink: self.sink(),
            source: self.source(),
            taskId: id(number),
            work: U256::from(TASK),
            value: U256::from(value),
            timestamp: U256::from(now),
            deadline: U256::from(now + 5),
        };
        let domain = self.work_domain();
        sign_work(&self.worker, &self.client, &assignment, &domain).unwrap()
    }

    fn work_domain(&self) -> alloy::sol_types::Eip712Domain {
        let core = &self.it.core;
        typed_data::work_ledger(core.base.devnet.chain_id(), *core.vouchers.address())
    }

    /// A task is accepted, its deadline passes, and the source has anyone report it.
    async fn miss(&self, number: u64, value: u128) -> TransactionReceipt {
        let task = self.task(number, value);
        let report = MissReport {
            taskTypeId: WORK,
            sink: self.sink(),
            taskId: id(number),
        };
        let report = sign(&self.client, &report, &self.work_domain()).unwrap();
        self.it.core.advance(6);
        let report = self.it.misses.reportMiss(task, report).from(self.relayer);
        mined(report.send().await).await
    }

    fn receipt(&self, number: u64) -> SignedReceipt {
        let receipt = CompletionReceipt {
            taskTypeId: WORK,
            sink: self.sink(),
            source: self.source(),
            taskId: id(number),
            timestamp: U256::from(self.it.now()),
        };
        sign_answer(&self.client, &receipt, &self.it.tracker_domain()).unwrap()
    }

    async fn answer(&self, receipts: Vec<SignedReceipt>) -> TransactionReceipt {
        let answer = self.it.misses.answerMisses(receipts).from(self.relayer);
        mined(answer.send().await).await
    }

    async fn advance(&self) -> TransactionReceipt {
        let advance = self.it.tracker.advanceEpoch(WORK, self.sink());
        mined(advance.from(self.relayer).send().await).await
    }

    async fn owed(&self, account: Address) -> u128 {
        let owed = self.it.core.reserve.getOwed(WORK, account).call().await;
        owed.unwrap().to()
    }

    async fn unspent(&self) -> u128 {
        let ledger = &self.it.core.ledger;
        mined(ledger.note(WORK, self.source()).send().await).await;
        let funds = self.it.core.reserve.getFunds(WORK, self.source());
        funds.call().await.unwrap().unspent.to()
    }

    async fn pending(&self) -> u128 {
        let misses = *self.it.misses.address();
        let pending = self.it.core.reserve.getPending(WORK, misses, self.sink());
        pending.call().await.unwrap().to()
    }

    async fn verified(&self) -> u128 {
        let verified = self.it.core.vouchers.getVerifiedCapacity(WORK, self.sink());
        verified.call().await.unwrap().to()
    }

    async fn redeem(&self, totals: Totals) {
        let voucher = work::voucher(&self.it.core, &self.client, &self.worker, totals);
        let redeem = self.it.core.vouchers.redeem(voucher, false);
        mined(redeem.from(self.relayer).send().await).await;
    }

    /// Everything that the reserve owes, it has.
    async fn assert_covered(&self) {
        let core = &self.it.core;
        let reserve = *core.reserve.address();
        let pool = core.pool(WORK).await;
        let claimable = pool.getClaimableNow(reserve).call().await.unwrap();
        let claimable = u128::try_from(claimable.claimableBalance).unwrap();
        let there = core.whole(reserve).await + claimable;
        let unspent = self.unspent().await;
        let holdings = core.reserve.getHoldings(WORK).call().await.unwrap();
        let due = holdings.owed.to::<u128>() + self.pending().await + unspent;
        assert!(there >= due, "{there} {due}");
    }
}

fn id(number: u64) -> B256 {
    B256::from(U256::from(number))
}

#[tokio::test]
async fn a_miss_that_is_answered_is_paid_to_the_sink() {
    let court = Court::start(tokens(1)).await;
    let core = &court.it.core;
    let value = usdcx(1);
    let reported = court.miss(1, value).await;
    println!("reportMiss: {} gas", reported.gas_used);
    let [miss] = &events::<MissReported>(&reported)[..] else {
        panic!("one miss: {reported:?}");
    };
    assert_eq!((miss.sink, miss.source), (court.sink(), court.source()));
    assert_eq!(miss.value, U256::from(value));
    assert_eq!(court.pending().await, value);
    court.assert_covered().await;
    // The source itself reports, too.
    let task = court.task(2, value);
    core.advance(6);
    let report = court.it.misses.reportMiss(task, Bytes::new());
    mined(report.from(court.source()).send().await).await;
    // One of both was done; and one that nobody reported.
    let receipts = vec![court.receipt(1), court.receipt(3)];
    let answered = court.answer(receipts).await;
    println!("answerMisses(1 of 2): {} gas", answered.gas_used);
    assert_eq!(events::<MissAnswered>(&answered).len(), 1);
    assert_eq!(events::<AnswerRejected>(&answered).len(), 1);
    assert_eq!(court.owed(court.sink()).await, value);
    assert_eq!(court.pending().await, value);
    let pay = core.reserve.payOut(WORK, court.sink());
    mined(pay.send().await).await;
    assert_eq!(core.whole(court.sink()).await, value);
    // An hour later it is too late for the other.
    core.advance(3_601);
    let late = court.answer(vec![court.receipt(2)]).await;
    assert_eq!(events::<AnswerRejected>(&late).len(), 1);
    assert_eq!(court.owed(court.sink()).await, 0);
    court.assert_covered().await;
}

#[tokio::test]
async fn a_miss_that_is_not_answered_is_the_treasurys_and_lowers_what_was_shown() {
    let court = Court::start(tokens(1)).await;
    let core = &court.it.core;
    let fee = court.it.pricing.getBaseFee(WORK).call().await.unwrap();
    let fee: u128 = fee.to();
    // 1000 unit-seconds at the base fee, and a miss of 300.
    let paid = 1_000 * fee;
    court.redeem(Totals(1_000, paid, 1)).await;
    let value = 300 * fee;
    let before = court.unspent().await;
    let [miss] = &events::<MissReported>(&court.miss(1, value).await)[..] else {
        panic!("one miss");
    };
    let epoch = miss.deadline.to::<u64>() / EPOCH;
    assert!(court.unspent().await < before + value);
    core.base
        .devnet
        .set_timestamp((epoch + 1) * EPOCH + WAIT)
        .unwrap();
    core.base.devnet.mine(1).unwrap();
    let shown = court.verified().await;
    assert!(shown > 0);
    let settled = court.advance().await;
    println!("advanceEpoch that settles a miss: {} gas", settled.gas_used);
    let [it] = &events::<MissesSettled>(&settled)[..] else {
        panic!("settled once: {settled:?}");
    };
    assert_eq!((it.treasury, it.value), (court.treasury, U256::from(value)));
    assert!(slashed(&settled).is_empty());
    assert_eq!(court.owed(court.treasury).await, value);
    assert_eq!(court.pending().await, 0);
    // 300 of 1000.
    let now = court.verified().await;
    assert!(now.abs_diff(shown * 7 / 10) <= 2, "{now} {shown}");
    let pay = core.reserve.payOut(WORK, court.treasury);
    mined(pay.send().await).await;
    assert_eq!(core.whole(court.treasury).await, value);
    court.assert_covered().await;
}

#[tokio::test]
async fn three_bad_epochs_cost_a_tenth_of_the_stake_at_most() {
    // What is lost is worth 30 tokens, and 3.
    for (rate, expected) in [(10, 10), (1, 3)] {
        let court = Court::start(tokens(rate)).await;
        let it = &court.it;
        let stakes = &it.core.base.stakes;
        let before = it.stake(court.sink()).await;
        assert_eq!(before, tokens(100));
        let first = it.epoch();
        for number in 0..3 {
            court.miss(number, usdcx(1)).await;
            it.to_next_epoch();
        }
        // The third is judged 4200 s after its end, and not before.
        let end = (first + 3) * EPOCH;
        it.core.base.devnet.set_timestamp(end + WAIT - 2).unwrap();
        let early = court.advance().await;
        assert!(slashed(&early).is_empty());
        let below = it.tracker.getConsecutiveBelowThreshold(WORK, court.sink());
        assert_eq!(below.call().await.unwrap(), U256::from(2));
        it.core.base.devnet.set_timestamp(end + WAIT).unwrap();
        let last = court.advance().await;
        println!("advanceEpoch with a slash by misses: {} gas", last.gas_used);
        assert_eq!(judged(&last), [(court.sink(), first + 2, 0)]);
        assert_eq!(slashed(&last), [(court.sink(), tokens(expected), 0)]);
        assert_eq!(it.stake(court.sink()).await, before - tokens(expected));
        // Nobody is rewarded for it.
        assert!(events::<SlashRewarded>(&last).is_empty());
        let token = &it.core.base.token;
        let taken = token.balanceOf(court.treasury).call().await.unwrap();
        assert_eq!(taken, tokens(expected));
        assert_eq!(court.owed(court.treasury).await, 3 * usdcx(1));
        // It reaches the capacity at once.
        let capacity = it
            .core
            .base
            .registry
            .getSmoothedCapacity(WORK, court.sink());
        let cap = stakes.getCapacityCap(court.sink()).call().await.unwrap();
        assert!(capacity.call().await.unwrap() <= cap);
        court.assert_covered().await;
    }
}

/// A yardstick by misses needs stakes that stay until they are known.
#[tokio::test]
async fn misses_need_time_to_unbond() {
    let it = Proof::start().await;
    let stakes = &it.core.base.stakes;
    let set = |period: u64| stakes.setUnbondingPeriod(U256::from(period));
    mined(set(10_199).send().await).await;
    let yardstick = it.tracker.setYardstick(WORK, tokens(1), MISSED);
    assert!(yardstick.call().await.is_err());
    mined(set(10_200).send().await).await;
    mined(yardstick.send().await).await;
}

/// Only the one that WorkLedger names takes anything.
#[tokio::test]
async fn one_that_is_not_named_takes_nothing() {
    let court = Court::start(tokens(1)).await;
    let (it, base) = (&court.it, &court.it.core.base);
    let links = (*it.core.vouchers.address(), *it.tracker.address());
    let other = deploy(&base.devnet, "work-misses", links.abi_encode_params()).await;
    let other = bpe_abi::IWorkMisses::new(other, &base.provider);
    let task = court.task(1, usdcx(1));
    it.core.advance(6);
    let report = other.reportMiss(task, Bytes::new()).from(court.source());
    assert!(report.call().await.is_err());
    assert_eq!(court.pending().await, 0);
}
