//! How far a sink trusts a source that has not signed yet: by the sidecar's own book, with the limits it has without
//! being told any.

use alloy::primitives::Address;
use bpe_agent::queue::{Book, Outcome, QueueSettings, Request};

/// Wei that a source may owe that has signed nothing; any source, without an earmark; all strangers together.
pub const FIRST_TRUST: u128 = 10_000_000_000_000_000;
pub const MOST_TRUST: u128 = 1_000_000_000_000_000_000;
pub const MOST_STRANGERS: u128 = 10_000_000_000_000_000_000;

/// A sink's book of what sources owe it. Whether its machine has time for a task is not its business.
#[derive(Clone, Debug)]
pub struct Trust(Book);

impl Default for Trust {
    fn default() -> Self {
        Self(Book::new(QueueSettings {
            at_once: u32::MAX,
            most_waiting: 0,
            most_per_source: u32::MAX,
            first_service_ms: 0,
            first_trust: FIRST_TRUST,
            most_trust: MOST_TRUST,
            most_strangers: MOST_STRANGERS,
        }))
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
        let left = self.0.trust(source).max(earmarked);
        let value = left
            .saturating_sub(self.0.standing(source).outstanding)
            .min(most);
        let request = Request {
            source,
            value,
            earmarked,
            deadline_ms: u64::MAX,
        };
        match value {
            0 => None,
            _ => {
                let (id, _) = self.0.admit(&request, 0).ok()?;
                Some(Trusted { id, value })
            }
        }
    }

    /// The task was done, and the source owes what it is worth; or it was not.
    pub fn end(&mut self, task: &Trusted, is_done: bool) {
        let outcome = match is_done {
            true => Outcome::Done { value: task.value },
            false => Outcome::Failed,
        };
        self.0.end(task.id, outcome, 0);
    }

    /// A source signs for all that it owes.
    pub fn signs(&mut self, source: Address) {
        let owed = self.0.standing(source).outstanding;
        self.0.vouchered(source, owed);
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

    /// Who pays for s may then owe s and a little, up to the most; what is set aside is trusted instead if it is more.
    #[test]
    fn trust_doubles_what_was_paid() {
        let (mut trust, source) = (Trust::default(), Address::with_last_byte(1));
        assert_eq!(done(&mut trust, source, 0), FIRST_TRUST);
        trust.signs(source);
        assert_eq!(done(&mut trust, source, 0), 2 * FIRST_TRUST);
        assert_eq!(
            done(&mut trust, source, 50 * MOST_TRUST),
            50 * MOST_TRUST - 2 * FIRST_TRUST
        );
        trust.signs(source);
        assert_eq!(done(&mut trust, source, 0), MOST_TRUST);
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
