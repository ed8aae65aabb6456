//! A task in hand: whatever becomes of it, the store knows.

use alloy::primitives::B256;
use bpe_agent::vouchers::{Finished, Ledger, Pair};

/// A task that was taken. Dropped without [`InHand::end`] it has failed.
pub struct InHand {
    ledger: Ledger,
    pair: Pair,
    task_id: B256,
    ended: bool,
}

impl InHand {
    pub const fn new(ledger: Ledger, pair: Pair, task_id: B256) -> Self {
        Self {
            ledger,
            pair,
            task_id,
            ended: false,
        }
    }

    /// Stores how it ended. False if the store refused: then it counts as failed, and nothing is owed.
    pub async fn end(mut self, finished: Finished) -> bool {
        let stored = self.ledger.finish(&self.pair, self.task_id, finished).await;
        self.ended = stored.is_ok();
        if let Err(error) = &stored {
            tracing::error!(%error, task = %self.task_id, "cannot store how a task ended");
        }
        stored.is_ok()
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (ledger, pair, task_id) = (self.ledger.clone(), self.pair, self.task_id);
        tokio::spawn(async move {
            let failed = ledger.finish(&pair, task_id, Finished::Failed).await;
            if let Err(error) = failed {
                tracing::error!(%error, task = %task_id, "cannot store that a task failed");
            }
        });
    }
}
