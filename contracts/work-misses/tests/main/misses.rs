//! Misses: what is reported, answered and settled, and when. With the real WorkLedger, WorkVouchers, WorkReserve and StakeManager.

pub(crate) use bpe_common::judging::{to_epoch, EpochRecord, Verdict, MISSED};
use bpe_common::signature::{ECDSAInvalidSignatureLength, Error as SignatureError};

pub(crate) use crate::{
    contract::{self, Error, NotSigned, SignedReceipt, SignedWork, WorkMisses},
    judge::{self, Judge},
    market::*,
    reserve,
    stake_manager::StakeManager,
};

/// A wei of payment, and of stake.
pub(crate) const ONE: u128 = 1_000_000_000_000_000_000;
/// Rates of stake for payment: two for one.
pub(crate) const TWO: u128 = 2 * ONE;
pub(crate) const TREASURY: Address = Address::repeat_byte(0x7e);
/// What most tasks cost, in wei, and their work: what that buys at the base fee.
pub(crate) const VALUE: u128 = 1_000_000_000_000_000;
pub(crate) const WORK: u128 = 300 * UNIT;

/// A market with Judge, whose sink has staked 100 tokens. CompletionTracker is an account in whose name Judge is told what the
/// test says.
pub(crate) struct Court {
    pub(crate) market: Market,
    pub(crate) desk: Contract<WorkMisses>,
    pub(crate) judge: Contract<Judge>,
    pub(crate) stakes: Contract<StakeManager>,
    pub(crate) stake_token: Contract<Token>,
    pub(crate) tracker: Contract<Token>,
    /// The first epoch in which anything can be owed.
    pub(crate) first: u32,
}

impl Court {
    pub(crate) fn new() -> Self {
        let it = Self::closed();
        it.name_desk().unwrap();
        it.stakes.sender(OWNER).open().motsu_unwrap();
        it
    }

    /// WorkMisses is not named yet, and staking not open.
    pub(crate) fn closed() -> Self {
        let it = Self {
            market: Market::new(),
            desk: Contract::new(),
            judge: Contract::new(),
            stakes: Contract::new(),
            stake_token: Contract::new(),
            tracker: Contract::new(),
            first: to_epoch(timestamp()),
        };
        let (stakes, registry) = (it.stakes.address(), it.market.registry.address());
        let build =
            it.stakes
                .sender(OWNER)
                .constructor(it.stake_token.address(), w(ONE), w(ONE), 0, OWNER);
        build.motsu_unwrap();
        let set = it.stakes.sender(OWNER).set_treasury(TREASURY);
        set.motsu_unwrap();
        it.market.registry.sender(OWNER).set_stake_manager(stakes);
        let (tracker, ledger) = (it.tracker.address(), it.market.ledger.address());
        let build = it
            .judge
            .sender(OWNER)
            .constructor(tracker, registry, stakes, w(ONE), ledger);
        build.motsu_unwrap();
        let set = it
            .stakes
            .sender(OWNER)
            .set_slasher(it.judge.address(), true);
        set.motsu_unwrap();
        let vouchers = it.market.vouchers.address();
        let build = it.desk.sender(OWNER).constructor(vouchers, tracker);
        build.motsu_unwrap();
        it
    }

    pub(crate) fn name_desk(&self) -> Result<(), crate::ledger::Error> {
        let desk = self.desk.address();
        let mut ledger = self.market.ledger.sender(OWNER);
        ledger.set_work_misses(desk).motsu_res()
    }

    /// The sink stakes so many tokens.
    pub(crate) fn stake(&self, tokens: u128) {
        let amount = w(tokens * ONE);
        self.stake_token.sender(OWNER).mint(sink(), amount);
        self.stakes.sender(sink()).stake(amount).motsu_unwrap();
    }

    pub(crate) fn staked(&self) -> u128 {
        self.stakes.sender(OWNER).get_stake(sink()).to()
    }

