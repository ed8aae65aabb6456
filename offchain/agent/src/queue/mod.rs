//! TaskQueueManager: takes only what can be done in time, by those who have shown that they sign for it.
//!
//! - A task runs if there is room, waits if its deadline leaves the time (by the mean of what tasks took), and is
//!   refused otherwise, with when to come back.
//! - What a source has not signed for is at most a first trust and what it has paid before, up to a limit. No earmark
//!   raises that: nothing makes a source sign, and its earmark comes back to it.
//! - What it has signed for and what has not counted on the chain yet may be that much, and as much more as it has set
//!   aside for this sink: until a voucher counts, a source can spend its money on somebody else.
//! - All that have paid for nothing yet have a limit together, too: new accounts cost nothing.
//! - What is in hand is never refused. A slot belongs to a [`Slot`], and is free when that is dropped, however it
//!   came to it.

mod book;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

pub use book::{Admission, Book, Changes, Outcome, Request, Standing};

/// What a queue may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueSettings {
    /// Tasks that run at once.
    pub at_once: u32,
    /// Tasks that wait at most.
    pub most_waiting: u32,
    /// Tasks of one source in hand at most.
    pub most_per_source: u32,
    /// What a task takes, before one was measured, in milliseconds.
    pub first_service_ms: u64,
    /// What a source may owe unsigned that has paid for nothing yet, in wei. A task of more is not taken of it.
    #[serde(with = "bpe_chain::decimal")]
    pub first_trust: u128,
    /// What any source may owe unsigned, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub most_trust: u128,
    /// What all those may owe together who have paid for nothing yet, in wei.
    #[serde(with = "bpe_chain::decimal")]
    pub most_strangers: u128,
}

/// What the chain says of a source's money for a sink, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Set aside for this sink beyond the next redemption.
    pub earmarked: u128,
    /// What of its vouchers has counted since ever.
    pub counted: u128,
}

/// Why a task is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it would take {needed_ms} ms, which is past its deadline")]
    Late { needed_ms: u64, retry_after_ms: u64 },
    #[error("as many wait as may")]
    Full { retry_after_ms: u64 },
    #[error("{in_hand} tasks of this source are in hand, which is as many as may be")]
    Source { in_hand: u32, retry_after_ms: u64 },
    #[error(
        "the source would owe {owed} wei without voucher and receipts, and is trusted with {trusted}"
    )]
    Unsigned {
        owed: u128,
        trusted: u128,
        retry_after_ms: u64,
    },
    #[error(
        "the source has to set {needed} wei aside until its vouchers count, and has {earmarked}"
    )]
    Unsecured { needed: u128, earmarked: u128 },
    #[error(
        "sources that have paid for nothing yet would owe {owed} wei together, and may owe {most}"
    )]
    Strangers {
        owed: u128,
        most: u128,
        retry_after_ms: u64,
    },
    #[error("it waited until its deadline")]
    Expired,
}

struct Inner {
    book: Book,
    waiters: HashMap<u64, oneshot::Sender<bool>>,
}

/// A queue that async code waits in.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::{Duration, Instant};
/// use alloy::primitives::Address;
/// use bpe_agent::queue::{Funds, QueueSettings, TaskQueueManager};
///
/// let queue = TaskQueueManager::new(QueueSettings {
///     at_once: 1,
///     most_waiting: 10,
///     most_per_source: 4,
///     first_service_ms: 100,
///     first_trust: 1_000,
///     most_trust: 1_000_000,
///     most_strangers: 10_000,
/// });
/// let source = Address::repeat_byte(1);
/// let by = Instant::now() + Duration::from_secs(5);
/// let funds = |earmarked, counted| Funds { earmarked, counted };
/// let slot = queue.admit(source, 400, funds(0, 0), by).unwrap().run().await.unwrap();
/// assert_eq!(queue.running(), 1);
/// slot.done(300); // the source owes 300 wei until it signs
/// assert_eq!(queue.running(), 0);
/// assert!(queue.admit(source, 800, funds(5_000, 0), by).is_err()); // 300 + 800 are more than its first trust
/// queue.vouchered(source, 300, 300);
/// assert!(queue.admit(source, 800, funds(0, 0), by).is_err()); // the voucher has not counted yet
/// assert!(queue.admit(source, 800, funds(100, 0), by).is_ok()); // but is set aside; or, later:
/// assert!(queue.admit(source, 200, funds(0, 300), by).is_ok());
/// # });
/// ```
#[derive(Clone)]
pub struct TaskQueueManager {
    inner: Arc<Mutex<Inner>>,
    origin: Instant,
}

