//! What an account earned and owes, a row of numbers each, in the order of domains.

use alloy_primitives::B256;

use super::{MAX_DOMAINS, MAX_SCORE, NEGATIVE_WEIGHT};

/// A number for each domain, in the order of registration. One slot.
pub(super) type Row = [u16; MAX_DOMAINS];

/// The score at `index`, if there is a record: what is earned there less what is owed.
pub(super) fn score(earned: &Row, owed: &Row, index: usize) -> Option<u16> {
    let earned = earned.get(index)?.checked_sub(1)?;
    Some(earned.saturating_sub(*owed.get(index)?))
}

/// Notes a good or a bad record of so many points, 10 000 at most, at `index`.
pub(super) fn record(earned: &mut Row, owed: &mut Row, index: usize, points: u16, is_good: bool) {
    let (Some(earned), Some(owed)) = (earned.get_mut(index), owed.get_mut(index)) else {
        return;
    };
    let before = earned.saturating_sub(1);
    let mut after = before;
    if is_good {
        after = before.saturating_add(points).min(MAX_SCORE);
        // What is beyond the best score pays off.
        let beyond = points.saturating_sub(after.saturating_sub(before));
        *owed = owed.saturating_sub(beyond);
    } else {
        let cost = points.saturating_mul(NEGATIVE_WEIGHT);
        *owed = owed.saturating_add(cost).min(MAX_SCORE);
    }
    *earned = after.saturating_add(1);
}

/// The best of what is earned, each by its weight over the greatest one, but for the one at `except`.
pub(super) fn best(earned: &Row, weights: &Row, except: Option<usize>) -> u64 {
    let greatest = weights.iter().copied().max().unwrap_or_default();
    let all = earned.iter().zip(weights).enumerate();
    let weighted = all
        .filter(|(index, _)| Some(*index) != except)
        // No overflow: two numbers of 16 bits.
        .map(|(_, (earned, weight))| u64::from(earned.saturating_sub(1)) * u64::from(*weight));
    let most = weighted.max().unwrap_or_default();
    most.checked_div(u64::from(greatest)).unwrap_or_default()
}

/// All that is owed, in domains that weigh anything.
pub(super) fn owed(owed: &Row, weights: &Row) -> u64 {
    let counted = owed.iter().zip(weights).filter(|(_, weight)| **weight > 0);
    counted.map(|(owed, _)| u64::from(*owed)).sum()
}

/// A slot as a row: the first number in its lowest bits.
pub(super) fn row(word: B256) -> Row {
    let mut row = Row::default();
    for (number, bytes) in row.iter_mut().zip(word.0.rchunks_exact(2)) {
        *number = bytes
            .iter()
            .fold(0, |high, low| high << 8 | u16::from(*low));
    }
    row
}

/// A row as a slot.
pub(super) fn word(row: &Row) -> B256 {
    let mut word = B256::ZERO;
    for (bytes, number) in word.0.rchunks_exact_mut(2).zip(row) {
        bytes.copy_from_slice(&number.to_be_bytes());
    }
    word
}