    /// A task that the sink accepts now, and that is due in ten seconds.
    pub(crate) fn task(&self, number: u64) -> SignedWork {
        self.assignment(number, WORK, VALUE, timestamp() + 10)
    }

    pub(crate) fn assignment(
        &self,
        number: u64,
        work: u128,
        value: u128,
        deadline: u64,
    ) -> SignedWork {
        let mut it = SignedWork {
            taskTypeId: CODE,
            sink: sink(),
            source: source(),
            taskId: n(number).into(),
            work: w(work),
            value: w(value),
            timestamp: n(timestamp()),
            deadline: n(deadline),
            sinkSig: Bytes::new(),
            sourceSig: Bytes::new(),
        };
        self.sign(&mut it, &key(2), &key(1));
        it
    }

    pub(crate) fn sign(&self, it: &mut SignedWork, source: &SigningKey, sink: &SigningKey) {
        let digest = self.market.digest(assignment_message(it));
        it.sinkSig = sign(sink, digest);
        it.sourceSig = sign(source, digest);
    }

    /// The source reports.
    pub(crate) fn report(&self, task: SignedWork) -> Result<(), Error> {
        let source = task.source;
        self.relay(task, Bytes::new(), source)
    }

    pub(crate) fn relay(
        &self,
        task: SignedWork,
        report: Bytes,
        caller: Address,
    ) -> Result<(), Error> {
        let report = report.to_vec().into();
        self.desk
            .sender(caller)
            .report_miss(task, report)
            .motsu_res()
    }

    /// Has the sink miss a task of such work and value in this epoch.
    pub(crate) fn miss(&self, number: u64, work: u128, value: u128) {
        let task = self.assignment(number, work, value, timestamp() + 1);
        advance_time(2);
        self.report(task).expect("all is in order");
    }

    /// Of the owner of the key.
    pub(crate) fn receipt(&self, number: u64, key: &SigningKey) -> SignedReceipt {
        receipt_of(number, (address(key), key), self.tracker.address(), 42_161)
    }

    pub(crate) fn answer(&self, receipt: SignedReceipt) -> Result<(), Error> {
        self.desk.sender(THIRD).answer_miss(receipt).motsu_res()
    }

    pub(crate) fn settle(&self, epoch: u32) -> Result<(u128, u128), Error> {
        let mut desk = self.desk.sender(THIRD);
        let settled = desk.settle_misses(CODE, sink(), U256::from(epoch));
        settled
            .motsu_res()
            .map(|(work, value)| (work.to(), value.to()))
    }

    pub(crate) fn pending(&self) -> u128 {
        let reserve = self.market.reserve.sender(THIRD);
        reserve.get_pending(CODE, self.desk.address(), sink()).to()
    }

    /// Unspent of the source, owed to the sink, owed to the treasury, pending.
    pub(crate) fn books(&self) -> (u128, u128, u128, u128) {
        let it = self.market.reserve.sender(THIRD);
        (
            self.market.funds(source()).0,
            it.get_owed(CODE, sink()).to(),
            it.get_owed(CODE, TREASURY).to(),
            self.pending(),
        )
    }

    /// What has reached the reserve, in its books and as tokens that it has or can claim.
    pub(crate) fn is_covered(&self) -> bool {
        let it = self.market.reserve.sender(THIRD);
        let (held, received, owed) = it.get_holdings(CODE);
        let pending = w(self.pending());
        let reserve = self.market.reserve.address();
        let pool = self.market.pool.sender(THIRD);
        let all = pool.get_total_amount_received_by_member(reserve);
        let there = held + all - received;
        there >= owed + pending + w(self.market.funds(source()).0)
    }

    // --- As CompletionTracker

    pub(crate) fn tell(
        &self,
        from: u32,
        records: &[EpochRecord],
    ) -> Result<Vec<Verdict>, judge::Error> {
        let words = records.iter().map(|it| it.word().into()).collect();
        let (from, tracker) = (U256::from(from), self.tracker.address());
        let told = self
            .judge
            .sender(tracker)
            .judge(CODE, sink(), from, from, THIRD, n(0), words)
            .motsu_res()?;
        Ok(told.into_iter().map(|it| B256::from(it).into()).collect())
    }

