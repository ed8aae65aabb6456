//! Every function, error, event and access rule, with exact values.

use std::borrow::BorrowMut;

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    clock::testing::{advance_time, timestamp},
    ownable::{self, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use motsu::prelude::*;

use super::{adapter, contract::*, *};

fn good(
    ledger: &Contract<ReputationLedger>,
    account: Address,
    domain: B256,
    points: u64,
) -> Result<(), Error> {
    ledger
        .sender(adapter(domain))
        .record_positive(account, domain, n(points))
        .motsu_res()
}

fn bad(
    ledger: &Contract<ReputationLedger>,
    account: Address,
    domain: B256,
    points: u64,
) -> Result<(), Error> {
    ledger
        .sender(adapter(domain))
        .record_negative(account, domain, n(points))
        .motsu_res()
}

fn reputation(
    ledger: &Contract<ReputationLedger>,
    account: Address,
    domain: B256,
) -> DomainReputation {
    ledger.sender(BOB).get_domain_reputation(account, domain)
}

fn score(ledger: &Contract<ReputationLedger>, account: Address, domain: B256) -> U256 {
    reputation(ledger, account, domain).score
}

fn discount(ledger: &Contract<ReputationLedger>, account: Address, domain: B256) -> U256 {
    ledger.sender(BOB).get_stake_discount(account, domain)
}

fn aggregate(ledger: &Contract<ReputationLedger>, account: Address) -> U256 {
    ledger.sender(BOB).get_aggregate_reputation(account)
}

fn weigh(ledger: &Contract<ReputationLedger>, domain: B256, weight: u64) {
    ledger
        .sender(OWNER)
        .set_domain_weight(domain, n(weight))
        .motsu_unwrap();
}

#[motsu::test]
fn constants(it: Contract<ReputationLedger>, caller: Address) {
    let it = it.sender(caller);
    assert_eq!(it.bps(), n(10_000));
    assert_eq!(it.max_score(), n(10_000));
    assert_eq!(it.negative_weight(), n(3));
    assert_eq!(it.max_discount_bps(), n(5_000));
    assert_eq!(it.max_domains(), n(16));
}

#[motsu::test]
fn needs_an_owner(it: Contract<ReputationLedger>, caller: Address) {
    let owner = Address::ZERO;
    let error = it.sender(caller).constructor(owner).motsu_unwrap_err();
    let expected = ownable::Error::InvalidOwner(OwnableInvalidOwner { owner });
    assert_eq!(error, Error::Ownable(expected));
}

#[motsu::test]
fn one_bad_record_costs_three_good_ones() {
    let it = ledger();
    for _ in 0..3 {
        good(&it, ALICE, RELAY, 10).unwrap();
    }
    assert_eq!(score(&it, ALICE, RELAY), n(30));
    it.assert_emitted(&ReputationUpdated {
        account: ALICE,
        domain: RELAY,
        newScore: n(30),
        aggregateScore: n(30),
    });
    bad(&it, ALICE, RELAY, 10).unwrap();
    assert_eq!(score(&it, ALICE, RELAY), n(0));
    // A record of zero is a record.
    let domains = it.sender(BOB).get_account_domains(ALICE);
    assert_eq!(domains, [RELAY]);
    assert_eq!(score(&it, BOB, RELAY), n(0));
    assert_eq!(it.sender(BOB).get_account_domains(BOB), Vec::<B256>::new());
}

#[motsu::test]
fn scores_stay_between_their_bounds() {
    let it = ledger();
    good(&it, ALICE, RELAY, 10_000).unwrap();
    good(&it, ALICE, RELAY, 10_000).unwrap();
    assert_eq!(score(&it, ALICE, RELAY), n(10_000));
    bad(&it, ALICE, RELAY, 1).unwrap();
    assert_eq!(score(&it, ALICE, RELAY), n(9_997));
    bad(&it, ALICE, RELAY, 10_000).unwrap();
    bad(&it, ALICE, RELAY, 10_000).unwrap();
    assert_eq!(score(&it, ALICE, RELAY), n(0));
    good(&it, ALICE, RELAY, 1).unwrap();
    assert_eq!(score(&it, ALICE, RELAY), n(1));
}

#[motsu::test]
fn no_points_are_no_record_and_too_many_are_all_there_are() {
    let it = ledger();
    let by = || it.sender(adapter(RELAY));
    let up = by().record_positive(ALICE, RELAY, n(0)).motsu_unwrap_err();
    let down = by().record_negative(ALICE, RELAY, n(0)).motsu_unwrap_err();
    assert_eq!([up, down], [0, 0].map(|_| InvalidPoints {}.into()));
    assert_eq!(
        it.sender(BOB).get_account_domains(ALICE),
        Vec::<B256>::new()
    );
    // The reference's value: 10 000, without a refusal.
    for points in [n(10_001), n(65_536 + 5), U256::MAX] {
        by().record_positive(ALICE, RELAY, points).motsu_unwrap();
        assert_eq!(score(&it, ALICE, RELAY), n(10_000));
        by().record_negative(ALICE, RELAY, points).motsu_unwrap();
        assert_eq!(score(&it, ALICE, RELAY), n(0));
    }
}

#[motsu::test]
fn a_record_says_how_much_and_since_when() {
    let it = ledger();
    let nothing = DomainReputation {
        score: n(0),
        stakeDuration: n(0),
        completions: n(0),
        slashCount: n(0),
        lastUpdated: n(0),
    };
    assert_eq!(reputation(&it, ALICE, RELAY), nothing);
    let began = timestamp();
    good(&it, ALICE, RELAY, 100).unwrap();
    assert_eq!(
        reputation(&it, ALICE, RELAY),
        DomainReputation {
            score: n(100),
            stakeDuration: n(0),
            completions: n(1),
            slashCount: n(0),
            lastUpdated: n(began),
        }
    );
    advance_time(1_000);
    good(&it, ALICE, RELAY, 100).unwrap();
    advance_time(234);
    bad(&it, ALICE, RELAY, 7).unwrap();
    // Another domain is another record.
    advance_time(5);
    bad(&it, ALICE, CLAW, 1).unwrap();
    assert_eq!(
        reputation(&it, ALICE, RELAY),
        DomainReputation {
            score: n(179),
            stakeDuration: n(1_234),
            completions: n(2),
            slashCount: n(1),
            lastUpdated: n(began + 1_234),
        }
    );
    assert_eq!(reputation(&it, ALICE, CLAW).slashCount, n(1));
    assert_eq!(reputation(&it, ALICE, CLAW).lastUpdated, n(began + 1_239));
    assert_eq!(reputation(&it, ALICE, LIGHTNING), nothing);
    assert_eq!(reputation(&it, ALICE, NOWHERE), nothing);
    assert_eq!(reputation(&it, BOB, RELAY), nothing);
}

#[motsu::test]
fn the_aggregate_is_the_best_of_what_is_earned_less_all_that_is_owed() {
    let it = ledger();
    assert_eq!(aggregate(&it, ALICE), n(0));
    good(&it, ALICE, RELAY, 9_000).unwrap();
    assert_eq!(aggregate(&it, ALICE), n(9_000));
    good(&it, ALICE, CLAW, 1_000).unwrap();
    it.assert_emitted(&ReputationUpdated {
        account: ALICE,
        domain: CLAW,
        newScore: n(1_000),
        aggregateScore: n(9_000),
    });
    // Each by its weight over the greatest.
    for (domain, weight) in [(RELAY, 1), (CLAW, 2), (LIGHTNING, 2)] {
        weigh(&it, domain, weight);
    }
    assert_eq!(aggregate(&it, ALICE), n(4_500));
    bad(&it, ALICE, LIGHTNING, 1_000).unwrap();
    assert_eq!(aggregate(&it, ALICE), n(1_500));
    assert_eq!(it.sender(BOB).get_owed(ALICE, LIGHTNING), n(3_000));
    assert_eq!(it.sender(BOB).get_owed(ALICE, NOWHERE), n(0));
    weigh(&it, LIGHTNING, 0);
    assert_eq!(aggregate(&it, ALICE), n(4_500));
    for domain in [RELAY, CLAW] {
        weigh(&it, domain, 0);
    }
    assert_eq!(aggregate(&it, ALICE), n(0));
    assert_eq!(discount(&it, ALICE, NOWHERE), n(0));
    assert_eq!(aggregate(&it, BOB), n(0));
}

#[motsu::test]
fn the_discount_comes_from_the_other_domains() {
    let it = ledger();
    good(&it, ALICE, RELAY, 8_000).unwrap();
    assert_eq!(discount(&it, ALICE, RELAY), n(0));
    assert_eq!(discount(&it, ALICE, CLAW), n(4_000));
    good(&it, ALICE, LIGHTNING, 4_001).unwrap();
    // Half of 4001, rounded down.
    assert_eq!(discount(&it, ALICE, RELAY), n(2_000));
    assert_eq!(discount(&it, ALICE, LIGHTNING), n(4_000));
    assert_eq!(discount(&it, ALICE, CLAW), n(4_000));
    assert_eq!(discount(&it, ALICE, NOWHERE), n(4_000));
    for domain in [RELAY, LIGHTNING] {
        good(&it, ALICE, domain, 10_000).unwrap();
    }
    assert_eq!(discount(&it, ALICE, CLAW), n(5_000));
    // A bad record costs everywhere, in its own domain as well.
    bad(&it, ALICE, CLAW, 100).unwrap();
    for domain in [RELAY, LIGHTNING, CLAW, NOWHERE] {
        assert_eq!(discount(&it, ALICE, domain), n(4_850));
    }
    assert_eq!(discount(&it, BOB, CLAW), n(0));
}

/// +10 in a second domain cost a discount, and a stranger could take the relay off for it.
#[motsu::test]
fn a_good_record_never_costs_a_discount() {
    let it = ledger();
    good(&it, ALICE, RELAY, 10_000).unwrap();
    bad(&it, ALICE, RELAY, 7).unwrap();
    let all = || [RELAY, LIGHTNING, CLAW, NOWHERE].map(|domain| discount(&it, ALICE, domain));
    let mut before = (all(), aggregate(&it, ALICE));
    for (domain, points) in [
        (CLAW, 10),
        (CLAW, 1),
        (LIGHTNING, 10),
        (RELAY, 5),
        (RELAY, 500),
    ] {
        good(&it, ALICE, domain, points).unwrap();
        let after = (all(), aggregate(&it, ALICE));
        let lost = before.0.iter().zip(after.0).any(|(then, now)| now < *then);
        assert!(!lost && after.1 >= before.1, "{domain} {points}");
        before = after;
    }
    // Where all is earned, good records pay off what is owed.
    assert_eq!(it.sender(BOB).get_owed(ALICE, RELAY), n(0));
}

/// However little there is to lose.
#[motsu::test]
fn a_bad_record_always_costs() {
    let it = ledger();
    good(&it, ALICE, RELAY, 5_000).unwrap();
    for domain in [CLAW, LIGHTNING, RELAY, CLAW] {
        let before = (aggregate(&it, ALICE), discount(&it, ALICE, CLAW));
        bad(&it, ALICE, domain, 10).unwrap();
        let after = (aggregate(&it, ALICE), discount(&it, ALICE, CLAW));
        assert_eq!((before.0 - after.0, before.1 - after.1), (n(30), n(15)));
    }
}

#[motsu::test]
fn slashes_are_recorded_by_task_type() {
    let it = ledger();
    let (task, other) = (B256::repeat_byte(0x7a), B256::repeat_byte(0x7b));
    it.sender(OWNER)
        .set_task_type_domain(task, CLAW)
        .motsu_unwrap();
    it.assert_emitted(&TaskTypeDomainSet {
        taskTypeId: task,
        domain: CLAW,
    });
    assert_eq!(it.sender(BOB).domain_of(task), CLAW);
    let slash = |by: Address, id| it.sender(by).record_slash(id, ALICE).motsu_res();
    good(&it, ALICE, RELAY, 5_000).unwrap();
    assert_eq!(slash(BOB, task), Err(NotAuthorized {}.into()));
    slash(adapter(CLAW), task).unwrap();
    assert_eq!(aggregate(&it, ALICE), n(3_500));
    assert_eq!(reputation(&it, ALICE, CLAW).slashCount, n(1));
    // Of no domain: nothing, by whomever.
    slash(BOB, other).unwrap();
    assert_eq!(aggregate(&it, ALICE), n(3_500));
    let set = |by: Address, domain| it.sender(by).set_task_type_domain(task, domain).motsu_res();
    assert_eq!(set(OWNER, NOWHERE), Err(DomainNotRegistered {}.into()));
    let account = BOB;
    let error = ownable::Error::Unauthorized(OwnableUnauthorizedAccount { account });
    assert_eq!(set(BOB, CLAW), Err(Error::Ownable(error)));
    set(OWNER, B256::ZERO).unwrap();
    slash(adapter(CLAW), task).unwrap();
    assert_eq!(aggregate(&it, ALICE), n(3_500));
    assert_eq!(it.sender(BOB).slash_points(), n(500));
}

#[motsu::test]
fn anyone_can_have_a_discount_put_on_record() {
    let it = ledger();
    good(&it, ALICE, RELAY, 8_000).unwrap();
    let applied = it.sender(BOB).apply_stake_discount(ALICE, CLAW);
    assert_eq!(applied, n(4_000));
    it.assert_emitted(&StakeDiscountApplied {
        account: ALICE,
        domain: CLAW,
        discountBps: n(4_000),
    });
    assert_eq!(discount(&it, ALICE, CLAW), n(4_000));
}

#[motsu::test]
fn recorders_are_of_a_domain() {
    let it = ledger();
    let try_record = |by: Address, domain| {
        [
            it.sender(by)
                .record_positive(ALICE, domain, n(1))
                .motsu_res(),
            it.sender(by)
                .record_negative(ALICE, domain, n(1))
                .motsu_res(),
        ]
    };
    let refused: [Result<(), Error>; 2] = [0, 0].map(|_| Err(NotAuthorized {}.into()));
    let unknown: [Result<(), Error>; 2] = [0, 0].map(|_| Err(DomainNotRegistered {}.into()));
    let may = |domain, recorder| it.sender(BOB).authorized_recorders(domain, recorder);
    for by in [OWNER, ALICE, BOB, adapter(CLAW), Address::ZERO] {
        assert_eq!(try_record(by, RELAY), refused);
        assert!(!may(RELAY, by));
    }
    assert_eq!(try_record(adapter(RELAY), NOWHERE), unknown);
    it.sender(OWNER)
        .authorize_recorder(RELAY, BOB)
        .motsu_unwrap();
    it.assert_emitted(&RecorderSet {
        domain: RELAY,
        recorder: BOB,
        authorized: true,
    });
    assert_eq!(try_record(BOB, RELAY), [Ok(()), Ok(())]);
    assert_eq!(try_record(BOB, CLAW), refused);
    assert!(may(RELAY, BOB) && may(RELAY, adapter(RELAY)) && !may(CLAW, BOB));
    it.sender(OWNER).revoke_recorder(RELAY, BOB).motsu_unwrap();
    it.assert_emitted(&RecorderSet {
        domain: RELAY,
        recorder: BOB,
        authorized: false,
    });
    assert_eq!(try_record(BOB, RELAY), refused);
    assert_eq!(try_record(adapter(RELAY), RELAY), [Ok(()), Ok(())]);
}

#[motsu::test]
fn an_adapter_can_be_replaced_and_revoked() {
    let it = ledger();
    let adapter_of = |domain| it.sender(BOB).get_domain(domain).unwrap().0;
    it.sender(OWNER)
        .set_domain_adapter(RELAY, BOB)
        .motsu_unwrap();
    it.assert_emitted(&DomainAdapterSet {
        domain: RELAY,
        adapter: BOB,
    });
    assert_eq!(adapter_of(RELAY), BOB);
    let refused: Result<(), Error> = Err(NotAuthorized {}.into());
    assert_eq!(good(&it, ALICE, RELAY, 1), refused);
    it.sender(BOB)
        .record_positive(ALICE, RELAY, n(1))
        .motsu_unwrap();
    // Revoked beside, it is not revoked as adapter by halves.
    it.sender(OWNER)
        .authorize_recorder(RELAY, BOB)
        .motsu_unwrap();
    it.sender(OWNER).revoke_recorder(RELAY, BOB).motsu_unwrap();
    it.assert_emitted(&DomainAdapterSet {
        domain: RELAY,
        adapter: Address::ZERO,
    });
    assert_eq!(adapter_of(RELAY), Address::ZERO);
    for by in [BOB, Address::ZERO] {
        let error = it.sender(by).record_positive(ALICE, RELAY, n(1));
        assert_eq!(error.motsu_res(), refused);
        assert!(!it.sender(BOB).authorized_recorders(RELAY, by));
    }
    // Revoking somebody else leaves the adapter alone.
    it.sender(OWNER).revoke_recorder(CLAW, BOB).motsu_unwrap();
    assert_eq!(adapter_of(CLAW), adapter(CLAW));
}

#[motsu::test]
fn domains_are_registered_once_and_counted() {
    let it = empty();
    assert_eq!(it.sender(BOB).get_domains(), Vec::<B256>::new());
    let register = |id: u8| {
        let domain = B256::repeat_byte(id);
        it.sender(OWNER)
            .register_domain(domain, adapter(domain))
            .motsu_res()
    };
    // The zero id is one as well.
    for id in 0..16 {
        register(id).unwrap();
    }
    it.assert_emitted(&DomainRegistered {
        domain: B256::repeat_byte(15),
        adapter: adapter(B256::repeat_byte(15)),
    });
    assert_eq!(
        [register(0), register(15)],
        [0, 0].map(|_| Err(DomainAlreadyRegistered {}.into()))
    );
    let maximum = n(16);
    assert_eq!(register(16), Err(TooManyDomains { maximum }.into()));
    let ids: Vec<_> = (0..16).map(B256::repeat_byte).collect();
    assert_eq!(it.sender(BOB).get_domains(), ids);
    // Each with a weight, and a score, of its own.
    for (index, id) in ids.iter().enumerate() {
        let number = index as u64;
        assert_eq!(
            it.sender(BOB).get_domain(*id).unwrap(),
            (adapter(*id), n(10_000))
        );
        weigh(&it, *id, 65_535 - number);
        good(&it, ALICE, *id, 10_000 - number).unwrap();
    }
    for (index, id) in ids.iter().enumerate() {
        let number = index as u64;
        let weight = it.sender(BOB).get_domain(*id).unwrap().1;
        assert_eq!(weight, n(65_535 - number));
        assert_eq!(score(&it, ALICE, *id), n(10_000 - number));
    }
    assert_eq!(it.sender(BOB).get_account_domains(ALICE), ids);
    let unknown = it.sender(BOB).get_domain(NOWHERE);
    assert_eq!(unknown, Err(DomainNotRegistered {}.into()));
}

#[motsu::test]
fn weights_have_a_bound() {
    let it = ledger();
    weigh(&it, RELAY, 65_535);
    it.assert_emitted(&DomainWeightSet {
        domain: RELAY,
        weight: n(65_535),
    });
    for weight in [n(65_536), U256::MAX] {
        let error = it.sender(OWNER).set_domain_weight(RELAY, weight);
        assert_eq!(error.motsu_res(), Err(InvalidWeight { weight }.into()));
    }
    assert_eq!(it.sender(BOB).get_domain(RELAY).unwrap().1, n(65_535));
}

#[motsu::test]
fn what_the_owner_alone_may() {
    let it = ledger();
    for account in [ALICE, adapter(RELAY), Address::ZERO] {
        let calls: [Result<(), Error>; 5] = [
            it.sender(account).register_domain(NOWHERE, BOB).motsu_res(),
            it.sender(account)
                .set_domain_adapter(RELAY, BOB)
                .motsu_res(),
            it.sender(account)
                .set_domain_weight(RELAY, n(1))
                .motsu_res(),
            it.sender(account)
                .authorize_recorder(RELAY, BOB)
                .motsu_res(),
            it.sender(account).revoke_recorder(RELAY, BOB).motsu_res(),
        ];
        for call in calls {
            let error = ownable::Error::Unauthorized(OwnableUnauthorizedAccount { account });
            assert_eq!(call, Err(Error::Ownable(error)));
        }
    }
    let unknown: [Result<(), Error>; 4] = [
        it.sender(OWNER)
            .set_domain_adapter(NOWHERE, BOB)
            .motsu_res(),
        it.sender(OWNER)
            .set_domain_weight(NOWHERE, n(1))
            .motsu_res(),
        it.sender(OWNER)
            .authorize_recorder(NOWHERE, BOB)
            .motsu_res(),
        it.sender(OWNER).revoke_recorder(NOWHERE, BOB).motsu_res(),
    ];
    for call in unknown {
        assert_eq!(call, Err(DomainNotRegistered {}.into()));
    }
    let mut contract = it.sender(OWNER);
    let ownable: &mut Ownable = (*contract).borrow_mut();
    assert_eq!(ownable.owner(), OWNER);
}
