//! What workers and API share.

use std::{collections::HashMap, sync::Arc};

use alloy::{primitives::B256, providers::DynProvider};
use bpe_chain::{views::Suite, Database, Deployment, HeadWatch, Sender};
use tokio::sync::{Mutex, Semaphore};

use crate::{
    config::Config,
    health::Health,
    inbox::Inbox,
    index::Index,
    leader::Leader,
    oracle::{self, Checker},
    rebalance::Debts,
    verification::{self, TaskChecker, VoucherChecker},
};

/// A keeper's parts.
pub struct Shared {
    pub config: Config,
    pub deployment: Deployment,
    pub provider: DynProvider,
    pub suite: Suite,
    pub database: Database,
    pub index: Index,
    pub head: HeadWatch,
    pub sender: Sender,
    pub health: Health,
    pub leader: Leader,
    pub attestations: Inbox,
    pub receipts: Inbox,
    pub assignments: Inbox,
    pub vouchers: Inbox,
    pub checker: Checker,
    pub tasks: TaskChecker,
    pub voucher_checker: VoucherChecker,
    pub live: Arc<Semaphore>,
    /// What units have misallocated, by task type, and when that was looked at last.
    pub debts: Mutex<(HashMap<B256, Debts>, Option<u64>)>,
}

impl Shared {
    pub fn new(
        config: Config,
        deployment: Deployment,
        provider: DynProvider,
        database: Database,
        head: HeadWatch,
        sender: Sender,
        suite: Suite,
    ) -> Self {
        let chain_id = deployment.chain_id;
        let inbox = |worker, most| Inbox::new(database.clone(), worker, most);
        Self {
            attestations: inbox(oracle::WORKER, config.oracle.inbox),
            receipts: inbox(verification::RECEIPTS, config.verification.inbox),
            assignments: inbox(verification::ASSIGNMENTS, config.verification.inbox),
            vouchers: inbox(verification::VOUCHERS, config.verification.inbox),
            checker: Checker::new(suite.clone(), provider.clone(), chain_id),
            tasks: TaskChecker::new(suite.clone(), provider.clone(), chain_id),
            voucher_checker: VoucherChecker::new(suite.clone(), chain_id),
            index: Index::new(database.clone(), &deployment),
            leader: Leader::new(&database),
            live: Arc::new(Semaphore::new(config.api.live)),
            debts: Mutex::default(),
            health: Health::default(),
            config,
            deployment,
            provider,
            suite,
            database,
            head,
            sender,
        }
    }
}