    /// Has as many epochs judged by misses, from the next one on.
    pub(crate) fn advance(&self, count: usize, rate: u128) -> Result<Vec<Verdict>, judge::Error> {
        self.tell(self.next(), &vec![by_misses(rate); count])
    }

    pub(crate) fn next(&self) -> u32 {
        self.standing()[0].to::<u32>().max(self.first)
    }

    /// Next, below, absent, rate, stake, since, bound, boundUntil, lost.
    pub(crate) fn standing(&self) -> [U256; 9] {
        let it = self.judge.sender(OWNER).get_standing(CODE, sink());
        [it.0, it.1, it.2, it.3, it.4, it.5, it.6, it.7, it.8]
    }

    pub(crate) fn below(&self) -> u32 {
        self.standing()[1].to()
    }
}

pub(crate) fn by_misses(rate: u128) -> EpochRecord {
    EpochRecord {
        yardstick: MISSED,
        weight: rate,
        ..EpochRecord::default()
    }
}

pub(crate) fn to_next_epoch() {
    advance_time(300 - timestamp() % 300);
}

pub(crate) const REPORT: &str = "MissReport(bytes32 taskTypeId,address sink,bytes32 taskId)";
pub(crate) const RECEIPT: &str = "CompletionReceipt(bytes32 taskTypeId,address sink,address source,bytes32 taskId,uint256 timestamp)";

pub(crate) fn assignment_message(it: &SignedWork) -> B256 {
    hash_words(&[
        keccak256(ASSIGNMENT),
        it.taskTypeId,
        it.sink.into_word(),
        it.source.into_word(),
        it.taskId,
        it.work.into(),
        it.value.into(),
        it.timestamp.into(),
        it.deadline.into(),
    ])
}

/// What `key` signs in the name of `source`, for the contract on a chain.
pub(crate) fn receipt_of(
    number: u64,
    (source, key): (Address, &SigningKey),
    contract: Address,
    chain: u64,
) -> SignedReceipt {
    let mut it = SignedReceipt {
        taskTypeId: CODE,
        sink: sink(),
        source,
        taskId: n(number).into(),
        timestamp: n(timestamp()),
        sourceSig: Bytes::new(),
    };
    let message = hash_words(&[
        keccak256(RECEIPT),
        it.taskTypeId,
        it.sink.into_word(),
        it.source.into_word(),
        it.taskId,
        it.timestamp.into(),
    ]);
    let domain = hash_words(&[
        DOMAIN_TYPEHASH,
        keccak256("BPE-CompletionTracker"),
        keccak256("1"),
        n(chain).into(),
        contract.into_word(),
    ]);
    it.sourceSig = sign(
        key,
        keccak256([&[0x19, 0x01], &domain[..], &message[..]].concat()),
    );
    it
}

pub(crate) fn report_message(task: &SignedWork) -> B256 {
    hash_words(&[
        keccak256(REPORT),
        task.taskTypeId,
        task.sink.into_word(),
        task.taskId,
    ])
}

/// What WorkReserve refused with, as Judge passes it on.
pub(crate) fn refused(error: impl Into<reserve::Error>) -> Result<(), Error> {
    let error: Vec<u8> = error.into().into();
    Err(bpe_common::call::Revert(error).into())
}

#[test]
fn types_are_hashed_as_they_say() {
    let typehash = bpe_common::eip712::ASSIGNMENT_TYPEHASH;
    assert_eq!(typehash, keccak256(ASSIGNMENT));
    assert_eq!(contract::REPORT_TYPEHASH, keccak256(REPORT));
    assert_eq!(contract::RECEIPT_TYPEHASH, keccak256(RECEIPT));
    assert_eq!(judge::MISS_REASON, keccak256("WORK_MISSED"));
}

