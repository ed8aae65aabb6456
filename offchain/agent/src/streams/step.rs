//! A step: a call, and the event that says that it was done.

use std::{fmt::Debug, future::Future};

use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
};
use bpe_chain::{Batch, Call, ChainError, Effect, Refusal, SendError, Sender};

/// A lifecycle cannot go on for now.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("{step}: {reason}")]
    Refused { step: &'static str, reason: String },
    #[error("{what}: {has} are there, and {needed} are needed; send the rest to {account}")]
    Missing {
        what: &'static str,
        account: Address,
        has: alloy::primitives::U256,
        needed: alloy::primitives::U256,
    },
    #[error("{0}")]
    Impossible(String),
}

impl From<alloy::contract::Error> for StreamError {
    fn from(error: alloy::contract::Error) -> Self {
        Self::Chain(error.into())
    }
}

/// A call that brings a lifecycle on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub call: Call,
    /// Who says that it was done, and by which event.
    pub emitter: Address,
    pub event: B256,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Do(Step),
    /// Nothing before then, in seconds since 1970 by the chain.
    Wait {
        until: u64,
        why: &'static str,
    },
    Done,
}

/// Steps, one to a transaction. What is still to be done was read from the chain just before.
struct Single;

impl Batch for Single {
    type Item = Step;
    const WORKER: &'static str = "lifecycle";
    const MOST: usize = 1;

    fn id(&self, step: &Step) -> String {
        step.name.to_owned()
    }

    fn call(&self, steps: &[Step]) -> Call {
        steps[0].call.clone()
    }

    async fn open(&self, steps: Vec<Step>) -> Result<Vec<Step>, ChainError> {
        Ok(steps)
    }

    fn judge(&self, steps: &[Step], logs: &[Log]) -> Vec<Effect> {
        let said = |step: &Step| {
            logs.iter()
                .any(|log| log.address() == step.emitter && log.topic0() == Some(&step.event))
        };
        let effect = |step| {
            if said(step) {
                Effect::Done
            } else {
                Effect::None
            }
        };
        steps.iter().map(effect).collect()
    }

    /// What is refused now may be possible when somebody has sent tokens, or time has passed.
    fn refusal(&self, _: &str) -> Refusal {
        Refusal::Later
    }
}

/// Does what `next` says until there is nothing more to do now.
///
/// # Errors
/// If a step is refused, or had no effect: it is not tried again here.
pub async fn walk<F>(
    sender: &Sender,
    mut next: impl FnMut() -> F + Send,
) -> Result<Next, StreamError>
where
    F: Future<Output = Result<Next, StreamError>> + Send,
{
    // No lifecycle has as many steps: one that repeats itself ends.
    const MOST: usize = 32;
    for _ in 0..MOST {
        let step = match next().await? {
            Next::Do(step) => step,
            other => return Ok(other),
        };
        take(sender, step).await?;
    }
    Err(StreamError::Impossible(format!(
        "{MOST} steps have not come to an end"
    )))
}

/// Does one step.
///
/// # Errors
/// If it is refused, or had no effect.
pub async fn take(sender: &Sender, step: Step) -> Result<(), StreamError> {
    let name = step.name;
    tracing::info!(step = name, "takes a step on the chain");
    let call = step.call.clone();
    let (report, error) = sender.run(&Single, vec![step]).await;
    if let Some(error) = error {
        return Err(error.into());
    }
    if report.done.len() == 1 {
        return Ok(());
    }
    let reason = if report.observed.is_empty() {
        match sender.simulate(&call).await? {
            bpe_chain::Simulation::Reverts(reason) => reason,
            bpe_chain::Simulation::Gas(_) => "it had no effect".to_owned(),
        }
    } else {
        "observe is set: nothing is sent".to_owned()
    };
    Err(StreamError::Refused { step: name, reason })
}