/// A place in the queue. Dropped, it is free again.
pub struct Slot {
    queue: TaskQueueManager,
    id: u64,
    turn: Option<oneshot::Receiver<bool>>,
    outcome: Outcome,
}

impl TaskQueueManager {
    pub fn new(settings: QueueSettings) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                book: Book::new(settings),
                waiters: HashMap::new(),
            })),
            origin: Instant::now(),
        }
    }

    /// Takes a task of at most `value` wei that is to be done `by` then, of a source with these funds.
    ///
    /// # Errors
    /// Why it is not taken. Nothing has changed then.
    pub fn admit(
        &self,
        source: Address,
        value: u128,
        funds: Funds,
        by: Instant,
    ) -> Result<Slot, Refused> {
        let request = Request {
            source,
            value,
            earmarked: funds.earmarked,
            counted: funds.counted,
            deadline_ms: self.millis(by),
        };
        let now_ms = self.millis(Instant::now());
        let mut inner = self.inner();
        let (id, admission) = inner.book.admit(&request, now_ms)?;
        let turn = match admission {
            Admission::Runs => None,
            Admission::Waits { .. } => {
                let (sender, turn) = oneshot::channel();
                inner.waiters.insert(id, sender);
                Some(turn)
            }
        };
        drop(inner);
        Ok(Slot {
            queue: self.clone(),
            id,
            turn,
            outcome: Outcome::Failed,
        })
    }

    /// A source has signed for `value` wei more, and given the receipts of tasks worth `settled`. What has no receipt is as
    /// good as unsigned: the source could still report it as missed.
    pub fn vouchered(&self, source: Address, value: u128, settled: u128) {
        self.inner().book.vouchered(source, value, settled);
    }

    /// What is known of a source from before a restart, in wei.
    pub fn remember(&self, source: Address, outstanding: u128, signed: u128) {
        let now_ms = self.millis(Instant::now());
        self.inner()
            .book
            .remember(source, outstanding, signed, now_ms);
    }

    /// Sets how many run at once. What runs goes on.
    pub fn set_at_once(&self, at_once: u32) {
        let now_ms = self.millis(Instant::now());
        let mut inner = self.inner();
        let changes = inner.book.set_at_once(at_once, now_ms);
        inner.tell(changes);
    }

    /// Looks at the book.
    pub fn look<T>(&self, at: impl FnOnce(&Book) -> T) -> T {
        at(&self.inner().book)
    }

    pub fn running(&self) -> u32 {
        self.look(Book::running)
    }

    pub fn waiting(&self) -> u32 {
        self.look(Book::waiting)
    }

    fn end(&self, id: u64, outcome: Outcome) {
        let now_ms = self.millis(Instant::now());
        let mut inner = self.inner();
        inner.waiters.remove(&id);
        let changes = inner.book.end(id, outcome, now_ms);
        inner.tell(changes);
    }

    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// A panic of a caller between two lines of this file cannot be: what is poisoned is whole.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Tells those whose turn has come, and those whose time is up. Who has gone meanwhile gives back by being dropped.
    fn tell(&mut self, changes: Changes) {
        let told = changes.started.into_iter().map(|id| (id, true));
        for (id, runs) in told.chain(changes.expired.into_iter().map(|id| (id, false))) {
            if let Some(waiter) = self.waiters.remove(&id) {
                let _ = waiter.send(runs);
            }
        }
    }
}

impl Slot {
    /// Waits for its turn.
    ///
    /// # Errors
    /// [`Refused::Expired`], if its deadline came first.
    pub async fn run(mut self) -> Result<Self, Refused> {
        if let Some(turn) = self.turn.take() {
            if !turn.await.unwrap_or(false) {
                return Err(Refused::Expired);
            }
        }
        Ok(self)
    }

    /// The task is done, and the source owes so many wei for it.
    pub fn done(mut self, value: u128) {
        self.outcome = Outcome::Done { value };
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.queue.end(self.id, self.outcome);
    }
}

/// When to come back, in whole seconds as `Retry-After` has them, rounded up.
pub fn retry_after(refused: &Refused) -> Option<u64> {
    match refused {
        Refused::Late { retry_after_ms, .. }
        | Refused::Full { retry_after_ms }
        | Refused::Source { retry_after_ms, .. }
        | Refused::Unsigned { retry_after_ms, .. }
        | Refused::Strangers { retry_after_ms, .. } => Some(retry_after_ms.div_ceil(1_000)),
        Refused::Expired => Some(1),
        Refused::Unsecured { .. } => None,
    }
}

/// From here on so long.
pub fn within(duration: Duration) -> Instant {
    Instant::now() + duration
}