#[test]
fn a_report_takes_from_its_source_and_an_answer_gives_to_the_sink() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let (unspent, owed, treasury, _) = it.books();
    let task = it.task(7);
    advance_time(11);
    it.report(task).unwrap();
    it.desk.assert_emitted(&contract::MissReported {
        taskTypeId: CODE,
        sink: sink(),
        source: source(),
        taskId: n(7).into(),
        work: w(WORK),
        value: w(VALUE),
        deadline: n(timestamp() - 1),
    });
    assert_eq!(it.books(), (unspent - VALUE, owed, treasury, VALUE));
    assert!(it.is_covered());
    it.answer(it.receipt(7, &key(2))).unwrap();
    assert_eq!(it.books(), (unspent - VALUE, owed + VALUE, treasury, 0));
    assert!(it.is_covered());
    // Once.
    let again = it.answer(it.receipt(7, &key(2)));
    let task_id = n(7).into();
    assert_eq!(again, Err(contract::NoSuchMiss { taskId: task_id }.into()));
    // What is answered costs the sink nothing, and the treasury gets nothing of it.
    advance_time(4_500);
    assert_eq!(it.settle(it.first), Ok((0, 0)));
    assert_eq!(it.books(), (unspent - VALUE, owed + VALUE, treasury, 0));
    // It is paid like anything else.
    let before = it.market.balance(sink());
    let pay = it.market.reserve.sender(THIRD).pay_out(CODE, sink());
    pay.motsu_unwrap();
    assert_eq!(it.market.balance(sink()), before + VALUE);
}

#[test]
fn what_is_not_answered_is_the_treasurys() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let (unspent, owed, _, _) = it.books();
    it.miss(1, WORK, VALUE);
    it.miss(2, WORK, VALUE);
    to_next_epoch();
    advance_time(4_199);
    let available_at = n(timestamp() + 1);
    let early = contract::SettledTooEarly {
        availableAt: available_at,
    };
    assert_eq!(it.settle(it.first), Err(early.into()));
    advance_time(1);
    for _ in 0..2 {
        assert_eq!(it.settle(it.first), Ok((2 * WORK, 2 * VALUE)));
        assert_eq!(it.books(), (unspent - 2 * VALUE, owed, 2 * VALUE, 0));
    }
    it.desk.assert_emitted(&contract::MissesSettled {
        taskTypeId: CODE,
        sink: sink(),
        treasury: TREASURY,
        epoch: U256::from(it.first),
        work: w(2 * WORK),
        value: w(2 * VALUE),
    });
    let pay = it.market.reserve.sender(THIRD).pay_out(CODE, TREASURY);
    pay.motsu_unwrap();
    assert_eq!(it.market.balance(TREASURY), 2 * VALUE);
    assert!(it.is_covered());
}

/// V falls by what was missed, when it is settled.
#[test]
fn what_was_missed_is_not_shown() {
    let _precompiles = deploy_precompiles();
    let (it, other) = (Court::new(), Court::new());
    for it in [&it, &other] {
        let voucher = it.market.usual(1_000 * UNIT, VALUE, 1);
        it.market.redeem(voucher).unwrap();
    }
    let due = to_epoch(timestamp() + 10);
    it.miss(1, 400 * UNIT, VALUE);
    to_next_epoch();
    let before = it.market.verified(sink());
    assert_eq!(before, 1_000 * UNIT / 1_000);
    advance_time(4_200);
    let unsettled = it.market.verified(sink());
    assert_eq!(unsettled, other.market.verified(sink()));
    assert_eq!(it.settle(due), Ok((400 * UNIT, VALUE)));
    let now = it.market.verified(sink());
    // Three fifths of the work.
    assert!(now.abs_diff(unsettled * 3 / 5) <= 2, "{now} {unsettled}");
}

