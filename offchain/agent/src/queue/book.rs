//! The queue's arithmetic: who runs, who waits, who is refused and until when. Without time of its own and without
//! threads.

use std::collections::{HashMap, VecDeque};

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use super::{QueueSettings, Refused};

/// Nobody is told to come back sooner.
const RETRY_LEAST_MS: u64 = 1_000;
/// How long what a stranger owes counts against all strangers, in milliseconds: whoever leaves without paying closes the
/// door to newcomers for a day, and not for good.
const STRANGERS_MS: u64 = 86_400_000;
/// When a newcomer may ask again that was refused because of the others, in milliseconds.
const STRANGERS_RETRY_MS: u64 = 60_000;

/// A task that asks to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    pub source: Address,
    /// The most that it may cost, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub value: u128,
    /// What the source has set aside for this sink beyond the next redemption, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub earmarked: u128,
    /// What of its vouchers has counted on the chain since ever, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub counted: u128,
    /// By when it is to be done, by the clock that `now_ms` is of.
    pub deadline_ms: u64,
}

/// What becomes of a task that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Runs,
    /// After so many milliseconds, as far as one can tell.
    Waits {
        expected_ms: u64,
    },
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is worth so many wei, which the source owes until it signs a voucher.
    Done { value: u128 },
    /// Nothing is owed.
    Failed,
}

#[derive(Clone, Copy, Debug)]
struct Task {
    source: Address,
    value: u128,
    deadline_ms: u64,
    /// `None` while it waits.
    started_ms: Option<u64>,
}

/// What a source has in hand, owes and has signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub in_hand: u32,
    /// Wei of its tasks in hand, and of those done without a voucher and a receipt.
    pub outstanding: u128,
    /// Wei of its vouchers since ever.
    pub signed: u128,
    /// Wei of its vouchers that have counted on the chain since ever, as last heard.
    pub counted: u128,
    /// Wei that it has set aside for this sink, as last heard.
    pub earmarked: u128,
    /// When it was last given a task, by the clock of `now_ms`.
    pub last_ms: u64,
}

impl Standing {
    /// Wei of vouchers that have not counted yet: until then the source can spend the money on somebody else.
    pub const fn uncounted(&self) -> u128 {
        self.signed.saturating_sub(self.counted)
    }

    /// Wei that the source owes altogether: not signed for, or not counted yet.
    pub const fn at_risk(&self) -> u128 {
        self.outstanding.saturating_add(self.uncounted())
    }

    /// Wei of its vouchers that were paid, or that the earmark is there for.
    fn secured(&self) -> u128 {
        let covered = self.uncounted().min(self.earmarked);
        self.counted.saturating_add(covered)
    }

    /// What the earmark does not cover of what it owes, in wei.
    fn unsecured(&self) -> u128 {
        let covered = self.uncounted().min(self.earmarked);
        self.at_risk().saturating_sub(covered)
    }
}

/// Tasks that changed because another one ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// They run now.
    pub started: Vec<u64>,
    /// They waited too long, and are out.
    pub expired: Vec<u64>,
}

/// Who runs and who waits.
#[derive(Clone, Debug)]
pub struct Book {
    settings: QueueSettings,
    next: u64,
    tasks: HashMap<u64, Task>,
    running: u32,
    waiting: VecDeque<u64>,
    sources: HashMap<Address, Standing>,
    mean_ms: u64,
}

impl Book {
    pub fn new(settings: QueueSettings) -> Self {
        Self {
            mean_ms: settings.first_service_ms,
            settings,
            next: 0,
            tasks: HashMap::new(),
            running: 0,
            waiting: VecDeque::new(),
            sources: HashMap::new(),
        }
    }

