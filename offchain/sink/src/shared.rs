//! What requests and workers share.

use std::{
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        Mutex, PoisonError,
    },
    time::Instant,
};

use alloy::primitives::{Address, B256};
use bpe_agent::{
    capacity::{Meter, Reading},
    formats::WorkScale,
    queue::TaskQueueManager,
    vouchers::Ledger,
};
use bpe_service::{http::Client, start::Base};

use crate::{chain::Money, config::Config};

/// A sink's parts.
pub struct Shared {
    pub config: Config,
    pub base: Base,
    /// What vouchers are signed for.
    pub contract: Address,
    /// What receipts are signed for.
    pub tracker: Address,
    pub scale: WorkScale,
    pub ledger: Ledger,
    pub queue: TaskQueueManager,
    pub money: Money,
    pub client: Client,
    pub draining: AtomicBool,
    /// Whether the service behind answers.
    pub up: AtomicBool,
    capacity: AtomicU64,
    meter: Mutex<Meter>,
    origin: Instant,
}

/// The parts that a sink is made of.
pub struct Parts {
    pub config: Config,
    pub base: Base,
    pub contract: Address,
    pub tracker: Address,
    pub scale: WorkScale,
    pub ledger: Ledger,
    pub money: Money,
    pub client: Client,
}

impl Shared {
    pub fn new(parts: Parts) -> Self {
        let queue = TaskQueueManager::new(parts.config.queue());
        Self {
            capacity: AtomicU64::new(parts.config.capacity.initial),
            config: parts.config,
            base: parts.base,
            contract: parts.contract,
            tracker: parts.tracker,
            scale: parts.scale,
            ledger: parts.ledger,
            queue,
            money: parts.money,
            client: parts.client,
            draining: AtomicBool::new(false),
            up: AtomicBool::new(true),
            meter: Mutex::new(Meter::new(0.0)),
            origin: Instant::now(),
        }
    }

    pub const fn task_type(&self) -> B256 {
        self.config.service.task_type
    }

    pub fn sink(&self) -> Address {
        self.base.account()
    }

    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub fn drains(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Work units of 1e-9 per second, as last computed.
    pub fn capacity(&self) -> u64 {
        self.capacity.load(Ordering::Relaxed)
    }

    pub fn say(&self, reading: Reading) {
        self.capacity.store(reading.capacity, Ordering::Relaxed);
        self.queue.set_at_once(reading.limit);
    }

    /// The number of tasks in flight has changed.
    pub fn look(&self) {
        let (running, waiting, at_once) = self
            .queue
            .look(|book| (book.running(), book.waiting(), book.at_once()));
        let saturated = waiting > 0 || running >= at_once;
        self.with_meter(|meter, now| meter.see(now, running, saturated));
    }

    /// Does something with the meter, at this time in seconds.
    pub fn with_meter<T>(&self, with: impl FnOnce(&mut Meter, f64) -> T) -> T {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        with(&mut meter, self.origin.elapsed().as_secs_f64())
    }
}
