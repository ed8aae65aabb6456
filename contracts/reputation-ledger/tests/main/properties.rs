//! Any sequence of records against a model of plain sums.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use motsu::prelude::*;
use proptest::prelude::*;

use super::{adapter, ledger, n, ALICE, BOB, CLAW, LIGHTNING, NOWHERE, OWNER, RELAY};

const DOMAINS: [B256; 3] = [RELAY, LIGHTNING, CLAW];
const ACCOUNTS: [Address; 2] = [ALICE, BOB];

/// The best of what is earned, by weight, but for one domain, less all that is owed.
fn best(standing: &BTreeMap<usize, (u64, u64)>, weights: [u64; 3], except: Option<usize>) -> u64 {
    let greatest = weights.into_iter().max().unwrap();
    let others = standing
        .iter()
        .filter(|(domain, _)| Some(**domain) != except);
    let best = others
        .map(|(domain, (earned, _))| earned * weights[*domain])
        .max();
    let owed = standing.iter().filter(|(domain, _)| weights[**domain] > 0);
    let owed: u64 = owed.map(|(_, (_, owed))| owed).sum();
    let best = best.unwrap_or(0).checked_div(greatest).unwrap_or(0);
    best.saturating_sub(owed)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scores_aggregates_and_discounts_follow_the_records(
        weights in prop::array::uniform3(prop_oneof![0..4_u64, 0..65_536_u64]),
        records in prop::collection::vec((0..2_usize, 0..3_usize, 1..10_001_u64, any::<bool>()), 0..24),
    ) {
        let ledger = ledger();
        for (domain, weight) in DOMAINS.into_iter().zip(weights) {
            ledger.sender(OWNER).set_domain_weight(domain, n(weight)).motsu_unwrap();
        }
        let mut model = [BTreeMap::new(), BTreeMap::new()];
        for (account, domain, points, is_good) in records {
            let (who, id) = (ACCOUNTS[account], DOMAINS[domain]);
            let (earned, owed): &mut (u64, u64) = model[account].entry(domain).or_default();
            let mut context = ledger.sender(adapter(id));
            if is_good {
                let beyond = (*earned + points).saturating_sub(10_000);
                *earned = (*earned + points).min(10_000);
                *owed = owed.saturating_sub(beyond);
                context.record_positive(who, id, n(points)).motsu_unwrap();
            } else {
                *owed = (*owed + 3 * points).min(10_000);
                context.record_negative(who, id, n(points)).motsu_unwrap();
            }
        }
        for (account, scores) in ACCOUNTS.into_iter().zip(&model) {
            let context = ledger.sender(OWNER);
            let domains: Vec<_> = scores.keys().map(|domain| DOMAINS[*domain]).collect();
            prop_assert_eq!(context.get_account_domains(account), domains);
            for (domain, (earned, owed)) in scores {
                let reputation = context.get_domain_reputation(account, DOMAINS[*domain]);
                prop_assert_eq!(reputation.score, n(earned.saturating_sub(*owed)));
            }
            let aggregate = best(scores, weights, None);
            prop_assert_eq!(context.get_aggregate_reputation(account), n(aggregate));
            for (index, id) in DOMAINS.into_iter().enumerate() {
                let expected = best(scores, weights, Some(index)) / 2;
                let discount = context.get_stake_discount(account, id);
                prop_assert_eq!(discount, n(expected));
                prop_assert!(discount <= n(5_000));
            }
            prop_assert_eq!(context.get_stake_discount(account, NOWHERE), n(aggregate / 2));
        }
    }
}
