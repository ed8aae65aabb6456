//! How far a sink trusts a source that has not paid yet: by the sidecar's own book, with the limits it has without being
//! told any.

use std::collections::HashMap;

use alloy::primitives::Address;
use bpe_agent::queue::{Book, Outcome, QueueSettings, Request};

/// Wei of work that a source may leave unsigned that has paid for nothing yet; any source; all newcomers together.
pub const FIRST_TRUST: u128 = 10_000_000_000_000_000;
pub const MOST_TRUST: u128 = 1_000_000_000_000_000_000;
pub const MOST_STRANGERS: u128 = 10_000_000_000_000_000_000;

/// A sink's book of what sources owe it. Whether its machine has time for a task is not its business.
#[derive(Clone, Debug)]
pub struct Trust {
    book: Book,
    /// Wei of vouchers that have counted.
    counted: HashMap<Address, u128>,
}

impl Default for Trust {
    fn default() -> Self {
        let book = Book::new(QueueSettings {
            at_once: u32::MAX,
            most_waiting: 0,
            most_per_source: u32::MAX,
            first_service_ms: 0,
            first_trust: FIRST_TRUST,
            most_trust: MOST_TRUST,
            most_strangers: MOST_STRANGERS,
        });
        Self {
            book,
            counted: HashMap::new(),
        }
    }
}

/// A task that a sink trusts a source with.
pub struct Trusted {
    id: u64,
    pub value: u128,
}

impl Trust {
    /// A task worth as much as the source may have done on top of what it owes, and `most` wei at most, with so many
    /// wei set aside for this sink; none, if it may have nothing.
    pub fn admit(&mut self, source: Address, most: u128, earmarked: u128) -> Option<Trusted> {
        let mut request = Request {
            source,
            value: 0,
            earmarked,
            counted: self.counted.get(&source).copied().unwrap_or_default(),
            deadline_ms: u64::MAX,
        };
        request.value = self.book.room(&request, 0).min(most);
        if request.value == 0 {
            return None;
        }
        let (id, _) = self.book.admit(&request, 0).ok()?;
        let value = request.value;
        Some(Trusted { id, value })
    }

    /// The task was done, and the source owes what it is worth; or it was not.
    pub fn end(&mut self, task: &Trusted, is_done: bool) {
        let outcome = match is_done {
            true => Outcome::Done { value: task.value },
            false => Outcome::Failed,
        };
        self.book.end(task.id, outcome, 0);
    }

    /// A source signs for all that it owes.
    pub fn signs(&mut self, source: Address) {
        let owed = self.book.standing(source).outstanding;
        self.book.vouchered(source, owed, owed);
    }

    /// All that a source has signed for has counted.
    pub fn counts(&mut self, source: Address) {
        let signed = self.book.standing(source).signed;
        self.counted.insert(source, signed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(trust: &mut Trust, source: Address, earmarked: u128) -> u128 {
        let mut sum = 0;
        while let Some(task) = trust.admit(source, MOST_TRUST, earmarked) {
            trust.end(&task, true);
            sum += task.value;
        }
        sum
    }

    /// Who has paid s may then owe s and a little, up to the most. What is set aside is trusted for what is signed, and for
    /// nothing else.
    #[test]
    fn trust_doubles_what_was_paid() {
        let (mut trust, source) = (Trust::default(), Address::with_last_byte(1));
        assert_eq!(done(&mut trust, source, 50 * MOST_TRUST), FIRST_TRUST);
        trust.signs(source);
        assert_eq!(done(&mut trust, source, 0), 0);
        assert_eq!(done(&mut trust, source, 50 * MOST_TRUST), 2 * FIRST_TRUST);
        trust.signs(source);
        trust.counts(source);
        assert_eq!(done(&mut trust, source, 0), 4 * FIRST_TRUST);
    }

    /// All strangers together owe a sink no more than their limit, and a task that was not done owes nothing.
    #[test]
    fn strangers_have_a_limit_together() {
        let mut trust = Trust::default();
        let failed = trust.admit(Address::with_last_byte(1), 5, 0).unwrap();
        trust.end(&failed, false);
        let names = (1..=2_000_u64).map(|it| Address::left_padding_from(&it.to_be_bytes()));
        let owed: u128 = names.map(|name| done(&mut trust, name, 0)).sum();
        assert_eq!(owed, MOST_STRANGERS);
    }
}