#[test]
fn anyone_can_bring_a_report_that_the_source_signed() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let task = it.task(1);
    advance_time(11);
    let signed = sign(&key(2), it.market.digest(report_message(&task)));
    let strangers = sign(&key(3), it.market.digest(report_message(&task)));
    let again = it.task(1);
    let length = ECDSAInvalidSignatureLength { length: n(0) };
    let none = it.relay(task, Bytes::new(), THIRD);
    assert_eq!(none, Err(SignatureError::from(length).into()));
    let error = NotSigned { account: source() };
    let mut task = again;
    (task.timestamp, task.deadline) = (n(timestamp() - 11), n(timestamp() - 1));
    it.sign(&mut task, &key(2), &key(1));
    let mut copy = it.task(1);
    (copy.timestamp, copy.deadline) = (task.timestamp, task.deadline);
    it.sign(&mut copy, &key(2), &key(1));
    assert_eq!(it.relay(copy, strangers, THIRD), Err(error.into()));
    it.relay(task, signed, THIRD).unwrap();
    assert_eq!(it.books().3, VALUE);
}

/// A key that signs for an account at WorkVouchers signs assignments, reports and receipts.
#[test]
fn keys_of_accounts_sign() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    let (of_sink, of_source) = (key(11), key(12));
    for (account, key) in [(sink(), &of_sink), (source(), &of_source)] {
        let add = it
            .market
            .vouchers
            .sender(account)
            .register_key(address(key));
        add.motsu_unwrap();
    }
    let mut task = it.task(1);
    it.sign(&mut task, &of_source, &of_sink);
    let report = sign(&of_source, it.market.digest(report_message(&task)));
    advance_time(11);
    it.relay(task, report, THIRD).unwrap();
    assert_eq!(it.books().3, VALUE);
    let tracker = it.tracker.address();
    let receipt = receipt_of(1, (source(), &of_source), tracker, 42_161);
    it.answer(receipt).unwrap();
    assert_eq!(it.books().3, 0);
}

#[test]
fn a_report_has_its_time() {
    let _precompiles = deploy_precompiles();
    for (late, is_taken) in [(0, false), (1, true), (600, true), (601, false)] {
        let it = Court::new();
        let task = it.task(1);
        let deadline = task.deadline;
        advance_time(10 + late);
        let expected = match is_taken {
            true => Ok(()),
            false => refused(reserve::NotToBeReported { deadline }),
        };
        assert_eq!(it.report(task), expected, "{late}");
    }
    let it = Court::new();
    for (term, is_taken) in [(3_600, true), (3_601, false)] {
        let task = it.assignment(term, WORK, VALUE, timestamp() + term);
        let (timestamp, deadline) = (task.timestamp, task.deadline);
        advance_time(term + 1);
        let expected = match is_taken {
            true => Ok(()),
            false => Err(contract::InvalidTerm {
                timestamp,
                deadline,
            }
            .into()),
        };
        assert_eq!(it.report(task), expected, "{term}");
    }
    // Due before it was accepted.
    let task = it.assignment(9, WORK, VALUE, timestamp() - 1);
    let (timestamp, deadline) = (task.timestamp, task.deadline);
    let expected = contract::InvalidTerm {
        timestamp,
        deadline,
    };
    assert_eq!(it.report(task), Err(expected.into()));
}

#[test]
fn an_answer_has_its_time() {
    let _precompiles = deploy_precompiles();
    for (late, is_taken) in [(3_600, true), (3_601, false)] {
        let it = Court::new();
        it.miss(1, WORK, VALUE);
        let latest = n(timestamp() + 3_600);
        advance_time(late);
        let expected = match is_taken {
            true => Ok(()),
            false => Err(contract::AnswerTooLate { latest }.into()),
        };
        assert_eq!(it.answer(it.receipt(1, &key(2))), expected, "{late}");
    }
}