    /// Takes a task, or says why not and when to come back. What is refused has changed nothing.
    pub fn admit(&mut self, request: &Request, now_ms: u64) -> Result<(u64, Admission), Refused> {
        self.trusts(request, now_ms)?;
        let expected_ms = self.expected_wait_ms();
        let retry_after_ms = expected_ms.max(RETRY_LEAST_MS);
        let settings = &self.settings;
        let in_hand = self.standing(request.source).in_hand;
        if in_hand >= settings.most_per_source {
            return Err(Refused::Source {
                in_hand,
                retry_after_ms,
            });
        }
        let runs = self.running < settings.at_once && self.waiting.is_empty();
        if !runs && (settings.at_once == 0 || self.waiting.len() >= settings.most_waiting as usize)
        {
            return Err(Refused::Full { retry_after_ms });
        }
        let needed_ms = expected_ms.saturating_add(self.mean_ms);
        if now_ms.saturating_add(needed_ms) > request.deadline_ms {
            return Err(Refused::Late {
                needed_ms,
                retry_after_ms,
            });
        }
        let id = self.next;
        self.next += 1;
        let started_ms = runs.then_some(now_ms);
        self.tasks.insert(
            id,
            Task {
                source: request.source,
                value: request.value,
                deadline_ms: request.deadline_ms,
                started_ms,
            },
        );
        let standing = self.sources.entry(request.source).or_default();
        *standing = heard(*standing, request);
        standing.in_hand += 1;
        standing.outstanding = standing.outstanding.saturating_add(request.value);
        standing.last_ms = now_ms;
        if runs {
            self.running += 1;
            return Ok((id, Admission::Runs));
        }
        self.waiting.push_back(id);
        Ok((id, Admission::Waits { expected_ms }))
    }

    /// A task ended, whether it ran or waited. One that is not known changes nothing: every way out may say so.
    pub fn end(&mut self, id: u64, outcome: Outcome, now_ms: u64) -> Changes {
        let Some(task) = self.tasks.remove(&id) else {
            return Changes::default();
        };
        match task.started_ms {
            Some(started_ms) => {
                self.running -= 1;
                if matches!(outcome, Outcome::Done { .. }) {
                    let took = now_ms.saturating_sub(started_ms);
                    self.mean_ms = (self.mean_ms.saturating_mul(7).saturating_add(took)) / 8;
                }
            }
            None => self.waiting.retain(|waiting| *waiting != id),
        }
        let owed = match outcome {
            Outcome::Done { value } => value,
            Outcome::Failed => 0,
        };
        self.settle(task.source, |standing| {
            standing.in_hand -= 1;
            standing.outstanding = standing
                .outstanding
                .saturating_sub(task.value)
                .saturating_add(owed);
        });
        self.advance(now_ms)
    }

    /// A source has signed for `value` wei more, and given the receipts of tasks worth `settled`.
    pub fn vouchered(&mut self, source: Address, value: u128, settled: u128) {
        self.settle(source, |standing| {
            standing.outstanding = standing.outstanding.saturating_sub(settled);
            standing.signed = standing.signed.saturating_add(value);
        });
    }

    /// What is known of a source from before: what it owes and has signed, in wei.
    pub fn remember(&mut self, source: Address, outstanding: u128, signed: u128, now_ms: u64) {
        self.settle(source, |standing| {
            standing.outstanding = standing.outstanding.saturating_add(outstanding);
            standing.signed = standing.signed.saturating_add(signed);
            standing.last_ms = now_ms;
        });
    }

    /// Sets how many run at once. What runs goes on.
    pub fn set_at_once(&mut self, at_once: u32, now_ms: u64) -> Changes {
        self.settings.at_once = at_once;
        self.advance(now_ms)
    }

    pub fn standing(&self, source: Address) -> Standing {
        self.sources.get(&source).copied().unwrap_or_default()
    }

    /// What a source may owe without having signed for it, in wei: a first trust, and what it has paid for before or has
    /// signed for and set aside.
    pub fn trust(&self, source: Address) -> u128 {
        self.limited(self.standing(source).secured())
    }

    /// What a task of this source may be worth at most, in wei, for it to be trusted with it; the request's value is not looked at.
    pub fn room(&self, request: &Request, now_ms: u64) -> u128 {
        let standing = heard(self.standing(request.source), request);
        let unsigned = self
            .limited(standing.secured())
            .saturating_sub(standing.outstanding);
        let secured = self
            .limited(standing.counted)
            .saturating_add(standing.earmarked)
            .saturating_sub(standing.at_risk());
        let room = unsigned.min(secured);
        if standing.counted > 0 {
            return room;
        }
        let others = self.owed_by_strangers(request.source, now_ms);
        let owed = others.saturating_add(standing.unsecured());
        room.min(self.settings.most_strangers.saturating_sub(owed))
    }

