//! How far a sink trusts a source that has not paid yet: as the sidecar's queue does, with its defaults. The test holds it
//! against that queue.

use std::collections::HashMap;

use alloy::primitives::Address;

/// Wei of work that a source may leave unsigned that has paid for nothing yet; any source; all newcomers together.
pub const FIRST_TRUST: u128 = 10_000_000_000_000_000;
pub const MOST_TRUST: u128 = 1_000_000_000_000_000_000;
pub const MOST_STRANGERS: u128 = 10_000_000_000_000_000_000;

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// Wei of work that was done and that it has not signed for.
    owes: u128,
    /// Wei that it has signed for since ever, and what of it has counted.
    signed: u128,
    counted: u128,
    /// Wei set aside for the sink, as last heard.
    earmarked: u128,
}

impl Standing {
    const fn uncounted(&self) -> u128 {
        self.signed.saturating_sub(self.counted)
    }

    fn covered(&self) -> u128 {
        self.uncounted().min(self.earmarked)
    }

    fn unsecured(&self) -> u128 {
        self.owes + self.uncounted() - self.covered()
    }
}

/// A sink's book of what sources owe it.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    sources: HashMap<Address, Standing>,
}

impl Trust {
    /// What a source may have done on top of what it owes, in wei, with so many wei set aside for this sink.
    pub fn room(&self, source: Address, earmarked: u128) -> u128 {
        let it = Standing {
            earmarked,
            ..self.standing(source)
        };
        let limited = |secured: u128| MOST_TRUST.min(FIRST_TRUST + secured);
        let unsigned = limited(it.counted + it.covered()).saturating_sub(it.owes);
        let secured = limited(it.counted) + earmarked;
        let room = unsigned.min(secured.saturating_sub(it.owes + it.uncounted()));
        if it.counted > 0 {
            return room;
        }
        // Newcomers have a limit together.
        let others = self.sources.iter().filter(|(other, _)| **other != source);
        let strangers = others.map(|(_, it)| it).filter(|it| it.counted == 0);
        let owed: u128 = strangers.map(Standing::unsecured).sum();
        room.min(MOST_STRANGERS.saturating_sub(owed + it.unsecured()))
    }

    /// Work worth so many wei was done for a source, which has set so many aside.
    pub fn owes(&mut self, source: Address, value: u128, earmarked: u128) {
        let it = self.sources.entry(source).or_default();
        it.owes += value;
        it.earmarked = earmarked;
    }

    /// A source signs for all that it owes.
    pub fn signs(&mut self, source: Address) {
        let it = self.sources.entry(source).or_default();
        it.signed += std::mem::take(&mut it.owes);
    }

    /// All that a source has signed for has counted.
    pub fn counts(&mut self, source: Address) {
        let it = self.sources.entry(source).or_default();
        it.counted = it.signed;
    }

    fn standing(&self, source: Address) -> Standing {
        self.sources.get(&source).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use bpe_agent::queue::{Book, Outcome, QueueSettings, Request};

    use super::*;
    use crate::work::Dispatcher;

    fn book() -> Book {
        Book::new(QueueSettings {
            at_once: 1,
            most_waiting: 1,
            most_per_source: 1,
            first_service_ms: 1,
            first_trust: FIRST_TRUST,
            most_trust: MOST_TRUST,
            most_strangers: MOST_STRANGERS,
        })
    }

    /// Of ten thousand tasks of many sources, with and without earmarks, the sidecar's queue takes those for which
    /// there is room here, and no others.
    #[test]
    fn it_trusts_as_far_as_the_sidecar() {
        let (mut trust, mut book, mut random) = (Trust::default(), book(), Dispatcher::new(5));
        let mut counted = HashMap::new();
        let mut taken = 0;
        for _ in 0..10_000 {
            let source = Address::with_last_byte(random.below(60) as u8);
            let value = (random.between(0.0, 0.6).powi(3) * 1e19) as u128;
            let earmarked = match random.below(3) {
                0 => (random.between(0.0, 5.0) * 1e18) as u128,
                _ => 0,
            };
            let request = Request {
                source,
                value,
                earmarked,
                counted: counted.get(&source).copied().unwrap_or_default(),
                deadline_ms: 1_000,
            };
            let admitted = book.admit(&request, 0);
            let room = trust.room(source, earmarked);
            assert_eq!(
                admitted.is_ok(),
                value <= room,
                "{value} {room} {admitted:?}"
            );
            if let Ok((id, _)) = admitted {
                taken += 1;
                book.end(id, Outcome::Done { value }, 0);
                trust.owes(source, value, earmarked);
            }
            if random.below(10) == 0 {
                let owed = book.standing(source).outstanding;
                book.vouchered(source, owed, owed);
                trust.signs(source);
                if random.below(2) == 0 {
                    counted.insert(source, book.standing(source).signed);
                    trust.counts(source);
                }
            }
        }
        assert!((1_000..9_000).contains(&taken), "{taken}");
    }

    /// Who has paid s may then owe s and a little: half of all that it has done is never signed. What it sets aside helps
    /// for nothing that it has not signed.
    #[test]
    fn trust_doubles_what_was_paid() {
        let (mut trust, source) = (Trust::default(), Address::with_last_byte(1));
        assert_eq!(trust.room(source, 0), FIRST_TRUST);
        assert_eq!(trust.room(source, 50 * MOST_TRUST), FIRST_TRUST);
        trust.owes(source, FIRST_TRUST, 0);
        assert_eq!(trust.room(source, 0), 0);
        trust.signs(source);
        assert_eq!(trust.room(source, 0), 0);
        assert_eq!(trust.room(source, 50 * MOST_TRUST), 2 * FIRST_TRUST);
        trust.counts(source);
        assert_eq!(trust.room(source, 0), 2 * FIRST_TRUST);
    }
}