#[test]
fn a_batch_answers_what_is_good_of_it() {
    let _precompiles = deploy_precompiles();
    let it = Court::new();
    for number in 1..=3 {
        it.miss(number, WORK, VALUE);
    }
    let receipts = vec![
        it.receipt(1, &key(2)),
        // Of another source, and of a task that nobody reported.
        it.receipt(2, &key(3)),
        it.receipt(4, &key(2)),
        it.receipt(3, &key(2)),
    ];
    let answer = it.desk.sender(THIRD).answer_misses(receipts);
    answer.motsu_unwrap();
    let (_, owed, _, pending) = it.books();
    assert_eq!((owed, pending), (2 * VALUE, VALUE));
    let error: Vec<u8> = Error::from(contract::NoSuchMiss {
        taskId: n(4).into(),
    })
    .into();
    it.desk.assert_emitted(&contract::AnswerRejected {
        taskTypeId: CODE,
        sink: sink(),
        source: source(),
        taskId: n(4).into(),
        reason: error[..4].try_into().unwrap(),
    });
    let many = (0..65).map(|number| it.receipt(number, &key(2))).collect();
    let length = n(65);
    let refused = it.desk.sender(THIRD).answer_misses(many).motsu_res();
    assert_eq!(refused, Err(contract::BatchTooLarge { length }.into()));
}

/// Naming WorkMisses is a power over stakes: at once until staking is open, then with notice. One that is replaced gives away what
/// it took.
#[test]
fn it_is_named_with_notice() {
    let _precompiles = deploy_precompiles();
    let it = Court::closed();
    let task = it.task(1);
    advance_time(11);
    let caller = it.desk.address();
    let expected = refused(reserve::UnauthorizedCaller { caller });
    assert_eq!(it.report(task), expected);
    it.stakes.sender(OWNER).open().motsu_unwrap();
    it.name_desk().unwrap();
    let ledger = &it.market.ledger;
    let notice: u64 = it.stakes.sender(OWNER).power_notice().to();
    let announced = (it.desk.address(), n(timestamp() + notice));
    assert_eq!(ledger.sender(OWNER).announced_work_misses(), announced);
    advance_time(notice - 1);
    assert_eq!(ledger.sender(OWNER).work_misses(), Address::ZERO);
    advance_time(1);
    assert_eq!(ledger.sender(OWNER).work_misses(), it.desk.address());
    it.miss(1, WORK, VALUE);
    it.miss(2, WORK, VALUE);
    // Another one waits, and taking it away does not.
    let desk = Contract::<WorkMisses>::new();
    let (vouchers, tracker) = (it.market.vouchers.address(), it.tracker.address());
    let build = desk.sender(OWNER).constructor(vouchers, tracker);
    build.motsu_unwrap();
    let set = ledger.sender(OWNER).set_work_misses(desk.address());
    set.motsu_unwrap();
    assert_eq!(ledger.sender(OWNER).work_misses(), it.desk.address());
    let set = ledger.sender(OWNER).set_work_misses(Address::ZERO);
    set.motsu_unwrap();
    assert_eq!(ledger.sender(OWNER).work_misses(), Address::ZERO);
    it.answer(it.receipt(1, &key(2))).unwrap();
    assert_eq!(it.pending(), VALUE);
}

#[test]
fn only_its_own_is_named_and_by_its_owner() {
    let _precompiles = deploy_precompiles();
    let (it, other) = (Court::closed(), Court::closed());
    let misses = other.desk.address();
    let set = it.market.ledger.sender(OWNER).set_work_misses(misses);
    let error = crate::ledger::ForeignMisses { misses };
    assert_eq!(set.motsu_res(), Err(error.into()));
    let misses = it.desk.address();
    let set = it.market.ledger.sender(THIRD).set_work_misses(misses);
    assert!(set.motsu_res().is_err());
    let set = it.market.ledger.sender(OWNER).set_work_misses(THIRD);
    let error = bpe_common::call::NotAContract { account: THIRD };
    assert_eq!(set.motsu_res(), Err(error.into()));
}