    fn limited(&self, secured: u128) -> u128 {
        let first = self.settings.first_trust;
        let trust = first.saturating_add(secured);
        trust.min(self.settings.most_trust.max(first))
    }

    pub fn running(&self) -> u32 {
        self.running
    }

    pub fn waiting(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    pub fn at_once(&self) -> u32 {
        self.settings.at_once
    }

    /// The mean of what tasks took, in milliseconds: each new one counts an eighth.
    pub fn mean_ms(&self) -> u64 {
        self.mean_ms
    }

    /// How long one that comes now would wait: as many have to end before it as wait and run beyond the limit, at the
    /// mean pace; rounded up.
    pub fn expected_wait_ms(&self) -> u64 {
        let at_once = u64::from(self.settings.at_once.max(1));
        if self.running < self.settings.at_once && self.waiting.is_empty() {
            return 0;
        }
        let beyond = u64::from(self.running.saturating_sub(self.settings.at_once));
        let before = self.waiting.len() as u64 + beyond + 1;
        before.saturating_mul(self.mean_ms).div_ceil(at_once)
    }

    /// Whether a source is trusted with a task. Nothing on the chain makes it sign for what was done, so that an earmark
    /// covers vouchers and nothing else: it goes back to a source that does not sign.
    fn trusts(&self, request: &Request, now_ms: u64) -> Result<(), Refused> {
        let mut standing = heard(self.standing(request.source), request);
        standing.outstanding = standing.outstanding.saturating_add(request.value);
        let (owed, trusted) = (standing.outstanding, self.limited(standing.secured()));
        if owed > trusted {
            return Err(Refused::Unsigned {
                owed,
                trusted,
                retry_after_ms: RETRY_LEAST_MS,
            });
        }
        let uncovered = self.limited(standing.counted);
        let needed = standing.at_risk().saturating_sub(uncovered);
        if needed > standing.earmarked {
            return Err(Refused::Unsecured {
                needed,
                earmarked: standing.earmarked,
            });
        }
        if standing.counted == 0 {
            let others = self.owed_by_strangers(request.source, now_ms);
            let owed = others.saturating_add(standing.unsecured());
            let most = self.settings.most_strangers;
            if owed > most {
                return Err(Refused::Strangers {
                    owed,
                    most,
                    retry_after_ms: STRANGERS_RETRY_MS,
                });
            }
        }
        Ok(())
    }

    /// What all others owe who have paid for nothing yet and were given a task within a day, in wei.
    fn owed_by_strangers(&self, but: Address, now_ms: u64) -> u128 {
        let others = self.sources.iter().filter(|(source, _)| **source != but);
        let strangers = others
            .map(|(_, it)| it)
            .filter(|it| it.counted == 0 && now_ms.saturating_sub(it.last_ms) < STRANGERS_MS);
        strangers.fold(0_u128, |sum, it| sum.saturating_add(it.unsecured()))
    }

    fn advance(&mut self, now_ms: u64) -> Changes {
        let mut changes = Changes::default();
        while self.running < self.settings.at_once {
            let Some(id) = self.waiting.pop_front() else {
                break;
            };
            let Some(task) = self.tasks.get_mut(&id) else {
                continue;
            };
            if task.deadline_ms <= now_ms {
                changes.expired.push(id);
                self.drop_waiting(id);
                continue;
            }
            task.started_ms = Some(now_ms);
            self.running += 1;
            changes.started.push(id);
        }
        changes
    }

    fn drop_waiting(&mut self, id: u64) {
        if let Some(task) = self.tasks.remove(&id) {
            self.settle(task.source, |standing| {
                standing.in_hand -= 1;
                standing.outstanding = standing.outstanding.saturating_sub(task.value);
            });
        }
    }

    fn settle(&mut self, source: Address, change: impl FnOnce(&mut Standing)) {
        let standing = self.sources.entry(source).or_default();
        change(standing);
        // What the chain says is heard again with the next task.
        if standing.in_hand == 0 && standing.outstanding == 0 && standing.signed == 0 {
            self.sources.remove(&source);
        }
    }
}

/// A source's standing, with what the chain says now. What has counted stays counted.
fn heard(standing: Standing, request: &Request) -> Standing {
    Standing {
        counted: standing.counted.max(request.counted),
        earmarked: request.earmarked,
        ..standing
    }
}
